"""What is asked about: one action on one resource, written out without wildcards."""

from __future__ import annotations

import re
from typing import NamedTuple

from rolecall.policy.permission.limits import MAX_ACTION_CHARACTERS, MAX_PART_CHARACTERS, MAX_RESOURCE_CHARACTERS
from rolecall.policy.permission.patterns import EVERYTHING
from rolecall.policy.readers import fold
from rolecall.policy.wildcard import CharacterPlaces
from rolecall.policy.wording import quoted

_ACTION = re.compile(rf"(?=.{{1,{MAX_ACTION_CHARACTERS}}}\Z)[A-Za-z0-9_-]+:[A-Za-z0-9_.-]+", re.ASCII)
_PART = rf"[^:*?]{{0,{MAX_PART_CHARACTERS}}}"
_RESOURCE = re.compile(rf"acs:(?!:)({_PART}):({_PART}|\*):({_PART}):([^*?]*)(\*?)", re.DOTALL)


class Access(NamedTuple):
    """One action, in lower case, on one resource, cut into its parts; without a `product` the call names no resource.

    `relative_id` is in lower case if the resource is a role of product `ram`, since role names compare so everywhere. `places` are
    those of its characters, shared by all patterns. With `is_prefix` every resource whose relative id begins with
    `relative_id` is asked about together.
    """

    action: str
    product: str
    region: str
    account: str
    relative_id: str
    places: CharacterPlaces
    is_prefix: bool


def read_access(action: str, resource: str) -> Access:
    """Return an access; raise `ValueError` if it is not written out.

    A resource is `*` for a call that names none, else `acs:PRODUCT:REGION:ACCOUNT_ID:RELATIVE_ID`. The region of product `ram` is
    empty; `*` in its place is read as empty. `*` at the end asks about all resources that begin so: only an Allow of all of them
    allows, and a Deny of one of them denies.
    """
    if not _ACTION.fullmatch(action):
        raise ValueError(
            f"the action {quoted(action)} is not written out; write `PRODUCT:Name` such as `ram:GetRole`,"
            f" of at most {MAX_ACTION_CHARACTERS} characters"
        )
    if resource == EVERYTHING:
        return Access(fold(action), "", "", "", "", CharacterPlaces(""), is_prefix=False)
    found = _RESOURCE.fullmatch(resource) if len(resource) <= MAX_RESOURCE_CHARACTERS else None
    if found is None or (found[2] == EVERYTHING and found[1] != "ram"):
        raise ValueError(
            f"the resource {quoted(resource)} is not written out; write `acs:PRODUCT:REGION:ACCOUNT_ID:RELATIVE_ID` such as"
            f" `acs:ram::123456789012:role/shop`, of at most {MAX_RESOURCE_CHARACTERS} characters"
            f" ({MAX_PART_CHARACTERS} in each part before the last), or `*` for none"
        )
    product, region, account, relative_id, star = found.groups()
    if product == "ram":
        region = region if region != EVERYTHING else ""
        relative_id = fold(relative_id) if relative_id.startswith("role/") else relative_id
    return Access(
        fold(action), product, region, account, relative_id, CharacterPlaces(relative_id), is_prefix=bool(star)
    )
