"""Mini-batches, the training loop, how it stops, and how much memory it holds."""

import tracemalloc
from dataclasses import FrozenInstanceError, replace
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlnotes.backprop import loss_and_gradient
from dlnotes.network import (
    forward,
    forward_trace,
    init_network,
    parameter_count,
    parameters,
    with_parameters,
)
from dlnotes.optimizers import SGD, Adadelta, AdaGrad, Adam, Momentum, RMSProp, step_decay
from dlnotes.training import Step, iterations_per_epoch, minibatches, train

sizes = st.integers(1, 60)


def data(n=20, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((n, 2))
    return x, x @ [[3.0], [2.0]]


def net(seed=0, activation="tanh", dtype=np.float64):
    return init_network(
        [2, 5, 1], activation=activation, rng=np.random.default_rng(seed), dtype=dtype
    )


def settings(**changes):
    defaults = {
        "loss": "squared_error",
        "optimizer": SGD(0.05),
        "batch_size": 4,
        "epochs": 3,
        "rng": np.random.default_rng(1),
    }
    return defaults | changes


@given(n=sizes, batch_size=sizes, seed=st.integers(0, 1000))
def test_the_minibatches_of_an_epoch_hold_every_sample_exactly_once(n, batch_size, seed):
    batches = list(minibatches(n, batch_size, rng=np.random.default_rng(seed)))
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(n))


@given(n=sizes, batch_size=sizes)
def test_all_minibatches_are_full_but_the_last(n, batch_size):
    lengths = [len(batch) for batch in minibatches(n, batch_size, rng=np.random.default_rng(0))]
    assert len(lengths) == iterations_per_epoch(n, batch_size)
    assert lengths[:-1] == [batch_size] * (len(lengths) - 1)
    assert lengths[-1] == (n % batch_size or batch_size)


def test_the_course_numbers_of_iterations():
    assert iterations_per_epoch(100_000, 1) == 100_000
    assert iterations_per_epoch(1000, 100) == 10
    assert iterations_per_epoch(1001, 100) == 11
    assert iterations_per_epoch(5, 100) == 1
    assert iterations_per_epoch(1, 1) == 1


def test_each_epoch_is_shuffled_anew():
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(minibatches(50, 7, rng=rng))) for _ in range(2))
    assert (first != second).any()
    assert (first != np.arange(50)).any()


def test_every_sample_comes_first_equally_often():
    rng = np.random.default_rng(0)
    first = [next(minibatches(4, 1, rng=rng))[0] for _ in range(4000)]
    assert np.abs(np.bincount(first) - 1000).max() < 5 * np.sqrt(750)


@pytest.mark.parametrize("bad", [0, -1])
def test_sizes_below_one_are_refused(bad):
    with pytest.raises(ValueError, match=f"n_samples は 1 以上の整数が必要ですが {bad} でした"):
        minibatches(bad, 1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"batch_size は 1 以上の整数が必要ですが {bad} でした"):
        minibatches(1, bad, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="batch_size は 1 以上の整数"):
        iterations_per_epoch(1, bad)


def test_a_fractional_batch_size_is_refused():
    with pytest.raises(TypeError, match="batch_size は整数が必要ですが float でした"):
        iterations_per_epoch(10, 2.5)


def test_a_seed_in_place_of_a_generator_is_refused():
    with pytest.raises(TypeError, match=r"rng は numpy\.random\.Generator が必要ですが int でした"):
        minibatches(10, 2, rng=0)


def test_training_with_the_whole_data_as_one_batch_is_gradient_descent_by_hand():
    x, d = data()
    network = net()
    theta = parameters(network)
    for step in train(network, x, d, **settings(batch_size=20, epochs=5)):
        E, g = loss_and_gradient(with_parameters(network, theta), x, d, "squared_error")
        theta = theta - 0.05 * g
        assert step.loss == pytest.approx(E, rel=1e-12)
        np.testing.assert_allclose(parameters(step.network), theta, rtol=1e-10)


def test_every_update_uses_the_mean_gradient_of_its_minibatch():
    x, d = data(10)
    theta = parameters(net())
    batches = minibatches(10, 4, rng=np.random.default_rng(1))
    steps = train(net(), x, d, **settings(epochs=1))
    for batch, step in zip(batches, steps, strict=True):
        E, g = loss_and_gradient(with_parameters(net(), theta), x[batch], d[batch], "squared_error")
        theta = theta - 0.05 * g
        assert step.loss == pytest.approx(E)
        np.testing.assert_allclose(parameters(step.network), theta)


def test_epochs_and_iterations_are_counted_from_one():
    steps = list(train(net(), *data(10), **settings(batch_size=4, epochs=2)))
    assert [step.epoch for step in steps] == [1, 1, 1, 2, 2, 2]
    assert [step.iteration for step in steps] == [1, 2, 3, 4, 5, 6]
    assert all(isinstance(step, Step) for step in steps)


def test_training_learns_the_target_of_the_course():
    x, d = data(100)
    *_, last = train(net(), x, d, **settings(optimizer=Adam(0.02), batch_size=10, epochs=60))
    assert np.abs(forward(last.network, x) - d).max() < 0.3
    assert last.loss < 0.005


def test_training_learns_xor():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    d = np.array([[0], [1], [1], [0]])
    network = init_network(
        [2, 8, 1], activation="tanh", output_activation="sigmoid", rng=np.random.default_rng(0)
    )
    options = settings(
        loss="binary_cross_entropy", optimizer=Momentum(0.5), batch_size=4, epochs=200
    )
    *_, last = train(network, x, d, **options)
    np.testing.assert_array_equal(forward(last.network, x) > 0.5, d == 1)


def test_the_same_generator_gives_the_same_training():
    left, right = (
        [step.loss for step in train(net(), *data(), **settings(rng=np.random.default_rng(7)))]
        for _ in range(2)
    )
    assert left == right


def test_a_schedule_sets_the_learning_rate_of_each_update():
    def schedule(t):
        return step_decay(t, learning_rate=0.05, every=5, factor=1e-300)

    steps = list(train(net(), *data(), **settings(schedule=schedule)))
    theta = [parameters(step.network) for step in steps]
    assert (theta[3] != theta[4]).any()
    np.testing.assert_array_equal(theta[4], theta[-1])


def test_a_constant_schedule_changes_nothing():
    plain = [step.loss for step in train(net(), *data(), **settings())]
    options = settings(optimizer=SGD(9), schedule=lambda t: 0.05)
    assert [step.loss for step in train(net(), *data(), **options)] == plain


def test_the_networks_of_earlier_steps_stay_as_they_were():
    network = net()
    before = parameters(network)
    steps = list(train(network, *data(), **settings()))
    theta = [parameters(step.network) for step in steps]
    assert all((a != b).any() for a, b in pairwise(theta))
    np.testing.assert_array_equal(parameters(network), before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_network_is_kept(dtype):
    options = settings(optimizer=Adam(np.float64(0.01)), schedule=lambda t: np.float64(0.01))
    *_, last = train(net(dtype=dtype), *data(), **options)
    assert parameters(last.network).dtype == dtype


def test_data_of_integers_are_not_truncated():
    x, d = np.arange(8).reshape(4, 2), np.arange(4).reshape(4, 1)
    as_integers = [s.loss for s in train(net(), x, d, **settings(optimizer=SGD(0.001)))]
    as_floats = [s.loss for s in train(net(), x / 1, d / 1, **settings(optimizer=SGD(0.001)))]
    assert as_integers == as_floats


@pytest.mark.parametrize("learning_rate", [1e3, 1e150, 1e308])
@pytest.mark.parametrize("activation", ["relu", "identity", "tanh", "gelu"])
def test_training_that_diverges_stops_and_says_why(learning_rate, activation):
    x, d = data()
    options = settings(optimizer=SGD(learning_rate), epochs=1000)
    reason = r"\d+ 回目の更新で学習を止めました。.*学習率や初期値"
    with pytest.raises(FloatingPointError, match=reason):
        for _ in train(net(activation=activation), 1e3 * x, 1e160 * d, **options):
            pass


def test_parameters_that_overflow_while_the_loss_is_finite_stop_training_too():
    with pytest.raises(
        FloatingPointError, match=r"^1 回目の更新で学習を止めました。パラメータに NaN か無限大"
    ):
        next(train(net(), *data(), **settings(optimizer=SGD(1.7e308))))


def test_the_steps_before_a_divergence_are_all_finite():
    steps = []
    options = settings(optimizer=SGD(1e3), epochs=99)
    with pytest.raises(FloatingPointError, match="学習を止めました"):
        steps.extend(train(net(activation="relu"), *data(), **options))
    assert steps
    assert np.isfinite([step.loss for step in steps]).all()
    assert all(np.isfinite(parameters(step.network)).all() for step in steps)


def test_the_reason_of_a_divergence_names_the_update(monkeypatch):
    calls = []

    def nan_at_the_third(network, x, d, loss):
        calls.append(len(x))
        return (float("nan") if calls.count(4) == 3 else 1.0), parameters(network)

    monkeypatch.setattr("dlnotes.training._loss_and_gradient", nan_at_the_third)
    steps = train(net(), *data(), **settings())
    assert len(list(islice(steps, 2))) == 2
    with pytest.raises(FloatingPointError, match=r"^3 回目の更新で学習を止めました。誤差が nan"):
        next(steps)


def test_what_is_wrong_is_said_when_train_is_called_not_later():
    x, d = data()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"x は \(N, 2\) の形が必要ですが \(20, 1\) でした"):
        train(net(), x[:, :1], d, **settings())
    with pytest.raises(ValueError, match=r"d は \(20, 1\) の形が必要ですが \(19, 1\) でした"):
        train(net(), x, d[:-1], **settings())
    with pytest.raises(ValueError, match=r"d は \(20, 1\) の形が必要ですが \(20,\) でした"):
        train(net(), x, d[:, 0], **settings())
    with pytest.raises(ValueError, match="x は有限の値が必要ですが"):
        train(net(), [[1.0, np.nan]], [[1.0]], **settings())
    with pytest.raises(ValueError, match="batch_size は 1 以上の整数が必要ですが 0 でした"):
        train(net(), x, d, **settings(batch_size=0))
    with pytest.raises(ValueError, match="epochs は 1 以上の整数が必要ですが 0 でした"):
        train(net(), x, d, **settings(epochs=0))
    with pytest.raises(TypeError, match="rng は"):
        train(net(), x, d, **settings(rng=0))
    with pytest.raises(TypeError, match="network は Layer の組"):
        train(list(net()), x, d, **settings(rng=rng))
    with pytest.raises(TypeError, match="x は実数の配列"):
        train(net(), x * 1j, d, **settings(rng=rng))


def test_a_loss_that_does_not_fit_is_refused_when_train_is_called():
    with pytest.raises(ValueError, match="loss は squared_error"):
        train(net(), *data(), **settings(loss="mse"))
    with pytest.raises(ValueError, match=r"d は 0 以上 1 以下の値が必要"):
        train(net(), *data(), **settings(loss="sigmoid_binary_cross_entropy"))


def test_a_nan_in_the_data_is_refused_when_its_minibatch_comes():
    x, d = data()
    x[7] = np.nan
    with pytest.raises(ValueError, match="x は有限の値が必要ですが"):
        list(train(net(), x, d, **settings(epochs=1)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("weights", [0.0, 1.0])
def test_no_weight_hides_a_value_of_x_that_is_not_finite(bad, weights):
    x, d = data()
    x[7, 1] = bad
    network = with_parameters(net(), np.full(parameter_count(net()), weights))
    with pytest.raises(ValueError, match="x は有限の値が必要ですが"):
        list(train(network, x, d, **settings(epochs=1)))


@pytest.mark.parametrize(
    ("loss", "bad", "message"),
    [
        ("squared_error", np.nan, "d は有限の値が必要"),
        ("huber", np.inf, "d は有限の値が必要"),
        ("binary_cross_entropy", 1.5, "d は 0 以上 1 以下の値が必要ですが 1.5 がありました"),
    ],
)
def test_a_bad_target_anywhere_is_refused_when_train_is_called(loss, bad, message):
    rng = np.random.default_rng(0)
    network = init_network([2, 3, 1], output_activation="sigmoid", rng=rng)
    d = rng.random((20_001, 1))
    d[-1] = bad
    with pytest.raises(ValueError, match=message):
        train(network, rng.random((20_001, 2)), d, **settings(loss=loss))


def test_rows_of_labels_that_do_not_sum_to_one_are_refused_when_train_is_called():
    rng = np.random.default_rng(0)
    network = init_network([2, 3, 2], output_activation="softmax", rng=rng)
    d = np.eye(2)[rng.integers(0, 2, 30)]
    d[-1] = 1
    with pytest.raises(ValueError, match="d は各行の和が 1 の確率が必要ですが和が 2 でした"):
        train(network, rng.random((30, 2)), d, **settings(loss="cross_entropy"))


def test_a_bad_schedule_is_refused_at_the_first_update():
    with pytest.raises(ValueError, match="learning_rate は 0 以上"):
        next(train(net(), *data(), **settings(schedule=lambda t: -1.0)))


def peak_bytes(work):
    """The most memory that `work` holds at once, beyond what was there before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def consume(steps):
    for _ in steps:
        pass


def wide_case(n):
    """A net whose activations outweigh its parameters, as those of a batch of 500 do."""
    rng = np.random.default_rng(0)
    network = init_network([20, 60, 60, 60, 2], activation="tanh", rng=rng)
    return network, rng.random((n, 20)), rng.random((n, 2))


def test_training_holds_no_more_than_parameters_and_two_batches_of_activations():
    network, x, d = wide_case(2000)
    batch_size = 500
    options = settings(optimizer=SGD(0.01), batch_size=batch_size, epochs=2)
    trace = forward_trace(network, x[:batch_size])
    activations = x[:batch_size].nbytes + sum(layer.u.nbytes + layer.z.nbytes for layer in trace)
    theta = 8 * parameter_count(network)
    order = 8 * len(x)
    peak = peak_bytes(lambda: consume(train(network, x, d, **options)))
    # New and old parameters and the gradient, twice while it is put together.
    assert peak < 2 * activations + 4 * theta + 2 * order + 50_000


def test_the_memory_of_training_grows_neither_with_the_epochs_nor_with_the_data():
    network, x, d = wide_case(4000)
    options = {"optimizer": Adam(0.01), "batch_size": 100}
    short = peak_bytes(
        lambda: consume(train(network, x[:400], d[:400], **settings(**options, epochs=1)))
    )
    long = peak_bytes(lambda: consume(train(network, x, d, **settings(**options, epochs=2))))
    assert long - short < 3 * 8 * len(x)
    assert 3 * 8 * len(x) < x.nbytes / 5


def test_a_step_is_a_record_that_is_not_rewritten_and_equals_only_itself():
    step = Step(1, 1, 0.5, net())
    with pytest.raises(FrozenInstanceError):
        step.loss = 0.0
    assert replace(step) != step


def test_the_generator_is_given_by_its_name():
    with pytest.raises(TypeError, match="positional"):
        minibatches(4, 2, np.random.default_rng(0))


def test_a_class_or_nothing_in_place_of_an_optimizer_is_refused_before_training():
    for bad, came in ((None, "NoneType"), (SGD, "<class 'dlnotes.optimizers.SGD'>")):
        with pytest.raises(TypeError, match=f"optimizer は .*最適化法が必要ですが {came} でした"):
            train(net(), *data(), **settings(optimizer=bad))


def test_iterations_are_counted_without_rounding():
    assert iterations_per_epoch(10**17 + 1, 1) == 10**17 + 1


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_size_of_a_small_integer_type_gives_the_same_batches(kind):
    def batches(size):
        return [b.tolist() for b in minibatches(1000, size, rng=np.random.default_rng(0))]

    assert batches(kind(100)) == batches(100)


def test_every_epoch_is_shuffled_anew_and_the_state_goes_on():
    x, d = data()
    network, optimizer = init_network([2, 3, 1], rng=np.random.default_rng(1)), Momentum(0.01)
    steps = train(
        network,
        x,
        d,
        loss="squared_error",
        optimizer=optimizer,
        batch_size=8,
        epochs=3,
        rng=np.random.default_rng(2),
    )
    rng, theta = np.random.default_rng(2), parameters(network)
    state = optimizer.init(theta)
    for _ in range(3):
        for batch in minibatches(len(x), 8, rng=rng):
            now = with_parameters(network, theta)
            _, g = loss_and_gradient(now, x[batch], d[batch], "squared_error")
            theta, state = optimizer.step(theta, g, state)
            np.testing.assert_allclose(parameters(next(steps).network), theta, rtol=1e-12)


def test_output_and_loss_that_do_not_fit_are_refused_before_the_first_step():
    network = init_network([2, 3], output_activation="softmax", rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="softmax"):
        train(
            network,
            [[1, 2]],
            [[1, 0, 0]],
            loss="squared_error",
            optimizer=SGD(0.1),
            batch_size=1,
            epochs=1,
            rng=np.random.default_rng(0),
        )


def learned(x, d, optimizer, schedule=None):
    """All the parameters after two epochs."""
    *_, step = train(
        init_network([2, 3, 1], rng=np.random.default_rng(1)),
        x,
        d,
        loss="squared_error",
        optimizer=optimizer,
        schedule=schedule,
        batch_size=8,
        epochs=2,
        rng=np.random.default_rng(2),
    )
    return parameters(step.network)


def test_schedule_may_be_larger_than_the_learning_rate_of_the_optimizer():
    x, d = data()
    scheduled = learned(x, d, SGD(0.001), lambda t: 0.05)
    np.testing.assert_array_equal(scheduled, learned(x, d, SGD(0.05)))


def test_masked_arrays_are_learned_as_plain_arrays():
    x, d = data()
    masked = learned(np.ma.masked_array(x), np.ma.masked_array(d), SGD(0.05))
    np.testing.assert_array_equal(masked, learned(x, d, SGD(0.05)))


@pytest.mark.parametrize("optimizer", [AdaGrad(), RMSProp(), Adadelta(), Adam()])
def test_state_that_overflows_stops_the_training_instead_of_freezing_it(optimizer):
    rng = np.random.default_rng(0)
    x = (1e12 * rng.random((20, 2))).astype(np.float32)
    network = init_network([2, 1], rng=rng, dtype=np.float32)
    way = {"loss": "squared_error", "optimizer": optimizer, "batch_size": 20, "epochs": 1}
    with pytest.raises(FloatingPointError, match="最適化法の状態があふれました"):
        list(train(network, x, np.ones((20, 1)), rng=rng, **way))


def test_schedule_that_is_no_function_is_refused_before_the_training():
    network = init_network([2, 1], rng=np.random.default_rng(0))
    way = {"loss": "squared_error", "optimizer": SGD(0.1), "batch_size": 1, "epochs": 1}
    with pytest.raises(TypeError, match=r"^schedule は関数が必要ですが float でした$"):
        train(network, [[1, 2]], [[1]], rng=np.random.default_rng(0), schedule=0.1, **way)


def test_schedule_for_an_optimizer_without_a_learning_rate_is_refused_before_the_training():
    class Fixed:
        def init(self, theta):
            return ()

        def step(self, theta, gradient, state):
            return theta - 0.1 * gradient, state

    network = init_network([2, 1], rng=np.random.default_rng(0))
    way = {"loss": "squared_error", "optimizer": Fixed(), "batch_size": 1, "epochs": 1}
    way["rng"] = np.random.default_rng(0)
    assert next(train(network, [[1, 2]], [[1]], **way)).iteration == 1
    with pytest.raises(TypeError, match="データクラスの最適化法が必要ですが Fixed でした"):
        train(network, [[1, 2]], [[1]], schedule=lambda t: 0.1, **way)
