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
    int64_t deadline = now() + 10000;
    /* The proxy, which knows a host that only it can reach. */
    int s = TRY(happyeyeballs_connect("www.example.org", 1080, deadline));
    TRY(socks5_client_connectbyname(s, "alice", "secret",
        "inside.example", 7000, deadline));
    /* From here on the host is at the other end. */
    TRY(bsend(s, "hello\n", 6, deadline));
    TRY(tcp_done(s, deadline));
    char c;
    while(brecv(s, &c, 1, deadline) == 0) putchar(c);
    if(errno != EPIPE) check(-1, "brecv");
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
