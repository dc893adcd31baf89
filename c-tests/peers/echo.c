#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <libdill.h>
#include <libdill_ws.h>

#include "echo.h"
#include "under.h"

int64_t limit(void)
{
    return now() + 60000;
}

/*  Returns 0 when the peer has closed the WebSocket. */
static int echo_messages(int ws, char *buf)
{
    for(;;) {
        int flags;
        ssize_t len = ws_recv(ws, &flags, buf, MESSAGE_MAX, limit());
        if(len < 0) return errno == EPIPE ? 0 : -1;
        if(ws_send(ws, flags, buf, (size_t)len, limit()) < 0) return -1;
    }
}

void finish(int ws)
{
    int status;
    char reason[REASON_MAX];
    ssize_t len = ws_status(ws, &status, reason, sizeof reason);
    if(len < 0) {
        hclose(ws);
        return;
    }
    printf("closed %d %.*s\n", status, (int)len, reason);
    int s = ws_detach(ws, status, reason, (size_t)len, limit());
    if(s >= 0) under_close(s);
}

void echo(int ws)
{
    char *buf = malloc(MESSAGE_MAX);
    int closed = buf && echo_messages(ws, buf) == 0;
    free(buf);
    if(closed) finish(ws);
    else hclose(ws);
}
