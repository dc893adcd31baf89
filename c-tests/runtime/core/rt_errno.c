/*  errno after a success: what it was before the call, or 0 if the call has
    waited. Every function of the runtime, beside a coroutine that fails each
    time it runs. c-tests/headers/symbols.py looks that none is left out. */

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "quiet.h"
#include "rt.h"
#include "wire.h"

#define Q(expr) QUIET(expr, excused)
#define Q_POINTER(expr) Q((expr) != NULL ? 0 : -1)

/**** What the others do ****/

static coroutine void fail_for_ever(void)
{
    char c;
    do {
        CHECK_ERR(bsend(-1, "x", 1, -1), EBADF);
        CHECK_ERR(brecv(-1, &c, 1, -1), EBADF);
        errno = OF_OTHERS;
    } while(yield() == 0);
    errno = OF_OTHERS;
}

/*  Something that happens while a row waits. */
struct later {void (*fn)(int h); int h;};

static coroutine void happen(struct later *l)
{
    if(msleep(now() + 2) == 0) l->fn(l->h);
    errno = OF_OTHERS;
}

/*  The call waits until `fn` has happened. */
#define WAITS_FOR(fn, h, expr) \
    __extension__({ \
        struct later later_ = {fn, h}; \
        int cr_ = go(happen(&later_)); \
        int got_ = WAITS(expr); \
        CHECK_OK(bundle_wait(cr_, SOON)); \
        CHECK_OK(hclose(cr_)); \
        got_; \
    })

static void do_send(int s) {CHECK_OK(bsend(s, "abcd", 4, SOON));}
static size_t filled;
static void do_drop(int s) {stream_drop(s, filled);}
static void do_chsend(int ch) {CHECK_OK(chsend(ch, "x", 1, SOON));}
static void do_chrecv(int ch) {char c; CHECK_OK(chrecv(ch, &c, 1, SOON));}
static void do_write(int fd) {CHECK_INT(write(fd, "x", 1), 1);}
static void do_nothing(int h) {(void)h;}
static void do_text(int s, const char *text)
{
    CHECK_OK(bsend(s, text, strlen(text), SOON));
}

static coroutine void sleep_for_ever(void) {msleep(-1); errno = OF_OTHERS;}
static coroutine void end_at_once(void) {errno = OF_OTHERS;}
static coroutine void send_one(int ch) {chsend(ch, "x", 1, -1);}
static coroutine void receive_one(int ch) {char c; chrecv(ch, &c, 1, -1);}

static void hclose_both(const int s[2])
{
    CHECK_OK(hclose(s[0]));
    CHECK_OK(hclose(s[1]));
}

/*  Until what was sent has arrived. */
static void arrive(void) {CHECK_OK(msleep(now() + 2));}

/**** An object whose functions leave something in errno ****/

static void *careless_query(struct hvfs *vfs, const void *type)
{
    (void)type;
    errno = OF_OTHERS;
    return vfs;
}

static void careless_close(struct hvfs *vfs)
{
    (void)vfs;
    errno = OF_OTHERS;
}

static struct hvfs careless = {careless_query, careless_close};

/*  A message socket: messages of one byte over a channel. */
struct letters {struct hvfs hvfs; struct msock_vfs mvfs; int ch;};

static void *letters_query(struct hvfs *vfs, const void *type)
{
    struct letters *l = (struct letters*)vfs;
    if(type == msock_type) return &l->mvfs;
    errno = ENOTSUP;
    return NULL;
}

static int letters_sendl(struct msock_vfs *vfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct letters *l = (struct letters*)((char*)vfs -
        offsetof(struct letters, mvfs));
    (void)last;
    return chsend(l->ch, first->iol_base, first->iol_len, deadline);
}

static ssize_t letters_recvl(struct msock_vfs *vfs, struct iolist *first,
    struct iolist *last, int64_t deadline)
{
    struct letters *l = (struct letters*)((char*)vfs -
        offsetof(struct letters, mvfs));
    (void)last;
    return chrecv(l->ch, first->iol_base, first->iol_len, deadline) < 0 ? -1 :
        (ssize_t)first->iol_len;
}

static void letters_close(struct hvfs *vfs)
{
    CHECK_OK(hclose(((struct letters*)vfs)->ch));
}

/*  *ch is the other end. */
static int letters(int *ch)
{
    static struct letters l;
    int chv[2];
    CHECK_OK(chmake(chv));
    l = (struct letters){{letters_query, letters_close},
        {letters_sendl, letters_recvl}, chv[0]};
    *ch = chv[1];
    return hmake(&l.hvfs);
}

/**** Rows ****/

static void row_clock(int *excused)
{
    Q(now());
    WAITS(msleep(now() + 2));
    WAITS(msleep(0));
    WAITS(yield());
}

static void row_descriptors(int *excused)
{
    int fd[2];
    CHECK_OK(pipe(fd));
    WAITS_FOR(do_write, fd[1], fdin(fd[0], SOON));
    WAITS(fdout(fd[1], SOON));
    for(int i = 0; i != 2; i++) {
        Q(fdclean(fd[i]));
        close(fd[i]);
    }
}

static void row_handles(int *excused)
{
    int h = Q(hmake(&careless));
    Q_POINTER(hquery(h, &careless));
    Q_POINTER(hquery(h, &careless));
    h = Q(hown(h));
    Q(hclose(h));
}

static void row_coroutines(int *excused)
{
    static char mem[3][65536];
    struct later l = {do_nothing, 0};
    int h = WAITS(go(sleep_for_ever()));
    WAITS(bundle_go(h, end_at_once()));
    WAITS(bundle_go_mem(h, sleep_for_ever(), mem[0], sizeof mem[0]));
    WAITS(hclose(h));
    h = WAITS(go_mem(sleep_for_ever(), mem[1], sizeof mem[1]));
    WAITS(hclose(h));
    h = Q(bundle());
    Q(bundle_wait(h, -1));
    WAITS(bundle_go(h, happen(&l)));
    WAITS(bundle_wait(h, SOON));
    Q(hclose(h));
    h = Q(bundle_mem((struct bundle_storage*)mem[2]));
    Q(hclose(h));
}

static void row_channels(int *excused)
{
    int ch[2];
    char c = 0;
    struct chstorage mem;
    Q(chmake_mem(&mem, ch));
    hclose_both(ch);
    Q(chmake(ch));
    int b = go(receive_one(ch[1]));
    Q(chsend(ch[0], &c, 1, SOON));
    CHECK_OK(bundle_go(b, send_one(ch[1])));
    Q(chrecv(ch[0], &c, 1, SOON));
    WAITS_FOR(do_chrecv, ch[1], chsend(ch[0], &c, 1, SOON));
    WAITS_FOR(do_chsend, ch[1], chrecv(ch[0], &c, 1, SOON));
    /*  errno tells how the chosen clause went, in any case. */
    struct chclause clause = {CHRECV, ch[0], &c, 1};
    CHECK_OK(bundle_go(b, send_one(ch[1])));
    WAITS(choose(&clause, 1, SOON));
    WAITS_FOR(do_chsend, ch[1], choose(&clause, 1, SOON));
    Q(chdone(ch[0]));
    CHECK_OK(hclose(b));
    hclose_both(ch);
}

static void streams(int s[2], int *excused)
{
    static char block[1 << 16];
    struct iolist part = {block, 2, NULL, 0};
    do_send(s[1]);
    arrive();
    Q(brecv(s[0], block, 2, SOON));
    Q(brecvl(s[0], &part, &part, SOON));
    WAITS_FOR(do_send, s[1], brecv(s[0], block, 4, SOON));
    part.iol_len = 4;
    WAITS_FOR(do_send, s[1], brecvl(s[0], &part, &part, SOON));
    do_send(s[1]);
    arrive();
    Q(brecvsome(s[0], block, 4, SOON));
    WAITS_FOR(do_send, s[1], brecvsome(s[0], block, 4, SOON));
    Q(bsend(s[0], block, 4, SOON));
    Q(bsendl(s[0], &part, &part, SOON));
}

static void stream_rows(enum kind kind, int *excused)
{
    char block[16] = "";
    struct iolist part = {block, sizeof block, NULL, 0};
    int s[2];
    stream_pair(kind, s);
    streams(s, excused);
    filled = stream_fill(s[0]);
    WAITS_FOR(do_drop, s[1], bsend(s[0], block, sizeof block, SOON));
    filled = stream_fill(s[0]);
    WAITS_FOR(do_drop, s[1], bsendl(s[0], &part, &part, SOON));
    hclose_both(s);
}

static void row_ipc_streams(int *excused) {stream_rows(IPC, excused);}
static void row_tcp_streams(int *excused) {stream_rows(TCP, excused);}

static void row_messages(int *excused)
{
    int ch;
    char c = 0;
    int s = letters(&ch);
    struct iolist part = {&c, 1, NULL, 0};
    int b = bundle();
    CHECK_OK(bundle_go(b, receive_one(ch)));
    Q(msend(s, &c, 1, SOON));
    CHECK_OK(bundle_go(b, receive_one(ch)));
    Q(msendl(s, &part, &part, SOON));
    CHECK_OK(bundle_go(b, send_one(ch)));
    Q(mrecv(s, &c, 1, SOON));
    CHECK_OK(bundle_go(b, send_one(ch)));
    Q(mrecvl(s, &part, &part, SOON));
    WAITS_FOR(do_chrecv, ch, msend(s, &c, 1, SOON));
    WAITS_FOR(do_chrecv, ch, msendl(s, &part, &part, SOON));
    WAITS_FOR(do_chsend, ch, mrecv(s, &c, 1, SOON));
    WAITS_FOR(do_chsend, ch, mrecvl(s, &part, &part, SOON));
    CHECK_OK(hclose(b));
    CHECK_OK(hclose(s));
    CHECK_OK(hclose(ch));
}

static void row_addresses(int *excused)
{
    struct ipaddr a, b;
    char text[IPADDR_MAXSTRLEN];
    Q(ipaddr_local(&a, NULL, 1, 0));
    Q(ipaddr_local(&a, "lo", 1, 0));
    Q(ipaddr_remote(&b, "127.0.0.1", 1, 0, -1));
    Q(ipaddr_remotes(&b, 1, "127.0.0.1", 1, 0, -1));
    Q_POINTER(ipaddr_str(&a, text));
    Q(ipaddr_family(&a));
    Q(ipaddr_len(&a));
    Q_POINTER(ipaddr_sockaddr(&a));
    Q(ipaddr_port(&a));
    Q((ipaddr_setport(&a, 2), 0));
    Q(ipaddr_equal(&a, &b, 1));
    /*  The thread that looks it up may be faster. */
    SUCCEEDS(ipaddr_remote(&a, "localhost", 1, 0, SOON));
    SUCCEEDS(ipaddr_remotes(&a, 1, "localhost", 1, 0, SOON));
}

static struct ipaddr where;
static const char *path;

static void do_tcp_connect(int unused)
{
    (void)unused;
    int s = tcp_connect(&where, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
}

static void do_ipc_connect(int unused)
{
    (void)unused;
    int s = ipc_connect(path, SOON);
    CHECK_OK(s);
    CHECK_OK(hclose(s));
}

/*  Descriptors of the system's. */
static int listening(enum kind kind, struct sockaddr_storage *addr,
    socklen_t *len)
{
    memset(addr, 0, sizeof *addr);
    addr->ss_family = kind == TCP ? AF_INET : AF_UNIX;
    /*  A free port, or a free abstract name. */
    *len = kind == TCP ? sizeof(struct sockaddr_in) : sizeof(sa_family_t);
    int fd = socket(addr->ss_family, SOCK_STREAM, 0);
    CHECK_OK(bind(fd, (struct sockaddr*)addr, *len));
    CHECK_OK(listen(fd, 1));
    *len = sizeof *addr;
    CHECK_OK(getsockname(fd, (struct sockaddr*)addr, len));
    return fd;
}

static void connected(enum kind kind, int fd[2])
{
    struct sockaddr_storage addr;
    socklen_t len;
    int l = listening(kind, &addr, &len);
    fd[0] = socket(addr.ss_family, SOCK_STREAM, 0);
    CHECK_OK(connect(fd[0], (struct sockaddr*)&addr, len));
    fd[1] = accept(l, NULL, NULL);
    CHECK_OK(fd[1]);
    close(l);
}

static void row_tcp(int *excused)
{
    struct tcp_listener_storage lmem;
    struct tcp_storage mem;
    int s[4];
    CHECK_OK(ipaddr_local(&where, "127.0.0.1", 0, 0));
    int l = Q(tcp_listen_mem(&where, 10, &lmem));
    Q(tcp_close(l, -1));
    ipaddr_setport(&where, 0);
    l = Q(tcp_listen(&where, 10));
    /*  Over the loopback this may be done at once. */
    s[0] = SUCCEEDS(tcp_connect(&where, SOON));
    s[1] = SUCCEEDS(tcp_connect_mem(&where, &mem, SOON));
    arrive();
    s[2] = Q(tcp_accept(l, NULL, SOON));
    s[3] = Q(tcp_accept_mem(l, &where, &mem, SOON));
    hclose_both(s);
    hclose_both(s + 2);
    CHECK_OK(hclose(l));
    l = listen_tcp(&where, 10);
    CHECK_OK(hclose(WAITS_FOR(do_tcp_connect, 0, tcp_accept(l, NULL, SOON))));
    CHECK_OK(hclose(WAITS_FOR(do_tcp_connect, 0,
        tcp_accept_mem(l, NULL, &mem, SOON))));
    CHECK_OK(hclose(l));
}

static void do_sendfd(int s) {CHECK_OK(ipc_sendfd(s, 0, SOON));}

static void row_ipc(int *excused)
{
    struct ipc_listener_storage lmem;
    struct ipc_storage mem;
    struct ipc_pair_storage pmem;
    int s[4];
    int l = listen_ipc(&path, 10);
    CHECK_OK(hclose(l));
    unlink(path);
    l = Q(ipc_listen_mem(path, 10, &lmem));
    Q(ipc_close(l, -1));
    unlink(path);
    l = Q(ipc_listen(path, 10));
    s[0] = Q(ipc_connect(path, SOON));
    s[1] = Q(ipc_connect_mem(path, &mem, SOON));
    s[2] = Q(ipc_accept(l, SOON));
    s[3] = Q(ipc_accept_mem(l, &mem, SOON));
    hclose_both(s);
    hclose_both(s + 2);
    CHECK_OK(hclose(WAITS_FOR(do_ipc_connect, 0, ipc_accept(l, SOON))));
    CHECK_OK(hclose(WAITS_FOR(do_ipc_connect, 0,
        ipc_accept_mem(l, &mem, SOON))));
    CHECK_OK(hclose(l));
    unlisten_ipc();
    Q(ipc_pair_mem(&pmem, s));
    hclose_both(s);
    Q(ipc_pair(s));
    Q(ipc_sendfd(s[0], 0, SOON));
    arrive();
    close(Q(ipc_recvfd(s[1], SOON)));
    close(WAITS_FOR(do_sendfd, s[0], ipc_recvfd(s[1], SOON)));
    filled = stream_fill(s[0]);
    WAITS_FOR(do_drop, s[1], ipc_sendfd(s[0], 0, SOON));
    hclose_both(s);
}

static void row_adopted(int *excused)
{
    struct tcp_storage tmem;
    struct tcp_listener_storage tlmem;
    struct ipc_storage imem;
    struct ipc_listener_storage ilmem;
    struct sockaddr_storage addr;
    socklen_t len;
    int fd[2];
    for(int i = 0; i != 2; i++) {
        connected(IPC, fd);
        CHECK_OK(hclose(i ? Q(ipc_fromfd_mem(fd[0], &imem)) :
            Q(ipc_fromfd(fd[0]))));
        close(fd[1]);
        connected(TCP, fd);
        CHECK_OK(hclose(i ? Q(tcp_fromfd_mem(fd[0], &tmem)) :
            Q(tcp_fromfd(fd[0]))));
        close(fd[1]);
        int l = listening(IPC, &addr, &len);
        CHECK_OK(hclose(i ? Q(ipc_listener_fromfd_mem(l, &ilmem)) :
            Q(ipc_listener_fromfd(l))));
        l = listening(TCP, &addr, &len);
        CHECK_OK(hclose(i ? Q(tcp_listener_fromfd_mem(l, &tlmem)) :
            Q(tcp_listener_fromfd(l))));
    }
}

static void do_tcp_done(int s) {CHECK_OK(tcp_done(s, SOON));}
static void do_ipc_done(int s) {CHECK_OK(ipc_done(s, SOON));}

static void row_tcp_end(int *excused)
{
    int s[2];
    stream_pair(TCP, s);
    Q(tcp_done(s[0], SOON));
    Q(tcp_done(s[1], SOON));
    arrive();
    Q(tcp_close(s[0], SOON));
    CHECK_OK(hclose(s[1]));
    stream_pair(TCP, s);
    WAITS_FOR(do_tcp_done, s[1], tcp_close(s[0], SOON));
    CHECK_OK(hclose(s[1]));
}

static void row_ipc_end(int *excused)
{
    int s[2];
    stream_pair(IPC, s);
    Q(ipc_done(s[0], SOON));
    Q(ipc_done(s[1], SOON));
    Q(ipc_close(s[0], SOON));
    CHECK_OK(hclose(s[1]));
    stream_pair(IPC, s);
    WAITS_FOR(do_ipc_done, s[1], ipc_close(s[0], SOON));
    CHECK_OK(hclose(s[1]));
}

static void row_happyeyeballs(int *excused)
{
    (void)excused;
    struct ipaddr addr;
    int l = listen_tcp(&addr, 10);
    CHECK_OK(hclose(WAITS(
        happyeyeballs_connect("localhost", ipaddr_port(&addr), SOON))));
    CHECK_OK(hclose(l));
}

static void do_request(int s) {do_text(s, "GET / HTTP/1.1\r\n");}
static void do_status(int s) {do_text(s, "HTTP/1.1 200 OK\r\n");}
static void do_field(int s) {do_text(s, "name: value\r\n");}
static void do_head_end(int s) {do_text(s, "\r\n");}

static void row_http(int *excused)
{
    char a[16], b[16];
    struct http_storage mem;
    int s[2];
    stream_pair(IPC, s);
    int h = Q(http_attach(s[0]));
    Q(http_sendrequest(h, "GET", "/", SOON));
    Q(http_sendstatus(h, 200, "OK", SOON));
    Q(http_sendfield(h, "name", "value", SOON));
    Q(http_done(h, SOON));
    do_text(s[1], "GET / HTTP/1.1\r\nHTTP/1.1 200 OK\r\nname: value\r\n\r\n");
    Q(http_recvrequest(h, a, sizeof a, b, sizeof b, SOON));
    Q(http_recvstatus(h, a, sizeof a, SOON));
    Q(http_recvfield(h, a, sizeof a, b, sizeof b, SOON));
    h = Q(http_detach(h, SOON));
    h = Q(http_attach_mem(h, &mem));
    WAITS_FOR(do_request, s[1],
        http_recvrequest(h, a, sizeof a, b, sizeof b, SOON));
    WAITS_FOR(do_status, s[1], http_recvstatus(h, a, sizeof a, SOON));
    WAITS_FOR(do_field, s[1],
        http_recvfield(h, a, sizeof a, b, sizeof b, SOON));
    h = WAITS_FOR(do_head_end, s[1], http_detach(h, SOON));
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(s[1]));
}

/*  Messages, over what byte streams they may. */
static void do_line(int s) {do_text(s, "abc\r\n");}
static void do_sized(int s) {do_text(s, "\3abc");}
static void do_last(int m) {CHECK_OK(msend(m, "last", 4, SOON));}

static void layered(int m, int s, void (*peer)(int), int *excused)
{
    char buf[8] = "xyz";
    struct iolist part = {buf, 3, NULL, 0};
    Q(msend(m, buf, 3, SOON));
    Q(msendl(m, &part, &part, SOON));
    peer(s);
    peer(s);
    CHECK_INT(Q(mrecv(m, buf, 3, SOON)), 3);
    CHECK_INT(Q(mrecvl(m, &part, &part, SOON)), 3);
    CHECK_INT(WAITS_FOR(peer, s, mrecv(m, buf, 3, SOON)), 3);
    CHECK_INT(WAITS_FOR(peer, s, mrecvl(m, &part, &part, SOON)), 3);
}

static void row_suffix(int *excused)
{
    struct suffix_storage mem;
    int s[2];
    stream_pair(IPC, s);
    int m = Q(suffix_attach(s[0], "\r\n", 2));
    layered(m, s[1], do_line, excused);
    m = Q(suffix_detach(m, SOON));
    CHECK_OK(hclose(Q(suffix_attach_mem(m, "\r\n", 2, &mem))));
    CHECK_OK(hclose(s[1]));
}

static void row_prefix(int *excused)
{
    struct prefix_storage mem;
    int s[2];
    stream_pair(IPC, s);
    int m = Q(prefix_attach(s[0], 1, PREFIX_BIG_ENDIAN));
    layered(m, s[1], do_sized, excused);
    m = Q(prefix_detach(m));
    CHECK_OK(hclose(Q(prefix_attach_mem(m, 1, PREFIX_BIG_ENDIAN, &mem))));
    CHECK_OK(hclose(s[1]));
}

static void row_term(int *excused)
{
    struct term_storage mem;
    int s[2];
    stream_pair(IPC, s);
    for(int i = 0; i != 2; i++) CHECK_OK(s[i] = prefix_attach(s[i], 1, 0));
    int m = Q(term_attach(s[0], "last", 4));
    Q(term_done(m, SOON));
    m = WAITS_FOR(do_last, s[1], term_detach(m, SOON));
    m = Q(term_attach_mem(m, "last", 4, &mem));
    do_last(s[1]);
    m = Q(term_detach(m, SOON));
    CHECK_OK(hclose(m));
    CHECK_OK(hclose(s[1]));
}

static void do_datagram(int s) {CHECK_OK(udp_send(s, NULL, "abc", 3));}

static void row_udp(int *excused)
{
    struct udp_storage mem;
    struct ipaddr local, remote;
    char buf[4] = "";
    struct iolist part = {buf, 3, NULL, 0};
    CHECK_OK(ipaddr_local(&local, "127.0.0.1", 0, 0));
    int s = Q(udp_open(&local, NULL));
    remote = local;
    CHECK_OK(ipaddr_local(&local, "127.0.0.1", 0, 0));
    int t = Q(udp_open_mem(&local, &remote, &mem));
    Q(udp_send(t, NULL, buf, 3));
    Q(udp_sendl(t, &remote, &part, &part));
    arrive();
    CHECK_INT(Q(udp_recv(s, NULL, buf, 3, SOON)), 3);
    CHECK_INT(Q(udp_recvl(s, &remote, &part, &part, SOON)), 3);
    CHECK_INT(WAITS_FOR(do_datagram, t, udp_recv(s, NULL, buf, 3, SOON)), 3);
    CHECK_INT(WAITS_FOR(do_datagram, t,
        udp_recvl(s, NULL, &part, &part, SOON)), 3);
    hclose_both((int[]){s, t});
}

/*  Each end waits for the other, but for the last word. */
static int let_in(const char *username, const char *password)
{
    (void)username;
    (void)password;
    errno = OF_OTHERS;
    return 1;
}

static coroutine void ask_for_address(int s, struct ipaddr *addr)
{
    WAITS(socks5_client_connect(s, "me", "secret", addr, SOON));
}

static coroutine void ask_for_name(int s)
{
    WAITS(socks5_client_connectbyname(s, NULL, NULL, "a.example", 80, SOON));
}

static void row_socks5(int *excused)
{
    struct ipaddr addr;
    char host[256];
    int port;
    int s[2];
    CHECK_OK(ipaddr_local(&addr, "127.0.0.1", 80, 0));
    for(int i = 0; i != 2; i++) {
        stream_pair(IPC, s);
        int client = i ? go(ask_for_name(s[0])) :
            go(ask_for_address(s[0], &addr));
        SUCCEEDS(socks5_proxy_auth(s[1], i ? NULL : let_in, SOON));
        arrive();
        if(i) Q(socks5_proxy_recvcommandbyname(s[1], host, &port, SOON));
        else Q(socks5_proxy_recvcommand(s[1], &addr, SOON));
        Q(socks5_proxy_sendreply(s[1], SOCKS5_SUCCESS, &addr, SOON));
        CHECK_OK(bundle_wait(client, SOON));
        CHECK_OK(hclose(client));
        hclose_both(s);
    }
}


static void do_tls_done(int s) {CHECK_OK(tls_done(s, SOON));}

static coroutine void attach_tls_server(int s, int *h)
{
    struct tls_storage mem;
    static int times;
    const char *cert = certificate("good.pem");
    const char *key = certificate("good.key");
    struct tls_opts opts = tls_defaults;
    opts.cert = cert;
    opts.pkey = key;
    int turn = times++ % 3;
    *h = turn == 0 ? WAITS(tls_attach_server(s, cert, key, SOON)) :
        turn == 1 ? WAITS(tls_attach_server_mem(s, cert, key, &mem, SOON)) :
        WAITS(tls_attach_server_opts(s, &opts, SOON));
}

static void row_tls(int *excused)
{
    struct tls_storage mem;
    struct tls_opts opts = tls_defaults;
    opts.hostname = "localhost";
    for(int i = 0; i != 5; i++) {
        int s[2];
        stream_pair(IPC, s);
        int server = go(attach_tls_server(s[1], &s[1]));
        s[0] = i == 0 ? WAITS(tls_attach_client(s[0], SOON)) :
            i == 1 ? WAITS(tls_attach_client_mem(s[0], &mem, SOON)) :
            i == 2 ? WAITS(tls_attach_client_host(s[0], "localhost", SOON)) :
            i == 3 ? WAITS(tls_attach_client_opts(s[0], &opts, SOON)) :
            WAITS(tls_attach_client_host_mem(s[0], "localhost", &mem, SOON));
        CHECK_OK(bundle_wait(server, SOON));
        CHECK_OK(hclose(server));
        streams(s, excused);
        Q(tls_done(s[0], SOON));
        Q(strlen(tls_why()));
        hclose_both((int[]){
            WAITS_FOR(do_tls_done, s[1], tls_detach(s[0], SOON)),
            Q(tls_detach(s[1], SOON))});
    }
}

/**** All of them ****/

static const struct {const char *name; void (*fn)(int *excused);} rows[] = {
    {"the clock", row_clock},
    {"descriptors", row_descriptors},
    {"handles", row_handles},
    {"coroutines", row_coroutines},
    {"channels", row_channels},
    {"ipc streams", row_ipc_streams},
    {"tcp streams", row_tcp_streams},
    {"messages", row_messages},
    {"addresses", row_addresses},
    {"tcp", row_tcp},
    {"ipc", row_ipc},
    {"the system's descriptors", row_adopted},
    {"the end of tcp", row_tcp_end},
    {"the end of ipc", row_ipc_end},
    {"happyeyeballs", row_happyeyeballs},
    {"http", row_http},
    {"suffix", row_suffix},
    {"prefix", row_prefix},
    {"term", row_term},
    {"udp", row_udp},
    {"socks5", row_socks5},
    {"tls", row_tls},
};

TEST(rt_errno_after_a_success)
{
    int others = go(fail_for_ever());
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_row(rows[i].name);
        TRY_QUIETLY(rows[i].fn);
    }
    CHECK_OK(hclose(others));
}
