"""読み上げの道具に渡されるもの。名前、状態、読み上げられる知らせ。"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

# 書き替わるたびに読み上げられるところの、字の移り変わり。
LISTEN = """() => {
  window.spoken = []
  new MutationObserver(records => {
    for (const record of records) {
      const node = record.target.nodeType === 1 ? record.target : record.target.parentElement
      const box = node?.closest("[aria-live], [role=status], output")
      if (box && box.getAttribute("aria-live") !== "off" && box.textContent.trim())
        window.spoken.push(box.textContent.trim())
    }
  }).observe(document.body, {childList: true, characterData: true, subtree: true})
}"""


def nodes(page: Page, role: str) -> list[dict[str, Any]]:
    """ブラウザが読み上げの道具に渡す、その役の部品。Playwright の名前は、数式を落とさない。"""
    client = page.context.new_cdp_session(page)
    tree = client.send("Accessibility.getFullAXTree")["nodes"]
    client.detach()
    found = [n for n in tree if not n["ignored"] and n["role"]["value"] == role]
    return sorted(found, key=lambda node: int(node["backendDOMNodeId"]))


def names(page: Page, role: str) -> list[str]:
    return [str(node.get("name", {}).get("value", "")) for node in nodes(page, role)]


def states(node: dict[str, Any]) -> dict[str, Any]:
    return {p["name"]: p["value"].get("value") for p in node.get("properties", ())}


@pytest.fixture
def quiz(desk: Page, base: str) -> Iterator[Page]:
    desk.goto(f"{base}quiz/", wait_until="networkidle")
    yield desk
    desk.evaluate("localStorage.clear()")


def test_choices_that_are_formulas_have_names_and_are_not_called_invalid(quiz: Page) -> None:
    radios = [name.partition(". ") for name in names(quiz, "radio")]
    choices = [text for number, _, text in radios if number.isdigit()]
    assert len(choices) == 4 * quiz.locator(".dl-question").count()
    questions = [choices[i : i + 4] for i in range(0, len(choices), 4)]
    # 番号のほかは同じに聞こえる選択肢がない。
    assert [q for q in questions if len(set(q)) < 4 or "" in q] == []
    assert "invalid" not in {
        k for n in nodes(quiz, "radio") for k, v in states(n).items() if v != "false"
    }


def test_title_of_a_folded_answer_keeps_its_formulas(desk: Page, base: str) -> None:
    desk.goto(f"{base}dl006_gradient_descent/", wait_until="networkidle")
    titles = names(desk, "DisclosureTriangle")
    assert any("E=3w^2" in title for title in titles)


def test_headings_and_landmarks_hold_nothing_but_their_names(desk: Page, base: str) -> None:
    desk.goto(f"{base}dl006_gradient_descent/", wait_until="networkidle")
    assert [name for name in names(desk, "heading") if "¶" in name] == []
    assert len(names(desk, "navigation")) < 9
    expect(desk.locator("[aria-current=page]")).to_have_text("DL006 勾配降下法")


def test_found_pages_have_names_and_their_number_is_said(desk: Page, base: str) -> None:
    desk.goto(f"{base}dl003_activations/", wait_until="networkidle")
    desk.evaluate(LISTEN)
    desk.locator(".md-search__input").focus()
    desk.keyboard.insert_text("シグモイド関数")
    links = desk.locator(".md-search-result__link")
    expect(links.first).to_be_visible()
    expect(links.first).to_have_attribute("aria-label", "DL003 活性化関数")
    assert any("件見つかりました" in text for text in desk.evaluate("window.spoken"))


def test_only_the_answered_question_is_said(quiz: Page) -> None:
    for box in quiz.locator(".dl-question").all()[:3]:
        wrong = (int(str(box.get_attribute("data-right"))) + 1) % 4
        box.get_by_role("radio").nth(wrong).check()
        box.get_by_role("button").click()
    quiz.evaluate(LISTEN)
    only = quiz.get_by_role("button", name="間違えた問題だけ")
    only.click()
    only.click()
    assert [text for text in quiz.evaluate("window.spoken") if "不正解" in text] == []
    fourth = quiz.locator(".dl-question").nth(3)
    fourth.get_by_role("radio").first.check()
    fourth.get_by_role("button").click()
    assert len([text for text in quiz.evaluate("window.spoken") if "正解" in text]) == 1


def test_slider_is_said_once(desk: Page, base: str) -> None:
    desk.goto(f"{base}dl006_gradient_descent/", wait_until="networkidle")
    slider = desk.locator("[type=range]").first
    slider.focus()
    desk.evaluate(LISTEN)
    before = slider.get_attribute("aria-valuetext")
    desk.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") != before
    assert desk.evaluate("window.spoken") == []


def test_the_way_out_of_the_editor_can_be_seen(desk: Page, base: str) -> None:
    desk.goto(f"{base}dl003_activations/", wait_until="networkidle")
    desk.get_by_role("button", name="編集").first.click()
    expect(desk.get_by_text("Esc のあとの Tab は次へ移動")).to_be_visible()
