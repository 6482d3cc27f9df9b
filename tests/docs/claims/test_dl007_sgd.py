"""Claims in the prose of DL007 that no printed output compares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product

import numpy as np
from pictures import named, once, points_of, written

from dlnotes.arrays import Array
from dlnotes.backprop import loss_and_gradient
from dlnotes.datasets import linear_target
from dlnotes.figures import dl007_sgd as figures
from dlnotes.losses import squared_error
from dlnotes.network import Layer, forward, init_network, parameters, with_parameters
from dlnotes.optimizers import SGD
from dlnotes.training import minibatches, train

album = once(figures)

SHALLOW, DEEP = 0.9304, -1.0575


def slope(w: Array) -> Array:
    return 4 * w * (w**2 - 1) + 0.5


def escape(rates: Iterable[float], *, seed: int = 0, size: float = 4.0, n: int = 1000) -> Array:
    rng, w = np.random.default_rng(seed), np.full(n, 1.5)
    for rate in rates:
        w = w - rate * (slope(w) + rng.choice([-size, size], size=n))
    return w


FALLING = 0.1 * (1 - np.arange(300) / 300)


def test_sample_on_the_other_side_raises_the_error_however_small_the_rate() -> None:
    # 「選んだ 1 個によっては増やす向きに進みます」
    # 「学習率をどんなに小さくしても、その 1 個での更新で全体の誤差が増えます。」
    x, d = linear_target(200, rng=np.random.default_rng(0))
    net = init_network([2, 10, 1], rng=np.random.default_rng(1))
    for updates in (0, 300):
        for _ in range(updates):
            g = loss_and_gradient(net, x, d, "squared_error")[1]
            net = with_parameters(net, parameters(net) - 0.07 * g)
        before, g = loss_and_gradient(net, x, d, "squared_error")
        pairs = zip(x[:, np.newaxis], d[:, np.newaxis], strict=True)
        each = [loss_and_gradient(net, a, b, "squared_error")[1] for a, b in pairs]
        # 「はじめは、学習率が小さければ、どのサンプルで更新しても誤差が減る」
        against = [e for e in each if e @ g < 0] if updates else each
        for rate in (0.07, 1e-3, 1e-6):
            moved = [with_parameters(net, parameters(net) - rate * e) for e in against]
            after = np.array([squared_error(forward(m, x), d).mean() for m in moved])
            assert (after > before).all() if updates else (after < before).all()
    assert len(against) > 200 / 3  # 「3 分の 1 以上のサンプルが逆の側を向き」


def test_one_by_one_is_below_the_end_of_the_other_line_before_that_begins() -> None:
    # 「1,000 個ずつの線が最初の更新を終えるより前に、その線が最後に着くところより低くなります。」
    gd, sgd = album.redundant().axes[0].lines
    first = gd.get_xdata()[0]
    used, E = sgd.get_data()
    assert first == 1000
    lowest = gd.get_ydata().min()
    assert E[used < first].min() < lowest
    assert E[used > first].max() < lowest


def test_gradient_descent_pays_for_every_copy_and_sgd_does_not() -> None:
    # 「似たデータが増えるほど、1 回の更新に全部を使う無駄は大きくなります。」
    x, d = linear_target(10, rng=np.random.default_rng(0))
    costs: dict[int, list[int]] = {}
    for copies in (1, 10, 50):
        net, N = init_network([2, 10, 1], rng=np.random.default_rng(1)), 10 * copies
        data = {"x": np.tile(x, (copies, 1)), "d": np.tile(d, (copies, 1))}
        for B in (N, 1):
            rng = np.random.default_rng(2)
            way = {"loss": "squared_error", "optimizer": SGD(0.07), "batch_size": B, "epochs": 99}
            for step in train(net, **data, rng=rng, **way):
                if squared_error(forward(step.network, x), d).mean() < 0.1:
                    break
            costs.setdefault(copies, []).append(B * step.iteration)
    assert [c[0] / costs[1][0] for c in costs.values()] == [1, 10, 50]
    assert all(20 < c[1] < 80 for c in costs.values())


def test_gradient_descent_stays_in_the_valley_it_rolls_into_while_its_rate_is_small() -> None:
    # 「学習率が小さければ、勾配降下法は出発点から坂を下った先の谷に落ち…出られません。」
    top = float(np.sort(np.roots([4, 0, -4, 0.5]).real)[1])
    starts = np.concatenate([np.linspace(-1.5, top - 0.01, 40), np.linspace(top + 0.01, 1.5, 40)])
    for rate, stays in ((0.01, True), (0.05, True), (0.1, True), (0.2, False)):
        w = starts
        for _ in range(2000):
            w = w - rate * slope(w)
        aim = np.where(starts < top, DEEP, SHALLOW)
        assert (abs(w - aim).max() < 1e-3) == stays


def test_scatter_pushes_out_of_the_shallow_valley_but_more_is_not_always_better() -> None:
    # 「このばらつきが、浅い谷から押し出す力になります。」「1 割ほどは浅い谷に残っています。」
    deep = {size: (escape(FALLING, size=size) < 0).mean() for size in (0, 1, 2, 3, 4, 6, 8)}
    assert deep[0] == deep[1] == 0 < deep[2] < deep[3] < deep[4]
    # 「ばらつきが大きければよいわけでもありません。」
    assert deep[4] > deep[6] + 0.05 > deep[8] + 0.05
    ends = escape(FALLING, seed=1, n=60_000).reshape(300, 200) < 0
    assert 0.88 < ends.mean() < 0.92
    # 「真の割合は、約 95% の確かさでこの範囲にあります」
    p = ends.mean(axis=1)
    held = abs(p - ends.mean()) < 1.96 * np.sqrt(p * (1 - p) / 200)
    assert 0.91 < held.mean() < 0.98


def test_histogram_stands_mostly_in_the_deep_valley_and_a_little_in_the_shallow_one() -> None:
    # 「着いた場所の度数分布で、大部分が左の深い谷に、少しが右の浅い谷にあります。」
    top, bottom = album.escape().axes
    w, E = top.lines[0].get_data()
    place = np.array([bar.get_x() + bar.get_width() / 2 for bar in bottom.patches])
    count = np.array([bar.get_height() for bar in bottom.patches])
    assert count.sum() == 1000
    assert 850 < count[place < 0].sum() < 950
    assert abs(place[place < 0][count[place < 0].argmax()] - DEEP) < 0.06
    assert abs(place[place > 0][count[place > 0].argmax()] - SHALLOW) < 0.06
    # 「深い谷と浅い谷のある誤差の曲線で、出発点は浅い谷の側にあります。」
    lows = w[1:-1][(E[1:-1] < E[:-2]) & (E[1:-1] < E[2:])]
    np.testing.assert_allclose(lows, [DEEP, SHALLOW], atol=0.02)
    assert top.lines[1].get_xdata()[0] == 1.5


def test_constant_rate_leads_back_from_the_deep_valley_to_the_shallow_one() -> None:
    # 訂正の案「学習率を 0.1 のまま下げずにいると、深い谷に着いた後も浅い谷へ何度も戻り、…」
    for rate, returns in ((0.1, True), (0.02, False)):
        rng, w = np.random.default_rng(0), np.full(1000, DEEP)
        visits, in_deep = np.zeros(1000), np.ones(1000, dtype=bool)
        for _ in range(300):
            w = w - rate * (slope(w) + rng.choice([-4.0, 4.0], size=1000))
            visits += in_deep & (w > SHALLOW)
            in_deep = (in_deep | (w < DEEP)) & ~(w > SHALLOW)
        assert (visits.mean() > 2 and (visits > 0).mean() > 0.95) if returns else not visits.any()
        assert ((w < 0).mean() < 0.8) == returns
        assert w[w < 0].std() > 0.1  # どちらも、谷底のまわりで揺れてはいる


def test_learning_one_by_one_follows_the_change_down_to_the_noise() -> None:
    # 「まとめて学んだ一次式の誤差は高いまま、1 個ずつ学ぶ一次式の誤差はすぐに元の低さに戻ります。」
    stale, online, change = album.drift().axes[0].lines
    t, E = online.get_data()
    late, old = t > change.get_xdata()[0], stale.get_ydata()
    assert old[late].min() > 100 * old[~late].max() > 2
    # はじめと変わり目の 50 個のほかは、どこも同じ低さ。
    low = np.delete(E, [0, int(late.argmax())])
    assert low.max() < 0.03
    assert E[late][0] > 20 * low.max()
    # 「誤差の期待値は、どんな一次式でも 0.04/2 = 0.02 より小さくなりません。」
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=(100_000, 2)), 0.2 * rng.normal(size=100_000)
    miss = [((x @ np.array(e) + noise) ** 2).mean() / 2 for e in ((0, 0), (0.1, 0), (-0.2, 0.3))]
    assert abs(miss[0] - 0.02) < 3e-4
    assert miss[0] < miss[1] < miss[2]


def test_sway_settles_where_the_formula_says_for_any_answers() -> None:
    # 「0 < ε < 2 なら、更新を続けると、v は左右が等しくなる値に落ち着きます。」
    rng = np.random.default_rng(0)
    for d in (rng.exponential(size=50), np.append(np.zeros(49), 7.0), np.full(50, 3.0)):
        for rate in (0.05, 0.7, 1.6):
            w = np.full(20_000, d.mean() + 3)
            for _ in range(int(20 / min(rate, 2 - rate))):
                w = w - rate * (w - d[rng.integers(50, size=20_000)])
            v = ((w - d.mean()) ** 2).mean()
            assert math.isclose(v, rate / (2 - rate) * d.var(), rel_tol=0.08, abs_tol=1e-9)
            # 「v が 0 になるのは、どのサンプルの正解も同じ（s²=0）ときだけです。」
            assert (v < 1e-9) == (np.ptp(d) == 0)
    for rate in (2.0, 2.1):  # 範囲の外では落ち着かない
        v = 1.0
        for _ in range(100):
            v = (1 - rate) ** 2 * v + rate**2
        assert v > 100


def test_three_lines_turn_level_and_only_one_over_t_stays_straight() -> None:
    # 「小さいほど遅く下がり、低いところで水平に…1/t の線だけが、直線のまま下がり続けます。」
    *constant, falling = [line.get_ydata() for line in album.noise_floor().axes[0].lines]
    halves = [int(np.argmax(v < 1)) for v in constant]
    floors = [v[-500:].mean() for v in constant]
    assert halves == sorted(halves)
    assert floors == sorted(floors, reverse=True)
    t = np.log(np.arange(1, 2001))
    for v in constant:
        assert abs(np.polyfit(t[-1000:], np.log(v[-1000:]), 1)[0]) < 0.15
        assert abs(np.diff(np.log(v[[0, 9, 99, 999]]))).std() > 0.3
    slopes = [np.polyfit(t[s], np.log(falling[s]), 1)[0] for s in (slice(9, 100), slice(200, 2000))]
    np.testing.assert_allclose(slopes, -1, atol=0.1)


def test_sway_may_vanish_without_the_condition_and_the_sums_of_one_over_t_never_stop() -> None:
    # 「満たさなくても、揺れが消えることはあります（この節の例では ε=1/√t）。」
    for start in (0.0, 9.0):
        v, seen = start, []
        for t in range(1, 100_001):
            rate = t**-0.5
            v = (1 - rate) ** 2 * v + rate**2
            if t in (100, 1000, 10_000, 100_000):
                seen.append(v)
        np.testing.assert_allclose(seen, [0.5 * t**-0.5 for t in (100, 1000, 1e4, 1e5)], rtol=0.1)
    # 「(b) の和は、回数を 10 倍にするたび…いつまでも増えます。」
    sums = (1 / np.arange(1.0, 1_000_001)).cumsum()[[99, 999, 9999, 99_999, 999_999]]
    np.testing.assert_allclose(np.diff(sums), math.log(10), atol=0.005)
    assert math.isclose((np.arange(1.0, 1_000_001) ** -2).sum(), math.pi**2 / 6, abs_tol=2e-6)


def test_gradients_needed_for_a_rough_answer_do_not_depend_on_the_number_of_samples() -> None:
    # 「を 100 倍にしても、SGD に要る勾配の数はほとんど変わりません」
    # 「t = 1/ρ 個の勾配が要ります。この数に N は出てきません。」
    # 「粗い答えでよければ SGD が有利で、N が小さく、高い精度が要るときは、
    # 勾配降下法のほうが少ない計算で済みます」
    for N in (30, 300, 30_000):
        rng = np.random.default_rng(N)
        d = rng.exponential(size=N)
        w = d[rng.integers(N, size=(150, 5000))].cumsum(axis=0) / np.arange(1, 151)[:, np.newaxis]
        v = ((w - d.mean()) ** 2).mean(axis=1) / d.var()
        need = [int(np.argmax(v < rho)) + 1 for rho in (0.1, 0.01)]
        assert abs(need[0] - 10) <= 2
        assert abs(need[1] - 100) <= 12
        # 勾配降下法は、どの精度でも、最初の更新に要る N 個。
        assert need[0] < N
        assert (need[1] > N) == (N == 30)
        # 「勾配降下法は…学習率を 1 とすれば、その 1 回で谷底に着きます。」
        alone = (Layer(np.zeros((1, 1)), np.zeros(1), "identity"),)  # 入力が 0 なら、出力は b だけ
        g = loss_and_gradient(alone, np.zeros((N, 1)), d[:, np.newaxis], "squared_error")[1]
        np.testing.assert_allclose(SGD(1.0).step(parameters(alone), g, ())[0], [0, d.mean()])


def test_constant_rate_forgets_old_answers_and_one_over_t_weighs_all_alike() -> None:
    # 「それより前はほとんど忘れています」
    # 「古い正解ほど係数の小さい和になります。」「1/t では、どの正解の係数も同じ 1/t です。」
    def coefficients(falls: bool) -> Array:
        w = np.zeros(200)
        # 一つだけ 1 の正解の列を、200 通り並べる。
        for t, chosen in enumerate(np.eye(200), start=1):
            w, _ = SGD(1 / t if falls else 0.05).step(w, w - chosen, ())
        return w

    constant, falling = coefficients(False), coefficients(True)
    assert (np.diff(constant) > 0).all()
    assert 0.95 < constant[-60:].sum() < 0.96
    np.testing.assert_allclose(falling, 1 / 200)


def test_without_redundancy_the_gain_is_small_or_turns_into_a_loss() -> None:
    # 「冗長でなければ、誤差を大きく減らすまでの計算の減り方は小さく、選び方によっては減りません。」
    for seed in range(5):
        rng, N = np.random.default_rng(seed), 1000
        d, costs = rng.normal(size=N), []
        for order in (rng.permutation(N), rng.integers(N, size=9 * N)):
            w, used = np.zeros(N), 0
            while np.mean((w - d) ** 2) / 2 >= 0.1:
                w[order[used]] = d[order[used]]
                used += 1
            costs.append(used)
        assert 700 < costs[0] < 900
        assert 1400 < costs[1] < 1900


def test_sway_stays_unless_the_gradient_of_every_sample_vanishes_at_the_floor() -> None:
    # 「サンプルごとの勾配に 0 でないものが残れば、学習率を下げないと揺れる」
    # 「SGD では、全体の勾配が 0 でも、選んだ 1 個の勾配は 0 とは限りません」
    # 「学習率が一定なら、谷底ですべてのサンプルの勾配が 0 にならない限り、…揺れが残ります。」
    x, clean = linear_target(50, rng=np.random.default_rng(0))
    noise = np.random.default_rng(1).normal(size=clean.shape)
    for shared, d in ((True, clean), (False, clean + noise)):
        best = np.linalg.lstsq(np.c_[x, np.ones(50)], d, rcond=None)[0]
        far = {}
        for constant in (True, False):
            rng, w = np.random.default_rng(2), np.zeros((3, 1))
            for t in range(4000):
                n = rng.integers(50)
                a = np.append(x[n], 1)
                rate = 0.5 if constant else 5 / (10 + 0.1 * t)
                w = w - rate * a[:, np.newaxis] * (a @ w - d[n])
            far[constant] = float(np.linalg.norm(w - best))
        assert far[True] < 1e-9 if shared else far[True] > 3 * far[False], far
    # 共通の谷底はなくてもよい: 二つ目のサンプルの誤差 -w²/2 にとって、w = 0 は山の頂。
    rng, w = np.random.default_rng(3), np.ones(1000)
    for _ in range(300):
        w = w - 0.1 * rng.choice([3.0, -1.0], size=1000) * w
    assert np.abs(w).max() < 1e-6


def test_falling_rate_is_the_better_one_only_while_the_law_stays() -> None:
    # 「法則が変わらないなら下げ、変わり続けるなら下げきらないのが、学習率の使い分けです。」
    # 「学習率を下げきらなければ、法則の変化にも追いつけます。」
    # 「学習率を下げると揺れは消えますが、法則の変化には追いつけなくなります」
    # 「オンライン学習がとくに役立つのは、正解の法則が途中で変わるときです」
    for seed in range(2):
        rng = np.random.default_rng(seed)
        walk = np.cumsum(0.05 * rng.normal(size=2000))
        better = []
        for centre in (np.zeros(2000), 5.0 * (np.arange(2000) >= 1000), walk):
            w, errors = np.zeros((2, 50)), []
            for t, middle in enumerate(centre, start=1):
                errors.append(((w - middle) ** 2).mean(axis=1))
                rate = np.array([[0.05], [1 / t]])
                w = w - rate * (w - rng.normal(middle, size=50))
            constant, falling = np.mean(errors[1000:], axis=0)
            better.append("falling" if falling < constant / 10 else "constant")
            assert better[-1] == "falling" or constant < falling / 3
        assert better == ["falling", "constant", "constant"]


def test_last_digits_of_the_floor_of_the_training_data_are_no_gain_on_new_data() -> None:
    # 「新しいデータでの誤差が目的なら、訓練データの谷底を何桁も正確に求める必要はありません。」
    rng = np.random.default_rng(0)
    for N in (20, 200):
        floor = rng.normal(size=(10_000, N)).mean(axis=1)  # 本当の平均は 0
        away = rng.normal(size=10_000)
        new = [((floor + rho**0.5 * away) ** 2).mean() for rho in (1, 0.1 / N, 0.001 / N, 0)]
        assert new[0] > 10 * new[-1]
        assert new[1] < 1.2 * new[-1]
        assert new[2] < 1.02 * new[-1]


def test_rates_with_a_finite_sum_stop_on_the_way_to_a_far_floor() -> None:
    # 「左は、学習率の合計に限りがなく、どんなに遠い谷底にも届くことです。」
    t = np.arange(1, 200_001.0)
    for distance in (1.0, 2.0, 10.0):  # 傾きの大きさが 1 の E=|w| を、谷底まで下る
        left = {name: distance - rate.sum() for name, rate in (("1/t", 1 / t), ("1/t²", t**-2))}
        assert left["1/t"] < 0
        assert (left["1/t²"] > 0) == (distance > np.pi**2 / 6)
        # 傾きが減っていく放物線でも同じ。
        w = distance * np.cumprod(1 - np.array([1 / t[1:], t[1:] ** -2]), axis=1)[:, -1]
        np.testing.assert_allclose(w, [0, distance / 2], atol=1e-4 * distance)


def test_smaller_rate_below_one_sways_less_and_comes_nearer_more_slowly() -> None:
    # 「揺れも小さくなりますが」
    # 「谷底とのずれの平均は 1 回に…倍にしか縮まず、近づくのも遅くなります。」
    rng = np.random.default_rng(0)
    d, means, floors = rng.exponential(size=50), [], []
    for rate in (0.8, 0.4, 0.2, 0.1):
        w, path = np.full(4000, d.mean() + 100), []
        for _ in range(60):
            w = w - rate * (w - d[rng.integers(50, size=4000)])
            path.append(w.mean() - d.mean())
        means.append(abs(path[4]))
        np.testing.assert_allclose(path[:5], 100 * (1 - rate) ** np.arange(1, 6), atol=0.1)
        floors.append((w - path[-1] - d.mean()).var())
    assert means == sorted(means)
    assert floors == sorted(floors, reverse=True)


def test_gradient_of_a_chosen_sample_is_right_on_average_only_for_equal_chances() -> None:
    # 「どの n も同じ確率…で選べば、選んだ勾配の期待値は」「平均すれば正しい向きへ」
    for seed in range(3):
        rng = np.random.default_rng(seed)
        net, x, d = init_network([2, 5, 1], rng=rng), *linear_target(20, rng=rng)
        whole = loss_and_gradient(net, x, d, "squared_error")[1]
        pairs = zip(x[:, np.newaxis], d[:, np.newaxis], strict=True)
        E, g = zip(*(loss_and_gradient(net, *p, "squared_error") for p in pairs), strict=True)
        for chance, right in ((np.ones(20), True), (np.arange(1, 21), False), (np.array(E), False)):
            mean = chance / chance.sum() @ np.array(g)
            assert (np.linalg.norm(mean - whole) < 1e-9 * np.linalg.norm(whole)) == right


def test_one_sample_teaches_about_the_others_only_if_they_share_its_weights() -> None:
    # 「値は違っても同じ法則から出ているので、情報が重なるからです。」
    # 「1 個から学んだことは、ほかの 1 個の役に立ちません。」
    x, d = linear_target(200, rng=np.random.default_rng(0))
    for seed in range(1, 4):
        net = init_network([2, 10, 1], rng=np.random.default_rng(seed))
        g = loss_and_gradient(net, x[:1], d[:1], "squared_error")[1]
        moved = with_parameters(net, parameters(net) - 0.07 * g)
        before, after = (squared_error(forward(n, x), d)[1:] for n in (net, moved))
        assert (after < before).mean() > 0.9
    alone = (Layer(np.zeros((200, 1)), np.zeros(1), "identity"),)  # サンプルごとに別の重み
    g = loss_and_gradient(alone, np.eye(200)[:1], d[:1], "squared_error")[1][:200]
    np.testing.assert_array_equal(SGD(1.0).step(np.zeros(200), g, ())[0] / d[0], np.eye(200)[0])


def test_deep_valley_is_the_lowest_point_of_all_and_the_shallow_one_is_not() -> None:
    # 「勾配が 0 になる谷底は、一つとは限りません。」
    # 「どちらも局所極小解で、深いほうは大域的な極小解でもあります。」
    # 「に浅い谷、…に深い谷があります」
    w = np.linspace(-3, 3, 60_001)
    E = (w**2 - 1) ** 2 + w / 2
    lows = np.flatnonzero((E[1:-1] < E[:-2]) & (E[1:-1] < E[2:])) + 1
    np.testing.assert_allclose(w[lows], [-1.0575, 0.9304], atol=1e-3)
    assert E.argmin() == lows[0]
    assert E[lows[1]] - E[lows[0]] > 0.9
    # 「の半分を…、残りを…とすると、平均は 0 なので、全体の誤差には a_n が残りません」
    each = E + np.array([[4.0], [-4.0]]) * w
    np.testing.assert_allclose(each.mean(axis=0), E)
    assert not np.allclose((E + np.array([[4.0], [4.0]]) * w).mean(axis=0), E)


def test_share_of_sgd_in_the_shallow_valley_is_the_same_wherever_it_starts() -> None:
    # 「深い谷の側から始めても、SGD では同じくらいの割合が浅い谷に着きます。」
    # 「望まない局所極小解に収束するリスクを減らします（なくすのではありません）。」
    # 「浅い谷から抜け出せたのは、1 個ずつ選ぶことから来るばらつきのおかげでした」
    def ends(start: np.ndarray, noise: float) -> float:
        rng, w = np.random.default_rng(0), start.copy()
        for t in range(300):
            scatter = rng.choice([-noise, noise], size=len(w))
            w = w - 0.1 * (1 - t / 300) * (4 * w * (w**2 - 1) + 0.5 + scatter)
        return float((w > 0).mean())

    for start, by_gd in ((1.5, 1), (0.5, 1), (-0.5, 0), (-1.5, 0)):
        assert ends(np.full(10, start), 0.0) == by_gd
        assert 0.07 < ends(np.full(4000, start), 4.0) < 0.13
    anywhere = np.random.default_rng(1).uniform(-1.5, 1.5, size=4000)
    assert ends(anywhere, 4.0) < 0.13 < 0.4 < ends(anywhere, 0.0)


def test_names_of_the_lines_belong_to_the_two_ways_of_learning() -> None:
    # 「1 個ずつの線は、1,000 個ずつの線が最初の更新を終えるより前に、
    # その線が最後に着くところより低くなります。」
    drawing = album.redundant()
    (one,), (all_,) = (
        part for name, part in sorted(named(drawing).items(), key=lambda v: "1,000" in v[0])
    )
    assert np.unique(np.diff(all_[0])).tolist() == [1000]
    assert one[0, 0] < all_[0, 0] == 1000
    assert drawing.axes[0].get_yscale() == "log"
    # 「まとめて学んだ一次式の誤差は高いまま、1 個ずつ学ぶ一次式の誤差はすぐに元の低さに戻ります。」
    (ax,) = album.drift().axes
    (batch,), (online,) = (
        named(ax)[name] for name in ("前半でまとめて学習", "1 個ずつ学習し続ける")
    )
    assert online[1, 0] > 1 > batch[1, 0]
    assert batch[1, -1] > 1 > online[1, -1]
    assert ax.get_yscale() == "log"


def test_valleys_and_the_start_are_named_where_they_are() -> None:
    # 「上は深い谷と浅い谷のある誤差の曲線で、出発点は浅い谷の側にあります。
    # 下は着いた場所の度数分布で」
    top, bottom = album.escape().axes
    w, E = points_of(top.lines[0])
    at = written(top)
    for name, side in (("深い谷", w < 0), ("浅い谷", w > 0)):
        low = np.argmin(np.where(side, E, np.inf))
        assert np.linalg.norm(at[name] - [w[low], E[low]]) < 0.05
    assert at["深い谷"][1] < at["浅い谷"][1]
    np.testing.assert_allclose(np.gradient(E, w)[1:-1], figures._slope(w)[1:-1], atol=1e-3)
    start = points_of(top.lines[1])[:, 0]
    assert abs(np.interp(start[0], w, E) - start[1]) < 0.01
    assert np.linalg.norm(at["出発点"] - start) < 0.05
    assert (bottom.get_xlabel(), bottom.get_ylabel()) == ("パラメータ $w$", "着いた回数")


def test_every_rate_in_the_legend_has_the_floor_of_that_rate() -> None:
    # 「学習率が 0.5、0.1、0.02 の線は、小さいほど遅く下がり、低いところで水平になります。
    # 1/t の線だけが、直線のまま下がり続けます。」
    lines = {
        name.strip("$").split("=")[1]: part for name, (part,) in named(album.noise_floor()).items()
    }
    t, falling = lines.pop("1/t")
    np.testing.assert_allclose(falling * t, 1, atol=0.2)
    assert len(lines) == 3
    for rate, (_, v) in lines.items():
        np.testing.assert_allclose(v[-500:].mean(), float(rate) / (2 - float(rate)), rtol=0.1)


def test_copies_of_the_samples_tell_the_whole_gradient_nothing_new() -> None:
    # 「勾配降下法は同じ勾配を 100 回ずつ計算して平均しますが、
    # 得られる情報は 10 個分しかありません」
    # 「100 倍して 1,000 で割るのは、10 で割るのと同じだからです」
    # 「勾配降下法の計算だけが 100 倍になり」
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, d = linear_target(10, rng=rng)
        few = many = init_network([2, 6, 1], rng=rng)
        for _ in range(5):
            g = loss_and_gradient(few, x, d, "squared_error")[1]
            copied = np.tile(x, (100, 1)), np.tile(d, (100, 1))
            same = loss_and_gradient(many, *copied, "squared_error")[1]
            np.testing.assert_allclose(same, g, rtol=1e-9, atol=1e-12)
            few, many = (with_parameters(n, parameters(n) - 0.07 * g) for n in (few, many))
        other = linear_target(1000, rng=rng)  # 写しでなければ、違う勾配
        assert not np.allclose(loss_and_gradient(few, *other, "squared_error")[1], same, rtol=0.01)


def test_chance_and_place_do_not_mix_and_the_floor_is_the_mean() -> None:
    # 「全体の勾配は w−d̄ なので、谷底は正解の平均 d̄ です」
    # 「n は w と無関係に選び、…の期待値は 0 なので、積の項は消えます」
    # 「右辺の第 1 項は谷底に近づく動き、第 2 項は選んだ 1 個によるばらつきです」
    rng = np.random.default_rng(0)
    d, rate = rng.exponential(size=51), 0.3
    w = 5.0
    for _ in range(200):
        w = w - rate * np.mean(w - d)
    assert math.isclose(w, d.mean())
    assert abs(np.median(d) - w) > 0.1
    for place in (-1.0, 0.0, 4.0):
        near, chance = (1 - rate) * (place - w), rate * (d - w)
        after = place - rate * (place - d) - w  # 51 通りの選び方をすべて
        np.testing.assert_allclose(after, near + chance)
        assert abs((near * chance).mean()) < 1e-12
        assert math.isclose((after**2).mean(), near**2 + (chance**2).mean())
        assert abs(near) < abs(place - w)


def test_every_sample_is_used_once_in_each_round_whatever_the_batch_size() -> None:
    # 「固定した 200 個を何周もする SGD は、同じサンプルを何度も使っています」
    # 「バッチサイズによらず、5 エポックで 5 回ずつ使っています」
    # 「更新の単位が 1 個かどうかと、データを使い捨てるかどうかは、別のことです」
    # 「混ぜて順に使い切る（重複なし）方法」「毎回 N 個から選び直す（重複あり）方法」
    for N, B in ((200, 1), (200, 20), (200, 200), (7, 3)):
        rng, used, updates = np.random.default_rng(0), np.zeros(N, dtype=int), 0
        for _ in range(5):
            for D in minibatches(N, B, rng=rng):
                used[D] += 1
                updates += 1
        assert (used == 5).all()
        assert updates == 5 * -(-N // B)
        again = np.bincount(rng.integers(N, size=5 * N), minlength=N)
        assert np.ptp(again) > 0


def test_one_sum_must_grow_without_end_and_the_other_must_not() -> None:
    # 「一定の学習率は右を、1/t² は左を満たしません」「1/t は両方を満たします」
    # 「(a) と (d) は二乗の和が限りなく増え、(c) は和そのものが π²/6 に近づいて止まります」
    t = np.arange(1, 10**6 + 1.0)
    kinds: dict[str, Array] = {"a": np.full_like(t, 0.1), "b": 1 / t, "c": t**-2, "d": t**-0.5}
    grows = {}
    for name, rate in kinds.items():
        sums = np.array([part.cumsum()[[999, 9999, 10**6 - 1]] for part in (rate, rate**2)])
        grows[name] = (np.diff(sums)[:, 1] > 2).tolist()
    assert grows == {"a": [True, True], "b": [True, False], "c": [False, False], "d": [True, True]}
    assert math.isclose(kinds["c"].sum(), math.pi**2 / 6, abs_tol=2e-6)


def test_falling_rate_is_the_mean_of_the_chosen_and_its_sway_is_the_variance_over_t() -> None:
    # 「それまでに選んだ t 個の平均そのものになります」
    # 「t 個の平均の分散は s²/t なので、揺れは 0 に近づきます」
    # 「学習率を少しずつ下げると、揺れも小さくなります」「ε が小さければ、v はほぼ ε に比例します」
    d = np.array([3.0, -1.0, 7.0])
    for t in (1, 2, 5, 7):
        chosen = np.array(list(product(d, repeat=t)))  # 選び方のすべて
        falling, fixed = np.full((2, len(chosen)), 9.0)
        for i, d_n in enumerate(chosen.T, start=1):
            falling = falling - (falling - d_n) / i
            fixed = fixed - 0.5 * (fixed - d_n)
        assert np.allclose(falling, chosen.mean(axis=1))
        assert np.isclose(((falling - d.mean()) ** 2).mean(), d.var() / t)
        still = (1 - 0.25**t) / 3 * d.var() + (0.5**t * (9 - d.mean())) ** 2
        assert np.isclose(((fixed - d.mean()) ** 2).mean(), still)
    v = lambda rate: rate / (2 - rate)  # noqa: E731
    assert abs(v(0.01) / v(0.02) - 0.5) < 0.01 < abs(v(0.5) / v(1.0) - 0.5)
