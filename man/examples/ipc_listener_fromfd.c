#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

static coroutine void client(const char *path, int64_t deadline) {
    int s = TRY(ipc_connect(path, deadline));
    char text[6];
    TRY(brecv(s, text, sizeof text, deadline));
    printf("%.6s", text);
    TRY(ipc_close(s, deadline));
}

int main(void) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, "private.sock");
    unlink(addr.sun_path);
    int fd = TRY(socket(AF_UNIX, SOCK_STREAM, 0));
    TRY(bind(fd, (struct sockaddr*)&addr, sizeof addr));
    TRY(chmod(addr.sun_path, 0600));    /* for nobody else */
    TRY(listen(fd, 10));

    int listener = TRY(ipc_listener_fromfd(fd));
    int64_t deadline = now() + 10000;
    int h = TRY(go(client(addr.sun_path, deadline)));
    int s = TRY(ipc_accept(listener, deadline));
    TRY(bsend(s, "hello\n", 6, deadline));
    TRY(ipc_close(s, deadline));
    TRY(bundle_wait(h, deadline));
    TRY(hclose(h));
    TRY(hclose(listener));
    unlink(addr.sun_path);
    return EXIT_SUCCESS;
}
