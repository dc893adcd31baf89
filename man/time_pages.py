"""The table of the pages of libdill_rt's clock, and of waiting for descriptors, for pages.py."""

from texts import BLOCKED, DEADLINE, LIBDILL, MANY_DESCRIPTORS, TIMEDOUT

TITLE = "Time and descriptors"
SEE_ALSO = ("go", "yield")
SOURCE = LIBDILL

EPOLL = (
    "The descriptor can be anything that `epoll`(7) takes: a pipe, a socket, a terminal, an `eventfd`(2). "
    "Regular files are always ready and cannot be waited for.")

NOT_FOR_HANDLES = (
    "Handles are not descriptors: `brecv`(3), `tcp_accept`(3) and the others wait by themselves.")

NON_BLOCKING = (
    "Make the descriptor a non-blocking one (`O_NONBLOCK` of `fcntl`(2)), try first, and wait when the attempt "
    "fails with `EAGAIN`, as above. A `read`(2) or `write`(2) that blocks stops all coroutines of the thread.")

CLEAN = "Call `fdclean`(3) before you close the descriptor."


def wait_errors(what):
    return [
        ("EBADF", "<fd> is not an open descriptor."),
        ("EBUSY", f"Another coroutine of this thread waits {what} <fd>."),
        BLOCKED, MANY_DESCRIPTORS,
        ("ENOMEM, ENOSPC", "There is not enough memory, or the limits of `epoll`(7) are reached."),
        ("ENOTSUP", "<fd> cannot be waited for, as it is a regular file, for instance."),
        TIMEDOUT,
    ]


PAGES = {
    "now": dict(
        brief="the time, on the clock of deadlines",
        text=["Returns the time in milliseconds. It comes from the system's monotonic clock: it has nothing to do "
              "with the time of day, never goes back, and does not jump when somebody sets the date.",
              "Deadlines are points in time on this clock. The deadline \"in ten seconds\" is `now() + 10000`. Two "
              "values have a meaning of their own: 0 means \"do not wait\", and \\-1, like any negative one, \"no "
              "limit\"."],
        returns="The time in milliseconds", failure=None, errors=[],
        notes=["Work out a deadline once and pass it to every call of an operation that has several; then the "
               "limit is one for all of it.",
               "The clock counts from the start of the machine, in all processes alike. It stands still while the "
               "machine is suspended.",
               "The function works in a coroutine that is being cancelled as well."],
        example="sleep",
    ),
    "msleep": dict(
        brief="sleep until a point in time",
        text=["Lets other coroutines run until the time is <deadline>, in milliseconds of `now`(3). It is a point in "
              "time and not a duration: `msleep(now() + 1000)` sleeps for a second.",
              "A <deadline> that has passed, such as 0, lets the others run once, as `yield`(3) does. With \\-1, or "
              "any negative one, the coroutine sleeps until it is cancelled."],
        returns="0", waits=True,
        errors=[BLOCKED],
        notes=["It may sleep longer than that if other coroutines work for long without waiting.",
               "`sleep`(3), `usleep`(3) and `nanosleep`(2) stop all coroutines of the thread."],
        example="sleep",
    ),
    "fdin": dict(
        brief="wait until a descriptor can be read",
        text=["Lets other coroutines run until the descriptor <fd> can be read without blocking. That is so when "
              "something has arrived, and at the end of a stream or after an error, which the next `read`(2) tells.",
              EPOLL, DEADLINE],
        returns="0", errors=wait_errors("to read from"),
        notes=[NON_BLOCKING,
               "Two coroutines may wait for one descriptor, one to read and one to write.", CLEAN, NOT_FOR_HANDLES],
        example="fds",
    ),
    "fdout": dict(
        brief="wait until a descriptor can be written",
        text=["Lets other coroutines run until the descriptor <fd> can be written without blocking. That is so when "
              "there is room, and after an error, which the next `write`(2) tells.",
              EPOLL, DEADLINE],
        returns="0", errors=wait_errors("to write to"),
        notes=[NON_BLOCKING,
               "A socket whose connection is being made becomes ready with its success or failure.",
               "Two coroutines may wait for one descriptor, one to read and one to write.", CLEAN, NOT_FOR_HANDLES],
        example="fds",
    ),
    "fdclean": dict(
        brief="forget a descriptor that will be closed",
        text=["Has the thread's scheduler forget the descriptor <fd>. Call it before you close a descriptor that "
              "`fdin`(3) or `fdout`(3) has waited for, or hand it to somebody who closes it.",
              "A descriptor that was never waited for, or is not open, does no harm."],
        returns="0",
        errors=[("EBUSY", "A coroutine of this thread waits for <fd>. It goes on waiting.")],
        notes=["Handles need none of this: `hclose`(3) does it for its own descriptor.",
               "The function works in a coroutine that is being cancelled as well."],
        example="fds",
    ),
}
