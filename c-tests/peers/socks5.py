#!/usr/bin/env python3
"""Lets the C programs talk SOCKS 5 with others: the client with the proxies microsocks and danted, the
proxy with curl.
"""

import concurrent.futures
import contextlib
import http.server
import os
import pathlib
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

import run
import support

SECONDS = 20
USERNAME, PASSWORD = "me", "secret"
LONG = "x" * 255
NO_LOGIN = "-", "-"
# What curl exits with when a proxy refuses.
CURL_PROXY = 97


class Echo(socketserver.StreamRequestHandler):
    """Sends back what comes, until its end."""

    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Page(http.server.BaseHTTPRequestHandler):
    """Answers with a page, or with what it has got."""

    CONTENT = os.urandom(1 << 20)

    def answer(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.answer(self.CONTENT)

    def do_PUT(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(handler, host):
    """The port of a server in threads of its own."""
    kind = type("Server", (socketserver.ThreadingTCPServer,), {
        "address_family": socket.AF_INET6 if ":" in host else socket.AF_INET, "daemon_threads": True,
        "handle_error": lambda *_: None})
    with kind((host, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


RESERVED = []


def free_port():
    """A port that nobody listens on, for a program that has to be told one. The socket bound to it keeps the system
    from giving it to anybody else. The program can have it all the same: both set SO_REUSEADDR, and this one does
    not listen."""
    holder = socket.socket()
    RESERVED.append(holder)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder.getsockname()[1]


@contextlib.contextmanager
def proxy(command, port, log):
    """A proxy that runs on this port."""
    with open(log, "wb") as output:
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + SECONDS
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                support.die(f"{command[0]} does not listen\n{pathlib.Path(log).read_text(errors='replace')}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def microsocks(port, login):
    command = ["microsocks", "-i", "127.0.0.1", "-p", port]
    return command if login == NO_LOGIN else [*command, "-u", login[0], "-P", login[1]]


def danted(home, port, login):
    """Its logins are those of the system: it runs in a namespace where there is one more."""
    (home / "danted.conf").write_text(
        f"logoutput: stderr\ninternal: 127.0.0.1 port = {port}\nexternal: lo\nclientmethod: none\n"
        f"socksmethod: {'none' if login == NO_LOGIN else 'username'}\n"
        "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n"
        "socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\n"
        "socks pass { from: 127.0.0.0/8 to: ::/0 }\n")
    command = ["danted", "-f", home / "danted.conf", "-p", home / "danted.pid"]
    if login == NO_LOGIN:
        return command
    crypted = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=login[1], capture_output=True,
                             text=True, check=True).stdout.strip()
    (home / "passwd").write_text(f"root:x:0:0::/:/bin/false\n{login[0]}:x:1000:1000::/:/bin/false\n")
    (home / "shadow").write_text(f"{login[0]}:{crypted}:19000:0:99999:7:::\n")
    mounts = "".join(f"mount --bind {home}/{name} /etc/{name} && " for name in ("passwd", "shadow"))
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", mounts + 'exec "$@"', "sh", *command]


def namespaces():
    """May this user make them?"""
    return subprocess.run(["unshare", "--map-root-user", "--mount", "mount", "--bind", "/dev/null",
                           "/etc/passwd"], capture_output=True).returncode == 0


def wrong_logins(login):
    if login == NO_LOGIN:
        return []
    username, password = login
    return [NO_LOGIN, (username, "wrong"), ("other", password), (username, password[:-1]),
            ("y" * 255, "z" * 255)]


def targets(ports):
    """All ways to an echoing server."""
    checks = [f"addr/127.0.0.1/{ports['127.0.0.1']}", f"name/localhost/{ports['127.0.0.1']}",
              f"name/127.0.0.1/{ports['127.0.0.1']}"]
    if "::1" in ports:
        checks += [f"addr/::1/{ports['::1']}", f"name/::1/{ports['::1']}"]
    return checks


def client(results, name, program, port, login, ports):
    """The C client, and a proxy which runs on this port and wants this login, or none."""
    checks = targets(ports)
    nobody = free_port()
    refused = [f"addr/127.0.0.1/{nobody}", f"name/localhost/{nobody}"]
    calls = dict(zip(refused, ("connect", "connectbyname")))
    run.expect(results, name, [program, port, *login, *checks], run.oks(checks))
    run.expect(results, f"{name}, nobody there", [program, port, *login, *refused],
               [f"not ok {check}: {calls[check]}: Connection refused" for check in refused])
    for other in wrong_logins(login):
        run.expect(results, f"{name}, with {other}", [program, port, *other, checks[0]],
                   [f"not ok {checks[0]}: connect: Permission denied"])
    if login == NO_LOGIN:
        run.expect(results, f"{name}, a login too many", [program, port, USERNAME, PASSWORD, checks[0]],
                   run.oks(checks[:1]))


def debian_has(package):
    """Where there is no package to install, there is nothing to be missing."""
    return not shutil.which("apt-cache") or \
        subprocess.run(["apt-cache", "show", package], capture_output=True).returncode == 0


def clients(results, program, home, ports):
    run_in_namespace = namespaces()
    makers = {"microsocks": microsocks}
    if debian_has("dante-server"):
        makers["danted"] = lambda *args: danted(home, *args)
    else:
        print("not applicable: danted, which this Debian has not")
    for login in (NO_LOGIN, (USERNAME, PASSWORD)):
        kind = "no login" if login == NO_LOGIN else "a login"
        for name, make in makers.items():
            port = free_port()
            if name == "danted" and login != NO_LOGIN and not run_in_namespace:
                print("not applicable: danted with a login, as this user cannot make namespaces")
                continue
            with proxy(make(port, login), port, home / f"{name}.log"):
                client(results, f"C client, {name} with {kind}", program, port, login, ports)
    port = free_port()
    with proxy(microsocks(port, (LONG, LONG)), port, home / "microsocks.log"):
        client(results, "C client, microsocks with a long login", program, port, (LONG, LONG), ports)


def curl(proxy_option, port, login, *arguments):
    """What curl prints and exits with."""
    command = ["curl", "--silent", "--noproxy", "", "--max-time", str(run.SECONDS), proxy_option,
               f"127.0.0.1:{port}", *arguments]
    if login != NO_LOGIN:
        command += ["--proxy-user", ":".join(login)]
    done = subprocess.run(command, capture_output=True)
    return done.stdout, done.returncode


def proxy_for_curl(results, program, way, login, ports):
    """The C proxy, which receives commands in one of its ways, and curl in both of its."""
    name = f"curl, C proxy by {way}" + ("" if login == NO_LOGIN else " with a login")
    options = [] if login == NO_LOGIN else login
    page, nobody = Page.CONTENT, free_port()
    with support.Server([program, way, *options]) as server:
        for option in ("--socks5", "--socks5-hostname"):
            # With the first, curl looks the name up. With the second, the proxy does.
            host = "localhost" if option == "--socks5-hostname" and way == "name" else "127.0.0.1"
            about = f"{name}, {option}"
            got = curl(option, server.port, login, "--ipv4", f"http://localhost:{ports['127.0.0.1']}/")
            results.take(about, got, (page, 0))
            results.take(f"{about}, command", server.line(), f"{host} {ports['127.0.0.1']}")
            got = curl(option, server.port, login, "--ipv4", "--upload-file", "-",
                       f"http://localhost:{nobody}/")
            results.take(f"{about}, nobody there", got, (b"", CURL_PROXY))
            results.take(f"{about}, command", server.line(), f"{host} {nobody}")
            if "::1" in ports:
                got = curl(option, server.port, login, f"http://[::1]:{ports['::1']}/")
                results.take(f"{about}, IPv6", got, (page, 0))
                results.take(f"{about}, command", server.line(), f"::1 {ports['::1']}")
            for other in wrong_logins(login):
                got = curl(option, server.port, other, f"http://127.0.0.1:{ports['127.0.0.1']}/")
                results.take(f"{about}, with {other}", got, (b"", CURL_PROXY))
                results.take(f"{about}, with {other}, the proxy", server.line(), "refused")
        many = concurrent.futures.ThreadPoolExecutor(8)
        url = f"http://127.0.0.1:{ports['127.0.0.1']}/"
        all_got = list(many.map(lambda _: curl("--socks5", server.port, login, url), range(16)))
        results.take(f"{name}, 16 at once", all_got, [(page, 0)] * 16)
    results.take(f"{name}, the proxy's exit status", server.status, 0)


def uploads(results, program, home, ports):
    """As much the other way."""
    (home / "file").write_bytes(Page.CONTENT)
    with support.Server([program, "name"]) as server:
        got = curl("--socks5-hostname", server.port, NO_LOGIN, "--upload-file", str(home / "file"),
                   f"http://127.0.0.1:{ports['127.0.0.1']}/")
        results.take("curl uploads through the C proxy", got, (Page.CONTENT, 0))


def among_ourselves(results, client_program, proxy_program, ports):
    for way in ("addr", "name"):
        with support.Server([proxy_program, way, LONG, LONG]) as server:
            client(results, f"C client, C proxy by {way}", client_program, server.port, (LONG, LONG), ports)
        results.take(f"C client, C proxy by {way}, exit status", server.status, 0)


def controls(results, program, ports):
    """Without a proxy, and through one that does not echo, the client fails."""
    nobody = free_port()
    check = f"addr/127.0.0.1/{ports['127.0.0.1']}"
    run.expect(results, "a control", [program, nobody, *NO_LOGIN, check],
               [f"not ok {check}: tcp_connect: Connection refused"])
    run.expect(results, "a control", [program, ports["127.0.0.1"], *NO_LOGIN, check],
               [f"not ok {check}: connect: Protocol error"])


def main():
    args = support.arguments(__doc__).parse_args()
    if args.libdill:
        support.die("the C proxy needs libdill_rt")
    support.need("microsocks", "curl", "openssl", "unshare")
    if debian_has("dante-server"):
        support.need("danted")
    setup = support.Setup(args)
    client_program = setup.program("peers/socks5_client.c")
    proxy_program = setup.program("peers/socks5_proxy.c")
    results = run.Results()
    hosts = ["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"]
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        echoing = {host: stack.enter_context(serving(Echo, host)) for host in hosts}
        pages = {host: stack.enter_context(serving(Page, host)) for host in hosts}
        controls(results, client_program, echoing)
        clients(results, client_program, home, echoing)
        among_ourselves(results, client_program, proxy_program, echoing)
        for login in (NO_LOGIN, (USERNAME, PASSWORD)):
            for way in ("addr", "name"):
                proxy_for_curl(results, proxy_program, way, login, pages)
        uploads(results, proxy_program, home, pages)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
