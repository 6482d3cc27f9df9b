"""スタイルシートから、どのページにもないものの見た目を除く。

Material の CSS の四割は、このサイトにない部品（タブ、ブログなど）のもの。その多くは、どの要素にも
当たりうる形（`:nth-child(20)` など）なので、読む人のブラウザは、要素ごとに何度も照らし合わせる。
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import tinycss2

__all__ = ["trim", "trim_all"]

_WORD = re.compile(r"[\w-]+")
_CLASSES = re.compile(r'\bclass=(?:"([^"]*)"|([\w-]+))')
_SCRIPTS = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_NESTING = {"media", "supports", "layer"}
# どちらも、すべての要素の見た目を決め直させる。一つめは配色が替わるときのもので、
# ページを開くたびに働く。二つめは表のすぐ後の余白で、表は囲みの中にあるので当たらない。
_NEEDLESS = re.compile(r"\[data-md-color-switching\]|table:not\(\[class\]\)\+\*$")
# [class] と書くと、どの要素の class が変わっても、その中のすべての見た目が決め直される。
# compact が表に class を付けるので、この形のままでは当たりもしない。
_CLASSLESS, _TABLE = "table:not([class])", "table:not(._)"


def trim_all(site: Path) -> None:
    """ページの class にもスクリプトの言葉にもない class の見た目を、サイトの CSS から除きます。

    Args:
        site: できあがったサイト。
    """
    words: set[str] = set()
    for page in site.rglob("*.html"):
        html = page.read_text("utf-8")
        for quoted, bare in _CLASSES.findall(html):
            words.update(quoted.split() or [bare])
        words.update(_WORD.findall(" ".join(_SCRIPTS.findall(html))))
    for script in site.glob("assets/**/*.js"):
        words.update(_WORD.findall(script.read_text("utf-8")))
    for sheet in site.glob("assets/**/*.css"):
        sheet.write_text(trim(sheet.read_text("utf-8"), frozenset(words)), encoding="utf-8")


@cache
def trim(css: str, words: frozenset[str]) -> str:
    """知らない class を要るとするセレクターと、注釈を除きます。

    Args:
        css: スタイルシート。
        words: 残す class の名前。
    """
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(_trimmed(rules, words))


def _trimmed(rules: Iterable[Any], words: frozenset[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            groups = groupby(rule.prelude, lambda token: token == ",")
            found = [list(group) for is_comma, group in groups if not is_comma]
            possible = [tinycss2.serialize(s).strip() for s in found if _can_match(s, words)]
            kept = [s for s in possible if not _NEEDLESS.search(s)]
            if kept:
                selectors = ",".join(kept).replace(_CLASSLESS, _TABLE)
                yield f"{selectors}{{{_declarations(rule.content)}}}"
        elif rule.type == "at-rule" and rule.at_keyword in _NESTING and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if content := "".join(_trimmed(inner, words)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{content}}}"
        else:
            yield tinycss2.serialize([rule])


def _can_match(selector: list[Any], words: frozenset[str]) -> bool:
    """括弧の中（`:not(.a)` など）は、どれかがあてはまればよいこともあるので、見ない。"""
    return all(
        name.value in words
        for dot, name in pairwise(selector)
        if dot == "." and name.type == "ident"
    )


def _declarations(content: list[Any]) -> str:
    text = tinycss2.serialize([token for token in content if token.type != "comment"])
    return re.sub(r"\s*\n\s*", " ", text).strip()
