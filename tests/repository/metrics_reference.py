"""The page of metrics, read from the registries of a server and an agent; run this module to update the page."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from prometheus_client import CollectorRegistry, Metric

from rolecall.callers.granted import ONLY_CHECKS
from rolecall.config.options import tls_files
from rolecall.engine.clock import now_micros
from rolecall.observability.logs import make_logger
from rolecall.security.credentials import listener_security
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.agent.upstream import Upstream
from rolecall.server.agent.wiring import AgentWiring
from rolecall.server.callers import open_callers
from rolecall.server.server import CallServer
from tests.agent.serving import agent_config
from tests.repository.tree import DOCS
from tests.server.serving import idle_server

PAGE = DOCS / "metrics.md"
_INTRODUCTION = """# Metrics

Every metric on the ops port (`--ops-listen`, path `/metrics`), as a server or an [agent](agent.md) that has just been started shows it. `make docs` writes this page from their registries.

* Labels have their values from closed sets; no label has a role, a principal or anything else that a caller sends.
* A counter ends in `_total`. A histogram has `_bucket`, `_count` and `_sum`.
* *Only with* names the setting without which the metric does not exist.
* The library adds metrics of the process and of Python, `process_...` and `python_...`.

## What to alert on

| metric | alert if |
|---|---|
| `rolecall_store_altered` | it is 1: roles were changed past the servers ([altered roles](operations.md#altered-roles)) |
| `rolecall_snapshot_staleness_seconds` | it is near `--max-staleness-seconds`, after which decisions fail ([freshness](freshness.md)) |
| `rolecall_store_unreachable` | it stays 1: no writes, and decisions become stale |
| `rolecall_snapshot_restored` | it stays 1: the server was started without its store |
| `rolecall_state_digest_mismatch_total`, `rolecall_incarnation_forks_total`, `rolecall_changelog_gaps_total` | they increase: the store lost or changed commits |
| `rolecall_calls_refused_total` | it increases steadily: a caller is beyond a limit, or the server is too small ([shares](operations.md#shares)) |
| `rolecall_decision_log_dropped_total` | it increases: decisions are missing in the log |
| `rolecall_callers_reload_errors_total`, `rolecall_cert_reload_errors_total` | they increase: a changed file is invalid, and the last valid one is in use |
| `rolecall_tls_cert_expiry_timestamp_seconds` | it is less than a week ahead |
"""
_OPEN_LABELS = {"le", "grpc_method", "grpc_service", "grpc_type"}
_SEVERAL = 12


@dataclass(frozen=True, slots=True)
class Described:
    """One metric as the page shows it."""

    name: str
    kind: str
    labels: Mapping[str, tuple[str, ...]]
    meaning: str


def written_page() -> str:
    """Return the page as it should be."""
    server, options, agent = asyncio.run(_described())
    parts = [_INTRODUCTION, "## Of a server\n", _table(server, options), "## Of an agent alone\n"]
    parts += ["Beside those of a server that do not concern its store or its writes:\n"]
    parts += [_table([metric for metric in agent if metric.name not in {other.name for other in server}], {})]
    missing = sorted({metric.name for metric in server} - {metric.name for metric in agent} - set(options))
    parts += ["An agent does not have " + ", ".join(f"`{name}`" for name in missing) + ".\n"]
    return "\n".join(parts)


async def _described() -> tuple[list[Described], dict[str, str], list[Described]]:
    with tempfile.TemporaryDirectory() as scratch:
        settings = _settings(Path(scratch))
        async with idle_server(transport="grpcio") as server:
            found = {metric.name: metric for metric in _metrics(server.registry)}
        options: dict[str, str] = {}
        for setting, flags in settings.items():
            async with idle_server(**{"transport": "grpcio", **flags}) as server:
                more = {metric.name: metric for metric in _metrics(server.registry) if metric.name not in found}
            options |= dict.fromkeys(more, setting)
            found |= more
        async with _idle_agent() as agent:
            return list(found.values()), options, list(_metrics(agent.registry))


def _settings(scratch: Path) -> Mapping[str, Mapping[str, object]]:
    """Return the settings that add metrics, each with what a server needs for it."""
    secret, callers = scratch / "snapshot.key", scratch / "callers.yaml"
    secret.write_bytes(b"k" * 32)
    secret.chmod(0o600)
    callers.write_text("callers:\n  - {name: admin, match: {local: true}, policies: [AdministratorAccess]}\n")
    issued = trustme.CA().issue_cert("localhost")
    certificate, key = scratch / "cert.pem", scratch / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    tls = {"tls_cert": str(certificate), "tls_key": str(key)}
    return {
        "--transport h2": {"transport": "h2"},
        "--snapshot-file": {"snapshot_file": str(scratch / "state"), "snapshot_key_file": str(secret)},
        "--decision-log": {"decision_log": str(scratch / "decisions.log")},
        "--tls-cert": tls,
        "--callers": {"callers": str(callers)},
    }


@asynccontextmanager
async def _idle_agent() -> AsyncIterator[CallServer]:
    """Yield an agent whose parts exist and of which none runs."""
    config, log = agent_config("127.0.0.1:1", transport="grpcio"), make_logger("error", "json")
    callers = open_callers(config, log, now_micros(), without_file=ONLY_CHECKS)
    security = listener_security(tls_files(config), callers.directory, loopback=True, insecure=False)
    replica = AgentReplica(config, Upstream(config, log), log)
    server = CallServer(
        config, replica, AgentWiring(config, replica), security, log, decision_log=None, callers=callers
    )
    try:
        yield server
    finally:
        await server.close()
        await replica.close()


def _metrics(registry: CollectorRegistry) -> Iterator[Described]:
    for family in registry.collect():
        if not family.name.startswith(("process_", "python_")):
            yield Described(_full_name(family), family.type, _labels(family), family.documentation)


def _full_name(family: Metric) -> str:
    match family.type:
        case "counter":
            return f"{family.name}_total"
        case "info":
            return f"{family.name}_info"
    return family.name


def _labels(family: Metric) -> Mapping[str, tuple[str, ...]]:
    """Return each label with the values that it can have, as far as the series exist from the start."""
    names = list(getattr(family, "_labelnames", ())) or [*(family.samples[0].labels if family.samples else ())]
    values = {
        name: dict.fromkeys(sample.labels[name] for sample in family.samples if name in sample.labels) for name in names
    }
    return {
        name: () if name in _OPEN_LABELS or family.type == "info" else tuple(values[name])
        for name in names
        if name != "le"
    }


def _table(metrics: Iterable[Described], options: Mapping[str, str]) -> str:
    rows = [
        f"| `{metric.name}` | {metric.kind} | {_shown(metric.labels)} | {metric.meaning} | {_option(options.get(metric.name))} |"
        for metric in metrics
    ]
    return "\n".join(["| metric | type | labels | meaning | only with |", "|---|---|---|---|---|", *rows, ""])


def _option(setting: str | None) -> str:
    return f"`{setting}`" if setting else ""


def _shown(labels: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(f"`{name}`{_values(values)}" for name, values in labels.items())


def _values(values: tuple[str, ...]) -> str:
    if not values:
        return ""
    listed = [f"`{value}`" for value in values[:_SEVERAL]]
    return ": " + ", ".join([*listed, "..."] if len(values) > _SEVERAL else listed)


if __name__ == "__main__":
    PAGE.write_text(written_page())
