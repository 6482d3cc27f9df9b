"""講座の functions.py の関数。ページの説明のとおりに書き直したもの。"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlnotes.arrays import Array


def course_cross_entropy_error(d: Array, y: Array) -> float:
    if y.ndim == 1:
        d, y = d.reshape(1, -1), y.reshape(1, -1)
    if d.size == y.size:
        d = d.argmax(axis=1)
    return float(-np.sum(np.log(y[np.arange(len(y)), d] + 1e-7)) / len(y))


def course_numerical_gradient(f: Callable[[Array], float], x: Array) -> Array:
    h, grad = 1e-4, np.zeros(x.shape)
    for i in range(x.size):
        kept = x[i]
        x[i] = kept + h
        plus = f(x)
        x[i] = kept - h
        grad[i] = (plus - f(x)) / (2 * h)
        x[i] = kept
    return grad
