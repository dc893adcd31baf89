/*  Receives streams of frames and tells what it saw. Standard input has cases,
    standard output an answer to each; numbers are little-endian, 32 bits wide
    where nothing else is said.

    A case: the role, 0 client or 1 server, and how to receive, 0 or 1, a byte
    each; the number of pieces; the length of each; their bytes.

        0   a call that does not block follows each piece, so that most
            messages come in calls that were interrupted
        1   calls that block, while another coroutine sends the pieces

    An answer: for each message its type, WS_BINARY or WS_TEXT (a byte), and its
    bytes with their length before them; then END (a byte), the errno of the
    last call, the status or -1, the reason, and what was written to the peer,
    each with its length. A close frame is answered with the same. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include <libdill.h>
#include <libdill_ws.h>

#include "../echo.h"

#define END 2
/*  More than any stream has, so that no message is too long that is complete. */
#define ROOM (1024 * 1024)

static uint8_t stream[ROOM], message[ROOM], written[ROOM];
static uint32_t pieces[ROOM];

/*  The case under way. */
static uint32_t count;      /* of pieces */
static int peer;            /* descriptor */
static int ws;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

/**** Cases and answers ****/

static int get(void *buf, size_t len)
{
    return fread(buf, 1, len, stdin) == len;
}

static void put(const void *buf, size_t len)
{
    if(fwrite(buf, 1, len, stdout) != len) die("fwrite");
}

static void put_byte(uint8_t byte)
{
    put(&byte, 1);
}

static void put_number(uint32_t number)
{
    put(&number, sizeof number);
}

static void put_bytes(const void *buf, size_t len)
{
    put_number((uint32_t)len);
    put(buf, len);
}

/*  Returns 0 when there are no more cases. */
static int get_case(uint8_t *role, uint8_t *blocks)
{
    if(!get(role, 1)) return 0;
    size_t total = 0;
    if(!get(blocks, 1) || !get(&count, sizeof count) || count > ROOM ||
          !get(pieces, count * sizeof pieces[0])) die("case");
    for(uint32_t i = 0; i != count; i++) total += pieces[i];
    if(total > sizeof stream || !get(stream, total)) die("stream");
    return 1;
}

/**** The peer ****/

static size_t send_piece(size_t at, uint32_t piece)
{
    if(write(peer, stream + at, pieces[piece]) != (ssize_t)pieces[piece])
        die("write");
    return at + pieces[piece];
}

static int is_taken(void)
{
    int pending = 0;
    return ioctl(peer, SIOCOUTQ, &pending) < 0 || pending == 0;
}

/*  Each piece is sent when the one before has been taken. */
static coroutine void feed(void)
{
    size_t at = 0;
    for(uint32_t i = 0; i != count; i++) {
        at = send_piece(at, i);
        do if(msleep(now()) < 0) return; while(!is_taken());
    }
    shutdown(peer, SHUT_WR);
}

static size_t take_written(void)
{
    size_t len = 0;
    for(;;) {
        ssize_t got = recv(peer, written + len, sizeof written - len,
            MSG_DONTWAIT);
        if(got <= 0) return len;
        len += (size_t)got;
    }
}

/**** The WebSocket ****/

/*  Receives until a call fails, and returns its errno. What is too long for the
    buffer is not complete: the calls behind it say what has become of it. */
static int receive(int64_t deadline)
{
    for(;;) {
        int flags;
        ssize_t len = ws_recv(ws, &flags, message, sizeof message, deadline);
        if(len >= 0) {
            put_byte((uint8_t)(flags & WS_TEXT));
            put_bytes(message, (size_t)len);
        }
        else if(errno != EMSGSIZE) {
            return errno;
        }
    }
}

static int receive_polling(void)
{
    size_t at = 0;
    for(uint32_t i = 0; i != count; i++) {
        at = send_piece(at, i);
        int err = receive(0);
        if(err != ETIMEDOUT) return err;
    }
    shutdown(peer, SHUT_WR);
    return receive(0);
}

static int receive_blocking(void)
{
    int feeder = go(feed());
    if(feeder < 0) die("go");
    int err = receive(limit());
    hclose(feeder);
    return err;
}

static void run_case(uint8_t role, uint8_t blocks)
{
    int fd[2], status;
    char reason[REASON_MAX];
    if(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0) die("socketpair");
    int s = ipc_fromfd(fd[0]);
    if(s < 0) die("ipc_fromfd");
    peer = fd[1];
    ws = role ? ws_attach_server(s, WS_NOHTTP, NULL, 0, NULL, 0, limit()) :
        ws_attach_client(s, WS_NOHTTP, NULL, NULL, limit());
    if(ws < 0) die("attach");
    int err = blocks ? receive_blocking() : receive_polling();
    ssize_t len = ws_status(ws, &status, reason, sizeof reason);
    if(len >= 0 && ws_done(ws, status, reason, (size_t)len, limit()) < 0)
        die("ws_done");
    put_byte(END);
    put_number((uint32_t)err);
    put_number(len >= 0 ? (uint32_t)status : UINT32_MAX);
    put_bytes(reason, len >= 0 ? (size_t)len : 0);
    put_bytes(written, take_written());
    if(fflush(stdout) < 0) die("fflush");
    hclose(ws);
    close(peer);
}

int main(void)
{
    uint8_t role, blocks;
    while(get_case(&role, &blocks)) run_case(role, blocks);
    return 0;
}
