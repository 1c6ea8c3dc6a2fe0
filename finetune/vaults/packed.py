"""Lines out of files that may be packed: streamed, whatever a line or a packed file would come to."""

import gzip
import io
from collections.abc import Iterator
from typing import IO, Any

from finetune.vaults.base import VaultUnreadable
from finetune.vaults.extras import missing_extra

_OTHERS = (".bz2", ".xz", ".lzma", ".zip", ".7z", ".rar", ".tar", ".tgz", ".lz4", ".sz", ".z", ".br")
# What is unpacked at once: of zstd it comes to 16 MB at most, a block of 128 kB being 4 bytes at least.
_PACKED_AT_ONCE = 512
_BUFFER = 1 << 16


def unpacked(opened: IO[bytes], name: str) -> IO[bytes]:
    """The file's own bytes; what it is packed with is told by its name. Raises VaultUnreadable."""
    ending = name.lower()
    if ending.endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(fileobj=opened, mode="rb"), _BUFFER)
    if ending.endswith(".zst"):
        return io.BufferedReader(_Zstd(opened), _BUFFER)
    if ending.endswith(_OTHERS):
        raise VaultUnreadable("of packed files, .gz and .zst are read", place=name)
    return opened


def lines(opened: IO[bytes], limit: int) -> Iterator[bytes]:
    """Lines of at most `limit` bytes; of a longer one its first `limit + 1`, and its rest is passed over."""
    while line := opened.readline(limit + 1):
        part = line
        while len(part) > limit and not part.endswith(b"\n"):
            part = opened.readline(limit + 1)
        yield line


class _Zstd(io.RawIOBase):
    """All frames of a file of zstd, one after another. zstandard's own reader takes a file that was cut off for one
    that has ended."""

    def __init__(self, packed: IO[bytes]) -> None:
        try:
            import zstandard
        except ImportError:
            raise missing_extra(".zst files", "zstd") from None
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._broken = zstandard.ZstdError
        self._packed = packed
        self._frame: Any = None
        self._rest = b""
        self._out = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._out:
            packed = self._rest or self._packed.read(_PACKED_AT_ONCE)
            if not packed:
                if self._frame is not None:
                    raise EOFError("the packed file was cut off before its end")
                return 0
            self._rest = b""
            self._unpack(packed)
        taken = min(len(buffer), len(self._out))
        buffer[:taken] = self._out[:taken]
        self._out = self._out[taken:]
        return taken

    def _unpack(self, packed: bytes) -> None:
        frame = self._frame or self._decompressor.decompressobj()
        try:
            self._out = memoryview(frame.decompress(packed))
        except self._broken as error:
            raise OSError(f"not zstd: {error}") from None
        self._frame = None if frame.eof else frame
        self._rest = frame.unused_data if frame.eof else b""
