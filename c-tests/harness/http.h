/*  HTTP heads for the handshake tests: built line by line, looked at field by
    field. */

#ifndef HTTP_H
#define HTTP_H

#include "wire.h"

/*  RFC 6455, section 1.3. */
#define RFC_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define RFC_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define HEAD_MAX 32768      /* start line, all fields, the empty line */
#define FIELDS_MAX 128

/*  A head by its lines, without their CRLF. NULL: the proper line of a
    request; "": no such line. `more`: further lines, each with its CRLF. */
struct request {
    const char *line;
    const char *host;
    const char *upgrade;
    const char *connection;
    const char *key;
    const char *version;
    const char *more;
};
void request_put(struct bytes *b, const struct request *r);

/*  The same for a response; %s in `accept` stands for the right value. */
struct response {
    const char *line;
    const char *upgrade;
    const char *connection;
    const char *accept;
    const char *more;
};
void response_put(struct bytes *b, const struct response *r, const char *key);

/*  Makes the head longer: a field behind the others, so that the whole has
    `len` bytes; fields, so that there are `count` of them. */
void head_stretch(struct bytes *b, size_t len);
void head_crowd(struct bytes *b, size_t count);

/*  How many fields of this name, in any letter case, are in the head? */
int field_count(const char *head, const char *name);
/*  The value of the first one, without the spaces around it; "" if none. */
const char *field_value(const char *head, const char *name);
/*  The number of a status line, or 0. */
int head_status(const char *head);

#endif
