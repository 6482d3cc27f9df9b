"""サイト全体のビルド。"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = subprocess.CompletedProcess[str]
TryPages = Callable[[dict[str, str]], Run]


def test_strict_build_is_silent(strict_build: Run) -> None:
    said = (strict_build.stdout + strict_build.stderr).splitlines()
    assert [line for line in said if not line.startswith("INFO ")] == []
    assert strict_build.returncode == 0


BROKEN = {
    "formula": ("式 $\\frac{1}{$ です。", r"index.md.*\\frac\{1\}\{"),
    "figure": ("![線](figures/dl003_activations/none.svg)", "none.svg"),
    "link": ("[次](next.md)", "next.md"),
    "anchor": ("[節](#ない節)", "ない節"),
    "function": ("::: dlnotes.activations.nothing", "dlnotes.activations.nothing"),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_page_stops_the_build_and_is_named(
    try_pages: TryPages, text: str, reason: str
) -> None:
    run = try_pages({"index.md": f"# 題\n\n{text}\n"})
    assert run.returncode != 0
    assert re.search(reason, run.stderr)


def test_dead_link_in_a_notebook_stops_the_build(try_pages: TryPages) -> None:
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# 題\n\n[次](next.md)"}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    run = try_pages({"index.md": "# 題\n", "notebooks/a.ipynb": json.dumps(notebook)})
    assert run.returncode != 0
    assert "next.md" in run.stderr


def test_notebook_can_be_downloaded_and_opened_elsewhere(site: Path) -> None:
    for page in (site / "notebooks").glob("*/index.html"):
        html = page.read_text(encoding="utf-8")
        name = f"{page.parent.name}.ipynb"
        assert (page.parent / name).is_file()
        colab = r"colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/blob/main/docs/notebooks/"
        assert re.search(colab + name, html)
