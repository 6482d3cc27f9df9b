"""LaTeX の数式を、ビルド時に MathML Core へ変える Markdown 拡張。"""

from __future__ import annotations

import html
import re
from typing import Any
from xml.etree import ElementTree

from click import ClickException
from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from math_core import LatexError, LatexToMathML

__all__ = ["FormulaError", "MathExtension", "makeExtension", "spell", "spelled", "to_mathml"]

_CONVERTER = LatexToMathML(fancy_error=False)
# XML が知っている名前はそのまま残し、HTML だけの名前（&ApplyFunction; など）を文字に戻す。
_HTML_ENTITY = re.compile(r"&(?!lt;|gt;|amp;|quot;|apos;|#)\w+;")

_PRIMES = {"′", "″", "‴"}
# 文字に付かない、大きな形。
_ACCENTS = {"\u02c6": "^", "\u02dc": "~"}
# 前の字の上に付く形。^ のままでは、べき乗に見える。
_COMBINING = {"^": "\u0302", "~": "\u0303"}
# 検索の索引に入れる式。
_INLINE_MATH = re.compile(r"<math\b(?![^>]*data-search-exclude).*?</math>", re.DOTALL)
_ALIGNMENT = {
    "dl-left": "text-align:left",
    "dl-right": "text-align:right",
    "dl-flush-left": "padding-left:0",
    "dl-flush-right": "padding-right:0",
    "dl-column": "padding-left:1em",
}


class FormulaError(ClickException):
    """読めない数式、または閉じていない `$`。MkDocs の命令は、呼び出しの跡なしに一行で見せる。"""


def to_mathml(latex: str, *, display: bool) -> ElementTree.Element:
    """LaTeX の数式ひとつを `<math>` 要素に変えます。

    Args:
        latex: `$` を除いた LaTeX。
        display: 独立した行に置く式なら `True`。

    Raises:
        FormulaError: LaTeX として読めないとき。
    """
    try:
        mathml = _CONVERTER.convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        raise FormulaError(f"数式を読めません（{error}）: {latex}") from error
    math = ElementTree.fromstring(_HTML_ENTITY.sub(lambda m: html.unescape(m[0]), mathml))
    for cell in math.iter("mtd"):
        _align(cell)
    for element in math.iter():
        _redraw(element)
    if display:
        # 検索の結果には、文の中の式だけを見せる。
        math.set("data-search-exclude", "")
    return math


def spelled(page: str) -> str:
    """検索の結果で 2 の 100 乗が 2100 と読めないように、文の中の式を一列の字に書き直します。

    Args:
        page: 式を `<math>` で含む HTML。
    """
    return _INLINE_MATH.sub(lambda m: html.escape(spell(ElementTree.fromstring(m[0]))), page)


def spell(element: ElementTree.Element) -> str:
    """MathML の式を、一列の字（`10^(−7)`、`1/2`）にします。

    Args:
        element: MathML の要素。
    """
    parts = [spell(child) for child in element]
    if element.tag == "mfrac":
        return "/".join(map(_group, parts))
    if element.tag == "mover" and parts[1] in _COMBINING:
        return parts[0] + _COMBINING[parts[1]]
    if element.tag == "msqrt":
        return f"√{_group(''.join(parts))}"
    # 転置の ⊤ と、層の番号の (1) は、べき乗ではない。
    if element.tag in ("msup", "msubsup") and parts[-1][:1] not in "⊤(":
        parts[-1] = f"^{_group(parts[-1])}"
    return (element.text or "").strip() + "".join(parts)


def _group(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"


def _align(cell: ElementTree.Element) -> None:
    """表のますの揃え方を、ますの数だけ繰り返される長い style 属性から、短いクラスに移す。"""
    style = cell.attrib.pop("style", "")
    names = [name for name, property_ in _ALIGNMENT.items() if property_ in style.replace(" ", "")]
    if names:
        cell.set("class", " ".join(names))
    if len(cell) > 1:
        # WebKit は、ますの中身を式の一行とみなさず、括弧を伸ばさない。
        row = ElementTree.Element("mrow")
        row.extend(cell[:])
        cell[:] = [row]


def _redraw(element: ElementTree.Element) -> None:
    """ブラウザが小さく描きすぎる記号を、読める形に書き直す。"""
    last = element[-1] if len(element) else None
    if element.tag in {"msup", "msubsup"} and last is not None and (last.text or "") in _PRIMES:
        # ′ は、もとから肩にある字なので、添え字にすると二度小さくなる。
        element.remove(last)
        element.tag = {"msup": "mrow", "msubsup": "msub"}[element.tag]
        primed = element
        if element.tag == "msub":
            primed = ElementTree.Element("mrow")
            primed.append(element[0])
            element[0] = primed
        primed.append(last)
    elif element.tag in {"msub", "msup", "msubsup"}:
        # WebKit は、添え字の記号の左右も空ける。
        for script in element[1:]:
            if script.tag == "mo":
                script.attrib |= {"lspace": "0", "rspace": "0"}
    elif element.tag == "mover" and last is not None:
        last.text = _ACCENTS.get(last.text or "", last.text)
        if element.get("accent") and last.text != "~":
            element.set("class", "dl-accent")
    elif element.text == "⊙":
        # Firefox は、独立した行の ⊙ を、Σ のように大きく描く。
        element.set("largeop", "false")
    elif element.tag == "msqrt":
        # 低い根号は、行の下へはみ出す。
        element.append(ElementTree.Element("mpadded", width="0", height=".75em", depth=".25em"))


def _name(part: ElementTree.Element) -> None:
    for formula in part.iter("math"):
        formula.set("aria-label", spell(formula))


class _RememberSource(Preprocessor):
    """誤りの行番号を言えるように、変換される前の行を覚える。"""

    lines: list[str] = []  # noqa: RUF012 - run が毎回置きかえる

    def run(self, lines: list[str]) -> list[str]:
        self.lines = list(lines)
        return lines

    def locate(self, latex: str) -> str:
        first_line = latex.strip().splitlines()[0]
        for number, line in enumerate(self.lines, start=1):
            if first_line in line:
                return f"本文の {number} 行目: "
        return ""


class _FormulaTreeprocessor(Treeprocessor):
    """Arithmatex が見つけた数式を MathML に置きかえ、残った `$` を誤りとする。"""

    def __init__(self, md: Markdown, source: _RememberSource) -> None:
        super().__init__(md)
        self.source = source

    def run(self, root: ElementTree.Element) -> None:
        for element in root.iter():
            if "arithmatex" in element.get("class", "").split():
                self._replace(element)
            else:
                self._refuse_dollar(element.text)
            self._refuse_dollar(element.tail)
        # 折りたたみの題と、確認テストの問いと選択肢は、部品の名前になる。
        # 名前のない <math> を、ブラウザは部品の名前に入れない。
        for part in root.iterfind(".//summary"):
            _name(part)
        for question in root.iterfind(".//div[@class='dl-question']"):
            for part in (*question.iterfind("p"), *question.iterfind("ol")):
                _name(part)

    def _replace(self, element: ElementTree.Element) -> None:
        text = html.unescape(element.text or "")
        latex = text[2:-2]  # Arithmatex が付ける \( \) と \[ \] を除く
        display = text.startswith(r"\[")
        try:
            math = to_mathml(latex, display=display)
        except FormulaError as error:
            raise FormulaError(f"{self.source.locate(latex)}{error}") from error
        element.text = None
        element.append(math)
        if display:
            element.set("tabindex", "0")

    def _refuse_dollar(self, text: str | None) -> None:
        if text and "$" in text and not isinstance(text, AtomicString):
            raise FormulaError(
                f"{self.source.locate(text)}閉じていない $ があります"
                f"（文字なら \\$、表の中の縦棒は \\mid と書きます）: {text.strip()}"
            )


class MathExtension(Extension):
    """`$…$` と `$$…$$` を MathML Core にする。"""

    def extendMarkdown(self, md: Markdown) -> None:
        """数式の区切りを見つける Arithmatex と、置きかえる処理を登録します。"""
        md.registerExtensions(
            ["pymdownx.arithmatex"],
            {
                "pymdownx.arithmatex": {
                    "generic": True,
                    "inline_syntax": ["dollar"],
                    "block_syntax": ["dollar"],
                }
            },
        )
        source = _RememberSource(md)
        md.preprocessors.register(source, "dlnotes-math-source", 100)
        # inline (20) が数式を見つけたあと、toc (5) が見出しを読む前。
        md.treeprocessors.register(_FormulaTreeprocessor(md, source), "dlnotes-math", 18)


def makeExtension(**kwargs: Any) -> MathExtension:
    """Python-Markdown が拡張を作るときに呼びます。"""
    return MathExtension(**kwargs)
