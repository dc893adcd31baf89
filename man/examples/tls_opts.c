#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    fprintf(stderr, "%s: %s (%s)\n", call, strerror(errno), tls_why());
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

static coroutine void serve(int s, int64_t deadline) {
    struct tls_opts opts = tls_defaults;
    opts.cert = "chain.pem";
    opts.pkey = "key.pem";
    opts.roots = "clients.pem";  /* who may come */
    opts.alpn = "b, a";
    s = TRY(tls_attach_server_opts(s, &opts, deadline));
    TRY(bsend(s, "hello\n", 6, deadline));
    s = TRY(tls_detach(s, deadline));
    TRY(hclose(s));
}

int main(void) {
    int64_t deadline = now() + 10000;
    int s[2];
    TRY(ipc_pair(s));
    int server = TRY(go(serve(s[1], deadline)));
    int chosen;
    struct tls_opts opts = tls_defaults;
    opts.hostname = "www.example.org";
    opts.cert = "chain.pem";
    opts.pkey = "key.pem";
    opts.alpn = "a, c";
    opts.chosen = &chosen;
    int h = TRY(tls_attach_client_opts(s[0], &opts, deadline));
    printf("protocol %d\n", chosen);
    char c;
    while(brecv(h, &c, 1, deadline) == 0) putchar(c);
    if(errno != EPIPE) check(-1, "brecv");  /* it was cut off */
    TRY(tls_detach(h, deadline));
    TRY(bundle_wait(server, deadline));
    return EXIT_SUCCESS;
}
