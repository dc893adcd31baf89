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

/* Answers lines, until there is an empty one. */
static coroutine void server(int s, int64_t deadline) {
    s = TRY(suffix_attach(s, "\r\n", 2));
    while(1) {
        char line[80];
        int size = TRY((int)mrecv(s, line, sizeof line, deadline));
        if(size == 0) break;
        memcpy(line, "You ", 4);
        TRY(msend(s, line, size, deadline));
    }
    s = TRY(suffix_detach(s, deadline));
    TRY(bsend(s, "Goodbye", 7, deadline));      /* without a suffix */
    TRY(ipc_close(s, deadline));
}

int main(void) {
    int64_t deadline = now() + 10000;
    int ends[2];
    TRY(ipc_pair(ends));
    int h = TRY(go(server(ends[1], deadline)));

    struct suffix_storage storage;
    int s = TRY(suffix_attach_mem(ends[0], "\r\n", 2, &storage));
    char line[80];
    TRY(msend(s, "I   say hello", 13, deadline));
    int size = TRY((int)mrecv(s, line, sizeof line, deadline));
    printf("%.*s\n", size, line);
    TRY(msend(s, "", 0, deadline));
    s = TRY(suffix_detach(s, deadline));
    TRY(brecv(s, line, 7, deadline));
    printf("%.7s\n", line);
    TRY(ipc_close(s, deadline));
    TRY(bundle_wait(h, deadline));
    TRY(hclose(h));
    return EXIT_SUCCESS;
}
