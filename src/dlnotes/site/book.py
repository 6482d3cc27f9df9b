"""できあがったサイトから、すべてのページを一冊にした PDF と EPUB を作る。

python -m dlnotes.site.book SITE    SITE/book/ に二つのファイルを書き、はじめのページから案内する
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from time import gmtime, strftime
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.filter import SoupStrainer
from pikepdf import ObjectStreamMode, Pdf
from tqdm import tqdm

from dlnotes.figures._cover import cover_files
from dlnotes.figures._files import replacing
from dlnotes.site import epub, fonts

__all__ = ["Book", "BookError", "Page", "offer", "read_book", "write_pdf"]

MARKER = "<!--book-->"
_BOOTSTRAP = Path(__file__).parents[3] / "requirements" / "bootstrap.py"
_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--allow-file-access-from-files",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    # 字の送りを画面の画素に丸めると、小さい英字の間が不ぞろいになり、検索でも語が割れる。
    "--font-render-hinting=none",
    # フォントを読み、広すぎる式を縮める時間。待つ時間は、先へ送られた時計で測る。
    "--virtual-time-budget=20000",
)
_OFFER = re.compile(re.escape(MARKER) + r'(<p class="dl-book">.*?</p>)?')
# 本では押せないもの、画面だけのもの。
_ONLY_ON_SCREEN = (
    "script, style, button, input, select, template, .headerlink, .dl-notebook-links, .dl-book,"
    ' .dl-quiz, img[src$="#only-dark"]'
)
# これより長いコードは、ページの境で分けてよい。
_LONG = 20
_LABEL = re.compile(r"問 \d+")
_CODE = re.compile(r"DL\d+(_\d)?(?= )")
# EPUB は、外のファイルを指す SVG の文書型宣言を許さない。
_DOCTYPE = re.compile(rb"<!DOCTYPE svg [^>]*>")
_USE = re.compile(rb'<use\b[^>]*href="#([^"]*)"[^>]*/>')
_ID = re.compile(rb'\bid="([^"]*)"')
_DATE = re.compile(rb"\(D:\d{14}\+00'00'\)")
# 横に長い式と表は、紙の幅に入るまで小さくする。
_FIT = """
document.fonts.ready.then(() => {
  const boxes = [...document.querySelectorAll("div.arithmatex, table")]
  const sizes = boxes.map(() => 1)
  // 測ることと変えることを混ぜると、一つ変えるたびに本の全体が組み直される。
  for (let turn = 0; turn < 4; turn++) {
    const rooms = boxes.map(box => box.parentElement.clientWidth / box.scrollWidth)
    boxes.forEach((box, i) => {
      if (rooms[i] > 0.995) return
      sizes[i] = Math.max(0.5, 0.98 * rooms[i] * sizes[i])
      box.style.fontSize = `${100 * sizes[i]}%`
    })
  }
})
"""
_PRINT_CSS = """
@page { size: JIS-B5; margin: 16mm 15mm 18mm;
  @bottom-center { content: counter(page); font: 8pt "book-text"; } }
@page :first { margin: 0; @bottom-center { content: none; } }
html { width: 152mm; }
body { font-size: 9.5pt; margin: 0; }
.cover { break-after: page; height: 256mm; width: 182mm; display: block; max-width: none; }
h1, .contents { break-before: page; }
.contents { font-size: 8.5pt; line-height: 1.45; }
.contents ul { list-style: none; padding: 0; }
.contents ul ul { padding-left: 1.5em; }
.contents li { margin: 0.1em 0; }
.contents .part { break-after: avoid; font-weight: bold; margin: 1em 0 0.2em; }
.contents > ul > li > a { break-after: avoid; }
.contents a { color: inherit; display: flex; text-decoration: none; }
.contents a::after { content: attr(data-page); margin-left: auto; padding-left: 1em; }
.dl-figure img { max-height: 105mm; width: auto; }
div.arithmatex { overflow: visible; break-inside: avoid; }
.admonition, .doc-object { box-decoration-break: clone; }
.dl-details p:has(> strong:only-child) { break-after: avoid; }
a[href^="http"]::after { content: "（" attr(href) "）"; }
"""


class BookError(Exception):
    """本を作れない理由。利用者に一行で見せる。"""


@dataclass(frozen=True, slots=True)
class Page:
    """本の一章。リンクは `名前.xhtml#見出し` の形にしてある。"""

    name: str
    part: str
    article: Tag

    @property
    def title(self) -> str:
        """章の題。"""
        return _text(self.article.find("h1"))

    def sections(self) -> Iterator[tuple[str, str]]:
        """節の id と題を順に出します。"""
        for heading in self.article.find_all("h2"):
            yield str(heading["id"]), _text(heading)


@dataclass(frozen=True, slots=True)
class Book:
    """章と、章が使うファイル（図、フォント、見た目の指定）。"""

    title: str
    description: str
    rights: str
    pages: list[Page]
    files: dict[str, bytes]


def _text(element: Tag | None) -> str:
    return element.get_text().strip() if element else ""


def _soup(path: Path, only: SoupStrainer | None = None) -> BeautifulSoup:
    try:
        return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser", parse_only=only)
    except FileNotFoundError as error:
        raise BookError(
            f"{path} がありません。先に make site でサイトを作ってください。"
        ) from error


def _navigation(front: BeautifulSoup) -> Iterator[tuple[str, str]]:
    """サイトの目次から、ページの住所とその部の名前を、読む順に出す。"""
    for link in front.select(".md-nav--primary a.md-nav__link[href]"):
        if not str(link["href"]).startswith("#"):
            section = link.find_parent(class_="md-nav__item--nested")
            part = _text(section.find("label")) if section else ""
            yield urljoin("/", str(link["href"])), part


def read_book(site: Path) -> Book:
    """できあがったサイトを、一冊の本の形に読みます。

    Args:
        site: サイトのフォルダー。

    Raises:
        BookError: サイトがないとき、サイトにないページや図をページが使っているとき。
    """
    front = _soup(site / "index.html")
    places = dict(_navigation(front))
    names = {url: url.strip("/").rpartition("/")[2] or "index" for url in places}
    pages, pictures = [], set()
    for url, part in tqdm(places.items(), "本のページ", unit="枚"):
        # 本文のほか（目次や検索の窓）は、木にする時間がかかるだけなので読まない。
        article = _soup(site / url.strip("/") / "index.html", SoupStrainer("article")).article
        if article is None:
            raise BookError(f"{url} に本文がありません")
        pictures |= _clean(article, url, names)
        pages.append(Page(names[url], part, article))
    try:
        files = {name: _picture((site / name).read_bytes()) for name in sorted(pictures)}
        files["fonts/math.woff2"] = (site / "assets/fonts/math.woff2").read_bytes()
    except FileNotFoundError as error:
        raise BookError(f"サイトに {error.filename} がありません") from error
    text = {c for page in pages for c in page.article.get_text()}
    files |= {f"fonts/{name}.woff2": font for name, font in fonts.book_fonts(text).items()}
    files["style.css"] = Path(__file__).with_name("book.css").read_bytes()
    title = str(front.select(".md-logo")[0]["title"])
    description = str(front.select('meta[name="description"]')[0]["content"])
    try:
        files |= cover_files(title, pages[0].title)
    except ValueError as error:
        raise BookError(str(error)) from error
    return Book(
        title=title,
        description=description,
        rights=_text(front.select_one(".md-copyright__highlight")),
        pages=pages,
        files=files,
    )


def _picture(data: bytes) -> bytes:
    """SVG から、文書型宣言と、形のない字（空白）への参照を除く。ほかの画像は変えない。"""
    if b"<svg" not in data[:1000]:
        return data
    known = set(_ID.findall(data))
    return _USE.sub(lambda use: use[0] if use[1] in known else b"", _DOCTYPE.sub(b"", data))


def _clean(article: Tag, url: str, names: dict[str, str]) -> set[str]:
    """本文から画面だけのものを除き、折りたたみを開き、リンクを本の中のものにする。"""
    for element in article.select(_ONLY_ON_SCREEN):
        element.decompose()
    for element in article.find_all(True):
        for attribute in list(element.attrs):
            # data-… はスクリプトだけが読む。
            if attribute in {"tabindex", "loading", "hidden"} or attribute.startswith("data-"):
                del element[attribute]
    for control in article.select(".dl-slider__control"):
        control.string = f"{control.get_text()} の図（サイトでは、つまみで動かせます）"
    for math in article.find_all("math"):
        math["xmlns"] = "http://www.w3.org/1998/Math/MathML"
        for element in [*math.find_all(displaystyle=True), *math.find_all(scriptlevel=True)]:
            _set_style_around(element)
    for code in article.select(".language-python, .language-text"):
        if code.get_text().count("\n") > _LONG:
            code["class"] = " ".join([*code.get_attribute_list("class"), "dl-long"])
    _move_answers(article)
    _unfold(article)
    for link in article.find_all("a", href=True):
        _point_into_the_book(link, url, names)
    pictures = set()
    for image in article.find_all("img"):
        place = urlsplit(urljoin(url, str(image["src"]))).path.lstrip("/")
        image["src"] = place
        pictures.add(place)
    return pictures


def _set_style_around(element: Tag) -> None:
    """EPUB が従う MathML 3 では、字の大きさの指定は mstyle にしか書けない。"""
    names = ("displaystyle", "scriptlevel")
    style = Tag(name="mstyle", attrs={n: element.attrs.pop(n) for n in names if n in element.attrs})
    element.wrap(style)


def _point_into_the_book(link: Tag, url: str, names: dict[str, str]) -> None:
    href = str(link["href"])
    if urlsplit(href).scheme:
        return
    place, fragment = urldefrag(urljoin(url, href))
    place = place if place.endswith("/") else f"{place}/"
    if place in names:
        mark = f"#{unquote(fragment)}" if fragment else ""
        link["href"] = f"{names[place]}.xhtml{mark}"
    else:  # ノートブックなど、本にはないファイル
        link.unwrap()


def _new(name: str, text: str = "", **attributes: str) -> Tag:
    tag = Tag(name=name, attrs=attributes)
    if text:
        tag.string = text
    return tag


def _label(folded: Tag, number: int) -> str:
    """答えの見出し。題目ごとに番号を振り直す確認テストのページでは、題目の番号も付ける。"""
    asked = folded.summary if "question" in folded["class"] else folded.find_previous_sibling("p")
    match = _LABEL.match(_text(asked))
    code = _CODE.match(_text(folded.find_previous("h2")))
    return f"{code[0]} {match[0]}" if match and code else match[0] if match else f"解答 {number}"


def _move_answers(article: Tag) -> None:
    """答えを章の終わりに移す。問いのすぐ下に開いておくと、考える前に目に入ってしまう。"""
    folded = article.select("details.question, details.success")
    if not folded:
        return
    labels = [_label(question, number) for number, question in enumerate(folded, start=1)]
    article.append(_new("h2", "答え", id="book-answers"))
    for number, (question, label) in enumerate(zip(folded, labels, strict=True), start=1):
        summary = question.summary
        assert summary is not None
        question_id, answer_id = f"book-question-{number}", f"book-answer-{number}"
        asked = _new("p", **{"class": "question", "id": question_id})
        if _LABEL.match(_text(summary)):
            asked.extend([*summary.contents, " "])
        asked.append(_new("a", "→ 答え", href=f"#{answer_id}"))
        summary.decompose()
        question.insert_before(asked)
        answer = question.extract()
        answer.name, answer.attrs = "div", {"class": "answer", "id": answer_id}
        back = _new("p", **{"class": "summary"})
        back.append(_new("a", label, href=f"#{question_id}"))
        answer.insert(0, back)
        article.append(answer)


def _unfold(article: Tag) -> None:
    """残りの折りたたみ（引数や出典、発展）を、開いた囲みにする。"""
    for folded in article.find_all("details"):
        kind = " ".join(folded.get_attribute_list("class"))
        folded.name = "div"
        folded["class"] = kind if kind == "dl-details" else f"admonition {kind}"
        folded.attrs.pop("open", None)
        if folded.summary:
            folded.summary.attrs = {"class": "summary"}
            folded.summary.name = "p"


def _marks(book: Book) -> dict[str, str]:
    """本の中の飛び先から、一枚につないだ HTML での id への対応。

    もとの id は章どうしで重なり、日本語のままでは PDF の名前の長さの限り（127 バイト）を超える。
    """
    places = (
        place
        for page in book.pages
        for place in (
            f"{page.name}.xhtml",
            *(f"{page.name}.xhtml#{e['id']}" for e in page.article.find_all(id=True)),
        )
    )
    return {place: f"m{number}" for number, place in enumerate(places)}


def _for_print(page: Page, marks: dict[str, str]) -> str:
    """章を、つないでも id が重ならない形にする。"""
    article = copy.copy(page.article)
    for element in article.find_all(id=True):
        element["id"] = marks[f"{page.name}.xhtml#{element['id']}"]
    for link in article.find_all("a", href=True):
        if not urlsplit(href := str(link["href"])).scheme:
            link["href"] = f"#{marks[href]}"
    mark = marks[f"{page.name}.xhtml"]
    return f'<section id="{mark}">{article.decode_contents()}</section>'


def _contents(book: Book, marks: dict[str, str], numbers: dict[str, int]) -> Iterator[str]:
    def line(place: str, title: str) -> str:
        mark = marks[place]
        return f'<a href="#{mark}" data-page="{numbers.get(mark, "")}">{escape(title)}</a>'

    part = ""
    for page in book.pages:
        if page.part != part:
            part = page.part
            # 部に入らない章は、前の部の続きに見えないよう、名前のない行で分ける。
            yield f'<p class="part">{escape(part)}</p>'
        file = f"{page.name}.xhtml"
        sections = "".join(
            f"<li>{line(f'{file}#{mark}', title)}</li>" for mark, title in page.sections()
        )
        yield f"<ul><li>{line(file, page.title)}<ul>{sections}</ul></li></ul>"


def _print_html(book: Book, numbers: dict[str, int]) -> str:
    marks = _marks(book)
    head = f"<title>{escape(book.title)}</title><link rel=stylesheet href=style.css>"
    contents = "".join(_contents(book, marks, numbers))
    return (
        f'<!doctype html><html lang="ja"><meta charset="utf-8">{head}<style>{_PRINT_CSS}</style>'
        f'<img class="cover" src="cover.svg" alt="{escape(book.title)}">'
        f'<div class="contents"><h1>目次</h1>{contents}</div>'
        f"{''.join(_for_print(page, marks) for page in book.pages)}"
        f"<script>{_FIT}</script></html>"
    )


def find_chromium() -> str:
    """PDF を印刷する Chromium を、make と同じように探します。

    Raises:
        BookError: 見つからないとき。
    """
    command = [sys.executable, str(_BOOTSTRAP), "chromium"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BookError("Chromium を使えません（理由は上にあります）")
    return done.stdout.strip()


def _print(chromium: str, folder: Path) -> bytes:
    output = folder / "book.pdf"
    # 開いている Chromium の設定と混ざらないように、別の設定のフォルダーを使う。
    profile = f"--user-data-dir={folder / 'profile'}"
    source = (folder / "book.html").as_uri()
    command = [chromium, *_SWITCHES, profile, f"--print-to-pdf={output}", source]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired as error:
        raise BookError("Chromium が 10 分たっても PDF を印刷し終えません") from error
    if done.returncode or not output.exists():
        raise BookError(f"Chromium が PDF を印刷できません:\n{done.stderr[-500:]}")
    return output.read_bytes()


def write_pdf(book: Book, destination: Path, chromium: str, seconds: int) -> None:
    """章をつないだ一枚の HTML を Chromium で印刷し、しおりと目次のある PDF にします。

    Args:
        book: 本。
        destination: 書き出す場所。
        chromium: Chromium の場所。
        seconds: 本の日付（1970 年からの秒）。

    Raises:
        BookError: Chromium が印刷できないとき、10 分たっても終わらないとき。
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for path, data in book.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        numbers: dict[str, int] = {}
        # 一度目の印刷で章や節のページ番号を知り、二度目に目次へ書き入れる。
        for _ in tqdm(range(2), "PDF の印刷", unit="回"):
            (folder / "book.html").write_text(_print_html(book, numbers), encoding="utf-8")
            pdf = _print(chromium, folder)
            numbers = page_numbers(pdf)
    date = strftime("(D:%Y%m%d%H%M%S+00'00')", gmtime(seconds)).encode()
    with Pdf.open(BytesIO(_DATE.sub(date, pdf))) as document:
        # 読み上げのための目録を Chromium は圧縮しないので、大きさが倍を超えてしまう。
        options = {"object_stream_mode": ObjectStreamMode.generate, "deterministic_id": True}
        with replacing(destination) as temporary:
            document.save(temporary, **options)


def page_numbers(pdf: bytes) -> dict[str, int]:
    """PDF の中の飛び先の名前から、1 から数えたページ番号への対応。"""
    with Pdf.open(BytesIO(pdf)) as document:
        numbers = {page.obj.objgen: number for number, page in enumerate(document.pages, start=1)}
        places = document.Root.Dests.items()
        return {name.lstrip("/"): numbers[place[0].objgen] for name, place in places}


def offer(site: Path) -> None:
    """本の置き場所の印があるページに、できた本へのリンクを書き入れます。

    Args:
        site: 本のあるサイトのフォルダー。

    Raises:
        BookError: 印がどのページにもないとき。
    """
    found = False
    for path in site.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        if MARKER not in html:
            continue
        found = True
        above = "../" * (len(path.relative_to(site).parts) - 1)
        links = "、".join(
            f'<a href="{above}book/{book.name}" download>{book.suffix[1:].upper()}'
            f"（{book.stat().st_size / 1e6:.1f} MB）</a>"
            for book in (site / "book" / "dlnotes.pdf", site / "book" / "dlnotes.epub")
        )
        text = f'{MARKER}<p class="dl-book">すべてのページを一冊にした本: {links}</p>'
        new = _OFFER.sub(lambda _, text=text: text, html)  # type: ignore[misc]
        with replacing(path) as temporary:
            temporary.write_text(new, encoding="utf-8")
    if not found:
        raise BookError(f"本へのリンクを置く印 {MARKER} が、どのページにもありません")


def main(site: Path) -> None:
    """PDF と EPUB を `site/book/` に書きます。"""
    # zip に書ける最も古い日付。make book は最後のコミットの日付を渡す。
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or 315532800)
    chromium = find_chromium()
    book = read_book(site)
    with replacing(site / "book" / "dlnotes.epub") as path:
        epub.write_epub(book, path, seconds)
    write_pdf(book, site / "book" / "dlnotes.pdf", chromium, seconds)
    offer(site)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BookError as error:
        sys.exit(f"エラー: {error}")
