"""DL009 誤差勾配の計算の図。"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dlnotes.activations import sigmoid, sigmoid_derivative
from dlnotes.arrays import Array
from dlnotes.datasets import linear_target
from dlnotes.figures import _style
from dlnotes.losses import squared_error
from dlnotes.network import Network, forward, init_network, parameters, with_parameters
from dlnotes.numerical import (
    CountedFunction,
    best_step_central,
    best_step_forward,
    central_difference,
    forward_difference,
    numerical_gradient,
)

__all__ = ["evaluations", "secants", "step_size"]


def secants() -> Figure:
    """前進差分の線は接線から傾きがずれ、中心差分の線は接線とほぼ平行です。"""
    drawing, (ax,) = _style.figure()
    x, h = 1.0, 1.2
    u = np.linspace(-1.5, 4, 200)
    ax.plot(u, sigmoid(u), color=_style.INK, linestyle="-", label="シグモイド関数")
    tangent = float(sigmoid_derivative(x))
    lines = [
        ("接線", tangent, x, "-", _style.GREEN),
        ("前進差分", float(forward_difference(sigmoid, x, h=h)), x, "--", _style.RED),
        ("中心差分", float(central_difference(sigmoid, x, h=h)), x - h, "-.", _style.BLUE),
    ]
    for label, slope, start, style, color in lines:
        reach = np.array([-1.3, 3.6])
        ax.plot(reach, sigmoid(start) + slope * (reach - start), style, color=color, label=label)
    points = np.array([x - h, x, x + h])
    ax.plot(points, sigmoid(points), "o", color=_style.INK)
    for point, text in zip(points, ["$x-h$", "$x$", "$x+h$"], strict=True):
        ax.annotate(text, (point, sigmoid(point)), (4, -16), textcoords="offset points")
    ax.set(xlabel="$u$", ylabel="$f(u)$", ylim=(0, 1.25))
    ax.legend(loc="upper left", ncols=2)
    return drawing


def step_size() -> Figure:
    """刻み幅に対する誤差は V の字になり、中心差分の谷のほうが深く、右にあります。"""
    drawing, (ax,) = _style.figure(height=3.6)
    x = 1.0
    h = np.logspace(-14, 0, 57)
    true = sigmoid_derivative(x)
    methods = [
        ("前進差分", forward_difference, best_step_forward(), "o-", _style.RED),
        ("中心差分", central_difference, best_step_central(), "s--", _style.BLUE),
    ]
    for label, difference, best, style, color in methods:
        error = [abs(float(difference(sigmoid, x, h=float(step)) - true)) for step in h]
        ax.loglog(h, error, style, color=color, label=label, markersize=3, linewidth=1.2)
        ax.axvline(best, color=color, linestyle=":", linewidth=1.2)
    ax.set(xlabel="刻み幅 $h$", ylabel="誤差の絶対値", ylim=(1e-14, 1))
    ax.set_xticks([1e-14, 1e-10, 1e-6, 1e-2])
    ax.legend(loc="upper center")
    return drawing


def evaluations() -> Figure:
    """数値微分の順伝播はパラメータの数の二倍で増え、誤差逆伝播法はいつも往復一回です。"""
    drawing, (ax,) = _style.figure()
    x, d = linear_target(4, rng=np.random.default_rng(0))
    sizes, calls = [], []
    for hidden in (1, 10, 50, 250, 500):
        network = init_network([2, hidden, 1], rng=np.random.default_rng(1))
        theta = parameters(network)

        def loss(theta: Array, network: Network = network) -> float:
            y = forward(with_parameters(network, theta), x)
            return float(squared_error(y, d).mean())

        counted = CountedFunction(loss)
        numerical_gradient(counted, theta)
        sizes.append(theta.size)
        calls.append(counted.calls)
    ax.loglog(sizes, calls, "o-", color=_style.RED, label="数値微分: 順伝播の回数")
    once = np.full(len(sizes), 2)
    ax.loglog(sizes, once, "s--", color=_style.BLUE, label="誤差逆伝播法: 順と逆の一往復")
    ax.set(xlabel="パラメータの数 $M$", ylabel="回数", ylim=(1, 2e4))
    ax.legend(loc="upper left")
    return drawing
