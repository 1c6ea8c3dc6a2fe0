"""Audit records in words: a table."""

from typing import Any

import pytest

from gateway.admin.page.audit_words import done, jobs_of
from gateway.audit import AuditRecord
from gateway.store.audits import Who

LABELS = {"job_1": "Spring 2027", "job_2": "Autumn"}
WHO = Who("tenant_admin", "key_1", "Maria")
RULE = {"name": "Acme", "rule": "all", "allowed_paths": []}


def record(action: str, before: Any, after: Any) -> AuditRecord:
    """A record."""
    return AuditRecord("1-0", "2026-11-29T12:00:00Z", WHO, None, action, "acme", before, after, 7)


@pytest.mark.parametrize(
    ("action", "before", "after", "words"),
    [
        ("activate", None, {"job_id": "job_1", "share": 1.0}, "activated “Spring 2027” for all calls"),
        (
            "activate",
            {"job_id": "job_2", "share": 1.0},
            {"job_id": "job_1", "share": 0.25},
            "activated “Spring 2027” for 25 % of the calls",
        ),
        (
            "activate",
            {"job_id": "job_1", "share": 0.25},
            {"job_id": "job_1", "share": 0.5},
            "had “Spring 2027” answer 50 % of the calls from then on",
        ),
        ("activate", None, {"job_id": "job_9", "share": 1.0}, "activated “job_9” for all calls"),
        ("stock", {"job_id": "job_1", "share": 1.0}, None, "went back to the stock model"),
        ("job.make", None, {"id": "job_3", "label": "Summer"}, "started the job “Summer”"),
        ("job.make", None, {"id": "job_3", "label": ""}, "started the job “job_3”"),
        ("job.recreate", None, {"id": "job_3", "label": "S"}, "started the job “S”, of an earlier job’s data"),
        ("job.import", None, {"id": "job_3", "label": "Bought"}, "imported a model as “Bought”"),
        ("job.cancel", {"job_id": "job_2"}, {"job_id": "job_2"}, "cancelled the job “Autumn”"),
        ("job.cancel", {"status": "queued"}, {"cancel_requested": True}, "cancelled the job that was there"),
        ("job.ready", None, {"job_id": "job_2", "model": "ft:x"}, "finished the job “Autumn”: its model is ready"),
        ("job.retirement", {"job_id": "job_2"}, {"job_id": "job_2"}, "noted when the model of “Autumn” retires"),
        ("tenant.put", None, RULE, "made the firm"),
        (
            "tenant.put",
            RULE,
            {"name": "Acme LLP", "rule": "all", "allowed_paths": ["rerank"]},
            "changed the firm’s settings: name, further routes",
        ),
        ("provider.put", None, {"name": "main"}, "added the provider “main”"),
        ("provider.put", {"name": "main"}, {"name": "main"}, "changed the provider “main”"),
        ("provider.delete", {"name": "main"}, None, "took the provider “main” away"),
        ("vault.put", None, {"url": "file:///v", "ready_chunks": 57}, "saved the Vault, with 57 ready chunks"),
        ("key.make", None, {"id": "key_2", "label": "Assistant"}, "made the key “Assistant”"),
        ("key.revoke", {"id": "key_2", "label": ""}, None, "revoked the key “key_2”"),
        ("sign_in", None, None, "signed in"),
        ("something.new", None, None, "something.new"),
    ],
)
def test_what_was_done(action: str, before: Any, after: Any, words: str) -> None:
    assert done(record(action, before, after), LABELS) == words


def test_whose_labels_are_looked_up() -> None:
    assert jobs_of(record("activate", {"job_id": "job_1"}, {"job_id": "job_2"})) == ["job_1", "job_2"]
    assert jobs_of(record("key.make", None, {"id": "key_2"})) == []
