r"""パラメータの更新式と、学習率スケジュール。

どの最適化法も、パラメータ全体を 1 本のベクトル θ として受け取り、新しい θ を返します。
勾配を $g=\nabla E(\theta)$、学習率を $\varepsilon$ と書きます。
論文が $\epsilon$ と書く「0 で割らないための小さな数」は、学習率と紛れないように $c$ と書きます。
ベクトルどうしの積、商、平方根は、どれも成分ごとに計算します。
"""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.arrays import (
    Array,
    as_finite,
    check_fraction,
    check_integer,
    check_non_negative,
    check_positive,
    check_same_shape,
)

__all__ = [
    "SGD",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "constant",
    "cosine",
    "exponential_decay",
    "step_decay",
]

State = TypeVar("State")


class Optimizer(Protocol[State]):
    """最適化法が満たす約束。`init` で状態を作り、`step` で θ と状態を新しいものに替えます。

    データクラスで書くと、`train` が学習率を途中で変えられます。
    状態は、最適化法がそれまでの勾配について覚えている量です。`step` は引数を書き換えません。
    そのため、途中の θ と状態を取っておけば、学習はいつでもそこからやり直せます。

    Attributes:
        learning_rate: 学習率 ε。

    出典:
        本サイトの「記法」。
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def learning_rate(self) -> float:
        """学習率 ε。"""

    def init(self, theta: ArrayLike) -> State:
        """更新を始める前の状態。

        Args:
            theta: パラメータ θ。形 (P,)。

        Returns:
            まだ一つも勾配を見ていない状態。
        """

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        """1 回の更新。

        Args:
            theta: パラメータ θ。形 (P,)。
            gradient: θ での誤差の勾配。形 (P,)。θ と同じ dtype。
            state: 直前の `init` か `step` が返した状態。

        Returns:
            新しい θ（形 (P,)）と、新しい状態。
        """


_CHECKS = {
    "learning_rate": check_non_negative,
    "momentum": check_fraction,
    "decay": check_fraction,
    "beta1": check_fraction,
    "beta2": check_fraction,
    "epsilon": check_positive,
}


def _settle(optimizer: Any) -> None:
    for field in fields(optimizer):
        value = _CHECKS[field.name](field.name, getattr(optimizer, field.name))
        # 検査は Python の float を返す。np.float64 のままだと、float32 の θ が float64 になる。
        object.__setattr__(optimizer, field.name, value)


def _zeros(theta: ArrayLike, epsilon: float = 1) -> Array:
    zeros = np.zeros_like(as_finite("theta", theta))
    if zeros.dtype.type(epsilon) == 0:
        raise ValueError(
            f"epsilon は {zeros.dtype} で 0 にならない数が必要ですが {epsilon:g} でした"
        )
    return zeros


def _check(theta: Array, gradient: Array, *memory: Array) -> None:
    # 更新のたびに通るので、値は見ない。NaN は学習のループが止める。
    for name, array in (("theta", theta), ("gradient", gradient), *(("state", m) for m in memory)):
        if not isinstance(array, (np.ndarray, np.floating)) or array.dtype.kind != "f":
            kind = getattr(array, "dtype", type(array).__name__)
            raise TypeError(f"{name} は浮動小数点数の配列が必要ですが {kind} でした")
        check_same_shape(("theta", name), theta, array)
        if array.dtype != theta.dtype:
            both = f"{theta.dtype} と {array.dtype}"
            raise TypeError(f"theta と {name} は同じ dtype が必要ですが {both} でした")


def _parts(state: Any, *names: str) -> tuple[Any, ...]:
    if isinstance(state, tuple) and len(state) == len(names):
        return state
    came = f"長さ {len(state)} の組" if isinstance(state, tuple) else f" {type(state).__name__} "
    raise TypeError(f"state は ({', '.join(names)}) の組が必要ですが{came}でした")


@dataclass(frozen=True, slots=True)
class SGD:
    r"""勾配降下法。勾配に学習率を掛けた分だけ、逆向きへ進みます。

    $$\theta \leftarrow \theta - \varepsilon g$$

    一歩の長さは $\varepsilon \lVert g \rVert$ で、勾配が小さいところでは短くなります。
    $g$ が全データの勾配なら最急降下法 (GD)、1 個（広い意味では一部）のデータの勾配なら
    確率的勾配降下法 (SGD) です。
    覚えておくものがないので、状態は空の組 `()` です。

    Attributes:
        learning_rate: 学習率 ε（0 以上）。よい値は問題によるので、既定値はありません。

    Raises:
        TypeError: 学習率が数でないとき、θ や勾配が浮動小数点数の配列でないとき。
        ValueError: 学習率が負のとき、勾配の形が θ と違うとき。

    出典:
        Cauchy (1847) Méthode générale pour la résolution des systèmes d'équations simultanées
        （勾配降下法）。
        Robbins, Monro (1951) A Stochastic Approximation Method（確率的な場合）。
    """

    learning_rate: float

    def __post_init__(self) -> None:
        _settle(self)

    def init(self, theta: ArrayLike) -> tuple[()]:
        """空の組。覚えておくものはありません。"""
        as_finite("theta", theta)
        return ()

    def step(self, theta: Array, gradient: Array, state: tuple[()]) -> tuple[Array, tuple[()]]:
        """上の式による 1 回の更新。"""
        _check(theta, gradient)
        return theta - self.learning_rate * gradient, state


@dataclass(frozen=True, slots=True)
class Momentum:
    r"""Momentum（慣性項つきの勾配降下法）。過去の勾配を忘れながら足した $v$ の逆向きへ進みます。

    $$v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \varepsilon v$$

    勾配が $v$ に置き換わるので、進む向きも一歩の長さも変わります。
    学習率 $\varepsilon$ は変わりません。
    同じ勾配が続くと、1 回に進む距離は $1/(1-\mu)$ 倍に近づきます。

    Attributes:
        learning_rate: 学習率 ε（0 以上）。
        momentum: 慣性 μ（0 以上 1 未満）。0.9 は論文ではなく慣例による値です。

    Raises:
        TypeError: 設定が数でないとき、θ や勾配や状態が浮動小数点数の配列でないとき。
        ValueError: 設定が範囲の外のとき、勾配や状態の形が θ と違うとき。

    出典:
        Polyak (1964) Some methods of speeding up the convergence of iteration methods。
    """

    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _settle(self)

    def init(self, theta: ArrayLike) -> Array:
        """速度 $v=0$。形 (P,)。"""
        return _zeros(theta)

    def step(self, theta: Array, gradient: Array, state: Array) -> tuple[Array, Array]:
        """上の式による 1 回の更新。"""
        _check(theta, gradient, state)
        v = self.momentum * state + gradient
        return theta - self.learning_rate * v, v


@dataclass(frozen=True, slots=True)
class Nesterov:
    r"""Nesterov の加速勾配法。慣性で進んだ先の勾配を使います。

    $$v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \varepsilon (g + \mu v)$$

    論文の式は、今の点 $\phi$ から、速度 $q$ の慣性の分だけ先へ進んだ点で勾配を測ります。

    $$\begin{aligned}
    q &\leftarrow \mu q - \varepsilon \nabla E(\phi + \mu q) \\
    \phi &\leftarrow \phi + q
    \end{aligned}$$

    その先の点を $\theta=\phi+\mu q$ と呼び、$q=-\varepsilon v$ とおきます。
    更新した値に ′ を付けると、$v'=\mu v+g$ で、次のように上の式になります。

    $$\begin{aligned}
    \theta' &= \phi + q' + \mu q' = \theta - \mu q + (1+\mu)\,q' \\
    &= \theta - \varepsilon (v' - \mu v) - \varepsilon \mu v' \\
    &= \theta - \varepsilon (g + \mu v')
    \end{aligned}$$

    この形なら、勾配はいつも手元の θ で計算すれば済みます。

    Attributes:
        learning_rate: 学習率 ε（0 以上）。
        momentum: 慣性 μ（0 以上 1 未満）。0.9 は論文ではなく慣例による値です。

    Raises:
        TypeError: 設定が数でないとき、θ や勾配や状態が浮動小数点数の配列でないとき。
        ValueError: 設定が範囲の外のとき、勾配や状態の形が θ と違うとき。

    出典:
        Sutskever, Martens, Dahl, Hinton (2013)
        On the importance of initialization and momentum in deep learning 式 (3)(4)。
    """

    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _settle(self)

    def init(self, theta: ArrayLike) -> Array:
        """速度 $v=0$。形 (P,)。"""
        return _zeros(theta)

    def step(self, theta: Array, gradient: Array, state: Array) -> tuple[Array, Array]:
        """上の式による 1 回の更新。"""
        _check(theta, gradient, state)
        v = self.momentum * state + gradient
        return theta - self.learning_rate * (gradient + self.momentum * v), v


@dataclass(frozen=True, slots=True)
class AdaGrad:
    r"""AdaGrad。それまでの勾配の二乗の和 $h$ で、勾配に掛ける数を成分ごとに小さくしていきます。

    $$h \leftarrow h + g^2, \qquad \theta \leftarrow \theta - \varepsilon \frac{g}{\sqrt{h} + c}$$

    $h$ は減らないので、勾配に掛ける数 $\varepsilon/(\sqrt{h}+c)$ は大きくなりません。

    Attributes:
        learning_rate: 学習率 ε（0 以上）。論文に既定値はなく、0.01 は慣例による値です。
        epsilon: 0 で割らないための小さな数 c（正）。

    Raises:
        TypeError: 設定が数でないとき、θ や勾配や状態が浮動小数点数の配列でないとき。
        ValueError: 設定が範囲の外のとき、勾配や状態の形が θ と違うとき。

    出典:
        Duchi, Hazan, Singer (2011) Adaptive Subgradient Methods for Online Learning and
        Stochastic Optimization（行列を対角成分だけにしたもの）。
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        _settle(self)

    def init(self, theta: ArrayLike) -> Array:
        """二乗の和 $h=0$。形 (P,)。"""
        return _zeros(theta, self.epsilon)

    def step(self, theta: Array, gradient: Array, state: Array) -> tuple[Array, Array]:
        """上の式による 1 回の更新。"""
        _check(theta, gradient, state)
        h = state + gradient**2
        return theta - self.learning_rate * gradient / (np.sqrt(h) + self.epsilon), h


@dataclass(frozen=True, slots=True)
class RMSProp:
    r"""RMSProp。AdaGrad の和を、古い勾配を忘れていく移動平均 $h$ に替えたものです。

    $$\begin{aligned}
    h &\leftarrow \rho h + (1-\rho) g^2 \\
    \theta &\leftarrow \theta - \varepsilon \frac{g}{\sqrt{h} + c}
    \end{aligned}$$

    $h$ は減ることもあるので、$h$ が増え続けるせいで学習が止まることはありません。

    Attributes:
        learning_rate: 学習率 ε（0 以上）。Hinton の講義に既定値はなく、0.001 は慣例による値です。
        decay: 移動平均の係数 ρ（0 以上 1 未満）。0.9 は Hinton の講義の値です。
        epsilon: 0 で割らないための小さな数 c（正）。

    Raises:
        TypeError: 設定が数でないとき、θ や勾配や状態が浮動小数点数の配列でないとき。
        ValueError: 設定が範囲の外のとき、勾配や状態の形が θ と違うとき。

    出典:
        Tieleman, Hinton (2012) Lecture 6.5 — rmsprop: Divide the gradient by a running average
        of its recent magnitude, COURSERA: Neural Networks for Machine Learning。
    """

    learning_rate: float = 0.001
    decay: float = 0.9
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _settle(self)

    def init(self, theta: ArrayLike) -> Array:
        """二乗の移動平均 $h=0$。形 (P,)。"""
        return _zeros(theta, self.epsilon)

    def step(self, theta: Array, gradient: Array, state: Array) -> tuple[Array, Array]:
        """上の式による 1 回の更新。"""
        _check(theta, gradient, state)
        h = self.decay * state + (1 - self.decay) * gradient**2
        return theta - self.learning_rate * gradient / (np.sqrt(h) + self.epsilon), h


@dataclass(frozen=True, slots=True)
class Adadelta:
    r"""Adadelta。それまでの更新量の大きさ $\sqrt{s}$ を物差しに、次の更新量 $\Delta$ を決めます。

    $$h \leftarrow \rho h + (1-\rho) g^2, \qquad
    \Delta = -\frac{\sqrt{s + c}}{\sqrt{h + c}}\, g$$

    $$s \leftarrow \rho s + (1-\rho) \Delta^2, \qquad
    \theta \leftarrow \theta + \varepsilon \Delta$$

    Attributes:
        learning_rate: $\Delta$ に掛ける数 ε（0 以上）。論文にはない量で、1.0 ならないのと同じです。
        decay: 移動平均の係数 ρ（0 以上 1 未満）。0.95 は論文の実験の値です。
        epsilon: 最初の一歩を作る小さな数 c（正）。1e-6 は論文の実験の値です。

    Raises:
        TypeError: 設定が数でないとき、θ や勾配が浮動小数点数の配列でないとき、状態が組でないとき。
        ValueError: 設定が範囲の外のとき、勾配や状態の形が θ と違うとき。

    出典:
        Zeiler (2012) ADADELTA: An Adaptive Learning Rate Method Algorithm 1。
    """

    learning_rate: float = 1.0
    decay: float = 0.95
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        _settle(self)

    def init(self, theta: ArrayLike) -> tuple[Array, Array]:
        """二乗の移動平均 $(h, s)=(0, 0)$。どちらも形 (P,)。"""
        return _zeros(theta, self.epsilon), _zeros(theta, self.epsilon)

    def step(
        self, theta: Array, gradient: Array, state: tuple[Array, Array]
    ) -> tuple[Array, tuple[Array, Array]]:
        """上の式による 1 回の更新。"""
        h, s = _parts(state, "h", "s")
        _check(theta, gradient, h, s)
        h = self.decay * h + (1 - self.decay) * gradient**2
        delta = -np.sqrt(s + self.epsilon) / np.sqrt(h + self.epsilon) * gradient
        s = self.decay * s + (1 - self.decay) * delta**2
        return theta + self.learning_rate * delta, (h, s)


@dataclass(frozen=True, slots=True)
class Adam:
    r"""Adam。勾配の移動平均 $m$ の逆向きへ進む距離を、二乗の移動平均 $v$ で成分ごとに調節します。

    $$\begin{aligned}
    t &\leftarrow t + 1 \\
    m &\leftarrow \beta_1 m + (1-\beta_1) g \\
    v &\leftarrow \beta_2 v + (1-\beta_2) g^2
    \end{aligned}$$

    $$\begin{aligned}
    \hat{m} &= \frac{m}{1-\beta_1^t}, \qquad \hat{v} = \frac{v}{1-\beta_2^t} \\
    \theta &\leftarrow \theta - \varepsilon \frac{\hat{m}}{\sqrt{\hat{v}} + c}
    \end{aligned}$$

    $m$ と $v$ は 0 から始まるので、はじめのうち 0 に偏ります。
    $t$ 回目までの勾配に掛かる係数の和は $1-\beta^t$ なので、それで割って偏りを補正します。

    Attributes:
        learning_rate: 学習率 ε（0 以上）。
        beta1: $m$ の係数 β₁（0 以上 1 未満）。
        beta2: $v$ の係数 β₂（0 以上 1 未満）。
        epsilon: 0 で割らないための小さな数 c（正）。既定値は四つとも論文の値です。

    Raises:
        TypeError: 設定が数でないとき、θ や勾配が浮動小数点数の配列でないとき、状態が組でないとき。
        ValueError: 設定が範囲の外のとき、勾配や状態の形が θ と違うとき。

    出典:
        Kingma, Ba (2015) Adam: A Method for Stochastic Optimization Algorithm 1。
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _settle(self)

    def init(self, theta: ArrayLike) -> tuple[int, Array, Array]:
        """回数と移動平均 $(t, m, v)=(0, 0, 0)$。m と v は形 (P,)。"""
        return 0, _zeros(theta, self.epsilon), _zeros(theta, self.epsilon)

    def step(
        self, theta: Array, gradient: Array, state: tuple[int, Array, Array]
    ) -> tuple[Array, tuple[int, Array, Array]]:
        """上の式による 1 回の更新。"""
        t, m, v = _parts(state, "t", "m", "v")
        _check(theta, gradient, m, v)
        t = check_integer("t", t, least=0) + 1
        m = self.beta1 * m + (1 - self.beta1) * gradient
        v = self.beta2 * v + (1 - self.beta2) * gradient**2
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        return theta - self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon), (t, m, v)


def constant(t: int, *, learning_rate: float) -> float:
    r"""いつも同じ学習率。

    $$\varepsilon_t = \varepsilon_0$$

    Args:
        t: それまでに済んだ更新の回数（最初の更新では 0）。
        learning_rate: 学習率 $\varepsilon_0$。

    Returns:
        学習率 $\varepsilon_t$。

    Raises:
        TypeError: 引数が数や整数でないとき。
        ValueError: 引数が範囲の外のとき。

    出典:
        Robbins, Monro (1951) A Stochastic Approximation Method は、
        学習率を一定にせず 0 に近づけることを求めています。
    """
    check_integer("t", t, least=0)
    return check_non_negative("learning_rate", learning_rate)


def step_decay(t: int, *, learning_rate: float, every: int, factor: float = 0.1) -> float:
    r"""決まった回数ごとに、階段のように下がる学習率。

    $$\varepsilon_t = \varepsilon_0\, \gamma^{\lfloor t/T \rfloor}$$

    Args:
        t: それまでに済んだ更新の回数（最初の更新では 0）。
        learning_rate: 最初の学習率 $\varepsilon_0$。
        every: 下げる間隔 $T$（更新の回数、1 以上）。
        factor: 1 段ごとに掛ける数 $\gamma$（正。1 より小さければ下がります）。

    Returns:
        学習率 $\varepsilon_t$。

    Raises:
        TypeError: 引数が数や整数でないとき。
        ValueError: 引数が範囲の外のとき。

    出典:
        He, Zhang, Ren, Sun (2016) Deep Residual Learning for Image Recognition
        （誤差が下がらなくなるのを見て 10 分の 1 にする方法。この関数は回数だけで下げます）。
    """
    steps = check_integer("t", t, least=0) // check_integer("every", every, least=1)
    gamma = check_positive("factor", factor)
    with np.errstate(over="ignore", invalid="ignore"):
        rate = constant(t, learning_rate=learning_rate) * np.float64(gamma) ** float(steps)
    if not rate < np.inf:
        raise ValueError(f"factor は {steps} 乗してもあふれない数が必要ですが {gamma:g} でした")
    return float(rate)


def exponential_decay(t: int, *, learning_rate: float, factor: float) -> float:
    r"""1 回の更新ごとに、同じ割合で下がる学習率。

    $$\varepsilon_t = \varepsilon_0\, \gamma^t$$

    Args:
        t: それまでに済んだ更新の回数（最初の更新では 0）。
        learning_rate: 最初の学習率 $\varepsilon_0$。
        factor: 1 回ごとに掛ける数 $\gamma$（正。1 より小さければ下がります）。

    Returns:
        学習率 $\varepsilon_t$。

    Raises:
        TypeError: 引数が数や整数でないとき。
        ValueError: 引数が範囲の外のとき。

    出典:
        `step_decay` の間隔 $T$ を 1 にした式です。
    """
    return step_decay(t, learning_rate=learning_rate, every=1, factor=factor)


def cosine(t: int, *, learning_rate: float, iterations: int) -> float:
    r"""余弦の半周期に沿って、なめらかに 0 まで下がる学習率。

    $$\varepsilon_t = \frac{\varepsilon_0}{2}
    \left(1 + \cos\frac{\pi \min(t, T)}{T}\right)$$

    Args:
        t: それまでに済んだ更新の回数（最初の更新では 0）。
        learning_rate: 最初の学習率 $\varepsilon_0$。
        iterations: 0 になるまでの更新の回数 $T$（1 以上）。

    Returns:
        学習率 $\varepsilon_t$。

    Raises:
        TypeError: 引数が数や整数でないとき。
        ValueError: 引数が範囲の外のとき。

    出典:
        Loshchilov, Hutter (2017) SGDR: Stochastic Gradient Descent with Warm Restarts
        式 (5)（下限を 0 とし、再始動をしない場合）。
    """
    T = check_integer("iterations", iterations, least=1)
    angle = math.pi * min(check_integer("t", t, least=0), T) / T
    return check_non_negative("learning_rate", learning_rate) / 2 * (1 + math.cos(angle))
