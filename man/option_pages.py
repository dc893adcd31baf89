"""The table of the pages about options and what is known of a connection, for pages.py."""

from texts import CANCELED, DEADLINE, NO_HANDLE, NOMEM, OWNERSHIP, TIMEDOUT

BUSY = ("EBUSY", "Another coroutine is sending or receiving on the socket underneath.")
GONE = ("ECONNRESET", "The connection broke or ended during the opening handshake.")
WATCH = ("EMFILE, ENFILE, ENOSPC", "The host has no descriptor left that it needs to wait, or `epoll`(7) watches as "
         "many as it may.")
TOO_NEW = ("E2BIG", "<opts> has a member that this library does not know, and that is not 0.")
NO_SENSE = "A member of <opts> makes no sense: see `ws_opts`(3)."
NOT_WS = ("ENOTSUP", "<s> is a handle, but not of a WebSocket.")
NOT_STREAM = ("ENOTSUP", "<s> is a handle, but not of a byte stream. `ping` or `idle` of <opts> is not 0.")

SEE_ALSO = ("ws_connect", "ws_accept", "ws_flush", "ws_post", "ws_headfield", "ws_send", "ws_recv", "ws_done", "ws_detach")

OPTS = dict(
    brief="what a WebSocket is to be made with",
    example="ws_attach_client_opts",
    text=[
        "`ws_attach_client_opts`(3), `ws_attach_server_opts`(3), `ws_connect`(3) and `ws_accept`(3) take options. NULL stands "
        "for the defaults, which `ws_defaults` has: all members but `size` are 0 or NULL.",
        "The structure and its strings are read before the call first waits, and are not kept.",
        ("`size`", "sizeof(struct ws_opts). A program that was compiled with an older or a newer header can so be told from "
         "others."),
        ("`flags`", "`WS_TEXT` and `WS_NOHTTP` as for `ws_attach_client`(3); with `WS_NOHTTP` there is no handshake, so "
         "`protocols`, `origin` and `fields` are NULL, and neither `WS_DEFLATE` nor `WS_NEEDPROTO` is there. "
         "`WS_DEFLATE`: messages are compressed if the peer agrees (permessage-deflate); see below for what it "
         "costs. `WS_NEEDPROTO`: without a "
         "subprotocol in common there is no connection; a server answers 400. `WS_TURNS`: while one coroutine sends, "
         "others that send, or call `ws_done`(3), wait for it within their deadlines, first come, first served, instead of "
         "failing with `EBUSY`."),
        ("`level`", "How much effort compression takes, 1 to 9. 0: 1. Level 3 takes more processor time and makes JSON of "
         "1 KiB, for instance, 277 bytes instead of 370; higher levels gain little more."),
        ("`window`", "How much of earlier messages is kept to compress the next ones: 2 to the power of 9 to 15 bytes, in each "
         "direction. 0: 12. \\-1: nothing is kept. At 0 a client takes what the server keeps, up to 32 KiB."),
        ("`protocols`", "Subprotocols, such as \"chat.v2, chat.v1\", the best first. A client offers them. A server takes the "
         "first of its own that the client offers. Without one in common the connection goes on without; "
         "`ws_query`(3) tells which it is."),
        ("`origin`", "A client sends it as the Origin field. A server admits pages from these origins, such as "
         "\"https://a.example, https://b.example\"; \"*\": all. If it is NULL, a server admits pages whose host and port are "
         "those that the request asks for, and refuses others with 403; a client that says no origin is admitted, as it "
         "is no browser. A proxy that rewrites the Host field, as nginx does by default, makes the two differ: have it pass "
         "the field on, or list the origins."),
        ("`fields`", "NULL, or an array of lines such as \"Cookie: a=b\" with a NULL behind the last one. They are added to a "
         "client's request, or to the answer with which a server accepts one. A line is one field and has no control "
         "characters in it. Host, Upgrade, Connection, Content-Length, Transfer-Encoding, Date, and those that begin with "
         "Sec-WebSocket- are the library's own; so is Origin where `origin` is not NULL."),
        ("`maxmsg`", "The longest message that is received, in bytes, after inflating. 0: 1 MiB. A longer one ends the "
         "connection with close code 1009; the receiving call fails with `EMSGSIZE`, later ones with `ECONNRESET`. One "
         "that is only longer than the caller's buffer is lost, and the connection goes on."),
        ("`maxqueue`", "How many bytes may wait to be sent by themselves, before the last message: those of frames that are "
         "held (`WS_HOLD`, below) and of messages that are posted, see `ws_post`(3). 0: 64 KiB."),
        ("`hold`", "For how many milliseconds a frame may be held. 0: until the thread next waits or looks at its "
         "descriptors."),
        ("`ping`, `idle`", "They are for watching whether the peer is alive, and are not supported yet: other values than 0 "
         "fail with `ENOTSUP`."),
        ("`status`", "If not NULL, the HTTP status of the answer is stored there: what a server has said to a client, or "
         "this end to the client; of a refusal too. 0: no answer came."),
        ("`head`, `headlen`", "If <head> is not NULL, the head of that answer is stored there as a string: as many whole lines "
         "as have room in `headlen` bytes. That is never a failure. `ws_headfield`(3) finds a field in it."),
        ("`reserved`", "0."),
        "A member that makes no sense fails with `EINVAL`: a flag that is not one of these, a number out of range, a name "
        "that is no token, a subprotocol twice, an origin with a path, a control character anywhere.",
    ],
    notes=["On a handle made with options, NULL counts, `ws_send`(3) and `ws_sendl`(3) know two more flags. `WS_PLAIN`: this "
           "message is not compressed. `WS_HOLD`: the frame may wait for others; it does not yet.",
           "What compression costs: for each direction a connection keeps the last bytes of its messages, 2 to the power of "
           "the window that was agreed on, from the first message that was compressed. It keeps nothing in a direction in "
           "which messages may not refer to earlier ones, as with a `window` of \\-1. What it takes to compress and to inflate "
           "belongs to the thread and serves all of its connections; about 3 MiB of it are kept at most.",
           "A message is sent as it is if it has less than 32 bytes, or less than 128 where it may not refer to earlier ones, "
           "and if it would not become shorter.",
           "Whoever sees how long messages are, and can have text of their choice compressed together with a secret, in one "
           "message or in one connection whose messages refer to earlier ones, can find out the secret (the attack is known "
           "as CRIME). Send what has such a secret in it with `WS_PLAIN`."],
    rfc="RFC 6455 sections 1.9, 4 and 10.2; RFC 6454; RFC 7692.",
)

PAGES = {
    "ws_attach_client_opts": dict(
        brief="start a WebSocket connection as a client, with options",
        example="ws_attach_client_opts",
        text=["Makes the byte stream <s> the client's end of a WebSocket connection, as `ws_attach_client`(3) does, with what "
              "<opts> says: see `ws_opts`(3). NULL stands for the defaults.",
              "<resource> begins with a slash and has no #. With `WS_NOHTTP` among the flags, it and <host> are ignored.",
              "A server that answers with a redirect, or asks for a password, has not agreed: the call fails with `EPROTO`, and "
              "what `status` and `head` of <opts> point to says more.",
              DEADLINE, OWNERSHIP],
        returns="The handle of the WebSocket",
        errors=[TOO_NEW, NO_HANDLE, BUSY, CANCELED, GONE,
                ("EINVAL", f"{NO_SENSE} Without `WS_NOHTTP`: <resource> or <host> is NULL or empty; <resource> does not "
                 "begin with a slash, or has a #, a space, a control character or a byte outside ASCII; <host> has a space "
                 "or a control character."),
                WATCH,
                ("EMSGSIZE", "The server's answer is larger than 32 KiB or has more than 128 fields."),
                NOMEM, NOT_STREAM,
                ("EPROTO", "The server did not agree, or its answer does not follow RFC 6455."),
                TIMEDOUT],
        notes=["`ws_why`(3) tells what was wrong with an answer."],
        rfc="RFC 6455 sections 1.9 and 4.1.",
    ),
    "ws_attach_server_opts": dict(
        brief="accept a WebSocket connection as a server, with options",
        example="ws_attach_server_opts",
        text=["Makes the byte stream <s> the server's end of a WebSocket connection, as `ws_attach_server`(3) does, with what "
              "<opts> says: see `ws_opts`(3). NULL stands for the defaults.",
              "Unlike there, a page that comes from another host than the one that it asks for is refused with 403; see "
              "`origin`. The resource and the host are not told: a server that wants to know them, or a cookie, receives the "
              "request with `ws_request`(3) and accepts it with `ws_accept`(3).",
              DEADLINE, OWNERSHIP],
        returns="The handle of the WebSocket",
        errors=[TOO_NEW, NO_HANDLE, BUSY, CANCELED, GONE, ("EINVAL", NO_SENSE), WATCH,
                ("EMSGSIZE", "The request is larger than 32 KiB or has more than 128 fields."),
                NOMEM, NOT_STREAM,
                ("EPROTO", "The request was refused."),
                TIMEDOUT],
        notes=["Give this call a deadline: a client that connects and says nothing holds it up until then."],
        rfc="RFC 6455 sections 1.9, 4.2 and 10.2.",
    ),
    "ws_close": dict(
        brief="end a WebSocket and all below it",
        example="ws_attach_client_opts",
        text=["Ends the WebSocket <s> as `ws_detach`(3) does, with the same <status>, <buf> and <len>; and then each layer below "
              "in order. TLS says that nothing more comes, the socket says that nothing more is sent, and the peer's end is "
              "waited for. A client lets the server end first. Then all is closed.",
              DEADLINE,
              "After `EBADF`, `EBUSY`, `EINVAL` and `ENOTSUP` nothing has happened and <s> is still open. After any other "
              "failure everything is closed."],
        returns="0",
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is sending or receiving on this WebSocket, or waits to send."),
                CANCELED,
                ("ECONNRESET", "The connection is broken, was failed before, or ended without a close frame."),
                ("EINVAL", "As for `ws_done`(3)."),
                WATCH, NOMEM, NOT_WS,
                ("EPROTO", "The peer broke the protocol."),
                TIMEDOUT],
        notes=["On the original libdill TLS, and a byte stream that a program has made itself on any host, is closed as "
               "`hclose`(3) does it, once the peer has ended."],
        rfc="RFC 6455 section 7.1.1.",
    ),
    "ws_query": dict(
        brief="tell what is known about a WebSocket",
        example="ws_attach_client_opts",
        text=["Stores what is known about the WebSocket <s> in <info>, which has <len> bytes: sizeof(struct ws_info).",
              ("`const char *protocol`", "The subprotocol that was agreed on, or NULL."),
              ("`const char *extension`", "The extension that was agreed on, with its parameters, or NULL."),
              ("`int64_t rtt_us`", "The last round trip in microseconds. 0: none is known. None is measured yet."),
              ("`int64_t silence_ms`", "For how many milliseconds the peer has been silent. It is 0 as long as that is not "
               "measured."),
              ("`size_t queued`", "How many bytes are held or posted and not sent yet. Over TLS they are counted as they are before "
               "they are encrypted, or behind."),
              "The strings are the library's and stay until the handle is closed or detached. A program that was compiled with "
              "an older or a newer header gets what both know, and zeros.",
              "The function never blocks."],
        returns="0",
        errors=[NO_HANDLE, ("EINVAL", "<info> is NULL, or <len> is larger than SSIZE_MAX."), NOT_WS],
        notes=[],
        rfc="RFC 6455 sections 1.9 and 9.",
    ),
    "ws_why": dict(
        brief="tell in words why a function has failed",
        example="ws_attach_client_opts",
        text=["Tells why the last function of libdill_ws that failed in this thread has failed: which rule the peer broke and "
              "where RFC 6455 has it, which field of a handshake was not as it should be, which limit was reached, which check "
              "of a certificate failed. `errno` has few values for all of them.",
              "As with `errno`, look at it before the next call: another coroutine may fail meanwhile.",
              "None of the peer's bytes is in the string, so it can be logged as it is."],
        returns="A constant string, which is empty if none has failed",
        failure=None,
        errors=[],
        notes=[],
        rfc="RFC 6455.",
    ),
}
