"""DL002 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from pictures import arrows, once, points_of, written

from dlnotes.activations import sigmoid
from dlnotes.datasets import ANIMAL_FEATURES, animals
from dlnotes.figures import dl002_forward as figures
from dlnotes.network import (
    ACTIVATIONS,
    Layer,
    forward,
    forward_trace,
    init_network,
    layer_shapes,
    parameter_count,
)
from dlnotes.numerical import central_difference

album = once(figures)

UNITWISE = sorted(set(ACTIVATIONS) - {"softmax"})


def unit(w: float, b: float, x: np.ndarray, activation: str = "sigmoid") -> np.ndarray:
    layer = Layer(np.array([[w]]), np.array([b]), activation)
    return forward((layer,), np.reshape(x, (-1, 1)))[:, 0]


@pytest.mark.parametrize("seed", range(5))
def test_one_more_of_an_input_adds_exactly_its_weight(seed: int) -> None:
    # 「入力 x_i が 1 増えると、合計はちょうど重み w_i だけ増えます」「w_i が負なら減り、
    # 0 ならその入力は無視されます」
    rng = np.random.default_rng(seed)
    W, b, x = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal((6, 4))
    W[2] = 0
    layer = (Layer(W, b, "identity"),)
    for i, one in enumerate(np.eye(4)):
        added = forward(layer, x + one) - forward(layer, x)
        np.testing.assert_allclose(added, np.tile(W[i], (6, 1)), atol=1e-13)
    np.testing.assert_array_equal(forward(layer, 0 * x), np.tile(b, (6, 1)))


def test_the_weight_slider_flattens_towards_zero_and_mirrors_beyond_it() -> None:
    # 「0 に近づけると上の直線も下の曲線も寝ていき、0 を越えると、どちらも左右が入れ替わります」
    # 「薄い線は w = 1 のときです」「立ち上がりの傾きは w/4 で、w の大小がそのまま残ります」
    steepest, drawn = {}, {w: album.weight(w)[0].axes for w in (-3, -2, -0.5, 0, 0.5, 2, 3)}
    for w, axes in drawn.items():
        mirrored = drawn[-w]
        x = axes[0].lines[1].get_xdata()
        assert [ax.lines[0].get_ydata()[90] for ax in axes] == pytest.approx([3, unit(1, 0, 3)[0]])
        for ax, other in zip(axes, mirrored, strict=True):
            y = ax.lines[1].get_ydata()
            np.testing.assert_allclose(y, other.lines[1].get_ydata()[::-1], atol=1e-12)
        line, curve = (np.gradient(ax.lines[1].get_ydata(), x) for ax in axes)
        np.testing.assert_allclose(line, w, atol=1e-12)
        assert curve[60] == pytest.approx(w / 4, rel=0.01)
        steepest[w] = np.abs(curve).max()
    assert (np.diff([steepest[w] for w in (0, 0.5, 2, 3)]) > 0).all()


@pytest.mark.parametrize("activation", sorted(set(UNITWISE) - {"step"}))
def test_the_slope_after_the_activation_is_its_derivative_times_the_weight(activation: str) -> None:
    # 「dz/dx = f′(u) w です」
    derivative = ACTIVATIONS[activation].derivative
    assert derivative is not None
    x = np.array([-1.7, -0.4, 0.6, 2.1])
    for w, b in ((2.0, 0.3), (-0.7, 1.1), (0.1, -0.5)):
        slope = central_difference(lambda x, w=w, b=b: unit(w, b, x, activation), x)
        np.testing.assert_allclose(slope, derivative(w * x + b) * w, rtol=1e-6, atol=1e-9)


def test_away_from_zero_the_order_of_the_slopes_turns_only_for_weights_that_saturate() -> None:
    # 「u = 0 での傾き…は w/4 で、w の大小がそのまま残ります」「大小は入れ替わることがあります」
    # 「x = 3 では、この三つの正の w の順が逆になり、w が大きいほど傾きが小さく」
    # w は 0.5、1、3。
    def slopes(weights: np.ndarray, x: float) -> np.ndarray:
        return np.array([central_difference(lambda x, w=w: unit(w, 0, x), [x])[0] for w in weights])

    large, small = np.array([0.5, 1.0, 2.0, 3.0]), np.array([0.05, 0.1, 0.3, 0.5])
    assert (np.diff(slopes(np.concatenate([small, large[1:]]), 0.0)) > 0).all()
    assert (np.diff(slopes(large, 3.0)) < 0).all()
    assert (np.diff(slopes(small, 3.0)) > 0).all()


def test_the_bias_slider_lifts_the_line_and_only_shifts_the_curve() -> None:
    # 「上の直線は上下に動き、下の曲線は形を変えずに左右へ動きます」
    # 「直線が横軸を横切る場所と、下の図で出力が 0.5 になる場所は、同じ x です」
    usual = album.bias(0.0)[0].axes
    for b in (-4.0, -1.0, 0.0, 2.0, 4.0):
        line, curve = album.bias(b)[0].axes
        x, u = (np.asarray(part) for part in line.lines[1].get_data())
        np.testing.assert_allclose(u, usual[0].lines[1].get_ydata() + b)
        shifted = np.interp(x + b, x, usual[1].lines[1].get_ydata())
        inside = np.abs(x + b) <= 6
        np.testing.assert_allclose(curve.lines[1].get_ydata()[inside], shifted[inside], atol=1e-9)
        np.testing.assert_allclose(np.ravel(line.lines[2].get_data()), [-b, 0], atol=1e-9)
        np.testing.assert_allclose(np.ravel(curve.lines[2].get_data()), [-b, 0.5], atol=1e-9)
        np.testing.assert_allclose(line.lines[0].get_ydata(), x)


@pytest.mark.parametrize("w", [-3.0, -0.5, 0.5, 3.0])
def test_a_larger_bias_moves_the_threshold_left_or_right_by_the_sign_of_the_weight(
    w: float,
) -> None:
    # 「境目は −b/w」「b を増やすと、しきい値は、w > 0 なら左へ、w < 0 なら右へ動きます」
    # 「b をいくら大きくしても、その外には出ません」
    x = np.linspace(-20, 20, 40001)
    starts = []
    for b in (-4.0, -1.0, 0.0, 2.0, 5.0):
        fires = unit(w, b, x, "step") > 0
        away = np.abs(x + b / w) > 1e-9
        np.testing.assert_array_equal(fires[away], ((x > -b / w) == (w > 0))[away])
        np.testing.assert_array_equal((unit(w, b, x) > 0.5)[away], fires[away])
        starts.append(x[fires].min() if w > 0 else x[fires].max())
    assert (np.diff(starts) * -w > 0).all()
    for b in (-1e6, 1e6):
        assert 0 <= unit(w, b, x).min() <= unit(w, b, x).max() <= 1


@pytest.mark.parametrize("D", [1, 2, 3, 7])
def test_the_boundary_is_perpendicular_to_the_weights_and_this_far_from_the_origin(D: int) -> None:
    # 「w は直線に垂直です」「w は u の増える側を指します」「原点から直線までの距離は |b|/‖w‖ です」
    # 「これが最も近い点で」「直線は向きを変えずに平行に動きます」
    rng = np.random.default_rng(D)
    for b in (-4.0, 0.0, 2.5):
        w = rng.standard_normal(D)
        free = rng.standard_normal((500, D))
        on = free - np.outer((free @ w + b) / (w @ w), w)  # 境界の上に落とした点
        layer = (Layer(w[:, np.newaxis], np.array([b]), "identity"),)
        np.testing.assert_allclose(forward(layer, on), 0, atol=1e-12)
        np.testing.assert_allclose((on - on[0]) @ w, 0, atol=1e-12)
        foot = -b * w / (w @ w)
        assert np.linalg.norm(on, axis=1).min() >= np.linalg.norm(foot) - 1e-12
        assert np.linalg.norm(foot) == pytest.approx(abs(b) / np.linalg.norm(w))
        np.testing.assert_allclose(
            forward(layer, free + 0.3 * w) - forward(layer, free), 0.3 * w @ w
        )


def test_the_figure_of_the_boundary_shows_what_its_text_says() -> None:
    # 「垂直な三本の直線があり、バイアスが 4 なら左下、0 なら原点、−4 なら右上を通ります。
    # バイアスが 0 のとき、総入力が正なのは、直線の右上の側です」
    ax = album.boundary().axes[0]
    lower, middle, side, upper = (
        np.vstack([p.vertices for p in c.get_paths()]) for c in ax.collections
    )
    w = np.array([1.0, 2.0])
    for points, b in ((lower, 4), (middle, 0), (upper, -4)):
        np.testing.assert_allclose(points @ w, -b, atol=1e-6)
        assert (points.max(axis=0) - points.min(axis=0) > 3).all()
    assert (side @ w).min() > -0.2
    assert (side.max(axis=0) == 4).all()
    foot = [points.mean(axis=0) for points in (lower, upper)]
    assert foot[0] @ w < 0 < foot[1] @ w


def test_the_figure_of_the_network_has_the_numbers_and_arrows_of_its_text() -> None:
    # 「中間層 1 の出力 0.6、1.3、2、中間層 2 の出力 1.02、2.29 を経て、出力 1.56 と 3.222」
    # 「層の間は、すべてのユニットどうしが矢印でつながっています」
    ax = album.network().axes[0]
    texts = [text.get_text() for text in ax.texts]
    arrows = [text for text in ax.texts if not text.get_text()]
    assert len(arrows) == 2 * 3 + 3 * 2 + 2 * 2
    numbers = [text for text in texts if text.replace(".", "").isdigit()]
    assert numbers == ["1", "2", "0.6", "1.3", "2", "1.02", "2.29", "1.56", "3.222"]
    assert len(ax.patches) == 2 + 3 + 2 + 2


@pytest.mark.parametrize("activation", UNITWISE)
@pytest.mark.parametrize(("w", "b"), [(2.0, 4.0), (2.0, -4.0), (-2.0, 4.0), (-0.5, -1.0)])
def test_the_bias_moves_the_graph_of_every_activation_sideways(
    activation: str, w: float, b: float
) -> None:
    # 「グラフ全体が −b/w だけ動きます。どんな活性化関数でも、w が負でも成り立ちます」
    # 「シグモイド関数や ReLU では、…足した…上へ動かしたグラフ…とは別のものです」
    x = np.linspace(-6, 6, 120)
    z = unit(w, b, x, activation)
    np.testing.assert_allclose(unit(w, 0, x + b / w, activation), z, atol=1e-9)
    assert np.allclose(z, unit(w, 0, x, activation) + b) == (activation == "identity")


@pytest.mark.parametrize("D", [2, 3, 5])
def test_the_transpose_of_a_square_matrix_gives_other_numbers_without_an_error(D: int) -> None:
    # 「行と列の数が同じ W では、…はエラーになりません。一次元の…との…も同じです」
    # 「転置しても変わらない行列（対称行列）でない限り、ふつうは別の数が出ます」
    # 「たいていは形のエラーで気づきます」
    rng = np.random.default_rng(D)
    for _ in range(20):
        W, b, x = rng.standard_normal((D, D)), rng.standard_normal(D), rng.standard_normal(D)
        assert not np.allclose(W @ x + b, x @ W + b)
        np.testing.assert_allclose((W + W.T) @ x + b, x @ (W + W.T) + b)
        np.testing.assert_allclose(W.T @ x + b, x @ W + b)
    for N in (1, D + 1):  # バッチのままなら、正方行列でもエラーになる
        with pytest.raises(ValueError, match="mismatch"):
            W @ rng.standard_normal((N, D))
    with pytest.raises(ValueError, match="mismatch"):
        rng.standard_normal((D, D + 1)) @ x


@pytest.mark.parametrize("seed", range(5))
def test_without_a_bias_the_origin_is_stuck_and_a_constant_one_brings_it_back(seed: int) -> None:
    # 「b を落とすと、入力がすべて 0 のサンプルの総入力は、重みをどう選んでも 0 になり、
    # …境界は必ず原点を通ります」
    # 「x に値が 1 の成分を加え、b を W の一部とみるなら、…とだけ書けます」
    rng = np.random.default_rng(seed)
    W, b, x = 100 * rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal((6, 4))
    assert not forward((Layer(W, 0 * b, "identity"),), np.zeros((1, 4))).any()
    with_one, stacked = np.hstack([x, np.ones((6, 1))]), np.vstack([W, b])
    whole = forward((Layer(stacked, 0 * b, "identity"),), with_one)
    np.testing.assert_allclose(whole, forward((Layer(W, b, "identity"),), x))


def test_the_unit_of_the_quiz_measures_how_much_like_a_mouse_an_animal_is() -> None:
    # 「ひげが多く、体が小さいほど大きな値を出すので、『ネズミらしさ』を測るユニットと読めます」
    # 「重みをほかと同じくらいにすると、動物ごとの総入力の違いが、
    # この二つだけでほぼ決まってしまいます」
    names = [name.split(" ")[0] for name in ANIMAL_FEATURES[:4]]
    assert names == ["体長", "体重", "ひげの本数", "毛の平均長"]
    x, d = animals(3000, rng=np.random.default_rng(0))
    w, even = np.array([-0.1, -0.005, 0.01, -0.02]), np.array([-0.1, -0.1, 0.1, -0.1])
    dog, cat, mouse = (x[d[:, k] == 1, :4] for k in range(3))
    assert (mouse @ w).mean() > (cat @ w).mean() > (dog @ w).mean()
    for group in (dog, cat, mouse):
        two = group[:, 1:3] @ even[1:3]
        assert np.corrcoef(group @ even, two)[0, 1] > 0.999
    assert np.corrcoef(mouse @ w, mouse[:, 1:3] @ w[1:3])[0, 1] < 0.95


@pytest.mark.parametrize("draw", [album.unit, album.animal_unit])
def test_the_picture_of_the_unit_has_its_parts_where_the_text_says(
    draw: Callable[[], Figure],
) -> None:
    # 「x1 から x4 の丸が並び、それぞれ重み w1 から w4 のついた矢印で大きな丸につながります」
    # 「大きな丸は左半分が総入力 u、右半分が出力 z で、上からバイアス b が入り」
    ax = draw().axes[0]
    (*inputs, whole), (split,) = ax.patches, ax.lines
    places = {text.get_text(): np.array(text.get_position()) for text in ax.texts}
    for number, circle in enumerate(inputs, start=1):
        assert tuple(places[f"$x_{number}$"]) == circle.center
        assert circle.center[0] < places[f"$w_{number}$"][0] < -whole.radius
    assert (np.diff([circle.center[1] for circle in inputs]) < 0).all()
    assert (len(inputs), *split.get_xdata()) == (4, 0, 0)
    assert -whole.radius < places["$u$"][0] < 0 < places["$z$"][0] < whole.radius
    tips = np.array([arrow.xy for arrow in ax.texts if isinstance(arrow, Annotation)])
    assert np.allclose(np.linalg.norm(tips[:5], axis=1), whole.radius)
    assert places["$b$"][1] > tips[4][1] > 0
    assert places["次の層へ"][0] > tips[5][0] > whole.radius


def test_the_four_features_of_the_animal_stand_beside_the_inputs_in_order() -> None:
    # 「体長、体重、ひげの本数、毛の平均長を x1 から x4 の丸に割り当て」
    texts = album.animal_unit().axes[0].texts
    height = {text.get_text().split(" ")[0]: text.get_position()[1] for text in texts}
    for number, name in enumerate(("体長", "体重", "ひげの本数", "毛の平均長"), start=1):
        assert height[name] == height[f"$x_{number}$"]


@pytest.mark.parametrize("widths", [(4, 3), (2, 3, 2, 2), (5, 1, 7, 4), (3, 6, 6, 2, 5, 1)])
def test_layers_of_any_number_pass_on_units_of_any_number(widths: tuple[int, ...]) -> None:
    # 「u_nj = Σ_i x_ni W_ij + b_j」「ユニットが何個でも、サンプルが何個でも、同じ一行で済む」
    # 「何層でも同じ関数で計算できます」「前の層の出力の数が次の層の W の行の数になっています」
    # 「（入力の数 + 1）× ユニットの数」「サンプルの数 N には関係しません」
    rng = np.random.default_rng(0)
    net = tuple(
        Layer(layer.W, rng.standard_normal(layer.b.size), "tanh")
        for layer in init_network(widths, rng=rng)
    )
    assert [D_in for D_in, _ in layer_shapes(net)[1:]] == [layer.b.size for layer in net[:-1]]
    assert parameter_count(net) == sum((a + 1) * b for a, b in layer_shapes(net))
    for N in (1, 2, 9):
        z = rng.standard_normal((N, widths[0]))
        trace = forward_trace(net, z)
        assert np.array_equal(forward(net, z), trace[-1].z)
        for layer, step in zip(net, trace, strict=True):
            u = [[sum(row * column) for column in layer.W.T] + layer.b for row in z]
            np.testing.assert_allclose(step.u, u, atol=1e-12)
            z = step.z


def test_layers_that_do_not_fit_are_found_before_anything_is_computed() -> None:
    # 「順伝播は計算を始める前に、どの層とどの層かを言って止まります」
    # 計算を始めていれば、層 1 であふれる。
    huge = Layer(np.full((2, 3), 1e300), np.zeros(3))
    fits, odd = Layer(np.ones((3, 4)), np.zeros(4)), Layer(np.ones((5, 1)), np.zeros(1))
    x = np.full((1, 2), 1e300)
    with pytest.raises(FloatingPointError, match="層 1 の"):
        forward((huge, fits), x)
    with pytest.raises(ValueError, match=r"層 2 と層 3 は出力と入力の数が同じ.* 4 と 5 でした"):
        forward((huge, fits, odd), x)


def test_one_unit_parts_every_road_at_most_once_and_two_layers_more_often() -> None:
    # 「総入力が正か負かで分けるなら、一つのユニットで引ける境界は、この直線 1 本だけです」
    # 「直線 1 本では引けない境界は、層を重ねて作ります」
    rng = np.random.default_rng(0)
    crossings = np.empty((300, 2), dtype=int)
    for row in crossings:
        start, way = rng.standard_normal((2, 2))
        road = start + np.linspace(-50, 50, 500)[:, np.newaxis] * way  # 平面を横切るまっすぐな道
        hidden = Layer(rng.standard_normal((2, 4)), rng.standard_normal(4), "step")
        output = Layer(rng.standard_normal((4, 1)), rng.standard_normal(1), "identity")
        one = Layer(hidden.W[:, :1], hidden.b[:1], "identity")
        for kind, net in enumerate([(one,), (hidden, output)]):
            row[kind] = np.diff(forward(net, road)[:, 0] > 0).sum()
    assert set(crossings[:, 0]) == {0, 1}
    assert crossings[:, 1].max() > 1


def test_arrows_of_the_unit_carry_their_weights_into_u_and_leave_from_z() -> None:
    # 「入力 x1 から x4 の丸が並び、それぞれ重み w1 から w4 のついた矢印で大きな丸につながります。
    # 大きな丸は左半分が総入力 u、右半分が出力 z で、上からバイアス b が入り、右へ次の層への矢印が」
    for draw in (album.unit, album.animal_unit):
        (ax,) = draw().axes
        at, (*ins, bias, out) = written(ax), arrows(ax)
        for n, (tail, head) in zip((1, 2, 3, 4), ins, strict=True):
            ends = np.linalg.norm([tail - at[f"$x_{n}$"], head], axis=1)
            np.testing.assert_allclose(ends, [0.36, 0.9])
            x, y = at[f"$w_{n}$"]
            assert 0 < y - np.interp(x, *np.transpose([tail, head])) < 0.5
        assert at["$u$"][0] < 0 < at["$z$"][0]
        assert bias[1, 1] == out[0, 0] == 0.9 < min(bias[0, 1], out[1, 0])
        assert "$z=f(u)$" in at


@pytest.mark.parametrize("value", [-3.0, -0.5, 0.0, 2.0])
def test_sentences_and_names_of_both_sliders_tell_what_is_drawn(value: float) -> None:
    # 「上は総入力 u の直線、下はシグモイド関数を通した後の曲線で」
    for draw in (album.weight, album.bias):
        drawing, says = draw(value)
        before, after = drawing.axes
        assert [ax.get_title()[-1] for ax in drawing.axes] == ["前", "後"]
        assert [ax.get_ylabel() for ax in drawing.axes] == ["$u=wx+b$", r"$z=\sigma(u)$"]
        told = [float(n.replace("−", "-")) for n in re.findall(r"−?\d+(?:\.\d+)?", says)]
        if draw is album.weight:
            assert told == [0, value, value / 4]
        else:
            assert told == [0.5, -value]
        (_, u), (_, z) = (points_of(ax.lines[1]) for ax in (before, after))
        np.testing.assert_allclose(z, 1 / (1 + np.exp(-u)))


def test_names_and_arrow_of_the_boundary_stand_where_they_belong() -> None:
    # 「原点から出る重みのベクトルに垂直な三本の直線があり、バイアスが 4 なら左下、0 なら原点、
    # −4 なら右上を通ります。バイアスが 0 のとき、総入力が正なのは、直線の右上の側です。」
    (ax,) = album.boundary().axes
    ((tail, head),), at, w = arrows(ax), written(ax), np.array([1, 2])
    assert (tail.tolist(), head.tolist()) == ([0, 0], [1, 2])
    for b in (4, 0, -4):  # 名前は、その直線のすぐ下
        assert -1.5 < at[f"$b={b}$"] @ w + b < 0
    assert at["$b=0$ で $u>0$ の側"] @ w > 0
    assert np.linalg.norm(at["$(w_1,\\,w_2)$"] - head) < 0.3


def test_arrows_and_sizes_of_the_network_go_from_each_layer_to_the_next() -> None:
    # 「2-3-2-2 のネットワーク。」「層の間は、すべてのユニットどうしが矢印でつながっています。」
    (ax,) = album.network().axes
    ends = arrows(ax)
    assert (ends[:, 0, 0] < ends[:, 1, 0]).all()
    column = np.array([patch.center[0] for patch in ax.patches])
    texts = {t.get_text(): t.get_position()[0] for t in ax.texts if not isinstance(t, Annotation)}
    names = ("入力層\n$x$", "中間層 1\n$z^{(1)}$", "中間層 2\n$z^{(2)}$", "出力層\n$y$")
    assert [texts[name] for name in names] == np.unique(column).tolist()
    sizes = [int((column == texts[name]).sum()) for name in names]
    for n in (1, 2, 3):
        text = f"$W^{{({n})}}$\n${sizes[n - 1]}\\times{sizes[n]}$"
        assert texts[names[n - 1]] < texts[text] < texts[names[n]]


@pytest.mark.parametrize("w", [-2.0, -0.5, 0.5, 2.0])
def test_bias_lifts_the_line_and_sends_the_curve_to_the_side_of_minus_b_over_w(w: float) -> None:
    # 「活性化関数を通す前の u のグラフを、バイアスが正なら上へ、負なら下へ動かします。」
    # 「形を変えずに x の方向へ −b/w だけ動きます（正なら右、負なら左）。」
    # 「b を加えることは、x の代わりに x+b/w を入れることと同じです。」
    # 「バイアスを…にするとしきい値は…になり、曲線は左へ動きます。
    # バイアスが大きいほど、小さな入力でも立ち上がります。」
    x = np.linspace(-20, 20, 4001)
    for b in (-4.0, -1.0, 1.0, 4.0):
        lifted = unit(w, b, x, "identity") - unit(w, 0, x, "identity")
        np.testing.assert_allclose(lifted, b)
        starts = [x[np.abs(unit(w, bias, x) - 0.5).argmin()] for bias in (0, b)]
        assert starts[1] - starts[0] == pytest.approx(-b / w)
        assert (starts[1] > starts[0]) == (-b / w > 0)
        np.testing.assert_allclose(unit(w, b, x), unit(w, 0, x + b / w))
    thresholds = [x[unit(2, b, x) > 0.5].min() for b in (-6, -4)]
    assert np.round(thresholds) == pytest.approx([3, 2])


def test_columns_of_the_code_and_rows_of_the_formula_are_the_units() -> None:
    # 「W の列の一つひとつがユニットです。」「それを縦に並べ、3 本を横に並べた 4 行 3 列の表が」
    # 「式の W は行がユニット、コードの W は列がユニットです。」
    # 「二つの W は互いに転置（行と列を入れ替えた行列）です。」「サンプルを行に並べると、」
    # 「NumPy ではどの行にも同じ b が足されます。」「左の行列の行と右の行列の列との内積を、
    # 行と列の組の数だけ並べた表です。」「一つ目の層では、W の列ごとに総入力を計算します。」
    rng = np.random.default_rng(0)
    x, W, b = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    u = forward((Layer(W, b, "identity"),), x)
    for j in range(3):
        other = W.copy()
        other[:, j] += 1
        changed = forward((Layer(other, b, "identity"),), x) != u
        assert changed.any(axis=0).tolist() == [k == j for k in range(3)]
        np.testing.assert_allclose(u[:, j], x @ W[:, j] + b[j])
        np.testing.assert_allclose(u[0, j], W.T[j] @ x[0] + b[j])
    np.testing.assert_allclose(u - x @ W, np.tile(b, (5, 1)))
    assert (x @ W)[2, 1] == pytest.approx(sum(x[2, i] * W[i, 1] for i in range(4)))


def test_u_is_straight_and_only_f_bends_and_z_goes_on_to_the_next_layer() -> None:
    # 「左半分の u までは掛け算と足し算だけで、曲がるのは右半分の f だけです。」
    # 「この z は、中間層なら次の層の入力になり、出力層ならネットワークの出力になります。」
    # 「三つの層で、違うのは W、b、f だけで、することは同じです。」
    # 「それらを層ごとに残すのが forward_trace で、forward は最後の層の z を返しています。」
    rng = np.random.default_rng(0)
    net = init_network((2, 3, 2, 2), activation="tanh", rng=rng)
    road = rng.normal(size=2) + np.linspace(-2, 2, 41)[:, np.newaxis] * rng.normal(size=2)
    first = forward_trace(net, road)[0]
    assert np.abs(np.diff(first.u, 2, axis=0)).max() < 1e-12
    assert np.abs(np.diff(first.z, 2, axis=0)).max(axis=0).min() > 1e-5
    z = road
    for layer, step in zip(net, trace := forward_trace(net, road), strict=True):
        np.testing.assert_allclose(step.u, z @ layer.W + layer.b)
        z = step.z
    np.testing.assert_array_equal(forward(net, road), trace[-1].z)


def test_a_sum_a_dot_product_and_a_matrix_product_are_one_number() -> None:
    # 「和の計算は、一つずつ足しても、内積でも、行列の積でも書けます。」
    # 「一次元の配列どうしの @ は、内積になります」「長さ 1 の軸を加える印で、…は 1 行 4 列、
    # …は 4 行 1 列の表になります。」「1 行と 1 列の積なので、答えは 1 行 1 列です。」
    # 「要素ごとの積 x * W は和を取らないので、総入力になりません。」
    x, w = np.random.default_rng(0).normal(size=(2, 4))
    row, column = x[np.newaxis, :], w[:, np.newaxis]
    assert [a.shape for a in (x, row, column, row @ column)] == [(4,), (1, 4), (4, 1), (1, 1)]
    whole = sum(a * b for a, b in zip(x, w, strict=True))
    np.testing.assert_allclose([np.dot(x, w), x @ w, (row @ column).item()], whole)
    assert (x * w).shape == (4,)
    assert (x * w).sum() == pytest.approx(whole)


@pytest.mark.parametrize("D", [2, 3, 5])
def test_going_along_w_adds_t_times_its_square_and_the_border_has_one_dimension_less(
    D: int,
) -> None:
    # 「x から w の向きに tw（t>0）だけ進むと、u は…だけ増えます。」
    # 「直線に沿うベクトル p−q との内積が 0 なので、w は直線に垂直です。」
    # 「原点から tw だけ進んだ点の総入力は…のとき 0 になり、直線に着きます。」
    # 「入力が D 個なら、平らな面（超平面）になります。」
    rng = np.random.default_rng(D)
    w, b, x = rng.normal(size=D), rng.normal(), rng.normal(size=(50, D))
    layer = (Layer(w[:, np.newaxis], [b], "identity"),)
    for t in (0.1, 2.0):
        more = forward(layer, x + t * w) - forward(layer, x)
        np.testing.assert_allclose(more, t * np.linalg.norm(w) ** 2)
    assert abs(forward(layer, [-b / (w @ w) * w]).item()) < 1e-12
    on = x - np.outer((x @ w + b) / (w @ w), w)
    along = on[1:] - on[0]
    assert np.abs(along @ w).max() < 1e-12
    assert np.linalg.matrix_rank(along, tol=1e-9) == D - 1


def test_the_input_layer_counts_neither_as_a_layer_nor_as_parameters() -> None:
    # 「入力層は値を置くだけで、計算もパラメータも持たないためです。」
    # 「その数え方では、重みを持つ層が 2 個の 2-3-2 のネットワークが」
    # 「上の出力の最後の行のとおり、2-3-2-2 のネットワークは、重みを持つ層が 3 個、
    # 図の丸の列が 4 個です。」「幅の数字は、入力 2 個、中間層のユニット 3 個と 2 個、出力 2 個の」
    rng = np.random.default_rng(0)
    for widths, layers in (((2, 3, 2, 2), 3), ((2, 3, 2), 2)):
        net = init_network(widths, rng=rng)
        assert len(net) == layers == len(widths) - 1
        assert layer_shapes(net) == tuple(pairwise(widths))
        assert [layer.b.size for layer in net] == [*widths[1:]]


def test_the_large_inputs_of_the_example_have_the_small_weights_and_the_lines_are_there() -> None:
    # 「体重とひげの本数の重みの絶対値が、ほかの二つより小さいのは、どちらの値も 300 と
    # 大きいからです。」「中間層の出力を定めている行は z1 = relu(u1) と z2 = relu(u2) です。」
    # 「2 個目のユニットは総入力が負なので、ReLU を通した後は 0 です。」
    x, w = np.array([10.0, 300, 300, 15]), np.array([0.1, 0.005, 0.01, 0.02])
    names = np.array(["体長", "体重", "ひげの本数", "毛の平均長"])
    assert {*names[w.argsort()[:2]]} == {*names[x == 300]} == {"体重", "ひげの本数"}
    notebook = Path("docs/notebooks/1_1_forward_propagation.ipynb").read_text("utf-8")
    code = "".join("".join(cell["source"]) + "\n" for cell in json.loads(notebook)["cells"])
    lines = [line.strip() for line in code.splitlines()]
    assert all(line in lines for line in ("z1 = relu(u1)", "z2 = relu(u2)"))
    assert (forward((Layer([[-0.3], [-0.4]], [0.2]),), [[1.0, 2.0]]) == 0).all()


def test_overflow_is_told_by_an_exception_of_the_layer_and_not_by_a_warning() -> None:
    # 「計算の結果が表せる数の上限を超えたこと（あふれ）を、NumPy に警告させないためのものです。」
    # 「代わりに、総入力 u=zW+b を求める関数 affine が、どの層であふれたかを言う例外を出します。」
    huge = Layer(np.full((2, 2), 1e200), np.zeros(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for before in (0, 1, 2):
            net = (*[Layer(np.eye(2), np.zeros(2))] * before, huge)
            with pytest.raises(FloatingPointError, match=f"層 {before + 1} の"):
                forward(net, np.full((1, 2), 1e200))


def test_weight_tilts_and_bias_lifts_the_line_of_u_and_zero_of_u_is_a_line_of_the_plane() -> None:
    # 「u は x の一次関数で、傾きが w、切片が b です。w の大きさは傾きの急さを、符号は向きを」
    # 「b を変えると、u の直線は傾きを変えずに上下へ動きます。b>0 なら上へ、b<0 なら下へです。」
    # 「入力が 2 個なら、u=0 になる点の集まりは、平面の上の直線です。」
    # 「活性化関数を通した後の傾きは、w だけでは決まりません。」
    rng, x = np.random.default_rng(0), np.linspace(-3, 3, 61)
    for w, b in rng.normal(size=(20, 2)):
        u = w * x + b
        assert np.allclose(np.polyfit(x, u, 1), [w, b])
        assert np.allclose(np.diff(u), np.diff(w * x))
        assert (np.sign(u - w * x) == np.sign(b)).all()
        assert (np.sign(np.diff(u)) == np.sign(w)).all()
        slopes = np.diff(sigmoid(u)) / np.diff(x)
        assert np.ptp(slopes) > 0.001 * abs(w)
        normal = rng.normal(size=2)
        start, along = -b * normal / (normal @ normal), np.array([-normal[1], normal[0]])
        on = start + rng.normal(size=(9, 1)) * along
        assert np.allclose(on @ normal + b, 0)
        assert (abs((on + 0.1 * normal) @ normal + b) > 1e-4).all()
