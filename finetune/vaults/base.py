"""What a Vault is to the rest of the house: chunks in, one at a time.

Only the shapes, the two errors, and what a Vault is handed to reach other hosts with. No reading, no URLs and no
knowledge of any one kind of source.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any, Protocol

import httpx2
from msgspec import Meta, Struct

READY = "ready"

Name = Annotated[str, Meta(min_length=1)]


class Chunk(Struct, frozen=True):
    """One piece of a firm's document. Only a chunk whose status is `ready` may be trained on."""

    chunk_id: Name
    document_id: Name
    title: str
    position: Annotated[int, Meta(ge=0)]
    status: str
    text: str

    @property
    def ready(self) -> bool:
        return self.status == READY


class BadRecord(Struct, frozen=True):
    """A record that could not be read; it is counted under `reason` and skipped.

    `place` says where (`name:line`, `page 3, item 7`, `row 12`), `reason` is one of `not_json`, `not_an_object`,
    `missing_field`, `wrong_field`, `too_long`.
    """

    place: str
    reason: str


class VaultCount(Struct, frozen=True):
    """`other_chunks`: chunks that are not ready, and bad records."""

    ready_chunks: int
    other_chunks: int


class Vault(Protocol):
    def chunks(self) -> Iterator[Chunk | BadRecord]:
        """Every record in a stable order, streamed; each call starts again. Blocks, so it is for a thread.

        Raises VaultUnreadable, VaultNotAllowed.
        """
        ...


class Reach(Struct, frozen=True):
    """How a Vault reaches other hosts: nowhere but where the address guard lets it.

    `resolve` gives the judged addresses of a host and a port; it raises VaultNotAllowed, and OSError where the name
    does not resolve. `judge` raises VaultNotAllowed for an address that a connection must not be made to. `http` makes
    a client that is guarded already. `proxy` is the URL of the proxy for a scheme, a host and a port.
    """

    resolve: Callable[[str, int], Coroutine[Any, Any, list[tuple[int, Any]]]]
    judge: Callable[[str], None]
    http: Callable[[], httpx2.AsyncClient]
    proxy: Callable[[str, str, int], str | None]


class VaultUnreadable(Exception):
    """The source itself cannot be read. `place` says which file and, where it broke inside one, the line; which page;
    or which row."""

    def __init__(self, message: str, place: str) -> None:
        super().__init__(f"{place}: {message}")
        self.message = message
        self.place = place


class VaultNotAllowed(Exception):
    """The URL is of a kind that is not served, or leads outside every allowed root, or to an address inside."""
