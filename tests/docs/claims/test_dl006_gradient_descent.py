"""DL006 の文が述べる、ページの出力にまだ現れていない事実。"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pictures import named, once, points_of, written

from dlnotes import optimizers
from dlnotes.arrays import Array
from dlnotes.backprop import backward, loss_and_gradient
from dlnotes.datasets import linear_target
from dlnotes.figures import dl006_gradient_descent as figures
from dlnotes.network import Layer, forward_trace, init_network, parameters, with_parameters
from dlnotes.optimizers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    constant,
    cosine,
    exponential_decay,
    step_decay,
)

album = once(figures)

VALLEY, START = np.array([1.0, 50.0]), np.array([-2.0, 0.2])


def path(
    optimizer: Optimizer[Any], gradient: Callable[[Array], Array], theta: Array, updates: int
) -> Array:
    state, points = optimizer.init(theta), [theta]
    for _ in range(updates):
        theta, state = optimizer.step(theta, gradient(theta), state)
        points.append(theta)
    return np.array(points)


def test_a_small_step_lowers_the_error_by_the_rate_times_the_squared_gradient() -> None:
    # 「ε が十分に小さければ、1 回の更新で誤差はおよそ ε‖∇E‖² 減ります。」
    for seed in range(5):
        x, d = linear_target(50, rng=np.random.default_rng(seed))
        net = init_network([2, 10, 1], activation="tanh", rng=np.random.default_rng(seed + 9))
        before, g = loss_and_gradient(net, x, d, "squared_error")
        misses = []
        for rate in (1e-3, 1e-4, 1e-5):
            theta, _ = SGD(rate).step(parameters(net), g, ())
            after = loss_and_gradient(with_parameters(net, theta), x, d, "squared_error")[0]
            misses.append(abs((before - after) / (rate * (g @ g)) - 1))
        assert misses[0] > 5 * misses[1] > 25 * misses[2]
        assert misses[2] < 1e-3


def test_slider_of_the_ravine_gets_faster_then_swings_then_spreads() -> None:
    # 「大きくすると速く進みますが、谷を横切る往復が残り、境目の…では往復が縮まず、…」
    ends = []
    for rate in (0.005, 0.01, 0.02, 0.03, 0.036, 0.039, 0.04, 0.0405):
        drawing, _ = album.ravine(rate)
        top, bottom = drawing.axes
        one, two = top.lines[0].get_data()
        assert len(two) == 31
        assert bottom.get_yscale() == "log"
        np.testing.assert_allclose(bottom.lines[0].get_ydata(), (one**2 + 50 * two**2) / 2)
        ends.append(one[-1])
        assert (two[:-1] * two[1:] < -1e-30).any() == (rate > 0.02)  # 往復は 1/50 を超えてから
        assert np.sign(abs(two[-1]).round(9) - 0.2) == np.sign(rate - 0.04)
        if rate < 0.02:  # 底に着いてから、底に沿って
            assert abs(two[-1]) < 1e-3
            assert abs(one[-1]) > 0.7 * 2
    assert (np.diff(ends) > 0).all()
    assert max(ends) < 0


def test_best_rate_balances_the_steepest_and_the_flattest_direction() -> None:
    # 「いちばん遅い向きが最も速くなるのは、両端の倍率が等しいときです。」
    # 「大きくすると、λ_min の向きの縮みは 1/λ_min まで速くなり、
    # …の向きの縮みは…から先で遅くなります」
    rng = np.random.default_rng(0)
    for kappa in (1.5, 2.0, 10.0, 50.0, 300.0):
        low = rng.uniform(0.1, 5)
        curvature = low * np.append(rng.uniform(1, kappa, 5), [1, kappa])
        best, factor = 2 / (low + low * kappa), (kappa - 1) / (kappa + 1)
        slowest = abs(1 - np.outer(best * np.array([1, 0.5, 0.9, 0.99, 1.01, 1.1]), curvature))
        assert math.isclose(slowest[0].max(), factor, rel_tol=1e-12)
        assert (slowest[1:].max(axis=1) > factor).all()
        rates = np.linspace(0, 2 / (low * kappa), 202)
        for bend in (low, low * kappa):
            slower = np.diff(abs(1 - rates * bend)) > 0
            assert (slower == ((rates[1:] + rates[:-1]) / 2 > 1 / bend)).all()
        # 「悪ければ 1 回の更新でこの倍率でしか縮みません。」
        points = path(SGD(best), lambda w, c=curvature: c * w, np.array([0.0] * 5 + [1, 1]), 40)
        far = np.linalg.norm(points, axis=1)
        np.testing.assert_allclose(far[1:] / far[:-1], factor, rtol=1e-9)


def test_start_chooses_the_minimum_and_only_the_ridge_stops_at_the_saddle() -> None:
    # 「学習率が小さければ、どちらに着くかは出発点で決まります。」
    top = float(np.sort(np.roots([1, 0, -1, 0.1]).real)[1])
    for start in (-1.4, -0.5, 0.0, top - 0.01, top + 0.01, 0.5, 1.4):
        end = path(SGD(0.05), lambda w: w**3 - w + 0.1, np.array([start]), 400)[-1, 0]
        assert abs(end - (-1.0467 if start < top else 0.9456)) < 1e-3

    # 「少しでもずれた道は離れていきます」「抜け出すまでに時間がかかります。」
    def slope(t: Array) -> Array:
        return np.array([t[0], t[1] ** 3 - t[1]])

    assert abs(path(SGD(0.2), slope, np.array([-1.0, 0.0]), 400)[-1]).max() < 1e-9
    waits = []
    for side in (1e-2, -1e-4, 1e-6, -1e-8):
        two = path(SGD(0.2), slope, np.array([-1.0, side]), 400)[:, 1]
        assert abs(two[-1] - np.sign(side)) < 1e-6
        waits.append(int(np.argmax(abs(two) > 0.5)))
    assert np.allclose(np.diff(waits), math.log(100) / math.log(1.2), atol=1)
    # 「尾根の上から出た道は鞍点で止まり、わずかにずれた道は極小へ曲がります。」
    ridge, aside = [line.get_xydata()[-1] for line in album.stationary_points().axes[1].lines[:2]]
    np.testing.assert_allclose([ridge, aside], [[0, 0], [0, 1]], atol=1e-4)


def test_momentum_of_the_textbooks_is_the_same_only_while_the_rate_is_constant() -> None:
    # 「この v は上の v を −ε 倍したもので、学習率が一定なら同じ道を進みます。」
    for falls in (False, True):
        theta, state = START, Momentum(0.01).init(START)
        other, v = START, np.zeros(2)
        for t in range(30):
            rate = 0.01 * 0.9**t if falls else 0.01
            v = 0.9 * v - rate * VALLEY * other
            other = other + v
            theta, state = Momentum(rate).step(theta, VALLEY * theta, state)
            assert falls or np.allclose(v, -rate * state)
        assert np.allclose(theta, other) != falls


def test_nesterov_brakes_earlier_than_momentum_unless_the_rate_is_too_large() -> None:
    # 「学習率が大きすぎなければ、進んだ先の勾配で早めにブレーキがかかります。」
    def width(optimizer: Optimizer[Any]) -> float:
        return float(abs(path(optimizer, lambda w: 50 * w, np.array([0.2]), 60)[11:]).max())

    for share in (0.1, 0.2, 0.5, 0.9, 1.2, 1.3):
        assert width(Nesterov(share / 50)) < 0.7 * width(Momentum(share / 50)) < 0.1
    # 境目は (2 + 2μ)/(1 + 2μ) で、Momentum の 2 + 2μ より小さい。
    assert width(Nesterov(1.5 / 50)) > 1e3 > 0.2 > width(Momentum(1.5 / 50))


def test_adagrad_moves_far_where_the_gradient_is_rarely_not_zero() -> None:
    # 「そのため割る数が小さく、たまに来る 0 でない勾配で大きく動けます。」
    for every in (4, 25, 100):
        theta, state = np.zeros(2), AdaGrad(0.1).init(np.zeros(2))
        for t in range(1, 401):
            g = np.array([1.0, float(t % every == 0)])
            new, state = AdaGrad(0.1).step(theta, g, state)
            step, theta = abs(new - theta), new
        assert math.isclose(step[1] / step[0], math.sqrt(every), rel_tol=1e-6)
    # 「長い学習では、最小の点の手前でほとんど進まなくなることがあります。」
    w = path(AdaGrad(0.1), lambda w: w, np.array([100.0]), 4000)[:, 0]
    assert w[-1] > 80
    assert w[-2] - w[-1] < 0.02 * (w[0] - w[1])
    assert abs(path(RMSProp(0.1), lambda w: w, np.array([100.0]), 4000)[-1, 0]) < 1


def test_three_methods_scale_the_gradient_at_hand_and_three_others_do_not() -> None:
    # 「学習率をどう変えても、成分ごとにどんな倍率を掛けても、第 1 成分は動けません」
    # 「いまの勾配に掛ける数を変えるだけではできない動きです」
    # 「AdaGrad、RMSProp、Adadelta は、いまの勾配に成分ごとの倍率を掛けます。」
    rng = np.random.default_rng(0)
    scaled = {SGD, AdaGrad, RMSProp, Adadelta}
    methods = [SGD(0.1), AdaGrad(0.1), RMSProp(0.1), Adadelta()]
    for optimizer in (*methods, Momentum(0.1), Nesterov(0.1), Adam(0.1)):
        theta = np.zeros(6)
        state, always = optimizer.init(theta), True
        for _ in range(50):
            g = rng.normal(size=6) * rng.integers(0, 2, size=6)
            new, state = optimizer.step(theta, g, state)
            always &= bool((np.sign(new - theta) == -np.sign(g)).all())
            theta = new
        assert always == (type(optimizer) in scaled)


def test_correction_of_adam_removes_the_bias_exactly_on_average() -> None:
    # 「1−β₁ᵗ で割れば、偏りはちょうど消えます。」
    rng, n = np.random.default_rng(0), 40_000
    theta, opt = np.zeros(n), Adam(0.001)
    state = opt.init(theta)
    for t in range(1, 31):
        g = 2 + rng.normal(size=n)  # E[g] = 2, E[g²] = 5
        theta, state = opt.step(theta, g, state)
        _, m, v = state
        assert abs(m.mean() / (1 - 0.9**t) - 2) < 0.03
        assert abs(v.mean() / (1 - 0.999**t) - 5) < 0.15
        # 「補正しないと、v のほうが m より強く 0 に偏る」
        assert math.sqrt(v.mean() / 5) < m.mean() / 2 < 0.99


def test_only_three_methods_do_not_notice_that_the_axes_are_turned() -> None:
    # 「勾配降下法、Momentum、Nesterov の回数は、傾けても変わりません」
    # 「傾けると回数が変わり」
    # 「勾配をそのまま足すだけなので、座標軸を回しても同じ道になるからです。」
    plain = {SGD, Momentum, Nesterov}
    methods = [SGD(0.035), Momentum(0.01), Nesterov(0.01), AdaGrad(0.5), RMSProp(0.05)]
    for optimizer in (*methods, Adadelta(), Adam(0.1)):
        straight = path(optimizer, lambda w: VALLEY * w, START, 60)
        for angle in np.radians([10, 45, 77]):
            Q = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            A = Q @ np.diag(VALLEY) @ Q.T
            turned = path(optimizer, lambda w, A=A: A @ w, Q @ START, 60) @ Q
            assert np.allclose(turned, straight, atol=1e-9) == (type(optimizer) in plain)


def test_seven_paths_do_what_the_alternative_text_says() -> None:
    # 「Momentum は谷を横切って揺れながら最小の点を行き過ぎ、Nesterov は揺れがすぐに収まります。」
    axes = album.seven_optimizers().axes
    lines = {ax.get_title(loc="left").split()[0]: ax.lines[0].get_xydata() for ax in axes}
    momentum, adagrad, adadelta = (lines[k] for k in ("Momentum", "AdaGrad", "Adadelta"))
    assert len(lines) == 7
    assert all((line[0] == START).all() for line in lines.values())
    assert momentum[:, 0].max() > 0.2
    assert abs(momentum[30:, 1]).max() > 0.03
    assert abs(lines["Nesterov"][11:, 1]).max() < 0.005
    # 「AdaGrad は斜めの大きな一歩で谷を跳び越してから揺れが収まり、Adadelta は 600 回かけて…」
    np.testing.assert_allclose(adagrad[1] - START, [0.5, -0.5], atol=1e-6)
    assert adagrad[1, 1] < 0 < START[1]
    assert abs(adagrad[10:, 1]).max() < 1e-3
    assert len(adadelta) == 601
    assert (np.diff(adadelta[:, 0]) > 0).all()
    assert abs(adadelta[:, 0]).min() > 0.1


def test_rmsprop_swings_out_where_its_factor_passes_the_limit_and_a_schedule_calms_it() -> None:
    # 「勾配に掛ける数 ε/√h が、この向きで収束する限界 2/50 を超えるからです。」
    swings = {}
    for name in ("constant", "cosine"):
        theta, h, two = START, RMSProp(0.05).init(START), []
        for t in range(200):
            rate = 0.05 if name == "constant" else cosine(t, learning_rate=0.05, iterations=200)
            new, h = RMSProp(rate).step(theta, VALLEY * theta, h)
            grows = abs(new[1]) > abs(theta[1])
            assert grows == (rate / np.sqrt(h[1]) > 2 / 50)
            theta = new
            two.append(abs(theta[1]))
        if name == "constant":  # 図と同じ道。ほとんど 0 から、最小の点の近くでまた振れる
            drawn = album.seven_optimizers().axes[4].lines[0].get_ydata()
            np.testing.assert_allclose(abs(drawn[1:]), two[:60])
            assert two[29] < 1e-6
            assert max(two[40:50]) > 0.08
        swings[name] = max(two[-20:])
    # 「これを収めるには、後で見る学習率スケジュールを使います。」
    assert swings["cosine"] < 1e-3 < 0.02 < swings["constant"]


def test_noise_stops_the_fall_at_half_the_variance_unless_the_rate_falls() -> None:
    # 「一定の学習率では 0.17 のあたりで下げ止まり、学習率を下げると、それにつれて小さくなります。」
    rates, errors = album.noise_and_schedules().axes
    assert len(rates.lines) == 4
    constant, *falling = [line.get_ydata() for line in errors.lines]
    assert abs(constant[10:] - 0.17).max() < 0.025
    for line, E in zip(rates.lines[1:], falling, strict=True):
        blocks = E.reshape(-1, 50).mean(axis=1)
        assert line.get_ydata()[-1] < 0.01
        assert blocks[-1] < 0.1 * 0.17
        assert (np.diff(blocks[1:]) < 0.001).all()
    # 「ただし、早く下げすぎると着く前に止まります。」
    for factor, arrives in ((0.5, False), (0.8, False), (0.995, True)):
        w = 5.0
        for t in range(2000):
            w -= exponential_decay(t, learning_rate=0.5, factor=factor) * w
        assert (abs(w) < 1e-6) == arrives


def test_relu_halves_the_mean_square_and_the_layers_keep_or_lose_their_size() -> None:
    # 「Var(u) = D_in s² E[z²]」
    # 「重みの分布が 0 について対称なら（正規乱数など）、u の分布も対称で、
    # 負の半分が 0 になるので…」「半分になる分を補って」
    rng, z = np.random.default_rng(0), np.array([2.0, 1.0, 3.0, 0.5, 0.0])
    kinds = {"normal": rng.normal(size=(200_000, 5)), "uniform": rng.uniform(-1, 1, (200_000, 5))}
    kinds["skew"] = rng.exponential(size=(200_000, 5)) ** 2 - 2
    for name, W in kinds.items():
        u = W @ z
        assert math.isclose(u.var(), 5 * W.var() * (z**2).mean(), rel_tol=0.03)
        out = np.maximum(u, 0)
        half = (out**2).mean() / u.var()
        assert (abs(half - 0.5) < 0.01) == (name != "skew")
        assert not out[u < 0].any()
        assert (abs((u < 0).mean() - 0.5) < 0.01) == (name != "skew")
    # 「He では 20 層目まで 1 のままで、Xavier は 1,000 分の 1、標準偏差 0.05 は 100 万分の 1」
    lines = {name: part for name, (part,) in named(album.spread_relu()).items()}
    for name, factor in {"He": 1, "Xavier": 2**-0.5, "標準偏差 0.05": 0.5}.items():
        np.testing.assert_allclose(lines[name][1], factor ** np.arange(1.0, 21), rtol=0.15)


def test_tanh_outputs_gather_stay_or_stick_and_delta_fades_or_grows_layer_by_layer() -> None:
    # 「0.02 では層が進むと 0 に集まり、Xavier では広がりが残り、0.5 では −1 と 1 に貼りつきます。」
    counts = [[bar.get_height() for bar in ax.patches] for ax in album.spread_tanh().axes]
    share = np.array(counts).reshape(3, 3, 40) / 40_000
    edge, middle = share[:, :, [0, 1, 38, 39]].sum(axis=2), share[:, :, 19:21].sum(axis=2)
    assert (edge[2] > 0.7).all()
    assert (edge[:2] < 0.2).all()
    assert (np.diff(middle[0]) >= 0).all()
    assert middle[0, 2] == 1
    assert middle[1].max() < 0.2
    # 「入力の側へさかのぼるほど、小さい初期値では δ が小さく…大きい初期値では大きくなりました」
    x = np.random.default_rng(0).standard_normal((200, 200))
    for initial in (0.02, 0.5):
        rng = np.random.default_rng(1)
        net = init_network([200] * 11, activation="tanh", initial=initial, rng=rng)
        deltas = [layer.delta for layer in backward(net, x, np.zeros_like(x), "squared_error")]
        size = np.linalg.norm(deltas, axis=(1, 2))
        assert (size[:-1] < size[1:] / 2).all() if initial < 0.1 else (size[:-1] > size[1:]).all()
    # 「貼りつかなかった少数のユニットの δ は、大きな重みが掛かって大きくなります。」
    free = abs(forward_trace(net, x)[0].z) < 0.9
    assert free.mean() < 0.2
    assert (deltas[0][free] ** 2).sum() > 0.95 * (deltas[0] ** 2).sum()


def test_slider_of_the_parabola_lands_jumps_swings_and_leaves() -> None:
    # 「…なら一歩で底に着き、…を超えると底を跳び越し、…を超えると離れていきます。」
    # 「ちょうど ε = 2/λ = 2 では、左右を往復し続けます。」
    for rate in (0.1, 0.3, 0.6, 1.0, 1.4, 1.8, 2.0, 2.1):
        top, bottom = album.learning_rates(rate)[0].axes
        w = bottom.lines[0].get_ydata()
        np.testing.assert_allclose(top.lines[1].get_xydata(), np.stack([w, w**2 / 2], axis=1))
        assert [len(w), w[0]] == [6, -1]
        assert (not w[1:].any()) == (rate == 1)
        assert (w[1:] * w[:-1] < 0).all() == (rate > 1)
        assert (abs(w[1:]) > abs(w[:-1])).all() == (rate > 2)
        assert (abs(w) == 1).all() == (rate == 2)


def test_turned_axes_part_the_bowl_into_parabolas_of_their_own() -> None:
    # 「固有値 λ の向きの成分は、1 回の更新で大きさが…倍になります」
    # 「互いに直交する長さ 1 の固有ベクトル」「積の項が消えます。」
    # 「1 回の更新で a_i は 1−ελ_i 倍になります。」
    # 「右辺を θ_i と θ_j で順に偏微分すると A の i 行 j 列になる」
    rng = np.random.default_rng(0)
    for size in (2, 3, 6):
        half = rng.normal(size=(size, size))
        A, star, theta = half + half.T, *rng.normal(size=(2, size))
        values, q = np.linalg.eigh(A)
        a = q.T @ (theta - star)
        np.testing.assert_allclose(q.T @ q, np.eye(size), atol=1e-12)
        bowl = (theta - star) @ A @ (theta - star) / 2
        assert math.isclose(bowl, (values * a**2).sum() / 2, rel_tol=1e-9)
        for rate in (0.01, 0.3):
            new, _ = SGD(rate).step(theta, A @ (theta - star), ())
            np.testing.assert_allclose(q.T @ (new - star), (1 - rate * values) * a, atol=1e-12)


def test_signs_of_the_eigenvalues_tell_the_kind_and_zeros_leave_it_open() -> None:
    # 表「すべて正: 極小」「正と負の両方: 鞍点」「すべて負: 極大」
    # 「w⁴ では極小、w³ では極小でも極大でもありません。」
    rng = np.random.default_rng(0)
    around = rng.normal(size=(4000, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    for signs in ((1, 1, 1), (1, -1, 1), (-1, 1, -1), (-1, -1, -1), (1, -1, 0)):
        Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        A = Q @ np.diag(np.array(signs) * rng.uniform(0.5, 2, 3)) @ Q.T
        E = np.vecdot(around @ A, around)
        assert ((E > 0).all(), (E < 0).all()) == (min(signs) > 0, max(signs) < 0)
    w = np.array([-0.01, 0.01])
    for f, lowest in ((lambda w: w**4, True), (lambda w: w**3, False)):
        slope, bend = (f(w[1]) - f(w[0])) / 0.02, (f(w[1]) + f(w[0])) / 0.01**2
        assert max(abs(slope), abs(bend)) < 1e-3  # w = 0 では、どちらも一階微分と二階微分が 0
        assert (f(w) > 0).all() == lowest
        assert (f(w) < 0).any() != lowest


def test_equal_weights_do_the_work_of_one_unit_and_random_ones_part() -> None:
    # 「同じ値から始めると、同じ中間層のユニットはどれも同じ勾配を受け」
    # 「同じ中間層のユニットは同じ出力を出し、同じ勾配を受けるので、計算機の丸めを除けば、
    # 何回更新しても同じままです」
    # 「ユニットが何個あっても、一つ分の働きしかしません。」「そこで乱数を使いますが」
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    sizes = [(3, 4), (4, 4), (4, 2)]
    names = ["tanh", "relu", "identity"]
    for value in (0.5, None):
        for opt in (SGD(0.05), Momentum(0.01), Adam(0.01)):
            W = [np.full(s, value) if value else rng.normal(size=s) for s in sizes]
            net = tuple(Layer(w, np.zeros(len(w.T)), n) for w, n in zip(W, names, strict=True))
            state = opt.init(parameters(net))
            for _ in range(30):
                _, g = loss_and_gradient(net, x, d, "squared_error")
                theta, state = opt.step(parameters(net), g, state)
                net = with_parameters(net, theta)
            spread = [np.ptp(part) for part in (*net[0].W, *net[1].W.T, *net[2].W.T)]
            assert max(spread) < 1e-9 if value else min(spread) > 0.1


def test_sizes_go_by_powers_and_each_way_through_a_layer_asks_for_its_own_spread() -> None:
    # 「その数が 1 からずれると、深い層の出力は指数的に大きくなるか小さくなります。」
    rng = np.random.default_rng(0)
    x, layers = rng.normal(size=(50, 128)), np.arange(1, 9)
    for share in (0.5, 1.0, 2.0):
        net = init_network([128] * 9, output_activation="relu", initial=share / 8, rng=rng)
        size = [np.log((step.z**2).mean()) / 2 for step in forward_trace(net, x)]
        np.testing.assert_allclose(size, layers * np.log(share), atol=0.5)
    # 「D_in s² = 1 で大きさが保たれます。」「同じ計算から D_out s² = 1 が要ります。」
    # 「両方は満たせないので、間を取って s² = 2/(D_in+D_out) とします。」
    z, delta = rng.normal(size=(1000, 300)), rng.normal(size=(1000, 100))
    for square in (1 / 300, 1 / 100, 2 / (300 + 100)):
        W = math.sqrt(square) * rng.normal(size=(300, 100))
        there, back = (z @ W).var(), (delta @ W.T).var()
        np.testing.assert_allclose([there, back], [300 * square, 100 * square], rtol=0.06)
    assert back < 1 < there


def test_rmsprop_starts_long_only_because_its_average_is_not_corrected() -> None:
    # 「RMSProp の最初の一歩が 1/√(1−ρ) 倍も長いのは、h の偏りを補正しないからです。」
    # 「√s の単位は θ と同じになり」「c に比べて g² が十分に大きければ…勾配によらず √(c/(1−ρ))」
    for rho in (0.5, 0.9, 0.99):
        g = np.array([-3.0, 0.02, 500.0])
        long = path(RMSProp(0.1, decay=rho), lambda _, g=g: g, np.zeros(3), 1)[1]
        right = path(Adam(0.1, beta1=0.0, beta2=rho), lambda _, g=g: g, np.zeros(3), 1)[1]
        np.testing.assert_allclose(long / right, 1 / math.sqrt(1 - rho), rtol=1e-5)
        np.testing.assert_allclose(right, -0.1 * np.sign(g), rtol=1e-5)
        first = path(Adadelta(decay=rho, epsilon=1e-9), lambda _, g=g: g, np.zeros(3), 1)[1]
        np.testing.assert_allclose(abs(first), math.sqrt(1e-9 / (1 - rho)), rtol=2e-4)


def test_noise_settles_at_its_balance_and_falling_rates_need_both_sums() -> None:
    # 「V = ε/(2−ε)」「V/2 に落ち着き、それより大きい誤差から始めれば、そこで下げ止まります。」
    rng = np.random.default_rng(0)
    for rate in (0.2, 0.5, 1.0, 1.6):
        theta, E = np.full(10_000, 6.0), []
        for _ in range(60):
            theta, _ = SGD(rate).step(theta, theta + rng.standard_normal(10_000), ())
            E.append((theta**2).mean() / (rate / (2 - rate)))
        assert abs(np.mean(E[40:]) - 1) < 0.05
        assert min(E) > 0.93
    # 「Σε_t = ∞（どこへでも届く）と Σε_t² < ∞（雑音が消える）の組」
    for power, far, noisy in ((0.0, False, True), (1.0, False, False), (2.0, True, False)):
        theta = np.full(1000, 6.0)
        for t in range(1, 1001):
            rate = 0.5 / t**power
            theta = theta - rate * (theta + rng.standard_normal(1000))
        assert (abs(theta.mean()) > 1, theta.std() > 0.5) == (far, noisy)


def test_any_method_takes_a_schedule_and_rare_inputs_give_rare_gradients() -> None:
    # 「どの最適化法とも組み合わせられます。」
    slow = (SGD(0.03), Momentum(0.01), Nesterov(0.01))
    for opt in (*slow, AdaGrad(0.5), RMSProp(0.05), Adam(0.1), Adadelta()):
        ends = []
        for last in (400, 200):  # 途中で学習率を 0 にすれば、そこで止まる
            theta, state = START, opt.init(START)
            for t in range(400):
                full = cosine(t, learning_rate=opt.learning_rate, iterations=400)
                scheduled = replace(opt, learning_rate=full if t < last else 0.0)
                before, (theta, state) = theta, scheduled.step(theta, VALLEY * theta, state)
            ends.append((abs(theta).max(), abs(theta - before).max()))
        assert ends[0][1] > 0 == ends[1][1]
        assert ends[0][0] < (2 if isinstance(opt, Adadelta) else 0.05)
    # 「ほとんどのサンプルで 0 になる入力の重みは、勾配もほとんどの回で 0 です。」
    rng = np.random.default_rng(0)
    net = init_network([3, 8, 1], activation="tanh", rng=rng)
    x = rng.normal(size=(100, 3)) * (rng.random((100, 3)) < [1, 0.5, 0.05])
    zero = [backward(net, row, [[1.0]], "squared_error")[0].W == 0 for row in x[:, np.newaxis]]
    np.testing.assert_array_equal(np.all(zero, axis=2), x == 0)
    assert np.mean(x == 0, axis=0)[2] > 0.9


@pytest.mark.parametrize("rate", [0.1, 1.8, 2.2])
def test_slider_of_the_parabola_draws_and_tells_the_same_six_places(rate: float) -> None:
    # 「上は放物線の上の 5 回の更新、下は更新のたびの w の値です。四角が始点を示します。」
    drawing, says = album.learning_rates(rate)
    top, bottom = drawing.axes
    w = -((1 - rate) ** np.arange(6))
    np.testing.assert_allclose(points_of(top.lines[1]), [w, w**2 / 2])
    np.testing.assert_allclose(points_of(bottom.lines[0]), [range(6), w])
    x, parabola = points_of(top.lines[0])
    np.testing.assert_allclose(parabola, x**2 / 2)
    starts = [ax.lines[-1] for ax in (top, bottom)]
    assert [(v.get_marker(), *points_of(v).ravel()) for v in starts] == [
        ("s", -1, 0.5),
        ("s", 0, -1),
    ]
    told = [float(n.replace("−", "-")) for n in re.findall(r"−?\d+(?:\.\d+)?", says)]
    np.testing.assert_allclose(told, w, atol=0.0051)
    assert (top.get_xlabel(), bottom.get_ylabel()) == ("$w$", "$w$")
    assert bottom.get_xlabel() == "更新の回数 $t$"


def test_every_valley_has_its_start_cross_and_rings_and_every_path_its_name() -> None:
    # 「上は細長い谷の等高線と 30 回の更新の道筋で、四角が始点、十字が最小の点です。」
    drawing, says = album.ravine(0.036)
    E = drawing.axes[1].lines[0].get_ydata()
    assert re.findall(r"\d+\.\d+", says) == [f"{E[0]:.2f}", f"{E[-1]:.2f}"]
    # 「同じ谷、同じ始点からの七つの道筋。」
    seven = album.seven_optimizers().axes
    for ax in (drawing.axes[0], *seven):
        way, start, cross = (line.get_xydata() for line in ax.lines)
        assert [*way[0], *start[0], *cross[0]] == [-2, 0.2, -2, 0.2, 0, 0]
        (rings,) = ax.collections
        for level, ring in zip(rings.levels, rings.get_paths(), strict=True):
            np.testing.assert_allclose(ring.vertices**2 @ [1, 50] / 2, level, atol=0.02)
    kinds = (SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adadelta, Adam)
    for ax, kind in zip(seven, kinds, strict=True):
        name, told = ax.get_title(loc="left").split(maxsplit=1)
        assert name == kind.__name__.replace("SGD", "勾配降下法")
        *rate, updates = re.findall(r"[\d.]+", told)
        way = path(kind(*map(float, rate)), lambda w: VALLEY * w, START, int(updates))
        np.testing.assert_allclose(ax.lines[0].get_xydata(), way)


def test_minima_and_the_saddle_are_named_where_they_are() -> None:
    # 「上は極小が二つある曲線で、始点によって着く極小が違います。下は鞍点の等高線で」
    top, bottom = album.stationary_points().axes
    for line in top.lines:
        w, E = points_of(line)
        np.testing.assert_allclose(E, w**4 / 4 - w**2 / 2 + w / 10)
    ends = {points_of(line)[0, 0]: points_of(line)[:, -1] for line in top.lines[1::2]}
    assert np.linalg.norm(written(top)["最小の点"] - ends[-0.2]) < 0.03
    assert np.linalg.norm(written(top)["局所的な極小"] - ends[0.4]) < 0.03
    assert ends[-0.2][1] < ends[0.4][1]
    assert all(abs(w**3 - w + 0.1) < 1e-4 for w, _ in ends.values())
    (rings,) = bottom.collections
    for level, path in zip(rings.levels, rings.get_paths(), strict=True):
        one, two = path.vertices.T
        np.testing.assert_allclose(one**2 / 2 - two**2 / 2 + two**4 / 4, level, atol=0.01)
    assert bottom.lines[3].get_xydata().tolist() == [[0, 1], [0, -1]]
    places = sorted((t.get_position()[1], t.get_text()) for t in bottom.texts)
    assert places == [(-1, "極小"), (-0.2, "鞍点"), (1, "極小")]


def test_names_of_schedules_and_starts_belong_to_their_curves() -> None:
    # 「上は四つの学習率スケジュール。下は誤差の平均で」
    drawing = album.noise_and_schedules()
    given = {"step_decay": {"every": 100}, "exponential_decay": {"factor": 0.98}}
    given |= {"constant": {}, "cosine": {"iterations": 300}}
    for name, ((t, rates), (_, E)) in named(drawing).items():
        schedule = [getattr(optimizers, name)(int(i), learning_rate=0.5, **given[name]) for i in t]
        np.testing.assert_allclose(rates, schedule)
        v = [25.0]  # θ² の期待値は、更新のたびに (1−ε)² 倍になり、ε² 増える
        for rate in rates:
            v.append((1 - rate) ** 2 * v[-1] + rate**2)
        np.testing.assert_allclose(E, np.array(v[1:]) / 2, rtol=0.2)
    assert drawing.axes[1].get_yscale() == "log"
    assert [ax.get_ylabel()[:2] for ax in drawing.axes] == ["学習", "誤差"]
    assert album.spread_relu().axes[0].get_yscale() == "log"


def test_histograms_are_of_the_layers_and_starts_in_their_titles() -> None:
    # 「標準偏差 0.02 では層が進むと 0 に集まり、Xavier では広がりが残り、0.5 では −1 と 1 に」
    x, axes = np.random.default_rng(0).standard_normal((200, 200)), album.spread_tanh().axes
    layers = [int(ax.get_title().split()[0]) for ax in axes[:3]]
    for row in (axes[:3], axes[3:6], axes[6:]):
        word = row[0].get_ylabel().split()[-1]
        initial = "xavier" if word == "Xavier" else float(word)
        net = init_network(
            [200] * 11,
            activation="tanh",
            output_activation="tanh",
            initial=initial,
            rng=np.random.default_rng(1),
        )
        for ax, n in zip(row, layers, strict=True):
            z = forward_trace(net, x)[n - 1].z
            count = np.histogram(z, bins=np.linspace(-1, 1, 41))[0]
            np.testing.assert_array_equal([bar.get_height() for bar in ax.patches], count)


def test_where_the_small_constant_stands_matters_only_for_small_gradients() -> None:
    # 「c を根号の中に足し…割る本もあります。h が c よりずっと大きければ、ほとんど同じです。」
    c = 1e-8
    for h, near in ((1.0, True), (1e-2, True), (1e-10, False)):
        ratio = (math.sqrt(h) + c) / math.sqrt(h + c)
        assert (abs(ratio - 1) < 1e-5) == near


def test_uniform_initial_values_have_the_same_variance() -> None:
    # 「その分散は a²/3 なので、Xavier では…、He では…です。」
    for a, variance in (
        (math.sqrt(6 / (200 + 100)), 2 / (200 + 100)),
        (math.sqrt(6 / 200), 2 / 200),
    ):
        W = np.random.default_rng(0).uniform(-a, a, size=(200, 5000))
        assert math.isclose(a**2 / 3, variance)
        assert math.isclose(W.var(), variance, rel_tol=0.01)


@pytest.mark.parametrize("hidden", ["relu", "tanh", "sigmoid"])
def test_with_all_zeros_only_the_bias_of_the_output_moves(hidden: str) -> None:
    # 「中間層が ReLU や tanh のとき、動くのは出力層のバイアスだけです。」
    zeros = np.zeros((2, 3)), np.zeros(3), np.zeros((3, 1)), np.zeros(1)
    net = Layer(*zeros[:2], hidden), Layer(*zeros[2:], "identity")
    x, d = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[3.0], [1.0]])
    for _ in range(200):
        net = with_parameters(
            net, parameters(net) - 0.05 * loss_and_gradient(net, x, d, "squared_error")[1]
        )
    moved = [bool(part.any()) for layer in net for part in (layer.W, layer.b)]
    assert moved == ([True] * 4 if hidden == "sigmoid" else [False, False, False, True])


def test_momentum_with_the_old_velocity_is_nesterov_with_the_new_one() -> None:
    # 「アは Nesterov の式と同じ形ですが、そちらの v は更新した後の値です。」
    g, theta = np.array([2.0, -1.0]), np.array([0.5, 0.5])
    for method, after in (
        (Momentum(0.1, momentum=0.9), False),
        (Nesterov(0.1, momentum=0.9), True),
    ):
        state = method.init(theta)
        theta_1, state = method.step(theta, g, state)
        v = 0.9 * g + g if after else g
        theta_2, _ = method.step(theta_1, g, state)
        np.testing.assert_allclose(theta_2 - theta_1, -0.1 * (g + 0.9 * v))


def test_steeper_direction_sets_the_limit_and_every_axis_has_a_parabola_of_its_own() -> None:
    # 「軸ごとに別々の放物線があるのと同じで、θ_i は 1 回の更新で 1−ελ_i 倍になります」
    # 「両方の成分が 0 に収束する条件は、…のどちらよりも小さいことです」
    # 「厳しいのは、λ の大きい、急な向きのほうです」「急な向きが許す学習率では」
    # 「を超えると最小の点を跳び越し、…を超えると離れていきます」
    for bends in ([1.0, 50.0], [7.0, 2.0], [3.0, 3.0]):
        lam, both = np.array(bends), []
        for rate in np.array([0.2, 0.9, 1.1, 1.9, 2.1]) / lam.max():
            w = [np.ones(2)]
            for _ in range(400):
                w.append(SGD(rate).step(w[-1], lam * w[-1], ())[0])
            np.testing.assert_allclose(w[3], (1 - rate * lam) ** 3, atol=1e-12)
            both.append(abs(w[-1]).max() < abs(w[200]).max())
            steep = np.array(w)[:5, lam.argmax()]
            assert (steep[1:] * steep[:-1] < 0).all() == (rate * lam.max() > 1)
            assert (np.diff(abs(steep)) > 0).all() == (rate * lam.max() > 2)
        assert both == [True, True, True, True, False]


def test_slope_across_the_valley_turns_each_time_and_the_slope_along_it_never_does() -> None:
    # 「谷を横切る向きの勾配は、往復のたびに符号が変わります」
    # 「底に沿う向きの勾配は、同じ符号が続きます」
    # 「勾配を足していけば、谷を横切る往復は打ち消し合い、底に沿う動きだけが積もるはずです」
    # 「小さいうちは、底に着いてから、底に沿ってゆっくりとしか進めません」
    theta, slopes = START, []
    for _ in range(30):
        slopes.append(VALLEY * theta)
        theta, _ = SGD(0.036).step(theta, slopes[-1], ())
    along, across = np.transpose(slopes)
    assert (across[1:] * across[:-1] < 0).all()
    assert (along[1:] * along[:-1] > 0).all()
    np.testing.assert_allclose(abs(along.sum()) / abs(along).sum(), 1)
    assert abs(across.sum()) / abs(across).sum() < 0.15
    left = START * (1 - 0.01 * VALLEY) ** 10  # 学習率 0.01 で 10 回
    assert abs(left / START)[1] < 0.01 < 0.9 < abs(left / START)[0]


def test_sum_of_squares_never_falls_and_the_moving_average_follows_the_gradient_down() -> None:
    # 「大きさの同じ勾配が続くと…は…に比例し」「h が増え続けるせいで学習が止まることはありません」
    # 「h は勾配の二乗を足すだけで、減りません」「歩幅は…に縮みます」
    # 「AdaGrad の h は減らないので、同じ大きさの勾配が続くと、歩幅は縮み続けます」
    # 「RMSProp は h を移動平均に替え、勾配が小さくなれば h も小さくなるようにしました」
    for opt, falls in ((AdaGrad(0.1), False), (RMSProp(0.1), True)):
        theta, state, h, moves = np.zeros(1), opt.init(np.zeros(1)), [], []
        for g in [9.0] * 100 + [0.1] * 100:
            new, state = opt.step(theta, np.array([g]), state)
            moves.append(abs(new - theta).item())
            h.append((0.1 * g / moves[-1]) ** 2)  # 歩幅から求めた h
            theta = new
        assert (np.diff(h[:100]) > 0).all()
        assert (np.diff(h[100:]) < 0).all() == (h[-1] < 0.02 < h[99]) == falls
        assert np.isclose(moves[99] / moves[24], 1.0 if falls else 0.5, rtol=0.05)


def test_schedule_looks_at_the_count_alone_and_rmsprop_at_the_size_of_each_slope() -> None:
    # 「このページの学習率スケジュールは更新の回数 t だけで決まり、
    # すべての成分に同じ学習率を使います」
    # 「RMSProp などの調節は勾配の大きさで決まり、成分ごとに違います」
    rng = np.random.default_rng(0)
    falling = [exponential_decay(t, learning_rate=0.1, factor=0.9) for t in (7, 8)]
    half_wave = [cosine(t, learning_rate=0.1, iterations=50) for t in (7, 8)]
    for now, later in (falling, half_wave):
        assert now > later
        for g in (np.ones(3), rng.normal(size=3), 1e3 * rng.normal(size=3)):
            np.testing.assert_allclose(-SGD(now).step(np.zeros(3), g, ())[0] / g, now)
    g, factors = rng.uniform(0.5, 2, size=3), {}
    for name, sign, size in (("as it is", 1, 1), ("turned", -1, 1), ("grown", 1, 10)):
        new, _ = RMSProp(0.1).step(np.zeros(3), sign * size * g, RMSProp(0.1).init(np.zeros(3)))
        factors[name] = -new / (sign * size * g)
    np.testing.assert_allclose(factors["turned"], factors["as it is"])
    np.testing.assert_allclose(factors["grown"] * 10, factors["as it is"])
    assert (np.diff(factors["as it is"][g.argsort()]) < 0).all()


def test_second_derivatives_may_change_places_only_where_they_are_continuous() -> None:
    # 「なめらか（二階の偏微分が連続）なら」
    # 「偏微分の順を入れ替えても値は同じなので、A は対称です」
    def mixed(f: Callable[[float, float], float], x: float, y: float) -> list[float]:
        h, k = 1e-6, 1e-3  # 内側の差分の幅を、外側よりずっと小さくする
        by_x = [(f(x + h, y + s * k) - f(x - h, y + s * k)) / (2 * h) for s in (1, -1)]
        by_y = [(f(x + s * k, y + h) - f(x + s * k, y - h)) / (2 * h) for s in (1, -1)]
        return [(by_x[0] - by_x[1]) / (2 * k), (by_y[0] - by_y[1]) / (2 * k)]

    one, other = mixed(lambda x, y: np.sin(x * y) + x**3 * y, 0.4, 0.7)
    assert np.isclose(one, other, atol=1e-4)
    assert abs(one) > 0.1
    torn = mixed(lambda x, y: x * y * (x**2 - y**2) / (x**2 + y**2), 0.0, 0.0)
    np.testing.assert_allclose(torn, [-1, 1], atol=1e-3)


def test_kept_parameters_and_state_are_enough_to_go_on_and_without_the_state_too_little() -> None:
    # 「step は引数を書き換えません」
    # 「そのため、途中の θ と状態を取っておけば、学習はいつでもそこからやり直せます」
    # 「状態は、次の更新のために覚えておく量です」「覚えておくものがないので、状態は空の組 () です」
    # 「どの方法も init と step だけで使えるので、学習のコードを変えずに入れ替えられます」
    slow = (SGD(0.01), Momentum(0.01), Nesterov(0.01), AdaGrad(0.1), RMSProp(0.1))
    for opt in (*slow, Adadelta(), Adam(0.1)):
        points, states = [START], [opt.init(START)]
        for t in range(20):
            theta, state = opt.step(points[t], VALLEY * points[t], states[t])
            points, states = [*points, theta], [*states, state]
        for memory, kept in ((states[8], True), (states[0], False)):
            theta, state = points[8], memory
            for _ in range(12):
                theta, state = opt.step(theta, VALLEY * theta, state)
            assert np.array_equal(theta, points[20]) == (kept or type(opt) is SGD)
    assert SGD(0.01).init(START) == ()


def test_past_gradients_have_the_weights_said_and_their_sum_is_what_adam_divides_by() -> None:
    # 「v は過去の勾配の和で、k 回前の勾配には μᵏ が掛かります」
    # 「k 回前の g² の重みは (1−ρ)ρᵏ と減るので、h は最近の勾配の大きさを表します」
    # 「t 回目までの勾配に掛かる係数の和は 1−βᵗ なので、それで割って偏りを補正します」
    # 「m は 0 から始まるので、はじめのうちは 0 に近すぎます」
    g = np.random.default_rng(0).normal(size=(12, 1))
    k, zero = np.arange(12)[::-1, np.newaxis], np.zeros(1)
    states = {}
    for opt in (Momentum(0.1), RMSProp(0.1), Adam(0.1)):
        theta, state = zero, opt.init(zero)
        for each in g:
            theta, state = opt.step(theta, each, state)
        states[type(opt)] = state
    assert np.allclose(states[Momentum], (0.9**k * g).sum())
    assert np.allclose(states[RMSProp], (0.1 * 0.9**k * g**2).sum())
    assert np.allclose(states[Adam][1], (0.1 * 0.9**k * g).sum())
    assert np.isclose((0.1 * 0.9**k).sum(), 1 - 0.9**12)
    assert (np.diff(1 - 0.9 ** np.arange(1, 50)) > 0).all()  # 0 に近すぎるのは、はじめだけ


def test_every_schedule_falls_in_the_way_its_name_says() -> None:
    # 「いつも同じ学習率」「決まった回数ごとに、階段のように下がる学習率」
    # 「1 回の更新ごとに、同じ割合で下がる学習率」「step_decay の間隔 T を 1 にした式」
    # 「余弦の半周期に沿って、なめらかに 0 まで下がる学習率」「1 より小さければ下がります」
    t = range(41)
    same = [constant(i, learning_rate=0.3) for i in t]
    stairs = np.array([step_decay(i, learning_rate=0.3, every=10, factor=0.5) for i in t])
    ratio = np.array([exponential_decay(i, learning_rate=0.3, factor=0.9) for i in t])
    wave = np.array([cosine(i, learning_rate=0.3, iterations=40) for i in t])
    assert set(same) == {0.3} == {stairs[0], ratio[0], wave[0]}
    assert (np.flatnonzero(np.diff(stairs) < 0) + 1).tolist() == [10, 20, 30, 40]
    assert np.allclose(np.unique(stairs)[::-1], 0.3 * 0.5 ** np.arange(5))
    assert np.allclose(ratio[1:] / ratio[:-1], 0.9)
    each = [step_decay(i, learning_rate=0.3, every=1, factor=0.9) for i in t]
    assert np.allclose(each, ratio)
    assert (np.diff(wave) < 0).all()
    assert np.isclose(wave[20], 0.15)
    assert abs(wave[40]) < 1e-15
    assert np.argmin(np.diff(wave)) in (19, 20)  # 両端ではゆるく、真ん中で速い
    assert exponential_decay(9, learning_rate=0.3, factor=1.1) > 0.3


def test_where_gradient_descent_stops_the_slope_is_zero_and_only_a_convex_floor_is_lowest() -> None:
    # 「勾配降下法が収束した先は、一般に停留点です」
    # 「凸な関数（グラフの 2 点を結んだ線分が、グラフより下に出ない…）なら、停留点は最小の点です」
    # 「極小も、全体でいちばん低い点（大域的な極小解）とは限りません」
    convex = lambda w: np.log(np.exp(2 * w) + np.exp(-w))  # noqa: E731
    bent = lambda w: w**4 / 4 - w**2 / 2 + w / 10  # noqa: E731
    slopes = {
        convex: lambda w: (2 * np.exp(2 * w) - np.exp(-w)) / (np.exp(2 * w) + np.exp(-w)),
        bent: lambda w: w**3 - w + 0.1,
    }
    grid = np.linspace(-2, 2, 401)
    a, b = np.meshgrid(grid, grid)
    for E, slope in slopes.items():
        above = ((E(a) + E(b)) / 2 >= E((a + b) / 2) - 1e-12).all()
        w = np.array([-1.9, 0.0, 0.4, 1.9])
        for _ in range(500):
            w, _ = SGD(0.2).step(w, slope(w), ())
        assert np.abs(slope(w)).max() < 1e-9
        assert (E(w) <= E(grid).min() + 1e-12).all() == above == (E is convex)
