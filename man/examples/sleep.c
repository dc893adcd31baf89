#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

int main(void) {
    int64_t next = now();
    for(int i = 1; i <= 3; i++) {
        /* Every 100 ms, however long the work takes. */
        next += 100;
        if(msleep(next) < 0) {
            perror("msleep");
            return EXIT_FAILURE;
        }
        printf("round %d %s\n", i, now() >= next ? "in time" : "too early");
    }
    return 0;
}
