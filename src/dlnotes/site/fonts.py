"""フォントを、使う字だけに絞る。数式は STIX Two Math、本の文章は IPAex ゴシックと DejaVu。"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from html import unescape
from importlib.metadata import distribution, version
from io import BytesIO
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from dlnotes.figures._files import replacing

__all__ = ["book_fonts", "math_characters", "write_math_font"]

# ziamath そのものは使わないので、import せずにフォントの場所だけを調べる。
_SOURCE = Path(str(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")))
# 本の文章、そこにない記号、コード。どれも図を描くライブラリーが持ち、PDF に TrueType のまま入る。
# Noto Sans CJK のような CFF のフォントは、Chromium がすべて字ごとの絵（Type 3）にしてしまう。
_DEJAVU = "matplotlib/mpl-data/fonts/ttf"
_BOOK = {
    "text": ("matplotlib-fontja", "matplotlib_fontja/fonts/ipaexg.ttf"),
    "symbols": ("matplotlib", f"{_DEJAVU}/DejaVuSans.ttf"),
    "code": ("matplotlib", f"{_DEJAVU}/DejaVuSansMono.ttf"),
}
# 名前のほかに、許諾の文（13）とその住所（14）。フォントを配るときは、一緒に配らなければならない。
_NAME_IDS = [*range(7), 13, 14]
_MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
# ブラウザが自分で補う字: 根号、伸びる括弧、上下の線。
_ALWAYS = "√()[]{}|‖∣⟨⟩⎵⏞⏟ˆ¯~^_.,+-=−×·⋅0123456789"
# 一段の分解を使う。NFKC では ϑ も θ になり、θ の斜体を取りちがえる。
_ITALIC = {
    chr(int(parts[1], 16)): chr(c)
    for c in (*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))
    if (parts := unicodedata.decomposition(chr(c)).split())
}
_ITALIC["h"] = "ℎ"


def math_characters(html: str) -> set[str]:
    """HTML の数式に現れる字と、ブラウザがその代わりに描く斜体の字を集めます。"""
    found = {c for math in _MATH.findall(html) for c in unescape(_TAG.sub("", math))}
    return found | {_ITALIC[c] for c in found if c in _ITALIC}


def write_math_font(characters: Iterable[str], cache: Path, destination: Path) -> None:
    """使う字だけに絞ったフォントを WOFF2 で書きます。

    Args:
        characters: 使う字。
        cache: 絞ったフォントを覚えておくフォルダー。
        destination: 書き出す場所。
    """
    text = "".join(sorted({*characters, *_ALWAYS}))
    name = f"{version('ziamath')} {version('fonttools')} {Path(__file__).read_text('utf-8')} {text}"
    key = hashlib.sha256(name.encode()).hexdigest()
    # 名前に中身のハッシュも入れ、壊れたものは使わない。
    font = next((f for old in cache.glob(f"{key}.*.woff2") if (f := _whole(old))), None)
    if font is None:
        font = _subset(text)
        cache.mkdir(parents=True, exist_ok=True)
        # 強制終了されて残った、書きかけのものも消す。
        for old in cache.iterdir():
            old.unlink(missing_ok=True)
        with replacing(cache / f"{key}.{hashlib.sha256(font).hexdigest()}.woff2") as temporary:
            temporary.write_bytes(font)
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_bytes(font)


def _whole(file: Path) -> bytes | None:
    data = file.read_bytes()
    return data if file.name.split(".")[1] == hashlib.sha256(data).hexdigest() else None


def book_fonts(characters: Iterable[str]) -> dict[str, bytes]:
    """本に埋めこむフォントを、使う字だけに絞った WOFF2 にします。

    Args:
        characters: 本に現れる字。
    """
    # 数字と「出力」は、ページ番号のように、見た目の指定からも書かれる。
    text = "".join(sorted({*characters, *"0123456789出力目次"}))
    fonts = {}
    for name, (library, place) in _BOOK.items():
        options = subset.Options(hinting=False, name_IDs=_NAME_IDS)
        options.drop_tables += ["FFTM"]  # FontForge の時刻の記録
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=text)
        buffer = BytesIO()
        with subset.load_font(str(distribution(library).locate_file(place)), options) as font:
            subsetter.subset(font)
            font.flavor = "woff2"
            font.save(buffer)
        fonts[name] = buffer.getvalue()
    return fonts


def _subset(text: str) -> bytes:
    # 添え字用の字形（ssty）は、Chromium では使われないのにフォントの大きさを倍にする。
    options = subset.Options(layout_features=[], hinting=False, name_IDs=_NAME_IDS)
    # MATH 表があるので、伸びる括弧の部品は subset が自分で残す。
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text)
    buffer = BytesIO()
    with subset.load_font(str(_SOURCE), options) as font:
        subsetter.subset(font)
        _narrow_radicals(font)
        font.flavor = "woff2"
        font.save(buffer)
    return buffer.getvalue()


def _narrow_radicals(font: TTFont) -> None:
    """背の高い根号の幅を、いちばん低い根号にそろえる。

    Chromium は、実際に使う根号ではなく最も広い根号の幅で場所を取るので、根号の右が空いてしまう。
    """
    variants = font["MATH"].table.MathVariants
    base = font.getBestCmap()[ord("√")]
    place = variants.VertGlyphCoverage.glyphs.index(base)
    construction = variants.VertGlyphConstruction[place]
    names = {record.VariantGlyph for record in construction.MathGlyphVariantRecord}
    names |= {part.glyph for part in construction.GlyphAssembly.PartRecords}
    width = font["hmtx"][base][0]
    for name in names - {base}:
        factor = width / font["hmtx"][name][0]
        glyph = font["glyf"][name]
        glyph.coordinates.scale((factor, 1))
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (width, glyph.xMin)
