#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

static void put_line(struct bytes *b, const char *line, const char *proper)
{
    if(!line) line = proper;
    if(!line[0]) return;
    bytes_str(b, line);
    bytes_str(b, "\r\n");
}

void request_put(struct bytes *b, const struct request *r)
{
    put_line(b, r->line, "GET /res HTTP/1.1");
    put_line(b, r->host, "Host: example.org");
    put_line(b, r->upgrade, "Upgrade: websocket");
    put_line(b, r->connection, "Connection: Upgrade");
    put_line(b, r->key, "Sec-WebSocket-Key: " RFC_KEY);
    put_line(b, r->version, "Sec-WebSocket-Version: 13");
    if(r->more) bytes_str(b, r->more);
    bytes_str(b, "\r\n");
}

/*  `text` with its %s replaced. */
static void put_accept(struct bytes *b, const char *text, const char *key)
{
    char accept[29];
    const char *gap = strstr(text, "%s");
    wire_accept_key(key, strlen(key), accept);
    bytes_put(b, text, gap ? (size_t)(gap - text) : strlen(text));
    if(gap) bytes_str(b, accept);
    bytes_str(b, gap ? gap + 2 : "");
}

void response_put(struct bytes *b, const struct response *r, const char *key)
{
    put_line(b, r->line, "HTTP/1.1 101 Switching Protocols");
    put_line(b, r->upgrade, "Upgrade: websocket");
    put_line(b, r->connection, "Connection: Upgrade");
    put_accept(b, r->accept ? r->accept : "Sec-WebSocket-Accept: %s", key);
    if(!r->accept || r->accept[0]) bytes_str(b, "\r\n");
    if(r->more) put_accept(b, r->more, key);
    bytes_str(b, "\r\n");
}

/*  Takes the empty line off the end. */
static void head_open(struct bytes *b)
{
    b->n -= 2;
}

void head_stretch(struct bytes *b, size_t len)
{
    static const char name[] = "X-Long: ";
    head_open(b);
    bytes_str(b, name);
    bytes_fill(b, 'x', len - b->n - 4);
    bytes_str(b, "\r\n\r\n");
}

void head_crowd(struct bytes *b, size_t count)
{
    size_t fields = 0;
    head_open(b);
    for(size_t i = 0; i != b->n; i++) fields += b->p[i] == '\n';
    for(fields--; fields < count; fields++) bytes_str(b, "X: y\r\n");
    bytes_str(b, "\r\n");
}

/*  The value behind the next field `name` from `at` on, or NULL. */
static const char *find_field(const char *at, const char *name)
{
    size_t len = strlen(name);
    while((at = strchr(at, '\n')) != NULL) {
        at++;
        if(strncasecmp(at, name, len) == 0 && at[len] == ':')
            return at + len + 1;
    }
    return NULL;
}

int field_count(const char *head, const char *name)
{
    int n = 0;
    while((head = find_field(head, name)) != NULL) n++;
    return n;
}

const char *field_value(const char *head, const char *name)
{
    static char value[1024];
    const char *at = find_field(head, name);
    if(!at) return "";
    at += strspn(at, " \t");
    size_t len = strcspn(at, "\r\n");
    while(len && (at[len - 1] == ' ' || at[len - 1] == '\t')) len--;
    if(len >= sizeof value) len = sizeof value - 1;
    memcpy(value, at, len);
    value[len] = 0;
    return value;
}

int head_status(const char *head)
{
    return strncmp(head, "HTTP/1.1 ", 9) == 0 ? atoi(head + 9) : 0;
}
