"""The table of the pages of libdill_rt's tls functions, for pages.py."""

from texts import CANCELED, DEADLINE, LIBDILL, NO_HANDLE, NOMEM, OWNERSHIP, TIMEDOUT, in_memory, storage

TITLE = "TLS"
SEE_ALSO = ("brecv", "bsend", "hclose", "tcp_accept", "tcp_close", "tcp_connect", "ws_attach_client", "ws_attach_server")
SOURCE = f"{LIBDILL} RFC 5246 and RFC 8446."

STREAM = (
    "A TLS socket is a byte stream, as TCP connections are: use `bsend`(3) and `brecv`(3), or attach "
    "to it with `ws_attach_client`(3) and the like. TLS 1.2 and 1.3 are spoken.")

UNCHECKED = (
    "THIS FUNCTION DOES NOT CHECK WHOM IT TALKS TO. It takes every certificate and is not told the "
    "name of the server, as in libdill. It keeps off those who only listen; but WHOEVER CAN GET "
    "BETWEEN THE TWO ENDS CAN READ AND CHANGE EVERYTHING. Use `tls_attach_client_host`(3), unless "
    "something else makes sure who is at the other end.")

CHECKED = [
    "The server has to prove that it is <hostname>, a name such as \"www.example.org\" or an IP "
    "address: its certificate has to be for that, has to be valid now, and has to come, by way of "
    "others that the server sends, from an authority that this system trusts. A name is also told "
    "to the server, which may have several certificates (SNI).",
    "The authorities are read at the first call in a process: from where the system keeps them, or, if "
    "they are set, from the PEM file named in the environment variable `SSL_CERT_FILE` and the "
    "directory in `SSL_CERT_DIR`. A program with more rights than whoever started it, such as one that "
    "is set-user-id, does not obey these variables.",
]

FILES = (
    "The server proves who it is with the PEM files <cert>, its certificate followed by those that "
    "lead from it to an authority, and <pkey>, the private key that belongs to it, which is not "
    "encrypted: of the type EC (P-256 or P-384, not P-521), RSA (2048 to 4096 bits), or Ed25519; in the "
    "format PKCS #8, PKCS #1 or SEC 1. The files can be replaced while the server runs: each call looks "
    "whether they have changed. ")

UNASKED = "Clients are not asked for certificates: see `tls_attach_server_opts`(3)."

OPTIONS = (
    "<opts> says what else is wanted. A <struct tls_opts> is best initialised with `tls_defaults`; members that are "
    "NULL mean nothing. <size> is its size. <alpn> is a list of protocols to speak above, such as \"h2, http/1.1\", "
    "the best first, at most 1024 bytes long (ALPN). <chosen> says where to put the place in <alpn> of the one that "
    "was agreed on, counted from 0, or -1 if there is none. The strings are read before the call waits.")

END = " with `hclose`(3) or ended with `tls_detach`(3)"

STORAGE = storage("tls_storage", 72)

NOT_TLS = ("ENOTSUP", "<s> is a handle, but not of a TLS socket.")
RESET = ("ECONNRESET", "The connection is broken, or its end came without notice.")
CLIENT_PROTO = (
    "EPROTO", "<s> is not a byte stream. Or the server does not speak TLS 1.2 or 1.3, breaks its "
    "rules, or has refused to go on.")
SERVER_PROTO = (
    "EPROTO", "<s> is not a byte stream. Or the client does not speak TLS 1.2 or 1.3, breaks its "
    "rules, or has refused to go on, for instance because it does not trust the certificate.")
REFUSED = (
    "EACCES", "The certificate is for another name, has expired, is not valid yet, or comes from an "
    "authority that is not trusted, for instance from the server itself.")
ROOTS = ("ENOENT", "No certificates of authorities were found. If a file cannot be read, the error is "
         "that of `open`(2).")
BAD_FILES = (
    "<cert> or <pkey> is NULL, has nothing of the kind in it, or something of an unusable kind, or "
    "the two do not belong together.")
NO_FILES = ("ENOENT, EACCES, EISDIR", "A file cannot be read. Other errors of `open`(2) and "
            "`read`(2) are possible.")

ALERTS = "When the handshake fails, the peer is told why with an alert, if there is room for that."
LEFT = (
    "Some peers go away without saying that they are done. Then `brecv`(3) fails with `ECONNRESET`, where the "
    "original libdill has `EPIPE`. It means that something may be missing: whoever can get between the two ends can do "
    "that too. A program that knows by other means when all has come, such as a length, need not care. One that "
    "receives until the end must, and test for both errors.")
STRICT = [
    "A name that is only the common name of the certificate's subject is not enough: it has to be "
    "among the alternative names.",
    "The certificate of an authority cannot be that of a server as well. A server may sign its own, "
    "for clients that trust just that, with `CA:FALSE` in it.",
]
RESUMED = (
    "A client of `tls_attach_client_host`(3) or `tls_attach_client_opts`(3) that has talked to a server before, with the "
    "same options, goes on with that session, if the server agrees: this takes fewer bytes and less arithmetic. It "
    "does not look at the certificate again. Up to 8 sessions of up to 32 servers are kept, for each set of options. "
    "A server goes on with sessions of its clients for up to 12 hours, as long as its files are the same, and keeps "
    "nothing of them. The client gets to know its session with the first bytes that the server sends. A child of "
    "`fork`(2) begins without sessions. `tls_attach_client`(3) has none.")
KEYS = (
    "The keys of servers may be EC (P-256 or P-384, not P-521), RSA (2048 to 8192 bits) or Ed25519.")
WHY = "`tls_why`(3) says in words what was wrong."
STACK = (
    "A handshake takes some 20 KiB of stack. Coroutines of `go`(3) have 256 KiB; with memory of your "
    "own, give it 64 KiB or more.")

RESERVE = (
    "A process that uses TLS has 8 MiB more of address space for each thread that works on TLS at the same time. It is "
    "a reserve for calculations that run out of memory in the middle, and occupies none otherwise.")


def attach_errors(*special):
    common = [NO_HANDLE, CANCELED, ("ECONNRESET", "The peer has gone away."), NOMEM, TIMEDOUT]
    return sorted([*common, *special])


CLIENT, SERVER, ASKING = "tls_client", "tls_server", "tls_opts"
NEW = "RFC 5246, RFC 7301 and RFC 8446. libdill does not have this function."
TOO_BIG = ("E2BIG", "<opts> is larger than this version knows, and something is there.")

PAGES = {
    "tls_attach_client": dict(
        brief="start TLS on a byte stream, as a client that checks nothing",
        text=["Makes the byte stream <s> the client's end of a TLS connection, shakes hands with the "
              "server, and returns the handle of the TLS socket.", UNCHECKED, STREAM, DEADLINE,
              OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(CLIENT_PROTO),
        notes=["The program above uses the function that checks.", ALERTS, LEFT, STACK, RESERVE],
        example=CLIENT,
    ),
    "tls_attach_client_mem": dict(
        brief="start TLS on a byte stream, as a client that checks nothing, in the caller's memory",
        text=["Makes the byte stream <s> the client's end of a TLS connection, shakes hands with the "
              "server, and returns the handle of the TLS socket.", UNCHECKED,
              in_memory("tls_attach_client", END), STREAM, DEADLINE, OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(("EINVAL", "<mem> is NULL."), CLIENT_PROTO),
        notes=["The program above uses a function that checks.", ALERTS, LEFT, STACK, RESERVE, STORAGE],
        example=CLIENT,
    ),
    "tls_attach_client_host": dict(
        brief="start TLS on a byte stream, as a client that checks the server",
        text=["Makes the byte stream <s> the client's end of a TLS connection, shakes hands with the "
              "server, and returns the handle of the TLS socket.", *CHECKED, STREAM, DEADLINE,
              OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(
            REFUSED, ("EINVAL", "<hostname> is NULL, or neither a name nor an address."), ROOTS,
            CLIENT_PROTO),
        source="RFC 5246 and RFC 8446. libdill does not have this function.",
        notes=[*STRICT, KEYS, RESUMED, ALERTS, WHY, LEFT, STACK, RESERVE],
        example=CLIENT,
    ),
    "tls_attach_client_host_mem": dict(
        brief="start TLS on a byte stream, as a client that checks the server, in the caller's memory",
        text=["Makes the byte stream <s> the client's end of a TLS connection, shakes hands with the "
              "server, and returns the handle of the TLS socket.", *CHECKED,
              in_memory("tls_attach_client_host", END), STREAM, DEADLINE, OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(
            REFUSED, ("EINVAL", "<mem> or <hostname> is NULL, or the latter is neither a name nor an "
                      "address."), ROOTS, CLIENT_PROTO),
        source="RFC 5246 and RFC 8446. libdill does not have this function.",
        notes=[*STRICT, KEYS, RESUMED, ALERTS, WHY, LEFT, STACK, RESERVE, STORAGE],
        example=CLIENT,
    ),
    "tls_attach_server": dict(
        brief="start TLS on a byte stream, as the server",
        text=["Makes the byte stream <s> the server's end of a TLS connection, shakes hands with the "
              "client, and returns the handle of the TLS socket.", FILES + UNASKED, STREAM, DEADLINE,
              OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(("EINVAL", BAD_FILES), NO_FILES, SERVER_PROTO),
        notes=["With TLS 1.3 the server has done its part before it hears that the client does not "
               "trust it: then the first `brecv`(3) fails with `EPROTO`.",
               RESUMED, ALERTS, WHY, LEFT, STACK, RESERVE],
        example=SERVER,
    ),
    "tls_attach_server_mem": dict(
        brief="start TLS on a byte stream, as the server, in the caller's memory",
        text=["Makes the byte stream <s> the server's end of a TLS connection, shakes hands with the "
              "client, and returns the handle of the TLS socket.", FILES + UNASKED,
              in_memory("tls_attach_server", END), STREAM, DEADLINE, OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(("EINVAL", "<mem> is NULL. " + BAD_FILES), NO_FILES, SERVER_PROTO),
        notes=[RESUMED, ALERTS, WHY, LEFT, STACK, RESERVE, STORAGE],
        example=SERVER,
    ),
    "tls_attach_client_opts": dict(
        brief="start TLS on a byte stream, as a client that checks the server, with options",
        text=["Makes the byte stream <s> the client's end of a TLS connection, shakes hands with the "
              "server, and returns the handle of the TLS socket.", OPTIONS,
              "<hostname> has to be there. The server has to prove that it is that, as for "
              "`tls_attach_client_host`(3). Where <roots> names a PEM file, the authorities in it are trusted, instead "
              "of the system's. With the PEM files <cert> and <pkey>, which are as for `tls_attach_server`(3), this end "
              "proves who it is to a server that asks.", STREAM, DEADLINE, OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(
            REFUSED, TOO_BIG,
            ("EINVAL", "<opts> or <hostname> is NULL, or the latter is neither a name nor an address. <size> is too "
             "small. <alpn> is no list of names. Only one of <cert> and <pkey> is there, or the two do not belong "
             "together. There is nothing of the kind in a file, or something of an unusable kind."),
            ("ENOENT, EISDIR", "No certificates of authorities were found, or a file cannot be read; so with `EACCES`. Other "
             "errors of `open`(2) and `read`(2) are possible."), CLIENT_PROTO),
        source=NEW,
        notes=["A server that speaks none of the protocols may refuse, or ignore them.",
               "With TLS 1.3 the client has done its part before the server says that it wants another certificate: "
               "then the first `brecv`(3) fails with `EPROTO`.", *STRICT, KEYS, RESUMED, ALERTS, WHY, LEFT, STACK, RESERVE],
        example=ASKING,
    ),
    "tls_attach_server_opts": dict(
        brief="start TLS on a byte stream, as the server, with options",
        text=["Makes the byte stream <s> the server's end of a TLS connection, shakes hands with the "
              "client, and returns the handle of the TLS socket.", OPTIONS, FILES +
              "Where <roots> names a PEM file, the client has to prove who it is with a certificate that comes "
              "from one of the authorities in it. <hostname> has to be NULL.", STREAM, DEADLINE, OWNERSHIP],
        returns="The handle of the TLS socket",
        errors=attach_errors(
            ("EACCES", "The client has shown no certificate, or one that has expired, is not valid yet, or comes from "
             "an authority that is not trusted. Or a file may not be read."), TOO_BIG,
            ("EINVAL", "<opts> is NULL, or <hostname> is not. <size> is too small. <alpn> is no list of names. "
             + BAD_FILES.replace("<cert> or <pkey>", "<cert> or <pkey>, or a file named in <opts>,", 1)),
            ("ENOENT, EISDIR", "A file cannot be read. Other errors of `open`(2) and "
             "`read`(2) are possible."), SERVER_PROTO),
        source=NEW,
        notes=["A client that offers protocols, but none of <alpn>, is refused. One that offers none is not: look at "
               "<chosen>.", "A client that has to show a certificate does so each time: its sessions are not resumed.",
               RESUMED, ALERTS, WHY, LEFT, STACK, RESERVE],
        example=ASKING,
    ),
    "tls_why": dict(
        brief="say why a TLS function has failed",
        text=["Says in words why the last function of this thread has failed that had to do with TLS: one of those whose "
              "names begin with <tls_>, or one that sends or receives on a TLS socket. Many reasons have one value "
              "of `errno`: a certificate that has expired, or is for another name, is `EACCES`.",
              "As `errno` it is to be asked for at once, before other coroutines run."],
        returns="A constant string, which is empty if there is nothing to say, for instance because it was a matter of "
                "time", failure=None, errors=[],
        source="RFC 8446, section 6. libdill does not have this function.",
        notes=["The words are for people and may change. Nothing in them comes from the peer."],
        example=ASKING,
    ),
    "tls_done": dict(
        brief="end the sending direction of a TLS connection",
        text=["Tells the peer that nothing more will be sent on the TLS socket <s>: its `brecv`(3) "
              "fails with `EPIPE` then. Receiving goes on.", DEADLINE],
        returns="0",
        errors=[NO_HANDLE, ("EBUSY", "Another coroutine is sending on this socket."), CANCELED,
                RESET, NOMEM, NOT_TLS, ("EPIPE", "The function has been called already."), TIMEDOUT],
        notes=[LEFT,
               "When the call fails with `ETIMEDOUT` or `ECANCELED` before anything was sent, it can "
               "be repeated."],
        example=CLIENT,
    ),
    "tls_detach": dict(
        brief="end TLS and give the byte stream back",
        text=["Tells the peer that nothing more will be sent on the TLS socket <s>, unless "
              "`tls_done`(3) has done so before; drops what still comes, until the peer says so too; "
              "and returns the handle of the byte stream underneath, with all that follows still in "
              "it.", DEADLINE,
              "After `EBADF`, `EBUSY` and `ENOTSUP` nothing has happened. After any other failure everything "
              "is closed: do not close <s> again."],
        returns="The handle of the underlying socket",
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is sending or receiving on this socket, and goes on."), CANCELED,
                RESET, NOMEM, NOT_TLS, ("EPROTO", "The peer has broken the rules."), TIMEDOUT],
        notes=["Give this call a deadline: a peer need not answer. `hclose`(3) closes both sockets at "
               "once and tells the peer nothing."],
        example=SERVER,
    ),
}
