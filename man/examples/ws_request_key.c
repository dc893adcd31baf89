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
    int64_t dl = now() + 10000;
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "www.example.org", 80, 0, dl));
    int s = TRY(tcp_connect(&addr, dl));
    char key[WS_KEY_SIZE], accept[WS_KEY_SIZE], name[256], val[256];
    TRY(ws_request_key(key));
    TRY(ws_response_key(key, accept));
    s = TRY(http_attach(s));
    TRY(http_sendrequest(s, "GET", "/", dl));
    const char *fields[][2] = {{"Host", "www.example.org"},
        {"Upgrade", "websocket"}, {"Connection", "Upgrade"},
        {"Sec-WebSocket-Key", key}, {"Sec-WebSocket-Version", "13"},
        {"Authorization", "Bearer 1234"}};
    for(size_t i = 0; i < sizeof fields / sizeof fields[0]; ++i)
        TRY(http_sendfield(s, fields[i][0], fields[i][1], dl));
    TRY(http_done(s, dl));
    int rc = TRY(http_recvstatus(s, val, sizeof val, dl)), ok = 0;
    while(!http_recvfield(s, name, sizeof name, val, sizeof val, dl))
        if(!strcasecmp(name, "Sec-WebSocket-Accept"))
            ok = !strcmp(val, accept);
    if(errno != EPIPE || rc != 101 || !ok) return 1;
    s = TRY(http_detach(s, dl));
    s = TRY(ws_attach_client(s, WS_TEXT | WS_NOHTTP, NULL, NULL, dl));
    TRY(msend(s, "let me in", 9, dl));
    ssize_t sz = TRY(mrecv(s, val, sizeof val, dl));
    printf("%.*s\n", (int)sz, val);
    s = TRY(ws_detach(s, 1000, NULL, 0, dl));
    TRY(tcp_close(s, dl));
    return EXIT_SUCCESS;
}
