"""How many texts the readers of principals memoise, as the page about caching says."""

from __future__ import annotations

from pathlib import Path

from rolecall.policy.named_principals import (
    LONG_CHARACTERS,
    SHORT_CHARACTERS,
    _index_form_of,
    named_principals,
    of_long,
    of_short,
)
from rolecall.policy.principal import principal_of_request, provider_of_request

PAGE = Path(__file__).parents[2] / "docs" / "caching.md"
MEMOS = {
    principal_of_request: "| `principal_of_request` (`policy/principal.py`) | {:,} texts of a principal |",
    provider_of_request: "| `provider_of_request` (`policy/principal.py`) | {:,} ARNs of a provider |",
    _index_form_of: "| one principal of a document (`policy/named_principals.py`) | {:,} texts of a principal |",
    of_short: f"| {{:,}} documents of at most {SHORT_CHARACTERS:,} characters, ",
    of_long: f" characters, {{:,}} of at most {LONG_CHARACTERS:,} |",
}


def test_as_many_texts_are_memoised_as_the_page_says() -> None:
    page = PAGE.read_text()
    text = '{"Statement": [{"Effect": "Allow", "Principal": {"RAM": "acs:ram::77:user/memo"}}]}'

    (principal,) = named_principals(text)

    assert principal == principal_of_request("acs:ram::77:user/memo")
    assert named_principals(text) is of_short(text)
    said = [row.format(memo.cache_info().maxsize) for memo, row in MEMOS.items()]
    assert [row for row in said if row not in page] == []
