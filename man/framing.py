"""What the pages of the sockets share that put messages on a byte stream, prefix and suffix ones."""

from texts import CANCELED, NO_HANDLE, NOMEM

MESSAGES = "The socket is a message socket: use `msend`(3), `mrecv`(3), `msendl`(3) and `mrecvl`(3)."

STREAM = "<s> can be any byte stream: a TCP connection, a UNIX socket, or TLS over one."

ENDS = (
    "There is no message that says \"this was all\", and none is sent at the end. Where the stream ends behind a whole "
    "message, `mrecv`(3) fails with `EPIPE`; in the middle of one it is `ECONNRESET`. Where `tcp_done`(3), or its "
    "like, was called before the socket was attached, `msend`(3) fails with `EPIPE`. To end only one direction, or to "
    "go on with something else on the stream, attach a term socket on top: see `term_attach`(3).")

INTERRUPTED = [
    "A message that does not fit is lost, and `mrecv`(3) fails with `EMSGSIZE`; the next call receives the next one. No "
    "memory is allocated for a size that was only announced.",
    "After `ETIMEDOUT` and `ECANCELED`, `mrecv`(3) has lost nothing, also in the middle of a message: the next call goes on "
    "with it. This is so over the streams of libdill_rt; over those of the program's own it depends on them.",
    "A message leaves with one send of the stream underneath. If that fails with `ETIMEDOUT` or `ECANCELED` before "
    "anything was sent, the call can be repeated.",
]

NOT_STREAM = ("EPROTO", "<s> is not a byte stream.")

KEPT_OPEN = (
    "After `EBADF`, `EBUSY` and `ENOTSUP` nothing has happened and <s> is still open. After any other failure everything "
    "is closed: do not close <s> again.")


def attach_errors(einval, proto=NOT_STREAM):
    return [NO_HANDLE, CANCELED, ("EINVAL", einval), NOMEM, proto]


def other_socket(kind):
    return ("ENOTSUP", f"<s> is a handle, but not of a {kind} socket.")
