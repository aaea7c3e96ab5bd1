"""The limits of connections, tokens and files are announced in the documentation, with their numbers."""

from __future__ import annotations

import pytest

from rolecall.cli.declarations import tree
from rolecall.cli.linting import reader
from rolecall.cli.sources import terraform_output
from rolecall.cli.text import files
from rolecall.security import callers_file, identity, tls_files
from rolecall.security.tokens import key_reader, key_set, public_keys, remembered, unverified, verifier
from rolecall.storage.snapshot import key
from rolecall.transport import channel_options, options
from rolecall.transport.http2 import connection, sockets
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.rpc import rates, silent_calls
from tests.docs.test_announced_limits import text_of

KIB, MIB = 1024, 1024**2
OF = ConnectionOptions()
SESSION, MEMORY = OF.session, OF.request_memory

OPERATIONS = [
    f"| connections | `--max-connections` ({options.MAX_CONNECTIONS:,}),",
    f"| TLS handshakes in progress | {OF.max_handshakes}, and {OF.handshake:g} seconds each |",
    f"the settings of a client | {OF.handshake:g} seconds |",
    f"| {OF.keepalive:g} seconds, then a ping, and {OF.keepalive_timeout:g} seconds for its acknowledgement |",
    f"| age of a connection | {OF.age:g} seconds, give or take a tenth | GOAWAY; {OF.age_grace:g} seconds for its calls",
    f"| calls in progress on a connection | {SESSION.streams:,} |",
    f"was not sent with the headers | {MEMORY.early_calls:,} |",
    f"| headers of a call | {SESSION.header_bytes // KIB} KiB, with 32 bytes for each |",
    f"refused for their headers | {OF.refused_headers[0]}, and {OF.refused_headers[1]:g} a second |",
    f"those with up to 1 KiB | {MEMORY.header_bytes // MIB} MiB |",
    f"`--max-message-bytes` ({OF.max_message_bytes // MIB} MiB)",
    f"incomplete or not read | {MEMORY.message_bytes // MIB} MiB |",
    f"whose last frame is incomplete | {MEMORY.partial_frames:,} |",
    f"| {SESSION.stream_window_bytes // KIB} KiB, {SESSION.connection_window_bytes // MIB} MiB | the client waits;",
    f"a client does not accept | {OF.max_queued_bytes // MIB} MiB of a connection |",
    f"all clients do not accept | {OF.max_all_queued_bytes // MIB} MiB |",
    f"that are not sent | {sockets.UNSENT_BYTES // KIB} KiB of a connection |",
    f"the calls of one read | {connection.SLICE_SECONDS * 1_000:g} milliseconds,",
    f"| resets by a client | {SESSION.resets[0]:,}, and {SESSION.resets[1]} a second |",
    f"a list of headers | {SESSION.continuations} | the connection is closed |",
    f"| entries of a SETTINGS frame | {SESSION.settings} |",
    f"a client that does not read | {SESSION.queued_acknowledgements:,} |",
    f"such as empty DATA | {SESSION.glitches[0]:,}, and {SESSION.glitches[1]} a second |",
    f"| pings by a client | {OF.ping_interval:g} seconds apart, and {OF.ping_strikes} sooner ones |",
    f"are counted apart, at most {silent_calls.MAX_SILENT:,}:",
    f"A connection may have {channel_options.MAX_STREAMS:,} calls in progress",
    f"The rate of {rates.MAX_BUCKETS:,} callers is stored",
]
SECURITY = [
    f"A SPIFFE id is at most {identity.MAX_SPIFFE_ID_BYTES:,} bytes",
    f"A DNS name is at most {identity.MAX_DNS_NAME_BYTES} bytes",
    f"| at most {unverified.MAX_TOKEN_BYTES:,} bytes, three parts",
    f"texts of 1 to {unverified.MAX_CLAIM_CHARACTERS:,} characters without control characters",
    f"at most {unverified.MAX_AUDIENCES} audiences, times in whole seconds",
    f"are at most {verifier.LEEWAY_SECONDS} seconds ahead",
    f"at most {remembered.MAX_TOKENS:,} tokens and {remembered.MAX_BYTES // MIB} MiB;",
    f"| `jwks_file` | read every {key_reader.FILE_SECONDS:g} seconds;",
    f"read every {key_reader.URL_SECONDS / 60:g} minutes, and {key_set.COOL_DOWN_SECONDS:g} seconds after a failure",
    f"at most {public_keys.MAX_KEY_SET_BYTES:,} bytes and {key_reader.FETCH_SECONDS:g} seconds, at most {public_keys.MAX_KEYS} keys",
    f"| {tls_files.MAX_PEM_BYTES // MIB} MiB each |",
    f"| 1 MiB, {callers_file.MAX_AUTHORITY_BYTES // MIB} MiB each |",
    f"| a key set (JWKS) | {public_keys.MAX_KEY_SET_BYTES // KIB} KiB |",
    f"`--store-file` | {key.MAX_KEY_BYTES:,} bytes,",
    (
        f"| {files.MAX_POLICY_FILE_BYTES // MIB} MiB, {tree.MAX_FILE_BYTES // MIB} MiB; YAML and JSON: {tree.MAX_DEPTH} levels,"
        f" {tree.MAX_DOCUMENTS:,} documents, {tree.MAX_NODES:,} values"
    ),
    f"| a terraform plan (commands) | {terraform_output.MAX_PLAN_BYTES // MIB} MiB;",
]
LINTER = [
    (
        f"{reader.MAX_CONFIGURATION_BYTES // MIB} MiB, {reader.MAX_SUPPRESSIONS:,} suppressions"
        f" and {reader.MAX_TRUSTED_ACCOUNTS:,} trusted accounts; {reader.MAX_PATTERN_CHARACTERS} characters of a path or a role,"
        f" and {reader.MAX_REASON_CHARACTERS:,} of a reason"
    ),
]


@pytest.mark.parametrize("sentence", OPERATIONS)
def test_the_limits_of_connections_are_announced(sentence: str) -> None:
    assert sentence in text_of("operations.md")


@pytest.mark.parametrize("sentence", SECURITY)
def test_the_limits_of_identities_tokens_and_files_are_announced(sentence: str) -> None:
    assert sentence in text_of("security.md")


@pytest.mark.parametrize("sentence", LINTER)
def test_the_limits_of_the_configuration_of_the_linter_are_announced(sentence: str) -> None:
    assert sentence in text_of("lint-configuration.md")
