"""入口の検査。どのモジュールも、受け取った値をここで一度だけ確かめます。"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from numbers import Integral, Real
from types import FunctionType
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "Array",
    "IntArray",
    "as_distribution",
    "as_finite",
    "as_floating",
    "as_floating_dtype",
    "as_integers",
    "as_unit_interval",
    "check_choice",
    "check_fraction",
    "check_integer",
    "check_non_negative",
    "check_positive",
    "check_rng",
    "check_same_shape",
    "check_shape",
    "checked",
]

P = ParamSpec("P")
R = TypeVar("R")

Array: TypeAlias = NDArray[np.floating]
"""浮動小数点数の配列。float32 と float64 のどちらも、入ってきた精度のまま計算します。"""

IntArray: TypeAlias = NDArray[np.integer]
"""整数の配列。クラスの番号や語の番号に使います。"""

# float32 の確率 1,000 個を足した丸め誤差（約 1e-6）は通し、書き間違いは止める幅。
_SUM_TOLERANCE = 1e-5

_FLOATS = (np.float32, np.float64)


def checked(
    check: Callable[P, Mapping[str, Any]],
) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """関数の前に付ける飾り。引数を検査してから本体を呼ぶので、本体には式だけを書けます。

    学習のように何度も呼ぶ計算では、入口で検査した後、inspect.unwrap で取り出した本体を呼びます。

    Args:
        check: 本体と同じ引数を受け取り、検査の済んだ引数を、名前ごとに返す関数。

    Returns:
        関数を、検査の付いた関数にする飾り。

    Raises:
        TypeError: check が関数でないとき。

    出典:
        本サイトの「記法」。
    """
    if not isinstance(check, FunctionType):
        raise TypeError(f"check は関数が必要ですが {_kind(check)} でした")

    def decorate(function: Callable[..., R]) -> Callable[P, R]:
        named = _renamed(check, function.__qualname__)

        @wraps(function)
        def boundary(*args: P.args, **kwargs: P.kwargs) -> R:
            return function(**named(*args, **kwargs))

        return boundary

    return decorate


def as_floating(name: str, value: ArrayLike) -> Array:
    """実数の配列にします。float32 と float64 は複製せずに返り、ほかの実数は float64 になります。

    Args:
        name: エラーの文に出す引数の名前。
        value: 数、リスト、配列。形は任意。

    Returns:
        value と同じ形の浮動小数点数の配列。無限大は含んでいてもかまいません。

    Raises:
        TypeError: 実数でない（複素数、文字列、オブジェクト）とき。
        ValueError: 空のとき、行の長さがそろわないとき、NaN を含むとき。

    出典:
        本サイトの「記法」。
    """
    array = _as_real(name, value)
    if np.isnan(array).any():
        raise ValueError(f"{name} は NaN のない値が必要ですが NaN が含まれていました")
    return array


def as_finite(name: str, value: ArrayLike) -> Array:
    """有限の実数だけの配列にします。無限大も断るほかは as_floating と同じです。

    Args:
        name: エラーの文に出す引数の名前。
        value: 数、リスト、配列。形は任意。

    Returns:
        value と同じ形の浮動小数点数の配列。

    Raises:
        TypeError: 実数でないとき。
        ValueError: 空のとき、NaN や無限大を含むとき。

    出典:
        本サイトの「記法」。
    """
    array = _as_real(name, value)
    if not all_finite(array):
        raise ValueError(f"{name} は有限の値が必要ですが NaN か無限大が含まれていました")
    return array


def as_floating_dtype(dtype: DTypeLike) -> np.dtype[np.floating]:
    """float32 か float64 であることを確かめます。

    Args:
        dtype: 調べる dtype（例: numpy.float32）。

    Returns:
        NumPy の dtype。

    Raises:
        TypeError: float32 でも float64 でもないとき（省略とみなされる None も断ります）。

    出典:
        本サイトの「記法」。
    """
    try:
        floating: np.dtype[Any] = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype は float32 か float64 が必要ですが {dtype!r} でした") from error
    # NumPy は None を float64 とみなす。
    if dtype is None or floating.type not in _FLOATS:
        came = None if dtype is None else floating
        raise TypeError(f"dtype は float32 か float64 が必要ですが {came} でした")
    return floating


def as_integers(name: str, value: ArrayLike) -> IntArray:
    """整数の配列にします。小数を丸めて通すことはしません。

    Args:
        name: エラーの文に出す引数の名前。
        value: 整数、整数のリスト、整数の配列。形は任意。

    Returns:
        value と同じ形の整数の配列。

    Raises:
        TypeError: 整数でないとき（真偽値も断ります）。
        ValueError: 空のとき、行の長さがそろわないとき。

    出典:
        本サイトの「記法」。
    """
    array = _as_array(name, value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} は整数の配列が必要ですが dtype が {array.dtype} でした")
    return array


def as_distribution(name: str, value: ArrayLike) -> Array:
    r"""各行が確率分布である配列にします。

    $$y_k \ge 0, \qquad \sum_{k=1}^{K} y_k = 1, \qquad K \ge 2$$

    Args:
        name: エラーの文に出す引数の名前。
        value: 確率。形は (K,) か (N, K)。和は 1 から 1e-5 までのずれを許します。

    Returns:
        value と同じ形の浮動小数点数の配列。

    Raises:
        TypeError: 実数でないとき。
        ValueError: 形が違うとき、K が 1 のとき、負の値があるとき、和が 1 でないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、1.2 節。
    """
    y = as_finite(name, value)
    check_shape(name, y, ("K",), ("N", "K"))
    if y.shape[-1] < 2:
        raise ValueError(f"{name} は 2 個以上のクラスが必要ですが {_text(y.shape)} でした")
    if y.min() < 0:
        raise ValueError(f"{name} は 0 以上の確率が必要ですが {y.min():g} がありました")
    # float32 のまま足すと、K が大きいときに、正しい確率の和も 1 から外れる。
    total = np.einsum("...k->...", y, dtype=np.float64)
    worst = np.ravel(total)[np.argmax(np.abs(total - 1))]
    if abs(worst - 1) > _SUM_TOLERANCE:
        raise ValueError(f"{name} は各行の和が 1 の確率が必要ですが和が {worst:g} でした")
    return y


def as_unit_interval(name: str, value: ArrayLike) -> Array:
    r"""0 以上 1 以下の値だけの配列にします。二値の確率と、その正解に使います。

    $$0 \le v \le 1$$

    Args:
        name: エラーの文に出す引数の名前。
        value: 確率。形は任意。

    Returns:
        value と同じ形の浮動小数点数の配列。

    Raises:
        TypeError: 実数でないとき。
        ValueError: 空のとき、NaN や無限大を含むとき、0 から 1 までの外の値があるとき。

    出典:
        本サイトの「記法」。
    """
    y = as_finite(name, value)
    low, high = y.min(), y.max()
    if low < 0 or high > 1:
        worst = low if low < 0 else high
        raise ValueError(f"{name} は 0 以上 1 以下の値が必要ですが {worst} がありました")
    return y


def check_shape(name: str, array: NDArray[Any], *shapes: tuple[int | str, ...]) -> None:
    """配列の形が、挙げた形のどれかに合うことを確かめます。

    Args:
        name: エラーの文に出す引数の名前。
        array: 調べる配列。
        *shapes: 許す形。文字は 1 以上の任意の長さを表します（例: ("N", 3)）。

    Raises:
        ValueError: どの形にも合わないとき。

    出典:
        本サイトの「記法」。
    """
    if not any(_fits(array.shape, shape) for shape in shapes):
        wanted = " か ".join(_text(shape) for shape in shapes)
        raise ValueError(f"{name} は {wanted} の形が必要ですが {_text(array.shape)} でした")


def check_same_shape(names: tuple[str, str], a: NDArray[Any], b: NDArray[Any]) -> None:
    """二つの配列の形が等しいことを確かめます。ブロードキャストはしません。

    Args:
        names: エラーの文に出す二つの名前。
        a: 一つ目の配列。
        b: 二つ目の配列。

    Raises:
        ValueError: 形が違うとき。

    出典:
        本サイトの「記法」。
    """
    if a.shape != b.shape:
        raise ValueError(
            f"{names[0]} と {names[1]} は同じ形が必要ですが"
            f" {_text(a.shape)} と {_text(b.shape)} でした"
        )


def check_positive(name: str, value: float) -> float:
    r"""正の有限の数であることを確かめます。

    $$0 < v < \infty$$

    Args:
        name: エラーの文に出す引数の名前。
        value: 調べる数。

    Returns:
        Python の float。

    Raises:
        TypeError: 数でないとき。
        ValueError: 0 以下、NaN、無限大のとき。

    出典:
        本サイトの「記法」。
    """
    number = as_number(name, value)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} は正の数が必要ですが {number:g} でした")
    return number


def check_non_negative(name: str, value: float) -> float:
    r"""0 以上の有限の数であることを確かめます。

    $$0 \le v < \infty$$

    Args:
        name: エラーの文に出す引数の名前。
        value: 調べる数。

    Returns:
        Python の float。

    Raises:
        TypeError: 数でないとき。
        ValueError: 負の数、NaN、無限大のとき。

    出典:
        本サイトの「記法」。
    """
    number = as_number(name, value)
    if not 0 <= number < np.inf:
        raise ValueError(f"{name} は 0 以上の数が必要ですが {number:g} でした")
    return number


def check_fraction(name: str, value: float) -> float:
    r"""0 以上 1 未満の数であることを確かめます。減衰率や慣性の係数に使います。

    $$0 \le v < 1$$

    Args:
        name: エラーの文に出す引数の名前。
        value: 調べる数。

    Returns:
        Python の float。

    Raises:
        TypeError: 数でないとき。
        ValueError: 範囲の外のとき、NaN のとき。

    出典:
        本サイトの「記法」。
    """
    number = as_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} は 0 以上 1 未満の数が必要ですが {number:g} でした")
    return number


def check_integer(name: str, value: int, *, least: int) -> int:
    """決めた値以上の整数であることを確かめます。

    Args:
        name: エラーの文に出す引数の名前。
        value: 調べる数。
        least: 許す最小の値。

    Returns:
        Python の int。

    Raises:
        TypeError: 整数でないとき（真偽値も断ります）。
        ValueError: least より小さいとき。

    出典:
        本サイトの「記法」。
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} は整数が必要ですが {_kind(value)} でした")
    if value < least:
        raise ValueError(f"{name} は {least} 以上の整数が必要ですが {value} でした")
    return int(value)


def check_choice(name: str, value: str, choices: Iterable[str]) -> str:
    """決まった名前のどれかであることを確かめます。

    Args:
        name: エラーの文に出す引数の名前。
        value: 調べる名前。
        choices: 許す名前。

    Returns:
        value そのもの。

    Raises:
        ValueError: どの名前とも違うとき。

    出典:
        本サイトの「記法」。
    """
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} は {', '.join(known)} のどれかが必要ですが {value!r} でした")
    return value


def check_rng(rng: np.random.Generator) -> np.random.Generator:
    """乱数の源が numpy.random.Generator であることを確かめます。

    Args:
        rng: 乱数の源。numpy.random.default_rng(数) で作ります。

    Returns:
        rng そのもの。

    Raises:
        TypeError: Generator でないとき。

    出典:
        本サイトの「記法」。
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng は numpy.random.Generator が必要ですが {_kind(rng)} でした")
    return rng


def check_instance(name: str, value: object, *kinds: type) -> None:
    """決まった種類のデータクラスであることを確かめる。"""
    if not isinstance(value, kinds):
        wanted = " か ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{name} は {wanted} が必要ですが {_kind(value)} でした")


def check_function(name: str, value: object) -> None:
    """呼び出せるものであることを確かめる。"""
    if not callable(value):
        raise TypeError(f"{name} は関数が必要ですが {_kind(value)} でした")


def as_samples(x: ArrayLike, labels: ArrayLike) -> tuple[Array, Array, np.dtype[np.floating]]:
    """入力 (N, D)、どのクラスにもサンプルのある正解 (N, K)、x の dtype。

    0 から遠い値は float32 では桁落ちするので、float64 にして計算させる。
    """
    x, d = as_finite("x", x), as_finite("labels", labels)
    check_shape("x", x, ("N", "D"))
    check_shape("labels", d, (len(x), "K"))
    d = as_distribution("labels", d)
    counts = d.sum(axis=0)
    if counts.min() == 0:
        raise ValueError(
            f"labels は各クラスのサンプルが必要ですが、クラス {counts.argmin()} は 0 個でした"
        )
    return x.astype(np.float64), d.astype(np.float64, copy=False), x.dtype


def all_finite(array: Array) -> bool:
    """どの値も有限か。更新のたびに θ を調べるので、まず、速く求まる二乗の和で確かめる。"""
    # 二乗の和が有限なら、どの値も有限である。あふれたときだけ、値を一つずつ見る。
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def _as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} は長さのそろった配列が必要ですが行の長さが違いました") from error
    if array.size == 0:
        raise ValueError(f"{name} は 1 個以上の値が必要ですが {_text(array.shape)} でした")
    return array


def _as_real(name: str, value: ArrayLike) -> Array:
    array = _as_array(name, value)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} は実数の配列が必要ですが dtype が {array.dtype} でした")
    return array if array.dtype.type in _FLOATS else array.astype(np.float64)


def as_number(name: str, value: float) -> float:
    """実数であることを確かめ、Python の float にする。"""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} は数が必要ですが {_kind(value)} でした")
    try:
        return float(value)
    except OverflowError as error:
        largest = f"{sys.float_info.max:.2g}"
        raise ValueError(
            f"{name} は {largest} までの数が必要ですが、もっと大きな数でした"
        ) from error


def _renamed(function: FunctionType, name: str) -> FunctionType:
    """名前だけを替えた複製。引数の数の誤りを、呼ばれた関数の名前で Python に述べさせる。"""
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__, copy.__qualname__ = function.__kwdefaults__, name
    return copy


def _fits(shape: tuple[int, ...], wanted: tuple[int | str, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        (isinstance(w, str) and n > 0) or n == w for n, w in zip(shape, wanted, strict=True)
    )


def _text(shape: tuple[int | str, ...]) -> str:
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def _kind(value: object) -> str:
    return type(value).__name__
