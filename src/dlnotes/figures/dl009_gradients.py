"""DL009 誤差勾配の計算の図。"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dlnotes.activations import sigmoid, sigmoid_derivative
from dlnotes.arrays import Array
from dlnotes.datasets import linear_target
from dlnotes.figures import _style
from dlnotes.figures._slider import Slider, readable
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


@Slider("刻み幅 h", (1e-16, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 0.1, 1.0), start=1e-6)
def step_size(h: float) -> tuple[Figure, str]:
    """線の傾きは、刻み幅が大きすぎても小さすぎてもずれ、下の誤差は V の字になります。"""
    drawing, (top, bottom) = _style.figure(2, height=5.2)
    x, u = 1.0, np.linspace(-1.5, 4, 56)
    true = float(sigmoid_derivative(x))
    steps = np.append(np.logspace(-16, 0, 49), h)
    reach = np.array([-1.3, 3.6])
    top.plot(u, sigmoid(u), "-", color=_style.FAINT, lw=5)
    top.plot(x, sigmoid(x), "o", color=_style.INK)
    methods = [
        ("前進差分", forward_difference, best_step_forward(), "o-", _style.RED),
        ("中心差分", central_difference, best_step_central(), "s--", _style.BLUE),
    ]
    says = []
    for label, difference, best, style, color in methods:
        slopes = np.array([float(difference(sigmoid, x, h=float(step))) for step in steps])
        top.plot(reach, sigmoid(x) + slopes[-1] * (reach - x), style[1:], color=color)
        error = abs(slopes - true)
        bottom.loglog(steps[:-1], error[:-1], style, color=color, ms=3, lw=1.2, label=label)
        bottom.loglog(h, error[-1], style[0], color=color, ms=9, mfc="none", mew=2)
        bottom.axvline(best, color=color, linestyle=":", linewidth=1.2)
        says.append(f"{label}の誤差は {readable(float(f'{error[-1]:.0e}'))}")
    top.set(ylabel="$f(u)$", ylim=(0, 1.25), xlim=(-1.5, 4))
    bottom.axvline(h, color=_style.INK, linestyle="-", linewidth=1)
    bottom.set(xlabel="刻み幅 $h$", ylabel="誤差の絶対値", ylim=(1e-14, 2), xlim=(3e-17, 3))
    bottom.set_xticks([1e-16, 1e-12, 1e-8, 1e-4, 1])
    # 縦の線が h とともに端から端まで動くので、凡例は外に置く。
    bottom.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return drawing, f"{'、'.join(says)} です。"


def evaluations() -> Figure:
    """数値微分の順伝播はパラメータの数の二倍で増え、誤差逆伝播法はいつも往復一回です。"""
    drawing, (ax,) = _style.figure()
    x, d = linear_target(4, rng=np.random.default_rng(0))
    sizes, calls = [], []
    for hidden in (1, 10, 50, 250, 2000):
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
    # 誤差逆伝播法は、順伝播と逆伝播を一回ずつする。
    round_trip = [2] * len(sizes)
    ax.loglog(sizes, round_trip, "s--", color=_style.BLUE, label="誤差逆伝播法: 順と逆の一往復")
    ax.set(xlabel="パラメータの数 $M$", ylabel="回数", ylim=(1, 5e4))
    ax.legend(loc="upper left")
    return drawing
