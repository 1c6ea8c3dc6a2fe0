"""How the page does anything: by the admin API's own table of routes, its rights and its bodies, without HTTP between.

So whatever the page shows or changes, a call of the API can too, and nothing more.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.admin.handling import AdminRoute, Answered, Asked, invalid
from gateway.errors import GatewayError
from policies import access
from policies.values import Caller

_CONVERTED = re.compile(r":\w+}")


class Visitor(Struct, frozen=True):
    """Who looks at the page: the key that they signed in with, and where from."""

    caller: Caller
    address: str | None


class Api:
    """The admin API's table, asked by its own methods and paths: `"GET", "/tenants/{tenant}/jobs/{job_id}"`."""

    def __init__(self, table: Sequence[AdminRoute]) -> None:
        self._rows = {(row.method, _CONVERTED.sub("}", row.path)): row for row in table}

    async def ask(
        self,
        visitor: Visitor,
        method: str,
        path: str,
        names: Mapping[str, str],
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """What the operation answers to this visitor. `names` fill the path; `body` is as its JSON would be; `headers`
        are as an Asked has them.

        Raises GatewayError, StoreUnavailable.
        """
        row = self._rows[method, path]
        tenant = names.get("tenant", "") if "{tenant}" in path else ""
        refusal = access.refuse(visitor.caller, row.action, tenant or None)
        if refusal is not None:
            raise GatewayError(refusal.code)
        asked = Asked(
            caller=visitor.caller,
            tenant=tenant,
            body=_body(row.body, body or {}),
            path=dict(names),
            query=dict(query or {}),
            headers=dict(headers or {}),
            address=visitor.address,
        )
        return await row.operation(asked)


def _body(shape: type[Struct] | None, body: Mapping[str, Any]) -> Any:
    if shape is None:
        return None
    try:
        return msgspec.convert(body, type=shape)
    except msgspec.ValidationError as error:
        raise invalid(str(error), shape) from None
