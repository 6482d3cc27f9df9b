"""サイト全体のビルド。"""

from __future__ import annotations

import gc
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import File

from dlnotes.site import hooks

Run = subprocess.CompletedProcess[str]
TryPages = Callable[..., Run]


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


@pytest.fixture
def undrawn(pytestconfig: pytest.Config, site: Path, tmp_path: Path) -> Path:
    """図の置き場所。`RELU` だけは、描いた覚えのない、大きさの違う古いものがある。"""
    folder = tmp_path / "undrawn"
    shutil.copytree(pytestconfig.rootpath / ".cache" / "figures", folder)
    (folder / RELU).with_suffix(".json").unlink()
    (folder / RELU).write_text('<svg viewBox="0 0 72 72"></svg>', encoding="utf-8")
    return folder


RELU = "dl003_activations/relu_and_derivative.svg"
WITH_RELU = {"index.md": f"# 題\n\n![線](figures/{RELU})\n"}


def test_page_waits_for_its_figure_to_be_drawn(
    try_pages: TryPages, undrawn: Path, site: Path, tmp_path: Path
) -> None:
    run = try_pages(WITH_RELU, figures=undrawn)
    assert run.returncode == 0, run.stderr
    # 古い図は 96 ピクセル。
    assert 'width="96"' not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    made = (tmp_path / "out" / "figures" / RELU).read_bytes()
    assert made == (site / "figures" / RELU).read_bytes()


def test_figure_that_cannot_be_drawn_stops_the_build(try_pages: TryPages, undrawn: Path) -> None:
    (undrawn / RELU).unlink()
    (undrawn / RELU).mkdir()
    run = try_pages(WITH_RELU, figures=undrawn)
    assert run.returncode != 0
    assert f"図 {RELU} を描けません" in run.stderr
    assert "図を描けませんでした（理由は上にあります）" in run.stderr
    assert "Traceback" not in run.stderr


def test_notebook_can_be_downloaded_and_opened_elsewhere(site: Path) -> None:
    for page in (site / "notebooks").glob("*/index.html"):
        html = page.read_text(encoding="utf-8")
        name = f"{page.parent.name}.ipynb"
        assert (page.parent / name).is_file()
        colab = r"colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/blob/main/docs/notebooks/"
        assert re.search(colab + name, html)


def test_links_of_a_downloaded_notebook_lead_to_pages_of_the_site(site: Path) -> None:
    links = [
        link
        for notebook in (site / "notebooks").glob("*/*.ipynb")
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        for link in re.findall(r"\]\(([^)]+)\)", "".join(cell["source"]))
        if cell["cell_type"] == "markdown"
    ]
    assert links
    home = "https://example.com/dlnotes/"
    assert [link for link in links if not link.startswith(home)] == []
    pages = {link.removeprefix(home).partition("#")[0] for link in links}
    assert [page for page in pages if not (site / page / "index.html").is_file()] == []


@pytest.mark.parametrize("same_disk", [True, False])
def test_made_file_enters_the_site_without_a_copy_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_disk: bool
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("Invalid cross-device link")

    if not same_disk:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    drawn, site = tmp_path / "a.svg", tmp_path / "site"
    file = File("figures/a.svg", str(tmp_path), str(site), use_directory_urls=True)
    published = site / "figures" / "a.svg"
    # 前のビルドの残りの上にも、置ける。
    for text in ("前", "後"):
        drawn.unlink(missing_ok=True)
        drawn.write_text(text, encoding="utf-8")
        # 自分しか読めないキャッシュからでも、サーバーが読める。
        drawn.chmod(0o600)
        hooks._link(drawn, file)
        assert published.read_text(encoding="utf-8") == text
        assert published.samefile(drawn) == same_disk
        assert published.stat().st_mode & 0o044 == 0o044


def test_edit_of_a_watched_folder_is_noticed(tmp_path: Path) -> None:
    noticed = threading.Event()
    server = LiveReloadServer(noticed.set, "127.0.0.1", 0, str(tmp_path))
    watched, before = [tmp_path / name for name in "ab"], server.observer
    for folder in watched:
        folder.mkdir()
        server.watch(str(folder))
    hooks.on_serve(server, config=None, builder=noticed.set)  # type: ignore[arg-type]
    assert server.observer.timeout < before.timeout
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        for folder in watched:
            noticed.clear()
            # 見はじめる前に直したものは、気づかれない。
            for edit in range(100):
                (folder / "page.md").write_text("題" * edit, encoding="utf-8")
                if noticed.wait(timeout=0.5):
                    break
            assert noticed.is_set()
    finally:
        server.shutdown()
        thread.join()


def test_garbage_is_collected_again_after_a_broken_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stop(Exception):
        pass

    def stop(*_: Any) -> None:
        raise Stop

    monkeypatch.setattr(hooks.lock, "take", stop)
    with pytest.raises(Stop):
        hooks.on_config(None)  # type: ignore[arg-type]
    assert not gc.isenabled()
    hooks.on_build_error(error=Stop())
    assert gc.isenabled()
