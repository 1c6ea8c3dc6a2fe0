"""What of a row is shown: nothing that is secret in a Vault's URL."""

import pytest

from gateway.masked import masked_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("file:///srv/vaults/a.jsonl", "file:///srv/vaults/a.jsonl"),
        ("file:///srv/vaults/a@b/v?.jsonl", "file:///srv/vaults/a@b/v?.jsonl"),
        ("s3://firm-vaults/a.jsonl", "s3://firm-vaults/a.jsonl"),
        ("postgresql://reader:hunter2@db.internal/vault", "postgresql://***@db.internal/vault"),
        ("postgresql://reader@db.internal/vault", "postgresql://***@db.internal/vault"),
        ("postgresql://reader:hun@ter/2@db.internal/vault", "postgresql://***@db.internal/vault"),
        ("https://host/v?sig=hunter2&page=1", "https://host/v?sig=***&page=***"),
        ("https://host/v?hunter2", "https://host/v?***"),
        ("https://u:p@host/v?a=b", "https://***@host/v?a=***"),
        ("simplecache::http://user:PW@host/x", "simplecache::http://***@host/x"),
        ("zip://x::file://user:PW@/a.zip", "zip://***@/a.zip"),
        ("file://user:PW@host/a", "file://***@host/a"),
    ],
)
def test_a_url(url: str, shown: str) -> None:
    assert masked_url(url) == shown
