from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rolecall.callers.credential import LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.config.settings import Config
from rolecall.config.sources import ConfigError
from rolecall.observability.logs import make_logger
from rolecall.server.callers import CallersFileError, ServerCallers, open_callers
from rolecall.server.main import StartError, running_server
from tests.callers.files import put
from tests.server.serving import Served, config, log_lines, served

LOCAL_DECIDER = "callers: [{name: laptop, match: {local: true}, policies: [RolecallDecider]}]\n"
ROLE = "acs:ram::123456789012:role/shop"
NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "callers.yaml"
    path.write_text(LOCAL_DECIDER)
    return path


def opened(settings: Config, log: io.StringIO | None = None) -> ServerCallers:
    return open_callers(settings, make_logger("info", "json", log or io.StringIO()), NOW)


def may_create(callers: CallerDirectory) -> bool:
    return callers.caller(LOCAL, source_ip="", secure=False).allows("ram:CreateRole", ROLE)


def test_without_a_file_this_machine_administers() -> None:
    callers = opened(config())

    assert callers.reloading is None
    assert may_create(callers.directory)


def test_a_file_gives_the_rights(path: Path) -> None:
    callers = opened(config(callers=str(path)))

    assert callers.reloading is not None
    assert not may_create(callers.directory)


def test_a_broken_file_is_reported_with_its_first_violations(path: Path) -> None:
    path.write_text("callers: [1, 2, 3, 4, 5]")

    with pytest.raises(CallersFileError) as caught:
        opened(config(callers=str(path)))

    assert str(caught.value).startswith(f"--callers: {path}:1:11: must be a mapping")
    assert str(caught.value).endswith(f"; and 2 more, which `rolecall callers check {path}` lists")


async def test_a_server_does_not_start_with_a_broken_file(path: Path) -> None:
    await asyncio.to_thread(put, path, "callers: {}")

    with pytest.raises(StartError, match=r"--callers: .*callers\.yaml:1:1: must be a list of callers"):
        async with running_server(config(callers=str(path))):
            pass


@pytest.mark.parametrize("until", ["2026-01-31", "2025-12-31T00:00:00Z", "2026-01-31T02:00:00+02:00"])
def test_rights_are_observed_until_a_date_of_30_days_ahead_at_most(path: Path, until: str) -> None:
    log = io.StringIO()
    callers = opened(config(callers=str(path), callers_observe_until=until), log)

    callers.log_start()

    assert [line["event"] for line in log_lines(log)] == ["callers", "rights_observed"]


@pytest.mark.parametrize("until", ["2026-01-31T00:00:01Z", "2027-01-01"])
def test_a_later_date_is_refused(path: Path, until: str) -> None:
    with pytest.raises(ConfigError, match="for 30 days at most, until 2026-01-31T00:00:00Z"):
        opened(config(callers=str(path), callers_observe_until=until))


def test_the_observe_period_needs_a_callers_file() -> None:
    with pytest.raises(ConfigError, match="--callers-observe-until needs --callers"):
        config(callers_observe_until="2026-01-31")


def test_a_missing_right_is_logged_in_the_observe_period(path: Path) -> None:
    log = io.StringIO()
    callers = opened(config(callers=str(path), callers_observe_until="2026-01-31"), log)
    callers.directory.clock = lambda: NOW

    allowed = may_create(callers.directory)

    [line] = log_lines(log)
    assert allowed
    assert line == {
        "level": "warning",
        "event": "right_missing",
        "caller": "local",
        "action": "ram:CreateRole",
        "resource": ROLE,
    }


@asynccontextmanager
async def reloading(path: Path) -> AsyncIterator[Served]:
    async with served(callers=str(path)) as service:
        yield service


async def test_the_metrics_show_the_generation_and_its_reloads(path: Path) -> None:
    async with reloading(path) as service:
        registry, file = service.server.registry, service.server.callers.reloading
        assert file is not None
        await asyncio.to_thread(put, path, "callers: [")
        with pytest.raises(Exception, match="not YAML"):
            await file.reload_if_changed()
        await asyncio.to_thread(put, path, LOCAL_DECIDER.replace("laptop", "desktop"))
        await file.reload_if_changed()

        values = {
            name: registry.get_sample_value(f"rolecall_callers_{name}_total") for name in ("reloads", "reload_errors")
        }
        info = registry.get_sample_value("rolecall_callers_info", {"generation": file.generation})
        last_success = registry.get_sample_value("rolecall_callers_last_success_timestamp_seconds")

    assert values == {"reloads": 1.0, "reload_errors": 1.0}
    assert info == 1.0
    assert last_success == file.loaded_at


async def test_the_metrics_count_what_would_be_denied(path: Path) -> None:
    # The date has passed: what was counted before is still there, and nothing is allowed any more.
    async with served(callers=str(path), callers_observe_until="2020-01-01") as service:
        observe = service.server.callers.observe
        assert observe is not None
        observe.note(LOCAL, "ram:CreateRole", ROLE)

        counted = service.server.registry.get_sample_value(
            "rolecall_rights_observed_denials_total", {"action": "ram:CreateRole"}
        )
        allowed = may_create(service.server.callers.directory)

    assert (counted, allowed) == (1.0, False)


def test_changes_and_broken_files_are_logged(path: Path) -> None:
    log = io.StringIO()
    callers = opened(config(callers=str(path)), log)
    assert callers.reloading is not None

    async def change() -> None:
        assert callers.reloading is not None
        watching = asyncio.create_task(callers.reloading.watch_files(callers._log_change, seconds=0))
        for text in ("callers: [", LOCAL_DECIDER.replace("laptop", "desktop")):
            lines = len(log_lines(log))
            await asyncio.to_thread(put, path, text)
            while len(log_lines(log)) == lines:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        watching.cancel()

    asyncio.run(change())

    kept, changed = log_lines(log)
    assert [(line["level"], line["event"]) for line in (kept, changed)] == [
        ("warning", "callers_kept"),
        ("info", "callers"),
    ]
    assert "callers.yaml:2:1: not YAML" in kept["error"]
    assert (kept["generation"] != changed["generation"], changed["entries"]) == (True, 1)
