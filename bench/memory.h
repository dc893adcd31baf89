/*  What a process occupies, in bytes of resident memory and in mappings. */

#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdio.h>

/*  `process` is its number, or "self". Exactly: statm(5) is behind by what each
    processor has counted. */
static inline long resident(const char *process)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%s/smaps_rollup", process);
    FILE *rollup = fopen(path, "r");
    if(!rollup) return 0;
    while(!kib && fgets(line, sizeof line, rollup)) sscanf(line, "Rss: %ld", &kib);
    fclose(rollup);
    return kib * 1024;
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
