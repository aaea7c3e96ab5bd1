"""`explain --policy FILE --action ACTION`: a permission policy is explained offline."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

SHOP = "acs:ram::123456789012:role/shop-1"
DOCUMENT = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Sid": "office",
                "Effect": "Allow",
                "Action": ["ram:List*", "ram:Get*"],
                "Resource": "acs:ram:*:*:role/shop-*",
                "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}},
            },
            {"Effect": "Allow", "NotAction": "ram:*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "ram:*",
                "Resource": "*",
                "Condition": {
                    "StringLike": {"acs:PrincipalARN": "acs:ram::*:role/ci-*"},
                    "DateLessThan": {"acs:CurrentTime": "2026-01-01T00:00:00Z"},
                },
            },
        ],
    }
)
AT_OFFICE = "--context=acs:SourceIp=10.1.2.3"
GET = ["--action=ram:GetRole", f"--resource={SHOP}"]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "permissions.json"
    path.write_text(DOCUMENT)
    return str(path)


def test_an_access_that_is_allowed(rolecall: CommandLine, file: str) -> None:
    outcome = rolecall("explain", "--policy", file, *GET, AT_OFFICE)

    assert (outcome.code, outcome.out.split("\n")[0]) == (0, "✓ ALLOWED")
    assert f"  action   ram:GetRole\n  resource {SHOP}\n" in outcome.out
    assert "✓ Allow /Statement/0 (office) applies" in outcome.out
    assert "├── ✓ Action ram:Get*" in outcome.out
    assert "├── ✓ Resource acs:ram:*:*:role/shop-*" in outcome.out
    assert "├── ✗ NotAction excludes it by ram:*" in outcome.out
    assert "actual   10.1.2.3" in outcome.out


def test_an_access_that_is_denied_has_its_near_miss(rolecall: CommandLine, file: str) -> None:
    outcome = rolecall("explain", "--policy", file, *GET, "--context=acs:SourceIp=here")

    assert outcome.code == 1
    assert outcome.out.startswith("✗ DENIED  IMPLICIT_DENY: no Allow statement applies\n")
    assert "actual   here (unreadable to IpAddress)" in outcome.out
    assert "closest: to be allowed by /Statement/0 of policy " in outcome.out


def test_the_principal_and_the_time_are_keys(rolecall: CommandLine, file: str) -> None:
    as_ci = ["--as=acs:ram::1:role/CI-night/s-1", AT_OFFICE]

    before = rolecall("explain", "--policy", file, *GET, *as_ci, "--time=2025-01-01T00:00:00Z")
    after = rolecall("explain", "--policy", file, *GET, *as_ci, "--time=2026-06-01T00:00:00Z")

    assert (before.code, after.code) == (1, 0)
    assert before.out.startswith("✗ DENIED  EXPLICIT_DENY: a Deny statement applies")
    assert "actual   acs:ram::1:role/CI-night" in before.out
    assert "in the way: the Deny at /Statement/2" in before.out


def test_a_call_that_names_no_resource_is_the_default(rolecall: CommandLine, file: str) -> None:
    outcome = rolecall("explain", "--policy", file, "--action=sts:GetCallerIdentity")

    assert outcome.code == 0
    assert "✓ no pattern of NotAction excludes it" in outcome.out
    assert "✗ no pattern of Action matches" in outcome.out
    assert "✗ no pattern of Resource matches" in outcome.out
    assert "actual   absent" in outcome.out


def test_json_has_every_part(rolecall: CommandLine, file: str) -> None:
    outcome = rolecall("explain", "-o", "json", "--policy", file, *GET, "--time=2025-01-01T00:00:00Z")

    record = json.loads(outcome.out)
    first = record["statements"][0]
    assert outcome.code == 1
    assert (record["allowed"], record["outcome"], record["determining_statements"]) == (False, "IMPLICIT_DENY", [])
    assert record["missing_keys"] == ["acs:PrincipalARN", "acs:SourceIp"]
    assert record["valid_until"] == "2026-01-01T00:00:00Z"
    assert (first["action_pattern"], first["resource_pattern"], first["applies"]) == (
        "ram:Get*",
        "acs:ram:*:*:role/shop-*",
        False,
    )
    assert first["conditions"][0]["expected"] == ["10.0.0.0/8"]
    assert [miss["elements"] for miss in record["near_misses"]] == [["/Statement/0/Condition/IpAddress/acs:SourceIp"]]


def test_an_answer_without_an_end_has_none_in_json(rolecall: CommandLine, file: str) -> None:
    record = json.loads(rolecall("explain", "-o", "json", "--policy", file, *GET, AT_OFFICE).out)

    assert (record["valid_until"], record["determining_statements"]) == (None, ["/Statement/0"])


def test_the_policy_is_read_from_standard_input(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(DOCUMENT.encode())))

    assert rolecall("explain", "--policy", "-", *GET, AT_OFFICE).code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "is a permission policy"),
        (["--as=acs:ram::1:user/a"], "say what is asked: `--action ram:GetRole"),
        (["--action=ram:Get*"], "is not written out"),
        (["--action=ram:GetRole", "--resource=role/x"], "the resource `role/x` is not written out"),
        ([*GET, "--context=acs:CurrentTime=2026-01-01T00:00:00Z"], "give the time with --time"),
        ([*GET, "--as=ecs.aliyuncs.com"], "is about users and role sessions"),
        ([*GET, "--as=nobody"], "--as: "),
        ([*GET, "--fully-consistent"], "need a server"),
        ([*GET, "--role=App"], "--role is about assuming a role"),
        ([*GET, "--role-tag=a=b"], "--role-tag is about assuming a role"),
        ([*GET, "--account-id=1"], "--account-id is about assuming a role"),
        ([*GET, "--claim=oidc:sub=x"], "--claim is about assuming a role"),
        ([*GET, "--external-id=abc"], "--external-id is about assuming a role"),
        ([*GET, "--session-name=abc"], "--session-name is about assuming a role"),
        ([*GET, "--source-identity=abc"], "--source-identity is about assuming a role"),
        ([*GET, "--duration=900"], "keys are given by --context"),
    ],
)
def test_options_that_do_not_fit_a_permission_policy_are_refused(
    rolecall: CommandLine, file: str, arguments: list[str], words: str
) -> None:
    outcome = rolecall("explain", "--policy", file, *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--action=ram:GetRole"], "--action is for permission policies"),
        (["--resource=acs:ram::1:role/x", "--as=acs:ram::1:user/a"], "need --policy with a permission policy"),
        ([], "--as is missing"),
    ],
)
def test_options_that_do_not_fit_a_trust_policy_are_refused(
    rolecall: CommandLine, policy_file: Path, arguments: list[str], words: str
) -> None:
    outcome = rolecall("explain", "--policy", str(policy_file), *arguments)

    assert outcome.code == 2
    assert words in outcome.err


@pytest.mark.parametrize(
    "arguments", [["--role=App"], ["--action=ram:GetRole", "--as=acs:ram::1:user/a", "--role=App"]]
)
def test_a_server_is_asked_by_a_principal_and_about_a_role(rolecall: CommandLine, arguments: list[str]) -> None:
    outcome = rolecall("explain", "--address=127.0.0.1:1", *arguments)

    assert outcome.code == 2
    assert "--as is missing" in outcome.err or "need --policy" in outcome.err


def test_violations_of_the_policy_have_their_places(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(DOCUMENT.replace('"ram:List*"', '"List"'))

    outcome = rolecall("explain", "--policy", str(path), *GET)

    assert outcome.code == 2
    assert f"{path}:1:" in outcome.err + outcome.out
    assert "INVALID_ACTION" in outcome.err + outcome.out


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("y" * 200, "y" * 200),
        ("y" * 201, "y" * 200 + "…"),
        (" a", '" a"'),
        ("a ", '"a "'),
        ("", '""'),
        ("a b", "a b"),
        ("a\x1b", r"a\x1b"),
    ],
)
def test_a_value_is_shown_so_that_white_space_is_seen_and_long_ones_are_cut(
    rolecall: CommandLine, tmp_path: Path, value: str, shown: str
) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "ram:GetRole",
        "Resource": "*",
        "Condition": {"StringEquals": {"app:X": "z"}},
    }
    (tmp_path / "p.json").write_text(json.dumps({"Version": "1", "Statement": [statement]}))

    out = rolecall(
        "explain", "--policy", str(tmp_path / "p.json"), "--action=ram:GetRole", f"--context=app:X={value}"
    ).out

    assert [line.partition("actual")[2].strip() for line in out.splitlines() if "  actual  " in line] == [shown]


def test_several_values_are_separated_as_they_are_compared(rolecall: CommandLine, tmp_path: Path) -> None:
    condition = {"ForAnyValue:StringEquals": {"app:X": ["a", "b"]}}
    statement = {"Sid": "S", "Effect": "Deny", "Action": "ram:GetRole", "Resource": "*", "Condition": condition}
    (tmp_path / "p.json").write_text(json.dumps({"Version": "1", "Statement": [statement]}))
    asked = (
        "explain",
        "--policy",
        str(tmp_path / "p.json"),
        "--action=ram:GetRole",
        "--context=app:X=c",
        "--context=app:X=b",
    )

    out = rolecall(*asked).out

    assert "        expected a or b\n        actual   c, b\n" in out
    assert "✓ Deny /Statement/0 (S) applies\n" in out
    assert "\nin the way: " in out


def test_a_time_with_an_offset_is_the_time_of_the_access(rolecall: CommandLine, file: str) -> None:
    asked = ["explain", "--policy", file, *GET, AT_OFFICE, "--as=acs:ram::1:role/ci-x/s"]

    early = rolecall(*asked, "--time=2026-01-01T07:59:59.999999+08:00")
    late = rolecall(*asked, "--time=2026-01-01T08:00:00+08:00")

    assert (early.code, late.code) == (1, 0)


def test_a_mistake_in_a_permission_policy_has_its_line_and_its_column(rolecall: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"Version": "1", "Statement": [\n  {"Effect": "Maybe", "Action": "a:B", "Resource": "*"}]}')

    outcome = rolecall("explain", f"--policy={path}", "--action=a:B")

    assert (outcome.code, outcome.err.startswith(f"{path}:2:14: error: ")) == (2, True)
