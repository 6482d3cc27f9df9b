"""DL010 誤差逆伝播法の図。"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from dlnotes.activations import (
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    tanh,
    tanh_derivative,
)
from dlnotes.arrays import Array
from dlnotes.autodiff import Node, apply, forward_mode, reverse_mode
from dlnotes.backprop import backward, loss_and_gradient
from dlnotes.datasets import linear_target
from dlnotes.figures import _style
from dlnotes.figures._style import BLUE, GREEN, INK, PURPLE, RED
from dlnotes.network import Layer, Network, forward_trace, parameters, with_parameters

__all__ = ["by_hand", "directions", "graph", "modes", "shared_factors", "training", "wrong_slope"]

_CENTRE: dict[str, Any] = {"ha": "center", "va": "center"}
_HAND: Network = (
    Layer(np.array([[1.0, 0.0, -1.0], [1.0, 1.0, -1.0]]), np.array([-1.0, 1.0, 1.0]), "relu"),
    Layer(np.array([[1.0, -1.0], [-1.0, 1.0], [2.0, 1.0]]), np.array([4.0, 0.0]), "identity"),
)


def _canvas(height: float) -> tuple[Figure, Axes]:
    drawing, (ax,) = _style.figure(height=height)
    ax.axis("off")
    return drawing, ax


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    style = {"arrowstyle": "-|>", "color": color, "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style)


def _value(ax: Axes, x: float, y: float, text: str) -> None:
    ax.add_patch(Circle((x, y), 0.36, fill=False, lw=1.6, ec=INK))
    ax.text(x, y, text, fontsize=13, **_CENTRE)


def _operation(ax: Axes, x: float, y: float, text: str) -> None:
    box = FancyBboxPatch((x - 0.3, y - 0.3), 0.6, 0.6, boxstyle="round,pad=0.06", fill=False)
    ax.add_patch(box)
    ax.text(x, y, text, **_CENTRE)


def _step(ax: Axes, x: float, y: float, local: str) -> None:
    """右どなりへの計算の矢印と、戻るときに掛ける局所微分。"""
    _arrow(ax, (x + 0.4, y + 0.12), (x + 0.98, y + 0.12), INK)
    _arrow(ax, (x + 0.98, y - 0.12), (x + 0.4, y - 0.12), RED)
    ax.text(x + 0.69, y - 0.55, local, color=RED, fontsize=12, **_CENTRE)


def _parameter(ax: Axes, x: float, y: float, text: str, local: str) -> None:
    """上から計算に入るパラメータ。"""
    ax.text(x, y + 1.3, text, fontsize=13, **_CENTRE)
    _arrow(ax, (x - 0.12, y + 1.05), (x - 0.12, y + 0.38), INK)
    _arrow(ax, (x + 0.12, y + 0.38), (x + 0.12, y + 1.05), RED)
    ax.text(x + 0.22, y + 0.72, local, color=RED, fontsize=12, ha="left", va="center")


def graph() -> Figure:
    """計算グラフ。黒い矢印が計算の向き、オレンジ色の矢印と文字が、戻るときに掛ける局所微分。"""
    drawing, ax = _canvas(5.0)
    gap = 1.38
    for layer, (left, right, y) in enumerate((("x", "z", 5.6), ("z", "y", 2.8)), start=1):
        for place, text in ((0, f"${left}$"), (3, f"$u^{{({layer})}}$"), (5, f"${right}$")):
            _value(ax, place * gap, y, text)
        for place, text in ((1, "dot"), (2, "+"), (4, f"$f^{{({layer})}}$")):
            _operation(ax, place * gap, y, text)
        slope = rf"$f\,\prime(u^{{({layer})}})$"
        for place, text in enumerate((f"$W^{{({layer})}}$", "1", "", slope, "")):
            _step(ax, place * gap, y, text)
        _parameter(ax, gap, y, f"$W^{{({layer})}}$", f"${left}$")
        _parameter(ax, 2 * gap, y, f"$b^{{({layer})}}$", "1")
        text = rf"$\delta^{{({layer})}}=\partial E/\partial u^{{({layer})}}$"
        ax.text(3.3 * gap, y + 0.8, text, color=GREEN, fontsize=12, **_CENTRE)
    _value(ax, 0, 0, "$y$")
    _operation(ax, gap, 0, "誤差")
    _value(ax, 2 * gap, 0, "$E$")
    _step(ax, 0, 0, "$y-d$")
    _step(ax, gap, 0, "1")
    ax.text(gap, 1.3, "$d$", fontsize=13, **_CENTRE)
    _arrow(ax, (gap, 1.05), (gap, 0.38), INK)
    _arrow(ax, (3.1 * gap, 0.35), (3.7 * gap, 0.35), INK)
    ax.text(3.85 * gap, 0.35, "計算の向き", ha="left", va="center")
    _arrow(ax, (3.7 * gap, -0.35), (3.1 * gap, -0.35), RED)
    ax.text(3.85 * gap, -0.35, "微分の向き", color=RED, ha="left", va="center")
    ax.set(xlim=(-0.5, 5 * gap + 0.5), ylim=(-0.8, 7.15), aspect="equal")
    return drawing


def shared_factors() -> Figure:
    """誤差に近い側から掛けると、四つの勾配の因数の大部分が共通になる。"""
    drawing, ax = _canvas(3.9)
    near = [r"$\dfrac{\partial E}{\partial y}$", r"$\dfrac{\partial y}{\partial u^{(2)}}$"]
    far = [r"$\dfrac{\partial u^{(2)}}{\partial z}$", r"$\dfrac{\partial z}{\partial u^{(1)}}$"]
    rows = [("b^{(2)}", near, "2"), ("W^{(2)}", near, "2"), ("b^{(1)}", near + far, "1")]
    rows.append(("W^{(1)}", near + far, "1"))
    for y, (name, shared, layer) in zip((3.3, 2.2, 1.1, 0.0), rows, strict=True):
        ax.text(
            -0.55,
            y,
            rf"$\dfrac{{\partial E}}{{\partial {name}}}=$",
            fontsize=12,
            ha="right",
            va="center",
        )
        last = rf"$\dfrac{{\partial u^{{({layer})}}}}{{\partial {name}}}$"
        for x, text in enumerate([*shared, last]):
            color = BLUE if x < 2 else GREEN if x < len(shared) else INK
            _factor(ax, x, y, text, color)
    ax.plot([-0.45, -0.45, 1.45, 1.45], [4.0, 4.1, 4.1, 4.0], "-", color=BLUE, lw=1.3)
    ax.text(0.5, 4.4, r"$\delta^{(2)}$", color=BLUE, **_CENTRE)
    ax.plot([-0.45, -0.45, 3.45, 3.45], [-0.7, -0.8, -0.8, -0.7], "-", color=GREEN, lw=1.3)
    ax.text(1.5, -1.1, r"$\delta^{(1)}$", color=GREEN, **_CENTRE)
    ax.set(xlim=(-1.4, 4.5), ylim=(-1.4, 4.7))
    return drawing


def _factor(ax: Axes, x: float, y: float, text: str, color: str) -> None:
    box = FancyBboxPatch((x - 0.4, y - 0.42), 0.8, 0.84, boxstyle="round,pad=0.02", fill=False)
    box.set(edgecolor=color, linewidth=1.3)
    ax.add_patch(box)
    ax.text(x, y, text, color=color, fontsize=12, **_CENTRE)


def by_hand() -> Figure:
    """手計算の例。丸の中が順伝播の値、その下のオレンジ色の数が逆伝播の δ。"""
    drawing, ax = _canvas(3.7)
    x, d = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]])
    columns = [x[0], *(layer.z[0] for layer in forward_trace(_HAND, x))]
    deltas = [(), *(layer.delta[0] for layer in backward(_HAND, x, d, "squared_error"))]
    heights = [_heights(len(column)) for column in columns]
    for left, layer in enumerate(_HAND):
        for i, j in np.ndindex(layer.W.shape):
            ends = (heights[left][i], heights[left + 1][j])
            ax.plot([2.6 * left + 0.42, 2.6 * left + 2.18], ends, "-", color=INK, lw=1)
    for place, (values, column, delta) in enumerate(zip(columns, heights, deltas, strict=True)):
        for j, (value, y) in enumerate(zip(values, column, strict=True)):
            ax.add_patch(Circle((2.6 * place, y), 0.42, fill=False, lw=1.6, ec=BLUE))
            ax.text(2.6 * place, y, f"{value:g}", color=BLUE, **_CENTRE)
            if len(delta):
                ax.text(2.6 * place, y - 0.7, rf"$\delta={delta[j]:g}$", color=RED, **_CENTRE)
    for place, text in enumerate(("入力 $x$", "中間層 $z$", "出力 $y$")):
        ax.text(2.6 * place, 3.1, text, **_CENTRE)
    for y, target in zip(heights[-1], d[0], strict=True):
        ax.text(5.8, y, f"$d={target:g}$", ha="left", va="center")
    ax.set(xlim=(-0.6, 6.9), ylim=(-2.9, 3.4), aspect="equal")
    return drawing


def _heights(count: int) -> Array:
    return 1.75 * ((count - 1) / 2 - np.arange(count))


def _tanh_slope(u: float) -> float:
    return float(tanh_derivative(u))


def _multiplications(hidden: int) -> tuple[int, int]:
    W1, W2 = [Node(0.1 * j) for j in range(hidden)], [Node(0.5) for _ in range(hidden)]
    z = [apply(lambda u: float(tanh(u)), _tanh_slope, w * 0.5) for w in W1]
    y = sum((a * w for a, w in zip(z, W2, strict=True)), Node(0.0))
    E = (y - 1.0) * (y - 1.0) * 0.5
    return reverse_mode(E, W1 + W2)[1], forward_mode(E, W1 + W2)[1]


def modes() -> Figure:
    """重みの数に対する掛け算の回数。前向きは二乗で、逆向きは比例で増える。"""
    drawing, (ax,) = _style.figure()
    hidden = (1, 2, 5, 10, 20, 50, 100)
    reverse, forward = zip(*(_multiplications(H) for H in hidden), strict=True)
    weights = [2 * H for H in hidden]
    ax.loglog(weights, forward, "o-", color=RED, label="前向き（入力から）")
    ax.loglog(weights, reverse, "s--", color=BLUE, label="逆向き（誤差から）")
    ax.set(xlabel="重みの数 $M$", ylabel="局所微分を掛けた回数", ylim=(8, 1e6))
    ax.set_xticks([2, 10, 100], ["2", "10", "100"])
    ax.legend(loc="upper left")
    return drawing


def wrong_slope() -> Figure:
    """上は導関数に u を入れた値と z を入れた値、下はその比。z を入れると 0 に近づかない。"""
    drawing, (top, bottom) = _style.figure(2, height=4.9, sharex=True)
    u = np.linspace(-8, 8, 321)
    right, wrong = sigmoid_derivative(u), sigmoid_derivative(sigmoid(u))
    top.plot(u, right, "-", color=BLUE, label=r"正しい $\sigma\prime(u)$")
    top.plot(u, wrong, "--", color=RED, label=r"誤り $\sigma\prime(z)$")
    top.set(ylabel="掛ける値", ylim=(0, 0.36))
    top.legend(loc="upper center", ncols=2)
    bottom.semilogy(u, wrong / right, "-", color=PURPLE)
    here = 5.0
    ratio = float(sigmoid_derivative(sigmoid(here)) / sigmoid_derivative(here))
    bottom.plot(here, ratio, "o", color=INK)
    bottom.annotate(
        f"{ratio:.1f} 倍", (here, ratio), (-8, 4), textcoords="offset points", ha="right"
    )
    bottom.set(xlabel="総入力 $u$", ylabel="誤り ÷ 正しい", ylim=(0.5, 1000))
    return drawing


def _wrong_gradient(network: Network, x: Array, d: Array) -> Array:
    """中間層の導関数に、総入力ではなく出力 z を入れた勾配。"""
    output = backward(network, x, d, "squared_error")[1]
    z = forward_trace(network, x)[0].z
    delta = output.delta @ network[1].W.T * sigmoid_derivative(z)
    return np.concatenate([(x.T @ delta).ravel(), delta.sum(axis=0), output.W.ravel(), output.b])


def directions() -> Figure:
    """勾配の逆向きに進んだときの誤差。一個では両方とも下がり、二個では誤った勾配だけが上がる。"""
    drawing, axes = _style.figure(2, height=4.9, sharex=True)
    network = (
        Layer(np.array([[5.0]]), np.array([-5.0]), "sigmoid"),
        Layer(np.array([[10.0]]), np.array([0.0]), "identity"),
    )
    x, d = np.array([[1.0], [2.0]]), np.array([[4.0], [12.0]])
    theta, steps = parameters(network), np.linspace(0, 0.06, 61)
    for ax, n, title in zip(axes, (1, 2), ("1 個目だけ", "2 個のバッチ"), strict=True):
        right = loss_and_gradient(network, x[:n], d[:n], "squared_error")[1]
        wrong = _wrong_gradient(network, x[:n], d[:n])
        for g, style, color, label in (
            (right, "-", BLUE, r"正しい $\sigma\prime(u)$"),
            (wrong, "--", RED, r"誤り $\sigma\prime(z)$"),
        ):
            E = [
                loss_and_gradient(
                    with_parameters(network, theta - s * g), x[:n], d[:n], "squared_error"
                )[0]
                for s in steps
            ]
            ax.plot(steps, E, style, color=color, label=label)
        ax.set(ylabel="誤差 $E$", title=title)
    axes[1].set(xlabel="進む幅（学習率 $\\varepsilon$）")
    axes[0].legend(loc="upper right")
    return drawing


def _training(slope: Callable[[Array], Array], seeds: int) -> Array:
    """ReLU のネットワークを、中間層に掛ける関数 slope で学習したときの、毎回の誤差。"""
    rng = np.random.default_rng(0)
    W1, b1, W2, b2 = (rng.normal(size=(seeds, *s)) for s in ((2, 10), (1, 10), (10, 1), (1, 1)))
    x, d = linear_target(1000 * seeds, rng=rng)
    x, d, errors = x.reshape(1000, seeds, 1, 2), d.reshape(1000, seeds, 1, 1), []
    for x_t, d_t in zip(x, d, strict=True):
        z1 = relu(x_t @ W1 + b1)
        delta2 = z1 @ W2 + b2 - d_t
        delta1 = delta2 @ W2.mT * slope(z1)
        W1, b1 = W1 - 0.07 * x_t.mT @ delta1, b1 - 0.07 * delta1
        W2, b2 = W2 - 0.07 * z1.mT @ delta2, b2 - 0.07 * delta2
        errors.append((delta2**2 / 2).ravel())
    return np.array(errors)


def training() -> Figure:
    """乱数の種 200 個の誤差の中央値と、真ん中の半分。誤った導関数では、下がり方がずっと遅い。"""
    drawing, (ax,) = _style.figure(height=3.6)
    for name, slope, style, color in (
        ("誤り d_sigmoid(z1)", sigmoid_derivative, "--", RED),
        ("正しい d_relu(z1)", relu_derivative, "-", BLUE),
    ):
        E = _training(slope, 200).reshape(40, -1)
        t = 25 * np.arange(40) + 12.5
        low, middle, high = np.quantile(E, [0.25, 0.5, 0.75], axis=1)
        ax.semilogy(t, middle, style, color=color, label=name)
        ax.fill_between(t, low, high, color=color, alpha=0.15, lw=0)
    ax.set(xlabel="更新の回数", ylabel="誤差 $E$", xlim=(0, 1000))
    ax.legend(loc="upper right")
    return drawing
