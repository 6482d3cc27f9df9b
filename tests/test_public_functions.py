"""What every public function refuses, in which language, and what it leaves as it was."""

import ast
import copy
import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import dlnotes
from dlnotes import activations, losses
from dlnotes.arrays import check_shape
from dlnotes.autodiff import Node
from dlnotes.discriminative import LogisticRegression
from dlnotes.encoding import Standardizer
from dlnotes.generative import GaussianClassifier, GaussianPrior
from dlnotes.markov import HiddenMarkovModel, MarkovChain
from dlnotes.network import init_network, parameters
from dlnotes.optimizers import SGD

SOURCES = sorted(Path(dlnotes.__file__).parent.glob("[!_]*.py"))
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
# Args、Raises などの一項目。
ITEM = re.compile(r"^ {4}\w[^\n:]*: .+", re.MULTILINE)
X = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 2.0], [2.0, 0.5, -1.0], [-1.0, 0.0, 1.0]])
ROWS = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
A = np.array([[0.9, 0.1], [0.4, 0.6]])
CHAIN, HMM = MarkovChain([0.5, 0.5], A), HiddenMarkovModel([0.5, 0.5], A, A)
GAUSSIAN = GaussianClassifier([0.5, 0.5], [[0.0] * 3, [1.0] * 3], [np.eye(3)] * 2)
NETWORK = init_network([3, 2, 3], rng=np.random.default_rng(0))
LINE = init_network([1, 2, 1], rng=np.random.default_rng(0))
SEQUENCE = np.array([0, 1, 1])


def generator():
    return np.random.default_rng(0)


# 引数の名前ごとの、正しい値。ほかと違うものは、関数かモジュールの名前を前に付ける。
GOOD = {
    **dict.fromkeys(["a", "b", "d", "images", "labels", "logits", "p", "q", "u", "x", "y"], X),
    **dict.fromkeys(["probabilities", "prior", "p", "q"], ROWS),
    **dict.fromkeys(["K", "length", "n", "n_samples", "pieces"], 3),
    **dict.fromkeys(["d_in", "d_out", "depth", "every", "factor", "iterations", "t"], 2),
    **dict.fromkeys(["batch_size", "bits", "epochs", "height", "states", "width"], 2),
    **dict.fromkeys(["duration", "learning_rate", "noise_std", "rate", "std"], 0.5),
    **dict.fromkeys(["codes", "ids", "indices", "observations", "sequence"], SEQUENCE),
    "rows": ["X.", "O."], "tokens": ["a", "b"], "vocabulary": ["a", "b"],
    "losses.labels": ROWS, "discriminative.labels": ROWS, "generative.labels": ROWS,
    "sigmoid_binary_cross_entropy.labels": ROWS, "from_one_hot.labels": np.eye(3),
    "fit_perceptron.labels": np.eye(3)[[0, 1, 2, 0]], "softmax_jacobian.u": X[0],
    "fit_gaussian_classifier.x": generator().standard_normal((40, 3)),
    "fit_gaussian_classifier.labels": np.eye(2)[np.arange(40) % 2],
    "fit_gaussian_naive_bayes.x": generator().standard_normal((40, 3)),
    "fit_gaussian_naive_bayes.labels": np.eye(2)[np.arange(40) % 2],
    "fit_logistic_regression.x": generator().standard_normal((40, 3)),
    "fit_logistic_regression.labels": np.eye(2)[np.arange(40) % 2],
    "generative.model": GAUSSIAN, "generative.images": np.ones((2, 4, 4)),
    "bayes_posterior.prior": ROWS[0], "bayes_posterior.likelihood": ROWS + 0.1,
    "restore.prior": GaussianPrior(np.zeros(3), np.eye(3)), "restore.A": np.eye(3),
    "discriminative.model": LogisticRegression(np.eye(3), np.zeros(3)),
    "markov.model": HMM, "chain": CHAIN, "sequences": [SEQUENCE, SEQUENCE],
    "joint_log_probability.states": SEQUENCE,
    "standardizer": Standardizer(np.zeros(3), np.ones(3)), "planes": np.zeros((2, 3, 3)),
    "quantize_wave.wave": np.array([0.5, -0.5]), "sample_wave.wave": np.sin,
    "network": NETWORK, "theta": X, "v": X, "with_parameters.theta": parameters(NETWORK),
    "sizes": [3, 2], "loss": "squared_error", "optimizer": SGD(0.1),
    "numerical.f": lambda x: np.asarray(x).sum(),
    "forward_difference.f": np.sin, "central_difference.f": np.sin,
    "universal_approximation.network": LINE, "universal_approximation.f": np.sin,
    "low": 0.0, "high": 1.0, "left": 0.0, "right": 1.0, "exponential_decay.factor": 0.5,
    "autodiff.f": np.tanh, "derivative": np.cos, "autodiff.u": Node(1.0),
    "autodiff.y": Node(1.0), "inputs": [Node(1.0)],
    "line_with_outlier.n": 3, "name": "x", "value": 1.0, "array": X, "choices": ["x"],
    "dtype": np.float32, "check_integer.value": 1, "least": 0, "check_choice.value": "x",
    "as_integers.value": SEQUENCE, "as_distribution.value": ROWS, "names": ("a", "b"),
    "check": lambda u: {"u": u}, "check_fraction.value": 0.5,
}  # fmt: skip
BAD_ARRAYS = {
    "complex numbers": np.ones((2, 3)) * 1j,
    "text": [["a", "b", "c"]] * 2,
    "objects": np.full((2, 3), None),
    "NaN": np.full((2, 3), np.nan),
    "an empty batch": np.empty((0, 3)),
    "ragged rows": [[1.0, 2.0], [3.0]],
}
BAD = {
    "array": BAD_ARRAYS,
    "int": {"a fraction": 2.5, "a truth value": True, "text": "2", "below": -1},
    "float": {"a complex number": 1j, "text": "2", "NaN": np.nan, "infinity": np.inf},
    "Generator": {"a seed": 0, "nothing": None},
    "Network": {"a list": [], "nothing": None, "no layer": (), "a tuple of numbers": (1,)},
    "model": {"nothing": None, "an array": np.ones(3)},
    "Sequence[str]": {"one text": "ab", "a number": 1, "numbers": [1, 2], "nothing": []},
    "function": {"a number": 3.0, "a text": "sin"},
}
# 検査を助ける関数は、検査される値のほかの引数を、書き手の間違いとみて調べない。
HELPERS = {"check_shape", "check_same_shape", "check_choice", "checked"}


def functions():
    for module in SOURCES:
        members = importlib.import_module(f"dlnotes.{module.stem}")
        for name in members.__all__:
            if inspect.isfunction(getattr(members, name)):
                yield f"{module.stem}.{name}", getattr(members, name)


def good(path, parameter):
    """A value of its own for each call, since a generator remembers what was drawn from it."""
    module, name = path.split(".")
    if parameter == "rng":
        return generator()
    for key in (f"{name}.{parameter}", f"{module}.{parameter}", parameter):
        if key in GOOD:
            return copy.deepcopy(GOOD[key])
    raise AssertionError(
        f"{path} の {parameter} に正しい値がありません。上の GOOD に足してください"
    )


def arguments(path, function):
    return {
        p.name: good(path, p.name)
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_POSITIONAL
    }


def kind(parameter):
    text = str(parameter.annotation)
    kinds = {
        "array": "_array_like|ndarray",
        "int": r"^<class 'int'>",
        "float": r"^<class 'float'>|^float \| None",
        "model": r"^<class 'dlnotes\.|^dlnotes\.discriminative",
        "Generator": "Generator",
        "Network": r"^tuple\[dlnotes.network.Layer",
        "Sequence[str]": r"Sequence\[str\]",
    }
    if "Callable" in text:
        return "function"
    return next((name for name, pattern in kinds.items() if re.search(pattern, text)), None)


def cases():
    for path, function in functions():
        if function.__name__ in HELPERS:
            continue
        for p in inspect.signature(function).parameters.values():
            if function.__module__ == "dlnotes.arrays" and p.name != "value":
                continue
            for what, bad in BAD.get(kind(p), {}).items():
                yield pytest.param(path, function, p.name, bad, id=f"{path}-{p.name}-{what}")


@pytest.mark.parametrize(("path", "function", "name", "bad"), list(cases()))
def test_a_bad_argument_is_refused_in_japanese(path, function, name, bad):
    with pytest.raises((ValueError, TypeError)) as caught:
        function(**arguments(path, function) | {name: bad})
    assert JAPANESE.search(str(caught.value)), caught.value


@pytest.mark.parametrize(
    ("path", "function"),
    [pytest.param(p, f, id=p) for p, f in functions() if f is not check_shape],
)
def test_good_arguments_are_taken_and_none_is_written_into(path, function):
    given = arguments(path, function)
    before = copy.deepcopy(given)
    result = function(**given)
    if inspect.isgenerator(result):
        next(result)
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, before[name], err_msg=name)
        elif name == "network":
            np.testing.assert_array_equal(parameters(value), parameters(before[name]))


@pytest.mark.parametrize(("path", "function"), [pytest.param(p, f, id=p) for p, f in functions()])
def test_docstring_has_its_parts(path, function):
    parts = {"Args:": bool(inspect.signature(function).parameters), "出典:": True}
    parts["$$"] = not path.startswith(("arrays.", "autodiff.apply"))
    missing = [part for part, needed in parts.items() if needed and part not in function.__doc__]
    assert missing == [], f"{path} の説明に {'、'.join(missing)} がありません"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_docstring_is_in_japanese(source):
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = ast.walk(ast.parse(source.read_text(encoding="utf-8")))
    texts = [ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)]
    texts = [text.partition("出典:")[0] for text in texts]
    lines = [line for text in texts for line in (text.split("\n")[0], *ITEM.findall(text)) if line]
    english = [line for line in lines if not JAPANESE.search(line)]
    assert english == [], f"{source.name} の説明に、日本語でない行があります: {english}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_error_is_said_in_japanese(source):
    nodes = ast.walk(ast.parse(source.read_text(encoding="utf-8")))
    raised = [node.exc for node in nodes if isinstance(node, ast.Raise)]
    english = [
        f"{source.name}:{call.lineno}: {ast.unparse(call)}"
        for call in raised
        if isinstance(call, ast.Call)
        and any(isinstance(word, ast.Constant | ast.JoinedStr) for word in call.args)
        and not JAPANESE.search(ast.unparse(call))
    ]
    assert english == []


ELEMENTWISE = [
    pytest.param(getattr(module, name), id=name)
    for module in (activations, losses)
    for name in module.__all__
]


def settings(function):
    """The keywords it cannot do without."""
    module = function.__module__.rpartition(".")[2]
    needed = arguments(f"{module}.{function.__name__}", function)
    parameters = inspect.signature(function).parameters.values()
    return {
        p.name: needed[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in needed
    }


def inputs(function, values):
    """Logits as they are, and probabilities out of them."""
    parameters = inspect.signature(function).parameters.values()
    parameters = [p for p in parameters if p.default is p.empty]
    names = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    rows = activations.softmax(np.asarray(values, dtype=np.result_type(values, np.float32)))
    if function is activations.softmax_jacobian:
        return [values[0]]
    probable = {"probabilities", "labels", "p", "q"}
    return [rows if name in probable else values for name in names]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", ELEMENTWISE)
def test_the_dtype_is_kept_and_a_thousand_is_neither_too_large_nor_warned_about(function, dtype):
    values = np.array([[1e3, -1e3, 0.0], [-1e3, 1e3, 1.0], [0.0, 1e3, 1e3]], dtype)
    result = function(*inputs(function, values), **settings(function))
    assert result.dtype == dtype
    if function.__name__ not in {"kl_divergence"}:
        assert np.isfinite(result).all()


@pytest.mark.parametrize("function", ELEMENTWISE)
def test_integers_become_floats(function):
    values = np.array([[3, -2, 0], [1, 0, 2]])
    needed = settings(function)
    result = function(*inputs(function, values), **needed)
    np.testing.assert_array_equal(result, function(*inputs(function, values / 1), **needed))
    assert np.asarray(result).dtype == np.float64


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_module_has_a_test_of_its_name(source):
    test = Path(__file__).with_name(f"test_{source.stem}.py")
    assert test.is_file(), f"tests/{test.name} がありません"


def body_lengths():
    for source in SOURCES:
        lines = source.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.FunctionDef):
                first = node.body[ast.get_docstring(node) is not None :]
                if first:
                    body = lines[first[0].lineno - 1 : node.end_lineno]
                    yield f"{source.stem}.{node.name}", sum(bool(line.strip()) for line in body)


def test_a_body_is_at_most_twenty_lines_and_most_are_at_most_five():
    lengths = dict(body_lengths())
    assert {name: n for name, n in lengths.items() if n > 20} == {}
    assert np.median(list(lengths.values())) <= 5
