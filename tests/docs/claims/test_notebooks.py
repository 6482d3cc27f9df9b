"""ノートブックの文と図の説明が述べる、出力にまだ現れていない事実。

確かめる関数は、ノートブックのセルから取り出す。
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlnotes import losses
from dlnotes.optimizers import SGD, Adadelta, AdaGrad, Adam, Momentum, Nesterov, RMSProp

Array = np.ndarray


@cache
def _cells(stem: str, *ids: str) -> dict[str, Any]:
    """セルを順に動かした後の名前と値。"""
    notebook = json.loads(Path("docs/notebooks", f"{stem}.ipynb").read_text(encoding="utf-8"))
    sources = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()), np.printoptions():
        for name in ids:
            # 学習を何十回も繰り返して表を作る行の前まで。
            exec(sources[name].split("\nrows = ")[0], names)
    return names


def _forward() -> dict[str, Any]:
    return _cells("1_1_forward_propagation", "setup-code", "three-layers-code", "any-depth-code")


def _back() -> dict[str, Any]:
    ids = "setup", "forward", "delta2", "layer2", "delta1", "update", "check", "function"
    return _cells("1_2_back_propagation", *(f"{name}-code" for name in ids))


def _sgd() -> dict[str, Any]:
    ids = "data", "network", "train", "slopes", "optimizers"
    return _cells("1_3_stochastic_gradient_descent", *(f"{name}-code" for name in ids))


def test_units_that_start_alike_stay_alike_however_long_they_learn() -> None:
    # 1_1「値をそろえると、同じ中間層のユニットは同じ値を出し、勾配も同じ」
    # 1_1「学習しても同じままで、何個並べても 1 個分の働きしかしない」
    n = _back()
    x, d = np.random.default_rng(0).normal(size=(2, 6, 2))
    d = np.eye(2)[d.argmax(axis=1)]
    for value in (0.0, 1.0, 0.3):
        params = [np.full(shape, value) for shape in ((2, 3), (3,), (3, 2), (2,))]
        for _ in range(100):
            _, grads = n["loss_and_gradients"](x, d, params)
            params = [p - 0.1 * g for p, g in zip(params, grads, strict=True)]
            W1, b1, W2, _ = params
            assert np.ptp(W1, axis=1).max() == np.ptp(b1) == np.ptp(W2, axis=0).max() == 0
        one = x @ W1[:, :1] + b1[:1]
        alone = np.maximum(one, 0) @ (3 * W2[:1]) + params[3]
        assert np.allclose(n["softmax"](alone), n["forward"](x, *params)[-1])


def test_one_forward_for_any_number_of_layers_and_only_the_last_function_differs() -> None:
    # 1_1「ある層の出力が、そのまま次の層の入力になります」「替えるのは最後の層の関数だけ」
    # 1_1「層ごとに、(入力の数 + 1) × ユニットの数になること」
    n = _forward()
    rng = np.random.default_rng(0)
    for sizes in ((2, 3), (3, 5, 4), (4, 1, 6, 2, 3)):
        layers, x = n["make_layers"](sizes, n["identity"], rng), rng.normal(size=(5, sizes[0]))
        z = x
        for W, b, _ in layers[:-1]:
            z = np.maximum(z @ W + b, 0)
        u = z @ layers[-1][0] + layers[-1][1]
        assert np.allclose(n["forward"](layers, x), u)
        W, b, _ = layers[-1]
        swapped = [*layers[:-1], (W, b, n["softmax"])]
        assert np.allclose(n["forward"](swapped, x), n["softmax"](u))
        pairs = itertools.pairwise(sizes)
        assert sum(W.size + b.size for W, b, _ in layers) == sum((i + 1) * o for i, o in pairs)
        assert all(f is n["relu"] and (b == 0).all() for _, b, f in layers[:-1])


def test_without_its_second_term_the_binary_error_does_not_count_a_miss() -> None:
    # 1_1「d=0 のときに効く第 2 項を落とすと、外れを外れと数えられなくなります」
    # 1_1「K=2 なので、ちょうど 2 倍違います」
    y = np.linspace(0.01, 0.99, 99)
    for d in (0.0, 1.0):
        whole, first = losses.binary_cross_entropy(y, np.full(99, d)), -d * np.log(y)
        # d=1 なら第 1 項だけで足り、d=0 なら、外れるほど増える誤差が、どの y でも 0 になる。
        assert np.allclose(first, whole) == (d == 1)
        assert ((np.diff(whole) > 0).all(), first.any()) == (d == 0, d == 1)
    y, d = np.random.default_rng(0).normal(size=(2, 9, 2))
    assert np.allclose(losses.squared_error(y, d), 2 * ((y - d) ** 2).mean(axis=1) / 2)


def test_delta_of_the_output_raises_the_right_class_and_lowers_the_others() -> None:
    # 1_2「出力層の δ は引き算だけになります」「正解のクラスでは負、ほかのクラスでは正です」
    # 1_2「を勾配の逆向きに動かすなら、正解の u は上げ、ほかの u は下げる、という意味です」
    # 1_2「二つを掛けて m について足すと、y−d になりますか」
    n, rng = _back(), np.random.default_rng(0)
    for K in (2, 3, 6):
        u, k = rng.normal(scale=2, size=(1, K)), rng.integers(K)
        d, y = np.eye(K)[[k]], n["softmax"](u)
        delta = y - d
        assert delta[0, k] < 0
        assert (np.delete(delta[0], k) > 0).all()
        assert ((-0.01 * delta > 0) == (d == 1)).all()
        assert np.allclose((-d / y) @ (np.diag(y[0]) - y.T @ y), delta)
        assert n["cross_entropy"](n["softmax"](u - 0.01 * delta), d) < n["cross_entropy"](y, d)
        for m in range(K):
            e = 1e-6 * np.eye(K)[m]
            E = [n["cross_entropy"](n["softmax"](u + s * e), d) for s in (1, -1)]
            assert np.isclose((E[0] - E[1]) / 2e-6, delta[0, m], atol=1e-8)


def test_equal_deltas_of_the_hidden_layer_are_a_coincidence_of_the_weights() -> None:
    # 1_2「δ^(1) の三つが同じ値なのは偶然です」「どのユニットでも −0.3a になります」
    n = _back()
    a = n["delta2"][0, 0]
    assert np.allclose(n["delta2"], [[a, -a]])
    assert np.allclose(np.diff(n["W2"]), 0.3)
    assert (n["u1"] > 0).all()
    assert np.allclose(n["delta1"], -0.3 * a)
    for seed in range(10):
        W2 = np.random.default_rng(seed).normal(size=(3, 2))
        y = n["forward"](n["x"], n["W1"], n["b1"], W2, n["b2"])[-1]
        delta1 = (y - n["d"]) @ W2.T
        assert np.ptp(delta1 / abs(delta1).max()) > 0.1
        assert np.allclose(delta1[0], (y - n["d"])[0, 0] * (W2[:, 0] - W2[:, 1]))


def test_unit_without_output_moves_neither_its_incoming_nor_its_outgoing_weights() -> None:
    # 1_2「総入力が負で出力が 0 のユニットは、このサンプルでは、前の重みも後の重みも動かない」
    n, rng, seen = _back(), np.random.default_rng(0), set()
    for _ in range(50):
        params = [rng.normal(size=p.shape) for p in n["params"]]
        x, d = rng.normal(size=(1, 2)), np.eye(2)[[rng.integers(2)]]
        off = n["forward"](x, *params)[0][0] < 0
        gW1, gb1, gW2, _ = n["loss_and_gradients"](x, d, params)[1]
        for j in range(3):
            still = not gW1[:, j].any() and gb1[j] == 0 and not gW2[j].any()
            assert still == off[j]
            seen.add(bool(off[j]))
    assert seen == {True, False}


def test_one_update_lowers_the_error_by_about_the_rate_times_the_squared_gradient() -> None:
    # 1_2「誤差はおよそ ε‖∇E‖² だけ減るはずです」
    n, rng = _back(), np.random.default_rng(0)
    for _ in range(20):
        params = [rng.normal(size=p.shape) for p in n["params"]]
        E, grads = n["loss_and_gradients"](n["x"], n["d"], params)
        square, misses = sum((g**2).sum() for g in grads), []
        if square < 1e-6:
            continue
        for rate in (1e-4, 1e-5):
            new = [p - rate * g for p, g in zip(params, grads, strict=True)]
            E_new = n["loss_and_gradients"](n["x"], n["d"], new)[0]
            misses.append(abs((E - E_new) / (rate * square) - 1))
        assert misses[0] < 0.05
        assert misses[1] < 0.2 * misses[0] + 1e-5


def test_gradients_of_many_samples_are_the_mean_and_agree_with_differences() -> None:
    # 1_2「誤差が…個の平均なので、…を…で割るところだけが違います」
    # 1_2「の積と sum(axis=0) が、サンプルについての和を取ります」
    # 1_2「ここまでの計算は、サンプルが N 個でも同じ形のまま動きます」
    # 1_2「まとめて渡したときの勾配が、1 個ずつ渡したときの勾配の平均になること」
    n, rng = _back(), np.random.default_rng(0)
    for N in (1, 2, 5):
        x, d = rng.normal(size=(N, 2)), np.eye(2)[rng.integers(0, 2, N)]
        params = [rng.normal(size=p.shape) for p in n["params"]]
        _, grads = n["loss_and_gradients"](x, d, params)
        single = [n["loss_and_gradients"](x[k : k + 1], d[k : k + 1], params)[1] for k in range(N)]
        for i, p in enumerate(params):
            assert np.allclose(grads[i], np.mean([g[i] for g in single], axis=0))
            for index in np.ndindex(p.shape):
                E = []
                for h in (1e-6, -1e-6):
                    moved = [q.copy() for q in params]
                    moved[i][index] += h
                    E.append(n["loss_and_gradients"](x, d, moved)[0])
                assert np.isclose((E[0] - E[1]) / 2e-6, grads[i][index], atol=1e-7)


def test_best_constant_answer_is_the_mean_and_its_error_half_the_variance() -> None:
    # 1_3「どの x にも d の平均を答えたときの、二乗誤差 E の平均です」「正解に雑音はありません」
    # 1_3「平均の誤差は d の分散の半分 0.54 を下回れない」
    n = _sgd()
    d, mean = n["d"], n["d"].mean()
    errors = [((y - d) ** 2).mean() / 2 for y in (mean, mean - 0.1, mean + 0.1, 0.0)]
    assert np.isclose(errors[0], d.var() / 2)
    assert min(errors) == errors[0]
    assert np.isclose(errors[0], (9 + 4) / 12 / 2, atol=0.005)
    assert np.array_equal(d, n["x"] @ np.array([[3.0], [2.0]]))


def test_wrong_derivative_is_a_quarter_where_the_unit_rests_and_falls_with_its_output() -> None:
    # 1_3「止まっているユニット（u<0）に 0 でなく 0.25 を掛け、出力の大きいユニットほど小さな数を」
    # 1_3「誤った微分でも誤差は減るので、誤差の図を眺めるだけでは気づきにくいものです」
    n = _sgd()
    u = np.linspace(-10, 10, 201)
    factor = n["wrong"](u, np.maximum(u, 0))
    assert (factor[u < 0] == 0.25).all()
    assert (np.diff(factor[u > 0]) < 0).all()
    assert (factor[u > 0] < 0.25).all()
    for seed in range(4):
        losses, _ = n["train"](n["x"], n["d"], seed, slope=n["wrong"])
        assert losses[-100:].mean() < losses[:100].mean() / 5


def test_right_derivative_has_the_smaller_errors_in_the_figure_and_for_most_seeds() -> None:
    # 1_3「上の正しい微分のほうが、下の誤った微分より小さくなります」
    n, better = _sgd(), []
    for seed in range(10):
        right, wrong = (
            n["train"](n["x"], n["d"], seed, slope=n[name])[0] for name in ("right", "wrong")
        )
        better.append(right[-100:].mean() < wrong[-100:].mean())
        if seed == 4:
            halves = [np.median(run.reshape(10, 100), axis=1) for run in (right, wrong)]
            assert (halves[0] < halves[1] / 2).all()
    assert np.mean(better) >= 0.8


def test_factor_of_the_same_sample_is_an_estimate_for_a_small_rate_only() -> None:
    # 1_3「同じサンプルの y−d は、およそ 1−ελ 倍です」
    # 1_3「λ は ‖∇E‖²/2E で計算できます」「約 9 倍になり」
    n, factors = _sgd(), []
    for low, high in ((0, 1), (-5, 5)):
        x, d = n["make_data"](low, high)
        lambdas = []
        for k in range(100):
            theta = np.random.default_rng(k).standard_normal(41)
            E, g = n["loss_and_gradient"](theta, x[k : k + 1], d[k : k + 1])
            W1, b1, _, _ = n["unpack"](theta)
            z = np.maximum(x[k] @ W1 + b1, 0)
            on = (z > 0) @ n["unpack"](theta)[2] ** 2
            lambdas.append(g @ g / (2 * E))
            assert np.isclose(lambdas[-1], 1 + z @ z + on.item() * (1 + x[k] @ x[k]))
            E_new, _ = n["loss_and_gradient"](theta - 1e-5 * g, x[k : k + 1], d[k : k + 1])
            assert np.isclose(np.sqrt(E_new / E), 1 - 1e-5 * lambdas[-1], atol=1e-4)
        factors.append(np.median(lambdas))
    assert 7 < factors[1] / factors[0] < 11


def test_same_sample_grows_at_the_first_update_but_does_not_go_on_growing() -> None:
    # 1_3「はじめの更新で、同じサンプルの」「たいてい縮まずに広がる」
    n = _sgd()
    x, d = n["make_data"](-5, 5)
    grows = np.zeros((3, 200), dtype=bool)
    for k in range(200):
        theta = np.random.default_rng(k).standard_normal(41)
        E, g = n["loss_and_gradient"](theta, x[k : k + 1], d[k : k + 1])
        for t in range(3):
            theta = theta - 0.07 * g
            E_new, g = n["loss_and_gradient"](theta, x[k : k + 1], d[k : k + 1])
            grows[t, k], E = E_new > E, E_new
    assert grows[0].mean() > 0.7
    assert grows[1].mean() < 0.3
    assert grows[2].mean() < 0.1


def test_rmsprop_and_adadelta_fall_later_than_the_other_five() -> None:
    # 1_3「どれも減りますが、RMSProp と Adadelta は遅れて減ります」
    n = _sgd()
    middle = {}
    for step, rate in n["RATES"].items():
        losses, _ = n["train"](n["x"], n["d"], 4, rate=rate, step=step)
        mean = losses.reshape(20, 50).mean(axis=1)
        assert mean[-1] < mean[0] / 50
        middle[step.__name__] = np.argmax(mean < 0.02)
    late = {middle.pop("rmsprop"), middle.pop("adadelta")}
    assert min(late) > max(middle.values())


def test_momentum_goes_ten_times_as_far_and_a_dead_network_only_chases_the_last_targets() -> None:
    # 1_3「同じ向きの勾配が続くと、Momentum は 1/(1-0.9) = 10 倍進む」
    # 1_3「動くのは b2 だけで、1 個ずつの d を追って揺れるので、0.54 より大きい 0.7 ほどになる」
    n = _sgd()
    memory: dict[str, Any] = {"v": 0.0}
    moves = [n["momentum"](np.ones(1), 1.0, memory).item() for _ in range(200)]
    assert moves[0] == 1
    assert np.isclose(moves[-1], 10)
    assert (np.diff(moves[:100]) > 0).all()
    rng, d, tails = np.random.default_rng(0), n["d"][:, 0], []
    for _ in range(3):
        b, memory, errors = 0.0, {"v": 0.0}, []
        for target in d[rng.integers(len(d), size=5000)]:
            errors.append((b - target) ** 2 / 2)
            b -= n["momentum"](b - target, 0.07, memory)
        tails.append(np.mean(errors[200:]))
    assert d.var() / 2 < 0.6 < min(tails)
    assert max(tails) < 0.8
    # 厳密には、分散の半分の 1 + α(1+β)/((1−β)(2(1+β)−α)) 倍。
    exact = d.var() / 2 * (1 + 0.07 * 1.9 / (0.1 * (3.8 - 0.07)))
    assert np.allclose(tails, exact, atol=0.06)
    assert pytest.approx(0.73, abs=0.01) == exact


def _resting(theta: Array) -> Array:
    """どの x でも総入力が正にならないユニット。一次式なので、四隅を見ればよい。"""
    W1, b1, _, _ = _sgd()["unpack"](theta)
    return ~(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) @ W1 + b1 > 0).any(axis=0)


def test_seven_steps_are_the_updates_of_the_site() -> None:
    # 1_3「六つの方法を、…から引く量として書きます」
    # 1_3「論文の式そのまま（学習率なし）にするための値です」
    n, kinds = _sgd(), {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "adam": Adam}
    kinds |= {"adagrad": AdaGrad, "rmsprop": RMSProp, "adadelta": Adadelta}
    assert {step.__name__ for step in n["RATES"]} == set(kinds)
    for step, rate in n["RATES"].items():
        kind = kinds[step.__name__]
        optimizer = kind(rate) if kind is not Adadelta else kind()
        rng, memory = np.random.default_rng(0), defaultdict(float)
        theta = ours = rng.normal(size=41)
        state = optimizer.init(theta)
        for _ in range(50):
            g = rng.normal(size=41) + 0.1 * theta
            theta = theta - step(g, rate, memory)
            ours, state = optimizer.step(ours, g, state)
            np.testing.assert_allclose(theta, ours, rtol=1e-6, atol=1e-9)


def test_nesterov_stands_at_the_point_ahead_where_its_gradient_is_taken() -> None:
    # 1_3「慣性で進んだ先の点で、g はそこでの勾配。」
    n, memory = _sgd(), defaultdict(float)
    A = np.diag([1.0, 30.0])
    ahead, here, speed = np.ones(2), np.ones(2), np.zeros(2)
    for _ in range(60):
        ahead = ahead - n["nesterov"](A @ ahead, 0.02, memory)
        speed = 0.9 * speed - 0.02 * A @ (here + 0.9 * speed)  # 論文の式
        here = here + speed
        np.testing.assert_allclose(ahead, here + 0.9 * speed, atol=1e-12)
    assert abs(ahead).max() < 0.2


def test_units_dead_for_every_input_never_come_back_and_stop_moving() -> None:
    # 1_3「どの x でも u が負になったユニットは、…の微分が 0 で、勾配が 0 になる。」
    # 1_3「残った速度でしばらく動いた後は、もう動かない。」
    n = _sgd()
    for seed in (0, 3):
        rng, memory = np.random.default_rng(seed), defaultdict(float)
        theta, since, path = rng.standard_normal(41), np.full(10, 1000), []
        for t, k in enumerate(rng.integers(100_000, size=1000)):
            dead = _resting(theta)
            assert (dead | (since > t)).all()  # 一度止まったら、戻らない
            since = np.where(dead, np.minimum(since, t), since)
            _, g = n["loss_and_gradient"](theta, n["x"][k : k + 1], n["d"][k : k + 1])
            assert not g[:40].reshape(4, 10)[:, dead].any()
            theta = theta - n["momentum"](g, 0.07, memory)
            path.append(theta[:40].reshape(4, 10))
        early = since < 700
        assert early.sum() > 5
        np.testing.assert_allclose(path[-1][:, early], path[-100][:, early], atol=1e-9)


def test_momentum_with_ten_times_the_rate_stops_more_units_than_were_at_rest_at_first() -> None:
    # 1_3「同じ向きの勾配が続くと、Momentum は…倍進む。行き過ぎて、」
    # 1_3「この四つの種では、3 個がはじめから止まっている。」
    n, stopped = _sgd(), {0.07: 0, 0.007: 0}
    for seed in range(4):
        first = _resting(np.random.default_rng(seed).standard_normal(41))
        assert first.sum() == 3
        for rate in stopped:
            losses, theta = n["train"](n["x"], n["d"], seed, rate=rate, step=n["momentum"])
            stopped[rate] += _resting(theta).sum() - 3
            assert (losses[-100:].mean() > 0.5) == (_resting(theta).sum() == 10)
            assert rate > 0.01 or losses[-100:].mean() < 0.01
    assert stopped[0.07] > 2 * stopped[0.007]


def test_error_goes_up_and_down_because_the_samples_differ() -> None:
    # 1_3「選ぶサンプルが毎回違うので、誤差は上下しながら減ります」
    n = _sgd()
    for seed in range(4):
        mixed, _ = n["train"](n["x"], n["d"], seed)
        assert 0.4 < (np.diff(mixed) > 0).mean() < 0.6
        means = mixed.reshape(10, 100).mean(axis=1)
        assert means[-1] < means[0] / 10
        same, _ = n["train"](n["x"][seed : seed + 1], n["d"][seed : seed + 1], seed)
        same = same[same > 1e-20]
        assert (np.diff(same) > 0).sum() <= 2


def test_range_of_ten_diverges_from_every_start_and_both_remedies_learn() -> None:
    # 1_3「のままでは学習できません。」「入力と正解を 5 で割ると、同じ学習率のまま学習できました。」
    # 1_3「学習率の上限は、入力の大きさで変わります。」
    n = _sgd()
    x, d = n["make_data"](-5, 5)
    for seed in range(100):
        losses, _ = n["train"](x, d, seed)
        assert len(losses) < 30
        assert losses[-1] > 1e6
    for seed in range(10, 13):
        for scale, rate in ((1, 0.005), (5, 0.07)):
            losses, _ = n["train"](x / scale, d / scale, seed, rate=rate)
            assert losses[-100:].mean() * scale**2 < d.var() / 2 / 20


def test_thousand_updates_leave_about_a_thousandth_of_the_error_of_the_mean() -> None:
    # 1_3「誤差は、平均を答えるだけのときの 0.54 の、1,000 分の 1 ほどになりました。」
    # 1_3「これを下回って初めて、入力から学んだといえます。」
    n = _sgd()
    ends = [n["train"](n["x"], n["d"], seed)[0][-100:].mean() for seed in range(100, 109)]
    assert max(ends) < n["d"].var() / 2 / 50
    assert 500 < n["d"].var() / 2 / np.median(ends) < 4000


def test_change_over_the_step_nears_the_derivative_as_the_step_shrinks() -> None:
    # 1_2「0.001 が 0 ではないので、少し違う。」
    n = _back()
    for place in np.ndindex(n["W2"].shape):
        misses = []
        for step in (1e-2, 1e-3, 1e-4):
            moved = n["W2"].copy()
            moved[place] += step
            y = n["forward"](n["x"], n["W1"], n["b1"], moved, n["b2"])[-1]
            change = (n["cross_entropy"](y, n["d"]) - n["E"]) / step
            misses.append(abs(change - n["grad_W2"][place]))
        np.testing.assert_allclose(np.divide(misses[:2], misses[1:]), 10, rtol=0.05)


def test_columns_are_units_rows_are_inputs_and_doubling_the_input_leaves_the_bias() -> None:
    # 1_1「は正の値をそのまま通すので」「列の一つひとつがユニットです」
    # 1_1「W の行の数は入力の数、列の数はユニットの数です」
    # 1_1「隣り合う層では、前の列の数と後の行の数が同じでなければなりません」
    # 1_1「重みの掛かった分だけが 2 倍になり、b は 2 倍にならない」
    n, rng = _forward(), np.random.default_rng(0)
    u = rng.normal(size=(4, 3))
    assert np.array_equal(n["relu"](u) == u, u > 0)
    x, W, b = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    whole = x @ W + b
    for j in range(3):
        changed = W.copy()
        changed[:, j] += 1
        assert (~np.isclose(x @ changed + b, whole)).any(axis=0).tolist() == [
            k == j for k in range(3)
        ]
    assert np.allclose(2 * x @ W + b, 2 * whole - b)
    for after, fits in (((3, 2), True), ((2, 3), False), ((4, 2), False)):
        layers = [(W, b, n["relu"]), (np.ones(after), np.zeros(after[1]), n["identity"])]
        with contextlib.nullcontext() if fits else pytest.raises(ValueError, match="matmul"):
            n["forward"](layers, x)


def test_three_problems_share_their_hidden_layer_and_part_only_at_the_output() -> None:
    # 1_1「中間層までの計算はどれも同じで、違うのは、出力層の重みとバイアス、出力の数」
    # 1_1「講座の mean_squared_error は要素の平均を取る」「通した y がはい（d=1）の確率です」
    ids = "setup", "three-layers", "any-depth", "multi-class", "regression", "binary"
    kept: list[tuple[Any, ...]] = []
    for last in ids[3:]:
        names = [*ids[:3], *ids[3 : ids.index(last) + 1]]
        n = dict(_cells("1_1_forward_propagation", *(f"{name}-code" for name in names)))
        kept.append((n["z1"], n["W2"].shape, n["y"].shape, n["d"].shape))
        assert n["y"].shape == n["d"].shape
        if last == "regression":
            assert np.isclose(n["E_mean"], (n["E"] / n["y"].size).item())
    assert all(np.array_equal(z1, kept[0][0]) for z1, *_ in kept)
    assert [shape for _, shape, _, _ in kept] == [(3, 4), (3, 2), (3, 1)]
    assert n["y"].item() > 0.5 > n["E"].item()  # 「はい」（d=1）の確率が高いので、誤差が小さい


def test_gradients_of_the_weights_join_what_came_in_with_the_delta_taken_at_u() -> None:
    # 1_2「どの層も、入ってきた値の転置と δ の積が重みの勾配です」
    # 1_2「出力層の δ を同じ重みで集め、活性化関数の微分を掛けます」
    # 1_2「に渡すのは z ではなく総入力 u です」「転置 W^⊤ を掛けることになります」
    # 1_2「は一度だけ計算し、出力層の勾配と中間層の δ の両方に使いました」
    n, rng = _back(), np.random.default_rng(0)
    for _ in range(10):
        params = [rng.normal(size=p.shape) for p in n["params"]]
        x, d = rng.normal(size=(1, 2)), np.eye(2)[[rng.integers(2)]]
        u1, z1, _, y = n["forward"](x, *params)
        grads = n["loss_and_gradients"](x, d, params)[1]
        for came, right in ((z1, True), (u1, (u1 > 0).all())):
            assert np.allclose(came.T @ (y - d), grads[2]) == right
        back = (y - d) @ params[2].T
        assert np.allclose(x.T @ (back * (u1 > 0)), grads[0])
        other = (y - d) @ rng.normal(size=(2, 3))  # 別の重みで集めると違う
        assert np.allclose(x.T @ (other * (u1 > 0)), grads[0]) == (not (u1 > 0).any())


def test_only_the_plain_method_forgets_and_every_method_wants_a_rate_of_its_own() -> None:
    # 1_3「ただの SGD は何も覚えません」「学習率は、方法ごとに選びました」
    # 1_3「最適化法を替えたら、学習率も選び直します」
    n = _sgd()
    for step in n["RATES"]:
        memory: dict[str, Any] = defaultdict(float)
        step(np.ones(3), 0.1, memory)
        assert (len(memory) == 0) == (step is n["sgd"])
    assert len(set(n["RATES"].values())) >= 5
    own, shared = {}, {}
    for name in ("momentum", "adam"):
        for rates, rate in ((own, n["RATES"][n[name]]), (shared, n["RATES"][n["sgd"]])):
            runs = [n["train"](n["x"], n["d"], s, rate=rate, step=n[name])[0] for s in range(3)]
            rates[name] = np.median([run[-100:].mean() for run in runs])
    assert all(own[name] < shared[name] / 3 for name in own), (own, shared)


def test_wrong_derivative_is_that_of_the_sigmoid_taken_at_the_output_and_still_learns() -> None:
    # 1_3「シグモイド関数の微分 σ(u)(1−σ(u)) に、u ではなく ReLU の出力 z を渡したものです」
    # 1_3「微分を取り違えても誤差は減ります。誤りを見つけるのは、中心差分との比較です」
    n, u = _sgd(), np.linspace(-5, 5, 101)
    sigma = 1 / (1 + np.exp(-u))
    factor = n["wrong"](u, np.maximum(u, 0))
    assert np.isclose(factor, sigma * (1 - sigma)).tolist() == (u >= -1e-9).tolist()
    for seed in range(20, 26):
        run = n["train"](n["x"], n["d"], seed, slope=n["wrong"])[0]
        assert run[-100:].mean() < run[:100].mean() / 2
        theta = np.random.default_rng(seed).standard_normal(41)
        g = n["loss_and_gradient"](theta, n["x"][:1], n["d"][:1])[1]
        wrong = n["loss_and_gradient"](theta, n["x"][:1], n["d"][:1], n["wrong"])[1]
        e = 1e-6 * np.eye(41)
        pairs = (
            [n["loss_and_gradient"](theta + s * v, n["x"][:1], n["d"][:1])[0] for s in (1, -1)]
            for v in e
        )
        slope = np.array([(a - b) / 2e-6 for a, b in pairs])
        miss = [np.linalg.norm(v - slope) / np.linalg.norm(slope) for v in (g, wrong)]
        assert miss[0] < 1e-6 < 0.01 < miss[1]


def test_differences_need_two_passes_for_each_parameter_and_no_derivative_of_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 1_2「17 個のパラメータを一つずつ ±h 動かし」
    # 1_2「順伝播が 17×2=34 回要りますが、逆伝播とは別の計算なので、確かめに使えます」
    n = _back()
    params, forward, passes, found = n["params"], n["forward"], [], {}
    counted = lambda *given: passes.append(1) or forward(*given)  # noqa: E731
    slopes = {"right": n["relu_derivative"], "wrong": lambda u: np.where(u > 0, 0.5, 0.0)}
    for name, slope in slopes.items():
        monkeypatch.setitem(n, "relu_derivative", slope)
        numerical = []
        for p in params:
            for index in np.ndindex(p.shape):
                kept, E = p[index], []
                for h in (1e-5, -1e-5):
                    p[index] = kept + h
                    E.append(n["cross_entropy"](counted(n["x"], *params)[-1], n["d"]))
                p[index] = kept
                numerical.append((E[0] - E[1]) / 2e-5)
        grads = n["loss_and_gradients"](n["x"], n["d"], params)[1]
        found[name] = np.array(numerical), np.concatenate([g.ravel() for g in grads])
    assert len(passes) == 2 * 34
    assert np.array_equal(found["right"][0], found["wrong"][0])
    agrees = [bool(np.allclose(*found[name], atol=1e-8)) for name in found]
    assert agrees == [True, False]
