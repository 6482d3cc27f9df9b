"""DL007 確率的勾配降下法の図。"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dlnotes.arrays import Array
from dlnotes.datasets import linear_target
from dlnotes.figures import _style
from dlnotes.network import init_network
from dlnotes.optimizers import SGD
from dlnotes.training import train

__all__ = ["drift", "escape", "noise_floor", "redundant"]


def redundant() -> Figure:
    """同じ誤差まで下がるのに、確率的勾配降下法は勾配をおよそ千分の一しか計算しません。"""
    drawing, (ax,) = _style.figure()
    x, d = linear_target(10, rng=np.random.default_rng(0))
    x, d = np.tile(x, (100, 1)), np.tile(d, (100, 1))
    network = init_network([2, 10, 1], rng=np.random.default_rng(1))
    for label, B, epochs, color, line in (
        ("勾配降下法（毎回 1,000 個）", 1000, 60, _style.BLUE, "-"),
        ("確率的勾配降下法（毎回 1 個）", 1, 3, _style.RED, "--"),
    ):
        rng = np.random.default_rng(2)
        steps = train(
            network,
            x,
            d,
            loss="squared_error",
            optimizer=SGD(0.07),
            batch_size=B,
            epochs=epochs,
            rng=rng,
        )
        losses = np.array([step.loss for step in steps])
        # 1 個ずつの誤差はばらつくので、50 回の平均で描く。
        width = 50 if B == 1 else 1
        smooth = losses[: len(losses) // width * width].reshape(-1, width).mean(axis=1)
        used = np.arange(1, len(smooth) + 1) * width * B
        ax.loglog(used, smooth, line, color=color, label=label)
    ax.set(xlabel="計算した勾配の個数（サンプル数）", ylabel="誤差", ylim=(1e-6, 1e3))
    ax.legend(loc="upper left")
    return drawing


def _slope(w: Array) -> Array:
    slope: Array = 4 * w * (w**2 - 1) + 0.5
    return slope


def escape() -> Figure:
    """右の浅い谷から始めても、確率的勾配降下法の多くは山を越えて左の深い谷に着きます。"""
    drawing, (top, bottom) = _style.figure(2, 1, height=4.4, sharex=True)
    w = np.linspace(-1.7, 1.7, 300)
    top.plot(w, (w**2 - 1) ** 2 + 0.5 * w, color=_style.INK, linestyle="-")
    top.plot(1.5, (1.5**2 - 1) ** 2 + 0.75, "o", color=_style.RED)
    top.annotate("出発点", (1.5, 2.3), (-46, -4), textcoords="offset points")
    top.annotate("浅い谷", (0.93, 0.48), (-17, -18), textcoords="offset points")
    top.annotate("深い谷", (-1.06, -0.5), (-17, -18), textcoords="offset points")
    top.set(ylabel="誤差", ylim=(-1.2, 3))
    rng, ends = np.random.default_rng(0), np.full(1000, 1.5)
    for t in range(300):
        noise = 4.0 * rng.choice([-1.0, 1.0], size=ends.shape)
        ends = ends - 0.1 * (1 - t / 300) * (_slope(ends) + noise)
    bottom.hist(ends, bins=60, range=(-1.7, 1.7), color=_style.BLUE)
    bottom.set(xlabel="パラメータ $w$", ylabel="着いた回数")
    return drawing


def drift() -> Figure:
    """途中で正解が変わると、まとめて学んだ直線の誤差は増え、届くたびに学ぶ直線は追いつきます。"""
    drawing, (ax,) = _style.figure()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2))
    slope = np.where(np.arange(2000)[:, np.newaxis] < 1000, [3.0, 2.0], [1.0, 4.0])
    d = (x * slope).sum(axis=1) + 0.2 * rng.normal(size=2000)
    batch = np.linalg.lstsq(x[:1000], d[:1000], rcond=None)[0]
    online: Array = np.zeros(2)
    errors = []
    for a, b in zip(x, d, strict=True):
        errors.append((b - a @ online) ** 2 / 2)
        online = SGD(0.05).step(online, (a @ online - b) * a, ())[0]
    mean = np.array(errors).reshape(-1, 50).mean(axis=1)
    stale = ((d - x @ batch) ** 2 / 2).reshape(-1, 50).mean(axis=1)
    t = np.arange(25, 2000, 50)
    ax.semilogy(t, stale, "--", color=_style.RED, label="前半でまとめて学習")
    ax.semilogy(t, mean, "-", color=_style.BLUE, label="1 個ずつ学習し続ける")
    ax.axvline(1000, color=_style.INK, linestyle=":")
    ax.set(xlabel="届いたサンプルの番号", ylabel="50 個ごとの誤差の平均", ylim=(1e-2, 1e2))
    ax.legend(loc="upper left")
    return drawing


def noise_floor() -> Figure:
    """一定の学習率では谷底からのずれが下げ止まり、学習率を 1/t と下げるとどこまでも減ります。"""
    drawing, (ax,) = _style.figure(height=3.5)
    rng = np.random.default_rng(0)
    d = rng.normal(size=1000)
    n = rng.integers(1000, size=(2000, 1000))
    t = np.arange(1, len(n) + 1)
    for label, rates, color, line in (
        (r"$\varepsilon=0.5$", 0.5 + 0 * t, _style.RED, "-."),
        (r"$\varepsilon=0.1$", 0.1 + 0 * t, _style.GREEN, "--"),
        (r"$\varepsilon=0.02$", 0.02 + 0 * t, _style.PURPLE, ":"),
        (r"$\varepsilon=1/t$", 1 / t, _style.BLUE, "-"),
    ):
        w, v = np.full(n.shape[1], d.mean() + 3), []
        for rate, chosen in zip(rates, n, strict=True):
            w = w - rate * (w - d[chosen])
            v.append(((w - d.mean()) ** 2).mean())
        ax.loglog(t, v, line, color=color, label=label)
    ax.set(xlabel="更新の回数 $t$", ylabel="谷底からのずれの二乗")
    ax.legend(loc="lower left")
    return drawing
