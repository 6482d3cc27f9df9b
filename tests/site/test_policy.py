"""ページが取りにいける先の決まり。"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from dlnotes.site.policy import with_policy

PAGE = '<head><meta charset="utf-8"><script>a = 1 < 2</script></head>'


def policy(page: str) -> dict[str, list[str]]:
    meta = BeautifulSoup(page, "html.parser").find("meta", {"http-equiv": True})
    assert meta is not None
    rules = [rule.split() for rule in str(meta["content"]).split(";")]
    return {name: values for name, *values in rules}


def test_inline_script_is_allowed_by_its_hash_only() -> None:
    digest = base64.b64encode(hashlib.sha256(b"a = 1 < 2").digest()).decode()
    found = policy(with_policy(PAGE))["script-src"]
    assert found == ["'self'", "'wasm-unsafe-eval'", f"'sha256-{digest}'"]


def test_policy_comes_before_everything_it_rules() -> None:
    assert re.match(r'<head><meta charset="utf-8"><meta http-equiv=', with_policy(PAGE))


def test_every_page_of_the_site_has_a_policy_that_names_no_other_origin(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert pages
    for page in pages:
        rules = policy(page.read_text(encoding="utf-8"))
        assert rules["default-src"] == ["'none'"]
        # この二つは、default-src を受けつがない。
        assert (rules["base-uri"], rules["form-action"]) == (["'none'"], ["'self'"])
        sources = {value for values in rules.values() for value in values}
        assert {s for s in sources if not s.startswith("'")} == {"data:", "blob:"}
        assert "'unsafe-inline'" not in rules["script-src"] + rules["style-src"]
        assert "'unsafe-eval'" not in sources


@pytest.mark.parametrize("name", ["onclick", "onload", "onerror"])
def test_no_page_has_a_handler_the_policy_would_stop(site: Path, name: str) -> None:
    texts = [html.unescape(p.read_text(encoding="utf-8")) for p in site.rglob("*.html")]
    assert [t for t in texts if re.search(rf"<[a-z][^>]* {name}=", t)] == []
