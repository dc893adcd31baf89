#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

static coroutine void client(const char *path, int64_t deadline) {
    struct ipc_storage storage;
    int s = TRY(ipc_connect_mem(path, &storage, deadline));
    TRY(bsend(s, "hello\n", 6, deadline));
    TRY(ipc_close(s, deadline));
}

int main(void) {
    const char *path = "hello.sock";
    int64_t deadline = now() + 10000;
    struct ipc_listener_storage listener_storage;
    unlink(path);               /* one that was left behind */
    int listener = TRY(ipc_listen_mem(path, 10, &listener_storage));
    int h = TRY(go(client(path, deadline)));
    struct ipc_storage storage;
    int s = TRY(ipc_accept_mem(listener, &storage, deadline));
    char text[6];
    TRY(brecv(s, text, sizeof text, deadline));
    printf("%.6s", text);
    TRY(ipc_close(s, deadline));
    TRY(bundle_wait(h, deadline));
    TRY(hclose(h));
    TRY(hclose(listener));
    unlink(path);
    return EXIT_SUCCESS;
}
