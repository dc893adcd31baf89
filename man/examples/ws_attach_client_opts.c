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
    static const char *const fields[] = {"Cookie: user=alice", NULL};
    int64_t deadline = now() + 10000;
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "www.example.org", 80, 0, deadline));
    int s = TRY(tcp_connect(&addr, deadline));
    int status;
    struct ws_opts opts = ws_defaults;
    opts.protocols = "chat.v2, chat.v1";
    opts.fields = fields;
    opts.status = &status;
    s = ws_attach_client_opts(s, "/chat", "www.example.org", &opts, deadline);
    if(s < 0) {
        printf("status %d: %s\n", status, ws_why());
        return EXIT_SUCCESS;
    }
    struct ws_info info;
    TRY(ws_query(s, &info, sizeof info));
    printf("we speak %s\n", info.protocol ? info.protocol : "no protocol");
    TRY(ws_send(s, WS_TEXT, "hello", 5, deadline));
    TRY(ws_close(s, 1000, NULL, 0, deadline));
    return EXIT_SUCCESS;
}
