"""Report what is wrong with the file of contexts, or with the settings of a connection, as a command reports its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rolecall.cli.failure import CommandError
from rolecall.cli.problems.problem import Location, Problem, ProblemsError


@contextmanager
def errors_of_contexts() -> Iterator[None]:
    """Raise `ProblemsError` for mistakes of the file, and `CommandError` for those of options and variables."""
    from rolecall_client.contexts.errors import ContextsError

    try:
        yield
    except ContextsError as error:
        raise ProblemsError(
            Problem(location=Location(p.file, p.line, p.column), message=p.message, hint=p.fix) for p in error.problems
        ) from None
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise CommandError(message, hint=hint) from None
