"""DL000_4 万能近似定理と深さの図。"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from dlnotes.arrays import Array
from dlnotes.figures import _style
from dlnotes.figures._slider import Slider
from dlnotes.network import Network, forward, init_network
from dlnotes.optimizers import Adam
from dlnotes.training import train
from dlnotes.universal_approximation import (
    bump_network,
    relu_interpolant,
    sawtooth_network,
    staircase_network,
    sup_error,
)

__all__ = [
    "bump",
    "error_against_width",
    "freehand",
    "outside",
    "sawtooth",
    "training_gap",
    "width",
]


def _target(x: Array) -> Array:
    g: Array = np.sin(2 * np.pi * x)
    return g


def _curve(network: Network, x: Array) -> Array:
    return forward(network, x[:, np.newaxis])[:, 0]


def bump() -> Figure:
    """上がる段と下がる段を足すとこぶになり、シグモイドは急にするほどこぶに近づきます。"""
    drawing, (top, bottom) = _style.figure(2, height=4.8, sharex=True)
    x = np.linspace(0, 1, 1001)
    steps = bump_network(0.4, 0.6)
    hidden, _ = steps
    z = forward((hidden,), x[:, np.newaxis])
    top.plot(x, z[:, 0], "--", color=_style.BLUE, label="上がる段")
    top.plot(x, -z[:, 1], "-.", color=_style.RED, label="下がる段")
    top.plot(x, _curve(steps, x), "-", color=_style.INK, linewidth=3, alpha=0.7, label="和")
    top.set(ylabel="ステップ関数", ylim=(-1.2, 1.2))
    top.legend(loc="lower left")
    for steepness, style, color in (
        (10, ":", _style.PURPLE),
        (40, "--", _style.GREEN),
        (200, "-", _style.INK),
    ):
        network = bump_network(0.4, 0.6, steepness=steepness)
        bottom.plot(x, _curve(network, x), style, color=color, label=f"$s={steepness}$")
    bottom.set(xlabel="$x$", ylabel="シグモイド関数", ylim=(-0.1, 1.2))
    bottom.legend(loc="upper left")
    return drawing


@Slider("段や線分の数 n", (2, 3, 4, 6, 8, 12, 16, 24, 32), start=8)
def width(n: float) -> tuple[Figure, str]:
    """段や線分を増やすと、階段も折れ線も曲線に近づき、折れ線のほうがずっと早く近づきます。"""
    drawing, (ax,) = _style.figure(height=3.4)
    x = np.linspace(0, 1, 1001)
    ax.plot(x[::10], _target(x[::10]), "-", color=_style.FAINT, linewidth=6, label="目標 $g$")
    errors = []
    for label, build, style, color in (
        ("階段", staircase_network, "--", _style.BLUE),
        ("折れ線", relu_interpolant, "-", _style.RED),
    ):
        network = build(_target, 0, 1, int(n))
        ax.plot(x, _curve(network, x), style, color=color, linewidth=1.5, label=label)
        errors.append(f"{label} {sup_error(network, _target, 0, 1):.3f}")
    ax.set(xlabel="$x$", ylim=(-1.15, 1.15), title=f"最大の誤差 {'、'.join(errors)}")
    ax.legend(loc="upper right")
    return drawing, f"最大の誤差は{'、'.join(errors)} です。"


def error_against_width() -> Figure:
    """階段の誤差は幅に、折れ線の誤差は幅の二乗に反比例し、どちらも理論の線に乗ります。"""
    drawing, (ax,) = _style.figure(height=3.8)
    widths = 2 ** np.arange(2, 9)
    for label, build, bound, style, color in (
        ("階段", staircase_network, np.pi / widths, "o", _style.BLUE),
        ("折れ線", relu_interpolant, np.pi**2 / (2 * widths**2), "s", _style.RED),
    ):
        errors = [sup_error(build(_target, 0, 1, int(n)), _target, 0, 1) for n in widths]
        ax.loglog(widths, errors, style, color=color, label=label)
        ax.loglog(widths, bound, "--", color=color, linewidth=1.5)
    ax.text(60, 0.09, r"$\pi/n$", color=_style.BLUE)
    ax.text(60, 0.0028, r"$\pi^2/2n^2$", color=_style.RED)
    ax.set(xlabel="段や線分の数 $n$", ylabel="最大の誤差")
    ax.set_xticks(widths, [str(n) for n in widths])
    ax.minorticks_off()
    ax.legend(loc="lower left")
    return drawing


def freehand() -> Figure:
    """等間隔の折れ目では、曲がり方の急なところに誤差が残ります。"""
    drawing, axes = _style.figure(2, height=5.0, sharex=True)
    x = np.linspace(0, 1, 1001)

    def g(x: Array) -> Array:
        y: Array = 0.8 * np.sin(14 * x**3) - 0.6 * x + 0.3
        return y

    for ax, n in zip(axes, (4, 16), strict=True):
        network = relu_interpolant(g, 0, 1, n)
        error = sup_error(network, g, 0, 1)
        nodes = np.append(-network[0].b, 1.0)
        worst = x[np.argmax(abs(_curve(network, x) - g(x)))]
        ends = np.array([g(worst), _curve(network, np.array([worst]))[0]])
        ax.plot(x, g(x), "-", color=_style.FAINT, linewidth=6)
        ax.plot(nodes, _curve(network, nodes), "-o", color=_style.BLUE, linewidth=1.5, markersize=5)
        ax.plot([worst, worst], ends, "-", color=_style.RED, linewidth=3)
        ax.set(title=f"{n} ユニット: 最大の誤差 {error:.2f}", ylim=(-1.2, 1.2))
    axes[-1].set(xlabel="$x$")
    return drawing


def training_gap() -> Figure:
    """同じ 16 ユニットでも、学習が見つける折れ線は、手で組んだ折れ線に及びません。"""
    drawing, axes = _style.figure(3, height=7.0, sharex=True, sharey=True)
    x = np.linspace(0, 1, 65)
    fine = np.linspace(0, 1, 1001)
    rng = np.random.default_rng(0)
    hidden, last = init_network([1, 16, 1], rng=rng)
    spread = replace(hidden, b=-hidden.W[0] * rng.random(16))
    starts: list[Network] = [(hidden, last), (spread, last)]
    panels = [("手で組む", relu_interpolant(_target, 0, 1, 16))]
    for label, start in zip(["学習する", "折れ目を散らして学習する"], starts, strict=True):
        *_, step = train(
            start,
            x[:, np.newaxis],
            _target(x)[:, np.newaxis],
            loss="squared_error",
            optimizer=Adam(0.01),
            batch_size=65,
            epochs=500,
            rng=rng,
        )
        panels.append((label, step.network))
    for ax, (label, network) in zip(axes, panels, strict=True):
        ax.plot(fine, _target(fine), "-", color=_style.FAINT, linewidth=6)
        ax.plot(fine, _curve(network, fine), "-", color=_style.RED, linewidth=1.5)
        error = sup_error(network, _target, 0, 1)
        ax.set(title=f"{label}: 最大の誤差 {error:.2f}", ylim=(-1.4, 1.4))
    axes[-1].set(xlabel="$x$")
    return drawing


def outside() -> Figure:
    """区間の外では、折れ線は直線のまま、シグモイド関数の階段は一定のままで、目標から離れます。"""
    drawing, (ax,) = _style.figure(height=3.6)
    x = np.linspace(-0.6, 2, 1001)
    ax.axvspan(0, 1, color=_style.FAINT, alpha=0.4, linewidth=0)
    ax.plot(x, _target(x), "-", color=_style.FAINT, linewidth=6, label="目標 $g$")
    polyline = relu_interpolant(_target, 0, 1, 32)
    ax.plot(x, _curve(polyline, x), "-", color=_style.RED, label="ReLU の折れ線")
    staircase = staircase_network(_target, 0, 1, 32, steepness=200)
    ax.plot(x, _curve(staircase, x), "--", color=_style.BLUE, label="シグモイド関数の階段")
    ax.text(0.5, 2.6, "近似した区間", ha="center")
    ax.set(xlabel="$x$", ylabel="$y$", ylim=(-1.4, 5))
    ax.legend(loc="upper left")
    return drawing


def sawtooth() -> Figure:
    """層を一つ重ねるたびに、のこぎりの歯の数が倍になります。"""
    drawing, axes = _style.figure(3, height=5.4, sharex=True)
    x = np.linspace(0, 1, 1025)
    for ax, depth in zip(axes, (1, 3, 5), strict=True):
        ax.plot(x, _curve(sawtooth_network(depth), x), "-", color=_style.BLUE, linewidth=1.5)
        ax.set(title=f"{2 * depth} ユニット、線分は {2**depth} 本", ylim=(-0.1, 1.1))
    axes[-1].set(xlabel="$x$")
    return drawing
