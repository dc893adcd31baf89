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
    /* This side sends messages; the other one looks at the bytes first. */
    int sender = TRY(prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN));
    TRY(msend(sender, "first", 5, deadline));
    TRY(msend(sender, "second", 6, deadline));
    unsigned char size[2];
    TRY(brecv(s[1], size, sizeof size, deadline));
    printf("the size is %02x %02x\n", size[0], size[1]);
    TRY(brecv(s[1], NULL, 5, deadline));
    /* And now the messages. */
    struct prefix_storage storage;
    int receiver = TRY(prefix_attach_mem(s[1], 2, PREFIX_BIG_ENDIAN, &storage));
    char message[100];
    int len = TRY((int)mrecv(receiver, message, sizeof message, deadline));
    printf("%.*s\n", len, message);
    s[0] = TRY(prefix_detach(sender));
    s[1] = TRY(prefix_detach(receiver));
    TRY(hclose(s[0]));
    TRY(hclose(s[1]));
    return EXIT_SUCCESS;
}
