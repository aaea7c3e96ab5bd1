"""What is advised about a case that failed: which role may be meant, and which claim of a token is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.cli.testing import command
from tests.cli.case_files import BOB, Write, case, cases, write
from tests.cli.conftest import CommandLine
from tests.cli.terraform_plans import plan, policy, resource

__all__ = ["write"]

NOT_KNOWN = "`alicloud_ram_role.ci`: the role's name is not known before the plan is applied"
LATER = "`alicloud_ram_role.ci`: the trust policy is not known before the plan is applied"


def hints(rolecall: CommandLine, *arguments: str) -> list[str]:
    """Return the line of advice of each case that failed."""
    out = rolecall("test", *arguments).out
    return [line.removeprefix("  help: ") for line in out.splitlines() if line.startswith("  help: ")]


@pytest.mark.parametrize(
    ("role", "hint"),
    [
        ("DEPLYO", "if the role is meant to be missing, expect the reason ROLE_NOT_FOUND"),
        ("deployed", "did you mean `deploy`?"),
        ("42/DEPLOY", "write `123456789012/deploy`: it is in another account than 42"),
        ("acs:ram::42:role/deploy", "write `123456789012/deploy`: it is in another account than 42"),
        ("42/deplo", "did you mean `deploy`?"),
        ("zz", "if the role is meant to be missing, expect the reason ROLE_NOT_FOUND"),
    ],
)
def test_a_role_that_may_be_meant_is_named(rolecall: CommandLine, write: Write, role: str, hint: str) -> None:
    write("cases.yaml", cases(case("DENY", role=role)))

    assert hints(rolecall, ".") == [hint]


def test_a_role_that_is_expected_to_be_missing_needs_no_advice(rolecall: CommandLine, write: Write) -> None:
    write("cases.yaml", cases(case("{outcome: DENY, reason: ROLE_NOT_FOUND}", role="deplyo")))

    outcome = rolecall("test", ".", "-o", "json")

    (answer,) = json.loads(outcome.out)["cases"]
    assert (outcome.code, answer["failure"], answer["hint"], answer["explanation"]) == (0, "", "", None)


def test_where_there_are_no_roles_at_all_it_is_said_how_they_are_given(rolecall: CommandLine, write: Write) -> None:
    write("roles.yaml", "apiVersion: rolecall/v1\nroles: []\n")
    write("cases.yaml", cases(case("DENY")))

    assert hints(rolecall, "cases.yaml", "roles.yaml") == [
        "no roles were found: name their files on the command line, or in `roles` of the case file"
    ]


@pytest.mark.parametrize("name", ["ci", "CI", "42/Ci"])
def test_a_role_of_a_plan_that_is_known_later_is_named_in_any_case(
    rolecall: CommandLine, write: Write, name: str
) -> None:
    write("plan.json", json.dumps(plan(resource({"role_name": "cI"}))))
    write("cases.yaml", cases(case("DENY", role=name), case("DENY", role="c", name="b")))

    assert hints(rolecall, "plan.json", "roles.yaml", "cases.yaml")[0] == LATER


def test_a_role_whose_name_is_known_later_is_meant_by_no_case(rolecall: CommandLine, write: Write) -> None:
    write("plan.json", json.dumps(plan(resource({"assume_role_policy_document": policy()}))))
    write("cases.yaml", cases(case("DENY", role="deplyo")))

    assert hints(rolecall, "plan.json", "roles.yaml", "cases.yaml") == ["did you mean `deploy`?"]


PROVIDER = "acs:ram::123456789012:oidc-provider/p"
TRUST = (
    '{{Version: "1", Statement: [{{Effect: Allow, Action: sts:AssumeRole, Principal: {{Federated: "{provider}"}}, '
    "Condition: {{StringEquals: {{oidc:iss: https://i, oidc:aud: sts.aliyuncs.com}}}}}}]}}"
)
ISSUER = "the trust policy requires the issuer: give it with --oidc-issuer, or as a claim of the case"


@pytest.mark.parametrize(
    ("who", "claims", "options", "expected"),
    [
        ("k8s:p/shop/api", "oidc:aud: sts.aliyuncs.com", (), [ISSUER]),
        ("k8s:p/shop/api", "oidc:aud: other", (), [ISSUER]),
        (PROVIDER, "oidc:aud: sts.aliyuncs.com", (), []),
        ("k8s:p/shop/api", "oidc:aud: other, oidc:iss: https://i", (), []),
        ("k8s:p/shop/api", "oidc:aud: sts.aliyuncs.com", ("--oidc-issuer=https://i",), []),
        ("k8s:p/shop/api", "oidc:aud: sts.aliyuncs.com, oidc:iss: https://i", (), None),
    ],
)
def test_the_issuer_that_a_token_of_a_service_account_lacks_is_named(
    rolecall: CommandLine,
    write: Write,
    who: str,
    claims: str,
    options: tuple[str, ...],
    expected: list[str] | None,
) -> None:
    write("roles.yaml", f"apiVersion: rolecall/v1\nname: deploy\ntrust_policy: {TRUST.format(provider=PROVIDER)}\n")
    write("cases.yaml", cases(case("ALLOW", who=who, more=f", claims: {{{claims}}}")))

    assert rolecall("test", ".", *options).code == (0 if expected is None else 1)
    assert hints(rolecall, ".", *options) == (expected or [])


def test_a_denied_case_that_expects_it_needs_no_issuer(rolecall: CommandLine, write: Write) -> None:
    write("roles.yaml", f"apiVersion: rolecall/v1\nname: deploy\ntrust_policy: {TRUST.format(provider=PROVIDER)}\n")
    write("cases.yaml", cases(case("DENY", who="k8s:p/shop/api")))

    (answer,) = json.loads(rolecall("test", ".", "-o", "json").out)["cases"]

    assert (answer["passed"], answer["hint"]) == (True, "")


ROLE_FILE = "apiVersion: rolecall/v1\nname: {name}\naccount_id: '{account}'\ntrust_policy: {trust}\n"


def test_the_account_of_a_case_is_that_of_its_role(rolecall: CommandLine, write: Write) -> None:
    trust = TRUST.format(provider=PROVIDER.replace("123456789012", "42"))
    write("roles.yaml", ROLE_FILE.format(name="deploy", account="42", trust=trust))
    claims = ", claims: {oidc:aud: sts.aliyuncs.com, oidc:iss: https://i}"
    write("cases.yaml", cases(case("ALLOW", who="k8s:p/shop/api", role="42/deploy", more=claims)))

    assert rolecall("test", ".").code == 0


@pytest.mark.parametrize("field", ["session_name", "source_identity", "external_id", "duration"])
def test_a_fact_that_no_request_can_have_is_an_error_at_its_field(
    rolecall: CommandLine, write: Write, field: str
) -> None:
    text = cases(case("ALLOW", more=f", {field}: {'899' if field == 'duration' else 'x'}"))
    write("cases.yaml", text)

    outcome = rolecall("test", ".")

    column = text.splitlines()[3].index(f"{field}:") + 1
    assert outcome.code == 2
    assert outcome.err.startswith(f"cases.yaml:4:{column}: error: case `a case`: `{field}`: ")


@pytest.mark.parametrize(("number", "terminal", "moves"), [(199, True, False), (200, True, True), (200, False, False)])
def test_a_bar_moves_for_two_hundred_cases_and_more_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, terminal: bool, moves: bool
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1" if terminal else "")
    monkeypatch.setenv("TERM", "xterm-256color")
    prepared: Any = [object()] * number

    with command._progress(prepared) as shown:
        assert list(shown) == prepared

    printed = capsys.readouterr()
    assert ("testing" in printed.err, printed.out) == (moves, "")


def test_a_failure_is_explained_with_every_fact_of_its_case(rolecall: CommandLine, write: Write) -> None:
    facts = (
        ", claims: {oidc:sub: [a, b]}, context: {acs:SourceIp: 10.1.1.1, app:Team: [red, blue]}, external_id: x-1"
        ", session_name: s1, source_identity: me"
    )
    write("cases.yaml", cases(case("ALLOW", who=PROVIDER, more=facts)))

    lines = rolecall("test", ".").out.splitlines()

    start = lines.index(f"  who   {PROVIDER}")
    assert [line.strip() for line in lines[start + 1 : start + 10]] == [
        "oidc:sub=a",
        "oidc:sub=b",
        "acs:SourceIp=10.1.1.1",
        "app:Team=red",
        "app:Team=blue",
        "sts:ExternalId=x-1",
        "sts:RoleSessionName=s1",
        "sts:SourceIdentity=me",
        "role  deploy",
    ]


def test_cases_that_were_not_run_are_counted_among_all(rolecall: CommandLine, write: Write) -> None:
    wrong = case("ALLOW", who="nobody", name="wrong")
    write("cases.yaml", cases(case("ALLOW"), case("DENY", name="b"), wrong, case("DENY", who=BOB, name="c")))

    outcome = rolecall("test", ".", "-o", "json")

    answer = json.loads(outcome.out)
    assert (outcome.code, answer["passed"], len(answer["problems"])) == (2, False, 1)
    assert answer["summary"] == {"cases": 4, "passed": 2, "failed": 1, "not_run": 1}


def test_a_role_in_an_account_that_is_not_known_is_reported_as_in_a_file_of_roles(
    rolecall: CommandLine, write: Write
) -> None:
    other = case("DENY", role="nobody/deploy", name="b", who="x")
    write("cases.yaml", cases(case("DENY", role="nobody/deploy"), other, case("DENY", role="a/b/c", name="c")))

    outcome = rolecall("test", ".")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "cases.yaml:4:58: error: account_id `nobody` is not an account id (1 to 20 digits) [INVALID_ACCOUNT_ID]",
        "  also at: 5:24",
        "  help: if it is an alias, define it: --account-alias NAME=ID",
        "cases.yaml:5:19: error: case `b`: `as`: `x` is not a principal, but a name alone; write `acs:ram::ACCOUNT_ID:user/x` [INVALID_PRINCIPAL]",
        "cases.yaml:6:53: error: case `c`: `role`: `a/b/c` does not name a role: write `acs:ram::ACCOUNT:role/NAME`, `ACCOUNT/NAME` or `NAME` [INVALID_ROLE]",
    ]
