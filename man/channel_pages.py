"""The table of the pages of libdill_rt's channels, for pages.py."""

from texts import BLOCKED, DEADLINE, LIBDILL, NOMEM, TIMEDOUT, in_memory, storage

TITLE = "Channels"
SEE_ALSO = ("go", "hclose")
SOURCE = LIBDILL

CHANNEL = [
    "Makes a channel and stores the handles of its two ends in <chv>. What is sent from one end is received at the "
    "other, and that in both directions.",
    "A channel holds nothing: a message passes when there is both a sender and a receiver, and whoever comes first "
    "waits for the other. Several coroutines may wait at an end; they have their turns in the order in which they came.",
    "Close both ends with `hclose`(3).",
]

SIZES = "Messages have no types: sender and receiver must agree on the size, which may be 0."

NO_HANDLE = ("EBADF", "<ch> is not an open handle.")
NO_CHANNEL = ("ENOTSUP", "<ch> is a handle, but not of a channel.")
SIZE_DIFFERS = (
    "EMSGSIZE", "{} expects another size. Both calls fail, and the message is lost.")

UNHURT = "After `ETIMEDOUT` and `ECANCELED` no message has passed."

CLOSING = (
    "A coroutine that waits is not disturbed when an end is closed, its own or the other one; when both are, it gets "
    "`EPIPE`. So a side that has no more to say calls `chdone`(3) before it closes its end.")

THREADS = "The ends of a channel belong to one thread. To talk to another thread use `ipc_fromfd`(3)."


def transfer_errors(partner, epipe):
    return [NO_HANDLE, BLOCKED, ("EINVAL", "<val> is NULL and <len> is not 0."), (SIZE_DIFFERS[0], SIZE_DIFFERS[1].format(partner)), NO_CHANNEL, ("EPIPE", epipe),
            TIMEDOUT]


PAGES = {
    "chmake": dict(
        brief="make a channel between coroutines",
        text=CHANNEL,
        returns="0",
        errors=[BLOCKED, ("EINVAL", "<chv> is NULL."), NOMEM],
        notes=[CLOSING, THREADS],
        example="channel",
    ),
    "chmake_mem": dict(
        brief="make a channel between coroutines, in the caller's memory",
        text=[*CHANNEL[:-1], in_memory("chmake", " at both ends with `hclose`(3)")],
        returns="0",
        errors=[BLOCKED, ("EINVAL", "<mem> or <chv> is NULL."), NOMEM],
        notes=[storage("chstorage", 144), CLOSING, THREADS],
        example="choose",
    ),
    "chsend": dict(
        brief="send a message through a channel",
        text=["Sends the <len> bytes at <val> from the end <ch> of a channel to the other end, and waits until "
              "somebody there receives them.", SIZES, DEADLINE],
        returns="0",
        errors=transfer_errors("The receiver", "`chdone`(3) was called for this end, or both ends were closed "
                               "meanwhile."),
        notes=[UNHURT,
               "If a receiver waits already, the call copies the message and returns at once: the receiver runs "
               "when it is its turn.", CLOSING],
        example="channel",
    ),
    "chrecv": dict(
        brief="receive a message from a channel",
        text=["Waits for a message that is sent from the other end of the channel than <ch>, and stores it in the "
              "<len> bytes at <val>.", SIZES, DEADLINE],
        returns="0",
        errors=transfer_errors("The sender", "`chdone`(3) was called for the other end, or both ends were closed "
                               "meanwhile."),
        notes=[UNHURT, CLOSING],
        example="channel",
    ),
    "chdone": dict(
        brief="say that no more messages will come through a channel",
        text=["Ends the messages from the end <ch> of a channel. Whoever receives at the other end, now or later, gets "
              "`EPIPE`, and so does whoever sends from this one.",
              "The other direction stays open. The handle has to be closed nevertheless."],
        returns="0",
        errors=[NO_HANDLE, NO_CHANNEL, ("EPIPE", "This has been done already.")],
        notes=["Nothing is lost by it: messages that have been sent have been received too.",
               "The function works in a coroutine that is being cancelled as well."],
        example="channel",
    ),
    "choose": dict(
        brief="do the first possible one of several channel operations",
        text=["Does one of the <nclauses> operations in the array <clauses>: the first one in their order that can be "
              "done without waiting, or else the first that becomes possible. The others are as if they had never been "
              "there. Each is a `struct chclause` with these members:",
              ("`int op`", "`CHSEND` to send, `CHRECV` to receive."),
              ("`int ch`", "The end of a channel."),
              ("`void *val`, `size_t len`", "The message, or the room for it, as for `chsend`(3) and `chrecv`(3)."),
              DEADLINE],
        returns="The index of the clause that was chosen, with `errno` 0, or with the error of that clause, which "
                "ends the call like a success. \\-1 with `errno` set if no clause was chosen", failure=None,
        errors=[("EBADF", "Clause: its `ch` is not an open handle."), BLOCKED,
                ("EINVAL", "Clause: its `op` is unknown, or its `val` is NULL and its `len` is not 0. Without a "
                 "clause: <nclauses> is negative, or <clauses> is NULL and <nclauses> is not 0."),
                ("EMSGSIZE", "Clause: the other side expects another size. Its call has failed too."),
                NOMEM,
                ("ENOTSUP", "Clause: its `ch` is a handle, but not of a channel."),
                ("EPIPE", "Clause: no more messages come, or can be sent, since `chdone`(3) was called; or both ends "
                 "of the channel were closed."),
                TIMEDOUT],
        notes=["So look at `errno` even if the result is not negative.",
               "The order is a preference: a channel whose clause comes first and that is always ready keeps the "
               "others out.",
               "Without clauses the function waits for the deadline, and fails with `ETIMEDOUT`."],
        example="choose",
    ),
}
