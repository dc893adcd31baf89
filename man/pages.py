#!/usr/bin/env python3
"""Writes the manual pages from the tables below and in runtime_pages.py, the headers, and the programs in
examples/.

    man/pages.py            writes man/*.3 and man/*.7
    man/pages.py --check    fails if a page differs from what would be written

In the texts, `name` is set in bold and <name> in italics. A string is a paragraph, a pair is a
term with its explanation.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True

import option_pages  # noqa: E402
import queued_pages  # noqa: E402
import prototypes  # noqa: E402
import request_pages  # noqa: E402
import runtime_pages  # noqa: E402
from texts import (  # noqa: E402
    CANCELED, DEADLINE, NO_HANDLE, NOMEM, OWNERSHIP, RECV_LIST, SEND_LIST, TIMEDOUT, in_memory)

HERE = pathlib.Path(__file__).resolve().parent
DATE = "2026-11-21"

# ---- Sentences that several pages share ----

TYPE_FLAGS = [
    "<flags> is one of these, and may have `WS_NOHTTP` added to it:",
    ("`WS_BINARY`", "`msend`(3) and `msendl`(3) send binary messages, `mrecv`(3) and `mrecvl`(3) "
     "accept binary messages. This is the default (its value is 0)."),
    ("`WS_TEXT`", "They send and accept text messages."),
    ("`WS_NOHTTP`", "The opening handshake is skipped: the peers have agreed on WebSocket by other "
     "means, for instance with the `http` functions of libdill and `ws_request_key`(3) and "
     "`ws_response_key`(3)."),
    "`ws_send`(3) and `ws_recv`(3) deal in both types of messages on any WebSocket.",
]

# What ends a WebSocket.
END = " with `hclose`(3) or ended with `ws_detach`(3)"

CLIENT = [
    "Makes the byte stream <s> the client's end of a WebSocket connection (RFC 6455) and returns "
    "the handle of the WebSocket.",
    "The function sends an HTTP request for <resource>, such as \"/chat?room=1\", to the virtual "
    "host <host>, such as \"www.example.org\" or \"www.example.org:8080\", and waits for the answer. "
    "Up to 8 interim answers, such as 103 (Early Hints), are skipped. With the flag `WS_NOHTTP` nothing is sent and both may be NULL.",
]

SERVER = [
    "Makes the byte stream <s> the server's end of a WebSocket connection (RFC 6455) and returns "
    "the handle of the WebSocket.",
    "The function waits for the client's HTTP request and answers it. It stores the requested "
    "resource in the buffer <resource> of <resourcelen> bytes, and the value of the Host field in the "
    "buffer <host> of <hostlen> bytes. Both are terminated by a NUL, which needs room too. A buffer "
    "that is NULL with length 0 means that the value is not wanted. After a failure both buffers "
    "hold an empty string. With the flag `WS_NOHTTP` there is no request and all four are ignored.",
    "Where a client asks for an absolute URI, as one behind a proxy may do, the resource is the path and "
    "query of it, and the host is the one it names, whatever the Host field says. A client that expects to "
    "be told to continue is told so. A request that has a body is refused.",
    "A request that cannot be accepted is answered with the HTTP status that says why (400, 405, "
    "414, 426, 431, 503 where there is no memory to read it, or 505). The answer reaches the client before the socket is closed; this takes "
    "at most a second and never longer than <deadline>.",
]

MORE_FLAGS = "On a handle that was made with options, <flags> may have `WS_PLAIN` and `WS_HOLD` too: see `ws_opts`(3)."

MESSAGE_OUT = [
    "A client's data is masked as RFC 6455 demands, with a fresh unpredictable key for every "
    "message. The caller's memory is never changed. Header and data leave together: a client's in "
    "pieces of 64 KiB, a server's in one piece, unless it is more than that and in many small "
    "buffers.",
]

SEND_NOTES = [
    "When the call fails with `ETIMEDOUT` or `ECANCELED` before anything of the message was sent, the "
    "connection is as it was and the call can be repeated, but only on the streams of libdill_rt, which "
    "tell how much was sent. Otherwise, and when a part of the message had been sent, later sends fail with "
    "`ECONNRESET`, while receiving goes on.",
    "While one coroutine sends, another one may receive on the same handle. Only one may send at a "
    "time; with the option `WS_TURNS` of `ws_opts`(3) others wait for it.",
    "After the peer has closed its side, sending is still possible until `ws_done`(3) or "
    "`ws_detach`(3).",
]

MESSAGE_IN = [
    "The call returns whole messages: the fragments of a fragmented message are put together, "
    "pings are answered, and pongs are ignored. Without a receiving call under way nothing is "
    "answered. On libdill_rt a ping that finds no room for its pong is answered later and keeps no "
    "message waiting; on the original libdill the call waits until there is room.",
    "A message that does not fit is lost and the call fails with `EMSGSIZE`; the rest of it is "
    "discarded by the next receiving call, which then returns the next message. On a handle that was made with options, "
    "one that is longer than `maxmsg` of `ws_opts`(3) ends the connection.",
]

RECV_NOTES = [
    "`EPIPE` is the orderly end: the peer has sent its close frame, and `ws_status`(3) tells what "
    "was in it. Nothing is sent in return; do that with `ws_detach`(3) or `ws_done`(3).",
    "On libdill_rt, a call that failed with `ETIMEDOUT` or `ECANCELED` has lost nothing, even in the "
    "middle of a message: repeat it. So a deadline of `now() + 10000` for each call is a limit to the "
    "peer's silence. On the original libdill, and on a byte stream that a program has made itself, a "
    "timeout may leave the stream anywhere, and later calls fail with `ECONNRESET`.",
    "A call that ends so in the middle of a message copies what has come of it to memory of the library's, "
    "since the next call may have another buffer, and the call that completes the message copies it back. "
    "So a message that is polled for binds as much memory as has come of it, until it is complete or the "
    "connection ends. Without that memory the call fails with `ENOMEM`, and the message is lost: the next call "
    "drops the rest of it.",
    "While one coroutine receives, another one may send on the same handle. Only one may receive at "
    "a time.",
]

CLOSE_ARGS = [
    ("<status>", "The close code: 1000 for a normal end, 1001 to 1003, 1007 to 1014, or 3000 to 4999. "
     "0 means: no code and no message."),
    ("<buf>, <len>", "A message of at most 123 bytes of UTF-8 that explains the code. NULL and 0 "
     "mean: no message."),
]

# ---- Errors, as (errno, when) ----

NOT_WS = ("ENOTSUP", "<s> is a handle, but not of a WebSocket.")
ATTACH_BUSY = ("EBUSY", "Another coroutine is sending or receiving on the socket underneath.")
ATTACH_GONE = ("ECONNRESET", "The connection broke or ended during the opening handshake.")
# A host that waits for a descriptor may need one more for that.
NO_WATCH = (
    "EMFILE, ENFILE, ENOSPC", "The host has no descriptor left that it needs to wait, or `epoll`(7) watches as many as "
    "it may.{}")
WAITS_AGAIN = NO_WATCH[0], NO_WATCH[1].format(" The connection goes on.")
WAITS_NO_MORE = NO_WATCH[0], NO_WATCH[1].format("")
MEM_NULL = "<mem> is NULL."
BAD_FLAG = "<flags> has a bit that is not one of the three."

CLIENT_EINVAL = (
    BAD_FLAG + " Without `WS_NOHTTP`: <resource> or <host> is NULL or empty; <resource> has a "
    "space, a control character or a byte outside ASCII; <host> has a space or a control character.")
CLIENT_ERRORS = [
    NO_HANDLE, ATTACH_BUSY, CANCELED, ATTACH_GONE, ("EINVAL", CLIENT_EINVAL), WAITS_NO_MORE,
    ("EMSGSIZE", "The server's answer is larger than 32 KiB or has more than 128 fields."),
    NOMEM,
    ("EPROTO", "<s> is not a byte stream. The server refused, or its answer does not follow RFC 6455 "
     "or names an extension or a subprotocol, which were not asked for."),
    TIMEDOUT,
]
SERVER_EINVAL = (
    BAD_FLAG + " Without `WS_NOHTTP`: <resource> or <host> is NULL with a length that is not 0, or has "
    "more than SSIZE_MAX bytes.")
SERVER_ERRORS = [
    NO_HANDLE, ATTACH_BUSY, CANCELED, ATTACH_GONE, ("EINVAL", SERVER_EINVAL), WAITS_NO_MORE,
    ("EMSGSIZE", "The resource or the host does not fit in its buffer. The request is larger than "
     "32 KiB or has more than 128 fields."),
    NOMEM,
    ("EPROTO", "<s> is not a byte stream. The request was refused because it does not follow "
     "RFC 6455."),
    TIMEDOUT,
]


def with_mem(errors):
    """The errors of a function's _mem twin."""
    return [(e, f"{MEM_NULL} {t}") if e == "EINVAL" else (e, t) for e, t in errors]


SEND_EINVAL = "<flags> has a bit that is none of those above. {} It has more than SSIZE_MAX bytes. The data of a text message is not UTF-8. Nothing was sent."


def send_errors(einval):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is sending on this WebSocket."),
        CANCELED,
        ("ECONNRESET", "The connection is broken, or an earlier message was cut in the middle."),
        ("EINVAL", SEND_EINVAL.format(einval)),
        WAITS_AGAIN,
        NOMEM, NOT_WS,
        ("EPIPE", "Sending is over: `ws_done`(3) was called, or the peer broke the protocol."),
        TIMEDOUT,
    ]


# What may follow a message that is dropped.
ENDLESS = (" A message that was to be dropped would have more bytes than ssize_t can tell; the peer was told "
           "so with close code 1009.")


def recv_errors(einval=None, reset=""):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is receiving on this WebSocket."),
        CANCELED,
        ("ECONNRESET", "The connection is broken or was failed, or the stream underneath ended "
         "without a close frame." + reset),
        *([("EINVAL", einval)] if einval else []),
        WAITS_AGAIN,
        ("EMSGSIZE", "The message is larger than the room for it. It is lost; the next one is not. Or it is longer than "
         "`maxmsg`, and the connection has ended."),
        ("ENOMEM", "There is not enough memory. If a part of a message had come, that message may be lost; "
         "the next one is not."),
        NOT_WS,
        ("EPIPE", "The peer has closed its side of the WebSocket."),
        ("EPROTO", "The peer broke the protocol, or sent text that is not UTF-8. It was told so with "
         "a close frame, and the connection is of no more use."),
        TIMEDOUT,
    ]


CLOSE_EINVAL = (
    "<status> must not be sent: it is below 1000, 1004 to 1006, 1015 to 2999, or above 4999. The "
    "message is longer than 123 bytes, not UTF-8, without a <status>, or NULL with a length.")

# ---- The pages ----

PAGES = {
    "ws_attach_client": dict(
        brief="start a WebSocket connection as a client",
        text=[*CLIENT, *TYPE_FLAGS, DEADLINE, OWNERSHIP],
        returns="The handle of the WebSocket",
        errors=CLIENT_ERRORS,
        notes=["No extension and no subprotocol is offered. `ws_attach_client_opts`(3) offers them, and sends further "
               "fields, such as Authorization or Origin.",
               "For a TLS connection attach to the handle that `tls_attach_client_host` of libdill_rt returned; "
               "`tls_attach_client`, which libdill has too, does not check whom it talks to."],
        rfc="RFC 6455 sections 1.3 and 4.1; RFC 9112 for the HTTP message.",
    ),
    "ws_attach_client_mem": dict(
        brief="start a WebSocket connection as a client, in the caller's memory",
        text=[*CLIENT, in_memory("ws_attach_client", END), *TYPE_FLAGS, DEADLINE, OWNERSHIP],
        returns="The handle of the WebSocket",
        errors=with_mem(CLIENT_ERRORS),
        notes=["`struct ws_storage` has 176 bytes, as in libdill."],
        rfc="RFC 6455 sections 1.3 and 4.1; RFC 9112 for the HTTP message.",
    ),
    "ws_attach_server": dict(
        brief="accept a WebSocket connection as a server",
        text=[*SERVER, *TYPE_FLAGS, DEADLINE, OWNERSHIP],
        returns="The handle of the WebSocket",
        errors=SERVER_ERRORS,
        notes=["Give this call a deadline: a client that connects and says nothing holds it up until "
               "then.",
               "Any page may make a browser open a WebSocket to any server. A server that trusts "
               "cookies must look at the Origin field, as `ws_attach_server_opts`(3) and `ws_accept`(3) do.",
               "No extension and no subprotocol is accepted; those two functions can."],
        rfc="RFC 6455 sections 1.3, 4.2 and 4.4; RFC 9110 and RFC 9112 for the HTTP messages.",
    ),
    "ws_attach_server_mem": dict(
        brief="accept a WebSocket connection as a server, in the caller's memory",
        text=[*SERVER, in_memory("ws_attach_server", END), *TYPE_FLAGS, DEADLINE, OWNERSHIP],
        returns="The handle of the WebSocket",
        errors=with_mem(SERVER_ERRORS),
        notes=["`struct ws_storage` has 176 bytes, as in libdill."],
        rfc="RFC 6455 sections 1.3, 4.2 and 4.4; RFC 9110 and RFC 9112 for the HTTP messages.",
    ),
    "ws_send": dict(
        brief="send a WebSocket message",
        text=["Sends the <len> bytes at <buf> as one message on the WebSocket <s>: a text message if "
              "<flags> is `WS_TEXT`, a binary one if it is `WS_BINARY`, whatever type was chosen when "
              "attaching. `WS_NOHTTP` in <flags> is ignored.", MORE_FLAGS,
              "A message may be empty; <buf> may be NULL then. The data of a text message must be "
              "UTF-8.",
              *MESSAGE_OUT, DEADLINE],
        returns="0",
        errors=send_errors("<buf> is NULL and <len> is not 0."),
        notes=SEND_NOTES,
        rfc="RFC 6455 sections 5.2, 5.3, 5.6 and 6.1.",
    ),
    "ws_sendl": dict(
        brief="send a WebSocket message from several buffers",
        text=["Sends the data of the list of buffers from <first> to <last>, in this order, as one "
              "message on the WebSocket <s>: a text message if <flags> is `WS_TEXT`, a binary one if "
              "it is `WS_BINARY`, whatever type was chosen when attaching. `WS_NOHTTP` in <flags> is "
              "ignored.", MORE_FLAGS,
              SEND_LIST,
              "The data of a text message must be UTF-8; a character may be split between elements.",
              *MESSAGE_OUT, DEADLINE],
        returns="0",
        errors=send_errors(
            "<first> or <last> is NULL; the list does not end with <last>, or has a loop; an `iol_rsvd` "
            "is not 0; an `iol_base` is NULL and its `iol_len` is not 0."),
        notes=SEND_NOTES,
        rfc="RFC 6455 sections 5.2, 5.3, 5.6 and 6.1.",
    ),
    "ws_recv": dict(
        brief="receive a WebSocket message",
        text=["Receives one message on the WebSocket <s>, stores it in the <len> bytes at <buf>, and "
              "stores its type, `WS_TEXT` or `WS_BINARY`, in <flags>, which may be NULL. If <buf> is "
              "NULL, a message of up to <len> bytes is received and dropped.",
              *MESSAGE_IN, DEADLINE],
        returns="The size of the message in bytes (it may be 0)",
        errors=recv_errors(),
        notes=RECV_NOTES,
        rfc="RFC 6455 sections 5.4, 5.5, 5.6, 6.2, 7.1.7 and 8.1.",
    ),
    "ws_recvl": dict(
        brief="receive a WebSocket message into several buffers",
        text=["Receives one message on the WebSocket <s>, stores it in the list of buffers from "
              "<first> to <last>, filling one element after the other, and stores its type, `WS_TEXT` "
              "or `WS_BINARY`, in <flags>, which may be NULL.",
              RECV_LIST.format(what="bytes of the message"),
              "If both <first> and <last> are NULL, one message of any size is received and dropped.",
              *MESSAGE_IN, DEADLINE],
        returns="The size of the message in bytes (it may be 0), with the dropped ones",
        errors=recv_errors(
            "One of <first> and <last> is NULL; the list does not end with <last>, or has a loop; an "
            "`iol_rsvd` is not 0. Nothing was received.", ENDLESS),
        notes=RECV_NOTES,
        rfc="RFC 6455 sections 5.4, 5.5, 5.6, 6.2, 7.1.7 and 8.1.",
    ),
    "ws_done": dict(
        brief="close the sending side of a WebSocket",
        text=["Sends a close frame on the WebSocket <s>. Sending is over then: later calls of "
              "`ws_send`(3) and of this function fail with `EPIPE`. Receiving goes on until the peer's "
              "close frame, which a receiving call reports as `EPIPE`.",
              *CLOSE_ARGS, DEADLINE],
        returns="0",
        errors=[
            NO_HANDLE,
            ("EBUSY", "Another coroutine is sending on this WebSocket."),
            CANCELED,
            ("ECONNRESET", "The connection is broken, or an earlier message was cut in the middle."),
            ("EINVAL", CLOSE_EINVAL),
            WAITS_AGAIN,
            NOMEM,
            NOT_WS,
            ("EPIPE", "The close frame has been sent already."),
            TIMEDOUT,
        ],
        notes=["The arguments are checked first: `EINVAL` is reported even if <s> is not a handle.",
               "After the call, pings of the peer are no longer answered.",
               "To end a connection for good call `ws_detach`(3), with or without `ws_done` before."],
        rfc="RFC 6455 sections 5.5.1, 7.1.2 and 7.4.",
    ),
    "ws_detach": dict(
        brief="end a WebSocket and give the underlying socket back",
        text=["Ends the WebSocket <s> in order and returns the handle of the byte stream underneath. "
              "The function sends a close frame, unless `ws_done`(3) has done so before, and waits "
              "for the peer's close frame, discarding messages that arrive before it.",
              *CLOSE_ARGS,
              "Neither is sent if the close frame has been sent already.",
              DEADLINE,
              "The returned byte stream stands just behind the peer's close frame: what the peer sends "
              "after it can be received there. Close it, for instance with `tcp_close`(3).",
              "After `EBADF`, `EBUSY`, `EINVAL` and `ENOTSUP` nothing has happened and <s> is still "
              "open. After any other failure everything is closed, the WebSocket and the socket "
              "underneath: do not close <s> again."],
        returns="The handle of the underlying socket",
        errors=[
            NO_HANDLE,
            ("EBUSY", "Another coroutine is sending or receiving on this WebSocket."),
            CANCELED,
            ("ECONNRESET", "The connection is broken, was failed before, or ended without a close "
             "frame. A message would have more bytes than ssize_t can tell."),
            ("EINVAL", CLOSE_EINVAL),
            WAITS_NO_MORE,
            NOMEM,
            NOT_WS,
            ("EPROTO", "The peer broke the protocol."),
            TIMEDOUT,
        ],
        notes=["To end a connection at once and without a word to the peer use `hclose`(3). It closes "
               "the WebSocket and the socket underneath and never blocks.",
               "`ws_close`(3) ends the byte stream as well, and what is below it.",
               "Give this call a deadline: a peer need not answer a close frame."],
        rfc="RFC 6455 sections 1.4, 5.5.1, 7.1 and 7.4.",
    ),
    "ws_status": dict(
        brief="tell how the peer closed a WebSocket",
        text=["Tells what was in the close frame that the peer has sent on the WebSocket <s>. It "
              "stores the close code, or 0 if there was none, in <status>, and the message in the "
              "<len> bytes at <buf>, without a NUL at its end. A message has at most 123 bytes.",
              "<status> may be NULL. <buf> may be NULL with length 0: then only the size of the "
              "message is returned.",
              "The function never blocks and can be called any number of times, until the handle is "
              "closed or detached."],
        returns="The size of the message in bytes (0 if there was none)",
        errors=[
            ("EAGAIN", "The peer's close frame has not been received."),
            NO_HANDLE,
            ("EINVAL", "<buf> is NULL and <len> is not 0."),
            ("EMSGSIZE", "The message is longer than <len>."),
            NOT_WS,
        ],
        notes=["The close frame is received by a receiving call, which then fails with `EPIPE`.",
               "The arguments are checked first: `EINVAL` is reported even if <s> is not a handle."],
        rfc="RFC 6455 sections 7.1.5, 7.1.6 and 7.4.",
    ),
    "ws_request_key": dict(
        brief="make a key for a client's opening handshake",
        text=["Makes a value for the field Sec-WebSocket-Key of a client's request: 16 bytes from the "
              "operating system's random generator in base64. It stores the 24 characters and a NUL "
              "in <request_key>, which must have room for `WS_KEY_SIZE` bytes.",
              "This is for programs that do the opening handshake by hand and attach with "
              "`WS_NOHTTP`. `ws_attach_client`(3) makes its own key."],
        returns="0",
        errors=[("EINVAL", "<request_key> is NULL.")],
        notes=["Use a new key for every handshake."],
        rfc="RFC 6455 sections 4.1 and 11.3.1.",
    ),
    "ws_response_key": dict(
        brief="answer the key of a client's opening handshake",
        text=["Works out the value of the field Sec-WebSocket-Accept that belongs to the value "
              "<request_key> of the field Sec-WebSocket-Key. It stores the 28 characters and a NUL in "
              "<response_key>, which must have room for `WS_KEY_SIZE` bytes.",
              "This is for programs that do the opening handshake by hand and attach with "
              "`WS_NOHTTP`: a server sends the result, a client compares it with what the server "
              "sent."],
        returns="0",
        errors=[("EINVAL", "<request_key> or <response_key> is NULL."),
                ("EPROTO", "<request_key> is not 24 characters of base64 that hold 16 bytes.")],
        notes=["For \"dGhlIHNhbXBsZSBub25jZQ==\" the result is \"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\".",
               "The program above looks at no more than it needs. A server that does the handshake by "
               "hand also has to check the method and the fields Upgrade, Connection and "
               "Sec-WebSocket-Version (RFC 6455 section 4.2.1)."],
        rfc="RFC 6455 sections 1.3, 4.2.2 and 11.3.3.",
    ),
}

OVERVIEW = [
    ("DESCRIPTION", [
        "libdill_ws has the WebSocket functions of libdill. A program written for libdill 2.8 or "
        "later, or compiled for it, works with libdill_ws without a change.",
        "Coroutines, handles and byte streams come from a host. This is libdill_rt, which comes "
        "with libdill_ws, or the original libdill: the one that the program is linked with.",
    ]),
    ("Handles", [
        "A WebSocket is attached to a byte stream, such as a TCP connection, a UNIX socket or a TLS "
        "connection, and is a handle like any other. `ws_attach_client`(3) and `ws_attach_server`(3) "
        "take the byte stream over: its number is not valid any more, and if they fail it is closed. "
        "`ws_detach`(3) gives it back. `hclose`(3) closes both at once, never blocks and sends "
        "nothing. Handles cannot be used in another thread than the one that made them.",
        "A WebSocket is a message socket: `msend`(3), `mrecv`(3), `msendl`(3) and `mrecvl`(3) work "
        "with it. They deal in the type of messages, text or binary, that was chosen when attaching; "
        "`mrecv`(3) drops a message of the other type and fails with `EPROTO`, and the next message "
        "can be received. `ws_send`(3) and `ws_recv`(3) deal in both types.",
        "One coroutine may receive while another one sends. A second receiver, or a second sender, "
        "fails with `EBUSY` and disturbs nobody; with an option, `WS_TURNS`, senders wait for each other. Pings are answered by the receiving calls, so a "
        "program that wants to stay connected should have one under way.",
        "If a coroutine closes a handle while another one is in a call on it, that call fails with "
        "`ECONNRESET` on libdill_rt; the original libdill aborts the program.",
    ]),
    ("When to use which function", [
        ("A client that has a URL", "`ws_connect`(3) looks the name up, connects, attaches TLS for wss, and opens the "
         "WebSocket."),
        ("A client with a byte stream of its own", "Such as a UNIX socket, or TLS with a certificate of the client's: "
         "`ws_attach_client_opts`(3)."),
        ("A client behind a proxy", "`ws_proxy`(3) on the connection to the proxy, and then one of the functions that attach, "
         "TLS first for wss. For SOCKS: `socks5_client_connectbyname`(3)."),
        ("A server whose port has nothing but WebSockets", "`ws_attach_server_opts`(3)."),
        ("A server that looks at the path, a cookie or a token first, or has pages on the same port", "`ws_request`(3) "
         "receives a request of any kind and `ws_field`(3) tells what it says. Then it becomes a WebSocket by "
         "`ws_accept`(3), or is answered by `ws_respond`(3), which gives the connection back for the next one."),
        ("A program that is to be compiled with libdill too", "`ws_attach_client`(3) and `ws_attach_server`(3). The others "
         "here are declared in `libdill_wsx.h`, and are not in libdill."),
        ("To end a connection", "`ws_close`(3) ends it with all below it. `ws_detach`(3) gives the byte stream back. "
         "`hclose`(3) breaks off."),
        "Options are subprotocols, the Origin field, further fields, compression and limits: `ws_opts`(3) has them all. "
        "`ws_query`(3) tells what was agreed on, and `ws_why`(3) in words why a function has failed.",
    ]),
    ("Deadlines", [
        "A deadline is a point in time in milliseconds of `now`(3); 0 means do not block, \\-1 no "
        "limit. It covers the whole call. What has arrived by then is received whatever the deadline is, in "
        "however many fragments it came. On libdill_rt a receiving call whose deadline has passed can "
        "be repeated and has lost nothing; on the original libdill, and on byte streams that a program has "
        "made itself, it has broken the connection.",
    ]),
    ("Closing", [
        "A WebSocket ends when each side has sent a close frame. `ws_done`(3) sends ours; receiving "
        "goes on. When the peer's close frame arrives, receiving calls fail with `EPIPE` and "
        "`ws_status`(3) tells the reason; sending goes on until ours is sent. `ws_detach`(3) does "
        "whatever of the two is missing.",
        ("`EPIPE`", "The orderly end. From a receiving call: the peer has closed. From a sending call: "
         "we have."),
        ("`EPROTO`", "The peer broke the protocol and was told so. The handle is to be closed with "
         "`hclose`(3). (From `mrecv`(3) it may also be a message of the other type, see above.)"),
        ("`ECONNRESET`", "The connection is broken or ended without a close frame. The handle is to be "
         "closed with `hclose`(3)."),
        ("`EMSGSIZE`, `EBUSY`, `EINVAL`", "The connection goes on. (`EMSGSIZE` ends it only for a message over the option "
         "`maxmsg`.)"),
        ("`ETIMEDOUT`, `ECANCELED`", "From a receiving call: the connection goes on, on libdill_rt. From "
         "a sending call: it goes on there unless a part of the message has been sent. `ws_detach`(3), "
         "`ws_close`(3) and the functions that attach have closed everything."),
    ]),
    ("Compiling", [
        "Include `libdill.h` for the host's functions and `libdill_ws.h` for those of this library, in "
        "any order; or `libdill_wsx.h`, which brings `libdill_ws.h` along. If `DILL_DISABLE_RAW_NAMES` is defined before, only the names with the prefix "
        "`dill_` are declared.",
        ("With libdill_rt", "`cc program.c $(pkg-config \\-\\-cflags \\-\\-libs libdill_ws)`"),
        ("On the original libdill", "`cc program.c $(pkg-config \\-\\-cflags \\-\\-libs libdill_ws "
         "libdill)`"),
        ("A program that was built for the original", "`LD_PRELOAD=libdill_ws.so.0 ./program`"),
    ]),
]

OVERVIEW_NOTES = [
    "The host's functions, such as `go`(3), `chmake`(3) and `tcp_connect`(3), have pages too, as they are in libdill_rt: "
    "see `libdill_rt`(7). Where libdill has installed its own, `man 3dill_ws go` shows these.",
    "With libdill's own header, a coroutine that writes to a local variable of the function that started it needs "
    "gcc's option `\\-fno\\-ipa\\-modref` (gcc 12 and later), or a `volatile` variable; otherwise the compiler may "
    "believe that the variable does not change. That of libdill_rt sees to it.",
    "Nothing that a peer sends makes the library allocate memory for a length that was only "
    "announced.",
    "Compression (permessage-deflate) and subprotocols are negotiated with options only. There are no other extensions.",
]

ORDER = list(PAGES)

# The pages of what is in libdill_wsx.h.
EXTENDED = [option_pages, request_pages, queued_pages]

# Structures: they have pages, but no prototypes.
TYPES = ["ws_opts"]

# The pages that these refer to beside each other: the system's.
ELSEWHERE = {
    f"{name}.{number}" for number, names in {
        2: "bind close connect eventfd execve fcntl fork listen nanosleep open read sendto sigaltstack socket unlink "
           "write",
        3: "getaddrinfo getifaddrs memcpy printf sleep strcasecmp usleep",
        7: "epoll",
    }.items() for name in names.split()
}


def version():
    manifest = (HERE.parent / "Cargo.toml").read_text()
    return re.search(r'^version = "(.*)"', manifest, re.M).group(1)


# ---- From the table to roff ----

def inline(text):
    """Fonts and the characters that roff would take for something else."""
    text = text.replace('"', "\\(dq").replace("~", "\\(ti").replace("^", "\\(ha")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fP", text)
    text = re.sub(r"<(\w+)>", r"\\fI\1\\fP", text)
    return "\\&" + text if text[:1] in ".'" else text


def literal(text):
    """A program, character by character."""
    out = []
    for line in text.rstrip("\n").split("\n"):
        line = line.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
        line = line.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
        out.append("\\&" + line if line[:1] in (".", "'") else line)
    return out


def sentences(text):
    """A sentence a line, so that a change shows where it is."""
    return [inline(sentence) for sentence in re.split(r"(?<=[.:;]) (?=[A-Z<`])", text)]


def paragraphs(items):
    out = []
    for item in items:
        if isinstance(item, tuple):
            out += [".TP", inline(item[0]), *sentences(item[1])]
        else:
            out += [".PP", *sentences(item)]
    return out


def errors(items):
    assert [e for e, _ in items] == sorted(e for e, _ in items), "errors in alphabetical order"
    return paragraphs([(f"`{e}`", text) for e, text in items])


def prototype(proto):
    """One parameter a line, unless it is short, so that it can be read in a narrow window."""
    if len(proto) <= 60:
        return [proto]
    head, parameters = re.fullmatch(r"(.*?)\((.*)\);", proto).groups()
    lines = [f"    {p}," for p in parameters.split(", ")]
    return [f"{head}(", *lines[:-1], lines[-1][:-1] + ");"]


def page(name, section, brief, synopsis, body, example, notes, rfc, see_also, library="libdill_ws"):
    lines = [
        '.\\" Made by man/pages.py. Do not edit.',
        f'.TH {name} {section} {DATE} "{library} {version()}" "{library}"',
        ".SH NAME", f"{name} \\- {brief}",
        ".SH SYNOPSIS", ".nf", ".ft B", *literal("\n".join(synopsis)), ".ft R", ".fi",
        *body,
        ".SH EXAMPLE", ".EX", *literal(example), ".EE",
        *([".SH NOTES", *paragraphs(notes)] if notes else []),
        ".SH CONFORMING TO", *sentences(rfc),
        ".SH SEE ALSO",
    ]
    for i, (other, number) in enumerate(see_also):
        lines.append(f".BR {other} ({number}){',' if i + 1 < len(see_also) else ''}")
    return "\n".join(lines) + "\n"


EXTENDED_PAGES = [(name, 3) for name in ("ws_close", "ws_opts", "ws_why")]
HOST_PAGES = [(name, 3) for name in (
    "hclose", "mrecv", "mrecvl", "msend", "msendl", "now", "tcp_connect", "tcp_accept")]


def declarations():
    """The header and the prototype of each function, by name. What a macro is like is in a table: its parameters
    have no types."""
    return prototypes.functions() | {
        name: ("libdill.h", proto) for name, proto in runtime_pages.MACROS.items()}


DECLARED = declarations()


def synopsis(name):
    """What a program writes to have a function."""
    header, proto = DECLARED[name]
    return [f"#include <{header}>", "", *prototype(proto)]


def returned(name, p):
    """The paragraph about a function's result. `failure` is what tells a failure: None if there is none."""
    failure = p.get("failure", "\\-1")
    if failure is None:
        return p["returns"] + "."
    waits = p.get("waits", "deadline" in DECLARED[name][1])
    after = f"After a success `errno` is as it was{', or 0 if the call waited' if waits else ''}."
    return f"{p['returns']}; {failure} with `errno` set after a failure. {p.get('after', after)}"


def runtime_page(name, p, family):
    """The page of one of libdill_rt's functions."""
    body = [".SH DESCRIPTION", *paragraphs(p["text"]), ".SH RETURN VALUE", *sentences(returned(name, p))]
    if p["errors"]:
        body += [".SH ERRORS", *errors(p["errors"])]
    others = [other for other in (*family.PAGES, *family.SEE_ALSO) if other != name]
    return page(
        name, 3, p["brief"], synopsis(name), body,
        (HERE / "examples" / f"{p['example']}.c").read_text(), p["notes"], p.get("source", family.SOURCE),
        [*((other, 3) for other in others), ("libdill_rt", 7)], "libdill_rt")


def overview(table):
    """The sections of an overview."""
    lines = []
    for title, items in table:
        lines += [f".SH {title}" if title.isupper() else f".SS {title}", *paragraphs(items)]
    return lines


def index():
    """The functions of libdill_rt by families, each with its line."""
    lines = [".SH FUNCTIONS"]
    for family in runtime_pages.FAMILIES:
        lines.append(f".SS {family.TITLE}")
        for name, p in family.PAGES.items():
            lines += [".TP 28", inline(f"`{name}`(3)"), inline(p["brief"])]
    return lines


def extended_page(name, p, family):
    """The page of a function that is not in libdill."""
    body = [".SH DESCRIPTION", *paragraphs(p["text"]), ".SH RETURN VALUE", *sentences(returned(name, p))]
    if p["errors"]:
        body += [".SH ERRORS", *errors(p["errors"])]
    others = [(other, 3) for other in (*family.PAGES, *TYPES, *family.SEE_ALSO) if other != name]
    return page(
        name, 3, p["brief"], synopsis(name), body,
        (HERE / "examples" / f"{p['example']}.c").read_text(), p["notes"], p["rfc"],
        [*others, ("libdill_ws", 7)])


def pages():
    """Every page, by file name."""
    made = {}
    for name, p in PAGES.items():
        body = [".SH DESCRIPTION", *paragraphs(p["text"])]
        body += [".SH RETURN VALUE", *sentences(returned(name, p))]
        body += [".SH ERRORS", *errors(p["errors"])]
        others = [(other, 3) for other in ORDER if other != name]
        made[f"{name}.3"] = page(
            name, 3, p["brief"], synopsis(name), body,
            (HERE / "examples" / f"{name}.c").read_text(), p["notes"], p["rfc"],
            [*others, *EXTENDED_PAGES, *HOST_PAGES, ("libdill_ws", 7)])
    for family in EXTENDED:
        made.update({f"{name}.3": extended_page(name, p, family) for name, p in family.PAGES.items()})
    p = option_pages.OPTS
    made["ws_opts.3"] = page(
        "ws_opts", 3, p["brief"],
        ["#include <libdill_wsx.h>", "", *prototypes.structure("libdill_wsx.h", "ws_opts"), "",
         "struct ws_opts opts = ws_defaults;"],
        [".SH DESCRIPTION", *paragraphs(p["text"])],
        (HERE / "examples" / f"{p['example']}.c").read_text(), p["notes"], p["rfc"],
        [*((other, 3) for other in (*option_pages.PAGES, *option_pages.SEE_ALSO)), ("libdill_ws", 7)])
    for family in runtime_pages.FAMILIES:
        made.update({f"{name}.3": runtime_page(name, p, family) for name, p in family.PAGES.items()})
    made["libdill_rt.7"] = page(
        "libdill_rt", 7, "coroutines, channels and sockets for C programs",
        ["#include <libdill.h>", "#include <libdillimpl.h>"], [*overview(runtime_pages.OVERVIEW), *index()],
        (HERE / "examples" / "libdill_rt.c").read_text(), runtime_pages.OVERVIEW_NOTES,
        "libdill 2.14: what the functions do follows its manual.", [("libdill_ws", 7)], "libdill_rt")
    made["libdill_ws.7"] = page(
        "libdill_ws", 7, "WebSocket for C programs with coroutines",
        ["#include <libdill.h>", "#include <libdill_ws.h>", "#include <libdill_wsx.h>"], overview(OVERVIEW),
        (HERE / "examples" / "libdill_ws.c").read_text(), OVERVIEW_NOTES,
        "RFC 6455, The WebSocket Protocol; RFC 7692, Compression Extensions for WebSocket.",
        [*((name, 3) for name in (*ORDER, *(name for family in EXTENDED for name in family.PAGES), *TYPES)),
         ("libdill_rt", 7)])
    return made


def main():
    made = pages()
    if sys.argv[1:] == ["--check"]:
        stale = [n for n, text in made.items()
                 if not (HERE / n).is_file() or (HERE / n).read_text() != text]
        stale += [f.name for f in HERE.glob("*.[0-9]") if f.name not in made]
        for name in stale:
            print(f"man/{name} is not what man/pages.py writes", file=sys.stderr)
        return 1 if stale else 0
    for name, text in made.items():
        (HERE / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
