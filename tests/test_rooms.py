"""The folders are small enough to be read at a glance."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = sorted(
    {file.parent for room in ("connector", "tests", "faults", "bench") for file in (ROOT / room).rglob("*.py")}
)


def modules(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.py"))


def test_connector_has_at_most_20_entries() -> None:
    # A folder without modules is what a move leaves behind in an older checkout.
    entries = [
        entry.name for entry in (ROOT / "connector").iterdir() if entry.suffix == ".py" or any(entry.rglob("*.py"))
    ]

    assert len(entries) <= 20, sorted(entries)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_no_folder_holds_more_than_16_modules(folder: Path) -> None:
    assert len(modules(folder)) <= 16


@pytest.mark.parametrize(
    "folder",
    [folder for folder in FOLDERS if folder.is_relative_to(ROOT / "connector") and "migrations" not in folder.parts],
    ids=lambda folder: str(folder.relative_to(ROOT)),
)
def test_each_package_says_what_lives_there(folder: Path) -> None:
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    names = {module.stem for module in modules(folder)} - {"__init__", "__main__"}
    missing = {name for name in names if name not in docstring}

    assert missing == set()


def test_no_module_imports_itself_in_a_circle() -> None:
    imports = {name: set(imported(tree, name)) for name, tree in trees()}
    unvisited = set(imports)
    while free := {name for name in unvisited if not imports[name] & unvisited}:
        unvisited -= free

    assert unvisited == set()


def trees() -> Iterator[tuple[str, ast.Module]]:
    for room in ("connector", "faults", "bench"):
        for file in (ROOT / room).rglob("*.py"):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.Module, name: str) -> Iterator[str]:
    """Yield the modules that a module imports, those for type checking included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                file = ROOT.joinpath(*node.module.split("."), alias.name)
                is_module = file.is_dir() or file.with_suffix(".py").exists()
                target = f"{node.module}.{alias.name}" if is_module else node.module
                # A package may import names from its own modules. That is no circle: they do not import the package.
                if target != name:
                    yield target
