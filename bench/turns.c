/*  How long coroutines wait for their turn beside others that work for long
    between their waits; and how often others run in calls that need not wait.

    Prints lines of a word for what is measured and the median. */

#include <libdill.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {TIMES = 15};

static double clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void need(int rc, const char *what)
{
    if(rc >= 0) return;
    perror(what);
    exit(1);
}
#define NEED(call) need((int)(call), #call)

static coroutine void work_for_ever(int ms)
{
    do {
        double until = clock_ms() + ms;
        while(clock_ms() < until) {}
    } while(yield() == 0);
}

static double sleeper(void)
{
    int b = go(work_for_ever(20));
    double until = clock_ms() + 30;
    NEED(msleep(now() + 30));
    double late = clock_ms() - until;
    NEED(hclose(b));
    return late;
}

static coroutine void echo_for_ever(int s)
{
    char c;
    while(brecv(s, &c, 1, -1) == 0 && bsend(s, &c, 1, -1) == 0) {}
}

static double echo(void)
{
    int s[2];
    char c = 0;
    NEED(ipc_pair(s));
    int b = go(echo_for_ever(s[1]));
    NEED(bundle_go(b, work_for_ever(20)));
    NEED(yield());
    double start = clock_ms();
    NEED(bsend(s[0], &c, 1, -1));
    NEED(brecv(s[0], &c, 1, -1));
    double took = clock_ms() - start;
    NEED(hclose(b));
    NEED(hclose(s[0]));
    NEED(hclose(s[1]));
    return took;
}

static double head(void)
{
    static char field[2048];
    char name[16];
    int s[2];
    NEED(ipc_pair(s));
    NEED(s[0] = http_attach(s[0]));
    NEED(s[1] = http_attach(s[1]));
    memset(field, 'x', 1990);
    NEED(http_sendrequest(s[0], "GET", "/", -1));
    for(int i = 0; i != 4; i++) NEED(http_sendfield(s[0], "name", field, -1));
    NEED(http_done(s[0], -1));
    int b = bundle();
    for(int i = 0; i != 10; i++) NEED(bundle_go(b, work_for_ever(1)));
    double start = clock_ms();
    NEED(http_recvrequest(s[1], name, sizeof name, field, sizeof field, -1));
    while(http_recvfield(s[1], name, sizeof name, field, sizeof field, -1) == 0) {}
    double took = clock_ms() - start;
    NEED(hclose(b));
    NEED(hclose(s[0]));
    NEED(hclose(s[1]));
    return took;
}

static coroutine void count_turns(int *turns)
{
    while(yield() == 0) ++*turns;
}

static double turns(void)
{
    char name[16], value[16];
    int s[2];
    int count = 0;
    NEED(ipc_pair(s));
    for(int i = 0; i != 100; i++) NEED(bsend(s[0], "name: value\r\n", 13, -1));
    NEED(s[1] = http_attach(s[1]));
    int b = go(count_turns(&count));
    NEED(yield());
    count = 0;
    for(int i = 0; i != 100; i++)
        NEED(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1));
    double taken = count;
    NEED(hclose(b));
    NEED(hclose(s[0]));
    NEED(hclose(s[1]));
    return taken;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, double (*fn)(void))
{
    double values[TIMES];
    for(int i = 0; i != TIMES; i++) values[i] = fn();
    qsort(values, TIMES, sizeof *values, compare);
    printf("%s %.2f\n", what, values[TIMES / 2]);
}

int main(void)
{
    measure("sleeper", sleeper);
    measure("echo", echo);
    measure("head", head);
    measure("turns", turns);
    return 0;
}
