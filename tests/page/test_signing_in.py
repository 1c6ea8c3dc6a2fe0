"""Who is let in, what a browser is told, and what ends a session: over HTTP, without a browser."""

import re
from pathlib import Path

import pytest

from tests.page.conftest import House
from tests.page.web import HOME, SIGN_IN, Web
from tests.support.admin import Admin
from tests.support.processes import ADMIN_KEY, Program

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def test_whoever_is_not_signed_in_is_asked_to(web: Web, house: House) -> None:
    for path in (HOME, house.url, f"{house.url}/jobs/{house.spring['id']}", f"{house.url}/live"):
        answer = web.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{SIGN_IN}?next={path}")
    assert web.get("/admin").headers["location"] == HOME
    assert "Admin key" in web.get(f"{SIGN_IN}?next={house.url}").text


def test_a_key_for_a_session(web: Web, house: House) -> None:
    answer = web.sign_in(house.key, house.url)
    assert (answer.status_code, answer.headers["location"]) == (303, house.url)
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith("; Path=/admin; Max-Age=43200; HttpOnly; SameSite=Strict")
    assert house.key not in cookie
    assert "Maria Lindqvist" in web.get(house.url).text
    assert web.get(SIGN_IN).headers["location"] == HOME
    assert web.get(HOME).headers["location"] == house.url  # a tenant's own admin has no choice to make


def test_behind_tls_the_cookie_stays_there(web: Web, house: House) -> None:
    answer = web.sign_in(house.key, **{"x-forwarded-proto": "https"})
    assert answer.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/admin/../x", f"{HOME}/x\\y", "/v1/models"]
)
def test_it_goes_on_within_the_page_alone(web: Web, house: House, path: str) -> None:
    assert web.sign_in(house.key, path).headers["location"] == HOME


def test_every_page_says_what_it_may_load(web: Web, house: House) -> None:
    web.signed_in(house.key)
    job = f"{house.url}/jobs/{house.spring['id']}"
    for path in (house.url, job, f"{job}/activate", f"{house.url}/stock", f"{HOME}/nobody", f"{job}/manifest.json"):
        headers = web.get(path).headers
        assert headers["content-security-policy"] == CSP
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    text = web.get(house.url).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|https?://", text)


def test_a_wrong_key_is_told_so(web: Web) -> None:
    answer = web.sign_in("hs_wrong")
    assert answer.status_code == 401
    assert "This key does not work" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("role", ["caller", "service"])
def test_a_key_that_calls_models_is_told_what_is_needed(web: Web, house: House, admin: Admin, role: str) -> None:
    key = house.firm.key if role == "caller" else admin.post("/keys", {"role": "service"})["key"]
    answer = web.sign_in(key)
    assert answer.status_code == 403
    assert "tenant_admin" in answer.text


def test_ten_wrong_keys_close_the_door_to_their_address_alone(web: Web, house: House, gateway: Program) -> None:
    for _ in range(10):
        assert web.sign_in("hs_wrong").status_code == 401
    answer = web.sign_in(house.key)
    assert answer.status_code == 429
    assert "Too many keys" in answer.text
    assert 0 < int(answer.headers["retry-after"]) <= 301
    with Web(gateway.url, "198.51.100.7") as other:
        other.signed_in(house.key)


def test_signing_in_and_out_is_in_the_audit_log_and_no_key_in_any_log(
    web: Web, house: House, admin: Admin, gateway: Program
) -> None:
    web.sign_in("hs_never_to_be_logged")
    web.signed_in(house.key)
    web.post("/admin/sign-out", web.token(house.url))
    records = admin.get(f"{house.firm.path}/audit?actor={house.key_id}&limit=2")["items"]
    assert [record["action"] for record in records] == ["sign_out", "sign_in"]
    assert records[1]["address"].startswith("198.18.")
    log = Path(gateway.log).read_text()
    assert "sign_in_failed" in log
    assert "hs_never_to_be_logged" not in log
    assert house.key not in log


def test_signing_out_makes_the_cookie_worthless(web: Web, house: House) -> None:
    web.signed_in(house.key)
    kept = web.http.cookies["housestyle_admin"]
    answer = web.post("/admin/sign-out", web.token(house.url))
    assert answer.headers["location"] == f"{SIGN_IN}?left=1"
    assert "housestyle_admin" not in web.http.cookies
    again = web.get(house.url, cookie=f"housestyle_admin={kept}")
    assert (again.status_code, again.headers["location"]) == (303, f"{SIGN_IN}?next={house.url}&left=1")
    form = web.get(again.headers["location"], cookie=f"housestyle_admin={kept}")
    assert "You have signed out." in form.text
    assert form.headers["set-cookie"].startswith("housestyle_admin=; Path=/admin; Max-Age=0")


def test_revoking_its_key_ends_the_session_at_once(web: Web, house: House, admin: Admin) -> None:
    made = admin.post(f"{house.firm.path}/keys", {"role": "tenant_admin"})
    web.signed_in(made["key"])
    token = web.token(house.url)
    admin.delete(f"{house.firm.path}/keys/{made['id']}")
    assert web.post(f"{house.url}/stock", token).headers["location"].startswith(SIGN_IN)
    answer = web.get(house.url)
    assert answer.status_code == 303
    assert "Your session has ended" in web.get(f"{SIGN_IN}?next=x&ended=1").text


def test_htmx_is_sent_to_the_form_too(web: Web, house: House) -> None:
    current = f"http://127.0.0.1{house.url}"
    answer = web.get(house.url, **{"hx-request": "true", "hx-current-url": current})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, f"{SIGN_IN}?next={house.url}")
    assert answer.text == ""


# whose page it is


def test_another_firms_page_stays_shut(web: Web, house: House, admin: Admin) -> None:
    admin.put("/tenants/harrow", {})
    web.signed_in(house.key)
    for tenant in ("harrow", "nobody"):  # whether it is there is not told either
        for path in ("", "/stock", "/live", f"/jobs/{house.spring['id']}"):
            answer = web.get(f"{HOME}/{tenant}{path}")
            assert answer.status_code == 403
            assert "another firm" in answer.text
    assert web.post(f"{HOME}/harrow/stock", web.token(house.url)).status_code == 403


def test_a_platform_admin_picks_a_firm(web: Web, house: House, admin: Admin) -> None:
    admin.put("/tenants/quince-chambers", {"name": "Quince <Chambers>"})
    web.signed_in(ADMIN_KEY)
    text = web.get(f"{HOME}?q=QUINCE <").text
    assert "Quince &lt;Chambers&gt;" in text
    assert house.firm.name not in text
    assert house.firm.name in web.get(f"{HOME}?q=brightwater").text
    assert "No firm has “zzz”" in web.get(f"{HOME}?q=zzz").text
    assert web.get(house.url).status_code == 200
    answer = web.get(f"{HOME}/nobody")
    assert answer.status_code == 404
    assert "There is no such firm" in answer.text


def test_an_address_with_nothing_behind_it_says_so(web: Web, house: House) -> None:
    assert web.get(f"{HOME}/").headers["location"] == HOME
    assert web.get(f"{house.url}/").headers["location"] == house.url
    for path in (f"{house.url}/nothing", f"{house.url}/jobs/x/y/z"):
        answer = web.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text


# changes


def test_a_change_needs_the_sessions_token_and_a_page_of_ours(web: Web, house: House, gateway: Program) -> None:
    house.firm.activate(house.autumn)
    web.signed_in(house.key)
    token, path = web.token(house.url), f"{house.url}/stock"
    with Web(gateway.url, "198.51.100.8") as other:
        foreign = other.signed_in(house.key).token(house.url)
    for wrong in (None, "", "x", "é", foreign):
        assert web.post(path, wrong).status_code == 403
    elsewhere = {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}
    for headers in elsewhere:
        answer = web.post(path, token, headers=headers)
        assert answer.status_code == 403
        assert "did not come from a page of this gateway" in answer.text
    assert house.firm.admin.get(house.firm.path)["active_job"] == house.autumn["id"]
    answer = web.post(path, None, headers={"x-csrf-token": token})
    assert "The stock model answers from now on." in answer.text
    assert house.firm.admin.get(house.firm.path)["active_job"] is None


def test_signing_in_needs_a_page_of_ours(web: Web, house: House) -> None:
    assert web.sign_in(house.key, **{"sec-fetch-site": "cross-site"}).status_code == 403
    del web.http.headers["sec-fetch-site"]
    assert web.sign_in(house.key).status_code == 403
    assert web.sign_in(house.key, origin="https://evil.example").status_code == 403
    own = str(web.http.base_url).rstrip("/")
    assert web.sign_in(house.key, origin=own).status_code == 303


def test_the_cookie_opens_no_api(web: Web, house: House) -> None:
    web.signed_in(house.key)
    assert web.get(f"/admin/api{house.firm.path}").status_code == 401


# what pages are made of


def test_scripts_and_styles_are_kept_for_ever_under_their_contents_name(web: Web) -> None:
    text = web.get(SIGN_IN).text
    urls = set(re.findall(r'(?:href|src)="(/admin/static/[^"]+)"', text))
    types = {url.rpartition("/")[2]: web.get(url).headers for url in urls}
    assert {name: headers["content-type"] for name, headers in types.items()} == {
        "favicon.svg": "image/svg+xml",
        "htmx.min.js": "text/javascript; charset=utf-8",
        "page.css": "text/css; charset=utf-8",
        "page.js": "text/javascript; charset=utf-8",
        "pico.min.css": "text/css; charset=utf-8",
    }
    assert {headers["cache-control"] for headers in types.values()} == {"public, max-age=31536000, immutable"}
    assert web.get("/admin/static/another/page.css").headers["cache-control"] == "public, max-age=60"
    assert "permission" in web.get("/admin/static/x/pico.LICENSE").text.lower()
    for missing in ("/admin/static/x/nothing.css", "/admin/static/x/..%2froutes.py"):
        assert web.get(missing).status_code == 404
