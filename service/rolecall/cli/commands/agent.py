"""`agent`: run an agent. It has one option for each setting of `rolecall.config.agent_settings`."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from rolecall.cli.options.setting_options import settings_of, with_settings
from rolecall.config.agent_settings import AgentConfig


@with_settings(AgentConfig)
def agent(flags: Mapping[str, object]) -> None:
    """Decide on this node, by the roles that a server sends.

    It runs until SIGTERM or Ctrl-C.
    Each option has a ROLECALL_* environment variable; the option takes precedence. An unknown ROLECALL_* variable is an error.
    """
    config = settings_of(AgentConfig, flags, "agent")

    from rolecall.server.agent import main

    raise typer.Exit(main.run(config))
