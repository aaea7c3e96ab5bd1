"""`serve`: run the server. It has one option for each setting of `rolecall.config.settings`."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from rolecall.cli.options.setting_options import settings_of, with_settings
from rolecall.cli.options.store_options import shows_password
from rolecall.config.settings import Config


@with_settings(Config)
def serve(flags: Mapping[str, object]) -> None:
    """Serve over gRPC until SIGTERM or Ctrl-C.

    Each option has a ROLECALL_* environment variable; the option takes precedence. An unknown ROLECALL_* variable is an error.
    """
    config = settings_of(Config, flags, "serve")

    from rolecall.observability.logs import make_logger
    from rolecall.server import main

    if shows_password(str(flags.get("store") or "")):
        make_logger(config.log_level, config.log_format).warning(
            "password_on_command_line",
            advice="every user of this machine can see it: give --store-file, or the variable ROLECALL_STORE",
        )
    raise typer.Exit(main.run(config))
