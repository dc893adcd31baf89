/* Tells everybody the same: a page that shows prices as they change.

       cc -O2 ticker.c -o ticker \
           $(pkg-config --cflags --libs libdill_ws)
       ./ticker 8080 ticker.html

   Open http://localhost:8080/ in any number of tabs. Port 0 stands for any
   free port; the program prints which. It ends in order with Ctrl-C.

   One coroutine makes the messages and posts each to all clients. Posting
   never waits: every connection sends by itself, and one whose peer does not
   receive has 64 KiB waiting at most. It misses prices then, which are old
   anyway, and if that goes on it is ended. Each connection belongs to a
   coroutine of its own, which receives there and closes it. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <libdill.h>
#include <libdill_wsx.h>

#define TICK_MS 100
#define REQUEST_MS 30000    /* for the next request to arrive */
#define SEND_MS 10000       /* for a client to take what it is sent */
#define END_MS 2000         /* for all clients to say goodbye */
#define MISSED_MAX 50       /* ticks in a row */

static char *page;
static size_t page_size;

struct client {
    int s;
    int missed;
    struct client *next;
};
static struct client *clients;

static volatile sig_atomic_t over;

static void stop(int signal) {
    (void)signal;
    over = 1;
}

/* What went wrong with a connection, its own coroutine will find. */
static void tell(struct client *c, int m) {
    if(ws_post(c->s, m) == 0) c->missed = 0;
    else if(errno == EAGAIN && ++c->missed == MISSED_MAX) ws_fail(c->s, 1013);
}

static coroutine void tick(void) {
    int prices[] = {1000, 2500, 400};
    for(int64_t next = now(); !over; next += TICK_MS) {
        if(msleep(next) != 0) return;
        char text[100];
        int n = 0;
        for(int i = 0; i != 3; i++) {
            prices[i] += rand() % 3 - 1;
            n += snprintf(text + n, sizeof text - n, "%s%d.%02d",
                i ? ", " : "[", prices[i] / 100, prices[i] % 100);
        }
        n += snprintf(text + n, sizeof text - n, "]");
        int m = ws_msg(WS_TEXT, text, (size_t)n);
        if(m < 0) return;
        for(struct client *c = clients; c; c = c->next) tell(c, m);
        hclose(m);
    }
    for(struct client *c = clients; c; c = c->next)
        ws_postdone(c->s, 1001, "the market is closed", 20);
}

/* Clients have nothing to say but goodbye. */
static void serve_ticks(int s) {
    struct client c = {.s = s, .next = clients};
    clients = &c;
    while(ws_recv(s, NULL, NULL, 125, -1) >= 0);
    if(errno == EPIPE) ws_done(s, 1000, NULL, 0, now() + SEND_MS);
    struct client **link = &clients;
    while(*link != &c) link = &(*link)->next;
    *link = c.next;
    hclose(s);
}

/* The byte stream for the next request; -1 if there is none. */
static int answer(int r) {
    char path[16], method[8];
    const char *fields[] = {"Content-Type: text/html; charset=utf-8", NULL};
    if(ws_field(r, ":method", 0, method, sizeof method) != 3 ||
          ws_field(r, ":path", 0, path, sizeof path) < 0)
        return ws_respond(r, 404, NULL, NULL, 0, now() + SEND_MS);
    if(ws_field(r, ":upgrade", 0, NULL, 0) > 0) {
        int s = ws_accept(r, NULL, now() + SEND_MS);
        if(s >= 0) serve_ticks(s);
        return -1;
    }
    if(path[0] != '/' || path[1])
        return ws_respond(r, 404, NULL, NULL, 0, now() + SEND_MS);
    return ws_respond(r, 200, fields, page, page_size, now() + SEND_MS);
}

static coroutine void serve(int s) {
    while(s >= 0) {
        int r = ws_request(s, now() + REQUEST_MS);
        s = r < 0 ? -1 : answer(r);
    }
}

static coroutine void accept_clients(int listener, int servers) {
    for(;;) {
        int s = tcp_accept(listener, NULL, -1);
        if(s < 0 && errno == ECANCELED) return;
        if(s < 0) {
            /* Out of descriptors, say: some will be free later. */
            perror("tcp_accept");
            msleep(now() + 100);
        } else if(bundle_go(servers, serve(s)) != 0) {
            hclose(s);
        }
    }
}

static char *read_all(const char *name, size_t *size) {
    FILE *f = fopen(name, "rb");
    char *text = malloc(1 << 16);
    if(!f || !text) return NULL;
    *size = fread(text, 1, 1 << 16, f);
    fclose(f);
    return text;
}

int main(int argc, char *argv[]) {
    if(argc != 3) {
        fprintf(stderr, "usage: %s port page\n", argv[0]);
        return EXIT_FAILURE;
    }
    page = read_all(argv[2], &page_size);
    struct ipaddr addr;
    int listener = -1;
    if(page && ipaddr_local(&addr, NULL, atoi(argv[1]), 0) == 0)
        listener = tcp_listen(&addr, 100);
    int servers = bundle(), ticker = go(tick());
    int acceptor = go(accept_clients(listener, servers));
    if(listener < 0 || servers < 0 || ticker < 0 || acceptor < 0) {
        perror(argv[0]);
        return EXIT_FAILURE;
    }
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    printf("port %d\n", ipaddr_port(&addr));
    fflush(stdout);
    bundle_wait(ticker, -1);
    /* No new clients; those that are there have been told, and say goodbye. */
    hclose(acceptor);
    hclose(listener);
    bundle_wait(servers, now() + END_MS);
    hclose(servers);
    hclose(ticker);
    free(page);
    return EXIT_SUCCESS;
}
