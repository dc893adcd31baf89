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
    struct ipaddr peer;
    int s = TRY(tcp_accept(listener, &peer, -1));
    char text[IPADDR_MAXSTRLEN];
    printf("client at %s\n", ipaddr_str(&peer, text));
    /* Sends everything back, until the client has said all it has to say
       or has been silent for ten seconds. */
    char c;
    while(brecv(s, &c, 1, now() + 10000) == 0)
        TRY(bsend(s, &c, 1, now() + 10000));
    if(errno != EPIPE) perror("brecv");
    TRY(tcp_close(s, now() + 1000));
    TRY(hclose(listener));
    return EXIT_SUCCESS;
}
