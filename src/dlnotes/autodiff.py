r"""スカラーの計算グラフの上での自動微分。逆向きと前向きを、掛け算の回数で比べます。

節は計算の途中の数 $v$、辺はその局所微分です。入力 $x$ による出力 $y$ の微分は、連鎖律により
「$x$ から $y$ への道ごとに局所微分を掛け、すべての道について足したもの」です。
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from dlnotes.arrays import as_number, check_function, check_instance

__all__ = ["Node", "apply", "forward_mode", "reverse_mode"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    r"""計算グラフの節。`+`、`-`、`*` で計算すると、値といっしょに局所微分を記録します。

    $$\begin{aligned}
    \frac{\partial (a+b)}{\partial a} &= 1, & \frac{\partial (a-b)}{\partial b} &= -1 \\
    \frac{\partial (ab)}{\partial a} &= b
    \end{aligned}$$

    Attributes:
        value: この節の値。
        edges: 計算に使った節と、その節による局所微分の組。入力では空。

    Raises:
        TypeError: 値が実数でないとき、節でも実数でもないものと計算したとき。
        ValueError: 値が float に収まらない整数のとき。

    出典:
        Griewank & Walther (2008) “Evaluating Derivatives” 第 3 章。
    """

    value: float
    # 表示に含めると、同じ節に至る道の数だけ、長さが倍々に増える。
    edges: tuple[tuple["Node", float], ...] = field(default=(), repr=False)
    # NumPy の配列が左にあっても、要素ごとの計算にせず、下の __radd__ などに渡させる。
    __array_ufunc__ = None

    def __post_init__(self) -> None:
        # NumPy の小さな整数のままだと、計算があふれる。
        object.__setattr__(self, "value", as_number("value", self.value))

    def __add__(self, other: "Node | float") -> "Node":
        b = other if isinstance(other, Node) else Node(other)
        return Node(self.value + b.value, ((self, 1.0), (b, 1.0)))

    def __mul__(self, other: "Node | float") -> "Node":
        b = other if isinstance(other, Node) else Node(other)
        return Node(self.value * b.value, ((self, b.value), (b, self.value)))

    def __sub__(self, other: "Node | float") -> "Node":
        b = other if isinstance(other, Node) else Node(other)
        return Node(self.value - b.value, ((self, 1.0), (b, -1.0)))

    def __rsub__(self, other: float) -> "Node":
        return Node(other) - self

    def __neg__(self) -> "Node":
        return Node(-self.value, ((self, -1.0),))

    __radd__ = __add__
    __rmul__ = __mul__


def apply(f: Callable[[float], float], derivative: Callable[[float], float], u: Node) -> Node:
    r"""1 変数の関数を節に適用します。$z = f(u)$ の局所微分は $f'(u)$ です。

    Args:
        f: 関数 f。
        derivative: その微分 f′。引数は f と同じ u です。
        u: 総入力の節。

    Returns:
        値が f(u) の節。

    Raises:
        TypeError: f や derivative が関数でないとき、u が節でないとき。

    出典:
        Griewank & Walther (2008) “Evaluating Derivatives” 第 3 章。
    """
    check_function("f", f)
    check_function("derivative", derivative)
    check_instance("u", u, Node)
    return Node(float(f(u.value)), ((u, float(derivative(u.value))),))


def reverse_mode(y: Node, inputs: list[Node] | tuple[Node, ...]) -> tuple[tuple[float, ...], int]:
    r"""逆向きの自動微分。出力から入力へ 1 回たどり、すべての入力による微分を一度に求めます。

    $$\bar{v}_i = \sum_{i \to j} \bar{v}_j \frac{\partial v_j}{\partial v_i},
    \qquad \bar{v}_i = \frac{\partial y}{\partial v_i}$$

    掛け算は辺ごとに 1 回です。同じグラフなら、微分を求める入力を増やしても、回数は増えません。
    誤差逆伝播法はこの計算です。

    Args:
        y: 出力の節。
        inputs: 微分する入力の節。

    Returns:
        入力ごとの微分 ∂y/∂x（inputs と同じ順）と、局所微分を掛けた回数。

    Raises:
        TypeError: y が節でないとき、inputs が節のリストか組でないとき。

    出典:
        Griewank & Walther (2008) “Evaluating Derivatives” 第 3 章。
    """
    _check(y, inputs)
    nodes = _sources_first(y)
    v_bar = dict.fromkeys([*nodes, *inputs], 0.0) | {y: 1.0}
    for v in reversed(nodes):
        for source, local in v.edges:
            v_bar[source] += v_bar[v] * local
    return tuple(v_bar[x] for x in inputs), sum(len(v.edges) for v in nodes)


def forward_mode(y: Node, inputs: list[Node] | tuple[Node, ...]) -> tuple[tuple[float, ...], int]:
    r"""前向きの自動微分。入力を一つ選ぶごとに、入力から出力へ 1 回たどります。

    $$\dot{v}_j = \sum_{i \to j} \frac{\partial v_j}{\partial v_i} \dot{v}_i,
    \qquad \dot{v}_j = \frac{\partial v_j}{\partial x}$$

    値と微分の組 $(v, \dot{v})$ をいっしょに運ぶ計算（二重数の計算）と同じで、
    掛け算は、入力が M 個なら逆向きの M 倍です。

    Args:
        y: 出力の節。
        inputs: 微分する入力の節。

    Returns:
        入力ごとの微分 ∂y/∂x（inputs と同じ順）と、局所微分を掛けた回数。

    Raises:
        TypeError: y が節でないとき、inputs が節のリストか組でないとき。

    出典:
        Griewank & Walther (2008) “Evaluating Derivatives” 第 3 章。
    """
    _check(y, inputs)
    nodes, derivatives = _sources_first(y), []
    for x in inputs:
        v_dot = {x: 1.0}
        for v in nodes:
            v_dot.setdefault(v, sum((local * v_dot[source] for source, local in v.edges), 0.0))
        derivatives.append(v_dot[y])
    return tuple(derivatives), len(inputs) * sum(len(v.edges) for v in nodes)


def _check(y: Node, inputs: list[Node] | tuple[Node, ...]) -> None:
    check_instance("y", y, Node)
    check_instance("inputs", inputs, list, tuple)
    for i, x in enumerate(inputs):
        check_instance(f"inputs[{i}]", x, Node)


def _sources_first(y: Node) -> list[Node]:
    # 再帰で書くと、深いグラフで Python の呼び出しの深さの上限に当たる。
    nodes, waiting = dict[Node, None](), [(y, False)]
    while waiting:
        v, sources_done = waiting.pop()
        if sources_done:
            nodes[v] = None
        elif v not in nodes:
            waiting.append((v, True))
            waiting.extend((source, False) for source, _ in v.edges)
    return list(nodes)
