"""What a job would be trained on, told from a sample of its Vault."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finetune import previewing
from finetune.dataset import read_manifest
from finetune.dataset.build import build
from finetune.previewing import SAMPLE_CHUNKS, preview
from finetune.values import Preview
from finetune.vaults import BadRecord, Chunk, open_vault
from tests.support.jobs import job_value
from tests.support.vaults import DEMO_VAULTS, write_vault

BASE = "gpt-4.1-mini-2025-04-14"


def vault_of(path: Path) -> Any:
    return open_vault(path.as_uri(), (path.parent.as_uri() + "/",))


def job(**more: Any) -> Any:
    return job_value(**{"base_model": BASE, "backend": "openai", **more})


def codes(made: Preview) -> list[str]:
    return [one.code for one in made.warnings]


def test_a_small_vault_is_told_as_it_is(tmp_path: Path) -> None:
    path = DEMO_VAULTS / "brightwater.jsonl"
    made = preview(vault_of(path), job())
    build(vault_of(path).chunks(), f"file://{tmp_path}")
    manifest = read_manifest(f"file://{tmp_path}", with_chunks=False)
    assert not made.is_estimate
    assert made.counted_all
    assert made.sampled_chunks == made.ready_chunks == manifest.summary.chunks
    assert (made.examples, made.validation_examples) == (
        manifest.summary.examples,
        manifest.summary.validation_examples,
    )
    assert made.examples_per_kind == manifest.examples_per_kind
    assert made.redactions == manifest.redactions
    assert made.skipped == manifest.summary.skipped
    assert {one.kind for one in made.samples} == set(made.examples_per_kind)
    assert made.estimated_cost_usd is not None


def test_of_a_large_vault_a_sample_stands_for_the_whole(tmp_path: Path) -> None:
    path = write_vault(tmp_path / "large.jsonl", 3 * SAMPLE_CHUNKS, 40)
    made = preview(vault_of(path), job())
    assert (made.ready_chunks, made.other_chunks, made.sampled_chunks) == (900, 40, 300)
    assert (made.is_estimate, made.counted_all, codes(made)) == (True, True, [])
    assert made.skipped["not_ready"] == 40  # counted, not estimated
    assert made.examples % 3 == 0
    assert made.examples_per_kind
    assert made == preview(vault_of(path), job())
    chunks = {one.chunk_id for one in made.samples}
    assert len(chunks) > 1


def test_the_sample_is_not_the_beginning() -> None:
    records = [Chunk(f"c{n}", "d", "t", n, "ready", "x") for n in range(2000)]
    read = previewing._read(records, 1.0, lambda: 0.0)
    places = [chunk.position for chunk in read.sample]
    assert places == sorted(places)
    assert len(places) == SAMPLE_CHUNKS
    assert 900 < sum(places) / len(places) < 1100


class Slow:
    """A Vault of which only so much is read in time."""

    def __init__(self, in_time: int) -> None:
        self.at = 0.0
        self._in_time = in_time

    def chunks(self) -> Iterator[Chunk | BadRecord]:
        whole = list(vault_of(DEMO_VAULTS / "brightwater.jsonl").chunks())
        for number, record in enumerate(whole):
            if number == self._in_time:
                self.at += 2 * previewing.COUNT_SECONDS
            yield record


def test_where_counting_takes_too_long_the_last_count_stands() -> None:
    slow = Slow(30)
    made = preview(slow, job(), known_ready=5000, clock=lambda: slow.at)
    assert (made.counted_all, made.is_estimate, made.ready_chunks) == (False, True, 5000)
    assert made.sampled_chunks <= 30


@pytest.mark.parametrize(
    ("ready", "more", "code"),
    [
        (0, {}, "vault_too_small"),
        (5, {}, "vault_too_small"),
        (60, {}, "small_vault"),
        (60, {"options": {"writer": "teacher"}}, "teacher_not_asked"),
        (60, {"backend": "bedrock"}, "backend_not_supported_yet"),
    ],
)
def test_what_is_to_be_known_before(tmp_path: Path, ready: int, more: dict[str, Any], code: str) -> None:
    made = preview(vault_of(write_vault(tmp_path / "v.jsonl", ready, 1)), job(**more))
    assert code in codes(made)


def test_the_price_is_of_what_was_asked_for(tmp_path: Path) -> None:
    vault = vault_of(write_vault(tmp_path / "v.jsonl", 60))
    once, thrice = (preview(vault, job(hyperparameters={"n_epochs": n})).estimated_cost_usd or 0 for n in (1, 3))
    assert thrice == pytest.approx(3 * once)
    assert preview(vault, job(base_model="nobody-knows")).estimated_cost_usd is None
    own = preview(vault, job(base_model="nobody-knows", options={"price_per_million_tokens": 10.0}))
    assert own.estimated_cost_usd == pytest.approx(own.tokens * own.epochs * 10 / 1e6, abs=1e-6)


def test_more_than_a_file_holds_is_not_trained_on() -> None:
    slow = Slow(30)
    huge = preview(slow, job(), known_ready=100_000_000, clock=lambda: slow.at)
    assert "file_full" in codes(huge)
    told, trained = huge.tokens, (huge.cost_words or "").partition(" tokens")[0].replace(",", "")
    assert int(trained) < told
