"""What the documents promise is there, and what is there is documented."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from rung import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """Every command, groups' commands as two words."""
    found = []
    for name, command in get_command(cli.app).commands.items():  # type: ignore[attr-defined]
        if command.hidden:
            continue
        inner = getattr(command, "commands", None)
        found += [f"{name} {each}" for each in inner] if inner else [name]
    return found


@pytest.mark.parametrize("command", commands())
def test_the_readme_names_every_command(command: str):
    first, _, second = command.partition(" ")
    assert re.search(rf"`rung {first}\b", README)
    if second:
        line = next(line for line in README.splitlines() if f"`rung {first}" in line)
        assert re.search(rf"\b{second}\b", line)


@pytest.mark.parametrize(
    "setting", sorted(set(re.findall(r'"((?:RUNG_|PUBLIC_)[A-Z_]+)"', (ROOT / "src/rung/settings.py").read_text())))
)
def test_the_readme_names_every_setting(setting: str):
    assert f"`{setting}`" in README


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda file: file.name)
def test_locked_requirements_name_no_host_and_no_file(file: Path):
    assert not re.search(r"https?://|file:", file.read_text())


def test_every_document_that_the_readme_links_to_is_there():
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_every_room_stands_in_the_architecture():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {path.parent.name for path in (ROOT / "src/rung").glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}/`" not in text} == set()


def test_only_one_module_imports_the_compiler():
    importers = {
        path.relative_to(ROOT / "src/rung").as_posix()
        for path in (ROOT / "src/rung").rglob("*.py")
        if re.search(r"^\s*(import numba|from numba)", path.read_text(), re.MULTILINE)
    }
    assert importers == {"engine/compiled.py"}
