"""The options of `serve` and `agent`: one for each of their settings."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields
from typing import Annotated, Any, TypeVar

import typer

from rolecall.cli.failure import CommandError
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.sources import ConfigError, flag_of, variable_of
from rolecall.config.types import ListenAddress

_METAVARS = {
    "account": "ID",
    "account_id": "ID",
    "account_alias": "NAME=ID",
    "admin_socket": "PATH",
    "callers": "FILE|DIR",
    "callers_observe_until": "DATE",
    "create_store": "auto|never",
    "decision_log": "stdout|FILE",
    "decision_log_erase": "POINTER",
    "decision_log_mask": "POINTER",
    "decision_log_sample_allow": "SHARE",
    "decision_log_sample_deny": "SHARE",
    "jwks_ca": "FILE",
    "jwks_host": "HOST[=ADDRESS]",
    "listen": "HOST:PORT",
    "ops_listen": "HOST:PORT",
    "snapshot_file": "FILE",
    "snapshot_key_file": "FILE",
    "store": "URL",
    "upstream": "ADDRESS",
    "upstream_token_file": "FILE",
    "store_file": "FILE",
    "lint_blocks": "SEVERITY",
    "log_level": "LEVEL",
    "log_format": "FORMAT",
    "transport": "auto|h2|grpcio",
}
_UNITS = {"seconds": "SECONDS", "bytes": "BYTES", "days": "DAYS"}

Settings = TypeVar("Settings", bound=ServingSettings)


def settings_of(settings: type[Settings], flags: Mapping[str, object], command: str) -> Settings:
    """Return the settings that flags and environment define; raise `CommandError` with every problem."""
    try:
        return settings.from_mapping(flags, os.environ)
    except ConfigError as error:
        raise CommandError("; ".join(error.problems), hint=f"see `rolecall {command} --help`") from None


def with_settings(settings: type[ServingSettings]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: a command with an option for every setting, which calls the function with all of them as one mapping."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def command(**flags: object) -> None:
            function(flags)

        command.__doc__ = function.__doc__
        command.__name__ = function.__name__
        command.__signature__ = inspect.Signature(list(_parameters(settings)))  # type: ignore[attr-defined]
        return command

    return decorate


def _parameters(settings: type[ServingSettings]) -> Iterator[inspect.Parameter]:
    for setting in fields(settings):
        default: list[str] | None = [] if _repeatable(setting) else None
        yield inspect.Parameter(
            setting.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_option(setting)
        )


def _option(setting: Field[Any]) -> object:
    """Return the type of an option: text, which the settings parse. The help text names the default, which the settings apply."""
    flag, text = flag_of(setting.name), f"{setting.metadata['help']} [{_facts(setting)}]"
    if _is_switch(setting):
        return Annotated[bool | None, typer.Option(f"{flag}/--no-{flag[2:]}", help=text, show_default=False)]
    kind = list[str] if _repeatable(setting) else str | None
    return Annotated[kind, typer.Option(flag, metavar=_metavar(setting), help=text, show_default=False)]


def _facts(setting: Field[Any]) -> str:
    default = _default(setting.default)
    return f"default: {default}; {variable_of(setting.name)}" if default else variable_of(setting.name)


def _default(value: object) -> str:
    if isinstance(value, ListenAddress):
        return value.text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return value if isinstance(value, str) else ""


def _metavar(setting: Field[Any]) -> str:
    if setting.name in _METAVARS:
        return _METAVARS[setting.name]
    if setting.name.endswith("_server_name"):
        return "NAME"
    if setting.name.startswith(("tls_", "upstream_tls_")):
        return "FILE"
    return _UNITS.get(setting.name.rpartition("_")[2], "N")


def _is_switch(setting: Field[Any]) -> bool:
    return "bool" in str(setting.type)


def _repeatable(setting: Field[Any]) -> bool:
    return "tuple" in str(setting.type) or "frozenset" in str(setting.type)
