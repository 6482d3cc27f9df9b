"""前のビルドの結果を使っても、はじめから作ったサイトと同じになる。"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment
from mkdocs.structure.pages import Page

from dlnotes.site import reuse

# 一つのプロセスで二度組み立て、何度目に何を変換し、どのページを組み立てたかを印字する。
# 一度目だけ、引数の原稿の「前」を「後」に置きかえて読む。
SCRIPT = """
import gc
import logging
import sys
from jinja2 import Template
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.structure.pages import Page
from dlnotes.site import stylesheets

logging.basicConfig(level=logging.WARNING)
out, changed, old, new = sys.argv[1:]
render, fill, trim, turn = Page.render, Template.render, stylesheets.trim, 0

def tell(page, config, files):
    print(turn, page.file.src_uri)
    render(page, config, files)

def tell_filled(template, *args, **kwargs):
    if page := dict(*args, **kwargs).get("page"):
        print(turn, "組み立て", page.file.src_uri)
    return fill(template, *args, **kwargs)

def tell_trimmed(css, words):
    print(turn, "CSS")
    return trim(css, words)

Page.render, Template.render, stylesheets.trim = tell, tell_filled, tell_trimmed

def read(page, config):
    if page.file.src_uri == changed:
        return page.file.content_string.replace(old, new)

for turn in (1, 2):
    config = load_config("mkdocs.yml", site_dir=out)
    config.strict = False
    if turn == 1:
        config.plugins._register_event("page_read_source", read)
    build(config)
    assert gc.isenabled()
"""
# ほかの原稿から書かれるところの目印から、そのもとになる原稿の名前と中身へ。
WRITTEN_FROM = {
    "[[訂正一覧]]": (
        "dl001_x.md",
        """
# 題

### 訂正: 名前

!!! correction "訂正"
    **人**: 前の文。

    **正しくは**: 後。
""",
    ),
    "[[確認テスト]]": (
        "quiz.toml",
        """
[[open]]
id = "o"
topic = "dl001_x"
see = "見出し"
text = "前の文。"
answer = "答え"
""",
    ),
}
Run = subprocess.CompletedProcess[str]


def build_twice(folder: Path, out: Path, changed: str, old: str, new: str) -> Run:
    environment = os.environ | {
        "NO_MKDOCS_2_WARNING": "1",
        "DLNOTES_REPO": "https://github.com/example/dlnotes",
        "DLNOTES_URL": "https://example.com/dlnotes/",
    }
    command = [sys.executable, "-c", SCRIPT, str(out), changed, old, new]
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=True
    )


def test_second_build_converts_only_what_changed_and_equals_a_fresh_site(
    site: Path, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    run = build_twice(pytestconfig.rootpath, tmp_path, "dl003_activations.md", "折れ", "別")
    # 一度目は、別のプロセスが `site` を作ったときの結果を使う。二度目は、一度目の結果を使う。
    done = [f"{turn} {work}dl003_activations.md" for turn in "12" for work in ("", "組み立て ")]
    assert sorted(run.stdout.splitlines()) == sorted(done)
    checked = [path for path in site.rglob("*") if path.is_file()]
    assert len(checked) > 200
    assert [
        p for p in checked if p.read_bytes() != (tmp_path / p.relative_to(site)).read_bytes()
    ] == []


def test_broken_results_are_as_if_there_were_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"a.md": (("# 題", ""), {"content": "<h1>題</h1>"})}
    results = page, {("索引", "a/"): (("題",), [{}])}, {"k": b"x"}
    kept = tmp_path / "pages.pickle"

    def refuse(path: Path, target: Path) -> None:
        raise OSError("disk full")

    def remember(*memory: Any) -> None:
        names = "_pages", "_results", "_templates"
        for name, result in zip(names, memory, strict=True):
            monkeypatch.setattr(reuse, name, result)

    def loaded() -> tuple[Any, ...]:
        remember({}, {}, {})
        reuse.load(kept)
        return reuse._pages, reuse._results, reuse._templates

    assert loaded() == ({}, {}, {})
    remember(*results)
    reuse.save(kept)
    data = kept.read_bytes()
    assert loaded() == results
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(OSError, match="full"):
            reuse.save(kept)
    assert list(tmp_path.iterdir()) == [kept]
    for broken in (b"", data[:-5], data.replace("題".encode(), "誤".encode())):
        kept.write_bytes(broken)
        assert loaded() == ({}, {}, {})
    # 前の版の dlnotes の書いたもの。
    old = pickle.dumps(results[:2])
    seal = hashlib.sha256(repr(reuse._libraries()).encode() + old).hexdigest()
    kept.write_bytes(seal.encode() + b"\n" + old)
    assert loaded() == ({}, {}, {})
    kept.write_bytes(data)
    for name, other in (("_libraries", lambda: ["mkdocs 0"]), ("_CODE", b"other code")):
        with monkeypatch.context() as patch:
            patch.setattr(reuse, name, other)
            assert loaded() == ({}, {}, {})
    assert loaded() == results


def test_link_to_a_heading_that_has_gone_is_noticed_from_an_unchanged_page(
    try_pages: Callable[..., Run], tmp_path: Path
) -> None:
    # 今の b.md に見出し y はない。一度目だけ、あった。
    pages = {"index.md": "# 題\n\n[見出し](b.md#y)\n", "b.md": "# 題\n\n## x\n"}
    assert "#y" in try_pages(pages).stderr
    run = build_twice(tmp_path, tmp_path / "out", "b.md", "## x", "## y")
    assert "2 index.md" not in run.stdout.splitlines()
    assert "does not contain an anchor '#y'" in run.stderr


@pytest.mark.parametrize("marker", WRITTEN_FROM)
def test_page_written_from_others_follows_them(
    try_pages: Callable[..., Run], tmp_path: Path, marker: str
) -> None:
    name, text = WRITTEN_FROM[marker]
    topic = "# DL001 題\n\n## 見出し\n"
    try_pages({"index.md": f"# 題\n\n{marker}\n", "dl001_x.md": topic, name: text})
    (tmp_path / "docs" / name).write_text(text.replace("前の文", "今の文"), encoding="utf-8")
    run = build_twice(tmp_path, tmp_path / "out", "none.md", "", "")
    # 変わった後の一度目だけ、書き直す。
    done = [line for line in run.stdout.splitlines() if "index" in line]
    assert done == ["1 index.md", "1 組み立て index.md"]
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "今の文" in html
    assert "前の文" not in html


def test_warning_of_an_unchanged_page_is_said_at_each_build(
    try_pages: Callable[..., Run], tmp_path: Path
) -> None:
    try_pages({"index.md": "# 題\n\n[リンク](none.md)\n", "b.md": "# 題\n"})
    run = build_twice(tmp_path, tmp_path / "out", "b.md", "題", "別")
    assert run.stderr.count("none.md") == 2


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(reuse, "_PACKAGE", tmp_path)
    (tmp_path / "mkdocs.yml").write_text("site_name: x", encoding="utf-8")
    (tmp_path / "activations.py").write_text("x = 1", encoding="utf-8")
    config = SimpleNamespace(
        config_file_path=str(tmp_path / "mkdocs.yml"),
        site_url="",
        use_directory_urls=True,
        extra={},
        copyright="",
    )
    files = SimpleNamespace(src_uris={"a.md": None})

    def surroundings(**settings: Any) -> str:
        vars(config).update(settings)
        return reuse.surroundings(config, files)  # type: ignore[arg-type]

    return surroundings


@pytest.mark.parametrize("name", ["mkdocs.yml", "activations.py", "new.toml"])
def test_everything_is_converted_again_after_a_change_beside_the_pages(
    world: Any, tmp_path: Path, name: str
) -> None:
    before = world()
    assert world() == before
    (tmp_path / name).write_text("x = 2", encoding="utf-8")
    assert world() != before


@pytest.mark.parametrize("settings", [{"site_url": "https://x/"}, {"extra": {"repository": "x"}}])
def test_everything_is_converted_again_for_another_place(world: Any, settings: Any) -> None:
    assert world() != world(**settings)


def test_page_with_another_text_enters_the_index_anew() -> None:
    page = SimpleNamespace(url="a/", title="題", content="前", meta={})
    entries: list[dict[str, Any]] = []

    def add(page: Page) -> None:
        entries.append({"text": page.content})

    for content in ("前", "前", "後"):
        page.content = content
        reuse.add_to_index(entries, add, page)  # type: ignore[arg-type]
    assert [entry["text"] for entry in entries] == ["前", "前", "後"]


class Pages:
    """MkDocs の Navigation のように、文字列にすると、どのページの題も現れるもの。"""

    def __init__(self, pages: list[Any]) -> None:
        self.pages = pages

    def __str__(self) -> str:
        return "\n".join(page.title for page in self.pages)


@pytest.fixture
def rendered() -> Callable[..., str]:
    """ページ a を、いくつかの値を替えて組み立てる関数。"""
    environment = Environment()
    environment.template_class = reuse.PageTemplate
    template = environment.from_string("{{ page.content }}{{ count() }}")

    def render(**changed: Any) -> str:
        facts = {"title": "a", "content": "文", "toc": "目次", "meta": {}, "around": "設定"}
        facts |= changed
        config = SimpleNamespace(extra={"surroundings": facts.pop("around")})
        other = SimpleNamespace(title=facts.pop("other", "b"), meta=facts.pop("other_meta", {}))
        page = SimpleNamespace(url="a/", **facts)
        nav = Pages([page, other])
        context = {"page": page, "nav": nav, "config": config, "count": partial(next, counts)}
        return template.render(context)

    counts = itertools.count()
    return render


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "c"},
        {"content": "別の文"},
        {"toc": "別の目次"},
        {"meta": {"description": "紹介文"}},
        {"around": "別の設定"},
        {"other": "c"},
        {"other_meta": {"icon": "x"}},
    ],
    ids=str,
)
def test_page_is_filled_in_again_only_when_something_in_it_changed(
    rendered: Callable[..., str], changed: dict[str, Any]
) -> None:
    reuse._results.pop(("組み立て", "a/"), None)
    assert rendered() == rendered() == "文0"
    content = changed.get("content", "文")
    assert rendered(**changed) == f"{content}1"
    # 同じ住所では、いちばん新しいものだけを残す。
    assert rendered() == "文2"


def test_page_is_not_filled_in_again_when_another_page_is_introduced_otherwise(
    rendered: Callable[..., str],
) -> None:
    reuse._results.pop(("組み立て", "a/"), None)
    assert rendered() == rendered(other_meta={"description": "別の紹介文"})


def test_template_without_a_page_is_always_filled_in() -> None:
    environment = Environment()
    environment.template_class = reuse.PageTemplate
    template = environment.from_string("{{ number }}")
    assert [template.render(number=n) for n in (1, 2)] == ["1", "2"]


def test_sources_are_read_again_only_when_they_changed() -> None:
    def used(around: str) -> tuple[object, object]:
        handler = SimpleNamespace(_modules_collection=object(), _lines_collection=object())
        reuse.share_sources(handler, around)
        return handler._modules_collection, handler._lines_collection

    first = used("今のソース")
    assert used("今のソース") == first
    other = used("別のソース")
    assert set(other).isdisjoint(first)
    # いちばん新しいものだけを残す。
    assert used("今のソース") != first


@pytest.mark.parametrize("faulty", [True, False])
def test_sources_are_read_again_after_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faulty: bool
) -> None:
    # 読みとったものは、説明の誤りを一度しか言わない。
    def convert(*_: Any) -> None:
        if faulty:
            logging.getLogger("mkdocs.plugins.griffe").warning("説明の誤り")

    monkeypatch.setattr(Page, "render", convert)
    monkeypatch.setattr(reuse, "_sources", {"今のソース": (object(), object())})
    page: Any = SimpleNamespace(file=SimpleNamespace(src_uri="誤り.md"), links_to_anchors={})
    config: Any = SimpleNamespace(docs_dir=str(tmp_path))
    reuse.render(page, config, SimpleNamespace(), markdown="", around=str(faulty))  # type: ignore[arg-type]
    assert bool(reuse._sources) != faulty
    reuse._pages.pop("誤り.md", None)
