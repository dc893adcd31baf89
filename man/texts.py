"""Sentences that the pages of both libraries share."""

DEADLINE = (
    "<deadline> is a point in time, in milliseconds of `now`(3). 0 means: do not block. \\-1 means: "
    "no limit. It covers the whole call, however many steps that takes.")

OWNERSHIP = (
    "From the call on, <s> belongs to the function. On success its number is no longer valid; use "
    "the returned one. On failure, whatever the reason, the underlying socket is closed: do not "
    "close <s> again.")


SEND_LIST = (
    "Each element holds the address of its data in `iol_base`, its size in `iol_len`, and the next element in "
    "`iol_next`, which is NULL in the last one; `iol_rsvd` is 0. Elements may be empty. The list is as it was when the "
    "call returns, also after a failure.")

RECV_LIST = (
    "Each element holds the address of its buffer in `iol_base`, its size in `iol_len`, and the next element in "
    "`iol_next`, which is NULL in the last one; `iol_rsvd` is 0. An element whose `iol_base` is NULL drops so many "
    "{what}. The list is as it was when the call returns, also after a failure.")


def in_memory(twin, end):
    """About a _mem function, whose handle is closed, or ended by another function."""
    return (
        f"This function is `{twin}`(3) with memory of the caller's, for compatibility with libdill. "
        "<mem> may stand at any address. It is the library's, and must stay valid, until the handle "
        f"is closed{end}; it is not freed. The library may keep its state elsewhere, and does.")


def storage(name, size):
    """About the memory of a _mem function."""
    return f"`struct {name}` has {size} bytes, as in libdill."


# ---- Errors, as (errno, when) ----

NO_HANDLE = ("EBADF", "<s> is not an open handle.")
CANCELED = ("ECANCELED", "The coroutine is being cancelled.")
# Said where the function need not wait to fail so.
BLOCKED = ("ECANCELED", "The coroutine is being cancelled, or this is in the close function of an object.")
MANY_DESCRIPTORS = ("EMFILE, ENFILE", "There are too many descriptors.")
TIMEDOUT = ("ETIMEDOUT", "The deadline has passed.")
NOMEM = ("ENOMEM", "There is not enough memory.")

# ---- Where a function comes from ----

LIBDILL = "libdill 2.14 has this function too."
