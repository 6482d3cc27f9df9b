"""functions.py 対応表の文が述べる、ページの出力にまだ現れていない事実。

講座の関数は、ページの説明のとおりに書き直したもの。
"""

from __future__ import annotations

import numpy as np
import pytest
from course_code import course_cross_entropy_error, course_numerical_gradient

from dlnotes import activations, losses
from dlnotes.encoding import one_hot
from dlnotes.numerical import best_step_central, numerical_gradient

Array = np.ndarray


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def _softmax(x: Array) -> Array:
    if x.ndim == 2:
        x = x.T - x.T.max(axis=0)
        return (np.exp(x) / np.exp(x).sum(axis=0)).T
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def _grid() -> Array:
    rng = np.random.default_rng(0)
    return np.concatenate([[0.0, -0.0, 1e-300, -1e-300], rng.normal(scale=5, size=500)])


def test_hidden_activations_and_their_derivatives_have_the_same_values() -> None:
    # 「sigmoid、relu、step_function の値は、講座も dlnotes も同じです」「0 での値も同じ」
    # 「整数は小数にして返す」
    # 「大きな正の数のほかは値も同じ」「整数ではなく小数を返す」
    u = _grid()
    s = _sigmoid(u)
    for course, ours in (
        (s, activations.sigmoid),
        (np.maximum(0, u), activations.relu),
        (np.where(u > 0, 1, 0), activations.step),
        ((1 - s) * s, activations.sigmoid_derivative),
        (np.where(u > 0, 1, 0), activations.relu_derivative),
        (np.zeros_like(u), activations.step_derivative),
    ):
        assert np.allclose(course, ours(u), rtol=1e-8, atol=0)
        assert ours(np.arange(-3, 4)).dtype == np.float64


def test_course_sigmoid_overflows_where_ours_does_not() -> None:
    # 「…を計算するので、分母があふれて無限大になります」
    # 「大きな負の数でもあふれない」「整数を小数に変えます」
    for u in (-710.0, -1000.0, -1e308):
        with np.errstate(over="raise"):
            with pytest.raises(FloatingPointError):
                1 / (1 + np.exp(-np.float64(u)))
            assert 0 <= activations.sigmoid(u) < 1e-300
            assert activations.sigmoid(-u) == 1


def test_course_derivative_of_the_sigmoid_loses_its_digits_as_u_grows() -> None:
    # 「総入力が大きな正の数だと、講座の 1−σ(u) は桁を失い」
    u = np.arange(0.0, 60)
    s = _sigmoid(u)
    exact = np.exp(-u) / (1 + np.exp(-u)) ** 2
    error = abs((1 - s) * s / exact - 1)
    assert error[:6].max() < 1e-13
    assert error[30] > 1e-4
    assert ((1 - s) * s)[37:].max() == 0 < ((1 - s) * s)[36]
    assert np.allclose(activations.sigmoid_derivative(u), exact, rtol=1e-13, atol=0)
    left = -np.arange(0.0, 700, 10)
    mirror = activations.sigmoid_derivative(-left)
    assert np.allclose((1 - _sigmoid(left)) * _sigmoid(left), mirror, rtol=1e-12, atol=0)


def test_softmax_agrees_from_two_classes_on_and_refuses_the_other_shapes() -> None:
    # 「一次元と二次元では、2 クラス以上なら同じ。1 クラスと三次元は断る」
    # 「dlnotes は最後の軸で割るので、一次元も二次元も同じ式です」
    rng = np.random.default_rng(0)
    for K in (2, 3, 10):
        for shape in ((K,), (1, K), (K, K), (4, K)):
            u = rng.normal(scale=300, size=shape)
            assert np.allclose(_softmax(u), activations.softmax(u), rtol=1e-12)
    for refused in (np.zeros(1), np.zeros((4, 1)), np.zeros((2, 3, 4)), np.zeros(())):
        with pytest.raises(ValueError, match="必要ですが"):
            activations.softmax(refused)


def test_mean_squared_error_is_ours_averaged_and_divided_by_K() -> None:
    # 「N×K 個の差の二乗を平均して半分にします」
    # 「講座の値にするには、サンプルについて平均し、K で割ります」
    rng = np.random.default_rng(0)
    for N, K in rng.integers(1, 6, (30, 2)):
        y, d = rng.normal(size=(2, N, K))
        E = losses.squared_error(y, d)
        assert E.shape == (N,)
        # 「squared_error は、サンプルごとに K 個を足して半分にします」「平均は呼ぶ側が取ります」
        assert np.isclose(np.mean(np.square(d - y)) / 2, E.mean() / K)


def test_cross_entropy_error_takes_one_hot_or_numbers_and_ours_only_rows() -> None:
    # 「正解が one-hot か番号かを要素の数で推し量ります」
    # 「dlnotes は、確率と同じ形で各行の和が 1 の正解だけを受け取ります」
    # 「番号で書いた正解は、dlnotes では one_hot で行にしてから渡します」
    rng = np.random.default_rng(0)
    for N, K in ((1, 2), (3, 4), (5, 5)):
        y, indices = activations.softmax(rng.normal(size=(N, K))), rng.integers(0, K, N)
        d = one_hot(indices, K)
        course = course_cross_entropy_error(d, y)
        assert course == course_cross_entropy_error(indices, y)
        assert np.isclose(course, losses.cross_entropy(y, d).mean(), atol=1e-5)
        wrong = [indices, one_hot(indices, K + 1), 2 * d, 0 * d, d - np.roll(d, 1, axis=1) * 0.5]
        for bad in wrong:
            with pytest.raises(ValueError, match="必要ですが"):
                losses.cross_entropy(y, bad)


def test_adding_the_small_number_makes_every_error_smaller() -> None:
    # 「正解の番号の確率に 10^-7 を足してから対数を取り、平均します」
    # 「完全な予測の誤差は、講座の書き方ではわずかに負になり、dlnotes ではちょうど 0 です」
    p = np.concatenate([np.geomspace(1e-12, 1, 200), [1.0]])
    for y_k in p:
        y, d = np.array([y_k, 1 - y_k]), np.array([1.0, 0.0])
        course, ours = course_cross_entropy_error(d, y), losses.cross_entropy(y, d).item()
        assert course < ours
        assert np.isclose(ours - course, np.log1p(1e-7 / y_k), atol=1e-12)
    for K in (2, 3, 100):
        assert course_cross_entropy_error(np.eye(K), np.eye(K)) < 0
        assert (losses.cross_entropy(np.eye(K), np.eye(K)) == 0).all()


def test_error_of_the_course_levels_off_and_ours_keeps_rising() -> None:
    # 「確率が小さいと、足した 10^-7 のほうが大きくなり、誤差が頭打ちになります」
    # 「dlnotes は総入力から直接計算するので、頭打ちになりません」「確率を経ずに計算する」
    d, gaps = np.array([[1.0, 0.0]]), np.array([1.0, 5.0, 10.0, 20.0, 50.0, 500.0, 1e5, 1e300])
    logits = [np.array([[0.0, gap]]) for gap in gaps]
    course = np.array([course_cross_entropy_error(d, _softmax(u)) for u in logits])
    ours = np.array([losses.softmax_cross_entropy(u, d).item() for u in logits])
    assert course.max() <= -np.log(1e-7) < 16.12
    assert np.allclose(course[4:], -np.log(1e-7))
    assert np.allclose(course[:2], ours[:2], atol=2e-5)
    assert np.allclose(ours, np.logaddexp(0, gaps))
    assert (np.diff(ours) > 0).all()


def test_exponentials_do_not_overflow_but_squares_may() -> None:
    # 「指数を使う関数は、大きな値でもあふれない式で計算します」
    d = np.array([1.0, 0.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for size in (1e3, 1e100, 8e307):
            for u in (np.array([size, -size]), np.array([-size, size])):
                assert np.isfinite(activations.sigmoid(u)).all()
                assert np.isfinite(activations.sigmoid_derivative(u)).all()
                assert np.isfinite(activations.softmax(u)).all()
                assert np.isfinite(losses.softmax_cross_entropy(u, d))
                assert np.isfinite(losses.sigmoid_binary_cross_entropy(u, d)).all()
        with pytest.raises(FloatingPointError):
            losses.squared_error([1e200], [0.0])


def test_step_derivative_of_ours_keeps_the_shape() -> None:
    # 「一つの 0 か、同じ形の 0 か」「入力によらず一つの 0 を返すので、形が残りません」
    for shape in ((), (3,), (2, 3)):
        zeros = activations.step_derivative(np.ones(shape))
        assert zeros.shape == shape
        assert (zeros == 0).all()


def test_neither_gradient_of_the_squared_error_is_that_of_the_course_error_beyond_one_output() -> (
    None
):
    # 「講座の d_mean_squared_error はサンプルの数 N で割り、dlnotes は割りません」
    # 「…で割る必要があり、…ならどちらもそうなっていないことが、数値微分からわかります」
    rng = np.random.default_rng(0)
    for N, K in [(n, k) for n in (1, 2, 3) for k in (1, 2, 3)]:
        y, d = rng.normal(size=(2, N, K))
        truth = numerical_gradient(lambda y, d=d: np.mean(np.square(d - y)) / 2, y)
        course, ours = (y - d) / d.shape[0], losses.squared_error_gradient(y, d)
        assert np.allclose(course, K * truth, atol=1e-8)
        assert np.allclose(ours, N * K * truth, atol=1e-8)
        assert np.allclose(course, truth, atol=1e-8) == (K == 1)
        assert np.allclose(ours, truth, atol=1e-8) == (N * K == 1)


def test_gradients_at_the_output_differ_only_by_the_number_of_samples_of_many_classes() -> None:
    # 「どちらも差 y−d ですが、講座は多クラスだけを N で割ります」
    # 「dlnotes は総入力を受け取り、確率は中で計算します」
    # 「比が 2 なのは、サンプルが 2 個だからです」
    rng = np.random.default_rng(0)
    for N, K in ((1, 2), (2, 2), (5, 3)):
        u, d = rng.normal(size=(N, K)), np.eye(K)[rng.integers(0, K, N)]
        course = (_softmax(u) - d) / N
        assert np.allclose(losses.softmax_cross_entropy_gradient(u, d), N * course)
        mean = numerical_gradient(lambda u, d=d: losses.softmax_cross_entropy(u, d).mean(), u)
        assert np.allclose(course, mean, atol=1e-8)
        binary = losses.sigmoid_binary_cross_entropy_gradient(u[:, 0], d[:, 0])
        assert np.allclose(binary, _sigmoid(u[:, 0]) - d[:, 0])


def test_arguments_of_ours_are_output_first() -> None:
    # 「講座の誤差関数は正解が先の (d,y)、dlnotes は出力が先の (y,d) です」
    y, d = np.array([[0.2, 0.8]]), np.array([[0.0, 1.0]])
    assert losses.cross_entropy(y, d)[0] == -np.log(0.8) != losses.cross_entropy(d, y)[0]
    assert losses.softmax_cross_entropy(5 * y, d)[0] < 1
    with pytest.raises(ValueError, match="確率"):
        losses.softmax_cross_entropy(d, 5 * y)
    assert (losses.squared_error_gradient(y, d) == y - d).all()
    assert np.allclose(losses.softmax_cross_entropy_gradient(y, d), _softmax(y) - d)


def test_numerical_gradient_of_the_course_moves_the_array_itself_and_ours_a_copy() -> None:
    # 「渡された配列の要素を動かしてから元に戻します」
    # 「途中では、同じ配列を持つほかの変数も動いています」
    # 「dlnotes は動かした写しを作るので、元の配列は変わりません」
    for gradient in (course_numerical_gradient, numerical_gradient):
        x = np.array([3.0, 4.0, 5.0])
        alias, seen = x, []

        def f(v: Array, alias: Array = alias, seen: list[Array] = seen) -> float:
            seen.append(alias.copy())
            return float((v**2).sum())

        assert np.allclose(gradient(f, x), [6, 8, 10])
        assert alias.tolist() == [3, 4, 5]
        moved = sum(not np.array_equal(v, [3, 4, 5]) for v in seen)
        assert moved == (6 if gradient is course_numerical_gradient else 0)


def test_both_numerical_gradients_agree_for_vectors_of_float64_of_usual_size() -> None:
    # 「一次元の float64 で、値が大きすぎなければ、どちらの勾配もほぼ同じです」
    # 「講座は刻み幅を 10^-4 に決めていますが、dlnotes は dtype の精度から選びます」
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = rng.uniform(-3, 3, 4)
        for f in (lambda x: (x**2).sum(), lambda x: np.sin(x).sum(), lambda x: np.exp(x[0] * x[1])):
            assert np.allclose(course_numerical_gradient(f, x), numerical_gradient(f, x), rtol=1e-5)
    assert best_step_central(np.float64) < 1e-4 < best_step_central(np.float32)
    far = np.array([3000.0, 4000.0], dtype=np.float32)
    assert (course_numerical_gradient(lambda x: (x**2).sum(), far.copy()) == 0).all()
    assert (numerical_gradient(lambda x: (x**2).sum(), far) > 5000).all()
