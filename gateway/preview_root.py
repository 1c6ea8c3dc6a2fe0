"""The composition root of the child that makes one preview: an order on standard input, an answer on standard output.

Vaults are opened here as everywhere: under their roots, behind the address guard and the proxy.
"""

import ipaddress
import os
import signal
from collections.abc import Mapping

import msgspec

from finetune.dataset.outcomes import RedactorMissing
from finetune.previewing import preview
from finetune.vaults import VaultNotAllowed, VaultUnreadable, open_vault, roots_of
from gateway import settings
from gateway.previewing import Made, Order, Refused
from gateway.upstream.addresses import Guard
from gateway.vault_opening import reach

_NICENESS = 5  # calls come first
_GRACE_SECONDS = 5


def run(raw: bytes, environ: Mapping[str, str]) -> bytes:
    """The answer to an order. Raises what nobody is told of."""
    order = msgspec.json.decode(raw, type=Order)
    signal.alarm(int(order.seconds) + _GRACE_SECONDS)  # a gateway that was killed ends nobody
    os.nice(_NICENESS)
    return msgspec.json.encode(_answer(order, environ))


def _answer(order: Order, environ: Mapping[str, str]) -> Made | Refused:
    guard = Guard(tuple(ipaddress.ip_network(network) for network in order.allow))
    try:
        reaching = reach(guard, settings.read(environ).proxies)
        vault = open_vault(order.source, roots_of(order.roots, order.job.tenant), reaching)
        return Made(preview(vault, order.job, order.known_ready))
    except VaultUnreadable as error:
        return Refused("vault_unreadable", str(error))
    except VaultNotAllowed as error:
        return Refused("vault_not_allowed", str(error))
    except RedactorMissing as error:
        return Refused("invalid_field", str(error), "options.redact")
