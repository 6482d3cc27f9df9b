"""訂正一覧の文が述べる、出力にまだ現れていない事実。

講座の関数は、ページの説明のとおりに書き直したもの。
"""

from __future__ import annotations

import numpy as np
import pytest
from course_code import course_cross_entropy_error, course_numerical_gradient

from dlnotes import losses, optimizers
from dlnotes.activations import softmax
from dlnotes.numerical import numerical_gradient
from dlnotes.optimizers import SGD

Array = np.ndarray


def test_one_hot_of_a_wrong_length_passes_only_as_integers_and_for_two_sample_counts() -> None:
    # 「五つのクラスの番号とみなされ、意味のない値が出ます」
    # 「整数の one-hot も、サンプルの数が 1 か」
    # 「なら、番号の並びとして黙って計算されます。」
    # 「要素の数が…と同じなら one-hot、違えばクラスの番号とみなす。」
    rng = np.random.default_rng(0)
    for K, wrong in ((4, 5), (4, 3), (2, 3), (5, 2)):
        for N in range(1, 8):
            y = 0.9 * rng.dirichlet(np.ones(K), size=N) + 0.1 / K
            number = rng.integers(min(K, wrong), size=N)
            right = float(losses.cross_entropy(y, np.eye(K)[number]).mean())
            assert np.isclose(
                course_cross_entropy_error(np.eye(K, dtype=int)[number], y), right, rtol=1e-4
            )
            assert np.isclose(course_cross_entropy_error(number, y), right, rtol=1e-4)
            d = np.eye(wrong, dtype=int)[number]
            if N in (1, wrong):
                assert course_cross_entropy_error(d, y) > right
            else:
                with pytest.raises(IndexError):
                    course_cross_entropy_error(d, y)
            with pytest.raises(IndexError):  # 小数の one-hot は、番号にならない
                course_cross_entropy_error(d.astype(float), y)


def test_only_rows_that_sum_to_one_in_the_shape_of_the_probabilities_are_taken() -> None:
    # 「確率と同じ形で、各行の和が 1 の正解だけを受け取ります。」
    y, right = np.full((2, 3), 1 / 3), np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    assert losses.cross_entropy(y, right).shape == (2,)
    for d in (right[:1], right[:, :2], right.T, right.ravel(), np.array([0, 2])):
        with pytest.raises(ValueError, match="labels"):
            losses.cross_entropy(y, d)
    for d in (2 * right, 0 * right, right + np.eye(2, 3) / 9, right - 0.1):
        with pytest.raises(ValueError, match="labels"):
            losses.cross_entropy(y, d)


def test_three_dimensional_softmax_sums_to_one_over_everything_and_never_in_a_row() -> None:
    # 「二次元のときだけ行ごとに計算し、ほかは全体で計算する。」
    # 「三次元の配列では、確率の和が 1 になるのは全体であって、行ごとではありません。」
    rng = np.random.default_rng(0)
    for shape in ((2, 3, 4), (1, 2, 5), (3, 2, 2)):
        u = rng.normal(scale=3, size=shape)
        y = np.exp(u - u.max()) / np.exp(u - u.max()).sum()
        assert np.isclose(y.sum(), 1)
        assert (y.sum(axis=-1) < 1).all()
        rows = softmax(u.reshape(-1, shape[-1])).reshape(shape)
        assert np.allclose(rows.sum(axis=-1), 1)
        assert np.allclose(y / y.sum(axis=-1, keepdims=True), rows)


def test_gradient_of_one_column_is_halved_and_of_more_columns_never_finished() -> None:
    # 「2 列以上で止まるのは、要素の数まで進む番号が、行の数を超えるからです」
    # 「二次元の x[idx] は行への参照なので、覚えたはずの値もいっしょに動きます。」
    # 「1 列なら勾配が半分になり、2 列以上なら途中で止まります。」
    rng = np.random.default_rng(0)
    f = lambda x: float(np.sin(x).sum() + (x**3).sum())  # noqa: E731
    for shape in ((1,), (5,), (1, 1), (6, 1), (1, 2), (4, 2), (2, 7)):
        x = rng.normal(size=shape)
        true, before = np.cos(x) + 3 * x**2, x.copy()
        if len(shape) == 2 and shape[1] > 1:
            with pytest.raises(IndexError):
                course_numerical_gradient(f, x)
            continue
        share = 1 if len(shape) == 1 else 0.5
        assert np.allclose(course_numerical_gradient(f, x), share * true, atol=1e-3)
        assert np.allclose(x, before)
        assert np.allclose(numerical_gradient(f, x), true, atol=1e-6)


def test_written_fraction_is_cut_towards_zero_and_only_one_side_moves() -> None:
    # 「整数の配列では、書き込んだ小数が 0 のほうへ切り捨てられます。」
    # 「正の成分は…を足しても動かず、引くと 1 減ります（負の成分はその逆です）。」
    # 「勾配は大きく外れ、0 の成分では 0 になります。」
    for value in (1, 2, 9, -1, -2, -9, 0):
        moved = []
        for h in (1e-4, -1e-4):
            x = np.array([value])
            x[0] = x[0] + h
            moved.append(x[0] - value)
        assert moved == ([0, -1] if value > 0 else [1, 0] if value < 0 else [0, 0])
        f = lambda x: float((x**2).sum())  # noqa: E731
        wrong = course_numerical_gradient(f, np.array([value]))[0]
        assert (wrong == 0) if value == 0 else abs(wrong - 2 * value) > 1000
        assert np.isclose(numerical_gradient(f, np.array([value]))[0], 2 * value, atol=1e-6)


def test_no_update_of_the_site_writes_into_the_values_it_was_given() -> None:
    # 「更新は新しい配列を返し、前の値を書き換えません。」
    # 「同じ配列を書き換えるので、ほかの名前で持っている値も変わります。」
    rng = np.random.default_rng(0)
    for name in ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSProp", "Adadelta", "Adam"):
        kind = getattr(optimizers, name)
        optimizer = kind() if name == "Adadelta" else kind(0.1)
        theta, g = rng.normal(size=(2, 5))
        state = optimizer.init(theta)
        for _ in range(3):
            kept, alias = theta.copy(), theta
            theta, state = optimizer.step(theta, g, state)
            assert not np.shares_memory(theta, alias)
            assert np.array_equal(alias, kept)
        kept, alias = theta.copy(), theta
        theta -= 0.1 * g  # 講座の書き方
        assert not np.array_equal(alias, kept)


def test_gradient_divided_wrongly_is_off_by_the_classes_or_by_the_samples() -> None:
    # 「サンプル 1 個を一次元で渡すと、…はクラスの数」「誤差関数の勾配と一致しません。」
    # 「どちらも…で割ります。」「割らないことは、学習率を…倍にするのと同じです。」
    rng = np.random.default_rng(0)
    for n in (1, 2, 7):
        u, d = rng.normal(size=n + 1), np.eye(n + 1)[rng.integers(n + 1)]
        by_value = numerical_gradient(lambda u, d=d: losses.softmax_cross_entropy(u, d), u)
        assert np.allclose(by_value, (n + 1) * (softmax(u) - d) / d.shape[0], atol=1e-8)
        u, d = rng.normal(size=(n, 1)), rng.integers(2, size=(n, 1)).astype(float)
        mean = lambda u, d=d: losses.sigmoid_binary_cross_entropy(u, d).mean()  # noqa: E731
        course, right = 1 / (1 + np.exp(-u)) - d, numerical_gradient(mean, u)
        assert np.allclose(course, n * right, atol=1e-8)
        ends = [
            optimizers.SGD(r).step(u.ravel(), g.ravel(), ())[0]
            for r, g in ((0.1, course), (0.1 * n, right))
        ]
        assert np.allclose(*ends)


def test_integers_cannot_be_updated_in_place_by_any_fraction() -> None:
    # 「パラメータを整数で用意すると、この行はエラーになります」
    # 「ブロードキャストできるのは、N が 1 か K' のときだけです」
    for dtype in (np.int8, np.int64):
        for gradient in (np.ones(2), np.ones(2, dtype=np.float32), np.array([1, 2])):
            W = np.array([1, 2], dtype=dtype)
            with pytest.raises(TypeError):
                W -= 0.1 * gradient
            assert W.tolist() == [1, 2]
    with pytest.raises(TypeError, match="浮動小数点数"):
        SGD(0.1).step(np.array([1, 2]), np.ones(2), ())
    for N in range(1, 7):
        for K in range(2, 7):
            try:
                fits = np.broadcast_shapes((N,), (N, K)) == (N, K)
            except ValueError:
                fits = False
            assert fits == (N in (1, K))
