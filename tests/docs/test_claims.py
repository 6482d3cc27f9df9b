"""文が言うことのテスト（claims/）が、いまのページの文についてのものであること。

claims/ のテストは、ページのコードでは見せていない言い切りを、その文を「」で引いて確かめる。
文を直したら、テストも見直さなければならない。
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

CLAIMS = sorted((Path(__file__).parent / "claims").glob("test_*.py"))
_QUOTE = re.compile(r"「([^「」]+)」")
# 式と記号は、ページでは数式で書くので、かなと漢字と、名前と、式でない数だけを比べる。
_COUNT = (
    r"(?<![\w.,()+=≈<>≤≥−-])\d+(?:[.,]\d+)*(?= ?(?:倍|分の|層|回|点|日|割|%|匹|次元|本|枚|桁|行))"
)
_KANA = "ぁ-ゖァ-ヺー一-龠々"
# 名前（ReLU、Huber）と、文の中に数式でなく書かれた数。取り違えれば、意味が逆になる。
_NAME = r"\b(?:[A-Z][A-Za-z]+|tanh)\b"
_PLAIN = rf"(?<=[{_KANA}、。（]) ?−?\d+(?:\.\d+)?(?= ?[{_KANA}、。（）])"
_COMPARED = re.compile(rf"{_COUNT}|{_NAME}|{_PLAIN}|[{_KANA}]")
# 数式の中かもしれない数は、ページのどこかにあればよい。
_NUMBER = re.compile(r"\d+\.\d+|\d{2,}")


def japanese(text: str) -> str:
    return "".join(_COMPARED.findall(text)).replace(" ", "")


def quotes(source: str) -> Iterator[str]:
    """コメントの「」の中を、文の終わりと、「…」で略したところで分けて並べる。"""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = (t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT)
    for quote in _QUOTE.findall("".join(comments)):
        yield from filter(japanese, re.split("[。…]", quote))


def words(page: Path) -> tuple[str, set[str]]:
    """数式を除いたかなと漢字と、数式も含めた数。"""
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").article
    assert article is not None
    alts = " ".join(str(image["alt"]) for image in article.find_all("img"))
    numbers = set(_NUMBER.findall((article.get_text() + alts).replace(",", "")))
    for formula in article.find_all("math"):
        formula.decompose()
    return japanese(article.get_text() + alts), numbers


@pytest.mark.parametrize("claims", CLAIMS, ids=lambda path: path.stem)
def test_every_sentence_a_claim_quotes_stands_on_its_page(site: Path, claims: Path) -> None:
    name = claims.stem.removeprefix("test_")
    pages = [*site.glob(f"{name}/index.html"), *site.glob(f"{name}/*/index.html")]
    texts, numbers = zip(*map(words, pages), strict=True)
    said, told = " ".join(texts), set().union(*numbers)
    found = list(quotes(claims.read_text(encoding="utf-8")))
    assert found
    assert [quote for quote in found if japanese(quote) not in said] == []
    written = {number for quote in found for number in _NUMBER.findall(quote.replace(",", ""))}
    assert written - told == set()


def test_every_topic_has_its_claims_checked() -> None:
    checked = {path.stem.removeprefix("test_") for path in CLAIMS}
    missing = {path.stem for path in Path("docs").glob("dl0*.md")} - checked
    assert missing == set(), f"tests/docs/claims に、次の題目のテストがありません: {missing}"


def test_a_quoted_sentence_that_was_changed_is_found() -> None:
    source = "# 「長い\n# 文。次」「略…する」\nx = '「字」'\n"
    assert list(quotes(source)) == ["長い文", "次", "略", "する"]
