"""The audit log through the admin API: every change with who, what, before and after; nothing secret in it."""

import hashlib
import time
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import redis

from gateway import timestamps
from gateway.store import keys
from gateway.store.audits import Actor, encode
from tests.support.admin import NO_TLS, STOCK, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program
from tests.support.raw import Cut, Raw
from tests.support.redis import Stoppable

PLATFORM = {"type": "platform_admin", "id": "key_bootstrap", "label": "HOUSESTYLE_ADMIN_KEY"}
JSON_LINES = {"accept": "application/x-ndjson"}
OWN = ("name", "rule", "fallback", "suspended", "allowed_paths", "cost_limit_usd")
NEW_TENANT = {
    "rule": "default_only",
    "fallback": "stock",
    "suspended": False,
    "allowed_paths": [],
    "cost_limit_usd": None,
}


@pytest.fixture
def firm(admin: Admin, sandbox: Program) -> Firm:
    """A tenant with a provider and a key."""
    return Firm(admin, sandbox.url)


class Log:
    """The audit log at one place: a tenant's (`/tenants/NAME/audit`) or the platform's (`/audit`)."""

    def __init__(self, admin: Admin, path: str) -> None:
        self._admin = admin
        self.path = path

    def records(self, query: str = "") -> list[Any]:
        """A page, newest first."""
        return list(self._admin.get(f"{self.path}{query}")["items"])

    def told(self, asking: Admin, method: str, path: str, body: Any = None) -> tuple[Any, Any]:
        """A change that must succeed: its answer and its record, which must be the only one, and say when and which."""
        newest = self.records("?limit=1")
        began = time.time()
        answer = asking.ask(method, path, body)
        assert answer.status_code in (200, 201, 204), answer.text
        record, *others = self.records("?limit=2")
        assert others == newest[:1]
        assert record["revision"] == int(answer.headers["x-revision"])
        assert began - 1 <= timestamps.to_seconds(record["time"]) <= time.time() + 1
        return (answer.json() if answer.content else None), record

    def untold(self, asking: Admin, method: str, path: str, body: Any = None) -> tuple[Any, dict[str, str]]:
        """A request that changes nothing: its answer and its headers; no record came of it."""
        newest = self.records("?limit=1")
        answer = asking.ask(method, path, body)
        assert answer.status_code in (200, 201), answer.text
        assert self.records("?limit=1") == newest
        return answer.json(), dict(answer.headers)


def shown(record: Any) -> tuple[Any, Any, Any, Any]:
    """Action, tenant, before and after."""
    return record["action"], record["tenant"], record["before"], record["after"]


def view(answer: Any, *fields: str) -> dict[str, Any]:
    """Some fields of an answer."""
    return {name: answer[name] for name in fields}


# every change


def test_tenants(admin: Admin) -> None:
    name = unique("t")
    path, log = f"/tenants/{name}", Log(admin, "/audit")
    made, record = log.told(admin, "PUT", path, {})
    assert record["actor"] == PLATFORM
    assert set(record) == {
        "id", "time", "actor", "address", "action", "tenant", "before", "after", "revision",
    }  # fmt: skip
    assert shown(record) == ("tenant.put", name, None, {**NEW_TENANT, "name": name})
    changed, record = log.told(admin, "PUT", path, {"rule": "all", "suspended": True, "allowed_paths": ["rerank"]})
    assert shown(record) == ("tenant.put", name, view(made, *OWN), view(changed, *OWN))
    _, record = log.told(admin, "DELETE", f"{path}?erase=true")
    assert shown(record) == ("tenant.delete", name, view(changed, *OWN), {"deleted": True, "erase": True})


def test_providers_whose_credential_changed_say_so_and_do_not_show_it(admin: Admin, firm: Firm) -> None:
    log, path = Log(admin, f"{firm.path}/audit"), f"{firm.path}/providers/other"
    body = {**firm.provider, "api_key": "sk-one-of-the-firms-1234"}
    made, record = log.told(admin, "PUT", path, body)
    assert shown(record) == ("provider.put", firm.name, None, made)
    assert made["api_key_hint"] == "…1234"
    _, record = log.told(admin, "PUT", path, {**body, "api_key": "sk-another-of-its-1234"})
    assert shown(record) == ("provider.put", firm.name, made, {**made, "api_key_changed": True})
    changed, record = log.told(admin, "PUT", path, {**body, "api_key": "sk-another-of-its-1234", "is_default": True})
    assert shown(record) == ("provider.put", firm.name, made, changed)
    _, record = log.told(admin, "DELETE", path)
    assert shown(record) == ("provider.delete", firm.name, changed, None)


def test_keys_of_a_tenant_and_of_the_platform(admin: Admin, firm: Firm) -> None:
    for log, path, tenant, role in (
        (Log(admin, f"{firm.path}/audit"), f"{firm.path}/keys", firm.name, "tenant_admin"),
        (Log(admin, "/audit"), "/keys", None, "service"),
    ):
        made, record = log.told(admin, "POST", path, {"role": role, "label": "Laptop"})
        key = {name: value for name, value in made.items() if name != "key"}
        action, of, before, after = shown(record)
        assert (action, of, before) == ("key.make", tenant, None)
        assert view(after, *key) == key
        assert not {"key", "sha256"} & set(after)
        _, record = log.told(admin, "DELETE", f"{path}/{made['id']}")
        action, of, before, after = shown(record)
        assert (action, of, view(before, *key), after) == ("key.revoke", tenant, key, None)
        assert not {"key", "sha256"} & set(before)


def test_vaults_jobs_and_which_model_answers(admin: Admin, firm: Firm, vault: Path) -> None:
    log = Log(admin, f"{firm.path}/audit")
    counted, record = log.told(admin, "PUT", f"{firm.path}/vault", {"url": vault.as_uri()})
    assert shown(record) == ("vault.put", firm.name, None, counted)

    job, record = log.told(admin, "POST", f"{firm.path}/jobs", {"label": "Spring", "backend": "openai"})
    assert shown(record) == ("job.make", firm.name, None, job)
    assert firm.finished(job)["status"] == "ready"

    path = firm.job_path(job)
    _, record = log.told(admin, "POST", f"{path}/activate", {"share": 0.5})
    assert shown(record) == ("activate", firm.name, None, {"job_id": job["id"], "share": 0.5})
    _, record = log.told(admin, "POST", f"{path}/activate", {})
    assert shown(record)[2:] == ({"job_id": job["id"], "share": 0.5}, {"job_id": job["id"], "share": 1.0})
    _, record = log.told(admin, "POST", f"{firm.path}/stock", {})
    assert shown(record) == ("stock", firm.name, {"job_id": job["id"], "share": 1.0}, None)

    second = firm.start_job()
    _, record = log.told(admin, "POST", f"{firm.job_path(second)}/cancel", {})
    action, tenant, before, after = shown(record)
    assert (action, tenant, after) == ("job.cancel", firm.name, {"job_id": second["id"], "cancel_requested": True})
    assert set(before) == {"job_id", "status"}


def test_who_made_a_change_is_the_key_that_asked(admin: Admin, firm: Firm, gateway: Program) -> None:
    made = admin.post(f"{firm.path}/keys", {"role": "tenant_admin", "label": "Ms Fairfax"})
    with Admin(gateway.url, made["key"]) as own:
        _, record = Log(own, f"{firm.path}/audit").told(own, "PUT", firm.path, {"name": "Ours"})
        assert record["actor"] == {"type": "tenant_admin", "id": made["id"], "label": "Ms Fairfax"}


def test_what_was_refused_changed_nothing_and_is_not_in_the_log(admin: Admin, firm: Firm) -> None:
    log = Log(admin, f"{firm.path}/audit")
    before = log.records()
    for method, path, body in (
        ("PUT", "", {"rule": "sometimes"}),
        ("PUT", "/providers/main", {"kind": "openai", "default_model": STOCK, "base_url": "http://10.0.0.1"}),
        ("DELETE", "/providers/other", None),
        ("POST", "/keys", {"role": "service"}),
        ("POST", "/jobs/job_0/activate", {}),
    ):
        admin.refused(method, firm.path + path, body)
    assert log.records() == before


# nothing to change


def test_a_repeat_that_changes_nothing_writes_nothing_and_answers_what_stands(
    admin: Admin, firm: Firm, vault: Path
) -> None:
    log = Log(admin, f"{firm.path}/audit")
    admin.put(f"{firm.path}/vault", {"url": vault.as_uri()})
    settings = {"name": "Fairfax", "rule": "all", "allowed_paths": ["rerank"]}
    admin.put(firm.path, settings)
    stands = admin.get(firm.path)
    admin.put(f"/tenants/{unique('t')}", {})  # the store goes on; the tenant stands where it did
    for method, path, body in (
        ("PUT", "", settings),
        ("PUT", "", {}),
        ("PUT", "", {"rule": "all"}),
        ("PUT", "/providers/main", firm.provider),
        ("PUT", "/providers/main", {name: firm.provider[name] for name in ("kind", "default_model")}),
        ("PUT", "/providers/main", {**firm.provider, "is_default": True}),
        ("PUT", "/vault", {"url": vault.as_uri()}),
        ("POST", "/stock", {}),
    ):
        first = admin.ask(method, firm.path + path, body).json()
        answer, headers = log.untold(admin, method, firm.path + path, body)
        assert headers["x-revision"] == str(stands["revision"]), path
        assert headers["x-replicas"] == headers["x-acknowledged"] == "1"
        if path != "/stock":
            assert answer == first
    assert admin.get(firm.path) == stands


def test_a_job_activated_again_is_answered_as_it_stands(admin: Admin, firm: Firm, vault: Path) -> None:
    log = Log(admin, f"{firm.path}/audit")
    admin.put(f"{firm.path}/vault", {"url": vault.as_uri()})
    job = firm.ready_job()
    first = firm.activate(job, share=0.5)
    again, headers = log.untold(admin, "POST", f"{firm.job_path(job)}/activate", {"share": 0.5})
    measured = ("propagation_ms",)
    assert {**again, **view(first, *measured)} == first
    assert headers["x-revision"] == str(first["revision"])
    assert (again["replicas"], again["acknowledged"], again["durable"]) == (1, 1, True)
    assert log.told(admin, "POST", f"{firm.job_path(job)}/activate", {})[0]["revision"] > first["revision"]


def test_an_order_repeated_and_a_cancel_repeated_change_nothing(admin: Admin, firm: Firm, vault: Path) -> None:
    log = Log(admin, f"{firm.path}/audit")
    admin.put(f"{firm.path}/vault", {"url": vault.as_uri()})
    order, once = {"label": "Spring", "backend": "openai"}, {"idempotency-key": unique("order")}
    first = admin.ask("POST", f"{firm.path}/jobs", order, once)
    again = admin.ask("POST", f"{firm.path}/jobs", order, once)
    assert again.json() == first.json()
    assert again.headers["x-revision"] == first.headers["x-revision"]
    assert [record["action"] for record in log.records()].count("job.make") == 1
    path = firm.job_path(first.json())
    for _ in range(3):
        assert "x-revision" in admin.ask("POST", f"{path}/cancel", {}).headers
    assert [record["action"] for record in log.records()].count("job.cancel") <= 1


# reading


def test_a_tenants_own_admin_reads_its_own_log_alone(admin: Admin, firm: Firm, gateway: Program) -> None:
    key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"]
    admin.put(f"/tenants/{unique('t')}", {})
    with Admin(gateway.url, key) as own:
        mine = own.get(f"{firm.path}/audit")["items"]
        assert mine == admin.get(f"/audit?tenant={firm.name}")["items"]
        assert {record["tenant"] for record in mine} == {firm.name}
        assert own.get(f"{firm.path}/audit?tenant=another")["items"] == mine
        assert own.refused("GET", "/audit")[:2] == (403, "forbidden_role")
        assert own.refused("GET", f"/audit?tenant={firm.name}")[:2] == (403, "forbidden_role")


def test_filters(admin: Admin, firm: Firm, gateway: Program) -> None:
    made = admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})
    with Admin(gateway.url, made["key"]) as own:
        own.put(firm.path, {"name": "Ours"})
        own.delete(f"{firm.path}/providers/main")
    log = Log(admin, f"{firm.path}/audit")

    def actions(query: str) -> list[str]:
        return [record["action"] for record in log.records(query)]

    every = ["provider.delete", "tenant.put", "key.make", "key.make", "provider.put", "tenant.put"]
    assert actions("") == every
    assert actions(f"?actor={made['id']}") == every[:2]
    assert actions("?action=provider.") == ["provider.delete", "provider.put"]
    assert actions("?action=provider.put") == ["provider.put"]
    assert actions("?action=provider") == []
    assert actions(f"?action=tenant.put&actor={made['id']}") == ["tenant.put"]
    third = log.records()[2]["time"]
    assert actions(f"?since={third}") + actions(f"?until={third}") == every
    assert set(actions(f"?since={third}")) >= {"provider.delete", "key.make"}
    assert [record["id"] for record in Log(admin, "/audit").records(f"?actor={made['id']}")] == [
        record["id"] for record in log.records(f"?actor={made['id']}")
    ]


def test_pages_and_an_export_hold_the_same(admin: Admin, firm: Firm) -> None:
    for number in range(7):
        admin.put(firm.path, {"name": f"Name {number}"})
    path = f"{firm.path}/audit"
    every = admin.get(path)["items"]
    found: list[Any] = []
    cursor = ""
    while True:
        page = admin.get(f"{path}?limit=3{cursor}")
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == every
    assert len(every) == 10
    export = admin.ask("GET", f"{path}?limit=2", headers=JSON_LINES)
    assert export.headers["content-type"] == "application/x-ndjson"
    assert export.headers["content-disposition"] == f'attachment; filename="audit-{firm.name}.jsonl"'
    assert export.headers["cache-control"] == "no-store"
    assert export.text.endswith("\n")
    assert [msgspec.json.decode(line) for line in export.text.splitlines()] == every
    whole = admin.ask("GET", "/audit?action=tenant.put", headers=JSON_LINES)
    assert 'filename="audit-all.jsonl"' in whole.headers["content-disposition"]
    lines = [msgspec.json.decode(line) for line in whole.text.splitlines()]
    assert [line for line in lines if line["tenant"] == firm.name] == [
        record for record in every if record["action"] == "tenant.put"
    ]
    assert admin.ask("GET", f"{path}?action=nothing", headers=JSON_LINES).content == b""


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("since=yesterday", "invalid_field", "since"),
        ("until=2026-01-01T00:00:00", "invalid_field", "until"),
        ("cursor=garbage", "invalid_field", "cursor"),
        ("cursor=0-0", "invalid_field", "cursor"),
        ("limit=0", "invalid_field", "limit"),
        ("limit=501", "invalid_field", "limit"),
        (f"limit={'9' * 5000}", "invalid_field", "limit"),
        ("tenant=a%22%0D%0Ax-made-up:1", "invalid_tenant_name", "tenant"),
    ],
)
def test_a_query_that_cannot_be_used(admin: Admin, query: str, code: str, param: str) -> None:
    assert admin.refused("GET", f"/audit?{query}") == (422, code, param)
    if param != "limit":
        assert admin.ask("GET", f"/audit?{query}", headers=JSON_LINES).status_code == 422


def test_a_deleted_tenants_log_stays_with_the_platform(admin: Admin, firm: Firm) -> None:
    every = admin.get(f"{firm.path}/audit")["items"]
    admin.delete(firm.path)
    assert admin.refused("GET", f"{firm.path}/audit")[:2] == (404, "tenant_not_found")
    deleted, *others = admin.get(f"/audit?tenant={firm.name}")["items"]
    assert (deleted["action"], others) == ("tenant.delete", every)


def test_nothing_alters_a_record(admin: Admin, firm: Firm) -> None:
    newest = admin.get(f"{firm.path}/audit")["items"]
    for path in ("/audit", f"/audit/{newest[0]['id']}", f"{firm.path}/audit", f"{firm.path}/audit/{newest[0]['id']}"):
        for method in ("PUT", "POST", "PATCH", "DELETE"):
            assert admin.ask(method, path, {}).status_code in (404, 405)
    assert admin.get(f"{firm.path}/audit")["items"] == newest


def test_no_secret_is_in_it(admin: Admin, sandbox: Program, vault: Path) -> None:
    firm = Firm(admin, sandbox.url, vault=vault)
    secret = f"sk-{unique('never-seen')}"
    admin.put(f"{firm.path}/providers/other", {**firm.provider, "api_key": secret})
    admin.put(f"{firm.path}/providers/other", {**firm.provider, "api_key": secret[::-1]})
    for path, role in ((f"{firm.path}/keys", "caller"), ("/keys", "service")):
        made = admin.post(path, {"role": role})
        admin.delete(f"{path}/{made['id']}")
    admin.post(f"{firm.path}/jobs", {"label": "Spring", "backend": "openai"})
    admin.delete(firm.path)
    text = admin.ask("GET", "/audit", headers=JSON_LINES).text
    assert firm.name in text
    for known in (secret, secret[::-1], firm.key, firm.account.key, made["key"], ADMIN_KEY):
        assert known not in text
        assert hashlib.sha256(known.encode()).hexdigest() not in text
    assert "sealed" not in text
    assert "v1." not in text  # how a sealed secret begins


# a store that goes away


def fill(server: Stoppable, count: int) -> None:
    """So many records of about two kilobytes."""
    actor = Actor("platform_admin", "key_1")
    record = encode(actor, time="2026-11-22T12:00:00.000Z", action="x", tenant=None, before=None, after="x" * 2000)
    with redis.Redis.from_url(server.url, protocol=2) as client:
        pipe = client.pipeline(transaction=False)
        for _ in range(count):
            pipe.xadd(keys.AUDIT, {"revision": 1, "record": record})
        pipe.execute()


def test_an_export_that_the_store_breaks_off_is_no_whole_one(shared: Stoppable, apart: Program) -> None:
    fill(shared, 10_000)
    head = f"GET /admin/api/audit HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN_KEY}\r\n"
    asked = f"{head}accept: application/x-ndjson\r\n\r\n".encode()
    with Raw(apart.url, receive_buffer=8192) as caller:
        caller.send(asked)
        answer = caller.answer()
    assert (answer.status, answer.chunked, answer.body.count(b"\n")) == (200, True, 10_000)
    with Raw(apart.url, receive_buffer=8192) as caller:
        caller.send(asked)
        assert caller.head().status == 200
        shared.stop()
        with pytest.raises(Cut):
            while caller.chunk():
                pass
    with Admin(apart.url) as admin:
        said = admin.ask("GET", "/audit", headers=JSON_LINES)
        assert (said.status_code, said.json()["error"]["code"]) == (503, "store_unavailable")
    shared.start()


def test_a_caller_who_leaves_ends_the_export(shared: Stoppable, apart: Program) -> None:
    with httpx2.Client(base_url=apart.url, verify=NO_TLS, timeout=30) as http:
        headers = {**JSON_LINES, "authorization": f"Bearer {ADMIN_KEY}"}
        with http.stream("GET", "/admin/api/audit", headers=headers) as answer:
            assert answer.status_code == 200
            assert next(answer.iter_bytes())
        assert http.get("/healthz").status_code == 200
