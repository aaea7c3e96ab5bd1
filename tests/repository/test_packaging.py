"""The two distributions match, and each declares its requirements."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from typing import Any

import pytest

from tests.repository.tree import DOCS, ROOT, SOURCES

NAME = re.compile(r"^[A-Za-z0-9-]+")


def project(directory: str) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / directory / "pyproject.toml").read_text())["project"]
    return table


def required(*requirements: str) -> set[str]:
    return {match[0].lower() for text in requirements if (match := NAME.match(text))}


def locked(name: str) -> dict[str, str]:
    """Return the distributions of a lock, each with its version and all its hashes."""
    text = (ROOT / f"requirements/{name}.lock").read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    return {re.split(r"\[|==", entry)[0].lower().replace("_", "-"): entry for entry in entries}


def third_party(source: str) -> set[str]:
    """Return the distributions that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module}
    return {found for name in names if (found := distribution(name))}


def distribution(module: str) -> str:
    top = module.partition(".")[0]
    if module.startswith("google."):
        return "protobuf" if module.startswith("google.protobuf") else "googleapis-common-protos"
    if top == "rolecall_client":
        return "rolecall-client"
    if top == "rolecall" or top in sys.stdlib_module_names:
        return ""
    return OWNERS[top][0].lower().replace("_", "-")


OWNERS = metadata.packages_distributions()
SERVER, CLIENT = project("."), project("clients/python")
DEVELOPMENT = SERVER["optional-dependencies"]["dev"]
OPTIONAL = [*SERVER["optional-dependencies"]["postgres"], *SERVER["optional-dependencies"]["h2"]]
OURS = {"rolecall", "rolecall-client"}


def test_server_and_client_have_one_version() -> None:
    assert CLIENT["version"] == SERVER["version"]
    assert f"rolecall-client=={SERVER['version']}" in SERVER["dependencies"]
    assert f"rolecall=={CLIENT['version']}" in CLIENT["optional-dependencies"]["local"]


def test_the_go_client_has_the_version_of_the_server() -> None:
    source = (ROOT / "clients/go/doc.go").read_text()

    assert f'const Version = "{SERVER["version"]}"\n' in source


def test_the_java_client_has_the_version_of_the_server() -> None:
    model = (ROOT / "clients/java/pom.xml").read_text()

    # The first version is that of the package; the others are those of its dependencies.
    assert re.findall(r"<version>(.*?)</version>", model)[0] == SERVER["version"]


def test_the_typescript_client_has_the_version_of_the_server() -> None:
    package = json.loads((ROOT / "clients/typescript/package.json").read_text())
    lock = json.loads((ROOT / "clients/typescript/package-lock.json").read_text())

    assert package["version"] == lock["version"] == SERVER["version"]


def test_the_installed_version_is_that_of_the_tree() -> None:
    assert metadata.version("rolecall") == SERVER["version"]


def test_every_requirement_is_locked() -> None:
    runtime = required(*SERVER["dependencies"], *CLIENT["dependencies"], *OPTIONAL) - OURS

    assert runtime <= set(locked("runtime"))
    assert runtime | required(*DEVELOPMENT) - OURS <= set(locked("dev"))
    assert required(*SERVER["optional-dependencies"]["audit"]) <= set(locked("audit"))


@pytest.mark.parametrize("name", [path.stem for path in sorted((ROOT / "requirements").glob("*.lock"))])
def test_every_locked_package_has_its_hashes(name: str) -> None:
    entries = locked(name)

    assert entries
    assert [package for package, entry in entries.items() if "--hash=sha256:" not in entry] == []


def test_the_image_installs_what_the_tests_ran_with() -> None:
    image, tests = locked("runtime"), locked("dev")

    assert {package for package, entry in image.items() if tests.get(package) != entry} == set()


def test_everything_that_a_command_or_the_image_installs_is_checked_against_a_lock() -> None:
    installing = [
        line
        for name in ("Makefile", "Dockerfile")
        for line in (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        if re.search(r"pip( --python \S+)? install|pip wheel", line)
    ]

    assert len(installing) >= 5
    assert [line for line in installing if "--require-hashes" not in line and "--no-deps" not in line] == []


def test_every_requirement_is_explained() -> None:
    page = (DOCS / "dependencies.md").read_text().lower()
    requirements = required(*SERVER["dependencies"], *CLIENT["dependencies"], *DEVELOPMENT, *OPTIONAL)

    assert sorted(name for name in requirements if name not in page) == []


def test_the_server_requires_exactly_what_it_imports() -> None:
    imported = {name for path in SOURCES.rglob("*.py") for name in third_party(path.read_text())}

    assert imported == required(*SERVER["dependencies"], *OPTIONAL)


def test_the_client_requires_little_beside_grpc_and_protobuf() -> None:
    assert required(*CLIENT["dependencies"]) == {"grpcio", "protobuf", "googleapis-common-protos", "pyyaml"}


@pytest.mark.parametrize("name", ["decision", "policy", "role", "watch"])
def test_the_stubs_load_without_the_server(name: str) -> None:
    code = f"""
import sys
from rolecall_client.v1 import {name}_pb2, {name}_pb2_grpc
assert not [module for module in sys.modules if module == "rolecall" or module.startswith("rolecall.")]
"""

    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)

    assert result.stderr == ""
    assert result.returncode == 0
