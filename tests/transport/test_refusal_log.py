"""The log of refused credentials: one line for each, at a bounded rate, and nothing that was refused is uncounted."""

from __future__ import annotations

from collections import Counter

from rolecall.transport.rpc.refusal_log import LINES_A_SECOND, RefusalLog
from tests.server.serving import log_lines, logger


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_refusal_is_logged_with_its_cause() -> None:
    log = logger()

    RefusalLog(log.logger).note("EXPIRED", "the token has expired", peer="ipv4:10.0.0.1:7", request_id="r")

    assert log_lines(log.stream) == [
        {
            "event": "credentials_refused", "level": "warning", "cause": "EXPIRED", "why": "the token has expired",
            "peer": "ipv4:10.0.0.1:7", "request_id": "r",
        }
    ]  # fmt: skip


def test_a_flood_writes_ten_lines_a_second_and_the_next_line_says_how_many_are_left_out() -> None:
    log, clock = logger(), Clock()
    refusals = RefusalLog(log.logger, clock=clock)

    for second in range(3):
        clock.now = float(second)
        for number in range(1_000):
            refusals.note("EXPIRED" if number % 2 else "MALFORMED", "why")

    lines = log_lines(log.stream)
    assert LINES_A_SECOND == 10
    assert len(lines) == 30
    assert [line["suppressed"] for line in lines if "suppressed" in line] == [990, 990]
    assert Counter(refusals.counts) == {"EXPIRED": 1_500, "MALFORMED": 1_500}


def test_known_causes_are_counted_from_zero_and_others_when_they_come() -> None:
    refusals = RefusalLog(logger().logger, causes=("EXPIRED", "MALFORMED"))
    before = refusals.counts

    for cause in ("EXPIRED", "OTHER", "EXPIRED"):
        refusals.note(cause, "why")

    assert before == {"EXPIRED": 0, "MALFORMED": 0}
    assert refusals.counts == {"EXPIRED": 2, "MALFORMED": 0, "OTHER": 1}
