"""The table of the pages of libdill_rt's prefix sockets, for pages.py."""

from framing import ENDS, INTERRUPTED, KEPT_OPEN, MESSAGES, STREAM, attach_errors, other_socket
from texts import LIBDILL, NO_HANDLE, NOMEM, OWNERSHIP, in_memory, storage

TITLE = "Messages behind their sizes"
SEE_ALSO = ("suffix_attach", "term_attach", "msend", "mrecv", "hclose")
SOURCE = LIBDILL

ATTACH = [
    "Makes a prefix socket of the byte stream <s> and returns its handle. On the stream each message has its size in front "
    "of it, in <hdrlen> bytes. <flags> is one of these:",
    ("`PREFIX_BIG_ENDIAN`", "The most significant byte of the size comes first, as in most protocols. This is the default "
     "(its value is 0)."),
    ("`PREFIX_LITTLE_ENDIAN`", "The least significant byte comes first."),
    MESSAGES, STREAM, OWNERSHIP,
]

SIZES = (
    "With 2 bytes a message has at most 65535. One whose size does not fit into <hdrlen> bytes is not sent: `msend`(3) "
    "fails with `EMSGSIZE`.")

EINVAL = "<hdrlen> is 0 or more than 32."

PAGES = {
    "prefix_attach": dict(
        brief="make messages of a byte stream, each behind its size",
        text=ATTACH,
        returns="The handle of the prefix socket",
        errors=attach_errors(EINVAL),
        notes=[SIZES, *INTERRUPTED, ENDS],
        example="prefix",
    ),
    "prefix_attach_mem": dict(
        brief="make messages of a byte stream, each behind its size, in the caller's memory",
        text=[*ATTACH[:-1], in_memory("prefix_attach", " with `hclose`(3) or ended with `prefix_detach`(3)"), OWNERSHIP],
        returns="The handle of the prefix socket",
        errors=attach_errors("<mem> is NULL. " + EINVAL),
        notes=[storage("prefix_storage", 56), SIZES, *INTERRUPTED, ENDS],
        example="prefix",
    ),
    "prefix_detach": dict(
        brief="end a prefix socket and give the byte stream back",
        text=["Ends the prefix socket <s>, and returns the handle of the byte stream underneath, with all that follows the "
              "last message still in it. Nothing is sent.",
              "If a part of a message has been received, because a call was interrupted in the middle of it or it was too "
              "long, the rest of it is dropped. It is not waited for: if it has not come yet the function fails.",
              KEPT_OPEN],
        returns="The handle of the underlying socket", waits=True,
        errors=[NO_HANDLE,
                ("EBUSY", "Another coroutine is sending or receiving on this socket."),
                ("ECONNRESET", "The stream is broken; or a message was cut in the middle when it was sent, or one of which "
                 "a part was received is not all there."),
                NOMEM, other_socket("prefix")],
        notes=["Not a byte behind the last message is received, so that another protocol can follow."],
        example="prefix",
    ),
}
