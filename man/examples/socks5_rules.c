#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

/* A proxy that allows nobody to get at this machine. */
int main(void) {
    int64_t deadline = now() + 60000;
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, deadline));
    TRY(socks5_proxy_auth(s, NULL, deadline));
    struct ipaddr wanted, own;
    int command = TRY(socks5_proxy_recvcommand(s, &wanted, deadline));
    TRY(ipaddr_local(&own, "127.0.0.1", 0, 0));
    int reply = SOCKS5_GENERAL_FAILURE;
    if(command != SOCKS5_CONNECT) reply = SOCKS5_COMMAND_NOT_SUPPORTED;
    else if(ipaddr_equal(&wanted, &own, 1))
        reply = SOCKS5_CONNECTION_NOT_ALLOWED;
    TRY(socks5_proxy_sendreply(s, reply, &own, deadline));
    char text[IPADDR_MAXSTRLEN];
    printf("%s, port %d: reply %d\n", ipaddr_str(&wanted, text),
        ipaddr_port(&wanted), reply);
    TRY(tcp_close(s, deadline));
    TRY(hclose(listener));
    return EXIT_SUCCESS;
}
