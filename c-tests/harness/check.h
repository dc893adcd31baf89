/*  A small test harness. Each program holds tests that run one after another
    in one process:

        TEST(name) {...}            one test
        TEST_ROLES(name) {...}      two: name/client and name/server, with the
                                    part played by the WebSocket under test
                                    in the parameter `role`

    A failed check is recorded and the test goes on, so every wait in a test
    needs a limit of its own; REQUIRE leaves the function instead. A watchdog
    turns a hang into a failure that names the test. */

#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/*  The part the WebSocket under test plays; the test plays the other one. */
enum role {CLIENT, SERVER};

struct check_test {
    const char *name;
    const char *variant;
    void (*plain)(void);
    void (*for_role)(enum role role);
    enum role role;
    struct check_test *next;
};

void check_register(struct check_test *test);

#define CHECK_REGISTER_(id, ...) \
    static struct check_test id = {__VA_ARGS__}; \
    __attribute__((constructor)) static void id##_register(void) \
    { \
        check_register(&id); \
    }

#define TEST(name) \
    static void name(void); \
    CHECK_REGISTER_(name##_test, #name, "", name, NULL, CLIENT, NULL) \
    static void name(void)

#define TEST_ROLES(name) \
    static void name(enum role role); \
    CHECK_REGISTER_(name##_client, #name, "/client", NULL, name, CLIENT, NULL) \
    CHECK_REGISTER_(name##_server, #name, "/server", NULL, name, SERVER, NULL) \
    static void name(enum role role)

/*  Where a check stands in the source. */
struct at {const char *file; int line;};
#define HERE ((struct at){__FILE__, __LINE__})

void check_fail(struct at at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/*  Say what the checks that follow are about, the row of a table and the
    detail (a way to cut it), until the next call or the end of the test.
    NULL: nothing. A test that says something does not hang: the watchdog starts
    anew. */
void check_row(const char *about);
void check_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*  The test does not apply to this host or mode; counted as such. */
void check_na(const char *reason);
/*  How many checks of the running test have failed. */
int check_failed(void);
/*  Do the tests run under this tool, "valgrind" or "sanitizers", or on a runtime
    with "poll"? */
int check_under(const char *tool);
/*  A count of rounds, divided by CHECK_SLOWDOWN (slow tools such as valgrind);
    limits of time are multiplied by it. */
long check_rounds(long n);
int check_ms(int ms);
/*  A deadline for what should happen at once, in the host's time. */
#define SOON (now() + check_ms(3000))
/*  A short while, for what should not happen. */
#define BRIEFLY (now() + check_ms(30))

void check_int(struct at at, const char *what, long long got, long long want);
void check_range(struct at at, const char *what, long long got,
    long long low, long long high);
void check_ok(struct at at, const char *what, long long got, int err);
void check_err(struct at at, const char *what, long long got, int err,
    int want);
void check_bytes(struct at at, const char *what, const void *got,
    size_t gotlen, const void *want, size_t wantlen);

#define CHECK(cond) \
    do {if(!(cond)) check_fail(HERE, "%s", #cond);} while(0)
#define REQUIRE(cond) \
    do {if(!(cond)) {check_fail(HERE, "%s", #cond); return;}} while(0)
#define NA(reason) do {check_na(reason); return;} while(0)
#define CHECK_INT(expr, want) check_int(HERE, #expr, (expr), (want))
#define CHECK_RANGE(expr, low, high) \
    check_range(HERE, #expr, (expr), (low), (high))
/*  The call succeeds (its value is not negative). */
#define CHECK_OK(expr) \
    do { \
        long long value_ = (expr); \
        check_ok(HERE, #expr, value_, errno); \
    } while(0)
/*  The call fails with -1 and this errno. */
#define CHECK_ERR(expr, want) \
    do { \
        errno = 0; \
        long long value_ = (expr); \
        check_err(HERE, #expr, value_, errno, (want)); \
    } while(0)
#define CHECK_BYTES(got, gotlen, want, wantlen) \
    check_bytes(HERE, #got, (got), (gotlen), (want), (wantlen))

#define COUNT_OF(array) (sizeof (array) / sizeof (array)[0])

#endif
