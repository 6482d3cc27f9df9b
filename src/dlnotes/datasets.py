"""練習用の小さなデータ。どれも、入力 x (N, D) と正解 d (N, K) の組を返します。

値は乱数で作ったもので、実物を測ったものではありません。
"""

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.arrays import (
    Array,
    IntArray,
    as_finite,
    as_number,
    check_integer,
    check_non_negative,
    check_rng,
)
from dlnotes.encoding import one_hot

__all__ = [
    "ANIMAL_CLASSES",
    "ANIMAL_FEATURES",
    "animals",
    "house_prices",
    "line_with_outlier",
    "linear_target",
    "moons",
    "sine",
    "three_gaussians",
    "two_gaussians",
    "xor",
]

ANIMAL_FEATURES = (
    "体長 [cm]",
    "体重 [g]",
    "ひげの本数",
    "毛の平均長 [mm]",
    "耳の大きさ [mm]",
    "眉間/目鼻距離比",
    "足の長さ [mm]",
)
"""animals の特徴量の名前。x の列の順です。"""

ANIMAL_CLASSES = ("犬", "猫", "ネズミ")
"""animals のクラスの名前。d の列の順です。"""

# 講座の例 (10, 300, 300, 15, 50, 1.8, 20) がネズミらしく見えるように決めた、クラスごとの代表値。
_TYPICAL_ANIMALS = np.array(
    [
        [70.0, 15000.0, 200.0, 40.0, 90.0, 1.2, 350.0],
        [45.0, 4000.0, 250.0, 30.0, 60.0, 1.5, 200.0],
        [12.0, 300.0, 280.0, 12.0, 40.0, 1.8, 25.0],
    ]
)


def xor() -> tuple[Array, Array]:
    r"""XOR（排他的論理和）の 4 点。一本の直線では分けられません。

    $$d = x_1 (1 - x_2) + (1 - x_1)\, x_2$$

    Returns:
        x (4, 2) と d (4, 1)。値は 0 か 1。

    出典:
        Minsky, Papert (1969) Perceptrons。
    """
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, (x[:, :1] != x[:, 1:]).astype(np.float64)


def animals(n: int, *, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""犬、猫、ネズミの七つの特徴量。クラスごとの代表値 m に、ばらつきを掛けて作ります。

    $$x_{ni} = m_{c_n i}\, e^{0.3\, r_{ni}}, \qquad
      r_{ni} \sim \mathcal{N}(0, 1)$$

    $c_n$ はサンプル n のクラスの番号です。
    r は標準正規分布の乱数で、代表値に、だいたい $e^{-0.3} \approx 0.74$ 倍から
    $e^{0.3} \approx 1.35$ 倍のばらつきを掛けます（およそ 3 分の 2 の値が、この間に入ります）。
    列の名前と単位は ANIMAL_FEATURES、クラスの名前は ANIMAL_CLASSES にあります。

    Args:
        n: サンプルの数。1 以上。クラスごとのサンプルの数は、ほぼ等しくします。
        rng: 乱数の源。

    Returns:
        x (N, 7) と one-hot の d (N, 3)。

    Raises:
        TypeError: n が整数でないとき、rng が Generator でないとき。
        ValueError: n が 0 以下のとき。

    出典:
        本サイトの DL001 のために作ったもの。
    """
    c = _balanced_classes(n, 3, rng)
    x = _TYPICAL_ANIMALS[c] * np.exp(0.3 * rng.standard_normal((n, 7)))
    return x, one_hot(c, 3)


def house_prices(n: int, *, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""家の広さと駅からの距離から決まる価格。回帰の例です。

    $$\begin{aligned}
    d &= 1500 + 60\, x_1 - 80\, x_2 + 200\, r \\
    r &\sim \mathcal{N}(0, 1)
    \end{aligned}$$

    $x_1$ は広さ、$x_2$ は駅からの距離です。r は標準正規分布の乱数で、価格に、標準偏差
    200 のばらつきを足します。価格の単位は万円です。

    Args:
        n: サンプルの数。1 以上。
        rng: 乱数の源。

    Returns:
        x (N, 2) と d (N, 1)。x の列は、広さ（20 以上 100 未満、平方メートル）と
            駅からの距離（1 以上 20 未満、徒歩の分）。d は価格（万円）。

    Raises:
        TypeError: n が整数でないとき、rng が Generator でないとき。
        ValueError: n が 0 以下のとき。

    出典:
        本サイトの DL001 のために作ったもの。
    """
    n, rng = check_integer("n", n, least=1), check_rng(rng)
    x = rng.uniform((20, 1), (100, 20), size=(n, 2))
    return x, _column(1500 + x @ (60, -80) + 200 * rng.standard_normal(n))


def line_with_outlier(n: int, *, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""直線に並ぶ点と、最後の一つの外れ値。誤差関数の性質を比べるためのものです。

    $$d = 2x + 1 + 0.1\, r, \qquad r \sim \mathcal{N}(0, 1)$$

    最後の点だけ、d が 5 大きくなっています。

    Args:
        n: サンプルの数。3 以上。
        rng: 乱数の源。

    Returns:
        x (N, 1) と d (N, 1)。x は 0 から 1 までの等間隔。

    Raises:
        TypeError: n が整数でないとき、rng が Generator でないとき。
        ValueError: n が 3 に満たないとき。

    出典:
        本サイトの DL004 のために作ったもの。
    """
    n, rng = check_integer("n", n, least=3), check_rng(rng)
    x = np.linspace(0, 1, n)
    d = 2 * x + 1 + 0.1 * rng.standard_normal(n)
    d[-1] += 5
    return _column(x), _column(d)


def two_gaussians(n: int, *, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""平面の二つの正規分布。事後確率が、ちょうどシグモイド関数になります。

    $$\begin{aligned}
    x \mid C_0 &\sim \mathcal{N}\left((-1, -1),\, I\right) \\
    x \mid C_1 &\sim \mathcal{N}\left((1, 1),\, I\right) \\
    p(C_1 \mid x) &= \sigma(2 x_1 + 2 x_2)
    \end{aligned}$$

    最後の式は、事前確率がどちらも 1/2 のときのものです。

    Args:
        n: サンプルの数。1 以上。クラスごとのサンプルの数は、ほぼ等しくします。
        rng: 乱数の源。

    Returns:
        x (N, 2) と one-hot の d (N, 2)。

    Raises:
        TypeError: n が整数でないとき、rng が Generator でないとき。
        ValueError: n が 0 以下のとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.2.1 項。
    """
    return _gaussians(n, np.array([[-1.0, -1.0], [1.0, 1.0]]), rng)


def three_gaussians(n: int, *, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""平面の三つの正規分布。中心は、原点から距離 2 の正三角形の頂点です。

    $$\begin{aligned}
    x \mid C_k &\sim \mathcal{N}(m_k,\, I) \\
    m_k &= 2 \left(\cos \frac{2\pi k}{3},\, \sin \frac{2\pi k}{3}\right) \\
    k &= 0, 1, 2
    \end{aligned}$$

    Args:
        n: サンプルの数。1 以上。クラスごとのサンプルの数は、ほぼ等しくします。
        rng: 乱数の源。

    Returns:
        x (N, 2) と one-hot の d (N, 3)。

    Raises:
        TypeError: n が整数でないとき、rng が Generator でないとき。
        ValueError: n が 0 以下のとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.2.1 項。
    """
    angle = 2 * np.pi * np.arange(3) / 3
    return _gaussians(n, 2 * np.column_stack([np.cos(angle), np.sin(angle)]), rng)


def moons(n: int, *, noise: float = 0.1, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""かみ合った二つの三日月。曲がった境界がなければ分けられません。

    $$\begin{aligned}
    C_0:\ x &= (\cos t,\ \sin t) + s\,r \\
    C_1:\ x &= \left(1 - \cos t,\ \tfrac{1}{2} - \sin t\right) + s\,r
    \end{aligned}$$

    t は 0 から π までの一様乱数、r の成分は標準正規乱数です。

    Args:
        n: サンプルの数。1 以上。クラスごとのサンプルの数は、ほぼ等しくします。
        noise: ばらつきの標準偏差 s。0 以上。
        rng: 乱数の源。

    Returns:
        x (N, 2) と one-hot の d (N, 2)。

    Raises:
        TypeError: n が整数でないとき、noise が数でないとき、rng が Generator でないとき。
        ValueError: n が 0 以下のとき、noise が負のとき。

    出典:
        Pedregosa, Varoquaux, Gramfort, et al. (2011) Scikit-learn: Machine Learning in Python
        （同じ形のデータ make_moons がある）。
    """
    s, c = check_non_negative("noise", noise), _balanced_classes(n, 2, rng)
    t = rng.uniform(0, np.pi, n)
    upper = np.column_stack([np.cos(t), np.sin(t)])
    x = np.where(c[:, np.newaxis] == 0, upper, (1, 0.5) - upper)
    return x + s * rng.standard_normal((n, 2)), one_hot(c, 2)


def linear_target(
    n: int, *, low: float = 0.0, high: float = 1.0, rng: np.random.Generator
) -> tuple[Array, Array]:
    r"""講座のノートブックと同じ、二つの入力の一次関数。雑音はありません。

    $$d = 3 x_0 + 2 x_1, \qquad x_0, x_1 \in [a, b)$$

    Args:
        n: サンプルの数。1 以上。
        low: 入力の下限 a。
        high: 入力の上限 b。low より大きい数。
        rng: 乱数の源。

    Returns:
        x (N, 2) と d (N, 1)。

    Raises:
        TypeError: n が整数でないとき、low や high が数でないとき、rng が Generator でないとき。
        ValueError: n が 0 以下のとき、low が high 以上のとき。

    出典:
        講座のノートブック 1_3_stochastic_gradient_descent。
    """
    n, rng = check_integer("n", n, least=1), check_rng(rng)
    a, b = as_finite("low と high", [as_number("low", low), as_number("high", high)])
    if a >= b:
        raise ValueError(f"low は high より小さい数が必要ですが {a:g} と {b:g} でした")
    as_finite("high と low の差", float(b) - float(a))
    x = rng.uniform(a, b, size=(n, 2))
    return x, _column(x @ (3, 2))


def sine(n: int, *, noise: float = 0.1, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""正弦波に雑音を足した点。曲線の回帰の例です。

    $$d = \sin(2\pi x) + s\,r, \qquad r \sim \mathcal{N}(0, 1)$$

    Args:
        n: サンプルの数。1 以上。
        noise: 雑音の標準偏差 s。0 以上。
        rng: 乱数の源。

    Returns:
        x (N, 1) と d (N, 1)。x は 0 以上 1 未満の一様乱数。

    Raises:
        TypeError: n が整数でないとき、noise が数でないとき、rng が Generator でないとき。
        ValueError: n が 0 以下のとき、noise が負のとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、1.1 節。
    """
    n, rng = check_integer("n", n, least=1), check_rng(rng)
    x = rng.random(n)
    s = check_non_negative("noise", noise)
    return _column(x), _column(np.sin(2 * np.pi * x) + s * rng.standard_normal(n))


def _gaussians(n: int, centers: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    c = _balanced_classes(n, len(centers), rng)
    return centers[c] + rng.standard_normal((n, 2)), one_hot(c, len(centers))


def _balanced_classes(n: int, K: int, rng: np.random.Generator) -> IntArray:
    return check_rng(rng).permutation(np.arange(check_integer("n", n, least=1)) % K)


def _column(values: ArrayLike) -> Array:
    return np.reshape(values, (-1, 1))
