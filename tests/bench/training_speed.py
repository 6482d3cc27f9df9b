"""How far a training epoch is from the least work it could be, and from PyTorch.

Everything runs in one thread:

    python tests/bench/training_speed.py

A 784-50-10 network, batches of 100, float32, one epoch of 60,000 samples. The floor is what no
implementation can avoid: gathering the rows of each batch, and five matrix products. Everything
runs in one process, in turns, on the same data in the same order. The ratio is the median over the
rounds of the ratio within a round, in seconds of the processor: what else runs on the machine
slows neighbours in time alike, and so leaves their ratio.
"""

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)

import importlib.util
import statistics
import time
from collections.abc import Callable

import numpy as np

from dlnotes.network import init_network
from dlnotes.optimizers import SGD
from dlnotes.training import minibatches, train

SIZES, BATCH_SIZE, N, LEARNING_RATE, ROUNDS = (784, 50, 10), 100, 60_000, 0.1, 9
GOALS = {"floor": 1.4, "PyTorch": 0.7}

rng = np.random.default_rng(0)
x = rng.random((N, SIZES[0]), dtype=np.float32)
indices = (x @ rng.standard_normal((SIZES[0], SIZES[-1]), dtype=np.float32)).argmax(axis=1)
d = np.eye(SIZES[-1], dtype=np.float32)[indices]
network = init_network(SIZES, output_activation="softmax", rng=rng, dtype=np.float32)


def batches():
    return minibatches(N, BATCH_SIZE, rng=np.random.default_rng(1))


def dlnotes_epoch() -> float:
    steps = train(
        network,
        x,
        d,
        loss="cross_entropy",
        optimizer=SGD(LEARNING_RATE),
        batch_size=BATCH_SIZE,
        epochs=1,
        rng=np.random.default_rng(1),
    )
    return [step.loss for step in steps][-1]


def floor_epoch() -> None:
    W1, W2 = (layer.W for layer in network)
    delta1 = rng.random((BATCH_SIZE, SIZES[1]), dtype=np.float32)
    delta2 = rng.random((BATCH_SIZE, SIZES[2]), dtype=np.float32)
    for batch in batches():
        x_batch = x.take(batch, axis=0)  # faster than x[batch]
        z = x_batch @ W1
        z @ W2
        z.T @ delta2
        delta2 @ W2.T
        x_batch.T @ delta1


def torch_epoch() -> Callable[[], float]:
    import torch

    torch.set_num_threads(1)
    x_all, labels = torch.from_numpy(x), torch.from_numpy(indices)
    order = [torch.from_numpy(batch) for batch in batches()]

    def epoch() -> float:
        model = torch.nn.Sequential(
            torch.nn.Linear(*SIZES[:2]), torch.nn.ReLU(), torch.nn.Linear(*SIZES[1:])
        )
        with torch.no_grad():
            for linear, layer in zip((model[0], model[2]), network, strict=True):
                linear.weight.copy_(torch.from_numpy(layer.W.T))
                linear.bias.copy_(torch.from_numpy(layer.b))
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        cross_entropy = torch.nn.CrossEntropyLoss()
        for batch in order:
            optimizer.zero_grad()
            loss = cross_entropy(model(x_all[batch]), labels[batch])
            loss.backward()
            optimizer.step()
        return loss.item()

    return epoch


def main() -> None:
    epochs = {"dlnotes": dlnotes_epoch, "floor": floor_epoch}
    if importlib.util.find_spec("torch"):
        epochs["PyTorch"] = torch_epoch()
    else:
        print("PyTorch is not installed here; `make oracle` compares with it.")
    losses = {name: epoch() for name, epoch in epochs.items()}
    if "PyTorch" in losses:
        np.testing.assert_allclose(losses["dlnotes"], losses["PyTorch"], rtol=1e-3)
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(ROUNDS):
        for name, epoch in epochs.items():
            start = time.process_time()
            epoch()
            seconds[name].append(time.process_time() - start)
    for name, measured in seconds.items():
        pairs = zip(seconds["dlnotes"], measured, strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        goal = f"  dlnotes / {name} = {ratio:.2f} (goal ≤ {GOALS[name]})" if name in GOALS else ""
        print(f"{name:8} {statistics.median(measured) * 1e3:7.1f} ms{goal}")


if __name__ == "__main__":
    main()
