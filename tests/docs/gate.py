"""読む人に見える Python のコードが、すべて動かして出力を比べたものかを調べる。"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cache

import markdown
import mkdocs.config
import pygments.lexers
from bs4 import BeautifulSoup, Tag
from pygments.util import ClassNotFound
from pytest_codeblocks import CodeBlock, extract_from_buffer

# Python でも、動かしたコードの出力でもないのに見せてよいコードの言語。
PLAIN_LANGUAGES = {"bibtex", "console"}
_LANGUAGE = re.compile(r"language-(\S+)")


@dataclass(frozen=True)
class Shown:
    """ページに見えるコードのひとかたまり。"""

    language: str
    text: str

    @property
    def is_python(self) -> bool:
        try:
            return "Python" in type(pygments.lexers.get_lexer_by_name(self.language)).__name__
        except ClassNotFound:
            return False


@cache
def _site() -> mkdocs.config.base.Config:
    return mkdocs.config.load_config("mkdocs.yml")


def render(text: str) -> BeautifulSoup:
    """サイトと同じ拡張で Markdown を HTML にする。"""
    site = _site()
    html = markdown.markdown(
        text, extensions=site["markdown_extensions"], extension_configs=site["mdx_configs"]
    )
    return BeautifulSoup(html, "html.parser")


def shown_blocks(page: BeautifulSoup) -> list[Shown]:
    """ページに見えるコードを順に並べる。"""
    blocks = []
    for pre in page.find_all("pre"):
        box = pre.find_parent("div", class_="highlight")
        classes = " ".join(box["class"]) if isinstance(box, Tag) else ""
        language = _LANGUAGE.search(classes)
        blocks.append(Shown(language[1] if language else "", pre.get_text()))
    return blocks


def _is_proved(block: CodeBlock) -> bool:
    return (
        block.syntax == "python"
        and bool((block.expected_output or "").strip())
        and not block.expected_output_ignore_whitespace
        and not block.marks
        and block.importorskip is None
        and "__name__" not in block.code
    )


def unproved(text: str) -> list[str]:
    """動かして出力を比べたと言えないコードを、その理由とともに並べる。"""
    found = []
    if re.search(r"<!--[-\s]*pytest-codeblocks:\s*cont\b", text):
        found.append("cont は、続きのコードが Python でないとき黙って捨てられます")
    private = re.findall(r"^ *from dlnotes\S* import .*\b_\w+", text, re.MULTILINE)
    found += [f"読む人に見せない名前の import: {line.strip()}" for line in private]
    blocks = extract_from_buffer(io.StringIO(text))
    # ブラウザでは一つの Python が次々に動かすので、後のコードの出力まで変わる。
    lasting = re.compile(r"^.*(?:set_printoptions|seterr|rcParams|random\.seed).*", re.MULTILINE)
    settings = (line for block in blocks for line in lasting.findall(block.code))
    found += [f"後のコードにも残る設定: {line.strip()}" for line in settings]
    codes = [block.code for block in blocks if _is_proved(block)]
    outputs = [block.expected_output for block in blocks if _is_proved(block)]
    for block in shown_blocks(render(text)):
        # 同じコードが二度見えるときは、二度動いていなければならない。
        waiting = codes if block.is_python else outputs
        if block.text in waiting:
            waiting.remove(block.text)
        elif block.is_python:
            found.append(f"動かして出力を比べていないコード:\n{block.text}")
        elif block.language not in PLAIN_LANGUAGES:
            found.append(
                f"出力でも Python でもないコード（{block.language or '言語なし'}）:\n{block.text}"
            )
    return found + [f"ページに見えないコードまたは出力:\n{text}" for text in [*codes, *outputs]]
