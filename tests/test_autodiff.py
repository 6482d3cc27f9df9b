"""The two directions of automatic differentiation agree with each other and with formulas."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlnotes.autodiff import Node, apply, forward_mode, reverse_mode

numbers = st.floats(-3, 3)


def sigmoid(u):
    return 1 / (1 + math.exp(-u))


def sigmoid_derivative(u):
    return sigmoid(u) * (1 - sigmoid(u))


def squared_error_of_a_net(sizes, w):
    """½‖y − d‖² of a sigmoid net without biases, for the input (1, 1, …) and d = 0."""
    w = iter(w)
    z = [1.0] * sizes[0]
    for _, width in pairwise(sizes):
        rows = [[next(w) for _ in z] for _ in range(width)]
        u = [sum((w_ji * z_i for w_ji, z_i in zip(row, z, strict=True)), start=0.0) for row in rows]
        z = [apply(sigmoid, sigmoid_derivative, u_j) for u_j in u]
    return sum(y * y for y in z) * 0.5


def parameters(sizes):
    count = sum(a * b for a, b in pairwise(sizes))
    return [Node(math.sin(1.0 + i)) for i in range(count)]


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
@given(a=numbers, b=numbers)
def test_derivatives_of_a_polynomial_are_its_formulas(mode, a, b):
    x, w = Node(a), Node(b)
    y = (3 * x * x * w + w - x) * x - 2.0
    derivatives, _ = mode(y, [x, w])
    assert y.value == pytest.approx(3 * a**3 * b + a * b - a**2 - 2, abs=1e-12)
    assert derivatives == pytest.approx((9 * a**2 * b + b - 2 * a, 3 * a**3 + a), abs=1e-11)


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
@given(a=numbers, b=numbers)
def test_a_difference_has_opposite_derivatives(mode, a, b):
    x, d = Node(a), Node(b)
    assert (x - d).value == a - b
    assert mode(x - d, [x, d])[0] == (1.0, -1.0)


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
@given(a=numbers)
def test_a_function_of_a_function_follows_the_chain_rule(mode, a):
    x = Node(a)
    y = apply(math.exp, math.exp, apply(math.sin, math.cos, x))
    assert mode(y, [x])[0] == pytest.approx((math.exp(math.sin(a)) * math.cos(a),))


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
def test_paths_that_meet_again_are_summed(mode):
    x = Node(2.0)
    z = x * x
    assert mode(z + z * x, [x])[0] == (2 * 2.0 + 3 * 2.0**2,)


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
def test_the_output_itself_has_derivative_one_and_a_stranger_has_zero(mode):
    x, stranger = Node(1.5), Node(4.0)
    y = x * 2.0
    assert mode(y, [y, x, stranger])[0] == (1.0, 2.0, 0.0)


@pytest.mark.parametrize("sizes", [(2, 3, 1), (3, 4, 5, 2), (1, 2, 2, 2, 1)])
def test_both_modes_give_the_same_gradient_of_a_net(sizes):
    w = parameters(sizes)
    E = squared_error_of_a_net(sizes, w)
    backward, _ = reverse_mode(E, w)
    assert forward_mode(E, w)[0] == pytest.approx(backward, rel=1e-12)

    h = 1e-6
    for m in range(len(w)):
        plus, minus = (
            squared_error_of_a_net(sizes, [Node(v.value + s * (i == m)) for i, v in enumerate(w)])
            for s in (h, -h)
        )
        assert backward[m] == pytest.approx((plus.value - minus.value) / (2 * h), abs=1e-9)


@pytest.mark.parametrize("sizes", [(2, 3, 1), (5, 10, 1), (3, 4, 5, 2)])
def test_forward_mode_multiplies_as_many_times_as_there_are_parameters(sizes):
    w = parameters(sizes)
    E = squared_error_of_a_net(sizes, w)
    _, backward = reverse_mode(E, w)
    assert forward_mode(E, w)[1] == len(w) * backward


def test_reverse_mode_multiplies_once_per_edge_however_many_inputs_there_are():
    x, w, b = Node(2.0), Node(3.0), Node(1.0)
    y = apply(sigmoid, sigmoid_derivative, w * x + b)
    assert reverse_mode(y, [w])[1] == reverse_mode(y, [x, w, b])[1] == 2 + 2 + 1


def test_a_shared_node_is_counted_once():
    x = Node(2.0)
    z = x * x
    assert reverse_mode(z * z, [x]) == ((32.0,), 4)


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
def test_the_paths_are_summed_without_being_walked_one_by_one(mode):
    y = x = Node(1.0)
    for _ in range(60):
        y = y + y
    assert mode(y, [x]) == ((2.0**60,), 120)


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
def test_a_graph_deeper_than_the_recursion_limit_is_no_problem(mode):
    y = x = Node(1.0)
    for _ in range(5000):
        y = y + x
    assert mode(y, [x])[0] == (5001.0,)


def test_nodes_cannot_be_changed():
    with pytest.raises(AttributeError):
        Node(1.0).value = 2.0


def test_a_number_minus_a_node_is_their_difference():
    x = Node(2.0)
    assert (1.0 - x).value == -1.0
    assert reverse_mode(1.0 - x, [x])[0] == (-1.0,)


@pytest.mark.parametrize(
    "calculate",
    [
        Node,
        lambda v: Node(1.0) + v,
        lambda v: v * Node(1.0),
        lambda v: Node(1.0) - v,
        lambda v: v - Node(1.0),
    ],
)
@pytest.mark.parametrize("value", [None, "1", True])
def test_only_numbers_are_calculated_with(calculate, value):
    with pytest.raises(TypeError, match=f"^value は数が必要ですが {type(value).__name__} でした$"):
        calculate(value)


@pytest.mark.parametrize("mode", [reverse_mode, forward_mode])
def test_inputs_that_are_no_nodes_are_refused(mode):
    x = Node(1.0)
    with pytest.raises(TypeError, match=r"^inputs\[1\] は Node が必要ですが float でした$"):
        mode(x * x, [x, 1.0])
    with pytest.raises(TypeError, match=r"^inputs は list か tuple が必要ですが Node でした$"):
        mode(x * x, x)


def test_a_node_is_shown_by_its_value_however_many_paths_lead_to_it():
    x = Node(1.0)
    for _ in range(60):
        x = x + x
    assert repr(x) == f"Node(value={2.0**60})"


def test_numbers_beyond_every_float_are_refused():
    with pytest.raises(ValueError, match=r"value は 1\.8e\+308 までの数が必要"):
        Node(10**400)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_small_integers_of_numpy_do_not_overflow(kind):
    assert (Node(kind(1)) - Node(kind(2))).value == -1
    assert (Node(kind(100)) * 2).value == 200


def test_input_that_the_output_does_not_reach_has_derivative_zero_in_both_directions():
    y, x = Node(1.0), Node(2.0)
    for mode in (reverse_mode, forward_mode):
        (derivative,), _ = mode(y, [x])
        assert isinstance(derivative, float)
        assert derivative == 0


def test_sign_is_a_node_too():
    x = Node(2.0)
    y = -x * 3
    assert y.value == -6
    assert reverse_mode(y, [x])[0] == (-3.0,)


def test_an_array_beside_a_node_is_refused_on_either_side():
    for product in (lambda: np.ones(2) * Node(3.0), lambda: Node(3.0) * np.ones(2)):
        with pytest.raises(TypeError, match="value は数が必要ですが ndarray でした"):
            product()
    assert (np.float64(2) * Node(3.0)).value == 6
