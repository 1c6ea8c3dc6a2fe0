"""The daily round on a real store and a real provider: jobs get their dates and warnings once, whoever goes round and
however often it is cut off; each account is asked once a day."""

import asyncio
import ipaddress
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from finetune import activation, records
from finetune.retiring import Retiring
from finetune.told_models import NotTold, Provider, ToldModels
from finetune.values import Job
from gateway.admin.provider_models import ProviderModels
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import ProviderRow, TenantRow
from gateway.upstream.addresses import Guard
from tests.support.admin import STOCK, unique
from tests.support.jobs import job_value
from tests.support.processes import Program
from tests.support.sandbox import Account

KEYRING = Keyring((b"k" * 32,))
GUARD = Guard((ipaddress.ip_network("127.0.0.0/8"),))
BASE = "gpt-4.1-2025-04-14"  # a model of the sandbox's that no other test needs
DAY = 86400.0
TODAY = datetime.fromisoformat("2026-11-22T12:00:00Z").timestamp()


class Town:
    """Firms with jobs at a provider, and the round that comes by."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.url = url
        self.now = TODAY
        self.asked: list[tuple[str, str]] = []

    def provider(self) -> Provider:
        """The real one; it is noted who is asked."""
        real = ProviderModels(KEYRING, GUARD, None)

        async def models(tenant: TenantRow, name: str) -> dict[str, str | None]:
            self.asked.append((tenant.tenant, name))
            return await real.told(tenant, name)

        return Provider(models, real.account)

    def told_models(self) -> ToldModels:
        return ToldModels(self.store, self.provider(), lambda: self.now, pause=0)

    def retiring(self) -> Retiring:
        return Retiring(self.store, self.told_models(), lambda: self.now)

    async def firm(self, *, kind: str = "openai_compatible", api_key: str = "", url: str = "") -> TenantRow:
        """A tenant with one provider."""
        tenant = unique("firm")
        sealed = KEYRING.seal(api_key or f"sk-{tenant}", tenant=tenant, field="providers/main/api_key")
        provider = ProviderRow(kind, url or f"{self.url}/v1", STOCK, sealed)
        row = TenantRow(tenant, "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", providers={"main": provider})
        await self.store.commit([Write(keys.TENANTS, tenant, None, msgspec.json.encode(row))])
        return row

    async def job(self, firm: TenantRow, **changes: Any) -> Job:
        """A ready job of a firm's, known to the data plane."""
        fields: dict[str, Any] = {"status": "ready", "fine_tuned_model": "ft:1", "base_model": BASE, **changes}
        job = job_value(id=records.new_id("job"), tenant=firm.tenant, **fields)
        row = await self.store.row(keys.TENANTS, firm.tenant)
        assert row is not None
        writes = [*records.creation(job)]
        if job.status == "ready":
            known = activation.known(msgspec.json.decode(row.body, type=TenantRow), job, None, now=job.updated_at)
            writes.append(Write(keys.TENANTS, firm.tenant, row, msgspec.json.encode(known)))
        await self.store.commit(writes)
        return job

    async def load(self, job: Job) -> Job:
        found = await records.load(self.store, job.tenant, job.id)
        assert found is not None
        return found.job

    async def tenant(self, name: str) -> TenantRow:
        row = await self.store.row(keys.TENANTS, name)
        assert row is not None
        return msgspec.json.decode(row.body, type=TenantRow)

    async def lines(self, job: Job) -> list[str]:
        """The job's timeline, as kinds."""
        events, _ = await records.timeline(self.store, job.id, 100, None)
        return [event.kind for event in events]


@pytest.fixture
def town(store: Store, sandbox: Program) -> Town:
    """An empty one."""
    return Town(store, sandbox.url)


@pytest.fixture
def account(sandbox: Program) -> Iterator[Account]:
    """Steers the sandbox; what was announced is taken back."""
    account = Account(sandbox.url, unique("sk"))
    yield account
    account.retire(BASE, None)


def codes(job: Job) -> list[str]:
    return [warning.code for warning in job.warnings]


async def test_what_the_provider_announces_reaches_job_timeline_and_tenant(town: Town, account: Account) -> None:
    job = await town.job(await town.firm())
    live = await town.job(await town.firm(), status="training", fine_tuned_model=None)
    await town.retiring().round()
    assert ((await town.load(job)).retires_at, await town.lines(job)) == (None, [])

    town.now += DAY
    account.retire(BASE, "2026-12-20")
    await town.retiring().round()
    for one in (job, live):
        after = await town.load(one)
        assert (after.retires_at, codes(after)) == ("2026-12-20T00:00:00.000Z", ["retires_in_30_days"])
        assert "the provider" in after.warnings[0].message
        assert await town.lines(one) == ["retirement", "warning"]
    assert (await town.tenant(job.tenant)).fine_tunes[job.id].retires_at == "2026-12-20T00:00:00.000Z"

    town.now = datetime.fromisoformat("2026-12-14T00:00:00Z").timestamp()
    await town.retiring().round()
    town.now = datetime.fromisoformat("2026-12-21T00:00:00Z").timestamp()
    await town.retiring().round()
    assert codes(await town.load(job)) == ["retires_in_30_days", "retires_in_7_days", "retired"]

    account.retire(BASE, None)
    town.now += DAY
    await town.retiring().round()
    after = await town.load(job)
    assert (after.retires_at, codes(after)) == (None, [])


async def test_without_a_providers_word_the_shipped_dates_hold(town: Town) -> None:
    silent = await town.firm(kind="openai", url="http://127.0.0.1:9/v1")
    job = await town.job(silent, base_model="gpt-4o-mini-2024-07-18")
    await town.retiring().round()
    after = await town.load(job)
    assert (after.retires_at, codes(after)) == ("2027-01-14T00:00:00.000Z", ["retires_in_90_days"])
    assert "OpenAI's notice of 2026-10-14" in after.warnings[0].message


async def test_jobs_that_are_over_without_a_model_are_left_alone(town: Town, account: Account) -> None:
    account.retire(BASE, "2026-12-01")
    firm = await town.firm()
    over = [await town.job(firm, status=status) for status in ("failed", "cancelled")]
    await town.retiring().round()
    for job in over:
        assert await town.load(job) == job
    assert town.asked == [], "nobody is asked for nothing"


async def test_an_account_is_asked_once_a_day(town: Town, account: Account) -> None:
    first, second = [await town.firm(api_key=account.key) for _ in range(2)]
    other = await town.firm()
    jobs = [await town.job(firm) for firm in (first, first, second, other)]
    account.retire(BASE, "2026-12-01")
    await town.retiring().round()
    assert len(town.asked) == 2, "the account of two firms, and the other's"
    assert len(account.calls("GET", "/v1/models")) == 1
    for job in jobs:
        assert (await town.load(job)).retires_at == "2026-12-01T00:00:00.000Z"

    town.now += DAY / 2
    await town.retiring().round()
    assert len(town.asked) == 2
    town.now += DAY / 2
    await town.retiring().round()
    assert len(town.asked) == 4


async def test_another_provider_under_the_same_name_is_asked_anew(town: Town, account: Account) -> None:
    account.retire(BASE, "2026-12-01")
    firm = await town.firm()
    job = await town.job(firm)
    await town.retiring().round()
    row = await town.store.row(keys.TENANTS, firm.tenant)
    tenant = await town.tenant(firm.tenant)
    elsewhere = replace(tenant.providers["main"], base_url="http://127.0.0.1:9/v1")
    after = replace(tenant, providers={"main": elsewhere})
    await town.store.commit([Write(keys.TENANTS, firm.tenant, row, msgspec.json.encode(after))])
    await town.retiring().round()
    assert town.asked == [(firm.tenant, "main")] * 2
    assert (await town.load(job)).retires_at is None, "that the former one ends it says nothing of this one"


async def test_a_provider_that_does_not_answer_keeps_what_it_told_and_stops_nobody(
    town: Town, account: Account
) -> None:
    account.retire(BASE, "2026-12-20")
    firm, other = await town.firm(), await town.firm()
    job, others = await town.job(firm), await town.job(other)
    await town.retiring().round()
    faulty = Account(town.url, f"sk-{firm.tenant}")
    faulty.order("error_before", {"path": "/v1/models"}, None)
    try:
        town.now += DAY
        account.retire(BASE, "2026-12-10")
        await town.retiring().round()
    finally:
        faulty.clear()
    assert (await town.load(job)).retires_at == "2026-12-20T00:00:00.000Z"
    assert (await town.load(others)).retires_at == "2026-12-10T00:00:00.000Z"


async def test_a_damaged_tenant_and_a_damaged_job_are_not_the_others_trouble(town: Town, account: Account) -> None:
    account.retire(BASE, "2026-12-20")
    bad, good = await town.firm(), await town.firm()
    await town.job(bad)
    job = await town.job(good)
    await town.store.commit([Write(keys.jobs_of(bad.tenant), "job_0", None, b"{}")])
    await town.store.commit([Write(keys.TENANTS, "damaged", None, b'{"tenant":7}')])
    await town.retiring().round()
    assert codes(await town.load(job)) == ["retires_in_30_days"]


async def test_two_workers_at_once_warn_once_and_ask_once(town: Town, account: Account) -> None:
    account.retire(BASE, "2026-12-20")
    firms = [await town.firm() for _ in range(6)]
    jobs = [await town.job(firm) for firm in firms for _ in range(2)]
    await asyncio.gather(*(town.retiring().round() for _ in range(3)))
    assert sorted(town.asked) == sorted((firm.tenant, "main") for firm in firms)
    await town.retiring().round()
    for job in jobs:
        assert codes(await town.load(job)) == ["retires_in_30_days"]
        assert await town.lines(job) == ["retirement", "warning"]


@pytest.mark.parametrize("cut_after", range(1, 11))
async def test_a_round_that_was_cut_off_anywhere_is_made_good_by_the_next(
    town: Town, account: Account, cut_after: int
) -> None:
    account.retire(BASE, "2026-12-20")
    jobs = [await town.job(await town.firm()) for _ in range(3)]
    left = cut_after
    task: asyncio.Task[None] | None = None

    def clock() -> float:
        nonlocal left
        left -= 1
        if not left and task is not None:
            task.cancel()  # it ends at whatever it waits for next
        return town.now

    told = ToldModels(town.store, town.provider(), clock, pause=0)
    task = asyncio.create_task(Retiring(town.store, told, clock).round())
    await asyncio.wait([task])
    assert task.cancelled() == (left <= 0)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing of it goes on"
    await town.store.redis.delete(*[keys.asking(f"{job.tenant}/main") for job in jobs])  # as after two minutes
    await town.retiring().round()
    for job in jobs:
        assert codes(await town.load(job)) == ["retires_in_30_days"]
        assert await town.lines(job) == ["retirement", "warning"]


async def test_a_job_that_changes_meanwhile_keeps_both_changes(town: Town, account: Account) -> None:
    account.retire(BASE, "2026-12-20")
    job = await town.job(await town.firm(), status="training", fine_tuned_model=None)
    real = town.provider()

    async def models(tenant: TenantRow, name: str) -> dict[str, str | None]:
        found = await records.load(town.store, job.tenant, job.id)
        assert found is not None
        await records.save(town.store, found, replace(found.job, polls=7))
        return await real.models(tenant, name)

    told = ToldModels(town.store, Provider(models, real.account), lambda: town.now, pause=0)
    await Retiring(town.store, told, lambda: town.now).round()
    after = await town.load(job)
    assert (after.polls, codes(after)) == (7, ["retires_in_30_days"])


async def test_what_is_gone_leaves_the_index_and_the_table(town: Town, account: Account) -> None:
    account.retire(BASE, "2026-12-20")
    stays, goes = await town.job(await town.firm()), await town.job(await town.firm())
    await town.retiring().round()
    members = {f"{job.tenant}/{job.id}".encode() for job in (stays, goes)}
    assert set(await town.store.redis.zrange(keys.RETIRING, 0, -1)) == members
    row = await town.store.row(keys.TENANTS, goes.tenant)
    deleted = replace(await town.tenant(goes.tenant), deleted=True, providers={})
    await town.store.commit([Write(keys.TENANTS, goes.tenant, row, msgspec.json.encode(deleted))])
    await town.retiring().round()
    assert await town.store.redis.zrange(keys.RETIRING, 0, -1) == [f"{stays.tenant}/{stays.id}".encode()]
    assert await town.store.redis.hkeys(keys.TOLD) == [f"{stays.tenant}/main".encode()]


async def test_a_stopped_round_ends_before_the_rest(town: Town) -> None:
    for _ in range(30):
        await town.job(await town.firm())
    retiring = town.retiring()
    retiring.stop()
    await retiring.round()
    assert town.asked == []


async def test_whoever_starts_a_job_asks_the_provider_at_once(town: Town, account: Account) -> None:
    firm = await town.firm()
    now = "2026-11-22T12:00:00.000Z"
    dates = await town.told_models().dates(firm, "main")
    assert dates.why_not_tunable(BASE, "openai_compatible", now) is None
    account.retire(BASE, "2026-11-22")
    dates = await town.told_models().dates(firm, "main")
    assert "was retired on 2026-11-22" in (dates.why_not_tunable(BASE, "openai_compatible", now) or "")

    async def away(_tenant: TenantRow, _name: str) -> dict[str, str | None]:
        raise NotTold("away")

    lost = ToldModels(town.store, Provider(away, town.provider().account), lambda: town.now, pause=0)
    dates = await lost.dates(firm, "main")
    assert dates.retires_at(BASE, "openai_compatible") == "2026-11-22T00:00:00.000Z", "what was told last holds"
    assert (await lost.dates(firm, "none")).retires_at(BASE, "openai_compatible") is None
