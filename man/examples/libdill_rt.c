#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

/* Sends back what comes, as long as something comes every ten seconds. */
static coroutine void serve(int s) {
    char c;
    while(brecv(s, &c, 1, now() + 10000) == 0 &&
        bsend(s, &c, 1, now() + 10000) == 0) {}
    if(errno == ECANCELED) puts("a client was still here");
    hclose(s);
}

static coroutine void accept_all(int listener) {
    int connections = TRY(bundle());
    while(1) {
        int s = tcp_accept(listener, NULL, -1);
        if(s < 0 && errno == ECANCELED) break;
        if(s < 0) {
            perror("tcp_accept");
            if(msleep(now() + 100) < 0) break;
        } else if(bundle_go(connections, serve(s)) < 0) {
            perror("bundle_go");
            hclose(s);
        }
    }
    hclose(connections);        /* with all of its coroutines */
}

int main(void) {
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int server = TRY(go(accept_all(listener)));
    /* Until the end of the input. */
    char line[100];
    do TRY(fdin(STDIN_FILENO, -1));
    while(read(STDIN_FILENO, line, sizeof line) > 0);
    TRY(hclose(server));        /* everybody stops */
    TRY(hclose(listener));
    puts("good night");
    return EXIT_SUCCESS;
}
