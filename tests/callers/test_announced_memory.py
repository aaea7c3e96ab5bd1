"""What is remembered of callers and their rights has the limits that `docs/caching.md` and `docs/security.md` announce."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.callers import comparison, directory as directories, granted, observation, remembered_rights
from rolecall.callers.credential import LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.observation import ObservePeriod
from tests.callers.files import callers, entry
from tests.callers.test_directory import CHECK, CREATE, ORDERS_CREDENTIAL, ROLE, UNTIL_MICROS, orders

DOCS = Path(__file__).parents[2] / "docs"
MIB = 1024**2

ROWS = {
    "(`CallerDirectory`": (
        f"| {directories.MAX_KNOWN_CALLERS:,} callers, {directories.MAX_KNOWN_CALLERS_BYTES / MIB:.12g} MiB |",
    ),
    "(`RememberedRights`": (
        f"| {remembered_rights.MAX_REMEMBERED_RIGHTS:,} answers,",
        f" {remembered_rights.MAX_REMEMBERED_RIGHTS_BYTES / MIB:.12g} MiB |",
    ),
    "(`PolicySet`": (f"| {granted.MAX_KNOWN_ACTIONS} actions of each combination",),
    "(`CallersGeneration`": (f"| {granted.MAX_POLICY_SETS:,} combinations |",),
}


def used() -> ObservePeriod:
    """Ask a directory about a right that an entry gives, and about one that it does not."""
    observe = ObservePeriod(UNTIL_MICROS, lambda *_: None)
    caller = orders(CallerDirectory(callers(entry()), observe=observe, clock=lambda: 0))
    assert caller.allows(CHECK, ROLE)
    assert caller.allows(CREATE, ROLE)
    return observe


@pytest.mark.parametrize("what", ROWS)
def test_what_is_remembered_has_the_announced_limit(what: str) -> None:
    assert used().denials == {CREATE: 1}
    (row,) = [line for line in (DOCS / "caching.md").read_text().splitlines() if what in line and line.startswith("|")]

    for sentence in ROWS[what]:
        assert sentence in row


def test_the_observe_period_has_the_announced_limits() -> None:
    observe = used()
    observe.note(ORDERS_CREDENTIAL, CREATE, ROLE)
    page = (DOCS / "security.md").read_text()

    assert f"{observation.MAX_OBSERVE_DAYS} days ahead at most" in page
    assert f"up to {observation.MAX_REPORTED_DENIALS:,} of these" in page


def test_the_first_denial_of_each_caller_and_action_is_reported_and_every_one_is_counted() -> None:
    reported = list[tuple[str, str, str]]()
    observe = ObservePeriod(UNTIL_MICROS, lambda *denial: reported.append(denial))

    for resource in (ROLE, f"{ROLE}-2"):
        for credential in (ORDERS_CREDENTIAL, LOCAL):
            for action in (CREATE, CHECK):
                observe.note(credential, action, resource)

    assert reported == [
        (ORDERS_CREDENTIAL.identity, CREATE, ROLE),
        (ORDERS_CREDENTIAL.identity, CHECK, ROLE),
        ("local", CREATE, ROLE),
        ("local", CHECK, ROLE),
    ]
    assert observe.denials == {CREATE: 4, CHECK: 4}


def test_the_error_of_a_comparison_that_is_too_large_says_the_limit() -> None:
    assert "more than 50,000,000 combinations" in str(comparison.TooMuchToCompareError())
