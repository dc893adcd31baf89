#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>
#include <libdillimpl.h>

static ssize_t check(ssize_t rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

/* Passes on what comes, when it comes. */
static coroutine void pass(int from, int to) {
    char buf[4096];
    ssize_t len;
    while((len = brecvsome(from, buf, sizeof buf, -1)) >= 0)
        if(bsend(to, buf, len, -1) != 0) return;
    if(errno == EPIPE) ipc_done(to, -1);
}

int main(void) {
    int left[2], right[2];
    TRY(ipc_pair(left));
    TRY(ipc_pair(right));
    int bridge = TRY(go(pass(left[1], right[0])));
    TRY(bsend(left[0], "Hello", 5, -1));
    TRY(ipc_done(left[0], -1));
    char buf[5];
    TRY(brecv(right[1], buf, sizeof buf, now() + 10000));
    printf("%.5s\n", buf);
    TRY(bundle_wait(bridge, now() + 10000));
    return EXIT_SUCCESS;
}
