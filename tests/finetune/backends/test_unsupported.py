"""Backends that are still to be written say so, whatever they are asked."""

import inspect
from pathlib import Path
from typing import get_args

import pytest

from finetune.backends import unsupported
from finetune.backends.base import Access, Backend, Order, Refused
from finetune.values import Backend as Name
from gateway.upstream import guarded_http
from gateway.upstream.addresses import Guard

ARGUMENTS = {
    "find_file": ("a.jsonl", 1),
    "upload": ("a.jsonl", Path("a.jsonl")),
    "delete_file": ("file-1",),
    "find_job": ("uid_1",),
    "create_job": (Order("uid_1", "model", "file-1", {}),),
    "job": ("ftjob-1",),
    "events": ("ftjob-1", None),
    "checkpoints": ("ftjob-1",),
    "results": (("file-1",),),
    "cancel": ("ftjob-1",),
    "is_usable": ("model",),
    "check": (),
}


def test_every_backend_of_the_contract_is_there_or_says_that_it_is_not() -> None:
    assert {"openai", *unsupported.NAMES} == set(get_args(Name))


@pytest.mark.parametrize("name", unsupported.NAMES)
async def test_it_refuses_in_every_method_of_the_protocol(name: str) -> None:
    methods = {member for member, _ in inspect.getmembers(Backend, inspect.isfunction) if not member.startswith("_")}
    assert methods == {*ARGUMENTS, "close"}
    backend = unsupported.factories()[name](Access(name, "", None), guarded_http.client(Guard()))
    for method, arguments in ARGUMENTS.items():
        with pytest.raises(Refused, match=name) as refused:
            await getattr(backend, method)(*arguments)
        assert refused.value.code == "backend_not_supported_yet"
    await backend.close()
