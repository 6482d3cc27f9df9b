import ast
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "requirements" / "bootstrap.py"
Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "ROOT", str(tmp_path))
    # 鍵はプロセスが終わるまで持つので、同じプロセスで二度は取れない。
    monkeypatch.setattr(module, "lock", lambda: None)
    monkeypatch.setenv("VENV", str(tmp_path / "venv"))
    return module


@pytest.fixture
def commands(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """命令を動かさずに控える（uv を入れるものを除く）。venv だけは、Python の置き場所を作る。"""
    seen: list[str] = []

    def run(*command: str, **options: object) -> None:
        if not command[-1].endswith("uv.txt"):
            seen.append(" ".join([Path(command[0]).name, *command[1:]]))
        if command[2] == "venv":
            python = Path(command[-1], "bin", "python")
            python.parent.mkdir()
            python.symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "run", run)
    return seen


@pytest.fixture
def requirements(tmp_path: Path) -> Callable[..., str]:
    def write(*pins: str) -> str:
        path = tmp_path / "requirements.txt"
        path.write_text("".join(f"{pin} \\\n    --hash=sha256:{'0' * 64}\n" for pin in pins))
        return str(path)

    return write


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makefile だけを動かす。環境の Python は偽物で、検査は check で、残りは status で終わる。"""

    def run(*arguments: str, status: int = 0, check: int = 0) -> subprocess.CompletedProcess[str]:
        python = tmp_path / "fake" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        # mkdocs build の最後の引数は出力先。
        python.write_text(
            '#!/bin/sh\necho "ran $*"\nfor last; do :; done\n'
            'case $last in .cache/*) mkdir "$last"; echo new > "$last/page";; esac\n'
            f"case $0$2 in *ruff | *mypy | *lint-imports) exit {check};; esac\nexit {status}\n"
        )
        python.chmod(0o755)
        shutil.copy(python, python.with_name("lint-imports"))
        command = ["make", "-f", str(ROOT / "Makefile"), *arguments]
        command += [f"VENV={tmp_path}/fake", "bootstrap=:", "locked="]
        environment = {name: os.environ[name] for name in os.environ if "MAKE" not in name}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
        )

    return run


def installs(commands: list[str]) -> list[str]:
    """控えた命令を、道具の名前と、それがしたことにする。"""
    tools = {"uv": "uv", "python": "pip"}
    found = [re.search(r"^(uv|python).*? ((?:un)?install) ", command) for command in commands]
    return [f"{tools[match[1]]} {match[2]}" for match in found if match]


def break_uv(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, broken: str, error: str
) -> None:
    """uv を入れる命令（uv.txt）か、uv で入れる命令（uv）を失敗させる。"""
    note = bootstrap.run

    def run(*command: str, **options: object) -> None:
        note(*command, **options)
        if command[0].endswith(f"/{broken}") or command[-1].endswith(f"/{broken}"):
            if broken == "uv":  # uv があるのに通信できないのは、ミラーの先にいるからかもしれない。
                Path(command[0]).touch()
            reason = getattr(bootstrap, error, None)
            raise bootstrap.Failure(reason) if reason else PermissionError(error)

    monkeypatch.setattr(bootstrap, "run", run)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_the_script_parses_on_python_35() -> None:
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 5))


def test_an_old_python_is_told_so(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 10, 13, "final", 0))
    assert bootstrap.main("port", "0") == 1
    assert last_line(capsys).startswith("エラー: Python 3.10 は古すぎます。")


def test_a_python_without_venv_names_the_package_to_install(
    bootstrap: ModuleType,
    commands: list[str],
    requirements: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert bootstrap.main("venv", requirements("a==1")) == 1
    assert "apt install python3-venv" in last_line(capsys)
    assert commands == []
    assert not (tmp_path / "venv").exists()


def test_a_folder_that_is_not_an_environment_is_left_alone(
    bootstrap: ModuleType,
    requirements: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.txt").write_text("")
    assert bootstrap.main("venv", requirements("a==1")) == 1
    assert "Python の環境ではない" in last_line(capsys)
    assert (tmp_path / "venv" / "thesis.txt").exists()


def test_an_unwritable_folder_is_named(
    bootstrap: ModuleType,
    requirements: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VENV", str(tmp_path / "file" / "venv"))
    assert bootstrap.main("venv", requirements("a==1")) == 1
    assert re.fullmatch(r"エラー: \S+/venv に書き込めません。.*", last_line(capsys))


def test_a_missing_file_or_command_is_named(
    bootstrap: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (("venv", str(tmp_path / "none.txt")), ("lock", "no-such-command")):
        assert bootstrap.main(*arguments) == 1
        assert last_line(capsys) == f"エラー: {arguments[1]} がありません。"


def test_an_environment_behind_a_link_is_made_anew_and_its_folder_left_alone(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    real = tmp_path / "real"
    real.mkdir()
    for _ in range(2):
        (tmp_path / "venv").symlink_to(real)
        bootstrap.remove(str(tmp_path / "venv"))
    assert [path.name for path in tmp_path.iterdir() if path.name != "pyproject.toml"] == ["real"]


def test_a_second_run_installs_nothing(
    bootstrap: ModuleType, commands: list[str], requirements: Callable[..., str]
) -> None:
    path = requirements("a==1", 'b==2 ; sys_platform == "win32"')
    assert bootstrap.main("venv", path) == 0
    assert installs(commands) == ["uv install", "pip install"]
    commands.clear()
    assert bootstrap.main("venv", path) == 0
    assert commands == []


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("uv.txt", "NO_MATCH"),
        ("uv.txt", "UNKNOWN"),
        ("uv", "UNKNOWN"),
        ("uv", "NO_MATCH"),
        ("uv", "OSError"),
        ("uv", "NETWORK"),
    ],
)
def test_pip_installs_the_same_where_uv_cannot(
    bootstrap: ModuleType,
    commands: list[str],
    requirements: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str,
    error: str,
) -> None:
    break_uv(bootstrap, monkeypatch, broken, error)
    path = requirements("a==1")
    assert bootstrap.main("venv", path) == 0
    by_uv = ["uv install"] if broken == "uv" else []
    assert installs(commands) == [*by_uv, "pip install", "pip install"]
    # ハッシュを確かめ、コンパイルをしないことは、どちらで入れても変わらない。
    options = f"--require-hashes --only-binary :all: --no-binary scour -r {path}"
    assert all(command.endswith(options) for command in commands[2:-1])
    assert "pip で入れます" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("broken", "error"), [("uv.txt", "NETWORK"), ("uv.txt", "DISK"), ("uv", "DISK")]
)
def test_pip_is_not_tried_where_it_would_fail_in_the_same_way(
    bootstrap: ModuleType,
    commands: list[str],
    requirements: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str,
    error: str,
) -> None:
    break_uv(bootstrap, monkeypatch, broken, error)
    assert bootstrap.main("venv", requirements("a==1")) == 1
    assert "pip install" not in installs(commands)
    assert last_line(capsys) == "エラー: " + getattr(bootstrap, error)


def test_adding_packages_keeps_the_environment_and_going_back_installs_nothing(
    bootstrap: ModuleType, commands: list[str], requirements: Callable[..., str]
) -> None:
    bootstrap.main("venv", requirements("a==1"))
    commands.clear()
    bootstrap.main("venv", requirements("a==1", "b==2"))
    assert installs(commands) == ["uv install", "pip install"]
    commands.clear()
    bootstrap.main("venv", requirements("a==1"))
    assert commands == []


def test_a_changed_version_is_installed_and_a_dropped_package_is_removed(
    bootstrap: ModuleType, commands: list[str], requirements: Callable[..., str]
) -> None:
    bootstrap.main("venv", requirements("a==1", "b==2"))
    commands.clear()
    bootstrap.main("venv", requirements("a==3"))
    assert installs(commands) == ["uv install", "pip uninstall", "pip install"]
    assert commands[1].endswith("--yes b")
    commands.clear()
    bootstrap.main("venv", requirements("a==1"))
    assert installs(commands) == ["uv install", "pip install"]


def test_a_changed_pyproject_reinstalls_only_this_package(
    bootstrap: ModuleType, commands: list[str], requirements: Callable[..., str], tmp_path: Path
) -> None:
    bootstrap.main("venv", requirements("a==1"))
    commands.clear()
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    bootstrap.main("venv", requirements("a==1"))
    assert len(commands) == 1
    assert commands[0].endswith(f"--editable {tmp_path}")


@pytest.mark.parametrize("changed", ["folder", "python", "record"])
def test_an_environment_of_another_place_or_a_killed_run_is_made_anew(
    bootstrap: ModuleType,
    commands: list[str],
    requirements: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: str,
) -> None:
    path = requirements("a==1")
    bootstrap.main("venv", path)
    commands.clear()
    (tmp_path / "venv" / "leftover").write_text("")
    if changed == "folder":
        (tmp_path / "moved").mkdir()
        (tmp_path / "moved" / "pyproject.toml").write_text("[project]\n")
        monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path / "moved"))
    elif changed == "python":
        monkeypatch.setattr(bootstrap.sys, "base_prefix", "/another/python")
    else:
        (tmp_path / "venv" / "installed.txt").unlink()
    assert bootstrap.main("venv", path) == 0
    assert len(commands) == 4
    assert not (tmp_path / "venv" / "leftover").exists()


def test_without_a_network_the_reason_is_the_last_line_and_nothing_is_left(
    bootstrap: ModuleType,
    requirements: Callable[..., str],
    tmp_path: Path,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    # 手もとの環境に uv が入っていても、取りよせようとするように。
    (tmp_path / "requirements").mkdir()
    shutil.copy(requirements("dlnotes-does-not-exist==1"), tmp_path / "requirements" / "uv.txt")
    real_run = bootstrap.run

    def run(*command: str, **options: object) -> None:
        if command[2] == "venv":  # 本物の環境作りは数秒かかる。
            python = Path(command[-1], "bin", "python")
            python.parent.mkdir()
            python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
            python.chmod(0o755)
        elif command[2] == "pip":
            real_run(*command)

    monkeypatch.setattr(bootstrap, "run", run)
    assert bootstrap.main("venv", requirements("dlnotes-does-not-exist==1")) == 1
    assert last_line(capsys) == "エラー: " + bootstrap.NETWORK
    assert not (tmp_path / "venv").exists()
    assert not (tmp_path / "venv.old").exists()


@pytest.mark.parametrize(("reason", "kept"), [("NETWORK", True), ("DISK", False)])
def test_a_failed_update_keeps_the_environment_only_if_pip_had_not_touched_it(
    bootstrap: ModuleType,
    commands: list[str],
    requirements: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    kept: bool,
) -> None:
    bootstrap.main("venv", requirements("a==1"))

    def run(*command: str, **options: object) -> None:
        raise bootstrap.Failure(getattr(bootstrap, reason))

    monkeypatch.setattr(bootstrap, "run", run)
    assert bootstrap.main("venv", requirements("a==2")) == 1
    assert (tmp_path / "venv" / "bin" / "python").exists()
    assert (tmp_path / "venv" / "installed.txt").exists() == kept


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("ERROR: [Errno 28] No space left on device", "DISK"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "HASHES"),
        ("WARNING: Retrying (Retry(total=0)) after ...\nNo matching distribution", "NETWORK"),
        ("ERROR: No matching distribution found for numpy==9", "NO_MATCH"),
        ("npm error code ECONNREFUSED", "NETWORK"),
        ("npm error code E503", "NETWORK"),
        ("npm error code EINTEGRITY", "HASHES"),
        ("npm error code ENOSPC", "DISK"),
        ("ERROR: something new", "UNKNOWN"),
    ],
)
def test_the_reason_is_read_from_the_output_of_pip_or_npm(
    bootstrap: ModuleType, output: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(bootstrap.Failure) as error:
        bootstrap.run("sh", "-c", 'echo "$0" >&2; exit 1', output)
    assert str(error.value) == getattr(bootstrap, reason)
    assert capsys.readouterr().err == output + "\n"


def test_the_progress_of_npm_is_shown_in_tenths(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "echo 'npm http fetch GET 200' >&2; " * 4
    bootstrap.run("sh", "-c", lines + "echo done >&2", requests=4)
    assert capsys.readouterr().err == "20% 50% 70% 100% done\n"


@pytest.fixture
def pinned_tools(tmp_path: Path) -> Path:
    pins = tmp_path / "requirements" / "node" / "package-lock.json"
    pins.parent.mkdir(parents=True)
    pins.write_text("one")
    return pins


def test_the_tools_for_prose_and_html_are_installed_once_for_each_lock_file(
    bootstrap: ModuleType, commands: list[str], pinned_tools: Path, tmp_path: Path
) -> None:
    made = tmp_path / ".cache" / "node"
    for pins in ("one", "two"):
        pinned_tools.write_text(pins)
        assert bootstrap.main("npm", "node") == 0
        assert len(commands) == 1
        # 入れるときに動くスクリプトは、ハッシュを確かめないものを取りよせうる。
        assert "--ignore-scripts" in commands[0]
        assert (made / "package-lock.json").read_text() == pins
        commands.clear()
        assert bootstrap.main("npm", "node") == 0
        assert commands == []


def test_a_failed_install_of_the_tools_keeps_the_old_ones(
    bootstrap: ModuleType,
    commands: list[str],
    pinned_tools: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bootstrap.main("npm", "node")
    pinned_tools.write_text("two")

    def run(*command: str, **options: object) -> None:
        raise bootstrap.Failure(bootstrap.NETWORK)

    monkeypatch.setattr(bootstrap, "run", run)
    assert bootstrap.main("npm", "node") == 1
    assert last_line(capsys) == "エラー: " + bootstrap.NETWORK
    assert (tmp_path / ".cache" / "node" / "package-lock.json").read_text() == "one"


@pytest.mark.parametrize("name", ["node", "lighthouse"])
def test_the_lock_file_of_the_tools_names_no_registry_and_every_hash(name: str) -> None:
    pins = (ROOT / "requirements" / name / "package-lock.json").read_text("utf-8")
    packages = json.loads(pins)["packages"]
    assert "resolved" not in pins
    assert all("integrity" in package for name, package in packages.items() if name)


def test_a_run_waits_for_the_child_of_a_killed_run(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    copy = tmp_path / "requirements" / "bootstrap.py"
    copy.write_text(SCRIPT.read_text("utf-8"), "utf-8")
    take = f"import sys; sys.path.insert(0, {str(copy.parent)!r}); import bootstrap; "
    hold = "bootstrap.lock(); print('locked', flush=True); bootstrap.run('sleep', '0.6')"
    start = time.monotonic()
    killed = subprocess.Popen([sys.executable, "-c", take + hold], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    with killed, killed.stdout:
        killed.stdout.readline()
        time.sleep(0.1)
        killed.send_signal(signal.SIGKILL)
    again = subprocess.run([sys.executable, "-c", take + "bootstrap.lock()"], capture_output=True)
    assert "終わるのを待っています" in again.stderr.decode()
    assert time.monotonic() - start > 0.6


@pytest.mark.parametrize("make", ["make_venv", "make_npm"])
def test_environment_is_made_only_under_the_lock(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: str
) -> None:
    class Taken(Exception):
        pass

    def take() -> None:
        raise Taken

    pins = tmp_path / "requirements" / "node" / "package-lock.json"
    pins.parent.mkdir(parents=True)
    pins.write_text("a==1\n")
    monkeypatch.setattr(bootstrap, "lock", take)
    with pytest.raises(Taken):
        getattr(bootstrap, make)(str(pins) if make == "make_venv" else "node")
    assert not (tmp_path / "venv").exists()
    assert not (tmp_path / ".cache").exists()


def test_an_interrupted_run_waits_for_its_child(tmp_path: Path) -> None:
    done = tmp_path / "done"
    child = f"trap '' INT; echo 始め >&2; sleep 0.7; touch {done}"
    code = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import bootstrap; "
    code += f"bootstrap.run('sh', '-c', {child!r})"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        assert run.stderr.readline().decode() == "始め\n"
        run.send_signal(signal.SIGINT)
        run.stderr.read()
    assert run.returncode != 0
    assert done.exists()


def test_a_taken_port_is_refused_and_a_free_one_is_not(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert bootstrap.main("port", port) == 1
        assert f"ポート {port} は使えません" in last_line(capsys)
    assert bootstrap.main("port", port) == 0


@pytest.mark.parametrize("port", ["eight", "99999", "-1"])
def test_a_port_that_is_no_port_is_refused(bootstrap: ModuleType, port: str) -> None:
    assert bootstrap.main("port", port) == 1


def test_a_given_chromium_is_used(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert bootstrap.main("chromium") == 0
    assert capsys.readouterr().out == sys.executable + "\n"


def test_a_given_chromium_that_is_not_there_is_refused(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    assert bootstrap.main("chromium") == 1
    assert last_line(capsys).startswith("エラー: CHROMIUM=/nowhere/chromium は")


def test_without_chromium_and_apt_the_ways_out_are_named(
    bootstrap: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "CHROMIUMS", ("chromium",))
    assert bootstrap.main("chromium") == 1
    assert last_line(capsys) == "エラー: " + bootstrap.NO_CHROMIUM


@pytest.mark.parametrize("user", ["root", "sudoer", "reader"])
def test_apt_installs_chromium_only_for_one_who_may(
    bootstrap: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    user: str,
) -> None:
    commands = {
        "id": f"echo {0 if user == 'root' else 1000}",
        "sudo": '[ "$1" = -n ] && shift && exec "$@"' if user == "sudoer" else "exit 1",
        "true": "exit 0",
        "env": 'shift; exec "$@"',
        "apt-get": f'[ "$1" = update ] || {{ echo "got $*"; : > {tmp_path}/chromium; '
        f"/bin/chmod +x {tmp_path}/chromium; }}",
    }
    for name, body in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "CHROMIUMS", ("chromium",))
    # pytest は sys.stderr を差し替えるので、子に渡せる本物に戻す。
    with open(os.dup(2), "w", encoding="utf-8") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        code = bootstrap.main("chromium")
    output = capfd.readouterr()
    assert code == (1 if user == "reader" else 0)
    assert output.out == ("" if user == "reader" else f"{tmp_path}/chromium\n")
    assert ("got install -y" in output.err) == (user != "reader")


def test_the_site_requirements_are_part_of_the_test_requirements() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^\w\S*==.*", (SCRIPT.parent / name).read_text("utf-8"), re.M))

    assert pins("site.txt")
    assert pins("site.txt") <= pins("test.txt")


@pytest.mark.parametrize("before", ["nothing", "a site", "a swap cut short"])
def test_make_site_replaces_the_site(make: Make, tmp_path: Path, before: str) -> None:
    old = {"nothing": None, "a site": "site", "a swap cut short": ".cache/site-old"}[before]
    if old:
        (tmp_path / old).mkdir(parents=True)
        (tmp_path / old / "stale").write_text("")
    assert make("site").returncode == 0
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["page"]
    assert list((tmp_path / ".cache").iterdir()) == []


@pytest.mark.parametrize("old", ["site", ".cache/site-old"])
def test_a_failed_build_keeps_the_last_good_site(make: Make, tmp_path: Path, old: str) -> None:
    (tmp_path / old).mkdir(parents=True)
    (tmp_path / old / "good").write_text("")
    assert make("site", status=1).returncode != 0
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["good"]


def test_a_locked_command_runs_after_the_one_before_it(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    script = shutil.copy(SCRIPT, tmp_path / "requirements")
    command = [sys.executable, script, "lock", "sh", "-c"]
    said = tmp_path / "said"
    with subprocess.Popen([*command, f"echo 1; sleep 0.7; echo first >> {said}"], stdout=-1) as one:
        assert one.stdout is not None
        one.stdout.readline()  # 鍵を取った後
        two = subprocess.run([*command, f"echo second >> {said}; exit 3"], capture_output=True)
    assert said.read_text().split() == ["first", "second"]
    assert two.returncode == 3
    assert "別の make が終わるのを待っています" in two.stderr.decode()


@pytest.mark.parametrize("status", [0, 1])
def test_leaving_out_the_browser_is_said_at_the_end(make: Make, status: int) -> None:
    done = make("test", "BROWSER=0", status=status)
    assert (done.returncode == 0) == (status == 0)
    assert re.search("ran -m pytest .*--ignore=tests/browser", done.stdout)
    assert done.stdout.splitlines()[-1] == "ブラウザのテストは BROWSER=0 により省きました"


def test_failed_check_stops_before_the_tests(make: Make) -> None:
    done = make("test", "BROWSER=0", check=1)
    assert done.returncode != 0
    assert "ran -m ruff" in done.stdout
    assert "-m pytest" not in done.stdout


def test_make_without_a_target_lists_every_target(make: Make) -> None:
    lines = make().stdout.splitlines()
    targets = [line.split()[1] for line in lines if line.startswith("make ")]
    assert targets == [
        *("help", "serve", "site", "offline", "book", "test", "test-lowest", "check", "hosting"),
        *("bench", "oracle", "mutants", "upgrade", "clean"),
    ]


def test_a_missing_python_is_told_in_one_line(make: Make) -> None:
    done = make("site", "PYTHON=python-nowhere")
    assert done.stderr.splitlines()[0].startswith("エラー: python-nowhere がありません。")


def test_clean_removes_what_was_made_but_no_folder_that_is_not_an_environment(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    make("clean")
    assert not (tmp_path / "site").exists()
    assert (tmp_path / "fake").exists()
