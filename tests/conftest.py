"""サイトを一度だけ組み立て、できたものを見るテストに渡す。"""

from __future__ import annotations

import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

Run = subprocess.CompletedProcess[str]
# 公開するときと同じように、リポジトリーへのリンクと住所のあるサイトにする。
# 公開するサイトをテストするときは、その本物を環境変数で渡す。
_ENVIRONMENT = {
    "NO_MKDOCS_2_WARNING": "1",
    "DLNOTES_REPO": "https://github.com/example/dlnotes",
    "DLNOTES_URL": "https://example.com/dlnotes/",
}

_NO_SITE = "サイトを組み立てられません:"
_DOCS = Path(__file__).parents[1] / "docs"
_SOURCES = sorted(p for p in _DOCS.rglob("*") if p.suffix in {".md", ".ipynb"})
_STEMS = [source.relative_to(_DOCS).with_suffix("").as_posix() for source in _SOURCES]

# 込みあうパソコンで、例ひとつの遅さのために赤くならないようにする。
# 同じ原稿には、いつも同じ例を使う。直していないページが、日によって赤くなってはならない。
settings.register_profile("dlnotes", deadline=None, derandomize=True)
settings.load_profile("dlnotes")

# 裏で始めたテストは、Ctrl-C を無視するように言われ、テストの中で始めるものにまで受けつがれる。
signal.signal(signal.SIGINT, signal.default_int_handler)


def _run(folder: Path, *arguments: str, **environment: str) -> Run:
    command = [sys.executable, "-m", *arguments]
    environment = _ENVIRONMENT | os.environ | environment
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False
    )


@pytest.fixture(scope="session")
def strict_build(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """リポジトリーの厳密なビルド。行き先は `args` の最後にある。"""
    root, temporary = pytestconfig.rootpath, tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _build(root, temporary / "site")
    # 同時に動くテストのうち、先に来たものが組み立て、残りはそれを使う。
    shared = temporary.parent
    with (shared / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        saved = shared / "build.pickle"
        if not saved.exists():
            saved.write_bytes(pickle.dumps(_build(root, shared / "site")))
        build: Run = pickle.loads(saved.read_bytes())
        return build


def _build(root: Path, out: Path) -> Run:
    # 図の進み具合の表示は、ビルドの出力に混ぜない。
    figures = _run(root, "dlnotes.figures", ".cache/figures")
    # 実行環境がなければ、ボタンのないサイトを見て緑にしてしまう。
    runtime = _run(root, "dlnotes.site.runtime")
    for made in (figures, runtime):
        if made.returncode:
            _fail(made)
    # 前のビルドの結果を使わず、はじめから作ったサイトを見る。
    for kept in (root / ".cache").glob("*.pickle"):
        kept.unlink(missing_ok=True)
    # --quiet をつけると、警告を数えなくなり、--strict が効かない。
    return _run(root, "mkdocs", "build", "--strict", "--site-dir", str(out))


@pytest.fixture(scope="session")
def site(strict_build: Run) -> Path:
    """できあがったサイトのフォルダー。警告だけなら、ひとつのテストだけが赤くなるように進む。"""
    out = Path(strict_build.args[-1])
    # ビルドが最後に書くもの。
    if not (out / "search" / "index.json").is_file():
        _fail(strict_build)
    return out


def _fail(run: Run) -> NoReturn:
    pytest.fail(f"{_NO_SITE}\n{run.stderr[-500:]}", pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """サイトを組み立てられず、何百ものテストが赤いときも、直すところを終わりに一度だけ言う。"""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    errors = terminal.stats.get("error", []) if terminal else []
    reasons = (str(report.longrepr) for report in errors)
    if reason := next((reason for reason in reasons if reason.startswith(_NO_SITE)), ""):
        terminal.write_line(f"\n{len(errors)} 個の ERROR の、はじめの原因です。\n{reason}")


@pytest.fixture(scope="session")
def node_modules(pytestconfig: pytest.Config) -> Path:
    """textlint と vnu のある場所。なければ入れる。"""
    root = pytestconfig.rootpath
    environment = os.environ | {"VENV": sys.prefix}
    command = [sys.executable, str(root / "requirements" / "bootstrap.py"), "npm", "node"]
    done = subprocess.run(command, cwd=root, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return root / ".cache" / "node" / "node_modules"


@pytest.fixture
def try_pages(pytestconfig: pytest.Config, strict_build: Run, tmp_path: Path) -> Callable[..., Run]:
    """本物の設定で、渡された原稿だけのサイトを組み立てる関数。"""
    root = pytestconfig.rootpath

    def build(pages: dict[str, str], figures: Path | None = None, **environment: str) -> Run:
        for name, text in pages.items():
            page = tmp_path / "docs" / name
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
        (tmp_path / "src").symlink_to(root / "src")
        (tmp_path / ".cache").mkdir()
        (tmp_path / ".cache" / "figures").symlink_to(figures or root / ".cache" / "figures")
        for made in ("runtime", "runtime-made"):
            (tmp_path / ".cache" / made).symlink_to(root / ".cache" / made)
        shutil.copy(root / "mkdocs.yml", tmp_path / "base.yml")
        nav = "".join(f"\n  - {name}" for name in pages)
        (tmp_path / "mkdocs.yml").write_text(f"INHERIT: base.yml\nnav:{nav}\n", encoding="utf-8")
        return _run(tmp_path, "mkdocs", "build", "--strict", "--site-dir", "out", **environment)

    return build


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`url` を受け取るテストを、`docs/` の原稿ごとに一度ずつ行う。"""
    if "url" in metafunc.fixturenames:
        urls = ["" if stem == "index" else f"{stem}/" for stem in _STEMS]
        metafunc.parametrize("url", urls, ids=_STEMS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """ひとりがサイトを組み立てる間に、ほかの者は、サイトの要らない組のテストをする。

    xdist は、--no-loadscope-reorder がなければ、この順を捨ててテストの多い組から行う。
    """
    needs_site = [i for i in items if "strict_build" in getattr(i, "fixturenames", ())]
    waiting = {_scope(item.nodeid) for item in needs_site}
    others = [item for item in items if _scope(item.nodeid) not in waiting]
    chosen = {*needs_site[:1], *others}
    items[:] = [*needs_site[:1], *others, *(item for item in items if item not in chosen)]


def _scope(nodeid: str) -> str:
    """続けて行うテストの組: 同じページを見るテスト、残りはファイルごと。"""
    file, _, parameters = nodeid.partition("[")
    pages = set(_STEMS).intersection(re.split(r"[]-]", parameters))
    return pages.pop() if pages else file.partition("::")[0]


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """ブラウザやディスクを待つ間もコアが空かないように、コアの数の一倍半にする。"""
    return (yield) * 3 // 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """同時に行うとき、組ごとにひとりが行う。

    xdist_group の印は、pytest 9.2 では黙って無視される（pytest-dev/pytest-xdist#1386）。
    """
    return _ByPage(config, log)


class _ByPage(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)
