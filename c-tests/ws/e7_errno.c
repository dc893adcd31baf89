/*  errno after a success of the functions for frames that leave by themselves: see
    s2_errno.c. */

#include <libdill_wsx.h>
#include <unistd.h>

#include "conn.h"
#include "quiet.h"

#define Q(expr) QUIET(expr, excused)

/*  On libdill nothing is posted. */
static int sends_by_itself;

static void posting(int *excused)
{
    struct conn c;
    conn_open(&c, SERVER, 0);
    Q(ws_flush(c.h, SOON));
    int m = Q(ws_msg(WS_TEXT, "x", 1));
    sends_by_itself = ws_post(c.h, m) == 0;
    if(sends_by_itself) {
        Q(ws_post(c.h, m));
        Q(ws_flush(c.h, SOON));
        Q(ws_post(c.h, m));
        Q(ws_postdone(c.h, 1000, NULL, 0));
        Q(ws_fail(c.h, 1000));
        Q(ws_fail(c.h, 0));
    }
    CHECK_OK(hclose(m));
    conn_close(&c);
    CHECK_OK(msleep(now() + 2));
}

static coroutine void make_room(int fd, size_t len)
{
    if(msleep(now() + 2) == 0) wire_unfill(fd, len);
    errno = OF_OTHERS;
}

TEST(e7_errno_after_posting)
{
    TRY_QUIETLY(posting);
}

TEST(e7_errno_after_a_wait_for_what_is_held)
{
    if(!sends_by_itself) NA("the host sends nothing by itself");
    int fd[2];
    wire_pair(fd);
    int own = dup(fd[0]);
    struct ws_opts o = ws_defaults;
    o.flags = WS_NOHTTP;
    int h = ws_attach_server_opts(stream_from(fd[0]), &o, SOON);
    CHECK_OK(h);
    size_t full = wire_fill(own);
    close(own);
    CHECK_OK(ws_send(h, WS_HOLD, "x", 1, 0));
    int cr = go(make_room(fd[1], full));
    WAITS(ws_flush(h, SOON));
    CHECK_OK(hclose(cr));
    CHECK_OK(hclose(h));
    wire_close(fd[1]);
    CHECK_OK(msleep(now() + 2));
}
