from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from rolecall.config.options import (
    catalog_options,
    decision_log_options,
    decision_options,
    document_limits,
    server_options,
    upload_limits,
)
from rolecall.config.settings import Config
from rolecall.config.sources import ConfigError, flag_of, variable_of
from rolecall.engine.consistency import MAX_STALENESS_SECONDS
from rolecall.engine.decision_point import DecisionOptions
from rolecall.observability.decision_log.log import DecisionLogOptions
from rolecall.policy.limits import Limits
from rolecall.policy.linting.findings import Severity
from rolecall.roles.catalog import CatalogOptions
from rolecall.transport.options import ServerOptions, UploadLimits
from rolecall_client.contexts.given import VARIABLES
from rolecall_client.contexts.location import FILE_VARIABLE


def problems(flags: dict[str, object] | None = None, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        Config.from_mapping(flags or {}, environ)
    return caught.value.problems


def test_the_defaults_suit_a_laptop() -> None:
    config = Config.from_mapping({}, {"PATH": "/bin"})

    assert config == Config()
    assert config.listen.loopback
    assert config.ops_listen.loopback
    assert (config.with_reflection, config.drain_delay) == (True, 0.0)


def test_flags_win_over_variables_and_variables_over_defaults() -> None:
    environ = {"ROLECALL_CACHE_ENTRIES": "5", "ROLECALL_MAX_BATCH": "7"}

    config = Config.from_mapping({"cache_entries": 6, "max_batch": None}, environ)

    assert (config.cache_entries, config.max_batch, config.max_statements) == (6, 7, 100)


def test_an_unknown_variable_stops_the_start_and_the_nearest_is_named() -> None:
    assert problems(ROLECALL_CASH_ENTRIES="5", ROLECALL_XYZZY="1") == (
        "ROLECALL_CASH_ENTRIES names no setting; did you mean ROLECALL_CACHE_ENTRIES",
        "ROLECALL_XYZZY names no setting; unset it",
    )


@pytest.mark.parametrize("name", sorted({*VARIABLES, FILE_VARIABLE} - {"ROLECALL_TLS_CERT", "ROLECALL_TLS_KEY"}))
def test_a_variable_that_only_clients_read_is_passed_over(name: str) -> None:
    assert Config.from_mapping({}, {name: "localhost:1"}) == Config()


def test_a_variable_with_another_prefix_is_passed_over() -> None:
    assert (
        Config.from_mapping({}, {"MY_ROLECALL_LISTEN": "x", "_ROLECALL_COMPLETE": "x", "ROLECALLER": "x"}) == Config()
    )


def test_a_repeatable_flag_that_is_not_given_leaves_it_to_the_variable() -> None:
    environ = {"ROLECALL_ACCOUNT_ALIAS": "prod=1"}

    assert Config.from_mapping({"account_alias": []}, environ).account_alias == (("prod", "1"),)
    assert Config.from_mapping({"account_alias": ["test=2"]}, environ).account_alias == (("test", "2"),)


ADDRESS = "must be HOST:PORT; `127.0.0.1:PORT` for this machine only, `0.0.0.0:PORT` for every network"
ENTRIES = "must be a whole number from 0 to 10,000,000"
DEADLINE = "must be from 0.1 to 3,600 seconds"
SHARE = "must be a share from 0 to 1"
NOT_MASKED = (
    "use `/input/who`, `/requested_by`, `/req_id`, `/input/context`, `/input/context/KEY`, `/input/context/PREFIX*`"
)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        *(("listen", text, ADDRESS) for text in ("50051", ":50051", "127.0.0.1:x", "::1:50051", "unix:")),
        ("listen", "127.0.0.1:65536", "must have a port up to 65535"), ("ops_listen", "unix:/run/ops", ADDRESS),
        ("insecure", "maybe", "must be `true` or `false`"),
        *(("cache_entries", text, ENTRIES) for text in ("-1", "1_000", "\u0661", "9" * 30)),
        ("max_batch", "0", "must be a whole number from 1 to 100,000"),
        ("max_deadline_seconds", "nan", DEADLINE), ("max_deadline_seconds", "0", DEADLINE),
        ("log_level", "trace", "must be one of `debug`, `info`, `warning`, `error`"),
        ("transport", "h3", "must be one of `auto`, `h2`, `grpcio`"), ("create_store", "yes", "must be one of `auto`, `never`"),
        ("account_alias", "prod", "must be NAME=ID,... with each name once"), ("account_alias", "a=1,a=2", "must be NAME=ID,... with each name once"),
        ("lint_blocks", "errors", "`errors` is not a severity; the severities are `error`, `warning`, `note`"),
        ("workers", "2", "must be 1 in this version: run several replicas instead of several workers"),
        ("decision_log_sample_allow", "1.5", SHARE), ("decision_log_sample_deny", "nan", SHARE),
        ("decision_log_mask", "/input/contxt/a:b", f"names nothing that can be masked with `/input/contxt/a:b`; {NOT_MASKED}"),
        ("decision_log_erase", "/result", f"names nothing that can be masked with `/result`; {NOT_MASKED}"),
        ("decision_log_files", "-1", "must be a whole number from 0 to 1,000"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_refused_by_flag_and_variable(name: str, value: str, sentence: str) -> None:
    for found in (problems({name: value}), problems(None, **{variable_of(name): value})):
        assert found == (f"{flag_of(name)} ({variable_of(name)}) {sentence}",)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_mapping({"workers": 4, "max_batch": 0}, {"ROLECALL_NOPE": "1", "ROLECALL_LOG_FORMAT": "xml"})

    assert caught.value.problems == (
        "ROLECALL_NOPE names no setting; unset it",
        "--log-format (ROLECALL_LOG_FORMAT) must be one of `auto`, `json`, `console`",
        "--max-batch (ROLECALL_MAX_BATCH) must be a whole number from 1 to 100,000",
        "--workers (ROLECALL_WORKERS) must be 1 in this version: run several replicas instead of several workers",
    )
    assert str(caught.value) == "; ".join(caught.value.problems)


@pytest.mark.parametrize(
    ("listen", "loopback"),
    [
        ("127.0.0.1:1", True), ("127.9.9.9:1", True), ("[::1]:1", True), ("localhost:1", True), ("unix:/run/rolecall", True),
        ("0.0.0.0:1", False), ("[::]:1", False), ("10.0.0.1:1", False), ("example.org:1", False),
    ],
)  # fmt: skip
def test_only_this_machine_reaches_loopback(listen: str, loopback: bool) -> None:
    config = Config.from_mapping({"listen": listen}, {})

    assert config.listen.loopback is loopback
    assert (config.with_reflection, config.drain_delay) == (loopback, 0.0 if loopback else 5.0)


def test_aliases_lead_to_accounts_and_the_default_may_be_one() -> None:
    config = Config.from_mapping({"account_alias": ["prod=1", "test=2"], "account_id": "prod"}, {})

    assert (config.accounts.default, config.accounts.account_id("test")) == ("1", "2")


def test_severities_are_read() -> None:
    config = Config.from_mapping({"lint_blocks": "error, warning"}, {})

    assert config.lint_blocks == frozenset({Severity.ERROR, Severity.WARNING})


def test_every_setting_has_a_line_of_help() -> None:
    assert all(str(setting.metadata["help"]).endswith(".") for setting in fields(Config))


def test_printed_settings_show_every_value_but_the_url_of_the_store() -> None:
    config = Config.from_mapping({"store": "postgresql://app:s3cret@db/roles", "account_id": "1234"}, {})

    printed = repr(config)

    shown = {
        setting.name for setting in fields(Config) if f"{setting.name}={getattr(config, setting.name)!r}" in printed
    }
    assert {setting.name for setting in fields(Config)} - shown == {"store"}
    assert "s3cret" not in printed


def test_limits_of_documents_are_taken_over() -> None:
    assert document_limits(Config.from_mapping({"max_statements": 3}, {})).max_statements == 3


def test_decisions_are_logged_only_where_that_is_asked_for() -> None:
    pointers = ["/input/who", "/input/context/a:*"]

    logging = decision_log_options(Config.from_mapping({"decision_log": "stdout", "decision_log_mask": pointers}, {}))

    assert logging is not None
    assert (logging.target, logging.masked) == ("stdout", frozenset(pointers))
    assert decision_log_options(Config.from_mapping({"decision_log_mask": pointers}, {})) is None


def test_the_default_of_a_setting_is_that_of_the_options_that_it_configures() -> None:
    config = Config(decision_log="stdout", reflection=False)

    assert document_limits(config) == Limits()
    assert catalog_options(config) == CatalogOptions()
    assert decision_options(config) == DecisionOptions()
    assert server_options(config) == ServerOptions()
    assert upload_limits(config) == UploadLimits()
    assert decision_log_options(config) == DecisionLogOptions(target="stdout")
    assert config.max_staleness_seconds == MAX_STALENESS_SECONDS


@pytest.mark.parametrize("name", ["decision_log", "tls_cert", "store_file", "account_id"])
def test_a_text_may_be_empty(name: str) -> None:
    assert Config.from_mapping({name: ""}, {}) == Config()


def test_a_store_and_a_file_with_another_are_refused() -> None:
    assert problems({"store": "memory://", "store_file": "url"}) == (
        "--store and --store-file name two stores; give one of them",
    )


@pytest.mark.parametrize("given", ["snapshot_file", "snapshot_key_file"])
def test_a_snapshot_file_and_its_key_are_given_together(given: str) -> None:
    assert problems({given: "x"}) == ("give --snapshot-file and --snapshot-key-file together, or neither",)


@pytest.mark.parametrize(
    ("content", "why"), [(None, "no such file or directory"), (b"\xff", "it is not text")], ids=["missing", "binary"]
)
def test_a_file_of_the_stores_url_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "url"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        _ = Config(store_file=str(path)).store_url

    assert caught.value.problems == (f"--store-file: cannot read `{path}`: {why}",)


def test_an_empty_file_of_the_stores_url_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text(" \n")

    with pytest.raises(ConfigError) as caught:
        _ = Config(store_file=str(path)).store_url

    assert caught.value.problems == (f"--store-file: `{path}` is empty",)


def test_a_file_of_the_stores_url_may_have_64_kilobytes(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("memory://".ljust(64 * 1024))
    assert Config(store_file=str(path)).store_url == "memory://"

    path.write_text("memory://".ljust(64 * 1024 + 1))
    with pytest.raises(ConfigError) as caught:
        _ = Config(store_file=str(path)).store_url

    assert caught.value.problems == (
        f"--store-file: cannot read `{path}`: it has more than 65,536 bytes, which is the limit",
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"account_id": "nope"}, "--account-id (ROLECALL_ACCOUNT_ID): `nope` is not an account id (1 to 20 digits)"),
        (
            {"account_alias": "a=x"},
            "--account-alias (ROLECALL_ACCOUNT_ALIAS): alias `a`: `x` is not an account id (1 to 20 digits)",
        ),
    ],
)
def test_a_wrong_account_is_named_by_its_own_flag(given: dict[str, object], sentence: str) -> None:
    assert problems(given) == (sentence,)


def test_calls_are_observed_only_with_callers() -> None:
    given: dict[str, object] = {"callers_observe_until": "2026-01-01"}

    assert problems(given) == ("--callers-observe-until needs --callers, whose rights are observed",)
    assert Config.from_mapping({**given, "callers": "a"}, {}).callers_observe_until == 1_767_225_600_000_000
    assert Config.from_mapping({"callers": "a"}, {}).callers_observe_until is None


def test_a_given_drain_delay_and_reflection_win_over_those_of_the_address() -> None:
    local = Config.from_mapping({"drain_delay_seconds": 3, "reflection": "false"}, {})
    remote = Config.from_mapping({"listen": "0.0.0.0:1", "drain_delay_seconds": 0, "reflection": "true"}, {})

    assert (local.drain_delay, local.with_reflection) == (3.0, False)
    assert (remote.drain_delay, remote.with_reflection) == (0.0, True)
