"""図の見た目。色は色覚の違いによらず見分けられる組から取り、線の種類でも区別する。"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.style
import matplotlib.text
import matplotlib_fontja
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.mathtext import MathTextParser

__all__ = ["BLUE", "FAINT", "GREEN", "INK", "ORANGE", "PURPLE", "RED", "SKY", "figure", "to_dark"]

# Okabe & Ito (2008) の組。暗い配色では明度だけを上げる。
BLUE, RED, GREEN, PURPLE, ORANGE, SKY = (
    "#0072b2",
    "#d55e00",
    "#00805e",
    "#b0528b",
    "#9a6a00",
    "#2a8fc7",
)
INK, FAINT = "#202124", "#8b929c"
_GRID = "#c9cdd2"  # dlnotes.mplstyle の grid.color
_DARK = {
    BLUE: "#6cb8f0",
    RED: "#ff9a4d",
    GREEN: "#3ed0a5",
    PURPLE: "#ea9ccb",
    ORANGE: "#f2c14e",
    SKY: "#a5dcff",
    INK: "#e6e8eb",
    FAINT: "#6a717c",
    _GRID: "#4a4f57",
}
_STYLE = Path(__file__).with_name("dlnotes.mplstyle")
# 描くたびに作り直させず、同じ式の組み方を覚えておかせる。
matplotlib.text.TextToPath = cache(matplotlib.text.TextToPath)  # type: ignore[misc,assignment]
MathTextParser.parse = cache(MathTextParser.parse)  # type: ignore[method-assign]


def to_dark(svg: str) -> str:
    """明るい配色で描いた SVG の色を、暗い配色の色に置きかえます。"""
    for light, dark in _DARK.items():
        svg = svg.replace(light, dark)
    return svg


@cache
def _add_font() -> None:
    fontManager.addfont(matplotlib_fontja.get_font_ttf_path())


def use_style() -> None:
    """これから作る図を、このサイトの見た目にします。"""
    _add_font()
    # 同じプロセスで、ほかの図が既定に戻していることもある。
    matplotlib.style.use(_STYLE)


def figure(
    rows: int = 1, columns: int = 1, *, width: float = 4.8, height: float = 3.2, **subplots: Any
) -> tuple[Figure, list[Axes]]:
    """このサイトの見た目の図と、行の順に並べた座標軸を作ります。

    幅 4.8 インチは、幅 360 ピクセルの画面に縮めても字が読める大きさです。
    複数の座標軸は、なるべく縦に並べます。

    Args:
        rows: 座標軸を縦に並べる数。
        columns: 座標軸を横に並べる数。
        width: 図全体の幅（インチ）。
        height: 図全体の高さ（インチ）。
        **subplots: `Figure.subplots` に渡す指定（`sharex=True` など）。
    """
    use_style()
    drawing = Figure(figsize=(width, height), layout="constrained")
    axes = drawing.subplots(rows, columns, squeeze=False, **subplots)
    return drawing, list(axes.flat)
