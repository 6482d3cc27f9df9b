"""本を EPUB 3 のファイルにする。

EPUB は、XHTML と目録を zip に入れたものにすぎない。
pandoc は数式を LaTeX に読み直してから書くので記号が変わり、EbookLib は AGPL なので、使わない。
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from html import escape
from pathlib import Path
from time import gmtime, strftime
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from dlnotes.site.book import Book, Page

__all__ = ["write_epub"]

_TYPES = {
    "css": "text/css",
    "png": "image/png",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "xhtml": "application/xhtml+xml",
}
_CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
_ACCESSIBILITY = {
    "schema:accessMode": ["textual", "visual"],
    "schema:accessModeSufficient": ["textual"],
    "schema:accessibilityFeature": ["alternativeText", "MathML", "tableOfContents"],
    "schema:accessibilityHazard": ["none"],
    "schema:accessibilitySummary": ["数式は MathML、図には代替文があります。"],
}


def _xhtml(title: str, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"'
        f' lang="ja" xml:lang="ja"><head><meta charset="utf-8"/><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="style.css"/></head><body>{body}</body></html>\n'
    )


def _entry(page: Page) -> str:
    link = f'<a href="{page.name}.xhtml">{escape(page.title)}</a>'
    sections = "".join(
        f'<li><a href="{page.name}.xhtml#{escape(mark)}">{escape(title)}</a></li>'
        for mark, title in page.sections()
    )
    return f"<li>{link}<ol>{sections}</ol></li>" if sections else f"<li>{link}</li>"


def _contents(pages: list[Page]) -> Iterator[str]:
    part = ""
    for page in pages:
        if page.part != part:
            yield "</ol></li>" if part else ""
            part = page.part
            yield f"<li><span>{escape(part)}</span><ol>" if part else ""
        yield _entry(page)
    yield "</ol></li>" if part else ""


def _navigation(book: Book) -> str:
    first = book.pages[0].name
    return _xhtml(
        "目次",
        f'<nav epub:type="toc"><h1>目次</h1><ol>{"".join(_contents(book.pages))}</ol></nav>'
        f'<nav epub:type="landmarks" hidden="hidden"><h2>案内</h2><ol>'
        f'<li><a epub:type="toc" href="nav.xhtml">目次</a></li>'
        f'<li><a epub:type="bodymatter" href="{first}.xhtml">本文</a></li></ol></nav>',
    )


def _package(book: Book, files: dict[str, bytes], seconds: int) -> str:
    modified = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(seconds))
    identifier = uuid.uuid5(uuid.NAMESPACE_DNS, book.title)
    spine = ["cover.xhtml", "nav.xhtml", *(f"{page.name}.xhtml" for page in book.pages)]
    properties = {"nav.xhtml": "nav", "cover.png": "cover-image"}
    items, ids = [], {}
    for number, (name, data) in enumerate(files.items()):
        ids[name] = f"item{number}"
        extra = "mathml" if name.endswith(".xhtml") and b"<math" in data else properties.get(name)
        extra = f' properties="{extra}"' if extra else ""
        kind = _TYPES[name.rpartition(".")[2]]
        items.append(f'<item id="{ids[name]}" href="{name}" media-type="{kind}"{extra}/>')
    access = "".join(
        f'<meta property="{name}">{value}</meta>'
        for name, values in _ACCESSIBILITY.items()
        for value in values
    )
    order = "".join(f'<itemref idref="{ids[name]}"/>' for name in spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"'
        ' xml:lang="ja"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:uuid:{identifier}</dc:identifier>'
        f"<dc:title>{escape(book.title)}</dc:title><dc:language>ja</dc:language>"
        f"<dc:description>{escape(book.description)}</dc:description>"
        f"<dc:rights>{escape(book.rights)}</dc:rights><dc:date>{modified}</dc:date>"
        f'<meta property="dcterms:modified">{modified}</meta>{access}</metadata>'
        f"<manifest>{''.join(items)}</manifest>"
        f"<spine>{order}</spine></package>\n"
    )


def write_epub(book: Book, destination: Path, seconds: int) -> None:
    """章ごとの XHTML、目次、目録、図とフォントを zip に入れます。

    Args:
        book: 本。
        destination: 書き出す場所。
        seconds: 本の日付（1970 年からの秒）。
    """
    cover = f'<p><img src="cover.png" alt="{escape(book.title)}"/></p>'
    files = {
        "cover.xhtml": _xhtml(book.title, cover).encode(),
        "nav.xhtml": _navigation(book).encode(),
    }
    for page in book.pages:
        text = _xhtml(page.title, page.article.decode_contents())
        files[f"{page.name}.xhtml"] = text.encode()
    files |= {name: data for name, data in book.files.items() if name != "cover.svg"}
    with ZipFile(destination, "w") as archive:

        def add(name: str, data: bytes | str, method: int = ZIP_DEFLATED) -> None:
            archive.writestr(ZipInfo(name, gmtime(seconds)[:6]), data, method)

        add("mimetype", "application/epub+zip", ZIP_STORED)
        add("META-INF/container.xml", _CONTAINER)
        add("EPUB/package.opf", _package(book, files, seconds))
        for name, data in files.items():
            add(f"EPUB/{name}", data)
