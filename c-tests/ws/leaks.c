/*  Nothing is left behind, however a connection ends. Each way is gone many
    rounds; handle numbers stay bounded, memory stays where it was, and the
    harness counts descriptors. */

#include <malloc.h>
#include <string.h>

#include "http.h"
#include "conn.h"

/*  The handle table starts with 256 slots and hands freed ones out again; a
    slot leaked in each round would drive the numbers up without end. */
#define HIGHEST_NUMBER 1024
#define MEMORY_SLACK 65536

struct bounds {int highest; size_t memory;};

static void see(struct bounds *b, int h)
{
    if(h > b->highest) b->highest = h;
}

/*  Runs `round` n times; the first tenth may warm up what is kept. */
static void go_rounds(long n, void (*round)(struct bounds *b, enum role role),
    enum role role)
{
    struct bounds b = {0};
    n = check_rounds(n);
    for(long i = 0; i != n && !check_failed(); i++) {
        if(i == n / 10) b.memory = mallinfo2().uordblks;
        check_note("round %ld", i);
        round(&b, role);
    }
    check_note(NULL);
    CHECK_RANGE(b.highest, 0, HIGHEST_NUMBER);
    CHECK_RANGE(mallinfo2().uordblks, 0, b.memory + MEMORY_SLACK);
}

/*  One pair for all rounds: both ends become WebSockets, close in turn and
    come back as the streams they were. */
static int pair[2];

static void attach_both(struct bounds *b, int h[2], struct ws_storage *mem)
{
    for(int i = 0; i != 2; i++) {
        struct ws_storage *m = mem ? &mem[i] : NULL;
        if(!m) h[i] = conn_attach(i ? SERVER : CLIENT, pair[i], 0);
        else h[i] = i ?
            ws_attach_server_mem(pair[i], WS_NOHTTP, NULL, 0, NULL, 0, m, -1) :
            ws_attach_client_mem(pair[i], WS_NOHTTP, NULL, NULL, m, -1);
        CHECK_OK(h[i]);
        see(b, h[i]);
    }
}

static void detach_both(struct bounds *b, const int h[2])
{
    CHECK_INT(ws_done(h[0], 1000, "bye", 3, -1), 0);
    CHECK_INT(ws_done(h[1], 1000, "bye", 3, -1), 0);
    for(int i = 0; i != 2; i++) {
        pair[i] = ws_detach(h[i], 0, NULL, 0, SOON);
        CHECK_OK(pair[i]);
        see(b, pair[i]);
    }
}

static void reuse_pair(struct bounds *b, enum role role)
{
    int h[2];
    (void)role;
    attach_both(b, h, NULL);
    detach_both(b, h);
}

static void reuse_pair_with_mem(struct bounds *b, enum role role)
{
    int h[2];
    struct ws_storage mem[2];
    (void)role;
    attach_both(b, h, mem);
    detach_both(b, h);
    memset(mem, 0xff, sizeof mem);
}

/*  With a message and a ping each way as well. */
static void reuse_pair_talking(struct bounds *b, enum role role)
{
    int h[2];
    char buf[8];
    (void)role;
    attach_both(b, h, NULL);
    for(int i = 0; i != 2; i++) {
        CHECK_INT(ws_send(h[i], WS_TEXT, "hello", 5, -1), 0);
        CHECK_INT(ws_recv(h[1 - i], NULL, buf, sizeof buf, -1), 5);
    }
    detach_both(b, h);
}

static void with_pair(long n, void (*round)(struct bounds *b, enum role role))
{
    CHECK_INT(ipc_pair(pair), 0);
    go_rounds(n, round, CLIENT);
    CHECK_INT(hclose(pair[0]), 0);
    CHECK_INT(hclose(pair[1]), 0);
}

TEST(leaks_a_million_rounds_of_attach_and_detach)
{
    if(wire_is_tcp()) NA("the pair is an ipc_pair in any case");
    with_pair(1000000, reuse_pair);
}

TEST(leaks_attach_and_detach_with_mem)
{
    with_pair(50000, reuse_pair_with_mem);
}

TEST(leaks_attach_talk_and_detach)
{
    with_pair(50000, reuse_pair_talking);
}

/**** hclose ****/

static void open_and_hclose(struct bounds *b, enum role role)
{
    struct conn c;
    conn_open(&c, role, 0);
    see(b, c.h);
    conn_close(&c);
}

TEST_ROLES(leaks_attach_and_hclose)
{
    go_rounds(10000, open_and_hclose, role);
}

/*  In the middle of a fragmented message that was received in part. */
static void hclose_in_a_message(struct bounds *b, enum role role)
{
    struct conn c;
    struct bytes in = {0};
    char buf[300] = {0};
    conn_open(&c, role, 0);
    see(b, c.h);
    peer_part(&in, role, OP_BINARY, 0, buf, 200);
    peer_ping(&in, role, "ping");
    peer_part(&in, role, OP_CONT, 1, buf, 50);
    wire_write(c.fd, in.p, in.n - 7);
    ws_recv(c.h, NULL, buf, sizeof buf, 0);
    bytes_free(&in);
    conn_close(&c);
}

TEST_ROLES(leaks_hclose_in_the_middle_of_a_message)
{
    go_rounds(5000, hclose_in_a_message, role);
}

/**** Failures ****/

static void attach_in_vain(struct bounds *b, enum role role)
{
    int fd;
    int s = stream_open(&fd);
    see(b, s);
    wire_write(fd, "nonsense\r\n\r\n", 12);
    wire_end(fd);
    CHECK_INT(role == CLIENT ? ws_attach_client(s, 0, "/", "h", SOON) :
        ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON), -1);
    wire_close(fd);
}

TEST_ROLES(leaks_failed_handshakes)
{
    go_rounds(2000, attach_in_vain, role);
}

static void attach_to_the_end(struct bounds *b, enum role role)
{
    int fd;
    int s = stream_open(&fd);
    see(b, s);
    wire_close(fd);
    CHECK_ERR(role == CLIENT ? ws_attach_client(s, 0, "/", "h", SOON) :
        ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON), ECONNRESET);
}

TEST_ROLES(leaks_handshakes_with_a_peer_that_is_gone)
{
    go_rounds(5000, attach_to_the_end, role);
}

static void attach_wrongly(struct bounds *b, enum role role)
{
    int ch[2];
    struct conn c = {.role = role};
    CHECK_INT(chmake(ch), 0);
    CHECK_ERR(conn_attach(role, ch[0], 0), EPROTO);
    CHECK_INT(hclose(ch[1]), 0);
    int s = stream_open(&c.fd);
    see(b, s);
    CHECK_ERR(conn_attach(role, s, 8), EINVAL);
    wire_close(c.fd);
}

TEST_ROLES(leaks_attach_with_bad_arguments)
{
    go_rounds(5000, attach_wrongly, role);
}

static void detach_in_vain(struct bounds *b, enum role role)
{
    struct conn c;
    conn_open(&c, role, 0);
    see(b, c.h);
    wire_end(c.fd);
    CHECK_ERR(ws_detach(c.h, 1000, NULL, 0, SOON), ECONNRESET);
    CHECK(!is_handle(c.h));
    wire_close(c.fd);
}

TEST_ROLES(leaks_failed_detach)
{
    go_rounds(5000, detach_in_vain, role);
}

static void violate(struct bounds *b, enum role role)
{
    struct conn c;
    char buf[8];
    conn_open(&c, role, 0);
    see(b, c.h);
    wire_write(c.fd, "\xff\xff", 2);
    CHECK_ERR(ws_recv(c.h, NULL, buf, sizeof buf, SOON), EPROTO);
    conn_close(&c);
}

TEST_ROLES(leaks_failed_connections)
{
    go_rounds(5000, violate, role);
}

/**** Handshakes that succeed ****/

static void handshake(struct bounds *b, enum role role)
{
    struct bytes in = {0};
    struct conn c;
    (void)role;
    int s = stream_open(&c.fd);
    request_put(&in, &(struct request){0});
    wire_send(c.fd, &in);
    c.h = ws_attach_server(s, 0, NULL, 0, NULL, 0, SOON);
    CHECK_OK(c.h);
    see(b, c.h);
    bytes_free(&in);
    conn_close(&c);
}

TEST(leaks_handshakes)
{
    go_rounds(5000, handshake, SERVER);
}
