#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

/* Answers each byte with the next one of the alphabet. */
static coroutine void server(int s) {
    char c;
    while(brecv(s, &c, 1, -1) == 0) {
        c++;
        if(bsend(s, &c, 1, -1) < 0) break;
    }
    hclose(s);
}

int main(void) {
    int s[2];
    if(ipc_pair(s) < 0) {
        perror("ipc_pair");
        return EXIT_FAILURE;
    }
    int h = go(server(s[1]));
    int64_t deadline = now() + 10000;
    char answer[3];
    if(bsend(s[0], "HAL", 3, deadline) < 0 ||
          brecv(s[0], answer, 3, deadline) < 0) {
        perror("bsend, brecv");
        return EXIT_FAILURE;
    }
    printf("%.3s\n", answer);
    /* Nothing more comes; and a timeout does no harm. */
    if(brecv(s[0], answer, 1, now() + 50) < 0 && errno == ETIMEDOUT)
        puts("no more");
    if(bsend(s[0], "x", 1, deadline) == 0 &&
          brecv(s[0], answer, 1, deadline) == 0)
        printf("%.1s\n", answer);
    hclose(s[0]);
    hclose(h);
    return 0;
}
