"""Sentences that the pages of both libraries share."""

DEADLINE = (
    "<deadline> is a point in time, in milliseconds of `now`(3). 0 means: do not block. \\-1 means: "
    "no limit. It covers the whole call, however many steps that takes.")

OWNERSHIP = (
    "From the call on, <s> belongs to the function. On success its number is no longer valid; use "
    "the returned one. On failure, whatever the reason, the underlying socket is closed: do not "
    "close <s> again.")


def in_memory(twin, end):
    """About a _mem function, whose handle is closed, or ended by another function."""
    return (
        f"This function is `{twin}`(3) with memory of the caller's, for compatibility with libdill. "
        "<mem> may stand at any address. It is the library's, and must stay valid, until the handle "
        f"is closed{end}; it is not freed. The library may keep its state elsewhere, and does.")


# ---- Errors, as (errno, when) ----

NO_HANDLE = ("EBADF", "<s> is not an open handle.")
CANCELED = ("ECANCELED", "The coroutine is being cancelled.")
TIMEDOUT = ("ETIMEDOUT", "The deadline has passed.")
NOMEM = ("ENOMEM", "There is not enough memory.")
