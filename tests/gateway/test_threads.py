"""Threads that end with the process, whatever they wait for."""

import asyncio
import subprocess
import sys
import threading

import pytest

from gateway.threads import EndingThreads

HANGING = """
import asyncio, threading
from gateway.threads import EndingThreads

async def main():
    asyncio.get_running_loop().set_default_executor(EndingThreads())
    try:
        async with asyncio.timeout(0.2):
            await asyncio.to_thread(threading.Event().wait)
    except TimeoutError:
        print("late")

asyncio.run(main())
"""


def test_a_process_ends_though_a_thread_hangs() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "late\n"


async def test_results_and_errors_come_back_from_few_threads() -> None:
    asyncio.get_running_loop().set_default_executor(EndingThreads())

    def divided(by: int) -> tuple[float, str]:
        return 6 / by, threading.current_thread().name

    results = [await asyncio.to_thread(divided, 2) for _ in range(20)]
    assert {result for result, _ in results} == {3.0}
    at_once = await asyncio.gather(*(asyncio.to_thread(divided, 3) for _ in range(500)))
    assert len({name for _, name in at_once}) <= 32
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(divided, 0)
