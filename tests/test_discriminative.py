from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlnotes import discriminative as dis
from dlnotes.activations import sigmoid
from dlnotes.datasets import animals
from dlnotes.losses import softmax_cross_entropy
from dlnotes.network import Layer, parameters
from dlnotes.numerical import numerical_gradient
from dlnotes.optimizers import SGD
from dlnotes.training import train

AND_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND_LABELS = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def overlapping(rng, N=300, D=2, K=3):
    labels = np.eye(K)[np.arange(N) % K]
    return rng.normal(size=(N, D)) + labels @ rng.normal(size=(K, D)), labels


def separable(rng, N=60):
    labels = np.eye(2)[np.arange(N) % 2]
    return rng.uniform(-1, 1, size=(N, 2)) + np.outer(labels[:, 1], [3.0, 0.0]), labels


def objective(W, b, x, labels, l2):
    return softmax_cross_entropy(x @ W + b, labels).mean() + l2 / 2 * np.sum(W**2)


# --- logistic regression ------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("l2", [0.0, 0.01, 10.0])
def test_gradient_is_zero_at_the_fitted_weights(K, l2):
    x, labels = overlapping(np.random.default_rng(K), K=K, D=3)
    model = dis.fit_logistic_regression(x, labels, l2=l2)
    error = dis.posterior(model, x) - labels
    np.testing.assert_allclose(x.T @ error / len(x) + l2 * model.W, 0, atol=1e-12)
    np.testing.assert_allclose(error.mean(axis=0), 0, atol=1e-12)


def test_central_differences_of_the_loss_vanish_at_the_fitted_weights():
    x, labels = overlapping(np.random.default_rng(1))
    model = dis.fit_logistic_regression(x, labels, l2=0.1)

    def along_W(W):
        return objective(W, model.b, x, labels, 0.1)

    np.testing.assert_allclose(numerical_gradient(along_W, model.W), 0, atol=1e-8)


def test_result_is_the_one_that_gradient_descent_of_this_site_reaches():
    x, labels = overlapping(np.random.default_rng(2), N=60)
    newton = dis.fit_logistic_regression(x, labels)
    network = (Layer(np.zeros((2, 3)), np.zeros(3), "softmax"),)
    steps = train(
        network,
        x,
        labels,
        loss="cross_entropy",
        optimizer=SGD(learning_rate=0.8),
        batch_size=60,
        epochs=1500,
        rng=np.random.default_rng(0),
    )
    *_, last = steps
    expected = np.concatenate([newton.W.ravel(), newton.b])
    np.testing.assert_allclose(parameters(last.network), expected, atol=1e-6)


def test_two_classes_give_the_sigmoid_of_the_difference_of_the_scores():
    x, labels = overlapping(np.random.default_rng(3), K=2)
    model = dis.fit_logistic_regression(x, labels)
    u = dis.scores(model, x)
    np.testing.assert_allclose(dis.posterior(model, x)[:, 1], sigmoid(u[:, 1] - u[:, 0]))


def test_without_informative_features_the_posterior_is_the_share_of_the_classes():
    x = np.array([[-1.0], [1.0], [-1.0], [1.0], [-1.0], [1.0]])
    labels = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1], [0, 1]], dtype=float)
    model = dis.fit_logistic_regression(x, labels)
    np.testing.assert_allclose(dis.posterior(model, x), [[2 / 3, 1 / 3]] * 6)


def test_single_binary_feature_reproduces_the_frequencies():
    x = np.repeat([[0.0], [1.0]], [10, 20], axis=0)
    labels = np.eye(2)[np.r_[np.arange(10) < 3, np.arange(20) < 15].astype(int)]
    model = dis.fit_logistic_regression(x, labels)
    p = dis.posterior(model, [[0], [1]])[:, 1]
    np.testing.assert_allclose(p, [0.3, 0.75], rtol=1e-10)


def test_soft_labels_are_reproduced_when_the_model_can():
    x = np.linspace(-3, 3, 40)[:, None]
    p = sigmoid(1.7 * x[:, 0] - 0.4)
    model = dis.fit_logistic_regression(x, np.column_stack([1 - p, p]))
    assert model.W[0, 1] - model.W[0, 0] == pytest.approx(1.7, rel=1e-9)
    assert model.b[1] - model.b[0] == pytest.approx(-0.4, rel=1e-9)


def test_shifting_and_scaling_the_features_does_not_change_the_posterior():
    x, labels = overlapping(np.random.default_rng(4))
    moved = x * [1e-4, 1e4] + [3, -1e5]
    expected = dis.posterior(dis.fit_logistic_regression(x, labels), x)
    p = dis.posterior(dis.fit_logistic_regression(moved, labels), moved)
    np.testing.assert_allclose(p, expected, atol=1e-7)


def test_far_outliers_do_not_make_newton_diverge():
    x, labels = overlapping(np.random.default_rng(5), K=2, N=100)
    x[0], labels[0] = [300.0, -200.0], [1, 0]
    x[1], labels[1] = [300.0, -210.0], [0, 1]
    model = dis.fit_logistic_regression(x, labels)
    error = dis.posterior(model, x) - labels
    np.testing.assert_allclose(x.T @ error / len(x), 0, atol=1e-9)


def test_newton_steps_that_overshoot_are_halved():
    # With full steps alone this data never settles.
    columns = [
        [27, 16, 8, 6, -2, -12, -12, 10, -3],
        [376, -14, 2, 5, 1, -18, -16, -1, -8],
        [4, 8, 6, 11, 18, 766, 12, 3, -54],
    ]
    x = np.array(columns).T
    labels = np.eye(2)[np.arange(9) % 2]
    model = dis.fit_logistic_regression(x, labels, l2=0.001)
    error = dis.posterior(model, x) - labels
    np.testing.assert_allclose(x.T @ error / len(x) + 0.001 * model.W, 0, atol=1e-11)


@pytest.mark.parametrize(
    "values", [[74, -97, -21, -29], [77, 115, 74, 145], [-101, 91, -45, 140, -146, 46]]
)
def test_rounding_of_the_loss_does_not_stop_newton_before_the_minimum(values):
    x, labels = np.array(values)[:, None], np.eye(2)[np.arange(len(values)) % 2]
    model = dis.fit_logistic_regression(x, labels, l2=0.001)
    error = dis.posterior(model, x) - labels
    np.testing.assert_allclose(x.T @ error / len(x) + 0.001 * model.W, 0, atol=1e-11)


def test_stronger_regularisation_gives_smaller_weights_and_spares_the_bias():
    x, labels = overlapping(np.random.default_rng(6))
    x, labels = x[:-50], labels[:-50]
    sizes = [
        np.sum(dis.fit_logistic_regression(x, labels, l2=l2).W ** 2) for l2 in (0, 0.01, 0.1, 1)
    ]
    assert sorted(sizes, reverse=True) == sizes
    nearly_constant = dis.fit_logistic_regression(x, labels, l2=1e6)
    expected = np.broadcast_to(labels.mean(axis=0), labels.shape)
    np.testing.assert_allclose(dis.posterior(nearly_constant, x), expected, atol=1e-5)


def test_separable_data_has_no_maximum_unless_it_is_regularised():
    x, labels = separable(np.random.default_rng(7))
    with pytest.raises(ValueError, match=r"完全に分かれ.*l2 を正に"):
        dis.fit_logistic_regression(x, labels)
    model = dis.fit_logistic_regression(x, labels, l2=1e-4)
    np.testing.assert_array_equal(dis.predict(model, x), labels.argmax(axis=1))


def test_nearly_separable_data_has_no_maximum_either():
    x = np.array([[0.0], [1.0], [1.0], [2.0]])
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=float)
    with pytest.raises(ValueError, match=r"有限の重みを一つに決められません.*l2 を大きく"):
        dis.fit_logistic_regression(x, labels)


def test_repeated_feature_has_no_single_maximum_unless_it_is_regularised():
    x, labels = overlapping(np.random.default_rng(8), D=1)
    for other in (x, 3.3 * x, 0 * x, 0 * x + 2.7):
        with pytest.raises(ValueError, match="有限の重みを一つに決められません"):
            dis.fit_logistic_regression(np.hstack([x, other]), labels)
    model = dis.fit_logistic_regression(np.hstack([x, x]), labels, l2=0.01)
    np.testing.assert_allclose(model.W[0], model.W[1])


def test_float32_stays_float32():
    x, labels = overlapping(np.random.default_rng(9))
    model = dis.fit_logistic_regression(x.astype(np.float32), labels)
    assert model.W.dtype == model.b.dtype == np.float32
    assert dis.posterior(model, x.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(model.W, dis.fit_logistic_regression(x, labels).W, atol=1e-4)


@pytest.mark.parametrize(("offset", "scale"), [(1e5, 1), (1e6, 1), (1e4, 10)])
def test_float32_far_from_zero_is_fitted_as_well_as_float64(offset, scale):
    labels = np.eye(2)[np.arange(400) % 2]
    x = np.random.default_rng(0).normal(size=(400, 2)) + labels[:, 1:]
    x32 = (offset + scale * x).astype(np.float32)
    for fit in (dis.fit_logistic_regression, dis.fit_least_squares):
        model, wanted = fit(x32, labels), fit(x32.astype(np.float64), labels)
        assert model.W.dtype == model.b.dtype == np.float32
        np.testing.assert_array_equal(model.W, wanted.W.astype(np.float32))
        np.testing.assert_array_equal(model.b, wanted.b.astype(np.float32))


@pytest.mark.parametrize("offset", [1e5, 1e8, -1e10])
def test_logistic_regression_does_not_depend_on_where_zero_is(offset):
    x, labels = overlapping(np.random.default_rng(0), N=400)
    moved = dis.fit_logistic_regression(x + offset, labels)
    tolerance = 100 * np.finfo(float).eps * abs(offset)
    expected = dis.fit_logistic_regression(x + offset - offset, labels)
    np.testing.assert_allclose(moved.W, expected.W, rtol=tolerance)
    np.testing.assert_array_equal(dis.predict(moved, x + offset), dis.predict(expected, x))


def test_perceptron_in_float32_corrects_the_same_mistakes_as_in_float64():
    x, labels = separable(np.random.default_rng(0))
    x32 = (x + 1e3).astype(np.float32)
    model, wanted = (dis.fit_perceptron(a, labels) for a in (x32, x32.astype(np.float64)))
    assert model.W.dtype == np.float32
    np.testing.assert_array_equal(model.W, wanted.W.astype(np.float32))


def test_posterior_is_stable_for_huge_scores():
    model = dis.LogisticRegression([[1000, -1000]], [0, 0])
    np.testing.assert_array_equal(dis.posterior(model, [[1], [-1]]), [[1, 0], [0, 1]])


# --- discriminant functions ---------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_perceptron_ends_without_a_mistake_on_separable_data(seed):
    x, labels = separable(np.random.default_rng(seed))
    # 間違いがなくなったところで終わらなければ、このテストは終わらない。
    model = dis.fit_perceptron(x, labels, epochs=10**9)
    np.testing.assert_array_equal(dis.predict(model, x), labels.argmax(axis=1))


def test_perceptron_separates_three_classes():
    rng = np.random.default_rng(10)
    labels = np.eye(3)[np.arange(90) % 3]
    x = rng.uniform(-1, 1, size=(90, 2)) + labels @ [[0.0, 4.0], [4.0, -2.0], [-4.0, -2.0]]
    model = dis.fit_perceptron(x, labels)
    np.testing.assert_array_equal(dis.predict(model, x), labels.argmax(axis=1))


def test_perceptron_learns_and():
    model = dis.fit_perceptron(AND_X, AND_LABELS)
    assert (model.W.shape, model.b.shape) == ((2, 2), (2,))
    np.testing.assert_array_equal(dis.predict(model, AND_X), [0, 0, 0, 1])


@pytest.mark.parametrize("kind", [dis.LogisticRegression, dis.LinearDiscriminant])
def test_a_learned_model_cannot_be_changed_and_equals_only_itself(kind):
    model = kind(np.eye(2), np.zeros(2))
    with pytest.raises(FrozenInstanceError):
        model.b = np.ones(2)
    assert replace(model) != model


def test_perceptron_weights_after_one_epoch_follow_the_rule_by_hand():
    model = dis.fit_perceptron([[2.0], [1.0]], [[0, 1], [1, 0]], epochs=1)
    # x = 2: tie, class 0 is chosen, wrong. x = 1: class 1 is chosen, wrong again.
    np.testing.assert_array_equal(model.W, [[-2 + 1, 2 - 1]])
    np.testing.assert_array_equal(model.b, [-1 + 1, 1 - 1])


def test_perceptron_never_settles_on_xor():
    labels = np.eye(2)[[0, 1, 1, 0]]
    model = dis.fit_perceptron(AND_X, labels, epochs=200)
    assert (dis.predict(model, AND_X) != [0, 1, 1, 0]).any()


def test_least_squares_leaves_residuals_orthogonal_to_the_inputs():
    x, labels = overlapping(np.random.default_rng(11))
    model = dis.fit_least_squares(x, labels)
    residuals = dis.scores(model, x) - labels
    np.testing.assert_allclose(x.T @ residuals, 0, atol=1e-10)
    np.testing.assert_allclose(residuals.sum(axis=0), 0, atol=1e-10)


def test_least_squares_scores_sum_to_one_but_leave_the_interval_of_probabilities():
    x, labels = overlapping(np.random.default_rng(12))
    u = dis.scores(dis.fit_least_squares(x, labels), 5 * x)
    np.testing.assert_allclose(u.sum(axis=1), 1)
    assert u.min() < 0
    assert u.max() > 1


def test_least_squares_direction_for_two_classes_is_fishers():
    rng = np.random.default_rng(13)
    labels = np.eye(2)[(np.arange(200) % 5 == 0).astype(int)]
    x = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3)) + labels @ rng.normal(size=(2, 3))
    first, second = (x[labels[:, k] == 1] for k in range(2))
    within = sum((c - c.mean(axis=0)).T @ (c - c.mean(axis=0)) for c in (first, second))
    fisher = np.linalg.solve(within, second.mean(axis=0) - first.mean(axis=0))
    model = dis.fit_least_squares(x, labels)
    w = model.W[:, 1] - model.W[:, 0]
    np.testing.assert_allclose(w / np.linalg.norm(w), fisher / np.linalg.norm(fisher), rtol=1e-9)


def test_discriminant_function_gives_labels_and_refuses_probabilities():
    model = dis.LinearDiscriminant([[1, 0, -1]], [0, 0.5, 0])
    np.testing.assert_array_equal(dis.predict(model, [[2], [0], [-2]]), [0, 1, 2])
    with pytest.raises(TypeError, match="LogisticRegression が必要ですが LinearDiscriminant"):
        dis.posterior(model, [[1]])


def test_tie_goes_to_the_smaller_class_number():
    model = dis.LinearDiscriminant([[1, 1]], [0, 0])
    assert dis.predict(model, [[3]]).tolist() == [0]


def test_arguments_are_not_written_into():
    x, labels = separable(np.random.default_rng(14))
    copies = x.copy(), labels.copy()
    dis.fit_perceptron(x, labels)
    dis.fit_least_squares(x, labels)
    dis.fit_logistic_regression(x, labels, l2=0.1)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(labels, copies[1])


def test_integer_samples_give_float64_weights():
    model = dis.fit_perceptron(AND_X.astype(int), AND_LABELS.astype(int))
    assert model.W.dtype == np.float64


# --- boundary -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fit", [dis.fit_logistic_regression, dis.fit_perceptron, dis.fit_least_squares]
)
@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        ([0, 1], np.eye(2), r"x は \(N, D\) の形が必要ですが \(2,\)"),
        (np.ones((3, 2)), np.eye(2), r"labels は \(3, K\) の形が必要ですが \(2, 2\)"),
        (np.ones((2, 1)), [[1, 0], [1, 0]], "クラス 1 は 0 個"),
        (np.ones((2, 1)), [[1, 1], [1, 0]], "labels は各行の和が 1"),
        (np.ones((2, 1)), [[1], [1]], "labels は 2 個以上のクラスが必要"),
        ([[np.nan], [1]], np.eye(2), "x は.*NaN"),
        ([[np.inf], [1]], np.eye(2), "x は.*無限大"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "x は 1 個以上の値が必要"),
    ],
)
def test_samples_that_cannot_be_fitted_are_refused(fit, x, labels, message):
    with pytest.raises(ValueError, match=message):
        fit(x, labels)


@pytest.mark.parametrize("bad", [[[1j]], [["a"]], [[None]]])
def test_inputs_that_are_not_real_are_refused(bad):
    with pytest.raises(TypeError, match="x は実数の配列が必要"):
        dis.predict(dis.LinearDiscriminant([[1, 2]], [0, 0]), bad)


@given(l2=st.floats(max_value=-1e-9, allow_infinity=False))
def test_negative_regularisation_is_refused(l2):
    with pytest.raises(ValueError, match="l2 は 0 以上の数が必要"):
        dis.fit_logistic_regression(AND_X, AND_LABELS, l2=l2)


@given(epochs=st.integers(-5, 0))
def test_perceptron_needs_at_least_one_epoch(epochs):
    with pytest.raises(ValueError, match="epochs は 1 以上の整数が必要"):
        dis.fit_perceptron(AND_X, AND_LABELS, epochs=epochs)


def test_perceptron_refuses_soft_labels():
    with pytest.raises(ValueError, match="labels は one-hot が必要"):
        dis.fit_perceptron([[0], [1], [2]], [[0.5, 0.5], [0, 1], [1, 0]])


@given(D=st.integers(1, 5).filter(lambda D: D != 2))
def test_inputs_of_another_dimension_are_refused(D):
    model = dis.LogisticRegression(np.ones((2, 3)), np.zeros(3))
    for function in (dis.scores, dis.posterior, dis.predict):
        with pytest.raises(ValueError, match=r"x は \(N, 2\) の形が必要"):
            function(model, np.zeros((4, D)))


@pytest.mark.parametrize("kind", [dis.LogisticRegression, dis.LinearDiscriminant])
def test_weights_of_the_wrong_shape_are_refused(kind):
    with pytest.raises(ValueError, match=r"W は \(D, K\) の形が必要"):
        kind([1, 2], [0, 0])
    with pytest.raises(ValueError, match="W は 2 個以上のクラスが必要"):
        kind([[1], [2]], [0])
    with pytest.raises(ValueError, match=r"b は \(2,\) の形が必要ですが \(3,\)"):
        kind([[1, 2]], [0, 0, 0])
    with pytest.raises(ValueError, match=r"W は.*NaN"):
        kind([[1, np.nan]], [0, 0])


def test_least_squares_does_not_depend_on_the_units_of_the_features():
    rng = np.random.default_rng(0)
    x, labels = overlapping(rng, K=2, N=200)
    expected = dis.predict(dis.fit_least_squares(x, labels), x)
    moved = x * [1e-7, 1e7]
    np.testing.assert_array_equal(
        dis.predict(dis.fit_least_squares(moved, labels), moved), expected
    )


def test_least_squares_reproduces_soft_labels_that_are_linear():
    x = np.linspace(0, 1, 5)[:, None]
    labels = np.hstack([x, 1 - x])
    model = dis.fit_least_squares(x, labels)
    np.testing.assert_allclose(dis.scores(model, x), labels, atol=1e-12)


def test_weak_regularisation_stops_where_rounding_leaves_nothing_to_gain():
    x, labels = animals(30, rng=np.random.default_rng(0))
    model = dis.fit_logistic_regression(x, labels, l2=1e-4)
    residual = x.T @ (dis.posterior(model, x) - labels) / 30 + 1e-4 * model.W
    assert abs(residual).max() < 1e-8


def test_class_numbers_are_told_from_probabilities_by_their_shape():
    with pytest.raises(ValueError, match=r"^labels は \(6, K\) の形が必要ですが \(6,\) でした$"):
        dis.fit_perceptron(np.ones((6, 2)), [0, 1, 0, 1, 0, 1])


def test_posterior_of_another_kind_of_model_is_not_called_a_discriminant():
    with pytest.raises(
        TypeError, match=r"^model は LogisticRegression が必要ですが NoneType でした$"
    ):
        dis.posterior(None, [[1.0]])
