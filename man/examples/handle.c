#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdillimpl.h>

/* An object of our own: it hands out numbers. */
struct counter {
    struct hvfs vfs;
    int next;
};

/* Its address stands for the type. */
static const int counter_type;

static void *counter_query(struct hvfs *vfs, const void *type) {
    if(type == &counter_type) return vfs;
    errno = ENOTSUP;
    return NULL;
}

static void counter_close(struct hvfs *vfs) {
    free(vfs);
}

static int counter_make(int first) {
    struct counter *c = malloc(sizeof *c);
    if(!c) return -1;
    *c = (struct counter){{counter_query, counter_close}, first};
    int h = hmake(&c->vfs);
    if(h < 0) free(c);
    return h;
}

/* The next number, or -1 with errno set. */
static int counter_next(int h) {
    struct counter *c = hquery(h, &counter_type);
    return c ? c->next++ : -1;
}

int main(void) {
    int h = counter_make(7);
    if(h < 0) {
        perror("counter_make");
        return EXIT_FAILURE;
    }
    printf("%d\n", counter_next(h));
    int mine = hown(h);
    if(counter_next(h) < 0 && errno == EBADF)
        puts("the old number is gone");
    printf("%d\n", counter_next(mine));
    return hclose(mine) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
