"""What the chart refuses to render, and the sentence with which it does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helm.chart import RefusedError, render

TLS = {"existingSecret": "tls"}
POSTGRES = {"engine": "postgres", "postgres": {"existingSecret": "database"}}
ISSUED = {"certManager": {"enabled": True, "issuerRef": {"name": "internal"}}}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "nothing is chosen",
        {},
        "the server needs a certificate, and an authority for those of its clients: set tls.existingSecret or tls.certManager.enabled",
    ),
    (
        "no TLS over PostgreSQL",
        {"store": POSTGRES},
        "or set insecure.acknowledged if something in front of the server does TLS and authenticates callers",
    ),
    ("not acknowledged", {"insecure": {"acknowledged": False}}, "the server needs a certificate"),
    (
        "clients without a server",
        {"tls": {"clientCA": {"existingSecret": "callers"}}},
        "tls.clientCA.existingSecret is set, and the server has no certificate",
    ),
    (
        "clients of an open server",
        {"tls": {"clientCA": {"existingSecret": "callers"}}, "insecure": {"acknowledged": True}},
        "tls.clientCA.existingSecret is set, and the server has no certificate",
    ),
    (
        "two certificates",
        {"tls": {**TLS, **ISSUED}},
        "tls.existingSecret and tls.certManager.enabled exclude each other",
    ),
    (
        "no issuer",
        {"tls": {"certManager": {"enabled": True}}},
        "tls.certManager.enabled is set, and tls.certManager.issuerRef.name is not",
    ),
    (
        "both secure and not",
        {"tls": TLS, "insecure": {"acknowledged": True}},
        "insecure.acknowledged would give up what tls asks for",
    ),
    (
        "both issued and not",
        {"tls": ISSUED, "insecure": {"acknowledged": True}},
        "insecure.acknowledged would give up what tls asks for",
    ),
    (
        "two pods on one file",
        {"tls": TLS, "replicas": 2},
        "store.engine is sqlite, whose file belongs to one pod, and replicas is more than 1: set replicas to 1, or store.engine to postgres",
    ),
    (
        "no database",
        {"tls": TLS, "store": {"engine": "postgres"}},
        "store.engine is postgres, and store.postgres.existingSecret is not set",
    ),
    (
        "a database for nothing",
        {"tls": TLS, "store": {"postgres": {"existingSecret": "database"}}},
        "store.postgres.existingSecret is set, and store.engine is sqlite",
    ),
    (
        "a snapshot of a file",
        {"tls": TLS, "snapshot": {"existingSecret": "key"}},
        "snapshot.existingSecret is set, and store.engine is sqlite",
    ),
    ("an unknown value", {"tls": TLS, "replica": 1}, "additional properties 'replica' not allowed"),
    (
        "an unknown value deep down",
        {"tls": {**TLS, "existingsecret": "x"}},
        "at '/tls': additional properties 'existingsecret' not allowed",
    ),
    (
        "an unknown setting",
        {"tls": TLS, "config": {"acount_id": "1"}},
        "at '/config': additional properties 'acount_id' not allowed",
    ),
    (
        "a setting that has a value of its own",
        {"tls": TLS, "config": {"insecure": True}},
        "at '/config': additional properties 'insecure' not allowed",
    ),
    (
        "a setting of a wrong type",
        {"tls": TLS, "config": {"max_batch": "many"}},
        "at '/config/max_batch': got string, want integer",
    ),
    (
        "an account that is a number",
        {"tls": TLS, "config": {"account_id": 123456789012}},
        "at '/config/account_id': got number, want string",
    ),
    ("a wrong type", {"tls": TLS, "replicas": "two"}, "at '/replicas': got string, want null or integer"),
    ("half a pod", {"tls": TLS, "replicas": 0.5}, "at '/replicas'"),
    (
        "an unknown engine",
        {"tls": TLS, "store": {"engine": "mysql"}},
        "at '/store/engine': value must be one of 'sqlite', 'postgres'",
    ),
    (
        "a URL where a secret belongs",
        {"tls": TLS, "store": {"engine": "postgres", "postgres": {"existingSecret": "postgresql://u:p@db/x"}}},
        "at '/store/postgres/existingSecret'",
    ),
    (
        "a shared volume",
        {"tls": TLS, "store": {"sqlite": {"accessMode": "ReadWriteMany"}}},
        "at '/store/sqlite/accessMode'",
    ),
    ("a privileged port", {"tls": TLS, "ports": {"grpc": 443}}, "at '/ports/grpc': minimum: got 443, want 1,024"),
    ("one port twice", {"tls": TLS, "ports": {"grpc": 9000, "ops": 9000}}, "ports.grpc and ports.ops are both 9000"),
    (
        "a level that is none",
        {"tls": TLS, "config": {"log_level": "loud"}},
        "at '/config/log_level': value must be one of",
    ),
    ("several workers", {"tls": TLS, "config": {"workers": 3}}, "at '/config/workers'"),
    ("an empty batch", {"tls": TLS, "config": {"max_batch": 0}}, "at '/config/max_batch': minimum: got 0, want 1"),
    (
        "no authority behind the back of tls",
        {"tls": TLS, "extraEnv": [{"name": "ROLECALL_TLS_CLIENT_CA", "value": ""}]},
        "extraEnv sets ROLECALL_TLS_CLIENT_CA: settings of the server go under `config`",
    ),
    (
        "a volume of the chart",
        {"tls": TLS, "extraVolumes": [{"name": "tls", "emptyDir": {}}]},
        "extraVolumes has a volume `tls`, which the chart has, too",
    ),
    (
        "a mount of the chart",
        {"tls": TLS, "extraVolumeMounts": [{"name": "more", "mountPath": "/tmp/"}]},
        "extraVolumeMounts mounts at /tmp/, where the chart mounts, too",
    ),
    (
        "a name that no Service can have",
        {"tls": TLS, "fullnameOverride": "1trust"},
        "the objects would be called `1trust`",
    ),
    ("a name with a dot", {"tls": TLS, "fullnameOverride": "trust.prod"}, "set fullnameOverride"),
    ("a tag for a digest", {"tls": TLS, "image": {"digest": "latest"}}, "at '/image/digest'"),
    ("loopback in a pod", {"tls": TLS, "listenAddress": "127.0.0.1"}, "at '/listenAddress': value must be one of"),
]


@pytest.mark.parametrize(("values", "sentence"), [pytest.param(v, s, id=i.replace(" ", "-")) for i, v, s in REFUSED])
def test_a_forbidden_combination_does_not_render_and_says_why(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RefusedError) as refused:
        render(values)

    assert sentence in str(refused.value)


def test_an_old_cluster_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"requires kubeVersion: >=1\.27\.0-0"):
        render({"tls": TLS}, kubernetes="1.26.0")


@pytest.mark.parametrize(
    "values",
    [{"tls": TLS}, {"tls": ISSUED}, {"insecure": {"acknowledged": True}}, {"tls": TLS, "store": POSTGRES}],
    ids=str,
)
def test_what_they_ask_for_instead_renders(values: dict[str, Any]) -> None:
    assert render(values).pod["containers"]
