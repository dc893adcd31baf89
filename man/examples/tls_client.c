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
    int s = TRY(happyeyeballs_connect("www.example.org", 443, deadline));
    s = TRY(tls_attach_client_host(s, "www.example.org", deadline));
    TRY(bsend(s, "hello\n", 6, deadline));
    TRY(tls_done(s, deadline));
    char c;
    while(brecv(s, &c, 1, deadline) == 0) putchar(c);
    if(errno != EPIPE) check(-1, "brecv");  /* it was cut off */
    s = TRY(tls_detach(s, deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
