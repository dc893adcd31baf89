#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libdill.h>
#include <libdill_wsx.h>

static ssize_t check(ssize_t rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(void) {
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "127.0.0.1", 8080, 0, -1));
    int s = TRY(tcp_connect(&addr, -1));
    s = TRY(ws_attach_client_opts(s, "/", "localhost", NULL, now() + 10000));
    const char *lines[] = {"one", "two", "three"};
    for(int i = 0; i != 3; i++)
        TRY(ws_send(s, WS_TEXT | WS_HOLD, lines[i], strlen(lines[i]), now() + 10000));
    struct ws_info info;
    TRY(ws_query(s, &info, sizeof info));
    printf("%zu bytes are held\n", info.queued);
    TRY(ws_flush(s, now() + 10000));
    char buf[256];
    ssize_t sz = TRY(ws_recv(s, NULL, buf, sizeof buf, now() + 10000));
    printf("%.*s\n", (int)sz, buf);
    TRY(ws_close(s, 1000, NULL, 0, now() + 10000));
    return EXIT_SUCCESS;
}
