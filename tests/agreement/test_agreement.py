"""Five hundred calls of every kind by five tenants at once: what spans, Why records, headers and metrics say of each is
what its provider received."""

import asyncio
import random
from pathlib import Path

from tests.agreement import asking
from tests.agreement.comparing import disagreements, miscounted
from tests.agreement.stage import cases, end, staged

ROUNDS = 4  # of each kind for each tenant: 500 calls


async def test_spans_and_records_say_what_the_provider_received(tmp_path: Path) -> None:
    seed = random.SystemRandom().getrandbits(32)
    async with staged(tmp_path) as (stage, collector):
        asks = asking.calls(stage.tenants, ROUNDS, seed)
        assert (len(asks), len(stage.tenants)) == (500, 5)
        heard = await stage.make(asks)
        samples = await asyncio.to_thread(stage.settled_samples, len(asks))
        records = [record for tenant in stage.tenants for record in await asyncio.to_thread(stage.records, tenant)]
        await asyncio.to_thread(end, stage.gateway)  # the last spans are sent
        found = cases(stage, asks, heard, records, list(collector.spans))
    wrong = [words for case in found for words in disagreements(case)] + miscounted(found, samples)
    reasons = sorted({record["reason"] or "none" for record in records})
    print(f"{len(found)} calls (seed {seed}), {len(collector.spans)} spans, {len(records)} records, reasons {reasons}")  # noqa: T201
    print(f"disagreements: {len(wrong)}", *wrong[:20], sep="\n  ")  # noqa: T201 - the measure's figure
    assert not wrong
    assert len(reasons) == 10  # all nine of the contract, and none
