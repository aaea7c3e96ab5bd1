"""Terraform plans as people hold them: alone, after log lines, inside another document, several in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.sources import Found, search
from rolecall.cli.sources.terraform_output import has_plan
from tests.cli.terraform_plans import plan, policy, role

PLAN = plan(role("ci"), prior_state={"format_version": "1.0", "values": {"root_module": {}}})
TEXT, PRETTY = json.dumps(PLAN), json.dumps(PLAN, indent=2)
OTHER = json.dumps(plan(role("other")), sort_keys=True)


def found_in(tmp_path: Path, text: str, name: str = "plan.json") -> Found:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return search([path])


def names(found: Found) -> list[str]:
    assert found.problems == []
    return [role.name for role in found.roles]


def nested(value: object, *keys: str) -> str:
    for key in reversed(keys):
        value = [value] if key == "[]" else {"a": 1, key: value}
    return json.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        TEXT, PRETTY, OTHER.replace("other", "ci"), "\ufeff" + TEXT, f"\n\n{PRETTY}\n", f"{TEXT}\n\nno more\n",
        f"[command]/opt/terraform-bin show -json plan\n{TEXT}\n\n::debug::Terraform exited with code 0.\n",
        f"terraform show -json plan\n{PRETTY}\n+ exit 0\n", f"2026-11-28T08:00:00.0000000Z {TEXT}\n", f"$ show\r\n{TEXT}\r\n",
        f"[shop] {TEXT}\n", f'{{"level": "info"}}\n{TEXT}\n', f'{{"broken": \n{TEXT}\n',
    ],
)  # fmt: skip
def test_a_plan_is_read_alone_and_between_log_lines(tmp_path: Path, text: str) -> None:
    assert names(found_in(tmp_path, text)) == ["ci"]


@pytest.mark.parametrize("keys", [["plan"], ["input", "tfplan"], ["[]"], ["a", "[]", "b", "plan"]])
def test_a_plan_is_read_inside_another_document_as_a_value_and_as_a_text(tmp_path: Path, keys: list[str]) -> None:
    for value in (PLAN, TEXT, PRETTY, f"+ terraform show\n{TEXT}\n"):
        assert names(found_in(tmp_path, nested(value, *keys))) == ["ci"]


@pytest.mark.parametrize(("levels", "count"), [(1, 1), (4, 1), (5, 0)])
def test_a_text_inside_a_text_is_a_level(tmp_path: Path, levels: int, count: int) -> None:
    text = TEXT
    for _ in range(levels):
        text = json.dumps({"stdout": text})

    assert len(found_in(tmp_path, text).roles) == count


def test_a_plan_deeper_than_four_levels_is_not_looked_for(tmp_path: Path) -> None:
    found = found_in(tmp_path, nested(PLAN, "a", "b", "c", "d", "e"))

    assert (found.roles, [problem.reason for problem in found.problems]) == ([], ["WRONG_KIND"])


@pytest.mark.parametrize(
    "text", [f"{TEXT}{OTHER}", f"{TEXT}\n{OTHER}\n", f"[a] {TEXT}\n[b] x\n[b] {OTHER.replace('{', '{', 1)}"]
)
def test_all_plans_of_a_file_are_read(tmp_path: Path, text: str) -> None:
    text = text.replace(OTHER, json.dumps(plan(role("other"))))

    assert names(found_in(tmp_path, text)) == ["ci", "other"]


def test_a_text_in_yaml_that_contains_a_plan_is_what_the_yaml_is(tmp_path: Path) -> None:
    lines = "".join(f"    {line}\n" for line in PRETTY.splitlines())
    manifest = f"apiVersion: v1\nkind: ConfigMap\ndata:\n  plan.json: |\n{lines}"

    found = found_in(tmp_path, manifest, "manifest.yaml")

    assert (found.roles, [remark.message[:8] for remark in found.remarks]) == ([], ["skipped:"])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"apiVersion": "rolecall/v1", "roles": [], "plan": PLAN}),
        json.dumps({"roles": [], "apiVersion": "rolecall/v1", "text": TEXT}, indent=2),
        f"apiVersion: rolecall/v1\nroles: []\n---\n{TEXT}\n",
        f"apiVersion: v1\nkind: ConfigMap\n---\n{TEXT}\n",
    ],
)
def test_a_file_of_another_kind_that_mentions_a_plan_is_not_taken_for_it(tmp_path: Path, text: str) -> None:
    found = found_in(tmp_path, text, "roles")

    assert (found.roles, len(found.problems)) == ([], 1)


def test_names_of_a_plan_that_are_texts_are_no_plan(tmp_path: Path) -> None:
    found = found_in(tmp_path, json.dumps({"tags": {"format_version": "1.2", "values": "x"}}))

    assert [problem.reason for problem in found.problems] == ["WRONG_KIND"]


def test_a_plan_that_ends_too_early_is_an_error_and_has_no_roles(tmp_path: Path) -> None:
    found = found_in(tmp_path, PRETTY[:-10])

    assert found.roles == []
    assert found.problems[0].message == "not JSON: expecting `,` or `}` (the text ends here)"


def test_a_resource_that_is_wrong_does_not_stop_the_others(tmp_path: Path) -> None:
    written = json.dumps(role("twice", "alicloud_ram_role.twice"))
    twice = written.replace('"mode"', '"type": "alicloud_ram_role", "mode"')
    text = json.dumps(plan(role("ci"), role("twice", "alicloud_ram_role.twice"), role("x", "alicloud_ram_role.x")))

    found = found_in(tmp_path, text.replace(written, twice))

    assert [role.name for role in found.roles] == ["ci", "x"]
    assert [(p.message, p.location.column) for p in found.problems] == [
        ("the key `type` is given twice", text.index(written) + twice.rindex('"type"') + 1)
    ]


def test_a_position_in_a_policy_is_that_in_the_file_at_any_depth(tmp_path: Path) -> None:
    document = policy({"RAM": "acs:ram::1234567890123456:user/<alice>&é"})
    inner = json.dumps(plan(role("ci", document=document)), ensure_ascii=False).replace("<", "\\u003c")
    shown = "alice"

    for levels in range(3):
        text = inner
        for _ in range(levels):
            text = json.dumps({"stdout": text}, ensure_ascii=False)
        (found,) = found_in(tmp_path, "log line\n" + text).roles
        location = found.location_of("/Statement/0/Principal/RAM")

        assert location.line == 2
        value = text[location.column - 1 :]
        assert value.lstrip('\\"').startswith("acs:ram"), levels
        assert found.location_of("", 1, document.index(shown) + 1).column == text.index(shown) + 1


def test_constants_that_json_does_not_have_are_refused(tmp_path: Path) -> None:
    found = found_in(tmp_path, TEXT.replace('"role_name": "ci"', '"role_name": "ci", "x": NaN'))

    assert [problem.message for problem in found.problems] == ["not JSON: `NaN` is not a number of JSON"]


def test_a_plan_that_nests_too_deeply_is_an_error(tmp_path: Path) -> None:
    deep: Any = "[" * 100_000
    found = found_in(tmp_path, TEXT.replace('"role_name": "ci"', f'"role_name": "ci", "x": {deep}'))

    assert [problem.message for problem in found.problems] == ["is nested deeper than 64 levels"]


def test_the_log_of_a_plan_is_named_with_what_to_give_instead(tmp_path: Path) -> None:
    version = {"@level": "info", "@message": "Terraform 1.9.8", "@module": "terraform.ui", "type": "version"}
    planned = {"@level": "info", "@module": "terraform.ui", "type": "planned_change", "change": {"action": "create"}}

    for before in ("", "+ terraform plan -json\n"):
        (problem,) = found_in(tmp_path, before + "\n".join(json.dumps(line) for line in (version, planned))).problems

        assert problem.message == "this is the log of `terraform plan -json`, which has no trust policies"
        assert "terraform show -json" in problem.hint


def test_a_plan_in_yaml_is_named_with_what_to_give_instead(tmp_path: Path) -> None:
    (problem,) = found_in(tmp_path, "format_version: '1.2'\nplanned_values: {}\n", "plan.yaml").problems

    assert (problem.message, problem.hint) == (
        "this is a terraform plan in YAML",
        "give it as `terraform show -json` prints it",
    )


@pytest.mark.parametrize("section", ["planned_values", "configuration"])
def test_modules_that_are_nested_too_deeply_are_an_error(tmp_path: Path, section: str) -> None:
    child = '{"child_modules": [' if section == "planned_values" else '{"module_calls": {"a": {"module": '
    closing = "]}" if section == "planned_values" else "}}}"
    for levels, problems in ((30, []), (400, ["modules are nested deeper than 32 levels"])):
        module = child * levels + "{}" + closing * levels
        text = f'{{"format_version": "1.2", "planned_values": {{}}, "{section}": {{"root_module": {module}}}}}'
        text = text.replace('"planned_values": {}, ', "") if section == "planned_values" else text

        assert [problem.message for problem in found_in(tmp_path, text).problems] == problems


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("{1: 2}", "not JSON: expecting a name in double quotes"),
        ('{"a" 2}', "not JSON: expecting `:`"),
        ('{"a": 2 "b": 3}', "not JSON: expecting `,` or `}`"),
        ('{"a": [1, 2}', "not JSON: expecting `,`"),
        ('{"a": "x', "not JSON: the string that begins here has no end"),
        ('{"a": }', "not JSON: expecting a value"),
        ('{"a": {"b" 1}}', "not JSON: expecting `:`"),
        ('{"a": {b: 1}}', "not JSON: expecting a name in double quotes"),
    ],
)
def test_a_fault_of_json_in_a_plan_has_its_place(tmp_path: Path, broken: str, message: str) -> None:
    text = f'{{"format_version": "1.2", "planned_values": {{}},\n"configuration": {broken}}}'

    (problem,) = found_in(tmp_path, text).problems

    assert (problem.location.line, problem.message) == (2, message)


@pytest.mark.parametrize("name", ["planned_values", "resource_changes", "values", "terraform_version"])
@pytest.mark.parametrize(
    ("value", "inside"), [("{}", True), ("[]", True), ('"x"', False), ("1", False), ("null", False)]
)
def test_inside_another_document_the_parts_of_a_plan_are_objects_or_lists(name: str, value: str, inside: bool) -> None:
    written = f'{{"format_version": "1.2", "{name}": {value}}}'

    assert has_plan(written)
    assert [has_plan(f'{{"a": {written}}}'), has_plan(f"[{written}]")] == [inside, inside]
