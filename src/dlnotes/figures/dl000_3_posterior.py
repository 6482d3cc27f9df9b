"""DL000_3 生成モデル・識別モデル・識別関数の図。"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dlnotes.arrays import Array
from dlnotes.datasets import two_gaussians
from dlnotes.discriminative import fit_logistic_regression
from dlnotes.discriminative import posterior as logistic_posterior
from dlnotes.figures import _style
from dlnotes.figures._slider import Slider, readable
from dlnotes.generative import (
    GaussianClassifier,
    bayes_posterior,
    log_likelihood,
    posterior,
    sample,
)

__all__ = [
    "densities_and_posteriors",
    "expected_losses",
    "posterior_against_prior",
    "reject_option",
    "two_thousand_people",
    "two_worlds",
]

# ページのコードと同じ検査。健康、病気の順。
_PRIOR = np.array([0.99, 0.01])
_POSITIVE = np.array([0.05, 0.90])


def two_thousand_people() -> Figure:
    """陽性の 117 人のうち、病気の人は 18 人しかいません。"""
    drawing, (top, bottom) = _style.figure(2, height=4.6, height_ratios=[1, 4])
    people = 2000
    false, true = np.rint(people * _PRIOR * _POSITIVE).astype(int)
    positive = true + false
    negative = people - positive

    top.barh(0, true, color=_style.RED)
    top.barh(0, false, left=true, color=_style.BLUE, alpha=0.6, hatch="..")
    top.barh(0, negative, left=positive, color=_style.FAINT, alpha=0.6)
    top.text(positive + negative / 2, 0, f"陰性 {negative:,} 人", ha="center", va="center")
    top.text(0, 0.55, f"陽性 {positive} 人", va="bottom")
    top.set(title=f"検査を受けた {people:,} 人", xlim=(0, people), ylim=(-0.5, 1.1))

    columns = 13
    place = np.arange(positive)
    x, y = place % columns, place // columns
    bottom.plot(x[:true], y[:true], "s", color=_style.RED, ms=10, label=f"病気 {true} 人")
    healthy = f"健康 {false} 人"
    bottom.plot(x[true:], y[true:], "o", color=_style.BLUE, mfc="none", ms=10, label=healthy)
    bottom.set(title="陽性だった人の内訳", xlim=(-1, columns), ylim=(positive // columns, -1))
    bottom.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2)
    for ax in (top, bottom):
        ax.set_axis_off()
    return drawing


@Slider("有病率", (0.01, 0.1, 1, 2, 5, 10, 20, 50), start=5, unit="%")
def posterior_against_prior(percent: float) -> tuple[Figure, str]:
    """同じ検査でも、陽性の意味は有病率で変わります。"""
    drawing, (top, strip, bottom) = _style.figure(
        3, height=6.5, gridspec_kw={"hspace": 0.12, "height_ratios": [8, 1, 12]}
    )
    here = percent / 100
    healthy = 1 - here
    top.bar(0, 1, healthy, align="edge", fill=False, edgecolor=_style.FAINT)
    top.bar(healthy, 1, here, align="edge", fill=False, edgecolor=_style.FAINT)
    top.bar(0, _POSITIVE[0], healthy, align="edge", color=_style.BLUE, alpha=0.6, hatch="..")
    top.bar(healthy, _POSITIVE[1], here, align="edge", color=_style.RED)
    top.set(xlabel="左が健康、右が病気の人の割合", ylabel="陽性の割合", xlim=(0, 1), ylim=(0, 1))

    (ill,) = bayes_posterior([healthy, here], _POSITIVE)[1:]
    strip.barh(0, 1 - ill, color=_style.BLUE, alpha=0.6, hatch="..")
    strip.barh(0, ill, left=1 - ill, color=_style.RED)
    strip.set(title="陽性の人だけの内訳（左が健康、右が病気）", xlim=(0, 1), ylim=(-0.4, 0.4))
    strip.set(yticks=[])
    strip.grid(visible=False)

    def after(prior: Array, likelihood: Array) -> Array:
        return np.array([bayes_posterior([1 - p, p], likelihood)[1] for p in prior])

    prevalence = np.r_[np.geomspace(1e-4, 0.5, 61), np.linspace(0.52, 0.9, 20), here]
    once = after(prevalence, _POSITIVE)
    negative = after(prevalence, 1 - _POSITIVE)
    for label, p, style, color in (
        ("陽性が 2 回", after(once, _POSITIVE), "-.", _style.GREEN),
        ("陽性が 1 回", once, "-", _style.RED),
        ("検査の前", prevalence, ":", _style.INK),
        ("陰性", negative, "--", _style.BLUE),
    ):
        bottom.plot(prevalence[:-1], p[:-1], style, color=color, label=label)
        bottom.plot(here, p[-1], "o", color=color, clip_on=False)
    bottom.axvline(here, color=_style.INK, linestyle="-", linewidth=1, clip_on=False)
    bottom.set(xscale="log", xlabel="有病率", ylabel="病気の確率", ylim=(0, 1.02), xlim=(1e-4, 0.9))
    bottom.set_xticks([1e-4, 1e-3, 1e-2, 1e-1, 0.5], ["0.01%", "0.1%", "1%", "10%", "50%"])
    bottom.minorticks_off()
    # 縦の線が有病率とともに動くので、凡例は外に置く。
    bottom.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    yes, no = (readable(float(f"{p[-1]:.2g}")) for p in (once, negative))
    return drawing, f"病気の確率は、陽性なら {yes}、陰性なら {no} です。"


def densities_and_posteriors() -> Figure:
    """上が生成モデルの学ぶもの、下が識別モデルの学ぶもの。二つ目の山は下に残りません。"""
    drawing, (top, bottom) = _style.figure(2, height=5.4, sharex=True)
    # 成分 0 が C_0、成分 1 と 2 が C_1。C_1 の中での割合は 0.4 と 0.6。
    mixture = GaussianClassifier(
        np.array([0.5, 0.2, 0.3]),
        np.array([[3.0], [-4.0], [0.0]]),
        np.array([[[1.0]], [[0.25]], [[1.0]]]),
    )
    x = np.linspace(-6, 6, 601)[:, np.newaxis]
    density = np.exp(log_likelihood(mixture, x))
    p0 = posterior(mixture, x)[:, 0]
    top.plot(x, 0.4 * density[:, 1] + 0.6 * density[:, 2], "-", color=_style.RED)
    top.plot(x, density[:, 0], "--", color=_style.BLUE)
    top.text(-3.3, 0.28, r"$p(x \mid C_1)$", color=_style.RED)
    top.text(4.2, 0.3, r"$p(x \mid C_0)$", color=_style.BLUE)
    top.set(ylabel="クラスごとの密度", ylim=(0, 0.45))

    drawn, components = sample(mixture, 2000, rng=np.random.default_rng(0))
    labels = np.column_stack([components[:, 0], components[:, 1:].sum(axis=1)])
    learnt = logistic_posterior(fit_logistic_regression(drawn, labels), x)
    bottom.plot(x, 1 - p0, "-", color=_style.RED)
    bottom.plot(x, p0, "--", color=_style.BLUE)
    bottom.plot(x[::25], learnt[::25, 1], "x", color=_style.INK, markersize=5)
    bottom.text(-5.8, 0.84, r"$p(C_1 \mid x)$", color=_style.RED)
    bottom.text(3.6, 0.84, r"$p(C_0 \mid x)$", color=_style.BLUE)
    bottom.set(xlabel="$x$", ylabel="事後確率", ylim=(-0.05, 1.05))

    boundary = float(x[np.argmin(abs(p0 - 0.5)), 0])
    for ax in (top, bottom):
        ax.axvline(boundary, color=_style.INK, linestyle=":", linewidth=1.5)
    top.text(boundary - 0.15, 0.42, "決定境界", ha="right", va="center")
    return drawing


def two_worlds() -> Figure:
    """まったく違う密度から、同じ事後確率が出ます。"""
    drawing, (top, bottom) = _style.figure(2, height=5.0, sharex=True)
    x = np.linspace(-6, 6, 401)[:, np.newaxis]
    worlds = [
        ("狭い世界", 1.0, _style.RED, "-", 6, 0.5),
        ("広い世界", 2.0, _style.BLUE, "--", 2, 1.0),
    ]
    for label, scale, color, style, width, alpha in worlds:
        means, covariances = [[-scale], [scale]], np.full((2, 1, 1), scale)
        model = GaussianClassifier(np.array([0.5, 0.5]), np.array(means), covariances)
        density = np.exp(log_likelihood(model, x))
        top.plot(x, density[:, 0], style, color=color)
        top.plot(x, density[:, 1], style, color=color, label=label)
        p = posterior(model, x)[:, 1]
        bottom.plot(x, p, style, color=color, lw=width, alpha=alpha, label=label)
    top.text(-4.8, 0.2, "$C_0$")
    top.text(4.4, 0.2, "$C_1$")
    top.set(ylabel="クラスごとの密度", ylim=(0, 0.42))
    top.legend(loc="upper right")
    bottom.set(xlabel="$x$", ylabel=r"$p(C_1 \mid x)$", ylim=(-0.05, 1.05))
    bottom.legend(loc="upper left")
    return drawing


def reject_option() -> Figure:
    """しきい値を上げると、答える割合が減るかわりに、答えた中での誤りが減ります。"""
    drawing, (top, bottom) = _style.figure(2, height=4.6, sharex=True)
    rng = np.random.default_rng(0)
    model = fit_logistic_regression(*two_gaussians(500, rng=rng))
    x, d = two_gaussians(5000, rng=rng)
    p = logistic_posterior(model, x)
    wrong = p.argmax(axis=1) != d.argmax(axis=1)
    thresholds = np.linspace(0.5, 0.99, 50)
    sure = p.max(axis=1) >= thresholds[:, np.newaxis]
    top.plot(thresholds, sure.mean(axis=1), "-", color=_style.BLUE)
    top.set(ylabel="答えた割合", ylim=(0, 1.05))
    bottom.plot(thresholds, [wrong[s].mean() for s in sure], "--", color=_style.RED)
    bottom.set(xlabel="しきい値", ylabel="答えた中の誤り率", ylim=(0, 0.09))
    return drawing


def expected_losses() -> Figure:
    """期待損失の線が交わる 1/21 で、どちらに決めるかが入れ替わります。"""
    drawing, (ax,) = _style.figure(height=3.4)
    p = np.linspace(0, 0.2, 101)
    cost = np.array([[0.0, 1.0], [20.0, 0.0]])
    expected = np.column_stack([1 - p, p]) @ cost
    ax.plot(p, expected[:, 0], "-", color=_style.RED, label="健康と決めて帰す")
    ax.plot(p, expected[:, 1], "--", color=_style.BLUE, label="病気と決めて精密検査へ回す")
    ax.plot(1 / 21, 20 / 21, "o", color=_style.INK)
    ax.annotate("$p=1/21$", (1 / 21, 20 / 21), (6, -14), textcoords="offset points")
    ax.set(xlabel="病気の事後確率 $p$", ylabel="期待損失", ylim=(0, 4.3))
    ax.set_xticks([0, 0.05, 0.1, 0.15, 0.2])
    ax.legend(loc="upper left")
    return drawing
