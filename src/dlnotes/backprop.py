r"""誤差逆伝播法と、その勾配検査。

層 $l$ の総入力についての誤差の微分を $\delta^{(l)}=\partial E/\partial u^{(l)}$ と書きます。
$\delta$ を出力層から入力層へ順に求めると、どの層の勾配も、となりの層の値を使い回して計算できます。
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import unwrap
from typing import Any, ParamSpec, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from dlnotes import losses
from dlnotes.arrays import (
    Array,
    all_finite,
    as_distribution,
    as_finite,
    as_unit_interval,
    check_choice,
    check_rng,
    check_shape,
    checked,
)
from dlnotes.network import (
    ACTIVATIONS,
    Network,
    affine,
    forward_trace,
    network_and_input,
    parameters,
    with_parameters,
)
from dlnotes.numerical import directional_derivative, relative_error

__all__ = ["GradientCheck", "LayerGradient", "backward", "gradient_check", "loss_and_gradient"]

P = ParamSpec("P")

_Loss: TypeAlias = Callable[[Array, Array], Array]

# 誤差関数、その勾配、正解の検査。
_LOSSES: Mapping[str, tuple[_Loss, _Loss, Callable[[str, ArrayLike], Array]]] = {
    "squared_error": (losses.squared_error, losses.squared_error_gradient, as_finite),
    "absolute_error": (losses.absolute_error, losses.absolute_error_gradient, as_finite),
    "huber": (losses.huber, losses.huber_gradient, as_finite),
    "cross_entropy": (losses.cross_entropy, losses.cross_entropy_gradient, as_distribution),
    "binary_cross_entropy": (
        losses.binary_cross_entropy,
        losses.binary_cross_entropy_gradient,
        as_unit_interval,
    ),
    "softmax_cross_entropy": (
        losses.softmax_cross_entropy,
        losses.softmax_cross_entropy_gradient,
        as_distribution,
    ),
    "sigmoid_binary_cross_entropy": (
        losses.sigmoid_binary_cross_entropy,
        losses.sigmoid_binary_cross_entropy_gradient,
        as_unit_interval,
    ),
}

# δ = (y − d)/N になる、出力層の活性化関数と誤差関数の組。誤差も δ も総入力 u から求める。
# y から求めると、飽和して 0 や 1 に丸められた確率のところで正しくなくなる。
_CANONICAL: Mapping[tuple[str, str], Callable[[Array, Array], tuple[Array, Array]]] = {
    ("identity", "squared_error"): losses.identity_squared_error,
    ("softmax", "cross_entropy"): losses.softmax_and_cross_entropy,
    ("sigmoid", "binary_cross_entropy"): losses.sigmoid_and_binary_cross_entropy,
}
_FROM_LOGITS = ("softmax_cross_entropy", "sigmoid_binary_cross_entropy")


@dataclass(frozen=True, slots=True, eq=False)
class LayerGradient:
    r"""一つの層のパラメータについての、平均誤差の勾配。

    $$\frac{\partial E}{\partial W} = z_{\mathrm{in}}^{\top} \delta, \qquad
    \frac{\partial E}{\partial b} = \sum_{n} \delta_n$$

    $z_{\mathrm{in}}$ は、この層に入る値（前の層の出力）です。

    Attributes:
        W: 重みについての勾配。形は (D_in, D_out)。
        b: バイアスについての勾配。形は (D_out,)。
        delta: 総入力についての微分 δ。形は (N, D_out)。平均の 1/N を含みます。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.3.1 項。
    """

    W: Array
    b: Array
    delta: Array


@dataclass(frozen=True, slots=True, eq=False)
class GradientCheck:
    """勾配検査の結果。

    Attributes:
        worst: 相対誤差が最も大きいパラメータの名前（例: 層 2 の W）。
        relative_error: そのパラメータの相対誤差。単位なし。
        errors: すべてのパラメータの名前と相対誤差。

    出典:
        本サイトの「記法」。
    """

    worst: str
    relative_error: float
    errors: Mapping[str, float]


def problem(network: Network, x: ArrayLike, d: ArrayLike, loss: str) -> dict[str, Any]:
    """ネットワークと、それに合う入力、正解、誤差関数であることを確かめる。"""
    given = network_and_input(network, x)
    d = as_finite("d", d)
    check_shape("d", d, (len(given["x"]), network[-1].W.shape[1]))
    with np.errstate(over="ignore"):
        d = check_target(network, d, loss).astype(network[0].W.dtype, copy=False)
    return given | {"d": d, "loss": loss}


def _check_overflow(E: float, g: Array) -> None:
    for name, finite in (("誤差 E", math.isfinite(E)), ("勾配 g", all_finite(g))):
        if not finite:
            raise FloatingPointError(f"{name} があふれました。入力や重みの大きさを確かめてください")


def _finite(function: Callable[P, tuple[float, Array]]) -> Callable[P, tuple[float, Array]]:
    """関数の後に付ける検査。学習は更新のたびに自分で調べるので、本体だけを使う。"""

    @wraps(function)
    def boundary(*args: P.args, **kwargs: P.kwargs) -> tuple[float, Array]:
        E, g = function(*args, **kwargs)
        _check_overflow(E, g)
        return E, g

    return boundary


@checked(problem)
@np.errstate(over="ignore", invalid="ignore")
def backward(network: Network, x: Array, d: Array, loss: str) -> tuple[LayerGradient, ...]:
    r"""誤差逆伝播法。順伝播の後、出力層から入力層へ δ を伝え、層ごとの勾配を求めます。

    $$\begin{aligned}
    \delta^{(L)} &= \frac{1}{N} \frac{\partial E_n}{\partial y} \odot f'(u^{(L)}) \\
    \delta^{(l)} &= \left(\delta^{(l+1)} {W^{(l+1)}}^{\top}\right) \odot f'(u^{(l)})
    \end{aligned}$$

    出力層と誤差関数が組になるとき、出力層の δ は $\delta^{(L)} = (y - d)/N$ です。
    組は、identity と squared_error、softmax と cross_entropy、
    sigmoid と binary_cross_entropy です。

    Args:
        network: 層の組。
        x: 入力。形は (N, D_in)。
        d: 正解。形は (N, D_out)。
        loss: 誤差関数の名前。logits を取る誤差には、出力層が identity のネットワークを使います。

    Returns:
        入力に近い層から順に、層ごとの勾配。誤差はサンプルについて平均しています。

    Raises:
        TypeError: 引数の型が違うとき。
        ValueError: 形が合わないとき、NaN や無限大を含むとき、知らない誤差関数のとき、
            誤差関数が出力や正解を受け付けないとき、softmax を cross_entropy の出力層の
            ほかで使ったとき。
        FloatingPointError: 総入力、誤差、勾配のどれかがあふれたとき。

    出典:
        Rumelhart, Hinton, Williams (1986) Learning representations by back-propagating errors。
    """
    z, u = _forward(network, x)
    E, delta = _output_error(network, u[-1], d, loss)
    g, deltas = _propagate(network, z, u, delta)
    _check_overflow(E, g)
    layers = zip(_with_parameters(network, g), deltas, strict=True)
    return tuple(LayerGradient(layer.W, layer.b, delta) for layer, delta in layers)


@checked(problem)
@_finite
@np.errstate(over="ignore", invalid="ignore")
def loss_and_gradient(network: Network, x: Array, d: Array, loss: str) -> tuple[float, Array]:
    r"""平均誤差と、パラメータ全体 θ についてのその勾配。

    $$E(\theta) = \frac{1}{N} \sum_{n=1}^{N} E_n, \qquad
    g = \frac{\partial E}{\partial \theta}$$

    Args:
        network: 層の組。
        x: 入力。形は (N, D_in)。
        d: 正解。形は (N, D_out)。
        loss: 誤差関数の名前。選び方は backward と同じです。

    Returns:
        平均誤差 E と、勾配 g。g の形は (P,) で、並びは parameters と同じです。

    Raises:
        TypeError: 引数の型が違うとき。
        ValueError: 形が合わないとき、NaN や無限大を含むとき、知らない誤差関数のとき、
            誤差関数が出力や正解を受け付けないとき、softmax を cross_entropy の出力層の
            ほかで使ったとき。
        FloatingPointError: 総入力、誤差、勾配のどれかがあふれたとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.3 節。
    """
    z, u = _forward(network, x)
    E, delta = _output_error(network, u[-1], d, loss)
    g, _ = _propagate(network, z, u, delta)
    return E, g


@np.errstate(over="ignore", invalid="ignore")
def gradient_check(
    network: Network,
    x: ArrayLike,
    d: ArrayLike,
    loss: str,
    *,
    rng: np.random.Generator,
    gradient: ArrayLike | None = None,
) -> GradientCheck:
    r"""勾配検査。層とパラメータごとに、乱数で選んだ長さ 1 の向き 8 本への微分を数値微分と比べます。

    $$g^{\top} v \approx \frac{E(\theta + h v) - E(\theta - h v)}{2h}$$

    計算は float64 で行います。折れ目のある関数では、折れ目をまたいだときにも食い違います。

    Args:
        network: 層の組。
        x: 入力。形は (N, D_in)。
        d: 正解。形は (N, D_out)。
        loss: 誤差関数の名前。選び方は backward と同じです。
        rng: 向きを選ぶ乱数の源。
        gradient: 調べる勾配。形は (P,)。省略すると loss_and_gradient の勾配を調べます。

    Returns:
        最も食い違ったパラメータの名前と相対誤差、すべてのパラメータの相対誤差。

    Raises:
        TypeError: 引数の型が違うとき。
        ValueError: 形が合わないとき、NaN や無限大を含むとき、知らない誤差関数のとき、
            誤差関数が出力や正解を受け付けないとき、softmax を cross_entropy の出力層の
            ほかで使ったとき。
            θ から少し動かした点で誤差があふれたとき。
        FloatingPointError: 総入力、誤差、勾配のどれかがあふれたとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.3.3 項。
    """
    theta = parameters(network).astype(np.float64)
    network = with_parameters(network, theta)
    given = problem(network, x, d, loss)

    def E(theta: Array) -> float:
        _, u = _forward(with_parameters(network, theta), given["x"])
        return _output_error(network, u[-1], given["d"], loss)[0]

    g = loss_and_gradient(network, x, d, loss)[1] if gradient is None else gradient
    g = as_finite("gradient", g)
    check_shape("gradient", g, theta.shape)
    errors = {}
    for name, block in _blocks(network).items():
        V = _directions(theta.size, block, rng)
        errors[name] = relative_error(V @ g, [directional_derivative(E, theta, v) for v in V])
    worst = max(errors, key=lambda name: errors[name])
    return GradientCheck(worst, errors[worst], errors)


def check_target(network: Network, d: ArrayLike, loss: str) -> Array:
    """誤差関数が出力層に合うことと、d が正解になれることを確かめる。"""
    _, _, check = _LOSSES[check_choice("loss", loss, _LOSSES)]
    f = network[-1].activation
    if loss in _FROM_LOGITS and f != "identity":
        raise ValueError(f"{loss} は総入力を受け取るので出力層は identity が必要ですが {f} でした")
    return check("d", d)


# 層に入る前に検査が済んでいるので、本体だけを使う。
_trace, _with_parameters = unwrap(forward_trace), unwrap(with_parameters)


def _forward(network: Network, x: Array) -> tuple[list[Array], list[Array]]:
    """各層に入る z と、各層の総入力 u。出力層の活性化関数は、誤差関数といっしょに計算する。"""
    hidden = _trace(network[:-1], x)
    z = [x, *(layer.z for layer in hidden)]
    u = [layer.u for layer in hidden]
    return z, [*u, affine(z[-1], network[-1], len(network))]


def _output_error(network: Network, u: Array, d: Array, loss: str) -> tuple[float, Array]:
    """平均誤差 E と、出力層の δ。"""
    f, N = network[-1].activation, len(u)
    if (f, loss) in _CANONICAL:
        E, delta = _CANONICAL[f, loss](u, d)
    else:
        E_function, E_gradient, _ = _LOSSES[loss]
        y = ACTIVATIONS[f].function(u)
        E, delta = E_function(y, d), E_gradient(y, d) * _derivative(f)(u)
    return float(E.sum()) / N, delta / N


def _propagate(
    network: Network, z: list[Array], u: list[Array], delta: Array
) -> tuple[Array, list[Array]]:
    """出力層の δ から始めて、すべての層の勾配を並べた g と、層ごとの δ を求める。"""
    end = sum(layer.W.size + layer.b.size for layer in network)
    g, deltas = np.empty(end, delta.dtype), [delta]
    for i, layer in reversed(list(enumerate(network))):
        middle = end - layer.b.size
        start = middle - layer.W.size
        # 大きな配列を写さずに済むよう、g の中に直接書く。
        np.matmul(z[i].T, delta, out=g[start:middle].reshape(layer.W.shape))
        delta.sum(axis=0, out=g[middle:end])
        if i > 0:
            delta = delta @ layer.W.T * _derivative(network[i - 1].activation)(u[i - 1])
            deltas.insert(0, delta)
        end = start
    return g, deltas


def _derivative(activation: str) -> Callable[[Array], Array]:
    derivative = ACTIVATIONS[activation].derivative
    if derivative is None:
        raise ValueError(
            f"{activation} は出力層で cross_entropy と組にする必要がありますが、ほかの使い方でした"
        )
    return derivative


def _blocks(network: Network) -> dict[str, slice]:
    """θ の中で、各パラメータが占める範囲。"""
    blocks, start = {}, 0
    for number, layer in enumerate(network, start=1):
        for letter, size in (("W", layer.W.size), ("b", layer.b.size)):
            blocks[f"層 {number} の {letter}"] = slice(start, start + size)
            start += size
    return blocks


def _directions(size: int, block: slice, rng: np.random.Generator) -> Array:
    """範囲 block の中だけを動かす、長さ 1 の向き 8 本。1 本では、勾配と直交しかねない。"""
    V = np.zeros((8, size))
    V[:, block] = check_rng(rng).standard_normal(V[:, block].shape)
    unit: Array = V / np.linalg.norm(V, axis=1, keepdims=True)
    return unit
