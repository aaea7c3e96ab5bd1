"""The schema of case files says what the reader says, and the hooks call commands that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.tree import read_documents
from rolecall.cli.testing import case_file
from rolecall.cli.typer_commands import COMMANDS
from rolecall.engine.decision import Reason
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY

SCHEMAS = REPOSITORY / "docs/schema"
ROLES, SCHEMA = (json.loads((SCHEMAS / f"{name}.schema.json").read_text()) for name in ("roles", "cases"))
REGISTRY: Registry[Any] = Registry().with_resource(ROLES["$id"], Resource.from_contents(ROLES))
EXAMPLES = sorted(path for path in (REPOSITORY / "examples/tests").glob("*.yaml") if "\ncases:\n" in path.read_text())
CASE = {"name": "a", "as": "ecs.aliyuncs.com", "role": "r", "expect": "DENY"}
PAGE = (REPOSITORY / "docs/policy-tests.md").read_text()
OPTION = re.compile(r"--[a-z][a-z-]+")
HOOKS = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())


def valid(instance: Any) -> bool:
    return bool(Draft202012Validator(SCHEMA, registry=REGISTRY).is_valid(instance))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_command_prints_the_published_schema(rolecall: CommandLine) -> None:
    outcome = rolecall("schema", "cases")

    assert (outcome.code, json.loads(outcome.out)) == (0, SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_obey_the_schema(path: Path) -> None:
    (document,) = read_documents(path.read_text(), str(path))

    assert valid(json.loads(json_text(document)))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


def test_the_schema_has_the_keys_of_the_reader() -> None:
    definitions = SCHEMA["$defs"]

    assert set(SCHEMA["properties"]) == set(case_file._FILE_KEYS)
    assert set(definitions["case"]["properties"]) == set(case_file._CASE_KEYS)
    assert set(definitions["expectation"]["properties"]) == set(case_file._EXPECT_KEYS)
    assert definitions["expectation"]["properties"]["reason"]["enum"] == list(Reason)


@pytest.mark.parametrize(
    "change",
    [
        {"expect": {"outcome": "ALLOW", "reason": "ALLOW", "statement": "x"}},
        {"as": ["a", "b"]},
        {"claims": {"oidc:aud": ["a", "b"]}, "context": {"acs:MFAPresent": True}},
        {"time": "2026-01-01T00:00:00.5+08:00", "duration": 900},
    ],
)
def test_the_schema_takes_what_the_reader_takes(change: dict[str, Any]) -> None:
    inline = {"name": "r", "trust_policy_json": "{}"}

    assert valid({"apiVersion": "rolecall/v1", "roles": ["../roles", inline], "cases": [CASE | change]})


@pytest.mark.parametrize(
    "change",
    [
        {"expect": "deny"},
        {"expect": {}},
        {"expect": {"outcome": "ALLOW", "reason": "NO"}},
        {"as": []},
        {"extra": 1},
        {"time": "2026-01-01"},
        {"duration": "1h"},
        {"context": ["a"]},
        {"role": None},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(change: dict[str, Any]) -> None:
    assert valid({"apiVersion": "rolecall/v1", "cases": [CASE]})
    assert not valid({"apiVersion": "rolecall/v1", "cases": [CASE | change]})


@pytest.mark.parametrize("change", [{"cases": []}, {"roles": []}, {"roles": [{"name": "a"}]}, {"apiVersion": "v2"}])
def test_the_schema_refuses_files_that_the_reader_refuses(change: dict[str, Any]) -> None:
    assert not valid({"apiVersion": "rolecall/v1", "cases": [CASE]} | change)


def test_the_case_file_in_the_documentation_passes(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    example = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
    Path("cases.yaml").write_text(example.replace("../roles", str(REPOSITORY / "examples/roles")))

    assert rolecall("test", "cases.yaml").out.splitlines()[-1] == "✓ 3 cases passed"


def test_every_option_in_the_documentation_is_one(rolecall: CommandLine) -> None:
    reported = set(re.findall(r"--[a-z][a-z-]+", PAGE))
    known = {
        option for name in ("test", "validate", "explain") for option in OPTION.findall(rolecall(name, "--help").out)
    }

    assert len(reported) > 8
    assert reported - known == set()


@pytest.mark.parametrize(
    "reason", ["NO_CASES", "DUPLICATE_CASE", "DUPLICATE_ROLE", "UNKNOWN_UNTIL_APPLY", "DEFAULT_NAMESPACE"]
)
def test_every_reason_of_a_file_is_documented_and_given(reason: str) -> None:
    sources = "".join(path.read_text() for path in (REPOSITORY / "service/rolecall/cli").rglob("*.py"))

    assert (f"`{reason}`" in PAGE, f'"{reason}"' in sources) == (True, True)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_a_command_that_there_is_and_installs_what_is_not_on_an_index(hook: dict[str, Any]) -> None:
    program, command = hook["entry"].split()

    assert (program, hook["language"], hook["name"]) == ("rolecall", "python", hook["entry"])
    assert command in COMMANDS
    assert [(REPOSITORY / path / "pyproject.toml").is_file() for path in hook["additional_dependencies"]] == [True]
    assert re.compile(hook["files"]).search("examples/roles/ci.yaml")
