"""What several commands share: groups of options, the choice of a store, and its errors."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.options.prune_options import PruneOptions
from rolecall.cli.options.shared import Connection, RemoteOptions, expanded
from rolecall.cli.options.store_options import StoreChoice, store_errors, url_of
from rolecall.roles.errors import RoleError


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ROLECALL_STORE", "ROLECALL_STORE_FILE"):
        monkeypatch.delenv(name, raising=False)
    Path("url").write_text("postgresql://db/file\n")


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(CommandError) as refused:
        call()
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    ("options", "variables", "url"),
    [
        ({}, {}, "sqlite:///rolecall.db"),
        ({"store": "sqlite:///a.db"}, {}, "sqlite:///a.db"),
        ({"store_file": "url"}, {}, "postgresql://db/file"),
        ({}, {"ROLECALL_STORE": "sqlite:///v.db"}, "sqlite:///v.db"),
        ({}, {"ROLECALL_STORE_FILE": "url"}, "postgresql://db/file"),
        ({"store": "sqlite:///a.db"}, {"ROLECALL_STORE_FILE": "url"}, "sqlite:///a.db"),
        ({"store": "sqlite:///a.db"}, {"ROLECALL_STORE": "sqlite:///v.db"}, "sqlite:///a.db"),
        ({"store_file": "url"}, {"ROLECALL_STORE": "sqlite:///v.db"}, "postgresql://db/file"),
        ({"store_file": "url"}, {"ROLECALL_STORE_FILE": "missing"}, "postgresql://db/file"),
    ],
)
def test_an_option_takes_precedence_over_both_variables(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], variables: dict[str, str], url: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert StoreChoice(**options).url == url


def test_only_one_option_names_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    both = "only one of --store and --store-file may be given"
    assert refusal(lambda: StoreChoice(store="a", store_file="url").url) == (both, "")
    assert refusal(lambda: StoreChoice(store="", store_file="").url) == (both, "")

    monkeypatch.setenv("ROLECALL_STORE", "a")
    monkeypatch.setenv("ROLECALL_STORE_FILE", "url")
    assert refusal(lambda: StoreChoice().url) == ("--store and --store-file name two stores; give one of them", "")


def test_a_store_may_be_a_file_with_its_url() -> None:
    assert url_of("sqlite:///a@b.db") == "sqlite:///a@b.db"
    assert url_of("@url") == "postgresql://db/file"
    message, hint = refusal(lambda: url_of("@missing"))
    assert message.startswith("--store-file: cannot read `missing`")
    assert hint == ""


def test_an_error_of_a_store_is_a_sentence_about_that_store() -> None:
    def failing(which: str) -> None:
        with store_errors(which):
            raise RoleError("it is locked")

    assert refusal(lambda: failing("")) == ("it is locked", "")
    assert refusal(lambda: failing("the target")) == ("the target: it is locked", "")
    with pytest.raises(ZeroDivisionError), store_errors():
        raise ZeroDivisionError


def test_options_in_a_context_are_the_same_options() -> None:
    values: dict[str, Any] = {
        "address": "a:1",
        "tls_ca": Path("ca"),
        "tls_cert": Path("cert"),
        "tls_key": Path("key"),
        "token_file": Path("token"),
        "timeout": 7.0,
    }
    assert values.keys() == {field.name for field in dataclasses.fields(RemoteOptions)}

    assert RemoteOptions(**values).in_context("prod") == Connection(**values, context="prod")
    assert RemoteOptions().in_context(None) == Connection()
    assert set(dataclasses.asdict(Connection()).values()) == {None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """A group of options: one that must be given, one with a default, and one that may be repeated."""

    needed: Annotated[str, typer.Option("--needed")]
    usual: Annotated[int, typer.Option("--usual")] = 3
    many: Annotated[list[str], typer.Option("--many")] = dataclasses.field(default_factory=list)


def command(
    word: Annotated[str, typer.Argument()], pair: Pair, flag: Annotated[bool, typer.Option("--flag")] = False
) -> tuple[str, Pair, bool]:
    """Do what a command does."""
    return word, pair, flag


def test_a_group_becomes_its_options_and_the_command_gets_the_group() -> None:
    whole = expanded(command)

    called: Any = whole
    assert called(word="w", needed="n", usual=4, many=["m"], flag=True) == (
        "w",
        Pair(needed="n", usual=4, many=["m"]),
        True,
    )
    assert (whole.__name__, whole.__doc__) == ("command", "Do what a command does.")
    assert not hasattr(whole, "__wrapped__")


def test_what_must_be_given_comes_first_and_every_option_is_named() -> None:
    whole = expanded(command)
    parameters = inspect.signature(whole).parameters

    assert list(parameters) == ["word", "needed", "usual", "many", "flag"]
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    empty = inspect.Parameter.empty
    assert [parameter.default for parameter in parameters.values()] == [empty, empty, 3, [], False]
    declared = [get_args(parameter.annotation)[1] for parameter in parameters.values()]
    assert [info.default for info in declared[1:]] == ["--needed", "--usual", "--many", "--flag"]
    assert whole.__annotations__ == {
        **{name: parameter.annotation for name, parameter in parameters.items()},
        "return": None,
    }


def test_what_must_be_given_comes_first_also_from_a_group_that_comes_last() -> None:
    def late(flag: Annotated[bool, typer.Option("--flag")] = False, *, pair: Pair) -> int:
        return 7 + flag + len(pair.many)

    whole: Any = expanded(late)

    assert list(inspect.signature(whole).parameters) == ["needed", "flag", "usual", "many"]
    assert whole(needed="n", flag=False, usual=3, many=["m"]) == 8


def test_roles_are_deleted_only_by_tags_in_an_account_that_is_known() -> None:
    role: Any = object()

    assert (PruneOptions().selector, PruneOptions(prune="a=1,b=").selector) == (None, {"a": "1", "b": ""})
    assert refusal(lambda: PruneOptions(prune="").selector) == ("--prune takes KEY=VALUE, not ``", "")
    guard = PruneOptions(max_deletes=3, yes=True).guard
    assert (guard.max_deletes, guard.yes) == (3, True)
    assert (PruneOptions().guard.max_deletes, PruneOptions().guard.yes) == (None, False)
    for known in (PruneOptions(), PruneOptions(prune="a=1", prune_account=["7"])):
        known.require_account([])
    PruneOptions(prune="a=1").require_account([role])
    assert refusal(lambda: PruneOptions(prune="a=1").require_account([])) == (
        "the files declare no role, and so no account to prune",
        "name the account in which roles are deleted: --prune-account ID",
    )
