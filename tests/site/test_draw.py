"""読む人の曲線や式への答え。ブラウザの外で確かめる。"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlnotes.figures.dl000_4_universal_approximation import freehand
from dlnotes.site.draw import SIZE, answer, drawn, formula
from dlnotes.universal_approximation import count_linear_pieces, relu_interpolant, sup_error

X = np.linspace(0, 1, 301)


def ask(units: int = 8, **source: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(answer(json.dumps({"units": units, **source})))
    return result


def points(path: str) -> list[tuple[float, float]]:
    pairs = (point.split() for point in path.removeprefix("M").split("L"))
    return [(float(x), float(y)) for x, y in pairs]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("np.sin(3*x)", np.sin(3 * X)),
        ("sin(3*x) + pi", np.sin(3 * X) + np.pi),
        # 日本語入力のままの、全角の字。
        ("　\N{FULLWIDTH DIGIT TWO}\N{FULLWIDTH ASTERISK}x", 2 * X),
        ("2*x²", 2 * X**2),
        ("10²*x + x¹⁰", 100 * X + X**10),
        ("\N{MINUS SIGN}x \N{MINUS SIGN} 0.5", -X - 0.5),
        ("-x**2 / 2 % 3 // 1", -(X**2) / 2 % 3 // 1),
        ("maximum(x, 0.5)", np.maximum(X, 0.5)),
        ("np.where(x > 0.5, 1, np.clip(x, 0, 0.2))", np.where(X > 0.5, 1, np.clip(X, 0, 0.2))),
        ("0.5", np.full_like(X, 0.5)),
    ],
)
def test_formula_is_what_numpy_computes(text: str, wanted: Any) -> None:
    assert np.array_equal(formula(text)(X), wanted)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "x.__class__",
        "().__class__.__base__.__subclasses__()",
        "np.load('a')",
        "np.linalg.norm(x)",
        "np.add(x, 1, out=x)",
        "np.add(*[x, x])",
        "(lambda: 1)()",
        "[x for x in x]",
        "x if x else 1",
        "(x := 1)",
        "f'{x}'",
        "'a'",
        "open",
        "eval",
        "x @ x",
        "1j",
    ],
)
def test_formula_reaches_nothing_but_elementwise_numpy(text: str) -> None:
    with pytest.raises(ValueError, match="は使えません"):
        formula(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sin(x,x)", "sin(x, x)"),
        ("np.add(x, 1, x)", "np.add(x, 1, x)"),
        ("clip(x, 0, 1, x)", "clip(x, 0, 1, x)"),
        ("matmul(x,x)", "matmul"),
        ("np.vecdot(x,x)", "np.vecdot"),
        ("1 + (x @ x)", "x @ x"),
        ("~x", "~x"),
    ],
)
def test_formula_that_is_not_elementwise_is_refused_by_its_name(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=rf"（{re.escape(named)} は使えません）"):
        formula(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ", "式を入れてください"),
        ("2x", "式として読めません"),
        ("x; x", "式として読めません"),
        ("x = 1", "式として読めません"),
        ("(" * 300 + "x" + ")" * 300, "式として読めません"),
        ("x\0", "式として読めません"),
        ("x ^ 2", "べき乗は"),
    ],
)
def test_formula_that_cannot_be_read_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        formula(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1/x", r"^x = 0 で"),
        ("np.sqrt(0.5 - x)", r"^x = 0\.5033 で"),
        ("np.exp(1000*x)", "値が大きすぎるか、決まりません"),
        ("2000000", r"1,000,000 以下"),
        ("1/0", "この式は計算できません"),
        ("9**9**9**9", "この式は計算できません"),
        ("(-8)**(1/3)", "この式は計算できません"),
        ("0 < x < 1", "この式は計算できません"),
        ("np.sin", "この式は計算できません"),
        ("np.where(x > 0)", "この式は計算できません"),
        ("np.frexp(x)", "この式は計算できません"),
    ],
)
def test_formula_without_one_finite_number_for_each_x_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        formula(text)(X)


def test_no_formula_runs_on_without_end() -> None:
    # 込みあうパソコンでも長くならない、計算に使った時間で測る。
    start = time.process_time()
    for text in ("9" + "**9" * 30, "x" + "**x" * 30, "-" * 90 + "x", "9" * 100):
        ask(64, formula=text)
    assert time.process_time() - start < 2


@given(st.text(max_size=40) | st.text(alphabet="x0123.()+-*/<>=,np sincoe", max_size=40))
def test_any_text_is_answered_with_a_sentence(text: str) -> None:
    says = ask(formula=text)["says"]
    assert says.endswith("。")


def test_strokes_are_joined_and_the_later_one_wins() -> None:
    g = drawn([[[0, 500], [1000, 500]], [[600, 0], [400, 1000]]])
    assert np.allclose(g(np.array([0, 0.39, 0.4, 0.5, 0.6, 0.61, 1])), [0, 0, -1, 0, 1, 0, 0])


def test_ends_that_were_not_drawn_are_level_and_points_outside_are_brought_in() -> None:
    g = drawn([[[300, -50], [500, SIZE + 9]]])
    assert np.allclose(g(np.array([0, 0.3, 0.5, 1])), [1, 1, -1, -1])


@pytest.mark.parametrize(
    "strokes", [[], [[]], [[[5, 5]]], [[[5, 5], [6, 6]]], [[[5, 5], [5, 900]]]]
)
def test_stroke_that_is_too_short_is_refused(strokes: list[list[list[int]]]) -> None:
    assert "短すぎます" in ask(strokes=strokes)["says"]


@pytest.mark.parametrize("units", [1, 2, 8, 64])
def test_answer_says_and_draws_what_the_network_is(units: int) -> None:
    def g(x: Any) -> Any:
        return np.sin(7 * x)

    result, network = ask(units, formula="sin(7*x)"), relu_interpolant(g, 0, 1, units)
    pieces, error = count_linear_pieces(network, 0, 1), sup_error(network, g, 0, 1)
    assert f"{units} ユニットのネットワークは {pieces} 本の線分" in result["says"]
    assert f"最大の誤差は {error:.4f} です" in result["says"]
    target, broken_line, dots, gap = result["paths"]
    nodes = np.linspace(0, 1, units + 1)
    wanted = np.column_stack([nodes, (1 - g(nodes)) / 2]) * SIZE
    assert np.allclose(points(broken_line), wanted, atol=0.051)
    assert dots.count("h0") == units + 1
    xs = np.array(points(target))[:, 0] / SIZE
    assert np.allclose(np.array(points(target))[:, 1], (1 - g(xs)) / 2 * SIZE, atol=0.4)
    (x0, y0), (x1, y1) = points(gap)
    assert x0 == x1
    assert abs(y0 - y1) == pytest.approx(error / 2 * SIZE, abs=0.11)


def test_axis_grows_with_the_values_and_never_shrinks_below_the_frame() -> None:
    assert ask(formula="x/10")["ends"] == ["1", "−1"]
    assert ask(formula="5*x - 3")["ends"] == ["2", "−3"]
    assert ask(formula="x*123456.7")["ends"] == ["1.235e+05", "−1"]


def test_units_that_make_no_network_are_refused() -> None:
    assert "pieces は 1 以上" in ask(0, formula="x")["says"]


def test_words_of_the_example_name_the_errors_in_its_titles(pytestconfig: pytest.Config) -> None:
    page = pytestconfig.rootpath / "docs" / "dl000_4_universal_approximation.md"
    line = next(s for s in page.read_text("utf-8").splitlines() if "/freehand.svg" in s)
    for ax in freehand().axes:
        units, error = ax.get_title().split(": 最大の誤差 ")
        assert f"{units}の折れ線" in line
        assert f"最大の誤差は {error} です" in line
