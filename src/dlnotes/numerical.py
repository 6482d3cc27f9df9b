"""数値微分。関数の値だけから、傾きを近似します。

刻み幅を省くと、dtype の精度から決まる最良の値を使います（x と、f の値や導関数の値が
1 くらいのとき）。
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from dlnotes.arrays import (
    Array,
    as_finite,
    as_floating_dtype,
    check_function,
    check_positive,
    check_same_shape,
    check_shape,
)

__all__ = [
    "CountedFunction",
    "best_step_central",
    "best_step_forward",
    "central_difference",
    "directional_derivative",
    "forward_difference",
    "numerical_gradient",
    "relative_error",
]


def forward_difference(
    f: Callable[[Array], Array], x: ArrayLike, *, h: float | None = None
) -> Array:
    r"""前進差分。右へ h だけ進んだときの変化から微分を近似します。

    h が小さすぎなければ、誤差は h に比例します。

    $$f'(x) \approx \frac{f(x + h) - f(x)}{h}$$

    Args:
        f: 一つの数を一つの数にする関数。配列には要素ごとに働くもの。
        x: 微分する点。形は任意。
        h: 刻み幅。正の数。省くと best_step_forward。

    Returns:
        x と同じ形の微分の近似値。

    Raises:
        TypeError: f が関数でないとき、x や h や f の値が実数でないとき。
        ValueError: h が正でないか、x の dtype で表せないとき、f の値の形が x と違うとき、
            x や f の値に NaN や無限大があるとき。

    出典:
        Nocedal, Wright (2006) Numerical Optimization、8.1 節。
    """
    x = as_finite("x", x)
    h = _step(h, best_step_forward(x.dtype), x.dtype)
    return (_value(f, x + h) - _value(f, x)) / h


def central_difference(
    f: Callable[[Array], Array], x: ArrayLike, *, h: float | None = None
) -> Array:
    r"""中心差分。左右の変化から微分を近似します。

    h が小さすぎなければ、誤差は h の二乗に比例します。

    $$f'(x) \approx \frac{f(x + h) - f(x - h)}{2h}$$

    Args:
        f: 一つの数を一つの数にする関数。配列には要素ごとに働くもの。
        x: 微分する点。形は任意。
        h: 刻み幅。正の数。省くと best_step_central。

    Returns:
        x と同じ形の微分の近似値。

    Raises:
        TypeError: f が関数でないとき、x や h や f の値が実数でないとき。
        ValueError: h が正でないか、x の dtype で表せないとき、f の値の形が x と違うとき、
            x や f の値に NaN や無限大があるとき。

    出典:
        Nocedal, Wright (2006) Numerical Optimization、8.1 節。
    """
    x = as_finite("x", x)
    h = _step(h, best_step_central(x.dtype), x.dtype)
    return (_value(f, x + h) - _value(f, x - h)) / (2 * h)


def numerical_gradient(
    f: Callable[[Array], ArrayLike], theta: ArrayLike, *, h: float | None = None
) -> Array:
    r"""数値微分による勾配。成分を一つずつ動かすので、M 個の成分に f を 2M 回計算します。

    $$\frac{\partial f}{\partial \theta_m} \approx
      \frac{f(\theta + h e_m) - f(\theta - h e_m)}{2h}$$

    e は m 番目だけが 1 のベクトルです。theta には書き込みません。

    Args:
        f: 配列を受け取って一つの数を返す関数。
        theta: 勾配を求める点。形は任意。
        h: 刻み幅。正の数。省くと best_step_central。

    Returns:
        theta と同じ形の勾配の近似値。

    Raises:
        TypeError: f が関数でないとき、theta や h や f の値が実数でないとき。
        ValueError: h が正でないか、theta の dtype で表せないとき、f の値が一つの数でないとき、
            theta や f の値に NaN や無限大があるとき。

    出典:
        Nocedal, Wright (2006) Numerical Optimization、8.1 節。
    """
    theta = as_finite("theta", theta)
    gradient = np.empty_like(theta)
    for m in np.ndindex(theta.shape):
        e = np.zeros_like(theta)
        e[m] = 1
        gradient[m] = directional_derivative(f, theta, e, h=h)
    return gradient


def directional_derivative(
    f: Callable[[Array], ArrayLike], theta: ArrayLike, v: ArrayLike, *, h: float | None = None
) -> Array:
    r"""方向微分。theta を v の向きに動かしたときの f の変化の速さを、f を 2 回計算して求めます。

    $$\nabla f(\theta) \cdot v \approx \frac{f(\theta + h v) - f(\theta - h v)}{2h}$$

    Args:
        f: 配列を受け取って一つの数を返す関数。
        theta: 点。形は任意。
        v: 向き。theta と同じ形。
        h: 刻み幅。正の数。省くと best_step_central。

    Returns:
        方向微分の近似値。形は ()。

    Raises:
        TypeError: f が関数でないとき、theta や v や h や f の値が実数でないとき。
        ValueError: 形が違うとき、h が正でないか、theta の dtype で表せないとき、
            f の値が一つの数でないとき、theta や v や f の値に NaN や無限大があるとき。

    出典:
        Nocedal, Wright (2006) Numerical Optimization、8.1 節。
    """
    theta, v = as_finite("theta", theta), as_finite("v", v)
    check_same_shape(("theta", "v"), theta, v)
    h = _step(h, best_step_central(theta.dtype), theta.dtype)
    return (_scalar(f, theta + h * v) - _scalar(f, theta - h * v)) / (2 * h)


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    r"""二つの配列の相対誤差。等しければ 0、長さの同じ逆向きなら 2（最大）になります。

    $$\frac{\lVert a - b \rVert}{\max(\lVert a \rVert,\, \lVert b \rVert)}$$

    Args:
        a: 一つ目の配列。形は任意。
        b: 二つ目の配列。a と同じ形。

    Returns:
        相対誤差。どちらもすべて 0 のときは 0。

    Raises:
        TypeError: a や b が実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき。

    出典:
        Higham (2002) Accuracy and Stability of Numerical Algorithms、1.2 節。
    """
    a, b = as_finite("a", a), as_finite("b", b)
    check_same_shape(("a", "b"), a, b)
    # 2 の累乗で割って 1 以下にすれば、二乗があふれも、0 に落ちもしない。
    _, e = np.frexp(max(abs(a).max(), abs(b).max()))
    small_a, small_b = np.ldexp(a, -e), np.ldexp(b, -e)
    scale = max(np.linalg.norm(small_a), np.linalg.norm(small_b))
    return float(np.linalg.norm(small_a - small_b) / scale) if scale > 0 else 0.0


def best_step_forward(dtype: DTypeLike = np.float64) -> float:
    r"""前進差分の誤差をいちばん小さくする刻み幅の目安。

    打ち切り誤差はほぼ h、丸め誤差はほぼ $\epsilon/h$ なので、和は次の h で最小になります。

    $$h = \sqrt{\epsilon}$$

    Args:
        dtype: 計算に使う浮動小数点数の dtype。$\epsilon$ はその計算機イプシロン。

    Returns:
        刻み幅。float64 では約 1.5e-8。

    Raises:
        TypeError: dtype が float32 でも float64 でもないとき。

    出典:
        Nocedal, Wright (2006) Numerical Optimization、8.1 節。
    """
    return math.sqrt(np.finfo(as_floating_dtype(dtype)).eps)


def best_step_central(dtype: DTypeLike = np.float64) -> float:
    r"""中心差分の誤差をいちばん小さくする刻み幅の目安。

    打ち切り誤差はほぼ h の二乗、丸め誤差はほぼ $\epsilon/h$ なので、和は、およそ次の h で
    最小になります。

    $$h = \epsilon^{1/3}$$

    Args:
        dtype: 計算に使う浮動小数点数の dtype。$\epsilon$ はその計算機イプシロン。

    Returns:
        刻み幅。float64 では約 6.1e-6。

    Raises:
        TypeError: dtype が float32 でも float64 でもないとき。

    出典:
        Nocedal, Wright (2006) Numerical Optimization、8.1 節。
    """
    return math.cbrt(np.finfo(as_floating_dtype(dtype)).eps)


@dataclass(slots=True)
class CountedFunction:
    r"""呼ばれた回数を数える関数。中身は渡された関数のままです。

    $$g(x) = f(x)$$

    回数を数えるため、この教材のクラスで一つだけ、作った後にフィールドへ別の値を入れられます。

    Attributes:
        function: 数えたい関数 f。
        calls: これまでに呼ばれた回数。

    出典:
        本サイトの DL009（計算量を、時間ではなく回数で比べるため）。
    """

    function: Callable[..., Any]
    calls: int = 0

    def __post_init__(self) -> None:
        check_function("function", self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """関数を呼び、回数を 1 増やす。"""
        self.calls += 1
        return self.function(*args, **kwargs)


def _step(h: float | None, best: float, dtype: np.dtype[np.floating]) -> float:
    if h is None:
        return best
    h = check_positive("h", h)
    with np.errstate(over="ignore"):
        if not 0 < dtype.type(h) <= dtype.type(2 * h) < np.inf:
            raise ValueError(f"h は 2 倍しても {dtype} で表せる正の数が必要ですが {h:g} でした")
    return h


def _value(f: Callable[[Array], Array], x: Array) -> Array:
    check_function("f", f)
    # 複製を渡すので、引数に書き込む f であっても x は変わらない。
    value = as_finite("f(x)", f(x.copy()))
    check_same_shape(("f(x)", "x"), value, x)
    return value


def _scalar(f: Callable[[Array], ArrayLike], theta: Array) -> Array:
    check_function("f", f)
    value = as_finite("f(theta)", f(theta))
    check_shape("f(theta)", value, ())
    return value
