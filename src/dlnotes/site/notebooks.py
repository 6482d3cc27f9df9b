"""ノートブックを、ほかのページと同じ Markdown のページにする。

mkdocs-jupyter が実行した結果から出力だけを受け取り、文章とコードはもとのセルから組み立て直す。
こうすると、数式、リンクの検査、見出しと目次、検索が、ほかのページとまったく同じように働く。
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from textwrap import indent
from typing import Any

from bs4 import BeautifulSoup, Tag
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from dlnotes.figures._build import compact, source_key
from dlnotes.site import reuse
from dlnotes.site.pictures import dark_name, size

__all__ = ["as_markdown", "outputs_by_cell", "render", "seal_cache", "use_cache"]

Cell = dict[str, Any]
_JUPYTER = Path(__file__).parent / "jupyter"
# kernel.json が、ノートブックより先に動かす。図の見た目を、ほかのページの図とそろえる。
_STYLE = "from dlnotes.figures import _style"
_ALT = re.compile(r"^# 図: *(.+)$", re.MULTILINE)


def read_cells(notebook: Path) -> list[Cell]:
    """ノートブックのセルを順に読みます。"""
    cells: list[Cell] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def use_cache(config: MkDocsConfig, folder: Path) -> None:
    """実行結果のキャッシュを、今の `dlnotes` とライブラリの版のものにします。

    mkdocs-jupyter の鍵はノートブックの中身だけから作られ、`dlnotes` を直しても古い結果が出るため。

    Args:
        config: 書きかえる設定。
        folder: キャッシュを置くフォルダー。
    """
    cells = (c for nb in sorted(Path(config.docs_dir).rglob("*.ipynb")) for c in read_cells(nb))
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    kernel = (_JUPYTER / "kernels" / "dlnotes" / "kernel.json").read_text("utf-8")
    current = folder / reuse.digest(source_key("\n".join([*code, _STYLE])), kernel).hex()[:16]
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(current)
    for old in folder.glob("*"):
        if old != current:
            shutil.rmtree(old, ignore_errors=True)
    for entry in current.glob("*.json"):
        # 書いている途中で止められたもの、後から壊れたものは、使わずに実行し直す。
        if not _is_sealed(entry):
            entry.unlink()
    # 読む人の機器にある別のカーネルではなく、このビルドの Python で動かす。
    os.environ["JUPYTER_PATH"] = str(_JUPYTER)


def _cache(config: MkDocsConfig) -> Path:
    return Path(config.plugins["mkdocs-jupyter"].config["cache_dir"])


def _seal(entry: Path) -> str:
    return hashlib.sha256(entry.read_bytes()).hexdigest()


def _is_sealed(entry: Path) -> bool:
    receipt = entry.with_suffix(".sha256")
    return receipt.is_file() and receipt.read_text(encoding="utf-8") == _seal(entry)


def seal_cache(config: MkDocsConfig) -> None:
    """書き終わった実行結果のそばに、その中身のハッシュを置きます。

    Args:
        config: `use_cache` が書きかえた設定。
    """
    for entry in _cache(config).glob("*.json"):
        if not _is_sealed(entry):
            entry.with_suffix(".sha256").write_text(_seal(entry), encoding="utf-8")


def lead_to_site(folder: Path, site_url: str) -> None:
    """受け取るノートブックのリンクは、手元にはない原稿ではなく、サイトのページに向けます。

    Args:
        folder: できたサイトのフォルダー。
        site_url: サイトの住所。
    """
    for path in folder.glob("notebooks/*/*.ipynb"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\]\(\.\./(\w+)\.md", rf"]({site_url}\1/", text)
        text = re.sub(r"\]\((\w+)\.ipynb", rf"]({site_url}notebooks/\1/", text)
        path.write_text(text, encoding="utf-8")


def outputs_by_cell(html: str) -> dict[str, list[Tag]]:
    """mkdocs-jupyter の HTML から、コードのセルの id ごとに出力の要素を集めます。"""
    soup = BeautifulSoup(html, "html.parser")
    cells = soup.select(".jp-CodeCell .jp-CodeCell")
    return {
        str(cell["id"]).removeprefix("cell-id="): cell.select(".jp-OutputArea-output")
        for cell in cells
    }


def _text(outputs: Iterable[Tag]) -> str:
    """続けて印字された文字。届き方しだいで、いくつかの出力に分かれていることがある。"""
    pieces = [p.get_text() for output in outputs for p in output.find_all("pre") or [output]]
    text = "".join(pieces).strip("\n")
    return f"```text\n{text}\n```"


def _figures(outputs: Iterable[Tag], code: str, save: Callable[[str, str], str]) -> str:
    alt = _ALT.search(code)
    if alt is None:
        raise PluginError(f"図を出すセルに「# 図: 代替文」の行がありません:\n{code}")
    images = [image for output in outputs for image in output.find_all("img")]
    drawn = [base64.b64decode(str(image["src"]).partition(",")[2]).decode() for image in images]
    return "\n\n".join(_figure(compact(svg), alt[1], save) for svg in drawn)


def _figure(svg: str, alt: str, save: Callable[[str, str], str]) -> str:
    # Matplotlib を読みこむので、ノートブックの変わらないビルドでは読まない。
    from dlnotes.figures._style import to_dark

    # 大きさを書いておくと、図が届いたときに、読んでいる場所が動かない。
    width, height = size(svg)
    name = f"{hashlib.sha256(svg.encode()).hexdigest()[:16]}.svg"
    light, dark = save(name, svg), save(dark_name(name), to_dark(svg))
    pair = [(f"{light}#only-light", ""), (f"{dark}#only-dark", " hidden=hidden")]
    common = f"loading=lazy width={width} height={height}"
    images = [f"![{alt}]({source}){{ {common}{hidden} }}" for source, hidden in pair]
    return "\n".join([*images, "{: .dl-figure .dl-plot }"])


def _blocks(
    cells: list[Cell], outputs: dict[str, list[Tag]], save: Callable[[str, str], str]
) -> Iterator[str]:
    for cell in cells:
        if cell["cell_type"] == "markdown":
            yield cell["source"]
            continue
        code = cell["source"]
        parts = groupby(outputs[cell["id"]], key=lambda output: output.find("img") is not None)
        shown = [
            _figures(group, code, save) if has_image else _text(group) for has_image, group in parts
        ]
        text = "\n\n".join([f"```python\n{code}\n```", *shown])
        if "answer" in cell["metadata"].get("tags", []):
            text = '??? success "解答"\n\n' + indent(text, "    ")
        yield text


def as_markdown(
    cells: list[Cell], outputs: dict[str, list[Tag]], save: Callable[[str, str], str]
) -> str:
    """ノートブックのセルと出力を、ひと続きの Markdown にします。

    `answer` の札がついたコードのセルは、出力ごと折りたたみます。

    Args:
        cells: ノートブックのセル。
        outputs: コードのセルの id から出力への対応。
        save: 名前と SVG を受け取って保存し、ページから見た場所を返す関数。

    Raises:
        PluginError: 図を出すセルに代替文がないとき。
    """
    return "\n\n".join(_blocks(cells, outputs, save))


def _links(notebook: str, repository: str | None) -> str:
    name = notebook.rpartition("/")[2]
    links = f'<a class="md-button" href="{name}" download>ノートブックをダウンロード</a>'
    if repository and "github.com/" in repository:
        path = repository.partition("github.com/")[2].strip("/")
        colab = f"https://colab.research.google.com/github/{path}/blob/main/docs/{notebook}"
        links += f' <a class="md-button" href="{colab}">Colab で開く</a>'
    return f'<p class="dl-notebook-links">{links}</p>'


def render(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """ノートブックのページを Markdown として組み立て直し、MkDocs に描かせます。

    Args:
        html: mkdocs-jupyter が作った HTML。
        page: ノートブックのページ。
        config: MkDocs の設定。
        files: サイトのファイル。出力の画像を加えます。
    """
    source, around = Path(page.file.abs_src_path or ""), config.extra["surroundings"]
    title, *cells = read_cells(source)
    links = {
        "cell_type": "markdown",
        "source": _links(page.file.src_uri, config.extra["repository"]),
    }
    cells = [title, links, *cells]

    def convert() -> tuple[str, dict[str, bytes]]:
        images = {}

        def save(name: str, svg: str) -> str:
            images[f"figures/{source.stem}/{name}"] = svg.encode()
            return f"../figures/{source.stem}/{name}"

        return as_markdown(cells, outputs_by_cell(html), save), images

    # 明暗の色が変われば、同じ出力からも違う図ができる。
    key = reuse.digest(html, cells, _cache(config).name, around)
    markdown, images = reuse.once("ノートブック", page.url, key, convert)
    for uri, data in images.items():
        files.append(File.generated(config, uri, content=data))
    page.markdown = markdown
    # mkdocs-jupyter が差しかえた render を外し、MkDocs 自身のものに戻す。
    del page.render
    reuse.render(page, config, files, markdown=markdown, around=around)
    return page.content or ""
