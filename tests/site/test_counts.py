"""このサイトについてのページに書きこまれた数。"""

from __future__ import annotations

import importlib
import inspect
import io
import json
import platform
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import matplotlib
import mkdocs
import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from pytest_codeblocks import extract_from_buffer

from dlnotes.activations import softmax
from dlnotes.backprop import gradient_check
from dlnotes.figures import _build
from dlnotes.network import init_network
from dlnotes.numerical import numerical_gradient, relative_error
from dlnotes.site.corrections import corrections
from dlnotes.site.counts import fill

PAGES = sorted(Path("docs").rglob("*.md"))
NOTEBOOKS = sorted(Path("docs").rglob("*.ipynb"))


@pytest.fixture(scope="module")
def written(site: Path) -> dict[str, str]:
    """原稿の `[[数: 名前]]` の、できたページでの中身。"""
    source = Path("docs/about.md").read_text(encoding="utf-8")
    html = (site / "about" / "index.html").read_text(encoding="utf-8")
    article = BeautifulSoup(html, "html.parser").article
    assert article is not None
    text = "\n".join(line.strip() for line in article.get_text().splitlines())
    found = {}
    for line in source.splitlines():
        if "[[数: " not in line:
            continue
        # 表の行なら見出しのますのすぐ後に、文なら名前のすぐ後に数がある。
        shape = re.sub(r"^\| (.+) \| (.+) \|$", r"\1\n\2", line)
        pattern = re.sub(r"\\\[\\\[数:\\ (.+?)\\\]\\\]", r"(?P<\1>[\\d.,]+)", re.escape(shape))
        match = re.search(pattern, text)
        assert match, f"できたページに、数の入った行がありません: {line}"
        found |= match.groupdict()
    return found


def shown_functions() -> Iterator[str]:
    for page in PAGES:
        yield from re.findall(r"^\s*::: (dlnotes\.\S+)", page.read_text("utf-8"), re.MULTILINE)


def gradients() -> list[str]:
    modules = ("activations", "losses", "backprop")
    pattern = rf"dlnotes\.({'|'.join(modules)})\.\w+_(derivative|gradient)"
    return [name for name in shown_functions() if re.fullmatch(pattern, name)]


def articles(site: Path) -> Iterator[Tag]:
    for page in [*PAGES, *NOTEBOOKS]:
        place = page.relative_to("docs").with_suffix("")
        html = (site / ("" if place.name == "index" else place) / "index.html").read_text("utf-8")
        article = BeautifulSoup(html, "html.parser").article
        assert article is not None
        yield article


def code_cells() -> list[str]:
    cells = [cell for nb in NOTEBOOKS for cell in json.loads(nb.read_text("utf-8"))["cells"]]
    return [cell["id"] for cell in cells if cell["cell_type"] == "code"]


def test_counts_equal_those_taken_from_the_sources(written: dict[str, str]) -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    blocks = [b for text in texts for b in extract_from_buffer(io.StringIO(text))]
    python = [b for b in blocks if b.syntax == "python"]
    again = {
        "ページ": len(PAGES) + len(NOTEBOOKS),
        "コード": len(python),
        "出力": len([b for b in python if b.expected_output]),
        "セル": len(code_cells()),
        "関数": len(list(shown_functions())),
        "勾配": len(gradients()),
        "訂正": sum(len(list(corrections(text))) for text in texts),
    }
    assert {name: written[name] for name in again} == {n: f"{c:,}" for n, c in again.items()}


def test_counts_equal_those_taken_from_the_built_pages(written: dict[str, str], site: Path) -> None:
    pages = list(articles(site))
    formulas = sum(len(page.find_all("math")) for page in pages)
    notebooks = [page for page in pages if page.select_one(".dl-notebook-links")]
    plots = sum(len(page.select('img[src$="#only-light"]')) for page in notebooks)
    texts = [text for page in notebooks for text in page.select(".language-text")]
    again = {
        "数式": formulas,
        "図": len(_build.register()) + plots,
        "セルの出力": len(texts),
    }
    assert {name: written[name] for name in again} == {n: f"{c:,}" for n, c in again.items()}


def test_versions_are_those_that_built_the_site(written: dict[str, str]) -> None:
    assert {name: written[name] for name in ("dlnotes", "Python", "NumPy")} == {
        "dlnotes": version("dlnotes"),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
    }
    assert (written["Matplotlib"], written["MkDocs"]) == (
        matplotlib.__version__,
        mkdocs.__version__,
    )


@pytest.mark.parametrize("name", gradients())
def test_every_gradient_that_is_counted_equals_the_numerical_one(name: str) -> None:
    module, _, name = name.rpartition(".")
    functions = importlib.import_module(module)
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(5, 3)), np.eye(3)[[0, 2, 1, 1, 0]]
    if name == "loss_and_gradient":
        net = init_network((3, 4, 3), output_activation="softmax", rng=rng)
        assert gradient_check(net, x, d, "cross_entropy", rng=rng).relative_error < 1e-7
        return
    f, gradient = (
        getattr(functions, re.sub("_(derivative|gradient)$", "", name)),
        getattr(functions, name),
    )
    names = inspect.signature(f).parameters
    x = softmax(x) if "probabilities" in names else x
    given = (d,) if {"d", "labels"} & set(names) else ()
    slope = numerical_gradient(lambda x: f(x, *given).sum(), x, h=1e-6)
    assert relative_error(gradient(x, *given), slope) < 1e-7


def test_a_number_that_is_not_counted_stops_the_build(
    try_pages: Callable[[dict[str, str]], subprocess.CompletedProcess[str]],
) -> None:
    run = try_pages({"index.md": "# 題\n\n[[数: 夢]]\n"})
    assert run.returncode != 0
    assert "index.md" in run.stderr
    assert "[[数: 夢]]" in run.stderr


def test_a_number_is_put_in_its_place() -> None:
    assert fill("<td>[[数: 図]]</td><td>[[1]]</td>", {"図": "3"}) == "<td>3</td><td>[[1]]</td>"
