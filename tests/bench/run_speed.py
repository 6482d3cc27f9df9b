"""ページの中で Python を動かす速さ: ▶ を押してから出力まで。初めと、二度目にページを開いたとき。"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from dlnotes.site.book import find_chromium

ROOT = Path(__file__).parents[2]
# ページの中で測る。外から待つと、見に行く間隔（1 秒まで）だけ長く出る。
SECONDS = """(button, status) => new Promise(resolve => {
  const start = performance.now()
  new MutationObserver(() => {
    if (/ページの出力と同じ/.test(status.textContent)) resolve((performance.now() - start) / 1000)
  }).observe(status, { childList: true, subtree: true, characterData: true })
  button.click()
})"""


class Handler(SimpleHTTPRequestHandler):
    """実行環境を、よくある静的な置き場と同じく、ブラウザに残させる。"""

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


def press(page: Page, address: str) -> float:
    """初めのコードを動かし、出力が現れるまでの秒数を返す。"""
    page.goto(address, wait_until="networkidle")
    bar = page.locator(".dl-run").first
    button = bar.get_by_role("button", name="▶ 実行")
    status = bar.get_by_role("status").element_handle()
    seconds: float = button.evaluate(SECONDS, status)
    return seconds


@contextmanager
def served(handler: type[SimpleHTTPRequestHandler]) -> Iterator[tuple[Path, str]]:
    """組み立てたサイトのフォルダーと、それを出すサーバーの住所。"""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "--site-dir", folder]
        subprocess.run(build, cwd=ROOT, check=True)
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield Path(folder), f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


def main() -> None:
    with (
        served(Handler) as (_, base),
        tempfile.TemporaryDirectory() as profile,
        sync_playwright() as playwright,
    ):
        # 読む人のブラウザと同じく、取りよせたものをディスクに残す。
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=find_chromium(), args=["--no-sandbox"]
        )
        page = context.pages[0]
        for view in ("初め（目標 8 秒）", "二度目（目標 2 秒）", "三度目"):
            seconds = press(page, f"{base}dl003_activations/")
            print(f"▶ から出力まで、{view}\t{seconds:.1f} 秒", flush=True)
            # ブラウザが WebAssembly の翻訳を書きおえるのを待つ。
            page.wait_for_timeout(3000)
        context.close()


if __name__ == "__main__":
    main()
