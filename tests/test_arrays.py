"""入口の検査が、通すべきものを通し、断るべきものを日本語で断ること。"""

import re
from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlnotes.arrays import (
    as_distribution,
    as_finite,
    as_floating,
    as_floating_dtype,
    as_integers,
    as_samples,
    as_unit_interval,
    check_choice,
    check_fraction,
    check_function,
    check_instance,
    check_integer,
    check_non_negative,
    check_positive,
    check_rng,
    check_same_shape,
    check_shape,
    checked,
)

quick = settings(max_examples=50)
both_boundaries = pytest.mark.parametrize("convert", [as_floating, as_finite])
not_numbers = pytest.mark.parametrize("value", ["1", None, 1j, [1.0], True, np.array(1.0)])


@both_boundaries
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_float_array_comes_back_as_the_same_object(convert, dtype):
    x = np.ones((2, 3), dtype)
    assert convert("x", x) is x


@both_boundaries
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int32, np.int64])
def test_integers_and_bools_become_float64(convert, dtype):
    x = convert("x", np.array([0, 1], dtype))
    assert x.dtype == np.float64
    assert x.tolist() == [0.0, 1.0]


@both_boundaries
@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_other_kinds_of_floats_become_float64(convert, dtype):
    x = convert("x", np.array([0.5, 1], dtype))
    assert x.dtype.type is np.float64
    assert x.tolist() == [0.5, 1.0]


@both_boundaries
def test_a_number_becomes_an_array_without_axes(convert):
    assert convert("x", 3).shape == ()


@both_boundaries
@pytest.mark.parametrize(
    ("value", "came"),
    [
        ([1j], "complex128"),
        (["a"], "<U1"),
        ([None], "object"),
        ([10**30], "object"),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
        (np.array([1], "m8[s]"), "timedelta64"),
    ],
)
def test_what_is_not_real_is_a_type_error(convert, value, came):
    with pytest.raises(TypeError, match=rf"x は実数の配列が必要ですが dtype が {came}.* でした"):
        convert("x", value)


@both_boundaries
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_an_empty_array_is_refused(convert, shape):
    message = re.escape(f"x は 1 個以上の値が必要ですが {shape} でした")
    with pytest.raises(ValueError, match=message):
        convert("x", np.zeros(shape))


@both_boundaries
def test_ragged_rows_are_refused(convert):
    with pytest.raises(ValueError, match="x は長さのそろった配列が必要ですが行の長さが違いました"):
        convert("x", [[1, 2], [3]])


@both_boundaries
def test_nan_is_refused(convert):
    with pytest.raises(ValueError, match=r"x は.*が必要ですが NaN"):
        convert("x", [1.0, np.nan, np.inf])


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinity_passes_as_floating_but_not_as_finite(infinity):
    assert as_floating("x", [infinity])[0] == infinity
    with pytest.raises(ValueError, match="x は有限の値が必要ですが NaN か無限大が含まれていました"):
        as_finite("x", [0.0, infinity])


@quick
@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3), elements=st.floats()))
def test_as_finite_accepts_exactly_the_arrays_of_finite_numbers(x):
    if np.isfinite(x).all():
        assert as_finite("x", x) is x
    else:
        with pytest.raises(ValueError, match="有限の値が必要"):
            as_finite("x", x)


@pytest.mark.parametrize("dtype", [np.int8, np.uint32, np.int64])
def test_as_integers_keeps_integers(dtype):
    c = np.array([0, 3], dtype)
    assert as_integers("c", c) is c


@pytest.mark.parametrize("value", [[1.0], [True], ["1"], [None], 2.5])
def test_as_integers_does_not_round(value):
    with pytest.raises(TypeError, match=r"c は整数の配列が必要ですが dtype が .* でした"):
        as_integers("c", value)


def test_as_integers_refuses_an_empty_list():
    with pytest.raises(ValueError, match=r"c は 1 個以上の値が必要ですが \(0,\) でした"):
        as_integers("c", [])


@pytest.mark.parametrize("dtype", ["float32", np.float64, np.dtype("f4")])
def test_floating_dtypes_are_known_by_any_spelling(dtype):
    assert as_floating_dtype(dtype) == np.dtype(dtype)


@pytest.mark.parametrize("dtype", [int, "complex128", "foo", bool, None, "f2", "g"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match=r"dtype は float32 か float64 が必要ですが .* でした"):
        as_floating_dtype(dtype)


def test_missing_dtype_is_told_as_it_was_written():
    with pytest.raises(TypeError, match=r"が必要ですが None でした$"):
        as_floating_dtype(None)
    with pytest.raises(TypeError, match=r"が必要ですが int64 でした$"):
        as_floating_dtype(np.int64)


@pytest.mark.parametrize("y", [[0.3, 0.7], [[1, 0, 0], [0, 0, 1]], [0.5, 0.5 + 9e-6]])
def test_distributions_pass(y):
    np.testing.assert_array_equal(as_distribution("y", y), y)


@pytest.mark.parametrize("N", [1, 2])
def test_many_small_float32_probabilities_pass(N):
    y = np.full((N, 20_000), 1 / 20_000, np.float32)
    assert as_distribution("y", y) is y


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (0.5, r"y は \(K,\) か \(N, K\) の形が必要ですが \(\) でした"),
        ([[[0.5, 0.5]]], r"y は \(K,\) か \(N, K\) の形が必要ですが \(1, 1, 2\) でした"),
        ([[1.0], [1.0]], r"y は 2 個以上のクラスが必要ですが \(2, 1\) でした"),
        ([-0.5, 1.5], r"y は 0 以上の確率が必要ですが -0\.5 がありました"),
        ([[0.5, 0.5], [0.5, 0.6]], r"y は各行の和が 1 の確率が必要ですが和が 1\.1 でした"),
        ([0.5, 0.5 + 2e-5], r"和が 1\.00002 でした"),
        ([[0.5, 0.5], [0.0, 0.0]], r"和が 0 でした"),
    ],
)
def test_what_is_no_distribution_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        as_distribution("y", y)


def test_a_shape_fits_when_fixed_lengths_agree_and_letters_stand_for_any():
    check_shape("x", np.zeros((5, 3)), ("N", 3))
    check_shape("x", np.zeros(3), ("K",), ("N", "K"))
    check_shape("x", np.zeros(()), ())


@pytest.mark.parametrize(
    ("shape", "wanted", "message"),
    [
        ((5,), [("N", 3)], "x は (N, 3) の形が必要ですが (5,) でした"),
        ((3, 5), [("N", 3)], "x は (N, 3) の形が必要ですが (3, 5) でした"),
        ((3, 2), [("N", 3)], "x は (N, 3) の形が必要ですが (3, 2) でした"),
        ((), [("K",), ("N", "K")], "x は (K,) か (N, K) の形が必要ですが () でした"),
        ((2,), [()], "x は () の形が必要ですが (2,) でした"),
    ],
)
def test_a_wrong_shape_names_what_was_wanted_and_what_came(shape, wanted, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_shape("x", np.zeros(shape), *wanted)


def test_same_shape_does_not_broadcast():
    check_same_shape(("y", "d"), np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"y と d は同じ形が必要ですが \(2, 1\) と \(2,\) でした"):
        check_same_shape(("y", "d"), np.zeros((2, 1)), np.zeros(2))
    with pytest.raises(ValueError, match=r"y と d は同じ形が必要ですが \(2,\) と \(2, 1\) でした"):
        check_same_shape(("y", "d"), np.zeros(2), np.zeros((2, 1)))


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int64(2), 5e-324])
def test_positive_numbers_pass_as_floats(value):
    assert check_positive("h", value) == value
    assert type(check_positive("h", value)) is float


@pytest.mark.parametrize("value", [0, -1, -0.5, np.nan, np.inf, -np.inf])
def test_what_is_not_positive_and_finite_is_refused(value):
    with pytest.raises(ValueError, match=f"h は正の数が必要ですが {value:g} でした"):
        check_positive("h", value)


@pytest.mark.parametrize("value", [0, 0.5, 2])
def test_zero_and_above_are_non_negative(value):
    assert check_non_negative("s", value) == value


@pytest.mark.parametrize("value", [-1e-300, -1, np.nan, np.inf])
def test_negative_numbers_are_refused(value):
    with pytest.raises(ValueError, match=f"s は 0 以上の数が必要ですが {value:g} でした"):
        check_non_negative("s", value)


@pytest.mark.parametrize("value", [0, 0.9, 1 - 2**-53])
def test_fractions_from_zero_to_below_one_pass(value):
    assert check_fraction("rho", value) == value


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, np.nan])
def test_other_fractions_are_refused(value):
    with pytest.raises(ValueError, match=f"rho は 0 以上 1 未満の数が必要ですが {value:g} でした"):
        check_fraction("rho", value)


@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["large", "small"])
@pytest.mark.parametrize("check", [check_positive, check_non_negative, check_fraction])
def test_numbers_beyond_every_float_are_refused(check, value):
    with pytest.raises(ValueError, match=r"h は 1\.8e\+308 までの数が必要"):
        check("h", value)


@not_numbers
@pytest.mark.parametrize("check", [check_positive, check_non_negative, check_fraction])
def test_what_is_no_number_is_a_type_error(check, value):
    with pytest.raises(TypeError, match=f"h は数が必要ですが {type(value).__name__} でした"):
        check("h", value)


def test_integers_from_the_least_on_pass():
    assert check_integer("K", np.int32(2), least=2) == 2
    assert check_integer("K", 5, least=2) == 5
    assert type(check_integer("K", np.int32(2), least=2)) is int


def test_integers_below_the_least_are_refused():
    with pytest.raises(ValueError, match="K は 2 以上の整数が必要ですが 1 でした"):
        check_integer("K", 1, least=2)


@pytest.mark.parametrize("value", [2.0, "2", None, True])
def test_what_is_no_integer_is_a_type_error(value):
    with pytest.raises(TypeError, match=f"K は整数が必要ですが {type(value).__name__} でした"):
        check_integer("K", value, least=1)


def test_a_known_name_passes():
    assert check_choice("loss", "huber", {"huber": 1, "other": 2}) == "huber"


@pytest.mark.parametrize("value", ["hubert", None, ["huber"], np.array(["huber"])])
def test_an_unknown_name_lists_the_known_ones(value):
    message = re.escape(f"loss は huber, other のどれかが必要ですが {value!r} でした")
    with pytest.raises(ValueError, match=message):
        check_choice("loss", value, ["huber", "other"])


def test_a_generator_passes():
    rng = np.random.default_rng(0)
    assert check_rng(rng) is rng


@pytest.mark.parametrize("value", [0, None, np.random])
def test_a_seed_is_no_generator(value):
    with pytest.raises(TypeError, match=r"rng は numpy\.random\.Generator が必要ですが .* でした"):
        check_rng(value)


@pytest.mark.parametrize(
    ("bad", "worst"),
    [
        ([0.5, -0.25], "-0.25"),
        ([1.5, 0.25], "1.5"),
        ([1 + 2**-52], "1.0000000000000002"),
        (np.float32([1 + 2**-23]), "1.0000001192092896"),
    ],
)
def test_values_outside_the_unit_interval_are_refused_with_the_worst(bad, worst):
    with pytest.raises(
        ValueError, match=f"p は 0 以上 1 以下の値が必要ですが {worst} がありました"
    ):
        as_unit_interval("p", bad)


def test_the_unit_interval_includes_its_ends_and_keeps_the_dtype():
    p = np.array([0, 0.5, 1], dtype=np.float32)
    assert as_unit_interval("p", p) is p
    assert as_unit_interval("p", p[1:2]).tolist() == [0.5]


def test_one_of_several_kinds_passes_and_another_is_refused():
    check_instance("f", 1, int, str)
    with pytest.raises(TypeError, match=r"^f は int か str が必要ですが float でした$"):
        check_instance("f", 1.0, int, str)


def test_checked_calls_the_body_with_what_the_check_returns():
    @checked(lambda u, *, scale=1: {"u": as_floating("u", u), "scale": 2 * scale})
    def times(u, *, scale=1):
        """A docstring."""
        return u * scale

    assert times([1, 2], scale=3).tolist() == [6.0, 12.0]
    assert times(u=[1]).tolist() == [2.0]
    assert times.__doc__ == "A docstring."
    with pytest.raises(TypeError, match="u は実数の配列が必要"):
        times("a")
    assert unwrap(times)(1) == 1
    with pytest.raises(TypeError, match="check は関数が必要ですが int でした"):
        checked(1)


def test_a_wrong_number_of_arguments_names_the_function_that_was_called():
    @checked(lambda u, *, scale=1: {"u": u, "scale": scale})
    def times(u, *, scale):
        return u * scale

    with pytest.raises(TypeError, match=r"times\(\) missing 1 required positional argument: 'u'"):
        times()
    with pytest.raises(TypeError, match=r"times\(\) takes 1 positional argument but 2 were given"):
        times(1, 2)
    assert times(2) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_whose_squares_overflow_are_still_finite(dtype):
    large = np.full((2, 3), np.finfo(dtype).max)
    assert as_finite("x", large) is large
    for bad in (np.inf, -np.inf, np.nan):
        large[1, 2] = bad
        with pytest.raises(ValueError, match="x は有限の値が必要"):
            as_finite("x", large)
        with pytest.raises(ValueError, match="x は有限の値が必要"):
            as_finite("x", np.where(np.isfinite(large), 0, large).astype(dtype).T)


def test_letter_of_a_shape_stands_for_at_least_one():
    with pytest.raises(ValueError, match=r"x は \(N, 3\) の形が必要ですが \(0, 3\) でした"):
        check_shape("x", np.empty((0, 3)), ("N", 3))


def test_samples_come_as_float64_with_the_dtype_of_the_input():
    x = np.array([[1.0], [2.0]], np.float32)
    as_given, d, dtype = as_samples(x, [[1, 0], [0.25, 0.75]])
    assert (as_given.dtype, d.dtype, dtype) == (np.float64, np.float64, np.float32)
    assert as_given.tolist() == x.tolist()
    assert d.tolist() == [[1, 0], [0.25, 0.75]]


def test_class_without_a_sample_is_named():
    with pytest.raises(ValueError, match="クラス 1 は 0 個でした"):
        as_samples(np.ones((3, 2)), [[1, 0, 0], [0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("function", [np.sin, len, lambda x: x, dict])
def test_whatever_can_be_called_is_a_function(function):
    check_function("f", function)


def test_what_cannot_be_called_is_no_function():
    with pytest.raises(TypeError, match="f は関数が必要ですが str でした"):
        check_function("f", "sin")
