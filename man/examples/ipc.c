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

/* Usually this is another process. */
static coroutine void server(int listener, int64_t deadline) {
    int s = TRY(ipc_accept(listener, deadline));
    int sum = 0;
    unsigned char number;
    while(brecv(s, &number, 1, deadline) == 0) sum += number;
    if(errno != EPIPE) check(-1, "brecv");
    TRY(bsend(s, &sum, sizeof sum, deadline));
    TRY(ipc_close(s, deadline));
}

int main(void) {
    const char *path = "adder.sock";
    int64_t deadline = now() + 10000;
    unlink(path);               /* one that was left behind */
    int listener = TRY(ipc_listen(path, 10));
    int h = TRY(go(server(listener, deadline)));

    int s = TRY(ipc_connect(path, deadline));
    TRY(bsend(s, "\1\2\3", 3, deadline));
    TRY(ipc_done(s, deadline)); /* that was all */
    int sum;
    TRY(brecv(s, &sum, sizeof sum, deadline));
    printf("the sum is %d\n", sum);
    TRY(ipc_close(s, deadline));
    TRY(bundle_wait(h, deadline));
    TRY(hclose(h));
    TRY(hclose(listener));
    unlink(path);
    return EXIT_SUCCESS;
}
