"""「コードの読み方」の表が正しく、どのページのコードの書き方も、どこかで説明してあること。"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise, product
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from numpy.polynomial import Chebyshev

PAGE = "reading_code"
# はじめのページが前提とする、Python の `for` と関数、NumPy の配列の初歩。
_KNOWN = """
for in if elif else def return import from as not and or is True False None while break
print range len abs min max sum round float int str list tuple dict set bool
ValueError TypeError append items split math
array zeros ones arange linspace exp log sqrt sin cos tanh mean pi shape copy random default_rng
"""
KNOWN = set(_KNOWN.split())


def _soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def _texts(cell: Tag) -> list[str]:
    return [code.get_text() for code in cell.find_all("code")]


def test_every_example_of_the_tables_gives_its_result(site: Path) -> None:
    names = {
        "np": np,
        "a": np.array([[1, 2, 3], [4, 5, 6]]),
        "pairwise": pairwise,
        "product": product,
        "combinations": combinations,
        "defaultdict": defaultdict,
        "Chebyshev": Chebyshev,
    }
    rows = [row.find_all("td") for row in _soup(site / PAGE / "index.html").select("tr:has(td)")]
    assert len(rows) > 80
    for example, results, _ in rows:
        code = example.get_text()
        tree = ast.parse(code, mode="eval").body
        parts = tree.elts if isinstance(tree, ast.Tuple) else [tree]
        values = [eval(ast.unparse(part), dict(names)) for part in parts]
        assert [" ".join(str(value).split()) for value in values] == _texts(results), code


def _of_numpy(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).startswith("np")


def _imported() -> set[str]:
    """ページに載る関数が、載らない import から得ている名前。"""
    found = set()
    for file in Path("src/dlnotes").glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            is_ours = isinstance(node, ast.ImportFrom) and str(node.module).startswith("dlnotes")
            if isinstance(node, ast.Import | ast.ImportFrom) and not is_ours:
                found |= {alias.asname or alias.name for alias in node.names}
    return found


IMPORTED = _imported()


def used(code: str) -> Iterator[str]:
    """コードの中の、Python の言葉と組み込み関数、標準ライブラリー、NumPy、配列、乱数の名前。"""
    methods = {*dir(np.ndarray), *dir(np.random.Generator)}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and (_of_numpy(node.value) or node.attr in methods):
            yield node.attr
        elif isinstance(node, ast.Name) and (hasattr(builtins, node.id) or node.id in IMPORTED):
            yield node.id
        elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith("dlnotes"):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("__"):
            yield node.name
    yield from set(keyword.kwlist) & set(code.replace("(", " ").replace(":", " ").split())


def _pages(site: Path) -> dict[str, Path]:
    return {page.parent.name: page for page in site.glob("*/index.html")} | {
        page.parent.name: page for page in site.glob("notebooks/*/index.html")
    }


def _told(soup: BeautifulSoup) -> str:
    """文と表の中の、コードの書体の字。"""
    return " ".join(
        code.get_text() for code in soup.select("article code") if not code.find_parent("pre")
    )


def test_every_way_of_writing_code_is_told_on_its_page_or_in_the_table(site: Path) -> None:
    table = _told(_soup(site / PAGE / "index.html"))
    missing, with_code = {}, set()
    for name, page in _pages(site).items():
        soup = _soup(page)
        names = {
            n
            for code in soup.select(".language-python code, .highlight code")
            for n in _names(code)
        }
        told = set(_words(table + " " + _told(soup)))
        missing[name] = sorted(names - KNOWN - told)
        with_code |= {name} if len(names) > 10 else set()
    # 印の付け方が変わって、コードを一つも見つけられなくなれば、ここで赤くなる。
    sources = [*Path("docs").glob("dl0*.md"), *Path("docs/notebooks").glob("*.ipynb")]
    assert {source.stem for source in sources} <= with_code
    assert {name: names for name, names in missing.items() if names} == {}


def _words(text: str) -> list[str]:
    return "".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split()


def _names(code: Tag) -> list[str]:
    try:
        return list(used(code.get_text()))
    except SyntaxError:  # 出力の囲み
        return []


@pytest.mark.parametrize("code", ["np.kron(a, a)", "x.cumprod()", "with a: b", "getattr(a, 'b')"])
def test_an_unusual_name_is_found(code: str) -> None:
    assert set(used(code if code.startswith("with") else f"y = {code}")) - KNOWN
