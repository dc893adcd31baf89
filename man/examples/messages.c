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
    int s[2];
    TRY(ipc_pair(s));
    for(int i = 0; i != 2; i++) s[i] = TRY(prefix_attach(s[i], 4, 0));
    TRY(msend(s[0], "one", 3, deadline));
    TRY(msend(s[0], "a long one", 10, deadline));
    TRY(msend(s[0], "", 0, deadline));
    for(int i = 0; i != 3; i++) {
        char buf[5];
        ssize_t size = mrecv(s[1], buf, sizeof buf, deadline);
        if(size >= 0) printf("%d bytes: %.*s\n", (int)size, (int)size, buf);
        else if(errno == EMSGSIZE) puts("a message that is too long");
        else check(-1, "mrecv");
    }
    TRY(hclose(s[0]));
    TRY(hclose(s[1]));
    return EXIT_SUCCESS;
}
