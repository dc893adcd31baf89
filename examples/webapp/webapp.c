/* A web application on one port: a page, and the WebSocket it talks through.

       cc -O2 webapp.c -o webapp \
           $(pkg-config --cflags --libs libdill_ws)
       ./webapp 8080 chat.html

   Open http://localhost:8080/ in two tabs: what is typed in one appears in
   the other. Port 0 stands for any free port; the program prints which.

   Each connection is a coroutine. It reads the head of the request, so it
   can tell who wants the page from who wants the WebSocket. It answers the
   latter itself, with 101 and the key that proves that it has understood,
   and only then makes the stream a WebSocket, without a handshake. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libdill.h>
#include <libdill_ws.h>

#define HEAD_MS 10000       /* for a request to arrive */
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

/* `s` is a byte stream on which the opening handshake is complete. */
static void chat(int s) {
    struct client c = {.s = ws_attach_server(s, WS_TEXT | WS_NOHTTP, NULL, 0,
        NULL, 0, now() + HEAD_MS)};
    if(c.s < 0) return;
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
    s = ws_detach(c.s, c.status, c.reason, strlen(c.reason), now() + CLOSE_MS);
    if(s >= 0) tcp_close(s, now() + CLOSE_MS);
}

/**** HTTP ****/

/* What this program wants to know of a request. */
struct request {
    char method[16];
    char resource[256];
    char host[256];
    char origin[256];
    char key[64];
    char version[8];
    int wants_websocket;
    int wants_upgrade;
};

/* Is the word in a list with commas, in any letter case? Browsers differ:
   "Connection: Upgrade", "Connection: keep-alive, Upgrade". */
static int has_word(const char *list, const char *word) {
    while(*list) {
        list += strspn(list, ", \t");
        size_t length = strcspn(list, ", \t");
        if(length == strlen(word) && strncasecmp(list, word, length) == 0)
            return 1;
        list += length;
    }
    return 0;
}

static void store(char *to, size_t size, const char *value) {
    if(strlen(value) < size) strcpy(to, value);
}

/* 0; or the status to answer with; or -1 if there is nobody to answer to. */
static int receive_request(int s, struct request *r, int64_t deadline) {
    memset(r, 0, sizeof *r);
    if(http_recvrequest(s, r->method, sizeof r->method, r->resource,
          sizeof r->resource, deadline) != 0)
        return errno == EMSGSIZE ? 414 : errno == EPROTO ? 400 : -1;
    while(1) {
        char name[64];
        char value[1024];
        if(http_recvfield(s, name, sizeof name, value, sizeof value,
              deadline) != 0) {
            /* The empty line: no more fields. */
            if(errno == EPIPE) return 0;
            /* Longer than anything we look at. A cookie, for instance. */
            if(errno == EMSGSIZE) continue;
            return errno == EPROTO ? 400 : -1;
        }
        if(strcasecmp(name, "Host") == 0)
            store(r->host, sizeof r->host, value);
        else if(strcasecmp(name, "Origin") == 0)
            store(r->origin, sizeof r->origin, value);
        else if(strcasecmp(name, "Sec-WebSocket-Key") == 0)
            store(r->key, sizeof r->key, value);
        else if(strcasecmp(name, "Sec-WebSocket-Version") == 0)
            store(r->version, sizeof r->version, value);
        else if(strcasecmp(name, "Upgrade") == 0)
            r->wants_websocket |= has_word(value, "websocket");
        else if(strcasecmp(name, "Connection") == 0)
            r->wants_upgrade |= has_word(value, "upgrade");
    }
}

struct field {
    const char *name;
    const char *value;
};

/* Sends a whole response and ends the connection. */
static void respond(int s, int status, const char *reason, struct field field,
      const char *body, size_t size) {
    int64_t deadline = now() + SEND_MS;
    char length[32];
    snprintf(length, sizeof length, "%zu", size);
    if(http_sendstatus(s, status, reason, deadline) != 0 ||
          http_sendfield(s, field.name, field.value, deadline) != 0 ||
          http_sendfield(s, "Content-Length", length, deadline) != 0 ||
          http_sendfield(s, "Connection", "close", deadline) != 0) {
        hclose(s);
        return;
    }
    /* Ends the head, drops the rest of the client's, and gives the stream
       back. A failure closes it, here and below. */
    s = http_detach(s, deadline);
    if(s < 0) return;
    if(bsend(s, body, size, deadline) != 0) hclose(s);
    else tcp_close(s, now() + CLOSE_MS);
}

static void refuse(int s, int status, const char *reason) {
    struct field field = {"Content-Type", "text/plain"};
    if(status == 405) field = (struct field){"Allow", "GET"};
    if(status == 426) field = (struct field){"Sec-WebSocket-Version", "13"};
    respond(s, status, reason, field, reason, strlen(reason));
}

/* A browser lets any page open a WebSocket to anywhere, with the user's
   cookies, and says here which page it was. Others send no Origin. */
static int is_our_page(const struct request *r) {
    static const char scheme[] = "http://";
    return !r->origin[0] ||
        (strncmp(r->origin, scheme, sizeof scheme - 1) == 0 &&
         strcasecmp(r->origin + sizeof scheme - 1, r->host) == 0);
}

static void start_chat(int s, const struct request *r) {
    char key[WS_KEY_SIZE];
    if(!r->wants_websocket || !r->wants_upgrade ||
          strcmp(r->version, "13") != 0) {
        refuse(s, 426, "This is a WebSocket");
        return;
    }
    if(!is_our_page(r)) {
        refuse(s, 403, "Not from that page");
        return;
    }
    if(ws_response_key(r->key, key) != 0) {
        refuse(s, 400, "Bad key");
        return;
    }
    int64_t deadline = now() + SEND_MS;
    if(http_sendstatus(s, 101, "Switching Protocols", deadline) != 0 ||
          http_sendfield(s, "Upgrade", "websocket", deadline) != 0 ||
          http_sendfield(s, "Connection", "Upgrade", deadline) != 0 ||
          http_sendfield(s, "Sec-WebSocket-Accept", key, deadline) != 0) {
        hclose(s);
        return;
    }
    s = http_detach(s, deadline);
    if(s >= 0) chat(s);
}

static coroutine void serve(int s) {
    static const struct field html = {"Content-Type", "text/html; charset=utf-8"};
    struct request r;
    s = http_attach(s);
    if(s < 0) return;
    int status = receive_request(s, &r, now() + HEAD_MS);
    if(status < 0) hclose(s);
    else if(status == 414) refuse(s, 414, "URI Too Long");
    else if(status != 0) refuse(s, 400, "Bad Request");
    else if(strcmp(r.method, "GET") != 0) refuse(s, 405, "Only GET");
    else if(strcmp(r.resource, "/chat") == 0) start_chat(s, &r);
    else if(strcmp(r.resource, "/") == 0)
        respond(s, 200, "OK", html, page, page_size);
    else refuse(s, 404, "Not Found");
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
