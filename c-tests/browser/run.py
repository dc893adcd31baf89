#!/usr/bin/env python3
"""Tries examples/webapp and examples/ticker with a real browser, and with clients that misbehave.

    run.py                      all checks; ends with "N passed, N failed"
    run.py --screenshot FILE    also keeps a picture of the chat
    run.py --ticker FILE        and of the ticker
    run.py --libdill SRC        also compiles examples/webapp.c of a libdill source tree, as it
                                is, and tries it; it has the ports 8080 and 8081

The headers are taken from --include (include), the libraries from --lib (build). The compiler is
$CC, or cc; the browser is $CHROMIUM, or chromium.
"""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from chromium import Browser, Failure  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from needs import need  # noqa: E402
EXAMPLE = ROOT / "examples" / "webapp"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SECONDS = 10

# In a page: `closed_` will be the event that ends the present WebSocket.
CLOSED = "void (window.closed_ = new Promise(r => socket.addEventListener('close', r)))"

passed = failed = 0


def check(name, good, detail=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok    {name}", flush=True)
    else:
        failed += 1
        print(f"FAIL  {name}: {detail}", flush=True)
    return good


def same(name, got, want):
    return check(name, got == want, f"got {got!r}, want {want!r}")


# ---- The server ----

class Server:
    """A compiled program, running."""

    def __init__(self, args, source, directory, *arguments):
        self.program = pathlib.Path(directory) / source.stem
        lib = args.lib.resolve()
        command = [*shlex.split(os.environ.get("CC", "cc")), *args.cflags,
                   f"-I{args.include}", source, "-o", self.program, f"-L{lib}",
                   "-ldill_ws", "-ldill_rt", f"-Wl,-rpath,{lib}"]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        self.log = open(pathlib.Path(directory) / f"{source.stem}.log", "w+")
        self.process = subprocess.Popen([self.program, *arguments], stdout=self.log,
                                        stderr=subprocess.STDOUT)

    def output(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def port(self):
        for _ in range(100):
            found = re.match(r"port (\d+)\n", self.output())
            if found:
                return int(found.group(1))
            time.sleep(0.05)
        sys.exit(f"the server has not started: {self.output()}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


# ---- Clients that are no browser ----

def connect(port):
    s = socket.create_connection(("127.0.0.1", port), SECONDS)
    s.settimeout(SECONDS)
    return s


def until_end(s):
    """All that comes; an abrupt end is an end too."""
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def ask(port, head):
    """The whole response to a request, which is the last one."""
    with connect(port) as s:
        last = head.replace("\r\n", "\r\nConnection: close\r\n", 1) if head.strip() else head
        s.sendall(last.encode("latin-1"))
        return until_end(s).decode("latin-1")


def cookie(port):
    """What the server gives with the page."""
    found = re.search(r"^Set-Cookie: ([^;\r]*)", ask(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), re.M)
    return found.group(1) if found else None


def status(response):
    found = re.match(r"HTTP/1\.1 (\d{3}) ", response)
    return int(found.group(1)) if found else None


def upgrade(port, **change):
    """A request for the WebSocket, as Firefox writes it. None leaves a field out."""
    fields = {
        "Host": f"127.0.0.1:{port}",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Accept": "*/*",
        "Accept-Language": "en-US,en;q=0.5",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Sec-WebSocket-Version": "13",
        "Origin": f"http://127.0.0.1:{port}",
        "Sec-WebSocket-Extensions": "permessage-deflate",
        "Sec-WebSocket-Key": KEY,
        "Connection": "keep-alive, Upgrade",
        "Cookie": cookie(port),
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "websocket",
        "Sec-Fetch-Site": "same-origin",
        "Pragma": "no-cache",
        "Cache-Control": "no-cache",
        "Upgrade": "websocket",
    }
    fields |= {name.replace("_", "-"): value for name, value in change.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join(["GET /chat HTTP/1.1", *lines, "", ""])


def head_of(s):
    """The head of a response, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = s.recv(4096)
        if not piece:
            break
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def frame(opcode, payload):
    """A client's frame; the mask is all zeroes, so that the payload can be read."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else (
        b"\xfe" + struct.pack(">H", len(payload)))
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


def attach(port, receive_buffer=None):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(SECONDS)
    s.connect(("127.0.0.1", port))
    s.sendall(upgrade(port).encode())
    head, _ = head_of(s)
    if status(head) != 101:
        raise Failure(head)
    return s


def check_http(port):
    page = ask(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    same("the page is served", status(page), 200)
    length = re.search(r"^Content-Length: (\d+)\r$", page, re.M)
    same("its length is told", len(page.partition("\r\n\r\n")[2].encode("latin-1")),
         int(length.group(1)) if length else None)
    same("another page is not there", status(ask(port, "GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n")), 404)
    head = ask(port, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    same("the head of the page", [status(head), head.partition("\r\n\r\n")[2]], [200, ""])
    same("only GET", status(ask(port, "POST / HTTP/1.1\r\nHost: x\r\n\r\n")), 405)
    same("a resource that is too long",
         status(ask(port, f"GET /{'x' * 20000} HTTP/1.1\r\nHost: x\r\n\r\n")), 414)
    same("a malformed field", status(ask(port, "GET / HTTP/1.1\r\nHost : x\r\n\r\n")), 400)
    same("no request at all", status(ask(port, "\r\n\r\nGET\r\n")), 400)
    cookies = f"Cookie: a={'c' * 30000}\r\n"
    same("a cookie of 30 KB", status(ask(port, f"GET / HTTP/1.1\r\nHost: x\r\n{cookies}\r\n")), 200)
    same("heads of more than 32 KiB",
         status(ask(port, f"GET / HTTP/1.1\r\nHost: x\r\n{cookies * 3}\r\n")), 431)
    same("a request without a host", status(ask(port, "GET / HTTP/1.1\r\n\r\n")), 400)
    smuggled = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    same("a request with two ends", status(ask(port, f"GET / HTTP/1.1\r\nHost: x\r\n{smuggled}\r\n")), 400)
    with connect(port) as s:
        request = "GET /no HTTP/1.1\r\nHost: x\r\n\r\n"
        s.sendall((request * 3 + upgrade(port)).encode())
        answers, rest = b"", b""
        while b"101 Switching" not in answers and (rest := s.recv(4096)):
            answers += rest
        same("three pages and the WebSocket on one connection",
             [answers.count(b"HTTP/1.1 404 "), answers.count(b"HTTP/1.1 101 ")], [3, 1])


def check_handshake(port):
    with connect(port) as s:
        s.sendall(upgrade(port).encode())
        head, rest = head_of(s)
        same("Firefox's fields are understood", status(head), 101)
        check("the key is answered", f"Sec-WebSocket-Accept: {ACCEPT}" in head, head)
        check("no extension is accepted", "Extensions" not in head, head)
        same("nothing follows the head", rest, b"")
    with connect(port) as s:
        # A frame right behind the request, in pieces of a byte.
        for byte in upgrade(port, Cookie=f"a={'c' * 3000}; {cookie(port)}").encode() + frame(8, b"\x03\xe8"):
            s.sendall(bytes([byte]))
        head, rest = head_of(s)
        same("byte by byte, with a cookie of 3 KB", status(head), 101)
        same("a close frame behind the request is answered", rest + until_end(s), b"\x88\x02\x03\xe8")
    for name, want, change in [
            ("no Upgrade", 426, {"Upgrade": None}),
            ("no Connection", 426, {"Connection": "keep-alive"}),
            ("an old version", 426, {"Sec_WebSocket_Version": "8"}),
            ("no key", 400, {"Sec_WebSocket_Key": None}),
            ("a short key", 400, {"Sec_WebSocket_Key": "AAAA"}),
            ("another page's script", 403, {"Origin": "http://evil.example"}),
            ("no cookie", 403, {"Cookie": None}),
            ("another cookie", 403, {"Cookie": "chat=0"}),
            ("no Origin: no browser", 101, {"Origin": None})]:
        with connect(port) as s:
            s.sendall(upgrade(port, **change).encode())
            same(f"handshake with {name}", status(head_of(s)[0]), want)


# ---- The browser ----

class Chatter:
    """A tab with the chat in it."""

    def __init__(self, browser, port, name):
        self.tab = browser.tab(f"http://localhost:{port}/")
        self.name = name
        self.connected()
        self.tab.value("document.getElementById('name').value = " + repr(name))

    def connected(self):
        return self.tab.until("document.getElementById('state').textContent === 'connected'")

    def say(self, text):
        """By keyboard, as a user would."""
        self.tab.value("document.getElementById('text').focus()")
        self.tab.type(text)
        self.tab.press_enter()

    def count(self):
        return self.tab.value("document.querySelectorAll('#log li').length")

    def last(self, n):
        return self.tab.value(f"[...document.getElementById('log').children].slice(-{n})"
                              ".map(e => e.textContent)")

    def sees(self, *want):
        """The last lines, as soon as they are these, or at last."""
        deadline = time.monotonic() + SECONDS
        while (got := self.last(len(want))) != list(want) and time.monotonic() < deadline:
            time.sleep(0.02)
        return got


def check_chat(browser, port, picture):
    ann = Chatter(browser, port, "Ann")
    bob = Chatter(browser, port, "Bob")
    same("both tabs are connected", [ann.connected(), bob.connected()], [True, True])
    same("the page's title", ann.tab.value("document.title"), "Chat")
    ann.say("Hello, Bob!")
    same("Ann's message reaches Bob", bob.sees("Ann: Hello, Bob!"), ["Ann: Hello, Bob!"])
    bob.say("Hello, Ann. Gr\u00fc\u00dfe \U0001f600")
    want = ["Ann: Hello, Bob!", "Bob: Hello, Ann. Gr\u00fc\u00dfe \U0001f600"]
    same("Bob's answer reaches Ann", ann.sees(*want), want)
    same("each sees it once", [ann.count(), bob.count()], [2, 2])
    if picture:
        picture.write_bytes(ann.tab.screenshot())
    cid = Chatter(browser, port, "Cid")
    cid.say("<img src=x onerror=document.title='owned'>")
    want = "Cid: <img src=x onerror=document.title='owned'>"
    same("a third tab reaches both", [ann.sees(want), bob.sees(want)], [[want], [want]])
    same("text is not taken for HTML", bob.tab.value("document.title"), "Chat")
    cid.tab.close()

    # More cookies than libdill had room for, in a head of some 25 KB.
    bob.tab.value("for (let i = 0; i < 7; i++) document.cookie = `c${i}=${'x'.repeat(3500)}`")
    same("the cookies are kept", bob.tab.value("document.cookie.length > 24500"), True)
    bob.tab.go(f"http://localhost:{port}/")
    same("connected with long cookies", bob.connected(), True)
    bob.tab.value("document.getElementById('name').value = 'Bob'")
    bob.say("with cookies")
    same("and heard", ann.sees("Bob: with cookies"), ["Bob: with cookies"])

    bob.tab.value("for (let i = 0; i < 300; i++) socket.send('n' + i)")
    want = [f"n{i}" for i in range(300)]
    same("300 messages in a row arrive in order", ann.sees(*want), want)
    bob.tab.value("socket.send('y'.repeat(4000))")
    same("a long message", ann.sees("y" * 4000), ["y" * 4000])
    bob.tab.value(CLOSED)
    bob.tab.value("socket.send('z'.repeat(5000))")
    same("a message that is too long is told so",
         bob.tab.value("closed_.then(e => [e.code, e.reason, e.wasClean])"),
         [1009, "message too long", True])
    same("the page connects again", bob.connected(), True)
    bob.say("back again")
    same("and is heard", ann.sees("Bob: back again"), ["Bob: back again"])
    bob.tab.value(CLOSED)
    bob.tab.value("socket.close(1000, 'bye')")
    same("a goodbye is answered", bob.tab.value("closed_.then(e => [e.code, e.wasClean])"),
         [1000, True])
    same("and the page connects again", bob.connected(), True)
    return ann, bob


def receive(s, count):
    data = b""
    while len(data) < count:
        piece = s.recv(count - len(data))
        if not piece:
            raise Failure("the server has closed the connection")
        data += piece
    return data


def check_slow_client(port):
    """One client takes nothing. The others must not notice."""
    slow, sender, receiver = attach(port, 4096), attach(port), attach(port)
    start = time.monotonic()
    took = intact = 0
    for number in range(1000):
        text = b"%04d" % number + b"s" * 3996
        sender.sendall(frame(1, text))
        intact += receive(receiver, 4004) == b"\x81\x7e\x0f\xa0" + text
        took = max(took, time.monotonic() - start)
        start = time.monotonic()
    same("4 MB pass a client that takes nothing", intact, 1000)
    check("no message waits for it", took < 3, f"{took:.1f} s")
    # It is given up within the time that it had to take a message.
    ended = True
    try:
        slow.settimeout(20)
        until_end(slow)
    except TimeoutError:
        ended = False
    check("it is dropped in the end", ended)
    for s in (slow, sender, receiver):
        s.close()


def check_rude_clients(port, ann, bob):
    for name, data, close in [
            ("a binary message", frame(2, b"\xff\xfe"), 1003),
            ("text that is not UTF-8", frame(1, b"\xff\xfe"), 1007),
            ("a frame without a mask", b"\x81\x01x", 1002)]:
        with attach(port) as s:
            s.sendall(data)
            got = s.recv(4)
            same(f"{name} is refused", struct.unpack(">H", got[2:4])[0] if len(got) == 4 else got,
                 close)
    with attach(port) as s:
        s.sendall(frame(1, b"raw: hi") + b"\x81\xfe")
    want = ["raw: hi"]
    same("a client that breaks off is heard up to there", ann.sees(*want), want)
    bob.say("still here")
    same("nobody else is disturbed", ann.sees("Bob: still here"), ["Bob: still here"])


def check_ticker(args, program, directory):
    """A page shows what the ticker posts, and comes back when the server does."""
    home = ROOT / "examples" / "ticker"
    server = Server(args, home / "ticker.c", directory, "0", home / "ticker.html")
    browser = None
    try:
        port = server.port()
        browser = Browser(program)
        tabs = [browser.tab(f"http://localhost:{port}/") for _ in range(2)]

        def shown(tab, what):
            return tab.value(f"document.getElementById('{what}').textContent")

        deadline = time.monotonic() + SECONDS
        while any(int(shown(tab, "count") or 0) < 5 for tab in tabs) and time.monotonic() < deadline:
            time.sleep(0.1)
        for tab in tabs:
            same("a page is connected to the ticker", shown(tab, "state"), "connected")
            check("it counts what comes", int(shown(tab, "count")) >= 5)
            price = tab.value("document.querySelector('.price').textContent")
            check("it shows a price", re.fullmatch(r"\d+\.\d\d", price or ""), price)
        if args.ticker:
            args.ticker.write_bytes(tabs[0].screenshot())
        server.process.terminate()
        deadline = time.monotonic() + SECONDS
        while not shown(tabs[0], "state").startswith("disc") and time.monotonic() < deadline:
            time.sleep(0.05)
        same("a page is told why the ticker ends", shown(tabs[0], "state"), "disconnected the market is closed")
        server.process.wait(SECONDS)
        same("and it ends in order", server.process.returncode, 0)
    finally:
        if browser:
            browser.close()
        server.stop()


def settled(server, want):
    deadline = time.monotonic() + SECONDS
    while server.descriptors() > want and time.monotonic() < deadline:
        time.sleep(0.1)
    return server.descriptors()


def check_example(args, program, directory):
    server = Server(args, EXAMPLE / "webapp.c", directory, "0", EXAMPLE / "chat.html")
    browser = None
    try:
        port = server.port()
        # The poller is opened with the first wait.
        ask(port, "GET / HTTP/1.1\r\n\r\n")
        time.sleep(0.5)
        before = server.descriptors()
        check_http(port)
        check_handshake(port)
        browser = Browser(program)
        ann, bob = check_chat(browser, port, args.screenshot)
        check_rude_clients(port, ann, bob)
        ann.tab.close()
        bob.tab.close()
        browser.close()
        browser = None
        check_slow_client(port)
        same("no descriptor is left when all have gone", settled(server, before), before)
        check("the server still runs", server.is_alive())
        same("and has had nothing to complain of", server.output(), f"port {port}\n")
    finally:
        if browser:
            browser.close()
        server.stop()


def check_libdill_example(args, program, directory):
    """libdill's own program: a page on port 8080 counts down over a WebSocket on port 8081."""
    source = args.libdill / "examples" / "webapp.c"
    # It includes "../libdill.h", so it gets a place with our headers above it.
    place = pathlib.Path(directory) / "include"
    (place / "examples").mkdir(parents=True)
    for header in args.include.glob("*.h"):
        shutil.copy(header, place)
    shutil.copy(source, place / "examples" / "theirs.c")
    server = Server(args, place / "examples" / "theirs.c", directory)
    browser = None
    try:
        browser = Browser(program)
        # It does not expect connections without a request, so this must not try.
        time.sleep(1)
        tab = browser.tab("http://localhost:8080/")
        deadline = time.monotonic() + 30
        seen = []
        while (not seen or seen[-1] != "Boom!") and time.monotonic() < deadline:
            text = tab.value("document.getElementById('text').value")
            if text and text not in seen:
                seen.append(text)
            time.sleep(0.1)
        same("libdill's webapp counts down in the browser", seen, [*"9876543210", "Boom!"])
        check("libdill's webapp still runs", server.is_alive(), server.output())
    finally:
        if browser:
            browser.close()
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include")
    parser.add_argument("--lib", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--screenshot", type=pathlib.Path)
    parser.add_argument("--ticker", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--libdill", type=pathlib.Path, metavar="SRC")
    args = parser.parse_args()
    program = os.environ.get("CHROMIUM", "chromium")
    need(program, shlex.split(os.environ.get("CC", "cc"))[0])
    with tempfile.TemporaryDirectory() as directory:
        try:
            args.cflags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
            check_example(args, program, directory)
            check_ticker(args, program, directory)
            if args.libdill:
                args.cflags = ["-O2", "-w"]
                check_libdill_example(args, program, directory)
        except (Failure, OSError) as error:
            check("to the end", False, f"{type(error).__name__}: {error}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
