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

int main(void) {
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, -1));
    int64_t deadline = now() + 10000;
    s = TRY(tls_attach_server(s, "chain.pem", "key.pem", deadline));
    char c;
    while(brecv(s, &c, 1, deadline) == 0) TRY(bsend(s, &c, 1, deadline));
    if(errno != EPIPE) check(-1, "brecv");  /* it was cut off */
    s = TRY(tls_detach(s, deadline));
    TRY(tcp_close(s, deadline));
    TRY(hclose(listener));
    return EXIT_SUCCESS;
}
