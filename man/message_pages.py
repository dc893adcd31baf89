"""The table of the pages of libdill_rt's functions for message sockets, for pages.py."""

from texts import CANCELED, DEADLINE, LIBDILL, NO_HANDLE, NOMEM, RECV_LIST, SEND_LIST, TIMEDOUT

TITLE = "Message sockets"
SEE_ALSO = ("prefix_attach", "suffix_attach", "term_attach", "udp_open", "ws_attach_client", "bsend", "brecv", "hclose")
SOURCE = LIBDILL

SOCKET = (
    "<s> is a message socket, such as those of `prefix_attach`(3), `suffix_attach`(3), `term_attach`(3), `udp_open`(3), "
    "`ws_attach_client`(3) and `ws_attach_server`(3), or an object of the program's own. Messages come as they were "
    "sent, whole and with their sizes.")

TWO_WAYS = "While one coroutine sends, another one may receive on the same handle. Only one may {} at a time."

OTHERS = "What a protocol makes of it, and which further errors it knows, is on the pages of its functions."

NOT_SOCKET = ("ENOTSUP", "<s> is a handle, but not of a message socket.")


def send_errors(einval):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is sending on this socket."),
        CANCELED,
        ("ECONNRESET", "The connection is broken, or an earlier message was cut in the middle."),
        ("EINVAL", einval + " The message cannot be sent on this socket."),
        ("EMSGSIZE", "The message is larger than the protocol allows."),
        NOMEM, NOT_SOCKET,
        ("EPIPE", "Sending is over: `term_done`(3), `ws_done`(3), or their like, was called; or sending on the stream under "
         "the socket had ended before the socket was attached."),
        TIMEDOUT,
    ]


def recv_errors(einval):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is receiving on this socket."),
        CANCELED,
        ("ECONNRESET", "The connection is broken, or ended in the middle of a message."),
        ("EINVAL", einval + " Nothing was received."),
        ("EMSGSIZE", "The message is larger than the room for it."),
        NOMEM, NOT_SOCKET,
        ("EPIPE", "The peer sends no more messages."),
        ("EPROTO", "The peer has broken the rules of the protocol."),
        TIMEDOUT,
    ]


SEND_NOTES = [
    "When the call fails with `ETIMEDOUT` or `ECANCELED` before anything of the message was sent, it can be repeated.",
    TWO_WAYS.format("send"), OTHERS,
]

RECV_NOTES = [
    "On the sockets of libdill_rt and libdill_ws, a call that failed with `ETIMEDOUT` or `ECANCELED` has lost nothing: "
    "repeat it.",
    TWO_WAYS.format("receive"), OTHERS,
]

PAGES = {
    "msend": dict(
        brief="send a message",
        text=["Sends the <len> bytes at <buf> as one message.", SOCKET, DEADLINE],
        returns="0", errors=send_errors("<buf> is NULL and <len> is not 0."), notes=SEND_NOTES, example="messages",
    ),
    "msendl": dict(
        brief="send a message from several buffers",
        text=["Sends the data of the list of buffers from <first> to <last>, in this order, as one message.",
              SEND_LIST, SOCKET, DEADLINE],
        returns="0",
        errors=send_errors("<first> or <last> is NULL, or the list is not as it should be; an `iol_base` is NULL and its "
                           "`iol_len` is not 0."),
        notes=SEND_NOTES, example="message_lists",
    ),
    "mrecv": dict(
        brief="receive a message",
        text=["Receives one message and stores it in the <len> bytes at <buf>. If <buf> is NULL, a message of up to "
              "<len> bytes is received and dropped.", SOCKET, DEADLINE],
        returns="The size of the message in bytes (it may be 0)", errors=recv_errors("<len> is more than any memory."), notes=RECV_NOTES,
        example="messages",
    ),
    "mrecvl": dict(
        brief="receive a message into several buffers",
        text=["Receives one message and stores it in the list of buffers from <first> to <last>, filling one element "
              "after the other.", RECV_LIST.format(what="bytes of the message"),
              "If both <first> and <last> are NULL, one message of any size is received and dropped.", SOCKET, DEADLINE],
        returns="The size of the message in bytes (it may be 0), with the dropped ones",
        errors=recv_errors("One of <first> and <last> is NULL, or the list is not as it should be."),
        notes=RECV_NOTES, example="message_lists",
    ),
}
