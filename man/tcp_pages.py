"""The table of the pages of those functions of libdill_rt for sockets that libdill has no pages for, for
pages.py."""

from texts import CANCELED, DEADLINE, NOMEM, TIMEDOUT, in_memory

CLOSED = " with `tcp_close`(3) or `hclose`(3)"

DESCRIPTOR = (
    "On success <fd> is closed: the {what} has a descriptor of its own. On failure <fd> is still open. "
    "The socket becomes a non-blocking one.")

NOTES = [
    "A handle belongs to the thread that made it. A descriptor can be passed on to another thread, or "
    "received from another process with `ipc_recvfd`(3), before it becomes a handle.",
    "For UNIX sockets there are `ipc_listener_fromfd`, `ipc_fromfd`, and both with `_mem` too, in the "
    "same way.",
]

POSIX = "None. The sockets are those of POSIX."


def errors(wrong, null=""):
    return [
        ("EBADF", "<fd> is not an open descriptor."), CANCELED,
        ("EINVAL", f"{null}{wrong} It may also be a socket of another kind."),
        ("EMFILE", "There are too many descriptors."), NOMEM,
        ("ENOTSOCK", "<fd> is not a socket."),
    ]


def pair(name, storage, size, what, text, wrong):
    """The pages of a function and of its _mem twin."""
    about = f"{text} It returns its handle."
    common = dict(returns=f"The handle of the {what}", example=name, rfc=POSIX)
    plain = dict(
        common, brief=f"make a TCP {what} of a descriptor", proto=f"int {name}(int fd);",
        text=[about, DESCRIPTOR.format(what=what)], errors=errors(wrong), notes=NOTES)
    mem = dict(
        common, brief=f"make a TCP {what} of a descriptor, in the caller's memory",
        proto=f"int {name}_mem(int fd, struct {storage} *mem);",
        text=[about, DESCRIPTOR.format(what=what), in_memory(name, CLOSED)],
        errors=errors(wrong, "<mem> is NULL. "),
        notes=[f"`struct {storage}` has {size} bytes, as in libdill.", *NOTES])
    return {name: plain, f"{name}_mem": mem}


PAGES = {
    **pair("tcp_listener_fromfd", "tcp_listener_storage", 56, "listener",
           "Makes a listener, as `tcp_listen`(3) does, of the TCP socket <fd>, which listens already.",
           "The socket does not listen."),
    **pair("tcp_fromfd", "tcp_storage", 72, "connection",
           "Makes a connection, as `tcp_connect`(3) and `tcp_accept`(3) do, of the TCP socket <fd>, which "
           "is connected already.",
           "The socket listens."),
    "ipaddr_remotes": dict(
        brief="look up the addresses of a host",
        proto="int ipaddr_remotes(struct ipaddr *addrs, int naddrs, const char *name, int port, int mode, "
              "int64_t deadline);",
        text=["Looks up the addresses of the host <name>, such as \"www.example.org\" or \"192.0.2.1\", "
              "and stores up to <naddrs> of them in <addrs>, best first, each with the port <port>.",
              "<mode> is one of these:",
              ("`IPADDR_PREF_IPV4`, or 0", "IPv4 addresses first, then IPv6 addresses."),
              ("`IPADDR_PREF_IPV6`", "IPv6 addresses first, then IPv4 addresses."),
              ("`IPADDR_IPV4`", "Only IPv4 addresses."),
              ("`IPADDR_IPV6`", "Only IPv6 addresses."),
              "Meanwhile other coroutines run.", DEADLINE],
        returns="The number of addresses that were stored, which is 0 if there is no such host",
        errors=[("EAGAIN", "The resolver cannot tell at present, there are too many threads, or this is a "
                 "process that was forked during the call."),
                CANCELED,
                ("EINVAL", "<addrs> or <name> is NULL, <naddrs> is not positive, <port> is not in the range "
                 "from 0 to 65535, or <mode> is none of the above."),
                ("EIO", "The resolver fails."),
                ("EMFILE, ENFILE", "There are too many descriptors."), NOMEM, TIMEDOUT],
        notes=["`happyeyeballs_connect`(3) looks up and connects in one call, to several addresses at a time."],
        example="ipaddr_remotes",
        rfc="None. The names are resolved as `getaddrinfo`(3) does.",
    ),
}
