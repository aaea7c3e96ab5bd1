"""The colours of answers on a terminal: green for what is allowed, red for what is denied or in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.case_files import VALID
from tests.cli.conftest import CommandLine, show_colours
from tests.cli.test_answers import WHO, changed, condition, decided, printed, statement

GREEN, RED, YELLOW, DIM, BOLD_GREEN, BOLD_RED, BOLD_YELLOW = "32", "31", "33", "2", "1;32", "1;31", "1;33"


@pytest.fixture
def coloured(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Give the command line as on a terminal with colours."""
    show_colours(monkeypatch, columns=200)
    return rolecall


def colour(colour: str, text: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


@pytest.mark.parametrize(
    ("effect", "applies", "title", "verdict", "sign"),
    [
        ("Allow", True, (BOLD_GREEN, "✓ Allow"), (GREEN, "applies"), (GREEN, "✓")),
        ("Allow", False, (BOLD_RED, "✗ Allow"), (RED, "does not apply"), (BOLD_RED, "✗")),
        ("Deny", True, (BOLD_RED, "✓ Deny"), (RED, "applies"), (RED, "✓")),
        ("Deny", False, ("1;2", "✗ Deny"), (DIM, "does not apply"), (DIM, "✗")),
    ],
)
def test_the_colour_of_a_statement_says_whether_it_stands_in_the_way(
    coloured: CommandLine,
    effect: str,
    applies: bool,
    title: tuple[str, str],
    verdict: tuple[str, str],
    sign: tuple[str, str],
) -> None:
    trace = statement(effect, condition(holds=applies, key="app:Only"), applies=applies)
    answer = d.ExplainAssumeRoleResponse(decision=d.Decision(), statements=[trace])

    out = "\n".join(printed(coloured, "explain", WHO, "--role=App", ExplainAssumeRole=answer)[1])

    assert colour(*title) in out
    assert colour(*verdict) in out
    assert f"{colour(*sign)} StringEquals" in out


def test_absent_and_unreadable_values_are_yellow(coloured: CommandLine) -> None:
    trace = statement("Allow", condition(present=False), condition(actual=["x"], unreadable=True))
    answer = d.ExplainAssumeRoleResponse(decision=d.Decision(), statements=[trace])

    out = "\n".join(printed(coloured, "explain", WHO, "--role=App", ExplainAssumeRole=answer)[1])

    assert colour(YELLOW, "absent") in out
    assert colour(YELLOW, " (unreadable to StringEquals)") in out


@pytest.mark.parametrize(("allowed", "headline"), [(True, (BOLD_GREEN, "✓ ALLOWED")), (False, (BOLD_RED, "✗ DENIED"))])
def test_a_headline_is_green_or_red(coloured: CommandLine, allowed: bool, headline: tuple[str, str]) -> None:
    _, out, _ = printed(coloured, "check", WHO, "--role=App", CheckAssumeRole=decided(allowed=allowed))

    assert out[0].startswith(colour(*headline))


@pytest.mark.parametrize(
    ("kind", "sign", "colour_"),
    [
        (r.CHANGE_KIND_CREATED, "+", GREEN),
        (r.CHANGE_KIND_UPDATED, "~", YELLOW),
        (r.CHANGE_KIND_DELETED, "-", RED),
    ],
)
def test_a_change_has_the_colour_of_its_kind(
    coloured: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, sign: str, colour_: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(f"apiVersion: rolecall/v1\nname: a\ntrust_policy_json: '{VALID}'\n")
    answer = r.ApplyRolesResponse(changes=[changed(kind, "a", "@@ -1 +1 @@\n-old\n+new")])

    _, out, _ = printed(coloured, "apply", "-f", "r.yaml", ApplyRoles=answer)

    assert out[0] == colour(f"1;{colour_}", f"{sign} ") + colour(colour_, "acs:ram::42:role/a")
    if kind == r.CHANGE_KIND_UPDATED:
        assert out[1:4] == [
            colour("36", "    @@ -1 +1 @@"),
            colour(RED, "    -old"),
            colour(GREEN, "    +new"),
        ]


def test_the_outcomes_of_a_reverse_query_have_colours(coloured: CommandLine) -> None:
    roles = [
        d.AssumableRole(role_arn="allowed", outcome=d.ASSUMABILITY_ALLOW),
        d.AssumableRole(role_arn="depends", outcome=d.ASSUMABILITY_CONDITIONAL),
    ]
    grants = [d.TrustGrant(principal_pattern=effect, effect=effect) for effect in ("Allow", "Deny")]

    _, assumable, _ = printed(coloured, "what-can", WHO, ListAssumableRoles=d.ListAssumableRolesResponse(roles=roles))
    _, trusted, _ = printed(
        coloured, "who-can", "App", ListTrustedPrincipals=d.ListTrustedPrincipalsResponse(grants=grants)
    )

    assert assumable[2].startswith(f"\x1b[{GREEN}mallowed")
    assert assumable[3].startswith(f"\x1b[{YELLOW}mdepends")
    assert trusted[2].startswith("Allow")
    assert trusted[3].startswith(f"\x1b[{RED}mDeny")
