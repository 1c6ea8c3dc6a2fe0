"""Compressed request bodies, decoded in passing and in pieces. What is in them is others' to read.

Source: RFC 9110 section 8.4.1; RFC 1950 to 1952. `deflate` is the zlib format, but some senders leave its wrapper out,
so both are taken.
"""

import sys
import zlib
from collections.abc import Iterator

from gateway.errors import GatewayError

PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_MAX_MEMBERS = 10_000  # of 20 bytes and no content each, more would cost seconds
_CODINGS = frozenset({b"gzip", b"x-gzip", b"deflate"})


class Decoder:
    """Decodes one body. `content_encoding`: the header's value, None where there is none.

    Raises GatewayError `invalid_json` for an encoding other than identity, gzip and deflate, and for two at once.
    """

    __slots__ = ("_gzip", "_head", "_inflate", "_members", "_plain", "_produced")

    def __init__(self, content_encoding: bytes | None) -> None:
        listed = (part.strip().lower() for part in (content_encoding or b"").split(b","))
        codings = [coding for coding in listed if coding not in (b"", b"identity")]
        if len(codings) > 1 or (codings and codings[0] not in _CODINGS):
            named = (content_encoding or b"").decode("latin-1")[:64]
            raise GatewayError("invalid_json", f"The gateway cannot read the content-encoding `{named}`; send gzip.")
        self._plain = not codings
        self._gzip = bool(codings) and codings[0] != b"deflate"
        self._inflate: zlib._Decompress | None = None
        self._head = b""
        self._members = 0
        self._produced = 0

    def feed(self, chunk: bytes, limit: int = sys.maxsize) -> Iterator[bytes]:
        """What `chunk` decodes to, in pieces of at most 64 KiB, each made when it is asked for.

        `limit`: how many bytes the whole body may have. Raises GatewayError `request_too_large` beyond, `invalid_json`
        for what cannot be decoded. The pieces must be taken to the end before the next chunk.
        """
        for start in range(0, len(chunk), PIECE):
            part = chunk[start : start + PIECE]
            for piece in [part] if self._plain else self._pieces(part):
                self._produced += len(piece)
                if self._produced > limit:
                    raise GatewayError("request_too_large")
                yield piece

    def close(self) -> None:
        """Says that the body is over. Raises GatewayError `invalid_json` where it was cut."""
        if self._head or (self._inflate is not None and not self._inflate.eof):
            raise GatewayError("invalid_json", "The compressed request body is incomplete.")

    def _pieces(self, part: bytes) -> Iterator[bytes]:
        while part:
            inflate = self._inflate
            if inflate is None or (inflate.eof and self._gzip):
                inflate, part = self._begin(part)
                if inflate is None:
                    return
            yield from self._inflated(inflate, part)
            part = inflate.unused_data
            if part and not self._gzip:
                raise GatewayError("invalid_json", "Something follows the compressed request body.")

    def _begin(self, part: bytes) -> "tuple[zlib._Decompress | None, bytes]":
        """A gzip member, or the one deflate stream, and what is known of it; nothing while its format is not clear."""
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise GatewayError("invalid_json", "The compressed request body has too many members.")
        window = _GZIP
        if not self._gzip:
            part = self._head + part
            self._head = part if len(part) < 2 else b""
            if self._head:
                return None, part
            window = zlib.MAX_WBITS if _has_zlib_header(part) else -zlib.MAX_WBITS
        self._inflate = zlib.decompressobj(window)
        return self._inflate, part

    @staticmethod
    def _inflated(inflate: "zlib._Decompress", part: bytes) -> Iterator[bytes]:
        more = True
        while more:
            try:
                piece = inflate.decompress(part, PIECE)
            except zlib.error:
                raise GatewayError("invalid_json", "The compressed request body cannot be decoded.") from None
            part = inflate.unconsumed_tail
            more = not inflate.eof and (bool(part) or len(piece) == PIECE)
            if piece:
                yield piece


def _has_zlib_header(head: bytes) -> bool:
    """RFC 1950 section 2.2. A raw stream cannot begin so, but with a stored block whose padding is not zero."""
    return head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and (head[0] << 8 | head[1]) % 31 == 0
