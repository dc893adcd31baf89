"""The table of the pages of libdill_rt's handles, for pages.py."""

from texts import BLOCKED, LIBDILL, NOMEM

TITLE = "Handles"
SEE_ALSO = ("bsend", "brecv", "msend", "mrecv")
SOURCE = LIBDILL

NO_HANDLE = ("EBADF", "<h> is not an open handle.")

CALLBACKS = [
    "The object begins with, or has in it, a `struct hvfs` with two functions, which get the address of that "
    "structure and find the object from there:",
    ("`void *(*query)(struct hvfs *vfs, const void *type)`",
     "Returns the interface that <type> stands for, usually the address of a structure in the object; or NULL with "
     "`errno` set to `ENOTSUP` if the object does not have it. What it returns for a type has to stay the same for as "
     "long as the handle is open, since it is remembered."),
    ("`void (*close)(struct hvfs *vfs)`",
     "Releases the object, and with `hclose`(3) the handles that it owns. It is called once. It may not block: calls "
     "that wait fail with `ECANCELED` in it, and so do those that make handles."),
]

TYPES = [
    "A type is an address that nobody else has, such as that of a `static const int`. Two are known to all:",
    ("`bsock_type`", "A byte stream, with a `struct bsock_vfs` as its interface: `bsendl` and `brecvl`, which "
     "`bsend`(3), `brecv`(3), `bsendl`(3) and `brecvl`(3) call."),
    ("`msock_type`", "A message socket, with a `struct msock_vfs`: `msendl` and `mrecvl`, which `msend`(3), `mrecv`(3), "
     "`msendl`(3) and `mrecvl`(3) call."),
    "Both are variables. Compare their values and not their addresses.",
]

THREAD = "A handle means something in the thread that made it only. In another one the same number is another handle."

PAGES = {
    "hmake": dict(
        brief="give an object of one's own a handle",
        text=["Gives an object a handle and returns it. From then on others can use the object by that number, pass "
              "it on with `hown`(3) and close it with `hclose`(3).",
              *CALLBACKS,
              "The object has to stay in place until its `close` has been called."],
        returns="The handle",
        errors=[BLOCKED,
                ("EINVAL", "<vfs>, or one of its functions, is NULL."), NOMEM],
        notes=[THREAD, "The first handle of a thread is 0, which is as good as any other. Use \\-1 for \"none\"."],
        example="handle",
    ),
    "hquery": dict(
        brief="ask the object behind a handle for an interface",
        text=["Asks the object behind the handle <h> for the interface that <type> stands for, and returns it. This "
              "is how a function finds the object that it is called for, and learns that it is not of another kind.",
              *TYPES],
        returns="The interface", failure="NULL",
        errors=[NO_HANDLE,
                ("ENOTSUP", "The object does not have this interface. Other errors are possible if its `query` says "
                 "so.")],
        notes=["The last interface that was found is remembered for each handle, so that asking again is quick.",
               "The pointer is good until the handle is closed. Other coroutines may do that while this one waits: "
               "ask again then.",
               "The function works in a coroutine that is being cancelled as well."],
        example="handle",
    ),
    "hown": dict(
        brief="take over the object behind a handle",
        text=["Gives the object behind the handle <h> a new number and returns that. The old one is not valid any "
              "more, so whoever has kept it cannot use or close the object by mistake.",
              "Functions that take over a handle begin with this. All that attach to a socket do so, such as "
              "`http_attach`(3): on success or failure, the number that was passed to them is gone.",
              "After `EBADF` nothing has happened. After any other failure the object is closed."],
        returns="The new handle",
        errors=[NO_HANDLE, BLOCKED, NOMEM],
        notes=[THREAD],
        example="handle",
    ),
    "hclose": dict(
        brief="close a handle",
        text=["Closes the handle <h>, whatever it is, and with it everything that the object behind it owns. It takes "
              "no deadline and says nothing to a peer:",
              ("A bundle, also that of `go`(3)", "Its coroutines are cancelled: each call of theirs that waits, or "
               "would, fails with `ECANCELED`. The function waits until all of them have finished, while other "
               "coroutines run. So a coroutine may rely on everything that its parent has."),
              ("A connection", "It is cut off. What has not been sent yet may be lost. A TCP peer gets a reset. For an "
               "orderly end use `tcp_close`(3), `ipc_close`(3), or what the layer on top has."),
              ("A layer on a connection, such as TLS", "Both are closed, without a word to the peer. The functions "
               "that detach give the connection back."),
              ("A WebSocket", "Likewise, but what was sent still reaches a peer that reads. For that the descriptor "
               "stays open, while coroutines run or wait, until the peer ends its side, for two seconds at most."),
              ("A listener", "Nobody can connect any more. The file of a UNIX socket stays."),
              ("An end of a channel", "If the other end is closed too, who still waits at either gets `EPIPE`. The "
               "first to close disturbs nobody; `chdone`(3) tells the other side that no more will come.")],
        returns="0", waits=True,
        errors=[NO_HANDLE],
        notes=["If another coroutine is in a call on the handle, that call fails with `ECONNRESET`, or with `EBADF` in "
               "`bundle_wait`(3). Channels are as above.",
               "A coroutine cannot close the bundle that it runs in; the program ends then, with a message.",
               "A closed number comes back as late as possible, after some 250 others. Until then it fails with "
               "`EBADF`.",
               "The function works in a coroutine that is being cancelled as well: that is how it cleans up."],
        example="handle",
    ),
}
