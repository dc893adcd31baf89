#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define TEST_SECONDS 30
#define REPORTS_PER_TEST 8

static struct check_test *first_test;
static struct check_test **last_link = &first_test;

/*  State of the running test. */
static char running[128];
static char first_failure[768];
static const char *row;
static char note[200];
static const char *not_applicable;
static int failures;
/*  Of the watchdog, in seconds; 0 without one. */
static unsigned patience;

static long slowdown(void)
{
    const char *text = getenv("CHECK_SLOWDOWN");
    long n = text ? atol(text) : 1;
    return n < 1 ? 1 : n;
}

int check_under(const char *tool)
{
    const char *under = getenv("CHECK_UNDER");
    return under && strcmp(under, tool) == 0;
}

long check_rounds(long n)
{
    long rounds = n / slowdown();
    return rounds < 1 ? 1 : rounds;
}

int check_ms(int ms)
{
    return (int)(ms * slowdown());
}

void check_register(struct check_test *test)
{
    *last_link = test;
    last_link = &test->next;
}

void check_note(const char *format, ...)
{
    note[0] = 0;
    alarm(patience);
    if(!format) return;
    va_list args;
    va_start(args, format);
    vsnprintf(note, sizeof note, format, args);
    va_end(args);
}

void check_row(const char *about)
{
    row = about;
    check_note(NULL);
}

int check_failed(void)
{
    return failures;
}

void check_na(const char *reason)
{
    not_applicable = reason;
}

void check_fail(struct at at, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *file = strrchr(at.file, '/');
    char line[sizeof first_failure];
    snprintf(line, sizeof line, "%.60s:%d: %s%s%.80s%s%.150s%s",
        file ? file + 1 : at.file, at.line, text,
        row || note[0] ? " [" : "", row ? row : "",
        row && note[0] ? ", " : "", note, row || note[0] ? "]" : "");
    if(!failures) memcpy(first_failure, line, sizeof line);
    else if(failures < REPORTS_PER_TEST) printf("#   %s\n", line);
    failures++;
}

void check_int(struct at at, const char *what, long long got, long long want)
{
    if(got != want)
        check_fail(at, "%s: got %lld, want %lld", what, got, want);
}

void check_range(struct at at, const char *what, long long got,
    long long low, long long high)
{
    if(got < low || got > high)
        check_fail(at, "%s: got %lld, want %lld..%lld", what, got, low, high);
}

void check_ok(struct at at, const char *what, long long got, int err)
{
    if(got < 0)
        check_fail(at, "%s: got %lld (%s), want success", what, got,
            strerror(err));
}

static const char *error_name(int err)
{
    const char *name = strerrorname_np(err);
    return name ? name : "?";
}

void check_err(struct at at, const char *what, long long got, int err,
    int want)
{
    if(got != -1)
        check_fail(at, "%s: got %lld, want -1 with %s", what, got,
            error_name(want));
    else if(err != want)
        check_fail(at, "%s: got %s, want %s", what, error_name(err),
            error_name(want));
}

void check_bytes(struct at at, const char *what, const void *got,
    size_t gotlen, const void *want, size_t wantlen)
{
    const unsigned char *g = got;
    const unsigned char *w = want;
    size_t common = gotlen < wantlen ? gotlen : wantlen;
    for(size_t i = 0; i != common; i++) {
        if(g[i] == w[i]) continue;
        check_fail(at, "%s: byte %zu is %02x, want %02x (%zu bytes, want %zu)",
            what, i, g[i], w[i], gotlen, wantlen);
        return;
    }
    if(gotlen != wantlen)
        check_fail(at, "%s: %zu bytes, want %zu", what, gotlen, wantlen);
}

/*  Only async-signal-safe calls: the signal may interrupt anything. */
static void say(const char *text)
{
    ssize_t rc = write(STDOUT_FILENO, text, strlen(text));
    (void)rc;
}

static void on_signal(int sig)
{
    char number[] = {'0' + sig / 10, '0' + sig % 10, 0};
    say("not ok ");
    say(running);
    say(": ");
    if(sig == SIGALRM) {
        say("watchdog: the test hangs");
    } else {
        say("killed by signal ");
        say(number);
    }
    say(" [");
    if(row) say(row);
    say(", ");
    say(note);
    say("]");
    say(first_failure[0] ? ", after " : "");
    say(first_failure);
    say("\n");
    _exit(2);
}

static void catch_signals(void)
{
    /*  A coroutine's stack may be what overflowed. */
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    static const int signals[] = {
        SIGALRM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPIPE, SIGTRAP};
    for(size_t i = 0; i != COUNT_OF(signals); i++) {
        struct sigaction action = {
            .sa_handler = on_signal, .sa_flags = SA_ONSTACK};
        sigaction(signals[i], &action, NULL);
    }
}

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if(!dir) return -1;
    int n = 0;
    while(readdir(dir)) n++;
    closedir(dir);
    return n;
}

/*  For 10 ms. A program without a host leaves this undefined. */
void check_let_others_run(void) __attribute__((weak));

/*  A host may close in the background what was sent to, within two seconds. */
static int descriptors_left(int expected)
{
    int n = open_descriptors();
    for(int i = check_ms(250); i && n != expected && check_let_others_run; i--) {
        check_let_others_run();
        n = open_descriptors();
    }
    return n;
}

static void watch(int seconds)
{
    patience = (unsigned)(seconds * slowdown());
    alarm(patience);
}

static void call(const struct check_test *test)
{
    if(test->plain) test->plain();
    else test->for_role(test->role);
}

static void run(const struct check_test *test, int counts[3])
{
    snprintf(running, sizeof running, "%s%s", test->name, test->variant);
    failures = 0;
    first_failure[0] = 0;
    not_applicable = NULL;
    check_row(NULL);
    int before = open_descriptors();
    watch(TEST_SECONDS);
    call(test);
    watch(0);
    check_row(NULL);
    if(!failures)
        check_int(HERE, "open descriptors after the test",
            descriptors_left(before), before);
    if(failures) printf("not ok %s: %s\n", running, first_failure);
    else if(not_applicable) printf("na %s: %s\n", running, not_applicable);
    else printf("ok %s\n", running);
    fflush(stdout);
    counts[failures ? 1 : not_applicable ? 2 : 0]++;
}

static int is_named(const struct check_test *test, const char *name)
{
    char full[sizeof running];
    snprintf(full, sizeof full, "%s%s", test->name, test->variant);
    return strcmp(full, name) == 0 || strcmp(test->name, name) == 0;
}

static int list(void)
{
    for(struct check_test *t = first_test; t; t = t->next)
        printf("%s%s\n", t->name, t->variant);
    return 0;
}

static struct check_test *after(const char *name)
{
    struct check_test *t = first_test;
    while(t && !is_named(t, name)) t = t->next;
    return t ? t->next : NULL;
}

/*  Once, before any test: what the host opens lazily and keeps (its poller)
    is not a leak. A program without a host leaves this undefined. */
void check_warm_up(void) __attribute__((weak));

/*  prog            all tests
    prog --list     their names
    prog --after N  those behind N (the runner goes on after a crash)
    prog N...       the named ones; a name without its role stands for both */
int main(int argc, char **argv)
{
    if(argc == 2 && strcmp(argv[1], "--list") == 0) return list();
    int rest = argc == 3 && strcmp(argv[1], "--after") == 0;
    struct check_test *t = rest ? after(argv[2]) : first_test;
    int counts[3] = {0};
    int wanted = argc > 1 && !rest ? argc - 1 : 0;
    catch_signals();
    if(check_warm_up) check_warm_up();
    for(; t; t = t->next) {
        int chosen = !wanted;
        for(int i = 0; i != wanted; i++) chosen |= is_named(t, argv[1 + i]);
        if(chosen) run(t, counts);
    }
    printf("%d ok, %d not ok, %d na\n", counts[0], counts[1], counts[2]);
    if(wanted && counts[0] + counts[1] + counts[2] == 0) return 3;
    return counts[1] ? 1 : 0;
}
