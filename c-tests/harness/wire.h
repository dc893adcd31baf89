/*  The scripted peer: the far end of the stream under a WebSocket, as a plain
    descriptor driven with raw bytes. Nothing here uses the library under
    test; only waiting goes through the host (msleep), so that the coroutine
    under test can run meanwhile. */

#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <sys/types.h>

#include "check.h"

/*  RFC 6455, section 5.2. */
enum {
    OP_CONT = 0x0, OP_TEXT = 0x1, OP_BINARY = 0x2,
    OP_CLOSE = 0x8, OP_PING = 0x9, OP_PONG = 0xA
};

/*  How long the peer waits for bytes that should come. */
#define WIRE_PATIENCE 3000

int64_t wire_clock(void);   /* milliseconds, monotonic, not the host's */

/*  A growing string of bytes. {0} is an empty one. */
struct bytes {uint8_t *p; size_t n; size_t cap;};
void bytes_put(struct bytes *b, const void *data, size_t len);
void bytes_str(struct bytes *b, const char *text);
void bytes_fill(struct bytes *b, int byte, size_t len);
void bytes_free(struct bytes *b);

/*  A frame to be built, legal or not. */
struct frame {
    int more;           /* FIN is clear */
    int rsv;            /* the three bits, 4 being RSV1 */
    int opcode;
    int masked;
    uint8_t key[4];
    int form;           /* length field: 0 minimal, else 7, 16 or 64 bits */
    int lie;            /* the field says `declared`, not len */
    uint64_t declared;
    const void *payload;
    size_t len;
};
void frame_put(struct bytes *b, struct frame f);
/*  As the peer of `role` should build it (masked towards a server). */
void peer_put(struct bytes *b, enum role role, struct frame f);
void peer_message(struct bytes *b, enum role role, int opcode,
    const void *payload, size_t len);
void peer_part(struct bytes *b, enum role role, int opcode, int fin,
    const void *payload, size_t len);
void peer_ping(struct bytes *b, enum role role, const char *payload);
/*  status 0: an empty close frame. */
void peer_close(struct bytes *b, enum role role, int status,
    const void *reason, size_t len);

/*  A connected pair of plain stream sockets, UNIX or (WS_TESTS_TRANSPORT=tcp)
    loopback TCP. Either holds less than a megabyte that is not read. */
void wire_pair(int fd[2]);
int wire_is_tcp(void);
/*  Writes zeros until there is no room left. The number of them. */
size_t wire_fill(int fd);
/*  Reads them again. */
void wire_unfill(int fd, size_t len);
/*  Both leave the library room to run while they wait. */
int wire_write(int fd, const void *data, size_t len);
void wire_send(int fd, const struct bytes *b);
/*  Bytes read until len, the end of the stream or `ms` without a byte: TCP that
    sends again takes its time. */
size_t wire_read(int fd, void *data, size_t len, int ms);
/*  Up to and with the first CRLF CRLF; the length, or 0. Reads no further. */
size_t wire_read_head(int fd, char *head, size_t cap);
void wire_end(int fd);      /* no more bytes from the peer */
void wire_close(int fd);

/*  A frame as it came, payload unmasked. Freed with got_free. */
struct got {
    int fin;
    int rsv;
    int opcode;
    int masked;
    uint8_t key[4];
    int form;
    size_t head;        /* bytes before the payload */
    uint8_t *payload;
    size_t len;
};
int wire_get(int fd, struct got *g);    /* 1, or 0 when none came whole */
void got_free(struct got *g);

/*  Takes one frame in a coroutine of its own, for what is longer than the
    stream holds. */
struct taker {int fd; struct got got; int came; int handle;};
void taker_start(struct taker *t, int fd);
void taker_finish(struct taker *t);     /* waits for it; came, got are set */

/*  The next thing to come from the WebSocket in `role` is exactly this. */
void expect_frame(struct at at, int fd, enum role role, int opcode,
    const void *payload, size_t len);
void expect_close(struct at at, int fd, enum role role, int status,
    const void *reason, size_t len);
void expect_silence(struct at at, int fd);
void expect_end(struct at at, int fd);
#define EXPECT_FRAME(...) expect_frame(HERE, __VA_ARGS__)
#define EXPECT_CLOSE(...) expect_close(HERE, __VA_ARGS__)
#define EXPECT_SILENCE(fd) expect_silence(HERE, fd)
#define EXPECT_END(fd) expect_end(HERE, fd)

/*  Feeds: how bytes are cut into pieces; a piece is sent when the one before
    has been taken. 0: whole, 1..n-1: in two pieces, cut there, n: byte by
    byte. */
#define FEED_WHOLE 0
size_t feed_kinds(size_t n);
void feed_note(size_t kind, size_t n);
/*  Starts a coroutine that feeds the bytes, which must stay until
    feed_finish; `end`: then ends the stream. */
struct feed {
    int fd;
    const uint8_t *p;
    size_t n;
    size_t kind;
    int end;
    int handle;
};
void feed_start(struct feed *f);
void feed_finish(struct feed *f);
/*  The same in the calling coroutine. */
void feed_all(struct feed *f);

/*  RFC 6455, section 4.2.2: 28 characters and a NUL. */
void wire_accept_key(const char *key, size_t keylen, char accept[29]);
/*  Decoded length, or -1 where `text` is not canonical base64. */
int wire_base64_decode(const char *text, size_t len, uint8_t *out);

#endif
