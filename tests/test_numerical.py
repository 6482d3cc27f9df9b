"""数値微分の精度、刻み幅、回数。整数の配列や、引数に書き込む関数も調べます。"""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlnotes.numerical import (
    CountedFunction,
    best_step_central,
    best_step_forward,
    central_difference,
    directional_derivative,
    forward_difference,
    numerical_gradient,
    relative_error,
)

quick = settings(max_examples=50)
both_differences = pytest.mark.parametrize("difference", [forward_difference, central_difference])
vectors = hnp.arrays(np.float64, 4, elements=st.floats(-10, 10))


def square_sum(theta):
    return (theta**2).sum()


# 差分 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "error"), [(forward_difference, 1e-7), (central_difference, 1e-9)]
)
def test_differences_come_close_to_the_derivative(difference, error):
    x = np.array([-2.0, -0.5, 0.0, 1.0, 2.0])
    np.testing.assert_allclose(difference(np.sin, x), np.cos(x), rtol=0, atol=error)


@quick
@given(st.floats(-10, 10), st.floats(0.01, 1))
def test_closed_forms_on_a_parabola(x, h):
    assert forward_difference(np.square, x, h=h) == pytest.approx(2 * x + h, rel=1e-9, abs=1e-9)
    assert central_difference(np.square, x, h=h) == pytest.approx(2 * x, rel=1e-9, abs=1e-9)


def test_halving_the_step_halves_one_error_and_quarters_the_other():
    for difference, order in ((forward_difference, 1), (central_difference, 2)):
        coarse, fine = (abs(difference(np.exp, 1.0, h=h) - math.e) for h in (1e-2, 5e-3))
        assert coarse / fine == pytest.approx(2**order, rel=0.01)


@pytest.mark.parametrize(
    ("difference", "best"),
    [(forward_difference, best_step_forward()), (central_difference, best_step_central())],
)
def test_the_best_step_beats_much_larger_and_much_smaller_ones(difference, best):
    x = np.linspace(0.5, 1.5, 50)

    def worst(h):
        return np.abs(difference(np.sin, x, h=h) - np.cos(x)).max()

    assert worst(best) < worst(best * 1e3) / 10
    assert worst(best) < worst(best / 1e3) / 10


def test_best_steps_are_roots_of_the_machine_epsilon():
    assert best_step_forward() == pytest.approx(1.49e-8, rel=1e-3)
    assert best_step_central() == pytest.approx(6.055e-6, rel=1e-3)
    assert best_step_forward(np.float32) ** 2 == pytest.approx(2.0**-23)
    assert best_step_central("float32") ** 3 == pytest.approx(2.0**-23)


@pytest.mark.parametrize("best", [best_step_forward, best_step_central])
def test_best_steps_need_a_floating_dtype(best):
    with pytest.raises(TypeError, match="dtype は float32 か float64 が必要ですが int64 でした"):
        best(np.int64)


@both_differences
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_differences_keep_shape_and_dtype(difference, dtype, shape):
    slope = difference(np.tanh, np.zeros(shape, dtype))
    assert slope.shape == shape
    assert slope.dtype == dtype
    np.testing.assert_allclose(slope, 1, rtol=1e-3)


@both_differences
def test_integer_points_are_not_truncated(difference):
    np.testing.assert_allclose(difference(np.square, np.array([1, 2, 3])), [2, 4, 6], rtol=1e-6)


@both_differences
def test_the_plain_math_module_can_be_differentiated(difference):
    assert difference(math.sin, 0.0) == pytest.approx(1)


@both_differences
def test_a_function_that_writes_into_its_argument_does_no_harm(difference):
    def rude(x):
        x *= 3
        return x

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(difference(rude, x), [3, 3], rtol=1e-6)
    assert x.tolist() == [1, 2]


@both_differences
@pytest.mark.parametrize(
    ("f", "x", "h", "error", "message"),
    [
        (np.sin, [np.nan], None, ValueError, "x は有限の値が必要"),
        (np.sin, [np.inf], None, ValueError, "x は有限の値が必要"),
        (np.sin, [], None, ValueError, "x は 1 個以上の値が必要ですが (0,) でした"),
        (np.sin, ["a"], None, TypeError, "x は実数の配列が必要"),
        (np.sin, [1j], None, TypeError, "x は実数の配列が必要"),
        (np.sin, [0.0], 0, ValueError, "h は正の数が必要ですが 0 でした"),
        (np.sin, [0.0], -1e-3, ValueError, "h は正の数が必要ですが -0.001 でした"),
        (np.sin, [0.0], np.nan, ValueError, "h は正の数が必要ですが nan でした"),
        (np.sin, [0.0], "1", TypeError, "h は数が必要ですが str でした"),
        (
            np.sum,
            [0.0, 1.0],
            None,
            ValueError,
            "f(x) と x は同じ形が必要ですが () と (2,) でした",
        ),
        (lambda x: x * np.nan, [0.0], None, ValueError, "f(x) は有限の値が必要"),
        (lambda x: x * 1j, [0.0], None, TypeError, "f(x) は実数の配列が必要"),
    ],
)
def test_differences_refuse_bad_input(difference, f, x, h, error, message):
    with pytest.raises(error, match=re.escape(message)):
        difference(f, x, h=h)


# 勾配 -----------------------------------------------------------------------------------


@quick
@given(vectors)
def test_gradient_of_a_square_is_twice_the_point(theta):
    np.testing.assert_allclose(
        numerical_gradient(square_sum, theta), 2 * theta, rtol=1e-8, atol=1e-8
    )


def test_gradient_of_a_quadratic_form_in_any_shape():
    A = np.arange(36.0).reshape(6, 6)
    theta = np.linspace(-1, 1, 6).reshape(2, 3)
    gradient = numerical_gradient(lambda t: t.ravel() @ A @ t.ravel(), theta)
    np.testing.assert_allclose(gradient.ravel(), (A + A.T) @ theta.ravel(), rtol=1e-7)
    assert gradient.shape == (2, 3)


def test_gradient_on_an_integer_array_is_right_and_leaves_it_alone():
    theta = np.array([[1, 2], [3, 4]])
    gradient = numerical_gradient(square_sum, theta)
    np.testing.assert_allclose(gradient, [[2, 4], [6, 8]], rtol=1e-7)
    assert gradient.dtype == np.float64
    assert theta.tolist() == [[1, 2], [3, 4]]


def test_gradient_of_a_function_that_writes_into_its_argument():
    def rude(theta):
        theta *= 2
        return theta.sum()

    theta = np.array([1.0, 2.0])
    np.testing.assert_allclose(numerical_gradient(rude, theta), [2, 2], rtol=1e-7)
    assert theta.tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_keeps_the_dtype(dtype):
    gradient = numerical_gradient(square_sum, np.ones(3, dtype))
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient, 2, rtol=1e-3)


@pytest.mark.parametrize("M", [1, 7, 41])
def test_gradient_of_m_parameters_costs_2m_evaluations(M):
    f = CountedFunction(square_sum)
    numerical_gradient(f, np.ones(M))
    assert f.calls == 2 * M


@quick
@given(vectors, vectors)
def test_directional_derivative_is_the_gradient_times_the_direction(theta, v):
    assert directional_derivative(square_sum, theta, v) == pytest.approx(
        2 * theta @ v, rel=1e-6, abs=1e-6
    )


def test_directional_derivative_costs_two_evaluations_and_is_linear_in_the_direction():
    f, theta, v = CountedFunction(np.prod), np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 2.0])
    one = directional_derivative(f, theta, v)
    assert f.calls == 2
    assert one == pytest.approx(6 - 3 + 4)
    assert directional_derivative(f, theta, -2 * v) == pytest.approx(-2 * one)


@pytest.mark.parametrize(
    ("f", "theta", "h", "error", "message"),
    [
        (square_sum, [np.nan], None, ValueError, "theta は有限の値が必要"),
        (square_sum, [], None, ValueError, "theta は 1 個以上の値が必要ですが (0,) でした"),
        (square_sum, ["a"], None, TypeError, "theta は実数の配列が必要"),
        (square_sum, [0.0], 0, ValueError, "h は正の数が必要ですが 0 でした"),
        (square_sum, [0.0], -1, ValueError, "h は正の数が必要ですが -1 でした"),
        (square_sum, [0.0], "1", TypeError, "h は数が必要ですが str でした"),
        (np.sin, [0.0, 1.0], None, ValueError, "f(theta) は () の形が必要ですが (2,) でした"),
        (lambda t: math.inf, [0.0], None, ValueError, "f(theta) は有限の値が必要"),
        (lambda t: "a", [0.0], None, TypeError, "f(theta) は実数の配列が必要"),
    ],
)
def test_gradients_refuse_bad_input(f, theta, h, error, message):
    with pytest.raises(error, match=re.escape(message)):
        numerical_gradient(f, theta, h=h)
    with pytest.raises(error, match=re.escape(message)):
        directional_derivative(f, theta, np.ones(len(theta) or 1), h=h)


@pytest.mark.parametrize(
    ("v", "error", "message"),
    [
        ([1.0], ValueError, "theta と v は同じ形が必要ですが (2,) と (1,) でした"),
        ([np.nan, 0.0], ValueError, "v は有限の値が必要"),
        (["a", "b"], TypeError, "v は実数の配列が必要"),
    ],
)
def test_a_bad_direction_is_refused(v, error, message):
    with pytest.raises(error, match=re.escape(message)):
        directional_derivative(square_sum, [0.0, 1.0], v)


# 相対誤差と回数 -------------------------------------------------------------------------


def test_relative_error_by_hand():
    assert relative_error([3.0, 4.0], [3.0, 4.0]) == 0
    assert relative_error([0.0, 0.0], [0.0, 0.0]) == 0
    assert relative_error([1.0], [0.0]) == 1
    assert relative_error([1.0], [-1.0]) == 2
    assert relative_error([3.0, 4.0], [3.0, 4.5]) == pytest.approx(0.5 / math.hypot(3, 4.5))
    assert type(relative_error([1.0], [2.0])) is float


@pytest.mark.parametrize(
    ("dtype", "unit"), [(np.float32, 1e-25), (np.float32, 1e30), (float, 1e-200), (float, 1e200)]
)
def test_relative_error_of_numbers_whose_squares_are_no_numbers(dtype, unit):
    a, b = np.array([unit], dtype), np.array([2 * unit], dtype)
    assert relative_error(a, b) == pytest.approx(0.5, rel=1e-6)
    assert relative_error(a, 0 * a) == 1


@quick
@given(vectors, vectors, st.floats(0.1, 10))
def test_relative_error_is_symmetric_and_has_no_unit(a, b, scale):
    error = relative_error(a, b)
    assert 0 <= error <= 2 + 1e-12
    assert error == relative_error(b, a)
    # 二乗が表せないほど小さい差は、丸めで消える。
    assert relative_error(scale * a, scale * b) == pytest.approx(error, rel=1e-9, abs=1e-150)


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        ([1.0], [1.0, 2.0], ValueError, "a と b は同じ形が必要ですが (1,) と (2,) でした"),
        ([np.nan], [1.0], ValueError, "a は有限の値が必要"),
        ([1.0], [np.inf], ValueError, "b は有限の値が必要"),
        ([1.0], ["a"], TypeError, "b は実数の配列が必要"),
        ([], [], ValueError, "a は 1 個以上の値が必要"),
    ],
)
def test_relative_error_refuses_bad_input(a, b, error, message):
    with pytest.raises(error, match=re.escape(message)):
        relative_error(a, b)


def test_a_counted_function_passes_everything_through():
    f = CountedFunction(lambda a, *, b: a + b)
    assert f(1, b=2) == 3
    assert f(a=4, b=5) == 9
    assert f.calls == 2


@pytest.mark.parametrize(
    ("difference", "best"),
    [(forward_difference, best_step_forward), (central_difference, best_step_central)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_step_left_out_is_the_best_one(difference, best, dtype):
    x = np.array([0.3, 1.2], dtype)
    np.testing.assert_array_equal(difference(np.sin, x), difference(np.sin, x, h=best(dtype)))


@pytest.mark.parametrize("h", [1e-50, 1e39, 3e38])
@pytest.mark.parametrize("difference", [forward_difference, central_difference])
def test_step_that_the_dtype_cannot_hold_is_refused_without_a_warning(difference, h):
    with pytest.raises(ValueError, match=r"h は 2 倍しても float32 で表せる正の数が必要ですが"):
        difference(np.sin, np.float32([1.0]), h=h)


def test_value_in_place_of_the_counted_function_is_refused():
    with pytest.raises(TypeError, match="function は関数が必要ですが float でした"):
        CountedFunction(3.0)
