"""The websockets package as a peer of the C programs. peer.js is the same with the ws package.

    peer.py server              prints `port NUMBER`, ends with its standard input
    peer.py client PORT CHECK...

What the server does depends on the resource:

    /whole, /fragments, /pings  echoes: in one frame, in several, with pings awaited between them
    /wrong                      echoes with another last byte
    /close/STATUS               closes at once, with the reason CLOSE_REASON

and for every connection it prints `closed STATUS REASON` with what it got from the client.
With DEFLATE in the environment, parameters as JSON, it does permessage-deflate so, and the server prints
`compressed` or `plain` for every connection first.
With TLS_CERT and TLS_KEY in the environment the server speaks TLS; with TLS_ROOT, the file of an
authority, so does the client.

The client prints `ok CHECK` or `not ok CHECK: WHY` for each check:

    whole:TYPE:SIZE, fragments:TYPE:SIZE, pings:TYPE:SIZE, wrong:TYPE:SIZE
    no-extension                permessage-deflate, offered, is not negotiated
    deflate                     it is
    close:STATUS:REASON         close and be answered with the same; 1005 is no status
    closed:STATUS:REASON        be closed like this
"""

import asyncio
import json
import os
import random
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

CLOSE_REASON = "adiaŭ"
NO_STATUS = 1005


def server_context():
    if "TLS_CERT" not in os.environ:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["TLS_CERT"], os.environ["TLS_KEY"])
    return limited(context)


def client_context():
    if "TLS_ROOT" not in os.environ:
        return None
    return limited(ssl.create_default_context(cafile=os.environ["TLS_ROOT"]))


def deflating(factory):
    if "DEFLATE" not in os.environ:
        return {}
    return {"extensions": [factory(**json.loads(os.environ["DEFLATE"]))], "compression": None}


def limited(context):
    """Of one version, if TLS_VERSION says so."""
    if "TLS_VERSION" in os.environ:
        context.minimum_version = context.maximum_version = ssl.TLSVersion[os.environ["TLS_VERSION"]]
    return context


def open_client(port, path, **options):
    context = client_context()
    url = f"wss://127.0.0.1:{port}{path}" if context else f"ws://127.0.0.1:{port}{path}"
    return connect(url, ssl=context, **deflating(ClientPerMessageDeflateFactory), **options)


def content(kind, size):
    """Text of one- to four-byte characters, or bytes; always the same for a size."""
    draw = random.Random(size)
    if kind == "binary":
        return draw.randbytes(size)
    # At least two bytes a character on average; what is cut off is filled up.
    text = "".join(draw.choices("wö€😀", k=size // 2 + 1)).encode()[:size]
    return text.decode(errors="ignore").encode().ljust(size, b"w")


def pieces(data):
    """Fragments, an empty one among them, that do not care where a character ends."""
    third = len(data) // 3
    return [data[:1], b"", data[1:third], data[max(1, third):2 * third], data[max(1, 2 * third):]]


async def fragments(ws, data, pings):
    for number, piece in enumerate(pieces(data)):
        if pings:
            # Only a pong with this payload ends the wait.
            await (await ws.ping(b"ping %d" % number + b"!" * 100))
        yield piece


async def send(ws, mode, text, data):
    if mode == "whole":
        await ws.send(data, text=text)
    else:
        await ws.send(fragments(ws, data, mode == "pings"), text=text)


async def receive(ws):
    """A message as (is it text, its bytes)."""
    message = await ws.recv()
    return (True, message.encode()) if isinstance(message, str) else (False, message)


async def handle(ws):
    path = ws.request.path
    if "DEFLATE" in os.environ:
        print("compressed" if ws.protocol.extensions else "plain", flush=True)
    if path.startswith("/close/"):
        await ws.close(int(path.removeprefix("/close/")), CLOSE_REASON)
    else:
        try:
            while True:
                text, data = await receive(ws)
                if path == "/wrong":
                    data = data[:-1] + bytes([data[-1] ^ 1])
                    path = "/whole"
                await send(ws, path.removeprefix("/"), text, data)
        except ConnectionClosed:
            pass
    await ws.wait_closed()
    received = ws.protocol.close_rcvd
    print("closed", *(received.code, received.reason) if received else ("without", "handshake"), flush=True)


async def run_server():
    async with serve(handle, "127.0.0.1", 0, max_size=None, ssl=server_context(),
                     **deflating(ServerPerMessageDeflateFactory)) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def check_echo(ws, mode, kind, size):
    data = content(kind, size)
    await send(ws, mode, kind == "text", data)
    text, echoed = await receive(ws)
    assert text == (kind == "text"), "another type"
    assert len(echoed) == len(data), "another length"
    assert echoed == data, "another content"


def check_received(ws, status, reason):
    received = ws.protocol.close_rcvd
    assert received, "no close frame"
    assert (received.code, received.reason) == (status, reason), f"closed with {received}"


async def run_check(port, ws, check):
    kind, *rest = check.split(":")
    if kind in ("whole", "fragments", "pings"):
        await check_echo(ws, kind, rest[0], int(rest[1]))
    elif kind == "wrong":
        async with open_client(port, "/wrong", max_size=None) as other:
            await check_echo(other, "whole", rest[0], int(rest[1]))
    elif kind == "no-extension":
        assert "permessage-deflate" in ws.request.headers["Sec-WebSocket-Extensions"], "not offered"
        assert ws.protocol.extensions == [], "negotiated"
    elif kind == "deflate":
        assert ws.protocol.extensions, "not negotiated"
    elif kind == "close":
        status = int(rest[0])
        await ws.close(None if status == NO_STATUS else status, rest[1])
        check_received(ws, status, rest[1])
    elif kind == "closed":
        async with open_client(port, f"/close/{rest[0]}") as other:
            await other.wait_closed()
            check_received(other, int(rest[0]), rest[1])
    else:
        assert False, "no such check"


async def run_client(port, checks):
    failures = 0
    async with open_client(port, "/", max_size=None) as ws:
        for check in checks:
            try:
                await run_check(port, ws, check)
                print(f"ok {check}", flush=True)
            except Exception as error:
                print(f"not ok {check}: {error or type(error).__name__}", flush=True)
                failures += 1
    return failures > 0


if sys.argv[1] == "server":
    sys.exit(asyncio.run(run_server()))
sys.exit(asyncio.run(run_client(int(sys.argv[2]), sys.argv[3:])))
