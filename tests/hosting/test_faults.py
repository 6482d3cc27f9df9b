"""ビルドを止める、置き場所をいっぱいにする、キャッシュを壊す。次のビルドは正しいか、理由を言う。"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

FIGURE = "figures/dl003_activations/relu_and_derivative.svg"
PAGE = f"# 題\n\n式 $\\sqrt{{x}}$ と図です。\n\n![線]({FIGURE})\n"
CODE = "from dlnotes.activations import relu\n\nprint(relu(3.0))"
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# 二つめの題"},
        *(
            {
                "cell_type": "code",
                "id": name,
                "metadata": {},
                "source": CODE,
                "outputs": [],
                "execution_count": None,
            }
            for name in "bc"
        ),
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
MKDOCS = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir"]
# 図の一部、フォント、実行の結果。どれもビルドが書く。
FIGURES = ".cache/figures/dl003_activations"
WRITTEN = [FIGURES, ".cache/fonts", ".cache/notebooks", "out"]
Run = subprocess.CompletedProcess[str]


@dataclass
class Workshop:
    """小さなサイトと、その今の `dlnotes` の図を描きおえたキャッシュ。"""

    folder: Path
    right: dict[str, str]

    def start(self, *around: str, out: str = "out") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*around, *MKDOCS, out],
            cwd=self.folder,
            env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "SOURCE_DATE_EPOCH": "1"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def build(self, *around: str) -> tuple[int, str]:
        process = self.start(*around)
        said, _ = process.communicate(timeout=600)
        return process.returncode, said

    def forget(self) -> None:
        """どの部品も、一部は作り直さなければならないようにする。"""
        for name in WRITTEN[1:]:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        # 翻訳は別のテストで調べる。二十秒かかるので、ここでは残す。
        loose = [self.folder / ".cache" / "pages.pickle"]
        loose += (self.folder / ".cache" / "runtime-made").glob("*.*")
        for path in loose:
            path.unlink(missing_ok=True)
        for path in (self.folder / FIGURES).glob("*.json"):
            path.unlink()

    def made(self, out: str = "out") -> dict[str, str]:
        files = [path for path in (self.folder / out).rglob("*") if path.is_file()]
        return {
            str(path.relative_to(self.folder / out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def check_next(self) -> None:
        code, said = self.build()
        assert code == 0, said
        assert self.made() == self.right


@pytest.fixture(scope="module")
def workshop(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root, folder = pytestconfig.rootpath, tmp_path_factory.mktemp("workshop")
    for module, *place in ("figures", ".cache/figures"), ("site.runtime",):
        subprocess.run([sys.executable, "-m", f"dlnotes.{module}", *place], cwd=root, check=True)
    (folder / "docs" / "notebooks").mkdir(parents=True)
    (folder / "docs" / "index.md").write_text(PAGE, encoding="utf-8")
    (folder / "docs" / "notebooks" / "a.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    (folder / "src").symlink_to(root / "src")
    shutil.copytree(root / ".cache" / "figures", folder / ".cache" / "figures")
    (folder / ".cache" / "runtime").symlink_to(root / ".cache" / "runtime")
    shutil.copy(root / "mkdocs.yml", folder / "base.yml")
    nav = "INHERIT: base.yml\nnav:\n  - index.md\n  - notebooks/a.ipynb\n"
    (folder / "mkdocs.yml").write_text(nav, encoding="utf-8")
    workshop = Workshop(folder, {})
    code, said = workshop.build()
    assert code == 0, said
    workshop.right = workshop.made()
    return workshop


@pytest.fixture(scope="module")
def seconds(workshop: Workshop) -> float:
    """作り直しの要るビルドにかかる時間。"""
    workshop.forget()
    start = time.monotonic()
    workshop.check_next()
    return time.monotonic() - start


@pytest.mark.parametrize("tenths", range(10))
def test_build_after_a_killed_one_is_right(workshop: Workshop, seconds: float, tenths: int) -> None:
    workshop.forget()
    process = workshop.start()
    time.sleep(seconds * (tenths + 0.5) / 10)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    workshop.check_next()


def test_interrupt_ends_a_build_whose_notebook_never_ends(workshop: Workshop) -> None:
    notebook = workshop.folder / "docs" / "notebooks" / "a.ipynb"
    started = workshop.folder / "started"
    right = notebook.read_text(encoding="utf-8")
    endless = json.loads(right)
    endless["cells"][1]["source"] = f"open({str(started)!r}, 'w').close()\nwhile True: pass"
    workshop.forget()
    notebook.write_text(json.dumps(endless), encoding="utf-8")
    process = workshop.start()
    for _ in range(600):
        if started.exists():
            break
        time.sleep(0.1)
    assert started.exists()
    os.killpg(process.pid, signal.SIGINT)
    try:
        said, _ = process.communicate(timeout=20)
    finally:
        notebook.write_text(right, encoding="utf-8")
    assert "Aborted!" in said
    workshop.check_next()


def test_two_builds_at_once_are_both_right(workshop: Workshop) -> None:
    workshop.forget()
    builds = [workshop.start(out=out) for out in ("out", "out2")]
    said = [build.communicate(timeout=600)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], said
    assert workshop.made() == workshop.made("out2") == workshop.right
    assert sum("別のビルドが終わるのを待っています。" in text for text in said) == 1


def first(folder: Path, pattern: str) -> Path:
    return next(path for path in sorted(folder.rglob(pattern)) if path.is_file())


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def mistake(path: Path) -> None:
    """形は正しいまま、印字された数だけを変える。"""
    text = path.read_text(encoding="utf-8")
    assert "3.0" in text
    path.write_text(text.replace("3.0", "4.0"), encoding="utf-8")


@pytest.mark.parametrize(
    ("pattern", "spoil"),
    [
        ("figures/dl003_activations/relu_and_derivative.svg", flip),
        ("figures/dl003_activations/relu_and_derivative.svg", cut),
        ("figures/dl003_activations/relu_and_derivative.json", cut),
        ("figures/_cover/card.png", flip),
        ("fonts/*.woff2", flip),
        ("fonts/*.woff2", cut),
        ("notebooks/*/*.json", mistake),
        ("notebooks/*/*.json", cut),
        ("notebooks/*/*.sha256", cut),
        ("runtime-made/matplotlib_fontja*.whl", flip),
        ("runtime-made/matplotlib_fontja*.whl", cut),
        ("runtime-made/dlnotes*.whl", flip),
        ("runtime-made/lock.json", cut),
        ("runtime-made/pyc-*/numpy*.whl", flip),
        ("runtime-made/pyc-*/assets.json", cut),
        ("pages.pickle", flip),
        ("pages.pickle", cut),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_spoiled_cache_is_not_used(workshop: Workshop, pattern: str, spoil: object) -> None:
    assert callable(spoil)
    spoil(first(workshop.folder / ".cache", pattern))
    workshop.check_next()


def mounted(workshop: Workshop, *commands: str) -> tuple[int, str]:
    """よそからは見えない置き場所を重ねて、ビルドする。"""
    unshare = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]
    script = " && ".join([*commands, 'exec "$@"'])
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("この環境では、unshare で置き場所を重ねられません")
    return workshop.build(*unshare, "sh", "-c", script, "sh")


@pytest.mark.parametrize("place", WRITTEN)
def test_full_disk_is_told_in_one_line(workshop: Workshop, place: str) -> None:
    workshop.forget()
    (workshop.folder / place).mkdir(exist_ok=True)
    code, said = mounted(workshop, f"mount -t tmpfs -o size=8k none {place}")
    assert code != 0
    assert "Traceback" not in said
    assert "空きが足りません" in said or "No space left on device" in said
    workshop.check_next()


def test_without_room_for_the_runtime_the_site_has_no_buttons(workshop: Workshop) -> None:
    place = ".cache/runtime-made"
    for mount in (
        [f"mount -t tmpfs -o size=8k none {place}"],
        [f"mount --bind {place} {place}", f"mount -o remount,ro,bind {place}"],
    ):
        shutil.rmtree(workshop.folder / place)
        (workshop.folder / place).mkdir()
        code, said = mounted(workshop, *mount)
        assert code == 0, said
        assert "実行ボタンのないサイトを作ります" in said
        assert re.search("空きが足りません|書き込めません", said)
        assert not (workshop.folder / "out" / "runtime").exists()
    workshop.check_next()


@pytest.mark.parametrize("place", WRITTEN)
def test_place_that_cannot_be_written_is_told_in_one_line(workshop: Workshop, place: str) -> None:
    workshop.forget()
    (workshop.folder / place).mkdir(exist_ok=True)
    bind = f"mount --bind {place} {place}"
    code, said = mounted(workshop, bind, f"mount -o remount,ro,bind {place}")
    assert code != 0
    assert "Traceback" not in said
    assert "書き込めません" in said or "Read-only file system" in said
    workshop.check_next()


def test_read_only_cache_with_everything_in_it_is_enough_or_says_why(workshop: Workshop) -> None:
    bind = "mount --bind .cache .cache"
    code, said = mounted(workshop, bind, "mount -o remount,ro,bind .cache")
    assert "Traceback" not in said
    if code == 0:
        assert workshop.made() == workshop.right
    else:
        assert ".cache" in said
        assert "書き込めません" in said
