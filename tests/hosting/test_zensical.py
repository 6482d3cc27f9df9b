"""Material の後を継ぐ Zensical でも、題目のページが組めること。"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

# hooks がすることは、Zensical ではされない。CONTRIBUTING に同じ一覧がある。
PARTS = {
    "式": "math",
    "図": "article .dl-figure img",
    "関数の説明とコード": ".dl-source",
    "コード": "article .language-python",
    "訂正": ".admonition.correction",
    "見出し": "article :is(h1, h2, h3)",
}


@pytest.fixture(scope="module")
def built(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """図は、MkDocs を使わない命令で先に描いておく。"""
    root, folder = pytestconfig.rootpath, tmp_path_factory.mktemp("zensical")
    shutil.copytree(root / "docs", folder / "docs")
    shutil.copytree(root / ".cache" / "figures", folder / "docs" / "figures")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "figures").symlink_to(folder / "docs" / "figures")
    shutil.copy(root / "mkdocs.yml", folder)
    (folder / "src").symlink_to(root / "src")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    run = subprocess.run(
        command, cwd=folder, env=os.environ, text=True, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "site"


def parts(page: Path) -> tuple[Counter[str], str]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article")
    assert article is not None
    found = Counter({name: len(soup.select(query)) for name, query in PARTS.items()})
    return found, "".join(p.get_text() for p in article.select("p")).replace("\n", "")


def test_topic_pages_have_the_same_text_and_parts(
    pytestconfig: pytest.Config, site: Path, built: Path
) -> None:
    pages = sorted(path.relative_to(site) for path in site.glob("dl0*/index.html"))
    assert len(pages) == len(list(pytestconfig.rootpath.glob("docs/dl0*.md")))
    for page in pages:
        ours, theirs = parts(site / page), parts(built / page)
        assert theirs[0] == ours[0], page
        assert ours[0]["式"]
        assert theirs[1] == ours[1], page


def test_every_figure_of_a_topic_page_is_there(built: Path) -> None:
    for page in built.glob("dl0*/index.html"):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        for image in soup.select(".dl-figure img"):
            assert (page.parent / str(image["src"]).partition("#")[0]).is_file()
