from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest

from rolecall.observability.credential_metrics import CredentialCollector, CredentialSources


@dataclass
class Keys:
    age_seconds: float
    usable: bool
    errors: int


def shown(*keys: Keys) -> list[str]:
    registry = CollectorRegistry()
    registry.register(
        CredentialCollector(
            CredentialSources(
                refused=lambda: {"EXPIRED": 2, "WRONG_CA": 0}, key_sets=lambda: keys, remembered_bytes=lambda: 700
            )
        )
    )
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_refused_credentials_are_counted_by_cause_and_the_worst_key_set_is_shown() -> None:
    assert shown(
        Keys(10, usable=True, errors=1), Keys(30, usable=True, errors=0), Keys(9_000, usable=False, errors=5)
    ) == [
        'rolecall_credentials_refused_total{cause="EXPIRED"} 2.0',
        'rolecall_credentials_refused_total{cause="WRONG_CA"} 0.0',
        "rolecall_key_sets 3.0",
        "rolecall_key_sets_without_keys 1.0",
        "rolecall_key_set_age_seconds 30.0",
        "rolecall_key_set_errors_total 6.0",
        "rolecall_remembered_token_bytes 700.0",
    ]


def test_without_issuers_there_is_no_age() -> None:
    assert "rolecall_key_set_age_seconds 0.0" in shown()
