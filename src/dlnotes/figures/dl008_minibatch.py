"""DL008 ミニバッチ勾配降下法の図。"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from dlnotes.arrays import Array
from dlnotes.backprop import loss_and_gradient
from dlnotes.datasets import linear_target
from dlnotes.figures import _style
from dlnotes.figures._slider import Slider
from dlnotes.losses import squared_error
from dlnotes.network import forward, init_network
from dlnotes.optimizers import SGD
from dlnotes.training import minibatches, train

__all__ = ["chain", "noisy", "one_epoch", "scatter", "variance"]

_COLORS = (_style.BLUE, _style.RED, _style.GREEN)
_HATCHES = ("", "//", "..")


def _per_sample_gradients(n_samples: int) -> Array:
    x, d = linear_target(n_samples, rng=np.random.default_rng(0))
    network = init_network([2, 10, 1], rng=np.random.default_rng(1))
    pairs = zip(x, d, strict=True)
    return np.array([loss_and_gradient(network, [a], [b], "squared_error")[1] for a, b in pairs])


@Slider("バッチサイズ B", (1, 2, 5, 10, 20, 50, 100), start=10)
def scatter(B: float) -> tuple[Figure, str]:
    """ミニバッチの勾配は全サンプルの勾配のまわりに散らばり、大きなミニバッチほど近くに集まります。"""
    drawing, (ax,) = _style.figure(height=3.6)
    G = _per_sample_gradients(100)
    # 41 個の成分のうち、サンプルによる違いが大きい二つ。
    G = G[:, np.argsort(G.var(axis=0))[-2:]]
    rng = np.random.default_rng(2)
    orders = rng.permuted(np.tile(np.arange(100), (120, 1)), axis=1)
    g = G[orders[:, : int(B)]].mean(axis=1)
    points, times = np.unique(g.round(9), axis=0, return_counts=True)
    ax.scatter(points[:, 0], points[:, 1], s=16 * times, color=_style.BLUE, alpha=0.5, lw=0)
    ax.plot(*G.mean(axis=0), "+", color=_style.RED, ms=16, mew=3)
    spread = float(np.sqrt(((g - G.mean(axis=0)) ** 2).sum(axis=1).mean()))
    ax.set(xlabel="勾配の成分の一つ", ylabel="もう一つの成分", title=f"散らばり {spread:.3f}")
    ax.set(xlim=(G[:, 0].min() - 0.6, G[:, 0].max() + 0.6))
    ax.set(ylim=(G[:, 1].min() - 0.6, G[:, 1].max() + 0.6))
    says = "二つの成分での、全サンプルの勾配からの隔たりは、二乗の平均の平方根で"
    return drawing, f"{says} {spread:.3f} です。"


def variance() -> Figure:
    """勾配の分散はバッチサイズに反比例して減り、重複なしの抽出では全部を使うと 0 になります。"""
    drawing, (ax,) = _style.figure(height=3.5)
    N, draws = 100, 2000
    G = _per_sample_gradients(N)
    total = G.var(axis=0).sum()
    sizes = np.array([1, 2, 5, 10, 20, 50, 90])
    rng = np.random.default_rng(2)
    orders = rng.permuted(np.tile(np.arange(N), (draws, 1)), axis=1)
    again = [G[rng.integers(N, size=(draws, B))].mean(1).var(0).sum() for B in sizes]
    once = [G[orders[:, :B]].mean(1).var(0).sum() for B in sizes]
    B = np.linspace(1, 99, 200)
    ax.loglog(B, total / B, "-", color=_style.BLUE, label="重複ありの式")
    ax.loglog(sizes, again, "o", ms=9, mfc="none", mew=2, color=_style.BLUE, label="重複ありの実測")
    factor = (N - B) / (N - 1)
    ax.loglog(B, total / B * factor, "--", color=_style.RED, label="重複なしの式")
    ax.loglog(sizes, once, "s", color=_style.RED, label="重複なしの実測")
    ax.set(xlabel="バッチサイズ $B$（$N=100$）", ylabel="勾配の分散")
    ax.set_xticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.legend(loc="lower left")
    return drawing


def _running_mean(E: Array) -> tuple[Array, Array]:
    """対数目盛りで等間隔の更新の回数と、その前後 2 割の更新での誤差の平均。"""
    t = np.unique(np.rint(np.geomspace(1, len(E), 25)).astype(int))
    windows = [E[max(round(n / 1.2), 1) - 1 : round(n * 1.2)] for n in t.tolist()]
    return t, np.array([window.mean() for window in windows])


def noisy() -> Figure:
    """正解に雑音があると、1 個ずつは揺れ、200 個ずつは遅く、20 個ずつが最もよくなります。"""
    drawing, (ax,) = _style.figure(height=3.9)
    x, clean = linear_target(200, rng=np.random.default_rng(0))
    d = clean + np.random.default_rng(3).normal(size=clean.shape)
    network = init_network([2, 10, 1], rng=np.random.default_rng(1))
    looks = ((1, _style.RED, "^-"), (20, _style.GREEN, "s--"), (200, _style.BLUE, "o-"))
    for B, color, style in looks:
        rng = np.random.default_rng(2)
        steps = train(
            network,
            x,
            d,
            loss="squared_error",
            optimizer=SGD(0.07),
            batch_size=B,
            epochs=20,
            rng=rng,
        )
        E = np.array([squared_error(forward(s.network, x), clean).mean() for s in steps])
        ax.loglog(B * np.arange(1, len(E) + 1), E, "-", color=color, lw=0.8, alpha=0.3)
        t, mean = _running_mean(E)
        ax.loglog(B * t, mean, style, color=color, ms=4, lw=1.6, zorder=3)
        # 終わりでは二つの線が重なるので、名前は始まりに書く。
        ax.annotate(f"$B={B}$", (B, E[0]), (0, 8), textcoords="offset points", color=color)
    ax.set(xlabel="計算した勾配の個数（サンプル数）", ylabel="本当の正解との誤差")
    ax.set(xlim=(0.8, 5000), ylim=(0.004, 10))
    return drawing


def one_epoch() -> Figure:
    """10 個のサンプルを混ぜて 4 個ずつ切ると、4 個、4 個、2 個の三つのミニバッチになります。"""
    drawing, (top, bottom) = _style.figure(2, 1, height=2.6)
    batches = list(minibatches(10, 4, rng=np.random.default_rng(0)))
    owner = {int(n): i for i, batch in enumerate(batches) for n in batch}
    _cells(top, [(n, owner[n]) for n in range(10)], "もとの順（番号はサンプル）")
    _cells(bottom, [(int(n), i) for i, b in enumerate(batches) for n in b], "混ぜて切った順")
    for i, start in enumerate([0, 4, 8]):
        bottom.text(start, -0.95, f"$D_{i + 1}$", color=_COLORS[i], fontsize=13)
    return drawing


def _cells(ax: Axes, cells: list[tuple[int, int]], title: str) -> None:
    for place, (sample, batch) in enumerate(cells):
        color, hatch = _COLORS[batch], _HATCHES[batch]
        ax.add_patch(
            Rectangle((place, 0), 0.9, 0.9, fill=False, edgecolor=color, hatch=hatch, linewidth=2)
        )
        ax.text(place + 0.45, 1.05, str(sample), ha="center", fontsize=12)
    ax.set(xlim=(-0.2, 10.2), ylim=(-1.1, 1.8), title=title)
    ax.set_axis_off()


def chain() -> Figure:
    """重みの矢印が、ミニバッチごとの勾配をひとつずつ受け取りながら次の重みへ進みます。"""
    drawing, (ax,) = _style.figure(height=2.5)
    for i, label in enumerate(["$w^{(t)}$", "$w^{(t+1)}$", "$w^{(t+2)}$", "$w^{(t+3)}$"]):
        x = 3 * i
        box = FancyBboxPatch((x, 0), 1.5, 0.9, boxstyle="round,pad=0.1", fill=False, linewidth=2)
        ax.add_patch(box)
        ax.text(x + 0.75, 0.45, label, ha="center", va="center", fontsize=13)
        if i < 3:
            color = _COLORS[i]
            arrow = {"arrowstyle": "-|>", "linewidth": 2, "color": _style.INK}
            ax.annotate("", (x + 2.85, 0.45), (x + 1.65, 0.45), arrowprops=arrow)
            down = {"arrowstyle": "-|>", "linewidth": 2, "color": color}
            ax.annotate("", (x + 2.25, 0.55), (x + 2.25, 1.75), arrowprops=down)
            number = f"t+{i}" if i else "t"
            ax.text(x + 2.25, 1.9, rf"$\nabla E_{{{number}}}$", ha="center", fontsize=13)
            ax.text(x + 2.25, 2.95, f"$D_{{{number}}}$", ha="center", fontsize=13, color=color)
            ax.annotate("", (x + 2.25, 2.3), (x + 2.25, 2.8), arrowprops=down)
    ax.set(xlim=(-0.3, 10.8), ylim=(-0.4, 3.5))
    ax.set_axis_off()
    return drawing
