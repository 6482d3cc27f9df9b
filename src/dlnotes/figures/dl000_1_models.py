"""DL000_1 識別モデルと生成モデルの図。"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.arrays import Array
from dlnotes.discriminative import fit_logistic_regression
from dlnotes.discriminative import predict as logistic_predict
from dlnotes.encoding import build_vocabulary, token_ids
from dlnotes.figures import _style
from dlnotes.generative import (
    GaussianClassifier,
    average_pooling_matrix,
    enlarge_bilinear,
    enlarge_nearest,
    face_images,
    fit_gaussian_classifier,
    fit_gaussian_naive_bayes,
    fit_gaussian_prior,
    log_likelihood,
    posterior,
    predict,
    restore,
    sample,
)
from dlnotes.markov import (
    HiddenMarkovModel,
    fit_markov_chain,
    forward_log_probabilities,
    viterbi,
)

__all__ = [
    "classify_and_generate",
    "generated_faces",
    "hidden_weather",
    "learning_curves",
    "next_word",
    "super_resolution",
]

# ページのコードと同じ文章。
_TEXT = """
今日 は 晴れ 。 明日 は 雨 。
今日 は くもり 。 今日 も 晴れ 。
明日 は 晴れ 。 昨日 は 雨 。
今日 は 晴れ 。 明日 も 雨 。
"""
# 文の中での位置の順に並べると、言葉の流れが左上から右下へ見える。
_ORDER = "今日 明日 昨日 は も 晴れ 雨 くもり 。"


def classify_and_generate() -> Figure:
    """AND の 4 点を学んだモデル。上は事後確率で分け、下は同じモデルから新しい点を取り出す。"""
    drawing, (top, bottom) = _style.figure(2, height=6.6, sharex=True)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    labels = np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
    model = fit_gaussian_classifier(x, labels, shared=True)
    side = np.linspace(-1, 2, 121)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)

    p = posterior(model, grid)[:, 1].reshape(121, 121)
    top.contourf(side, side, p, levels=[0.5, 1], colors=[_style.RED], alpha=0.15)
    levels = {0.01: ":", 0.5: "-", 0.99: "--"}
    top.contour(
        side, side, p, levels=list(levels), colors=_style.INK, linestyles=list(levels.values())
    )
    for level, height in zip(levels, [-0.8, -0.26, 0.32], strict=True):
        top.text(1.98, height, f"{level}", ha="right", va="bottom")
    top.set(title=r"分類: $p(C_1 \mid x)$ の等しい線")

    density = np.exp(log_likelihood(model, grid)).T.reshape(2, 121, 121)
    new, new_labels = sample(model, 80, rng=np.random.default_rng(0))
    looks = [("AND が 0", "o", _style.BLUE, "--"), ("AND が 1", "s", _style.RED, "-")]
    for k, (name, marker, color, style) in enumerate(looks):
        bottom.contour(
            side, side, density[k], levels=[0.2, 0.8], colors=color, linestyles=style, alpha=0.5
        )
        one = new[new_labels[:, k] == 1]
        bottom.plot(*one.T, marker, mfc="none", color=color, ms=4, ls="")
        for ax in (top, bottom):
            ax.plot(*x[labels[:, k] == 1].T, marker, color=color, ms=9, ls="", label=name)
    bottom.set(title=r"生成: $p(x \mid C_k)$ から取り出した点（小さい印）", xlabel="$x_1$")
    for ax in (top, bottom):
        ax.set(xlim=(-1, 2), ylim=(-1, 2), ylabel="$x_2$")
    top.legend(loc="lower left")
    return drawing


def next_word() -> Figure:
    """行の言葉の直後に、列の言葉が来る確率。丸が大きいほど確率が高い。"""
    drawing, (ax,) = _style.figure(height=5.2)
    text = _TEXT.split()
    words = build_vocabulary(text)
    chain = fit_markov_chain([token_ids(text, words)], len(words))
    names = _ORDER.split()
    order = [words.index(name) for name in names]
    A = chain.transition[np.ix_(order, order)]
    i, j = np.nonzero(A)
    ax.scatter(j, i - 0.15, 420 * A[i, j], color=_style.SKY, zorder=2)
    for row, column in zip(i.tolist(), j.tolist(), strict=True):
        label = f"{A[row, column]:.2f}".removesuffix(".00")
        ax.text(column, row + 0.31, label, ha="center", va="center", fontsize=10)
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    # 升目は、言葉と言葉の間で区切る。
    between = np.arange(len(names) + 1) - 0.5
    ax.set_xticks(between, minor=True)
    ax.set_yticks(between, minor=True)
    ax.grid(visible=False)
    ax.grid(which="minor")
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlabel="次の言葉", ylabel="いまの言葉", xlim=(-0.52, 8.52), ylim=(8.52, -0.52))
    return drawing


def hidden_weather() -> Figure:
    """六日間の行動から推し量った天気。丸はその日までの観測による確率、太い線はビタビの経路。"""
    drawing, (ax,) = _style.figure(height=3.1)
    model = HiddenMarkovModel(
        np.array([0.6, 0.4]),
        np.array([[0.8, 0.2], [0.4, 0.6]]),
        np.array([[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]]),
    )
    seen = np.array([0, 1, 0, 2, 1, 2])
    alpha = np.exp(forward_log_probabilities(model, seen))
    filtered = alpha / alpha.sum(axis=1, keepdims=True)
    days = np.arange(1, len(seen) + 1)
    for start in range(2):
        for end in range(2):
            for t in days[:-1]:
                ax.plot([t, t + 1], [start, end], "-", color=_style.FAINT, lw=1)
    ax.plot(days, viterbi(model, seen)[0], "-", color=_style.RED, lw=9, alpha=0.35)
    for s, color in enumerate([_style.ORANGE, _style.BLUE]):
        ax.scatter(days, np.full(6, s), 900 * filtered[:, s], color=color, alpha=0.35, zorder=3)
        for t, p in zip(days.tolist(), filtered[:, s], strict=True):
            # 線と重ならないよう、晴れは丸の上、雨は丸の下に書く。
            ax.text(t, 1.4 * s - 0.2, f"{p:.2f}", ha="center", va="center", fontsize=10)
    names = ["散歩", "買い物", "読書"]
    ax.set_xticks(days, [f"{t} 日目\n{names[m]}" for t, m in zip(days, seen, strict=True)])
    ax.set_yticks([0, 1], ["晴れ", "雨"])
    ax.set(xlim=(0.5, 6.5), ylim=(1.4, -0.4))
    ax.grid(visible=False)
    return drawing


def _picture(ax: Axes, pixels: Array, label: str = "") -> None:
    """元の大きさで置くので、縮めた画像は小さく見える。"""
    edge, size = (16 - len(pixels)) / 2, len(pixels)
    extent = (edge, edge + size, edge + size, edge)
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=extent)
    ax.set(xticks=[], yticks=[], xlabel=label, xlim=(0, 16), ylim=(16, 0))
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)


def _faces() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return face_images(1000, rng=rng), face_images(100, rng=rng)


def super_resolution() -> Figure:
    """16×16 の顔、縮めた 4×4、三通りの拡大。数は元の顔との誤差で、事後平均だけが顔に戻る。"""
    faces = 3
    drawing, axes = _style.figure(faces, 5, height=3.9)
    train, unseen = _faces()
    A = average_pooling_matrix(16, 16, 4)
    small = unseen[:faces].reshape(faces, 256) @ A.T
    low = small.reshape(faces, 4, 4)
    restored = restore(fit_gaussian_prior(train), A, small, noise_std=0.001)
    columns = {
        "元の顔": unseen[:faces],
        "縮めた顔": low,
        "最近傍": enlarge_nearest(low, 4),
        "双線形": enlarge_bilinear(low, 4),
        "事後平均": restored.reshape(faces, 16, 16),
    }
    for column, (name, images) in enumerate(columns.items()):
        axes[column].set_title(name)
        for row, image in enumerate(images):
            enlarged = column >= 2
            error = np.sqrt(((image - unseen[row]) ** 2).mean()) if enlarged else 0
            _picture(axes[5 * row + column], image, f"{error:.3f}" if enlarged else "")
    return drawing


def generated_faces() -> Figure:
    """上の段は学習に使った顔、下の段は 8 個の乱数から作った、どこにもない顔。"""
    count, latent = 5, 8
    drawing, axes = _style.figure(2, count, height=2.1)
    train, _ = _faces()
    prior = fit_gaussian_prior(train)
    variances, directions = np.linalg.eigh(prior.covariance)
    W = directions[:, -latent:] * np.sqrt(variances[-latent:] - variances[:-latent].mean())
    z = np.random.default_rng(1).standard_normal((count, latent))
    new = (prior.mean + z @ W.T).reshape(count, 16, 16)
    for row, images in enumerate((train[:count], new)):
        axes[row * count].set_ylabel(["学んだ顔", "作った顔"][row])
        for column in range(count):
            _picture(axes[row * count + column], images[column])
    return drawing


def learning_curves() -> Figure:
    """学習に使うデータの数と誤り率。少ないうちは単純ベイズが、増えるとほかの二つが勝つ。"""
    drawing, (ax,) = _style.figure(height=3.6)
    rng, pairs = np.random.default_rng(0), 8
    covariance = np.kron(np.eye(pairs), [[1, 0.6], [0.6, 1]])
    mean = np.tile([0.35, 0.15], pairs)
    truth = GaussianClassifier(
        np.array([0.5, 0.5]), np.stack([-mean, mean]), np.stack([covariance, covariance])
    )
    test_x, test_labels = sample(truth, 2000, rng=rng)
    right = test_labels.argmax(axis=1)
    sizes, errors = [20, 40, 80, 160, 320, 640], []
    for N in sizes:
        draws = [sample(truth, N, rng=rng) for _ in range(10)]
        naive = [predict(fit_gaussian_naive_bayes(*d, shared=True), test_x) for d in draws]
        full = [predict(fit_gaussian_classifier(*d, shared=True), test_x) for d in draws]
        logistic = [logistic_predict(fit_logistic_regression(*d, l2=0.001), test_x) for d in draws]
        errors.append([np.mean(np.array(k) != right) for k in (naive, logistic, full)])
    names = ["単純ベイズ（生成）", "ロジスティック回帰（識別）", "相関も学ぶ正規分布（生成）"]
    for name, marker, error in zip(names, "os^", np.array(errors).T, strict=True):
        ax.plot(sizes, error, marker=marker, label=name)
    ax.set(xscale="log", xlabel="学習に使うデータの数 $N$", ylabel="誤り率", ylim=(0.15, 0.45))
    ax.set_xticks(sizes, [str(N) for N in sizes])
    ax.minorticks_off()
    ax.legend()
    return drawing
