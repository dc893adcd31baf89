#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <libdill.h>

int main(void) {
    /* A small buffer for what arrives; the connections inherit it. */
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int size = 8192, on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if(fd < 0 ||
          setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
          setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0 ||
          bind(fd, (struct sockaddr*)&addr, sizeof addr) < 0 ||
          listen(fd, 10) < 0) {
        perror("socket");
        return EXIT_FAILURE;
    }
    int listener = tcp_listener_fromfd(fd);
    if(listener < 0) {
        perror("tcp_listener_fromfd");
        close(fd);
        return EXIT_FAILURE;
    }
    int64_t deadline = now() + 60000;
    int s = tcp_accept(listener, NULL, deadline);
    if(s < 0 || bsend(s, "hello\n", 6, deadline) < 0 ||
          tcp_close(s, deadline) < 0) {
        perror("tcp");
        return EXIT_FAILURE;
    }
    hclose(listener);
    return 0;
}
