"""How an input is cut, so that a parser gets it in parts: by the input's own bytes, the same each time."""

import zlib
from collections.abc import Iterator

_SIZES = (1, 2, 7, 60)


def pieces(data: bytes) -> Iterator[bytes]:
    """`data` in parts of 1 to 60 bytes; the sizes follow from its checksum."""
    state = zlib.crc32(data)
    at = 0
    while at < len(data):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        size = 1 + (state >> 16) % _SIZES[state >> 30]
        yield data[at : at + size]
        at += size


def choice(data: bytes, many: int) -> int:
    """One of so many, by the input's checksum."""
    return zlib.crc32(data, 1) % many


def head_and_rest(data: bytes) -> tuple[bytes, bytes]:
    """An input that has a parameter in its first line, and what follows it."""
    head, _, rest = data.partition(b"\n")
    return head, rest
