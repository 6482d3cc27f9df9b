"""Claims in the prose of DL008 that no printed output compares."""

from __future__ import annotations

import math
import re
from itertools import islice, permutations, product

import numpy as np
from matplotlib.colors import to_hex
from pictures import arrows, named, once, points_of, written

from dlnotes.arrays import Array
from dlnotes.backprop import loss_and_gradient
from dlnotes.datasets import linear_target, two_gaussians
from dlnotes.figures import dl008_minibatch as figures
from dlnotes.losses import squared_error
from dlnotes.network import Network, forward, init_network, parameters, with_parameters
from dlnotes.optimizers import SGD
from dlnotes.training import Step, iterations_per_epoch, minibatches, train

album = once(figures)


def learn(
    net: Network, x: Array, d: Array, B: int, rate: float, epochs: int, *, seed: int = 2
) -> list[Step]:
    rng, optimizer = np.random.default_rng(seed), SGD(rate)
    way = {"loss": "squared_error", "optimizer": optimizer, "batch_size": B, "epochs": epochs}
    return list(train(net, x, d, rng=rng, **way))


def error(net: Network, x: Array, d: Array) -> float:
    return float(squared_error(forward(net, x), d).mean())


def reshuffled(N: int, B: int, rate: float) -> float:
    """混ぜて使うときの揺れの、重複ありの揺れに対する比（1 周の平均）。"""
    M, q = N // B, 1 - rate
    k = np.arange(1, M + 1)
    one, two = (q ** (k - 1.0)).cumsum(), (q ** (2.0 * (k - 1))).cumsum()
    var = (N - B) / (N - 1) / B
    pairs = (one**2 - two) / max(M - 1, 1)
    added = rate**2 * var * (two - pairs)
    v = q ** (2 * k) * added[-1] / (1 - q ** (2 * M)) + added
    return float(v.mean() / (rate / (2 - rate) / B))


def test_slider_of_the_scatter_gathers_at_the_cross() -> None:
    # 「丸が、B を増やすと集まっていき、B = 100 ではすべて十字に重なります。」
    spreads = []
    for B in (1, 2, 5, 10, 20, 50, 100):
        (ax,) = album.scatter(B)[0].axes
        cross, (dots,) = ax.lines[0].get_xydata()[0], ax.collections
        place, area = np.asarray(dots.get_offsets()), dots.get_sizes() / dots.get_sizes().sum()
        spreads.append(math.sqrt((area * ((place - cross) ** 2).sum(axis=1)).sum()))
        # 「丸の面積は、重なったものの数に比例します。」
        np.testing.assert_allclose(area * 120, (area * 120).round(), atol=1e-9)
        if B == 1:  # 「二つの成分がどちらも 0 のサンプルが、原点に重なります。」
            assert not place[area.argmax()].any()
            assert area.max() * 120 > 20
    assert (np.diff(spreads) < 0).all()
    assert len(place) == 1
    assert spreads[-1] < 1e-8


def test_variance_with_repeats_is_a_line_and_without_falls_to_zero_at_the_end() -> None:
    # 「重複ありの点は傾き −1 の直線に乗り、…バッチサイズが 100 に近づくと急に 0 へ落ちます。」
    line, again, curve, once = album.variance().axes[0].lines
    x, y = line.get_data()
    np.testing.assert_allclose(np.diff(np.log(y)) / np.diff(np.log(x)), -1)
    B, total = again.get_xdata(), y[0] * x[0]
    np.testing.assert_allclose(again.get_ydata(), total / B, rtol=0.15)
    # 図の B = 2 では、標本のばらつきで、重複なしの点が直線よりわずかに上にある。
    below = once.get_ydata() * B / total
    assert below[1] > 1
    assert (abs(below[:2] - 1) < 0.05).all()
    assert (np.diff(below[1:]) < 0).all()
    assert below[-1] < 0.15
    np.testing.assert_allclose(curve.get_ydata(), total / x * (100 - x) / 99)


def test_inner_product_of_two_deviations_is_negative_and_does_not_depend_on_the_batch() -> None:
    # 「c は B によりません」「一つが大きめなら、残りは平均して小さめだからです。」
    for seed in range(3):
        g = np.random.default_rng(seed).exponential(size=(6, 2))
        off = g - g.mean(axis=0)
        for B in (2, 3, 5, 6):
            D = np.array(list(permutations(range(6), B)))
            for i, j in ((0, 1), (B - 1, 0)):
                c = (off[D[:, i]] * off[D[:, j]]).sum(axis=1).mean()
                assert math.isclose(c, -(off**2).sum() / 6 / 5)
                assert c < 0
        # 残りの平均は、いつも反対の側。
        for n in range(6):
            assert (np.delete(off, n, axis=0).mean(axis=0) * off[n] < 0).all()


def test_far_from_the_floor_smaller_batches_get_further_for_the_same_work() -> None:
    # 「谷底から遠いうちは、学習率が大きすぎない限り、…同じ計算量で先へ進めることが多くなります」
    for seed in range(4):
        x, d = linear_target(200, rng=np.random.default_rng(seed))
        net = init_network([2, 10, 1], rng=np.random.default_rng(seed + 10))
        ends = [error(learn(net, x, d, B, 0.07, 1)[-1].network, x, d) for B in (200, 20, 1)]
        assert ends[0] > 3 * ends[1] > 9 * ends[2]
    # 学習率が大きすぎれば、逆になる。
    x, d = linear_target(200, rng=np.random.default_rng(0))
    net = init_network([2, 10, 1], rng=np.random.default_rng(1))
    large = [error(learn(net, x, d, B, 0.5, 5)[-1].network, x, d) for B in (20, 1)]
    assert large[1] > large[0]


def test_same_class_in_a_row_draws_every_answer_to_that_class() -> None:
    # 「同じクラスが続く間は、何を入れてもそのクラスと答える向きに引っ張られ続けます。」
    x, d = two_gaussians(200, rng=np.random.default_rng(0))
    order = np.argsort(d[:, 1], kind="stable")
    for seed in range(6):
        net, E, zeros = init_network([2, 10, 2], rng=np.random.default_rng(seed)), [], []
        for D in np.split(order, 10):
            _, g = loss_and_gradient(net, x[D], d[D], "softmax_cross_entropy")
            net = with_parameters(net, parameters(net) - g)
            E.append(loss_and_gradient(net, x, d, "softmax_cross_entropy")[0])
            zeros.append((forward(net, x).argmax(axis=1) == 0).mean())
        # 「クラス 0 だけを見ている間に全体の誤差が増えます。」
        # 「替わると一度は下がりますが…また増えました。」
        assert (np.diff(E[:5]) > 0).all()
        assert E[5] < 0.7 * E[4]
        assert E[9] > E[5]
        assert zeros[4] > 0.9
        assert zeros[9] < 0.35
        # 「境目のほかでは、どのミニバッチにも一つのクラスしか入りません。」
        assert all(len(set(d[D, 1])) == 1 for D in np.split(order, 10))


def test_plain_mean_of_the_batch_errors_counts_the_last_small_one_too_much() -> None:
    # 「E_t をそのまま平均すると、小さなミニバッチを重く数えすぎます。」
    for N, B in ((10, 4), (1000, 300), (7, 6)):
        for seed in range(5):
            batches = list(minibatches(N, B, rng=np.random.default_rng(seed)))
            sizes = [len(D) for D in batches]
            plain = np.zeros(N)  # 各サンプルの誤差に掛かる重み
            for D in batches:
                plain[D] = 1 / len(D) / len(batches)
            assert (plain[batches[-1]] > 1 / N).all()
            assert (plain[batches[0]] < 1 / N).all()
            assert math.isclose(plain[batches[-1][0]] / plain[batches[0][0]], B / sizes[-1])


def test_every_gradient_vanishes_at_the_floor_unless_noise_keeps_some_errors() -> None:
    # 「正解に雑音がなく、谷底ではどのサンプルの勾配も 0 になるからです。」
    x, clean = linear_target(50, rng=np.random.default_rng(0))
    noisy = clean + np.random.default_rng(3).normal(size=clean.shape)
    for d, vanishes in ((clean, True), (noisy, False)):
        net = init_network([2, 10, 1], rng=np.random.default_rng(1))
        floor = learn(learn(net, x, d, 1, 0.07, 40)[-1].network, x, d, 50, 0.07, 300)[-1].network
        sizes = []
        for place in (net, floor):
            pairs = zip(x[:, np.newaxis], d[:, np.newaxis], strict=True)
            each = [loss_and_gradient(place, a, b, "squared_error")[1] for a, b in pairs]
            sizes.append(np.linalg.norm(each, axis=1).mean())
        assert sizes[1] < 0.01 * sizes[0] if vanishes else sizes[1] > 0.1 * sizes[0]
    # 「雑音のある正解のすべてには合わせられないネットワークなら、谷底でも、…残ります。」
    # 合わせられるなら（3 個のサンプルと、3 個のパラメータの一次式）、雑音があっても 0 になる。
    for N, fits in ((3, True), (50, False)):
        columns = np.c_[x[:N], np.ones(N)]
        residual = columns @ np.linalg.lstsq(columns, noisy[:N], rcond=None)[0] - noisy[:N]
        each = np.linalg.norm(residual * columns, axis=1)
        assert each.max() < 1e-12 if fits else each.max() > 0.1


def test_line_of_twenty_ends_lowest_of_one_and_all_with_noise() -> None:
    # 「1 個ずつの線は最初に下がりますが揺れが残り、200 個ずつの線はゆっくり下がり、20 個ずつ…」
    lines = album.noisy().axes[0].lines
    raw = {B: lines[2 * i].get_data() for i, B in enumerate((1, 20, 200))}
    mean = {B: lines[2 * i + 1].get_data() for i, B in enumerate((1, 20, 200))}
    assert mean[20][1].min() < 0.2 * min(mean[1][1].min(), mean[200][1].min())
    # 「本当の正解との誤差を描いた」200 個ずつの、はじめの更新の後で確かめる。
    x, clean = linear_target(200, rng=np.random.default_rng(0))
    d = clean + np.random.default_rng(3).normal(size=clean.shape)
    (step,) = learn(init_network([2, 10, 1], rng=np.random.default_rng(1)), x, d, 200, 0.07, 1)
    assert math.isclose(raw[200][1][0], error(step.network, x, clean))
    at = {B: float(np.interp(400, *mean[B])) for B in mean}
    assert at[1] < at[20] < at[200]  # はじめは 1 個ずつが先に下がる
    late = raw[1][1][2000:]
    assert late.std() > 0.5 * late.mean()
    assert np.polyfit(range(2000), late, 1)[0] * 2000 > -0.05
    assert (np.diff(raw[200][1]) < 0).all()
    assert raw[200][1][-1] > 0.1
    # 「印の付いた線がその前後の平均です。」
    t, middle = mean[1]
    near = [raw[1][1][(raw[1][0] >= n / 1.2) & (raw[1][0] <= n * 1.2)].mean() for n in t]
    np.testing.assert_allclose(middle[t > 50], np.array(near)[t > 50], rtol=0.1)


def test_middle_wins_at_one_rate_and_one_by_one_catches_up_at_a_twentieth_of_it() -> None:
    # 「中間の 20 個ずつが最もよくなりました。」「4 行目では、20 個ずつと同じくらいの誤差です。」
    x, clean = linear_target(200, rng=np.random.default_rng(1))
    d = clean + np.random.default_rng(51).normal(size=clean.shape)
    net, E = init_network([2, 10, 1], rng=np.random.default_rng(11)), []
    for B, rate in ((200, 0.07), (20, 0.07), (1, 0.07), (1, 0.0035)):
        last = learn(net, x, d, B, rate, 20)[-200 // B :: max(10 // B, 1)]
        E.append(np.mean([error(step.network, x, clean) for step in last]))
    assert E[1] < 0.5 * min(E[0], E[2])
    assert 0.5 < E[3] / E[1] < 2


def test_sway_that_remains_is_proportional_to_the_rate_over_the_batch_size() -> None:
    # 「学習率が小さければ、残る揺れもおよそ 1/B になり、ε/B に比例します。」
    rng = np.random.default_rng(0)
    d = rng.exponential(size=100)
    seen = {}
    for B, rate in ((1, 0.02), (4, 0.02), (4, 0.08), (16, 0.02), (16, 0.08)):
        w, squares = np.full(1000, d.mean()), []
        for _ in range(int(6 / rate)):
            w = w - rate * (w - d[rng.integers(100, size=(1000, B))].mean(axis=1))
            squares.append(((w - d.mean()) ** 2).mean())
        seen[B, rate] = np.mean(squares[len(squares) // 2 :]) / d.var()
    for (B, rate), v in seen.items():
        assert math.isclose(v / (rate / B), 0.5, rel_tol=0.12), seen


def test_rate_times_k_stands_for_k_small_updates_until_it_diverges() -> None:
    # 「1 回で k 回分進むように、学習率も k 倍にするという目安があります」
    x, d = linear_target(200, rng=np.random.default_rng(0))
    net = init_network([2, 10, 1], rng=np.random.default_rng(1))
    curves = {}
    for k, rate in ((1, 0.002), (4, 0.008), (20, 0.04), (20, 0.002)):
        ends = learn(net, x, d, k, rate, 3)[200 // k - 1 :: 200 // k]
        curves[k, rate] = np.array([error(step.network, x, d) for step in ends])
    np.testing.assert_allclose(curves[4, 0.008], curves[1, 0.002], rtol=0.1)
    np.testing.assert_allclose(curves[20, 0.04], curves[1, 0.002], rtol=0.2)
    assert (curves[20, 0.002] > 2 * curves[1, 0.002]).all()
    # 「上げすぎれば発散するので、どこまでも使えるわけではありません。」
    assert error(learn(net, x, d, 200, 0.07 * 200, 30)[-1].network, x, d) > 1e10


def test_shuffled_use_sways_less_the_smaller_the_rate_and_the_number_of_updates() -> None:
    # 「学習率と 1 周の更新の回数が小さいほど、よく打ち消し合います。」
    rates, sizes = (0.4, 0.2, 0.1, 0.02, 0.005), (1, 2, 5, 10, 20, 50, 100)
    table = np.array([[reshuffled(200, B, rate) for B in sizes] for rate in rates])
    assert (np.diff(table, axis=0) < 0).all()
    assert (np.diff(table, axis=1) < 0).all()
    assert table.max() < 1  # 「学習率が小さければ、揺れは ε/B の見積もりより小さくなります。」
    assert reshuffled(200, 1, 1.5) > 1  # 学習率が大きければ、そうではない
    # 上の式は、混ぜて使う実測と合う。
    rng, d = np.random.default_rng(0), np.random.default_rng(1).exponential(size=40)
    for B, rate in ((1, 0.4), (1, 0.05), (4, 0.4), (4, 0.1), (40, 0.4)):
        w, squares = np.full(1000, d.mean()), []
        for _ in range(40 if B == 1 else 20):
            order = rng.permuted(np.tile(d, (1000, 1)), axis=1)
            for D in np.split(order, 40 // B, axis=1):
                w = w - rate * (w - D.mean(axis=1))
                squares.append(((w - d.mean()) ** 2).mean())
        v = np.mean(squares[len(squares) // 2 :]) / d.var()
        formula = reshuffled(40, B, rate) * rate / (2 - rate) / B
        assert math.isclose(v, formula, rel_tol=0.1, abs_tol=1e-12)


def test_whole_data_as_one_batch_does_not_sway_at_all() -> None:
    # 「揺れのない 200 個ずつのほうがよくなりました。」
    x, clean = linear_target(200, rng=np.random.default_rng(0))
    d = clean + np.random.default_rng(3).normal(size=clean.shape)
    net = init_network([2, 10, 1], rng=np.random.default_rng(1))
    for B, sways in ((200, False), (20, True)):
        ends = [parameters(learn(net, x, d, B, 0.07, 10, seed=s)[-1].network) for s in (2, 3, 4)]
        assert (np.ptp(ends, axis=0).max() > 1e-3) == sways
        assert sways or np.ptp(ends, axis=0).max() < 1e-9


def test_products_per_number_moved_rise_with_the_batch_and_stop_at_forty_seven() -> None:
    # 「1 個ずつだと、重みを 1 個読むたびに積和を 1 回しかできません」
    # 「この比は…頭打ちになります。」
    def ratio(B: int) -> float:
        return B * 784 * 50 / (784 * 50 + B * 784 + B * 50)

    values = [ratio(B) for B in (1, 2, 10, 100, 1000, 10_000, 10**9)]
    assert values == sorted(values)
    assert values[-1] < 784 * 50 / (784 + 50) < 47.01
    assert values[-1] > 46.99
    assert 0.97 < values[0] < 1
    assert values[3] / values[0] > 30  # 「100 個まとめると、一度読んだ重みを 100 回使える」
    assert ratio(200) / ratio(100) < 1.25 < 1.9 < ratio(2) / ratio(1)


def test_picture_of_the_chain_shows_what_its_text_says() -> None:
    # 「箱が t、t+1、t+2、t+3 の順に矢印でつながり、それぞれの矢印に…勾配が上から入ります。」
    (ax,) = album.chain().axes
    assert len(ax.patches) == 4
    boxes = [text for text in ax.texts if text.get_text().startswith("$w")]
    assert [t.get_text() for t in boxes] == [f"$w^{{({n})}}$" for n in ("t", "t+1", "t+2", "t+3")]
    assert (np.diff([t.get_position()[0] for t in boxes]) > 0).all()
    arrows = np.array([[a.xyann, a.xy] for a in ax.texts if not a.get_text()])
    down = arrows[:, 0, 0] == arrows[:, 1, 0]
    assert (~down).sum() == 3
    assert (arrows[down, 0, 1] > arrows[down, 1, 1]).all()
    assert down.sum() == 6


def test_mixed_order_falls_at_once_and_is_never_as_bad_as_the_order_of_the_classes() -> None:
    # 「混ぜた順では、はじめの数回で下がり、その後も大きくは乱れません。」
    x, d = two_gaussians(200, rng=np.random.default_rng(0))
    for seed in range(6):
        ends = {}
        for mixed in (True, False):
            order = np.argsort(d[:, 1], kind="stable")
            order = np.random.default_rng(seed + 50).permutation(200) if mixed else order
            net, E = init_network([2, 10, 2], rng=np.random.default_rng(seed)), []
            for D in np.split(order, 10):
                g = loss_and_gradient(net, x[D], d[D], "softmax_cross_entropy")[1]
                net = with_parameters(net, parameters(net) - g)
                E.append(loss_and_gradient(net, x, d, "softmax_cross_entropy")[0])
            ends[mixed] = max(E[3:])
        assert ends[True] < 0.45 < 1 < ends[False]


def test_same_rate_per_sample_and_same_stride_leave_the_same_error_for_every_batch_size() -> None:
    # 「1 周の歩幅の合計に効く…更新の回数も、20 個ずつと同じだからです。」
    # 「揺れに効く…も変わりません。」
    x, clean = linear_target(100, rng=np.random.default_rng(1))
    d = clean + np.random.default_rng(51).normal(size=clean.shape)
    net, E = init_network([2, 10, 1], rng=np.random.default_rng(11)), {}
    for B, rate in ((20, 0.07), (10, 0.035), (5, 0.0175), (10, 0.7), (10, 0.0035)):
        steps = learn(net, x, d, B, rate, 20)
        assert np.isclose(rate * len(steps), 7) == np.isclose(rate / B, 0.0035)
        last = steps[-200 // B :: max(10 // B, 1)]
        E[B, rate] = np.mean([error(step.network, x, clean) for step in last])
    first, *same = E[20, 0.07], E[10, 0.035], E[5, 0.0175]
    assert 0.6 * first < min(same) <= max(same) < 1.6 * first
    # 学習率だけを変えれば、どちらにも外れる。
    assert min(E[10, 0.7], E[10, 0.0035]) > 2 * first, E


def test_use_of_every_sample_once_cancels_the_sway_even_in_a_fixed_order() -> None:
    # 「1 周で全サンプルをちょうど一度ずつ使うので、
    # 行き過ぎと戻り過ぎが、1 周の中で打ち消し合うからです。」
    rng, N = np.random.default_rng(0), 40
    d = rng.normal(size=N)
    for B, rate in ((4, 0.02), (1, 0.02), (4, 0.2)):
        v = {}
        fixed = rng.permuted(np.tile(np.arange(N), (300, 1)), axis=1)
        for kind in ("again", "fixed", "mixed"):
            w, squares = np.full(300, d.mean()), []
            for _ in range(int(6 / rate * B / N)):
                mixed = rng.permuted(fixed, axis=1) if kind == "mixed" else fixed
                order = rng.integers(N, size=fixed.shape) if kind == "again" else mixed
                for D in np.split(order, N // B, axis=1):
                    w = w - rate * (w - d[D].mean(axis=1))
                    squares.append(((w - d.mean()) ** 2).mean())
            v[kind] = np.mean(squares[len(squares) // 2 :])
        assert max(v["fixed"], v["mixed"]) < 0.6 * v["again"], v


def test_small_batch_divided_by_the_full_size_is_a_smaller_rate() -> None:
    # 「そのときだけ勾配が…倍に小さくなり、ただの勾配降下法では、
    # 学習率を下げたのと同じになります。」
    x, d = linear_target(10, rng=np.random.default_rng(0))
    net = init_network([2, 5, 1], rng=np.random.default_rng(1))
    for n, B in ((1, 4), (2, 4), (5, 8)):
        summed = n * loss_and_gradient(net, x[:n], d[:n], "squared_error")[1]
        theta = parameters(net)
        wrong, _ = SGD(0.1).step(theta, summed / B, ())
        (step,) = learn(net, x[:n], d[:n], n, 0.1 * n / B, 1)
        np.testing.assert_allclose(parameters(step.network), wrong)
        (right,) = learn(net, x[:n], d[:n], n, 0.1, 1)
        np.testing.assert_allclose(parameters(right.network) - theta, (wrong - theta) * B / n)


def test_thousand_draws_one_by_one_are_hardly_ever_a_thousand_samples() -> None:
    # 「使ったサンプルは延べ 1,000 個なので」
    drawn = [np.random.default_rng(s).integers(100_000, size=1000) for s in range(100)]
    different = [len(np.unique(n)) for n in drawn]
    assert np.mean(np.array(different) < 1000) > 0.95
    assert min(different) > 980  # 割合は、丸めれば 0.01 のまま


def test_cross_is_the_gradient_of_all_and_the_title_is_the_spread_about_it() -> None:
    # 「十字が全サンプルの勾配を示します。」
    G = figures._per_sample_gradients(100)
    whole = G[:, np.argsort(G.var(axis=0))[-2:]].mean(axis=0)
    for B in (1, 10, 50):
        drawing, says = album.scatter(B)
        (ax,) = drawing.axes
        np.testing.assert_allclose(ax.lines[0].get_xydata(), [whole])
        (dots,) = ax.collections
        times = dots.get_sizes() / dots.get_sizes().sum()
        spread = np.sqrt(times @ ((dots.get_offsets() - whole) ** 2).sum(axis=1))
        for text in (ax.get_title(), says):
            assert re.findall(r"\d\.\d+", text) == [f"{spread:.3f}"]


def test_names_of_the_variances_and_of_the_batch_sizes_belong_to_their_lines() -> None:
    # 「重複ありの点は傾き −1 の直線に乗ります。重複なしの点は…急に 0 へ落ちます。」
    (ax,) = album.variance().axes
    lines = {name: part for name, (part,) in named(ax).items()}
    total = figures._per_sample_gradients(100).var(axis=0).sum()
    for name, factor in (("重複あり", lambda B: 1 / B), ("重複なし", lambda B: (100 - B) / 99 / B)):
        B, v = lines[f"{name}の式"]
        np.testing.assert_allclose(v, total * factor(B))
        B, v = lines[f"{name}の実測"]
        np.testing.assert_allclose(v, total * factor(B), rtol=0.2)
    assert [int(t.get_text()) for t in ax.get_xticklabels()] == ax.get_xticks().tolist()
    # 「薄い線が更新ごとの誤差、印の付いた線がその前後の平均です。」
    (ax,) = album.noisy().axes
    for text, raw, mean in zip(ax.texts, ax.lines[::2], ax.lines[1::2], strict=True):
        assert len({to_hex(part.get_color()) for part in (text, raw, mean)}) == 1
        start = points_of(raw)[:, 0]
        assert text.get_text() == f"$B={start[0]:.0f}$"
        assert [*text.xy] == [*start]
        assert points_of(mean)[0, [0, -1]].tolist() == points_of(raw)[0, [0, -1]].tolist()


def test_every_cell_and_every_name_of_a_mini_batch_has_the_colour_of_that_mini_batch() -> None:
    # 「上の段は 0 から 9 のサンプルで、どのミニバッチに入ったかを模様で示します。
    # 下の段は混ぜた後の順で、4 個、4 個、2 個に切れています。」
    axes = album.one_epoch().axes
    assert [ax.get_title()[:2] for ax in axes] == ["もと", "混ぜ"]
    looks = [[(to_hex(p.get_edgecolor()), p.get_hatch()) for p in ax.patches] for ax in axes]
    samples = [[int(t.get_text()) for t in ax.texts if t.get_text().isdigit()] for ax in axes]
    assert dict(zip(samples[0], looks[0], strict=True)) == dict(
        zip(samples[1], looks[1], strict=True)
    )
    assert samples[0] == list(range(10)) != samples[1]
    first, second, third = looks[1][0], looks[1][4], looks[1][8]
    assert looks[1] == [first] * 4 + [second] * 4 + [third] * 2
    assert len({first[1], second[1], third[1]}) == 3
    names = {t.get_text(): t for t in axes[1].texts if "D" in t.get_text()}
    for n, first in ((1, 0), (2, 4), (3, 8)):
        name = names[f"$D_{n}$"]
        assert int(name.get_position()[0]) == first
        assert to_hex(name.get_color()) == looks[1][first][0]


def test_gradients_of_the_chain_enter_the_arrow_of_their_own_update() -> None:
    # 「重み w の箱が t、t+1、t+2、t+3 の順に矢印でつながり、それぞれの矢印に、
    # そのときのミニバッチから求めた勾配が上から入ります。」
    (ax,) = album.chain().axes
    at, ends = written(ax), arrows(ax)
    across = ends[ends[:, 0, 1] == ends[:, 1, 1]]
    steps = ("t", "t+1", "t+2", "t+3")
    for now, following, (tail, head) in zip(steps, steps[1:], across, strict=False):
        assert at[f"$w^{{({now})}}$"][0] < tail[0] < head[0] < at[f"$w^{{({following})}}$"][0]
        for name in (rf"$\nabla E_{{{now}}}$", f"$D_{{{now}}}$"):
            assert tail[0] < at[name][0] < head[0]
        assert at[rf"$\nabla E_{{{now}}}$"][1] < at[f"$D_{{{now}}}$"][1]


def test_mean_over_all_choices_is_the_whole_gradient_and_the_spread_falls_as_said() -> None:
    # 「どのサンプルも同じ確率で選ばれるので、選び方について平均すると g に戻ります」
    # 「勾配の平均は全サンプルの勾配と同じで、分散は、重複を許して選べばバッチサイズ B に反比例し、
    # 重複なしなら（B≥2 で）さらに小さくなります」「B=N なら全部を使うので、ばらつきは 0 です」
    # 「重複を許して選ぶときは、B 個が独立で、ずれの期待値は 0 なので、c=0 です」
    g = np.random.default_rng(0).exponential(size=(5, 2))
    off, one = g - g.mean(axis=0), g.var(axis=0).sum()
    for B in (1, 2, 3, 5):
        again, once = (
            np.array([*product(range(5), repeat=B)]),
            np.array([*permutations(range(5), B)]),
        )
        spread = []
        for D in (again, once):
            np.testing.assert_allclose(g[D].mean(axis=1).mean(axis=0), g.mean(axis=0))
            spread.append(g[D].mean(axis=1).var(axis=0).sum())
        assert math.isclose(spread[0], one / B)
        assert math.isclose(spread[1], one / B * (5 - B) / 4, abs_tol=1e-12)
        assert (spread[1] < spread[0] - 1e-9) == (B >= 2)
        pair = again[:, [0, -1]] if B > 1 else np.array([*product(range(5), repeat=2)])
        assert abs((off[pair[:, 0]] * off[pair[:, 1]]).sum(axis=1).mean()) < 1e-12


def test_standard_deviation_falls_by_the_root_only_while_the_batch_is_small() -> None:
    # 「重複ありなら、標準偏差は 1/√B に比例してしか減りません」
    # 「標準偏差を 10 分の 1 にするには、計算を 100 倍にする必要があります」
    # 「B が N よりずっと小さいうちは、ほぼ 1/√B に比例してしか減りません」
    rng, N = np.random.default_rng(0), 1000
    g = rng.normal(size=N)
    again = [g[rng.integers(N, size=(4000, B))].mean(axis=1).std() for B in (2, 200)]
    assert math.isclose(again[0] / again[1], 10, rel_tol=0.06)
    once = {}
    for B in (1, 4, 200, 800):
        once[B] = np.std([rng.permutation(g)[:B].mean() for _ in range(4000)])
    assert math.isclose(once[1] / once[4], 2, rel_tol=0.06)
    assert once[200] / once[800] > 3  # N に近いと、もっと速く減る


def test_rounds_use_every_sample_once_and_only_the_last_batch_is_small() -> None:
    # 「どの番号もちょうど一度ずつ現れます」
    # 「重複なしなので、1 周の間にどのサンプルもちょうど一度ずつ使われます」
    # 「N が B で割り切れなければ、最後のミニバッチだけが小さくなります」「捨てずに使うので」
    # 「サンプルの番号を混ぜてから、前から B 個ずつ切ります」
    for N, B in ((10, 4), (10, 5), (7, 6), (1050, 100), (3, 8)):
        batches = list(minibatches(N, B, rng=np.random.default_rng(0)))
        sizes = [len(D) for D in batches]
        order = np.concatenate(batches)
        assert sorted(order) == list(range(N))
        assert sizes[:-1] == [B] * (len(sizes) - 1)
        assert (sizes[-1] < B) == (N % B > 0)
        assert len(sizes) == -(-N // B)
        np.testing.assert_array_equal(order, np.random.default_rng(0).permutation(N))


def test_every_update_starts_where_the_last_one_ended() -> None:
    # 「次の更新は、いま得た w から始まり、別のミニバッチ D を使います」
    # 「更新は前の更新が終わるまで始められないので、図のような一列の鎖になります」
    # 「次はそこから、別のミニバッチ D で同じことをします」
    # 「w から w へは、ミニバッチ 1 個で進みます」
    x, d = linear_target(40, rng=np.random.default_rng(0))
    start = net = init_network([2, 6, 1], rng=np.random.default_rng(1))
    way = {"loss": "squared_error", "optimizer": SGD(0.07), "batch_size": 8, "epochs": 1}
    steps = list(train(net, x, d, rng=np.random.default_rng(2), **way))
    at_once = parameters(start)
    for step, D in zip(steps, minibatches(40, 8, rng=np.random.default_rng(2)), strict=True):
        at_once = at_once - 0.07 * loss_and_gradient(start, x[D], d[D], "squared_error")[1]
        g = loss_and_gradient(net, x[D], d[D], "squared_error")[1]
        net = with_parameters(net, parameters(net) - 0.07 * g)
        np.testing.assert_allclose(parameters(step.network), parameters(net))
        assert np.allclose(at_once, parameters(net), atol=1e-3) == (step is steps[0])


def test_error_of_a_batch_is_a_mean_and_its_ends_are_the_two_methods() -> None:
    # 「二つは別の方法ではなく、ミニバッチ勾配降下法の両端です」
    # 「…なら勾配降下法、…なら確率的勾配降下法になります」
    # 「ミニバッチの誤差は、その中のサンプルの誤差の平均です」
    # 「N_t=N なら勾配降下法、N_t=1 なら確率的勾配降下法です」
    # 「たとえば B=4、N_t=2 なら、半分しか進みません」
    x, d = linear_target(12, rng=np.random.default_rng(0))
    net = init_network([2, 6, 1], rng=np.random.default_rng(1))
    pairs = zip(x[:, np.newaxis], d[:, np.newaxis], strict=True)
    E, g = zip(*(loss_and_gradient(net, *p, "squared_error") for p in pairs), strict=True)
    for size in (1, 2, 4, 12):
        rng = np.random.default_rng(size)
        way = {"loss": "squared_error", "optimizer": SGD(0.1), "batch_size": size, "epochs": 1}
        first = next(iter(train(net, x, d, rng=rng, **way)))
        D = next(minibatches(12, size, rng=np.random.default_rng(size)))
        assert math.isclose(first.loss, np.mean([E[n] for n in D]))
        moved = parameters(net) - parameters(first.network)
        np.testing.assert_allclose(moved, 0.1 * np.mean([g[n] for n in D], axis=0), atol=1e-12)
    short = 0.1 * np.sum(g[:2], axis=0) / 4  # 2 個しかないのに、4 で割る
    np.testing.assert_allclose(short, 0.1 * np.mean(g[:2], axis=0) / 2)


def test_thousand_updates_of_the_notebook_are_no_epochs() -> None:
    # 「この 1,000 は更新の回数です」「1 エポックにはまったく届きません」
    # 「エポックの番号でも、サンプルの番号でもありません」
    # 「t は、それまでに済んだ更新の回数で、0 から始まります」「t は更新のたびに 1 増える番号です」
    x, d = linear_target(30, rng=np.random.default_rng(0))
    net = init_network([2, 3, 1], rng=np.random.default_rng(1))
    way = {"loss": "squared_error", "optimizer": SGD(0.01), "batch_size": 10, "epochs": 4}
    steps = list(train(net, x, d, rng=np.random.default_rng(2), **way))
    done = [(t, t // 3) for t in range(12)]
    assert len(steps) == 12 != way["epochs"]
    assert [(t, step.epoch - steps[0].epoch) for t, step in enumerate(steps)] == done
    assert iterations_per_epoch(100_000, 1) / 50 > 1000


def test_every_record_has_the_error_before_and_the_network_after_its_own_update() -> None:
    # 「更新する前のパラメータでの、このミニバッチの平均誤差」「更新した後のネットワーク」
    # 「1 から数え、周が替わっても続けて数えます」「済んだ更新の回数（0 から）を学習率にする関数」
    # 「取り出した分だけ学習が進みます」「書き換えません」
    x, d = linear_target(10, rng=np.random.default_rng(0))
    before = net = init_network([2, 4, 1], rng=np.random.default_rng(1))
    kept, asked = parameters(net), []
    way = {"loss": "squared_error", "optimizer": SGD(9.0), "batch_size": 4, "epochs": 3}
    schedule = lambda t: asked.append(t) or 0.1 / (t + 1)  # noqa: E731
    steps = train(net, x, d, rng=np.random.default_rng(2), schedule=schedule, **way)
    assert asked == []
    rng = np.random.default_rng(2)
    batches = (D for _ in range(3) for D in minibatches(10, 4, rng=rng))
    for t, (step, D) in enumerate(zip(islice(steps, 7), batches, strict=False)):
        assert asked == list(range(t + 1))
        assert (step.iteration, step.epoch) == (t + 1, 1 + t // 3)
        E, g = loss_and_gradient(before, x[D], d[D], "squared_error")
        assert math.isclose(step.loss, E)
        np.testing.assert_allclose(
            parameters(step.network), parameters(before) - 0.1 / (t + 1) * g, atol=1e-12
        )
        before = step.network
    assert np.array_equal(parameters(net), kept)


def test_older_updates_fade_by_the_same_factor_and_larger_batches_update_less_often() -> None:
    # 「この例では、1 回の更新で、それより前の更新の影響が 1−ε 倍に薄れます」
    # 「バッチサイズを k 倍にすると、1 エポックの更新の回数は、およそ 1/k になります」
    # 「割り切れないときは、最後の小さなミニバッチの分を含みます」
    d = np.random.default_rng(0).normal(size=9)
    for rate in (0.02, 0.4):
        ends = []
        for first in (d[0], d[0] + 1):  # 最初のサンプルだけを動かす
            w, path = 0.0, []
            for d_n in (first, *d[1:]):
                w = w - rate * (w - d_n)
                path.append(w)
            ends.append(path)
        np.testing.assert_allclose(np.diff(ends, axis=0)[0], rate * (1 - rate) ** np.arange(9.0))
    for N, B in ((60_000, 100), (1000, 32), (997, 8)):
        for k in (2, 3, 5):
            counts = iterations_per_epoch(N, B), iterations_per_epoch(N, k * B)
            assert abs(counts[0] / k - counts[1]) < 1
            assert counts[1] == len(list(minibatches(N, k * B, rng=np.random.default_rng(0))))
