/*  errno after a success of the functions for options: what it was before the
    call, or 0 if the call has waited. */

#include <string.h>

#include "http.h"
#include "quiet.h"
#include "tap.h"

#include <libdill_wsx.h>

#define Q(expr) QUIET(expr, excused)

static void telling(int *excused)
{
    struct conn c;
    struct ws_info info;
    conn_open(&c, SERVER, 0);
    Q(ws_query(c.h, &info, sizeof info));
    conn_close(&c);
}

/*  The request is there, and a handshake without HTTP waits for nothing. */
static void attaching(int *excused)
{
    struct ws_opts o = ws_defaults;
    struct bytes request = {0};
    int fd;
    request_put(&request, &(struct request){0});
    int s = stream_open(&fd);
    wire_send(fd, &request);
    CHECK_OK(msleep(now() + 2));
    CHECK_OK(hclose(Q(ws_attach_server_opts(s, &o, SOON))));
    wire_close(fd);
    o.flags = WS_NOHTTP;
    s = stream_open(&fd);
    CHECK_OK(hclose(Q(ws_attach_client_opts(s, NULL, NULL, &o, SOON))));
    wire_close(fd);
    bytes_free(&request);
}

/*  The peer has said all that it will. */
static void closing(int *excused)
{
    struct bytes in = {0};
    for(enum role role = CLIENT; role <= SERVER; role++) {
        struct conn c;
        conn_open(&c, role, 0);
        in.n = 0;
        peer_close(&in, role, 1000, NULL, 0);
        wire_send(c.fd, &in);
        wire_end(c.fd);
        CHECK_OK(msleep(now() + 2));
        Q(ws_close(c.h, 1000, NULL, 0, SOON));
        wire_close(c.fd);
    }
    bytes_free(&in);
}

TEST(e2_errno_after_telling)
{
    TRY_QUIETLY(telling);
}

TEST(e2_errno_after_attaching)
{
    TRY_QUIETLY(attaching);
}

TEST(e2_errno_after_closing)
{
    TRY_QUIETLY(closing);
}
