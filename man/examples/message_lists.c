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
    int64_t deadline = now() + 10000;
    int s[2];
    TRY(ipc_pair(s));
    for(int i = 0; i != 2; i++) s[i] = TRY(prefix_attach(s[i], 4, 0));
    /* A message of two parts. */
    struct iolist body = {"the body", 8, NULL, 0};
    struct iolist type = {"type", 4, &body, 0};
    TRY(msendl(s[0], &type, &body, deadline));
    /* It comes in two other parts, and two bytes are dropped. */
    char head[2], rest[20];
    struct iolist last = {rest, sizeof rest, NULL, 0};
    struct iolist skipped = {NULL, 2, &last, 0};
    struct iolist first = {head, sizeof head, &skipped, 0};
    ssize_t size = mrecvl(s[1], &first, &last, deadline);
    if(size < 0) check(-1, "mrecvl");
    printf("[%.2s] [%.*s]\n", head, (int)size - 4, rest);
    TRY(hclose(s[0]));
    TRY(hclose(s[1]));
    return EXIT_SUCCESS;
}
