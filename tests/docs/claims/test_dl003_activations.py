"""DL003 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from itertools import pairwise, product

import numpy as np
import pytest
from pictures import keys, named, once, points_of, written

from dlnotes import network as nn
from dlnotes.activations import (
    gelu,
    gelu_derivative,
    leaky_relu,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    step,
    step_derivative,
    tanh,
    tanh_derivative,
)
from dlnotes.backprop import backward, loss_and_gradient
from dlnotes.datasets import xor
from dlnotes.figures import dl003_activations as figures
from dlnotes.losses import squared_error
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
from dlnotes.numerical import numerical_gradient
from dlnotes.optimizers import SGD, Adam, Momentum

album = once(figures)

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
    u, c = np.random.default_rng(0).standard_normal((2, 1000))
    kept = np.isclose(relu(c * u), c * relu(u))
    np.testing.assert_array_equal(kept, c >= 0)


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
        line.get_label(): line.get_ydata() for line in album.vanishing_gradient().axes[0].lines
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
    left, right = album.xor_by_two_layers().axes
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
    top, bottom = album.three_more().axes
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


def test_the_three_figures_of_one_activation_show_what_their_texts_say() -> None:
    # 「出力は u=0 で 0 から 1 へ跳び、傾きは u=0 を除いて 0」「0 から 1 へなめらかに上がり、
    # 傾きは u=0 で最大の 1/4、両端では 0 に近づきます」
    # 「負の側では出力も傾きも 0、正の側では傾きがいつも 1」
    names = ("step", "sigmoid", "relu")
    pairs = [getattr(figures, name + "_and_derivative")() for name in names]
    lines = [[line.get_ydata() for line in ax.lines] for pair in pairs for ax in pair.axes]
    assert [len(half) for half in lines] == [4, 2, 2, 3, 2, 4]  # 跳ぶところは白丸と黒丸
    (off, on), level, (low, high), (rises, falls), (none, slope), (zero, one) = (
        half[:2] for half in lines
    )
    assert not np.any([off, *level, none, zero])
    assert np.all([on, one] == np.ones((2, 201)))
    assert (np.diff([*low, *high]) > 0).all()
    assert np.allclose([low[-1], high[0], rises[-1], falls[0]], [0.5, 0.5, 0.25, 0.25])
    assert max(low[0], 1 - high[-1], rises[0], falls[-1]) < 0.01
    assert (np.diff([rises, falls[::-1]]) > 0).all()
    assert np.array_equal(slope, pairs[2].axes[0].lines[1].get_xdata())


def test_the_ends_of_the_sigmoid_are_zero_and_one_only_by_rounding() -> None:
    # 「計算機の丸めのためです」「e^{-1000} は float64 で表せる最も小さな正の数より小さく、
    # 0 に丸められます」「数学では、出力はいつも 0 より大きく 1 より小さい値です」
    smallest = Decimal(float(np.nextafter(0.0, 1.0)))
    for u in (-1000, -745, -37, 0, 37, 1000):
        exact = 1 / (1 + Decimal(-u).exp())
        assert exact > 0
        assert exact < 1 or u == 1000  # Decimal の 28 桁でも丸められる
        assert float(sigmoid(float(u))) == pytest.approx(float(exact), rel=1e-12)
    assert 0 < Decimal(-1000).exp() < smallest / 2
    assert np.exp(-1000.0) == sigmoid(-1000.0) == 0 < np.exp(-745.0)
    assert sigmoid(1000.0) == 1


def test_hidden_steps_stay_where_they_are_and_hidden_sigmoids_learn() -> None:
    # 「u を少し動かしても出力が変わらないのでは、頼る手がかりがありません」
    # 「どの u でも傾きが 0 にならないようになめらかにした関数なら、勾配降下法が使えます」
    x = np.linspace(-2, 2, 21)[:, np.newaxis]
    d = np.sin(2 * x)
    left = {}
    for seed, name in product(range(3), ("step", "sigmoid")):
        rng = np.random.default_rng(seed)
        start = init_network([1, 4, 1], activation=name, initial=2.0, rng=rng)
        u = forward_trace(start, x)[0].u
        nearby = forward_trace((Layer(start[0].W, [1e-9] * 4, name),), x)[0]
        moved = nearby.z != forward_trace(start, x)[0].z
        assert (moved == (name == "sigmoid"))[u != 0].all()
        net = descend(start, x, d, [0.8] * 200)
        assert np.array_equal(net[0].W, start[0].W) == (name == "step")
        left[name] = loss_and_gradient(net, x, d, "squared_error")[0]
        assert name == "step" or left["sigmoid"] < 0.4 * left["step"]


@pytest.mark.parametrize("seed", range(5))
def test_saturated_hidden_sigmoids_hardly_move(seed: int) -> None:
    # 「これを飽和といい、中間層では重みがほとんど動かなくなります」
    rng = np.random.default_rng(seed)
    x, d = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    first, last = init_network([3, 8, 2], activation="sigmoid", initial="xavier", rng=rng)
    aside = np.where(np.arange(8) % 2, 10.0, 0.0)  # 半分のユニットだけ u ≈ 10
    start = (Layer(first.W, first.b + aside, "sigmoid"), last)
    net = descend(start, x, d, [0.1] * 200)
    moved = np.abs(net[0].W - start[0].W).max(axis=0)
    assert moved[aside > 0].max() < 0.01 * moved[aside == 0].min()
    assert np.abs(net[1].W - last.W)[aside > 0].min() > 1e-3  # 先の層は動いている


def test_dead_relus_come_back_by_another_rule_or_when_their_input_changes() -> None:
    # 「ただの勾配降下法では更新されません。入力が変わらない限り、何回学習しても 0 を出し続けます」
    x, d = np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [1.0], [1.5]])
    start = (Layer([[1.0]], [0.0], "relu"), Layer([[1.0]], [0.0], "identity"))
    dead = descend(start, x, d, [0.5])
    for opt, moves in ((SGD(0.5), False), (Momentum(0.5), True), (Adam(1.0), True)):
        theta, state = opt.step(np.zeros(4), np.ones(4), opt.init(np.zeros(4)))
        _, g = loss_and_gradient(dead, x, d, "squared_error")
        assert (g != 0).tolist() == [False] * 3 + [True]
        assert (opt.step(theta, g, state)[0][:3] != theta[:3]).all() == moves
    one = np.ones((1, 1))
    second = Layer([[1.0, 1.0]], [0.0, -1.2], "relu")  # 二つ目のユニットは 1 − 1.2 で死んでいる
    deep = (Layer(one, [0.0], "identity"), second, Layer([[1.0], [1.0]], [0.0], "identity"))
    z = [forward_trace(descend(deep, one, 2 * one, [0.1] * n), one)[1].z[0, 1] for n in (0, 50)]
    assert z[0] == 0 < z[1]


def test_a_leak_brings_the_unit_back_the_later_the_smaller_it_is() -> None:
    # 「傾きが小さい分だけ更新は遅く、…同じ回数では誤差はほとんど減りません」
    x, lost = np.array([1.0, 2.0, 3.0]), []
    for slope in (0.0, 0.01, 0.1, 0.3, 0.8):
        w, b, v, c = 1.0, 0.0, 1.0, 0.0
        for rate in [0.5] + [0.1] * 300:
            u = w * x + b
            f = np.where(u > 0, 1, slope)
            e = v * f * u + c - x / 2
            E = (e**2).mean() / 2
            steps = [(e * v * f * x).mean(), (e * v * f).mean(), (e * f * u).mean(), e.mean()]
            w, b, v, c = (p - rate * g for p, g in zip((w, b, v, c), steps, strict=True))
        lost.append(1 - 12 * E)
    assert (np.diff(lost) > 0).all()
    assert lost[1] < 0.01
    assert lost[3] > 0.9


def test_relu_hands_delta_on_unchanged_where_it_works_and_stops_it_elsewhere() -> None:
    # 「ReLU は、働いているユニットの傾きが 1 なので、そこを通る δ は導関数では小さくなりません」
    # 「残りの約半分のユニットでは 0 になります」「入力に近い層の重みは、この積に比例した大きさで」
    rng = np.random.default_rng(0)
    x, d = rng.standard_normal((2, 50, 30))
    net = init_network([30] * 6, rng=rng)
    trace, layers = forward_trace(net, x), backward(net, x, d, "squared_error")
    for n in range(5):
        below = trace[n - 1].z if n else x
        np.testing.assert_allclose(layers[n].W, below.T @ layers[n].delta, atol=1e-14)
        if n < 4:
            came = layers[n + 1].delta @ net[n + 1].W.T
            works = trace[n].u > 0
            np.testing.assert_allclose(layers[n].delta, np.where(works, came, 0), rtol=1e-12)
            assert 0.4 < works.mean() < 0.6


def test_gelu_puts_a_probability_in_the_place_of_the_zero_or_one_of_relu() -> None:
    # 「ReLU は、u に、正なら 1、負なら 0 を掛ける関数とみることができます」
    # 「標準正規分布に従う数が u 以下になる確率 Φ(u) で置き換えたのが GELU です」
    r, u = np.random.default_rng(0).standard_normal(400_000), np.linspace(-4, 4, 17)
    np.testing.assert_array_equal(relu(u), u * (u > 0))
    share = np.array([np.mean(r <= value) for value in u])
    np.testing.assert_allclose(gelu(u), u * share, atol=0.005)
    by_erfc = [math.erfc(-value / math.sqrt(2)) / 2 for value in u]
    np.testing.assert_allclose(by_erfc, share, atol=0.004)


def test_circle_and_cross_of_the_additivity_figure_are_what_their_names_say() -> None:
    # 「u=−1、v=2 のときの、f(u)+f(v) の × 印と f(u+v) の丸印。」
    # 「線形な 2u では重なり、アフィンな 2u+1 と ReLU では離れます」
    drawing = album.additivity()
    u, v, total = map(int, re.findall(r"-?\d+", drawing.axes[1].get_xlabel()))
    assert (u, v, total) == (-1, 2, 1)
    functions = {
        "$2u$": lambda t: 2 * t,
        "$2u+1$": lambda t: 2 * t + 1,
        "ReLU": lambda t: max(t, 0),
    }
    for n, (ax, (name, f)) in enumerate(zip(drawing.axes, functions.items(), strict=True)):
        assert ax.get_title().split("\n")[1] == name
        x, y = points_of(ax.lines[0])
        np.testing.assert_allclose(y, [f(t) for t in x])
        assert named(drawing)["$f(u+v)$"][n].ravel().tolist() == [1, f(total)]
        assert named(drawing)["$f(u)+f(v)$"][n].ravel().tolist() == [1, f(u) + f(v)]
    assert [key.get_marker() for key in keys(drawing).values()] == ["o", "x"]


def test_jumps_and_heights_of_the_three_pairs_are_marked_where_they_are() -> None:
    # 「出力は u=0 で 0 から 1 へ跳び、傾きは u=0 を除いて 0 です。」
    # 「正の側では傾きがいつも 1 です。」「傾きは u=0 で最大の 1/4」
    pairs = (
        album.step_and_derivative,
        album.sigmoid_and_derivative,
        album.relu_and_derivative,
    )
    (stepped, _), (_, hill), (folded, half) = figure_axes = [draw().axes for draw in pairs]
    for top, bottom in figure_axes:
        assert (top.get_ylabel()[:2], bottom.get_ylabel()[:3]) == ("出力", "導関数")
    for ax in (stepped, half):
        marks = {line.get_fillstyle(): points_of(line).ravel().tolist() for line in ax.lines[2:]}
        assert marks == {"none": [0, 1], "full": [0, float(step(np.array(0.0)))]}
    np.testing.assert_allclose(points_of(folded.lines[1])[1], relu(points_of(folded.lines[1])[0]))
    top_of_hill = max(points_of(line)[1].max() for line in hill.lines[:2])
    assert np.isclose(hill.lines[2].get_ydata()[0], top_of_hill)
    (words,) = written(hill)
    assert words == f"最大 1/{1 / top_of_hill:.0f}"


def test_names_and_shades_of_the_xor_figure_are_those_of_its_points() -> None:
    # 「左は入力の平面で、二本の直線にはさまれた帯が y=1。右は中間層の出力の平面で、d=1 の二点が
    # (1, 0) に重なり、一本の直線で分かれます。」
    drawing = album.xor_by_two_layers()
    ones, zeros = (named(drawing)[f"$d={d}$"] for d in (1, 0))
    assert sorted(ones[0].T.tolist()) == [[0, 1], [1, 0]]
    assert sorted(zeros[0].T.tolist()) == [[0, 0], [1, 1]]
    for ax, one, zero in zip(drawing.axes, ones, zeros, strict=True):
        (shade,) = ax.collections[0].get_paths()
        assert shade.contains_points(one.T).all()
        assert not shade.contains_points(zero.T).any()
    labels = [(ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) for ax in drawing.axes]
    assert labels == [("入力", "$x_1$", "$x_2$"), ("中間層の出力", "$z_1$", "$z_2$")]
    assert written(drawing.axes[1])["2 点が重なる"].tolist() == ones[1][:, 0].tolist() == [1, 0]


def test_names_of_three_more_belong_to_their_functions_and_decay_has_a_log_axis() -> None:
    # 「tanh は −1 から 1 の間で飽和し、Leaky ReLU は負の側にも傾きがあり、
    # GELU は負の側で一度下がってから 0 に戻ります。」
    lines = {name: parts[0] for name, parts in named(album.three_more()).items()}
    (leaky,) = [name for name in lines if name.startswith("Leaky")]
    slope = float(re.findall(r"[\d.]+", leaky)[0])
    for name, f in (("tanh", tanh), ("GELU", gelu)):
        np.testing.assert_allclose(lines[name][1], f(lines[name][0]))
    u, z = lines[leaky]
    np.testing.assert_allclose(z, leaky_relu(u, negative_slope=slope))
    # 「シグモイド関数は (1/4)^n と同じような速さで小さくなり続け」
    assert album.vanishing_gradient().axes[0].get_yscale() == "log"


def test_positive_outputs_give_gradients_of_one_sign_to_the_weights_of_a_unit() -> None:
    # 「サンプル 1 個では、次の層の一つのユニットに入る重みの勾配が、どれも同じ符号になります。」
    # 「tanh には、この偏りがありません。」
    for hidden, one_sign in (("sigmoid", True), ("tanh", False)):
        rng = np.random.default_rng(0)
        net = init_network([4, 20, 3], activation=hidden, rng=rng)
        for _ in range(20):
            x, d = rng.normal(size=(1, 4)), rng.normal(size=(1, 3))
            signs = np.sign(backward(net, x, d, "squared_error")[1].W)
            assert (np.abs(signs.sum(axis=0)) == 20).all() == one_sign


def test_a_linear_function_of_one_number_is_a_line_through_the_origin_and_affine_is_not() -> None:
    # 「線形な関数は、a=f(1) とおいた f(u)=au に限られます。グラフは原点を通る直線です。」
    # 「b≠0 なら f(0)=b≠0 となり、斉次性で c=0 とした f(0)=0 に反します。」
    # 「y=ax+b（b≠0）のグラフは直線ですが、線形ではなくアフィンです。」
    # 「2u+1 は、直線なのに加法性も斉次性も満たしません。」
    # 「シグモイド関数は曲線、ReLU は折れ線です。」
    u, v, c = np.random.default_rng(0).normal(size=(3, 200))
    for a, b in ((2.0, 0.0), (-0.7, 0.0), (2.0, 1.0), (0.0, 3.0)):

        def f(t: np.ndarray, a: float = a, b: float = b) -> np.ndarray:
            return a * t + b

        linear = np.allclose(f(u + v), f(u) + f(v)), np.allclose(f(c * u), c * f(u))
        assert linear == (b == 0, b == 0)
        assert np.allclose(f(u), u * f(np.array(1.0))) == (b == 0)
        assert np.allclose(np.diff(f(np.arange(9.0)), 2), 0)
    grid = np.linspace(-3, 3, 13)
    bends = [np.abs(np.diff(g(grid), 2)) > 1e-9 for g in (sigmoid, relu)]
    assert [int(each.sum()) for each in bends] == [10, 1]  # シグモイド関数は、u=0 のほかで曲がる


def test_slopes_are_at_most_a_quarter_one_one_and_a_little_more() -> None:
    # 「シグモイド関数の導関数は、最大でも 1/4 です。u=0 を除けば、ステップ関数では 0、
    # ReLU では 0 か 1 です。」「傾きがいちばん大きいところでも 1/4 しかありません。」
    # 「最大値は、シグモイド関数が 1/4、tanh と ReLU が 1、GELU が 1 と少しです。」
    # 「ReLU は正の側のどこでも 1 です。」「u がどれほど大きくても傾きは 1 のままです。」
    # 「出力は 0 か 1 なので、u=0.1 と u=2 の違いは失われます。」
    u = np.append(np.linspace(-50, 50, 20001), [-1e6, 1e6])
    assert sigmoid_derivative(u).max() == sigmoid_derivative(np.array(0.0)) == 1 / 4
    assert tanh_derivative(u).max() == relu_derivative(u).max() == 1
    assert 1 < gelu_derivative(u).max() < 1.2
    away = u[np.abs(u) > 1e-6]
    assert not step_derivative(away).any()
    np.testing.assert_array_equal(relu_derivative(away), away > 0)
    np.testing.assert_array_equal(step(np.array([0.1, 2.0])), [1, 1])


def test_tanh_is_a_narrow_tall_lowered_sigmoid_of_both_signs() -> None:
    # 「シグモイド関数のグラフを横に…倍、縦に 2 倍し、1 だけ下げた形です。」
    # 「出力は…と 1 の間で、正にも負にもなります。」
    # 「|u| が大きいと飽和するところは、シグモイド関数と同じです。」
    # 「tanh は、−1 と 1 の間の値を出す、シグモイド関数に似た関数です」
    u = np.linspace(-9, 9, 181)
    x, z = u / 2, 2 * sigmoid(u) - 1  # シグモイド関数の点 (u, σ(u)) を動かしたもの
    np.testing.assert_allclose(tanh(x), z, atol=1e-15)
    assert -1 < tanh(u).min() < 0 < tanh(u).max() < 1
    for f in (tanh_derivative, sigmoid_derivative):
        assert f(np.array([-20.0, 20.0])).max() < 1e-8 < f(np.array([-3.0, 3.0])).min()


def test_or_and_and_make_xor_and_no_single_affine_layer_does() -> None:
    # 「二つの入力の片方だけが 1 のとき、1 になります。」「少なくとも一方が 1」「両方とも 1」
    # 「OR だが AND ではない」「二層にすれば、ステップ関数のままでも XOR を表せます。」
    # 「XOR では前の和が 0、後の和が 2 なので、どんな重みとバイアスの一層でも出せません。」
    # 「一本の直線では分けられません。」「間に ReLU をはさめば、二層で出せます。」
    # 「それは、ステップ関数のユニットが一つだけの、単層パーセプトロンの性質です。」
    x, d = xor()
    np.testing.assert_array_equal(d[:, 0] == 1, x.sum(axis=1) == 1)
    z = forward((Layer([[1.0, 1.0], [1.0, 1.0]], [-0.5, -1.5], "step"),), x)
    np.testing.assert_array_equal(z, np.column_stack([x.any(axis=1), x.all(axis=1)]))
    np.testing.assert_array_equal(d[:, 0] == 1, (z[:, 0] == 1) & (z[:, 1] == 0))
    at = {tuple(row): value for row, value in zip(x.astype(int).tolist(), d[:, 0], strict=True)}
    assert (at[0, 0] + at[1, 1], at[0, 1] + at[1, 0]) == (0, 2)
    columns = np.hstack([x, np.ones((4, 1))])
    best = columns @ np.linalg.lstsq(columns, d, rcond=None)[0]
    np.testing.assert_allclose(best, 0.5)
    bent = np.hstack([relu(x.sum(axis=1, keepdims=True) - [0, 1])])
    np.testing.assert_array_equal(bent @ [1, -2], d[:, 0])


def test_relu_at_the_end_cannot_answer_a_negative_number() -> None:
    # 「恒等写像を中間層に使えば層がつぶれ、ReLU を回帰の出力層に使えば負の値を予測できません。」
    # 表「条件 アフィンでなく、導関数が 0 になりにくい 値の範囲が正解と合い、誤差関数と組になる」
    # 表「役目 層をつぶさず、信号の強弱を次の層へ伝える 総入力を、正解と比べられる形にする」
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    for last in ("relu", "identity"):
        net = init_network((3, 8, 1), output_activation=last, rng=rng)
        assert (forward(net, x) >= 0).all() == (last == "relu")
    columns = np.hstack([x, np.ones((200, 1))])
    for hidden in ("identity", "relu", "sigmoid", "tanh", "gelu", "step"):
        y = forward(init_network((3, 8, 1), activation=hidden, rng=rng), x)
        flat = columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
        assert np.allclose(flat, y) == (hidden == "identity")


@pytest.mark.parametrize("seed", range(5))
def test_weights_of_a_negative_unit_have_a_gradient_only_if_it_leaks(seed: int) -> None:
    # 「ReLU では 0 になり、Leaky ReLU ではふつう 0 になりません。勾配には活性化関数の
    # 導関数が掛かり、負の側の値が ReLU では 0、Leaky ReLU では α だからです。」
    # 「負の側の傾きが 0 であることは、欠点にもなります。」「負の側に小さな傾き α（ふつう 0.01）を」
    # 「ユニットの出力が 0 なので、それに掛かる出力層の重みの勾配も 0 です。」
    rng = np.random.default_rng(seed)
    x, d = rng.random((6, 2)), rng.normal(size=(6, 1))
    for name in ("relu", "leaky_relu"):
        net = (Layer(-1 - rng.random((2, 1)), [0.0], name), Layer([[1.0]], [0.0], "identity"))
        first, last = backward(net, x, d, "squared_error")
        assert (first.W != 0).all() == (last.W != 0).all() == (name == "leaky_relu")
    slope = leaky_relu(np.array([-3.0])) / -3
    assert math.isclose(slope.item(), 0.01)


def test_deep_steps_fail_by_their_derivative_and_small_weights_shrink_every_delta() -> None:
    # 「多層で困るのは、表せないからではなく、導関数が 0 で、勾配降下法では学習できないからです。」
    # 「出力層から一層さかのぼるごとに、f′ と w が一つずつ掛かります。」
    # 「誤差の勾配を前の層へ戻すとき、一層ごとに導関数が一つ掛かるので、シグモイド関数では
    # 勾配が消えやすくなります。」「ただし、掛かるのは f′ だけでなく重みもです。
    # 下から 2 行目のように」
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(2, 30, 4))
    for name, scale in product(("step", "sigmoid", "relu"), (1.0, 0.1)):
        start = init_network([4] * 6, activation=name, rng=np.random.default_rng(1))
        net = tuple(Layer(scale * z.W, z.b, z.activation) for z in start)
        sizes = [np.linalg.norm(z.delta) for z in backward(net, x, d, "squared_error")]
        assert (sizes[-2] == 0) == (name == "step")
        if scale == 1:
            whole = sizes[0]
        else:
            assert sizes[0] <= 0.1 * whole
    steps = (
        Layer([[1.0, 1.0], [1.0, 1.0]], [-0.5, -1.5], "step"),
        Layer([[1.0], [-1.0]], [-0.5], "step"),
    )
    np.testing.assert_array_equal(forward(steps, xor()[0]), xor()[1])


def test_gradient_stands_in_the_order_of_the_parameters_and_backward_names_its_parts() -> None:
    # 「誤差と、重みとバイアスを一列に並べた勾配を返します」「重みとバイアスを同じ順に並べ、
    # with_parameters は、その並びからネットワークを作り直します。」
    # 「backward が返す層ごとの値のうち、delta が…、W が重みの勾配です。」
    rng = np.random.default_rng(0)
    net = nn.init_network([2, 3, 2], activation="tanh", rng=rng)
    x, d, theta = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), nn.parameters(net)
    same = nn.with_parameters(net, theta)
    assert np.array_equal(nn.parameters(same), theta)
    assert [np.array_equal(a.W, b.W) for a, b in zip(net, same, strict=True)] == [True, True]

    def error(theta: np.ndarray) -> np.ndarray:
        return squared_error(nn.forward(nn.with_parameters(net, theta), x), d).mean()

    E, g = loss_and_gradient(net, x, d, "squared_error")
    assert np.isclose(E, error(theta))
    assert np.allclose(g, numerical_gradient(error, theta), atol=1e-8)
    parts = backward(net, x, d, "squared_error")
    assert np.array_equal(g, np.concatenate([v.ravel() for p in parts for v in (p.W, p.b)]))
    assert np.allclose(parts[-1].delta, (nn.forward(net, x) - d) / 4)


def test_equal_steps_of_a_line_are_equal_and_of_a_relu_are_not() -> None:
    # 「直線なら、等間隔の x に対する出力の差が一定です（f をはさんだ出力は、整理すると…です）。」
    # 「間に ReLU をはさむと、この…の一層とは違う出力になりました。」
    # 「正の総入力はそのまま通し、負の総入力は 0 にします。」
    x = np.linspace(-2, 2, 5)
    between = [0.5 * g(3 * x - 1) + 2 for g in (lambda u: 2 * u + 1, relu)]
    assert np.allclose(between[0], 3 * x + 1.5)
    steps = [np.ptp(np.diff(y)) for y in between]
    assert np.isclose(steps[0], 0)
    assert steps[1] > 1
    u = np.random.default_rng(0).normal(size=99)
    assert np.array_equal(relu(u), np.where(u > 0, u, 0))
