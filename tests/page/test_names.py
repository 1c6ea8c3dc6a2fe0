"""Whose key it was is told by its name, also when it has been revoked since."""

from tests.page.conftest import House
from tests.page.web import Web
from tests.support.admin import Admin
from tests.support.processes import Program


def test_a_revoked_keys_job_and_calls_have_its_holders_name(
    web: Web, house: House, admin: Admin, gateway: Program
) -> None:
    keys = f"{house.firm.path}/keys"
    guest = admin.post(keys, {"role": "tenant_admin", "label": "Guest of the summer"})
    desk = admin.post("/keys", {"role": "platform_admin", "label": "Help desk"})
    nameless = admin.post(keys, {"role": "tenant_admin"})
    jobs = []
    for made in (guest, desk, nameless):
        with Admin(gateway.url, made["key"]) as other:
            order = {"label": "Summer", "backend": "openai"}
            jobs.append(house.firm.finished(other.post(f"{house.firm.path}/jobs", order)))
    caller = admin.post(keys, {"role": "caller", "label": "Intake of yore"})
    call_id = house.firm.say(headers={"authorization": f"Bearer {caller['key']}"}).headers["x-call-id"]
    for path in (f"{keys}/{guest['id']}", f"/keys/{desk['id']}", f"{keys}/{nameless['id']}", f"{keys}/{caller['id']}"):
        admin.delete(path)

    web.signed_in(house.key)
    overview = web.get(house.url).text
    for made, job, name in zip((guest, desk, nameless), jobs, ("Guest of the summer", "Help desk", ""), strict=True):
        for page in (overview, web.get(f"{house.url}/jobs/{job['id']}").text):
            assert (name or made["id"]) in page
            assert (made["id"] in page) is (not name)
    assert "Intake of yore" in web.get(f"{house.url}/why").text
    assert "Intake of yore" in web.get(f"{house.url}/why/{call_id}").text
