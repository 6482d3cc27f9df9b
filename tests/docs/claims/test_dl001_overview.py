"""DL001 の文が言うことを、動かして確かめる。"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.polynomial import Polynomial
from pictures import legends, named, once, points_of, written

from dlnotes import activations as f
from dlnotes import encoding as enc
from dlnotes import losses, optimizers
from dlnotes.activations import sigmoid
from dlnotes.backprop import backward, loss_and_gradient
from dlnotes.datasets import ANIMAL_FEATURES, animals, house_prices, linear_target, sine
from dlnotes.encoding import fit_standardizer, one_hot, sample_wave, standardize
from dlnotes.figures import dl001_overview as figures
from dlnotes.losses import squared_error
from dlnotes.network import (
    Layer,
    forward,
    forward_trace,
    he_normal,
    init_network,
    parameter_count,
    parameters,
    with_parameters,
    xavier_normal,
)
from dlnotes.numerical import central_difference, forward_difference, numerical_gradient
from dlnotes.optimizers import SGD
from dlnotes.training import iterations_per_epoch, train

album = once(figures)

MOUSE = np.array([[10, 300, 300, 15, 50, 1.8, 20]])
# 数式シートの、名前と式。
SHEET: dict[str, list[str]] = {
    name: re.findall(r"\$(.+?)\$", cell)
    for name, cell in re.findall(
        r"^\| \[(.+?)\]\(.+?\) \| (.+) \|$", Path("docs/dl001_overview.md").read_text("utf-8"), re.M
    )
}

_TO_PYTHON = (
    (r"\\hat\{(\w)\}", r"\1_hat"),
    (r"\{\\mathrm\{(\w+)\}\}|\\,", r"\1"),
    (r"(?<!sum)_[kjn]\b", ""),
    (r"e\^\{([^{}]*)\}", r"exp(\1)"),
    (r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)"),
    (r"\{\\sum_\w ([^{}]*)\}", r"{sum(\1)}"),
    (r"\\d?frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))"),
    (r"\\sum_\w (.*)$", r"sum(\1)"),
    (r"\\log (\w)", r"log(\1)"),
    (r"\\log (?=\()", "log"),
    (r"\\tanh\^2\(u\)", "tanh(u)**2"),
    (r"\\", ""),
    (r"\^", "**"),
    (r"([\w)]) +(?=[\w(])|(\))(?=\()|(2)(?=h)", r"\1\2\3*"),
)


def value(formula: str, **names: Any) -> Any:
    """式の右辺を、NumPy で計算した値。"""
    text = re.split(r" = | \\approx | \\leftarrow ", formula)[-1]
    for pattern, by in _TO_PYTHON:
        text = re.sub(pattern, by, text)
    known = {name: getattr(np, name) for name in ("exp", "sqrt", "log", "tanh", "sum")}
    return eval(text, {}, known | {"max": np.maximum, "sigma": f.sigmoid} | names)


def hits(y: np.ndarray, d: np.ndarray) -> float:
    return float((y.argmax(axis=1) == d.argmax(axis=1)).mean())


def test_the_bias_takes_part_in_the_shortage_and_then_goes_back() -> None:
    # 「出力がどれも正解に足りず」「b はいったん 2 の近くまで離れ、それから 0 に戻っています」
    # 「その不足を b もいっしょに補いますが、W が 3 と 2 に近づくにつれて、
    # 補う必要がなくなるからです。」
    rng = np.random.default_rng(0)
    x, d = linear_target(200, rng=rng)
    random = init_network((2, 1), rng=rng)
    assert (forward(random, x) < d).all()
    # 重みが大きすぎるところから始めれば、b は逆へ離れる。
    for network, sign in ((random, 1), ((Layer([[6.0], [5.0]], [0.0], "identity"),), -1)):
        steps = train(
            network, x, d, loss="squared_error", optimizer=SGD(0.5), batch_size=20, epochs=50,
            rng=rng,
        )  # fmt: skip
        b = sign * np.array([step.network[0].b.item() for step in steps])
        assert 1.8 < max(b) < 2.1
        assert np.argmax(b) < 5
        assert min(b) > -1e-3
        assert abs(b[-1]) < 1e-3


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_a_small_enough_step_lowers_the_loss_and_a_huge_one_may_raise_it(activation: str) -> None:
    # 「学習率が大きすぎず、勾配が 0 でなければ、勾配を求めたサンプルについての E は減ります」
    for seed in range(20):
        rng = np.random.default_rng(seed)
        net = init_network((3, 5, 2), activation=activation, rng=rng)
        x, d = rng.standard_normal((2, 8, 3))
        E, g = loss_and_gradient(net, x, d[:, :2], "squared_error")
        after = [
            loss_and_gradient(
                with_parameters(net, parameters(net) - rate * g), x, d[:, :2], "squared_error"
            )[0]
            for rate in (1e-4, 100)
        ]
        assert after[0] < E < after[1]


def test_learned_probabilities_change_but_the_mouse_of_the_course_stays_a_mouse() -> None:
    # 「学習前の W は乱数なので、犬という答えに意味はありません」「ネズミの確率が最も高く」
    # 「学習した確率は、データ、初期値、学習の回数で変わります」
    before, after = [], []
    cases = [(0, 0, 10), (9, 0, 10), (0, 0, 20), *((0, seed, 10) for seed in range(1, 9))]
    for data, start, epochs in cases:
        x, d = animals(300, rng=np.random.default_rng(data))
        s, rng = fit_standardizer(x), np.random.default_rng(start)
        net = init_network((7, 5, 3), output_activation="softmax", rng=rng)
        *_, step = train(
            net, standardize(x, s), d, loss="cross_entropy",
            optimizer=SGD(0.1), batch_size=30, epochs=epochs, rng=rng,
        )  # fmt: skip
        before.append(int(forward(net, standardize(MOUSE, s)).argmax()))
        after.append(tuple(forward(step.network, standardize(MOUSE, s))[0].round(6)))
    assert len(set(before)) > 1
    assert {int(np.argmax(y)) for y in after} == {2}
    assert len(set(after)) == len(after)


def test_the_figure_of_both_tasks_shows_what_its_text_says() -> None:
    # 「予測が正解の直線に沿って並びます」「クラスごとに 12 匹の確率の積み上げ棒で、犬、猫、ネズミの
    # それぞれで、正解のクラスの確率がほとんどを占めます」
    prices, bars = album.tasks().axes
    d, y = (np.ravel(part) for part in prices.lines[1].get_data())
    assert np.corrcoef(d, y)[0, 1] > 0.98
    assert np.abs(y - d).mean() < 0.05 * np.ptp(d)
    p = np.array([bar.get_height() for bar in bars.patches]).reshape(3, 3, 12)  # 色、正解、匹
    np.testing.assert_allclose(p.sum(axis=0), 1)
    own = p[range(3), range(3)]
    assert own.shape == (3, 12)
    assert (own.mean(axis=1) > 0.9).all()
    assert (p.argmax(axis=0) == np.arange(3)[:, np.newaxis]).all()


@pytest.mark.parametrize("K", [2, 3, 10])
def test_one_hot_classes_are_equally_far_and_pick_a_row_of_the_weights(K: int) -> None:
    # 「one-hot では、どのクラスどうしの距離も √2 で等しくなります」
    # 「one-hot にして（あるいは、番号に当たる重みの行を取り出して）入れます」
    d = one_hot(np.arange(K), K)
    distance = np.linalg.norm(d[:, np.newaxis] - d, axis=2)
    np.testing.assert_allclose(distance[~np.eye(K, dtype=bool)], np.sqrt(2))
    rng = np.random.default_rng(K)
    W, ids = rng.standard_normal((K, 4)), rng.integers(K, size=9)
    layer = Layer(W, np.zeros(4), "identity")
    np.testing.assert_allclose(forward((layer,), one_hot(ids, K)), W[ids])


@pytest.mark.parametrize(("rate", "restored"), [(7, True), (8, True), (6, False), (5, False)])
def test_a_wave_comes_back_only_when_sampled_above_twice_its_frequency(
    rate: int, restored: bool
) -> None:
    # 「標本化周波数）が波の最も高い周波数の二倍より多ければ、元の波を復元できます」
    def wave(t: np.ndarray) -> np.ndarray:
        # 周期 1 の波。最も高い周波数は 3。
        return np.sin(2 * np.pi * t + 0.3) + 0.5 * np.sin(2 * np.pi * 3 * t + 1.1)

    c = np.fft.rfft(sample_wave(wave, duration=1, rate=rate)) / rate
    t = np.linspace(0, 1, 200)
    k = np.arange(len(c))
    twice = np.where((k == 0) | (2 * k == rate), 1, 2)
    back = (twice * c * np.exp(2j * np.pi * t[:, np.newaxis] * k)).real.sum(axis=1)
    assert np.allclose(back, wave(t)) == restored


def test_one_sample_gives_each_unit_a_gradient_in_proportion_to_its_inputs() -> None:
    # 「サンプル一つの勾配は、ユニット j が同じなら、入力の値 x_i に比例します」「300/1.8≈167 倍」
    for seed in range(5):
        rng = np.random.default_rng(seed)
        net = init_network(
            (7, 4, 3), activation="sigmoid", output_activation="softmax", initial=1e-4, rng=rng
        )
        W = backward(net, MOUSE, [[0, 0, 1]], "cross_entropy")[0].W
        np.testing.assert_allclose(W / W[5], np.repeat(MOUSE.T / 1.8, 4, axis=1), rtol=1e-9)
        assert np.round(W[1] / W[5]).tolist() == [167] * 4


def test_from_zero_weights_the_gradient_is_the_distance_of_the_class_mean() -> None:
    # 「(μ_i − μ_ik)/3」「どのクラスも 100 匹ずつ」「2.9 × 10⁴ 倍も違います」「3 倍に届きません」
    # 「値の大きさではなく、クラスの平均が全体の平均からどれだけ離れているかで決まるのです。」
    # 「一匹のときの 167 倍と違うのは、クラスの違う 300 匹についての平均だからです。」
    x, d = animals(300, rng=np.random.default_rng(0))
    zero = (Layer(np.zeros((7, 3)), np.zeros(3), "softmax"),)
    assert d.sum(axis=0).tolist() == [100, 100, 100]
    np.testing.assert_allclose(forward(zero, x), 1 / 3)
    W = backward(zero, x, d, "cross_entropy")[0].W
    np.testing.assert_allclose(W, (x.mean(axis=0)[:, np.newaxis] - x.T @ d / 100) / 3, atol=1e-9)
    np.testing.assert_allclose(backward(zero, x + 1000, d, "cross_entropy")[0].W, W, atol=1e-9)
    largest = np.abs(W).max(axis=1)
    assert round(largest[1] / largest[5], -3) == 29000
    mice = d[:, 2] == 1
    alike = backward(zero, x[mice], d[mice], "cross_entropy")[0].W
    assert (np.abs(alike[1] / alike[5] - 167) < 20).all()
    scaled = standardize(x, fit_standardizer(x))
    after = np.abs(backward(zero, scaled, d, "cross_entropy")[0].W).max(axis=1)
    assert 2 < after.max() / after.min() < 3
    assert np.abs(x[:, 5] @ d / 100 - 1.5).max() < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_the_best_rate_serves_standardised_data_better_and_a_tiny_rate_serves_none(
    seed: int,
) -> None:
    # 「そのままでは 0.68、標準化すると 0.99」「標準化すると、
    # どの重みにも合う学習率が見つかりやすく」
    # 「学習率が小さすぎれば 100 回の更新ではほとんど進まない」
    rng = np.random.default_rng(seed)
    x, d = animals(600, rng=rng)
    scaled = standardize(x, fit_standardizer(x[:300]))
    net = init_network((7, 3), output_activation="softmax", rng=rng)

    def learned(data: np.ndarray, rate: float) -> float:
        *_, step = train(
            net, data[:300], d[:300], loss="cross_entropy",
            optimizer=SGD(rate), batch_size=300, epochs=100, rng=rng,
        )  # fmt: skip
        return hits(forward(step.network, data[300:]), d[300:])

    rates = 10.0 ** np.arange(-7, 2)
    assert max(learned(x, rate) for rate in rates) < 0.9
    assert max(learned(scaled, rate) for rate in rates) > 0.98
    assert abs(learned(scaled, 1e-7) - hits(forward(net, scaled[300:]), d[300:])) < 0.02


def test_the_figure_of_the_two_valleys_shows_what_its_text_says() -> None:
    # 「細長い谷で、勾配降下法は谷の途中で止まったように見えます」「丸く、…ほぼ一直線に星印の底へ」
    # 「どちらも 0 から始め、最も急な方向では 1 回で底に着く学習率で、20 回更新しました」
    x, _d = house_prices(200, rng=np.random.default_rng(0))
    for ax, scaled in zip(album.standardisation().axes, (False, True), strict=True):
        path, star = (np.transpose(line.get_data()) for line in ax.lines)
        z = standardize(x, fit_standardizer(x)) if scaled else x
        values, vectors = np.linalg.eigh(z.T @ z / len(z))
        left = (path - star) @ vectors
        length = np.linalg.norm(np.diff(path, axis=0), axis=1)
        assert len(path) == 21
        assert not path[0].any()
        assert abs(left[1, 1]) < 1e-9 * abs(left[0, 1])
        if scaled:
            assert values[1] / values[0] < 1.5
            assert np.linalg.norm(left[-1]) < 1e-6
            assert length.sum() < 1.1 * np.linalg.norm(star)
        else:
            assert values[1] / values[0] > 20
            assert np.linalg.norm(left[-1]) > 0.5 * np.linalg.norm(star)
            assert length[-1] < 0.05 * length[0]


def test_the_figure_of_the_polynomials_shows_what_its_text_says() -> None:
    # 「9 次の破線はすべての点を通りますが、点の間でテストデータから大きく外れます。3 次の実線は
    # テストデータに沿います」「訓練データでは次数とともに下がります。
    # テストデータでは 3 次で最も小さく、
    # それより上の次数ではどれも 3 次より大きくなります」
    upper, lower = album.generalisation().axes
    _, three, nine, dots, new = (np.transpose(line.get_data()) for line in upper.lines)
    order = np.argsort(dots[:, 0])
    assert np.abs(np.interp(*dots.T[:1], *nine.T) - dots[:, 1]).max() < 0.03
    inside = new[(new[:, 0] > dots[order[0], 0]) & (new[:, 0] < dots[order[-1], 0])]
    away = {
        K: np.abs(np.interp(inside[:, 0], *f.T) - inside[:, 1]) for K, f in ((3, three), (9, nine))
    }
    assert np.mean(away[3]) < 0.35
    assert np.max(away[9]) > 1 > np.max(away[3])
    (K, train_error), (_, test_error) = (line.get_data() for line in lower.lines)
    assert list(K) == list(range(1, 10))
    assert (np.diff(train_error) < 0).all()
    assert train_error[-1] < 1e-9
    assert K[np.argmin(test_error)] == 3
    assert lower.get_ylim()[1] > max(test_error)


@pytest.mark.parametrize("seed", range(5))
def test_a_higher_degree_is_never_worse_on_the_training_data_but_on_new_data(seed: int) -> None:
    # 「訓練データの誤差は、次数を上げるほど小さくなり」「10 個のパラメータで 10 点をすべて通れる」
    # 「訓練データの誤差で選ぶと、大きな次数ほど有利になる」
    rng = np.random.default_rng(seed)
    x, d = sine(10, noise=0.3, rng=rng)
    x_test, d_test = sine(1000, noise=0.3, rng=rng)
    errors = []
    for K in range(1, 10):
        powers = np.arange(K + 1)
        W = np.linalg.lstsq(x**powers, d, rcond=None)[0]
        errors.append(
            [squared_error(a**powers @ W, b).mean() for a, b in ((x, d), (x_test, d_test))]
        )
    learned, tested = np.transpose(errors)
    assert (np.diff(learned) < 0).all()
    assert learned[-1] < 1e-6
    assert tested[-1] > tested[2]


@pytest.mark.parametrize("seed", range(3))
def test_a_rate_too_small_or_too_large_loses_on_the_validation_data(seed: int) -> None:
    # 「学習率が小さすぎても大きすぎても、検証データ（301 匹目から 450 匹目）の正解率は下がります」
    rng = np.random.default_rng(seed)
    x, d = animals(600, rng=rng)
    x = standardize(x, fit_standardizer(x[:300]))
    net = init_network((7, 5, 3), output_activation="softmax", rng=rng)
    found = []
    for rate in (0.001, 0.1, 10.0):
        *_, step = train(
            net, x[:300], d[:300], loss="cross_entropy",
            optimizer=SGD(rate), batch_size=30, epochs=10, rng=np.random.default_rng(2),
        )  # fmt: skip
        found.append(hits(forward(step.network, x[300:450]), d[300:450]))
    assert found[1] > 0.9 > 0.85 > max(found[0], found[2])


@pytest.mark.parametrize("seed", range(10))
def test_learning_by_heart_has_no_training_error_and_loses_to_the_straight_line(seed: int) -> None:
    # 「丸ごと覚え、最も近い一軒の価格を答えるだけのモデルは、訓練データの誤差が 0 です」
    # 「覚えた雑音も、最も近い家との広さや駅からの距離の違いも、そのまま予測のずれになります。」
    # 「テストデータでは、全体を均して当てはめる線形回帰に負けます」
    raw, d = house_prices(400, rng=np.random.default_rng(seed))
    x = standardize(raw, fit_standardizer(raw[:200]))
    found = np.linalg.norm(x[:, np.newaxis] - x[:200], axis=2).argmin(axis=1)
    columns = np.hstack([np.ones((400, 1)), x])
    line = columns @ np.linalg.lstsq(columns[:200], d[:200], rcond=None)[0]
    price = 1500 + raw @ [[60], [-80]]
    noise, apart = d - price, price[found] - price
    assert not np.abs(d[found] - d)[:200].any()
    np.testing.assert_allclose(d[found] - price, noise[found] + apart)
    assert np.abs(d[found] - d)[200:].mean() > 1.2 * np.abs(line - d)[200:].mean()
    assert np.abs(d[found] - price)[200:].mean() > 3 * np.abs(line - price)[200:].mean()
    assert min(noise[found][200:].std(), apart[200:].std()) > 0.3 * noise[200:].std()


def test_every_line_of_the_two_networks_is_drawn() -> None:
    # 「隣り合う列の丸どうしがすべて線で結ばれます」「線の数が重みの数で…個、入力層を除く丸の数が
    # バイアスの数で…個」「左に体長から足の長さまでの七つの丸、右に…三つの丸」
    exam, animal = album.exam_network().axes[0], album.animal_network().axes[0]
    assert len(exam.lines) == 18
    assert len(exam.patches) == 2 + 7
    ends = {tuple(np.round(np.ravel(line.get_data()), 6)) for line in exam.lines}
    assert len(ends) == 18
    assert len(animal.lines) == 7 * 5 + 5 * 3
    x = np.array([circle.center[0] for circle in animal.patches])
    assert [int((x == place).sum()) for place in np.unique(x)] == [7, 5, 5, 3]


@pytest.mark.parametrize("seed", range(3))
def test_only_neighbours_in_size_are_mistaken_and_other_statistics_spoil_the_answers(
    seed: int,
) -> None:
    # 「間違いは、犬と猫、猫とネズミの間だけで、大きさの離れた犬とネズミの間にはありません。」
    # 「テストデータも、訓練データから求めた平均と標準偏差で標準化します。ネットワークは、
    # 訓練データの尺度で W と b を覚えているからです。」
    rng = np.random.default_rng(seed)
    x, d = animals(600, rng=rng)
    scale, net = (
        fit_standardizer(x[:300]),
        init_network((7, 5, 3), output_activation="softmax", rng=rng),
    )
    *_, step = train(
        net, standardize(x[:300], scale), d[:300], loss="cross_entropy",
        optimizer=SGD(0.1), batch_size=30, epochs=20, rng=rng,
    )  # fmt: skip
    y = forward(step.network, standardize(x[300:], scale)).argmax(axis=1)
    truth = d[300:].argmax(axis=1)
    assert abs(y - truth).max() == 1
    mice = x[300:][truth == 2]
    own = forward(step.network, standardize(mice, fit_standardizer(mice))).argmax(axis=1)
    assert (y[truth == 2] == 2).mean() > 0.9 > 0.7 > (own == 2).mean()


def test_no_rate_suits_the_weights_of_grams_and_of_a_ratio_at_once() -> None:
    # 「体重の重みに合わせて学習率を小さくすると、眉間/目鼻距離比の重みはほとんど動きません。
    # 眉間/目鼻距離比に合わせて大きくすると、体重の重みが行き過ぎます。」
    x, d = animals(300, rng=np.random.default_rng(0))
    net = (Layer(np.zeros((7, 3)), np.zeros(3), "softmax"),)
    (gradient,) = backward(net, x, d, "cross_entropy")

    def after(rate: float, i: int) -> float:
        W = net[0].W.copy()
        W[i] -= rate * gradient.W[i]
        return loss_and_gradient((Layer(W, net[0].b, "softmax"),), x, d, "cross_entropy")[0]

    start, weight, ratio = loss_and_gradient(net, x, d, "cross_entropy")[0], 1, 5
    rates = 10.0 ** np.arange(-10, 3)
    best = [rates[np.argmin([after(rate, i) for rate in rates])] for i in (weight, ratio)]
    assert after(best[0], weight) < 0.95 * start
    assert after(best[1], ratio) < 0.995 * start
    assert start - after(best[0], ratio) < 1e-5 * start
    assert after(best[1], weight) > 100 * start


def test_the_best_of_many_looks_better_on_the_few_animals_that_chose_it() -> None:
    # 「選ぶのに使ったデータの正解率は、その分だけよく見えることがあります。」
    # 「別に残したテストデータで最後に確かめます。」
    for N, too_good in ((20, True), (400, False)):
        gaps = []
        for seed in range(30):
            rng = np.random.default_rng(seed)
            x, d = animals(2 * N + 300, rng=rng)
            x, d = standardize(x, fit_standardizer(x[:300]))[300:], d[300:]
            nets = (init_network((7, 3), output_activation="softmax", rng=rng) for _ in range(40))
            found = [
                (hits(y[:N], d[:N]), hits(y[N:], d[N:])) for y in (forward(z, x) for z in nets)
            ]
            chosen, fresh = max(found)
            gaps.append(chosen - fresh)
        assert (np.mean(gaps) > 0.05) == too_good


def test_numbers_and_names_of_the_networks_stand_in_their_rows_and_columns() -> None:
    # 「左に体長から足の長さまでの七つの丸、右に犬 0.1、猫 0.05、ネズミ 0.85 の三つの丸があり」
    (ax,) = album.animal_network().axes
    at = {text.get_position(): text.get_text() for text in ax.texts}
    names = [at[-0.52, y].replace("\n[", " [").replace("\n", "") for y in range(3, -4, -1)]
    assert names == [*ANIMAL_FEATURES]
    assert [float(at[0, y]) for y in range(3, -4, -1)] == [10, 300, 300, 15, 50, 1.8, 20]
    ends = [(float(at[6, y]), at[6.52, y]) for y in (1.8, 0, -1.8)]
    assert ends == [(0.1, "犬"), (0.05, "猫"), (0.85, "ネズミ")]
    assert [at[x, 3.8] for x in (0, 3, 6)] == ["入力 $x$", "中間層 $z$", "出力 $y$"]
    # 「入力 x1、x2、中間層 1 の丸が三つ、中間層 2 の丸が三つ、出力 y が一つあり」
    (ax,) = album.exam_network().axes
    x = {text: place[0] for text, place in written(ax).items()}
    heads = {"入力層": "$x", "中間層 1": "$z^{(1)}", "中間層 2": "$z^{(2)}", "出力層": "$y"}
    sizes = [sum(t.startswith(s) and x[t] == x[h] for t in x) for h, s in heads.items()]
    counts = [list(map(int, re.findall(r"\d+", t))) for t in sorted(x, key=x.get) if "W" in t]
    assert counts == [[n, n, sizes[n - 1], sizes[n], sizes[n]] for n in (1, 2, 3)]


def test_axes_and_colours_of_both_tasks_are_the_truth_and_the_prediction() -> None:
    # 「予測が正解の直線に沿って並びます。」「犬、猫、ネズミのそれぞれで、
    # 正解のクラスの確率がほとんどを占めます。」
    drawing = album.tasks()
    prices, bars = drawing.axes
    assert (prices.get_xlabel(), prices.get_ylabel()) == ("正解（万円）", "予測（万円）")
    d = house_prices(400, rng=np.random.default_rng(0))[1][200:]
    np.testing.assert_array_equal(points_of(prices.lines[1])[0], d[:, 0])
    np.testing.assert_array_equal(*points_of(prices.lines[0]))  # 正解の直線
    (legend,) = legends(drawing)
    looks = [(to_hex(h.get_facecolor()), h.get_hatch()) for h in legend.get_patches()]
    colour = dict(zip([t.get_text() for t in legend.get_texts()], looks, strict=True))
    for name, middle in zip(bars.get_xticklabels(), bars.get_xticks(), strict=True):
        here = (b for b in bars.patches if abs(b.get_x() + 0.4 - middle) < 6)
        tall = [b for b in here if b.get_height() > 0.5]
        seen = {(to_hex(b.get_facecolor()), b.get_hatch()) for b in tall}
        assert seen == {colour[name.get_text()]}


def test_crosses_are_the_nearest_levels_and_circles_are_on_the_wave() -> None:
    # 「正弦波の上に、等しい間隔で測った 20 個の丸印があります。その値を 0 から 7 までの
    # 8 段の目盛りのうち最も近いものに丸めた × 印は」
    drawing = album.quantised_wave()
    (ax,) = drawing.axes
    wave, circles, crosses = (named(drawing)[n][0] for n in ("元の波", "測った値", "丸めた値"))
    assert [text.get_text() for text in ax.get_yticklabels()] == [f"{q}" for q in range(8)]
    assert circles.shape == (2, 20)
    np.testing.assert_allclose(np.diff(circles[0]), circles[0, 1] - circles[0, 0])
    np.testing.assert_allclose(np.interp(circles[0], *wave), circles[1])
    ticks = np.asarray(ax.get_yticks())
    np.testing.assert_allclose([line.get_ydata()[0] for line in ax.lines[:8]], ticks)
    nearest = ticks[abs(circles[1][:, np.newaxis] - ticks).argmin(axis=1)]
    np.testing.assert_allclose(crosses, [circles[0], nearest])
    # 「丸から目盛りの間隔の半分までしか離れません。」
    assert abs(circles[1] - nearest).max() <= np.diff(ticks).min() / 2 + 1e-12


def test_valleys_and_polynomials_are_the_ones_their_names_say() -> None:
    # 「上の標準化しない誤差は細長い谷で」「下の標準化した誤差は丸く」
    axes, (x, _) = album.standardisation().axes, house_prices(200, rng=np.random.default_rng(0))
    scaled = standardize(x, fit_standardizer(x))
    for ax, title, z in zip(axes, ("そのまま", "標準化した後"), (x, scaled), strict=True):
        assert (ax.get_title(), ax.get_xlabel()) == (title, "広さの重み")
        for ring in filter(len, (path.vertices for path in ax.collections[0].get_paths())):
            E = (((ring - points_of(ax.lines[1])[:, 0]) @ z.T) ** 2).sum(axis=1)
            assert np.ptp(E) < 0.1 * E.mean()
    # 「上は 10 個の訓練データと多項式で」「訓練データでは次数とともに下がります。」
    upper, lower = ({n: v for n, (v,) in named(ax).items()} for ax in album.generalisation().axes)
    assert (upper["訓練データ"].shape, upper["テストデータ"].shape) == ((2, 10), (2, 60))
    for K in (1, 3, 9):
        x, y = upper[f"{K} 次"]
        gaps = [abs(Polynomial.fit(x, y, n)(x) - y).max() for n in (K, K - 1)]
        assert gaps[0] < 1e-6 < gaps[1]
    assert lower["訓練データ"][1, -1] < 1e-9 < 0.1 < lower["テストデータ"][1, -1]


def test_formulas_of_functions_on_the_sheet_give_what_the_functions_give() -> None:
    # 「このサイトに出てくる主な式です。」「出力層の活性化関数と誤差関数を組にしたときの形です。」
    u, d, h = np.array([-1.3, 0.4, 2.1]), np.array([0.0, 1.0, 0.0]), 0.01
    y, p = f.softmax(u[np.newaxis])[0], np.array([0.1, 0.6, 0.7])
    wanted = {
        "シグモイド関数": f.sigmoid(u),
        "σ の導関数": f.sigmoid_derivative(u),
        "ReLU": f.relu(u),
        "tanh の導関数": f.tanh_derivative(u),
        "ソフトマックス関数": y,
        "二乗誤差": squared_error(y, d),
        "交差エントロピー": losses.cross_entropy(y, d),
        "総入力での微分": numerical_gradient(lambda v: losses.softmax_cross_entropy(v, d), u),
    }
    for name, want in wanted.items():
        np.testing.assert_allclose(value(SHEET[name][0], u=u, y=y, d=d), want, atol=1e-8)
    binary = value(SHEET["二値の交差エントロピー"][0], y=p, d=d)
    np.testing.assert_allclose(binary, losses.binary_cross_entropy(p, d))
    for name, slope in (("前進差分", forward_difference), ("中心差分", central_difference)):
        told = value(SHEET[name][0], f=np.sin, x=u, h=h)
        np.testing.assert_allclose(told, slope(np.sin, u, h=h), rtol=1e-9)
    for name, initial in (("Xavier の分散", xavier_normal), ("He の分散", he_normal)):
        W = initial(300, 100, rng=np.random.default_rng(0))
        assert W.var() == pytest.approx(value(SHEET[name][0], D_in=300, D_out=100), rel=0.03)


@pytest.mark.parametrize(
    ("optimizer", "rows"),
    [
        (SGD(0.3), ["勾配降下法"]),
        (optimizers.Momentum(0.3, 0.8), ["Momentum"]),
        (optimizers.Nesterov(0.3, 0.8), ["Nesterov"]),
        (optimizers.AdaGrad(0.3, 0.1), ["AdaGrad"]),
        (optimizers.RMSProp(0.3, 0.8, 0.1), ["RMSProp", "AdaGrad"]),
        (optimizers.Adadelta(1.0, 0.8, 0.1), ["Adadelta"]),
        (optimizers.Adam(0.3, 0.8, 0.7, 0.1), ["Adam の平均", "Adam の更新"]),
    ],
)
def test_rules_on_the_sheet_move_theta_as_the_optimizers_do(
    optimizer: optimizers.Optimizer[Any], rows: list[str]
) -> None:
    # 「一つの欄の式は上から順に計算し、下の式には、上の式で書き換えた後の値を使います。」
    # 「更新のたびに書き換えて次の更新へ持ち越す値で、0 から始めます。」「更新は AdaGrad と同じ」
    # 「いまの更新を含めた回数で、最初の更新では 1 です。」
    rules = [rule for row in rows for rule in SHEET[row]]
    if rows[0] == "RMSProp":
        rules = [rules[0], rules[-1]]
    theta, rng = np.array([1.0, -2.0, 0.5]), np.random.default_rng(0)
    state, now = optimizer.init(theta), dict.fromkeys("vhsm", 0.0) | {"theta": theta}
    now |= {"varepsilon": 0.3, "mu": 0.8, "rho": 0.8, "beta_1": 0.8, "beta_2": 0.7, "c": 0.1}
    for t in (1, 2, 3):
        now |= {"g": (g := rng.normal(size=3)), "t": t}
        for rule in rules:
            name = re.sub(r"\\hat\{(\w)\}", r"\1_hat", re.split(r" = | \\leftarrow ", rule)[0])
            now[name.strip("\\")] = value(rule, **now)
        theta, state = optimizer.step(theta, g, state)
        np.testing.assert_allclose(now["theta"], theta)


def test_gradients_and_counts_on_the_sheet_are_those_of_a_network() -> None:
    # 「パラメータ数の D_l は層 l の幅で、D_0 は入力の数です。」「1/N は、E が平均だからです。」
    names = ("出力層の δ", "前の層の δ", "重みの勾配", "バイアスの勾配")
    assert [SHEET[name][:1] for name in names] == [
        [r"\delta^{(L)} = (y - d) / N"],
        [r"\delta^{(l)} = \bigl(\delta^{(l+1)} W^{(l+1)\top}\bigr) \odot f'(u^{(l)})"],
        [r"\dfrac{\partial E}{\partial W^{(l)}} = z^{(l-1)\top} \delta^{(l)}"],
        [r"\dfrac{\partial E}{\partial b^{(l)}} = \sum_n \delta^{(l)}_n"],
    ]
    rng = np.random.default_rng(0)
    net, x, d = init_network((3, 4, 2), activation="tanh", rng=rng), *rng.normal(size=(2, 5, 3))
    (one, two), layers = forward_trace(net, x), backward(net, x, d[:, :2], "squared_error")
    last = (two.z - d[:, :2]) / 5
    first = (last @ net[1].W.T) * f.tanh_derivative(one.u)
    for layer, z, delta in zip(layers, (x, one.z), (first, last), strict=True):
        np.testing.assert_allclose(layer.W, z.T @ delta)
        np.testing.assert_allclose(layer.b, delta.sum(axis=0))
    assert SHEET["パラメータ数"] == [r"P = \sum_l (D_{l-1} + 1)\, D_l"]
    assert parameter_count(net) == (3 + 1) * 4 + (4 + 1) * 2
    assert SHEET["エポック"] == [r"\lceil N / B \rceil"]
    assert [iterations_per_epoch(n, 4) for n in (8, 9)] == [2, 3]


def test_steps_and_zeros_on_the_sheet_lie_on_the_side_of_the_functions() -> None:
    # 「ReLU は u=0 で微分できないので、そこでの導関数は 0 と約束します。」
    sides = {"ステップ関数": f.step, "ReLU の導関数": f.relu_derivative}
    for name, function in sides.items():
        (formula,) = SHEET[name]
        assert formula.split(" = ")[1] == r"1\ (u > 0),\ 0\ (u \le 0)"
        assert function(np.array([1e-9, 0.0, -1e-9])).tolist() == [1, 0, 0]
    slopes = [(f.relu(np.array(h)) - 0) / h for h in (1e-6, -1e-6)]
    assert slopes == [1, 0]


def test_one_update_goes_against_the_sign_and_the_batches_make_ten_in_an_epoch() -> None:
    # 「偏微分が正なら値を減らし、負なら値を増やします。」「データ全体を epochs 回繰り返し使います」
    # 「データを一通り使う間に 200/20=10 回更新するので、50 回繰り返せば 10×50=500 回です。」
    rng = np.random.default_rng(1)
    x, d = linear_target(200, rng=rng)
    net = init_network((2, 1), rng=rng)
    how = {"loss": "squared_error", "optimizer": SGD(0.5), "rng": rng}
    whole = next(train(net, x, d, batch_size=200, epochs=1, **how)).network
    _, g = loss_and_gradient(net, x, d, "squared_error")
    moved = parameters(whole) - parameters(net)
    assert set(np.sign(g)) <= {-1, 1}
    np.testing.assert_array_equal(np.sign(moved), -np.sign(g))
    assert len([*train(net, x, d, batch_size=20, epochs=1, **how)]) == 10
    assert [step.iteration for step in train(net, x, d, batch_size=20, epochs=50, **how)][-1] == 500


@pytest.mark.parametrize("seed", range(5))
def test_output_layers_answer_numbers_of_their_kind_and_degree_nine_learns_the_noise(
    seed: int,
) -> None:
    # 表「回帰 実数 恒等写像 二乗誤差 二値分類 一つの確率 シグモイド関数 二値の交差エントロピー
    # 多クラス分類 K 個の確率 ソフトマックス関数 交差エントロピー」
    # 「恒等写像は負の値も 1 より大きな値も出します。シグモイド関数は一つずつが 0 と 1 の間、
    # ソフトマックス関数はさらに合計が 1 です。」
    rng = np.random.default_rng(seed)
    u = 4 * rng.normal(size=(20, 3))
    kinds = ("identity", "sigmoid", "softmax")
    y = {k: forward((Layer(np.eye(3), np.zeros(3), k),), u) for k in kinds}
    for kind in kinds:
        inside = bool(((y[kind] > 0) & (y[kind] < 1)).all())
        ones = bool(np.allclose(y[kind].sum(axis=1), 1))
        assert (inside, ones) == (kind != "identity", kind == "softmax")
    assert y["identity"].min() < 0 < 1 < y["identity"].max()
    # 「9 次式は、正弦波だけでなく、雑音まで覚えました。」
    x, d = sine(10, noise=0.3, rng=rng)
    noise = d - np.sin(2 * np.pi * x)
    left = [d - np.polyval(np.polyfit(x[:, 0], d[:, 0], K), x) for K in (1, 9)]
    assert abs(left[1]).max() < 1e-4 < 0.05 < abs(noise).max()
    assert (left[0] ** 2).mean() > 2 * (noise**2).mean()  # 「訓練データの誤差も大きいまま」


def test_every_animal_is_the_same_when_it_is_its_own_mean() -> None:
    # 「一匹の平均はその値自身なので、引くとすべて 0 になります。どんな動物も同じ入力になり、
    # 見分けられません。」「0 で割らないように、尺度を 1 としています。」
    x, _ = animals(30, rng=np.random.default_rng(0))
    alone = [fit_standardizer(one[np.newaxis]) for one in x]
    assert all((s.scale == 1).all() for s in alone)
    assert not any(standardize(one[np.newaxis], s).any() for one, s in zip(x, alone, strict=True))


def test_parts_of_the_drawn_networks_are_counted_as_their_names_say() -> None:
    # 「左端の入力を置く列が入力層、右端の答えを出す列が出力層、その間が中間層です。」
    # 「線の一本ごとに重み（掛ける数）が、入力層を除く丸の一つごとにバイアス（足す数）があります。」
    (ax,) = album.exam_network().axes
    x = {text.get_text(): text.get_position()[0] for text in ax.texts}
    order = ["入力層", "中間層 1", "中間層 2", "出力層"]
    assert sorted(order, key=x.__getitem__) == order
    net = init_network((2, 3, 3, 1), rng=np.random.default_rng(0))
    assert sum(layer.W.size for layer in net) == len(ax.lines)
    circles = [patch for patch in ax.patches if patch.center[0] > x["入力層"]]
    assert sum(layer.b.size for layer in net) == len(circles)


def test_odds_are_e_to_the_u_and_the_class_is_the_sign_of_u() -> None:
    # 「どんな実数 u も 0 と 1 の間の p に変わるので、p をクラス 1 の確率とみなせます。」
    # 「クラス 1 である確率を、そうでない確率で割った比は」「右辺は線形回帰と同じ式です。」
    # 「確率が 0.5 になる境目は、総入力が 0 になるところです。シグモイド関数は増える一方なので、
    # 確率が 0.5 を超えるかどうかは、総入力の符号と同じです。」「0.5 を境にクラスを決める」
    rng = np.random.default_rng(0)
    x, W, b = rng.normal(size=(500, 3)), rng.normal(size=(3, 1)), rng.normal(size=1)
    u = x @ W + b
    p = sigmoid(u)
    assert ((p > 0) & (p < 1)).all()
    assert np.allclose(p / (1 - p), np.exp(u))
    columns = np.hstack([x, np.ones((500, 1))])
    line = np.linalg.lstsq(columns, np.log(p / (1 - p)), rcond=None)[0]
    assert np.allclose(line, np.vstack([W, b]))
    assert np.array_equal(p > 0.5, u > 0)
    assert sigmoid(0.0) == 0.5
    assert (np.diff(sigmoid(np.linspace(-20, 20, 999))) > 0).all()


def test_words_waves_and_boards_come_back_from_their_numbers() -> None:
    # 「同じ語は同じ番号になり、番号から元の文に戻せます。」「語彙にない語は番号にできません。」
    # 「整数の列は、波に戻してもう一度変えても同じです。元の値とのずれは残りますが、目盛りの間隔の
    # 半分…を超えません。」「石の種類ごとに一枚の面を作り、石のある交点だけを 1 にします。」
    rng = np.random.default_rng(0)
    words = rng.choice(list("abcdef"), 40).tolist()
    vocabulary = enc.build_vocabulary(words)
    ids = enc.token_ids(words, vocabulary)
    assert len(set(zip(words, ids.tolist(), strict=True))) == len(set(words)) == len(set(ids))
    assert list(enc.tokens_from_ids(ids, vocabulary)) == words
    with pytest.raises(ValueError, match="語彙"):
        enc.token_ids(["g"], vocabulary)
    for bits in (1, 3, 8, 16):
        x = rng.uniform(-1, 1, 200)
        back = enc.dequantize_wave(q := enc.quantize_wave(x, bits=bits), bits=bits)
        assert np.array_equal(enc.quantize_wave(back, bits=bits), q)
        assert 0 < abs(back - x).max() <= 1 / (2**bits - 1) + 1e-12
    board = rng.choice(list("XO."), (5, 5))
    planes = enc.board_planes(["".join(row) for row in board])
    assert np.array_equal(planes, [board == "X", board == "O"])


def test_one_seed_gives_the_same_animals_and_every_feature_tells_them_apart() -> None:
    # 「同じ版の NumPy では、いつも同じ乱数が出ます。」
    # 「クラスごとに平均が違うので、特徴量は答えの手がかりになります。」
    # 「正しいクラスのところだけが 1 の、出力と同じ長さの列です」
    (x, d), again, other = (animals(300, rng=np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(x, again[0])
    assert not np.array_equal(x, other[0])
    assert np.array_equal(d, one_hot(d.argmax(axis=1), 3))
    means = d.T @ x / d.sum(axis=0)[:, None]
    nearest = [abs(x[:, [i]] - means[:, i]).argmin(axis=1) for i in range(7)]
    assert min(np.mean(k == d.argmax(axis=1)) for k in nearest) > 0.38
