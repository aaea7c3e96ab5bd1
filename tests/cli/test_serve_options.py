"""Every option of `serve` and `quickstart` becomes the setting that it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli import examples
from rolecall.cli.commands import quickstart
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config
from rolecall.config.sources import flag_of
from rolecall.config.types import read_address
from rolecall.policy.linting.findings import Severity
from rolecall.server import main
from rolecall.server.server import BoundAddresses
from tests.cli.conftest import CommandLine

GIVEN: dict[str, tuple[str, Any]] = {
    "listen": ("127.0.0.1:1", read_address("127.0.0.1:1")),
    "ops_listen": ("127.0.0.1:2", read_address("127.0.0.1:2")),
    "store": ("memory://", "memory://"),
    "transport": ("h2", "h2"),
    "create_store": ("never", "never"),
    "log_level": ("debug", "debug"),
    "log_format": ("console", "console"),
    "account": ("42", ("42",)),
    "socket_group": ("7", 7),
    "account_id": ("42", "42"),
    "account_alias": ("prod=42", (("prod", "42"),)),
    "jwks_host": ("oidc.example", (("oidc.example", ()),)),
    "lint_blocks": ("error,note", frozenset({Severity.ERROR, Severity.NOTE})),
    "callers_observe_until": ("1970-01-02", 86_400_000_000),
    "decision_log_sample_allow": ("0.5", 0.5),
    "decision_log_sample_deny": ("0.25", 0.25),
    "decision_log_mask": ("/input/who", frozenset({"/input/who"})),
    "decision_log_erase": ("/input/who", frozenset({"/input/who"})),
}
"""A text for each setting that is not a number, a switch or the name of a file, and its value."""

ONE_VALUE = {"workers"}
"""Settings that have only one value in this version."""


def given(name: str, settings: type[ServingSettings] = Config) -> tuple[list[str], Any]:
    """Return an option that gives a setting another value than its default, and that value."""
    setting = next(setting for setting in fields(settings) if setting.name == name)
    if name in GIVEN:
        text, value = GIVEN[name]
        return [f"{flag_of(name)}={text}"], value
    if "bool" in str(setting.type):
        return ([f"--no-{flag_of(name)[2:]}"], False) if setting.default else ([flag_of(name)], True)
    if "float" in str(setting.type):
        number = float(getattr(settings(), name) or 0) + 1.5
        return [f"{flag_of(name)}={number}"], number
    if isinstance(setting.default, int):
        return [f"{flag_of(name)}={setting.default + 1}"], setting.default + 1
    return [f"{flag_of(name)}=some.file"], "some.file"


Started = Callable[[], Config]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Started:
    """Start no server; give what returns the settings with which one would have started."""
    monkeypatch.chdir(tmp_path)
    settings: list[Config] = []

    def run(config: Config, *, ready: Any = None) -> int:
        settings.append(config)
        if ready:
            ready(BoundAddresses(address="127.0.0.1:7", ops_address="127.0.0.1:8"))
        return 3

    monkeypatch.setattr(main, "run", run)
    return lambda: settings[-1]


def test_without_options_the_settings_are_the_defaults(rolecall: CommandLine, started: Started) -> None:
    assert rolecall("serve") == (3, "", "")
    assert started() == Config()


@pytest.mark.parametrize("name", [setting.name for setting in fields(Config) if setting.name not in ONE_VALUE])
def test_an_option_becomes_its_setting_and_no_other(rolecall: CommandLine, started: Started, name: str) -> None:
    options, value = given(name)

    # The two files of a snapshot must be given together, and rights can only be observed with a callers file.
    outcome = rolecall("serve", "--snapshot-file=a", "--snapshot-key-file=b", "--callers=c", *options)

    usual = replace(Config(), snapshot_file="a", snapshot_key_file="b", callers="c")
    assert outcome == (3, "", "")
    assert started() == replace(usual, **{name: value}) != usual


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        (["--account-alias=prod=1", "--account-alias=dev=2"], "account_alias", (("prod", "1"), ("dev", "2"))),
        (["--lint-blocks=error", "--lint-blocks=note"], "lint_blocks", frozenset({Severity.ERROR, Severity.NOTE})),
        (["--decision-log-mask=/input/who"] * 2, "decision_log_mask", frozenset({"/input/who"})),
        (["--no-reflection"], "reflection", False),
        (["--workers=1"], "workers", 1),
    ],
)
def test_an_option_may_be_repeated_or_negated(
    rolecall: CommandLine, started: Started, options: list[str], name: str, value: object
) -> None:
    rolecall("serve", *options)

    assert getattr(started(), name) == value


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Show no examples; give what would have been shown."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(examples, "show_examples", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr("threading.Thread", _AtOnce)
    monkeypatch.setattr("sys.argv", ["rolecall"])
    return calls


class _AtOnce:
    def __init__(self, *, target: Callable[..., object], args: tuple[object, ...], daemon: bool) -> None:
        assert daemon
        self.start = lambda: target(*args)


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ([], "account_id", "123456789012"),
        ([], "log_level", "warning"),
        (["--account-id=42"], "account_id", "42"),
        (["--listen=127.0.0.1:1"], "listen", read_address("127.0.0.1:1")),
        (["--ops-listen=127.0.0.1:2"], "ops_listen", read_address("127.0.0.1:2")),
        (["--store=memory://"], "store", "memory://"),
    ],
)
def test_an_option_of_quickstart_becomes_its_setting(
    rolecall: CommandLine,
    started: Started,
    shown: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    name: str,
    value: Any,
) -> None:
    monkeypatch.setattr(quickstart, "_answers", lambda _host, _port: False)
    usual = replace(Config(), account_id="123456789012", log_level="warning")

    assert rolecall("quickstart", *options) == (3, "", "")
    assert started() == replace(usual, **{name: value})
    (connection, directory, command) = shown[0]
    assert (connection.address, directory.name) == ("127.0.0.1:7", "example_files")
    assert command.endswith("--context acs:SourceIp=203.0.113.9 --address 127.0.0.1:7")


def test_quickstart_takes_account_and_log_level_from_their_variables(
    rolecall: CommandLine, started: Started, shown: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickstart, "_answers", lambda _host, _port: False)
    monkeypatch.setenv("ROLECALL_ACCOUNT_ID", "43")
    monkeypatch.setenv("ROLECALL_LOG_LEVEL", "debug")

    rolecall("quickstart")
    from_variables = started()
    rolecall("quickstart", "--account-id=42")

    assert (from_variables.account_id, from_variables.log_level) == ("43", "debug")
    assert started().account_id == "42"
    assert len(shown) == 2


def test_quickstart_shows_the_examples_of_another_directory(
    rolecall: CommandLine, started: Started, shown: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickstart, "_answers", lambda _host, _port: False)
    Path("mine").mkdir()
    Path("mine/questions.yaml").touch()

    assert rolecall("quickstart", "--examples=mine").code == 3
    assert shown[0][1] == Path("mine")
    assert started().account_id
