"""What the pages of TCP connections and of UNIX sockets share."""

from texts import BLOCKED, CANCELED, DEADLINE, LIBDILL, MANY_DESCRIPTORS, NO_HANDLE, NOMEM, TIMEDOUT, in_memory, storage

STREAM = (
    "The connection is a byte stream: use `bsend`(3) and `brecv`(3), or attach to it with `http_attach`(3) and the "
    "like.")

ACCEPT_NOTES = [
    "After a failure the listener is still usable. After `EMFILE` and `ENFILE` the connection waits for a descriptor: "
    "try again when some have been closed, and not at once.",
    "Only one coroutine may wait for a listener at a time.",
]

DONE = [
    "Tells the peer that nothing more will be sent on the connection <s>: after all that was sent it sees the end of "
    "the stream, so that its `brecv`(3) fails with `EPIPE`. Receiving goes on.",
    "What is queued in the stream leaves first, and the call waits for that until <deadline>. Only libraries queue, such as "
    "libdill_ws for `ws_post`; otherwise nothing waits.",
]

CLOSE = [
    "Ends the connection <s> in order, and closes the handle. The function tells the peer that nothing more will be sent, "
    "unless `{kind}_done`(3) has done so before, and waits until the peer has said so too. What still comes is "
    "dropped. So after a success the peer had received everything when it ended its side, if it is one that reads to the "
    "end.",
    "If <s> is a listener it is just closed.",
    DEADLINE,
    "After `EBADF`, `EBUSY` and `ENOTSUP` nothing has happened. After anything else the handle is closed, be it success "
    "or failure: do not close <s> again.",
]

CLOSE_NOTES = [
    "Give this call a deadline: a peer need not end its side.",
    "After a failure that closes it the connection is cut off, as by `hclose`(3), which does so at once.",
]


def no_handle_of(what):
    return ("ENOTSUP", f"<s> is a handle, but not of {what}.")


def accept_errors(kind, null=None):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine waits for this listener."),
        BLOCKED,
        ("ECONNRESET", "The handle was closed meanwhile."),
        *([("EINVAL", null)] if null else []),
        MANY_DESCRIPTORS, ("ENOBUFS, ENOMEM", NOMEM[1]), no_handle_of(f"{kind} listener"), TIMEDOUT,
    ]


def done_errors(kind):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is sending, and goes on."),
        ("ECANCELED", "The coroutine is being cancelled, and something was still queued."),
        ("ECONNRESET", "The connection is broken, or an earlier send was cut in the middle."),
        NOMEM, no_handle_of(f"{kind} connection"),
        ("EPIPE", "This has been done already."),
        ("ETIMEDOUT", "Something was still queued. The call can be repeated."),
    ]


def close_errors(kind):
    return [
        NO_HANDLE,
        ("EBUSY", "Another coroutine is sending or receiving, and goes on."),
        CANCELED,
        ("ECONNRESET", "The connection is broken, a send was cut in the middle, or the handle was closed meanwhile."),
        NOMEM, no_handle_of(f"{kind} connection or listener"), TIMEDOUT,
    ]


# ---- Sockets made of descriptors ----

DESCRIPTOR = (
    "On success <fd> is closed: the {what} has a descriptor of its own. On failure <fd> is still open. "
    "The socket becomes a non-blocking one.")

DESCRIPTOR_NOTES = [
    "A handle belongs to the thread that made it. A descriptor can be passed on to another thread, or "
    "received from another process with `ipc_recvfd`(3), before it becomes a handle.",
]


def descriptor_errors(wrong, null=""):
    return [
        ("EBADF", "<fd> is not an open descriptor."), BLOCKED,
        ("EINVAL", f"{null}{wrong} It may also be a socket of another kind, or <fd> negative."),
        ("EMFILE", "There are too many descriptors."), NOMEM,
        ("ENOTSOCK", "<fd> is not a socket."),
    ]


def of_descriptor(name, kind, what, struct, size, text, wrong):
    """The pages of a function that makes a socket of a descriptor, and of its _mem twin."""
    closed = f" with `{name.split('_')[0]}_close`(3) or `hclose`(3)"
    about = f"{text} It returns its handle."
    common = dict(returns=f"The handle of the {what}", example=name, source=f"{LIBDILL} The sockets are those of POSIX.")
    plain = dict(
        common, brief=f"make a {kind} {what} of a descriptor",
        text=[about, DESCRIPTOR.format(what=what)], errors=descriptor_errors(wrong), notes=DESCRIPTOR_NOTES)
    mem = dict(
        common, brief=f"make a {kind} {what} of a descriptor, in the caller's memory",
        text=[about, DESCRIPTOR.format(what=what), in_memory(name, closed)],
        errors=descriptor_errors(wrong, "<mem> is NULL. "), notes=[storage(struct, size), *DESCRIPTOR_NOTES])
    return {name: plain, f"{name}_mem": mem}
