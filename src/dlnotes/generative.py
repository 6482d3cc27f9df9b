r"""生成モデル。データの分布 $p(x \mid C_k)$ や $p(x)$ を学びます。

学んだ分布は、分類にも、新しいデータ作りにも、欠けた情報を補うことにも使えます。
"""

import math
from dataclasses import dataclass
from inspect import unwrap

import numpy as np
from numpy.typing import ArrayLike

from dlnotes.activations import sigmoid, softmax
from dlnotes.arrays import (
    Array,
    IntArray,
    as_distribution,
    as_finite,
    as_samples,
    check_instance,
    check_integer,
    check_positive,
    check_rng,
    check_shape,
)

__all__ = [
    "GaussianClassifier",
    "GaussianPrior",
    "average_pooling_matrix",
    "bayes_posterior",
    "enlarge_bilinear",
    "enlarge_nearest",
    "face_images",
    "fit_gaussian_classifier",
    "fit_gaussian_naive_bayes",
    "fit_gaussian_prior",
    "linear_form",
    "log_evidence",
    "log_likelihood",
    "posterior",
    "predict",
    "restore",
    "sample",
]

# 検査では断る −∞（起こり得ないクラス）も通す。
_softmax = unwrap(softmax)


def bayes_posterior(prior: ArrayLike, likelihood: ArrayLike) -> Array:
    r"""ベイズの定理。事前確率と尤度から事後確率を求めます。

    $$p(C_k \mid x) = \frac{p(x \mid C_k)\, p(C_k)}{\sum_{j=1}^{K} p(x \mid C_j)\, p(C_j)}$$

    Args:
        prior: 事前確率 $p(C_k)$。形は (K,)、K は 2 以上。和は 1。
        likelihood: 観測した x についての $p(x \mid C_k)$。形は (K,) か (N, K)。
            x の確率か密度なので、0 以上であればよく、和が 1 である必要はありません。

    Returns:
        事後確率。likelihood と同じ形。各行の和は 1。

    Raises:
        TypeError: 実数の配列でないとき。
        ValueError: 形が違うとき、prior が確率でないとき、likelihood に負の値や NaN や無限大が
            あるとき、どのクラスからも起こり得ないか、確率が小さすぎて桁の落ちる観測があるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、1.2 節と 1.5 節。
    """
    prior, likelihood = as_distribution("prior", prior), as_finite("likelihood", likelihood)
    check_shape("prior", prior, ("K",))
    check_shape("likelihood", likelihood, (len(prior),), ("N", len(prior)))
    if likelihood.min() < 0:
        raise ValueError(f"likelihood は 0 以上の値が必要ですが {likelihood.min():g} がありました")
    joint = prior * likelihood
    evidence = joint.sum(axis=-1, keepdims=True)
    if evidence.min() < np.finfo(evidence.dtype).tiny:
        raise ValueError(
            f"likelihood は起こり得る観測のものが必要ですが p(x) が {evidence.min():g} でした"
        )
    p: Array = joint / evidence
    return p


@dataclass(frozen=True, slots=True, eq=False)
class GaussianClassifier:
    r"""クラスごとに一つの正規分布を置く、生成モデルによる識別器。

    $$p(x, C_k) = \pi_k\, \mathcal{N}(x \mid \mu_k, \Sigma_k)$$

    Attributes:
        priors: 事前確率 $\pi_k = p(C_k)$。形は (K,)、K は 2 以上。和は 1。
        means: 平均 $\mu_k$。形は (K, D)。
        covariances: 共分散行列 $\Sigma_k$。形は (K, D, D)。対称で正定値。

    Raises:
        TypeError: 実数の配列でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、priors が確率でないとき、
            共分散行列が対称でないか、正定値でないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.2.1 項。
    """

    priors: Array
    means: Array
    covariances: Array

    def __post_init__(self) -> None:
        priors, means = as_distribution("priors", self.priors), as_finite("means", self.means)
        covariances = as_finite("covariances", self.covariances)
        check_shape("priors", priors, ("K",))
        check_shape("means", means, (len(priors), "D"))
        check_shape("covariances", covariances, (*means.shape, means.shape[1]))
        for k, covariance in enumerate(covariances):
            _check_positive_definite(f"covariances[{k}]", covariance)
        # 凍結した後でも、リストや整数で渡された値を配列に直せるのはここだけ。
        object.__setattr__(self, "priors", priors)
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "covariances", covariances)


def fit_gaussian_classifier(
    x: ArrayLike, labels: ArrayLike, *, shared: bool = False
) -> GaussianClassifier:
    r"""クラスごとの正規分布を最尤推定で学びます。

    $$\begin{aligned}
    \pi_k &= \frac{N_k}{N} \\
    \mu_k &= \frac{1}{N_k} \sum_{n} d_{nk}\, x_n \\
    \Sigma_k &= \frac{1}{N_k} \sum_{n} d_{nk} (x_n - \mu_k)^\top (x_n - \mu_k)
    \end{aligned}$$

    $N_k = \sum_n d_{nk}$ はクラス k のサンプル数です。shared なら、全クラスが一つの
    $\Sigma = \sum_k \pi_k \Sigma_k$ を共有し、境界は直線（超平面）になります。

    Args:
        x: 入力。形は (N, D)。
        labels: 正解 d。形は (N, K)、K は 2 以上。各行の和は 1。
        shared: 共分散行列を全クラスで共有するかどうか。

    Returns:
        学んだ識別器。

    Raises:
        TypeError: x や labels が実数でないとき。
        ValueError: 形が違うとき、x が NaN や無限大を含むとき、labels の行が確率分布でないとき、
            サンプルのないクラスがあるとき、サンプルが少ないなどの理由で共分散行列が正定値に
            ならないとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、4.2.2 項。
    """
    x, d, dtype = as_samples(x, labels)
    priors, means = _class_shares(d), _class_means(x, d)
    covariances = _class_covariances(x, d, means, shared=shared)
    return GaussianClassifier(*(part.astype(dtype) for part in (priors, means, covariances)))


def fit_gaussian_naive_bayes(
    x: ArrayLike, labels: ArrayLike, *, shared: bool = False
) -> GaussianClassifier:
    r"""単純ベイズ。クラスの中では特徴量どうしが独立だとみなし、割合と平均と分散を最尤推定で学びます。

    $$p(x \mid C_k) = \prod_{i=1}^{D} \mathcal{N}(x_i \mid \mu_{ki}, \sigma_{ki}^2)$$

    独立という仮定はたいてい正しくありませんが、特徴量ごとに別々に測れるので、少ないデータでも安定します。

    Args:
        x: 入力。形は (N, D)。
        labels: 正解 d。形は (N, K)、K は 2 以上。各行の和は 1。
        shared: 分散を全クラスで共有するかどうか。共有すると境界は直線（超平面）になります。

    Returns:
        学んだ識別器。共分散行列は対角行列。

    Raises:
        TypeError: x や labels が実数でないとき。
        ValueError: 形が違うとき、x が NaN や無限大を含むとき、labels の行が確率分布でないとき。
            サンプルのないクラスがあるとき、クラスの中で（shared なら、どのクラスの中でも）
            値の変わらない特徴量があるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、8.2.2 項。
        Ng, Jordan (2001) On Discriminative vs. Generative Classifiers: A comparison of logistic
        regression and naive Bayes。
    """
    x, d, dtype = as_samples(x, labels)
    priors, means = _class_shares(d), _class_means(x, d)
    covariances = _class_covariances(x, d, means, shared=shared) * np.eye(x.shape[1])
    return GaussianClassifier(*(part.astype(dtype) for part in (priors, means, covariances)))


def log_likelihood(model: GaussianClassifier, x: ArrayLike) -> Array:
    r"""クラスごとの対数尤度。クラス k を仮定したとき、x がどれほど出やすいか。

    $$\begin{aligned}
    \log p(x \mid C_k) = {}&-\frac{1}{2} (x - \mu_k)\, \Sigma_k^{-1} (x - \mu_k)^\top \\
    &- \frac{1}{2} \log \lvert \Sigma_k \rvert - \frac{D}{2} \log 2\pi
    \end{aligned}$$

    コレスキー分解 $\Sigma = LL^\top$（L は下三角行列）を使い、逆行列も行列式も直接には計算
    しません。二次の項は $L^{-1}(x - \mu_k)^\top$ の長さの二乗から、$\log \lvert \Sigma \rvert$ は
    L の対角成分の対数の和の 2 倍として求めます。

    Args:
        model: 識別器。
        x: 入力。形は (N, D)。

    Returns:
        対数尤度（自然対数）。形は (N, K)。

    Raises:
        TypeError: model の種類が違うとき、x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき、平均から遠すぎて二乗があふれるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (2.43)。
    """
    check_instance("model", model, GaussianClassifier)
    x = as_finite("x", x)
    check_shape("x", x, ("N", model.means.shape[1]))
    L = np.linalg.cholesky(model.covariances)
    with np.errstate(over="ignore", invalid="ignore"):
        differences = x[None] - model.means[:, None]
        white = np.linalg.solve(L, differences.transpose(0, 2, 1))
        squares = as_finite("x と平均の隔たりの二乗", (white**2).sum(axis=1).T)
    log_root_det = np.log(L.diagonal(axis1=1, axis2=2)).sum(axis=1)
    D = x.shape[1]
    p: Array = -squares / 2 - log_root_det - D / 2 * math.log(2 * math.pi)
    return p


def posterior(model: GaussianClassifier, x: ArrayLike) -> Array:
    r"""事後確率。x を見た後で、各クラスがどれほど確からしいか。

    $$\begin{aligned}
    p(C_k \mid x) &= \frac{e^{a_k}}{\sum_j e^{a_j}} \\
    a_k &= \log p(x \mid C_k) + \log \pi_k
    \end{aligned}$$

    ベイズの定理そのものです。密度は 0 につぶれやすいので、対数のままソフトマックス関数に通します。

    Args:
        model: 識別器。
        x: 入力。形は (N, D)。

    Returns:
        事後確率。形は (N, K)。各行の和は 1。

    Raises:
        TypeError: model の種類が違うとき、x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき、平均から遠すぎて二乗があふれるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.62)、(4.63)。
    """
    p: Array = _softmax(_log_joint(model, x))
    return p


def log_evidence(model: GaussianClassifier, x: ArrayLike) -> Array:
    r"""データそのものの対数密度。どのクラスらしくもない、外れた x を見つけられます。

    $$\log p(x) = \log \sum_{k=1}^{K} p(x \mid C_k)\, p(C_k)$$

    Args:
        model: 識別器。
        x: 入力。形は (N, D)。

    Returns:
        対数密度（自然対数）。形は (N,)。

    Raises:
        TypeError: model の種類が違うとき、x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき、平均から遠すぎて二乗があふれるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、1.5.4 項。
    """
    log_p: Array = np.logaddexp.reduce(_log_joint(model, x), axis=1)
    return log_p


def predict(model: GaussianClassifier, x: ArrayLike) -> IntArray:
    r"""事後確率が最も大きいクラスの番号。モデルが正しければ、誤る確率が最も小さい決め方です。

    $$\hat{k} = \operatorname{argmax}_k\, p(C_k \mid x)$$

    Args:
        model: 識別器。
        x: 入力。形は (N, D)。

    Returns:
        クラスの番号。形は (N,)。0 以上 K 未満の整数。

    Raises:
        TypeError: model の種類が違うとき、x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき、平均から遠すぎて二乗があふれるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、1.5.1 項。
    """
    k: IntArray = _log_joint(model, x).argmax(axis=1)
    return k


def sample(model: GaussianClassifier, n: int, *, rng: np.random.Generator) -> tuple[Array, Array]:
    r"""新しいデータの生成。クラスを選び、そのクラスの正規分布から x を取り出します。

    $$\begin{aligned}
    k &\sim \pi, \qquad \xi \sim \mathcal{N}(0, I) \\
    x &= \mu_k + \xi L_k^\top, \qquad \Sigma_k = L_k L_k^\top
    \end{aligned}$$

    Args:
        model: 識別器。
        n: 作る数 N（1 以上）。
        rng: 乱数の源。

    Returns:
        (x, labels)。x は (N, D)、labels は one-hot の (N, K)。

    Raises:
        TypeError: model の種類が違うとき、n が整数でないとき、rng が Generator でないとき。
        ValueError: n が 1 より小さいとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、8.1.2 項（伝承サンプリング）。
    """
    check_instance("model", model, GaussianClassifier)
    N, K = check_integer("n", n, least=1), len(model.priors)
    # choice は和のずれに入口の検査より厳しいので、ちょうど 1 に直してから渡す。
    exact = model.priors.astype(np.float64)
    k = check_rng(rng).choice(K, size=N, p=exact / exact.sum())
    L = np.linalg.cholesky(model.covariances)
    xi = rng.standard_normal((N, model.means.shape[1])).astype(L.dtype)
    x = model.means[k] + np.einsum("nij,nj->ni", L[k], xi)
    return x, np.eye(K, dtype=L.dtype)[k]


def linear_form(model: GaussianClassifier) -> tuple[Array, Array]:
    r"""共分散行列を共有する識別器の事後確率を、一次式のソフトマックス関数として書き直します。

    $$\begin{aligned}
    p(C_k \mid x) &= \operatorname{softmax}(xW + b)_k \\
    w_k &= \Sigma^{-1} \mu_k^\top \\
    b_k &= -\frac{1}{2} \mu_k \Sigma^{-1} \mu_k^\top + \log \pi_k
    \end{aligned}$$

    クラスが二つなら、クラス 1 の確率は $\sigma\bigl(x\,(w_1 - w_0) + b_1 - b_0\bigr)$ で、
    ロジスティック回帰と同じ形になります。

    Args:
        model: 共分散行列が全クラスで等しい識別器。

    Returns:
        (W, b)。形は (D, K) と (K,)。

    Raises:
        TypeError: model の種類が違うとき。
        ValueError: 共分散行列がクラスごとに違うとき、事前確率が 0 のクラスがあるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、式 (4.65) から (4.70)。
    """
    check_instance("model", model, GaussianClassifier)
    if (model.covariances != model.covariances[0]).any():
        raise ValueError("covariances は全クラスで等しい必要がありますが、クラスごとに違いました")
    if model.priors.min() == 0:
        raise ValueError("priors は正の確率が必要ですが 0 のクラスがありました")
    W = np.linalg.solve(model.covariances[0], model.means.T)
    b = -(model.means.T * W).sum(axis=0) / 2 + np.log(model.priors)
    return W, b


@dataclass(frozen=True, slots=True, eq=False)
class GaussianPrior:
    r"""画素の並び x についての正規分布。どんな画像がありそうかを、平均と共分散だけで表します。

    $$p(x) = \mathcal{N}(x \mid \mu, \Sigma)$$

    Attributes:
        mean: 平均 $\mu$。形は (D,)。
        covariance: 共分散行列 $\Sigma$。形は (D, D)。対称で、固有値は 0 以上。

    Raises:
        TypeError: 実数の配列でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、covariance が対称でないとき、
            負の固有値を持つとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、2.3 節。
    """

    mean: Array
    covariance: Array

    def __post_init__(self) -> None:
        mean, covariance = as_finite("mean", self.mean), as_finite("covariance", self.covariance)
        check_shape("mean", mean, ("D",))
        check_shape("covariance", covariance, (len(mean), len(mean)))
        _check_positive_semidefinite("covariance", covariance)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)


def fit_gaussian_prior(x: ArrayLike) -> GaussianPrior:
    r"""画像の集まりから、正規分布の平均と共分散を最尤推定で学びます。

    $$\begin{aligned}
    \mu &= \frac{1}{N} \sum_n x_n \\
    \Sigma &= \frac{1}{N} \sum_n (x_n - \mu)(x_n - \mu)^\top
    \end{aligned}$$

    Args:
        x: 画像。形は (N, D) か (N, H, W)。後者は D = HW 個の画素の列に並べ直します。

    Returns:
        学んだ分布。

    Raises:
        TypeError: x が実数でないとき。
        ValueError: x の形が違うとき、NaN や無限大を含むとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、2.3.4 項。
    """
    x = as_finite("x", x)
    check_shape("x", x, ("N", "D"), ("N", "H", "W"))
    pixels = x.reshape(len(x), -1)
    # float32 のまま足すと、枚数が多いときや平均が 0 から遠いときに、桁落ちする。
    mean = pixels.mean(axis=0, dtype=np.float64)
    differences = pixels - mean
    covariance = differences.T @ differences / len(x)
    return GaussianPrior(mean.astype(x.dtype), covariance.astype(x.dtype))


def average_pooling_matrix(height: int, width: int, factor: int) -> Array:
    r"""画像を factor × factor の区画ごとの平均に縮める、線形な観測の行列。

    $$y = Ax, \qquad
    A_{qp} = \begin{cases} 1 / f^2 & (p \in R_q) \\ 0 & (p \notin R_q) \end{cases}$$

    $R_q$ は、区画 q に入る $f^2$ 個の画素です。

    Args:
        height: 元の高さ H。factor の倍数。
        width: 元の幅 W。factor の倍数。
        factor: 縮める倍率 f。

    Returns:
        行列 A。形は (HW/f², HW)。画素は行ごとに並べます。

    Raises:
        TypeError: 整数でないとき。
        ValueError: 1 より小さいとき、height や width が factor の倍数でないとき。

    出典:
        LeCun, Bottou, Bengio, Haffner (1998) Gradient-Based Learning Applied to Document
        Recognition、II 節 A。
    """
    f = check_integer("factor", factor, least=1)
    for name, size in (("height", height), ("width", width)):
        if check_integer(name, size, least=1) % f:
            raise ValueError(f"{name} は {f} の倍数が必要ですが {size} でした")
    rows = np.kron(np.eye(height // f), np.ones(f) / f)
    columns = np.kron(np.eye(width // f), np.ones(f) / f)
    return np.kron(rows, columns)


def restore(prior: GaussianPrior, A: ArrayLike, y: ArrayLike, *, noise_std: float) -> Array:
    r"""線形な観測 y から元の x を推定します。正規分布どうしなので、事後平均が式で求まります。

    $$\begin{aligned}
    y &= Ax + \sigma\xi \\
    \mathbb{E}[x \mid y] &= \mu + G\,(y - A\mu) \\
    G &= \Sigma A^\top (A \Sigma A^\top + \sigma^2 I)^{-1}
    \end{aligned}$$

    $\xi$ は、成分が標準正規分布に従う雑音です。
    y を生み得る x は無数にあります。その中で、学んだ画像らしさに最も合うものを選ぶのが超解像です。

    Args:
        prior: 元の画像の分布。
        A: 観測の行列。形は (Q, D)。
        y: 観測。形は (N, Q)。
        noise_std: 観測の雑音の標準偏差 $\sigma$（画素値と同じ単位）。正の数。

    Returns:
        x の事後平均。形は (N, D)。

    Raises:
        TypeError: prior の種類が違うとき、実数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、noise_std が正でないか、
            小さすぎるか、大きすぎるとき。

    出典:
        Bishop (2006) Pattern Recognition and Machine Learning、2.3.3 項の式 (2.116) を、
        Woodbury の公式 (C.7) で書き直したもの。
    """
    check_instance("prior", prior, GaussianPrior)
    A, y = as_finite("A", A), as_finite("y", y)
    check_shape("A", A, ("Q", len(prior.mean)))
    check_shape("y", y, ("N", len(A)))
    sigma = check_positive("noise_std", noise_std)
    with np.errstate(over="ignore"):
        variance = as_finite("noise_std の二乗", A.dtype.type(sigma * sigma))
    covariance_y = A @ prior.covariance @ A.T + variance * np.eye(len(A), dtype=A.dtype)
    least, rounding = _least_eigenvalue("y の共分散行列", covariance_y)
    # ほとんど特異な行列を、solve は断らず、桁外れの解を返す。
    if not least > rounding:
        raise ValueError(f"noise_std は、丸め誤差に埋もれない大きさが必要ですが {sigma:g} でした")
    gain = np.linalg.solve(covariance_y, A @ prior.covariance)
    x: Array = prior.mean + (y - A @ prior.mean) @ gain
    return x


def enlarge_nearest(images: ArrayLike, factor: int) -> Array:
    r"""最近傍法による拡大。画素をそのまま factor × factor に引き伸ばします。

    $$x_{ij} = y_{\lfloor i / f \rfloor \lfloor j / f \rfloor}$$

    Args:
        images: 画像。形は (N, H, W)。
        factor: 拡大の倍率 f（1 以上）。

    Returns:
        拡大した画像。形は (N, fH, fW)。

    Raises:
        TypeError: images が実数でないとき、factor が整数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、factor が 1 より小さいとき。

    出典:
        Gonzalez, Woods (2018) Digital Image Processing 第 4 版、2.4 節。
    """
    y = _images(images)
    f = check_integer("factor", factor, least=1)
    return y.repeat(f, axis=1).repeat(f, axis=2)


def enlarge_bilinear(images: ArrayLike, factor: int) -> Array:
    r"""双線形補間による拡大。縦と横のそれぞれで、隣り合う画素の中心の間を直線で結びます。

    $$x = P_H\, y\, P_W^\top$$

    $P$ の各行は、新しい画素の中心をはさむ二つの画素への重みです。外側は端の値のまま延ばします。

    Args:
        images: 画像。形は (N, H, W)。
        factor: 拡大の倍率 f（1 以上）。

    Returns:
        拡大した画像。形は (N, fH, fW)。

    Raises:
        TypeError: images が実数でないとき、factor が整数でないとき。
        ValueError: 形が違うとき、NaN や無限大を含むとき、factor が 1 より小さいとき。

    出典:
        Gonzalez, Woods (2018) Digital Image Processing 第 4 版、2.4 節。
    """
    y = _images(images)
    f = check_integer("factor", factor, least=1)
    P_H, P_W = (_interpolation_matrix(size, f).astype(y.dtype) for size in y.shape[1:])
    x: Array = P_H @ y @ P_W.T
    return x


def face_images(n: int, *, rng: np.random.Generator) -> Array:
    r"""目と口のある丸い顔の小さな画像。位置、大きさ、明るさ、口の曲がり方が一枚ごとに違います。

    $$x = a\, r\, (1 - c \max(e, m))$$

    $a$ は明るさ、$c$ は濃さ、$r, e, m$ は輪郭、目、口の形（画素ごとに 0 から 1）です。

    Args:
        n: 枚数 N（1 以上）。
        rng: 乱数の源。

    Returns:
        画像。形は (N, 16, 16)。値は 0（黒）から 1（白）。

    Raises:
        TypeError: n が整数でないとき、rng が Generator でないとき。
        ValueError: n が 1 より小さいとき。

    出典:
        本サイトのために作った合成データ。
    """
    N = check_integer("n", n, least=1)
    check_rng(rng)

    def draw(low: float, high: float) -> Array:
        return rng.uniform(low, high, (N, 1, 1))

    centres = (np.arange(16) + 0.5) / 8 - 1
    X, Y = centres - draw(-0.1, 0.1), centres[:, None] - draw(-0.1, 0.1)
    outline = sigmoid(8 * (1 - (X / draw(0.7, 0.85)) ** 2 - (Y / draw(0.8, 0.95)) ** 2))
    across, down = abs(X) - draw(0.25, 0.35), Y + draw(0.15, 0.3)
    eyes = np.exp(-50 * (across**2 + down**2))
    bend = Y - 0.4 - draw(-0.6, 0.6) * (X**2 - 0.06)
    mouth = np.exp(-80 * bend**2 - (X / draw(0.2, 0.35)) ** 4)
    return draw(0.7, 1) * outline * (1 - draw(0.5, 0.9) * np.maximum(eyes, mouth))


def _class_shares(d: Array) -> Array:
    shares: Array = d.mean(axis=0)
    return shares


def _class_means(x: Array, d: Array) -> Array:
    means: Array = d.T @ x / d.sum(axis=0)[:, None]
    return means


def _class_covariances(x: Array, d: Array, means: Array, *, shared: bool) -> Array:
    differences = x[None] - means[:, None]
    weights = (d / d.sum(axis=0)).T[:, :, None]
    covariances: Array = (weights * differences).transpose(0, 2, 1) @ differences
    if shared:
        pooled = np.einsum("k,kij->ij", _class_shares(d), covariances)
        return np.broadcast_to(pooled, covariances.shape)
    return covariances


def _log_joint(model: GaussianClassifier, x: ArrayLike) -> Array:
    check_instance("model", model, GaussianClassifier)
    # 事前確率が 0 のクラスの log 0 = −∞ は正しい値なので、警告しない。
    with np.errstate(divide="ignore"):
        log_priors = np.log(model.priors)
    joint: Array = log_likelihood(model, x) + log_priors
    return joint


def _least_eigenvalue(name: str, matrix: Array) -> tuple[float, float]:
    """対称であることを確かめて求めた、相関行列の最小の固有値と、その丸め誤差の大きさ。"""
    # 相関行列に直してから調べると、特徴量の単位がどれほど違っても同じ判定になる。
    scale = np.sqrt(abs(matrix.diagonal()))
    scale[scale == 0] = 1
    correlation = matrix / np.outer(scale, scale)
    if not np.allclose(correlation, correlation.T, rtol=0, atol=1e-5):
        raise ValueError(f"{name} は対称な行列が必要ですが、対称ではありませんでした")
    rounding = 10 * len(matrix) * np.finfo(matrix.dtype).eps
    return float(np.linalg.eigvalsh(correlation)[0]), float(rounding)


def _check_positive_semidefinite(name: str, matrix: Array) -> None:
    least, rounding = _least_eigenvalue(name, matrix)
    if not least >= -rounding:
        raise ValueError(f"{name} は固有値が 0 以上の行列が必要ですが、負の固有値がありました")


def _check_positive_definite(name: str, matrix: Array) -> None:
    least, rounding = _least_eigenvalue(name, matrix)
    if matrix.diagonal().min() <= 0 or not least > rounding:
        raise ValueError(
            f"{name} は正定値の行列が必要ですが、違いました。サンプルが足りないか、"
            "値の変わらない特徴量や、ほかと重なった特徴量があります"
        )


def _images(images: ArrayLike) -> Array:
    y = as_finite("images", images)
    check_shape("images", y, ("N", "H", "W"))
    return y


def _interpolation_matrix(size: int, factor: int) -> Array:
    centres = (np.arange(size * factor) + 0.5) / factor - 0.5
    distances = abs(np.clip(centres, 0, size - 1)[:, None] - np.arange(size))
    P: Array = np.maximum(1 - distances, 0)
    return P
