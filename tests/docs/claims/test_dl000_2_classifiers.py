"""DL000_2 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import keys, named, once

from dlnotes import datasets
from dlnotes import discriminative as dis
from dlnotes import generative as gen
from dlnotes.activations import sigmoid, softmax
from dlnotes.arrays import Array
from dlnotes.figures import dl000_2_classifiers as figures
from dlnotes.losses import softmax_cross_entropy
from dlnotes.network import forward_trace, init_network

album = once(figures)


def cubic(x: Array) -> Array:
    a, b = x.T
    return np.column_stack([a, b, a * a, a * b, b * b, a**3, a * a * b, a * b * b, b**3])


def generative_line(x: Array, d: Array) -> Array:
    """共分散を共有する生成モデルの、クラス 1 とクラス 0 の点数の差 (D+1,)。"""
    W, b = gen.linear_form(gen.fit_gaussian_classifier(x, d, shared=True))
    return np.append(W[:, 1] - W[:, 0], b[1] - b[0])


def difference(model: dis.LogisticRegression | dis.LinearDiscriminant) -> Array:
    return np.append(model.W[:, 1] - model.W[:, 0], model.b[1] - model.b[0])


def three_lines(x: Array, d: Array) -> list[Array]:
    logistic, perceptron = dis.fit_logistic_regression(x, d, l2=0.001), dis.fit_perceptron(x, d)
    return [generative_line(x, d), difference(logistic), difference(perceptron)]


def share_right(w: Array, x: Array, d: Array) -> float:
    return float(np.mean((x @ w[:-1] + w[-1] > 0) == (d[:, 1] == 1)))


def test_a_point_like_no_class_gets_a_confident_answer_and_a_tiny_density() -> None:
    # 「事後確率は…どのクラスらしくもない点にも自信のある答えを出すことがあります。log
    # p(x) が極端に小さいことが、異常に気づく手がかりです。」
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    around = np.column_stack([np.cos(angle), np.sin(angle)])
    for seed in range(5):
        x, d = datasets.three_gaussians(150, rng=np.random.default_rng(seed))
        model = gen.fit_gaussian_classifier(x, d)
        sure = [np.mean(gen.posterior(model, r * around).max(axis=1) > 0.99) for r in (5, 30, 100)]
        assert sure[0] < sure[1] < sure[2]
        assert sure[2] > 0.9
        usual = gen.log_evidence(model, x).min()
        assert gen.log_evidence(model, 30 * around).max() < usual - 100


def test_logistic_regression_fits_the_labels_better_and_both_come_near_the_true_numbers() -> None:
    # 「生成モデルは密度が合うように、識別モデルはラベルの確率が合うように決めるからです。
    # このデータの真の係数は (2, 2) と 0 で、どちらもその近くにあります。」
    for seed in range(10):
        x, d = datasets.two_gaussians(200, rng=np.random.default_rng(seed))
        model = gen.fit_gaussian_classifier(x, d, shared=True)
        both = gen.posterior(model, x), dis.posterior(dis.fit_logistic_regression(x, d), x)
        generative, logistic = (-np.log((p * d).sum(axis=1)).mean() for p in both)
        assert logistic < generative
    x, d = datasets.two_gaussians(6_000, rng=np.random.default_rng(0))
    for w in (generative_line(x, d), difference(dis.fit_logistic_regression(x, d))):
        np.testing.assert_allclose(w, [2, 2, 0], atol=0.25)


def test_no_classifier_beats_the_true_density_and_only_the_perceptron_stays_behind() -> None:
    # 「本当の密度を知っていても、クラスが重なっているので 100% にはなりません。
    # 生成モデル、識別モデル、最小二乗法は、その上限に近い値です。パーセプトロンだけが少し低い」
    angle = 2 * np.pi * np.arange(3) / 3
    m = 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    world, right = gen.GaussianClassifier(np.ones(3) / 3, m, [np.eye(2)] * 3), []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x, d = datasets.three_gaussians(150, rng=rng)
        test, true = datasets.three_gaussians(3000, rng=rng)
        k = [gen.predict(each, test) for each in (world, gen.fit_gaussian_classifier(x, d))]
        fits = (dis.fit_logistic_regression, dis.fit_least_squares)
        k += [dis.predict(fit(x, d), test) for fit in fits]
        k.append(dis.predict(dis.fit_perceptron(x, d, epochs=40), test))
        right.append((np.array(k) == true.argmax(axis=1)).mean(axis=1))
    best, *near, perceptron = np.mean(right, axis=0)
    assert max(near) <= best < 0.95
    assert min(near) > best - 0.01 > perceptron


def test_the_perceptron_keeps_moving_on_the_three_gaussians_and_its_luck_with_it() -> None:
    # 「パーセプトロンだけが少し低いのは、このデータが直線で分けきれず、
    # いつまでも重みが動き続けるからです。止めたときの、たまたまの重みを使っています。」
    rng = np.random.default_rng(0)
    x, d = datasets.three_gaussians(150, rng=rng)
    test, true = datasets.three_gaussians(3000, rng=rng)
    models = [dis.fit_perceptron(x, d, epochs=n) for n in range(30, 40)]
    right = [np.mean(dis.predict(each, test) == true.argmax(axis=1)) for each in models]
    moves = [abs(a.W - b.W).max() for a, b in itertools.pairwise(models)]
    assert min(moves) > 0
    assert np.ptp(right) > 0.02


def test_the_three_pictures_lose_first_the_new_points_and_then_the_lines_of_probability() -> None:
    # 「上の図には、確率 0.7 と 0.9 の線と、モデルの作った点があります。中の図には、
    # 確率の線はありますが、モデルの作った点はありません。下の図には確率の線もなく」
    found = []
    for ax in album.three_approaches().axes:
        levels = {float(v) for c in ax.collections for v in c.levels if np.isfinite(v)}
        hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
        found.append((sorted(levels), sum(len(line.get_xdata()) for line in hollow)))
    assert found == [([0, 0.7, 0.9], 150), ([0, 0.7, 0.9], 0), ([0], 0)]


def test_models_hold_as_many_numbers_as_were_counted() -> None:
    # 「割合に…個（和が 1 なので一つ少ない）、
    # 平均に…個、共分散行列に一つあたり…個」「一次式の点数は、
    # 識別モデルでも識別関数でも K(D+1) 個です。
    # 二つのクラスの点数の差だけが確率を決めるので…D+1 個で足ります。」
    rng = np.random.default_rng(0)
    for D, K in ((2, 3), (4, 2), (5, 4)):
        x, d = rng.normal(size=(60, D)), np.eye(K)[np.arange(60) % K]
        lines = [dis.fit_logistic_regression(x, d), dis.fit_perceptron(x, d, epochs=3)]
        assert {each.W.size + each.b.size for each in lines} == {K * (D + 1)}
        model = gen.fit_gaussian_classifier(x, d)
        assert (model.priors.size, model.means.size, len(model.covariances)) == (K, K * D, K)
        assert np.isclose(model.priors.sum(), 1)
        S = [gen.fit_gaussian_prior(rng.normal(size=(9, D))).covariance for _ in range(40)]
        assert np.linalg.matrix_rank(np.reshape(S, (40, -1))) == D * (D + 1) // 2
        shift = rng.normal(size=(D + 1, 1))
        moved = dis.LogisticRegression(lines[0].W + shift[:-1], lines[0].b + shift[-1])
        np.testing.assert_allclose(dis.posterior(moved, x), dis.posterior(lines[0], x))


def test_least_squares_and_shared_covariance_share_a_border_when_the_classes_are_equal() -> None:
    # 「最小二乗法は分布を仮定しませんが、クラスのサンプルの数が等しいこのデータでは、
    # 同じ境界になります。」
    for seed in range(5):
        x, d = datasets.moons(200, noise=0.2, rng=np.random.default_rng(seed))
        for f in (np.asarray, cubic):
            borders = []
            for chosen in (slice(None), (d[:, 0] == 1) | (np.arange(200) < 60)):
                z, one_hot = f(x)[chosen], d[chosen]
                lines = (
                    generative_line(z, one_hot),
                    difference(dis.fit_least_squares(z, one_hot)),
                )
                borders += [w / np.linalg.norm(w[:-1]) for w in lines]
            np.testing.assert_allclose(borders[0], borders[1], atol=1e-6)
            assert abs(borders[2] - borders[3]).max() > 1e-3


def test_cubic_features_separate_the_moons_and_the_weights_grow_without_end() -> None:
    # 「三次の特徴量では訓練データ…が完全に分かれ、
    # 正則化がなければロジスティック回帰の重みが無限に大きくなります。」
    x, d = datasets.moons(200, noise=0.2, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="無限大"):
        dis.fit_logistic_regression(cubic(x), d)
    fits = [dis.fit_logistic_regression(cubic(x), d, l2=l2) for l2 in (1e-3, 1e-5, 1e-7)]
    sizes = np.array([np.linalg.norm(each.W) for each in fits])
    assert (sizes[1:] > 1.5 * sizes[:-1]).all()
    np.testing.assert_array_equal(dis.predict(fits[-1], cubic(x)), d.argmax(axis=1))
    dis.fit_logistic_regression(x, d)


def test_straight_borders_stay_below_nine_tenths_and_cubic_features_help_every_method() -> None:
    # 「1 行目（直線）ではどれも 9 割に届かず、2
    # 行目（三次の特徴量）ではどれも上がりました。2 行目で生成モデルの伸びが小さい」
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, d = datasets.moons(200, noise=0.2, rng=rng)
        test, true = datasets.moons(2000, noise=0.2, rng=rng)
        straight = [share_right(w, test, true) for w in three_lines(x, d)]
        curved = [share_right(w, cubic(test), true) for w in three_lines(cubic(x), d)]
        gain = np.subtract(curved, straight)
        assert max(straight) < 0.9 < min(curved)
        assert 0.03 < gain[0] < min(gain[1:]) - 0.01


def test_the_straight_borders_cut_the_tips_and_the_cubic_one_turns_twice() -> None:
    # 「特徴量がそのままの生成モデルと識別モデルの境界は、ほとんど重なる直線で、
    # 三日月の先を切り落とします。三次の特徴量を使った識別モデルの境界は S 字に曲がり」
    (ax,) = album.boundaries().axes
    generative, straight, curved = (max(c.get_paths(), key=len).vertices for c in ax.collections)
    fits = [np.polyfit(*border.T, 1) for border in (generative, straight)]
    for border, fit in zip((generative, straight), fits, strict=True):
        assert abs(np.polyval(fit, border[:, 0]) - border[:, 1]).max() < 0.01
    between = np.linspace(-1.3, 2.3, 9)
    assert abs(np.polyval(fits[0], between) - np.polyval(fits[1], between)).max() < 0.25
    inside = curved[(abs(curved[:, 1] - 0.5) < 1) & (abs(curved[:, 0] - 0.5) < 1.3)]
    turns = np.sign(np.diff(inside[np.argsort(inside[:, 0]), 1]))
    assert np.sum(np.diff(turns[turns != 0]) != 0) == 2
    upper, lower = (np.column_stack(line.get_data()) for line in ax.lines[-2:])
    for moon, tip, side in ((upper, (1, 0), 1), (lower, (0, 0.5), -1)):
        lost = side * (moon[:, 1] - np.polyval(fits[0], moon[:, 0])) < 0
        near = np.hypot(*(moon - tip).T) < 0.7
        assert lost.sum() >= 5
        assert near[lost].mean() > 0.7


def test_a_lower_threshold_finds_more_and_misses_less() -> None:
    # 「同じ識別モデルでも、決め方を変えれば、違う識別器になります。
    # 見落としが何より困る仕事なら、二つ目の識別器を選びます」
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = dis.fit_logistic_regression(*datasets.two_gaussians(200, rng=rng))
        x, d = datasets.two_gaussians(2000, rng=rng)
        p, true = dis.posterior(model, x)[:, 1], d[:, 1] == 1
        ones = [np.sum(p > t) for t in (0.5, 0.1)]
        missed = [np.sum(true & (p <= t)) for t in (0.5, 0.1)]
        wrong = [np.mean(true != (p > t)) for t in (0.5, 0.1)]
        assert ones[1] > ones[0]
        assert wrong[1] > wrong[0]
        assert missed[1] < missed[0] / 2


def test_no_line_tells_real_from_fake_better_than_the_formula() -> None:
    # 「だから正解率は、標準正規分布に従う数が…ずれ ÷ 2…より小さい確率です。ずれが 3
    # のとき、学習した識別器がこれを上回ったのは、調べた点がたまたま偏っていたためです。」
    rng = np.random.default_rng(0)
    for shift in (3.0, 1.0):
        best, luck = (1 + math.erf(shift / 8**0.5)) / 2, []
        both = gen.GaussianClassifier([0.5, 0.5], [[shift, 0], [0, 0]], [np.eye(2)] * 2)
        for _ in range(20):
            D = dis.fit_logistic_regression(*gen.sample(both, 500, rng=rng))
            u, v, b = difference(D)
            z = np.array([-(shift * u + b), b]) / np.hypot(u, v)
            exact = (2 + math.erf(z[0] / 2**0.5) + math.erf(z[1] / 2**0.5)) / 4
            assert best - 0.02 < exact <= best
            x, d = gen.sample(both, 500, rng=rng)
            luck.append(np.mean(dis.predict(D, x) == d.argmax(axis=1)) > best)
        assert 0.1 < np.mean(luck) < 0.7


def test_the_points_lie_on_the_curve_and_fall_to_the_dotted_half() -> None:
    # 「学習した識別器の点は、最もよい識別器の曲線に乗り、ずれが 4 のときは 1 に近く、
    # ずれが小さくなるほど下がり、0 では点線の 0.5 になります。」
    (ax,) = album.discriminator().axes
    learnt, best, half = (np.asarray(line.get_ydata()) for line in ax.lines)
    assert abs(learnt - best).max() < 0.02
    assert (np.diff(learnt) > 0).all()
    assert learnt[-1] > 0.95
    assert ax.lines[0].get_xdata()[-1] == 4
    assert abs(learnt[0] - half[0]) < 0.02
    assert best[0] == half[0] == 0.5


def test_a_perfect_fake_leaves_nothing_but_one_half() -> None:
    # 「偽物が本物と同じ分布になると、正解率はほぼ五分五分で、
    # D(x) はデータのあるところではどこでも約 0.5 です。」
    both = gen.GaussianClassifier([0.5, 0.5], np.zeros((2, 2)), [np.eye(2)] * 2)
    angle = np.linspace(0, 2 * np.pi, 90)
    outside = 1000 * np.column_stack([np.cos(angle), np.sin(angle)])
    for seed in range(3):
        rng, far = np.random.default_rng(seed), []
        for N in (200, 5_000):
            D = dis.fit_logistic_regression(*gen.sample(both, N, rng=rng))
            x, d = gen.sample(both, 2000, rng=rng)
            far.append(abs(dis.posterior(D, x) - 0.5).max())
        assert far[1] < 0.1 < 2 * far[0]
        assert abs(np.mean(dis.predict(D, x) == d.argmax(axis=1)) - 0.5) < 0.04
        assert abs(dis.posterior(D, outside) - 0.5).max() > 0.4


def test_only_equal_covariances_make_the_border_straight() -> None:
    # 「共分散行列が等しければ、x の二次の項がクラスによらず、打ち消し合います。
    # 共分散が違うと、ラベルが 2 回変わり、一本の直線では分けられていません。」
    # 問 5 の「平均が等しい」だけでも、「事前確率が等しい」だけでも、直線にならない。
    t = np.linspace(-60, 60, 2001)[:, None]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        m, root = rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
        S, lines = root @ root.T + 0.1 * np.eye(2), rng.normal(size=(20, 2, 2))
        for scale, means, prior, most in (
            (1, m, 0.4, 1), (1, m, 0.5, 1), (4, m, 0.4, 2), (4, m, 0.5, 2), (4, m[[0, 0]], 0.5, 2)
        ):  # fmt: skip
            model = gen.GaussianClassifier([1 - prior, prior], means, [S, scale * S])
            k = [gen.predict(model, a + t * b / np.linalg.norm(b)) for a, b in lines]
            assert (np.diff(k, axis=1) != 0).sum(axis=1).max() == most


def test_how_far_a_border_bends_is_decided_by_the_features_and_not_by_the_method() -> None:
    # 「特徴量が x_1, x_2 のままなら、三つの方法はどれも直線で分けます
    # （生成モデルは共分散を共有したもの）。境界がどこまで曲がれるかは、
    # 三つの方法のどれを使うかではなく、特徴量と式の形で決まります
    # （生成モデルなら、共分散を共有するかどうかも関わります）。」
    x, d = datasets.moons(200, noise=0.2, rng=np.random.default_rng(0))
    a, b = np.random.default_rng(1).normal(size=(2, 60, 1, 2))
    ways = a + np.linspace(-15, 15, 1001)[:, None] * b / np.linalg.norm(b, axis=2)[..., None]
    ways = ways.reshape(-1, 2)
    for f, most in ((np.asarray, 1), (cubic, 3)):
        lines = [generative_line(f(x), d), difference(dis.fit_least_squares(f(x), d))]
        lines.append(difference(dis.fit_logistic_regression(f(x), d, l2=0.001)))
        lines.append(difference(dis.fit_perceptron(f(x), d, epochs=5)))
        for w in lines:
            k = (f(ways) @ w[:-1] + w[-1] > 0).reshape(60, -1)
            assert (k[:, 1:] != k[:, :-1]).sum(axis=1).max() == most
    separate = gen.predict(gen.fit_gaussian_classifier(x, d), ways).reshape(60, -1)
    assert (np.diff(separate, axis=1) != 0).sum(axis=1).max() == 2


def test_the_generative_border_sees_only_the_means_and_the_shared_covariance() -> None:
    # 「2 行目で生成モデルの伸びが小さいのは、境界を、クラスの平均と共通の共分散だけから
    # 決めるからです。三次の積の分布は正規分布から遠く、境界のそばのようすは、
    # この二つには現れません。」
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, d = datasets.moons(400, noise=0.2, rng=rng)
        z, drawn = cubic(x), rng.normal(size=(400, 9))
        models = [gen.fit_gaussian_classifier(each, d, shared=True) for each in (z, drawn)]
        L, M = (np.linalg.cholesky(model.covariances[0]) for model in models)
        # 平均と共分散は同じで、ほかは正規分布にした特徴量。
        normal = (drawn - d @ models[1].means) @ np.linalg.solve(M.T, L.T) + d @ models[0].means
        borders = [generative_line(each, d) for each in (z, normal)]
        np.testing.assert_allclose(*borders, rtol=1e-6)
        fits = (dis.fit_logistic_regression(each, d, l2=0.001) for each in (z, normal))
        better, same = (share_right(difference(fit), z, d) for fit in fits)
        assert better > share_right(borders[0], z, d) + 0.02
        assert same < share_right(borders[0], z, d) + 0.01


def test_naive_bayes_loses_density_as_far_as_the_features_are_correlated() -> None:
    # 「単純ベイズのように仮定を強くすれば数は減りますが、
    # 仮定が外れた分だけ密度は不正確になります。」
    rng = np.random.default_rng(0)
    for tie in (0.0, 0.3, 0.6, 0.9):
        S = np.array([[1, tie, 0], [tie, 1, 0], [0, 0, 2]])
        world = gen.GaussianClassifier([0.5, 0.5], [[0, 0, 0], [2, 1, 0]], [S, 2 * S])
        x, d = gen.sample(world, 20_000, rng=rng)
        both = gen.fit_gaussian_classifier(x, d), gen.fit_gaussian_naive_bayes(x, d)
        full, naive = ((gen.log_likelihood(model, x) * d).sum(axis=1).mean() for model in both)
        np.testing.assert_allclose(full - naive, -np.log(1 - tie**2) / 2, atol=0.02)


def test_scores_of_a_discriminant_put_through_softmax_are_no_probabilities() -> None:
    # 「点数をソフトマックス関数に通せば和が 1 の数は出ますが、識別関数の点数はそのように
    # 学習されていないので、確率とは言えません。個数は同じでも、
    # 識別モデルの点数は確率の値に直せます。」
    for seed in range(5):
        x, d = datasets.two_gaussians(400, rng=np.random.default_rng(seed))
        models, apart = (dis.fit_logistic_regression(x, d), dis.fit_perceptron(x, d, epochs=5)), []
        for model in models:
            p = softmax(dis.scores(model, x))
            np.testing.assert_allclose(p.sum(axis=1), 1)
            sure, right = p.max(axis=1) > 0.9, p.argmax(axis=1) == d.argmax(axis=1)
            apart.append((1 - right[sure].mean()) / (1 - p[sure].max(axis=1).mean()))
        assert 0.5 < apart[0] < 1.5 < 3 < apart[1]


def test_far_correct_samples_drag_least_squares_and_leave_logistic_regression_alone() -> None:
    # 最小二乗法の説明の「遠くの正しいデータにも引きずられます。」
    for seed in range(5):
        x, d = datasets.two_gaussians(400, rng=np.random.default_rng(seed))
        far, labels = np.tile([20.0, 0.0], (40, 1)), np.tile([0.0, 1.0], (40, 1))
        both, moved = (np.vstack([x, far]), np.vstack([d, labels])), []
        for fit in (dis.fit_least_squares, dis.fit_logistic_regression):
            before, after = fit(x, d), fit(*both)
            assert (dis.predict(before, far) == 1).all()
            shares = [share_right(difference(each), x, d) for each in (before, after)]
            moved.append(shares[0] - shares[1])
        assert moved[0] > 0.03 > 0.01 > moved[1]


def test_every_region_of_the_three_pictures_holds_the_points_of_its_colour() -> None:
    # 「上の生成モデルでは三色の領域に確率の等しい線が引かれ」
    axes = album.three_approaches().axes
    kinds = [ax.get_title().split(":")[0] for ax in axes]
    assert kinds == ["生成モデル", "識別モデル", "識別関数"]
    for ax in axes:
        for line, region in zip(ax.lines[-3:], ax.collections[0:6:2], strict=True):
            inside = region.get_paths()[0].contains_points(np.transpose(line.get_data()))
            assert to_hex(region.get_facecolor()[0]) == to_hex(line.get_color())
            assert inside.mean() > 0.75


def test_lines_and_borders_of_the_three_pictures_are_those_of_their_titles() -> None:
    # 「中の識別モデルには、確率の等しい線だけが引かれています。」線の種類は、図の題にある。
    *upper, below = album.three_approaches().axes
    x, d = datasets.three_gaussians(150, rng=np.random.default_rng(0))
    models = (
        partial(gen.posterior, gen.fit_gaussian_classifier(x, d)),
        partial(dis.posterior, dis.fit_logistic_regression(x, d)),
    )
    for ax, model in zip(upper, models, strict=True):
        lines = ax.collections[-1]
        assert lines.levels.tolist() == [0.7, 0.9]
        for level, path in zip(lines.levels, lines.get_paths(), strict=True):
            np.testing.assert_allclose(model(path.vertices).max(axis=1), level, atol=0.002)
    dashes = [pattern[0] for _, pattern in lines.get_linestyle()]
    assert ax.get_title().endswith("破線 0.7、点線 0.9）")
    assert dashes[0] > dashes[1]
    # 「下の識別関数では、境界のほかに線がありません。」境界では、上の二つの点数が並ぶ。
    border = below.collections[1].get_paths()[0].vertices
    u = np.sort(dis.scores(dis.fit_perceptron(x, d), border), axis=1)
    assert np.median(u[:, 2] - u[:, 1]) < 1e-6


def test_every_border_of_the_moons_is_the_one_its_name_says() -> None:
    # 「特徴量がそのままの生成モデルと識別モデルの境界は、ほとんど重なる直線で」
    (ax,) = album.boundaries().axes
    name = {to_hex(line.get_color()): name for name, line in keys(ax).items()}
    x, d = datasets.moons(200, noise=0.2, rng=np.random.default_rng(0))
    straight = dis.fit_logistic_regression(x, d)
    curved = dis.fit_logistic_regression(cubic(x), d, l2=0.001)
    models = {
        "生成モデル": partial(gen.posterior, gen.fit_gaussian_classifier(x, d, shared=True)),
        "識別モデル": partial(dis.posterior, straight),
        "識別モデル（三次の特徴量）": lambda at: dis.posterior(curved, cubic(at)),
    }
    for line in ax.collections:
        border = max(line.get_paths(), key=len).vertices
        p = models[name[to_hex(line.get_edgecolor()[0])]](border)
        assert abs(p - 0.5).max() < 0.1  # 格子の目の間では、線を直線で引くため
        assert np.median(abs(p - 0.5)) < 0.005


def test_points_are_the_learnt_discriminator_and_the_broken_line_is_the_formula() -> None:
    # 「学習した識別器の点は、最もよい識別器の曲線に乗り」
    drawing = album.discriminator()
    (learnt,), (best,) = (named(drawing)[n] for n in ("学習した識別器", "最もよい識別器の式"))
    formula = [(1 + math.erf(shift / math.sqrt(8))) / 2 for shift in best[0]]
    np.testing.assert_allclose(best[1], formula)
    assert abs(learnt[1] - formula).max() < 0.02
    right = 2000 * learnt[1]  # 2,000 個のうち、当てた個数
    np.testing.assert_allclose(right, right.round())
    assert keys(drawing)["学習した識別器"].get_marker() == "o"
    np.testing.assert_array_equal(named(drawing)["でたらめに答える"][0][1], 0.5)


def test_the_table_of_the_three_ways_tells_what_each_can_do() -> None:
    # 表「ラベルの決め方 ベイズの定理で求めた…が最大のクラス…が最大のクラス 点数の符号、
    # または点数が最大のクラス」「データの生成 できる できない できない」
    # 表「わかる確率 と なし」「答えに使うもの 分布の全体 確率の値 境目だけ」
    # 「最大のクラスを選ぶ決定は、三つとも決定的です。」「ラベルをくじで選ぶのではありません。」
    # 「密度を知っているので、データの出やすさ p(x) を計算でき、新しいデータも作れます。」
    # 「確率を求める関数に渡すと、断られます。」
    x, d = datasets.three_gaussians(60, rng=np.random.default_rng(0))
    world, line = gen.fit_gaussian_classifier(x, d), dis.fit_logistic_regression(x, d)
    border = dis.fit_perceptron(x, d, epochs=5)
    drawn, _ = gen.sample(world, 5, rng=np.random.default_rng(0))
    assert np.isfinite(gen.log_evidence(world, drawn)).all()
    for posterior, model in ((gen.posterior, world), (dis.posterior, line)):
        p = posterior(model, x)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        predict = gen.predict if model is world else dis.predict
        for _ in range(2):
            np.testing.assert_array_equal(predict(model, x), p.argmax(axis=1))
    with pytest.raises(TypeError, match="識別関数は確率を持ちません"):
        dis.posterior(border, x)
    for model in (line, border):
        for f in (gen.log_evidence, lambda m, _: gen.sample(m, 1, rng=np.random.default_rng(0))):
            with pytest.raises(TypeError):
                f(model, x)


def test_terms_of_the_log_joint_cancel_or_are_linear_and_two_classes_give_a_sigmoid() -> None:
    # 「2 行目は、どのクラスでも同じ値です。」「2 行目は分子と分母で打ち消し合います。」
    # 「残る 3 行目は x の一次式で、事後確率は一次式のソフトマックス関数です。」
    # 「クラスが二つなら、一次式の差のシグモイド関数です。」
    # 「共分散行列 Σ を全クラスで共有すると、事後確率はロジスティック回帰と同じ形になります。」
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    S = root @ root.T + np.eye(3)
    for K in (2, 4):
        m, shares, x = rng.normal(size=(K, 3)), rng.dirichlet(np.ones(K)), rng.normal(size=(20, 3))
        model = gen.GaussianClassifier(shares, m, [S] * K)
        P = np.linalg.inv(S)
        joint = gen.log_likelihood(model, x) + np.log(shares)
        third = x @ P @ m.T - np.sum(m @ P * m, axis=1) / 2 + np.log(shares)
        second = joint - third
        np.testing.assert_allclose(np.ptp(second, axis=1), 0, atol=1e-10)
        quadratic = -np.sum(x @ P * x, axis=1) / 2
        assert np.ptp(second[:, 0] - quadratic) < 1e-10
        np.testing.assert_allclose(gen.posterior(model, x), softmax(third))
        W, b = gen.linear_form(model)
        np.testing.assert_allclose(x @ W + b, third)
        if K == 2:
            both = sigmoid(third[:, 1] - third[:, 0])
            np.testing.assert_allclose(gen.posterior(model, x)[:, 1], both)


def test_density_of_many_dimensions_is_the_one_of_one_with_the_two_parts_replaced() -> None:
    # 「多次元の正規分布の密度は、一次元の密度の…に置き換えたものです。」
    # 「行列式は散らばりの広さを表す数で、特徴量が一つなら分散…です。」
    # 「分母は、分子をすべてのクラスについて足したもので、事後確率の和を 1 にします。」
    # 「特徴量ごとの散らばりの大きさと、特徴量どうしがどう連動するかをまとめた表です。」
    def density(x: Array, m: Array, S: Array) -> float:
        square = (x - m) @ np.linalg.inv(S) @ (x - m)
        return float(np.exp(-square / 2) / np.sqrt((2 * np.pi) ** len(m) * np.linalg.det(S)))

    rng = np.random.default_rng(0)
    for D in (1, 2, 4):
        roots, m, x = rng.normal(size=(3, D, D)), rng.normal(size=(3, D)), rng.normal(size=D)
        S = np.array([root @ root.T + np.eye(D) for root in roots])
        shares = np.array([0.2, 0.3, 0.5])
        model = gen.GaussianClassifier(shares, m, S)
        each = [density(x, a, b) for a, b in zip(m, S, strict=True)]
        np.testing.assert_allclose(np.exp(gen.log_likelihood(model, [x]))[0], each)
        p_x = float(each @ shares)
        assert math.exp(gen.log_evidence(model, [x])[0]) == pytest.approx(p_x)
        np.testing.assert_allclose(gen.posterior(model, [x])[0], each * shares / p_x)
    usual = math.exp(-((x[0] - 1) ** 2) / (2 * 4)) / math.sqrt(2 * math.pi * 4)
    assert density(x[:1], np.ones(1), np.array([[4.0]])) == pytest.approx(usual)
    wide, narrow = (np.linalg.det(s * np.eye(3)) for s in (2.0, 0.5))
    assert wide > 1 > narrow


def test_tenfold_scores_keep_the_label_and_two_scores_decide_by_the_sign_of_their_gap() -> None:
    # 「点数を全部 10 倍しても、ラベルは同じで、その数だけが大きく変わります。」
    # 「識別関数の点数で使うのは、符号か、どれが最大かだけです。」
    # 「2 個のときは、点数の差の符号と、点数の最大が、同じ答えになります。」
    # 「クラスが 2 個なら点数の符号で、K 個なら点数が最大のクラスに決めます。」
    # 「クラスが 3 個のデータでは、ラベルは 0、1、2 です。」
    rng = np.random.default_rng(0)
    for K in (2, 3):
        model = dis.LinearDiscriminant(rng.normal(size=(2, K)), rng.normal(size=K))
        x = 3 * rng.normal(size=(300, 2))
        u, ten = dis.scores(model, x), dis.LinearDiscriminant(10 * model.W, 10 * model.b)
        np.testing.assert_allclose(dis.scores(ten, x), 10 * u)
        np.testing.assert_array_equal(dis.predict(ten, x), dis.predict(model, x))
        assert abs(softmax(10 * u) - softmax(u)).max() > 0.3
        assert set(dis.predict(model, x)) == set(range(K))
        if K == 2:
            np.testing.assert_array_equal(dis.predict(model, x) == 1, u[:, 1] - u[:, 0] > 0)


def test_real_is_one_and_the_border_of_the_discriminator_lies_half_way() -> None:
    # 「正解のラベルは、本物なら 1、偽物なら 0 で、データのクラスのラベルは使いません。」
    # 「出力は本物である確率で、犬か猫かといったデータのクラスではありません。」
    # 「境目は二つの中心の真ん中なので、相手の中心の向きに、ずれの半分より先まで外れた点だけを
    # 間違えます。」「本物は原点を中心とする正規分布、偽物は中心だけがずれた正規分布です。」
    rng = np.random.default_rng(0)
    shift = 3.0
    real, fake = rng.normal(size=(2_000, 2)), rng.normal([shift, 0], 1, (2_000, 2))
    d = np.repeat(np.eye(2)[[1, 0]], 2_000, axis=0)
    D = dis.fit_logistic_regression(np.vstack([real, fake]), d)
    assert dis.posterior(D, [[0.0, 0.0], [shift, 0.0]])[:, 1].round() == pytest.approx([1, 0])
    w, b = D.W[:, 1] - D.W[:, 0], D.b[1] - D.b[0]
    assert -b / w[0] == pytest.approx(shift / 2, abs=0.15)
    wrong = [dis.predict(D, real) == 0, dis.predict(D, fake) == 1]
    beyond = [real[:, 0] > shift / 2, fake[:, 0] < shift / 2]
    assert all((a == b).mean() > 0.95 for a, b in zip(wrong, beyond, strict=True))


def test_a_full_covariance_needs_far_more_numbers_than_a_score_when_features_are_many() -> None:
    # 「特徴量が多いと、共分散行列を丸ごと学ぶ生成モデルの決める数は、桁違いに多くなります。」
    # 表「315,569（共分散を共有） 7,850 7,850」
    # 「単純ベイズ…の共分散行列は対角だけなので、一つあたり D 個です。」
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(40, 5)), np.eye(2)[np.arange(40) % 2]
    naive = gen.fit_gaussian_naive_bayes(x, d)
    assert [np.count_nonzero(S) for S in naive.covariances] == [5, 5]

    def gaussian(D: int, K: int) -> int:
        return K - 1 + K * D + D * (D + 1) // 2

    ratios = [gaussian(D, 10) / (10 * (D + 1)) for D in (2, 50, 784)]
    assert ratios == sorted(ratios)
    assert ratios[0] < 2 < 10 < ratios[-1]
    assert f"{gaussian(784, 10):,} {10 * 785:,}" == "315,569 7,850"


def test_perceptron_moves_two_classes_and_least_squares_points_as_fisher_does() -> None:
    # 「間違えたときだけ、正解の点数を上げ、誤って選んだクラスの点数を下げます。」
    # 「クラスが二つなら重みの向きはフィッシャーの線形判別と一致します。」
    # 「バイアスは、いつも 1 の入力への重みとみなします。」
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(6, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2]]
    W, b = np.zeros((2, 3)), np.zeros(3)
    for point, one in zip(x, d, strict=True):
        k, right = int((point @ W + b).argmax()), int(one.argmax())
        if k != right:
            before = point @ W + b
            W[:, [right, k]] += np.outer(point, [1, -1])
            b[[right, k]] += [1, -1]
            change = point @ W + b - before
            assert change[right] > 0 > change[k]
    model = dis.fit_perceptron(x, d, epochs=1)
    np.testing.assert_allclose(model.W, W)
    x, d = datasets.two_gaussians(101, rng=rng)
    x, d = x[:90] * [3, 1], d[:90]  # クラスの数をそろえない
    w = np.diff(dis.fit_least_squares(x, d).W)[:, 0]
    inside = gen.fit_gaussian_classifier(x, d, shared=True)
    fisher = np.linalg.solve(inside.covariances[0], inside.means[1] - inside.means[0])
    np.testing.assert_allclose(w / np.linalg.norm(w), fisher / np.linalg.norm(fisher))


@pytest.mark.parametrize("seed", range(4))
def test_newton_ends_after_a_few_tens_of_steps_at_the_smallest_cross_entropy(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 「勾配降下法でも学べますが、ここでは、学習率を選ばずに、数回から数十回で収束する
    # ニュートン法を使います。」「E は凸なので、どこから始めても同じ最小値に着きます。」
    # 「正解のラベルの確率が大きくなるように W と b を決めます。つまり、交差エントロピー」
    rng, steps, newton = np.random.default_rng(seed), [], dis._newton_step
    monkeypatch.setattr(dis, "_newton_step", lambda *a: steps.append(0) or newton(*a))
    for l2, spread in ((0.0, 1.0), (1e-8, 4.0), (0.1, 4.0)):
        x, d = datasets.three_gaussians(300, rng=rng)
        steps.clear()
        model = dis.fit_logistic_regression(spread * x, d, l2=l2)
        assert 2 <= len(steps) < 50

        def error(W: Array, x: Array = spread * x, d: Array = d, l2: float = l2) -> float:
            E = softmax_cross_entropy(x @ W[:-1] + W[-1], d).mean()
            return float(E + l2 * (W[:-1] ** 2).sum() / 2)

        best = np.vstack([model.W, model.b])
        others = best + rng.normal(size=(50, *best.shape))
        assert min(map(error, others)) > error(best)


def test_a_network_that_classifies_is_logistic_regression_behind_its_hidden_layers() -> None:
    # 「ニューラルネットワークの分類も、この仲間です。
    # 総入力が x の一次式でなく、中間層を通した式になるだけです。」
    # 「をソフトマックス関数に通し、和が 1 の確率にします。」
    # 「クラスごとの点数を計算し、最大のクラスの番号を返します。」
    rng = np.random.default_rng(0)
    x, _ = datasets.three_gaussians(60, rng=rng)
    for widths in ([2, 3], [2, 5, 3], [2, 4, 6, 3]):
        net = init_network(widths, output_activation="softmax", rng=rng)
        trace = forward_trace(net, x)
        seen = trace[-2].z if len(net) > 1 else x
        last = dis.LogisticRegression(net[-1].W, net[-1].b)
        assert np.allclose(trace[-1].z, dis.posterior(last, seen))
        assert np.allclose(trace[-1].z.sum(axis=1), 1)
        labels = dis.predict(dis.LinearDiscriminant(last.W, last.b), seen)
        assert np.array_equal(labels, trace[-1].u.argmax(axis=1))
        line = np.linspace(0, 1, 9)[:, None] * (x[1] - x[0]) * 40 + x[0] * 40
        bent = abs(np.diff(forward_trace(net, line)[-1].u, 2, axis=0)).max()
        assert (bent > 0.1) == (len(net) > 1)
