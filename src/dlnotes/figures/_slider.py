"""読む人がつまみで動かす図。"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Slider", "readable"]

_Draw = TypeVar("_Draw", bound=Callable[[float], object])
_EXPONENT = re.compile(r"^(-?[\d.]+)e([+-]\d+)$")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def readable(value: float) -> str:
    """数を、読む人に見せる字にします。1e-06 は 10⁻⁶ とします。"""
    text = f"{value:g}"
    if match := _EXPONENT.match(text):
        power = f"10{str(int(match[2])).translate(_SUPERSCRIPTS)}"
        text = power if match[1] == "1" else f"{match[1]} × {power}"
    return text.replace("-", "−")


@dataclass(frozen=True, slots=True)
class Slider:
    """図の関数の飾り。数を一つ受け取る関数を、値ごとに一コマずつ描かせます。

    関数は図と、その図から読みとれることを述べた一文を返します。一文は代替文に入ります。
    引数は、図を描かずに読めるよう、数と文字列をそのまま書きます。

    Attributes:
        label: つまみの名前。
        values: コマごとの値。つまみの左から順に並べます。
        start: はじめに見せる値。values の一つ。
        unit: 値の後ろに付ける単位。

    Raises:
        ValueError: 値が二つより少ないとき、同じ値があるとき、start が values にないとき。
    """

    label: str
    values: tuple[float, ...]
    start: float
    unit: str = ""

    def __post_init__(self) -> None:
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(f"values は違う値が二つ以上必要ですが {self.values} でした")
        if self.start not in self.values:
            raise ValueError(f"start は values の一つである必要がありますが {self.start} でした")

    def __call__(self, draw: _Draw) -> _Draw:
        """関数をそのまま返します。飾りは、登録簿を作るときに読まれます。"""
        return draw

    def text(self, value: float) -> str:
        """値を、単位をつけて読む人に見せる字にします。"""
        return readable(value) + self.unit
