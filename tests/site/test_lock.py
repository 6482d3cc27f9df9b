"""同じキャッシュを使う仕事を、一つずつにする鍵。"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from dlnotes.site import lock


def test_file_system_without_locks_is_used_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_CACHE", tmp_path)
    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    lock.handles.cache_clear()
    try:
        lock.take()
        lock.release()
    finally:
        lock.handles.cache_clear()
