"""The table of the pages of libdill_rt's SOCKS functions, for pages.py."""

from texts import CANCELED, DEADLINE, LIBDILL, NO_HANDLE, NOMEM, TIMEDOUT

TITLE = "SOCKS version 5"
SEE_ALSO = ("tcp_connect", "tcp_accept", "happyeyeballs_connect", "bsend", "brecv")
SOURCE = f"{LIBDILL} RFC 1928 and RFC 1929."

STAYS = (
    "The byte stream stays the caller's, under its number. After a success not a byte of what follows has been received. After "
    "a failure in the middle of the handshake it is good for nothing but to be closed, which is up to the caller.")

LOGIN = (
    "The proxy may choose between going without a login and one with <username> and <password>. If either of them is NULL it is "
    "offered to go without only. Both are sent as they are: use TLS to the proxy if others can listen.")

ORDER = (
    "A proxy calls `socks5_proxy_auth`(3), then `socks5_proxy_recvcommand`(3) or `socks5_proxy_recvcommandbyname`(3), makes the "
    "connection, calls `socks5_proxy_sendreply`(3), and passes on what comes from either side.")

COMMANDS = [
    "The result is one of these:",
    ("`SOCKS5_CONNECT`", "The client wants a connection to this place."),
    ("`SOCKS5_BIND`", "It wants one from there."),
    ("`SOCKS5_UDP_ASSOCIATE`", "It wants to send UDP messages."),
    "Most proxies do the first only, and reply `SOCKS5_COMMAND_NOT_SUPPORTED` to the others.",
]

ANYWHERE = (
    "A client can ask for any place, also for those that only the proxy can reach, such as 127.0.0.1. Decide what you allow.")

BUSY = ("EBUSY", "Another coroutine is sending or receiving on the stream.")
RESET = ("ECONNRESET", "The connection is broken, or the handle was closed meanwhile.")
NOT_STREAM = ("ENOTSUP", "<s> is a handle, but not of a byte stream.")
GONE = ("EPIPE", "The peer has ended the stream.")
CLIENT_PROTO = "The client does not follow the protocol"


def errors(*special):
    return sorted([*special, NO_HANDLE, BUSY, CANCELED, RESET, NOMEM, NOT_STREAM, GONE, TIMEDOUT])


def connect_errors(einval):
    found = errors(
        ("EACCES", "The proxy refuses the login, or wants another kind of it, or its rules do not allow this connection "
         "(`SOCKS5_CONNECTION_NOT_ALLOWED`)."),
        ("EAFNOSUPPORT", "The proxy does not know this kind of address (`SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED`)."),
        ("ECONNREFUSED", "Nobody listens there (`SOCKS5_CONNECTION_REFUSED`)."),
        ("EHOSTUNREACH", "There is no way to the host (`SOCKS5_HOST_UNREACHABLE`)."),
        ("EINVAL", einval + " <username> or <password> is empty, or longer than 255 bytes. Nothing was sent."),
        ("EIO", "The proxy has failed (`SOCKS5_GENERAL_FAILURE`)."),
        ("ENETUNREACH", "There is no way to the network (`SOCKS5_NETWORK_UNREACHABLE`)."),
        ("EOPNOTSUPP", "The proxy makes no connections (`SOCKS5_COMMAND_NOT_SUPPORTED`)."),
        ("EPROTO", "The proxy does not follow the protocol, or its reply is unknown."))
    found.remove(TIMEDOUT)
    return [*found, (TIMEDOUT[0], "The deadline has passed, or the proxy says that it has taken too long "
                     "(`SOCKS5_TTL_EXPIRED`).")]


PAGES = {
    "socks5_client_connect": dict(
        brief="connect to an address through a SOCKS proxy",
        text=["Has the proxy at the other end of the byte stream <s> connect it to the address <addr>. Then the stream leads "
              "there.", LOGIN, STAYS, DEADLINE],
        returns="0",
        errors=connect_errors("<addr> is NULL, or holds no address."),
        notes=["To keep the names of hosts to the proxy, which may know more of them, use "
               "`socks5_client_connectbyname`(3)."],
        example="socks5_address",
    ),
    "socks5_client_connectbyname": dict(
        brief="connect to a host through a SOCKS proxy",
        text=["Has the proxy at the other end of the byte stream <s> connect it to the port <port> of the host <hostname>, such as "
              "\"www.example.org\", which the proxy looks up. Then the stream leads there. <hostname> may be an address too.",
              LOGIN, STAYS, DEADLINE],
        returns="0",
        errors=connect_errors("<hostname> is NULL, empty or longer than 255 bytes; <port> is not in the range from 1 to 65535;"),
        notes=["For a secure connection to the host attach with `tls_attach_client_host`(3) afterwards."],
        example="socks5_client",
    ),
    "socks5_proxy_auth": dict(
        brief="agree with a client of a SOCKS proxy on a login",
        text=["Receives what the client at the other end of the byte stream <s> begins with, and agrees with it on a login.",
              "Without <auth_fn>, when it is NULL, the client has to go without one. Otherwise it has to give a name and a password. "
              "<auth_fn> is called with both, as `int auth_fn(const char *username, const char *password)`, and accepts them if it "
              "does not return 0. Either may be empty.",
              ORDER, STAYS, DEADLINE],
        returns="0",
        errors=errors(
            ("EACCES", "The client does not offer what is wanted, or was not accepted. It has been told."),
            ("EPROTO", CLIENT_PROTO + ".")),
        notes=["Compare passwords in constant time, and better only hashes of them."],
        example="socks5_proxy",
    ),
    "socks5_proxy_recvcommand": dict(
        brief="receive the command of a client of a SOCKS proxy",
        text=["Receives what the client at the other end of the byte stream <s> wants, and stores the address that it is about in "
              "<addr>. If the client has sent the name of a host, it is looked up; IPv4 addresses are preferred.",
              *COMMANDS, ORDER, STAYS, DEADLINE],
        returns="The command",
        errors=errors(
            ("EADDRNOTAVAIL", "There is no such host. Reply `SOCKS5_HOST_UNREACHABLE`."),
            ("EAGAIN, EIO", "The resolver cannot tell at present, or fails. Reply `SOCKS5_GENERAL_FAILURE`."),
            ("EINVAL", "<addr> is NULL. Nothing was received."),
            ("EMFILE, ENFILE", "There are too many descriptors to look the name up. Reply `SOCKS5_GENERAL_FAILURE`."),
            ("EPROTO", CLIENT_PROTO + ", or its command is unknown.")),
        notes=[ANYWHERE],
        example="socks5_rules",
    ),
    "socks5_proxy_recvcommandbyname": dict(
        brief="receive the command of a client of a SOCKS proxy, with the name of the host",
        text=["Receives what the client at the other end of the byte stream <s> wants, and stores the host that it is about in "
              "<host>, which must have room for 256 bytes, and the port in <port>. If the client has sent an address, <host> gets "
              "that as text.",
              *COMMANDS, ORDER, STAYS, DEADLINE],
        returns="The command",
        errors=errors(
            ("EINVAL", "<host> or <port> is NULL. Nothing was received."),
            ("EPROTO", CLIENT_PROTO + ", its command is unknown, or there is a NUL in the name.")),
        notes=[ANYWHERE],
        example="socks5_proxy",
    ),
    "socks5_proxy_sendreply": dict(
        brief="reply to the command of a client of a SOCKS proxy",
        text=["Tells the client at the other end of the byte stream <s> what has become of its command. <reply> is one of these:",
              ("`SOCKS5_SUCCESS`", "The connection has been made. What follows on the stream comes from there."),
              ("`SOCKS5_CONNECTION_NOT_ALLOWED`", "The rules of the proxy do not allow it."),
              ("`SOCKS5_NETWORK_UNREACHABLE`, `SOCKS5_HOST_UNREACHABLE`", "There is no way to the place."),
              ("`SOCKS5_CONNECTION_REFUSED`", "Nobody listens there."),
              ("`SOCKS5_TTL_EXPIRED`", "It has taken too long."),
              ("`SOCKS5_COMMAND_NOT_SUPPORTED`", "The proxy does not do what was asked for."),
              ("`SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED`", "It does not know this kind of address."),
              ("`SOCKS5_GENERAL_FAILURE`", "Something else."),
              "<addr> is the address of the proxy's own end of the connection that it has made. After a failure it can be any, such "
              "as 0.0.0.0.",
              ORDER, STAYS, DEADLINE],
        returns="0",
        errors=errors(("EINVAL", "<reply> is none of these, or <addr> is NULL or holds no address. Nothing was sent.")),
        notes=["Most clients do not look at the address."],
        example="socks5_proxy",
    ),
}
