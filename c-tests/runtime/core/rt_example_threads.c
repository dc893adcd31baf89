/*  examples/threads.c, run in a child process. */

#define main threads_main
#include "../../../examples/threads.c"
#undef main

#include <string.h>
#include <sys/wait.h>

#include "rt.h"
#include "wire.h"

struct server {pid_t pid; struct ipaddr addr;};

static void server_run(int out, const char *workers)
{
    char *argv[] = {"threads", "0", (char*)workers, NULL};
    dup2(out, STDOUT_FILENO);
    _exit(threads_main(3, argv));
}

/*  Starts the server and reads the port that it tells. */
static void server_start(struct server *s, const char *workers)
{
    int out[2];
    char line[64];
    int port = 0;
    CHECK_OK(pipe(out));
    fflush(stdout);
    s->pid = fork();
    if(s->pid == 0) server_run(out[1], workers);
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    if(!fgets(line, sizeof line, f) || sscanf(line, "port %d", &port) != 1)
        check_fail(HERE, "the server tells no port");
    fclose(f);
    CHECK_OK(ipaddr_remote(&s->addr, "127.0.0.1", port, IPADDR_IPV4, SOON));
}

static void server_end(struct server *s)
{
    int status = -1;
    int64_t limit = wire_clock() + check_ms(10000);
    pid_t got;
    kill(s->pid, SIGTERM);
    while((got = waitpid(s->pid, &status, WNOHANG)) == 0 &&
          wire_clock() < limit) msleep(now() + 2);
    CHECK_INT(got, s->pid);
    CHECK_INT(status, 0);
    if(got != s->pid) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, &status, 0);
    }
}

static int client_open(const struct server *s)
{
    int h = tcp_connect(&s->addr, SOON);
    CHECK_OK(h);
    h = ws_attach_client(h, WS_TEXT, "/", "example.org", SOON);
    CHECK_OK(h);
    return h;
}

static void client_talk(int h, const char *text)
{
    char buf[64];
    CHECK_OK(msend(h, text, strlen(text), SOON));
    ssize_t n = mrecv(h, buf, sizeof buf, SOON);
    CHECK_OK(n);
    CHECK_BYTES(buf, n < 0 ? 0 : (size_t)n, text, strlen(text));
}

enum {CLIENTS = 20};

TEST(rt_example_threads_serves_many)
{
    struct server s;
    int h[CLIENTS];
    server_start(&s, "4");
    for(int i = 0; i != CLIENTS; i++) h[i] = client_open(&s);
    for(int round = 0; round != 20; round++)
        for(int i = 0; i != CLIENTS; i++) client_talk(h[i], "hello");
    for(int i = 0; i != CLIENTS; i++) {
        h[i] = ws_detach(h[i], 1000, NULL, 0, SOON);
        CHECK_OK(h[i]);
        CHECK_OK(tcp_close(h[i], SOON));
    }
    server_end(&s);
}

TEST(rt_example_threads_says_goodbye)
{
    static const char *const workers[] = {"1", "3"};
    for(size_t i = 0; i != COUNT_OF(workers); i++) {
        struct server s;
        int h[CLIENTS];
        server_start(&s, workers[i]);
        for(int k = 0; k != CLIENTS; k++) h[k] = client_open(&s);
        for(int k = 0; k != CLIENTS; k++) client_talk(h[k], "hello");
        kill(s.pid, SIGTERM);
        for(int k = 0; k != CLIENTS; k++) {
            int status = 0;
            CHECK_ERR(mrecv(h[k], NULL, 0, SOON), EPIPE);
            CHECK_INT(ws_status(h[k], &status, NULL, 0), 0);
            CHECK_INT(status, 1001);
            h[k] = ws_detach(h[k], 1000, NULL, 0, SOON);
            CHECK_OK(h[k]);
            CHECK_OK(tcp_close(h[k], SOON));
        }
        server_end(&s);
    }
}

/*  Clients that do not answer do not keep it. */
TEST(rt_example_threads_ends_without_an_answer)
{
    struct server s;
    server_start(&s, "2");
    int h = client_open(&s);
    int raw = tcp_connect(&s.addr, SOON);
    client_talk(h, "hello");
    server_end(&s);
    CHECK_OK(hclose(h));
    CHECK_OK(hclose(raw));
}
