"""A server that identifies callers by a callers file that a test writes as a value."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from rolecall.callers.declarations import CallersFile
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.document import read_callers
from rolecall.server import main
from rolecall.server.callers import ServerCallers
from tests.server.serving import Served, log_lines, served

ADMINISTRATOR = {"policies": ["AdministratorAccess"]}


def callers_file(value: Mapping[str, Any], authorities: Mapping[str, bytes] | None = None) -> CallersFile:
    """Return a callers file; `authorities` are the CAs of its trust domains."""
    return read_callers(value).with_authorities(authorities or {})


@contextmanager
def known(directory: CallerDirectory) -> Iterator[None]:
    """Have every server that starts meanwhile identify callers by a directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "open_callers", lambda _, log, __: ServerCallers(directory, None, None, log))
        yield


@asynccontextmanager
async def serving_callers(directory: CallerDirectory, **flags: object) -> AsyncIterator[Served]:
    with known(directory):
        async with served(**flags) as service:
            yield service


def causes(service: Served) -> list[str]:
    """Return why credentials were refused, as far as the log has it."""
    return [line["cause"] for line in log_lines(service.log) if line["event"] == "credentials_refused"]
