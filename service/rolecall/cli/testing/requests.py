"""Make the request of a case, and report its problems at the fields of the case."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rolecall.cli.options.request import RequestOptions
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.testing.cases import Case, ContextValues
from rolecall.cli.testing.role_set import ALIAS_HINT, RoleSet
from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.request import AssumeRoleRequest
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall_client.queries import query

# The keys of a case file that are named otherwise than the fields of a violation.
_KEYS = {
    "principal": "as",
    "federated.provider_arn": "as",
    "identity": "as",
    "role_session_name": "session_name",
    "duration_seconds": "duration",
    "federated.claims": "claims",
    "context": "context",
}
_FIELD = re.compile(r"(?P<name>[a-z_.]+)(?:\[.*)?", re.DOTALL)


def request_of(case: Case, role_set: RoleSet) -> AssumeRoleRequest:
    """Return the request of a case; raise `ProblemsError`."""
    try:
        return role_set.decoder.read(
            query(
                case.who,
                case.role,
                claims=case.claims,
                context=case.context,
                duration_seconds=case.duration,
                role_session_name=case.session_name,
                external_id=case.external_id,
                source_identity=case.source_identity,
                account_id=_account(case, role_set),
            )
        )
    except ValueError as error:
        raise ProblemsError([_problem(case, case.location_of("as"), str(error))]) from None
    except InvalidRequestError as error:
        raise ProblemsError(_at_fields(error, case, _unknown_account(case, role_set))) from None


def request_problems(error: InvalidRequestError, case: Case) -> ProblemsError:
    """Return the problems of a request at the fields of its case."""
    return ProblemsError(_at_fields(error, case))


def options_of(case: Case) -> RequestOptions:
    """Return the request as the options of `rolecall explain`."""
    return RequestOptions(
        as_=case.who,
        role=case.role,
        claim=list(_pairs(case.claims)),
        context=list(_pairs(case.context)),
        external_id=case.external_id,
        session_name=case.session_name,
        source_identity=case.source_identity,
        duration=case.duration,
    )


def _unknown_account(case: Case, role_set: RoleSet) -> Problem | None:
    """Return the problem of a role in an unknown account, in the words of a role file, so that it is reported once."""
    try:
        role_set.accounts.role(case.role)
    except InvalidFieldsError as error:
        for violation in error.violations:
            if violation.reason == "INVALID_ACCOUNT_ID":
                message = f"account_id {violation.message.removeprefix('account ')}"
                at = case.location_of("role")
                return Problem(location=at, message=message, reason=violation.reason, hint=ALIAS_HINT)
    return None


def _account(case: Case, role_set: RoleSet) -> str:
    try:
        return role_set.accounts.role(case.role).account_id
    except InvalidFieldsError:
        return role_set.accounts.default  # the decoder reports the invalid role


def _at_fields(error: InvalidRequestError, case: Case, unknown_account: Problem | None = None) -> Iterator[Problem]:
    for violation in error.violations:
        key = _key_of(violation)
        if key == "role" and unknown_account:
            yield unknown_account
            continue
        location = case.locations.get(violation.field.removeprefix("federated.")) or case.location_of(key)
        message = violation.message.replace("`federated.claims`", "`claims`")
        yield _problem(case, location, f"`{key}`: {message}", violation.reason)


def _key_of(violation: FieldViolation) -> str:
    match = _FIELD.match(violation.field)
    return _KEYS.get(match["name"] if match else "", violation.field)


def _problem(case: Case, location: Location, message: str, reason: str = "") -> Problem:
    return Problem(location=location, message=f"case `{case.name}`: {message}", reason=reason)


def _pairs(values: ContextValues) -> Iterator[str]:
    for key, texts in values.items():
        yield from (f"{key}={text}" for text in texts)
