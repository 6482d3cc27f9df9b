"""DL010 の文が述べる、ページの出力にまだ現れていない事実。"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.text import Annotation
from pictures import named, once, points_of, written

from dlnotes import autodiff, backprop
from dlnotes.activations import (
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax,
    tanh,
    tanh_derivative,
)
from dlnotes.autodiff import Node, apply, forward_mode, reverse_mode
from dlnotes.backprop import backward, gradient_check, loss_and_gradient
from dlnotes.datasets import linear_target
from dlnotes.figures import dl010_backprop as figures
from dlnotes.figures._style import INK, RED
from dlnotes.losses import squared_error
from dlnotes.network import Layer, forward, forward_trace, init_network, parameters, with_parameters
from dlnotes.numerical import directional_derivative
from dlnotes.optimizers import SGD, Adam, Momentum

album = once(figures)


def _factors(L: int) -> list[tuple[str, ...]]:
    path, rows = ["E/y"], []
    for layer in range(L, 0, -1):
        path = [*path, f"z{layer}/u{layer}"]
        rows += [(*path, f"u{layer}/b{layer}"), (*path, f"u{layer}/W{layer}")]
        path = [*path, f"u{layer}/z{layer - 1}"]
    return rows


def _sigmoid_net(seed: int, n: int) -> tuple[tuple, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """問題と、正しい勾配、総入力の代わりに z を入れた勾配。"""
    rng = np.random.default_rng(seed)
    network = init_network([2, 10, 1], activation="sigmoid", initial=3.0, rng=rng)
    x, d = rng.random((n, 2)), rng.normal(size=(n, 1))
    right = loss_and_gradient(network, x, d, "squared_error")[1]
    return network, x, d, right, figures._wrong_gradient(network, x, d)


@cache
def _errors_with(slope: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
    """ノートブックの設定で、中間層に slope を掛けて 60 組を学習したときの毎回の誤差。"""
    rng, errors = np.random.default_rng(seed), []
    W1, W2, b2 = (rng.normal(size=(60, *s)) for s in ((3, 10), (10, 1), (1, 1)))
    for _ in range(1000):
        x = rng.random((60, 1, 3)) ** [1, 1, 0]
        z1 = relu(x @ W1)
        delta2 = z1 @ W2 + b2 - x @ [[3.0], [2.0], [0.0]]
        W1 = W1 - 0.07 * x.mT @ (delta2 @ W2.mT * slope(z1))
        W2, b2 = W2 - 0.07 * z1.mT @ delta2, b2 - 0.07 * delta2
        errors.append(delta2**2 / 2)
    return np.array(errors)


def test_multiplications_are_as_many_as_said_for_every_depth() -> None:
    # 「誤差の側から掛けていくと、同じ積を何度も計算せずに済みます」
    # 「別々に掛けると … 2L(L+1) 回」「取っておけば … 4L−1 回です」「左ほど誤差に近い因数です」
    # 「左の二つの積はどの行にも現れ、左の四つの積は b と W の両方に現れます」
    # 「左の二つの箱はどの行も同じで、左の四つの箱は下の二行で同じです」（図の代替文）
    for L in range(1, 41):
        rows = _factors(L)
        kept = {row[:i] for row in rows for i in range(2, len(row) + 1)}
        assert sum(len(row) - 1 for row in rows) == 2 * L * (L + 1)
        assert len(kept) == 4 * L - 1
    rows = _factors(2)
    assert [len({row[:n] for row in rows}) for n in (1, 2, 3)] == [1, 1, 3]
    assert rows[2][:4] == rows[3][:4]
    assert all(row[0] == "E/y" and row[-1][-2] in "bW" for row in rows)
    texts = album.shared_factors().axes[0].texts
    boxes = {(x, y): t.get_text() for t in texts for x, y in [t.get_position()]}
    drawn = [[boxes.get((x, y)) for x in range(5)] for y in (3.3, 2.2, 1.1, 0.0)]
    assert all(row[:2] == drawn[0][:2] for row in drawn)
    assert drawn[2][:4] == drawn[3][:4]
    assert [sum(box is not None for box in row) - 1 for row in drawn] == [2, 2, 4, 4]


def test_loss_falls_by_the_rate_times_the_square_of_the_gradient() -> None:
    # 「勾配が正しければ、小さな ε での誤差の減り方は ε‖g‖² に近いはずです」
    # 「ε を小さくするほど、減り方が予想に近づきます」
    for seed in range(10):
        rng = np.random.default_rng(seed)
        network = init_network([3, 5, 2], activation="tanh", rng=rng)
        data = rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), "squared_error"
        E, g = loss_and_gradient(network, *data)
        misses = []
        for rate in (1e-2, 1e-3, 1e-4):
            moved = with_parameters(network, parameters(network) - rate * g)
            misses.append(abs((E - loss_and_gradient(moved, *data)[0]) / (rate * (g @ g)) - 1))
        assert misses[0] > misses[1] > misses[2]
        assert np.isclose(misses[1] / misses[2], 10, rtol=0.05)
        assert misses[2] < 1e-3


def test_deltas_shrink_layer_by_layer_where_the_slopes_are_small() -> None:
    # 「一層さかのぼるごとに W^⊤ と f' が掛かるので、…が続くと、δ は 0 に近づきます」
    for seed in range(5):
        rng = np.random.default_rng(seed)
        network = init_network([20] * 16, activation="sigmoid", initial="xavier", rng=rng)
        x, d = rng.normal(size=(8, 20)), rng.normal(size=(8, 20))
        sizes = [np.linalg.norm(g.delta) for g in backward(network, x, d, "squared_error")]
        assert all(a < 0.5 * b for a, b in pairwise(sizes))
        assert sizes[0] < 1e-7 * sizes[-1]


def test_picture_of_the_hand_calculation_shows_its_values_and_a_stopped_unit() -> None:
    # 「丸の中に順伝播の値、丸の下に逆伝播の δ」「三つ目の丸は値も δ も 0 です」（図の代替文）
    # 「三つ目のユニットには 4+1=5 が戻ってきますが…そこで止まります」
    texts = [t.get_text() for t in album.by_hand().axes[0].texts]
    x, d = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]])
    trace = forward_trace(figures._HAND, x)
    hidden, output = backward(figures._HAND, x, d, "squared_error")
    shown = [
        part
        for layer, gradient in zip(trace, (hidden, output), strict=True)
        for z, delta in zip(layer.z[0], gradient.delta[0], strict=True)
        for part in (f"{z:g}", rf"$\delta={delta:g}$")
    ]
    assert texts[2:12] == shown
    assert shown[4:6] == ["0", r"$\delta=0$"]
    assert (output.delta @ figures._HAND[1].W.T)[0, 2] == 5
    assert trace[0].u[0, 2] < 0


def test_direction_of_differentiation_to_take_follows_from_the_shape_of_the_function() -> None:
    # 「逆に、出力のほうが入力よりずっと多く、途中の計算の大部分をどの出力も使う関数では、
    # 前向きが有利です」
    # 「前向きの線の傾きは逆向きの線より 1 だけ急で、重みが 200 個で 200 倍の差になります」
    for inputs, outputs in ((1, 20), (2, 50), (20, 1), (50, 2)):
        x = [Node(0.1 * i) for i in range(inputs)]
        s = sum((v * v for v in x), Node(0.0))
        y = [s * float(k) for k in range(outputs)]
        forward, many = forward_mode(sum(y, Node(0.0)), x)
        each = [reverse_mode(v, x) for v in y]
        assert np.allclose(forward, np.sum([g for g, _ in each], axis=0))
        assert (many < sum(count for _, count in each)) == (outputs > inputs)
    # 出力どうしが計算を共有しなければ、出力が多くても逆向きが有利。
    a, b = Node(2.0), Node(3.0)
    alone = [a * float(k) + b for k in range(50)]
    backward_calls = sum(reverse_mode(y, [a, b])[1] for y in alone)
    assert (backward_calls, forward_mode(sum(alone), [a, b])[1]) == (200, 600)
    high, low = album.modes().axes[0].lines
    M, ratio = np.ravel(high.get_xdata()), np.divide(high.get_ydata(), low.get_ydata())
    assert np.array_equal(ratio, M)
    assert M[-1] == 200


def test_kept_values_grow_with_the_layers_and_with_the_samples() -> None:
    # 「残す量は層の数に比例し、サンプルの数にも比例します」
    rng = np.random.default_rng(0)
    kept = {}
    for L in (2, 4, 8):
        network = init_network([10] * (L + 1), activation="tanh", rng=rng)
        for N in (1, 16, 64):
            trace = forward_trace(network, rng.normal(size=(N, 10)))
            kept[L, N] = sum(layer.u.nbytes + layer.z.nbytes for layer in trace)
    assert all(size == kept[2, 1] * L // 2 * N for (L, N), size in kept.items())


def test_w1_learns_alone_and_hides_the_wrong_gradient_of_w2() -> None:
    # 「W⁽¹⁾ も更新すると、そちらだけで誤差が下がり、w⁽²⁾ の勾配の誤りが隠れてしまうからです」
    learned = {}
    for wrong, first in ((True, False), (True, True), (False, True)):
        rng = np.random.default_rng(1)
        W1, W2 = (rng.normal(size=(60, *s)) for s in ((2, 10), (1, 10)))
        for _ in range(1000):
            x = rng.random((60, 1, 2))
            z1 = relu(x @ W1)
            g1 = x.mT @ ((z1 @ W2.mT - x @ [[3.0], [2.0]]) * W2 * relu_derivative(z1))
            fine = np.abs(W2).max(axis=(1, 2), keepdims=True) < 1000
            W2 = W2 - 0.07 * wrong * fine * g1.sum(1, keepdims=True)
            W1 = W1 - 0.07 * first * g1
        x = rng.random((60, 300, 2))
        E = ((relu(x @ W1) @ W2.mT - x @ [[3.0], [2.0]]) ** 2 / 2).mean(axis=(1, 2))
        learned[wrong, first] = (E < 0.1).mean()
    assert learned[True, False] < 0.3
    assert learned[True, True] > 0.9
    assert learned[False, True] > 0.9


def test_slope_taken_at_the_output_never_comes_near_zero() -> None:
    # 「σ'(z) は σ'(0)=0.25 から σ'(1)≈0.197 までの値しか取りません。…0 に近づかないのです」
    # 「正しい値は山の形、誤った値はほぼ水平…u が 5 のとき 29.7 倍です」（図の代替文）
    wrong = sigmoid_derivative(sigmoid(np.linspace(-700, 700, 100_001)))
    assert wrong.max() <= 0.25
    assert wrong.min() >= sigmoid_derivative(1.0) > 0.196
    top, bottom = album.wrong_slope().axes
    u, hill = (np.ravel(v) for v in top.lines[0].get_data())
    flat = np.ravel(top.lines[1].get_ydata())
    assert u[hill.argmax()] == 0
    assert hill[[0, -1]].max() < 0.001 < 0.19 < flat.min()
    ratio = np.ravel(bottom.lines[0].get_ydata())
    assert np.allclose(ratio, flat / hill)
    assert round(float(np.interp(5, u, ratio)), 1) == 29.7


def test_wrong_direction_still_goes_down_for_one_sample() -> None:
    # 「二つの勾配の内積は … g≠0 なら正です」「学習率が小さければ、そのサンプルの誤差は下がります」
    for seed in range(50):
        network, x, d, right, wrong = _sigmoid_net(seed, 1)
        E = loss_and_gradient(network, x, d, "squared_error")[0]
        moved = with_parameters(network, parameters(network) - 1e-5 * wrong)
        assert right @ wrong > 0
        assert loss_and_gradient(moved, x, d, "squared_error")[0] < E
        u = forward_trace(network, x)[0].u[0]
        c = sigmoid_derivative(sigmoid(u)) / sigmoid_derivative(u)
        assert np.allclose(wrong[:30], right[:30] * np.tile(c, 3))
        assert np.array_equal(wrong[30:], right[30:])


def test_relu_slope_may_be_taken_at_the_output_and_the_others_may_not() -> None:
    # 「d_relu(z1) は、d_relu(u1) と同じ値になります」「tanh にはこの性質がありません」
    rng = np.random.default_rng(0)
    u = np.append(rng.normal(size=10_000) * 10 ** rng.uniform(-300, 3, size=10_000), [0.0, -0.0])
    assert np.array_equal(relu_derivative(relu(u)), relu_derivative(u))
    z = sigmoid(u)
    assert np.allclose(z * (1 - z), sigmoid_derivative(u), atol=1e-12)
    assert np.abs(sigmoid_derivative(z) - sigmoid_derivative(u)).max() > 0.19
    assert np.abs((1 - np.tanh(tanh(u)) ** 2) - (1 - tanh(u) ** 2)).max() > 0.4


def test_slope_of_another_function_leaves_ten_times_the_error() -> None:
    # 「ノートブックの書き方では、この中央値が数十倍になります」
    # 「そのユニットの値だけを正しい 0 に戻したもので、誤差は大きく減ります。残る差は…」
    slopes = (
        relu_derivative,
        lambda z1: sigmoid_derivative(z1) * (z1 > 0),
        sigmoid_derivative,
    )
    right, stopped, wrong = (np.median(_errors_with(f, 7)[-100:]) for f in slopes)
    assert 15 < wrong / right < 100
    assert 3 * right < stopped < wrong / 3


def test_training_figure_falls_on_for_one_line_and_slows_for_the_other() -> None:
    # 「正しい導関数の線は下がり続け、d_sigmoid(z1) の線は早くから下がり方が鈍ります」（図の代替文）
    lines = {name[:2]: part for name, (part,) in named(album.training()).items()}
    for name, slope in (("誤り", sigmoid_derivative), ("正し", relu_derivative)):
        middle = np.median(lines[name][1].reshape(5, -1), axis=1)
        fall = middle[1] / middle[-1]
        assert (np.diff(middle) < 0).all()
        assert (fall > 5) == (name == "正し"), fall
        # 「ノートブックと同じ設定で」ほかの乱数から学んだ 60 組の中央値とも、並ぶ。
        again = np.median(_errors_with(slope, 7).reshape(40, -1), axis=1)
        assert abs(np.log(lines[name][1] / again)).mean() < 0.6


def test_gradient_k_times_too_long_is_a_rate_k_times_too_large() -> None:
    # 「だけで割ると、出力が…個のとき…倍になります」
    # 「勾配降下法や Momentum では、学習率を K 倍にしたのと同じことになります」
    # 「割る数は、誤差と導関数で同じでなければなりません」
    x, d = linear_target(20, rng=np.random.default_rng(0))
    for K in (2, 5, 10):
        target = np.tile(d, K)
        for kind, same in ((SGD, True), (Momentum, True), (Adam, False)):
            ends = []
            for factor, rate in ((K, 0.01), (1, 0.01 * K)):
                theta, optimizer = np.zeros(2 * K), kind(rate)
                state = optimizer.init(theta)
                for _ in range(30):
                    y = x @ theta.reshape(2, K)
                    g = factor * x.T @ (y - target) / target.size
                    theta, state = optimizer.step(theta, g.ravel(), state)
                ends.append(theta)
            assert np.allclose(*ends) == same


def test_gradient_k_times_too_long_lowers_the_limit_of_the_rate_k_times() -> None:
    # 「発散しない学習率の上限は、正しい勾配を使うときの K 分の 1 になります」
    x, d = linear_target(20, rng=np.random.default_rng(0))
    curvature = np.linalg.eigvalsh(x.T @ x / 20).max()
    for K in (1, 3, 10):
        for divisor, limit in ((20 * K, 2 * K / curvature), (20, 2 / curvature)):
            for rate in (0.98 * limit, 1.02 * limit):
                W = np.zeros((2, K))
                for _ in range(1000):
                    W = W - rate * x.T @ (x @ W - np.tile(d, K)) / divisor
                assert (np.abs(W).max() > 100) == (rate > limit)


_LOSS = "squared_error"


def _relu_net(seed: int, n: int) -> tuple[tuple, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return init_network([2, 10, 1], rng=rng), rng.random((n, 2)), rng.normal(size=(n, 1))


def _gradient(network: tuple, x: np.ndarray, d: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """中間層に slope を掛けた勾配。"""
    z, delta = forward_trace(network, x)[0].z, (forward(network, x) - d) / len(x)
    delta1 = delta @ network[1].W.T * slope
    return np.concatenate(
        [g.ravel() for g in (x.T @ delta1, delta1.sum(0), z.T @ delta, sum(delta))]
    )


def test_sigmoid_slope_in_a_relu_net_goes_down_for_one_sample_and_is_wrong_for_u_too() -> None:
    # 「サンプルが 1 個なら、止まったユニットの正しい勾配は 0 で、内積に加わりません。」
    # 「働いているユニットでは正の数が掛かるだけなので、正しい勾配との内積は正のままです。」
    # 「こちらは、引数を u1 に直しても正しくなりません。」
    for seed in range(10):
        network, x, d = _relu_net(seed, 1)
        hidden, (E, right) = forward_trace(network, x)[0], loss_and_gradient(network, x, d, _LOSS)
        assert np.allclose(_gradient(network, x, d, relu_derivative(hidden.u)), right)
        for v in (hidden.z, hidden.u):
            g = _gradient(network, x, d, sigmoid_derivative(v))
            assert not right[:30][np.tile(hidden.u[0] <= 0, 3)].any()
            assert right[:30] @ g[:30] >= 0 < right @ g
            moved = with_parameters(network, parameters(network) - 1e-5 * g)
            assert loss_and_gradient(moved, x, d, _LOSS)[0] < E
            check = {"rng": np.random.default_rng(seed), "gradient": g}
            assert gradient_check(network, x, d, _LOSS, **check).relative_error > 0.05


def test_moving_a_unit_at_rest_leaves_this_answer_and_changes_the_others() -> None:
    # 「そのサンプルの出力に関わらないユニットを最も大きい値で動かし、
    # ほかのサンプルでの答えを乱しています。」
    changed = []
    for seed in range(20):
        network, x, d = _relu_net(seed, 200)
        u, z = forward_trace(network, x[:1])[0].u, forward_trace(network, x[:1])[0].z
        slope = sigmoid_derivative(z)
        assert (slope[u <= 0] == 0.25).all()
        assert (slope[u > 0] < 0.25).all()
        for factor, moves in ((slope, True), (relu_derivative(u), False)):
            g = _gradient(network, x[:1], d[:1], factor * (u <= 0))
            g[30:] = 0  # 止まったユニットの、前の重みとバイアスだけ
            moved = with_parameters(network, parameters(network) - 1e-4 * g)
            change = np.abs(forward(moved, x) - forward(network, x))[:, 0]
            assert change[0] == 0
            assert moves or not change.any()
            changed += [change.any()] * moves
    assert np.mean(changed) > 0.9


def test_wrong_gradient_of_w2_grows_without_a_limit_for_other_starts_too() -> None:
    # 「正しい勾配では一つも発散せず、ほとんどの組が学習できました。」
    # 「大部分の組で…が限りなく大きくなり」
    for right in (True, False):
        rng, sizes = np.random.default_rng(7), []
        W1, W2 = (rng.normal(size=(60, *s)) for s in ((2, 10), (1, 10)))
        with np.errstate(all="ignore"):
            for _ in range(1200):
                x = rng.random((60, 1, 2))
                z1 = relu(x @ W1)
                delta2 = z1 @ W2.mT - x @ [[3.0], [2.0]]
                wrong = (x.mT @ (delta2 * W2 * relu_derivative(z1))).sum(1, keepdims=True)
                W2 = W2 - 0.07 * (delta2 * z1 if right else wrong)
                sizes.append(np.abs(W2).max(axis=(1, 2)))
        past = ~(sizes[999] < 1000)
        assert (past.sum() == 0) if right else (past.mean() > 0.7)
        assert not (sizes[-1][past] < 1e5).any()  # 1,000 を超えた組は、もう戻らない


def test_sign_turns_only_when_the_factors_of_the_samples_differ() -> None:
    # 「誤りの倍率 c はサンプルごとに違うので、平均すると符号まで変わることがあります。」
    turned = {}
    for alike in (True, False):
        rng = np.random.default_rng(0)
        x, W1, W2, d = (rng.normal(size=(30_000, *s)) for s in ((2, 2), (2, 1), (1, 1), (2, 1)))
        x[:, 1] = x[:, 0] if alike else x[:, 1]
        z = sigmoid(5 * x @ W1)
        delta = (z @ W2 - 3 * d) / 2
        right, wrong = (x.mT @ (delta @ W2.mT * sigmoid_derivative(v)) for v in (5 * x @ W1, z))
        turned[alike] = (right * wrong).sum(axis=(1, 2)) + ((z.mT @ delta) ** 2).sum(axis=(1, 2))
    assert (turned[True] > 0).all()
    assert 0 < (turned[False] < 0).mean() < 0.1  # 変わることがある


def test_checkpoints_give_the_same_gradient_from_fewer_kept_values() -> None:
    # 「一部の層の値だけを残し、帰り道で順伝播をやり直して補う方法もあります」
    rng = np.random.default_rng(0)
    network = init_network([6] * 17, activation="tanh", rng=rng)
    x, d = rng.normal(size=(5, 6)), rng.normal(size=(5, 6))
    right, z = backward(network, x, d, _LOSS), [x, *(t.z for t in forward_trace(network, x))]
    for every in (2, 4, 8):
        kept, most = z[:-1:every], 0
        delta = (z[-1] - d) / 5
        for start in reversed(range(0, 16, every)):
            first = kept[start // every]
            again = forward_trace(network[start : start + every - 1], first)
            most = max(most, len(kept) + len(again))
            for n, before in reversed([*enumerate([first, *(t.z for t in again)], start)]):
                assert np.allclose(before.T @ delta, right[n].W)
                delta = delta @ network[n].W.T * (1 - before**2)
        assert most == 16 // every + every - 1 < len(z[:-1])  # 残さなければ 16 個


def test_band_of_the_training_figure_holds_half_of_the_errors_around_their_median(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 「線は、200 組の誤差を更新 25 回ごとにまとめた中央値で、
    # 帯は、200 組の誤差のうち真ん中の半分が入る範囲です。」
    E, asked = np.random.default_rng(0).lognormal(sigma=3, size=(1000, 200)), []
    monkeypatch.setattr(figures, "_training", lambda slope, seeds: asked.append(seeds) or E)
    (ax,) = figures.training().axes
    assert asked == [200, 200]
    for line, band in zip(ax.lines, ax.collections, strict=True):
        t, middle = (np.ravel(v) for v in line.get_data())
        edge = band.get_paths()[0].vertices
        for k, part in enumerate(E.reshape(40, 25, 200)):
            assert 25 * k < t[k] < 25 * (k + 1)
            low, *_, high = np.unique(edge[edge[:, 0] == t[k], 1])
            shares = [(part < v).mean() for v in (low, middle[k], high)]
            assert np.allclose(shares, [0.25, 0.5, 0.75], atol=0.001)


def test_slope_of_the_output_layer_completes_any_pair_and_the_mean_is_taken_once() -> None:
    # 「要素ごとの活性化関数なら、ほかの組でも…に…を掛ければ求まります。」
    # 「出力層の…を一度だけ…で割ります」「もう割る必要はありません。」
    rng = np.random.default_rng(0)
    for name, f, slope in (
        ("sigmoid", sigmoid, sigmoid_derivative),
        ("tanh", tanh, tanh_derivative),
        ("relu", relu, relu_derivative),
    ):
        network = init_network([3, 4, 2], activation="tanh", output_activation=name, rng=rng)
        x, d = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
        u = forward_trace(network, x)[-1].u
        delta = (f(u) - d) * slope(u)
        whole = backward(network, x, d, _LOSS)
        assert np.allclose(whole[1].delta, delta / 5)
        each = [backward(network, x[[n]], d[[n]], _LOSS) for n in range(5)]
        for layer, parts in zip(whole, zip(*each, strict=True), strict=True):
            assert np.allclose(layer.W, sum(p.W for p in parts) / 5)
            assert np.allclose(layer.b, sum(p.b for p in parts) / 5)
        E = loss_and_gradient(network, x, d, _LOSS)[0]
        assert np.isclose(squared_error(f(u), d).mean(), E)


# 計算グラフの、部品から入力へ戻る矢印と、そこで掛ける局所微分。
LOCAL = {("誤差", "y"): "y-d", ("E", "誤差"): "1"}
for _n, _x in ((1, "x"), (2, "z")):
    LOCAL |= {("dot", _x): f"W^{{({_n})}}", ("dot", f"W^{{({_n})}}"): _x}
    LOCAL |= {("+", "dot"): "1", ("+", f"b^{{({_n})}}"): "1"}
    LOCAL[f"f^{{({_n})}}", f"u^{{({_n})}}"] = rf"f\,\prime(u^{{({_n})}})"


def test_every_arrow_goes_its_way_and_carries_the_local_derivative_of_its_part() -> None:
    # 「x から E への矢印が計算、逆向きのオレンジ色の矢印が微分で、部品の入力へ戻る矢印に、
    # 掛ける局所微分が書いてあります。」
    (ax,) = album.graph().axes
    notes = [t for t in ax.texts if isinstance(t, Annotation)]
    ends = {}
    for colour, way, word in ((INK, 1, "計算の向き"), (RED, -1, "微分の向き")):
        here = np.array([(a.xyann, a.xy) for a in notes if a.arrowprops["color"] == colour])
        right, up = (way * (here[:, 1] - here[:, 0])).T
        assert ((right > 0.5) | (up < -0.5)).all()
        assert written(ax)[word][1] == here[-1, 0, 1]
        ends[colour] = here
    names = {t.get_position(): t.get_text().strip("$") for t in ax.texts if t.get_color() == INK}
    names = {place: name for place, name in names.items() if name}
    found = {}
    for t in (t for t in ax.texts if t.get_color() == RED and t.get_text()[-1:] in ("$", "1")):
        middle = ends[RED].mean(axis=1) - t.get_position()
        arrow = ends[RED][np.linalg.norm(middle, axis=1).argmin()]
        near = [min(names, key=lambda place, e=e: math.dist(place, e)) for e in arrow]
        found[tuple(names[place] for place in near)] = t.get_text().strip("$")
    assert found == LOCAL
    deltas = [rf"$\delta^{{({n})}}=\partial E/\partial u^{{({n})}}$" for n in (1, 2)]
    assert [text for text in written(ax) if "delta" in text] == deltas


def test_factors_of_every_row_cancel_to_the_gradient_and_delta_covers_its_own() -> None:
    # 「左の二つの箱はどの行も同じで、左の四つの箱は下の二行で同じです。」
    (ax,) = album.shared_factors().axes
    for y in (3.3, 2.2, 1.1, 0.0):
        row = sorted(
            (t for t in ax.texts if t.get_position()[1] == y), key=lambda t: t.get_position()[0]
        )
        halves = [re.findall(r"\\partial ([^{}]+(?:\{[^{}]*\})?)\}", t.get_text()) for t in row]
        (E, name), *factors = halves
        assert (E, name) == (factors[0][0], factors[-1][1])
        assert all(a[1] == b[0] for a, b in pairwise(factors))
    for line, n in zip(ax.lines, (2, 1), strict=True):
        (text,) = [t for t in ax.texts if t.get_text() == rf"$\delta^{{({n})}}$"]
        assert text.get_color() == line.get_color()
        assert abs(text.get_position()[1] - line.get_ydata()[1]) < 0.5
        (last,) = [t for t in row if abs(t.get_position()[0] + 0.45 - line.get_xdata()[-1]) < 0.1][
            :1
        ]
        assert last.get_text().endswith(rf"{{\partial u^{{({n})}}}}$")


def test_hand_calculation_has_its_answers_names_and_every_line() -> None:
    # 「丸の中に順伝播の値、丸の下に逆伝播の δ が書いてあり」
    (ax,) = album.by_hand().axes
    at = {tuple(np.round(t.get_position(), 3)): t.get_text() for t in ax.texts}
    for (_, y), text in at.items():
        if text.startswith("$d="):
            value, delta = float(at[5.2, y]), float(at[5.2, round(y - 0.7, 3)][8:-1])
            assert float(text[3:-1]) == value - delta
    assert [at[x, 3.1] for x in (0, 2.6, 5.2)] == ["入力 $x$", "中間層 $z$", "出力 $y$"]
    ends = {(*np.round(line.get_ydata(), 3), line.get_xdata()[0] > 2) for line in ax.lines}
    assert len(ends) == len(ax.lines) == 2 * 3 + 3 * 2


def test_right_and_wrong_are_named_as_they_were_computed() -> None:
    # 「正しい値は山の形、誤った値はほぼ水平です。下はその比で、u が 5 のとき 29.7 倍です。」
    top, bottom = album.wrong_slope().axes
    lines = named(top)
    (right,), (wrong,) = lines[r"正しい $\sigma\prime(u)$"], lines[r"誤り $\sigma\prime(z)$"]
    np.testing.assert_allclose(right[1], sigmoid_derivative(right[0]))
    np.testing.assert_allclose(wrong[1], sigmoid_derivative(sigmoid(wrong[0])))
    (text,), mark = written(bottom), points_of(bottom.lines[1])[:, 0]
    assert (mark[0], text) == (5, f"{mark[1]:.1f} 倍")
    assert math.isclose(mark[1], np.interp(5, *points_of(bottom.lines[0])), rel_tol=1e-3)
    assert (bottom.get_ylabel(), bottom.get_yscale()) == ("誤り ÷ 正しい", "log")
    # 「上の 1 個のサンプルでは、二つの線とも下がります。下の 2 個のバッチでは、
    # 正しい線は下がり、誤った線は上がります。」
    drawing = album.directions()
    assert [ax.get_title()[0] for ax in drawing.axes] == ["1", "2"]
    signs = {n[:2]: [set(np.sign(np.diff(E))) for _, E in v] for n, v in named(drawing).items()}
    assert signs == {"正し": [{-1}, {-1}], "誤り": [{-1}, {1}]}


def test_both_modes_and_both_slopes_of_the_training_have_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 「前向きの線の傾きは逆向きの線より 1 だけ急で」
    ways = {name[:3]: part for name, (part,) in named(figures.modes()).items()}
    assert (ways["前向き"][1] > ways["逆向き"][1]).all()
    # 「正しい導関数の線は」「d_sigmoid(z1) の線は」
    told = {1.0: "正しい d_relu(z1)", float(sigmoid_derivative(3.0)): "誤り d_sigmoid(z1)"}
    monkeypatch.setattr(figures, "_training", lambda f, n: np.full((1000, n), f(np.array(3.0))))
    lines = named(figures.training())
    assert {lines[name][0][1, 0]: name for name in lines} == told


def test_local_derivatives_are_one_for_a_sum_and_the_other_factor_for_a_product() -> None:
    # 「どちらの側で微分しても 1 です」「z で微分すると相手の W、W で微分すると相手の z です」
    # 「一本の道でつながっていれば、道に沿って局所微分を掛けます」
    # 「道が何本もあれば、道ごとの積を足します」
    rng = np.random.default_rng(0)
    for z, W, b in rng.normal(size=(20, 3)):
        a, c, e = Node(z), Node(W), Node(b)
        assert [slope for _, slope in (a + c).edges] == [1, 1]
        assert [(node is a, slope) for node, slope in (a * c).edges] == [(True, W), (False, z)]
        way = a * c * e
        np.testing.assert_allclose(reverse_mode(way, [a])[0], [W * b])
        two = a * c + a * e * a
        np.testing.assert_allclose(reverse_mode(two, [a])[0], [W + 2 * z * b])
        np.testing.assert_allclose(forward_mode(two, [a])[0], [W + 2 * z * b])


def test_delta_goes_back_through_the_transposed_weights_and_takes_the_slope_at_u() -> None:
    # 「W^⊤ を掛けて戻し、f'(u) を掛けます」「f' に入れるのは総入力 u で、出力 z ではありません」
    # 「和の番号 k が W では列なので、行列で書くと転置が付きます」
    # 「は中で sigmoid を計算するので、引数は総入力です」
    # 「を入れると、シグモイド関数を二回通したことになります」
    for seed in range(5):
        rng = np.random.default_rng(seed)
        net = init_network([2, 3, 3], activation="sigmoid", initial=1.0, rng=rng)
        x, d = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
        hidden, last = backward(net, x, d, "squared_error")
        u, z = (getattr(forward_trace(net, x)[0], name) for name in "uz")
        for W, at, right in ((net[1].W.T, u, True), (net[1].W, u, False), (net[1].W.T, z, False)):
            back = last.delta @ W * sigmoid_derivative(at)
            assert np.allclose(back, hidden.delta) == right
        np.testing.assert_allclose(sigmoid_derivative(u), z * (1 - z))
        np.testing.assert_allclose(
            sigmoid_derivative(z), sigmoid(sigmoid(u)) * (1 - sigmoid(sigmoid(u)))
        )


def test_gradient_of_the_weights_has_the_inputs_down_and_the_deltas_across() -> None:
    # 「z_i を縦に、δ_j を横に並べた掛け算の表になります」
    # 「ある変数についての勾配は、その変数と同じ形でなければなりません」
    # 「サンプルが複数あれば、道は、どのサンプルを通るかでも分かれるので、n について足します」
    # 「バッチの勾配は、サンプルごとの勾配の平均です」
    rng = np.random.default_rng(0)
    net = init_network([3, 4, 2], activation="tanh", rng=rng)
    x, d = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    trace, parts = forward_trace(net, x), backward(net, x, d, "squared_error")
    for before, part, layer in zip((x, trace[0].z), parts, net, strict=True):
        table = np.sum(
            [np.outer(z, delta) for z, delta in zip(before, part.delta, strict=True)], axis=0
        )
        np.testing.assert_allclose(part.W, table)
        assert (part.W.shape, part.b.shape) == (layer.W.shape, layer.b.shape)
        np.testing.assert_allclose(part.b, part.delta.sum(axis=0))
    pairs = zip(x[:, np.newaxis], d[:, np.newaxis], strict=True)
    single = [loss_and_gradient(net, *pair, "squared_error")[1] for pair in pairs]
    whole = loss_and_gradient(net, x, d, "squared_error")[1]
    np.testing.assert_allclose(whole, np.mean(single, axis=0), atol=1e-12)


def test_forward_mode_carries_one_input_and_reverse_mode_one_output() -> None:
    # 「を入力から出力へ運びます」「を出力から入力へ運びます」
    # 「前向きの一回でわかるのは、一つの入力による、すべての値の微分です」
    # 「逆向きの一回でわかるのは、一つの出力の、すべての値による微分です」
    # 「前向きは入力ごとに 1 回なので 2 回、逆向きは出力ごとに 1 回なので 50 回たどります」
    rng = np.random.default_rng(0)
    for n_in, n_out in ((2, 50), (50, 2), (1, 1)):
        x, W = [Node(v) for v in rng.normal(size=n_in)], rng.normal(size=(n_in, n_out))
        hidden = apply(np.tanh, lambda u: 1 - np.tanh(u) ** 2, sum(x[1:], x[0]))
        slope = 1 - hidden.value**2
        outputs = [hidden * W[0, j] for j in range(n_out)]
        for one in x:  # 入力一つにつき一回で、どの出力の微分も出る
            found = [forward_mode(y, [one])[0][0] for y in outputs]
            np.testing.assert_allclose(found, slope * W[0])
        for j, y in enumerate(outputs):  # 出力一つにつき一回で、どの入力の微分も出る
            np.testing.assert_allclose(reverse_mode(y, x)[0], slope * W[0, j])
        total = sum(outputs[1:], outputs[0])
        once_through = reverse_mode(total, x[:1])[1]
        assert reverse_mode(total, x)[1] == once_through  # 入力の数によらず、一回分
        assert forward_mode(total, x)[1] == n_in * once_through


def test_wrong_gradient_may_learn_but_never_passes_the_check() -> None:
    # 「逆伝播に誤りがあっても、プログラムは止まらず、配列の形も合い、学習まで進むことがあります」
    # 「学習が進んだことは、勾配が正しい証拠になりません」
    # 「実装は勾配検査で確かめます」
    rng = np.random.default_rng(0)
    net = init_network([2, 6, 1], activation="sigmoid", initial=1.0, rng=rng)
    x, d = rng.random((8, 2)), rng.random((8, 1))

    def wrong(theta: np.ndarray) -> np.ndarray:
        return figures._wrong_gradient(with_parameters(net, theta), x, d)

    theta, errors = parameters(net), []
    for _ in range(200):
        now = with_parameters(net, theta)
        errors.append(loss_and_gradient(now, x, d, "squared_error")[0])
        theta = theta - 0.1 * wrong(theta)
    assert wrong(theta).shape == theta.shape
    assert errors[-1] < errors[0] / 2
    for given, right in ((None, True), (wrong(parameters(net)), False)):
        check = gradient_check(net, x, d, "squared_error", rng=rng, gradient=given)
        assert (check.relative_error < 1e-6) == right
    assert check.worst.startswith("層 1")


def test_every_edge_is_multiplied_once_and_every_source_comes_before_its_result() -> None:
    # 「計算に使った節がその結果より必ず先になる順で、節を並べます」「掛け算は辺ごとに 1 回です」
    # 「同じグラフなら、微分を求める入力を増やしても、回数は増えません」
    # 「掛け算は、入力が M 個なら逆向きの M 倍です」
    rng = np.random.default_rng(0)
    for _ in range(20):
        nodes = [Node(v) for v in rng.normal(size=4)]
        for _ in range(15):
            a, b = rng.choice(len(nodes), size=2)
            nodes.append(nodes[a] * nodes[b] if rng.random() < 0.5 else nodes[a] - nodes[b])
        y, order = nodes[-1], autodiff._sources_first(nodes[-1])
        place = {v: i for i, v in enumerate(order)}
        assert all(place[source] < place[v] for v in order for source, _ in v.edges)
        edges = sum(len(v.edges) for v in order)
        for M in (1, 2, 4):
            forward, many = forward_mode(y, nodes[:M])
            reverse, few = reverse_mode(y, nodes[:M])
            assert (few, many) == (edges, M * edges)
            assert np.allclose(forward, reverse)


def test_check_takes_eight_directions_of_length_one_for_each_parameter_in_float64(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 「層とパラメータごとに、乱数で選んだ長さ 1 の向き 8 本への微分を数値微分と比べます」
    # 「計算は float64 で行います」「折れ目のある関数では、折れ目をまたいだときにも食い違います」
    taken = []
    spy = lambda f, theta, v: taken.append(v) or directional_derivative(f, theta, v)  # noqa: E731
    monkeypatch.setattr(backprop, "directional_derivative", spy)
    rng = np.random.default_rng(0)
    net = init_network([3, 4, 2], activation="tanh", rng=rng, dtype=np.float32)
    x, d = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    assert gradient_check(net, x, d, "squared_error", rng=rng).relative_error < 1e-7
    assert np.allclose(np.linalg.norm(taken, axis=1), 1)
    assert {v.dtype for v in taken} == {np.dtype(np.float64)}
    blocks = np.split(np.array(taken), 4)  # 層 1 の W と b、層 2 の W と b
    sizes = [len(np.flatnonzero(block.any(axis=0))) for block in blocks]
    assert ([len(block) for block in blocks], sizes) == ([8] * 4, [12, 4, 8, 2])
    kink = (Layer([[1.0]], [0.0], "relu"), Layer([[1.0]], [1.0], "identity"))
    assert gradient_check(kink, [[0.0]], [[0.0]], "squared_error", rng=rng).relative_error > 0.1


def test_delta_of_the_output_has_the_samples_in_it_already() -> None:
    # 「平均の 1/N を含みます」「誤差はサンプルについて平均しています」
    # 「出力層と誤差関数が組になるとき、出力層の δ は δ=(y−d)/N です」
    # 「ソフトマックス関数と交差エントロピーなど、DL005 の三つの組でも同じ形になります」
    # 「その導関数は (y−d)/N です」
    pairs = {"identity": "squared_error", "softmax": "cross_entropy"}
    functions = {"identity": lambda u: u, "softmax": softmax, "sigmoid": sigmoid}
    for name, loss in (pairs | {"sigmoid": "binary_cross_entropy"}).items():
        for N in (1, 3, 8):
            rng = np.random.default_rng(N)
            net = init_network([3, 5, 4], output_activation=name, rng=rng)
            x, d = rng.normal(size=(N, 3)), np.eye(4)[rng.integers(4, size=N)]
            y = functions[name](forward_trace(net, x)[-1].u)
            layers = backward(net, x, d, loss)
            np.testing.assert_allclose(layers[-1].delta, (y - d) / N, atol=1e-12)
            each = [backward(net, x[n : n + 1], d[n : n + 1], loss) for n in range(N)]
            for i, layer in enumerate(layers):
                np.testing.assert_allclose(
                    layer.W, np.mean([e[i].W for e in each], axis=0), atol=1e-12
                )
