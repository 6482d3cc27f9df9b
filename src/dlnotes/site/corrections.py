"""ページにある訂正の囲みを集めて、ひとつの表にする Markdown 拡張。

表はもとの囲みから作られるので、囲みと食い違うことも、一つ抜けることもない。
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

from click import ClickException
from markdown import Extension, Markdown
from pymdownx.slugs import slugify

from dlnotes.site import marker
from dlnotes.site.japanese import join_lines

__all__ = ["CorrectionError", "CorrectionsExtension", "corrections", "makeExtension", "written"]

MARKER = "[[訂正一覧]]"
_BOX = re.compile(
    r'^### (?P<title>訂正: .+)\n+!!! correction "訂正"\n(?P<box>(?:    .*\n|\n)+)', re.MULTILINE
)
_SAID = re.compile(
    r"\*\*(?P<who>[^*]+)\*\*: (?P<said>.+?)\n\n\*\*正しくは\*\*: (?P<true>.+?)(?:\n\n|\Z)",
    re.DOTALL,
)
_CODE = re.compile(r"dl\d+(_\d)?(?=_)")
_slug = slugify(case="lower")


class CorrectionError(ClickException, ValueError):
    """囲みの書き方の誤り。MkDocs の命令は、呼び出しの跡なしに一行で見せる。"""


def corrections(page: str) -> Iterator[tuple[str, str, str]]:
    """一枚の原稿にある訂正を、見出し、言われていたこと、正しいことの組にして順に出します。

    Args:
        page: ページの原稿。

    Raises:
        CorrectionError: 囲みの書き方が決まりと違うとき。どの訂正かを言います。
    """
    for match in _BOX.finditer(page):
        found = _SAID.search(dedent(match["box"]).strip())
        if found is None:
            raise CorrectionError(
                f"「{match['title']}」に、言った人と **正しくは** の段落がありません"
            )
        yield match["title"], f"{found['who']}: {found['said']}", found["true"]


def written(docs: Path) -> list[str]:
    """ページに書き入れる、すべての訂正の表の行。

    Args:
        docs: 原稿のフォルダー。

    Raises:
        CorrectionError: 囲みの書き方が決まりと違うとき。どの訂正かを言います。
    """
    # 三列にすると、電話の幅では一列が六字ほどになる。
    return ["| 言われていたこと | 正しくは |", "|---|---|", *_rows(docs)]


def _rows(docs: Path) -> Iterator[str]:
    # 題目の順。どの題目でもないページは終わりに置く。
    for page in sorted(docs.glob("*.md"), key=lambda page: (not _code(page), page.stem)):
        for title, said, true in corrections(page.read_text(encoding="utf-8")):
            name = title.removeprefix("訂正: ")
            link = f"[{name}]({page.name}#{_slug(title, '-')})"
            texts = [join_lines(t.replace("](#", f"]({page.name}#")) for t in (said, true)]
            cells = [f"**{_code(page) or '資料'}** {link}<br>{texts[0]}", texts[1]]
            yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _code(page: Path) -> str:
    """題目の番号。題目のページでなければ空。"""
    return match[0].upper() if (match := _CODE.match(page.stem)) else ""


class CorrectionsExtension(Extension):
    """`[[訂正一覧]]` と書かれた行を、すべてのページの訂正の表にする。"""

    def __init__(self, **kwargs: Any) -> None:
        self.config = {"docs": ["docs", "原稿のフォルダー"]}
        super().__init__(**kwargs)

    def extendMarkdown(self, md: Markdown) -> None:
        """表を書き入れる処理を登録します。"""
        docs = Path(self.getConfig("docs"))
        marker.fill(md, "dlnotes-corrections", MARKER, lambda: written(docs))


def makeExtension(**kwargs: Any) -> CorrectionsExtension:
    """Python-Markdown が拡張を作るときに呼びます。"""
    return CorrectionsExtension(**kwargs)
