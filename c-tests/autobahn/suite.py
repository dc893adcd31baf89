"""Runs the cases of the Autobahn test suite, as kosoku has them, and prints the results as JSON.

    suite.py server PORT        the program under test is the server at this port
    suite.py client PROGRAM     the program under test is this client, started with a port, a number of
                                connections, and the window that its offers have
"""

import asyncio
import json
import os
import sys

from kosoku import FailureError, run_fuzzingclient, run_fuzzingserver
from kosoku.cases import CASES

# Cases that run at a time.
PARALLEL = 4

# Of servers that do not keep their clients' contexts, which is for those clients that offer it.
NO_CONTEXT = ["13.2.*", "13.5.*", "13.6.*"]


def with_bytes(on_message):
    """The cases of permessage-deflate want bytes. Of a message that was not compressed the suite makes a str, in
    the manner of Python 2."""
    def take(self, message, binary):
        if isinstance(message, str):
            message = message.encode("latin-1" if binary else "utf-8")
        on_message(self, message, binary)
    return take


for number, case in CASES.items():
    if number.startswith(("12.", "13.")):
        case.onMessage = with_bytes(case.onMessage)


async def results_of(run):
    """A failed case is a result like any other here."""
    try:
        return await run
    except FailureError as failure:
        return failure.results


async def test_server(port):
    return await results_of(run_fuzzingclient(f"ws://127.0.0.1:{port}", concurrency=PARALLEL))


async def test_client(program):
    return [*await test_client_offering(program, "15", exclude_cases=NO_CONTEXT),
            *await test_client_offering(program, "-1", cases=NO_CONTEXT)]


async def test_client_offering(program, window, **chosen):
    async with run_fuzzingserver(port=0, **chosen) as server:
        client = await asyncio.create_subprocess_exec(
            program, str(server.port), str(PARALLEL), window, stdout=asyncio.subprocess.DEVNULL)
        ended = asyncio.create_task(client.wait())
        results = asyncio.create_task(results_of(server.get_result()))
        try:
            # Without the client's last request there would never be any results.
            await asyncio.wait([ended, results], return_when=asyncio.FIRST_COMPLETED)
            if await ended != 0:
                raise SystemExit(f"{program} ended with {client.returncode}")
            return await results
        finally:
            if client.returncode is None:
                client.kill()


async def main():
    role, subject = sys.argv[1:]
    results = await {"server": test_server, "client": test_client}[role](subject)
    json.dump({result.case_id: {"behavior": result.behavior.value,
                                "behaviorClose": result.behavior_close.value,
                                "remoteCloseCode": result.remote_close_code,
                                "duration": result.duration}
               for result in results}, sys.stdout)


asyncio.run(main())
sys.stdout.flush()
# kosoku's threads can abort the process while the interpreter is torn down.
os._exit(0)
