"""The page's table: every address in one list, and what answers there."""

import time
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.admin.changes import Control
from gateway.admin.handling import AdminRoute
from gateway.admin.page import assets
from gateway.admin.page.calling import Api
from gateway.admin.page.firms import Firms
from gateway.admin.page.job import JobPage
from gateway.admin.page.jobs import JobScreens
from gateway.admin.page.live import Live
from gateway.admin.page.names import Names
from gateway.admin.page.new_job import NewJob
from gateway.admin.page.now import Reading
from gateway.admin.page.rendering import HEADERS, Rendering
from gateway.admin.page.sessions import Sessions
from gateway.admin.page.settings import SettingsHome
from gateway.admin.page.settings_audit import AuditScreen
from gateway.admin.page.settings_keys import KeyScreens
from gateway.admin.page.settings_providers import ProviderScreens
from gateway.admin.page.settings_vault import VaultScreens
from gateway.admin.page.signing_in import SigningIn
from gateway.admin.page.tabs import BASE
from gateway.admin.page.visiting import SIGN_IN, Visiting
from gateway.admin.page.why import WhyScreens
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.secrets import Keyring
from gateway.upstream.addresses import Network

_FIRM = BASE + "/{tenant}"
_NEW_FIRM = BASE + "/_new"  # which no firm's id is
_SETTINGS = _FIRM + "/settings"
_JOB = _FIRM + "/jobs/{job_id}"


def table(
    api_table: Sequence[AdminRoute],
    control: Control,
    routes: Routes,
    keyring: Keyring,
    *,
    used: Callable[[str, float], None],
    trusted: Sequence[Network],
    stopping: Callable[[], bool],
    calls_here: bool,
) -> list[Route]:
    """Every address of the page, over the operations of the admin API's table. `calls_here`: models are called at the
    page's own port too."""
    static = assets.Assets()
    api = Api(api_table)
    sessions = Sessions(keyring, routes, control.store, time.time)
    visiting = Visiting(sessions, Rendering(static), trusted, used, time.time)
    reading = Reading(api, control)
    signing_in = SigningIn(visiting, control, routes.caller)
    names = Names(routes, control.store)
    firms = Firms(visiting, api)
    jobs = JobScreens(visiting, api, reading, names)
    job = JobPage(visiting, api, names)
    new_job = NewJob(visiting, api)
    live = Live(visiting, api, reading, routes, stopping)
    why = WhyScreens(visiting, api, names, calls_here=calls_here)
    home, providers = SettingsHome(visiting, api), ProviderScreens(visiting, api)
    vault, keys = VaultScreens(visiting, api), KeyScreens(visiting, api)
    screen, change, shown = visiting.screen, visiting.change, visiting.shown
    return [
        Route("/admin", _start),
        Route(assets.URL + "/{hash}/{name}", shown(static.serve)),
        Route(SIGN_IN, shown(signing_in.form)),
        Route(SIGN_IN, shown(signing_in.enter), methods=["POST"]),
        Route("/admin/sign-out", change(signing_in.leave), methods=["POST"]),
        Route(BASE, screen(firms.choose)),
        Route(_NEW_FIRM, screen(firms.new)),
        Route(_NEW_FIRM, change(firms.make), methods=["POST"]),
        Route(_FIRM, screen(jobs.overview)),
        Route(_FIRM + "/live", screen(live.stream)),
        Route(_FIRM + "/stock", screen(jobs.ask_stock)),
        Route(_FIRM + "/stock", change(jobs.stock), methods=["POST"]),
        Route(_FIRM + "/new", screen(new_job.form)),
        Route(_FIRM + "/new", change(new_job.start), methods=["POST"]),
        Route(_FIRM + "/new/preview", screen(new_job.preview)),
        Route(_FIRM + "/new/sample", screen(new_job.sample)),
        Route(_JOB, screen(job.show)),
        Route(_JOB + "/manifest.json", screen(job.manifest)),
        Route(_JOB + "/activate", screen(jobs.ask_activate)),
        Route(_JOB + "/activate", change(jobs.activate), methods=["POST"]),
        Route(_JOB + "/cancel", screen(jobs.ask_cancel)),
        Route(_JOB + "/cancel", change(jobs.cancel), methods=["POST"]),
        Route(_JOB + "/refresh", change(jobs.refresh), methods=["POST"]),
        Route(_FIRM + "/why", screen(why.list)),
        Route(_FIRM + "/why/export.{form}", screen(why.export)),
        Route(_FIRM + "/why/{call_id}", screen(why.show)),
        Route(_SETTINGS, screen(home.show)),
        Route(_SETTINGS, change(home.save), methods=["POST"]),
        Route(_SETTINGS + "/provider", screen(providers.new)),
        Route(_SETTINGS + "/provider", change(providers.add), methods=["POST"]),
        Route(_SETTINGS + "/providers/{provider}", screen(providers.edit)),
        Route(_SETTINGS + "/providers/{provider}", change(providers.save), methods=["POST"]),
        Route(_SETTINGS + "/providers/{provider}/delete", screen(providers.ask_delete)),
        Route(_SETTINGS + "/providers/{provider}/delete", change(providers.delete), methods=["POST"]),
        Route(_SETTINGS + "/vault", screen(vault.edit)),
        Route(_SETTINGS + "/vault", change(vault.save), methods=["POST"]),
        Route(_SETTINGS + "/vault/test", change(vault.test), methods=["POST"]),
        Route(_SETTINGS + "/key", screen(keys.new)),
        Route(_SETTINGS + "/key", change(keys.make), methods=["POST"]),
        Route(_SETTINGS + "/keys/{key}/revoke", screen(keys.ask_revoke)),
        Route(_SETTINGS + "/keys/{key}/revoke", change(keys.revoke), methods=["POST"]),
        Route(_SETTINGS + "/audit", screen(AuditScreen(visiting, api).show)),
        Route(BASE + "/{rest:path}", shown(_nothing)),
    ]


async def _nothing(request: Request) -> Response:
    if request.url.path.endswith("/"):
        return RedirectResponse(request.url.path.rstrip("/"), 308, HEADERS)
    raise GatewayError("not_found")


async def _start(_: Request) -> Response:
    return RedirectResponse(BASE, 303, HEADERS)
