from __future__ import annotations

import posixpath
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.vaults import VaultNotAllowed, check_allowed, roots_of

ROOTS = ["file:///srv/vaults/", "s3://firm-vaults/"]


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
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(VaultNotAllowed):
        check_allowed(url, ROOTS)


@pytest.mark.parametrize("url", ["s3://firm-vaults/a.jsonl", "https://example.com/a.jsonl", "memory://a"])
def test_other_schemes_are_refused_with_the_one_that_is_read(url: str) -> None:
    with pytest.raises(VaultNotAllowed, match=r"reads Vaults from `file://` URLs, not from `(s3|https|memory)://`"):
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
