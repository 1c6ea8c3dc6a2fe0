"""The caller goes away: the provider behind the translator sees its connection end, whatever the call waits for, and
the record says so. How long it takes is measured by `leaving.py`. Mirrors nothing: see conftest."""

import asyncio

import pytest

from tests.gateway.translated.firms import KINDS, Kind, new_firm, provider, record_of
from tests.gateway.translated.leaving import MOMENTS, Departure
from tests.support.admin import Admin
from tests.support.otlp import Collector, attributes


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_the_provider_sees_the_callers_end(admin: Admin, collector: Collector, kind: Kind, moment: str) -> None:
    firm = new_firm(admin)
    call = Departure(kind, moment)
    async with provider(firm, kind, call.script):
        await call.leave(firm, "leaving")
        row = await record_of(firm, "leaving")
    assert (row["cancelled"], row["attempts"], row["error"], row["stream"]) == (True, 1, None, call.stream)
    assert row["status"] == (200 if moment == "in the stream" else 0)
    [span] = await asyncio.to_thread(collector.of_call, row["call_id"])
    said = attributes(span)
    assert (said["error.type"], said["gen_ai.provider.name"]) == ("cancelled", kind.provider_name)
