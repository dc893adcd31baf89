#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>
#include <libdill_wsx.h>

static ssize_t check(ssize_t rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(void) {
    static const char *const fields[] = {"Authorization: Bearer 1234", NULL};
    int64_t deadline = now() + 10000;
    int status;
    char head[4096], where[256];
    struct ws_opts opts = ws_defaults;
    opts.protocols = "chat.v2, chat.v1";
    opts.fields = fields;
    opts.status = &status;
    opts.head = head;
    opts.headlen = sizeof head;
    int h = ws_connect("ws://127.0.0.1:8080/chat", &opts, deadline);
    if(h < 0 && status / 100 == 3 &&
          ws_headfield(head, "Location", 0, where, sizeof where) >= 0) {
        printf("it has moved to %s\n", where);
        return EXIT_SUCCESS;
    }
    TRY(h);
    TRY(ws_send(h, WS_TEXT, "hello", 5, deadline));
    char buf[256];
    ssize_t sz = TRY(ws_recv(h, NULL, buf, sizeof buf, deadline));
    printf("%.*s\n", (int)sz, buf);
    int s = TRY(ws_detach(h, 1000, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
