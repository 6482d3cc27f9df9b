import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlnotes import universal_approximation as ua
from dlnotes.network import Layer, forward, init_network, layer_shapes, parameter_count

PIECES = np.array([16, 32, 64, 128, 256])


def smooth(x):
    return np.sin(5 * x) + np.exp(x) / 2


def call(network, x):
    return forward(network, np.asarray(x, dtype=float)[:, None])[:, 0]


def slope_of_error(build):
    """Slope of log sup error against log number of pieces, by least squares."""
    errors = [ua.sup_error(build(n), smooth, -1, 2, points=6_001) for n in PIECES]
    return np.polyfit(np.log(PIECES), np.log(errors), 1)[0]


def tent(x):
    return np.minimum(2 * x, 2 - 2 * x)


# --- bumps and staircases -----------------------------------------------------------------


def test_pair_of_steps_is_the_height_inside_and_zero_outside():
    network = ua.bump_network(0.2, 0.6, height=3)
    x = [-1, 0.2, 0.21, 0.4, 0.6, 0.61, 2]
    np.testing.assert_array_equal(call(network, x), [0, 0, 3, 3, 3, 0, 0])


def test_bump_is_made_of_two_units():
    assert layer_shapes(ua.bump_network(0, 1)) == ((1, 2), (2, 1))


def test_sigmoid_bump_tends_to_the_step_bump_away_from_the_edges():
    x = np.array([-0.5, 0.1, 0.5, 0.9, 1.5])
    sharp = call(ua.bump_network(0, 1, height=-2, steepness=1e3), x)
    np.testing.assert_allclose(sharp, call(ua.bump_network(0, 1, height=-2), x), atol=1e-12)
    soft = call(ua.bump_network(0, 1, steepness=10), np.array([0.0, 0.5]))
    # At an edge one sigmoid is at its half; in the middle both fall short a little.
    np.testing.assert_allclose(soft, [0.5, np.tanh(2.5)], atol=1e-4)


def test_staircase_is_the_sum_of_the_bumps_of_its_pieces():
    n, x = 5, np.linspace(-0.95, 1.95, 200)
    edges = np.linspace(-1, 2, n + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    bumps = sum(
        call(ua.bump_network(a, b, height=smooth(c)), x)
        for a, b, c in zip(edges[:-1], edges[1:], centres, strict=True)
    )
    np.testing.assert_allclose(call(ua.staircase_network(smooth, -1, 2, n), x), bumps, atol=1e-12)


def test_staircase_of_n_pieces_has_n_minus_one_units_and_takes_the_value_at_the_centres():
    network = ua.staircase_network(smooth, -1, 2, 7)
    assert layer_shapes(network) == ((1, 6), (6, 1))
    centres = -1 + (np.arange(7) + 0.5) * 3 / 7
    np.testing.assert_allclose(call(network, centres), smooth(centres), atol=1e-12)


def test_staircase_error_is_within_the_bound_of_the_mean_value_theorem():
    largest_slope = 5 + np.exp(2) / 2
    for n in PIECES:
        error = ua.sup_error(ua.staircase_network(smooth, -1, 2, n), smooth, -1, 2)
        assert error <= largest_slope * 3 / (2 * n)


def test_staircase_error_falls_as_one_over_the_width():
    slope = slope_of_error(lambda n: ua.staircase_network(smooth, -1, 2, n))
    assert slope == pytest.approx(-1, abs=0.05)


def test_sigmoid_staircase_error_falls_as_one_over_the_width_when_steepness_grows_with_it():
    slope = slope_of_error(lambda n: ua.staircase_network(smooth, -1, 2, n, steepness=4 * n))
    assert slope == pytest.approx(-1, abs=0.05)


# --- ReLU interpolant ---------------------------------------------------------------------


def test_interpolant_meets_the_function_at_the_nodes_and_is_straight_between_them():
    network = ua.relu_interpolant(smooth, -1, 2, 6)
    assert layer_shapes(network) == ((1, 6), (6, 1))
    nodes = np.linspace(-1, 2, 7)
    np.testing.assert_allclose(call(network, nodes), smooth(nodes), atol=1e-12)
    x = np.linspace(-1, 2, 500)
    np.testing.assert_allclose(call(network, x), np.interp(x, nodes, smooth(nodes)), atol=1e-12)


def test_interpolant_error_is_within_the_bound_of_the_second_derivative():
    largest_curvature = 25 + np.exp(2) / 2
    for n in PIECES:
        error = ua.sup_error(ua.relu_interpolant(smooth, -1, 2, n), smooth, -1, 2)
        assert error <= largest_curvature * (3 / n) ** 2 / 8


def test_interpolant_error_falls_as_one_over_the_square_of_the_width():
    slope = slope_of_error(lambda n: ua.relu_interpolant(smooth, -1, 2, n))
    assert slope == pytest.approx(-2, abs=0.05)


def test_straight_line_is_met_exactly_by_one_unit():
    network = ua.relu_interpolant(lambda x: 3 * x - 1, -2, 5, 1)
    assert ua.sup_error(network, lambda x: 3 * x - 1, -2, 5) == pytest.approx(0, abs=1e-12)
    assert parameter_count(network) == 4


def test_outside_the_interval_the_interpolant_goes_on_straight():
    network = ua.relu_interpolant(np.sin, 0, 6, 60)
    assert ua.sup_error(network, np.sin, 0, 6) < 2e-3
    outside = call(network, [-3, -2, -1, 7, 8, 9, 10])
    np.testing.assert_allclose(np.diff(outside[:3]), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(outside[3:], 2), 0, atol=1e-12)
    assert ua.sup_error(network, np.sin, 6, 12) > 4


def test_jump_keeps_the_error_of_every_width_at_half_of_it_or_more():
    def jump(x):
        return np.where(x > np.sqrt(0.5), 1.0, 0.0)

    for n in PIECES:
        assert ua.sup_error(ua.relu_interpolant(jump, 0, 1, n), jump, 0, 1) > 0.45


def test_sup_error_is_the_largest_gap_on_the_grid():
    network = (Layer([[1.0]], [0.0], "identity"),)
    assert ua.sup_error(network, lambda x: x**2, 0, 1, points=11) == pytest.approx(0.25)
    assert ua.sup_error(network, lambda x: x**2, 0, 3, points=4) == pytest.approx(6)
    # Two points are the two ends, where the tent and the line through them agree.
    assert ua.sup_error(network, lambda x: x + tent(x), 0, 1, points=2) == 0


# --- depth --------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_sawtooth_is_the_tent_map_applied_again_and_again(depth):
    x = np.linspace(0, 1, 777)
    expected = x
    for _ in range(depth):
        expected = tent(expected)
    np.testing.assert_allclose(call(ua.sawtooth_network(depth), x), expected, atol=1e-13)


def test_sawtooth_swings_between_zero_and_one_at_the_dyadic_points_exactly():
    x = np.arange(2**10 + 1) / 2**10
    np.testing.assert_array_equal(call(ua.sawtooth_network(10), x), np.arange(2**10 + 1) % 2)


@pytest.mark.parametrize("depth", [1, 2, 3, 8, 14])
def test_sawtooth_of_depth_k_has_two_to_the_k_pieces_from_two_k_units(depth):
    network = ua.sawtooth_network(depth)
    assert sum(d_out for _, d_out in layer_shapes(network)[:-1]) == 2 * depth
    assert ua.count_linear_pieces(network, 0, 1) == 2**depth


def test_pieces_are_counted_inside_the_interval_only():
    assert ua.count_linear_pieces(ua.sawtooth_network(6), 0, 0.5) == 2**5
    assert ua.count_linear_pieces(ua.sawtooth_network(6), 0.26, 0.26 + 1e-3) == 1


def test_one_hidden_layer_of_n_units_has_at_most_n_plus_one_pieces_and_reaches_them():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        kinks = np.sort(rng.uniform(-1, 1, 9))
        W = rng.choice([-1.0, 1.0], size=(1, 9)) * rng.uniform(0.5, 2, 9)
        hidden = Layer(W, -W[0] * kinks, "relu")
        network = (hidden, Layer(rng.normal(size=(9, 1)), [0.0], "identity"))
        assert ua.count_linear_pieces(network, -2, 2) == 10


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("seed", range(3))
def test_count_agrees_with_a_fine_grid_on_random_deep_networks(activation, seed):
    rng = np.random.default_rng(seed)
    network = init_network((1, 6, 5, 4, 1), activation=activation, rng=rng)
    network = tuple(
        Layer(layer.W, rng.normal(scale=0.5, size=layer.b.shape), layer.activation)
        for layer in network
    )
    count = ua.count_linear_pieces(network, -3, 3)
    x = np.linspace(-3, 3, 150_001)
    slopes = np.diff(call(network, x)) / np.diff(x)
    # A cell with a bend inside has a slope of its own, so that every bend shows as one or two
    # changes of slope in a row; a run of such changes is one bend.
    changes = abs(np.diff(slopes)) > 1e-7
    runs = np.sum(changes[1:] & ~changes[:-1]) + changes[0]
    assert count == 1 + runs
    assert count > 3


def test_bends_that_cancel_are_not_counted():
    hidden = Layer([[1.0, 1.0]], [-0.5, -0.5], "relu")
    network = (hidden, Layer([[1.0], [-1.0]], [0.0], "identity"))
    assert ua.count_linear_pieces(network, 0, 1) == 1
    # The bend at 1/5 cancels in y = x: steps of unlike length, one slope.
    hidden = Layer([[1.0, 1.0, 1.0]], [0.0, -0.2, -0.2], "relu")
    network = (hidden, Layer([[1.0], [1.0], [-1.0]], [0.0], "identity"))
    assert ua.count_linear_pieces(network, 0, 1) == 1


def test_interpolant_of_a_convex_function_has_as_many_pieces_as_asked():
    network = ua.relu_interpolant(np.exp, 0, 1, 37)
    assert ua.count_linear_pieces(network, 0, 1) == 37
    assert ua.count_linear_pieces(network, -1, 1) == 38


def test_float32_network_is_counted_as_the_function_it_is():
    # The output crosses zero on every tooth; in float32 such a crossing would look like a bend.
    x = np.arange(33) / 32
    zigzag = ua.relu_interpolant(lambda t: (-1.0) ** np.round(32 * t) * (1.1 + t), 0, 1, 32)
    narrow = tuple(
        Layer(layer.W.astype(np.float32), layer.b.astype(np.float32), layer.activation)
        for layer in zigzag
    )
    assert forward(narrow, x[:, None]).dtype == np.float32
    assert ua.count_linear_pieces(narrow, 0, 1) == 32


# --- boundary -----------------------------------------------------------------------------


@settings(max_examples=30)
@given(low=st.floats(-5, 5), gap=st.floats(0, 5))
def test_empty_intervals_are_refused(low, gap):
    high = low - gap
    for build in (ua.staircase_network, ua.relu_interpolant):
        with pytest.raises(ValueError, match=r"区間 \[a, b\] は a < b が必要"):
            build(np.sin, low, high, 4)
    with pytest.raises(ValueError, match=r"区間 \[a, b\] は a < b が必要"):
        ua.bump_network(low, high)
    with pytest.raises(ValueError, match=r"区間 \[a, b\] は a < b が必要"):
        ua.sup_error(ua.sawtooth_network(1), np.sin, low, high)
    with pytest.raises(ValueError, match=r"区間 \[a, b\] は a < b が必要"):
        ua.count_linear_pieces(ua.sawtooth_network(1), low, high)


@pytest.mark.parametrize("ends", [(np.nan, 1), (0, np.nan), (0, np.inf), (-np.inf, 0)])
def test_endless_intervals_are_refused(ends):
    with pytest.raises(ValueError, match=r"区間 \[a, b\] は有限の値が必要"):
        ua.relu_interpolant(np.sin, *ends, 4)


def test_intervals_longer_than_any_number_are_refused_without_a_warning():
    with pytest.raises(ValueError, match=r"区間の長さ b − a は有限の値が必要"):
        ua.relu_interpolant(np.sin, -1e308, 1e308, 4)


def test_ends_that_are_not_real_numbers_are_refused():
    with pytest.raises(TypeError, match="区間の右端 b は数が必要ですが complex でした"):
        ua.sup_error(ua.sawtooth_network(1), np.sin, 0, 1j)


@given(pieces=st.integers(-3, 0))
def test_too_few_pieces_are_refused(pieces):
    with pytest.raises(ValueError, match="pieces は 1 以上の整数が必要"):
        ua.relu_interpolant(np.sin, 0, 1, pieces)
    with pytest.raises(ValueError, match="pieces は 2 以上の整数が必要"):
        ua.staircase_network(np.sin, 0, 1, pieces + 1)
    with pytest.raises(ValueError, match="points は 2 以上の整数が必要"):
        ua.sup_error(ua.sawtooth_network(1), np.sin, 0, 1, points=pieces + 1)
    with pytest.raises(ValueError, match="depth は 1 以上の整数が必要"):
        ua.sawtooth_network(pieces)


def test_depth_beyond_the_precision_of_floats_is_refused():
    with pytest.raises(ValueError, match="depth は 50 以下の整数が必要ですが 51"):
        ua.sawtooth_network(51)
    assert len(ua.sawtooth_network(50)) == 51


@given(steepness=st.floats(-10, 0))
def test_sigmoids_that_do_not_rise_are_refused(steepness):
    with pytest.raises(ValueError, match="steepness は正の数が必要"):
        ua.bump_network(0, 1, steepness=steepness)


def test_functions_that_do_not_keep_the_shape_or_leave_the_numbers_are_refused():
    with pytest.raises(ValueError, match=r"f\(x\) と x は同じ形が必要ですが \(\) と \(4,\)"):
        ua.staircase_network(lambda x: x.sum(), 0, 1, 4)
    with pytest.raises(ValueError, match=r"f\(x\) は.*NaN"):
        ua.relu_interpolant(lambda x: x * np.nan, 0, 1, 4)
    with pytest.raises(TypeError, match=r"f\(x\) は実数の配列が必要"):
        ua.relu_interpolant(lambda x: x * 1j, 0, 1, 4)


def test_networks_of_several_inputs_or_outputs_are_refused():
    network = init_network((2, 3, 1), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="network は 1 入力 1 出力が必要ですが 2 入力 1 出力"):
        ua.sup_error(network, np.sin, 0, 1)
    with pytest.raises(ValueError, match="network は 1 入力 1 出力が必要ですが 2 入力 1 出力"):
        ua.count_linear_pieces(network, 0, 1)


def test_networks_that_are_not_piecewise_linear_are_not_counted():
    network = ua.staircase_network(np.sin, 0, 1, 4, steepness=10)
    with pytest.raises(ValueError, match=r"折れ線になる活性化関数.*sigmoid がありました"):
        ua.count_linear_pieces(network, 0, 1)


def test_a_function_that_writes_into_its_argument_builds_the_same_network():
    def f(x):
        return np.sin(x, out=x)

    for build in (ua.staircase_network, ua.relu_interpolant):
        for layer, wanted in zip(build(f, 0, 3, 5), build(np.sin, 0, 3, 5), strict=True):
            np.testing.assert_array_equal(layer.W, wanted.W)
            np.testing.assert_array_equal(layer.b, wanted.b)
    network = ua.relu_interpolant(np.sin, 0, 3, 5)
    assert ua.sup_error(network, f, 0, 3) == ua.sup_error(network, np.sin, 0, 3)


def test_a_bump_has_one_height_and_two_ends():
    with pytest.raises(TypeError, match="height は数が必要ですが list でした"):
        ua.bump_network(0, 1, height=[1, 2])
    with pytest.raises(TypeError, match="区間の左端 a は数が必要ですが list でした"):
        ua.bump_network([0], [1])


def test_networks_put_together_by_hand_are_float64_whatever_is_given():
    one, three = np.float32(0.1), np.float32(0.3)

    def narrow(x):
        return np.sin(x).astype(np.float32)

    networks = [
        ua.bump_network(one, three),
        ua.bump_network(one, three, steepness=5),
        ua.staircase_network(narrow, one, three, 4),
        ua.relu_interpolant(narrow, one, three, 4),
    ]
    dtypes = {a.dtype for network in networks for layer in network for a in (layer.W, layer.b)}
    assert dtypes == {np.dtype(np.float64)}
    assert isinstance(ua.sup_error(networks[3], narrow, one, three), float)


def test_zero_of_the_output_beside_a_bend_is_no_bend():
    rng = np.random.default_rng(0)
    for _ in range(50):
        bend = rng.uniform(0.2, 0.8)
        a, b = rng.uniform(0.5, 2), rng.uniform(-2, -0.5)
        # Two pieces that meet at the bend. The output is zero 1e-11 before it.
        hidden = Layer([[1.0, 1.0]], [0.0, -bend], "relu")
        network = hidden, Layer([[a], [b - a]], [-a * (bend - 1e-11)], "identity")
        assert ua.count_linear_pieces(network, 0, 1) == 2


def test_steps_are_no_straight_lines():
    with pytest.raises(ValueError, match="step"):
        ua.count_linear_pieces(ua.bump_network(0.2, 0.6), 0, 1)


def test_values_of_a_function_are_no_function():
    with pytest.raises(TypeError, match=r"^f は関数が必要ですが ndarray でした$"):
        ua.relu_interpolant(np.linspace(0, 1, 3), 0, 1, 2)
