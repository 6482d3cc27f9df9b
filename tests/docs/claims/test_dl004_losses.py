"""DL004 の文が述べる、ページの出力にまだ現れていない事実。"""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from pictures import named, once, written

from dlnotes import losses
from dlnotes.activations import sigmoid
from dlnotes.datasets import line_with_outlier, two_gaussians
from dlnotes.figures import dl004_losses as figures
from dlnotes.losses import (
    absolute_error,
    absolute_error_gradient,
    binary_cross_entropy,
    huber,
    huber_gradient,
    sigmoid_binary_cross_entropy,
    squared_error,
    squared_error_gradient,
)
from dlnotes.numerical import central_difference, numerical_gradient

album = once(figures)


def test_squared_error_settles_for_rates_below_two_and_only_there() -> None:
    # 「一歩の幅は学習率と勾配の積なので、歩幅も自然に縮み、正解に落ち着きます」
    # 「学習率…は 2 未満に限ります」
    rng, d = np.random.default_rng(0), np.zeros(5)
    for rate in (0.1, 0.9, 1.1, 1.9, 1.98, 2.0, 2.02):
        y = rng.normal(size=5)
        far, steps = np.abs(y).max(), []
        for _ in range(1500):
            step = rate * squared_error_gradient(y, d)
            y, steps = y - step, [*steps, np.abs(step).max()]
        shrinks = all(b < a or a < 1e-300 for a, b in pairwise(steps))
        assert shrinks == (np.abs(y).max() < 1e-6 * far) == (rate < 2), rate


def test_absolute_error_with_a_constant_rate_crosses_the_target_for_ever() -> None:
    # 「学習率が一定なら、ちょうど正解に乗らない限り、正解をまたいで行き来します」
    rng = np.random.default_rng(0)
    for rate in (1e-3, 0.05, 0.3, 1.0):
        y, d = rng.normal(size=(50, 1)), np.zeros((50, 1))
        path = []
        for _ in range(int(5 / rate) + 40):
            y = y - rate * absolute_error_gradient(y, d)
            path.append(y)
        last = np.sign(np.array(path[-40:]))
        assert (last[1:] == -last[:-1]).all()
        assert (np.abs(path[-40:]) <= rate).all()


def test_laplace_density_is_one_in_all_and_its_surprise_is_the_absolute_error() -> None:
    # 「½ は、密度を全体で積分して 1 にするための数です」
    # 「第 1 項は絶対誤差で、第 2 項は y を含みません」
    e = np.linspace(-40, 40, 800_001)
    assert np.isclose(np.trapezoid(np.exp(-np.abs(e)) / 2, e), 1, atol=1e-8)
    rng = np.random.default_rng(0)
    for K in (1, 3, 10):
        y, d = rng.normal(size=(2, 50, K))
        surprise = -np.log(np.exp(-np.abs(d - y)) / 2).sum(axis=1)
        assert np.allclose(surprise - absolute_error(y, d), K * np.log(2))


def test_normal_density_falls_by_a_larger_share_exactly_beyond_one() -> None:
    # 「差が 1 を超えると、正規分布のほうが大きな割合で減るからです」「正規分布より裾が重い」
    e = np.linspace(0.01, 12, 1200)
    normal, laplace = np.exp(-(e**2) / 2) / np.sqrt(2 * np.pi), np.exp(-e) / 2
    fall = [-np.diff(np.log(p)) for p in (normal, laplace)]
    middle = (e[1:] + e[:-1]) / 2
    assert ((fall[0] > fall[1]) == (middle > 1)).all()
    assert (laplace / normal)[e > 5].min() > 1000
    assert (np.diff(laplace / normal)[middle > 1] > 0).all()


def test_outlier_doubles_the_slope_of_the_squared_error_only() -> None:
    # 「11 点のうちの一つのために傾きが 2 倍を超えました」
    # 「絶対誤差と Huber 誤差は、もとの直線をほぼ取り戻しています」
    for seed in range(50):
        x, d = line_with_outlier(11, rng=np.random.default_rng(seed))
        assert np.polyfit(x[:, 0], d[:, 0], 1)[0] > 2 * 2
    robust = (absolute_error_gradient, partial(huber_gradient, delta=0.2))
    for gradient in robust:
        assert np.allclose(figures._fit(gradient, x, d).ravel(), [2, 1], atol=0.3)


def test_robust_lines_of_the_figure_lie_on_each_other_and_beside_the_ten_points() -> None:
    # 「絶対誤差と Huber 誤差の直線は重なって、残りの 10 点のすぐそばを通ります」（図の代替文）
    ax = album.outlier_lines().axes[0]
    points, outlier, squared, absolute, huber_ = (np.ravel(line.get_ydata()) for line in ax.lines)
    assert np.abs(absolute - huber_).max() < 0.02
    assert np.abs(absolute[:10] - points).max() < 0.25
    assert np.abs(squared[:10] - points).max() > 1
    assert np.argmax(np.append(points, outlier)) == 10
    assert outlier[0] - points.max() > 4
    assert squared[-1] - absolute[-1] > 1


def test_huber_constant_is_the_mean_for_large_delta_and_within_delta_of_the_median() -> None:
    # 「δ が差のどれよりも大きければ平均と一致し、δ が小さいと中央値に近づきます」
    rng = np.random.default_rng(0)
    for _ in range(8):
        d = rng.exponential(size=11)
        large = 1.001 * np.abs(d - d.mean()).max()
        y, data = np.broadcast_arrays(np.linspace(d.min(), d.max(), 1001)[:, np.newaxis], d)
        for delta, middle, far in (
            (large, d.mean(), 0),
            *((small, np.median(d), small) for small in (0.3, 0.03, 0.003)),
        ):
            slope = huber_gradient(y, data, delta=delta).sum(axis=1)
            assert abs(y[np.abs(slope).argmin(), 0] - middle) <= far + 0.01


def test_huber_is_normal_in_the_middle_and_laplace_in_the_tails() -> None:
    # 「中心は正規、裾はラプラス」「境目では値も傾きもつながります」
    for delta in (0.2, 1.0, 3.0):
        e = np.linspace(-3 * delta, 3 * delta, 601)[:, np.newaxis]
        curve = np.diff(huber(e, np.zeros_like(e), delta=delta), 2) / (e[1, 0] - e[0, 0]) ** 2
        middle = np.abs(e[1:-1, 0])
        assert np.allclose(curve[middle < 0.98 * delta], 1, atol=1e-6)
        assert np.allclose(curve[middle > 1.02 * delta], 0, atol=1e-6)
        tail = huber_gradient(e, np.zeros_like(e), delta=delta)[np.abs(e) > delta]
        assert np.allclose(np.abs(tail), delta)


def test_half_moves_the_minimum_only_beside_another_term() -> None:
    # 「最小になる場所も変わりません」
    # 「誤差に別の項（…）を足すときは、½ の有無で二つの項の釣り合いが変わります」
    rng, y = np.random.default_rng(0), np.linspace(-4, 4, 8001)[:, np.newaxis]
    for d in rng.uniform(0.5, 3, size=10):
        half = squared_error(y, np.full_like(y, d))
        assert half.argmin() == (2 * half).argmin()
        with_half, without = (
            y[(scale * half + 0.3 * y[:, 0] ** 2).argmin(), 0] for scale in (1, 2)
        )
        assert with_half < without < d


def test_every_mean_of_the_table_has_the_gradient_beside_it() -> None:
    # 表「サンプルの和: y−d」「N で平均」「NK で平均」「½ なし」
    rng = np.random.default_rng(0)
    for N, K in ((1, 1), (2, 3), (5, 4)):
        y, d = rng.normal(size=(2, N, K))
        table = (
            (lambda v, d=d: squared_error(v, d).sum(), y - d),
            (lambda v, d=d: squared_error(v, d).mean(), (y - d) / N),
            (lambda v, d=d: ((v - d) ** 2).mean() / 2, (y - d) / (N * K)),
            (lambda v, d=d: ((v - d) ** 2).mean(), 2 * (y - d) / (N * K)),
        )
        assert all(np.allclose(numerical_gradient(E, y), g, atol=1e-8) for E, g in table)


def test_sure_mistake_has_no_slope_in_the_squared_error_and_slope_one_in_the_other() -> None:
    # 「そのとき二乗誤差の勾配はほぼ 0 で、交差エントロピーの勾配はほぼ −1 です」
    u = np.linspace(-40, -6, 100)
    for d in (1.0, 0.0):
        v, target = (u, np.ones_like(u)) if d else (-u, np.zeros_like(u))
        squared = central_difference(lambda t, d=target: (sigmoid(t) - d) ** 2 / 2, v)
        cross = central_difference(lambda t, d=target: sigmoid_binary_cross_entropy(t, d), v)
        assert np.abs(squared).max() < 0.003
        assert np.abs(cross - (1 - 2 * d)).max() < 0.003


def test_squared_error_slope_rises_up_to_a_third_and_falls_beyond() -> None:
    # 「(a) の大きさは y(1−y)² です」「y=1/3 まで増え、その先は減ります」「最大でも … 4/27」
    y = np.linspace(0.001, 0.999, 999)
    u = np.log(y / (1 - y))
    size = np.abs(central_difference(lambda v: (sigmoid(v) - 1) ** 2 / 2, u))
    assert np.allclose(size, y * (1 - y) ** 2, atol=1e-8)
    assert ((np.diff(size) > 0) == ((y[1:] + y[:-1]) / 2 < 1 / 3)).all()
    assert 0.148 < size.max() <= 4 / 27 + 1e-9


def test_figure_through_the_sigmoid_is_straight_for_one_and_flat_for_the_other() -> None:
    # 「左へ行くほど交差エントロピーは直線のように増え、二乗誤差は 0.5 で平らになります」
    top, bottom = album.through_sigmoid().axes
    u = np.ravel(top.lines[0].get_xdata())
    cross, squared = (np.ravel(line.get_ydata()) for line in top.lines)
    left = u < -5
    assert np.allclose(np.gradient(cross, u)[left], -1, atol=0.01)
    assert np.allclose(squared[left], 0.5, atol=0.01)
    ends = [np.ravel(line.get_ydata())[0] for line in bottom.lines]
    assert np.allclose(ends, [-1, 0], atol=0.001)


def test_learning_curves_of_the_figure_wait_and_rise_as_said() -> None:
    # 「交差エントロピーは数回で上がり、二乗誤差は 100 回あたりまでほとんど動かず、…急に上がります」
    # 「差は小さいものの、交差エントロピーのほうが速く上がります」（図の代替文）
    above, below = (
        [np.array(line.get_ydata()) for line in ax.lines] for ax in album.learning_curves().axes
    )
    cross, squared = above
    assert cross[5] > 0.7
    assert squared[100] - squared[0] < 0.03
    assert 100 < np.diff(squared).argmax() < 200
    assert squared[200] > 0.8
    assert (below[0][1:] > below[1][1:]).all()
    assert (below[0] - below[1]).max() < (cross - squared).max() / 3
    assert below[1][-1] > 0.8


def test_figure_of_errors_has_a_jump_a_cap_and_a_constant_slope() -> None:
    # 「差のままは下へ突き抜ける直線」「絶対は −1 から 1 へ跳び、差のままはいつも 1 です」
    top, bottom = album.error_curves().axes
    e, plain_error = (np.ravel(part) for part in top.lines[3].get_data())
    squared, absolute, capped, plain = (np.ravel(line.get_ydata()) for line in bottom.lines)
    assert np.array_equal(squared, e)
    assert (absolute[e < 0] == -1).all()
    assert (absolute[e > 0] == 1).all()
    assert np.array_equal(capped, np.clip(e, -1, 1))
    assert (plain == 1).all()
    assert plain_error.min() < top.get_ylim()[0]


def test_normal_noise_of_any_spread_makes_the_squared_error_times_a_constant() -> None:
    # 「第 1 項は、s が一定なら二乗誤差の定数倍です」「第 2 項は y を含みません」
    # 「尤度を最大にすることと、二乗誤差を最小にすることは同じです」「s=1 とすれば…½ まで含めて」
    rng = np.random.default_rng(0)
    for s, K in ((0.3, 1), (1.0, 4), (2.5, 3), (7.0, 9)):
        y, d = rng.normal(size=(2, 60, K))
        p = np.exp(-((d - y) ** 2) / (2 * s**2)) / (np.sqrt(2 * np.pi) * s)
        surprise, E = -np.log(p).sum(axis=1), squared_error(y, d)
        assert np.allclose(surprise - E / s**2, K * np.log(np.sqrt(2 * np.pi) * s))
        assert np.allclose(surprise - E, (surprise - E)[0]) == (s == 1)
        assert np.array_equal(p.prod(axis=1).argsort(), (-E).argsort())


def test_picture_of_the_noise_has_a_round_hill_a_point_and_a_heavier_tail() -> None:
    # 「正規分布は丸い山、ラプラス分布は中心がとがり、遠くまで裾を引きます。」
    top, _ = album.noise_and_error().axes
    e = np.ravel(top.lines[0].get_xdata())
    normal, laplace = (np.ravel(line.get_ydata()) for line in top.lines)
    kinks = [np.ptp(np.diff(p)[149:151]) / (e[1] - e[0]) for p in (normal, laplace)]
    assert kinks[0] < 0.05 < 1.9 < kinks[1]
    assert (laplace > normal)[abs(e) > 2.1].all()
    assert (laplace < normal)[(abs(e) < 1.9) & (e != 0)].all()


def test_absolute_error_of_the_line_settles_only_when_the_rate_falls() -> None:
    # 「絶対誤差でも行き来が収まるように、学習率は少しずつ減らします」
    x, d = line_with_outlier(11, rng=np.random.default_rng(0))
    x1 = np.hstack([x, np.ones_like(x)])
    for gradient in (squared_error_gradient, absolute_error_gradient):
        for slower in (0.0, 0.02):
            w, path = np.zeros((2, 1)), []
            for t in range(1500):
                w = w - x1.T @ gradient(x1 @ w, d) / 11 / (1 + slower * t)
                path.append(w)
            swing = np.abs(np.diff(path[-100:], axis=0)).max()
            swings = gradient is absolute_error_gradient and slower == 0
            assert (swing > 0.1) if swings else (swing < 0.04)


@pytest.mark.parametrize("n", [5, 11, 12, 40])
def test_mean_and_median_are_the_best_constants_by_counting_both_sides(n: int) -> None:
    # 表「最もよい定数」「y 以下のデータ一つにつきその分だけ増え、y より大きいデータ一つにつき
    # その分だけ減ります」「数の多い側へ近づけると減ります」「Σ(y−d_n)=0 となる平均で 0」
    rng, h = np.random.default_rng(n), 1e-7
    for _ in range(5):
        d = rng.exponential(size=(n, 1)) ** 2
        for y in (*d[:3, 0], *rng.uniform(-1, 4, 5)):
            here, there = (absolute_error(np.full_like(d, v), d).sum() for v in (y, y + h))
            assert (there - here) / h == pytest.approx((d <= y).sum() - (d > y).sum(), abs=1e-4)
        for E, best in ((squared_error, d.mean()), (absolute_error, np.median(d))):
            others = np.append(best, rng.uniform(d.min(), d.max(), 100))
            sums = [E(np.full_like(d, v), d).sum() for v in others]
            assert min(sums) >= sums[0] - 1e-12
        assert squared_error_gradient(np.full_like(d, d.mean()), d).sum() == pytest.approx(0)


def test_sum_of_differences_has_slope_one_everywhere_and_no_bottom() -> None:
    # 「差の合計を各出力で微分すると、いつも 1 です」「正解がどこにあっても、出力を同じ幅だけ
    # 下げ続けます」「最小値がありません」「正解より小さくなっても、どこまでも下がります」
    rng = np.random.default_rng(0)
    for K in (1, 3, 8):
        y, d = 10 * rng.normal(size=(2, K))
        for d_ in (d, d + 100, -d):
            g = numerical_gradient(lambda v, d=d_: (v - d).sum(), y)
            assert np.allclose(g, 1)
            assert (y - 1000 * g < d_ - 800).all()
        below = [(y - t * g - d).sum() for t in (1, 10, 100, 1e4, 1e8)]
        assert (np.diff(below) < 0).all()
        assert below[-1] < -1e8 + 1e4
        assert squared_error(y - 1e8 * g, d) > 1e15


def test_cross_entropy_is_nothing_for_the_right_class_and_grows_without_end() -> None:
    # 「正解のクラスに付けた確率が 1 なら 0 で、その確率が 0 に近づくと限りなく大きくなります」
    # 「正解が 1 なら −log y、0 なら −log(1−y) だけが残ります」
    right = 10.0 ** -np.arange(0, 16)
    E = [binary_cross_entropy(y, np.full(16, d)) for y, d in ((right, 1.0), (1 - right, 0.0))]
    for each in E:
        assert each[0] == 0
        assert np.allclose(each[:12], -np.log(right[:12]), rtol=1e-4)
        assert (np.diff(each) > 2).all()
    assert np.isinf(binary_cross_entropy([0.0, 1.0], [1.0, 0.0])).all()


def test_squared_error_waits_the_longer_the_surer_the_mistake_is() -> None:
    # 「飽和した間違いから抜け出す力が弱い」「0 の重みから始めれば、二乗誤差でも学習は進みます」
    # 「交差エントロピーは 10 回で 0.8 を超え、二乗誤差は 100 回たってもほとんど動いていません」
    x, d = two_gaussians(200, rng=np.random.default_rng(7))
    waits = {}
    for name in ("squared", "cross"):
        for start in (0.0, -1.0, -2.0, -3.0):
            w, b, p, t = np.full(2, start), 0.0, 0.0, 0
            while p < 0.8 and t < 400:
                y = sigmoid(x @ w + b)
                g = (y - d[:, 1]) * (y * (1 - y) if name == "squared" else 1)
                w, b, t = w - x.T @ g / 200, b - g.mean(), t + 1
                p = np.mean(1 - abs(sigmoid(x @ w + b) - d[:, 1]))
            waits[name, start] = t
    assert max(waits["cross", start] for start in (0.0, -1.0, -2.0, -3.0)) <= 10
    slow = [waits["squared", start] for start in (0.0, -1.0, -2.0, -3.0)]
    assert 10 < slow[0] < slow[1] < slow[2] < 100 < slow[3] < 400


def test_names_of_the_errors_and_of_the_noises_belong_to_their_formulas() -> None:
    # 「二乗は放物線、絶対は V 字、Huber は中央が放物線で外側が直線、差のままは下へ突き抜ける」
    top, bottom = album.error_curves().axes
    lines = {name.split("（")[0]: part for name, (part,) in named(top).items()}
    e = lines["二乗"][0]
    capped = np.where(abs(e) < 1, e**2 / 2, abs(e) - 0.5)
    for name, E in (("二乗", e**2 / 2), ("絶対", abs(e)), ("Huber", capped), ("差のまま", e)):
        np.testing.assert_allclose(lines[name][1], E, atol=1e-12)
    heights = {text: place[1] for text, place in written(bottom).items() if place[0] < 0}
    assert {text: round(y - 0.2) for text, y in heights.items()} == {
        "差のまま": 1,
        "絶対と Huber": -1,
    }
    assert bottom.get_xlabel() == "差 $y-d$"
    # 「正規分布は丸い山、ラプラス分布は中心がとがり」「下は対数の符号を変えたもの
    # （定数は除く）で、正規分布は放物線、ラプラス分布は V 字になります」
    noises = named(album.noise_and_error())
    for name, E in (("正規分布", lambda e: e**2 / 2), ("ラプラス分布", abs)):
        (e, density), (_, minus_log) = noises[name]
        np.testing.assert_allclose([density, minus_log], [np.exp(-E(e)), E(e)], atol=1e-12)
    assert album.noise_and_error().axes[1].get_ylabel() == r"$-\log$ 密度"


def test_names_of_the_lines_and_of_the_learning_belong_to_their_errors() -> None:
    # 「二乗誤差の直線は外れ値へ向かって急に傾き、絶対誤差と Huber 誤差の直線は重なって」
    lines = {name: part for name, (part,) in named(album.outlier_lines()).items()}
    x, d = line_with_outlier(11, rng=np.random.default_rng(0))
    np.testing.assert_allclose(
        lines["二乗"][1], np.polyval(np.polyfit(x[:, 0], d[:, 0], 1), x[:, 0]), atol=0.01
    )
    (capped,) = [name for name in lines if name.startswith("Huber")]
    w = figures._fit(partial(huber_gradient, delta=float(re.findall(r"[\d.]+", capped)[0])), x, d)
    np.testing.assert_allclose(lines[capped][1], (x * w[0] + w[1])[:, 0])
    # 「上は逆向きの大きな重みから始めた場合で」「下は 0 の重みから始めた場合で」
    drawing = album.learning_curves()
    cross, squared = (named(drawing)[name] for name in ("交差エントロピー", "二乗"))
    starts = [part[1, 0] for part in (*cross, *squared)]
    assert starts[0] == starts[2] < 0.1 < 0.5 == starts[1] == starts[3]
    assert [ax.get_title() for ax in drawing.axes] == ["逆向きの大きな重みから", "0 の重みから"]
    assert all((a[1, 1:] > b[1, 1:]).all() for a, b in zip(cross, squared, strict=True))


def test_names_through_the_sigmoid_belong_to_their_formulas() -> None:
    # 「横軸は総入力で、正解は 1 です。」「交差エントロピーは直線のように増え、
    # 二乗誤差は 0.5 で平らになります。」
    drawing = album.through_sigmoid()
    (u, E), _ = named(drawing)["交差エントロピー"]
    np.testing.assert_allclose(E, np.log1p(np.exp(-u)))
    np.testing.assert_allclose(named(drawing)["二乗"][0][1], (1 / (1 + np.exp(-u)) - 1) ** 2 / 2)
    assert "$d=1$" in drawing.axes[1].get_xlabel()


def test_negative_log_likelihood_of_all_samples_is_a_sum_with_the_same_best_weights() -> None:
    # 「全体の尤度はサンプルごとの尤度の積で、負の対数尤度は和になります。」
    # 「N で割って平均しても、それを最小にする重みは同じです。」
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(30, 1)), rng.normal(size=(30, 1))
    weights = np.linspace(-1, 1, 2001)
    density = np.exp(-((d - x * weights) ** 2) / 2) / np.sqrt(2 * np.pi)
    total = -np.log(density.prod(axis=0))
    np.testing.assert_allclose(total, -np.log(density).sum(axis=0))
    mean_error = np.array([squared_error(x * w, d).mean() for w in weights])
    assert total.argmin() == mean_error.argmin()
    np.testing.assert_allclose(total / 30 - mean_error, np.log(2 * np.pi) / 2)


def test_the_table_of_the_three_errors_tells_bottom_pull_and_noise() -> None:
    # 表「底 なめらか とがる なめらか」「外れ値の引力 差に比例 一定 δ で頭打ち」
    # 「二乗誤差の勾配は差に比例するので、10 倍外れた点は 10 倍の強さで出力を引き寄せます。」
    # 「勾配は、二乗では差そのもの、絶対値では差の大きさによらず 1 です。」
    # 「(b) です。勾配が差に比例して、いくらでも大きくなるからです。
    # (a) の勾配は ±1、(c) の勾配は ±δ で頭打ちです。」
    zero, far = np.zeros(4), np.array([3.0, 30.0, 3e3, 3e9])
    near = np.array([-1e-9, 1e-9])
    gradients = {
        "squared": squared_error_gradient,
        "absolute": absolute_error_gradient,
        "huber": lambda y, d: huber_gradient(y, d, delta=2.5),
    }
    pulls = {"squared": far, "absolute": np.ones(4), "huber": np.full(4, 2.5)}
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient(far, zero), pulls[name])
        np.testing.assert_allclose(gradient(-far, zero), -pulls[name])
        assert (np.ptp(gradient(near, np.zeros(2))) > 1) == (name == "absolute")


def test_the_best_constants_are_mean_and_median_and_huber_may_lie_outside_both() -> None:
    # 表「最もよい定数 平均 中央値 δ が大きいと平均、小さいと中央値に近づく」
    # 「Huber 誤差の定数は、平均と中央値の間にあるとは限りません。」
    # 「絶対値でも、合計を最小にする y は決まり、それは中央値です。二乗が選ぶのは平均で」
    # 「差のままでは、範囲の端が選ばれました。…いくらでも小さくなります。」
    y, outside = np.linspace(-1, 12, 1301)[:, np.newaxis], []
    for seed in range(40):
        d = np.random.default_rng(seed).integers(0, 10, 7).astype(float)
        grid, data = np.broadcast_arrays(y, d)  # 出力を七つとみれば、和は一度に取れる
        errors = (squared_error, absolute_error, huber, lambda a, b: (a - b).sum(axis=1))
        found = [y[E(grid, data).argmin(), 0] for E in errors]
        assert abs(found[0] - d.mean()) < 0.006
        assert abs(found[1] - np.median(d)) < 0.006
        assert found[3] == y[0, 0]
        low, high = sorted((d.mean(), np.median(d)))
        outside.append(not low - 0.02 < found[2] < high + 0.02)
    assert 0 < np.mean(outside) < 1


def test_mse_and_mae_are_means_and_the_site_hands_out_one_value_for_each_sample() -> None:
    # 「差の二乗を絶対値に替えたものが平均絶対誤差（MAE）です。」「最後の行の誤差を平均二乗誤差」
    # 「このサイトの関数は、平均を取る前の、サンプルごとの値を返します。」
    # 「どれも正の定数倍の違いで、最小になる場所は同じですが」
    # 「字のとおりに読むと、同じ…を I 回足すことになります。」「字のとおりの値は 2 倍になります。」
    # 「n はサンプルの番号で、足し合わせるのは出力の番号 k です。」
    y, d = np.random.default_rng(0).normal(size=(2, 5, 3))
    E = squared_error(y, d)
    assert E.shape == absolute_error(y, d).shape == (5,)
    np.testing.assert_allclose(E, [((a - b) ** 2).sum() / 2 for a, b in zip(y, d, strict=True)])
    assert ((y - d) ** 2).mean() == pytest.approx(2 * E.mean() / 3)
    assert np.abs(y - d).mean() == pytest.approx(absolute_error(y, d).mean() / 3)
    one, other = y[0, :2], d[0, :2]
    literally = sum(((one - other) ** 2).sum() for _ in range(2)) / 2
    assert literally == pytest.approx(2 * squared_error(one, other))


def test_half_cancels_the_two_and_is_the_same_as_half_the_rate() -> None:
    # 「一つの出力について微分すると、指数の 2 が前に出ます。」「½ は、微分した式を…にするための」
    # 「前もって ½ を掛けておけば、2 と打ち消し合い、勾配は y−d だけになります。」
    # 「左は ½ のある誤差を学習率 ε で、右は ½ のない誤差を学習率 ε/2 で減らす式です。」
    # 「変わるのは勾配の大きさで、勾配降下法では、これは学習率 ε を変えることと区別できません。」
    rng = np.random.default_rng(0)
    y, d = rng.normal(size=(2, 6))
    np.testing.assert_allclose(numerical_gradient(lambda v: ((v - d) ** 2).sum(), y), 2 * (y - d))
    np.testing.assert_allclose(numerical_gradient(lambda v: squared_error(v, d), y), y - d)
    a = b = y
    for _ in range(20):
        a = a - 0.3 * squared_error_gradient(a, d)
        b = b - 0.3 / 2 * (2 * (b - d))
    np.testing.assert_allclose(a, b)


def test_the_factor_that_fades_at_both_ends_stays_in_one_error_and_goes_out_of_the_other() -> None:
    # 「連鎖律（合成関数の微分）で、誤差の y についての勾配に σ′(u)=y(1−y) を掛けます。」
    # 「これに…を掛けると、分母がちょうど消えます。」「違いは、因数…が残るか消えるかです。」
    # 「この因数は、y が 0 か 1 に近いとき（シグモイド関数が飽和したとき）ほぼ 0 になります。」
    # 「シグモイド関数を通した二乗誤差は、確信をもって間違えたときに勾配がほぼ 0 になるからです。」
    # 「上の行が二乗誤差、下の行が交差エントロピーで」「左端の…が、確信をもって間違えた場合です。」
    u = np.linspace(-9, 9, 37)
    y = sigmoid(u)
    factor = y * (1 - y)
    for d in (0.0, 1.0):
        squared = central_difference(lambda v, d=d: (sigmoid(v) - d) ** 2 / 2, u)
        cross = central_difference(
            lambda v, d=d: binary_cross_entropy(sigmoid(v), np.full_like(v, d)), u
        )
        np.testing.assert_allclose(squared, (y - d) * factor, atol=1e-8)
        np.testing.assert_allclose(cross, y - d, atol=1e-6)
    assert factor[[0, -1]].max() < 2e-4 < 0.2 < factor[18]


def test_signs_cancel_in_a_plain_sum_and_neither_in_the_squares_nor_in_the_sizes() -> None:
    # 「差 y−d をそのまま足すと、正と負が打ち消し合います。合計が 0 でも、
    # 予測が当たっているとは限りません。」「二乗でも消えますが、絶対値でも消えます。」
    # 「小さくなるだけでなく、すべて外れていても 0 になり、負にもなります。」
    # 「目標の…は順調に減り続け、予測は悪くなる一方です。」「絶対値でも防げるので」
    rng, d = np.random.default_rng(0), np.array([2.0, 3.0, 4.0])
    e = rng.normal(size=(500, 2)) @ [[1, 0, -1], [0, 1, -1]]
    assert np.abs(e.sum(axis=1)).max() < 1e-12
    assert np.abs(e).min(axis=1).mean() > 0.1
    targets = np.broadcast_to(d, e.shape)
    assert min(squared_error(d + e, targets).min(), absolute_error(d + e, targets).min()) > 0
    y, path = d - 0.1, []
    for _ in range(50):
        y = y - 0.1 * np.ones(3)
        path.append([(y - d).sum(), squared_error(y, d), absolute_error(y, d)])
    assert (np.diff(path, axis=0) * [-1, 1, 1] > 0).all()
    assert path[0][0] < 0


def test_one_weight_that_helps_one_output_and_hurts_another_needs_a_single_number() -> None:
    # 「外れ具合が K 個のままでは、一つの重みについての微分も K 個になります。」
    # 「ある出力は正解に近づき、別の出力は遠ざかるなら、その重みを増やすべきか減らすべきかが
    # 決まりません。」「その重みについての微分の符号でわかります。」
    x, v, d, w = 1.5, np.array([1.0, -2.0, 0.5]), np.array([2.0, 1.0, -1.0]), 0.3
    each = central_difference(lambda t: ((t[:, np.newaxis] * x * v - d) ** 2).T[0], [w])
    parts = np.array([2 * (w * x * a - b) * x * a for a, b in zip(v, d, strict=True)])
    assert each[0] == pytest.approx(parts[0])
    assert {*np.sign(parts)} == {-1, 1}
    whole = central_difference(lambda t: squared_error(np.outer(t, x * v), np.outer([1], d)), [w])
    assert whole[0] == pytest.approx(parts.sum() / 2)
    moved = [squared_error((w - t * np.sign(whole[0])) * x * v, d) for t in (-0.01, 0, 0.01)]
    assert moved[0] > moved[1] > moved[2]


def test_gradient_of_the_weights_is_the_mean_of_input_times_gradient_of_the_output() -> None:
    # 「重み w についての勾配は、連鎖律から、出力についての勾配に入力を掛けて平均したものです」
    # 「三つの誤差を、同じ勾配降下法で最小にします。」「絶対誤差の勾配は、正解のすぐそばでも ±1 の」
    # 「二乗誤差の勾配…は、正解に近づくほど小さくなります。」
    rng = np.random.default_rng(0)
    x, w = np.hstack([rng.normal(size=(9, 1)), np.ones((9, 1))]), rng.normal(size=(2, 1))
    d, near = x @ w + rng.normal(size=(9, 1)), 10.0 ** -np.arange(1, 7)
    for name in ("squared_error", "absolute_error", "huber"):
        option = {"delta": 0.2} if name == "huber" else {}
        E, slope = (partial(getattr(losses, n), **option) for n in (name, f"{name}_gradient"))
        g = x.T @ slope(x @ w, d) / len(x)
        assert np.allclose(g, numerical_gradient(lambda v, E=E: E(x @ v, d).mean(), w), atol=1e-8)
        beside = slope(near, np.zeros(6)), slope(-near, np.zeros(6))
        if name == "absolute_error":
            assert np.array_equal(beside, [np.ones(6), -np.ones(6)])
        else:
            assert np.allclose(beside, [near, -near])
