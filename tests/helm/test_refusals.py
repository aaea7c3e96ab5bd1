"""Values that the chart refuses to render, and the message of each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helm.chart import RefusedError, render

TLS = {"existingSecret": "tls"}
CALLERS = {"file": "callers: []"}
POSTGRES = {"engine": "postgres", "postgres": {"existingSecret": "database"}}
ISSUED = {"certManager": {"enabled": True, "issuerRef": {"name": "internal"}}}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "no TLS and not insecure",
        {},
        "the server needs a certificate, and CA certificates that verify its clients: set tls.existingSecret or tls.certManager.enabled",
    ),
    (
        "no TLS with PostgreSQL",
        {"store": POSTGRES},
        "or set insecure.acknowledged if a proxy or mesh in front of the server does TLS and authenticates callers",
    ),
    ("not acknowledged", {"insecure": {"acknowledged": False}}, "the server needs a certificate"),
    (
        "client CA without a certificate of the server",
        {"tls": {"clientCA": {"existingSecret": "callers"}}},
        "tls.clientCA.existingSecret is set, but the server has no certificate",
    ),
    (
        "client CA of an insecure server",
        {"tls": {"clientCA": {"existingSecret": "callers"}}, "insecure": {"acknowledged": True}},
        "tls.clientCA.existingSecret is set, but the server has no certificate",
    ),
    (
        "two certificates",
        {"tls": {**TLS, **ISSUED}},
        "tls.existingSecret and tls.certManager.enabled are both set",
    ),
    (
        "no issuer",
        {"tls": {"certManager": {"enabled": True}}},
        "tls.certManager.enabled is set, but tls.certManager.issuerRef.name is not",
    ),
    (
        "an existing certificate and insecure",
        {"tls": TLS, "callers": CALLERS, "insecure": {"acknowledged": True}},
        "insecure.acknowledged contradicts the values under tls",
    ),
    (
        "an issued certificate and insecure",
        {"tls": ISSUED, "insecure": {"acknowledged": True}},
        "insecure.acknowledged contradicts the values under tls",
    ),
    (
        "no callers file",
        {"tls": TLS},
        "write one with `rolecall callers init --admin IDENTITY > callers.yaml`, and give it with --set-file callers.file=callers.yaml",
    ),
    (
        "two callers files",
        {"tls": TLS, "callers": {**CALLERS, "existingSecret": "callers"}},
        "callers.file, callers.existingConfigMap and callers.existingSecret exclude each other",
    ),
    (
        "callers of an insecure server",
        {"callers": CALLERS, "insecure": {"acknowledged": True}},
        "with insecure.acknowledged the server recognises no caller",
    ),
    (
        "an observe period without callers",
        {"callers": {"observeUntil": "2030-01-31"}, "insecure": {"acknowledged": True}},
        "callers.observeUntil is set, but there is no callers file",
    ),
    (
        "an observe period that is no date",
        {"tls": TLS, "callers": {**CALLERS, "observeUntil": "January"}},
        "at '/callers/observeUntil'",
    ),
    (
        "two pods with SQLite",
        {"tls": TLS, "callers": CALLERS, "replicas": 2},
        "store.engine is sqlite, which supports one pod only, but replicas is more than 1: set replicas to 1, or store.engine to postgres",
    ),
    (
        "PostgreSQL without a database secret",
        {"tls": TLS, "callers": CALLERS, "store": {"engine": "postgres"}},
        "store.engine is postgres, but store.postgres.existingSecret is not set",
    ),
    (
        "SQLite with a database secret",
        {"tls": TLS, "callers": CALLERS, "store": {"postgres": {"existingSecret": "database"}}},
        "store.postgres.existingSecret is set, but store.engine is sqlite",
    ),
    (
        "SQLite with a snapshot",
        {"tls": TLS, "callers": CALLERS, "snapshot": {"existingSecret": "key"}},
        "snapshot.existingSecret is set, but store.engine is sqlite",
    ),
    ("an unknown value", {"tls": TLS, "callers": CALLERS, "replica": 1}, "additional properties 'replica' not allowed"),
    (
        "an unknown nested value",
        {"tls": {**TLS, "existingsecret": "x"}, "callers": CALLERS},
        "at '/tls': additional properties 'existingsecret' not allowed",
    ),
    (
        "an unknown setting",
        {"tls": TLS, "callers": CALLERS, "config": {"acount_id": "1"}},
        "at '/config': additional properties 'acount_id' not allowed",
    ),
    (
        "a setting that the chart sets",
        {"tls": TLS, "callers": CALLERS, "config": {"insecure": True}},
        "at '/config': additional properties 'insecure' not allowed",
    ),
    (
        "a setting of a wrong type",
        {"tls": TLS, "callers": CALLERS, "config": {"max_batch": "many"}},
        "at '/config/max_batch': got string, want integer",
    ),
    (
        "an account that is a number",
        {"tls": TLS, "callers": CALLERS, "config": {"account_id": 123456789012}},
        "at '/config/account_id': got number, want string",
    ),
    (
        "a wrong type",
        {"tls": TLS, "callers": CALLERS, "replicas": "two"},
        "at '/replicas': got string, want null or integer",
    ),
    ("a fraction of a pod", {"tls": TLS, "callers": CALLERS, "replicas": 0.5}, "at '/replicas'"),
    (
        "an unknown engine",
        {"tls": TLS, "callers": CALLERS, "store": {"engine": "mysql"}},
        "at '/store/engine': value must be one of 'sqlite', 'postgres'",
    ),
    (
        "a URL where a secret belongs",
        {
            "tls": TLS,
            "callers": CALLERS,
            "store": {"engine": "postgres", "postgres": {"existingSecret": "postgresql://u:p@db/x"}},
        },
        "at '/store/postgres/existingSecret'",
    ),
    (
        "a shared volume",
        {"tls": TLS, "callers": CALLERS, "store": {"sqlite": {"accessMode": "ReadWriteMany"}}},
        "at '/store/sqlite/accessMode'",
    ),
    (
        "a privileged port",
        {"tls": TLS, "callers": CALLERS, "ports": {"grpc": 443}},
        "at '/ports/grpc': minimum: got 443, want 1,024",
    ),
    (
        "one port for both listeners",
        {"tls": TLS, "callers": CALLERS, "ports": {"grpc": 9000, "ops": 9000}},
        "ports.grpc and ports.ops are both 9000",
    ),
    (
        "an unknown log level",
        {"tls": TLS, "callers": CALLERS, "config": {"log_level": "loud"}},
        "at '/config/log_level': value must be one of",
    ),
    ("several workers", {"tls": TLS, "callers": CALLERS, "config": {"workers": 3}}, "at '/config/workers'"),
    (
        "an empty batch",
        {"tls": TLS, "callers": CALLERS, "config": {"max_batch": 0}},
        "at '/config/max_batch': minimum: got 0, want 1",
    ),
    (
        "a setting of TLS in extraEnv",
        {"tls": TLS, "callers": CALLERS, "extraEnv": [{"name": "ROLECALL_TLS_CLIENT_CA", "value": ""}]},
        "extraEnv sets ROLECALL_TLS_CLIENT_CA, a setting of the server: set it under `config`",
    ),
    (
        "an extra volume with a name of the chart",
        {"tls": TLS, "callers": CALLERS, "extraVolumes": [{"name": "tls", "emptyDir": {}}]},
        "extraVolumes has a volume `tls`, which the chart uses",
    ),
    (
        "an extra mount at a path of the chart",
        {"tls": TLS, "callers": CALLERS, "extraVolumeMounts": [{"name": "more", "mountPath": "/tmp/"}]},
        "extraVolumeMounts mounts at /tmp/, which the chart uses",
    ),
    (
        "a name that begins with a digit",
        {"tls": TLS, "callers": CALLERS, "fullnameOverride": "1trust"},
        "`1trust` is not a valid name for a Service",
    ),
    ("a name with a dot", {"tls": TLS, "callers": CALLERS, "fullnameOverride": "trust.prod"}, "set fullnameOverride"),
    (
        "an image of no registry",
        {"tls": TLS, "callers": CALLERS, "image": {"registry": ""}},
        "`rolecall:0.1.0` has no registry, so it would be pulled from a public one: set image.registry",
    ),
    (
        "an image of an account of a public registry",
        {"tls": TLS, "callers": CALLERS, "image": {"registry": "acme"}},
        "`acme/rolecall:0.1.0` has no registry",
    ),
    (
        "a digest of no registry",
        {"tls": TLS, "callers": CALLERS, "image": {"registry": "", "digest": "sha256:" + "0" * 64}},
        "has no registry",
    ),
    ("a tag as a digest", {"tls": TLS, "callers": CALLERS, "image": {"digest": "latest"}}, "at '/image/digest'"),
    (
        "a loopback listen address",
        {"tls": TLS, "callers": CALLERS, "listenAddress": "127.0.0.1"},
        "at '/listenAddress': value must be one of",
    ),
]


@pytest.mark.parametrize(("values", "sentence"), [pytest.param(v, s, id=i.replace(" ", "-")) for i, v, s in REFUSED])
def test_invalid_values_do_not_render_and_the_message_says_why(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RefusedError) as refused:
        render(values)

    assert sentence in str(refused.value)


def test_an_old_cluster_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"requires kubeVersion: >=1\.27\.0-0"):
        render({"tls": TLS}, kubernetes="1.26.0")


@pytest.mark.parametrize(
    "values",
    [
        {"tls": TLS, "callers": CALLERS},
        {"tls": ISSUED, "callers": CALLERS},
        {"insecure": {"acknowledged": True}},
        {"tls": TLS, "callers": CALLERS, "store": POSTGRES},
    ],
    ids=str,
)
def test_the_values_that_the_messages_ask_for_render(values: dict[str, Any]) -> None:
    assert render(values).pod["containers"]


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ({"registry": "localhost:5000"}, "localhost:5000/rolecall"),
        ({"registry": "localhost"}, "localhost/rolecall"),
        (
            {"registry": "", "repository": "registry.example.com/platform/rolecall"},
            "registry.example.com/platform/rolecall",
        ),
        ({"registry": "", "pullPolicy": "Never"}, "rolecall"),
    ],
)
def test_an_image_that_is_pulled_from_no_public_registry_is_rendered(image: dict[str, str], name: str) -> None:
    rendered = render({"tls": TLS, "callers": CALLERS, "image": image})

    assert rendered.container()["image"].startswith(f"{name}:")
