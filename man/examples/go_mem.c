#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

enum {WORKERS = 3, STACK = 16384};

static coroutine void work(int number) {
    if(msleep(now() + 10) < 0) return;
    printf("worker %d is ready\n", number);
}

int main(void) {
    /* Here the program says where the stacks are. */
    static struct bundle_storage storage;
    static char stacks[WORKERS][STACK], another[STACK];
    int b = bundle_mem(&storage);
    if(b < 0) {
        perror("bundle_mem");
        return EXIT_FAILURE;
    }
    for(int i = 0; i != WORKERS; i++) {
        if(bundle_go_mem(b, work(i), stacks[i], STACK) < 0) {
            perror("bundle_go_mem");
            return EXIT_FAILURE;
        }
    }
    int h = go_mem(work(WORKERS), another, STACK);
    if(h < 0) {
        perror("go_mem");
        return EXIT_FAILURE;
    }
    bundle_wait(b, -1);
    bundle_wait(h, -1);
    hclose(h);
    hclose(b);
    return 0;
}
