"""訂正の囲みを集めた表。"""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import markdown
import pytest
from bs4 import BeautifulSoup, Tag

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
    said, true = row.select("td")
    assert list(said.stripped_strings) == [
        *("DL001", "縦棒 | と $x$"),
        "レポート: 「一つ目」続き。",
    ]
    assert said.a is not None
    assert str(said.a["href"]).startswith("dl001_x.md#訂正-縦棒")
    assert true.get_text() == "ここは | です。二行目。"
    assert true.a is not None
    assert true.a["href"] == "dl001_x.md#節"


def test_topics_stand_in_order_before_the_other_pages(tmp_path: Path) -> None:
    for stem in ("dl002_b", "dl000_1_a", "corrections"):
        (tmp_path / f"{stem}.md").write_text(BOX, encoding="utf-8")
    codes = [row.td.get_text().split()[0] for row in table(tmp_path).select("tbody tr") if row.td]
    assert codes == ["DL000_1", "DL002", "資料"]


def test_a_box_without_the_right_answer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"「訂正: 縦棒.*正しくは"):
        list(corrections(BOX.replace("正しくは", "たぶん")))


def test_a_page_without_the_marker_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dl001_x.md").write_text(BOX, encoding="utf-8")
    html = markdown.markdown("文。", extensions=["dlnotes.site.corrections"])
    assert html == "<p>文。</p>"


@pytest.mark.parametrize("source", sorted(Path("docs").glob("*.md")), ids=lambda path: path.stem)
def test_every_correction_is_written_as_a_box(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    titles = re.findall(r"^#{2,3} 訂正: ", text, flags=re.MULTILINE)
    found = len(list(corrections(text))), len(titles), text.count("!!! correction")
    form = '「### 訂正: 題」のすぐ下に、!!! correction "訂正" の囲みを置いてください'
    assert len(set(found)) == 1, f"{source}: {form}（読めた訂正、見出し、囲みの数は {found}）"


# 誤りを一つ書き落としても、題と言葉から気づけるようにする。
KNOWN = {
    "dl000_1_models": [
        "クラスの数は K",
        "隠れマルコフモデルではない",
        "二つのどちらにも",
        "SVM",
        "データが要る",
    ],
    "dl000_2_classifiers": ["1 か 0", "GAN の識別器"],
    "dl000_4_universal_approximation": ["流行の理由"],
    "dl001_overview": ["おもみ", "目的ではない", "学習では決まらない"],
    "dl002_forward": ["上へ動かすだけではない", "転置", "いつもバイアス"],
    "dl003_activations": ["「線形」", "u=0 での値", "単層だけ"],
    "dl004_losses": ["差の合計", "絶対値", "添え字"],
    "dl005_output_activations": [
        "比率",
        "2 クラスから",
        "総和",
        "二次元の分岐",
        "二値の",
        "対数の中身",
    ],
    "dl006_gradient_descent": ["Momentum", "Adadelta", "停留点"],
    "dl007_sgd": ["「冗長な」", "「望まない」", "「対極」"],
    "dl008_minibatch": ["更新の回数", "更新の番号"],
    "dl009_gradients": ["すべてのパラメータで"],
    "dl010_backprop": ["delta2 と W2", "d_sigmoid に入れるのは u1", "ReLU の導関数", "NK で割る"],
    "corrections": [
        *("one-hot", "三次元", "二次元の配列で半分", "整数の配列で大きく外れる"),
        *("整数のパラメータ", "一次元のソフトマックス", "平均されない"),
    ],
}


@pytest.mark.parametrize("stem", KNOWN)
def test_no_known_slip_is_left_out(stem: str) -> None:
    titles = [t for t, _, _ in corrections(Path(f"docs/{stem}.md").read_text(encoding="utf-8"))]
    assert [slip for slip in KNOWN[stem] if not any(slip in title for title in titles)] == []


def proof(heading: Tag) -> list[str]:
    """見出しの節の中身を、囲み、コード、出力の印の並びにする。"""
    marks = {"correction": "囲み", "language-python": "コード", "language-text": "出力"}
    section = takewhile(lambda t: t.name not in {"h1", "h2", "h3"}, heading.find_next_siblings())
    return [marks[name] for tag in section for name in tag.get("class", []) if name in marks]


def test_every_box_of_the_site_has_one_row_and_every_row_one_running_proof(site: Path) -> None:
    pages = {
        path.parent.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in site.glob("*/index.html")
    }
    boxes = [
        (name, heading["id"])
        for name, page in pages.items()
        for box in page.select(".admonition.correction")
        if (heading := box.find_previous(["h2", "h3"]))
    ]
    links = [row.td.a["href"] for row in pages["corrections"].select("article table tbody tr")]
    targets = [urlsplit(urljoin("/corrections/", href)) for href in links]
    rows = [(target.path.strip("/"), unquote(target.fragment)) for target in targets]
    assert len(rows) > 40
    assert sorted(rows) == sorted(boxes)
    assert len(set(rows)) == len(rows)
    # 節の頭に囲みが一つあり、その後に、動かして出力を比べたコードが続く。
    parts = {row: proof(pages[row[0]].find(id=row[1])) for row in rows}
    unproved = [row for row, part in parts.items() if part[:3] != ["囲み", "コード", "出力"]]
    assert unproved == []
    assert [row for row, part in parts.items() if part.count("囲み") != 1] == []
