#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: seeds/<target>/<name>.

An input is one byte n, n bytes of decisions, and a stream (see src/input.rs).
"""

import pathlib
import zlib

SEEDS = pathlib.Path(__file__).parent / "seeds"
KEY = bytes([0x37, 0xFA, 0x21, 0x3D])


def write(target, name, decisions, stream):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes([len(decisions)]) + bytes(decisions) + stream)


def frame(first, payload, key=None):
    mask = 0x80 if key else 0
    if len(payload) < 126:
        head = bytes([first, mask | len(payload)])
    elif len(payload) < 65536:
        head = bytes([first, mask | 126]) + len(payload).to_bytes(2, "big")
    else:
        head = bytes([first, mask | 127]) + len(payload).to_bytes(8, "big")
    key = key or b""
    masked = bytes(b ^ key[i % 4] for i, b in enumerate(payload)) if key else payload
    return head + key + masked


CONVERSATIONS = {
    "hello": [(0x81, b"Hello")],
    "fragments": [(0x01, b"Hel"), (0x00, b""), (0x80, b"lo"), (0x82, b"")],
    "control": [(0x02, b"a"), (0x89, b"ping"), (0x8A, b"pong"), (0x80, b"b"), (0x89, b"")],
    "close": [(0x81, b"x"), (0x88, b"\x03\xe8bye")],
    "close-empty": [(0x88, b"")],
    "utf8": [(0x01, b"\xe2\x82"), (0x80, b"\xac"), (0x81, b"\xf4\x90")],
    "middle": [(0x82, b"m" * 126), (0x82, b"n" * 300), (0x88, b"\x0b\xb8")],
    "large": [(0x82, b"l" * 65536), (0x81, b"end")],
    "violation": [(0x82, b"a"), (0xC2, b"b")],
    "not-started": [(0x80, b"a")],
    "interleaved": [(0x01, b"a"), (0x81, b"b")],
    "close-code": [(0x88, b"\x03\xed")],
    "pings": [(0x89, bytes([n])) for n in range(70)],
}

DECISIONS = {
    "whole": [],
    "pieces": [3, 1, 200, 2, 5, 0, 7, 130, 9, 100, 160, 3, 200, 3, 1, 250, 4, 128],
    "exact": [9, 20, 150, 4, 200, 8, 3, 1, 1, 1, 230, 40],
}


def conversations():
    for name, frames in CONVERSATIONS.items():
        for role, key in (("client", None), ("server", KEY)):
            stream = b"".join(frame(first, payload, key) for first, payload in frames)
            exact = 2 if name in ("fragments", "large") else 0
            setup = exact + (1 if key else 0)
            for how, decisions in DECISIONS.items():
                if how == "whole" or name in ("fragments", "control", "middle"):
                    write("receive", f"{name}-{role}-{how}", [setup] + decisions, stream)
            # The other decisions are those of the tasks and of the world around them.
            for n, tasks in enumerate(TASKS):
                if n == 0 or name in ("control", "close", "violation"):
                    write("conversation", f"{name}-{role}-{n}", [setup] + tasks, stream)


TASKS = [
    [],
    [1, 7, 2, 3, 4, 5, 6, 40, 80, 120, 160, 200, 240, 9, 8, 7, 6, 5, 4, 3, 2, 1] * 3,
    list(range(1, 250, 3)),
    [200, 17, 99, 3, 0, 66, 129, 8, 31] * 12,
]

REQUEST = (
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n"
)


def handshakes():
    def request(name, text, decisions=()):
        write("server_request_head", name, [0, 0, *decisions], text.encode("latin1"))

    request("rfc", REQUEST + "\r\n")
    request("frames-behind", REQUEST + "\r\n\x81\x85")
    request("byte-by-byte", REQUEST + "\r\n", [1] * 200)
    request("firefox", REQUEST.replace(": Upgrade", ": keep-alive, Upgrade") + "Cookie: a=b\r\n\r\n")
    request("several", REQUEST.replace("Upgrade: websocket", "Upgrade: h2c\r\nupgrade: WebSocket") + "\r\n")
    request("empty-lines", "\r\n\r\n" + REQUEST + "\r\n")
    request("post", REQUEST.replace("GET", "POST") + "\r\n")
    request("old-http", REQUEST.replace("1.1", "1.0") + "\r\n")
    request("version-8", REQUEST.replace(": 13", ": 8") + "\r\n")
    request("no-host", REQUEST.replace("Host", "Hose") + "\r\n")
    request("folded", REQUEST + " folded\r\n\r\n")
    request("bare-cr", REQUEST + "A: \r b\r\n\r\n")
    request("cut", REQUEST)
    request("many-fields", REQUEST + "A:b\r\n" * 130 + "\r\n")
    request("long", REQUEST + "A: " + "b" * 33000 + "\r\n\r\n")
    write("server_request_head", "small-rooms", [2, 4, 3, 0], (REQUEST + "\r\n").encode())
    write("server_request_head", "send-fails", [0, 1, 60, 0, 3, 10], (REQUEST + "\r\n").encode())

    def response(name, text, decisions=()):
        write("client_response_head", name, [0, 0, *decisions], text.encode("latin1"))

    response("rfc", RESPONSE + "\r\n")
    response("frames-behind", RESPONSE + "\r\n\x81\x05")
    response("byte-by-byte", RESPONSE + "\r\n", [1] * 200)
    response("no-reason", RESPONSE.replace(" Switching Protocols", "") + "\r\n")
    response("status-200", RESPONSE.replace("101", "200") + "\r\n")
    response("extension", RESPONSE + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    response("protocol", RESPONSE + "Sec-WebSocket-Protocol: chat\r\n\r\n")
    response("twice", RESPONSE + "Sec-WebSocket-Accept: {accept}\r\n\r\n")
    response("wrong", RESPONSE.replace("{accept}", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") + "\r\n")
    response("cut", RESPONSE)
    response("many-fields", RESPONSE + "A:b\r\n" * 130 + "\r\n")


OFFERS = {
    "browser": "permessage-deflate; client_max_window_bits",
    "firefox": "permessage-deflate",
    "all": "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
           "server_max_window_bits=10; client_max_window_bits=11",
    "two": "permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=8",
    "fields": "x-webkit-deflate-frame\nx; y=\"a, permessage-deflate\",\tpermessage-deflate",
    "quoted": "permessage-deflate; server_max_window_bits=\"1\\5\"; client_max_window_bits = \"9\"",
}


def extensions():
    for name, text in OFFERS.items():
        for window in 0, 1, 5:
            write("extension", f"{name}-{window}", [window], text.encode())


def deflated(*messages, level=6, window=15, flush=zlib.Z_SYNC_FLUSH):
    stream = zlib.compressobj(level, zlib.DEFLATED, -window)
    return [(stream.compress(message) + stream.flush(flush)).removesuffix(b"\0\0\xff\xff") for message in messages]


def compressed():
    text = b"".join(b'{"id":%d,"name":"seed %d"},' % (n, n * 7919) for n in range(40))
    noise = bytes(n * n * 7 >> 3 & 0xFF for n in range(300))
    for name, stream in {
        "fixed": deflated(b"Hello, Hello", level=1)[0],
        "dynamic": deflated(text)[0],
        "stored": deflated(noise, level=0)[0],
        "last": deflated(text, flush=zlib.Z_FINISH)[0] + b"\0",
        "bomb": deflated(bytes(1 << 21), level=9)[0],
        "empty": b"\0",
        "kept-tail": b"\0\0\0\xff\xff",
        "reserved": b"\x06\0",
    }.items():
        for how, decisions in {"whole": [0], "dropped": [8, 0, 0], "pieces": [4] + [9, 30, 1] * 60}.items():
            write("inflate", f"{name}-{how}", decisions, stream)
    first, second = deflated(text[:200], text[:300], window=9)
    write("inflate", "two", [1, len(first), 255, 0, 0, 255, 0], first + second)
    for window in range(8):
        write("deflate", f"window-{8 + window}", [window | 0x10, 12, 3, 3, 12, 90, 3, 0, 0, 3], text)


conversations()
handshakes()
extensions()
compressed()
