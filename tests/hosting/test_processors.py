"""CPU ごとに計算の手順が違い、最後の桁が変わっても、ページの数は同じになる。"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="x86-64 の CPU の手順を選ぶ"
)


@pytest.mark.parametrize("kernel", ["Prescott", "Haswell", "SkylakeX"])
def test_every_block_and_every_function_pass_with_the_arithmetic_of(
    pytestconfig: pytest.Config, kernel: str
) -> None:
    older = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"} if kernel == "Prescott" else {}
    units = sorted(str(path) for path in pytestconfig.rootpath.glob("tests/test_*.py"))
    pages = ["docs", "tests/docs/claims", "tests/docs/test_notebooks.py", "tests/site/test_quiz.py"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", *units, *pages],
        cwd=pytestconfig.rootpath,
        env=os.environ | older | {"OPENBLAS_CORETYPE": kernel},
        text=True,
        capture_output=True,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr
