/*  How much so many blocked coroutines occupy, each on a guarded stack.

        coroutines [COUNT]      default: 200000 */

#include "memory.h"

#include <assert.h>
#include <libdill.h>
#include <stdlib.h>

static coroutine void blocked(void)
{
    msleep(-1);
}

int main(int argc, char *argv[])
{
    int count = argc > 1 ? atoi(argv[1]) : 200000;
    long before = resident("self");
    int64_t start = now();
    int b = bundle();
    assert(b >= 0);
    for(int i = 0; i < count; i++) {
        int rc = bundle_go(b, blocked());
        assert(rc == 0);
    }
    int64_t launched = now();
    long used = resident("self") - before;
    printf("%d coroutines blocked: launched in %d ms, %.2f KiB resident each, "
        "%ld mappings\n", count, (int)(launched - start), used / 1024.0 / count,
        mappings());
    int rc = hclose(b);
    assert(rc == 0);
    printf("closed in %d ms\n", (int)(now() - launched));
    return 0;
}
