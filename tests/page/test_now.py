"""What is on now, in words: tables."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.admin.page.now import Flip, Now, banner, in_force
from gateway.admin.schemas import ActivationView, Recent, TenantView
from gateway.replicas import Propagation

ALL = Propagation(4, 4, 0, 1.0)


def tenant(**changes: Any) -> TenantView:
    """A tenant with an active job."""
    fields: dict[str, Any] = {
        "id": "acme",
        "name": "Acme",
        "rule": "default_only",
        "fallback": "stock",
        "suspended": False,
        "allowed_paths": (),
        "default_provider": "main",
        "active_job": "job_1",
        "share": 1.0,
        "model": "ft:x",
        "cost_limit_usd": None,
        "revision": 7,
        "recent": Recent(412, 400),
        "created_at": "",
        "updated_at": "",
        **changes,
    }
    return TenantView(**fields)


def test_the_stock_model() -> None:
    shown = banner(Now(tenant(active_job=None, model=None, recent=Recent(1, 0)), None, Flip("Maria", "x"), ALL))
    assert (shown.tone, shown.title, shown.recent, shown.share) == ("stock", "The stock model answers", "1 call", None)
    assert shown.hints == ()


def test_a_jobs_model() -> None:
    shown = banner(Now(tenant(share=0.25), None, None, ALL))
    assert (shown.tone, shown.title, shown.model) == ("own", "“job_1” answers", "ft:x")
    assert (shown.share, shown.reach, shown.recent) == ("25 %", "4 of 4 replicas", "400 of 412 calls")
    assert shown.hints == ()


@pytest.mark.parametrize(
    ("changes", "reach", "hint"),
    [
        (
            {"recent": Recent(412, 0)},
            ALL,
            "0 of 412: the Assistant asks for another model; change the rule or the default model.",
        ),
        ({"rule": "off"}, ALL, "The rule is off, so every call stays with the stock model."),
        ({"suspended": True}, ALL, "The firm is suspended: its calls are refused."),
        ({}, Propagation(4, 3, 0, 1.0), "Not every replica has it yet; the rest follows within seconds."),
        ({}, Propagation(4, 4, 1, 1.0), "1 replica is out of reach and may still answer as before."),
    ],
)
def test_what_an_admin_may_wonder_at_is_said(changes: dict[str, Any], reach: Propagation, hint: str) -> None:
    assert banner(Now(tenant(**changes), None, None, reach)).hints == (hint,)


def test_nobody_called_is_no_hint() -> None:
    assert banner(Now(tenant(recent=Recent(0, 0)), None, None, ALL)).hints == ()


def test_how_far_a_change_came() -> None:
    activation = ActivationView("acme", None, None, 1.0, 8, (), 4, 4, 0, 6.2, durable=True, warnings=())
    assert in_force(activation) == "In force on 4 of 4 replicas after 6 ms."
    assert in_force(replace(activation, replicas=1, acknowledged=1)) == "In force on 1 of 1 replica after 6 ms."
