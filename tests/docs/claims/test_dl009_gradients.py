"""DL009 の文が述べる、ページの出力にまだ現れていない事実。"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import is_dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pictures import keys, named, once, points_of, written

import dlnotes
from dlnotes import backprop
from dlnotes.activations import relu, sigmoid, sigmoid_derivative, tanh, tanh_derivative
from dlnotes.backprop import backward, gradient_check, loss_and_gradient
from dlnotes.figures import dl009_gradients as figures
from dlnotes.figures._slider import readable
from dlnotes.losses import squared_error
from dlnotes.network import forward, forward_trace, init_network, parameters, with_parameters
from dlnotes.numerical import (
    CountedFunction,
    best_step_central,
    best_step_forward,
    central_difference,
    directional_derivative,
    forward_difference,
    numerical_gradient,
    relative_error,
)

album = once(figures)

FUNCTIONS = ((sigmoid, sigmoid_derivative), (tanh, tanh_derivative), (np.sin, np.cos))


def _checked(seed: int, activation: str, h: float | None = None) -> tuple[float, float]:
    """正しい勾配と数値微分の相対誤差と、中間層の総入力の絶対値の最小。"""
    rng = np.random.default_rng(seed)
    network = init_network([3, 5, 4, 2], activation=activation, rng=rng)
    x, d = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    g = loss_and_gradient(network, x, d, "squared_error")[1]
    theta = parameters(network)
    by_value = numerical_gradient(
        lambda t: squared_error(forward(with_parameters(network, t), x), d).mean(), theta, h=h
    )
    nearest = min(np.abs(layer.u).min() for layer in forward_trace(network, x)[:-1])
    return relative_error(g, by_value), float(nearest)


def test_errors_of_the_differences_begin_with_the_terms_of_taylor() -> None:
    # 「h が小さすぎなければ、誤差は h の二乗に比例します」
    # 「はじめの二項が接線で、その先が接線からのずれを表します」
    # 「上の式から下の式を引くと、f'' の項が消えます」
    # 「前進差分の誤差は h/2 f''(x) から始まります」「中心差分の誤差は h²/6 f'''(x) から始まります」
    x = np.linspace(0.3, 1.2, 20)
    y, z = sigmoid(x), np.tanh(x)
    slope = y * (1 - y)
    for f, first, second, third in (
        (np.sin, np.cos(x), -np.sin(x), -np.cos(x)),
        (np.exp, np.exp(x), np.exp(x), np.exp(x)),
        (sigmoid, slope, slope * (1 - 2 * y), slope * (1 - 6 * slope)),
        (tanh, 1 - z**2, -2 * z * (1 - z**2), -2 * (1 - z**2) * (1 - 3 * z**2)),
    ):
        for h in (1e-2, 1e-3):
            assert np.allclose(f(x + h) - (f(x) + h * first), h**2 / 2 * second, atol=h**3)
            forward_ = forward_difference(f, x, h=h) - first
            central = central_difference(f, x, h=h) - first
            assert np.allclose(forward_, h / 2 * second, atol=2 * h**2)
            assert np.allclose(central, h**2 / 6 * third, atol=h**4 + 1e-12)
            assert np.abs(central).max() < np.abs(forward_).max() / 10


def test_tangent_is_nearer_to_the_central_line_and_the_forward_line_lies_flatter() -> None:
    # 「中心差分の線の傾きは接線に近く、前進差分の線は接線より寝ています」（図の代替文）
    lines = album.secants().axes[0].lines[1:4]
    points = [(np.ravel(line.get_xdata()), np.ravel(line.get_ydata())) for line in lines]
    tangent, forward_, central = ((y[1] - y[0]) / (x[1] - x[0]) for x, y in points)
    assert np.isclose(tangent, sigmoid_derivative(1.0))
    assert forward_ < 0.8 * tangent
    assert abs(central - tangent) < 0.1 * tangent


def test_rounding_error_is_about_epsilon_over_h() -> None:
    # 「値が 1 くらいなら、その丸め誤差は、計算機イプシロン」
    # 「小さすぎると丸め誤差が増えます」「引き算で上の桁が消えてしまいます」
    # 「丸めから来る誤差はおよそ ε/h で、h を小さくすると増えます」
    x, epsilon = np.linspace(0.5, 1.5, 400), np.finfo(np.float64).eps
    for f, derivative in FUNCTIONS:
        for difference in (forward_difference, central_difference):
            for h in (1e-9, 1e-10, 1e-11, 1e-12, 1e-13):
                error = np.abs(difference(f, x, h=h) - derivative(x))
                assert 0.05 < error.mean() * h / epsilon < 1
        # f(x+h) と f(x) は、上の 10 桁ほどが同じ。
        assert (abs(f(x + 1e-10) - f(x)) < 1e-9 * abs(f(x))).all()


def test_best_step_and_depth_of_the_valley_hold_for_other_functions_and_precisions() -> None:
    # 「目安…にいちばん近い刻み幅が選ばれました」「前進差分は ε^(1/2)」「中心差分は ε^(2/3)」
    # 「float32 の数値微分は、中心差分でも 5 桁ほどしか合いません」
    for dtype, decades in ((np.float64, range(2, 13)), (np.float32, range(1, 7))):
        x, epsilon = np.linspace(0.5, 1.5, 200, dtype=dtype), np.finfo(dtype).eps
        for f, derivative in FUNCTIONS:
            true = derivative(x.astype(np.float64))
            for difference, step, depth in (
                (forward_difference, 1 / 2, 1 / 2),
                (central_difference, 1 / 3, 2 / 3),
            ):
                steps = 10.0 ** -np.array(decades)
                errors = [np.abs(difference(f, x, h=float(h)) - true).mean() for h in steps]
                assert abs(np.log10(steps[np.argmin(errors)] / epsilon**step)) < 1
                assert 0.05 < np.abs(difference(f, x) - true).mean() / epsilon**depth < 1
            if dtype is np.float32:
                digits = -np.log10((np.abs(central_difference(f, x) - true) / true).mean())
                assert 4.5 < digits < 5.5


def test_both_errors_of_the_figure_are_valleys_with_the_slopes_said() -> None:
    # 「右側の坂は…傾きは前進差分で 1、中心差分で 2 です。左側の坂は丸めによる誤差です」
    # 「中心差分の谷のほうが深く、刻み幅の大きい側にあります」（図の代替文）
    lines = album.step_size(1e-6)[0].axes[1].lines
    valleys = []
    for curve, power in ((lines[0], 1), (lines[3], 2)):
        h, error = (np.ravel(v) for v in curve.get_data())
        for part, slope in (((h > 1e-3) & (h < 0.2), power), ((h > 1e-15) & (h < 1e-10), -1)):
            fit = np.polyfit(np.log10(h[part]), np.log10(error[part]), 1)[0]
            assert abs(fit - slope) < 0.15
        valleys.append((h[error.argmin()], error.min()))
    assert valleys[1][0] > 10 * valleys[0][0]
    assert valleys[1][1] < valleys[0][1] / 10


def test_two_lines_of_the_slider_open_meet_and_miss() -> None:
    # 「右の端では二本の線が開き、真ん中では重なり、左の端ではどちらの傾きも正しい値から外れます」
    true = float(sigmoid_derivative(1.0))
    for h, opens, misses in ((1.0, True, False), (1e-6, False, False), (1e-16, False, True)):
        lines = album.step_size(h)[0].axes[0].lines[2:]
        x = [np.ravel(line.get_xdata()) for line in lines]
        y = [np.ravel(line.get_ydata()) for line in lines]
        slopes = [(v[1] - v[0]) / (u[1] - u[0]) for u, v in zip(x, y, strict=True)]
        assert (abs(slopes[0] - slopes[1]) > 0.02) == opens
        assert (np.abs(np.array(slopes) - true) > 0.1).all() == misses
        assert (slopes[0] == 0) == misses


def test_difference_across_the_kink_is_the_slope_of_neither_side() -> None:
    # 「x−h と x+h が折れ目の両側に分かれると、どちらの傾きでもない値が出ます」
    # 「x=0 の中心差分は、左の傾き 0 と右の傾き 1 の平均になります」
    rng = np.random.default_rng(0)
    for h in (1e-1, 1e-4, 1e-6):
        x = h * rng.uniform(-3, 3, size=500)
        slope = central_difference(relu, x, h=h)
        across = np.abs(x) < h
        assert np.allclose(slope[across], (x[across] + h) / (2 * h), atol=1e-6)
        assert np.allclose(slope[~across], x[~across] > 0, atol=1e-6)
    assert central_difference(relu, 0.0, h=1e-4) == 0.5


def test_right_gradient_of_a_relu_net_fails_only_beside_a_zero_total_input() -> None:
    # 「勾配検査が食い違うときは、総入力が 0 か、そのすぐ近くにないかを見ます」
    # 「正しい実装でも大きくなります」
    results = [_checked(seed, "relu") for seed in range(20)]
    assert any(error > 1e-3 for error, _ in results)
    assert all((error < 1e-7) or (nearest < 1e-4) for error, nearest in results)


def test_step_of_the_course_is_fine_enough_in_float64() -> None:
    # 「最良ではありませんが、float64 なら学習や検査には十分な精度です」
    # 「float64 で計算した相対誤差が 10⁻⁷ 程度より大きければ、実装を疑います」
    for activation in ("tanh", "sigmoid", "gelu"):
        results = np.array(
            [[_checked(s, activation, h)[0] for h in (1e-4, None)] for s in range(3)]
        )
        assert (results < 1e-7).all()
        assert np.median(results[:, 0]) > np.median(results[:, 1])


def test_miss_of_a_wrong_gradient_is_normal_with_the_length_of_the_mistake() -> None:
    # 「M 個の成分をすべて動かす必要はありません」「関数を 2 回計算すれば検査ができます」
    # 「誤りを r=g−∇f とすると、食い違いは r·v です」
    # 「r·v の平均は 0、分散は ‖r‖² なので、r が 0 でない限り、ちょうど 0 になる確率は 0 です」
    rng = np.random.default_rng(0)
    A, theta, r = rng.normal(size=(20, 20)), rng.normal(size=20), np.zeros(20)
    r[3] = 0.1
    for wrong in (r, rng.normal(size=20)):
        v = rng.normal(size=(2000, 20))
        f = CountedFunction(lambda t: np.sin(A @ t).sum())
        slopes = [directional_derivative(f, theta, w) for w in v]
        assert f.calls == 2 * len(v)
        g = A.T @ np.cos(A @ theta)
        miss = v @ (g + wrong) - slopes
        np.testing.assert_allclose(miss, v @ wrong, atol=1e-6)
        miss = miss / np.linalg.norm(wrong)
        assert abs(miss.mean()) < 0.1
        assert abs(miss.var() - 1) < 0.15
        assert abs((np.abs(miss) < 1).mean() - 0.683) < 0.04
        assert (miss != 0).all()


def test_forward_differences_need_one_call_more_than_there_are_parameters() -> None:
    # 「前進差分なら、…を使い回せるので…回です」
    # 「順伝播が 2M 回要ります（前進差分でも M+1 回です）」
    rng = np.random.default_rng(0)
    for M in (1, 7, 41):
        theta = rng.normal(size=M)
        f = CountedFunction(lambda t: np.sin(t).sum())
        here, h = f(theta), 1e-8
        g = np.array([(f(theta + h * e) - here) / h for e in np.eye(M)])
        assert np.allclose(g, np.cos(theta), atol=1e-6)
        assert f.calls == M + 1
        numerical_gradient(f, theta)
        assert f.calls == M + 1 + 2 * M


def test_round_trip_multiplies_two_to_three_times_as_much_as_going_there() -> None:
    # 「順伝播の積は、重み一つに 1 回です」「逆伝播は順伝播の 2 倍以下です」
    # 「一往復は 2F 回から 3F 回」「だから比は、いつも ⅔M と M の間くらいになります」
    rng, products = np.random.default_rng(0), [0]

    def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        products[0] += a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    for depth in (1, 2, 3, 6):
        sizes = [int(n) for n in rng.integers(1, 30, size=depth + 1)]
        network = init_network(sizes, activation="tanh", rng=rng)
        products[0], g, d = 0, [], rng.normal(size=(1, sizes[-1]))
        z = [rng.normal(size=(1, sizes[0]))]
        for layer in network:
            u = dot(z[-1], layer.W) + layer.b
            z.append(u if layer is network[-1] else np.tanh(u))
        there, delta = products[0], z[-1] - d
        for layer, before in zip(reversed(network), reversed(z[:-1]), strict=True):
            g = [dot(before.T, delta).ravel(), delta.ravel(), *g]
            if before is not z[0]:
                delta = dot(delta, layer.W.T) * (1 - before**2)
        assert np.allclose(
            np.concatenate(g), loss_and_gradient(network, z[0], d, "squared_error")[1]
        )
        F, M = sum(layer.W.size for layer in network), parameters(network).size
        assert there == F
        assert 2 * F <= products[0] <= 3 * F
        assert 2 / 3 * M <= 2 * M * F / products[0] <= M


def test_step_may_be_left_out_only_where_point_value_and_derivatives_are_about_one() -> None:
    # 「省いてよいのは、…の値や導関数の値が 1 くらいのときです」
    cases = (
        (np.sin, np.cos, 1.0, True),
        (lambda x: x**2, lambda x: 2 * x, 1e12, False),  # x が大きい
        (lambda x: 1e8 + x**2, lambda x: 2 * x, 1.0, False),  # 値が大きい
        (lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), 1.0, False),
    )
    for f, derivative, x, good in cases:
        true = derivative(x)
        assert (abs(central_difference(f, x) / true - 1) < 1e-9) == good
        steps = x * 10.0 ** -np.arange(1, 13)
        best = min(abs(central_difference(f, x, h=float(h)) / true - 1) for h in steps)
        assert good or best < 0.02 * abs(central_difference(f, x) / true - 1)


def test_products_of_the_round_trip_grow_with_the_layers_and_not_with_the_width() -> None:
    # 「層の数が同じなら、パラメータがいくつでも同じ回数です」
    seen = []
    for sizes in ([2, 10, 1], [2, 500, 1], [2, 5, 5, 1], [2, 90, 90, 1], [2, 5, 5, 5, 1]):
        layers, z = init_network(sizes, rng=np.random.default_rng(0)), [np.array([[0.2, 0.7]])]
        go, back, d = CountedFunction(np.matmul), CountedFunction(np.matmul), np.array([[2.0]])
        for layer in layers:
            u = go(z[-1], layer.W) + layer.b
            z.append(u if layer is layers[-1] else np.maximum(u, 0))
        delta, g = z[-1] - d, []
        for layer, before in zip(reversed(layers), reversed(z[:-1]), strict=True):
            g = [back(before.T, delta).ravel(), delta.ravel(), *g]
            if before is not z[0]:
                delta = back(delta, layer.W.T) * (before > 0)
        right = loss_and_gradient(layers, z[0], d, "squared_error")[1]
        np.testing.assert_allclose(np.concatenate(g), right)
        seen.append((go.calls, back.calls))
    assert seen == [(2, 3), (2, 3), (3, 5), (3, 5), (4, 7)]


def test_right_gradient_fails_the_check_where_the_error_or_the_input_is_huge_beside_it() -> None:
    # 「勾配が誤差関数の値に比べて小さいときは、正しい実装でも大きくなります」
    # 「入力が 1 より何桁も大きいときも、そうなることがあります」
    for wide, shift, least, most in ((1, 0, 0, 0), (1, 1e4, 4, 4), (300, 0, 1, 4)):
        fails = []
        for seed in range(4):
            rng = np.random.default_rng(seed)
            net = init_network([3, 5, 4, 2], activation="sigmoid", initial="xavier", rng=rng)
            x, d = wide * rng.normal(size=(6, 3)), shift + rng.normal(size=(6, 2))
            E, g = loss_and_gradient(net, x, d, "squared_error")
            report = gradient_check(net, x, d, "squared_error", rng=rng, gradient=g)
            fails.append(report.relative_error > 1e-7)
            assert np.linalg.norm(g) > 0.1  # どれも、0 に近いわけではない
            assert (np.linalg.norm(g) < 1e-3 * E) == (shift > 0)
        assert least <= sum(fails) <= most, (wide, shift, fails)


def test_slider_draws_the_lines_at_one_and_marks_the_step_and_both_best_steps() -> None:
    # 「上の図では、…の点に、差分で求めた傾きの線を引いています。」
    # 「縦の実線が今の h、点線が上の式で求めた刻み幅です。」
    for h in (1e-12, 1e-6, 0.1):
        top, bottom = album.step_size(h)[0].axes
        u, curve = points_of(top.lines[0])
        np.testing.assert_allclose(curve, sigmoid(u))
        assert [np.ravel(v)[0] for v in top.lines[1].get_data()] == [1.0, sigmoid(1.0)]
        for line in top.lines[2:]:
            u, v = (np.ravel(part) for part in line.get_data())
            assert np.isclose(np.interp(1.0, u, v), sigmoid(1.0))
        *_, solid = bottom.lines
        dotted = [line for line in bottom.lines if line.get_linestyle() == ":"]
        marks = [set(np.ravel(line.get_xdata())) for line in (*dotted, solid)]
        assert marks == [{best_step_forward()}, {best_step_central()}, {h}]
        assert solid.get_linestyle() == "-"


def test_sum_of_the_two_errors_is_least_where_they_are_about_equal() -> None:
    # 「和がいちばん小さいのは、二つの誤差が同じくらいになるところです。」
    h = np.logspace(-12, -1, 200_001)
    for p in (1, 2):
        for a, c in ((1.0, 1.0), (0.1, 3.0), (5.0, 0.2)):
            cut, rounding = a * h**p, c * np.finfo(float).eps / h
            n = (cut + rounding).argmin()
            assert np.isclose(p * cut[n], rounding[n], rtol=1e-3, atol=0)
            assert np.isclose(
                h[n], (c * np.finfo(float).eps / (p * a)) ** (1 / (p + 1)), rtol=1e-3, atol=0
            )


def test_every_line_of_the_secants_passes_the_points_its_name_says() -> None:
    # 「シグモイド関数と、x での接線、前進差分の線、中心差分の線です。」
    (ax,) = album.secants().axes
    at = {text.strip("$"): place for text, place in written(ax).items()}
    np.testing.assert_allclose(np.transpose([*at.values()]), points_of(ax.lines[4]))
    lines = {name: part for name, (part,) in named(ax).items()}
    below, here, above = (at[name][0] for name in ("x-h", "x", "x+h"))
    assert below < here < above
    passed = {"接線": [here], "前進差分": [here, above], "中心差分": [below, above]}
    for name, u in passed.items():
        np.testing.assert_allclose(np.polyval(np.polyfit(*lines[name], 1), u), sigmoid(np.array(u)))
    rise, run = np.diff(lines["接線"][::-1]).ravel()
    assert np.isclose(rise / run, sigmoid_derivative(here))
    np.testing.assert_allclose(lines["シグモイド関数"][1], sigmoid(lines["シグモイド関数"][0]))


@pytest.mark.parametrize("h", [1e-12, 1e-6, 0.1])
def test_names_marks_and_dotted_lines_of_the_steps_belong_to_their_differences(h: float) -> None:
    # 「点線は式で求めた刻み幅、縦の実線は今の刻み幅です。」
    drawing, says = album.step_size(h)
    top, bottom = drawing.axes
    bests = {"前進差分": best_step_forward(), "中心差分": best_step_central()}
    for name, lower in (("前進差分", 0), ("中心差分", -1)):
        colour, slope = keys(bottom)[name].get_color(), sigmoid_derivative(1.0)
        curve, mark, dotted = (points_of(v) for v in bottom.lines if v.get_color() == colour)
        step = np.append(curve[0, -9:], h)
        slopes = (sigmoid(1 + step) - sigmoid(1 + lower * step)) / (step * (1 - lower))
        errors = [*curve[1, -9:], mark[1, 0]]
        np.testing.assert_allclose(errors, abs(slopes - slope), rtol=1e-3, atol=1e-15)
        assert (mark[0, 0], dotted[0, 0]) == (h, bests[name])
        assert f"{name}の誤差は {readable(float(f'{mark[1, 0]:.0e}'))}" in says
        ((x, y),) = (points_of(v) for v in top.lines if v.get_color() == colour)
        np.testing.assert_allclose(np.diff(y) / np.diff(x), slopes[-1])
    assert bottom.lines[-1].get_xdata()[0] == h
    assert (bottom.get_xlabel(), bottom.get_ylabel()) == ("刻み幅 $h$", "誤差の絶対値")


def test_counts_of_the_figure_are_twice_the_parameters_and_always_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 「数値微分の順伝播の回数は右上がりの直線で、誤差逆伝播法の回数は 2 のまま水平です。」
    # 数えるのは回数なので、順伝播そのものは省く。
    monkeypatch.setattr(figures, "with_parameters", lambda network, theta: network)
    monkeypatch.setattr(figures, "forward", lambda network, x: np.zeros((len(x), 1)))
    lines = {name.split(":")[0]: part for name, (part,) in named(figures.evaluations()).items()}
    M, calls = lines["数値微分"]
    assert M.tolist() == [5, 41, 201, 1001, 8001]
    np.testing.assert_array_equal(calls, 2 * M)
    assert (lines["誤差逆伝播法"][1] == 2).all()


def test_forward_looks_to_the_right_and_central_to_both_sides_alike() -> None:
    # 「右側だけを見るのが前進差分、左右を同じだけ見るのが中心差分です」
    # 「なので、中心差分の打ち切り誤差は 0 になり、正しい値 6 と一致します」
    for h in (0.1, 0.25):
        seen: list[float] = []

        def f(x: np.ndarray, seen: list[float] = seen) -> np.ndarray:
            seen.append(float(x))
            return x**2

        right = float(forward_difference(f, np.array(3.0), h=h))
        np.testing.assert_allclose(sorted(seen), [3, 3 + h])
        seen.clear()
        both = float(central_difference(f, np.array(3.0), h=h))
        np.testing.assert_allclose(sorted(seen), [3 - h, 3 + h])
        np.testing.assert_allclose([right, both], [6 + h, 6])
        np.testing.assert_allclose((9 - (3 - h) ** 2) / h, 6 - h)  # 左だけなら小さく出る


def test_backpropagation_differentiates_by_every_parameter_and_leaves_none_out() -> None:
    # 「誤差逆伝播法が返す勾配の成分の数は、パラメータの数と同じです」
    # 「誤差逆伝播法も、すべてのパラメータについて微分します」
    # 「省いているのは微分ではなく、パラメータごとに繰り返していた順伝播です」
    # 「順伝播と逆伝播の一往復で、同じ勾配を求めます」「そのどれもが数値微分の値と一致します」
    for seed, sizes in enumerate(([2, 1], [3, 5, 2], [2, 4, 4, 3])):
        rng = np.random.default_rng(seed)
        net = init_network(sizes, activation="tanh", rng=rng)
        x, d = rng.normal(size=(4, sizes[0])), rng.normal(size=(4, sizes[-1]))
        g = loss_and_gradient(net, x, d, "squared_error")[1]
        E = CountedFunction(
            lambda t, net=net, x=x, d=d: squared_error(
                forward(with_parameters(net, t), x), d
            ).mean()
        )
        np.testing.assert_allclose(g, numerical_gradient(E, parameters(net)), atol=1e-8)
        assert g.all()
        assert g.size == sum((i + 1) * o for i, o in pairwise(sizes))
        assert E.calls == 2 * g.size
        parts = backward(net, x, d, "squared_error")
        np.testing.assert_array_equal(
            g, np.concatenate([v.ravel() for p in parts for v in (p.W, p.b)])
        )


def test_taylor_asks_for_a_smooth_function() -> None:
    # 「テイラー展開は、f がなめらかなことを前提にしています」
    # 折れ目（連続だが、なめらかでない）では、h をどれほど小さくしても誤差が減らない。
    for f, smooth in ((relu, False), (np.abs, False), (sigmoid, True), (np.sin, True)):
        h = np.array([1e-2, 1e-4, 1e-6])
        ahead = (f(h) - f(np.zeros(3))) / h
        behind = (f(np.zeros(3)) - f(-h)) / h
        assert (abs(ahead - behind) < h).all() == smooth
        assert smooth or (abs(ahead - behind) > 0.9).all()


def test_far_from_one_a_small_step_is_rounded_away() -> None:
    # 「では、足した h が丸めで消えるので、h も x に合わせて大きくします」
    # 「32 ビットの数では…が大きいので、刻み幅も大きくなります」
    x = np.array(1e12)
    for h, moves in ((1e-5, False), (1e-4 * 1e12, True)):
        assert (x + h != x) == moves
        slope = float(central_difference(lambda v: v**2 / 1e12, x, h=h))
        assert np.isclose(slope, 2) == moves
    step32 = np.finfo(np.float32).eps ** (1 / 3)
    assert step32 > 500 * np.finfo(np.float64).eps ** (1 / 3)


def test_whole_numbers_drop_the_step_towards_zero_and_dlnotes_takes_them() -> None:
    # 「NumPy の整数の配列に小数を書き込むと、0 のほうへ切り捨てられます」
    # 「3 に小さな h を足しても 3 のままで、引くと 2 まで動きます」
    # 「は入口で浮動小数点数に変えるので、整数を渡しても正しく動きます」
    cell = np.array([0])
    for value, kept in ((3.7, 3), (3 + 1e-4, 3), (3 - 1e-4, 2), (-2.5, -2), (-0.9, 0)):
        cell[0] = value
        assert cell[0] == kept
    x = np.array([3, -2, 5])
    np.testing.assert_allclose(numerical_gradient(lambda v: (v**2).sum(), x), 2 * x, atol=1e-8)
    for difference in (forward_difference, central_difference):
        np.testing.assert_allclose(difference(lambda v: v**2, x), 2 * x, atol=1e-6)


def test_only_the_counter_takes_another_value_after_it_is_made_and_calls_what_it_was_given() -> (
    None
):
    # 「呼ばれた回数を数える関数。中身は渡された関数のままです」
    # 「回数を数えるため、この教材のクラスで一つだけ、作った後に」
    found: set[Any] = set()
    for module in pkgutil.iter_modules(dlnotes.__path__):
        if not module.ispkg and not module.name.startswith("_"):
            names = vars(importlib.import_module(f"dlnotes.{module.name}"))
            found |= {k for k in names.values() if isinstance(k, type) and is_dataclass(k)}
    assert len(found) > 15
    assert {k for k in found if not k.__dataclass_params__.frozen} == {CountedFunction}
    counted, x = CountedFunction(np.outer), np.arange(3.0)
    assert np.array_equal(counted(x, b=x), np.outer(x, x))
    assert counted.calls == 1


def test_numerical_gradient_calls_twice_for_each_part_and_writes_nothing_into_its_point() -> None:
    # 「成分を一つずつ動かすので、M 個の成分に f を 2M 回計算します」「theta には書き込みません」
    # 「f を 2 回計算して求めます」「このパッケージの数値微分は、h を省くとこの値を使います」
    # 「等しければ 0、長さの同じ逆向きなら 2（最大）になります」「どちらもすべて 0 のときは 0」
    rng = np.random.default_rng(0)
    theta, v = rng.normal(size=(2, 3, 4))
    kept, f = theta.copy(), CountedFunction(lambda t: np.sin(t).sum())
    numerical_gradient(f, theta)
    assert f.calls == 2 * theta.size
    directional_derivative(f, theta, v)
    assert f.calls == 2 * theta.size + 2
    assert np.array_equal(theta, kept)
    for way, best in (
        (forward_difference, best_step_forward),
        (central_difference, best_step_central),
    ):
        for x in (theta, theta.astype(np.float32)):
            assert np.array_equal(way(np.sin, x), way(np.sin, x, h=best(x.dtype)))
    for size in (1e-200, 1.0, 1e200):
        a, b = size * theta, size * v
        turned = b * np.linalg.norm(a / size) / np.linalg.norm(b / size)
        assert (relative_error(a, a), relative_error(0 * a, 0 * a)) == (0, 0)
        assert relative_error(a, -a) == 2 > relative_error(a, turned) > 0


def test_wrong_derivative_in_the_code_moves_the_backward_gradient_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 「数値微分は誤差の値だけから求まるので、導関数の式や実装を間違えても影響を受けません」
    # 「一つの式から機械的に求まるので、導出の間違いと無関係だからです」
    rng = np.random.default_rng(0)
    net = init_network([3, 5, 2], activation="tanh", rng=rng)
    x, d = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    E = lambda theta: squared_error(forward(with_parameters(net, theta), x), d).mean()  # noqa: E731
    way = backprop.loss_and_gradient, (net, x, d, "squared_error")
    right, before = way[0](*way[1])[1], numerical_gradient(E, parameters(net))
    monkeypatch.setattr(backprop, "_derivative", lambda name: lambda u: 1 - np.tanh(u))
    assert relative_error(right, before) < 1e-7
    assert np.array_equal(numerical_gradient(E, parameters(net)), before)
    assert relative_error(way[0](*way[1])[1], before) > 0.01
