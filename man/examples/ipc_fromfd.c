#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

/* A thread with a scheduler of its own works out what it is asked for. */
static void *work(void *arg) {
    static struct ipc_storage storage;
    int s = TRY(ipc_fromfd_mem((int)(intptr_t)arg, &storage));
    int number;
    while(brecv(s, &number, sizeof number, -1) == 0) {
        number *= number;
        TRY(bsend(s, &number, sizeof number, -1));
    }
    TRY(ipc_close(s, -1));
    return NULL;
}

int main(void) {
    int fds[2];
    TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    pthread_t thread;
    if(pthread_create(&thread, NULL, work, (void*)(intptr_t)fds[1]) != 0)
        return EXIT_FAILURE;
    /* Coroutines of this thread go on meanwhile. */
    int s = TRY(ipc_fromfd(fds[0]));
    int64_t deadline = now() + 10000;
    int number = 111;
    TRY(bsend(s, &number, sizeof number, deadline));
    TRY(brecv(s, &number, sizeof number, deadline));
    printf("%d\n", number);
    TRY(ipc_close(s, deadline));
    pthread_join(thread, NULL);
    return EXIT_SUCCESS;
}
