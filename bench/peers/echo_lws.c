/*  A WebSocket echo server on libwebsockets: prints `port NUMBER`, ends with
    its standard input. With an argument, `deflate`, it agrees to compress. */

#include <libwebsockets.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*  The message under way: received until `complete`, then sent back. */
struct session {
    unsigned char *bytes;
    size_t len;
    size_t room;
    int complete;
};

static int grow(struct session *session, size_t len)
{
    if(LWS_PRE + len <= session->room) return 0;
    size_t room = 2 * (LWS_PRE + len);
    unsigned char *bytes = realloc(session->bytes, room);
    if(!bytes) return -1;
    session->bytes = bytes;
    session->room = room;
    return 0;
}

static int collect(struct lws *wsi, struct session *session, const void *in, size_t len)
{
    if(grow(session, session->len + len) < 0) return -1;
    memcpy(session->bytes + LWS_PRE + session->len, in, len);
    session->len += len;
    if(!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi)) return 0;
    session->complete = 1;
    /* The next message has to wait until this one is sent. */
    lws_rx_flow_control(wsi, 0);
    lws_callback_on_writable(wsi);
    return 0;
}

static int echo(struct lws *wsi, struct session *session)
{
    if(!session->complete) return 0;
    int sent = lws_write(wsi, session->bytes + LWS_PRE, session->len, LWS_WRITE_BINARY);
    if(sent < (int)session->len) return -1;
    session->len = 0;
    session->complete = 0;
    lws_rx_flow_control(wsi, 1);
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
    size_t len)
{
    struct session *session = user;
    switch(reason) {
    case LWS_CALLBACK_ESTABLISHED:
        memset(session, 0, sizeof *session);
        /* A message that fills this buffer is never complete: 2^15 bytes. */
        lws_set_extension_option(wsi, "permessage-deflate", "rx_buf_size", "15");
        return 0;
    case LWS_CALLBACK_RECEIVE: return collect(wsi, session, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE: return echo(wsi, session);
    case LWS_CALLBACK_CLOSED: free(session->bytes); return 0;
    default: return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "echo", .callback = callback, .per_session_data_size = sizeof(struct session),
        .rx_buffer_size = 64 * 1024},
    {.name = NULL}};

static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"},
    {NULL, NULL, NULL}};

/*  A thread of its own, since lws_service waits for sockets only. */
static void *wait_for_end(void *context)
{
    char byte;
    while(read(STDIN_FILENO, &byte, 1) > 0);
    exit(context ? 0 : 1);
}

int main(int argc, char *argv[])
{
    int deflate = argc == 2 && !strcmp(argv[1], "deflate");
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info = {
        .port = 0, .iface = "127.0.0.1", .protocols = protocols, .gid = (gid_t)-1, .uid = (uid_t)-1,
        .pt_serv_buf_size = 64 * 1024, .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .extensions = deflate ? extensions : NULL};
    struct lws_context *context = lws_create_context(&info);
    struct lws_vhost *vhost = context ? lws_create_vhost(context, &info) : NULL;
    if(!vhost) return 1;
    printf("port %d\n", lws_get_vhost_listen_port(vhost));
    fflush(stdout);
    pthread_t thread;
    if(pthread_create(&thread, NULL, wait_for_end, context)) return 1;
    while(lws_service(context, 0) >= 0);
    return 1;
}
