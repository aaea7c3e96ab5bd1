"""Large documents are compiled on a thread: once for all callers, and not at all when none waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from threading import Event, get_ident
from typing import Any

import pytest

from rolecall.engine.consistency import StateAge
from rolecall.engine.decision import Reason
from rolecall.engine.decision_point import LARGE_DOCUMENT_CHARACTERS, DecisionPoint, LongWorkError, is_large
from rolecall.engine.errors import QuestionTooCostlyError, UnreadablePolicyError
from rolecall.engine.explanation import explain_decision, explain_version
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import DecisionMoment, LongAnswers
from rolecall.engine.reverse.query import assumable_roles
from rolecall.engine.snapshot import RoleVersion
from rolecall.engine.turns import Turns
from rolecall.policy.evaluator import estimated_work
from rolecall.policy.parser import parse_policy
from rolecall.policy.work import explanation_work
from rolecall.roles.role import Revision
from tests.engine.world import ACCOUNT, NOON, allow, document, point, question, role

LARGE = document(allow(StringEquals={"k": [f"value-{n}" for n in range(400)]}))
SMALL = document(allow(StringEquals={"k": "v"}))


@pytest.fixture
def thread() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def version_of(decider: DecisionPoint, name: str = "app") -> RoleVersion:
    version = decider.snapshot.version(f"{ACCOUNT}/{name}")
    assert version is not None
    return version


def test_the_example_is_large() -> None:
    assert len(LARGE) > LARGE_DOCUMENT_CHARACTERS > len(SMALL)


@pytest.mark.parametrize(("characters", "large"), [(4_096, False), (4_097, True)])
def test_a_document_of_more_than_4096_characters_is_large(characters: int, large: bool) -> None:
    assert is_large(role(" " * characters)) is large


def test_a_check_that_may_not_be_long_leaves_a_large_document_alone() -> None:
    decider = point(role(LARGE))
    version = version_of(decider)

    with pytest.raises(LongWorkError) as caught:
        decider.check_version(question(), version, NOON, restored=False)

    assert caught.value.version is version
    assert version.policy is None
    assert sum(decider.decided.values()) == 0


def test_a_question_that_waits_for_its_turn_is_one_miss_of_the_cache() -> None:
    decider = point(role(document(allow(StringLike={"k": [f"*{n}?b*" for n in range(150)]}))))
    asked = question(context={"k": [f"value-{n}" for n in range(100)]})
    decider.compiled_policy(version_of(decider))

    with pytest.raises(LongWorkError):
        decider.check_version(asked, version_of(decider), NOON, restored=False)
    decider.check_version(asked, version_of(decider), NOON, restored=False, long=True)

    assert decider.cache.misses == 1


async def test_a_role_that_does_not_exist_needs_no_document(thread: Executor) -> None:
    decider = point(role(SMALL))
    answers = LongAnswers(decider, Turns(), LargeDocuments(decider, thread))
    moment = DecisionMoment(Revision(1), False, NOON, "token", StateAge(0, 1, lambda: 0))

    answer = await answers.check(question(), None, moment, answers.turns.begin())
    explanation, staleness = await answers.explain(question(), None, moment, NOON)

    assert answer.decision.reason is explanation.decision.reason is Reason.ROLE_NOT_FOUND
    assert staleness == 0


async def test_it_is_compiled_on_the_thread_and_then_decides_at_once(thread: Executor) -> None:
    decider = point(role(LARGE))
    threads = recorded_threads(decider)

    await LargeDocuments(decider, thread).compile(version_of(decider))
    answer = decider.check_version(question(context={"k": ["value-7"]}), version_of(decider), NOON, restored=False)

    assert answer.decision.allowed
    assert len(threads) == 1
    assert threads[0] != get_ident()


async def test_a_small_document_is_left_to_the_check(thread: Executor) -> None:
    decider = point(role(SMALL))
    documents = LargeDocuments(decider, thread)

    await documents.compile(version_of(decider))

    assert version_of(decider).policy is None
    assert await documents.parse(version_of(decider)) is None


async def test_callers_that_wait_together_share_one_compilation(thread: Executor) -> None:
    decider = point(role(LARGE))
    threads, documents, version = recorded_threads(decider), LargeDocuments(decider, thread), version_of(decider)

    await asyncio.gather(*[documents.compile(version) for _ in range(20)])
    await documents.compile(version)

    assert len(threads) == 1
    assert len(decider.compiled) == 1


async def test_a_version_that_was_compiled_elsewhere_meanwhile_is_stored_once(thread: Executor) -> None:
    decider, gate = point(role(LARGE)), Event()
    documents, version = LargeDocuments(decider, thread), version_of(decider)
    thread.submit(gate.wait)
    waiting = asyncio.ensure_future(documents.compile(version))
    await asyncio.sleep(0)

    policy = decider.compiled_policy(version)
    gate.set()
    await waiting

    assert version.policy is policy
    assert len(decider.compiled) == 1


async def test_one_of_several_waiters_that_is_cancelled_does_no_harm(thread: Executor) -> None:
    decider, gate = point(role(LARGE)), Event()
    documents, version = LargeDocuments(decider, thread), version_of(decider)
    thread.submit(gate.wait)
    first, second = (asyncio.ensure_future(documents.compile(version)) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.sleep(0)
    gate.set()
    await second

    assert first.cancelled()
    assert version.policy is not None


async def test_what_nobody_waits_for_any_more_is_not_compiled(thread: Executor) -> None:
    decider, gate = point(role(LARGE)), Event()
    threads, documents, version = recorded_threads(decider), LargeDocuments(decider, thread), version_of(decider)
    thread.submit(gate.wait)
    waiting = [asyncio.ensure_future(documents.compile(version)) for _ in range(3)]
    parsing = asyncio.ensure_future(documents.parse(version))
    await asyncio.sleep(0)

    for waiter in (*waiting, parsing):
        waiter.cancel()
    await asyncio.gather(*waiting, parsing, return_exceptions=True)
    gate.set()
    await asyncio.get_running_loop().run_in_executor(thread, int)

    assert threads == []
    assert version.policy is None


async def test_after_cancelled_waiters_a_later_one_compiles(thread: Executor) -> None:
    decider = point(role(LARGE))
    documents, version = LargeDocuments(decider, thread), version_of(decider)
    cancelled = asyncio.ensure_future(documents.compile(version))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])

    await documents.compile(version)

    assert version.policy is not None


async def test_a_document_that_cannot_be_read_fails_every_waiter_each_time(thread: Executor) -> None:
    decider = point(role(LARGE.replace("StringEquals", "StringEqual")))
    documents, version = LargeDocuments(decider, thread), version_of(decider)

    failed = await asyncio.gather(*[documents.compile(version) for _ in range(3)], return_exceptions=True)

    assert [type(error) for error in failed] == [UnreadablePolicyError] * 3
    with pytest.raises(UnreadablePolicyError):
        await documents.compile(version)
    with pytest.raises(UnreadablePolicyError):
        await documents.parse(version)


async def test_an_explanation_of_a_parsed_document_is_the_same(thread: Executor) -> None:
    decider = point(role(LARGE))
    version, request = version_of(decider), question(context={"k": ["value-7"]})

    parsed = await LargeDocuments(decider, thread).parse(version)
    explained, expected = (
        explain_version(decider, version, request, NOON, parsed),
        explain_decision(decider, request, NOON),
    )

    assert explained.statements == expected.statements
    assert explained.decision.reason == expected.decision.reason


async def test_a_list_of_roles_compiles_large_documents_on_the_thread(thread: Executor) -> None:
    decider = point(role(LARGE), role(SMALL, name="small"))
    threads = recorded_threads(decider)
    answers = LongAnswers(decider, Turns(), LargeDocuments(decider, thread))

    page = await assumable_roles(
        decider, question(), account="", after="", limit=9, now=NOON, answers=answers, permits=lambda _: True
    )

    assert [found.key for found in page.roles] == [f"{ACCOUNT}/app", f"{ACCOUNT}/small"]
    assert [ident == get_ident() for ident in threads] == [False, True]


def recorded_threads(decider: DecisionPoint) -> list[int]:
    """Return a list to which each compilation adds its thread."""
    threads, compile_role = list[int](), decider.compile

    def recording(*args: Any) -> Any:
        threads.append(get_ident())
        return compile_role(*args)

    patched: Callable[..., Any] = recording
    decider.compile = patched  # type: ignore[method-assign]
    return threads


@pytest.mark.parametrize(
    ("limit", "over"), [("LONG_WORK", 0), ("LONG_WORK", 1), ("WORK_BUDGET", 0), ("WORK_BUDGET", 1)]
)
def test_a_question_may_take_exactly_as_much_work_as_a_limit(
    monkeypatch: pytest.MonkeyPatch, limit: str, over: int
) -> None:
    decider = point(role(document(allow(StringLike={"k": [f"*{n}?b*" for n in range(20)]}))))
    version, asked = version_of(decider), question(context={"k": ["value"]})
    policy = decider.compiled_policy(version)
    work = estimated_work(policy, decider.values(version, policy, asked))
    monkeypatch.setattr(f"rolecall.engine.decision_point.{limit}", work - over)
    raised: type[Exception] | None = None

    try:
        decider.check_version(asked, version, NOON, restored=False)
    except (LongWorkError, QuestionTooCostlyError) as error:
        raised = type(error)

    assert work > 0
    assert raised is (None if not over else LongWorkError if limit == "LONG_WORK" else QuestionTooCostlyError)


def test_a_question_that_is_too_costly_is_refused_in_every_way_to_ask_it(monkeypatch: pytest.MonkeyPatch) -> None:
    decider = point(role(document(allow(StringLike={"k": [f"*{n}?b*" for n in range(20)]}))))
    version, asked = version_of(decider), question(context={"k": ["value"]})
    monkeypatch.setattr("rolecall.engine.decision_point.WORK_BUDGET", 1)
    traced, messages = list[object](), list[str]()
    monkeypatch.setattr("rolecall.engine.explanation.explain", lambda *asked: traced.append(asked))

    for ask in (
        lambda: decider.check(asked, NOON),
        lambda: decider.evaluated(version, asked, NOON),
        lambda: explain_version(decider, version, asked, NOON),
    ):
        with pytest.raises(QuestionTooCostlyError) as caught:
            ask()
        messages.append(str(caught.value))

    assert len(set(messages)) == 1
    # It is refused before the work, not after it.
    assert traced == []
    assert messages[0].endswith("use fewer patterns and conditions in the policy")


@pytest.mark.parametrize("over", [0, 1])
def test_an_explanation_may_take_exactly_as_much_work_as_its_budget(monkeypatch: pytest.MonkeyPatch, over: int) -> None:
    decider = point(role(document(allow(StringLike={"k": ["*a?b*"]}))))
    version, asked = version_of(decider), question(context={"k": ["value"]})
    policy = decider.compiled_policy(version)
    statements = parse_policy(version.role.document).statements
    work = explanation_work(statements, policy.keys, decider.values(version, policy, asked))
    monkeypatch.setattr("rolecall.engine.explanation.EXPLANATION_BUDGET", work - over)
    refused = False

    try:
        explain_version(decider, version, asked, NOON)
    except QuestionTooCostlyError as error:
        refused = (error.work, error.limit) == (work, work - 1)

    assert refused is bool(over)
