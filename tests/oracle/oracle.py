"""A second, naive reading of the trust-policy language: slow, obvious, and independent of the product.

It reads well-formed documents and well-formed requests in the form of the vectors, and loops over them. Nothing is compiled,
indexed or cached, and nothing of the product is imported, so that an error of one is not an error of the other.
"""

from __future__ import annotations

from typing import Any

from tests.oracle.conditions import condition_holds, instants_of_change, lowered, microseconds_of
from tests.oracle.principals import Requester, is_named_by, requester_of

Request = dict[str, Any]
Answer = dict[str, Any]

CURRENT_TIME = "acs:CurrentTime"
LAST_INSTANT = "9999-12-31T23:59:59.999999Z"


def decide(document: Any, request: Request) -> Answer:
    """Return the answer of `document` to `request`, in the form of a decision vector's `expect`.

    `valid_until` is in microseconds since 1970 here, or None.
    """
    account = request["role"]["arn"].split(":")[3]
    requester = requester_of(request, account)
    if requester.kind == "root":
        return _answer("ROOT_NOT_ALLOWED", [], set(), None)
    keys = keys_of(request, requester)
    denying: list[str] = []
    allowing: list[str] = []
    missing: set[str] = set()
    ends: list[int] = []
    for index, statement in enumerate(document["Statement"]):
        if not _counts(statement, requester, account):
            continue
        missing |= keys_that_lack(statement, keys)
        ends += ends_of(statement, keys)
        if conditions_hold(statement, keys):
            (denying if statement["Effect"] == "Deny" else allowing).append(f"/Statement/{index}")
    until = min(ends, default=None)
    if denying:
        return _answer("EXPLICIT_DENY", denying, missing, until)
    if allowing:
        return _answer("ALLOW", allowing, missing, until)
    return _answer("IMPLICIT_DENY", [], missing, until)


def keys_of(request: Request, requester: Requester) -> dict[str, list[str]]:
    """Return every condition key of the request, sent or derived; a key without values is left out."""
    keys: dict[str, list[str]] = dict(request.get("context", {}))
    keys |= request.get("federated", {}).get("claims", {})
    keys[CURRENT_TIME] = [request["time"]]
    if requester.arn:
        keys["acs:PrincipalARN"] = [requester.arn]
    for field, key in (
        ("external_id", "sts:ExternalId"),
        ("role_session_name", "sts:RoleSessionName"),
        ("source_identity", "sts:SourceIdentity"),
    ):
        if request.get(field):
            keys[key] = [request[field]]
    for name, value in request["role"].get("tags", {}).items():
        keys[f"acs:ResourceTag/{name}"] = [value]
    return {key: values for key, values in keys.items() if values}


def _answer(reason: str, determining: list[str], missing: set[str], until: int | None) -> Answer:
    return {
        "allowed": reason == "ALLOW",
        "reason": reason,
        "determining": determining,
        "missing_keys": sorted(missing),
        "valid_until": until,
    }


def _counts(statement: Any, requester: Requester, account: str) -> bool:
    """Return whether the statement is about assuming a role, and names the requester."""
    actions = _listed(statement["Action"])
    if "sts:assumerole" not in [action.lower() for action in actions]:
        return False
    for texts in statement["Principal"].values():
        for text in _listed(texts):
            if is_named_by(requester, text, account):
                return True
    return False


def _conditions(statement: Any) -> list[tuple[str, str, list[str]]]:
    found = []
    for operator, members in statement.get("Condition", {}).items():
        for spelling, values in members.items():
            key = "acs:PrincipalARN" if spelling == "acs:PrincipalArn" else spelling
            found.append((operator, key, [_text(value) for value in _listed(values)]))
    return found


def conditions_hold(statement: Any, keys: dict[str, list[str]]) -> bool:
    """Return whether every condition of a statement holds."""
    denies = statement["Effect"] == "Deny"
    for operator, key, expected in _conditions(statement):
        values = keys.get(key, [])
        # Role names compare without regard to case everywhere.
        of_role = key == "acs:PrincipalARN" and any(":role/" in value for value in values)
        wanted, given = (lowered(expected), lowered(values)) if of_role else (expected, values)
        if not condition_holds(operator, wanted, given, unreadable=denies):
            return False
    return True


def keys_that_lack(statement: Any, keys: dict[str, list[str]]) -> set[str]:
    """Return the keys that a statement reads and a request lacks."""
    return {key for _, key, _ in _conditions(statement) if key not in keys}


def ends_of(statement: Any, keys: dict[str, list[str]]) -> list[int]:
    """Return the later instants at which a condition on the time changes its answer."""
    now = microseconds_of(keys[CURRENT_TIME][0])
    changes = []
    for operator, key, expected in _conditions(statement):
        if key == CURRENT_TIME:
            changes += instants_of_change(operator, expected)
    # No clock shows a later time.
    return [instant for instant in changes if now < instant <= microseconds_of(LAST_INSTANT)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    """Return a JSON scalar as the text that the document has for it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
