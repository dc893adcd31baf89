/*  Shows that valgrind sees what it should see in programs with coroutines:

        leak, freed, uninitialised    an error that must be reported
        stacks                        none: coroutines that switch between
                                      their stacks, with data on them */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdill.h>

static volatile char sink;

static coroutine void leak(void)
{
    char *volatile lost = malloc(1000);
    lost[0] = 1;
    lost = NULL;
    yield();
}

static coroutine void freed(void)
{
    char *volatile block = calloc(1, 1000);
    free(block);
    sink = block[10];
}

static __attribute__((noinline)) void branch_on(volatile char *p)
{
    if(*p == 42) puts("by chance");
}

static coroutine void uninitialised(void)
{
    volatile char on_the_stack[100];
    yield();
    branch_on(on_the_stack + 50);
}

static __attribute__((noinline)) void fill(volatile char *p, size_t n, int c)
{
    for(size_t i = 0; i != n; i++) p[i] = (char)c;
}

/*  A valgrind that does not know the stacks takes a switch for one huge
    frame, and what lies between for gone. */
static coroutine void stacks(int id)
{
    volatile char data[5000];
    fill(data, sizeof data, id);
    for(int i = 0; i != 10; i++) {
        yield();
        for(size_t k = 0; k != sizeof data; k++) if(data[k] != id) abort();
    }
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    int b = bundle();
    if(strcmp(what, "leak") == 0) bundle_go(b, leak());
    else if(strcmp(what, "freed") == 0) bundle_go(b, freed());
    else if(strcmp(what, "uninitialised") == 0) bundle_go(b, uninitialised());
    else if(strcmp(what, "stacks") == 0)
        for(int i = 0; i != 5; i++) bundle_go(b, stacks(i));
    else return 2;
    bundle_wait(b, -1);
    hclose(b);
    return 0;
}
