#!/usr/bin/env python3
"""Lets the C programs of run.py and other implementations compress for each other, in both roles, with
windows of all sizes, and with contexts that are taken over or not."""

import itertools
import json
import sys

import run
import support

# What the peer wants; and what the C program has.
WINDOWS = [{"server_max_window_bits": bits, "client_max_window_bits": bits} for bits in range(9, 16)]
CONTEXTS = [dict.fromkeys(chosen, True)
            for flags in [("server_no_context_takeover", "client_no_context_takeover")]
            for count in range(3) for chosen in itertools.combinations(flags, count)]
MIXES = [(parameters, window) for parameters in WINDOWS + CONTEXTS for window in (0, 15)]
MIXES += [(WINDOWS[0], 9), (CONTEXTS[0], 9), (CONTEXTS[3], -1)]

# The second of two messages refers to the first where it may.
MESSAGES = [f"{kind}:{size}" for kind in run.TYPES for size in (0, 1, 40, 300, 300, 70000, 5000, 1000000)]
CLOSE = "close:1000:"


def c_server(results, name, program, client, parameters, window):
    env = {"DEFLATE": json.dumps(parameters)}
    checks = ["deflate", *[f"{mode}:{message}" for mode in run.MODES for message in MESSAGES], CLOSE]
    with support.Server([program, str(window)]) as server:
        run.expect(results, name, [*client, server.port, *checks], run.oks(checks), env)
    results.take(f"{name}, the server's exit status", server.status, 0)


def c_client(results, name, program, server_command, parameters, window):
    env = {"DEFLATE": json.dumps(parameters)}
    checks = [*MESSAGES, CLOSE]
    with support.Server(server_command, env) as server:
        for mode in run.MODES:
            command = [program, server.port, f"/{mode}", f"deflate:{window}", *checks]
            run.expect(results, name, command, run.oks(checks))
            results.take(f"{name}, as the server sees it", server.line(), "compressed")
            server.line()


def main():
    setup = support.Setup(support.arguments(__doc__).parse_args())
    echo_server = setup.program("peers/echo_server.c")
    client = setup.program("peers/exchange_client.c")
    results = run.Results()
    node, node_env = setup.node()
    python = [setup.python(), support.HERE / "peer.py"]
    for name, peer in (("websockets", python), ("ws", ["env", *[f"{k}={v}" for k, v in node_env.items()],
                                                      node, support.HERE / "peer.js"])):
        for parameters, window in MIXES:
            mix = f"{parameters} with window {window}"
            # Python's client cannot demand what its zlib cannot do; what it is told it does.
            c_server(results, f"{name} client, C server, {mix}", echo_server, [*peer, "client"],
                     parameters, window)
            c_client(results, f"C client, {name} server, {mix}", client, [*peer, "server"],
                     parameters, window)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
