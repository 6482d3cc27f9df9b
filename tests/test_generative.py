import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlnotes import generative as gen
from dlnotes.activations import sigmoid, softmax

AND_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND_LABELS = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
MODEL = gen.GaussianClassifier(
    priors=[0.5, 0.3, 0.2],
    means=[[0, 0], [2, 1], [-1, 3]],
    covariances=[[[1, 0.3], [0.3, 0.5]], [[2, 0], [0, 1]], [[0.7, -0.2], [-0.2, 1.1]]],
)


def grid(low=-6.0, high=8.0, n=60):
    axis = np.linspace(low, high, n)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def random_data(rng, N=200, D=3, K=3):
    labels = np.eye(K)[np.arange(N) % K]
    return rng.normal(size=(N, D)) + labels @ rng.normal(size=(K, D)), labels


# --- Bayes' rule --------------------------------------------------------------------------


def test_medical_test_with_rare_disease_gives_the_known_small_posterior():
    # prevalence 1 %, sensitivity 90 %, specificity 95 %: 0.009 / (0.009 + 0.0495)
    after = gen.bayes_posterior([0.99, 0.01], [0.05, 0.90])
    assert after[1] == pytest.approx(0.009 / 0.0585, rel=1e-14)


def test_medical_test_agrees_with_counting_simulated_patients():
    rng = np.random.default_rng(0)
    ill = rng.random(200_000) < 0.01
    positive = rng.random(200_000) < np.where(ill, 0.90, 0.05)
    expected = gen.bayes_posterior([0.99, 0.01], [0.05, 0.90])[1]
    assert ill[positive].mean() == pytest.approx(expected, abs=0.01)


def test_likelihood_that_does_not_depend_on_the_class_leaves_the_prior():
    np.testing.assert_allclose(gen.bayes_posterior([0.2, 0.8], [3, 3]), [0.2, 0.8])


def test_scaling_the_likelihood_changes_nothing():
    likelihood = np.array([[0.1, 0.4], [2.0, 0.5]])
    np.testing.assert_allclose(
        gen.bayes_posterior([0.3, 0.7], likelihood),
        gen.bayes_posterior([0.3, 0.7], 1e6 * likelihood),
    )


def test_yesterdays_posterior_is_todays_prior():
    first, second = np.array([0.2, 0.6]), np.array([0.9, 0.5])
    once = gen.bayes_posterior([0.4, 0.6], first * second)
    twice = gen.bayes_posterior(gen.bayes_posterior([0.4, 0.6], first), second)
    np.testing.assert_allclose(once, twice)


# --- Gaussian classifier ------------------------------------------------------------------


def test_fit_gives_the_mean_and_covariance_of_every_class():
    x, labels = random_data(np.random.default_rng(1))
    model = gen.fit_gaussian_classifier(x, labels)
    for k in range(3):
        own = x[labels[:, k] == 1]
        np.testing.assert_allclose(model.means[k], own.mean(axis=0))
        np.testing.assert_allclose(model.covariances[k], np.cov(own.T, bias=True))
    np.testing.assert_allclose(model.priors, labels.mean(axis=0))


def test_shared_covariance_is_the_average_weighted_by_the_priors():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 2)) * np.repeat([[1.0], [3.0]], [45, 15], axis=0)
    labels = np.repeat(np.eye(2), [45, 15], axis=0)
    own = gen.fit_gaussian_classifier(x, labels)
    shared = gen.fit_gaussian_classifier(x, labels, shared=True)
    expected = 0.75 * own.covariances[0] + 0.25 * own.covariances[1]
    np.testing.assert_allclose(shared.covariances[0], expected)
    np.testing.assert_allclose(shared.covariances[1], expected)


def test_naive_bayes_keeps_the_variances_and_drops_the_covariances():
    x, labels = random_data(np.random.default_rng(3))
    naive = gen.fit_gaussian_naive_bayes(x, labels)
    for k in range(3):
        variances = x[labels[:, k] == 1].var(axis=0)
        np.testing.assert_allclose(naive.covariances[k], np.diag(variances))


def test_naive_bayes_with_shared_variances_is_a_linear_classifier():
    x, labels = random_data(np.random.default_rng(3))
    naive = gen.fit_gaussian_naive_bayes(x, labels, shared=True)
    within = sum(labels[:, k] @ (x - naive.means[k]) ** 2 for k in range(3)) / len(x)
    np.testing.assert_allclose(naive.covariances, [np.diag(within)] * 3)
    W, b = gen.linear_form(naive)
    np.testing.assert_allclose(softmax(x @ W + b), gen.posterior(naive, x), rtol=1e-10)


def test_naive_bayes_likelihood_is_the_product_over_the_features():
    x, labels = random_data(np.random.default_rng(4))
    naive = gen.fit_gaussian_naive_bayes(x, labels)
    for k in range(3):
        m, v = naive.means[k], naive.covariances[k].diagonal()
        per_feature = -((x - m) ** 2) / (2 * v) - np.log(2 * np.pi * v) / 2
        np.testing.assert_allclose(gen.log_likelihood(naive, x)[:, k], per_feature.sum(axis=1))


def test_soft_labels_weigh_the_samples():
    x = np.array([[0.0], [1.0], [3.0], [4.0]])
    labels = np.array([[1, 0], [0.5, 0.5], [0.25, 0.75], [0, 1]])
    model = gen.fit_gaussian_classifier(x, labels)
    assert model.means[0, 0] == pytest.approx((1 * 0.5 + 3 * 0.25) / 1.75)
    weights = labels[:, 0] / 1.75
    expected = np.sum(weights * (x[:, 0] - model.means[0, 0]) ** 2)
    assert model.covariances[0, 0, 0] == pytest.approx(expected)


def test_fit_maximises_the_likelihood_among_nearby_models():
    x, labels = random_data(np.random.default_rng(5), D=2)
    best = gen.fit_gaussian_classifier(x, labels)

    def score(model):
        return np.sum(labels * (gen.log_likelihood(model, x) + np.log(model.priors)))

    assert score(replace(best, means=best.means + 0.01)) < score(best)
    assert score(replace(best, covariances=best.covariances * 1.02)) < score(best)
    assert score(replace(best, covariances=best.covariances * 0.98)) < score(best)
    assert score(replace(best, priors=best.priors + np.array([0.01, -0.01, 0]))) < score(best)


def test_log_likelihood_is_the_written_formula():
    x = grid(n=7)
    for k in range(3):
        S, diff = MODEL.covariances[k], x - MODEL.means[k]
        distance = np.einsum("ni,ij,nj->n", diff, np.linalg.inv(S), diff)
        expected = -distance / 2 - np.log(np.linalg.det(S)) / 2 - np.log(2 * np.pi)
        np.testing.assert_allclose(gen.log_likelihood(MODEL, x)[:, k], expected, rtol=1e-12)


def test_density_integrates_to_one():
    x = grid(-12, 14, 400)
    area = (26 / 399) ** 2
    assert np.exp(gen.log_evidence(MODEL, x)).sum() * area == pytest.approx(1, abs=1e-6)


def test_evidence_is_the_sum_of_prior_times_likelihood():
    x = grid(n=9)
    expected = (np.exp(gen.log_likelihood(MODEL, x)) * MODEL.priors).sum(axis=1)
    np.testing.assert_allclose(np.exp(gen.log_evidence(MODEL, x)), expected, rtol=1e-12)


def test_posterior_is_bayes_rule_on_the_densities():
    x = grid(-3, 4, 9)
    expected = gen.bayes_posterior(MODEL.priors, np.exp(gen.log_likelihood(MODEL, x)))
    np.testing.assert_allclose(gen.posterior(MODEL, x), expected, rtol=1e-11)


def test_prediction_is_the_largest_posterior():
    x = grid()
    np.testing.assert_array_equal(gen.predict(MODEL, x), gen.posterior(MODEL, x).argmax(axis=1))
    assert set(gen.predict(MODEL, x)) == {0, 1, 2}


def test_posterior_survives_where_every_density_underflows():
    far = np.array([[1e3, -1e3], [-1e3, 1e3], [1e3, 1e3]])
    assert np.exp(gen.log_likelihood(MODEL, far)).max() == 0
    np.testing.assert_allclose(gen.posterior(MODEL, far).sum(axis=1), 1, rtol=1e-9)


def test_class_with_prior_zero_is_never_believed():
    model = replace(MODEL, priors=[0.5, 0.5, 0])
    x = np.vstack([grid(), MODEL.means[2:], [[-1e3, 3e3]]])
    assert gen.posterior(model, x)[:, 2].max() == 0
    assert gen.predict(model, x).max() == 1


@pytest.mark.parametrize("seed", range(3))
def test_with_shared_covariance_the_posterior_is_a_sigmoid_of_a_linear_function(seed):
    rng = np.random.default_rng(seed)
    x, labels = random_data(rng, K=2)
    model = gen.fit_gaussian_classifier(x, labels, shared=True)
    S_inverse = np.linalg.inv(model.covariances[0])
    w = S_inverse @ (model.means[1] - model.means[0])
    squares = [m @ S_inverse @ m for m in model.means]
    b = (squares[0] - squares[1]) / 2 + np.log(model.priors[1] / model.priors[0])
    points = rng.normal(scale=3, size=(500, 3))
    np.testing.assert_allclose(
        gen.posterior(model, points)[:, 1], sigmoid(points @ w + b), rtol=1e-9
    )
    W, c = gen.linear_form(model)
    np.testing.assert_allclose(W[:, 1] - W[:, 0], w)
    assert c[1] - c[0] == pytest.approx(b)


def test_linear_form_gives_the_posterior_for_any_number_of_classes():
    x, labels = random_data(np.random.default_rng(6), K=4)
    model = gen.fit_gaussian_classifier(x, labels, shared=True)
    W, b = gen.linear_form(model)
    np.testing.assert_allclose(softmax(x @ W + b), gen.posterior(model, x), rtol=1e-10)


def test_and_samples_are_classified_by_the_shared_gaussian_model():
    model = gen.fit_gaussian_classifier(AND_X, AND_LABELS, shared=True)
    np.testing.assert_array_equal(gen.predict(model, AND_X), [0, 0, 0, 1])


def test_samples_have_the_class_shares_means_and_covariances_of_the_model():
    x, labels = gen.sample(MODEL, 40_000, rng=np.random.default_rng(7))
    refit = gen.fit_gaussian_classifier(x, labels)
    np.testing.assert_allclose(refit.priors, MODEL.priors, atol=0.01)
    np.testing.assert_allclose(refit.means, MODEL.means, atol=0.05)
    np.testing.assert_allclose(refit.covariances, MODEL.covariances, atol=0.08)


def test_share_of_samples_a_posterior_is_sure_of_is_the_share_that_is_right():
    x, labels = gen.sample(MODEL, 20_000, rng=np.random.default_rng(8))
    p = gen.posterior(MODEL, x)[:, 0]
    for low in (0.1, 0.4, 0.7):
        chosen = (low <= p) & (p < low + 0.2)
        assert labels[chosen, 0].mean() == pytest.approx(p[chosen].mean(), abs=0.05)


def test_float32_stays_float32():
    x, labels = random_data(np.random.default_rng(9))
    x32 = x.astype(np.float32)
    model = gen.fit_gaussian_classifier(x32, labels)
    assert model.means.dtype == model.covariances.dtype == np.float32
    p = gen.posterior(model, x32)
    assert p.dtype == np.float32
    expected = gen.posterior(gen.fit_gaussian_classifier(x, labels), x)
    np.testing.assert_allclose(p, expected, atol=1e-5)
    drawn, _ = gen.sample(model, 5, rng=np.random.default_rng(0))
    assert drawn.dtype == np.float32


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("fit", [gen.fit_gaussian_classifier, gen.fit_gaussian_naive_bayes])
def test_float32_far_from_zero_is_fitted_as_well_as_float64(fit, shared):
    x, labels = random_data(np.random.default_rng(9))
    x32 = (1e6 + x).astype(np.float32)
    model = fit(x32, labels, shared=shared)
    wanted = fit(x32.astype(np.float64), labels, shared=shared)
    np.testing.assert_array_equal(model.means, wanted.means.astype(np.float32))
    np.testing.assert_array_equal(model.covariances, wanted.covariances.astype(np.float32))


def test_integer_samples_are_not_truncated():
    model = gen.fit_gaussian_classifier(AND_X.astype(int), AND_LABELS.astype(int), shared=True)
    np.testing.assert_allclose(model.means[0], [1 / 3, 1 / 3])


# --- super-resolution ---------------------------------------------------------------------


def test_pooling_matrix_takes_the_mean_of_every_block():
    x = np.arange(2 * 4 * 6, dtype=float).reshape(2, 4, 6)
    A = gen.average_pooling_matrix(4, 6, 2)
    expected = x.reshape(2, 2, 2, 3, 2).mean(axis=(2, 4)).reshape(2, 6)
    np.testing.assert_allclose(x.reshape(2, 24) @ A.T, expected)


def test_enlarging_by_nearest_undoes_pooling_and_back():
    y = np.random.default_rng(0).random((3, 2, 5))
    enlarged = gen.enlarge_nearest(y, 4)
    assert enlarged.shape == (3, 8, 20)
    A = gen.average_pooling_matrix(8, 20, 4)
    np.testing.assert_allclose(enlarged.reshape(3, -1) @ A.T, y.reshape(3, -1))


def test_bilinear_enlarging_is_exact_on_a_plane_away_from_the_border():
    rows, columns = np.mgrid[0:5, 0:7]
    y = 2.0 * rows - 3.0 * columns
    x = gen.enlarge_bilinear(y[None], 3)[0]
    fine_rows, fine_columns = ((np.mgrid[0:15, 0:21] + 0.5) / 3) - 0.5
    expected = 2 * fine_rows - 3 * fine_columns
    np.testing.assert_allclose(x[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-12)


def test_bilinear_enlarging_keeps_constants_and_repeats_the_edge():
    np.testing.assert_allclose(gen.enlarge_bilinear(np.full((1, 1, 3), 0.7), 4), 0.7)
    x = gen.enlarge_bilinear(np.array([[[1.0, 5.0]]]), 4)[0]
    np.testing.assert_allclose(x[0, :3], [1.0, 1.0, 1.5])
    np.testing.assert_allclose(x[0], 6 - x[0, ::-1])


def test_restored_image_agrees_with_the_observation_when_noise_is_small():
    images = gen.face_images(300, rng=np.random.default_rng(1)).reshape(300, -1)
    A = gen.average_pooling_matrix(16, 16, 4)
    prior = gen.fit_gaussian_prior(images)
    x = gen.restore(prior, A, images[:5] @ A.T, noise_std=1e-5)
    np.testing.assert_allclose(x @ A.T, images[:5] @ A.T, atol=1e-5)


def test_restored_image_is_the_most_probable_one():
    rng = np.random.default_rng(2)
    root = rng.normal(size=(4, 4))
    prior = gen.GaussianPrior(rng.normal(size=4), root @ root.T)
    A, y, sigma = rng.normal(size=(2, 4)), rng.normal(size=(1, 2)), 0.3
    x = gen.restore(prior, A, y, noise_std=sigma)[0]
    precision = np.linalg.inv(prior.covariance)
    gradient = precision @ (x - prior.mean) - A.T @ (y[0] - A @ x) / sigma**2
    np.testing.assert_allclose(gradient, 0, atol=1e-9)


def test_restoring_tends_to_the_prior_mean_as_the_noise_grows():
    prior = gen.GaussianPrior([1, 2], [[1, 0.5], [0.5, 2]])
    x = gen.restore(prior, [[1, 1]], [[10]], noise_std=1e6)
    np.testing.assert_allclose(x, [[1, 2]], atol=1e-9)


def test_posterior_mean_beats_naive_enlarging_on_unseen_faces():
    rng = np.random.default_rng(3)
    train, unseen = gen.face_images(1000, rng=rng), gen.face_images(100, rng=rng)
    A = gen.average_pooling_matrix(16, 16, 4)
    y = unseen.reshape(100, -1) @ A.T
    restored = gen.restore(gen.fit_gaussian_prior(train), A, y, noise_std=1e-3)
    small = y.reshape(100, 4, 4)

    def error(x):
        return np.sqrt(np.mean((x.reshape(100, 16, 16) - unseen) ** 2))

    assert error(restored) < 0.05
    assert error(gen.enlarge_bilinear(small, 4)) > 0.15
    assert error(gen.enlarge_nearest(small, 4)) > 0.15
    assert error(np.broadcast_to(train.mean(axis=0), unseen.shape)) > 0.1


def test_prior_of_images_is_the_mean_and_covariance_of_their_pixels():
    x = np.random.default_rng(4).random((50, 2, 3))
    prior = gen.fit_gaussian_prior(x)
    np.testing.assert_allclose(prior.mean, x.reshape(50, 6).mean(axis=0))
    np.testing.assert_allclose(prior.covariance, np.cov(x.reshape(50, 6).T, bias=True))


def test_faces_are_grey_values_that_differ_and_repeat_with_the_generator():
    faces = gen.face_images(50, rng=np.random.default_rng(5))
    assert faces.shape == (50, 16, 16)
    assert faces.min() >= 0
    assert faces.max() <= 1
    assert faces.std(axis=0).max() > 0.05
    np.testing.assert_array_equal(faces, gen.face_images(50, rng=np.random.default_rng(5)))


class Stepping(np.random.Generator):
    """n 度目の一様乱数を、いつも範囲の n/20 のところとする乱数の源。"""

    drawn = 0

    def uniform(self, low=0.0, high=1.0, size=None):
        self.drawn += 1
        return np.full(size, low + (high - low) * self.drawn / 20)


def test_a_face_has_its_outline_eyes_and_mouth_where_they_were_drawn():
    (face,) = gen.face_images(1, rng=Stepping(np.random.PCG64(0)))
    across, down, wide, high = -0.09, -0.08, 0.7225, 0.83
    eye_across, eye_up, bend, mouth_wide = 0.275, 0.195, -0.18, 0.26
    light, dark = 0.835, 0.7
    for row in range(16):
        for column in range(16):
            x = -15 / 16 + column / 8 - across
            y = -15 / 16 + row / 8 - down
            inside = 1 / (1 + math.exp(-8 * (1 - (x / wide) ** 2 - (y / high) ** 2)))
            eye = math.exp(-50 * ((abs(x) - eye_across) ** 2 + (y + eye_up) ** 2))
            lips = y - 0.4 - bend * (x**2 - 0.06)
            mouth = math.exp(-80 * lips**2 - (x / mouth_wide) ** 4)
            wanted = light * inside * (1 - dark * max(eye, mouth))
            assert face[row, column] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    "model", [MODEL, gen.GaussianPrior(np.zeros(2), np.eye(2))], ids=lambda m: type(m).__name__
)
def test_a_learned_model_cannot_be_changed_and_equals_only_itself(model):
    name = next(iter(model.__slots__))
    with pytest.raises(FrozenInstanceError):
        setattr(model, name, None)
    assert replace(model) != model


def test_float32_images_stay_float32():
    y = np.ones((1, 2, 2), dtype=np.float32)
    assert gen.enlarge_nearest(y, 2).dtype == np.float32
    assert gen.enlarge_bilinear(y, 2).dtype == np.float32
    prior = gen.fit_gaussian_prior(np.eye(3, dtype=np.float32))
    A = np.ones((1, 3), dtype=np.float32)
    assert gen.restore(prior, A, A[:, :1], noise_std=0.1).dtype == np.float32


def test_many_float32_images_have_the_mean_and_covariance_of_float64():
    x = (1e3 + np.random.default_rng(0).random((100_000, 2))).astype(np.float32)
    prior, wanted = gen.fit_gaussian_prior(x), gen.fit_gaussian_prior(x.astype(np.float64))
    np.testing.assert_array_equal(prior.mean, wanted.mean.astype(np.float32))
    np.testing.assert_array_equal(prior.covariance, wanted.covariance.astype(np.float32))


def test_arguments_are_not_written_into():
    x, labels = random_data(np.random.default_rng(10))
    copies = x.copy(), labels.copy()
    model = gen.fit_gaussian_classifier(x, labels)
    gen.posterior(model, x)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(labels, copies[1])


# --- boundary -----------------------------------------------------------------------------


@given(likelihood=st.floats(-10, -1e-6))
def test_negative_likelihoods_are_refused(likelihood):
    with pytest.raises(ValueError, match="likelihood は 0 以上の値が必要"):
        gen.bayes_posterior([0.5, 0.5], [likelihood, 1])


@given(K=st.integers(1, 6).filter(lambda K: K != 2))
def test_likelihoods_of_another_number_of_classes_are_refused(K):
    with pytest.raises(ValueError, match=r"likelihood は \(2,\) か \(N, 2\) の形が必要"):
        gen.bayes_posterior([0.5, 0.5], np.ones(K))


def test_bayes_refuses_bad_priors_and_impossible_observations():
    with pytest.raises(ValueError, match="prior は各行の和が 1"):
        gen.bayes_posterior([0.5, 0.6], [1, 1])
    with pytest.raises(ValueError, match=r"prior は \(K,\) の形が必要"):
        gen.bayes_posterior([[0.5, 0.5]], [1, 1])
    with pytest.raises(ValueError, match=r"起こり得る観測のものが必要ですが p\(x\) が 0 でした"):
        gen.bayes_posterior([1, 0], [0, 1])
    # Among the subnormal numbers, equal likelihoods would give (1/4, 3/4).
    with pytest.raises(ValueError, match=r"p\(x\) が 1.97626e-323 でした"):
        gen.bayes_posterior([0.3, 0.7], [0.05**248] * 2)


def test_samples_too_far_from_the_means_are_refused_without_a_warning():
    model = gen.GaussianClassifier([0.5, 0.5], [[-1e308], [1e308]], [[[1.0]], [[1.0]]])
    with pytest.raises(ValueError, match="x と平均の隔たりの二乗"):
        gen.posterior(model, [[1e308]])


@pytest.mark.parametrize(
    "fit",
    [gen.fit_gaussian_classifier, gen.fit_gaussian_naive_bayes],
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
        (np.zeros((0, 2)), np.zeros((0, 2)), "x は 1 個以上の値が必要"),
        ([[0], [1]], np.eye(2), r"covariances\[0\] は正定値の行列が必要"),
    ],
)
def test_samples_that_cannot_be_fitted_are_refused(fit, x, labels, message):
    with pytest.raises(ValueError, match=message):
        fit(x, labels)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_repeated_feature_is_refused_whatever_its_unit(scale):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 1)) * [1.0, scale]
    with pytest.raises(ValueError, match="正定値の行列が必要"):
        gen.fit_gaussian_classifier(x, np.eye(2)[np.arange(100) % 2])


def test_features_of_very_different_units_are_accepted():
    x, labels = random_data(np.random.default_rng(1), D=2)
    scaled = x * [1e-9, 1e6]
    expected = gen.posterior(gen.fit_gaussian_classifier(x, labels), x)
    model = gen.fit_gaussian_classifier(scaled, labels)
    np.testing.assert_allclose(gen.posterior(model, scaled), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"priors": [0.5, 0.5]}, r"means は \(2, D\) の形が必要ですが \(3, 2\)"),
        ({"means": [[0], [0], [0]]}, r"covariances は \(3, 1, 1\) の形が必要"),
        ({"covariances": [[[1, 0.5], [0, 1]]] * 3}, r"covariances\[0\] は対称な行列が必要"),
        ({"covariances": [[[1e10, 50], [-50, 1e-6]]] * 3}, r"covariances\[0\] は対称な行列が必要"),
        ({"covariances": [[[1, 2], [2, 1]]] * 3}, r"covariances\[0\] は正定値の行列が必要"),
        ({"covariances": [np.eye(2), -np.eye(2), np.eye(2)]}, r"covariances\[1\] は正定値"),
    ],
)
def test_models_that_are_no_distribution_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(MODEL, **change)


@settings(max_examples=20)
@given(D=st.integers(1, 5).filter(lambda D: D != 2))
@pytest.mark.parametrize(
    "function", [gen.log_likelihood, gen.posterior, gen.log_evidence, gen.predict]
)
def test_inputs_of_another_dimension_are_refused(function, D):
    with pytest.raises(ValueError, match=r"x は \(N, 2\) の形が必要"):
        function(MODEL, np.zeros((4, D)))


def test_linear_form_refuses_separate_covariances_and_empty_classes():
    smaller = gen.GaussianClassifier([0.5, 0.5], [[0], [1]], [[[2]], [[1]]])
    for model in (MODEL, smaller):
        with pytest.raises(ValueError, match="covariances は全クラスで等しい必要"):
            gen.linear_form(model)
    with pytest.raises(ValueError, match="priors は正の確率が必要"):
        gen.linear_form(gen.GaussianClassifier([1, 0], [[0], [1]], [[[1]], [[1]]]))


@given(n=st.integers(-3, 0))
def test_drawing_fewer_than_one_is_refused(n):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n は 1 以上の整数が必要"):
        gen.sample(MODEL, n, rng=rng)
    with pytest.raises(ValueError, match="n は 1 以上の整数が必要"):
        gen.face_images(n, rng=rng)


def test_a_seed_in_place_of_a_generator_is_refused():
    with pytest.raises(TypeError, match=r"rng は .*Generator が必要"):
        gen.sample(MODEL, 1, rng=0)
    with pytest.raises(TypeError, match=r"rng は .*Generator が必要"):
        gen.face_images(1, rng=0)


@given(size=st.integers(1, 20).filter(lambda n: n % 4), name=st.sampled_from(["height", "width"]))
def test_sizes_that_do_not_divide_are_refused(size, name):
    sizes = {"height": 8, "width": 8} | {name: size}
    with pytest.raises(ValueError, match=f"{name} は 4 の倍数が必要ですが {size}"):
        gen.average_pooling_matrix(**sizes, factor=4)


def test_bad_observations_are_refused():
    prior = gen.GaussianPrior([0, 0], np.eye(2))
    with pytest.raises(ValueError, match=r"A は \(Q, 2\) の形が必要"):
        gen.restore(prior, np.ones((1, 3)), [[1]], noise_std=1)
    with pytest.raises(ValueError, match=r"y は \(N, 1\) の形が必要"):
        gen.restore(prior, np.ones((1, 2)), [[1, 2]], noise_std=1)
    with pytest.raises(ValueError, match="noise_std は正の数が必要"):
        gen.restore(prior, np.ones((1, 2)), [[1]], noise_std=0)
    with pytest.raises(ValueError, match="covariance は対称な行列が必要"):
        gen.GaussianPrior([0, 0], [[1, 1], [0, 1]])
    with pytest.raises(ValueError, match="covariance は対称な行列が必要"):
        gen.GaussianPrior([0, 0], [[1e10, 50], [-50, 1e-6]])
    with pytest.raises(ValueError, match=r"covariance は \(2, 2\) の形が必要"):
        gen.GaussianPrior([0, 0], [[1]])
    with pytest.raises(ValueError, match=r"x は \(N, D\) か \(N, H, W\) の形が必要"):
        gen.fit_gaussian_prior([1, 2])
    for enlarge in (gen.enlarge_nearest, gen.enlarge_bilinear):
        with pytest.raises(ValueError, match=r"images は \(N, H, W\) の形が必要"):
            enlarge(np.ones((2, 2)), 2)
        with pytest.raises(ValueError, match="factor は 1 以上の整数が必要"):
            enlarge(np.ones((1, 2, 2)), 0)
        with pytest.raises(TypeError, match="images は実数の配列が必要"):
            enlarge(np.ones((1, 2, 2), dtype=complex), 2)


@pytest.mark.parametrize(
    "covariance", [[[-1.0]], [[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]]]
)
def test_a_covariance_with_a_negative_eigenvalue_is_refused(covariance):
    with pytest.raises(ValueError, match="covariance は固有値が 0 以上の行列が必要"):
        gen.GaussianPrior(np.zeros(len(covariance)), covariance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_covariance_without_inverse_is_a_prior(dtype):
    faces = gen.face_images(20, rng=np.random.default_rng(0)).astype(dtype)
    faces[:, 0, 0] = 0
    assert gen.fit_gaussian_prior(faces).covariance.dtype == dtype
    assert gen.GaussianPrior([0, 0], [[0, 0], [0, 1]]).covariance[0, 0] == 0


@pytest.mark.parametrize("covariance", [[[1, 1], [1, 1]], [[0.1, 0.3], [0.3, 0.9]]])
def test_a_noise_lost_in_rounding_is_refused(covariance):
    prior = gen.GaussianPrior([0, 0], covariance)
    with pytest.raises(ValueError, match="noise_std は、丸め誤差に埋もれない大きさが必要"):
        gen.restore(prior, np.eye(2), [[0, 1]], noise_std=1e-9)


@pytest.mark.parametrize(("far", "dtype"), [(5000, np.float32), (1e8, np.float64)])
def test_posterior_of_a_distant_sample_still_sums_to_one(far, dtype):
    model = gen.GaussianClassifier(
        np.array([0.5, 0.5], dtype),
        np.array([[-1, 0], [1, 0]], dtype),
        np.array([np.eye(2)] * 2, dtype),
    )
    p = gen.posterior(model, np.array([[0.1, far]], dtype))
    assert p.dtype == dtype
    assert p.sum() == pytest.approx(1, rel=1e-6)


def test_sample_too_far_to_square_is_refused():
    with pytest.raises(ValueError, match="x と平均の隔たりの二乗 は有限の値が必要"):
        gen.predict(MODEL, [[1e200, 0]])


@pytest.mark.parametrize("noise_std", [1e200, 1e308])
def test_noise_too_large_to_square_is_refused(noise_std):
    prior = gen.GaussianPrior(np.zeros(4), np.eye(4))
    with pytest.raises(ValueError, match="noise_std の二乗 は有限の値が必要"):
        gen.restore(prior, np.ones((1, 4)), [[1.0]], noise_std=noise_std)


def test_naive_bayes_learns_the_shares_of_the_classes():
    x, labels = [[0.0], [1.0], [2.0], [5.0]], np.eye(2)[[0, 0, 0, 1]]
    model = gen.fit_gaussian_naive_bayes(x, labels, shared=True)
    np.testing.assert_allclose(model.priors, [0.75, 0.25])


def test_impossible_observation_is_refused_in_any_row():
    with pytest.raises(ValueError, match="likelihood"):
        gen.bayes_posterior([1, 0], [[1, 0], [0, 1]])


def test_linear_form_needs_every_covariance_to_be_the_same():
    covariances = [np.eye(2), np.eye(2), 2 * np.eye(2)]
    model = gen.GaussianClassifier([0.5, 0.3, 0.2], MODEL.means, covariances)
    with pytest.raises(ValueError, match="covariances は全クラスで等しい必要"):
        gen.linear_form(model)


def test_matrix_that_is_almost_a_covariance_is_refused():
    with pytest.raises(ValueError, match="covariance"):
        gen.GaussianPrior([0, 0], [[1, 1.01], [1.01, 1]])


def test_pooling_by_one_changes_nothing_and_by_zero_is_refused():
    np.testing.assert_array_equal(gen.average_pooling_matrix(2, 3, 1), np.eye(6))
    with pytest.raises(ValueError, match="factor は 1 以上の整数が必要"):
        gen.average_pooling_matrix(2, 2, 0)
