"""The table of the pages of libdill_rt's term sockets, for pages.py."""

from framing import KEPT_OPEN, attach_errors, other_socket
from texts import CANCELED, DEADLINE, LIBDILL, NO_HANDLE, OWNERSHIP, TIMEDOUT, in_memory, storage

TITLE = "Messages up to a terminal one"
SEE_ALSO = ("prefix_attach", "suffix_attach", "msend", "mrecv", "hclose")
SOURCE = LIBDILL

ATTACH = [
    "Makes a term socket of the message socket <s> and returns its handle. It passes messages on as they are, but for one "
    "of them, the terminal one, with which each side says that it is done: the <len> bytes at <buf>, which are copied. "
    "With <len> 0 it is the empty message, and <buf> may be NULL.",
    "The socket is a message socket: use `msend`(3), `mrecv`(3), `msendl`(3) and `mrecvl`(3). When the peer's terminal "
    "message has come, receiving fails with `EPIPE`. `term_done`(3) sends ours.",
    "So each direction ends in order and by itself, and what is underneath can be used again after `term_detach`(3).",
    OWNERSHIP,
]

EINVAL = "<len> is more than 32, or <buf> is NULL and <len> is not 0."
NOT_MESSAGES = ("EPROTO", "<s> is not a message socket.")

ORDINARY = (
    "The terminal message cannot be sent as an ordinary one: `msend`(3) fails with `EINVAL`. Choose one that does not occur "
    "otherwise.")
CUT = (
    "If the socket underneath ends without a terminal message, receiving fails with `ECONNRESET`, so that a cut connection "
    "does not look complete.")
BELOW = "Further errors are possible: those of the socket underneath."

PAGES = {
    "term_attach": dict(
        brief="end each direction of a message socket with a terminal message",
        text=ATTACH,
        returns="The handle of the term socket",
        errors=attach_errors(EINVAL, NOT_MESSAGES),
        notes=[ORDINARY, CUT],
        example="term",
    ),
    "term_attach_mem": dict(
        brief="end each direction of a message socket with a terminal message, in the caller's memory",
        text=[*ATTACH[:-1], in_memory("term_attach", " with `hclose`(3) or ended with `term_detach`(3)"), OWNERSHIP],
        returns="The handle of the term socket",
        errors=attach_errors("<mem> is NULL. " + EINVAL, NOT_MESSAGES),
        notes=[storage("term_storage", 88), ORDINARY, CUT],
        example="term",
    ),
    "term_done": dict(
        brief="send the terminal message",
        text=["Sends the terminal message on the term socket <s>: the peer's `mrecv`(3) fails with `EPIPE` when it has received "
              "all that was sent before. Nothing more can be sent then. Receiving goes on.", DEADLINE],
        returns="0",
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is sending on this socket."),
                CANCELED,
                ("ECONNRESET", "The socket underneath is broken, or the handle was closed meanwhile."),
                other_socket("term"),
                ("EPIPE", "The terminal message has been sent already."),
                TIMEDOUT],
        notes=[BELOW,
               "When the call fails with `ETIMEDOUT` or `ECANCELED` before anything was sent, it can be repeated."],
        example="term",
    ),
    "term_detach": dict(
        brief="end a term socket and give the message socket back",
        text=["Sends the terminal message on the term socket <s>, unless `term_done`(3) has done so before; drops messages until "
              "the peer's terminal one has come; and returns the handle of the message socket underneath, with all that "
              "follows still in it.", DEADLINE, KEPT_OPEN],
        returns="The handle of the underlying socket",
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is sending or receiving on this socket."),
                CANCELED,
                ("ECONNRESET", "The socket underneath is broken, or ended without a terminal message, or the handle was "
                 "closed meanwhile."),
                other_socket("term"), TIMEDOUT],
        notes=[BELOW, "Give this call a deadline: a peer need not send its terminal message."],
        example="term",
    ),
}
