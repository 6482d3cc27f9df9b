"""サイトを作る速さ: ページのテスト、空からのビルド、二度目のビルド、原稿を直してから届くまで。"""

from __future__ import annotations

import random
import shutil
import statistics
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
    for _ in range(1500):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/{page}") as reply:
                if text in reply.read().decode():
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError(f"{page} に {text} が現れませんでした")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        ignored = shutil.ignore_patterns(".git", ".venv", ".cache", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignored)
        # 実行環境の取りよせは、ビルドの前に済んでいるものとする。
        for made in ("runtime", "runtime-made"):
            shutil.copytree(ROOT / ".cache" / made, copy / ".cache" / made)
        build = [*MKDOCS, "build", "--strict", "-q"]
        with timed("ページのテスト"):
            subprocess.run([sys.executable, "-m", "pytest", "-q", "docs"], cwd=ROOT, check=True)
        with timed("空からのビルド"):
            subprocess.run(build, cwd=copy, check=True)
        with timed("二度目のビルド"):
            subprocess.run(build, cwd=copy, check=True)
        command = [*MKDOCS, "serve", "-q", "-a", f"127.0.0.1:{PORT}"]
        server = subprocess.Popen(command, cwd=copy)
        try:
            wait_for("記法", "notation/")
            seconds = []
            for page in sorted((copy / "docs").glob("dl*.md")):
                time.sleep(random.uniform(1, 2))
                page.write_text(page.read_text("utf-8") + "\n直しました。\n", encoding="utf-8")
                start = time.perf_counter()
                wait_for("直しました。", f"{page.stem}/")
                seconds.append(time.perf_counter() - start)
            print(
                f"原稿を直してから届くまで\t{statistics.median(seconds):.1f} 秒"
                f"（{len(seconds)} 枚の中央値、いちばん遅いもの {max(seconds):.1f} 秒）"
            )
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
