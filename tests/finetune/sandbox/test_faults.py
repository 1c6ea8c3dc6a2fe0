from __future__ import annotations

import socket
import time

import httpx2
import openai
import pytest

from tests.finetune.sandbox.support import ASK, BASE, Trial

JOBS = {"method": "POST", "path": "/v1/fine_tuning/jobs"}
CHAT = {"method": "POST", "path": "/v1/chat/completions"}


def test_rate_limit(trial: Trial) -> None:
    assert trial.fault({"kind": "rate_limit", "retry_after": 3}, match=CHAT).status_code == 201
    with pytest.raises(openai.RateLimitError) as refused:
        trial.ai.chat.completions.create(model="sandbox-small", messages=ASK)
    assert refused.value.response.headers["retry-after"] == "3"
    assert refused.value.code == "rate_limit_exceeded"
    assert trial.say("sandbox-small").status_code == 200


def test_error_before_does_nothing_and_error_after_does_it(trial: Trial) -> None:
    file_id = trial.upload()
    for kind, made in (("error_before", 0), ("error_after", 1)):
        trial.fault({"kind": kind}, match=JOBS)
        with pytest.raises(openai.InternalServerError):
            trial.ai.fine_tuning.jobs.create(model=BASE, training_file=file_id)
        assert len(trial.ai.fine_tuning.jobs.list().data) == made


def test_errors_around_an_upload(trial: Trial) -> None:
    for kind, made in (("error_before", 0), ("error_after", 1)):
        trial.fault({"kind": kind}, match={"method": "POST", "path": "/v1/files"})
        with pytest.raises(openai.InternalServerError):
            trial.upload(b"x" * 3_000_000)
        assert len(trial.ai.files.list().data) == made


def test_timeout_after(trial: Trial) -> None:
    file_id = trial.upload()
    trial.fault({"kind": "timeout_after"}, match=JOBS)
    with pytest.raises(openai.APITimeoutError):
        trial.ai.with_options(timeout=0.3).fine_tuning.jobs.create(model=BASE, training_file=file_id)
    assert len(trial.ai.fine_tuning.jobs.list().data) == 1
    assert [call["status"] for call in trial.calls() if call["path"] == JOBS["path"]] == [None, 200]


def test_slow_first_byte(trial: Trial) -> None:
    trial.fault({"kind": "slow_first_byte", "seconds": 0.3}, match=CHAT)
    began = time.monotonic()
    assert trial.say("sandbox-small").status_code == 200
    assert time.monotonic() - began >= 0.3


def _received(trial: Trial, seconds: float = 0.3) -> tuple[list[str], Exception | None]:
    """The lines of a streamed answer, and how it broke off."""
    lines: list[str] = []
    body = {"model": "sandbox-small", "messages": ASK, "stream": True}
    request = trial.http.stream("POST", "/v1/chat/completions", json=body, headers=trial.auth, timeout=seconds)
    try:
        with request as answer:
            lines.extend(line for line in answer.iter_lines() if line)
    except httpx2.HTTPError as broken:
        return lines, broken
    return lines, None


def test_stall_after_chunks(trial: Trial) -> None:
    trial.fault({"kind": "stall", "after_chunks": 2}, match=CHAT)
    lines, broken = _received(trial)
    assert len(lines) == 2
    assert isinstance(broken, httpx2.ReadTimeout)


def test_cut_after_chunks(trial: Trial) -> None:
    trial.fault({"kind": "cut", "after_chunks": 3}, match=CHAT)
    lines, broken = _received(trial, seconds=5)
    assert len(lines) == 3
    assert isinstance(broken, httpx2.ReadError | httpx2.RemoteProtocolError)
    lines, broken = _received(trial, seconds=5)
    assert (lines[-1], broken) == ("data: [DONE]", None)


def test_a_cut_is_a_reset_and_comes_after_so_many_bytes(trial: Trial) -> None:
    trial.fault({"kind": "cut", "after_bytes": 10}, match={"method": "GET", "path": "/v1/models"})
    host, port = trial.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {trial.key}\r\n\r\n".encode())
        received = b""
        with pytest.raises(ConnectionResetError):
            while piece := raw.recv(65536):
                received += piece
    body = received.partition(b"\r\n\r\n")[2]
    assert body == b'{"object":'


def test_cut_before_the_body(trial: Trial) -> None:
    trial.fault({"kind": "cut"}, match=CHAT)
    with pytest.raises(httpx2.TransportError):
        trial.say("sandbox-small")


def test_an_unknown_status_for_a_while(trial: Trial) -> None:
    job = trial.order()
    trial.fault({"kind": "status", "status": "paused"}, times=2)
    assert trial.say("sandbox-small").status_code == 200  # does not use it up
    statuses: list[str] = [trial.ai.fine_tuning.jobs.retrieve(job.id).status for _ in range(3)]
    assert statuses[:2] == ["paused", "paused"]
    assert statuses[2] != "paused"
    assert trial.over(job.id).status == "succeeded"


def test_refuse_model(trial: Trial) -> None:
    trial.fault({"kind": "refuse_model", "model": BASE}, times=None)
    assert trial.say("sandbox-small").status_code == 200
    for _ in range(2):
        assert trial.say(BASE).json()["error"]["code"] == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        trial.ai.models.retrieve(BASE)


def test_for_seconds(trial: Trial) -> None:
    trial.fault({"kind": "error_before"}, match=CHAT, times=None, for_seconds=0)
    assert trial.say("sandbox-small").status_code == 200


def test_a_fault_meets_its_account_and_match_only(trial: Trial, stranger: Trial) -> None:
    trial.fault({"kind": "error_before"}, match=CHAT | {"model": "sandbox-small"})
    assert stranger.say("sandbox-small").status_code == 200
    assert trial.say(BASE).status_code == 200
    assert trial.ai.models.list().data
    assert trial.say("sandbox-small").status_code == 500


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"fault": {"kind": "explode"}},
        {"fault": {"kind": "slow_first_byte"}},
        {"fault": {"kind": "error_before", "extra": 1}},
        {"fault": {"kind": "rate_limit", "retry_after": -1}},
        {"fault": {"kind": "error_before"}, "times": 0},
        {"fault": {"kind": "error_before"}, "match": {"verb": "GET"}},
        [],
    ],
)
def test_bad_orders(trial: Trial, order: object) -> None:
    answer = trial.http.post("/sandbox/faults", json=order)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_order"
    assert answer.json()["error"]["message"].startswith("Bad order: ")
