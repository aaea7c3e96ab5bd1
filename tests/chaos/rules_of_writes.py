"""What must hold of the log when the faults are over: whole, with every acknowledged write in it once, and nothing from nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rolecall.roles.change import Commit
from rolecall.roles.digest import state_digest
from rolecall.roles.role import Role
from tests.chaos.history import History
from tests.chaos.record import Outcome, Written
from tests.coherence.freshness import Acknowledgements
from tests.storage.samples import chained_hash


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that did not hold: the rule, and what and where."""

    rule: str
    what: str


def log_is_whole(history: History) -> Iterator[Violation]:
    """Check the revisions of the log and its chain of hashes, which is computed independently from its definition."""
    previous, due = history.floor.hash, history.floor.revision + 1
    for commit in history.commits:
        if commit.revision != due:
            yield Violation("revisions are contiguous", f"{commit.revision} comes where {due} is due")
        if commit.previous_hash != previous or commit.hash != chained_hash(previous, commit):
            yield Violation("the chain of hashes is whole", f"it breaks at {commit.revision}")
        previous, due = commit.hash, commit.revision + 1
    if (history.head.revision, history.head.hash) != (due - 1, previous):
        yield Violation(
            "the head is the last commit", f"the head is {history.head.revision}, the last commit {due - 1}"
        )


def roles_are_the_log(history: History, roles: Iterable[Role]) -> Iterator[Violation]:
    """Hold the roles as they are to the roles as the log leaves them."""
    if state_digest(roles) != state_digest(history.roles().values()):
        yield Violation("the roles are what the log says", "the digests differ")


def writes_are_kept(written: Sequence[Written], history: History) -> Iterator[Violation]:
    """Check each write against the answer that its author received."""
    for one in written:
        yield from _write_is_kept(one, history)
    sent = {one.write.request_id for one in written}
    for commit in history.commits:
        if commit.author.request_id not in sent:
            yield Violation("every commit was sent by a writer", f"no writer sent commit {commit.revision}")


def repeats_learn_the_first_outcome(
    written: Sequence[Written], acknowledged: Acknowledgements, history: History
) -> Iterator[Violation]:
    """Hold a refusal to what was known before it was asked for: a write that was made then is not refused to who repeats it.

    One that is made later may have been under way, in a process that was stopped, while its repeat was refused.
    """
    for one in written:
        revision = history.revision_of(one.write.request_id)
        if one.outcome is Outcome.REFUSED and 0 < revision <= acknowledged.newest_before(one.asked_at):
            what = f"{one.write.kind} {one.write.request_id} was refused as {one.code}, and is in the log at {revision}"
            yield Violation("a repeat learns the first outcome", what)


def changed_nothing(one: Written, history: History) -> bool:
    """Report whether an acknowledged write found everything as it wanted it: a rollback that another one came before."""
    return one.write.kind == "rollback" and 0 < one.revision <= history.head.revision


def _write_is_kept(one: Written, history: History) -> Iterator[Violation]:
    revisions = history.by_request.get(one.write.request_id, [])
    name = f"{one.write.kind} {one.write.request_id}"
    if len(revisions) > 1:
        yield Violation("no write is made twice", f"{name} is in the log at {revisions}")
    if one.outcome is Outcome.UNKNOWN:
        yield Violation("what is unknown can be resolved", f"{name} is still {one.code}")
    if one.outcome is not Outcome.ACKNOWLEDGED:
        return
    if not revisions:
        if not changed_nothing(one, history):
            yield Violation("every acknowledged write is in the log", f"{name} is not")
        return
    if one.revision and one.revision != revisions[0]:
        yield Violation(
            "a write has the revision of its answer", f"{name} was answered with {one.revision}, is at {revisions[0]}"
        )
    yield from _content_is_kept(one, history.commit(revisions[0]))


def _content_is_kept(one: Written, commit: Commit) -> Iterator[Violation]:
    """Each write leaves its own name in the roles that it puts."""
    if one.write.kind not in ("create", "update", "apply"):
        return
    left = {change.role.key for change in commit.changes if change.role.description == f"write {one.write.request_id}"}
    if left != {role.lower() for role in one.write.roles}:
        yield Violation("a commit is what its author sent", f"commit {commit.revision} has {sorted(left)}")
