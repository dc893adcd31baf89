/*  Channels and choose. */

#include <string.h>

#include "rt.h"

/*  An operation on a channel in a coroutine of its own. */
struct op {struct call call; int ch; const void *out; void *in; size_t len;};

static long long send_op(void *arg)
{
    struct op *op = arg;
    return chsend(op->ch, op->out, op->len, -1);
}

static long long recv_op(void *arg)
{
    struct op *op = arg;
    return chrecv(op->ch, op->in, op->len, -1);
}

static void start_send(struct op *op, int ch, const void *out, size_t len)
{
    *op = (struct op){.ch = ch, .out = out, .len = len};
    call_start(&op->call, send_op, op);
}

static void start_recv(struct op *op, int ch, void *in, size_t len)
{
    *op = (struct op){.ch = ch, .in = in, .len = len};
    call_start(&op->call, recv_op, op);
}

#define OP_RETURNS(op) CALL_RETURNS(&(op)->call, 0)
#define OP_FAILS(op, err) CALL_FAILS(&(op)->call, err)
#define CHECK_WAITS(op) CHECK_BLOCKED(&(op)->call)

static void open_channel(int ch[2])
{
    CHECK_INT(chmake(ch), 0);
}

static void close_channel(const int ch[2])
{
    CHECK_OK(hclose(ch[0]));
    CHECK_OK(hclose(ch[1]));
}

/**** Messages ****/

TEST(rt_channels_whoever_comes_first_waits)
{
    for(int end = 0; end != 2; end++) {
        int ch[2];
        struct op op;
        int value = 0;
        open_channel(ch);
        start_send(&op, ch[end], &(int){42}, sizeof value);
        CHECK_WAITS(&op);
        CHECK_OK(chrecv(ch[1 - end], &value, sizeof value, 0));
        CHECK_INT(value, 42);
        OP_RETURNS(&op);
        start_recv(&op, ch[end], &value, sizeof value);
        CHECK_WAITS(&op);
        CHECK_OK(chsend(ch[1 - end], &(int){43}, sizeof value, 0));
        OP_RETURNS(&op);
        CHECK_INT(value, 43);
        close_channel(ch);
    }
}

TEST(rt_channels_both_directions_are_apart)
{
    int ch[2];
    struct op a;
    struct op b;
    char got[2] = "";
    open_channel(ch);
    start_send(&a, ch[0], "a", 1);
    start_send(&b, ch[1], "b", 1);
    CHECK_OK(chrecv(ch[0], &got[0], 1, 0));
    CHECK_OK(chrecv(ch[1], &got[1], 1, 0));
    CHECK_BYTES(got, 2, "ba", 2);
    OP_RETURNS(&a);
    OP_RETURNS(&b);
    close_channel(ch);
}

TEST(rt_channels_first_come_first_served)
{
    int ch[2];
    struct op op[4];
    char got[4] = "";
    open_channel(ch);
    for(int i = 0; i != 4; i++) start_recv(&op[i], ch[1], &got[i], 1);
    for(int i = 0; i != 4; i++) CHECK_OK(chsend(ch[0], &"abcd"[i], 1, 0));
    for(int i = 0; i != 4; i++) OP_RETURNS(&op[i]);
    CHECK_BYTES(got, 4, "abcd", 4);
    for(int i = 0; i != 4; i++) start_send(&op[i], ch[1], &"efgh"[i], 1);
    for(int i = 0; i != 4; i++) CHECK_OK(chrecv(ch[0], &got[i], 1, 0));
    for(int i = 0; i != 4; i++) OP_RETURNS(&op[i]);
    CHECK_BYTES(got, 4, "efgh", 4);
    close_channel(ch);
}

/*  Whoever waits at the other end is not harmed. */
TEST(rt_channels_null_with_a_length_is_einval)
{
    int ch[2];
    struct op op;
    int value = 0;
    open_channel(ch);
    CHECK_ERR(chsend(ch[0], NULL, 4, 0), EINVAL);
    CHECK_ERR(chrecv(ch[0], NULL, 4, 0), EINVAL);
    start_send(&op, ch[0], &(int){42}, sizeof value);
    CHECK_ERR(chrecv(ch[1], NULL, sizeof value, -1), EINVAL);
    CHECK_WAITS(&op);
    CHECK_OK(chrecv(ch[1], &value, sizeof value, 0));
    CHECK_INT(value, 42);
    OP_RETURNS(&op);
    start_recv(&op, ch[0], &value, sizeof value);
    CHECK_ERR(chsend(ch[1], NULL, sizeof value, -1), EINVAL);
    CHECK_WAITS(&op);
    CHECK_OK(chsend(ch[1], &(int){43}, sizeof value, 0));
    OP_RETURNS(&op);
    CHECK_INT(value, 43);
    close_channel(ch);
    CHECK_ERR(chrecv(ch[1], NULL, 4, 0), EBADF);
}

TEST(rt_channels_messages_of_any_size)
{
    static const size_t sizes[] = {0, 1, 7, 8, 1000, 100000};
    static char out[100000];
    static char in[100000];
    for(size_t i = 0; i != sizeof out; i++) out[i] = (char)pattern(i);
    for(size_t i = 0; i != COUNT_OF(sizes); i++) {
        int ch[2];
        struct op op;
        check_note("%zu bytes", sizes[i]);
        open_channel(ch);
        memset(in, 0, sizeof in);
        start_send(&op, ch[0], sizes[i] ? out : NULL, sizes[i]);
        CHECK_OK(chrecv(ch[1], sizes[i] ? in : NULL, sizes[i], 0));
        OP_RETURNS(&op);
        CHECK_BYTES(in, sizes[i], out, sizes[i]);
        close_channel(ch);
    }
}

TEST(rt_channels_both_sides_learn_of_different_sizes)
{
    int ch[2];
    struct op op;
    char buf[8];
    open_channel(ch);
    start_send(&op, ch[0], "abcd", 4);
    CHECK_ERR(chrecv(ch[1], buf, 3, 0), EMSGSIZE);
    OP_FAILS(&op, EMSGSIZE);
    start_recv(&op, ch[1], buf, 8);
    CHECK_ERR(chsend(ch[0], "abcd", 4, 0), EMSGSIZE);
    OP_FAILS(&op, EMSGSIZE);
    /*  That is all: the channel goes on. */
    start_send(&op, ch[0], "abcd", 4);
    CHECK_OK(chrecv(ch[1], buf, 4, 0));
    OP_RETURNS(&op);
    close_channel(ch);
}

TEST(rt_channels_deadlines)
{
    int ch[2];
    char c;
    open_channel(ch);
    CHECK_ERR(chsend(ch[0], "a", 1, 0), ETIMEDOUT);
    CHECK_ERR(chrecv(ch[0], &c, 1, 0), ETIMEDOUT);
    int64_t deadline = now() + 20;
    CHECK_ERR(chrecv(ch[0], &c, 1, deadline), ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_ERR(chsend(ch[0], "a", 1, BRIEFLY), ETIMEDOUT);
    /*  Nobody is left behind in the queues. */
    CHECK_ERR(chrecv(ch[1], &c, 1, 0), ETIMEDOUT);
    CHECK_ERR(chsend(ch[1], "a", 1, 0), ETIMEDOUT);
    close_channel(ch);
}

TEST(rt_channels_wrong_handles)
{
    char c;
    int h = bundle();
    CHECK_ERR(chsend(h, "a", 1, 0), ENOTSUP);
    CHECK_ERR(chrecv(h, &c, 1, 0), ENOTSUP);
    CHECK_ERR(chdone(h), ENOTSUP);
    CHECK_OK(hclose(h));
    CHECK_ERR(chsend(h, "a", 1, 0), EBADF);
    CHECK_ERR(chrecv(-1, &c, 1, 0), EBADF);
    CHECK_ERR(chdone(-1), EBADF);
}

TEST(rt_channels_in_memory_of_the_caller)
{
    char room[sizeof(struct chstorage) + 3];
    int ch[2];
    struct op op;
    char c = 0;
    memset(room, '#', sizeof room);
    CHECK_INT(chmake_mem((struct chstorage*)(void*)(room + 1), ch), 0);
    start_recv(&op, ch[0], &c, 1);
    CHECK_OK(chsend(ch[1], "a", 1, 0));
    OP_RETURNS(&op);
    CHECK_INT(c, 'a');
    close_channel(ch);
    CHECK(room[0] == '#' && room[sizeof room - 1] == '#');
    CHECK_ERR(chmake_mem(NULL, ch), EINVAL);
}

/**** chdone ****/

TEST(rt_channels_done_ends_one_direction)
{
    int ch[2];
    struct op op;
    char c = 0;
    open_channel(ch);
    CHECK_OK(chdone(ch[0]));
    CHECK_ERR(chsend(ch[0], "a", 1, -1), EPIPE);
    CHECK_ERR(chrecv(ch[1], &c, 1, -1), EPIPE);
    CHECK_ERR(chrecv(ch[1], &c, 1, 0), EPIPE);
    CHECK_ERR(chdone(ch[0]), EPIPE);
    start_send(&op, ch[1], "b", 1);
    CHECK_OK(chrecv(ch[0], &c, 1, 0));
    OP_RETURNS(&op);
    CHECK_INT(c, 'b');
    CHECK_OK(chdone(ch[1]));
    CHECK_ERR(chrecv(ch[0], &c, 1, -1), EPIPE);
    close_channel(ch);
}

TEST(rt_channels_done_wakes_those_who_wait)
{
    int ch[2];
    struct op op[4];
    char c;
    open_channel(ch);
    for(int i = 0; i != 2; i++) start_recv(&op[i], ch[1], &c, 1);
    CHECK_OK(chdone(ch[0]));
    for(int i = 0; i != 2; i++) OP_FAILS(&op[i], EPIPE);
    for(int i = 2; i != 4; i++) start_send(&op[i], ch[1], "a", 1);
    CHECK_OK(chdone(ch[1]));
    for(int i = 2; i != 4; i++) OP_FAILS(&op[i], EPIPE);
    close_channel(ch);
}

/**** hclose ****/

TEST(rt_channels_closing_one_end_disturbs_nobody)
{
    for(int end = 0; end != 2; end++) {
        int ch[2];
        struct op op[2];
        char c;
        open_channel(ch);
        start_recv(&op[0], ch[0], &c, 1);
        start_recv(&op[1], ch[1], &c, 1);
        CHECK_OK(hclose(ch[end]));
        CHECK_ERR(chsend(ch[end], "a", 1, 0), EBADF);
        yield();
        CHECK_WAITS(&op[0]);
        CHECK_WAITS(&op[1]);
        /*  The other end still works, for whoever waits at this one. */
        CHECK_OK(chsend(ch[1 - end], "a", 1, 0));
        OP_RETURNS(&op[end]);
        CHECK_ERR(chsend(ch[1 - end], "a", 1, 0), ETIMEDOUT);
        CHECK_OK(hclose(ch[1 - end]));
        OP_FAILS(&op[1 - end], EPIPE);
    }
}

TEST(rt_channels_closing_both_ends_wakes_all)
{
    int ch[2];
    struct op op[4];
    char c;
    open_channel(ch);
    for(int i = 0; i != 2; i++) start_recv(&op[i], ch[1], &c, 1);
    for(int i = 2; i != 4; i++) start_send(&op[i], ch[1], "a", 1);
    close_channel(ch);
    for(int i = 0; i != 4; i++) OP_FAILS(&op[i], EPIPE);
}

/**** choose ****/

/*  choose tells the clause even where that failed; errno tells which. */
static void check_choice(struct at at, int rc, int want, int err)
{
    int got = errno;
    check_int(at, "clause", rc, want);
    check_int(at, "errno", got, err);
}
#define CHECK_CHOICE(expr, want, err) \
    check_choice(HERE, (errno = EXDEV, (expr)), want, err)

TEST(rt_channels_choose_takes_what_is_ready)
{
    int a[2];
    int b[2];
    struct op op;
    char in = 0;
    open_channel(a);
    open_channel(b);
    struct chclause clauses[] = {
        {CHRECV, a[0], &in, 1}, {CHSEND, b[0], "s", 1}};
    start_send(&op, a[1], "r", 1);
    CHECK_CHOICE(choose(clauses, 2, 0), 0, 0);
    OP_RETURNS(&op);
    CHECK_INT(in, 'r');
    start_recv(&op, b[1], &in, 1);
    CHECK_CHOICE(choose(clauses, 2, 0), 1, 0);
    OP_RETURNS(&op);
    CHECK_INT(in, 's');
    close_channel(a);
    close_channel(b);
}

TEST(rt_channels_choose_prefers_the_first)
{
    int a[2];
    int b[2];
    struct op op[4];
    char in = 0;
    open_channel(a);
    open_channel(b);
    start_send(&op[0], b[1], "b", 1);
    start_send(&op[1], a[1], "a", 1);
    struct chclause clauses[] = {
        {CHRECV, a[0], &in, 1}, {CHRECV, b[0], &in, 1}};
    CHECK_CHOICE(choose(clauses, 2, -1), 0, 0);
    CHECK_INT(in, 'a');
    CHECK_CHOICE(choose(clauses, 2, -1), 1, 0);
    CHECK_INT(in, 'b');
    CHECK_CHOICE(choose(clauses, 2, 0), -1, ETIMEDOUT);
    OP_RETURNS(&op[0]);
    OP_RETURNS(&op[1]);
    close_channel(a);
    close_channel(b);
}

struct choice {struct chclause *clauses; int n; int64_t deadline;};
static long long choose_op(void *arg)
{
    struct choice *c = arg;
    return choose(c->clauses, c->n, c->deadline);
}

TEST(rt_channels_choose_waits)
{
    int a[2];
    int b[2];
    char in = 0;
    char out = 0;
    open_channel(a);
    open_channel(b);
    struct chclause clauses[] = {
        {CHRECV, a[0], &in, 1}, {CHSEND, b[0], "s", 1},
        {CHRECV, a[0], &in, 1}};
    struct choice choice = {clauses, 3, -1};
    struct call c;
    call_start(&c, choose_op, &choice);
    CHECK_BLOCKED(&c);
    CHECK_OK(chsend(a[1], "r", 1, 0));
    /*  It has left the queues of the other clauses. */
    CHECK_ERR(chrecv(b[1], &out, 1, 0), ETIMEDOUT);
    CHECK_ERR(chsend(a[1], "r", 1, 0), ETIMEDOUT);
    CALL_RETURNS(&c, 0);
    CHECK_INT(in, 'r');
    call_start(&c, choose_op, &choice);
    CHECK_OK(chrecv(b[1], &out, 1, 0));
    CALL_RETURNS(&c, 1);
    CHECK_INT(out, 's');
    close_channel(a);
    close_channel(b);
}

TEST(rt_channels_choose_meets_choose)
{
    int ch[2];
    char in = 0;
    open_channel(ch);
    struct chclause receive = {CHRECV, ch[0], &in, 1};
    struct chclause send_ = {CHSEND, ch[1], "m", 1};
    struct choice choice = {&receive, 1, -1};
    struct call c;
    call_start(&c, choose_op, &choice);
    CHECK_CHOICE(choose(&send_, 1, 0), 0, 0);
    CALL_RETURNS(&c, 0);
    CHECK_INT(in, 'm');
    close_channel(ch);
}

TEST(rt_channels_choose_reports_what_is_wrong_with_a_clause)
{
    int ch[2];
    struct op op;
    char buf[8] = "";
    int h = bundle();
    open_channel(ch);
    const struct {struct chclause clause; int err;} rows[] = {
        {{CHRECV, -1, buf, 1}, EBADF},
        {{CHRECV, h, buf, 1}, ENOTSUP},
        {{0, ch[0], buf, 1}, EINVAL},
        {{3, ch[0], buf, 1}, EINVAL},
        {{CHRECV, ch[0], NULL, 1}, EINVAL},
        {{CHSEND, ch[0], NULL, 1}, EINVAL},
    };
    for(size_t i = 0; i != COUNT_OF(rows); i++) {
        check_note("row %zu", i);
        struct chclause clauses[] = {{CHRECV, ch[0], buf, 1}, rows[i].clause};
        CHECK_CHOICE(choose(clauses, 2, -1), 1, rows[i].err);
    }
    check_note(NULL);
    struct chclause wrong = {CHRECV, ch[0], buf, 2};
    start_send(&op, ch[1], "a", 1);
    CHECK_CHOICE(choose(&wrong, 1, -1), 0, EMSGSIZE);
    OP_FAILS(&op, EMSGSIZE);
    CHECK_OK(chdone(ch[1]));
    CHECK_CHOICE(choose(&wrong, 1, -1), 0, EPIPE);
    CHECK_OK(hclose(h));
    close_channel(ch);
}

TEST(rt_channels_choose_wakes_when_a_channel_ends)
{
    int ch[2];
    char in;
    open_channel(ch);
    struct chclause clauses[] = {
        {CHSEND, ch[0], "a", 1}, {CHRECV, ch[0], &in, 1}};
    struct choice choice = {clauses, 2, -1};
    struct call c;
    call_start(&c, choose_op, &choice);
    CHECK_OK(chdone(ch[1]));
    call_wait(HERE, &c);
    CHECK_INT(c.rc, 1);
    CHECK_INT(c.err, EPIPE);
    close_channel(ch);
}

TEST(rt_channels_choose_without_clauses_sleeps)
{
    int64_t deadline = now() + 20;
    CHECK_CHOICE(choose(NULL, 0, deadline), -1, ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_CHOICE(choose(NULL, 0, 0), -1, ETIMEDOUT);
    CHECK_CHOICE(choose(NULL, 1, 0), -1, EINVAL);
    CHECK_CHOICE(choose(NULL, -1, 0), -1, EINVAL);
}

TEST(rt_channels_choose_times_out)
{
    int ch[2];
    char in;
    open_channel(ch);
    struct chclause clauses[] = {
        {CHRECV, ch[0], &in, 1}, {CHRECV, ch[0], &in, 1}};
    int64_t deadline = now() + 20;
    CHECK_CHOICE(choose(clauses, 2, deadline), -1, ETIMEDOUT);
    CHECK_RANGE(now() - deadline, 0, check_ms(1000));
    CHECK_ERR(chsend(ch[1], "a", 1, 0), ETIMEDOUT);
    close_channel(ch);
}

TEST(rt_channels_choose_among_many)
{
    enum {MANY = 200};
    static int ch[MANY][2];
    static struct chclause clauses[MANY];
    int in = 0;
    for(int i = 0; i != MANY; i++) {
        open_channel(ch[i]);
        clauses[i] = (struct chclause){CHRECV, ch[i][0], &in, sizeof in};
    }
    struct choice choice = {clauses, MANY, -1};
    for(int i = MANY - 1; i >= 0; i -= 17) {
        struct call c;
        call_start(&c, choose_op, &choice);
        CHECK_OK(chsend(ch[i][1], &i, sizeof i, 0));
        CALL_RETURNS(&c, i);
        CHECK_INT(in, i);
    }
    for(int i = 0; i != MANY; i++) close_channel(ch[i]);
}

/**** A small program ****/

/*  Each stage passes on what the one before sends, plus one. */
static coroutine void stage(int in, int out)
{
    int n;
    while(chrecv(in, &n, sizeof n, -1) == 0) {
        n++;
        if(chsend(out, &n, sizeof n, -1) != 0) break;
    }
    chdone(out);
}

TEST(rt_channels_a_pipeline)
{
    enum {STAGES = 50};
    int ch[STAGES + 1][2];
    int stages = bundle();
    for(int i = 0; i <= STAGES; i++) open_channel(ch[i]);
    for(int i = 0; i != STAGES; i++)
        bundle_go(stages, stage(ch[i][1], ch[i + 1][0]));
    for(int i = 0; i != 100; i++) {
        int n = 0;
        CHECK_OK(chsend(ch[0][0], &i, sizeof i, SOON));
        CHECK_OK(chrecv(ch[STAGES][1], &n, sizeof n, SOON));
        CHECK_INT(n, i + STAGES);
    }
    CHECK_OK(chdone(ch[0][0]));
    int n;
    CHECK_ERR(chrecv(ch[STAGES][1], &n, sizeof n, SOON), EPIPE);
    CHECK_OK(bundle_wait(stages, SOON));
    CHECK_OK(hclose(stages));
    for(int i = 0; i <= STAGES; i++) close_channel(ch[i]);
}
