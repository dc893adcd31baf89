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

/* Counts messages, and says how many there were. */
static coroutine void server(int s, int64_t deadline) {
    struct term_storage storage;
    s = TRY(prefix_attach(s, 2, 0));
    s = TRY(term_attach_mem(s, "END", 3, &storage));
    int count = 0;
    while(mrecv(s, NULL, 1000, deadline) >= 0) count++;
    if(errno != EPIPE) check(-1, "mrecv");
    TRY(msend(s, &count, sizeof count, deadline));
    s = TRY(term_detach(s, deadline));
    s = TRY(prefix_detach(s));
    TRY(ipc_close(s, deadline));
}

int main(void) {
    int64_t deadline = now() + 10000;
    int ends[2];
    TRY(ipc_pair(ends));
    int h = TRY(go(server(ends[1], deadline)));

    int s = TRY(prefix_attach(ends[0], 2, 0));
    s = TRY(term_attach(s, "END", 3));
    TRY(msend(s, "one", 3, deadline));
    TRY(msend(s, "two", 3, deadline));
    TRY(term_done(s, deadline));        /* that was all */
    int count;
    TRY((int)mrecv(s, &count, sizeof count, deadline));
    printf("%d messages\n", count);
    s = TRY(term_detach(s, deadline));
    s = TRY(prefix_detach(s));
    TRY(ipc_close(s, deadline));
    TRY(bundle_wait(h, deadline));
    TRY(hclose(h));
    return EXIT_SUCCESS;
}
