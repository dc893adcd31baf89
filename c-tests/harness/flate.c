#include <string.h>

#include "flate.h"

/**** Bits written, the lowest first (RFC 1951, section 3.1.1) ****/

struct writer {struct bytes *out; unsigned held; int count;};

static void put_bits(struct writer *w, unsigned value, int count)
{
    w->held |= value << w->count;
    w->count += count;
    while(w->count >= 8) {
        bytes_fill(w->out, (int)(w->held & 255), 1);
        w->held >>= 8;
        w->count -= 8;
    }
}

/*  A code stands the other way round. */
static void put_code(struct writer *w, unsigned code, int count)
{
    while(count) put_bits(w, code >> --count & 1, 1);
}

static void put_padding(struct writer *w)
{
    if(w->count) put_bits(w, 0, 8 - w->count);
}

void flate_stored(struct bytes *b, const void *data, size_t len, size_t block)
{
    struct writer w = {b, 0, 0};
    for(size_t at = 0; at < len;) {
        size_t n = len - at < block ? len - at : block;
        put_bits(&w, 0, 3);
        put_padding(&w);
        put_bits(&w, (unsigned)n, 16);
        put_bits(&w, (unsigned)n ^ 0xffff, 16);
        bytes_put(b, (const char*)data + at, n);
        at += n;
    }
    put_bits(&w, 0, 3);
    put_padding(&w);
}

/*  So many code lengths of 0, where the code for them is that of put_run_codes. */
static void put_zeros(struct writer *w, unsigned count)
{
    while(count >= 11) {
        unsigned now = count < 138 ? count : 138;
        put_code(w, 3, 2);
        put_bits(w, now - 11, 7);
        count -= now;
    }
    while(count--) put_code(w, 0, 2);
}

/*  Section 3.2.7: codes for one literal (10), the end (11), 258 bytes (0), and
    for one byte back (0). The code lengths 0, 1, 2 and the symbol 18 have codes
    of two bits themselves. */
static void put_run_codes(struct writer *w, unsigned byte)
{
    static const uint8_t lengths[] = {
        0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2};
    put_bits(w, 29, 5);
    put_bits(w, 0, 5);
    put_bits(w, sizeof lengths - 4, 4);
    for(size_t i = 0; i != sizeof lengths; i++) put_bits(w, lengths[i], 3);
    put_zeros(w, byte);
    put_code(w, 2, 2);
    put_zeros(w, 255 - byte);
    put_code(w, 2, 2);
    put_zeros(w, 28);
    put_code(w, 1, 2);
    put_code(w, 1, 2);
}

void flate_run(struct bytes *b, int byte, size_t len)
{
    struct writer w = {b, 0, 0};
    put_bits(&w, 4, 3);
    put_run_codes(&w, (unsigned)byte);
    for(size_t left = len; left;) {
        int many = left < len && left >= 258;
        put_code(&w, many ? 0 : 2, 2);
        left -= many ? 258 : 1;
    }
    put_code(&w, 3, 2);
    put_bits(&w, 0, 3);
    put_padding(&w);
}

/**** Bits read ****/

struct reader {const uint8_t *p; size_t bits; size_t at; int bad;};

static unsigned get_bits(struct reader *r, int count)
{
    unsigned value = 0;
    for(int i = 0; i != count; i++, r->at++) {
        if(r->at == r->bits) {
            r->bad = 1;
            return 0;
        }
        value |= (unsigned)(r->p[r->at / 8] >> r->at % 8 & 1) << i;
    }
    return value;
}

/*  How many symbols there are of each length, and the symbols by length. */
struct code {unsigned counts[16]; unsigned symbols[288];};

static void make_code(struct code *c, const uint8_t *lengths, unsigned n)
{
    unsigned next = 0;
    memset(c, 0, sizeof *c);
    for(unsigned len = 1; len != 16; len++)
        for(unsigned i = 0; i != n; i++) {
            if(lengths[i] != len) continue;
            c->counts[len]++;
            c->symbols[next++] = i;
        }
}

static unsigned get_symbol(struct reader *r, const struct code *c)
{
    unsigned value = 0, first = 0, place = 0;
    for(unsigned len = 1; len != 16 && !r->bad; len++) {
        value |= get_bits(r, 1);
        if(value - first < c->counts[len]) return c->symbols[place + value - first];
        place += c->counts[len];
        first = (first + c->counts[len]) << 1;
        value <<= 1;
    }
    r->bad = 1;
    return 0;
}

/*  Section 3.2.5. */
static const uint16_t length_base[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17,
    19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
    2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};

static unsigned get_distance(struct reader *r, unsigned symbol)
{
    if(symbol < 4) return symbol + 1;
    int extra = (int)symbol / 2 - 1;
    return ((2 + (symbol & 1)) << extra) + 1 + get_bits(r, extra);
}

static void copy_back(struct inflater *f, struct reader *r, unsigned len,
    size_t distance)
{
    size_t start = f->no_takeover ? f->start : 0;
    size_t window = f->window ? f->window : 32768;
    if(distance > f->plain.n - start || distance > window) {
        r->bad = 1;
        return;
    }
    while(len--) bytes_fill(&f->plain, f->plain.p[f->plain.n - distance], 1);
}

static void read_coded(struct inflater *f, struct reader *r,
    const struct code *lengths, const struct code *distances)
{
    while(!r->bad) {
        unsigned symbol = get_symbol(r, lengths);
        if(symbol == 256) return;
        if(symbol < 256) {
            if(!r->bad) bytes_fill(&f->plain, (int)symbol, 1);
            continue;
        }
        symbol -= 257;
        if(symbol >= sizeof length_extra) break;
        unsigned len = length_base[symbol] + get_bits(r, length_extra[symbol]);
        copy_back(f, r, len, get_distance(r, get_symbol(r, distances)));
    }
    r->bad = 1;
}

static void read_fixed(struct inflater *f, struct reader *r)
{
    uint8_t lengths[288];
    struct code codes[2];
    for(int i = 0; i != 288; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_code(&codes[0], lengths, 288);
    memset(lengths, 5, 30);
    make_code(&codes[1], lengths, 30);
    read_coded(f, r, &codes[0], &codes[1]);
}

/*  Section 3.2.7. */
static void read_dynamic(struct inflater *f, struct reader *r)
{
    static const uint8_t order[] = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[320] = {0};
    struct code codes[2];
    unsigned literals = get_bits(r, 5) + 257, distances = get_bits(r, 5) + 1;
    unsigned count = get_bits(r, 4) + 4;
    for(unsigned i = 0; i != count; i++)
        lengths[order[i]] = (uint8_t)get_bits(r, 3);
    make_code(&codes[0], lengths, 19);
    memset(lengths, 0, sizeof lengths);
    for(unsigned i = 0; i < literals + distances && !r->bad;) {
        unsigned symbol = get_symbol(r, &codes[0]), times = 1;
        uint8_t len = (uint8_t)symbol;
        if(symbol == 16) times = 3 + get_bits(r, 2);
        if(symbol == 17) times = 3 + get_bits(r, 3);
        if(symbol == 18) times = 11 + get_bits(r, 7);
        if(symbol > 15) len = symbol == 16 && i ? lengths[i - 1] : 0;
        if(times > literals + distances - i) r->bad = 1;
        else while(times--) lengths[i++] = len;
    }
    if(r->bad) return;
    make_code(&codes[0], lengths, literals);
    make_code(&codes[1], lengths + literals, distances);
    read_coded(f, r, &codes[0], &codes[1]);
}

static void read_stored(struct inflater *f, struct reader *r)
{
    r->at = (r->at + 7) / 8 * 8;
    unsigned len = get_bits(r, 16);
    if((get_bits(r, 16) ^ 0xffff) != len) r->bad = 1;
    while(len-- && !r->bad) bytes_fill(&f->plain, (int)get_bits(r, 8), 1);
}

int flate_inflate(struct inflater *f, const void *data, size_t len)
{
    struct bytes whole = {0};
    bytes_put(&whole, data, len);
    bytes_put(&whole, "\x00\x00\xff\xff", 4);
    struct reader r = {whole.p, whole.n * 8, 0, 0};
    f->start = f->plain.n;
    while(!r.bad && r.at < r.bits) {
        int is_last = (int)get_bits(&r, 1);
        switch(get_bits(&r, 2)) {
        case 0: read_stored(f, &r); break;
        case 1: read_fixed(f, &r); break;
        case 2: read_dynamic(f, &r); break;
        default: r.bad = 1;
        }
        /* The library makes none that is the last one. */
        if(is_last) r.bad = 1;
    }
    bytes_free(&whole);
    return !r.bad;
}
