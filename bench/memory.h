/*  What a process occupies, in bytes of resident memory and in mappings. */

#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdio.h>
#include <unistd.h>

/*  `process` is its number, or "self". */
static inline long resident(const char *process)
{
    char path[64];
    long size = 0, pages = 0;
    snprintf(path, sizeof path, "/proc/%s/statm", process);
    FILE *statm = fopen(path, "r");
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
