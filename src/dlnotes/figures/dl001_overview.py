"""DL001 ニューラルネットワークの全体像の図。"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from dlnotes.arrays import Array
from dlnotes.backprop import backward
from dlnotes.datasets import ANIMAL_CLASSES, ANIMAL_FEATURES, animals, house_prices, sine
from dlnotes.encoding import (
    dequantize_wave,
    fit_standardizer,
    quantize_wave,
    sample_wave,
    standardize,
    unstandardize,
)
from dlnotes.figures import _style
from dlnotes.figures._style import BLUE, FAINT, GREEN, INK, ORANGE, RED
from dlnotes.losses import squared_error
from dlnotes.network import Layer, Network, forward, init_network
from dlnotes.optimizers import SGD
from dlnotes.training import train

__all__ = [
    "animal_network",
    "exam_network",
    "generalisation",
    "quantised_wave",
    "standardisation",
    "tasks",
]

_Place = tuple[float, float]
_RADIUS = 0.42


def _columns(sizes: Sequence[int | None], gap: float, spread: float) -> list[list[_Place]]:
    """丸の中心。層ごとに、縦の中央をそろえて並べる。丸が一つ減るごとに、間を spread 広げる。"""
    most = max(size or 0 for size in sizes)

    def column(x: float, size: int) -> list[_Place]:
        pitch = 1 + spread * (most - size)
        return [(x, pitch * ((size - 1) / 2 - row)) for row in range(size)]

    return [column(gap * number, size or 0) for number, size in enumerate(sizes)]


def _outside(places: Sequence[_Place]) -> Path:
    """丸の外。逆回りの丸は、まわりの四角から抜ける。"""
    circle, square = Path.unit_circle(), Path.unit_rectangle()
    back = Affine2D().scale(-_RADIUS, _RADIUS)
    holes = [circle.transformed(back.frozen().translate(*place)) for place in places]
    around = square.transformed(Affine2D().translate(-0.5, -0.5).scale(40))
    return Path.make_compound_path(around, *holes)


def _connect(ax: Axes, left: Sequence[_Place], right: Sequence[_Place]) -> None:
    """隣り合う層の、すべての丸どうしを結ぶ。丸の中には線を引かない。"""
    outside = _outside([*left, *right])
    for start, end in product(left, right):
        (line,) = ax.plot(*zip(start, end, strict=True), "-", color=INK, lw=0.8, alpha=0.5)
        line.set_clip_path(outside, ax.transData)


def _network(
    ax: Axes, sizes: Sequence[int | None], *, gap: float, spread: float = 0
) -> list[list[_Place]]:
    """幅の列から全結合のネットワークを描き、列ごとの丸の中心を返す。None は省いた層。"""
    columns = _columns(sizes, gap, spread)
    for left, right in pairwise(columns):
        _connect(ax, left, right)
    for number, column in enumerate(columns):
        for place in column:
            ax.add_patch(Circle(place, _RADIUS, fill=False, ec=BLUE, lw=1.6))
        if not column:
            ax.text(gap * number, 0, r"$\cdots$", ha="center", va="center", fontsize=18)
    ax.set_aspect("equal")
    ax.axis("off")
    return columns


def _write(ax: Axes, places: Sequence[_Place], texts: Sequence[str], **style: Any) -> None:
    given: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 10} | style
    for place, text in zip(places, texts, strict=True):
        ax.text(*place, text, **given)


def _beside(places: Sequence[_Place], distance: float) -> list[_Place]:
    return [(x + distance, y) for x, y in places]


def animal_network() -> Figure:
    """七つの特徴量から三つの確率を出す 7-…-3 のネットワーク。"""
    drawing, (ax,) = _style.figure(height=3.85)
    columns = _network(ax, (7, 5, None, 5, 3), gap=1.5, spread=0.2)
    _write(ax, columns[0], ("10", "300", "300", "15", "50", "1.8", "20"))
    # 二行に折って、丸を大きく描く場所を空ける。
    features = [name.replace(" [", "\n[").replace("/", "/\n") for name in ANIMAL_FEATURES]
    _write(ax, _beside(columns[0], -0.52), features, ha="right")
    _write(ax, columns[-1], ("0.1", "0.05", "0.85"))
    _write(ax, _beside(columns[-1], 0.52), ANIMAL_CLASSES, ha="left")
    _write(ax, [(0, 3.8), (3, 3.8), (6, 3.8)], ("入力 $x$", "中間層 $z$", "出力 $y$"), fontsize=11)
    ax.set(xlim=(-2, 7.45), ylim=(-3.5, 4.1))
    return drawing


def exam_network() -> Figure:
    """2-3-3-1 のネットワーク。層ごとの重みとバイアスの数は 9、12、4。"""
    drawing, (ax,) = _style.figure(height=2.7)
    columns = _network(ax, (2, 3, 3, 1), gap=2.6)
    letters = ("x", "z^{(1)}", "z^{(2)}", "y")
    names = ("入力層", "中間層 1", "中間層 2", "出力層")
    for places, letter, name in zip(columns, letters, names, strict=True):
        numbers = [f"_{n}" for n in range(1, len(places) + 1)] if len(places) > 1 else [""]
        texts = [f"${letter}{number}$" for number in numbers]
        _write(ax, places, texts, fontsize=12)
        ax.text(places[0][0], 1.95, name, ha="center", va="center")
    counts = (r"$2\times3+3$", r"$3\times3+3$", r"$3\times1+1$")
    for number, count in enumerate(counts, start=1):
        text = f"$W^{{({number})}},\\ b^{{({number})}}$\n{count}"
        ax.text(2.6 * number - 1.3, -2.1, text, ha="center", va="center", fontsize=12)
    ax.set(xlim=(-0.9, 8.7), ylim=(-2.7, 2.3))
    return drawing


def _prices() -> tuple[Array, Array]:
    """学習に使わなかった家の価格と、その予測。単位は万円。"""
    rng = np.random.default_rng(0)
    x, d = house_prices(400, rng=rng)
    x, s = standardize(x, fit_standardizer(x[:200])), fit_standardizer(d[:200])
    *_, step = train(
        init_network((2, 5, 1), rng=rng),
        x[:200],
        standardize(d[:200], s),
        loss="squared_error",
        optimizer=SGD(0.1),
        batch_size=20,
        epochs=50,
        rng=rng,
    )
    return d[200:], unstandardize(forward(step.network, x[200:]), s)


def _species() -> tuple[Array, Array]:
    """学習に使わなかった動物の正解と、クラスごとの確率。"""
    rng = np.random.default_rng(0)
    x, d = animals(600, rng=rng)
    x = standardize(x, fit_standardizer(x[:300]))
    *_, step = train(
        init_network((7, 5, 3), output_activation="softmax", rng=rng),
        x[:300],
        d[:300],
        loss="cross_entropy",
        optimizer=SGD(0.1),
        batch_size=30,
        epochs=20,
        rng=rng,
    )
    return d[300:], forward(step.network, x[300:])


def tasks() -> Figure:
    """回帰の予測は正解の価格に沿って連続に変わり、分類の予測はクラスの確率になる。"""
    drawing, (upper, lower) = _style.figure(2, height=6.2, gridspec_kw={"hspace": 0.08})
    d, y = _prices()
    upper.plot([0, 8000], [0, 8000], "-", color=INK, lw=1)
    upper.plot(d, y, "o", color=BLUE, ms=3.5, alpha=0.6)
    upper.set(title="回帰: 家の価格", xlabel="正解（万円）", ylabel="予測（万円）")
    upper.set(xlim=(0, 8000), ylim=(0, 8000))
    d, y = _species()
    # クラスごとに 12 匹。正解の順に左から並べる。
    order = np.concatenate([np.flatnonzero(d[:, k])[:12] for k in range(3)])
    bottom = np.zeros(len(order))
    fills = zip(ANIMAL_CLASSES, (BLUE, ORANGE, GREEN), ("", "////", "...."), strict=True)
    for k, (name, color, hatch) in enumerate(fills):
        bars = lower.bar(range(len(order)), y[order, k], 0.8, bottom, label=name, hatch=hatch)
        for bar in bars:
            bar.set(fc=color, ec=INK, lw=0.4, alpha=0.75)
        bottom += y[order, k]
    lower.set(title="分類: 動物の種類", xlabel="正解", ylabel="予測した確率")
    lower.set_xticks([5.5, 17.5, 29.5], ANIMAL_CLASSES)
    lower.tick_params(axis="x", length=0)
    lower.set(yticks=(0, 0.5, 1), ylim=(0, 1), xlim=(-0.7, 35.7))
    lower.grid(visible=False)
    drawing.legend(loc="outside lower center", ncols=3, title="予測")
    return drawing


def quantised_wave() -> Figure:
    """波を一定の間隔で測り、3 ビットの整数に丸める。"""
    drawing, (ax,) = _style.figure(height=3.4)

    def wave(t: Array) -> Array:
        x: Array = 0.9 * np.sin(2 * np.pi * 100 * t + 0.4)
        return x

    t, x = np.arange(20) / 2000, sample_wave(wave, duration=0.01, rate=2000)
    fine = sample_wave(wave, duration=0.01, rate=40000)
    codes = quantize_wave(x, bits=3)
    for level in dequantize_wave(np.arange(8), bits=3):
        ax.axhline(level, color=FAINT, lw=1)
    ax.plot(np.arange(len(fine)) / 40, fine, "-", color=INK, lw=1, label="元の波")
    ax.plot(1000 * t, x, "o", color=BLUE, fillstyle="none", mew=1.6, label="測った値")
    rounded = dequantize_wave(codes, bits=3)
    ax.plot(1000 * t, rounded, "x", color=RED, mew=1.8, label="丸めた値")
    ax.set_yticks(dequantize_wave(np.arange(8), bits=3), [f"{n}" for n in range(8)])
    ax.grid(visible=False)
    ax.set(xlabel="時刻（ミリ秒）", ylabel="整数 $q$", xlim=(-0.3, 10.3), ylim=(-1.08, 1.08))
    drawing.legend(loc="outside lower center", ncols=3)
    return drawing


def _valley(ax: Axes, x: Array, d: Array, b: float, sides: tuple[Array, Array]) -> None:
    """バイアスを止めた一層の誤差の等高線と、勾配降下法の 20 回の道筋。"""
    grid = np.stack(np.meshgrid(*sides), axis=0).reshape(2, -1)
    y = forward((Layer(grid, np.full(grid.shape[1], b), "identity"),), x)
    E = squared_error(y.T, np.repeat(d.T, len(y.T), axis=0)) / len(x)
    shape = len(sides[1]), len(sides[0])
    levels = E.min() + (E.max() - E.min()) * 0.5 ** np.arange(10, -1, -1)
    ax.contour(*sides, E.reshape(shape), levels=levels, colors=[INK], linewidths=0.8, alpha=0.6)
    # 最も急な方向では 1 回で底に着く学習率。
    optimizer = SGD(1 / np.linalg.eigvalsh(x.T @ x / len(x)).max())
    theta: Array = np.zeros(2)
    path, state = [theta], optimizer.init(theta)
    for _ in range(20):
        network: Network = (Layer(theta[:, np.newaxis], np.array([b]), "identity"),)
        (gradient,) = backward(network, x, d, "squared_error")
        theta, state = optimizer.step(theta, gradient.W.ravel(), state)
        path.append(theta)
    ax.plot(*np.transpose(path), "o-", color=RED, ms=3.5, lw=1.2)
    best = np.linalg.lstsq(x, (d - b).ravel(), rcond=None)[0]
    ax.plot(*best, "*", color=BLUE, ms=14)


def standardisation() -> Figure:
    """標準化しないと誤差の谷は細長く、標準化すると丸い。星印が底。"""
    drawing, (upper, lower) = _style.figure(2, height=6.2, gridspec_kw={"hspace": 0.08})
    x, d = house_prices(200, rng=np.random.default_rng(0))
    _valley(upper, x, d, 1500.0, (np.linspace(-110, 220, 121), np.linspace(-180, 20, 121)))
    upper.set(title="そのまま", xlabel="広さの重み", ylabel="駅からの距離の重み", aspect="equal")
    x, d = (standardize(data, fit_standardizer(data)) for data in (x, d))
    _valley(lower, x, d, 0.0, (np.linspace(-0.8, 2.4, 81), np.linspace(-1.2, 0.75, 81)))
    lower.set(
        title="標準化した後", xlabel="広さの重み", ylabel="駅からの距離の重み", aspect="equal"
    )
    return drawing


def _powers(x: Array, K: int) -> Array:
    """入力 x の 1 乗から K 乗までを、K 個の入力とみなす。"""
    return x ** np.arange(1, K + 1)


def _fit(x: Array, d: Array, K: int) -> Network:
    """訓練データの二乗誤差が最も小さい、入力が K 個の一層。"""
    columns = np.hstack([np.ones_like(x), _powers(x, K)])
    W = np.linalg.lstsq(columns, d, rcond=None)[0]
    return (Layer(W[1:], W[0], "identity"),)


def _error(network: Network, x: Array, d: Array) -> float:
    y = forward(network, _powers(x, len(network[0].W)))
    return float(squared_error(y, d).mean())


def generalisation() -> Figure:
    """訓練データの点をすべて通る 9 次式は、点の間で大きく外れる。"""
    drawing, (upper, lower) = _style.figure(2, height=6.4)
    rng = np.random.default_rng(0)
    x, d = sine(10, noise=0.3, rng=rng)
    x_test, d_test = sine(1000, noise=0.3, rng=rng)
    fits = {K: _fit(x, d, K) for K in range(1, 10)}
    fine = np.linspace(x.min(), x.max(), 301)[:, np.newaxis]
    for K, color, style in ((1, ORANGE, ":"), (3, BLUE, "-"), (9, RED, "--")):
        upper.plot(fine, forward(fits[K], _powers(fine, K)), style, color=color, label=f"{K} 次")
    upper.plot(x, d, "o", color=INK, label="訓練データ")
    upper.plot(x_test[:60], d_test[:60], ".", color=INK, alpha=0.6, ms=4, label="テストデータ")
    upper.set(xlabel="$x$", ylabel="$y$", ylim=(-3.7, 2.2))
    upper.legend(ncols=2, loc="lower left")
    degrees = list(fits)
    E = [_error(fits[K], x, d) for K in degrees], [_error(fits[K], x_test, d_test) for K in degrees]
    lower.plot(degrees, E[0], "o-", color=INK, label="訓練データ")
    lower.plot(degrees, E[1], "s--", color=RED, label="テストデータ")
    lower.set(xlabel="次数", ylabel="誤差 $E$", ylim=(-0.04, 0.9))
    lower.legend()
    return drawing
