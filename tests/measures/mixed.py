"""Many tenants at once over shared connections: the provider judges each request by the tenant that its body names, the
caller each answer by the tenant that it asked for."""

import asyncio
import json
import random
from typing import NamedTuple

from tests.measures.stage import Caller, Stage, Tenant

_CONNECTIONS = 100
_LEAVES = 0.05
_STREAMED = 0.5


class Mixed(NamedTuple):
    """`requests` reached the provider, `died` of them with their connection (and came again); `mismatched` carried
    another's credential or model; `answered` calls were answered rightly, `left` by their caller, `wrong` otherwise."""

    requests: int
    died: int
    mismatched: int
    answered: int
    left: int
    wrong: list[str]


async def mix(stage: Stage, tenants: list[Tenant], calls: int) -> Mixed:
    """Makes `calls` calls, each of a tenant chosen by chance."""
    before = await asyncio.to_thread(stage.seen)
    todo = iter(range(calls))
    counted = {"answered": 0, "left": 0}
    wrong: list[str] = []

    async def work() -> None:
        caller = None
        for _ in todo:
            caller = caller or await Caller.at(stage)
            tenant = random.choice(tenants)  # noqa: S311 - no secret
            outcome = await _call(caller, tenant)
            if outcome in counted:
                counted[outcome] += 1
            else:
                wrong.append(f"{tenant.name}: {outcome}")
            if outcome != "answered":
                caller.close()
                caller = None
        if caller is not None:
            caller.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(work())
    after = await asyncio.to_thread(stage.seen)
    wrong += after["mismatches"]
    difference = {name: after[name] - before[name] for name in ("requests", "died", "mismatched")}
    return Mixed(**difference, **counted, wrong=wrong)


async def _call(caller: Caller, tenant: Tenant) -> str:
    streamed = random.random() < _STREAMED  # noqa: S311 - no secret
    leaves = random.random() < _LEAVES  # noqa: S311 - no secret
    asked = {"model": "default", "user": tenant.name, "stream": streamed, "metadata": {"expected": tenant.model}}
    caller.ask(tenant, "mixed", json.dumps(asked).encode())
    if leaves:
        return "left"
    status, headers = await caller.head()
    body = await caller.body(headers)
    fine_tuned = "true" if tenant.model.startswith("ft:") else "false"
    if (status, headers["x-fine-tuned"]) != (200, fine_tuned):
        return f"{status} {headers['x-model-reason']} {body[:200]!r}"
    told = [json.loads(line[6:]) for line in body.split(b"\n\n")[:3]] if streamed else [json.loads(body)]
    right = all((one["id"], one["model"]) == (tenant.name, tenant.model) for one in told)
    if streamed and not (len(told) == 3 and body.endswith(b"data: [DONE]\n\n") and b"usage" not in body):
        return f"a stream of another shape: {body!r}"
    return "answered" if right else f"another's answer: {body[:200]!r}"
