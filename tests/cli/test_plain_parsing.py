"""The arguments of a command are read as Typer reads them, or left to it; values that cannot be read have words of our own."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given, settings, strategies as st

from rolecall.cli.failure import CommandError
from rolecall.cli.options.plain_parsing import plain_call
from rolecall.cli.typer_commands import COMMANDS, load
from tests.cli.conftest import CommandLine
from tests.cli.serving import environment

SERVERS = {"serve", "agent"}
"""Their options, one for each setting, may be switched off; Typer reads them."""


def functions() -> dict[str, Callable[..., object]]:
    """Return the function of every command."""
    found: dict[str, Callable[..., object]] = {}
    for name in COMMANDS:
        command = load(name)
        if isinstance(command, typer.Typer):
            for info in command.registered_commands:
                if info.callback:
                    found[f"{name} {info.name or info.callback.__name__}"] = info.callback
        elif command:
            found[name] = command
    return found


FUNCTIONS = functions()
VALUES = [
    "x",
    "k=v",
    "",
    "5",
    "-5",
    "0",
    "07",
    "100",
    "3.5",
    "1e1",
    ".5",
    "json",
    "table",
    "JSON",
    "-",
    "--",
    "-o",
    "ä",
]


def recorder(function: Callable[..., object]) -> tuple[Callable[..., None], list[dict[str, Any]]]:
    """Return a function with the declarations of another, which records the values that it is called with."""
    calls: list[dict[str, Any]] = []

    def record(**values: Any) -> None:
        calls.append(values)

    signature = inspect.signature(function, eval_str=True)
    record.__signature__ = signature  # type: ignore[attr-defined]
    record.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    return record, calls


def by_typer(record: Callable[..., None], arguments: list[str]) -> bool:
    """Call the function with what Typer reads; return whether Typer can read it."""
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(record)
    try:
        typer.main.get_command(app).main(arguments, standalone_mode=False)
    except Exception as error:
        # Its errors have no public class.
        if not hasattr(error, "format_message"):
            raise
        return False
    return True


def flags_of(function: Callable[..., object]) -> list[str]:
    flags = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        info = parameter.annotation.__metadata__[0]
        names = [*([info.default] if isinstance(info.default, str) else []), *(info.param_decls or ())]
        flags += names or [f"--{parameter.name.replace('_', '-')}"]
    return flags


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - SERVERS))
def test_every_command_is_read_without_typer(name: str) -> None:
    record, _ = recorder(FUNCTIONS[name])
    required = [p for p in inspect.signature(record).parameters.values() if p.default is inspect.Parameter.empty]
    words = []
    for parameter in required:
        info = parameter.annotation.__metadata__[0]
        option = isinstance(info, typer.models.OptionInfo)
        flag = info.default if isinstance(info.default, str) else f"--{parameter.name.replace('_', '-')}"
        value = "1" if parameter.annotation.__origin__ in (int, int | None) else "roles"
        words += [flag, value] if option else [value]

    assert plain_call(record, words) is not None


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize(
    "name", ["check", "test", "role list", "role rollback", "apply", "decisions", "audit verify", "lint"]
)
def test_what_is_read_is_what_typer_reads(name: str, data: st.DataObject) -> None:
    function = FUNCTIONS[name]
    pieces = st.sampled_from([*flags_of(function), *VALUES, "--help", "-h"])
    joined = st.builds("{}={}".format, st.sampled_from(flags_of(function)), st.sampled_from(VALUES))
    arguments = data.draw(st.lists(pieces | joined, max_size=6))
    plain, plain_calls = recorder(function)
    usual, usual_calls = recorder(function)

    try:
        call = plain_call(plain, arguments)
    except CommandError:
        assert not by_typer(usual, arguments)
        return
    if call is not None:
        call()
        assert by_typer(usual, arguments)
        assert plain_calls == usual_calls


def test_of_an_option_that_is_given_twice_the_last_value_counts() -> None:
    plain, plain_calls = recorder(FUNCTIONS["test"])
    usual, usual_calls = recorder(FUNCTIONS["test"])
    right, wrong = ["roles", "--output=x", "--output=json"], ["roles", "--output=json", "--output", "x"]

    call = plain_call(plain, right)
    assert call
    call()
    assert by_typer(usual, right)
    assert plain_calls == usual_calls
    assert not by_typer(usual, wrong)
    with pytest.raises(CommandError, match="`x` is not one of"):
        plain_call(plain, wrong)


def test_forms_that_typer_reads_are_left_to_it() -> None:
    def switched(*, on: Annotated[bool, typer.Option()] = False) -> None: ...
    def from_environment(*, name: Annotated[str, typer.Option(envvar="NAME")] = "") -> None: ...
    def plain(*, name: Annotated[str, typer.Option()] = "") -> None: ...

    assert plain_call(switched, []) is None
    assert plain_call(from_environment, []) is None
    assert plain_call(plain, ["--help"]) is None
    assert plain_call(plain, ["--nme", "x"]) is None
    assert plain_call(plain, ["--name"]) is None
    assert plain_call(plain, ["word"]) is None
    assert plain_call(plain, ["--name", "x"]) is not None


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["test", "x", "--fail-under", "abc"], "invalid value for `--fail-under`: `abc` is not a number"),
        (["test", "x", "--fail-under", "nan"], "invalid value for `--fail-under`: `nan` is not a number"),
        (["check", "--as=a", "--role=r", "-o", "yaml"], "invalid value for `-o`: `yaml` is not one of `table`, `json`"),
        (
            ["check", "--as=a", "--role=r", "--duration=1.5"],
            "invalid value for `--duration`: `1.5` is not a whole number",
        ),
        (["migrate", "--wait", "86401"], "invalid value for `--wait`: `86401` is more than 86,400"),
        (["role", "history", "r", "--limit=0"], "invalid value for `--limit`: `0` is less than 1"),
        (["role", "rollback", "r", "--revision", "9" * 19], "is more than 9,223,372,036,854,775,807"),
        (["role", "rollback", "r", "--revision", "9" * 5_000], "is not a whole number"),
        (["schema", "rolls"], "invalid value for `of`: `rolls` is not one of"),
    ],
)
def test_a_value_that_cannot_be_read_is_reported_in_the_words_of_this_program(
    rolecall: CommandLine, arguments: list[str], reported: str
) -> None:
    outcome = rolecall(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: invalid value for `")
    assert reported in outcome.err
    assert outcome.err.splitlines()[1].startswith("  help: see `rolecall ")


def test_neither_pydantic_nor_the_policy_parser_is_on_the_way_of_a_check_on_a_server(
    address: str, policy_file: Path
) -> None:
    script = (
        "import sys; from rolecall.cli.entry import run; code = run(sys.argv[1:]);"
        "sys.exit(str({'pydantic', 'rolecall.policy.parser', 'yaml', 'rich'} & sys.modules.keys()))"
    )
    asking = ["check", "--as=acs:ram::123456789012:user/alice", "--role=some", "--address", address]

    done = subprocess.run(
        [sys.executable, "-c", script, *asking], env=environment(), capture_output=True, text=True, check=False
    )

    assert "DENIED  ROLE_NOT_FOUND" in done.stdout
    assert done.stderr == "set()\n"
