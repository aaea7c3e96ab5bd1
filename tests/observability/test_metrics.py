"""Every metric is read from its own number, and shows it at the next scrape."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import trustme
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from rolecall.engine.decision import Reason, ServedFrom
from rolecall.engine.follower import Reload
from rolecall.engine.snapshot import Snapshot
from rolecall.observability import metered_writer, metrics
from rolecall.observability.metered_writer import MeteredWriter, WriteStats
from rolecall.policy.errors import InvalidPolicyError
from rolecall.roles.commands import Written
from rolecall.roles.errors import StoreUnavailableError, StoreUnsupportedError
from rolecall.roles.role import Revision
from rolecall.security.tls_files import CredentialsError
from rolecall.server.server import RolecallServer
from rolecall_client.v1 import role_pb2
from tests.server.serving import DOCUMENT, check, idle_server, served
from tests.storage.samples import create


def samples(registry: CollectorRegistry) -> dict[str, float]:
    """Return what a scrape shows: the value of each series, named as in the text, its labels in alphabetical order."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {_series(sample.name, sample.labels): sample.value for family in families for sample in family.samples}


def _series(name: str, labels: Mapping[str, str]) -> str:
    text = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{text}}}" if text else name


def shown(server: RolecallServer, *names: str) -> dict[str, float]:
    """Return the series of these metrics alone."""
    return {series: value for series, value in samples(server.registry).items() if series.partition("{")[0] in names}


async def test_the_state_and_its_staleness_are_shown(server: RolecallServer, monkeypatch: pytest.MonkeyPatch) -> None:
    create(server.replica.repository, "app")
    await server.replica.load()
    snapshot = server.replica.snapshot
    snapshot.restored = True
    monkeypatch.setattr(server.replica.follower, "staleness", lambda: 2_500_000)
    monkeypatch.setattr(Snapshot, "index_bytes", 4_321)

    found = samples(server.registry)

    assert found["rolecall_snapshot_revision"] == snapshot.revision == 1
    assert found["rolecall_snapshot_roles"] == 1
    assert found["rolecall_index_bytes"] == 4_321
    assert found["rolecall_snapshot_staleness_seconds"] == 2.5
    assert found["rolecall_snapshot_restored"] == 1


async def test_polls_reloads_comparisons_and_snapshot_files_are_counted_apart(server: RolecallServer) -> None:
    replica = server.replica
    counts, reconciler, saver = replica.polling.counts, replica.reconciler, replica.saver
    assert saver
    counts.done, counts.failed, counts.hints, counts.failing = 2, 3, 5, True
    reconciler.passes, reconciler.mismatches = 7, 11
    saver.saved, saver.errors = 13, 17
    for number, reason in enumerate(Reload, start=20):
        replica.follower.reloads[reason] = number

    found = samples(server.registry)

    assert found["rolecall_store_polls_total"] == 2
    assert found["rolecall_store_poll_errors_total"] == 3
    assert found["rolecall_store_hints_total"] == 5
    assert found["rolecall_store_unreachable"] == 1
    assert found["rolecall_state_comparisons_total"] == 7
    assert found["rolecall_state_digest_mismatch_total"] == 11
    assert found["rolecall_snapshot_file_writes_total"] == 13
    assert found["rolecall_snapshot_file_errors_total"] == 17
    reloads = {reason: found[f'rolecall_store_full_reloads_total{{reason="{reason.value}"}}'] for reason in Reload}
    assert reloads == replica.follower.reloads
    assert found["rolecall_changelog_gaps_total"] == replica.follower.reloads[Reload.GAP]
    assert found["rolecall_incarnation_forks_total"] == replica.follower.reloads[Reload.FORK]


async def test_without_a_snapshot_file_there_are_no_metrics_of_it() -> None:
    async with idle_server() as server:
        assert not [series for series in samples(server.registry) if series.startswith("rolecall_snapshot_file")]


async def test_calls_watches_revivals_and_the_lag_of_the_loop_are_shown(server: RolecallServer) -> None:
    limits = server.grpc_server.limits
    for limit, calls in ((limits.calls, 1), (limits.standard, 2), (limits.watches, 4)):
        limit.calls.update({cast("Any", object()): (0.0, None) for _ in range(calls)})
    limits.watches.refused = 6
    cast("Any", server.grpc_server.wire).revivals = 19
    server.probe._lags.extend([0.5, 0.75, 0.25])

    found = samples(server.registry)

    assert found["rolecall_calls_under_way"] == 7
    assert found["rolecall_watches"] == 4
    assert found['rolecall_calls_refused_total{kind="watches"}'] == 6
    assert found["rolecall_server_revivals_total"] == 19
    assert found["rolecall_event_loop_lag_seconds"] == 0.75


async def test_the_decision_log_is_counted(server: RolecallServer) -> None:
    log = server.decision_log
    assert log
    log.writer.queued, log.writer.written, log.writer.lost, log.writer.flush_errors = 100, 40, 3, 5
    log.dropped, log.sampled_out, log.encoder.cuts = 7, 11, 13

    found = shown(server, *(f"rolecall_decision_log_{name}" for name in DECISION_LOG))

    assert found == {
        "rolecall_decision_log_queued_total": 100,
        "rolecall_decision_log_written_total": 40,
        "rolecall_decision_log_dropped_total": 7 + 3,
        "rolecall_decision_log_flush_errors_total": 5,
        "rolecall_decision_log_sampled_out_total": 11,
        "rolecall_decision_log_cut_total": 13,
        "rolecall_decision_log_waiting": 100 - 40 - 3,
    }


DECISION_LOG = (
    *("queued_total", "written_total", "dropped_total", "flush_errors_total", "sampled_out_total", "cut_total"),
    "waiting",
)


async def test_without_a_decision_log_there_are_no_metrics_of_it() -> None:
    async with idle_server() as server:
        assert not [series for series in samples(server.registry) if series.startswith("rolecall_decision_log")]


async def test_every_outcome_of_a_decision_has_its_series_from_the_start(server: RolecallServer) -> None:
    decided = server.replica.point.decided
    for number, outcome in enumerate(decided):
        decided[outcome] = number

    found = shown(server, "rolecall_decisions_total")

    assert found == {
        f'rolecall_decisions_total{{decision="{"allow" if reason is Reason.ALLOW else "deny"}",'
        f'reason="{reason.value}",served_from="{served_from.value}"}}': number
        for number, (reason, served_from) in enumerate((r, s) for r in Reason for s in ServedFrom)
    }


async def test_caches_are_counted_by_what_they_did() -> None:
    async with served(cache_entries=1) as service:
        await service.create("one")
        await service.create("two")
        for name in ("one", "one", "two", "one"):
            await service.decisions.CheckAssumeRole(check(name))

        found = shown(
            service.server,
            *("rolecall_cache_hits_total", "rolecall_cache_misses_total", "rolecall_cache_evictions_total"),
            *("rolecall_cache_entries", "rolecall_compiled_policies", "rolecall_cache_bytes"),
        )

    assert found["rolecall_cache_hits_total"] + found["rolecall_cache_misses_total"] == 4
    assert found["rolecall_cache_hits_total"] >= 1
    assert found["rolecall_cache_evictions_total"] >= 1
    assert found["rolecall_cache_entries"] == 1
    assert found["rolecall_compiled_policies"] == 2
    for cache in ("decisions", "requests", "compiled_policies"):
        assert 500 < found[f'rolecall_cache_bytes{{cache="{cache}"}}'] < 20_000


async def test_a_write_is_counted_by_its_outcome_and_a_repeat_as_a_replay() -> None:
    request = role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=DOCUMENT)
    request.request_id = "0f9cf2ae-6f6b-4d6a-8f3b-5f0c0a5f1c11"
    async with served() as service:
        for _ in range(3):
            await service.roles.CreateRole(request)

        found = samples(service.server.registry)

    assert found["rolecall_idempotent_replays_total"] == 2
    assert {
        outcome: found[f'rolecall_store_write_seconds_count{{outcome="{outcome}"}}']
        for outcome in ("committed", "unchanged", "replayed", "refused", "unavailable", "failed")
    } == {"committed": 1, "unchanged": 0, "replayed": 2, "refused": 0, "unavailable": 0, "failed": 0}


class OneWrite:
    """Ends every write in one way."""

    def __init__(self, outcome: Written[Any] | Exception) -> None:
        self.outcome = outcome

    async def write(self, work: object) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def read(self, work: object) -> Any:
        return work


COMMIT: Any = object()


def written(*, commit: Any = None, replayed: bool = False) -> Written[Any]:
    return Written(result=None, revision=Revision(1), commit=commit, replayed=replayed)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (written(commit=COMMIT), "committed"),
        (written(), "unchanged"),
        (written(commit=COMMIT, replayed=True), "replayed"),
    ],
)
async def test_a_write_that_succeeds_is_counted_once(result: Written[Any], outcome: str) -> None:
    writer = MeteredWriter(cast("Any", OneWrite(result)))

    assert await writer.write(lambda: result) is result

    assert counted(writer) == {outcome: 1}
    assert writer.outcomes[outcome].seconds > 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StoreUnsupportedError("too new"), "refused"),
        (InvalidPolicyError(()), "refused"),
        (StoreUnavailableError("gone"), "unavailable"),
        (ZeroDivisionError("unforeseen"), "failed"),
    ],
)
async def test_a_write_that_fails_is_counted_once_and_its_error_raised(error: Exception, outcome: str) -> None:
    writer = MeteredWriter(cast("Any", OneWrite(error)))

    with pytest.raises(type(error)):
        await writer.write(written)

    assert counted(writer) == {outcome: 1}
    assert writer.outcomes[outcome].seconds > 0


async def test_the_duration_of_a_write_is_from_its_call_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.25])
    monkeypatch.setattr(metered_writer, "perf_counter", lambda: next(clock))
    writer = MeteredWriter(cast("Any", OneWrite(written())))

    await writer.write(written)

    assert writer.outcomes["unchanged"].seconds == 0.25


def counted(writer: MeteredWriter) -> dict[str, int]:
    return {outcome: sum(stats.buckets) for outcome, stats in writer.outcomes.items() if sum(stats.buckets)}


async def test_reads_are_passed_on() -> None:
    work: Any = object()

    assert await MeteredWriter(cast("Any", OneWrite(ZeroDivisionError()))).read(work) is work


def test_the_duration_of_a_write_is_counted_in_the_bucket_that_includes_its_bound() -> None:
    stats = WriteStats()

    for seconds in (0.001, 0.0011, 10.0, 10.1):
        stats.count(seconds)

    assert [number for number, count in enumerate(stats.buckets) if count] == [0, 1, 11, 12]
    assert stats.seconds == pytest.approx(20.1021)


def test_the_buckets_of_writes_are_those_of_the_documentation() -> None:
    bounds = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
    stats = WriteStats()

    for bound in bounds:
        stats.count(bound)
    each_in_its_own = list(stats.buckets)
    for bound in bounds:
        stats.count(bound * 1.01)

    assert each_in_its_own == [1] * 12 + [0]
    assert stats.buckets == [1, *[2] * 11, 1]


async def test_histograms_are_cumulative(server: RolecallServer) -> None:
    committed = server.replica.writer.outcomes["committed"]
    for seconds in (0.001, 0.002, 0.002, 60.0):
        committed.count(seconds)

    found = shown(server, "rolecall_store_write_seconds_bucket", "rolecall_store_write_seconds_sum")

    buckets = {series: value for series, value in found.items() if 'outcome="committed"' in series}
    bounds = ("0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "10.0")
    assert buckets == {
        'rolecall_store_write_seconds_bucket{le="0.001",outcome="committed"}': 1,
        **{f'rolecall_store_write_seconds_bucket{{le="{bound}",outcome="committed"}}': 3 for bound in bounds},
        'rolecall_store_write_seconds_bucket{le="+Inf",outcome="committed"}': 4,
        'rolecall_store_write_seconds_sum{outcome="committed"}': 60.005,
    }


async def test_calls_are_counted_by_method_and_code(server: RolecallServer) -> None:
    stats = {stats.method: stats for stats in server.grpc_server.methods.method_stats}
    unary, stream = stats["CheckAssumeRole"], stats["StreamCheckAssumeRole"]
    unary.started = 5
    unary.handle(0, 0.0001)
    unary.handle(0, 0.0003)
    unary.handle(5, 2.0)
    stream.messages_in, stream.messages_out = 23, 29

    found = samples(server.registry)

    check_labels = labels("CheckAssumeRole", "unary")
    stream_labels = labels("StreamCheckAssumeRole", "bidi_stream")
    assert found[f"grpc_server_started_total{{{check_labels}}}"] == 5
    assert found[f"grpc_server_msg_received_total{{{check_labels}}}"] == 5
    assert found[f"grpc_server_msg_sent_total{{{check_labels}}}"] == 2
    assert found[f"grpc_server_msg_received_total{{{stream_labels}}}"] == 23
    assert found[f"grpc_server_msg_sent_total{{{stream_labels}}}"] == 29
    assert found[f'grpc_server_handled_total{{grpc_code="OK",{check_labels}}}'] == 2
    assert found[f'grpc_server_handled_total{{grpc_code="NotFound",{check_labels}}}'] == 1
    buckets = [found[f'grpc_server_handling_seconds_bucket{{{check_labels},le="{le}"}}'] for le in BUCKETS]
    assert buckets == [1, 2, *[2] * 9, 3]
    assert found[f"grpc_server_handling_seconds_count{{{check_labels}}}"] == 3
    assert found[f"grpc_server_handling_seconds_sum{{{check_labels}}}"] == pytest.approx(2.0004)


BUCKETS = ("0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "1.0", "+Inf")


def labels(method: str, kind: str) -> str:
    return f'grpc_method="{method}",grpc_service="rolecall.v1.DecisionService",grpc_type="{kind}"'


def test_codes_are_named_as_dashboards_know_them() -> None:
    assert [metrics.CODES[code] for code in (0, 1, 4, 5, 8, 13, 16)] == [
        "OK", "Cancelled", "DeadlineExceeded", "NotFound", "ResourceExhausted", "Internal", "Unauthenticated",
    ]  # fmt: skip
    assert sorted(metrics.CODES) == list(range(17))


async def test_the_certificate_is_shown_with_its_expiry_and_the_errors_of_its_files(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    async with idle_server(tls_cert=str(certificate), tls_key=str(key)) as server:
        reloading = server._listener_security.certificate
        assert reloading
        key.write_text("")
        with pytest.raises(CredentialsError):
            reloading.reload_if_changed()

        found = samples(server.registry)

    assert found["rolecall_tls_cert_expiry_timestamp_seconds"] == reloading.expires_at
    assert found["rolecall_cert_reload_errors_total"] == 1


async def test_without_a_certificate_there_are_no_metrics_of_it(server: RolecallServer) -> None:
    assert not [series for series in samples(server.registry) if series.startswith(("rolecall_cert", "rolecall_tls"))]


async def test_what_runs_is_named_with_its_versions(server: RolecallServer) -> None:
    (series,) = shown(server, "rolecall_build_info")

    assert f'grpc="{grpc.__version__}"' in series
    assert f'python="{platform.python_version()}"' in series
    assert f'version="{metrics.rolecall_version()}"' in series


def test_the_version_is_that_of_the_distribution_and_unknown_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> str:
        raise PackageNotFoundError

    installed = metrics.rolecall_version()
    monkeypatch.setattr(metrics, "version", none)

    assert installed in {version("rolecall"), "unknown"}
    assert metrics.rolecall_version() == "unknown"


async def test_the_process_and_its_collector_are_measured(server: RolecallServer) -> None:
    found = samples(server.registry)

    assert found["process_resident_memory_bytes"] > 0
    assert any(series.startswith("python_info") for series in found)
    assert any(series.startswith("python_gc_collections_total") for series in found)


async def test_connections_are_shown_with_the_reasons_of_those_refused_and_closed() -> None:
    async with idle_server(transport="h2") as server:
        counts = server.grpc_server.wire.connection_counts
        assert counts is not None
        counts.refused["alpn"], counts.closed["pings"], counts.memory_ended = 4, 5, 6

        found = samples(server.registry)

        assert found["rolecall_connections"] == 0
        assert found['rolecall_connections_refused_total{reason="alpn"}'] == 4
        assert found['rolecall_connections_refused_total{reason="full"}'] == 0
        assert found['rolecall_connections_closed_total{reason="pings"}'] == 5
        assert found["rolecall_calls_memory_ended_total"] == 6


async def test_a_transport_that_does_not_count_connections_has_no_metrics_of_them() -> None:
    async with idle_server(transport="grpcio") as server:
        assert not shown(server, "rolecall_connections", "rolecall_connections_refused_total")


async def test_every_metric_of_this_service_has_a_help_sentence(server: RolecallServer) -> None:
    families = text_string_to_metric_families(generate_latest(server.registry).decode())

    helps = {family.name: family.documentation for family in families if family.name.startswith("rolecall")}

    assert len(helps) > 30
    assert [name for name, text in helps.items() if not re.fullmatch(r"[A-Z1].*[^.]\.", text)] == []
    assert len(set(helps.values())) == len(helps)
