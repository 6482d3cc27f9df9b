"""確認テストの問題のファイルを調べ、題目ごとに並べてページに書き入れる Markdown 拡張。

JavaScript がなくても読めるよう、選択肢はただの番号つきの一覧に、答えは折りたたみにする。
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from hashlib import sha256
from pathlib import Path
from textwrap import indent
from typing import Any

from click import ClickException
from markdown import Extension, Markdown
from mkdocs.utils.meta import get_data
from pymdownx.slugs import slugify

from dlnotes.site import marker
from dlnotes.site.japanese import join_lines

__all__ = [
    "Choice",
    "OpenQuestion",
    "Question",
    "QuizError",
    "QuizExtension",
    "load",
    "makeExtension",
    "written",
]

MARKER = "[[確認テスト]]"
LEVELS = ("基本", "標準", "発展")
_slug = slugify(case="lower")


class QuizError(ClickException):
    """問題のファイルの誤り。MkDocs の命令は、呼び出しの跡なしに一行で見せる。"""


@dataclass(frozen=True)
class Choice:
    """選択肢ひとつ。"""

    text: str
    # なぜ正しいか、なぜ違うか。
    why: str
    right: bool = False
    # テストが `check` の答えと比べる Python の式。なければ `text` を比べる。
    value: str = ""


@dataclass(frozen=True)
class Question:
    """四つから一つを選ぶ問題。"""

    id: str
    # 学ぶページの幹と、その見出し。
    topic: str
    see: str
    level: str
    text: str
    choices: tuple[Choice, ...]
    # テストが動かし、`truth` を決めるコード。
    check: str = ""

    @property
    def shown(self) -> list[Choice]:
        """見せる順の選択肢。正解の位置が偏らないよう、内容から決まるでたらめな順にする。"""
        return sorted(self.choices, key=lambda c: sha256((self.id + c.text).encode()).digest())

    @property
    def key(self) -> str:
        """答えの記録の名前。問題が変われば変わり、古い記録が別の選択肢を指さない。"""
        content = "\n".join([self.text, *(c.text for c in self.shown)])
        return f"{self.id}.{sha256(content.encode()).hexdigest()[:6]}"


@dataclass(frozen=True)
class OpenQuestion:
    """文章やコードや図で答える問題。"""

    id: str
    topic: str
    see: str
    text: str
    answer: str
    check: str = ""


def _build(kind: type[Any], entry: dict[str, Any], name: str) -> Any:
    """表の中身を dataclass にする。名前の違う項目と足りない項目を断る。"""
    known = {field.name: field.default for field in fields(kind)}
    if unknown := sorted(entry.keys() - known.keys()):
        raise QuizError(f"{name}: 知らない項目があります: {'、'.join(unknown)}")
    required = [key for key, default in known.items() if default is MISSING]
    if missing := [key for key in required if not entry.get(key)]:
        raise QuizError(f"{name}: 項目がないか空です: {'、'.join(missing)}")
    return kind(**entry)


def _question(entry: dict[str, Any], name: str) -> Question:
    choices = [_build(Choice, choice, f"{name}の選択肢") for choice in entry.get("choices", [])]
    question: Question = _build(Question, entry | {"choices": tuple(choices)}, name)
    if len(choices) != 4 or len({choice.text for choice in choices}) != 4:
        raise QuizError(f"{name}: 異なる選択肢が四つ必要です")
    if sum(choice.right for choice in choices) != 1:
        raise QuizError(f"{name}: right = true の選択肢がちょうど一つ必要です")
    if question.level not in LEVELS:
        raise QuizError(
            f"{name}: level は {'、'.join(LEVELS)} のどれかですが {question.level} でした"
        )
    return question


def load(data: Path) -> tuple[list[OpenQuestion], list[Question]]:
    """問題のファイルを読み、調べます。

    Args:
        data: 問題の TOML ファイル。同じフォルダーにある題目のページだけを、題目として認めます。

    Raises:
        QuizError: 問題が決まりに合わないとき。どの問題かを言います。
    """
    try:
        entries = tomllib.loads(data.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise QuizError(f"{data.name} を読めません: {error}") from error
    opens: list[OpenQuestion] = []
    questions: list[Question] = []
    for place, entry in enumerate(entries.get("open", []), start=1):
        name = f"問題「{entry.get('id', f'open の {place} 番目')}」"
        opens.append(_build(OpenQuestion, entry, name))
    for place, entry in enumerate(entries.get("question", []), start=1):
        name = f"問題「{entry.get('id', f'question の {place} 番目')}」"
        questions.append(_question(entry, name))
    every: list[OpenQuestion | Question] = [*opens, *questions]
    times = Counter(q.id for q in every)
    for q in every:
        name = f"問題「{q.id}」"
        if times[q.id] > 1:
            raise QuizError(f"{name}: 同じ id の問題が {times[q.id]} 個あります")
        if not (data.parent / f"{q.topic}.md").is_file():
            raise QuizError(f"{name}: 題目 {q.topic} のページがありません")
        if "```" in repr(q):
            raise QuizError(f"{name}: コードの囲みは使えません。一行のコードにしてください")
        if "\n\n" in q.text.strip() or '"' in q.text:
            raise QuizError(f'{name}: text は、引用符 " のない一つの段落にしてください')
    return opens, questions


def _see(q: OpenQuestion | Question, title: str) -> str:
    code = title.partition(" ")[0]
    return f"学ぶところ: [{code} {q.see}]({q.topic}.md#{_slug(q.see, '-')})"


def _write_open(number: int, q: OpenQuestion, title: str) -> Iterator[str]:
    yield f'??? question "問 {number}: {join_lines(q.text.strip())}"'
    yield ""
    yield indent(f"{q.answer.strip()}\n\n{_see(q, title)}", "    ")
    yield ""


def _write(number: int, q: Question, title: str) -> Iterator[str]:
    right = [choice.right for choice in q.shown].index(True)
    attributes = f'id="q-{q.id}" data-key="{q.key}" data-right="{right}"'
    yield f'<div class="dl-question" {attributes} markdown="1">'
    yield f"\n**問 {number}（{q.level}）** {join_lines(q.text.strip())}\n"
    yield from (f"{i}. {choice.text}" for i, choice in enumerate(q.shown, start=1))
    yield '\n??? success "答えと解説"\n'
    for i, choice in enumerate(q.shown, start=1):
        yield f"    {i}. {'**正解**: ' if choice.right else ''}{choice.why}"
    yield f"\n    {_see(q, title)}\n"
    yield "</div>\n"


def written(data: Path) -> list[str]:
    """ページに書き入れる、すべての問題の Markdown の行。

    Args:
        data: 問題の TOML ファイル。

    Raises:
        QuizError: 問題が決まりに合わないとき。どの問題かを言います。
    """
    # 成績の欄は quiz.js が作る。場所を先に取り、届くのが遅れても下の文を動かさない。
    return ['<div class="dl-quiz"></div>', "", *"\n".join(_topics(data)).splitlines()]


def _topics(data: Path) -> Iterator[str]:
    opens, questions = load(data)
    for topic in sorted({q.topic for q in opens} | {q.topic for q in questions}):
        page = data.parent / f"{topic}.md"
        text, _ = get_data(page.read_text(encoding="utf-8"))
        title = text.strip().partition("\n")[0].removeprefix("# ")
        yield f"## {title}\n"
        on_page = f"[題目のページの確認テスト]({topic}.md#確認テスト)"
        yield f"計算や考え方の問いは、{on_page}にもあります。\n"
        here = [q for q in opens if q.topic == topic]
        for number, q in enumerate(here, start=1):
            yield from _write_open(number, q, title)
        chosen = (q for q in questions if q.topic == topic)
        for number, question in enumerate(chosen, start=len(here) + 1):
            yield from _write(number, question, title)


class QuizExtension(Extension):
    """`[[確認テスト]]` と書かれた行を、問題のファイルにあるすべての問題にする。"""

    def __init__(self, **kwargs: Any) -> None:
        self.config = {"data": ["docs/quiz.toml", "問題のファイル"]}
        super().__init__(**kwargs)

    def extendMarkdown(self, md: Markdown) -> None:
        """問題を書き入れる処理を登録します。"""
        data = Path(self.getConfig("data"))
        marker.fill(md, "dlnotes-quiz", MARKER, lambda: written(data))


def makeExtension(**kwargs: Any) -> QuizExtension:
    """Python-Markdown が拡張を作るときに呼びます。"""
    return QuizExtension(**kwargs)
