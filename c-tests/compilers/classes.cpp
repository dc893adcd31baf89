//  Coroutines in C++11 and later: arguments of class types, members, templates, lambdas, references.

#include <libdill.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

static int failed;

#define CHECK(got, want) check(#got, (got), (want))
template<typename A, typename B> static void check(const char *what, const A &got, const B &want)
{
    if(got == want) return;
    std::printf("%s is wrong\n", what);
    failed = 1;
}

static void done(int h)
{
    bundle_wait(h, -1);
    hclose(h);
}

//  Counts what is made and destroyed.
struct counted {
    static int alive;
    int value;
    explicit counted(int v) : value(v) { alive++; }
    counted(const counted &other) : value(other.value) { alive++; }
    ~counted() { value = -1; alive--; }
};
int counted::alive;

static coroutine void take(counted c, int *r)
{
    yield();
    *r = c.value;
    yield();
}

static coroutine void twice(std::string s, std::string *out)
{
    yield();
    *out = s + s;
    yield();
}

static coroutine void sum(std::vector<int> v, int &r)
{
    for(int x : v) {
        r += x;
        yield();
    }
}

static coroutine void own(std::unique_ptr<int> p, int *r)
{
    yield();
    *r = *p;
}

template<typename T> static coroutine void store(T v, T *out)
{
    yield();
    *out = v;
}

struct object {
    int n;
    coroutine void run(int k)
    {
        yield();
        n = k;
    }
    int start()
    {
        int h = go(run(5));
        int before = n;
        done(h);
        return n * 10 + before;
    }
};

static void class_arguments()
{
    int r = 0;
    {
        counted c(7);
        int h = go(take(c, &r));
        c.value = 8;
        CHECK(counted::alive, 2);
        done(h);
        CHECK(counted::alive, 1);
    }
    CHECK(r, 7);
    done(go(take(counted(9), &r)));
    CHECK(r, 9);
    CHECK(counted::alive, 0);

    std::string out;
    {
        std::string s(100, 'a');
        int h = go(twice(s, &out));
        s.assign(100, 'b');
        done(h);
    }
    CHECK(out, std::string(200, 'a'));
    done(go(twice("temporary " + std::string(50, 'x'), &out)));
    CHECK(out.size(), 120u);

    int total = 0;
    std::vector<int> v{1, 2, 3};
    int b = bundle();
    bundle_go(b, sum(v, total));
    bundle_go(b, sum(std::vector<int>{10, 20}, total));
    v.clear();
    done(b);
    CHECK(total, 36);

    std::unique_ptr<int> p(new int(11));
    done(go(own(std::move(p), &r)));
    CHECK(r, 11);
}

static void other_calls()
{
    object o{1};
    CHECK(o.start(), 51);
    done(go(o.run(6)));
    CHECK(o.n, 6);
    double d = 0;
    done(go(store(1.5, &d)));
    CHECK(d, 1.5);
    int r = 0;
    auto lambda = [&r](int k) { yield(); r = k; };
    done(go(lambda(12)));
    CHECK(r, 12);
    static char stack[65536];
    done(go_mem(store(13, &r), stack, sizeof stack));
    CHECK(r, 13);
}

//  A coroutine that is cancelled destroys what it was given.
static coroutine void wait_with(counted c)
{
    msleep(-1);
    (void)c;
}

static void cancelled()
{
    int h = go(wait_with(counted(1)));
    CHECK(counted::alive, 1);
    hclose(h);
    CHECK(counted::alive, 0);
}

int main()
{
    class_arguments();
    other_calls();
    cancelled();
    return failed;
}
