/*  Keys of the opening handshake: ws_request_key(3), ws_response_key(3). */

#include <string.h>

#include "conn.h"

/*  RFC 6455, section 1.3. */
#define RFC_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define RFC_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/*  The buffer has the size the man page asks for, and guards around it. */
struct guarded {char before[8]; char key[WS_KEY_SIZE]; char after[8];};

static void check_guards(const struct guarded *g)
{
    CHECK_BYTES(g->before, 8, "########", 8);
    CHECK_BYTES(g->after, 8, "########", 8);
}

TEST(s7_request_key_is_16_bytes_in_base64)
{
    struct guarded g;
    uint8_t raw[18];
    memset(&g, '#', sizeof g);
    CHECK_INT(ws_request_key(g.key), 0);
    CHECK_INT(strnlen(g.key, WS_KEY_SIZE), 24);
    CHECK_INT(wire_base64_decode(g.key, 24, raw), 16);
    CHECK_BYTES(g.key + 25, WS_KEY_SIZE - 25, "#######", 7);
    check_guards(&g);
}

TEST(s7_request_keys_are_fresh)
{
    enum {KEYS = 64};
    char keys[KEYS][WS_KEY_SIZE];
    for(int i = 0; i != KEYS; i++) {
        CHECK_INT(ws_request_key(keys[i]), 0);
        for(int j = 0; j != i; j++) CHECK(strcmp(keys[i], keys[j]) != 0);
    }
}

TEST(s7_request_key_null)
{
    CHECK_ERR(ws_request_key(NULL), EINVAL);
}

TEST(s7_response_key_of_the_rfc_example)
{
    struct guarded g;
    memset(&g, '#', sizeof g);
    CHECK_INT(ws_response_key(RFC_KEY, g.key), 0);
    CHECK_BYTES(g.key, 29, RFC_ACCEPT, 29);
    CHECK_BYTES(g.key + 29, WS_KEY_SIZE - 29, "###", 3);
    check_guards(&g);
}

TEST(s7_response_key_for_any_request_key)
{
    for(int i = 0; i != 200; i++) {
        char request[WS_KEY_SIZE], response[WS_KEY_SIZE], want[29];
        CHECK_INT(ws_request_key(request), 0);
        CHECK_INT(ws_response_key(request, response), 0);
        wire_accept_key(request, 24, want);
        CHECK_BYTES(response, 29, want, 29);
    }
}

TEST(s7_response_key_null)
{
    char key[WS_KEY_SIZE];
    CHECK_ERR(ws_response_key(NULL, key), EINVAL);
    CHECK_ERR(ws_response_key(RFC_KEY, NULL), EINVAL);
    CHECK_ERR(ws_response_key(NULL, NULL), EINVAL);
}

TEST(s7_response_key_refuses_what_is_not_16_bytes_of_base64)
{
    static const char *const bad[] = {
        "", "=", "==", "A", "AAAA", "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQ==x", "dGhlIHNhbXBsZSBub25jZQ== ",
        " dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZQ=x", "dGhlIHNhbXBsZSBub25jZXg=",
        "dGhlIHNhbXBsZSBub25jZXh4", "dGhlIHNhbXBsZSBub25jZQxx",
        "dGhlIHNhbXBsZSBub25j\r\n==", "dGhlIHNhbXBsZSBub25-ZQ==",
        "dGhlIHNhbXBsZSBub25_ZQ==", "\xff\xfe\x80hbXBsZSBub25jZQ===",
        "====================dGhl", "========================",
    };
    for(size_t i = 0; i != COUNT_OF(bad); i++) {
        char key[WS_KEY_SIZE];
        check_note("key %s", bad[i]);
        CHECK_ERR(ws_response_key(bad[i], key), EPROTO);
    }
}

TEST(s7_response_key_refuses_a_key_that_does_not_end)
{
    static char endless[100001];
    char key[WS_KEY_SIZE];
    memset(endless, 'A', sizeof endless - 1);
    CHECK_ERR(ws_response_key(endless, key), EPROTO);
}
