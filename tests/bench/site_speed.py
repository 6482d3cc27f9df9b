"""サイトを作る速さ: 空からのビルド、二度目のビルド、原稿を直してから届くまで。"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORT = 8765
MKDOCS = [sys.executable, "-m", "mkdocs"]


@contextmanager
def timed(label: str):
    start = time.perf_counter()
    yield
    print(f"{label}\t{time.perf_counter() - start:.1f} 秒", flush=True)


def wait_for(text: str, page: str) -> None:
    """ページにその文字が現れるまで待つ。"""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/{page}") as reply:
                if text in reply.read().decode():
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{page} に {text} が現れませんでした")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        ignored = shutil.ignore_patterns(".git", ".venv", ".cache", "site.old", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignored)
        # 実行環境の取りよせは、ビルドの前に済んでいるものとする。
        for made in ("runtime", "runtime-made"):
            shutil.copytree(ROOT / ".cache" / made, copy / ".cache" / made)
        build = [*MKDOCS, "build", "--strict", "-q"]
        with timed("空からのビルド"):
            subprocess.run(build, cwd=copy, check=True)
        with timed("二度目のビルド"):
            subprocess.run(build, cwd=copy, check=True)
        command = [*MKDOCS, "serve", "-q", "-a", f"127.0.0.1:{PORT}"]
        server = subprocess.Popen(command, cwd=copy)
        try:
            wait_for("記法", "notation/")
            page = copy / "docs" / "notation.md"
            page.write_text(page.read_text("utf-8") + "\n直しました。\n", encoding="utf-8")
            with timed("原稿を直してから届くまで"):
                wait_for("直しました。", "notation/")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
