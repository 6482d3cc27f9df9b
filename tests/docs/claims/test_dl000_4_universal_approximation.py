"""DL000_4 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.polynomial import Chebyshev
from pictures import named, once, written

from dlnotes import datasets
from dlnotes import universal_approximation as ua
from dlnotes.activations import relu, sigmoid, step
from dlnotes.arrays import Array
from dlnotes.figures import dl000_4_universal_approximation as figures
from dlnotes.network import Layer, forward, forward_trace, init_network, layer_shapes
from dlnotes.optimizers import SGD, Adam
from dlnotes.training import train

album = once(figures)


def g(x: Array) -> Array:
    return np.sin(2 * np.pi * x)


def call(network: tuple[Layer, ...], x: Array) -> Array:
    return forward(network, x[:, None])[:, 0]


def fitted(x: Array, d: Array, bends: Array) -> Callable[[Array], Array]:
    """出力の重みを最小二乗法で合わせた、ReLU のネットワークの関数。"""

    def units(x: Array) -> Array:
        return np.column_stack([relu(x[:, None] - bends), np.ones(len(x))])

    v = np.linalg.lstsq(units(x), d, rcond=None)[0]
    return lambda x: units(x) @ v


def rms(y: Array) -> float:
    return float(np.sqrt(np.mean(y**2)))


def test_units_of_a_polynomial_span_its_degree_and_every_relu_adds_something_new() -> None:
    # 「何次の多項式でも、その次数を超えられないことは同じです。 ReLU のユニットは、
    # 増やした分だけ、ほかの組み合わせでは作れない関数が加わります。」
    x = np.linspace(0, 1, 801)[:, None]
    for degree, H in product((1, 2, 3, 5), (10, 40)):
        rng = np.random.default_rng(degree)
        u = rng.choice([-1, 1], H) * (x - rng.random(H))
        power, bent = (np.column_stack([z, np.ones(len(x))]) for z in (u**degree, relu(u)))
        assert np.linalg.matrix_rank(power) == degree + 1
        assert np.linalg.matrix_rank(bent) == H + 1
        errors = [
            abs(z @ np.linalg.lstsq(z, g(x), rcond=1e-10)[0] - g(x)).max() for z in (power, bent)
        ]
        best = np.polynomial.Polynomial.fit(x[:, 0], g(x[:, 0]), degree)
        np.testing.assert_allclose(errors[0], abs(best(x) - g(x)).max(), atol=1e-6)
        assert H == 10 or errors[1] < 0.1
    # 「5 個のときは、山のあるところに折れ目がありません。10 個、40 個と増やすと、
    # 折れ目のすき間が狭くなり」
    rng, gaps = np.random.default_rng(0), []
    for H in (5, 10, 40):
        rng.choice([-1, 1], H)
        bends = np.sort(rng.random(H))
        gaps.append(np.diff(bends, prepend=0, append=1).max())
        assert (abs(bends - 0.25).min() > 0.2) == (H == 5)
    assert gaps[0] > gaps[1] > gaps[2]


def test_a_steeper_sigmoid_makes_sharper_corners() -> None:
    # 「0.4 で上がる段と 0.6 で下がる段を足して、0.4 から 0.6
    # までのこぶができています。下の図では、シグモイド関数の s を 10、40、200
    # と大きくするほど、こぶの角が立ちます。」
    top, bottom = album.bump().axes
    up, down, total = (line.get_ydata() for line in top.lines)
    x = top.lines[0].get_xdata()
    np.testing.assert_allclose(up + down, total)
    np.testing.assert_array_equal(total, (x > 0.4) & (x <= 0.6))
    smooth = [line.get_ydata() for line in bottom.lines]
    bends = [abs(np.diff(y, 2)).max() for y in smooth]
    far = [abs(y - total).mean() for y in smooth]
    assert bends[0] < bends[1] < bends[2]
    assert far[0] > far[1] > far[2]


def test_bumps_are_zero_outside_where_the_staircase_keeps_its_height() -> None:
    # 「左端と区間の外では、こぶの和は 0、まとめた階段は端の段の高さです。」
    for n in (2, 5, 8):
        t = np.linspace(-1, 2, n + 1)
        centres = (t[:-1] + t[1:]) / 2
        bumps = [
            ua.bump_network(*ends, height=h)
            for *ends, h in zip(t, t[1:], np.exp(centres), strict=False)
        ]
        stairs = ua.staircase_network(np.exp, -1, 2, n)
        left, right = np.array([-9, -1.5, -1]), np.array([2.01, 3, 9])
        for x, end in ((left, centres[0]), (right, centres[-1])):
            np.testing.assert_allclose(sum(call(b, x) for b in bumps), 0, atol=1e-12)
            np.testing.assert_allclose(call(stairs, x), np.exp(end))
        x = np.linspace(-0.999, 2, 500)
        np.testing.assert_allclose(sum(call(b, x) for b in bumps), call(stairs, x), atol=1e-9)


def test_both_constructions_come_as_near_as_wanted_to_functions_that_are_only_continuous() -> None:
    # 「これで、入力が一つで、活性化関数がステップ関数の場合は、定理を証明できました。
    # シグモイド関数なら、段を十分に急にします。 折れ線でも、n を 4 倍にして、
    # 誤差はやっと半分です。」
    def rough(x: Array) -> Array:
        return sum((np.cos(3**k * np.pi * x) / 2**k for k in range(6)), np.zeros_like(x))

    for f in (np.sqrt, rough, lambda x: abs(x - 1 / 3)):
        for build, steep in ((ua.staircase_network, None), (ua.staircase_network, 20), (None, 0)):
            errors = []
            for n in (16, 128, 1024):
                option = {"steepness": steep * n} if steep else {}
                network = build(f, 0, 1, n, **option) if build else ua.relu_interpolant(f, 0, 1, n)
                errors.append(ua.sup_error(network, f, 0, 1, points=1001))
            assert errors[0] > errors[1] > errors[2]
            assert errors[2] < 0.2
    for n in (4, 9, 16, 64, 256):
        fine = ua.sup_error(ua.relu_interpolant(np.sqrt, 0, 1, n), np.sqrt, 0, 1, points=4 * n + 1)
        np.testing.assert_allclose(fine, 1 / (4 * np.sqrt(n)))


def test_errors_stay_below_their_bounds_and_come_nearer_to_them() -> None:
    # 「誤差はどれも上界以下で、n が大きいほど上界に近づきます。 階段の点は傾き −1
    # の理論の線にほぼ乗っています。折れ線の点は、左端では傾き −2 の理論の線より下にあり、
    # 右へ行くほど線に近づきます。」
    (ax,) = album.error_against_width().axes
    stairs, one, lines, two = (np.array(line.get_data()) for line in ax.lines)
    for (n, bound), power in ((one, -1), (two, -2)):
        np.testing.assert_allclose(np.diff(np.log(bound)) / np.diff(np.log(n)), power)
    for points, bound in ((stairs, one), (lines, two)):
        ratio = points[1] / bound[1]
        # 10,001 点の格子で測るので、n=256 では 1 万分の 3 ほど小さく出る。
        assert (ratio <= 1).all()
        assert (np.diff(ratio) > -5e-4).all()
        assert ratio[-1] > 0.999
    assert (stairs / one)[1].min() > 0.89
    assert (lines / two)[1, 0] < 0.85


def test_even_bends_leave_the_error_where_the_curve_bends_most() -> None:
    # 「4 ユニットの折れ線は右側の細かい山と谷を通り過ぎ」「16
    # ユニットの折れ線は左側では曲線に重なり、右側の谷でずれて」「折れ目は等間隔なので、誤差は、
    # 曲がり方の急なところに残ります。」
    for ax, n, worst in zip(album.freehand().axes, (4, 16), (1.27, 0.35), strict=True):
        curve, polyline, gap = ax.lines
        x, y = curve.get_data()
        apart = abs(np.interp(x, *polyline.get_data()) - y)
        assert len(polyline.get_xdata()) == n + 1
        assert f"{worst}" in ax.get_title()
        assert abs(apart.max() - worst) < 0.005
        assert gap.get_xdata()[0] == x[apart.argmax()] > 0.85
        turns = x[1:-1][np.diff(np.sign(np.diff(y))) != 0]
        assert len(turns[turns > 0.6]) == 3
        assert gap.get_ydata()[0] < -0.9
        assert n == 4 or apart[x < 0.5].max() < 0.05
        bend = abs(np.diff(y, 2, prepend=y[0], append=y[-1]))
        assert (
            np.corrcoef(
                *(np.add.reduceat(v[:1000], np.arange(0, 1000, 125)) for v in (bend, apart))
            )[0, 1]
            > 0.7
        )


def test_usual_start_puts_every_bend_at_zero_and_the_learnt_line_misses_the_late_valley() -> None:
    # 「バイアスが 0 から始まるので、折れ目が最初はすべて x=0 に集まります。
    # そのまま学習した折れ線は後半の谷を作れていません。
    # 折れ目を散らして学習した折れ線は目標に近いものの、山の角がずれています。」
    hidden, _ = init_network([1, 16, 1], rng=np.random.default_rng(0))
    np.testing.assert_array_equal(-hidden.b / hidden.W[0], 0)
    errors = []
    for ax in album.training_gap().axes:
        target, learnt = (line.get_ydata() for line in ax.lines)
        x, valley = ax.lines[0].get_xdata(), learnt[-1] - learnt.min()
        errors.append(abs(learnt - target).max())
        assert (valley < 0.01) == (ax.get_title()[:4] == "学習する")
    assert errors[0] < 0.03 < errors[2] < 0.15
    assert errors[1] > 1
    by_hand = call(ua.relu_interpolant(g, 0, 1, 16), x)
    np.testing.assert_allclose(album.training_gap().axes[0].lines[1].get_ydata(), by_hand)
    assert abs(x[abs(learnt - target).argmax()] - 0.25) < 0.05


def test_units_at_every_sample_run_through_the_noise_and_more_data_bring_the_error_to_it() -> None:
    # 「49 ユニットは、訓練データの雑音まで完全に通り、新しいデータでは 8
    # ユニットより悪くなりました。雑音の大きさの 0.3 に近づくまで減ります。」
    for seed in range(8):
        rng = np.random.default_rng(seed)
        (x, d), (new, truth) = (
            tuple(np.ravel(part) for part in datasets.sine(N, noise=0.3, rng=rng))
            for N in (50, 4000)
        )
        all_bends, eight = (fitted(x, d, t) for t in (np.sort(x)[:-1], np.arange(8) / 8))
        assert rms(all_bends(x) - d) < 1e-8
        assert rms(eight(x) - d) > 0.2
        assert rms(all_bends(new) - truth) > rms(eight(new) - truth) > 0.29
        # 「新しいデータでは、正弦波を完全に知っていても 0.3 ほどになります」
        assert abs(rms(g(new) - truth) - 0.3) < 0.015
        errors = []
        for N in (20, 200, 2000):
            few, labels = (np.ravel(part) for part in datasets.sine(N, noise=0.3, rng=rng))
            errors.append(rms(fitted(few, labels, np.arange(8) / 8)(new) - truth))
        assert errors[0] > errors[1] > 0.29
        assert abs(errors[2] - 0.3) < 0.015


def test_outside_the_interval_relu_goes_on_straight_and_sigmoids_stay_level() -> None:
    # 「区間の外では、折れ線は右上へまっすぐ伸び、左では水平です。階段は左右とも水平です。
    # どちらも正弦波から離れます。」
    (ax,) = album.outside().axes
    x, (wave, polyline, stairs) = ax.lines[0].get_xdata(), (line.get_ydata() for line in ax.lines)
    left, right, inside = x < -0.02, x > 1.02, (x >= 0) & (x <= 1)
    assert abs(polyline - wave)[inside].max() < 0.01
    assert abs(stairs - wave)[inside].max() < 0.15
    np.testing.assert_allclose(np.diff(polyline[right]), np.diff(polyline[right])[0])
    assert np.diff(polyline[right])[0] > 0
    assert np.ptp(polyline[left]) == 0
    assert np.ptp(stairs[left]) < 0.01
    assert np.ptp(stairs[right]) < 0.01
    for y, side in product((polyline, stairs), (left, right)):
        assert abs(y - wave)[side].max() > 0.8
    far = call(ua.staircase_network(g, 0, 1, 8, steepness=5), np.array([-20.0, -10, 11, 21]))
    assert max(abs(far[0] - far[1]), abs(far[2] - far[3])) < 1e-9


def test_no_continuous_network_comes_nearer_than_half_a_jump_but_the_mean_error_falls() -> None:
    # 「その値が何であっても、…最大の誤差は、幅をいくら増やしても 0.5
    # より小さくなりません。 平均の誤差なら、0 に近づきます。」
    def jump(x: Array) -> Array:
        return np.where(x > 0.5, 1.0, 0.0)

    near = np.array([0.5, 0.5 + 1e-9])
    x = np.linspace(0, 1, 10_001)
    for seed, f in product(range(10), ("relu", "sigmoid", "tanh")):
        network = init_network([1, 30, 30, 1], activation=f, rng=np.random.default_rng(seed))
        assert abs(call(network, near) - jump(near)).max() > 0.5 - 1e-6
    means = []
    for n in (15, 63, 255):
        y = call(ua.relu_interpolant(jump, 0, 1, n), x)
        assert abs(y - jump(x)).max() >= 0.5 - 1e-9
        means.append(abs(y - jump(x)).mean() * n)
    np.testing.assert_allclose(means, 0.25, rtol=0.02)


def test_the_saws_have_2_8_and_32_pieces_and_one_layer_needs_a_unit_for_each() -> None:
    # 「2 ユニットでは線分が 2 本の三角形一つ、6 ユニットでは 8 本、10
    # ユニットでは 32 本の線分が並びます。 のこぎり波そのものには、
    # 左端の傾きを作る一つも要る」
    for ax, pieces in zip(album.sawtooth().axes, (2, 8, 32), strict=True):
        slopes = np.diff(ax.lines[0].get_ydata()) / np.diff(ax.lines[0].get_xdata())
        assert 1 + (abs(np.diff(slopes)) > 1e-6).sum() == pieces
    for k in (1, 2, 3):
        x, bends = np.linspace(0, 1, 129), np.arange(1, 2**k) / 2**k
        wave, least = call(ua.sawtooth_network(k), x), []
        for facing in product((-1, 1), repeat=len(bends)):
            z = np.column_stack([relu(np.array(facing) * (x[:, None] - bends)), np.ones(len(x))])
            least.append(abs(z @ np.linalg.lstsq(z, wave, rcond=None)[0] - wave).max())
        assert min(least) > 0.05
        assert abs(fitted(x, wave, np.append(0, bends))(x) - wave).max() < 1e-9


def test_even_bends_do_no_better_than_one_half_until_there_are_thirty_two() -> None:
    # 「折れ目を全体に置くと、10 ユニットでも 16 ユニットでも、いつも 0.5
    # と答えるのと変わりません。 左半分に寄せると、左半分の山だけが、ほぼ合います。31
    # か所の折れ目がすべてそろう 32 ユニットで、初めて一致します。」
    x = np.linspace(0, 1, 257)
    wave = call(ua.sawtooth_network(5), x)
    for n in range(1, 33):
        y = fitted(x, wave, np.arange(n) / n)(x)
        assert (abs(y - wave).max() < 1e-9) == (n == 32)
        if n <= 16:
            assert abs(abs(y - wave).mean() - 0.25) < 0.003
            assert abs(y - 0.5).max() < 0.1
    apart = abs(fitted(x, wave, np.arange(16) / 32)(x) - wave)
    assert apart[x < 0.5].mean() < 0.04
    assert apart[x > 0.5].mean() > 0.24


def test_narrow_random_networks_lose_the_input_where_both_units_are_zero() -> None:
    # 「幅が 2 しかないと、途中の層の 2 ユニットがともに 0 になりやすく、
    # そこから先へは x の違いが伝わらないからです。」
    x, flat, dead = np.linspace(-1, 1, 201)[:, None], [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        start = init_network([1] + [2] * 12 + [1], rng=rng)
        network = tuple(Layer(z.W, rng.normal(size=z.b.shape), z.activation) for z in start)
        dead.append(any((layer.z == 0).all() for layer in forward_trace(network, x)[:-1]))
        flat.append(np.ptp(forward(network, x)) < 1e-12)
        assert flat[-1] or not dead[-1]
    assert np.mean(dead) > 0.85
    assert np.mean(np.array(flat) == np.array(dead)) > 0.95


def test_polynomials_come_as_near_as_wanted_too_and_win_only_on_the_smooth_curve() -> None:
    # 「多項式も、閉区間の上の連続関数をいくらでも正確に近似できます」「このなめらかな関数では、
    # 多項式のほうがずっと正確です。」
    x = np.linspace(0, 1, 4001)
    kinks = {"smooth": g, "kinked": lambda x: abs(x - 0.25)}
    for name, f in kinks.items():
        degrees = (10, 40, 160)
        errors = [abs(Chebyshev.interpolate(f, n, domain=[0, 1])(x) - f(x)).max() for n in degrees]
        assert errors[0] > errors[-1]
        assert errors[-1] < 0.01
        line = ua.sup_error(ua.relu_interpolant(f, 0, 1, 4), f, 0, 1)
        polynomial = abs(Chebyshev.interpolate(f, 12, domain=[0, 1])(x) - f(x)).max()
        assert (polynomial < line / 1000) == (name == "smooth")


def test_deep_sigmoids_with_a_small_start_learn_nothing_and_relu_with_he_learns() -> None:
    # 「小さな乱数の初期値とシグモイド関数では、300 回の更新でほとんど何も学べません。
    # ReLU と He の初期値…と Adam…では、同じ回数で曲線を学べます。」
    x = np.linspace(-1, 1, 65)[:, None]
    wave = np.sin(np.pi * x)
    for seed, (f, initial, method) in product(
        (0, 1), (("sigmoid", 0.1, SGD(0.1)), ("relu", "he", Adam(0.01)))
    ):
        rng = np.random.default_rng(seed)
        start = init_network([1, 16, 16, 16, 16, 1], activation=f, initial=initial, rng=rng)
        settings = {"loss": "squared_error", "batch_size": 65, "epochs": 300, "rng": rng}
        *_, last = train(start, x, wave, optimizer=method, **settings)
        error = abs(forward(last.network, x) - wave).max()
        assert error > 0.99 if f == "sigmoid" else error < 0.1


def test_the_widths_worked_out_from_the_bounds_are_enough() -> None:
    # 「誤差の上界からは、二つの作り方のそれぞれで足りる n が逆算できます。
    # sin 2πx なら、階段で n ≧ π/ε、折れ線で n ≧ π/√(2ε) です。」
    for error in (0.5, 0.1, 0.02):
        for build, n in (
            (ua.staircase_network, math.ceil(math.pi / error)),
            (ua.relu_interpolant, math.ceil(math.pi / math.sqrt(2 * error))),
        ):
            found = [ua.sup_error(build(g, 0, 1, n + more), g, 0, 1) for more in (0, 7)]
            assert max(found) <= error
            assert ua.sup_error(build(g, 0, 1, n // 2), g, 0, 1) > error


def test_bends_where_the_curve_is_gentle_are_hardly_missed() -> None:
    # 「左側のゆるやかなところに置いた折れ目は、あまり役に立っていません。」
    curve, polyline, _ = album.freehand().axes[1].lines
    x, y = curve.get_data()
    nodes = polyline.get_xdata()

    def error(kept: Array) -> float:
        return float(abs(np.interp(x, kept, np.interp(kept, x, y)) - y).max())

    few = [np.delete(nodes, at) for at in ([1, 2, 3, 5, 6, 7], [9, 11, 13])]
    assert error(few[0]) == error(nodes) < error(few[1]) / 1.5
    finer = np.append(few[0], [0.84, 0.91, 0.97])
    assert error(np.sort(finer)) < error(nodes) / 2


def test_units_that_start_pointing_away_stay_out_and_spread_bends_beat_the_usual_start() -> None:
    # 「ふつうの初期値では、誤差が 1 を超えたままです。」
    # 「はじめの重みが負のユニットは、区間の中で出力も勾配も 0 なので、一つも動きません。」
    # 「バイアスの初期値で折れ目を区間に散らすと、ずっとよくなりますが、それでも手で組んだ
    # 重みには届きません。」「手で組んだ重みは、この学習が探す空間の中にあります。」
    x, by_hand = np.linspace(0, 1, 65)[:, None], ua.relu_interpolant(g, 0, 1, 16)
    for seed in (3, 7):
        rng = np.random.default_rng(seed)
        hidden, last = init_network([1, 16, 1], rng=rng)
        errors = [ua.sup_error((hidden, last), g, 0, 1)]
        for start in (hidden, replace(hidden, b=-hidden.W[0] * rng.random(16))):
            *_, step = train(
                (start, last), x, g(x), loss="squared_error", optimizer=Adam(0.01),
                batch_size=65, epochs=500, rng=rng,
            )  # fmt: skip
            errors.append(ua.sup_error(step.network, g, 0, 1))
            first, second = step.network
            away, moved = hidden.W[0] < 0, first.b != start.b
            assert moved[away].any() == (start is not hidden)
            if start is hidden:
                assert not forward((hidden,), x)[:, away].any()
                np.testing.assert_array_equal(first.W[:, away], hidden.W[:, away])
                np.testing.assert_array_equal(second.W[away], last.W[away])
        assert min(errors[:2]) > 1 > 0.4 > errors[2] > 2 * ua.sup_error(by_hand, g, 0, 1)
        assert layer_shapes(by_hand) == layer_shapes((hidden, last))


def test_steeper_steps_are_level_nearer_to_the_interval() -> None:
    # 「シグモイド関数のユニットは、区間から十分に離れると 0 か 1 に貼りつくので、
    # 和はほぼ一定になります（段が急なら、すぐ外でもそうです）。」
    still = []
    for s in (5, 20, 80, 320):
        stairs = ua.staircase_network(g, 0, 1, 32, steepness=s)
        near, far = np.array([-0.05, 1.05]), np.array([-9.0, 10.0])
        still.append(abs(call(stairs, near) - call(stairs, far)).max())
        z = forward_trace(stairs, far[:, None])[0].z
        assert abs(z - np.array([[0.0], [1.0]])).max() < 1e-12
    assert still == sorted(still, reverse=True)
    assert still[0] > 0.1 > 1e-3 > still[-1]


def test_more_layers_of_random_weights_make_no_more_pieces_from_24_units() -> None:
    # 「ユニットを 24 個にそろえ、重みとバイアスを無作為に決めると、
    # 層を増やしても線分は増えません。」「ほとんどいつも折れ目がありません。」
    means = []
    for sizes in ([24], [12, 12], [6] * 4, [2] * 12):
        pieces = []
        for seed in range(50):
            rng = np.random.default_rng(seed)
            start = init_network([1, *sizes, 1], rng=rng)
            network = tuple(replace(z, b=rng.normal(size=z.b.shape)) for z in start)
            pieces.append(ua.count_linear_pieces(network, -1, 1))
        means.append(np.mean(pieces))
    assert means == sorted(means, reverse=True)
    assert means[0] < 25
    assert means[-1] < 2
    assert np.mean(np.array(pieces) == 1) > 0.85


def test_passing_the_tent_once_more_makes_two_triangles_of_every_rise_and_fall() -> None:
    # 「m の出力をもう一度 m に入れると、この上りと下りのそれぞれが、三角形を一つずつ作ります。
    # くぐるたびに線分の数が倍になるので、k 回で 2^k 本です。」
    half = np.linspace(0, 0.5, 257)
    for k in range(1, 7):
        wave, next_wave = (ua.sawtooth_network(depth) for depth in (k, k + 1))
        for x, inner in ((half, 2 * half), (1 - half, 2 * half)):
            np.testing.assert_array_equal(call(next_wave, x), call(wave, inner))
        y = call(wave, np.arange(2**k + 1) / 2**k)
        np.testing.assert_array_equal(y, np.arange(2**k + 1) % 2)
        assert sum(len(z.b) for z in wave[:-1]) == 2 * k
    x = np.linspace(-1, 2, 31)
    np.testing.assert_allclose(call(ua.sawtooth_network(1), x), 2 * relu(x) - 4 * relu(x - 0.5))


def test_names_of_the_bump_and_of_the_outside_belong_to_their_curves() -> None:
    # 「0.4 で上がる段と 0.6 で下がる段を足して」「s を 10、40、200 と大きくするほど」
    top, bottom = album.bump().axes
    lines = {name: part for ax in (top, bottom) for name, (part,) in named(ax).items()}
    x = lines["和"][0]
    np.testing.assert_array_equal(lines["上がる段"][1], x > 0.4)
    np.testing.assert_array_equal(lines["下がる段"][1], -1.0 * (x > 0.6))
    for s in (10, 40, 200):
        smooth = sigmoid(s * (x - 0.4)) - sigmoid(s * (x - 0.6))
        np.testing.assert_allclose(lines[f"$s={s}$"][1], smooth, atol=1e-9)
    assert [ax.get_ylabel() for ax in (top, bottom)] == ["ステップ関数", "シグモイド関数"]
    # 「区間の外では、折れ線は右上へまっすぐ伸び、左では水平です。階段は左右とも水平です。」
    (ax,) = album.outside().axes
    ends = {name: part[1, -1] - part[1, -100] for name, (part,) in named(ax).items()}
    assert ends["ReLU の折れ線"] > 0.5
    assert abs(ends["シグモイド関数の階段"]) < 1e-6
    span = ax.patches[0]
    assert (span.get_x(), span.get_width()) == (0, 1)
    assert 0 < written(ax)["近似した区間"][0] < 1


@pytest.mark.parametrize("n", [2, 3, 8, 32])
def test_slider_draws_as_many_pieces_as_said_and_writes_their_errors(n: int) -> None:
    # 「目標の正弦波に、階段と折れ線を重ねた図です。」
    drawing, says = album.width(n)
    (ax,) = drawing.axes
    (stairs,), (polyline,) = (named(ax)[name] for name in ("階段", "折れ線"))
    nodes = np.linspace(0, 1, n + 1)
    np.testing.assert_allclose(
        polyline[1], np.interp(polyline[0], nodes, np.sin(2 * np.pi * nodes)), atol=1e-9
    )
    middle = np.sin(2 * np.pi * (np.floor(stairs[0] * n) + 0.5) / n)
    assert np.isclose(stairs[1], middle, atol=1e-9).mean() > 0.95
    for name, line in (("階段", stairs), ("折れ線", polyline)):
        error = abs(line[1] - np.sin(2 * np.pi * line[0])).max()
        for text in (ax.get_title(), says):
            (told,) = re.findall(rf"{name} ([\d.]+)", text)
            assert abs(float(told) - error) < 0.01


def test_theory_and_ticks_of_the_two_slopes_are_written_at_their_lines() -> None:
    # 「階段の点は傾き −1 の理論の線にほぼ乗っています。折れ線の点は、左端では傾き −2 の」
    (ax,) = album.error_against_width().axes
    (stairs,), (polyline,) = (named(ax)[name] for name in ("階段", "折れ線"))
    assert abs(polyline[1] - np.pi**2 / 2 / polyline[0] ** 2)[1:].max() < 0.01
    assert abs(stairs[1] / (np.pi / stairs[0]) - 1).max() < 0.12
    colours = {t.get_text(): to_hex(t.get_color()) for t in ax.texts}
    formulas = {r"$\pi/n$": lambda n: np.pi / n, r"$\pi^2/2n^2$": lambda n: np.pi**2 / 2 / n**2}
    for text, formula in formulas.items():
        (line,) = [v for v in ax.lines[1::2] if to_hex(v.get_color()) == colours[text]]
        np.testing.assert_allclose(line.get_ydata(), formula(line.get_xdata()))
        n, height = written(ax)[text]
        assert 1 < height / formula(n) < 3
    assert [int(t.get_text()) for t in ax.get_xticklabels()] == ax.get_xticks().tolist()


def test_titles_count_the_units_and_pieces_and_tell_the_largest_error() -> None:
    # 「2 ユニットでは線分が 2 本の三角形一つ、6 ユニットでは 8 本、10 ユニットでは 32 本の」
    for ax, depth in zip(album.sawtooth().axes, (1, 3, 5), strict=True):
        layers = ua.sawtooth_network(depth)[:-1]
        units, pieces = map(int, re.findall(r"\d+", ax.get_title()))
        rises = np.sign(np.diff(ax.lines[0].get_ydata()))
        assert (units, pieces) == (sum(len(z.b) for z in layers), 1 + (np.diff(rises) != 0).sum())
    # 「4 ユニットの折れ線は」「手で組んだ折れ線は目標の正弦波に重なり、最大の誤差は 0.02 です。」
    titles = []
    for ax in [*album.freehand().axes, *album.training_gap().axes]:
        x, target = ax.lines[0].get_data()
        apart = abs(np.interp(x, *ax.lines[1].get_data()) - target).max()
        assert abs(float(ax.get_title().split()[-1]) - apart) < 0.006
        titles.append(ax.get_title().split(":")[0])
        if len(ax.lines) == 3:
            assert titles[-1] == f"{len(ax.lines[1].get_xdata()) - 1} ユニット"
            assert abs(np.ptp(ax.lines[2].get_ydata()) - apart) < 1e-9
    assert titles[2:] == ["手で組む", "学習する", "折れ目を散らして学習する"]


def test_conditions_of_the_table_admit_the_sigmoid_always_and_relu_only_at_last() -> None:
    # 表「連続で、左で 0、右で 1 に近づく」「減ることがなく、左で 0、右で 1 に近づく（不連続でも」
    # 「連続で、有界で、定数でない」「多項式でない（必要十分）」
    # 「ReLU は有界でないので、満たすのは最後の条件だけです。」
    # 「f がどの有界な範囲でも有界で、不連続な点がごくわずかであることも前提にしています。
    # ステップ関数も、シグモイド関数も、ReLU も、この前提を満たします。」
    # 「活性化関数の条件は、シグモイド関数も ReLU も満たしています。」
    u = np.linspace(-60, 60, 12_001)
    wanted = {
        step: (False, True, False, True),
        sigmoid: (True, True, True, True),
        relu: (False, False, False, True),
        np.square: (False, False, False, False),
    }
    for f, told in wanted.items():
        z = f(u)
        continuous = abs(np.diff(z)).max() < 0.2
        to_ends = abs(z[0]) < 1e-9 and abs(z[-1] - 1) < 1e-9
        grows, bounded = (np.diff(z) >= 0).all(), abs(f(1e6 * u)).max() < 2
        polynomial = np.allclose(np.polyval(np.polyfit(u / 60, z, 6), u / 60), z, atol=1e-6)
        found = (continuous and to_ends, grows and to_ends, continuous and bounded, not polynomial)
        assert found == told
        assert (abs(np.diff(z)) > 0.5).sum() <= 1 or f is np.square


def test_bounds_fall_with_the_pieces_and_with_their_square() -> None:
    # 「誤差の上界は、ステップ関数の階段では段の数に、ReLU の折れ線では線分の数の二乗に
    # 反比例して減ります。」「区間 [0,1] での上界は、階段が π/n、折れ線が…になります。」
    # 「が最大になるのは区画の中央で」「階段では、区画のどの点も中央から h/2 以内にあります。」
    # 「二次関数では…が一定なので、各区画の中央でちょうどこの値になります。」
    # 「階段の誤差は…に比例するので 10 分の 1、折れ線の誤差は…に比例するので」
    for n in (2, 3, 5, 16):
        t, h = np.linspace(0, 1, n + 1), 1 / n
        x = np.linspace(0, 1, 100 * n + 1)
        gap = np.square(x) - call(ua.relu_interpolant(np.square, 0, 1, n), x)
        assert abs(gap).max() == pytest.approx(2 * h**2 / 8)
        middles = (t[:-1] + t[1:]) / 2
        found = np.square(middles) - call(ua.relu_interpolant(np.square, 0, 1, n), middles)
        np.testing.assert_allclose(found, -(h**2) / 4)
        inside = np.linspace(0, h, 101)
        assert inside[abs(inside * (inside - h)).argmax()] == pytest.approx(h / 2)
        assert abs(inside - h / 2).max() == pytest.approx(h / 2)
        line = ua.staircase_network(lambda x: 3 * x, 0, 1, n)
        assert abs(call(line, x[1:]) - 3 * x[1:]).max() == pytest.approx(3 * h / 2)


def test_the_first_rise_becomes_the_bias_and_the_last_fall_is_left_out() -> None:
    # 「足すと、区間 (a,b] だけで盛り上がる…こぶ…になります。」「二つ目の出力の重みを負にします。」
    # 「はじめの…上がる…は出力のバイアスに替え、終わりの…下がる…は省くので」
    # 「隣り合うこぶの…下がる…と…上がる…は同じ場所にあるので、一つのユニットにまとめます。」
    # 「変えたい傾きの分を出力の重みにすれば、g の点を結ぶ折れ線ができます。」
    # 「出力の重みは、はじめの線分の傾き 0.25 と、折れ目ごとの傾きの変化 0.5 が三つです。」
    hidden, output = ua.bump_network(0.2, 0.7, height=3)
    np.testing.assert_allclose(-hidden.b / hidden.W[0], [0.2, 0.7])
    np.testing.assert_allclose(output.W[:, 0], [3, -3])
    n = 6
    t, heights = np.linspace(0, 1, n + 1), np.exp((np.arange(n) + 0.5) / n)
    hidden, output = ua.staircase_network(np.exp, 0, 1, n)
    np.testing.assert_allclose(-hidden.b / hidden.W[0], t[1:-1])
    np.testing.assert_allclose(output.W[:, 0], np.diff(heights))
    np.testing.assert_allclose(output.b, heights[0])
    hidden, output = ua.relu_interpolant(np.exp, 0, 1, n)
    slopes = np.diff(np.exp(t)) * n
    np.testing.assert_allclose(output.W[:, 0], np.diff(slopes, prepend=0))
    np.testing.assert_allclose(-hidden.b / hidden.W[0], t[:-1])


def test_lines_of_the_freehand_figure_are_the_curve_the_nodes_and_the_largest_error() -> None:
    # 「太い灰色の線が g、丸が節点、縦の線が、誤差のいちばん大きなところです。」
    # 「手で描いた曲線でも、節点での値を読み取れば、同じ作り方で折れ線になります。」
    # 「左ではゆるやかに、右では急にうねる曲線を、4 ユニットと 16 ユニットで近似しました。」
    for ax, n in zip(album.freehand().axes, (4, 16), strict=True):
        curve, polyline, gap = ax.lines
        assert curve.get_linewidth() > polyline.get_linewidth()
        red, green, blue = (int(to_hex(curve.get_color())[i : i + 2], 16) for i in (1, 3, 5))
        assert max(red, green, blue) - min(red, green, blue) < 30
        assert polyline.get_marker() == "o"
        x, y = curve.get_data()
        nodes, values = polyline.get_data()
        np.testing.assert_allclose(nodes, np.linspace(0, 1, n + 1))
        np.testing.assert_allclose(values, np.interp(nodes, x, y), atol=1e-3)
        assert np.ptp(gap.get_xdata()) == 0
        assert np.ptp(gap.get_ydata()) > 0
        bends = abs(np.diff(y, 2))
        assert bends[x[1:-1] > 0.6].max() > 3 * bends[x[1:-1] < 0.4].max()


def test_to_the_right_of_the_last_bend_every_relu_is_straight() -> None:
    # 「最後の折れ目より右では、ReLU のユニットはどれも直線なので、その和も直線です。」
    # 「ReLU のユニットのグラフは、x=t_i で一度だけ折れる折れ線です。」
    # 「中間層が一つなら、ReLU の n ユニットが折れるのは、それぞれ一か所だけです。
    # 折れ目は高々 n か所なので、線分は高々 n+1 本です。」「少なくとも…ユニットが要ります。」
    # 「右端の傾き 1.5 のまま伸びるので」「定理が保証するのは、区間の中だけです。」
    for n in (2, 5, 9):
        hidden, output = ua.relu_interpolant(np.square, 0, 1, n)
        x = np.linspace(-2, 3, 5001)
        z = forward((hidden,), x[:, None])
        bends = abs(np.diff(z, 2, axis=0)) > 1e-9
        for unit, at in zip(bends.T, -hidden.b / hidden.W[0], strict=True):
            assert 1 <= unit.sum() <= 2  # 格子の点の間で折れれば、二か所に分かれて見える
            assert abs(x[1:-1][unit] - at).max() < 0.0011
        right = x > (-hidden.b / hidden.W[0]).max() + 1e-9
        y = call((hidden, output), x)[right]
        np.testing.assert_allclose(np.diff(y) / np.diff(x[right]), 2 - 1 / n)
        assert abs(y - x[right] ** 2).max() > 3
        assert ua.count_linear_pieces((hidden, output), -2, 3) <= n + 1


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_polynomial_units_stay_polynomials_of_the_degree_and_lines_of_lines_are_lines(
    degree: int,
) -> None:
    # 「どのユニットの出力も x の 2 次以下の式です。それをいくつ足しても、表せるのは 2 次以下の」
    # 「恒等写像は 1 次の多項式で、1 次の式に入れても 1 次のままなので、層を重ねる意味も」
    # 「多項式なので、中間層が一つなら、いくつ並べても x の 3 次以下の式にしかなりません。」
    # 「何でも近似できる…は、ニューラルネットワークだけの性質ではありません。」
    # 「同じ性質は多項式にもあります。」
    x = np.linspace(-1, 1, 51)
    for H in (1, 5, 40):
        rng = np.random.default_rng(H)
        y = (np.outer(x, rng.normal(size=H)) + rng.normal(size=H)) ** degree @ rng.normal(size=H)
        fit = np.polyval(np.polyfit(x, y, degree), x)
        np.testing.assert_allclose(fit, y, atol=1e-9 * abs(y).max())
        lower = np.polyval(np.polyfit(x, y, degree - 1), x)
        assert abs(lower - y).max() > 1e-6
        twice = ((y[:, None] * rng.normal(size=3) + 1) ** degree) @ rng.normal(size=3)
        again = np.polyval(np.polyfit(x, twice, degree), x)
        assert np.allclose(again, twice, atol=1e-6 * abs(twice).max()) == (degree == 1)


def test_even_sixteen_bends_hold_one_symmetric_hill_each_and_a_line_through_it_is_level() -> None:
    # 「16 ユニットでは、折れ目の間ごとに左右対称の山が一つずつ入り、
    # 山に合う直線は水平な 0.5 だからです。」「のこぎり波の重みは、よく選ばれたものです。」
    # 「x が 0 から 1 へ進む間に、0 から 1 へ上がり、また 0 へ下がります。」
    # 「深くすると、少ないユニットで細かい関数を表せることがあります。」
    wave = ua.sawtooth_network(5)
    for k in range(16):
        x = np.linspace(k / 16, (k + 1) / 16, 201)
        y = call(wave, x)
        np.testing.assert_allclose(y, y[::-1], atol=1e-9)
        assert y[0] == y[-1] == 0 < y[100] == 1
        assert (np.diff(y)[:100] > 0).all()
        slope, middle = np.polyfit(x - x.mean(), y, 1)
        assert abs(slope) < 1e-9
        assert middle == pytest.approx(0.5, abs=0.01)
    assert ua.count_linear_pieces(wave, 0, 1) == 32 > sum(len(z.b) for z in wave[:-1])


def test_a_unit_made_of_the_others_adds_nothing_and_the_constant_counts_as_one() -> None:
    # 「ほかのユニットの出力に数を掛けて足せば作れるユニットは、増やしても、表せるものが
    # 増えません。」「余分を除いて残る個数を、階数（rank）といいます（出力のバイアスに当たる
    # 定数 1 も、一つと数えます）」「どれも…の 3 個に数を掛けて足したもので、誤差が減りません。」
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 201)[:, None]
    g = np.sin(2 * np.pi * x)
    z = np.column_stack([relu(x - rng.random(6)), np.ones(201)])
    copies = np.column_stack([z, z @ rng.normal(size=(7, 5))])
    square = np.column_stack([(x - rng.random(40)) ** 2, np.ones(201)])
    other = np.column_stack([z, relu(x - 0.41)])
    ranks, errors = [], []
    for units in (z, copies, other, square, x ** np.arange(3)):
        v = np.linalg.lstsq(units, g, rcond=1e-10)[0]
        ranks.append(int(np.linalg.matrix_rank(units, rtol=1e-10)))
        errors.append(float(((units @ v - g) ** 2).mean()))
    assert ranks == [7, 7, 8, 3, 3]
    assert np.allclose([errors[0], errors[3]], [errors[1], errors[4]])
    assert errors[2] < errors[0]
