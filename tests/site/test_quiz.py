"""確認テストの問題と、それを書き入れる拡張。"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import markdown
import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag

from dlnotes.site.quiz import MARKER, Choice, OpenQuestion, Question, QuizError, load

DATA = Path("docs/quiz.toml")
OPENS, QUESTIONS = load(DATA)
CODE = re.compile(r"`([^`]+)`")
# 数、式、コードだけの選択肢。数には「個」「約」などが付いてもよい。
COMPUTED = re.compile(r"\$[^$]*\$|`[^`]*`|\D{0,6}[-(]?\d[\d.,%]*\D{0,6}")
GOOD = """
[[open]]
id = "o"
topic = "dl001_x"
see = "見出し その 1"
text = "文 $x$"
answer = '''
答え `1 + 1`

- 一つ
- 二つ
'''
[[question]]
id = "q"
topic = "dl001_x"
see = "見出し その 1"
level = "基本"
text = '$2^2$ は。'
check = 'truth = str(2**2)'
choices = [
  { text = '$4$', right = true, why = '理由一' },
  { text = '5', why = '理由二' },
  { text = '6', why = '理由三' },
  { text = '7', why = '理由四' },
]
"""


def plain(text: str) -> str:
    return re.sub(r"[$`]", "", text).strip()


def run(check: str, **names: Any) -> dict[str, Any]:
    scope = dict(names)
    exec(check, scope)
    return scope


def agrees(choice: Choice, scope: dict[str, Any]) -> bool:
    """選択肢が、計算した答えと同じかどうか。"""
    truth = scope["truth"]
    if isinstance(truth, str):
        return plain(choice.text) == plain(truth)
    code = choice.value or "".join(CODE.findall(choice.text))
    return np.allclose(eval(code, dict(scope)), truth)


def agreeing(question: Question) -> list[str]:
    scope = run(question.check)
    return [choice.text for choice in question.choices if agrees(choice, scope)]


def right(question: Question) -> list[str]:
    return [choice.text for choice in question.choices if choice.right]


def write(folder: Path, data: str) -> Path:
    (folder / "dl001_x.md").write_text(
        "---\n# 注\ntags: [題]\n---\n\n# DL001 題\n\n## 見出し その 1\n", encoding="utf-8"
    )
    path = folder / "quiz.toml"
    path.write_text(data, encoding="utf-8")
    return path


def page(folder: Path, data: str) -> BeautifulSoup:
    extensions = ["md_in_html", "pymdownx.details", "dlnotes.site.math", "dlnotes.site.quiz"]
    options = {"dlnotes.site.quiz": {"data": str(write(folder, data))}}
    html = markdown.markdown(MARKER, extensions=extensions, extension_configs=options)
    return BeautifulSoup(html, "html.parser")


def identify(question: Question | OpenQuestion) -> str:
    return question.id


# --- 問題 -----------------------------------------------------------------------------


def test_the_fifteen_questions_of_the_course_are_here() -> None:
    assert len([q for q in OPENS if q.id.startswith("course-")]) == len(OPENS) == 15


@pytest.mark.parametrize("topic", sorted(p.stem for p in Path("docs").glob("dl0*.md")))
def test_every_topic_has_five_questions_of_all_levels(topic: str) -> None:
    levels = [q.level for q in QUESTIONS if q.topic == topic]
    wanted = "四択は、基本、標準、発展をそろえて五問以上にしてください"
    enough = len(levels) >= 5 and set(levels) == {"基本", "標準", "発展"}
    assert enough, f"{topic}: {wanted}（いまは {levels}）"


def test_right_choices_are_spread_evenly() -> None:
    places = Counter([c.right for c in q.shown].index(True) for q in QUESTIONS)
    assert all(0.15 < places[place] / len(QUESTIONS) < 0.35 for place in range(4)), places


def shown_length(choice: Choice) -> int:
    """見える字の、およその数。"""
    return len(re.sub(r"\\[A-Za-z]+|[{}$^_\\` ]", "", choice.text))


def test_right_choice_is_not_given_away_by_its_length() -> None:
    longest = []
    for question in QUESTIONS:
        (right_length,) = (shown_length(c) for c in question.choices if c.right)
        wrong_length = max(shown_length(c) for c in question.choices if not c.right)
        assert right_length <= 1.25 * wrong_length + 3, question.id
        longest += [question.id] * (right_length > wrong_length)
    # でたらめに選んでも 1/4 なので、いちばん長いものを選ぶだけでは当たらない。
    assert len(longest) <= 0.3 * len(QUESTIONS), longest


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.check], ids=identify)
def test_only_the_right_choice_agrees_with_the_computed_answer(question: Question) -> None:
    assert agreeing(question) == right(question), "左は check の答え、右は right = true の選択肢"


@pytest.mark.parametrize("question", [q for q in OPENS if q.check], ids=identify)
def test_the_answer_holds_what_its_check_computed(question: OpenQuestion) -> None:
    scope = run(question.check, code=CODE.findall(question.answer))
    assert scope["truth"] in question.answer


@pytest.mark.parametrize("question", QUESTIONS, ids=identify)
def test_an_answer_that_can_be_computed_is_computed(question: Question) -> None:
    computed = all(COMPUTED.fullmatch(choice.text) for choice in question.choices)
    assert question.check or not computed, f"{question.id} に、答えを計算する check が要ります"


@pytest.mark.parametrize("question", [q for q in OPENS if CODE.search(q.answer)], ids=identify)
def test_code_in_an_open_answer_is_run(question: OpenQuestion) -> None:
    # delta2 の行だけは、course-two-lines が動かす。
    assert question.check or question.id == "course-reuse"


@pytest.mark.parametrize("wrong", range(1, 4))
def test_a_wrong_answer_marked_as_right_is_found(wrong: int) -> None:
    for question in (q for q in QUESTIONS if q.check):
        choices = [
            Choice(c.text, c.why, i == wrong, c.value) for i, c in enumerate(question.choices)
        ]
        planted = Question(**{**vars(question), "choices": tuple(choices)})
        assert agreeing(planted) != right(planted), question.id


# --- 問題のファイルの誤り -------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("right = true, ", "", "問題「q」.*ちょうど一つ"),
        ("text = '5', ", "text = '5', right = true, ", "問題「q」.*ちょうど一つ"),
        ("text = '5'", "text = '6'", "問題「q」.*異なる選択肢が四つ"),
        ("  { text = '7', why = '理由四' },\n", "", "問題「q」.*異なる選択肢が四つ"),
        ("why = '理由三'", "why = ''", "問題「q」の選択肢.*空です: why"),
        (", why = '理由三'", "", "問題「q」の選択肢.*空です: why"),
        ("why = '理由三'", "why = '理由三', hint = 1", "問題「q」の選択肢.*知らない項目.*hint"),
        ('level = "基本"', 'level = "難問"', "問題「q」.*基本、標準、発展.*難問"),
        ('level = "基本"\n', "", "問題「q」.*空です: level"),
        ('level = "基本"', 'level = "基本"\ntpoic = "x"', "問題「q」.*知らない項目.*tpoic"),
        ('id = "q"\ntopic = "dl001_x"', 'id = "q"\ntopic = "dl099"', "問題「q」.*dl099"),
        ('id = "q"', 'id = "o"', "問題「o」.*2 個"),
        ('id = "q"\n', "", "問題「question の 1 番目」.*空です: id"),
        ("答え `1 + 1`", "```python\\nprint(1)\\n```", "問題「o」.*囲み"),
        ("'$2^2$ は。'", "'$2^2$ は\"。'", '問題「q」.*引用符 "'),
        ("'$2^2$ は。'", "'''一\n\n二'''", "問題「q」.*一つの段落"),
        ("[[open]]", "[[open]", "quiz.toml を読めません"),
    ],
)
def test_a_faulty_question_is_refused_by_name(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(QuizError, match=message):
        load(write(tmp_path, GOOD.replace(old, new, 1)))


def test_a_faulty_question_stops_the_build(try_pages: Callable[..., Any]) -> None:
    faulty = GOOD.replace("right = true, ", "")
    pages = {"index.md": f"# 題\n\n{MARKER}\n", "dl001_x.md": "# DL001 題\n"}
    result = try_pages(pages | {"quiz.toml": faulty})
    assert result.returncode != 0
    assert "問題「q」" in result.stderr


# --- ページ ---------------------------------------------------------------------------


def test_a_page_without_the_marker_is_left_alone() -> None:
    assert markdown.markdown("文。", extensions=["dlnotes.site.quiz"]) == "<p>文。</p>"


def test_open_question_is_folded_over_its_answer(tmp_path: Path) -> None:
    details = page(tmp_path, GOOD).find("details", class_="question")
    assert isinstance(details, Tag)
    assert details.summary is not None
    assert details.summary.get_text().startswith("問 1: 文")
    assert [item.get_text() for item in details.select("li")] == ["一つ", "二つ"]
    assert not details.has_attr("open")


def test_question_lists_its_choices_and_folds_the_explanations(tmp_path: Path) -> None:
    html = page(tmp_path, GOOD)
    (box,) = html.select(".dl-question")
    assert isinstance(box.p, Tag)
    assert box.p.get_text().startswith("問 2（基本） ")
    assert box.p.find("math") is not None
    choices = [item.get_text() for item in box.select(":scope > ol > li")]
    reasons = [item.get_text() for item in box.select(":scope > details > ol > li")]
    assert sorted(choices) == ["4", "5", "6", "7"]
    place = int(str(box["data-right"]))
    assert choices[place] == "4"
    assert reasons[place] == "正解: 理由一"
    assert sum("正解" in reason for reason in reasons) == 1
    pairs = {"4": "一", "5": "二", "6": "三", "7": "四"}
    assert all(pairs[c] in reason for c, reason in zip(choices, reasons, strict=True))


def test_question_links_to_the_heading_where_it_is_taught(tmp_path: Path) -> None:
    for link in page(tmp_path, GOOD).select("details a"):
        assert link["href"] == "dl001_x.md#見出し-その-1"
        assert link.get_text() == "DL001 見出し その 1"


def test_record_of_an_answer_is_not_kept_when_the_question_changes(tmp_path: Path) -> None:
    keys = [
        load(write(tmp_path, text))[1][0].key
        for text in (GOOD, GOOD.replace("$2^2$ は", "$2+2$ は"), GOOD.replace("'7'", "'8'"))
    ]
    assert len(set(keys)) == 3


def test_every_question_stands_on_the_built_page(site: Path) -> None:
    html = (site / "quiz" / "index.html").read_text(encoding="utf-8")
    article = BeautifulSoup(html, "html.parser").article
    assert article is not None
    shown = [str(box["id"]) for box in article.select(".dl-question")]
    assert sorted(shown) == sorted(f"q-{q.id}" for q in QUESTIONS)
    assert len(article.select("details.question")) == len(OPENS)
    assert not (site / "quiz.toml").exists()
