"""The table of the pages of libdill_rt's coroutines and bundles, for pages.py."""

from texts import BLOCKED, CANCELED, DEADLINE, LIBDILL, NOMEM, TIMEDOUT, in_memory, storage

TITLE = "Coroutines"
SEE_ALSO = ("chmake", "hclose", "msleep")
SOURCE = LIBDILL

RUNS = (
    "<fn> is a call of a function, such as `work(s, 1)`. It is made at once, on a stack of its own: the coroutine "
    "runs until it waits for something, and then whoever is ready runs, the caller among them. What the function "
    "returns is lost. When it returns the coroutine is over.")

ARGUMENTS = (
    "The arguments of the call are worked out on the new stack, when the coroutine has begun. They should be "
    "variables and constants, or simple expressions of them, and not calls of functions. In C++11 and later an argument "
    "of a class type is made there as well, and destroyed when the function returns. In C++98, and with libdill's own "
    "header, it would be a temporary of the function that starts the coroutine: pass its address.")

OWN_STACK = (
    "The stack has 256 KiB, of which a coroutine takes what it touches, a page at least. Below it are 64 KiB that "
    "cannot be touched, so that an overflow ends the process with `SIGSEGV`. Stacks are used again.")

COROUTINE = (
    "Declare the function `coroutine`, as above: it keeps the compiler from making it a part of its caller, whose "
    "stack it would use, and from concluding what it does with the caller's variables. In C, clang can do the latter "
    "only by leaving the function's own code unoptimised: what computes much belongs into a function that this one calls.")

RESULTS = (
    "A coroutine may write to variables of the function that has started it, if that one does not return before. "
    "Compiled with the header of libdill instead of that of libdill_rt, by gcc from version 12 on or by clang, the parent "
    "may go on with the old value; there `volatile` variables help, or channels, or gcc's option `\\-fno\\-ipa\\-modref`.")

C_PLUS_PLUS = (
    "A C++ exception must not leave the function, as there is no caller to catch it: in C++11 and later that ends the "
    "program. There the call is made in a lambda expression: `__func__` in it names that, and it cannot name members of "
    "an anonymous union of the function, nor, with clang before version 16, structured bindings.")

SHARED = (
    "Coroutines of a thread take turns only where they wait, so what they share needs no locks. They do not have "
    "what belongs to the thread for themselves: its signal mask, its rounding mode and the other bits of the "
    "processor's control registers (MXCSR), its thread-local variables. `errno` is what the last call of this "
    "coroutine has left.")

LAST_WORD = (
    "A coroutine whose handle nobody closes goes on until it has finished or the process ends. The end of `main` does "
    "not wait for it, and does not cancel it.")

HANDLE = (
    "The handle is that of a bundle with this one coroutine. Close it with `hclose`(3) in any case, also after the "
    "coroutine has finished. If it has not, it is cancelled: its calls that wait fail with `ECANCELED`, and "
    "`hclose`(3) waits until it has finished. `bundle_wait`(3) waits for it without cancelling it.")

CANCELS = (
    "Close it with `hclose`(3). That cancels the coroutines that are left: their calls that wait fail with "
    "`ECANCELED`, and `hclose`(3) waits until they have finished.")

MEMORY = [
    "<ptr> is memory of <len> bytes for the stack, at any address. It has to stay until the coroutine has finished, "
    "and is not freed.",
]

SIZE = (
    "How much is enough? 4 KiB are the least that is accepted, and enough to yield, to sleep and to use channels. 8 KiB "
    "are enough for `fdin`(3), `fdout`(3), TCP, UNIX and UDP sockets and messages over them; 16 KiB for the addresses of "
    "interfaces and the names of hosts (`ipaddr_local`(3), `ipaddr_remote`(3), `happyeyeballs_connect`(3)), HTTP, "
    "SOCKS 5, WebSocket and `printf`(3). `tls_attach_server`(3) and `tls_attach_client`(3) take about 20 KiB, and more "
    "with large keys: give them 64 KiB. In these numbers are 3 KiB for the dynamic linker, which finds a function when it is first called. Your own functions "
    "come on top, and so do signal handlers, which run on the stack of the coroutine that they interrupt.")

NO_GUARD = (
    "There is no guard below that memory: a coroutine that needs more overwrites what is there. `go`(3) has one, "
    "and its stacks are cheap.")

HAS_WAITED = "After a success `errno` is 0, as the caller has waited for its turn."

NO_MEMORY = ("ENOMEM", "There is not enough memory, for instance for a stack.")
LITTLE_MEMORY = ("EINVAL", "<len> is less than 4096.")
NO_BUNDLE = ("EBADF", "<bndl> is not an open handle.")
OTHER_HANDLE = ("ENOTSUP", "<bndl> is a handle, but not of a bundle.")
NEGATIVE = "With a negative <bndl> a new bundle is made, and its handle returned, as by `go`(3)."

PAGES = {
    "go": dict(
        brief="run a function as a coroutine",
        text=["Runs a function as a coroutine, beside the caller.", RUNS, ARGUMENTS, HANDLE, OWN_STACK],
        returns="The handle of the coroutine's bundle", after=HAS_WAITED,
        errors=[BLOCKED, NO_MEMORY],
        notes=["`go` is a macro. It needs gcc or clang.", COROUTINE, RESULTS, C_PLUS_PLUS, SHARED,
               "For many coroutines, such as one for each connection of a server, use `bundle_go`(3): it does not "
               "leave a handle to close for each.", LAST_WORD],
        example="go",
    ),
    "go_mem": dict(
        brief="run a function as a coroutine, on the caller's memory",
        text=["Runs a function as a coroutine, beside the caller, as `go`(3) does, with a stack of the caller's.",
              RUNS, ARGUMENTS, *MEMORY, HANDLE],
        returns="The handle of the coroutine's bundle", after=HAS_WAITED,
        errors=[BLOCKED, LITTLE_MEMORY, NO_MEMORY],
        notes=["`go_mem` is a macro. It needs gcc or clang.", SIZE, NO_GUARD, COROUTINE, RESULTS, C_PLUS_PLUS],
        example="go_mem",
    ),
    "bundle": dict(
        brief="make a bundle of coroutines",
        text=["Makes a bundle, which is a group of coroutines that are waited for, or cancelled, together. It is "
              "empty at first: `bundle_go`(3) runs functions in it.",
              "A coroutine that finishes leaves the bundle, and nothing of it stays.", CANCELS],
        returns="The handle of the bundle",
        errors=[BLOCKED, NOMEM],
        notes=["Bundles nest: a coroutine may have one of its own, and closes it before it ends. So no coroutine "
               "outlives what it uses."],
        example="bundle",
    ),
    "bundle_mem": dict(
        brief="make a bundle of coroutines, in the caller's memory",
        text=["Makes a bundle, which is a group of coroutines that are waited for, or cancelled, together. It is "
              "empty at first: `bundle_go`(3) and `bundle_go_mem`(3) run functions in it.",
              in_memory("bundle", " with `hclose`(3)"), CANCELS],
        returns="The handle of the bundle",
        errors=[BLOCKED, ("EINVAL", "<mem> is NULL."), NOMEM],
        notes=[storage("bundle_storage", 64)],
        example="go_mem",
    ),
    "bundle_go": dict(
        brief="run a function as a coroutine of a bundle",
        text=["Runs a function as a coroutine in the bundle <bndl>.", RUNS, ARGUMENTS, OWN_STACK],
        returns="0", after=HAS_WAITED,
        errors=[NO_BUNDLE, BLOCKED, NO_MEMORY, OTHER_HANDLE],
        notes=["`bundle_go` is a macro. It needs gcc or clang.", NEGATIVE, COROUTINE, RESULTS, C_PLUS_PLUS, SHARED],
        example="bundle",
    ),
    "bundle_go_mem": dict(
        brief="run a function as a coroutine of a bundle, on the caller's memory",
        text=["Runs a function as a coroutine in the bundle <bndl>, with a stack of the caller's.", RUNS, ARGUMENTS,
              *MEMORY],
        returns="0", after=HAS_WAITED,
        errors=[NO_BUNDLE, BLOCKED, LITTLE_MEMORY, NO_MEMORY, OTHER_HANDLE],
        notes=["`bundle_go_mem` is a macro. It needs gcc or clang.", NEGATIVE, SIZE, NO_GUARD, COROUTINE, RESULTS,
               C_PLUS_PLUS],
        example="go_mem",
    ),
    "bundle_wait": dict(
        brief="wait for the coroutines of a bundle",
        text=["Waits until no coroutine is left in the bundle <h>, which may be that of `go`(3). Coroutines that are "
              "added meanwhile count too. If there is none the function returns at once, whatever the deadline.",
              DEADLINE,
              "The bundle stays open, and can be used again. When the deadline has passed, the coroutines go on: "
              "wait again, or cancel them with `hclose`(3)."],
        returns="0",
        errors=[("EBADF", "<h> is not an open handle, or was closed meanwhile."), BLOCKED,
                ("ENOTSUP", "<h> is a handle, but not of a bundle."), TIMEDOUT],
        notes=["Several coroutines may wait for one bundle. One that waits for its own waits for ever."],
        example="bundle",
    ),
    "yield": dict(
        brief="let other coroutines run",
        text=["Lets the coroutines run that are ready, each once, and goes on. Descriptors and deadlines are looked "
              "at too, if that has not been done for a while."],
        returns="0", waits=True,
        errors=[BLOCKED],
        notes=["Use it in long calculations: others cannot run while a coroutine does not wait. Functions that send "
               "and receive do likewise now and then, so that a busy peer does not keep the others out."],
        example="bundle",
    ),
}
