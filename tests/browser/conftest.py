"""できあがったサイトを、よそのフォルダーの下に置かれたものとしてブラウザに見せる。"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from dlnotes.site.book import find_chromium

SWITCHES = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
NARROW, PHONE, DESK = 320, 390, 1280
# ほかの worker が Python を動かしている間は、検索の索引だけでも 5 秒を超える。
expect.set_options(timeout=20_000)
# 広すぎるときに、右にはみ出した要素を三つまで挙げる。
TOO_WIDE = """() => {
  const root = document.documentElement
  if (root.scrollWidth <= root.clientWidth) return []
  const wide = [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > root.clientWidth + 1)
  const examples = wide.slice(-3).map(e => e.outerHTML.slice(0, 200))
  return [`${root.scrollWidth} > ${root.clientWidth}`, ...examples]
}"""
# 電話で横に動かさないと終わりの読めない、別の行の式。
TOO_WIDE_FORMULAS = """() => [...document.querySelectorAll("article .arithmatex")]
  .filter(box => box.scrollWidth > box.clientWidth + 1)
  .map(box => `${box.scrollWidth} > ${box.clientWidth}: ${box.textContent.trim().slice(0, 60)}`)"""
SHOW_IMAGES = """async () => {
  document.querySelectorAll("details").forEach(d => d.open = true)
  const broken = []
  for (const image of document.querySelectorAll("article img")) {
    if (!image.checkVisibility()) continue
    image.scrollIntoView()
    await image.decode().catch(() => {})
    if (!image.naturalWidth) broken.push(image.src)
  }
  return broken
}"""

# axe の色の検査は、ページの中の要素の数だけ時間がかかる。色も、大きさも、後ろにあるものも同じ
# 文字は、同じ配色のすべてのページと幅を通して一度だけ調べる。
MARK_UNSEEN = """looks => {
  const behind = new Map([[null, ""]]), unseen = new Map()
  const ground = element => {
    if (!behind.has(element)) {
      const {backgroundColor, backgroundImage, opacity, filter} = getComputedStyle(element)
      const own = [backgroundColor, backgroundImage, opacity, filter].join()
      const bare = own === "rgba(0, 0, 0, 0),none,1,none"
      behind.set(element, ground(element.parentElement) + (bare ? "" : own + ";"))
    }
    return behind.get(element)
  }
  // axe がリンクをまわりの文と比べるのは、リンクより文の長い段落の中だけである。
  const linkInText = link => {
    let block = link.parentElement
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement
    const linked = [...block.querySelectorAll("a")].map(a => a.textContent).join("").length
    const inText = block.textContent.length > 2 * linked
    return [inText, getComputedStyle(block).color, getComputedStyle(link).textDecorationLine]
  }
  for (const element of document.body.querySelectorAll("*")) {
    delete element.dataset.unseen
    const own = [...element.childNodes].filter(c => c.nodeType === Node.TEXT_NODE)
    const length = own.map(c => c.data).join("").trim().length
    if (!length) continue
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue
    const {color, fontSize, fontWeight, textShadow} = getComputedStyle(element)
    const link = element.closest("a"), look = ground(element) + [
      color, fontSize, fontWeight, textShadow, link && linkInText(link)
    ].join()
    if (!looks.includes(look)) unseen.set(look, [...unseen.get(look) ?? [], {element, length}])
  }
  // 一字だけの文字や記号だけの文字を、axe は調べないので、長いものから三つを選ぶ。
  for (const [look, found] of unseen)
    for (const {element} of found.sort((a, b) => b.length - a.length).slice(0, 3))
      element.dataset.unseen = look
  return unseen.size
}"""
# 横に動くコードは、組み終わった次のコマで、キーボードで届くようになる。
NEXT_FRAMES = """() => new Promise(done =>
  requestAnimationFrame(() => requestAnimationFrame(done)))"""
# 違反と、axe が確かに調べた見た目。
AXE = """async options => {
  axe.configure({rules: [{id: "color-contrast", selector: "[data-unseen]"}]})
  axe.addReporter("raw-elements", (results, _, done) => done(results))
  const results = await axe.run({reporter: "raw-elements", ...options})
  const say = ({id, violations}) => violations.map(({node, any, all, none}) =>
    `${id}: ${node.source} ${[any, all, none].flat().map(check => check.message)}`)
  const {passes, violations} = results.find(({id}) => id === "color-contrast")
  const looks = [...passes, ...violations].map(({node}) => node.element.dataset.unseen)
  return [results.flatMap(say), [...new Set(looks)]]
}"""
ONLY_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


class Handler(SimpleHTTPRequestHandler):
    """`/dlnotes/` の下だけを出す。"""

    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        inside = path.startswith("/dlnotes/")
        return super().translate_path(path.removeprefix("/dlnotes") if inside else "/nowhere")

    def end_headers(self) -> None:
        # 実行環境だけは、ページごとに送り直さない。
        kept = self.path.startswith("/dlnotes/runtime/")
        self.send_header("Cache-Control", "max-age=600" if kept else "no-store")
        super().end_headers()

    def send_error(self, code: int, *_: Any, **__: Any) -> None:
        """静的なサイトを置くサーバーと同じように、404.html を見せる。"""
        body = Path(self.directory, "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def base(site: Path) -> Iterator[str]:
    """サイトの住所。"""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/dlnotes/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """このパソコンの Chromium を使う。"""
    return {"executable_path": find_chromium(), "args": SWITCHES}


@dataclass
class Visit:
    """ページを一つの配色で一度開き、電話とパソコンの幅で見たこと。"""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    first_view: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    broken_images: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    # 調べた文字の見た目。同じ配色の、ほかのページと分けあう。
    looks: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("response", lambda r: self.failed.append(r.url) if r.status >= 400 else None)

    def look(self, page: Page, address: str, scheme: str) -> None:
        # 色のほかのことは明暗によらないので、axe の色のほかの検査は開いたときの幅だけで、
        # いちばん狭い幅は明るい配色だけで見る。
        first, second = (PHONE, DESK) if scheme == "light" else (DESK, PHONE)
        self._resize(page, first)
        try:
            # はじめに届くものは、明るい配色だけで数える。
            until = "networkidle" if scheme == "light" else "load"
            page.goto(address, wait_until=until, timeout=20_000)
        except Error as error:
            self.failed.append(str(error))
        self.first_view = list(dict.fromkeys(self.asked))
        self.broken_images += page.evaluate(SHOW_IMAGES)
        self._measure(page)
        page.evaluate(Axe().axe_script)
        self._check(page, {})
        self._resize(page, second)
        self._measure(page)
        self._check(page, ONLY_COLOURS)
        if scheme == "light":
            self._resize(page, NARROW)
            self._measure(page)

    def _measure(self, page: Page) -> None:
        page.evaluate(NEXT_FRAMES)
        self.too_wide += page.evaluate(TOO_WIDE)
        if page.viewport_size == {"width": PHONE, "height": 800}:
            self.too_wide += page.evaluate(TOO_WIDE_FORMULAS)

    def _check(self, page: Page, options: dict[str, Any]) -> None:
        unseen = page.evaluate(MARK_UNSEEN, self.looks)
        if options is ONLY_COLOURS and not unseen:
            return
        faults, looks = page.evaluate(AXE, options)
        self.violations += faults
        self.looks += looks

    @staticmethod
    def _resize(page: Page, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 800})


@pytest.fixture(scope="session")
def visit(browser: Browser, base: str) -> Iterator[Callable[[str, str], Visit]]:
    """ページを、配色を決めて開く関数。同じ組は一度しか開かない。"""
    contexts: dict[str, BrowserContext] = {}
    looks: dict[str, list[str]] = {"light": [], "dark": []}

    @cache
    def look(url: str, scheme: Any) -> Visit:
        if scheme not in contexts:
            contexts[scheme] = browser.new_context(color_scheme=scheme)
        page, seen = contexts[scheme].new_page(), Visit(looks=looks[scheme])
        # 配色や題の変わる途中の色を、axe が見ないようにする。
        animation = contexts[scheme].new_cdp_session(page)
        animation.send("Animation.enable")
        animation.send("Animation.setPlaybackRate", {"playbackRate": 1_000_000})
        seen.watch(page)
        seen.look(page, base + url, scheme)
        page.close()
        return seen

    yield look
    for context in contexts.values():
        context.close()


@pytest.fixture(scope="session")
def desk(browser: Browser) -> Iterator[Page]:
    """パソコンの画面ほどの幅のページ。"""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    yield context.new_page()
    context.close()


# 保存を禁じたブラウザ。Chromium では尋ねるだけで例外になり、null を返すものもある。
FORBID = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { configurable: true, get() { ANSWER } })"""
ANSWERS = ['throw new DOMException("forbidden", "SecurityError")', "return null"]


@pytest.fixture(params=ANSWERS, ids=["throws", "null"])
def forbidden(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """保存を禁じたブラウザのページ。スクリプトが止まれば、テストの終わりに赤くなる。"""
    said: list[str] = []
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        context.add_init_script(FORBID.replace("ANSWER", request.param))
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text))
        yield page
    assert said == []


@pytest.fixture(scope="module")
def started(request: pytest.FixtureRequest, browser: Browser, base: str) -> Iterator[Page]:
    """ファイルの `URL` のページ。Python を始めるのに時間がかかるので、テストどうしで使い続ける。"""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    page.goto(base + request.module.URL)
    yield page
    context.close()


@pytest.fixture(scope="session")
def broken_images() -> Callable[[Page], list[str]]:
    """折りたたみを開き、見えない図の住所を並べる関数。"""
    return lambda page: page.evaluate(SHOW_IMAGES)
