"""An HTTP proxy that makes tunnels (RFC 9110 section 9.3.6), for those who know the password."""

import socket
import threading

import peers
from peers import expect

PASSWORD = b"Basic YWxpY2U6c2VjcmV0"


class Proxy(peers.OneClient):
    """`places` are the ports on this machine of the authorities that it knows."""

    def __init__(self, places):
        self.places = places
        self.sent = b""  # by the client, through the tunnel
        super().__init__(self.tunnel)

    def tunnel(self, client):
        line, fields = peers.read_head(client)
        method, authority, version = line.split(b" ")
        expect((method, version) == (b"CONNECT", b"HTTP/1.1"), line)
        expect(fields.pop("host") == authority, "the Host field is the authority")
        password = fields.pop("proxy-authorization", None)
        expect(not fields, f"more fields: {fields}")
        if password != PASSWORD:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
                           b"Content-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.places[authority])) as server:
            server.settimeout(peers.LIMIT)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=relay, args=(server, client, lambda data: None), daemon=True)
            back.start()
            relay(client, server, self.keep)
            back.join(peers.LIMIT)

    def keep(self, data):
        self.sent += data


def relay(source, target, look):
    """Passes on what comes, and its end."""
    while data := source.recv(4096):
        look(data)
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
