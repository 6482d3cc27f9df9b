"""誤差関数と、その勾配。

どの関数も、出力が先、正解が後です。サンプルごとに一つの値を返し、平均は呼ぶ側が取ります。
形 (K,) は一つのサンプル、形 (N, K) は N 個のサンプルです。計算の精度は出力の dtype が決めます。
"""

from inspect import unwrap

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.activations import log_softmax, sigmoid, softmax
from dlnotes.arrays import (
    Array,
    as_distribution,
    as_finite,
    as_unit_interval,
    check_positive,
    check_same_shape,
    check_shape,
)

__all__ = [
    "absolute_error",
    "absolute_error_gradient",
    "binary_cross_entropy",
    "binary_cross_entropy_gradient",
    "cross_entropy",
    "cross_entropy_gradient",
    "entropy",
    "huber",
    "huber_gradient",
    "kl_divergence",
    "sigmoid_binary_cross_entropy",
    "sigmoid_binary_cross_entropy_gradient",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "squared_error",
    "squared_error_gradient",
]


def squared_error(y: ArrayLike, d: ArrayLike) -> Array:
    r"""二乗誤差。½ は、微分したときに出る 2 を消すために付けます。

    $$E = \frac{1}{2} \lVert y - d \rVert^2 = \frac{1}{2} \sum_{k} (y_k - d_k)^2$$

    Args:
        y: 出力。形は (K,) か (N, K)。
        d: 正解。y と同じ形。

    Returns:
        サンプルごとの誤差。形は () か (N,)。

    Raises:
        TypeError: y や d が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (5.11)。
    """
    y, d = _output_and_target(y, d)
    E: Array = ((y - d) ** 2).sum(axis=-1) / 2
    return E


def squared_error_gradient(y: ArrayLike, d: ArrayLike) -> Array:
    r"""二乗誤差の、出力についての勾配。

    $$\frac{\partial E}{\partial y_k} = y_k - d_k$$

    Args:
        y: 出力。形は (K,) か (N, K)。
        d: 正解。y と同じ形。

    Returns:
        y と同じ形。サンプルごとの勾配で、平均していません。

    Raises:
        TypeError: y や d が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、5.2 節。
    """
    y, d = _output_and_target(y, d)
    return y - d


def absolute_error(y: ArrayLike, d: ArrayLike) -> Array:
    r"""絶対誤差。二乗誤差よりも、外れ値に引きずられません。

    $$E = \sum_{k} \lvert y_k - d_k \rvert$$

    Args:
        y: 出力。形は (K,) か (N, K)。
        d: 正解。y と同じ形。

    Returns:
        サンプルごとの誤差。形は () か (N,)。

    Raises:
        TypeError: y や d が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        Huber (1964) Robust Estimation of a Location Parameter。
    """
    y, d = _output_and_target(y, d)
    E: Array = np.abs(y - d).sum(axis=-1)
    return E


def absolute_error_gradient(y: ArrayLike, d: ArrayLike) -> Array:
    r"""絶対誤差の、出力についての勾配。誤差の大きさによらず ±1 です。

    $$\frac{\partial E}{\partial y_k} = \mathrm{sign}(y_k - d_k)$$

    $y_k = d_k$ では微分できませんが、ここでは 0 とします。

    Args:
        y: 出力。形は (K,) か (N, K)。
        d: 正解。y と同じ形。

    Returns:
        y と同じ形。値は −1、0、1 のどれか。

    Raises:
        TypeError: y や d が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        Huber (1964) Robust Estimation of a Location Parameter。
    """
    y, d = _output_and_target(y, d)
    return np.sign(y - d)


def huber(y: ArrayLike, d: ArrayLike, *, delta: float = 1.0) -> Array:
    r"""Huber 誤差。小さな誤差には二乗誤差、大きな誤差には絶対誤差のように働きます。

    $$\begin{aligned}
    E &= \sum_{k} h(y_k - d_k) \\
    h(e) &= \begin{cases} \frac{1}{2} e^2 & (\lvert e \rvert \le \delta) \\
    \delta \left(\lvert e \rvert - \frac{1}{2} \delta\right) & (\lvert e \rvert > \delta)
    \end{cases}
    \end{aligned}$$

    二つの式は、$c = \min(\lvert e \rvert, \delta)$ と置くと、
    $c\left(\lvert e \rvert - \frac{1}{2} c\right)$ の一つになります。

    Args:
        y: 出力。形は (K,) か (N, K)。
        d: 正解。y と同じ形。
        delta: 二つの式の境目 δ。正の数、単位は y と同じ。

    Returns:
        サンプルごとの誤差。形は () か (N,)。

    Raises:
        TypeError: y や d や delta が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、delta が正でないとき。

    出典:
        Huber (1964) Robust Estimation of a Location Parameter。
    """
    y, d = _output_and_target(y, d)
    e = np.abs(y - d)
    c = np.minimum(e, _threshold(delta, y))
    E: Array = (c * (e - c / 2)).sum(axis=-1)
    return E


def huber_gradient(y: ArrayLike, d: ArrayLike, *, delta: float = 1.0) -> Array:
    r"""Huber 誤差の、出力についての勾配。二乗誤差の勾配を ±δ で頭打ちにしたものです。

    $$\frac{\partial E}{\partial y_k} = \max(-\delta,\, \min(\delta,\, y_k - d_k))$$

    Args:
        y: 出力。形は (K,) か (N, K)。
        d: 正解。y と同じ形。
        delta: 二つの式の境目 δ。正の数、単位は y と同じ。

    Returns:
        y と同じ形。値は −δ 以上 δ 以下。

    Raises:
        TypeError: y や d や delta が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、delta が正でないとき。

    出典:
        Huber (1964) Robust Estimation of a Location Parameter。
    """
    y, d = _output_and_target(y, d)
    delta = _threshold(delta, y)
    return np.clip(y - d, -delta, delta)


def cross_entropy(probabilities: ArrayLike, labels: ArrayLike) -> Array:
    r"""確率から求める交差エントロピー。正解のクラスに高い確率を付けるほど小さくなります。

    $$E = -\sum_{k=1}^{K} d_k \log y_k, \qquad 0 \log 0 = 0$$

    正解のクラスに付けた確率が 0 のときは無限大です。

    Args:
        probabilities: 出力の確率 y。形は (K,) か (N, K)、各行の和は 1。
        labels: 正解 d。同じ形、各行の和は 1（one-hot でなくてもかまいません）。

    Returns:
        サンプルごとの誤差。形は () か (N,)。0 以上。正解が one-hot なら、完全な予測でちょうど 0。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、K が 1 のとき、行が確率分布でないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.108)。
    """
    y, d = _distributions(probabilities, labels)
    E: Array = _minus_x_log(d, y).sum(axis=-1)
    return E


def cross_entropy_gradient(probabilities: ArrayLike, labels: ArrayLike) -> Array:
    r"""交差エントロピーの、確率についての勾配。

    $$\frac{\partial E}{\partial y_k} = -\frac{d_k}{y_k}, \qquad \frac{0}{0} = 0$$

    正解のクラスに付けた確率が 0 のとき、そのクラスの成分は負の無限大です。

    Args:
        probabilities: 出力の確率 y。形は (K,) か (N, K)、各行の和は 1。
        labels: 正解 d。同じ形、各行の和は 1。

    Returns:
        probabilities と同じ形。サンプルごとの勾配で、平均していません。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、K が 1 のとき、行が確率分布でないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.108) を微分したもの。
    """
    y, d = _distributions(probabilities, labels)
    return _ratio(-d, y)


def softmax_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> Array:
    r"""ソフトマックス関数と交差エントロピーを一つにしたもの。

    $$\begin{aligned}
    E &= -\sum_{k=1}^{K} d_k \log \mathrm{softmax}(u)_k \\
    &= \log \sum_{j=1}^{K} e^{u_j} - \sum_{k=1}^{K} d_k u_k
    \end{aligned}$$

    対数を先に取るので、確率が 0 に丸められる u でも、値は正しく求まります。

    Args:
        logits: 出力層の総入力 u。形は (K,) か (N, K)。
        labels: 正解 d。同じ形、各行の和は 1。

    Returns:
        サンプルごとの誤差。形は () か (N,)。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、K が 1 のとき、logits が NaN や無限大を含むとき、
            labels の行が確率分布でないとき。

    出典:
        Blanchard, Higham, Higham (2021) Accurately computing the log-sum-exp and softmax
        functions。
    """
    u, d = _logits_and_labels(logits, labels)
    return _expected_surprise(d, log_softmax(u))


def softmax_cross_entropy_gradient(logits: ArrayLike, labels: ArrayLike) -> Array:
    r"""ソフトマックス関数と交差エントロピーの、総入力についての勾配。出力と正解の差になります。

    $$\frac{\partial E}{\partial u_k} = y_k - d_k, \qquad y = \mathrm{softmax}(u)$$

    Args:
        logits: 出力層の総入力 u。形は (K,) か (N, K)。
        labels: 正解 d。同じ形、各行の和は 1。

    Returns:
        logits と同じ形。サンプルごとの勾配で、平均していません。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、K が 1 のとき、logits が NaN や無限大を含むとき、
            labels の行が確率分布でないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.109)。
    """
    u, d = _logits_and_labels(logits, labels)
    return softmax(u) - d


def binary_cross_entropy(probabilities: ArrayLike, labels: ArrayLike) -> Array:
    r"""確率から求める二値の交差エントロピー。

    $$\begin{aligned}
    E &= -d \log y - (1 - d) \log (1 - y) \\
    0 \log 0 &= 0
    \end{aligned}$$

    形 (N, M) は、独立な M 個の二値の問題（マルチラベル）とみて足し合わせます。
    正解が 1 で y が 0 のときと、正解が 0 で y が 1 のときは、無限大です。

    Args:
        probabilities: クラス 1 の確率 y。0 以上 1 以下。形は (N,) か (N, M)。
        labels: 正解 d。0 以上 1 以下。同じ形。

    Returns:
        サンプルごとの誤差。形は (N,)。0 以上。正解が 0 か 1 なら、完全な予測でちょうど 0。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、0 から 1 までの外の値があるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.90)。
    """
    y, d = _binary_probabilities(probabilities, labels)
    return _sum_over_labels(_minus_x_log(d, y) + _minus_x_log(1 - d, 1 - y))


def binary_cross_entropy_gradient(probabilities: ArrayLike, labels: ArrayLike) -> Array:
    r"""二値の交差エントロピーの、確率についての勾配。

    $$\frac{\partial E}{\partial y} = -\frac{d}{y} + \frac{1 - d}{1 - y}, \qquad \frac{0}{0} = 0$$

    正解が 1 で y が 0 なら負の無限大、正解が 0 で y が 1 なら正の無限大です。

    Args:
        probabilities: クラス 1 の確率 y。0 以上 1 以下。形は (N,) か (N, M)。
        labels: 正解 d。0 以上 1 以下。同じ形。

    Returns:
        probabilities と同じ形。サンプルごとの勾配で、平均していません。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、0 から 1 までの外の値があるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.90) を微分したもの。
    """
    y, d = _binary_probabilities(probabilities, labels)
    return _ratio(-d, y) + _ratio(1 - d, 1 - y)


def sigmoid_binary_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> Array:
    r"""シグモイド関数と二値の交差エントロピーを一つにしたもの。

    $$\begin{aligned}
    E &= \log(1 + e^{u}) - d u \\
    &= \max(u, 0) - d u + \log\left(1 + e^{-\lvert u \rvert}\right)
    \end{aligned}$$

    下の形は、u がどれほど大きくてもあふれません。

    Args:
        logits: 出力層の総入力 u。形は (N,) か (N, M)。
        labels: 正解 d。0 以上 1 以下。同じ形。

    Returns:
        サンプルごとの誤差。形は (N,)。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、logits が NaN や無限大を含むとき、
            labels に 0 から 1 までの外の値があるとき。

    出典:
        Goodfellow, Bengio, Courville (2016) Deep Learning、6.2.2.2 目。
    """
    u, d = _binary_logits(logits, labels)
    return _sum_over_labels(np.maximum(u, 0) - d * u + np.log1p(np.exp(-np.abs(u))))


def sigmoid_binary_cross_entropy_gradient(logits: ArrayLike, labels: ArrayLike) -> Array:
    r"""シグモイド関数と二値の交差エントロピーの、総入力についての勾配。

    $$\frac{\partial E}{\partial u} = y - d, \qquad y = \sigma(u)$$

    Args:
        logits: 出力層の総入力 u。形は (N,) か (N, M)。
        labels: 正解 d。0 以上 1 以下。同じ形。

    Returns:
        logits と同じ形。サンプルごとの勾配で、平均していません。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、logits が NaN や無限大を含むとき、
            labels に 0 から 1 までの外の値があるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.91)。
    """
    u, d = _binary_logits(logits, labels)
    return sigmoid(u) - d


def entropy(probabilities: ArrayLike) -> Array:
    r"""エントロピー。結果がどれほど予想しにくいかを表します。一様なとき最大の log K です。

    $$H(p) = -\sum_{k=1}^{K} p_k \log p_k, \qquad 0 \log 0 = 0$$

    Args:
        probabilities: 確率 p。形は (K,) か (N, K)、各行の和は 1。

    Returns:
        行ごとのエントロピー。形は () か (N,)。単位はナット（自然対数）。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、K が 1 のとき、行が確率分布でないとき。

    出典:
        Shannon (1948) A Mathematical Theory of Communication、6 節。
    """
    p = as_distribution("probabilities", probabilities)
    H: Array = _minus_x_log(p, p).sum(axis=-1)
    return H


def kl_divergence(p: ArrayLike, q: ArrayLike) -> Array:
    r"""KL ダイバージェンス。本当は p なのに q で予測したときの損で、等しいときだけ 0 になります。

    $$D_{\mathrm{KL}}(p \,\Vert\, q) = \sum_{k=1}^{K} p_k \log \frac{p_k}{q_k}$$

    $p_k = 0$ の項は 0 とします。

    p が正で q が 0 のクラスがあれば無限大です。

    Args:
        p: 確率 p（正解の側）。形は (K,) か (N, K)、各行の和は 1。
        q: 確率 q（予測の側）。同じ形、各行の和は 1。

    Returns:
        行ごとの値。形は () か (N,)。単位はナット（自然対数）。

    Raises:
        TypeError: 引数が実数でないとき。
        ValueError: 形が違うとき、K が 1 のとき、行が確率分布でないとき。

    出典:
        Kullback, Leibler (1951) On Information and Sufficiency。
    """
    p, q = as_distribution("p", p), as_distribution("q", q)
    check_same_shape(("p", "q"), p, q)
    p = p.astype(q.dtype, copy=False)
    D: Array = (_minus_x_log(p, q) - _minus_x_log(p, p)).sum(axis=-1)
    return np.maximum(D, 0, dtype=D.dtype)  # 丸めでわずかに負になることを防ぐ。


# 次の三つは、検査の済んだ u と d から、誤差とその勾配 y − d を一度に求める。
# 途中の値を使い回すほかは、どれも上の二つの関数と同じ式である。
_log_softmax = unwrap(log_softmax)


def identity_squared_error(u: Array, d: Array) -> tuple[Array, Array]:
    """二乗誤差と、その u についての勾配。"""
    return squared_error(u, d), u - d


def softmax_and_cross_entropy(u: Array, d: Array) -> tuple[Array, Array]:
    """softmax_cross_entropy と、その u についての勾配。"""
    log_y = _log_softmax(u)
    return _expected_surprise(d, log_y), np.exp(log_y) - d


def sigmoid_and_binary_cross_entropy(u: Array, d: Array) -> tuple[Array, Array]:
    """sigmoid_binary_cross_entropy と、その u についての勾配。"""
    return sigmoid_binary_cross_entropy(u, d), sigmoid(u) - d


def _expected_surprise(d: Array, log_y: Array) -> Array:
    """−Σ d log y。0·log 0 = 0 とする。"""
    E: Array = np.vecdot(d, np.where(d > 0, -log_y, 0))
    return E


def _output_and_target(y: ArrayLike, d: ArrayLike) -> tuple[Array, Array]:
    y, d = as_finite("y", y), as_finite("d", d)
    check_shape("y", y, ("K",), ("N", "K"))
    check_same_shape(("y", "d"), y, d)
    return y, d.astype(y.dtype, copy=False)


def _distributions(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    y = as_distribution("probabilities", probabilities)
    d = as_distribution("labels", labels)
    check_same_shape(("probabilities", "labels"), y, d)
    return y, d.astype(y.dtype, copy=False)


def _logits_and_labels(logits: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    u, d = as_finite("logits", logits), as_distribution("labels", labels)
    check_same_shape(("logits", "labels"), u, d)
    return u, d.astype(u.dtype, copy=False)


def _binary_probabilities(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    y, d = _binary_logits(probabilities, labels, name="probabilities")
    return as_unit_interval("probabilities", y), d


def _binary_logits(
    logits: ArrayLike, labels: ArrayLike, *, name: str = "logits"
) -> tuple[Array, Array]:
    u, d = as_finite(name, logits), as_unit_interval("labels", labels)
    check_shape(name, u, ("N",), ("N", "M"))
    check_same_shape((name, "labels"), u, d)
    return u, d.astype(u.dtype, copy=False)


def _threshold(delta: float, y: Array) -> float:
    # float32 で表せないほど大きな境目には、どの誤差も届かない。
    return min(check_positive("delta", delta), float(np.finfo(y.dtype).max))


def _sum_over_labels(E: Array) -> Array:
    """マルチラベル (N, M) なら M 個の誤差を足し、(N,) ならそのまま返す。"""
    total: Array = E.sum(axis=-1) if E.ndim == 2 else E
    return total


def _minus_x_log(x: Array, y: Array) -> Array:
    """−x log y。0·log 0 = 0 とし、丸めで 1 を超えた y は 1 とみる。"""
    with np.errstate(divide="ignore"):
        surprise = -np.log(np.minimum(y, 1))
    return np.multiply(x, surprise, where=x > 0, out=np.zeros_like(y))


def _ratio(x: Array, y: Array) -> Array:
    """割り算 x / y。0/0 = 0 とする。"""
    with np.errstate(divide="ignore", over="ignore"):
        return np.divide(x, y, where=x != 0, out=np.zeros_like(y))
