"""`![代替文](figures/題目/名前.svg)` を、明るい配色と暗い配色の組にする Markdown 拡張。

つまみで動かす図では、はじめのコマの組に、つまみの名前と値、残りのコマの画像を添える。
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from click import ClickException
from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

__all__ = ["PictureError", "PicturesExtension", "dark_name", "makeExtension", "size"]

_FIGURE = re.compile(r"^(?P<above>(?:\.\./)*)figures/(?P<path>[\w/]+)\.svg$")
_SIZE = re.compile(r'<svg\b[^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"')


class PictureError(ClickException):
    """代替文のない画像、または存在しない図。MkDocs の命令は、呼び出しの跡なしに一行で見せる。"""


def dark_name(name: str) -> str:
    """図のファイル名から、暗い配色のファイル名を作ります。"""
    return name.removesuffix(".svg") + ".dark.svg"


def size(svg: str) -> tuple[int, int]:
    """SVG の表示の幅と高さ（CSS ピクセル）を読みます。

    Raises:
        ValueError: 大きさが書かれていないとき。
    """
    match = _SIZE.search(svg[:2000])
    if match is None:
        raise ValueError("viewBox がありません")
    # Matplotlib の 1 単位は 1/72 インチ、CSS の 1 ピクセルは 1/96 インチ。
    return round(float(match[1]) * 96 / 72), round(float(match[2]) * 96 / 72)


class _PictureTreeprocessor(Treeprocessor):
    def __init__(self, md: Markdown, root: Path) -> None:
        super().__init__(md)
        self.root = root

    def run(self, root: ElementTree.Element) -> None:
        for parent in list(root.iter()):
            for place, image in enumerate(list(parent)):
                if image.tag == "img":
                    self._check_alt(image)
                    if match := _FIGURE.match(image.get("src", "")):
                        self._make_pair(parent, place, image, match)

    def _check_alt(self, image: ElementTree.Element) -> None:
        alt = image.get("alt", "")
        if not alt.strip():
            raise PictureError(f"画像に代替文がありません: {image.get('src')}")
        # Arithmatex は $x$ を \(x\) に変える。どちらも読み上げられると意味をなさない。
        if "$" in alt or "\\(" in alt:
            raise PictureError(f"代替文に数式は使えません: {alt}")

    def _make_pair(
        self,
        parent: ElementTree.Element,
        place: int,
        image: ElementTree.Element,
        match: re.Match[str],
    ) -> None:
        # 置き場所の番号がずれないよう、組をひとつの要素に入れる。
        figure = ElementTree.Element("span", {"class": "dl-figure"})
        figure.tail, image.tail = image.tail, None
        parent[place] = figure
        frames = self.root / match["path"] / "frames.json"
        if frames.is_file():
            self._fill_slider(figure, image, match, json.loads(frames.read_text("utf-8")))
        else:
            figure.extend(self._pair(image, match["above"], match["path"]))

    def _size(self, name: str) -> tuple[int, int]:
        try:
            return size((self.root / name).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            hint = "figures/ のモジュールの __all__ に名前がありますか"
            raise PictureError(f"図がありません: {name}（{hint}）") from error
        except ValueError as error:
            raise PictureError(f"図を読めません: {name} に {error}") from error

    def _pair(
        self, image: ElementTree.Element, above: str, path: str
    ) -> tuple[ElementTree.Element, ElementTree.Element]:
        width, height = self._size(f"{path}.svg")
        source = f"{above}figures/{path}.svg"
        # 見えない側の画像は、lazy なら取りにいかない。
        common = {"width": str(width), "height": str(height), "loading": "lazy"}
        light = ElementTree.Element("img", image.attrib | common)
        dark = ElementTree.Element("img", image.attrib | common)
        light.set("src", f"{source}#only-light")
        dark.set("src", f"{dark_name(source)}#only-dark")
        # 読書モードと CSS のないブラウザは、配色を知らずに両方を見せてしまう。
        dark.set("hidden", "hidden")
        return light, dark

    def _fill_slider(
        self,
        figure: ElementTree.Element,
        image: ElementTree.Element,
        match: re.Match[str],
        slider: dict[str, Any],
    ) -> None:
        figure.set("class", "dl-figure dl-slider")
        label, about = slider["label"], image.get("alt", "")
        pairs = []
        for i, frame in enumerate(slider["frames"]):
            image.set("alt", f"{about}{label} = {frame['value']} では、{frame['says']}")
            image.set("data-value", frame["value"])
            pairs.append(self._pair(image, match["above"], f"{match['path']}/{i}"))
        figure.extend(deepcopy(pairs[slider["start"]]))
        # つまみは slider.js が加える。なくても、どの値の図かはわかる。
        control = ElementTree.SubElement(figure, "span", {"class": "dl-slider__control"})
        name = ElementTree.SubElement(control, "label")
        name.text, name.tail = label, " = "
        # 値は、つまみが読み上げる。
        value = ElementTree.SubElement(control, "output", {"aria-live": "off"})
        value.text = slider["frames"][slider["start"]]["value"]
        # template の中の画像は、場所は MkDocs が直すが、スクリプトが使うまで取りにいかれない。
        template = ElementTree.SubElement(figure, "template")
        template.extend([one for pair in pairs for one in pair])


class PicturesExtension(Extension):
    """図の画像を、明暗の組、大きさ、遅延読み込みのついた形にする。"""

    def __init__(self, **kwargs: Any) -> None:
        self.config = {"root": [".cache/figures", "描いた図を置くフォルダー"]}
        super().__init__(**kwargs)

    def extendMarkdown(self, md: Markdown) -> None:
        """MkDocs がリンクを調べる（優先度 0）前に働く処理を登録します。"""
        root = Path(self.getConfig("root"))
        md.treeprocessors.register(_PictureTreeprocessor(md, root), "dlnotes-pictures", 14)


def makeExtension(**kwargs: Any) -> PicturesExtension:
    """Python-Markdown が拡張を作るときに呼びます。"""
    return PicturesExtension(**kwargs)
