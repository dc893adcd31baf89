/*  What this process occupies, in bytes of resident memory and in mappings. */

#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdio.h>
#include <unistd.h>

static inline long resident(void)
{
    long size = 0, pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if(!statm || fscanf(statm, "%ld %ld", &size, &pages) != 2) pages = 0;
    if(statm) fclose(statm);
    return pages * sysconf(_SC_PAGESIZE);
}

static inline long mappings(void)
{
    long lines = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    if(!maps) return -1;
    for(int c; (c = getc(maps)) != EOF;) lines += c == '\n';
    fclose(maps);
    return lines;
}

#endif
