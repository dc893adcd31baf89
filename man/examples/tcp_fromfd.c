#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <libdill.h>

/* A thread that serves one connection, with a scheduler of its own. */
static void *work(void *arg) {
    int fd = (int)(intptr_t)arg;
    int s = tcp_fromfd(fd);
    if(s < 0) {
        perror("tcp_fromfd");
        close(fd);
        return NULL;
    }
    int64_t deadline = now() + 10000;
    if(bsend(s, "hello\n", 6, deadline) < 0 || tcp_close(s, deadline) < 0)
        perror("tcp");
    return NULL;
}

int main(void) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if(listener < 0 ||
          setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
          bind(listener, (struct sockaddr*)&addr, sizeof addr) < 0 ||
          listen(listener, 10) < 0) {
        perror("socket");
        return EXIT_FAILURE;
    }
    int fd = accept(listener, NULL, NULL);
    pthread_t thread;
    if(fd < 0 ||
          pthread_create(&thread, NULL, work, (void*)(intptr_t)fd) != 0) {
        perror("accept");
        return EXIT_FAILURE;
    }
    pthread_join(thread, NULL);
    close(listener);
    return 0;
}
