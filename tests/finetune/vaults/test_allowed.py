from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from finetune.vaults import VaultNotAllowed, check_allowed, parse, roots_of

ROOTS = [
    "file:///srv/vaults/",
    "s3://firm-vaults/acme/",
    "gs://firm-vaults",
    "https://vault.example/v1/",
    "https://files.example:8443/a.jsonl",
    "http://[2001:db8::1]:8080/",
    "postgresql://vault.internal/",
    "postgresql://shared.internal:5433/acme",
]


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("file:///srv/vaults/a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file:///srv/vaults/firm/*.jsonl", "file:///srv/vaults/firm/*.jsonl"),
        ("FILE:///srv/vaults/a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file://localhost/srv/vaults/a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file:////srv//vaults///a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file:///srv/vaults/./b/../a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file:///srv/./vaults/a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file:///srv/v%61ults/a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file:///srv/vaults/%C3%A9.jsonl", "file:///srv/vaults/%C3%A9.jsonl"),
        ("file:///srv/vaults/%252e%252e/a.jsonl", "file:///srv/vaults/%252e%252e/a.jsonl"),
        ("file:///srv/elsewhere/../vaults/a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("s3://firm-vaults/acme/*.jsonl", "s3://firm-vaults/acme/*.jsonl"),
        ("s3://firm-vaults/acme/a b?.jsonl.gz", "s3://firm-vaults/acme/a b?.jsonl.gz"),
        ("gs://firm-vaults/a.jsonl", "gs://firm-vaults/a.jsonl"),
        ("HTTPS://Vault.Example.:443/v1/a.jsonl", "https://vault.example/v1/a.jsonl"),
        ("https://vault.example/v1", "https://vault.example/v1"),
        ("https://vault.example/%761/a.jsonl", "https://vault.example/%761/a.jsonl"),
        ("https://me:secret%40@vault.example/v1/a", "https://me@vault.example/v1/a"),
        ("https://files.example:8443/a.jsonl", "https://files.example:8443/a.jsonl"),
        ("http://[2001:DB8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("postgresql://reader:p%2Fw@VAULT.internal:5432/acme", "postgresql://reader@vault.internal/acme"),
        (
            "postgres://reader@vault.internal/a%20b?sslmode=verify-full",
            "postgresql://reader@vault.internal/a%20b?sslmode=verify-full",
        ),
        ("postgresql://reader@shared.internal:5433/acme", "postgresql://reader@shared.internal:5433/acme"),
    ],
)
def test_let_in(url: str, normal: str) -> None:
    assert check_allowed(url, ROOTS) == normal
    assert check_allowed(normal, ROOTS) == normal


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "file:///srv/vaults",
        "file:///srv/vaults/",
        "file:///srv/vaults-evil/a.jsonl",
        "file:///srv/vaults.jsonl",
        "file:///srv/vaults/../secret.jsonl",
        "file:///srv/vaults/%2e%2e/secret.jsonl",
        "file:///srv/vaults/%2E./secret.jsonl",
        "file:///srv/vaults/..%2fsecret.jsonl",
        "file:///srv/vaults/a/../../../etc/passwd",
        "file:///srv/*/a.jsonl",
        "file://evil.example/srv/vaults/a.jsonl",
        "file://srv/vaults/a.jsonl",
        "file:/srv/vaults/a.jsonl",
        "/srv/vaults/a.jsonl",
        "file:///srv/vaults/a%00.jsonl",
        "file:///srv/vaults/a%0A.jsonl",
        "file:///srv/vaults/%ff.jsonl",
        "gzip::file:///srv/vaults/a.jsonl.gz",
        "file:///srv/vaults/a.zip::file:///etc/passwd",
        "",
        "simplecache::s3://firm-vaults/acme/a.jsonl",
        "zip://a.jsonl::s3://firm-vaults/acme/a.zip",
        "s3://firm-vaults/acme",
        "s3://firm-vaults/acme/",
        "s3://firm-vaults/other/a.jsonl",
        "s3://firm-vaults/acme-evil/a.jsonl",
        "s3://firm-vaults/acme/../other/a.jsonl",
        "s3://firm-vaults/acme/%2e%2e/other/a.jsonl",
        "s3://firm-vaults/acme/%252e%252e/a.jsonl",
        "s3://firm-vaults/acme//a.jsonl",
        "s3://firm-vaults/acme/..\\a.jsonl",
        "s3://firm-vaults/acme/a.jsonl?versionId=1",
        "s3://firm-vaults/*/a.jsonl",
        "s3://*/acme/a.jsonl",
        "s3://FIRM-VAULTS/acme/a.jsonl",
        "s3://me@firm-vaults/acme/a.jsonl",
        "s3://firm-vaults:9000/acme/a.jsonl",
        "s3://firm-vaults.evil.example/acme/a.jsonl",
        "gs://firm-vaults",
        "https://vault.example/v2/a.jsonl",
        "https://vault.example/v1-evil/a.jsonl",
        "https://vault.example/v1/../v2/a",
        "https://vault.example/v1/..;/v2/a",
        "https://vault.example/v1/%2e%2e/v2/a",
        "https://vault.example/v1/%252e%252e/v2/a",
        "https://vault.example/v1/..%2fv2/a",
        "https://vault.example/v1//a",
        "https://vault.example/v1/a\\b",
        "https://vault.example/v1/*.jsonl",
        "https://vault.example/v1/a?token=1",
        "https://vault.example/v1/a#b",
        "https://vault.example:444/v1/a",
        "https://vault.example:0/v1/a",
        "https://vault.example:443x/v1/a",
        "http://vault.example/v1/a",
        "https://vault.example@evil.example/v1/a",
        "https://evil.example\\@vault.example/v1/a",
        "https://a@evil.example@vault.example/v1/a",
        "https://evil.example#@vault.example/v1/a",
        "https://evil.example?@vault.example/v1/a",
        "https://vault.example.evil/v1/a",
        "https://vault.example%2eevil/v1/a",
        "https://vault.example,evil.example/v1/a",
        "https://v\u0430ult.example/v1/a",
        "https:///v1/a",
        "postgresql://vault.internal@evil.example/acme",
        "postgresql://reader@vault.internal,evil.example/acme",
        "postgresql://reader@vault.internal/acme?host=evil.example",
        "postgresql://reader@vault.internal/acme?hostaddr=10.0.0.1",
        "postgresql://reader@vault.internal/acme?sslmode=require&host=evil.example",
        "postgresql://reader@vault.internal/acme?sslmode=require&sslmode=disable",
        "postgresql://reader@vault.internal/acme?service=x",
        "postgresql://reader@vault.internal?host=evil.example",
        "postgresql://reader@vault.internal/acme/../x",
        "postgresql://reader@vault.internal/acme%2fx",
        "postgresql://reader@vault.internal/acme#x",
        "postgresql://reader@vault.internal:5433/acme",
        "postgresql://reader@shared.internal:5433/other",
        "postgresql://reader@shared.internal:5433/",
        "postgresql://reader@%2Fvar%2Frun/acme",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(VaultNotAllowed):
        check_allowed(url, ROOTS)


@pytest.mark.parametrize("url", ["memory://a", "ftp://example.com/a", "zip://a", "simplecache://a", "github://a:b@/c"])
def test_other_schemes_are_refused_with_those_that_are_read(url: str) -> None:
    with pytest.raises(VaultNotAllowed, match=r"reads Vaults from `file://`, `s3://`.*, not from `[a-z]+://`"):
        check_allowed(url, [*ROOTS, url])


@pytest.mark.parametrize("roots", [[], ["s3://srv/vaults/"], ["/srv/vaults/"], ["file://"]])
def test_no_root_admits_nothing(roots: list[str]) -> None:
    with pytest.raises(VaultNotAllowed):
        check_allowed("file:///srv/vaults/a.jsonl", roots)


def test_a_root_counts_with_and_without_its_slash() -> None:
    for root in ("file:///srv/vaults", "file:///srv//vaults/", "file:///srv/x/../vaults/"):
        assert check_allowed("file:///srv/vaults/a.jsonl", [root]) == "file:///srv/vaults/a.jsonl"


_PARTS = st.one_of(
    st.sampled_from(["..", ".", "", "vaults", "vaults-evil", "%2e%2e", "%2e", "%2f..", "*", "srv"]),
    st.text(st.characters(codec="utf-8"), max_size=6).map(quote),
)


@given(st.lists(_PARTS, max_size=8))
def test_whatever_is_let_in_lies_under_the_root(parts: list[str]) -> None:
    try:
        normal = check_allowed("file:///srv/vaults/" + "/".join(parts), ["file:///srv/vaults/"])
    except VaultNotAllowed:
        return
    assert normal.startswith("file:///srv/vaults/")
    path = normal.removeprefix("file://")
    assert posixpath.normpath(path) == path
    assert ".." not in path.split("/")
    assert check_allowed(normal, ["file:///srv/vaults/"]) == normal


def test_a_root_of_each_tenants_own() -> None:
    roots = roots_of(["file:///srv/vaults/{tenant}/", "file:///srv/shared/"], "smith")
    assert roots == ("file:///srv/vaults/smith/", "file:///srv/shared/")
    assert check_allowed("file:///srv/vaults/smith/a.jsonl", roots)
    for url in (
        "file:///srv/vaults/smith-and-jones/a.jsonl",
        "file:///srv/vaults/*/a.jsonl",
        "file:///srv/vaults/*.jsonl",
    ):
        with pytest.raises(VaultNotAllowed):
            check_allowed(url, roots)


def test_a_root_with_a_user_or_a_query_admits_nothing() -> None:
    for root in ("postgresql://reader@vault.internal/", "postgresql://vault.internal/acme?sslmode=require"):
        with pytest.raises(VaultNotAllowed):
            check_allowed("postgresql://reader@vault.internal/acme", [root])


def test_a_password_is_in_no_word() -> None:
    place = parse("postgresql://reader:hunter2@vault.internal/acme")
    assert place.password == "hunter2"
    assert "hunter2" not in repr(place) + place.url
    for url in ("postgresql://reader:hunter2@vault.internal/a/b", "https://me:hunter2@a@b/c", "https://me:hunter2@/x"):
        with pytest.raises(VaultNotAllowed) as caught:
            check_allowed(url, ROOTS)
        assert "hunter2" not in str(caught.value)


_HOSTS = st.sampled_from(
    ["vault.example", "evil.example", "vault.example.", "VAULT.example", "vault.example@evil.example"]
)
_SEGMENTS = st.one_of(
    st.sampled_from(
        ["..", ".", "", "v1", "v2", "%2e%2e", "..;x", "%2f", "%5c", "\\", "%252e", "a?b", "a#b", "@", ":80"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=6),
)


@given(
    st.sampled_from(["https://", "HTTPS://", "https:///", "http://"]),
    st.sampled_from(["", "me@", "me:pw@", "vault.example@"]),
    _HOSTS,
    st.sampled_from(["", ":443", ":444", ":80"]),
    st.lists(_SEGMENTS, max_size=6),
)
def test_whatever_is_let_in_over_https_is_asked_of_the_root_alone(
    scheme: str, user: str, host: str, port: str, parts: list[str]
) -> None:
    """As the client that asks will read it."""
    try:
        normal = check_allowed(f"{scheme}{user}{host}{port}/v1/" + "/".join(parts), ["https://vault.example/v1/"])
    except VaultNotAllowed:
        return
    read = httpx2.URL(normal)
    assert (read.scheme, read.host, read.port, read.query, read.fragment) == ("https", "vault.example", None, b"", "")
    assert read.path.startswith("/v1")
    assert not {".", ".."} & set(unquote(read.path).split("/"))
    assert check_allowed(normal, ["https://vault.example/v1/"]) == normal


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from(["", "?sslmode=require", "?host=x", "?sslmode=require&host=x"]),
)
@example("\0", "", "")
def test_whatever_is_let_in_of_databases_leads_libpq_to_the_root_alone(user: str, database: str, query: str) -> None:
    url = f"postgresql://{quote(user, safe='')}:pw@vault.internal/{quote(database, safe='')}{query}"
    try:
        place = parse(check_allowed(url, ["postgresql://vault.internal/"]))
    except VaultNotAllowed:
        return
    said = conninfo_to_dict(place.url)
    assert said.get("host") == "vault.internal"
    assert said.get("user", "") == user
    assert said.get("dbname", "") == database
    assert set(said) <= {"host", "user", "dbname", "sslmode"}
