"""A program in another language that uses options: it has no header, and finds the functions by their names.

    foreign.py LIBDILL_RT LIBDILL_WS
"""

import base64
import ctypes
import hashlib
import socket
import sys
import threading


class Opts(ctypes.Structure):
    """struct ws_opts, as ws_opts(3) has it."""
    _fields_ = [
        ("size", ctypes.c_size_t), ("flags", ctypes.c_int), ("level", ctypes.c_int), ("window", ctypes.c_int),
        ("protocols", ctypes.c_char_p), ("origin", ctypes.c_char_p), ("fields", ctypes.POINTER(ctypes.c_char_p)),
        ("maxmsg", ctypes.c_size_t), ("maxqueue", ctypes.c_size_t), ("hold", ctypes.c_int64),
        ("ping", ctypes.c_int64), ("idle", ctypes.c_int64), ("status", ctypes.POINTER(ctypes.c_int)),
        ("head", ctypes.c_char_p), ("headlen", ctypes.c_size_t), ("reserved", ctypes.c_size_t)]


class Info(ctypes.Structure):
    """struct ws_info."""
    _fields_ = [("protocol", ctypes.c_char_p), ("extension", ctypes.c_char_p), ("rtt_us", ctypes.c_int64),
                ("silence_ms", ctypes.c_int64), ("queued", ctypes.c_size_t)]


def serve(sock, heads):
    """Accepts one WebSocket, and says nothing on it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1000)
    heads.append(head.decode())
    key = next(line.split(": ")[1] for line in heads[0].split("\r\n") if line.startswith("Sec-WebSocket-Key"))
    accept = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    sock.sendall(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: b\r\n"
                 b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n")


def main():
    runtime, ws = (ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL, use_errno=True) for path in sys.argv[1:])
    runtime.dill_now.restype = ctypes.c_int64
    ws.dill_ws_why.restype = ctypes.c_char_p
    ours, theirs = socket.socketpair()
    heads = []
    threading.Thread(target=serve, args=(theirs, heads)).start()
    status = ctypes.c_int()
    fields = (ctypes.c_char_p * 2)(b"Cookie: a=b", None)
    opts = Opts(size=ctypes.sizeof(Opts), protocols=b"b, a", origin=b"https://a.example", fields=fields,
                status=ctypes.pointer(status))
    stream = runtime.dill_ipc_fromfd(ours.detach())
    soon = ctypes.c_int64(runtime.dill_now() + 10000)
    handle = ws.dill_ws_attach_client_opts(stream, b"/chat", b"h", ctypes.byref(opts), soon)
    info = Info()
    ws.dill_ws_query(handle, ctypes.byref(info), ctypes.c_size_t(ctypes.sizeof(info)))
    assert handle >= 0 and status.value == 101 and info.protocol == b"b", (handle, status, info.protocol, ws.dill_ws_why())
    for line in ("GET /chat HTTP/1.1", "Cookie: a=b", "Origin: https://a.example", "Sec-WebSocket-Protocol: b, a"):
        assert line in heads[0].split("\r\n"), heads
    runtime.dill_hclose(handle)
    print("good")


if __name__ == "__main__":
    main()
