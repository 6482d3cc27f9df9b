"""活性化関数の恒等式、極限、折れ目、導関数。"""

import math
from decimal import Decimal, localcontext
from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlnotes import activations
from dlnotes.activations import (
    gelu,
    gelu_derivative,
    identity,
    identity_derivative,
    leaky_relu,
    leaky_relu_derivative,
    log_softmax,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    softmax,
    softmax_jacobian,
    step,
    step_derivative,
    tanh,
    tanh_derivative,
)

quick = settings(max_examples=50)
PAIRS = [
    (step, step_derivative),
    (sigmoid, sigmoid_derivative),
    (tanh, tanh_derivative),
    (relu, relu_derivative),
    (leaky_relu, leaky_relu_derivative),
    (gelu, gelu_derivative),
    (identity, identity_derivative),
]
ELEMENTWISE = [function for pair in PAIRS for function in pair]
ROWWISE = [softmax, log_softmax]
every_elementwise = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.__name__)
every_rowwise = pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.__name__)
logits = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(2, 5)),
    elements=st.floats(-1e3, 1e3),
)


def exact_log_softmax(u):
    with localcontext() as context:
        context.prec = 60
        exact = [Decimal(float(value)) for value in u]
        log_sum = sum(value.exp() for value in exact).ln()
        return [value - log_sum for value in exact]


def test_all_names_every_public_function():
    public = {
        name
        for name, value in vars(activations).items()
        if callable(value) and getattr(value, "__module__", "") == activations.__name__
    }
    assert {name for name in public if not name.startswith("_")} == set(activations.__all__)


# 要素ごとの関数 -------------------------------------------------------------------------


@every_elementwise
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4)])
def test_shape_and_dtype_are_kept(f, dtype, shape):
    u = np.linspace(-2, 2, math.prod(shape), dtype=dtype).reshape(shape)
    assert f(u).shape == shape
    assert f(u).dtype == dtype


@every_elementwise
def test_integers_are_turned_into_floats_and_never_truncated(f):
    u = np.array([-2, -1, 0, 1, 2])
    assert f(u).dtype == np.float64
    np.testing.assert_array_equal(f(u), f(u.astype(float)))


@every_elementwise
def test_the_argument_is_not_written_into(f):
    u = np.array([-1.5, 0.0, 2.5])
    u.flags.writeable = False
    f(u)


@every_elementwise
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_at_a_thousand(f, dtype):
    assert np.isfinite(f(np.array([-1e3, 1e3], dtype))).all()


@every_elementwise
@pytest.mark.parametrize(
    ("u", "error", "message"),
    [
        ([1j], TypeError, "u は実数の配列が必要ですが dtype が complex128 でした"),
        (["a"], TypeError, "u は実数の配列が必要"),
        ([], ValueError, r"u は 1 個以上の値が必要ですが \(0,\) でした"),
        ([0.0, np.nan], ValueError, "u は.*が必要ですが NaN"),
        ([[1.0], [1.0, 2.0]], ValueError, "u は長さのそろった配列が必要"),
    ],
)
def test_bad_input_is_refused_in_japanese(f, u, error, message):
    with pytest.raises(error, match=message):
        f(u)


@pytest.mark.parametrize("f", [gelu, gelu_derivative])
def test_gelu_refuses_infinity(f):
    with pytest.raises(ValueError, match="u は有限の値が必要"):
        f([np.inf])


@pytest.mark.parametrize(
    ("f", "left", "right"),
    [
        (step, 0, 1),
        (step_derivative, 0, 0),
        (sigmoid, 0, 1),
        (sigmoid_derivative, 0, 0),
        (tanh, -1, 1),
        (tanh_derivative, 0, 0),
        (relu, 0, np.inf),
        (relu_derivative, 0, 1),
        (leaky_relu, -np.inf, np.inf),
        (leaky_relu_derivative, 0.01, 1),
        (identity, -np.inf, np.inf),
        (identity_derivative, 1, 1),
    ],
)
def test_limits_at_infinity(f, left, right):
    assert f([-np.inf, np.inf]).tolist() == [left, right]


@pytest.mark.parametrize(
    ("f", "at_zero"),
    [
        (step, 0),
        (step_derivative, 0),
        (sigmoid, 0.5),
        (sigmoid_derivative, 0.25),
        (tanh, 0),
        (tanh_derivative, 1),
        (relu, 0),
        (relu_derivative, 0),
        (leaky_relu, 0),
        (leaky_relu_derivative, 0.01),
        (gelu, 0),
        (gelu_derivative, 0.5),
        (identity, 0),
        (identity_derivative, 1),
    ],
)
def test_values_at_zero(f, at_zero):
    assert f(0.0) == at_zero
    assert f(-0.0) == at_zero


@pytest.mark.parametrize(("f", "derivative"), PAIRS, ids=lambda f: f.__name__)
def test_derivative_is_the_slope_away_from_kinks(f, derivative):
    h = 6e-6
    u = np.array([-20.0, -5.0, -1.0, -0.1, 0.1, 0.7, 3.0, 20.0])
    slope = (f(u + h) - f(u - h)) / (2 * h)
    np.testing.assert_allclose(derivative(u), slope, rtol=1e-7, atol=1e-9)


@quick
@given(hnp.arrays(np.float64, 5, elements=st.floats(-800, 800)))
def test_sigmoid_of_minus_u_is_one_minus_sigmoid(u):
    np.testing.assert_allclose(sigmoid(-u), 1 - sigmoid(u), rtol=0, atol=2e-16)


@pytest.mark.parametrize("u", [-700.0, -40.0, -1.5, 0.3, 36.0, 700.0])
def test_sigmoid_is_right_to_the_last_digits_even_in_the_tail(u):
    with localcontext() as context:
        context.prec = 60
        exact = float(1 / (1 + (-Decimal(u)).exp()))
    assert sigmoid(u) == pytest.approx(exact, rel=1e-15, abs=0)


def test_sigmoid_derivative_survives_where_one_minus_sigmoid_is_zero():
    assert 1 - sigmoid(40.0) == 0
    assert sigmoid_derivative(40.0) == pytest.approx(math.exp(-40), rel=1e-15)
    assert sigmoid_derivative(-40.0) == sigmoid_derivative(40.0)


@quick
@given(st.floats(-300, 300))
def test_tanh_is_a_stretched_sigmoid(u):
    assert tanh(u) == pytest.approx(2 * sigmoid(2 * u) - 1, rel=1e-14, abs=4e-16)


@quick
@given(hnp.arrays(np.float64, 5, elements=st.floats(-1e3, 1e3)))
def test_relu_minus_relu_of_minus_u_is_u(u):
    np.testing.assert_array_equal(relu(u) - relu(-u), u)


@quick
@given(st.floats(-1e3, 1e3), st.floats(0, 2))
def test_leaky_relu_has_its_two_slopes(u, slope):
    assert leaky_relu(u, negative_slope=slope) == (u if u > 0 else slope * u)
    assert leaky_relu_derivative(u, negative_slope=slope) == (1 if u > 0 else slope)


def test_leaky_relu_without_slope_is_relu():
    u = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(leaky_relu(u, negative_slope=0), relu(u))


def test_step_is_one_above_zero_however_small():
    np.testing.assert_array_equal(step([-1e-300, 0.0, 1e-300, 0.5]), [0, 0, 1, 1])


@pytest.mark.parametrize("f", [leaky_relu, leaky_relu_derivative])
@pytest.mark.parametrize(
    ("slope", "error", "message"),
    [
        (-0.1, ValueError, "negative_slope は 0 以上の数が必要ですが -0.1 でした"),
        (np.nan, ValueError, "negative_slope は 0 以上の数が必要ですが nan でした"),
        ("a", TypeError, "negative_slope は数が必要ですが str でした"),
    ],
)
def test_a_bad_negative_slope_is_refused(f, slope, error, message):
    with pytest.raises(error, match=message):
        f([1.0], negative_slope=slope)


def test_gelu_is_exact_and_not_the_tanh_approximation():
    u = np.array([-10.0, -3.0, -1.0, 0.5, 1.0, 3.0])
    exact = [value * math.erfc(-value / math.sqrt(2)) / 2 for value in u]
    np.testing.assert_allclose(gelu(u), exact, rtol=1e-15)
    assert gelu(1.0) == pytest.approx(0.8413447460685429, rel=1e-15)
    assert gelu(-10.0) == pytest.approx(-7.619853024160527e-23, rel=1e-12)


@quick
@given(st.floats(-30, 30))
def test_gelu_of_u_minus_gelu_of_minus_u_is_u(u):
    assert gelu(u) - gelu(-u) == pytest.approx(u, rel=1e-14, abs=1e-300)


# ソフトマックス -------------------------------------------------------------------------


@every_rowwise
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2,), (4,), (3, 2), (1, 4)])
def test_softmax_keeps_shape_and_dtype(f, dtype, shape):
    u = np.zeros(shape, dtype)
    assert f(u, temperature=0.5).shape == shape
    assert f(u, temperature=0.5).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_naive_softmax_is_nan_where_this_one_is_right(dtype):
    y = softmax(np.array([1000, 1001], dtype))
    np.testing.assert_allclose(y, [1 / (1 + math.e), math.e / (1 + math.e)], rtol=1e-6)


@pytest.mark.parametrize(
    "u",
    [
        [1e3, -1e3, 0.0],
        [-1e3, -1e3, -1e3],
        [1e3, 1e3 - 1e-3, 999.0],
        [0.1, 0.2, 0.3],
        [-1e3, -999.5, -998.0],
    ],
)
def test_log_softmax_agrees_with_sixty_decimal_digits(u):
    exact = exact_log_softmax(u)
    np.testing.assert_allclose(log_softmax(u), [float(v) for v in exact], rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(softmax(u), [float(v.exp()) for v in exact], rtol=1e-12, atol=0)


def test_log_softmax_is_exact_where_softmax_underflows():
    assert softmax([0.0, 1e3])[0] == 0
    assert log_softmax([0.0, 1e3])[0] == -1e3


@quick
@given(logits)
def test_each_row_of_softmax_is_a_distribution(u):
    y = softmax(u)
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=1e-15 * u.shape[-1])


@quick
@given(logits)
def test_rows_do_not_see_each_other(u):
    for row, y, log_y in zip(u, softmax(u), log_softmax(u), strict=True):
        np.testing.assert_array_equal(softmax(row), y)
        np.testing.assert_array_equal(log_softmax(row), log_y)


@quick
@given(logits, st.floats(-1e3, 1e3))
def test_softmax_does_not_change_when_every_logit_is_shifted(u, c):
    np.testing.assert_allclose(softmax(u + c), softmax(u), rtol=1e-11, atol=1e-300)


@quick
@given(logits, st.randoms(use_true_random=False))
def test_permuting_the_logits_permutes_the_probabilities(u, random):
    order = list(range(u.shape[1]))
    random.shuffle(order)
    np.testing.assert_allclose(softmax(u[:, order]), softmax(u)[:, order], rtol=1e-14)


@quick
@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_two_classes_are_a_sigmoid_of_the_difference(u0, u1):
    assert softmax([u0, u1])[1] == pytest.approx(sigmoid(u1 - u0), rel=1e-14, abs=1e-300)


@quick
@given(logits)
def test_order_and_log_ratio_are_kept(u):
    log_y = log_softmax(u)
    np.testing.assert_allclose(np.diff(log_y), np.diff(u), rtol=1e-12, atol=1e-12)


@quick
@given(logits, st.floats(0.1, 10))
def test_temperature_divides_the_logits(u, T):
    np.testing.assert_allclose(softmax(u, temperature=T), softmax(u / T), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(
        log_softmax(u, temperature=T), log_softmax(u / T), rtol=1e-11, atol=1e-11
    )


def test_temperature_runs_from_one_hot_to_uniform():
    u = [1.0, 2.0, 3.0]
    np.testing.assert_allclose(softmax(u, temperature=1e-3), [0, 0, 1], atol=1e-300)
    np.testing.assert_allclose(softmax(u, temperature=1e9), [1 / 3] * 3, rtol=1e-8)


@pytest.mark.parametrize("f", [softmax, log_softmax, softmax_jacobian])
@pytest.mark.parametrize(
    ("u", "error", "message"),
    [
        ([1.0], ValueError, r"u は 2 個以上のクラスが必要ですが \(1,\) でした"),
        (1.0, ValueError, r"u は \(K,\).* の形が必要ですが \(\) でした"),
        (np.zeros((2, 2, 2)), ValueError, r"の形が必要ですが \(2, 2, 2\) でした"),
        (np.zeros((0, 3)), ValueError, r"u は 1 個以上の値が必要ですが \(0, 3\) でした"),
        ([0.0, np.nan], ValueError, "u は有限の値が必要"),
        ([0.0, np.inf], ValueError, "u は有限の値が必要"),
        (["a", "b"], TypeError, "u は実数の配列が必要"),
    ],
)
def test_bad_logits_are_refused(f, u, error, message):
    with pytest.raises(error, match=message):
        f(u)


@every_rowwise
def test_a_column_of_single_logits_is_refused(f):
    with pytest.raises(ValueError, match=r"u は 2 個以上のクラスが必要ですが \(5, 1\) でした"):
        f(np.zeros((5, 1)))


@every_rowwise
@pytest.mark.parametrize(
    ("T", "error", "message"),
    [
        (0, ValueError, "temperature は正の数が必要ですが 0 でした"),
        (-1.5, ValueError, "temperature は正の数が必要ですが -1.5 でした"),
        (np.inf, ValueError, "temperature は正の数が必要ですが inf でした"),
        ("1", TypeError, "temperature は数が必要ですが str でした"),
    ],
)
def test_a_bad_temperature_is_refused(f, T, error, message):
    with pytest.raises(error, match=message):
        f([0.0, 1.0], temperature=T)


def test_softmax_jacobian_holds_the_slopes():
    h, u = 6e-6, np.array([0.3, -1.2, 2.0, 0.0])
    slopes = [(softmax(u + h * e) - softmax(u - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(softmax_jacobian(u), np.transpose(slopes), rtol=1e-7, atol=1e-10)


def test_softmax_jacobian_has_rows_that_sum_to_zero_and_keeps_float32():
    J = softmax_jacobian(np.array([1.0, 2.0, 4.0], np.float32))
    assert J.dtype == np.float32
    np.testing.assert_allclose(J.sum(axis=1), 0, atol=1e-7)
    np.testing.assert_array_equal(J, J.T)


def test_softmax_jacobian_takes_one_sample_only():
    with pytest.raises(ValueError, match=r"u は \(K,\) の形が必要ですが \(2, 3\) でした"):
        softmax_jacobian(np.zeros((2, 3)))


@pytest.mark.parametrize("slope", [0, 1e-50])
def test_leaky_relu_without_slope_is_zero_at_minus_infinity(slope):
    assert leaky_relu(np.float32(-np.inf), negative_slope=slope) == 0


@pytest.mark.parametrize(("largest", "T"), [(1e308, 1), (1, 1e-308)])
def test_difference_beyond_the_largest_number_is_a_probability_of_zero(largest, T):
    np.testing.assert_array_equal(softmax([-largest, largest], temperature=T), [0, 1])
    np.testing.assert_array_equal(log_softmax([-largest, largest], temperature=T), [-np.inf, 0])


@pytest.mark.parametrize("f", [softmax, log_softmax])
@pytest.mark.parametrize("T", [1e-50, 1e50])
def test_a_temperature_that_float32_does_not_have_is_refused(f, T):
    with pytest.raises(ValueError, match="temperature は float32 で表せる正の数が必要"):
        f(np.float32([1, 0]), temperature=T)
    assert np.isfinite(f([1.0, 1.0], temperature=T)).all()


def test_a_missing_argument_is_named_with_the_function_that_lacks_it():
    with pytest.raises(TypeError, match=r"^relu\(\) missing 1 required positional argument: 'u'"):
        relu()


def test_slope_beyond_float32_is_refused():
    with pytest.raises(ValueError, match="negative_slope は有限の値が必要"):
        leaky_relu(np.float32([0]), negative_slope=1e300)


@pytest.mark.parametrize("u", [[1e200, -1e200], np.float32([1e20, -1e20])])
def test_gelu_of_huge_values_is_straight(u):
    np.testing.assert_array_equal(gelu_derivative(u), [1, 0])


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (leaky_relu, "negative_slope"),
        (leaky_relu_derivative, "negative_slope"),
        (softmax, "temperature"),
        (log_softmax, "temperature"),
    ],
)
def test_default_that_help_shows_is_the_one_used(f, name):
    u = np.array([-2.0, 0.5, 1.0])
    shown = {name: signature(f).parameters[name].default}
    np.testing.assert_array_equal(f(u), f(u, **shown))
