"""同じキャッシュを使う仕事を、一つずつにする。強制終了されても、鍵は残らない。"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["handles", "release", "take"]

_CACHE = Path(".cache")


@cache
def handles() -> list[int]:
    """鍵をかけるもの（キャッシュのフォルダー）。Windows では、鍵をかけずに進みます。"""
    if sys.platform == "win32":
        return []
    _CACHE.mkdir(parents=True, exist_ok=True)
    return [os.open(_CACHE, os.O_RDONLY)]


def take() -> None:
    """ほかのビルドが終わるのを待って、鍵をかけます。"""
    for folder in handles():
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("別のビルドが終わるのを待っています。", file=sys.stderr, flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        except OSError:
            pass  # 鍵のないファイルシステムでは、待たずに進む。


def release() -> None:
    """鍵を外します。"""
    for folder in handles():
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)
