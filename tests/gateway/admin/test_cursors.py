"""Where a page of a list begins: what no page before answered is refused, by every list."""

import re

import pytest

from tests.support.admin import Admin
from tests.support.firms import Firm

WRONG = ("garbage", "0-0", "job_", "job_g", "Job_1", "key_ 1", "UPPER", "-x", "a" * 200, "%00", "1-1-1")
LISTS = (
    "/tenants/{tenant}/jobs",
    "/tenants/{tenant}/jobs/{job_id}/events",
    "/tenants/{tenant}/keys",
    "/keys",
    "/tenants/{tenant}/lineage",
    "/tenants/{tenant}/why",
    "/tenants/{tenant}/audit",
    "/audit",
)


def test_no_list_was_forgotten(admin: Admin) -> None:
    paths = admin.get("/openapi.json")["paths"]
    paged = {
        path
        for path, operations in paths.items()
        for one in operations.get("get", {}).get("parameters", [])
        if one["name"] == "cursor"
    }
    assert paged == {*LISTS, "/tenants"}


@pytest.mark.parametrize("path", LISTS)
def test_what_no_page_answered_is_no_cursor(admin: Admin, firm: Firm, path: str) -> None:
    job = firm.start_job(backend="anthropic")
    address = path.format(tenant=firm.name, job_id=job["id"])
    more = "document_id=x&" if "lineage" in path else ""
    for cursor in WRONG:
        assert admin.refused("GET", f"{address}?{more}cursor={cursor}") == (422, "invalid_field", "cursor"), cursor
    assert admin.ask("GET", f"{address}?{more}cursor=").status_code == 200


def test_a_tenants_name_is_what_the_list_of_tenants_answers(admin: Admin) -> None:
    for cursor in WRONG:
        if not re.fullmatch("[a-z0-9][a-z0-9-]{0,62}", cursor):
            assert admin.refused("GET", f"/tenants?cursor={cursor}") == (422, "invalid_field", "cursor"), cursor
