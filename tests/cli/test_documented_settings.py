"""The options of `serve` and `agent` are declared as the page of the command line shows them."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

import pytest
from typer.models import OptionInfo

from rolecall.cli.failure import CommandError
from rolecall.cli.options.setting_options import settings_of, with_settings
from rolecall.config.agent_settings import AgentConfig
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config
from rolecall.config.sources import flag_of, variable_of
from tests.repository.tree import DOCS

COMMANDS: Mapping[str, type[ServingSettings]] = {"serve": Config, "agent": AgentConfig}


def documented(command: str) -> dict[str, tuple[str, str]]:
    """Return what the page says of each option of a command: what its value is called, and its words."""
    page = (DOCS / "command-line.md").read_text()
    text = page.partition(f"\n## rolecall {command}\n")[2].partition("\n## ")[0].partition("\nOptions:\n")[2]
    options = re.split(r"\n {1,2}(?=-)", "\n" + text.partition("\n```")[0])[1:]
    found = [re.fullmatch(r"(--[a-z-]+)(?: / (--[a-z-]+)| (\S+))?\s+(.*)", one, re.DOTALL) for one in options]
    return {one[1]: (one[2] or one[3], " ".join(one[4].split())) for one in found if one}


def parameters(settings: type[ServingSettings]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(with_settings(settings)(lambda flags: None)).parameters


def declared(parameter: inspect.Parameter) -> OptionInfo:
    info = get_args(parameter.annotation)[1]
    assert isinstance(info, OptionInfo)
    return info


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_shown_with_its_value_and_its_words(command: str) -> None:
    page, found = documented(command), parameters(COMMANDS[command])

    for name, parameter in found.items():
        value, words = page[flag_of(name)]
        info = declared(parameter)
        if info.metavar is None:
            assert info.default == f"{flag_of(name)}/{value}"
            assert value == f"--no-{flag_of(name)[2:]}"
        else:
            assert (info.default, info.metavar) == (flag_of(name), value)
        assert info.help == words
        assert words.endswith(f"{variable_of(name)}]")
        # The words name the default, which the settings apply.
        assert info.show_default is False
    assert list(found) == [setting.name for setting in fields(COMMANDS[command])]


@pytest.mark.parametrize("settings", COMMANDS.values())
def test_an_option_that_is_not_given_says_nothing(settings: type[ServingSettings]) -> None:
    found = parameters(settings)
    for setting in fields(settings):
        parameter = found[setting.name]
        kind = get_args(parameter.annotation)[0]
        # A setting of several values is an option that may be repeated.
        repeated = isinstance(setting.default, tuple | frozenset)
        assert kind == list[str] if repeated else types.NoneType in get_args(kind)
        assert parameter.default == ([] if repeated else None)
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_a_command_of_settings_gets_all_of_them_as_one_mapping() -> None:
    given: list[object] = []

    def some_command(flags: Mapping[str, object]) -> None:
        """Do something."""
        given.append(flags)

    command: Any = with_settings(Config)(some_command)
    command(listen="a:1", store=None)

    assert given == [{"listen": "a:1", "store": None}]
    assert (command.__name__, command.__doc__) == ("some_command", "Do something.")


def test_every_problem_of_settings_is_in_one_sentence_with_where_to_read_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_LOG_LEVEL", "loud")

    with pytest.raises(CommandError) as refused:
        settings_of(Config, {"listen": "nowhere"}, "serve")

    assert refused.value.message.startswith("--listen (ROLECALL_LISTEN) must be HOST:PORT")
    assert "; --log-level (ROLECALL_LOG_LEVEL) must be " in refused.value.message
    assert refused.value.hint == "see `rolecall serve --help`"
