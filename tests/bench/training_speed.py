"""学習の一周が、それ以上は減らせない仕事と、PyTorch の何倍かかるか。どれも一つのスレッドで動かす。

    python tests/bench/training_speed.py

784-50-10 のネットワーク、100 個ずつ、float32、60,000 個を一周する。減らせない仕事（下限）は、
ミニバッチの行を集めることと、五つの行列の積。同じデータを同じ順に使い、一つのプロセスの中で
代わる代わる動かして、回ごとの比（CPU の秒）の中央値を見る。同じ機械のほかの仕事は、時間の近いものを
同じように遅くするので、比には残らない。
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
        x_batch = x.take(batch, axis=0)  # x[batch] より速い
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
        print("PyTorch がないので、比べません。make oracle なら比べます。")
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
        goal = (
            f"  dlnotes / {name} = {ratio:.2f} （目標 {GOALS[name]} 以下）" if name in GOALS else ""
        )
        print(f"{name:8} {statistics.median(measured) * 1e3:7.1f} ms{goal}")


if __name__ == "__main__":
    main()
