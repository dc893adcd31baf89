/* A web application on one port: a page, and the WebSocket it talks through.

       cc -O2 webapp.c -o webapp \
           $(pkg-config --cflags --libs libdill_ws)
       ./webapp 8080 chat.html

   Open http://localhost:8080/ in two tabs: what is typed in one appears in
   the other. Port 0 stands for any free port; the program prints which.

   Each connection is a coroutine, which serves one request after the other.
   Whoever gets the page gets a cookie with it, and only who shows that cookie
   gets the WebSocket; and only if the page comes from here: a browser lets
   any page open a WebSocket to anywhere, with the user's cookies, and says in
   the Origin field which page it was. ws_accept refuses the others. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <libdill.h>
#include <libdill_wsx.h>

#define REQUEST_MS 30000    /* for the next request to arrive */
#define SEND_MS 10000       /* for a client to take what it is sent */
#define CLOSE_MS 2000       /* for a client to say goodbye */
#define IDLE_MS 3600000     /* for a client to say nothing */
#define MESSAGE_MAX 4096
#define QUEUE_MAX 64        /* messages that wait for a slow client */

static char *page;
static size_t page_size;

/**** The chat ****/

/* One message is shared by all the queues it is in. */
struct message {
    int users;
    size_t size;
    char text[];
};

struct client {
    int s;                  /* the WebSocket */
    int bell[2];            /* a channel: wakes the sender */
    struct message *queue[QUEUE_MAX];
    size_t first;
    size_t count;
    int status;             /* how to close, once that is decided */
    const char *reason;
    struct client *next;
};
static struct client *clients;

static void message_release(struct message *m) {
    if(--m->users == 0) free(m);
}

static void client_end(struct client *c, int status, const char *reason) {
    if(c->status) return;
    c->status = status;
    c->reason = reason;
    /* Wakes the sender for good. */
    chdone(c->bell[0]);
}

/* Never waits: a slow client has its queue, and when that is full it has to
   go. So nobody else is held up, and memory is bounded. */
static void client_enqueue(struct client *c, struct message *m) {
    if(c->status) return;
    if(c->count == QUEUE_MAX) {
        client_end(c, 1013, "too slow");
        return;
    }
    c->queue[(c->first + c->count) % QUEUE_MAX] = m;
    c->count++;
    m->users++;
    /* If the sender does not wait it is busy, and will look by itself. */
    chsend(c->bell[0], NULL, 0, 0);
}

static void broadcast(struct client *from, const char *text, size_t size) {
    struct message *m = malloc(sizeof *m + size);
    if(!m) return;
    m->users = 1;
    m->size = size;
    memcpy(m->text, text, size);
    for(struct client *c = clients; c; c = c->next)
        if(c != from) client_enqueue(c, m);
    message_release(m);
}

static coroutine void receive_messages(struct client *c) {
    char text[MESSAGE_MAX];
    while(1) {
        int type;
        ssize_t size = ws_recv(c->s, &type, text, sizeof text,
            now() + IDLE_MS);
        if(size >= 0 && type == WS_TEXT) {
            broadcast(c, text, (size_t)size);
            /* The senders' turn, before there is more for them. */
            yield();
            continue;
        }
        if(size >= 0) client_end(c, 1003, "text only");
        else if(errno == EMSGSIZE) client_end(c, 1009, "message too long");
        else if(errno == ETIMEDOUT) client_end(c, 1001, "silent too long");
        else if(errno != ECANCELED) client_end(c, 1000, "");
        return;
    }
}

/* Returns when the client has gone or has to go. */
static void send_messages(struct client *c) {
    while(1) {
        while(c->count > 0 && !c->status) {
            struct message *m = c->queue[c->first];
            c->first = (c->first + 1) % QUEUE_MAX;
            c->count--;
            int rc = ws_send(c->s, WS_TEXT, m->text, m->size, now() + SEND_MS);
            message_release(m);
            if(rc != 0) return;
        }
        if(chrecv(c->bell[1], NULL, 0, -1) != 0) return;
    }
}

static void client_add(struct client *c) {
    c->next = clients;
    clients = c;
}

static void client_remove(struct client *c) {
    struct client **link = &clients;
    while(*link != c) link = &(*link)->next;
    *link = c->next;
    while(c->count > 0) {
        message_release(c->queue[c->first]);
        c->first = (c->first + 1) % QUEUE_MAX;
        c->count--;
    }
}

static void chat(int h) {
    struct client c = {.s = h};
    if(chmake(c.bell) != 0) {
        hclose(c.s);
        return;
    }
    client_add(&c);
    int receiver = go(receive_messages(&c));
    if(receiver >= 0) {
        send_messages(&c);
        hclose(receiver);
    }
    client_remove(&c);
    hclose(c.bell[0]);
    hclose(c.bell[1]);
    if(!c.status) {
        /* It did not take what it was sent: no use in saying goodbye. */
        hclose(c.s);
        return;
    }
    /* If this fails it has closed everything. */
    int s = ws_detach(c.s, c.status, c.reason, strlen(c.reason),
        now() + CLOSE_MS);
    if(s >= 0) tcp_close(s, now() + CLOSE_MS);
}

/**** HTTP ****/

/* Who shows it has had the page from this server. An application would have
   one for each user, and know whose it is. */
static char ticket[64];

static int ticket_make(void) {
    unsigned char bytes[16];
    if(getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return -1;
    int n = snprintf(ticket, sizeof ticket, "chat=");
    for(size_t i = 0; i != sizeof bytes; i++)
        n += snprintf(ticket + n, sizeof ticket - n, "%02x", bytes[i]);
    return 0;
}

/* Is it among the cookies, "a=b; chat=...; c=d"? */
static int has_ticket(int r) {
    /* A head has no more. Between these lines nobody else runs. */
    static char cookies[32768];
    if(ws_field(r, "Cookie", 0, cookies, sizeof cookies) < 0) return 0;
    for(char *at = strtok(cookies, "; "); at; at = strtok(NULL, "; "))
        if(strcmp(at, ticket) == 0) return 1;
    return 0;
}

static int refuse(int r, int status, const char *why) {
    const char *fields[] = {"Content-Type: text/plain",
        status == 405 ? "Allow: GET, HEAD" : NULL, NULL};
    return ws_respond(r, status, fields, why, strlen(why), now() + SEND_MS);
}

static int send_page(int r) {
    char cookie[128];
    snprintf(cookie, sizeof cookie,
        "Set-Cookie: %s; Path=/; HttpOnly; SameSite=Strict", ticket);
    const char *fields[] = {"Content-Type: text/html; charset=utf-8",
        "Cache-Control: no-store", cookie, NULL};
    return ws_respond(r, 200, fields, page, page_size, now() + SEND_MS);
}

static int start_chat(int r) {
    struct ws_opts opts = ws_defaults;
    opts.flags = WS_TEXT;
    int h = ws_accept(r, &opts, now() + SEND_MS);
    if(h >= 0) chat(h);
    return -1;
}

/* The byte stream for the next request; -1 if there is none. */
static int answer(int r) {
    char method[8] = "", path[256] = "";
    ws_field(r, ":method", 0, method, sizeof method);
    if(ws_field(r, ":path", 0, path, sizeof path) < 0 && errno == EMSGSIZE)
        return refuse(r, 414, "What a long name");
    if(strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(r, 405, "Only GET");
    if(strcmp(path, "/") == 0) return send_page(r);
    if(strcmp(path, "/chat") != 0) return refuse(r, 404, "Not here");
    if(ws_field(r, ":upgrade", 0, NULL, 0) >= 0 && !has_ticket(r))
        return refuse(r, 403, "Get the page first");
    /* It answers those that ask for something else, too. */
    return start_chat(r);
}

static coroutine void serve(int s) {
    while(s >= 0) {
        /* Whoever breaks the rules is told by this call. */
        int r = ws_request(s, now() + REQUEST_MS);
        if(r < 0) return;
        s = answer(r);
    }
}

/**** The program ****/

static void read_page(const char *name) {
    FILE *file = fopen(name, "rb");
    if(!file || fseek(file, 0, SEEK_END) != 0) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    page_size = (size_t)ftell(file);
    rewind(file);
    page = malloc(page_size + 1);
    if(!page || fread(page, 1, page_size, file) != page_size) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    if(argc != 3) {
        fprintf(stderr, "usage: %s PORT PAGE\n", argv[0]);
        return EXIT_FAILURE;
    }
    read_page(argv[2]);
    if(ticket_make() != 0) {
        perror("getrandom");
        return EXIT_FAILURE;
    }
    struct ipaddr addr;
    int listener = -1;
    if(ipaddr_local(&addr, NULL, atoi(argv[1]), 0) == 0)
        listener = tcp_listen(&addr, 128);
    int connections = bundle();
    if(listener < 0 || connections < 0) {
        perror("listen");
        return EXIT_FAILURE;
    }
    printf("port %d\n", ipaddr_port(&addr));
    fflush(stdout);
    while(1) {
        int s = tcp_accept(listener, NULL, -1);
        if(s >= 0) {
            if(bundle_go(connections, serve(s)) != 0) hclose(s);
        } else {
            /* Too many connections, for instance. Some will end. */
            perror("accept");
            msleep(now() + 100);
        }
    }
}
