"""The scanner that finds places: it accepts what the strict parse accepts, and sees the same values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.json_text import Json, Members, Number, decode
from rolecall.policy.positions import JsonSyntaxError, Scan, scan

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
DOCUMENTS = st.builds(
    lambda value, indent, ascii_only: json.dumps(value, indent=indent, ensure_ascii=ascii_only),
    VALUES,
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            '"a"',
            '"',
            "1",
            "-",
            "0",
            ".5",
            "e3",
            "true",
            "null",
            " ",
            "\n",
            "NaN",
            "'",
            "\\",
        ]
    ),
    max_size=12,
).map("".join)


def strict(text: str) -> object:
    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse, parse_int=Number, parse_float=Number)


def accepted(text: str) -> bool:
    try:
        strict(text)
    except ValueError:
        return False
    return True


def scanned(text: str) -> Scan | None:
    try:
        return scan(text, max_depth=100)
    except JsonSyntaxError:
        return None


def seen(places: Scan, value: object, pointer: str) -> None:
    """Compare a value with what the scanner has at its pointer."""
    place = places.find(pointer)
    assert place is not None
    match value:
        case dict():
            assert place.source == "{"
            for name, inner in value.items():
                seen(places, inner, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
        case list():
            assert place.source == "["
            for index, inner in enumerate(value):
                seen(places, inner, f"{pointer}/{index}")
        case Number():
            assert place.source == value
        case _:
            assert json.loads(place.source) == value


@given(DOCUMENTS)
def test_the_scanner_finds_each_parsed_value_at_its_pointer(text: str) -> None:
    places = scan(text, max_depth=100)

    seen(places, strict(text), "")


@given(FRAGMENTS | DOCUMENTS.flatmap(lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut])))
def test_the_scanner_accepts_what_the_parse_accepts(text: str) -> None:
    assert (scanned(text) is not None) == accepted(text)


@given(DOCUMENTS, st.integers(0, 200), st.sampled_from(list("{}[],:\"'\\0-x\t\n/#$ ")))
def test_the_scanner_accepts_what_the_parse_accepts_of_damaged_text(text: str, at: int, damage: str) -> None:
    damaged = text[:at] + damage + text[at + 1 :]

    assert (scanned(damaged) is not None) == accepted(damaged)


def test_names_are_escaped_in_pointers() -> None:
    places = scan('{"a/b": {"~": 1}, "": 2}', max_depth=3)

    assert [places.pointer_of(number) for number in range(4)] == ["", "/a~1b", "/a~1b/~0", "/"]
    assert places.find("/a~1b/~0") == places.places[2]
    assert places.find("/a") is None
    assert Scan().find("") is None


@pytest.mark.parametrize(("length", "shown"), [(1_023, 1_023), (1_024, 1_024), (1_025, 1_024), (5_000, 1_024)])
def test_an_overlong_name_is_cut_in_a_pointer(length: int, shown: int) -> None:
    places = scan(json.dumps({"n" * length: {"a": 1}}), max_depth=3)

    assert places.pointer_of(2) == f"/{'n' * shown}/a"


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        pytest.param('{"a": 1, "a": 2}', [("/a", "DUPLICATE_KEY", 9)], id="duplicate"),  # row 1 of the faults
        pytest.param(
            '{"a": 1, "\\u0061": 2}', [("/a", "DUPLICATE_KEY", 9)], id="duplicate-by-escape"
        ),  # row 1 of the faults
        pytest.param('["\\ud800"]', [("/0", "INVALID_UNICODE", 1)], id="lone-surrogate"),  # row 8 of the faults
        pytest.param('["\\udc00\\ud800"]', [("/0", "INVALID_UNICODE", 1)], id="wrong-order"),  # row 8 of the faults
        pytest.param('["\ud800"]', [("/0", "INVALID_UNICODE", 1)], id="raw-surrogate"),  # row 8 of the faults
        pytest.param('{"\\ud800": 1}', [("/\ud800", "INVALID_UNICODE", 1)], id="in-a-name"),  # row 8 of the faults
        pytest.param('["\\u0000"]', [("/0", "NUL_CHARACTER", 1)], id="nul"),  # row 9 of the faults
        pytest.param('["\\ud83d\\ude00 \\\\u0000"]', [], id="a-pair-and-an-escaped-backslash-are-fine"),
    ],
)
def test_what_json_allows_and_the_language_does_not_is_noted(text: str, flaws: list[tuple[str, str, int]]) -> None:
    value, places = decode(text, max_bytes=100, max_depth=9)

    assert places is not None
    assert [tuple(flaw) for flaw in places.flaws] == flaws
    assert isinstance(value, (list, Members))


def test_the_scanner_does_not_run_on_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[str] = []
    monkeypatch.setattr("rolecall.policy.json_text.scan", lambda text, **_: scanned.append(text))
    plain = '{"a": [1, 1.50, -2e3], "\\u0041": "\\u00e9"}'

    value, places = decode(plain, max_bytes=100, max_depth=2)

    assert value == {"a": ["1", "1.50", "-2e3"], "A": "\u00e9"}
    assert places is None
    assert scanned == []


@pytest.mark.parametrize("text", ["[" * 1_000 + "]" * 1_000, "[" * 100_000, '{"a":' * 1_000 + "1" + "}" * 1_000])
def test_depth_is_refused_without_recursion(text: str) -> None:  # row 6 of the faults
    with pytest.raises(InvalidPolicyError) as refused:
        decode(text, max_bytes=10**6, max_depth=32)

    assert [v.reason for v in refused.value.violations] == ["TOO_DEEP"]
    assert "32" in refused.value.violations[0].message


def test_the_deepest_allowed_document_is_read() -> None:  # row 6 of the faults
    decode("[" * 32 + "]" * 32, max_bytes=100, max_depth=32)

    with pytest.raises(InvalidPolicyError):
        decode("[" * 33 + "]" * 33, max_bytes=100, max_depth=32)


def test_a_parse_that_fails_where_the_scanner_does_not_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> Json:
        raise RecursionError("the stack is full")

    monkeypatch.setattr("rolecall.policy.json_text.json.loads", exhausted)

    with pytest.raises(InvalidPolicyError) as refused:
        decode("[]", max_bytes=100, max_depth=32)

    message = "the document cannot be read: the stack is full"
    assert refused.value.violations == (
        Violation(pointer="", reason="INVALID_JSON", message=message, suggestion="", line=1, column=1),
    )


def test_the_error_of_the_scanner_says_what_is_wrong_and_where() -> None:
    with pytest.raises(JsonSyntaxError) as refused:
        scan('{"a": ["x" "y"]}', max_depth=9)

    error = refused.value
    assert str(error) == error.message == 'a `,` is missing before `"`'
    assert (error.reason, error.offset, error.suggestion, error.pointer) == ("INVALID_JSON", 11, ",", "/a")
