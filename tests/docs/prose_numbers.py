"""文の中の数が、同じ節で計算されたものかを調べる。

ページのコードと出力、図、数だけの等式は、動かして確かめてある。文の数は、そのどれかになければならない。
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import re
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import unquote
from xml.etree import ElementTree

from bs4 import BeautifulSoup, Tag
from matplotlib.text import Text

from dlnotes.site.math import spell

__all__ = ["Findings", "check", "leads_to"]

_DIGITS = r"(?:\d{1,3}(?:[,_]\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_LITERAL = re.compile(rf"(?<![A-Za-z_\d.]){_DIGITS}(?:e[-+]?\d+)?")
_UNIT = {"": 1.0, "兆": 1e12, "億": 1e8, "万": 1e4, "%": 1e-2, "割": 1e-1}
_CLAIM = re.compile(
    # 引き算の「−」は、負の数の符号ではない。
    r"(?<![A-Za-z_\d.^])(?P<sign>(?<![\w)\]}⊤|′*]−)(?<=−))?"
    rf"(?P<number>{_DIGITS}) ?(?P<unit>[兆億万%割]?)"
    r"(?P<inverse> ?分の 1)?(?:×10\^\(?(?P<power>−?\d+)\)?)?"
)
# 10 の累乗だけで書いた数。
_POWER = re.compile(r"(?<![\d×])10\^\(?(−?\d+)\)?")
# 文献の年と場所、数の形式の名前。
_REFERENCE = re.compile(
    r"(?<![\d.,])(?:1[89]|20)\d\d(?= ?年|）|\)| [A-Z])|\d+(?:\.\d+)+ (?:節|項|目)|(?:32|64) ビット"
)
# 数え上げ（「二つ」「3 層」）と見分けのつかない数。
_SMALL = 10
# 明るいほうの図。つまみで動くものなら、はじめのコマ。
_FIGURE = re.compile(r"figures/(dl\w+)/(\w+)(?:/\d+)?\.svg#only-light")

# 図の見た目だけを決める引数。
_LOOK = {
    *("alpha", "figsize", "fontsize", "height", "lw", "linewidth", "markersize", "ms", "s"),
    *("width", "xlim", "ylim", "xytext", "zorder"),
}

_RELATION = re.compile(r"([=≈<>≤≥])")
_ROUNDED = re.compile(rf"−?(?P<number>{_DIGITS})(?:×10\^\(?(?P<power>−?\d+)\)?)?")
_PYTHON = str.maketrans({"×": "*", "⋅": "*", "−": "-", "[": "(", "]": ")", "{": "(", "}": ")"})
_FUNCTION = r"sqrt|exp|log|ceil|floor|e(?=\*)"
# 添え字と、和の範囲。数としての意味がない。対数の底は残す。
_SCRIPTS = (
    'msub:not(:has(mi:-soup-contains("log"))) > :nth-child(2), '
    "msubsup > :nth-child(2), munder > :nth-child(2), "
    "munderover > :nth-child(n+2)"
)


@dataclass(frozen=True)
class Claim:
    """文の中の数ひとつ。「2.9 万」は 2.85 万から 2.95 万まで、ただの整数は、ちょうどその数。"""

    number: str
    unit: str = ""
    power: str = "0"
    is_inverse: bool = False
    is_negative: bool = False

    @classmethod
    def of(cls, found: re.Match[str]) -> Claim:
        power = (found["power"] or "0").replace("−", "-")
        signs = bool(found["inverse"]), found["sign"] is not None
        return cls(found["number"], found["unit"], power, *signs)

    @property
    def _decimals(self) -> int:
        return len(self.number.partition(".")[2])

    @property
    def _scale(self) -> float:
        return _UNIT[self.unit] * 10.0 ** int(self.power)

    @property
    def _size(self) -> float:
        return float(self.number.replace(",", ""))

    @property
    def is_small(self) -> bool:
        return self._scale == 1 and not self._decimals and self._size <= _SMALL

    def misprinted(self, step: int) -> Claim:
        """最後の桁だけが違う数。"""
        wrong = str((int(self.number[-1]) + step) % 10)
        return replace(self, number=self.number[:-1] + wrong)

    def is_in(self, numbers: set[float]) -> bool:
        """四捨五入するとこの数になるものがあるか。"""
        size = self._size * self._scale
        is_exact = self._scale == 1 and not self._decimals
        if not size:
            return 0.0 in numbers
        if self.is_negative:
            numbers = {-x for x in numbers}
        reach = 0.0 if is_exact else 0.5 * 10.0**-self._decimals * self._scale
        near = [(size, reach)]
        if self.is_inverse:
            near.append((1 / size, 0.05 / size))
        return any(abs(x - c) <= r + 1e-9 * c for c, r in near for x in numbers)


@dataclass(frozen=True)
class Findings:
    """ページの数を調べた結果。

    Attributes:
        false: 成りたたない等式と不等式。
        unproved: 計算されていない数から、その前後の文へ。
        misprints: どの数も三通りに書き誤ったときの、見つかる誤りの数と、誤りの数。
    """

    false: list[str]
    unproved: dict[str, str]
    misprints: tuple[int, int]


def check(page: Tag) -> Findings:
    """文の中の数が、その節か、その節がリンクで指す節で計算されているかを調べる。

    Args:
        page: 記事の HTML。
    """
    false: list[str] = []
    sections = [(section, _computed(section, false)) for section in _sections(page)]
    places = {
        str(element["id"]): numbers
        for section, numbers in sections
        for element in section.find_all(id=True)
    }
    if page.select_one(".dl-notebook-links"):
        # ノートブックのはじめとまとめは、ひと続きの計算の全体のことを言う。
        for _, numbers in (sections[0], sections[-1]):
            numbers.update(*(other for _, other in sections))
    unproved, caught, total = {}, 0, 0
    for section, computed in sections:
        links = section.select('a[href^="#"]:not(.headerlink)')
        numbers = computed.union(
            *(places.get(unquote(str(link["href"])[1:]), set()) for link in links)
        )
        text = _prose(section)
        for found in _CLAIM.finditer(text):
            claim = Claim.of(found)
            if claim.is_small:
                continue
            if not claim.is_in(numbers):
                unproved[found[0].strip()] = text[max(0, found.start() - 20) : found.end() + 10]
            total += 3
            caught += sum(not claim.misprinted(step).is_in(numbers) for step in (1, 3, 7))
    return Findings(false, unproved, (caught, total))


def leads_to(answer: str, reason: str) -> bool:
    """理由の中で計算をしていれば、その計算のどれかが、答えの数になるか。

    Args:
        answer: 数のある答え。式は一列の字にしておく。
        reason: 理由。式は一列の字にして、`$` で囲んでおく。
    """
    sides = [side for formula in reason.split("$")[1::2] for side in _RELATION.split(formula)]
    # 数ひとつや分数ひとつを挙げただけのものは、計算とみない。
    worked = [side for side in sides if re.search(r"[\d)]\s*[×⋅+−/^]\s*\(?[\d⌈]|√|⌈", side)]
    # 「いくつ減ったか」の答えは負の数でも、理由では正の数を求める。
    sizes = {abs(v) for side in sides if (v := _value(side)) is not None}
    values = sizes | {-size for size in sizes}
    claims = map(Claim.of, _CLAIM.finditer(answer))
    return all(_value(side) is None for side in worked) or any(c.is_in(values) for c in claims)


def _sections(page: Tag) -> list[Tag]:
    """記事を、大きな見出し（h2）ごとに分ける。"""
    article = copy(page)
    for hidden in article.select("template, script, details.dl-details, h2#出典 ~ *"):
        hidden.extract()
    sections: list[Tag] = []
    for element in list(article.children):
        if not sections or (isinstance(element, Tag) and element.name == "h2"):
            sections.append(BeautifulSoup("", "html.parser").new_tag("section"))
        sections[-1].append(element)
    return sections


def _computed(section: Tag, false: list[str]) -> set[float]:
    """節で計算した数。コードを取り除き、式を一列の字に替え、成りたたない等式を `false` に足す。"""
    sources = (str(image["src"]) for image in section.find_all("img", src=_FIGURE))
    numbers: set[float] = set().union(*(_drawn(*_FIGURE.findall(s)[0]) for s in sources))
    for pre in section.find_all("pre"):
        numbers |= _numbers(pre.extract().get_text())
    for formula in _formulas(section):
        sides = _RELATION.split(formula)
        for left, relation, right in zip(sides[::2], sides[1::2], sides[2::2], strict=False):
            holds = _holds(left, relation, right)
            if holds is False:
                false.append(f"{left}{relation}{right}")
            # 数どうしを並べただけでは、計算したことにならない。
            elif holds and not (_is_literal(left) and _is_literal(right)):
                numbers |= _numbers(f"{left} {right}")
                values = [_value(left) or 0.0, _value(right) or 0.0]
                numbers |= {*values, *map(abs, values)}
    return numbers


def _numbers(text: str) -> set[float]:
    """書かれた数。負の数は、符号を除いたものも。"""
    text = _POWER.sub(lambda power: f"1e{power[1].replace('−', '-')}", text)
    found = [
        (float(re.sub("[,_]", "", match[0])), text[: match.start()][-1:])
        for match in _LITERAL.finditer(text)
    ]
    return {n for n, _ in found} | {-n for n, before in found if before in ("-", "−")}


@cache
def _drawn(stem: str, name: str) -> set[float]:
    """図を描く関数に書かれた数と、描かれた図の中の字にある数。"""
    function = getattr(importlib.import_module(f"dlnotes.figures.{stem}"), name)
    texts = [_calculation(function)]
    if not inspect.signature(function).parameters:
        texts += [text.get_text() for text in function().findobj(Text)]
    return _numbers(" ".join(texts))


def _calculation(function: Callable[..., object]) -> str:
    """図を描く関数から、線の太さなど、見た目だけの数を除く。"""
    tree = ast.parse(inspect.getsource(function))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            call.keywords = [keyword for keyword in call.keywords if keyword.arg not in _LOOK]
    return ast.unparse(tree)


def _formulas(section: Tag) -> Iterator[str]:
    """式を一列の字に置きかえながら、式と、その中のます（行列や場合分けのひとつ）を並べる。"""
    for formula in section.find_all("math"):
        for script in formula.select(_SCRIPTS):
            script.clear()
        pieces: list[str] = []
        # 行列の中の行列は、内側から。
        for cell in formula.select('mtable:not([displaystyle="true"]) > mtr > mtd')[::-1]:
            pieces.append(spell(ElementTree.fromstring(str(cell))))
            cell.clear()
        rows: list[str] = []
        for row in formula.select('mtable[displaystyle="true"] > mtr'):
            # 左のますが空の行は、前の行の続き。
            before = rows.pop() if rows and not row.mtd.get_text(strip=True) else ""
            rows.append(before + spell(ElementTree.fromstring(str(row))))
            row.clear()
        pieces += rows
        pieces.append(spell(ElementTree.fromstring(str(formula))))
        formula.replace_with(" ".join(pieces))
        yield from pieces


def _prose(section: Tag) -> str:
    # つまみの図の代替文は、図を描く関数が作る。
    alts = [str(image["alt"]) for image in section.select(":not(.dl-slider) > img")]
    text = " ".join([section.get_text(" "), *alts])
    text = _REFERENCE.sub("", re.sub(r"\s+", " ", text))
    return _POWER.sub(r"1×10^(\1)", text)


def _holds(left: str, relation: str, right: str) -> bool | None:
    """数だけの等式か不等式が成りたつか。文字を含めば `None`。"""
    a, b = _value(left), _value(right)
    if a is None or b is None:
        return None
    if relation == "=":
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    if relation == "≈":
        return abs(a - b) <= max(_half_unit(left), _half_unit(right)) * (1 + 1e-9)
    return {"<": a < b, ">": a > b, "≤": a <= b, "≥": a >= b}[relation]


def _value(expression: str) -> float | None:
    """数だけの式（`0.2×0.9/0.5`、`⌈50000/128⌉`）の値。文字を含めば `None`。"""
    # 関数と引数のあいだには、見えない字（U+2061）がある。
    text = re.sub(r"\u2061([\d.]+(?:/[\d.]+)?)", r"(\1)", expression).replace("\u2061", "")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text).translate(_PYTHON)
    text = re.sub(r"⌈(.*?)⌉", r"ceil(\1)", re.sub(r"⌊(.*?)⌋", r"floor(\1)", text))
    text = re.sub(r"√([\d.]+)", r"sqrt(\1)", text).replace("√", "sqrt").replace("^", "**")
    text = re.sub(rf"(?<=[\d)])(?=\(|{_FUNCTION})", "*", text).strip(" 、。,")
    if not re.fullmatch(rf"(?:{_FUNCTION}|[\d.()+*/ -])+", text):
        return None
    try:
        return float(eval(text, {"__builtins__": {}}, vars(math)))
    except (SyntaxError, TypeError, ArithmeticError, NameError, ValueError):
        return None


def _is_literal(side: str) -> bool:
    return _ROUNDED.fullmatch(side.strip(" 、。,")) is not None


def _half_unit(side: str) -> float:
    """四捨五入した数の、最後の桁の半分。式のままなら 0。"""
    rounded = _ROUNDED.fullmatch(side.strip(" 、。,"))
    if rounded is None:
        return 0.0
    decimals = len(rounded["number"].partition(".")[2])
    return 0.5 * 10.0 ** (int((rounded["power"] or "0").replace("−", "-")) - decimals)
