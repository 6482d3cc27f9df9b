"""ノートブックの出力を、記録と比べる。

記録 `notebooks/<幹>.txt` は、コードのセルごとに `[セルの id]` の行と出力を並べ、
セルの間を一行あけたもの。図は入らない。
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

Run = subprocess.CompletedProcess[str]
NOTEBOOKS = sorted(Path("docs").rglob("*.ipynb"))


def code_cells(notebook: Path) -> list[dict[str, str]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def outputs(page: Path) -> list[str]:
    """ページのコードごとの、すぐ下に並ぶ出力。"""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")

    def is_output(tag: Tag) -> bool:
        return "language-text" in tag.get("class", []) or tag.find("img") is not None

    def text(code: Tag) -> str:
        shown = takewhile(is_output, code.find_next_siblings())
        return "\n".join(pre.get_text().rstrip() for tag in shown if (pre := tag.find("pre")))

    return [text(code) for code in soup.select("article div.language-python")]


def transcript(notebook: Path, page: Path) -> str:
    names = [cell["id"] for cell in code_cells(notebook)]
    pairs = zip(names, outputs(page), strict=True)
    return "\n\n".join(f"[{name}]\n{text}".rstrip() for name, text in pairs)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_on_the_page_equal_the_transcript(site: Path, notebook: Path) -> None:
    page = site / "notebooks" / notebook.stem / "index.html"
    record = Path("tests/docs/notebooks", f"{notebook.stem}.txt")
    got = transcript(notebook, page)
    assert record.is_file(), f"{record} がありません。中身はこうなります:\n{got}"
    assert got == record.read_text(encoding="utf-8").rstrip()


def test_every_transcript_has_its_notebook() -> None:
    records = {path.stem for path in Path("tests/docs/notebooks").glob("*.txt")}
    assert records - {path.stem for path in NOTEBOOKS} == set()


def test_cell_that_raises_stops_the_build(try_pages: Callable[[dict[str, str]], Run]) -> None:
    title = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# 題"]}
    cell = {"cell_type": "code", "id": "b", "metadata": {}, "source": ["1 / 0"]}
    cell |= {"execution_count": None, "outputs": []}
    notebook = {"cells": [title, cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    run = try_pages({"index.md": "# 題\n", "notebooks/a.ipynb": json.dumps(notebook)})
    assert run.returncode != 0
    assert "ZeroDivisionError" in run.stderr
