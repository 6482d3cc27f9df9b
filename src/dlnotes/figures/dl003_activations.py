"""DL003 活性化関数の図。"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.activations import (
    gelu,
    gelu_derivative,
    leaky_relu,
    leaky_relu_derivative,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    step,
    step_derivative,
    tanh,
    tanh_derivative,
)
from dlnotes.arrays import Array
from dlnotes.backprop import backward
from dlnotes.datasets import xor
from dlnotes.figures import _style
from dlnotes.figures._style import BLUE, INK, RED
from dlnotes.network import Layer, forward_trace, init_network

__all__ = [
    "additivity",
    "relu_and_derivative",
    "sigmoid_and_derivative",
    "step_and_derivative",
    "three_more",
    "vanishing_gradient",
    "xor_by_two_layers",
]

Function = Callable[[Array], Array]


def additivity() -> Figure:
    """f(u)+f(v) と f(u+v) の比較。線形な関数では重なり、アフィンと ReLU では離れる。"""
    drawing, axes = _style.figure(1, 3, height=3.3, sharey=True)
    functions: Mapping[str, Function] = {
        "線形\n$2u$": lambda u: 2 * u,
        "アフィン\n$2u+1$": lambda u: 2 * u + 1,
        "非線形\nReLU": relu,
    }
    u = np.linspace(-2, 2.5, 451)
    a, b = np.array(-1.0), np.array(2.0)
    for ax, (title, f) in zip(axes, functions.items(), strict=True):
        ax.plot(u, f(u), color=BLUE)
        total = f(a) + f(b)
        ax.plot([1, 1], [f(a + b), total], color=RED, lw=1.2, ls=":")
        ax.plot(1, f(a + b), "o", color=INK, ms=7, label="$f(u+v)$")
        ax.plot(1, total, "x", color=RED, ms=10, mew=2.4, label="$f(u)+f(v)$")
        ax.set(title=title, xlim=(-2.2, 2.7), xticks=[-1, 0, 1, 2], ylim=(-4.2, 6.2))
    axes[1].set_xlabel("$u=-1$、$v=2$、$u+v=1$ のとき")
    drawing.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return drawing


def _pair(f: Function, derivative: Function, limit: float = 4) -> tuple[Figure, Axes, Axes]:
    """関数とその導関数を上下に並べる。0 で跳ぶところは線を切る。"""
    drawing, (top, bottom) = _style.figure(2, height=4.4, sharex=True)
    left = np.linspace(-limit, -1e-9, 201)
    right = np.linspace(1e-9, limit, 201)
    for u in (left, right):
        top.plot(u, f(u), color=BLUE, ls="-")
        bottom.plot(u, derivative(u), color=RED, ls="-")
    top.set(ylabel="出力 $z=f(u)$")
    bottom.set(xlabel="総入力 $u$", ylabel=r"導関数 $f\,\prime(u)$", xlim=(-limit, limit))
    return drawing, top, bottom


def _jump(ax: Axes, f: Function, color: str) -> None:
    """0 での値を塗った丸で、値をとらない端を白抜きの丸で示す。"""
    ends = {float(f(np.array(u))) for u in (-1e-9, 1e-9)}
    here = float(f(np.array(0.0)))
    for end in ends - {here}:
        ax.plot(0, round(end, 6), "o", color=color, fillstyle="none", mew=1.8)
    ax.plot(0, here, "o", color=color)


def step_and_derivative() -> Figure:
    """ステップ関数と導関数。出力は 0 で 1 に跳び、傾きは 0 を除いて 0 になる。"""
    drawing, top, bottom = _pair(step, step_derivative)
    _jump(top, step, BLUE)
    top.set(ylim=(-0.15, 1.15), yticks=[0, 0.5, 1])
    bottom.set(ylim=(-0.15, 1.15), yticks=[0, 0.5, 1])
    return drawing


def sigmoid_and_derivative() -> Figure:
    """シグモイド関数と導関数。傾きは中央で最大の 1/4 になり、両端では 0 に近づく。"""
    drawing, top, bottom = _pair(sigmoid, sigmoid_derivative, limit=6)
    top.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1])
    bottom.axhline(0.25, color=INK, lw=1, ls="--")
    bottom.text(-5.9, 0.256, "最大 1/4", va="bottom")
    bottom.set(ylim=(-0.02, 0.32), yticks=[0, 0.1, 0.2])
    return drawing


def relu_and_derivative() -> Figure:
    """ReLU と導関数。負の側では出力も傾きも 0、正の側では傾きがいつも 1 になる。"""
    drawing, top, bottom = _pair(relu, relu_derivative)
    _jump(bottom, relu_derivative, RED)
    top.set(ylim=(-0.4, 4.2), yticks=[0, 2, 4])
    bottom.set(ylim=(-0.15, 1.15), yticks=[0, 0.5, 1])
    return drawing


def vanishing_gradient() -> Figure:
    """層をさかのぼったときの δ の大きさ。シグモイド関数では一層ごとに約 1/4 になる。"""
    drawing, (ax,) = _style.figure(height=4.0)
    rng = np.random.default_rng(0)
    x, d = rng.standard_normal((2, 50, 30))
    depth = 20
    back = np.arange(depth)
    for name, initial, label in (
        ("relu", "he", "ReLU"),
        ("tanh", "xavier", "tanh"),
        ("sigmoid", "xavier", "シグモイド関数"),
    ):
        network = init_network(
            [30] * (depth + 1), activation=name, initial=initial, rng=np.random.default_rng(0)
        )
        layers = backward(network, x, d, "squared_error")
        size = np.array([np.linalg.norm(layer.delta) for layer in reversed(layers)])
        ax.plot(back, size / size[0], label=label)
    ax.plot(back, 0.25**back, color=INK, ls=":", label="$(1/4)^n$")
    ax.set(yscale="log", xlabel="出力層からさかのぼった層の数 $n$", xticks=[0, 5, 10, 15, 19])
    ax.set(ylabel=r"$\delta$ の大きさ（出力層を 1 とする）", ylim=(1e-13, 1e2))
    ax.legend(loc="lower left")
    return drawing


def xor_by_two_layers() -> Figure:
    """XOR の 4 点。入力では一本の直線で分かれないが、中間層の出力では分かれる。"""
    drawing, axes = _style.figure(1, 2, height=3.0)
    x, d = xor()
    hidden = Layer(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([-0.5, -1.5]), "step")
    output = Layer(np.array([[1.0], [-1.0]]), np.array([-0.5]), "step")
    side = np.linspace(-0.5, 1.5, 201)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    spaces = (
        (axes[0], x, (hidden, output), "入力", "x"),
        (axes[1], forward_trace((hidden,), x)[0].z, (output,), "中間層の出力", "z"),
    )
    for ax, points, network, title, letter in spaces:
        trace = forward_trace(network, plane)
        ax.contourf(
            side, side, trace[-1].z.reshape(201, 201), levels=[0.5, 1.5], colors=[BLUE], alpha=0.15
        )
        for u in trace[0].u.T:
            ax.contour(side, side, u.reshape(201, 201), levels=[0.0], colors=[INK], linewidths=1.2)
        for value, marker, color in ((0, "s", RED), (1, "o", BLUE)):
            chosen = points[d[:, 0] == value]
            ax.plot(*chosen.T, marker, color=color, ms=9, label=f"$d={value}$")
        ax.set(title=title, xlabel=f"${letter}_1$", ylabel=f"${letter}_2$", aspect="equal")
        ax.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xticks=[0, 1], yticks=[0, 1])
        ax.grid(visible=False)
    axes[1].annotate(
        "2 点が重なる",
        (1, 0),
        (0, -11),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=9,
    )
    drawing.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return drawing


def three_more() -> Figure:
    """tanh、Leaky ReLU、GELU と、それぞれの導関数。負の側の値と傾きに違いが出る。"""
    drawing, (top, bottom) = _style.figure(2, height=5.2, sharex=True)
    u = np.linspace(-4, 4, 401)
    leaky = leaky_relu_derivative(u, negative_slope=0.1)
    # Leaky ReLU の傾きは 0 で跳ぶので、左右を別の線にする。
    leaky[np.isclose(u, 0)] = np.nan
    for label, z, slope in (
        ("tanh", tanh(u), tanh_derivative(u)),
        (r"Leaky ReLU（$\alpha=0.1$）", leaky_relu(u, negative_slope=0.1), leaky),
        ("GELU", gelu(u), gelu_derivative(u)),
    ):
        top.plot(u, z, label=label)
        bottom.plot(u, slope)
    top.set(ylabel="出力 $z=f(u)$", ylim=(-1.3, 4.2))
    top.legend(loc="upper left")
    bottom.set(
        xlabel="総入力 $u$", ylabel=r"導関数 $f\,\prime(u)$", xlim=(-4, 4), ylim=(-0.25, 1.25)
    )
    return drawing
