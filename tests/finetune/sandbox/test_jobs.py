from __future__ import annotations

import csv
import io
import time

import openai
import pytest

from finetune.sandbox import SandboxSettings, running
from tests.finetune.sandbox.support import BASE, CLAUSES, KEY, Trial, example, training_file, trial_at, until


def test_a_jobs_life(trial: Trial) -> None:
    training, held_out = trial.upload(), trial.upload(training_file(10))
    made = trial.ai.fine_tuning.jobs.create(
        model="gpt-4o-mini",
        training_file=training,
        validation_file=held_out,
        suffix="firm",
        seed=3,
        metadata={"job_uid": "one"},
        method={
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": "auto"}},
        },
    )
    assert (made.status, made.model, made.seed, made.metadata) == (
        "validating_files",
        BASE,
        3,
        {"job_uid": "one"},
    )
    assert made.fine_tuned_model is None
    seen = [made.status]

    def finished() -> bool:
        seen.append(trial.ai.fine_tuning.jobs.retrieve(made.id).status)
        return seen[-1] == "succeeded"

    until(finished)
    assert list(dict.fromkeys(seen)) == ["validating_files", "queued", "running", "succeeded"]
    job = trial.ai.fine_tuning.jobs.retrieve(made.id)
    assert job.error is None
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == (2, 1)
    assert job.fine_tuned_model is not None
    assert job.fine_tuned_model.startswith(f"ft:{BASE}:sandbox:firm:")
    assert len(job.fine_tuned_model.rsplit(":", 1)[1]) == 8
    assert job.trained_tokens
    assert job.finished_at is not None
    assert job.finished_at >= job.created_at
    rows = list(csv.DictReader(io.StringIO(trial.ai.files.content(job.result_files[0]).text)))
    assert list(rows[0]) == [
        "step",
        "train_loss",
        "train_mean_token_accuracy",
        "valid_loss",
        "validation_mean_token_accuracy",
        "full_valid_loss",
    ]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert rows[-1]["full_valid_loss"]
    assert int(rows[-1]["step"]) == 24


def test_events_and_checkpoints(firm: tuple[Trial, str]) -> None:
    trial, model = firm
    job = next(job for job in trial.ai.fine_tuning.jobs.list() if job.fine_tuned_model == model)
    messages = [event.message for event in trial.ai.fine_tuning.jobs.list_events(job.id, limit=3)]
    assert messages[0] == "The job has successfully completed"
    assert messages[-1] == f"Created fine-tuning job: {job.id}"
    assert len(messages) == len(set(messages))
    assert len(trial.ai.fine_tuning.jobs.list_events(job.id, limit=3).data) == 3
    checkpoints = list(trial.ai.fine_tuning.jobs.checkpoints.list(job.id))
    assert len(checkpoints) == 3
    assert checkpoints[0].fine_tuned_model_checkpoint == model
    assert [one.step_number for one in checkpoints] == sorted((one.step_number for one in checkpoints), reverse=True)
    assert checkpoints[-1].metrics.train_loss is not None
    assert trial.say(checkpoints[-1].fine_tuned_model_checkpoint).status_code == 200


def test_listing_newest_first_with_pages_and_metadata(trial: Trial) -> None:
    file_id = trial.upload()
    ids = []
    for number in range(5):
        job = trial.order(file_id, metadata={"job_uid": str(number), "parity": "even" if number % 2 == 0 else "odd"})
        ids.append(trial.over(job.id).id)
    jobs = trial.ai.fine_tuning.jobs
    assert [job.id for job in jobs.list(limit=2)] == ids[::-1]
    first = jobs.list(limit=2)
    assert first.has_more
    assert [job.id for job in first.data] == [ids[4], ids[3]]
    assert [job.id for job in jobs.list(limit=2, after=ids[1]).data] == [ids[0]]
    assert not jobs.list(limit=2, after=ids[1]).has_more
    assert [job.id for job in jobs.list(metadata={"parity": "odd"})] == [ids[3], ids[1]]
    assert [job.id for job in jobs.list(metadata={"parity": "even", "job_uid": "2"})] == [ids[2]]
    assert not list(jobs.list(metadata={"job_uid": "9"}))
    with pytest.raises(openai.BadRequestError):
        jobs.list(limit=0)


def test_two_creates_make_two_jobs(trial: Trial) -> None:
    file_id = trial.upload()
    headers = trial.auth | {"idempotency-key": "same"}
    body = {"model": BASE, "training_file": file_id, "metadata": {"job_uid": "u"}}
    for _ in range(2):
        trial.http.post("/v1/fine_tuning/jobs", json=body, headers=headers)
    assert len(list(trial.ai.fine_tuning.jobs.list(metadata={"job_uid": "u"}))) == 2
    shown = [job for job in trial.http.get("/sandbox/jobs").json()["jobs"] if job["training_file"] == file_id]
    assert len(shown) == 2
    assert {job["account_hint"] for job in shown} == {trial.key[-4:]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (training_file(9), "at least 10"),
        (training_file(10) + b"not json\n", "Line 11"),
        (training_file(10) + example("a <|im_start|> b"), "special token"),
        (b"\xef\xbb\xbf" + training_file(10), "byte order mark"),
    ],
)
def test_a_bad_training_file_fails_the_job(trial: Trial, content: bytes, says: str) -> None:
    job = trial.over(trial.order(trial.upload(content)).id)
    assert (job.status, job.fine_tuned_model, job.result_files) == ("failed", None, [])
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_training_file", "training_file")
    assert says in job.error.message
    assert trial.ai.fine_tuning.jobs.list_events(job.id).data[0].level == "error"


def test_a_bad_validation_file_fails_the_job(trial: Trial) -> None:
    job = trial.over(trial.order(validation_file=trial.upload(b"{}\n")).id)
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_validation_file", "validation_file")


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": "gpt-99"}, "model", "model_not_available"),
        ({"model": None}, "model", "invalid_value"),
        ({"training_file": "file-unknown"}, "training_file", "invalid_file_id"),
        ({"validation_file": "file-unknown"}, "validation_file", "invalid_file_id"),
        ({"suffix": "x" * 65}, "suffix", "invalid_value"),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata", "invalid_value"),
        ({"metadata": {"k": "x" * 513}}, "metadata", "invalid_value"),
        ({"metadata": {"k" * 65: "x"}}, "metadata", "invalid_value"),
        ({"method": {"type": "dpo"}}, "method.type", "unsupported_method"),
        ({"method": {"type": "magic"}}, "method.type", "unsupported_method"),
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs", "invalid_value"),
        ({"integrations": [{"type": "wandb"}]}, "integrations", "unsupported_value"),
        ({"colour": "blue"}, "colour", "unknown_parameter"),
    ],
)
def test_bad_orders(trial: Trial, change: dict[str, object], param: str, code: str) -> None:
    body = {"model": BASE, "training_file": trial.upload()} | change
    answer = trial.http.post("/v1/fine_tuning/jobs", json=body, headers=trial.auth)
    assert answer.status_code == 400
    assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (param, code)
    assert not trial.ai.fine_tuning.jobs.list().data


def test_a_file_of_another_purpose(trial: Trial) -> None:
    file_id = trial.ai.files.create(file=("a.jsonl", training_file()), purpose="batch").id
    with pytest.raises(openai.BadRequestError, match="purpose 'batch'"):
        trial.ai.fine_tuning.jobs.create(model=BASE, training_file=file_id)


def test_deprecated_top_level_hyperparameters(trial: Trial) -> None:
    job = trial.over(trial.order(hyperparameters={"n_epochs": 4}).id)
    assert job.hyperparameters.n_epochs == 4


def test_accounts_see_their_own_jobs_only(firm: tuple[Trial, str], stranger: Trial) -> None:
    job_id = firm[0].ai.fine_tuning.jobs.list().data[0].id
    jobs = stranger.ai.fine_tuning.jobs
    assert not jobs.list().data
    for attempt in (jobs.retrieve, jobs.cancel, jobs.list_events, jobs.checkpoints.list):
        with pytest.raises(openai.NotFoundError):
            attempt(job_id)
    with pytest.raises(openai.BadRequestError, match="invalid file id"):
        jobs.create(model=BASE, training_file=firm[0].ai.files.list().data[0].id)


def test_live_jobs_are_limited_hold_their_files_and_can_be_cancelled() -> None:
    with running(SandboxSettings(step_seconds=600)) as url, trial_at(url, KEY) as trial:
        file_id = trial.upload()
        jobs = [trial.order(file_id) for _ in range(3)]
        with pytest.raises(openai.RateLimitError) as refused:
            trial.ai.fine_tuning.jobs.create(model=BASE, training_file=file_id)
        assert refused.value.code == "rate_limit_exceeded"
        with pytest.raises(openai.BadRequestError, match="being used by fine-tuning job"):
            trial.ai.files.delete(file_id)
        for job in jobs:
            cancelled = trial.ai.fine_tuning.jobs.cancel(job.id)
            assert cancelled.status == "cancelled"
            assert cancelled.finished_at is not None
        with pytest.raises(openai.BadRequestError, match="already completed"):
            trial.ai.fine_tuning.jobs.cancel(jobs[0].id)
        assert trial.ai.files.delete(file_id).deleted
        assert trial.order().status == "validating_files"


def test_the_server_answers_while_it_trains() -> None:
    lines = b"".join(example(" ".join(CLAUSES) + f" Item {number}.") + b"\n" for number in range(2_500))
    with running(SandboxSettings(step_seconds=0)) as url, trial_at(url, KEY) as trial:
        job = trial.order(trial.upload(lines))
        slowest, began = 0.0, time.monotonic()

        def trained() -> bool:
            nonlocal slowest
            slowest = max(slowest, trial.http.get("/healthz").elapsed.total_seconds())
            return trial.ai.fine_tuning.jobs.retrieve(job.id).status == "succeeded"

        until(trained)
        assert slowest < (time.monotonic() - began) / 3, "an answer waits for a part of it at most"
