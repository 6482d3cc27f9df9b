"""ページが取りにいける先と動かせるスクリプトを、Content-Security-Policy で自分のサイトに限る。

静的な置き場ではヘッダーを付けられないことが多いので、meta 要素で書く。
meta では、ほかのサイトの枠に入れられること（frame-ancestors）は断れず、違反の報告も受け取れない。
ページの外のスクリプトから始めた worker（検索）にも及ばないが、Python の worker は
ページの中の blob: から始めるので、この決まりを受けつぐ。
"""

from __future__ import annotations

import base64
import hashlib
import re

__all__ = ["with_policy"]

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_CHARSET = re.compile('<meta charset="?utf-8"?>')
_RULES = {
    "default-src": "'none'",
    # wasm-unsafe-eval は、WebAssembly（Pyodide）だけを許し、eval は許さない。
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    # 数式の負の空きは style 属性で書かれる。
    "style-src-attr": "'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "form-action": "'self'",
    "base-uri": "'none'",
}


def with_policy(html: str) -> str:
    """ページの中のスクリプトだけをハッシュで許す meta 要素を、head の初めに加えます。

    Args:
        html: ページの HTML。この後に、スクリプトの中身を変えてはいけません。
    """
    digests = [hashlib.sha256(text.encode()).digest() for text in _INLINE.findall(html)]
    hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    rules = _RULES | {"script-src": " ".join([_RULES["script-src"], *dict.fromkeys(hashes)])}
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return _CHARSET.sub(lambda charset: charset[0] + meta, html, count=1)
