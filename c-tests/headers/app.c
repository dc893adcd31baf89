/* What a program does with an installed library: a WebSocket over TCP between two coroutines.
   Prints which header it was compiled with and, if it can, which files its functions come from. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <libdillimpl.h>
/* Not there where the libraries are installed as libdill. */
#if __has_include(<libdill_ws.h>)
#include <libdill_ws.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef OWN_WS_SEND
#undef ws_send
/* The program's own function, with another meaning. */
int ws_send(int number);
int ws_send(int number) {
    return number + 1;
}
#endif

static void check(int good, const char *what) {
    if(good) return;
    perror(what);
    exit(EXIT_FAILURE);
}
#define CHECK(condition) check((condition), #condition)

static coroutine void serve(int listener) {
    int s = tcp_accept(listener, NULL, now() + 5000);
    CHECK(s >= 0);
    char resource[64], host[64], buf[64];
    s = ws_attach_server(s, WS_TEXT, resource, sizeof resource, host, sizeof host, now() + 5000);
    CHECK(s >= 0 && strcmp(resource, "/app") == 0 && strcmp(host, "example.org") == 0);
    int flags;
    ssize_t size = ws_recv(s, &flags, buf, sizeof buf, now() + 5000);
    CHECK(size == 5 && flags == WS_TEXT);
    CHECK(dill_ws_send(s, flags, buf, (size_t)size, now() + 5000) == 0);
    s = ws_detach(s, 1000, NULL, 0, now() + 5000);
    CHECK(s >= 0 && tcp_close(s, now() + 5000) == 0);
}

static void converse(void) {
    struct ipaddr addr;
    CHECK(ipaddr_local(&addr, "127.0.0.1", 0, 0) == 0);
    int listener = tcp_listen(&addr, 1);
    CHECK(listener >= 0);
    int server = go(serve(listener));
    CHECK(server >= 0);
    int s = tcp_connect(&addr, now() + 5000);
    s = ws_attach_client(s, WS_TEXT, "/app", "example.org", now() + 5000);
    CHECK(s >= 0 && hquery(s, msock_type) != NULL);
    CHECK(dill_ws_send(s, WS_TEXT, "hello", 5, now() + 5000) == 0);
    char buf[64];
    CHECK(mrecv(s, buf, sizeof buf, now() + 5000) == 5 && memcmp(buf, "hello", 5) == 0);
    CHECK(mrecv(s, buf, sizeof buf, now() + 5000) == -1 && errno == EPIPE);
    int status;
    CHECK(ws_status(s, &status, NULL, 0) == 0 && status == 1000);
    s = ws_detach(s, 1000, NULL, 0, now() + 5000);
    CHECK(s >= 0 && tcp_close(s, now() + 5000) == 0);
    CHECK(bundle_wait(server, now() + 5000) == 0);
    hclose(server);
    hclose(listener);
}

static void answered_by(const char *name, const void *function) {
#ifdef STATIC
    (void)name;
    (void)function;
#else
    Dl_info info;
    CHECK(dladdr(function, &info));
    printf("%s %s\n", name, strrchr(info.dli_fname, '/') + 1);
#endif
}

int main(void) {
#ifdef LIBDILL_RT_H_INCLUDED
    puts("header libdill_rt");
#else
    puts("header libdill");
#endif
    answered_by("ws", (const void *)dill_ws_send);
    answered_by("host", (const void *)dill_hmake);
    answered_by("go", (const void *)dill_prologue);
    converse();
#ifdef OWN_WS_SEND
    CHECK(ws_send(1) == 2);
#endif
    puts("good");
    return EXIT_SUCCESS;
}
