"""All seven update rules against torch.optim: float64, 100 steps, the same function."""

import numpy as np
import pytest

from dlnotes.optimizers import SGD, Adadelta, AdaGrad, Adam, Momentum, Nesterov, RMSProp

torch = pytest.importorskip("torch")

PAIRS = [
    (SGD(0.02), torch.optim.SGD, {}),
    (Momentum(0.02, momentum=0.8), torch.optim.SGD, {"momentum": 0.8}),
    (Nesterov(0.02, momentum=0.8), torch.optim.SGD, {"momentum": 0.8, "nesterov": True}),
    (AdaGrad(0.1, epsilon=1e-9), torch.optim.Adagrad, {"eps": 1e-9}),
    (RMSProp(0.01, decay=0.95, epsilon=1e-7), torch.optim.RMSprop, {"alpha": 0.95, "eps": 1e-7}),
    (Adadelta(decay=0.9, epsilon=1e-5), torch.optim.Adadelta, {"rho": 0.9, "eps": 1e-5}),
    (Adadelta(0.5), torch.optim.Adadelta, {"rho": 0.95, "eps": 1e-6}),
    (Adam(0.05, beta1=0.8, beta2=0.99), torch.optim.Adam, {"betas": (0.8, 0.99)}),
    (Adam(), torch.optim.Adam, {}),
]


def energy(theta):
    """A ravine, bent and not quite quadratic; PyTorch finds its gradient by itself."""
    return 0.5 * theta[0] ** 2 + 5 * theta[1] ** 2 + theta[2] ** 4 + 0.3 * theta[0] * theta[1]


def energy_gradient(theta):
    return np.array([theta[0] + 0.3 * theta[1], 10 * theta[1] + 0.3 * theta[0], 4 * theta[2] ** 3])


@pytest.mark.parametrize(("optimizer", "torch_class", "options"), PAIRS)
def test_a_hundred_steps_follow_the_same_path(optimizer, torch_class, options):
    theta = np.array([2.0, -1.0, 0.7])
    theirs = torch.tensor(theta, requires_grad=True)
    their_optimizer = torch_class([theirs], lr=optimizer.learning_rate, **options)
    state = optimizer.init(theta)
    for _ in range(100):
        theta, state = optimizer.step(theta, energy_gradient(theta), state)
        their_optimizer.zero_grad()
        energy(theirs).backward()
        their_optimizer.step()
        np.testing.assert_allclose(theta, theirs.detach().numpy(), rtol=1e-10, atol=1e-10)
