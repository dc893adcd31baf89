/*  SOCKS 5, both ends: against bytes, and with each other. */

#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt.h"
#include "wire.h"

/*  Bytes that are written down, NULs included. */
struct lit {const char *p; size_t n;};
#define BYTES(text) {text, sizeof text - 1}
#define LIT(text) ((struct lit)BYTES(text))

#define TEXT10 "abcdefghij"
#define TEXT50 TEXT10 TEXT10 TEXT10 TEXT10 TEXT10
#define TEXT255 TEXT50 TEXT50 TEXT50 TEXT50 TEXT50 "klmno"

static struct ipaddr address(const char *text, int port)
{
    struct ipaddr addr;
    if(ipaddr_local(&addr, text, port, 0) != 0) abort();
    return addr;
}

static void check_addr(struct at at, const struct ipaddr *addr,
    const char *text, int port)
{
    struct ipaddr want = address(text, port);
    char got[IPADDR_MAXSTRLEN];
    if(ipaddr_equal(addr, &want, 0)) return;
    check_fail(at, "address %s port %d, want %s port %d",
        ipaddr_str(addr, got), ipaddr_port(addr), text, port);
}
#define CHECK_ADDR(addr, text, port) check_addr(HERE, addr, text, port)

/**** A resolver ****/

static int (*libc_getaddrinfo)(const char*, const char*, const struct addrinfo*,
    struct addrinfo**);

static int literal(const char *text, struct addrinfo **found)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,
        .ai_socktype = SOCK_STREAM};
    return libc_getaddrinfo(text, NULL, &hints, found);
}

/*  Knows some names that end in .test; the system's does the rest. */
int getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
    if(!libc_getaddrinfo)
        *(void**)&libc_getaddrinfo = dlsym(RTLD_NEXT, "getaddrinfo");
    if(strcmp(name, "none.test") == 0) return EAI_NONAME;
    if(strcmp(name, "trouble.test") == 0) return EAI_AGAIN;
    if(strcmp(name, "slow.test") == 0) {
        usleep(200000);
        return EAI_NONAME;
    }
    if(strcmp(name, "both.test") != 0)
        return libc_getaddrinfo(name, service, hints, found);
    if(literal("2001:db8::1", found) != 0) abort();
    if(literal("192.0.2.1", &(*found)->ai_next) != 0) abort();
    return 0;
}

/**** A stream of the test's own ****/

/*  Delivers `in`, then ends; notes what is sent to it, and how. */
struct script {
    struct hvfs hvfs;
    struct bsock_vfs bvfs;
    int s;
    struct lit in;
    size_t taken;
    int sends;
    struct {size_t n; char p[600];} sent[4];
    int closed;
};

static void *script_query(struct hvfs *hvfs, const void *type)
{
    if(type == bsock_type) return &((struct script*)hvfs)->bvfs;
    errno = ENOTSUP;
    return NULL;
}

static void script_close(struct hvfs *hvfs)
{
    ((struct script*)hvfs)->closed++;
}

static struct script *around(struct bsock_vfs *bvfs)
{
    return (struct script*)((char*)bvfs - offsetof(struct script, bvfs));
}

static int script_bsendl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct script *self = around(bvfs);
    (void)last;
    (void)deadline;
    if(self->sends == COUNT_OF(self->sent)) abort();
    char *to = self->sent[self->sends].p;
    size_t n = 0;
    for(; first; first = first->iol_next) {
        memcpy(to + n, first->iol_base, first->iol_len);
        n += first->iol_len;
    }
    self->sent[self->sends++].n = n;
    return 0;
}

static int script_brecvl(struct bsock_vfs *bvfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct script *self = around(bvfs);
    (void)last;
    (void)deadline;
    for(; first; first = first->iol_next) {
        if(first->iol_len > self->in.n - self->taken) {
            self->taken = self->in.n;
            errno = EPIPE;
            return -1;
        }
        memcpy(first->iol_base, self->in.p + self->taken, first->iol_len);
        self->taken += first->iol_len;
    }
    return 0;
}

static void script_open(struct script *self, struct lit in)
{
    memset(self, 0, sizeof *self);
    self->hvfs = (struct hvfs){script_query, script_close};
    self->bvfs = (struct bsock_vfs){script_bsendl, script_brecvl};
    self->in = in;
    self->s = hmake(&self->hvfs);
    if(self->s < 0) abort();
}

/*  The stream has stayed the caller's. */
static void script_end(struct at at, struct script *self)
{
    check_int(at, "closed", self->closed, 0);
    check_ok(at, "hclose", hclose(self->s), errno);
    check_int(at, "closed", self->closed, 1);
}
#define SCRIPT_END(self) script_end(HERE, self)

static void check_sent(struct at at, struct script *self, int number,
    struct lit want)
{
    if(number < self->sends)
        check_bytes(at, "message", self->sent[number].p, self->sent[number].n,
            want.p, want.n);
    else
        check_fail(at, "message %d was not sent", number);
}
#define CHECK_SENT(self, number, want) check_sent(HERE, self, number, want)

/**** Clients ****/

/*  What a client does: connects to `addr` unless that is NULL, else by name. */
struct client {
    const char *username;
    const char *password;
    const char *addr;
    const char *host;
    int port;
};

static int client_connect(const struct client *c, int s, int64_t deadline)
{
    if(!c->addr)
        return socks5_client_connectbyname(s, c->username, c->password,
            c->host, c->port, deadline);
    struct ipaddr addr = address(c->addr, c->port);
    return socks5_client_connect(s, c->username, c->password, &addr, deadline);
}

/*  What clients send. */
#define HELLO BYTES("\x05\x01\x00")
#define HELLO_WITH_LOGIN BYTES("\x05\x02\x00\x02")
#define TO_LOOPBACK BYTES("\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50")
/*  What proxies answer. */
#define NO_LOGIN "\x05\x00"
#define WITH_LOGIN "\x05\x02"
#define LOGIN_GOOD "\x01\x00"
#define REPLY "\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90"
#define REPLY6 "\x05\x00\x00\x04" "0123456789abcdef" "\x1f\x90"
#define REPLY_NAME "\x05\x00\x00\x03\x04name\x1f\x90"

TEST(rt_socks5_what_a_client_sends)
{
    static const struct {
        struct client client;
        struct lit replies;
        struct lit sent[3];
    } rows[] = {
        {{NULL, NULL, "127.0.0.1", NULL, 80}, BYTES(NO_LOGIN REPLY),
            {HELLO, TO_LOOPBACK}},
        {{NULL, NULL, "2001:db8::ff", NULL, 65535}, BYTES(NO_LOGIN REPLY6),
            {HELLO, BYTES("\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00"
                "\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff")}},
        {{NULL, NULL, NULL, "example.org", 8080}, BYTES(NO_LOGIN REPLY_NAME),
            {HELLO, BYTES("\x05\x01\x00\x03\x0b" "example.org\x1f\x90")}},
        /*  Literal addresses need no look-up. */
        {{NULL, NULL, NULL, "192.0.2.1", 1}, BYTES(NO_LOGIN REPLY),
            {HELLO, BYTES("\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x01")}},
        {{NULL, NULL, NULL, "::1", 258}, BYTES(NO_LOGIN REPLY),
            {HELLO, BYTES("\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"
                "\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02")}},
        /*  These are none. */
        {{NULL, NULL, NULL, "1.2.3", 1}, BYTES(NO_LOGIN REPLY),
            {HELLO, BYTES("\x05\x01\x00\x03\x05" "1.2.3\x00\x01")}},
        {{NULL, NULL, NULL, "\xff\xfe", 1}, BYTES(NO_LOGIN REPLY),
            {HELLO, BYTES("\x05\x01\x00\x03\x02\xff\xfe\x00\x01")}},
        /*  The proxy may want a login, or not. */
        {{"me", "secret", "127.0.0.1", NULL, 80},
            BYTES(WITH_LOGIN LOGIN_GOOD REPLY),
            {HELLO_WITH_LOGIN, BYTES("\x01\x02me\x06secret"), TO_LOOPBACK}},
        {{"me", "secret", "127.0.0.1", NULL, 80}, BYTES(NO_LOGIN REPLY),
            {HELLO_WITH_LOGIN, TO_LOOPBACK}},
        /*  Half a login is none. */
        {{"me", NULL, "127.0.0.1", NULL, 80}, BYTES(NO_LOGIN REPLY),
            {HELLO, TO_LOOPBACK}},
        {{NULL, "secret", "127.0.0.1", NULL, 80}, BYTES(NO_LOGIN REPLY),
            {HELLO, TO_LOOPBACK}},
        /*  The longest of everything. */
        {{TEXT255, TEXT255, NULL, TEXT255, 80},
            BYTES(WITH_LOGIN LOGIN_GOOD "\x05\x00\x00\x03\xff" TEXT255 "\0\0"),
            {HELLO_WITH_LOGIN, BYTES("\x01\xff" TEXT255 "\xff" TEXT255),
             BYTES("\x05\x01\x00\x03\xff" TEXT255 "\x00\x50")}}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct script own;
        char in[600];
        size_t n = rows[i].replies.n;
        check_note("row %zu", i);
        memcpy(in, rows[i].replies.p, n);
        memcpy(in + n, "TAIL", 4);
        script_open(&own, (struct lit){in, n + 4});
        CHECK_OK(client_connect(&rows[i].client, own.s, -1));
        int sends = 0;
        for(; sends != 3 && rows[i].sent[sends].p; sends++)
            CHECK_SENT(&own, sends, rows[i].sent[sends]);
        CHECK_INT(own.sends, sends);
        /*  Not a byte too many was received. */
        CHECK_INT(own.taken, n);
        SCRIPT_END(&own);
    }
}

TEST(rt_socks5_client_arguments)
{
    static const struct client rows[] = {
        {"", "p", "127.0.0.1", NULL, 80}, {"u", "", "127.0.0.1", NULL, 80},
        {TEXT255 "x", "p", "127.0.0.1", NULL, 80},
        {"u", TEXT255 "x", "127.0.0.1", NULL, 80},
        {"", "p", NULL, "host", 80}, {"u", TEXT255 "x", NULL, "host", 80},
        {NULL, NULL, NULL, NULL, 80}, {NULL, NULL, NULL, "", 80},
        {NULL, NULL, NULL, TEXT255 "x", 80}, {NULL, NULL, NULL, "host", 0},
        {NULL, NULL, NULL, "host", -1}, {NULL, NULL, NULL, "host", 65536},
        {NULL, NULL, NULL, "127.0.0.1", 0}};
    struct script own;
    struct ipaddr none;
    memset(&none, 0, sizeof none);
    script_open(&own, LIT(NO_LOGIN REPLY));
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("row %zu", i);
        CHECK_ERR(client_connect(&rows[i], own.s, -1), EINVAL);
    }
    check_note(NULL);
    CHECK_ERR(socks5_client_connect(own.s, NULL, NULL, NULL, -1), EINVAL);
    CHECK_ERR(socks5_client_connect(own.s, NULL, NULL, &none, -1), EINVAL);
    CHECK_INT(own.sends, 0);
    CHECK_INT(own.taken, 0);
    SCRIPT_END(&own);
}

/*  The errno of a reply's code. */
static int code_errno(int code)
{
    static const int errnos[] = {0, EIO, EACCES, ENETUNREACH, EHOSTUNREACH,
        ECONNREFUSED, ETIMEDOUT, EOPNOTSUPP, EAFNOSUPPORT};
    return code < (int)COUNT_OF(errnos) ? errnos[code] : EPROTO;
}

static void check_outcome(struct at at, int rc, int err, int want)
{
    if(want) check_err(at, "the call", rc, err, want);
    else check_ok(at, "the call", rc, err);
}

static const struct client with_login = {"me", "secret", "127.0.0.1", NULL, 80};
#define ANSWERS WITH_LOGIN LOGIN_GOOD REPLY

/*  What the client makes of `value` at `i` in ANSWERS. */
static int client_errno(size_t i, int value)
{
    switch(i) {
    case 1: return value == 0xff ? EACCES : EPROTO;
    case 3: return EACCES;
    case 5: return code_errno(value);
    /*  Kinds of addresses that are longer than what is there. */
    case 7: return value == 3 || value == 4 ? EPIPE : EPROTO;
    default: return i < 8 ? EPROTO : 0;
    }
}

TEST(rt_socks5_client_meets_every_byte_everywhere)
{
    static const struct lit good = BYTES(ANSWERS);
    for(size_t i = 0; i != good.n; i++) {
        for(int value = 0; value != 256; value++) {
            struct script own;
            char in[64];
            check_note("byte %zu is %02x", i, value);
            memcpy(in, good.p, good.n);
            if((unsigned char)in[i] == value) continue;
            in[i] = (char)value;
            script_open(&own, (struct lit){in, good.n});
            errno = 0;
            int rc = client_connect(&with_login, own.s, -1);
            check_outcome(HERE, rc, errno, client_errno(i, value));
            CHECK_RANGE(own.taken, 2, good.n);
            SCRIPT_END(&own);
        }
    }
}

/*  Nobody may choose what was not offered. */
TEST(rt_socks5_client_meets_an_uncalled_for_login)
{
    static const struct client c = {NULL, NULL, "127.0.0.1", NULL, 80};
    struct script own;
    script_open(&own, LIT(ANSWERS));
    CHECK_ERR(client_connect(&c, own.s, -1), EPROTO);
    CHECK_INT(own.sends, 1);
    SCRIPT_END(&own);
    script_open(&own, LIT("\x05\x01" LOGIN_GOOD REPLY));
    CHECK_ERR(client_connect(&with_login, own.s, -1), EPROTO);
    CHECK_INT(own.sends, 1);
    SCRIPT_END(&own);
}

TEST(rt_socks5_client_meets_places_in_replies)
{
    static const struct client c = {NULL, NULL, "127.0.0.1", NULL, 80};
    static const struct {struct lit in; int err;} rows[] = {
        {BYTES(NO_LOGIN "\x05\x00\x00\x03\x01x\x00\x50"), 0},
        {BYTES(NO_LOGIN "\x05\x00\x00\x03\x00\x00\x50"), 0},
        {BYTES(NO_LOGIN "\x05\x00\x00\x03\x03" "a\0b\x00\x50"), EPROTO},
        {BYTES(NO_LOGIN "\x05\x05\x00\x03\x01x\x00\x50"), ECONNREFUSED},
        /*  A proxy that refuses may leave the place out. */
        {BYTES(NO_LOGIN "\x05\x05\x00\x00\x00"), ECONNREFUSED},
        {BYTES(NO_LOGIN "\x05\x04\x00\x07\x00"), EHOSTUNREACH},
        {BYTES(NO_LOGIN "\x05\x00\x00\x07\x00"), EPROTO}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct script own;
        check_note("row %zu", i);
        script_open(&own, rows[i].in);
        errno = 0;
        int rc = client_connect(&c, own.s, -1);
        check_outcome(HERE, rc, errno, rows[i].err);
        SCRIPT_END(&own);
    }
}

/**** Proxies ****/

/*  What the judge has been asked, and says. */
static struct {int asked; char username[256]; char password[256]; int verdict;}
    judged;

static int judge(const char *username, const char *password)
{
    judged.asked++;
    strcpy(judged.username, username);
    strcpy(judged.password, password);
    return judged.verdict;
}

/*  One that takes its time. */
static int slow_judge(const char *username, const char *password)
{
    if(msleep(now() + 1) != 0) return 0;
    return judge(username, password);
}

#define GREETING "\x05\x02\x00\x02"
#define LOGIN "\x01\x02me\x06secret"
#define COMMAND "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"

/*  What a proxy answers: the method it takes, and what it thinks of a login. */
#define GOES_WITHOUT BYTES("\x05\x00")
#define WANTS_LOGIN BYTES("\x05\x02")
#define TAKES_NONE BYTES("\x05\xff")
#define ACCEPTED BYTES("\x01\x00")
#define REFUSED BYTES("\x01\x01")

TEST(rt_socks5_a_proxy_and_logins)
{
    static const struct {
        struct lit in;
        int judge;
        int verdict;
        int err;
        int asked;
        struct lit sent[2];
    } rows[] = {
        /*  Without a judge. */
        {BYTES("\x05\x01\x00"), 0, 0, 0, 0, {GOES_WITHOUT}},
        {BYTES(GREETING), 0, 0, 0, 0, {GOES_WITHOUT}},
        {BYTES("\x05\x03\x02\x01\x00"), 0, 0, 0, 0, {GOES_WITHOUT}},
        {BYTES("\x05\x01\x02"), 0, 0, EACCES, 0, {TAKES_NONE}},
        {BYTES("\x05\xff" TEXT255), 0, 0, EACCES, 0,
            {TAKES_NONE}},
        {BYTES("\x05\x00"), 0, 0, EACCES, 0, {TAKES_NONE}},
        {BYTES("\x05\x01\xff"), 0, 0, EACCES, 0, {TAKES_NONE}},
        {BYTES("\x05\xff" TEXT50 TEXT50 TEXT50 TEXT50 TEXT50 "klmn\x00"),
            0, 0, 0, 0, {GOES_WITHOUT}},
        /*  With one. */
        {BYTES(GREETING LOGIN), 1, 1, 0, 1, {WANTS_LOGIN, ACCEPTED}},
        {BYTES(GREETING LOGIN), 1, -7, 0, 1, {WANTS_LOGIN, ACCEPTED}},
        {BYTES(GREETING LOGIN), 1, 0, EACCES, 1,
            {WANTS_LOGIN, REFUSED}},
        {BYTES("\x05\x01\x00"), 1, 1, EACCES, 0, {TAKES_NONE}},
        /*  Versions. */
        {BYTES("\x04\x01\x00"), 0, 0, EPROTO, 0, {{NULL, 0}}},
        {BYTES("GET / HTTP/1.1"), 0, 0, EPROTO, 0, {{NULL, 0}}},
        {BYTES(GREETING "\x05\x02me\x06secret"), 1, 1, EPROTO, 0,
            {WANTS_LOGIN}}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct script own;
        check_note("row %zu", i);
        memset(&judged, 0, sizeof judged);
        judged.verdict = rows[i].verdict;
        script_open(&own, rows[i].in);
        errno = 0;
        int rc = socks5_proxy_auth(own.s, rows[i].judge ? judge : NULL, -1);
        check_outcome(HERE, rc, errno, rows[i].err);
        CHECK_INT(judged.asked, rows[i].asked);
        if(judged.asked) {
            CHECK(strcmp(judged.username, "me") == 0);
            CHECK(strcmp(judged.password, "secret") == 0);
        }
        int sends = 0;
        for(; sends != 2 && rows[i].sent[sends].p; sends++)
            CHECK_SENT(&own, sends, rows[i].sent[sends]);
        CHECK_INT(own.sends, sends);
        SCRIPT_END(&own);
    }
}

TEST(rt_socks5_a_proxy_and_odd_names_and_passwords)
{
    static const struct {
        struct lit in;
        int asked;
        const char *username;
        const char *password;
    } rows[] = {
        {BYTES(GREETING "\x01\x01" "a\x01" "b"), 1, "a", "b"},
        {BYTES(GREETING "\x01\xff" TEXT255 "\xff" TEXT255), 1, TEXT255,
            TEXT255},
        {BYTES(GREETING "\x01\x00\x00"), 1, "", ""},
        {BYTES(GREETING "\x01\x02\xff\x80\x01\xfe"), 1, "\xff\x80", "\xfe"},
        /*  C would see other ones: refused. */
        {BYTES(GREETING "\x01\x04" "a\0bc" "\x01" "d"), 0, NULL, NULL},
        {BYTES(GREETING "\x01\x01" "a\x02" "b\0"), 0, NULL, NULL},
        {BYTES(GREETING "\x01\x01\0\x01" "b"), 0, NULL, NULL}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct script own;
        check_note("row %zu", i);
        memset(&judged, 0, sizeof judged);
        judged.verdict = 1;
        script_open(&own, rows[i].in);
        errno = 0;
        int rc = socks5_proxy_auth(own.s, judge, -1);
        check_outcome(HERE, rc, errno, rows[i].asked ? 0 : EACCES);
        CHECK_INT(judged.asked, rows[i].asked);
        if(judged.asked && rows[i].asked) {
            CHECK(strcmp(judged.username, rows[i].username) == 0);
            CHECK(strcmp(judged.password, rows[i].password) == 0);
        }
        CHECK_SENT(&own, 1, rows[i].asked ? LIT("\x01\x00") :
            LIT("\x01\x01"));
        CHECK_INT(own.taken, own.in.n);
        SCRIPT_END(&own);
    }
}

TEST(rt_socks5_commands)
{
    static const struct {
        struct lit in;
        int command;
        const char *host;
        const char *addr;
        int port;
    } rows[] = {
        {BYTES(COMMAND), 1, "127.0.0.1", "127.0.0.1", 80},
        {BYTES("\x05\x02\x00\x01\xff\xff\xff\xff\xff\xff"), 2,
            "255.255.255.255", "255.255.255.255", 65535},
        {BYTES("\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"), 3, "0.0.0.0",
            "0.0.0.0", 0},
        {BYTES("\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00"
            "\x00\x00\x00\x00\xff\x1f\x90"), 1, "2001:db8::ff", "2001:db8::ff",
            8080},
        {BYTES("\x05\x01\x00\x03\x09" "192.0.2.7\x00\x50"), 1, "192.0.2.7",
            "192.0.2.7", 80},
        {BYTES("\x05\x01\x00\x03\x09" "both.test\x00\x50"), 1, "both.test",
            "192.0.2.1", 80},
        {BYTES("\x05\x01\x00\x03\x01x\x00\x50"), 1, "x", NULL, 80},
        {BYTES("\x05\x01\x00\x03\xff" TEXT255 "\x00\x50"), 1, TEXT255, NULL,
            80}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct script own;
        struct ipaddr addr;
        char host[257];
        char in[300];
        int port = -1;
        check_note("row %zu", i);
        memcpy(in, rows[i].in.p, rows[i].in.n);
        memcpy(in + rows[i].in.n, "TAIL", 4);
        script_open(&own, (struct lit){in, rows[i].in.n + 4});
        memset(host, '#', sizeof host);
        CHECK_INT(socks5_proxy_recvcommandbyname(own.s, host, &port, -1),
            rows[i].command);
        size_t len = strlen(rows[i].host) + 1;
        CHECK_BYTES(host, len, rows[i].host, len);
        for(size_t k = len; k != sizeof host; k++) CHECK_INT(host[k], '#');
        CHECK_INT(port, rows[i].port);
        CHECK_INT(own.taken, rows[i].in.n);
        if(rows[i].addr) {
            own.taken = 0;
            CHECK_INT(socks5_proxy_recvcommand(own.s, &addr, -1),
                rows[i].command);
            CHECK_ADDR(&addr, rows[i].addr, rows[i].port);
            CHECK_INT(own.taken, rows[i].in.n);
        }
        CHECK_INT(own.sends, 0);
        SCRIPT_END(&own);
    }
    AWAIT_THREADS();
}

/*  The command has been received, and can be answered. */
TEST(rt_socks5_commands_with_names_that_have_no_address)
{
    static const struct {struct lit in; int err; int64_t wait;} rows[] = {
        {BYTES("\x05\x01\x00\x03\x09" "none.test\x00\x50"), EADDRNOTAVAIL,
            3000},
        {BYTES("\x05\x01\x00\x03\x0c" "trouble.test\x00\x50"), EAGAIN, 3000},
        {BYTES("\x05\x01\x00\x03\x09" "slow.test\x00\x50"), ETIMEDOUT, 10}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct script own;
        struct ipaddr addr;
        struct ipaddr before;
        check_note("row %zu", i);
        memset(&addr, '#', sizeof addr);
        before = addr;
        script_open(&own, rows[i].in);
        CHECK_ERR(socks5_proxy_recvcommand(own.s, &addr, now() + rows[i].wait),
            rows[i].err);
        CHECK_INT(own.taken, own.in.n);
        CHECK(memcmp(&addr, &before, sizeof addr) == 0);
        struct ipaddr any = address("0.0.0.0", 0);
        CHECK_OK(socks5_proxy_sendreply(own.s, SOCKS5_HOST_UNREACHABLE, &any,
            -1));
        CHECK_SENT(&own, 0, LIT("\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"));
        SCRIPT_END(&own);
    }
    AWAIT_THREADS();
}

/*  What the proxy makes of `value` at `i` in COMMAND. */
static int command_errno(size_t i, int value)
{
    switch(i) {
    case 1: return value >= 1 && value <= 3 ? 0 : EPROTO;
    case 3: return value == 3 || value == 4 ? EPIPE : EPROTO;
    default: return i < 4 ? EPROTO : 0;
    }
}

TEST(rt_socks5_a_proxy_meets_every_byte_everywhere)
{
    static const struct lit greeting = BYTES(GREETING LOGIN);
    static const struct lit command = BYTES(COMMAND);
    char in[64];
    for(size_t i = 0; i != greeting.n + command.n; i++) {
        for(int value = 0; value != 256; value++) {
            struct script own;
            struct ipaddr addr;
            char host[256];
            int port;
            int in_command = i >= greeting.n;
            struct lit good = in_command ? command : greeting;
            size_t at = in_command ? i - greeting.n : i;
            memcpy(in, good.p, good.n);
            if((unsigned char)in[at] == value) continue;
            in[at] = (char)value;
            check_note("byte %zu of %s is %02x", at,
                in_command ? "a command" : "a greeting", value);
            script_open(&own, (struct lit){in, good.n});
            errno = 0;
            if(in_command) {
                int want = command_errno(at, value);
                int rc = socks5_proxy_recvcommandbyname(own.s, host, &port, -1);
                check_outcome(HERE, rc, errno, want);
                if(!want) CHECK_INT(rc, at == 1 ? value : SOCKS5_CONNECT);
                own.taken = 0;
                errno = 0;
                rc = socks5_proxy_recvcommand(own.s, &addr, -1);
                check_outcome(HERE, rc, errno, want);
            } else {
                judged.verdict = 1;
                int rc = socks5_proxy_auth(own.s, judge, -1);
                int err = errno;
                if(at == 0 || at == 4) check_outcome(HERE, rc, err, EPROTO);
                else CHECK(rc == 0 || err == EPROTO || err == EACCES ||
                    err == EPIPE);
            }
            CHECK(own.taken <= own.in.n);
            SCRIPT_END(&own);
        }
    }
}

TEST(rt_socks5_malformed_names_in_commands)
{
    static const struct lit rows[] = {
        BYTES("\x05\x01\x00\x03\x00\x00\x50"),
        BYTES("\x05\x01\x00\x03\x03" "a\0b\x00\x50"),
        BYTES("\x05\x01\x00\x03\x01\0\x00\x50"),
        BYTES("\x05\x01\x00\x03\x05" "host\0\x00\x50")};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct script own;
        struct ipaddr addr;
        char host[256] = "#";
        int port = -1;
        check_note("row %zu", i);
        script_open(&own, rows[i]);
        CHECK_ERR(socks5_proxy_recvcommandbyname(own.s, host, &port, -1),
            EPROTO);
        CHECK_INT(host[0], '#');
        CHECK_INT(port, -1);
        own.taken = 0;
        CHECK_ERR(socks5_proxy_recvcommand(own.s, &addr, -1), EPROTO);
        SCRIPT_END(&own);
    }
}

TEST(rt_socks5_replies)
{
    struct ipaddr in4 = address("192.0.2.1", 8080);
    struct ipaddr in6 = address("2001:db8::ff", 65535);
    for(int reply = 0; reply != 9; reply++) {
        struct script own;
        char want4[] = "\x05?\x00\x01\xc0\x00\x02\x01\x1f\x90";
        char want6[] = "\x05?\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00"
            "\x00\x00\x00\x00\x00\xff\xff\xff";
        check_note("reply %d", reply);
        want4[1] = want6[1] = (char)reply;
        script_open(&own, LIT(""));
        CHECK_OK(socks5_proxy_sendreply(own.s, reply, &in4, -1));
        CHECK_OK(socks5_proxy_sendreply(own.s, reply, &in6, -1));
        CHECK_SENT(&own, 0, LIT(want4));
        CHECK_SENT(&own, 1, LIT(want6));
        CHECK_INT(own.sends, 2);
        SCRIPT_END(&own);
    }
}

TEST(rt_socks5_proxy_arguments)
{
    struct ipaddr addr = address("127.0.0.1", 80);
    struct ipaddr none;
    struct script own;
    char host[256];
    int port;
    memset(&none, 0, sizeof none);
    script_open(&own, LIT(COMMAND));
    CHECK_ERR(socks5_proxy_recvcommand(own.s, NULL, -1), EINVAL);
    CHECK_ERR(socks5_proxy_recvcommandbyname(own.s, NULL, &port, -1), EINVAL);
    CHECK_ERR(socks5_proxy_recvcommandbyname(own.s, host, NULL, -1), EINVAL);
    static const int replies[] = {-1, 9, 255, 256, INT32_MAX, INT32_MIN};
    for(size_t i = 0; i != COUNT_OF(replies); i++)
        CHECK_ERR(socks5_proxy_sendreply(own.s, replies[i], &addr, -1), EINVAL);
    CHECK_ERR(socks5_proxy_sendreply(own.s, 0, NULL, -1), EINVAL);
    CHECK_ERR(socks5_proxy_sendreply(own.s, 0, &none, -1), EINVAL);
    CHECK_INT(own.taken, 0);
    CHECK_INT(own.sends, 0);
    SCRIPT_END(&own);
}

/**** Every function, on sockets ****/

/*  The functions that receive, each with what a peer says to it. */
struct step {
    const char *name;
    struct lit in;
    long long (*fn)(void *arg);
};
struct doing {struct call call; int s; int64_t deadline;};

static long long do_client(void *arg)
{
    struct doing *d = arg;
    return client_connect(&with_login, d->s, d->deadline);
}

static long long do_client_by_name(void *arg)
{
    static const struct client c = {"me", "secret", NULL, "example.org", 80};
    struct doing *d = arg;
    return client_connect(&c, d->s, d->deadline);
}

static long long do_auth(void *arg)
{
    struct doing *d = arg;
    judged.verdict = 1;
    return socks5_proxy_auth(d->s, slow_judge, d->deadline);
}

static long long do_command(void *arg)
{
    struct doing *d = arg;
    struct ipaddr addr;
    return socks5_proxy_recvcommand(d->s, &addr, d->deadline);
}

static long long do_command_by_name(void *arg)
{
    struct doing *d = arg;
    char host[256];
    int port;
    return socks5_proxy_recvcommandbyname(d->s, host, &port, d->deadline);
}

#define STEP(name, text, fn) {name, BYTES(text), fn}
static const struct step steps[] = {
    STEP("a client", ANSWERS, do_client),
    STEP("a client by name", WITH_LOGIN LOGIN_GOOD REPLY6, do_client_by_name),
    STEP("a proxy's login", GREETING LOGIN, do_auth),
    STEP("a command", COMMAND, do_command),
    STEP("a command by name", "\x05\x01\x00\x03\x04host\x00\x50",
        do_command_by_name)};

/*  A stream with the first `n` bytes of what the step receives. */
static int step_open(const struct step *step, size_t n, int *fd)
{
    int s = stream_open(IPC, fd);
    check_note("%s, %zu bytes", step->name, n);
    CHECK_INT(wire_write(*fd, step->in.p, n), 0);
    return s;
}

static void step_close(int s, int fd)
{
    /*  It has stayed the caller's. */
    CHECK_OK(hclose(s));
    wire_close(fd);
}

TEST(rt_socks5_cut_at_every_byte)
{
    for(size_t i = 0; i != COUNT_OF(steps); i++) {
        for(size_t n = 0; n != steps[i].in.n; n++) {
            int fd;
            struct doing d = {.deadline = -1};
            d.s = step_open(&steps[i], n, &fd);
            wire_end(fd);
            CHECK_ERR(steps[i].fn(&d), EPIPE);
            step_close(d.s, fd);
        }
    }
}

TEST(rt_socks5_a_deadline_at_every_byte)
{
    for(size_t i = 0; i != COUNT_OF(steps); i++) {
        for(size_t n = 0; n != steps[i].in.n; n++) {
            int fd;
            struct doing d = {.s = step_open(&steps[i], n, &fd)};
            d.deadline = n % 4 ? 0 : now() + 5;
            /*  The judge here sleeps without looking at the deadline. */
            CHECK_ERR(steps[i].fn(&d), ETIMEDOUT);
            step_close(d.s, fd);
        }
        int fd;
        struct doing d = {.s = step_open(&steps[i], steps[i].in.n, &fd)};
        CHECK_OK(steps[i].fn(&d));
        step_close(d.s, fd);
    }
}

TEST(rt_socks5_cancelled_at_every_byte)
{
    for(size_t i = 0; i != COUNT_OF(steps); i++) {
        for(size_t n = 0; n != steps[i].in.n; n++) {
            int fd;
            struct doing d = {.deadline = -1};
            d.s = step_open(&steps[i], n, &fd);
            call_start(&d.call, steps[i].fn, &d);
            CALL_CANCEL(&d.call);
            step_close(d.s, fd);
        }
    }
}

TEST(rt_socks5_closed_at_every_byte)
{
    for(size_t i = 0; i != COUNT_OF(steps); i++) {
        for(size_t n = 0; n != steps[i].in.n; n++) {
            int fd;
            struct doing d = {.deadline = -1};
            d.s = step_open(&steps[i], n, &fd);
            call_start(&d.call, steps[i].fn, &d);
            CHECK_BLOCKED(&d.call);
            CHECK_OK(hclose(d.s));
            CALL_FAILS(&d.call, ECONNRESET);
            wire_close(fd);
        }
    }
}

/*  However the bytes come, and none of what follows is touched. */
TEST(rt_socks5_cut_into_pieces_anyhow)
{
    for(size_t i = 0; i != COUNT_OF(steps); i++) {
        uint8_t in[300];
        size_t n = steps[i].in.n;
        memcpy(in, steps[i].in.p, n);
        memcpy(in + n, "TAIL", 4);
        for(size_t kind = 0; kind != feed_kinds(n + 4); kind++) {
            int fd;
            char tail[4];
            struct doing d = {.s = step_open(&steps[i], 0, &fd)};
            d.deadline = SOON;
            struct feed f = {.fd = fd, .p = in, .n = n + 4, .kind = kind};
            check_row(steps[i].name);
            feed_note(kind, n + 4);
            feed_start(&f);
            CHECK_OK(steps[i].fn(&d));
            CHECK_OK(brecv(d.s, tail, 4, SOON));
            CHECK_BYTES(tail, 4, "TAIL", 4);
            CHECK_ERR(brecv(d.s, tail, 1, 0), ETIMEDOUT);
            feed_finish(&f);
            step_close(d.s, fd);
        }
    }
}

/*  One deadline is for all, however busy the peer is. */
TEST(rt_socks5_a_peer_that_dribbles)
{
    for(size_t i = 0; i != COUNT_OF(steps); i++) {
        int fd;
        struct doing d = {.s = step_open(&steps[i], 0, &fd)};
        d.deadline = now() + 20;
        call_start(&d.call, steps[i].fn, &d);
        for(size_t n = 0; n + 1 < steps[i].in.n && !d.call.over; n++) {
            CHECK_INT(wire_write(fd, steps[i].in.p + n, 1), 0);
            CHECK_OK(msleep(now() + 10));
        }
        CALL_FAILS(&d.call, ETIMEDOUT);
        step_close(d.s, fd);
    }
}

TEST(rt_socks5_no_room_to_send)
{
    struct ipaddr addr = address("127.0.0.1", 80);
    int fd;
    int s = stream_open(IPC, &fd);
    size_t n = stream_fill(s);
    CHECK_ERR(client_connect(&with_login, s, 0), ETIMEDOUT);
    CHECK_ERR(client_connect(&with_login, s, BRIEFLY), ETIMEDOUT);
    CHECK_ERR(socks5_proxy_sendreply(s, 0, &addr, BRIEFLY), ETIMEDOUT);
    CHECK_INT(wire_write(fd, GREETING, 4), 0);
    CHECK_ERR(socks5_proxy_auth(s, NULL, BRIEFLY), ETIMEDOUT);
    /*  Nothing was sent in part. */
    wire_unfill(fd, n);
    EXPECT_SILENCE(fd);
    CHECK_OK(socks5_proxy_sendreply(s, 0, &addr, SOON));
    step_close(s, fd);
}

TEST(rt_socks5_other_handles)
{
    struct ipaddr addr = address("127.0.0.1", 80);
    struct client by_addr = {NULL, NULL, "127.0.0.1", NULL, 80};
    struct client by_name = {NULL, NULL, NULL, "host", 80};
    char host[256];
    int port;
    int udp = udp_open(NULL, NULL);
    CHECK_OK(udp);
    const struct {int h; int err;} rows[] = {{udp, ENOTSUP}, {-1, EBADF},
        {12345, EBADF}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        int h = rows[i].h;
        check_note("row %zu", i);
        CHECK_ERR(client_connect(&by_addr, h, -1), rows[i].err);
        CHECK_ERR(client_connect(&by_name, h, -1), rows[i].err);
        CHECK_ERR(socks5_proxy_auth(h, NULL, -1), rows[i].err);
        CHECK_ERR(socks5_proxy_auth(h, judge, -1), rows[i].err);
        CHECK_ERR(socks5_proxy_recvcommand(h, &addr, -1), rows[i].err);
        CHECK_ERR(socks5_proxy_recvcommandbyname(h, host, &port, -1),
            rows[i].err);
        CHECK_ERR(socks5_proxy_sendreply(h, 0, &addr, -1), rows[i].err);
    }
    CHECK_OK(hclose(udp));
}

TEST(rt_socks5_a_stream_in_use)
{
    for(size_t i = 0; i != COUNT_OF(steps); i++) {
        int fd;
        char c;
        struct io io;
        struct doing d = {.s = step_open(&steps[i], 0, &fd), .deadline = -1};
        io_start(&io, io_recv, d.s, &c, 1);
        CHECK_ERR(steps[i].fn(&d), EBUSY);
        CHECK_INT(wire_write(fd, "x", 1), 0);
        CALL_RETURNS(&io.call, 0);
        step_close(d.s, fd);
    }
}

/**** Both ends ****/

struct proxy {
    int s;
    int with_judge;
    int by_name;
    char host[256];
    int port;
    struct ipaddr addr;
};

static coroutine void run_proxy(struct proxy *p)
{
    struct ipaddr bound = address("0.0.0.0", 0);
    char buf[5];
    judged.verdict = 1;
    CHECK_OK(socks5_proxy_auth(p->s, p->with_judge ? judge : NULL, SOON));
    CHECK_INT(p->by_name ?
        socks5_proxy_recvcommandbyname(p->s, p->host, &p->port, SOON) :
        socks5_proxy_recvcommand(p->s, &p->addr, SOON), SOCKS5_CONNECT);
    CHECK_OK(socks5_proxy_sendreply(p->s, SOCKS5_SUCCESS, &bound, SOON));
    CHECK_OK(brecv(p->s, buf, 5, SOON));
    CHECK_OK(bsend(p->s, buf, 5, SOON));
}

TEST_KINDS(rt_socks5_both_ends)
{
    static const struct {
        struct client client;
        const char *addr;
        const char *host;
    } rows[] = {
        {{NULL, NULL, "192.0.2.1", NULL, 80}, "192.0.2.1", "192.0.2.1"},
        {{"me", "secret", "192.0.2.1", NULL, 80}, "192.0.2.1", "192.0.2.1"},
        {{NULL, NULL, "2001:db8::1", NULL, 80}, "2001:db8::1", "2001:db8::1"},
        {{"me", "secret", NULL, "both.test", 80}, "192.0.2.1", "both.test"},
        {{NULL, NULL, NULL, "::ffff:1.2.3.4", 80}, "::ffff:1.2.3.4",
            "::ffff:1.2.3.4"}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        for(int by_name = 0; by_name != 2; by_name++) {
            struct proxy p = {.with_judge = rows[i].client.username != NULL,
                .by_name = by_name};
            int s[2];
            char buf[5];
            check_note("row %zu, %s", i, by_name ? "by name" : "by address");
            memset(&judged, 0, sizeof judged);
            stream_pair(kind, s);
            p.s = s[1];
            int h = go(run_proxy(&p));
            CHECK_OK(client_connect(&rows[i].client, s[0], SOON));
            /*  Now the stream is for others. */
            CHECK_OK(bsend(s[0], "hello", 5, SOON));
            CHECK_OK(brecv(s[0], buf, 5, SOON));
            CHECK_BYTES(buf, 5, "hello", 5);
            CHECK_OK(bundle_wait(h, SOON));
            CHECK_OK(hclose(h));
            if(by_name) CHECK(strcmp(p.host, rows[i].host) == 0);
            if(by_name) CHECK_INT(p.port, 80);
            if(!by_name) CHECK_ADDR(&p.addr, rows[i].addr, 80);
            CHECK_INT(judged.asked, p.with_judge);
            CHECK_OK(hclose(s[0]));
            CHECK_OK(hclose(s[1]));
        }
    }
    AWAIT_THREADS();
}

static coroutine void refuse(int s)
{
    judged.verdict = 0;
    CHECK_ERR(socks5_proxy_auth(s, judge, SOON), EACCES);
}

static coroutine void ask_for_nothing(int s)
{
    CHECK_ERR(socks5_proxy_auth(s, judge, SOON), EACCES);
}

TEST_KINDS(rt_socks5_refused)
{
    static const struct client anonymous = {NULL, NULL, "127.0.0.1", NULL, 80};
    for(int i = 0; i != 2; i++) {
        int s[2];
        stream_pair(kind, s);
        int h = i ? go(refuse(s[1])) : go(ask_for_nothing(s[1]));
        CHECK_ERR(client_connect(i ? &with_login : &anonymous, s[0], SOON),
            EACCES);
        CHECK_OK(bundle_wait(h, SOON));
        CHECK_OK(hclose(h));
        CHECK_OK(hclose(s[0]));
        CHECK_OK(hclose(s[1]));
    }
}
