#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <libdill.h>

int main(void) {
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", 0, IPADDR_IPV4) < 0) {
        perror("ipaddr_local");
        return EXIT_FAILURE;
    }
    /* For the system's own functions. */
    int fd = socket(ipaddr_family(&addr), SOCK_STREAM, 0);
    if(fd < 0 || bind(fd, ipaddr_sockaddr(&addr), ipaddr_len(&addr)) < 0) {
        perror("bind");
        return EXIT_FAILURE;
    }
    close(fd);
    struct ipaddr other = addr;
    ipaddr_setport(&other, 8000);
    char text[IPADDR_MAXSTRLEN];
    printf("%s, port %d\n", ipaddr_str(&other, text), ipaddr_port(&other));
    printf("the same: %s\n", ipaddr_equal(&addr, &other, 0) ? "yes" : "no");
    printf("the same machine: %s\n",
        ipaddr_equal(&addr, &other, 1) ? "yes" : "no");
    return 0;
}
