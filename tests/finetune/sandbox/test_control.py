from __future__ import annotations

import hashlib

from finetune.sandbox import SandboxSettings, running
from finetune.sandbox.calls import Call, CallLog
from tests.finetune.sandbox.support import BASE, KEY, OTHER_KEY, Trial, trial_at


def test_faults_are_listed_and_cleared() -> None:
    with running(SandboxSettings()) as url, trial_at(url, KEY) as trial:
        made = trial.fault({"kind": "rate_limit"}, times=2).json()
        trial.say("sandbox-small")
        (shown,) = trial.http.get("/sandbox/faults").json()["faults"]
        assert (shown["id"], shown["times"], shown["remaining"]) == (made["id"], 2, 1)
        assert shown["fault"] == {"kind": "rate_limit", "retry_after": 1}
        assert shown["account_hint"] == KEY[-4:]
        assert trial.http.delete("/sandbox/faults").json() == {"deleted": 1}
        assert trial.say("sandbox-small").status_code == 200


def test_calls_tell_what_was_received(trial: Trial, stranger: Trial) -> None:
    headers = trial.auth | {"x-trace": "abc", "cookie": "secret=1", "api-key": "secret"}
    body = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"x"}]}'
    trial.http.post("/v1/chat/completions", content=body, headers=headers)
    trial.say("unknown-model")
    trial.http.post("/v1/chat/completions", content=b"not json", headers=trial.auth)
    stranger.say(BASE)
    first, second, third = trial.calls()
    assert (first["model"], first["status"], first["stream"]) == ("gpt-4o-mini", 200, True)
    assert (first["method"], first["path"], first["account_hint"]) == (
        "POST",
        "/v1/chat/completions",
        trial.key[-4:],
    )
    assert first["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert isinstance(first["headers"], dict)
    assert first["headers"]["x-trace"] == "abc"
    assert not {"authorization", "cookie", "api-key"} & first["headers"].keys()
    assert (second["model"], second["status"], second["stream"]) == ("unknown-model", 404, False)
    assert (third["model"], third["status"]) == (None, 400)
    assert trial.key not in trial.http.get("/sandbox/calls").text
    by_hint = trial.http.get("/sandbox/calls", params={"account": stranger.key[-4:]}).json()["calls"]
    assert [call["model"] for call in by_hint] == [BASE]


def test_an_upload_is_hashed_as_it_streams(trial: Trial) -> None:
    trial.upload(b"x" * 500_000)
    (call,) = trial.calls()
    assert isinstance(call["body_sha256"], str)
    assert len(call["body_sha256"]) == 64


def test_jobs_of_all_accounts() -> None:
    with running(SandboxSettings(step_seconds=0)) as url:
        with trial_at(url, KEY) as one, trial_at(url, OTHER_KEY) as other:
            one.order()
            other.order()
            jobs = one.http.get("/sandbox/jobs").json()["jobs"]
        assert [job["account_hint"] for job in jobs] == [KEY[-4:], OTHER_KEY[-4:]]


def test_the_call_log_is_bounded() -> None:
    log = CallLog(most=3)
    for number in range(5):
        log.arrived(
            Call(
                time=0,
                account_hint=None,
                method="GET",
                path="/v1/models",
                model=None,
                status=None,
                stream=False,
                headers={},
                body_sha256=None,
                request_id=str(number),
                account_id=None,
            )
        )
    log.answered("0", 200)
    assert [call.request_id for call in log.all()] == ["2", "3", "4"]
