/*  A switch of libdill's that the runtime's header accepts: there it chooses
    another go(), for a library that was built likewise. */

#define DILL_ARCH_FALLBACK
#include "rt.h"

static coroutine void child(int *n)
{
    yield();
    ++*n;
}

TEST(rt_fallback_is_accepted)
{
    int n = 0;
    int h = go(child(&n));
    CHECK_OK(bundle_wait(h, SOON));
    CHECK_INT(n, 1);
    CHECK_OK(hclose(h));
}
