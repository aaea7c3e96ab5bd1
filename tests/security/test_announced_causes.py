"""Why credentials are refused is said in the words that the documentation has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rolecall.security.authentication import RefusedCredentialsError
from rolecall.security.credential_faults import CredentialFault
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.unverified import read_token
from tests.security.tokens.test_verifier import TRUSTED

PAGE = (Path(__file__).parents[2] / "docs/security.md").read_text()


def test_every_cause_is_announced_by_its_name() -> None:
    announced = set(re.findall(r"`([A-Z][A-Z_]+)`", PAGE))

    errors: list[RefusedCredentialsError | RefusedTokenError] = [
        *(RefusedCredentialsError(fault, "why") for fault in CredentialFault),
        *(RefusedTokenError(fault, "why") for fault in TokenFault),
    ]
    for error in errors:
        assert error.fault.value == error.fault.name
        assert error.fault.value in announced
        assert str(error) == "why"


def test_a_header_that_is_forbidden_is_named() -> None:
    forbidden = re.search(r"no key and no rule of its own in the header: (.*?) \|", PAGE)
    assert forbidden is not None

    names = re.findall(r"`(\w+)`", forbidden[1])
    assert len(names) == 6
    for name in names:
        with pytest.raises(RefusedTokenError) as caught:
            read_token(TRUSTED.token(header={name: "x"}))
        assert (caught.value.fault, caught.value.why) == (TokenFault.FORBIDDEN_HEADER, f"the header has `{name}`")
