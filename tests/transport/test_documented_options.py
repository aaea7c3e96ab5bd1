"""The limits of calls and uploads are by default those of the table of settings, whose page is written for operators."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from rolecall.transport.options import STREAM_IDLE_SECONDS, ServerOptions, UploadLimits
from rolecall.transport.rpc.call_limits import CallLimits
from rolecall.transport.rpc.call_origin import no_name
from rolecall.transport.rpc.open_streams import OpenStreams
from rolecall.transport.services.uploads import Uploads
from rolecall_client.v1 import role_pb2
from tests.repository.tree import DOCS

OF_UPLOADS = {"max_roles": "max_upload_roles", "max_bytes": "max_upload_bytes"}


def documented(setting: str) -> float:
    """Return the default of a setting in its table, in the fourth column."""
    flag = f"--{setting.replace('_', '-')}"
    (row,) = [line for line in (DOCS / "configuration.md").read_text().splitlines() if line.startswith(f"| `{flag}` |")]
    return float(row.split(" | ")[3].replace(",", ""))


@pytest.mark.parametrize(
    "name", [field.name for field in fields(ServerOptions) if field.name not in ("reflection", "max_connections")]
)
def test_a_server_has_the_documented_limit_of(name: str) -> None:
    options = ServerOptions()
    # As the server applies them.
    limits, streams = CallLimits.of(options, no_name), OpenStreams()

    found = asdict(options)[name]

    assert found == documented(name)
    applied = {
        "max_concurrent_rpcs": limits.calls.limit,
        "max_streams": limits.streams.limit,
        "max_uploads": limits.uploads.limit,
        "max_watches": limits.watches.limit,
        "stream_idle_seconds": streams._idle_seconds,
    }
    assert applied.get(name, found) == found


def test_a_server_has_the_documented_number_of_connections_and_no_reflection_unless_it_is_asked_for() -> None:
    options = ServerOptions()
    OpenStreams()

    assert (options.max_connections, options.reflection) == (documented("max_connections"), False)
    assert documented("stream_idle_seconds") == STREAM_IDLE_SECONDS


@pytest.mark.parametrize("name", [field.name for field in fields(UploadLimits)])
def test_an_upload_has_the_documented_limit_of(name: str) -> None:
    limits = UploadLimits()
    uploads = Uploads(limits)
    assert uploads._add(None, role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions())).roles == []

    assert asdict(limits)[name] == documented(OF_UPLOADS[name])
