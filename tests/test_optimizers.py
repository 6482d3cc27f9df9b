"""Closed forms of every update rule, and the schedules."""

import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlnotes.optimizers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    Momentum,
    Nesterov,
    RMSProp,
    constant,
    cosine,
    exponential_decay,
    step_decay,
)

ALL = [
    SGD(0.1),
    Momentum(0.1),
    Nesterov(0.1),
    AdaGrad(0.1),
    RMSProp(0.1),
    Adadelta(),
    Adam(0.1),
]
each = pytest.mark.parametrize("optimizer", ALL, ids=lambda optimizer: type(optimizer).__name__)
vectors = arrays(np.float64, 4, elements=st.floats(0.01, 10) | st.floats(-10, -0.01))


def run(optimizer, gradient, theta, steps):
    """The path θ₀, θ₁, … when the gradient is a function of θ."""
    state, path = optimizer.init(theta), [theta]
    for _ in range(steps):
        theta, state = optimizer.step(theta, gradient(theta), state)
        path.append(theta)
    return np.array(path)


@given(theta=vectors, g=vectors)
def test_gradient_descent_moves_against_the_gradient_by_the_learning_rate(theta, g):
    np.testing.assert_array_equal(SGD(0.5).step(theta, g, ())[0], theta - 0.5 * g)


@given(theta=vectors, g=vectors)
def test_the_first_step_of_momentum_is_gradient_descent(theta, g):
    path = run(Momentum(0.5), lambda _: g, theta, 1)
    np.testing.assert_allclose(path[1], theta - 0.5 * g)


@given(theta=vectors, g=vectors)
def test_the_first_step_of_nesterov_looks_one_step_further(theta, g):
    path = run(Nesterov(0.5, momentum=0.8), lambda _: g, theta, 1)
    np.testing.assert_allclose(path[1], theta - 0.5 * 1.8 * g)


@given(g=vectors, epsilon=st.floats(0.001, 1))
def test_the_first_step_of_adam_is_the_learning_rate_against_the_sign(g, epsilon):
    path = run(Adam(epsilon), lambda _: g, np.zeros(4), 1)
    np.testing.assert_allclose(path[1], -epsilon * np.sign(g), rtol=1e-5)


@given(g=vectors)
def test_the_first_step_of_adagrad_is_the_learning_rate_against_the_sign(g):
    path = run(AdaGrad(0.1), lambda _: g, np.zeros(4), 1)
    np.testing.assert_allclose(path[1], -0.1 * np.sign(g), rtol=1e-5)


@given(g=vectors)
def test_the_first_step_of_rmsprop_is_too_long_because_its_average_starts_at_zero(g):
    path = run(RMSProp(0.1, decay=0.9), lambda _: g, np.zeros(4), 1)
    np.testing.assert_allclose(path[1], -0.1 / math.sqrt(0.1) * np.sign(g), rtol=1e-5)


@given(g=vectors)
def test_the_first_step_of_adadelta_is_made_by_its_small_number(g):
    path = run(Adadelta(decay=0.95, epsilon=1e-6), lambda _: g, np.zeros(4), 1)
    np.testing.assert_allclose(path[1], -math.sqrt(1e-6) * g / np.sqrt(0.05 * g**2 + 1e-6))


@given(g=vectors)
def test_under_a_constant_gradient_momentum_approaches_ten_times_the_step(g):
    path = run(Momentum(0.1, momentum=0.9), lambda _: g, np.zeros(4), 300)
    np.testing.assert_allclose(path[-1] - path[-2], -0.1 * g / (1 - 0.9), rtol=1e-9)


@given(g=vectors)
def test_under_a_constant_gradient_adagrad_slows_down_as_one_over_root_t(g):
    path = run(AdaGrad(0.1), lambda _: g, np.zeros(4), 50)
    steps = np.diff(path, axis=0)
    t = np.arange(1, 51)[:, np.newaxis]
    np.testing.assert_allclose(steps, -0.1 * np.sign(g) / np.sqrt(t), rtol=1e-5)


@given(g=vectors)
def test_under_a_constant_gradient_every_step_of_adam_has_the_same_length(g):
    steps = np.diff(run(Adam(0.1), lambda _: g, np.zeros(4), 50), axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(-0.1 * np.sign(g), (50, 4)), rtol=1e-5)


@pytest.mark.parametrize(
    "optimizer",
    [AdaGrad(0.1, epsilon=0.5), RMSProp(0.1, decay=0, epsilon=0.5), Adam(0.1, epsilon=0.5)],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_the_small_number_is_added_to_the_root(optimizer):
    path = run(optimizer, lambda _: np.array([2.0]), np.zeros(1), 1)
    assert path[1][0] == pytest.approx(-0.1 * 2 / (2 + 0.5), rel=1e-12)


def test_the_second_step_of_adam_by_hand():
    optimizer, theta = Adam(0.1, beta1=0.5, beta2=0.75, epsilon=1e-12), np.zeros(1)
    state = optimizer.init(theta)
    for g in (1.0, 3.0):
        theta, state = optimizer.step(theta, np.array([g]), state)
    m_hat = (0.25 * 1 + 0.5 * 3) / (1 - 0.5**2)
    v_hat = (0.1875 * 1 + 0.25 * 9) / (1 - 0.75**2)
    assert state[0] == 2
    assert theta[0] == pytest.approx(-0.1 - 0.1 * m_hat / math.sqrt(v_hat), rel=1e-10)


def test_the_second_step_of_rmsprop_by_hand():
    optimizer, theta = RMSProp(0.1, decay=0.75, epsilon=1e-12), np.zeros(1)
    state = optimizer.init(theta)
    for g in (1.0, 3.0):
        theta, state = optimizer.step(theta, np.array([g]), state)
    first, second = 1 / math.sqrt(0.25), 3 / math.sqrt(0.25 * 0.75 + 0.25 * 9)
    assert theta[0] == pytest.approx(-0.1 * (first + second), rel=1e-10)


def test_the_second_step_of_adadelta_by_hand():
    optimizer, theta = Adadelta(decay=0.8, epsilon=0.01), np.zeros(1)
    state = optimizer.init(theta)
    for g in (1.0, 3.0):
        theta, state = optimizer.step(theta, np.array([g]), state)
    first = math.sqrt(0.01) / math.sqrt(0.2 + 0.01)
    second = 3 * math.sqrt(0.2 * first**2 + 0.01) / math.sqrt(0.8 * 0.2 + 0.2 * 9 + 0.01)
    assert theta[0] == pytest.approx(-(first + second), rel=1e-12)


def test_nesterov_is_the_lookahead_form_of_sutskever_seen_from_the_lookahead_point():
    curvature, epsilon, mu = np.array([1.0, 7.0]), 0.05, 0.9
    start = np.array([1.0, -2.0])
    path = run(Nesterov(epsilon, momentum=mu), lambda theta: curvature * theta, start, 30)

    phi, w = start, np.zeros(2)
    for theta in path:
        np.testing.assert_allclose(theta, phi + mu * w, atol=1e-12)
        w = mu * w - epsilon * curvature * (phi + mu * w)
        phi = phi + w


@pytest.mark.parametrize("optimizer", [Momentum(0.1, momentum=0), Nesterov(0.1, momentum=0)])
@given(theta=vectors)
def test_without_momentum_only_gradient_descent_remains(optimizer, theta):
    np.testing.assert_array_equal(run(optimizer, np.sin, theta, 5), run(SGD(0.1), np.sin, theta, 5))


@pytest.mark.parametrize(
    ("share_of_threshold", "converges"), [(0.1, True), (0.99, True), (1.01, False), (1.5, False)]
)
def test_a_quadratic_converges_iff_the_rate_is_below_two_over_its_largest_curvature(
    share_of_threshold, converges
):
    rng = np.random.default_rng(0)
    Q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    A = Q @ np.diag([0.5, 1.0, 4.0]) @ Q.T
    epsilon = share_of_threshold * 2 / np.linalg.eigvalsh(A).max()
    path = run(SGD(epsilon), lambda theta: A @ theta, Q.sum(axis=1), 400)
    growth = np.linalg.norm(path[-1]) / np.linalg.norm(path[0])
    assert growth < 1e-3 if converges else growth > 1e3


@pytest.mark.parametrize(("share_of_threshold", "converges"), [(0.99, True), (1.01, False)])
def test_momentum_raises_the_threshold_by_the_factor_one_plus_mu(share_of_threshold, converges):
    curvature, mu = 4.0, 0.5
    epsilon = share_of_threshold * 2 * (1 + mu) / curvature
    path = run(Momentum(epsilon, momentum=mu), lambda theta: curvature * theta, np.ones(1), 3000)
    assert abs(path[-1, 0]) < 1e-3 if converges else abs(path[-1, 0]) > 1e3


@each
def test_every_optimizer_goes_down_a_ravine(optimizer):
    curvature = np.array([0.5, 5.0])
    path = run(optimizer, lambda theta: curvature * theta, np.array([2.0, 1.0]), 500)
    E = (curvature * path**2).sum(axis=1) / 2
    assert E[-1] < 0.7 * E[0]


@each
def test_a_zero_gradient_from_the_start_moves_nothing(optimizer):
    path = run(optimizer, np.zeros_like, np.ones(3), 3)
    np.testing.assert_array_equal(path[-1], np.ones(3))


@each
def test_a_zero_learning_rate_moves_nothing(optimizer):
    path = run(replace(optimizer, learning_rate=0), np.sin, np.ones(3), 3)
    np.testing.assert_array_equal(path[-1], np.ones(3))


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_parameters_is_kept(optimizer, dtype):
    optimizer = replace(optimizer, learning_rate=np.float64(0.1))
    theta = np.ones(3, dtype)
    state = optimizer.init(theta)
    for _ in range(2):
        theta, state = optimizer.step(theta, np.full(3, 0.5, dtype), state)
    assert theta.dtype == dtype
    memory = state if isinstance(state, tuple) else (state,)
    assert all(m.dtype == dtype for m in memory if isinstance(m, np.ndarray))


@each
def test_a_step_writes_into_none_of_its_arguments(optimizer):
    theta, g = np.ones(3), np.array([1.0, -2.0, 3.0])
    _, state = optimizer.step(theta, g, optimizer.init(theta))
    once = optimizer.step(theta, g, state)
    again = optimizer.step(theta, g, state)
    np.testing.assert_array_equal(theta, np.ones(3))
    np.testing.assert_array_equal(g, [1.0, -2.0, 3.0])
    np.testing.assert_array_equal(once[0], again[0])


@each
def test_settings_are_frozen(optimizer):
    with pytest.raises(FrozenInstanceError):
        optimizer.learning_rate = 1.0
    # 綴りを間違えた設定も、黙って受け取らない。
    with pytest.raises((AttributeError, TypeError)):
        optimizer.lerning_rate = 1.0


@each
def test_a_gradient_of_another_shape_is_refused(optimizer):
    theta = np.ones(3)
    with pytest.raises(ValueError, match=r"theta と gradient は同じ形.*\(3,\) と \(1,\) でした"):
        optimizer.step(theta, np.ones(1), optimizer.init(theta))


@each
@pytest.mark.parametrize("bad", [[0.1, 0.2, 0.3], np.ones(3, int), np.ones(3, complex)])
def test_a_gradient_that_is_not_a_floating_array_is_refused(optimizer, bad):
    theta = np.ones(3)
    with pytest.raises(TypeError, match="gradient は浮動小数点数の配列が必要ですが"):
        optimizer.step(theta, bad, optimizer.init(theta))


@pytest.mark.parametrize("optimizer", ALL[1:], ids=lambda optimizer: type(optimizer).__name__)
def test_a_state_made_for_other_parameters_is_refused(optimizer):
    with pytest.raises(ValueError, match=r"theta と state は同じ形.*\(3,\) と \(1,\) でした"):
        optimizer.step(np.ones(3), np.ones(3), optimizer.init(np.ones(1)))


@each
def test_parameters_that_are_not_finite_are_refused_at_the_start(optimizer):
    with pytest.raises(ValueError, match="theta は有限の値が必要ですが"):
        optimizer.init([1.0, np.nan])


@each
@given(rate=st.floats(max_value=-1e-300) | st.sampled_from([math.nan, math.inf]))
def test_a_learning_rate_below_zero_or_without_end_is_refused(optimizer, rate):
    with pytest.raises(ValueError, match="learning_rate は 0 以上の数が必要ですが"):
        replace(optimizer, learning_rate=rate)


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (Momentum(0.1), "momentum"),
        (Nesterov(0.1), "momentum"),
        (RMSProp(), "decay"),
        (Adadelta(), "decay"),
        (Adam(), "beta1"),
        (Adam(), "beta2"),
    ],
)
@given(value=st.floats(min_value=1) | st.floats(max_value=-1e-300) | st.just(math.nan))
def test_a_share_outside_zero_to_one_is_refused(optimizer, name, value):
    with pytest.raises(ValueError, match=f"{name} は 0 以上 1 未満の数が必要ですが"):
        replace(optimizer, **{name: value})


@pytest.mark.parametrize("optimizer", [AdaGrad(), RMSProp(), Adadelta(), Adam()])
@given(value=st.floats(max_value=0) | st.sampled_from([math.nan, math.inf]))
def test_a_small_number_that_is_not_positive_is_refused(optimizer, value):
    with pytest.raises(ValueError, match="epsilon は正の数が必要ですが"):
        replace(optimizer, epsilon=value)


@each
@pytest.mark.parametrize("bad", ["0.1", None, True, 0.1j, [0.1]])
def test_a_learning_rate_that_is_not_a_number_is_refused(optimizer, bad):
    with pytest.raises(TypeError, match="learning_rate は数が必要ですが"):
        replace(optimizer, learning_rate=bad)


def test_the_defaults_are_those_of_the_papers():
    assert Adam() == Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)
    assert Adadelta() == Adadelta(learning_rate=1.0, decay=0.95, epsilon=1e-6)
    assert RMSProp().decay == 0.9


SCHEDULES = [
    lambda t: constant(t, learning_rate=0.4),
    lambda t: step_decay(t, learning_rate=0.4, every=10),
    lambda t: exponential_decay(t, learning_rate=0.4, factor=0.9),
    lambda t: cosine(t, learning_rate=0.4, iterations=50),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_starts_at_the_learning_rate_and_never_rises(schedule):
    rates = [schedule(t) for t in range(100)]
    assert rates[0] == pytest.approx(0.4)
    assert all(type(rate) is float for rate in rates)
    assert (np.diff(rates) <= 0).all()


@given(t=st.integers(0, 10**6))
def test_a_constant_schedule_never_changes(t):
    assert constant(t, learning_rate=0.3) == 0.3


def test_step_decay_falls_exactly_at_each_multiple():
    rates = [step_decay(t, learning_rate=1, every=3, factor=0.5) for t in range(7)]
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


@given(t=st.integers(0, 100))
def test_exponential_decay_falls_by_the_same_share_each_time(t):
    here, there = (exponential_decay(s, learning_rate=0.4, factor=0.97) for s in (t, t + 1))
    assert there / here == pytest.approx(0.97)


def test_cosine_is_half_way_in_the_middle_and_zero_from_the_end_on():
    rates = [cosine(t, learning_rate=0.4, iterations=100) for t in (50, 100, 500)]
    assert rates == pytest.approx([0.2, 0, 0])


@given(t=st.integers(0, 80))
def test_cosine_is_symmetric_about_its_middle(t):
    left, right = (cosine(s, learning_rate=1, iterations=80) for s in (t, 80 - t))
    assert left + right == pytest.approx(1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_refuses_a_negative_or_fractional_time(schedule):
    with pytest.raises(ValueError, match="t は 0 以上の整数が必要ですが -1 でした"):
        schedule(-1)
    with pytest.raises(TypeError, match="t は整数が必要ですが float でした"):
        schedule(0.5)


def test_a_schedule_refuses_settings_without_meaning():
    with pytest.raises(ValueError, match="learning_rate は 0 以上"):
        constant(0, learning_rate=-1)
    with pytest.raises(ValueError, match="learning_rate は 0 以上"):
        cosine(0, learning_rate=-1, iterations=5)
    with pytest.raises(ValueError, match="iterations は 1 以上の整数"):
        cosine(0, learning_rate=1, iterations=0)
    with pytest.raises(ValueError, match="every は 1 以上の整数"):
        step_decay(0, learning_rate=1, every=0)
    with pytest.raises(ValueError, match="factor は正の数"):
        exponential_decay(0, learning_rate=1, factor=0)


@pytest.mark.parametrize(
    ("optimizer", "wanted"), [(Adam(), r"\(t, m, v\)"), (Adadelta(), r"\(h, s\)")]
)
@pytest.mark.parametrize(
    ("state", "came"), [((), "長さ 0 の組"), ((0,) * 4, "長さ 4 の組"), (np.zeros(3), " ndarray ")]
)
def test_a_state_with_other_parts_is_refused(optimizer, wanted, state, came):
    with pytest.raises(TypeError, match=f"^state は {wanted} の組が必要ですが{came}でした$"):
        optimizer.step(np.ones(3), np.ones(3), state)


def test_adam_counts_its_steps_with_an_integer():
    with pytest.raises(TypeError, match=r"^t は整数が必要ですが float でした$"):
        Adam().step(np.ones(3), np.ones(3), (0.5, np.zeros(3), np.zeros(3)))


def test_a_learning_rate_beyond_every_float_is_refused():
    with pytest.raises(ValueError, match=r"learning_rate は .* までの数が必要"):
        SGD(10**400)


def test_a_schedule_that_overflows_is_refused():
    for rate in (
        lambda: step_decay(400, learning_rate=0.1, every=1, factor=10.0),
        lambda: exponential_decay(400, learning_rate=0.1, factor=10.0),
    ):
        with pytest.raises(ValueError, match="factor は 400 乗してもあふれない数が必要ですが 10"):
            rate()


def test_defaults_are_those_of_the_papers():
    assert Momentum(1) == Momentum(1, momentum=0.9)
    assert Nesterov(1) == Nesterov(1, momentum=0.9)
    assert AdaGrad() == AdaGrad(0.01, epsilon=1e-10)
    assert RMSProp() == RMSProp(0.001, decay=0.9, epsilon=1e-8)
    assert Adadelta() == Adadelta(1, decay=0.95, epsilon=1e-6)
    assert Adam() == Adam(0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)
    assert step_decay(1, learning_rate=1, every=1) == 0.1


@pytest.mark.parametrize("kind", [AdaGrad, RMSProp, Adadelta, Adam])
def test_small_number_that_is_zero_in_float32_is_refused(kind):
    optimizer = kind(epsilon=1e-50)
    with pytest.raises(ValueError, match="epsilon は float32 で 0 にならない数が必要"):
        optimizer.init(np.zeros(2, np.float32))
    optimizer.init(np.zeros(2))


def test_rate_that_overflows_is_refused():
    with pytest.raises(ValueError, match="factor は 10 乗してもあふれない数"):
        step_decay(10, learning_rate=1e300, every=1, factor=10)


def test_gradient_of_another_precision_is_refused():
    with pytest.raises(TypeError, match=r"^theta と gradient は同じ dtype が必要ですが float32 と"):
        SGD(0.1).step(np.ones(2, np.float32), np.ones(2), ())
