"""The table of the kinds of documents. The first kind that recognises a document reads it."""

from __future__ import annotations

from rolecall.cli.sources.case_files import CASES
from rolecall.cli.sources.foreign import FOREIGN
from rolecall.cli.sources.kind import FileKind, Outline
from rolecall.cli.sources.kubernetes import MANIFEST
from rolecall.cli.sources.policies import POLICY
from rolecall.cli.sources.ram_answers import ANSWER
from rolecall.cli.sources.role_files import ROLES
from rolecall.cli.sources.ros import TEMPLATE
from rolecall.cli.sources.terraform_log import LOG
from rolecall.cli.sources.terraform_output import PLAN, PLAN_IN_PIECES, PLAN_IN_YAML

KINDS: tuple[FileKind, ...] = (
    PLAN,
    LOG,
    ANSWER,
    CASES,
    ROLES,
    PLAN_IN_YAML,
    PLAN_IN_PIECES,
    TEMPLATE,
    MANIFEST,
    POLICY,
    *FOREIGN,
)

MAX_BYTES = max(kind.max_bytes for kind in KINDS)
"""No file is read that is longer. Which kind it is, and what the limit of this kind is, is known only afterwards."""


def kind_of(outline: Outline) -> FileKind | None:
    """Return the kind of a document of JSON or YAML; None if it is of no known kind."""
    return next((kind for kind in KINDS if kind.recognises(outline)), None)


def kind_of_text(text: str) -> FileKind | None:
    """Return the kind of a text that is recognised before it is read as JSON or YAML."""
    return next((kind for kind in KINDS if kind.recognises_text(text)), None)


def kind_of_broken(text: str) -> FileKind | None:
    """Return the kind of a text that is not valid YAML."""
    return next((kind for kind in KINDS if kind.recognises_broken(text)), None)
