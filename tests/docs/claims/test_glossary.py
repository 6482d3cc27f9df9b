"""用語集の説明が述べる、極限、範囲、等式、条件。"""

from __future__ import annotations

import itertools

import numpy as np

from dlnotes import activations, losses, optimizers
from dlnotes.autodiff import Node, apply, reverse_mode
from dlnotes.backprop import backward, loss_and_gradient
from dlnotes.datasets import xor
from dlnotes.discriminative import fit_perceptron, predict, scores
from dlnotes.encoding import fit_standardizer, one_hot, standardize
from dlnotes.generative import (
    GaussianClassifier,
    bayes_posterior,
    fit_gaussian_naive_bayes,
    log_likelihood,
)
from dlnotes.markov import HiddenMarkovModel, joint_log_probability, viterbi
from dlnotes.markov import log_likelihood as hmm_log_likelihood
from dlnotes.network import (
    forward,
    he_normal,
    init_network,
    parameters,
    with_parameters,
    xavier_normal,
)
from dlnotes.numerical import central_difference, forward_difference, numerical_gradient
from dlnotes.optimizers import SGD, Adadelta, Adam, Momentum, Nesterov
from dlnotes.training import minibatches


def test_forward_and_viterbi_are_the_sum_and_the_best_over_all_state_sequences() -> None:
    # 「観測された並びの確率を前から順に足し上げて求める方法です」
    # 「隠れマルコフモデルで、最も確からしい状態の並びを求める方法です」
    rng = np.random.default_rng(0)
    for S, V, T in ((2, 3, 5), (3, 2, 4)):
        initial, A = rng.dirichlet(np.ones(S)), rng.dirichlet(np.ones(S), S)
        model = HiddenMarkovModel(initial, A, rng.dirichlet(np.ones(V), S))
        x = rng.integers(0, V, T)
        paths = [np.array(path) for path in itertools.product(range(S), repeat=T)]
        joint = np.array([joint_log_probability(model, path, x) for path in paths])
        assert np.isclose(np.logaddexp.reduce(joint), hmm_log_likelihood(model, x))
        assert viterbi(model, x)[0].tolist() == paths[joint.argmax()].tolist()


def test_density_of_the_normal_distribution_is_symmetric_with_a_quadratic_logarithm() -> None:
    # 「平均を中心に左右対称の釣り鐘形に広がり、密度の対数が二次式になる確率分布です」
    mu, t = np.array([1.0, -2.0]), np.linspace(-4, 4, 41)
    Sigma = np.array([[2.0, 0.7], [0.7, 1.0]])
    model = GaussianClassifier([0.5, 0.5], [mu, mu], [Sigma, Sigma])
    for direction in np.random.default_rng(0).normal(size=(10, 2)):
        log_p = log_likelihood(model, mu + t[:, None] * direction)[:, 0]
        assert np.allclose(log_p, log_p[::-1])
        assert (np.diff(log_p[20:]) < 0).all()
        assert np.allclose(np.diff(log_p, 3), 0, atol=1e-10)
        assert (np.diff(log_p, 2) < 0).all()


def test_perceptron_answers_by_the_largest_sum_and_rests_when_nothing_is_wrong() -> None:
    # 「重みつきの和の符号か、クラスごとの和の最大でクラスを決め、間違えたときだけ重みを直す」
    # 「二つのクラスを、一つの平らな境界で分けられること」
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = rng.normal(size=(40, 2))
        side = x @ rng.normal(size=2) + 0.3
        x, side = x[abs(side) > 0.1], side[abs(side) > 0.1]
        labels = one_hot((side > 0).astype(int), 2)
        if labels.sum(axis=0).min() == 0:
            continue
        enough, more = (fit_perceptron(x, labels, epochs=n) for n in (5000, 10_000))
        assert (predict(enough, x) == labels.argmax(axis=1)).all()
        assert np.array_equal(enough.W, more.W)
        assert np.array_equal(enough.b, more.b)
        s = scores(enough, x)
        assert np.array_equal(predict(enough, x), s.argmax(axis=1))
        assert np.array_equal(predict(enough, x), (s[:, 1] - s[:, 0] > 0).astype(int))


def test_no_line_separates_xor() -> None:
    # 「二つの入力の片方だけが 1 のときに 1 となる演算で、一本の直線では分けられません」
    x, d = xor()
    assert d[:, 0].tolist() == [float(a + b == 1) for a, b in x]
    # どの一次式でも、1 の二点での和と 0 の二点での和が等しいので、符号を分けられない。
    w = np.random.default_rng(0).normal(size=(2, 1000))
    s = x @ w
    is_one = d[:, 0] == 1
    assert np.allclose(s[is_one].sum(axis=0), s[~is_one].sum(axis=0))
    assert not (s[is_one].min(axis=0) > s[~is_one].max(axis=0) + 1e-12).any()
    labels = np.hstack([1 - d, d])
    for epochs in (1, 10, 1000):
        assert (predict(fit_perceptron(x, labels, epochs=epochs), x) != d[:, 0]).any()


def test_posterior_is_the_normalised_product_of_prior_and_likelihood() -> None:
    # 「事前確率と尤度の積から、事後確率を求める定理です」
    rng = np.random.default_rng(0)
    for K in (2, 3, 5):
        prior, likelihood = rng.dirichlet(np.ones(K)), rng.random((20, K)) * 3
        p = bayes_posterior(prior, likelihood)
        product = prior * likelihood
        assert np.allclose(p, product / product.sum(axis=1, keepdims=True))


def test_ranges_and_symmetries_of_the_activations() -> None:
    # 「総入力が 0 を超えたら 1、そうでなければ 0」「1/(1+e⁻ᵘ)」「0 と 1 の間の値」
    # 「総入力が正ならそのまま、そうでなければ 0 を出す活性化関数です」
    # 「−1 と 1 の間の値に変える、原点について対称な」「総入力が負のときも小さな傾き」
    # 「総入力に、標準正規分布の累積確率を掛けるなめらかな」「関数の、各点での傾きを表す関数です」
    u = np.concatenate([np.linspace(-15, 15, 301), [0.0, 5e-324, -5e-324]])
    s, t = activations.sigmoid(u), activations.tanh(u)
    assert np.allclose(s, 1 / (1 + np.exp(-u)))
    assert ((s > 0) & (s < 1)).all()
    assert ((t > -1) & (t < 1)).all()
    assert np.array_equal(activations.tanh(-u), -t)
    assert np.array_equal(activations.step(u), (u > 0) * 1.0)
    assert np.array_equal(activations.relu(u), np.where(u > 0, u, 0))
    slope = activations.leaky_relu_derivative(u)
    assert (slope[u > 0] == 1).all()
    assert ((slope[u < 0] > 0) & (slope[u < 0] < 0.1)).all()
    away = u[abs(u) > 0.01]
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "gelu"):
        f, derivative = (getattr(activations, name + end) for end in ("", "_derivative"))
        rise = (f(away + 1e-6) - f(away - 1e-6)) / 2e-6
        assert np.allclose(rise, derivative(away), atol=1e-8)
    drawn = np.sort(np.random.default_rng(0).standard_normal(200_000))
    share = np.searchsorted(drawn, u) / len(drawn)
    assert np.allclose(activations.gelu(u), u * share, atol=0.01)


def test_linear_affine_and_nonlinear() -> None:
    # 「足してから入れても、別々に入れてから足しても結果が同じで、入力を定数倍すると…同じ倍」
    # 「線形な変換に定数を足した変換」「活性化関数について言うときは、アフィンも除きます」
    rng = np.random.default_rng(0)
    x, y, c = *rng.normal(size=(2, 30, 3)), 2.5
    W, b = rng.normal(size=(3, 4)), rng.normal(size=4)
    for f, linear, affine in (
        (lambda x: x @ W, True, True),
        (lambda x: x @ W + b, False, True),
        (activations.identity, True, True),
        (activations.relu, False, False),
        (activations.sigmoid, False, False),
        (activations.step, False, False),
    ):
        assert (np.allclose(f(x + y), f(x) + f(y)) and np.allclose(f(c * x), c * f(x))) == linear
        g = lambda x, f=f: f(x) - f(np.zeros((1, 3)))  # noqa: E731
        assert (np.allclose(g(x + y), g(x) + g(y)) and np.allclose(g(c * x), c * g(x))) == affine


def test_errors_are_those_of_their_definitions() -> None:
    # 「出力と正解の差を二乗して足した誤差で、このサイトの誤差関数では ½ を掛けます」
    # 「出力と正解の差の絶対値を足した誤差です」
    # 「小さな差は二乗誤差、大きな差は絶対誤差のように測る誤差です」
    # 「絶対誤差を、サンプルと出力の数で平均したものです」
    y, d = np.random.default_rng(0).normal(scale=3, size=(2, 50, 4))
    assert np.allclose(losses.squared_error(y, d), ((y - d) ** 2).sum(axis=1) / 2)
    assert np.allclose(losses.absolute_error(y, d), abs(y - d).sum(axis=1))
    assert np.isclose(losses.absolute_error(y, d).mean() / 4, abs(y - d).mean())
    for delta in (0.5, 1.0, 3.0):
        inside, outside = (
            np.linspace(-delta, delta, 21)[:, None],
            np.linspace(2, 9, 21)[:, None] * delta,
        )
        zero = np.zeros((21, 1))
        small = losses.huber(inside, zero, delta=delta)
        assert np.allclose(small, losses.squared_error(inside, zero))
        big = losses.huber(outside, zero, delta=delta)
        gap = delta * losses.absolute_error(outside, zero) - big
        assert np.allclose(gap, delta**2 / 2)


def test_softmax_cross_entropy_and_temperature() -> None:
    # 「総入力の組の指数を取り、その和で割って、正の値で和が 1 の確率の組に変える」
    # 「予測した確率の対数の符号を変え、正解の分布で平均した誤差です」
    # 「総入力を割り、確率の偏りを調整する」「log(p/(1-p))」「一つの確率と、0 か 1 の正解から」
    rng = np.random.default_rng(0)
    u, d = rng.normal(scale=3, size=(30, 4)), rng.dirichlet(np.ones(4), 30)
    y = activations.softmax(u)
    assert np.allclose(y, np.exp(u) / np.exp(u).sum(axis=1, keepdims=True))
    assert (y > 0).all()
    assert np.allclose(losses.cross_entropy(y, d), -(d * np.log(y)).sum(axis=1))
    spread = [losses.entropy(activations.softmax(u, temperature=T)) for T in (0.3, 1.0, 3.0, 1e6)]
    assert (np.diff(spread, axis=0) > 0).all()
    assert np.allclose(spread[-1], np.log(4))
    p = np.linspace(0.01, 0.99, 99)
    assert np.allclose(activations.sigmoid(np.log(p / (1 - p))), p)
    for one in (0.0, 1.0):
        two = losses.cross_entropy(np.stack([1 - p, p], 1), np.tile([1 - one, one], (99, 1)))
        assert np.allclose(losses.binary_cross_entropy(p, np.full(99, one)), two)


def test_entropy_grows_with_surprise_and_kl_measures_the_distance() -> None:
    # 「結果がどれほど予想しにくいかを表す量です」「もう一つの分布からどれだけ離れているか」
    # 「最大値をくくり出すとあふれずに計算できます」
    rng = np.random.default_rng(0)
    for K in (2, 3, 6):
        p, flat, t = rng.dirichlet(np.ones(K)), np.full(K, 1 / K), np.linspace(0, 1, 11)[:, None]
        mixed = (1 - t) * p + t * flat
        assert (np.diff(losses.entropy(mixed)) > 0).all()
        kl = losses.kl_divergence(np.tile(p, (11, 1)), mixed)
        assert kl[0] == 0
        assert (np.diff(kl) > 0).all()
    u = np.array([1000.0, 1001.0])
    with np.errstate(over="ignore"):
        assert np.isinf(np.log(np.exp(u).sum()))
    assert np.isclose(u.max() + np.log(np.exp(u - u.max()).sum()), np.logaddexp(*u))


def test_gradient_points_where_the_function_rises_fastest() -> None:
    # 「関数を各変数で偏微分した値を並べたベクトルで、関数が最も速く増える向きを指します」
    # 「変数のうち一つだけを動かし、残りを定数とみた微分です」
    rng = np.random.default_rng(0)
    f = lambda w: np.sin(w[0]) + w[0] * w[1] ** 2 + np.exp(w[2] * w[1])  # noqa: E731
    for theta in rng.normal(size=(10, 3)):
        g = numerical_gradient(f, theta)
        for m, e in enumerate(np.eye(3)):
            assert np.isclose(g[m], (f(theta + 1e-5 * e) - f(theta - 1e-5 * e)) / 2e-5)
        ways = rng.normal(size=(500, 3))
        ways = np.vstack(
            [ways / np.linalg.norm(ways, axis=1, keepdims=True), g / np.linalg.norm(g)]
        )
        rises = [(f(theta + 1e-5 * v) - f(theta - 1e-5 * v)) / 2e-5 for v in ways]
        assert np.argmax(rises) == 500


def test_what_each_optimizer_does_with_its_past() -> None:
    # 「成分ごとに、勾配に掛ける数を小さくしていく最適化法です」
    # 「勾配の二乗の移動平均を使って、成分ごとに歩幅を変える」
    rng, start = np.random.default_rng(0), np.ones(3)
    scales = np.array([1e-3, 1.0, 1e3])
    for method in (optimizers.AdaGrad(0.1), optimizers.RMSProp(0.1), optimizers.Momentum(0.1)):
        state, theta, factors = method.init(start), start, []
        for g in rng.uniform(0.5, 1, (50, 1)) * scales:
            new, state = method.step(theta, g, state)
            factors.append((theta - new) / g)
            theta = new
        falls = (np.diff(factors, axis=0) < 0).all()
        assert falls == isinstance(method, optimizers.AdaGrad)
        by_parts = not np.allclose(factors[-1], factors[-1][0])
        assert by_parts == (not isinstance(method, optimizers.Momentum))


def test_averages_are_corrected_speed_carries_on_and_no_rate_is_needed() -> None:
    # 「過去の勾配を積もらせた速度で進む」「学習率をなくした」
    # 「0 から始めた移動平均が小さく出るのを、割り戻して直すことです」
    start, g = np.ones(3), np.array([2.0, -3.0, 0.5])
    adam, momentum, adadelta = optimizers.Adam(0.1), optimizers.Momentum(0.1), optimizers.Adadelta()
    theta, state = adam.step(start, g, adam.init(start))
    for average, target, beta in zip(state[1:], (g, g**2), (0.9, 0.999), strict=True):
        assert (abs(average) < 0.2 * abs(target)).all()
        assert np.allclose(average / (1 - beta), target)
    assert np.allclose(theta, start - 0.1 * np.sign(g))
    _, speed = momentum.step(start, g, momentum.init(start))
    here, _ = momentum.step(start, 0 * g, speed)  # 勾配がなくなっても、速度で進む
    assert np.allclose(here, start - 0.1 * 0.9 * g)
    paths = []
    for unit in (1.0, 1e3):  # 学習率がなくても、勾配の単位によらずに進む
        theta, state = start, adadelta.init(start)
        for _ in range(20):
            theta, state = adadelta.step(theta, unit * theta, state)
        paths.append(theta)
    assert np.allclose(*paths, rtol=1e-4)


def test_initial_values_take_their_spread_from_the_widths() -> None:
    # 「標準偏差を入力の数から決める重みの初期値です」「入力と出力の数から標準偏差を決める」
    for d_in, d_out in ((400, 100), (100, 400), (300, 300)):
        rng = np.random.default_rng(0)
        he, xavier = he_normal(d_in, d_out, rng=rng), xavier_normal(d_in, d_out, rng=rng)
        assert np.isclose(he.std(), np.sqrt(2 / d_in), rtol=0.02)
        assert np.isclose(xavier.std(), np.sqrt(2 / (d_in + d_out)), rtol=0.02)
    # 「特徴量ごとに平均を引き、標準偏差で割って、単位の違いをなくすことです」
    x = np.random.default_rng(0).normal([300, 0.1], [50, 0.02], (100, 2))
    for unit in (1.0, np.array([1000.0, 0.01])):
        z = standardize(x * unit, fit_standardizer(x * unit))
        assert np.allclose(z.mean(axis=0), 0)
        assert np.allclose(z.std(axis=0), 1)
        assert np.allclose(z, (x - x.mean(axis=0)) / x.std(axis=0))


def test_an_epoch_uses_every_sample_once_in_minibatches() -> None:
    # 「訓練データの全体を一度ずつ使い終える、学習の区切りです」「ミニバッチに入るサンプルの数です」
    for N, B in ((10, 1), (10, 3), (10, 10), (7, 100)):
        batches = list(minibatches(N, B, rng=np.random.default_rng(0)))
        assert sorted(np.concatenate(batches)) == list(range(N))
        assert [len(D) for D in batches[:-1]] == [B] * (len(batches) - 1)


def test_backpropagation_gives_all_gradients_and_automatic_differentiation_is_exact() -> None:
    # 「出力層から入力層へ連鎖律の積を受け渡して、すべての勾配を一度に求める方法です」
    # 「それぞれの微分の積で、道が分かれるなら道ごとの積の和」「微分の値を正確に求める方法です」
    # 「関数の値の差から、微分を近似する」「右へ少し進んだ」「左右に少し動かした」
    rng = np.random.default_rng(0)
    net = init_network([3, 4, 4, 2], activation="tanh", rng=rng)
    x, d = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    g = loss_and_gradient(net, x, d, "squared_error")[1]
    E = lambda t: losses.squared_error(forward(with_parameters(net, t), x), d).mean()  # noqa: E731
    assert np.allclose(g, numerical_gradient(E, parameters(net)), atol=1e-8)
    assert sum(part.W.size + part.b.size for part in backward(net, x, d, "squared_error")) == g.size
    for value in np.linspace(-2, 2, 9):
        w = Node(value)
        y = w * apply(np.sin, np.cos, w) + apply(np.exp, np.exp, w * w)
        exact = np.sin(value) + value * np.cos(value) + 2 * value * np.exp(value**2)
        assert np.isclose(reverse_mode(y, [w])[0][0], exact, rtol=1e-14, atol=1e-14)
        f, point = (lambda t: t * np.sin(t) + np.exp(t * t)), np.array(value)
        slopes = [forward_difference(f, point), central_difference(f, point)]
        assert np.allclose(slopes, exact, rtol=1e-5, atol=1e-6)
        assert np.isclose(forward_difference(f, point, h=0.5), (f(value + 0.5) - f(value)) / 0.5)
        assert np.isclose(central_difference(f, point, h=0.5), f(value + 0.5) - f(value - 0.5))


def test_descent_goes_against_the_gradient_and_stops_where_it_vanishes() -> None:
    # 「勾配と逆の向きに少しずつパラメータを動かして、誤差を減らす方法です」
    # 「勾配が 0 になる点です」「ある向きには極小、別の向きには極大となる停留点です」
    # 「関数を、二つの変数で順に偏微分した値を並べた行列です」
    f = lambda w: w[0] ** 2 - w[1] ** 2 + w[1] ** 4 + 0.3 * w[0] * w[1] ** 2  # noqa: E731
    for start in np.random.default_rng(0).uniform(-1, 1, size=(20, 2)):
        g = numerical_gradient(f, start)
        moved, _ = SGD(0.01).step(start, g, ())
        assert (moved - start) @ g < 0
        assert f(moved) < f(start) < f(start + 0.01 * g)
    saddle, e = np.zeros(2), 1e-3 * np.eye(2)
    assert np.allclose(numerical_gradient(f, saddle), 0, atol=1e-9)
    assert np.array_equal(SGD(0.1).step(saddle, np.zeros(2), ())[0], saddle)
    assert f(e[0]) > f(saddle) > f(e[1])
    at = np.array([0.2, 0.5])
    H = np.array(
        [(numerical_gradient(f, at + v) - numerical_gradient(f, at - v)) / 2e-3 for v in e]
    )
    assert np.allclose(H, [[2, 0.3], [0.3, -2 + 12 * 0.25 + 0.6 * 0.2]], atol=1e-4)


def test_moving_averages_weigh_the_latest_most_and_the_methods_use_the_ones_said() -> None:
    # 「前の値と新しい値を決まった割合で混ぜ、最近の値ほど重くみる平均です」
    # 「勾配の移動平均と、勾配の二乗の移動平均を合わせて使う最適化法です」
    # 「更新の大きさの移動平均も使い、学習率をなくした最適化法です」
    weights = np.zeros(20)
    for g in np.eye(20):
        weights = 0.9 * weights + 0.1 * g
    assert (np.diff(weights) > 0).all()
    rng, theta, m, v, s = np.random.default_rng(0), np.zeros(3), 0.0, 0.0, 0.0
    adam, adadelta = Adam(0.1), Adadelta()
    kept, memory = adam.init(theta), adadelta.init(theta)
    for t, g in enumerate(rng.normal(size=(30, 3)), start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        move, kept = adam.step(theta, g, kept)
        expected = -0.1 * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t))
        np.testing.assert_allclose(move, expected, rtol=1e-5)
        move, memory = adadelta.step(theta, g, memory)
        s = 0.95 * s + 0.05 * move**2
        assert any(np.allclose(part, s, rtol=1e-9, atol=0) for part in memory)


def test_nesterov_looks_ahead_along_its_speed() -> None:
    # 「慣性で進んだ先の勾配を使う Momentum です」
    # 進んだ先で勾配を測る形に直すと、Momentum と同じ更新になる。
    A, rate = np.array([1.0, 20.0]), 0.03
    ahead = here = np.ones(2)
    state, speed = Nesterov(rate).init(ahead), np.zeros(2)
    plain, memory = np.ones(2), Momentum(rate).init(np.ones(2))
    for _ in range(30):
        ahead, state = Nesterov(rate).step(ahead, A * ahead, state)
        speed = 0.9 * speed - rate * A * (here + 0.9 * speed)
        here = here + speed
        np.testing.assert_allclose(ahead, here + 0.9 * speed, atol=1e-12)
        plain, memory = Momentum(rate).step(plain, A * plain, memory)
    assert not np.allclose(here, plain, atol=1e-3)


def test_vanishing_gradients_stop_the_layers_near_the_input() -> None:
    # 「層をさかのぼるうちに勾配が小さくなり、入力に近い層の学習が進まなくなることです」
    for seed in range(3):
        rng = np.random.default_rng(seed)
        net = init_network([10] * 9, activation="sigmoid", initial="xavier", rng=rng)
        x, d = rng.normal(size=(20, 10)), rng.normal(size=(20, 10))
        size = [np.linalg.norm(part.W) for part in backward(net, x, d, "squared_error")]
        assert (np.diff(size[1:]) > 0).all()
        assert size[0] < size[-1] / 1000


def test_naive_bayes_multiplies_its_features_within_a_class_only() -> None:
    # 「クラスを決めれば特徴量は互いに独立だと仮定する生成モデルです」
    rng = np.random.default_rng(0)
    base = rng.normal(size=(400, 1))
    x = np.repeat([[0.0, 0.0], [4.0, 4.0]], 200, axis=0) + base
    x += 0.5 * rng.normal(size=(400, 2))
    model = fit_gaussian_naive_bayes(x, np.repeat(np.eye(2), 200, axis=0))
    for C in model.covariances:
        assert np.allclose(C, np.diag(np.diag(C)))
    # クラスを混ぜれば、モデルの中でも特徴量は独立でない。
    mean = model.priors @ model.means
    mixed = (model.priors[:, np.newaxis] * (model.means - mean)).T @ (model.means - mean)
    assert mixed[0, 1] > 1


def test_parts_are_differentiated_by_their_inputs_and_short_arrays_are_repeated() -> None:
    # 「計算グラフの一つの部品の、出力を入力で微分した値です」
    # 「足りない方向に値を繰り返して形をそろえるしくみです」「尤度の対数の、符号を変えた値です」
    rng = np.random.default_rng(0)
    for a, b in rng.uniform(1, 2, size=(10, 2)):
        x, y, h = Node(a), Node(b), 1e-6
        for part, f in ((x * y, lambda p, q: p * q), (x - y, lambda p, q: p - q)):
            slopes = [slope for one in (x, y) for node, slope in part.edges if node is one]
            by_x = (f(a + h, b) - f(a - h, b)) / (2 * h)
            by_y = (f(a, b + h) - f(a, b - h)) / (2 * h)
            np.testing.assert_allclose(slopes, [by_x, by_y], atol=1e-8)
    u, bias = rng.normal(size=(4, 3)), rng.normal(size=3)
    np.testing.assert_array_equal(u + bias, u + np.tile(bias, (4, 1)))
    p = rng.uniform(0.05, 0.95, size=50)
    flips = rng.random(50) < p
    chance = np.where(flips, p, 1 - p)
    whole = activations.log_softmax(np.stack([np.log(1 - p), np.log(p)], axis=1))
    np.testing.assert_allclose(-np.log(chance.prod()), -whole[np.arange(50), flips * 1].sum())
