from __future__ import annotations

import pytest

from rolecall.policy.errors import InvalidPolicyError
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.commands import CreateRole
from rolecall.roles.errors import InvalidFieldsError
from tests.roles.policies import BROKEN_POLICY, POLICY, SCOPE, author, create, new_id

NAME_LENGTH = ("role_name", "ROLE_NAME_LENGTH", "InvalidParameter.RoleName.Length")
NAME_CHARACTERS = ("role_name", "ROLE_NAME_CHARACTERS", "InvalidParameter.RoleName.InvalidChars")
DESCRIPTION = ("description", "DESCRIPTION_LENGTH", "InvalidParameter.Description.Length")
SESSION = ("max_session_duration_seconds", "MAX_SESSION_DURATION_RANGE", "InvalidParameter.MaxSessionDuration")
UNICODE = ("description", "INVALID_UNICODE", "")


def violations(catalog: RoleCatalog, **fields: object) -> list[tuple[str, str, str]]:
    command = CreateRole(**{"role_name": "App", "document": POLICY, **fields})  # type: ignore[arg-type]
    with pytest.raises(InvalidFieldsError) as caught:
        catalog.create(command, author(), SCOPE)
    assert str(caught.value).isprintable()
    return [(v.field, v.reason, v.ram_code) for v in caught.value.violations]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"role_name": ""}, [NAME_LENGTH]),
        ({"role_name": "a" * 65}, [NAME_LENGTH]),
        ({"role_name": "a_b"}, [NAME_CHARACTERS]),
        ({"role_name": "app\n"}, [NAME_CHARACTERS]),
        ({"role_name": "аdmin"}, [NAME_CHARACTERS]),  # noqa: RUF001 — Cyrillic, on purpose
        ({"role_name": "é" * 65}, [NAME_LENGTH, NAME_CHARACTERS]),
        ({"role_name": "a/b"}, [NAME_CHARACTERS]),
        ({"description": "x" * 1_025}, [DESCRIPTION]),
        ({"description": "a\0b"}, [UNICODE]),
        ({"description": "a\ud800"}, [UNICODE]),
        ({"max_session_duration_seconds": 3_599}, [SESSION]),
        ({"max_session_duration_seconds": 43_201}, [SESSION]),
        ({"max_session_duration_seconds": -1}, [SESSION]),
        ({"tags": {str(n): "" for n in range(21)}}, [("tags", "TOO_MANY_TAGS", "")]),
        ({"tags": {"": ""}}, [("tags", "TAG_KEY_LENGTH", "")]),
        ({"tags": {"k" * 129: ""}}, [("tags", "TAG_KEY_LENGTH", "")]),
        ({"tags": {"k": "v" * 257}}, [("tags", "TAG_VALUE_LENGTH", "")]),
        ({"tags": {"acs:k": ""}}, [("tags", "TAG_KEY_RESERVED", "")]),
        ({"tags": {"Aliyun-k": ""}}, [("tags", "TAG_KEY_RESERVED", "")]),
        ({"tags": {"see http://x": ""}}, [("tags", "TAG_KEY_URL", "")]),
        ({"tags": {"k": "\0"}}, [("tags", "INVALID_UNICODE", "")]),
        ({"account_id": "nobody"}, [("account_id", "INVALID_ACCOUNT_ID", "")]),
        ({"account_id": "123456789012****"}, [("account_id", "MASKED_ACCOUNT_ID", "")]),
    ],
)
def test_a_field_out_of_its_grammar_is_refused(
    catalog: RoleCatalog, fields: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    assert violations(catalog, **fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "a" * 64},
        {"name": "A.b-9"},
        {"description": "x" * 1_024},
        {"description": "\u202e zero\u200bwidth \x1b"},
        {"max_session_duration_seconds": 3_600},
        {"max_session_duration_seconds": 43_200},
        {"tags": {"k" * 128: "v" * 256, "e": "", "u": "http://x"} | {str(n): "" for n in range(17)}},
        {"account_id": "prod"},
    ],
)
def test_a_field_at_its_limit_is_accepted(catalog: RoleCatalog, fields: dict[str, object]) -> None:
    assert create(catalog, **fields).revision == 1  # type: ignore[arg-type]


def test_all_violations_are_reported_at_once(catalog: RoleCatalog) -> None:
    found = violations(
        catalog,
        account_id="x",
        role_name="a_b",
        description="x" * 1_025,
        max_session_duration_seconds=1,
        tags={"acs:x": "v" * 257},
        document=BROKEN_POLICY,
    )

    assert [field for field, _, _ in found] == [
        "account_id",
        "role_name",
        "description",
        "max_session_duration_seconds",
        "tags",
        "tags",
        "assume_role_policy_document",
    ]
    assert found[-1][1:] == ("MISSING_FIELD", "MalformedPolicyDocument")


def test_an_invalid_policy_alone_is_reported_as_such(catalog: RoleCatalog) -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        catalog.create(CreateRole(role_name="App", document=BROKEN_POLICY), author(), SCOPE)

    assert [violation.reason for violation in caught.value.violations] == ["MISSING_FIELD"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"change_reason": "x" * 1_025}, "change_reason"),
        ({"change_reason": "\0"}, "change_reason"),
        ({"source": "x" * 257}, "source"),
        ({"request_id": "1"}, "request_id"),
        ({"request_id": "{" + new_id() + "}"}, "request_id"),
        ({"request_id": new_id() + "\n"}, "request_id"),
    ],
)
def test_the_fields_of_the_author_have_limits_too(catalog: RoleCatalog, fields: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        catalog.create(CreateRole(role_name="App", document=POLICY), author(**fields), SCOPE)  # type: ignore[arg-type]

    assert [violation.field for violation in caught.value.violations] == [field]
