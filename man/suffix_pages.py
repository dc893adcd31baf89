"""The table of the pages of libdill_rt's suffix sockets, for pages.py."""

from framing import ENDS, INTERRUPTED, KEPT_OPEN, MESSAGES, STREAM, attach_errors, other_socket
from texts import CANCELED, DEADLINE, LIBDILL, NO_HANDLE, NOMEM, OWNERSHIP, TIMEDOUT, in_memory, storage

TITLE = "Messages with a suffix"
SEE_ALSO = ("prefix_attach", "term_attach", "msend", "mrecv", "hclose")
SOURCE = LIBDILL

ATTACH = [
    "Makes a suffix socket of the byte stream <s> and returns its handle. On the stream each message has the <suffixlen> "
    "bytes at <suffix> behind it, such as \"\\er\\en\", which ends a line of most text protocols. They are copied.",
    MESSAGES, "The suffix is put behind what is sent, and taken from what is received.", STREAM, OWNERSHIP,
]

INSIDE = (
    "A message may have the suffix in it. It arrives as several then. If it comes from elsewhere, look at it before you "
    "send it.")

EINVAL = "<suffix> is NULL, or <suffixlen> is 0 or more than 32."

PAGES = {
    "suffix_attach": dict(
        brief="make messages of a byte stream, each with a suffix, such as lines",
        text=ATTACH,
        returns="The handle of the suffix socket",
        errors=attach_errors(EINVAL),
        notes=[*INTERRUPTED, INSIDE, ENDS],
        example="suffix",
    ),
    "suffix_attach_mem": dict(
        brief="make messages of a byte stream, each with a suffix, in the caller's memory",
        text=[*ATTACH[:-1], in_memory("suffix_attach", " with `hclose`(3) or ended with `suffix_detach`(3)"), OWNERSHIP],
        returns="The handle of the suffix socket",
        errors=attach_errors("<mem> is NULL. " + EINVAL),
        notes=[storage("suffix_storage", 128), *INTERRUPTED, INSIDE, ENDS],
        example="suffix",
    ),
    "suffix_detach": dict(
        brief="end a suffix socket and give the byte stream back",
        text=["Ends the suffix socket <s>, and returns the handle of the byte stream underneath, with all that follows the "
              "last message still in it. Nothing is sent.",
              "If a part of a message has been received, because a call was interrupted in the middle of it or it was too "
              "long, the rest of it is waited for and dropped.",
              DEADLINE, KEPT_OPEN],
        returns="The handle of the underlying socket",
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is sending or receiving on this socket."),
                CANCELED,
                ("ECONNRESET", "The stream is broken, or a message was cut in the middle, when it was sent or received; "
                 "or the handle was closed meanwhile."),
                NOMEM, other_socket("suffix"), TIMEDOUT],
        notes=["Not a byte behind the last suffix is received, so that another protocol can follow."],
        example="suffix",
    ),
}
