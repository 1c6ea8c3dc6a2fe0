from __future__ import annotations

import gzip
import io
import os
import tracemalloc

import pytest
import zstandard

from finetune.vaults.base import VaultUnreadable
from finetune.vaults.packed import lines, unpacked

TEXT = b"".join(b"%06d %s\n" % (number, os.urandom(20).hex().encode()) for number in range(20_000))


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.jsonl", TEXT),
        ("a.jsonl.gz", gzip.compress(TEXT)),
        ("a.jsonl.gz", gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])),
        ("a.jsonl.zst", zstandard.compress(TEXT)),
        ("A.JSONL.ZST", zstandard.compress(TEXT[:5000]) + zstandard.compress(TEXT[5000:])),
        ("a.jsonl.zst", zstandard.ZstdCompressor(write_content_size=False).compress(TEXT)),
    ],
    ids=["plain", "gz", "gz in parts", "zst", "zst in parts", "zst of unknown size"],
)
def test_every_line_comes_out(name: str, packed: bytes) -> None:
    with unpacked(io.BytesIO(packed), name) as opened:
        assert b"".join(lines(opened, 1000)) == TEXT


@pytest.mark.parametrize("cut", [1, 100, 5000])
@pytest.mark.parametrize(("name", "packed"), [("a.gz", gzip.compress(TEXT)), ("a.zst", zstandard.compress(TEXT))])
def test_one_that_was_cut_off_is_no_short_one(name: str, packed: bytes, cut: int) -> None:
    with pytest.raises(EOFError), unpacked(io.BytesIO(packed[:-cut]), name) as opened:
        list(lines(opened, 1000))


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_one_that_is_not_packed(name: str) -> None:
    with pytest.raises(OSError, match=r"(?i)not (a gzip|zstd)"), unpacked(io.BytesIO(TEXT), name) as opened:
        list(lines(opened, 1000))


@pytest.mark.parametrize("name", ["a.jsonl.bz2", "a.zip", "a.tar", "a.jsonl.xz"])
def test_others_are_named_as_not_read(name: str) -> None:
    with pytest.raises(VaultUnreadable, match=r"\.gz and \.zst are read"):
        unpacked(io.BytesIO(b""), name)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.zst", zstandard.ZstdCompressor(level=19).compress(bytes(1 << 28))),
        ("a.gz", gzip.compress(bytes(1 << 28))),
    ],
)
def test_what_blows_up_is_never_held_whole(name: str, packed: bytes) -> None:
    """256 MB of nothing in one line."""
    tracemalloc.start()
    try:
        with unpacked(io.BytesIO(packed), name) as opened:
            (line,) = lines(opened, 1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(line) == (1 << 20) + 1
    assert peak < 64 << 20
