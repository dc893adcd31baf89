#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <libdill.h>
#include <libdill_ws.h>

static ssize_t check(ssize_t rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(void) {
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, -1));
    int64_t dl = now() + 10000;
    char command[16], resource[256], name[256], val[256];
    char key[256] = "", accept[WS_KEY_SIZE];
    s = TRY(http_attach(s));
    TRY(http_recvrequest(s, command, sizeof command, resource,
        sizeof resource, dl));
    while(!http_recvfield(s, name, sizeof name, val, sizeof val, dl)) {
        if(!strcasecmp(name, "Sec-WebSocket-Key")) strcpy(key, val);
        if(!strcasecmp(name, "Origin")) printf("origin: %s\n", val);
    }
    if(errno != EPIPE) check(-1, "http_recvfield");
    TRY(ws_response_key(key, accept));
    TRY(http_sendstatus(s, 101, "Switching Protocols", dl));
    TRY(http_sendfield(s, "Upgrade", "websocket", dl));
    TRY(http_sendfield(s, "Connection", "Upgrade", dl));
    TRY(http_sendfield(s, "Sec-WebSocket-Accept", accept, dl));
    s = TRY(http_detach(s, dl));
    s = TRY(ws_attach_server(s, WS_TEXT | WS_NOHTTP, NULL, 0, NULL, 0,
        dl));
    TRY(msend(s, "welcome", 7, dl));
    s = TRY(ws_detach(s, 1000, NULL, 0, dl));
    TRY(tcp_close(s, dl));
    hclose(listener);
    return EXIT_SUCCESS;
}
