"""ページのコードの関所。黙って見落とされる書き方を、ひとつずつ捕まえられることも確かめる。"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from gate import render, shown_blocks, unproved

PAGES = [*sorted(Path("docs").rglob("*.md")), Path("README.md"), Path("CONTRIBUTING.md")]
NOTEBOOKS = sorted(Path("docs").rglob("*.ipynb"))
OUTPUT = "\n<!--pytest-codeblocks:expected-output-->\n\n```text\n2\n```\n"
GOOD = f"```python\nprint(1 + 1)\n```\n{OUTPUT}"


# 図の名前のある原稿は、図の描かれた後でなければ読めない。
@pytest.mark.usefixtures("strict_build")
@pytest.mark.parametrize("source", PAGES, ids=str)
def test_every_python_block_a_reader_sees_was_run_and_compared(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    # README の図の囲みは、サイトではなくリポジトリーの画面が図にする。
    assert unproved(re.sub(r"```mermaid\n.*?```", "", text, flags=re.DOTALL)) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_prose_holds_no_code_of_its_own(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert [block.text for text in prose for block in shown_blocks(render(text))] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    kept = [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert kept == [], f"python -m nbconvert --clear-output --inplace {notebook} で消してください"


def test_a_block_with_its_output_passes() -> None:
    assert unproved(GOOD) == []


SILENT = {
    "title": '```python title="x"\nprint(1 + 1)\n```\n' + OUTPUT,
    "hl_lines": '```python hl_lines="1"\nprint(1 + 1)\n```\n' + OUTPUT,
    "linenums": '```python linenums="1"\nprint(1 + 1)\n```\n' + OUTPUT,
    "attribute list": "```{.python}\nprint(1 + 1)\n```\n" + OUTPUT,
    "py": "```py\nprint(1 + 1)\n```\n" + OUTPUT,
    "pycon": "```pycon\n>>> print(1 + 1)\n2\n```\n",
    "tilde": f"~~~python\nprint(1 + 1)\n~~~\n{GOOD}",
    "quoted": f"> ```python\n> print(3)\n> ```\n\n{GOOD}",
    "no language": f"```\nprint(3)\n```\n\n{GOOD}",
    "indented code": f"段落。\n\n    print(3)\n\n{GOOD}",
    "cont after another language": (
        "```console\n$ ls\n```\n<!--pytest-codeblocks:cont-->\n\n```python\nprint(3)\n```\n"
    ),
    "main guard": '```python\nif __name__ == "__main__":\n    print(2)\nprint(2)\n```\n' + OUTPUT,
    "blank line in an indented block": (
        '??? note "題"\n\n    ```python\n    a = """a\n\n    b"""\n    print(2)\n    ```\n\n'
        "    <!--pytest-codeblocks:expected-output-->\n\n    ```text\n    2\n    ```\n"
    ),
    "private name": "```python\nfrom dlnotes.training import _updates\nprint(2)\n```\n" + OUTPUT,
    "lasting setting": "```python\nimport numpy as np\n\nnp.seterr()\nprint(2)\n```\n" + OUTPUT,
    "no expected output": "```python\nprint(1 + 1)\n```\n",
    "empty expected output": (
        "```python\nx = 1\n```\n<!--pytest-codeblocks:expected-output-->\n\n```text\n```\n"
    ),
    "whitespace ignored": GOOD.replace("expected-output", "expected-output-ignore-whitespace"),
    "skipped": f"<!--pytest.mark.skip-->\n\n{GOOD}",
    "optional import": f"<!--pytest-codeblocks:importorskip(torch)-->\n\n{GOOD}",
    "whole file skipped": f"<!--pytest-codeblocks:skipfile-->\n\n{GOOD}",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT.keys())
def test_a_block_that_would_be_dropped_silently_is_caught(text: str) -> None:
    assert unproved(text) != []


def test_a_block_in_a_folded_answer_passes() -> None:
    body = "\n".join(f"    {line}" if line else "" for line in GOOD.splitlines())
    assert unproved(f'??? success "解答"\n\n{body}\n') == []
