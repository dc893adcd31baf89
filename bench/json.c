/*  Exchanges JSON with a WebSocket echo server, one message at a time on each
    connection, compressed or not, and measures the server. On plain sockets,
    or with -DOVER_TLS over TLS.

        json PORT PID CONNECTIONS SIZE MODE SECONDS

    MODE is `plain`; or `alone`, when every message is compressed by itself;
    or `takeover`, when it may refer to earlier ones (RFC 7692). The first
    replies are compared with what was sent. Prints

    - how many KiB the server, process PID, occupies more for each connection
      when all have had one message,
    - the microseconds of its processor time for each until then,
    - the microseconds for each message after that,
    - the bytes of payload in a reply,

    the last two for SECONDS that are not 0. What is occupied says something
    of a server that has had no connections before. */

#include "memory.h"
#include "peer.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <zlib.h>

#define PATIENCE 10000 /* milliseconds without anything */
#define PATIENCE_ALTOGETHER 60 /* seconds */
#define SIZE_MAX_OF_MESSAGE (16 * 1024)
#define ROOM (SIZE_MAX_OF_MESSAGE + 64)
#define RECORD 128
/*  So many messages differ from each other: more than a window has room for, so that
    none is found in it again. The first of them refers to none. */
#define MESSAGES 512
/*  So many on each connection are not measured: contexts fill. */
#define WARM_UP 40

enum mode {PLAIN, ALONE, TAKEOVER};

static const char *const offers[] = {
    [PLAIN] = "",
    [ALONE] = "Sec-WebSocket-Extensions: permessage-deflate; "
        "server_no_context_takeover; client_no_context_takeover\r\n",
    [TAKEOVER] = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"};

struct connection {
    struct link link;
    int message;
    int is_checked; /* its first reply */
    size_t received;
    unsigned char reply[ROOM];
};

static size_t size;
static char texts[MESSAGES][SIZE_MAX_OF_MESSAGE];
static unsigned char *frames[MESSAGES];
static size_t frame_lens[MESSAGES];
static double bytes_back;

static unsigned draw(unsigned below)
{
    static unsigned state = 1;
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

/*  Words, and dots where none fits any more. */
static void fill_with_words(char *text, size_t room)
{
    static const char *const words[] = {
        "the", "of", "and", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on", "are",
        "as", "with", "his", "they", "at", "be", "this", "have", "from", "or", "one", "had", "by",
        "but", "not", "what", "all", "were", "we", "when", "your", "can", "said", "there", "use",
        "each", "which", "she", "how", "their", "will", "up", "other", "about", "out", "many",
        "then", "them", "these", "some", "her", "would", "make", "like", "him", "into", "time",
        "look", "two", "more", "write", "go", "see", "number", "way", "could", "people", "my",
        "than", "first", "water", "been", "call", "who", "oil", "now", "find", "long", "down"};
    size_t len = 0;
    for(;;) {
        const char *word = words[draw(sizeof words / sizeof words[0])];
        size_t more = strlen(word);
        if(len + more + 1 > room) break;
        memcpy(text + len, word, more);
        len += more;
        text[len++] = ' ';
    }
    memset(text + len, '.', room - len);
}

/*  One that is exactly so long. */
static void make_record(char *text, size_t len, unsigned number)
{
    static const char *const users[] = {
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"};
    char head[128];
    int n = snprintf(head, sizeof head,
        "{\"type\":\"message\",\"channel\":\"general\",\"id\":\"%08x\",\"user\":\"%s\",\"time\":%u,\"text\":\"",
        draw(1 << 24), users[draw(8)], 1764093000 + 3 * number);
    memcpy(text, head, (size_t)n);
    fill_with_words(text + n, len - (size_t)n - 2);
    memcpy(text + len - 2, "\"}", 2);
}

/*  A record, or a list of them. */
static void make_text(char *text)
{
    static unsigned number;
    if(size == RECORD) {
        make_record(text, RECORD, number++);
        return;
    }
    for(size_t at = 0; at < size; at += RECORD) {
        text[at] = at == 0 ? '[' : ',';
        make_record(text + at + 1, at + RECORD == size ? RECORD - 2 : RECORD - 1, number++);
    }
    text[size - 1] = ']';
}

/*  Puts a header in front of a payload, and masks it with zeros. */
static void make_frame(int i, const void *payload, size_t len, int compressed)
{
    unsigned char *p = frames[i] = malloc(len + 8);
    need(p != NULL, "malloc");
    *p++ = compressed ? 0xc2 : 0x82;
    *p++ = (unsigned char)(0x80 | (len < 126 ? len : 126));
    if(len >= 126) {
        *p++ = (unsigned char)(len >> 8);
        *p++ = (unsigned char)len;
    }
    memset(p, 0, 4);
    memcpy(p + 4, payload, len);
    frame_lens[i] = (size_t)(p + 4 + len - frames[i]);
}

static void make_compressed_frames(int window, int takeover)
{
    z_stream z = {0};
    need(deflateInit2(&z, 6, Z_DEFLATED, -window, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    for(int i = 0; i < MESSAGES; i++) {
        unsigned char out[ROOM];
        z.next_in = (unsigned char*)texts[i];
        z.avail_in = (unsigned)size;
        z.next_out = out;
        z.avail_out = sizeof out;
        need(deflate(&z, Z_SYNC_FLUSH) == Z_OK && z.avail_in == 0, "deflate");
        make_frame(i, out, sizeof out - z.avail_out - 4, 1);
        if(!takeover) need(deflateReset(&z) == Z_OK, "deflateReset");
    }
    deflateEnd(&z);
}

/*  What the server agrees to decides how its messages may be compressed. */
static void make_all(enum mode mode, const char *answer)
{
    for(int i = 0; i < MESSAGES; i++) make_text(texts[i]);
    if(mode == PLAIN) {
        for(int i = 0; i < MESSAGES; i++) make_frame(i, texts[i], size, 0);
        return;
    }
    need(strcasestr(answer, "permessage-deflate") != NULL, "no compression agreed");
    const char *bits = strcasestr(answer, "client_max_window_bits=");
    make_compressed_frames(bits ? atoi(strchr(bits, '=') + 1) : 15,
        mode == TAKEOVER && !strcasestr(answer, "client_no_context_takeover"));
}

static void send_next(struct connection *c)
{
    c->received = 0;
    need(put(&c->link, frames[c->message], frame_lens[c->message]) ==
        (ssize_t)frame_lens[c->message], "send");
}

/*  Answers how much payload is in the frames of a reply, and copies it unless
    `payload` is NULL. -1: the last one has not arrived. */
static ssize_t join(const struct connection *c, unsigned char *payload)
{
    const unsigned char *at = c->reply, *end = c->reply + c->received;
    size_t len = 0;
    while(end - at >= 4) {
        size_t header = 2, more = at[1] & 127;
        int is_last = at[0] & 0x80;
        if(more == 126) header = 4, more = (size_t)at[2] << 8 | at[3];
        if((size_t)(end - at) < header + more) return -1;
        if(payload) memcpy(payload + len, at + header, more);
        len += more;
        at += header + more;
        if(is_last) {
            need(at == end, "more than a reply");
            return (ssize_t)len;
        }
    }
    return -1;
}

/*  A first reply refers to nothing before it. */
static void compare(struct connection *c)
{
    static unsigned char payload[ROOM];
    static char text[SIZE_MAX_OF_MESSAGE];
    const char *sent = texts[c->message];
    size_t len = (size_t)join(c, payload);
    if(!(c->reply[0] & 0x40)) {
        need(len == size && !memcmp(payload, sent, size), "another reply");
        return;
    }
    static const unsigned char tail[] = {0, 0, 0xff, 0xff};
    memcpy(payload + len, tail, sizeof tail);
    z_stream z = {.next_in = payload, .avail_in = (unsigned)(len + sizeof tail),
        .next_out = (unsigned char*)text, .avail_out = sizeof text};
    need(inflateInit2(&z, -15) == Z_OK, "zlib");
    inflate(&z, Z_SYNC_FLUSH);
    need(sizeof text - z.avail_out == size && !memcmp(text, sent, size), "another reply");
    inflateEnd(&z);
}

/*  Whether the reply is whole. */
static int receive_more(struct connection *c)
{
    ssize_t n = get(&c->link, c->reply + c->received, ROOM - c->received);
    if(n < 0) return 0;
    c->received += (size_t)n;
    ssize_t len = join(c, NULL);
    if(len < 0) return 0;
    bytes_back += (double)len;
    if(!c->is_checked) compare(c);
    c->is_checked = 1;
    c->message = (c->message + 1) % MESSAGES;
    return 1;
}

/*  Every connection exchanges one message, and goes on for so long. Answers
    how many replies there were. */
static long exchange(int epoll, struct connection *connections, int count, double duration)
{
    double end = seconds(CLOCK_MONOTONIC) + duration;
    int again = duration > 0, active = count;
    long replies = 0;
    bytes_back = 0;
    for(int i = 0; i < count; i++) send_next(&connections[i]);
    while(active > 0) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, PATIENCE);
        need(n > 0, "no reply");
        if(again && seconds(CLOCK_MONOTONIC) >= end) again = 0;
        for(int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if(!receive_more(c)) continue;
            replies++;
            if(again) send_next(c);
            else active--;
        }
    }
    return replies;
}

static void open_all(int epoll, struct connection *connections, int count, int port, enum mode mode)
{
    for(int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        char answer[ANSWER_MAX];
        c->link = open_with(port, (unsigned)i, offers[mode], answer);
        if(!frames[0]) make_all(mode, answer);
        need(fcntl(c->link.fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        need(epoll_ctl(epoll, EPOLL_CTL_ADD, c->link.fd, &event) == 0, "epoll_ctl");
    }
    exchange(epoll, connections, count, 0);
}

int main(int argc, char *argv[])
{
    need(argc == 7, "json PORT PID CONNECTIONS SIZE MODE SECONDS");
    int port = atoi(argv[1]), count = atoi(argv[3]);
    clockid_t server = clock_of(atoi(argv[2]));
    size = (size_t)atol(argv[4]);
    need(size > 0 && size % RECORD == 0 && size <= SIZE_MAX_OF_MESSAGE, "size");
    enum mode mode = !strcmp(argv[5], "plain") ? PLAIN : !strcmp(argv[5], "alone") ? ALONE : TAKEOVER;
    double duration = atof(argv[6]);
    alarm(PATIENCE_ALTOGETHER);
    allow_many_descriptors();
    int epoll = epoll_create1(0);
    struct connection *connections = calloc((size_t)count + 1, sizeof *connections);
    need(epoll >= 0 && connections, "set-up");

    /* What a server needs for its first one is not what it needs for each. */
    open_all(epoll, connections + count, 1, port, mode);
    long occupied = resident(argv[2]);
    double spent = seconds(server);
    open_all(epoll, connections, count, port, mode);
    printf("%.2f %.1f", (double)(resident(argv[2]) - occupied) / 1024 / count,
        (seconds(server) - spent) / count * 1e6);
    if(duration > 0) {
        for(int i = 0; i < WARM_UP; i++) exchange(epoll, connections, count, 0);
        spent = seconds(server);
        long replies = exchange(epoll, connections, count, duration);
        printf(" %.3f %.1f", (seconds(server) - spent) / (double)replies * 1e6,
            bytes_back / (double)replies);
    }
    puts("");
    return 0;
}
