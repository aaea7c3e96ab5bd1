"""Every setting with bounds accepts both of those that its page announces, and nothing beyond them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config
from rolecall.config.sources import ConfigError
from tests.repository.tree import DOCS

ROW = re.compile(
    r"^\| `--(?P<flag>[a-z-]+)` \| `(?P<variable>[A-Z_]+)` \|.*\| (?P<default>[^|]*) \| (?P<low>[\d.,]+) to (?P<high>[\d.,]+) \|$",
    re.MULTILINE,
)


class Bounds(NamedTuple):
    """What the page says of a setting; the bounds as they are written there."""

    flag: str
    variable: str
    default: str
    low: str
    high: str

    @property
    def name(self) -> str:
        return self.flag.replace("-", "_")

    @property
    def is_duration(self) -> bool:
        return self.flag.endswith("-seconds")

    @property
    def beyond(self) -> list[str]:
        """Return texts that are just too low, and just too high."""
        low, high = number(self.low), number(self.high)
        if self.is_duration:
            return [str(low - 0.01), str(high + 0.01)]
        return [str(int(low) - 1), str(int(high) + 1)]


def number(text: str) -> float:
    return float(text.replace(",", ""))


BOUNDS = [Bounds(*row.groups()) for row in ROW.finditer((DOCS / "configuration.md").read_text())]


def read(bounds: Bounds, text: str) -> Any:
    return getattr(Config.from_mapping({bounds.name: text}, {}), bounds.name)


def test_most_settings_have_bounds() -> None:
    assert len(BOUNDS) > 35


@pytest.mark.parametrize("bounds", BOUNDS, ids=lambda bounds: bounds.flag)
def test_both_bounds_are_accepted_and_nothing_beyond_them(bounds: Bounds) -> None:
    unit = " seconds" if bounds.is_duration else ""
    kind = "from" if bounds.is_duration else "a whole number from"

    for allowed in (bounds.low, bounds.high):
        assert read(bounds, allowed.replace(",", "")) == number(allowed)
    for text in bounds.beyond:
        with pytest.raises(ConfigError) as caught:
            read(bounds, text)
        assert caught.value.problems == (
            f"--{bounds.flag} ({bounds.variable}) must be {kind} {bounds.low} to {bounds.high}{unit}",
        )


@pytest.mark.parametrize("bounds", BOUNDS, ids=lambda bounds: bounds.flag)
def test_the_default_is_the_one_that_the_page_names(bounds: Bounds) -> None:
    default = getattr(Config.from_mapping({}, {}), bounds.name)

    assert default == (number(bounds.default) if bounds.default else None)


@pytest.mark.parametrize("text", ["0", "0.001", "1000000000"])
def test_a_rate_is_none_or_has_bounds(text: str) -> None:
    assert ServingSettings.from_mapping({"rate_limit": text}, {}).rate_limit == float(text)


@pytest.mark.parametrize("text", ["-1", "0.0009", "1000000000.1", "nan", "inf", "many"])
def test_a_rate_beyond_its_bounds_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ServingSettings.from_mapping({"rate_limit": text}, {})

    assert caught.value.problems == (
        "--rate-limit (ROLECALL_RATE_LIMIT) must be 0, or from 0.001 to 1,000,000,000 a second",
    )
