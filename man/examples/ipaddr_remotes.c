#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

int main(void) {
    struct ipaddr addrs[8];
    int64_t deadline = now() + 10000;
    int count = ipaddr_remotes(addrs, 8, "www.example.org", 80, 0, deadline);
    if(count < 0) {
        perror("ipaddr_remotes");
        return EXIT_FAILURE;
    }
    for(int i = 0; i != count; i++) {
        char text[IPADDR_MAXSTRLEN];
        int s = tcp_connect(&addrs[i], deadline);
        printf("%s: %s\n", ipaddr_str(&addrs[i], text), s < 0 ? "no" : "yes");
        if(s >= 0) hclose(s);
    }
    return 0;
}
