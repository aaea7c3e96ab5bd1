"""Where roles come from: Rolecall files, plain trust policies, terraform plans; and Kubernetes manifests, which ask about them."""

from __future__ import annotations

from rolecall.cli.sources.found import CaseDocument, Found, FoundRole, ServiceAccount, UnknownRole
from rolecall.cli.sources.inline import inline_roles
from rolecall.cli.sources.search import search

__all__ = ["CaseDocument", "Found", "FoundRole", "ServiceAccount", "UnknownRole", "inline_roles", "search"]
