r"""識別モデルと識別関数。

識別モデルは事後確率 $p(C_k \mid x)$ を、識別関数はクラスの番号だけを、入力から直接求めます。
どちらもデータそのものの分布は学ばないので、新しいデータは作れません。
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.activations import softmax
from dlnotes.arrays import (
    Array,
    IntArray,
    as_finite,
    as_samples,
    check_instance,
    check_integer,
    check_non_negative,
    check_shape,
)
from dlnotes.losses import softmax_cross_entropy, softmax_cross_entropy_gradient

__all__ = [
    "LinearDiscriminant",
    "LogisticRegression",
    "fit_least_squares",
    "fit_logistic_regression",
    "fit_perceptron",
    "posterior",
    "predict",
    "scores",
]

# はじめの E は log K で、そこから減るので、その丸め誤差の 1e-15 ほどより十分に大きい。
_ROUNDING = 1e-12

# 二次収束するニュートン法は、長くても数十回で終わる。これだけで止まらないなら、決められない。
_MAX_NEWTON_STEPS = 100

_SEPARABLE = "x が直線で完全に分かれ、最尤推定の重みが無限大になります。l2 を正にしてください"
_NOT_UNIQUE = (
    "x から有限の重みを一つに決められません。クラスがほぼ分かれているか、"
    "特徴量が重なっています。l2 を大きくしてください"
)


@dataclass(frozen=True, slots=True, eq=False)
class LogisticRegression:
    r"""識別モデル。事後確率を、一次式のソフトマックス関数で表します（多クラスロジスティック回帰）。

    $$p(C_k \mid x) = \operatorname{softmax}(xW + b)_k$$

    クラスが二つなら $p(C_1 \mid x) = \sigma\bigl(x(w_1 - w_0) + b_1 - b_0\bigr)$ と同じです。

    Attributes:
        W: 重み。形は (D, K)、K は 2 以上。
        b: バイアス。形は (K,)。

    Raises:
        TypeError: 実数の配列でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.3.2 項と 4.3.4 項。
    """

    W: Array
    b: Array

    def __post_init__(self) -> None:
        W, b = _weights(self.W, self.b)
        # 凍結した後でも、リストや整数で渡された値を配列に直せるのはここだけ。
        object.__setattr__(self, "W", W)
        object.__setattr__(self, "b", b)


@dataclass(frozen=True, slots=True, eq=False)
class LinearDiscriminant:
    r"""識別関数。一次式の点数が最も大きいクラスの番号を返すだけで、確率は表しません。

    $$\hat{k} = \operatorname{argmax}_k\, (xW + b)_k$$

    Attributes:
        W: 重み。形は (D, K)、K は 2 以上。
        b: バイアス。形は (K,)。

    Raises:
        TypeError: 実数の配列でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.1.2 項。
    """

    W: Array
    b: Array

    def __post_init__(self) -> None:
        W, b = _weights(self.W, self.b)
        object.__setattr__(self, "W", W)
        object.__setattr__(self, "b", b)


def scores(model: LogisticRegression | LinearDiscriminant, x: ArrayLike) -> Array:
    r"""クラスごとの点数。識別モデルでは、ソフトマックス関数に入る前の総入力です。

    $$u = xW + b$$

    Args:
        model: 識別モデルか識別関数。
        x: 入力。形は (N, D)。

    Returns:
        点数 u。形は (N, K)。

    Raises:
        TypeError: model の種類が違うとき、x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.9)。
    """
    check_instance("model", model, LogisticRegression, LinearDiscriminant)
    x = as_finite("x", x)
    check_shape("x", x, ("N", len(model.W)))
    u: Array = x @ model.W + model.b
    return u


def posterior(model: LogisticRegression, x: ArrayLike) -> Array:
    r"""識別モデルが求める事後確率。

    $$p(C_k \mid x) = \frac{e^{u_k}}{\sum_{j=1}^{K} e^{u_j}}, \qquad u = xW + b$$

    Args:
        model: 識別モデル。
        x: 入力。形は (N, D)。

    Returns:
        事後確率。形は (N, K)。各行の和は 1。

    Raises:
        TypeError: model の種類が違うとき、x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.104)。
    """
    if isinstance(model, LinearDiscriminant):
        raise TypeError(
            "model は LogisticRegression が必要ですが LinearDiscriminant でした。"
            "識別関数は確率を持ちません"
        )
    check_instance("model", model, LogisticRegression)
    return softmax(scores(model, x))


def predict(model: LogisticRegression | LinearDiscriminant, x: ArrayLike) -> IntArray:
    r"""点数が最も大きいクラスの番号。クラスがいくつあっても決め方は同じです。

    $$\hat{k} = \operatorname{argmax}_k\, u_k, \qquad u = xW + b$$

    Args:
        model: 識別モデルか識別関数。
        x: 入力。形は (N, D)。

    Returns:
        クラスの番号。形は (N,)。0 以上 K 未満の整数。同点なら番号の小さいほう。

    Raises:
        TypeError: model の種類が違うとき、x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.1.2 項。
    """
    k: IntArray = scores(model, x).argmax(axis=1)
    return k


def fit_logistic_regression(
    x: ArrayLike, labels: ArrayLike, *, l2: float = 0.0
) -> LogisticRegression:
    r"""識別モデルを、交差エントロピーを最小にする最尤推定で学びます。

    $$\begin{aligned}
    E(\theta) = {}&-\frac{1}{N} \sum_{n} \sum_{k} d_{nk} \log y_{nk} \\
    &+ \frac{\lambda}{2} \lVert W \rVert^2 \\
    \theta \leftarrow &\ \theta - t\, H^{-1} \nabla E
    \end{aligned}$$

    E は凸なので、どこから始めても同じ最小値に着きます。勾配降下法でも学べますが、ここでは、
    学習率を選ばずに、数回から数十回で収束するニュートン法を使います。
    全クラスの点数に同じ数を足しても y は変わらないので、E の二階微分のままでは逆行列がありません。
    H は、その向きにだけ曲がりを足したものです。
    t は E が増えないように半分ずつ縮める歩幅です。

    Args:
        x: 入力。形は (N, D)。
        labels: 正解 d。形は (N, K)、K は 2 以上。各行の和は 1。
        l2: 重みを小さく保つ正則化の強さ $\lambda \ge 0$。バイアスには掛けません。

    Returns:
        学んだ識別モデル。

    Raises:
        TypeError: x や labels が実数でないとき、l2 が数でないとき。
        ValueError: 形が違うとき、x が NaN や無限大を含むとき、labels の行が確率分布でないとき、
            サンプルのないクラスがあるとき、l2 が負のとき。有限の重みが一つに決まらないとき
            （クラスが直線で完全に分かれる、特徴量が重なっている、l2 が小さすぎる、など）。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.3.3 項と 4.3.4 項。
    """
    X, d, dtype = _samples(x, labels)
    penalty = _penalty(check_non_negative("l2", l2), X)
    # 0 から離れた特徴量は 1 の列とほとんど重なり、歩みが丸め誤差に埋もれる。真ん中を引いて解く。
    middle = np.median(X[:, :-1], axis=0)
    X[:, :-1] -= middle
    theta = np.zeros((X.shape[1], d.shape[1]), dtype=X.dtype)
    # 二次収束なので、√ε の一歩の後に残る誤差は ε ほど。l2 が小さいと、丸め誤差の歩みが残る。
    small = 1e-6 if l2 else np.sqrt(np.finfo(X.dtype).eps)
    for _ in range(_MAX_NEWTON_STEPS):
        step = _newton_step(theta, X, d, penalty)
        if abs(X @ step).max() <= small:
            if l2 == 0 and np.linalg.matrix_rank(np.ldexp(X, -_exponents(X))) < X.shape[1]:
                raise ValueError(_NOT_UNIQUE)
            theta = theta - step
            W, b = theta[:-1], theta[-1]
            return LogisticRegression(W.astype(dtype), (b - middle @ W).astype(dtype))
        theta = theta - _step_size(theta, step, X, d, penalty) * step
        if l2 == 0 and _separates(theta, X, d):
            raise ValueError(_SEPARABLE)
    raise ValueError(_NOT_UNIQUE)


def fit_perceptron(x: ArrayLike, labels: ArrayLike, *, epochs: int = 100) -> LinearDiscriminant:
    r"""パーセプトロン。間違えたときだけ、正解の点数を上げ、誤って選んだクラスの点数を下げます。

    $$w_k \leftarrow w_k + (d_{nk} - \hat{d}_{nk})\, x_n$$

    $\hat{d}_n$ は、いまの予測を one-hot にしたものです。
    バイアスは、いつも 1 の入力への重みとみなします。
    直線で分けられるデータなら有限回の修正で間違いがなくなり、分けられなければいつまでも止まりません。

    Args:
        x: 入力。形は (N, D)。先頭から順に見ます。
        labels: 正解 d。one-hot で形は (N, K)、K は 2 以上。
        epochs: データ全体を繰り返す最大の回数（1 以上）。間違いがなくなれば、そこで終わります。

    Returns:
        学んだ識別関数。

    Raises:
        TypeError: x や labels が実数でないとき、epochs が整数でないとき。
        ValueError: 形が違うとき、x が NaN や無限大を含むとき、labels が one-hot でないとき、
            サンプルのないクラスがあるとき、epochs が 1 より小さいとき。

    出典:
        Rosenblatt (1958) The Perceptron: A Probabilistic Model for Information Storage and
        Organization in the Brain。
        多クラスは Duda, Hart, Stork (2001) Pattern Classification 第 2 版、5.12 節。
    """
    X, d, dtype = _samples(x, labels)
    if (d.max(axis=1) != 1).any():
        raise ValueError("labels は one-hot が必要ですが、クラスが一つに決まらない行がありました")
    theta = np.zeros((X.shape[1], d.shape[1]), dtype=X.dtype)
    for _ in range(check_integer("epochs", epochs, least=1)):
        mistakes = 0
        for x_n, d_n in zip(X, d, strict=True):
            k = (x_n @ theta).argmax()
            if d_n[k] != 1:
                theta[:, k] -= x_n
                theta[:, d_n.argmax()] += x_n
                mistakes += 1
        if mistakes == 0:
            break
    theta = theta.astype(dtype)
    return LinearDiscriminant(theta[:-1], theta[-1])


def fit_least_squares(x: ArrayLike, labels: ArrayLike) -> LinearDiscriminant:
    r"""正解の one-hot に一次式を最小二乗法で当てはめて、識別関数にします。

    $$\theta = \operatorname{argmin}_\theta \sum_n \lVert x_n W + b - d_n \rVert^2$$

    一度の計算で終わり、クラスが二つなら重みの向きはフィッシャーの線形判別と一致します。
    点数は 0 から 1 に収まるとは限らず、確率ではありません。遠くの正しいデータにも引きずられます。

    Args:
        x: 入力。形は (N, D)。
        labels: 正解 d。形は (N, K)、K は 2 以上。各行の和は 1。

    Returns:
        学んだ識別関数。

    Raises:
        TypeError: x や labels が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、labels の行が確率分布でないとき、
            サンプルのないクラスがあるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.1.3 項と 4.1.5 項。
    """
    X, d, dtype = _samples(x, labels)
    e = _exponents(X)
    theta = np.ldexp(np.linalg.lstsq(np.ldexp(X, -e), d)[0], -e[:, None]).astype(dtype)
    return LinearDiscriminant(theta[:-1], theta[-1])


def _weights(W: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    W, b = as_finite("W", W), as_finite("b", b)
    check_shape("W", W, ("D", "K"))
    if W.shape[1] < 2:
        raise ValueError(f"W は 2 個以上のクラスが必要ですが {W.shape} でした")
    check_shape("b", b, (W.shape[1],))
    return W, b


def _samples(x: ArrayLike, labels: ArrayLike) -> tuple[Array, Array, np.dtype[np.floating]]:
    """バイアスも一つの重みとして扱えるよう、右端に 1 の列を足した入力と、正解と、x の dtype。"""
    x, d, dtype = as_samples(x, labels)
    return np.hstack([x, np.ones((len(x), 1))]), d, dtype


def _exponents(X: Array) -> IntArray:
    """列の大きさを表す 2 の指数。割ってそろえないと、単位の小さな列が、丸め誤差とみなされる。"""
    e: IntArray = np.frexp(abs(X).max(axis=0))[1]
    return e


def _penalty(l2: float, X: Array) -> Array:
    """重みの行だけに λ を並べた列。右端の 1 に掛かるバイアスには正則化を掛けない。"""
    penalty = np.full((X.shape[1], 1), l2, dtype=X.dtype)
    penalty[-1] = 0
    return penalty


def _objective(theta: Array, X: Array, d: Array, penalty: Array) -> float:
    E = softmax_cross_entropy(X @ theta, d).mean() + (penalty * theta**2).sum() / 2
    return float(E)


def _newton_step(theta: Array, X: Array, d: Array, penalty: Array) -> Array:
    gradient = X.T @ softmax_cross_entropy_gradient(X @ theta, d) / len(X) + penalty * theta
    try:
        step: Array = np.linalg.solve(_hessian(theta, X, penalty), gradient.ravel())
    except np.linalg.LinAlgError as error:
        raise ValueError(_NOT_UNIQUE) from error
    # ブラウザの NumPy は、逆行列がなくても断らずに NaN を返す。
    if not np.isfinite(step).all():
        raise ValueError(_NOT_UNIQUE)
    return step.reshape(theta.shape)


def _hessian(theta: Array, X: Array, penalty: Array) -> Array:
    y = softmax(X @ theta)
    I_K = np.eye(y.shape[1], dtype=y.dtype)
    # 全クラスの点数を同じだけ動かしても y は変わらず、その向きの曲がりは 0 になる。
    # 勾配もその向きの成分を持たないので、曲がりを足しても歩みは変わらず、逆行列が求まる。
    S = y[:, :, None] * (I_K - y[:, None, :])
    S += S.trace(axis1=1, axis2=2)[:, None, None]
    blocks = X.T @ (S.T[..., None] * X) / len(X)
    curvature = blocks.transpose(2, 0, 3, 1).reshape(theta.size, theta.size)
    H: Array = curvature + np.kron(np.diag(penalty.ravel()), I_K)
    return H


def _step_size(theta: Array, step: Array, X: Array, d: Array, penalty: Array) -> float:
    before, t = _objective(theta, X, d, penalty), 1.0
    # 最小値の近くでは、正しい一歩でも E が丸め誤差の分だけ増えて見える。
    while _objective(theta - t * step, X, d, penalty) > before + _ROUNDING:
        t /= 2
    return t


def _separates(theta: Array, X: Array, d: Array) -> bool:
    """どのサンプルでも正解の点数が最大か。割合で与えた正解の行は、平均が最大に届かず偽になります。"""
    u = X @ theta
    best_other = np.where(d == 1, -np.inf, u).max(axis=1)
    return bool(((d * u).sum(axis=1) > best_other).all())
