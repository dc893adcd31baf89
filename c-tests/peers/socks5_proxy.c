/*  A SOCKS 5 proxy that connects: `socks5_proxy addr|name [USERNAME PASSWORD]`.
    It listens on a free port of the loopback interface and prints `port
    NUMBER`, then `HOST PORT` for each command, or `refused` for a client
    without the login. The second word says how it receives commands. The end
    of standard input ends it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libdill.h>
#include <libdillimpl.h>

#include "echo.h"

static int by_name;
static const char *the_username;
static const char *the_password;

static int fail(const char *what)
{
    fprintf(stderr, "socks5_proxy: %s: %s\n", what, strerror(errno));
    return 1;
}

static int is_good(const char *username, const char *password)
{
    return strcmp(username, the_username) == 0 &&
        strcmp(password, the_password) == 0;
}

/*  Where the client wants to go; whether it is to be connected at all. */
static int receive_command(int s, struct ipaddr *addr)
{
    char host[256];
    int port;
    int command;
    if(by_name) {
        command = socks5_proxy_recvcommandbyname(s, host, &port, limit());
        if(command < 0) return -1;
        printf("%s %d\n", host, port);
        if(ipaddr_remote(addr, host, port, 0, limit()) < 0) return -1;
    }
    else {
        command = socks5_proxy_recvcommand(s, addr, limit());
        if(command < 0) return -1;
        ipaddr_str(addr, host);
        printf("%s %d\n", host, ipaddr_port(addr));
    }
    if(command == SOCKS5_CONNECT) return 0;
    errno = EOPNOTSUPP;
    return -1;
}

static int reply_for(int err)
{
    switch(err) {
    case ECONNREFUSED: return SOCKS5_CONNECTION_REFUSED;
    case ENETUNREACH: return SOCKS5_NETWORK_UNREACHABLE;
    case EHOSTUNREACH: case EADDRNOTAVAIL: return SOCKS5_HOST_UNREACHABLE;
    case EOPNOTSUPP: return SOCKS5_COMMAND_NOT_SUPPORTED;
    default: return SOCKS5_GENERAL_FAILURE;
    }
}

/*  The other connection, which the client has been told of, or -1. */
static int connect_client(int s)
{
    struct ipaddr addr;
    if(socks5_proxy_auth(s, the_username ? is_good : NULL, limit()) < 0) {
        if(errno == EACCES) printf("refused\n");
        return -1;
    }
    int out = -1;
    if(receive_command(s, &addr) == 0) out = tcp_connect(&addr, limit());
    int reply = out < 0 ? reply_for(errno) : SOCKS5_SUCCESS;
    ipaddr_local(&addr, "0.0.0.0", 0, IPADDR_IPV4);
    if(socks5_proxy_sendreply(s, reply, &addr, limit()) < 0 && out >= 0) {
        hclose(out);
        return -1;
    }
    return out;
}

/*  Hands bytes on until they end. */
static coroutine void forward(int from, int to)
{
    struct dill_bsock_some_vfs *vfs = hquery(from, DILL_BSOCK_SOME_TYPE);
    if(!vfs) return;
    char buf[16384];
    ssize_t len;
    while((len = vfs->brecvsome(vfs, buf, sizeof buf, -1)) > 0)
        if(bsend(to, buf, (size_t)len, -1) < 0) return;
    if(errno == EPIPE) tcp_done(to, -1);
}

static void connect_both(int s, int out)
{
    int ways = bundle();
    if(ways < 0) return;
    if(bundle_go(ways, forward(s, out)) == 0 &&
          bundle_go(ways, forward(out, s)) == 0)
        bundle_wait(ways, -1);
    hclose(ways);
}

static coroutine void serve(int s)
{
    int out = connect_client(s);
    if(out >= 0) {
        connect_both(s, out);
        tcp_close(out, limit());
    }
    /*  A client that was refused reads why before it closes. */
    tcp_close(s, limit());
}

static coroutine void accept_connections(int listener, int connections)
{
    for(;;) {
        int tcp = tcp_accept(listener, NULL, -1);
        if(tcp < 0 && errno == ECANCELED) return;
        if(tcp >= 0 && bundle_go(connections, serve(tcp)) < 0) hclose(tcp);
    }
}

int main(int argc, char *argv[])
{
    if(argc != 2 && argc != 4) {
        fprintf(stderr, "usage: socks5_proxy addr|name [USERNAME PASSWORD]\n");
        return 2;
    }
    by_name = strcmp(argv[1], "name") == 0;
    if(argc == 4) {
        the_username = argv[2];
        the_password = argv[3];
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", 0, IPADDR_IPV4) < 0)
        return fail("ipaddr_local");
    int listener = tcp_listen(&addr, 128);
    if(listener < 0) return fail("tcp_listen");
    int tasks = bundle();
    if(tasks < 0 || bundle_go(tasks, accept_connections(listener, tasks)) < 0)
        return fail("go");
    printf("port %d\n", ipaddr_port(&addr));
    char byte;
    do {
        if(fdin(STDIN_FILENO, -1) < 0) return fail("fdin");
    } while(read(STDIN_FILENO, &byte, 1) > 0);
    hclose(tasks);
    hclose(listener);
    return 0;
}
