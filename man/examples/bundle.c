#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static coroutine void count(const char *name, int to) {
    for(int i = 1; i <= to; i++) {
        printf("%s: %d\n", name, i);
        if(yield() < 0) {
            printf("%s was stopped\n", name);
            return;
        }
    }
}

int main(void) {
    int b = bundle();
    if(b < 0) {
        perror("bundle");
        return EXIT_FAILURE;
    }
    if(bundle_go(b, count("one", 2)) < 0 ||
          bundle_go(b, count("two", 3)) < 0) {
        perror("bundle_go");
        return EXIT_FAILURE;
    }
    if(bundle_wait(b, now() + 10000) < 0) {
        perror("bundle_wait");
        return EXIT_FAILURE;
    }
    puts("both have finished");
    if(bundle_go(b, count("three", 1000000)) < 0) perror("bundle_go");
    hclose(b);
    return 0;
}
