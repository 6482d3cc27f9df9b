"""層と順伝播とパラメータのベクトル。DL002 とノートブックの数値を含みます。"""

import math
from dataclasses import FrozenInstanceError, fields, replace
from functools import partial
from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlnotes.activations import relu, sigmoid, softmax
from dlnotes.network import (
    ACTIVATIONS,
    Activation,
    Layer,
    check_network,
    forward,
    forward_trace,
    he_normal,
    init_network,
    layer_shapes,
    parameter_count,
    parameters,
    plain_normal,
    with_parameters,
    xavier_normal,
)

quick = settings(max_examples=30)
small_normal = partial(plain_normal, std=1)
sizes_of_networks = st.lists(st.integers(1, 5), min_size=2, max_size=5)
W1, b1 = [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]], [0.1, 0.2, 0.3]
W2, b2 = [[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]], [0.1, 0.2]
W3, b3 = [[0.1, 0.3], [0.2, 0.4]], [1.0, 2.0]
COURSE = (Layer(W1, b1, "relu"), Layer(W2, b2, "relu"), Layer(W3, b3, "identity"))


@pytest.fixture
def rng():
    return np.random.default_rng(20240501)


# 講義の数値 -----------------------------------------------------------------------------


def test_the_course_network_gives_every_number_of_the_page():
    first, second, third = forward_trace(COURSE, [[1, 2]])
    np.testing.assert_allclose(first.u, [[0.6, 1.3, 2.0]], rtol=1e-15)
    np.testing.assert_allclose(second.u, [[1.02, 2.29]], rtol=1e-15)
    np.testing.assert_allclose(third.u, [[1.56, 3.222]], rtol=1e-15)
    np.testing.assert_array_equal(first.z, first.u)
    np.testing.assert_array_equal(second.z, second.u)
    np.testing.assert_allclose(forward(COURSE, [[1, 2]]), [[1.56, 3.222]], rtol=1e-15)
    assert forward(COURSE, [[1, 2]]).sum() == pytest.approx(4.782)


def test_parameter_counts_of_the_page(rng):
    assert parameter_count(COURSE) == 23
    assert parameter_count(init_network((2, 3, 3, 1), rng=rng)) == 25


def test_single_unit_of_the_notebook():
    np.testing.assert_allclose(forward((Layer([[0.1], [0.2]], [0.5], "relu"),), [[2, 3]]), [[1.3]])


def test_several_units_of_the_notebook():
    ramp = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5], [0.4, 0.5, 0.6]])
    (layer,) = forward_trace((Layer(ramp, [0.1, 0.2, 0.3], "sigmoid"),), [[1.0, 5.0, 2.0, -1.0]])
    np.testing.assert_allclose(layer.u, [[1.4, 2.2, 3.0]], rtol=1e-14)
    np.testing.assert_allclose(layer.z, [[0.8022, 0.9002, 0.9526]], atol=5e-5)


def test_regression_and_binary_of_the_notebook():
    hidden = Layer(W1, b1, "relu")
    np.testing.assert_allclose(
        forward((hidden, Layer(W2, b2, "identity")), [[1, 2]]), [[1.02, 2.29]]
    )
    trace = forward_trace((hidden, Layer([[0.2], [0.4], [0.6]], [0.1], "sigmoid")), [[1, 2]])
    assert trace[-1].u.item() == pytest.approx(1.94)
    assert trace[-1].z.item() == pytest.approx(0.87435, abs=5e-6)


def test_softmax_output_of_the_backpropagation_notebook():
    trace = forward_trace((Layer(W1, b1, "relu"), Layer(W2, b2, "softmax")), [[1, 5]])
    np.testing.assert_allclose(trace[0].u, [[1.2, 2.5, 3.8]], rtol=1e-14)
    np.testing.assert_allclose(trace[1].u, [[1.86, 4.21]], rtol=1e-14)
    np.testing.assert_allclose(trace[1].z, [[0.08707, 0.91293]], atol=5e-6)


# 順伝播 ---------------------------------------------------------------------------------


def test_forward_is_the_written_out_formula(rng):
    first, second = init_network((4, 5, 3), output_activation="softmax", rng=rng)
    x = rng.standard_normal((7, 4))
    y = softmax(relu(x @ first.W + first.b) @ second.W + second.b)
    np.testing.assert_array_equal(forward((first, second), x), y)


def test_bias_is_added_to_every_sample():
    layer = Layer(np.zeros((2, 3)), [1.0, 2.0, 3.0], "identity")
    np.testing.assert_array_equal(forward((layer,), np.ones((4, 2))), [[1, 2, 3]] * 4)


@quick
@given(sizes_of_networks, st.integers(0, 2**32 - 1))
def test_each_sample_passes_on_its_own(sizes, seed):
    rng = np.random.default_rng(seed)
    network = init_network(sizes, activation="tanh", rng=rng)
    x = rng.standard_normal((3, sizes[0]))
    one_by_one = np.concatenate([forward(network, row[np.newaxis]) for row in x])
    np.testing.assert_allclose(forward(network, x), one_by_one, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x_dtype", [np.float32, np.float64, np.int64])
def test_the_layers_decide_the_precision(rng, dtype, x_dtype):
    network = init_network((2, 3, 2), output_activation="softmax", rng=rng, dtype=dtype)
    for layer in forward_trace(network, np.ones((4, 2), x_dtype)):
        assert layer.u.dtype == dtype
        assert layer.z.dtype == dtype


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"x は \(N, 2\) の形が必要ですが \(2,\) でした"),
        (np.zeros((4, 3)), ValueError, r"x は \(N, 2\) の形が必要ですが \(4, 3\) でした"),
        (np.zeros((0, 2)), ValueError, r"x は 1 個以上の値が必要ですが \(0, 2\) でした"),
        ([[np.nan, 0.0]], ValueError, "x は有限の値が必要"),
        ([[np.inf, 0.0]], ValueError, "x は有限の値が必要"),
        ([["a", "b"]], TypeError, "x は実数の配列が必要"),
    ],
)
@pytest.mark.parametrize("f", [forward, forward_trace])
def test_bad_input_is_refused(f, x, error, message):
    with pytest.raises(error, match=message):
        f(COURSE, x)


@pytest.mark.parametrize("f", [forward, forward_trace])
def test_overflow_names_the_layer(f):
    big = Layer(np.full((2, 2), 1e200), [0.0, 0.0], "identity")
    with pytest.raises(FloatingPointError, match="層 2 の総入力 u があふれました"):
        f((big, big), [[1.0, 1.0]])


def test_overflow_that_cancels_to_nan_names_the_layer():
    big = Layer([[1e308], [-1e308]], [0.0], "identity")
    with pytest.raises(FloatingPointError, match="層 1 の総入力 u があふれました"):
        forward((big,), [[1e3, 1e3]])


# 層 -------------------------------------------------------------------------------------


def test_a_layer_turns_lists_and_integers_into_float64():
    layer = Layer([[1, 2], [3, 4]], [0, 1])
    assert layer.W.dtype == layer.b.dtype == np.float64
    assert layer.activation == "relu"


@pytest.mark.parametrize(
    "part", [COURSE[0], forward_trace(COURSE, [[1, 2]])[0], ACTIVATIONS["relu"]]
)
def test_no_part_can_be_rewritten(part):
    with pytest.raises(FrozenInstanceError):
        setattr(part, fields(part)[0].name, None)
    with pytest.raises((AttributeError, TypeError)):
        part.misspelt = None


def test_layers_are_told_apart_as_objects():
    # 値で比べると、配列どうしの == が一つの真偽にならず、例外になる。
    trace = forward_trace(COURSE, [[1, 2]])[0]
    assert COURSE[0] != Layer(W1, b1, "relu")
    assert trace != replace(trace)


@pytest.mark.parametrize(
    ("W", "b", "activation", "error", "message"),
    [
        ([1.0, 2.0], [0.0], "relu", ValueError, r"W は \(D_in, D_out\) の形が必要ですが \(2,\)"),
        ([[1.0, 2.0]], [0.0], "relu", ValueError, r"b は \(2,\) の形が必要ですが \(1,\) でした"),
        ([[1.0]], [[0.0]], "relu", ValueError, r"b は \(1,\) の形が必要ですが \(1, 1\) でした"),
        ([[np.nan]], [0.0], "relu", ValueError, "W は有限の値が必要"),
        ([[1.0]], [np.inf], "relu", ValueError, "b は有限の値が必要"),
        (np.zeros((0, 2)), [0.0, 0.0], "relu", ValueError, "W は 1 個以上の値が必要"),
        ([["a"]], [0.0], "relu", TypeError, "W は実数の配列が必要"),
        ([[1.0]], [1j], "relu", TypeError, "b は実数の配列が必要"),
        ([[1.0]], [0.0], "Relu", ValueError, "activation は .*relu.* のどれかが必要ですが 'Relu'"),
        ([[1.0]], [0.0], None, ValueError, "activation は .*softmax のどれかが必要ですが None"),
        (
            np.ones((1, 1), np.float32),
            np.zeros(1),
            "relu",
            TypeError,
            "W と b は同じ dtype が必要ですが float32 と float64 でした",
        ),
        (
            np.ones((1, 1)),
            np.zeros(1, np.float32),
            "relu",
            TypeError,
            "W と b は同じ dtype が必要ですが float64 と float32 でした",
        ),
        (
            [[1.0], [2.0]],
            [0.0],
            "softmax",
            ValueError,
            "softmax の層は 2 個以上の出力が必要ですが 1 個でした",
        ),
    ],
)
def test_a_bad_layer_is_refused(W, b, activation, error, message):
    with pytest.raises(error, match=message):
        Layer(W, b, activation)


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        ((), ValueError, "network は 1 個以上の層が必要ですが 0 個でした"),
        (list(COURSE), TypeError, "network は Layer の組（tuple）が必要ですが list でした"),
        ((COURSE[0], "relu"), TypeError, "network の層 2 は Layer が必要ですが str でした"),
        (
            (COURSE[0], COURSE[2]),
            ValueError,
            "層 1 と層 2 は出力と入力の数が同じである必要がありますが 3 と 2 でした",
        ),
        (
            (COURSE[0], Layer([[1.0]] * 4, [1.0])),
            ValueError,
            "層 1 と層 2 は出力と入力の数が同じである必要がありますが 3 と 4 でした",
        ),
        (
            (COURSE[0], COURSE[1], Layer(np.float32(W3), np.float32(b3))),
            TypeError,
            "層 2 と層 3 は同じ dtype が必要ですが float64 と float32 でした",
        ),
        (
            (Layer(np.float32(W1), np.float32(b1)), COURSE[1]),
            TypeError,
            "層 1 と層 2 は同じ dtype が必要ですが float32 と float64 でした",
        ),
    ],
)
@pytest.mark.parametrize(
    "f",
    [
        check_network,
        parameter_count,
        parameters,
        layer_shapes,
        lambda network: forward(network, [[1.0, 2.0]]),
        lambda network: forward_trace(network, [[1.0, 2.0]]),
        lambda network: with_parameters(network, [1.0]),
    ],
)
def test_a_bad_network_is_refused_everywhere(f, network, error, message):
    with pytest.raises(error, match=message):
        f(network)


def test_every_activation_is_registered_under_its_own_name():
    assert all(name == entry.name for name, entry in ACTIVATIONS.items())
    assert ACTIVATIONS["sigmoid"].function is unwrap(sigmoid)
    assert [name for name, entry in ACTIVATIONS.items() if entry.derivative is None] == ["softmax"]
    for entry in ACTIVATIONS.values():
        assert entry.function.__name__ == entry.name
        if entry.derivative is not None:
            assert entry.derivative.__name__ == f"{entry.name}_derivative"


def test_nobody_can_add_to_the_register():
    with pytest.raises(TypeError):
        ACTIVATIONS["new"] = Activation("new", relu, None)


# パラメータのベクトル -------------------------------------------------------------------


def test_parameters_come_layer_by_layer_weights_before_biases():
    network = (Layer([[1, 2], [3, 4]], [5, 6]), Layer([[7], [8]], [9]))
    assert parameters(network).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@quick
@given(sizes_of_networks, st.integers(0, 2**32 - 1))
def test_network_to_vector_and_back(sizes, seed):
    rng = np.random.default_rng(seed)
    network = init_network(sizes, activation="tanh", output_activation="sigmoid", rng=rng)
    theta = rng.standard_normal(parameter_count(network))
    again = with_parameters(network, theta)
    np.testing.assert_array_equal(parameters(again), theta)
    assert layer_shapes(again) == layer_shapes(network)
    assert [layer.activation for layer in again] == [layer.activation for layer in network]
    x = rng.standard_normal((2, sizes[0]))
    np.testing.assert_array_equal(
        forward(with_parameters(again, parameters(network)), x), forward(network, x)
    )


def test_with_parameters_points_into_theta_and_parameters_does_not(rng):
    theta = parameters(COURSE)
    assert all(
        np.shares_memory(theta, part)
        for layer in with_parameters(COURSE, theta)
        for part in (layer.W, layer.b)
    )
    assert not any(np.shares_memory(theta, layer.W) for layer in COURSE)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_vector_keeps_the_dtype(rng, dtype):
    network = init_network((2, 3, 1), rng=rng, dtype=dtype)
    theta = parameters(network)
    assert theta.dtype == dtype
    assert with_parameters(network, theta)[0].W.dtype == dtype


def test_an_integer_theta_is_not_truncated_later():
    assert with_parameters(COURSE, np.arange(23))[0].W.dtype == np.float64


@pytest.mark.parametrize(
    ("theta", "error", "message"),
    [
        (np.zeros(22), ValueError, r"theta は \(23,\) の形が必要ですが \(22,\) でした"),
        (np.zeros((23, 1)), ValueError, r"theta は \(23,\) の形が必要ですが \(23, 1\) でした"),
        (np.full(23, np.nan), ValueError, "theta は有限の値が必要"),
        (np.full(23, np.inf), ValueError, "theta は有限の値が必要"),
        (["a"] * 23, TypeError, "theta は実数の配列が必要"),
    ],
)
def test_a_bad_theta_is_refused(theta, error, message):
    with pytest.raises(error, match=message):
        with_parameters(COURSE, theta)


def test_layer_shapes_are_those_of_the_weights():
    assert layer_shapes(COURSE) == ((2, 3), (3, 2), (2, 2))


# 初期値 ---------------------------------------------------------------------------------


def test_init_network_has_the_shapes_names_and_zero_biases(rng):
    network = init_network((2, 3, 4, 1), activation="tanh", output_activation="sigmoid", rng=rng)
    assert layer_shapes(network) == ((2, 3), (3, 4), (4, 1))
    assert [layer.activation for layer in network] == ["tanh", "tanh", "sigmoid"]
    assert all((layer.b == 0).all() for layer in network)


def test_a_network_of_one_layer_has_the_output_activation(rng):
    (layer,) = init_network((2, 3), output_activation="softmax", rng=rng)
    assert layer.activation == "softmax"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_init_network_has_the_wanted_dtype(rng, dtype):
    (layer,) = init_network((2, 3), rng=rng, dtype=dtype)
    assert layer.W.dtype == layer.b.dtype == dtype


def test_the_same_generator_state_gives_the_same_network():
    one, two = (init_network((3, 4, 2), rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(parameters(one), parameters(two))


@pytest.mark.parametrize(
    ("initial", "std"),
    [("he", math.sqrt(2 / 200)), ("xavier", math.sqrt(2 / 500)), (0.05, 0.05), (0, 0)],
)
def test_initial_weights_have_the_wanted_spread(rng, initial, std):
    (layer,) = init_network((200, 300), initial=initial, rng=rng)
    assert layer.W.std() == pytest.approx(std, rel=0.02)
    assert layer.W.mean() == pytest.approx(0, abs=4 * std / math.sqrt(60_000))


@pytest.mark.parametrize(
    ("initialiser", "std"),
    [
        (he_normal, math.sqrt(2 / 200)),
        (xavier_normal, math.sqrt(2 / 500)),
        (partial(plain_normal, std=0.3), 0.3),
    ],
)
def test_initialisers_have_shape_and_spread(rng, initialiser, std):
    W = initialiser(d_in=200, d_out=300, rng=rng)
    assert W.shape == (200, 300)
    assert W.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize("initialiser", [he_normal, xavier_normal, small_normal])
def test_a_single_unit_can_be_initialised(rng, initialiser):
    assert initialiser(1, 1, rng=rng).shape == (1, 1)


def test_he_keeps_the_mean_square_through_relu_layers(rng):
    network = init_network((500,) * 6, activation="relu", rng=rng)
    trace = forward_trace(network, rng.standard_normal((50, 500)))
    assert (trace[-2].u ** 2).mean() == pytest.approx((trace[0].u ** 2).mean(), rel=0.3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sizes": (3,)}, ValueError, r"sizes は 1 以上の幅が 2 個以上必要ですが \(3,\) でした"),
        ({"sizes": ()}, ValueError, "sizes は 1 個以上の値が必要"),
        ({"sizes": (2, 0)}, ValueError, r"sizes は 1 以上の幅が 2 個以上必要ですが \(2, 0\)"),
        ({"sizes": (2, -1)}, ValueError, r"必要ですが \(2, -1\) でした"),
        ({"sizes": 5}, ValueError, r"sizes は \(L,\) の形が必要ですが \(\) でした"),
        ({"sizes": (2.0, 3.0)}, TypeError, "sizes は整数の配列が必要"),
        ({"activation": "foo"}, ValueError, "activation は .* のどれかが必要ですが 'foo'"),
        ({"output_activation": "foo"}, ValueError, "activation は .* のどれかが必要ですが 'foo'"),
        ({"initial": "foo"}, ValueError, "initial は he, xavier のどれかが必要ですが 'foo'"),
        ({"initial": -1.0}, ValueError, "initial は 0 以上の数が必要ですが -1 でした"),
        ({"initial": None}, TypeError, "initial は数が必要ですが NoneType でした"),
        ({"rng": 0}, TypeError, r"rng は numpy\.random\.Generator が必要ですが int でした"),
        ({"dtype": int}, TypeError, "dtype は float32 か float64 が必要ですが int64 でした"),
    ],
)
def test_bad_arguments_of_init_network_are_refused(rng, arguments, error, message):
    with pytest.raises(error, match=message):
        init_network(**{"sizes": (2, 3, 1), "rng": rng, **arguments})


@pytest.mark.parametrize("initialiser", [he_normal, xavier_normal, small_normal])
@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((0, 2), ValueError, "d_in は 1 以上の整数が必要ですが 0 でした"),
        ((2, 0), ValueError, "d_out は 1 以上の整数が必要ですが 0 でした"),
        ((2.0, 2), TypeError, "d_in は整数が必要ですが float でした"),
        ((2, "3"), TypeError, "d_out は整数が必要ですが str でした"),
    ],
)
def test_initialisers_refuse_bad_widths(rng, initialiser, shape, error, message):
    with pytest.raises(error, match=message):
        initialiser(*shape, rng=rng)


@pytest.mark.parametrize("initialiser", [he_normal, xavier_normal, small_normal])
def test_initialisers_refuse_a_seed(initialiser):
    with pytest.raises(TypeError, match=r"rng は numpy\.random\.Generator が必要ですが int でした"):
        initialiser(2, 3, rng=0)


def test_plain_normal_refuses_a_negative_spread(rng):
    with pytest.raises(ValueError, match="std は 0 以上の数が必要ですが -1 でした"):
        plain_normal(2, 3, std=-1, rng=rng)


def test_weights_are_read_row_by_row_however_they_lie_in_memory():
    W = np.arange(6.0).reshape(2, 3)
    layers = [(Layer(order(W), np.zeros(3)),) for order in (np.array, np.asfortranarray)]
    assert parameters(layers[1]).tolist() == parameters(layers[0]).tolist()


def test_plain_initial_weights_are_normal():
    W = plain_normal(300, 300, std=1, rng=np.random.default_rng(0))
    assert (W**4).mean() == pytest.approx(3, rel=0.05)


def test_unknown_activation_is_refused_also_where_no_layer_uses_it():
    with pytest.raises(ValueError, match=r"activation は .* のどれかが必要"):
        init_network((2, 3), activation="bogus", rng=np.random.default_rng(0))


def test_unknown_activation_of_the_output_is_named_as_such():
    with pytest.raises(ValueError, match=r"^output_activation は"):
        init_network([2, 1], output_activation="Relu", rng=np.random.default_rng(0))
