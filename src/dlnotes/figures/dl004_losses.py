"""DL004 出力層の誤差関数の図。"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from dlnotes.activations import sigmoid, sigmoid_derivative
from dlnotes.arrays import Array
from dlnotes.datasets import line_with_outlier, two_gaussians
from dlnotes.figures import _style
from dlnotes.losses import (
    absolute_error,
    absolute_error_gradient,
    huber,
    huber_gradient,
    sigmoid_binary_cross_entropy,
    sigmoid_binary_cross_entropy_gradient,
    squared_error,
    squared_error_gradient,
)
from dlnotes.network import Layer, Network, forward
from dlnotes.optimizers import SGD
from dlnotes.training import train

__all__ = [
    "error_curves",
    "learning_curves",
    "noise_and_error",
    "outlier_lines",
    "through_sigmoid",
]


def _column(values: Array) -> Array:
    return values.reshape(-1, 1)


def error_curves() -> Figure:
    """誤差と、その勾配。差のままでは底がなく、絶対誤差は底がとがり、二乗誤差は底がなめらか。"""
    drawing, (top, bottom) = _style.figure(2, height=5.4, sharex=True)
    e = _column(np.linspace(-3, 3, 301))
    d = np.zeros_like(e)
    top.plot(e, squared_error(e, d), label="二乗")
    top.plot(e, absolute_error(e, d), label="絶対")
    top.plot(e, huber(e, d), label=r"Huber（$\delta=1$）")
    top.plot(e, e, color=_style.INK, linestyle=":", label="差のまま")
    top.set(ylabel="誤差 $E$", ylim=(-1.6, 4.6))
    top.legend(loc="upper center", ncols=2)
    bottom.plot(e, squared_error_gradient(e, d))
    # 絶対誤差の勾配は 0 で跳ぶので、左右を別の線にする。
    gradient = np.where(e == 0, np.nan, absolute_error_gradient(e, d))
    bottom.plot(e, gradient)
    bottom.plot(e, huber_gradient(e, d))
    bottom.plot(e, np.ones_like(e), color=_style.INK, linestyle=":")
    bottom.text(1.55, 2.0, "二乗", ha="right", color=_style.BLUE)
    bottom.text(-2.9, -0.8, "絶対と Huber")
    bottom.text(-2.9, 1.2, "差のまま")
    bottom.set(xlabel="差 $y-d$", ylabel="勾配", ylim=(-2.4, 2.4))
    return drawing


def noise_and_error() -> Figure:
    """雑音の密度と、その対数の符号を変えたもの。正規分布は放物線に、ラプラス分布は V 字になる。"""
    drawing, (top, bottom) = _style.figure(2, height=4.8, sharex=True)
    e = _column(np.linspace(-3.5, 3.5, 301))
    errors: dict[str, Callable[..., Array]] = {
        "正規分布": squared_error,
        "ラプラス分布": absolute_error,
    }
    for label, error in errors.items():
        E = error(e, np.zeros_like(e))
        top.plot(e, np.exp(-E), label=label)
        bottom.plot(e, E)
    top.set(ylabel="密度（山を 1 とする）", ylim=(0, 1.08))
    top.legend(loc="upper right")
    bottom.set(xlabel="雑音 $d-y$", ylabel=r"$-\log$ 密度", ylim=(0, 6.3))
    return drawing


def _fit(gradient: Callable[..., Array], x: Array, d: Array) -> Array:
    """傾きと切片を、学習率を減らしながら勾配降下法で求める。"""
    x1 = np.hstack([x, np.ones_like(x)])
    w = np.zeros((2, 1))
    for t in range(4000):
        w -= x1.T @ gradient(x1 @ w, d) / len(x) / (1 + 0.02 * t)
    return w


def outlier_lines() -> Figure:
    """一つの外れ値。二乗誤差の直線だけが、外れ値のほうへ大きく傾く。"""
    drawing, (ax,) = _style.figure(height=3.6)
    x, d = line_with_outlier(11, rng=np.random.default_rng(0))
    ax.plot(x[:-1], d[:-1], "o", color=_style.INK)
    ax.plot(x[-1], d[-1], "X", color=_style.INK, markersize=10)
    ax.annotate(
        "外れ値", (1, d[-1, 0]), (-12, 0), textcoords="offset points", ha="right", va="center"
    )
    fits: dict[str, Callable[..., Array]] = {
        "二乗": squared_error_gradient,
        "絶対": absolute_error_gradient,
        r"Huber（$\delta=0.2$）": partial(huber_gradient, delta=0.2),
    }
    for label, gradient in fits.items():
        w = _fit(gradient, x, d)
        ax.plot(x, x * w[0] + w[1], label=label)
    ax.set(xlabel="入力 $x$", ylabel="出力 $y$、正解 $d$")
    ax.legend(loc="upper left")
    return drawing


def through_sigmoid() -> Figure:
    """正解が 1 のときの誤差と勾配。二乗誤差は、大きく外した左の端で平らになる。"""
    drawing, (top, bottom) = _style.figure(2, height=5.0, sharex=True)
    u = np.linspace(-8, 8, 321)
    y, d = sigmoid(u), np.ones_like(u)
    top.plot(u, sigmoid_binary_cross_entropy(u, d), label="交差エントロピー")
    top.plot(u, squared_error(_column(y), _column(d)), label="二乗")
    top.set(ylabel="誤差 $E$")
    top.legend(loc="upper right")
    bottom.plot(u, sigmoid_binary_cross_entropy_gradient(u, d))
    bottom.plot(u, (y - d) * sigmoid_derivative(u))
    bottom.set(xlabel="総入力 $u$（正解は $d=1$）", ylabel="勾配", ylim=(-1.1, 0.15))
    return drawing


def _confidence(network: Network, x: Array, d: Array) -> float:
    """正解のクラスに付けた確率の平均。"""
    return float(np.mean(1 - np.abs(forward(network, x) - d)))


def learning_curves() -> Figure:
    """学習の進み。逆向きの大きな重みから始めると、二乗誤差は長いあいだ動かない。"""
    drawing, axes = _style.figure(2, height=5.0, sharex=True, sharey=True)
    x, d = two_gaussians(200, rng=np.random.default_rng(0))
    d = d[:, 1:]
    starts = {"逆向きの大きな重みから": -3.0, "0 の重みから": 0.0}
    losses = {"交差エントロピー": "binary_cross_entropy", "二乗": "squared_error"}
    for ax, (title, w) in zip(axes, starts.items(), strict=True):
        first = (Layer(np.full((2, 1), w), np.zeros(1), "sigmoid"),)
        for label, loss in losses.items():
            rng = np.random.default_rng(0)
            steps = train(
                first, x, d, loss=loss, optimizer=SGD(1.0), batch_size=200, epochs=300, rng=rng
            )
            curve = [_confidence(n, x, d) for n in (first, *(step.network for step in steps))]
            ax.plot(curve, label=label)
        ax.set(title=title, ylabel="正解のクラスの\n確率の平均", ylim=(0, 1))
    axes[1].set_xlabel("更新の回数 $t$")
    axes[1].legend(loc="lower right")
    return drawing
