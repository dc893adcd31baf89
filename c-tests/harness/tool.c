#include "tool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt.h"

void tool_start(struct tool *t, char *const argv[])
{
    int to[2];
    int from[2];
    posix_spawn_file_actions_t actions;
    if(pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) abort();
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if(posix_spawnp(&t->pid, argv[0], &actions, NULL, argv, environ) != 0)
        abort();
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    t->in = to[1];
    t->out = from[0];
}

void tool_say(struct tool *t, const char *text)
{
    CHECK_INT(write(t->in, text, strlen(text)), (long long)strlen(text));
}

const char *tool_prints(struct at at, struct tool *t, const char *want)
{
    static char text[1 << 16];
    size_t n = 0;
    int64_t deadline = SOON;
    while(now() < deadline) {
        struct pollfd query = {.fd = t->out, .events = POLLIN};
        if(poll(&query, 1, 0) > 0) {
            ssize_t more = read(t->out, text + n, sizeof text - 1 - n);
            if(more <= 0) break;
            n += (size_t)more;
            text[n] = 0;
            const char *found = strstr(text, want);
            if(found) return found + strlen(want);
        } else {
            msleep(now() + 5);
        }
    }
    check_fail(at, "openssl does not print \"%s\"", want);
    return "";
}

int tool_status(struct tool *t)
{
    int status = 0;
    close(t->in);
    close(t->out);
    for(int64_t deadline = SOON; now() < deadline; msleep(now() + 5))
        if(waitpid(t->pid, &status, WNOHANG) == t->pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    kill(t->pid, SIGKILL);
    waitpid(t->pid, &status, 0);
    return -1;
}

void tool_end(struct tool *t)
{
    tool_status(t);
}

void tool_stop(struct tool *t)
{
    kill(t->pid, SIGTERM);
    tool_end(t);
}
