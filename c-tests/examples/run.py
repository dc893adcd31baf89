#!/usr/bin/env python3
"""Checks the manual pages as their readers meet them.

The compiler is $CC, or cc. The programs are taken from the formatted pages, compiled without a
warning allowed, and run against a peer on this machine. Only the host's name and the port are
replaced.
"""

import argparse
import pathlib
import re
import resource
import shlex
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

MAN = pathlib.Path(__file__).resolve().parents[2] / "man"
sys.path.append(str(MAN))

import pages as manual  # noqa: E402
import peers  # noqa: E402
import runtime_pages  # noqa: E402
from build import ROOT, Build, count, ending, run  # noqa: E402
from peers import BINARY, TEXT, expect, expect_close  # noqa: E402

HOST, CLIENT_PORT, SERVER_PORT = "www.example.org", "(?:80|443|1080)", "8080"


# ---- The pages ----

def formatted(page):
    """A page as a terminal shows it, and what groff has to say about it."""
    done = run(["groff", "-man", "-Tutf8", "-P-cbou", "-ww", "-rLL=100n", page])
    expect(done.returncode == 0, done.stderr)
    return done.stdout, done.stderr


def section(page, title):
    """The text of a section, without its indentation."""
    text, _ = formatted(page)
    found = re.search(rf"^{title}\n((?:[ \t].*\n|\n)+)", text, re.M)
    expect(found, f"{page.name} has no section {title}")
    lines = found.group(1).strip("\n").split("\n")
    indent = min(len(l) - len(l.lstrip()) for l in lines if l.strip())
    return "\n".join(l[indent:] for l in lines) + "\n"


def squeeze(text):
    """C tokens, each apart from the next."""
    return " ".join(re.findall(r"\w+|[^\w\s]", text))


def preprocessed(cc, header, *options):
    done = run([*cc, "-E", "-P", *options, "-xc", "-"], input=f"#include <{header}>\n")
    expect(done.returncode == 0, done.stderr)
    return done.stdout


def declared(cc, header):
    """The prototypes of the functions as the compiler sees them, by name without prefix."""
    found = re.findall(
        r"\b((?:const )?(?:struct )?\w+(?: int)?[\s*]+dill_(\w+)\s*\([^)]*\)\s*;)", preprocessed(cc, header))
    return {name: squeeze(proto.replace("dill_", "")) for proto, name in found}


def macros(cc, header):
    """The names of the parameters of the macros that look like functions, by name without prefix."""
    found = re.findall(r"^#define dill_(\w+)\(([^)]*)\)", preprocessed(cc, header, "-dD"), re.M)
    return {name: re.split(r"\s*,\s*", parameters) for name, parameters in found}


def check_formatting(page):
    _, warnings = formatted(page)
    expect(warnings == "", warnings)


def check_prototype(page, prototypes, part=lambda proto: proto):
    proto = squeeze(re.sub(r"#include <\w+\.h>", "", section(page, "SYNOPSIS")))
    expect(page.stem in prototypes, "the header does not declare it")
    expect(part(proto) == part(prototypes[page.stem]),
           f"the page has\n  {proto}\nthe header has\n  {prototypes[page.stem]}")


def nameless(proto):
    """A prototype without the names of its parameters, which differ in the original."""
    return re.sub(r"\w+(?= (?:\[ \d+ \] )?[,)])", "", proto)


def check_macro(page, defined):
    """A macro's parameters have no types. The page gives those that are not calls one."""
    parameters = re.search(r"\((.*)\)", section(page, "SYNOPSIS"), re.S).group(1)
    names = [re.search(r"\w+$", parameter.strip()).group() for parameter in parameters.split(",")]
    expect(names == defined.get(page.stem), f"the page has {names}, the header has {defined.get(page.stem)}")


def exported():
    """The functions and variables of libdill_rt without their prefix."""
    pinned = (ROOT / "symbols" / "libdill_rt.txt").read_text()
    return set(re.findall(r"^\w+ dill_(\w+)$", pinned, re.M))


def check_complete(symbols):
    """Each symbol of libdill_rt has a page, or a reason to have none."""
    described = {name for family in runtime_pages.FAMILIES for name in family.PAGES}
    without = set(runtime_pages.NO_PAGES)
    macros = set(runtime_pages.MACROS)
    expect(macros <= described and not macros & symbols, "the table of macros is wrong")
    expect(without <= symbols, f"not exported, but said to have no page: {sorted(without - symbols)}")
    expect(not without & described, f"said to have no page: {sorted(without & described)}")
    pages = {page.stem for page in MAN.glob("*.3")}
    wanted = (symbols - without) | macros
    expect(wanted <= pages, f"exported, but without a page: {sorted(wanted - pages)}")
    described -= macros
    expect(described <= symbols, f"described, but not exported: {sorted(described - symbols)}")


def check_references(page, known):
    """Each page that this one refers to is one of ours, or known to be the system's."""
    source = page.read_text()
    found = set(re.findall(r"\\fB(\w+)\\fP\((\d)\)", source)) | set(re.findall(r"^\.BR (\w+) \((\d)\)", source, re.M))
    expect(found, "refers to no page")
    missing = sorted(f"{name}({number})" for name, number in found if f"{name}.{number}" not in known)
    expect(not missing, f"refers to {missing}, which are not there")


def refuses(check, *arguments):
    """The check can fail."""
    try:
        check(*arguments)
    except AssertionError:
        return
    raise AssertionError("it is not noticed")


def check_program_uses(page):
    """The program calls the function, or the one that it is the _mem twin of. Those that are not safe to use it
    need not."""
    names = {page.stem, page.stem.removesuffix("_mem")}
    if page.stem.startswith("tls_attach_client") and not page.stem.endswith("_opts"):
        names.add("tls_attach_client_host")
    called = set(re.findall(r"\b(\w+)\(", section(page, "EXAMPLE")))
    expect(names & called, "the program does not call it")


def separate(lists):
    """The names in lists such as "EBADF, ENOTSUP"."""
    return set(", ".join(lists).split(", ")) - {""}


def listed(comment):
    """The errors that a comment lists: a line of their own, "* EBADF: why", for those that have the same reason."""
    return separate(re.findall(r"^\W*\* (E[A-Z\d]+(?:, E[A-Z\d]+)*):", comment, re.M))


def header_errors(header):
    """The errors that the comments in the header list, by function. "Returns as NAME" stands for NAME's."""
    comments = {name: text for text, name in re.findall(
        r"/\*((?:(?!\*/).)*)\*/\s*DILL_WS_EXPORT[^(;]*?dill_(ws_\w+)\(", header, re.S)}
    return {name: listed(text).union(*(listed(comments[other]) for other in re.findall(r"\bReturns as (ws_\w+)", text)))
            for name, text in comments.items()}


def export_errors():
    """The errors that the comments on the runtime's exports list, by function. "As [`dill_other`]" stands for those
    of the other one, "above" for those in the list at the head of the file."""
    comments = {}
    for path in (ROOT / "runtime" / "src" / "abi").glob("*.rs"):
        source = path.read_text()
        common = re.search(r"//! Every function here.*\n(?://!.*\n)*", source)
        for text, name in re.findall(
                r'((?:^///.*\n)+)(?:#\[.*\]\n)+pub unsafe extern "C" fn dill_(\w+)', source, re.M):
            returns = re.sub(r"(?s)/// # Safety.*", "", text)
            comments[name] = returns + (common.group() if common and re.search(r"\babove\b", returns) else "")

    def errors(name):
        others = re.findall(r"(?:\bAs|-1 as) \[`dill_(\w+)`\]", comments[name])
        return listed(comments[name]).union(*(errors(other) for other in others))

    return {name: errors(name) for name in comments}


def check_errors(page, comments):
    """The comment on the function and the page list the same errors."""
    errors = re.search(r"^\.SH ERRORS\n((?:(?!\.SH).*\n)*)", page.read_text(), re.M)
    commented = comments.get(page.stem)
    described = separate(re.findall(r"^\.TP\n\\fB(E.*)\\fP$", errors.group(1), re.M)) if errors else set()
    expect(commented is not None, "there is no comment on the function")
    expect(commented == described, f"only in the comment: {sorted(commented - described)}, "
           f"only on the page: {sorted(described - commented)}")


# ---- The programs ----

def program(page, host, port):
    """The program of a page, with the host and the port replaced. Without a port it is alone."""
    source = section(page, "EXAMPLE").replace("\u2010", "-")
    if port is None:
        return source
    placeholder = rf"(?<=, ){CLIENT_PORT}(?=, (?:0, |deadline))" if HOST in source else rf"\b{SERVER_PORT}\b"
    source = source.replace(f'"{HOST}"', f'"{host}"')
    source, count = re.subn(placeholder, str(port), source)
    expect(count == 1, f"{page.name}: the port stands {count} times in the program")
    return source


class PageBuild(Build):
    """It compiles the programs of the pages too."""

    def __init__(self, args, directory):
        if args.original:
            super().__init__(args.original / "include", args.original / "lib", ["-ldill"], directory)
            # libdill's own header declares the functions; the name is ours.
            (self.directory / "libdill_ws.h").write_text("#include <libdill.h>\n")
            self.cc.append(f"-I{self.directory}")
            self.standard = "gnu11"  # its header does not compile as strict C
        else:
            super().__init__(args.include, args.lib, shlex.split(args.libs), directory)

    def page(self, page, port):
        """The program of a page."""
        source = self.directory / f"{page.stem}.c"
        source.write_text(program(page, "127.0.0.1", port))
        return self.compile(source)

    def start(self, page, port, stdin=None):
        return self.launch([self.page(page, port)], stdin=stdin)


def client_example(messages, close, output, field=None, server_closes=None):
    """The example talks to a server that sends every message back."""

    def talk(peer, fields):
        if field:
            expect(fields[field[0]] == field[1], f"field {field[0]}")
        if server_closes:
            peer.send_close(*server_closes)
        got = []
        while True:
            opcode, payload = peer.receive()
            if opcode == peers.CLOSE:
                break
            got.append((opcode, payload))
            peer.send(opcode, payload)
        expect(got == messages, f"got messages {got!r}")
        expect(peer.close_payload(payload) == close, f"got close {payload!r}")
        if not server_closes:
            peer.send_close(1000)
        peer.expect_end()

    def check(build, page):
        server = peers.Server(talk)
        process = build.start(page, server.port)
        try:
            out = ending(process)
        finally:
            process.kill()
        server.finish()
        expect(out == output, f"printed {out!r}")

    return check


def server_example(talk, output):
    """The example serves one client of ours."""

    def check(build, page):
        port = build.port()
        process = build.start(page, port)
        try:
            talk(peers.connect(port, lambda: process.poll() is None))
            out = ending(process)
        finally:
            process.kill()
        expect(out == output, f"printed {out!r}")

    return check


def exchange(peer, question, answer):
    peer.send(TEXT, question)
    got = peer.receive()
    expect(got == (TEXT, answer), f"got {got!r}")


def say_goodbye(peer):
    peer.send_close(1000)
    expect_close(peer, 1000)
    peer.expect_end()


def talk_echo(peer):
    exchange(peer, b"one", b"one")
    exchange(peer, b"two", b"two")
    say_goodbye(peer)


def talk_thanks(peer):
    exchange(peer, b"hello", b"thanks")
    expect_close(peer, 1000)
    peer.send_close(1000)
    peer.expect_end()


def talk_maintenance(peer):
    got = peer.receive()
    expect(got == (TEXT, b"closing for today"), f"got {got!r}")
    expect_close(peer, 1001, b"maintenance")
    peer.send_close(1001)
    peer.expect_end()


def talk_welcome(peer):
    got = peer.receive()
    expect(got == (TEXT, b"welcome"), f"got {got!r}")
    expect_close(peer, 1000)
    peer.send_close(1000)
    peer.expect_end()


def serves_many(build, page):
    """The example of the overview serves several clients at once and never ends."""
    port = build.port()
    process = build.start(page, port)
    try:
        clients = [peers.connect(port, lambda: process.poll() is None) for _ in range(3)]
        for text in (b"one", b"two"):
            for peer in clients:
                exchange(peer, text, text)
        for peer in clients:
            say_goodbye(peer)
        expect(process.poll() is None, "the server has ended")
    finally:
        process.kill()
        process.communicate()


def http_head(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(1)
        expect(piece, "the connection ended within a head")
        data += piece
    return data


def http_client_example(build, page):
    """The example asks a server of ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(peers.LIMIT)
        process = build.start(page, listener.getsockname()[1])
        try:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(peers.LIMIT)
                got = http_head(sock)
                expect(got == b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
                       f"got {got!r}")
                sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nSet-Cookie: "
                             + b"c" * 900 + b"\r\n\r\nbody\n")
                sock.shutdown(socket.SHUT_WR)
                out = ending(process)
        finally:
            process.kill()
    want = "404 Not Found\nContent-Length: 5\nSet-Cookie: " + "c" * 900 + "\nbody\n"
    expect(out == want, f"printed {out!r}")


def http_server_example(build, page):
    """The example answers a client of ours."""
    port = build.port()
    process = build.start(page, port)
    try:
        with peers.connection(port, lambda: process.poll() is None) as sock:
            sock.sendall(b"GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = http_head(sock)
            while piece := sock.recv(100):
                got += piece
        out = ending(process)
    finally:
        process.kill()
    expect(got == b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n"
           b"Hello, world!", f"got {got!r}")
    expect(out == "GET /index.html\nHost: localhost\n", f"printed {out!r}")


def receive_all(sock):
    data = b""
    while piece := sock.recv(100):
        data += piece
    return data


def tls_client_example(build, page):
    """The example talks with a server of ours."""
    home = build.certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "good.pem", home / "good.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(peers.LIMIT)
        process = build.start(page, listener.getsockname()[1])
        try:
            plain, _ = listener.accept()
            plain.settimeout(peers.LIMIT)
            with context.wrap_socket(plain, server_side=True) as sock:
                got = receive_all(sock)
                sock.sendall(got.upper())
                sock.unwrap().close()
            out = ending(process)
        finally:
            process.kill()
    expect(out == "HELLO\n", f"printed {out!r}")


def tls_server_example(build, page):
    """The example echoes what a client of ours sends."""
    context = ssl.create_default_context(cafile=build.certificates() / "root.pem")
    port = build.port()
    process = build.start(page, port)
    try:
        plain = peers.connection(port, lambda: process.poll() is None)
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            sock.sendall(b"echo")
            got = b""
            while len(got) < 4:
                got += sock.recv(4)
            sock.unwrap().close()
        out = ending(process)
    finally:
        process.kill()
    expect(got == b"echo", f"got {got!r}")
    expect(out == "", f"printed {out!r}")


def tls_opts_example(build, page):
    """The two ends of the example talk with each other."""
    build.certificates()
    out = ending(build.start(page, None))
    expect(out == "protocol 0\nhello\n", f"printed {out!r}")


def greeting_example(build, page):
    """The example greets a client of ours."""
    port = build.port()
    process = build.start(page, port)
    try:
        with peers.connection(port, lambda: process.poll() is None) as sock:
            got = receive_all(sock)
        out = ending(process)
    finally:
        process.kill()
    expect((got, out) == (b"hello\n", ""), f"got {got!r}, printed {out!r}")


def prints(output):
    """The example needs nobody."""
    def check(build, page):
        out = ending(build.start(page, None))
        expect(out == output, f"printed {out!r}")

    return check


def tcp_client_example(build, page):
    """The example talks with a server of ours, which answers when everything has come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(peers.LIMIT)
        process = build.start(page, listener.getsockname()[1])
        try:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(peers.LIMIT)
                got = receive_all(sock)
                sock.sendall(got.upper())
            out = ending(process)
        finally:
            process.kill()
    expect((got, out) == (b"hello\n", "HELLO\n"), f"got {got!r}, printed {out!r}")


def tcp_server_example(build, page):
    """The example echoes what a client of ours sends."""
    port = build.port()
    process = build.start(page, port)
    try:
        with peers.connection(port, lambda: process.poll() is None) as sock:
            sock.sendall(b"echo")
            sock.shutdown(socket.SHUT_WR)
            got = receive_all(sock)
        out = ending(process)
    finally:
        process.kill()
    expect((got, out) == (b"echo", "client at 127.0.0.1\n"), f"got {got!r}, printed {out!r}")


def serves_until_told(build, page):
    """The example of the runtime's overview serves several clients at once, until its input ends."""
    port = build.port()
    process = build.start(page, port, stdin=subprocess.PIPE)
    try:
        clients = [peers.connection(port, lambda: process.poll() is None) for _ in range(3)]
        for _ in range(2):
            for sock in clients:
                sock.sendall(b"x")
                expect(sock.recv(1) == b"x", "no echo")
        clients.pop().close()
        out = ending(process)
        for sock in clients:
            sock.close()
    finally:
        process.kill()
    expect(out == "a client was still here\n" * 2 + "good night\n", f"printed {out!r}")


def answers(sock, question, answer):
    """Receives just this, and sends that."""
    got = b""
    while len(got) < len(question) and (piece := sock.recv(len(question) - len(got))):
        got += piece
    expect(got == question, f"got {got!r}")
    sock.sendall(answer)


def socks5_client_example(*dialogue, output, then=lambda sock: None):
    """The example is a client of a proxy of ours (RFC 1928, 1929)."""
    def check(build, page):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(peers.LIMIT)
            process = build.start(page, listener.getsockname()[1])
            try:
                sock, _ = listener.accept()
                with sock:
                    sock.settimeout(peers.LIMIT)
                    for question, answer in dialogue:
                        answers(sock, question, answer)
                    then(sock)
                out = ending(process)
            finally:
                process.kill()
        expect(out == output, f"printed {out!r}")

    return check


def echo_in_capitals(sock):
    sock.sendall(receive_all(sock).upper())


def socks5_proxy_example(talk, output):
    """The example is a proxy, which a client of ours uses."""
    def check(build, page):
        port = build.port()
        process = build.start(page, port)
        try:
            with peers.connection(port, lambda: process.poll() is None) as sock:
                talk(sock)
            out = ending(process)
        finally:
            process.kill()
        expect(out == output, f"printed {out!r}")

    return check


def expect_bytes(sock, want):
    answers(sock, want, b"")


def use_proxy(sock):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(peers.LIMIT)
        sock.sendall(b"\5\1\2")
        answers(sock, b"\5\2", b"\1\5alice\6secret")
        place = b"\3\x09localhost" + listener.getsockname()[1].to_bytes(2, "big")
        answers(sock, b"\1\0", b"\5\1\0" + place)
        expect_bytes(sock, b"\5\0\0\1" + bytes(6))
        there, _ = listener.accept()
        with there:
            there.settimeout(peers.LIMIT)
            sock.sendall(b"hello")
            sock.shutdown(socket.SHUT_WR)
            echo_in_capitals(there)
        got = receive_all(sock)
        expect(got == b"HELLO", f"got {got!r}")


def ask_for_the_proxy_itself(sock):
    sock.sendall(b"\5\1\0")
    answers(sock, b"\5\0", b"\5\1\0\1\x7f\0\0\1" + (80).to_bytes(2, "big"))
    expect_bytes(sock, b"\5\2\0\1\x7f\0\0\1\0\0")


def remotes_example(build, page):
    """The example finds a server of ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        out = ending(build.start(page, listener.getsockname()[1]))
    expect(out == "127.0.0.1: yes\n", f"printed {out!r}")


# ---- Servers that run out of descriptors ----

# How many a server may have, and how many clients come. Those that are not accepted wait in the
# listener's queue, which for one of the programs has 10 places.
DESCRIPTORS, CLIENTS = 12, 15


def served(connect):
    """Is a client that connects so served?"""
    try:
        with connect() as sock:
            exchange(peers.handshake(sock), b"one", b"one")
    except (OSError, AssertionError):
        return False
    return True


def check_goes_on(build, command, port, secure=lambda sock: sock):
    """A server with more clients than it can have says so, and serves the next ones when they leave."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env=build.environment,
                               cwd=build.directory, preexec_fn=limit)
    try:
        def connection():
            return peers.connection(port, lambda: process.poll() is None)

        clients = [connection() for _ in range(CLIENTS)]
        said = process.stderr.readline()
        expect("Too many open files" in said, f"printed {said!r}")
        for sock in clients:
            sock.close()
        give_up = time.monotonic() + peers.LIMIT
        while not served(lambda: secure(connection())):
            # It may need a descriptor to read a file, before all those clients are gone.
            expect(process.poll() is None, "the server has ended")
            expect(time.monotonic() < give_up, "the next client is not served")
    finally:
        process.kill()
        process.communicate()


def servers_go_on(build):
    """Name and check of each server."""
    def overview():
        port = build.port()
        check_goes_on(build, [build.page(MAN / "libdill_ws.7", port)], port)

    def echo():
        port = build.port()
        check_goes_on(build, [build.compile(ROOT / "examples/echo_server.c"), port], port)

    def secure():
        port = build.port()
        context = ssl.create_default_context(cafile=build.certificates() / "root.pem")
        program = build.compile(ROOT / "examples/wss_server.c")
        check_goes_on(build, [program, "chain.pem", "key.pem", port], port,
                      lambda sock: context.wrap_socket(sock, server_hostname="localhost"))

    return [("libdill_ws.7", overview), ("examples/echo_server.c", echo), ("examples/wss_server.c", secure)]


# ---- HTTP around a WebSocket ----

def http_answer(sock):
    """The status line, the fields by lower-case name, and the content."""
    line, fields = peers.read_head(sock)
    content = b""
    while len(content) < int(fields.get("content-length", b"0")):
        piece = sock.recv(100)
        expect(piece, "the connection ended within the content")
        content += piece
    return line, fields, content


def requests_example(build, page):
    """The example serves a page and a WebSocket on one connection."""
    port = build.port()
    process = build.start(page, port)
    try:
        with peers.connection(port, lambda: process.poll() is None) as sock:
            def ask(line, cookie="x"):
                sock.sendall(f"GET {line} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
                return http_answer(sock)

            line, fields, content = ask("/")
            expect(line == b"HTTP/1.1 200 OK" and content == b"<!DOCTYPE html>\n<title>Hello</title>\n", content)
            expect(fields["content-type"] == b"text/html" and "date" in fields, fields)
            expect(ask("/else")[0] == b"HTTP/1.1 404 Not Found", "no such page")
            expect(ask("/chat")[0] == b"HTTP/1.1 403 Forbidden", "no cookie")
            key = b"dGhlIHNhbXBsZSBub25jZQ=="
            sock.sendall(b"GET /chat HTTP/1.1\r\nHost: localhost\r\nCookie: user=alice\r\nUpgrade: websocket\r\n"
                         b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
            line, fields = peers.read_head(sock)
            expect(line.startswith(b"HTTP/1.1 101 "), line)
            expect(fields["sec-websocket-accept"] == peers.accept_key(key), "the key")
            peer = peers.Peer(sock, True)
            exchange(peer, b"one", b"one")
            expect_close(peer, 1000)
            peer.send_close(1000)
            peer.expect_end()
        out = ending(process)
    finally:
        process.kill()
    expect(out == '/, cookie "x"\n/else, cookie "x"\n/chat, cookie "x"\n/chat, cookie "user=alice"\n', out)


def one_client(build, page, serve, output):
    """The example is a client of what `serve` does with its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(peers.LIMIT)
        process = build.start(page, listener.getsockname()[1])
        try:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(peers.LIMIT)
                serve(sock)
            out = ending(process)
        finally:
            process.kill()
    expect(out == output, f"printed {out!r}")


def proxy_example(build, page):
    """The example opens a WebSocket through a proxy of ours."""
    def serve(sock):
        line, fields = peers.read_head(sock)
        expect(line == b"CONNECT inside.example:80 HTTP/1.1", line)
        expect(fields == {"host": b"inside.example:80", "proxy-authorization": b"Basic YWxpY2U6c2VjcmV0"}, fields)
        sock.sendall(b"HTTP/1.0 200 Connection established\r\n\r\n")
        line, fields = peers.answer_upgrade(sock)
        expect(fields["host"] == b"inside.example", fields)
        peers.echo_one(sock)

    one_client(build, page, serve, "hello\n")


def connect_example(build, page):
    """The example opens a WebSocket; and another time is sent elsewhere."""
    def serve(sock):
        line, fields = peers.answer_upgrade(sock, b"Sec-WebSocket-Protocol: chat.v1\r\n")
        expect(line == b"GET /chat HTTP/1.1", line)
        expect(fields["authorization"] == b"Bearer 1234", fields)
        expect(fields["sec-websocket-protocol"] == b"chat.v2, chat.v1", fields)
        peers.echo_one(sock)

    def redirect(sock):
        peers.read_head(sock)
        sock.sendall(b"HTTP/1.1 301 Moved\r\nLocation: ws://b.example/\r\n\r\n")

    one_client(build, page, serve, "hello\n")
    one_client(build, page, redirect, "it has moved to ws://b.example/\n")


def talk_once(peer):
    exchange(peer, b"hello", b"hello")
    expect_close(peer, 1000)
    peer.send_close(1000)
    peer.expect_end()


def options_example(build, page):
    """The example opens a WebSocket with options; and another time is refused."""
    def serve(sock):
        line, fields = peers.answer_upgrade(sock, b"Sec-WebSocket-Protocol: chat.v1\r\n")
        expect(line == b"GET /chat HTTP/1.1", line)
        expect(fields["cookie"] == b"user=alice", fields)
        expect(fields["sec-websocket-protocol"] == b"chat.v2, chat.v1", fields)
        peer = peers.Peer(sock, False)
        expect(peer.receive() == (TEXT, b"hello"), "the message")
        expect_close(peer, 1000)
        peer.send_close(1000)
        peer.expect_end()

    def refuse(sock):
        peers.read_head(sock)
        sock.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    one_client(build, page, serve, "we speak chat.v1\n")
    one_client(build, page, refuse, "status 401: the answer's status is not 101, RFC 6455 4.1\n")


def flush_example(build, page):
    """The example sends three messages together."""
    def serve(sock):
        peers.answer_upgrade(sock)
        peer = peers.Peer(sock, False)
        for text in (b"one", b"two", b"three"):
            expect(peer.receive() == (TEXT, text), "the messages")
        peer.send(TEXT, b"all there")
        expect_close(peer, 1000)
        peer.send_close(1000)
        peer.expect_end()

    one_client(build, page, serve, "29 bytes are held\nall there\n")


def post_example(build, page):
    """The example tells two clients the same, and ends."""
    port = build.port()
    process = build.start(page, port)
    try:
        def connection():
            return peers.connection(port, lambda: process.poll() is None)

        with connection() as one, connection() as two:
            clients = [peers.handshake(sock) for sock in (one, two)]
            for peer in clients:
                expect(peer.receive() == (TEXT, b"to everybody"), "the message")
                expect_close(peer, 1001)
                peer.send_close(1001)
                peer.expect_end()
        out = ending(process)
    finally:
        process.kill()
    expect(out == "", f"printed {out!r}")


# What is in libdill_wsx.h.
EXTENDED = {name for family in manual.EXTENDED for name in family.PAGES} | set(manual.TYPES)

EXAMPLES = {
    **dict.fromkeys(["ws_opts", "ws_attach_client_opts", "ws_close", "ws_query", "ws_why"], options_example),
    "ws_attach_server_opts": server_example(talk_once, ""),
    "ws_attach_client": client_example(
        [(TEXT, b"Hello, world!")], (1000, b"bye"), "text: Hello, world!\n"),
    "ws_attach_client_mem": client_example(
        [(BINARY, b"\1\2\3")], (1000, b""), "01 02 03\n"),
    "ws_attach_server": server_example(talk_echo, "client wants /chat\n"),
    "ws_attach_server_mem": server_example(talk_thanks, "received: hello\n"),
    "ws_send": client_example(
        [(TEXT, "Gr\u00fc\u00dfe".encode()), (BINARY, b"\0\xff")], (1000, b""),
        "text, 7 bytes\nbinary, 2 bytes\n"),
    "ws_sendl": client_example(
        [(TEXT, b'{"name": "libdill"}')], (1000, b""), '{"name": "libdill"}\n'),
    "ws_recv": client_example(
        [(TEXT, b"one"), (TEXT, b"two")], (1000, b""), "text: one\ntext: two\n"),
    "ws_recvl": client_example(
        [(BINARY, b"type:the body")], (1000, b""), "[type] [the body]\n"),
    "ws_done": client_example(
        [(TEXT, b"question")] * 3, (1000, b"no more questions"), "3 answers\n"),
    "ws_detach": server_example(talk_maintenance, "closed in order\n"),
    "ws_status": client_example(
        [], (1000, b""), "server closed: 3000 that is all\n", server_closes=(3000, b"that is all")),
    "ws_request_key": client_example(
        [(TEXT, b"let me in")], (1000, b""), "let me in\n",
        field=("authorization", b"Bearer 1234")),
    "ws_response_key": server_example(talk_welcome, "origin: https://www.example.com\n"),
    **dict.fromkeys(["ws_request", "ws_field", "ws_accept", "ws_respond"], requests_example),
    "ws_proxy": proxy_example,
    **dict.fromkeys(["ws_connect", "ws_headfield"], connect_example),
    "ws_flush": flush_example,
    **dict.fromkeys(["ws_msg", "ws_post", "ws_postdone", "ws_fail"], post_example),
    "libdill_ws": serves_many,
    **dict.fromkeys(
        ["http_attach", "http_attach_mem", "http_done", "http_sendrequest", "http_sendfield",
         "http_recvstatus", "happyeyeballs_connect"], http_client_example),
    **dict.fromkeys(
        ["http_detach", "http_recvrequest", "http_recvfield", "http_sendstatus"], http_server_example),
    **dict.fromkeys(
        ["tls_attach_client", "tls_attach_client_mem", "tls_attach_client_host",
         "tls_attach_client_host_mem", "tls_done"], tls_client_example),
    **dict.fromkeys(
        ["tls_attach_client_opts", "tls_attach_server_opts", "tls_why"], tls_opts_example),
    "libdill_rt": serves_until_told,
    "brecvsome": prints("Hello\n"),
    **dict.fromkeys(["now", "msleep"], prints("".join(f"round {i} in time\n" for i in (1, 2, 3)))),
    **dict.fromkeys(["fdin", "fdout", "fdclean"], prints("1000000 bytes\n")),
    **dict.fromkeys(["hmake", "hquery", "hown", "hclose"], prints("7\nthe old number is gone\n8\n")),
    "go": prints("Alice is at work\nmain goes on\nAlice clears the desk\nall over\n"),
    **dict.fromkeys(
        ["bundle", "bundle_go", "bundle_wait", "yield"],
        prints("one: 1\ntwo: 1\none: 2\ntwo: 2\ntwo: 3\nboth have finished\nthree: 1\nthree: 2\n"
               "three was stopped\n")),
    **dict.fromkeys(
        ["go_mem", "bundle_mem", "bundle_go_mem"], prints("".join(f"worker {i} is ready\n" for i in range(4)))),
    **dict.fromkeys(["chmake", "chsend", "chrecv", "chdone"], prints("1\n4\n9\n16\n")),
    **dict.fromkeys(["choose", "chmake_mem"], prints("a letter\nsome news\n")),
    **dict.fromkeys(["bsend", "brecv", "ipc_pair"], prints("IBM\nno more\ny\n")),
    **dict.fromkeys(["bsendl", "brecvl", "ipc_pair_mem"], prints("12: [in one] [ piece]\n")),
    **dict.fromkeys(["msend", "mrecv"], prints("3 bytes: one\na message that is too long\n0 bytes: \n")),
    **dict.fromkeys(["msendl", "mrecvl"], prints("[ty] [the body]\n")),
    **dict.fromkeys(
        [f"ipaddr_{name}" for name in ("local", "str", "family", "len", "sockaddr", "port", "setport", "equal")],
        prints("127.0.0.1, port 8000\nthe same: no\nthe same machine: yes\n")),
    "ipaddr_remotes": remotes_example,
    **dict.fromkeys(["ipaddr_remote", "tcp_connect", "tcp_done"], tcp_client_example),
    **dict.fromkeys(["tcp_listen", "tcp_accept", "tcp_close"], tcp_server_example),
    **dict.fromkeys(
        ["tcp_listen_mem", "tcp_accept_mem", "tcp_connect_mem", "ipc_listen_mem", "ipc_accept_mem", "ipc_connect_mem",
         "ipc_listener_fromfd", "ipc_listener_fromfd_mem"], prints("hello\n")),
    **dict.fromkeys(
        ["ipc_listen", "ipc_accept", "ipc_connect", "ipc_done", "ipc_close"], prints("the sum is 6\n")),
    **dict.fromkeys(["ipc_sendfd", "ipc_recvfd"], prints("written by the child\n")),
    **dict.fromkeys(["ipc_fromfd", "ipc_fromfd_mem"], prints("12321\n")),
    **dict.fromkeys(
        ["suffix_attach", "suffix_attach_mem", "suffix_detach"], prints("You say hello\nGoodbye\n")),
    **dict.fromkeys(
        ["prefix_attach", "prefix_attach_mem", "prefix_detach"], prints("the size is 00 05\nsecond\n")),
    **dict.fromkeys(["term_attach", "term_attach_mem", "term_done", "term_detach"], prints("2 messages\n")),
    **dict.fromkeys(["udp_open", "udp_open_mem", "udp_send", "udp_recv"], prints("anybody there?\n")),
    **dict.fromkeys(["udp_sendl", "udp_recvl"], prints("7 seven from 127.0.0.1\n")),
    "socks5_client_connectbyname": socks5_client_example(
        (b"\5\2\0\2", b"\5\2"), (b"\1\5alice\6secret", b"\1\0"),
        (b"\5\1\0\3\x0einside.example" + (7000).to_bytes(2, "big"), b"\5\0\0\1" + bytes(6)),
        then=echo_in_capitals, output="HELLO\n"),
    "socks5_client_connect": socks5_client_example(
        (b"\5\1\0", b"\5\0"),
        (b"\5\1\0\1\xc0\0\2\1" + (7000).to_bytes(2, "big"), b"\5\4\0\1" + bytes(6)),
        output="the proxy knows no way\n"),
    **dict.fromkeys(
        ["socks5_proxy_auth", "socks5_proxy_recvcommandbyname", "socks5_proxy_sendreply"],
        socks5_proxy_example(use_proxy, "to localhost\n")),
    "socks5_proxy_recvcommand": socks5_proxy_example(
        ask_for_the_proxy_itself, "127.0.0.1, port 80: reply 2\n"),
    **dict.fromkeys(
        ["tcp_listener_fromfd", "tcp_listener_fromfd_mem", "tcp_fromfd", "tcp_fromfd_mem"], greeting_example),
    **dict.fromkeys(
        ["tls_attach_server", "tls_attach_server_mem", "tls_detach"], tls_server_example),
}


# Their programs do what the original cannot: go on after a timeout, a message that was too long, or a fork; drop
# messages; and pass a client of a proxy on.
BETTER_HERE = {
    "bsend", "brecv", "ipc_pair", "msend", "msendl", "mrecv", "mrecvl", "ipc_sendfd", "ipc_recvfd", "term_attach",
    "term_attach_mem", "term_done", "term_detach", "socks5_proxy_auth", "socks5_proxy_recvcommandbyname",
    "socks5_proxy_sendreply"}


# ---- The documents ----

def tests_in_c():
    for source in (ROOT / "c-tests").rglob("*.c"):
        yield from re.findall(r"^TEST(?:_\w+)?\((\w+)", source.read_text(), re.M)
    for source in (ROOT / "c-tests" / "compilers").glob("*.cpp"):
        yield from re.findall(r"^static void (\w+)\(\)", source.read_text(), re.M)


def tests_in_rust():
    for directory in ("src", "runtime/src", "tests", "runtime/tests"):
        for source in (ROOT / directory).rglob("*.rs"):
            yield from re.findall(r"#\[test\]\s*(?:(?:#|//).*\s*)*fn (\w+)", source.read_text())


def check_named_tests(document):
    """Every row of the tables names a test, and every test that is named exists."""
    in_c, in_rust = set(tests_in_c()), set(tests_in_rust())
    rows = re.findall(r"^\| D(\d+) .*\| ([^|]*) \|$", document.read_text(), re.M)
    expect(rows and [int(n) for n, _ in rows] == list(range(1, len(rows) + 1)),
           "the rows are not numbered from D1 on")
    missing = []
    for number, column in rows:
        named = re.findall(r"(cargo )?`(\w+)`", column)
        if not named:
            missing.append(f"D{number} names none")
        missing += [f"D{number} {test}" for cargo, test in named
                    if test not in (in_rust if cargo else in_c)]
    expect(not missing, "no such test: " + ", ".join(missing))


# ---- All of it ----

def checks(args, build):
    pages = sorted(MAN.glob("*.[0-9]"))
    expect(pages, "no pages")
    known = {page.name for page in pages} | manual.ELSEWHERE
    examples = set(EXAMPLES)
    if args.original:
        # It has no function to check a certificate with, and may have been built without TLS.
        # What is not in its header cannot be compared.
        def is_theirs(name):
            return not name.startswith("tls_") and name not in EXTENDED

        pages = [page for page in pages if is_theirs(page.stem)]
        examples = {name for name in EXAMPLES if is_theirs(name)}
    functions = [page for page in pages if page.suffix == ".3" and page.stem not in manual.TYPES]
    yield "the pages are what man/pages.py writes", lambda: expect(
        (done := run([sys.executable, MAN / "pages.py", "--check"])).returncode == 0, done.stderr)
    for page in pages:
        yield f"{page.name}: formats without a warning", lambda page=page: check_formatting(page)
    for page in pages:
        yield f"{page.name}: references", lambda page=page: check_references(page, known)
    yield "a reference to no page is noticed", lambda: refuses(check_references, MAN / "brecv.3", known - {"tls_done.3"})

    prototypes, websocket, defined = {}, set(), {}

    def headers():
        for header in ("libdill.h", "libdillimpl.h", "libdill_ws.h"):
            prototypes.update(declared(build.cc, header))
        if not args.original:
            prototypes.update(declared(build.cc, "libdill_wsx.h"))
        websocket.update(name for name in prototypes if name.startswith("ws_"))
        defined.update(macros(build.cc, "libdill.h"))

    yield "the headers", headers
    for page in functions:
        if page.stem in runtime_pages.MACROS:
            yield f"{page.name}: prototype", lambda page=page: check_macro(page, defined)
        else:
            yield f"{page.name}: prototype", lambda page=page: check_prototype(
                page, prototypes, *([nameless] if args.original else []))
    if not args.original:
        yield "every exported function of libdill_rt has a page", lambda: check_complete(exported())
        yield "a function without a page is noticed", lambda: refuses(check_complete, exported() | {"no_such"})
        yield "a page without a function is noticed", lambda: refuses(check_complete, exported() - {"brecv"})
        yield "every function of libdill_ws has a page", lambda: expect(
            (missing := websocket - {p.stem for p in functions}) == set(), missing)
        readme = (ROOT / "README.md").read_text()
        yield "README.md names every function of libdill_ws", lambda: expect(
            (missing := websocket - set(re.findall(r"`(\w+)`", readme))) == set(), missing)
        comments = export_errors()
        for header in ("libdill_ws.h", "libdill_wsx.h"):
            comments |= header_errors((args.include / header).read_text())
        for page in functions:
            if page.stem not in runtime_pages.MACROS:
                yield f"{page.name}: errors", lambda page=page: check_errors(page, comments)
        yield "an error within another's entry is noticed", lambda: expect(
            listed("/// * EBADF: no handle. ENOTSUP: no stream.\n//! * EPIPE, EBUSY: so.\n") == {"EBADF", "EPIPE", "EBUSY"},
            "it counts, or others do not")
        yield "an error that no page names is noticed", lambda: refuses(
            check_errors, MAN / "brecv.3", {"brecv": comments["brecv"] | {"EXDEV"}})
    for page in functions:
        yield f"{page.name}: the program uses it", lambda page=page: check_program_uses(page)
    for page in pages:
        if not (args.original and page.stem in BETTER_HERE):
            yield f"{page.name}: example", lambda page=page: EXAMPLES[page.stem](build, page)
    if not args.original:
        for name, check in servers_go_on(build):
            yield f"{name}: goes on when it is out of descriptors", check
    yield "every example has a page", lambda: expect(
        examples == {p.stem for p in pages}, examples ^ {p.stem for p in pages})
    if not args.original:
        document = ROOT / "docs" / "differences-from-libdill.md"
        yield f"docs/{document.name}: named tests", lambda: check_named_tests(document)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--include", type=pathlib.Path, metavar="DIR", default=ROOT / "include",
                        help="where the headers are (include)")
    parser.add_argument("--lib", type=pathlib.Path, metavar="DIR", default=ROOT / "build",
                        help="where the libraries are (build)")
    parser.add_argument("--libs", metavar="FLAGS", default="-ldill_ws -ldill_rt",
                        help="how to link them (-ldill_ws -ldill_rt)")
    parser.add_argument("--original", type=pathlib.Path, metavar="DIR",
                        help="the installation of an original libdill; compiles and runs the examples "
                        "there instead, and compares the pages with its header")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        return count(checks(args, PageBuild(args, directory)))


if __name__ == "__main__":
    sys.exit(main())
