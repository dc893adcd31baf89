#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static coroutine void squares(int ch, int count) {
    for(int i = 1; i <= count; i++) {
        int square = i * i;
        if(chsend(ch, &square, sizeof square, -1) < 0) return;
    }
    chdone(ch);
}

int main(void) {
    int ch[2];
    if(chmake(ch) < 0) {
        perror("chmake");
        return EXIT_FAILURE;
    }
    int h = go(squares(ch[1], 4));
    int64_t deadline = now() + 10000;
    int square;
    while(chrecv(ch[0], &square, sizeof square, deadline) == 0)
        printf("%d\n", square);
    if(errno != EPIPE) perror("chrecv");
    hclose(h);
    hclose(ch[0]);
    hclose(ch[1]);
    return 0;
}
