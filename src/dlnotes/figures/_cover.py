"""本の表紙と、住所を貼った先で見える絵。DL006 と同じ形の谷を下る道を描く。"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.arrays import Array
from dlnotes.figures import _style
from dlnotes.optimizers import SGD, Momentum, Optimizer

__all__ = ["card", "cover", "cover_files"]

# B5 の紙の大きさ（インチ）。
_SIZE = (182 / 25.4, 257 / 25.4)
_CURVATURE = np.array([1.0, 12.0])


def _path(optimizer: Optimizer[Any]) -> Array:
    theta = np.array([-2.8, 1.1])
    state, path = optimizer.init(theta), [theta]
    for _ in range(40):
        theta, state = optimizer.step(theta, _CURVATURE * theta, state)
        path.append(theta)
    return np.array(path).T


def _valley(ax: Axes) -> None:
    """細長い谷を、勾配降下法とモメンタムが下っていきます。"""
    ax.set_axis_off()
    x, y = np.meshgrid(np.linspace(-3.2, 1.6, 300), np.linspace(-1.5, 1.5, 300))
    E = (_CURVATURE[0] * x**2 + _CURVATURE[1] * y**2) / 2
    ax.contour(x, y, E, levels=np.geomspace(0.02, 16, 22), colors=_style.FAINT, linewidths=1)
    for optimizer, color in ((SGD(0.145), _style.BLUE), (Momentum(0.04, 0.8), _style.RED)):
        ax.plot(*_path(optimizer), color=color, marker="o", markersize=4)
    ax.plot(0, 0, marker="*", color=_style.ORANGE, markersize=18)


def cover(title: str, subtitle: str) -> Figure:
    """本の表紙を描きます。

    Args:
        title: 本の題。
        subtitle: 題の下に置く一行。

    Raises:
        ValueError: 紙の幅に入らないとき。
    """
    drawing, (ax,) = _style.figure(width=_SIZE[0], height=_SIZE[1])
    drawing.set_facecolor("white")
    drawing.set_layout_engine("none")
    ax.set_position((0, 0, 1, 0.68))
    _valley(ax)
    for y, text, size in ((0.86, title, 30), (0.815, subtitle, 12)):
        written = drawing.text(0.1, y, text, fontsize=size).get_window_extent()
        if written.x1 > 0.95 * drawing.bbox.width:
            raise ValueError(f"本の表紙に入らない長さです: {text}")
    return drawing


def card() -> Figure:
    """題の下に、谷を下る道が見えます。"""
    # 1200 × 630 ピクセル。どのサービスも切り取らない比で、端は空けておく。
    drawing, (ax,) = _style.figure(width=12, height=6.3)
    drawing.set_dpi(100)
    drawing.set_facecolor("white")
    drawing.set_layout_engine("none")
    ax.set_position((0, 0, 1, 0.46))
    _valley(ax)
    title = "動くコードで確かめる\n深層学習 1 日目"
    drawing.text(0.06, 0.9, title, fontsize=56, va="top", linespacing=1.3)
    drawing.text(0.06, 0.55, "dlnotes 深層学習ノート", fontsize=26, va="top", color=_style.BLUE)
    return drawing


def cover_files(title: str, subtitle: str) -> dict[str, bytes]:
    """表紙を、PDF のための SVG と、EPUB のための PNG にします。

    Args:
        title: 本の題。
        subtitle: 題の下に置く一行。
    """
    svg, png = io.BytesIO(), io.BytesIO()
    drawing = cover(title, subtitle)
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    drawing.savefig(svg, format="svg", metadata=nothing)
    drawing.savefig(png, format="png", metadata={"Software": None}, dpi=170)
    return {"cover.svg": svg.getvalue(), "cover.png": png.getvalue()}
