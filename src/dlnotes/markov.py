r"""マルコフ連鎖と隠れマルコフモデル。

状態と観測は 0 から始まる整数で表します。言葉との対応は `dlnotes.encoding` の語彙が受け持ちます。
確率の積は対数の和として計算するので、長い系列でも 0 につぶれません。
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.arrays import (
    Array,
    IntArray,
    as_distribution,
    as_integers,
    check_instance,
    check_integer,
    check_non_negative,
    check_rng,
    check_shape,
)

__all__ = [
    "HiddenMarkovModel",
    "MarkovChain",
    "continue_sequence",
    "fit_markov_chain",
    "forward_log_probabilities",
    "joint_log_probability",
    "log_likelihood",
    "log_probability",
    "sample_hidden_markov",
    "sample_sequence",
    "viterbi",
]


@dataclass(frozen=True, slots=True, eq=False)
class MarkovChain:
    r"""次の状態が、いまの状態だけで決まる確率モデル。

    $$p(s_1,\dots,s_T) = \pi_{s_1} \prod_{t=2}^{T} A_{s_{t-1} s_t}$$

    Attributes:
        initial: 最初の状態の確率 $\pi$。形は (S,)、S は 2 以上。和は 1。
        transition: 遷移確率 $A_{ij} = p(s_t = j \mid s_{t-1} = i)$。形は (S, S)。各行の和は 1。

    Raises:
        TypeError: 実数の配列でないとき。
        ValueError: 形が合わないとき、負の値があるとき、和が 1 でないとき。

    出典:
        Shannon (1948) A Mathematical Theory of Communication、3 節。
        Bishop (2006) Pattern Recognition and Machine Learning、13.1 節。
    """

    initial: Array
    transition: Array

    def __post_init__(self) -> None:
        pi, A = _initial_and_transition(self.initial, self.transition)
        # 凍結した後でも、リストや整数で渡された値を配列に直せるのはここだけ。
        object.__setattr__(self, "initial", pi)
        object.__setattr__(self, "transition", A)


@dataclass(frozen=True, slots=True, eq=False)
class HiddenMarkovModel:
    r"""状態は隠れていて、状態ごとの確率で出た記号だけが見えるマルコフ連鎖。

    $$p(s, x) = \pi_{s_1} B_{s_1 x_1} \prod_{t=2}^{T} A_{s_{t-1} s_t} B_{s_t x_t}$$

    Attributes:
        initial: 最初の状態の確率 $\pi$。形は (S,)、S は 2 以上。和は 1。
        transition: 遷移確率 $A_{ij} = p(s_t = j \mid s_{t-1} = i)$。形は (S, S)。各行の和は 1。
        emission: 出力確率 $B_{im} = p(x_t = m \mid s_t = i)$。形は (S, M)、M は 2 以上。
            各行の和は 1。

    Raises:
        TypeError: 実数の配列でないとき。
        ValueError: 形が合わないとき、負の値があるとき、和が 1 でないとき。

    出典:
        Rabiner (1989) A Tutorial on Hidden Markov Models and Selected Applications in Speech
        Recognition、II 節。
    """

    initial: Array
    transition: Array
    emission: Array

    def __post_init__(self) -> None:
        pi, A = _initial_and_transition(self.initial, self.transition)
        B = as_distribution("emission", self.emission)
        check_shape("emission", B, (len(pi), "M"))
        object.__setattr__(self, "initial", pi)
        object.__setattr__(self, "transition", A)
        object.__setattr__(self, "emission", B)


def fit_markov_chain(
    sequences: Sequence[ArrayLike], states: int, *, pseudocount: float = 0.0
) -> MarkovChain:
    r"""マルコフ連鎖を、数え上げによる最尤推定で学びます。

    $$A_{ij} = \frac{n_{ij} + c}{\sum_{j'} (n_{ij'} + c)}$$

    $n_{ij}$ は状態 i の直後に状態 j が来た回数です。
    $\pi$ も、最初の状態の回数から同じ式で求めます。
    次の状態を一度も観測していない行は、どう選んでも尤度が変わらないので、一様分布にします。

    Args:
        sequences: 状態の列の並び。それぞれ 0 以上 S 未満の整数で、長さは違っていてもかまいません。
        states: 状態の数 S。2 以上。
        pseudocount: すべての回数に足す数 $c \ge 0$。0 なら最尤推定、1 ならラプラススムージング。

    Returns:
        学んだマルコフ連鎖。

    Raises:
        TypeError: sequences が並びでないとき、状態や states が整数でないとき、pseudocount が数で
            ないとき。
        ValueError: 系列が一つもないとき、状態が範囲の外のとき、states が 2 より
            小さいとき、pseudocount が負のとき。

    出典:
        Anderson, Goodman (1957) Statistical Inference about Markov Chains。
    """
    S = check_integer("states", states, least=2)
    c = check_non_negative("pseudocount", pseudocount)
    try:
        count = len(sequences)
    except TypeError as error:
        came = type(sequences).__name__
        raise TypeError(f"sequences は系列の並びが必要ですが {came} でした") from error
    if count == 0:
        raise ValueError("sequences は一つ以上の系列が必要ですが 0 個でした")
    starts, moves = np.zeros(S), np.zeros((S, S))
    for n, sequence in enumerate(sequences):
        s = _sequence(f"sequences[{n}]", sequence, S)
        starts[s[0]] += 1
        np.add.at(moves, (s[:-1], s[1:]), 1)
    return MarkovChain(_normalise(starts + c), _normalise(moves + c))


def log_probability(chain: MarkovChain, sequence: ArrayLike) -> float:
    r"""マルコフ連鎖が、ある状態の列を出す対数確率。

    $$\log p(s_1,\dots,s_T) = \log \pi_{s_1} + \sum_{t=2}^{T} \log A_{s_{t-1} s_t}$$

    Args:
        chain: マルコフ連鎖。
        sequence: 状態の列。形は (T,) の整数。

    Returns:
        対数確率（自然対数）。起こり得ない列では $-\infty$。

    Raises:
        TypeError: chain の種類が違うとき、状態が整数でないとき。
        ValueError: 列が空のとき、状態が範囲の外のとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、13.1 節。
    """
    check_instance("chain", chain, MarkovChain)
    s = _sequence("sequence", sequence, len(chain.initial))
    steps = _log(chain.transition[s[:-1], s[1:]])
    return float(_log(chain.initial[s[0]]) + steps.sum())


def sample_sequence(chain: MarkovChain, length: int, *, rng: np.random.Generator) -> IntArray:
    r"""マルコフ連鎖から、新しい状態の列を生成します。

    $$s_1 \sim \pi, \qquad s_t \sim A_{s_{t-1} \cdot}$$

    Args:
        chain: マルコフ連鎖。
        length: 生成する長さ T（1 以上）。
        rng: 乱数の源。

    Returns:
        状態の列。形は (T,) の整数。

    Raises:
        TypeError: chain の種類が違うとき、length が整数でないとき、rng が Generator でないとき。
        ValueError: length が 1 より小さいとき。

    出典:
        Shannon (1948) A Mathematical Theory of Communication、3 節。
    """
    check_instance("chain", chain, MarkovChain)
    T = check_integer("length", length, least=1)
    first = _draw(chain.initial, check_rng(rng))
    return np.array([first, *_walk(chain.transition, first, T - 1, rng)])


def continue_sequence(
    chain: MarkovChain, sequence: ArrayLike, length: int, *, rng: np.random.Generator
) -> IntArray:
    r"""与えられた状態の列の続きを生成します。使われるのは最後の状態だけです。

    $$s_{T+1} \sim p(s_{T+1} \mid s_1,\dots,s_T) = A_{s_T s_{T+1}}$$

    Args:
        chain: マルコフ連鎖。
        sequence: ここまでの状態の列。形は (T,) の整数。
        length: 続きの長さ（1 以上）。
        rng: 乱数の源。

    Returns:
        続きだけの状態の列。形は (length,) の整数。

    Raises:
        TypeError: chain の種類が違うとき、状態や length が整数でないとき、
            rng が Generator でないとき。
        ValueError: 列が空のとき、状態が範囲の外のとき、length が 1 より小さいとき。

    出典:
        Shannon (1948) A Mathematical Theory of Communication、3 節。
    """
    check_instance("chain", chain, MarkovChain)
    s = _sequence("sequence", sequence, len(chain.initial))
    T = check_integer("length", length, least=1)
    return _walk(chain.transition, int(s[-1]), T, check_rng(rng))


def sample_hidden_markov(
    model: HiddenMarkovModel, length: int, *, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    r"""隠れマルコフモデルから、状態の列と観測の列を生成します。

    $$s_1 \sim \pi, \qquad s_t \sim A_{s_{t-1} \cdot}, \qquad x_t \sim B_{s_t \cdot}$$

    Args:
        model: 隠れマルコフモデル。
        length: 生成する長さ T（1 以上）。
        rng: 乱数の源。

    Returns:
        (状態の列, 観測の列)。どちらも形は (T,) の整数。

    Raises:
        TypeError: model の種類が違うとき、length が整数でないとき、rng が Generator でないとき。
        ValueError: length が 1 より小さいとき。

    出典:
        Rabiner (1989) A Tutorial on Hidden Markov Models and Selected Applications in Speech
        Recognition、II 節。
    """
    check_instance("model", model, HiddenMarkovModel)
    s = sample_sequence(MarkovChain(model.initial, model.transition), length, rng=rng)
    return s, np.array([_draw(model.emission[state], rng) for state in s])


def joint_log_probability(
    model: HiddenMarkovModel, states: ArrayLike, observations: ArrayLike
) -> float:
    r"""隠れた状態の列と観測の列が、ともに起こる対数確率。

    $$\begin{aligned}
    \log p(s, x) = {}&\log p(s_1,\dots,s_T) \\
    &+ \sum_{t=1}^{T} \log B_{s_t x_t}
    \end{aligned}$$

    Args:
        model: 隠れマルコフモデル。
        states: 状態の列。形は (T,) の整数。
        observations: 観測の列。形は (T,) の整数。

    Returns:
        対数確率（自然対数）。起こり得ない組では $-\infty$。

    Raises:
        TypeError: model の種類が違うとき、列が整数でないとき。
        ValueError: 列が空のとき、長さが違うとき、値が範囲の外のとき。

    出典:
        Rabiner (1989) A Tutorial on Hidden Markov Models and Selected Applications in Speech
        Recognition、III 節 A。
    """
    check_instance("model", model, HiddenMarkovModel)
    s = _sequence("states", states, len(model.initial))
    x = _sequence("observations", observations, model.emission.shape[1])
    if len(s) != len(x):
        raise ValueError(
            f"states と observations は同じ長さが必要ですが {len(s)} と {len(x)} でした"
        )
    emitted = _log(model.emission[s, x]).sum()
    return log_probability(MarkovChain(model.initial, model.transition), s) + float(emitted)


def forward_log_probabilities(model: HiddenMarkovModel, observations: ArrayLike) -> Array:
    r"""前向きアルゴリズム。時刻 t までの観測と、時刻 t の状態がともに起こる対数確率。

    $$\begin{aligned}
    \alpha_t(j) &= p(x_1,\dots,x_t,\, s_t = j) \\
    &= \left(\sum_i \alpha_{t-1}(i) A_{ij}\right) B_{j x_t}
    \end{aligned}$$

    経路は $S^T$ 本ありますが、和を時刻ごとにまとめるので、手間は $S^2 T$ に比例します。

    Args:
        model: 隠れマルコフモデル。
        observations: 観測の列。形は (T,) の整数。

    Returns:
        $\log \alpha$。形は (T, S)。起こり得ない組では $-\infty$。

    Raises:
        TypeError: model の種類が違うとき、列が整数でないとき。
        ValueError: 列が空のとき、値が範囲の外のとき。

    出典:
        Rabiner (1989) A Tutorial on Hidden Markov Models and Selected Applications in Speech
        Recognition、III 節 A の前向き手順。
    """
    check_instance("model", model, HiddenMarkovModel)
    x = _sequence("observations", observations, model.emission.shape[1])
    log_A, log_B = _log(model.transition), _log(model.emission)
    log_alpha = np.empty((len(x), len(log_A)), dtype=log_A.dtype)
    log_alpha[0] = _log(model.initial) + log_B[:, x[0]]
    for t in range(1, len(x)):
        log_sum = np.logaddexp.reduce(log_alpha[t - 1][:, None] + log_A, axis=0)
        log_alpha[t] = log_sum + log_B[:, x[t]]
    return log_alpha


def log_likelihood(model: HiddenMarkovModel, observations: ArrayLike) -> float:
    r"""観測の列の対数尤度。隠れた状態のあらゆる列にわたる和。

    $$\log p(x_1,\dots,x_T) = \log \sum_j \alpha_T(j)$$

    Args:
        model: 隠れマルコフモデル。
        observations: 観測の列。形は (T,) の整数。

    Returns:
        対数尤度（自然対数）。起こり得ない列では $-\infty$。

    Raises:
        TypeError: model の種類が違うとき、列が整数でないとき。
        ValueError: 列が空のとき、値が範囲の外のとき。

    出典:
        Rabiner (1989) A Tutorial on Hidden Markov Models and Selected Applications in Speech
        Recognition、III 節 A。
    """
    return float(np.logaddexp.reduce(forward_log_probabilities(model, observations)[-1]))


def viterbi(model: HiddenMarkovModel, observations: ArrayLike) -> tuple[IntArray, float]:
    r"""ビタビアルゴリズム。観測の列から、最も確からしい状態の列を求めます。

    $$\omega_t(j) = \max_i \bigl(\omega_{t-1}(i) + \log A_{ij}\bigr) + \log B_{j x_t}$$

    $\omega_t(j)$ は、時刻 t で状態が j になる列と、時刻 t までの観測がともに起こる
    対数確率の最大値です。

    Args:
        model: 隠れマルコフモデル。
        observations: 観測の列。形は (T,) の整数。

    Returns:
        (状態の列, その列と観測がともに起こる対数確率)。状態の列の形は (T,) の整数。
        起こり得ない観測では対数確率が $-\infty$ になり、状態の列に意味はありません。

    Raises:
        TypeError: model の種類が違うとき、列が整数でないとき。
        ValueError: 列が空のとき、値が範囲の外のとき。

    出典:
        Viterbi (1967) Error Bounds for Convolutional Codes and an Asymptotically Optimum Decoding
        Algorithm。
        Rabiner (1989) A Tutorial on Hidden Markov Models and Selected Applications in Speech
        Recognition、III 節 B。
    """
    check_instance("model", model, HiddenMarkovModel)
    x = _sequence("observations", observations, model.emission.shape[1])
    log_A, log_B = _log(model.transition), _log(model.emission)
    omega = _log(model.initial) + log_B[:, x[0]]
    came_from = np.zeros((len(x), len(omega)), dtype=np.int64)
    for t in range(1, len(x)):
        scores = omega[:, None] + log_A
        came_from[t] = scores.argmax(axis=0)
        omega = scores.max(axis=0) + log_B[:, x[t]]
    s = np.empty(len(x), dtype=np.int64)
    s[-1] = omega.argmax()
    for t in range(len(x) - 1, 0, -1):
        s[t - 1] = came_from[t, s[t]]
    return s, float(omega.max())


def _walk(A: Array, state: int, length: int, rng: np.random.Generator) -> IntArray:
    s = np.empty(length, dtype=np.int64)
    for t in range(length):
        s[t] = state = _draw(A[state], rng)
    return s


def _draw(p: Array, rng: np.random.Generator) -> int:
    # choice は和のずれに入口の検査より厳しいので、ちょうど 1 に直してから渡す。
    exact = p.astype(np.float64)
    return int(rng.choice(len(p), p=exact / exact.sum()))


def _log(p: Array) -> Array:
    # 起こり得ない遷移の log 0 = −∞ は正しい値なので、警告しない。
    with np.errstate(divide="ignore"):
        log_p: Array = np.log(p)
    return log_p


def _normalise(counts: Array) -> Array:
    empty = counts.sum(axis=-1, keepdims=True) == 0
    filled = np.where(empty, 1.0, counts)
    rows: Array = filled / filled.sum(axis=-1, keepdims=True)
    return rows


def _sequence(name: str, sequence: ArrayLike, K: int) -> IntArray:
    s = as_integers(name, sequence)
    check_shape(name, s, ("T",))
    if s.min() < 0 or s.max() >= K:
        raise ValueError(f"{name} は 0 以上 {K} 未満の整数が必要ですが {s.min()}〜{s.max()} でした")
    return s


def _initial_and_transition(initial: ArrayLike, transition: ArrayLike) -> tuple[Array, Array]:
    pi, A = as_distribution("initial", initial), as_distribution("transition", transition)
    check_shape("initial", pi, ("S",))
    check_shape("transition", A, (len(pi), len(pi)))
    return pi, A
