"""「コードの読み方」の箇条書きと地の文が述べること。"""

from __future__ import annotations

import contextlib
import inspect
import io
from dataclasses import FrozenInstanceError, dataclass, field, replace
from functools import wraps

import numpy as np
import pytest


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    x: float
    y: np.ndarray = field(default=(7.0, 8.0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "y", np.array(self.y))

    @property
    def total(self) -> float:
        return self.x + self.y.sum()

    def __rsub__(self, other: float) -> str:
        return f"{other} - x"


def test_classes_keep_their_fields_and_only_the_inside_of_an_array_can_change() -> None:
    # 「値をまとめて持つ型を作ります」「決めた名前のほかの値を持たせません」
    # 「は、値を渡さなかったときの値を決めます」「は、作った直後に呼ばれます」
    # 「その中の…は、検査した値を、…の型に入れます」
    # 「の付いた関数は、括弧を付けずに値として読みます」
    # 「は、左が数の…で呼ばれます」「は、y だけを替えた点を新しく作り、もとの p を変えません」
    p = _Pair(1.0)
    assert (p.total, p.y.tolist(), 1 - p) == (16.0, [7.0, 8.0], "1 - x")
    assert p != _Pair(1.0)
    q = replace(p, x=5.0)
    assert (p.x, q.x, q.y.tolist()) == (1.0, 5.0, [7.0, 8.0])
    for name in ("x", "y"):
        with pytest.raises(FrozenInstanceError):
            setattr(p, name, 0.0)
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(p, "other", 0.0)
    p.y[0] = 9.0  # 別の値は入れられないが、配列の中身は変わる
    assert p.total == 18.0


def test_functions_want_names_keep_their_own_when_wrapped_and_stop_at_each_yield() -> None:
    # 「より後の引数は、…のように、名前を付けて渡します」
    # 「引数と戻り値の型を示すだけで、計算には関わりません」
    # 「は、包んだ関数に元の名前と説明を引き継ぎます」
    # 「は、for で一つ取り出されるたびに、次の yield まで進みます」
    # 「は、関数を作ったときの k を覚えます」「がなければ、どちらの関数も最後の k の 2 を足します」
    reached: list[int] = []

    def numbers(top: str, *, h: str = 0.5) -> str:
        """説明。"""
        for i in range(top):
            reached.append(i)
            yield i + h

    boundary = wraps(numbers)(lambda *args, **kwargs: numbers(*args, **kwargs))
    assert (boundary.__name__, inspect.getdoc(boundary)) == ("numbers", "説明。")
    assert [(n, len(reached)) for n in boundary(3, h=0.25)] == [(0.25, 1), (1.25, 2), (2.25, 3)]
    with pytest.raises(TypeError):
        numbers(3, 0.25)
    kept = [lambda x, k=k: x + k for k in (1, 2)]
    last = [lambda x: x + k for k in (1, 2)]  # noqa: B023
    assert [[g(10) for g in group] for group in (kept, last)] == [[11, 12], [12, 12]]


def test_short_forms_of_python_do_what_the_list_says() -> None:
    # 「は、式が成り立たなければ AssertionError で止まります」
    # 「は、二つの辞書を合わせます（同じ名前なら、右の値になります）」「は、終わりで改行しません」
    # 「は、値を n に入れて、その値を式として使います」「は、a の行を一つずつ u と v に入れます」
    # 「は、一つだけの並びから中身を取り出します」「は、残りのすべてを受け取ります」
    # 「符号を二度変えた切り上げ」（0 のほうへ切り捨てる割り算では、切り上げにならない）
    with pytest.raises(AssertionError):
        exec("assert 1 > 2")
    assert {"a": 1, "b": 2} | {"b": 3} == {"a": 1, "b": 3}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print(1, end="")
        print(2)
    assert out.getvalue() == "12\n"
    assert ((n := len("abc")) + n, n) == (6, 3)
    u, v = np.array([[1, 2], [3, 4]])
    (first,), *_, last = [[10], 20, 30]
    assert (u.tolist(), v.tolist(), first, last, _) == ([1, 2], [3, 4], 10, 30, [20])
    for top in range(-9, 10):
        assert top // 2 <= top / 2 <= -(-top // 2) < top // 2 + 2
    assert (-7 // 2, int(-7 / 2)) == (-4, -3)


def test_arrays_broadcast_keep_axes_add_twice_and_copy_as_said() -> None:
    # 「の配列を足し引きすると、ブロードキャストで N 行 N 列の表になります」
    # 「どの番号について足したり比べたりするか」「その軸を長さ 1 で残します」
    # 「は、番号の場所に値を足し込みます。同じ番号が二度あれば、二度足します」
    # 表「配列にする（すでに配列なら、複製しない）」「型を変えた複製」
    # 表「順を変えずに、別の形に並べる」
    # 表「転置（行列の並びの、一つずつの転置は mT）」「は、配列を表示するときの桁数を決めます」
    a = np.arange(6.0).reshape(2, 3)
    for N in (1, 2, 5):
        d = np.arange(N * 1.0)
        assert ((d[:, np.newaxis] - d).shape, (d[:, np.newaxis] + d)[-1, 0]) == ((N, N), N - 1)
    assert (a.sum(axis=0).shape, a.max(axis=1, keepdims=True).tolist()) == ((3,), [[2], [5]])
    once, twice = np.zeros(3), np.zeros(3)
    once[[0, 0, 2]] += 1
    np.add.at(twice, [0, 0, 2], 1)
    assert (once.tolist(), twice.tolist()) == ([1, 0, 1], [2, 0, 1])
    assert np.asarray(a) is a
    assert not np.shares_memory(a.astype(np.float64), a)
    assert a.reshape(3, -1).ravel().tolist() == a.ravel().tolist()
    stack = np.arange(12).reshape(2, 3, 2)
    assert np.array_equal(stack.mT, np.stack([m.T for m in stack]))
    with np.printoptions():
        np.set_printoptions(precision=2)
        assert str(np.array([1 / 3])) == "[0.33]"


def test_same_seed_gives_the_same_numbers_of_the_kinds_said() -> None:
    # 「同じ種なら、同じ順で同じ数が出ます」
    # 「は 0 以上 1 未満の、uniform は決めた範囲の、一様な乱数です」
    # 「は平均 0、標準偏差 1 の、normal は決めた平均と標準偏差の、正規分布の乱数です」
    # 「は整数を、choice は並びの中の一つを選びます」
    # 「は番号を混ぜ、permuted は、軸に沿って一行ずつ別々に混ぜます」
    one, other, third = (np.random.default_rng(seed) for seed in (5, 5, 6))
    x = one.random(20_000)
    assert np.array_equal(x, other.random(20_000))
    assert not np.array_equal(x, third.random(20_000))
    for low, high, u in ((0, 1, x), (-5, 5, one.uniform(-5, 5, size=20_000))):
        assert low <= u.min() < u.max() < high
        counts = np.histogram(u, bins=10, range=(low, high))[0]
        assert np.abs(counts / 2000 - 1).max() < 0.1
    for mean, std, z in ((0, 1, one.standard_normal(20_000)), (5, 0.1, one.normal(5, 0.1, 20_000))):
        assert np.abs([z.mean() - mean, z.std() - std]).max() < 0.03 * std
        assert abs((np.abs(z - mean) < std).mean() - 0.683) < 0.01
    assert set(one.integers(3, size=99)) == {0, 1, 2}
    assert set(one.choice(["a", "b"], size=99)) == {"a", "b"}
    assert sorted(one.permutation(9)) == list(range(9))
    rows = one.permuted(np.arange(40).reshape(4, 10), axis=1)
    assert np.array_equal(np.sort(rows, axis=1), np.arange(40).reshape(4, 10))
    assert len({tuple(row - row.min()) for row in rows}) == 4  # 行ごとに、混ぜ方が違う
