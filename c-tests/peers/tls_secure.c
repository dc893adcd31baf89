/*  The environment says who is who: TLS_CERT and TLS_KEY are the files of a
    server, TLS_HOST the name that a client insists on; without it, it takes
    any server. */

#include <libdill.h>
#include <stdlib.h>

#include "echo.h"
#include "under.h"

int under_client(int tcp)
{
    const char *host = getenv("TLS_HOST");
    if(!host) return tls_attach_client(tcp, limit());
    return tls_attach_client_host(tcp, host, limit());
}

int under_server(int tcp)
{
    return tls_attach_server(tcp, getenv("TLS_CERT"), getenv("TLS_KEY"),
        limit());
}

int under_close(int s)
{
    int tcp = tls_detach(s, limit());
    return tcp < 0 ? -1 : tcp_close(tcp, limit());
}
