"""What went wrong at the limits of others: sizes that overflow, truncate or cost too much. The register is `docs/immunity.md`."""

from __future__ import annotations

import json

import pytest

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.limits import Limits
from rolecall.policy.linting.lint import lint
from rolecall.policy.parser import parse_policy
from tests.engine.world import allow, document

pytestmark = pytest.mark.long

WIDE = Limits(max_document_bytes=64_000_000, max_statements=70_000, max_principals=70_000)


@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
def test_cve_2024_27101_more_statements_than_a_short_can_count_are_all_there(count: int) -> None:
    text = '{"Version":"1","Statement":[' + ",".join([json.dumps(allow())] * count) + "]}"

    assert len(parse_policy(text, limits=WIDE).statements) == count


@pytest.mark.parametrize("count", [100, 101])
def test_ghsa_8qqm_a_document_over_a_limit_is_refused_and_never_cut(count: int) -> None:
    text = document(*[allow()] * count)

    if count <= Limits().max_statements:
        assert len(parse_policy(text).statements) == count
    else:
        with pytest.raises(InvalidPolicyError, match="100"):
            parse_policy(text)


@pytest.mark.parametrize("size", [16_384, 16_385])
def test_cve_2025_64529_the_size_of_a_document_is_counted_to_the_byte(size: int) -> None:
    text = document(allow())
    text += " " * (size - len(text))

    if size <= Limits().max_document_bytes:
        assert parse_policy(text).text == text
    else:
        with pytest.raises(InvalidPolicyError) as caught:
            parse_policy(text)
        assert [v.reason for v in caught.value.violations] == ["DOCUMENT_TOO_LARGE"]


@pytest.mark.parametrize("text", ["[" * 16_000, '{"a":' * 3_000, '{"Version":"1","Statement":' + "[" * 10_000])
def test_cve_2025_12044_a_small_document_of_great_depth_is_refused_without_a_crash(text: str) -> None:
    with pytest.raises(InvalidPolicyError):
        parse_policy(text)


def test_a_small_document_of_thousands_of_violations_is_examined_up_to_the_250th() -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        parse_policy('{"Version": 2, "Statement": [' + ",".join(["1"] * 5_000) + "]}")

    *listed, last = caught.value.violations
    assert [v.pointer for v in listed] == ["/Version", "/Statement", *(f"/Statement/{n}" for n in range(248))]
    assert (last.reason, last.pointer) == ("TOO_MANY_VIOLATIONS", "/Statement/247")
    assert "correct these" in last.message


def test_thousands_of_flaws_in_the_text_are_listed_up_to_the_250th() -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        parse_policy("{" + ",".join(['"a": 1'] * 2_000) + "}")

    assert [v.reason for v in caught.value.violations].count("DUPLICATE_KEY") >= 247
    assert caught.value.violations[-1].reason == "TOO_MANY_VIOLATIONS"


def test_thousands_of_findings_are_listed_up_to_the_250th_of_each_rule() -> None:
    repeated = allow(StringEquals={"k": [1] * 3_000})

    found = lint(parse_policy(document(repeated)), now=0)

    by_rule = {rule: [f for f in found if f.id == rule] for rule in {f.id for f in found}}
    assert {rule: len(listed) for rule, listed in by_rule.items()} == {
        "duplicate-value": 250,
        "unknown-condition-key": 1,
        "unquoted-scalar": 250,
    }
    assert [
        f.message.endswith("; further findings of this kind are not listed") for f in by_rule["unquoted-scalar"]
    ] == [
        *[False] * 249,
        True,
    ]
