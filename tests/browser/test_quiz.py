"""確認テストのページ。"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

KEY = "dlnotes.quiz.1"
BAR = ".dl-quiz"
TOTAL = ".dl-quiz-total"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    yield context
    context.close()


@pytest.fixture
def address(base: str) -> str:
    return f"{base}quiz/"


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    page, said = context.new_page(), []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    yield page
    assert said == []


def question(page: Page, place: int) -> Locator:
    return page.locator(".dl-question").nth(place)


def right(box: Locator) -> int:
    return int(box.get_attribute("data-right") or "")


def answer(page: Page, place: int, *, well: bool) -> Locator:
    box = question(page, place)
    box.get_by_role("radio").nth((right(box) + (not well)) % 4).check()
    box.get_by_role("button", name="答え合わせ").click()
    return box


def stored(page: Page) -> dict[str, int]:
    record: dict[str, int] = json.loads(page.evaluate(f"localStorage.getItem('{KEY}')") or "{}")
    return record


def test_right_answer_is_told_at_once_with_its_explanation(page: Page) -> None:
    box = answer(page, 0, well=True)
    expect(box.get_by_role("status")).to_have_text("正解です。")
    expect(box.locator("details")).to_be_visible()
    expect(box.locator("details li")).to_have_count(4)
    expect(page.locator(TOTAL)).to_contain_text("1 問に答え、1 問正解")
    expect(page.locator(".dl-quiz-score").first).to_contain_text("1 問に答え、1 問正解")
    expect(page.locator(".dl-quiz-score").nth(1)).to_contain_text("0 問に答え、0 問正解")


def test_wrong_answer_is_told_with_the_number_of_the_right_one(page: Page) -> None:
    box = answer(page, 0, well=False)
    number = right(box) + 1
    expect(box.get_by_role("status")).to_have_text(f"不正解です。正解は {number} 番です。")
    marks = box.locator(".dl-mark")
    assert sorted(marks.all_text_contents()) == ["あなたの答え", "正解"]
    expect(page.locator(TOTAL)).to_contain_text("1 問に答え、0 問正解")


def test_explanation_is_hidden_before_the_answer(page: Page) -> None:
    expect(page.locator(".dl-question details").first).to_be_hidden()


def test_answering_without_a_choice_does_nothing(page: Page) -> None:
    question(page, 0).get_by_role("button", name="答え合わせ").click()
    expect(question(page, 0).locator("details")).to_be_hidden()
    assert stored(page) == {}


def test_answers_survive_a_reload(page: Page) -> None:
    answer(page, 0, well=True)
    answer(page, 1, well=False)
    page.reload()
    expect(page.locator(TOTAL)).to_contain_text("2 問に答え、1 問正解")
    expect(question(page, 0)).to_have_attribute("data-result", "right")
    expect(question(page, 1)).to_have_attribute("data-result", "wrong")
    expect(question(page, 2)).to_have_attribute("data-result", "")


def test_nothing_but_the_answers_and_the_scheme_is_stored(page: Page) -> None:
    answer(page, 0, well=True)
    # 配色は、テーマがサイトの場所を付けた名前で残す。
    page.locator("label[for^=__palette]:visible").click()
    page.reload()
    assert page.evaluate("Object.keys(localStorage).sort()") == ["/dlnotes/.__palette", KEY]
    assert page.evaluate("Object.keys(sessionStorage)") == []
    assert page.context.cookies() == []


def test_answers_given_in_another_window_are_kept(context: BrowserContext, page: Page) -> None:
    other = context.new_page()
    other.goto(page.url)
    answer(page, 0, well=True)
    answer(other, 1, well=True)
    page.reload()
    expect(page.locator(TOTAL)).to_contain_text("2 問に答え、2 問正解")


def test_answers_given_or_erased_in_another_window_are_shown(
    context: BrowserContext, page: Page
) -> None:
    other = context.new_page()
    other.goto(page.url)
    choice = question(other, 1).get_by_role("radio").first
    choice.check()
    answer(page, 0, well=True)
    expect(other.locator(TOTAL)).to_contain_text("1 問に答え、1 問正解")
    expect(question(other, 0)).to_have_attribute("data-result", "right")
    expect(choice).to_be_checked()
    other.get_by_role("button", name="やり直す").click()
    other.get_by_role("button", name="記録を消す").click()
    expect(page.locator(TOTAL)).to_contain_text("0 問に答え")
    expect(question(page, 0)).to_have_attribute("data-result", "")
    answer(page, 1, well=True)
    assert len(stored(page)) == 1


def test_page_kept_as_it_was_follows_the_record_when_it_is_shown_again(page: Page) -> None:
    answer(page, 0, well=True)
    # 残してあるページには、ほかのページでの変化が知らされない。
    page.evaluate(
        """key => {
      localStorage.removeItem(key)
      dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))
    }""",
        KEY,
    )
    expect(page.locator(TOTAL)).to_contain_text("0 問に答え")
    expect(question(page, 0)).to_have_attribute("data-result", "")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"x"',
        '{"a": 1}',
        '{"%s": 9}',
        '{"%s": "length"}',
        '{"%s": null}',
    ],
)
def test_corrupt_or_foreign_record_counts_as_none(page: Page, entry: str) -> None:
    entry = entry.replace("%s", question(page, 0).get_attribute("data-key") or "")
    page.evaluate("([key, entry]) => localStorage.setItem(key, entry)", [KEY, entry])
    page.reload()
    expect(page.locator(TOTAL)).to_contain_text("0 問に答え")
    answer(page, 0, well=True)
    expect(page.locator(TOTAL)).to_contain_text("1 問に答え、1 問正解")
    box = question(page, 0)
    assert stored(page)[str(box.get_attribute("data-key"))] == right(box)


def test_page_works_where_storage_is_forbidden(forbidden: Page, address: str) -> None:
    forbidden.goto(address)
    answer(forbidden, 0, well=True)
    answer(forbidden, 1, well=False)
    expect(forbidden.locator(TOTAL)).to_contain_text("2 問に答え、1 問正解")
    # 記録のないことを、ほかの窓で消されたこととみなさない。
    forbidden.evaluate("dispatchEvent(new PageTransitionEvent('pageshow'))")
    expect(forbidden.locator(TOTAL)).to_contain_text("2 問に答え、1 問正解")
    forbidden.get_by_role("button", name="やり直す").click()
    forbidden.get_by_role("button", name="記録を消す").click()
    expect(forbidden.locator(TOTAL)).to_contain_text("0 問に答え")


def test_question_is_answered_by_keyboard_alone(page: Page) -> None:
    page.locator(BAR).get_by_role("button", name="やり直す").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    box = question(page, 0)
    expect(box.get_by_role("radio").first).to_be_focused()
    page.keyboard.press("Space")
    for _ in range(right(box)):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(box.get_by_role("button", name="答え合わせ")).to_be_focused()
    page.keyboard.press("Enter")
    expect(box.get_by_role("status")).to_have_text("正解です。")
    expect(box.get_by_role("button", name="もう一度")).to_be_focused()
    page.keyboard.press("Enter")
    expect(box.get_by_role("radio").first).to_be_focused()
    expect(box.locator("details")).to_be_hidden()


def test_choices_are_named_by_the_question(page: Page) -> None:
    group = page.get_by_role("group", name="生成モデルだけを並べたもの")
    expect(group.get_by_role("radio", name="隠れマルコフモデル、VAE、GAN")).to_have_count(1)


def test_asking_again_keeps_the_record_until_the_new_answer(page: Page) -> None:
    box = answer(page, 0, well=False)
    box.get_by_role("button", name="もう一度").click()
    expect(page.locator(TOTAL)).to_contain_text("1 問に答え、0 問正解")
    answer(page, 0, well=True)
    expect(page.locator(TOTAL)).to_contain_text("1 問に答え、1 問正解")


def test_only_wrong_questions_are_shown_and_asked_again(page: Page) -> None:
    answer(page, 0, well=True)
    answer(page, 1, well=False)
    only = page.get_by_role("button", name="間違えた問題だけ")
    only.click()
    expect(only).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".dl-question:visible")).to_have_count(1)
    expect(page.locator("article h2:visible")).to_have_count(1)
    expect(question(page, 1).locator("details")).to_be_hidden()
    answer(page, 1, well=True)
    # 解説を読めるように、正解しても次に絞り込むまでは残る。
    expect(question(page, 1).locator("details")).to_be_visible()
    only.click()
    expect(page.locator(".dl-question:visible")).to_have_count(page.locator(".dl-question").count())
    only.click()
    expect(page.locator(".dl-question:visible")).to_have_count(0)
    note = page.locator(".dl-quiz-note")
    expect(note).to_have_text("間違えた問題はありません。")
    page.get_by_label("題目").select_option(index=1)
    expect(note).to_have_text("この題目には、間違えた問題はありません。")


def test_one_topic_is_shown_when_chosen(page: Page) -> None:
    page.get_by_label("題目").select_option(index=2)
    expect(page.locator("article h2:visible")).to_have_count(1)
    expect(page.locator("article h2:visible")).to_contain_text("DL000_2")
    page.get_by_label("題目").select_option(index=0)
    topics = list(Path("docs").glob("dl0*.md"))
    expect(page.locator("article h2:visible")).to_have_count(len(topics))


def test_contents_call_no_hidden_topic_read(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_label("題目").select_option(index=3)
    page.evaluate("scrollTo(0, 600)")
    link = page.locator(".md-nav--secondary .md-nav__link--passed").last
    # 目次の色は、少し遅れて変わる。
    page.wait_for_timeout(500)
    expect(link).to_have_css("color", page.evaluate("getComputedStyle(document.body).color"))


def test_link_to_a_hidden_topic_shows_it(page: Page) -> None:
    page.get_by_label("題目").select_option(index=1)
    target = page.locator("article h2").last
    expect(target).to_be_hidden()
    page.evaluate("id => { location.hash = id }", target.get_attribute("id"))
    expect(target).to_be_in_viewport()


def test_same_link_to_a_hidden_topic_shows_it_again(page: Page) -> None:
    link, target = page.locator(".md-nav--secondary a").last, page.locator("article h2").last
    for _ in range(2):
        page.get_by_label("題目").select_option(index=1)
        expect(target).to_be_hidden()
        link.evaluate("link => link.click()")
        expect(target).to_be_in_viewport()


def test_choice_not_yet_answered_stays_when_the_topic_changes(page: Page) -> None:
    choice = question(page, 0).get_by_role("radio").first
    choice.check()
    for index in (2, 0):
        page.get_by_label("題目").select_option(index=index)
    expect(choice).to_be_checked()


def test_link_that_cannot_be_decoded_is_ignored(page: Page) -> None:
    page.evaluate("""() => new Promise(done => {
      addEventListener("hashchange", () => setTimeout(done))
      location.hash = "#100%"
    })""")
    expect(page.locator(".dl-question:visible")).to_have_count(page.locator(".dl-question").count())


def test_reset_asks_first_and_can_be_called_off(page: Page) -> None:
    answer(page, 0, well=True)
    reset = page.get_by_role("button", name="やり直す")
    for leave in ("Enter", "Escape"):
        reset.click()
        expect(page.get_by_role("button", name="消さない")).to_be_focused()
        page.keyboard.press(leave)
        expect(page.get_by_role("button", name="記録を消す")).to_be_hidden()
        expect(reset).to_be_focused()
    assert len(stored(page)) == 1


def test_reset_erases_the_record(page: Page) -> None:
    answer(page, 0, well=True)
    page.get_by_role("button", name="やり直す").click()
    page.get_by_role("button", name="記録を消す").click()
    expect(page.get_by_role("status").filter(has_text="記録を消しました。")).to_be_visible()
    expect(page.locator(TOTAL)).to_contain_text("0 問に答え")
    expect(question(page, 0).get_by_role("radio").first).to_be_enabled()
    page.reload()
    expect(page.locator(TOTAL)).to_contain_text("0 問に答え")


def test_script_run_twice_changes_nothing(page: Page) -> None:
    script = (Path("src/dlnotes/site/theme/assets") / "quiz.js").read_text(encoding="utf-8")
    page.evaluate(script)
    expect(page.locator(BAR)).to_have_count(1)
    expect(question(page, 0).locator("form")).to_have_count(1)


def test_everything_to_press_is_large_enough(page: Page) -> None:
    answer(page, 0, well=True)
    page.get_by_role("button", name="やり直す").click()
    controls = page.locator(f":is({BAR}, .dl-question) :is(button, select, li > label):visible")
    heights = controls.evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    assert len(heights) > 300
    assert min(heights) >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_after_answers(browser: Browser, address: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(address)
    answer(page, 0, well=True)
    answer(page, 1, well=False)
    page.get_by_role("button", name="間違えた問題だけ").click()
    page.get_by_role("button", name="やり直す").click()
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    context.close()
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in violations] == []


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_late_script_does_not_move_the_first_heading(
    context: BrowserContext, address: str, width: int
) -> None:
    page, held = context.new_page(), []
    page.set_viewport_size({"width": width, "height": 800})
    page.route("**/quiz.js", lambda route: held.append(route))
    page.goto(address, wait_until="commit")
    heading = page.locator(".md-typeset h2").first
    expect(heading).to_be_visible()
    page.evaluate("document.fonts.ready")
    before = heading.bounding_box()
    held[0].continue_()
    expect(page.locator(TOTAL)).to_be_visible()
    after = heading.bounding_box()
    assert before
    assert after
    assert after["y"] == pytest.approx(before["y"], abs=1)


def test_page_is_readable_without_javascript(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    box = question(page, 0)
    expect(box.locator("> ol > li")).to_have_count(4)
    expect(box.get_by_text("正解")).to_be_hidden()
    box.locator("summary").click()
    expect(box.get_by_text("正解", exact=True)).to_be_visible()
    expect(page.locator(BAR)).to_be_hidden()
    context.close()
