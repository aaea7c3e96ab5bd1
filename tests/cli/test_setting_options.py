"""What the value of each option of `serve` and `agent` is called in `--help`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields

import pytest

from rolecall.cli.options.setting_options import with_settings
from rolecall.config.agent_settings import AgentConfig
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config

_NUMBERS = {"N", "SECONDS", "BYTES", "DAYS", "SHARE"}
_DATES = {"callers_observe_until"}  # a number as a setting


def shown_values(settings: type[ServingSettings]) -> Mapping[str, str | None]:
    """Return what the value of each setting is called; None for a switch, which has none."""

    @with_settings(settings)
    def command(flags: Mapping[str, object]) -> None:
        raise AssertionError(flags)

    parameters = inspect.signature(command).parameters.values()
    return {parameter.name: parameter.annotation.__metadata__[0].metavar for parameter in parameters}


@pytest.mark.parametrize("settings", [Config, AgentConfig])
def test_numbers_are_shown_by_their_units_and_nothing_else_is(settings: type[ServingSettings]) -> None:
    shown = shown_values(settings)
    numbers = {setting.name for setting in fields(settings) if re.search(r"\b(int|float)\b", str(setting.type))}

    assert {name for name, value in shown.items() if value in _NUMBERS} == numbers - _DATES


def test_a_choice_is_shown_with_its_words() -> None:
    assert shown_values(Config)["transport"] == "auto|h2|grpcio"
