"""The names of contexts that a shell completes."""

from __future__ import annotations

import os
from collections.abc import Iterator


def context_names(incomplete: str) -> Iterator[str]:
    """Yield the names of the contexts in the file that begin with a text; none if the file cannot be used."""
    from rolecall_client.contexts.choice import contexts_of

    try:
        file = contexts_of(os.environ)
    except ValueError:  # a shell has no place for errors; the command itself reports them
        return
    yield from (name for name in sorted(file.contexts if file else ()) if name.startswith(incomplete))
