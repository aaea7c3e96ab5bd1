from __future__ import annotations

from typing import Any

import pytest

from rolecall.policy.errors import InvalidPolicyError
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.commands import CreateRole
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.fields import (
    account_violation,
    actor_violations,
    author_violations,
    description_violations,
    etag_violations,
    name_prefix_violations,
    page_size_violations,
    revision_violations,
    role_id_violations,
    session_violations,
    start_revision_violations,
    tag_violations,
)
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


def reasons(found: list[FieldViolation]) -> list[str]:
    return [violation.reason for violation in found]


@pytest.mark.parametrize(
    ("check", "accepted", "refused", "field", "reason"),
    [
        (page_size_violations, [0, 1, 1_000], [-1, 1_001], "page_size", "PAGE_SIZE_RANGE"),
        (revision_violations, [1, 2, (1 << 63) - 1], [0, -1, 1 << 63], "revision", "REVISION_RANGE"),
        (start_revision_violations, [0, 1, (1 << 63) - 1], [-1], "start_revision", "REVISION_RANGE"),
        (role_id_violations, ["", "0", "1" * 20], ["1" * 21, "a", "1\n", "\u0661"], "role_id", "INVALID_ROLE_ID"),
        (actor_violations, ["", "a" * 2_048], ["a" * 2_049], "actor", "ACTOR_LENGTH"),
        (actor_violations, [], ["\0", "\ud800"], "actor", "INVALID_UNICODE"),
        (session_violations, [3_600, 43_200], [3_599, 43_201, 0], "max_session_duration_seconds", "MAX_SESSION_DURATION_RANGE"),
        (etag_violations, ["", '"a"', f'"{"~" * 128}"', '"!"'],
         ["a", '""', f'"{"~" * 129}"', '"a b"', '"\x7f"', '"a"\n', 'W/"a"'], "etag", "INVALID_ETAG"),
        (name_prefix_violations, ["", "a" * 64, "A-z.0"], ["a_", "a\n", "a*"], "name_prefix", "ROLE_NAME_CHARACTERS"),
        (name_prefix_violations, [], ["a" * 65], "name_prefix", "ROLE_NAME_LENGTH"),
        (description_violations, ["", "\ud7ff\ue000", "x" * 1_024], ["\ud800", "\udfff", "\udbff", "\0"], "description", "INVALID_UNICODE"),
        (description_violations, [], ["x" * 1_025], "description", "DESCRIPTION_LENGTH"),
    ],
)  # fmt: skip
def test_the_bounds_of_a_field(check: Any, accepted: list[Any], refused: list[Any], field: str, reason: str) -> None:
    found = [check(value) for value in refused]

    assert [check(value) for value in accepted] == [[]] * len(accepted)
    assert [[(each.field, each.reason) for each in violations] for violations in found] == [[(field, reason)]] * len(
        found
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"change_reason": "x" * 1_024}, ""),
        ({"change_reason": "x" * 1_025}, "CHANGE_REASON_LENGTH"),
        ({"change_reason": "\ud800"}, "INVALID_UNICODE"),
        ({"source": "x" * 256}, ""),
        ({"source": "x" * 257}, "SOURCE_LENGTH"),
        ({"source": "\0"}, "INVALID_UNICODE"),
        ({"request_id": "0B9d34a2-6d3e-4a5e-9a43-5a3c1d3c9f00"}, ""),
        ({"request_id": "0b9d34a26d3e4a5e9a435a3c1d3c9f00"}, "INVALID_REQUEST_ID"),
        ({"request_id": "gb9d34a2-6d3e-4a5e-9a43-5a3c1d3c9f00"}, "INVALID_REQUEST_ID"),
    ],
)
def test_the_bounds_of_the_fields_of_an_author(fields: dict[str, str], reason: str) -> None:
    found = author_violations(author(**fields))  # type: ignore[arg-type]

    assert [(each.field, each.reason) for each in found] == ([(*fields, reason)] if reason else [])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"acs": "", "aliyu": "", "xaliyun": "", "http:/": "", "x-acs:": ""}, []),
        ({"ALIYUN": ""}, ["TAG_KEY_RESERVED"]),
        ({"ACS:x": ""}, ["TAG_KEY_RESERVED"]),
        ({"xHTTP://y": ""}, ["TAG_KEY_URL"]),
        ({"xhttps://y": ""}, ["TAG_KEY_URL"]),
        ({"k": "v" * 256, "K": "http://x"}, []),
        ({"\ud800": ""}, ["INVALID_UNICODE"]),
        ({"k": "\udfff"}, ["INVALID_UNICODE"]),
        ({str(n): "" for n in range(20)}, []),
        ({str(n): "" for n in range(21)}, ["TOO_MANY_TAGS"]),
        ({"acs:http://" + "k" * 128: "v" * 257},
         ["TAG_KEY_LENGTH", "TAG_KEY_RESERVED", "TAG_KEY_URL", "TAG_VALUE_LENGTH"]),
    ],
)  # fmt: skip
def test_the_bounds_of_tags(tags: dict[str, str], expected: list[str]) -> None:
    found = tag_violations(tags, field="prune_selector.tags")

    assert reasons(found) == expected
    assert {violation.field for violation in found} <= {"prune_selector.tags"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1", ""), ("1" * 20, ""), ("1" * 21, "INVALID_ACCOUNT_ID"), ("", "INVALID_ACCOUNT_ID"), ("1\n", "INVALID_ACCOUNT_ID"),
     ("\u0661", "INVALID_ACCOUNT_ID"), ("1*", "MASKED_ACCOUNT_ID")],
)  # fmt: skip
def test_the_bounds_of_an_account(text: str, reason: str) -> None:
    found = account_violation(text, aliases=False)

    assert ((found.field, found.reason) if found else ("account_id", "")) == ("account_id", reason)


def test_an_unknown_account_names_aliases_only_where_there_are_some() -> None:
    plain, with_aliases = (account_violation("x", aliases=aliases) for aliases in (False, True))

    assert plain is not None
    assert with_aliases is not None
    assert "alias" not in plain.message
    assert "nor a configured alias" in with_aliases.message


def test_only_fields_that_ram_has_too_have_a_code_of_ram() -> None:
    whole = [
        *author_violations(author(change_reason="x" * 1_025, source="\0", request_id="1")),
        *actor_violations("a" * 2_049),
        *description_violations("x" * 1_025 + "\0"),
        *session_violations(1),
        *tag_violations({"": ""}),
    ]

    assert [(v.field, v.ram_code, v.pointer, v.line, v.column) for v in whole] == [
        ("change_reason", "", "", 0, 0),
        ("source", "", "", 0, 0),
        ("request_id", "", "", 0, 0),
        ("actor", "", "", 0, 0),
        ("description", "InvalidParameter.Description.Length", "", 0, 0),
        ("description", "", "", 0, 0),
        ("max_session_duration_seconds", "InvalidParameter.MaxSessionDuration", "", 0, 0),
        ("tags", "", "", 0, 0),
    ]
