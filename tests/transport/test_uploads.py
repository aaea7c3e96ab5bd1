"""The messages of ApplyRoles: their order and their limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rolecall.transport.errors import UploadLimitError, UploadOrderError
from rolecall.transport.options import UploadLimits
from rolecall.transport.services.uploads import Uploads
from rolecall_client.v1 import role_pb2 as pb

OPTIONS = pb.ApplyRolesRequest(options=pb.ApplyRolesOptions(source="git"))


def chunk(*names: str) -> pb.ApplyRolesRequest:
    roles = [pb.RoleDeclaration(role_name=name) for name in names]
    return pb.ApplyRolesRequest(roles=pb.RoleChunk(roles=roles))


async def stream(*messages: pb.ApplyRolesRequest) -> AsyncIterator[pb.ApplyRolesRequest]:
    for message in messages:
        yield message


def size(*messages: pb.ApplyRolesRequest) -> int:
    return sum(message.ByteSize() for message in messages)


async def names(uploads: Uploads, *messages: pb.ApplyRolesRequest) -> list[str]:
    async with uploads.collected(stream(*messages)) as upload:
        assert upload.options.source == "git"
        return [role.role_name for role in upload.roles]


async def test_roles_of_all_messages_are_collected_in_order() -> None:
    assert await names(Uploads(UploadLimits()), OPTIONS, chunk("b", "a"), chunk(), chunk("c")) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ((), "the upload has no message; send `options` first"),
        ((chunk("a"),), "the first message has no `options`; send them before the roles"),
        ((OPTIONS, OPTIONS), "`options` are sent twice; send them once, in the first message"),
        ((OPTIONS, chunk("a"), OPTIONS), "`options` are sent twice; send them once, in the first message"),
        ((OPTIONS, pb.ApplyRolesRequest()), "a message has neither `options` nor `roles`; send one of them"),
        ((pb.ApplyRolesRequest(),), "a message has neither `options` nor `roles`; send one of them"),
    ],
    ids=["nothing", "no options", "options twice", "options after roles", "empty message", "only an empty message"],
)
async def test_messages_in_the_wrong_order_are_refused(messages: tuple[pb.ApplyRolesRequest, ...], text: str) -> None:
    with pytest.raises(UploadOrderError) as caught:
        await names(Uploads(UploadLimits()), *messages)

    assert str(caught.value) == text


async def test_an_upload_may_have_as_many_roles_as_the_limit_and_no_more() -> None:
    uploads = Uploads(UploadLimits(max_roles=3))

    most = await names(uploads, OPTIONS, chunk("a", "b"), chunk("c"))
    with pytest.raises(UploadLimitError) as caught:
        await names(uploads, OPTIONS, chunk("a", "b"), chunk("c", "d"))

    assert most == ["a", "b", "c"]
    assert (caught.value.limit, caught.value.what) == (3, "roles in one call")
    assert str(caught.value) == "at most 3 roles in one call are allowed; apply the roles in several calls"


async def test_all_uploads_in_progress_share_the_limit_of_bytes() -> None:
    messages = (OPTIONS, chunk("a" * 100))
    uploads = Uploads(UploadLimits(max_bytes=2 * size(*messages)))

    async with uploads.collected(stream(*messages)), uploads.collected(stream(*messages)):
        with pytest.raises(UploadLimitError) as caught:
            await names(uploads, OPTIONS)

    assert (caught.value.limit, caught.value.what) == (2 * size(*messages), "bytes of all uploads in progress")


async def test_the_bytes_of_an_upload_are_free_when_it_ends_or_fails() -> None:
    messages = (OPTIONS, chunk("a" * 100))
    uploads = Uploads(UploadLimits(max_bytes=size(*messages)))

    for _ in range(3):
        await names(uploads, *messages)
        with pytest.raises(UploadLimitError):
            await names(uploads, *messages, chunk("b"))
        with pytest.raises(UploadOrderError):
            await names(uploads, OPTIONS, OPTIONS)

    assert await names(uploads, *messages) == ["a" * 100]


async def test_an_upload_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not() -> None:
    messages = (OPTIONS, chunk("a"))

    accepted = await names(Uploads(UploadLimits(max_bytes=size(*messages))), *messages)
    with pytest.raises(UploadLimitError):
        await names(Uploads(UploadLimits(max_bytes=size(*messages) - 1)), *messages)

    assert accepted == ["a"]
