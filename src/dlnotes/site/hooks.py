"""MkDocs との継ぎ目。図とノートブックのもとを整え、できたページに仕上げをする。"""

from __future__ import annotations

import errno
import gc
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import cache, partial
from importlib.metadata import distribution
from pathlib import Path
from threading import Thread
from typing import Any, cast

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocstrings import MkdocstringsPlugin
from watchdog.observers.polling import PollingObserver

from dlnotes.figures import _build
from dlnotes.site import counts, fonts, lock, notebooks, reuse, runtime
from dlnotes.site.compact import compact
from dlnotes.site.glossary import search_words
from dlnotes.site.policy import with_policy
from dlnotes.site.sharing import description
from dlnotes.site.stylesheets import trim_all

_CACHE = Path(".cache")
_FIGURES = _CACHE / "figures"
_RUNTIME = _CACHE / "runtime"
_MATH_FONT = "assets/fonts/math.woff2"
# ビルドのたびに空にし、ページに出た数式の字を集める。
_math_characters: set[str] = set()
# 原稿の名前から、そのノートブックの実行へ。
_running: dict[str, Future[None]] = {}
# 図を描いているプロセスと、それが描く図。
_drawing: list[tuple[subprocess.Popen[bytes], list[tuple[_build.Drawing, str]]]] = []


def _results(config: MkDocsConfig) -> Path:
    """ページごとの仕事の結果の置き場所。オフライン版とそうでないものを交互に作っても、どちらも残る。"""
    return _CACHE / ("offline.pickle" if config.extra["offline"] else "pages.pickle")


def _end_build() -> None:
    gc.enable()
    # 鍵を外した後に、実行結果と図を書かせない。
    wait(_running.values())
    _running.clear()
    for process, _ in _drawing:
        process.wait()
    _drawing.clear()
    lock.release()


@cache
def _has_runtime() -> bool:
    """実行環境を一度だけ取りよせる。なければ、そう言って、実行ボタンのないサイトを作る。"""
    try:
        runtime.fetch(_RUNTIME)
        runtime.precompile(_RUNTIME)
    except RuntimeError as error:
        print(f"{error}\n実行ボタンのないサイトを作ります。", file=sys.stderr)
        return False
    return True


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """変わった図を描きはじめ、ノートブックのキャッシュを今の `dlnotes` のものにします。"""
    # 残しておくものが多いので、ごみ集めは、何も集められないのにビルドの六分の一の時間を使う。
    gc.disable()
    _math_characters.clear()
    lock.take()
    try:
        stale = _build.stale(_FIGURES)
    except (SyntaxError, ValueError) as error:
        raise PluginError(str(error)) from error
    if stale:
        # 編集された関数を読み直すため、別のプロセスで描く。その間に、ページを変換する。
        command = [sys.executable, "-m", "dlnotes.figures", str(_FIGURES)]
        # ビルドだけが強制終了されても、描き終わるまでは鍵を持たせておく。
        _drawing.append((subprocess.Popen(command, pass_fds=lock.handles()), stale))
    notebooks.use_cache(config, _CACHE / "notebooks")
    reuse.load(_results(config))
    offline = config.extra["offline"]
    config.extra["runtime"] = not offline and _has_runtime()
    if offline:
        # サーバーがなければ、フォルダーの住所で index.html は開かない。
        config.use_directory_urls = False
        config.copyright = f"{config.copyright} · オフライン版（コードの実行はできません）"
    index = vars(config.plugins["material/search"])["search_index"]
    add = partial(reuse.add_to_index, index.entries, index.add_entry_from_context)
    index.add_entry_from_context = add
    if repository := config.extra["repository"]:
        config.copyright = f'{config.copyright} · <a href="{repository}">リポジトリー</a>'
    return config


def _link(path: Path, file: File, dirty: bool = False) -> None:
    """写す代わりに、同じ中身に二つめの名前を付ける。写すと、ビルドのたびに数十 MB を書く。"""
    target = Path(file.abs_dest_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        # 自分しか読めない権限で作られたキャッシュからも、サーバーの読めるサイトを作る。
        path.chmod(0o644)
        target.hardlink_to(path)
    except OSError:  # 別のディスクなど。
        shutil.copyfile(path, target)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """描いた図と、ページの中で Python を動かす実行環境をサイトに加えます。"""
    drawn = [path for drawing in _build.register() for path in drawing.paths]
    made = {f"figures/{path.as_posix()}": _FIGURES / path for path in drawn}
    made["assets/card.png"] = _FIGURES / _build.CARD.path
    if config.extra["runtime"]:
        made |= runtime.collect(_RUNTIME)
    # Material と、その印の絵は、許諾の文も一緒に配ることを求める。
    material = distribution("mkdocs-material")
    icons = Path(str(material.locate_file("material/templates/.icons/material/LICENSE")))
    mit = material.read_text("licenses/LICENSE") or ""
    for name, text in (("material", mit), ("icons", icons.read_text("utf-8"))):
        files.append(File.generated(config, f"licenses/{name}.txt", content=text))
    for uri, path in made.items():
        file = File.generated(config, uri, abs_src_path=str(path))
        file.copy_file = partial(_link, path, file)  # type: ignore[method-assign]
        files.append(file)
    config.extra["surroundings"] = reuse.surroundings(config, files)
    handler = cast(MkdocstringsPlugin, config.plugins["mkdocstrings"]).get_handler("python")
    handler.env.bytecode_cache = reuse.Templates()
    reuse.share_sources(handler, config.extra["surroundings"])
    return files


def _run(job: Future[None], do: Callable[[], None]) -> None:
    try:
        do()
        job.set_result(None)
    except BaseException as error:
        job.set_exception(error)


def on_nav(nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
    """ノートブックを、ほかのページを変換している間に実行させます。カーネルは別のプロセスです。"""
    with_outputs = cast(Any, config.plugins["mkdocs-jupyter"])
    for page in nav.pages:
        if page.file.src_uri.endswith(".ipynb"):
            with_outputs.on_pre_page(page, config, files)
            job = _running[page.file.src_uri] = Future()
            render = partial(page.render, config, files)
            # 終わらないセルがあっても Ctrl-C で止められるように、待たれない daemon にする。
            Thread(target=_run, args=(job, render), daemon=True).start()


def on_serve(
    server: LiveReloadServer, *, config: MkDocsConfig, builder: Callable[..., None]
) -> LiveReloadServer:
    """原稿を直したことに、早く気づくようにします。MkDocs は半秒ごとにしか見ません。"""
    watched = list(server._watched_paths)
    for path in watched:
        while path in server._watched_paths:
            server.unwatch(path)
    server.observer = PollingObserver(timeout=0.2)
    for path in watched:
        server.watch(path)
    return server


def _wait_for_figures(markdown: str | None = None) -> None:
    """原稿にある図が描かれるのを待つ。原稿を渡さなければ、すべての図を待つ。"""
    for process, waiting in _drawing:
        if markdown is None:
            process.wait()
        else:
            for drawing, key in waiting:
                if drawing.path.as_posix() in markdown:
                    while process.poll() is None and not _build.is_fresh(drawing, key, _FIGURES):
                        time.sleep(0.02)
        if process.poll():
            raise PluginError("図を描けませんでした（理由は上にあります）")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> None:
    """変わっていない原稿を、変換し直さないようにします。図とノートブックは、できるのを待ちます。"""
    _wait_for_figures(markdown)
    if page.file.src_uri in _running:
        # 動かないセルのエラーは、ここで出る。実行した結果は、mkdocs-jupyter がキャッシュから読む。
        _running[page.file.src_uri].result()
        return
    around = config.extra["surroundings"]
    render = partial(reuse.render, page, markdown=markdown, around=around)
    page.render = render  # type: ignore[method-assign]


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """ノートブックのページを、ほかのページと同じ形にします。"""
    if page.file.src_uri.endswith(".ipynb"):
        return notebooks.render(html, page, config, files)
    return html


def on_env(env: Environment, *, config: MkDocsConfig, files: Files) -> Environment:
    """すべての本文ができ、検索の索引はまだのときに、数を入れ、紹介文を取り出します。"""
    _wait_for_figures()
    env.bytecode_cache = reuse.Templates()
    env.template_class = reuse.PageTemplate
    pages = [file.page for file in files.documentation_pages() if file.page]
    numbers = counts.count({page.file.src_uri: page.content or "" for page in pages})
    for page in pages:
        try:
            page.content = counts.fill(page.content or "", numbers)
        except ValueError as error:
            raise PluginError(f"{page.file.src_uri}: {error}") from error
        if said := description(page.content):
            page.meta.setdefault("description", said)
    return env


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """数式に使われた字を覚え、HTML を小さくし、取りにいける先を自分のサイトに限ります。"""

    def finish() -> tuple[str, set[str]]:
        return with_policy(compact(output)), fonts.math_characters(output)

    key = reuse.digest(output, config.extra["surroundings"])
    html, characters = reuse.once("仕上げ", page.url, key, finish)
    _math_characters.update(characters)
    return html


def on_post_template(output: str, *, template_name: str, config: MkDocsConfig) -> str:
    """原稿のない 404 のページにも、同じ決まりを付けます。"""
    return with_policy(output) if template_name.endswith(".html") else output


def on_post_build(*, config: MkDocsConfig) -> None:
    """使われた字だけの数式フォントを書き、検索の索引に用語の言い方を足して、別のところに移します。"""
    notebooks.seal_cache(config)
    if config.site_url:
        notebooks.lead_to_site(Path(config.site_dir), config.site_url)
    fonts.write_math_font(_math_characters, _CACHE / "fonts", Path(config.site_dir, _MATH_FONT))
    try:
        trim_all(Path(config.site_dir), config.extra["surroundings"])
    except ValueError as error:
        raise PluginError(str(error)) from error
    reuse.save(_results(config))
    index = Path(config.site_dir, "search", "search_index.json")
    content = json.loads(index.read_text(encoding="utf-8"))
    # 「バックプロパゲーション」と打った人を、用語集ではなく、誤差逆伝播法を教える節に導く。
    words = search_words()
    for section in content["docs"]:
        # オフライン版では、ページの住所がフォルダーではなくファイルになる。
        taught = words.get(section["location"].replace(".html", "/", 1), [])
        if taught:
            section["tags"] = [*section.get("tags", []), *taught]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if config.extra["offline"]:
        # file: のページでは、Material は索引をスクリプトから読む。
        index.with_suffix(".js").write_text(f"var __index = {text}", encoding="utf-8")
        index.unlink()
    else:
        # 本物は、言葉が打たれてから assets/javascripts/workers/on-demand.js が取りにいく。
        index.with_name("index.json").write_text(text, encoding="utf-8")
        index.write_text(json.dumps(content | {"docs": []}), encoding="utf-8")
    _end_build()


def on_build_error(*, error: Exception) -> None:
    """ディスクの空きや権限が足りないときに、呼び出しの跡ではなく、一行の理由を見せます。"""
    _end_build()
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PluginError(runtime.DISK) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise PluginError(runtime.UNWRITABLE.format(error.filename)) from error
