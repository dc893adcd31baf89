//  In C++ threads end by unwinding their stack, here that of a coroutine.

#include <libdill.h>

#include <cstdio>
#include <pthread.h>
#include <unistd.h>

static int failed;

#define CHECK(got, want) check(#got, (got), (want))
template<typename A> static void check(const char *what, const A &got, const A &want)
{
    if(got == want) return;
    std::printf("%s is wrong\n", what);
    failed = 1;
}

//  Counts what is destroyed.
struct counted {
    static int gone;
    ~counted() { gone++; }
};
int counted::gone;

static int result;

static coroutine void leave()
{
    counted c;
    yield();
    pthread_exit(&result);
}

static int ready[2];

static coroutine void block()
{
    counted c;
    yield();
    if(write(ready[1], "x", 1) != 1) _exit(1);
    for(;;) pause();
}

static void *leaves(void *)
{
    go(leave());
    msleep(-1);
    return nullptr;
}

static void *blocks(void *)
{
    go(block());
    msleep(-1);
    return nullptr;
}

static void *end_of(pthread_t thread)
{
    void *end = nullptr;
    pthread_join(thread, &end);
    return end;
}

int main()
{
    pthread_t thread;
    pthread_create(&thread, nullptr, leaves, nullptr);
    CHECK(end_of(thread), static_cast<void *>(&result));
    CHECK(counted::gone, 1);

    char c;
    if(pipe(ready)) return 1;
    pthread_create(&thread, nullptr, blocks, nullptr);
    if(read(ready[0], &c, 1) != 1) return 1;
    pthread_cancel(thread);
    CHECK(end_of(thread) == PTHREAD_CANCELED, true);
    CHECK(counted::gone, 2);
    return failed;
}
