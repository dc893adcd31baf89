/*  A client for the fuzzing server of the Autobahn test suite:

        autobahn_client PORT PARALLEL WINDOW

    It asks for the number of cases, runs them, PARALLEL at a time, by echoing
    what the server sends, and tells the server when all are done. Its offers of
    permessage-deflate have this window. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdill.h>
#include <libdill_wsx.h>

#include "../peers/echo.h"

static int port;
static int window;

static int connect_to(const char *resource)
{
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", port, IPADDR_IPV4) < 0) return -1;
    int tcp = tcp_connect(&addr, limit());
    if(tcp < 0) return -1;
    struct ws_opts opts = ws_defaults;
    opts.flags = WS_DEFLATE;
    opts.window = window;
    opts.maxmsg = MESSAGE_MAX;
    return ws_attach_client_opts(tcp, resource, "localhost", &opts, limit());
}

static int case_count(void)
{
    char text[16] = "";
    int ws = connect_to("/getCaseCount");
    if(ws < 0 || ws_recv(ws, NULL, text, sizeof text - 1, limit()) < 0)
        return -1;
    hclose(ws);
    return atoi(text);
}

struct cases {int next, count, failures;};

/*  The server notes a case that it could not run; here it counts as failed
    too. */
static coroutine void run_cases(struct cases *cases)
{
    while(cases->next <= cases->count) {
        int n = cases->next++;
        char resource[64];
        snprintf(resource, sizeof resource,
            "/runCase?case=%d&agent=libdill_ws", n);
        int ws = connect_to(resource);
        if(ws < 0) {
            fprintf(stderr, "case %d of %d: %s\n", n, cases->count,
                strerror(errno));
            cases->failures++;
            continue;
        }
        echo(ws);
    }
}

int main(int argc, char *argv[])
{
    if(argc != 4) {
        fprintf(stderr, "usage: autobahn_client PORT PARALLEL WINDOW\n");
        return 2;
    }
    port = atoi(argv[1]);
    window = atoi(argv[3]);
    struct cases cases = {1, case_count(), 0};
    int tasks = bundle();
    if(cases.count <= 0 || tasks < 0) {
        perror("autobahn_client");
        return 1;
    }
    for(int i = 0; i < atoi(argv[2]); i++)
        if(bundle_go(tasks, run_cases(&cases)) < 0) cases.failures++;
    if(bundle_wait(tasks, -1) < 0) cases.failures++;
    hclose(tasks);
    int ws = connect_to("/updateReports");
    if(ws < 0) cases.failures++;
    else hclose(ws);
    return cases.failures > 0;
}
