"""ものを数に変えて、元に戻せること。"""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlnotes.encoding import (
    Standardizer,
    board_from_planes,
    board_planes,
    build_vocabulary,
    dequantize_wave,
    fit_standardizer,
    from_one_hot,
    one_hot,
    quantize_wave,
    sample_wave,
    standardize,
    token_ids,
    tokens_from_ids,
    unstandardize,
)

quick = settings(max_examples=50)
tables = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(-1e6, 1e6)
)
boards = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.text("XO.", min_size=width, max_size=width), min_size=1, max_size=5)
)


# one-hot --------------------------------------------------------------------------------


def test_one_hot_puts_a_one_at_the_index():
    d = one_hot([2, 0], 3)
    assert d.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert d.dtype == np.float64


@quick
@given(
    st.integers(2, 9).flatmap(
        lambda K: st.tuples(st.just(K), st.lists(st.integers(0, K - 1), min_size=1))
    )
)
def test_indices_to_one_hot_and_back(case):
    K, indices = case
    assert one_hot(indices, K).shape == (len(indices), K)
    assert from_one_hot(one_hot(indices, K)).tolist() == indices


@pytest.mark.parametrize(
    ("indices", "K", "error", "message"),
    [
        ([0, 3], 3, ValueError, "indices は 0 以上 3 未満の整数が必要ですが 3 がありました"),
        ([1, 5], 3, ValueError, "indices は 0 以上 3 未満の整数が必要ですが 5 がありました"),
        ([-1, 0], 3, ValueError, "indices は 0 以上 3 未満の整数が必要ですが -1 がありました"),
        ([0], 1, ValueError, "K は 2 以上の整数が必要ですが 1 でした"),
        ([0], 2.0, TypeError, "K は整数が必要ですが float でした"),
        ([0.0], 2, TypeError, "indices は整数の配列が必要ですが dtype が float64 でした"),
        ([], 2, ValueError, "indices は 1 個以上の値が必要ですが (0,) でした"),
        ([[0, 1]], 2, ValueError, "indices は (N,) の形が必要ですが (1, 2) でした"),
        (0, 2, ValueError, "indices は (N,) の形が必要ですが () でした"),
    ],
)
def test_one_hot_refuses_bad_input(indices, K, error, message):
    with pytest.raises(error, match=re.escape(message)):
        one_hot(indices, K)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            [[1, 0], [0.5, 0.5]],
            ValueError,
            "labels[1] は one-hot の行が必要ですが [0.5, 0.5] でした",
        ),
        ([[1, 1]], ValueError, "labels[0] は one-hot の行が必要ですが [1.0, 1.0] でした"),
        ([[0, 0]], ValueError, "labels[0] は one-hot の行が必要ですが [0.0, 0.0] でした"),
        ([[2, -1]], ValueError, "labels[0] は one-hot の行が必要ですが [2.0, -1.0] でした"),
        ([1, 0], ValueError, "labels は (N, K) の形が必要ですが (2,) でした"),
        ([[np.nan, 1]], ValueError, "labels は有限の値が必要"),
        ([["a"]], TypeError, "labels は実数の配列が必要"),
        (np.zeros((0, 2)), ValueError, "labels は 1 個以上の値が必要"),
    ],
)
def test_from_one_hot_refuses_bad_input(labels, error, message):
    with pytest.raises(error, match=re.escape(message)):
        from_one_hot(labels)


# 標準化 ---------------------------------------------------------------------------------


def test_standardized_columns_have_mean_zero_and_deviation_one():
    x = np.array([[10.0, 0.001], [300.0, 0.002], [50.0, 0.009]])
    z = standardize(x, fit_standardizer(x))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(z.std(axis=0), 1)


def test_the_same_standardizer_serves_new_data():
    standardizer = fit_standardizer([[0.0], [2.0]])
    assert standardize([[5.0]], standardizer).tolist() == [[4.0]]


@quick
@given(tables)
def test_standardize_and_back(x):
    standardizer = fit_standardizer(x)
    again = unstandardize(standardize(x, standardizer), standardizer)
    np.testing.assert_allclose(again, x, rtol=1e-12, atol=1e-9)


@quick
@given(st.floats(-1e6, 1e6), st.integers(1, 20))
def test_a_constant_column_becomes_zero_and_not_a_division_by_zero(value, N):
    x = np.full((N, 1), value)
    standardizer = fit_standardizer(x)
    assert standardizer.scale.tolist() == [1]
    np.testing.assert_allclose(standardize(x, standardizer), 0, atol=1e-15 * max(1, abs(value)))


def test_a_column_whose_deviation_underflows_is_treated_as_constant():
    assert fit_standardizer([[0.0], [5e-324]]).scale.tolist() == [1]


@pytest.mark.parametrize(
    ("dtype", "unit"),
    [(np.float32, 1e-23), (np.float32, 1e20), (np.float64, 1e-200), (float, 1e200)],
)
def test_the_unit_of_a_column_may_be_so_small_or_large_that_its_square_is_no_number(dtype, unit):
    x = (np.array([[1.0, 1.0], [3.0, 2.0], [5.0, 9.0]]) * [unit, 1]).astype(dtype)
    standardizer = fit_standardizer(x)
    np.testing.assert_allclose(standardizer.mean, [3 * unit, 4], rtol=1e-6)
    np.testing.assert_allclose(
        standardizer.scale, [np.sqrt(8 / 3) * unit, np.sqrt(38 / 3)], rtol=1e-6
    )
    assert standardizer.mean.dtype == standardizer.scale.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardizing_keeps_the_dtype(dtype):
    x = np.array([[1, 5], [2, 5]], dtype)
    standardizer = fit_standardizer(x)
    z = standardize(x, standardizer)
    assert standardizer.mean.dtype == standardizer.scale.dtype == z.dtype == dtype
    assert unstandardize(z, standardizer).dtype == dtype


def test_integer_tables_are_not_truncated():
    x = np.array([[1], [2]])
    assert standardize(x, fit_standardizer(x)).tolist() == [[-1], [1]]


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "x は (N, D) の形が必要ですが (2,) でした"),
        ([[np.nan]], ValueError, "x は有限の値が必要"),
        (np.zeros((0, 2)), ValueError, "x は 1 個以上の値が必要ですが (0, 2) でした"),
        ([["a"]], TypeError, "x は実数の配列が必要"),
    ],
)
def test_fit_standardizer_refuses_bad_input(x, error, message):
    with pytest.raises(error, match=re.escape(message)):
        fit_standardizer(x)


@pytest.mark.parametrize("f", [standardize, unstandardize])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "x は (N, 2) の形が必要ですが (2,) でした"),
        ([[1.0]], ValueError, "x は (N, 2) の形が必要ですが (1, 1) でした"),
        ([[np.inf, 0.0]], ValueError, "x は有限の値が必要"),
        ([["a", "b"]], TypeError, "x は実数の配列が必要"),
    ],
)
def test_standardize_and_back_refuse_bad_input(f, x, error, message):
    with pytest.raises(error, match=re.escape(message)):
        f(x, Standardizer([0.0, 0.0], [1.0, 1.0]))


@pytest.mark.parametrize("f", [standardize, unstandardize])
def test_a_pair_of_arrays_is_no_standardizer(f):
    with pytest.raises(TypeError, match="standardizer は Standardizer が必要ですが tuple でした"):
        f([[1.0]], ([0.0], [1.0]))


@pytest.mark.parametrize(
    ("mean", "scale", "error", "message"),
    [
        ([0.0], [0.0], ValueError, "scale は正の値が必要ですが 0 がありました"),
        ([0.0, 0.0], [1.0, -1.0], ValueError, "scale は正の値が必要ですが -1 がありました"),
        ([0.0], [1.0, 1.0], ValueError, "mean と scale は同じ形が必要ですが (1,) と (2,) でした"),
        (0.0, 1.0, ValueError, "mean は (D,) の形が必要ですが () でした"),
        ([np.nan], [1.0], ValueError, "mean は有限の値が必要"),
        ([0.0], ["a"], TypeError, "scale は実数の配列が必要"),
    ],
)
def test_a_bad_standardizer_is_refused(mean, scale, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Standardizer(mean, scale)


# 語 -------------------------------------------------------------------------------------


def test_vocabulary_is_in_order_of_first_appearance():
    assert build_vocabulary(["今日", "は", "雨", "今日", "も"]) == ("今日", "は", "雨", "も")


@quick
@given(st.lists(st.text("あいab", max_size=2), min_size=1))
def test_tokens_to_ids_and_back(tokens):
    vocabulary = build_vocabulary(tokens)
    ids = token_ids(tokens, vocabulary)
    assert np.issubdtype(ids.dtype, np.integer)
    assert tokens_from_ids(ids, vocabulary) == tuple(tokens)
    assert set(ids.tolist()) == set(range(len(vocabulary)))


bad_tokens = pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        ("今日は", TypeError, "は文字列の列が必要ですが str が一つでした"),
        (5, TypeError, "は文字列の列が必要ですが int が一つでした"),
        (["a", 1], TypeError, "は文字列の列が必要ですが int がありました"),
        ([], ValueError, "は 1 個以上の文字列が必要ですが空でした"),
    ],
)


@bad_tokens
def test_bad_tokens_are_refused(tokens, error, message):
    with pytest.raises(error, match=f"tokens {message}"):
        build_vocabulary(tokens)
    with pytest.raises(error, match=f"tokens {message}"):
        token_ids(tokens, ["a"])


@bad_tokens
def test_a_bad_vocabulary_is_refused(tokens, error, message):
    with pytest.raises(error, match=f"vocabulary {message}"):
        token_ids(["a"], tokens)
    with pytest.raises(error, match=f"vocabulary {message}"):
        tokens_from_ids([0], tokens)


def test_a_vocabulary_with_a_word_twice_is_refused():
    message = "vocabulary は重なりのない語が必要"
    with pytest.raises(ValueError, match=message):
        token_ids(["a"], ["a", "b", "a"])
    with pytest.raises(ValueError, match=message):
        tokens_from_ids([0], ["a", "b", "a"])


def test_an_unknown_token_is_named():
    with pytest.raises(ValueError, match="tokens は語彙にある語が必要ですが '雪' がありました"):
        token_ids(["雨", "雪"], ["雨", "晴れ"])


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([2], ValueError, "ids は 0 以上 2 未満の整数が必要ですが 2 がありました"),
        ([-1], ValueError, "ids は 0 以上 2 未満の整数が必要ですが -1 がありました"),
        ([0.0], TypeError, "ids は整数の配列が必要"),
        ([[0]], ValueError, "ids は (T,) の形が必要ですが (1, 1) でした"),
        ([], ValueError, "ids は 1 個以上の値が必要"),
    ],
)
def test_bad_ids_are_refused(ids, error, message):
    with pytest.raises(error, match=re.escape(message)):
        tokens_from_ids(ids, ["a", "b"])


# 音 -------------------------------------------------------------------------------------


def test_a_wave_is_measured_at_equal_intervals_from_zero():
    assert sample_wave(lambda t: t, duration=1, rate=4).tolist() == [0, 0.25, 0.5, 0.75]
    assert sample_wave(lambda t: t, duration=0.6, rate=4).tolist() == [0, 0.25, 0.5]


@pytest.mark.parametrize(
    ("duration", "rate", "N"), [(0.07, 100, 7), (0.29, 100, 29), (1, 8000, 8000)]
)
def test_the_rounding_of_a_product_adds_no_sample(duration, rate, N):
    assert sample_wave(lambda t: t, duration=duration, rate=rate).shape == (N,)


def test_a_sampled_sine_has_its_frequency():
    x = sample_wave(lambda t: np.sin(2 * np.pi * 440 * t), duration=1, rate=8000)
    assert x.shape == (8000,)
    assert np.abs(np.fft.rfft(x)).argmax() == 440


@pytest.mark.parametrize(
    ("wave", "duration", "rate", "error", "message"),
    [
        (np.sin, 0, 8, ValueError, "duration は正の数が必要ですが 0 でした"),
        (np.sin, 1, -8, ValueError, "rate は正の数が必要ですが -8 でした"),
        (np.sin, "1", 8, TypeError, "duration は数が必要ですが str でした"),
        (np.sin, 1, None, TypeError, "rate は数が必要ですが NoneType でした"),
        (lambda t: 1.0, 1, 8, ValueError, "wave(t) は (8,) の形が必要ですが () でした"),
        (lambda t: t * np.nan, 1, 8, ValueError, "wave(t) は有限の値が必要"),
        (lambda t: t * 1j, 1, 8, TypeError, "wave(t) は実数の配列が必要"),
    ],
)
def test_sample_wave_refuses_bad_input(wave, duration, rate, error, message):
    with pytest.raises(error, match=re.escape(message)):
        sample_wave(wave, duration=duration, rate=rate)


def test_quantizing_uses_the_whole_range():
    assert quantize_wave([-1.0, 0.0, 1.0], bits=1).tolist() in ([0, 0, 1], [0, 1, 1])
    assert quantize_wave([-1.0, -1 / 3, 1 / 3, 1.0], bits=2).tolist() == [0, 1, 2, 3]
    assert quantize_wave([-1, 1], bits=16).tolist() == [0, 65535]
    assert dequantize_wave([0, 65535], bits=16).tolist() == [-1, 1]


@quick
@given(hnp.arrays(np.float64, 5, elements=st.floats(-1, 1)), st.integers(1, 32))
def test_wave_to_codes_and_back_is_off_by_half_a_level_at_most(x, bits):
    again = dequantize_wave(quantize_wave(x, bits=bits), bits=bits)
    assert np.abs(again - x).max() <= 1 / (2**bits - 1) + 1e-15


@quick
@given(
    st.integers(1, 32).flatmap(lambda bits: st.tuples(st.just(bits), st.integers(0, 2**bits - 1)))
)
def test_codes_to_wave_and_back(case):
    bits, code = case
    assert quantize_wave(dequantize_wave([code], bits=bits), bits=bits).tolist() == [code]


def test_a_float32_wave_keeps_all_its_levels():
    codes = quantize_wave(np.array([1.0], np.float32), bits=32)
    assert codes.tolist() == [2**32 - 1]


@pytest.mark.parametrize(
    ("wave", "bits", "error", "message"),
    [
        ([1.5], 8, ValueError, "wave は −1 以上 1 以下の値が必要ですが絶対値 1.5 でした"),
        ([-1.5], 8, ValueError, "絶対値 1.5 でした"),
        ([np.nan], 8, ValueError, "wave は有限の値が必要"),
        (["a"], 8, TypeError, "wave は実数の配列が必要"),
        ([[0.0]], 8, ValueError, "wave は (T,) の形が必要ですが (1, 1) でした"),
        ([0.0], 0, ValueError, "bits は 1 以上の整数が必要ですが 0 でした"),
        ([0.0], 33, ValueError, "bits は 32 以下の整数が必要ですが 33 でした"),
        ([0.0], 8.0, TypeError, "bits は整数が必要ですが float でした"),
    ],
)
def test_quantize_wave_refuses_bad_input(wave, bits, error, message):
    with pytest.raises(error, match=re.escape(message)):
        quantize_wave(wave, bits=bits)


@pytest.mark.parametrize(
    ("codes", "bits", "error", "message"),
    [
        ([4], 2, ValueError, "codes は 0 以上 4 未満の整数が必要ですが 4 がありました"),
        ([-1], 2, ValueError, "codes は 0 以上 4 未満の整数が必要ですが -1 がありました"),
        ([0.5], 2, TypeError, "codes は整数の配列が必要"),
        ([[0]], 2, ValueError, "codes は (T,) の形が必要ですが (1, 1) でした"),
        ([0], 40, ValueError, "bits は 32 以下の整数が必要ですが 40 でした"),
        ([0], "2", TypeError, "bits は整数が必要ですが str でした"),
    ],
)
def test_dequantize_wave_refuses_bad_input(codes, bits, error, message):
    with pytest.raises(error, match=re.escape(message)):
        dequantize_wave(codes, bits=bits)


# 盤面 -----------------------------------------------------------------------------------


def test_a_board_has_one_plane_for_each_player():
    x = board_planes(["X.O", ".X."])
    assert x.tolist() == [[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]]
    assert x.dtype == np.float64


@quick
@given(boards)
def test_board_to_planes_and_back(rows):
    x = board_planes(rows)
    assert x.shape == (2, len(rows), len(rows[0]))
    assert board_from_planes(x) == tuple(rows)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (["X.", "O"], ValueError, "rows は長さのそろった行が必要ですが ('X.', 'O') でした"),
        ([""], ValueError, "rows は長さのそろった行が必要ですが ('',) でした"),
        (["Xo"], ValueError, "rows は X、O、. だけが必要ですが 'o' がありました"),
        ([], ValueError, "rows は 1 個以上の文字列が必要ですが空でした"),
        ("X.O", TypeError, "rows は文字列の列が必要ですが str が一つでした"),
        ([1], TypeError, "rows は文字列の列が必要ですが int がありました"),
    ],
)
def test_board_planes_refuses_bad_input(rows, error, message):
    with pytest.raises(error, match=re.escape(message)):
        board_planes(rows)


@pytest.mark.parametrize(
    ("planes", "error", "message"),
    [
        (np.zeros((3, 2, 2)), ValueError, "planes は (2, H, W) の形が必要ですが (3, 2, 2) でした"),
        (np.zeros((2, 2)), ValueError, "planes は (2, H, W) の形が必要ですが (2, 2) でした"),
        (np.full((2, 1, 1), 0.5), ValueError, "planes は 0 か 1 の値が必要"),
        (np.ones((2, 1, 1)), ValueError, "X と O が重なっていました"),
        (np.full((2, 1, 1), np.nan), ValueError, "planes は有限の値が必要"),
        ([[["a"]], [["b"]]], TypeError, "planes は実数の配列が必要"),
        (np.zeros((2, 0, 3)), ValueError, "planes は 1 個以上の値が必要"),
    ],
)
def test_board_from_planes_refuses_bad_input(planes, error, message):
    with pytest.raises(error, match=re.escape(message)):
        board_from_planes(planes)


def test_a_wave_just_outside_its_range_is_shown_with_all_its_digits():
    with pytest.raises(ValueError, match=r"絶対値 1\.0000001 でした"):
        quantize_wave([1.0000001], bits=3)


def test_one_hot_rows_need_no_table_of_all_classes():
    d = one_hot([1, 99_999], 100_000)
    assert d.shape == (2, 100_000)
    assert d[0, 1] == d[1, 99_999] == 1
    assert d.sum() == 2


def test_standardizer_of_many_float32_samples_is_that_of_float64():
    x = (1e4 + np.random.default_rng(0).normal(size=(100_000, 2))).astype(np.float32)
    narrow, wide = fit_standardizer(x), fit_standardizer(x.astype(np.float64))
    assert narrow.mean.dtype == narrow.scale.dtype == np.float32
    np.testing.assert_allclose(narrow.mean, wide.mean, rtol=1e-7)
    np.testing.assert_allclose(narrow.scale, wide.scale, rtol=1e-6)


@pytest.mark.parametrize(("value", "dtype"), [(1e8 / 3, np.float32), (1e300 / 3, np.float64)])
def test_column_of_one_value_becomes_exactly_zero(value, dtype):
    x = np.full((1000, 1), value, dtype)
    assert (standardize(x, fit_standardizer(x)) == 0).all()


@pytest.mark.parametrize("bits", [np.int8(8), np.int16(16), np.int32(32)])
def test_bits_of_a_small_integer_type_do_not_overflow(bits):
    wave = [-1.0, 0.5, 1.0]
    assert quantize_wave(wave, bits=bits).tolist() == quantize_wave(wave, bits=int(bits)).tolist()


def test_wave_is_sampled_at_multiples_of_the_period_up_to_a_part_of_one_in_ten_million():
    assert sample_wave(np.sin, duration=1.0000001, rate=8000).shape == (8001,)
    np.testing.assert_allclose(sample_wave(lambda t: t, duration=1, rate=2.5), [0, 0.4, 0.8])


@pytest.mark.parametrize("words", [{"a": 5, "b": 7}, {"a", "b"}])
def test_words_without_an_order_are_no_vocabulary(words):
    with pytest.raises(TypeError, match=r"文字列の列が必要ですが (dict|set) でした"):
        token_ids(["a"], words)
    with pytest.raises(TypeError, match=r"文字列の列が必要ですが (dict|set) でした"):
        build_vocabulary(words)


def test_values_of_a_wave_are_no_wave():
    with pytest.raises(TypeError, match=r"^wave は関数が必要ですが ndarray でした$"):
        sample_wave(np.linspace(0, 1, 3), duration=1, rate=4)
