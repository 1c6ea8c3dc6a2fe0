"""Compressed bodies: decoded in pieces, in little memory, or refused."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.wire.encoding import PIECE, Decoder

MIB = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def decoded(encoding: bytes | None, body: bytes, step: int = MIB, limit: int = 1 << 40) -> bytes:
    decoder = Decoder(encoding)
    pieces = [piece for at in range(0, len(body), step) for piece in decoder.feed(body[at : at + step], limit)]
    decoder.close()
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


ENCODINGS = [
    (None, bytes),
    (b"", bytes),
    (b"identity", bytes),
    (b"gzip", gzip.compress),
    (b" GZip ", gzip.compress),
    (b"x-gzip", gzip.compress),
    (b"identity, gzip", gzip.compress),
    (b"gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(b"") + gzip.compress(data[7:])),
    (b"deflate", zlib.compress),
    (b"deflate", lambda data: zlib.compress(data, 0)),
    (b"deflate", raw_deflate),
]


@pytest.mark.parametrize(("encoding", "encode"), ENCODINGS)
@pytest.mark.parametrize("size", [0, 1, 1000, PIECE, PIECE + 1, 3 * MIB])
def test_what_was_encoded_comes_out(encoding: bytes | None, encode: object, size: int) -> None:
    assert callable(encode)
    data = (b"%d, " * (size // 3 + 1) % tuple(range(size // 3 + 1)))[:size] if size < MIB else bytes(size)
    for step in (1, 7, MIB) if size < MIB else (1000, MIB):
        assert decoded(encoding, encode(data), step) == data


@given(st.sampled_from(ENCODINGS), st.binary(max_size=300), st.integers(1, 50))
@settings(max_examples=200)
def test_any_bytes_in_any_pieces(kind: tuple[bytes | None, object], data: bytes, step: int) -> None:
    encoding, encode = kind
    assert callable(encode)
    assert decoded(encoding, encode(data), step) == data


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, raw_deflate])
def test_what_is_left_when_a_piece_is_full_and_the_input_used_up(encode: object) -> None:
    assert callable(encode)
    encoding = b"gzip" if encode is gzip.compress else b"deflate"
    for size in range(PIECE - 2, PIECE + 520, 3):
        assert decoded(encoding, encode(bytes(size))) == bytes(size)


def test_a_body_that_never_came_is_empty() -> None:
    assert decoded(b"gzip", b"") == b""


@pytest.mark.parametrize(
    "encoding", [b"br", b"zstd", b"compress", b"gzip, gzip", b"gzip, deflate", b"gzip;q=1", b"\xff"]
)
def test_an_encoding_that_is_not_served_is_named(encoding: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        Decoder(encoding)
    assert refused.value.code == "invalid_json"
    assert encoding.decode("latin-1") in refused.value.message


WHOLE = b"a whole body, " * 40


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param(b"gzip", WHOLE, id="not compressed at all"),
        pytest.param(b"deflate", b"\xff" + WHOLE, id="neither zlib nor raw"),
        pytest.param(b"gzip", gzip.compress(WHOLE)[:-1], id="cut in its trailer"),
        pytest.param(b"gzip", gzip.compress(WHOLE)[:20], id="cut"),
        pytest.param(b"gzip", gzip.compress(WHOLE)[:3], id="cut in its header"),
        pytest.param(b"gzip", gzip.compress(WHOLE) + b"\0", id="padded"),
        pytest.param(b"gzip", gzip.compress(WHOLE) + WHOLE, id="garbage behind it"),
        pytest.param(b"gzip", gzip.compress(WHOLE) + gzip.compress(WHOLE)[:9], id="its second member cut"),
        pytest.param(b"gzip", gzip.compress(WHOLE)[:-5] + b"\0" * 5, id="another checksum"),
        pytest.param(b"gzip", zlib.compress(WHOLE), id="zlib called gzip"),
        pytest.param(b"deflate", zlib.compress(WHOLE)[:-1], id="zlib cut"),
        pytest.param(b"deflate", zlib.compress(WHOLE) + b"x", id="garbage behind zlib"),
        pytest.param(b"deflate", raw_deflate(WHOLE) + b"x", id="garbage behind raw deflate"),
        pytest.param(b"deflate", raw_deflate(WHOLE)[:-2], id="raw deflate cut"),
        pytest.param(b"deflate", b"\x78", id="one byte"),
        pytest.param(b"gzip", gzip.compress(b"") * 10_001, id="endless empty members"),
    ],
)
def test_what_cannot_be_decoded_is_refused(encoding: bytes, body: bytes) -> None:
    for step in (1, 30, MIB) if len(body) < MIB // 8 else (MIB,):
        with pytest.raises(GatewayError) as refused:
            decoded(encoding, body, step)
        assert refused.value.code == "invalid_json"


@given(st.sampled_from([b"gzip", b"deflate", b"br"]), st.binary(max_size=60))
@settings(max_examples=200)
def test_whatever_comes_is_decoded_or_refused(encoding: bytes, body: bytes) -> None:
    try:
        assert isinstance(decoded(encoding, body, 7), bytes)
    except GatewayError as refused:
        assert refused.code == "invalid_json"


@pytest.mark.parametrize("encoding", [None, b"gzip"])
def test_more_than_the_limit_is_refused(encoding: bytes | None) -> None:
    body = gzip.compress(WHOLE) if encoding else WHOLE
    assert decoded(encoding, body, 10, len(WHOLE)) == WHOLE
    for step in (10, MIB):
        with pytest.raises(GatewayError) as refused:
            decoded(encoding, body, step, len(WHOLE) - 1)
        assert refused.value.code == "request_too_large"


def test_a_bomb_is_stopped_in_little_memory() -> None:
    compressor = zlib.compressobj(9, wbits=31)
    bomb = b"".join(compressor.compress(bytes(MIB)) for _ in range(256)) + compressor.flush()
    assert len(bomb) > 250_000
    decoder = Decoder(b"gzip")
    tracemalloc.start()
    try:
        with pytest.raises(GatewayError):
            for _ in decoder.feed(bomb, 8 * MIB):
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MIB
