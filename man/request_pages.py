"""The table of the pages about requests, answers and connecting, for pages.py."""

from texts import CANCELED, DEADLINE, NO_HANDLE, NOMEM, OWNERSHIP, TIMEDOUT

TAKES_REQUEST = (
    "From the call on, <r> belongs to the function: its number is no longer valid. On failure, whatever the reason, "
    "the byte stream that the request came over is closed too.")

FIELDS = (
    "<fields> is NULL, or an array of lines such as \"{}\" with a NULL behind the last one. A line is one field: it has "
    "no control characters in it. Host, Upgrade, Connection, Content-Length, Transfer-Encoding, Date, and those that "
    "begin with Sec-WebSocket- are the library's own.")

WANTED = [
    "Stores {} as a string in the <len> bytes at <buf>. If <buf> is NULL and <len> 0, only the length is told. "
    "Letter case does not matter in <name>; spaces around the value are left out. Where there are several fields of "
    "that name, <nth> is 0 for the first one, 1 for the second.",
]

NO_REQUEST = ("EBADF", "<r> is not an open handle.")
NOT_REQUEST = ("ENOTSUP", "<r> is a handle, but not of a request.")
NOT_STREAM = ("ENOTSUP", "<s> is a handle, but not of a byte stream.")
NOT_THERE = ("ENOENT", "There is no such field, or not so many of them.")
NO_ROOM = ("EMSGSIZE", "The value and its NUL do not fit in <buf>.")
BUSY = ("EBUSY", "Another coroutine is sending or receiving on <s>.")
GONE = ("ECONNRESET", "The connection broke or ended.")
WATCH = ("EMFILE, ENFILE, ENOSPC", "The host has no descriptor left that it needs to wait, or `epoll`(7) watches as "
         "many as it may.")
LARGE = "is larger than 32 KiB or has more than 128 fields."

SEE_ALSO = ("ws_attach_client", "ws_attach_server", "ws_close", "ws_detach", "ws_recv", "ws_send", "ws_why")

PAGES = {
    "ws_connect": dict(
        brief="open a WebSocket by its URL",
        example="ws_connect",
        text=["Opens a WebSocket to <url>, such as \"wss://www.example.org/chat?room=1\", and returns its handle.",
              "The function looks the host up and connects to whichever of its addresses answers first, as "
              "`happyeyeballs_connect`(3) does. If the scheme is wss, it attaches TLS as `tls_attach_client_host`(3) "
              "does, so the server has to prove with its certificate that it is that host, and speaks http/1.1 (ALPN). Then "
              "it opens the WebSocket with <opts>, which may be NULL: see `ws_opts`(3).",
              "The default ports are 80 and 443. An IPv6 address stands in brackets. A URL that has a fragment, names a "
              "user, or has a character that no URL has, is refused.",
              "A server that answers with a redirect has not agreed: the call fails, and `ws_headfield`(3) finds the "
              "Location in what <opts> has stored.",
              DEADLINE,
              "On failure everything is closed."],
        returns="The handle of the WebSocket",
        errors=[
            ("E2BIG", "<opts> has a member that this library does not know, and that is not 0."),
            ("EACCES", "The server has not proved to be that host: `ws_why`(3) says which check has failed."),
            ("EADDRNOTAVAIL", "There is no such host."),
            ("EAGAIN, EIO", "The resolver cannot tell."),
            CANCELED,
            ("ECONNREFUSED, EHOSTUNREACH, ENETUNREACH", "No address answers. Other errors of `connect`(2) are possible."),
            ("ECONNRESET", "The connection broke or ended during a handshake."),
            ("EINVAL", "<url> is NULL, or no URL of a WebSocket. A member of <opts> makes no sense: see `ws_opts`(3)."),
            WATCH,
            ("EMSGSIZE", f"The server's answer {LARGE}"),
            ("ENOENT", "No certificates to trust are found."),
            NOMEM,
            ("ENOTSUP", "The scheme is wss and the host is the original libdill. <opts> asks for what there is not "
             "on it."),
            ("EPROTO", "The server does not speak TLS, and `*opts->status` is 0. Or it did not agree, and `*opts->status` is "
             "what it said."),
            TIMEDOUT,
        ],
        notes=["On the original libdill the addresses that `ipaddr_remotes`(3) finds are tried one after the other, so "
               "one that does not answer may use the time up.",
               "Over anything else than TCP, through a proxy, or with TLS of another kind, make the byte stream first and "
               "use `ws_attach_client_opts`(3)."],
        rfc="RFC 6455 sections 3 and 4.1, RFC 8305.",
    ),
    "ws_proxy": dict(
        brief="ask a proxy for a tunnel",
        example="ws_proxy",
        text=["Asks the HTTP proxy at the other end of the byte stream <s> for a tunnel to <authority>, such as "
              "\"www.example.org:443\": sends a CONNECT request and receives the head of the answer. Interim answers are "
              "skipped.",
              FIELDS.format("Proxy-Authorization: Basic YTpi"),
              "If the status is between 200 and 299, <s> is a tunnel from then on: what is sent on it reaches that port, and "
              "not one byte behind the head has been received. Attach to it what is spoken there, TLS or a WebSocket. With any "
              "other status, such as 407 (Proxy Authentication Required), and after a failure, <s> is only good to be closed.",
              "<s> stays the caller's, whatever happens.",
              DEADLINE],
        returns="The status of the answer",
        errors=[
            NO_HANDLE, BUSY, CANCELED, GONE,
            ("EINVAL", "<authority> is NULL, or not a host and a port. A line of <fields> is no field, or one of the "
             "library's own. Nothing was sent."),
            WATCH,
            ("EMSGSIZE", f"The answer {LARGE}"),
            NOMEM, NOT_STREAM,
            ("EPROTO", "The answer is not of HTTP/1.1 or 1.0, or there are more than 8 interim ones."),
            TIMEDOUT,
        ],
        notes=["For SOCKS5 there is `socks5_client_connectbyname`(3)."],
        rfc="RFC 9110 section 9.3.6.",
    ),
    "ws_request": dict(
        brief="receive an HTTP request",
        example="ws_request",
        text=["Receives the head of an HTTP request of any method on the byte stream <s>, and returns a handle for it. "
              "`ws_field`(3) tells what the request says. Then it becomes a WebSocket by `ws_accept`(3), is answered by "
              "`ws_respond`(3), or is closed with `hclose`(3), which closes the byte stream too.",
              "So a page and a WebSocket can have the same port, and a server can look at the path, a cookie or a token "
              "before it decides. Nothing behind the head is received.",
              "A request that different programs could understand differently is answered by the function itself, with 400, "
              "or with 431 (too large), 503 (no memory to read it) or 505 (not HTTP/1.1 or 1.0). That is one whose end is in "
              "doubt, because it has both Content-Length and Transfer-Encoding, lengths that differ or are no numbers, or a "
              "transfer coding that has no end; one whose target is neither a path, nor an absolute URI, nor * (with OPTIONS), "
              "nor a host and a port (with CONNECT), or has a fragment; and one without a Host field, with two, or with one "
              "that is no host.",
              DEADLINE, OWNERSHIP],
        returns="The handle of the request",
        errors=[
            NO_HANDLE, BUSY, CANCELED,
            ("ECONNRESET", "The connection broke, or ended in the middle of a request."),
            WATCH,
            ("EMSGSIZE", f"The request {LARGE} It was refused."),
            NOMEM, NOT_STREAM,
            ("EPIPE", "The stream has ended, and there is no further request."),
            ("EPROTO", "The request was refused."),
            TIMEDOUT,
        ],
        notes=["Give this call a deadline: a client that connects and says nothing holds it up until then.",
               "A WebSocket server that does not care for paths and pages needs only `ws_attach_server_opts`(3).",
               "`ws_why`(3) tells why a request was refused."],
        rfc="RFC 9112 sections 2 to 6.",
    ),
    "ws_field": dict(
        brief="tell what a request says",
        example="ws_request",
        text=[WANTED[0].format("the value of a field of the request <r>"),
              "These are no fields, but parts of the request:",
              ("\":method\"", "Such as GET."),
              ("\":path\"", "The path and the query, such as /chat?room=1; not with CONNECT."),
              ("\":authority\"", "The host, and the port if there is one: what an absolute target names, or the "
               "Host field."),
              ("\":version\"", "1.1 or 1.0."),
              ("\":upgrade\"", "websocket, if that is what the request asks for. Otherwise there is no such part."),
              "The function never blocks and can be called any number of times."],
        returns="The length of the value, without its NUL",
        errors=[
            NO_REQUEST,
            ("EINVAL", "<name> is NULL, <nth> is negative, or <buf> is NULL and <len> is not 0."),
            NO_ROOM, NOT_THERE, NOT_REQUEST,
        ],
        notes=["After a failure <buf> holds an empty string.",
               "A value is what the client says. Nothing is decoded in it."],
        rfc="RFC 9110 section 5.",
    ),
    "ws_headfield": dict(
        brief="tell what an answer says",
        example="ws_connect",
        text=["<head> is the head of an answer, as `ws_connect`(3) and `ws_attach_client_opts`(3) store it where `ws_opts`(3) "
              "says, also when they fail.",
              WANTED[0].format("the value of a field in it"),
              "The name \":status\" stands for the status, such as 401.",
              "The function never blocks."],
        returns="The length of the value, without its NUL",
        errors=[
            ("EINVAL", "<head> or <name> is NULL, <nth> is negative, or <buf> is NULL and <len> is not 0."),
            NO_ROOM, NOT_THERE,
        ],
        notes=["After a failure <buf> holds an empty string.",
               "The field may have been there, but not have had room in <head>."],
        rfc="RFC 9110 section 5.",
    ),
    "ws_accept": dict(
        brief="make a WebSocket of a request",
        example="ws_request",
        text=["Accepts the request <r> and returns the handle of the WebSocket that it asks for. If it is no such "
              "request, it is refused with the answers of `ws_attach_server`(3); an HTTP/1.0 one with 505.",
              "<opts> may be NULL: see `ws_opts`(3). Unless it says otherwise, a page that comes from another host is "
              "refused with 403.",
              DEADLINE, TAKES_REQUEST],
        returns="The handle of the WebSocket",
        errors=[
            ("E2BIG", "<opts> has a member that this library does not know, and that is not 0."),
            NO_REQUEST, CANCELED, GONE,
            ("EINVAL", "A member of <opts> makes no sense, see `ws_opts`(3), or it has `WS_NOHTTP`."),
            WATCH, NOMEM,
            ("ENOTSUP", "<r> is a handle, but not of a request. <opts> asks for what there is not on this host."),
            ("EPROTO", "The request was refused."),
            TIMEDOUT,
        ],
        notes=["To refuse a client for a reason of the program's own, such as a missing cookie, use `ws_respond`(3).",
               "`ws_why`(3) tells why a request was refused."],
        rfc="RFC 6455 section 4.2.",
    ),
    "ws_respond": dict(
        brief="answer an HTTP request",
        example="ws_request",
        text=["Answers the request <r> with <status>, between 200 and 599, and the <len> bytes at <body>; and returns the byte "
              "stream, on which `ws_request`(3) receives the next request. Date and Content-Length are sent too.",
              FIELDS.format("Content-Type: text/html"),
              "An answer to HEAD and one with status 304 has the length, but not the body: they take the same arguments as "
              "the answer to GET, or none, and then no length is told. With 204, 205, and 200 to 299 to a CONNECT request, "
              "there is no body either, whatever the arguments are. Behind that last answer the byte stream is a tunnel.",
              "If the client has asked for it, speaks HTTP/1.0, or has sent a body, which nobody has received, the answer "
              "says Connection: close and is the last one: the function ends the connection in order, which takes at "
              "most a second and never longer than <deadline>, and fails with `EPIPE`.",
              "With the <status> 0 nothing is sent, and the byte stream is returned as it is, just behind the head: for "
              "bodies, for answers of unknown length, for other protocols. The other arguments are ignored, and the answer "
              "is up to the program.",
              DEADLINE, TAKES_REQUEST],
        returns="The handle of the byte stream",
        errors=[
            NO_REQUEST, CANCELED, GONE,
            ("EINVAL", "<status> is neither 0 nor between 200 and 599. A line of <fields> is no field, or one of the library's "
             "own. <body> is NULL and <len> is not 0. Nothing was sent."),
            WATCH, NOMEM, NOT_REQUEST,
            ("EPIPE", "The answer has been sent, and there is no further request."),
            TIMEDOUT,
        ],
        notes=["A client that waits for 100 (Continue) before it sends its body takes the answer instead."],
        rfc="RFC 9110 section 15, RFC 9112 sections 6.3 and 9.3.",
    ),
}
