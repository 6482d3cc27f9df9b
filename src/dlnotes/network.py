"""全結合のネットワーク。層の列として持ち、入力から出力へ順に計算します。"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import unwrap
from itertools import pairwise
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from dlnotes import activations
from dlnotes.arrays import (
    Array,
    all_finite,
    as_finite,
    as_floating_dtype,
    as_integers,
    check_choice,
    check_instance,
    check_integer,
    check_non_negative,
    check_rng,
    check_shape,
    checked,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Layer",
    "LayerTrace",
    "Network",
    "check_network",
    "forward",
    "forward_trace",
    "he_normal",
    "init_network",
    "layer_shapes",
    "parameter_count",
    "parameters",
    "plain_normal",
    "with_parameters",
    "xavier_normal",
]


@dataclass(frozen=True, slots=True)
class Activation:
    r"""活性化関数と導関数の組。

    $$z = f(u), \qquad \frac{\partial z}{\partial u} = f'(u)$$

    Attributes:
        name: 名前。
        function: f。検査の済んだ総入力 u (N, D) を、同じ形の出力にする関数。
        derivative: f′。要素ごとの導関数がないソフトマックス関数では None。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array] | None


def _register(*entries: Activation) -> Mapping[str, Activation]:
    # 層の総入力は検査が済んでいるので、関数の本体だけを使う。
    return MappingProxyType(
        {
            entry.name: Activation(
                entry.name, unwrap(entry.function), entry.derivative and unwrap(entry.derivative)
            )
            for entry in entries
        }
    )


ACTIVATIONS: Mapping[str, Activation] = _register(
    Activation("step", activations.step, activations.step_derivative),
    Activation("sigmoid", activations.sigmoid, activations.sigmoid_derivative),
    Activation("tanh", activations.tanh, activations.tanh_derivative),
    Activation("relu", activations.relu, activations.relu_derivative),
    Activation("leaky_relu", activations.leaky_relu, activations.leaky_relu_derivative),
    Activation("gelu", activations.gelu, activations.gelu_derivative),
    Activation("identity", activations.identity, activations.identity_derivative),
    Activation("softmax", activations.softmax, None),
)
"""層が名前で選べる活性化関数の一覧。"""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    r"""全結合の層。重みとバイアスで総入力を作り、活性化関数を通します。

    $$u = xW + b, \qquad z = f(u)$$

    Attributes:
        W: 重み。形は (D_in, D_out)。i 行 j 列が、入力 i からユニット j への重み。
        b: バイアス。形は (D_out,)。W と同じ dtype。
        activation: 活性化関数の名前。ACTIVATIONS にあるもの。

    Raises:
        TypeError: W や b が実数でないとき、dtype が違うとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、知らない活性化関数のとき、softmax の
            出力が 1 個のとき。

    出典:
        Rumelhart, Hinton, Williams (1986) Learning representations by back-propagating errors、
        式 (1)、(2)。
    """

    W: Array
    b: Array
    activation: str = "relu"

    def __post_init__(self) -> None:
        W, b = as_finite("W", self.W), as_finite("b", self.b)
        check_shape("W", W, ("D_in", "D_out"))
        check_shape("b", b, (W.shape[1],))
        if W.dtype != b.dtype:
            raise TypeError(f"W と b は同じ dtype が必要ですが {W.dtype} と {b.dtype} でした")
        check_choice("activation", self.activation, ACTIVATIONS)
        if self.activation == "softmax" and W.shape[1] < 2:
            raise ValueError(f"softmax の層は 2 個以上の出力が必要ですが {W.shape[1]} 個でした")
        # 凍結した後でも、リストや整数で渡された値を配列に直せるのはここだけ。
        object.__setattr__(self, "W", W)
        object.__setattr__(self, "b", b)


Network: TypeAlias = tuple[Layer, ...]
"""ネットワーク。入力に近い層から並べた Layer の組です。"""


@dataclass(frozen=True, slots=True, eq=False)
class LayerTrace:
    r"""順伝播の途中で、ある層が出した値。誤差逆伝播法で使います。

    $$u = xW + b, \qquad z = f(u)$$

    Attributes:
        u: 総入力。形は (N, D_out)。
        z: 層の出力。形は (N, D_out)。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.3.1 項。
    """

    u: Array
    z: Array


def forward(network: Network, x: ArrayLike) -> Array:
    r"""順伝播。入力を最初の層から最後の層まで通し、ネットワークの出力 y を求めます。

    $$\begin{aligned}
    z^{(0)} &= x \\
    z^{(l)} &= f^{(l)}\left(z^{(l-1)} W^{(l)} + b^{(l)}\right) \\
    y &= z^{(L)}
    \end{aligned}$$

    Args:
        network: 層の組。
        x: 入力。形は (N, D_in)。

    Returns:
        出力 y。形は (N, D_out)。

    Raises:
        TypeError: network が Layer の組でないとき、層ごとに dtype が違うとき、x が実数でないとき。
        ValueError: 形が合わないとき、x が NaN や無限大を含むとき。
        FloatingPointError: 途中の値があふれたとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """
    return forward_trace(network, x)[-1].z


def network_and_input(network: Network, x: ArrayLike) -> dict[str, Any]:
    """ネットワークと、それに合う入力であることを確かめる。"""
    check_network(network)
    x = as_finite("x", x)
    check_shape("x", x, ("N", network[0].W.shape[0]))
    # 層の dtype で表せない値は無限大になり、総入力を調べるところで、あふれたと述べて止まる。
    with np.errstate(over="ignore"):
        return {"network": network, "x": x.astype(network[0].W.dtype, copy=False)}


@checked(network_and_input)
@np.errstate(over="ignore", invalid="ignore")
def forward_trace(network: Network, x: Array) -> tuple[LayerTrace, ...]:
    r"""順伝播をして、すべての層の総入力と出力を残します。

    $$\begin{aligned}
    u^{(l)} &= z^{(l-1)} W^{(l)} + b^{(l)} \\
    z^{(l)} &= f^{(l)}(u^{(l)}) \\
    z^{(0)} &= x
    \end{aligned}$$

    計算の精度は層の dtype が決めます。x はそれに合わせます。

    Args:
        network: 層の組。
        x: 入力。形は (N, D_in)。

    Returns:
        層の数だけの LayerTrace。最後の z が出力 y。

    Raises:
        TypeError: network が Layer の組でないとき、層ごとに dtype が違うとき、x が実数でないとき。
        ValueError: 形が合わないとき、x が NaN や無限大を含むとき。
        FloatingPointError: 途中の値があふれたとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.3.1 項。
    """
    z, trace = x, list[LayerTrace]()
    for number, layer in enumerate(network, start=1):
        u = affine(z, layer, number)
        z = ACTIVATIONS[layer.activation].function(u)
        trace.append(LayerTrace(u, z))
    return tuple(trace)


def init_network(
    sizes: Sequence[int],
    *,
    activation: str = "relu",
    output_activation: str = "identity",
    initial: str | float = "he",
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Network:
    r"""層の幅の列からネットワークを作ります。重みは乱数、バイアスは 0 で始めます。

    $$W^{(l)}_{ij} \sim \mathcal{N}(0,\, s_l^2), \qquad b^{(l)}_j = 0$$

    Args:
        sizes: 入力から出力までの幅。2 個以上、各 1 以上（例: (2, 3, 2) は層が二つ）。
        activation: 中間層の活性化関数の名前。
        output_activation: 出力層の活性化関数の名前。
        initial: 重みの標準偏差 s の決め方。"he"、"xavier"、または標準偏差そのもの（0 以上）。
        rng: 乱数の源。
        dtype: 重みとバイアスの dtype。float32 か float64。

    Returns:
        len(sizes) − 1 個の層。

    Raises:
        TypeError: 幅が整数でないとき、initial が名前でも数でもないとき、rng が Generator で
            ないとき、dtype が float32 でも float64 でもないとき。
        ValueError: 幅が 2 個に満たないとき、0 以下のとき、initial が負のとき、知らない名前のとき、
            softmax の出力が 1 個のとき。

    出典:
        He, Zhang, Ren, Sun (2015) Delving Deep into Rectifiers。
        Glorot, Bengio (2010) Understanding the difficulty of training deep feedforward neural
        networks。
    """
    dtype, widths = as_floating_dtype(dtype), _widths(sizes)
    check_choice("activation", activation, ACTIVATIONS)
    check_choice("output_activation", output_activation, ACTIVATIONS)
    names = [activation] * (len(widths) - 2) + [output_activation]
    layers: list[Layer] = []
    for (d_in, d_out), name in zip(pairwise(widths), names, strict=True):
        W = _initial_weights(initial, d_in, d_out, rng).astype(dtype)
        layers.append(Layer(W, np.zeros(d_out, dtype), name))
    return tuple(layers)


def he_normal(d_in: int, d_out: int, *, rng: np.random.Generator) -> Array:
    r"""He の初期値。ReLU の層を重ねても、信号の二乗平均の期待値が変わりません。

    $$W_{ij} \sim \mathcal{N}\left(0,\, \frac{2}{D_{\mathrm{in}}}\right)$$

    Args:
        d_in: 入力の数 D_in。
        d_out: ユニットの数 D_out。
        rng: 乱数の源。

    Returns:
        重み。形は (D_in, D_out)。

    Raises:
        TypeError: 数が整数でないとき、rng が Generator でないとき。
        ValueError: 数が 0 以下のとき。

    出典:
        He, Zhang, Ren, Sun (2015) Delving Deep into Rectifiers、2.2 節の式 (10)。
    """
    d_in = check_integer("d_in", d_in, least=1)
    return plain_normal(d_in, d_out, std=math.sqrt(2 / d_in), rng=rng)


def xavier_normal(d_in: int, d_out: int, *, rng: np.random.Generator) -> Array:
    r"""Xavier の初期値。行きの信号と帰りの勾配の、両方の大きさが釣り合うようにします。

    $$W_{ij} \sim \mathcal{N}\left(0,\, \frac{2}{D_{\mathrm{in}} + D_{\mathrm{out}}}\right)$$

    Args:
        d_in: 入力の数 D_in。
        d_out: ユニットの数 D_out。
        rng: 乱数の源。

    Returns:
        重み。形は (D_in, D_out)。

    Raises:
        TypeError: 数が整数でないとき、rng が Generator でないとき。
        ValueError: 数が 0 以下のとき。

    出典:
        Glorot, Bengio (2010) Understanding the difficulty of training deep feedforward neural
        networks、式 (12)。
    """
    d_in, d_out = check_integer("d_in", d_in, least=1), check_integer("d_out", d_out, least=1)
    return plain_normal(d_in, d_out, std=math.sqrt(2 / (d_in + d_out)), rng=rng)


def plain_normal(d_in: int, d_out: int, *, std: float, rng: np.random.Generator) -> Array:
    r"""標準偏差を自分で決める正規乱数の初期値。

    $$W_{ij} \sim \mathcal{N}(0,\, s^2)$$

    Args:
        d_in: 入力の数 D_in。
        d_out: ユニットの数 D_out。
        std: 標準偏差 s。0 以上。
        rng: 乱数の源。

    Returns:
        重み。形は (D_in, D_out)、float64。

    Raises:
        TypeError: d_in や d_out が整数でないとき、std が数でないとき、rng が Generator でないとき。
        ValueError: d_in や d_out が 0 以下のとき、std が負のとき。

    出典:
        LeCun, Bottou, Orr, Müller (1998) Efficient BackProp、4.6 節。
    """
    shape = check_integer("d_in", d_in, least=1), check_integer("d_out", d_out, least=1)
    return check_non_negative("std", std) * check_rng(rng).standard_normal(shape)


def parameter_count(network: Network) -> int:
    r"""学習で決める数（重みとバイアス）の個数。

    $$P = \sum_{l=1}^{L} \left(D_{l-1} D_l + D_l\right)$$

    $D_l$ は層 $l$ の幅で、$D_0$ は入力の数です。

    Args:
        network: 層の組。

    Returns:
        個数 P。

    Raises:
        TypeError: network が Layer の組でないとき、層ごとに dtype が違うとき。
        ValueError: network が空のとき、隣り合う層の幅が合わないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """
    check_network(network)
    return sum(layer.W.size + layer.b.size for layer in network)


def parameters(network: Network) -> Array:
    r"""すべての重みとバイアスを、一本のベクトル θ に並べます。

    $$\theta = \left(W^{(1)}, b^{(1)}, W^{(2)}, b^{(2)}, \ldots, W^{(L)}, b^{(L)}\right)$$

    W は行ごとに読みます。

    Args:
        network: 層の組。

    Returns:
        θ。形は (P,)。新しい配列。

    Raises:
        TypeError: network が Layer の組でないとき、層ごとに dtype が違うとき。
        ValueError: network が空のとき、隣り合う層の幅が合わないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """
    check_network(network)
    return np.concatenate([part.ravel() for layer in network for part in (layer.W, layer.b)])


def _network_and_parameters(network: Network, theta: ArrayLike) -> dict[str, Any]:
    theta = as_finite("theta", theta)
    check_shape("theta", theta, (parameter_count(network),))
    return {"network": network, "theta": theta}


@checked(_network_and_parameters)
def with_parameters(network: Network, theta: Array) -> Network:
    r"""ベクトル θ を重みとバイアスに分けて、同じ形のネットワークにします。parameters の逆です。

    $$\left(W^{(1)}, b^{(1)}, \ldots, W^{(L)}, b^{(L)}\right) = \theta$$

    Args:
        network: 形と活性化関数の手本。値は使いません。
        theta: パラメータ θ。形は (P,)。

    Returns:
        新しいネットワーク。dtype は θ に合わせます。θ が float32 か float64 の配列なら、
            重みはその一部を指し、複製しません。

    Raises:
        TypeError: network が Layer の組でないとき、層ごとに dtype が違うとき、theta が
            実数でないとき。
        ValueError: 長さが P でないとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """
    layers: list[Layer] = []
    start = 0
    for layer in network:
        middle = start + layer.W.size
        end = middle + layer.b.size
        W = theta[start:middle].reshape(layer.W.shape)
        layers.append(_trusted_layer(W, theta[middle:end], layer.activation))
        start = end
    return tuple(layers)


def layer_shapes(network: Network) -> tuple[tuple[int, int], ...]:
    r"""各層の重みの形。

    $$W^{(l)} \in \mathbb{R}^{D_{l-1} \times D_l}$$

    $D_l$ は層 $l$ の幅で、$D_0$ は入力の数です。

    Args:
        network: 層の組。

    Returns:
        層ごとの (D_in, D_out)。

    Raises:
        TypeError: network が Layer の組でないとき、層ごとに dtype が違うとき。
        ValueError: network が空のとき、隣り合う層の幅が合わないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """
    check_network(network)
    return tuple((layer.W.shape[0], layer.W.shape[1]) for layer in network)


def check_network(network: Network) -> None:
    r"""層が一つ以上あり、隣り合う層の幅と dtype が合うことを確かめます。

    $$D_{\mathrm{out}}^{(l)} = D_{\mathrm{in}}^{(l+1)}$$

    Args:
        network: 層の組。

    Raises:
        TypeError: Layer の組でないとき、層ごとに dtype が違うとき。
        ValueError: 空のとき、幅が合わないとき。

    出典:
        本サイトの「記法」。
    """
    if not isinstance(network, tuple):
        raise TypeError(
            f"network は Layer の組（tuple）が必要ですが {type(network).__name__} でした"
        )
    for number, layer in enumerate(network, start=1):
        check_instance(f"network の層 {number}", layer, Layer)
    if not network:
        raise ValueError("network は 1 個以上の層が必要ですが 0 個でした")
    for number, (left, right) in enumerate(pairwise(network), start=1):
        pair = f"層 {number} と層 {number + 1}"
        if left.W.shape[1] != right.W.shape[0]:
            raise ValueError(
                f"{pair} は出力と入力の数が同じである必要がありますが"
                f" {left.W.shape[1]} と {right.W.shape[0]} でした"
            )
        if left.W.dtype != right.W.dtype:
            raise TypeError(
                f"{pair} は同じ dtype が必要ですが {left.W.dtype} と {right.W.dtype} でした"
            )


def affine(z: Array, layer: Layer, number: int) -> Array:
    """検査の済んだ z から求める、層の総入力 u = zW + b。あふれたら理由を述べて止める。"""
    u: Array = z @ layer.W
    u += layer.b
    if not all_finite(u):
        raise FloatingPointError(
            f"層 {number} の総入力 u があふれました。"
            "学習率や初期値、入力の大きさが大きすぎないか確かめてください"
        )
    return u


def _trusted_layer(W: Array, b: Array, activation: str) -> Layer:
    """検査の済んだ値から、検査を繰り返さずに作る層。"""
    layer = object.__new__(Layer)
    object.__setattr__(layer, "W", W)
    object.__setattr__(layer, "b", b)
    object.__setattr__(layer, "activation", activation)
    return layer


def _widths(sizes: Sequence[int]) -> list[int]:
    widths = as_integers("sizes", sizes)
    check_shape("sizes", widths, ("L",))
    if widths.size < 2 or widths.min() < 1:
        raise ValueError(
            f"sizes は 1 以上の幅が 2 個以上必要ですが {tuple(widths.tolist())} でした"
        )
    return [int(width) for width in widths]


_INITIALISERS = {"he": he_normal, "xavier": xavier_normal}


def _initial_weights(
    initial: str | float, d_in: int, d_out: int, rng: np.random.Generator
) -> Array:
    if isinstance(initial, str):
        name = check_choice("initial", initial, _INITIALISERS)
        return _INITIALISERS[name](d_in, d_out, rng=rng)
    return plain_normal(d_in, d_out, std=check_non_negative("initial", initial), rng=rng)
