#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

static int accepts(const char *username, const char *password) {
    return !strcmp(username, "alice") && !strcmp(password, "secret");
}

/* Passes on what comes, and the end of it. */
static coroutine void pass_on(int from, int to) {
    char c;
    while(brecv(from, &c, 1, -1) == 0 && bsend(to, &c, 1, -1) == 0) {}
    if(errno == EPIPE) tcp_done(to, -1);
}

int main(void) {
    int64_t deadline = now() + 60000;
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, deadline));

    char host[256];
    int port;
    TRY(socks5_proxy_auth(s, accepts, deadline));
    int command = TRY(socks5_proxy_recvcommandbyname(s, host, &port, deadline));
    printf("to %s\n", host);
    TRY(ipaddr_local(&addr, NULL, 0, 0));   /* says nothing */
    int there = -1;
    if(command == SOCKS5_CONNECT)
        there = happyeyeballs_connect(host, port, deadline);
    if(there < 0) {
        TRY(socks5_proxy_sendreply(s, SOCKS5_HOST_UNREACHABLE, &addr,
            deadline));
        TRY(tcp_close(s, deadline));
        return EXIT_FAILURE;
    }
    TRY(socks5_proxy_sendreply(s, SOCKS5_SUCCESS, &addr, deadline));
    int b = TRY(bundle());
    TRY(bundle_go(b, pass_on(s, there)));
    TRY(bundle_go(b, pass_on(there, s)));
    TRY(bundle_wait(b, deadline));
    TRY(hclose(b));
    TRY(tcp_close(s, deadline));
    TRY(tcp_close(there, deadline));
    TRY(hclose(listener));
    return EXIT_SUCCESS;
}
