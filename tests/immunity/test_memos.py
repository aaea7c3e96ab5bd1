"""What memoised functions can make a server remember: each has a count and a longest text, and all together a known size."""

from __future__ import annotations

import gc
import json
import re
import tracemalloc
from collections.abc import Callable
from functools import _lru_cache_wrapper
from typing import Any, NamedTuple

from rolecall.engine import request
from rolecall.policy import named_principals, principal
from rolecall.policy.limits import MAX_KEY_CHARACTERS
from rolecall.policy.named_principals import LONG_CHARACTERS, SHORT_CHARACTERS
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens
from rolecall.storage.sql import rows
from rolecall.transport.codecs import batch
from rolecall.transport.codecs.field_bytes import varint
from tests.repository.tree import ROOT

SERVICE = ROOT / "service/rolecall"
ALL_MEMOS = 32_000_000
"""The figure of `docs/caching.md`, in bytes."""

SAMPLES = 30
LABEL, EMOJI = "a" * 62, "\U0001f600"
ACCOUNTS, TOKENS = Accounts("1"), Tokens(b"key", "history")


class Memo(NamedTuple):
    """A memoised function, and how it is called with the largest value for which it remembers a result."""

    module: str
    function: _lru_cache_wrapper[Any]
    call: Callable[[int], object]


def service(number: int) -> str:
    """Return the longest text of a principal: 20 digits, and a service of 253 characters."""
    return f"{number:020}@{LABEL}.{LABEL}.{LABEL}.{number:051}.aliyuncs.com"


def named(number: int, characters: int) -> str:
    """Return a document of that length with as many principals as fit."""
    texts, whole = list[str](), ""
    while len(whole) <= characters:
        document, texts = whole, [*texts, f"acs:ram::{number:03}{len(texts):04}:root"]
        whole = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Principal": {"RAM": texts}}]})
    return document


def tags(number: int) -> str:
    """Return the text of as many tags as fit into it, with wide characters."""
    pairs: dict[str, str] = {}
    while len(text := json.dumps(pairs, ensure_ascii=False)) <= rows.SHARED_TAGS_CHARACTERS:
        document, pairs = text, {**pairs, f"{number:03}{len(pairs)}": EMOJI * 2}
    return document


MEMOS = {
    "principal of a request": Memo(
        "policy/principal.py",
        principal.principal_of_request,
        lambda number: principal.principal_of_request(service(number)),
    ),
    "provider of a request": Memo(
        "policy/principal.py",
        principal.provider_of_request,
        lambda number: principal.provider_of_request(f"acs:ram::{number:020}:oidc-provider/{number:0128}"),
    ),
    "role": Memo(
        "roles/accounts.py",
        ACCOUNTS._memoised,
        lambda number: ACCOUNTS.role(f"acs:ram::{number:020}:role/{number:064}"),
    ),
    "condition key": Memo(
        "engine/request.py",
        request._context_key,
        lambda number: request._context_key(f"{number:03}" + EMOJI * 253),
    ),
    "principal of a document": Memo(
        "policy/named_principals.py",
        named_principals._index_form_of,
        lambda number: named_principals._index_form_of("Service", service(number)),
    ),
    "principals of a short document": Memo(
        "policy/named_principals.py",
        named_principals.of_short,
        lambda number: named_principals.named_principals(named(number, SHORT_CHARACTERS)),
    ),
    "principals of a long document": Memo(
        "policy/named_principals.py",
        named_principals.of_long,
        lambda number: named_principals.named_principals(named(number, LONG_CHARACTERS)),
    ),
    "tags": Memo("storage/sql/rows.py", rows.shared_tags, lambda number: rows.shared_tags(tags(number))),
    "number": Memo("transport/codecs/field_bytes.py", varint, lambda number: varint(2**60 + number)),
    "valid_for": Memo("transport/codecs/batch.py", batch._valid_for, lambda number: batch._valid_for(2**58 + number)),
    "token": Memo("roles/tokens.py", TOKENS._memoised, lambda number: TOKENS.consistency(Revision(number))),
}
FEW = {"principals of a long document": 2}
"""Fewer samples where each takes long."""


def size_of(name: str) -> int:
    """Return the memory of a memo that is full of its largest results."""
    memo, samples = MEMOS[name], FEW.get(name, SAMPLES)
    for each in MEMOS.values():
        each.function.cache_clear()
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(samples):
            memo.call(number)
        if name.startswith("principals"):
            MEMOS["principal of a document"].function.cache_clear()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        memo.function.cache_clear()
        gc.collect()
        remembered = before - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    limit = memo.function.cache_parameters()["maxsize"]
    assert limit
    return remembered * limit // samples


def test_all_memos_together_take_at_most_what_the_documentation_says() -> None:
    sizes = {name: size_of(name) for name in MEMOS}

    assert min(sizes.values()) > 0
    assert sum(sizes.values()) <= ALL_MEMOS, sizes
    assert f"they take at most {ALL_MEMOS // 1_000_000} MB" in (ROOT / "docs/caching.md").read_text()


def test_each_memo_has_the_number_of_results_that_the_documentation_says() -> None:
    numbers = {
        re.sub(r" \(`.*?`\).*", "", what): [
            int(number.replace(",", "")) for number in re.findall(r"\b\d[\d,]*\b", most)
        ]
        for what, most in re.findall(
            r"^\| (.*?) \| (.*?) \| [\d.]+ MB \|$", (ROOT / "docs/caching.md").read_text(), re.MULTILINE
        )
    }

    limits = {name: memo.function.cache_parameters()["maxsize"] for name, memo in MEMOS.items()}

    assert numbers == {
        "`principal_of_request`": [limits["principal of a request"]],
        "`provider_of_request`": [limits["provider of a request"]],
        "`Accounts.role`": [limits["role"]],
        "the lookup name of a condition key": [limits["condition key"], MAX_KEY_CHARACTERS],
        "one principal of a document": [limits["principal of a document"]],
        "the principals of a document": [
            limits["principals of a short document"],
            SHORT_CHARACTERS,
            limits["principals of a long document"],
            LONG_CHARACTERS,
        ],
        "the tags of a role": [limits["tags"], rows.SHARED_TAGS_CHARACTERS],
        "the bytes of a number in a message": [limits["number"]],
        "the bytes of how long a decision holds": [limits["valid_for"]],
        "the consistency token of a revision": [limits["token"]],
    }


def test_every_memoised_function_is_measured() -> None:
    found = [
        str(path.relative_to(SERVICE))
        for path in sorted(SERVICE.rglob("*.py"))
        for _ in re.findall(r"\blru_cache\(", path.read_text())
    ]

    assert found == sorted(memo.module for memo in MEMOS.values())


def test_nothing_is_memoised_without_a_limit_but_for_closed_sets() -> None:
    """The tests of the operators, the tables of a backup, the schema that a store should have, and the explanations of findings."""
    unlimited = {
        str(path.relative_to(SERVICE))
        for path in SERVICE.rglob("*.py")
        if re.search(r"^@cache\n|maxsize=None", path.read_text(), re.MULTILINE)
    }

    assert unlimited == {
        "cli/linting/explained.py",
        "policy/compiled_conditions.py",
        "storage/maintenance/audit_schema.py",
        "storage/maintenance/backup_file.py",
    }


def test_a_document_longer_than_all_that_are_memoised_is_read_each_time() -> None:
    text = named(1, LONG_CHARACTERS) + " " * LONG_CHARACTERS
    MEMOS["principals of a long document"].function.cache_clear()

    principals = [named_principals.named_principals(text) for _ in range(2)]

    assert principals[0] == principals[1]
    assert principals[0] is not principals[1]
