"""The table of the pages of libdill_rt's http functions, for pages.py."""

from texts import CANCELED, DEADLINE, LIBDILL, NO_HANDLE, NOMEM, OWNERSHIP, TIMEDOUT, in_memory, storage

TITLE = "HTTP heads"
SEE_ALSO = ("brecv", "bsend", "hclose", "happyeyeballs_connect", "tcp_accept", "tcp_close", "ws_response_key")
SOURCE = f"{LIBDILL} RFC 9110 and RFC 9112."

HEAD = (
    "An HTTP socket sends and receives the head of an HTTP message: a request line or a status line, "
    "fields, and an empty line. It stands on any byte stream. For the body, or whatever else follows, "
    "get the byte stream back with `http_detach`(3).")

STORED = (
    "Each is stored with a NUL behind it, which needs room too. One that does not fit is left out: "
    "its buffer holds an empty string, and so do both after any other failure.")

LINE_LOST = (
    "A line that is too long for the buffers, or malformed, is consumed: the next call receives the "
    "next line. A head of more than 32 KiB, its empty line not counted, fails with `EMSGSIZE` as soon "
    "as that is known; from then on each call drops a line, or the rest of one, with `EMSGSIZE`, until "
    "the empty line.")

NOT_HTTP = ("ENOTSUP", "<s> is a handle, but not of an HTTP socket.")
RECEIVING = ("EBUSY", "Another coroutine is receiving on this socket.")
SENDING = ("EBUSY", "Another coroutine is sending on this socket.")
RECV_RESET = ("ECONNRESET", "The connection is broken, or ended before the empty line.")
SEND_RESET = ("ECONNRESET", "The connection is broken, or an earlier line was cut in the middle.")

SEND_NOTES = [
    "A line leaves with one send of the stream underneath.",
    "When the call fails with `ETIMEDOUT` or `ECANCELED` before anything of the line was sent, it can "
    "be repeated.",
]

RECV_NOTES = [
    "Over `tcp` and `ipc` sockets a call that failed with `ETIMEDOUT` or `ECANCELED` has lost "
    "nothing, even in the middle of a line: repeat it.",
    "Not a byte behind the empty line is received.",
]


def send_errors(einval, eproto=None):
    return [
        NO_HANDLE, SENDING, CANCELED, SEND_RESET,
        ("EINVAL", einval + " Nothing was sent."),
        NOMEM, NOT_HTTP,
        ("EPIPE", "`http_done`(3) has been called."),
        *([("EPROTO", eproto)] if eproto else []),
        TIMEDOUT,
    ]


def recv_errors(null, what, epipe):
    return [
        NO_HANDLE, RECEIVING, CANCELED, RECV_RESET,
        ("EINVAL", f"{null} is NULL. Nothing was received."),
        ("EMSGSIZE", "What was received does not fit, or the head is larger than 32 KiB."),
        NOMEM, NOT_HTTP,
        ("EPIPE", epipe),
        ("EPROTO", f"What was received is not {what}. Or there is a line feed without a carriage "
         "return; then nobody knows where a line ends, and all later calls fail too."),
        TIMEDOUT,
    ]


ATTACH_ERRORS = [
    NO_HANDLE, CANCELED, NOMEM,
    ("ENOTSUP", "<s> is not a byte stream."),
]

EMPTY_LINE = (
    "The empty line that ends a head has been received. The next call receives what follows it, for "
    "instance the head behind a \"100 Continue\".")

CLIENT, SERVER = "http_client", "http_server"

PAGES = {
    "http_attach": dict(
        brief="start HTTP on a byte stream",
        text=["Makes an HTTP socket of the byte stream <s> and returns its handle.", HEAD, OWNERSHIP],
        returns="The handle of the HTTP socket",
        errors=ATTACH_ERRORS,
        notes=["To serve a WebSocket and pages on one port, receive the request and its fields, and "
               "either respond, or answer 101 with the key of `ws_response_key`(3), detach, and "
               "attach with `WS_NOHTTP`."],
        example=CLIENT,
    ),
    "http_attach_mem": dict(
        brief="start HTTP on a byte stream, in the caller's memory",
        text=["Makes an HTTP socket of the byte stream <s> and returns its handle.", HEAD,
              in_memory("http_attach", " with `hclose`(3) or ended with `http_detach`(3)"), OWNERSHIP],
        returns="The handle of the HTTP socket",
        errors=[NO_HANDLE, CANCELED, ("EINVAL", "<mem> is NULL."), NOMEM,
                ("ENOTSUP", "<s> is not a byte stream.")],
        notes=[storage("http_storage", 1296)],
        example=CLIENT,
    ),
    "http_detach": dict(
        brief="end HTTP and give the byte stream back",
        text=["Sends the empty line, unless `http_done`(3) has done so before; drops what is left of "
              "the peer's head; and returns the handle of the byte stream underneath, with all that "
              "follows the peer's head still in it.",
              "If the peer's empty line has been received, and nothing behind it, nothing is dropped.",
              DEADLINE,
              "After `EBADF`, `EBUSY` and `ENOTSUP` nothing has happened and <s> is still open. After "
              "any other failure everything is closed: do not close <s> again."],
        returns="The handle of the underlying socket",
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is sending or receiving on this socket."),
                CANCELED, RECV_RESET, NOMEM, NOT_HTTP,
                ("EPROTO", "There is a line feed without a carriage return."), TIMEDOUT],
        notes=["Give this call a deadline: a peer need not end its head."],
        example=SERVER,
    ),
    "http_done": dict(
        brief="end the head that is sent",
        text=["Sends the empty line on the HTTP socket <s>. Nothing more can be sent with it then. "
              "Receiving goes on.",
              "A server waits for the empty line before it responds.", DEADLINE],
        returns="0",
        errors=[NO_HANDLE, SENDING, CANCELED, SEND_RESET, NOMEM, NOT_HTTP,
                ("EPIPE", "The empty line has been sent already."), TIMEDOUT],
        notes=SEND_NOTES,
        example=CLIENT,
    ),
    "http_sendrequest": dict(
        brief="send a request line",
        text=["Sends a request line on the HTTP socket <s>: <command>, such as \"GET\", <resource>, "
              "such as \"/index.html\", and the version, HTTP/1.1.", DEADLINE],
        returns="0",
        errors=send_errors(
            "<command> or <resource> is NULL or empty. <command> has a character that names cannot "
            "have. <resource> has a space or a control character."),
        notes=SEND_NOTES,
        example=CLIENT,
    ),
    "http_recvrequest": dict(
        brief="receive a request line",
        text=["Receives a request line on the HTTP socket <s>, and stores the command, such as "
              "\"GET\", in the buffer <command> of <commandlen> bytes and the resource in the buffer "
              "<resource> of <resourcelen> bytes.", STORED, LINE_LOST, DEADLINE],
        returns="0",
        errors=recv_errors("<command> or <resource>", "a request line of HTTP/1", EMPTY_LINE),
        notes=RECV_NOTES,
        example=SERVER,
    ),
    "http_sendstatus": dict(
        brief="send a status line",
        text=["Sends a status line on the HTTP socket <s>: the version, HTTP/1.1, <status>, such as "
              "404, and <reason>, such as \"Not Found\", which may be empty.", DEADLINE],
        returns="0",
        errors=send_errors("<status> is not in the range from 100 to 599. <reason> is NULL or has a "
                           "control character."),
        notes=SEND_NOTES,
        example=SERVER,
    ),
    "http_recvstatus": dict(
        brief="receive a status line",
        text=["Receives a status line on the HTTP socket <s>, and stores the reason, such as \"Not "
              "Found\", in the buffer <reason> of <reasonlen> bytes, with a NUL behind it, which needs "
              "room too. If it does not fit, or after any other failure, the buffer holds an empty "
              "string.", LINE_LOST, DEADLINE],
        returns="The status, from 100 to 999",
        errors=recv_errors("<reason>", "a status line of HTTP/1", EMPTY_LINE),
        notes=RECV_NOTES,
        example=CLIENT,
    ),
    "http_sendfield": dict(
        brief="send a field",
        text=["Sends a field on the HTTP socket <s>: <name>, such as \"Host\", a colon, and <value>, "
              "such as \"www.example.org\", without the white space around it.", DEADLINE],
        returns="0",
        errors=send_errors(
            "<name> or <value> is NULL. <name> is empty or has a character that names cannot have. "
            "<value> has a control character.",
            "<value> is empty or white space. Nothing was sent."),
        notes=["Since no argument can have a line end in it, none can smuggle in a field.",
               *SEND_NOTES],
        example=CLIENT,
    ),
    "http_recvfield": dict(
        brief="receive a field",
        text=["Receives a field on the HTTP socket <s>, and stores its name in the buffer <name> of "
              "<namelen> bytes and its value, without the white space around it, in the buffer "
              "<value> of <valuelen> bytes. The value may be empty.", STORED, LINE_LOST, DEADLINE],
        returns="0",
        errors=recv_errors("<name> or <value>", "a field", "There are no more fields. " + EMPTY_LINE),
        notes=["The names of fields may come in any letter case: compare them with `strcasecmp`(3).",
               "A program that passes over fields that are too long for it, such as cookies, goes on "
               "after `EMSGSIZE`, as above.",
               *RECV_NOTES],
        example=SERVER,
    ),
}
