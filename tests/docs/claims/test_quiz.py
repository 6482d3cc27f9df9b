"""確認テストの解説（答えを開くと出る文）が述べる、check が確かめていない事実。"""

from __future__ import annotations

import numpy as np

from dlnotes.activations import softmax
from dlnotes.backprop import backward
from dlnotes.encoding import fit_standardizer, standardize
from dlnotes.losses import huber_gradient, squared_error_gradient
from dlnotes.network import Layer, forward, init_network
from dlnotes.numerical import CountedFunction, numerical_gradient
from dlnotes.optimizers import SGD, Adadelta, Adam, Momentum
from dlnotes.training import iterations_per_epoch


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
