#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

static coroutine void client(const struct ipaddr *addr, int64_t deadline) {
    struct tcp_storage storage;
    int s = TRY(tcp_connect_mem(addr, &storage, deadline));
    TRY(bsend(s, "hello\n", 6, deadline));
    TRY(tcp_close(s, deadline));
}

int main(void) {
    int64_t deadline = now() + 10000;
    struct ipaddr addr;
    struct tcp_listener_storage listener_storage;
    TRY(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    int listener = TRY(tcp_listen_mem(&addr, 10, &listener_storage));
    int h = TRY(go(client(&addr, deadline)));
    struct tcp_storage storage;
    int s = TRY(tcp_accept_mem(listener, NULL, &storage, deadline));
    char text[6];
    TRY(brecv(s, text, sizeof text, deadline));
    printf("%.6s", text);
    TRY(tcp_close(s, deadline));
    TRY(bundle_wait(h, deadline));
    TRY(hclose(h));
    TRY(hclose(listener));
    return EXIT_SUCCESS;
}
