"""The transport of the servers in a test run: `TEST_TRANSPORT` names it, and `other` is the one that is not the default."""

from __future__ import annotations

import os

from rolecall.transport.choice import AUTO_PREFERS
from rolecall.transport.options import AUTO, GRPCIO, H2

OTHER = GRPCIO if AUTO_PREFERS == H2 else H2
_ASKED_FOR = os.environ.get("TEST_TRANSPORT", AUTO)

TRANSPORT = OTHER if _ASKED_FOR == "other" else _ASKED_FOR
"""A value of `--transport`: that of every server in these tests, in this process and in those that it starts."""
