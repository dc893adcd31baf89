#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libdill.h>
#include <libdill_wsx.h>

static int check(int rc, const char *call) {
    if(rc >= 0) return rc;
    perror(call);
    exit(EXIT_FAILURE);
}
#define TRY(call) check((call), #call)

static const char page[] = "<!DOCTYPE html>\n<title>Hello</title>\n";
static const char *const html[] = {
    "Content-Type: text/html", "Cache-Control: no-store", NULL};
static const char *const text[] = {"Content-Type: text/plain", NULL};

/* Echoes one message. */
static void chat(int h) {
    char buf[256];
    ssize_t sz = ws_recv(h, NULL, buf, sizeof buf, now() + 60000);
    if(sz >= 0) ws_send(h, WS_TEXT, buf, sz, now() + 5000);
    int s = ws_detach(h, 1000, NULL, 0, now() + 1000);
    if(s >= 0) tcp_close(s, now() + 1000);
}

int main(void) {
    struct ipaddr addr;
    TRY(ipaddr_local(&addr, NULL, 8080, 0));
    int listener = TRY(tcp_listen(&addr, 10));
    int s = TRY(tcp_accept(listener, NULL, -1));
    while(s >= 0) {
        /* A browser may want something else in a minute. */
        int r = ws_request(s, now() + 60000);
        if(r < 0) break;
        char path[256] = "", cookie[256] = "";
        ws_field(r, ":path", 0, path, sizeof path);
        ws_field(r, "Cookie", 0, cookie, sizeof cookie);
        printf("%s, cookie \"%s\"\n", path, cookie);
        if(strcmp(path, "/") == 0) {
            s = ws_respond(r, 200, html, page, strlen(page), now() + 5000);
        } else if(strcmp(path, "/chat") != 0) {
            s = ws_respond(r, 404, text, "no\n", 3, now() + 5000);
        } else if(!strstr(cookie, "user=alice")) {
            s = ws_respond(r, 403, text, "who?\n", 5, now() + 5000);
        } else {
            s = -1;
            int h = ws_accept(r, NULL, now() + 5000);
            if(h >= 0) chat(h);
        }
    }
    hclose(listener);
    return EXIT_SUCCESS;
}
