"""Runs the scenarios of the fault script with a Python client. README.md describes the steps."""

from __future__ import annotations

import itertools
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any, ClassVar

from google.protobuf.json_format import ParseDict

from rolecall_client import RolecallError, error_of_status
from rolecall_client.errors import class_of
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r, watch_pb2 as w
from tests.conformance.driven import Driven

Json = dict[str, Any]

_WRITES = {
    "CreateRole": ("create_role", r.CreateRoleRequest),
    "UpdateRole": ("update_role", r.UpdateRoleRequest),
    "DeleteRole": ("delete_role", r.DeleteRoleRequest),
}
LOAD_BATCH = 20
LOAD_IN_FLIGHT = 4
LONGEST_SECONDS = 120.0
_numbers = itertools.count()


class StepError(AssertionError):
    """A step did not do what the script expects."""


@dataclass(slots=True)
class Load:
    """What the callers of a load have seen."""

    ended: Event = field(default_factory=Event)
    answered: dict[str, int] = field(default_factory=dict)


class Interpreter:
    """Runs the steps of one scenario with one client."""

    def __init__(self, client: Driven, queries: Mapping[str, Json], control: str) -> None:
        self._client, self._control = client, control
        self._queries = {name: ParseDict(query, d.AssumeRoleQuery()) for name, query in queries.items()}

    def run(self, steps: Sequence[Json]) -> None:
        """Run steps in order; raise `StepError` at the first that does not do as expected."""
        for step in steps:
            self.step(step)

    def step(self, step: Json) -> None:
        """Run one step."""
        do = self.STEPS.get(step["do"])
        if do is None:
            raise StepError(f"there is no step `{step['do']}`")
        try:
            do(self, **{name: value for name, value in step.items() if name != "do"})
        except StepError as error:
            raise StepError(f"{json.dumps(step)[:200]}: {error}") from error

    def control(self, path: str, body: Mapping[str, str] | None = None) -> Json:
        """Let something happen; return the answer."""
        request = urllib.request.Request(self._control + path, json.dumps(body or {}).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=LONGEST_SECONDS) as answer:
            done: Json = json.load(answer)
            return done

    def _check(
        self, query: str, expect: Json, consistency: Json | None = None, timeout_seconds: float | None = None
    ) -> None:
        self._ask("check", query, expect, consistency, timeout_seconds)

    def _explain(
        self, query: str, expect: Json, consistency: Json | None = None, timeout_seconds: float | None = None
    ) -> None:
        self._ask("explain", query, expect, consistency, timeout_seconds)

    def _ask(self, method: str, query: str, expect: Json, consistency: Json | None, timeout: float | None) -> None:
        options: Json = {"timeout": timeout}
        if consistency is not None:
            options["consistency"] = ParseDict(consistency, d.Consistency())
        self._expect(expect, lambda: self._client.call(method, self._queries[query], **options).decision)

    def _batch(self, queries: Sequence[str], count: int, expect: Sequence[Json]) -> None:
        answer = self._client.call("batch_check", list(self._rotated(queries, count)))
        if len(answer.results) != count:
            raise StepError(f"{len(answer.results)} results")
        for result, expected in zip(answer.results, itertools.cycle(expect)):
            self._expect(expected, partial(_decision_of, result))

    def _stream(
        self,
        queries: Sequence[str],
        count: int,
        in_flight: int,
        expect: Sequence[Json],
        at: Sequence[int] = (),
        then: Sequence[Json] = (),
    ) -> None:
        answers = self._client.iterate("stream", self._rotated(queries, count), in_flight=in_flight)
        for number, expected in zip(range(count), itertools.cycle(expect)):
            try:
                answer = next(answers)
            except RolecallError as error:
                self._expect_error(expected, error)
                return
            if answer.sequence != number:
                raise StepError(f"answer {number} is that of query {answer.sequence}")
            self._expect(expected, partial(_decision_of, answer))
            if number + 1 in at:
                self.run(then)
        if next(answers, None) is not None:
            raise StepError("there are more answers than queries")

    def _call(self, method: str, request: Json, expect: Json, timeout_seconds: float | None = None) -> None:
        if method == "GetRole":
            name, message = "get_role", request["role"]
        else:
            name, kind = _WRITES[method]
            message = ParseDict(request, kind())
        self._expect(expect, lambda: self._client.call(name, message, timeout=timeout_seconds))

    def _whoami(self, expect: Json) -> None:
        try:
            identity = self._client.call("who_am_i").identity
        except RolecallError as error:
            self._expect_error(expect, error)
            return
        if identity != expect.get("identity"):
            raise StepError(f"the identity is `{identity}`")

    def _until(self, seconds: float, step: Json) -> None:
        until = time.monotonic() + seconds
        while True:
            try:
                return self.step(step)
            except StepError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.02)

    def _load(self, workers: int, calls: Sequence[str], query: str, during: Sequence[Json]) -> None:
        load, asked = Load(answered=dict.fromkeys(calls, 0)), self._queries[query]
        with ThreadPoolExecutor(workers * len(calls)) as pool:
            callers = [pool.submit(self._calls[name], self, load, asked) for name in calls for _ in range(workers)]
            try:
                self.run(during)
                self._wait_for(lambda: all(load.answered.values()) or any(one.done() for one in callers))
            finally:
                load.ended.set()
            for caller in callers:
                if error := caller.exception():
                    raise StepError(f"a call failed under load: {error!r}") from error
        if lacking := [name for name, count in load.answered.items() if not count]:
            raise StepError(f"no answers of {lacking}")

    def _load_check(self, load: Load, asked: d.AssumeRoleQuery) -> None:
        while not load.ended.is_set():
            _allowed(self._client.call("check", asked).decision)
            load.answered["check"] += 1

    def _load_batch(self, load: Load, asked: d.AssumeRoleQuery) -> None:
        while not load.ended.is_set():
            for result in self._client.call("batch_check", [asked] * LOAD_BATCH).results:
                _allowed(result.decision)
            load.answered["batch"] += 1

    def _load_stream(self, load: Load, asked: d.AssumeRoleQuery) -> None:
        queries = iter(lambda: None if load.ended.is_set() else asked, None)
        for number, answer in enumerate(self._client.iterate("stream", queries, in_flight=LOAD_IN_FLIGHT)):
            _allowed(answer.decision)
            if answer.sequence != number:
                raise StepError(f"answer {number} is that of query {answer.sequence}")
            load.answered["stream"] += 1

    def _load_update(self, load: Load, _: d.AssumeRoleQuery) -> None:
        while not load.ended.is_set():
            self._describe("written", f"write {next(_numbers)}")
            load.answered["update"] += 1

    def _watch(self, role: str, during: Sequence[Json], expect: Sequence[str]) -> None:
        token = self._describe(role, "begin")
        with ThreadPoolExecutor(1) as pool:
            seen = pool.submit(self._descriptions, role, token)
            try:
                self.run(during)
            finally:
                self._describe(role, "end")
            if (found := seen.result(LONGEST_SECONDS)) != list(expect):
                raise StepError(f"the watch saw {found}")

    def _descriptions(self, role: str, token: str) -> list[str]:
        found: list[str] = []
        for event in self._client.iterate("watch_roles", start_token=token):
            if isinstance(event, w.RoleWatchChange) and event.role.role_name == role:
                if event.role.description == "end":
                    break
                found.append(event.role.description)
        return found

    def _close(self, open: Sequence[str]) -> None:
        with ThreadPoolExecutor(len(open)) as pool:
            callers = [self._opened(name, pool) for name in open]
            self._client.close()
            for caller in callers:
                caller.exception(LONGEST_SECONDS)

    def _opened(self, name: str, pool: ThreadPoolExecutor) -> Future[object]:
        begun = Event()
        if name == "check":
            caller = pool.submit(self._client.call, "check", self._queries["orders"])
            begun.set()
        elif name == "stream":
            caller = pool.submit(self._half_read, begun)
        else:
            token = self._describe("watched", "begin")
            caller = pool.submit(self._waiting, token, begun)
        self._wait_for(lambda: begun.is_set() or caller.done())
        return caller

    def _half_read(self, begun: Event) -> None:
        closed = Event()

        def queries() -> Iterator[d.AssumeRoleQuery]:
            yield self._queries["orders"]
            closed.wait(LONGEST_SECONDS)

        try:
            for _ in self._client.iterate("stream", queries(), in_flight=1):
                begun.set()
                closed.set()
        finally:
            closed.set()

    def _waiting(self, token: str, begun: Event) -> None:
        for _ in self._client.iterate("watch_roles", start_token=token):
            begun.set()

    def _describe(self, role: str, description: str) -> str:
        answer = self._client.call("update_role", r.UpdateRoleRequest(role=role, description=description))
        return str(answer.consistency_token)

    def _rotated(self, queries: Sequence[str], count: int) -> Iterator[d.AssumeRoleQuery]:
        return (self._queries[name] for name in itertools.islice(itertools.cycle(queries), count))

    def _expect(self, expect: Json, ask: Callable[[], Any]) -> None:
        try:
            answer = ask()
        except RolecallError as error:
            self._expect_error(expect, error)
            return
        if "error" in expect:
            raise StepError(f"no error, but {answer}")
        for name, value in expect.get("decision", {}).items():
            if (found := self._value(answer, name)) not in (value if name == "by" else [value]):
                raise StepError(f"`{name}` is {found}")

    def _value(self, decision: d.Decision, name: str) -> object:
        if name == "allowed":
            return decision.allowed
        if name == "reason":
            return d.DecisionReason.Name(decision.reason).removeprefix("DECISION_REASON_")
        if name == "by":
            return self.control("/who", {"decision_id": decision.decision_id})["process"]
        raise StepError(f"nothing is known about `{name}` of a decision")

    def _expect_error(self, expect: Json, error: RolecallError) -> None:
        expected = expect.get("error")
        if expected is None or error.code != expected["code"]:
            raise StepError(f"{error.code} {error.reason}: {error}") from error
        if not isinstance(error, class_of(error.code)) or error.reason != expected.get("reason", error.reason):
            raise StepError(f"{type(error).__name__} {error.reason}") from error
        for violation in expected.get("violations", ()):
            if not any(all(getattr(one, n) == v for n, v in violation.items()) for one in error.violations):
                raise StepError(f"no such violation among {error.violations}") from error

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + LONGEST_SECONDS
        while not condition():
            if time.monotonic() > until:
                raise StepError("it does not happen")
            time.sleep(0.02)

    STEPS: ClassVar[Mapping[str, Callable[..., object]]] = {
        "control": control,
        "check": _check,
        "explain": _explain,
        "batch": _batch,
        "stream": _stream,
        "call": _call,
        "whoami": _whoami,
        "until": _until,
        "load": _load,
        "watch": _watch,
        "close": _close,
    }
    _calls: ClassVar[Mapping[str, Callable[..., None]]] = {
        "check": _load_check,
        "batch": _load_batch,
        "stream": _load_stream,
        "update": _load_update,
    }


def _decision_of(result: Any) -> d.Decision:
    """Return the decision of one item; raise its error."""
    if result.WhichOneof("result") == "error":
        raise error_of_status(result.error)
    decision: d.Decision = result.decision
    return decision


def _allowed(decision: d.Decision) -> None:
    if not decision.allowed:
        raise StepError(f"denied under load: {decision}")
