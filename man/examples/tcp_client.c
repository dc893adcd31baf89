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
    int64_t deadline = now() + 10000;       /* for all of it */
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "www.example.org", 80, 0, deadline));
    int s = TRY(tcp_connect(&addr, deadline));
    TRY(bsend(s, "hello\n", 6, deadline));
    TRY(tcp_done(s, deadline));             /* that was all */
    char c;
    while(brecv(s, &c, 1, deadline) == 0) putchar(c);
    if(errno != EPIPE) check(-1, "brecv");  /* it was cut off */
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
