"""The table of the pages about frames that leave by themselves, for pages.py."""

from texts import CANCELED, DEADLINE, NO_HANDLE, NOMEM, TIMEDOUT

SEE_ALSO = ("ws_send", "ws_done", "ws_close", "ws_query")

NOT_WS = ("ENOTSUP", "<s> is a handle, but not of a WebSocket.")
NO_QUEUE = "The host is the original libdill, or the byte stream one of the program's own: they send nothing by themselves."
BROKEN = ("ECONNRESET", "The connection is broken.")
CLOSED = ("EPIPE", "The close frame has been sent already, or is being sent.")
NEVER_WAITS = "The call never waits and never lets other coroutines run. So it works in a coroutine that is being cancelled, too."
LATER = ("What is posted leaves by itself, whichever coroutine runs: at once where nothing is in front of it and such "
         "messages have come singly so far; otherwise, together with others, when the thread next waits or looks at its "
         "descriptors. From then on it leaves as the connection takes it. An error that is met later is reported by the next "
         "call on the handle.")

PAGES = {
    "ws_flush": dict(
        brief="wait until held and posted frames are sent",
        example="ws_flush",
        text=["Waits until everything that was held (`WS_HOLD`, see `ws_send`(3) and `ws_opts`(3)) or posted (`ws_post`(3)) on "
              "the WebSocket <s> has been handed to the system.",
              "Any number of coroutines may wait for the same connection, and others may send meanwhile. After `ETIMEDOUT` "
              "nothing is lost, and the call can be made again.",
              "On the original libdill nothing is held, and the call succeeds at once.",
              DEADLINE],
        returns="0",
        errors=[NO_HANDLE, CANCELED, ("ECONNRESET", "The connection is broken, and what was left is lost."), NOT_WS, TIMEDOUT],
        notes=["16 messages that are held and leave together cost one system call instead of 16. A program that answers each "
               "message as it comes holds every answer: they leave when it waits for more. One that computes for long after it "
               "has held a frame calls `ws_flush`(3) before."],
        rfc="RFC 6455 section 6.1.",
    ),
    "ws_msg": dict(
        brief="prepare a message for many WebSockets",
        example="ws_post",
        text=["Makes a message of the <len> bytes at <buf>, which are copied, and returns a handle for it. It is framed once, and "
              "then posted to any number of WebSockets with `ws_post`(3).",
              ("`WS_TEXT`", "It is a text message, and has to be UTF-8. Without the flag it is binary."),
              ("`WS_PLAIN`", "It is never compressed. Without the flag it is where that was agreed on and makes it shorter: once "
               "for all connections with the same parameters, when it is first posted to one of them."),
              "`hclose`(3) frees the message. That may be right after it was posted: what is queued is no part of it."],
        returns="The message's handle",
        errors=[CANCELED,
                ("EINVAL", "<flags> has another bit. <buf> is NULL and <len> is not 0, or <len> is more than SSIZE_MAX. The data "
                 "of a text message is not UTF-8."),
                NOMEM],
        notes=["A compressed message that is posted refers to no earlier one of its connection, since it is the same for all. "
               "Nor does the next one that is sent."],
        rfc="RFC 6455 section 5.6; RFC 7692 section 7.2.1.",
    ),
    "ws_post": dict(
        brief="post a prepared message to a WebSocket",
        example="ws_post",
        text=["Queues the message <m>, which `ws_msg`(3) has made, on the WebSocket <s>. It goes out behind what was sent, held and "
              "posted there before, and behind a message that another coroutine is in the middle of.",
              NEVER_WAITS, LATER,
              "The message is queued as a whole or not at all. If as many bytes as `maxqueue` of `ws_opts`(3) are waiting "
              "already, that is 64 KiB where nobody says otherwise, the call fails with `EAGAIN`. So one peer of a thousand "
              "that does not receive costs at most that and one message, and delays nobody."],
        returns="0",
        errors=[("EAGAIN", "`maxqueue` bytes are waiting already. Nothing was queued."),
                ("EBADF", "<s> or <m> is not a handle."), BROKEN, NOMEM,
                ("ENOTSUP", "<s> is no WebSocket, or <m> no prepared message. " + NO_QUEUE), CLOSED],
        notes=["What to do after `EAGAIN` depends on the program: leave the message out if the next one says more, or end the "
               "connection with `ws_fail`(3).",
               "Several messages for many: post all of them to one connection, and then to the next. They share a system call "
               "in any order, but so a connection is in the processor's cache once.",
               "`ws_send`(3) to one of them waits until what is queued there has left: within its deadline."],
        rfc="RFC 6455 section 6.1.",
    ),
    "ws_postdone": dict(
        brief="post the close frame to a WebSocket",
        example="ws_post",
        text=["Does what `ws_done`(3) does, without waiting: a close frame with <status>, and the <len> bytes at <buf> as the "
              "reason, goes out behind everything that was sent, held and posted on the WebSocket <s>, however much that is. "
              "Sending is over from now on; receiving goes on until the peer's close frame.",
              "<status> is 0 for none, 1000 to 1003, 1007 to 1014, or 3000 to 4999. <buf> is NULL if <len> is 0.",
              NEVER_WAITS, "The call never fails because another coroutine is sending: the close frame goes behind that message."],
        returns="0",
        errors=[NO_HANDLE, BROKEN,
                ("EINVAL", "<status> is none of these, or 0 and there is a reason. <buf> is NULL and <len> is not 0. The reason "
                 "has more than 123 bytes, or is not UTF-8."),
                NOMEM, ("ENOTSUP", NOT_WS[1] + " " + NO_QUEUE), CLOSED],
        notes=["A server that ends with 10,000 connections closes its listener, calls `ws_postdone`(3) for each connection, waits "
               "with `bundle_wait`(3) and a deadline for the coroutines that receive there, and closes the bundle with "
               "`hclose`(3): the last ones are those whose peers do not answer."],
        rfc="RFC 6455 sections 5.5.1 and 7.1.2.",
    ),
    "ws_fail": dict(
        brief="end a WebSocket that other coroutines are using",
        example="ws_post",
        text=["Ends the connection <s>, whoever is using it. Messages that are queued, and of which nothing has been sent yet, are "
              "dropped. The peer gets a close frame with <status>, unless that is 0, behind what has been begun; where the peer "
              "takes nothing any more, it gets none.",
              "Receiving calls fail with `ECONNRESET`, sending ones with `EPIPE`: later ones, and those that wait at the moment.",
              NEVER_WAITS,
              "The handle stays open. The coroutine whose it is finds the end, and closes it with `hclose`(3)."],
        returns="0",
        errors=[NO_HANDLE, ("EINVAL", "<status> is not 0, 1000 to 1003, 1007 to 1014, or 3000 to 4999."),
                ("ENOTSUP", NOT_WS[1] + " " + NO_QUEUE)],
        notes=["Whoever posts to a connection does not own it: another coroutine receives there, and may be about to close it. "
               "With this function a slow peer can be ended without a race between the two."],
        rfc="RFC 6455 section 7.1.7.",
    ),
}
