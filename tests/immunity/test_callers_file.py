"""Callers files that would exhaust a server, or mean something else than they look like."""

from __future__ import annotations

import pytest

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.document import read_callers
from rolecall.callers.errors import InvalidCallersError
from rolecall.callers.matching import EntryIndex
from rolecall.security.yaml_values import read_yaml
from tests.callers.files import ACCOUNT, ISSUER, allowing, callers, document, entry

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{chr(ord(name) - 1)}'] * 9)}]\n" for name in "bcdefghi"
)


def reason_of(text: str) -> str:
    with pytest.raises(InvalidCallersError) as caught:
        read_callers(read_yaml(text, "callers.yaml").value)
    return caught.value.violations[0].reason


# CVE-2019-11253: nine lists of nine aliases are 387 million values.
def test_a_small_file_does_not_expand_to_millions_of_values() -> None:
    assert reason_of(LAUGHS) == "NOT_PLAIN"


def test_a_file_that_is_nested_deeply_ends_at_the_limit() -> None:
    assert reason_of("callers: " + "[" * 200_000) == "TOO_DEEP"
    assert reason_of("callers: " + "{a: " * 200_000) == "TOO_DEEP"


def test_a_file_of_many_small_values_ends_at_the_limit() -> None:
    assert reason_of("callers: [" + "1," * 200_000 + "]") == "TOO_MANY"


@pytest.mark.parametrize("word", ["yes", "on", "y", "True", "TRUE", "1", "'true'"])
def test_a_word_that_other_readers_of_yaml_take_for_true_is_not_true(word: str) -> None:
    text = f"callers: [{{name: a, match: {{local: {word}}}, policies: [RolecallDecider]}}]"

    assert reason_of(text) == "WRONG_TYPE"


# CVE-2017-18342, and every reader that makes objects of tags.
def test_a_file_makes_no_objects() -> None:
    assert reason_of("callers: !!python/object/apply:os.system ['true']") == "NOT_PLAIN"


def test_a_pattern_of_many_stars_does_not_try_every_way_to_match() -> None:
    pattern = ":".join(["a", *["*"] * 900, "end"])
    match = {"oidc": {"issuer": ISSUER, "subject": pattern, "audience": "rolecall"}}
    index = EntryIndex(callers(entry(match=match)).callers)
    subject = ":".join(["a"] * 4_000)
    hostile = Credential(
        kind=CredentialKind.OIDC, identity="x", issuer=ISSUER, subject=subject, audiences=("rolecall",)
    )

    assert index.matching(hostile) == ()


def test_a_name_that_follows_every_pattern_visits_no_node_twice() -> None:
    # Each label matches as itself and by `*`: 2^12 patterns, all different and all matching.
    labels = "abcdefghijkl"
    patterns = [
        ".".join("*" if number >> bit & 1 else label for bit, label in enumerate(labels)) for number in range(4_096)
    ]
    file = callers(*(entry(f"c{n}", match={"dns": f"{pattern}.svc"}) for n, pattern in enumerate(patterns)))
    name = Credential(kind=CredentialKind.DNS, identity=f"{'.'.join(labels)}.svc")

    found = EntryIndex(file.callers).matching(name)

    assert [e.name for e in found] == [f"c{n}" for n in range(4_096)]


def test_a_caller_that_matches_thousands_of_entries_compiles_no_more_policies_than_a_principal_may_have() -> None:
    names = [f"P{number}" for number in range(500)]
    entries = [entry(f"c{n}", match={"dns": "*.svc"}, policies=[names[n % 500]]) for n in range(4_000)]
    file = callers(*entries, policies={name: allowing("rolecall:CheckAssumeRole") for name in names})

    caller = CallerDirectory(file).caller(
        Credential(kind=CredentialKind.DNS, identity="a.svc"), source_ip="", secure=True
    )

    assert caller.granted.policies == ()
    assert not caller.allows("rolecall:CheckAssumeRole", f"acs:ram::{ACCOUNT}:role/a")


def test_a_file_of_thousands_of_violations_lists_250() -> None:
    with pytest.raises(InvalidCallersError) as caught:
        read_callers(document(*[{"name": "", "match": {}, "policies": []}] * 5_000))

    assert len(caught.value.violations) == 250
