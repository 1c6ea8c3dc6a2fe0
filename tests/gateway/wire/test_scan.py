"""What a relayed body is, told by its own first bytes; compressed ones are looked into."""

import gzip
import zlib

import pytest

from gateway.errors import GatewayError
from gateway.wire.scan import Scanner

BODY = b'{"input":"x","model":"m"}'
GZIP = gzip.compress(BODY)
FORM_TYPE = b"multipart/form-data; boundary=b"
FORM = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--'


def scanned(body: bytes, content_type: bytes | None, coding: bytes | None = None, step: int = 5) -> list[str]:
    scanner = Scanner(content_type, coding)
    for at in range(0, len(body), step):
        scanner.feed(body[at : at + step])
    scanner.close()
    return scanner.fields["model"]


@pytest.mark.parametrize(
    ("coding", "body"),
    [(b"gzip", GZIP), (b"deflate", zlib.compress(BODY)), (b"identity", BODY)],
    ids=["gzip", "deflate", "identity"],
)
def test_a_compressed_body_is_looked_into(coding: bytes, body: bytes) -> None:
    assert scanned(body, b"application/json", coding) == ["m"]


def test_a_compressed_form_is_looked_into() -> None:
    assert scanned(gzip.compress(b"\r\n" + FORM), FORM_TYPE, b"gzip") == ["m"]


def test_an_encoding_that_cannot_be_looked_into_is_refused() -> None:
    with pytest.raises(GatewayError) as refused:
        Scanner(None, b"br")
    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("body", [GZIP[:-1], GZIP + b"x", BODY], ids=["cut", "garbage behind it", "plain"])
def test_a_compressed_body_must_be_whole(body: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        scanned(body, b"application/json", b"gzip")
    assert refused.value.code == "invalid_json"


def test_a_form_that_is_json_is_read_as_json() -> None:
    """A server that goes by the body sees the same names; one that goes by the type sees no form."""
    assert scanned(BODY, FORM_TYPE) == ["m"]
    with pytest.raises(GatewayError):
        scanned(b"{}\r\n" + FORM, FORM_TYPE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ID3\x04\0\0",
        b"RIFF\x24\x08\0\0WAVEfmt ",
        b"\xff\xfb\x90\x64\0",
        b"OggS\0\x02",
        b"\0\0\0\x18ftypmp42",
        b"model=m",
        FORM,
    ],
)
@pytest.mark.parametrize("content_type", [None, b"audio/mpeg", b"application/octet-stream"])
def test_in_other_bodies_there_is_nothing_to_see(body: bytes, content_type: bytes | None) -> None:
    assert scanned(body, content_type, step=3) == []


def test_what_is_called_json_must_begin_like_it() -> None:
    for body in (b"model=m", b"// {\n", b"\xef\xbb\xbf[]", b"\0[]"):
        with pytest.raises(GatewayError) as refused:
            scanned(body, b"application/vnd.api+json")
        assert refused.value.code == "invalid_json"


def test_what_is_compressed_is_looked_at_in_small_steps_and_not_without_end() -> None:
    """A few KB may hold hours of work: whoever feeds it lets the others have their turn between two steps."""
    small = gzip.compress(b'{"a":[' + b"[]," * 700_000 + b"0]}")
    steps = sum(1 for _ in Scanner(b"application/json", b"gzip").steps(small))
    assert len(small) < 10_000
    assert steps >= 2_100_000 // (16 * 1024)
    bomb = gzip.compress(b'{"a":"' + bytes(16 << 20).replace(b"\0", b"x") * 17)
    with pytest.raises(GatewayError) as refused:
        Scanner(b"application/json", b"gzip").feed(bomb)
    assert refused.value.code == "request_too_large"
