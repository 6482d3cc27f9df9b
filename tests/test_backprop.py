"""Backpropagation against central differences, hand calculation, and planted mistakes."""

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlnotes import backprop
from dlnotes.activations import sigmoid, sigmoid_derivative, softmax, softmax_jacobian
from dlnotes.backprop import backward, gradient_check, loss_and_gradient
from dlnotes.losses import cross_entropy_gradient
from dlnotes.network import (
    ACTIVATIONS,
    Layer,
    forward,
    forward_trace,
    init_network,
    parameters,
    with_parameters,
)
from dlnotes.numerical import directional_derivative, numerical_gradient, relative_error

HIDDEN = ["sigmoid", "tanh", "relu", "leaky_relu", "gelu", "identity"]
ELEMENTWISE = ["squared_error", "absolute_error", "huber"]
PAIRS = [
    *((output, loss) for output in HIDDEN for loss in ELEMENTWISE),
    ("softmax", "cross_entropy"),
    ("identity", "softmax_cross_entropy"),
    ("sigmoid", "binary_cross_entropy"),
    ("identity", "sigmoid_binary_cross_entropy"),
]


def random_net(sizes, activation, output_activation, rng, dtype=np.float64):
    """A net with biases that are not zero, so that nothing hides behind a zero."""
    net = init_network(
        sizes,
        activation=activation,
        output_activation=output_activation,
        initial="xavier",
        rng=rng,
        dtype=dtype,
    )
    return tuple(
        replace(layer, b=0.3 * rng.standard_normal(len(layer.b)).astype(dtype)) for layer in net
    )


def random_data(net, loss, rng, n=5):
    x = rng.standard_normal((n, net[0].W.shape[0]))
    d = rng.standard_normal((n, net[-1].W.shape[1]))
    if loss.endswith("binary_cross_entropy"):
        d = rng.random(d.shape)
    elif loss.endswith("cross_entropy"):
        d = rng.dirichlet(np.ones(d.shape[1]), n)
    return x, d


def numerical(net, x, d, loss):
    return numerical_gradient(
        lambda theta: loss_and_gradient(with_parameters(net, theta), x, d, loss)[0],
        parameters(net),
    )


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("activation", HIDDEN)
def test_the_gradient_of_a_random_net_of_any_depth_is_right(depth, activation):
    rng = np.random.default_rng([depth, HIDDEN.index(activation)])
    net = random_net([*[3, 5, 4, 5, 4][:depth], 2], activation, "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    check = gradient_check(net, x, d, "squared_error", rng=rng)
    assert check.relative_error <= 1e-7, check
    assert len(check.errors) == 2 * depth


@pytest.mark.parametrize(("output_activation", "loss"), PAIRS)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_gradient_is_right_for_every_output_and_loss(activation, output_activation, loss):
    rng = np.random.default_rng(PAIRS.index((output_activation, loss)))
    net = random_net([3, 6, 4], activation, output_activation, rng)
    x, d = random_data(net, loss, rng)
    check = gradient_check(net, x, d, loss, rng=rng)
    assert check.relative_error <= 1e-7, check


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("output_activation", "loss"), PAIRS)
def test_every_single_component_agrees_with_a_central_difference(output_activation, loss, depth):
    rng = np.random.default_rng([depth, PAIRS.index((output_activation, loss))])
    net = random_net([*[3, 6, 5, 4, 5][:depth], 4], "tanh", output_activation, rng)
    x, d = random_data(net, loss, rng)
    _, g = loss_and_gradient(net, x, d, loss)
    assert relative_error(g, numerical(net, x, d, loss)) <= 1e-7


def test_a_step_activation_stops_the_gradient_of_the_layers_before_it():
    rng = np.random.default_rng(0)
    net = random_net([3, 4, 2], "step", "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    first, last = backward(net, x, d, "squared_error")
    assert not first.W.any()
    assert not first.b.any()
    assert last.W.any()


def test_two_layers_by_hand():
    W1, b1 = np.array([[0.5, -0.3], [0.2, 0.4]]), np.array([0.1, -0.2])
    W2, b2 = np.array([[1.0], [-2.0]]), np.array([0.3])
    x, d = np.array([[1.0, 2.0]]), np.array([[1.0]])
    net = Layer(W1, b1, "sigmoid"), Layer(W2, b2, "identity")

    u1 = x @ W1 + b1
    y = sigmoid(u1) @ W2 + b2
    delta2 = y - d
    delta1 = delta2 @ W2.T * sigmoid_derivative(u1)

    first, last = backward(net, x, d, "squared_error")
    np.testing.assert_allclose(last.delta, delta2)
    np.testing.assert_allclose(last.W, sigmoid(u1).T @ delta2)
    np.testing.assert_allclose(last.b, delta2[0])
    np.testing.assert_allclose(first.delta, delta1)
    np.testing.assert_allclose(first.W, x.T @ delta1)
    np.testing.assert_allclose(first.b, delta1[0])


def test_the_course_notebook_1_2_is_reproduced_with_delta2():
    W1 = np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]])
    W2 = np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]])
    net = Layer(W1, [0.1, 0.2, 0.3], "relu"), Layer(W2, [0.1, 0.2], "softmax")
    error, _ = loss_and_gradient(net, [[1, 5]], [[0, 1]], "cross_entropy")
    _, last = backward(net, [[1, 5]], [[0, 1]], "cross_entropy")
    assert error == pytest.approx(0.09109, abs=1e-5)
    np.testing.assert_allclose(last.delta, [[0.08707, -0.08707]], atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_three_canonical_pairs_all_give_output_minus_target(seed):
    rng = np.random.default_rng(seed)
    for output, loss in [
        ("identity", "squared_error"),
        ("softmax", "cross_entropy"),
        ("sigmoid", "binary_cross_entropy"),
    ]:
        net = random_net([3, 4, 2], "tanh", output, rng)
        x, d = random_data(net, loss, rng)
        delta = backward(net, x, d, loss)[-1].delta
        np.testing.assert_allclose(delta, (forward(net, x) - d) / len(x), atol=1e-15)


def test_the_fused_delta_is_the_chain_rule_through_the_softmax_jacobian():
    rng = np.random.default_rng(0)
    net = random_net([3, 4], "relu", "softmax", rng)
    x, d = random_data(net, "cross_entropy", rng, n=1)
    u = forward_trace(net, x)[-1].u[0]
    by_chain_rule = cross_entropy_gradient(softmax(u), d[0]) @ softmax_jacobian(u)
    np.testing.assert_allclose(backward(net, x, d, "cross_entropy")[0].delta[0], by_chain_rule)


@pytest.mark.parametrize(
    ("output", "loss", "same_as"),
    [
        ("softmax", "cross_entropy", "softmax_cross_entropy"),
        ("sigmoid", "binary_cross_entropy", "sigmoid_binary_cross_entropy"),
    ],
)
def test_a_saturated_output_still_has_its_loss_and_its_gradient(output, loss, same_as):
    x, d = np.array([[1.0]]), np.array([[1.0, 0.0]])
    W, b = np.array([[-500.0, 500.0]]), np.zeros(2)
    error, g = loss_and_gradient((Layer(W, b, output),), x, d, loss)
    assert error == pytest.approx(1000)
    np.testing.assert_allclose(g, [-1, 1, -1, 1])
    logits_error, logits_g = loss_and_gradient((Layer(W, b, "identity"),), x, d, same_as)
    assert logits_error == error
    np.testing.assert_array_equal(logits_g, g)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 8))
def test_the_gradient_of_a_batch_is_the_mean_over_its_samples(seed, n):
    rng = np.random.default_rng(seed)
    net = random_net([3, 4, 2], "tanh", "softmax", rng)
    x, d = random_data(net, "cross_entropy", rng, n)
    error, g = loss_and_gradient(net, x, d, "cross_entropy")
    each = [loss_and_gradient(net, x[[i]], d[[i]], "cross_entropy") for i in range(n)]
    assert error == pytest.approx(np.mean([error_n for error_n, _ in each]))
    np.testing.assert_allclose(g, np.mean([g_n for _, g_n in each], axis=0), atol=1e-14)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_gradient_lies_in_the_order_of_the_parameters(seed):
    rng = np.random.default_rng(seed)
    net = random_net([3, 4, 2], "tanh", "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    _, g = loss_and_gradient(net, x, d, "squared_error")
    layers = backward(net, x, d, "squared_error")
    as_net = tuple(Layer(layer.W, layer.b) for layer in layers)
    np.testing.assert_array_equal(g, parameters(as_net))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_network_is_kept(dtype):
    rng = np.random.default_rng(0)
    net = random_net([3, 4, 2], "relu", "softmax", rng, dtype)
    x, d = random_data(net, "cross_entropy", rng)
    error, g = loss_and_gradient(net, x, d, "cross_entropy")
    assert type(error) is float
    assert g.dtype == dtype
    assert all(
        a.dtype == dtype
        for layer in backward(net, x, d, "cross_entropy")
        for a in (layer.W, layer.b, layer.delta)
    )


def test_a_float32_network_is_checked_in_float64():
    rng = np.random.default_rng(0)
    net = random_net([3, 4, 2], "tanh", "softmax", rng, np.float32)
    x, d = random_data(net, "cross_entropy", rng)
    assert gradient_check(net, x, d, "cross_entropy", rng=rng).relative_error <= 1e-7


def test_neither_network_nor_data_is_written_into():
    rng = np.random.default_rng(0)
    net = random_net([3, 4, 2], "tanh", "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    before = parameters(net), x.copy(), d.copy()
    loss_and_gradient(net, x, d, "squared_error")
    gradient_check(net, x, d, "squared_error", rng=rng)
    for left, right in zip((parameters(net), x, d), before, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("parameter", ["W", "b"])
def test_a_planted_wrong_gradient_is_caught_by_layer_and_parameter(layer, parameter):
    rng = np.random.default_rng(0)
    net = random_net([3, 4, 4, 2], "tanh", "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    gradients = list(backward(net, x, d, "squared_error"))
    wrong = getattr(gradients[layer - 1], parameter).copy()
    wrong.flat[0] *= -1
    gradients[layer - 1] = replace(gradients[layer - 1], **{parameter: wrong})
    g = parameters(tuple(Layer(part.W, part.b) for part in gradients))

    check = gradient_check(net, x, d, "squared_error", rng=rng, gradient=g)
    assert check.worst == f"層 {layer} の {parameter}"
    assert check.relative_error > 1e-3
    assert sum(error > 1e-7 for error in check.errors.values()) == 1


def test_each_parameter_is_checked_in_eight_directions_of_length_one(monkeypatch):
    rng, tried = np.random.default_rng(0), []
    net = random_net([3, 4, 2], "tanh", "identity", rng)
    x, d = random_data(net, "squared_error", rng)

    def spy(E, theta, v):
        tried.append(v)
        return directional_derivative(E, theta, v)

    monkeypatch.setattr(backprop, "directional_derivative", spy)
    gradient_check(net, x, d, "squared_error", rng=rng)
    np.testing.assert_allclose(np.linalg.norm(tried, axis=1), 1)
    sizes = [np.count_nonzero(v) for v in tried]
    assert sizes == [12] * 8 + [4] * 8 + [8] * 8 + [2] * 8


def test_the_derivative_taken_at_the_output_instead_of_the_total_input_is_caught(monkeypatch):
    rng = np.random.default_rng(0)
    net = random_net([3, 4, 2], "sigmoid", "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    at_z = replace(ACTIVATIONS["sigmoid"], derivative=lambda u: sigmoid_derivative(sigmoid(u)))
    monkeypatch.setattr(backprop, "ACTIVATIONS", {**ACTIVATIONS, "sigmoid": at_z})
    check = gradient_check(net, x, d, "squared_error", rng=rng)
    assert check.worst in ("層 1 の W", "層 1 の b")
    assert check.relative_error > 1e-3
    assert max(check.errors["層 2 の W"], check.errors["層 2 の b"]) <= 1e-7


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_a_gradient_divided_by_the_outputs_as_well_is_caught(loss):
    rng = np.random.default_rng(0)
    net = random_net([3, 4, 2], "tanh", "identity", rng)
    x, d = random_data(net, loss, rng)
    _, g = loss_and_gradient(net, x, d, loss)
    check = gradient_check(net, x, d, loss, rng=rng, gradient=g / 2)
    assert check.relative_error == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("function", [backward, loss_and_gradient])
def test_an_unknown_loss_is_refused_with_the_known_names(function):
    net = init_network([2, 3], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"loss は squared_error, .*のどれかが必要ですが 'mse'"):
        function(net, [[1, 2]], [[1, 2, 3]], "mse")


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "gelu"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "sigmoid_binary_cross_entropy"])
def test_an_activation_before_a_loss_that_brings_its_own_is_refused(output, loss):
    net = init_network([2, 3], output_activation=output, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"{loss} は総入力を受け取るので.*{output} でした"):
        loss_and_gradient(net, [[1, 2]], [[1, 0, 0]], loss)


def test_softmax_with_another_loss_is_refused():
    net = init_network([2, 3], output_activation="softmax", rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="softmax は出力層で cross_entropy と組にする必要"):
        loss_and_gradient(net, [[1, 2]], [[1, 0, 0]], "squared_error")


def test_softmax_in_a_hidden_layer_is_refused():
    net = init_network([2, 3, 1], activation="softmax", rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="softmax は出力層で cross_entropy と組にする必要"):
        loss_and_gradient(net, [[1, 2]], [[1]], "squared_error")


@pytest.mark.parametrize("function", [backward, loss_and_gradient])
@given(shape=st.sampled_from([(3,), (2, 2), (1, 3), (2, 3, 1)]))
def test_targets_of_another_shape_are_refused(function, shape):
    net = init_network([2, 3], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"d は \(2, 3\) の形が必要ですが"):
        function(net, np.ones((2, 2)), np.zeros(shape), "squared_error")


@pytest.mark.parametrize("function", [backward, loss_and_gradient])
def test_inputs_of_another_width_are_refused(function):
    net = init_network([2, 3], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"x は \(N, 2\) の形が必要ですが \(1, 4\) でした"):
        function(net, np.ones((1, 4)), np.zeros((1, 3)), "squared_error")


def test_a_gradient_of_another_length_cannot_be_checked():
    net, rng = init_network([2, 3], rng=np.random.default_rng(0)), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"gradient は \(9,\) の形が必要ですが \(4,\) でした"):
        gradient_check(net, [[1, 2]], [[1, 2, 3]], "squared_error", rng=rng, gradient=np.ones(4))


def test_a_seed_in_place_of_a_generator_is_refused():
    net = init_network([2, 3], rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"rng は numpy\.random\.Generator が必要ですが int"):
        gradient_check(net, [[1, 2]], [[1, 2, 3]], "squared_error", rng=0)


def test_each_layer_has_its_own_delta_from_the_input_on():
    rng = np.random.default_rng(0)
    net = random_net([2, 3, 4, 5, 1], "tanh", "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    z = [x, *(layer.z for layer in forward_trace(net, x))]
    for z_in, layer in zip(z[:-1], backward(net, x, d, "squared_error"), strict=True):
        np.testing.assert_allclose(z_in.T @ layer.delta, layer.W, rtol=1e-12)
        np.testing.assert_allclose(layer.delta.sum(axis=0), layer.b, rtol=1e-12)


@pytest.mark.parametrize("function", [backward, loss_and_gradient])
def test_an_overflow_is_an_error_with_its_layer_and_no_warning(function):
    net = (Layer([[1e200], [1e200]], [0.0], "identity"), Layer([[1e200]], [0.0], "identity"))
    with pytest.raises(FloatingPointError, match="層 2 の総入力 u があふれました"):
        function(net, np.full((1, 2), 1e100), np.zeros((1, 1)), "squared_error")


@pytest.mark.parametrize("function", [backward, loss_and_gradient])
@pytest.mark.parametrize(
    ("x", "weights", "d", "loss", "what"),
    [
        (1e200, [1.0], 0.0, "squared_error", "誤差 E"),
        (1e200, [1e-190], 1e150, "squared_error", "勾配 g"),
        (1e200, [1e-50, 1e150], 0.0, "huber", "勾配 g"),
    ],
)
def test_an_error_or_gradient_that_overflows_is_no_result(function, x, weights, d, loss, what):
    net = tuple(Layer([[w]], [0.0], "identity") for w in weights)
    with pytest.raises(FloatingPointError, match=f"{what} があふれました"):
        function(net, [[x]], [[d]], loss)


def test_results_are_records_that_are_not_rewritten():
    rng = np.random.default_rng(0)
    net = random_net((2, 3), "relu", "identity", rng)
    x, d = random_data(net, "squared_error", rng)
    (layer,) = backward(net, x, d, "squared_error")
    check = gradient_check(net, x, d, "squared_error", rng=rng)
    for record in (layer, check):
        with pytest.raises(FrozenInstanceError):
            setattr(record, fields(record)[0].name, None)
        with pytest.raises((AttributeError, TypeError)):
            record.misspelt = None
    # 値で比べると、配列どうしの == が一つの真偽にならず、例外になる。
    assert layer != replace(layer)


def test_the_result_of_a_gradient_check_can_be_kept_and_equals_only_itself():
    network = init_network([2, 3, 2], rng=np.random.default_rng(0))
    x, d = np.ones((1, 2)), np.zeros((1, 2))
    check = gradient_check(network, x, d, "squared_error", rng=np.random.default_rng(0))
    for kept in (copy.deepcopy(check), pickle.loads(pickle.dumps(check))):
        assert asdict(kept) == asdict(check)
        assert kept != check
    assert hash(check) == hash(check)
