"""図を SVG のファイルにする。変わっていない図は描き直さない。"""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib
import io
import json
import os
import platform
import signal
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from dlnotes.figures._files import replacing
from dlnotes.figures._slider import Slider

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CARD", "Drawing", "build", "compact", "is_fresh", "register", "source_key", "stale"]

_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = ("numpy", "matplotlib", "matplotlib-fontja", "scour")


@dataclass(frozen=True, slots=True)
class Drawing:
    """図ひとつの名前。`docs/` の原稿と同じ幹と、描く関数の名前からなる。

    つまみで動かす図なら、つまみも持つ。ページの外で見せる絵は、どこでも読まれる PNG にする。
    """

    stem: str
    name: str
    slider: Slider | None = None
    suffix: str = ".svg"

    @property
    def path(self) -> Path:
        """ページに書く図の場所。出力先のフォルダーから見たもの。"""
        return Path(self.stem, f"{self.name}{self.suffix}")

    @property
    def lights(self) -> list[Path]:
        """明るい配色の SVG の場所。つまみで動かす図では、値の順に一コマずつ。"""
        if self.slider is None:
            return [self.path]
        return [self.path.with_suffix("") / f"{i}.svg" for i in range(len(self.slider.values))]

    @property
    def paths(self) -> list[Path]:
        """明るい配色と暗い配色の SVG の場所。PNG の絵は、明るい配色だけ。"""
        if self.suffix == ".png":
            return [self.path]
        return [p for light in self.lights for p in (light, light.with_suffix(".dark.svg"))]

    @property
    def frames(self) -> Path:
        """つまみで動かす図の、コマごとの値と一文を書いたファイルの場所。"""
        return self.path.with_suffix("") / "frames.json"

    @property
    def files(self) -> list[Path]:
        """描いてできるすべてのファイルの場所。"""
        return [*self.paths, self.frames] if self.slider else self.paths


# ほかのサイトに住所を貼ったときに、題と一緒に見える絵。
CARD = Drawing("_cover", "card", suffix=".png")


def register() -> list[Drawing]:
    """すべての図を、モジュールの `__all__` を読んで並べます（import はしません）。"""
    modules = sorted(Path(__file__).parent.glob("[!_]*.py"))
    return [d for m in modules for d in _drawings(m.stem, m.read_text(encoding="utf-8"))]


@cache
def _drawings(stem: str, source: str) -> list[Drawing]:
    names: list[str] | None = None
    sliders = {}
    for node in ast.parse(source, f"{stem}.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
        elif isinstance(node, ast.FunctionDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == Slider.__name__:
                    sliders[node.name] = _slider(call, f"{stem}/{node.name}")
    if names is None:
        raise ValueError(f"{stem}.py に図の登録簿 __all__ がありません")
    return [Drawing(stem, name, sliders.get(name)) for name in names]


def _slider(call: ast.Call, name: str) -> Slider:
    try:
        arguments = [ast.literal_eval(node) for node in call.args]
        named = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        return Slider(*arguments, **named)
    except (TypeError, ValueError) as error:
        raise ValueError(f"図 {name} のつまみを読めません: {error}") from error


def _module_path(name: str) -> Path | None:
    path = _PACKAGE.parent.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((c for c in candidates if c.is_file()), None)


@cache
def _imports(source: str, name: str = "<unknown>") -> frozenset[str]:
    """`dlnotes` の中で import されうるモジュールの名前。"""
    found = set()
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in found if name.split(".")[0] == "dlnotes")


def source_key(source: str) -> str:
    """コードから import でたどれる `dlnotes` の中身と、ライブラリの版から作る鍵。

    Args:
        source: Python のコード。
    """
    seen: dict[str, str] = {}
    waiting = set(_imports(source))
    while waiting:
        name = waiting.pop()
        path = _module_path(name)
        if path is not None and name not in seen:
            seen[name] = path.read_text(encoding="utf-8")
            waiting |= _imports(seen[name], path.name)
    style = (_PACKAGE / "figures" / "dlnotes.mplstyle").read_text(encoding="utf-8")
    parts = [source, style, _environment(), *(f"{n}\n{seen[n]}" for n in sorted(seen))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _environment() -> str:
    builder = Path(__file__).read_text(encoding="utf-8")
    return json.dumps([platform.python_version(), builder, *map(version, _LIBRARIES)])


def _receipt(drawing: Drawing, key: str, folder: Path) -> dict[str, str]:
    files = {str(p): (folder / p).read_bytes() for p in drawing.files}
    return {"key": key} | {p: hashlib.sha256(b).hexdigest() for p, b in files.items()}


def is_fresh(drawing: Drawing, key: str, folder: Path) -> bool:
    """図がその鍵で描かれ、描いたときのままであるかを調べます。

    Args:
        drawing: 図。
        key: `stale` の並べる鍵。
        folder: 図の置き場所。
    """
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
    drawings = [*register(), CARD]
    stems = {d.stem for d in drawings}
    keys = {s: source_key((figures / f"{s}.py").read_text(encoding="utf-8")) for s in stems}
    return [(d, keys[d.stem]) for d in drawings if not is_fresh(d, keys[d.stem], folder)]


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _svg(figure: Figure) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    # SVG での字の大きさで、配置だけを先に決める。
    # savefig に任せると、配置のために図全体をもう一度描く。
    FigureCanvasSVG(figure)
    figure.dpi = FigureCanvasSVG.fixed_dpi
    if layout := figure.get_layout_engine():
        layout.execute(figure)
        figure.set_layout_engine(None)
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=nothing)
    return compact(buffer.getvalue())


def compact(svg: str) -> str:
    """Matplotlib の描いた SVG から、見た目に要らないものを除きます。

    Args:
        svg: 除く前の SVG。
    """
    from scour import scour

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
    text: str = scour.scourString(svg, options)
    return text


def _stage(figure: Figure) -> list[Any]:
    """コマを替えても動いてはならないもの。図の大きさと、座標軸の範囲と位置。"""
    axes = [(*ax.axis(), *ax.get_position().bounds) for ax in figure.axes]
    return [*figure.get_size_inches(), *axes]


def _draw_frames(slider: Slider, function: Any) -> tuple[list[str], str]:
    """コマごとの SVG と、コマごとの値と一文を書いた JSON。"""
    svgs, frames, stages = [], [], []
    for value in slider.values:
        figure, says = function(value)
        svgs.append(_svg(figure))
        stages.append(_stage(figure))
        frames.append({"value": slider.text(value), "says": says})
        if stages[-1] != stages[0]:
            raise ValueError(f"{slider.text(value)} のコマで、図や座標軸の範囲が動きます")
    start = slider.values.index(slider.start)
    return svgs, json.dumps({"label": slider.label, "start": start, "frames": frames})


def _draw(drawing: Drawing, key: str, folder: Path) -> None:
    from dlnotes.figures._style import to_dark

    warnings.simplefilter("error")
    function = getattr(importlib.import_module(f"dlnotes.figures.{drawing.stem}"), drawing.name)
    if drawing.suffix == ".png":
        _write(folder / drawing.path, _png(function()))
        svgs = []
    elif drawing.slider is None:
        svgs = [_svg(function())]
    else:
        svgs, frames = _draw_frames(drawing.slider, function)
        _write(folder / drawing.frames, frames.encode())
    for light, svg in zip(drawing.lights, svgs, strict=bool(svgs)):
        _write(folder / light, svg.encode())
        _write(folder / light.with_suffix(".dark.svg"), to_dark(svg).encode())
    # 最後に書く受領証がなければ、その図はまだ描かれていないことになる。
    receipt = json.dumps(_receipt(drawing, key, folder))
    _write((folder / drawing.path).with_suffix(".json"), receipt.encode())


def _check_writable(folder: Path) -> None:
    """一枚も描かないうちに、書けないことを一度だけ言う。"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b" ")
    except OSError as error:
        raise RuntimeError(f"{folder} に図を書けません（{error.strerror}）") from error


def _become_worker() -> None:
    # 何も集められないごみ集めに、描く時間の一割を使わない。
    gc.disable()
    # Ctrl-C には、全体を止める親だけが答える。
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def build(folder: Path) -> None:
    """変わった図だけを並列に描き、登録簿にない図のファイルを消します。

    Args:
        folder: 図の置き場所。

    Raises:
        RuntimeError: 置き場所に書けないとき、描けない図があるとき。どの図かを言います。
    """
    _check_writable(folder)
    # ビルドはページの順に図を待つ。目次が先で、ほかは登録簿の順。
    waiting = sorted(stale(folder), key=lambda job: job[0].stem != "index")
    failed: list[str] = []
    workers = min(len(waiting), os.cpu_count() or 1) or 1
    with ProcessPoolExecutor(workers, initializer=_become_worker) as pool:
        jobs = {pool.submit(_draw, d, key, folder): d for d, key in waiting}
        try:
            for job in tqdm(as_completed(jobs), "図", len(jobs), unit="枚", disable=not jobs):
                error = job.exception()
                if error is not None:
                    failed += [f"図 {jobs[job].path} を描けません: {type(error).__name__}: {error}"]
        except KeyboardInterrupt:
            # 残りの図をすべて描いてから終わることのないように。
            pool.shutdown(cancel_futures=True)
            raise
    if failed:
        raise RuntimeError("\n".join(sorted(failed)))
    known = {p for d in [*register(), CARD] for p in (*d.files, d.path.with_suffix(".json"))}
    for path in folder.rglob("*.*"):
        if path.is_file() and path.relative_to(folder) not in known:
            path.unlink(missing_ok=True)
