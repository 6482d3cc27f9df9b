"""What holds for every public function that takes an array: what it refuses, and how it says so."""

import importlib
import inspect
import re

import numpy as np
import pytest
from numpy.typing import ArrayLike

import dlnotes
from dlnotes.network import init_network

MODULES = ["activations", "encoding", "losses", "network", "numerical"]
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
# 既定値のない引数のうち、配列でないもの。
OTHERS = {
    "f": lambda x: np.asarray(x).sum(),
    "K": 3,
    "rng": np.random.default_rng(0),
    "network": init_network([3, 2], rng=np.random.default_rng(0)),
}
BAD = {
    "complex numbers": np.ones((2, 3)) * 1j,
    "text": [["a", "b", "c"]] * 2,
    "objects": np.full((2, 3), None),
    "NaN": np.full((2, 3), np.nan),
    "an empty batch": np.empty((0, 3)),
    "ragged rows": [[1.0, 2.0], [3.0]],
}


def arrays(function):
    return [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.annotation in (ArrayLike, "ArrayLike") and p.default is p.empty
    ]


def functions():
    for name in MODULES:
        module = importlib.import_module(f"{dlnotes.__name__}.{name}")
        for public in module.__all__:
            function = getattr(module, public)
            if inspect.isfunction(function) and arrays(function):
                yield pytest.param(function, id=f"{name}.{public}")


def arguments(function, bad):
    """Bad arrays for the arrays, and for the rest what the function wants."""
    return {
        p.name: bad if p.name in arrays(function) else OTHERS[p.name]
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty
    }


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("function", list(functions()))
def test_a_bad_array_is_refused_in_japanese(function, bad):
    try:
        given = arguments(function, bad)
    except KeyError as missing:
        pytest.skip(f"{missing} has a test of its own")
    with pytest.raises((ValueError, TypeError)) as caught:
        function(**given)
    assert JAPANESE.search(str(caught.value)), caught.value
