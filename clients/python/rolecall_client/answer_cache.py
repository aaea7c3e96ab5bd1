"""Answers of the server that may be returned again, without asking.

1. An answer is found by the bytes of the query, or by what its decision depends on (`answer_keys.py`).
2. The watch drops the answers about a role that changed. It covers an answer if it has reported every change after the revision
   that decided; then the decision is still that of the followed state.
3. An answer that the watch covers is returned while that state is young enough, any other while it is young enough itself.
4. No answer outlives its decision, the credential with which it was asked, or the history of the store.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import NamedTuple

from rolecall_client.answer_cache_options import AnswerCacheOptions
from rolecall_client.answer_encoding import answer_of, stored_form
from rolecall_client.answer_entries import Entries, Entry
from rolecall_client.answer_keys import alike_key, fits, read_query, role_name, sizes_of
from rolecall_client.boottime import boottime
from rolecall_client.errors import RolecallError
from rolecall_client.following import is_permanent
from rolecall_client.following_age import CLOCK_DRIFT, FollowedAge, seconds_of
from rolecall_client.queries import account_of
from rolecall_client.v1 import decision_pb2 as d, watch_pb2 as w

MAX_CHANGED_ROLES = 10_000
"""Of how many roles the last change is remembered, for answers that arrive after the change that they do not include."""

_log = logging.getLogger("rolecall_client")


class Asked(NamedTuple):
    """When a query was sent, and in which generation of the cache: an answer to an earlier one is not cached."""

    at: float
    generation: int


class AnswerCache:
    """The answers of one client, and the sink of its watch. Safe to share between threads; does no I/O."""

    def __init__(self, options: AnswerCacheOptions | None = None, clock: Callable[[], float] = boottime) -> None:
        self._options = options or AnswerCacheOptions()
        self._unwatched, self._max_staleness = self._options.unwatched_seconds, self._options.max_staleness_seconds
        self._clock, self._lock = clock, threading.Lock()
        self._entries = Entries(self._options.max_entries, self._options.max_bytes)
        self._accounts: Collection[str] = frozenset(self._options.account_ids)
        self._credential: bytes | None = None
        self._generation = 0
        self._age = FollowedAge()
        # The watch has reported every change after this revision, of roles that are not in `_changed` too.
        self._covered_from: float = math.inf
        self._same_history_from = -math.inf
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._refusal_logged = False
        self.hits = self.misses = 0
        self.followed_revision = 0
        """Up to which revision the watch has reported every change; 0: it has not begun."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def stored_bytes(self) -> int:
        """Return the memory that the answers take, at most."""
        return self._entries.bytes

    def use_credential(self, digest: bytes) -> None:
        """Drop every answer if the credential of the client is another than before."""
        if digest != self._credential:
            with self._lock:
                self._clear()
                self._credential = digest

    def clear(self) -> None:
        """Drop every answer, and those to queries that are on their way."""
        with self._lock:
            self._clear()

    def asked(self) -> Asked:
        """Return the moment at which a query is sent."""
        return Asked(self._clock(), self._generation)

    def find(self, key: bytes) -> d.CheckAssumeRoleResponse | None:
        """Return the answer to the query with this exact key, if one may be returned now."""
        with self._lock:
            now = self._clock()
            entry = self._entries.get(key)
            age = math.inf if entry is None else self._servable_age(entry, now)
            if age == math.inf:
                entry = self._alike(key)
                age = math.inf if entry is None else self._servable_age(entry, now)
            if entry is None or age == math.inf:
                self.misses += 1
                return None
            self.hits += 1
            self._entries.used(entry.key)
        return answer_of(entry.response, age, None if entry.valid_to is None else entry.valid_to - now)

    def put(self, key: bytes, response: d.CheckAssumeRoleResponse, asked: Asked) -> None:
        """Cache the answer to the query with this exact key, unless a change that it does not include has arrived."""
        entry = self._entry(key, response.decision, response, asked.at)
        if entry is None:
            return
        with self._lock:
            known = self._entries.get(key)
            if asked.generation != self._generation or self._changed.get(entry.role, 0) > entry.revision:
                return
            if known and known.revision > entry.revision and self._servable_age(known, self._clock()) < math.inf:
                return
            self._entries.put(entry)

    def restart(self) -> None:
        """Drop every answer: changes were lost, perhaps with their history."""
        with self._lock:
            self._clear()
            self._age.discard()
            self.followed_revision = 0
            self._covered_from = math.inf
            self._changed.clear()
            # If commits were lost, a server that has not noticed yet may answer by a revision with the number of another one.
            # What it knows is older than this moment; an answer that is sent later, with a state that is young, is not of it.
            self._same_history_from = self._clock() + self._max_staleness

    def change(self, change: w.RoleWatchChange) -> None:
        """Drop the answers about a role that are of an earlier revision."""
        # By name alone: a query may name the account by an alias, which only the server knows.
        name, revision = change.role.role_name.lower(), change.revision
        with self._lock:
            for entry in self._entries.of_role(name):
                if entry.revision < revision:
                    self._entries.remove(entry)
            self._remember_change(name, revision)

    def checkpoint(self, checkpoint: w.WatchCheckpoint, opened_at: float) -> None:
        """Note how old the followed state is."""
        with self._lock:
            if self._covered_from == math.inf:
                self._covered_from = checkpoint.revision
            self._age.checkpoint(checkpoint, opened_at)
            # A resumed stream begins with the checkpoint of its token, which may be older.
            self.followed_revision = max(self.followed_revision, checkpoint.revision)

    def broken(self, error: RolecallError) -> None:
        """Log that the watch ends, if it does; otherwise the age of the followed state grows until it is resumed."""
        if is_permanent(error) and not self._refusal_logged:
            self._refusal_logged = True
            seconds = self._options.unwatched_seconds
            _log.warning("the watch of roles was refused, answers are cached for %g seconds: %s", seconds, error)

    def _clear(self) -> None:
        self._entries.clear()
        self._generation += 1

    def _remember_change(self, name: str, revision: int) -> None:
        self._changed[name] = max(revision, self._changed.pop(name, 0))
        if len(self._changed) > MAX_CHANGED_ROLES:
            _, forgotten = self._changed.popitem(last=False)
            # Answers before that change are no longer covered, whatever their role.
            self._covered_from = max(self._covered_from, forgotten)

    def _servable_age(self, entry: Entry, now: float) -> float:
        """Return an upper bound of the age of an answer, infinite if it may not be returned."""
        if now >= entry.ends_at:
            self._entries.remove(entry)
            return math.inf
        age = now - entry.known_at
        if entry.watched and entry.revision >= self._covered_from:
            followed = self._age.at(now)
            if followed <= self._max_staleness:
                return min(age, followed)
        return age if age <= self._unwatched else math.inf

    def _alike(self, key: bytes) -> Entry | None:
        query = read_query(key)
        if not query.context:
            return None
        for vary_keys in self._entries.vary_keys(query.bare):
            entry = self._entries.alike(alike_key(query, vary_keys))
            if entry is not None and entry.sizes is not None and fits(sizes_of(query), entry.sizes):
                return entry
        return None

    def _entry(
        self, key: bytes, decision: d.Decision, response: d.CheckAssumeRoleResponse, sent_at: float
    ) -> Entry | None:
        """Return the entry of an answer; None if it has no decision, or one of which it is not known for how long it holds."""
        if decision.HasField("valid_until") and not decision.HasField("valid_for"):
            return None
        if not response.HasField("decision"):
            return None
        staleness = seconds_of(decision.staleness)
        # Read again, since the caller may have changed the query while it was on its way.
        query = read_query(key)
        seconds = seconds_of(decision.valid_for)
        valid_to = sent_at + seconds * (1 - CLOCK_DRIFT) if decision.HasField("valid_for") else None
        ends_at = sent_at + self._options.max_age_seconds
        entry = Entry(
            key=key,
            role=role_name(query.role),
            response=stored_form(response),
            revision=decision.revision,
            known_at=sent_at - staleness,
            ends_at=ends_at if valid_to is None else min(ends_at, valid_to),
            valid_to=valid_to,
            watched=(not self._accounts or account_of(query.role) in self._accounts)
            and staleness <= self._max_staleness
            and sent_at >= self._same_history_from,
        )
        if query.context:
            entry.alike = alike_key(query, tuple(decision.vary_keys))
            entry.sizes = sizes_of(query)
        return entry
