"""Every setting reaches the part that it configures, shown by the arguments with which a server builds its parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme

from rolecall.config import options
from rolecall.config.settings import Config
from rolecall.policy.linting.findings import Severity
from rolecall.server import callers, main, replica, replica_wiring, server, wiring
from rolecall.server.main import running_server
from rolecall.server.server import RolecallServer
from rolecall.storage import migrate
from rolecall.transport.server import GrpcServer
from tests.server.serving import ANY_PORTS

PARTS: dict[Any, tuple[str, ...]] = {
    callers: ("ReloadingCallers",),
    options: ("KeySets",),
    main: ("make_logger", "listener_security", "open_repository", "open_sink", "DecisionLog"),
    replica: ("SnapshotFile", "read_key", "Polling", "DecisionPoint"),
    server: ("ServerHealth", "Endpoint"),
    GrpcServer: ("bind_admin",),
    wiring: ("GrpcServer", "ErrorBoundary", "QueryDecoder"),
    replica_wiring: (
        *("RoleCatalog", "Uploads", "Consistency", "DecisionServicer"),
        *("ReverseQueries", "PolicyServicer", "WatchServicer", "RoleParts"),
    ),
}


@dataclass
class Built:
    """What a server was built of: for each part the arguments of each of its makings, by name."""

    made: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    server: RolecallServer | None = None

    def argument(self, path: str) -> Any:
        """Return what `Part.argument.attribute...` was; of a part that is made more than once, the first time."""
        part, name, *attributes = path.split(".")
        value = self.made[part][0][name]
        for attribute in attributes:
            value = getattr(value, attribute)
        return value


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Built:
    """Note how every part is made, and make it all the same."""
    noted = Built()
    for module, names in PARTS.items():
        for name in names:
            monkeypatch.setattr(module, name, _noting(noted, name, getattr(module, name)))
    return noted


def _noting(noted: Built, name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    def making(*args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(make).bind(*args, **kwargs).arguments
        noted.made.setdefault(name, []).append(dict(given))
        return make(*args, **kwargs)

    return making


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a certificate, a key for snapshots, and the URL of a store."""
    folder, authority = tmp_path_factory.mktemp("settings"), trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "key.pem").chmod(0o600)
    (folder / "snapshot.key").write_bytes(bytes(range(32)))
    (folder / "snapshot.key").chmod(0o600)
    (folder / "url").write_text("memory://\n")
    (folder / "callers.yaml").write_text("callers: []\n")
    migrate(f"sqlite:///{folder}/existing.db")
    return folder


def at(path: str) -> Callable[[Built], object]:
    """Return what reads an argument of a part."""
    return lambda built: built.argument(path)


def limit(name: str) -> Callable[[Built], object]:
    """Return what reads a limit of documents, which the catalog and validation share."""
    return lambda built: {built.argument(f"{part}.limits.{name}") for part in ("RoleCatalog", "PolicyServicer")}


def interval(name: str) -> Callable[[Built], object]:
    """Return what reads the interval with which background work runs."""

    def read(built: Built) -> object:
        assert built.server
        work = [work for work in built.server.replica.background_work() if isinstance(work, partial)]
        return [work.args for work in work if work.func.__qualname__ == f"{name}.run"]

    return read


def everywhere(argument: str) -> Callable[[Built], object]:
    """Return what reads an argument in every part that has one of that name."""
    return lambda built: {
        (part, made[argument].account_id("prod") if argument == "accounts" else made[argument])
        for part, makings in built.made.items()
        for made in makings
        if argument in made
    }


ACCOUNTS = ("RoleCatalog", "QueryDecoder", "ReverseQueries", "WatchServicer", "RoleParts")

REACHED: dict[str, tuple[object, Callable[[Built], object], object]] = {
    "listen": ("localhost:0", at("Endpoint.address"), "localhost:0"),
    "ops_listen": ("127.0.0.3:0", lambda built: built.server.bound.ops_address.partition(":")[0], "127.0.0.3"),  # type: ignore[union-attr]
    "store": ("sqlite:///FOLDER/roles.db", at("open_repository.url"), "sqlite:///FOLDER/roles.db"),
    "create_store": ("never", at("open_repository.create"), False),
    "store_file": ("FOLDER/url", at("open_repository.url"), "memory://"),
    "poll_seconds": ("7", at("Polling.seconds"), 7.0),
    "reconcile_seconds": ("7", interval("Reconciler"), [(7.0,)]),
    "snapshot_file": ("FOLDER/state", at("SnapshotFile.path"), Path("FOLDER/state")),
    "snapshot_key_file": ("FOLDER/snapshot.key", at("read_key.path"), Path("FOLDER/snapshot.key")),
    "snapshot_seconds": ("7", interval("SnapshotSaver"), [(7.0,)]),
    "account_id": ("1234", at("PolicyServicer.account"), "1234"),
    "account_alias": ("prod=1234", everywhere("accounts"), {(part, "1234") for part in ACCOUNTS}),
    "insecure": ("true", at("listener_security.insecure"), True),
    "tls_cert": ("FOLDER/cert.pem", at("listener_security.tls.certificate"), "FOLDER/cert.pem"),
    "tls_key": ("FOLDER/key.pem", at("listener_security.tls.key"), "FOLDER/key.pem"),
    "tls_client_ca": ("FOLDER/ca.pem", at("listener_security.tls.client_authority"), "FOLDER/ca.pem"),
    "callers": ("FOLDER/callers.yaml", at("ReloadingCallers.path"), "FOLDER/callers.yaml"),
    "callers_observe_until": ("2020-01-01", at("ReloadingCallers.observe.until"), 1_577_836_800_000_000),
    "admin_socket": ("FOLDER/admin", at("bind_admin.path"), "FOLDER/admin"),
    "jwks_host": (
        "oidc.example=10.0.0.0/8",
        at("KeySets.hosts"),
        {"oidc.example": (ip_network("10.0.0.0/8"),)},
    ),
    "jwks_ca": ("FOLDER/ca.pem", at("KeySets.authority"), "FOLDER/ca.pem"),
    "jwks_max_age_seconds": ("70", at("KeySets.max_age"), 70.0),
    "transport": ("h2", lambda built: type(built.server and built.server.grpc_server.wire).__name__, "Http2Server"),
    "reflection": ("false", at("GrpcServer.options.reflection"), False),
    "log_level": (
        "debug",
        lambda built: (built.argument("make_logger.level"), built.argument("ErrorBoundary.verbose")),
        ("debug", True),
    ),
    "log_format": ("console", at("make_logger.form"), "console"),
    "decision_log": ("FOLDER/decisions.log", at("open_sink.options.target"), "FOLDER/decisions.log"),
    "decision_log_max_bytes": ("70000", at("DecisionLog.options.max_bytes"), 70_000),
    "decision_log_files": ("7", at("DecisionLog.options.files"), 7),
    "decision_log_sample_allow": ("0.25", at("DecisionLog.options.sample_allow"), 0.25),
    "decision_log_sample_deny": ("0.25", at("DecisionLog.options.sample_deny"), 0.25),
    "decision_log_mask": ("/input/who", at("DecisionLog.options.masked"), frozenset({"/input/who"})),
    "decision_log_erase": ("/input/who", at("DecisionLog.options.erased"), frozenset({"/input/who"})),
    "decision_log_queue_records": ("7", at("DecisionLog.options.queue_records"), 7),
    "decision_log_max_event_bytes": ("5000", at("DecisionLog.options.max_event_bytes"), 5_000),
    "cache_entries": ("7", at("DecisionPoint.options.cache_entries"), 7),
    "cache_bytes": ("7000", at("DecisionPoint.options.cache_bytes"), 7_000),
    "request_cache_bytes": ("7000", at("QueryDecoder.cache_bytes"), 7_000),
    "compiled_policy_bytes": ("5000000", at("DecisionPoint.options.compiled_policy_bytes"), 5_000_000),
    "compiled_policies": ("7", at("DecisionPoint.options.compiled_policies"), 7),
    "source_identity_needs_allow": ("true", at("DecisionPoint.options.source_identity_needs_allow"), True),
    "max_batch": ("7", at("DecisionServicer.max_batch"), 7),
    "max_message_bytes": ("70000", at("GrpcServer.options.max_message_bytes"), 70_000),
    "max_connections": ("7", at("GrpcServer.options.max_connections"), 7),
    "max_concurrent_rpcs": ("7", at("GrpcServer.options.max_concurrent_rpcs"), 7),
    "max_streams": ("7", at("GrpcServer.options.max_streams"), 7),
    "max_uploads": ("7", at("GrpcServer.options.max_uploads"), 7),
    "stream_idle_seconds": ("7", at("GrpcServer.options.stream_idle_seconds"), 7.0),
    "rate_limit": ("7", at("GrpcServer.options.rate_limit"), 7.0),
    "rate_burst": ("7", at("GrpcServer.options.rate_burst"), 7),
    "max_watches": ("7", at("GrpcServer.options.max_watches"), 7),
    "max_deadline_seconds": ("7", at("GrpcServer.options.max_deadline_seconds"), 7.0),
    "max_upload_roles": ("7", at("Uploads.limits.max_roles"), 7),
    "max_upload_bytes": ("70000", at("Uploads.limits.max_bytes"), 70_000),
    "max_staleness_seconds": (
        "7",
        everywhere("max_staleness_seconds"),
        {("Consistency", 7.0), ("ServerHealth", 7.0)},
    ),
    "max_roles_per_account": ("7", at("RoleCatalog.options.max_roles_per_account"), 7),
    "max_document_bytes": ("700", limit("max_document_bytes"), {700}),
    "max_statements": ("7", limit("max_statements"), {7}),
    "max_principals": ("7", limit("max_principals"), {7}),
    "max_condition_keys": ("7", limit("max_condition_keys"), {7}),
    "max_pattern_characters": ("7", limit("max_pattern_characters"), {7}),
    "max_patterns": ("7", limit("max_patterns"), {7}),
    "max_total_pattern_characters": ("7", limit("max_total_pattern_characters"), {7}),
    "max_pattern_stars": ("7", limit("max_pattern_stars"), {7}),
    "lint_blocks": ("error", at("RoleCatalog.options.lint_blocks"), frozenset({Severity.ERROR})),
}
"""For each setting: a text other than its default, where its value arrives, and the value that is expected there."""

WITH = {
    "create_store": {"store": "sqlite:///FOLDER/existing.db"},
    "snapshot_file": {"snapshot_key_file": "FOLDER/snapshot.key"},
    "snapshot_key_file": {"snapshot_file": "FOLDER/state"},
    "snapshot_seconds": {"snapshot_file": "FOLDER/state", "snapshot_key_file": "FOLDER/snapshot.key"},
    "tls_cert": {"tls_key": "FOLDER/key.pem"},
    "tls_key": {"tls_cert": "FOLDER/cert.pem"},
    "tls_client_ca": {
        "tls_cert": "FOLDER/cert.pem",
        "tls_key": "FOLDER/key.pem",
        "callers": "FOLDER/callers.yaml",
    },
    "callers_observe_until": {"callers": "FOLDER/callers.yaml"},
    **{name: {"decision_log": "FOLDER/decisions.log"} for name in REACHED if name.startswith("decision_log_")},
}
"""Settings that others need beside them."""

SHOWN_BY_THEIR_EFFECT = {"drain_delay_seconds", "drain_grace_seconds", "retention_days", "retention_revisions"}
"""In `tests/server`: `test_shutdown.py` and `test_retention.py`."""

WITHOUT_EFFECT = {"workers"}
"""There is one value today."""


def test_every_setting_is_in_the_table() -> None:
    assert set(REACHED) == {setting.name for setting in fields(Config)} - WITHOUT_EFFECT - SHOWN_BY_THEIR_EFFECT


@pytest.mark.parametrize("name", list(REACHED))
async def test_a_setting_reaches_its_part(built: Built, folder: Path, name: str) -> None:
    text, reached, expected = (_in_folder(value, folder) for value in REACHED[name])
    beside = {flag: _in_folder(value, folder) for flag, value in WITH.get(name, {}).items()}
    given = {**ANY_PORTS, "store": "memory://", **beside, name: text}
    if name == "store_file":
        del given["store"]
    config = Config.from_mapping(given, {})

    async with running_server(config, log=None) as running:
        built.server = running

        assert getattr(config, name) != getattr(Config(), name)
        assert reached(built) == expected


def _in_folder(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        return value.replace("FOLDER", str(folder))
    return Path(str(value).replace("FOLDER", str(folder))) if isinstance(value, Path) else value
