"""DL000_1 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from pictures import named, once, written

from dlnotes import datasets, markov
from dlnotes import discriminative as dis
from dlnotes import encoding as enc
from dlnotes import generative as gen
from dlnotes.activations import sigmoid
from dlnotes.arrays import Array
from dlnotes.figures import dl000_1_models as figures
from dlnotes.losses import kl_divergence
from dlnotes.numerical import numerical_gradient

album = once(figures)

TEXT = """今日 は 晴れ 。 明日 は 雨 。 今日 は くもり 。 今日 も 晴れ 。
明日 は 晴れ 。 昨日 は 雨 。 今日 は 晴れ 。 明日 も 雨 。"""
WEATHER = markov.HiddenMarkovModel(
    [0.6, 0.4], [[0.8, 0.2], [0.4, 0.6]], [[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]]
)
WALK, SHOP, READ = range(3)


class Counting(np.random.Generator):
    """取り出した数を数える乱数の源。"""

    drawn = 0

    def uniform(self, *args: object, **options: object) -> np.ndarray:
        values = super().uniform(*args, **options)
        self.drawn += np.size(values)
        return values


def advanced(n: int) -> dict[str, object]:
    """一様乱数を n 個取り出した後の乱数の源。"""
    rng = np.random.default_rng(0)
    rng.uniform(size=n)
    return rng.bit_generator.state


def random_hidden(S: int, M: int, rng: np.random.Generator) -> markov.HiddenMarkovModel:
    B = rng.dirichlet(np.ones(M), S)
    return markov.HiddenMarkovModel(rng.dirichlet(np.ones(S)), rng.dirichlet(np.ones(S), S), B)


def test_lines_of_equal_probability_are_parallel_and_one_half_lies_at_a_sum_of_about_1_5() -> None:
    # 「二つの入力がどちらも大きい右上の側が AND の 1 に塗り分けられ、
    # 確率 0.01、0.5、0.99 の線が平行に走ります。」
    top, bottom = album.classify_and_generate().axes
    filled, lines = top.collections
    np.testing.assert_allclose(lines.levels, [0.01, 0.5, 0.99])
    sums = [path.vertices.sum(axis=1) for path in lines.get_paths()]
    assert all(np.ptp(line) < 0.02 for line in sums)
    assert abs(sums[1].mean() - 1.5) < 0.05
    assert sums[0].mean() < sums[1].mean() < sums[2].mean()
    assert filled.get_paths()[0].vertices.sum(axis=1).min() > 1.45
    # 「下の図では、同じモデルから取り出した小さな点が、クラスごとの楕円のまわりに散らばります。」
    corners, labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.eye(2)[[0, 0, 0, 1]]
    model = gen.fit_gaussian_classifier(corners, labels, shared=True)
    for k, outer in enumerate(c.get_paths()[0].vertices for c in bottom.collections):
        x = np.column_stack(bottom.lines[2 * k].get_data())
        inside = (x > outer.min(axis=0)).all(axis=1) & (x < outer.max(axis=0)).all(axis=1)
        assert inside.mean() > 0.75
        off = x - model.means[k]  # 隔たりの二乗の平均は、次元の 2 に近い
        assert 1.5 < (off @ np.linalg.inv(model.covariances[k]) * off).sum(axis=1).mean() < 2.5


def test_words_go_from_the_day_to_a_particle_to_the_weather_to_the_stop_and_to_the_day() -> None:
    # 「今日」「明日」「昨日」の次は「は」か「も」、その次は天気、天気の次は必ず句点、
    # 句点の次はまた日を表す言葉で、丸の大きさと下の数が確率を表します。
    (ax,) = album.next_word().axes
    names = [label.get_text() for label in ax.get_xticklabels() if label.get_text()]
    (dots,) = ax.collections
    groups = [{"今日", "明日", "昨日"}, {"は", "も"}, {"晴れ", "雨", "くもり"}, {"。"}]
    after = dict(zip(map(frozenset, groups), groups[1:] + groups[:1], strict=True))
    pairs, times = Counter(pairwise(TEXT.split())), Counter(TEXT.split()[:-1])
    assert len(dots.get_offsets()) == len(pairs)
    for (j, i), size, label in zip(dots.get_offsets(), dots.get_sizes(), ax.texts, strict=True):
        now, following = names[round(i + 0.15)], names[int(j)]
        assert following in next(after[group] for group in after if now in group)
        assert abs(float(label.get_text()) - size / 420) < 0.0051
        assert math.isclose(size, 420 * pairs[now, following] / times[now])
        assert now not in groups[2] or size == 420
    # 「最後の行の…今日は雨…は、もとの文章にはない並びです。」
    words = enc.build_vocabulary(TEXT.split())
    chain = markov.fit_markov_chain([enc.token_ids(TEXT.split(), words)], len(words))
    assert "今日 は 雨" not in " ".join(TEXT.split())
    never = markov.log_probability(chain, enc.token_ids(["今日", "は", "雨"], words))
    assert np.exp(never) > 0.1


def test_a_chain_forgets_what_came_before_the_last_symbol_and_a_hidden_one_does_not() -> None:
    # 「マルコフ連鎖では、次の記号の確率は直前の記号だけで決まります。隠れマルコフモデルでは、
    # 直前の行動が同じ買い物でも、その前の行動で、次が散歩になる確率が変わります。」
    # 「その前の行動が、隠れた天気の手がかりになるからです。」
    rng = np.random.default_rng(0)
    for _ in range(5):
        pi, A, B = rng.dirichlet(np.ones(3)), *rng.dirichlet(np.ones(3), (2, 3))
        pasts = [[*past, 1] for past in product(range(3), repeat=3)]
        chain = markov.MarkovChain(pi, A)
        seen = [markov.log_probability(chain, [*p, 0]) for p in pasts]
        seen = np.subtract(seen, [markov.log_probability(chain, p) for p in pasts])
        np.testing.assert_allclose(np.exp(seen), A[1, 0])
        # 天気によらない行動は手がかりにならず、天気を言い当てる行動なら、直前の一つで足りる。
        for emission, matters in ((B, True), (B[[0, 0, 0]], False), (np.eye(3), False)):
            hidden = markov.HiddenMarkovModel(pi, A, emission)
            unseen = [markov.log_likelihood(hidden, [*p, 0]) for p in pasts]
            unseen = np.subtract(unseen, [markov.log_likelihood(hidden, p) for p in pasts])
            change = np.ptp(np.exp(unseen))
            assert change > 1e-3 if matters else change < 1e-12


def test_viterbi_differs_on_the_fifth_day_because_it_has_seen_the_sixth() -> None:
    # 「確率は 5 日目までの行動しか見ていませんが、ビタビは 6 日目の読書まで見て、
    # 列全体として最も確からしいものを選ぶからです。」
    (ax,) = album.hidden_weather().axes
    (path,) = [line.get_ydata() for line in ax.lines if line.get_linewidth() > 5]
    sun, rain = (dots.get_sizes() for dots in ax.collections)
    np.testing.assert_array_equal(path, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(path != (rain > sun), [False] * 4 + [True, False])
    five = [WALK, SHOP, WALK, READ, SHOP]
    assert markov.viterbi(WEATHER, five)[0][4] == 0
    days = [markov.viterbi(WEATHER, [*five, last])[0][4] for last in (WALK, SHOP, READ)]
    assert days == [0, 0, 1]
    # 「丸の大きさと数がその日までの確率を表します。」天気の並びを、すべて足し上げて確かめる。
    for day in range(1, 7):
        paths = list(product((0, 1), repeat=day))
        seen = [*five, READ][:day]
        joint = [math.exp(markov.joint_log_probability(WEATHER, path, seen)) for path in paths]
        p = np.bincount([path[-1] for path in paths], joint) / sum(joint)
        np.testing.assert_allclose([sun[day - 1], rain[day - 1]], 900 * p)
    done = [label.get_text().split("\n")[1] for label in ax.get_xticklabels()]
    assert done == ["散歩", "買い物", "散歩", "読書", "買い物", "読書"]


def test_the_same_shopping_is_sun_or_rain_by_what_was_done_on_the_days_around_it() -> None:
    # 「2 日目と 5 日目の行動は同じ買い物ですが、答えは晴れと雨に分かれました。
    # 前後の日の行動が違うからです。」
    for around, weather in ((WALK, 0), (READ, 1)):
        for others in product(range(3), repeat=3):
            s, _ = markov.viterbi(WEATHER, [around, SHOP, around, *others])
            assert s[1] == weather
            s, _ = markov.viterbi(WEATHER, [*others, around, SHOP, around])
            assert s[4] == weather


def test_no_other_gain_has_a_smaller_expected_error_and_the_error_is_uncorrelated_with_y() -> None:
    # 「y を見た後の平均は、y から x を当てる答えのうち、
    # 二乗誤差の期待値が最小のものです。 誤差が最小なら、推定の誤差 e と y の共分散は
    # 0 です。」
    for seed in range(5):
        rng = np.random.default_rng(seed)
        root, A, sigma = rng.normal(size=(6, 6)), rng.normal(size=(2, 6)), 0.3
        S, one = root @ root.T, np.eye(2)
        prior = gen.GaussianPrior(rng.normal(size=6), S)
        at_mean = gen.restore(prior, A, (A @ prior.mean)[None], noise_std=sigma)
        G = (gen.restore(prior, A, A @ prior.mean + one, noise_std=sigma) - at_mean).T
        cov_y = A @ S @ A.T + sigma**2 * one
        np.testing.assert_allclose(S @ A.T - G @ cov_y, 0, atol=1e-9)

        def error(G: Array, S: Array = S, A: Array = A, cov_y: Array = cov_y) -> float:
            return float(np.trace(S - 2 * G @ A @ S + G @ cov_y @ G.T))

        for step in rng.normal(size=(20, 6, 2)):
            assert min(error(G + 0.1 * step), error(G - 0.1 * step)) > error(G)


def test_enlarging_without_knowledge_is_worse_than_the_mean_face() -> None:
    # 「素朴な二つの拡大は、y を見ずにいつも平均顔を答えるよりも悪くなりました。
    # 輪郭や目や口が、4×4 の区画の中のどこにあるかを、どちらの方法も知らないからです。」
    # 「事後平均は、学んだ画素どうしの関係を使って、16 個の平均に合うように平均顔を直すので、
    # 誤差が最近傍の 6 分の 1 以下になりました。」
    A = gen.average_pooling_matrix(16, 16, 4)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        prior = gen.fit_gaussian_prior(gen.face_images(1000, rng=rng))
        x = gen.face_images(100, rng=rng).reshape(100, 256)
        alone = gen.GaussianPrior(prior.mean, np.diag(prior.covariance.diagonal()))
        low = (x @ A.T).reshape(100, 4, 4)
        ways = [gen.enlarge_nearest(low, 4), gen.enlarge_bilinear(low, 4), prior.mean]
        ways += [gen.restore(p, A, x @ A.T, noise_std=0.001) for p in (prior, alone)]
        wrong = [np.broadcast_to(np.reshape(way, (-1, 256)), x.shape) - x for way in ways]
        nearest, bilinear, mean, best, unrelated = (np.sqrt(np.mean(e**2)) for e in wrong)
        assert min(nearest, bilinear) > 1.3 * mean
        assert best < nearest / 6 < unrelated / 2
        assert abs(wrong[3] @ A.T).max() < 0.01
        # 区画の平均の誤差は、素朴な拡大では小さいか、ない。残りはすべて、区画の中での位置の誤差。
        np.testing.assert_allclose(wrong[0] @ A.T, 0, atol=1e-12)
        assert np.mean((wrong[1] @ A.T) ** 2) < 0.15 * bilinear**2


def test_only_the_posterior_mean_brings_back_the_eyes_and_the_mouth() -> None:
    # 「最近傍は格子模様、双線形はぼやけた塊になり、事後平均だけに目と口が戻ります。」
    pictures = [ax.images[0].get_array() for ax in album.super_resolution().axes]
    for face, low, nearest, bilinear, best in np.reshape(np.array(pictures, object), (3, 5)):
        assert low.shape == (4, 4)
        blocks = np.reshape(nearest, (4, 4, 4, 4)).swapaxes(1, 2).reshape(16, 16)
        assert np.ptp(blocks, axis=1).max() == 0
        inside = np.s_[3:13, 4:12]
        details = [np.diff(p[inside], n=2, axis=0).ravel() for p in (face, bilinear, best)]
        likeness = np.corrcoef(details)[0]
        assert likeness[2] > 0.7 > 0.3 > likeness[1]
        assert abs(np.diff(bilinear)).max() < abs(np.diff(face)).max() / 2


def test_elbo_falls_short_by_the_divergence_to_the_true_posterior() -> None:
    # 「log p(x) と ELBO の差はちょうど q(z|x) と p(z|x)
    # の隔たりなので、ELBO は下界であり、エンコーダが正しいほど差が縮みます。」
    def log_normal(x: Array | float, mean: Array | float, variance: float) -> Array:
        return -((x - mean) ** 2 / variance + np.log(2 * np.pi * variance)) / 2

    node, weight = np.polynomial.hermite_e.hermegauss(20)
    for x, w, m, v in product((-1.0, 3.0), (0.5, 2.0), (-1.0, 0.0, 1.2), (0.2, 1.0, 2.0)):
        z, q = m + math.sqrt(v) * node, weight / weight.sum()
        fit, gap = q @ log_normal(x, w * z, 1), q @ (log_normal(z, m, v) - log_normal(z, 0, 1))
        np.testing.assert_allclose(fit, log_normal(x, w * m, 1) - w**2 * v / 2)
        np.testing.assert_allclose(gap, (m**2 + v - 1 - np.log(v)) / 2, atol=1e-12)
        best_m, best_v = w * x / (w**2 + 1), 1 / (w**2 + 1)
        far = q @ (log_normal(z, m, v) - log_normal(z, best_m, best_v))
        np.testing.assert_allclose(log_normal(x, 0, w**2 + 1) - (fit - gap), far, atol=1e-12)
        assert far > 1e-3 or (math.isclose(m, best_m) and math.isclose(v, best_v))


def test_eigenvectors_give_the_most_likely_linear_decoder() -> None:
    # 「この場合は勾配降下法を使わずに、共分散行列の固有値と固有ベクトルから学べます。
    # 残りの向きの分散の平均を、雑音の分散とみなします。」
    rng, M = np.random.default_rng(0), 2
    x = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 6)) + 0.5 * rng.normal(size=(300, 6))
    S = gen.fit_gaussian_prior(x).covariance
    variances, directions = np.linalg.eigh(S)
    noise = variances[:-M].mean()
    W = (directions[:, -M:] * np.sqrt(variances[-M:] - noise)).T

    def log_likelihood(W: Array, noise: float) -> float:
        C = W.T @ W + noise * np.eye(6)
        return float(-np.linalg.slogdet(C)[1] - np.trace(np.linalg.solve(C, S)))

    for step in rng.normal(size=(100, M, 6)):
        assert log_likelihood(W + 0.1 * step, noise) < log_likelihood(W, noise)
    for factor in (0.5, 0.9, 1.1, 2):
        assert log_likelihood(W, noise * factor) < log_likelihood(W, noise)


def test_one_moving_eye_needs_many_directions_and_one_changing_brightness_needs_one() -> None:
    # 「目の位置が動くような変化は、向きを足し合わせる一次式では、少ない個数で正しく表せません。」
    t = np.random.default_rng(0).uniform(size=300)[:, None]
    pixel = np.arange(16)
    moving = np.exp(-((pixel - 4 - 8 * t) ** 2) / 2)
    brighter = (0.5 + t) * np.exp(-((pixel - 8) ** 2) / 2)
    needed = []
    for images in (moving, brighter):
        variances = np.linalg.eigvalsh(gen.fit_gaussian_prior(images).covariance)[::-1]
        needed.append(1 + int((np.cumsum(variances) < 0.99 * variances.sum()).sum()))
    assert needed[0] >= 4
    assert needed[1] == 1


def test_best_discriminator_reaches_two_js_minus_log_four_and_js_is_zero_only_when_equal() -> None:
    # 「生成器を固定したとき、最もよい識別器は、…D(x)=p(x)/(p(x)+p_G(x))
    # と決まります。 0 以上で、p_G=p のときだけ 0 なので、
    # 生成器の目標は本物の分布と一致することです。」
    grid = np.linspace(0.001, 0.999, 999)
    for seed in range(20):
        p, q = np.random.default_rng(seed).dirichlet(np.ones(5), 2)
        for fake in (q, p):
            value = p[:, None] * np.log(grid) + fake[:, None] * np.log(1 - grid)
            D, m = p / (p + fake), (p + fake) / 2
            np.testing.assert_allclose(grid[value.argmax(axis=1)], D, atol=2e-3)
            js = float(kl_divergence(p, m) + kl_divergence(fake, m)) / 2
            np.testing.assert_allclose(value.max(axis=1).sum(), 2 * js - np.log(4), atol=1e-3)
            assert (js > 1e-4) == (fake is q)
            assert js >= -1e-12


def test_hinge_tells_only_the_class_and_the_logistic_score_tells_the_probability() -> None:
    # 「ロジスティック回帰の点数は、シグモイド関数に通すと p に戻ります。 SVM
    # の点数は…同じ 1 です。どちらのクラスかはわかりますが、
    # どれほど確かかは失われています。」
    u = np.linspace(-6, 6, 12001)
    for p in (0.01, 0.1, 0.3, 0.49, 0.51, 0.7, 0.9, 0.99):
        hinge = p * np.maximum(0, 1 - u) + (1 - p) * np.maximum(0, 1 + u)
        cross = p * np.logaddexp(0, -u) + (1 - p) * np.logaddexp(0, u)
        assert abs(u[hinge.argmin()] - np.sign(p - 0.5)) < 2e-3
        assert abs(sigmoid(u[cross.argmin()]) - p) < 1e-3


def test_naive_bayes_wins_at_80_loses_at_160_and_comes_first_near_its_worse_limit() -> None:
    # 「単純ベイズとロジスティック回帰の曲線は、80 個と 160 個の間で交わります。
    # 20 個から 80 個では、生成モデルの単純ベイズが勝ちます。多ければ、
    # 間違った仮定のために誤り率が下がらなくなった単純ベイズに、ロジスティック回帰が勝ちます。」
    # 「単純ベイズは、ロジスティック回帰よりパラメータが多い…のに、
    # 少ないデータで限界に近づきました。」
    # 「相関まで学ぶ生成モデルは、20 個では最も悪く、増えるとロジスティック回帰に並びます。」
    m, S = np.tile([0.35, 0.15], 8), np.kron(np.eye(8), [[1, 0.6], [0.6, 1]])
    truth = gen.GaussianClassifier([0.5, 0.5], [-m, m], [S, S])

    def wrong(W: Array, b: Array, S: Array = S) -> float:
        w, c = W[:, 1] - W[:, 0], b[1] - b[0]
        z = np.array([w @ m + c, w @ m - c]) / np.sqrt(2 * w @ S @ w)
        return sum(math.erfc(side) for side in z) / 4

    rng, error = np.random.default_rng(1), {}
    for N, times in ((20, 20), (80, 20), (160, 20), (640, 5)):
        sets = [gen.sample(truth, N, rng=rng) for _ in range(times)]
        models = [dis.fit_logistic_regression(*s, l2=0.001) for s in sets]
        rows = [[wrong(model.W, model.b) for model in models]]
        rows += [
            [wrong(*gen.linear_form(fit(*s, shared=True))) for s in sets]
            for fit in (gen.fit_gaussian_naive_bayes, gen.fit_gaussian_classifier)
        ]
        error[N] = dict(zip(("logistic", "naive", "full"), np.mean(rows, axis=1), strict=True))
    assert all(error[N]["naive"] < error[N]["logistic"] for N in (20, 80))
    assert error[160]["naive"] > error[160]["logistic"] + 0.005
    assert max(error[20], key=lambda name: error[20][name]) == "full"
    assert abs(error[640]["full"] - error[640]["logistic"]) < 0.005
    # 「仮定が間違っていれば、その限界は、ふつうロジスティック回帰の限界より悪くなります」
    W, b = np.stack([-m, m], axis=1), np.zeros(2)
    naive, logistic = wrong(W, b), wrong(np.linalg.solve(S, W), b)
    assert naive > logistic + 0.02
    assert wrong(W, b, np.eye(16)) == min(wrong(W + step, b, np.eye(16)) for step in (-W / 2, 0, W))
    assert error[640]["naive"] - naive < 0.005
    assert error[80]["naive"] - naive < 0.03 < error[80]["logistic"] - logistic
    naive_bayes = gen.fit_gaussian_naive_bayes(*sets[0], shared=True)
    numbers = 1 + naive_bayes.means.size + np.count_nonzero(naive_bayes.covariances[0])
    assert numbers == 49 > models[0].W.size + models[0].b.size == 34


def test_a_longer_beginning_is_found_less_often_until_it_is_never_found_again() -> None:
    # 「長い前置きと同じ並びは、手元の文章にほとんど現れません。」
    words, again = TEXT.split(), []
    for n in range(1, 8):
        rows = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        again.append(sum(rows.count(row) > 1 for row in rows) / len(rows))
    assert again == sorted(again, reverse=True)
    assert again[0] > 0.9
    assert again[5:] == [0, 0]


def test_when_one_eye_is_lower_the_other_is_lower_too() -> None:
    # 「共分散 Σ が…左目が下がれば右目も下がる…というような画素どうしの関係です。」
    for seed in range(2):
        faces = gen.face_images(500, rng=np.random.default_rng(seed))
        height = np.zeros((2, 16, 16))
        for eye, at in zip(height, (slice(4, 6), slice(10, 12)), strict=True):
            eye[4:6, at], eye[7:9, at] = 1, -1  # 目が下がると、上は明るく、下は暗くなる。
        assert np.corrcoef(np.tensordot(height, faces, ((1, 2), (1, 2))))[0, 1] > 0.75


def test_every_latent_number_more_brings_the_faces_closer_and_sharpens_the_new_ones() -> None:
    # 「256 個の画素が、8 個の数からほぼ作り直せました。個数を増やすと、さらに近づきます。」
    # 「エンコーダの平均は、超解像と同じ restore で求まります。」
    # 「ぼやけるのは、z が 8 個だけで、デコーダも一次式だからです。」
    rng, errors, sharpness = np.random.default_rng(1), [], []
    faces = gen.face_images(400, rng=rng)
    prior = gen.fit_gaussian_prior(faces)
    x = gen.face_images(50, rng=rng).reshape(50, 256) - prior.mean
    variances, directions = np.linalg.eigh(prior.covariance)
    for M in (1, 2, 3, 4, 6, 8, 16, 64):
        noise = variances[:-M].mean()
        W = (directions[:, -M:] * np.sqrt(variances[-M:] - noise)).T
        p_z = gen.GaussianPrior(np.zeros(M), np.eye(M))
        z = gen.restore(p_z, W.T, x, noise_std=noise**0.5)
        # z の密度と x の密度の積の指数の肩を、z について平方完成した答え。
        np.testing.assert_allclose(z, np.linalg.solve(W @ W.T + noise * np.eye(M), W @ x.T).T)
        errors.append(np.sqrt(np.mean((z @ W - x) ** 2)))
        new = (prior.mean + rng.normal(size=(400, M)) @ W).reshape(faces.shape)
        bends = (np.mean(np.diff(images, 2, axis=1) ** 2) for images in (new, faces))
        sharpness.append(np.divide(*bends))
    assert (np.diff(errors) < 0).all()
    assert errors[5] < np.sqrt(np.mean(x**2)) / 3
    assert sharpness[0] < sharpness[5] < 0.9 < sharpness[7]


def test_the_new_faces_are_a_little_blurred_and_one_of_them_is_broken() -> None:
    # 「上の段は学習に使った五つの顔、下の段は 8 個の乱数から作った五つの顔。
    # 下の段も目と口のある顔に見えますが、少しぼやけ、一つは明暗が崩れています。」
    rows = [ax.images[0].get_array() for ax in album.generated_faces().axes]
    learnt, new = np.reshape(rows, (2, 5, 16, 16))
    np.testing.assert_array_equal(learnt, gen.face_images(1000, rng=np.random.default_rng(0))[:5])
    broken = (new < -0.1).any(axis=(1, 2)) | (new > 1).any(axis=(1, 2))
    assert broken.sum() == 1
    eyes, nose, mouth = new[:, 4:8, [4, 5, 10, 11]], new[:, 4:8, 7:9], new[:, 10:12, 6:10]
    cheeks = new[:, 8:10, 4:12].mean(axis=(1, 2))
    assert (eyes.mean(axis=(1, 2)) < nose.mean(axis=(1, 2))).all()
    assert (mouth.mean(axis=(1, 2)) < cheeks - 0.1).all()
    sharp = [np.mean(np.diff(images, 2, axis=1) ** 2, axis=(1, 2)) for images in (learnt, new)]
    assert max(sharp[1][~broken]) < min(sharp[0])


def test_a_straight_hinge_score_keeps_the_distance_and_a_sigmoid_makes_it_a_probability() -> None:
    # 「一次式に限った実際の点数には、境界からの遠さが残ることも多くあります。そこで、
    # 確率がほしいときは、点数と正解の組にシグモイド関数を当てはめ直します」
    for seed in range(3):
        rng = np.random.default_rng(seed)
        (x, d), (new, _) = (datasets.two_gaussians(N, rng=rng) for N in (1000, 500))
        X, sign, w = np.hstack([x, np.ones((1000, 1))]), 2 * d[:, 1] - 1, np.zeros(3)
        for t in range(1, 401):
            w -= 1 / t**0.5 * (0.01 * w - X.T @ (sign * (sign * (X @ w) < 1)) / 1000)
        u, true = new @ w[:2] + w[2], 1 / (1 + np.exp(-2 * new.sum(axis=1)))
        assert np.corrcoef(u, new.sum(axis=1))[0, 1] > 0.98
        platt = dis.fit_logistic_regression((X @ w)[:, None], d)
        right = abs(dis.posterior(platt, u[:, None])[:, 1] - true).mean()
        assert right < 0.04
        assert abs((u > 0) - true).mean() > 2 * right


def test_an_image_unlike_any_face_comes_back_as_a_likelier_face() -> None:
    # 「生成モデルは、縮めると同じ画像になる無数の候補から、学んだ画像らしいものを選んで補います。
    # 学んだことのない画像に使うと、もっともらしい間違いを作ります。」
    # 「どちらを渡しても、返ってくるのは同じ顔です。」
    A = gen.average_pooling_matrix(16, 16, 4)
    rng = np.random.default_rng(1)
    prior = gen.fit_gaussian_prior(gen.face_images(1000, rng=rng))
    faces = gen.face_images(20, rng=rng)
    blocks = faces.reshape(20, 4, 4, 4, 4).swapaxes(2, 3)
    mixed = rng.permuted(blocks.reshape(20, 16, 16), axis=2).reshape(blocks.shape)
    x = np.stack([faces, mixed.swapaxes(2, 3).reshape(faces.shape)]).reshape(2, 20, 256)
    restored = np.stack([gen.restore(prior, A, each @ A.T, noise_std=0.001) for each in x])
    np.testing.assert_allclose(*restored, atol=1e-8)
    errors = np.sqrt(np.mean((restored - x) ** 2, axis=2))
    assert errors[1].min() > 0.25 > 0.1 > errors[0].max()
    far = np.stack([restored[0], *x]) - prior.mean
    less, like, unlike = (far @ np.linalg.inv(prior.covariance) * far).sum(axis=2)
    assert (less < like).all()
    assert (like < unlike).all()


def test_with_a_handful_of_samples_naive_bayes_has_not_yet_the_better_of_it() -> None:
    # 「20 個から 80 個では、生成モデルの単純ベイズが勝ちます。」もっと少なければ、分散も測れない。
    m, S = np.tile([0.35, 0.15], 8), np.kron(np.eye(8), [[1, 0.6], [0.6, 1]])
    truth = gen.GaussianClassifier([0.5, 0.5], [-m, m], [S, S])
    rng, error = np.random.default_rng(0), []
    for N in (4, 20):
        sets = [gen.sample(truth, N, rng=rng) for _ in range(50)]
        sets = [(x, d) for x, d in sets if 0 < d[:, 0].sum() < N]
        lines = [gen.linear_form(gen.fit_gaussian_naive_bayes(*s, shared=True)) for s in sets]
        models = [dis.fit_logistic_regression(*s, l2=0.001) for s in sets]
        for both in (lines, [(model.W, model.b) for model in models]):
            w, c = ([np.diff(each[i])[..., 0] for each in both] for i in (0, 1))
            wide = np.sqrt(2 * np.einsum("ni,ij,nj->n", w, S, w))
            far = (np.array(w) @ m + np.outer([1, -1], c)) / wide
            error.append(np.mean([math.erfc(z) / 2 for z in far.ravel()]))
    assert error[0] > error[1] + 0.01
    assert error[2] < error[3] - 0.01


def test_names_and_numbers_of_the_and_figure_stand_at_their_points_and_lines() -> None:
    # 「二つの入力がどちらも大きい右上の側が AND の 1 に塗り分けられ、
    # 確率 0.01、0.5、0.99 の線が平行に走ります。」
    top, bottom = album.classify_and_generate().axes
    zero, one = (named(top)[name][0] for name in ("AND が 0", "AND が 1"))
    assert sorted(zero.T.tolist()) == [[0, 0], [0, 1], [1, 0]]
    assert one.T.tolist() == [[1, 1]]
    lines = top.collections[1]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        assert 0 < written(top)[f"{level}"].sum() - path.vertices.sum(axis=1).mean() < 0.35
    for line in bottom.lines[1::2]:  # 大きな印は、上の図と同じ点
        same = zero if line.get_color() == top.lines[0].get_color() else one
        np.testing.assert_array_equal(line.get_data(), same)


def test_rows_of_the_words_and_of_the_weather_carry_their_own_names_and_numbers() -> None:
    # 「行がいまの言葉、列が次の言葉の表。」
    (ax,) = album.next_word().axes
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("いまの言葉", "次の言葉")
    columns, rows = ([t.get_text() for t in side.get_ticklabels()] for side in (ax.xaxis, ax.yaxis))
    assert columns == rows
    assert ax.yaxis_inverted()
    # 「丸の大きさと数がその日までの確率を表します。」「はじめの三日が晴れ、後の三日が雨です。」
    (ax,) = album.hidden_weather().axes
    (path,) = [line.get_ydata() for line in ax.lines if line.get_linewidth() > 5]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert [names[s] for s in path] == ["晴れ"] * 3 + ["雨"] * 3
    for row, dots in enumerate(ax.collections):
        for text in ax.texts[6 * row : 6 * row + 6]:
            day, height = text.get_position()
            assert abs(height - row) < 0.5
            assert text.get_text() == f"{dots.get_sizes()[int(day) - 1] / 900:.2f}"


def test_pictures_of_faces_carry_their_names_and_errors() -> None:
    # 「左から、元の 16×16 の顔、4×4 に縮めた小さな顔、最近傍、双線形、事後平均。」
    # 「下の数は元の顔との誤差です。」
    axes = album.super_resolution().axes
    names = ["元の顔", "縮めた顔", "最近傍", "双線形", "事後平均"]
    assert [ax.get_title() for ax in axes] == names + [""] * 10
    for face, _, *others in (axes[i : i + 5] for i in (0, 5, 10)):
        for ax in others:
            gap = ax.images[0].get_array() - face.images[0].get_array()
            assert ax.get_xlabel() == f"{np.sqrt((gap**2).mean()):.3f}"
    # 「上の段は学習に使った五つの顔、下の段は 8 個の乱数から作った五つの顔。」
    axes, train = album.generated_faces().axes, figures._faces()[0]
    assert [axes[i].get_ylabel() for i in (0, 5)] == ["学んだ顔", "作った顔"]
    old, new = np.array([ax.images[0].get_array().ravel() for ax in axes]).reshape(2, 5, 256)
    np.testing.assert_array_equal(old, train[:5].reshape(5, 256))
    mean, covariance = (prior := gen.fit_gaussian_prior(train)).mean, prior.covariance
    W = np.linalg.eigh(covariance)[1][:, -8:]
    np.testing.assert_allclose((new - mean) @ W @ W.T, new - mean, atol=1e-9)


def test_learning_curves_of_the_figure_cross_as_their_names_say() -> None:
    # 「単純ベイズは、80 個まではロジスティック回帰より低いものの、160 個で追いつかれ、
    # その先は高いところで止まります。相関も学ぶ正規分布は、20 個では最も高く、
    # 160 個では最も低くなります。」「20 個から 80 個では、生成モデルの単純ベイズが勝ちます。」
    (ax,) = album.learning_curves().axes
    assert [int(label.get_text()) for label in ax.get_xticklabels()] == [20, 40, 80, 160, 320, 640]
    lines = {name[:6]: line for name, (line,) in named(ax).items()}
    naive, logistic, full = (
        lines[name] for name in ("単純ベイズ（", "ロジスティッ", "相関も学ぶ正")
    )
    assert naive[0].tolist() == [20, 40, 80, 160, 320, 640]
    np.testing.assert_array_equal(naive[1] < logistic[1], naive[0] <= 80)
    assert full[1, 0] > logistic[1, 0]
    assert full[1, 3] < min(naive[1, 3], logistic[1, 3])
    assert naive[1, 3] - naive[1, 5] < 0.01 < naive[1, 5] - logistic[1, 5]


@pytest.mark.parametrize("rate", [0.01, 0.2, 1.0])
def test_generator_and_discriminator_moved_together_turn_away_from_the_equilibrium(
    rate: float,
) -> None:
    # 「前半の二つは、釣り合うところのまわりを回りながら離れていきます。」
    def objective(v: np.ndarray) -> float:
        return float(np.log(sigmoid(0.0)) + np.log(1 - sigmoid(v[1] * v[0])))

    v = np.array([0.6, -0.3])
    for _ in range(50):
        # 「目的関数を微分すると、」
        g = numerical_gradient(objective, v)
        np.testing.assert_allclose(g, -v[::-1] * sigmoid(v[0] * v[1]), atol=1e-9)
        moved = v + rate * g * (-1, 1)
        assert np.linalg.norm(moved) > np.linalg.norm(v)
        assert v[0] * moved[1] - v[1] * moved[0] < 0  # いつも同じ向きに回る。
        v = moved


def test_generator_that_always_answers_best_makes_one_value_at_a_time() -> None:
    # 「後半の生成器は、…しか作らず、識別器が追うたびに別の値へ移るだけです。」
    p = np.random.default_rng(0).dirichlet(np.ones(6))
    q, made = np.full(6, 1 / 6), []
    for _ in range(20):
        D = p / (p + q)
        made.append(int(D.argmax()))
        q = np.eye(6)[made[-1]]
    assert all(a != b for a, b in pairwise(made))


@pytest.mark.parametrize("seed", range(4))
def test_forward_adds_what_viterbi_takes_the_largest_of_and_traces_back(
    seed: int,
) -> None:
    # 「行動の列だけが見えたとき、その確率は、考えられるすべての天気の列にわたる和です。」
    # 「そこから移る確率…と、その日の行動が出る確率…を掛けて足せば済みます。」
    # 「前向きアルゴリズムの和を最大値に替え、その最大値がどの前日から来たかを覚えておき、
    # 最後の日から逆にたどります。」「前向きアルゴリズムで求まる」
    # 「その日の合計が 1 になるように割ると、その日までの行動から見た天気の確率になります。」
    rng = np.random.default_rng(seed)
    S, T = 3, 5
    model, x = random_hidden(S, 4, rng), rng.integers(4, size=T)
    alpha = omega = model.initial * model.emission[:, x[0]]
    back = []
    for t in range(1, T):
        alpha = (alpha @ model.transition) * model.emission[:, x[t]]
        moves = omega[:, np.newaxis] * model.transition
        back.append(moves.argmax(axis=0))
        omega = moves.max(axis=0) * model.emission[:, x[t]]
    path = [int(omega.argmax())]
    for came_from in reversed(back):
        path.append(int(came_from[path[-1]]))
    every = list(product(range(S), repeat=T))
    joint = np.exp([markov.joint_log_probability(model, s, x) for s in every])
    assert joint.sum() == pytest.approx(alpha.sum())
    assert math.exp(markov.log_likelihood(model, x)) == pytest.approx(alpha.sum())
    found, log_p = markov.viterbi(model, x)
    assert tuple(found) == tuple(path[::-1]) == every[joint.argmax()]
    assert math.exp(log_p) == pytest.approx(omega.max())
    last = [joint[[s[-1] == j for s in every]].sum() for j in range(S)]
    np.testing.assert_allclose(alpha / alpha.sum(), last / joint.sum())


def test_shares_of_the_counts_are_the_most_likely_row_and_only_that_row_of_it() -> None:
    # 「遷移確率は、数え上げで学べます。」「数え上げた割合は、最尤推定の答えです。」
    # 「対数尤度のうち A の i 行によるのは、…これが最大になるのは、
    # …が回数の割合に等しいときです」「使われるのは最後の状態だけです。」
    rng = np.random.default_rng(0)
    s = rng.choice(3, size=300, p=[0.5, 0.3, 0.2])
    chain = markov.fit_markov_chain([s], 3)
    n = np.zeros((3, 3))
    np.add.at(n, (s[:-1], s[1:]), 1)
    np.testing.assert_allclose(chain.transition, n / n.sum(axis=1, keepdims=True))
    best = markov.log_probability(chain, s)
    for other, i in product(rng.dirichlet(np.ones(3), 20), range(3)):
        A = chain.transition.copy()
        A[i] = other
        change = markov.log_probability(markov.MarkovChain(chain.initial, A), s) - best
        assert change < 0
        assert change == pytest.approx(n[i] @ (np.log(A[i]) - np.log(chain.transition[i])))


def test_two_terms_of_the_elbo_are_the_formulas_of_the_text_and_only_one_encoder_reaches_it() -> (
    None
):
    # 「正規分布に従う独立な数の和も正規分布に従うので、x は、平均 0、分散…の正規分布に従います。」
    # 「第 1 項は、平均 wm、分散 1 の正規分布の対数密度から…を引いたものです。」
    # 「z について平方完成すると、平均…の正規分布です。最後の行のエンコーダはこれと
    # 同じで、下界が log p(x) に届きました。ほかの二つは届きません。」「下界（ELBO）が求まる」
    # 「ELBO の第 1 項は、z からもとの x を作り直せる度合いで、第 2 項は、エンコーダの答えを
    # 標準正規分布から離れすぎないようにする罰です。」
    def log_normal(x: np.ndarray, mean: np.ndarray, variance: float) -> np.ndarray:
        return -((x - mean) ** 2 / variance + np.log(2 * np.pi * variance)) / 2

    rng, w = np.random.default_rng(0), 2.0
    z = rng.normal(size=400_000)
    assert np.var(w * z + rng.normal(size=z.size)) == pytest.approx(w**2 + 1, rel=0.01)
    x, gaps = np.array(3.0), []
    for m, v in ((0.0, 1.0), (1.2, 1.0), (1.2, 0.2)):
        q = m + math.sqrt(v) * z
        fit = log_normal(x, w * q, 1).mean()
        assert fit == pytest.approx(log_normal(x, w * m, 1) - w**2 * v / 2, abs=0.05)
        kl = (log_normal(q, m, v) - log_normal(q, 0.0, 1)).mean()
        assert kl == pytest.approx((m**2 + v - 1 - math.log(v)) / 2, abs=0.01)
        gaps.append(log_normal(x, 0.0, w**2 + 1) - (fit - kl))
    assert abs(gaps[2]) < 0.01 < 1 < min(gaps[:2])


def test_generator_lowers_and_discriminator_raises_the_objective_and_equals_leave_one_half() -> (
    None
):
    # 「生成器はその値を小さく、識別器は大きくしようとします。」
    # 「これを式に入れると、値は…になります。」「二つの分布の中間…への KL ダイバージェンスの
    # 平均です。」「本物か偽物かは五分五分なので」「識別器と競わせる」「求まらない」
    rng = np.random.default_rng(0)

    def objective(D: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
        return float(p @ np.log(D) + q @ np.log(1 - D))

    for _ in range(20):
        p, q = rng.dirichlet(np.ones(4), 2)
        D, m = p / (p + q), (p + q) / 2
        js = float(kl_divergence(p, m) + kl_divergence(q, m)) / 2
        assert objective(D, p, q) == pytest.approx(2 * js - math.log(4))
        others = rng.uniform(0.01, 0.99, size=(50, 4))
        assert all(objective(other, p, q) < objective(D, p, q) for other in others)
        fooled = np.eye(4)[D.argmax()]  # 生成器が、識別器のだまされる値を作る
        assert objective(D, p, fooled) < objective(D, p, q)
        np.testing.assert_allclose(p / (p + p), 0.5)


def test_eigenvalues_come_small_first_and_noise_is_taken_off_from_each_direction() -> None:
    # 「np.linalg.eigh は固有値を小さい順に返すので、最後の M 個を使います。」
    # 「雑音はどの向きにもあるので、z に任せるのは、分散から雑音の分を引いた残りです。」
    # 「固有ベクトルは画素がいっしょに動く向きで、固有値はその向きの分散です」
    # 「雑音をどの画素でも同じ大きさにした VAE は、確率的主成分分析と同じモデルです。」
    rng = np.random.default_rng(0)
    W, noise = rng.normal(size=(2, 6)), 0.3
    z = rng.normal(size=(40_000, 2))
    x = z @ W + noise**0.5 * rng.normal(size=(40_000, 6))
    variances, directions = np.linalg.eigh(gen.fit_gaussian_prior(x).covariance)
    assert (np.diff(variances) > 0).all()
    along = (x - x.mean(axis=0)) @ directions
    np.testing.assert_allclose((along**2).mean(axis=0), variances)
    np.testing.assert_allclose(variances[:-2], noise, rtol=0.05)
    learnt = (directions[:, -2:] * np.sqrt(variances[-2:] - variances[:-2].mean())).T
    np.testing.assert_allclose(learnt.T @ learnt, W.T @ W, atol=0.1)
    assert abs((directions[:, -2:] * variances[-2:]) @ directions[:, -2:].T - W.T @ W).max() > 0.15


def test_only_a_bar_with_the_class_on_its_left_sums_to_one() -> None:
    # 「k について足すと必ず 1 になるのは、縦棒の左にクラスがあるときです。」
    # 「k について足しても、1 になるとは限りません。」「だけからは p(x) を求められません。」
    # 「学ぶ生成モデルは、データを作ることにも、分類にも使えます。」
    # 「境界がロジスティック回帰と同じ一次式になるものです。」表「次元 高い → 低い 低い → 高い」
    # 「だけを学ぶ生成モデルでは、分類はできません。」
    rng, sums, x = np.random.default_rng(0), [], np.linspace(-3, 3, 9)[:, np.newaxis]
    for _ in range(5):
        m = rng.normal(size=(3, 6))
        model = gen.GaussianClassifier([0.2, 0.3, 0.5], m, [np.eye(6)] * 3)
        points, d = gen.sample(model, 200, rng=rng)
        assert points.shape[1] == 6 > gen.posterior(model, points).shape[1] == 3
        np.testing.assert_allclose(gen.posterior(model, points).sum(axis=1), 1)
        sums.append(np.exp(gen.log_likelihood(model, points)).sum(axis=1))
        naive = gen.fit_gaussian_naive_bayes(points, d, shared=True)
        line = dis.LogisticRegression(*gen.linear_form(naive))
        np.testing.assert_allclose(gen.posterior(naive, points), dis.posterior(line, points))
    assert not np.isclose(sums, 1, atol=1e-6).any()
    with pytest.raises(TypeError):
        gen.predict(gen.fit_gaussian_prior(points), points)
    worlds = [gen.GaussianClassifier([0.5, 0.5], [[-v], [v]], [[[v]]] * 2) for v in (1.0, 2.0)]
    np.testing.assert_allclose(*(gen.posterior(world, x) for world in worlds))
    assert np.ptp([gen.log_evidence(world, x) for world in worlds], axis=0).min() > 0.01


def test_pixels_of_one_block_move_freely_but_for_their_mean() -> None:
    # 「一つの区画の 16 画素のうち、15 個は自由に動かせ、残りの 1 個は、
    # 平均が変わらないことから決まります。」
    # 「同じ y になる x は無数にあり、式だけからは決まりません。」
    # 「同じ区画の中で一つの画素を明るくし、別の画素を同じだけ暗くしても、平均は変わりません。」
    # 「画素を一列に並べれば、縮めることは行列の積…です。」
    A = gen.average_pooling_matrix(16, 16, 4)
    image = np.random.default_rng(0).random((16, 16))
    blocks = image.reshape(4, 4, 4, 4).swapaxes(1, 2).reshape(16, 16)
    np.testing.assert_allclose(A @ image.ravel(), blocks.mean(axis=1))
    one = A[5] != 0
    assert one.sum() == 16
    free = np.linalg.svd(A[:, one])[2][1:]  # 区画の中で、平均を変えない向き
    assert len(free) == 15
    assert abs(A[:, one] @ free.T).max() < 1e-12
    swap = np.zeros(256)
    swap[np.flatnonzero(one)[[3, 9]]] = 0.2, -0.2
    assert abs(A @ swap).max() < 1e-15
    swap[np.flatnonzero(~one)[0]] = 0.2
    assert abs(A @ swap).max() > 0.01


def test_on_the_fifth_day_the_larger_circle_is_the_sun_and_the_path_is_in_the_rain() -> None:
    # 「5 日目は丸では晴れのほうが大きいのに、経路は雨を通ります。」
    # 「5 日目だけ、確率の大きいほう（晴れ 0.61）とビタビアルゴリズムの答え（雨）が食い違います。」
    (ax,) = album.hidden_weather().axes
    names = [label.get_text() for label in ax.get_yticklabels()]
    (path,) = [line.get_ydata() for line in ax.lines if line.get_linewidth() > 5]
    sizes = np.array([dots.get_sizes() for dots in ax.collections])
    larger = sizes.argmax(axis=0)
    assert (names[larger[4]], names[int(path[4])]) == ("晴れ", "雨")
    assert f"{sizes.max(axis=0)[4] / 900:.2f}" == "0.61"
    np.testing.assert_array_equal(np.flatnonzero(larger != path), [4])


def test_products_of_long_sequences_vanish_and_their_logarithms_do_not() -> None:
    # 「確率の積は、長い並びではたちまち 0 に近づき、計算機では表せなくなるので、対数の和で」
    # 「確率の積は小さすぎて 0 になってしまうことがあるので、関数は α の対数を持ちます。
    # 掛け算は対数の足し算に、足し算は…を求める np.logaddexp になります。」
    # 「確率に直すと 0 につぶれました。」「掛け算は、一日に…回（移る確率）と…回（行動が出る確率）」
    A, B = np.array([[0.8, 0.2], [0.4, 0.6]]), np.array([[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]])
    model, rng = markov.HiddenMarkovModel([0.6, 0.4], A, B), np.random.default_rng(0)
    for T in (6, 5000):
        x, products = rng.integers(0, 3, T), 0
        alpha = model.initial * B[:, x[0]]
        for t in range(1, T):
            before, alpha = alpha, np.zeros(2)
            for i, j in product((0, 1), repeat=2):
                alpha[j] += before[i] * A[i, j]
                products += 1
            alpha, products = alpha * B[:, x[t]], products + 2
        assert products == (2**2 + 2) * (T - 1)
        log_alpha = markov.forward_log_probabilities(model, x)
        assert np.allclose(np.exp(log_alpha[-1]), alpha, rtol=1e-9, atol=0)
        assert (alpha == 0).all() == (T == 5000) == (log_alpha[-1].max() < -2000)


def test_one_point_has_no_spread_and_a_class_is_drawn_before_its_point() -> None:
    # 「1 点だけでは散らばり方を測れないので、共分散行列は二つのクラスで共有します。」
    # 「はじめに割合に従ってクラスを選び、次にそのクラスの正規分布から点を取り出すだけです。」
    # 「の 3 点の重心…と、…の 1 点…です。」
    x, d = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.eye(2)[[0, 0, 0, 1]]
    with pytest.raises(ValueError, match="正定値"):
        gen.fit_gaussian_classifier(x, d)
    model = gen.fit_gaussian_classifier(x, d, shared=True)
    assert np.allclose(model.means, [x[:3].mean(axis=0), x[3]])
    points, labels = gen.sample(model, 40_000, rng=np.random.default_rng(0))
    assert np.allclose(labels.mean(axis=0), model.priors, atol=0.01)
    for k in (0, 1):
        own = points[labels[:, k] == 1]
        assert np.allclose(own.mean(axis=0), model.means[k], atol=0.02)
        assert np.allclose(np.cov(own.T), model.covariances[k], atol=0.02)


def test_a_face_is_made_of_a_few_numbers_only() -> None:
    # 「顔の画像は 256 個の数ですが、位置や明るさなど、わずかな個数の要因で決まっています。」
    rng = Counting(np.random.PCG64(0))
    faces = gen.face_images(50, rng=rng)
    assert faces[0].size == 256
    assert rng.drawn == 10 * 50
    assert rng.bit_generator.state == advanced(10 * 50)
