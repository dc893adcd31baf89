/*  A client of a SOCKS 5 proxy on the loopback interface:

        socks5_client PORT USERNAME PASSWORD CHECK...

    Two dashes mean no login. A check is one of

        addr/ADDRESS/PORT           be connected to an address, and exchange
        name/HOST/PORT              likewise, by name

    bytes with a peer that echoes, and end in order. It prints one line: `ok
    CHECK` or `not ok CHECK: WHY`. Exits with 0 when all checks are ok. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdill.h>

#include "echo.h"

/*  More than fits into the sockets on the way, so it has to go round. */
#define AMOUNT (4 * 1024 * 1024)
#define PIECE 4096

/*  Why the running check has failed. */
static char why[256];

static int fail(const char *reason)
{
    snprintf(why, sizeof why, "%s", reason);
    return -1;
}

static int fail_errno(const char *call)
{
    snprintf(why, sizeof why, "%s: %s", call, strerror(errno));
    return -1;
}

/*  Every byte depends on its place. */
static void fill(unsigned char *piece, size_t start)
{
    for(size_t i = 0; i != PIECE; i++)
        piece[i] = (unsigned char)((start + i) * 2654435761u >> 13);
}

static coroutine void send_all(int s)
{
    unsigned char piece[PIECE];
    for(size_t n = 0; n != AMOUNT; n += PIECE) {
        fill(piece, n);
        if(bsend(s, piece, PIECE, limit()) < 0) return;
    }
}

static int receive_all(int s)
{
    unsigned char want[PIECE];
    unsigned char got[PIECE];
    for(size_t n = 0; n != AMOUNT; n += PIECE) {
        fill(want, n);
        if(brecv(s, got, PIECE, limit()) < 0) return fail_errno("brecv");
        if(memcmp(got, want, PIECE) != 0) return fail("another content");
    }
    return 0;
}

/*  Not every proxy lets one direction end before the other. */
static int end(int s)
{
    char c;
    if(tcp_done(s, limit()) < 0) return fail_errno("tcp_done");
    if(brecv(s, &c, 1, limit()) == 0) return fail("more than was sent");
    return errno == EPIPE ? 0 : fail_errno("brecv, at the end");
}

static int exchange(int s)
{
    int h = go(send_all(s));
    if(h < 0) return fail_errno("go");
    int rc = receive_all(s);
    hclose(h);
    return rc < 0 ? -1 : end(s);
}

/*  What stands before `/`, which is replaced; the rest. */
static char *split(char *text)
{
    char *slash = strrchr(text, '/');
    if(!slash) return NULL;
    *slash = 0;
    return slash + 1;
}

static int connect_by(int s, const char *username, const char *password,
    char *target)
{
    int by_name = strncmp(target, "name/", 5) == 0;
    char *port = split(target);
    if(!port) return fail("no such check");
    if(by_name) {
        if(socks5_client_connectbyname(s, username, password, target + 5,
              atoi(port), limit()) < 0) return fail_errno("connectbyname");
        return 0;
    }
    struct ipaddr addr;
    if(ipaddr_local(&addr, target + 5, atoi(port), 0) < 0)
        return fail_errno("ipaddr_local");
    if(socks5_client_connect(s, username, password, &addr, limit()) < 0)
        return fail_errno("connect");
    return 0;
}

static int run(int port, const char *username, const char *password,
    const char *check)
{
    struct ipaddr addr;
    char target[512];
    snprintf(target, sizeof target, "%s", check);
    if(ipaddr_local(&addr, "127.0.0.1", port, IPADDR_IPV4) < 0)
        return fail_errno("ipaddr_local");
    int s = tcp_connect(&addr, limit());
    if(s < 0) return fail_errno("tcp_connect");
    if(connect_by(s, username, password, target) < 0 || exchange(s) < 0) {
        hclose(s);
        return -1;
    }
    return tcp_close(s, limit()) < 0 ? fail_errno("tcp_close") : 0;
}

int main(int argc, char *argv[])
{
    if(argc < 5) {
        fprintf(stderr, "usage: socks5_client PORT USERNAME PASSWORD CHECK...\n");
        return 2;
    }
    int with_login = strcmp(argv[2], "-") != 0;
    int failures = 0;
    for(int i = 4; i < argc; i++) {
        if(run(atoi(argv[1]), with_login ? argv[2] : NULL,
              with_login ? argv[3] : NULL, argv[i]) == 0) {
            printf("ok %s\n", argv[i]);
        }
        else {
            printf("not ok %s: %s\n", argv[i], why);
            failures++;
        }
    }
    return failures != 0;
}
