/*  What TLS sockets can be made with: protocols, certificates of clients, other
    authorities; what is kept for the next connection; and what is said when it
    fails. The certificates are made by harness/certificates.sh. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"
#include "tool.h"
#include "wire.h"

/**** Two ends ****/

/*  One that shakes hands, and what came of it. The words are those that its
    call left behind. */
struct end {
    struct call call;
    int s;
    int server;
    struct tls_opts opts;
    int chosen;
    char why[100];
};

static long long attach_op(void *arg)
{
    struct end *e = arg;
    int s = e->server ? tls_attach_server_opts(e->s, &e->opts, SOON) :
        e->opts.hostname ? tls_attach_client_opts(e->s, &e->opts, SOON) :
        tls_attach_client(e->s, SOON);
    int err = errno;
    snprintf(e->why, sizeof e->why, "%s", s < 0 ? tls_why() : "");
    errno = err;
    return s;
}

static void start(struct end *e, int server, int s)
{
    e->server = server;
    e->s = s;
    if(e->opts.alpn) e->opts.chosen = &e->chosen;
    call_start(&e->call, attach_op, e);
}

/*  The handle, or -1. */
static int finish(struct end *e)
{
    call_wait(HERE, &e->call);
    return (int)e->call.rc;
}

/*  Checks that it has failed, and what was said of it. */
static void check_failed_with(struct at at, const struct end *e, int err,
    const char *why)
{
    check_err(at, "the call", e->call.rc, e->call.err, err);
    check_bytes(at, e->why, e->why, strlen(e->why), why, strlen(why));
}
#define CHECK_FAILED_WITH(e, err, why) check_failed_with(HERE, e, err, why)

static char kept[8][128];
static int next_kept;

/*  A path that stays for longer than certificate()'s do. */
static const char *file(const char *name)
{
    char *path = kept[next_kept++ % 8];
    snprintf(path, sizeof kept[0], "%s", certificate(name));
    return path;
}

static struct tls_opts serving(const char *cert, const char *pkey)
{
    struct tls_opts opts = tls_defaults;
    opts.cert = file(cert);
    opts.pkey = file(pkey);
    return opts;
}

static struct tls_opts asking(const char *hostname)
{
    struct tls_opts opts = tls_defaults;
    opts.hostname = hostname;
    return opts;
}

/*  Shakes hands over a fresh stream, e[0] as the client; the handles, or -1. */
static void shake(struct end e[2], int s[2])
{
    stream_pair(IPC, s);
    start(&e[0], 0, s[0]);
    start(&e[1], 1, s[1]);
    s[0] = finish(&e[0]);
    s[1] = finish(&e[1]);
}

static void close_both(const int s[2])
{
    for(int i = 0; i != 2; i++)
        if(s[i] >= 0) CHECK_OK(hclose(s[i]));
}

/*  Bytes pass both ways, and with the first ones a ticket for the client. */
static void check_passes(struct at at, const int s[2])
{
    for(int from = 1; from >= 0; from--) {
        char buf[5];
        check_ok(at, "bsend", bsend(s[from], "hello", 5, SOON), errno);
        check_ok(at, "brecv", brecv(s[1 - from], buf, 5, SOON), errno);
        check_bytes(at, "received", buf, 5, "hello", 5);
    }
}
#define CHECK_PASSES(s) check_passes(HERE, s)

static void check_words(struct at at, const char *got, const char *want)
{
    check_bytes(at, got, got, strlen(got), want, strlen(want));
}
#define CHECK_WORDS(got, want) check_words(HERE, got, want)

/**** Protocols ****/

TEST(rt_tls_opts_both_ends_know_the_protocol)
{
    static const struct {
        const char *client;
        const char *server;
        int chosen[2];
    } rows[] = {
        {NULL, NULL, {-1, -1}}, {"a", NULL, {-1, -1}}, {NULL, "a", {-1, -1}},
        {"a", "a", {0, 0}}, {"a, b", "b,a", {1, 0}}, {"x,b", "a , b", {1, 1}},
        {"http/1.1", "h2, http/1.1", {0, 1}}};
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct end e[2] = {{.opts = asking("localhost")},
            {.opts = serving("good.pem", "good.key")}};
        int s[2];
        check_note("row %zu", i);
        e[0].opts.alpn = rows[i].client;
        e[1].opts.alpn = rows[i].server;
        e[0].chosen = e[1].chosen = -1;
        shake(e, s);
        CHECK(s[0] >= 0 && s[1] >= 0);
        CHECK_PASSES(s);
        CHECK_INT(e[0].chosen, rows[i].chosen[0]);
        CHECK_INT(e[1].chosen, rows[i].chosen[1]);
        close_both(s);
    }
}

TEST(rt_tls_opts_no_protocol_in_common)
{
    struct end e[2] = {{.opts = asking("localhost"), .chosen = 7},
        {.opts = serving("good.pem", "good.key"), .chosen = 7}};
    int s[2];
    e[0].opts.alpn = "a";
    e[1].opts.alpn = "b";
    shake(e, s);
    CHECK_FAILED_WITH(&e[0], EPROTO,
        "alert from the peer: no protocol in common");
    CHECK_FAILED_WITH(&e[1], EPROTO, "the peer speaks none of the protocols");
    CHECK_INT(e[0].chosen, -1);
    CHECK_INT(e[1].chosen, -1);
}

/*  What a client says first, which is not encrypted. */
static int says_first(const char *alpn, const char *what)
{
    static uint8_t hello[2000];
    int fd;
    struct end e = {.opts = asking("localhost")};
    certificate("root.pem");
    e.opts.alpn = alpn;
    start(&e, 0, stream_open(IPC, &fd));
    size_t n = wire_read(fd, hello, 5, check_ms(3000));
    CHECK_INT(n, 5);
    n = wire_read(fd, hello, (size_t)hello[3] << 8 | hello[4], check_ms(3000));
    CALL_CANCEL(&e.call);
    wire_close(fd);
    return memmem(hello, n, what, strlen(what)) != NULL;
}

TEST(rt_tls_opts_no_protocol_unless_asked_for)
{
    CHECK(!says_first(NULL, "http/1.1"));
    CHECK(says_first("http/1.1", "\x08http/1.1"));
    CHECK(says_first("h2,http/1.1", "\x02h2\x08http/1.1"));
}

/**** Certificates of clients ****/

TEST(rt_tls_opts_servers_ask_clients)
{
    static const struct {
        const char *cert;
        const char *pkey;
        const char *why;
        const char *heard;
    } rows[] = {
        {"client.pem", "client.key", NULL, NULL},
        {"good.pem", "good.key", NULL, NULL},
        {"rsa.pem", "rsa.key", NULL, NULL},
        {NULL, NULL, "the peer has shown no certificate",
            "alert from the peer: certificate required"},
        {"expired.pem", "good.key", "the certificate has expired",
            "alert from the peer: certificate expired"},
        {"untrusted.pem", "good.key",
            "the certificate is from an unknown authority",
            "alert from the peer: unknown authority"}};
    int before = open_handles();
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct end e[2] = {{.opts = asking("localhost")},
            {.opts = serving("good.pem", "good.key")}};
        int s[2];
        check_note("row %zu", i);
        e[1].opts.roots = file("root.pem");
        if(rows[i].cert) {
            e[0].opts.cert = file(rows[i].cert);
            e[0].opts.pkey = file(rows[i].pkey);
        }
        shake(e, s);
        /*  The client has done its part before the server says anything. */
        check_ok(HERE, "the client", s[0], e[0].call.err);
        if(!rows[i].why) {
            check_ok(HERE, "the server", s[1], e[1].call.err);
            CHECK_PASSES(s);
        } else {
            char c;
            CHECK_FAILED_WITH(&e[1], EACCES, rows[i].why);
            CHECK_ERR(brecv(s[0], &c, 1, SOON), EPROTO);
            CHECK_WORDS(tls_why(), rows[i].heard);
        }
        close_both(s);
    }
    CHECK_INT(open_handles(), before);
}

/*  A server that does not ask gets none, and one that does lets nobody in
    because of what it was before. */
TEST(rt_tls_opts_each_asks_for_itself)
{
    for(int asks = 0; asks != 4; asks++) {
        struct end e[2] = {{.opts = asking("localhost")},
            {.opts = serving("good.pem", "good.key")}};
        int s[2];
        check_note("turn %d", asks);
        if(asks % 2) e[1].opts.roots = file("root.pem");
        shake(e, s);
        CHECK_INT(s[1] >= 0 ? 0 : e[1].call.err, asks % 2 ? EACCES : 0);
        if(s[1] >= 0) CHECK_PASSES(s);
        close_both(s);
    }
}

TEST(rt_tls_opts_other_authorities)
{
    struct end e[2] = {{.opts = asking("localhost")},
        {.opts = serving("untrusted.pem", "good.key")}};
    int s[2];
    shake(e, s);
    CHECK_FAILED_WITH(&e[0], EACCES,
        "the certificate is from an unknown authority");
    e[0].opts.roots = file("stranger.pem");
    shake(e, s);
    CHECK(s[0] >= 0 && s[1] >= 0);
    CHECK_PASSES(s);
    close_both(s);
    e[1].opts = serving("good.pem", "good.key");
    shake(e, s);
    CHECK_FAILED_WITH(&e[0], EACCES,
        "the certificate is from an unknown authority");
}

/**** Arguments ****/

static void check_refused(struct at at, int server, const struct tls_opts *opts,
    int err)
{
    int fd;
    int s = stream_open(IPC, &fd);
    int rc = server ? tls_attach_server_opts(s, opts, SOON) :
        tls_attach_client_opts(s, opts, SOON);
    check_err(at, "the call", rc, errno, err);
    CHECK_ERR(hclose(s), EBADF);
    EXPECT_END(fd);
    wire_close(fd);
}
#define CHECK_REFUSED(server, opts, err) check_refused(HERE, server, opts, err)

TEST(rt_tls_opts_bad_options_close_the_stream)
{
    static const char *const lists[] = {"", ",", "a,", "a b", "a,a", "\x01"};
    int before = open_handles();
    for(int server = 0; server != 2; server++) {
        struct tls_opts good = server ? serving("good.pem", "good.key") :
            asking("localhost");
        struct tls_opts opts;
        check_note("server %d", server);
        CHECK_REFUSED(server, NULL, EINVAL);
        for(size_t i = 0; i != COUNT_OF(lists); i++) {
            opts = good;
            opts.alpn = lists[i];
            CHECK_REFUSED(server, &opts, EINVAL);
        }
        opts = good;
        opts.size--;
        CHECK_REFUSED(server, &opts, EINVAL);
        opts = good;
        opts.roots = file("missing");
        CHECK_REFUSED(server, &opts, ENOENT);
        CHECK_WORDS(tls_why(), "the file of the authorities cannot be read");
        opts.roots = file("good.key");
        CHECK_REFUSED(server, &opts, EINVAL);
        opts = good;
        opts.hostname = server ? "localhost" : NULL;
        CHECK_REFUSED(server, &opts, EINVAL);
        opts = good;
        opts.pkey = server ? NULL : file("good.key");
        CHECK_REFUSED(server, &opts, EINVAL);
        opts = good;
        opts.cert = server ? NULL : file("good.pem");
        CHECK_REFUSED(server, &opts, EINVAL);
    }
    struct tls_opts none = tls_defaults;
    CHECK_REFUSED(1, &none, EINVAL);
    CHECK_ERR(tls_attach_client_opts(-1, &none, SOON), EBADF);
    CHECK_INT(open_handles(), before);
}

/*  A program that knows a later version, with and without what that has. */
TEST(rt_tls_opts_of_later_versions)
{
    struct {struct tls_opts opts; char later[16];} more = {
        .opts = asking("localhost")};
    struct end e = {.opts = serving("good.pem", "good.key")};
    int s[2];
    more.opts.size = sizeof more;
    stream_pair(IPC, s);
    start(&e, 1, s[1]);
    s[0] = tls_attach_client_opts(s[0], &more.opts, SOON);
    s[1] = finish(&e);
    CHECK(s[0] >= 0 && s[1] >= 0);
    CHECK_PASSES(s);
    close_both(s);
    more.later[15] = 1;
    CHECK_REFUSED(0, &more.opts, E2BIG);
    CHECK_REFUSED(1, &more.opts, E2BIG);
}

/**** Sessions ****/

/*  Copies what goes over until both have shaken hands, then a byte and what
    comes with it. */
struct count {int fd[2]; size_t sent[2];};

static size_t copy(struct count *c, int from)
{
    static uint8_t buf[65536];
    ssize_t n = read(c->fd[from], buf, sizeof buf);
    if(n <= 0 || wire_write(c->fd[1 - from], buf, (size_t)n) != 0) return 0;
    c->sent[from] += (size_t)n;
    return (size_t)n;
}

/*  Bytes that the server needs for the handshake. */
static size_t handshake_bytes(struct end e[2])
{
    struct count c = {.sent = {0}};
    int s[2];
    char byte;
    for(int i = 0; i != 2; i++) {
        e[i].call = (struct call){0};
        start(&e[i], i, stream_open(IPC, &c.fd[i]));
    }
    for(int64_t deadline = SOON; now() < deadline;) {
        size_t n = copy(&c, 0) + copy(&c, 1);
        if(e[0].call.over && e[1].call.over) break;
        if(!n) msleep(now() + 1);
    }
    size_t bytes = c.sent[1];
    s[0] = finish(&e[0]);
    s[1] = finish(&e[1]);
    CHECK(s[0] >= 0 && s[1] >= 0);
    CHECK_OK(bsend(s[1], "x", 1, SOON));
    while(copy(&c, 1));
    CHECK_OK(brecv(s[0], &byte, 1, SOON));
    close_both(s);
    for(int i = 0; i != 2; i++) wire_close(c.fd[i]);
    return bytes;
}

/*  A certificate of more than 800 bytes, and its use, are left out. */
#define CHECK_RESUMED(bytes, full) CHECK_RANGE(bytes, 1, (full) - 800)
#define CHECK_FULL(bytes, full) CHECK_RANGE(bytes, (full) - 100, (full) + 100)

TEST(rt_tls_opts_a_second_connection_is_cheaper)
{
    struct end e[2] = {{.opts = asking("localhost")},
        {.opts = serving("rsa.pem", "rsa.key")}};
    long long full = (long long)handshake_bytes(e);
    for(int i = 0; i != 3; i++) CHECK_RESUMED(handshake_bytes(e), full);
    /*  Whoever checks less, or otherwise, resumes nothing of that. */
    e[0].opts = asking(NULL);
    for(int i = 0; i != 2; i++) CHECK_FULL(handshake_bytes(e), full);
    e[0].opts = asking("www.example.org");
    CHECK_FULL(handshake_bytes(e), full);
    CHECK_RESUMED(handshake_bytes(e), full);
    e[0].opts.roots = file("root.pem");
    CHECK_FULL(handshake_bytes(e), full);
    CHECK_RESUMED(handshake_bytes(e), full);
    /*  A client that is asked shows its certificate each time. */
    e[1].opts.roots = file("root.pem");
    e[0].opts.cert = file("client.pem");
    e[0].opts.pkey = file("client.key");
    full = (long long)handshake_bytes(e);
    CHECK_FULL(handshake_bytes(e), full);
}

static void copy_file(const char *from, const char *to)
{
    static char text[1 << 16];
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if(n <= 0 || write(fd, text, (size_t)n) != n) abort();
    close(fd);
}

/*  Whatever was kept, replaced files are what counts, and sessions of before
    are over: otherwise an expired certificate could go on. */
TEST(rt_tls_opts_replaced_files_count)
{
    static const struct {const char *cert; int err;} rows[] = {
        {"good.pem", 0}, {"expired.pem", EACCES}, {"good.pem", 0},
        {"future.pem", EACCES}, {"other.pem", EACCES}, {"good.pem", 0}};
    char cert[128];
    snprintf(cert, sizeof cert, "%s", certificate("changing.pem"));
    for(size_t i = 0; i != COUNT_OF(rows); i++)
        for(int again = 0; again != 2; again++) {
            struct end e[2] = {{.opts = asking("localhost")},
                {.opts = serving("good.pem", "good.key")}};
            int s[2];
            check_note("row %zu, time %d", i, again);
            e[1].opts.cert = cert;
            if(!again) copy_file(certificate(rows[i].cert), cert);
            shake(e, s);
            CHECK_INT(s[0] >= 0 ? 0 : e[0].call.err, rows[i].err);
            if(s[0] >= 0 && s[1] >= 0) CHECK_PASSES(s);
            close_both(s);
        }
}

/*  Files that have not changed for a while are known by what the system tells of
    them: changes show in that too. */
TEST(rt_tls_opts_replaced_files_count_after_a_while)
{
    static const char *const ways[] = {"a link", "a file", "a line"};
    struct stat times;
    char path[3][128];
    static const char *const names[] = {"here.pem", "good2.pem", "expired2.pem"};
    for(int i = 0; i != 3; i++)
        snprintf(path[i], sizeof path[i], "%s", certificate(names[i]));
    copy_file(certificate("good.pem"), path[1]);
    copy_file(certificate("expired.pem"), path[2]);
    CHECK_OK(symlink(path[1], path[0]));
    /*  The clocks of file systems are coarse. */
    msleep(now() + 4500);
    for(int i = 0; i != 4; i++) {
        struct end e[2] = {{.opts = asking("localhost")},
            {.opts = serving("good.pem", "good.key")}};
        int s[2];
        e[1].opts.cert = path[0];
        check_note("%s", i ? ways[i - 1] : "as it was");
        if(i == 1) {
            unlink(path[0]);
            CHECK_OK(symlink(path[2], path[0]));
        } else if(i == 2) {
            copy_file(certificate("good.pem"), path[2]);
        } else if(i == 3) {
            /*  Whatever the time says that is told. */
            CHECK_OK(stat(path[0], &times));
            struct timespec then[2] = {times.st_atim, times.st_mtim};
            copy_file(certificate("future.pem"), path[2]);
            CHECK_OK(utimensat(AT_FDCWD, path[2], then, 0));
        }
        for(int again = 0; again != 2; again++) {
            shake(e, s);
            CHECK_INT(s[0] >= 0 ? 0 : e[0].call.err, i % 2 ? EACCES : 0);
            close_both(s);
        }
    }
    unlink(path[0]);
}

/*  A child of a fork does not know its parent's sessions, and has its own. */
TEST(rt_tls_opts_sessions_of_forked_children)
{
    struct end e[2] = {{.opts = asking("localhost")},
        {.opts = serving("rsa.pem", "rsa.key")}};
    size_t full = handshake_bytes(e);
    CHECK_RESUMED(handshake_bytes(e), (long long)full);
    pid_t pid = fork();
    if(pid == 0) {
        size_t first = handshake_bytes(e);
        size_t second = handshake_bytes(e);
        child_ends(first + 100 > full && second + 800 < full);
    }
    CHECK_CHILD_ENDS(pid);
    CHECK_RESUMED(handshake_bytes(e), (long long)full);
}

/**** Keys ****/

TEST(rt_tls_opts_large_keys)
{
    struct end e[2] = {{.opts = asking("localhost")}, {.call = {0}}};
    int s[2];
    large_certificates();
    e[1].opts = serving("rsa4096.pem", "rsa4096.key");
    shake(e, s);
    CHECK(s[0] >= 0 && s[1] >= 0);
    CHECK_PASSES(s);
    close_both(s);
    struct tls_opts opts = serving("rsa8192.pem", "rsa8192.key");
    CHECK_REFUSED(1, &opts, EINVAL);
    opts = serving("p521.pem", "p521.key");
    CHECK_REFUSED(1, &opts, EINVAL);
    CHECK_WORDS(tls_why(), "the private key is of a kind that is not supported");
}

/**** Words ****/

TEST(rt_tls_opts_words_for_certificates)
{
    static const struct {
        const char *cert;
        const char *host;
        const char *why;
    } rows[] = {
        {"expired.pem", "localhost", "the certificate has expired"},
        {"future.pem", "localhost", "the certificate is not valid yet"},
        {"other.pem", "localhost", "the certificate is for another name"},
        {"other.pem", "127.0.0.1", "the certificate is for another name"},
        {"nameless.pem", "localhost", "the certificate is for another name"},
        {"lonely.pem", "localhost",
            "the certificate is from an unknown authority"},
        {"untrusted.pem", "localhost",
            "the certificate is from an unknown authority"},
        {"selfsigned.pem", "localhost",
            "the certificate is an authority's, perhaps the peer's own"},
        {"forged.pem", "localhost",
            "the certificate or its use has a bad signature"},
        {"purpose.pem", "localhost", "the certificate is for another purpose"}};
    static const char alert[] = "alert from the peer: ";
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        struct end e[2] = {{.opts = asking(rows[i].host)},
            {.opts = serving(rows[i].cert, "good.key")}};
        int s[2];
        check_note("%s for %s", rows[i].cert, rows[i].host);
        shake(e, s);
        CHECK_FAILED_WITH(&e[0], EACCES, rows[i].why);
        CHECK_INT(e[1].call.err, EPROTO);
        CHECK(strncmp(e[1].why, alert, sizeof alert - 1) == 0);
    }
}

/*  A reason is a call's own: what others fail of meanwhile is not it. */
TEST(rt_tls_opts_words_are_of_the_call)
{
    struct end e = {.opts = asking("localhost")};
    struct tls_opts missing = serving("missing", "good.key");
    int fd[2];
    char c;
    certificate("root.pem");
    start(&e, 0, stream_open(IPC, &fd[0]));
    CHECK_ERR(tls_attach_server_opts(stream_open(IPC, &fd[1]), &missing, SOON),
        ENOENT);
    CHECK_WORDS(tls_why(), "the file of the certificate cannot be read");
    CALL_CANCEL(&e.call);
    CHECK_WORDS(e.why, "");
    wire_close(fd[0]);
    wire_close(fd[1]);
    CHECK_ERR(tls_done(-1, SOON), EBADF);
    CHECK_WORDS(tls_why(), "");
    int s = stream_open(IPC, &fd[0]);
    e = (struct end){.opts = asking("localhost")};
    start(&e, 0, s);
    wire_end(fd[0]);
    CALL_FAILS(&e.call, ECONNRESET);
    CHECK_WORDS(e.why, "the peer has gone away without saying so");
    wire_close(fd[0]);
    s = stream_open(IPC, &fd[0]);
    e = (struct end){.opts = asking("localhost")};
    start(&e, 0, s);
    CHECK_INT(wire_write(fd[0], "HTTP/1.1 400\r\n\r\n", 16), 0);
    CALL_FAILS(&e.call, EPROTO);
    CHECK_WORDS(e.why, "the peer does not speak TLS, or not correctly");
    while(read(fd[0], &c, 1) > 0);
    wire_close(fd[0]);
    CHECK_ERR(tls_attach_client(bundle(), SOON), EPROTO);
    CHECK_WORDS(tls_why(), "that is no byte stream");
}

/**** The environment of programs with more rights ****/

/*  A program that runs with somebody else's rights: it connects, and its exit
    status is what came of that. It is this one, started by the test below. */
__attribute__((constructor)) static void connect_for_the_test(void)
{
    const char *port = getenv("RT_TLS_CONNECT_TO");
    if(!port) return;
    struct ipaddr addr;
    if(ipaddr_local(&addr, "127.0.0.1", atoi(port), IPADDR_IPV4) != 0) _exit(99);
    int s = tcp_connect(&addr, SOON);
    if(s < 0) _exit(98);
    _exit(tls_attach_client_host(s, "localhost", SOON) >= 0 ? 0 : errno);
}

/*  What this program, copied, comes to as a client with this mode. */
static int connect_with_mode(mode_t mode)
{
    char program[128];
    char port[16];
    struct ipaddr addr;
    snprintf(program, sizeof program, "%s", certificate("program"));
    unlink(program);
    char command[300];
    snprintf(command, sizeof command, "cp /proc/%d/exe %s", getpid(), program);
    if(system(command) != 0) abort();
    if(chown(program, 65534, 65534) != 0 || chmod(program, mode) != 0) abort();
    chmod(certificate("."), 0755);
    int listener = listen_tcp(&addr, 1);
    snprintf(port, sizeof port, "%d", ipaddr_port(&addr));
    setenv("RT_TLS_CONNECT_TO", port, 1);
    struct tool t;
    char *argv[] = {program, NULL};
    tool_start(&t, argv);
    unsetenv("RT_TLS_CONNECT_TO");
    int s = tcp_accept(listener, NULL, SOON);
    CHECK_OK(s);
    struct tls_opts opts = serving("good.pem", "good.key");
    s = tls_attach_server_opts(s, &opts, SOON);
    if(s >= 0) CHECK_OK(hclose(s));
    CHECK_OK(hclose(listener));
    return tool_status(&t);
}

TEST(rt_tls_opts_privileged_programs_have_their_own_authorities)
{
    if(geteuid() != 0) NA("only root can give a program away");
    if(check_under("valgrind")) NA("a program with more rights runs without");
    struct statvfs fs;
    if(statvfs(certificate("."), &fs) == 0 && fs.f_flag & ST_NOSUID)
        NA("programs do not get rights here");
    CHECK_INT(connect_with_mode(0755), 0);
    int err = connect_with_mode(04755);
    /*  The system has no authorities, or not this one. */
    CHECK(err == ENOENT || err == EACCES);
}

/**** Another implementation ****/

static const char *const versions[] = {"-tls1_2", "-tls1_3"};

/*  An openssl server, with these options. */
static int server_start(struct tool *t, const char *const options[],
    struct ipaddr *addr)
{
    char *argv[32] = {"openssl", "s_server", "-accept", "127.0.0.1:0", "-CAfile",
        (char*)file("root.pem"), "-cert_chain", (char*)file("good.pem")};
    int n = 8;
    while(*options) argv[n++] = (char*)*options++;
    tool_start(t, argv);
    int port = atoi(TOOL_PRINTS(t, "ACCEPT 127.0.0.1:"));
    return ipaddr_local(addr, "127.0.0.1", port, IPADDR_IPV4);
}

static int connect_to(const struct ipaddr *addr, const struct tls_opts *opts)
{
    int s = tcp_connect(addr, SOON);
    return s < 0 ? s : tls_attach_client_opts(s, opts, SOON);
}

TEST(rt_tls_opts_openssl_server_of_another_protocol)
{
    const char *options[] = {"-cert", file("good.pem"), "-key", file("good.key"),
        "-alpn", "smtp", NULL};
    struct tool t;
    struct ipaddr addr;
    char buf[6];
    CHECK_OK(server_start(&t, options, &addr));
    int s = tcp_connect(&addr, SOON);
    s = tls_attach_client_host(s, "localhost", SOON);
    CHECK_OK(s);
    tool_say(&t, "hello\n");
    CHECK_OK(brecv(s, buf, 6, SOON));
    CHECK_OK(hclose(s));
    struct tls_opts opts = asking("localhost");
    int chosen = 7;
    opts.chosen = &chosen;
    opts.alpn = "http/1.1, smtp";
    s = connect_to(&addr, &opts);
    CHECK_OK(s);
    CHECK_INT(chosen, 1);
    CHECK_OK(hclose(s));
    opts.alpn = "http/1.1";
    CHECK_ERR(connect_to(&addr, &opts), EPROTO);
    CHECK_WORDS(tls_why(), "alert from the peer: no protocol in common");
    CHECK_INT(chosen, -1);
    tool_stop(&t);
}

TEST(rt_tls_opts_openssl_server_that_asks)
{
    for(int i = 0; i != 2; i++) {
        const char *options[] = {"-cert", file("good.pem"), "-key",
            file("good.key"), "-Verify", "1", "-verify_return_error",
            versions[i], NULL};
        struct tool t;
        struct ipaddr addr;
        char buf[6];
        check_note("%s", versions[i]);
        CHECK_OK(server_start(&t, options, &addr));
        struct tls_opts opts = asking("localhost");
        int s = connect_to(&addr, &opts);
        /*  In 1.3 the client is told with the first bytes. */
        if(i == 1) {
            CHECK_OK(s);
            CHECK_ERR(brecv(s, buf, 1, SOON), EPROTO);
            CHECK_WORDS(tls_why(), "alert from the peer: certificate required");
            CHECK_OK(hclose(s));
        } else {
            check_err(HERE, "the call", s, errno, EPROTO);
            CHECK_WORDS(tls_why(), "alert from the peer: handshake failure");
        }
        opts.cert = file("client.pem");
        opts.pkey = file("client.key");
        s = connect_to(&addr, &opts);
        CHECK_OK(s);
        TOOL_PRINTS(&t, "subject=CN = a client");
        tool_say(&t, "hello\n");
        CHECK_OK(brecv(s, buf, 6, SOON));
        CHECK_BYTES(buf, 6, "hello\n", 6);
        CHECK_OK(hclose(s));
        tool_stop(&t);
    }
}

TEST(rt_tls_opts_openssl_server_resumes)
{
    for(int i = 0; i != 2; i++) {
        const char *options[] = {"-cert", file("good.pem"), "-key",
            file("good.key"), versions[i], NULL};
        struct tool t;
        struct ipaddr addr;
        struct tls_opts opts = asking("localhost");
        check_note("%s", versions[i]);
        CHECK_OK(server_start(&t, options, &addr));
        for(int turn = 0; turn != 2; turn++) {
            char buf[6];
            int s = connect_to(&addr, &opts);
            CHECK_OK(s);
            if(turn) TOOL_PRINTS(&t, "Reused session-id");
            tool_say(&t, "hello\n");
            CHECK_OK(brecv(s, buf, 6, SOON));
            CHECK_OK(tls_done(s, SOON));
            CHECK_OK(hclose(s));
        }
        tool_stop(&t);
    }
}

TEST(rt_tls_opts_openssl_servers_with_other_keys)
{
    static const struct {const char *cert; const char *key; int err;} rows[] = {
        {"rsa8192.pem", "rsa8192.key", 0}, {"p521.pem", "p521.key", EPROTO}};
    large_certificates();
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        const char *options[] = {"-cert", file(rows[i].cert), "-key",
            file(rows[i].key), NULL};
        struct tool t;
        struct ipaddr addr;
        struct tls_opts opts = asking("localhost");
        check_note("%s", rows[i].cert);
        CHECK_OK(server_start(&t, options, &addr));
        int s = connect_to(&addr, &opts);
        CHECK_INT(s >= 0 ? 0 : errno, rows[i].err);
        if(s >= 0) CHECK_OK(hclose(s));
        else CHECK_WORDS(tls_why(), "alert from the peer: handshake failure");
        tool_stop(&t);
    }
}

/*  An openssl client, with these options, and the server's end of it. */
static int client_start(struct tool *t, int listener, int port,
    const char *const options[], const struct tls_opts *opts)
{
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%d", port);
    char *argv[32] = {"openssl", "s_client", "-connect", where, "-CAfile",
        (char*)file("root.pem"), "-verify_return_error"};
    int n = 7;
    while(*options) argv[n++] = (char*)*options++;
    tool_start(t, argv);
    int s = tcp_accept(listener, NULL, SOON);
    return s < 0 ? s : tls_attach_server_opts(s, opts, SOON);
}

TEST(rt_tls_opts_openssl_clients_show_certificates)
{
    for(int i = 0; i != 4; i++) {
        const char *options[] = {versions[i % 2], i < 2 ? "-cert" : NULL,
            file("client.pem"), "-cert_chain", file("client.pem"), "-key",
            file("client.key"), NULL};
        struct tls_opts opts = serving("good.pem", "good.key");
        struct tool t;
        struct ipaddr addr;
        check_note("case %d", i);
        opts.roots = file("root.pem");
        int listener = listen_tcp(&addr, 1);
        int s = client_start(&t, listener, ipaddr_port(&addr), options, &opts);
        if(i < 2) {
            CHECK_OK(s);
            CHECK_OK(bsend(s, "from us\n", 8, SOON));
            TOOL_PRINTS(&t, "from us");
            CHECK_OK(hclose(s));
        } else {
            check_err(HERE, "the call", s, errno, EACCES);
            CHECK_WORDS(tls_why(), "the peer has shown no certificate");
        }
        CHECK_OK(hclose(listener));
        tool_end(&t);
    }
}

TEST(rt_tls_opts_openssl_clients_resume)
{
    for(int i = 0; i != 2; i++) {
        struct tls_opts opts = serving("good.pem", "good.key");
        struct ipaddr addr;
        int listener = listen_tcp(&addr, 1);
        const char *session = file("session");
        check_note("%s", versions[i]);
        for(int turn = 0; turn != 2; turn++) {
            const char *options[] = {versions[i], turn ? "-sess_in" : "-sess_out",
                session, NULL};
            struct tool t;
            int s = client_start(&t, listener, ipaddr_port(&addr), options, &opts);
            CHECK_OK(s);
            TOOL_PRINTS(&t, turn ? "\nReused, TLS" : "\nNew, TLS");
            CHECK_OK(bsend(s, "from us\n", 8, SOON));
            TOOL_PRINTS(&t, "from us");
            CHECK_OK(tls_done(s, SOON));
            tool_end(&t);
            CHECK_OK(hclose(s));
        }
        CHECK_OK(hclose(listener));
    }
}
