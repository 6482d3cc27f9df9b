"""固定版が、pyproject.toml の範囲に入っていること。"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = {
    "site": ("site",),
    "test": ("site", "test"),
    "lowest": ("site", "test"),
    "mutants": ("mutants",),
}


@pytest.mark.parametrize("name", FILES)
def test_pins_are_within_the_ranges_of_the_project(name: str) -> None:
    text = Path(f"requirements/{name}.txt").read_text(encoding="utf-8")
    pins: dict[str, set[str]] = {}
    for library, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE):
        pins.setdefault(canonicalize_name(library), set()).add(version)
    extras = [line for extra in FILES[name] for line in PROJECT["optional-dependencies"][extra]]
    strange = []
    for line in [*PROJECT["dependencies"], *extras]:
        wanted = Requirement(line)
        pinned = pins.get(canonicalize_name(wanted.name), set())
        if not any(wanted.specifier.contains(v, prereleases=True) for v in pinned):
            strange.append(f"{line}: {sorted(pinned) or 'ありません'}")
    advice = (
        f"requirements/{name}.txt が pyproject.toml と合いません。make upgrade を動かしてください"
    )
    assert strange == [], advice
