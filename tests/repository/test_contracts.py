"""The import contracts cover every module, and the policy language uses only the standard library."""

from __future__ import annotations

import ast
import configparser
import sys
from pathlib import Path

import pytest

from tests.repository.tree import ROOT, SOURCES

IMPURE = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "uuid",
}
POLICY = sorted((SOURCES / "policy").rglob("*.py"))


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case ast.ImportFrom(level=level) if level > 1:
                found.add("." * level)
    return found


def test_every_module_of_the_server_has_a_layer() -> None:
    section = contracts()["importlinter:contract:layers"]
    layers = {name.strip() for line in section["layers"].split("\n") for name in line.split("|")} - {""}
    beside = set(section["exhaustive_ignores"].split())
    modules = {
        path.stem
        for path in SOURCES.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path.is_dir() and any(path.glob("*.py")))
    }

    assert section.getboolean("exhaustive")
    assert modules == layers | beside


@pytest.mark.parametrize("path", POLICY, ids=lambda path: path.name)
def test_the_policy_language_imports_only_the_standard_library_and_itself(path: Path) -> None:
    foreign = {
        name
        for name in imports(path)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("rolecall.policy")
    }

    assert foreign == set()


@pytest.mark.parametrize("path", POLICY, ids=lambda path: path.name)
def test_the_policy_language_uses_no_clock_no_randomness_and_no_io(path: Path) -> None:
    text = path.read_text()

    assert imports(path) & IMPURE == set()
    assert [call for call in (".now(", ".today(", "open(", "print(") if call in text] == []
