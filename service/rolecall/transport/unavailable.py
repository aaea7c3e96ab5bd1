"""Services of the contract that this version does not have yet.

The methods of a generated base are no coroutines, by which the handlers know a method that nobody wrote: it is answered
UNIMPLEMENTED, "not available in this version". A later version that writes the method has nothing to undo here.
"""

from __future__ import annotations

from rolecall_client.v1 import watch_pb2_grpc as rpc


class WatchServicer(rpc.WatchServiceServicer):
    """The change feed; not available in this version."""
