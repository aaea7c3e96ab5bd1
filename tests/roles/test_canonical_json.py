from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.roles import canonical_json
from rolecall.roles.change import Author, Change, ChangeKind
from rolecall.roles.commands import RoleDeclaration
from rolecall.roles.content import Content
from rolecall.roles.role import Micros, Revision, Role

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TAGS = st.dictionaries(TEXT, TEXT, max_size=4)
ROLES = st.builds(
    Role,
    role_id=TEXT,
    account_id=TEXT,
    role_name=TEXT,
    document=TEXT,
    create_time=NUMBERS,
    update_time=NUMBERS,
    revision=NUMBERS,
    description=TEXT,
    max_session_duration_seconds=NUMBERS,
    tags=TAGS,
)
AUTHORS = st.builds(Author, actor=TEXT, time=NUMBERS, request_id=TEXT, change_reason=TEXT, source=TEXT)
law = settings(derandomize=True, max_examples=100, deadline=None)


@law
@given(ROLES)
def test_a_role_is_read_back(role: Role) -> None:
    assert canonical_json.role_of(canonical_json.role_bytes(role)) == role


@law
@given(ROLES, st.sampled_from(ChangeKind))
def test_a_change_is_read_back(role: Role, kind: ChangeKind) -> None:
    change = Change(kind, role)

    assert canonical_json.change_of(canonical_json.change_bytes(change)) == change


@law
@given(AUTHORS)
def test_an_author_is_read_back(author: Author) -> None:
    assert canonical_json.author_of(canonical_json.header_bytes(Revision(1), author)) == author


@law
@given(TAGS)
def test_equal_tags_have_equal_text(tags: dict[str, str]) -> None:
    backwards = dict(reversed(tags.items()))

    assert canonical_json.tags_text(tags) == canonical_json.tags_text(backwards)
    assert canonical_json.tags_of(canonical_json.tags_text(tags)) == tags


def test_the_form_of_a_role_does_not_change() -> None:
    role = Role(
        role_id="1", account_id="2", role_name="App", document='{"é": 1}\n', create_time=Micros(3),
        update_time=Micros(4), revision=Revision(5), tags={"b": "", "a": "x"},
    )  # fmt: skip

    assert canonical_json.role_bytes(role).decode() == (
        '{"account_id":"2","create_time":3,"description":"","document":"{\\"é\\": 1}\\n",'
        '"max_session_duration_seconds":3600,"revision":5,"role_id":"1","role_name":"App",'
        '"tags":{"a":"x","b":""},"update_time":4}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [-float("inf")]}])
def test_a_number_that_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json.canonical(value)


def test_an_author_has_no_texts_but_those_that_are_given() -> None:
    header = canonical_json.header_bytes(Revision(7), Author(actor="alice", time=Micros(3)))

    assert header == b'{"actor":"alice","change_reason":"","request_id":"","revision":7,"source":"","time":3}'


def test_the_hash_of_a_commit_is_sha256_over_the_one_before_and_its_parts_with_their_lengths() -> None:
    whole = bytes(32) + bytes([0, 0, 0, 0, 0, 0, 0, 2]) + b"hh" + bytes([0, 0, 0, 0, 0, 0, 1, 0]) + b"b" * 256

    assert bytes(32) == canonical_json.FIRST_HASH
    assert canonical_json.commit_hash(bytes(32), b"hh", [b"b" * 256]) == hashlib.sha256(whole).digest()


def test_all_roles_without_tags_share_one_object() -> None:
    role = Role(
        role_id="1", account_id="2", role_name="App", document="{}", create_time=Micros(3), update_time=Micros(4),
        revision=Revision(5), tags={},
    )  # fmt: skip
    declared = Content.declared(RoleDeclaration(role_name="App", document="{}"))

    shared = [canonical_json.role_of(canonical_json.role_bytes(role)).tags, canonical_json.tags_of("{}"), declared.tags]

    assert all(tags is canonical_json.NO_TAGS for tags in shared)


def test_the_hash_of_a_commit_depends_on_the_bounds_of_its_parts() -> None:
    hashes = {
        canonical_json.commit_hash(canonical_json.FIRST_HASH, header, bodies)
        for header, bodies in [(b"ab", [b"c"]), (b"a", [b"bc"]), (b"abc", []), (b"abc", [b""]), (b"a", [b"b", b"c"])]
    }

    assert len(hashes) == 5
