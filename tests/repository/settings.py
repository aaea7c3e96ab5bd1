"""The table of settings in the documentation, generated from the settings; run this module to update the page."""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.settings import Config
from rolecall.config.sources import flag_of, variable_of
from rolecall.config.types import ListenAddress, OneOf, Seconds, WholeNumber
from tests.repository.tree import DOCS

PAGE = DOCS / "configuration.md"
_SERVING = {setting.name for setting in fields(ServingSettings)}
PAGES: dict[Path, list[Field[Any]]] = {
    PAGE: list(fields(Config)),
    DOCS / "agent.md": [setting for setting in fields(AgentConfig) if setting.name not in _SERVING],
}
"""The pages that have a table, and the settings in it."""

BEGIN, END = "<!-- settings: written by `make docs` -->\n", "<!-- end of settings -->"


def with_settings(path: Path) -> str:
    """Return a page with an up-to-date table."""
    page = path.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"`{path.name}` lacks the comments that mark its table of settings")
    return f"{before}{BEGIN}{_table(PAGES[path])}{END}{after}"


def _table(settings: list[Field[Any]]) -> str:
    rows = [
        f"| `{flag_of(s.name)}` | `{variable_of(s.name)}` | {s.metadata['help']} | {_default(s)} | {_allowed(s)} |"
        for s in settings
    ]
    return "\n".join(["| flag | variable | meaning | default | allowed |", "|---|---|---|---|---|", *rows, ""])


def _allowed(setting: Field[Any]) -> str:
    match setting.metadata["read"]:
        case WholeNumber(low=low, high=high):
            return f"{low:,} to {high:,}"
        case Seconds(low=seconds, high=most):
            return f"{seconds:,.10g} to {most:,.10g}"
        case OneOf(names=names):
            return ", ".join(f"`{name}`" for name in names)
    return ""


def _default(setting: Field[Any]) -> str:
    match setting.default:
        case ListenAddress(text=text):
            return f"`{text}`"
        case bool(switch):
            return f"`{str(switch).lower()}`"
        case int(number):
            return f"{number:,}"
        case float(number):
            return f"{number:g}"
        case str(text) if text:
            return f"`{text}`"
    return ""


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(with_settings(path))
