/*  What AddressSanitizer and UndefinedBehaviorSanitizer must find for a run
    of the tests to mean anything, one mistake each:

        heap, overflow, leak     by this program
        coroutine                by this program, on the stack of a coroutine
        key, status              by libdill_ws: the caller's buffer is shorter
                                 than said
        pointer                  by libdill_rt: likewise
        none                     no mistake; coroutines start and end, on their
                                 own stacks and on the caller's */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdill.h>
#include <libdill_ws.h>

static volatile char sink;
static volatile int large = INT32_MAX;

static void must(int ok, const char *what)
{
    if(ok) return;
    perror(what);
    exit(3);
}

static void heap(void)
{
    volatile char *volatile block = malloc(10);
    block[10] = 1;
    free((char*)block);
}

static void overflow(void)
{
    large = large + 1;
}

static void leak(void)
{
    char *volatile lost = malloc(1000);
    lost[0] = 1;
    lost = NULL;
}

static __attribute__((noipa)) void look(volatile char *p)
{
    sink = *p;
}

static coroutine void beyond_a_local(void)
{
    volatile char local[16];
    yield();
    look(local + sizeof local);
}

static void coroutine_stack(void)
{
    int b = go(beyond_a_local());
    must(b >= 0, "go");
    must(!bundle_wait(b, -1) && !hclose(b), "bundle_wait");
}

/*  Writes 29 bytes, not by a function of libc that is checked in any case. */
static void key(void)
{
    char *response = malloc(20);
    must(!ws_response_key("dGhlIHNhbXBsZSBub25jZQ==", response), "ws_response_key");
    free(response);
}

static coroutine void say_goodbye(int s)
{
    int h = ws_attach_server(s, WS_NOHTTP, NULL, 0, NULL, 0, -1);
    must(h >= 0, "ws_attach_server");
    must(!ws_done(h, 1000, "goodbye", 7, -1), "ws_done");
    must(!hclose(h), "hclose");
}

static void status(void)
{
    int s[2];
    must(!ipc_pair(s), "ipc_pair");
    int h = ws_attach_client(s[0], WS_NOHTTP, NULL, NULL, -1);
    must(h >= 0, "ws_attach_client");
    int b = bundle();
    must(!bundle_go(b, say_goodbye(s[1])), "bundle_go");
    must(ws_recv(h, NULL, NULL, 0, -1) < 0, "ws_recv");
    char *message = malloc(4);
    must(ws_status(h, NULL, message, 7) == 7, "ws_status");
    free(message);
    must(!hclose(b) && !hclose(h), "hclose");
}

/*  The second number has no room, which the compiler must not know. */
static void pointer(void)
{
    volatile size_t room = sizeof(int);
    int *pair = malloc(room);
    must(!ipc_pair(pair), "ipc_pair");
    free(pair);
}

static coroutine void visit(int depth)
{
    volatile char local[100];
    memset((char*)local, depth, sizeof local);
    yield();
    if(depth) visit(depth - 1);
    sink = local[99];
}

static void none(void)
{
    enum {SIZE = 65536, ROUNDS = 20};
    char *stack = malloc(SIZE);
    for(int i = 0; i != ROUNDS; i++) {
        int b = bundle();
        for(int k = 0; k != 5; k++) must(!bundle_go(b, visit(k)), "bundle_go");
        must(!bundle_go_mem(b, visit(7), stack, SIZE), "bundle_go_mem");
        must(!bundle_wait(b, -1) && !hclose(b), "bundle_wait");
        /*  It is the caller's again. */
        memset(stack, i, SIZE);
    }
    free(stack);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if(strcmp(what, "heap") == 0) heap();
    else if(strcmp(what, "overflow") == 0) overflow();
    else if(strcmp(what, "leak") == 0) leak();
    else if(strcmp(what, "coroutine") == 0) coroutine_stack();
    else if(strcmp(what, "key") == 0) key();
    else if(strcmp(what, "status") == 0) status();
    else if(strcmp(what, "pointer") == 0) pointer();
    else if(strcmp(what, "none") == 0) none();
    else return 2;
    puts("undetected");
    return 0;
}
