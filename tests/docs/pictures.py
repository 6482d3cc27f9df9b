"""図を、読む人のように読む。凡例の名前や書きこまれた字から、そこに描かれたものをたどる。"""

from __future__ import annotations

from functools import cache
from types import ModuleType, SimpleNamespace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

from dlnotes.arrays import Array

Look = tuple[str, str, str]


def once(module: ModuleType) -> SimpleNamespace:
    """図を描く関数を、同じ図を二度描かないものにして並べる。"""
    return SimpleNamespace(**{name: cache(getattr(module, name)) for name in module.__all__})


def look(line: Line2D) -> Look:
    """読む人が線を見分ける手がかり。色、線の種類、印。"""
    return to_hex(line.get_color()), str(line.get_linestyle()), str(line.get_marker())


def points_of(line: Line2D) -> Array:
    return np.array([np.ravel(part) for part in line.get_data()], float)


def axes_of(drawn: Figure | Axes) -> list[Axes]:
    return drawn.axes if isinstance(drawn, Figure) else [drawn]


def legends(drawn: Figure | Axes) -> list[Legend]:
    beside = drawn.legends if isinstance(drawn, Figure) else []
    return [*beside, *(legend for ax in axes_of(drawn) if (legend := ax.get_legend()))]


def keys(drawn: Figure | Axes) -> dict[str, Line2D]:
    """凡例の名前と、その見本の線。"""
    entries = [
        entry for x in legends(drawn) for entry in zip(x.get_texts(), x.legend_handles, strict=True)
    ]
    return {text.get_text(): line for text, line in entries if isinstance(line, Line2D)}


def named(drawn: Figure | Axes) -> dict[str, list[Array]]:
    """凡例の名前ごとに、見本と同じ見た目の線の点 (2, n) を、座標軸の順に。"""
    lines = [line for ax in axes_of(drawn) for line in ax.lines]
    return {
        name: [points_of(line) for line in lines if look(line) == look(key)]
        for name, key in keys(drawn).items()
    }


def written(ax: Axes) -> dict[str, Array]:
    """書きこまれた字の場所。点に付けた注なら、その点。"""
    return {
        text.get_text(): np.array(text.xy if isinstance(text, Annotation) else text.get_position())
        for text in ax.texts
        if text.get_text()
    }


def arrows(ax: Axes) -> Array:
    """矢印の根もとと先 (n, 2, 2)。"""
    texts = [text for text in ax.texts if isinstance(text, Annotation) and not text.get_text()]
    return np.array([[text.xyann, text.xy] for text in texts], float)
