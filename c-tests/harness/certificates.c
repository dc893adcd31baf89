#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certificates.h"

extern char **environ;

static char directory[64];
static pid_t owner;

static void run_tool(char *const argv[])
{
    pid_t pid;
    int status = -1;
    if(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0)
        while(waitpid(pid, &status, 0) < 0 && errno == EINTR);
    if(status != 0) {
        fprintf(stderr, "%s fails\n", argv[0]);
        exit(1);
    }
}

static void remove_certificates(void)
{
    char *argv[] = {"rm", "-r", directory, NULL};
    if(getpid() == owner) run_tool(argv);
}

static void run_certificates(char *more)
{
    char script[4096];
    snprintf(script, sizeof script, "%.*s/certificates.sh",
        (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
    char *argv[] = {script, directory, more, NULL};
    run_tool(argv);
}

const char *certificate(const char *name)
{
    static char paths[4][128];
    static int next;
    if(!owner) {
        strcpy(directory, "/tmp/rt-tls-XXXXXX");
        if(!mkdtemp(directory)) abort();
        owner = getpid();
        atexit(remove_certificates);
        run_certificates(NULL);
        setenv("SSL_CERT_FILE", certificate("root.pem"), 1);
        /*  Some systems have an authority of their own for localhost there. */
        unsetenv("SSL_CERT_DIR");
    }
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

void large_certificates(void)
{
    certificate("root.pem");
    run_certificates("large");
}
