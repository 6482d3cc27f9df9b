import itertools
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlnotes import markov

WEATHER = markov.HiddenMarkovModel(
    initial=np.array([0.6, 0.4]),
    transition=np.array([[0.7, 0.3], [0.4, 0.6]]),
    emission=np.array([[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]]),
)
CHAIN = markov.MarkovChain(np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.2, 0.8]]))


def random_model(rng, S, M, *, zeros=False):
    def rows(*shape):
        p = rng.random(shape) + 1e-3
        if zeros:
            p[..., rng.integers(shape[-1])] = 0
        return p / p.sum(axis=-1, keepdims=True)

    return markov.HiddenMarkovModel(rows(S), rows(S, S), rows(S, M))


def enumerate_paths(model, observations):
    """Every hidden path and the probability of it together with the observations."""
    S = len(model.initial)
    for path in itertools.product(range(S), repeat=len(observations)):
        p = model.initial[path[0]]
        for i, j in itertools.pairwise(path):
            p *= model.transition[i, j]
        for state, symbol in zip(path, observations, strict=True):
            p *= model.emission[state, symbol]
        yield path, p


@pytest.mark.parametrize("model", [CHAIN, WEATHER], ids=lambda model: type(model).__name__)
def test_models_are_records_that_are_not_rewritten_and_equal_only_themselves(model):
    with pytest.raises(FrozenInstanceError):
        model.initial = model.initial[::-1]
    with pytest.raises((AttributeError, TypeError)):
        model.initail = model.initial
    assert model != replace(model)


# --- Markov chain -------------------------------------------------------------------------


def test_log_probability_is_the_log_of_the_product_along_the_sequence():
    expected = np.log(0.5 * 0.9 * 0.1 * 0.2)
    assert markov.log_probability(CHAIN, [0, 0, 1, 0]) == pytest.approx(expected, rel=1e-14)


def test_probabilities_of_all_sequences_of_one_length_sum_to_one():
    rng = np.random.default_rng(0)
    model = random_model(rng, 3, 2)
    chain = markov.MarkovChain(model.initial, model.transition)
    total = sum(
        np.exp(markov.log_probability(chain, s)) for s in itertools.product(range(3), repeat=5)
    )
    assert total == pytest.approx(1, rel=1e-12)


def test_impossible_sequence_has_log_probability_minus_infinity_without_warning():
    chain = markov.MarkovChain([1, 0], [[0, 1], [1, 0]])
    assert markov.log_probability(chain, [0, 0]) == -np.inf
    assert markov.log_probability(chain, [1, 0]) == -np.inf
    assert markov.log_probability(chain, [0, 1, 0]) == 0


def test_fit_counts_the_moves_and_the_starts():
    chain = markov.fit_markov_chain([[0, 0, 1], [0, 1, 1, 0], [1]], 2)
    np.testing.assert_allclose(chain.initial, [2 / 3, 1 / 3])
    np.testing.assert_allclose(chain.transition, [[1 / 3, 2 / 3], [1 / 2, 1 / 2]])


def test_pseudocount_is_added_to_every_count():
    chain = markov.fit_markov_chain([[0, 0, 0]], 2, pseudocount=1)
    np.testing.assert_allclose(chain.initial, [2 / 3, 1 / 3])
    np.testing.assert_allclose(chain.transition, [[3 / 4, 1 / 4], [1 / 2, 1 / 2]])


def test_state_that_was_never_left_gets_a_uniform_row():
    chain = markov.fit_markov_chain([[0, 1, 2]], 3)
    np.testing.assert_allclose(chain.transition[2], 1 / 3)


def test_fitted_chain_is_more_likely_than_any_nearby_chain():
    rng = np.random.default_rng(1)
    sequences = [markov.sample_sequence(CHAIN, 50, rng=rng) for _ in range(5)]
    best = markov.fit_markov_chain(sequences, 2)

    def likelihood(chain):
        return sum(markov.log_probability(chain, s) for s in sequences)

    for change in (-0.01, 0.01):
        moved = best.transition + np.array([[change, -change], [-change, change]])
        assert likelihood(markov.MarkovChain(best.initial, moved)) < likelihood(best)


def test_fit_recovers_the_chain_that_made_a_long_sequence():
    rng = np.random.default_rng(2)
    sequence = markov.sample_sequence(CHAIN, 6_000, rng=rng)
    fitted = markov.fit_markov_chain([sequence], 2)
    np.testing.assert_allclose(fitted.transition, CHAIN.transition, atol=0.03)


def test_samples_begin_as_often_as_the_initial_probabilities_say():
    rng = np.random.default_rng(3)
    chain = markov.MarkovChain([0.2, 0.8], [[1, 0], [0, 1]])
    first = np.array([markov.sample_sequence(chain, 1, rng=rng)[0] for _ in range(4000)])
    assert first.mean() == pytest.approx(0.8, abs=0.03)


def test_sample_of_a_cycle_is_the_cycle():
    cycle = markov.MarkovChain([0, 1, 0], [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    s = markov.sample_sequence(cycle, 7, rng=np.random.default_rng(0))
    assert s.tolist() == [1, 2, 0, 1, 2, 0, 1]


def test_continuation_follows_the_last_state_only_and_is_returned_alone():
    cycle = markov.MarkovChain([0, 1, 0], [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    s = markov.continue_sequence(cycle, [1, 1, 0], 4, rng=np.random.default_rng(0))
    assert s.tolist() == [1, 2, 0, 1]


def test_same_generator_gives_the_same_sequence():
    a = markov.sample_sequence(CHAIN, 30, rng=np.random.default_rng(5))
    b = markov.sample_sequence(CHAIN, 30, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(a, b)


def test_sampling_works_when_the_rows_sum_to_one_only_up_to_rounding():
    p = np.full(3, 1 / 3, dtype=np.float32)
    rough = np.array([0.3333333, 0.3333333, 0.3333333])
    chain = markov.MarkovChain(rough, np.tile(p, (3, 1)))
    assert len(markov.sample_sequence(chain, 10, rng=np.random.default_rng(0))) == 10


# --- hidden Markov model ------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("zeros", [False, True])
def test_log_likelihood_equals_the_sum_over_all_paths(seed, zeros):
    rng = np.random.default_rng(seed)
    S, M, T = rng.integers(2, 5), rng.integers(2, 4), rng.integers(1, 6)
    model = random_model(rng, S, M, zeros=zeros)
    x = rng.integers(M, size=T)
    total = sum(p for _, p in enumerate_paths(model, x))
    likelihood = np.exp(markov.log_likelihood(model, x))
    assert likelihood == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_viterbi_finds_the_most_probable_of_all_paths(seed):
    rng = np.random.default_rng(seed)
    S, M, T = rng.integers(2, 5), rng.integers(2, 4), rng.integers(1, 6)
    model = random_model(rng, S, M)
    x = rng.integers(M, size=T)
    best_path, best = max(enumerate_paths(model, x), key=lambda pair: pair[1])
    path, log_p = markov.viterbi(model, x)
    assert tuple(path) == best_path
    assert np.exp(log_p) == pytest.approx(best, rel=1e-12)


def test_forward_row_t_is_the_joint_probability_of_the_first_t_symbols_and_the_state():
    x = [0, 2, 1]
    log_alpha = markov.forward_log_probabilities(WEATHER, x)
    for t in range(3):
        for state in range(2):
            total = sum(p for path, p in enumerate_paths(WEATHER, x[: t + 1]) if path[-1] == state)
            assert np.exp(log_alpha[t, state]) == pytest.approx(total, rel=1e-12)


def test_joint_log_probability_equals_the_enumerated_product():
    x = [0, 2, 1, 1]
    for path, p in enumerate_paths(WEATHER, x):
        assert np.exp(markov.joint_log_probability(WEATHER, path, x)) == pytest.approx(p)


def test_viterbi_score_is_the_joint_probability_of_its_path_and_below_the_likelihood():
    rng = np.random.default_rng(4)
    _, x = markov.sample_hidden_markov(WEATHER, 300, rng=rng)
    path, log_p = markov.viterbi(WEATHER, x)
    assert log_p == pytest.approx(markov.joint_log_probability(WEATHER, path, x), rel=1e-12)
    assert log_p < markov.log_likelihood(WEATHER, x)


def test_ten_thousand_steps_do_not_underflow():
    rng = np.random.default_rng(6)
    _, x = markov.sample_hidden_markov(WEATHER, 10_000, rng=rng)
    whole = markov.log_likelihood(WEATHER, x)
    path, log_p = markov.viterbi(WEATHER, x)
    assert np.isfinite(whole)
    # The probability itself would be far below the smallest float64 (about e^-745).
    assert -20_000 < log_p < whole < -5_000
    assert len(path) == 10_000


def test_log_likelihood_per_step_is_the_closed_form_when_states_do_not_matter():
    model = markov.HiddenMarkovModel([0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.2, 0.8]] * 2)
    x = [0, 1, 1] * 1000
    expected = 1000 * np.log(0.2) + 2000 * np.log(0.8)
    assert markov.log_likelihood(model, x) == pytest.approx(expected, rel=1e-12)


def test_emission_that_names_the_state_makes_the_hidden_model_an_ordinary_chain():
    model = markov.HiddenMarkovModel(CHAIN.initial, CHAIN.transition, np.eye(2))
    s = [0, 0, 1, 1, 0]
    assert markov.log_likelihood(model, s) == pytest.approx(markov.log_probability(CHAIN, s))
    assert markov.viterbi(model, s)[0].tolist() == s


def test_impossible_observation_has_likelihood_zero_without_warning():
    model = markov.HiddenMarkovModel([1, 0], [[1, 0], [0, 1]], np.eye(2))
    assert markov.log_likelihood(model, [0, 1, 0]) == -np.inf
    assert markov.viterbi(model, [0, 1, 0])[1] == -np.inf


def test_hidden_samples_emit_as_the_table_says():
    s, x = markov.sample_hidden_markov(WEATHER, 8_000, rng=np.random.default_rng(7))
    for state in range(2):
        seen = np.bincount(x[s == state], minlength=3) / np.sum(s == state)
        np.testing.assert_allclose(seen, WEATHER.emission[state], atol=0.03)
    assert s.mean() == pytest.approx(3 / 7, abs=0.03)  # the stationary share of state 1


def test_float32_tables_give_float32_forward_probabilities():
    parts = (WEATHER.initial, WEATHER.transition, WEATHER.emission)
    model = markov.HiddenMarkovModel(*(p.astype(np.float32) for p in parts))
    log_alpha = markov.forward_log_probabilities(model, [0, 1, 2])
    assert log_alpha.dtype == np.float32
    np.testing.assert_allclose(
        log_alpha, markov.forward_log_probabilities(WEATHER, [0, 1, 2]), rtol=1e-6
    )


def test_integer_tables_become_float64_and_arguments_are_not_written_into():
    table = np.eye(2, dtype=np.int64)
    chain = markov.MarkovChain([1, 0], table)
    assert chain.transition.dtype == np.float64
    assert table.dtype == np.int64
    x = np.array([0, 1, 2])
    markov.viterbi(WEATHER, x)
    np.testing.assert_array_equal(x, [0, 1, 2])


# --- boundary -----------------------------------------------------------------------------


@given(size=st.integers(1, 5).filter(lambda n: n != 2))
def test_transition_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="transition は"):
        markov.MarkovChain([0.5, 0.5], np.full((2, size), 1 / size))


@given(total=st.floats(0.01, 3).filter(lambda t: abs(t - 1) > 1e-3))
def test_rows_that_do_not_sum_to_one_are_refused(total):
    with pytest.raises(ValueError, match="initial は各行の和が 1 の確率が必要"):
        markov.MarkovChain([total / 2, total / 2], np.eye(2))
    with pytest.raises(ValueError, match="emission は各行の和が 1 の確率が必要"):
        markov.HiddenMarkovModel([1, 0], np.eye(2), np.full((2, 2), total / 2))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (([1.5, -0.5], np.eye(2)), "initial は 0 以上"),
        (([[1, 0]], np.eye(2)), "initial は \\(S,\\) の形が必要"),
        (([1, 0], [1, 0]), "transition は \\(2, 2\\) の形が必要"),
        (([1, np.nan], np.eye(2)), "initial は.*NaN"),
        (([1], [[1]]), "initial は 2 個以上"),
    ],
)
def test_tables_that_are_no_probabilities_are_refused_in_japanese(tables, message):
    with pytest.raises(ValueError, match=message):
        markov.MarkovChain(*tables)


def test_emission_needs_a_row_for_every_state():
    with pytest.raises(ValueError, match="emission は \\(2, M\\) の形が必要ですが \\(3, 3\\)"):
        markov.HiddenMarkovModel([1, 0], np.eye(2), np.eye(3))


@pytest.mark.parametrize("bad", [[1 + 0j, 0], ["a", "b"], [None, None]])
def test_tables_that_are_not_real_are_refused(bad):
    with pytest.raises(TypeError, match="initial は実数の配列が必要"):
        markov.MarkovChain(bad, np.eye(2))


@settings(max_examples=30)
@given(state=st.integers(-5, 7).filter(lambda s: not 0 <= s < 2))
def test_states_out_of_range_are_refused(state):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="sequence は 0 以上 2 未満の整数が必要"):
        markov.log_probability(CHAIN, [0, state])
    with pytest.raises(ValueError, match="sequence は 0 以上 2 未満の整数が必要"):
        markov.continue_sequence(CHAIN, [state], 1, rng=rng)
    with pytest.raises(ValueError, match=r"sequences\[1\] は 0 以上 2 未満の整数が必要"):
        markov.fit_markov_chain([[0], [state]], 2)
    with pytest.raises(ValueError, match="states は 0 以上 2 未満の整数が必要"):
        markov.joint_log_probability(WEATHER, [state], [0])


@pytest.mark.parametrize(
    "function",
    [markov.log_likelihood, markov.viterbi, markov.forward_log_probabilities],
)
def test_bad_observations_are_refused(function):
    with pytest.raises(ValueError, match="observations は 0 以上 3 未満の整数が必要ですが 0〜3"):
        function(WEATHER, [0, 3])
    with pytest.raises(TypeError, match="observations は整数の配列が必要"):
        function(WEATHER, [0.0, 1.0])
    with pytest.raises(ValueError, match="observations は 1 個以上"):
        function(WEATHER, np.array([], dtype=int))
    with pytest.raises(ValueError, match="observations は \\(T,\\) の形が必要"):
        function(WEATHER, [[0, 1]])


@pytest.mark.parametrize(("states", "observations"), [([0], [0, 1]), ([0, 1], [0])])
def test_states_and_observations_must_have_the_same_length(states, observations):
    lengths = f"{len(states)} と {len(observations)}"
    with pytest.raises(
        ValueError, match=f"states と observations は同じ長さが必要ですが {lengths}"
    ):
        markov.joint_log_probability(WEATHER, states, observations)


@given(length=st.integers(-3, 0))
def test_lengths_below_one_are_refused(length):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="length は 1 以上の整数が必要"):
        markov.sample_sequence(CHAIN, length, rng=rng)
    with pytest.raises(ValueError, match="length は 1 以上の整数が必要"):
        markov.continue_sequence(CHAIN, [0], length, rng=rng)
    with pytest.raises(ValueError, match="length は 1 以上の整数が必要"):
        markov.sample_hidden_markov(WEATHER, length, rng=rng)


def test_a_seed_in_place_of_a_generator_is_refused():
    with pytest.raises(TypeError, match=r"rng は .*Generator が必要"):
        markov.sample_sequence(CHAIN, 3, rng=0)
    with pytest.raises(TypeError, match=r"rng は .*Generator が必要"):
        markov.continue_sequence(CHAIN, [0], 3, rng=0)


def test_fit_refuses_no_sequence_too_few_states_and_negative_pseudocounts():
    with pytest.raises(ValueError, match="sequences は一つ以上の系列が必要ですが 0 個"):
        markov.fit_markov_chain([], 2)
    with pytest.raises(ValueError, match="states は 2 以上の整数が必要ですが 1"):
        markov.fit_markov_chain([[0]], 1)
    with pytest.raises(ValueError, match="pseudocount は 0 以上の数が必要ですが -1"):
        markov.fit_markov_chain([[0]], 2, pseudocount=-1)
    with pytest.raises(ValueError, match=r"sequences\[0\] は \(T,\) の形が必要"):
        markov.fit_markov_chain([0, 1], 2)


@pytest.mark.parametrize(
    ("sequences", "came"), [(None, "NoneType"), (3, "int"), (np.array(1), "ndarray")]
)
def test_fit_refuses_what_is_no_list_of_sequences(sequences, came):
    with pytest.raises(TypeError, match=f"sequences は系列の並びが必要ですが {came} でした"):
        markov.fit_markov_chain(sequences, 2)
