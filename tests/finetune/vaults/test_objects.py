"""Vaults in buckets, on moto's S3 and fake-gcs-server."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import zstandard
from msgspec import Struct

from finetune.vaults import (
    Chunk,
    Options,
    Reach,
    Source,
    VaultCount,
    VaultNotAllowed,
    VaultUnreadable,
    count,
    open_vault,
)
from finetune.vaults.objects import judged
from tests.support.buckets import BUCKET, put_gs, put_s3
from tests.support.vaults import jsonl, record


class Store(Struct):
    """A kind of bucket: its scheme, its endpoint, what puts objects there, and whom it lets read."""

    scheme: str
    endpoint: str
    put: Callable[[str, Mapping[str, bytes]], None]
    options: dict[str, Any]
    secrets: dict[str, str]

    def source(self, path: str, **options: Any) -> Source:
        said = {"endpoint_url": self.endpoint, **self.options, **options}
        return Source(f"{self.scheme}://{BUCKET}/{path}", Options(**said), self.secrets)

    @property
    def roots(self) -> list[str]:
        return [f"{self.scheme}://{BUCKET}/", self.endpoint]


@pytest.fixture(params=["s3", "gs"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each of both."""
    endpoint = request.getfixturevalue(request.param)
    if request.param == "gs":
        return Store("gs", endpoint, put_gs, {"anonymous": True}, {})
    return Store("s3", endpoint, put_s3, {"access_key_id": "AKIA1", "region": "eu-west-1"}, {"secret_access_key": "s"})


def texts(source: Source, roots: list[str], reach: Reach) -> list[str]:
    return [each.chunk_id for each in open_vault(source, roots, reach).chunks() if isinstance(each, Chunk)]


def test_one_object_and_a_glob_in_the_order_of_names(store: Store, reach: Reach) -> None:
    store.put(
        store.endpoint,
        {
            "many/b.jsonl.gz": gzip.compress(jsonl(record(3), record(4))),
            "many/a.jsonl": jsonl(record(1), record(2)),
            "many/c.jsonl.zst": zstandard.compress(jsonl(record(5))),
            "many/d.txt": b"no",
            "elsewhere/a.jsonl": jsonl(record(9)),
        },
    )
    ids = [f"deed:{number:04}" for number in range(1, 6)]
    assert texts(store.source("many/*.jsonl*"), store.roots, reach) == ids
    assert texts(store.source("**/a.jsonl"), store.roots, reach) == ["deed:0009", *ids[:2]]
    assert texts(store.source("many/a.jsonl"), store.roots, reach) == ids[:2]


def test_one_larger_than_a_block_is_read_to_its_end(store: Store, reach: Reach) -> None:
    store.put(store.endpoint, {"large.jsonl": jsonl(*(record(number) for number in range(16_000)))})
    assert count(open_vault(store.source("large.jsonl"), store.roots, reach)) == VaultCount(16_000, 0)


@pytest.mark.parametrize("path", ["none.jsonl", "none/*.jsonl"])
def test_nothing_there(store: Store, path: str, reach: Reach) -> None:
    with pytest.raises(VaultUnreadable, match=rf"://{BUCKET}/none.*: no such file"):
        count(open_vault(store.source(path), store.roots, reach))


def test_the_endpoint_lies_under_a_root_too(store: Store, reach: Reach) -> None:
    with pytest.raises(VaultNotAllowed, match="outside the places"):
        open_vault(store.source("a.jsonl"), store.roots[:1], reach)
    for endpoint in (
        f"{store.endpoint}/path",
        store.endpoint.replace("//", "//me:pw@"),
        "file:///etc",
        "169.254.169.254",
    ):
        with pytest.raises(VaultNotAllowed):
            open_vault(store.source("a.jsonl", endpoint_url=endpoint), [*store.roots, "file:///"], reach)


def test_the_guard_stands_before_the_endpoint(store: Store, outside: Reach) -> None:
    store.put(store.endpoint, {"there.jsonl": jsonl(record(1))})
    with pytest.raises(VaultNotAllowed, match=r"127\.0\.0\.1, which is not a public address"):
        count(open_vault(store.source("there.jsonl"), store.roots, outside))


def test_the_guard_stands_before_every_connection(store: Store, reach: Reach, outside: Reach) -> None:
    """Also where the host was let pass when it was looked up: what leads elsewhere a moment later is judged again."""
    store.put(store.endpoint, {"again.jsonl": jsonl(record(1))})
    turned = Reach(reach.resolve, outside.judge, reach.http, reach.proxy)
    with pytest.raises(VaultNotAllowed, match=r"127\.0\.0\.1, which is not a public address"):
        count(open_vault(store.source("again.jsonl"), store.roots, turned))


def test_no_instance_metadata_by_an_endpoint(store: Store, reach: Reach) -> None:
    endpoint = "http://169.254.169.254"
    source = store.source("latest", endpoint_url=endpoint)
    with pytest.raises(VaultNotAllowed, match=r"169\.254\.169\.254"):
        count(open_vault(source, [*store.roots, endpoint], reach))


def test_sockets_are_made_for_judged_addresses_alone(outside: Reach) -> None:
    with pytest.raises(VaultNotAllowed, match="not a public address"):
        judged(outside)((2, 1, 6, "", ("10.0.0.1", 80)))
    with judged(outside)((2, 1, 6, "", ("1.1.1.1", 80))) as made:
        assert not made.getblocking()


@pytest.mark.parametrize(
    ("url", "options", "secrets", "wrong"),
    [
        (f"s3://{BUCKET}/a", {"endpoint_url": "https://minio.example"}, {}, "endpoint_url"),
        (f"gs://{BUCKET}/a", {"endpoint_url": "https://gcs.example"}, {}, "endpoint_url"),
        (f"s3://{BUCKET}/a", {"access_key_id": "A"}, {}, "access_key_id"),
        (f"s3://{BUCKET}/a", {}, {"secret_access_key": "s"}, "access_key_id"),
        (f"s3://{BUCKET}/a", {"access_key_id": "A", "anonymous": True}, {"secret_access_key": "s"}, "anonymous"),
        (f"s3://{BUCKET}/a", {"query": "SELECT 1"}, {}, "query"),
        (f"gs://{BUCKET}/a", {}, {"token": "t"}, "token"),
    ],
)
def test_the_operators_credential_goes_nowhere_else(
    url: str, options: dict[str, Any], secrets: dict[str, str], wrong: str, reach: Reach
) -> None:
    with pytest.raises(VaultUnreadable, match=rf"options\.{wrong}"):
        open_vault(Source(url, Options(**options), secrets), [url.rpartition("/")[0]], reach)


@pytest.mark.parametrize(
    "account",
    [
        "{}",
        "[",
        '{"type":"external_account","credential_source":{"url":"http://169.254.169.254"}}',
        '{"private_key":"hunter2"}',
    ],
)
def test_a_service_account_is_nothing_else(account: str, gs: str, reach: Reach) -> None:
    source = Source(f"gs://{BUCKET}/a", Options(endpoint_url=gs), {"service_account": account})
    with pytest.raises(VaultUnreadable, match=r"options\.service_account") as caught:
        count(open_vault(source, [f"gs://{BUCKET}/", gs], reach))
    assert "hunter2" not in str(caught.value)
