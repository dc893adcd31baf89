/*  A malloc that counts, for the libraries too, and fails where it is told to.
    For one source file of a program. */

#ifndef FAILING_H
#define FAILING_H

#include <errno.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static volatile int counting;
static long allocations;
static size_t largest, total;
/*  The allocation that fails, counted from 0; -1: none. And those behind it. */
static long failing = -1;
static int failing_on;

static int fails(size_t size)
{
    if(!counting) return 0;
    if(size > largest) largest = size;
    total += size;
    long n = __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return n == failing || (failing_on && n > failing);
}

static void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return fails(size) ? out_of_memory() : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails(n * size) ? out_of_memory() : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    return fails(size) ? out_of_memory() : __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(size) ? out_of_memory() : __libc_memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
    if(fails(size)) return ENOMEM;
    *p = __libc_memalign(alignment, size);
    return *p ? 0 : ENOMEM;
}

static void count_start(long fail_at)
{
    allocations = 0;
    largest = total = 0;
    failing = fail_at;
    counting = 1;
}

static void count_stop(void)
{
    counting = 0;
}

#endif
