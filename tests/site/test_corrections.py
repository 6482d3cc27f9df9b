"""訂正の囲みを集めた表。"""

from __future__ import annotations

import re
from pathlib import Path

import markdown
import pytest
from bs4 import BeautifulSoup

from dlnotes.site.corrections import MARKER, corrections

BOX = """### 訂正: 縦棒 | と $x$

!!! correction "訂正"
    **レポート**: 「一つ目」
    続き。

    **正しくは**: [ここ](#節)は | です。
    二行目。

    囲みの終わり。

```python
print(1)
```
"""


def table(docs: Path) -> BeautifulSoup:
    options = {"dlnotes.site.corrections": {"docs": str(docs)}}
    extensions = ["tables", "dlnotes.site.corrections"]
    html = markdown.markdown(MARKER, extensions=extensions, extension_configs=options)
    return BeautifulSoup(html, "html.parser")


def test_a_box_becomes_one_row_that_links_to_its_heading(tmp_path: Path) -> None:
    (tmp_path / "dl001_x.md").write_text(BOX, encoding="utf-8")
    (row,) = table(tmp_path).select("tbody tr")
    title, said, true = row.select("td")
    assert title.get_text() == "DL001 縦棒 | と $x$"
    assert title.a is not None
    assert str(title.a["href"]).startswith("dl001_x.md#訂正-縦棒")
    assert said.get_text() == "レポート: 「一つ目」続き。"
    assert true.get_text() == "ここは | です。二行目。"
    assert true.a is not None
    assert true.a["href"] == "dl001_x.md#節"


def test_pages_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    for stem in ("dl002_b", "dl000_1_a", "corrections"):
        (tmp_path / f"{stem}.md").write_text(BOX, encoding="utf-8")
    codes = [row.td.get_text().split()[0] for row in table(tmp_path).select("tbody tr") if row.td]
    assert codes == ["資料", "DL000_1", "DL002"]


def test_a_box_without_the_right_answer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"「訂正: 縦棒.*正しくは"):
        list(corrections(BOX.replace("正しくは", "たぶん")))


def test_a_page_without_the_marker_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dl001_x.md").write_text(BOX, encoding="utf-8")
    html = markdown.markdown("文。", extensions=["dlnotes.site.corrections"])
    assert html == "<p>文。</p>"


@pytest.mark.parametrize("source", sorted(Path("docs").glob("*.md")), ids=lambda path: path.stem)
def test_every_correction_has_its_box_and_its_running_proof(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    sections = re.split(r"^#{2,3} ", text, flags=re.MULTILINE)
    sections = [section for section in sections if section.startswith("訂正: ")]
    assert len(list(corrections(text))) == len(sections) == text.count('!!! correction "')
    assert [s.splitlines()[0] for s in sections if "```python\n" not in s] == []


def test_every_correction_of_the_site_is_in_the_table(site: Path) -> None:
    count = sum(
        len(list(corrections(page.read_text(encoding="utf-8"))))
        for page in Path("docs").glob("*.md")
    )
    html = (site / "corrections" / "index.html").read_text(encoding="utf-8")
    rows = BeautifulSoup(html, "html.parser").select("article table tbody tr")
    assert len(rows) == count > 30
