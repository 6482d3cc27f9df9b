"""ミニバッチによる学習。誤差の勾配を求めて θ を更新することを、データを何周もして繰り返します。"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from inspect import unwrap
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlnotes.arrays import (
    Array,
    IntArray,
    all_finite,
    as_finite,
    check_function,
    check_integer,
    check_rng,
    check_shape,
)
from dlnotes.backprop import check_target, loss_and_gradient, problem
from dlnotes.network import Network, check_network, parameters, with_parameters
from dlnotes.optimizers import Optimizer

__all__ = ["Step", "iterations_per_epoch", "minibatches", "train"]

State = TypeVar("State")

# 正解を一度に検査する行の数。データ全体と同じ大きさの作業領域を使わないようにする。
_CHECK_ROWS = 10_000

# 更新のたびに通るので、検査を除いた本体だけを使う。
_loss_and_gradient, _with_parameters = unwrap(loss_and_gradient), unwrap(with_parameters)

_ADVICE = "学習率や初期値、入力の大きさが大きすぎないか確かめてください"


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    r"""学習の 1 回の更新。

    $$\theta_{t} = \theta_{t-1} - \varepsilon \nabla E_t(\theta_{t-1})$$

    SGD の場合の式です。ほかの最適化法では、その更新式に替わります。

    Attributes:
        epoch: 何周目か。1 から数えます。
        iteration: 更新の番号 t。1 から数え、周が替わっても続けて数えます。
        loss: 更新する前のパラメータでの、このミニバッチの平均誤差 E_t。
        network: 更新した後のネットワーク。

    出典:
        本サイトの「記法」。
    """

    epoch: int
    iteration: int
    loss: float
    network: Network


def iterations_per_epoch(n_samples: int, batch_size: int) -> int:
    r"""データを 1 周するのに必要な更新の回数。

    $$\left\lceil \frac{N}{B} \right\rceil$$

    Args:
        n_samples: サンプルの数 N（1 以上）。
        batch_size: ミニバッチの大きさ B（1 以上）。

    Returns:
        更新の回数。割り切れないときは、最後の小さなミニバッチの分を含みます。

    Raises:
        TypeError: 整数でないとき。
        ValueError: 1 より小さいとき。

    出典:
        Goodfellow, Bengio, Courville (2016) Deep Learning、8.1.3 項。
    """
    N = check_integer("n_samples", n_samples, least=1)
    B = check_integer("batch_size", batch_size, least=1)
    return -(-N // B)


def minibatches(n_samples: int, batch_size: int, *, rng: np.random.Generator) -> Iterator[IntArray]:
    r"""1 周分のミニバッチ。サンプルの番号を混ぜて、前から順に切り分けます。

    $$\begin{aligned}
    D_1 \cup D_2 \cup \cdots &= \{1, 2, \ldots, N\} \\
    D_s \cap D_t &= \emptyset \quad (s \ne t)
    \end{aligned}$$

    Args:
        n_samples: サンプルの数 N（1 以上）。
        batch_size: ミニバッチの大きさ B（1 以上）。N を割り切らなければ、最後だけ小さくなります。
        rng: 乱数の源。

    Returns:
        番号（Python に合わせて 0 から）の配列を順に出す反復子。どの番号もちょうど一度ずつ現れます。

    Raises:
        TypeError: 整数でないとき、rng が Generator でないとき。
        ValueError: 1 より小さいとき。

    出典:
        Goodfellow, Bengio, Courville (2016) Deep Learning、8.1.3 項。
    """
    N = check_integer("n_samples", n_samples, least=1)
    B = check_integer("batch_size", batch_size, least=1)
    order = check_rng(rng).permutation(N)
    return (order[i : i + B] for i in range(0, N, B))


def train(
    network: Network,
    x: ArrayLike,
    d: ArrayLike,
    *,
    loss: str,
    optimizer: Optimizer[Any],
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
    schedule: Callable[[int], float] | None = None,
) -> Iterator[Step]:
    r"""ミニバッチ勾配降下法。更新のたびに、その結果を一つずつ出します。

    $$\begin{aligned}
    E_t(\theta) &= \frac{1}{N_t} \sum_{n \in D_t} E_n(\theta) \\
    \theta_t &= \theta_{t-1} - \varepsilon \nabla E_t(\theta_{t-1})
    \end{aligned}$$

    下の式は SGD の場合で、ほかの最適化法ではその更新式に替わります。

    Args:
        network: 学習を始めるネットワーク。書き換えません。
        x: 入力。形は (N, D_in)。
        d: 正解。形は (N, D_out)。
        loss: 誤差関数の名前。選び方は backprop.backward と同じです。
        optimizer: 最適化法。
        batch_size: ミニバッチの大きさ B。N なら勾配降下法、1 なら確率的勾配降下法になります。
        epochs: データを何周するか。
        rng: データを混ぜる乱数の源。
        schedule: 済んだ更新の回数（0 から）を学習率にする関数。省略すると学習率は一定です。

    Returns:
        更新ごとの Step を出す反復子。取り出した分だけ学習が進みます。

    Raises:
        TypeError: 引数の型が違うとき。
        ValueError: 形が合わないとき、値が範囲の外のとき。
        FloatingPointError: 学習の途中で、誤差やパラメータや最適化法の状態が NaN か無限大に
            なったとき。

    出典:
        Robbins, Monro (1951) A Stochastic Approximation Method。
        Goodfellow, Bengio, Courville (2016) Deep Learning、8.1.3 項。
    """
    check_network(network)
    _check_optimizer(optimizer)
    x, d = _as_array("x", x), _as_array("d", d)
    check_shape("x", x, ("N", network[0].W.shape[0]))
    check_shape("d", d, (len(x), network[-1].W.shape[1]))
    if schedule is not None:
        _check_schedule(schedule, optimizer)
    batches = _epochs(len(x), batch_size, check_integer("epochs", epochs, least=1), rng)
    # 型や、出力層と誤差関数の組み合わせの誤りは、学習を始める前に一つのサンプルで見つける。
    with np.errstate(over="ignore", invalid="ignore"):
        _loss_and_gradient(**problem(network, x[:1], d[:1], loss))
    for start in range(0, len(d), _CHECK_ROWS):
        check_target(network, d[start : start + _CHECK_ROWS], loss)
    return _updates(network, x, d, loss, optimizer, batches, schedule)


def _as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    # 大きな配列は、複製せずにそのまま使う。
    return np.asarray(value) if isinstance(value, np.ndarray) else as_finite(name, value)


def _check_optimizer(optimizer: Optimizer[Any]) -> None:
    if isinstance(optimizer, type) or not all(hasattr(optimizer, f) for f in ("init", "step")):
        came = optimizer if isinstance(optimizer, type) else type(optimizer).__name__
        raise TypeError(f"optimizer は SGD(0.1) のような最適化法が必要ですが {came} でした")


def _check_schedule(schedule: object, optimizer: Optimizer[Any]) -> None:
    check_function("schedule", schedule)
    if "learning_rate" not in getattr(optimizer, "__dataclass_fields__", ()):
        raise TypeError(
            "schedule を使うには learning_rate を持つデータクラスの最適化法が必要ですが"
            f" {type(optimizer).__name__} でした"
        )


def _epochs(
    n_samples: int, batch_size: int, epochs: int, rng: np.random.Generator
) -> Iterator[tuple[int, IntArray]]:
    first = minibatches(n_samples, batch_size, rng=rng)
    later = (minibatches(n_samples, batch_size, rng=rng) for _ in range(1, epochs))
    return ((epoch, D) for epoch, batches in enumerate(chain([first], later), 1) for D in batches)


def _updates(
    network: Network,
    x: NDArray[Any],
    d: NDArray[Any],
    loss: str,
    optimizer: Optimizer[State],
    batches: Iterator[tuple[int, IntArray]],
    schedule: Callable[[int], float] | None,
) -> Iterator[Step]:
    theta = parameters(network)
    state = optimizer.init(theta)
    for t, (epoch, D) in enumerate(batches):
        if schedule is not None:
            optimizer = replace(optimizer, learning_rate=schedule(t))
        try:
            E, theta, state, network = _update(network, x, d, D, loss, optimizer, theta, state)
        except FloatingPointError as error:
            # x に NaN か無限大があれば総入力も必ずそうなるので、x を調べるのは止まったときでよい。
            as_finite("x", x[D])
            raise FloatingPointError(f"{t + 1} 回目の更新で学習を止めました。{error}") from error
        yield Step(epoch, t + 1, E, network)


# あふれは警告ではなく、理由を述べる例外にする。
@np.errstate(over="ignore", invalid="ignore")
def _update(
    network: Network,
    x: NDArray[Any],
    d: NDArray[Any],
    D: IntArray,
    loss: str,
    optimizer: Optimizer[State],
    theta: Array,
    state: State,
) -> tuple[float, Array, State, Network]:
    # ミニバッチをここで作れば、更新のたびに捨てられ、同じメモリーを使い回せる。
    x = x.take(D, axis=0).astype(theta.dtype, copy=False)
    d = d.take(D, axis=0).astype(theta.dtype, copy=False)
    E, gradient = _loss_and_gradient(network, x, d, loss)
    theta, state = optimizer.step(theta, gradient, state)
    if not math.isfinite(E):
        raise FloatingPointError(f"誤差が {E} になりました。{_ADVICE}")
    if not all_finite(theta):
        raise FloatingPointError(f"パラメータに NaN か無限大が現れました。{_ADVICE}")
    # 状態があふれると、更新量が 0 になり、学習が黙って止まる。
    memory = state if isinstance(state, tuple) else (state,)
    if not all(all_finite(m) for m in memory if isinstance(m, np.ndarray)):
        raise FloatingPointError(f"最適化法の状態があふれました。{_ADVICE}")
    return E, theta, state, _with_parameters(network, theta)
