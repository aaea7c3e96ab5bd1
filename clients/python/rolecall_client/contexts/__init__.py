"""Contexts: named servers and how to connect to them, in one file for the command line and for every client.

The file is `~/.config/rolecall/config.yaml`, or what `ROLECALL_CONFIG` names; docs/contexts.md describes it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rolecall_client.contexts.errors import ContextProblem, ContextsError

if TYPE_CHECKING:
    from rolecall_client.connection.settings import ConnectionSettings

__all__ = ["ContextProblem", "ContextsError", "settings_from_env", "settings_of_context"]


def settings_from_env(environ: Mapping[str, str] | None = None) -> ConnectionSettings:
    """Return what `ROLECALL_*` variables say, over the context of `ROLECALL_CONTEXT` or the current one, over the defaults.

    The current context is not used if `ROLECALL_ADDRESS` names a server. Raise `ContextsError` for the file of contexts, and
    any other `ValueError` for the variables.
    """
    # Only what reads a context needs YAML.
    from rolecall_client.contexts.choice import choose  # noqa: PLC0415
    from rolecall_client.contexts.given import NOTHING_GIVEN  # noqa: PLC0415

    return choose(NOTHING_GIVEN, os.environ if environ is None else environ).settings()


def settings_of_context(name: str, environ: Mapping[str, str] | None = None) -> ConnectionSettings:
    """Return the settings of a context, whatever other variables say; raise `ContextsError`.

    `environ` only says where the file of contexts is.
    """
    from rolecall_client.contexts.choice import choose  # noqa: PLC0415
    from rolecall_client.contexts.given import OPTIONS, GivenSettings  # noqa: PLC0415

    if not name:
        raise ValueError("the name of the context is empty")
    return choose(GivenSettings(names=OPTIONS, context=name), os.environ if environ is None else environ).settings()
