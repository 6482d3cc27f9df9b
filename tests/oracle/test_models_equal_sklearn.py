from dataclasses import replace

import numpy as np
import pytest

from dlnotes import discriminative, generative

pytest.importorskip("sklearn")

from sklearn.covariance import empirical_covariance
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB

SIZES = np.array([40, 70, 90])


@pytest.fixture(params=[2, 3], ids=["two classes", "three classes"])
def data(request):
    rng = np.random.default_rng(request.param)
    K = request.param
    k = np.repeat(np.arange(K), SIZES[:K])
    x = rng.normal(size=(len(k), 4)) @ rng.normal(size=(4, 4)) + rng.normal(size=(K, 4))[k]
    return x, k, np.eye(K)[k]


def test_logistic_regression_equals_sklearn_without_penalty(data):
    x, k, labels = data
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000, solver="newton-cg").fit(x, k)
    ours = discriminative.fit_logistic_regression(x, labels)
    p = discriminative.posterior(ours, x)
    np.testing.assert_allclose(p, theirs.predict_proba(x), atol=1e-6)
    np.testing.assert_array_equal(discriminative.predict(ours, x), theirs.predict(x))


def test_logistic_regression_equals_sklearn_with_l2(data):
    x, k, labels = data
    l2, K = 0.05, labels.shape[1]
    # sklearn sums the losses and, for two classes, keeps one weight w = w_1 − w_0, for which
    # λ/2 (‖w_0‖² + ‖w_1‖²) at its best split is λ/4 ‖w‖².
    C = 1 / (l2 * len(x)) * (2 if K == 2 else 1)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000, solver="newton-cg").fit(x, k)
    ours = discriminative.fit_logistic_regression(x, labels, l2=l2)
    p = discriminative.posterior(ours, x)
    np.testing.assert_allclose(p, theirs.predict_proba(x), atol=1e-6)


def test_least_squares_scores_equal_linear_regression_on_one_hot(data):
    x, _, labels = data
    ours = discriminative.scores(discriminative.fit_least_squares(x, labels), x)
    np.testing.assert_allclose(ours, LinearRegression().fit(x, labels).predict(x), atol=1e-10)


def test_gaussian_naive_bayes_equals_sklearn(data):
    x, k, labels = data
    theirs = GaussianNB(var_smoothing=0).fit(x, k)
    ours = generative.fit_gaussian_naive_bayes(x, labels)
    np.testing.assert_allclose(generative.posterior(ours, x), theirs.predict_proba(x), atol=1e-6)


def test_shared_covariance_equals_linear_discriminant_analysis(data):
    x, k, labels = data
    theirs = LinearDiscriminantAnalysis(
        solver="lsqr", covariance_estimator=_MaximumLikelihood()
    ).fit(x, k)
    ours = generative.fit_gaussian_classifier(x, labels, shared=True)
    np.testing.assert_allclose(generative.posterior(ours, x), theirs.predict_proba(x), atol=1e-6)


def test_own_covariances_equal_quadratic_discriminant_analysis(data):
    x, k, labels = data
    theirs = QuadraticDiscriminantAnalysis(store_covariance=True).fit(x, k)
    ours = generative.fit_gaussian_classifier(x, labels)
    # Older releases of sklearn divide by N_k − 1, newer ones by N_k as maximum likelihood does.
    factor = theirs.covariance_[0][0, 0] / ours.covariances[0, 0, 0]
    N_k = labels.sum(axis=0)
    assert factor == pytest.approx(1) or factor == pytest.approx(N_k[0] / (N_k[0] - 1))
    scale = np.ones_like(N_k) if factor == pytest.approx(1) else N_k / (N_k - 1)
    same = replace(ours, covariances=ours.covariances * scale[:, None, None])
    np.testing.assert_allclose(same.covariances, theirs.covariance_, atol=1e-10)
    np.testing.assert_allclose(generative.posterior(same, x), theirs.predict_proba(x), atol=1e-6)


class _MaximumLikelihood:
    """Covariance estimator for sklearn that divides by N_k."""

    def fit(self, x):
        self.covariance_ = empirical_covariance(x)
        return self
