/*  What coroutines write through pointers to their parent's variables, and what
    the parent writes there for them. In C, and in C++ of any age. */

#include <libdill.h>
#include <stdio.h>
#include <string.h>

static int failed;

#define CHECK(got, want) check(#got, (long)(got), (long)(want))
static void check(const char *what, long got, long want)
{
    if(got == want) return;
    printf("%s: got %ld, want %ld\n", what, got, want);
    failed = 1;
}

struct pair {int a, b; double d;};

static coroutine void write_later(int *r)
{
    if(msleep(now() + 1) == 0) *r = 42;
}

static coroutine void write_at_once(struct pair *p, int k)
{
    p->a = k;
    if(yield()) return;
    p->b = 2 * k;
    if(yield()) return;
    p->d = 0.5 * k;
}

static coroutine void write_array(int *r, int n)
{
    for(int i = 0; i != n; i++) {
        r[i] = i;
        if(yield()) return;
    }
}

static coroutine void count_until_told(const int *stop, long *count)
{
    while(!*stop && *count < 1000000) {
        ++*count;
        if(yield()) return;
    }
}

static coroutine void receive(int ch, int *r)
{
    int v;
    if(chrecv(ch, &v, sizeof v, -1) == 0) *r = v;
}

static coroutine void pass_on(int *r)
{
    int h = go(write_later(r));
    bundle_wait(h, -1);
    hclose(h);
}

/*  The parent's variables, by value and changed on the way. */
static coroutine void add(int a, int b, int *r)
{
    *r += a + b;
}

static void done(int h)
{
    bundle_wait(h, -1);
    hclose(h);
}

static int one(void)
{
    int r = 1;
    int h = go(write_later(&r));
    msleep(now() + 20);
    hclose(h);
    return r;
}

static int at_once(void)
{
    struct pair p = {0, 0, 0};
    int h = go(write_at_once(&p, 8));
    int now_there = p.a;
    done(h);
    return now_there * 1000 + p.b * 10 + (int)p.d;
}

static int array(void)
{
    int a[10];
    int sum = 0;
    memset(a, -1, sizeof a);
    done(go(write_array(a, 10)));
    for(int i = 0; i != 10; i++) sum += a[i];
    return sum;
}

static long told(void)
{
    int stop = 0;
    long count = 0;
    int h = go(count_until_told(&stop, &count));
    for(int i = 0; i != 5; i++) yield();
    stop = 1;
    done(h);
    return count;
}

static int in_a_loop(void)
{
    int sum = 0;
    for(int i = 0; i != 3; i++) {
        int r = 0;
        done(go(write_later(&r)));
        sum += r;
    }
    return sum;
}

static int in_a_bundle(void)
{
    int r[4] = {0, 0, 0, 0};
    int b = bundle();
    for(int i = 0; i != 4; i++) bundle_go(b, write_later(&r[i]));
    done(b);
    return r[0] + r[1] + r[2] + r[3];
}

static int over_a_channel(void)
{
    int ch[2], r = 5, v = 9;
    chmake(ch);
    int h = go(receive(ch[1], &r));
    chsend(ch[0], &v, sizeof v, -1);
    done(h);
    hclose(ch[0]);
    hclose(ch[1]);
    return r;
}

static int handed_down(void)
{
    int r = 0;
    done(go(pass_on(&r)));
    return r;
}

static int summed(void)
{
    static char stack[65536];
    int r = 0;
    for(int i = 0; i != 4; i++) done(go_mem(add(i, 10 * i, &r), stack, sizeof stack));
    return r;
}

/*  Registers that the parent had in use. */
static double floating(int n)
{
    double x = 1.5 * n, y = 0.25 * n, z = x * y;
    int r = 0;
    done(go(write_later(&r)));
    return x + y + z + r;
}

int main(void)
{
    CHECK(one(), 42);
    CHECK(at_once(), 8164);
    CHECK(array(), 45);
    CHECK(told(), 6);
    CHECK(in_a_loop(), 126);
    CHECK(in_a_bundle(), 168);
    CHECK(over_a_channel(), 9);
    CHECK(handed_down(), 42);
    CHECK(summed(), 66);
    CHECK(floating(4), 55);
    return failed;
}
