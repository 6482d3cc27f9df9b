"""はじめにの図。"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from dlnotes.activations import relu
from dlnotes.figures import _style
from dlnotes.figures._style import BLUE, INK, RED

__all__ = ["chain"]

# 幅 100 の座標での、左、下、幅、高さ。
_Box = tuple[float, float, float, float]
_FORMULA: _Box = (24, 77, 52, 12)
_CODE: _Box = (2, 48, 96, 14)
_OUTPUT: _Box = (2, 2, 40, 31)
_PLOT: _Box = (50, 2, 48, 31)


def _frame(ax: Axes, box: _Box, title: str) -> tuple[float, float]:
    """左上に題のある角の丸い枠を描き、枠の中心を返す。"""
    left, bottom, width, height = box
    shape = FancyBboxPatch((left, bottom), width, height, boxstyle="round,pad=1.5", fill=False)
    ax.add_patch(shape)
    ax.text(left, bottom + height + 2.6, title, color=BLUE, va="bottom")
    return left + width / 2, bottom + height / 2


def _arrow(ax: Axes, x: float, upper: _Box, lower: _Box, text: str) -> None:
    start, end = upper[1] - 2, lower[1] + lower[3] + 2
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, end), (x, start), arrowprops=style)
    ax.text(x + 2, (start + end) / 2, text, va="center", fontsize=10)


def _code() -> str:
    """DL003 のページに出るのと同じ、説明の文を除いたコード。"""
    return inspect.getsource(relu).replace(f'    r"""{relu.__doc__}"""\n', "").rstrip()


def chain() -> Figure:
    """一つの式を一つの関数が計算し、出力も図もその関数から作られる。"""
    drawing, (ax,) = _style.figure(height=4.4)
    ax.axis("off")
    ax.set(xlim=(0, 100), ylim=(0, 97))
    mono: dict[str, Any] = {"family": "DejaVu Sans Mono", "fontsize": 9.6, "va": "center"}
    u = np.array([-2.0, 0.0, 3.0])

    place = _frame(ax, _FORMULA, "式")
    ax.text(*place, r"$f(u)=\max(u,\ 0)$", ha="center", va="center", fontsize=16)
    _, middle = _frame(ax, _CODE, "コード")
    ax.text(_CODE[0] + 0.5, middle, _code(), linespacing=1.7, **mono)
    center, middle = _frame(ax, _OUTPUT, "出力")
    lines = "\n".join(f"relu({v:2g}) = {relu(v):g}" for v in u)
    ax.text(center, middle, lines, ha="center", linespacing=1.8, **mono)
    _frame(ax, _PLOT, "図")
    plot = ax.inset_axes((56, 8, 41, 25), transform=ax.transData)
    x = np.linspace(-3, 4, 141)
    plot.plot(x, relu(x))
    plot.plot(u, relu(u), "o", color=RED)
    plot.set(xlim=(-3, 4), ylim=(-0.6, 4), xticks=u, yticks=relu(u[1:]))

    _arrow(ax, 50, _FORMULA, _CODE, "一つの式を、一つの関数にする")
    _arrow(ax, 22, _CODE, _OUTPUT, "動かす")
    _arrow(ax, 74, _CODE, _PLOT, "描く")
    return drawing
