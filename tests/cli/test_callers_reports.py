"""What `callers check` and `callers init` print, as a whole, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.callers.files import location_of
from rolecall.cli.problems.problem import Location
from rolecall.security.callers_file import load_callers
from tests.cli.conftest import CommandLine, show_colours

REMARKS = """\
issuers:
  "https://a/b~c": {jwks_file: bad.json}
  "https://d": {jwks_url: "https://keys.example:8443/jwks"}
providers:
  - {arn: "acs:ram::1:oidc-provider/p", issuer: "https://x", audiences: [a], jwks_url: "https://more.example/jwks"}
  - {arn: "acs:ram::1:oidc-provider/q", issuer: "https://x", audiences: [a], jwks_file: none.json}
callers:
  - {name: admin, match: {dns: "*.svc"}, policies: [AdministratorAccess]}
  - {name: regional, match: {dns: a.net}, policies: [Regional]}
policies:
  Regional: {Version: "1", Statement: [{Effect: Allow, Action: "ram:GetRole", Resource: "acs:ram:cn-hangzhou:*:role/a"}]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text("{}")
    return tmp_path


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> CommandLine:
    """Give the command line as on a narrow terminal with colours."""
    show_colours(monkeypatch, columns=20)
    return rolecall


def checked(rolecall: CommandLine, text: str) -> tuple[int, dict[str, Any]]:
    Path("c.yaml").write_text(text)
    outcome = rolecall("callers", "check", "c.yaml", "-o", "json")
    return outcome.code, json.loads(outcome.out)


def test_every_remark_and_every_fault_of_a_key_set_has_its_place(rolecall: CommandLine) -> None:
    code, record = checked(rolecall, REMARKS)

    assert (code, record["valid"], record["entries"]) == (2, False, 2)
    assert record["generation"] == load_callers("c.yaml").file.generation
    assert [
        (p["line"], p["column"], p["severity"], p["reason"], p["pointer"], p["finding"])
        for p in record["problems"]
        if p["reason"] != "unused-declaration"
    ] == [
        (2, 3, "error", "INVALID_KEY_SET", "/issuers/https:~1~1a~1b~0c", False),
        (3, 3, "note", "listed-host", "/issuers/https:~1~1d", True),
        (5, 5, "note", "listed-host", "/providers/0", True),
        (6, 5, "error", "INVALID_KEY_SET", "/providers/1", False),
        (8, 19, "warning", "administrators-by-wildcard", "/callers/0/match", True),
        (11, 79, "error", "region-in-ram-pattern", "/policies/Regional/Statement/0/Resource", True),
    ]
    assert [p["message"].partition("`--")[2] for p in record["problems"][1:3]] == [
        "jwks-host keys.example`",
        "jwks-host more.example`",
    ]
    assert {p["file"] for p in record["problems"]} == {"c.yaml"}


def test_a_remark_has_the_remedy_of_the_linter_and_whether_it_changes_the_meaning(rolecall: CommandLine) -> None:
    code, record = checked(rolecall, REMARKS.replace("bad.json", "none.json").partition("providers:")[0] + (
        "callers:\n  - {name: admin, match: {dns: '*.svc'}, policies: [Regional, AdministratorAccess]}\n"
        + REMARKS[REMARKS.index("policies:\n  Reg") :]
    ))  # fmt: skip

    by_reason = {problem["reason"]: problem for problem in record["problems"]}
    del by_reason["unused-declaration"]
    assert by_reason["administrators-by-wildcard"]["hint"] != ""
    assert by_reason["region-in-ram-pattern"]["hint"] != ""
    assert {reason: problem["changes_meaning"] for reason, problem in by_reason.items()} == {
        "INVALID_KEY_SET": False,
        "listed-host": False,
        "administrators-by-wildcard": False,
        "region-in-ram-pattern": True,
    }
    assert code == 2


def test_a_finding_that_is_an_error_fails_although_the_file_is_valid(rolecall: CommandLine) -> None:
    code, record = checked(rolecall, "callers:\n" + REMARKS.partition("callers:\n")[2])

    assert (code, record["valid"]) == (2, True)


def test_violations_are_all_errors_at_their_places_with_what_to_write(rolecall: CommandLine) -> None:
    text = "callers:\n  - {name: admin, match: {dns: admin.}, policies: [AdministratorAcces]}\nzzz: 1\n"
    code, record = checked(rolecall, text)

    assert (code, sorted(record), record["valid"]) == (2, ["problems", "valid"], False)
    assert [(p["line"], p["column"], p["severity"], p["reason"], p["pointer"], p["hint"]) for p in record["problems"]] == [
        (3, 1, "error", "UNKNOWN_FIELD", "/zzz", ""),
        (2, 27, "error", "INVALID_DNS_NAME", "/callers/0/match/dns", ""),
        (2, 52, "error", "UNKNOWN_POLICY", "/callers/0/policies/0", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "last", "colour"),
    [
        ("callers: [{name: a, match: {dns: a.svc}, policies: [AdministratorAccess]}]\n", "✓ c.yaml, entries: 1: no problems", "32"),
        ("callers: [{name: a, match: {dns: '*.svc'}, policies: [AdministratorAccess]}]\n", "✓ c.yaml, entries: 1: 1 remark", "32"),
        (REMARKS, "✗ c.yaml, entries: 2: 3 errors, 5 remarks", "31"),
        ("callers: 1\n", "✗ c.yaml: 1 error", "31"),
    ],
)  # fmt: skip
def test_the_last_line_counts_what_was_found_and_is_not_broken(
    colours: CommandLine, text: str, last: str, colour: str
) -> None:
    Path("c.yaml").write_text(text)

    out = colours("callers", "check", "c.yaml").out

    assert f"\x1b[{colour}m{last}\x1b[0m\n" in out
    generation = (
        "" if text == "callers: 1\n" else f"\x1b[2mgeneration {load_callers('c.yaml').file.generation}\x1b[0m\n"
    )
    assert out.endswith(f"{last}\x1b[0m\n{generation}")


@pytest.mark.parametrize(
    ("place", "location"),
    [
        ("a.yaml:2:3", ("a.yaml", 2, 3)),
        ("a\nb:4.yaml:20:30", ("a\nb:4.yaml", 20, 30)),
        ("a.yaml", ("a.yaml", 0, 0)),
        ("a.yaml:2", ("a.yaml:2", 0, 0)),
        ("", ("given.yaml", 0, 0)),
    ],
)
def test_a_place_may_have_a_line_and_a_column(place: str, location: tuple[str, int, int]) -> None:
    assert location_of(place, "given.yaml") == Location(*location)


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["admin.svc"], ['    match: {dns: "admin.svc"}']),
        (["uid:7"], ["    match: {uid: 7}"]),
        (["local"], ["    match: {local: true}"]),
        ([f"token:{'a' * 64}"], [f'    match: {{token_sha256: "{"a" * 64}"}}']),
        (["https://i s u"], ["issuers:", '  "https://i": {jwks_file: keys.json}',
            '    match: {oidc: {issuer: "https://i", subject: "s u", audience: rolecall}}']),
        (["spiffe://td.example/é"], []),
        (["spiffe://td.example/a"], ["trust_domains:", '  td.example: "ca.pem"', '    match: {spiffe: "spiffe://td.example/a"}']),
        (["spiffe://td.example/a", "--ca=my é\u2028ca.pem"], ["trust_domains:", '  td.example: "my é\\u2028ca.pem"',
            '    match: {spiffe: "spiffe://td.example/a"}']),
    ],
)  # fmt: skip
def test_a_file_to_begin_with_has_the_identity_and_who_names_it(
    rolecall: CommandLine, arguments: list[str], lines: list[str]
) -> None:
    outcome = rolecall("callers", "init", "--admin", *arguments)

    of_admin = outcome.out.partition("\n  # A service")[0].splitlines()
    shown = [
        line
        for line in of_admin
        if line and not line.startswith(("#", "callers:", "  - name: admin", "    policies: [AdministratorAccess]"))
    ]
    assert (outcome.code, shown) == (0 if lines else 2, lines)


def test_a_file_that_is_written_says_how_to_check_it(rolecall: CommandLine) -> None:
    first, second = (rolecall("callers", "init", "--admin=a.svc", "x.yaml") for _ in range(2))
    wide = rolecall("callers", "init", "--admin=*.svc")

    assert first == (0, "wrote x.yaml; check it with `rolecall callers check x.yaml`\n", "")
    assert second == (2, "", "error: `x.yaml` exists; name another file, or remove it first\n")
    assert Path("x.yaml").read_text() == rolecall("callers", "init", "--admin=a.svc").out
    assert wide == (
        2, "", "error: --admin: `*` would make every caller that matches an administrator; write one identity\n",
    )  # fmt: skip
