#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libdill.h>

/* A packet is a header with the size of the text, and the text. */
struct header {
    uint32_t type;
    uint32_t size;
};

static int send_packet(int s, uint32_t type, const char *text,
      int64_t deadline) {
    struct header header = {type, (uint32_t)strlen(text)};
    struct iolist second = {(void*)text, header.size, NULL, 0};
    struct iolist first = {&header, sizeof header, &second, 0};
    return bsendl(s, &first, &second, deadline);
}

int main(void) {
    static struct ipc_pair_storage storage;
    int s[2];
    if(ipc_pair_mem(&storage, s) < 0) {
        perror("ipc_pair_mem");
        return EXIT_FAILURE;
    }
    int64_t deadline = now() + 10000;
    if(send_packet(s[0], 7, "in one piece", deadline) < 0) {
        perror("bsendl");
        return EXIT_FAILURE;
    }
    /* The size, without the type; then six bytes, and six more elsewhere. */
    uint32_t size;
    char begin[6], end[6];
    struct iolist part[4] = {
        {NULL, sizeof(uint32_t), &part[1], 0},
        {&size, sizeof size, &part[2], 0},
        {begin, sizeof begin, &part[3], 0},
        {end, sizeof end, NULL, 0},
    };
    if(brecvl(s[1], &part[0], &part[3], deadline) < 0) {
        perror("brecvl");
        return EXIT_FAILURE;
    }
    printf("%d: [%.6s] [%.6s]\n", (int)size, begin, end);
    hclose(s[0]);
    hclose(s[1]);
    return 0;
}
