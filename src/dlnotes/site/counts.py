"""できたページを数え、`[[数: 名前]]` と書かれたところに入れる。"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from importlib.metadata import version

__all__ = ["count", "fill"]

_PLACE = re.compile(r"\[\[数: (.+?)\]\]")
_CODE = '<div class="language-python highlight">'
_OUTPUT = '<div class="language-text highlight">'
_FIGURE = re.compile(r'class="dl-figure[ "]')
_GRADIENT = re.compile(
    r'id="dlnotes\.(?:activations|losses|backprop)\.\w+_(?:derivative|gradient)"'
)


def count(pages: Mapping[str, str]) -> dict[str, str]:
    """ページに出たものの数と、使ったライブラリの版を集めます。

    Args:
        pages: 原稿の場所から、本文の HTML への対応。
    """
    everything = "".join(pages.values())
    notebooks = "".join(html for name, html in pages.items() if name.endswith(".ipynb"))
    functions = everything.count('<div class="dl-source"')
    cells = notebooks.count(_CODE)
    numbers = {
        "ページ": len(pages),
        # 関数のコードは、ページのコードに数えない。
        "コード": everything.count(_CODE) - functions - cells,
        "出力": everything.count(_OUTPUT) - notebooks.count(_OUTPUT),
        "セル": cells,
        "セルの出力": notebooks.count(_OUTPUT),
        "数式": everything.count("<math"),
        "図": len(_FIGURE.findall(everything)),
        "関数": functions,
        "勾配": len(_GRADIENT.findall(everything)),
        "訂正": everything.count('class="admonition correction"'),
    }
    libraries = {name: version(name) for name in ("dlnotes", "NumPy", "Matplotlib", "MkDocs")}
    counted = {name: f"{number:,}" for name, number in numbers.items()}
    return counted | {"Python": platform.python_version()} | libraries


def fill(html: str, counts: Mapping[str, str]) -> str:
    """`[[数: 名前]]` を、その数に置きかえます。

    Args:
        html: ページの本文。
        counts: 名前から数への対応。

    Raises:
        ValueError: 数えていない名前が書かれているとき。
    """

    def number(place: re.Match[str]) -> str:
        if place[1] not in counts:
            raise ValueError(f"{place[0]} は数えていません（数えたもの: {'、'.join(counts)}）")
        return counts[place[1]]

    return _PLACE.sub(number, html)
