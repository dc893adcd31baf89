#!/usr/bin/env python3
"""Lets the C programs talk with other implementations of RFC 6455, in both roles.

A program that talks prints one line for each check it was given, `ok CHECK` or `not ok CHECK: WHY`;
a server prints `closed STATUS REASON` for each connection. Every line that has to come is a check.
"""

import os
import subprocess
import sys

import support

SIZES = [0, 1, 125, 126, 65535, 65536, 16 * 1024 * 1024]
MODES = ["whole", "fragments", "pings"]
TYPES = ["text", "binary"]
MESSAGES = [f"{kind}:{size}" for kind in TYPES for size in SIZES]
# What clients close with. Status 0 is how libdill's functions call a close frame without one; the
# others have a number that never appears on the wire (RFC 6455, section 7.4.1).
CLOSES = [(1000, ""), (4001, "ĝis la revido"), (0, "")]
NO_STATUS = 1005
# What servers close with, and their reason, which peer.py, peer.js and echo_server.c know too.
SERVER_CLOSES = [1000, 1001, 4999]
CLOSE_REASON = "adiaŭ"
SECONDS = 180


class Results:
    def __init__(self):
        self.passed = self.failed = 0

    def take(self, name, got, want):
        if got == want:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {name}: {got!r} instead of {want!r}", flush=True)


def talk(command, env=None):
    """What a client prints, and its exit status."""
    try:
        done = subprocess.run([str(word) for word in command], env=dict(os.environ, **(env or {})),
                              stdout=subprocess.PIPE, timeout=SECONDS)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode().splitlines(), f"still running after {SECONDS} s"
    return done.stdout.decode(errors="replace").splitlines(), done.returncode


def expect(results, name, command, wants, env=None):
    """Runs a client, which has to print exactly these lines."""
    lines, status = talk(command, env)
    for number, want in enumerate(wants):
        results.take(name, lines[number] if number < len(lines) else f"nothing ({status})", want)
    want_status = 0 if all(want.startswith("ok ") for want in wants) else 1
    results.take(f"{name}, exit status", status, want_status)


def oks(checks):
    return [f"ok {check}" for check in checks]


def c_server(results, name, server_program, client, env):
    """A client of another implementation, and the C server."""
    messages = [f"{mode}:{message}" for mode in MODES for message in MESSAGES]
    with support.Server([server_program]) as server:
        for status, reason in CLOSES:
            close = f"close:{status or NO_STATUS}:{reason}"
            expect(results, name, [*client, server.port, "no-extension", *messages, close],
                   oks(["no-extension", *messages, close]), env)
            results.take(f"{name}, the server after {close}", server.line(),
                         f"closed {status} {reason}")
            messages = ["whole:text:5"]
        closes = [f"closed:{status}:{CLOSE_REASON}" for status in SERVER_CLOSES]
        expect(results, name, [*client, server.port, *closes], oks(closes), env)
        for status in SERVER_CLOSES:
            results.take(f"{name}, the server after it closed", server.line(),
                         f"closed {status} {CLOSE_REASON}")
    results.take(f"{name}, the server's exit status", server.status, 0)


def c_client(results, name, client_program, server_command, env):
    """The C client, and a server of another implementation."""
    with support.Server(server_command, env) as server:
        for mode, (status, reason) in zip(MODES, CLOSES):
            checks = [*MESSAGES, f"close:{status}:{reason}"]
            expect(results, f"{name} /{mode}", [client_program, server.port, f"/{mode}", *checks],
                   oks(checks))
            results.take(f"{name}, the server after {checks[-1]}", server.line(),
                         f"closed {status or NO_STATUS} {reason}")
        for status in SERVER_CLOSES:
            checks = [f"closed:{status}:{CLOSE_REASON}"]
            expect(results, name, [client_program, server.port, f"/close/{status}", *checks],
                   oks(checks))
            results.take(f"{name}, the server after it closed", server.line(),
                         f"closed {status} {CLOSE_REASON}")
    results.take(f"{name}, the server's exit status", server.status, 0)


def controls(results, name, c_client_program, peer, env):
    """Every client has to notice an echo with one bit changed, and another close."""
    with support.Server([*peer, "server"], env) as server:
        expect(results, f"{name}, a control", [c_client_program, server.port, "/wrong", "binary:126"],
               ["not ok binary:126: another content"])
        expect(results, f"{name}, a control",
               [c_client_program, server.port, "/close/4002", "closed:4003:"],
               [f"not ok closed:4003:: closed with 4002 {CLOSE_REASON}"])
        expect(results, f"{name}, a control", [*peer, "client", server.port, "wrong:binary:126"],
               ["not ok wrong:binary:126: another content"], env)


def main():
    setup = support.Setup(support.arguments(__doc__).parse_args())
    echo_server = setup.program("peers/echo_server.c")
    client = setup.program("peers/exchange_client.c")
    results = Results()
    node, node_env = setup.node()
    for name, peer, env in (
            ("websockets", [setup.python(), support.HERE / "peer.py"], {}),
            ("ws", [node, support.HERE / "peer.js"], node_env)):
        before = results.passed, results.failed
        c_server(results, f"{name} client, C server", echo_server, [*peer, "client"], env)
        c_client(results, f"C client, {name} server", client, [*peer, "server"], env)
        controls(results, name, client, peer, env)
        print(f"{name}: {results.passed - before[0]} passed, {results.failed - before[1]} failed",
              flush=True)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
