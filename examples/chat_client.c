/* A WebSocket client that shows a token and speaks one of two subprotocols. It sends one message and
   prints the answer.

       cc chat_client.c -o chat_client $(pkg-config --cflags --libs libdill_ws)
       ./chat_client wss://www.example.org/chat 1234 "Hello"

   The server has to have a certificate for the host that this system trusts; SSL_CERT_FILE names
   other authorities. */

#include <errno.h>
#include <libdill.h>
#include <libdill_wsx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why there is no WebSocket, as far as that can be told. */
static int refused(int err, int status, const char *head) {
    char value[256];
    fprintf(stderr, "%s\n", strerror(err));
    if(status) fprintf(stderr, "the server answers %d\n", status);
    if(ws_headfield(head, "Location", 0, value, sizeof value) >= 0)
        fprintf(stderr, "it says to go to %s\n", value);
    if(ws_headfield(head, "WWW-Authenticate", 0, value, sizeof value) >= 0)
        fprintf(stderr, "it wants %s\n", value);
    return EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
    if(argc != 4) {
        fprintf(stderr, "usage: chat_client URL token message\n");
        return EXIT_FAILURE;
    }
    const char *url = argv[1], *token = argv[2], *message = argv[3];
    char authorization[512], head[4096] = "";
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
    const char *const fields[] = {authorization, NULL};
    int status = 0;

    struct ws_opts opts = ws_defaults;
    opts.flags = WS_TEXT | WS_NEEDPROTO;
    opts.protocols = "chat.v2, chat.v1";    /* the best first */
    opts.fields = fields;
    opts.status = &status;
    opts.head = head;
    opts.headlen = sizeof head;

    int64_t deadline = now() + 10000;
    int h = ws_connect(url, &opts, deadline);
    if(h < 0) return refused(errno, status, head);
    char protocol[64];
    if(ws_headfield(head, "Sec-WebSocket-Protocol", 0, protocol, sizeof protocol) >= 0)
        printf("we speak %s\n", protocol);
    char answer[65536];
    if(ws_send(h, WS_TEXT, message, strlen(message), deadline) != 0) {
        perror("ws_send");
        return EXIT_FAILURE;
    }
    ssize_t size = ws_recv(h, NULL, answer, sizeof answer, deadline);
    if(size < 0) {
        perror("ws_recv");
        return EXIT_FAILURE;
    }
    printf("%.*s\n", (int)size, answer);
    /* Each layer below ends in order with it. */
    if(ws_close(h, 1000, NULL, 0, deadline) != 0) {
        perror("ws_close");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
