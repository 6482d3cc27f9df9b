"""スタイルシートから、どのページにもないものの見た目を除く。

Material の CSS の三分の一は、このサイトにない部品（タブ、ブログなど）のもの。その多くは、
どの要素にも当たりうる形（`:nth-child(20)` など）なので、要素ごとに何度も照らし合わされる。
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import tinycss2

from dlnotes.site import reuse

__all__ = ["trim", "trim_all"]

_WORD = re.compile(r"[\w-]+")
_CLASSES = re.compile(r'\bclass=(?:"([^"]*)"|([\w-]+))')
_SCRIPTS = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# 中身が変われば名前も変わるはずのファイル。一年、尋ね直させずに使わせる（hosting/nginx.conf）。
_NAMED_BY_CONTENT = re.compile(r"\.[0-9a-f]{8}(?=\.min\.css$)")
# ブラウザの知らない書き方が一つある並びは、丸ごと捨てられる。一部を除くと、残りが働いてしまう。
_VENDOR = ":-"
_NESTING = {"media", "supports"}
# どちらも、すべての要素の見た目を決め直させる。一つめは配色が替わるときのものなのに、ページを
# 開くたびに働く。除いたので、配色を切りかえたとき、リンクなどの色は少し遅れて変わる。
# 二つめは表のすぐ後の余白で、表は囲みの中にあるので当たらない。
_NEEDLESS = re.compile(r"\[data-md-color-switching\]|table:not\(\[class\]\)\+\*$")
# [class] と書くと、どの要素の class が変わっても、その中のすべての見た目が決め直される。
# compact が表に class を付けるので、この形のままでは当たりもしない。
_CLASSLESS, _TABLE = "table:not([class])", "table:not(._)"


def trim_all(site: Path, around: str) -> None:
    """ページの class にもスクリプトの言葉にもない class の見た目を、サイトの CSS から除きます。

    Args:
        site: できあがったサイト。
        around: `reuse.surroundings` の鍵。

    Raises:
        ValueError: CSS に文法の誤りがあるとき。
    """
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    words = frozenset().union(
        *map(_class_words, pages.values()),
        *(_words(script.read_text("utf-8")) for script in site.glob("assets/**/*.js")),
    )
    renamed = {}
    for sheet in sorted(site.glob("assets/**/*.css")):
        try:
            css = sheet.read_text("utf-8")
            key = reuse.digest(css, sorted(words), around)
            css = reuse.once("CSS", sheet.name, key, partial(trim, css, words))
        except ValueError as error:
            raise ValueError(f"{sheet.name} の {error}") from error
        name = _NAMED_BY_CONTENT.sub(f".{hashlib.sha256(css.encode()).hexdigest()[:8]}", sheet.name)
        sheet.with_name(name).write_text(css, encoding="utf-8")
        if name != sheet.name:
            renamed[sheet.name] = name
            sheet.unlink()
            # もとの CSS の行を指すものなので、もう合わない。
            sheet.with_name(f"{sheet.name}.map").unlink(missing_ok=True)
    for path, html in pages.items():
        for old, new in renamed.items():
            html = html.replace(f"stylesheets/{old}", f"stylesheets/{new}")
        path.write_text(html, encoding="utf-8")


# serve の間、変わっていないページとスクリプトは、一度しか調べない。
@lru_cache(maxsize=64)
def _class_words(html: str) -> frozenset[str]:
    classes = {w for quoted, bare in _CLASSES.findall(html) for w in quoted.split() or [bare]}
    return frozenset(classes | _words(" ".join(_SCRIPTS.findall(html))))


@lru_cache(maxsize=128)
def _words(script: str) -> frozenset[str]:
    return frozenset(_WORD.findall(script))


def trim(css: str, words: frozenset[str]) -> str:
    """知らない class を要るとするセレクターと、ページの見た目を遅くするだけのもの、注釈を除きます。

    Args:
        css: スタイルシート。
        words: 残す class の名前。

    Raises:
        ValueError: 文法の誤りがあるとき。
    """
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    _check(rules)
    return "".join(_trimmed(rules, words))


def _check(nodes: Iterable[Any]) -> None:
    for node in nodes:
        if node.type == "error":
            raise ValueError(f"{node.source_line} 行目に文法の誤りがあります（{node.message}）")
        for inner in ("prelude", "content", "arguments"):
            if isinstance(part := getattr(node, inner, None), list):
                _check(part)


def _trimmed(rules: Iterable[Any], words: frozenset[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            groups = groupby(rule.prelude, lambda token: token == ",")
            found = [list(group) for is_comma, group in groups if not is_comma]
            whole = _VENDOR in tinycss2.serialize(rule.prelude)
            possible = [tinycss2.serialize(s).strip() for s in found if whole or _known(s, words)]
            kept = [s for s in possible if not _NEEDLESS.search(s)]
            if kept:
                selectors = ",".join(kept).replace(_CLASSLESS, _TABLE)
                yield f"{selectors}{{{_declarations(rule.content)}}}"
        elif rule.type == "at-rule" and rule.at_keyword in _NESTING and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            _check(inner)
            if content := "".join(_trimmed(inner, words)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{content}}}"
        else:
            yield tinycss2.serialize([rule])


def _known(selector: list[Any], words: frozenset[str]) -> bool:
    """括弧の中（`:not(.a)` など）は、どれかがあてはまればよいこともあるので、見ない。"""
    return all(
        name.value in words
        for dot, name in pairwise(selector)
        # 記号のある名前は、スクリプトの言葉からは見つけられない。
        if dot == "." and name.type == "ident" and _WORD.fullmatch(name.value)
    )


def _declarations(content: list[Any]) -> str:
    return re.sub(r"\s*\n\s*", " ", tinycss2.serialize(content)).strip()
