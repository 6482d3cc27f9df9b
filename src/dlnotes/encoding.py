"""ものを数に変え、数からものに戻します。クラス、語、音、盤面、単位のそろわない特徴量。"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.arrays import (
    Array,
    IntArray,
    as_finite,
    as_integers,
    check_function,
    check_instance,
    check_integer,
    check_positive,
    check_same_shape,
    check_shape,
)

__all__ = [
    "Standardizer",
    "board_from_planes",
    "board_planes",
    "build_vocabulary",
    "dequantize_wave",
    "fit_standardizer",
    "from_one_hot",
    "one_hot",
    "quantize_wave",
    "sample_wave",
    "standardize",
    "token_ids",
    "tokens_from_ids",
    "unstandardize",
]


def one_hot(indices: ArrayLike, K: int) -> Array:
    r"""クラスの番号を、その番号だけが 1 のベクトルにします。

    $$d_{nk} = \begin{cases} 1 & (k = c_n) \\ 0 & (k \ne c_n) \end{cases}$$

    Args:
        indices: クラスの番号 c。整数、形は (N,)、0 以上 K 未満。
        K: クラスの数。2 以上。

    Returns:
        形 (N, K)、float64。

    Raises:
        TypeError: indices や K が整数でないとき。
        ValueError: 形が違うとき、番号が範囲の外のとき、K が 2 に満たないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、2.2 節（1-of-K 符号化）。
    """
    c = as_integers("indices", indices)
    check_shape("indices", c, ("N",))
    K = check_integer("K", K, least=2)
    _check_range("indices", c, K)
    d = np.zeros((c.size, K))
    d[np.arange(c.size), c] = 1
    return d


def from_one_hot(labels: ArrayLike) -> IntArray:
    r"""one-hot の行から、クラスの番号に戻します。

    $$c_n = \mathrm{argmax}_k\, d_{nk}$$

    Args:
        labels: one-hot の正解。形は (N, K)、各行は一つが 1 でほかは 0。

    Returns:
        クラスの番号。形は (N,)。

    Raises:
        TypeError: labels が実数でないとき。
        ValueError: 形が違うとき、one-hot でない行があるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、2.2 節（1-of-K 符号化）。
    """
    d = as_finite("labels", labels)
    check_shape("labels", d, ("N", "K"))
    is_one_hot = ((d == 0) | (d == 1)).all(axis=1) & (d.sum(axis=1) == 1)
    if not is_one_hot.all():
        n = int(np.argmin(is_one_hot))
        raise ValueError(f"labels[{n}] は one-hot の行が必要ですが {d[n].tolist()} でした")
    c: IntArray = d.argmax(axis=1)
    return c


@dataclass(frozen=True, slots=True, eq=False)
class Standardizer:
    r"""標準化に使う平均と尺度。訓練データから求め、テストデータにも同じものを使います。

    $$x'_{ni} = \frac{x_{ni} - \mu_i}{s_i}$$

    Attributes:
        mean: 特徴量ごとの平均 μ。形は (D,)、単位は特徴量と同じ。
        scale: 特徴量ごとの尺度 s。形は (D,)、正の数、単位は特徴量と同じ。

    Raises:
        TypeError: 実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、scale に 0 以下の値があるとき。

    出典:
        LeCun, Bottou, Orr, Müller (1998) Efficient BackProp、4.3 節。
    """

    mean: Array
    scale: Array

    def __post_init__(self) -> None:
        mean, scale = as_finite("mean", self.mean), as_finite("scale", self.scale)
        check_shape("mean", mean, ("D",))
        check_same_shape(("mean", "scale"), mean, scale)
        if scale.min() <= 0:
            raise ValueError(f"scale は正の値が必要ですが {scale.min():g} がありました")
        # 凍結した後でも、リストや整数で渡された値を配列に直せるのはここだけ。
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "scale", scale)


def fit_standardizer(x: ArrayLike) -> Standardizer:
    r"""データから、特徴量ごとの平均と標準偏差を求めます。

    $$\begin{aligned}
    \mu_i &= \frac{1}{N} \sum_{n=1}^{N} x_{ni} \\
    s_i &= \sqrt{\frac{1}{N} \sum_{n=1}^{N} (x_{ni} - \mu_i)^2}
    \end{aligned}$$

    値が一つしかない列は、0 で割らないように s = 1 とします（標準化すると 0 になります）。

    Args:
        x: データ。形は (N, D)。

    Returns:
        平均と尺度。

    Raises:
        TypeError: x が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        LeCun, Bottou, Orr, Müller (1998) Efficient BackProp、4.3 節。
    """
    x = as_finite("x", x)
    check_shape("x", x, ("N", "D"))
    # 列ごとに 2 の累乗で割って 1 以下にすれば、二乗があふれも、0 に落ちもしない。
    _, e = np.frexp(abs(x).max(axis=0))
    # float32 のまま足すと、多くのサンプルの和では丸め誤差が積もる。
    z = np.ldexp(x.astype(np.float64), -e)
    mean, scale = (np.ldexp(part, e).astype(x.dtype) for part in (z.mean(axis=0), z.std(axis=0)))
    # 同じ値の列でも、平均の丸めで標準偏差がちょうど 0 にならないことがある。
    varies = (np.ptp(z, axis=0) > 0) & (scale > 0)
    return Standardizer(np.where(varies, mean, x[0]), np.where(varies, scale, 1))


def standardize(x: ArrayLike, standardizer: Standardizer) -> Array:
    r"""訓練データの平均を 0、標準偏差を 1 とする尺度に変えます。

    単位の違う特徴量が、同じ重さで扱われます。

    $$x'_{ni} = \frac{x_{ni} - \mu_i}{s_i}$$

    Args:
        x: データ。形は (N, D)。
        standardizer: fit_standardizer で求めた平均と尺度。

    Returns:
        標準化した値。形は (N, D)、単位はなし。

    Raises:
        TypeError: x が実数でないとき、standardizer が Standardizer でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        LeCun, Bottou, Orr, Müller (1998) Efficient BackProp、4.3 節。
    """
    x = _check_features(x, standardizer)
    return (x - standardizer.mean) / standardizer.scale


def unstandardize(x: ArrayLike, standardizer: Standardizer) -> Array:
    r"""標準化した値を、元の単位に戻します。

    $$x_{ni} = \mu_i + s_i x'_{ni}$$

    Args:
        x: 標準化した値 x′。形は (N, D)。
        standardizer: 標準化に使った平均と尺度。

    Returns:
        元の単位の値。形は (N, D)。

    Raises:
        TypeError: x が実数でないとき、standardizer が Standardizer でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        LeCun, Bottou, Orr, Müller (1998) Efficient BackProp、4.3 節。
    """
    x = _check_features(x, standardizer)
    return standardizer.mean + standardizer.scale * x


def build_vocabulary(tokens: Sequence[str]) -> tuple[str, ...]:
    r"""語の列に現れる語を、初めて現れた順に一度ずつ並べます。

    $$V = (v_0, v_1, \ldots, v_{\lvert V \rvert - 1})$$

    Args:
        tokens: 語の列。

    Returns:
        語彙。位置が語の番号になります。

    Raises:
        TypeError: 文字列の列でないとき。
        ValueError: 空のとき。

    出典:
        Bengio, Ducharme, Vincent, Jauvin (2003) A Neural Probabilistic Language Model、2 節。
    """
    return tuple(dict.fromkeys(_check_tokens("tokens", tokens)))


def token_ids(tokens: Sequence[str], vocabulary: Sequence[str]) -> IntArray:
    r"""語の列を、語彙の中の番号の列に変えます。

    $$i_t = k \quad (w_t = v_k)$$

    Args:
        tokens: 語の列 w。長さ T。
        vocabulary: 語彙 v。

    Returns:
        番号。形は (T,)。

    Raises:
        TypeError: 文字列の列でないとき。
        ValueError: 空のとき、語彙にない語があるとき、語彙に同じ語が 2 回あるとき。

    出典:
        Bengio, Ducharme, Vincent, Jauvin (2003) A Neural Probabilistic Language Model、2 節。
    """
    words = _check_tokens("tokens", tokens)
    number = {word: k for k, word in enumerate(_check_vocabulary(vocabulary))}
    for word in words:
        if word not in number:
            raise ValueError(f"tokens は語彙にある語が必要ですが {word!r} がありました")
    return np.array([number[word] for word in words])


def tokens_from_ids(ids: ArrayLike, vocabulary: Sequence[str]) -> tuple[str, ...]:
    r"""番号の列を、語の列に戻します。

    $$w_t = v_{i_t}$$

    Args:
        ids: 番号 i。整数、形は (T,)。
        vocabulary: 語彙 v。

    Returns:
        語の列。長さ T。

    Raises:
        TypeError: ids が整数でないとき、語彙が文字列の列でないとき。
        ValueError: 形が違うとき、番号が語彙の外のとき、語彙に同じ語が 2 回あるとき。

    出典:
        Bengio, Ducharme, Vincent, Jauvin (2003) A Neural Probabilistic Language Model、2 節。
    """
    i, words = as_integers("ids", ids), _check_vocabulary(vocabulary)
    check_shape("ids", i, ("T",))
    _check_range("ids", i, len(words))
    return tuple(words[k] for k in i)


def sample_wave(wave: Callable[[Array], Array], *, duration: float, rate: float) -> Array:
    r"""連続な波を、一定の間隔で測った値の列にします（標本化）。

    $$x_t = g\left(\frac{t}{r}\right), \qquad t = 0, 1, \ldots, \lceil T r \rceil - 1$$

    Args:
        wave: 時刻（秒）の配列を、波の値の配列にする関数 g（math.sin でなく np.sin のような）。
        duration: 長さ T。秒。
        rate: 標本化周波数 r。1 秒あたりの回数。

    Returns:
        測った値。形は (⌈Tr⌉,)。Tr の丸め誤差は切り上げません。

    Raises:
        TypeError: wave が関数でないとき、duration や rate や波の値が実数でないとき。
        ValueError: duration や rate が正でないとき、波の値が有限でないとき、形が違うとき。

    出典:
        Shannon (1949) Communication in the Presence of Noise。
    """
    check_function("wave", wave)
    T, r = check_positive("duration", duration), check_positive("rate", rate)
    # 0.07 × 100 は 7.000000000000001 になる。この丸め誤差を切り上げると、値が一つ余る。
    rounding = 4 * np.finfo(np.float64).eps
    t = np.arange(np.ceil(T * r * (1 - rounding))) / r
    x = as_finite("wave(t)", wave(t))
    check_shape("wave(t)", x, t.shape)
    return x


def quantize_wave(wave: ArrayLike, *, bits: int) -> IntArray:
    r"""−1 から 1 までの波の値を、B ビットの整数に丸めます（量子化）。

    $$q_t = \mathrm{round}\left(\frac{x_t + 1}{2}\,(2^B - 1)\right)$$

    ちょうど中間の値は、偶数のほうに丸めます。

    Args:
        wave: 波の値 x。−1 以上 1 以下。形は (T,)。
        bits: ビット数 B。1 以上 32 以下。

    Returns:
        0 以上、2 の B 乗未満の整数。形は (T,)。

    Raises:
        TypeError: wave が実数でないとき、bits が整数でないとき。
        ValueError: 形や範囲が違うとき。

    出典:
        Bennett (1948) Spectra of Quantized Signals。
    """
    x, top = as_finite("wave", wave), _highest_code(bits)
    check_shape("wave", x, ("T",))
    if np.abs(x).max() > 1:
        raise ValueError(f"wave は −1 以上 1 以下の値が必要ですが絶対値 {np.abs(x).max()} でした")
    return np.round((x.astype(np.float64) + 1) / 2 * top).astype(np.int64)


def dequantize_wave(codes: ArrayLike, *, bits: int) -> Array:
    r"""B ビットの整数を、−1 から 1 までの波の値に戻します。

    $$x_t = \frac{2 q_t}{2^B - 1} - 1$$

    元の値とのずれは、目盛りの間隔 2/(2ᴮ − 1) の半分、1/(2ᴮ − 1) 以下です。

    Args:
        codes: 整数 q。0 以上、2 の B 乗未満。形は (T,)。
        bits: ビット数 B。1 以上 32 以下。

    Returns:
        波の値。形は (T,)、float64。

    Raises:
        TypeError: codes や bits が整数でないとき。
        ValueError: 形や範囲が違うとき。

    出典:
        Bennett (1948) Spectra of Quantized Signals。
    """
    q, top = as_integers("codes", codes), _highest_code(bits)
    check_shape("codes", q, ("T",))
    _check_range("codes", q, top + 1)
    return 2 * q.astype(np.float64) / top - 1


def board_planes(rows: Sequence[str]) -> Array:
    r"""碁盤の石を、黒石 X の面と白石 O の面の二枚にします。石は線の交点に置きます。

    $$x_{chw} = \begin{cases} 1 & (\text{交点}\ (h, w)\ \text{に石}\ c\ \text{がある}) \\
      0 & (\text{ない}) \end{cases}$$

    Args:
        rows: 盤面の行。各文字は黒石の "X"、白石の "O"、空きの "."。行の長さは同じ。

    Returns:
        形 (2, H, W)、float64。0 枚目が X、1 枚目が O。

    Raises:
        TypeError: 文字列の列でないとき。
        ValueError: 空のとき、行の長さがそろわないとき、ほかの文字があるとき。

    出典:
        Silver, Huang, Maddison, et al. (2016) Mastering the game of Go with deep neural networks
        and tree search。
    """
    rows = _check_tokens("rows", rows)
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        raise ValueError(f"rows は長さのそろった行が必要ですが {rows} でした")
    if extra := set("".join(rows)) - set("XO."):
        raise ValueError(f"rows は X、O、. だけが必要ですが {min(extra)!r} がありました")
    cells = np.array([list(row) for row in rows])
    return np.stack([cells == "X", cells == "O"]).astype(np.float64)


def board_from_planes(planes: ArrayLike) -> tuple[str, ...]:
    r"""二枚の面から、盤面の行に戻します。board_planes の逆です。

    $$s_{hw} = \begin{cases} \text{X} & (x_{0hw} = 1) \\ \text{O} & (x_{1hw} = 1) \\
      \text{.} & (x_{0hw} = x_{1hw} = 0) \end{cases}$$

    Args:
        planes: 石の面。形は (2, H, W)、値は 0 か 1。同じ交点に二つの石はありません。

    Returns:
        盤面の行。各文字は "X"、"O"、"."。

    Raises:
        TypeError: planes が実数でないとき。
        ValueError: 形が違うとき、0 と 1 のほかの値があるとき、石が重なるとき。

    出典:
        Silver, Huang, Maddison, et al. (2016) Mastering the game of Go with deep neural networks
        and tree search。
    """
    x = as_finite("planes", planes)
    check_shape("planes", x, (2, "H", "W"))
    if not np.isin(x, (0, 1)).all():
        raise ValueError("planes は 0 か 1 の値が必要ですが、ほかの値がありました")
    if (x.sum(axis=0) > 1).any():
        raise ValueError("planes は一つの交点に一つの石が必要ですが、X と O が重なっていました")
    cells = np.where(x[0] == 1, "X", np.where(x[1] == 1, "O", "."))
    return tuple("".join(row) for row in cells)


def _check_features(x: ArrayLike, standardizer: Standardizer) -> Array:
    check_instance("standardizer", standardizer, Standardizer)
    x = as_finite("x", x)
    check_shape("x", x, ("N", standardizer.mean.size))
    return x


def _check_range(name: str, numbers: IntArray, end: int) -> None:
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high >= end:
        worst = low if low < 0 else high
        raise ValueError(f"{name} は 0 以上 {end} 未満の整数が必要ですが {worst} がありました")


def _check_tokens(name: str, tokens: Sequence[str]) -> tuple[str, ...]:
    if isinstance(tokens, str) or not isinstance(tokens, Iterable):
        raise TypeError(f"{name} は文字列の列が必要ですが {type(tokens).__name__} が一つでした")
    # 集合には順がなく、辞書の値は番号として使わない。どちらも、黙って違う番号になる。
    if isinstance(tokens, Set | Mapping):
        raise TypeError(f"{name} は文字列の列が必要ですが {type(tokens).__name__} でした")
    checked = tuple(tokens)
    if not checked:
        raise ValueError(f"{name} は 1 個以上の文字列が必要ですが空でした")
    for token in checked:
        if not isinstance(token, str):
            raise TypeError(f"{name} は文字列の列が必要ですが {type(token).__name__} がありました")
    return checked


def _check_vocabulary(vocabulary: Sequence[str]) -> tuple[str, ...]:
    words = _check_tokens("vocabulary", vocabulary)
    if len(set(words)) < len(words):
        raise ValueError("vocabulary は重なりのない語が必要ですが、同じ語が 2 回ありました")
    return words


def _highest_code(bits: int) -> int:
    bits = check_integer("bits", bits, least=1)
    if bits > 32:
        raise ValueError(f"bits は 32 以下の整数が必要ですが {bits} でした")
    return (1 << bits) - 1
