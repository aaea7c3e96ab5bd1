"""The memory of a pod: what the values say about it follows from the defaults of the settings, and fits into its limit."""

from __future__ import annotations

import re
from math import ceil

import yaml

from rolecall.callers import directory, remembered_rights
from rolecall.config.settings import Config
from rolecall.engine import feed
from rolecall.engine.watch_events import WatchOptions
from rolecall.observability.decision_log import line_writer
from rolecall.security import authentication
from rolecall.security.tokens import remembered as tokens
from rolecall.transport.codecs import watch, watch_batches
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.request_memory import RequestMemoryLimits
from tests.helm.values import VALUES, leaves
from tests.immunity.test_memos import ALL_MEMOS

MEGABYTE, MEBIBYTE = 1_000_000, 1_048_576


def meaning() -> str:
    (text,) = [value.meaning for value in leaves() if value.path == "resources.limits.memory"]
    return text


def figure(pattern: str) -> int:
    """Return the number at the group of a pattern in the documentation of the limit."""
    found = re.search(pattern, meaning())
    assert found, meaning()
    return int(found[1])


def remembered() -> int:
    """Return how many bytes a server caches and queues at most, by its defaults."""
    config = Config.from_mapping({}, {})
    caches = config.cache_bytes + config.request_cache_bytes + config.compiled_policy_bytes
    return caches + ALL_MEMOS + of_watches() + of_callers() + line_writer.MAX_QUEUED_BYTES


def of_watches() -> int:
    """Return how many bytes of changes and of encoded ones a server stores at most for all watches."""
    return feed.MAX_BYTES + WatchOptions().page_bytes + watch.CACHE_BYTES + watch_batches.BATCHES_BYTES


def of_callers() -> int:
    """Return how many bytes of callers, their rights and their tokens a server remembers at most."""
    rights = directory.MAX_KNOWN_CALLERS_BYTES + remembered_rights.MAX_REMEMBERED_RIGHTS_BYTES
    # The tokens of callers and those in queries have a memory each.
    return rights + authentication.MAX_KNOWN_BYTES + 2 * tokens.MAX_BYTES


def of_requests() -> int:
    """Return how many bytes the transport h2 stores at most for clients that send and accept only parts."""
    requests = RequestMemoryLimits()
    return requests.message_bytes + requests.header_bytes + ConnectionOptions().max_all_queued_bytes


def resources() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(VALUES.read_text())["resources"]
    return found


def mebibytes(text: str) -> int:
    number, unit = int(text[:-2]), text[-2:]
    return number * {"Mi": 1, "Gi": 1_024}[unit]


def test_the_documented_figure_is_the_sum_of_the_defaults() -> None:
    assert figure(r"(\d+) MB for what it caches and queues") == ceil(remembered() / MEGABYTE / 10) * 10


def test_the_parts_that_no_setting_has_are_documented_with_their_size() -> None:
    assert figure(r"(\d+) MB of texts") == ALL_MEMOS // MEGABYTE
    assert figure(r"(\d+) MiB for watches") == of_watches() // MEBIBYTE
    assert figure(r"(\d+) MiB for callers") == of_callers() // MEBIBYTE
    assert figure(r"(\d+) MiB for a decision log") == line_writer.MAX_QUEUED_BYTES // MEBIBYTE
    assert figure(r"up to (\d+) MiB more") == of_requests() // MEBIBYTE


def test_the_request_and_the_limit_cover_full_caches() -> None:
    needed = figure(r"needs (\d+) MB") * MEGABYTE + remembered()

    request, limit = (mebibytes(resources()[part]["memory"]) * MEBIBYTE for part in ("requests", "limits"))

    assert needed <= request
    assert 1.2 * (needed + of_requests()) + figure_of_uploads() <= limit


def figure_of_uploads() -> int:
    """Return what uploads in progress take where they are as large as the state of a pod with such a limit may be."""
    return Config.from_mapping({}, {}).max_upload_bytes
