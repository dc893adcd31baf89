#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <libdill.h>

/* More than a pipe holds. */
enum {SIZE = 1000000};

static coroutine void writer(int fd) {
    static char data[SIZE];
    size_t sent = 0;
    while(sent < SIZE) {
        ssize_t size = write(fd, data + sent, SIZE - sent);
        if(size >= 0) sent += size;
        else if(errno != EAGAIN || fdout(fd, -1) < 0) break;
    }
    fdclean(fd);
    close(fd);
}

int main(void) {
    int fds[2];
    if(pipe(fds) < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ||
          fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0) {
        perror("pipe");
        return EXIT_FAILURE;
    }
    int h = go(writer(fds[1]));
    int64_t deadline = now() + 10000;
    char buf[4096];
    long total = 0;
    while(1) {
        ssize_t size = read(fds[0], buf, sizeof buf);
        if(size == 0) break;
        if(size > 0) total += size;
        else if(errno != EAGAIN || fdin(fds[0], deadline) < 0) {
            perror("read");
            return EXIT_FAILURE;
        }
    }
    fdclean(fds[0]);
    close(fds[0]);
    hclose(h);
    printf("%ld bytes\n", total);
    return 0;
}
