"""設定の例のとおりに nginx を動かし、負荷をかけ、ブラウザで読む。"""

from __future__ import annotations

import gzip
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

TOOLS = "nginx と ab が要ります。apt install nginx-light apache2-utils で入れてください。"
MAIN = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {example}
}}
"""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": os.environ["CHROMIUM"], "args": ["--no-sandbox", "--disable-gpu"]}


@pytest.fixture(scope="module")
def address(
    site: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    """例の住所と置き場所だけを替えて動かした nginx。終わりに、エラーの記録が空であることを見る。"""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx, TOOLS
    assert shutil.which("ab"), TOOLS
    folder = tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for wasm in site.rglob("*.wasm"):
        wasm.with_name(f"{wasm.name}.gz").write_bytes(gzip.compress(wasm.read_bytes()))
    example = (pytestconfig.rootpath / "hosting" / "nginx.conf").read_text(encoding="utf-8")
    for old, new in [
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("root /var/www/dlnotes;", f"root {site};"),
    ]:
        assert example.count(old) == 1
        example = example.replace(old, new)
    user = pwd.getpwuid(os.getuid()).pw_name
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(user=user, folder=folder, example=example), encoding="utf-8")
    log = folder / "error.log"
    with subprocess.Popen([nginx, "-p", folder, "-e", log, "-c", main]) as server:
        try:
            for _ in range(100):
                assert server.poll() is None, log.read_text(encoding="utf-8")
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield "127.0.0.1", port
        finally:
            server.terminate()
    # user の行は、root で動かしたときにだけ意味を持つ、という知らせ。
    said = [line for line in log.read_text("utf-8").splitlines() if '"user" directive' not in line]
    assert said == []


def get(address: tuple[str, int], path: str, **headers: str) -> HTTPResponse:
    connection = HTTPConnection(*address, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def names(site: Path, pattern: str) -> list[str]:
    found = [f"/{path.relative_to(site).as_posix()}" for path in site.rglob(pattern)]
    assert found
    return found


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("*.html", "text/html; charset=utf-8"),
        ("*.mjs", "text/javascript"),
        ("*.wasm", "application/wasm"),
        ("*.svg", "image/svg+xml"),
        ("*.woff2", "font/woff2"),
        ("*.ipynb", "application/json"),
        ("*.json", "application/json"),
        ("*.whl", "application/octet-stream"),
    ],
)
def test_file_is_sent_as_what_it_is(
    address: tuple[str, int], site: Path, pattern: str, kind: str
) -> None:
    for name in names(site, pattern)[:3]:
        response = get(address, name)
        assert response.status == 200
        assert str(response.getheader("Content-Type")).startswith(kind)
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        assert response.getheader("Content-Security-Policy") == "frame-ancestors 'none'"


def test_search_worker_may_reach_only_the_site(address: tuple[str, int]) -> None:
    response = get(address, "/assets/javascripts/workers/on-demand.js")
    policy = str(response.getheader("Content-Security-Policy"))
    assert policy == "default-src 'none'; script-src 'self'; connect-src 'self'"


@pytest.mark.parametrize("pattern", ["index.html", "*.svg", "*.wasm", "*.mjs", "index.json"])
def test_compressed_file_is_smaller_and_the_same(
    address: tuple[str, int], site: Path, pattern: str
) -> None:
    name = max(names(site, pattern), key=lambda name: (site / name[1:]).stat().st_size)
    response = get(address, name, **{"Accept-Encoding": "gzip"})
    body: bytes = response.body  # type: ignore[attr-defined]
    whole = (site / name[1:]).read_bytes()
    assert response.getheader("Content-Encoding") == "gzip"
    assert "Accept-Encoding" in str(response.getheader("Vary"))
    assert len(body) < len(whole) * 0.5
    assert gzip.decompress(body) == whole


def test_only_files_named_by_their_content_are_kept_without_asking(
    address: tuple[str, int], site: Path
) -> None:
    kept = {
        name
        for name in names(site, "*.*")
        if "immutable" in str(get(address, name).getheader("Cache-Control"))
    }
    pattern = r"/runtime/[\d.]+-[0-9a-f]{8}/.+|.+\.[0-9a-f]{8}\.min\.(js|css)"
    assert kept == {name for name in names(site, "*.*") if re.fullmatch(pattern, name)}
    assert len(kept) > 10


def test_unchanged_page_is_not_sent_again(address: tuple[str, int]) -> None:
    first = get(address, "/dl003_activations/")
    again = get(address, "/dl003_activations/", **{"If-None-Match": str(first.getheader("ETag"))})
    assert (first.status, again.status) == (200, 304)


def test_folder_without_a_slash_leads_to_the_page(address: tuple[str, int]) -> None:
    response = get(address, "/dl003_activations")
    assert (response.status, response.getheader("Location")) == (301, "/dl003_activations/")


@pytest.mark.parametrize("path", ["/runtime/1.0/nothing.js", "/notebooks/"])
def test_missing_page_is_the_page_that_helps(
    address: tuple[str, int], site: Path, path: str
) -> None:
    response = get(address, path)
    assert response.status == 404
    assert response.body == (site / "404.html").read_bytes()  # type: ignore[attr-defined]
    assert response.getheader("Cache-Control") is None


@pytest.mark.parametrize(
    ("pattern", "number"), [("dl006*/index.html", 3000), ("*.svg", 3000), ("*.wasm", 60)]
)
def test_load_brings_no_error(
    address: tuple[str, int], site: Path, pattern: str, number: int
) -> None:
    place = f"http://{address[0]}:{address[1]}{names(site, pattern)[0]}"
    command = ["ab", "-q", "-k", "-n", str(number), "-c", "50", "-H", "Accept-Encoding: gzip"]
    report = subprocess.run([*command, place], text=True, capture_output=True, check=True).stdout
    assert f"Complete requests:      {number}" in report
    assert "Failed requests:        0" in report
    assert "Non-2xx" not in report


def test_page_is_read_searched_and_run(address: tuple[str, int], browser: Browser) -> None:
    page, said = browser.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda r: said.append(r.url) if r.status >= 400 else None)
    page.goto(f"http://{address[0]}:{address[1]}/dl003_activations/")
    block = page.locator(".language-python.highlight:has(.dl-run)").first
    block.get_by_role("button", name="実行").click()
    expect(block.get_by_role("status")).to_contain_text("ページの出力と同じ", timeout=120_000)
    page.locator(".md-search__input").click()
    page.keyboard.type("ReLU")
    expect(page.locator(".md-search-result__meta")).to_contain_text("見つかりま", timeout=30_000)
    page.close()
    assert said == []
