"""Reads settings from their two sources: command-line flags first, then `ROLECALL_*` variables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import Field
from difflib import get_close_matches
from typing import Any

PREFIX = "ROLECALL_"
CLIENT_VARIABLES = frozenset(
    {
        "ROLECALL_ADDRESS",
        "ROLECALL_AGENT",
        "ROLECALL_CONFIG",
        "ROLECALL_CONTEXT",
        "ROLECALL_TIMEOUT",
        "ROLECALL_TLS_CA",
        "ROLECALL_TOKEN_FILE",
    }
)
"""Variables of the client commands, which a server ignores."""


class ConfigError(Exception):
    """One or more settings are invalid; `problems` lists them all, each with its flag and variable."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def flag_of(name: str) -> str:
    """Return the flag of a setting."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def read_settings(
    settings: Collection[Field[Any]], flags: Mapping[str, object], environ: Mapping[str, str]
) -> dict[str, Any]:
    """Return the values of the settings that are given, by name; a flag wins over a variable.

    Raise `ConfigError` with all problems, unknown variables among them.
    """
    # An unknown variable is an error: the operator who set it expects an effect.
    problems = _unknown_variables(settings, environ)
    values: dict[str, Any] = {}
    for setting in settings:
        text = _given_text(setting.name, flags, environ)
        if text is None:
            continue
        try:
            values[setting.name] = setting.metadata["read"](text)
        except ValueError as error:
            problems.append(f"{flag_of(setting.name)} ({variable_of(setting.name)}) {error}")
    if problems:
        raise ConfigError(problems)
    return values


def _given_text(name: str, flags: Mapping[str, object], environ: Mapping[str, str]) -> str | None:
    value = flags.get(name)
    # The command line passes an empty list for a repeatable flag that is not given.
    if value is None or value == []:
        return environ.get(variable_of(name))
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _unknown_variables(settings: Iterable[Field[Any]], environ: Mapping[str, str]) -> list[str]:
    known = {variable_of(setting.name) for setting in settings} | CLIENT_VARIABLES
    return [_unknown(name, known) for name in sorted(environ) if name.startswith(PREFIX) and name not in known]


def _unknown(name: str, known: Iterable[str]) -> str:
    # Without the prefix, which every name shares and which would make every name similar.
    suffixes = [other.removeprefix(PREFIX) for other in known]
    nearest = get_close_matches(name.removeprefix(PREFIX), suffixes)
    hint = f"did you mean {PREFIX}{nearest[0]}" if nearest else "unset it"
    return f"{name} names no setting; {hint}"
