"""Which command lines are read without Typer, with what values, and which are left to it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Optional

import pytest
import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.plain_parsing import plain_call

KINDS = ["red"]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


CALLS: list[dict[str, Any]] = []


def paint(
    name: Annotated[str, typer.Argument(help="The name.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", show_default=False)] = [Path("a")],  # noqa: B006
    *,
    colour: Annotated[Colour, typer.Option("--colour", "-c", help="The colour.")] = Colour.RED,
    kinds: Annotated[list[str], typer.Option("--kind", autocompletion=lambda: KINDS)] = ["b", "c"],  # noqa: B006
    layers: Annotated[int | None, typer.Option(min=1, max=3, hidden=True)] = None,
    share: Annotated[Optional[float], typer.Option(min=0.5)] = 1.0,  # noqa: UP045 - both spellings are read
    dry_run: Annotated[bool, typer.Option("--dry-run", "-d")] = False,
) -> None:
    CALLS.append(dict(locals()))


USUAL: dict[str, Any] = {
    "name": "n",
    "files": [Path("a")],
    "colour": Colour.RED,
    "kinds": ["b", "c"],
    "layers": None,
    "share": 1.0,
    "dry_run": False,
}


def values(arguments: list[str], command: Any = paint) -> dict[str, Any] | None:
    """Return the values with which a command would be called; None if Typer must read the arguments."""
    call = plain_call(command, arguments)
    if call is None:
        return None
    CALLS.clear()
    call()
    return CALLS.pop()


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        (["n"], {}),
        (["-"], {"name": "-"}),
        ([""], {"name": ""}),
        (["--", "--colour"], {"name": "--colour"}),
        (["n", "--", "-d", "--"], {"files": [Path("-d"), Path("--")]}),
        (["n", "x"], {"files": [Path("x")]}),
        (["n", "x", "y", "z"], {"files": [Path("x"), Path("y"), Path("z")]}),
        (["x", "-d", "y"], {"name": "x", "files": [Path("y")], "dry_run": True}),
        (["--dry-run", "n"], {"dry_run": True}),
        (["n", "-d", "--dry-run"], {"dry_run": True}),
        (["n", "--colour", "blue"], {"colour": Colour.BLUE}),
        (["n", "--colour=blue"], {"colour": Colour.BLUE}),
        (["-c", "blue", "n"], {"colour": Colour.BLUE}),
        (["n", "-c", "blue", "--colour=red"], {"colour": Colour.RED}),
        (["n", "--kind", "k"], {"kinds": ["k"]}),
        (["n", "--kind=k=v", "--kind=", "--kind", "--"], {"kinds": ["k=v", "", "--"]}),
        (["n", "--kind", "-d"], {"kinds": ["-d"]}),
        (["n", "--kind", "=x"], {"kinds": ["=x"]}),
        (["n", "--layers", "1"], {"layers": 1}),
        (["n", "--layers=3"], {"layers": 3}),
        (["n", "--share", ".5"], {"share": 0.5}),
    ],
)
def test_a_command_is_called_with_what_its_arguments_say(arguments: list[str], changed: dict[str, Any]) -> None:
    assert values(arguments) == USUAL | changed


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--"],
        ["n", "--help"],
        ["n", "-h"],
        ["n", "--colours=red"],
        ["n", "--colou", "red"],
        ["n", "-cblue"],
        ["n", "-c=blue"],
        ["n", "-dd"],
        ["n", "--dry-run=true"],
        ["n", "--dry-run="],
        ["n", "--no-dry-run"],
        ["n", "--kind"],
        ["n", "-c"],
        ["n", "--dry_run"],
        ["n", "--name", "m"],
    ],
)
def test_a_command_line_that_does_not_fit_is_left_to_typer(arguments: list[str]) -> None:
    assert values(arguments) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["n", "-c", "green"], "invalid value for `-c`: `green` is not one of `red`, `blue`"),
        (["n", "--colour=green"], "invalid value for `--colour`: `green` is not one of `red`, `blue`"),
        (["n", "--layers", "0"], "invalid value for `--layers`: `0` is less than 1"),
        (["n", "--layers=4"], "invalid value for `--layers`: `4` is more than 3"),
        (["n", "--layers", "-d"], "invalid value for `--layers`: `-d` is not a whole number"),
        (["n", "--share", "0.4"], "invalid value for `--share`: `0.4` is less than 0.5"),
    ],
)
def test_a_value_that_is_wrong_is_reported_with_the_option_as_it_was_written(
    arguments: list[str], message: str
) -> None:
    with pytest.raises(CommandError) as refused:
        values(arguments)

    assert refused.value.message == message


def test_an_argument_that_is_wrong_is_reported_with_its_name() -> None:
    def count(number: Annotated[int, typer.Argument()]) -> None: ...

    with pytest.raises(CommandError) as refused:
        plain_call(count, ["x"])

    assert refused.value.message == "invalid value for `number`: `x` is not a whole number"


def test_a_command_cannot_change_the_default_of_the_next_call() -> None:
    first = values(["n"])
    assert first is not None
    first["files"].append(Path("b"))
    first["kinds"].clear()

    assert values(["n"]) == USUAL


def test_words_for_which_there_is_no_argument_are_left_to_typer() -> None:
    def one(word: Annotated[str, typer.Argument()], other: Annotated[str, typer.Argument()] = "") -> None:
        CALLS.append({"word": word, "other": other})

    assert values(["a"], one) == {"word": "a", "other": ""}
    assert values(["a", "b"], one) == {"word": "a", "other": "b"}
    assert values(["a", "b", "c"], one) is None


def test_an_option_that_must_be_given_is_left_to_typer_without_a_value() -> None:
    def one(*, some_name: Annotated[str, typer.Option()]) -> None:
        CALLS.append({"some_name": some_name})

    assert values([], one) is None
    assert values(["--some-name", "x"], one) == {"some_name": "x"}


def bare(name: str = "") -> None: ...
def described(name: Annotated[str, "the name"] = "") -> None: ...
def two_types(name: Annotated[str | int, typer.Option()] = "") -> None: ...
def no_text(name: Annotated[bytes, typer.Option()] = b"") -> None: ...
def bytes_list(name: Annotated[list[bytes], typer.Option()] = []) -> None: ...  # noqa: B006
def pair(name: Annotated[tuple[str, str], typer.Option()] = ("", "")) -> None: ...
def switch(name: Annotated[bool, typer.Option()] = False) -> None: ...
def both_ways(name: Annotated[bool, typer.Option("--on/--off")] = False) -> None: ...
def second_both_ways(name: Annotated[bool, typer.Option("-o", "--on/--off")] = False) -> None: ...
def counted(name: Annotated[int, typer.Option(count=True)] = 0) -> None: ...
def variable(name: Annotated[str, typer.Option(envvar="NAME")] = "") -> None: ...
def clamped(name: Annotated[int, typer.Option(max=3, clamp=True)] = 0) -> None: ...
def prompted(name: Annotated[str, typer.Option(prompt=True)] = "") -> None: ...
def eager(name: Annotated[str, typer.Option(is_eager=True)] = "") -> None: ...
def existing(name: Annotated[Path, typer.Argument(exists=True)] = Path()) -> None: ...
def called_back(name: Annotated[str, typer.Option(callback=str)] = "") -> None: ...
def made(name: Annotated[str, typer.Option(default_factory=str)]) -> None: ...


@pytest.mark.parametrize(
    "command",
    [
        bare, described, two_types, no_text, bytes_list, pair, switch, both_ways, second_both_ways, counted, variable, clamped,
        prompted, eager, existing, called_back, made,
    ],
)  # fmt: skip
def test_a_declaration_that_says_more_is_left_to_typer(command: Callable[..., None]) -> None:
    assert plain_call(command, []) is None


def test_what_stands_behind_a_declaration_is_for_other_readers() -> None:
    def noted(name: Annotated[str, typer.Option("--name"), "a note", "and another"] = "") -> None:
        CALLS.append({"name": name})

    assert values(["--name=x"], noted) == {"name": "x"}


@pytest.fixture
def group() -> typer.Typer:
    app = typer.Typer()

    def note(word: str, *values: object) -> None:
        CALLS.append({word: values})

    @app.command()
    def show_all(name: Annotated[str, typer.Argument()] = "") -> None:
        note("show-all", name)

    @app.command("list")
    def shown(*, full: Annotated[bool, typer.Option("--full")] = False) -> None:
        note("list", full)

    return app


def test_the_command_of_a_group_is_the_one_of_its_name(group: typer.Typer) -> None:
    assert values(["show-all", "x"], group) == {"show-all": ("x",)}
    assert values(["show-all"], group) == {"show-all": ("",)}
    assert values(["list", "--full"], group) == {"list": (True,)}


@pytest.mark.parametrize("arguments", [[], [""], ["show_all"], ["shown"], ["show"], ["--full", "list"], ["list", "x"]])
def test_a_group_without_such_a_command_is_left_to_typer(group: typer.Typer, arguments: list[str]) -> None:
    assert values(arguments, group) is None


def test_a_command_is_not_called_before_it_is_asked_to() -> None:
    CALLS.clear()

    call = plain_call(paint, ["n"])

    assert (call is not None, CALLS) == (True, [])
