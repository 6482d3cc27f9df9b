"""できたページの HTML を、見た目を変えずに、小さく、速く組めて、読み上げやすいものにする。"""

from __future__ import annotations

import json
import re

__all__ = ["compact"]

# 色を付けない語（変数名、記号、空白など）の囲みは、ページの半分を占めることがある。
_PLAIN = re.compile(r'<span class="(?:n|p|w|o|si|sa|nb)">([^<]*)</span>|<span></span>')
_REPEATED = re.compile(r'(<span class="(\w+)">[^<]*)</span><span class="\2">')
# 検索の索引を作った後には要らないものと、作った道具の名前。
_NOT_FOR_READERS = re.compile(r' data-search-exclude=""|<meta name="generator"[^>]*>')
# HTML の中の svg に、名前空間の宣言は要らない。
_NAMESPACE = re.compile(r'(?<=<svg) xmlns="http://www\.w3\.org/2000/svg"')
# 整数と小数は同じ色なので、一つの短い名前で足りる。
_NUMBER = re.compile(r'<span class="m[fi]">')
_WRAPPER = re.compile(r'<span class="arithmatex">(<math.*?</math>)</span>', re.DOTALL)
# Firefox は、句読点と式の間では改行せず、続く式が狭い画面からはみ出す。
_BEFORE_FORMULA = re.compile(r'(?<=[、。）」])(</span>)?(?=(?:<span class="dl-together">)?<math\b)')
# 一語の値に引用符は要らない。コードの色の囲み、数式、目次には数百あるので、ページの大きさに効く。
_TAG = re.compile(r'<[a-z][\w-]*(?:\s+[\w:-]+(?:="[^"]*")?)+\s*>')
_ONE_WORD = re.compile(r'="([\w-]+)"')
# Material は、日本語の文言を \u3053 のように、倍の長さで書く。
_CONFIG = re.compile(r"(?<=<script id=__config type=\"application/json\">)[^<]*")
# 関数の見出しと、表の中のコードとリンク。長い名前は、点と下線と括弧の後で折れるようにする。
_HEADING = re.compile(r'(<span class="doc doc-object-name[^>]*>)([^<]*)')
_CELL = re.compile(r"(<(?:code|a)\b[^>]*>)([^<]*)")
_INSIDE_NAME = re.compile(r"(?<=[._(])(?=[A-Za-z])")
# 横に動かす表の囲み。Material は、class のない表を、読む人のブラウザで一つずつ囲み、組み直させる。
_TABLE = re.compile(r"<table>(.*?</table>)", re.DOTALL)
_SCROLLED_TABLE = (
    r'<div class="md-typeset__scrollwrap"><div class="md-typeset__table">'
    r'<table class="dl-table">\1</div></div>'
)
# 目次に同じリンクがあるので、見出しの名前に ¶ を混ぜず、キーボードでも止まらない。
_PERMALINK = 'class="headerlink"'
# 目次の中の段。名前のある nav は、一つずつ読み上げの目印になる。
_CONTENTS_LEVEL = re.compile(r'<nav class="md-nav" aria-label="[^"]*">')
_VERBATIM = re.compile(r"(<(pre|script|style|textarea)\b.*?</\2>)", re.DOTALL)
_BLANK = re.compile(r"\s*\n\s*")
# 本文の外には文がないので、要素の境目の空白は見た目に関わらない。
_BETWEEN_TAGS = re.compile(r"(?<=>)\n|\n(?=<)")
# 目次の字は折り返して見せるので、省略記号のための囲みは要らない。
_NAVIGATION = re.compile(
    r'(<a [^>]*class="?md-nav__link[^>]*>)<span class=md-ellipsis>([^<]*)</span>'
)


def compact(html: str) -> str:
    """コードの色の囲み、数式の包み、引用符、余分な空白を減らし、表を囲み、読み上げの余計な目印を除きます。

    Args:
        html: ページの HTML。
    """
    html = _NOT_FOR_READERS.sub("", _WRAPPER.sub(r"\1", html))
    html = _BEFORE_FORMULA.sub(r"\1<wbr>", html)
    html = _HEADING.sub(_breakable, html)
    html = _TABLE.sub(lambda table: _CELL.sub(_breakable, table.expand(_SCROLLED_TABLE)), html)
    html = html.replace(_PERMALINK, f'{_PERMALINK} aria-hidden="true" tabindex="-1"')
    html = _CONTENTS_LEVEL.sub('<nav class="md-nav" role="presentation">', html)
    html = _NUMBER.sub('<span class="m">', _NAMESPACE.sub("", html))
    html = _PLAIN.sub(lambda match: match[1] or "", html)
    while (merged := _REPEATED.sub(r"\1", html)) != html:
        html = merged
    html = _TAG.sub(lambda tag: _ONE_WORD.sub(r"=\1", tag[0]), html)
    html = _CONFIG.sub(lambda config: _rewrite(config[0]), html)
    before, opening, rest = html.partition("<article")
    article, closing, after = rest.rpartition("</article>")
    if not opening:
        return _squeeze(html)
    before, after = (_BETWEEN_TAGS.sub("", _squeeze(part)) for part in (before, after))
    return _NAVIGATION.sub(r"\1\2", before) + opening + _squeeze(article) + closing + after


def _breakable(name: re.Match[str]) -> str:
    return name[1] + _INSIDE_NAME.sub("<wbr>", name[2])


def _rewrite(json_text: str) -> str:
    text = json.dumps(json.loads(json_text), ensure_ascii=False, separators=(",", ":"))
    # 文言に </script> があっても、要素はそこで終わらない。
    return text.replace("<", r"\u003c")


def _squeeze(html: str) -> str:
    """コードやスクリプトの外の、改行を含む空白を一つの改行にする。"""
    # split は、囲みの全体とその名前を、あいだの文字列と交互に返す。
    pieces = _VERBATIM.split(html)
    pieces[::3] = [_BLANK.sub("\n", piece) for piece in pieces[::3]]
    del pieces[2::3]
    return "".join(pieces)
