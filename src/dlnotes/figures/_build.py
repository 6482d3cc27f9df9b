"""図を SVG のファイルにする。変わっていない図は描き直さない。"""

from __future__ import annotations

import ast
import hashlib
import importlib
import io
import json
import os
import platform
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

__all__ = ["Drawing", "build", "register", "source_key", "stale"]

_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = ("numpy", "matplotlib", "matplotlib-fontja", "scour")


@dataclass(frozen=True, slots=True)
class Drawing:
    """図ひとつの名前。`docs/` の原稿と同じ幹と、描く関数の名前からなる。"""

    stem: str
    name: str

    @property
    def path(self) -> Path:
        """出力先のフォルダーから見た、明るい配色の SVG の場所。"""
        return Path(self.stem, f"{self.name}.svg")

    @property
    def paths(self) -> tuple[Path, Path]:
        """明るい配色と暗い配色の SVG の場所。"""
        return self.path, self.path.with_suffix(".dark.svg")


def register() -> list[Drawing]:
    """すべての図を、モジュールの `__all__` を読んで並べます（import はしません）。"""
    modules = sorted(Path(__file__).parent.glob("[!_]*.py"))
    return [Drawing(module.stem, name) for module in modules for name in _names(module)]


def _names(module: Path) -> list[str]:
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise ValueError(f"{module.name} に図の登録簿 __all__ がありません")


def _module_path(name: str) -> Path | None:
    path = _PACKAGE.parent.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((c for c in candidates if c.is_file()), None)


def _imports(source: str) -> set[str]:
    """`dlnotes` の中で import されうるモジュールの名前。"""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "dlnotes"}


def source_key(source: str) -> str:
    """コードから import でたどれる `dlnotes` の中身と、ライブラリの版から作る鍵。

    Args:
        source: Python のコード。
    """
    seen: dict[str, str] = {}
    waiting = _imports(source)
    while waiting:
        name = waiting.pop()
        path = _module_path(name)
        if path is not None and name not in seen:
            seen[name] = path.read_text(encoding="utf-8")
            waiting |= _imports(seen[name])
    style = (_PACKAGE / "figures" / "dlnotes.mplstyle").read_text(encoding="utf-8")
    parts = [source, style, _environment(), *(f"{n}\n{seen[n]}" for n in sorted(seen))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _environment() -> str:
    builder = Path(__file__).read_text(encoding="utf-8")
    return json.dumps([platform.python_version(), builder, *map(version, _LIBRARIES)])


def _receipt(drawing: Drawing, key: str, folder: Path) -> dict[str, str]:
    files = {str(p): (folder / p).read_bytes() for p in drawing.paths}
    return {"key": key} | {p: hashlib.sha256(b).hexdigest() for p, b in files.items()}


def _is_fresh(drawing: Drawing, key: str, folder: Path) -> bool:
    try:
        written = json.loads((folder / drawing.path).with_suffix(".json").read_text("utf-8"))
        return bool(written == _receipt(drawing, key, folder))
    except (OSError, ValueError):
        return False


def stale(folder: Path) -> list[tuple[Drawing, str]]:
    """描き直しの要る図と、その鍵を並べます。

    Args:
        folder: 図の置き場所。
    """
    figures = Path(__file__).parent
    stems = {d.stem for d in register()}
    keys = {s: source_key((figures / f"{s}.py").read_text(encoding="utf-8")) for s in stems}
    return [(d, keys[d.stem]) for d in register() if not _is_fresh(d, keys[d.stem], folder)]


def _write(path: Path, text: str) -> None:
    """別名で書いてから名前を変え、途中で止められても半端なファイルを残さない。"""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _render(drawing: Drawing) -> str:
    from scour import scour

    warnings.simplefilter("error")
    module = importlib.import_module(f"dlnotes.figures.{drawing.stem}")
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    getattr(module, drawing.name)().savefig(buffer, format="svg", metadata=nothing)
    options = scour.parse_args(
        [
            "--enable-viewboxing",
            "--enable-id-stripping",
            "--shorten-ids",
            "--enable-comment-stripping",
            "--remove-metadata",
            "--strip-xml-prolog",
            "--indent=none",
            "--no-line-breaks",
            "--set-precision=4",
            # 暗い配色は色の名前を置きかえて作るので、書き方を変えさせない。
            "--disable-simplify-colors",
        ]
    )
    text: str = scour.scourString(buffer.getvalue(), options)
    return text


def _draw(drawing: Drawing, key: str, folder: Path) -> None:
    from dlnotes.figures._style import to_dark

    light, dark = drawing.paths
    svg = _render(drawing)
    _write(folder / light, svg)
    _write(folder / dark, to_dark(svg))
    # 最後に書く受領証がなければ、その図はまだ描かれていないことになる。
    receipt = json.dumps(_receipt(drawing, key, folder))
    _write((folder / light).with_suffix(".json"), receipt)


def _check_writable(folder: Path) -> None:
    """一枚も描かないうちに、書けないことを一度だけ言う。"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b" ")
    except OSError as error:
        raise RuntimeError(f"{folder} に図を書けません（{error.strerror}）") from error


def build(folder: Path) -> None:
    """変わった図だけを並列に描き、登録簿にない図のファイルを消します。

    Args:
        folder: 図の置き場所。

    Raises:
        RuntimeError: 置き場所に書けないとき、描けない図があるとき。どの図かを言います。
    """
    _check_writable(folder)
    waiting = stale(folder)
    failed: list[str] = []
    with ProcessPoolExecutor(min(len(waiting), os.cpu_count() or 1) or 1) as pool:
        jobs = {pool.submit(_draw, d, key, folder): d for d, key in waiting}
        for job in tqdm(as_completed(jobs), "図", len(jobs), unit="枚", disable=not jobs):
            error = job.exception()
            if error is not None:
                failed += [f"図 {jobs[job].path} を描けません: {type(error).__name__}: {error}"]
    if failed:
        raise RuntimeError("\n".join(sorted(failed)))
    known = {p for d in register() for p in (*d.paths, d.path.with_suffix(".json"))}
    for path in folder.rglob("*.*"):
        if path.is_file() and path.relative_to(folder) not in known:
            path.unlink(missing_ok=True)
