//  go() makes the call in a closure, in C++11 and later: what its arguments can name there, and what they cannot.

#include <libdill.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

static int failed;

#define CHECK(cond) check(#cond, (cond))
static void check(const char *what, bool good)
{
    if(good) return;
    std::printf("%s: not so\n", what);
    failed = 1;
}

static void done(int h)
{
    bundle_wait(h, -1);
    hclose(h);
}

static coroutine void keep(const char *s, std::string *out)
{
    yield();
    *out = s;
}

static coroutine void add(int a, int b, int *r)
{
    yield();
    *r = a + b;
}

template<typename... A> static void start(A... args)
{
    done(go(add(args...)));
}

static void closure_is_what_func_names()
{
    std::string out;
    done(go(keep(__func__, &out)));
    CHECK(out == "operator()");
    const char *name = __func__;
    done(go(keep(name, &out)));
    CHECK(out == "closure_is_what_func_names");
}

static void closure_takes_packs_and_members()
{
    int r = 0;
    start(1, 2, &r);
    CHECK(r == 3);
    struct {int a; unsigned b : 4;} parts = {4, 5};
    done(go(add(parts.a, parts.b, &r)));
    CHECK(r == 9);
    //  A named union is no different. Members of one without a name would be variables that a closure cannot have.
    union {int a; char b;} either = {6};
    done(go(add(either.a, 1, &r)));
    CHECK(r == 7);
#if defined(UNION)
    union {int c; char d;};
    c = 8;
    done(go(add(c, 1, &r)));
#endif
}

static void closure_and_structured_bindings()
{
#if __cplusplus >= 201703L
    int r = 0;
    auto [a, b] = std::make_pair(3, 4);
#if defined(BINDING)
    done(go(add(a, b, &r)));
    CHECK(r == 7);
#endif
    int first = a, second = b;
    done(go(add(first, second, &r)));
    CHECK(r == 7);
#endif
}

int main()
{
    closure_is_what_func_names();
    closure_takes_packs_and_members();
    closure_and_structured_bindings();
    return failed;
}
