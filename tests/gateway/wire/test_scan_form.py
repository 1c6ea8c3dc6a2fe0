"""The names in a form that goes by: whatever a server may read as one is seen, or the form is refused."""

import os
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.wire.scan import Scanner

BOUNDARY = b"----WebKitFormBoundary7MA4"
TYPE = b"multipart/form-data; boundary=" + BOUNDARY
FILE = b'Content-Disposition: form-data; name="file"; filename="C:\\dir\\a \\"b\\".mp3"\r\nContent-Type: audio/mpeg'


def field(name: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="' + name + b'"'


def form(*parts: tuple[bytes, bytes], boundary: bytes = BOUNDARY) -> bytes:
    inside = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, headers, value) for headers, value in parts)
    return inside + b"--" + boundary + b"--\r\n"


def scanned(body: bytes, content_type: bytes = TYPE, step: int = 1 << 20) -> dict[str, list[str]]:
    scanner = Scanner(content_type, None)
    for at in range(0, len(body), step):
        scanner.feed(body[at : at + step])
    scanner.close()
    return scanner.fields


def code_of(body: bytes, content_type: bytes = TYPE, step: int = 1 << 20) -> str:
    with pytest.raises(GatewayError) as refused:
        scanned(body, content_type, step)
    return refused.value.code


AUDIO = b"\0\xff\r\n--\r\n" * 50


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("parts", "models"),
    [
        ([], []),
        ([(field(b"model"), b"whisper-1"), (FILE, AUDIO)], ["whisper-1"]),
        ([(FILE, AUDIO), (field(b"model"), b"whisper-1")], ["whisper-1"]),
        ([(field(b"model"), b"a"), (field(b"model"), b"b")], ["a", "b"]),
        ([(field(b"Model"), b"a"), (field(b" MODEL "), b"b"), (field(b"mo\\del"), b"c")], ["a", "b", "c"]),
        ([(field(b"model") + b'; filename="m.txt"\r\nContent-Type: text/plain', b"m")], ["m"]),
        ([(b"content-disposition:form-data;name=model", b"m")], ["m"]),
        ([(b"Content-Disposition: form-data; NAME=model; filename*=utf-8''x", b"m")], ["m"]),
        ([(field(b"model") + b"\r\nContent-Type: text/plain; charset=UTF-8", b"m")], ["m"]),
        ([(field(b"model") + b"\r\nContent-Transfer-Encoding: 8bit", "é".encode())], ["é"]),
        ([(field(b"model"), b"")], [""]),
        ([(field(b"models"), b"x"), (b"X-Other: y", b"x"), (field(b"file"), b'name="model"\r\n\r\nx')], []),
    ],
)
def test_the_models_that_are_named(parts: list[tuple[bytes, bytes]], models: list[str], step: int) -> None:
    assert scanned(form(*parts), step=step) == {"model": models, "purpose": []}


def test_the_purpose_is_seen() -> None:
    assert scanned(form((field(b"purpose"), b"fine-tune"), (FILE, AUDIO)))["purpose"] == ["fine-tune"]


@pytest.mark.parametrize(
    "content_type",
    [
        b"Multipart/Form-Data; Boundary=" + BOUNDARY,
        b'multipart/form-data; boundary="' + BOUNDARY + b'"',
        b"multipart/form-data;boundary=" + BOUNDARY + b";charset=utf-8",
        b"multipart/mixed; boundary=" + BOUNDARY,
    ],
)
def test_the_boundary_in_its_spellings(content_type: bytes) -> None:
    assert scanned(form((field(b"model"), b"m")), content_type)["model"] == ["m"]


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-data; boundary=a; boundary=" + BOUNDARY,
        b"multipart/form-data; boundary*=utf-8''" + BOUNDARY,
        b"multipart/form-data; boundary*0=a",
        b'multipart/form-data; boundary="' + b"x" * 71 + b'"',
        b'multipart/form-data; boundary="a\\"b"',
        b"multipart/form-data; boundary=a\xe9",
        b"application/json, multipart/form-data; boundary=" + BOUNDARY,
        b"multipart/form-data, multipart/form-data; boundary=" + BOUNDARY,
        b"application/x-www-form-urlencoded",
        b"Application/X-WWW-Form-Urlencoded; charset=utf-8",
    ],
)
def test_a_type_that_servers_could_read_differently_is_refused(content_type: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        Scanner(content_type, None)
    assert refused.value.code == "invalid_json"


def test_another_charset_is_refused() -> None:
    assert code_of(form((field(b"model"), b"m")), TYPE + b"; charset=utf-7") == "invalid_json"


LF = form((FILE, AUDIO), (field(b"model"), b"m")).replace(b"\r\n", b"\n")
HIDDEN = b"x\n--%b\n%b\n\nm" % (BOUNDARY, field(b"model"))


@pytest.mark.parametrize("step", [1, 1 << 20])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"x", id="no form"),
        pytest.param(b"preamble\r\n" + form((field(b"model"), b"m")), id="preamble"),
        pytest.param(form((field(b"model"), b"m"))[:-6], id="cut in the last boundary"),
        pytest.param(form((FILE, AUDIO))[:100], id="cut"),
        pytest.param(LF, id="line feeds alone"),
        pytest.param(form((FILE, HIDDEN)), id="a boundary after a bare line feed"),
        pytest.param(form((FILE, b"--" + BOUNDARY)), id="a boundary that begins a part"),
        pytest.param(form((FILE, AUDIO)) + form((field(b"model"), b"m")), id="a form behind the form"),
        pytest.param(form((b"Content-Disposition: form-data; name=a; name=model", b"m")), id="two names"),
        pytest.param(
            form((b"Content-Disposition: form-data; name*=utf-8''model", b"m")), id="a name in RFC 2231's way"
        ),
        pytest.param(form((b"Content-Disposition: form-data; name*0=mo; name*1=del", b"m")), id="a name in parts"),
        pytest.param(form((field(b"a") + b"\r\n" + field(b"model"), b"m")), id="two dispositions"),
        pytest.param(form((field(b"a") + b"\n" + field(b"model"), b"m")), id="a bare line feed in a header"),
        pytest.param(form((field(b"a") + b'\r\n ; name="model"', b"m")), id="a folded header"),
        pytest.param(form((b'Content-Disposition: attachment; name="model"', b"m")), id="another disposition"),
        pytest.param(form((b'Content-Disposition: form-data; name="model', b"m")), id="an open quote"),
        pytest.param(form((field(b"model") + b"\r\nContent-Transfer-Encoding: base64", b"bQ==")), id="base64"),
        pytest.param(form((field(b"model") + b"\r\nContent-Type: text/plain; charset=utf-16", b"m")), id="UTF-16"),
        pytest.param(form((field(b"model"), b"\xff")), id="a name that is not UTF-8"),
        pytest.param(
            form(*[(b"X-%d: y" % n, b"") for n in range(3)], (b"X: " + b"y" * 20_000, b"")), id="long headers"
        ),
    ],
)
def test_what_servers_could_read_differently_is_refused(body: bytes, step: int) -> None:
    assert code_of(body, step=step) == "invalid_json"


@pytest.mark.parametrize("step", [100, 1 << 20])
def test_a_name_that_no_model_has_is_refused(step: int) -> None:
    assert scanned(form((field(b"model"), b"m" * 1024)), step=step)["model"] == ["m" * 1024]
    assert code_of(form((field(b"model"), b"m" * 1025)), step=step) == "invalid_model_field"
    assert scanned(form((field(b"file"), b"m" * 100_000)), step=step)["model"] == []


NAMES = st.sampled_from([b"model", b"purpose", b"file", b"prompt", b"MODEL"])
DATA = st.lists(
    st.sampled_from([b"a", b"\r", b"\n", b"-", b"--", b"\r\n--", b"----WebKit", b"\r\n------WebKitForm", b"=", b"ft:x"])
).map(b"".join)


@given(st.lists(st.tuples(NAMES, DATA), max_size=6), st.lists(st.integers(1, 60), min_size=1, max_size=4))
@settings(max_examples=300)
def test_every_field_is_seen_however_the_form_is_cut(parts: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
    body = form(*((field(name), data) for name, data in parts))
    expected: dict[str, list[str]] = {"model": [], "purpose": []}
    for name, data in parts:
        if name.lower().decode() in expected:
            expected[name.lower().decode()].append(data.decode())
    scanner = Scanner(TYPE, None)
    at = turn = 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        scanner.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    scanner.close()
    assert scanner.fields == expected


@given(
    st.lists(st.sampled_from([b"--", BOUNDARY, b"\r\n", b"\n", field(b"model"), b"m", b"\0", b'"', b";"])),
    st.integers(1, 9),
)
@settings(max_examples=300)
def test_whatever_comes_is_seen_or_refused(parts: list[bytes], step: int) -> None:
    try:
        assert set(scanned(b"".join(parts), step=step)) == {"model", "purpose"}
    except GatewayError as refused:
        assert refused.code == "invalid_json"


def test_memory_does_not_grow_with_the_file() -> None:
    blob = os.urandom(1 << 16)
    scanner = Scanner(TYPE, None)
    tracemalloc.start()
    try:
        scanner.feed(b"--%b\r\n%b\r\n\r\n" % (BOUNDARY, FILE))
        for _ in range(320):
            scanner.feed(blob)
        scanner.feed(b"\r\n--%b\r\n%b\r\n\r\nm\r\n--%b--" % (BOUNDARY, field(b"model"), BOUNDARY))
        scanner.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert scanner.fields["model"] == ["m"]
    assert peak < 1 << 20
