"""What the errors of the decision point say, and the facts that they have as attributes."""

from __future__ import annotations

from math import inf
from typing import Any

from rolecall.engine import errors
from rolecall.engine.decision_point import LongWorkError
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.errors import FieldViolation
from tests.engine.world import ACCOUNT, role

VIOLATIONS = [FieldViolation(field=name, reason="REQUIRED", message=f"give {name}") for name in ("one", "two")]
ARN = f"acs:ram::{ACCOUNT}:role/app"


def made() -> list[tuple[Exception, str, dict[str, Any]]]:
    """Return each error with its text and its facts."""
    return [
        (errors.InvalidRequestError(VIOLATIONS), "one: give one; two: give two", {"violations": tuple(VIOLATIONS)}),
        (errors.BatchSizeError(0, 1_000), "a batch must have 1 to 1000 queries, not 0", {"given": 0, "limit": 1_000}),
        (
            errors.FutureRevisionError(7, 5, field="at_revision"),
            "`at_revision` requires revision 7, but the store is at 5: it is not written yet, or belongs to another history",
            {"wanted": 7, "head": 5},
        ),
        (
            errors.RevisionNotReachedError(7, 5, field="consistency.at_least_as_fresh", why="why"),
            "`consistency.at_least_as_fresh` requires revision 7, and this server is at 5: why; retry, or use minimize_latency",
            {"wanted": 7, "reached": 5},
        ),
        (
            errors.RevisionNotReachedError(None, 5, field="consistency.fully_consistent", why="why"),
            (
                "`consistency.fully_consistent` requires the newest revision of the store, and this server is at 5: why;"
                " retry, or use minimize_latency"
            ),
            {"wanted": None, "reached": 5},
        ),
        (
            errors.RevisionNotReachedError(7, 5, field="start_token", why="why"),
            "`start_token` requires revision 7, and this server is at 5: why; retry",
            {"wanted": 7, "reached": 5},
        ),
        (
            errors.StaleStateError(2.5, 1.0),
            "the state may be 2.5 seconds stale; the limit is 1; retry on another replica",
            {"age_seconds": 2.5, "limit_seconds": 1.0},
        ),
        (
            errors.StaleStateError(inf, 1.0),
            "the state is of an unknown age; the limit is 1; retry on another replica",
            {"age_seconds": inf, "limit_seconds": 1.0},
        ),
        (
            errors.InitialStateTooSlowError(60.0),
            "the initial state was not read within 60 seconds, and others need its memory; start over, and read faster",
            {"limit_seconds": 60.0},
        ),
        (
            errors.UnreadablePolicyError(ARN),
            f"the stored trust policy of `{ARN}` cannot be read by this version",
            {"arn": ARN},
        ),
        (
            errors.QuestionTooCostlyError(ARN, 9, 8),
            (
                f"these values take 9 units of work with the trust policy of `{ARN}`, 8 are allowed; send fewer or shorter values,"
                " or use fewer patterns and conditions in the policy"
            ),
            {"arn": ARN, "work": 9, "limit": 8},
        ),
        (errors.ChangeGapError(5, 7), "commit 7 does not follow revision 5", {"reached": 5, "given": 7}),
        (
            errors.UpstreamOnlyError("why"),
            "only the server that this agent follows can answer this: why",
            {"why": "why", "freshness": False},
        ),
        (
            errors.UpstreamOnlyError("why", freshness=True),
            "only the server that this agent follows can answer this: why",
            {"why": "why", "freshness": True},
        ),
        (errors.NotAvailableError("a list"), "a list is not available in this version", {}),
    ]


def test_an_error_says_what_is_wrong_and_has_its_facts() -> None:
    for error, text, facts in made():
        assert str(error) == text
        assert vars(error) == facts


def test_every_error_of_the_decision_point_is_among_them() -> None:
    defined = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}

    assert defined - {errors.EngineError} == {type(error) for error, _, _ in made()}


def test_only_what_is_put_to_the_followed_server_is_no_error_of_the_decision_point() -> None:
    others = {type(error) for error, _, _ in made() if not isinstance(error, errors.EngineError)}

    assert others == {errors.UpstreamOnlyError}


def test_long_work_names_the_role_and_has_its_version() -> None:
    version = RoleVersion(role("{}"))

    error = LongWorkError(version)

    assert (str(error), error.version) == (f"the answer about `{ARN}` needs long work", version)
    assert not isinstance(error, errors.EngineError)
