"""What a job leaves: its curve, its timeline, what it was trained on, and which jobs saw a document."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import Program
from tests.support.vaults import DEMO_VAULTS, demo_vault

CHUNKS = [json.loads(line) for line in (DEMO_VAULTS / "brightwater.jsonl").read_text().splitlines()]


@pytest.fixture
def firm(admin: Admin, sandbox: Program, data_dir: Path) -> Iterator[Firm]:
    """A tenant with a Vault of texts that differ."""
    with closing(Firm(admin, sandbox.url, vault=demo_vault(data_dir))) as made:
        yield made


def test_the_training_curve(admin: Admin, firm: Firm) -> None:
    job = firm.ready_job()
    points = admin.get(f"{firm.job_path(job)}/metrics")["items"]
    assert [one["step"] for one in points] == sorted({one["step"] for one in points})
    assert all(one["train_loss"] > 0 and one["valid_loss"] > 0 for one in points)
    assert points[-1]["train_loss"] < points[0]["train_loss"]


def test_which_jobs_saw_a_document(admin: Admin, firm: Firm, data_dir: Path) -> None:
    job = firm.ready_job()
    manifest = admin.get(f"{firm.job_path(job)}/manifest")
    document = manifest["chunks"][0][1]
    trained = [row for row in manifest["chunks"] if row[1] == document]
    found = admin.get(f"{firm.path}/lineage?document_id={document}")["items"]
    assert [(one["job_id"], one["chunks"]) for one in found] == [(job["id"], len(trained))]
    assert admin.get(f"{firm.path}/lineage?document_id=no-such-document")["items"] == []
    assert admin.refused("GET", f"{firm.path}/lineage") == (422, "invalid_field", "document_id")
    held_back = {chunk["document_id"] for chunk in CHUNKS if chunk["status"] != "ready"}
    ready = {chunk["document_id"] for chunk in CHUNKS if chunk["status"] == "ready"}
    for never in held_back - ready:
        assert admin.get(f"{firm.path}/lineage?document_id={never}")["items"] == []

    for file in (data_dir / "artifacts" / firm.name / job["id"]).iterdir():
        file.unlink()
    [untold] = admin.get(f"{firm.path}/lineage?document_id={document}")["items"]
    assert (untold["job_id"], untold["chunks"]) == (job["id"], None), "it may have: that it cannot be said is said"


def test_every_ready_chunk_is_in_the_manifest_or_counted_out(admin: Admin, firm: Firm) -> None:
    job = firm.ready_job()
    manifest = admin.get(f"{firm.job_path(job)}/manifest")
    ready = [chunk for chunk in CHUNKS if chunk["status"] == "ready"]
    assert manifest["summary"]["chunks"] == job["dataset"]["chunks"] == len(ready)
    assert {row[0] for row in manifest["chunks"]} <= {chunk["chunk_id"] for chunk in ready}
    assert manifest["builder_version"] >= 2
    assert sum(manifest["examples_per_kind"].values()) == job["dataset"]["examples"]
    sides: dict[int, set[str]] = {}
    for _, _, _, cluster, side, _ in manifest["chunks"]:
        sides.setdefault(cluster, set()).add(side)
    assert all(len(found) == 1 for found in sides.values())
    assert set().union(*sides.values()) == {"training", "validation"}


def test_examples_say_whose_words_are_whose(admin: Admin, firm: Firm) -> None:
    job = firm.ready_job()
    examples = admin.get(f"{firm.job_path(job)}/examples?limit=50")["items"]
    assert {"rephrase-as", "summarize-this"} <= {one["kind"] for one in examples}
    for one in examples:
        placeholders = {word for word in one["assistant"].split() if word.startswith("[") and word.endswith("]")}
        assert all(word in one["user"] for word in placeholders)
