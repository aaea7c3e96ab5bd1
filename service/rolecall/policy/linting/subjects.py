"""The shapes of subjects of OIDC tokens, as the services that issue them document them.

They go from the general to the specific: `repo:ORG/REPO:...`, `project_path:GROUP/PROJECT:...`, `org/ID/project/ID/...`,
`organization:ORG:pipeline:NAME:...`, `system:serviceaccount:NAMESPACE:NAME`.
"""

from __future__ import annotations

import re

from rolecall.policy.operators import LIKE_OPERATORS

_SEPARATOR = re.compile(r"[:/]+")
_WILDCARD = re.compile(r"[*?]")
_OWNER_WORDS = frozenset({"organization", "organisation", "org", "workspace", "group", "account", "team", "tenant"})
_PART_WORDS = frozenset(
    {"pipeline", "project", "workspace", "repository", "repo", "environment", "env", "team", "user", "branch", "ref"}
)
_GITHUB = re.compile(r"repo:(?P<owner>[^/:]+)/(?P<name>[^/:]+)(?::.*)?", re.DOTALL)
_IMMUTABLE = re.compile(r"[^@]*@(?:[0-9*?]+)")


def is_organisation_wide(operator_name: str, pattern: str) -> bool:
    """Return whether a pattern of a subject matches more than one repository, namespace or project.

    It does if its first wildcard stands for all that follows the organisation, or for the organisation itself.
    """
    wildcard = _WILDCARD.search(pattern)
    if operator_name not in LIKE_OPERATORS or not wildcard:
        return False
    *whole, partial = _SEPARATOR.split(pattern[: wildcard.start()])
    # `organization:ORG:pipeline:` has a word more before the part that it names.
    named = 3 if len(whole) > 2 and whole[0] in _OWNER_WORDS and whole[2] in _PART_WORDS else 2
    return len(whole) < named or (len(whole) == named and not partial)


def is_mutable_github_subject(text: str) -> bool:
    """Return whether a subject of GitHub names an owner and a repository without their ids.

    Since July 2026 new repositories have subjects such as `repo:org@1/name@2:ref:...`, whose ids nobody can take over.
    """
    found = _GITHUB.fullmatch(text)
    if found is None or _WILDCARD.match(found["name"]) or _WILDCARD.match(found["owner"]):
        return False
    return not (_IMMUTABLE.fullmatch(found["owner"]) and _IMMUTABLE.fullmatch(found["name"]))
