"""変わっていないページについての仕事の結果を、前のビルドから使う。

MkDocs は、原稿を一枚直しただけでも、すべてのページを作り直す。その時間のほとんどは、
Markdown の変換、テンプレートの組み立て、できた HTML の仕上げと索引作りに使われる。
serve の間はメモリーに、次に動かすときのためにはファイルに、結果を残す。
"""

from __future__ import annotations

import hashlib
import logging
import pickle
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import BytecodeCache, Template
from jinja2.bccache import Bucket
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import CountHandler

from dlnotes.figures._files import replacing
from dlnotes.site import corrections, quiz
from dlnotes.site.math import spelled

__all__ = [
    "PageTemplate",
    "Templates",
    "add_to_index",
    "digest",
    "load",
    "once",
    "render",
    "save",
    "share_sources",
    "surroundings",
]

_Result = TypeVar("_Result")
# コードの色の囲み。索引には入らないのに、Material はひとつずつ読み、索引作りの三分の一を使う。
_COLORED = re.compile(r'<span class="\w+">([^<]*)</span>')
# Material は、行を分ける印を、跡を残さずに捨てる。
_BREAK = re.compile(r"<br ?/?>")
_PACKAGE = Path(__file__).parents[1]
# このプロセスが動かしているコード。serve の間にコードを直しても、動くのは読みこんだときのもの。
_CODE = b"".join(path.read_bytes() for path in sorted(_PACKAGE.glob("site/*.py")))
# ほかの原稿から書かれるところの目印と、原稿のフォルダーからそこに書くものを求める関数。
_WRITTEN: dict[str, Callable[[Path], list[str]]] = {
    corrections.MARKER: corrections.written,
    quiz.MARKER: lambda docs: quiz.written(docs / "quiz.toml"),
}
# 原稿の名前から、変換のもとになったものと、変換がページに加えたものへ。
_pages: dict[str, tuple[object, dict[str, Any]]] = {}
# 仕事の名前と、何についての仕事かから、仕事のもとになったものと、その結果へ。
_results: dict[tuple[str, str], tuple[object, Any]] = {}
# Jinja がテンプレートに付けた鍵から、その翻訳へ。
_templates: dict[str, bytes] = {}
# `surroundings` の鍵から、mkdocstrings が dlnotes から読みとったものへ。メモリーにだけ残す。
_sources: dict[str, tuple[Any, Any]] = {}

_warnings = CountHandler()
_warnings.setLevel(logging.WARNING)
logging.getLogger("mkdocs").addHandler(_warnings)


def load(path: Path) -> None:
    """前に動かしたときの結果を読みます。読めなければ、はじめから変換します。

    Args:
        path: `save` の書いたファイル。自分のキャッシュのほかのものを渡してはいけません。
    """
    if _pages or _results or _templates:
        return
    try:
        digest, data = path.read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return
    # 壊れた一字がページに出ないように、書いたときのままであることを確かめる。
    if _seal(data) == digest:
        pages, results, templates = pickle.loads(data)
        _pages.update(pages)
        _results.update(results)
        _templates.update(templates)


def save(path: Path) -> None:
    """次に動かすときのために、結果を残します。

    Args:
        path: 書くファイル。半端なものが残ることはありません。
    """
    data = pickle.dumps((_pages, _results, _templates))
    with replacing(path) as temporary:
        temporary.write_bytes(_seal(data) + b"\n" + data)


def _seal(data: bytes) -> bytes:
    # ほかの版のライブラリーや、ほかのコードが作ったものは使わない。pickle が読めないこともある。
    return hashlib.sha256(repr(_libraries()).encode() + _CODE + data).hexdigest().encode()


class Templates(BytecodeCache):
    """変わっていないテンプレートを翻訳し直さないための、Jinja のキャッシュ。"""

    def load_bytecode(self, bucket: Bucket) -> None:
        """前の翻訳を使います。テンプレートが変わっていれば、Jinja が捨てます。"""
        if bucket.key in _templates:
            bucket.bytecode_from_string(_templates[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """翻訳を残します。"""
        _templates[bucket.key] = bucket.bytecode_to_string()


def surroundings(config: MkDocsConfig, files: Files) -> str:
    """原稿のほかに、変換の結果を左右するものすべての鍵。

    Args:
        config: MkDocs の設定。
        files: サイトのファイル。
    """
    sources = [p for p in sorted(_PACKAGE.rglob("*")) if p.is_file() and p.suffix != ".pyc"]
    contents = [path.read_bytes() for path in (Path(config.config_file_path), *sources)]
    # 環境変数で決まる設定は、設定ファイルの文字に現れない。
    settings = config.site_url, config.use_directory_urls, config.extra, config.copyright
    facts = repr((sorted(files.src_uris), _libraries(), settings)).encode()
    return hashlib.sha256(b"\0".join([facts, *contents])).hexdigest()


@cache
def _libraries() -> list[str]:
    return [sys.version, *sorted(f"{found.name} {found.version}" for found in distributions())]


def share_sources(handler: Any, around: str) -> None:
    """前と同じ `dlnotes` なら、前に読みとった関数とその説明を、mkdocstrings に使わせます。

    Args:
        handler: mkdocstrings の Python のための部分。
        around: `surroundings` の鍵。
    """
    if around not in _sources:
        _sources.clear()
        _sources[around] = handler._modules_collection, handler._lines_collection
    handler._modules_collection, handler._lines_collection = _sources[around]


def render(page: Page, config: MkDocsConfig, files: Files, *, markdown: str, around: str) -> None:
    """`page.render` と同じことをします。前と同じ原稿なら、前の結果をページに加えます。

    Args:
        page: Markdown のページ。
        config: MkDocs の設定。
        files: サイトのファイル。
        markdown: 原稿。
        around: `surroundings` の鍵。
    """
    docs = Path(config.docs_dir)
    written = [write(docs) for marker, write in _WRITTEN.items() if marker in markdown]
    uri, key = page.file.src_uri, (markdown, written, around)
    if uri not in _pages or _pages[uri][0] != key:
        _pages.pop(uri, None)
        before, warned = dict(vars(page)), sum(_warnings.counts.values())
        Page.render(page, config, files)
        # 警告は、直すまでビルドのたびに言わせる。読みとったものは、説明の誤りを一度しか言わない。
        if sum(_warnings.counts.values()) == warned:
            missing = object()
            added = {k: v for k, v in vars(page).items() if before.get(k, missing) is not v}
            # リンクの先は、このビルドのファイルではなく、その名前で残す。
            links = page.links_to_anchors or {}
            added["links_to_anchors"] = {file.src_uri: v for file, v in links.items()}
            _pages[uri] = key, added
        else:
            _sources.clear()
        return
    vars(page).update(_pages[uri][1])
    links = _pages[uri][1]["links_to_anchors"]
    page.links_to_anchors = {files.src_uris[name]: v for name, v in links.items()}


def once(work: str, name: str, key: object, do: Callable[[], _Result]) -> _Result:
    """仕事をし、その結果を返します。前と同じ `key` なら、前の結果を返します。

    Args:
        work: 仕事の名前。
        name: 何についての仕事か。ページの住所など。
        key: 結果を左右するものすべて。大きなものは、`digest` の値で渡します。
        do: 仕事をする関数。
    """
    if (work, name) not in _results or _results[work, name][0] != key:
        _results[work, name] = key, do()
    result: _Result = _results[work, name][1]
    return result


def digest(*parts: object) -> bytes:
    """どれか一つでも変われば変わる、短い値。"""
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).digest()


def add_to_index(entries: list[dict[str, Any]], add: Callable[[Page], None], page: Page) -> None:
    """`add` と同じく、ページを検索の索引に加えます。前と同じページなら、前の項目を加えます。

    Args:
        entries: 索引の項目。
        add: ページから項目を作り、`entries` に加える関数。
        page: 本文のできたページ。
    """

    def new() -> list[dict[str, Any]]:
        start, written = len(entries), page.content
        page.content = _BREAK.sub(" ", _COLORED.sub(r"\1", spelled(written or "")))
        add(page)
        page.content = written
        added = entries[start:]
        del entries[start:]
        return added

    entries += once("索引", page.url, digest(page.title, page.content, page.meta), new)


class PageTemplate(Template):
    """変わっていないページを組み立て直さない、Jinja のテンプレート。"""

    def render(self, *args: Any, **kwargs: Any) -> str:
        """ページを組み立てます。本文、目次、設定、ほかのページの題が前と同じなら、前の結果を返します。"""
        context = dict(*args, **kwargs)
        page: Page | None = context.get("page")
        if page is None:
            return super().render(context)
        nav, around = context["nav"], context["config"].extra["surroundings"]
        # 紹介文だけは、ほかのページに書かれることがない。
        metas = [{k: v for k, v in p.meta.items() if k != "description"} for p in nav.pages]
        parts = self.name, nav, metas, page.title, page.content, page.toc, page.meta, around
        return once(
            "組み立て", page.url, digest(*parts), lambda: super(PageTemplate, self).render(context)
        )
