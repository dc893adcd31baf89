/*  The functions and their symbols; see libdill_ws(7). */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"

/**** Who answers ****/

/*  The file that a function's code lies in. */
static const char *file_of(const void *function)
{
    Dl_info info;
    return dladdr(function, &info) ? info.dli_fname : "?";
}

/*  WS_TESTS_EXPECT_WS and _HOST name the file each must come from; the
    runner sets them. A relative path stands for its end. */
static void check_file(const char *variable, const void *function)
{
    const char *want = getenv(variable);
    const char *file = file_of(function);
    printf("#   %s: %s\n", variable, file);
    if(!want) NA("the runner says what to expect");
    if(!strstr(file, want))
        check_fail(HERE, "answered by %s, want %s", file, want);
}

TEST(s1_websocket_functions_come_from_libdill_ws)
{
    check_file("WS_TESTS_EXPECT_WS", (const void*)dill_ws_send);
}

TEST(s1_host_functions_come_from_the_host)
{
    check_file("WS_TESTS_EXPECT_HOST", (const void*)dill_hmake);
}

/**** Names ****/

/*  Assigning checks the prototypes. */
static int (*const attach_client)(int, int, const char*, const char*,
    int64_t) = dill_ws_attach_client;
static int (*const attach_client_mem)(int, int, const char*, const char*,
    struct dill_ws_storage*, int64_t) = dill_ws_attach_client_mem;
static int (*const attach_server)(int, int, char*, size_t, char*, size_t,
    int64_t) = dill_ws_attach_server;
static int (*const attach_server_mem)(int, int, char*, size_t, char*, size_t,
    struct dill_ws_storage*, int64_t) = dill_ws_attach_server_mem;
static int (*const send_)(int, int, const void*, size_t, int64_t) =
    dill_ws_send;
static ssize_t (*const recv_)(int, int*, void*, size_t, int64_t) =
    dill_ws_recv;
static int (*const sendl)(int, int, struct dill_iolist*, struct dill_iolist*,
    int64_t) = dill_ws_sendl;
static ssize_t (*const recvl)(int, int*, struct dill_iolist*,
    struct dill_iolist*, int64_t) = dill_ws_recvl;
static int (*const done)(int, int, const void*, size_t, int64_t) =
    dill_ws_done;
static int (*const detach)(int, int, const void*, size_t, int64_t) =
    dill_ws_detach;
static ssize_t (*const status)(int, int*, void*, size_t) = dill_ws_status;
static int (*const request_key)(char*) = dill_ws_request_key;
static int (*const response_key)(const char*, char*) = dill_ws_response_key;

#define NAMED(function, name) {(const void**)&(function), (name)}
static const struct {const void **function; const char *name;} names[] = {
    NAMED(attach_client, "ws_attach_client"),
    NAMED(attach_client_mem, "ws_attach_client_mem"),
    NAMED(attach_server, "ws_attach_server"),
    NAMED(attach_server_mem, "ws_attach_server_mem"),
    NAMED(send_, "ws_send"), NAMED(recv_, "ws_recv"),
    NAMED(sendl, "ws_sendl"), NAMED(recvl, "ws_recvl"),
    NAMED(done, "ws_done"), NAMED(detach, "ws_detach"),
    NAMED(status, "ws_status"),
    NAMED(request_key, "ws_request_key"),
    NAMED(response_key, "ws_response_key"),
};

TEST(s1_prefixed_names_are_exported)
{
    CHECK_INT(COUNT_OF(names), 13);
    for(size_t i = 0; i != COUNT_OF(names); i++) {
        char prefixed[64];
        snprintf(prefixed, sizeof prefixed, "dill_%s", names[i].name);
        check_note("%s", prefixed);
        CHECK(dlsym(RTLD_DEFAULT, prefixed) == *names[i].function);
    }
}

TEST(s1_raw_names_are_exported_beside_them)
{
    for(size_t i = 0; i != COUNT_OF(names); i++) {
        const void *raw = dlsym(RTLD_DEFAULT, names[i].name);
        check_note("%s", names[i].name);
        if(raw) CHECK(!strcmp(file_of(raw), file_of(*names[i].function)));
        else check_fail(HERE, "not exported");
    }
}

/*  As a program would that looks the plain names up. */
TEST_ROLES(s1_raw_names_do_the_same)
{
    int (*raw_send)(int, int, const void*, size_t, int64_t) =
        dlsym(RTLD_DEFAULT, "ws_send");
    ssize_t (*raw_recv)(int, int*, void*, size_t, int64_t) =
        dlsym(RTLD_DEFAULT, "ws_recv");
    int (*raw_key)(const char*, char*) =
        dlsym(RTLD_DEFAULT, "ws_response_key");
    struct conn c;
    char buf[WS_KEY_SIZE];
    REQUIRE(raw_send && raw_recv && raw_key);
    conn_open(&c, role, 0);
    CHECK_INT(raw_send(c.h, WS_TEXT, "hello", 5, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "hello", 5);
    CHECK_ERR(raw_recv(c.h, NULL, buf, sizeof buf, 0), ETIMEDOUT);
    CHECK_ERR(raw_key("short", buf), EPROTO);
    conn_close(&c);
}

/**** Constants and storage ****/

_Static_assert(WS_BINARY == 0, "WS_BINARY");
_Static_assert(WS_TEXT == 1, "WS_TEXT");
_Static_assert(WS_NOHTTP == 2, "WS_NOHTTP");
_Static_assert(WS_KEY_SIZE == 32, "WS_KEY_SIZE");
_Static_assert(DILL_WS_BINARY == 0, "DILL_WS_BINARY");
_Static_assert(DILL_WS_TEXT == 1, "DILL_WS_TEXT");
_Static_assert(DILL_WS_NOHTTP == 2, "DILL_WS_NOHTTP");
_Static_assert(sizeof(struct ws_storage) == 176, "size of ws_storage");
#if defined __arm__ || defined __thumb__
_Static_assert(_Alignof(struct ws_storage) == sizeof(void*), "alignment");
#else
_Static_assert(_Alignof(struct ws_storage) == 1, "alignment");
#endif

/*  A header compiled in with other numbers than the library's would pass the
    assertions above; the numbers also have to mean something. */
TEST_ROLES(s1_constants_mean_what_they_say)
{
    struct conn c;
    conn_open(&c, role, 1);
    CHECK_INT(msend(c.h, "t", 1, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "t", 1);
    CHECK_INT(ws_send(c.h, 0, "b", 1, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_BINARY, "b", 1);
    CHECK_INT(ws_send(c.h, 1, "t", 1, SOON), 0);
    EXPECT_FRAME(c.fd, role, OP_TEXT, "t", 1);
    conn_close(&c);
}

/**** A WebSocket handle is a message socket ****/

TEST_ROLES(s1_handle_answers_to_the_message_socket_type)
{
    struct conn c;
    conn_open(&c, role, 0);
    CHECK(hquery(c.h, msock_type) != NULL);
    CHECK(hquery(c.h, msock_type) == hquery(c.h, msock_type));
    errno = 0;
    CHECK(hquery(c.h, bsock_type) == NULL);
    CHECK_INT(errno, ENOTSUP);
    conn_close(&c);
}

static void check_mrecv(struct conn *c, int opcode)
{
    struct bytes in = {0};
    char buf[8], tail[8];
    struct iolist second = {.iol_base = tail, .iol_len = sizeof tail};
    struct iolist first = {
        .iol_base = buf, .iol_len = 2, .iol_next = &second};
    peer_message(&in, c->role, opcode, "one", 3);
    peer_message(&in, c->role, opcode, "three", 5);
    wire_send(c->fd, &in);
    CHECK_INT(mrecv(c->h, buf, sizeof buf, SOON), 3);
    CHECK_BYTES(buf, 3, "one", 3);
    CHECK_INT(mrecvl(c->h, &first, &second, SOON), 5);
    CHECK_BYTES(buf, 2, "th", 2);
    CHECK_BYTES(tail, 3, "ree", 3);
    bytes_free(&in);
}

static void check_msend(struct conn *c, int opcode)
{
    struct iolist second = {.iol_base = "lo", .iol_len = 2};
    struct iolist first = {
        .iol_base = "hel", .iol_len = 3, .iol_next = &second};
    CHECK_INT(msend(c->h, "hi", 2, SOON), 0);
    EXPECT_FRAME(c->fd, c->role, opcode, "hi", 2);
    CHECK_INT(msendl(c->h, &first, &second, SOON), 0);
    EXPECT_FRAME(c->fd, c->role, opcode, "hello", 5);
}

TEST_ROLES(s1_msend_and_mrecv_work_on_it)
{
    for(int text = 0; text != 2; text++) {
        struct conn c;
        check_note(text ? "text" : "binary");
        conn_open(&c, role, text ? WS_TEXT : WS_BINARY);
        check_msend(&c, text ? OP_TEXT : OP_BINARY);
        check_mrecv(&c, text ? OP_TEXT : OP_BINARY);
        CHECK_INT(hclose(c.h), 0);
        CHECK_GONE(&c);
        conn_close(&c);
    }
}
