"""別のフォルダーで、何もないところから作っても、同じバイト列のサイトができる。"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def build(root: Path, folder: Path, seed: str, zone: str) -> dict[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, text=True, capture_output=True, check=True
    )
    for name in listed.stdout.strip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    shutil.copytree(root / ".cache" / "runtime", folder / ".cache" / "runtime")
    surroundings = {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(folder / "src")}
    fixed = {"SOURCE_DATE_EPOCH": "1", "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    environment = os.environ | surroundings | fixed
    run = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr
    files = [path for path in (folder / "site").rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder / "site")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_two_builds_from_nothing_in_two_folders_are_the_same(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    root = pytestconfig.rootpath
    one = build(root, tmp_path / "a", "1", "Asia/Tokyo")
    two = build(root, tmp_path / "別の 深い" / "フォルダー", "2", "America/New_York")
    assert len(one) > 300
    assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == set()
