"""The workloads of the two engines: their mounts, probes, updates and termination."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.helm.chart import EVERYTHING, ISSUED, ONE, POSTGRES, SQLITE, VERSION, name_of, render


def test_sqlite_is_one_pod_with_its_own_volume() -> None:
    rendered = render(SQLITE)
    (claim,) = rendered.workload["spec"]["volumeClaimTemplates"]

    assert rendered.kinds() == {"ConfigMap": 1, "Service": 3, "ServiceAccount": 1, "StatefulSet": 1}
    assert rendered.workload["spec"]["replicas"] == 1
    assert rendered.workload["spec"]["serviceName"] == "rolecall-headless"
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert "storageClassName" not in claim["spec"]
    assert rendered.mounts["data"] == "/var/lib/rolecall"
    assert rendered.environment()["ROLECALL_STORE"] == "sqlite:////var/lib/rolecall/rolecall.db"
    assert rendered.environment()["ROLECALL_CREATE_STORE"] == "auto"
    assert "topologySpreadConstraints" not in rendered.pod


def test_a_pod_may_be_kept_from_making_a_new_store() -> None:
    assert render(EVERYTHING).environment()["ROLECALL_CREATE_STORE"] == "never"


def test_postgres_is_several_pods_spread_out_and_replaced_one_by_one() -> None:
    rendered = render(POSTGRES)
    spec = rendered.workload["spec"]

    assert rendered.kinds() == {
        "ConfigMap": 1,
        "Deployment": 1,
        "PodDisruptionBudget": 1,
        "Service": 3,
        "ServiceAccount": 1,
    }
    assert spec["replicas"] == 2
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert [c["whenUnsatisfiable"] for c in rendered.pod["topologySpreadConstraints"]] == ["ScheduleAnyway"] * 2


def test_a_new_pod_is_known_to_every_client_before_the_next_old_one_stops() -> None:
    spec = render(POSTGRES).workload["spec"]
    explicit = render({**yaml.safe_load(POSTGRES.read_text()), "minReadySeconds": 0}).workload["spec"]

    # gRPC resolves a name at most every 30 seconds, and the drain delay is 5.
    assert (spec["minReadySeconds"], explicit["minReadySeconds"]) == (35, 0)


def test_a_sqlite_pod_that_cannot_start_is_replaced_when_its_values_are_corrected() -> None:
    assert render(SQLITE).workload["spec"]["podManagementPolicy"] == "Parallel"


def test_the_database_url_is_mounted_from_a_secret() -> None:
    rendered = render(POSTGRES)

    assert rendered.environment()["ROLECALL_STORE_FILE"] == f"{rendered.mounts['store']}/url"
    assert "ROLECALL_STORE" not in rendered.environment()
    assert "ROLECALL_CREATE_STORE" not in rendered.environment()
    assert rendered.volume("store")["secret"] == {
        "secretName": "rolecall-database",
        "defaultMode": 0o440,
        "items": [{"key": "url", "path": "url"}],
    }


def test_an_init_container_with_the_same_image_migrates_the_schema() -> None:
    rendered = render(POSTGRES)
    migration, server = rendered.container("migrate"), rendered.container()

    assert [container["name"] for container in rendered.containers] == ["migrate", "rolecall"]
    snapshot = rendered.environment()["ROLECALL_SNAPSHOT_FILE"]
    assert migration["args"] == ["migrate", "--wait", "60", "--or-snapshot", snapshot]
    assert render(ONE).container("migrate")["args"] == ["migrate", "--wait", "60"]
    assert {name: migration[name] for name in ("image", "env", "volumeMounts")} == {
        name: server[name] for name in ("image", "env", "volumeMounts")
    }


def test_the_migration_can_be_disabled() -> None:
    assert "initContainers" not in render(ISSUED).pod


def test_the_snapshot_has_a_volume_with_a_size_limit_and_its_key_is_a_secret() -> None:
    rendered = render(POSTGRES)

    assert rendered.environment()["ROLECALL_SNAPSHOT_FILE"] == f"{rendered.mounts['snapshot']}/snapshot"
    assert rendered.environment()["ROLECALL_SNAPSHOT_KEY_FILE"] == f"{rendered.mounts['snapshot-key']}/key"
    assert rendered.volume("snapshot")["emptyDir"] == {"sizeLimit": "2Gi"}
    assert rendered.volume("snapshot-key")["secret"]["secretName"] == "rolecall-snapshot"
    assert rendered.volume("snapshot-key")["secret"]["defaultMode"] == 0o440


def test_without_a_key_there_is_no_snapshot() -> None:
    rendered = render(ISSUED)

    assert [name for name in rendered.environment() if "SNAPSHOT" in name] == []
    assert {"snapshot", "snapshot-key"} & set(rendered.mounts) == set()


@pytest.mark.parametrize(("case", "budgets"), [(SQLITE, 0), (ONE, 0), (POSTGRES, 1)], ids=name_of)
def test_a_node_drain_evicts_one_of_several_pods_at_a_time(case: Path, budgets: int) -> None:
    found = [m["spec"] for m in render(case).manifests if m["kind"] == "PodDisruptionBudget"]

    assert len(found) == budgets
    for spec in found:
        assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_restarts_depend_on_livez_only_and_a_pod_has_five_minutes_to_start() -> None:
    container = render(POSTGRES).container()
    startup, readiness, liveness = (container[f"{name}Probe"] for name in ("startup", "readiness", "liveness"))

    assert [p["httpGet"] for p in (startup, liveness)] == [{"path": "/livez", "port": "ops"}] * 2
    assert readiness["httpGet"] == {"path": "/readyz", "port": "ops"}
    assert startup["periodSeconds"] * startup["failureThreshold"] == 300
    assert all(p["timeoutSeconds"] <= p["periodSeconds"] for p in (startup, readiness, liveness))


@pytest.mark.parametrize(("case", "seconds"), [(SQLITE, 45), (EVERYTHING, 75)], ids=name_of)
def test_the_termination_grace_period_covers_the_drain(case: Path, seconds: int) -> None:
    rendered = render(case)
    drain = [int(rendered.environment()[f"ROLECALL_DRAIN_{part}_SECONDS"]) for part in ("DELAY", "GRACE")]

    assert rendered.pod["terminationGracePeriodSeconds"] == sum(drain) + 15 == seconds


def test_the_image_is_named_by_its_digest_or_else_by_the_version() -> None:
    assert render(SQLITE).container()["image"] == f"registry.example.com/rolecall:{VERSION}"
    assert render(EVERYTHING).container()["image"].startswith("registry.example.com/platform/rolecall@sha256:0123")


def test_long_names_leave_room_for_suffixes() -> None:
    rendered = render(SQLITE, release="x" * 53)

    assert max(len(manifest["metadata"]["name"]) for manifest in rendered.manifests) <= 63


def test_values_that_are_passed_on_reach_the_manifests() -> None:
    rendered = render(EVERYTHING)
    template = rendered.workload["spec"]["template"]

    assert template["metadata"]["annotations"] == {"example.com/note": "decides"}
    assert {"team": "platform", "tier": "access"}.items() <= template["metadata"]["labels"].items()
    assert all(manifest["metadata"]["labels"]["team"] == "platform" for manifest in rendered.manifests)
    assert rendered.pod["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    assert rendered.pod["tolerations"][0]["key"] == "dedicated"
    assert "nodeAffinity" in rendered.pod["affinity"]
    assert rendered.pod["priorityClassName"] == "system-cluster-critical"
    assert rendered.pod["imagePullSecrets"] == [{"name": "registry"}]
    assert rendered.pod["serviceAccountName"] == rendered.one("ServiceAccount")["metadata"]["name"] == "decider"
    assert rendered.environment()["TZ"] == "UTC"
    assert rendered.mounts["scratch"] == "/scratch"
    assert rendered.volume("scratch")["emptyDir"] == {}
