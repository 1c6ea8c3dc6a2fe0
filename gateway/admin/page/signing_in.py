"""Signing in and out: a key for a session. The one place where the page sees a key; it is kept nowhere."""

import re
from collections.abc import Callable
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.admin.changes import Control
from gateway.admin.page import guards
from gateway.admin.page.rendering import HEADERS
from gateway.admin.page.sessions import COOKIE, no_cookie
from gateway.admin.page.tabs import BASE
from gateway.admin.page.visiting import SIGN_IN, Visit, Visiting, read_form
from gateway.errors import GatewayError
from gateway.masked import Secret
from gateway.store.audits import Actor
from gateway.store.connection import StoreUnavailable
from policies.access import MAY, Action
from policies.values import Caller

log = structlog.get_logger(__name__)

_OURS = re.compile(rf"{BASE}(?:/[A-Za-z0-9_/-]*)?")


class SigningIn:
    """The form, the way in and the way out. `caller` says who holds a key."""

    def __init__(self, visiting: Visiting, control: Control, caller: Callable[[str], Caller | None]) -> None:
        self._visiting = visiting
        self._control = control
        self._caller = caller
        self._attempts = guards.Attempts()

    async def form(self, request: Request) -> Response:
        """The form; whoever is signed in already goes on."""
        target = _next(request.query_params.get("next", ""))
        cookie = request.cookies.get(COOKIE)
        if await self._visiting.sessions.find(cookie) is not None:
            return RedirectResponse(target, 303, HEADERS)
        notice = ""
        if "ended" in request.query_params:
            notice = "Your session has ended: by time, or because your key was revoked. Sign in again."
        elif "left" in request.query_params:
            notice = "You have signed out."
        response = self._visiting.sign_in_form(next=target, notice=notice, problem=None)
        if cookie:
            response.headers["set-cookie"] = no_cookie(secure=self._visiting.secure(request))
        return response

    async def enter(self, request: Request) -> Response:
        """A key was sent: a session, or words on why not. Raises GatewayError."""
        if not guards.is_ours(request.headers):
            raise GatewayError("cross_site")
        form = await read_form(request)
        target = _next(form.get("next", ""))
        address, now = self._visiting.address(request), self._visiting.clock()
        wait = self._attempts.wait(address, now)
        if wait > 0:
            return self._refused(target, "too_many", wait)
        key = Secret(form.get("key", "").strip())
        caller = self._caller(key) if key else None
        if caller is None or Action.READ_TENANT not in MAY[caller.role]:
            self._attempts.failed(address, now)
            problem = "unknown" if caller is None else "role"
            log.warning("sign_in_failed", address=address, problem=problem, key_id=caller.key_id if caller else None)
            return self._refused(target, problem)
        await self._note(caller, address, "sign_in")
        session = self._visiting.sessions.begin(key)
        cookie = self._visiting.sessions.cookie(session, secure=self._visiting.secure(request))
        return RedirectResponse(target, 303, {**HEADERS, "set-cookie": cookie})

    async def leave(self, visit: Visit) -> Response:
        """Ends the session on every replica; where the store takes nothing, in this browser."""
        caller, address = visit.visitor.caller, visit.visitor.address
        try:
            await self._visiting.sessions.end(visit.session)
        except StoreUnavailable as error:
            log.warning("sign_out_not_kept", key_id=caller.key_id, address=address, cause=str(error))
        await self._note(caller, address, "sign_out")
        cookie = no_cookie(secure=self._visiting.secure(visit.request))
        return RedirectResponse(f"{SIGN_IN}?left=1", 303, {**HEADERS, "set-cookie": cookie})

    def _refused(self, target: str, problem: str, wait: float = 0.0) -> Response:
        status = {"unknown": 401, "role": 403, "too_many": 429}[problem]
        minutes = max(1, round(wait / 60))
        response = self._visiting.sign_in_form(status, next=target, notice="", problem=problem, minutes=minutes)
        if wait > 0:
            response.headers["retry-after"] = str(int(wait) + 1)
        return response

    async def _note(self, caller: Caller, address: str | None, action: str) -> None:
        """Into the audit log. It changes nothing, so a store that takes no record keeps nobody out."""
        actor = Actor(caller.role, caller.key_id, caller.label, address)
        try:
            await self._control.noted(actor, action, caller.tenant)
        except StoreUnavailable as error:
            log.warning("sign_in_not_noted", action=action, key_id=caller.key_id, address=address, cause=str(error))


def _next(wanted: str) -> str:
    """Where to go on: within the page alone."""
    return quote(wanted) if _OURS.fullmatch(wanted) else BASE
