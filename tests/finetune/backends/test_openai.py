"""The OpenAI backend against the sandbox: what it finds, what it makes, and what it makes of failures."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from finetune.backends.base import Access, Order, Refused, TryAgain
from finetune.backends.openai import OpenAIBackend
from gateway.upstream import guarded_http
from gateway.upstream.addresses import Guard
from tests.support.admin import BASE_MODEL, STOCK, unique
from tests.support.processes import Program
from tests.support.sandbox import CREATE, POLL, UPLOAD, Account
from tests.support.upstream import Peer, Received, upstream

LINE = '{"messages":[{"role":"user","content":"Draft %d."},{"role":"assistant","content":"The Keeper shall. %d"}]}\n'
SIZE = sum(len(LINE % (n, n)) for n in range(12))
LOCAL = Guard((ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture
def account(sandbox: Program) -> Account:
    """An account of the test's own."""
    return Account(sandbox.url, f"sk-{unique('backend')}")


@pytest.fixture
async def backend(account: Account) -> AsyncIterator[OpenAIBackend]:
    """The backend with that account."""
    backend = OpenAIBackend(Access("openai", account.base_url, account.key), guarded_http.client(LOCAL))
    yield backend
    await backend.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A training file."""
    path = tmp_path / "train.jsonl"
    path.write_text("".join(LINE % (n, n) for n in range(12)))
    return path


def order(file_id: str, uid: str = "uid_000000000001", seed: int | None = None) -> Order:
    """A job to be made."""
    return Order(uid, BASE_MODEL, file_id, {"n_epochs": 1}, seed)


async def test_a_file_is_found_again_by_name_and_size(backend: OpenAIBackend, file: Path) -> None:
    assert await backend.find_file("one.jsonl", SIZE) is None
    file_id = await backend.upload("one.jsonl", file)
    await backend.upload("two.jsonl", file)
    assert await backend.find_file("one.jsonl", SIZE) == file_id
    assert await backend.find_file("one.jsonl", SIZE - 1) is None
    assert await backend.find_file("three.jsonl", SIZE) is None


async def test_a_job_is_made_as_ordered_and_found_again_by_its_uid(
    backend: OpenAIBackend, account: Account, file: Path
) -> None:
    file_id = await backend.upload("one.jsonl", file)
    made = await backend.create_job(order(file_id, seed=5))
    [at_provider] = account.jobs()
    assert (at_provider["id"], at_provider["metadata"]) == (made.id, {"job_uid": "uid_000000000001"})
    assert (at_provider["seed"], at_provider["training_file"]) == (5, file_id)
    assert at_provider["method"]["supervised"]["hyperparameters"]["n_epochs"] == 1
    assert at_provider["user_provided_suffix"] == "hs-00000001"
    other = await backend.create_job(order(file_id, "uid_000000000002"))
    found = await backend.find_job("uid_000000000001")
    assert found is not None
    assert (found.id, found.phase) == (made.id, "running")
    assert other.id != made.id
    assert await backend.find_job("uid_nothing") is None


async def test_an_unknown_status_is_not_an_end(backend: OpenAIBackend, account: Account, file: Path) -> None:
    made = await backend.create_job(order(await backend.upload("one.jsonl", file)))
    account.order("status", POLL, status="held_for_safety_review")
    told = await backend.job(made.id)
    assert (told.status, told.phase) == ("held_for_safety_review", "running")


async def test_a_job_ends_and_its_model_can_be_named_only_then(
    backend: OpenAIBackend, account: Account, file: Path
) -> None:
    made = await backend.create_job(order(await backend.upload("one.jsonl", file)))
    async with asyncio.timeout(10):
        while (told := await backend.job(made.id)).phase == "running":  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
        assert told.phase == "succeeded"
        assert told.fine_tuned_model
        while not await backend.is_usable(told.fine_tuned_model):  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    assert told.trained_tokens
    assert await backend.is_usable(STOCK)
    assert not await backend.is_usable("ft:gpt-4o-mini:nobody::1")


async def test_a_running_job_is_cancelled(backend: OpenAIBackend, file: Path) -> None:
    made = await backend.create_job(order(await backend.upload("one.jsonl", file)))
    await backend.cancel(made.id)
    assert (await backend.job(made.id)).phase == "cancelled"


async def test_cancelling_a_job_that_is_over_is_no_failure(backend: OpenAIBackend, file: Path) -> None:
    cancelled = await backend.create_job(order(await backend.upload("one.jsonl", file)))
    await backend.cancel(cancelled.id)
    await backend.cancel(cancelled.id)
    assert (await backend.job(cancelled.id)).phase == "cancelled"

    done = await backend.create_job(order(await backend.upload("two.jsonl", file), "uid_000000000002"))
    async with asyncio.timeout(10):
        while (await backend.job(done.id)).phase == "running":  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    await backend.cancel(done.id)
    assert (await backend.job(done.id)).phase == "succeeded"


async def test_a_job_that_is_gone(backend: OpenAIBackend) -> None:
    with pytest.raises(Refused) as refused:
        await backend.job("ftjob-nothing")
    assert refused.value.code == "provider_job_missing"


async def test_what_is_wrong_with_an_order(backend: OpenAIBackend, file: Path) -> None:
    file_id = await backend.upload("one.jsonl", file)
    for wrong, code in (
        (Order("uid_1", "gpt-nonsense", file_id, {}), "base_model_not_tunable"),
        (Order("uid_1", BASE_MODEL, "file-nothing", {}), "training_file_rejected"),
        (Order("uid_1", BASE_MODEL, file_id, {"n_epochs": -1}), "training_failed"),
    ):
        with pytest.raises(Refused) as refused:
            await backend.create_job(wrong)
        assert refused.value.code == code
        assert "400" in refused.value.message


async def test_a_wrong_key(account: Account) -> None:
    for key in ("wrong-key-entirely", None):
        backend = OpenAIBackend(Access("openai", account.base_url, key), guarded_http.client(LOCAL))
        try:
            with pytest.raises(Refused) as refused:
                await backend.find_job("uid_1")
        finally:
            await backend.close()
        assert refused.value.code == "provider_auth_failed"
        assert "wrong-key-entirely" not in refused.value.message


async def test_failures_say_whether_there_may_be_an_effect(
    backend: OpenAIBackend, account: Account, file: Path
) -> None:
    file_id = await backend.upload("one.jsonl", file)
    account.order("rate_limit", CREATE, retry_after=7)
    with pytest.raises(TryAgain) as limited:
        await backend.create_job(order(file_id))
    assert (limited.value.after, limited.value.effect_possible) == (7, False)

    account.order("error_after", CREATE)
    with pytest.raises(TryAgain) as broken:
        await backend.create_job(order(file_id))
    assert (broken.value.after, broken.value.effect_possible, broken.value.answered) == (None, True, True)

    account.order("cut", CREATE)
    with pytest.raises(TryAgain) as cut:
        await backend.create_job(order(file_id, "uid_2"))
    assert (cut.value.effect_possible, cut.value.answered) == (True, False)
    assert len(account.jobs()) == 2  # each of them once: nothing is retried in here
    assert len(account.calls("POST", "/v1/fine_tuning/jobs")) == 3

    account.order("error_before", UPLOAD)
    with pytest.raises(TryAgain):
        await backend.upload("two.jsonl", file)
    assert len(account.files()) == 1


async def test_an_address_that_is_not_allowed_is_not_reached(account: Account) -> None:
    backend = OpenAIBackend(Access("openai", account.base_url, account.key), guarded_http.client(Guard()))
    try:
        with pytest.raises(TryAgain, match="not a public address"):
            await backend.find_job("uid_1")
    finally:
        await backend.close()
    assert account.calls() == []


@asynccontextmanager
async def answering(
    body: bytes, status: str = "200 OK", kind: str = "application/json"
) -> AsyncIterator[OpenAIBackend]:
    """The backend at a provider that answers everything alike."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(body, status, kind=kind)

    async with upstream(script) as server:
        backend = OpenAIBackend(Access("openai", f"{server.url}/v1", "sk-1"), guarded_http.client(LOCAL))
        try:
            yield backend
        finally:
            await backend.close()


@pytest.mark.parametrize(
    ("status", "effect_possible", "answered"),
    [
        ("500 Internal Server Error", True, True),
        ("501 Not Implemented", True, True),
        ("502 Bad Gateway", True, False),
        ("503 Service Unavailable", True, False),
        ("504 Gateway Timeout", True, False),
        ("524 A Timeout Occurred", True, False),
        ("408 Request Timeout", True, False),
        ("409 Conflict", True, False),
        ("429 Too Many Requests", False, True),
    ],
)
async def test_behind_a_proxys_answer_the_request_may_still_be_under_way(
    status: str,
    effect_possible: bool,
    answered: bool,
) -> None:
    async with answering(b'{"error":{"message":"no"}}', status) as backend:
        with pytest.raises(TryAgain, match="no") as failed:
            await backend.create_job(order("file-1"))
    assert (failed.value.effect_possible, failed.value.answered) == (effect_possible, answered)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"<html>Welcome</html>", "text/html"), (b"{}", "application/json"), (b"[]", "application/json")],
)
async def test_who_does_not_answer_as_the_api_does_is_told_about_the_address(body: bytes, kind: str) -> None:
    async with answering(body, kind=kind) as backend:
        for ask in (
            lambda: backend.create_job(order("file-1")),
            lambda: backend.job("ftjob-1"),
            lambda: backend.is_usable("ft:1"),
        ):
            with pytest.raises(TryAgain, match="base_url"):
                await ask()


async def test_a_key_that_the_provider_repeats_is_not_kept() -> None:
    body = b'{"error":{"message":"Incorrect API key provided: sk-1."}}'
    async with answering(body, "401 Unauthorized") as backend:
        with pytest.raises(Refused) as refused:
            await backend.create_job(order("file-1"))
    assert refused.value.message == "The provider answered 401: Incorrect API key provided: …."


@pytest.mark.parametrize("status", ["404 Not Found", "405 Method Not Allowed", "501 Not Implemented"])
async def test_a_server_without_events_checkpoints_and_results_tells_nothing(status: str) -> None:
    async with answering(b'{"error": {"message": "Invalid URL"}}', status) as backend:
        assert await backend.events("ftjob-1", None) == []
        assert await backend.checkpoints("ftjob-1") == []
        assert await backend.results(("file-1",)) == []


async def test_events_are_told_once_and_in_their_order(backend: OpenAIBackend, account: Account, file: Path) -> None:
    made = await backend.create_job(order(await backend.upload("one.jsonl", file)))
    async with asyncio.timeout(10):
        while (await backend.job(made.id)).phase == "running":  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    events = await backend.events(made.id, None)
    listed = account.ask("GET", f"/v1/fine_tuning/jobs/{made.id}/events?limit=100").json()["data"]
    assert [event.id for event in events] == [event["id"] for event in listed[::-1]]
    assert [event.point is not None for event in events] == [bool(event["data"]) for event in listed[::-1]]
    assert await backend.events(made.id, events[2].id) == events[3:]
    assert await backend.events(made.id, events[-1].id) == []


async def test_checkpoints_and_results_of_a_finished_job(backend: OpenAIBackend, account: Account, file: Path) -> None:
    made = await backend.create_job(order(await backend.upload("one.jsonl", file)))
    async with asyncio.timeout(10):
        while (told := await backend.job(made.id)).phase == "running":  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    kept = await backend.checkpoints(made.id)
    assert [one.step for one in kept] == sorted(one.step for one in kept)
    assert kept[-1].model == told.fine_tuned_model
    curve = await backend.results(told.result_files)
    assert [one.step for one in curve] == sorted({one.step for one in curve})
    assert curve[-1].step == kept[-1].step


async def test_a_file_is_deleted_once_and_a_missing_one_is_no_error(
    backend: OpenAIBackend, account: Account, file: Path
) -> None:
    file_id = await backend.upload("one.jsonl", file)
    await backend.delete_file(file_id)
    assert account.files() == []
    await backend.delete_file(file_id)


async def test_a_validation_file_goes_with_the_order(backend: OpenAIBackend, account: Account, file: Path) -> None:
    training, validation = await backend.upload("one.jsonl", file), await backend.upload("two.jsonl", file)
    await backend.create_job(Order("uid_1", BASE_MODEL, training, {}, validation_file_id=validation))
    assert account.jobs()[0]["validation_file"] == validation
