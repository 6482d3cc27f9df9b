"""検索エンジンや、住所を貼った先に見せる、ページの紹介文。"""

from __future__ import annotations

import re
from html import escape, unescape

__all__ = ["description"]

_PARAGRAPH = re.compile(r"</h1>.*?<p>(.*?)</p>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_SENTENCE = re.compile(r"[^。]*。")
# これより後は、どのサービスでもふつう省かれる。
_ROOM = 120


def description(html: str) -> str:
    """題のすぐ下の段落から、入るだけの文を取り出します。

    題や段落がなければ、空の文字列を返します。

    Args:
        html: ページの本文。
    """
    paragraph = _PARAGRAPH.search(html)
    text = unescape(_TAG.sub("", paragraph[1])) if paragraph else ""
    said = ""
    for sentence in _SENTENCE.findall(" ".join(text.split())):
        if said and len(said) + len(sentence) > _ROOM:
            break
        said += sentence
    return escape(said)
