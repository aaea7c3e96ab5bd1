"""The values of options: what each kind reads, up to which bounds, and what is said of any other text."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest
import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.plain_values import ValueKind, WrongValueError, is_readable
from rolecall.cli.options.shared import keys_and_context, lists, pairs
from rolecall.cli.options.store_options import counted, shows_password


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark-blue"


def refusal(kind: ValueKind, text: str) -> str:
    with pytest.raises(WrongValueError) as caught:
        kind.read(text, "--x")
    assert caught.value.hint == ""
    return caught.value.message.removeprefix("invalid value for `--x`: ")


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (str, "", ""),
        (str, " a=b ", " a=b "),
        (Path, "a/b", Path("a/b")),
        (Colour, "dark-blue", Colour.DARK_BLUE),
        (int, "0", 0),
        (int, "+7", 7),
        (int, "-7", -7),
        (int, "007", 7),
        (int, "9223372036854775807", 2**63 - 1),
        (int, "-9999999999999999999", -9999999999999999999),
        (float, "0", 0.0),
        (float, "+1.", 1.0),
        (float, "-.5", -0.5),
        (float, "1e2", 100.0),
        (float, "1E+02", 100.0),
        (float, "2.5e-1", 0.25),
        (float, "9" * 18, 1e18),
        (float, "1." + "0" * 40, 1.0),
        (float, "." + "0" * 39 + "1", 1e-40),
        (float, "1e-99", 1e-99),
    ],
)
def test_a_value_is_read(type_: type, text: str, value: object) -> None:
    read = ValueKind(type_).read(text, "--x")

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (int, ""),
        (int, "-"),
        (int, "1.0"),
        (int, "1_0"),
        (int, " 1"),
        (int, "1\n"),
        (int, "٣"),
        (int, "1" * 20),
        (float, ""),
        (float, "."),
        (float, "1e"),
        (float, "1e100"),
        (float, "9" * 19),
        (float, "1." + "0" * 41),
        (float, "." + "0" * 41),
        (float, "nan"),
        (float, "inf"),
        (float, "٣"),
        (float, "1 "),
    ],
)
def test_a_text_that_is_no_number_is_refused(type_: type, text: str) -> None:
    assert refusal(ValueKind(type_), text) == f"`{text}` is not a {'whole ' if type_ is int else ''}number"


def test_a_number_is_between_its_bounds_which_are_included() -> None:
    kind = ValueKind(int, 1_000, 2_000)

    assert [kind.read(text, "--x") for text in ("1000", "2000")] == [1_000, 2_000]
    assert refusal(kind, "999") == "`999` is less than 1,000"
    assert refusal(kind, "2001") == "`2001` is more than 2,000"
    assert ValueKind(float, 0.5).read("0.5", "--x") == 0.5
    assert refusal(ValueKind(float, 0.5), "0.49") == "`0.49` is less than 0.5"
    assert ValueKind(int, None, 0).read("0", "--x") == 0
    assert refusal(ValueKind(int, None, 0), "1") == "`1` is more than 0"
    assert refusal(ValueKind(int, 0), "-1") == "`-1` is less than 0"


def test_the_largest_number_is_the_largest_that_a_message_can_carry() -> None:
    assert (
        refusal(ValueKind(int), "9223372036854775808") == "`9223372036854775808` is more than 9,223,372,036,854,775,807"
    )
    assert refusal(ValueKind(float), "1e19") == "`1e19` is more than 9,223,372,036,854,775,807"


@pytest.mark.parametrize("text", ["", "RED", "red "])
def test_a_word_that_is_none_of_the_set_is_refused_with_all_of_them(text: str) -> None:
    assert refusal(ValueKind(Colour), text) == f"`{text}` is not one of `red`, `dark-blue`"


def test_these_types_can_be_read_and_no_others() -> None:
    assert all(map(is_readable, (str, int, float, bool, Path, Colour)))
    assert not any(map(is_readable, (bytes, list, list[str], str | None, dict, None, "str", typer.Typer)))


def test_pairs_have_a_key_each_and_lists_collect_the_values_of_a_key() -> None:
    assert pairs(["a=1", "b=", "c=x=y"], "--tag") == {"a": "1", "b": "", "c": "x=y"}
    assert lists(["a=1", "b=2", "a=", "a=1"], "--claim") == {"a": ["1", "", "1"], "b": ["2"]}
    assert (pairs([], "--tag"), lists([], "--claim")) == ({}, {})


@pytest.mark.parametrize("text", ["", "a", "=a", "="])
def test_what_is_no_pair_is_refused_with_its_option(text: str) -> None:
    for read in (pairs, lists):
        with pytest.raises(CommandError) as caught:
            read(["k=v", text], "--tag")

        assert (caught.value.message, caught.value.hint) == (f"--tag takes KEY=VALUE, not `{text}`", "")


def test_a_key_that_is_given_twice_is_refused() -> None:
    with pytest.raises(CommandError) as caught:
        pairs(["a=1", "b=2", "a=1"], "--tag")

    assert caught.value.message == "--tag `a` is given twice"


def test_a_context_is_the_value_without_an_equals_sign() -> None:
    assert keys_and_context(["k=1", "prod", "k=2"]) == ({"k": ["1", "2"]}, "prod")
    assert keys_and_context(["k=1"]) == ({"k": ["1"]}, None)
    assert keys_and_context([]) == ({}, None)


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        (["a", "k=v", "b", "c"], "--context names the contexts `a` and `b`", "name one"),
        (
            ["acs:SourceIp"],
            "--context takes KEY=VALUE, or the name of a context, not `acs:SourceIp`",
            "a condition key is written with its value: `--context acs:SourceIp=10.0.0.1`",
        ),
        (["=v"], "--context takes KEY=VALUE, not `=v`", ""),
    ],
)
def test_a_wrong_context_is_refused_with_what_to_do(values: list[str], message: str, hint: str) -> None:
    with pytest.raises(CommandError) as caught:
        keys_and_context(values)

    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@host/db", True),
        ("postgresql://:secret@host/db", True),
        ("postgresql://u:se/cr?e#t@host/db", True),
        ("postgresql://host/db?password=x", True),
        ("postgresql://host/db?user=u&PassWord=x", True),
        ("host=h password=x", True),
        ("postgresql://u@host/db", False),
        ("postgresql://u:@host/db", False),
        ("postgresql://host:5432/db", False),
        ("postgresql://host/db?x=a:b@c", False),
        ("postgresql://host/db?passfile=x", False),
        ("postgresql://host/db?my_password=x", False),
        ("password=x", False),
        ("sqlite:///a:b.db", False),
    ],
)
def test_a_password_in_the_url_of_a_store_is_seen(url: str, shown: bool) -> None:
    assert shows_password(url) is shown


@pytest.mark.parametrize(("number", "text"), [(0, "0 roles"), (1, "1 role"), (2, "2 roles"), (2_000, "2,000 roles")])
def test_a_number_has_its_noun(number: int, text: str) -> None:
    assert counted(number, "role") == text
