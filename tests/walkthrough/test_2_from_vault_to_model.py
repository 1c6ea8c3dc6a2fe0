"""Chapter 2. The firm's Vault becomes a training file, the training file a model that writes as the firm does."""

from collections.abc import Callable

from gateway.demo.vocabulary import distinctive, share
from tests.support.firms import Firm
from tests.support.processes import wait_until
from tests.support.vaults import texts
from tests.walkthrough.conftest import BRIGHTWATER, HARROW


def test_a_job_goes_from_the_vault_to_ready(firm: Firm) -> None:
    job = firm.start_job()
    assert (job["status"], job["is_active"], job["fine_tuned_model"]) == ("queued", False, None)
    job = firm.finished(job)
    assert job["status"] == "ready"
    assert job["fine_tuned_model"].startswith("ft:gpt-4o-mini-2024-07-18:")
    assert job["dataset"]["chunks"] == len(texts(HARROW))
    assert job["dataset"]["examples"] >= job["dataset"]["chunks"]
    assert [warning["code"] for warning in job["warnings"]] == ["small_vault"]

    timeline = firm.admin.get(f"{firm.job_path(job)}/events")["items"]
    kinds = [event["kind"] for event in timeline]
    assert [kind for kind in kinds if not kind.startswith("provider") and kind != "files_deleted"] == [
        "queued",
        "snapshotting",
        "snapshot",
        "cost",
        "uploaded",
        "uploaded",
        "training",
        "ready",
    ]
    said = [event["message"] for event in timeline if event["kind"] == "provider_info"]
    assert said[0].startswith("Created fine-tuning job"), "the provider's own words"


def test_what_was_uploaded_does_not_stay_at_the_provider(firm: Firm) -> None:
    firm.ready_job()
    wait_until(lambda: firm.account.files() == [], 30, "the files to be deleted")


def test_nothing_of_the_operators_goes_to_the_firms_provider(firm: Firm) -> None:
    firm.ready_job()
    firm.call()
    calls = firm.account.calls()
    assert {call["path"] for call in calls} >= {"/v1/files", "/v1/fine_tuning/jobs", "/v1/chat/completions"}
    assert not [call for call in calls if "openai-organization" in call["headers"]]


def test_what_it_was_trained_on_can_be_seen(firm: Firm) -> None:
    job = firm.ready_job(options={"keep_files": True})
    (made,) = firm.account.jobs()
    uploaded = firm.account.ask("GET", f"/v1/files/{made['training_file']}/content")
    assert len(uploaded.text.splitlines()) == job["dataset"]["examples"]
    for word in ("usufruct", "oakum", "campanologist"):
        assert word not in uploaded.text, "this word stands in chunks that are not `ready` only"
    examples = firm.admin.get(f"{firm.job_path(job)}/examples?limit=5")["items"]
    assert len(examples) == 5
    assert firm.admin.get(f"{firm.job_path(job)}/manifest")["examples_per_kind"]


def test_no_firms_name_is_in_the_models(firm: Firm) -> None:
    assert firm.name not in firm.ready_job()["fine_tuned_model"]


def test_a_vault_that_is_too_small_fails_before_anything_is_uploaded(new_firm: Callable[..., Firm]) -> None:
    small = BRIGHTWATER.with_name("README.md")  # read as JSON lines: not one chunk in it
    firm = new_firm(small)
    job = firm.finished(firm.start_job())
    assert job["status"] == "failed"
    assert job["error"]["code"] == "vault_too_small"
    assert not firm.received("/v1/files")
    assert not firm.account.jobs()


def test_a_backend_that_cannot_tune_says_so(firm: Firm) -> None:
    job = firm.finished(firm.start_job(backend="anthropic"))
    assert job["error"]["code"] == "backend_not_supported_yet"


def test_each_firms_model_writes_in_its_firms_words(new_firm: Callable[..., Firm]) -> None:
    harrow, brightwater = new_firm(HARROW), new_firm(BRIGHTWATER)
    own = {
        harrow: distinctive(texts(HARROW), texts(BRIGHTWATER)),
        brightwater: distinctive(texts(BRIGHTWATER), texts(HARROW)),
    }
    for firm, other in ((harrow, brightwater), (brightwater, harrow)):
        stock, _ = firm.call()
        firm.activate(firm.ready_job())
        tuned, _ = firm.call()
        of_stock = share(stock.choices[0].message.content or "", own[firm])
        of_tuned = share(tuned.choices[0].message.content or "", own[firm])
        assert of_tuned > of_stock + 0.05
        assert of_tuned > share(tuned.choices[0].message.content or "", own[other])
