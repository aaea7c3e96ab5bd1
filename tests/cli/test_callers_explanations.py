"""What `callers explain` shows and prints as JSON, as a whole, for each way in which an access can be decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.cli.conftest import CommandLine, show_colours

USER = "acs:ram::123456789012:user/orders"
ROLE = "acs:ram::123456789012:role/shop-a"
CALLERS = f"""\
callers:
  - {{name: orders, match: {{dns: orders.svc}}, principal: {USER}, policies: [Shop, Guard]}}
  - {{name: every, match: {{dns: "*.svc"}}, policies: [Guard]}}
  - {{name: twin, match: {{dns: twin.net}}, principal: {USER}, policies: [Guard]}}
  - {{name: other-twin, match: {{dns: twin.net}}, principal: {USER}2, policies: [Guard]}}
policies:
  Shop:
    Version: "1"
    Statement:
      - Sid: Own
        Effect: Allow
        Action: "ram:CreateRole"
        Resource: "acs:ram:*:123456789012:role/shop-*"
        Condition: {{StringEquals: {{"acs:ResourceTag/team": shop}}, Bool: {{"acs:SecureTransport": "true"}}}}
      - {{Effect: Allow, Action: "*", Resource: "acs:ram:*:123456789012:role/*"}}
  Guard:
    Version: "1"
    Statement:
      - {{Effect: Deny, Action: "ram:DeleteRole", Resource: "*"}}
"""
OF_ORDERS = ["caller orders.svc", f"is {USER}", "entries orders, every", "policies Shop, Guard"]
TEAM, TLS = "`acs:ResourceTag/team` is `shop`", "`acs:SecureTransport` is `true`"

Explain = Callable[..., Any]


@pytest.fixture
def explain(rolecall: CommandLine, tmp_path: Path) -> Explain:
    (tmp_path / "callers.yaml").write_text(CALLERS)

    def explain(*arguments: str) -> Any:
        return rolecall("callers", "explain", "--callers", str(tmp_path / "callers.yaml"), "--as", *arguments)

    return explain


@pytest.mark.parametrize(
    ("arguments", "code", "lines", "rows"),
    [
        (("orders.svc", "ram:CreateRole", ROLE, "--context=acs:ResourceTag/team=shop"), 0, ["✓ ALLOWED", *OF_ORDERS], [
            "Shop 0 Own Allow applies", "Shop 1 Allow applies", "Guard 0 Deny another action"]),
        (("orders.svc", "ram:CreateRole", ROLE), 0, ["✓ ALLOWED", *OF_ORDERS, "missing acs:ResourceTag/team"], [
            f"Shop 0 Own Allow does not hold: {TEAM}", "Shop 1 Allow applies", "Guard 0 Deny another action"]),
        (("orders.svc", "ram:CreateRole", "acs:ram::9:role/x"), 1, [
            "✗ DENIED IMPLICIT_DENY: no Allow statement applies", *OF_ORDERS], [
            "Shop 0 Own Allow another resource", "Shop 1 Allow another resource", "Guard 0 Deny another action"]),
        (("orders.svc", "ram:DeleteRole", ROLE), 1, ["✗ DENIED EXPLICIT_DENY: a Deny statement applies", *OF_ORDERS], [
            "Shop 0 Own Allow another action", "Shop 1 Allow applies", "Guard 0 Deny applies"]),
        (("orders.svc", "rolecall:Watch", ROLE), 1, ["✗ DENIED IMPLICIT_DENY: no Allow statement applies", *OF_ORDERS], [
            "Shop 0 Own Allow another action",
            "Shop 1 Allow actions `rolecall:` need a pattern that begins with `rolecall:`",
            "Guard 0 Deny another action"]),
        (("a.svc", "ram:GetRole"), 1, [
            "✗ DENIED IMPLICIT_DENY: no Allow statement applies", "caller a.svc", "entries every", "policies Guard"], [
            "Guard 0 Deny another action"]),
        (("x.net", "ram:GetRole"), 1, ["✗ DENIED IMPLICIT_DENY: no entry matches this caller", "caller x.net"], []),
    ],
)  # fmt: skip
def test_people_see_who_the_caller_is_and_what_each_statement_does(
    explain: Explain, arguments: tuple[str, ...], code: int, lines: list[str], rows: list[str]
) -> None:
    outcome = explain(*arguments)

    shown = [" ".join(line.split()) for line in outcome.out.splitlines()]
    head, line, *table = shown[len(lines) :] or ["", ""]
    assert (outcome.code, outcome.err, shown[: len(lines)]) == (code, "", lines)
    assert (head, set(line)) == (("POLICY STATEMENT EFFECT RESULT", {"─"}) if rows else ("", set()))
    assert table == rows


def test_a_caller_of_two_entries_that_contradict_each_other_sees_why_it_is_refused(explain: Explain) -> None:
    outcome = explain("twin.net", "ram:GetRole")

    record = json.loads(explain("twin.net", "ram:GetRole", "-o", "json").out)
    assert record["refusal"] == "its entries name different principals"
    assert outcome.out.splitlines()[0] == "✗ DENIED  IMPLICIT_DENY: its entries name different principals"


def statement(policy: str, index: int, effect: str, **more: Any) -> dict[str, Any]:
    return {
        "policy": policy, "index": index, "sid": "", "effect": effect, "applies": False, "action_matches": False,
        "resource_matches": True, "out_of_reach": False, "conditions": [], **more,
    }  # fmt: skip


def test_programs_get_every_fact_of_an_allowed_access(explain: Explain) -> None:
    outcome = explain("orders.svc", "ram:CreateRole", ROLE, "-o", "json")

    conditions = [{"clause": TEAM, "holds": False}, {"clause": TLS, "holds": True}]
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out) == {
        "allowed": True, "outcome": "ALLOW", "caller": "orders.svc", "action": "ram:CreateRole", "resource": ROLE, "principal": USER,
        "entries": ["orders", "every"], "policies": ["Shop", "Guard"], "refusal": "", "missing_keys": ["acs:ResourceTag/team"],
        "statements": [
            statement("Shop", 0, "Allow", sid="Own", action_matches=True, conditions=conditions),
            statement("Shop", 1, "Allow", applies=True, action_matches=True),
            statement("Guard", 0, "Deny"),
        ],
    }  # fmt: skip


def test_programs_get_every_fact_of_a_denied_access(explain: Explain) -> None:
    outcome = explain("orders.svc", "rolecall:Watch", "-o", "json", "--context=acs:ResourceTag/team=shop")

    conditions = [{"clause": TEAM, "holds": True}, {"clause": TLS, "holds": True}]
    assert (outcome.code, outcome.err) == (1, "")
    assert json.loads(outcome.out) == {
        "allowed": False, "outcome": "IMPLICIT_DENY", "caller": "orders.svc", "action": "rolecall:Watch", "resource": "*",
        "principal": USER, "entries": ["orders", "every"], "policies": ["Shop", "Guard"], "refusal": "", "missing_keys": [],
        "statements": [
            statement("Shop", 0, "Allow", sid="Own", resource_matches=False, conditions=conditions),
            statement("Shop", 1, "Allow", resource_matches=False, out_of_reach=True),
            statement("Guard", 0, "Deny"),
        ],
    }  # fmt: skip


def test_programs_get_empty_facts_of_a_caller_that_no_entry_matches(explain: Explain) -> None:
    assert json.loads(explain("x.net", "ram:GetRole", "-o", "json").out) == {
        "allowed": False, "outcome": "IMPLICIT_DENY", "caller": "x.net", "action": "ram:GetRole", "resource": "*", "principal": "",
        "entries": [], "policies": [], "refusal": "", "missing_keys": [], "statements": [],
    }  # fmt: skip


def test_a_token_is_explained_with_the_certificate_beside_which_it_arrives(explain: Explain, tmp_path: Path) -> None:
    token = "a" * 64
    (tmp_path / "callers.yaml").write_text(
        "callers:\n"
        f"  - {{name: by-proxy, match: {{token_sha256: {token}}}, via: {{dns: proxy.svc}}, policies: [RolecallDecider]}}\n"
        f"  - {{name: alone, match: {{token_sha256: {token}}}, policies: [RolecallAuditor]}}\n"
    )

    def entries(*options: str) -> list[str]:
        record = json.loads(explain(f"token:{token}", "ram:GetRole", *options, "-o", "json").out)
        return list(record["entries"])

    assert [entries(), entries("--via=proxy.svc"), entries("--via=other.svc")] == [["alone"], ["by-proxy"], []]


def test_a_key_without_a_value_is_refused(explain: Explain) -> None:
    assert explain("local", "ram:GetRole", "--context=team") == (
        2, "", "error: --context takes KEY=VALUE, not `team`\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("identity", "match", "secure"),
    [
        ("spiffe://td/a", "{spiffe: spiffe://td/a}", True),
        ("a.svc", "{dns: a.svc}", True),
        ("https://i me", "{oidc: {issuer: https://i, subject: me, audience: x}}", True),
        (f"token:{'a' * 64}", f"{{token_sha256: {'a' * 64}}}", True),
        ("uid:7", "{uid: 7}", False),
        ("local", "{local: true}", False),
    ],
)
def test_who_comes_over_the_network_comes_over_tls(
    explain: Explain, tmp_path: Path, identity: str, match: str, secure: bool
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    statement = (
        '{Effect: Allow, Action: "ram:GetRole", Resource: "*", Condition: {Bool: {"acs:SecureTransport": "true"}}}'
    )
    (tmp_path / "callers.yaml").write_text(
        "trust_domains: {td: ca.pem}\nissuers: {'https://i': {jwks_file: keys.json}}\n"
        f"callers: [{{name: a, match: {match}, policies: [OverTls]}}]\n"
        f"policies: {{OverTls: {{Version: '1', Statement: [{statement}]}}}}\n"
    )

    assert explain(identity, "ram:GetRole").code == (0 if secure else 1)


def test_the_outcome_is_bold_in_its_colour_and_no_sentence_is_broken_on_a_narrow_terminal(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_colours(monkeypatch, columns=20)

    allowed = explain("orders.svc", "ram:CreateRole", ROLE).out
    denied = explain("a-caller-with-a-long-name.net", "ram:GetRole").out

    assert allowed.startswith("\x1b[1;32m✓ ALLOWED\x1b[0m\n")
    assert f"  is       {USER}\n" in allowed
    assert denied == (
        "\x1b[1;31m✗ DENIED  IMPLICIT_DENY: no entry matches this caller\x1b[0m\n  caller   a-caller-with-a-long-name.net\n"
    )


def test_every_key_that_is_missing_is_named(explain: Explain, tmp_path: Path) -> None:
    statements = "".join(
        f'      - {{Effect: Allow, Action: "ram:GetRole", Resource: "*", Condition: {{StringEquals: {{"app:{key}": x}}}}}}\n'
        for key in "ab"
    )
    (tmp_path / "callers.yaml").write_text(
        "callers: [{name: a, match: {dns: a.svc}, policies: [Keys]}]\n"
        f'policies:\n  Keys:\n    Version: "1"\n    Statement:\n{statements}'
    )

    assert "  missing  app:a, app:b\n" in explain("a.svc", "ram:GetRole").out
