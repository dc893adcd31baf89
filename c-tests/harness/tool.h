/*  Another program that a test talks with, such as openssl. */

#ifndef TOOL_H
#define TOOL_H

#include <sys/types.h>

#include "check.h"

/*  With its standard input and output. */
struct tool {pid_t pid; int in; int out;};

void tool_start(struct tool *t, char *const argv[]);
void tool_say(struct tool *t, const char *text);
/*  Waits until the tool has printed this; others run meanwhile. What follows
    it, as far as it has come. */
const char *tool_prints(struct at at, struct tool *t, const char *want);
#define TOOL_PRINTS(t, want) tool_prints(HERE, t, want)
/*  Waits until it ends, which it does when its input has ended. */
void tool_end(struct tool *t);
/*  The same; its exit status, or -1. */
int tool_status(struct tool *t);
/*  Ends it. */
void tool_stop(struct tool *t);

#endif
