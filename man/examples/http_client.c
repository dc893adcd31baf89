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
    int s = TRY(happyeyeballs_connect("www.example.org", 80, deadline));
    s = TRY(http_attach(s));
    TRY(http_sendrequest(s, "GET", "/", deadline));
    TRY(http_sendfield(s, "Host", "www.example.org", deadline));
    TRY(http_sendfield(s, "Connection", "close", deadline));
    TRY(http_done(s, deadline));
    char reason[256];
    int status = TRY(http_recvstatus(s, reason, sizeof reason, deadline));
    printf("%d %s\n", status, reason);
    while(1) {
        char name[64];
        char value[1024];
        int rc = http_recvfield(s, name, sizeof name, value, sizeof value,
            deadline);
        if(rc < 0 && errno == EPIPE) break;     /* no more fields */
        if(rc < 0 && errno == EMSGSIZE) continue;   /* too long for us */
        check(rc, "http_recvfield");
        printf("%s: %s\n", name, value);
    }
    /* What follows is the body: until the server closes. */
    s = TRY(http_detach(s, deadline));
    char c;
    while(brecv(s, &c, 1, deadline) == 0) putchar(c);
    if(errno != EPIPE) check(-1, "brecv");  /* it was cut off */
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
