"""DL000_2 識別器の開発アプローチの図。"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.arrays import Array
from dlnotes.datasets import moons, three_gaussians
from dlnotes.discriminative import fit_logistic_regression, fit_perceptron, scores
from dlnotes.discriminative import posterior as logistic_posterior
from dlnotes.discriminative import predict as discriminative_predict
from dlnotes.figures import _style
from dlnotes.generative import GaussianClassifier, fit_gaussian_classifier, posterior, sample

__all__ = ["boundaries", "discriminator", "three_approaches"]

_MARKERS = ["o", "s", "^"]
_COLORS = [_style.BLUE, _style.RED, _style.GREEN]


def _grid(low: float, high: float, steps: int = 121) -> tuple[Array, Array]:
    side = np.linspace(low, high, steps)
    return side, np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def _points(ax: Axes, x: Array, labels: Array, *, hollow: bool = False, size: float = 4) -> None:
    for k in range(labels.shape[1]):
        face = "none" if hollow else _COLORS[k]
        chosen = x[labels[:, k] == 1]
        ax.plot(*chosen.T, _MARKERS[k], color=_COLORS[k], mfc=face, ms=size, ls="", alpha=0.8)


def _regions(ax: Axes, side: Array, u: Array) -> None:
    """点数が最大のクラスごとに塗り分け、境目を線で描く。"""
    for k, color in enumerate(_COLORS):
        lead = (u[:, k] - np.delete(u, k, axis=1).max(axis=1)).reshape(len(side), len(side))
        ax.contourf(side, side, lead, levels=[0, np.inf], colors=[color], alpha=0.1)
        ax.contour(side, side, lead, levels=[0], colors=_style.INK, linewidths=1.5)


def _certainty(ax: Axes, side: Array, p: Array) -> None:
    _regions(ax, side, p)
    best = p.max(axis=1).reshape(len(side), len(side))
    ax.contour(
        side, side, best, levels=[0.7, 0.9], colors=_style.INK, linestyles=["--", ":"],
        linewidths=1.2,
    )  # fmt: skip


def three_approaches() -> Figure:
    """同じデータを三つの方法で学ぶ。上ほど答えられることが多く、下は境界だけになる。"""
    drawing, axes = _style.figure(3, height=10.2, sharex=True)
    rng = np.random.default_rng(0)
    x, d = three_gaussians(150, rng=rng)
    side, grid = _grid(-5, 5, 161)

    generative = fit_gaussian_classifier(x, d)
    _certainty(axes[0], side, posterior(generative, grid))
    _points(axes[0], *sample(generative, 150, rng=rng), hollow=True, size=3)
    axes[0].set_title("生成モデル: 確率と、新しいデータ（小さな白抜き）")

    _certainty(axes[1], side, logistic_posterior(fit_logistic_regression(x, d), grid))
    axes[1].set_title("識別モデル: 確率（破線 0.7、点線 0.9）")

    _regions(axes[2], side, scores(fit_perceptron(x, d), grid))
    axes[2].set_title("識別関数: ラベルだけ")
    for ax in axes:
        _points(ax, x, d, size=3.5)
        ax.set(ylabel="$x_2$", xlim=(-5, 5), ylim=(-5, 5))
        ax.set_xticks([-4, -2, 0, 2, 4])
        ax.set_yticks([-4, -2, 0, 2, 4])
    axes[2].set_xlabel("$x_1$")
    return drawing


def _cubic(x: Array) -> Array:
    """三次までの積を並べた特徴。"""
    a, b = x.T
    return np.column_stack([a, b, a * a, a * b, b * b, a**3, a * a * b, a * b * b, b**3])


def boundaries() -> Figure:
    """三日月の境界。方法が違っても特徴が同じなら直線、特徴を増やすと曲線になる。"""
    drawing, (ax,) = _style.figure(height=4.2)
    x, d = moons(200, noise=0.2, rng=np.random.default_rng(0))
    side, grid = _grid(-2, 3)
    generative = fit_gaussian_classifier(x, d, shared=True)
    linear = fit_logistic_regression(x, d)
    cubic = fit_logistic_regression(_cubic(x), d, l2=0.001)
    curves = {
        "生成モデル": ("--", _style.PURPLE, posterior(generative, grid)),
        "識別モデル": (":", _style.GREEN, logistic_posterior(linear, grid)),
        "識別モデル（三次の特徴量）": ("-", _style.INK, logistic_posterior(cubic, _cubic(grid))),
    }
    for name, (style, color, p) in curves.items():
        score = p[:, 1].reshape(len(side), len(side))
        ax.contour(side, side, score, levels=[0.5], colors=color, linestyles=style, linewidths=2)
        ax.plot([], [], style, color=color, label=name)
    _points(ax, x, d, hollow=True)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-1.8, 2.8), ylim=(-1.4, 2.9))
    ax.legend(loc="upper left")
    return drawing


def discriminator() -> Figure:
    """偽物が本物に近づくほど見分けられなくなり、正解率は五分五分に下がる。"""
    drawing, (ax,) = _style.figure(height=3.0)
    rng = np.random.default_rng(0)
    shifts = np.linspace(0, 4, 17)
    accuracy = []
    for shift in shifts:
        means, covariances = np.array([[shift, 0], [0, 0]]), np.stack([np.eye(2)] * 2)
        both = GaussianClassifier(np.array([0.5, 0.5]), means, covariances)
        D = fit_logistic_regression(*sample(both, 2000, rng=rng))
        x, d = sample(both, 2000, rng=rng)
        accuracy.append(np.mean(discriminative_predict(D, x) == d.argmax(axis=1)))
    best = [(1 + math.erf(shift / math.sqrt(8))) / 2 for shift in shifts]
    ax.plot(shifts, accuracy, "o", color=_style.BLUE, label="学習した識別器")
    ax.plot(shifts, best, "--", color=_style.RED, label="最もよい識別器の式")
    ax.axhline(0.5, color=_style.INK, linestyle=":", lw=1.5, label="でたらめに答える")
    ax.legend(loc="center right")
    ax.set(xlabel="偽物の分布のずれ", ylabel="識別器の正解率", ylim=(0.45, 1.02))
    return drawing
