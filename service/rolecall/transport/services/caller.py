"""CallerService: who the caller is, and what it may ask."""

from __future__ import annotations

from rolecall.callers.caller import Caller
from rolecall.transport.codecs import caller as codec
from rolecall.transport.rights.actions import EXPLAIN_IDENTITY
from rolecall.transport.rights.resources import ANY, identity_resource
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.call_origin import Identify
from rolecall_client.v1 import caller_pb2 as pb, caller_pb2_grpc as rpc


class CallerServicer(rpc.CallerServiceServicer):
    """Answers every identified caller about itself."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    async def WhoAmI(self, message: pb.WhoAmIRequest, context: CallContext) -> pb.WhoAmIResponse:
        """Return how the server recognises the caller."""
        return codec.who_am_i(self._identify(context))

    async def CanI(self, message: pb.CanIRequest, context: CallContext) -> pb.CanIResponse:
        """Return whether the caller may do something, and why if it may have that explained."""
        caller, access = self._identify(context), codec.access(message)
        # Not remembered: anybody may ask anything here, and would displace what checks need.
        return codec.can_i(caller.explain(*access), explained=_may_explain(caller))


def _may_explain(caller: Caller) -> bool:
    own = ANY if caller.principal is None else identity_resource(caller.principal)
    return caller.allows(EXPLAIN_IDENTITY, own)
