"""読む人の描いた曲線や式を ReLU のネットワークで近似し、ページに見せる線と文にする。

ページの中の Python が動かす。`theme/assets/draw.js` は、頼んで見せるだけで、計算をしない。
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlnotes.arrays import Array
from dlnotes.network import forward
from dlnotes.universal_approximation import (
    Function,
    count_linear_pieces,
    relu_interpolant,
    sup_error,
)

__all__ = ["answer", "drawn", "formula"]

# draw.js の SVG の、縦と横の目盛りの数。
SIZE = 1000
_LARGEST = 1e6
_EXAMPLE = "例: np.sin(3*x)"
_OPERATORS = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
    ast.USub,
    ast.UAdd,
)
_SYNTAX = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.cmpop, ast.Load, *_OPERATORS)
# 一点ごとの計算だけを許すので、どの式もすぐに終わる。
_NAMES: dict[str, Any] = {
    n: f for n, f in vars(np).items() if isinstance(f, np.ufunc) and f.signature is None
}
_NAMES |= {"pi": np.pi, "e": np.e, "where": np.where, "clip": np.clip, "sinc": np.sinc}


def answer(request: str) -> str:
    """頼みに、線と文で答えます。

    Args:
        request: `units` と、`formula`（式）か `strokes`（線ごとの点の列）を持つ JSON。

    Returns:
        `says`（文）を持つ JSON。近似できれば、SVG のパスと縦軸の端の値も入ります。
    """
    asked = json.loads(request)
    try:
        g = formula(asked["formula"]) if "formula" in asked else drawn(asked["strokes"])
        result = _picture(g, asked["units"])
    except (TypeError, ValueError) as error:
        result = {"says": str(error)}
    return json.dumps(result, ensure_ascii=False)


def formula(text: str) -> Function:
    """式を、x の関数にします。

    Args:
        text: `np.sin(3*x)` のような式。`np.` は省け、全角の字も使えます。

    Returns:
        x の関数。値が決まらないか 1,000,000 を超えると、呼んだときに ValueError になります。

    Raises:
        ValueError: 式として読めないとき、使えないものがあるとき。
    """
    # NFKC は、² をただの 2 にし、数式の − はそのまま残す。
    powers = re.sub("[²³¹⁰⁴-⁹]+", lambda m: f"**{unicodedata.normalize('NFKC', m[0])}", text)
    source = unicodedata.normalize("NFKC", powers).replace("−", "-").strip()
    if not source:
        raise ValueError(f"式を入れてください（{_EXAMPLE}）。")
    try:
        tree = ast.parse(source, mode="eval")
        _check(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, int):
                # 整数のままでは、9**9**9 の桁をどこまでも計算してしまう。
                node.value = float(node.value)
        code = compile(tree, "<formula>", "eval")
    except (SyntaxError, RecursionError, MemoryError, OverflowError):
        raise ValueError(
            f"式として読めません。掛け算は *、べき乗は ** と書きます（{_EXAMPLE}）。"
        ) from None

    def g(x: Array) -> Array:
        try:
            with np.errstate(all="ignore"):
                value = eval(code, {"__builtins__": {}, "np": np, **_NAMES, "x": x})
                y: Array = np.broadcast_to(np.asarray(value, dtype=x.dtype), x.shape)
        except (ArithmeticError, TypeError, ValueError):
            raise ValueError(
                "この式は計算できません。x の一つの値から一つの数が決まる式にしてください"
                f"（{_EXAMPLE}）。"
            ) from None
        bad = ~(abs(y) <= _LARGEST)
        if bad.any():
            raise ValueError(
                f"x = {x[bad][0]:.4g} で、値が大きすぎるか、決まりません。"
                f"0 から 1 までの x で、{_LARGEST:,.0f} 以下の大きさになる式にしてください。"
            )
        return y

    return g


def _check(node: ast.AST) -> None:
    """決めたもののほかは、名前も文法も断ります。"""
    match node:
        case ast.Constant(value=int() | float()):
            return
        case ast.Name(id="x"):
            return
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np"), attr=name):
            if name in _NAMES:
                return
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), keywords=[]):
            # 余った引数は、答えを書き込む先になる。where と clip の引数は三つ。
            if len(node.args) <= getattr(_NAMES.get(name), "nin", 3):
                for term in (node.func, *node.args):
                    _check(term)
                return
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError("べき乗は ^ でなく ** と書きます（例: x**2）。")
        case ast.BinOp() | ast.UnaryOp() if not isinstance(node.op, _OPERATORS):
            pass
        case _ if isinstance(node, _SYNTAX):
            for part in ast.iter_child_nodes(node):
                _check(part)
            return
    raise ValueError(
        "式に使えるのは、x、数、四則、べき乗、比較、np.sin のように一点ごとに計算する関数だけです"
        f"（{ast.unparse(node)} は使えません）。"
    )


def drawn(strokes: Sequence[Sequence[Sequence[float]]]) -> Function:
    """描かれた線を、それを横切る縦の線の上の高さで表し、間を直線で結ぶ関数にします。

    同じところに二度描かれたら後の線を取り、描かれていない端は水平に延ばします。

    Args:
        strokes: 線ごとの点 (横, 縦) の列。左上が (0, 0)、右下が (SIZE, SIZE) です。

    Raises:
        ValueError: 線が短すぎるとき。
    """
    # 指の描く線の細かさには、これで足りる。
    columns = np.linspace(0, 1, 201)
    heights = np.full(len(columns), np.nan)
    for stroke in strokes:
        points = np.clip(np.array(stroke, dtype=float), 0, SIZE) / SIZE
        for pair in pairwise(points):
            (x0, y0), (x1, y1) = sorted(pair, key=lambda point: float(point[0]))
            crossed = (columns >= x0) & (columns <= x1)
            heights[crossed] = np.interp(columns[crossed], [x0, x1], [1 - 2 * y0, 1 - 2 * y1])
    known = ~np.isnan(heights)
    if known.sum() < 2:
        raise ValueError("線が短すぎます。左から右へ、もう少し長く描いてください。")
    return lambda x: np.interp(x, columns[known], heights[known])


def _picture(g: Function, units: int) -> dict[str, Any]:
    network = relu_interpolant(g, 0, 1, units)
    error = sup_error(network, g, 0, 1)
    pieces = count_linear_pieces(network, 0, 1)
    nodes = np.append(-network[0].b, 1.0)
    x = np.linspace(0, 1, 10_001)

    def y(x: Array) -> Array:
        return forward(network, x[:, np.newaxis])[:, 0]

    target = g(x)
    worst = np.argmax(abs(y(x) - target))
    # 描く枠と同じ −1 から 1 までを必ず見せ、はみ出す式では広げる。
    low, high = min(-1.0, target.min()), max(1.0, target.max())

    def point(x: float, y: float) -> str:
        return f"{x * SIZE:.1f} {(high - y) / (high - low) * SIZE:.1f}"

    def path(x: Array, y: Array) -> str:
        return "M" + "L".join(map(point, x, y))

    heights = y(nodes)
    ends = np.array([target[worst], y(x)[worst]])
    size = f" {error:.4f} " if error >= 0.00005 else " 0.0001 未満"
    return {
        "says": f"{units} ユニットのネットワークは {pieces} 本の線分になり、"
        f"最大の誤差は{size}です。",
        # 背のない縦の線は、端の丸い点になる。
        "paths": [
            path(x[::20], target[::20]),
            path(nodes, heights),
            "".join(f"M{point(*node)}h0" for node in zip(nodes, heights, strict=True)),
            path(np.repeat(x[worst], 2), ends),
        ],
        "ends": [f"{end:.4g}".replace("-", "−") for end in (high, low)],
    }
