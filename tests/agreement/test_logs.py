"""What a gateway writes to standard error: one JSON line for each refused, failed or cancelled call, with its ids, and
nowhere a prompt, an answer or a secret."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from tests.agreement import answers, asking
from tests.agreement.stage import Stage, end, staged
from tests.agreement.values import Ask, Heard, Tenant
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.processes import ADMIN_KEY

ENDS = ("call_refused", "call_failed", "call_cancelled")
PASSWORD = "the-password-of-the-vault"
_BODY = json.dumps({"model": STOCK, "messages": [{"role": "user", "content": asking.PROMPT}]}).encode()
_OTHERS_KEY = "hs_a_key_that_nobody_has"

# Refusals of a known tenant's calls and of nobody's: headers beside the key, path, body; and the status that comes.
_REFUSED: tuple[tuple[int, str, dict[str, str], bytes], ...] = (
    (401, "chat/completions", {"authorization": f"Bearer {_OTHERS_KEY}"}, _BODY),
    (401, "chat/completions", {"x-api-key": _OTHERS_KEY}, _BODY),
    (401, "chat/completions", {"authorization": ""}, _BODY),
    (403, "chat/completions", {"authorization": f"Bearer {ADMIN_KEY}"}, _BODY),
    (403, "chat/completions", {"x-tenant-id": "another"}, _BODY),
    (403, f"files?{_OTHERS_KEY}", {}, _BODY),
    (404, "chat/completions", {"x-provider": asking.PROMPT}, _BODY),
    (400, "chat/completions", {}, _BODY[:-1]),
    (400, "chat/completions", {}, _BODY.replace(b'"gpt', b'["gpt').replace(b'mini"', b'mini"]')),
    (400, "chat/completions", {"content-encoding": "gzip"}, _BODY),
    (413, "chat/completions", {}, _BODY.replace(b"prompt", b"prompt" * 40_000)),
    (501, "chat/completions", {"connection": "upgrade", "upgrade": "websocket"}, _BODY),
)
# What a provider may do beside what the calls of `asking` have it do, and the status that comes of it.
_FAILING = (("hold", 504), ("garbage", 502), ("hang up", 502))


class Line:
    """What must be said of a call."""

    def __init__(self, event: str, error: str | None) -> None:
        self.event = event
        self.error = error


def wanted(ask: Ask, tenant: Tenant, heard: Heard, stage: Stage) -> Line | None:
    """What must be said of one of `asking`'s calls."""
    if ask.leaves:
        return Line("call_cancelled", None)
    if ask.refusal:
        return Line("call_failed" if ask.unreachable else "call_refused", ask.refusal[1])
    if not heard.whole:
        return Line("call_failed", "upstream_disconnected")
    assert tenant.credential == stage.provider.received[ask.number][0].credential
    return Line("call_failed", str(heard.status)) if heard.status >= 400 else None


async def refuse(stage: Stage, tenant: Tenant, http: httpx2.AsyncClient) -> dict[str, Line]:
    """Has the gateway refuse in every way: the calls, by their id."""
    said: dict[str, Line] = {}
    for status, path, headers, body in _REFUSED:
        own = {"authorization": f"Bearer {tenant.key}", "content-type": "application/json", **headers}
        if "x-api-key" in headers:  # two keys that differ
            own["authorization"] = f"Bearer {tenant.key}"
        answer = await http.post(f"/v1/{path}", content=body, headers=own)
        assert answer.status_code == status, (path, headers, answer.text)
        said[answer.headers["x-call-id"]] = Line("call_refused", answer.json()["error"]["code"])
    return said


async def fail(tenant: Tenant, http: httpx2.AsyncClient) -> dict[str, Line]:
    """Has the provider fail in the ways that are left."""
    said: dict[str, Line] = {}
    for number, (act, status) in enumerate(_FAILING):
        headers = {"authorization": f"Bearer {tenant.key}", "x-number": str(-1 - number), "x-act": act}
        answer = await http.post("/v1/chat/completions", content=_BODY, headers=headers)
        assert answer.status_code == status, answer.text
        said[answer.headers["x-call-id"]] = Line("call_failed", answer.json()["error"]["code"])
    return said


def administer(admin: Admin, tenant: Tenant) -> None:
    """What an admin may do wrong with a secret in hand."""
    path = f"/tenants/{tenant.name}"
    vault = {"url": "postgresql://reader@127.0.0.1:1/vault", "options": {"table": "chunks", "password": PASSWORD}}
    assert admin.refused("PUT", f"{path}/vault", vault)[0] == 422
    wrong = {"kind": "openai", "base_url": "nowhere", "api_key": tenant.credential, "default_model": STOCK}
    assert admin.refused("PUT", f"{path}/providers/wrong", wrong)[0] == 422
    assert admin.refused("PUT", f"{path}/providers/wrong", [tenant.credential])[0] in (400, 422)
    assert admin.refused("GET", f"{path}/jobs?limit={tenant.credential}")[0] in (400, 422)


def _lines(log: Path) -> list[dict[str, Any]]:
    """Every line, which must be a JSON object."""
    found = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


async def test_every_call_that_ends_badly_has_its_line_and_no_line_says_too_much(tmp_path: Path) -> None:
    limits = {
        "HOUSESTYLE_MAX_BODY_MB": "0.1",
        "HOUSESTYLE_FIRST_BYTE_TIMEOUT": "5",
        "HOUSESTYLE_VAULT_ROOTS": "postgresql://127.0.0.1:1/",
    }
    async with staged(tmp_path, **limits) as (stage, _):
        asks = asking.calls(stage.tenants, 1, 11)
        heard = await stage.make(asks)
        plain = stage.tenants[0]
        async with httpx2.AsyncClient(base_url=stage.gateway.url, verify=NO_TLS, timeout=30) as http:
            said = await refuse(stage, plain, http) | await fail(plain, http)
        await asyncio.to_thread(administer, stage.admin, plain)
        await asyncio.to_thread(end, stage.gateway)
    by_name = {tenant.name: tenant for tenant in stage.tenants}
    for ask, told in zip(asks, heard, strict=True):
        line = wanted(ask, by_name[ask.tenant], told, stage)
        if line is not None:
            said[told.call_id or str(ask.trace_id)] = line
    text = stage.gateway.log.read_text()
    secrets = [asking.PROMPT, answers.TEXT, PASSWORD, ADMIN_KEY, _OTHERS_KEY, "hs_nobodys"]
    secrets += [one for tenant in stage.tenants for one in (tenant.key, tenant.credential)]
    assert [secret for secret in secrets if secret in text] == []
    lines = _lines(stage.gateway.log)
    ends = [line for line in lines if line["event"] in ENDS]
    assert all(line["call_id"].startswith("call_") and len(line["trace_id"]) == 32 for line in ends)
    found = {line["call_id"] if line["call_id"] in said else line["trace_id"]: line for line in ends}
    assert Counter(line["call_id"] for line in ends).most_common(1)[0][1] == 1, "one line each"
    missing, more = said.keys() - found.keys(), found.keys() - said.keys()
    print(f"{len(lines)} lines, {len(ends)} of them of calls; {len(missing)} calls without, {len(more)} too many")  # noqa: T201
    assert (missing, more) == (set(), set())
    wrong = {
        name: (found[name]["event"], found[name].get("error"))
        for name, line in said.items()
        if (line.event, line.error) != (found[name]["event"], found[name].get("error"))
    }
    assert wrong == {}
    refused = [line for line in lines if line["event"] == "model_refused"]
    assert refused
    assert all(line["call_id"] not in said or line["tenant"] for line in refused)
