/* A WebSocket server on several threads that sends every message back: one thread accepts connections,
   the others serve them.

       cc threads.c -o threads $(pkg-config --cflags --libs libdill_ws) -pthread
       ./threads [port [workers]]

   Without a port the system chooses one. The first line of output says which. SIGINT or SIGTERM: says
   goodbye to everybody and ends.

   Handles and coroutines belong to the thread that made them. What can go from thread to thread is a
   descriptor: it is accepted here, and becomes a handle, by tcp_fromfd, there. */

#include <errno.h>
#include <libdill.h>
#include <libdill_ws.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

/* How long a peer may take, in milliseconds. */
enum { HANDSHAKE = 5000, IDLE = 60000, SEND = 10000, GOODBYE = 2000 };

enum { MOST_WORKERS = 64 };

/* A connection that is served, in the list of its worker. */
struct connection {
    int ws;
    int told; /* that the server is going away */
    struct connection *next;
    struct connection **link;
};

struct worker {
    pthread_t thread;
    int pipe[2]; /* descriptors of new connections: the acceptor's end and the worker's */
    int to;      /* the acceptor's end as a handle of its thread */
    struct connection *connections;
};

/* Echoes until something ends it. Returns the close code to say goodbye with; 0: say nothing. */
static int echo(int ws) {
    char message[65536];
    while(1) {
        int type;
        ssize_t size = ws_recv(ws, &type, message, sizeof message, now() + IDLE);
        if(size < 0) break;
        if(ws_send(ws, type, message, (size_t)size, now() + SEND) < 0) break;
    }
    switch(errno) {
    case EPIPE: return 1000;     /* somebody has said goodbye */
    case ETIMEDOUT: return 1001; /* the peer is silent: we go away */
    case EMSGSIZE: return 1009;  /* the message is too big */
    default: return 0;           /* the connection is broken, or has been failed */
    }
}

static coroutine void serve(struct worker *w, int s) {
    struct connection c = {.told = 0};
    c.ws = ws_attach_server(s, WS_BINARY, NULL, 0, NULL, 0, now() + HANDSHAKE);
    if(c.ws < 0) return;
    c.next = w->connections;
    c.link = &w->connections;
    if(c.next) c.next->link = &c.next;
    w->connections = &c;

    int status = echo(c.ws);
    *c.link = c.next;
    if(c.next) c.next->link = c.link;
    if(status == 0) {
        hclose(c.ws);
        return;
    }
    s = ws_detach(c.ws, status, NULL, 0, now() + GOODBYE);
    if(s >= 0) tcp_close(s, now() + GOODBYE);
}

/* Sends each client a close frame; its answer ends the connection. */
static void say_goodbye(struct worker *w) {
    struct connection *c = w->connections;
    while(c) {
        if(c->told) {
            c = c->next;
            continue;
        }
        c->told = 1;
        ws_done(c->ws, 1001, NULL, 0, now() + GOODBYE);
        c = w->connections; /* others have run meanwhile: the list may be another */
    }
}

/* A thread that serves connections until there will be no more. */
static void *work(void *arg) {
    struct worker *w = arg;
    int from = ipc_fromfd(w->pipe[1]);
    int connections = bundle();
    int fd;
    if(from < 0 || connections < 0) {
        /* The acceptor would go on handing connections over to nobody. */
        perror("worker");
        exit(EXIT_FAILURE);
    }
    while(brecv(from, &fd, sizeof fd, -1) == 0) {
        int s = tcp_fromfd(fd);
        if(s < 0) {
            perror("tcp_fromfd");
            close(fd);
        } else if(bundle_go(connections, serve(w, s)) < 0) {
            hclose(s);
        }
    }
    say_goodbye(w);
    bundle_wait(connections, now() + GOODBYE);
    hclose(connections);
    hclose(from);
    return NULL;
}

/* Deals out connections in turn. */
static coroutine void accept_connections(int listener, struct worker *workers, int count) {
    for(unsigned turn = 0; fdin(listener, -1) == 0;) {
        int fd = accept(listener, NULL, NULL);
        if(fd < 0) {
            /* Out of descriptors, perhaps: that passes. The queue stays. */
            if(errno != EAGAIN && errno != ECONNABORTED) msleep(now() + 100);
            continue;
        }
        struct worker *w = &workers[turn++ % (unsigned)count];
        if(bsend(w->to, &fd, sizeof fd, -1) < 0) close(fd);
    }
}

static int fail(const char *call) {
    perror(call);
    return EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
    struct ipaddr addr;
    if(ipaddr_local(&addr, NULL, argc > 1 ? atoi(argv[1]) : 0, 0) < 0) return fail("ipaddr_local");
    int count = argc > 2 ? atoi(argv[2]) : 4;
    if(count < 1 || count > MOST_WORKERS) count = MOST_WORKERS;

    /* A socket of the system's own, since its descriptors are what is passed on. */
    socklen_t len = (socklen_t)ipaddr_len(&addr);
    int one = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if(listener < 0) return fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if(bind(listener, ipaddr_sockaddr(&addr), len) < 0) return fail("bind");
    if(listen(listener, 128) < 0) return fail("listen");
    if(getsockname(listener, (struct sockaddr *)&addr, &len) < 0) return fail("getsockname");

    /* The signals are blocked in all threads, and read here. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int end = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if(end < 0) return fail("signalfd");

    static struct worker workers[MOST_WORKERS];
    for(int i = 0; i < count; i++) {
        struct worker *w = &workers[i];
        if(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->pipe) < 0) return fail("socketpair");
        w->to = ipc_fromfd(w->pipe[0]);
        if(w->to < 0) return fail("ipc_fromfd");
        if(pthread_create(&w->thread, NULL, work, w) != 0) return fail("pthread_create");
    }
    printf("port %d\n", ipaddr_port(&addr));
    fflush(stdout);

    int acceptor = go(accept_connections(listener, workers, count));
    if(acceptor < 0) return fail("go");
    fdin(end, -1);

    hclose(acceptor);
    close(listener);
    for(int i = 0; i < count; i++) hclose(workers[i].to);
    for(int i = 0; i < count; i++) pthread_join(workers[i].thread, NULL);
    close(end);
    return 0;
}
