#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

/* Sends each message back to where it came from. */
static coroutine void server(int s) {
    while(1) {
        struct ipaddr from;
        char buf[1400];
        ssize_t size = udp_recv(s, &from, buf, sizeof buf, -1);
        if(size >= 0) udp_send(s, &from, buf, size);
        else if(errno == ECANCELED) break;
    }
}

int main(void) {
    struct ipaddr addr;
    struct udp_storage storage;
    TRY(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    int echo = TRY(udp_open_mem(&addr, NULL, &storage));
    int h = TRY(go(server(echo)));

    /* Messages get lost: ask again, and have patience each time. */
    int s = TRY(udp_open(NULL, &addr));
    char answer[100];
    ssize_t size = -1;
    for(int i = 0; i != 5 && size < 0; i++) {
        TRY(udp_send(s, NULL, "anybody there?", 14));
        size = udp_recv(s, NULL, answer, sizeof answer, now() + 1000);
    }
    if(size < 0) check(-1, "udp_recv");
    printf("%.*s\n", (int)size, answer);
    TRY(hclose(s));
    TRY(hclose(h));
    TRY(hclose(echo));
    return EXIT_SUCCESS;
}
