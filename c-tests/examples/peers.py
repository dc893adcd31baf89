"""The other ends of the examples: a WebSocket server and a client over plain sockets.

They are written from RFC 6455 and share nothing with the library. What breaks a rule raises an
exception.
"""

import base64
import hashlib
import os
import socket
import struct
import threading
import time

TEXT, BINARY, CLOSE = 1, 2, 8
LIMIT = 15  # seconds for any single step
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Peer:
    """One connection whose opening handshake is over. A client masks, a server does not."""

    def __init__(self, sock, is_client):
        self.sock = sock
        self.is_client = is_client

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            expect(piece, "the connection ended within a frame")
            data += piece
        return data

    def send(self, opcode, payload):
        key = os.urandom(4) if self.is_client else b""
        expect(len(payload) <= 125, "longer frames are not needed here")
        head = bytes([0x80 | opcode, len(payload) | (0x80 if key else 0)])
        self.sock.sendall(head + key + self.mask(payload, key))

    def receive(self):
        first, second = self.read(2)
        opcode = first & 0x0F
        expect(first & 0xF0 == 0x80, "fin set, no reserved bits")
        expect(opcode in (TEXT, BINARY, CLOSE), f"opcode {opcode}")
        expect(bool(second & 0x80) != self.is_client, "a client masks, a server does not")
        length = second & 0x7F
        expect(length <= 125, "longer frames are not needed here")
        key = self.read(4) if second & 0x80 else b""
        return opcode, self.mask(self.read(length), key)

    @staticmethod
    def mask(payload, key):
        return bytes(b ^ key[i % 4] for i, b in enumerate(payload)) if key else payload

    def send_close(self, code, reason=b""):
        self.send(CLOSE, struct.pack(">H", code) + reason)

    def receive_close(self):
        opcode, payload = self.receive()
        expect(opcode == CLOSE, f"a close frame, not {opcode}")
        return self.close_payload(payload)

    @staticmethod
    def close_payload(payload):
        return (struct.unpack(">H", payload[:2])[0], payload[2:]) if payload else (0, b"")

    def expect_end(self):
        """The other end closes its side of the stream too, and in order."""
        self.sock.shutdown(socket.SHUT_WR)
        expect(self.sock.recv(1) == b"", "nothing after the close frame")
        self.sock.close()


def read_head(sock):
    """The start line and the fields, by lower-case name."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = sock.recv(1)
        expect(piece, "the connection ended within a head")
        head += piece
    start, *lines = head[:-4].split(b"\r\n")
    fields = {}
    for line in lines:
        name, value = line.split(b":", 1)
        fields[name.lower().decode()] = value.strip()
    return start, fields


class OneClient(threading.Thread):
    """Accepts one connection and lets `serve` have it."""

    def __init__(self, serve):
        super().__init__(daemon=True)
        self.serve = serve
        self.error = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LIMIT)
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        try:
            sock, _ = self.listener.accept()
            with sock:
                sock.settimeout(LIMIT)
                self.serve(sock)
        except Exception as error:  # reported by finish()
            self.error = error
        finally:
            self.listener.close()

    def finish(self):
        self.join(LIMIT)
        expect(not self.is_alive(), "the peer is still waiting")
        if self.error:
            raise self.error


class Server(OneClient):
    """Opens a WebSocket and lets `talk` have it."""

    def __init__(self, talk):
        self.talk = talk
        super().__init__(self.open)

    def open(self, sock):
        start, fields = read_head(sock)
        expect(start == b"GET / HTTP/1.1", f"request {start!r}")
        expect(fields["host"] == b"127.0.0.1", f"host {fields['host']!r}")
        expect(fields["upgrade"].lower() == b"websocket", "upgrade")
        expect(fields["connection"].lower() == b"upgrade", "connection")
        expect(fields["sec-websocket-version"] == b"13", "version")
        key = fields["sec-websocket-key"]
        expect(len(base64.b64decode(key, validate=True)) == 16, "key of 16 bytes")
        agree(sock, key)
        self.talk(Peer(sock, is_client=False), fields)


def connection(port, alive):
    """A client's socket, as soon as the server under test listens."""
    give_up = time.monotonic() + LIMIT
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        except ConnectionRefusedError:
            expect(alive(), "the server ended before it listened")
            expect(time.monotonic() < give_up, "the server does not listen")
            time.sleep(0.01)


def connect(port, alive):
    """A client's connection, as soon as the server under test listens."""
    return handshake(connection(port, alive))


def handshake(sock, origin=b"https://www.example.com"):
    """A WebSocket over a connection."""
    key = base64.b64encode(os.urandom(16))
    sock.sendall(b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: " + origin + b"\r\n"
                 b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
    start, fields = read_head(sock)
    expect(start.startswith(b"HTTP/1.1 101 "), f"status {start!r}")
    expect(fields["sec-websocket-accept"] == accept_key(key), "accept key")
    return Peer(sock, is_client=True)


def agree(sock, key, more=b""):
    """Answers a request whose key this is."""
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accept_key(key) + b"\r\n" + more + b"\r\n")


def answer_upgrade(sock, more=b""):
    """Opens a WebSocket as a server; the request line and the fields."""
    line, fields = read_head(sock)
    agree(sock, fields["sec-websocket-key"], more)
    return line, fields


def expect_close(peer, code, reason=b""):
    got = peer.receive_close()
    expect(got == (code, reason), f"got close {got!r}")


def echo_and_part(peer):
    """Sends one message back, and says goodbye after the client has."""
    peer.send(*peer.receive())
    expect_close(peer, 1000)
    peer.send_close(1000)


def echo_one(sock):
    """The same over a connection, which ends with it."""
    peer = Peer(sock, False)
    echo_and_part(peer)
    peer.expect_end()
