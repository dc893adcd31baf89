/*  Overflowing a coroutine's stack ends the process at a guard; nobody
    else's memory is written. Each overflow happens in a child process, whose
    exit status tells what was seen. */

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"

/*  Exit statuses. */
enum {AT_THE_GUARD = 40, SURVIVED, ELSEWHERE, NEIGHBOUR_DAMAGED, NO_FAULT};

enum {NEIGHBOURS = 40, DATA = 8192, STACK = 256 * 1024,
    GUARD = 64 * 1024};

/*  Where the neighbours' data lie, and who overflows. */
static volatile unsigned char *data[NEIGHBOURS];
static uintptr_t top;
static uintptr_t page;

static coroutine void neighbour(int id)
{
    volatile unsigned char mine[DATA];
    for(size_t i = 0; i != DATA; i++) mine[i] = (unsigned char)(id + (int)i);
    data[id] = mine;
    msleep(-1);
}

static int damaged(void)
{
    for(int id = 0; id != NEIGHBOURS; id++)
        for(size_t i = 0; data[id] && i != DATA; i++)
            if(data[id][i] != (unsigned char)(id + (int)i)) return 1;
    return 0;
}

/*  Runs on a stack of its own. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    uintptr_t at = (uintptr_t)info->si_addr;
    /*  Below the stack, next to it. */
    uintptr_t below = top - at;
    if(damaged()) _exit(NEIGHBOUR_DAMAGED);
    _exit(below > STACK - page && below <= STACK + GUARD ?
        AT_THE_GUARD : ELSEWHERE);
}

static void catch_faults(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {
        .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&alternate, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/*  Has the compiler make room for all of it. */
#define WHOLE(array) __asm__ __volatile__("" : : "r"(array) : "memory")

/*  By small frames, without end. */
static __attribute__((noinline)) int recurse(volatile int *depth)
{
    volatile char frame[200];
    WHOLE(frame);
    frame[0] = (char)++*depth;
    if(*depth < 0) return 0;
    return recurse(depth) + frame[0];
}

static coroutine void overflow(void)
{
    volatile int depth = 0;
    top = (uintptr_t)__builtin_frame_address(0);
    recurse(&depth);
}

/*  By large frames of which little is touched, as those of functions with
    buffers. Each is smaller than the guard. */
static __attribute__((noinline)) int recurse_widely(volatile int *depth)
{
    volatile char frame[GUARD - 4096];
    WHOLE(frame);
    frame[0] = (char)++*depth;
    if(*depth == 2 * STACK / GUARD) return 0;
    return recurse_widely(depth) + frame[0];
}

static coroutine void overflow_by_large_frames(void)
{
    volatile int depth = 0;
    top = (uintptr_t)__builtin_frame_address(0);
    recurse_widely(&depth);
}

/*  By one local, which is larger than the stack by a little. */
static coroutine void overflow_by_one_local(void)
{
    top = (uintptr_t)__builtin_frame_address(0);
    volatile char *block = alloca(STACK + page / 2);
    block[0] = 1;
}

/*  Up to the last bytes, but not further. */
static coroutine void nearly_overflow(void)
{
    volatile char *block = alloca(STACK - 2048);
    for(size_t i = STACK - 2048; i != 0; i--) block[i - 1] = 1;
}

static int in_a_child(void (*fn)(void))
{
    pid_t pid = fork();
    if(pid == 0) {
        fn();
        _exit(NO_FAULT);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void among_neighbours(void (*fn)(void))
{
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    catch_faults();
    int b = bundle();
    for(int i = 0; i != NEIGHBOURS; i++) bundle_go(b, neighbour(i));
    go(fn());
    _exit(damaged() ? NEIGHBOUR_DAMAGED : SURVIVED);
}

static void overflow_among_neighbours(void)
{
    among_neighbours(overflow);
}

static void overflow_by_large_frames_among_neighbours(void)
{
    among_neighbours(overflow_by_large_frames);
}

static void overflow_by_one_local_among_neighbours(void)
{
    among_neighbours(overflow_by_one_local);
}

static void nearly_overflow_among_neighbours(void)
{
    among_neighbours(nearly_overflow);
}

TEST(rt_guard_recursion_without_end_stops_at_the_guard)
{
    CHECK_INT(in_a_child(overflow_among_neighbours), AT_THE_GUARD);
}

TEST(rt_guard_large_frames_do_not_step_over_it)
{
    CHECK_INT(in_a_child(overflow_by_large_frames_among_neighbours),
        AT_THE_GUARD);
}

TEST(rt_guard_a_local_that_is_too_large_stops_at_the_guard)
{
    CHECK_INT(in_a_child(overflow_by_one_local_among_neighbours),
        AT_THE_GUARD);
}

TEST(rt_guard_the_whole_stack_can_be_used)
{
    CHECK_INT(in_a_child(nearly_overflow_among_neighbours), SURVIVED);
}

/*  A stack that has been used before has its guard as well. */
static void overflow_reused(void)
{
    for(int i = 0; i != 100; i++) hclose(go(nearly_overflow()));
    overflow_among_neighbours();
}

TEST(rt_guard_of_reused_stacks)
{
    CHECK_INT(in_a_child(overflow_reused), AT_THE_GUARD);
}

static int others_are_there;
static coroutine void wait_and_overflow(void)
{
    while(!others_are_there) yield();
    overflow();
}

/*  In the middle of many: the guard belongs to each of them. */
static void overflow_one_of_many(void)
{
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    catch_faults();
    int b = bundle();
    for(int i = 0; i != NEIGHBOURS; i++) {
        bundle_go(b, neighbour(i));
        if(i == NEIGHBOURS / 2) go(wait_and_overflow());
    }
    others_are_there = 1;
    yield();
}

TEST(rt_guard_between_neighbours)
{
    CHECK_INT(in_a_child(overflow_one_of_many), AT_THE_GUARD);
}

/*  As a program without a handler sees it. */
static void overflow_by_default(void)
{
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    go(overflow());
}

TEST(rt_guard_the_signal_is_sigsegv)
{
    CHECK_INT(in_a_child(overflow_by_default), -SIGSEGV);
}
