"""別のフォルダーで、何もないところから作っても、同じバイト列のサイトができる。"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def start(root: Path, folder: Path, **surroundings: str) -> subprocess.Popen[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, text=True, capture_output=True, check=True
    )
    for name in listed.stdout.strip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    shutil.copytree(root / ".cache" / "runtime", folder / ".cache" / "runtime")
    fixed = {"SOURCE_DATE_EPOCH": "1", "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "mkdocs", "build"],
        cwd=folder,
        env=os.environ | surroundings | fixed | {"PYTHONPATH": str(folder / "src")},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def made(build: subprocess.Popen[str], folder: Path) -> dict[str, str]:
    said, _ = build.communicate()
    assert build.returncode == 0, said
    files = [path for path in (folder / "site").rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder / "site")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_two_builds_from_nothing_in_two_folders_are_the_same(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    root = pytestconfig.rootpath
    near, far = tmp_path / "a", tmp_path / "別の 深い" / "フォルダー"
    builds = [
        start(root, near, PYTHONHASHSEED="1", TZ="Asia/Tokyo"),
        start(root, far, PYTHONHASHSEED="2", TZ="America/New_York"),
    ]
    one, two = made(builds[0], near), made(builds[1], far)
    assert len(one) > 300
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == set()
