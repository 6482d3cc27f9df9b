"""DL000_3 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import keys, named, once, points_of, written

from dlnotes import datasets
from dlnotes import discriminative as dis
from dlnotes import generative as gen
from dlnotes.activations import relu, sigmoid
from dlnotes.arrays import Array
from dlnotes.figures import dl000_3_posterior as figures
from dlnotes.figures._slider import readable

album = once(figures)

# 「成分 0 が C_0、1 と 2 が C_1」
MIXTURE = gen.GaussianClassifier([0.5, 0.2, 0.3], [[3], [-4], [0]], [[[1]], [[0.25]], [[1]]])


def density_and_log_odds(x: Array) -> tuple[Array, Array]:
    each = gen.log_likelihood(MIXTURE, x[:, None])
    C1 = np.logaddexp(np.log(0.4) + each[:, 1], np.log(0.6) + each[:, 2])
    return np.exp(C1), C1 - each[:, 0]


def error_rates(p: Array, d: Array) -> float:
    return float(np.mean(p.argmax(axis=1) != d.argmax(axis=1)))


def test_the_picture_of_two_thousand_people_counts_117_positives_of_whom_99_are_healthy() -> None:
    # 「2,000 人のうち陽性は 117 人だけです。その 117 人の内訳は、病気が 18
    # 人、健康が 99 人で、健康な人のほうがずっと多くなっています。」
    top, bottom = album.two_thousand_people().axes
    widths = [bar.get_width() for bar in top.patches]
    assert widths == [18, 99, 1883]
    assert sum(widths) == 2000
    assert [len(line.get_xdata()) for line in bottom.lines] == [18, 99]
    seats = {tuple(at) for line in bottom.lines for at in np.column_stack(line.get_data())}
    assert len(seats) == 117
    np.testing.assert_allclose(widths[:2], 2000 * np.array([0.01 * 0.9, 0.99 * 0.05]))


def test_a_positive_raises_and_a_negative_lowers_the_probability_at_every_prevalence() -> None:
    # 「検査の前の線に対して、陽性の線は上に、陰性の線は下に離れています。
    # 縦線が今の有病率を示します。二つのうち、右のオレンジ色の面積の割合が、
    # 陽性の人の病気の確率です。」
    for percent in (0.01, 1, 5, 50):
        drawing, _ = album.posterior_against_prior(percent)
        top, strip, bottom = drawing.axes
        twice, once, before, negative = (bottom.lines[i].get_ydata() for i in (0, 2, 4, 6))
        assert (negative < before).all()
        assert (before < once).all()
        assert (once < twice).all()
        healthy, ill = (bar.get_width() * bar.get_height() for bar in top.patches[2:])
        assert top.patches[3].get_x() > top.patches[2].get_x()
        share = strip.patches[1].get_width()
        np.testing.assert_allclose(ill / (healthy + ill), share)
        np.testing.assert_allclose(bottom.lines[3].get_ydata(), [share])
        np.testing.assert_allclose(bottom.lines[8].get_xdata(), percent / 100)


def test_posterior_falls_through_one_half_at_the_border_and_the_crosses_lie_on_it() -> None:
    # 「クラス 1 は左の端から 1 に近いまま、二つの密度が交わる決定境界で 0.5 になり、
    # 右では 0 に近づきます。ロジスティック回帰の予測を示す印は、
    # 事後確率の曲線に乗っています。」
    top, bottom = album.densities_and_posteriors().axes
    x, C1 = (np.ravel(part) for part in top.lines[0].get_data())
    C0, p, crosses = np.ravel(top.lines[1].get_ydata()), bottom.lines[0], bottom.lines[2]
    p, border = np.ravel(p.get_ydata()), float(bottom.lines[3].get_xdata()[0])
    density, log_odds = density_and_log_odds(x)
    np.testing.assert_allclose([C1, p], [density, sigmoid(log_odds)])
    assert p[x < -0.5].min() > 0.99
    assert p[x > 4].max() < 0.01
    assert abs(p[abs(x - border).argmin()] - 0.5) < 0.02
    assert ((C1 > C0)[:-1] != (C1 > C0)[1:]).sum() == 1
    np.testing.assert_array_equal(x[C1 > C0].max(), x[p > 0.5].max())
    peaks = [int(((c[1:-1] > c[:-2]) & (c[1:-1] > c[2:])).sum()) for c in (C1, C0)]
    assert peaks == [2, 1]
    u, learnt = (np.ravel(part) for part in crosses.get_data())
    assert abs(np.interp(u, x, p) - learnt).max() < 0.03
    # ロジスティック回帰の対数オッズは、どこでも一次式。もとの事後確率のものは、左で曲がる。
    log_odds = np.log(learnt / (1 - learnt))
    np.testing.assert_allclose(np.polyval(np.polyfit(u, log_odds, 1), u), log_odds, atol=1e-4)


def test_log_odds_are_a_line_around_the_border_and_bend_by_the_far_peak() -> None:
    # 「一次式で足りたのは、この例の対数オッズ…が、境界のまわりでほぼ x の一次式だからです。」
    x = np.linspace(-1, 4, 501)
    line = np.polyfit(x, density_and_log_odds(x)[1], 1)
    assert abs(np.polyval(line, x) - density_and_log_odds(x)[1]).max() < 1e-6
    far = np.array([-4.0, -5.0])
    assert abs(np.polyval(line, far) - density_and_log_odds(far)[1]).min() > 0.5


def test_two_peaks_leave_a_posterior_that_only_falls_inside_the_picture() -> None:
    # 「密度の山は二つあるのに、図の範囲では、事後確率は下がる一方で、
    # 途中に山が一つもありません。山でも谷でも、…事後確率は 1 に近くなります。」
    x = np.linspace(-6, 6, 12_001)
    density, log_odds = density_and_log_odds(x)
    assert (np.diff(log_odds) < 0).all()
    between = (x > -4) & (x < 0)
    valley = x[between][density[between].argmin()]
    assert abs(x[density.argmax()] + 4) < 0.01
    assert abs(valley + 2.53) < 0.01
    assert density[between].min() < density.max() / 20
    assert sigmoid(density_and_log_odds(np.array([-4, valley]))[1]).min() > 0.9995
    assert (np.diff(density_and_log_odds(np.linspace(-8, -6.5, 50))[1]) > 0).all()


def test_every_pair_with_the_same_ratio_of_mean_to_variance_has_the_same_posterior() -> None:
    # 「どちらの組でも 2m/s^2 = 2 です。C_1 の事後確率はどちらも
    # 1/(1+e^{-2x}) です。」これは σ(2x)。
    x = np.linspace(-6, 6, 601)[:, None]
    for m, variance in ((0.5, 0.5), (1, 1), (2, 2), (3, 3), (2, 1), (1, 3)):
        world = gen.GaussianClassifier([0.5, 0.5], [[-m], [m]], [[[variance]]] * 2)
        each = gen.log_likelihood(world, x)
        np.testing.assert_allclose(each[:, 1] - each[:, 0], 2 * m / variance * x[:, 0])
        same = np.allclose(gen.posterior(world, x)[:, 1], sigmoid(2 * x[:, 0]))
        assert same == (m == variance)


def test_the_two_worlds_differ_above_and_coincide_below() -> None:
    # 「上の密度は、狭い世界では山が近くて細く、広い世界では山が遠くて太くなっています。
    # 下の事後確率の曲線は、二つの世界でぴったり重なっています。」
    top, bottom = album.two_worlds().axes
    x = np.ravel(top.lines[0].get_xdata())
    narrow, wide = (np.ravel(top.lines[i].get_ydata()) for i in (1, 3))
    assert 0 < x[narrow.argmax()] < x[wide.argmax()]
    thick = [(y > y.max() / 2).sum() for y in (narrow, wide)]
    assert thick[0] < thick[1]
    np.testing.assert_allclose(*(line.get_ydata() for line in bottom.lines))


def test_a_higher_threshold_answers_less_and_errs_less() -> None:
    # 「上は答えた割合で、しきい値を上げると減ります。下は答えた中の誤り率で、
    # しきい値を上げるとほぼ 0 まで下がります。」
    top, bottom = (ax.lines[0].get_ydata() for ax in album.reject_option().axes)
    assert (np.diff(top) < 0).all()
    assert top[0] == 1
    assert (np.diff(bottom) <= 0).all()
    assert bottom[-1] < 0.01 < bottom[0]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = dis.fit_logistic_regression(*datasets.two_gaussians(500, rng=rng))
        x, d = datasets.two_gaussians(5000, rng=rng)
        p = dis.posterior(model, x)
        sure = p.max(axis=1) >= 0.9
        assert 0.7 < sure.mean() < 0.8
        assert 0.15 < error_rates(p[sure], d[sure]) / error_rates(p, d) < 0.4


def test_the_cheaper_choice_changes_at_one_twenty_first() -> None:
    # 「20p > 1-p、整理すると p > 1/21 なら、病気と決めるほうが得です。」
    for miss in (20, 9, 1):
        for p, choice in ((1 / (miss + 1) - 1e-6, 0), (1 / (miss + 1) + 1e-6, 1)):
            assert (np.array([1 - p, p]) @ np.array([[0, 1], [miss, 0]])).argmin() == choice


def test_deciding_by_loss_makes_more_errors_and_far_fewer_misses() -> None:
    # 「誤りの数は増えますが、損失は 3 分の 1 近くに減り、見落としは 10 分の 1
    # 以下になりました。」
    L = np.array([[0, 1], [20, 0]])
    for seed in range(8):
        rng = np.random.default_rng(seed)
        model = dis.fit_logistic_regression(*datasets.two_gaussians(500, rng=rng))
        x, d = datasets.two_gaussians(5000, rng=rng)
        p, true = dis.posterior(model, x), d.argmax(axis=1)
        by_p, by_loss = p.argmax(axis=1), (p @ L).argmin(axis=1)
        assert np.sum(by_loss != true) > np.sum(by_p != true)
        assert 0.2 < L[true, by_loss].mean() / L[true, by_p].mean() < 0.5
        missed = [np.sum((true == 1) & (k == 0)) for k in (by_p, by_loss)]
        assert missed[1] < missed[0] / 5


def test_changing_the_prior_of_a_posterior_is_bayes_with_the_new_prior() -> None:
    # 「密度 p(x|C_k) が同じなら、変わるのは事前確率だけです。そこで、学習時の事前確率
    # p(C_k) で割り、新しい事前確率 q(C_k) を掛け、合計が 1 になるように直します。
    # 学習時の事前確率が半々なので、事後確率をそのまま尤度の代わりに渡しています。」
    for seed in range(5):
        rng = np.random.default_rng(seed)
        old, new = rng.dirichlet(np.ones(3), 2)
        m, x = rng.normal(size=(3, 2)), rng.normal(size=(50, 2))
        before, after = (gen.GaussianClassifier(p, m, [np.eye(2)] * 3) for p in (old, new))
        moved = gen.posterior(before, x) * new / old
        moved /= moved.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(moved, gen.posterior(after, x))
        elsewhere = gen.GaussianClassifier(new, m + np.array([[0.3], [0], [0]]), [np.eye(2)] * 3)
        assert abs(moved - gen.posterior(elsewhere, x)).max() > 0.01
        equal = gen.posterior(gen.GaussianClassifier(np.ones(3) / 3, m, [np.eye(2)] * 3), x)
        np.testing.assert_allclose(
            [gen.bayes_posterior(new, row) for row in equal], gen.posterior(after, x)
        )


def test_the_moved_posterior_errs_less_where_the_ill_are_rare() -> None:
    # 「学習し直さずに、誤り率が 3 分の 1 以下になりました。病気の確率の平均も、
    # 実際の割合の 0.05 に近づいています。」
    q, ratios = np.array([0.95, 0.05]), []
    field = gen.GaussianClassifier(q, [[-1, -1], [1, 1]], [np.eye(2)] * 2)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        model = dis.fit_logistic_regression(*datasets.two_gaussians(500, rng=rng))
        x, d = gen.sample(field, 5000, rng=rng)
        p = dis.posterior(model, x)
        moved = p * q / (p * q).sum(axis=1, keepdims=True)
        ratios.append(error_rates(moved, d) / error_rates(p, d))
        assert abs(moved[:, 1].mean() - 0.05) < 0.02 < abs(p[:, 1].mean() - 0.05)
    assert max(ratios) < 0.5
    assert 0.25 < np.mean(ratios) < 1 / 3


def test_two_posteriors_are_put_together_exactly_when_the_features_are_independent() -> None:
    # 「クラスが決まれば x_a と x_b は独立だと仮定すると、二つの事後確率は、
    # 掛けて事前確率で一度割るだけでまとまります。事前確率の等しい 2 クラスなら、
    # 事後確率を掛けると、自信の強いほうが勝ちます。」
    rng = np.random.default_rng(0)
    x, m = 2 * rng.normal(size=(500, 2)), np.array([[-1, -1], [1, 1]])
    for prior in ([0.5, 0.5], [0.9, 0.1]):
        p = [
            gen.posterior(gen.GaussianClassifier(prior, m[:, [i]], [[[1.0]]] * 2), x[:, [i]])
            for i in (0, 1)
        ]
        both = p[0] * p[1] / prior
        both /= both.sum(axis=1, keepdims=True)
        for tie in (0.0, 0.5):
            S = np.array([[1, tie], [tie, 1]])
            exact = gen.posterior(gen.GaussianClassifier(prior, m, [S, S]), x)
            assert np.allclose(both, exact) == (tie == 0)
        sure = np.where(
            p[0].max(axis=1) > p[1].max(axis=1), p[0].argmax(axis=1), p[1].argmax(axis=1)
        )
        assert (both.argmax(axis=1) == sure).all() == (prior[0] == 0.5)


def test_both_features_halve_the_error_of_one_and_the_probabilities_are_calibrated() -> None:
    # 「二つをまとめると、誤り率は半分ほどになりました。この例では、
    # 予測と実際がよく合っています。」
    one, two = (math.erfc(distance / 2**0.5) / 2 for distance in (1, 2**0.5))
    assert 0.45 < two / one < 0.55
    for seed in range(3):
        rng = np.random.default_rng(seed)
        model = dis.fit_logistic_regression(*datasets.two_gaussians(2000, rng=rng))
        x, d = datasets.two_gaussians(10_000, rng=rng)
        p = dis.posterior(model, x)[:, 1]
        assert abs(error_rates(dis.posterior(model, x), d) - two) < 0.012
        alone = dis.fit_logistic_regression(x[:2000, :1], d[:2000])
        assert abs(error_rates(dis.posterior(alone, x[:, :1]), d) - one) < 0.015
        for low in np.arange(5) / 5:
            group = (low <= p) & (p < low + 0.2)
            assert abs(p[group].mean() - d[group, 1].mean()) < 0.08


def test_healthy_positives_outnumber_the_ill_ones_only_while_the_illness_is_rare() -> None:
    # 「病気の人がもともと少ないので、健康な人が陽性になるのは 5% でも、
    # 人数では病気の人の陽性を上回ります。」
    # 「同じ検査でも、事前確率が違えば、陽性の意味は変わります。」
    shares = np.linspace(0.001, 0.999, 500)
    ill = [gen.bayes_posterior([1 - q, q], [0.05, 0.9])[1] for q in shares]
    assert (np.diff(ill) > 0).all()
    np.testing.assert_array_equal(np.array(ill) < 0.5, shares < 1 / 19)
    assert ill[0] < 0.02
    assert ill[-1] > 0.999


def test_posterior_is_the_next_prior_only_if_the_tests_do_not_influence_each_other() -> None:
    # 「もう一度検査をするときは、1 回目の事後確率が、2 回目の検査の前の確率になります。
    # ただし、病気か健康かが決まれば、2 回の検査の結果は互いに影響しないとします。」
    prior, positive = np.array([0.99, 0.01]), np.array([0.05, 0.9])
    twice = gen.bayes_posterior(gen.bayes_posterior(prior, positive), positive)
    # tie は、1 回目が陽性なら 2 回目も必ず陽性になる人の割合。
    for tie in (0.0, 0.1, 0.5, 1.0):
        both = positive * (tie + (1 - tie) * positive)
        exact = gen.bayes_posterior(prior, both)
        assert np.allclose(exact, twice) == (tie == 0)
        assert exact[1] <= twice[1] + 1e-12
    np.testing.assert_allclose(exact, gen.bayes_posterior(prior, positive))
    # 「陽性が 2 回続けば、病気の確率は 77% まで上がります。陽性の後に陰性なら 2% 弱で」
    assert round(float(twice[1]), 2) == 0.77
    assert 0.015 < gen.bayes_posterior(prior, positive * (1 - positive))[1] < 0.02


def test_the_border_is_where_the_densities_cross_only_if_the_priors_are_equal() -> None:
    # 「事前確率が等しいので、密度の交わるところでもあります。」
    # 事後確率は、二つのクラスの密度と事前確率の積の「比だけで決まります」
    x = np.linspace(-1, 5, 6001)[:, None]
    each = np.exp(gen.log_likelihood(MIXTURE, x))
    C0, C1 = each[:, 0], 0.4 * each[:, 1] + 0.6 * each[:, 2]
    for prior in (0.5, 0.3, 0.9):
        model = gen.GaussianClassifier(
            [1 - prior, 0.4 * prior, 0.6 * prior], MIXTURE.means, MIXTURE.covariances
        )
        p = 1 - gen.posterior(model, x)[:, 0]
        np.testing.assert_allclose(p, 1 / (1 + C0 * (1 - prior) / (C1 * prior)))
        border, cross = (x[side, 0].max() for side in (p > 0.5, C1 > C0))
        assert np.sign(round(border - cross, 6)) == np.sign(prior - 0.5)


def test_peaks_on_both_sides_of_the_other_class_need_the_square_or_a_hidden_layer() -> None:
    # 「C_1 の二つの山が C_0 をはさむ配置なら、x^2 のような特徴量か中間層が要ります。」
    world = gen.GaussianClassifier([0.5, 0.25, 0.25], [[0], [-4], [4]], [[[1.0]]] * 3)
    for seed in range(5):
        x, parts = gen.sample(world, 2000, rng=np.random.default_rng(seed))
        d = np.column_stack([parts[:, 0], parts[:, 1:].sum(axis=1)])
        ways = (x, np.hstack([x, x**2]), relu(x @ [[1.0, -1.0]] - 1))
        line, square, hidden = (
            error_rates(dis.posterior(dis.fit_logistic_regression(z, d, l2=1e-4), z), d)
            for z in ways
        )
        assert line > 0.2 > 0.05 > max(square, hidden)


def test_a_discriminative_model_need_not_learn_the_peaks_that_do_not_matter() -> None:
    # 「密度の形を知らなくても、事後確率は学べています。」
    # 「分類だけが目的なら、答えに影響しない山の形を学ばずに済むことは、識別モデルの長所です。」
    x = np.linspace(-2, 5, 200)[:, None]
    for seed in range(3):
        answers = []
        for peak, spread in ((-4, 0.25), (-6, 0.25), (-4, 2), (-9, 1)):
            world = gen.GaussianClassifier(
                MIXTURE.priors, [[3], [peak], [0]], [[[1]], [[spread]], [[1]]]
            )
            z, parts = gen.sample(world, 2000, rng=np.random.default_rng(seed))
            d = np.column_stack([parts[:, 0], parts[:, 1:].sum(axis=1)])
            p = dis.posterior(dis.fit_logistic_regression(z, d), x)[:, 1]
            assert abs(p - (1 - gen.posterior(world, x)[:, 0])).max() < 0.06
            answers.append(p)
        assert np.ptp(answers, axis=0).max() < 0.06


def test_small_gaps_of_scores_are_doubtful_but_their_size_tells_no_probability() -> None:
    # 「W と b をともに 10 倍しても判定は同じなので、
    # 点数の大きさそのものに確率の意味はありません。」
    # 「点数まで見られるなら、点数の差が小さい点を保留できます。それでも、
    # どこで区切れば間違いが十分に少なくなるかは、別のデータで調べなければわかりません。」
    cuts = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        (x, d), (new, truth) = (datasets.two_gaussians(N, rng=rng) for N in (500, 3000))
        model = dis.fit_perceptron(x, d, epochs=3)
        larger = dis.LinearDiscriminant(10 * model.W, 10 * model.b)
        np.testing.assert_array_equal(dis.predict(larger, new), dis.predict(model, new))
        gap = abs(np.diff(dis.scores(model, new))[:, 0])
        wrong = dis.predict(model, new) != truth.argmax(axis=1)
        order = gap.argsort()
        assert wrong[order[:1000]].mean() > 5 * wrong[order[1000:]].mean()
        share = np.cumsum(wrong[order[::-1]]) / np.arange(1, 3001)
        cuts.append(gap[order[::-1]][share < 0.02].min())
    assert max(cuts) > 2 * min(cuts)


def test_overconfident_probabilities_decide_badly_until_they_are_calibrated() -> None:
    # 表のうち、事後確率を使うものは、「学んだ事後確率が正しいことを前提にしています。
    # ずれていれば、実際の割合に合うように直してから使います（較正）。」
    L = np.array([[0, 1], [20, 0]])
    for seed in range(5):
        rng = np.random.default_rng(seed)
        (fit_x, fit_d), (x, d) = (datasets.two_gaussians(N, rng=rng) for N in (1000, 4000))
        u, fit_u = 6 * x.sum(axis=1), 6 * fit_x.sum(axis=1)  # 正しくは 2(x_1 + x_2)
        again = dis.fit_logistic_regression(fit_u[:, None], fit_d)
        losses, apart = [], []
        for p in (sigmoid(u), dis.posterior(again, u[:, None])[:, 1]):
            choice = (np.column_stack([1 - p, p]) @ L).argmin(axis=1)
            losses.append(L[d.argmax(axis=1), choice].mean())
            group = (p > 0.8) & (p < 0.95)
            apart.append(abs(p[group].mean() - d[group, 1].mean()))
        assert losses[0] > 1.2 * losses[1]
        assert apart[0] > 0.1 > 0.05 > apart[1]


def test_numbers_written_beside_the_people_count_the_people_of_their_colour() -> None:
    # 「2,000 人のうち陽性は 117 人だけです。その 117 人の内訳は、病気が 18 人、健康が 99 人で」
    top, bottom = album.two_thousand_people().axes
    ill, healthy, negative = (round(bar.get_width()) for bar in top.patches)
    assert set(written(top)) == {f"陽性 {ill + healthy} 人", f"陰性 {negative:,} 人"}
    assert top.get_title() == f"検査を受けた {ill + healthy + negative:,} 人"
    for bar, name in zip(top.patches, ("病気", "健康"), strict=False):
        label = f"{name} {round(bar.get_width())} 人"
        assert to_hex(keys(bottom)[label].get_color()) == to_hex(bar.get_facecolor())
        assert len(named(bottom)[label][0][0]) == bar.get_width()


@pytest.mark.parametrize("percent", [0.01, 1, 5, 50])
def test_names_of_the_slider_belong_to_their_formulas_and_colours(percent: float) -> None:
    # 「検査の前の線に対して、陽性の線は上に、陰性の線は下に離れています。」
    drawing, says = album.posterior_against_prior(percent)
    top, strip, bottom = drawing.axes
    yes, no = (str(n) for n in re.findall(r"なら (.+?)(?:、| で)", says))
    for name, r in {"陽性が 2 回": 324, "陽性が 1 回": 18, "検査の前": 1, "陰性": 2 / 19}.items():
        p, posterior = named(bottom)[name][0]
        np.testing.assert_allclose(posterior, p * r / (p * r + 1 - p))
        here = f"{percent * r / (percent * r + 100 - percent):.2g}"
        assert {18: yes, 2 / 19: no}.get(r, readable(float(here))) == readable(float(here))
    # 「左が健康、右が病気です。」
    frames = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in top.patches[:2]]
    np.testing.assert_allclose(
        frames, [(0, 1 - percent / 100, 1), (1 - percent / 100, percent / 100, 1)]
    )
    colours = [[to_hex(bar.get_facecolor()) for bar in ax.patches[-2:]] for ax in (top, strip)]
    assert colours[0] == colours[1]
    assert "左が健康、右が病気" in strip.get_title()
    assert bottom.get_xscale() == "log"
    ticks = [float(label.get_text().strip("%")) / 100 for label in bottom.get_xticklabels()]
    np.testing.assert_allclose(bottom.get_xticks(), ticks)


def test_symbols_of_both_worlds_and_of_both_models_stand_at_their_curves() -> None:
    # 「上は生成モデルが学ぶ密度で、クラス 1 の密度には山が二つあります。下は事後確率で」
    top, bottom = album.densities_and_posteriors().axes
    for ax, form in ((top, r"$p(x \mid C_%d)$"), (bottom, r"$p(C_%d \mid x)$")):
        colours = {t.get_text(): to_hex(t.get_color()) for t in ax.texts}
        for k in (0, 1):
            (line,) = [v for v in ax.lines[:2] if to_hex(v.get_color()) == colours[form % k]]
            x, y = (np.ravel(part) for part in line.get_data())
            assert (y @ x / y.sum() > 1.3) == (k == 0)  # クラス 0 は右
    # 「狭い世界では山が近くて細く、広い世界では山が遠くて太くなっています。」
    drawing = album.two_worlds()
    top, bottom = drawing.axes
    for name, far in (("狭い世界", 1), ("広い世界", 2)):
        left, right, p = named(drawing)[name]
        peaks = [x[y.argmax()] for x, y in (left, right)]
        np.testing.assert_allclose(peaks, [-far, far], atol=0.03)
        np.testing.assert_allclose(p[1], sigmoid(2 * p[0]))
    assert written(top)["$C_0$"][0] < 0 < written(top)["$C_1$"][0]
    assert bottom.get_ylabel() == r"$p(C_1 \mid x)$"


def test_rates_losses_and_their_names_are_the_ones_of_the_text() -> None:
    # 「上は答えた割合で、しきい値を上げると減ります。下は答えた中の誤り率で」
    axes = album.reject_option().axes
    answered, erred = (points_of(ax.lines[0]) for ax in axes)
    assert [ax.get_ylabel() for ax in axes] == ["答えた割合", "答えた中の誤り率"]
    rng = np.random.default_rng(0)
    model = dis.fit_logistic_regression(*datasets.two_gaussians(500, rng=rng))
    x, d = datasets.two_gaussians(5000, rng=rng)
    sure = (p := dis.posterior(model, x)).max(axis=1) >= answered[0, 40]
    np.testing.assert_allclose(answered[1, 40], sure.mean())
    np.testing.assert_allclose(erred[1, 40], error_rates(p[sure], d[sure]))
    # 「健康と決めたときの期待損失は急な右上がりの直線、病気と決めたときの期待損失は
    # ゆるい右下がりの直線で、1/21 で交わります。」
    (ax,) = album.expected_losses().axes
    (healthy,), (ill,) = (part for name, part in sorted(named(ax).items()))
    np.testing.assert_allclose((healthy[1], ill[1]), (20 * healthy[0], 1 - ill[0]))
    for place in (points_of(ax.lines[2])[:, 0], written(ax)["$p=1/21$"]):
        np.testing.assert_allclose(place, [1 / 21, 20 / 21])


def test_posterior_is_the_share_of_the_ill_among_the_positive_and_not_the_sensitivity() -> None:
    # 「病気の人が陽性になる確率（感度）」「健康な人が陽性になる確率（1 − 特異度）」
    # 「感度は…病気の人のうち陽性になる割合…、知りたいのは…陽性の人のうち病気である割合…で、
    # 縦棒の左右が逆です。」「陽性の人だけに絞って数えることが、x を条件にするということです。」
    # 「分母の p(x) は、陽性になるすべての場合の合計です。」「陽性とわかった後で、病気である確率」
    # 「検査の性能だけでは、事後確率は決まりません。」
    rng, shares = np.random.default_rng(0), []
    for prior in (0.3, 0.05):
        ill = rng.random(200_000) < prior
        positive = rng.random(ill.size) < np.where(ill, 0.9, 0.05)
        assert positive[ill].mean() == pytest.approx(0.9, abs=0.01)
        assert 1 - positive[~ill].mean() == pytest.approx(0.95, abs=0.01)
        p = gen.bayes_posterior([1 - prior, prior], [0.05, 0.9])[1]
        assert ill[positive].mean() == pytest.approx(p, abs=0.01)
        assert positive.mean() == pytest.approx((1 - prior) * 0.05 + prior * 0.9, abs=0.01)
        shares.append(p)
    assert shares[0] > 0.85 > 0.5 > shares[1]


def test_likelihoods_need_not_sum_to_one_and_the_product_divided_does() -> None:
    # 「尤度の 0.05 と 0.90 は、足しても 1 になりません。」
    # 「尤度は、同じ x がそれぞれのクラスからどれほど出やすいかを並べたもので、
    # クラスについての確率ではないからです。事前確率を掛けて割ったものが、初めてクラスの確率に」
    # 「合計が 1 になるように割ると求まります。」「(c) は、(d) をクラスについて足すと求まります。」
    # 「病気であり、かつ陽性である確率は、二通りに書けます。」
    rng = np.random.default_rng(0)
    for K in (2, 5):
        prior, table = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(3), K)  # 行がクラス
        joint = prior[:, np.newaxis] * table
        p_x = joint.sum(axis=0)
        assert joint.sum() == pytest.approx(1)
        for x in range(3):
            p = gen.bayes_posterior(prior, table[:, x])
            assert not np.isclose(table[:, x].sum(), 1)
            assert p.sum() == pytest.approx(1)
            np.testing.assert_allclose(p * p_x[x], table[:, x] * prior)


def test_the_table_of_what_can_be_done_tells_which_models_hold_which_probability() -> None:
    # 表「ラベルを答える できる できる できる 自信のないときに保留する できる できる できない
    # 間違いの重さを後から変える できる できる 学習し直す
    # クラスの割合を後から変える できる できる 学習し直す
    # 別々のモデルを確率で組み合わせる できる できる 多数決だけ」
    # 表「に気づく できる できない できない」「を作る できる できない できない」
    # 「下の二行は p(x) や p(x|C_k) が要るので、生成モデルだけの仕事です。」
    # 「識別モデルは下の段しか知らないので、新しいデータを作ることも、x が見慣れない値かどうかを
    # 言うこともできません。」「ラベルしか返さない識別関数にはできません。」
    x, d = datasets.two_gaussians(200, rng=np.random.default_rng(0))
    both, line = gen.fit_gaussian_classifier(x, d), dis.fit_logistic_regression(x, d)
    border, rng = dis.fit_perceptron(x, d, epochs=3), np.random.default_rng(0)
    can = {
        "label": (lambda m: (gen if m is both else dis).predict(m, x)),
        "posterior": (lambda m: (gen if m is both else dis).posterior(m, x)),
        "density": (lambda m: gen.log_evidence(m, x)),
        "sample": (lambda m: gen.sample(m, 3, rng=rng)),
    }
    wanted = {"label": 3, "posterior": 2, "density": 1, "sample": 1}
    for name, ask in can.items():
        for n, model in enumerate((both, line, border)):
            if n < wanted[name]:
                ask(model)
            else:
                with pytest.raises(TypeError):
                    ask(model)


def test_rows_of_the_losses_are_the_truth_and_columns_the_decision() -> None:
    # 「損失を行列 L にまとめると（行が真のクラス、列が決めたクラス）、
    # 期待損失は事後確率との積です。」「何を小さくしたいかを、学習の後から選べます。」
    # 「病気を見落とす損失を 20、健康な人を精密検査に回す損失を 1 とします。」
    # 「クラス 0 と決めた期待損失は 9p、クラス 1 と決めた期待損失は 1−p です。」
    rng = np.random.default_rng(0)
    for miss in (20, 9):
        L = np.array([[0, 1], [miss, 0]])
        for p in (0.02, 0.3, 0.9):
            truth = (rng.random(100_000) < p).astype(int)
            paid = [L[truth, choice].mean() for choice in (0, 1)]
            np.testing.assert_allclose(paid, [miss * p, 1 - p], atol=0.1)
            np.testing.assert_allclose(np.array([1 - p, p]) @ L, [miss * p, 1 - p])


def test_the_strip_holds_the_positive_people_only_and_the_areas_are_the_products() -> None:
    # 「上の段では、塗った二つの面積が…尤度 × 事前確率…です。」
    # 「中の帯は、陽性の人だけを取り出し、その割合を横の長さで表したものです。」
    # 「上は、左の帯が健康な人、右の帯が病気の人で、それぞれ陽性になる割合だけ下から塗って」
    # 「中は、陽性の人だけの内訳を横一本の帯で表したもので、左が健康、右が病気です。」
    for percent in (1, 5, 50):
        top, strip, bottom = album.posterior_against_prior(percent)[0].axes
        painted = top.patches[2:4]
        assert [bar.get_y() for bar in painted] == [0, 0]
        np.testing.assert_allclose([bar.get_height() for bar in painted], [0.05, 0.9])
        areas = np.array([bar.get_width() * bar.get_height() for bar in painted])
        np.testing.assert_allclose(areas, [0.05 * (1 - percent / 100), 0.9 * percent / 100])
        lengths = [bar.get_width() for bar in strip.patches[:2]]
        np.testing.assert_allclose(lengths, areas / areas.sum())
        assert strip.patches[0].get_x() < strip.patches[1].get_x()
        assert (bottom.get_xlabel(), bottom.get_ylabel()) == ("有病率", "病気の確率")


def test_a_posterior_is_left_by_densities_but_no_density_by_a_posterior() -> None:
    # 「密度と事前確率から事後確率は求まりますが、逆はできません。」
    # 「生成モデルは、図の上の段から下の段を計算できます。」「密度の山の数も、事後確率に残るとは」
    # 「事後確率は同じでも、x=5 のデータの出やすさは 2 桁以上違います。」
    # 「片方の密度がもう片方に比べてごく小さいところでは、山があっても谷があっても、比はほぼ 0 の」
    # 「これは、シグモイド関数…の…です。」
    top, bottom = album.two_worlds().axes
    x = np.ravel(top.lines[0].get_xdata())
    curves = [np.ravel(line.get_ydata()) for line in top.lines]
    for zero, one, p in ((*curves[:2], bottom.lines[0]), (*curves[2:4], bottom.lines[1])):
        np.testing.assert_allclose(one / (zero + one), p.get_ydata(), atol=1e-9)
        np.testing.assert_allclose(p.get_ydata(), 1 / (1 + np.exp(-2 * x)), atol=1e-9)
    worlds = [gen.GaussianClassifier([0.5, 0.5], [[-v], [v]], [[[v]]] * 2) for v in (1.0, 2.0)]
    at_five = [gen.log_evidence(world, [[5.0]])[0] for world in worlds]
    assert at_five[1] - at_five[0] > 2 * np.log(10)
    parts = gen.GaussianClassifier([0.5, 0.2, 0.3], [[3], [-4], [0]], [[[1]], [[0.25]], [[1]]])
    each = np.exp(gen.log_likelihood(parts, np.linspace(-6, -1, 501)[:, np.newaxis]))
    C1 = 0.4 * each[:, 1] + 0.6 * each[:, 2]
    assert np.sum(np.diff(np.sign(np.diff(C1))) != 0) == 2  # 山と谷
    assert (each[:, 0] / C1).max() < 0.002


def test_nothing_is_learnt_again_for_the_four_uses_of_the_posterior() -> None:
    # 「事後確率があれば、判断の保留、損失の違い、クラスの割合の変化、モデルの組み合わせに、
    # 学習し直さずに対応できます。」「どの例でも、学習は済んでいて、モデルは変えません。」
    # 「識別モデルなら、一つ目はまだ疑わしく、二つ目は
    # ほぼ確実だとわかります。」「しきい値に届かないときは、答えを出さず、人に回します」
    # 「事前確率で割るのは、二つの事後確率の両方に入っていて、一度余分だからです。」
    points = np.array([[0.1, 0.1], [2.0, 2.0]])
    for seed in range(4):
        x, d = datasets.two_gaussians(500, rng=np.random.default_rng(seed))
        line = dis.fit_logistic_regression(x, d)
        p = dis.posterior(line, points)
        assert p[0].max() < 0.8 < 0.99 < p[1].max()
        tilted = p * [0.95, 0.05] / [0.5, 0.5]
        tilted /= tilted.sum(axis=1, keepdims=True)
        assert tilted.argmax(axis=1).tolist() == [0, 1]
        assert (p @ [[0, 1], [20, 0]]).argmin(axis=1).tolist() == [1, 1]
    prior, m = np.array([0.9, 0.1]), np.array([[-1.0, -1], [1, 1]])
    whole = gen.posterior(gen.GaussianClassifier(prior, m, [np.eye(2)] * 2), points)
    each = [gen.GaussianClassifier(prior, m[:, [i]], [[[1.0]]] * 2) for i in (0, 1)]
    a, b = (gen.posterior(model, points[:, [i]]) for i, model in enumerate(each))
    for joined, exact in ((a * b / prior, True), (a * b, False)):
        total = joined / joined.sum(axis=1, keepdims=True)
        assert np.allclose(total, whole) == exact


def test_the_dotted_line_is_where_both_posteriors_are_equal_and_the_answer_changes() -> None:
    # 「点線は、答えるクラスが切り替わる決定境界で、ここでは二つの事後確率が等しくなるところです。」
    # 「前の図では、上の段の左側で、…の密度が大きく上下しています。ところが、下の段の
    # 事後確率は 1 に近いままです。」「C_1 の密度には山が二つ、C_0 の密度には山が一つあり」
    top, bottom = figures.densities_and_posteriors().axes
    dotted = [line for ax in (top, bottom) for line in ax.lines if line.get_linestyle() == ":"]
    (border,) = {float(line.get_xdata()[0]) for line in dotted}
    assert len(dotted) == 2
    x, p1 = (np.ravel(part) for part in bottom.lines[0].get_data())
    p0 = np.ravel(bottom.lines[1].get_ydata())
    at = abs(x - border).argmin()
    assert abs(p1[at] - p0[at]) < 0.02
    assert (p1 > p0)[x < border - 0.02].all()
    assert (p1 < p0)[x > border + 0.02].all()
    C1 = np.ravel(top.lines[0].get_ydata())[x < -0.5]
    assert C1.max() > 20 * C1[(x[x < -0.5] > -4)].min()
    assert p1[x < -0.5].min() > 0.99
