#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <libdill.h>

static coroutine void sender(int ch, const char *text, int64_t deadline) {
    if(msleep(deadline) < 0) return;
    chsend(ch, &text, sizeof text, -1);
    chdone(ch);
}

int main(void) {
    struct chstorage storage[2];
    int news[2], mail[2];
    if(chmake_mem(&storage[0], news) < 0 || chmake_mem(&storage[1], mail) < 0) {
        perror("chmake_mem");
        return EXIT_FAILURE;
    }
    int b = bundle();
    bundle_go(b, sender(mail[1], "a letter", now() + 10));
    bundle_go(b, sender(news[1], "some news", now() + 300));
    const char *text;
    struct chclause clauses[] = {
        {CHRECV, news[0], &text, sizeof text},
        {CHRECV, mail[0], &text, sizeof text},
    };
    int open = 2;
    while(open) {
        int i = choose(clauses, open, now() + 10000);
        if(i < 0) {
            perror("choose");
            return EXIT_FAILURE;
        }
        if(errno == 0) printf("%s\n", text);
        else clauses[i] = clauses[--open];      /* no more will come */
    }
    hclose(b);
    for(int i = 0; i != 2; i++) {
        hclose(news[i]);
        hclose(mail[i]);
    }
    return 0;
}
