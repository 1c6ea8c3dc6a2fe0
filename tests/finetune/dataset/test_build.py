from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.dataset import (
    BuildSettings,
    DatasetMissing,
    Example,
    ManifestChunk,
    build,
    estimate_tokens,
    read_examples,
    read_manifest,
)
from finetune.dataset.artifacts import FILES, TRAIN
from finetune.dataset.build import encode_example
from finetune.vaults.base import BadRecord, Chunk, VaultUnreadable
from tests.finetune.dataset.texts import CONTENTS, LEGALESE, PLAIN, SIGNATURES, TABLE, chunk, vault


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def turns(folder: Path) -> list[tuple[str, str]]:
    pairs = []
    for line in (folder / TRAIN).read_text("utf-8").splitlines():
        [user, assistant] = json.loads(line)["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        pairs.append((user["content"], assistant["content"]))
    return pairs


def test_the_summary_says_what_was_done(tmp_path: Path) -> None:
    records: list[Chunk | BadRecord] = [*vault(20), chunk(LEGALESE, 1, "failed"), BadRecord("a.jsonl:22", "not_json")]
    summary = build(records, str(tmp_path))
    train = (tmp_path / TRAIN).read_bytes()
    pairs = turns(tmp_path)
    assert summary.chunks == 20
    assert summary.examples == len(pairs) == train.count(b"\n")
    assert summary.examples >= 50
    assert summary.validation_examples == 0
    assert summary.sha256 == sha256(train).hexdigest()
    assert summary.skipped["not_ready"] == 1
    assert summary.skipped["bad_record"] == 1
    words = sum(estimate_tokens(user) + estimate_tokens(assistant) for user, assistant in pairs)
    assert summary.tokens == words + 11 * len(pairs)


def test_the_manifest_says_what_it_was_made_from(tmp_path: Path) -> None:
    chunks = vault(12)
    records: list[Chunk | BadRecord] = [*chunks, chunk(SIGNATURES, 99), BadRecord("a.jsonl:14", "not_json")]
    summary = build(records, str(tmp_path))
    manifest = read_manifest(str(tmp_path))
    assert manifest.summary == summary
    assert manifest.chunks == [
        ManifestChunk(one.chunk_id, one.document_id, sha256(one.text.encode()).hexdigest()) for one in chunks
    ]
    assert sum(manifest.examples_per_kind.values()) == summary.examples
    assert set(manifest.examples_per_kind) == {"rephrase-as", "summarize-this", "extract-clauses"}
    assert (manifest.bad_records, manifest.bad_record_places) == ({"not_json": 1}, ["a.jsonl:14 not_json"])
    assert read_manifest(str(tmp_path), with_chunks=False).chunks == []


def test_only_ready_chunks_are_trained_on(tmp_path: Path) -> None:
    chunks = [chunk(LEGALESE, 1, "processing"), chunk(PLAIN, 2, "failed"), chunk(PLAIN, 3, "READY")]
    summary = build(chunks, str(tmp_path))
    assert (summary.chunks, summary.examples) == (0, 0)
    assert bytes_of(tmp_path)[TRAIN] == b""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too short.", "too_short"),
        (CONTENTS, "table_of_contents"),
        (SIGNATURES, "signature_block"),
        (TABLE, "table"),
        ("so much of the fruit as the Owner may direct and " * 5, "fragment"),
        (f"{LEGALESE}\n\n" * 150, "too_long"),
    ],
)
def test_skips_are_counted_by_reason(tmp_path: Path, text: str, reason: str) -> None:
    summary = build([chunk(text)], str(tmp_path), settings=BuildSettings(min_chars=60))
    assert summary.skipped == {reason: 1}
    assert summary.examples == 0


def test_the_same_words_are_learnt_once(tmp_path: Path) -> None:
    alike = [chunk(LEGALESE, 1), chunk(LEGALESE.replace(" shall,", "\u00a0  SHALL"), 2), chunk(PLAIN, 3)]
    summary = build(alike, str(tmp_path))
    assert summary.skipped["duplicate"] == 1
    answers = [assistant for _, assistant in turns(tmp_path)]
    assert answers.count(LEGALESE) == 1


def test_a_clause_that_two_documents_share_answers_once_of_a_kind(tmp_path: Path) -> None:
    shared = LEGALESE.split("\n\n")[3]
    chunks = [chunk(f"{LEGALESE.split(chr(10) * 2)[number]}\n\n{shared}", number) for number in (1, 2)]
    summary = build(chunks, str(tmp_path))
    assert summary.skipped["repeated_answer"] >= 1
    kept = [(one.kind, one.assistant) for one in read_examples(str(tmp_path), limit=100)]
    assert len(kept) == len(set(kept))


def test_extraction_is_kept_to_a_third_at_every_point(tmp_path: Path) -> None:
    build(vault(40), str(tmp_path), settings=BuildSettings(rephrase_per_chunk=0))
    kinds = [one.kind for one in read_examples(str(tmp_path), limit=1000)]
    assert "extract-clauses" in kinds
    for end in range(1, len(kinds) + 1):
        assert kinds[:end].count("extract-clauses") * 3 <= end
    assert read_manifest(str(tmp_path)).summary.skipped["extract_share"] > 0


def test_a_full_file_takes_no_more(tmp_path: Path) -> None:
    summary = build(vault(30), str(tmp_path), settings=BuildSettings(max_file_bytes=20_000))
    assert (tmp_path / TRAIN).stat().st_size <= 20_000
    assert summary.skipped["file_full"] > 0
    assert summary.chunks == 30
    assert len(read_manifest(str(tmp_path)).chunks) < 30


def test_no_turn_is_over_the_limit(tmp_path: Path) -> None:
    text = "\n\n".join(one.text for one in vault(20))
    build([chunk(text)], str(tmp_path), settings=BuildSettings(max_turn_chars=1500))
    pairs = turns(tmp_path)
    assert pairs
    assert max(len(turn) for pair in pairs for turn in pair) <= 1500


def test_the_sample_is_fair_bounded_and_in_order(tmp_path: Path) -> None:
    summary = build(vault(60), str(tmp_path), settings=BuildSettings(sample_size=30))
    kept = read_examples(str(tmp_path), limit=100)
    assert len(kept) == 30
    assert len(read_examples(str(tmp_path), limit=5)) == 5
    pairs = turns(tmp_path)
    places = [pairs.index((one.user, one.assistant)) for one in kept]
    assert places == sorted(places)
    assert places[0] < summary.examples / 3
    assert places[-1] > summary.examples * 2 / 3


def test_the_same_chunks_make_the_same_bytes(tmp_path: Path) -> None:
    first = build(vault(15), str(tmp_path / "one"))
    assert build(vault(15), str(tmp_path / "two")) == first
    before = bytes_of(tmp_path / "one")
    assert bytes_of(tmp_path / "two") == before
    assert build(vault(15), str(tmp_path / "one")) == first
    assert bytes_of(tmp_path / "one") == before


def test_the_bytes_do_not_hang_on_the_process(tmp_path: Path) -> None:
    code = (
        "import sys; from finetune.dataset import build; from tests.finetune.dataset.texts import vault;"
        "print(build(vault(15), sys.argv[1]).sha256)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_progress_is_told_and_may_stop_the_build(tmp_path: Path) -> None:
    told: list[int] = []
    build([*vault(100), *vault(50)], str(tmp_path / "one"), progress=told.append)
    assert told == [100]

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(vault(100), str(tmp_path / "two"), progress=stop)
    assert list((tmp_path / "two").iterdir()) == []


def test_a_source_that_breaks_leaves_the_old_data_set(tmp_path: Path) -> None:
    build(vault(15), str(tmp_path))
    before = bytes_of(tmp_path)

    def breaking() -> Iterator[Chunk]:
        yield from vault(5)
        raise VaultUnreadable("the disk is gone", "a.jsonl:6")

    with pytest.raises(VaultUnreadable):
        build(breaking(), str(tmp_path))
    assert bytes_of(tmp_path) == before


_KILLED = """
import itertools, sys
from finetune.dataset import build
from tests.finetune.dataset.texts import chunk, clause

def chunks():
    for number in itertools.count():
        if number == 300:
            print("writing", flush=True)
        yield chunk(clause(number), number)

build(chunks(), sys.argv[1])
"""


@pytest.mark.parametrize("built_before", [False, True])
def test_killed_in_the_middle_it_leaves_nothing_or_the_old_whole(tmp_path: Path, built_before: bool) -> None:
    if built_before:
        build(vault(15), str(tmp_path))
    before = bytes_of(tmp_path) if built_before else {}
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert list(tmp_path.glob("*.partial"))
    if built_before:
        assert bytes_of(tmp_path) == before
    else:
        assert not {path.name for path in tmp_path.iterdir()} & set(FILES)
        with pytest.raises(DatasetMissing):
            read_manifest(str(tmp_path))
    build(vault(15), str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_a_line_comes_back_as_it_went(user: str, assistant: str) -> None:
    line = encode_example(Example("rephrase-as", "deed:1", "deed", user, assistant))
    assert b"\n" not in line
    assert json.loads(line) == {
        "messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    }


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300), max_size=8))
def test_any_vault_is_built_and_adds_up(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("set")
    chunks = [chunk(text, number) for number, text in enumerate([*texts, LEGALESE, PLAIN])]
    summary = build(chunks, str(folder))
    assert summary.chunks == len(chunks)
    assert summary.examples == len(turns(folder)) >= 6
    assert len(read_manifest(str(folder)).chunks) <= len(chunks)
