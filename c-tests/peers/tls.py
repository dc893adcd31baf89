#!/usr/bin/env python3
"""Lets the C programs talk with each other and with other implementations over TLS (wss), in both roles
and both versions, as run.py does without; and has them refuse servers that are not what they should be.
"""

import contextlib
import os
import subprocess
import sys
import tempfile

import run
import support

VERSIONS = ["TLSv1_2", "TLSv1_3"]
run.MESSAGES = [f"{kind}:{size}" for kind in run.TYPES for size in (0, 1, 126, 16384, 65536, 1024 * 1024)]

# Certificates that are not good for a name, each made for the file's reason.
BAD = [("expired.pem", "localhost"), ("future.pem", "localhost"), ("other.pem", "localhost"),
       ("good.pem", "example.org"), ("good.pem", "127.0.0.2"), ("nameless.pem", "localhost"),
       ("selfsigned.pem", "localhost"), ("untrusted.pem", "localhost")]


@contextlib.contextmanager
def environment(**changes):
    """The programs inherit what is changed here. None takes a variable away."""
    before = dict(os.environ)
    for name, value in changes.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = str(value)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def certificates(home):
    done = subprocess.run([support.HERE.parent / "harness/certificates.sh", home],
                          capture_output=True, text=True)
    if done.returncode:
        support.die(done.stderr)
    return environment(TLS_CERT=f"{home}/good.pem", TLS_KEY=f"{home}/good.key", TLS_ROOT=f"{home}/root.pem",
                       SSL_CERT_FILE=f"{home}/root.pem", TLS_HOST="localhost")


def among_ourselves(results, server_program, client):
    """The C client and the C server."""
    with support.Server([server_program]) as server:
        for status, reason in run.CLOSES:
            checks = [*run.MESSAGES, f"close:{status}:{reason}"]
            run.expect(results, "C client, C server", [client, server.port, "/", *checks], run.oks(checks))
            results.take("C client, C server, the server after the close", server.line(),
                         f"closed {status} {reason}")
    results.take("C client, C server, the server's exit status", server.status, 0)


def examples(results, server_program, client):
    """The programs in examples/."""
    server = support.Server([server_program, os.environ["TLS_CERT"], os.environ["TLS_KEY"]])
    for host, want in (("localhost", (["ĝis"], 0)), ("127.0.0.1", (["ĝis"], 0)), ("127.0.0.2", ([], 1))):
        results.take(f"examples/wss_client.c to {host}",
                     run.talk([client, host, server.port, "/", "ĝis"]), want)
    # It never ends by itself.
    results.take("examples/wss_server.c runs on", server.process.poll(), None)
    server.process.kill()
    server.__exit__()


def refusals(results, name, home, server_command, client, env):
    """The C client takes no server that cannot prove to be the one it wants."""
    check = "text:1"
    for certificate, host in BAD:
        about = f"C client, {name} with {certificate} for {host}"
        with environment(TLS_CERT=f"{home}/{certificate}"), support.Server(server_command, env) as server:
            with environment(TLS_HOST=host):
                run.expect(results, about, [client, server.port, "/whole", check],
                           [f"not ok {check}: under_client: Permission denied"])
            with environment(TLS_HOST=None):
                run.expect(results, f"{about}, unchecked", [client, server.port, "/whole", check],
                           [f"ok {check}"])
            server.process.kill()


def refused(results, name, home, server_program, client, env):
    """So do the clients of others, with the C server."""
    for certificate in ("expired.pem", "other.pem", "selfsigned.pem", "untrusted.pem"):
        with environment(TLS_CERT=f"{home}/{certificate}"), support.Server([server_program]) as server:
            done = subprocess.run([str(word) for word in (*client, server.port, "whole:text:1")],
                                  env=dict(os.environ, **env), capture_output=True, timeout=60)
            results.take(f"{name} client, C server with {certificate}", (done.stdout, done.returncode),
                         (b"", 1))
        results.take(f"{name} client, C server with {certificate}, exit status", server.status, 0)


def main():
    args = support.arguments(__doc__).parse_args()
    if args.libdill:
        support.die("libdill has no function that checks a certificate")
    setup = support.Setup(args)
    echo_server = setup.program("peers/echo_server.c", "tls_secure")
    client = setup.program("peers/exchange_client.c", "tls_secure")
    example_server, example_client = (
        setup.program(f"../examples/wss_{end}.c", "tls_secure") for end in ("server", "client"))
    node, node_env = setup.node()
    peers = [("websockets", [setup.python(), support.HERE / "peer.py"], {}),
             ("ws", [node, support.HERE / "peer.js"], node_env)]
    results = run.Results()
    with tempfile.TemporaryDirectory() as home, certificates(home):
        among_ourselves(results, echo_server, client)
        examples(results, example_server, example_client)
        refusals(results, "C server", home, [echo_server], client, {})
        for name, peer, env in peers:
            before = results.passed, results.failed
            for version in VERSIONS:
                with environment(TLS_VERSION=version):
                    about = f"{name} {version}"
                    run.c_server(results, f"{about} client, C server", echo_server, [*peer, "client"], env)
                    run.c_client(results, f"C client, {about} server", client, [*peer, "server"], env)
            run.controls(results, name, client, peer, env)
            refusals(results, f"{name} server", home, [*peer, "server"], client, env)
            refused(results, name, home, echo_server, [*peer, "client"], env)
            print(f"{name} over TLS: {results.passed - before[0]} passed, "
                  f"{results.failed - before[1]} failed", flush=True)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
