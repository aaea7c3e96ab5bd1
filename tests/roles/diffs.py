"""A role of which diffs are made, and the lines that a diff changes."""

from __future__ import annotations

from rolecall.roles.role import Micros, Revision, Role

ROLE = Role(
    role_id="1",
    account_id="2",
    role_name="App",
    document='{"Version": "1",\n "Statement": [\n  "one",\n  "two"\n ]\n}',
    create_time=Micros(1),
    update_time=Micros(1),
    revision=Revision(1),
    tags={"team": "a"},
)


def changed_lines(diff: str) -> list[str]:
    return [line for line in diff.splitlines()[2:] if line.startswith(("+", "-"))]
