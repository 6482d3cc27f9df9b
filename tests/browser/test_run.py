"""ページの中で Python を動かす。どのコードも、ページに印字したとおりの出力になる。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Locator, Page, expect

# 遅い機械でも、初めの読み込みを待つ（ミリ秒）。
PATIENCE = 60_000
URL = "dl003_activations/"
NOTEBOOK = "notebooks/1_2_back_propagation/"
PRESS_ALL = """() => {
  document.querySelectorAll("details").forEach(d => d.open = true)
  document.querySelectorAll(".dl-run button:first-child").forEach(b => b.click())
}"""
ESCAPE = """
import js
python = js.Worker.new('{base}assets/run-worker.js', js.JSON.parse('{{"type": "module"}}'))
code = "from pyodide.http import open_url; open_url('{address}python')"
python.postMessage(js.Array.of(code, 0))
search = js.Worker.new('{base}assets/javascripts/workers/on-demand.js?{address}search')
search.postMessage(js.JSON.parse('{{"type": 2, "data": "x"}}'))
"""
# コードが終わってから、文字を出し、図も描く。
LATE = """
import asyncio
import matplotlib.pyplot as plt
async def late():
    await asyncio.sleep(0.2)
    print("遅い")
    print("行の途中", end="")
    plt.plot([1, 2])
    plt.show()
    plt.plot([2, 1])
asyncio.ensure_future(late())
"""
SLOW = "import time\nprint(99)\ntime.sleep(2)"
RESULTS = """() => [...document.querySelectorAll(".dl-run-result")].map(result =>
  [result.textContent.trimEnd(), result.querySelectorAll(".dl-figure").length])"""
# 別の窓から開いたページの Python（module worker）を、元の窓に置き、ページを移っても使い続ける。
KEEP_PYTHON = """if (opener) window.Worker = new Proxy(Worker, {
  construct: (own, [file, options]) =>
    options ? opener.python ??= new opener.Worker(file, options) : new own(file)
})"""


@pytest.fixture(scope="session")
def window(browser: Browser, base: str) -> Iterator[Page]:
    """どのページを開いても、同じ Python を使う窓。"""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.add_init_script(KEEP_PYTHON)
        page = context.new_page()
        page.goto(base)
        with page.expect_popup() as opened:
            page.evaluate("() => { open() }")
        yield opened.value


@pytest.fixture
def runner(window: Page) -> Iterator[Page]:
    """編集を残さない窓。ノートブックは print の設定を変えるので、その Python も残さない。"""
    yield window
    window.evaluate("() => sessionStorage.clear()")
    if "/notebooks/" in window.url:
        window.evaluate("() => { opener.python?.terminate(); opener.python = undefined }")


@pytest.fixture
def page(started: Page) -> Page:
    """編集のないページ。Python を始めるのに時間がかかるので、動いたままのものを使う。"""
    for reset in started.get_by_role("button", name="元に戻す").all():
        if reset.is_visible():
            reset.click()
    return started


@pytest.fixture
def fresh(browser: Browser, base: str) -> Iterator[Page]:
    """Python の始まっていない、ほかのテストの跡のないページ。"""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(base + URL)
        yield page


def printed(code: Tag) -> list[Any]:
    """コードのすぐ下に印字された文字と、図の数。"""
    text, images = [], 0
    for tag in code.find_next_siblings():
        if "language-text" in tag.get("class", []):
            text.append(tag.get_text().rstrip())
        elif "dl-plot" in tag.get("class", []):
            images += 1
        else:
            break
    return ["\n".join(text), images]


def buttons(page: Page, place: int = 0) -> dict[str, Locator]:
    bar = page.locator(".dl-run").nth(place)
    texts = {"run": "▶ 実行", "edit": "編集", "reset": "元に戻す", "stop": "停止"}
    found = {n: bar.get_by_role("button", name=t, exact=True) for n, t in texts.items()}
    return found | {
        "status": bar.get_by_role("status"),
        "result": page.locator(".dl-run-result").nth(place),
        "editor": page.locator(".highlight:has(.dl-run)").nth(place).locator("textarea"),
    }


def run(page: Page, code: str, place: int = 0, *, ends: str = "秒") -> Locator:
    """コードを書きかえて動かし、終わりを待って、結果を返す。"""
    block = buttons(page, place)
    if block["edit"].is_visible():
        block["edit"].click()
    block["editor"].fill(code)
    block["run"].click()
    expect(block["status"]).to_contain_text(ends, timeout=PATIENCE)
    return block["result"]


def test_every_block_prints_what_the_page_prints(
    runner: Page, base: str, site: Path, url: str
) -> None:
    soup = BeautifulSoup((site / url / "index.html").read_text(encoding="utf-8"), "html.parser")
    codes = [
        c for c in soup.select("article .language-python") if not c.find_parent(class_="doc-object")
    ]
    runner.goto(base + url)
    assert runner.locator(".dl-run").count() == len(codes)
    runner.evaluate(PRESS_ALL)
    for status in runner.locator(".dl-run").get_by_role("status").all():
        expect(status).to_contain_text(re.compile("秒|ません|止ま"), timeout=PATIENCE)
    got, wanted = runner.evaluate(RESULTS), [printed(code) for code in codes]
    equal = sum(a == b for a, b in zip(got, wanted, strict=True))
    print(f"{url or 'index'}: {len(codes)} のうち {equal} が、ページの出力と同じ")
    assert got == wanted


def test_nothing_of_the_runtime_is_fetched_before_the_first_press(
    browser: Browser, base: str
) -> None:
    with browser.new_context() as context:
        page, asked = context.new_page(), []
        context.on("request", lambda request: asked.append(request.url))
        page.goto(base + URL, wait_until="networkidle")
        assert [a for a in asked if "runtime/" in a or "run-worker" in a] == []
        assert any(a.endswith("/run.js") for a in asked)


def test_error_is_named_in_japanese_with_its_line(page: Page) -> None:
    result = run(page, "x = 1\n\nx / 0\n", ends="エラーで止まりました")
    expect(result.locator(".error")).to_have_text(
        re.compile(r"3 行目 ZeroDivisionError（0 での割り算）: ")
    )
    expect(buttons(page)["status"]).to_have_class("error")
    buttons(page)["reset"].click()
    expect(buttons(page)["status"]).not_to_have_class("error")
    result = run(page, "print(1)\nif:\n", ends="エラーで止まりました")
    expect(result).to_have_text(re.compile(r"^2 行目 SyntaxError（文法の誤り）"))
    result = run(page, "from dlnotes.activations import relu\nrelu('a')", ends="エラー")
    expect(result).to_have_text(re.compile(r"^2 行目 .*: u は実数の配列が必要"))
    result = run(page, "a = 1\nb = 2\neval('1 +')", ends="エラー")
    expect(result).to_have_text(re.compile(r"^3 行目 SyntaxError"))
    result = run(page, "import warnings\nwarnings.warn('x', RuntimeWarning)", ends="エラー")
    expect(result).to_have_text(re.compile(r"^2 行目 RuntimeWarning（計算の警告）"))
    # 行の番号が、途中まで印字した行に続いて、出力の数に見えないようにする。
    result = run(page, "print(2, end=' ')\n1 / 0", ends="エラー")
    assert result.inner_text().splitlines()[-1].startswith("2 行目 ZeroDivisionError")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("x =\u30001", "全角の空白を半角に直してください"),
        ("print\uff081)", "全角の「\uff08」を「(」に直してください"),
        ("x = [1、2]", "全角の「、」を「,」に直してください"),
        ("import numpy as np\nnq.zeros(3)", "Did you mean: 'np'?"),
        ("import numpy as np\nnp.arrya(1)", "Did you mean: 'array'?"),
        ("input('数は')", "EOFError（ここでは input を使えない）"),
    ],
)
def test_common_slip_is_answered_with_the_way_out(page: Page, code: str, hint: str) -> None:
    expect(run(page, code, ends="エラー").locator(".error")).to_contain_text(hint)


def test_long_output_is_cut_and_too_much_memory_is_an_error(page: Page) -> None:
    result = run(page, "for i in range(100):\n    print('x' * 1_000_000)\n")
    expect(result.locator(".note")).to_contain_text("100,000,100 字のうちのはじめだけ")
    assert len(result.inner_text()) < 101_000
    result = run(
        page, "import numpy as np\nx = [np.empty(2 * 10**8) for _ in range(5)]", ends="エラー"
    )
    expect(result.locator(".error")).to_contain_text("MemoryError（メモリーの不足）")
    expect(buttons(page)["status"]).to_contain_text("変数は失われました。")
    expect(run(page, "print(2)")).to_have_text("2\n")


def test_python_that_breaks_down_is_started_again(page: Page) -> None:
    run(page, "import os\nos.abort()", ends="Python が止まりました。変数は失われました。")
    expect(run(page, "print(3)")).to_have_text("3\n")


def test_figure_is_drawn_in_the_scheme_of_the_page(browser: Browser, base: str) -> None:
    code = "# 図: 線\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('題')"
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        page.goto(base + URL)
        image = run(page, code).locator("img:visible")
        expect(image).to_have_count(1)
        expect(image).to_have_attribute("alt", "線")
        source = str(image.get_attribute("src"))
        assert source.endswith("#only-dark")
        assert "%236cb8f0" in source
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


@pytest.mark.parametrize(
    "code",
    ["x = 1; import matplotlib.pyplot as plt", "import numpy, dlnotes.figures.dl003_activations"],
)
def test_matplotlib_is_loaded_however_it_is_imported(fresh: Page, code: str) -> None:
    expect(run(fresh, code + "\nprint(1)", ends=" 秒")).to_have_text("1\n")


def test_flushed_text_is_shown_while_the_code_goes_on(page: Page) -> None:
    code = "import time\nprint('途中', end='', flush=True)\ntime.sleep(3)\nprint('。')"
    result = run(page, code, ends="実行中")
    expect(result).to_have_text("途中")
    expect(result).to_have_text("途中。")
    expect(buttons(page)["status"]).to_contain_text("秒", timeout=PATIENCE)


def test_figure_drawn_before_an_error_is_not_given_to_the_next_block(page: Page) -> None:
    run(page, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n1 / 0", 0, ends="エラー")
    result = run(page, "print(1)", 1)
    expect(result).to_have_text("1\n")
    expect(result.locator(".dl-figure")).to_have_count(0)


def test_output_that_comes_after_the_end_is_nowhere(page: Page) -> None:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    first = run(page, LATE, 0)
    page.wait_for_timeout(1_000)
    second = run(page, "print(2)", 1)
    expect(second).to_have_text("2\n")
    expect(first).to_have_text("")
    expect(page.locator(".dl-run-result .dl-figure")).to_have_count(0)
    assert said == []


def test_focus_on_the_stop_button_goes_to_run_when_the_code_ends(page: Page) -> None:
    block = buttons(page)
    run(page, SLOW, ends="実行中")
    block["stop"].focus()
    expect(block["stop"]).to_be_hidden(timeout=PATIENCE)
    expect(block["run"]).to_be_focused()


def test_code_taken_back_while_it_runs_is_not_compared_with_the_page(page: Page) -> None:
    block = buttons(page)
    run(page, SLOW, ends="実行中")
    block["reset"].click()
    expect(block["status"]).to_have_text(re.compile(r"^[\d.]+ 秒$"), timeout=PATIENCE)
    expect(block["result"]).to_be_hidden()


def test_edited_code_reaches_no_other_origin(page: Page) -> None:
    reached = []

    class Elsewhere(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", "text/javascript")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        code = f"from pyodide.http import open_url\nopen_url('{address}')"
        run(page, code, ends="エラーで止まりました")
        # 決まりを受けつがない worker を、サイトのスクリプトから始めようとする。
        run(page, ESCAPE.format(base=page.url.removesuffix(URL), address=address))
        page.wait_for_timeout(10_000)
        server.shutdown()
    assert reached == []


def test_blocks_of_a_page_share_their_variables_until_they_are_stopped(page: Page) -> None:
    run(page, "a = 41\nprint('初')", 0)
    expect(run(page, "print(a + 1)", 1)).to_have_text("42\n")
    run(page, "print('回る', flush=True)\nwhile True:\n    pass", 0, ends="実行中")
    block = buttons(page)
    expect(block["result"]).to_have_text("回る\n", timeout=PATIENCE)
    block["stop"].click()
    expect(block["status"]).to_have_text("止めました。変数は失われました。")
    expect(block["run"]).to_be_focused()
    expect(run(page, "print(a)", 1, ends="エラー")).to_contain_text("NameError")


def test_edit_is_kept_until_it_is_taken_back(fresh: Page, base: str) -> None:
    page = fresh
    block = buttons(page)
    block["edit"].click()
    expect(block["editor"]).to_be_focused()
    original = block["editor"].input_value()
    block["editor"].fill("for i in range(2):")
    page.keyboard.press("Enter")
    page.keyboard.type("print(i)")
    expect(block["editor"]).to_have_value("for i in range(2):\n    print(i)")
    page.goto(base + NOTEBOOK)
    page.go_back()
    expect(block["editor"]).to_have_value("for i in range(2):\n    print(i)")
    block["reset"].click()
    expect(block["editor"]).to_have_count(0)
    expect(page.locator(".highlight:has(.dl-run) pre code").first).to_be_visible()
    block["edit"].click()
    page.reload()
    expect(block["editor"]).to_have_value("for i in range(2):\n    print(i)")
    block["editor"].fill(original)
    block["reset"].click()


def test_result_of_edited_code_is_not_left_under_the_original(page: Page) -> None:
    block = buttons(page)
    expect(run(page, "print('直した')")).to_have_text("直した\n")
    block["reset"].click()
    expect(block["result"]).to_be_hidden()


def test_code_that_is_right_elsewhere_says_the_same_here(page: Page) -> None:
    code = "import sys\nopen('a', 'w').write('x')\nprint(open('a').read())\nsys.exit('終わり')"
    expect(run(page, code)).to_have_text("x\n終わり\n")


def test_tab_indents_and_escape_lets_it_leave(page: Page) -> None:
    block = buttons(page)
    block["edit"].click()
    block["editor"].fill("")
    page.keyboard.press("Tab")
    expect(block["editor"]).to_have_value("    ")
    # Esc の後でも、書きつづければ、Tab は字下げに戻る。
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("Tab")
    expect(block["editor"]).to_have_value("    x    ")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(block["run"]).to_be_focused()
    # 選んだ行は、消さずに、どれも字下げする。
    block["editor"].fill("x = 1\nprint(x)")
    page.keyboard.press("Control+A")
    page.keyboard.press("Tab")
    expect(block["editor"]).to_have_value("    x = 1\n    print(x)")
    # 行の途中から選んでも、行の頭から。行の終わりまで選んでも、選んでいない次の行はそのまま。
    block["editor"].fill("x = 1\ny = 2\nprint(x)")
    block["editor"].evaluate("editor => editor.setSelectionRange(2, 12)")
    page.keyboard.press("Tab")
    expect(block["editor"]).to_have_value("    x = 1\n    y = 2\nprint(x)")
    # 貼り付けた Tab の字下げも、次の行に続く。変換を決める Enter では、行を足さない。
    block["editor"].fill("if x:\n\ty")
    page.keyboard.press("Enter")
    expect(block["editor"]).to_have_value("if x:\n\ty\n\t")
    block["editor"].dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    expect(block["editor"]).to_have_value("if x:\n\ty\n\t")
    block["reset"].click()


def test_page_left_and_returned_to_runs_again(fresh: Page, base: str) -> None:
    block = buttons(fresh)
    block["run"].click()
    fresh.goto(base + "notation/")
    fresh.go_back()
    expect(block["status"]).to_have_text("")
    expect(run(fresh, "print(3)")).to_have_text("3\n")


def test_notebook_runs_the_cells_above_first(runner: Page, base: str, site: Path) -> None:
    runner.goto(base + NOTEBOOK)
    block = buttons(runner, 2)
    block["run"].click()
    expect(block["status"]).to_contain_text("ページの出力と同じ", timeout=PATIENCE)
    done = runner.locator(".dl-run").get_by_role("status").all_inner_texts()
    assert [bool(text) for text in done[:4]] == [True, True, True, False]


def test_notebook_cell_starts_from_what_the_cell_above_left(runner: Page, base: str) -> None:
    runner.goto(base + "notebooks/1_1_forward_propagation/")
    runner.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    last = runner.locator(".dl-run").count() - 1
    for place in (last, 7, 4, 2):
        block = buttons(runner, place)
        block["run"].click()
        expect(block["status"]).to_contain_text("ページの出力と同じ", timeout=PATIENCE)


def test_notebook_cell_is_run_again_below_an_edited_one(runner: Page, base: str) -> None:
    runner.goto(base + NOTEBOOK)
    first, below = buttons(runner, 0), buttons(runner, 2)
    run(runner, "raise ValueError('直した')", 0, ends="エラー")
    below["run"].click()
    expect(below["status"]).to_contain_text("動かしていません", timeout=PATIENCE)
    first["reset"].click()
    below["run"].click()
    expect(below["status"]).to_contain_text("ページの出力と同じ", timeout=PATIENCE)
    run(runner, "print('もう一度')", 0)
    below["run"].click()
    expect(below["status"]).to_contain_text("動かしていません", timeout=PATIENCE)


def test_untouched_code_spoilt_by_an_edited_one_says_how_to_get_well(fresh: Page) -> None:
    run(fresh, "import builtins\nbuiltins.print = None", 0)
    block = buttons(fresh, 1)
    block["run"].click()
    expect(block["status"]).to_contain_text("ページを読み直すと消えます", timeout=PATIENCE)


def test_endless_printing_says_that_the_rest_is_not_shown(page: Page) -> None:
    block = buttons(page)
    run(page, "while True:\n    print(12345)", ends="続きは表示しません")
    assert len(block["result"].inner_text()) > 99_000
    block["stop"].click()


def test_figure_stands_between_the_text_before_and_after_it(page: Page) -> None:
    draw = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\n"
    code = f"print('前', end='')\n{draw}print('後')"
    parts = run(page, code).evaluate("result => [...result.children].map(e => e.tagName)")
    assert parts == ["PRE", "SPAN", "PRE"]


def test_figure_of_many_points_is_light(page: Page) -> None:
    code = (
        "import numpy as np, matplotlib.pyplot as plt\nplt.plot(*np.random.rand(2, 100_000), '.')"
    )
    source = run(page, code).locator("img").first.get_attribute("src")
    assert source
    assert len(source) < 500_000


def test_page_that_has_started_runs_without_the_network(browser: Browser, base: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base + URL)
        context.set_offline(True)
        buttons(page)["run"].click()
        expect(buttons(page)["status"]).to_contain_text("通信を確かめて", timeout=PATIENCE)
        context.set_offline(False)
        buttons(page)["run"].click()
        expect(buttons(page)["status"]).to_contain_text("同じ", timeout=PATIENCE)
        context.set_offline(True)
        expect(run(page, "print(6 * 7)")).to_have_text("42\n")
        run(page, "import matplotlib", ends="通信を確かめて")
        expect(run(page, "print(6 * 7)")).to_have_text("42\n")


def test_download_cut_halfway_is_told_and_made_again(browser: Browser, site: Path) -> None:
    cut: list[str] = []

    class Unsteady(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def copyfile(self, source: Any, outputfile: Any) -> None:
            self.close_connection = self.path.endswith(tuple(cut))
            outputfile.write(source.read()[: 9_999 if self.close_connection else None])

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-store")
            super().end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    handler = partial(Unsteady, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, browser.new_context() as context:
        Thread(target=server.serve_forever, daemon=True).start()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/{URL}")
        # Python そのものと、その後に取りにいく dlnotes の wheel。
        for name in ("asm.wasm", "any.whl"):
            cut[:] = [name]
            buttons(page)["run"].click()
            expect(buttons(page)["status"]).to_contain_text("通信を確かめて", timeout=PATIENCE)
        cut.clear()
        buttons(page)["run"].click()
        expect(buttons(page)["status"]).to_contain_text("同じ", timeout=PATIENCE)
        context.close()
        server.shutdown()


@pytest.mark.parametrize("width", [390, 1280])
def test_buttons_do_not_move_the_text_below(browser: Browser, base: str, width: int) -> None:
    heights = []
    for pattern in ["**/nothing.js", "**/run.js"]:
        with browser.new_context(viewport={"width": width, "height": 800}) as context:
            page = context.new_page()
            page.route(pattern, lambda route: route.abort())
            page.goto(base + URL, wait_until="networkidle")
            assert bool(page.locator(".dl-run").count()) == ("nothing" in pattern)
            script = "document.querySelector('article').getBoundingClientRect().height"
            heights.append(page.evaluate(script))
    assert heights[0] == heights[1]


def test_page_runs_where_storage_is_forbidden(forbidden: Page, base: str) -> None:
    forbidden.goto(base + URL)
    expect(run(forbidden, "print(6 * 7)")).to_have_text("42\n")


def test_output_that_differs_from_the_page_is_said(fresh: Page) -> None:
    block = buttons(fresh)
    printed_text = fresh.locator(".language-python:has(.dl-run) + .language-text pre").first
    printed_text.evaluate("pre => pre.textContent += '9'")
    block["run"].click()
    expect(block["status"]).to_contain_text("、ページの出力と違います", timeout=PATIENCE)
