#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(void) {
    int s[2];
    TRY(ipc_pair(s));
    int64_t deadline = now() + 10000;
    pid_t pid = TRY(fork());
    if(pid == 0) {
        /* A process that may do little gets its output from the other. */
        TRY(hclose(s[0]));
        int fd = TRY(ipc_recvfd(s[1], deadline));
        TRY(write(fd, "written by the child\n", 21));
        close(fd);
        TRY(ipc_close(s[1], deadline));
        return EXIT_SUCCESS;
    }
    TRY(hclose(s[1]));
    TRY(ipc_sendfd(s[0], STDOUT_FILENO, deadline));
    TRY(ipc_close(s[0], deadline));
    int status;
    TRY(waitpid(pid, &status, 0));
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
