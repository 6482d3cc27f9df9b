"""DL006 勾配降下法の図。"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.arrays import Array
from dlnotes.figures import _style
from dlnotes.figures._slider import Slider, readable
from dlnotes.figures._style import BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, RED
from dlnotes.network import forward_trace, init_network
from dlnotes.optimizers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    constant,
    cosine,
    exponential_decay,
    step_decay,
)

__all__ = [
    "learning_rates",
    "noise_and_schedules",
    "ravine",
    "seven_optimizers",
    "spread_relu",
    "spread_tanh",
    "stationary_points",
]

# 谷 E = (θ₁² + 50 θ₂²)/2 の、軸ごとの曲がり方と始点。
_CURVATURE = np.array([1.0, 50.0])
_START = np.array([-2.0, 0.2])


def _path(
    optimizer: Optimizer[Any], gradient: Callable[[Array], Array], theta: Array, updates: int
) -> Array:
    """θ₀, θ₁, … を行に並べる。"""
    state, path = optimizer.init(theta), [theta]
    for _ in range(updates):
        theta, state = optimizer.step(theta, gradient(theta), state)
        path.append(theta)
    return np.array(path)


def _slope(theta: Array) -> Array:
    return _CURVATURE * theta


def _draw_ravine(ax: Axes, path: Array, color: str, *, reach: float) -> None:
    """谷の等高線と道筋。θ₂ は ±reach まで。"""
    one, two = np.linspace(-2.3, 1.5, 191), np.linspace(-reach, reach, 101)
    E = (_CURVATURE[0] * one**2 + _CURVATURE[1] * two[:, np.newaxis] ** 2) / 2
    ax.contour(one, two, E, levels=[0.02, 0.2, 0.6, 1.2, 2, 3, 5], colors=FAINT, linewidths=1.2)
    ax.plot(*path.T, "o-", color=color, ms=3, lw=1.2)
    ax.plot(*path[0], "s", color=INK, ms=6)
    ax.plot(0, 0, "+", color=INK, ms=11, mew=1.8)
    ax.set(xlim=(-2.3, 1.5), ylim=(-reach, reach))
    ax.grid(visible=False)


@Slider("学習率 ε", (0.1, 0.3, 0.6, 1, 1.4, 1.8, 2, 2.1, 2.2), start=1.8)
def learning_rates(rate: float) -> tuple[Figure, str]:
    """放物線の上の 5 回の更新。学習率が大きくなるにつれ、寄る、跳び越す、離れると変わる。"""
    drawing, (top, bottom) = _style.figure(2, height=4.8, height_ratios=[3, 2])
    w = np.linspace(-2.6, 2.6, 53)
    path = _path(SGD(rate), lambda w: w, np.array([-1.0]), 5)[:, 0]
    top.plot(w, w**2 / 2, color=FAINT, ls="-")
    top.plot(path, path**2 / 2, "o-", color=BLUE, ms=4, lw=1.2)
    top.plot(path[0], path[0] ** 2 / 2, "s", color=INK, ms=7)
    top.set(xlabel="$w$", ylabel="$E$", xlim=(-2.7, 2.7), ylim=(-0.2, 3.5))
    bottom.plot(path, "o-", color=BLUE, ms=4, lw=1.2)
    bottom.plot(0, path[0], "s", color=INK, ms=7)
    bottom.set(xlabel="更新の回数 $t$", ylabel="$w$", xlim=(-0.2, 5.2), ylim=(-2.7, 2.7))
    places = "、".join(readable(round(float(v), 2) + 0.0) for v in path)
    return drawing, f"w は順に {places} と動きます。"


@Slider("学習率 ε", (0.005, 0.01, 0.02, 0.03, 0.036, 0.039, 0.04, 0.0405), start=0.036)
def ravine(rate: float) -> tuple[Figure, str]:
    """谷での 30 回の更新。学習率が小さいと進まず、大きいと谷を横切って往復し、離れていく。"""
    drawing, (top, bottom) = _style.figure(2, height=4.8, height_ratios=[1, 1])
    path = _path(SGD(rate), _slope, _START, 30)
    E = (_CURVATURE * path**2).sum(axis=1) / 2
    # 縦を横より広げ、最も大きな学習率の往復まで収める。
    _draw_ravine(top, path, BLUE, reach=0.5)
    top.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$", yticks=[-0.4, -0.2, 0, 0.2, 0.4])
    bottom.semilogy(E, "-", color=BLUE)
    bottom.set(xlabel="更新の回数 $t$", ylabel="誤差 $E$", xlim=(0, 30), ylim=(0.1, 10))
    return drawing, f"誤差は {E[0]:.2f} から {E[-1]:.2f} になります。"


def seven_optimizers() -> Figure:
    """同じ谷、同じ始点からの七つの道筋。Momentum は行き過ぎて戻り、AdaGrad は斜めに進む。"""
    drawing, axes = _style.figure(7, height=8.2, sharex=True)
    cases: list[tuple[Optimizer[Any], int, str]] = [
        (SGD(0.035), 60, BLUE),
        (Momentum(0.01), 60, RED),
        (Nesterov(0.01), 60, GREEN),
        (AdaGrad(0.5), 60, PURPLE),
        (RMSProp(0.05), 60, ORANGE),
        (Adadelta(), 600, BLUE),
        (Adam(0.1), 60, RED),
    ]
    for ax, (optimizer, updates, color) in zip(axes, cases, strict=True):
        _draw_ravine(ax, _path(optimizer, _slope, _START, updates), color, reach=0.35)
        ax.set(yticks=[-0.2, 0, 0.2], aspect="equal")
        name = type(optimizer).__name__.replace("SGD", "勾配降下法")
        rate = rf"$\varepsilon={optimizer.learning_rate}$" if updates == 60 else "学習率なし"
        ax.set_title(f"{name}  {rate}、{updates} 回", loc="left")
    axes[3].set_ylabel(r"$\theta_2$")
    axes[-1].set_xlabel(r"$\theta_1$")
    return drawing


def stationary_points() -> Figure:
    """上は始点で変わる極小への道。下は鞍点の図で、尾根の上から出た道だけが鞍点で止まる。"""
    drawing, (top, bottom) = _style.figure(2, height=6.2)
    w = np.linspace(-1.45, 1.4, 201)
    top.plot(w, w**4 / 4 - w**2 / 2 + w / 10, color=FAINT, ls="-")
    for start, style, color in ((-0.2, "o-", BLUE), (0.4, "^-", RED)):
        path = _path(SGD(0.2), lambda w: w**3 - w + 0.1, np.array([start]), 40)[:, 0]
        top.plot(path, path**4 / 4 - path**2 / 2 + path / 10, style, color=color, ms=4, lw=1.2)
        top.plot(start, start**4 / 4 - start**2 / 2 + start / 10, "s", color=INK, ms=7)
    top.annotate("最小の点", (-1.05, -0.35), (0, -14), textcoords="offset points", ha="center")
    top.annotate("局所的な極小", (0.95, -0.15), (0, -14), textcoords="offset points", ha="center")
    top.set(xlabel="$w$", ylabel="$E$", ylim=(-0.47, 0.2))
    one, two = np.linspace(-1.2, 1.2, 121), np.linspace(-1.4, 1.4, 141)
    E = one**2 / 2 - two[:, np.newaxis] ** 2 / 2 + two[:, np.newaxis] ** 4 / 4
    bottom.contour(one, two, E, levels=12, colors=FAINT, linewidths=1.2, linestyles="-")
    for start, style, color in ((0.0, "o-", BLUE), (0.01, "^-", RED)):
        path = _path(
            SGD(0.2),
            lambda theta: np.array([theta[0], theta[1] ** 3 - theta[1]]),
            np.array([-1.0, start]),
            60,
        )
        bottom.plot(*path.T, style, color=color, ms=4, lw=1.2)
    bottom.plot(-1, 0, "s", color=INK, ms=7)
    bottom.plot([0, 0], [1, -1], "+", color=INK, ms=11, mew=1.8)
    bottom.text(0, -0.2, "鞍点", ha="center", va="top")
    for side in (1, -1):
        bottom.text(0.1, side, "極小", va="center")
    bottom.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$", xlim=(-1.2, 1.2), ylim=(-1.4, 1.4))
    bottom.grid(visible=False)
    return drawing


def noise_and_schedules() -> Figure:
    """上は四つの学習率スケジュール。下の誤差は、学習率が一定だと下げ止まり、下げていけば小さくなる。"""
    drawing, (top, bottom) = _style.figure(2, height=5.2, sharex=True)
    updates = 300
    schedules = {
        "constant": partial(constant, learning_rate=0.5),
        "step_decay": partial(step_decay, learning_rate=0.5, every=100),
        "exponential_decay": partial(exponential_decay, learning_rate=0.5, factor=0.98),
        "cosine": partial(cosine, learning_rate=0.5, iterations=updates),
    }
    for name, schedule in schedules.items():
        rng = np.random.default_rng(0)
        theta, E = np.full(1000, 5.0), []
        for t in range(updates):
            g = theta + rng.standard_normal(theta.shape)
            theta, _ = SGD(schedule(t)).step(theta, g, ())
            E.append((theta**2).mean() / 2)
        top.plot([schedule(t) for t in range(updates)], label=name)
        bottom.semilogy(np.arange(1, updates + 1), E, lw=1.4)
    top.set(ylabel=r"学習率 $\varepsilon_t$", ylim=(-0.02, 0.8))
    top.legend(loc="upper center", ncols=2)
    bottom.set(xlabel="更新の回数 $t$", ylabel="誤差の平均", ylim=(1e-4, 20))
    return drawing


def spread_relu() -> Figure:
    """ReLU の層の出力の大きさ。He では深くても変わらず、ほかの初期値では小さくなる。"""
    drawing, (ax,) = _style.figure()
    x = np.random.default_rng(0).standard_normal((200, 200))
    cases: list[tuple[str | float, str, str, str]] = [
        ("he", "He", "o-", GREEN),
        ("xavier", "Xavier", "s--", BLUE),
        (0.05, "標準偏差 0.05", "^-.", RED),
    ]
    for initial, label, style, color in cases:
        network = init_network(
            [200] * 21, output_activation="relu", initial=initial, rng=np.random.default_rng(1)
        )
        size = [np.sqrt((layer.z**2).mean()) for layer in forward_trace(network, x)]
        ax.semilogy(range(1, 21), size, style, color=color, ms=4, label=label)
    ax.set(xlabel="層", ylabel="$z$ の二乗平均の平方根", xticks=[1, 5, 10, 15, 20])
    ax.legend(loc="lower left")
    return drawing


def spread_tanh() -> Figure:
    """層を通る tanh の出力の度数。0 に集まる、広がりが保たれる、両端に貼りつくの三通り。"""
    drawing, axes = _style.figure(3, 3, height=5.0, sharex=True, sharey="row")
    x = np.random.default_rng(0).standard_normal((200, 200))
    rows: list[tuple[str | float, str, str]] = [
        (0.02, "標準偏差 0.02", RED),
        ("xavier", "Xavier", BLUE),
        (0.5, "標準偏差 0.5", ORANGE),
    ]
    for row, (initial, label, color) in enumerate(rows):
        network = init_network(
            [200] * 11,
            activation="tanh",
            output_activation="tanh",
            initial=initial,
            rng=np.random.default_rng(1),
        )
        trace = forward_trace(network, x)
        for ax, layer in zip(axes[3 * row : 3 * row + 3], (1, 5, 10), strict=True):
            ax.hist(trace[layer - 1].z.ravel(), bins=np.linspace(-1, 1, 41).tolist(), color=color)
            ax.set(yticks=[], xticks=[-1, 0, 1])
            if row == 0:
                ax.set_title(f"{layer} 層目")
        axes[3 * row].set_ylabel(label)
    axes[7].set_xlabel("出力 $z$")
    return drawing
