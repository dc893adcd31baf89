"""The table of the pages of libdill_rt's TCP sockets, for pages.py."""

from streams import (
    ACCEPT_NOTES, CLOSE, CLOSE_NOTES, DONE, STREAM, accept_errors, close_errors, done_errors, of_descriptor)
from texts import BLOCKED, CANCELED, DEADLINE, LIBDILL, MANY_DESCRIPTORS, NOMEM, TIMEDOUT, in_memory, storage

TITLE = "TCP"
SEE_ALSO = ("ipaddr_local", "ipaddr_remote", "bsend", "brecv", "hclose")
SOURCE = f"{LIBDILL} RFC 9293."

CLOSED = " with `tcp_close`(3) or `hclose`(3)"

LISTEN = [
    "Listens for TCP connections on the address <addr>, which `ipaddr_local`(3) has made. If its port is 0 the system "
    "chooses one. The port is stored in <addr>.",
    "<backlog> is how many connections the system keeps until somebody accepts them, as for `listen`(2).",
]

ACCEPT = [
    "Waits for the next connection to the listener <s>, and accepts it. Unless <addr> is NULL, the address of the peer "
    "is stored there.",
]

CONNECT = [
    "Makes a TCP connection to the address <addr>, which `ipaddr_remote`(3) has looked up.",
]

NO_ADDRESS = "<addr> is NULL, or holds no address."
NO_FAMILY = ("EAFNOSUPPORT", "The system does not have this family of addresses.")

NO_DELAY = "Small pieces leave at once (`TCP_NODELAY`), and descriptors are closed on `execve`(2)."

BY_NAME = "To connect to a host by its name use `happyeyeballs_connect`(3), which tries all of its addresses."


def listen_errors(einval):
    return [
        ("EACCES", "The program may not use this port."),
        ("EADDRINUSE", "Another socket listens there."),
        ("EADDRNOTAVAIL", "It is no address of this machine."),
        NO_FAMILY, BLOCKED, ("EINVAL", einval), MANY_DESCRIPTORS, ("ENOBUFS, ENOMEM", NOMEM[1]),
    ]


def connect_errors(einval):
    return [
        ("EADDRNOTAVAIL", "There are no more free ports on this side."),
        NO_FAMILY, BLOCKED,
        ("ECONNREFUSED", "Nobody listens there."),
        ("ECONNRESET", "The connection broke while it was made."),
        ("EHOSTUNREACH, ENETDOWN, ENETUNREACH", "There is no way to that address."),
        ("EINVAL", einval), MANY_DESCRIPTORS, ("ENOBUFS, ENOMEM", NOMEM[1]),
        (TIMEDOUT[0], "The deadline has passed, or the system has given up."),
    ]


PAGES = {
    "tcp_listen": dict(
        brief="listen for TCP connections",
        text=[*LISTEN, "Accept them with `tcp_accept`(3)."],
        returns="The handle of the listener",
        errors=listen_errors(NO_ADDRESS),
        notes=["A server can be started again at once: connections of the last one that linger do not matter "
               "(`SO_REUSEADDR`). For other options make the socket yourself: see `tcp_listener_fromfd`(3).",
               "To listen at the IPv4 and the IPv6 address of a machine, make two listeners, or use the IPv6 address "
               "\"::\"."],
        example="tcp_server",
    ),
    "tcp_listen_mem": dict(
        brief="listen for TCP connections, in the caller's memory",
        text=[*LISTEN, in_memory("tcp_listen", CLOSED)],
        returns="The handle of the listener",
        errors=listen_errors("<mem> or " + NO_ADDRESS),
        notes=[storage("tcp_listener_storage", 56)],
        example="tcp_mem",
    ),
    "tcp_accept": dict(
        brief="accept a TCP connection",
        text=[*ACCEPT, STREAM, DEADLINE],
        returns="The handle of the connection",
        errors=accept_errors("a TCP"),
        notes=[*ACCEPT_NOTES, NO_DELAY],
        example="tcp_server",
    ),
    "tcp_accept_mem": dict(
        brief="accept a TCP connection, in the caller's memory",
        text=[*ACCEPT, STREAM, in_memory("tcp_accept", CLOSED), DEADLINE],
        returns="The handle of the connection",
        errors=accept_errors("a TCP", "<mem> is NULL."),
        notes=[storage("tcp_storage", 72), *ACCEPT_NOTES],
        example="tcp_mem",
    ),
    "tcp_connect": dict(
        brief="make a TCP connection",
        text=[*CONNECT, STREAM, DEADLINE],
        returns="The handle of the connection",
        errors=connect_errors(NO_ADDRESS),
        notes=[BY_NAME, "Other errors of `connect`(2) are possible.", NO_DELAY],
        example="tcp_client",
    ),
    "tcp_connect_mem": dict(
        brief="make a TCP connection, in the caller's memory",
        text=[*CONNECT, STREAM, in_memory("tcp_connect", CLOSED), DEADLINE],
        returns="The handle of the connection",
        errors=connect_errors("<mem> or " + NO_ADDRESS),
        notes=[storage("tcp_storage", 72), BY_NAME, "Other errors of `connect`(2) are possible."],
        example="tcp_mem",
    ),
    "tcp_done": dict(
        brief="end the sending direction of a TCP connection",
        text=DONE,
        returns="0", waits=False,
        errors=done_errors("a TCP"),
        notes=["Call it when the peer needs to know that this was all, as in the program above. Otherwise "
               "`tcp_close`(3) does it."],
        example="tcp_client",
    ),
    "tcp_close": dict(
        brief="end a TCP connection in order",
        text=[paragraph.format(kind="tcp") for paragraph in CLOSE],
        returns="0 if the connection has ended in order, or a listener was closed",
        errors=close_errors("a TCP"),
        notes=CLOSE_NOTES,
        example="tcp_server",
    ),
    **of_descriptor("tcp_listener_fromfd", "TCP", "listener", "tcp_listener_storage", 56,
           "Makes a listener, as `tcp_listen`(3) does, of the TCP socket <fd>, which listens already.",
           "The socket does not listen."),
    **of_descriptor("tcp_fromfd", "TCP", "connection", "tcp_storage", 72,
           "Makes a connection, as `tcp_connect`(3) and `tcp_accept`(3) do, of the TCP socket <fd>, which "
           "is connected already.",
           "The socket listens."),
    "happyeyeballs_connect": dict(
        brief="connect to a host by its name",
        text=["Makes a TCP connection to the port <port> of the host <name>, whichever of its "
              "addresses works. <name> may be an address too.",
              "The IPv6 and the IPv4 addresses are looked up at the same time. IPv6 is preferred: IPv4 "
              "addresses wait up to 50 ms for IPv6 ones. Then the two kinds take turns. The next "
              "attempt begins when the last one has failed or has taken 300 ms; the others go on, and "
              "the first to succeed is the result. Up to 10 addresses of each kind are tried.",
              DEADLINE],
        returns="The handle of the TCP connection",
        errors=[("EADDRNOTAVAIL", "There is no such host."),
                ("EAGAIN", "The resolver cannot tell at present, there are too many threads, or this is a "
                 "process that was forked during the call."),
                CANCELED,
                ("EINVAL", "<name> is NULL, or <port> is not in the range from 1 to 65535."),
                ("EIO", "The resolver fails."),
                ("EMFILE, ENFILE", "There are too many descriptors."),
                NOMEM, TIMEDOUT],
        notes=["If all attempts have failed, the error is that of the last one: `ECONNREFUSED`, "
               "`ENETUNREACH` and the others of `tcp_connect`(3). The original libdill goes on waiting "
               "for the deadline in that case."],
        example="http_client",
        source=f"{LIBDILL} RFC 8305.",
    ),
}
