"""ノートブックを Markdown に組み立て直す部品。"""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import markdown
import pytest
from bs4 import BeautifulSoup, Tag
from mkdocs.exceptions import PluginError

from dlnotes.figures import _build
from dlnotes.figures._style import BLUE, to_dark
from dlnotes.site import notebooks

Cell = dict[str, Any]
# 幅 72、高さ 36（1/72 インチ）の図。線は明るい配色の青。
SVG = f"""<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"
viewBox="0 0 72 36"><path d="M 0 0 L 72 36" style="stroke: {BLUE}"/></svg>"""
IMAGE = f'<img src="data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}">'


def code(source: str, *tags: str) -> Cell:
    return {"cell_type": "code", "id": "c1", "source": source, "metadata": {"tags": list(tags)}}


def output(html: str) -> list[Tag]:
    return [BeautifulSoup(f"<div>{html}</div>", "html.parser").div]


def assemble(cell: Cell, *html: str) -> str:
    outputs = {"c1": [tag for h in html for tag in output(h)]}

    def save(name: str, svg: str) -> str:
        assert (".dark" in name) is (BLUE not in svg)
        return f"../figures/nb/{'light' if BLUE in svg else 'dark'}.svg"

    return notebooks.as_markdown([cell], outputs, save)


def test_output_follows_its_code() -> None:
    text = assemble(code("print(1)\nprint(2)"), "<pre>1\n2\n</pre>")
    assert text == "```python\nprint(1)\nprint(2)\n```\n\n```text\n1\n2\n```"


def test_output_sent_in_pieces_is_one_output() -> None:
    """カーネルは、込みあうと print の途中でも送ってくる。"""
    text = assemble(code("print(2, 3)"), "<pre>2</pre>", "<pre> 3\n</pre>", "<pre>4\n</pre>")
    assert text.endswith("```\n\n```text\n2 3\n4\n```")


def test_text_before_and_after_a_figure_keeps_its_place() -> None:
    text = assemble(code("# 図: 線\nplot()"), "<pre>前\n</pre>", IMAGE, "<pre>後\n</pre>")
    assert text.index("前") < text.index("![線]") < text.index("後")


def test_cell_without_output_shows_its_code_alone() -> None:
    assert assemble(code("x = 1")) == "```python\nx = 1\n```"


def test_prose_stays_as_it_was_written_and_in_its_place() -> None:
    prose = {"cell_type": "markdown", "source": "## 式 $x$\n\n- 項目"}
    cells = [prose, code("x = 1"), prose | {"source": "おわり"}]
    text = notebooks.as_markdown(cells, {"c1": []}, lambda name, svg: "")
    assert text == "## 式 $x$\n\n- 項目\n\n```python\nx = 1\n```\n\nおわり"


def test_answer_is_folded_with_its_output() -> None:
    lines = assemble(code("print(1)", "answer"), "1").splitlines()
    assert lines[0] == '??? success "解答"'
    assert all(line.startswith("    ") for line in lines[1:] if line)
    assert lines[-2] == "    1"


def test_figure_is_a_pair_with_its_alternative_text_and_its_size() -> None:
    text = assemble(code("# 図: 損失の推移\nplot()"), IMAGE)
    html = markdown.markdown(text, extensions=["attr_list", "dlnotes.site.pictures"])
    (figure,) = BeautifulSoup(html, "html.parser").select("p.dl-figure.dl-plot")
    common = {"alt": "損失の推移", "width": "96", "height": "48", "loading": "lazy"}
    assert [image.attrs for image in figure.select("img")] == [
        common | {"src": "../figures/nb/light.svg#only-light"},
        common | {"src": "../figures/nb/dark.svg#only-dark", "hidden": "hidden"},
    ]


def test_figures_on_the_site_are_drawn_in_the_colours_of_the_other_figures(site: Path) -> None:
    seen = 0
    for page in (site / "notebooks").glob("*/index.html"):
        for image in BeautifulSoup(page.read_text("utf-8"), "html.parser").select(".dl-plot img"):
            seen += 1
            svg = (page.parent / str(image["src"]).partition("#")[0]).read_text("utf-8")
            is_light = str(image["src"]).endswith("#only-light")
            assert (BLUE in svg, to_dark(BLUE) in svg) == (is_light, not is_light)
            assert (to_dark(svg) != svg) is is_light
    assert seen


def test_figure_without_alternative_text_is_refused_with_its_code() -> None:
    with pytest.raises(PluginError, match=r"(?s)「# 図: 代替文」.*plot\(\)"):
        assemble(code("plot()"), IMAGE)


def test_outputs_are_found_by_the_cell_they_belong_to() -> None:
    cell = '<div class="jp-CodeCell" id="x"><div class="jp-CodeCell" id="cell-id={}">{}</div></div>'
    area = '<div class="jp-OutputArea-output">{}</div>'
    html = cell.format("a", area.format(1) + area.format(2)) + cell.format("b", "")
    found = notebooks.outputs_by_cell(html)
    assert {name: [tag.get_text() for tag in tags] for name, tags in found.items()} == {
        "a": ["1", "2"],
        "b": [],
    }


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """テストが書きかえてよい `dlnotes` の写し。"""
    copy = tmp_path / "src" / "dlnotes"
    shutil.copytree(_build._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(_build, "_PACKAGE", copy)
    monkeypatch.setenv("JUPYTER_PATH", "")
    return copy


def use_cache(folder: Path) -> Path:
    """`activations` を読むノートブックひとつのサイトに割りあてられたキャッシュ。"""
    docs = folder / "docs"
    docs.mkdir(exist_ok=True)
    cell = {"cell_type": "code", "source": ["from dlnotes.activations import relu\n", "relu(1)"]}
    (docs / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    plugin = SimpleNamespace(config={})
    config = SimpleNamespace(docs_dir=str(docs), plugins={"mkdocs-jupyter": plugin})
    notebooks.use_cache(config, folder / "cache")  # type: ignore[arg-type]
    cache = Path(plugin.config["cache_dir"])
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def test_cache_changes_with_a_module_the_notebook_reaches(package: Path, tmp_path: Path) -> None:
    before = use_cache(tmp_path)
    assert use_cache(tmp_path) == before
    # activations が arrays を読むので、ノートブックに書かれていない変更も届く。
    module = package / "arrays.py"
    module.write_text(module.read_text(encoding="utf-8") + "\nx = 1\n", encoding="utf-8")
    assert use_cache(tmp_path) != before
    assert not before.exists()


def test_cache_survives_a_change_in_a_module_the_notebook_does_not_reach(
    package: Path, tmp_path: Path
) -> None:
    before = use_cache(tmp_path)
    (package / "another.py").write_text("x = 1\n", encoding="utf-8")
    assert use_cache(tmp_path) == before


def test_cache_entry_cut_short_or_changed_is_removed_and_a_good_one_kept(
    package: Path, tmp_path: Path
) -> None:
    cache = use_cache(tmp_path)
    for name in ("good", "changed"):
        (cache / f"{name}.json").write_text('{"cells": []}', encoding="utf-8")
    plugin = SimpleNamespace(config={"cache_dir": str(cache)})
    notebooks.seal_cache(SimpleNamespace(plugins={"mkdocs-jupyter": plugin}))  # type: ignore[arg-type]
    (cache / "changed.json").write_text('{"cells": [1]}', encoding="utf-8")
    (cache / "cut.json").write_text('{"cells": [', encoding="utf-8")
    use_cache(tmp_path)
    assert [entry.name for entry in cache.glob("*.json")] == ["good.json"]


def test_notebooks_run_with_the_python_of_the_build(package: Path, tmp_path: Path) -> None:
    use_cache(tmp_path)
    kernel = Path(os.environ["JUPYTER_PATH"], "kernels", "dlnotes", "kernel.json")
    assert json.loads(kernel.read_text(encoding="utf-8"))["argv"][0] == "python"
