"""Where a value of a callers file stands, what it is, and why a text is not one."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import yaml

from rolecall.callers.errors import InvalidCallersError
from rolecall.callers.limits import MAX_CALLERS_VALUES
from rolecall.policy.json_text import Number
from rolecall.security import yaml_values
from rolecall.security.callers_file import nearest_place
from rolecall.security.yaml_values import read_yaml

WITHOUT = "; write the value itself"
REFUSED: dict[str, str] = {
    "": "f  EMPTY_FILE the file is empty",
    "# nothing\n": "f  EMPTY_FILE the file is empty",
    "a: [": "f:2:1  INVALID_YAML not YAML: did not find expected node content",
    "a: b: c": "f:1:5  INVALID_YAML not YAML: mapping values are not allowed in this context",
    "a: 'b": "f:1:6  INVALID_YAML not YAML: found unexpected end of stream",
    "a: [\x07]": "f  INVALID_YAML not YAML: control characters are not allowed",
    "a: 1\nb: 2\na: 3\n": "f:3:1 /a DUPLICATE_KEY the key `a` is given twice; the first is at f:1:1",
    "a:\n  b: {c/: 1, c/: 2}\n": "f:2:14 /a/b/c~1 DUPLICATE_KEY the key `c/` is given twice; the first is at f:2:7",
    "? [a]\n: 1\n": "f:1:3  INVALID_KEY a key must be text",
    "a:\n  ? {b: 1}\n  : 1\n": "f:2:5 /a INVALID_KEY a key must be text",
    "x: [&a 1]\n": f"f:1:5 /x/0 NOT_PLAIN anchors and aliases are not supported{WITHOUT}",
    "x: *a\n": f"f:1:4 /x NOT_PLAIN anchors and aliases are not supported{WITHOUT}",
    "x: &a {}\n": f"f:1:4 /x NOT_PLAIN anchors and aliases are not supported{WITHOUT}",
    "&k x: 1\n": f"f:1:1 /x NOT_PLAIN anchors and aliases are not supported{WITHOUT}",
    "x: !t 1\n": f"f:1:4 /x NOT_PLAIN the tag `!t` is not supported{WITHOUT}",
    "x: !t [1]\n": f"f:1:4 /x NOT_PLAIN the tag `!t` is not supported{WITHOUT}",
    "!t x: 1\n": f"f:1:1 /x NOT_PLAIN the tag `!t` is not supported{WITHOUT}",
    "a: 1\n---\nb: 2\n": "f:2:1  SEVERAL_DOCUMENTS the file has several documents; write one, without `---`",
}


def refusal(text: str) -> str:
    with pytest.raises(InvalidCallersError) as caught:
        read_yaml(text, "f")
    (found,) = caught.value.violations
    return f"{found.place} {found.pointer} {found.reason} {found.message}"


@pytest.mark.parametrize(("text", "expected"), REFUSED.items())
def test_a_text_is_refused_at_its_place(text: str, expected: str) -> None:
    assert refusal(text) == expected


def test_every_value_has_the_place_of_its_name_or_of_its_beginning() -> None:
    read = read_yaml("a: {b/c: [1, {d: x}], ~: y}\n'e':\n- f\n-  - g\n", "f")

    assert read.value == {"a": {"b/c": ["1", {"d": "x"}], "~": "y"}, "e": ["f", ["g"]]}
    assert read.places == {
        "": "f:1:1", "/a": "f:1:1", "/a/b~1c": "f:1:5", "/a/b~1c/0": "f:1:11", "/a/b~1c/1": "f:1:14", "/a/b~1c/1/d": "f:1:15",
        "/a/~0": "f:1:23", "/e": "f:2:1", "/e/0": "f:3:3", "/e/1": "f:4:4", "/e/1/0": "f:4:6",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [("null", None), ("~", None), ("", None), ("true", True), ("false", False), ("'true'", "true"), ("''", ""), ("|\n  1", "1\n")],
)  # fmt: skip
def test_a_few_words_are_no_text_unless_they_are_quoted(text: str, value: object) -> None:
    assert read_yaml(f"a: {text}\n", "f").value == {"a": value}


@pytest.mark.parametrize("text", ["0", "-1", "10", "1.50", "1e5", "1E-5", "-0.0", "2e+7", "0.5e10"])
def test_a_number_of_json_keeps_its_spelling(text: str) -> None:
    (value,) = dict[str, object](read_yaml(f"a: {text}\n", "f").value).values()  # type: ignore[call-overload]

    assert isinstance(value, Number)
    assert str(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "yes", "on", "True", "NULL", "0123", "1_000", "0x1f", ".5", "1.", "+1", "1e", "1e5.0", "--1", "2026-01-01", "1 2", "\u0661",
        "'1'", '"1"', "0o7", "1:30",
    ],
)  # fmt: skip
def test_what_only_looks_like_another_value_is_text(text: str) -> None:
    (value,) = dict[str, object](read_yaml(f"a: {text}\n", "f").value).values()  # type: ignore[call-overload]

    assert type(value) is str
    assert value == text.strip("'\"")


def test_values_may_be_as_deep_as_the_limit() -> None:
    assert read_yaml("[" * 32 + "]" * 32, "f").value
    assert read_yaml("{a: " * 31 + "1" + "}" * 31, "f").value
    for deeper in ("[" * 33 + "]" * 33, "{a: " * 32 + "1" + "}" * 32, "[" * 32 + "1" + "]" * 32):
        assert refusal(deeper).endswith(" TOO_DEEP nested deeper than 32 levels, which is the limit")


def test_a_file_may_have_as_many_values_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_CALLERS_VALUES == 100_000
    monkeypatch.setattr(yaml_values, "MAX_CALLERS_VALUES", 10)

    # The list itself is a value, too.
    assert read_yaml(f"[{'1,' * 9}]", "f").value == ["1"] * 9
    assert read_yaml(f"{{{','.join(f'k{n}: 1' for n in range(9))}}}", "f").value
    for larger in (f"[{'1,' * 10}]", f"{{{','.join(f'k{n}: 1' for n in range(10))}}}"):
        assert " TOO_MANY the file has more than 10 values, which is the limit" in refusal(larger)


def test_an_error_without_a_place_has_that_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = iter([yaml.MarkedYAMLError(), yaml.MarkedYAMLError(context="while reading")])

    class Failing:
        def __init__(self, _: str) -> None:
            raise next(errors)

    monkeypatch.setattr(yaml_values, "_LOADER", Failing)

    assert refusal("a") == "f  INVALID_YAML not YAML: cannot be read"
    assert refusal("a") == "f  INVALID_YAML not YAML: while reading"


@pytest.mark.parametrize(
    ("pointer", "place"),
    [("/a", "f:2:1"), ("/a/b", "f:2:3"), ("/a/c", "f:2:1"), ("/a/c/0/d", "f:2:1"), ("/x/y", "f:1:1"), ("", "f:1:1")],
)
def test_a_value_without_a_place_has_that_of_the_nearest_one_around_it(pointer: str, place: str) -> None:
    assert nearest_place(pointer, {"": "f:1:1", "/a": "f:2:1", "/a/b": "f:2:3"}) == place


def test_without_the_library_in_c_a_file_is_read_by_the_one_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CBaseLoader")
    spec = importlib.util.spec_from_file_location("yaml_values_in_python", yaml_values.__file__)
    assert spec is not None
    assert spec.loader is not None
    read = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, read)
    spec.loader.exec_module(read)

    found = read.read_yaml("a: [1, yes]\n", "f")

    assert (found.value, found.places["/a/1"]) == ({"a": ["1", "yes"]}, "f:1:8")
