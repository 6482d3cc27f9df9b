"""DL003 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from dlnotes.activations import (
    gelu,
    gelu_derivative,
    relu,
    sigmoid,
    sigmoid_derivative,
    step,
    tanh_derivative,
)
from dlnotes.backprop import backward, loss_and_gradient
from dlnotes.datasets import xor
from dlnotes.figures import dl003_activations as figures
from dlnotes.network import (
    ACTIVATIONS,
    Layer,
    Network,
    forward,
    forward_trace,
    init_network,
    parameters,
    with_parameters,
)

UNITWISE = sorted(set(ACTIVATIONS) - {"softmax"})


def random_layers(widths: list[int], activation: str, rng: np.random.Generator) -> Network:
    names = [activation] * (len(widths) - 2) + ["identity"]
    return tuple(
        Layer(rng.standard_normal((a, b)), rng.standard_normal(b), name)
        for (a, b), name in zip(pairwise(widths), names, strict=True)
    )


def descend(net: Network, x: np.ndarray, d: np.ndarray, rates: list[float]) -> Network:
    for rate in rates:
        _, g = loss_and_gradient(net, x, d, "squared_error")
        net = with_parameters(net, parameters(net) - rate * g)
    return net


def size_of_delta(widths: list[int], name: str, initial: str | float, seed: int) -> np.ndarray:
    x, d = np.random.default_rng(0).standard_normal((2, 50, 30))
    net = init_network(widths, activation=name, initial=initial, rng=np.random.default_rng(seed))
    layers = backward(net, x, d, "squared_error")
    return np.array([np.linalg.norm(layer.delta) for layer in reversed(layers)])


def test_relu_keeps_the_factor_only_when_it_is_not_negative() -> None:
    # 「ReLU は折れ線で、c ≥ 0 に限れば斉次性が成り立ちますが、負の c で崩れます」
    # 「線形な 2u では重なり、アフィンな 2u+1 と ReLU では離れます」
    u, c = np.random.default_rng(0).standard_normal((2, 1000))
    kept = np.isclose(relu(c * u), c * relu(u))
    np.testing.assert_array_equal(kept, c >= 0)
    apart = [
        ax.lines[2].get_ydata()[0] != ax.lines[3].get_ydata()[0] for ax in figures.additivity().axes
    ]
    assert apart == [False, True, True]


@pytest.mark.parametrize("activation", UNITWISE)
def test_only_an_affine_activation_lets_any_number_of_layers_collapse(activation: str) -> None:
    # 「何層あっても一層につぶれます」「必要なのは…アフィンでない」
    # 「f(u)=2u+1 は線形ではありませんが、これをはさんでも層はつぶれます」
    for depth in (2, 3, 4):
        rng = np.random.default_rng(depth)
        layers = random_layers([3, *[8] * (depth - 1), 2], activation, rng)
        # 間の f を 2f+1 に替えることは、次の層の W を 2 倍し、b に W の列の和を足すことと同じ。
        after = (Layer(2 * z.W, z.b + z.W.sum(axis=0), z.activation) for z in layers[1:])
        double, x = (layers[0], *after), rng.standard_normal((50, 3))
        columns = np.hstack([x, np.ones((50, 1))])
        for y in (forward(layers, x), forward(double, x)):
            W = np.linalg.lstsq(columns, y, rcond=None)[0]
            assert np.allclose(columns @ W, y) == (activation == "identity")


def test_the_slope_of_the_sigmoid_is_largest_at_zero_only_and_fades_but_never_vanishes() -> None:
    # 「σ′(u) が最大になるのは…u=0 のときで」「|u| が大きいと、傾きが 0 に近づきます」
    # 「どの u でも傾きが 0 にならない」「tanh が 1 になるのは u=0 だけ」
    u = np.linspace(0.01, 15, 1500)
    for f, most in ((sigmoid_derivative, 0.25), (tanh_derivative, 1.0)):
        assert f(np.array(0.0)) == most
        assert f(u[:1])[0] < most
        assert (np.diff(f(u)) < 0).all()
        np.testing.assert_allclose(f(-u), f(u))
        assert 0 < f(u[-1:])[0] < 1e-6
    np.testing.assert_allclose(sigmoid_derivative(u), 0.25 - (sigmoid(u) - 0.5) ** 2, atol=1e-15)
    assert sigmoid_derivative(np.array([-700.0, 700.0])).min() > 0


@pytest.mark.parametrize("kind", ["normal", "uniform", "laplace"])
def test_half_of_the_relu_outputs_are_zero_for_symmetric_weights_without_bias(kind: str) -> None:
    # 「重みを 0 について対称な分布の乱数、バイアスを 0 で始めると、
    # 総入力が正になる確率と負になる確率が
    # 等しくなる」「シグモイド関数の出力は、数学では 0 にならないので、この性質を持ちません」
    rng = np.random.default_rng(0)
    draw = {
        "normal": rng.normal,
        "uniform": lambda size: rng.uniform(-1, 1, size),
        "laplace": rng.laplace,
    }
    x = rng.random((100, 50))  # 入力は対称でなくてよい
    for b, low, high in ((0.0, 0.45, 0.55), (3.0, 0.0, 0.4), (-3.0, 0.6, 1.0)):
        share = []
        for _ in range(5):
            W = draw[kind](size=(50, 200))
            layers = (Layer(W, np.full(200, b), name) for name in ("relu", "sigmoid"))
            z, never = (forward((layer,), x) for layer in layers)
            share.append(np.mean(z == 0))
            assert (never > 0).all()
        assert low <= np.mean(share) <= high


def test_nothing_beyond_a_silent_unit_matters() -> None:
    # 「出力が 0 のユニットから先の掛け算は、結果に影響しません」
    rng = np.random.default_rng(0)
    for name, same in (("relu", True), ("sigmoid", False)):
        first, last = init_network([5, 20, 3], activation=name, rng=rng)
        for x in rng.standard_normal((20, 1, 5)):
            silent = forward_trace((first, last), x)[0].u[0] <= 0
            W = np.where(silent[:, np.newaxis], 1e3, last.W)
            other = (first, Layer(W, last.b, "identity"))
            assert 0 < silent.sum() < 20
            assert np.allclose(forward(other, x), forward((first, last), x)) == same


@pytest.mark.parametrize("seed", range(5))
def test_a_dead_relu_is_never_updated_and_a_leaky_one_is(seed: int) -> None:
    # 「そのユニットの重みとバイアスの勾配はどれも 0 になり、ただの勾配降下法では更新されません」
    # 「何回学習しても 0 を出し続けます」「総入力がすべて負でも、…ふつうは更新が続き」
    rng = np.random.default_rng(seed)
    x, d = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    for name, moves in (("relu", False), ("leaky_relu", True)):
        first, last = init_network([3, 6, 2], activation=name, rng=rng)
        start = (Layer(first.W, np.where(np.arange(6) == 0, -50.0, 0), name), last)
        net = descend(start, x, d, [0.05] * 50)
        changed = (net[0].W != start[0].W).any(axis=0) | (net[0].b != start[0].b)
        assert changed[0] == moves
        assert changed[1:].any()
        assert (forward_trace(net, x)[0].z[:, 0] == 0).all() != moves


def test_the_first_step_of_the_page_kills_the_unit_and_only_the_last_bias_learns() -> None:
    # 「最初の一歩が大きすぎたほうでは、どの x でも総入力が負になり、
    # その後 299 回更新しても戻りません」
    # 「学習を続けられるのは出力層のバイアスだけなので、どの x にも同じ値を返し、誤差が残ります」
    # 「Leaky ReLU が対策になります」（ただし、300 回ではほとんど減らない）
    x = np.array([[1.0], [2.0], [3.0]])
    one = np.array([[1.0]])
    after = {}
    for name in ("relu", "leaky_relu"):
        start = (Layer(one, np.zeros(1), name), Layer(one, np.zeros(1), "identity"))
        net = descend(start, x, x / 2, [0.5])
        assert (forward_trace(net, x)[0].u < 0).all()
        after[name] = descend(net, x, x / 2, [0.1] * 299)
        changed = parameters(after[name]) != parameters(net)
        assert changed.tolist() == ([False] * 3 + [True] if name == "relu" else [True] * 4)
    np.testing.assert_allclose(forward(after["relu"], x), (x / 2).mean())
    E = [loss_and_gradient(net, x, x / 2, "squared_error")[0] for net in after.values()]
    assert E[0] == pytest.approx(1 / 12)
    assert 0.99 * E[0] < E[1] < E[0]


@pytest.mark.parametrize("seed", range(10))
def test_in_a_chain_of_sigmoids_delta_falls_faster_than_a_quarter_each_layer(seed: int) -> None:
    # 「δ⁽ˡ⁾ = f′(u⁽ˡ⁾) w⁽ˡ⁺¹⁾ δ⁽ˡ⁺¹⁾」「シグモイド関数では f′≤1/4 なので、重みが補わなければ
    # n 層で (1/4)ⁿ 以下になります」（補わない: |w| ≤ 1。補う: |w| が大きい）
    rng = np.random.default_rng(seed)
    for most in (1.0, 40.0):
        net = tuple(
            Layer(rng.choice([-most, most], (1, 1)), np.zeros(1), "sigmoid") for _ in range(10)
        )
        net = tuple(Layer(layer.W, -layer.W[0] / 2, layer.activation) for layer in net)
        x = np.array([[0.5]])  # どの層でも総入力が 0 になり、f′ が 1/4 になる
        if most == 1:
            x = rng.standard_normal((1, 1))
        trace = forward_trace(net, x)
        delta = [layer.delta.item() for layer in backward(net, x, [[2.0]], "squared_error")]
        for n in range(9):
            chain = sigmoid_derivative(trace[n].u).item() * net[n + 1].W.item() * delta[n + 1]
            assert delta[n] == pytest.approx(chain)
        assert (abs(delta[0] / delta[-1]) <= 0.25**9) == (most == 1)


@pytest.mark.parametrize("seed", range(5))
def test_delta_vanishes_for_sigmoids_and_small_weights_but_not_for_fitting_pairs(seed: int) -> None:
    # 「ステップ関数では、出力層の一つ手前でもう 0 です」「(1/4)⁹ と同じ程度まで」
    # 「重みの標準偏差を 0.05 と小さくすれば、ReLU でも消えます」
    # 「合った初期値（ReLU には He、tanh には Xavier）と組み合わせれば起きにくい」
    widths = [30] * 11
    assert not size_of_delta(widths, "step", "he", seed)[1:].any()
    ratio = {
        case: size_of_delta(widths, *case, seed)[-1] / size_of_delta(widths, *case, seed)[0]
        for case in (("sigmoid", "xavier"), ("relu", 0.05), ("relu", "he"), ("tanh", "xavier"))
    }
    assert 0.25**9 / 5 < ratio["sigmoid", "xavier"] < 5 * 0.25**9
    assert ratio["relu", 0.05] < 1e-5
    assert 0.1 < ratio["relu", "he"] < 10
    assert 0.1 < ratio["tanh", "xavier"] < 10


def test_he_makes_up_for_the_half_of_the_relus_that_stop_delta() -> None:
    # 「残りの約半分のユニットでは 0 になりますが、その分は He の初期値が重みを大きくして補います」
    # 「層を重ねても信号の大きさが変わりにくいように、重みの標準偏差を層の幅から決める」
    rng = np.random.default_rng(0)
    x, d = rng.standard_normal((2, 50, 100))
    for initial, low, high in (("he", 0.7, 1.4), ("xavier", 0.35, 0.7)):
        net = init_network([100] * 9, initial=initial, rng=rng)
        layers = backward(net, x, d + 100 * rng.standard_normal(d.shape), "squared_error")
        zeros = [np.mean(layer.delta == 0) for layer in layers[:-1]]
        assert 0.4 < np.mean(zeros) < 0.6
        square = np.array([(layer.delta**2).mean() for layer in layers])
        assert low < (square[0] / square[-1]) ** (1 / 8) < high


def test_the_figure_of_the_vanishing_gradient_shows_what_its_text_says() -> None:
    # 「20 層を 19 層さかのぼると、シグモイド関数は (1/4)^n と同じような速さで小さくなり続け、
    # ReLU は約 7 倍に増え、tanh は約 7 分の 1 に減ります」
    lines = {
        line.get_label(): line.get_ydata() for line in figures.vanishing_gradient().axes[0].lines
    }
    quarter = lines.pop("$(1/4)^n$")
    np.testing.assert_allclose(quarter, 0.25 ** np.arange(20))
    assert all(len(y) == 20 and y[0] == 1 for y in lines.values())
    sigmoids = lines["シグモイド関数"]
    assert 0.2e-12 < sigmoids[-1] < 5e-12
    assert 0.2 < (sigmoids[-1] / sigmoids[1]) ** (1 / 18) < 0.3
    assert round(lines["ReLU"][-1]) == 7
    assert round(1 / lines["tanh"][-1]) == 7


def test_no_single_step_unit_but_every_separable_rule_is_made() -> None:
    # 「ステップ関数の一つのユニットでは、XOR は作れません」「線形分離可能なものしか作れない」
    # 「一つのユニットで合うのは 4 点のうち 3 点まで」「(0,0) と (1,1) での値の和も、
    # (0,1) と (1,0) での値の和も w1+w2+2b」
    x, d = xor()
    rng = np.random.default_rng(0)
    W, b = rng.uniform(-1, 1, (2, 20000)), rng.uniform(-1, 1, 20000)
    u = x @ W + b
    made = {tuple(row) for row in step(u).T.astype(int)}
    every = set(product((0, 1), repeat=4))
    assert every - made == {(0, 1, 1, 0), (1, 0, 0, 1)}
    assert (step(u) == d).sum(axis=0).max() == 3
    np.testing.assert_allclose(u[0] + u[3], u[1] + u[2])
    np.testing.assert_allclose(u[0] + u[3], W.sum(axis=0) + 2 * b)


def test_the_hidden_layer_cuts_the_plane_in_three_and_the_figure_shows_it() -> None:
    # 「中間層の二本の直線は、入力の平面を三つの領域に分けます」
    # 「(0,1) と (1,0) は真ん中の領域にあり」
    # 「二本の直線にはさまれた帯が y=1。右は…d=1 の二点が (1, 0) に重なり、一本の直線で分かれます」
    hidden = Layer([[1.0, 1.0], [1.0, 1.0]], [-0.5, -1.5], "step")
    output = Layer([[1.0], [-1.0]], [-0.5], "step")
    plane = np.random.default_rng(0).uniform(-9, 9, (5000, 2))
    z, y = (part.z for part in forward_trace((hidden, output), plane))
    assert {tuple(row) for row in z} == {(0, 0), (1, 0), (1, 1)}
    total = plane.sum(axis=1)
    np.testing.assert_array_equal(y[:, 0] == 1, (total > 0.5) & (total < 1.5))
    left, right = figures.xor_by_two_layers().axes
    ones, zeros = (np.transpose(line.get_data()) for line in reversed(right.lines[:2]))
    assert ones.tolist() == [[1, 0], [1, 0]]
    assert (forward((output,), ones) == 1).all()
    assert (forward((output,), zeros) == 0).all()
    assert [len(ax.collections) for ax in (left, right)] == [3, 2]


def test_the_figure_of_three_more_and_gelu_dip_as_the_text_says() -> None:
    # 「tanh は −1 から 1 の間で飽和し、Leaky ReLU は負の側にも傾きがあり、
    # GELU は負の側で一度下がって
    # から 0 に戻ります」「負の側で一度 −0.170 まで下がるので、単調な関数ではありません」
    # 「導関数は 1 を少し超えます」「折れ目がなくなり」
    top, bottom = figures.three_more().axes
    (u, tanh), (_, leaky), (_, soft) = (line.get_data() for line in top.lines)
    assert (np.abs(tanh) < 1).all()
    assert (np.diff(tanh) > 0).all()
    assert (bottom.lines[1].get_ydata()[u < -0.005] == 0.1).all()
    assert (np.diff(leaky) > 0).all()
    wide = np.linspace(-40, 40, 80001)
    z = gelu(wide)
    lowest = wide[np.argmin(z)]
    assert lowest < 0
    assert round(z.min(), 3) == -0.170
    assert (np.diff(z[wide < lowest - 1e-3]) <= 0).all()
    assert (np.diff(z[wide > lowest + 1e-3]) > 0).all()
    assert abs(soft[0]) < 1e-3 < -soft.min()
    assert 1 < gelu_derivative(wide).max() < 1.13
    assert np.abs(np.diff(gelu_derivative(wide))).max() < 1e-3


def test_the_convention_at_zero_matters_only_when_the_border_meets_a_sample() -> None:
    # 「総入力がちょうど 0 になる重みを選ぶと、約束によって答えが変わる」「b=−1.5 なら、
    # どちらの約束でも同じ」
    # 「4 点とも間違いなのに、勾配は 0 です」
    x, d = xor()
    for b in (-2.5, -2.0, -1.75, -1.5, -1.25, -1.0, -0.5):
        u = x @ np.ones(2) + b
        here, there = step(u), np.heaviside(u, 1.0)
        assert np.array_equal(here, there) == (b not in (-2.0, -1.0))
        assert np.array_equal(here, [0, 0, 0, 1]) == (-2 < b <= -1)
        assert np.array_equal(there, [0, 0, 0, 1]) == (-2 <= b < -1)
    two = (
        Layer([[1.0, 1.0], [1.0, 1.0]], [-0.5, -1.5], "step"),
        Layer([[1.0], [-1.0]], [-0.5], "step"),
    )
    assert (forward(two, x) != 1 - d).all()
    assert not loss_and_gradient(two, x, 1 - d, "squared_error")[1].any()
