#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static coroutine void clerk(const char *name) {
    printf("%s is at work\n", name);
    /* Stands for anything that waits. */
    if(msleep(-1) < 0 && errno == ECANCELED)
        printf("%s clears the desk\n", name);
}

int main(void) {
    int h = go(clerk("Alice"));
    if(h < 0) {
        perror("go");
        return EXIT_FAILURE;
    }
    puts("main goes on");
    hclose(h);      /* cancels it, and waits for its end */
    puts("all over");
    return 0;
}
