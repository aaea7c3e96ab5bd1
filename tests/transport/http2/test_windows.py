"""What a client may still send on a connection, however its calls end and however its bytes arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import given, strategies as st
from ngh2 import Configuration, Connection, Role

from rolecall.transport.http2.session import DataReceived, Session, SessionLimits

WINDOW = 65_535
REQUEST = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/a/B"), (b":authority", b"x")]
ENDS = ("answered", "reset by the server", "reset by the client", "read late")

CALLS = st.lists(st.tuples(st.sampled_from(ENDS), st.integers(1, 20_000), st.integers(0, 100)), max_size=20)


class Talk:
    """A client, and the session of its server."""

    def __init__(self) -> None:
        self.client = Connection(Role.CLIENT, Configuration())
        self.client.initiate_connection()
        self.session = Session(SessionLimits(connection_window_bytes=WINDOW, stream_window_bytes=WINDOW))
        self.late = list[DataReceived]()
        self.exchange()

    def exchange(self) -> None:
        for _ in range(2):
            self.arrive(self.client.data_to_send())
            self.client.receive_data(self.session.pending())
            self.client.events()

    def arrive(self, data: bytes, *, late: bool = False) -> None:
        found = [event for event in self.session.receive(data) if isinstance(event, DataReceived)]
        self.late += found
        if not late:
            self.read()

    def read(self) -> None:
        for event in self.late:
            self.session.consumed(len(event.data), event.stream_id)
        self.late.clear()

    def call(self, end: str, size: int, percent: int) -> None:
        """Make a call that ends when so many of a hundred bytes of its message have arrived."""
        stream = self.client.send_request(REQUEST)
        self.exchange()
        self.client.send_data(stream, b"x" * size)
        sent = self.client.data_to_send()
        first, rest = sent[: len(sent) * percent // 100], sent[len(sent) * percent // 100 :]
        self.arrive(first, late=end == "read late")
        match end:
            case "answered":
                self.session.respond(stream, [(b":status", b"200")], end_stream=True)
            case "reset by the server":
                self.session.reset(stream)
            case "reset by the client":
                self.client.reset_stream(stream)
                rest += self.client.data_to_send()
        self.arrive(rest, late=end == "read late")
        self.exchange()
        # As a client of gRPC does, which has its answer.
        self.session.reset(stream)
        self.exchange()


def repeated(calls: Sequence[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    for _ in range(5):
        yield from calls


@given(CALLS)
def test_the_window_of_the_connection_is_open_when_every_message_was_read(calls: list[tuple[str, int, int]]) -> None:
    talk = Talk()

    for one in repeated(calls):
        talk.call(*one)
        talk.read()
        talk.exchange()

        assert talk.client.remote_window_size > WINDOW // 2
