#!/usr/bin/env python3
"""Runs the clients of examples/, which other tests only compile, against servers and a proxy on this machine.

The compiler is $CC, or cc; the libraries are those in build/.
"""

import contextlib
import re
import ssl
import sys
import tempfile

sys.dont_write_bytecode = True

import peers  # noqa: E402
from build import ROOT, Build, count  # noqa: E402
from peers import expect  # noqa: E402
from proxy import PASSWORD, Proxy  # noqa: E402

EXAMPLES = ROOT / "examples"


def result(process):
    """Exit status, output and complaints."""
    try:
        out, err = process.communicate(timeout=peers.LIMIT)
    finally:
        process.kill()
    return process.returncode, out, err


def listening(build, name, *arguments):
    """A server of examples/ that runs, and the port that it says."""
    process = build.launch([build.compile(EXAMPLES / name), *arguments])
    line = process.stdout.readline()
    found = re.fullmatch(r"port (\d+)\n", line)
    expect(found, f"{name} says {line!r}")
    return process, int(found.group(1))


@contextlib.contextmanager
def serving(build, name, *arguments):
    """The port of a server of examples/ that runs all the time, and has nothing to complain of."""
    process, port = listening(build, name, *arguments)
    try:
        yield port
    finally:
        still_runs = process.poll() is None
        process.kill()
        _, err = process.communicate()
        expect(still_runs and err == "", f"the server has ended or complained: {err!r}")


# ---- chat_client ----

def chat(build, url, serve):
    """The client's result against what `serve` does with its connection."""
    server = peers.OneClient(serve)
    program = build.compile(EXAMPLES / "chat_client.c")
    got = result(build.launch([program, url.format(server.port), "1234", "hello"]))
    server.finish()
    return got


def chat_agrees(build):
    """Over TLS: the token is shown, and of two subprotocols the server speaks the second."""
    home = build.certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "good.pem", home / "good.key")

    def serve(sock):
        with context.wrap_socket(sock, server_side=True) as secure:
            line, fields = peers.answer_upgrade(secure, b"Sec-WebSocket-Protocol: chat.v1\r\n")
            expect(line == b"GET /chat HTTP/1.1", line)
            expect(fields["authorization"] == b"Bearer 1234", fields)
            expect(fields["sec-websocket-protocol"] == b"chat.v2, chat.v1", fields)
            peers.echo_and_part(peers.Peer(secure, False))
            secure.unwrap()

    got = chat(build, "wss://localhost:{}/chat", serve)
    expect(got == (0, "we speak chat.v1\nhello\n", ""), got)


def chat_is_refused(build):
    """The client says what the server wants."""
    def serve(sock):
        peers.read_head(sock)
        sock.sendall(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"chat\"\r\n"
                     b"Content-Length: 0\r\n\r\n")

    got = chat(build, "ws://127.0.0.1:{}/chat", serve)
    want = 'Protocol error\nthe server answers 401\nit wants Bearer realm="chat"\n'
    expect(got == (1, "", want), got)


def chat_is_sent_elsewhere(build):
    def serve(sock):
        peers.read_head(sock)
        sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: wss://b.example/chat\r\nContent-Length: 0\r\n\r\n")

    got = chat(build, "ws://127.0.0.1:{}/chat", serve)
    want = "Protocol error\nthe server answers 302\nit says to go to wss://b.example/chat\n"
    expect(got == (1, "", want), got)


def chat_without_a_subprotocol(build):
    """A server that speaks neither is not for this client."""
    got = chat(build, "ws://127.0.0.1:{}/chat", peers.answer_upgrade)
    expect(got == (1, "", "Protocol error\nthe server answers 101\n"), got)


def chat_is_not_the_webapp(build):
    """The web application wants a cookie that this client has not got."""
    with serving(build, "webapp/webapp.c", 0, EXAMPLES / "webapp/chat.html") as port:
        program = build.compile(EXAMPLES / "chat_client.c")
        got = result(build.launch([program, f"ws://127.0.0.1:{port}/chat", "1234", "hello"]))
    expect(got == (1, "", "Protocol error\nthe server answers 403\n"), got)


# ---- proxy_client ----

def through(build, proxy, *arguments):
    """The client's result behind a proxy."""
    program = build.compile(EXAMPLES / "proxy_client.c")
    got = result(build.launch([program, "127.0.0.1", proxy.port, *arguments]))
    proxy.finish()
    return got


LOGIN = "Proxy-Authorization: " + PASSWORD.decode()


def proxy_reaches_a_server(build):
    """The proxy alone knows where the host is. What goes through the tunnel is a WebSocket."""
    with serving(build, "echo_server.c") as port:
        proxy = Proxy({b"inside.example:8080": port})
        got = through(build, proxy, "inside.example", 8080, "/chat", "hello", LOGIN)
    expect(got == (0, "hello\n", ""), got)
    expect(proxy.sent.startswith(b"GET /chat HTTP/1.1\r\nHost: inside.example:8080\r\n"), proxy.sent)


def proxy_sees_nothing_of_tls(build):
    """To port 443 it is TLS, from the client to the server behind the proxy."""
    build.certificates()
    with serving(build, "wss_server.c", "chain.pem", "key.pem") as port:
        proxy = Proxy({b"www.example.org:443": port})
        got = through(build, proxy, "www.example.org", 443, "/chat", "hello", LOGIN)
    expect(got == (0, "hello\n", ""), got)
    expect(proxy.sent.startswith(b"\x16\x03") and b"GET" not in proxy.sent, proxy.sent)


def proxy_wants_a_password(build):
    proxy = Proxy({})
    got = through(build, proxy, "inside.example", 8080, "/chat", "hello")
    expect(got == (1, "", "the proxy answers 407\n"), got)


# ---- ticker ----

def ticker_tells_everybody(build):
    """Two clients see the same prices, also one that has not looked for a while. All are told of the end."""
    server, port = listening(build, "ticker/ticker.c", 0, EXAMPLES / "ticker/ticker.html")
    try:
        def connection():
            return peers.connection(port, lambda: server.poll() is None)

        with connection() as page:
            page.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            line, fields = peers.read_head(page)
            expect(line == b"HTTP/1.1 200 OK" and fields["content-type"].startswith(b"text/html"), line)
        with connection() as one, connection() as two:
            ann, bob = (peers.handshake(sock, b"http://127.0.0.1") for sock in (one, two))
            seen = [ann.receive() for _ in range(10)]
            late = [bob.receive() for _ in range(5)]
            expect(len(set(seen)) > 1 and [m for m in late if m in seen], (seen, late))
            server.terminate()
            for peer in (ann, bob):
                while (got := peer.receive())[0] == peers.TEXT:
                    pass
                expect(got[1] == b"\x03\xe9the market is closed", got)
                peer.send_close(1001)
                peer.expect_end()
        out, err = server.communicate(timeout=peers.LIMIT)
    finally:
        server.kill()
    expect((server.returncode, err) == (0, ""), (server.returncode, err))


def checks(build):
    for check in (ticker_tells_everybody, chat_agrees, chat_is_refused, chat_is_sent_elsewhere, chat_without_a_subprotocol,
                  chat_is_not_the_webapp, proxy_reaches_a_server, proxy_sees_nothing_of_tls, proxy_wants_a_password):
        yield check.__name__, lambda check=check: check(build)


def main():
    with tempfile.TemporaryDirectory() as directory:
        return count(checks(Build(ROOT / "include", ROOT / "build", ["-ldill_ws", "-ldill_rt"], directory)))


if __name__ == "__main__":
    sys.exit(main())
