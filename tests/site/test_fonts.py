"""数式フォントの絞りこみ。"""

from __future__ import annotations

import html
import re
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from dlnotes.site import fonts

LETTERS = {"x", "W", "h", "σ", "∂", "∑"}
# x、h、σ、∂ の斜体。h だけは、ほかの字と離れたところにある。
ITALIC = {"\U0001d465", "\u210e", "\U0001d70e", "\U0001d715"}


def write(folder: Path, characters: set[str] = LETTERS) -> Path:
    font = folder / "site" / "math.woff2"
    fonts.write_math_font(characters, folder / "cache", font)
    return font


def read(path: Path) -> TTFont:
    return TTFont(BytesIO(path.read_bytes()))


def names(font: TTFont, text: str) -> set[str]:
    characters = font.getBestCmap()
    return {characters[ord(c)] for c in text if ord(c) in characters}


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> TTFont:
    return read(write(tmp_path_factory.mktemp("font")))


def test_font_keeps_what_a_browser_needs_to_set_a_formula(font: TTFont) -> None:
    assert "MATH" in font
    assert len(names(font, "√()[]{}=−0")) == 10


@pytest.mark.parametrize("bracket", "()[]{}|√")
def test_bracket_keeps_the_pieces_it_is_stretched_from(font: TTFont, bracket: str) -> None:
    variants = font["MATH"].table.MathVariants
    (name,) = names(font, bracket)
    place = variants.VertGlyphCoverage.glyphs.index(name)
    pieces = variants.VertGlyphConstruction[place].GlyphAssembly.PartRecords
    assert len(pieces) >= 1
    assert {piece.glyph for piece in pieces} <= set(font.getGlyphOrder())


def test_letters_in_use_are_there_upright_and_italic(tmp_path: Path) -> None:
    """一字の変数は、ブラウザが斜体の字に置きかえて描く。"""
    found = fonts.math_characters("<math><mi>x</mi><mi>h</mi><mi>σ</mi><mi>∂</mi></math>")
    assert found == set("xhσ∂") | ITALIC
    assert len(names(read(write(tmp_path, found)), "".join(found))) == 8


def test_fonts_carry_their_licenses(font: TTFont) -> None:
    book = [TTFont(BytesIO(data)) for data in fonts.book_fonts("字a").values()]
    said = [str(one["name"].getDebugName(13)) for one in (font, *book)]
    holders = ("SIL Open Font License", "IPA", "Bitstream Vera", "Bitstream Vera")
    assert [holder in words for holder, words in zip(holders, said, strict=True)] == [True] * 4


def test_letters_not_in_use_are_left_out(font: TTFont) -> None:
    assert not names(font, "qQ∮")


def test_only_letters_in_formulas_count() -> None:
    assert fonts.math_characters("<p>文 a</p><math><mn>1</mn></math><p>b</p>") == {"1"}


def test_escaped_characters_are_read_as_themselves() -> None:
    found = fonts.math_characters("<math><mo>&lt;</mo><mo>&amp;</mo></math>")
    assert found == {"<", "&"}


def test_font_of_the_site_is_small_and_has_every_letter_of_its_formulas(site: Path) -> None:
    path = site / "assets" / "fonts" / "math.woff2"
    assert path.stat().st_size < 60_000
    pages = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    formulas = "".join(re.findall(r"<math\b.*?</math>", pages, re.DOTALL))
    used = set(html.unescape(re.sub(r"<[^>]*>", "", formulas)))
    # 日本語など、もとの書体にない字は本文の書体で出る。
    available = read(fonts._SOURCE).getBestCmap()
    have = read(path).getBestCmap()
    assert {c for c in used if ord(c) in available and ord(c) not in have} == set()


def test_same_letters_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path / "1").read_bytes()
    # フォントに書きこまれる日付があれば、これで変わる。
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert write(tmp_path / "2").read_bytes() == first


def refuse(text: str) -> bytes:
    raise AssertionError("絞り直した")


def test_same_letters_are_not_subset_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path).read_bytes()
    monkeypatch.setattr(fonts, "_subset", refuse)
    assert write(tmp_path).read_bytes() == first


def test_spoiled_font_is_subset_again(tmp_path: Path) -> None:
    first = write(tmp_path).read_bytes()
    (cached,) = (tmp_path / "cache").glob("*.woff2")
    cached.write_bytes(first[:-1])
    assert write(tmp_path).read_bytes() == first


def test_one_letter_more_gives_another_font(tmp_path: Path) -> None:
    write(tmp_path)
    assert names(read(write(tmp_path, {*LETTERS, "q"})), "q")


def test_write_that_was_cut_short_is_not_taken_for_a_font(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path)
    assert "MATH" in read(write(tmp_path))
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    ("letter", "italic"), ["θ\U0001d703", "ε\U0001d700", "ϵ\U0001d716", "φ\U0001d711"]
)
def test_greek_letters_keep_their_own_italic_form(letter: str, italic: str) -> None:
    assert fonts.math_characters(f"<math><mi>{letter}</mi></math>") == {letter, italic}


def test_font_is_asked_for_before_the_styles_so_that_no_line_moves_when_it_comes(
    site: Path,
) -> None:
    font = site / "assets" / "fonts" / "math.woff2"
    pages = {page: page.read_text(encoding="utf-8") for page in site.rglob("index.html")}
    assert any("<math" in text for text in pages.values())
    for page, text in pages.items():
        first = re.search(r"<link rel=(preload|stylesheet) href=\"([^\"]+)\"([^>]*)>", text)
        assert first
        assert (first[1] == "preload") == ("<math" in text)
        if first[1] == "preload":
            assert (page.parent / first[2]).resolve() == font.resolve()
            # crossorigin がなければ、ブラウザは同じ字をもう一度取りにいく。
            assert {"as=font", "crossorigin"} < set(first[3].split())
