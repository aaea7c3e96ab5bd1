"""`serve`: run the server. It has one option for each setting of `rolecall.config.settings`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields
from typing import Annotated, Any

import typer

from rolecall.cli.failure import CommandError
from rolecall.cli.store_options import shows_password
from rolecall.config.settings import Config
from rolecall.config.sources import ConfigError, flag_of, variable_of
from rolecall.config.types import ListenAddress

_METAVARS = {
    "account_id": "ID",
    "account_alias": "NAME=ID",
    "admin_socket": "PATH",
    "callers": "FILE|DIR",
    "callers_observe_until": "DATE",
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
    "store_file": "FILE",
    "lint_blocks": "SEVERITY",
    "log_level": "LEVEL",
    "log_format": "FORMAT",
}
_UNITS = {"seconds": "SECONDS", "bytes": "BYTES", "days": "DAYS"}


def settings_of(flags: Mapping[str, object]) -> Config:
    """Return the settings that flags and environment define; raise `CommandError` with every problem."""
    try:
        return Config.from_mapping(flags, os.environ)
    except ConfigError as error:
        raise CommandError("; ".join(error.problems), hint="see `rolecall serve --help`") from None


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command with an option for every setting, which calls `function` with all of them as one mapping."""

    def command(**flags: object) -> None:
        function(flags)

    parameters = list(_parameters())
    command.__doc__ = function.__doc__
    command.__name__ = function.__name__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _parameters() -> Iterator[inspect.Parameter]:
    for setting in fields(Config):
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
    if setting.name.startswith("tls_"):
        return "FILE"
    return _UNITS.get(setting.name.rpartition("_")[2], "N")


def _is_switch(setting: Field[Any]) -> bool:
    return "bool" in str(setting.type)


def _repeatable(setting: Field[Any]) -> bool:
    return "tuple" in str(setting.type) or "frozenset" in str(setting.type)


@with_settings
def serve(flags: Mapping[str, object]) -> None:
    """Serve over gRPC until SIGTERM or Ctrl-C.

    Each option has a ROLECALL_* environment variable; the option takes precedence. An unknown ROLECALL_* variable is an error.
    """
    config = settings_of(flags)

    from rolecall.observability.logs import make_logger
    from rolecall.server import main

    if shows_password(str(flags.get("store") or "")):
        make_logger(config.log_level, config.log_format).warning(
            "password_on_command_line",
            advice="every user of this machine can see it: give --store-file, or the variable ROLECALL_STORE",
        )
    raise typer.Exit(main.run(config))
