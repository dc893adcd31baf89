"""The table of the pages of libdill_rt's functions for byte streams, for pages.py."""

from texts import CANCELED, DEADLINE, LIBDILL, NO_HANDLE, NOMEM, RECV_LIST, SEND_LIST, TIMEDOUT

TITLE = "Byte streams"
SEE_ALSO = ("tcp_connect", "ipc_pair", "tls_attach_client_host", "msend", "mrecv", "hclose")
SOURCE = LIBDILL

STREAM = (
    "<s> is a byte stream: a connection of `tcp_connect`(3), `ipc_connect`(3), `tls_attach_client_host`(3) or their "
    "kind, or an object of the program's own.")

SENT = (
    "On success all bytes have been handed to the system, which is on its way to deliver them. That they have arrived "
    "is known when the peer answers, or from `tcp_close`(3).")

EXACT = (
    "The call delivers all of these bytes: it waits until they have come. A stream has no messages. If the peer's are "
    "of different sizes, receive first what tells the size, or use a layer that does so, such as `prefix_attach`(3) or "
    "`suffix_attach`(3).")

NOT_STREAM = ("ENOTSUP", "<s> is a handle, but not of a byte stream.")

SEND_NOTES = [
    "When the call fails with `ETIMEDOUT` or `ECANCELED` before anything was sent, the stream is as it was and the "
    "call can be repeated. When a part had been sent, later sends fail with `ECONNRESET`, while receiving goes on.",
    "While one coroutine sends, another one may receive on the same handle. Only one may send at a time.",
    "Small pieces leave at once: a TCP connection does not wait for more to come (`TCP_NODELAY`). So put together "
    "what belongs together, or use `bsendl`(3).",
]

RECV_NOTES = [
    "After `ETIMEDOUT` and `ECANCELED` nothing has been consumed: the stream is as it was, and the call can be "
    "repeated. So a deadline of `now() + 10000` for each call is a limit to the peer's silence. On the original "
    "libdill later calls fail with `ECONNRESET` then.",
    "After `EPIPE` and `ECONNRESET` the bytes that came before the end are in the buffer, from its beginning, but the "
    "call does not tell how many. If that matters, receive what is expected, or single bytes: they are buffered, and "
    "cost no system call each.",
    "On a TLS socket a peer that goes away without notice is `ECONNRESET`: see `tls_done`(3).",
    "While one coroutine receives, another one may send on the same handle. Only one may receive at a time.",
]


def send_errors(einval):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is sending on this stream."),
        CANCELED,
        ("ECONNRESET", "The connection is broken, an earlier send was cut in the middle, or the handle was closed "
         "meanwhile."),
        ("EINVAL", einval + " Nothing was sent."),
        ("ENOBUFS, ENOMEM", NOMEM[1]), NOT_STREAM,
        ("EPIPE", "Sending is over: `tcp_done`(3), or its like, was called."),
        TIMEDOUT,
    ]


def recv_errors(einval):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is receiving on this stream."),
        CANCELED,
        ("ECONNRESET", "The connection is broken, or the handle was closed meanwhile."),
        ("EINVAL", einval + " Nothing was received."),
        NOMEM, NOT_STREAM,
        ("EPIPE", "The peer has ended the stream in order, and fewer bytes than that were left. Every later call says so too."),
        TIMEDOUT,
    ]


BAD_LIST = "<first> or <last> is NULL; the list does not end with <last>, or has a loop; an `iol_rsvd` is not 0"

PAGES = {
    "bsend": dict(
        brief="send bytes",
        text=["Sends the <len> bytes at <buf> to the peer.", STREAM, SENT, DEADLINE],
        returns="0", errors=send_errors("<buf> is NULL and <len> is not 0."), notes=SEND_NOTES, example="bytes",
    ),
    "bsendl": dict(
        brief="send bytes from several buffers",
        text=["Sends the data of the list of buffers from <first> to <last>, in this order, to the peer.", SEND_LIST,
              STREAM, SENT, DEADLINE],
        returns="0",
        errors=send_errors(f"{BAD_LIST}; an `iol_base` is NULL and its `iol_len` is not 0."), notes=SEND_NOTES,
        example="iolist",
    ),
    "brecv": dict(
        brief="receive bytes",
        text=["Receives <len> bytes from the peer and stores them at <buf>. If <buf> is NULL, so many bytes are "
              "received and dropped; with a <len> of `SIZE_MAX` all that come, until the end of the stream, and the "
              "call fails with `EPIPE` then.", STREAM, EXACT, DEADLINE],
        returns="0", errors=recv_errors("<len> is more than any memory, and <buf> is not NULL."), notes=RECV_NOTES,
        example="bytes",
    ),
    "brecvl": dict(
        brief="receive bytes into several buffers",
        text=["Receives bytes from the peer until all buffers of the list from <first> to <last> are full, one after "
              "the other.", RECV_LIST.format(what="bytes"), STREAM, EXACT, DEADLINE],
        returns="0",
        errors=recv_errors(f"{BAD_LIST}; the sizes add up to more than any memory."), notes=RECV_NOTES,
        example="iolist",
    ),
    "brecvsome": dict(
        brief="receive the bytes that have come",
        text=["Waits until something has come from the peer, and receives what there is: between 1 and <len> bytes, which are "
              "stored at <buf>, or dropped if that is NULL.", STREAM,
              "A bridge between two streams, which knows nothing of what passes, passes on what comes when it comes.", DEADLINE],
        returns="The number of bytes, which is 0 only if <len> is 0",
        errors=[
            NO_HANDLE, ("EBUSY", "Another coroutine is receiving on this stream."), CANCELED,
            ("ECONNRESET", "The connection is broken, or the handle was closed meanwhile."),
            ("EINVAL", "<len> is more than SSIZE_MAX."), NOMEM,
            ("ENOTSUP", "<s> is a handle, but not of a byte stream, or of one that delivers exact amounts only, as an object "
             "of the program's own may."),
            ("EPIPE", "The peer has ended the stream in order."),
            ("EPROTO", "The peer of a TLS socket does not keep to the protocol."), TIMEDOUT],
        notes=["After a failure nothing has been consumed.", "It is declared in libdillimpl.h, and libdill has no such function."],
        example="brecvsome",
    ),
}
