/*  Compressed messages (RFC 7692, section 7.2) from nothing but RFC 1951: a
    peer's, built bit by bit, and the library's, taken apart. */

#ifndef FLATE_H
#define FLATE_H

#include "wire.h"

/**** What a peer sends ****/

/*  A message, without the tail that is not sent: in stored blocks of up to
    `block` bytes. */
void flate_stored(struct bytes *b, const void *data, size_t len, size_t block);
/*  Of one byte again and again: about 1000 bytes for each byte that is sent. */
void flate_run(struct bytes *b, int byte, size_t len);

/**** What the library sends ****/

struct inflater {
    int no_takeover;
    size_t window;          /* no distance goes further back; 0: 32768 */
    struct bytes plain;     /* of all messages */
    size_t start;           /* where the last one begins */
};
/*  Inflates a message. Whether it is one. */
int flate_inflate(struct inflater *f, const void *data, size_t len);

#endif
