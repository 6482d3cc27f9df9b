"""図を描く命令。本物の写しに小さな図を置き、本物と同じ命令で描く。"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import dlnotes

PACKAGE = Path(dlnotes.__file__).parent
COMMAND = [sys.executable, "-m", "dlnotes.figures"]
HEAD = "from dlnotes.figures import _style\n"
LINE = """
__all__ = ["line"]

def line():
    drawing, (ax,) = _style.figure()
    ax.plot([0, 1], [0, SLOPE], label="線 $u$")
    ax.legend()
    return drawing
"""
SLIDER = """
from dlnotes.figures._slider import Slider

__all__ = ["line"]

@Slider("傾き", (0.5, 1, 2e-6), start=1, unit=" 倍")
def line(slope):
    drawing, (ax,) = _style.figure()
    ax.plot([0, 1], [0, slope], label="線 $u$")
    ax.set(ylim=(0, 2))
    return drawing, f"右の端は {slope} です。"
"""
SLOPED = f"{HEAD}from dlnotes.slopes import SLOPE\n{LINE}"
# 住所を貼った先で見える絵が使うもの。
OF_THE_CARD = ("arrays.", "optimizers.")
STEEP = f"{HEAD}SLOPE = 9\n{LINE}"


@dataclass
class Studio:
    """`dlnotes` の写しと、図の置き場所。"""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def path(self, name: str) -> Path:
        return self.folder / "src" / "dlnotes" / name

    def write(self, name: str, text: str) -> None:
        self.path(name).write_text(text, encoding="utf-8")

    def start(self, **environment: str) -> subprocess.Popen[str]:
        # 同じ秒のうちに書きかえても、古い pyc が使われないようにする。
        settings = {"PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [*COMMAND, str(self.out)],
            env=os.environ | settings | environment,
            text=True,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def draw(self, **environment: str) -> tuple[int, str]:
        process = self.start(**environment)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors

    def drawn(self) -> dict[str, bytes]:
        """図の置き場所にあるすべてのファイル。"""
        files = (path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in files}

    def times(self) -> dict[str, int]:
        return {path.stem: path.stat().st_mtime_ns for path in self.out.rglob("*.svg")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """図をふたつ描きおえたところ。sloped だけが `slopes` を、`slopes` が `numbers` を読む。"""
    studio = Studio(tmp_path_factory.mktemp("studio"))
    studio.path("figures").mkdir(parents=True)
    for source in PACKAGE.rglob("*.*"):
        name = source.relative_to(PACKAGE).as_posix()
        if name.startswith(("__init__", "figures/_", "figures/dlnotes.", *OF_THE_CARD)):
            shutil.copy(source, studio.path(name))
    studio.write("slopes.py", "from dlnotes.numbers import SLOPE\n")
    studio.write("numbers.py", "SLOPE = 1\n")
    studio.write("figures/sloped.py", SLOPED)
    studio.write("figures/steep.py", STEEP)
    code, errors = studio.draw(PYTHONHASHSEED="1")
    assert code == 0, errors
    return studio


@pytest.fixture
def studio(finished: Studio, tmp_path: Path) -> Studio:
    shutil.copytree(finished.folder, tmp_path / "copy")
    return Studio(tmp_path / "copy")


def test_every_figure_is_drawn_light_and_dark(finished: Studio) -> None:
    svgs = {name: svg for name, svg in finished.drawn().items() if name.endswith(".svg")}
    assert set(svgs) == {
        "sloped/line.svg",
        "sloped/line.dark.svg",
        "steep/line.svg",
        "steep/line.dark.svg",
    }
    assert len(set(svgs.values())) == 4


def test_light_and_dark_differ_in_nothing_but_colour(finished: Studio) -> None:
    from dlnotes.figures._style import to_dark

    light = (finished.out / "sloped" / "line.svg").read_text(encoding="utf-8")
    dark = (finished.out / "sloped" / "line.dark.svg").read_text(encoding="utf-8")
    assert dark == to_dark(light) != light


def test_drawing_again_from_nothing_gives_the_same_bytes(studio: Studio) -> None:
    first = studio.drawn()
    shutil.rmtree(studio.out)
    assert studio.draw(PYTHONHASHSEED="2")[0] == 0
    assert studio.drawn() == first


def test_unchanged_figures_are_not_drawn_again_and_nothing_is_said(studio: Studio) -> None:
    before = studio.times()
    assert studio.draw() == (0, "")
    assert studio.times() == before


def test_change_in_an_imported_module_redraws_only_the_figures_that_reach_it(
    studio: Studio,
) -> None:
    before, times = studio.drawn(), studio.times()
    studio.write("numbers.py", "SLOPE = 2\n")
    assert studio.draw()[0] == 0
    after = studio.drawn()
    assert {name.split("/")[0] for name in after if after[name] != before[name]} == {"sloped"}
    assert (studio.out / "steep" / "line.svg").stat().st_mtime_ns in times.values()


def test_change_in_the_style_redraws_every_figure(studio: Studio) -> None:
    before = studio.drawn()
    style = studio.path("figures/dlnotes.mplstyle")
    style.write_text(style.read_text("utf-8").replace("linewidth: 2", "linewidth: 3"), "utf-8")
    assert studio.draw()[0] == 0
    assert not set(before.values()) & set(studio.drawn().values())


def slide(studio: Studio, old: str = "", new: str = "") -> tuple[int, str]:
    assert old in SLIDER
    studio.write("figures/steep.py", HEAD + SLIDER.replace(old, new))
    return studio.draw()


def test_slider_is_drawn_one_frame_for_each_value(studio: Studio) -> None:
    assert slide(studio)[0] == 0
    drawn = studio.drawn()
    names = {name for name in drawn if name.startswith("steep/")}
    svgs = {f"steep/line/{i}{scheme}.svg" for i in range(3) for scheme in ("", ".dark")}
    assert names == svgs | {"steep/line/frames.json", "steep/line.json"}
    assert len({drawn[svg] for svg in svgs}) == 6
    assert json.loads(drawn["steep/line/frames.json"]) == {
        "label": "傾き",
        "start": 1,
        "frames": [
            {"value": "0.5 倍", "says": "右の端は 0.5 です。"},
            {"value": "1 倍", "says": "右の端は 1 です。"},
            {"value": "2 × 10⁻⁶ 倍", "says": "右の端は 2e-06 です。"},
        ],
    }


def test_slider_drawn_again_from_nothing_gives_the_same_bytes(studio: Studio) -> None:
    assert slide(studio)[0] == 0
    first = studio.drawn()
    shutil.rmtree(studio.out)
    assert studio.draw(PYTHONHASHSEED="2")[0] == 0
    assert studio.drawn() == first


@pytest.mark.parametrize("name", ["line/2.svg", "line/0.dark.svg", "line/frames.json"])
def test_missing_frame_is_drawn_again_and_a_kept_one_is_not(studio: Studio, name: str) -> None:
    assert slide(studio)[0] == 0
    before, times = studio.drawn(), studio.times()
    assert studio.draw() == (0, "")
    assert studio.times() == times
    (studio.out / "steep" / name).unlink()
    assert studio.draw()[0] == 0
    assert studio.drawn() == before


def test_frames_of_a_value_taken_away_are_removed(studio: Studio) -> None:
    assert slide(studio)[0] == 0
    assert slide(studio, ", 2e-6", "")[0] == 0
    assert not [name for name in studio.drawn() if name.startswith("steep/line/2")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ax.set(ylim=(0, 2))", "ax.set(ylim=(0, slope))"),
        ("ax.set(ylim=(0, 2))", "ax.set(xlim=(0, slope), ylim=(0, 2))"),
        ("_style.figure()", "_style.figure(height=3 + slope)"),
        ("ax.set(ylim=(0, 2))", "ax.set(ylim=(0, 2), title='題' if slope > 1e-3 else '')"),
    ],
    ids=["y", "x", "size", "place"],
)
def test_slider_whose_axes_move_between_frames_is_refused(
    studio: Studio, old: str, new: str
) -> None:
    before = studio.drawn()
    code, errors = slide(studio, old, new)
    assert code == 1
    assert "のコマで、図や座標軸の範囲が動きます" in errors
    assert studio.drawn() == before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("start=1", "start=3", "start は values の一つ"),
        ("(0.5, 1, 2e-6)", "(1,)", "違う値が二つ以上"),
        ("(0.5, 1, 2e-6)", "(1, 1)", "違う値が二つ以上"),
        ("(0.5, 1, 2e-6)", "np.arange(3)", "図 steep/line のつまみを読めません"),
        ("start=1, ", "", "図 steep/line のつまみを読めません"),
    ],
)
def test_slider_that_cannot_be_read_is_named(
    studio: Studio, old: str, new: str, reason: str
) -> None:
    code, errors = slide(studio, old, new)
    assert code == 1
    assert reason in errors
    assert len(errors.splitlines()) == 1


FAULTS = {
    "error": ("ax.plot([1], [1, 2])", "ValueError"),
    "warning": ("ax.set_xlim(1, 1)", "UserWarning"),
    "glyph": ('ax.set_title("\\U0001f600")', "Glyph 128512"),
    "formula": ('ax.set_title("$\\\\hoge$")', "hoge"),
}


def test_failing_figure_names_itself_and_leaves_the_last_good_ones(studio: Studio) -> None:
    before = studio.drawn()
    for name, (line, _) in FAULTS.items():
        studio.write(f"figures/{name}.py", STEEP.replace("ax.legend()", line))
    studio.write("figures/steep.py", STEEP.replace("ax.legend()", "1 / 0"))
    code, errors = studio.draw()
    assert code != 0
    for name, (_, reason) in [*FAULTS.items(), ("steep", ("", "ZeroDivisionError"))]:
        assert f"図 {name}/line.svg を描けません" in errors
        assert reason in errors
    assert studio.drawn() == before


def test_failing_figure_does_not_keep_the_others_from_being_drawn(studio: Studio) -> None:
    studio.write("figures/steep.py", f"{HEAD}__all__ = ['line']\n")
    studio.write("numbers.py", "SLOPE = 2\n")
    before = studio.drawn()
    assert studio.draw()[0] != 0
    after = studio.drawn()
    assert after["sloped/line.svg"] != before["sloped/line.svg"]
    assert after["steep/line.svg"] == before["steep/line.svg"]


def test_module_without_a_register_is_named(studio: Studio) -> None:
    studio.write("figures/steep.py", HEAD)
    code, errors = studio.draw()
    assert (code, errors) == (1, "steep.py に図の登録簿 __all__ がありません\n")


def test_file_that_belongs_to_no_figure_is_removed(studio: Studio) -> None:
    studio.path("figures/steep.py").unlink()
    (studio.out / "sloped" / ".line.svg.123").write_text("途中", encoding="utf-8")
    assert studio.draw()[0] == 0
    names = {"sloped/line.svg", "sloped/line.dark.svg", "sloped/line.json"}
    names |= {"_cover/card.png", "_cover/card.json"}
    assert set(studio.drawn()) == names


@pytest.mark.parametrize("name", ["line.svg", "line.dark.svg", "line.json"])
def test_damaged_file_is_drawn_again(studio: Studio, name: str) -> None:
    before = studio.drawn()
    path = studio.out / "steep" / name
    path.write_bytes(path.read_bytes()[:50])
    assert studio.draw()[0] == 0
    assert studio.drawn() == before


def test_missing_file_is_drawn_again(studio: Studio) -> None:
    before = studio.drawn()
    (studio.out / "steep" / "line.dark.svg").unlink()
    assert studio.draw()[0] == 0
    assert studio.drawn() == before


def test_build_after_a_killed_one_is_as_if_nothing_had_happened(studio: Studio) -> None:
    before = studio.drawn()
    shutil.rmtree(studio.out)
    # 名前を変える前の一瞬で止まらせ、そこで殺す。
    builder = studio.path("figures/_files.py")
    good = builder.read_text(encoding="utf-8")
    stuck = "__import__('time').sleep(60); temporary.replace(path)"
    bad = good.replace("temporary.replace(path)", stuck)
    assert bad != good
    studio.write("figures/_files.py", bad)
    process = studio.start()
    deadline = time.monotonic() + 30
    while not studio.drawn() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert studio.drawn(), "殺したときに、まだ何も書いていなかった"
    studio.write("figures/_files.py", good)
    assert studio.draw()[0] == 0
    assert studio.drawn() == before


def test_interrupt_ends_the_drawing_without_a_trace(studio: Studio) -> None:
    shutil.rmtree(studio.out)
    slow = STEEP.replace("ax.legend()", "__import__('time').sleep(1)")
    for name in map(str, range(20)):
        studio.write(f"figures/dl{name}.py", slow)
    process = studio.start()
    assert process.stderr is not None
    assert "図" in process.stderr.read(4)
    # 描き手が、Ctrl-C を親に任せるまで。
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    # すでに描き手に渡してあるものだけは、描きおえる。
    assert len([name for name in studio.drawn() if name.endswith("line.json")]) < 10


def test_folder_that_cannot_be_written_gives_one_clear_line(studio: Studio) -> None:
    shutil.rmtree(studio.out)
    studio.out.write_text("フォルダーではない", encoding="utf-8")
    code, errors = studio.draw()
    (line,) = errors.splitlines()
    assert code == 1
    assert line.startswith(f"{studio.out} に図を書けません")


def test_a_drawing_of_others_in_the_same_process_does_not_change_the_style() -> None:
    import matplotlib as mpl

    from dlnotes.figures import _style

    families = []
    for _ in range(2):
        _style.figure()
        families.append(mpl.rcParams["font.family"])
        mpl.rcdefaults()
    assert families[0] == families[1] != mpl.rcParams["font.family"]
