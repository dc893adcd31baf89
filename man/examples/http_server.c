#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    int s = TRY(tcp_accept(listener, NULL, now() + 10000));
    int64_t deadline = now() + 10000;
    s = TRY(http_attach(s));
    char command[16];
    char resource[256];
    TRY(http_recvrequest(s, command, sizeof command, resource,
        sizeof resource, deadline));
    printf("%s %s\n", command, resource);
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
    const char *body = "Hello, world!";
    TRY(http_sendstatus(s, 200, "OK", deadline));
    TRY(http_sendfield(s, "Content-Type", "text/plain", deadline));
    TRY(http_sendfield(s, "Content-Length", "13", deadline));
    /* Ends the head too. What follows is the body. */
    s = TRY(http_detach(s, deadline));
    TRY(bsend(s, body, strlen(body), deadline));
    TRY(tcp_close(s, deadline));
    return EXIT_SUCCESS;
}
