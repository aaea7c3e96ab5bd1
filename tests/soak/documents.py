"""Random trust policies that are valid, in many spellings, and random roles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.soak import vocabulary as words

Json = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Drawn:
    """What is drawn of one seed. `now` is a time in microseconds: some conditions change their results shortly after it."""

    def __init__(self, seed: object, now: int) -> None:
        self.random, self._now = Random(str(seed)), now

    def text(self) -> str:
        """Return the text of a document, spaced and escaped in one of several ways."""
        indent = self.random.choice((None, None, 1))
        text = json.dumps(self.document(), indent=indent, ensure_ascii=self.random.random() < 0.5)
        return text.replace("Effect", "\\u0045ffect") if self.random.random() < 0.1 else text

    def document(self) -> Json:
        """Return a document of one to six statements."""
        count = self.random.choices((1, 2, 3, 6), (30, 35, 25, 10))[0]
        return {"Version": "1", "Statement": [self._statement(index) for index in range(count)]}

    def tags(self) -> dict[str, str]:
        """Return the tags of a role."""
        chosen = [name for name in words.TAGS if self.random.random() < 0.5]
        return {name: self.random.choice(words.TAGS[name]) for name in chosen}

    def _statement(self, index: int) -> Json:
        members: Json = {
            "Effect": self.random.choice(("Allow", "Allow", "Deny")),
            "Action": self._action(),
            "Principal": self._principal(),
        }
        conditions = self.random.choices((0, 1, 2, 3, 4), (20, 45, 25, 7, 3))[0]
        if conditions or self.random.random() < 0.3:
            members["Condition"] = self._condition(conditions)
        if self.random.random() < 0.2:
            members["Sid"] = f"s{index}"
        names = list(members)
        self.random.shuffle(names)
        return {name: members[name] for name in names}

    def _action(self) -> Any:
        if self.random.random() < 0.05:
            return "sts:SetSourceIdentity"
        assume = self.random.choice(("sts:AssumeRole", "sts:AssumeRole", "STS:assumerole"))
        return self.random.choice((assume, assume, [assume], ["sts:SetSourceIdentity", assume]))

    def _principal(self) -> Json:
        if self.random.random() < 0.5:
            return words.EVERYBODY
        types = self.random.sample(sorted(words.NAMED), self.random.choice((1, 1, 2)))
        named: Json = {name: self._some(words.NAMED[name]) for name in types}
        return named | ({"Service": []} if "Service" not in named and self.random.random() < 0.1 else {})

    def _condition(self, count: int) -> Json:
        whole: Json = {}
        for _ in range(count):
            kind = self.random.choice(
                ("text", "text", "text", "number", "date", "date", "date", "date", "boolean", "address")
            )
            operator = self.random.choice(words.PREFIXES) + self.random.choice(words.OPERATORS[kind])
            # One key in ten is of another kind, whose values often cannot be read.
            sent = self.random.choice(tuple(words.SENT.values()))
            key = self.random.choice(words.READ[kind] if self.random.random() < 0.9 else sent)
            block = whole.setdefault(operator, {})
            # The two spellings of a key are one key.
            if key.lower() not in {other.lower() for other in block}:
                block[key] = self._expected(kind, key)
        return whole

    def _expected(self, kind: str, key: str) -> Any:
        if kind == "date" and self.random.random() < 0.7:
            return self._some([self._soon() for _ in range(3)])
        if kind == "text" and key.lower() == "acs:principalarn":
            return self._some(words.EXPECTED["arn"])
        value = self._some(words.EXPECTED[kind])
        if kind == "boolean" and self.random.random() < 0.3:
            return self.random.random() < 0.5
        if kind == "number" and self.random.random() < 0.2:
            return [5, self.random.choice((-5, 12))]
        return value

    def _soon(self) -> str:
        """Return a time within some seconds, in one of several spellings."""
        at = _EPOCH + timedelta(microseconds=self._now + self.random.randrange(-500_000, 5_000_000))
        if self.random.random() < 0.3:
            at = at.replace(microsecond=0)
        if self.random.random() < 0.3:
            return (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S.%f+08:00")
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _some(self, pool: Sequence[str]) -> Any:
        """Return one text of a pool, or a list of up to three, in which one may stand twice."""
        if self.random.random() < 0.5:
            return self.random.choice(pool)
        return self.random.choices(pool, k=self.random.randint(1, 3))
