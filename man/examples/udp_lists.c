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
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, "127.0.0.1", 0, 0));
    int to = TRY(udp_open(&addr, NULL));
    int from = TRY(udp_open(NULL, NULL));
    /* A number and a text in one message. */
    unsigned char number = 7;
    struct iolist text = {"seven", 5, NULL, 0};
    struct iolist all = {&number, 1, &text, 0};
    TRY(udp_sendl(from, &addr, &all, &text));

    unsigned char got;
    char buf[100];
    struct ipaddr sender;
    struct iolist rest = {buf, sizeof buf, NULL, 0};
    struct iolist first = {&got, 1, &rest, 0};
    ssize_t size = udp_recvl(to, &sender, &first, &rest, now() + 10000);
    if(size < 1) check(-1, "udp_recvl");
    char host[IPADDR_MAXSTRLEN];
    printf("%d %.*s from %s\n", got, (int)size - 1, buf,
        ipaddr_str(&sender, host));
    TRY(hclose(from));
    TRY(hclose(to));
    return EXIT_SUCCESS;
}
