r"""万能近似と深さ。重みを学習せずに、手で組み立てたネットワークで確かめます。

どのネットワークも一入力一出力で、入力 x の形は (N, 1)、出力 y の形は (N, 1) です。
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from dlnotes.arrays import (
    Array,
    as_finite,
    as_number,
    check_function,
    check_integer,
    check_positive,
    check_same_shape,
)
from dlnotes.network import Layer, Network, check_network, forward, forward_trace

__all__ = [
    "Function",
    "bump_network",
    "count_linear_pieces",
    "relu_interpolant",
    "sawtooth_network",
    "staircase_network",
    "sup_error",
]

Function: TypeAlias = Callable[[Array], Array]
"""近似したい関数 f。x (N,) を受け取り、同じ形 (N,) の値を返します。"""


def bump_network(
    left: float, right: float, *, height: float = 1.0, steepness: float | None = None
) -> Network:
    r"""二つのユニットで作る、left より大きく right 以下のところだけ盛り上がる「こぶ」。

    $$y = h\,f(x - a) - h\,f(x - b)$$

    $f$ はステップ関数です。steepness に $s$ を与えると、シグモイド関数 $\sigma(s(x - a))$ に
    置き換えます。$s$ を大きくするほど、角の立ったこぶに近づきます。

    Args:
        left: 左端 $a$。
        right: 右端 $b$。$a < b$。
        height: 高さ $h$。
        steepness: シグモイド関数の急さ $s > 0$。None ならステップ関数。

    Returns:
        中間層が二ユニットのネットワーク。

    Raises:
        TypeError: 数でないとき。
        ValueError: left が right より小さくないとき、steepness が正でないとき。

    出典:
        Nielsen (2015) Neural Networks and Deep Learning、4 章。
    """
    _check_interval(left, right)
    jumps = as_finite("height", as_number("height", height)) * np.array([1.0, -1.0])
    ends = np.array([left, right], dtype=np.float64)
    return _sum_of_jumps(ends, jumps, 0.0, steepness)


def staircase_network(
    f: Function, low: float, high: float, pieces: int, *, steepness: float | None = None
) -> Network:
    r"""区間を等分し、各区画で f の中央の値を取る階段のネットワーク。

    $$\begin{aligned}
    y = f(c_1) + \sum_{i=2}^{n} &\bigl(f(c_i) - f(c_{i-1})\bigr) \\
    &\times \mathrm{step}(x - t_{i-1})
    \end{aligned}$$

    $c_i$ は i 番目の区画の中央、$t_{i-1}$ は左端です。
    ステップ関数を使い、f が 1 回微分でき、その導関数が連続なら、
    区間の中の誤差は $\max\lvert f'\rvert \cdot (b - a) / 2n$ 以下です。

    Args:
        f: 近似する関数。x (N,) に (N,) を返すもの。
        low: 区間の左端 $a$。
        high: 区間の右端 $b$。
        pieces: 段の数 n（2 以上）。
        steepness: シグモイド関数の急さ。None ならステップ関数。

    Returns:
        中間層が n − 1 ユニットのネットワーク。

    Raises:
        TypeError: 区間の端や steepness が数でないとき、pieces が整数でないとき、
            f が関数でないとき、f の値が実数でないとき。
        ValueError: 区間が空のとき、pieces が 2 より小さいとき、steepness が正でないとき、
            f の値の形が違うか、有限でないとき。

    出典:
        Nielsen (2015) Neural Networks and Deep Learning、4 章。
        定理は Cybenko (1989) Approximation by Superpositions of a Sigmoidal Function。
    """
    n = check_integer("pieces", pieces, least=2)
    t = _nodes(low, high, n)
    values = _values(f, (t[:-1] + t[1:]) / 2)
    return _sum_of_jumps(t[1:-1], np.diff(values), float(values[0]), steepness)


def relu_interpolant(f: Function, low: float, high: float, pieces: int) -> Network:
    r"""区間を等分した点で f と一致する折れ線を、ReLU のネットワークで作ります。

    $$\begin{aligned}
    y &= f(t_0) + \sum_{i=0}^{n-1} (m_i - m_{i-1}) \\
    &\qquad\qquad \times \mathrm{ReLU}(x - t_i) \\
    m_i &= \frac{f(t_{i+1}) - f(t_i)}{t_{i+1} - t_i} \\
    m_{-1} &= 0
    \end{aligned}$$

    f が 2 回微分でき、2 階の導関数が連続なら、
    誤差は $\max\lvert f''\rvert \cdot (b - a)^2 / 8n^2$ 以下です。
    区間の左では一定、右では最後の傾きのまま延び、f とは関わりがありません。

    Args:
        f: 近似する関数。x (N,) に (N,) を返すもの。
        low: 区間の左端 $a$。
        high: 区間の右端 $b$。
        pieces: 線分の数 n（1 以上）。

    Returns:
        中間層が n ユニットのネットワーク。

    Raises:
        TypeError: 区間の端が数でないとき、pieces が整数でないとき、f が関数でないとき、
            f の値が実数でないとき。
        ValueError: 区間が空のとき、pieces が 1 より小さいとき、
            f の値の形が違うか、有限でないとき。

    出典:
        誤差の上界は de Boor (1978) A Practical Guide to Splines、III 章の折れ線補間。
        定理は Leshno, Lin, Pinkus, Schocken (1993) Multilayer Feedforward Networks with a
        Nonpolynomial Activation Function Can Approximate Any Function。
    """
    t = _nodes(low, high, check_integer("pieces", pieces, least=1))
    values = _values(f, t)
    slopes = np.diff(values) / np.diff(t)
    bends = np.diff(slopes, prepend=0.0)
    hidden = Layer(np.ones((1, len(bends))), -t[:-1], "relu")
    return hidden, Layer(bends[:, None], values[:1], "identity")


def sup_error(
    network: Network, f: Function, low: float, high: float, *, points: int = 10_001
) -> float:
    r"""区間の上でのいちばん大きな誤差。万能近似定理が小さくできると保証する量です。

    $$\max_{x \in [a, b]} \lvert y(x) - f(x) \rvert$$

    等間隔の点の上だけで測るので、点の間にもっと大きな誤差が隠れていることはあり得ます。

    Args:
        network: 一入力一出力のネットワーク。
        f: 正しい関数。x (N,) に (N,) を返すもの。
        low: 区間の左端 $a$。
        high: 区間の右端 $b$。
        points: 誤差を測る点の数（2 以上、両端を含む）。

    Returns:
        誤差の最大値。単位は f の値と同じ。

    Raises:
        TypeError: network が Layer の組でないとき、区間の端が数でないとき、
            points が整数でないとき。
        ValueError: 区間が空のとき、points が 2 より小さいとき、network が一入力一出力でないとき、
            f の値の形が違うか、有限でないとき。
        FloatingPointError: 途中の値があふれたとき。

    出典:
        Cybenko (1989) Approximation by Superpositions of a Sigmoidal Function、定理 2。
    """
    x = _nodes(low, high, check_integer("points", points, least=2) - 1)
    _check_one_to_one(network)
    return float(abs(forward(network, x[:, None])[:, 0] - _values(f, x)).max())


def sawtooth_network(depth: int) -> Network:
    r"""0 から 1 までを 2 の depth 乗本の線分で往復する、のこぎり波の深いネットワーク。

    $$\begin{aligned}
    m(x) &= 2\,\mathrm{ReLU}(x) - 4\,\mathrm{ReLU}\left(x - \tfrac{1}{2}\right) \\
    y &= \underbrace{m(m(\cdots m(x)))}_{k}
    \end{aligned}$$

    2k ユニットで $2^k$ 本の線分ができます。
    中間層が一つなら、同じ線分の数に $2^k - 1$ 以上のユニットが要ります。

    Args:
        depth: 中間層の数 k（1 以上 50 以下）。

    Returns:
        幅 2 の中間層が k 個のネットワーク。

    Raises:
        TypeError: depth が整数でないとき。
        ValueError: depth が範囲の外のとき。

    出典:
        Telgarsky (2016) Benefits of Depth in Neural Networks。
    """
    k = check_integer("depth", depth, least=1)
    if k > 50:
        # 折り目の座標 j / 2^k が float64 の 53 ビットに収まらなくなる。
        raise ValueError(f"depth は 50 以下の整数が必要ですが {k} でした")
    tent, shift = np.array([[2.0], [-4.0]]), np.array([0.0, -0.5])
    first = Layer(np.ones((1, 2)), shift, "relu")
    fold = Layer(tent @ np.ones((1, 2)), shift, "relu")
    return first, *[fold] * (k - 1), Layer(tent, np.zeros(1), "identity")


def count_linear_pieces(network: Network, low: float, high: float) -> int:
    r"""折れ線になるネットワークの、区間の中の線分の数。

    $$\left\{\, x \mid u^{(l)}_j(x) = 0 \,\right\}$$

    入力に近い層から順に、上の集合をすべて求めます。
    ReLU が折れるのは総入力が 0 の点だけで、それより前の折れ目の間では総入力は直線です。そこで、
    折れ目を層ごとに式で求めて足していけば、細かい格子で探さなくても見落としがありません。
    隣との傾きの差が、傾きの 100 万分の 1 と、最大の傾きの 10 億分の 1 の和以下なら、
    一本の線分とみなします。

    Args:
        network: 一入力一出力で、活性化関数が relu、leaky_relu、identity だけのネットワーク。
        low: 区間の左端。
        high: 区間の右端。

    Returns:
        線分の数（1 以上）。

    Raises:
        TypeError: network が Layer の組でないとき、区間の端が数でないとき。
        ValueError: 区間が空のとき、一入力一出力でないとき、折れ線にならない活性化関数が
            あるとき。
        FloatingPointError: 途中の値があふれたとき。

    出典:
        Montúfar, Pascanu, Cho, Bengio (2014) On the Number of Linear Regions of Deep Neural
        Networks。
    """
    network = _in_float64(network)
    t = _nodes(low, high, 1)
    for depth, layer in enumerate(network, start=1):
        if layer.activation != "identity":
            t = _with_zeros(t, forward_trace(network[:depth], t[:, None])[-1].u)
    y = forward(network, t[:, None])
    slopes = np.diff(y[:, 0]) / np.diff(t)
    same = np.isclose(slopes[1:], slopes[:-1], rtol=1e-6, atol=1e-9 * abs(slopes).max())
    return 1 + int((~same).sum())


def _sum_of_jumps(t: Array, jumps: Array, start: float, steepness: float | None) -> Network:
    """出力 start から始まり、点 t のそれぞれで jumps だけ変わる関数。"""
    s = 1.0 if steepness is None else check_positive("steepness", steepness)
    hidden = Layer(np.full((1, len(t)), s), -s * t, "step" if steepness is None else "sigmoid")
    return hidden, Layer(jumps[:, None], np.array([start]), "identity")


def _with_zeros(t: Array, u: Array) -> Array:
    """隣り合う点の間で符号の変わる総入力が 0 になる点を、直線の式で求めて t に加えます。"""
    left, right = u[:-1], u[1:]
    i, j = np.nonzero(np.sign(left) * np.sign(right) < 0)
    ratio = left[i, j] / (left[i, j] - right[i, j])
    merged = np.unique(np.concatenate([t, t[i] + ratio * (t[i + 1] - t[i])]))
    # 同じ折れ目が丸め誤差で二つに割れると、その間の傾きは意味を持たない。
    width = 16 * np.finfo(t.dtype).eps * abs(t).max()
    inner = merged[(merged - t[0] > width) & (t[-1] - merged > width)]
    return np.concatenate([t[:1], inner[np.diff(inner, prepend=t[0]) > width], t[-1:]])


def _nodes(low: float, high: float, n: int) -> Array:
    _check_interval(low, high)
    as_finite("区間の長さ b − a", float(high) - float(low))
    return np.linspace(float(low), float(high), n + 1)


def _values(f: Function, x: Array) -> Array:
    check_function("f", f)
    # 複製を渡すので、引数に書き込む f であっても x は変わらない。
    y = as_finite("f(x)", f(x.copy())).astype(np.float64, copy=False)
    check_same_shape(("f(x)", "x"), y, x)
    return y


def _check_interval(low: float, high: float) -> None:
    ends = [as_number("区間の左端 a", low), as_number("区間の右端 b", high)]
    a, b = as_finite("区間 [a, b]", ends)
    if a >= b:
        raise ValueError(f"区間 [a, b] は a < b が必要ですが [{a:g}, {b:g}] でした")


def _check_one_to_one(network: Network) -> None:
    check_network(network)
    shape = network[0].W.shape[0], network[-1].W.shape[1]
    if shape != (1, 1):
        raise ValueError(
            f"network は 1 入力 1 出力が必要ですが {shape[0]} 入力 {shape[1]} 出力でした"
        )


def _in_float64(network: Network) -> Network:
    """折れ線のネットワークを、同じ関数のまま、折れ目を細かく求められる精度に直します。"""
    _check_one_to_one(network)
    for layer in network:
        if layer.activation not in ("relu", "leaky_relu", "identity"):
            raise ValueError(
                "network は折れ線になる活性化関数 relu, leaky_relu, identity だけが必要ですが"
                f" {layer.activation} がありました"
            )
    return tuple(
        Layer(layer.W.astype(np.float64), layer.b.astype(np.float64), layer.activation)
        for layer in network
    )
