"""練習用データの形、決まりどおりの値、乱数の扱い。"""

import re

import numpy as np
import pytest

from dlnotes.datasets import (
    ANIMAL_CLASSES,
    ANIMAL_FEATURES,
    animals,
    house_prices,
    line_with_outlier,
    linear_target,
    moons,
    sine,
    three_gaussians,
    two_gaussians,
    xor,
)

SHAPES = {
    animals: (7, 3),
    house_prices: (2, 1),
    line_with_outlier: (1, 1),
    two_gaussians: (2, 2),
    three_gaussians: (2, 3),
    moons: (2, 2),
    linear_target: (2, 1),
    sine: (1, 1),
}
CLASSIFICATION = [animals, two_gaussians, three_gaussians, moons]
every_dataset = pytest.mark.parametrize("make", SHAPES, ids=lambda f: f.__name__)
every_classification = pytest.mark.parametrize("make", CLASSIFICATION, ids=lambda f: f.__name__)


@pytest.fixture
def rng():
    return np.random.default_rng(20240502)


def nearest_mean_accuracy(x, d):
    """クラスの平均にいちばん近いクラスを答えたときの正答率。"""
    means = (d.T @ x) / d.sum(axis=0)[:, np.newaxis]
    distance = ((x[:, np.newaxis] - means) ** 2).sum(axis=2)
    return (distance.argmin(axis=1) == d.argmax(axis=1)).mean()


@every_dataset
@pytest.mark.parametrize("n", [3, 10])
def test_every_dataset_has_rows_of_samples_in_float64(make, n, rng):
    x, d = make(n, rng=rng)
    assert (x.shape, d.shape) == ((n, SHAPES[make][0]), (n, SHAPES[make][1]))
    assert x.dtype == d.dtype == np.float64
    assert np.isfinite(x).all()
    assert np.isfinite(d).all()


@every_dataset
def test_the_same_generator_state_gives_the_same_data_and_the_next_draw_differs(make):
    one, two = np.random.default_rng(1), np.random.default_rng(1)
    (x1, d1), (x2, d2) = make(5, rng=one), make(5, rng=two)
    np.testing.assert_array_equal(x1, x2)
    np.testing.assert_array_equal(d1, d2)
    x3, d3 = make(5, rng=one)
    assert not (np.array_equal(x1, x3) and np.array_equal(d1, d3))


@every_dataset
@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (0, ValueError, r"n は . 以上の整数が必要ですが 0 でした"),
        (-1, ValueError, r"n は . 以上の整数が必要ですが -1 でした"),
        (10.0, TypeError, "n は整数が必要ですが float でした"),
        ("10", TypeError, "n は整数が必要ですが str でした"),
    ],
)
def test_a_bad_number_of_samples_is_refused(make, n, error, message, rng):
    with pytest.raises(error, match=message):
        make(n, rng=rng)


@every_dataset
def test_a_seed_is_no_generator(make):
    with pytest.raises(TypeError, match=r"rng は numpy\.random\.Generator が必要ですが int でした"):
        make(5, rng=0)


@pytest.mark.parametrize("make", [moons, sine], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("noise", "error", "message"),
    [
        (-0.1, ValueError, "noise は 0 以上の数が必要ですが -0.1 でした"),
        (np.nan, ValueError, "noise は 0 以上の数が必要ですが nan でした"),
        ("1", TypeError, "noise は数が必要ですが str でした"),
    ],
)
def test_a_bad_noise_is_refused(make, noise, error, message, rng):
    with pytest.raises(error, match=message):
        make(5, noise=noise, rng=rng)


@every_classification
def test_classes_are_one_hot_balanced_and_shuffled(make, rng):
    d = make(100, rng=rng)[1]
    assert ((d == 0) | (d == 1)).all()
    assert (d.sum(axis=1) == 1).all()
    assert np.ptp(d.sum(axis=0)) <= 1
    c = d.argmax(axis=1)
    assert not np.array_equal(c, np.arange(100) % d.shape[1])


def test_xor_is_one_where_the_inputs_differ():
    x, d = xor()
    assert x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert d.tolist() == [[0], [1], [1], [0]]
    assert x.dtype == d.dtype == np.float64


def test_animals_have_names_positive_features_and_can_be_told_apart(rng):
    x, d = animals(600, rng=rng)
    assert x.shape[1] == len(ANIMAL_FEATURES)
    assert ANIMAL_CLASSES == ("犬", "猫", "ネズミ")
    assert d.shape[1] == len(ANIMAL_CLASSES)
    assert (x > 0).all()
    assert nearest_mean_accuracy(np.log(x), d) > 0.97


def test_the_animal_of_the_lecture_is_a_mouse(rng):
    x, d = animals(600, rng=rng)
    means = (d.T @ np.log(x)) / d.sum(axis=0)[:, np.newaxis]
    lecture = np.log([10, 300, 300, 15, 50, 1.8, 20])
    nearest = ((means - lecture) ** 2).sum(axis=1).argmin()
    assert ANIMAL_CLASSES[nearest] == "ネズミ"


def test_house_prices_follow_their_equation(rng):
    x, d = house_prices(4000, rng=rng)
    assert x[:, 0].min() >= 20
    assert x[:, 0].max() < 100
    assert x[:, 1].min() >= 1
    assert x[:, 1].max() < 20
    design = np.column_stack([np.ones(4000), x])
    coefficients, squares, *_ = np.linalg.lstsq(design, d[:, 0])
    np.testing.assert_allclose(coefficients, [1500, 60, -80], rtol=0.03)
    assert np.sqrt(squares / 4000) == pytest.approx(200, rel=0.05)


def test_only_the_last_point_of_the_line_is_an_outlier(rng):
    x, d = line_with_outlier(50, rng=rng)
    rest = (d - (2 * x + 1))[:, 0]
    np.testing.assert_array_equal(x[:, 0], np.linspace(0, 1, 50))
    assert np.abs(rest[:-1]).max() < 0.5
    assert rest[:-1].std() == pytest.approx(0.1, rel=0.3)
    assert rest[-1] == pytest.approx(5, abs=0.5)


def test_a_line_needs_two_points_beside_the_outlier(rng):
    with pytest.raises(ValueError, match="n は 3 以上の整数が必要ですが 2 でした"):
        line_with_outlier(2, rng=rng)


def test_two_gaussians_have_the_promised_posterior(rng):
    x, d = two_gaussians(20_000, rng=rng)
    np.testing.assert_allclose(x[d[:, 1] == 1].mean(axis=0), [1, 1], atol=0.05)
    np.testing.assert_allclose(x[d[:, 0] == 1].mean(axis=0), [-1, -1], atol=0.05)
    np.testing.assert_allclose(np.cov(x[d[:, 0] == 1].T), np.eye(2), atol=0.05)
    u = 2 * x.sum(axis=1)
    near = np.abs(u - 1) < 0.3
    assert d[near, 1].mean() == pytest.approx(1 / (1 + np.exp(-1)), abs=0.05)


def test_three_gaussians_stand_on_a_triangle(rng):
    x, d = three_gaussians(9000, rng=rng)
    means = (d.T @ x) / d.sum(axis=0)[:, np.newaxis]
    corners = [[2, 0], [-1, np.sqrt(3)], [-1, -np.sqrt(3)]]
    np.testing.assert_allclose(means, corners, atol=0.08)
    assert (x - d @ means).std() == pytest.approx(1, rel=0.03)


def test_moons_without_noise_are_two_half_circles(rng):
    x, d = moons(200, noise=0, rng=rng)
    upper, lower = x[d[:, 0] == 1], x[d[:, 1] == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5
    assert nearest_mean_accuracy(x, d) < 0.95


def test_moons_scatter_by_the_noise():
    clean, noisy = (moons(5000, noise=s, rng=np.random.default_rng(3))[0] for s in (0, 0.2))
    assert (noisy - clean).std() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-5, 5)])
def test_linear_target_is_the_function_of_the_notebook(low, high, rng):
    x, d = linear_target(1000, low=low, high=high, rng=rng)
    np.testing.assert_allclose(d[:, 0], 3 * x[:, 0] + 2 * x[:, 1], rtol=0, atol=1e-13)
    assert low <= x.min() < low + 0.02 * (high - low)
    assert high - 0.02 * (high - low) < x.max() < high


@pytest.mark.parametrize(
    ("low", "high", "error", "message"),
    [
        (1, 1, ValueError, "low は high より小さい数が必要ですが 1 と 1 でした"),
        (2, -1, ValueError, "low は high より小さい数が必要ですが 2 と -1 でした"),
        (np.nan, 1, ValueError, "low と high は有限の値が必要"),
        (0, np.inf, ValueError, "low と high は有限の値が必要"),
        ("a", 1, TypeError, "low は数が必要ですが str でした"),
        (0, [2, 3], TypeError, "high は数が必要ですが list でした"),
    ],
)
def test_a_bad_interval_is_refused(low, high, error, message, rng):
    with pytest.raises(error, match=re.escape(message)):
        linear_target(5, low=low, high=high, rng=rng)


def test_sine_scatters_around_one_period(rng):
    x, d = sine(5000, noise=0.2, rng=rng)
    assert x.min() >= 0
    assert x.max() < 1
    assert (d - np.sin(2 * np.pi * x)).std() == pytest.approx(0.2, rel=0.05)
    x, d = sine(20, noise=0, rng=rng)
    np.testing.assert_array_equal(d, np.sin(2 * np.pi * x))


class Counting(np.random.Generator):
    """正規乱数の代わりに 0, 1, 2, … を出す乱数の源。雑音の入り方を、一つずつ確かめられる。"""

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        return np.arange(np.prod(size), dtype=dtype).reshape(size)


@pytest.fixture
def counting():
    return Counting(np.random.PCG64(0))


@pytest.mark.parametrize(
    "make", sorted(set(SHAPES) - {line_with_outlier}, key=lambda f: f.__name__)
)
def test_one_sample_is_enough(make, rng):
    x, d = make(1, rng=rng)
    assert len(x) == len(d) == 1


def test_animals_scatter_around_the_typical_ones(counting):
    typical = np.array(
        [
            [70, 15000, 200, 40, 90, 1.2, 350],
            [45, 4000, 250, 30, 60, 1.5, 200],
            [12, 300, 280, 12, 40, 1.8, 25],
        ]
    )
    x, d = animals(6, rng=counting)
    np.testing.assert_allclose(x, d @ typical * np.exp(0.3 * np.arange(42).reshape(6, 7)))


def test_house_prices_are_the_equation_and_the_noise(counting):
    x, d = house_prices(20_000, rng=counting)
    np.testing.assert_allclose(d[:, 0], 1500 + x @ [60, -80] + 200 * np.arange(20_000))
    np.testing.assert_allclose(x.min(axis=0), [20, 1], atol=0.1)
    np.testing.assert_allclose(x.max(axis=0), [100, 20], atol=0.1)


def test_the_line_is_the_equation_and_the_noise(counting):
    x, d = line_with_outlier(5, rng=counting)
    np.testing.assert_allclose((d - 2 * x - 1)[:, 0], [0, 0.1, 0.2, 0.3, 5.4])


@pytest.mark.parametrize(
    ("make", "centers"),
    [
        (two_gaussians, [[-1, -1], [1, 1]]),
        (three_gaussians, [[2, 0], [-1, 3**0.5], [-1, -(3**0.5)]]),
    ],
)
def test_gaussians_are_the_centers_and_the_noise(make, centers, counting):
    x, d = make(6, rng=counting)
    np.testing.assert_allclose(x, d @ centers + np.arange(12).reshape(6, 2), atol=1e-12)


def test_moons_add_a_tenth_of_the_noise_to_each_coordinate():
    x, _ = moons(6, rng=Counting(np.random.PCG64(0)))
    clean, _ = moons(6, noise=0, rng=Counting(np.random.PCG64(0)))
    np.testing.assert_allclose(x - clean, 0.1 * np.arange(12).reshape(6, 2), atol=1e-12)


def test_sine_adds_a_tenth_of_the_noise(counting):
    x, d = sine(6, rng=counting)
    np.testing.assert_allclose(d - np.sin(2 * np.pi * x), 0.1 * np.arange(6)[:, np.newaxis])


def test_linear_target_fills_the_unit_square(rng):
    x, _ = linear_target(20_000, rng=rng)
    np.testing.assert_allclose(x.min(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(x.max(axis=0), 1, atol=0.01)


def test_sine_covers_a_whole_period_and_moons_a_half_circle():
    x, _ = sine(1000, rng=np.random.default_rng(0))
    assert x.min() < 0.01
    assert x.max() > 0.99
    x, d = moons(1000, noise=0, rng=np.random.default_rng(0))
    upper = x[d[:, 0] == 1]
    assert upper[:, 0].min() < -0.99
    assert upper[:, 0].max() > 0.99


def test_range_too_wide_to_draw_from_is_refused():
    with pytest.raises(ValueError, match="high と low の差 は有限の値が必要"):
        linear_target(5, low=-1e308, high=1e308, rng=np.random.default_rng(0))
