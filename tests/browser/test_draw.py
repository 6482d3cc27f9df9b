"""読む人の描いた曲線や式を、ページの中の dlnotes が近似する。"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from dlnotes.site.draw import drawn
from dlnotes.universal_approximation import (
    Function,
    count_linear_pieces,
    relu_interpolant,
    sup_error,
)

URL = "dl000_4_universal_approximation/"
# 遅い機械でも、初めの読み込みを待つ（ミリ秒）。
PATIENCE = 60_000
# 枠の幅と高さに対する割合。
CURVE = [(0.05, 0.5), (0.2, 0.2), (0.35, 0.7), (0.5, 0.35), (0.65, 0.9), (0.8, 0.6), (0.95, 0.1)]


class Tool:
    """一つのページの、描く部品。"""

    def __init__(self, page: Page) -> None:
        self.page, self.box = page, page.locator(".dl-draw")
        self.svg, self.paths = self.box.locator("svg"), self.box.locator("path")
        self.formula = self.box.get_by_role("textbox", name="式 g(x) =")
        self.units = self.box.get_by_role("slider", name="ユニットの数 n")
        self.status = self.box.locator("span[role=status]")

    def button(self, name: str) -> Locator:
        return self.box.get_by_role("button", name=name)

    def pixels(self, curve: list[tuple[float, float]]) -> tuple[list[tuple[int, int]], Function]:
        """画面のどの点を通るかと、そこを通った線が表す関数。"""
        # 上の端に貼りついた題の帯に、隠れないようにする。
        self.svg.evaluate("svg => svg.scrollIntoView({block: 'center', behavior: 'instant'})")
        box = self.svg.bounding_box()
        assert box
        points = [
            (round(box["x"] + box["width"] * x), round(box["y"] + box["height"] * y))
            for x, y in curve
        ]
        thousandths = [
            (
                round((x - box["x"]) / box["width"] * 1000),
                round((y - box["y"]) / box["height"] * 1000),
            )
            for x, y in points
        ]
        return points, drawn([thousandths])

    def draw(self, curve: list[tuple[float, float]]) -> Function:
        points, g = self.pixels(curve)
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point)
        self.page.mouse.up()
        return g

    def type(self, text: str) -> None:
        self.formula.fill(text)
        self.formula.press("Enter")

    def says(self, text: str) -> None:
        expect(self.status).to_contain_text(text, timeout=PATIENCE)

    def shows(self, g: Function, units: int) -> None:
        """見えている数が、dlnotes の値と同じで、線も四つある。"""
        network = relu_interpolant(g, 0, 1, units)
        error, pieces = sup_error(network, g, 0, 1), count_linear_pieces(network, 0, 1)
        self.says(f"{units} ユニットのネットワークは {pieces} 本の線分になり、")
        self.says(f"最大の誤差は {error:.4f} です。")
        expect(self.svg).to_have_attribute("aria-label", f"グラフ。{self.status.inner_text()}")
        drawn_paths = [path.get_attribute("d") or "" for path in self.paths.all()]
        assert [bool(d) for d in drawn_paths] == [False, True, True, True, True]
        assert drawn_paths[2].count("L") == units


def violations(page: Page) -> list[str]:
    found = Axe().run(page, context=".dl-draw").response["violations"]
    return [f"{v['id']}: {n['html']} {n['failureSummary']}" for v in found for n in v["nodes"]]


@pytest.fixture
def tool(started: Page) -> Tool:
    tool = Tool(started)
    tool.units.fill("8")
    tool.button("消す").click()
    tool.says("消しました。")
    return tool


def test_only_this_page_loads_the_script(site: Path) -> None:
    pages = [p for p in site.rglob("index.html") if "draw.js" in p.read_text("utf-8")]
    assert pages == [site / URL / "index.html"]


def test_nothing_is_loaded_before_the_reader_draws_or_presses(browser: Browser, base: str) -> None:
    with browser.new_context() as context:
        page, asked = context.new_page(), []
        context.on("request", lambda request: asked.append(request.url))
        page.goto(base + URL, wait_until="networkidle")
        tool = Tool(page)
        tool.units.press("ArrowRight")
        tool.formula.fill("x**2")
        # 触れただけでは、描いたことにならない。
        tool.svg.click()
        page.wait_for_timeout(200)
        assert [a for a in asked if "runtime/" in a or "run-worker" in a] == []
        tool.says("まだ何も描かれていません。")
        with page.expect_request("**/run-worker.js"):
            tool.draw(CURVE)


def test_curve_drawn_with_the_mouse_is_approximated_by_dlnotes(tool: Tool) -> None:
    tool.shows(tool.draw(CURVE), 8)


def test_later_stroke_corrects_the_earlier_one(tool: Tool) -> None:
    tool.draw([(0, 0.5), (1, 0.5)])
    tool.says("最大の誤差は 0.0001 未満です。")
    tool.draw([(0.4, 0.2), (0.5, 0.8)])
    expect(tool.status).not_to_contain_text("未満", timeout=PATIENCE)
    tool.says("最大の誤差は 0.")
    tool.button("消す").click()
    tool.says("消しました。")
    assert [path.get_attribute("d") for path in tool.paths.all()] == [""] * 5


def test_formula_and_units_are_reached_with_the_keyboard_alone(tool: Tool, started: Page) -> None:
    tool.formula.focus()
    started.keyboard.press("Control+a")
    started.keyboard.type("np.cos(5*x)")
    started.keyboard.press("Enter")
    tool.shows(lambda x: np.cos(5 * x), 8)
    started.keyboard.press("Tab")
    expect(tool.button("近似する")).to_be_focused()
    started.keyboard.press("Tab")
    expect(tool.button("消す")).to_be_focused()
    started.keyboard.press("Tab")
    expect(tool.units).to_be_focused()
    started.keyboard.press("ArrowRight")
    tool.shows(lambda x: np.cos(5 * x), 9)
    expect(tool.box.locator("output")).to_have_text("9")
    # 計算の途中で動かしても、終わりの値の答えになる。
    for _ in range(20):
        started.keyboard.press("ArrowRight")
    tool.shows(lambda x: np.cos(5 * x), 29)
    started.keyboard.press("End")
    tool.shows(lambda x: np.cos(5 * x), 64)


def test_formula_beyond_the_frame_widens_it_and_a_curve_brings_it_back(tool: Tool) -> None:
    ends = tool.box.locator(".dl-draw__area span")
    tool.type("4*x - 3")
    expect(ends).to_have_text(["1", "−3"], timeout=PATIENCE)
    curve = tool.draw(CURVE)
    expect(ends).to_have_text(["1", "−1"])
    tool.shows(curve, 8)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "式を入れてください"),
        ("2x", "掛け算は *"),
        ("x^2", "べき乗は ^ でなく **"),
        ("1/x", "x = 0 で、値が大きすぎるか、決まりません"),
        ("np.log(x - 2)", "x = 0 で、値が大きすぎるか、決まりません"),
        ("9**9**9**9", "この式は計算できません"),
        ("__import__('os').abort()", "は使えません"),
        ("[1 for _ in iter(int, 1)]", "は使えません"),
        ("</p><img src=x onerror=alert(1)>", "式として読めません"),
    ],
)
def test_bad_formula_is_answered_in_japanese_without_a_curve(
    tool: Tool, text: str, reason: str
) -> None:
    tool.type("x")
    tool.says("1 本の線分になり、最大の誤差は 0.0001 未満です。")
    tool.type(text)
    tool.says(reason)
    expect(tool.status).to_have_class("error")
    assert [path.get_attribute("d") for path in tool.paths.all()] == [""] * 5
    assert tool.box.locator("img").count() == 0


def test_axe_finds_nothing_in_the_light_scheme(tool: Tool, started: Page) -> None:
    tool.type("np.sin(3*x)")
    tool.says("最大の誤差は")
    assert violations(started) == []


def test_finger_draws_without_moving_the_page_in_a_narrow_dark_screen(
    browser: Browser, base: str
) -> None:
    with browser.new_context(
        viewport={"width": 320, "height": 640}, color_scheme="dark", has_touch=True
    ) as context:
        page = context.new_page()
        page.goto(base + URL)
        finger, tool = context.new_cdp_session(page), Tool(page)

        def touch(points: list[tuple[int, int]]) -> None:
            for kind, places in [
                ("touchStart", points[:1]),
                *(("touchMove", [point]) for point in points[1:]),
                ("touchEnd", []),
            ]:
                where = [{"x": x, "y": y} for x, y in places]
                finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

        def height() -> float:
            return float(page.evaluate("scrollY"))

        # 読み込みの途中で止めても、もう一度描ける。
        for is_stopped in (True, False):
            points, g = tool.pixels(CURVE)
            before = height()
            touch(points)
            # 機械が込みあうと、組み直しで一画素ずれることがあった。指で動けば、何十画素も動く。
            assert height() == pytest.approx(before, abs=2)
            if is_stopped:
                tool.button("停止").click()
                tool.says("止めました。")
                expect(tool.button("近似する")).to_be_focused()
        # 「停止」は、終わると消える。
        tool.button("停止").focus()
        tool.shows(g, 8)
        expect(tool.button("近似する")).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        for part in [*tool.box.get_by_role("button").all(), tool.formula, tool.units]:
            assert (part.bounding_box() or {})["height"] >= 44
        assert violations(page) == []
        # 枠の外では、同じ動きがページを送る。
        text = tool.box.locator("p").first
        text.scroll_into_view_if_needed()
        box = text.bounding_box()
        assert box
        x, y, before = round(box["x"] + 100), round(box["y"] + box["height"] - 5), height()
        touch([(x, y - 12 * step) for step in range(10)])
        page.wait_for_timeout(500)
        assert height() > before


def test_loop_in_a_block_of_the_page_is_stopped_from_here_too(browser: Browser, base: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base + URL)
        tool = Tool(page)
        block = page.locator(".highlight:has(.dl-run)").first
        block.get_by_role("button", name="編集").click()
        block.locator("textarea").fill("while True:\n    pass")
        block.get_by_role("button", name="▶ 実行").click()
        tool.type("x")
        tool.says("順番を待っています。")
        tool.button("停止").click()
        tool.says("動かしていません。")
        expect(block.get_by_role("status")).to_contain_text("止めました。")


def test_reader_without_the_network_is_told_so(browser: Browser, base: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(base + URL, wait_until="networkidle")
        context.set_offline(True)
        Tool(page).type("x")
        Tool(page).says("通信を確かめて、もう一度押してください。")


@pytest.mark.parametrize("missing", ["scripts", "runtime"])
def test_without_scripts_or_runtime_the_figure_and_the_text_remain(
    browser: Browser, base: str, missing: str
) -> None:
    with browser.new_context(java_script_enabled=missing != "scripts") as context:
        page = context.new_page()
        context.route("**/run.js", lambda route: route.abort())
        page.goto(base + URL)
        figure = page.locator('img[src*="/freehand."]:visible').first
        figure.scroll_into_view_if_needed()
        expect(figure).to_be_visible()
        assert page.locator(".dl-draw").inner_text() == ""
