from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rolecall.storage.snapshot.moment import Moment, read_boot_id

THEN = Moment(boot_id="boot-1", boottime=1_000, wall=50_000)


def at(boot_id: str, boottime: int, wall: int) -> Moment:
    return Moment(boot_id=boot_id, boottime=boottime, wall=wall)


@pytest.mark.parametrize(
    ("now", "age"),
    [
        pytest.param(at("boot-1", 1_700, 50_700), 700, id="in one boot"),
        pytest.param(at("boot-1", 1_000, 50_000), 0, id="at once"),
        pytest.param(at("boot-1", 1_700, 10), 700, id="in one boot, the clock set back"),
        pytest.param(at("boot-1", 1_700, 10**15), 700, id="in one boot, the clock set forward"),
        pytest.param(at("boot-1", 999, 60_000), None, id="in one boot, which goes back"),
        pytest.param(at("boot-2", 10, 57_000), 7_000, id="after another boot"),
        pytest.param(at("boot-2", 5_000, 57_000), 7_000, id="after another boot, which is longer"),
        pytest.param(at("boot-2", 5_000, 49_999), None, id="after another boot, the clock set back"),
        pytest.param(at("", 1_700, 57_000), 7_000, id="where boots have no names"),
    ],
)
def test_how_old_a_moment_is(now: Moment, age: int | None) -> None:
    assert THEN.age(now) == age


def test_boots_without_names_are_not_the_same() -> None:
    assert at("", 1_000, 50_000).age(at("", 1_001, 40_000)) is None


def test_a_moment_before_another_is_as_old_as_that() -> None:
    now = Moment.now(read_boot_id())

    assert now.before(1_234).age(now) == 1_234
    assert now.before(1_234).age(at("another", 0, now.wall)) == 1_234


def test_now_is_what_both_clocks_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.storage.snapshot.moment.boottime_micros", lambda: 1_000)
    monkeypatch.setattr("rolecall.storage.snapshot.moment.now_micros", lambda: 50_000)

    assert Moment.now("boot-1") == THEN


def test_what_is_before_a_moment_is_so_on_both_clocks() -> None:
    assert THEN.before(400) == at("boot-1", 600, 49_600)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such name")
def test_a_boot_has_the_name_that_the_kernel_gave_it() -> None:
    assert read_boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip() != ""


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["none", "no text"])
def test_a_boot_whose_name_cannot_be_read_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "boot_id"
    monkeypatch.setattr("rolecall.storage.snapshot.moment._BOOT_ID", path)
    if content is not None:
        path.write_bytes(content)

    assert read_boot_id() == ""
