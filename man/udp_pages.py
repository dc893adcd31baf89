"""The table of the pages of libdill_rt's UDP sockets, for pages.py."""

from texts import (
    BLOCKED, CANCELED, DEADLINE, LIBDILL, MANY_DESCRIPTORS, NO_HANDLE, NOMEM, RECV_LIST, SEND_LIST, TIMEDOUT, in_memory,
    storage)

TITLE = "UDP"
SEE_ALSO = ("ipaddr_local", "ipaddr_remote", "msend", "mrecv", "hclose")
SOURCE = f"{LIBDILL} RFC 768."

OPEN = [
    "Opens a UDP socket and returns its handle.",
    ("<local>", "The address that messages come from, and that others can send to, made with `ipaddr_local`(3). If its port is "
     "0 the system chooses one, and stores it in <local>. With NULL the system chooses an address when the first message is "
     "sent."),
    ("<remote>", "Where messages go that are sent without an address, made with `ipaddr_remote`(3). Messages from anywhere else "
     "are dropped then. With NULL there is no such place, and messages come from anybody."),
    "The socket is a message socket as well: `msend`(3) and `msendl`(3) send to <remote>, and `mrecv`(3) and `mrecvl`(3) do not "
    "tell who has sent a message. Close it with `hclose`(3).",
]

UNRELIABLE = (
    "Messages may get lost on their way, arrive twice, or in another order. What arrives is whole. Whoever needs to know that "
    "a message has arrived has to have it answered.")
FORGED = "The address of a sender can be forged."
SMALL = "Messages of more than some 1400 bytes are cut into pieces on their way, and lost if one of these is."

NOT_UDP = ("ENOTSUP", "<s> is a handle, but not of a UDP socket.")

SEND = (
    "to the address <addr>, or if that is NULL to the remote address of the socket. The function never waits: a message that "
    "there is no room for at present is dropped, as it might be on its way.")
RECEIVE = "Unless <addr> is NULL, the address of the sender is stored there."

BAD_LIST = "the list does not end with <last>, or has a loop; an `iol_rsvd` is not 0"


def open_errors(null=""):
    return [
        ("EACCES", "The program may not use this port."),
        ("EADDRINUSE", "Another socket has the local address."),
        ("EADDRNOTAVAIL", "The local address is none of this machine."),
        ("EAFNOSUPPORT", "The system does not have this family of addresses."),
        BLOCKED,
        ("EINVAL", null + "<local> or <remote> holds no address, or they are of two families."),
        MANY_DESCRIPTORS, ("ENOBUFS, ENOMEM", NOMEM[1]),
    ]


def send_errors(einval):
    return [
        ("EACCES, EPERM", "The system does not let it pass, for instance to a broadcast address."),
        ("EAFNOSUPPORT", "The address is not of the socket's family."),
        NO_HANDLE,
        ("EHOSTUNREACH, ENETDOWN, ENETUNREACH", "There is no way to the address."),
        ("EINVAL", f"There is no address to send to, or its port is 0. {einval}"),
        ("EMSGSIZE", "The message is longer than UDP allows: 65507 bytes over IPv4, 65527 over IPv6."),
        NOMEM, NOT_UDP,
    ]


def recv_errors(einval=None):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is receiving on this socket."),
        CANCELED,
        ("ECONNRESET", "The handle was closed meanwhile."),
        *([("EINVAL", einval)] if einval else []),
        ("EMSGSIZE", "The message is larger than the room for it. It is lost; the next one is not."),
        NOMEM, NOT_UDP, TIMEDOUT,
    ]


PAGES = {
    "udp_open": dict(
        brief="open a UDP socket",
        text=OPEN,
        returns="The handle of the socket",
        errors=open_errors(),
        notes=[UNRELIABLE, FORGED],
        example="udp",
    ),
    "udp_open_mem": dict(
        brief="open a UDP socket, in the caller's memory",
        text=[*OPEN, in_memory("udp_open", " with `hclose`(3)")],
        returns="The handle of the socket",
        errors=open_errors("<mem> is NULL. "),
        notes=[storage("udp_storage", 72), UNRELIABLE, FORGED],
        example="udp",
    ),
    "udp_send": dict(
        brief="send a UDP message",
        text=["Sends the <len> bytes at <buf> as one message " + SEND],
        returns="0",
        errors=send_errors("<buf> is NULL and <len> is not 0."),
        notes=[UNRELIABLE, SMALL, "The function works in a coroutine that is being cancelled as well."],
        example="udp",
    ),
    "udp_sendl": dict(
        brief="send a UDP message from several buffers",
        text=["Sends the data of the list of buffers from <first> to <last>, in this order, as one message " + SEND, SEND_LIST],
        returns="0",
        errors=send_errors(f"<first> or <last> is NULL; {BAD_LIST}; an `iol_base` is NULL and its `iol_len` is not 0."),
        notes=[UNRELIABLE, SMALL, "The function works in a coroutine that is being cancelled as well."],
        example="udp_lists",
    ),
    "udp_recv": dict(
        brief="receive a UDP message",
        text=["Receives one message and stores it in the <len> bytes at <buf>. If <buf> is NULL, a message of up to <len> bytes "
              "is received and dropped.", RECEIVE, DEADLINE],
        returns="The size of the message in bytes (it may be 0)",
        errors=recv_errors(),
        notes=["Give this call a deadline: a message that got lost never comes.", UNRELIABLE, FORGED],
        example="udp",
    ),
    "udp_recvl": dict(
        brief="receive a UDP message into several buffers",
        text=["Receives one message and stores it in the list of buffers from <first> to <last>, filling one element after the "
              "other.", RECV_LIST.format(what="bytes of the message"),
              "If both <first> and <last> are NULL, one message of any size is received and dropped.", RECEIVE, DEADLINE],
        returns="The size of the message in bytes (it may be 0), with the dropped ones",
        errors=recv_errors(f"One of <first> and <last> is NULL; {BAD_LIST}. Nothing was received."),
        notes=["Give this call a deadline: a message that got lost never comes.", UNRELIABLE, FORGED],
        example="udp_lists",
    ),
}
