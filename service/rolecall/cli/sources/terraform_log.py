"""The log that `terraform plan -json` prints: it names the roles that will change, and has nothing of their trust policies."""

from __future__ import annotations

import re

from rolecall.cli.sources.kind import FileKind

_LINE = re.compile(r'^[^{\n]*\{[^\n]*"@module"\s*:\s*"(?:terraform|tofu)\.ui"', re.MULTILINE)


def is_log(text: str) -> bool:
    """Return whether a text is such a log, or has lines of one."""
    return '"@module"' in text and _LINE.search(text) is not None


LOG = FileKind(
    name="the log of `terraform plan -json`, which has no trust policies",
    recognises_text=is_log,
    instead="write the plan to a file, `terraform plan -out plan`, and give the output of `terraform show -json plan`",
)
