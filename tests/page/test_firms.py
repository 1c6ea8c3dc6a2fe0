"""Firms: how a platform admin makes one, and what a new one is told to do next."""

import re

import pytest

from gateway.admin.page.firms import suggested
from gateway.admin.page.first_steps import steps
from tests.page.conftest import House
from tests.page.web import HOME, Web
from tests.support.admin import STOCK, Admin, unique
from tests.support.processes import ADMIN_KEY

NEW = f"{HOME}/_new"


def problem(page: str, field: str) -> str:
    """What is said at a field."""
    found = re.search(rf'id="{field}-problem" role="alert">([^<]*)<', page)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("name", "tenant"),
    [
        ("Brightwater & Partners", "brightwater-partners"),
        ("Müller, Søren & Fils S.à r.l.", "muller-sren-fils-s-a-r-l"),
        ("O'Hara", "ohara"),
        ("  --  ", ""),
        ("律师事务所", ""),
        ("x" * 62 + " & y", "x" * 62),
    ],
)
def test_an_id_is_made_of_the_name(name: str, tenant: str) -> None:
    assert suggested(name) == tenant


def test_a_platform_admin_makes_a_firm_and_is_told_what_is_next(web: Web, admin: Admin) -> None:
    tenant = unique("pell")
    web.signed_in(ADMIN_KEY)
    assert f'href="{NEW}"' in web.get(HOME).text
    answer = web.post(NEW, web.token(NEW), name=f" {tenant.capitalize()} ", tenant="")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/{tenant}")
    made = admin.get(f"/tenants/{tenant}")
    assert (made["id"], made["name"]) == (tenant, tenant.capitalize())
    page = web.get(f"{HOME}/{tenant}").text
    assert "No jobs yet" in page
    order = [page.index(f"<b>{step.label}</b>") for step in steps("", False, False, False)]
    assert order == sorted(order)
    for path in ("settings/provider", "settings/key", "settings/vault", "new"):
        assert f'<a href="{HOME}/{tenant}/{path}">' in page
    assert ">Done<" not in page


def test_a_step_that_is_done_is_marked(web: Web, admin: Admin, house: House) -> None:
    path = f"/tenants/{unique('pell')}"
    admin.put(path, {})
    web.signed_in(ADMIN_KEY)
    home = f"{HOME}/{path.removeprefix('/tenants/')}"
    admin.post(f"{path}/keys", {"role": "tenant_admin"})
    assert web.get(home).text.count(">Done<") == 0
    admin.put(f"{path}/providers/main", {**house.firm.provider, "default_model": STOCK})
    admin.post(f"{path}/keys", {"role": "caller"})
    assert web.get(home).text.count(">Done<") == 2
    assert f'<a href="{home}/settings/vault">' in web.get(home).text


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"name": "", "tenant": "x"}, "name", "Give the firm its name."),
        ({"name": "律师事务所", "tenant": ""}, "tenant", "small letters a to z"),
        ({"name": "X", "tenant": "with blank"}, "tenant", "small letters a to z"),
        ({"name": "x" * 201, "tenant": "too-long-a-name"}, "name", ""),
    ],
)
def test_what_cannot_be_a_firm_is_said_at_its_field(web: Web, form: dict[str, str], field: str, words: str) -> None:
    web.signed_in(ADMIN_KEY)
    answer = web.post(NEW, web.token(NEW), None, **form)
    assert answer.status_code == 422
    assert problem(answer.text, field)
    assert words in problem(answer.text, field)


def test_a_firm_that_is_there_or_was_is_not_made_again(web: Web, admin: Admin, house: House) -> None:
    web.signed_in(ADMIN_KEY)
    token = web.token(NEW)
    answer = web.post(NEW, token, name="Another", tenant=house.firm.name)
    assert answer.status_code == 409
    assert "already" in problem(answer.text, "tenant")
    assert 'value="Another"' in answer.text
    assert admin.get(house.firm.path)["name"] == "Brightwater & Partners"
    gone = unique("gone")
    admin.put(f"/tenants/{gone}", {})
    admin.delete(f"/tenants/{gone}")
    answer = web.post(NEW, token, name="Another", tenant=gone)
    assert answer.status_code == 409
    assert "was deleted" in problem(answer.text, "tenant")


def test_a_tenants_own_admin_makes_none(web: Web, house: House, admin: Admin) -> None:
    web.signed_in(house.key)
    tenant = unique("not")
    assert web.get(NEW).status_code == 403
    assert web.post(NEW, web.token(house.url), name="Not", tenant=tenant).status_code == 403
    assert admin.ask("GET", f"/tenants/{tenant}").status_code == 404
