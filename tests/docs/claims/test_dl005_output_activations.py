"""DL005 の文が述べる、ページの出力にまだ現れていない事実。"""

from __future__ import annotations

import re

import numpy as np
import pytest
from course_code import course_cross_entropy_error
from matplotlib.colors import to_hex
from pictures import arrows, keys, named, once, points_of, written

from dlnotes.activations import (
    identity,
    log_softmax,
    sigmoid,
    softmax,
    softmax_jacobian,
)
from dlnotes.figures import dl005_output_activations as figures
from dlnotes.losses import (
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    cross_entropy,
    cross_entropy_gradient,
    entropy,
    kl_divergence,
    sigmoid_binary_cross_entropy,
    softmax_cross_entropy,
    squared_error,
)
from dlnotes.network import forward_trace, init_network
from dlnotes.numerical import numerical_gradient, relative_error

album = once(figures)


def _with_epsilon(u: np.ndarray, d: np.ndarray) -> np.ndarray:
    return -np.vecdot(d, np.log(softmax(u) + 1e-7))


def test_short_form_and_safe_form_agree_until_the_short_one_overflows() -> None:
    # 「短い式 E=log(1+e^u)−du のまま計算すると、u=1000 では e^u が表せる数の上限を超えます」
    # 「そこで、u>0 のときは e^u をくくり出します」
    # 「u≤0 なら e^u≤1 なので、もとの式のままであふれません」
    u = np.concatenate([np.linspace(-1000, 700, 1701), [709.0]])
    for d in (0.0, 0.3, 1.0):
        short = np.log(1 + np.exp(u)) - d * u
        assert np.allclose(short, sigmoid_binary_cross_entropy(u, np.full_like(u, d)))
    far = np.array([-1000.0, 1000.0])
    with np.errstate(over="ignore"):
        taken_out = far + np.log(1 + np.exp(-far))  # くくり出すと、u≤0 の側であふれる
        assert np.isfinite(taken_out).tolist() == [False, True]
        assert np.isfinite(np.log(1 + np.exp(far))).tolist() == [True, False]
        assert np.isfinite(np.log(1 + np.exp(np.array([-1e308, 0.0])))).all()


def test_lower_temperature_always_gathers_more_and_never_changes_the_order() -> None:
    # 「温度を下げると、割った後の総入力の差が広がり、最大のものに確率が集まります」
    # 「上げるとその差が縮まり、一様な確率に近づきます」「どの T でも順位は同じです」
    rng = np.random.default_rng(0)
    for _ in range(100):
        u = rng.normal(size=5)
        y = np.array([softmax(u, temperature=T) for T in np.geomspace(0.1, 100, 30)])
        assert (np.diff(np.ptp(np.log(y), axis=1)) < 0).all()  # 対数の差は、割った後の差
        assert (np.diff(y.max(axis=1)) < 0).all()
        assert (np.diff(y.min(axis=1)) > 0).all()
        assert (y.argsort(axis=1) == u.argsort()).all()
        assert np.allclose(y[-1], 1 / 5, atol=0.02)
        assert np.allclose(softmax(u, temperature=1e-6), np.eye(5)[u.argmax()])


def test_temperature_figure_goes_from_one_hot_to_thirds() -> None:
    # 「左では最も大きい総入力の確率が 1 に近く、右では三つとも 3 分の 1 に近づきます」
    for T in (0.1, 1.0, 100.0):
        top, bottom = album.temperature(T)[0].axes
        curves = np.array([line.get_ydata() for line in bottom.lines[0:6:2]])
        assert curves[2, 0] > 0.99
        assert np.allclose(curves[:, -1], 1 / 3, atol=0.01)
        heights = [bar.get_height() for bar in top.patches]
        assert heights[0] < heights[1] < heights[2]
        assert np.allclose(heights, softmax([1.0, 2.0, 3.0], temperature=T))


def test_ordered_classes_need_thresholds_that_rise() -> None:
    # 「「k 以下である確率」を σ(θ_k−u) と置く」「θ_k は k とともに大きくなる境目です」
    rng, u = np.random.default_rng(0), np.linspace(-6, 6, 50)[:, np.newaxis]
    for _ in range(200):
        theta = rng.normal(size=4)
        at_most = np.hstack([np.zeros_like(u), sigmoid(theta - u), np.ones_like(u)])
        p = np.diff(at_most, axis=1)
        assert np.allclose(p.sum(axis=1), 1)
        assert (p > 0).all() == (np.diff(theta) > 0).all()


def test_output_minus_target_needs_labels_that_sum_to_one_and_nothing_more() -> None:
    # 「最後に、d の和が 1 であることを使いました」
    # 「one-hot でなくても、和が 1 なら成り立ちます。ヤコビ行列を使っても、同じ値になります」
    rng = np.random.default_rng(0)
    for K in (2, 3, 7):
        for share in (1.0, 0.8, 2.0):
            u, d = rng.normal(size=K), rng.dirichlet(np.ones(K))
            y = softmax(u)
            by_value = numerical_gradient(lambda v, d=share * d: -d @ log_softmax(v), u)
            by_matrix = softmax_jacobian(u).T @ (share * cross_entropy_gradient(y, d))
            assert np.allclose(by_value, by_matrix, atol=1e-8)
            assert np.allclose(by_value, y - share * d, atol=1e-8) == (share == 1)


def test_errors_of_the_three_pairs_share_one_form() -> None:
    # 「E=A(u)−Σd_k u_k+C(d)」「二乗誤差では C(d)=½Σd_k²、ほかの二つでは 0 です」
    # 「∂A/∂u_k がちょうど活性化関数の出力 y_k です」
    rng = np.random.default_rng(0)
    u, soft, free = rng.normal(size=(20, 4)), rng.dirichlet(np.ones(4), 20), rng.random((20, 4))
    A = [(u**2).sum(1) / 2, np.log(1 + np.exp(u)).sum(1), np.log(np.exp(u).sum(1))]
    E = [squared_error, sigmoid_binary_cross_entropy, softmax_cross_entropy]
    for a, loss, d in zip(A, E, (free, free, soft), strict=True):
        C = (d**2).sum(1) / 2 if loss is squared_error else 0
        assert np.allclose(loss(u, d), a - (d * u).sum(1) + C)
    for f, a in (
        (identity, lambda v: (v**2).sum() / 2),
        (sigmoid, lambda v: np.log(1 + np.exp(v)).sum()),
        (softmax, lambda v: np.log(np.exp(v).sum())),
    ):
        assert np.allclose(numerical_gradient(a, u[0]), f(u[0]), atol=1e-8)


def test_mixed_pairs_do_not_give_output_minus_target() -> None:
    # 「組み合わせを崩すと、余分な因数が残ります」
    rng = np.random.default_rng(0)
    for _ in range(20):
        u, d = rng.normal(size=3), rng.dirichlet(np.ones(3))
        for f in (sigmoid, softmax):
            y = f(u)
            g = numerical_gradient(lambda v, f=f, d=d: squared_error(f(v), d), u)
            J = softmax_jacobian(u) if f is softmax else np.diag(y * (1 - y))
            assert np.allclose(g, J @ (y - d), atol=1e-8)
            assert not np.allclose(g, y - d, atol=1e-3)


def test_three_pairs_figure_shows_the_outputs_lowered_by_one() -> None:
    # 「ほかの二つは −1 から 0 へ上がる S 字になります」
    # 「ソフトマックス関数の線は…で、ほかの二つの総入力を…にしています」
    # 「図の下の段は、活性化関数のグラフを 1 だけ下げた形です」
    # 「恒等写像は放物線、ほかの二つは左で直線のように増えます」（図の代替文）
    top, bottom = album.three_pairs().axes
    u = np.ravel(top.lines[0].get_xdata())
    outputs = [u, sigmoid(u), softmax(np.stack([u, 0 * u, 0 * u], axis=1))[:, 0]]
    for line, y in zip(bottom.lines, outputs, strict=True):
        assert np.allclose(np.ravel(line.get_ydata()), y - 1)
    parabola, *others = (np.ravel(line.get_ydata()) for line in top.lines)
    assert np.allclose(np.diff(parabola, 2), (u[1] - u[0]) ** 2)
    for E in others:
        assert np.allclose(np.gradient(E, u)[u < -3], -1, atol=0.06)
        assert (np.diff(E) < 0).all()


def test_entropy_figure_has_its_bottom_at_the_truth_and_its_gap_is_the_kl() -> None:
    # 「正解の 0.7 と等しいところで最も低く、その高さはエントロピーの横線に一致します」
    # 「曲線と横線の隔たりが KL ダイバージェンスです」（図の代替文）
    ax = album.entropy_and_kl().axes[0]
    q, E = (np.ravel(v) for v in ax.lines[0].get_data())
    H = np.ravel(ax.lines[1].get_ydata())[0]
    p = np.array([0.7, 0.3])
    assert np.isclose(q[E.argmin()], 0.7)
    assert np.isclose(E.min(), H)
    assert np.isclose(H, entropy(p))
    assert np.allclose(E - H, [kl_divergence(p, [v, 1 - v]) for v in q], atol=1e-12)


def test_added_epsilon_multiplies_the_gradient_by_the_share_of_the_probability() -> None:
    # 「正しく微分した勾配は、y−d の y₁/(y₁+10⁻⁷) 倍です。y₁ が 1e-7 なら ½ 倍」
    rng, d = np.random.default_rng(0), np.array([1.0, 0.0, 0.0])
    for wrong in (0.0, 5.0, 10.0, np.log(1e7), 20.0, 30.0):
        u = np.array([0.0, wrong, wrong - 1 + rng.random()])
        u[1:] -= np.log(np.exp(u[1:] - wrong).sum())
        y = softmax(u)
        g = numerical_gradient(lambda v: _with_epsilon(v, d), u)
        assert np.allclose(g, (y - d) * y[0] / (y[0] + 1e-7), atol=1e-8)
        half = np.isclose(g[0] / (y - d)[0], 0.5, atol=0.01)
        assert half == (wrong == np.log(1e7))


def test_added_epsilon_fails_the_gradient_check_at_ordinary_probabilities() -> None:
    # 「相対誤差は、およそ 10⁻⁷/y₁ です」「合格の境にすると、ふつうの確率でも不合格になります」
    d = np.array([1.0, 0.0])
    for y in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9):
        u = np.array([np.log(y / (1 - y)), 0.0])
        added = relative_error(softmax(u) - d, numerical_gradient(lambda v: _with_epsilon(v, d), u))
        exact = relative_error(
            softmax(u) - d, numerical_gradient(lambda v: softmax_cross_entropy(v, d), u)
        )
        assert np.isclose(added, 1e-7 / y, rtol=0.02)
        assert exact < 1e-8 < 1e-7 < added


def test_added_epsilon_corrects_the_worst_mistakes_the_slowest() -> None:
    # 「この誤差の勾配で学習すると、最も直すべき間違いほど、直るのが遅くなります」
    # 「誤差が −log 10⁻⁷ で頭打ち」「完全な予測の誤差が、0 でなく、わずかに負になります」
    d, u = np.array([1.0, 0.0]), np.stack([np.zeros(15), np.linspace(10, 24, 15)], axis=1)
    force = np.array([-numerical_gradient(lambda t: _with_epsilon(t, d), v)[0] for v in u])
    exact = np.array([-numerical_gradient(lambda t: softmax_cross_entropy(t, d), v)[0] for v in u])
    assert (np.diff(force) < 0).all()
    assert force[-1] < 0.001
    assert np.allclose(exact, 1, atol=1e-4)
    far = _with_epsilon(np.array([[0.0, 10.0**k] for k in range(6)]), np.tile(d, (6, 1)))
    assert far.max() <= -np.log(1e-7)
    assert -2e-7 < _with_epsilon(np.array([60.0, 0.0]), d) < 0


def test_epsilon_figure_caps_one_line_and_drops_its_slope_near_sixteen() -> None:
    # 「総入力から求めた線は 1 へ上がって 1 のまま、1e-7 を足した線は、誤差が頭打ちになるあたりで
    # 1 から 0 へ落ちます」「伸び続け…16.118 で頭打ち」（図の代替文）
    top, bottom = album.epsilon_cap().axes
    u = np.ravel(top.lines[0].get_xdata())
    exact, added = (np.ravel(line.get_ydata()) for line in bottom.lines)
    assert np.isclose(exact[0], 0.5)
    assert (exact[u > 10] > 0.999).all()
    assert np.isclose(u[added > 0.5].max(), 16.1, atol=0.2)
    assert (added[(u > 8) & (u < 11)] > 0.99).all()
    assert (added[u > 22] < 0.01).all()
    line, capped = (np.ravel(v.get_ydata()) for v in top.lines[:2])
    assert (np.diff(line) > 0).all()
    assert 16.1 < capped.max() < 16.1181


def test_two_labels_cannot_both_pass_a_half_or_cost_less_than_log_two() -> None:
    # 「総入力をどれほど大きくしても、二つの確率がともに 0.5 を超えることはありません」
    # 「誤差を 0 に近づけられません。正解を (0.5, 0.5, 0) と直しても、log 2 より下がりません」
    rng = np.random.default_rng(0)
    for size in (1.0, 10.0, 1000.0):
        u = size * rng.normal(size=(500, 3))
        u[0] = size, size, -size
        assert not (softmax(u)[:, :2] > 0.5).all(axis=1).any()
        assert (-log_softmax(u)[:, :2].sum(axis=1) > 2 * np.log(2) - 1e-12).all()
        half = softmax_cross_entropy(u, np.tile([0.5, 0.5, 0.0], (500, 1)))
        assert (half > np.log(2) - 1e-12).all()
        assert (sigmoid(np.array([size, size, -size])) > 0.5)[:2].all()


def test_batch_divided_by_its_whole_sum_is_wrong_and_scattered_logits_cost_more() -> None:
    # 「この分岐…がないと、サンプルが 2 個以上のバッチでは、間違った答えになります」
    # 「He の初期値のように総入力がばらつく初期値では…ふつう、これより大きくなります」
    for seed in range(8):
        rng = np.random.default_rng(seed)
        for N in (1, 2, 5):
            e = np.exp(rng.normal(size=(N, 4)))
            assert np.allclose(e / e.sum(), softmax(np.log(e))) == (N == 1)
        x, d = rng.normal(size=(100, 784)), np.eye(10)[np.arange(100) % 10]
        u = forward_trace(init_network([784, 50, 10], rng=rng), x)[-1].u
        E = softmax_cross_entropy(u, d).mean()
        assert E - np.log(10) > 0.1
        assert np.isclose(softmax_cross_entropy(1e-3 * u, d).mean(), np.log(10), atol=0.01)


def test_without_its_largest_no_power_exceeds_one_and_no_sum_falls_below_it() -> None:
    # 「指数がいつも 0 以下になるのであふれません」
    # 「e の肩がどれも 0 以下になるので、大きすぎてあふれることはありません」
    # 「分母には e⁰=1 が必ず入るので、0 で割ることもありません」（引かなければ、どちらも起きる）
    rng = np.random.default_rng(0)
    broken = set()
    for size in (1.0, 100.0, 1e4, 1e300):
        for u in size * (rng.normal(size=(50, 4)) + rng.normal(size=(50, 1))):
            e = np.exp(u - u.max())
            assert (e <= 1).all()
            assert 1 <= e.sum() <= 4
            assert np.isclose(softmax(u).sum(), 1)
            with np.errstate(over="ignore"):
                plain = np.exp(u)
            broken |= {"over"} if np.isinf(plain).any() else {"zero"} if not plain.any() else set()
    assert broken == {"over", "zero"}


def test_every_total_input_moves_every_probability_and_both_ways_alike() -> None:
    # 「どの出力も、すべての総入力に左右されます」
    # 「ある u_j を動かすと、すべての y_k が動きます」「ソフトマックス関数の J は対称なので」
    # 「∂y_k/∂u_j = y_k(δ_kj−y_j)」「連鎖律では、u_j が動かすすべての y_k について足します」
    rng = np.random.default_rng(0)
    for K in (2, 3, 6):
        u, slope = rng.normal(size=(2, K))
        J = softmax_jacobian(u)
        for j, one in enumerate(np.eye(K)):
            moved = softmax(u + 0.3 * one) - softmax(u)
            assert moved[j] > 0
            assert (np.delete(moved, j) < 0).all()
        assert np.allclose(J, J.T)
        assert ((J > 0) == np.eye(K)).all()
        g = numerical_gradient(lambda v, s=slope: s @ softmax(v), u)
        assert np.allclose(g, J.T @ slope, atol=1e-8)
        assert not np.allclose(g, np.diag(J) * slope, atol=1e-3)  # 自分の y だけを足すと違う


def test_only_the_identity_keeps_the_ratio_and_the_softmax_keeps_the_difference() -> None:
    # 「比率がそのままなのは恒等写像だけです」「シグモイド関数でも、比は変わります」
    # 「総入力の差は、出力の比の対数として残ります」「保たれるのは大小の順で」
    u = np.random.default_rng(0).uniform(0.1, 4, (300, 2))
    u = u[np.abs(np.diff(u)[:, 0]) > 0.05]
    for f, kept in ((identity, True), (sigmoid, False), (softmax, False)):
        y = f(u)
        same = np.isclose(y[:, 1] / y[:, 0], u[:, 1] / u[:, 0], rtol=1e-9)
        assert same.all() if kept else not same.any()
        assert ((y[:, 1] > y[:, 0]) == (u[:, 1] > u[:, 0])).all()
        difference = np.isclose(np.log(y[:, 1] / y[:, 0]), np.diff(u)[:, 0], rtol=1e-9)
        assert difference.all() if f is softmax else not difference.any()


def test_cross_entropy_falls_exactly_as_the_kl_does_and_equals_it_for_one_hot() -> None:
    # 「学習で動くのは q だけなので、交差エントロピーを減らすことは、…ことと同じです」
    # 「正解が one-hot なら H(p)=0 で、交差エントロピーと KL ダイバージェンスは一致します」
    # 「p と q を入れ替えると値が変わる」
    rng = np.random.default_rng(0)
    for K in (2, 3, 10):
        p, q = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), 40)
        for truth in (p, np.eye(K)[1]):
            rows = np.tile(truth, (40, 1))
            E, D = cross_entropy(q, rows), kl_divergence(rows, q)
            assert np.allclose(np.diff(E), np.diff(D))
            assert np.array_equal(E.argsort(), D.argsort())
            assert np.allclose(E, D) == (entropy(truth) == 0) == (truth is not p)
        turned = kl_divergence(q, np.tile(p, (40, 1)))
        assert not np.isclose(turned, kl_divergence(np.tile(p, (40, 1)), q), rtol=1e-6).any()


def test_entropy_is_the_mean_surprise_and_grows_the_harder_the_guess() -> None:
    # 「確実に起きる出来事（p=1）では 0、めったに起きない出来事ほど大きくなります」
    # 「その平均がエントロピー H(p) で、結果を予想しにくいほど大きくなります」
    rng = np.random.default_rng(0)
    for K in (2, 4, 9):
        p = rng.dirichlet(np.ones(K))
        events = rng.choice(K, size=200_000, p=p)
        assert np.isclose((-np.log(p))[events].mean(), entropy(p), rtol=0.02)
        sure, even = np.eye(K)[0], np.full(K, 1 / K)
        path = [entropy((1 - t) * sure + t * even) for t in np.linspace(0, 1, 50)]
        assert path[0] == 0
        assert (np.diff(path) > 0).all()
    surprise = [cross_entropy([q, 1 - q], [1.0, 0.0]) for q in (1.0, 0.5, 0.1, 1e-6, 0.0)]
    assert surprise[0] == 0
    assert (np.diff(surprise) > 0).all()


def test_learning_with_output_minus_target_goes_on_where_the_added_error_stands_still() -> None:
    # 「最も直すべき間違いほど、直るのが遅くなります」
    # 「講座の逆伝播は、勾配の式 y−d を別に書いて使うので、学習は進みます」
    waits = {"added": [], "y-d": []}
    for gap in (12.0, 14.0, 16.0, 18.0, 20.0, 22.0):
        for name, counts in waits.items():
            u, updates = np.array([0.0, gap]), 0
            while softmax(u)[0] < 0.9:
                y = softmax(u)
                share = y[0] / (y[0] + 1e-7) if name == "added" else 1
                u, updates = u - 0.5 * share * (y - [1, 0]), updates + 1
            counts.append(updates)
    assert set(np.diff(waits["y-d"])) == {2}
    assert (np.diff(waits["added"], 2) >= 0).all()
    assert waits["added"][0] == waits["y-d"][0]
    assert waits["added"][-1] > 10 * waits["y-d"][-1]


def test_bars_of_softmax_are_the_steps_their_names_say() -> None:
    # 「総入力は 2、1、−1 で、負の数を含みます。指数を取るとすべて正になり、
    # 和で割ると合計 1 の確率になります。大きい順は変わりません」
    axes = album.softmax_steps().axes
    u, powers, y = (np.array([bar.get_height() for bar in ax.patches]) for ax in axes)
    assert u.tolist() == [2, 1, -1]
    assert all((np.diff(part) < 0).all() for part in (u, powers, y))
    assert [text.get_text() for text in axes[2].texts] == [f"{p:.4f}" for p in y]
    np.testing.assert_allclose(powers, np.exp(u))
    np.testing.assert_allclose(y, powers / powers.sum())
    assert [ax.get_ylabel() for ax in axes] == ["総入力 $u_k$", r"$\exp u_k$", "出力 $y_k$"]
    assert [t.get_text() for t in axes[2].get_xticklabels()] == [f"$k={k}$" for k in (1, 2, 3)]
    for ax, heights in zip(axes, (u, powers, y), strict=True):
        told = [float(text.get_text()) for text in ax.texts]
        np.testing.assert_allclose(told, heights, atol=0.005)


@pytest.mark.parametrize("T", [0.1, 1.0, 10.0])
def test_bars_curves_and_dots_of_a_temperature_have_one_colour_for_each_input(T: float) -> None:
    # 「上は三つの総入力 1、2、3 に対する出力の棒です。」「縦線が今の温度を示します。」
    drawing, says = album.temperature(T)
    top, bottom = drawing.axes
    here = softmax([1.0, 2.0, 3.0], temperature=T)
    ticks = [label.get_text() for label in top.get_xticklabels()]
    for k, bar in enumerate(top.patches):
        name, colour = f"$u_{k + 1}={k + 1}$", to_hex(bar.get_facecolor())
        assert ticks[k] == name
        assert to_hex(keys(bottom)[name].get_color()) == colour
        t, y = named(bottom)[name][0]
        np.testing.assert_allclose(y[30], softmax([1.0, 2.0, 3.0], temperature=t[30])[k])
        (dot,) = [
            v for v in bottom.lines if v.get_marker() == "o" and to_hex(v.get_color()) == colour
        ]
        np.testing.assert_allclose(points_of(dot), [[T], [here[k]]])
        assert top.texts[k].get_text() == f"{here[k]:.3f}" == re.findall(r"[\d.]+", says)[k]
    assert bottom.lines[-1].get_xdata()[0] == T


def test_names_of_the_pairs_and_of_the_entropies_belong_to_their_formulas() -> None:
    # 「上は三つの組の誤差で、恒等写像は放物線、ほかの二つは左で直線のように増えます。」
    drawing = album.three_pairs()
    u = named(drawing)["恒等写像"][0][0]
    errors = {"恒等写像": (u - 1) ** 2 / 2, "シグモイド関数": np.log1p(np.exp(-u))}
    errors["ソフトマックス関数"] = np.log1p(2 * np.exp(-u))
    for name, E in errors.items():
        np.testing.assert_allclose(named(drawing)[name][0][1], E, atol=1e-12)
    assert drawing.axes[1].get_ylabel() == "勾配 $y-d$"
    # 「曲線と横線の隔たりが KL ダイバージェンスです。」
    (ax,) = album.entropy_and_kl().axes
    (q, E), (_, H) = (
        named(ax)[name][0] for name in ("交差エントロピー $H(p, q)$", "エントロピー $H(p)$")
    )
    np.testing.assert_allclose(E, -0.7 * np.log(q) - 0.3 * np.log(1 - q))
    (ends,) = arrows(ax)
    np.testing.assert_allclose(sorted(ends[:, 1]), [H[0], np.interp(ends[0, 0], q, E)], atol=1e-3)
    np.testing.assert_allclose(
        [points_of(ax.lines[2])[:, 0], written(ax)["$q=p$"]], [[0.7, H[0]]] * 2
    )
    assert "$p_1=0.7$" in ax.get_xlabel()


def test_names_of_the_epsilon_figure_belong_to_their_errors_and_its_number_is_the_cap() -> None:
    # 「総入力から求めた線は伸び続け、1e-7 を足した線は 16.118 で頭打ちになります。」
    drawing = album.epsilon_cap()
    top, bottom = drawing.axes
    u, E = named(drawing)["総入力から"][0]
    np.testing.assert_allclose(E, np.log1p(np.exp(u)))
    np.testing.assert_allclose(
        named(drawing)["1e-7 を足す"][0][1], -np.log(1 / (1 + np.exp(u)) + 1e-7)
    )
    (told,) = written(top)
    assert told == f"{top.lines[2].get_ydata()[0]:.3f}" == "16.118"
    assert bottom.get_ylabel() == r"勾配 $\partial E/\partial u_2$"


def test_bits_are_nats_divided_by_log_two() -> None:
    # 「底を 2 とすると単位はビットで、値は…倍になります。」
    p, q = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    assert np.isclose(entropy(p) / np.log(2), 1.5)
    assert np.isclose(kl_divergence(p, q) / np.log(2), (p * np.log2(p / q)).sum())


def test_classes_in_order_get_probabilities_by_subtraction() -> None:
    # 「ちょうど k である確率は、k 以下である確率から、k-1 以下である確率を引いたものです。」
    borders = np.array([-1.0, 0.5, 2.0])
    for u in (-3.0, 0.3, 4.0):
        p = np.diff([0.0, *sigmoid(borders - u), 1.0])
        assert (p > 0).all()
        assert np.isclose(p.sum(), 1)


def test_error_of_every_row_of_the_tables_is_the_likelihood_of_its_own_distribution() -> None:
    # 「この尤度の対数を取り、符号を変えたものが、二値の交差エントロピーです」
    # 「正解のクラスに付けた確率だけが残ります」
    # 「最尤推定から誤差関数が決まります」
    # 表「回帰 恒等写像 二乗誤差」「二値分類 シグモイド関数 二値の交差エントロピー」
    # 表「多クラス分類 ソフトマックス関数 交差エントロピー」「回帰 予測値 実数（正規分布）」
    # 表「二値分類 クラス 1 の確率」「か 1（ベルヌーイ分布）」
    # 表「多クラス分類 各クラスの確率 one-hot（カテゴリ分布）」
    u = np.random.default_rng(0).normal(scale=2, size=(50, 3))
    d, y = np.random.default_rng(1).normal(size=(50, 3)), identity(u)
    normal = np.log(np.exp(-((d - y) ** 2) / 2) / np.sqrt(2 * np.pi)).sum(axis=1)
    assert np.ptp(squared_error(y, d) + normal) < 1e-9
    coin, p = (d > 0) * 1.0, sigmoid(u)
    bernoulli = np.log(p**coin * (1 - p) ** (1 - coin)).sum(axis=1)
    assert np.allclose(binary_cross_entropy(p, coin), -bernoulli)
    one, q = np.eye(3)[d.argmax(axis=1)], softmax(u)
    assert np.allclose(cross_entropy(q, one), -np.log((q**one).prod(axis=1)))
    sums = [np.allclose(part.sum(axis=1), 1) for part in (y, p, q)]
    inside = [bool(((part > 0) & (part < 1)).all()) for part in (y, p, q)]
    assert (inside, sums) == ([False, True, True], [False, False, True])


def test_only_the_identity_reaches_answers_outside_the_range() -> None:
    # 「シグモイド関数などを通すと、答えの範囲が狭まり、範囲の外の値を予測できなくなるからです」
    for f in (identity, sigmoid, np.tanh):
        u = np.zeros(3)
        d = np.array([-2.0, 0.5, 3.0])
        for _ in range(120):
            u = u - numerical_gradient(lambda v, f=f, d=d: squared_error(f(v), d), u)
        assert (abs(f(u) - d) < 1e-3).tolist() == [f is identity, True, f is identity]


def test_adding_keeps_the_softmax_multiplying_does_not_and_two_classes_see_the_difference() -> None:
    # 「最大値 m を引いても値は変わらず」
    # 「同じ数 c を足しても、分子と分母に同じ e^c が掛かるだけなので、値は変わりません」
    # 「最大値を引けば、(1000,1001) も (0,1) も同じ確率です」
    # 「2 個のときは、総入力の差のシグモイド関数と同じです」
    rng = np.random.default_rng(0)
    for c in (-700.0, -2.0, 3.0, 1e4):
        u = rng.normal(size=(50, 4))
        assert np.allclose(softmax(u + c), softmax(u))
        assert not np.isclose(softmax(u * c), softmax(u)).all(axis=1).any()
        two = u[:, :2]
        assert np.allclose(softmax(two + c)[:, 0], sigmoid(two[:, 0] - two[:, 1]))
        assert not np.allclose(softmax(two)[:, 0], sigmoid(two.sum(axis=1)), atol=0.1)


def test_kl_is_zero_only_at_the_truth_and_infinite_only_where_the_truth_is_missed() -> None:
    # 「の項は、q_k が何であっても 0 とします」「の項があれば、…は無限大です」
    # 「は 0 以上で、q=p のときだけ 0 です」「p の和は 1、q の一部の和は 1 以下だからです」
    rng = np.random.default_rng(0)
    for _ in range(200):
        p, q = rng.dirichlet(np.ones(4), 2)
        p[rng.integers(4)] = 0
        p, missed = p / p.sum(), rng.integers(4)
        assert kl_divergence(p, q) > 1e-6
        assert kl_divergence(p, p) == 0
        on = p > 0
        assert q[on].sum() < 1 == np.isclose(p[on].sum(), 1)
        assert np.isclose(kl_divergence(p, q), (p[on] * np.log(p[on] / q[on])).sum())
        q[missed] = 0
        assert np.isinf(kl_divergence(p, q / q.sum())) == (p[missed] > 0)


def test_function_of_the_course_is_silently_wrong_for_one_column_and_for_shares() -> None:
    # 「の大きさが同じなら one-hot とみなし、最大の位置を正解の番号にします」
    # 「0.4 のほうが捨てられています」
    # 「が扱えるのは、2 列以上の確率と、正解が一つに決まるラベルだけです」
    # 「出力が 1 列の二値分類や、確率で与えられた正解には、黙って間違った値を返すことがあります」
    # 「列が一つなら、最大の位置はいつも 0 番です」「は使われず、…でも同じ値になりました」
    rng = np.random.default_rng(0)
    for _ in range(50):
        y = rng.dirichlet(np.ones(3), 4)
        hot, shares = np.eye(3)[rng.integers(0, 3, 4)], rng.dirichlet(np.ones(3), 4)
        for d, right in ((hot, True), (hot.argmax(axis=1), True), (shares, False)):
            true = cross_entropy(y, np.eye(3)[d] if d.ndim == 1 else d).mean()
            assert np.isclose(course_cross_entropy_error(d, y), true, atol=1e-4) == right
        one = y[:, :1]
        answers = [course_cross_entropy_error(np.full((4, 1), d), one) for d in (0.0, 1.0)]
        true = [binary_cross_entropy(one, np.full((4, 1), d)).mean() for d in (0.0, 1.0)]
        assert answers[0] == answers[1]
        assert np.isclose(answers, true, atol=1e-4).tolist() == [False, True]


def test_missed_certainty_costs_infinity_and_a_perfect_prediction_exactly_nothing() -> None:
    # 「正解が 1 で y が 0 のときと、正解が 0 で y が 1 のときは、無限大です」
    # 「正解が 1 で y が 0 なら負の無限大、正解が 0 で y が 1 なら正の無限大です」
    # 「正解が 0 か 1 なら、完全な予測でちょうど 0」「正解が one-hot なら、完全な予測でちょうど 0」
    # 「正解のクラスに付けた確率が 0 のときは無限大です」
    # 「正解のクラスに付けた確率が 0 のとき、そのクラスの成分は負の無限大です」
    y, d = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    assert binary_cross_entropy(y, d).tolist() == [np.inf, np.inf, 0, 0]
    assert binary_cross_entropy_gradient(y, d)[:2].tolist() == [-np.inf, np.inf]
    for K in (2, 3, 7):
        one, missed = np.eye(K), np.roll(np.eye(K), 1, axis=1)
        assert not cross_entropy(one, one).any()
        assert (cross_entropy(missed, one) == np.inf).all()
        assert np.array_equal(cross_entropy_gradient(missed, one), np.where(one > 0, -np.inf, 0))


def test_many_labels_add_their_errors_and_may_all_be_likely() -> None:
    # 「形 (N, M) は、独立な M 個の二値の問題（マルチラベル）とみて足し合わせます」
    # 「マルチラベルの誤差は、クラスごとの二値の交差エントロピーの和です」
    # 「クラスごとに別々のシグモイド関数を使います。確率の和は 1 とは限りません」
    # 「シグモイド関数なら、犬も人も確率 1 に近い答えを出せます」
    rng = np.random.default_rng(0)
    u, d = rng.normal(scale=3, size=(20, 4)), rng.integers(2, size=(20, 4)).astype(float)
    columns = [binary_cross_entropy(sigmoid(u[:, m]), d[:, m]) for m in range(4)]
    assert np.allclose(binary_cross_entropy(sigmoid(u), d), np.sum(columns, axis=0))
    assert np.allclose(sigmoid_binary_cross_entropy(u, d), np.sum(columns, axis=0))
    assert (np.abs(sigmoid(u).sum(axis=1) - 1) > 0.01).all()
    assert (sigmoid(np.full(4, 8.0)) > 0.999).all()
    moved = u + 9 * np.eye(4)[0]  # 一つの総入力は、ほかのクラスの確率を変えない
    assert np.array_equal(sigmoid(moved)[:, 1:], sigmoid(u)[:, 1:])


def test_logarithm_stays_under_its_tangent_and_touches_it_only_where_the_parts_agree() -> None:
    # 「（等号は x=1 のときだけ）です」「のグラフは上に凸で、y=x−1 はその x=1 での接線だからです」
    # 「等号になるのは、p_k>0 のどの k でも q_k=p_k のときです」
    # 「このとき、それらの q_k の和がすでに 1 なので、残りの q_k は 0 で、q=p です」
    x = np.geomspace(0.01, 100, 401)
    gap = x - 1 - np.log(x)
    assert np.flatnonzero(gap < 1e-12).tolist() == [200]
    assert np.isclose(x[200], 1)
    assert (np.diff(np.diff(np.log(x)) / np.diff(x)) < 0).all()  # 傾きが減り続ける
    rng, p = np.random.default_rng(0), np.array([0.5, 0.3, 0.2, 0.0])
    for _ in range(100):
        q = rng.dirichlet(np.ones(4))
        on = p > 0
        assert (p[on] * np.log(q[on] / p[on]) <= q[on] - p[on]).all()
        share = rng.uniform(0.01, 0.9)  # 割合だけを保っても、残りに渡せば 0 にならない
        assert np.isclose(
            kl_divergence(p, (1 - share) * p + share * np.eye(4)[3]), -np.log1p(-share)
        )


def test_softmax_of_two_has_one_input_too_many_and_that_of_one_says_nothing() -> None:
    # 「シグモイド関数の出力は 1 個、ソフトマックス関数の出力は 2 個で、後者は総入力が一つ余分です」
    # 「1 クラスのソフトマックス関数は、いつも 1 になり、役に立ちません」
    # 「正しくは: クラスが 2 個以上なら使えます」
    u = np.random.default_rng(0).normal(scale=3, size=(50, 2))
    fixed = u - u[:, 1:]  # 二つ目を 0 に決めておいても、どの確率も出せる
    assert np.allclose(softmax(fixed), softmax(u))
    assert np.allclose(softmax(u)[:, 0], sigmoid(fixed[:, 0]))
    assert (np.abs(sigmoid(u[:, 0] + 1) - sigmoid(u[:, 0])) > 1e-6).all()
    one = np.exp(u[:, :1])
    assert (one / one.sum(axis=1, keepdims=True) == 1).all()
    with pytest.raises(ValueError, match="2 個以上"):
        softmax(u[:, :1])
