#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>
#include <libdill_ws.h>

static ssize_t check(ssize_t rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(void) {
    int64_t deadline = now() + 10000;
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "www.example.org", 80, 0, deadline));
    int s = TRY(tcp_connect(&addr, deadline));
    s = TRY(ws_attach_client(s, WS_TEXT, "/", "www.example.org",
        deadline));
    for(int i = 0; i < 3; ++i)
        TRY(ws_send(s, WS_TEXT, "question", 8, deadline));
    /* No more questions, but the answers are still wanted. */
    TRY(ws_done(s, 1000, "no more questions", 17, deadline));
    char buf[256];
    int answers = 0;
    while(ws_recv(s, NULL, buf, sizeof buf, deadline) >= 0) ++answers;
    if(errno != EPIPE) check(-1, "ws_recv");
    printf("%d answers\n", answers);
    /* Both close frames have passed: this returns at once. */
    s = TRY(ws_detach(s, 0, NULL, 0, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
