"""The table of the pages of libdill_rt's functions for IP addresses, for pages.py."""

from texts import CANCELED, DEADLINE, LIBDILL, MANY_DESCRIPTORS, NOMEM, TIMEDOUT

TITLE = "IP addresses"
SEE_ALSO = ("happyeyeballs_connect", "tcp_connect", "tcp_listen", "udp_open")
SOURCE = LIBDILL

ADDRESS = (
    "A `struct ipaddr` is an IP address, IPv4 or IPv6, with a port. It is a plain value of 32 bytes, which can be "
    "copied, and needs no closing.")

MODES = [
    "<mode> is one of these:",
    ("`IPADDR_PREF_IPV4`, or 0", "IPv4 addresses first, then IPv6 addresses."),
    ("`IPADDR_PREF_IPV6`", "IPv6 addresses first, then IPv4 addresses."),
    ("`IPADDR_IPV4`", "Only IPv4 addresses."),
    ("`IPADDR_IPV6`", "Only IPv6 addresses."),
]

RESOLVER = (
    "The names are resolved as `getaddrinfo`(3) does, in a thread of its own. {} The thread goes on when nobody waits for "
    "it any more. Its descriptors are the resolver's: a program that closes all of its descriptors should not do so "
    "meanwhile.")

PORT = "<port> is in the byte order of this machine: 80 is 80."

LOOK_UP_ERRORS = [
    ("EAGAIN", "The resolver cannot tell at present, there are too many threads, or this is a process that was forked "
     "during the call."),
    CANCELED,
    ("EIO", "The resolver fails."),
    MANY_DESCRIPTORS, NOMEM, TIMEDOUT,
]

ZONES = (
    "An IPv6 address that is meaningful on one network only, such as a link-local one, has a zone (scope id): the "
    "network interface, by its name or number.")

BAD_ARGUMENT = "<port> is not in the range from 0 to 65535, or <mode> is none of the above."

PAGES = {
    "ipaddr_local": dict(
        brief="the address of a local network interface",
        text=["Stores in <addr> an address of this machine, to listen on, with the port <port>. <name> is one of these:",
              ("NULL", "Any: what listens there can be reached at all addresses of the machine. It is the IPv4 address "
               "0.0.0.0, or with `IPADDR_IPV6` or `IPADDR_PREF_IPV6` the IPv6 address ::."),
              ("An address, such as \"127.0.0.1\", \"::1\" or \"fe80::1%eth0\"", "That one."),
              ("The name of an interface, such as \"eth0\"", "An address of that. If it has several, the first one of "
               "the preferred family."),
              PORT + " With port 0, `tcp_listen`(3) has the system choose one.", *MODES, ADDRESS],
        returns="0",
        errors=[("EINVAL", "<addr> is NULL, " + BAD_ARGUMENT),
                ("ENODEV", "There is no such interface, or it has no such address; or <name> is an address of the "
                 "other family."),
                NOMEM],
        notes=[ZONES, "The function asks the system and does not wait. Other errors of `getifaddrs`(3) are possible.",
               "On Linux, what listens on the IPv6 address :: is usually reached over IPv4 as well."],
        example="ipaddr",
    ),
    "ipaddr_remote": dict(
        brief="look up the address of a host",
        text=["Stores in <addr> an address of the host <name>, to connect to, with the port <port>. <name> is the name "
              "of a host, such as \"www.example.org\", or an address, such as \"192.0.2.1\" or "
              "\"fe80::1%eth0\". The latter needs no waiting. Of several addresses the best one is stored.",
              PORT, *MODES, "Meanwhile other coroutines run.", DEADLINE, ADDRESS],
        returns="0",
        errors=sorted([("EADDRNOTAVAIL", "There is no such host, or it has no such address."), *LOOK_UP_ERRORS,
                       ("EINVAL", "<addr> or <name> is NULL, " + BAD_ARGUMENT)]),
        notes=["A host may have several addresses, some of which do not work from here: `happyeyeballs_connect`(3) tries "
               "them all, and `ipaddr_remotes`(3) tells them all.", ZONES, RESOLVER.format(
                   "At most 64 are resolved at once; whoever comes then waits.")],
        example="tcp_client",
    ),
    "ipaddr_remotes": dict(
        brief="look up the addresses of a host",
        text=["Looks up the addresses of the host <name>, such as \"www.example.org\" or \"192.0.2.1\", "
              "and stores up to <naddrs> of them in <addrs>, best first, each with the port <port>.",
              PORT, *MODES, "Meanwhile other coroutines run.", DEADLINE],
        returns="The number of addresses that were stored, which is 0 if there is no such host",
        errors=sorted([*LOOK_UP_ERRORS,
                       ("EINVAL", "<addrs> or <name> is NULL, <naddrs> is not positive, " + BAD_ARGUMENT)]),
        notes=["`happyeyeballs_connect`(3) looks up and connects in one call, to several addresses at a time.",
               RESOLVER.format("At most 64 are resolved at once; whoever comes then waits.")],
        example="ipaddr_remotes",
    ),
    "ipaddr_str": dict(
        brief="write an address as text",
        text=["Writes the address <addr>, without its port, into <ipstr> as text with a NUL at its end, such as "
              "\"192.0.2.1\" or \"2001:db8::1\", and returns <ipstr>, so that the call can stand among the arguments of "
              "`printf`(3).",
              "`IPADDR_MAXSTRLEN` bytes are room for every address. No more is written than the text and its NUL: 16 "
              "bytes are enough for any IPv4 address, and so are 17, which older manuals ask for."],
        returns="<ipstr>", failure="NULL",
        errors=[("EINVAL", "<addr> or <ipstr> is NULL, or <addr> holds no address.")],
        notes=[ZONES + " The text has it behind a %, by its name. If that does not fit into `IPADDR_MAXSTRLEN` bytes, or "
               "there is no such interface any more, it has the number, and if not even that fits, nothing."],
        example="ipaddr",
    ),
    "ipaddr_family": dict(
        brief="the family of an address",
        text=["Tells the family of the address <addr>, which is what `socket`(2) takes."],
        returns="`AF_INET` or `AF_INET6`. If nothing was stored in <addr> it is neither",
        errors=[("EINVAL", "<addr> is NULL.")],
        notes=[],
        example="ipaddr",
    ),
    "ipaddr_len": dict(
        brief="the size of a socket address",
        text=["Tells the size of the socket address that `ipaddr_sockaddr`(3) returns, in bytes. The two go "
              "together into functions such as `bind`(2)."],
        returns="16 for an IPv4 address, 28 for an IPv6 address, 0 if <addr> holds none",
        errors=[("EINVAL", "<addr> is NULL.")],
        notes=[],
        example="ipaddr",
    ),
    "ipaddr_sockaddr": dict(
        brief="the socket address in an address",
        text=["Returns the socket address inside <addr>, for functions of the system such as `bind`(2) and "
              "`sendto`(2). Its size is `ipaddr_len`(3)."],
        returns="The socket address, which is a part of <addr> and lives as long", failure=None, errors=[],
        notes=["A `struct ipaddr` may stand at any address, and the socket address stands where it does. Copy it with "
               "`memcpy`(3) before you look at its members."],
        example="ipaddr",
    ),
    "ipaddr_port": dict(
        brief="the port of an address",
        text=["Tells the port of the address <addr>, in the byte order of this machine: 80 is 80."],
        returns="The port, from 0 to 65535",
        errors=[("EINVAL", "<addr> is NULL.")],
        notes=[],
        example="ipaddr",
    ),
    "ipaddr_setport": dict(
        brief="change the port of an address",
        text=["Changes the port of the address <addr>. " + PORT],
        returns="None", failure=None, errors=[],
        notes=["A <port> that is not in the range from 0 to 65535, or an <addr> that is NULL or holds no address, changes "
               "nothing."],
        example="ipaddr",
    ),
    "ipaddr_equal": dict(
        brief="compare two addresses",
        text=["Tells whether <addr1> and <addr2> are the same address, and have the same port. With an <ignore_port> "
              "that is not 0 the ports do not matter."],
        returns="1 if they are the same, else 0", failure=None, errors=[],
        notes=["If one is NULL, or holds no address, they are not the same.",
               ZONES + " It is compared as well.",
               "The IPv4 address 127.0.0.1 and the IPv6 address ::ffff:127.0.0.1 are two addresses."],
        example="ipaddr",
    ),
}
