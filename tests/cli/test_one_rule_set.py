"""Roles of files are judged alike by every command, all at once."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from rolecall.cli.checks.role_check import GREATEST_LIMITS
from rolecall.config.administration_settings import AdministrationSettings
from rolecall.policy.limits import Limits
from tests.cli.case_files import ANN, Write, case, cases, write
from tests.cli.conftest import CommandLine

__all__ = ["write"]

POLICY = f'{{Version: "1", Statement: [{{Effect: Allow, Action: sts:AssumeRole, Principal: {{RAM: "{ANN}"}}}}]}}'
BAD_ROLES = {
    "name": ("name: a_b\n    trust_policy: {P}", "3:5", "[ROLE_NAME_CHARACTERS]"),
    "length": (f"name: {'a' * 65}\n    trust_policy: {{P}}", "3:5", "[ROLE_NAME_LENGTH]"),
    "duration": (
        "name: a\n    max_session_duration_seconds: 60\n    trust_policy: {P}",
        "4:5",
        "[MAX_SESSION_DURATION_RANGE]",
    ),
    "tag": ("name: a\n    tags: {aliyun: x}\n    trust_policy: {P}", "4:5", "[TAG_KEY_RESERVED]"),
    "description": (f"name: a\n    description: {'x' * 1025}\n    trust_policy: {{P}}", "4:5", "[DESCRIPTION_LENGTH]"),
    "masked account": ('name: a\n    account_id: "12****"\n    trust_policy: {P}', "4:5", "[MASKED_ACCOUNT_ID]"),
    "document": ("name: a\n    trust_policy: {Version: '2', Statement: []}", "4:20", "[UNSUPPORTED_VERSION]"),
    "twice": ("name: a\n    trust_policy: {P}\n  - name: A\n    trust_policy: {P}", "5:5", "[DUPLICATE_ROLE]"),
}


TRUSTS_ANN = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ANN}}]}
PLAN_ROLE = {"address": "alicloud_ram_role.x", "mode": "managed", "type": "alicloud_ram_role"}


def roles_file(*roles: str) -> str:
    return "apiVersion: rolecall/v1\nroles:\n" + "".join(f"  - {role.replace('{P}', POLICY)}\n" for role in roles)


@pytest.mark.parametrize("role", BAD_ROLES)
@pytest.mark.parametrize("command", ["validate", "test", "apply"])
def test_every_command_refuses_what_a_server_refuses_at_the_same_place(
    rolecall: CommandLine, write: Write, role: str, command: str
) -> None:
    text, location, reason = BAD_ROLES[role]
    write("roles.yaml", roles_file(text))
    write("cases/cases.yaml", cases(case("DENY")))
    arguments = {
        "validate": ["roles.yaml"],
        "test": ["roles.yaml", "cases"],
        # Nothing listens there: the roles are judged before a server is asked.
        "apply": ["-f", "roles.yaml", "--dry-run", "--address", "127.0.0.1:1"],
    }

    outcome = rolecall(command, *arguments[command])

    found = [line for line in (outcome.out + outcome.err).splitlines() if reason in line]
    assert outcome.code == 2
    assert len(found) == 1
    assert found[0].startswith(f"roles.yaml:{location}")


@pytest.mark.parametrize("command", [["validate"], ["apply", "--address", "127.0.0.1:1", "-f"]])
def test_every_violation_of_every_file_is_reported_at_once_also_beside_a_duplicate_key(
    rolecall: CommandLine, write: Write, command: list[str]
) -> None:
    write("d/a.yaml", roles_file("name: a_b\n    name: c\n    trust_policy: {Version: '2', Version: '1'}", "name: b"))
    write("d/b.yaml", roles_file("tags: [x]\n    max_session_duration_seconds: 1\n    trust_policy: {Version: '1'}"))

    outcome = rolecall(*command, "d")

    text = outcome.out + outcome.err
    assert outcome.code == 2
    for expected in (
        "d/a.yaml:3:5: error: role `a_b`: role_name `a_b` may have letters",
        "d/a.yaml:4:5: error: the key `name` is given twice",
        "d/a.yaml:5:34: error: the key `Version` is given twice",
        "[UNSUPPORTED_VERSION]",
        "d/a.yaml:6:5: error: the trust policy is missing",
        "d/b.yaml:3:5: error: `name` is missing",
        "d/b.yaml:3:11: error: `tags` must be a mapping",
        "[MAX_SESSION_DURATION_RANGE]",
        "[MISSING_FIELD]",
    ):
        assert expected in text


def test_a_bad_role_does_not_keep_the_cases_about_others_from_running(rolecall: CommandLine, write: Write) -> None:
    write("roles.yaml", roles_file("name: good\n    trust_policy: {P}", "name: bad_\n    trust_policy: {P}", "name: c"))
    about = case("ALLOW", role="good"), case("DENY", role="c", name="b"), case("DENY", role="bad_", name="d")
    write("cases.yaml", cases(*about))

    outcome = rolecall("test", ".")

    assert outcome.code == 2
    assert outcome.out.splitlines() == ["cases.yaml: 1 passed", "", "✗ 1 case passed, 2 not run because of errors"]
    assert "roles.yaml:5:5: error: role `bad_`: role_name" in outcome.err
    assert "roles.yaml:7:5: error: the trust policy is missing" in outcome.err


def test_the_reports_for_programs_have_the_errors_too(rolecall: CommandLine, write: Write) -> None:
    write("roles.yaml", roles_file("name: good\n    trust_policy: {P}", "name: bad\n    trust_policy: {}"))
    write("cases.yaml", cases(case("ALLOW", role="good"), case("DENY", role="bad", name="b")))

    answer = json.loads(rolecall("test", ".", "-o", "json").out)
    junit = rolecall("test", ".", "-o", "junit").out
    sarif = json.loads(rolecall("test", ".", "-o", "sarif").out)

    assert (answer["passed"], answer["summary"]["not_run"], answer["summary"]["cases"]) == (False, 1, 2)
    assert answer["problems"]
    assert 'errors="2"' in junit
    assert '<error type="MISSING_FIELD"' in junit
    assert {result["level"] for result in sarif["runs"][0]["results"]} == {"error"}


def test_a_case_that_the_engine_refuses_does_not_keep_others_from_running(rolecall: CommandLine, write: Write) -> None:
    write("roles.yaml", roles_file("name: a\n    trust_policy: {P}"))
    write("cases.yaml", cases(case("ALLOW", role="a", more=", duration: 7200"), case("ALLOW", role="a", name="b")))

    outcome = rolecall("test", ".")

    assert (outcome.code, outcome.out.splitlines()[-1]) == (2, "✗ 1 case passed, 1 not run because of errors")
    assert "cases.yaml:4:82: error: case `a case`: `duration`: must be 900 to 3600 seconds" in outcome.err


def test_of_two_roles_with_one_name_no_case_runs(rolecall: CommandLine, write: Write) -> None:
    write(
        "roles.yaml",
        roles_file(
            "name: a\n    trust_policy: {P}", "name: A\n    trust_policy: {P}", "name: b\n    trust_policy: {P}"
        ),
    )
    write("cases.yaml", cases(case("ALLOW", role="a"), case("ALLOW", role="b", name="b")))

    outcome = rolecall("test", ".")

    assert (outcome.code, outcome.out.splitlines()[-1]) == (2, "✗ 1 case passed, 1 not run because of errors")


def test_an_unknown_account_is_reported_once_however_many_roles_and_cases_name_it(
    rolecall: CommandLine, write: Write
) -> None:
    for file in ("a", "b"):
        roles = [f"name: {file}{n}\n    account_id: prod\n    trust_policy: {{P}}" for n in range(15)]
        write(f"roles/{file}.yaml", roles_file(*roles))
    write("cases.yaml", cases(*(case("ALLOW", role=f"prod/a{n}", name=f"c{n}") for n in range(8))))

    outcome = rolecall("test", "roles", "cases.yaml")

    first, also, hint = outcome.err.splitlines()
    assert outcome.code == 2
    assert (
        first == "roles/a.yaml:4:5: error: account_id `prod` is not an account id (1 to 20 digits) [INVALID_ACCOUNT_ID]"
    )
    assert also.startswith("  also at: 7:5, 10:5, ")
    assert also.endswith(" and 27 more")
    assert hint == "  help: if it is an alias, define it: --account-alias NAME=ID"


def test_programs_get_each_equal_problem_and_people_get_one_with_all_places(
    rolecall: CommandLine, write: Write
) -> None:
    write(
        "roles.yaml",
        roles_file(*["name: a\n    trust_policy: {P}\n    nmae: x", "name: b\n    trust_policy: {P}\n    nmae: x"]),
    )

    people, programs = rolecall("validate", "roles.yaml"), rolecall("validate", "-o", "json", "roles.yaml")

    assert people.out.splitlines()[:2] == [
        "roles.yaml:5:5: error: unknown key `nmae` [UNKNOWN_FIELD]",
        "  also at: 8:5",
    ]
    assert [problem["line"] for problem in json.loads(programs.out)["problems"]] == [5, 8]


def test_two_aliases_of_one_role_declare_it_twice(rolecall: CommandLine, write: Write) -> None:
    write("roles.yaml", roles_file("&a {name: a, trust_policy: {P}}", "*a"))

    outcome = rolecall("validate", "roles.yaml")

    assert (outcome.code, "roles.yaml:3:9: error: the role `a` is declared twice" in outcome.out) == (2, True)


@pytest.mark.parametrize(
    "role",
    [
        {"name": "a\ud800"},
        {"name": "a", "tags": {"\ud800": "x"}},
        {"name": "a", "tags": {"x": "\udfff"}},
        {"name": "a", "description": "\ud800"},
        {"name": "a", "trust_policy": {"Version": "\ud800"}},
        {"name": "a", "trust_policy_json": "\ud800"},
    ],
)
@pytest.mark.parametrize("command", [["validate"], ["test"], ["apply", "--address", "127.0.0.1:1", "-f"]])
def test_text_that_is_no_unicode_is_a_problem_and_not_a_crash(
    rolecall: CommandLine, write: Write, role: dict[str, object], command: list[str]
) -> None:
    policy = {} if "trust_policy_json" in role else {"trust_policy": TRUSTS_ANN}
    write("roles.json", json.dumps({"apiVersion": "rolecall/v1", "roles": [{**policy, **role}]}))

    outcome = rolecall(*command, "roles.json")

    assert outcome.code == 2
    assert "must not have a lone surrogate [INVALID_UNICODE]" in outcome.out + outcome.err


def test_an_alias_of_a_server_is_no_error_where_the_server_is_not_known(rolecall: CommandLine, write: Write) -> None:
    twice = [f"name: a\n    account_id: {account}\n    trust_policy: {{P}}" for account in ("prod", "42")]
    write("roles.yaml", roles_file(*twice))

    unknown, known = (
        rolecall("validate", "roles.yaml"),
        rolecall("validate", "roles.yaml", "--account-alias", "prod=42"),
    )

    assert unknown.code == 0
    assert (known.code, "the role `acs:ram::42:role/a` is declared twice" in known.out) == (2, True)


@pytest.mark.parametrize("option", [("--account-id", "4*"), ("--account-alias", "1=2"), ("--account-alias", "a=b")])
def test_an_option_that_names_no_account_is_refused(
    rolecall: CommandLine, write: Write, option: tuple[str, str]
) -> None:
    outcome = rolecall("validate", "roles.yaml", *option)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
        ("plan.json", json.dumps({"format_version": "1.2", "planned_values": {"root_module": {}}})),
        ("roles.json", '{"apiVersion": "rolecall/v1", "roles": []}'),
        ("dir/app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
    ],
)
def test_a_file_without_a_policy_is_a_warning_that_says_what_was_looked_for(
    rolecall: CommandLine, write: Write, name: str, text: str
) -> None:
    write(name, text)
    named = name.partition("/")[0]

    outcome, strict = rolecall("validate", named), rolecall("validate", "--fail-on", "warning", named)

    assert (outcome.code, strict.code) == (0, 2)
    assert (
        f"{named}: warning: there is no policy to check [NO_POLICY]\n  help: looked for policies in JSON" in outcome.out
    )
    assert outcome.out.splitlines()[-1].startswith("✓ no policy checked: ")


def test_files_that_cannot_be_read_are_not_counted_as_policies(rolecall: CommandLine, write: Write) -> None:
    Path("empty").mkdir()

    missing, empty = rolecall("validate", "missing.json"), rolecall("validate", "empty")

    assert missing.out.splitlines() == [
        "missing.json: error: cannot read `missing.json`: no such file or directory",
        "✗ no policy checked: 1 error",
    ]
    assert empty.out.startswith("empty: error: no such file: the directory `empty` has no ")
    assert (missing.code, empty.code) == (2, 2)


def test_a_policy_is_checked_also_if_the_name_of_its_role_is_not_known(rolecall: CommandLine, write: Write) -> None:
    unknown = {**PLAN_ROLE, "values": {"assume_role_policy_document": '{"Version": "2"}'}}
    write(
        "plan.json", json.dumps({"format_version": "1.2", "planned_values": {"root_module": {"resources": [unknown]}}})
    )
    write("cases.yaml", cases(case("ALLOW")))

    validated, tested = rolecall("validate", "plan.json"), rolecall("test", "plan.json", "roles.yaml", "cases.yaml")

    assert (validated.code, tested.code) == (2, 2)
    assert "[UNSUPPORTED_VERSION]" in validated.out
    assert "`alicloud_ram_role.x`: the role's name is not known" in validated.out
    assert "✗ 1 trust policy: " in validated.out
    assert "[UNSUPPORTED_VERSION]" in tested.err
    assert "✗ 1 case passed" in tested.out


def test_the_name_of_a_policy_file_is_not_judged_as_that_of_a_role(rolecall: CommandLine, write: Write) -> None:
    text = json.dumps(TRUSTS_ANN)
    write("my_policy.json", text)
    write("cases/cases.yaml", cases(case("ALLOW")))

    assert rolecall("validate", "my_policy.json").code == 0
    assert rolecall("test", "my_policy.json", "roles.yaml", "cases").code == 0


@pytest.mark.parametrize("command", ["check", "explain"])
def test_a_session_of_a_policy_alone_lasts_as_long_as_that_of_a_role_which_says_nothing_of_it(
    rolecall: CommandLine, write: Write, command: str
) -> None:
    write("policy.json", json.dumps(TRUSTS_ANN))
    asked = command, "--as", ANN, "--policy", "policy.json", "--duration"

    usual, longer = rolecall(*asked, "3600"), rolecall(*asked, "3601")
    said = rolecall(*asked, "7200", "--max-session-duration", "7200")
    wrong = rolecall(*asked, "3600", "--max-session-duration", "43201", "--role-tag", "acs:x=y")

    assert (usual.code, longer.code, said.code, wrong.code) == (0, 2, 0, 2)
    assert "duration_seconds: must be 900 to 3600 seconds for this role, not 3601" in longer.err
    assert "[MAX_SESSION_DURATION_RANGE]" in wrong.err
    assert "[TAG_KEY_RESERVED]" in wrong.err


@pytest.mark.parametrize("role", sorted(BAD_ROLES.keys() - {"twice", "document"}))
@pytest.mark.parametrize("command", [["check", "--as", ANN], ["explain", "--as", ANN], ["who-can"]])
def test_a_role_file_is_judged_before_an_answer_too(
    rolecall: CommandLine, write: Write, role: str, command: list[str]
) -> None:
    text, location, reason = BAD_ROLES[role]
    write("roles.yaml", roles_file(text))

    outcome = rolecall(*command, "--policy", "roles.yaml")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"roles.yaml:{location}: error: ")
    assert reason in outcome.err


def test_the_maximum_session_of_a_role_on_a_server_is_not_an_option(rolecall: CommandLine) -> None:
    outcome = rolecall(
        "check", "--as", ANN, "--role", "r", "--max-session-duration", "7200", "--address", "127.0.0.1:1"
    )

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: --max-session-duration needs --policy")


def test_the_greatest_limits_are_those_that_a_server_can_be_given() -> None:
    settings = AdministrationSettings.__dataclass_fields__
    limits = dataclasses.asdict(GREATEST_LIMITS).items() - dataclasses.asdict(Limits()).items()

    assert dict(limits) == {name: settings[name].metadata["read"].high for name, _ in limits}
    assert len(limits) == len([name for name in dataclasses.asdict(Limits()) if name in settings])
