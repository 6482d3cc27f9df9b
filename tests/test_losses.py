"""誤差関数の閉じた式、極限、勾配。ソフトマックスとの組は 60 桁の計算と比べます。"""

import math
import re
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlnotes import losses
from dlnotes.activations import sigmoid, softmax
from dlnotes.losses import (
    absolute_error,
    absolute_error_gradient,
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    cross_entropy,
    cross_entropy_gradient,
    entropy,
    huber,
    huber_gradient,
    kl_divergence,
    sigmoid_binary_cross_entropy,
    sigmoid_binary_cross_entropy_gradient,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
    squared_error,
    squared_error_gradient,
)
from dlnotes.numerical import central_difference, numerical_gradient, relative_error

quick = settings(max_examples=50)
REGRESSION = [
    (squared_error, squared_error_gradient),
    (absolute_error, absolute_error_gradient),
    (huber, huber_gradient),
]
CATEGORICAL = [
    (cross_entropy, cross_entropy_gradient),
    (softmax_cross_entropy, softmax_cross_entropy_gradient),
]
BINARY = [
    (binary_cross_entropy, binary_cross_entropy_gradient),
    (sigmoid_binary_cross_entropy, sigmoid_binary_cross_entropy_gradient),
]


def names(value):
    return getattr(value, "__name__", None)


every_regression = pytest.mark.parametrize("f", [f for pair in REGRESSION for f in pair], ids=names)
every_categorical = pytest.mark.parametrize(
    "f", [f for pair in CATEGORICAL for f in pair], ids=names
)
every_binary = pytest.mark.parametrize("f", [f for pair in BINARY for f in pair], ids=names)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
shapes = st.tuples(st.integers(1, 4), st.integers(2, 5))


def arrays(low, high, shape=shapes):
    return hnp.arrays(np.float64, shape, elements=st.floats(low, high))


@st.composite
def rows_and_labels(draw):
    """同じ形の、ロジットの行と、確率分布の行。"""
    shape = draw(shapes)
    weights = draw(arrays(0, 1, shape)) + np.eye(shape[1])[draw(st.integers(0, shape[1] - 1))]
    return draw(arrays(-1e3, 1e3, shape)), weights / weights.sum(axis=-1, keepdims=True)


def exact_softmax_cross_entropy(u, d):
    with localcontext() as context:
        context.prec = 60
        u, d = ([Decimal(float(value)) for value in row] for row in (u, d))
        log_sum = sum(value.exp() for value in u).ln()
        return float(sum(dk * (log_sum - uk) for uk, dk in zip(u, d, strict=True)))


def exact_sigmoid_binary_cross_entropy(u, d):
    with localcontext() as context:
        context.prec = 900
        u, d = Decimal(u), Decimal(d)
        return float((1 + u.exp()).ln() - d * u)


# 回帰の誤差 -----------------------------------------------------------------------------


def test_squared_error_of_the_notebook():
    assert squared_error([1.02, 2.29], [2, 4]) == pytest.approx(1.94225)
    assert squared_error([1.02, 2.29], [2, 4]) / 2 == pytest.approx(0.971125)


def test_each_regression_error_by_hand():
    y, d = [[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]], [[1.5, 2.0, 3.0], [0.0, 0.0, -2.0]]
    assert squared_error(y, d).tolist() == [(0.25 + 9) / 2, 2]
    assert absolute_error(y, d).tolist() == [3.5, 2]
    assert huber(y, d).tolist() == [0.125 + 2.5, 1.5]
    assert squared_error_gradient(y, d).tolist() == [[-0.5, 0, 3], [0, 0, 2]]
    assert absolute_error_gradient(y, d).tolist() == [[-1, 0, 1], [0, 0, 1]]
    assert huber_gradient(y, d).tolist() == [[-0.5, 0, 1], [0, 0, 1]]


@quick
@given(arrays(-1e3, 1e3, 4), st.floats(0.1, 10))
def test_huber_is_quadratic_inside_and_linear_outside(e, delta):
    inside = np.abs(e) <= delta
    wanted = np.where(inside, e**2 / 2, delta * (np.abs(e) - delta / 2))
    assert huber(e, np.zeros(4), delta=delta) == pytest.approx(wanted.sum(), rel=1e-12, abs=1e-300)


def test_huber_and_its_gradient_are_continuous_at_the_border():
    below, border, above = (huber([e], [0.0], delta=2) for e in (2 - 1e-9, 2, 2 + 1e-9))
    assert below < border < above
    assert above - below == pytest.approx(4e-9, rel=1e-5)
    assert huber_gradient([2.0, 2 + 1e-9, -3.0], [0.0] * 3, delta=2).tolist() == [2, 2, -2]


def test_huber_with_a_large_delta_is_the_squared_error():
    y, d = [3.0, -8.0], [1.0, 1.0]
    assert huber(y, d, delta=100) == squared_error(y, d)


@every_regression
@both_dtypes
@pytest.mark.parametrize("shape", [(1,), (3,), (1, 1), (4, 3)])
def test_regression_keeps_shape_and_dtype_of_the_output(f, dtype, shape):
    value = f(np.ones(shape, dtype), np.zeros(shape))
    assert value.shape == (shape if f.__name__.endswith("gradient") else shape[:-1])
    assert value.dtype == dtype


@every_regression
def test_regression_takes_integers(f):
    value = f(np.array([1, 2]), np.array([3, 0]))
    np.testing.assert_array_equal(value, f([1.0, 2.0], [3.0, 0.0]))
    assert value.dtype == np.float64


@every_regression
@pytest.mark.parametrize(
    ("y", "d", "error", "message"),
    [
        ([1.0, 2.0], [1.0], ValueError, "y と d は同じ形が必要ですが (2,) と (1,) でした"),
        (np.ones((2, 1)), np.ones(2), ValueError, "y と d は同じ形が必要ですが (2, 1) と (2,)"),
        (1.0, 1.0, ValueError, "y は (K,) か (N, K) の形が必要ですが () でした"),
        (np.ones((1, 1, 1)), np.ones((1, 1, 1)), ValueError, "の形が必要ですが (1, 1, 1) でした"),
        (np.ones((0, 2)), np.ones((0, 2)), ValueError, "y は 1 個以上の値が必要ですが (0, 2)"),
        ([np.nan], [1.0], ValueError, "y は有限の値が必要"),
        ([1.0], [np.nan], ValueError, "d は有限の値が必要"),
        ([np.inf], [1.0], ValueError, "y は有限の値が必要"),
        ([1j], [1.0], TypeError, "y は実数の配列が必要"),
        ([1.0], ["a"], TypeError, "d は実数の配列が必要"),
    ],
)
def test_regression_refuses_bad_input(f, y, d, error, message):
    with pytest.raises(error, match=re.escape(message)):
        f(y, d)


@pytest.mark.parametrize("f", [huber, huber_gradient])
@pytest.mark.parametrize(
    ("delta", "error", "message"),
    [
        (0, ValueError, "delta は正の数が必要ですが 0 でした"),
        (-1, ValueError, "delta は正の数が必要ですが -1 でした"),
        (np.nan, ValueError, "delta は正の数が必要ですが nan でした"),
        (None, TypeError, "delta は数が必要ですが NoneType でした"),
    ],
)
def test_huber_refuses_a_bad_delta(f, delta, error, message):
    with pytest.raises(error, match=message):
        f([1.0], [0.0], delta=delta)


# 多クラスの交差エントロピー -------------------------------------------------------------


def test_cross_entropy_of_the_notebook():
    y = [0.0160, 0.0571, 0.2032, 0.7237]
    assert cross_entropy(y, [0, 0, 0, 1]) == pytest.approx(0.32342, abs=5e-5)
    assert softmax_cross_entropy([1.86, 4.21], [0, 1]) == pytest.approx(0.09109, abs=5e-6)
    np.testing.assert_allclose(
        softmax_cross_entropy_gradient([1.86, 4.21], [0, 1]), [0.08707, -0.08707], atol=5e-6
    )


def test_saturated_logits_give_the_true_loss_and_gradient():
    assert softmax_cross_entropy([0.0, 20.0], [1, 0]) == pytest.approx(20 + 2.06e-9, rel=1e-12)
    np.testing.assert_allclose(softmax_cross_entropy_gradient([0.0, 20.0], [1, 0]), [-1, 1])


@pytest.mark.parametrize(
    "u",
    [
        [1e3, -1e3, 0.0],
        [-1e3, -1e3, -1e3],
        [1e3, 1e3, 999.5],
        [0.5, -1.5, 3.0],
        [-1e3, -999.0, -998.5],
    ],
)
@pytest.mark.parametrize("d", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.25, 0.25]])
def test_softmax_cross_entropy_agrees_with_sixty_decimal_digits(u, d):
    exact = exact_softmax_cross_entropy(u, d)
    assert softmax_cross_entropy(u, d) == pytest.approx(exact, rel=1e-13, abs=1e-15)


@quick
@given(rows_and_labels())
def test_both_forms_agree_where_probabilities_do_not_underflow(case):
    u, d = case[0] / 10, case[1]
    np.testing.assert_allclose(
        softmax_cross_entropy(u, d), cross_entropy(softmax(u), d), rtol=1e-11, atol=1e-13
    )


@quick
@given(rows_and_labels(), st.floats(-1e3, 1e3))
def test_shifting_the_logits_changes_nothing(case, c):
    u, d = case
    np.testing.assert_allclose(
        softmax_cross_entropy(u + c, d), softmax_cross_entropy(u, d), rtol=1e-11, atol=1e-11
    )


@quick
@given(rows_and_labels(), st.randoms(use_true_random=False))
def test_renaming_the_classes_changes_nothing(case, random):
    u, d = case
    order = list(range(u.shape[1]))
    random.shuffle(order)
    np.testing.assert_allclose(
        softmax_cross_entropy(u[:, order], d[:, order]),
        softmax_cross_entropy(u, d),
        rtol=1e-13,
        atol=1e-13,
    )
    np.testing.assert_allclose(
        softmax_cross_entropy_gradient(u[:, order], d[:, order]),
        softmax_cross_entropy_gradient(u, d)[:, order],
        rtol=1e-13,
        atol=1e-15,
    )


@quick
@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0, 1))
def test_two_classes_are_a_sigmoid_of_the_difference(u0, u1, d):
    assert softmax_cross_entropy([u0, u1], [1 - d, d]) == pytest.approx(
        sigmoid_binary_cross_entropy([u1 - u0], [d])[0], rel=1e-12, abs=1e-12
    )


@quick
@given(rows_and_labels())
def test_categorical_losses_are_at_least_the_entropy_of_the_labels(case):
    u, d = case
    for E in (softmax_cross_entropy(u, d), cross_entropy(softmax(u), d)):
        assert (E >= 0).all()
        assert (entropy(d) - 1e-12 <= E).all()


@both_dtypes
def test_a_perfect_prediction_costs_exactly_nothing(dtype):
    d = np.eye(3, dtype=dtype)
    for E in (cross_entropy(d, d), softmax_cross_entropy(2e3 * d - 1e3, d)):
        assert E.tolist() == [0, 0, 0]
        assert not np.signbit(E).any()


def test_a_probability_rounded_above_one_does_not_make_the_loss_negative():
    E = cross_entropy([1 + 1e-6, 0.0], [1, 0])
    assert E == 0
    assert not np.signbit(E)


def test_a_sure_and_wrong_prediction_costs_infinity_without_a_warning():
    assert cross_entropy([[1.0, 0.0], [0.5, 0.5]], [[0, 1], [0, 1]]).tolist() == [
        math.inf,
        math.log(2),
    ]
    gradient = cross_entropy_gradient([[1.0, 0.0], [1.0, 0.0]], [[0, 1], [1, 0]])
    assert gradient.tolist() == [[0, -math.inf], [-1, 0]]
    assert not np.signbit(gradient[gradient == 0]).any()


@every_categorical
@both_dtypes
@pytest.mark.parametrize("shape", [(2,), (5,), (1, 2), (4, 5)])
def test_categorical_keeps_shape_and_dtype_of_the_output(f, dtype, shape):
    uniform = np.full(shape, 1 / shape[-1])
    value = f(uniform.astype(dtype), uniform)
    assert value.shape == (shape if f.__name__.endswith("gradient") else shape[:-1])
    assert value.dtype == dtype


@every_categorical
@pytest.mark.parametrize(
    ("y", "d", "error", "message"),
    [
        ([0.5, 0.5], [1, 0, 0], ValueError, "と labels は同じ形が必要ですが (2,) と (3,) でした"),
        ([[0.5, 0.5]], [1, 0], ValueError, "と labels は同じ形が必要ですが (1, 2) と (2,) でした"),
        (
            [0.5, 0.5],
            [[1], [1]],
            ValueError,
            "labels は 2 個以上のクラスが必要ですが (2, 1) でした",
        ),
        ([0.5, 0.5], [1, 1], ValueError, "labels は各行の和が 1 の確率が必要ですが和が 2 でした"),
        ([0.5, 0.5], [2, -1], ValueError, "labels は 0 以上の確率が必要ですが -1 がありました"),
        ([0.5, 0.5], [np.nan, 1], ValueError, "labels は有限の値が必要"),
        ([0.5, np.nan], [0, 1], ValueError, "は有限の値が必要"),
        ([0.5, 0.5], ["a", "b"], TypeError, "labels は実数の配列が必要"),
        (["a", "b"], [0, 1], TypeError, "は実数の配列が必要"),
        (np.ones((0, 2)), np.ones((0, 2)), ValueError, "は 1 個以上の値が必要ですが (0, 2) でした"),
    ],
)
def test_categorical_refuses_bad_input(f, y, d, error, message):
    with pytest.raises(error, match=re.escape(message)):
        f(y, d)


@pytest.mark.parametrize("f", [cross_entropy, cross_entropy_gradient])
def test_cross_entropy_does_not_take_logits_for_probabilities(f):
    with pytest.raises(ValueError, match="probabilities は各行の和が 1 の確率が必要ですが和が 3"):
        f([1.0, 2.0], [0, 1])


# 二値の交差エントロピー -----------------------------------------------------------------


def test_binary_cross_entropy_of_the_notebook():
    assert binary_cross_entropy([0.87435], [1])[0] == pytest.approx(0.13427, abs=1e-5)
    assert sigmoid_binary_cross_entropy([1.94], [1])[0] == pytest.approx(0.13427, abs=5e-6)
    assert binary_cross_entropy([0.1], [0])[0] == pytest.approx(0.1054, abs=5e-5)


@pytest.mark.parametrize("u", [-1e3, -40.0, -1.5, 0.0, 0.3, 40.0, 1e3])
@pytest.mark.parametrize("d", [0.0, 1.0, 0.25])
def test_sigmoid_binary_cross_entropy_agrees_with_many_decimal_digits(u, d):
    exact = exact_sigmoid_binary_cross_entropy(u, d)
    assert sigmoid_binary_cross_entropy([u], [d])[0] == pytest.approx(exact, rel=1e-14, abs=1e-300)


@quick
@given(st.floats(-30, 30), st.floats(0, 1))
def test_both_binary_forms_agree(u, d):
    assert sigmoid_binary_cross_entropy([u], [d])[0] == pytest.approx(
        binary_cross_entropy(sigmoid([u]), [d])[0], rel=1e-3, abs=1e-12
    )


@quick
@given(arrays(0, 1, 3), arrays(0, 1, 3))
def test_binary_cross_entropy_is_the_two_class_cross_entropy(y, d):
    two = cross_entropy(np.column_stack([1 - y, y]), np.column_stack([1 - d, d]))
    np.testing.assert_array_equal(binary_cross_entropy(y, d), two)


@quick
@given(arrays(-1e3, 1e3, 3), arrays(0, 1, 3))
def test_swapping_the_two_classes_changes_nothing(u, d):
    np.testing.assert_allclose(
        sigmoid_binary_cross_entropy(-u, 1 - d),
        sigmoid_binary_cross_entropy(u, d),
        rtol=1e-12,
        atol=1e-12,
    )


@quick
@given(arrays(-1e3, 1e3, 3), arrays(0, 1, 3))
def test_binary_losses_are_never_negative(u, d):
    assert (sigmoid_binary_cross_entropy(u, d) >= 0).all()
    assert (binary_cross_entropy(sigmoid(u), d) >= 0).all()


@both_dtypes
def test_a_perfect_binary_prediction_costs_exactly_nothing(dtype):
    d = np.array([0, 1], dtype)
    for E in (binary_cross_entropy(d, d), sigmoid_binary_cross_entropy(2e3 * d - 1e3, d)):
        assert E.tolist() == [0, 0]
        assert not np.signbit(E).any()


def test_a_sure_and_wrong_binary_prediction_costs_infinity_without_a_warning():
    assert binary_cross_entropy([1.0, 0.0], [0, 1]).tolist() == [math.inf, math.inf]
    assert binary_cross_entropy_gradient([1.0, 0.0], [0, 1]).tolist() == [math.inf, -math.inf]
    assert binary_cross_entropy_gradient([1.0, 0.0], [1, 0]).tolist() == [-1, 1]


@pytest.mark.parametrize(("f", "gradient"), BINARY, ids=names)
def test_multi_label_adds_the_independent_problems(f, gradient):
    y, d = np.array([[0.1, 0.7, 0.4], [0.2, 0.9, 0.6]]), np.array([[0, 1, 1], [0, 0, 1]])
    np.testing.assert_allclose(f(y, d), sum(f(y[:, m], d[:, m]) for m in range(3)))
    np.testing.assert_array_equal(gradient(y, d)[:, 1], gradient(y[:, 1], d[:, 1]))


@every_binary
@both_dtypes
@pytest.mark.parametrize("shape", [(1,), (4,), (4, 1), (4, 3)])
def test_binary_keeps_shape_and_dtype_of_the_output(f, dtype, shape):
    value = f(np.full(shape, 0.5, dtype), np.ones(shape))
    assert value.shape == (shape if f.__name__.endswith("gradient") else shape[:1])
    assert value.dtype == dtype


@every_binary
@pytest.mark.parametrize(
    ("y", "d", "error", "message"),
    [
        ([0.5, 0.5], [1], ValueError, "と labels は同じ形が必要ですが (2,) と (1,) でした"),
        ([[0.5]], [1], ValueError, "と labels は同じ形が必要ですが (1, 1) と (1,) でした"),
        (0.5, 1, ValueError, "は (N,) か (N, M) の形が必要ですが () でした"),
        (np.ones((1, 1, 1)), np.ones((1, 1, 1)), ValueError, "の形が必要ですが (1, 1, 1) でした"),
        ([0.5], [1.5], ValueError, "labels は 0 以上 1 以下の値が必要ですが 1.5 がありました"),
        ([0.5], [-0.5], ValueError, "labels は 0 以上 1 以下の値が必要ですが -0.5 がありました"),
        ([np.nan], [1], ValueError, "は有限の値が必要"),
        ([0.5], [np.nan], ValueError, "labels は有限の値が必要"),
        ([1j], [1], TypeError, "は実数の配列が必要"),
        ([0.5], [None], TypeError, "labels は実数の配列が必要"),
        ([], [], ValueError, "は 1 個以上の値が必要ですが (0,) でした"),
    ],
)
def test_binary_refuses_bad_input(f, y, d, error, message):
    with pytest.raises(error, match=re.escape(message)):
        f(y, d)


@pytest.mark.parametrize("f", [binary_cross_entropy, binary_cross_entropy_gradient])
@pytest.mark.parametrize("y", [-0.1, 1.1])
def test_binary_cross_entropy_does_not_take_logits_for_probabilities(f, y):
    message = f"probabilities は 0 以上 1 以下の値が必要ですが {y} がありました"
    with pytest.raises(ValueError, match=message):
        f([y], [1])


# 勾配 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("f", "gradient"), REGRESSION, ids=names)
def test_regression_gradient_is_the_slope(f, gradient):
    rng = np.random.default_rng(0)
    y, d = rng.standard_normal((4, 3)), 2 * rng.standard_normal((4, 3))
    slope = numerical_gradient(lambda y: f(y, d).sum(), y)
    assert relative_error(gradient(y, d), slope) <= 1e-7


@pytest.mark.parametrize("soft", [False, True])
def test_softmax_cross_entropy_gradient_is_the_slope(soft):
    rng = np.random.default_rng(1)
    u = 3 * rng.standard_normal((4, 3))
    d = softmax(rng.standard_normal((4, 3))) if soft else np.eye(3)[[0, 2, 1, 1]]
    slope = numerical_gradient(lambda u: softmax_cross_entropy(u, d).sum(), u)
    assert relative_error(softmax_cross_entropy_gradient(u, d), slope) <= 1e-7


def test_cross_entropy_gradient_is_the_slope():
    rng = np.random.default_rng(2)
    y, d = softmax(rng.standard_normal((4, 3))), softmax(rng.standard_normal((4, 3)))
    slope = numerical_gradient(lambda y: cross_entropy(y, d).sum(), y, h=1e-6)
    assert relative_error(cross_entropy_gradient(y, d), slope) <= 1e-7


@pytest.mark.parametrize("shape", [(5,), (4, 3)])
def test_binary_gradients_are_the_slopes(shape):
    rng = np.random.default_rng(3)
    u, d = 2 * rng.standard_normal(shape), rng.random(shape)
    slope = numerical_gradient(lambda u: sigmoid_binary_cross_entropy(u, d).sum(), u)
    assert relative_error(sigmoid_binary_cross_entropy_gradient(u, d), slope) <= 1e-7
    y = rng.uniform(0.1, 0.9, shape)
    slope = numerical_gradient(lambda y: binary_cross_entropy(y, d).sum(), y)
    assert relative_error(binary_cross_entropy_gradient(y, d), slope) <= 1e-7


def test_the_three_canonical_pairs_all_give_output_minus_target():
    u, d = np.array([0.3, -1.0, 0.7]), np.array([0.2, 0.5, 0.3])
    np.testing.assert_array_equal(squared_error_gradient(u, d), u - d)
    np.testing.assert_array_equal(sigmoid_binary_cross_entropy_gradient(u, d), sigmoid(u) - d)
    np.testing.assert_array_equal(softmax_cross_entropy_gradient(u, d), softmax(u) - d)


@pytest.mark.parametrize("kink", [-1.0, 0.0, 1.0])
def test_at_a_kink_the_gradient_lies_between_the_slopes_of_both_sides(kink):
    for f, gradient in ((absolute_error, absolute_error_gradient), (huber, huber_gradient)):
        left, right = (
            central_difference(lambda e, f=f: f(e[:, None], [[0.0]]), [kink + side], h=1e-4)[0]
            for side in (-1e-3, 1e-3)
        )
        slope = gradient([kink], [0.0])[0]
        assert left - 2e-3 <= slope <= right + 2e-3
    assert absolute_error_gradient([0.0], [0.0]) == 0


# エントロピーと KL ----------------------------------------------------------------------


def test_entropy_of_certainty_is_zero_and_of_a_fair_choice_is_log_k():
    assert entropy([1, 0, 0]) == 0
    assert not np.signbit(entropy([1, 0, 0]))
    for K in (2, 3, 10):
        assert entropy(np.full(K, 1 / K)) == pytest.approx(math.log(K), rel=1e-14)


@quick
@given(rows_and_labels())
def test_entropy_lies_between_zero_and_log_k(case):
    p = case[1]
    assert (entropy(p) >= 0).all()
    assert (entropy(p) <= math.log(p.shape[1]) * (1 + 1e-14)).all()


def test_kl_divergence_by_hand():
    assert kl_divergence([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.5 * math.log(4 / 3))
    assert kl_divergence([1, 0], [0.25, 0.75]) == pytest.approx(math.log(4))
    assert kl_divergence([0.5, 0.5], [1, 0]) == math.inf


@quick
@given(rows_and_labels())
def test_kl_divergence_is_never_negative_and_zero_only_for_equals(case):
    q, p = softmax(case[0] / 100), case[1]
    assert (kl_divergence(p, q) >= 0).all()
    assert (kl_divergence(p, p) == 0).all()
    far = np.abs(p - q).max(axis=-1) > 1e-3
    assert (kl_divergence(p, q)[far] > 0).all()


def test_kl_divergence_does_not_go_below_zero_by_rounding():
    p = np.array([0.1, 0.2, 0.7])
    assert kl_divergence(p, p * (1 + 1e-16 * np.array([1, -2, 3]))) >= 0
    assert kl_divergence([0.5, 0.5], [0.5 + 4e-6, 0.5 + 4e-6]) == 0


@quick
@given(rows_and_labels())
def test_cross_entropy_is_entropy_plus_kl_divergence(case):
    y, d = softmax(case[0] / 100), case[1]
    np.testing.assert_allclose(
        cross_entropy(y, d), entropy(d) + kl_divergence(d, y), rtol=1e-12, atol=1e-12
    )


@both_dtypes
def test_entropy_and_kl_keep_the_dtype(dtype):
    p = np.array([[0.25, 0.75], [1, 0]], dtype)
    assert entropy(p).dtype == kl_divergence(p, p).dtype == dtype
    assert entropy(p).shape == kl_divergence(p, p).shape == (2,)


@pytest.mark.parametrize(
    ("p", "error", "message"),
    [
        ([1.0], ValueError, "は 2 個以上のクラスが必要ですが (1,) でした"),
        ([0.5, 0.6], ValueError, "は各行の和が 1 の確率が必要ですが和が 1.1 でした"),
        ([-0.5, 1.5], ValueError, "は 0 以上の確率が必要ですが -0.5 がありました"),
        ([np.nan, 1], ValueError, "は有限の値が必要"),
        (["a", "b"], TypeError, "は実数の配列が必要"),
        ([], ValueError, "は 1 個以上の値が必要"),
        (0.5, ValueError, "は (K,) か (N, K) の形が必要ですが () でした"),
    ],
)
def test_entropy_and_kl_refuse_what_is_no_distribution(p, error, message):
    with pytest.raises(error, match=re.escape(f"probabilities {message}")):
        entropy(p)
    with pytest.raises(error, match=re.escape(f"p {message}")):
        kl_divergence(p, [0.5, 0.5])
    with pytest.raises(error, match=re.escape(f"q {message}")):
        kl_divergence([0.5, 0.5], p)


def test_kl_divergence_refuses_different_shapes():
    with pytest.raises(ValueError, match=r"p と q は同じ形が必要ですが \(2,\) と \(3,\) でした"):
        kl_divergence([0.5, 0.5], [0.5, 0.5, 0.0])


@pytest.mark.parametrize(
    ("both", "E", "gradient"),
    [
        (losses.identity_squared_error, squared_error, squared_error_gradient),
        (losses.softmax_and_cross_entropy, softmax_cross_entropy, softmax_cross_entropy_gradient),
        (
            losses.sigmoid_and_binary_cross_entropy,
            sigmoid_binary_cross_entropy,
            sigmoid_binary_cross_entropy_gradient,
        ),
    ],
)
def test_loss_and_gradient_found_together_are_those_found_apart(both, E, gradient):
    rng = np.random.default_rng(0)
    u, d = rng.normal(size=(4, 3)), rng.dirichlet(np.ones(3), size=4)
    np.testing.assert_allclose(both(u, d)[0], E(u, d), rtol=1e-14)
    np.testing.assert_allclose(both(u, d)[1], gradient(u, d), rtol=0, atol=1e-15)


def test_the_softmax_of_this_site_is_a_distribution_however_many_classes_there_are():
    u, d = np.zeros((2, 20_000), np.float32), np.eye(2, 20_000, dtype=np.float32)
    E = cross_entropy(softmax(u), d)
    np.testing.assert_allclose(E, np.log(20_000), rtol=1e-6)
    assert E.dtype == np.float32


def test_half_precision_is_computed_in_float64():
    E = cross_entropy(np.array([0.25, 0.75], np.float16), [0, 1])
    assert pytest.approx(-np.log(0.75), rel=1e-15) == E


@pytest.mark.filterwarnings("ignore:overflow")
def test_class_of_no_share_adds_nothing_however_impossible_it_is():
    assert softmax_cross_entropy([-1e308, 1e308], [0, 1]) == 0


def test_kl_divergence_keeps_the_precision_of_the_prediction():
    p, q = np.array([0.25, 0.75]), np.array([0.5, 0.5], np.float32)
    assert kl_divergence(p, q).dtype == np.float32
    assert kl_divergence(q, p).dtype == np.float64


def test_huber_of_a_limit_beyond_float32_is_the_squared_error():
    y, d = np.float32([3, -1]), np.float32([0, 0])
    assert huber(y, d, delta=1e50) == squared_error(y, d)
    np.testing.assert_array_equal(huber_gradient(y, d, delta=1e50), y)
