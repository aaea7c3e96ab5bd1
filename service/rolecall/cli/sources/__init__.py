"""Read roles from role files, plain trust policies and terraform plans, and service accounts from Kubernetes manifests."""

from __future__ import annotations

from rolecall.cli.sources.found import CaseDocument, Found, FoundRole, ServiceAccount, UnknownRole
from rolecall.cli.sources.inline import inline_roles
from rolecall.cli.sources.search import search

__all__ = ["CaseDocument", "Found", "FoundRole", "ServiceAccount", "UnknownRole", "inline_roles", "search"]
