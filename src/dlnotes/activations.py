"""活性化関数と、その導関数。

導関数 `*_derivative` は、どれも総入力 u の関数 f′(u) です（f の出力 z の関数ではありません）。
折れ目や段差のある関数では、u = 0 をいつも「0 より大きくない側」に入れます。
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.arrays import (
    Array,
    as_finite,
    as_floating,
    check_non_negative,
    check_positive,
    check_shape,
    checked,
)

__all__ = [
    "gelu",
    "gelu_derivative",
    "identity",
    "identity_derivative",
    "leaky_relu",
    "leaky_relu_derivative",
    "log_softmax",
    "relu",
    "relu_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
    "softmax_jacobian",
    "step",
    "step_derivative",
    "tanh",
    "tanh_derivative",
]


# 関数の前に付ける検査。どれも、検査の済んだ引数を名前ごとに返す。


def _real(u: ArrayLike) -> dict[str, Any]:
    return {"u": as_floating("u", u)}


def _finite(u: ArrayLike) -> dict[str, Any]:
    return {"u": as_finite("u", u)}


def _real_and_slope(u: ArrayLike, *, negative_slope: float = 0.01) -> dict[str, Any]:
    u = as_floating("u", u)
    slope = check_non_negative("negative_slope", negative_slope)
    with np.errstate(over="ignore"):
        as_finite("negative_slope", u.dtype.type(slope))
    return {"u": u, "negative_slope": slope}


def _classes(u: ArrayLike, *, temperature: float = 1.0) -> dict[str, Any]:
    u = as_finite("u", u)
    check_shape("u", u, ("K",), ("N", "K"))
    if u.shape[-1] < 2:
        raise ValueError(f"u は 2 個以上のクラスが必要ですが {u.shape} でした")
    T = check_positive("temperature", temperature)
    with np.errstate(over="ignore"):
        if not 0 < u.dtype.type(T) < np.inf:
            raise ValueError(f"temperature は {u.dtype} で表せる正の数が必要ですが {T:g} でした")
    return {"u": u, "temperature": T}


def _one_sample(u: ArrayLike) -> dict[str, Any]:
    u = as_finite("u", u)
    check_shape("u", u, ("K",))
    return {"u": u}


@checked(_real)
def step(u: Array) -> Array:
    r"""ステップ関数。総入力が 0 を超えたら 1、そうでなければ 0 を出します。

    $$f(u) = \begin{cases} 1 & (u > 0) \\ 0 & (u \le 0) \end{cases}$$

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値は 0 か 1。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        McCulloch, Pitts (1943) A logical calculus of the ideas immanent in nervous activity。
    """
    return (u > 0).astype(u.dtype)


@checked(_real)
def step_derivative(u: Array) -> Array:
    r"""ステップ関数の導関数。0 なので、この層とその前の層の重みは、勾配降下法では学習できません。

    $$f'(u) = 0$$

    u = 0 では微分できませんが、ここでは 0 とします。

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値はすべて 0。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Goodfellow, Bengio, Courville (2016) Deep Learning、4.3 節（勾配による最適化）。
    """
    return np.zeros_like(u)


@checked(_real)
def sigmoid(u: Array) -> Array:
    r"""シグモイド関数。総入力を 0 から 1 までのなめらかな値に変えます。

    $$\sigma(u) = \frac{1}{1 + e^{-u}} = \frac{e^{u}}{1 + e^{u}}$$

    指数がいつも 0 以下になるほうの式を選ぶので、u の絶対値がどれほど大きくてもあふれません。

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値は 0 以上 1 以下。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Rumelhart, Hinton, Williams (1986) Learning representations by back-propagating errors、
        式 (2)。
    """
    e = np.exp(-np.abs(u))
    z: Array = np.where(u > 0, 1, e) / (1 + e)
    return z


@checked(_real)
def sigmoid_derivative(u: Array) -> Array:
    r"""シグモイド関数の導関数。u = 0 で最大の 1/4 になります。

    $$\sigma'(u) = \sigma(u)\,(1 - \sigma(u)) = \sigma(u)\,\sigma(-u)$$

    右の形で計算すると、u が大きいときも、$1 - \sigma(u)$ の引き算で有効な桁が失われません。

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値は 0 以上 1/4 以下。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.88)。
    """
    return sigmoid(u) * sigmoid(-u)


@checked(_real)
def tanh(u: Array) -> Array:
    r"""双曲線正接関数（tanh）。0 を中心に −1 から 1 までの値を出します。

    $$\tanh(u) = \frac{e^{u} - e^{-u}}{e^{u} + e^{-u}} = 2\sigma(2u) - 1$$

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値は −1 以上 1 以下。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        LeCun, Bottou, Orr, Müller (1998) Efficient BackProp、4.4 節。
    """
    return np.tanh(u)


@checked(_real)
def tanh_derivative(u: Array) -> Array:
    r"""双曲線正接関数（tanh）の導関数。u = 0 で最大の 1 になります。

    $$\tanh'(u) = 1 - \tanh^2(u)$$

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値は 0 以上 1 以下。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.3.2 項。
    """
    return 1 - np.tanh(u) ** 2


@checked(_real)
def relu(u: Array) -> Array:
    r"""正規化線形関数（ReLU）。正の総入力だけをそのまま通します。

    $$f(u) = \max(u, 0)$$

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値は 0 以上。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Nair, Hinton (2010) Rectified Linear Units Improve Restricted Boltzmann Machines。
        Glorot, Bordes, Bengio (2011) Deep Sparse Rectifier Neural Networks。
    """
    return np.maximum(u, 0)


@checked(_real)
def relu_derivative(u: Array) -> Array:
    r"""ReLU の導関数。正の側で 1、それ以外で 0 です。

    $$f'(u) = \begin{cases} 1 & (u > 0) \\ 0 & (u \le 0) \end{cases}$$

    u = 0 では微分できませんが、ここでは 0 とします。

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値は 0 か 1。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Goodfellow, Bengio, Courville (2016) Deep Learning、6.3 節。
    """
    return (u > 0).astype(u.dtype)


@checked(_real_and_slope)
def leaky_relu(u: Array, *, negative_slope: float = 0.01) -> Array:
    r"""Leaky ReLU。負の側にもわずかな傾き α を残し、ユニットを死ににくくします。

    $$f(u) = \begin{cases} u & (u > 0) \\ \alpha u & (u \le 0) \end{cases}$$

    Args:
        u: 総入力。形は任意。
        negative_slope: 負の側の傾き α。0 以上。

    Returns:
        u と同じ形。

    Raises:
        TypeError: u や negative_slope が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき、negative_slope が負のとき。

    出典:
        Maas, Hannun, Ng (2013) Rectifier Nonlinearities Improve Neural Network Acoustic Models。
    """
    if u.dtype.type(negative_slope) == 0:
        return np.maximum(u, 0)  # 0 × (−∞) は NaN になる。
    return u * leaky_relu_derivative(u, negative_slope=negative_slope)


@checked(_real_and_slope)
def leaky_relu_derivative(u: Array, *, negative_slope: float = 0.01) -> Array:
    r"""Leaky ReLU の導関数。

    $$f'(u) = \begin{cases} 1 & (u > 0) \\ \alpha & (u \le 0) \end{cases}$$

    u = 0 では微分できませんが、ここでは α とします。

    Args:
        u: 総入力。形は任意。
        negative_slope: 負の側の傾き α。0 以上。

    Returns:
        u と同じ形。値は 1 か α。

    Raises:
        TypeError: u や negative_slope が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき、negative_slope が負のとき。

    出典:
        Maas, Hannun, Ng (2013) Rectifier Nonlinearities Improve Neural Network Acoustic Models。
    """
    return np.where(u > 0, 1, u.dtype.type(negative_slope))


@checked(_finite)
def gelu(u: Array) -> Array:
    r"""GELU。総入力に、標準正規分布の累積分布関数 Φ を掛けます。

    $$\begin{aligned}
    f(u) &= u\,\Phi(u) \\
    \Phi(u) &= \frac{1}{2}\,\mathrm{erfc}\left(-\frac{u}{\sqrt{2}}\right)
    \end{aligned}$$

    tanh による近似ではなく、正確な式です。

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN や無限大を含むとき。

    出典:
        Hendrycks, Gimpel (2016) Gaussian Error Linear Units (GELUs)、2 節。
    """
    return u * _normal_cdf(u)


@checked(_finite)
def gelu_derivative(u: Array) -> Array:
    r"""GELU の導関数。φ は標準正規分布の密度です。

    $$\begin{aligned}
    f'(u) &= \Phi(u) + u\,\varphi(u) \\
    \varphi(u) &= \frac{1}{\sqrt{2\pi}}\,e^{-u^2/2}
    \end{aligned}$$

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN や無限大を含むとき。

    出典:
        Hendrycks, Gimpel (2016) Gaussian Error Linear Units (GELUs)、2 節の式を微分したもの。
    """
    with np.errstate(over="ignore"):
        density = np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    return _normal_cdf(u) + u * density


@checked(_real)
def identity(u: Array) -> Array:
    r"""恒等写像。回帰の出力層で、総入力をそのまま予測値にします。

    $$f(u) = u$$

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。float32 か float64 の配列なら、u そのもの（複製しません）。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """
    return u


@checked(_real)
def identity_derivative(u: Array) -> Array:
    r"""恒等写像の導関数。どこでも 1 です。

    $$f'(u) = 1$$

    Args:
        u: 総入力。形は任意。

    Returns:
        u と同じ形。値はすべて 1。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u が空のとき、NaN を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.1 節。
    """
    return np.ones_like(u)


@checked(_classes)
@np.errstate(over="ignore")  # 差が −∞ にあふれても、確率は正しく 0 になる。
def softmax(u: Array, *, temperature: float = 1.0) -> Array:
    r"""ソフトマックス関数。K 個の総入力を、和が 1 の確率に変えます。

    $$\begin{aligned}
    y_k &= \frac{e^{u_k / T}}{\sum_{j=1}^{K} e^{u_j / T}} \\
    &= \frac{e^{(u_k - m) / T}}{\sum_{j=1}^{K} e^{(u_j - m) / T}}, \quad m = \max_j u_j
    \end{aligned}$$

    最大値 m を引いても値は変わらず、指数がいつも 0 以下になるのであふれません。

    Args:
        u: 総入力。形は (K,) か (N, K)、K は 2 以上。
        temperature: 温度 T。u の dtype で表せる正の数。大きいほど一様に近づき、小さいほど最大の
            ものに確率が集まります。

    Returns:
        u と同じ形の確率。各行の和は 1。

    Raises:
        TypeError: u や temperature が実数でないとき。
        ValueError: u の形が違うとき、K が 1 のとき、NaN や無限大を含むとき、温度が正でないとき。

    出典:
        Bridle (1990) Probabilistic Interpretation of Feedforward Classification Network Outputs,
        with Relationships to Statistical Pattern Recognition。
        温度は Hinton, Vinyals, Dean (2015) Distilling the Knowledge in a Neural Network、式 (1)。
    """
    e = np.exp((u - u.max(axis=-1, keepdims=True)) / temperature)
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


@checked(_classes)
@np.errstate(over="ignore")
def log_softmax(u: Array, *, temperature: float = 1.0) -> Array:
    r"""ソフトマックス関数の対数。確率が 0 に丸められるほど小さくても、対数は正しく求まります。

    $$\begin{aligned}
    \log y_k &= \frac{u_k - m}{T} - \log \sum_{j=1}^{K} e^{(u_j - m) / T} \\
    m &= \max_j u_j
    \end{aligned}$$

    Args:
        u: 総入力。形は (K,) か (N, K)、K は 2 以上。
        temperature: 温度 T。u の dtype で表せる正の数。

    Returns:
        u と同じ形の対数確率。値は 0 以下。

    Raises:
        TypeError: u や temperature が実数でないとき。
        ValueError: u の形が違うとき、K が 1 のとき、NaN や無限大を含むとき、温度が正でないとき。

    出典:
        Blanchard, Higham, Higham (2021) Accurately computing the log-sum-exp and softmax
        functions。
    """
    v = (u - u.max(axis=-1, keepdims=True)) / temperature
    log_y: Array = v - np.log(np.exp(v).sum(axis=-1, keepdims=True))
    return log_y


@checked(_one_sample)
def softmax_jacobian(u: Array) -> Array:
    r"""ソフトマックス関数のヤコビ行列。どの出力も、すべての総入力に左右されます。

    $$\frac{\partial y_k}{\partial u_j} = y_k\,(\delta_{kj} - y_j)$$

    δ はクロネッカーのデルタ（k = j なら 1、ほかは 0）です。

    Args:
        u: 一つのサンプルの総入力。形は (K,)、K は 2 以上。

    Returns:
        形 (K, K)。k 行 j 列が、出力 k を総入力 j で微分した値。

    Raises:
        TypeError: u が実数でないとき。
        ValueError: u の形が違うとき、K が 1 のとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.106)。
    """
    y = softmax(u)
    return np.diag(y) - np.outer(y, y)


def _normal_cdf(u: Array) -> Array:
    """標準正規分布の累積分布関数 Φ。erfc を使うと、負の裾でも桁落ちしません。"""
    erfc = np.vectorize(math.erfc, otypes=[np.float64])
    cdf: Array = erfc(-u / math.sqrt(2)).astype(u.dtype) / 2
    return cdf
