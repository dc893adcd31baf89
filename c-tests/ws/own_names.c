/*  A program that defines functions of its own with the raw names links,
    calls its own, and still reaches the library's. */

#define DILL_DISABLE_RAW_NAMES
#include <stdio.h>
#include <string.h>

#include <libdill.h>
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif

static int calls;

#define OWN(name) int name(void); int name(void) {return ++calls;}
OWN(ws_attach_client)
OWN(ws_attach_client_mem)
OWN(ws_attach_server)
OWN(ws_attach_server_mem)
OWN(ws_send)
OWN(ws_recv)
OWN(ws_sendl)
OWN(ws_recvl)
OWN(ws_done)
OWN(ws_detach)
OWN(ws_status)
OWN(ws_request_key)
OWN(ws_response_key)

/*  One message through the library; none of its steps may end up above. */
static int exchange(void)
{
    int s[2];
    char buf[8];
    if(dill_ipc_pair(s) != 0) return -1;
    int64_t soon = dill_now() + 3000;
    int c = dill_ws_attach_client(s[0], DILL_WS_NOHTTP, NULL, NULL, soon);
    int h = dill_ws_attach_server(s[1], DILL_WS_NOHTTP, NULL, 0, NULL, 0, soon);
    if(c < 0 || h < 0) return -1;
    if(dill_ws_send(c, DILL_WS_TEXT, "hello", 5, soon) != 0) return -1;
    if(dill_ws_recv(h, NULL, buf, sizeof buf, soon) != 5) return -1;
    dill_hclose(c);
    dill_hclose(h);
    return memcmp(buf, "hello", 5);
}

int main(void)
{
    int own = ws_send() + ws_done() + ws_request_key();
    int rc = exchange();
    printf("own functions %d, calls %d, exchange %d\n", own, calls, rc);
    return own == 6 && calls == 3 && rc == 0 ? 0 : 1;
}
