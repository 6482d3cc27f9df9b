"""DL005 出力層の活性化関数の図。"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.activations import identity, softmax
from dlnotes.arrays import Array
from dlnotes.figures import _style
from dlnotes.figures._slider import Slider
from dlnotes.losses import (
    cross_entropy,
    entropy,
    sigmoid_binary_cross_entropy,
    sigmoid_binary_cross_entropy_gradient,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
    squared_error,
    squared_error_gradient,
)
from dlnotes.numerical import central_difference

__all__ = [
    "entropy_and_kl",
    "epsilon_cap",
    "softmax_steps",
    "temperature",
    "three_pairs",
]


def _bars(
    ax: Axes, values: Array, label: str, color: str, *, hatch: str, digits: str = "%.2f"
) -> None:
    bars = ax.bar(["$k=1$", "$k=2$", "$k=3$"], values, color=color, alpha=0.75, hatch=hatch)
    ax.bar_label(bars, fmt=digits, padding=2)
    ax.axhline(0, color=_style.INK, linewidth=1)
    ax.margins(y=0.25)
    ax.set(ylabel=label)


def softmax_steps() -> Figure:
    """ソフトマックス関数の二段階。指数で正の数にし、和で割って合計を 1 にする。"""
    drawing, axes = _style.figure(3, height=5.6, sharex=True)
    u = np.array([2.0, 1.0, -1.0])
    _bars(axes[0], u, "総入力 $u_k$", _style.BLUE, hatch="")
    _bars(axes[1], np.exp(u), r"$\exp u_k$", _style.ORANGE, hatch="//")
    _bars(axes[2], softmax(u), "出力 $y_k$", _style.GREEN, hatch="..", digits="%.4f")
    axes[2].set(ylim=(0, 1))
    return drawing


@Slider("温度 T", (0.1, 0.25, 0.5, 1, 2, 4, 10, 100), start=1)
def temperature(T: float) -> tuple[Figure, str]:
    """温度による確率の変化。低いと最大の一つに集まり、高いと一様に近づく。"""
    drawing, (top, bottom) = _style.figure(2, height=4.6, height_ratios=[2, 3])
    u = np.array([1.0, 2.0, 3.0])
    colors = [_style.BLUE, _style.RED, _style.GREEN]
    names = [f"$u_{k}={k}$" for k in (1, 2, 3)]
    here = softmax(u, temperature=T)
    bars = top.bar(names, here, color=colors, alpha=0.75)
    top.bar_label(bars, fmt="%.3f", padding=2)
    top.set(ylabel="$y_k$", ylim=(0, 1.25), yticks=[0, 0.5, 1])
    temperatures = np.geomspace(0.1, 100, 61)
    y = np.array([softmax(u, temperature=float(t)) for t in temperatures])
    for k, (column, color) in enumerate(zip(y.T, colors, strict=True)):
        bottom.plot(temperatures, column, color=color, label=names[k])
        bottom.plot(T, here[k], "o", color=color, clip_on=False)
    bottom.axvline(T, color=_style.INK, linestyle="-", linewidth=1, clip_on=False)
    bottom.set(xscale="log", xlabel="温度 $T$", ylabel="$y_k$", ylim=(0, 1.05), xlim=(0.1, 100))
    bottom.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    bottom.legend(loc="upper right")
    return drawing, f"三つの確率は、順に {'、'.join(f'{p:.3f}' for p in here)} です。"


def three_pairs() -> Figure:
    """三つの組の誤差と勾配。どの組でも、勾配は出力から正解の 1 を引いたものになる。"""
    drawing, (top, bottom) = _style.figure(2, height=5.4, sharex=True)
    u = np.linspace(-4, 6, 201)
    one = np.ones_like(u)
    column, ones = identity(u)[:, np.newaxis], one[:, np.newaxis]
    logits = np.stack([u, np.zeros_like(u), np.zeros_like(u)], axis=1)
    labels = np.tile([1.0, 0.0, 0.0], (len(u), 1))
    top.plot(u, squared_error(column, ones), label="恒等写像")
    top.plot(u, sigmoid_binary_cross_entropy(u, one), label="シグモイド関数")
    top.plot(u, softmax_cross_entropy(logits, labels), label="ソフトマックス関数")
    top.set(ylabel="誤差 $E$", ylim=(-0.2, 8))
    top.legend(loc="upper center")
    bottom.plot(u, squared_error_gradient(column, ones))
    bottom.plot(u, sigmoid_binary_cross_entropy_gradient(u, one))
    bottom.plot(u, softmax_cross_entropy_gradient(logits, labels)[:, 0])
    bottom.set(xlabel="総入力 $u$（正解は $d=1$）", ylabel="勾配 $y-d$", ylim=(-2.2, 1.2))
    return drawing


def entropy_and_kl() -> Figure:
    """正解が 0.7 と 0.3 のときの交差エントロピー。底はエントロピーで、そこからの隔たりが KL。"""
    drawing, (ax,) = _style.figure(height=3.6)
    p = np.array([0.7, 0.3])
    q = np.linspace(0.02, 0.98, 193)
    H = float(entropy(p))
    ax.plot(q, [cross_entropy([v, 1 - v], p) for v in q], label="交差エントロピー $H(p, q)$")
    ax.axhline(H, color=_style.RED, linestyle="--", label="エントロピー $H(p)$")
    here = 0.2
    E = float(cross_entropy([here, 1 - here], p))
    ax.annotate("", (here, E), (here, H), arrowprops={"arrowstyle": "<->", "color": _style.INK})
    ax.text(here + 0.02, (E + H) / 2, "KL", va="center")
    ax.plot(0.7, H, "o", color=_style.INK)
    ax.annotate("$q=p$", (0.7, H), (0, -15), textcoords="offset points", ha="center")
    ax.set(xlabel="予測 $q_1$（正解は $p_1=0.7$）", ylabel="値（ナット）", ylim=(0, 3))
    ax.legend(loc="upper center")
    return drawing


def _with_epsilon(u: Array) -> Array:
    """1e-7 を足す書き方の誤差。総入力は (0, u)、正解は一つ目のクラス。"""
    y = softmax(np.stack([np.zeros_like(u), u], axis=1))
    E: Array = -np.log(y[:, 0] + 1e-7)
    return E


def _exact(u: Array) -> Array:
    """総入力から直接求めた誤差。"""
    logits = np.stack([np.zeros_like(u), u], axis=1)
    return softmax_cross_entropy(logits, np.tile([1.0, 0.0], (len(u), 1)))


def epsilon_cap() -> Figure:
    """1e-7 を足した誤差。16.118 で頭打ちになり、大きく間違えたところで勾配が消える。"""
    drawing, (top, bottom) = _style.figure(2, height=5.0, sharex=True)
    u = np.linspace(0, 30, 301)
    ways: dict[str, Callable[[Array], Array]] = {
        "総入力から": _exact,
        "1e-7 を足す": _with_epsilon,
    }
    for label, E in ways.items():
        top.plot(u, E(u), label=label)
        bottom.plot(u, central_difference(E, u))
    top.axhline(-np.log(1e-7), color=_style.INK, linewidth=1)
    top.text(0, -np.log(1e-7) + 0.6, "16.118")
    top.set(ylabel="誤差 $E$")
    top.legend(loc="lower right")
    bottom.set(
        xlabel="間違ったクラスの総入力 $u_2$",
        ylabel=r"勾配 $\partial E/\partial u_2$",
        ylim=(0, 1.1),
    )
    return drawing
