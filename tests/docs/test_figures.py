"""図の凡例と軸が、代替文と食い違わないこと。"""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from pictures import keys, look, named, points_of

from dlnotes.figures import _build

ALTS = {
    name: alt
    for page in Path("docs").glob("dl*.md")
    for alt, name in re.findall(r"!\[(.+?)\]\(figures/(\w+/\w+)\.svg\)", page.read_text("utf-8"))
}
DRAWINGS = {f"{d.stem}/{d.name}": d for d in _build.register() if d.stem.startswith("dl")}
ALL = pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=list(DRAWINGS))
# 上の図の曲線の傾きを、下の図に同じ見た目で描いた図。
SLOPES = [
    "dl003_activations/step_and_derivative",
    "dl003_activations/sigmoid_and_derivative",
    "dl003_activations/relu_and_derivative",
    "dl003_activations/three_more",
    "dl004_losses/error_curves",
    "dl004_losses/through_sigmoid",
    "dl005_output_activations/three_pairs",
    "dl005_output_activations/epsilon_cap",
]


def axis_names(alt: str) -> tuple[list[str], list[str]]:
    """代替文の言う、横軸と縦軸の名前。"""
    across = re.findall(r"横軸[はが](.+?)(?:です|で、|の対数目盛り|、)", alt)
    across += re.findall(r"(?:^|。|は)([^、。は]+?)に対する(?!誤差の等高線)", alt)
    return across, re.findall(r"縦軸[はが](?!対数)(.+?)(?:です|、|。|の両対数)", alt)


@cache
def drawn(drawing: _build.Drawing) -> Figure:
    function = getattr(importlib.import_module(f"dlnotes.figures.{drawing.stem}"), drawing.name)
    figure: Figure = function(drawing.slider.start)[0] if drawing.slider else function()
    return figure


@ALL
def test_every_name_of_a_legend_has_a_look_of_its_own_and_is_drawn(drawing: _build.Drawing) -> None:
    figure = drawn(drawing)
    for ax in figure.axes:
        looks = [look(key) for key in keys(ax).values()]
        assert len(set(looks)) == len(looks)
    borders = {to_hex(c) for ax in figure.axes for s in ax.collections for c in s.get_edgecolor()}
    for name, key in keys(figure).items():
        shown = any(part.size for part in named(figure)[name])
        assert shown or look(key)[0] in borders, f"{name} と同じ見た目の線がありません"


@ALL
def test_axes_carry_the_names_and_scales_the_alternative_text_says(drawing: _build.Drawing) -> None:
    alt, axes = ALTS[f"{drawing.stem}/{drawing.name}"], drawn(drawing).axes
    labels = [(ax.get_xlabel(), ax.get_ylabel().replace("\n", "")) for ax in axes]
    for side, words in enumerate(axis_names(alt)):
        for word in words:
            said = f"代替文の{'横縦'[side]}軸「{word}」が、図の軸の名前にありません"
            assert any(word in label[side] for label in labels), f"{said}: {labels}"
    scales = {(ax.get_xscale(), ax.get_yscale()) for ax in axes}
    assert "両対数" not in alt or ("log", "log") in scales
    assert "片対数" not in alt or ("linear", "log") in scales
    assert "対数目盛り" not in alt or scales & {("linear", "log"), ("log", "linear")}


def test_names_of_axes_are_found_in_the_alternative_texts() -> None:
    """言い方が変わって、一つも見つけられなくなれば、上のテストは何も調べない。"""
    across, up = (sum(map(len, side)) for side in zip(*map(axis_names, ALTS.values()), strict=True))
    assert (across > 15, up > 3) == (True, True)


@ALL
def test_first_variable_goes_across_and_the_second_goes_up(drawing: _build.Drawing) -> None:
    for ax in drawn(drawing).axes:
        for label, number in ((ax.get_xlabel(), "1"), (ax.get_ylabel(), "2")):
            written = re.fullmatch(r"\$(?:\\theta|[xz])_(\d)\$", label)
            assert written is None or written[1] == number


@pytest.mark.parametrize("name", SLOPES)
def test_lower_lines_are_the_slopes_of_the_upper_ones(name: str) -> None:
    upper, lower = drawn(DRAWINGS[name]).axes
    tops = {look(line)[:2]: points_of(line) for line in upper.lines if len(line.get_xdata()) > 2}
    bottoms = [line for line in lower.lines if len(line.get_xdata()) > 2]
    above = [points_of(line) for line in upper.lines if len(line.get_xdata()) > 2]
    assert len(bottoms) == len(above) > 0
    for line, (u, z) in zip(bottoms, above, strict=True):
        if len(keys(upper)):
            u, z = tops[look(line)[:2]]
        inner = (np.abs(u) > 0.1) & (u > u[0]) & (u < u[-1])
        np.testing.assert_allclose(points_of(line)[1][inner], np.gradient(z, u)[inner], atol=5e-3)
