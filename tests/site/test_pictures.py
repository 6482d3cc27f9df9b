"""図の拡張を、MkDocs のない素の Python-Markdown で動かす。"""

from __future__ import annotations

import json
import re
from pathlib import Path

import markdown
import pytest
from bs4 import BeautifulSoup, Tag

from dlnotes.figures._build import register
from dlnotes.site.pictures import PictureError

LINE = "![線](figures/dl003/line.svg)"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "dl003"
    folder.mkdir()
    for name, size in {"line": "345.6 230.4", "wide": "720 72"}.items():
        (folder / f"{name}.svg").write_text(f'<svg viewBox="0 0 {size}"></svg>', encoding="utf-8")
    (folder / "broken.svg").write_text("<svg></svg>", encoding="utf-8")
    frames = [{"value": v, "says": f"傾きは {v} です。"} for v in ("1 倍", "2 倍", "3 倍")]
    slope = folder / "slope"
    slope.mkdir()
    for i in range(3):
        (slope / f"{i}.svg").write_text('<svg viewBox="0 0 72 72"></svg>', encoding="utf-8")
    slider = {"label": "傾き a", "start": 1, "frames": frames}
    (slope / "frames.json").write_text(json.dumps(slider), encoding="utf-8")
    return tmp_path


def render(text: str, root: Path) -> BeautifulSoup:
    extensions = ["attr_list", "tables", "dlnotes.site.pictures"]
    configs = {"dlnotes.site.pictures": {"root": str(root)}}
    html = markdown.markdown(text, extensions=extensions, extension_configs=configs)
    return BeautifulSoup(html, "html.parser")


def sources(parent: Tag) -> list[str]:
    return [str(image["src"]) for image in parent.find_all("img")]


def test_missing_figure_is_refused_by_its_name(root: Path) -> None:
    with pytest.raises(PictureError, match=r"図がありません: dl003/none\.svg"):
        render("![線](figures/dl003/none.svg)", root)


def test_figure_without_a_size_is_refused(root: Path) -> None:
    with pytest.raises(
        PictureError, match=r"図を読めません: dl003/broken\.svg に viewBox がありません"
    ):
        render("![線](figures/dl003/broken.svg)", root)


@pytest.mark.parametrize("text", ["![](figures/dl003/line.svg)", "![ ](photo.png)"])
def test_image_without_alternative_text_is_refused(text: str, root: Path) -> None:
    with pytest.raises(PictureError, match="代替文がありません"):
        render(text, root)


def test_formula_in_alternative_text_is_refused(root: Path) -> None:
    """代替文は字として読み上げられ、LaTeX のまま残ってしまう。"""
    text = "![関数 $x$](figures/dl003/line.svg)"
    extensions = ["dlnotes.site.math", "dlnotes.site.pictures"]
    configs = {"dlnotes.site.pictures": {"root": str(root)}}
    with pytest.raises(PictureError, match="代替文に数式"):
        markdown.markdown(text, extensions=extensions, extension_configs=configs)


def test_figure_becomes_a_light_and_dark_pair(root: Path) -> None:
    (pair,) = render(LINE, root).select(".dl-figure")
    light = "figures/dl003/line.svg#only-light"
    assert sources(pair) == [light, "figures/dl003/line.dark.svg#only-dark"]
    # 読書モードと CSS のないブラウザには、明るい図だけを見せる。
    assert [image.has_attr("hidden") for image in pair.find_all("img")] == [False, True]


def test_both_of_the_pair_have_text_size_and_load_lazily(root: Path) -> None:
    """Matplotlib の 4.8 × 3.2 インチは、画面の 461 × 307 ピクセルになる。"""
    for image in render(LINE, root).find_all("img"):
        got = {name: image[name] for name in ("alt", "width", "height", "loading")}
        assert got == {"alt": "線", "width": "461", "height": "307", "loading": "lazy"}


def test_figure_within_a_paragraph_leaves_the_words_around_it(root: Path) -> None:
    paragraph = render(f"前の文。{LINE}\n後の文。**強調**です。", root).p
    assert paragraph.get_text() == "前の文。\n後の文。強調です。"
    assert len(sources(paragraph)) == 2


def test_two_figures_in_one_paragraph_are_two_pairs(root: Path) -> None:
    text = f"{LINE} と ![広い線](figures/dl003/wide.svg) です。"
    first, second = render(text, root).select("p > .dl-figure")
    assert "line.svg" in sources(first)[0]
    assert "wide.svg" in sources(second)[0]
    assert second.img["width"] == "960"


def test_page_one_folder_deeper_reaches_up(root: Path) -> None:
    page = render("![線](../figures/dl003/line.svg)", root)
    assert sources(page)[1] == "../figures/dl003/line.dark.svg#only-dark"


def test_figure_in_a_table_cell_and_in_a_list_becomes_a_pair(root: Path) -> None:
    page = render(f"| 図 |\n|---|\n| {LINE} |\n\n- {LINE}", root)
    assert len(page.select("td > .dl-figure")) == len(page.select("li > .dl-figure")) == 1


def test_class_given_on_the_page_goes_to_the_pair(root: Path) -> None:
    assert len(render(f"{LINE}{{ .small }}", root).select(".dl-figure.small > img")) == 2


def test_other_image_stays_a_single_image(root: Path) -> None:
    assert sources(render("![写真](photo.png)", root)) == ["photo.png"]


SLOPE = "![右上がりの線。](../figures/dl003/slope.svg)"


def test_slider_shows_its_chosen_frame_as_a_pair_with_name_and_value(root: Path) -> None:
    (figure,) = render(SLOPE, root).select(".dl-figure.dl-slider")
    shown = figure.find_all("img", recursive=False)
    names = [f"../figures/dl003/slope/1{s}" for s in (".svg#only-light", ".dark.svg#only-dark")]
    assert [image["src"] for image in shown] == names
    assert {image["loading"] for image in shown} == {"lazy"}
    assert figure.select_one(".dl-slider__control").get_text() == "傾き a = 2 倍"
    assert figure.output.get_text() == "2 倍"


def test_slider_lists_every_frame_with_its_value_in_the_alternative_text(root: Path) -> None:
    """template の中の画像は、ブラウザがひとりでに取りにいくことはない。"""
    frames = render(SLOPE, root).template.find_all("img")
    assert [image["src"].split("/")[-1] for image in frames] == [
        name for i in range(3) for name in (f"{i}.svg#only-light", f"{i}.dark.svg#only-dark")
    ]
    assert [image["data-value"] for image in frames[::2]] == ["1 倍", "2 倍", "3 倍"]
    for image in frames:
        value = image["data-value"]
        assert image["alt"] == f"右上がりの線。傾き a = {value} では、傾きは {value} です。"
        assert (image["width"], image["height"]) == ("96", "96")


def test_slider_with_a_missing_frame_is_refused_by_its_name(root: Path) -> None:
    (root / "dl003" / "slope" / "2.svg").unlink()
    with pytest.raises(PictureError, match=r"図がありません: dl003/slope/2\.svg"):
        render(SLOPE, root)


def test_every_real_figure_changes_with_the_scheme(site: Path) -> None:
    lights = [p for p in site.glob("figures/**/*.svg") if not p.stem.endswith(".dark")]
    assert lights
    same = [p for p in lights if p.read_bytes() == p.with_suffix(".dark.svg").read_bytes()]
    assert same == []


def test_every_frame_of_a_real_slider_is_on_the_site_in_one_size(site: Path) -> None:
    sliders = [drawing for drawing in register() if drawing.slider]
    assert sliders
    for drawing in sliders:
        svgs = [(site / "figures" / path).read_text(encoding="utf-8") for path in drawing.paths]
        assert len({re.findall(r'viewBox="[^"]+"', svg)[0] for svg in svgs}) == 1
        assert len(set(svgs)) == len(svgs)
