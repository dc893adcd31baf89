/*  What is under the WebSockets: TCP alone (plain.c), or TLS over it
    (tls_secure.c). Each function takes the handle over, also on failure. */

#ifndef UNDER_H
#define UNDER_H

/*  A byte stream over the TCP connection, or -1. */
int under_client(int tcp);
int under_server(int tcp);
/*  Closes it in order: 0 or -1. */
int under_close(int s);

#endif
