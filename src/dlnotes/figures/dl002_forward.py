"""DL002 入力層〜中間層の図。"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from dlnotes.arrays import Array
from dlnotes.datasets import ANIMAL_FEATURES
from dlnotes.figures import _style
from dlnotes.figures._slider import Slider, readable
from dlnotes.figures._style import BLUE, FAINT, INK, RED
from dlnotes.network import Layer, Network, forward_trace, layer_shapes
from dlnotes.numerical import central_difference

__all__ = ["animal_unit", "bias", "boundary", "network", "unit", "weight"]

_THREE_LAYERS: Network = (
    Layer(np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), np.array([0.1, 0.2, 0.3]), "relu"),
    Layer(np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]), np.array([0.1, 0.2]), "relu"),
    Layer(np.array([[0.1, 0.3], [0.2, 0.4]]), np.array([1.0, 2.0]), "identity"),
)
_SIGMOID = r"$z=\sigma(u)$"


def _canvas(height: float) -> tuple[Figure, Axes]:
    drawing, (ax,) = _style.figure(height=height)
    ax.set_aspect("equal")
    ax.axis("off")
    return drawing, ax


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **line: object) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0} | line
    ax.annotate("", end, start, arrowprops=style)


def _edge(ax: Axes, a: tuple[float, float], b: tuple[float, float], r: float, s: float) -> None:
    """半径 r の丸 a のふちから、半径 s の丸 b のふちへの矢印。"""
    start, end = np.array(a), np.array(b)
    step = (end - start) / np.linalg.norm(end - start)
    _arrow(ax, tuple(start + r * step), tuple(end - s * step))


def _unit(inputs: Sequence[str]) -> Figure:
    """入力を四つ持つユニット。丸の左半分が総入力、右半分が出力。"""
    drawing, ax = _canvas(2.3 if any(inputs) else 2.85)
    radius = 0.9
    for number, text in enumerate(inputs, start=1):
        place = (-4.0, 1.2 * (2.5 - number))
        ax.add_patch(Circle(place, 0.36, fill=False, lw=1.4))
        ax.text(*place, f"$x_{number}$", ha="center", va="center")
        ax.text(place[0] - 0.5, place[1], text, ha="right", va="center", fontsize=10)
        _edge(ax, place, (0.0, 0.0), 0.36, radius)
        above = place[1] * 0.6 + 0.1
        ax.text(-2.4, above, f"$w_{number}$", color=BLUE, ha="center", va="bottom")
    ax.add_patch(Circle((0, 0), radius, fill=False, lw=1.8))
    ax.plot([0, 0], [-radius, radius], color=INK, lw=1.2)
    ax.text(-0.42, 0, "$u$", ha="center", va="center", fontsize=15)
    ax.text(0.42, 0, "$z$", ha="center", va="center", fontsize=15)
    _arrow(ax, (0, 2.0), (0, radius))
    ax.text(0.15, 1.5, "$b$", color=RED, va="center")
    ax.text(0, 2.05, "バイアス", ha="center", va="bottom", fontsize=10)
    _arrow(ax, (radius, 0), (2.0, 0))
    ax.text(2.1, 0, "次の層へ", va="center", fontsize=10)
    ax.text(0, -1.05, "$z=f(u)$", ha="center", va="top")
    ax.set(xlim=(-6.7 if any(inputs) else -4.5, 3.7), ylim=(-2.25, 2.6))
    return drawing


def unit() -> Figure:
    """一つのユニット。入力に重みを掛けて足し、バイアスを加えた総入力 u を、f で z に変える。"""
    return _unit(["", "", "", ""])


def animal_unit() -> Figure:
    """動物の特徴のうち四つを、ユニットの入力に割りあてたところ。"""
    return _unit(ANIMAL_FEATURES[:4])


def _layer(w: float, b: float, x: Array) -> tuple[Array, Array]:
    """入力と出力が一つずつの層の、総入力と出力。"""
    (trace,) = forward_trace((Layer(np.array([[w]]), np.array([b]), "sigmoid"),), x[:, np.newaxis])
    return trace.u[:, 0], trace.z[:, 0]


def _before_and_after(w: float, b: float) -> tuple[Figure, list[Axes]]:
    """活性化関数の前と後。薄い線は、比べるための w = 1、b = 0。"""
    drawing, axes = _style.figure(2, height=4.4, sharex=True)
    x = np.linspace(-6, 6, 121)
    for ax, usual, values in zip(axes, _layer(1.0, 0.0, x), _layer(w, b, x), strict=True):
        ax.plot(x, usual, "-", color=FAINT, lw=5)
        ax.plot(x, values, "-", color=BLUE)
    axes[0].set(title="活性化関数の前", ylabel="$u=wx+b$", ylim=(-6.4, 6.4))
    axes[1].set(title="活性化関数の後", xlabel="$x$", ylabel=_SIGMOID)
    axes[1].set(ylim=(-0.05, 1.05), xlim=(-6, 6))
    return drawing, axes


@Slider("重み w", (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0), start=2.0)
def weight(w: float) -> tuple[Figure, str]:
    """重みを変えると、総入力の直線の傾きと、出力の立ち上がりの急さと向きが変わる。"""
    drawing, _ = _before_and_after(w, 0.0)
    u = central_difference(lambda x: _layer(w, 0.0, x)[0], np.zeros(1)).item()
    z = central_difference(lambda x: _layer(w, 0.0, x)[1], np.zeros(1)).item()
    before, after = (readable(round(slope, 3)) for slope in (u, z))
    return drawing, f"x = 0 での傾きは、前が {before}、後が {after} です。"


@Slider("バイアス b", (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0), start=3.0)
def bias(b: float) -> tuple[Figure, str]:
    """バイアスを変えると、総入力の直線は上下に、出力の立ち上がる場所は左右に動く。"""
    drawing, axes = _before_and_after(1.0, b)
    x = np.linspace(-6, 6, 121)
    threshold = float(x[np.argmin(abs(_layer(1.0, b, x)[1] - 0.5))])
    for ax, value in zip(axes, _layer(1.0, b, np.array([threshold])), strict=True):
        ax.plot(threshold, value, "o", color=INK)
    axes[0].axhline(0, color=INK, lw=0.8)
    return drawing, f"出力が 0.5 になるのは x = {readable(round(threshold, 3))} のところです。"


def boundary() -> Figure:
    """入力が二つのユニットの境界。重みのベクトルに垂直な直線で、バイアスを変えると平行に動く。"""
    drawing, (ax,) = _style.figure(height=4.2)
    side = np.linspace(-4, 4, 81)
    x = np.stack(np.meshgrid(side, side), axis=-1)
    w = np.array([[1.0], [2.0]])
    for b, style, place in (
        (4.0, "--", (-3.6, -0.9)),
        (0.0, "-", (-3.6, 1.1)),
        (-4.0, ":", (-3.6, 3.1)),
    ):
        (trace,) = forward_trace((Layer(w, np.array([b]), "sigmoid"),), x.reshape(-1, 2))
        z = trace.z.reshape(x.shape[:2])
        ax.contour(side, side, z, levels=[0.5], colors=[BLUE], linestyles=[style], linewidths=2)
        if b == 0:
            ax.contourf(side, side, z, levels=[0.5, 1.0], colors=[BLUE], alpha=0.12)
        ax.text(*place, f"$b={b:g}$", ha="left", va="top")
    _arrow(ax, (0, 0), (w[0, 0], w[1, 0]), lw=2, color=RED)
    ax.text(1.15, 2.0, "$(w_1,\\,w_2)$", color=RED, va="center")
    ax.text(3.85, 3.4, "$b=0$ で $u>0$ の側", ha="right", color=INK)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
    return drawing


def network() -> Figure:
    """三層のネットワークに x = (1, 2) を入れたときの、各ユニットの出力。"""
    drawing, ax = _canvas(3.6)
    x = np.array([[1.0, 2.0]])
    columns = [x[0], *(step.z[0] for step in forward_trace(_THREE_LAYERS, x))]
    letters = ("x", "z^{(1)}", "z^{(2)}", "y")
    places = [
        [(2.4 * c, (len(v) - 1) / 2 * 1.7 - 1.7 * r) for r in range(len(v))]
        for c, v in enumerate(columns)
    ]
    for left, right in pairwise(places):
        for a in left:
            for b in right:
                _edge(ax, a, b, 0.5, 0.5)
    for values, column in zip(columns, places, strict=True):
        for value, place in zip(values, column, strict=True):
            ax.add_patch(Circle(place, 0.5, fill=False, lw=1.6, ec=BLUE))
            ax.text(*place, f"{value:.4g}", ha="center", va="center", fontsize=10)
    names = ("入力層", "中間層 1", "中間層 2", "出力層")
    for number, (name, letter) in enumerate(zip(names, letters, strict=True)):
        ax.text(2.4 * number, 3.0, f"{name}\n${letter}$", ha="center", va="center", linespacing=1.5)
    for number, (rows, units) in enumerate(layer_shapes(_THREE_LAYERS), start=1):
        text = f"$W^{{({number})}}$\n${rows}\\times{units}$"
        ax.text(2.4 * number - 1.2, -2.75, text, ha="center", va="center", fontsize=10)
    ax.set(xlim=(-0.9, 8.1), ylim=(-3.2, 3.5))
    return drawing
