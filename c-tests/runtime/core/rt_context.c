/*  The header's macros that save and restore registers, by themselves. */

#include "rt.h"

static __attribute__((noinline)) void jump(sigjmp_buf *ctx)
{
    dill_longjmp(*ctx);
}

TEST(rt_context_is_restored)
{
    sigjmp_buf ctx;
    volatile int passes = 0;
    int again = dill_setjmp(ctx);
    if(++passes == 1) {
        CHECK_INT(again, 0);
        jump(&ctx);
        CHECK(!"the jump leads elsewhere");
    }
    CHECK_INT(again, 1);
    CHECK_INT(passes, 2);
}

static coroutine void in_a_coroutine(int *result)
{
    sigjmp_buf ctx;
    volatile int passes = 0;
    int again = dill_setjmp(ctx);
    yield();
    if(++passes == 1) jump(&ctx);
    *result = again;
}

TEST(rt_context_is_of_its_coroutine)
{
    int results[2] = {0, 0};
    int b = bundle();
    for(int i = 0; i != 2; i++)
        CHECK_OK(bundle_go(b, in_a_coroutine(&results[i])));
    CHECK_OK(bundle_wait(b, SOON));
    CHECK_INT(results[0], 1);
    CHECK_INT(results[1], 1);
    CHECK_OK(hclose(b));
}
