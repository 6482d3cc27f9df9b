"""数値の部分のコードを一か所ずつ壊し、そのモジュールの単体テストが赤くなるかを調べる。

    python tests/mutation/run.py 分 [モジュール …]

途中で止めても時間が尽きても、結果は .cache/mutants に残り、次はその続きから始める。
本物の src には触れず、写しを壊す。モジュールかテストを直すと、そのモジュールだけ初めからやり直す。

ページのテストは、壊し方ひとつに七秒、すべてでは何時間もかかるので使わない。だから、気づいた割合は
本当より低めに出る。
生き残るもののほとんどは、どのテストにも見えない壊し方。

- dataclass の `slots`、`astype(copy=False)`
- 負にならないものの `> 0` と `!= 0`、二次元だけを通るところの `axis=-1` と `1`
- 丸め誤差の許容幅と、繰り返しの上限
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".cache" / "mutants"
BIN = Path(sys.executable).parent
# 浮動小数点数では必ず TypeError になる演算と、意味の変わらない壊し方は、数えても何もわからない。
POINTLESS = [
    "core/ReplaceBinaryOperator_.*_(RShift|LShift|BitXor|BitOr|BitAnd|Mod|FloorDiv)",
    "core/ReplaceBinaryOperator_(BitOr|BitAnd)_.*",
    "core/ReplaceUnaryOperator_.*_(Not|Invert)",
]
COMMAND = (
    f"{sys.executable} -m pytest -x -q -c /dev/null --rootdir=. -p no:cacheprovider"
    " --noconftest --hypothesis-profile=ci --import-mode=importlib -W error"
    " tests/test_public_functions.py tests/test_{module}.py -k {module}"
)
CONFIG = """
[cosmic-ray]
module-path = "src/dlnotes/{module}.py"
timeout = 60.0
excluded-modules = []
test-command = "{command}"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = {pointless}
"""


def prepare(module: str) -> Path:
    """モジュールとテストの写しと、壊し方の一覧を用意し、そのフォルダーを返す。"""
    tests = [ROOT / "tests" / f"test_{name}.py" for name in (module, "public_functions")]
    sources = [ROOT / "src/dlnotes" / f"{module}.py", *tests]
    key = hashlib.sha256(b"".join(p.read_bytes() for p in [*sources, Path(__file__)])).hexdigest()
    folder = WORK / module
    if not (folder / key[:16]).exists():
        shutil.rmtree(folder, ignore_errors=True)
        ignore = shutil.ignore_patterns("figures", "site", "__pycache__")
        shutil.copytree(ROOT / "src", folder / "src", ignore=ignore)
        shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("*/"))
        command = COMMAND.format(module=module)
        text = CONFIG.format(module=module, command=command, pointless=POINTLESS)
        (folder / "config.toml").write_text(text, encoding="utf-8")
        cosmic_ray(folder, "cosmic-ray", "init", "config.toml", "session.sqlite").check_returncode()
        cosmic_ray(folder, "cr-filter-operators", "session.sqlite", "config.toml")
        # 壊す前から赤いテストは、どの壊し方も見つけたように見える。
        if cosmic_ray(folder, "cosmic-ray", "baseline", "config.toml").returncode:
            raise SystemExit(f"エラー: {module} のテストは、コードを壊す前から赤くなっています。")
        (folder / key[:16]).touch()
    # 途中で止めると、写しが壊れたまま残る。
    shutil.copy(sources[0], folder / "src/dlnotes" / f"{module}.py")
    return folder


def cosmic_ray(
    folder: Path, tool: str, *arguments: str, seconds: float | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = {"PYTHONPATH": "src", "PATH": str(BIN), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(BIN / tool), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, timeout=seconds, check=False)


def report(module: str, folder: Path) -> None:
    with sqlite3.connect(folder / "session.sqlite") as session:
        rows = session.execute(
            "select start_pos_row, operator_name, test_outcome from mutation_specs"
            " left join work_results using (job_id) where worker_outcome is not 'SKIPPED'"
            " order by start_pos_row"
        ).fetchall()
    survivors = [(row, name) for row, name, outcome in rows if outcome == "SURVIVED"]
    done = sum(outcome is not None for *_, outcome in rows)
    killed = done - len(survivors)
    share = f"{killed / done:.0%}" if done else "—"
    print(f"{module:24} 検出 {killed:4} / {done:4} ({share})  残り {len(rows) - done}", flush=True)
    lines = (folder / "src/dlnotes" / f"{module}.py").read_text(encoding="utf-8").splitlines()
    for row, name in survivors:
        print(f"    {row:4} {name.removeprefix('core/'):40} {lines[row - 1].strip()}")


def main(minutes: str, *modules: str) -> None:
    end = time.monotonic() + 60 * float(minutes)
    everything = sorted(p.stem for p in (ROOT / "src/dlnotes").glob("[!_]*.py"))
    for module in modules or everything:
        folder = prepare(module)
        try:
            left = end - time.monotonic()
            cosmic_ray(folder, "cosmic-ray", "exec", "config.toml", "session.sqlite", seconds=left)
        except subprocess.TimeoutExpired:
            shutil.copy(ROOT / "src/dlnotes" / f"{module}.py", folder / "src/dlnotes")
        report(module, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
