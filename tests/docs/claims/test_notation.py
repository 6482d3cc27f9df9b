"""記法の文が述べる、ページの出力にまだ現れていない事実。"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from inspect import unwrap

import numpy as np
import pytest

import dlnotes
from dlnotes import (
    activations,
    backprop,
    discriminative,
    encoding,
    generative,
    losses,
    markov,
    network,
    numerical,
    optimizers,
    training,
)
from dlnotes import universal_approximation as hand_made
from dlnotes.activations import sigmoid, softmax
from dlnotes.autodiff import Node
from dlnotes.backprop import backward, gradient_check, loss_and_gradient
from dlnotes.network import ACTIVATIONS, Layer, forward_trace, init_network, parameters
from dlnotes.training import minibatches, train

OPTIMIZERS = [
    optimizers.SGD(0.1),
    optimizers.Momentum(0.1),
    optimizers.Nesterov(0.1),
    optimizers.AdaGrad(),
    optimizers.RMSProp(),
    optimizers.Adadelta(),
    optimizers.Adam(),
]


def _public() -> dict[str, object]:
    names = [info.name for info in pkgutil.iter_modules(dlnotes.__path__) if not info.ispkg]
    modules = [importlib.import_module(f"dlnotes.{name}") for name in names]
    return {name: getattr(module, name) for module in modules for name in module.__all__}


def test_network_of_float32_never_leaves_float32_on_its_way() -> None:
    # 「ネットワークの計算は、途中も float32 のままです」
    # 「入力の精度が違えば、重みの精度にそろえます」
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for x_dtype in (np.float32, np.float64, np.int64):
            x, d = rng.integers(-2, 3, (4, 3)).astype(x_dtype), np.eye(4, 3)
            for name in set(ACTIVATIONS) - {"softmax"}:
                net = init_network([3, 5, 3], activation=name, rng=rng, dtype=dtype)
                for layer in forward_trace(net, x):
                    assert layer.u.dtype == layer.z.dtype == dtype
                for part in backward(net, x, d, "squared_error"):
                    assert part.W.dtype == part.b.dtype == part.delta.dtype == dtype
            net = init_network([3, 5, 3], output_activation="softmax", rng=rng, dtype=dtype)
            assert forward_trace(net, x)[-1].z.dtype == dtype
            d = np.eye(3)[[0, 1, 2, 0]]
            assert all(part.W.dtype == dtype for part in backward(net, x, d, "cross_entropy"))


def test_networks_made_by_hand_are_float64_whatever_they_are_made_from() -> None:
    # 「手で組むネットワーク…は、いつも float64 で作ります」
    for scalar in (np.float32, np.float64, int):
        low, high = scalar(0), scalar(1)
        for built in (
            hand_made.bump_network(low, high),
            hand_made.bump_network(low, high, steepness=5.0),
            hand_made.staircase_network(lambda x: x.astype(np.float32), low, high, 4),
            hand_made.relu_interpolant(lambda x: x.astype(np.float32), low, high, 4),
            hand_made.sawtooth_network(3),
        ):
            assert all(layer.W.dtype == layer.b.dtype == np.float64 for layer in built)


def test_fits_and_the_gradient_check_compute_in_float64() -> None:
    # 「勾配検査と、生成モデル・識別モデル・識別関数の当てはめは…途中を float64 で計算します」
    rng = np.random.default_rng(0)
    labels = np.eye(2)[np.arange(60) % 2]
    x32 = (rng.standard_normal((60, 2)) + 1.0 * labels + 100).astype(np.float32)
    for fit in (
        generative.fit_gaussian_classifier,
        generative.fit_gaussian_naive_bayes,
        discriminative.fit_logistic_regression,
        discriminative.fit_least_squares,
        discriminative.fit_perceptron,
    ):
        low, high = fit(x32, labels), fit(x32.astype(np.float64), labels)
        for name in type(low).__dataclass_fields__:
            wanted = getattr(high, name)
            assert np.array_equal(getattr(low, name), wanted.astype(np.float32)), fit
    net = init_network([2, 4, 2], activation="tanh", rng=rng, dtype=np.float32)
    check = gradient_check(net, x32[:3] - 100, labels[:3], "squared_error", rng=rng)
    assert check.relative_error < 1e-7 < np.finfo(np.float32).eps


def test_integers_cut_off_towards_zero_and_lose_or_overshoot_an_update() -> None:
    # 「小数を入れると、断りなく 0 のほうへ切り捨てられます」
    # 「重みを少しずつ動かす学習でこれが起きると、更新が消えたり、1 ずつ動いたりします」
    W = np.zeros(6, dtype=np.int64)
    W[:] = [0.9, -0.9, 1.9, -1.9, 2.5, -2.5]
    assert W.tolist() == [0, 0, 1, -1, 2, -2]
    W[:] = [3, 3, -3, -3, 0, 0]
    W[:] = W + np.array([0.01, -0.01, 0.01, -0.01, 0.01, -0.01])
    assert W.tolist() == [3, 2, -2, -3, 0, 0]


def test_optimizers_stop_at_integers_but_do_not_look_for_nan() -> None:
    # 「最適化法の step は、整数のパラメータを受け取ると、エラーで止まります」
    # 「最適化法の step と自動微分の Node は…値が NaN かどうかは見ません」
    g = np.ones(3)
    for method in OPTIMIZERS:
        with pytest.raises(TypeError, match="浮動小数点数"):
            method.step(np.array([1, 2, 3]), g, method.init(np.ones(3)))
        theta, _ = method.step(np.array([np.nan, 1, 1]), g, method.init(np.ones(3)))
        assert np.isnan(theta).tolist() == [True, False, False]
    assert np.isnan((Node(np.nan) * 2 + 1).value)


def test_nan_in_x_is_found_by_the_update_that_uses_it() -> None:
    # 「train は、配列 x の NaN を、遅くともそれを使う更新のときに見つけて止まります」
    net = init_network([1, 1], rng=np.random.default_rng(0))
    settings = {"loss": "squared_error", "optimizer": optimizers.SGD(0.1), "epochs": 1}
    for seed in range(1, 12):
        x, d, found = np.ones((12, 1)), np.ones((12, 1)), []
        x[seed] = np.nan
        steps = train(net, x, d, batch_size=3, rng=np.random.default_rng(seed), **settings)
        with pytest.raises(ValueError, match="x は有限の値が必要"):
            found.extend(steps)
        assert seed in list(minibatches(12, 3, rng=np.random.default_rng(seed)))[len(found)]
    x[0] = np.nan
    with pytest.raises(ValueError, match="x は有限の値が必要"):
        train(net, x, d, batch_size=3, rng=np.random.default_rng(0), **settings)


def test_layers_and_models_hold_the_arrays_they_were_given() -> None:
    # 「渡した小数の配列を複製せずに持つので、作った後で元の配列を書き換えないでください」
    half, eye = np.full(2, 0.5), np.eye(2)
    both = np.stack([eye, eye])
    for model in (
        Layer(eye, half),
        markov.MarkovChain(half, eye),
        markov.HiddenMarkovModel(half, eye, eye),
        generative.GaussianClassifier(half, eye, both),
        generative.GaussianPrior(half, eye),
        discriminative.LogisticRegression(eye, half),
        discriminative.LinearDiscriminant(eye, half),
        encoding.Standardizer(half, half),
    ):
        values = [getattr(model, name) for name in type(model).__dataclass_fields__]
        arrays = [value for value in values if isinstance(value, np.ndarray)]
        assert len(arrays) > 1
        assert {id(array) for array in arrays} <= {id(half), id(eye), id(both)}, type(model)
    whole = np.eye(2, dtype=np.int64)
    assert not np.shares_memory(Layer(whole, half).W, whole)
    assert not np.shares_memory(markov.MarkovChain(half, whole).transition, whole)


def test_difference_of_the_two_shapes_is_a_table_that_no_loss_of_this_site_accepts() -> None:
    # 「ブロードキャストのために N 行 N 列の表ができ、エラーにならないまま間違った誤差が出ます」
    # 「このサイトの誤差関数は、出力と正解の形が違うと計算せずに止まります」
    rng = np.random.default_rng(0)
    regression = [losses.squared_error, losses.absolute_error, losses.huber]
    binary = [losses.binary_cross_entropy, losses.sigmoid_binary_cross_entropy]
    for N in (2, 3, 10):
        d = rng.random(N)
        y = d[:, np.newaxis]
        assert (y - d).shape == (d - y).shape == (N, N)
        assert ((y - d) ** 2).mean() > 0 == ((y[:, 0] - d) ** 2).mean()
        for loss in regression + binary:
            with pytest.raises(ValueError, match="同じ形"):
                loss(y, d)
        rows, one = softmax(rng.normal(size=(N, 3))), softmax(rng.normal(size=3))
        for loss in (losses.cross_entropy, losses.softmax_cross_entropy, losses.kl_divergence):
            with pytest.raises(ValueError, match="同じ形"):
                loss(rows, one)


def test_rows_and_columns_of_samples_are_one_computation_lying_and_standing() -> None:
    # 「転置すると積の順が入れ替わる…ので、二つは同じ計算を寝かせたものと立てたものです」
    # 「W が正方行列だと、転置を忘れても形のエラーが出ません」
    rng = np.random.default_rng(0)
    for N, D_in, D_out in rng.integers(1, 6, (50, 3)):
        x, W = rng.normal(size=(N, D_in)), rng.normal(size=(D_in, D_out))
        b = rng.normal(size=D_out)
        assert np.allclose((x @ W + b).T, W.T @ x.T + b[:, np.newaxis])
        if D_in == D_out:
            assert (x @ W.T).shape == (x @ W).shape
            assert D_in == 1 or not np.allclose(x @ W.T, x @ W)
        else:
            with pytest.raises(ValueError, match="mismatch"):
                x @ W.T


def test_star_and_at_differ_also_where_both_shapes_fit() -> None:
    # 「* と @ は違う演算です。形が合ってしまうと、取り違えてもエラーになりません」
    rng = np.random.default_rng(0)
    for D in (2, 3, 4):
        for shape in ((D, D), (D,)):
            a, W = rng.normal(size=shape), rng.normal(size=(D, D))
            assert not np.allclose(a * W, np.broadcast_to(a @ W, (D, D)))


def test_epsilon_is_the_gap_after_one_and_gives_the_digits() -> None:
    # 「計算機イプシロン（1 と次に表せる数との間隔）」「有効数字は約 16 桁です」「約 7 桁の」
    for dtype, digits in ((np.float64, 16), (np.float32, 7)):
        one, eps = dtype(1), np.finfo(dtype).eps
        assert np.nextafter(one, dtype(2)) - one == eps
        assert round(-np.log10(float(eps))) == digits
        x = np.random.default_rng(0).uniform(1, 1000, 10_000).astype(np.longdouble) / 1001
        worst = float((abs(x.astype(dtype) - x) / x).max())
        assert 0.4 * eps < worst <= 0.5 * eps


def test_logits_come_before_the_activation_and_probabilities_after_it() -> None:
    # 「もとはシグモイド関数の逆関数（ロジット）の値のことで」
    # 「引数が logits なら通す前、probabilities なら通した後です」
    u = np.linspace(-20, 20, 81)
    p = sigmoid(u)
    assert np.allclose(np.log(p / (1 - p)), u, atol=1e-6)
    x, d, told = np.array([[3.0, -2.0], [0.5, 4.0]]), np.eye(2), []
    for function in _public().values():
        if not inspect.isfunction(function):
            continue
        names = list(inspect.signature(function).parameters)
        if names[:1] == ["logits"]:
            assert np.isfinite(function(x, d)).all()
        elif names[:1] == ["probabilities"]:
            with pytest.raises(ValueError, match=r"確率|0 以上 1 以下"):
                function(*(x, d)[: len(names)])
        told += [function] if names[:1] in (["logits"], ["probabilities"]) else []
    assert len(told) > 8
    for before, after, f in (
        (losses.softmax_cross_entropy, losses.cross_entropy, softmax),
        (losses.sigmoid_binary_cross_entropy, losses.binary_cross_entropy, sigmoid),
    ):
        assert np.allclose(before(x, d), after(f(x), d))


def test_names_of_the_arguments_are_written_out() -> None:
    # 「最適化法の引数では、c が epsilon、学習率が learning_rate です」
    # 「このサイトの関数は sigmoid_derivative のように、略さずに書きます」
    theta, g = np.ones(3), np.array([1.0, -2.0, 3.0])
    for method in OPTIMIZERS:
        moved = []
        for changes in ({}, {"learning_rate": 2 * method.learning_rate}):
            new = type(method)(**({n: getattr(method, n) for n in method.__slots__} | changes))
            moved.append(new.step(theta, g, new.init(theta))[0] - theta)
        assert np.allclose(moved[1], 2 * moved[0])
    for kind in (optimizers.AdaGrad, optimizers.RMSProp, optimizers.Adam):
        steps = [kind(epsilon=c).step(theta, g, kind().init(theta))[0] - theta for c in (1e-9, 1e3)]
        assert (abs(steps[1]) < abs(steps[0]) / 100).all()
    assert [name for name in _public() if name.startswith("d_")] == []


def test_table_of_operations() -> None:
    # 「ベクトルの長さ」「切り上げ（a 以上の最小の整数）、切り捨て（a 以下の最大の整数）」
    # 「期待値（何度も繰り返したときの平均）」「平均 μ、共分散 Σ」「逆行列（掛けると単位行列 I」
    rng = np.random.default_rng(0)
    a = rng.normal(scale=5, size=50)
    assert np.isclose(np.linalg.norm(a), np.sqrt((a**2).sum()))
    assert ((a <= np.ceil(a)) & (np.ceil(a) < a + 1)).all()
    assert ((np.floor(a) <= a) & (a - 1 < np.floor(a))).all()
    assert a[a.argmax()] == a.max()
    mu, Sigma = np.array([1.0, -2.0]), np.array([[2.0, 0.6], [0.6, 1.0]])
    assert np.allclose(np.linalg.inv(Sigma) @ Sigma, np.eye(2))
    drawn = rng.multivariate_normal(mu, Sigma, 100_000)
    assert np.allclose(drawn.mean(axis=0), mu, atol=0.02)
    assert np.allclose(np.cov(drawn.T), Sigma, atol=0.03)
    assert np.isclose(rng.normal(3, np.sqrt(4), 100_000).var(), 4, atol=0.1)


def test_body_without_the_check_gives_the_same_values() -> None:
    # 「前に @checked(…) の付いた関数は…本体には計算だけがあります」
    # 「学習で何万回も呼ぶときは、飾りを外した同じ本体を使う」
    rng = np.random.default_rng(0)
    net = init_network([3, 4, 2], rng=rng)
    x, d = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    functions = [f for f in _public().values() if inspect.isfunction(f)]
    checked = [f for f in functions if inspect.getsource(f).startswith("@checked(")]
    assert {sigmoid, forward_trace, loss_and_gradient} < set(checked)
    for function in checked:
        assert unwrap(function) is not function
        body = inspect.getsource(function).split('"""')[2]
        assert not re.search(r"\b(as|check)_\w+\(|\braise\b", body), function
    assert training._loss_and_gradient is unwrap(loss_and_gradient)
    assert backprop._trace is unwrap(forward_trace)
    E, g = unwrap(loss_and_gradient)(net, x, d, "squared_error")
    checked_E, checked_g = loss_and_gradient(net, x, d, "squared_error")
    assert checked_E == E
    assert np.array_equal(g, checked_g)
    assert np.array_equal(unwrap(sigmoid)(x), sigmoid(x))
    with pytest.raises(ValueError, match="NaN"):
        sigmoid(np.nan)
    assert np.isnan(unwrap(sigmoid)(np.array([np.nan]))).all()
    assert parameters(net).size == g.size


def test_float32_comes_back_as_float32_from_every_module() -> None:
    # 「小数の配列を返す関数は、float32 を受け取れば float32 を返します」
    # 「float32 を渡せば float32 が返ります」
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(6, 2)).astype(np.float32), np.eye(2, dtype=np.float32)[[0, 1] * 3]
    A, scale = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32), encoding.fit_standardizer(x)
    gauss, line = generative.fit_gaussian_classifier(x, d), discriminative.fit_least_squares(x, d)
    logistic, adam = discriminative.fit_logistic_regression(x, d, l2=0.1), optimizers.Adam()
    hmm = markov.HiddenMarkovModel(A[0], A, A)
    for result in (
        *(encoding.standardize(x, scale), encoding.unstandardize(x, scale)),
        *(f(gauss, x) for f in (generative.log_likelihood, generative.log_evidence)),
        *(generative.posterior(gauss, x), *generative.sample(gauss, 3, rng=rng)),
        *(generative.bayes_posterior(A[0], A), generative.enlarge_bilinear(x[None], 2)),
        *(discriminative.posterior(logistic, x), discriminative.scores(line, x)),
        *(markov.forward_log_probabilities(hmm, [0, 1]), adam.step(x, d, adam.init(x))[0]),
        *(f(np.sin, x) for f in (numerical.central_difference, numerical.forward_difference)),
        numerical.numerical_gradient(lambda x: (x**2).sum(), x),
    ):
        assert result.dtype == np.float32


def test_one_sample_is_still_a_row_and_numbers_of_classes_stay_whole() -> None:
    # 「サンプルが 1 個でも、x の形は…です。誤差はサンプルごとに一つなので…です。」
    # 「クラスや語の番号は、整数のまま受け取ります。」「b には n がないので、どの行にも同じ b を」
    rng = np.random.default_rng(0)
    for N, D, K in ((1, 3, 2), (5, 2, 4)):
        x, layer = rng.normal(size=(N, D)), Layer(rng.normal(size=(D, K)), np.arange(1.0, K + 1))
        y = network.forward((layer,), x)
        assert losses.squared_error(y, np.zeros((N, K))).shape == (N,)
        with pytest.raises(ValueError, match=rf"x は \(N, {D}\) の形が必要"):
            network.forward((layer,), x[0])
        linear = Layer(layer.W, layer.b, "identity")
        assert np.allclose(network.forward((linear,), np.zeros((N, D))), [layer.b] * N)
    assert encoding.from_one_hot(encoding.one_hot([2, 0], 3)).dtype.kind == "i"
    assert encoding.token_ids(["a"], ["a", "b"]).dtype.kind == "i"
    for refuses in (
        lambda: encoding.one_hot([0.0], 2),
        lambda: encoding.tokens_from_ids([0.0], ["a"]),
    ):
        with pytest.raises(TypeError, match="整数"):
            refuses()


def test_learning_uses_the_bodies_without_their_decorators() -> None:
    # 「学習で何万回も呼ぶときは、飾りを外した同じ本体を使うので」「検査は関数の入口で行います」
    assert training._loss_and_gradient is unwrap(loss_and_gradient) is not loss_and_gradient
    for name, entry in ACTIVATIONS.items():
        public = getattr(activations, name)
        assert entry.function is unwrap(public) is not public
        if name != "softmax":
            assert entry.derivative is unwrap(getattr(activations, f"{name}_derivative"))
    # 誤差関数は飾りを持たず、本体のはじめで検査するので、更新のたびに確かめる。
    assert unwrap(losses.squared_error) is losses.squared_error
    with pytest.raises(ValueError, match="同じ形"):
        losses.squared_error(np.ones((2, 1)), np.ones(2))
