"""The table of the pages of libdill_rt's UNIX sockets, for pages.py."""

from streams import (
    ACCEPT_NOTES, CLOSE, CLOSE_NOTES, DONE, STREAM, accept_errors, close_errors, done_errors, no_handle_of,
    of_descriptor)
from texts import (
    BLOCKED, CANCELED, DEADLINE, LIBDILL, MANY_DESCRIPTORS, NO_HANDLE, NOMEM, TIMEDOUT, in_memory, storage)

TITLE = "UNIX sockets"
SEE_ALSO = ("bsend", "brecv", "hclose", "tcp_listen", "tcp_connect")
SOURCE = f"{LIBDILL} The sockets are those of POSIX."

CLOSED = " with `ipc_close`(3) or `hclose`(3)"

LISTEN = [
    "Listens for connections from processes of this machine at <addr>, which is the path of a socket file, such as "
    "\"/run/user/1000/example\". The file is made.",
    "<backlog> is how many connections the system keeps until somebody accepts them, as for `listen`(2).",
]
ACCEPT = ["Waits for the next connection to the listener <s>, and accepts it."]
CONNECT = ["Connects to the process that listens at <addr>, the path of a socket file."]

PAIR = [
    "Makes two connections to each other and stores their handles in <s>. What is sent to one is received from the "
    "other. Each is a byte stream: use `bsend`(3) and `brecv`(3), or attach to it.",
]
PAIR_NOTES = [
    "A process that forks may use one end in the child and the other in the parent, as in the example of "
    "`ipc_sendfd`(3). Each closes the end of the other one. Between coroutines of a thread channels are simpler: see "
    "`chmake`(3).",
]

FILE_STAYS = (
    "The file stays when the listener is closed, or the process ends. Remove it with `unlink`(2) then, or before the "
    "next one listens, which fails with `EADDRINUSE` otherwise.")

ACCESS = "Who may connect is up to the permissions of the file and its directory."

PATH_ERRORS = [
    ("EACCES", "The permissions of the path do not allow it."),
    ("ELOOP", "The path leads through too many symbolic links."),
    ("ENAMETOOLONG", "The path has more than 107 bytes."),
    ("ENOTDIR", "What should be a directory of the path is something else."),
]

PASSING = (
    "A descriptor travels with a byte, which has a place in the stream like any other. So `ipc_sendfd`(3) and "
    "`ipc_recvfd`(3) can be mixed with `bsend`(3) and `brecv`(3), if both sides agree on the order.")


def listen_errors(einval):
    return sorted([
        *PATH_ERRORS, ("EADDRINUSE", "There is a file of this name already."), BLOCKED, ("EINVAL", einval),
        MANY_DESCRIPTORS, ("ENOENT", "A directory of the path does not exist."), NOMEM,
    ])


def connect_errors(einval):
    return sorted([
        *PATH_ERRORS, BLOCKED,
        ("ECONNREFUSED", "Nobody listens there: the file was left behind, or is no socket."),
        ("EINVAL", einval), MANY_DESCRIPTORS, ("ENOENT", "There is no such file."), NOMEM,
        ("EPROTOTYPE", "It is a socket of another type."),
        TIMEDOUT,
    ])


BAD_PATH = "<addr> is NULL or empty."

PAGES = {
    "ipc_listen": dict(
        brief="listen for connections of this machine",
        text=[*LISTEN, "Accept them with `ipc_accept`(3)."],
        returns="The handle of the listener",
        errors=listen_errors(BAD_PATH),
        notes=[FILE_STAYS, ACCESS, "Other errors of `bind`(2) are possible."],
        example="ipc",
    ),
    "ipc_listen_mem": dict(
        brief="listen for connections of this machine, in the caller's memory",
        text=[*LISTEN, in_memory("ipc_listen", CLOSED)],
        returns="The handle of the listener",
        errors=listen_errors("<mem> is NULL. " + BAD_PATH),
        notes=[storage("ipc_listener_storage", 24), FILE_STAYS, ACCESS, "Other errors of `bind`(2) are possible."],
        example="ipc_mem",
    ),
    "ipc_accept": dict(
        brief="accept a connection of this machine",
        text=[*ACCEPT, STREAM, DEADLINE],
        returns="The handle of the connection",
        errors=accept_errors("a UNIX socket"),
        notes=ACCEPT_NOTES,
        example="ipc",
    ),
    "ipc_accept_mem": dict(
        brief="accept a connection of this machine, in the caller's memory",
        text=[*ACCEPT, STREAM, in_memory("ipc_accept", CLOSED), DEADLINE],
        returns="The handle of the connection",
        errors=accept_errors("a UNIX socket", "<mem> is NULL."),
        notes=[storage("ipc_storage", 72), *ACCEPT_NOTES],
        example="ipc_mem",
    ),
    "ipc_connect": dict(
        brief="connect to a process of this machine",
        text=[*CONNECT, STREAM, DEADLINE],
        returns="The handle of the connection",
        errors=connect_errors(BAD_PATH),
        notes=["If the listener's queue is full the function waits until there is room.",
               "Other errors of `connect`(2) are possible."],
        example="ipc",
    ),
    "ipc_connect_mem": dict(
        brief="connect to a process of this machine, in the caller's memory",
        text=[*CONNECT, STREAM, in_memory("ipc_connect", CLOSED), DEADLINE],
        returns="The handle of the connection",
        errors=connect_errors("<mem> is NULL. " + BAD_PATH),
        notes=[storage("ipc_storage", 72), "Other errors of `connect`(2) are possible."],
        example="ipc_mem",
    ),
    "ipc_pair": dict(
        brief="make two connections to each other",
        text=[*PAIR, "Close both."],
        returns="0",
        errors=[BLOCKED, ("EINVAL", "<s> is NULL."), MANY_DESCRIPTORS, NOMEM],
        notes=PAIR_NOTES,
        example="bytes",
    ),
    "ipc_pair_mem": dict(
        brief="make two connections to each other, in the caller's memory",
        text=[*PAIR, in_memory("ipc_pair", " at both ends" + CLOSED)],
        returns="0",
        errors=[BLOCKED, ("EINVAL", "<mem> or <s> is NULL."), MANY_DESCRIPTORS, NOMEM],
        notes=[storage("ipc_pair_storage", 144), *PAIR_NOTES],
        example="iolist",
    ),
    "ipc_done": dict(
        brief="end the sending direction of a UNIX socket",
        text=DONE,
        returns="0", waits=False,
        errors=done_errors("a UNIX socket"),
        notes=["Call it when the peer needs to know that this was all, as in the program above. Otherwise "
               "`ipc_close`(3) does it."],
        example="ipc",
    ),
    "ipc_close": dict(
        brief="end a UNIX socket in order",
        text=[paragraph.format(kind="ipc") for paragraph in CLOSE],
        returns="0 if the connection has ended in order, or a listener was closed",
        errors=close_errors("a UNIX socket"),
        notes=CLOSE_NOTES,
        example="ipc",
    ),
    "ipc_sendfd": dict(
        brief="send a descriptor to another process",
        text=["Sends the descriptor <fd> on the connection <s>. The other process gets one of its own, for the same file, "
              "pipe or socket. This one keeps <fd>, and may close it as soon as the call has returned.",
              PASSING, DEADLINE],
        returns="0",
        errors=[("EBADF", "<s> is not an open handle, or <fd> not an open descriptor."),
                ("EBUSY", "Another coroutine is sending on this connection."),
                CANCELED,
                ("ECONNRESET", "The connection is broken, an earlier send was cut in the middle, or the handle was closed "
                 "meanwhile."),
                ("EINVAL", "<fd> is negative."),
                NOMEM, no_handle_of("a UNIX socket connection"),
                ("EPIPE", "Sending is over: `ipc_done`(3) was called."),
                TIMEDOUT,
                ("ETOOMANYREFS", "Too many descriptors have been sent that nobody has received.")],
        notes=["After a failure other than `ECONNRESET` the descriptor was not sent, and the connection is as it was.",
               "Handles cannot be passed. To pass a connection, pass its descriptor before it becomes a handle, and make "
               "a handle of it there: see `tcp_fromfd`(3)."],
        example="ipc_fd",
    ),
    "ipc_recvfd": dict(
        brief="receive a descriptor from another process",
        text=["Receives a descriptor that the other process has sent on the connection <s>, and returns it. It belongs to "
              "the caller, who has to close it with `close`(2). It is closed on `execve`(2).",
              PASSING, DEADLINE],
        returns="The descriptor",
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is receiving on this connection."),
                CANCELED,
                ("ECONNRESET", "The connection is broken, or the handle was closed meanwhile."),
                NOMEM, no_handle_of("a UNIX socket connection"),
                ("EPIPE", "The peer has ended the stream."),
                ("EPROTO", "The next byte has come without a descriptor. It is still there."),
                TIMEDOUT],
        notes=["A process that has no room for more descriptors gets `EPROTO`: the system drops those that it cannot pass "
               "on.",
               "At most 16 descriptors wait for this call, when their bytes have been read before it; further ones are "
               "closed."],
        example="ipc_fd",
    ),
    **of_descriptor("ipc_listener_fromfd", "UNIX socket", "listener", "ipc_listener_storage", 24,
                    "Makes a listener, as `ipc_listen`(3) does, of the UNIX stream socket <fd>, which listens already.",
                    "The socket does not listen."),
    **of_descriptor("ipc_fromfd", "UNIX socket", "connection", "ipc_storage", 72,
                    "Makes a connection, as `ipc_connect`(3) and `ipc_accept`(3) do, of the UNIX stream socket <fd>, which "
                    "is connected already.",
                    "The socket listens."),
}
