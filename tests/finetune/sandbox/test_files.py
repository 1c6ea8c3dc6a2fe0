from __future__ import annotations

import httpx2
import openai
import pytest

from finetune.sandbox import SandboxSettings, running
from tests.finetune.sandbox.support import KEY, Trial, training_file, trial_at


def test_a_files_life(trial: Trial) -> None:
    content = training_file()
    made = trial.ai.files.create(
        file=("firm.jsonl", content),
        purpose="fine-tune",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert made.id.startswith("file-")
    assert (made.bytes, made.filename, made.purpose, made.status) == (
        len(content),
        "firm.jsonl",
        "fine-tune",
        "processed",
    )
    assert made.expires_at == made.created_at + 3600
    assert trial.ai.files.retrieve(made.id) == made
    assert trial.ai.files.content(made.id).read() == content
    assert [file.id for file in trial.ai.files.list(purpose="fine-tune")] == [made.id]
    assert trial.ai.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        trial.ai.files.retrieve(made.id)


def test_listing_pages_and_orders(trial: Trial) -> None:
    ids = [trial.upload(name=f"{number}.jsonl") for number in range(5)]
    assert [file.id for file in trial.ai.files.list(limit=2)] == ids[::-1]
    assert [file.id for file in trial.ai.files.list(limit=2, order="asc")] == ids
    page = trial.ai.files.list(limit=2, after=ids[3])
    assert [file.id for file in page.data] == [ids[2], ids[1]]
    assert page.has_more
    assert not list(trial.ai.files.list(purpose="batch"))
    with pytest.raises(openai.BadRequestError):
        trial.ai.files.list(after="file-unknown")


def test_accounts_see_their_own_files_only(trial: Trial, stranger: Trial) -> None:
    file_id = trial.upload()
    assert not stranger.ai.files.list().data
    for attempt in (stranger.ai.files.retrieve, stranger.ai.files.content, stranger.ai.files.delete):
        with pytest.raises(openai.NotFoundError):
            attempt(file_id)
    assert trial.ai.files.retrieve(file_id).id == file_id


@pytest.mark.parametrize(
    ("fields", "file", "code"),
    [
        ({"purpose": "fine-tune"}, ("a.txt", b"{}"), "invalid_file_format"),
        ({"purpose": "fine-tune"}, ("a.jsonl", b""), "empty_file"),
        ({"purpose": "mischief"}, ("a.jsonl", b"{}"), "invalid_value"),
        ({}, ("a.jsonl", b"{}"), "missing_required_parameter"),
        ({"purpose": "fine-tune"}, None, "missing_required_parameter"),
        ({"purpose": "fine-tune", "extra": "1"}, ("a.jsonl", b"{}"), "unknown_parameter"),
        ({"purpose": "fine-tune", "expires_after[seconds]": "9"}, ("a.jsonl", b"{}"), "invalid_value"),
        (
            {"purpose": "fine-tune", "expires_after[anchor]": "created_at", "expires_after[seconds]": "9"},
            ("a.jsonl", b"{}"),
            "invalid_value",
        ),
    ],
)
def test_bad_uploads(trial: Trial, fields: dict[str, str], file: tuple[str, bytes] | None, code: str) -> None:
    parts = [*((name, (None, value.encode())) for name, value in fields.items())]
    answer = trial.http.post("/v1/files", files=[*parts, *([("file", file)] if file else [])], headers=trial.auth)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x"])
def test_an_upload_that_is_no_form(trial: Trial, kind: str) -> None:
    answer = trial.http.post("/v1/files", content=b"no form", headers=trial.auth | {"content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_size_limits() -> None:
    settings = SandboxSettings(max_file_bytes=2_000_000, max_body_bytes=1_000)
    with running(settings) as url, trial_at(url, KEY) as trial:
        with pytest.raises(openai.APIStatusError) as refused:
            trial.upload(b"x" * 2_000_001)
        assert (refused.value.status_code, refused.value.code) == (413, "file_too_large")
        assert trial.upload(b"x" * 2_000_000)
        assert trial.say("sandbox-small", user="x" * 2_000).status_code == 413
        try:  # far too large: answered while the body is still coming, which a client may see as a reset
            big = trial.http.post("/v1/files", files={"file": ("a.jsonl", b"x" * 9_000_000)}, headers=trial.auth)
            assert big.status_code == 413
        except httpx2.TransportError:
            pass
