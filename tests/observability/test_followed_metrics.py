"""The metrics of an agent, and of a callers file: each is read from its own number."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from rolecall.engine.snapshot import Snapshot
from rolecall.observability.caller_metrics import CallersCollector, CallersSources
from rolecall.observability.connection_metrics import ConnectionCollector
from rolecall.observability.followed_metrics import FollowedCollector, FollowedSources
from rolecall.roles.role import Revision
from tests.engine.world import role

FACTS: Mapping[str, Any] = {
    "snapshot": Snapshot([role("{}", name=name) for name in "abc"], revision=Revision(7), restored=True, indexed=False),
    "watch": SimpleNamespace(connected=True, reconnects=4, breaks=5),
    "staleness": lambda: 2_500_000,
    "asked": {"answered": 11, "failed": 0},
    "saver": None,
}


def shown(collector: Collector) -> list[str]:
    registry = CollectorRegistry()
    registry.register(collector)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def followed(**facts: Any) -> list[str]:
    return shown(FollowedCollector(FollowedSources(**{**FACTS, **facts})))


def test_an_agent_shows_its_state_its_watch_and_what_it_asked() -> None:
    assert followed() == [
        "rolecall_snapshot_revision 7.0",
        "rolecall_snapshot_roles 3.0",
        "rolecall_snapshot_staleness_seconds 2.5",
        "rolecall_snapshot_restored 1.0",
        "rolecall_upstream_connected 1.0",
        "rolecall_upstream_breaks_total 5.0",
        "rolecall_upstream_reconnects_total 4.0",
        'rolecall_upstream_checks_total{outcome="answered"} 11.0',
        'rolecall_upstream_checks_total{outcome="failed"} 0.0',
    ]


@pytest.mark.parametrize(("staleness", "text"), [(None, "+Inf"), (0, "0.0"), (1, "1e-06")])
def test_a_state_of_an_unknown_age_is_infinitely_stale(staleness: int | None, text: str) -> None:
    assert f"rolecall_snapshot_staleness_seconds {text}" in followed(staleness=lambda: staleness)


def test_with_a_snapshot_file_its_writes_and_errors_are_shown_too() -> None:
    assert followed(saver=SimpleNamespace(saved=13, errors=17))[-2:] == [
        "rolecall_snapshot_file_writes_total 13.0",
        "rolecall_snapshot_file_errors_total 17.0",
    ]


def test_a_callers_file_shows_its_generation_its_reloads_and_what_rights_would_deny() -> None:
    file: Any = SimpleNamespace(reloads=2, errors=3, loaded_at=1_700_000_000.5, generation="abc")

    assert shown(CallersCollector(CallersSources(file, lambda: {"ram:GetRole": 5, "ram:ListRoles": 0}))) == [
        'rolecall_callers_info{generation="abc"} 1.0',
        "rolecall_callers_reloads_total 2.0",
        "rolecall_callers_reload_errors_total 3.0",
        "rolecall_callers_last_success_timestamp_seconds 1.7000000005e+09",
        'rolecall_rights_observed_denials_total{action="ram:GetRole"} 5.0',
        'rolecall_rights_observed_denials_total{action="ram:ListRoles"} 0.0',
    ]


def test_connections_are_shown_with_the_reasons_of_those_that_were_refused_and_closed() -> None:
    connections: Any = SimpleNamespace(open=1, refused={"full": 2, "alpn": 0}, closed={"pings": 3}, memory_ended=4)

    assert shown(ConnectionCollector(connections)) == [
        "rolecall_connections 1.0",
        'rolecall_connections_refused_total{reason="full"} 2.0',
        'rolecall_connections_refused_total{reason="alpn"} 0.0',
        'rolecall_connections_closed_total{reason="pings"} 3.0',
        "rolecall_calls_memory_ended_total 4.0",
    ]
