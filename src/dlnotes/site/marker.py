"""原稿の目印の行を、ほかの原稿やデータから書く行に替える Markdown の処理。"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from markdown import Markdown
from markdown.preprocessors import Preprocessor

__all__ = ["fill"]


class _Fill(Preprocessor):
    def __init__(self, md: Markdown, marker: str, write: Callable[[], Iterable[str]]) -> None:
        super().__init__(md)
        self.marker, self.write = marker, write

    def run(self, lines: list[str]) -> list[str]:
        if self.marker not in lines:
            return lines
        place = lines.index(self.marker)
        return [*lines[:place], *self.write(), *lines[place + 1 :]]


def fill(md: Markdown, name: str, marker: str, write: Callable[[], Iterable[str]]) -> None:
    """ほかの処理が原稿を読む前に、目印の行を `write` の返す行に替える処理を登録します。"""
    md.preprocessors.register(_Fill(md, marker, write), name, 110)
