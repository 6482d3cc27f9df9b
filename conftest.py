"""ページのコードを動かすときの約束。"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Generator

import pytest
from pytest_codeblocks.plugin import TestBlock


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """コードどうしが影響しないよう、ひとつずつ別のフォルダーで動かし、図の設定を元に戻します。"""
    if not isinstance(item, TestBlock):
        return (yield)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            return (yield)
        finally:
            if pyplot := sys.modules.get("matplotlib.pyplot"):
                pyplot.close("all")
            if matplotlib := sys.modules.get("matplotlib"):
                matplotlib.rcdefaults()
