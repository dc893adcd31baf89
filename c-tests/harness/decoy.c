/*  Stands for a libdill that a program was linked with: all WebSocket
    functions, none of which works. A preloaded libdill_ws must answer first. */

#include <errno.h>

/*  No function of the real library sets this one. */
static int refuse(void)
{
    errno = EXDEV;
    return -1;
}

#define DECOY(name) \
    int name(void) {return refuse();} \
    int dill_##name(void) {return refuse();}

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
DECOY(ws_attach_client)
DECOY(ws_attach_client_mem)
DECOY(ws_attach_server)
DECOY(ws_attach_server_mem)
DECOY(ws_send)
DECOY(ws_recv)
DECOY(ws_sendl)
DECOY(ws_recvl)
DECOY(ws_done)
DECOY(ws_detach)
DECOY(ws_status)
DECOY(ws_request_key)
DECOY(ws_response_key)
