/*  What run.py must notice although every test passes: something goes wrong
    behind the last of them. */

#include <stdlib.h>
#include <unistd.h>

#include "check.h"

TEST(late_none)
{
}

static void fail_late(void)
{
    _exit(5);
}

TEST(late_exit)
{
    CHECK_INT(atexit(fail_late), 0);
}

/*  To be found by valgrind or AddressSanitizer. */
TEST(late_leak)
{
    char *volatile lost = malloc(1000);
    lost[0] = 1;
    lost = NULL;
}
