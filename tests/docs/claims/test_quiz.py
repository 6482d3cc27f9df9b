"""確認テストの解説（答えを開くと出る文）が述べる、check が確かめていない事実。"""

from __future__ import annotations

import numpy as np

from dlnotes.activations import (
    gelu,
    gelu_derivative,
    leaky_relu,
    relu,
    sigmoid,
    sigmoid_derivative,
    softmax,
    tanh,
    tanh_derivative,
)
from dlnotes.backprop import backward, loss_and_gradient
from dlnotes.datasets import linear_target
from dlnotes.encoding import fit_standardizer, standardize
from dlnotes.generative import fit_gaussian_classifier, log_likelihood, posterior
from dlnotes.losses import absolute_error, huber_gradient, squared_error, squared_error_gradient
from dlnotes.network import Layer, forward, forward_trace, init_network, parameters, with_parameters
from dlnotes.numerical import CountedFunction, numerical_gradient
from dlnotes.optimizers import SGD, Adadelta, AdaGrad, Adam, Momentum, RMSProp
from dlnotes.training import iterations_per_epoch
from dlnotes.universal_approximation import relu_interpolant, staircase_network, sup_error


def test_forward_passes_are_twice_the_parameters_whatever_the_step() -> None:
    # 「中心差分なら、パラメータの数の 2 倍の順伝播が要ります。」
    # 「回数はパラメータの数で決まり、…では変わりません。」
    for M in (1, 5, 26):
        theta = np.linspace(0.5, 1.5, M)
        for h in (1e-3, 1e-5, None):
            f = CountedFunction(lambda t: np.sin(t).sum())
            assert np.allclose(numerical_gradient(f, theta, h=h), np.cos(theta), atol=1e-5)
            assert f.calls == 2 * M


def test_first_step_of_adam_is_the_rate_except_for_a_tiny_gradient() -> None:
    # 「ごく小さな勾配のほかは、更新量がほぼ…です。」
    for rate in (0.001, 0.1):
        moves = {}
        for g in (1e6, 50.0, 1e-3, 1e-6, -1e-6, -50.0, 1e-8, 1e-10, 0.0):
            opt, theta = Adam(rate), np.zeros(1)
            moves[g] = float(opt.step(theta, np.array([g]), opt.init(theta))[0][0]) / rate
        for g, move in moves.items():
            assert np.isclose(move, -np.sign(g), atol=0.02) == (abs(g) >= 1e-6 or g == 0)
        assert -0.02 < moves[1e-10] < 0


def test_rate_past_the_limit_goes_farther_away_with_every_update() -> None:
    # 「0.2 を超えると、更新のたびに離れていきます。」
    # 「最小の点を跳び越さない範囲です。跳び越しても…までは収束します。」
    for rate in (0.05, 0.1, 0.15, 0.199, 0.201, 0.3, 1.0):
        path = [np.ones(1)]
        for _ in range(50):
            path.append(SGD(rate).step(path[-1], 10 * path[-1], ())[0])
        w = np.array(path)[:, 0]
        assert (np.diff(abs(w)) > 0).all() == (rate > 0.2)
        assert (w[1] < -1e-12) == (rate > 0.1)
        assert rate > 0.2 or abs(w[-1]) < abs(w[0])


def test_steps_with_moving_averages_do_not_go_on_shrinking() -> None:
    # 「どちらも移動平均を使うので、歩幅は縮み続けません。」
    # 「同じ大きさの勾配が同じ符号で続けば…倍に、交互なら…倍に近づきます。」
    for optimizer in (Adam(0.1), Adadelta(), Momentum(0.1)):
        for sign in (1, -1):
            theta, state, moves = np.zeros(1), optimizer.init(np.zeros(1)), []
            for t in range(2000):
                new, state = optimizer.step(theta, np.array([float(sign**t)]), state)
                moves.append(abs(float((new - theta)[0])))
                theta = new
            assert moves[1999] > 0.9 * moves[999]
            if isinstance(optimizer, Momentum):
                assert np.isclose(moves[-1] / 0.1, 1 / (1 - sign * 0.9))


def test_one_test_sample_standardised_by_itself_is_zero_whatever_it_was() -> None:
    # 「サンプルが一つだけなら、どんな値も自分の平均を引いて 0 になります。」
    # 「割る数だけがずれ、学習のときと違う尺度になります。」
    rng = np.random.default_rng(0)
    train = rng.normal(5, 2, size=(50, 3))
    learned = fit_standardizer(train)
    for value in (-1e6, 0.0, 3.7, 1e6):
        alone = np.full((1, 3), value)
        assert not standardize(alone, fit_standardizer(alone)).any()
        assert np.allclose(standardize(alone, learned), (value - train.mean(0)) / train.std(0))


def test_huber_levels_off_while_the_square_grows_and_lower_temperature_is_a_factor() -> None:
    # 「差が小さいところは二乗、大きいところは直線なので、勾配が頭打ちになります。」
    # 「総入力を 4 倍してから通すことと同じです。順位は変わりません。」
    miss = np.linspace(-50, 50, 2001)[:, np.newaxis]
    zero = np.zeros_like(miss)
    slope = huber_gradient(miss, zero)
    assert abs(slope).max() <= 1
    near = abs(miss) < 1
    assert np.allclose(slope[near], miss[near])
    assert abs(squared_error_gradient(miss, zero)).max() == 50
    u = np.random.default_rng(0).normal(size=(200, 5))
    cold = softmax(u, temperature=0.25)
    assert np.allclose(cold, softmax(4 * u))
    assert (cold.max(axis=1) > softmax(u).max(axis=1)).all()
    assert np.array_equal(cold.argsort(axis=1), u.argsort(axis=1))


def test_unit_that_rests_on_every_sample_stays_and_updates_are_rounded_up_each_epoch() -> None:
    # 「このユニットの重みとバイアスは次の更新でも変わりません。」
    # 「切り上げるのはエポックごとです。」
    x = np.random.default_rng(0).random((20, 2))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        hidden, last = init_network([2, 4, 1], rng=rng)
        net = (Layer(hidden.W, np.array([-9.0, 1, 1, 1]), "relu"), last)
        part, _ = backward(net, x, rng.normal(size=(20, 1)), "squared_error")
        rests = [not part.W[:, j].any() and part.b[j] == 0 for j in range(4)]
        assert rests == (forward((net[0],), x) == 0).all(axis=0).tolist()
        assert rests[0]
        assert not all(rests)
    for N, B in ((1050, 100), (7, 3), (100, 8)):
        for epochs in (2, 5):
            rounded = epochs * iterations_per_epoch(N, B)
            assert rounded == sum(1 for _ in range(epochs) for _ in range(0, N, B))
            assert rounded > -(-epochs * N // B)  # 合計を切り上げるのとは違う


def test_quadratic_terms_remain_only_where_the_covariances_differ() -> None:
    # 「二次の項が残るのは、共分散行列がクラスごとに違うときです。」
    # 「平均が違えば一次の項が違うので、事後確率もクラスで変わります。」
    # 「事後確率はクラスどうしを比べるだけなので、どのクラスらしくもない点でも 1 に近くなることが」
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=(300, 2)), [3, 0] + rng.normal(size=(300, 2)) * [0.4, 1.5]]
    labels, line = (
        np.repeat(np.eye(2), 300, axis=0),
        np.linspace(-8, 8, 33)[:, np.newaxis] * [1.0, 0.3],
    )
    for shared in (True, False):
        model = fit_gaussian_classifier(x, labels, shared=shared)
        gap = np.diff(log_likelihood(model, line), axis=1)[:, 0]
        assert np.allclose(np.diff(gap, 2), 0, atol=1e-8) == shared
        assert np.ptp(gap) > 1
        far = np.array([[60.0, 0.0]])
        assert posterior(model, far).max() > 0.99
        assert log_likelihood(model, far).max() < log_likelihood(model, x).min() - 50


def test_heavier_oversights_lower_the_border() -> None:
    # 「損失の重さが逆です。見落としが重いほど、境目は低くなります。」
    # 「二つの損失が等しいときの境目です。」
    p, borders = np.linspace(0, 1, 100_001), []
    for heavy in (0.25, 1.0, 4.0, 100.0):
        ill = heavy * p > 1 - p  # 病気でないと決めたときの損失が、病気と決めたときより大きい
        borders.append(p[ill.argmax()])
        assert ill[ill.argmax() :].all()
    np.testing.assert_allclose(borders, [0.8, 0.5, 0.2, 1 / 101], atol=2e-5)
    assert (np.diff(borders) < 0).all()


def test_slopes_of_the_activations_have_their_own_largest_values() -> None:
    # 「つまり u=0 のときに最大で、…です。」「tanh の導関数の最大値です。」
    # 「導関数の最大値は約 1.129 で、負の側では負にもなります。」
    # 「一層目のバイアスも、二層目の重みを通ってから足されます。」
    u = np.linspace(-6, 6, 120_001)
    largest = [f(u).max() for f in (sigmoid_derivative, tanh_derivative, gelu_derivative)]
    np.testing.assert_allclose(largest, [0.25, 1, 1.129], atol=5e-4)
    assert abs(u[sigmoid_derivative(u).argmax()]) < 1e-9
    slope = gelu_derivative(u)
    assert (slope[u > 0] > 0).all()
    assert (slope[u < 0] < 0).any()
    rng = np.random.default_rng(0)
    x, W1, W2 = rng.normal(size=(5, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    b1, b2 = rng.normal(size=(2, 3))
    two = (x @ W1 + b1) @ W2 + b2
    for b, right in ((b1 @ W2 + b2, True), (b1 @ W1 + b2, False), (b1 + b2, False), (b2, False)):
        assert np.allclose(x @ W1 @ W2 + b, two) == right


def test_every_step_away_from_the_median_leaves_more_points_than_it_nears() -> None:
    # 「中央値です。ここから右へ動くと三つから離れて二つに近づき、
    # 左へ動くと四つから離れて一つに近づきます。」
    # 「最小のデータです。ここから右へ動くと、四つのデータに近づきます。」
    # 「対数を取ると絶対値が残るので、絶対誤差になります。」
    # 「範囲の中では密度が一定なので、外れの大きさを区別しません。」
    data = np.array([1.0, 2, 2, 5, 20])
    for c, step, left, neared in ((2, 0.1, 3, 2), (2, -0.1, 4, 1), (1, 0.1, 1, 4)):
        moved = abs(data - (c + step)) - abs(data - c)
        assert ((moved > 0).sum(), (moved < 0).sum()) == (left, neared)
    r = np.linspace(-3, 3, 61)[:, np.newaxis]
    logs = {"laplace": np.log(np.exp(-abs(r)) / 2), "normal": np.log(np.exp(-(r**2) / 2))}
    logs["uniform"] = np.full_like(r, np.log(1 / 8))
    for name, same in (("laplace", absolute_error), ("normal", squared_error)):
        for loss in (absolute_error, squared_error):
            assert (np.ptp(loss(r, 0 * r) + logs[name][:, 0]) < 1e-9) == (loss is same)
    assert np.ptp(logs["uniform"]) == 0


def test_broken_lines_gain_by_the_square_and_stairs_by_the_number_of_their_pieces() -> None:
    # 「折れ線の誤差は…に比例するので、…分の 1 です。」「に比例するのは、ステップ関数の階段です。」
    # 「ReLU のように連続な活性化関数では出力も連続で、跳ぶ点のそばで、跳びの半分は外れます。」
    def f(x: np.ndarray) -> np.ndarray:
        return np.sin(2 * x)

    for make, factor in ((relu_interpolant, 16), (staircase_network, 4)):
        errors = [sup_error(make(f, 0.0, 3.0, n), f, 0.0, 3.0) for n in (20, 80)]
        np.testing.assert_allclose(errors[0] / errors[1], factor, rtol=0.1)
    for n in (20, 80):
        jump = lambda x: (x > 1.0) * 1.0  # noqa: E731
        assert sup_error(relu_interpolant(jump, 0.0, 3.0, n), jump, 0.0, 3.0) > 0.45


def test_old_gradients_stay_in_adagrad_and_leave_rmsprop() -> None:
    # 「AdaGrad の h は二乗の和で増えるだけですが、RMSProp は古い勾配を忘れます。」
    # 「移動平均を使うのは RMSProp です。」
    for opt, forgets in ((AdaGrad(0.1), False), (RMSProp(0.1), True)):
        steps = []
        for first in (100.0, 0.01):
            theta, state = np.zeros(1), opt.init(np.zeros(1))
            for g in [first] + [1.0] * 300:
                new, state = opt.step(theta, np.array([g]), state)
                moved, theta = float(abs(new - theta)[0]), new
            steps.append(moved)
        assert np.isclose(*steps, rtol=1e-6) == forgets


def test_only_equal_chances_give_the_whole_gradient_and_the_signs_tell_the_point() -> None:
    # 「どのサンプルも同じ確率で選べば、平均は全サンプルの勾配に一致します。」
    # 「大きさで選ぶと、平均が全サンプルの勾配と一致しません。」
    # 「極小なら、どの向きにも上がるので、負の固有値はありません。」
    # 「固有値が…の向きに進めば、誤差はさらに下がります。」
    x, d = linear_target(20, rng=np.random.default_rng(0))
    net = init_network([2, 5, 1], rng=np.random.default_rng(1))
    pairs = zip(x[:, np.newaxis], d[:, np.newaxis], strict=True)
    E, g = map(
        np.array, zip(*(loss_and_gradient(net, *p, "squared_error") for p in pairs), strict=True)
    )
    whole = loss_and_gradient(net, x, d, "squared_error")[1]
    assert np.allclose(g.mean(axis=0), whole)
    assert not np.allclose(g[E.argmax()], whole, rtol=0.05)
    ways = np.random.default_rng(0).normal(size=(500, 2))
    for bends, rises in (
        ((3.0, 1.0), {True}),
        ((3.0, -1.0), {True, False}),
        ((-3.0, -1.0), {False}),
    ):
        assert set((ways**2 @ bends > 0).tolist()) == rises
    assert np.array([0.0, 1.0]) ** 2 @ (3.0, -1.0) < 0


def test_thirty_kinks_inside_are_thirty_functions_and_outside_only_lines() -> None:
    # 「折れ目がすべて x の範囲に入る ReLU なら、ふつうユニットの数になります。」
    # 「幅を増やしても 2 次以下の式しか表せません。」
    rng, x = np.random.default_rng(0), np.linspace(-1, 1, 2001)[:, np.newaxis]
    for low, high, rank in ((-1, 1, 30), (2, 3, 2)):
        w = rng.choice([-1.0, 1.0], size=30)
        u = w * (x - rng.uniform(low, high, size=30))
        assert np.linalg.matrix_rank(np.maximum(u, 0)) == rank
        assert np.linalg.matrix_rank(u**2, tol=1e-8) == 3


def test_mean_median_and_middle_each_have_an_error_of_their_own_and_codes_one_distance() -> None:
    # 「平均で、平均二乗誤差を最小にする定数です」
    # 「最小と最大の真ん中で、最大の外れを最小にする定数です」
    # 「1 の位置だけが二か所で違うので、距離はいつも」
    # 「違う成分は二つだけで、クラスの数では変わりません」「番号のまま数とみた場合です」
    for d in (np.array([1.0, 2, 2, 5, 20]), np.random.default_rng(0).exponential(size=7)):
        c = np.linspace(d.min(), d.max(), 4001)[:, np.newaxis]
        best = [c[np.argmin(E)].item() for E in (((c - d) ** 2).mean(1), np.abs(c - d).max(1))]
        np.testing.assert_allclose(best, [d.mean(), (d.min() + d.max()) / 2], atol=0.005)
        assert abs(best[0] - best[1]) > 0.1
    for K in (2, 3, 10):
        gaps = np.eye(K)[:, np.newaxis] - np.eye(K)
        apart = ~np.eye(K, dtype=bool)
        assert ((gaps != 0).sum(axis=2)[apart] == 2).all()
        np.testing.assert_allclose(np.linalg.norm(gaps, axis=2)[apart], np.sqrt(2))
        assert len({abs(i - j) for i in range(K) for j in range(K) if i != j}) == K - 1


def test_only_the_line_through_the_origin_passes_both_tests_of_linearity() -> None:
    # 「グラフが原点を通る直線で、どちらの等式も成り立ちます」
    # 「直線でも原点を通らないので、アフィンであって線形ではありません」
    # 「の項が残り、加法性が成り立ちません」「ReLU は、負の c で斉次性が崩れます」
    u, v = np.random.default_rng(0).normal(size=(2, 100))
    c = np.linspace(-3, 3, 25)[:, np.newaxis]
    added = lambda f: bool(np.allclose(f(u + v), f(u) + f(v)))  # noqa: E731
    scaled = lambda f, c=c: bool(np.allclose(f(c * u), c * f(u)))  # noqa: E731
    line, shifted, square = lambda u: 3 * u, lambda u: 3 * u + 1, lambda u: u**2
    assert [(added(f), scaled(f)) for f in (line, shifted, square, relu)] == [
        (True, True), (False, False), (False, False), (False, False)
    ]  # fmt: skip
    np.testing.assert_allclose(square(u + v) - square(u) - square(v), 2 * u * v, atol=1e-12)
    assert (scaled(relu, c[c >= 0][:, np.newaxis]), scaled(relu, c[:1])) == (True, False)


def test_shapes_of_the_rejected_functions_are_those_of_the_named_ones() -> None:
    # 「GELU は正の側でいくらでも大きくなります。」「それは tanh です。」
    # 「まで下がってから 0 に近づくので、単調ではありません。」「それは Leaky ReLU です。」
    # 「1 に貼りつくのは、シグモイド関数の飽和です。」
    u = np.linspace(-50, 50, 100_001)
    assert (np.abs(gelu(u)[u > 10] - u[u > 10]) < 1e-9).all()
    left = gelu(u[u < 0])
    low = int(np.argmin(left))
    assert round(float(left[low]), 3) == -0.17
    assert (np.diff(left[:low]) <= 0).all()
    assert (np.diff(left[low:]) > 0).all()
    assert abs(left[0]) < 1e-12
    np.testing.assert_allclose(tanh(u), -tanh(-u))
    assert np.abs(tanh(u)).max() <= 1 < gelu(u).max()
    slopes = np.diff(leaky_relu(u)) / np.diff(u)
    np.testing.assert_allclose(slopes[u[1:] < 0], 0.01)
    assert ((sigmoid(u) > 0.999).any(), (relu(u[u < 0]) == 0).all()) == (True, True)


def test_too_large_a_rate_lays_units_to_rest_that_a_smaller_one_leaves_at_work() -> None:
    # 「学習率が大きすぎることは、むしろ原因になります。」
    # 「負の側の導関数が 0 なので、勾配がどのサンプルでも 0 になります。」
    resting = {}
    for rate in (0.05, 1.0):
        resting[rate] = []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            x = rng.random((30, 2))
            net, d = init_network([2, 10, 1], rng=rng), x @ [[3.0], [2.0]]
            for _ in range(20):
                g = loss_and_gradient(net, x, d, "squared_error")[1]
                net = with_parameters(net, parameters(net) - rate * g)
            rest = (forward_trace(net, x)[0].u <= 0).all(axis=0)
            slope = loss_and_gradient(net, x, d, "squared_error")[1][:20].reshape(2, 10)
            assert not slope[:, rest].any()
            resting[rate].append(int(rest.sum()))
    assert sum(resting[1.0]) > 2 * sum(resting[0.05])


def test_right_backward_gradient_is_nearer_to_the_truth_than_the_difference() -> None:
    # 「数値微分には打ち切り誤差と丸め誤差があり、正しい逆伝播のほうが正確です。」
    for seed in range(10):
        rng = np.random.default_rng(seed)
        net = init_network([3, 6, 2], activation="tanh", rng=rng)
        x, d = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
        W1, b1, W2, b2 = (p.astype(np.longdouble) for layer in net for p in (layer.W, layer.b))
        z = np.tanh(x @ W1 + b1)
        delta2 = (z @ W2 + b2 - d) / 5
        delta1 = delta2 @ W2.T * (1 - z**2)
        parts = x.T @ delta1, delta1.sum(0), z.T @ delta2, delta2.sum(0)
        truth = np.concatenate([p.ravel() for p in parts])
        E = lambda theta, n=net, x=x, d=d: squared_error(forward(with_parameters(n, theta), x), d)  # noqa: E731
        g = loss_and_gradient(net, x, d, "squared_error")[1]
        by_value = numerical_gradient(lambda theta, E=E: E(theta).mean(), parameters(net))
        assert 1000 * np.abs(g - truth).max() < np.abs(by_value - truth).max()
