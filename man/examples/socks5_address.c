#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

int main(void) {
    int64_t deadline = now() + 10000;
    int s = TRY(happyeyeballs_connect("www.example.org", 1080, deadline));
    struct ipaddr addr;
    TRY(ipaddr_remote(&addr, "192.0.2.1", 7000, 0, deadline));
    int rc = socks5_client_connect(s, NULL, NULL, &addr, deadline);
    if(rc < 0 && errno == EHOSTUNREACH) puts("the proxy knows no way");
    else check(rc, "socks5_client_connect");
    TRY(hclose(s));
    return EXIT_SUCCESS;
}
