"""The table of the pages of libdill_rt, by families, and its overview, for pages.py.

A family is a module with the pages of its functions (PAGES), its title (TITLE), what else to read (SEE_ALSO)
and where its functions come from (SOURCE).
"""

import bytes_pages
import channel_pages
import coroutine_pages
import handle_pages
import http_pages
import ipaddr_pages
import ipc_pages
import message_pages
import prefix_pages
import socks5_pages
import suffix_pages
import tcp_pages
import term_pages
import time_pages
import tls_pages
import udp_pages

FAMILIES = [
    coroutine_pages, channel_pages, time_pages, handle_pages, bytes_pages, message_pages, ipaddr_pages, tcp_pages,
    ipc_pages, udp_pages, suffix_pages, prefix_pages, term_pages, tls_pages, http_pages, socks5_pages,
]

# Macros: they have pages, but no symbols, and no prototypes in the header.
MACROS = {
    "go": "int go(fn);",
    "go_mem": "int go_mem(fn, void *ptr, size_t len);",
    "bundle_go": "int bundle_go(int bndl, fn);",
    "bundle_go_mem": "int bundle_go_mem(int bndl, fn, void *ptr, size_t len);",
}

# Symbols that have no pages, and why.
NO_PAGES = {
    "prologue": "the first half of the go macros, which alone may call it",
    "epilogue": "the second half of the go macros, which alone may call it",
    "unoptimisable": "belongs to the go macros",
    "bsock_type": "a variable, described on the page hquery",
    "msock_type": "a variable, described on the page hquery",
}


OVERVIEW = [
    ("DESCRIPTION", [
        "libdill_rt lets a C program do many things at a time in a way that reads like doing one after the other. It "
        "has coroutines, channels between them, and sockets whose calls wait for the coroutine alone. A coroutine "
        "does not outlive what it was made for: whoever starts it also ends it.",
        "The functions are those of libdill, with their names and prototypes. A program written for libdill 2.14, or "
        "an earlier release from 2.8 on, works with libdill_rt without a change. libdill_rt comes with libdill_ws, "
        "which has the WebSocket functions, see `libdill_ws`(7), and stands on it or on libdill.",
    ]),
    ("Coroutines", [
        "`go`(3) starts a function as a coroutine. It runs at once, until it waits; then another one that is ready has "
        "its turn, first come, first served. A thread's coroutines never run at the same time, so what they share needs "
        "no locks, and between two calls that wait nothing changes. `main` is a coroutine too.",
        "Coroutines are in bundles: `go`(3) makes one for one coroutine, `bundle`(3) one for many. `hclose`(3) of a bundle "
        "cancels what still runs in it and waits for the end. So the lifetimes nest as blocks of a program do.",
        "A function that works for long without waiting should call `yield`(3) now and then.",
    ]),
    ("Handles", [
        "Bundles, the ends of channels, and sockets have numbers, like descriptors. `hclose`(3) closes any of them. A "
        "function that takes over a handle, such as one that attaches to a socket, makes a new number of it, and the old "
        "one is not valid any more. A closed number fails with `EBADF`.",
        "`hmake`(3) gives handles to objects of the program's own. They can be byte streams and message sockets too.",
    ]),
    ("Deadlines", [
        "A deadline is a point in time in milliseconds of `now`(3), and covers the whole call. 0 means do not wait, and "
        "\\-1 no limit. A call whose deadline has passed fails with `ETIMEDOUT`, but not if it need not wait: with 0 it "
        "tells whether something is possible at present.",
        "A receiving call that has failed with `ETIMEDOUT` has consumed nothing and can be repeated. A sending call can, "
        "unless a part had been sent: then later ones fail with `ECONNRESET`.",
    ]),
    ("Cancellation", [
        "When the bundle of a coroutine is closed, the call in which it waits fails with `ECANCELED`, and so do all "
        "later ones that would have to wait, make a handle or start a coroutine. `now`(3), `hclose`(3), `hquery`(3), "
        "`chdone`(3) and `fdclean`(3) work, and sockets send and receive what needs no waiting. The coroutine is "
        "expected to clean up and return: whoever closes the bundle waits for that. Cancellation comes only in such "
        "calls, so nothing is interrupted at an unexpected place.",
        "The same holds for the close function of an object, see `hmake`(3), while it runs.",
    ]),
    ("Errors", [
        "A function that fails returns \\-1, or NULL if it returns a pointer, and tells the reason in `errno`. After a "
        "success `errno` is what it was before the call, or 0 if the call waited for something. It is never what another "
        "coroutine has left. `choose`(3) sets it in any case.",
        ("`EPIPE`", "The orderly end. From a receiving call: the peer has said that this was all. From a sending call: we "
         "have."),
        ("`ECONNRESET`", "The connection is broken, or was cut in the middle of something."),
        ("`EBUSY`", "Another coroutine is doing the same on this handle. One may receive and one may send."),
        ("`EBADF`, `ENOTSUP`", "There is no such handle, or it is of another kind."),
        ("`EMFILE`, `ENFILE`", "There are too many descriptors. The first call of a thread that waits for one needs one "
         "more, for `epoll`(7), and may fail so."),
        ("`ENOMEM`", "There is not enough memory. The library does not end the program for that."),
    ]),
    ("Threads", [
        "Each thread has a scheduler, coroutines and handles of its own; they share nothing. A handle must not be used in "
        "another thread, where its number means something else. To pass a connection on, pass its descriptor, and make "
        "a handle of it there with `tcp_fromfd`(3) or `ipc_fromfd`(3).",
        "Functions that block by other means, such as `read`(2), `sleep`(3) or a mutex, stop all coroutines of the "
        "thread. Use `fdin`(3), `msleep`(3) and channels.",
        "Coroutines share what a thread has once: its signal mask, its thread-local variables, its rounding mode and the "
        "other control bits of the processor (MXCSR).",
    ]),
    ("Processes", [
        "After `fork`(2) the child goes on with a copy of the coroutine that has called it, of all others of the thread, and of "
        "all handles. It waits by means of its own, whichever system call has made it. Sockets are shared then: close in each process the ones that are of "
        "the other. A TCP connection that was open at the fork is not reset by `hclose`(3), but ends in order. "
        "A name that the parent looks up at the time is `EAGAIN` in the child.",
        "All descriptors that the library makes are closed on `execve`(2). When `main` returns, the coroutines that are left are not cancelled.",
    ]),
    ("Stacks", [
        "A coroutine has a stack of 256 KiB, of which it takes what it touches: a page at least. Below each stack are "
        "64 KiB that cannot be touched, so that an overflow is a `SIGSEGV`. `go_mem`(3) takes other memory.",
        "On Linux 6.13 or later, hundreds of thousands of coroutines fit into a few memory mappings. Before, each takes two, "
        "and the limit is `vm.max_map_count`, which usually allows for 32,000.",
    ]),
    ("Compiling", [
        "Include `libdill.h`, or `libdillimpl.h` for `hmake`(3) and `hquery`(3). If `DILL_DISABLE_RAW_NAMES` is defined "
        "before, only the names with the prefix `dill_` are declared, such as `dill_tcp_connect`. Without it the short names "
        "are macros, also where the program means something else by `go`, `now` or `yield`.",
        ("With libdill_rt alone", "`cc program.c $(pkg-config \\-\\-cflags \\-\\-libs libdill_rt)`"),
        ("With libdill_ws too", "`cc program.c $(pkg-config \\-\\-cflags \\-\\-libs libdill_ws)`"),
        "gcc and clang, C and C++ will do. What to mind in a function that runs as a coroutine is on the page of `go`(3).",
    ]),
]

OVERVIEW_NOTES = [
    "Names are resolved by the system's `getaddrinfo`(3), in threads that the library starts for that. They take none "
    "of the program's signals.",
    "A signal handler runs on the stack of the coroutine that it interrupts, unless it has one of its own "
    "(`sigaltstack`(2)). It must not call functions of this library.",
    "The library prints nothing and does not end the program, but for mistakes that leave no way to go on, such as a "
    "coroutine that closes the bundle it runs in. Then it says so on standard error.",
    "valgrind knows of the stacks of coroutines. Of TLS it takes some bytes for uninitialised that are not: the file "
    "`valgrind.supp`, which is installed in `share/doc/libdill_ws`, has it pass over them (`--suppressions=`).",
    "The list of differences from libdill is a part of the sources: `docs/differences-from-libdill.md`.",
]
