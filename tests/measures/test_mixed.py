"""The measure of mixed tenants, smaller than `scripts/measure` makes it: as a test it has to hold at every change."""

import asyncio

from tests.measures.mixed import mix
from tests.measures.stage import staged


async def test_no_tenants_model_or_credential_is_seen_in_anothers_call() -> None:
    with staged() as stage:
        tenants = await asyncio.to_thread(stage.tenants, 12, 6)
        assert len({tenant.model for tenant in tenants}) == 12
        seen = await mix(stage, tenants, 2000)
    assert (seen.mismatched, seen.wrong) == (0, [])
    assert seen.answered + seen.left == 2000
    assert seen.answered > 1500
    assert seen.died > 0, "calls were sent again over another connection"
