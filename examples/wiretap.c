/* A proxy for one WebSocket connection that shows what goes over the wire.

       ./wiretap server-port

   The first line of output is the port that the client is to connect to. Exits with 0 if both sides
   closed the WebSocket in an orderly way. */

#include <ctype.h>
#include <errno.h>
#include <libdill.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIMIT = 30000, /* for the whole connection, in milliseconds */
    SHOWN = 32     /* of a payload, in bytes */
};

/* One direction of the connection. */
struct direction {
    const char *name;
    int from, to;
    int64_t deadline;
    int closed; /* a close frame has passed, and then the end of the stream */
};

/* Passes `len` bytes on and keeps them in `buf`. */
static int pass(struct direction *d, void *buf, size_t len) {
    if(len == 0) return 0;
    if(brecv(d->from, buf, len, d->deadline) < 0) return -1;
    return bsend(d->to, buf, len, d->deadline);
}

static void show_bytes(const char *indent, const unsigned char *bytes, size_t len) {
    printf("%s", indent);
    for(size_t i = 0; i < len; i++) printf(" %02x", bytes[i]);
    printf("\n");
}

/* Passes the head of an HTTP message on: the lines up to an empty one. */
static int pass_head(struct direction *d) {
    char line[8192];
    const char *before = d->name;
    while(1) {
        size_t len = 0;
        do {
            if(len == sizeof line || pass(d, line + len, 1) < 0) return -1;
        } while(line[len++] != '\n');
        while(len > 0 && isspace((unsigned char)line[len - 1])) len--;
        if(len == 0) break;
        printf("%-18s  %.*s\n", before, (int)len, line);
        before = "";
    }
    printf("\n");
    return 0;
}

static const char *opcode_name(int opcode) {
    switch(opcode) {
    case 0: return "continuation";
    case 1: return "text";
    case 2: return "binary";
    case 8: return "close";
    case 9: return "ping";
    case 10: return "pong";
    default: return "unknown opcode";
    }
}

/* Shows the beginning of a payload; of a close frame's: its close code and message. */
static void show_payload(int opcode, const unsigned char *payload, size_t len, int more) {
    if(opcode == 8 && len >= 2) {
        printf(", code %d", payload[0] << 8 | payload[1]);
        payload += 2;
        len -= 2;
    }
    int printable = len > 0;
    for(size_t i = 0; i < len; i++) printable = printable && isprint(payload[i]);
    if(printable) printf(", \"%.*s\"%s", (int)len, (const char *)payload, more ? "..." : "");
}

/* Passes a frame on (RFC 6455, section 5.2). Returns its opcode. */
static int pass_frame(struct direction *d) {
    unsigned char frame[14 + SHOWN]; /* the header and the beginning of the payload */
    if(pass(d, frame, 2) < 0) return -1;
    int fin = frame[0] >> 7, opcode = frame[0] & 15, masked = frame[1] >> 7;
    uint64_t size = frame[1] & 127;
    size_t header = 2;
    size_t extended = size == 126 ? 2 : size == 127 ? 8 : 0;
    if(pass(d, frame + header, extended) < 0) return -1;
    if(extended) size = 0;
    for(size_t i = 0; i < extended; i++) size = size << 8 | frame[header++];
    if(masked && pass(d, frame + header, 4) < 0) return -1;
    const unsigned char *key = frame + header;
    if(masked) header += 4;

    size_t shown = size < SHOWN ? (size_t)size : SHOWN;
    if(pass(d, frame + header, shown) < 0) return -1;
    unsigned char payload[SHOWN];
    for(size_t i = 0; i < shown; i++) payload[i] = frame[header + i] ^ (masked ? key[i % 4] : 0);

    printf("%-18s  %s%s, %llu bytes, %s", d->name, opcode_name(opcode), fin ? "" : " (more follows)",
        (unsigned long long)size, masked ? "masked" : "not masked");
    show_payload(opcode, payload, shown, size > shown);
    printf("\n");
    show_bytes("                   ", frame, header + shown);

    unsigned char rest[4096];
    for(size -= shown; size > 0;) {
        size_t piece = size < sizeof rest ? (size_t)size : sizeof rest;
        if(pass(d, rest, piece) < 0) return -1;
        size -= piece;
    }
    return opcode;
}

static coroutine void watch(struct direction *d) {
    if(pass_head(d) < 0) return;
    int opcode;
    do opcode = pass_frame(d);
    while(opcode >= 0 && opcode != 8);
    char none;
    if(opcode == 8 && brecv(d->from, &none, 1, d->deadline) < 0 && errno == EPIPE)
        d->closed = tcp_done(d->to, d->deadline) == 0;
}

static void check(int rc, const char *call) {
    if(rc >= 0) return;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(int argc, char *argv[]) {
    if(argc != 2) {
        fprintf(stderr, "usage: wiretap server-port\n");
        return EXIT_FAILURE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct ipaddr addr, server;
    TRY(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    TRY(ipaddr_remote(&server, "127.0.0.1", atoi(argv[1]), 0, -1));
    int listener, near, far, both;
    TRY(listener = tcp_listen(&addr, 1));
    printf("port %d\n", ipaddr_port(&addr));

    int64_t deadline = now() + LIMIT;
    TRY(near = tcp_accept(listener, NULL, deadline));
    TRY(far = tcp_connect(&server, deadline));
    /* Not on the stack: coroutines write to them. */
    static struct direction up, down;
    up = (struct direction){"client -> server", near, far, deadline, 0};
    down = (struct direction){"server -> client", far, near, deadline, 0};
    TRY(both = bundle());
    TRY(bundle_go(both, watch(&up)));
    TRY(bundle_go(both, watch(&down)));
    TRY(bundle_wait(both, deadline));
    hclose(both);
    hclose(far);
    hclose(near);
    hclose(listener);
    return up.closed && down.closed ? EXIT_SUCCESS : EXIT_FAILURE;
}
