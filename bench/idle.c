/*  How much so many idle WebSocket connections occupy in a server that has a
    coroutine for each, and what it costs to set them up as they get many.

        idle [COUNT [CHAIN KEY]]    default: 10000; PEM files: over TLS

    The clients are plain sockets in a process of their own, so what is
    measured is the server alone; the kernel's buffers are not part of it. */

#include "memory.h"
#include "peer.h"

#include <assert.h>
#include <libdill.h>
#include <libdill_ws.h>
#include <sys/wait.h>

#define STEP 1000

/*  The clients' process: stays until the server closes the pipe. */
static void clients(int port, int count, int go_on)
{
    for(int i = 0; i < count; i++) open_websocket(port, (unsigned)i);
    char end;
    ssize_t got = read(go_on, &end, 1);
    exit(got == 0 ? 0 : 1);
}

static int attached;

static const char *chain, *key;

static coroutine void connection(int s)
{
    if(chain) s = tls_attach_server(s, chain, key, now() + 10000);
    if(s < 0) return;
    s = ws_attach_server(s, 0, NULL, 0, NULL, 0, now() + 10000);
    if(s < 0) return;
    attached++;
    char buf[64];
    while(ws_recv(s, NULL, buf, sizeof buf, -1) >= 0);
    hclose(s);
}

int main(int argc, char *argv[])
{
    int count = argc > 1 ? atoi(argv[1]) : 10000;
    if(argc == 4) {
        chain = argv[2];
        key = argv[3];
    }
    allow_many_descriptors();
    struct ipaddr addr;
    int rc = ipaddr_local(&addr, NULL, 0, IPADDR_IPV4);
    assert(rc == 0);
    int listener = tcp_listen(&addr, 1000);
    assert(listener >= 0);
    int go_on[2];
    rc = pipe(go_on);
    assert(rc == 0);
    pid_t pid = fork();
    assert(pid >= 0);
    if(pid == 0) {
        close(go_on[1]);
        clients(ipaddr_port(&addr), count, go_on[0]);
    }

    int b = bundle();
    assert(b >= 0);
    long before = resident("self");
    int64_t start = now();
    for(int i = 1; i <= count; i++) {
        int s = tcp_accept(listener, NULL, now() + 10000);
        assert(s >= 0);
        rc = bundle_go(b, connection(s));
        assert(rc == 0);
        if(i % STEP == 0) {
            printf("connections %d to %d: %.1f us each\n", i - STEP + 1, i,
                (now() - start) * 1000.0 / STEP);
            start = now();
        }
    }
    while(attached < count) msleep(now() + 10);
    printf("%d idle WebSocket connections: %.2f KiB resident each\n", count,
        (resident("self") - before) / 1024.0 / count);
    close(go_on[1]);
    hclose(b);
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
