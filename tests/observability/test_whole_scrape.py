"""All series of a server at once, each with a number of its own, without the server."""

from __future__ import annotations

import platform
from types import SimpleNamespace
from typing import Any

import grpc
from prometheus_client.exposition import generate_latest

from rolecall.engine.decision import Reason, ServedFrom
from rolecall.engine.follower import Reload
from rolecall.observability.caller_metrics import CallersSources
from rolecall.observability.credential_metrics import CredentialSources
from rolecall.observability.metered_writer import MeteredWriter
from rolecall.observability.metrics import MetricSources, make_registry, rolecall_version
from rolecall.observability.replication_metrics import ReplicationCollector

METHOD = 'grpc_method="M",grpc_service="S",grpc_type="unary"'


class Sized(SimpleNamespace):
    """An object with a length."""

    def __len__(self) -> int:
        length: int = self.length
        return length


def sources(**given: Any) -> MetricSources:
    """Return sources of which each number is another one."""
    writer = MeteredWriter(SimpleNamespace(read=None))
    writer.outcomes["replayed"].count(0.5)
    follower = SimpleNamespace(
        snapshot=Sized(length=31, revision=32, index_bytes=33, restored=True),
        staleness=lambda: 2_500_000,
        reloads={reason: 40 + number for number, reason in enumerate(Reload)},
        altered=["a role"],
    )
    replication: dict[str, Any] = {
        "follower": follower,
        "polling": SimpleNamespace(counts=SimpleNamespace(done=51, failed=52, hints=53, failing=True)),
        "reconciler": SimpleNamespace(passes=54, mismatches=55),
        "saver": SimpleNamespace(saved=56, errors=57),
    }
    facts: dict[str, Any] = {
        "method_stats": [
            SimpleNamespace(
                service="S",
                method="M",
                kind="unary",
                started=1,
                received=2,
                sent=3,
                handled=[4],
                buckets=[5, 6],
                seconds=7.0,
            )
        ],
        "latency_bounds": (0.25,),
        "point": SimpleNamespace(
            decided={(Reason.ALLOW, ServedFrom.CACHED): 8, (Reason.ROLE_NOT_FOUND, ServedFrom.EVALUATED): 9},
            cache=Sized(length=10, hits=11, misses=12, evictions=13, bytes=14),
            compiled=Sized(length=15, bytes=16),
        ),
        "requests": SimpleNamespace(bytes=17),
        "writer": writer,
        "calls_under_way": lambda: 18,
        "replication": ReplicationCollector(SimpleNamespace(**replication)),  # type: ignore[arg-type]
        "watches": lambda: 19,
        "refusals": lambda: {"calls": 20, "rate": 21},
        "silent_ended": lambda: 22,
        "idle_ended": lambda: 23,
        "revivals": lambda: 24,
        "loop_lag_seconds": lambda: 0.25,
        "certificate": SimpleNamespace(expires_at=25.0, errors=26),
    }
    return MetricSources(**{**facts, **given})


def shown(given: MetricSources) -> dict[str, float]:
    """Return the series of this service with their values, but those of the process and of Python."""
    lines = generate_latest(make_registry(given)).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith(("rolecall_", "grpc_")))
    return {series: float(value) for series, value in pairs if not series.startswith("rolecall_build")}


WRITES = {
    "rolecall_store_write_seconds_bucket",
    "rolecall_store_write_seconds_count",
    "rolecall_store_write_seconds_sum",
}


def test_every_series_has_its_number() -> None:
    found = shown(sources())

    assert {series: value for series, value in found.items() if series.partition("{")[0] not in WRITES} == {
        f"grpc_server_started_total{{{METHOD}}}": 1,
        f'grpc_server_handled_total{{grpc_code="OK",{METHOD}}}': 4,
        f"grpc_server_msg_received_total{{{METHOD}}}": 2,
        f"grpc_server_msg_sent_total{{{METHOD}}}": 3,
        f'grpc_server_handling_seconds_bucket{{{METHOD},le="0.25"}}': 5,
        f'grpc_server_handling_seconds_bucket{{{METHOD},le="+Inf"}}': 11,
        f"grpc_server_handling_seconds_count{{{METHOD}}}": 11,
        f"grpc_server_handling_seconds_sum{{{METHOD}}}": 7,
        'rolecall_decisions_total{decision="allow",reason="ALLOW",served_from="CACHED"}': 8,
        'rolecall_decisions_total{decision="deny",reason="ROLE_NOT_FOUND",served_from="EVALUATED"}': 9,
        "rolecall_cache_entries": 10,
        "rolecall_cache_hits_total": 11,
        "rolecall_cache_misses_total": 12,
        "rolecall_cache_evictions_total": 13,
        'rolecall_cache_bytes{cache="decisions"}': 14,
        "rolecall_compiled_policies": 15,
        'rolecall_cache_bytes{cache="compiled_policies"}': 16,
        'rolecall_cache_bytes{cache="requests"}': 17,
        "rolecall_idempotent_replays_total": 1,
        "rolecall_calls_under_way": 18,
        "rolecall_watches": 19,
        'rolecall_calls_refused_total{kind="calls"}': 20,
        'rolecall_calls_refused_total{kind="rate"}': 21,
        "rolecall_calls_silent_ended_total": 22,
        "rolecall_streams_idle_ended_total": 23,
        "rolecall_server_revivals_total": 24,
        "rolecall_event_loop_lag_seconds": 0.25,
        "rolecall_tls_cert_expiry_timestamp_seconds": 25,
        "rolecall_cert_reload_errors_total": 26,
        "rolecall_snapshot_roles": 31,
        "rolecall_snapshot_revision": 32,
        "rolecall_index_bytes": 33,
        "rolecall_snapshot_restored": 1,
        "rolecall_snapshot_staleness_seconds": 2.5,
        **{
            f'rolecall_store_full_reloads_total{{reason="{reason.value}"}}': 40 + number
            for number, reason in enumerate(Reload)
        },
        "rolecall_changelog_gaps_total": 40 + [*Reload].index(Reload.GAP),
        "rolecall_incarnation_forks_total": 40 + [*Reload].index(Reload.FORK),
        "rolecall_store_polls_total": 51,
        "rolecall_store_poll_errors_total": 52,
        "rolecall_store_hints_total": 53,
        "rolecall_store_unreachable": 1,
        "rolecall_state_comparisons_total": 54,
        "rolecall_state_digest_mismatch_total": 55,
        "rolecall_store_altered": 1,
        "rolecall_snapshot_file_writes_total": 56,
        "rolecall_snapshot_file_errors_total": 57,
    }


def test_without_a_writer_and_a_certificate_there_are_no_metrics_of_them() -> None:
    whole, found = shown(sources()), shown(sources(writer=None, certificate=None))

    assert {series.partition("{")[0] for series in whole.keys() - found.keys()} == {
        *WRITES, "rolecall_idempotent_replays_total", "rolecall_tls_cert_expiry_timestamp_seconds",
        "rolecall_cert_reload_errors_total",
    }  # fmt: skip
    assert found.items() <= whole.items()


def test_each_further_part_has_its_metrics() -> None:
    written = SimpleNamespace(queued=61, written=62, flush_errors=63, waiting=64)
    parts: dict[str, Any] = {
        "decision_log": SimpleNamespace(
            writer=written, lost=65, sampled_out=66, encoder=SimpleNamespace(cuts=67), dropped=0
        ),
        "callers": CallersSources(
            SimpleNamespace(reloads=71, errors=72, loaded_at=73.0, generation="abc"), lambda: {"ram:GetRole": 74}
        ),
        "connections": SimpleNamespace(open=81, refused={"full": 82}, closed={"pings": 83}, memory_ended=84),
        "credentials": CredentialSources(refused=lambda: {"EXPIRED": 91}, key_sets=list, remembered_bytes=lambda: 92),
    }

    added = {name: shown(sources(**{name: part})).items() - shown(sources()).items() for name, part in parts.items()}

    assert {name: dict(series) for name, series in added.items()} == {
        "decision_log": {
            "rolecall_decision_log_queued_total": 61,
            "rolecall_decision_log_written_total": 62,
            "rolecall_decision_log_flush_errors_total": 63,
            "rolecall_decision_log_waiting": 64,
            "rolecall_decision_log_dropped_total": 65,
            "rolecall_decision_log_sampled_out_total": 66,
            "rolecall_decision_log_cut_total": 67,
        },
        "callers": {
            'rolecall_callers_info{generation="abc"}': 1,
            "rolecall_callers_reloads_total": 71,
            "rolecall_callers_reload_errors_total": 72,
            "rolecall_callers_last_success_timestamp_seconds": 73,
            'rolecall_rights_observed_denials_total{action="ram:GetRole"}': 74,
        },
        "connections": {
            "rolecall_connections": 81,
            'rolecall_connections_refused_total{reason="full"}': 82,
            'rolecall_connections_closed_total{reason="pings"}': 83,
            "rolecall_calls_memory_ended_total": 84,
        },
        "credentials": {
            'rolecall_credentials_refused_total{cause="EXPIRED"}': 91,
            "rolecall_key_sets": 0,
            "rolecall_key_sets_without_keys": 0,
            "rolecall_key_set_age_seconds": 0,
            "rolecall_key_set_errors_total": 0,
            "rolecall_remembered_token_bytes": 92,
        },
    }


def test_the_build_the_process_and_python_are_measured_without_a_server() -> None:
    lines = generate_latest(make_registry(sources())).decode().splitlines()
    build = [line for line in lines if line.startswith("rolecall_build_info{")]

    versions = f'grpc="{grpc.__version__}",python="{platform.python_version()}",version="{rolecall_version()}"'
    assert build == [f"rolecall_build_info{{{versions}}} 1.0"]
    for name in ("process_resident_memory_bytes ", "python_info{", "python_gc_collections_total{"):
        assert any(line.startswith(name) for line in lines)
