/* libdill.h: the C interface of libdill_rt, a runtime compatible with libdill.

   The names, prototypes, constants and struct sizes are libdill's, so that a program written for
   libdill compiles against this header, and a program compiled against libdill's header runs on
   this runtime. Each function has a manual page (section 3), and all together libdill_rt(7).

   Switches, to be defined before the header is included:
     DILL_DISABLE_RAW_NAMES   only dill_tcp_close and the like, no tcp_close
     DILL_DISABLE_SOCKETS     no sockets: helpers, handles, coroutines and channels only
     DILL_DISABLE_TLS         no tls and dtls functions
     DILL_NO_EXPORTS          no visibility attribute on the declarations
     DILL_ARCH_FALLBACK       libdill's; without effect, as libdill_rt resumes in one way only */

/* The guard is libdill's own, so that of the two headers only the first one counts. */
#ifndef LIBDILL_H_INCLUDED
#define LIBDILL_H_INCLUDED

/* Tells libdill_ws.h that this is not libdill's header. */
#define LIBDILL_RT_H_INCLUDED

#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#include <alloca.h>
#endif
#if defined(__cplusplus) && defined(__EXCEPTIONS)
extern "C++" {
#include <cxxabi.h>
#include <exception>
}
#endif

/* The version of the binary interface, as libdill counts it. */
#define DILL_VERSION_CURRENT 25
#define DILL_VERSION_REVISION 0
#define DILL_VERSION_AGE 5

#if !defined(__GNUC__) && !defined(__clang__)
#error "libdill.h needs GCC or Clang: go() is made of statement expressions and inline assembly"
#endif

#if defined(DILL_NO_EXPORTS) && DILL_NO_EXPORTS + 0
#define DILL_EXPORT
#else
#define DILL_EXPORT __attribute__((visibility("default")))
#endif

/* Storage is made of char. Only on 32-bit ARM does it have the alignment of a pointer. */
#if defined(__arm__) || defined(__thumb__)
#define DILL_ALIGN __attribute__((aligned(sizeof(void *))))
#else
#define DILL_ALIGN
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Time and file descriptors ---- */

DILL_EXPORT int64_t dill_now(void);
DILL_EXPORT int dill_msleep(int64_t deadline);
DILL_EXPORT int dill_fdin(int fd, int64_t deadline);
DILL_EXPORT int dill_fdout(int fd, int64_t deadline);
DILL_EXPORT int dill_fdclean(int fd);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define now dill_now
#define msleep dill_msleep
#define fdin dill_fdin
#define fdout dill_fdout
#define fdclean dill_fdclean
#endif

/* ---- Handles ---- */

DILL_EXPORT int dill_hown(int h);
DILL_EXPORT int dill_hclose(int h);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define hown dill_hown
#define hclose dill_hclose
#endif

/* ---- Coroutines ---- */

/* What a coroutine writes through a pointer to a variable of its parent is written while others run.
   A compiler that knows the function sees only that the pointer is not kept, and takes the variable
   for unchanged. So it must not look into the function: gcc has an attribute for just that; clang can
   only leave the function's own code unoptimised, not what that calls. In C++ the parent takes care of
   it, see dill_escape_. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define DILL_LAMBDA_ 1
#else
#define DILL_LAMBDA_ 0
#endif
#if defined(__clang__) && !DILL_LAMBDA_
#define dill_coroutine __attribute__((noinline, optnone))
#elif defined(__clang__)
#define dill_coroutine __attribute__((noinline))
#else
#define dill_coroutine __attribute__((noinline, noipa))
#endif

struct dill_bundle_storage {
    char _[64];
} DILL_ALIGN;

DILL_EXPORT int dill_bundle(void);
DILL_EXPORT int dill_bundle_mem(struct dill_bundle_storage *mem);
DILL_EXPORT int dill_bundle_wait(int h, int64_t deadline);
DILL_EXPORT int dill_yield(void);

/* glibc hides sigjmp_buf from strict -std=c99 and -std=c11 programs; its jmp_buf is the same type. */
#if defined(__GLIBC__) && !defined(__USE_POSIX)
#define DILL_CONTEXT_ jmp_buf
#else
#define DILL_CONTEXT_ sigjmp_buf
#endif

/* The two halves of go(). Only the go macros may call them.
   dill_epilogue never returns, but must not be declared so: the compiler would then believe that the
   parent's variables are dead in the branch the child takes, and the child would overwrite them. */
DILL_EXPORT extern volatile void *dill_unoptimisable;
DILL_EXPORT __attribute__((noinline)) int dill_prologue(
    DILL_CONTEXT_ **ctx, void **ptr, size_t len, int bndl, const char *file, int line);
DILL_EXPORT __attribute__((noinline)) void dill_epilogue(void);

#if defined(__x86_64__)

/* dill_setjmp saves what the System V ABI has a callee preserve, the stack pointer and the place to
   continue at, in the first 64 bytes of the context:

       rbx 0   rbp 8   r12 16   r13 24   r14 32   r15 40   rsp 48   rip 56

   The result is 0. The runtime resumes here with the registers restored, rax not 0 and rdx
   the address of the context, as it was. Everything else is lost on the way and said to be:
   the vector registers too, for they hold nothing of the caller's across a function call. */
#if defined(__AVX512F__)
#define DILL_LOST_VECTORS_ \
    , "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", \
      "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", \
      "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#elif defined(__SSE__)
#define DILL_LOST_VECTORS_ \
    , "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#else
#define DILL_LOST_VECTORS_
#endif

#define dill_setjmp(ctx) \
    __extension__({ \
        int dill_resumed_; \
        __asm__ __volatile__( \
            "lea 1f(%%rip), %%rcx\n\t" \
            "xor %%eax, %%eax\n\t" \
            "mov %%rbx, (%%rdx)\n\t" \
            "mov %%rbp, 8(%%rdx)\n\t" \
            "mov %%r12, 16(%%rdx)\n\t" \
            "mov %%r13, 24(%%rdx)\n\t" \
            "mov %%r14, 32(%%rdx)\n\t" \
            "mov %%r15, 40(%%rdx)\n\t" \
            "mov %%rsp, 48(%%rdx)\n\t" \
            "mov %%rcx, 56(%%rdx)\n" \
            "1:" \
            : "=a"(dill_resumed_) \
            : "d"(ctx) \
            : "memory", "cc", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11" DILL_LOST_VECTORS_); \
        dill_resumed_; \
    })

/* Goes to where the context was saved by dill_setjmp, whose result is 1 then. The compiler is not
   told that nothing behind it runs, for the reason that dill_epilogue has. */
#define dill_longjmp(ctx) \
    __asm__ __volatile__( \
        "mov (%%rdx), %%rbx\n\t" \
        "mov 8(%%rdx), %%rbp\n\t" \
        "mov 16(%%rdx), %%r12\n\t" \
        "mov 24(%%rdx), %%r13\n\t" \
        "mov 32(%%rdx), %%r14\n\t" \
        "mov 40(%%rdx), %%r15\n\t" \
        "mov 48(%%rdx), %%rsp\n\t" \
        "jmp *56(%%rdx)" \
        : \
        : "a"(1), "d"(ctx) \
        : "memory")

/* How a variable is declared that is used after the second return. */
#define DILL_KEPT_

/* The alloca makes the compiler reach this function's variables through the frame pointer, which
   stays where it is while the stack pointer moves to the new stack. */
#define dill_setsp(sp) \
    do { \
        __asm__ __volatile__("" : : "r"(alloca(sizeof(size_t)))); \
        __asm__ __volatile__("mov %0, %%rsp" : : "r"(sp)); \
    } while(0)

#else

/* Without assembly: libc saves the registers, and an allocation of just the distance between the
   stacks moves the stack pointer (modulo 2^64, or 2^32). Storing the result where others could see
   it keeps the compiler from dropping the allocation. Stack protectors break this. */
#define dill_setjmp(ctx) sigsetjmp(ctx, 0)
#define dill_longjmp(ctx) siglongjmp(ctx, 1)

/* GCC warns of others (-Wclobbered), although this one never changes. */
#define DILL_KEPT_ volatile

#define dill_setsp(sp) \
    do { \
        dill_unoptimisable = \
            alloca((size_t)((uintptr_t)alloca(sizeof(size_t)) - (uintptr_t)(sp))); \
    } while(0)

#endif

/* The path on which the parent goes on does not lead through the call, so on it a variable whose
   address the call takes seems to be nobody else's. Hence something must come first that the compiler
   cannot exclude. In C++ it is shown the call as a closure, which refers to whatever the call refers
   to; clang, in C, one call more, which never happens. gcc does not tell the paths apart.

   The closure also makes arguments of class types right: they are made, and destroyed, on the new
   stack. An exception that leaves the coroutine ends the program. */
#if DILL_LAMBDA_
#define dill_escape_(fn) \
    auto dill_body_ = [&]() { fn; }; \
    __asm__ __volatile__("" : : "r"(&dill_body_) : "memory");
#define dill_call_(fn) dill_run_(&dill_body_)
extern "C++" {
template<typename Body> __attribute__((noinline)) void dill_run_(Body *body)
{
#if defined(__EXCEPTIONS)
    /* The end of a thread by pthread_exit() or cancellation passes as if it were an exception. */
    try {
        (*body)();
#if defined(__GLIBCXX__)
    } catch(abi::__forced_unwind &) {
        throw;
#endif
    } catch(...) {
        std::terminate();
    }
#else
    (*body)();
#endif
}
}
#elif defined(__clang__)
#define dill_escape_(fn) \
    int dill_never_ = 0; \
    __asm__ __volatile__("" : "+r"(dill_never_)); \
    if(dill_never_) { \
        fn; \
    }
#define dill_call_(fn) fn
#else
#define dill_escape_(fn)
#define dill_call_(fn) fn
#endif

/* Runs `fn`, a call, on a stack of its own at once. The parent goes on, from dill_setjmp's second
   return, when the child blocks. The arguments of the call are evaluated on the new stack. */
#define dill_go_(fn, ptr, len, bndl) \
    __extension__({ \
        dill_escape_(fn) \
        DILL_CONTEXT_ *dill_ctx_; \
        void *dill_stk_ = (ptr); \
        DILL_KEPT_ int dill_h_ = \
            dill_prologue(&dill_ctx_, &dill_stk_, (len), (bndl), __FILE__, __LINE__); \
        if(dill_h_ >= 0 && !dill_setjmp(*dill_ctx_)) { \
            dill_setsp(dill_stk_); \
            dill_call_(fn); \
            dill_epilogue(); \
        } \
        dill_h_; \
    })

#define dill_go(fn) dill_go_(fn, NULL, 0, -1)
#define dill_go_mem(fn, ptr, len) dill_go_(fn, ptr, len, -1)
#define dill_bundle_go(bndl, fn) dill_go_(fn, NULL, 0, bndl)
#define dill_bundle_go_mem(bndl, fn, ptr, len) dill_go_(fn, ptr, len, bndl)

#if !defined(DILL_DISABLE_RAW_NAMES)
#define coroutine dill_coroutine
#define go dill_go
#define go_mem dill_go_mem
#define bundle_go dill_bundle_go
#define bundle_go_mem dill_bundle_go_mem
#define bundle_storage dill_bundle_storage
#define bundle dill_bundle
#define bundle_mem dill_bundle_mem
#define bundle_wait dill_bundle_wait
#define yield dill_yield
#endif

/* ---- Channels ---- */

#define DILL_CHSEND 1
#define DILL_CHRECV 2

struct dill_chclause {
    int op;
    int ch;
    void *val;
    size_t len;
};

struct dill_chstorage {
    char _[144];
} DILL_ALIGN;

DILL_EXPORT int dill_chmake(int chv[2]);
DILL_EXPORT int dill_chmake_mem(struct dill_chstorage *mem, int chv[2]);
DILL_EXPORT int dill_chsend(int ch, const void *val, size_t len, int64_t deadline);
DILL_EXPORT int dill_chrecv(int ch, void *val, size_t len, int64_t deadline);
DILL_EXPORT int dill_chdone(int ch);
DILL_EXPORT int dill_choose(struct dill_chclause *clauses, int nclauses, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define CHSEND DILL_CHSEND
#define CHRECV DILL_CHRECV
#define chclause dill_chclause
#define chstorage dill_chstorage
#define chmake dill_chmake
#define chmake_mem dill_chmake_mem
#define chsend dill_chsend
#define chrecv dill_chrecv
#define chdone dill_chdone
#define choose dill_choose
#endif

#if !defined(DILL_DISABLE_SOCKETS)

/* ---- Lists of buffers ---- */

/* libdill_ws.h defines the list itself where it comes first and finds no libdill.h. */
#if !defined(DILL_WS_DEFINES_IOLIST)
struct dill_iolist {
    void *iol_base;
    size_t iol_len;
    struct dill_iolist *iol_next;
    int iol_rsvd;
};
#endif

#if !defined(DILL_DISABLE_RAW_NAMES)
#define iolist dill_iolist
#endif

/* ---- Byte streams ---- */

DILL_EXPORT int dill_bsend(int s, const void *buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_brecv(int s, void *buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_bsendl(
    int s, struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);
DILL_EXPORT int dill_brecvl(
    int s, struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define bsend dill_bsend
#define brecv dill_brecv
#define bsendl dill_bsendl
#define brecvl dill_brecvl
#endif

/* ---- Message sockets ---- */

DILL_EXPORT int dill_msend(int s, const void *buf, size_t len, int64_t deadline);
DILL_EXPORT ssize_t dill_mrecv(int s, void *buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_msendl(
    int s, struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);
DILL_EXPORT ssize_t dill_mrecvl(
    int s, struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define msend dill_msend
#define mrecv dill_mrecv
#define msendl dill_msendl
#define mrecvl dill_mrecvl
#endif

/* ---- IP addresses ---- */

#define DILL_IPADDR_IPV4 1
#define DILL_IPADDR_IPV6 2
#define DILL_IPADDR_PREF_IPV4 3
#define DILL_IPADDR_PREF_IPV6 4
#define DILL_IPADDR_MAXSTRLEN 46

struct sockaddr;

struct dill_ipaddr {
    char _[32];
} DILL_ALIGN;

DILL_EXPORT int dill_ipaddr_local(
    struct dill_ipaddr *addr, const char *name, int port, int mode);
DILL_EXPORT int dill_ipaddr_remote(
    struct dill_ipaddr *addr, const char *name, int port, int mode, int64_t deadline);
DILL_EXPORT int dill_ipaddr_remotes(
    struct dill_ipaddr *addrs, int naddrs, const char *name, int port, int mode, int64_t deadline);
DILL_EXPORT const char *dill_ipaddr_str(const struct dill_ipaddr *addr, char *ipstr);
DILL_EXPORT int dill_ipaddr_family(const struct dill_ipaddr *addr);
DILL_EXPORT const struct sockaddr *dill_ipaddr_sockaddr(const struct dill_ipaddr *addr);
DILL_EXPORT int dill_ipaddr_len(const struct dill_ipaddr *addr);
DILL_EXPORT int dill_ipaddr_port(const struct dill_ipaddr *addr);
DILL_EXPORT void dill_ipaddr_setport(struct dill_ipaddr *addr, int port);
DILL_EXPORT int dill_ipaddr_equal(
    const struct dill_ipaddr *addr1, const struct dill_ipaddr *addr2, int ignore_port);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define IPADDR_IPV4 DILL_IPADDR_IPV4
#define IPADDR_IPV6 DILL_IPADDR_IPV6
#define IPADDR_PREF_IPV4 DILL_IPADDR_PREF_IPV4
#define IPADDR_PREF_IPV6 DILL_IPADDR_PREF_IPV6
#define IPADDR_MAXSTRLEN DILL_IPADDR_MAXSTRLEN
#define ipaddr dill_ipaddr
#define ipaddr_local dill_ipaddr_local
#define ipaddr_remote dill_ipaddr_remote
#define ipaddr_remotes dill_ipaddr_remotes
#define ipaddr_str dill_ipaddr_str
#define ipaddr_family dill_ipaddr_family
#define ipaddr_sockaddr dill_ipaddr_sockaddr
#define ipaddr_len dill_ipaddr_len
#define ipaddr_port dill_ipaddr_port
#define ipaddr_setport dill_ipaddr_setport
#define ipaddr_equal dill_ipaddr_equal
#endif

/* ---- TCP ---- */

struct dill_tcp_listener_storage {
    char _[56];
} DILL_ALIGN;

struct dill_tcp_storage {
    char _[72];
} DILL_ALIGN;

DILL_EXPORT int dill_tcp_listen(struct dill_ipaddr *addr, int backlog);
DILL_EXPORT int dill_tcp_listen_mem(
    struct dill_ipaddr *addr, int backlog, struct dill_tcp_listener_storage *mem);
DILL_EXPORT int dill_tcp_accept(int s, struct dill_ipaddr *addr, int64_t deadline);
DILL_EXPORT int dill_tcp_accept_mem(
    int s, struct dill_ipaddr *addr, struct dill_tcp_storage *mem, int64_t deadline);
DILL_EXPORT int dill_tcp_connect(const struct dill_ipaddr *addr, int64_t deadline);
DILL_EXPORT int dill_tcp_connect_mem(
    const struct dill_ipaddr *addr, struct dill_tcp_storage *mem, int64_t deadline);
DILL_EXPORT int dill_tcp_done(int s, int64_t deadline);
DILL_EXPORT int dill_tcp_close(int s, int64_t deadline);
DILL_EXPORT int dill_tcp_listener_fromfd(int fd);
DILL_EXPORT int dill_tcp_listener_fromfd_mem(int fd, struct dill_tcp_listener_storage *mem);
DILL_EXPORT int dill_tcp_fromfd(int fd);
DILL_EXPORT int dill_tcp_fromfd_mem(int fd, struct dill_tcp_storage *mem);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define tcp_listener_storage dill_tcp_listener_storage
#define tcp_storage dill_tcp_storage
#define tcp_listen dill_tcp_listen
#define tcp_listen_mem dill_tcp_listen_mem
#define tcp_accept dill_tcp_accept
#define tcp_accept_mem dill_tcp_accept_mem
#define tcp_connect dill_tcp_connect
#define tcp_connect_mem dill_tcp_connect_mem
#define tcp_done dill_tcp_done
#define tcp_close dill_tcp_close
#define tcp_listener_fromfd dill_tcp_listener_fromfd
#define tcp_listener_fromfd_mem dill_tcp_listener_fromfd_mem
#define tcp_fromfd dill_tcp_fromfd
#define tcp_fromfd_mem dill_tcp_fromfd_mem
#endif

/* ---- UNIX domain sockets ---- */

struct dill_ipc_listener_storage {
    char _[24];
} DILL_ALIGN;

struct dill_ipc_storage {
    char _[72];
} DILL_ALIGN;

struct dill_ipc_pair_storage {
    char _[144];
} DILL_ALIGN;

DILL_EXPORT int dill_ipc_listen(const char *addr, int backlog);
DILL_EXPORT int dill_ipc_listen_mem(
    const char *addr, int backlog, struct dill_ipc_listener_storage *mem);
DILL_EXPORT int dill_ipc_accept(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_accept_mem(int s, struct dill_ipc_storage *mem, int64_t deadline);
DILL_EXPORT int dill_ipc_connect(const char *addr, int64_t deadline);
DILL_EXPORT int dill_ipc_connect_mem(
    const char *addr, struct dill_ipc_storage *mem, int64_t deadline);
DILL_EXPORT int dill_ipc_sendfd(int s, int fd, int64_t deadline);
DILL_EXPORT int dill_ipc_recvfd(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_done(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_close(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_listener_fromfd(int fd);
DILL_EXPORT int dill_ipc_listener_fromfd_mem(int fd, struct dill_ipc_listener_storage *mem);
DILL_EXPORT int dill_ipc_fromfd(int fd);
DILL_EXPORT int dill_ipc_fromfd_mem(int fd, struct dill_ipc_storage *mem);
DILL_EXPORT int dill_ipc_pair(int s[2]);
DILL_EXPORT int dill_ipc_pair_mem(struct dill_ipc_pair_storage *mem, int s[2]);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define ipc_listener_storage dill_ipc_listener_storage
#define ipc_storage dill_ipc_storage
#define ipc_pair_storage dill_ipc_pair_storage
#define ipc_listen dill_ipc_listen
#define ipc_listen_mem dill_ipc_listen_mem
#define ipc_accept dill_ipc_accept
#define ipc_accept_mem dill_ipc_accept_mem
#define ipc_connect dill_ipc_connect
#define ipc_connect_mem dill_ipc_connect_mem
#define ipc_sendfd dill_ipc_sendfd
#define ipc_recvfd dill_ipc_recvfd
#define ipc_done dill_ipc_done
#define ipc_close dill_ipc_close
#define ipc_listener_fromfd dill_ipc_listener_fromfd
#define ipc_listener_fromfd_mem dill_ipc_listener_fromfd_mem
#define ipc_fromfd dill_ipc_fromfd
#define ipc_fromfd_mem dill_ipc_fromfd_mem
#define ipc_pair dill_ipc_pair
#define ipc_pair_mem dill_ipc_pair_mem
#endif

/* ---- Messages with a suffix ---- */

struct dill_suffix_storage {
    char _[128];
} DILL_ALIGN;

DILL_EXPORT int dill_suffix_attach(int s, const void *suffix, size_t suffixlen);
DILL_EXPORT int dill_suffix_attach_mem(
    int s, const void *suffix, size_t suffixlen, struct dill_suffix_storage *mem);
DILL_EXPORT int dill_suffix_detach(int s, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define suffix_storage dill_suffix_storage
#define suffix_attach dill_suffix_attach
#define suffix_attach_mem dill_suffix_attach_mem
#define suffix_detach dill_suffix_detach
#endif

/* ---- Messages behind their sizes ---- */

#define DILL_PREFIX_BIG_ENDIAN 0
#define DILL_PREFIX_LITTLE_ENDIAN 1

struct dill_prefix_storage {
    char _[56];
} DILL_ALIGN;

DILL_EXPORT int dill_prefix_attach(int s, size_t hdrlen, int flags);
DILL_EXPORT int dill_prefix_attach_mem(
    int s, size_t hdrlen, int flags, struct dill_prefix_storage *mem);
DILL_EXPORT int dill_prefix_detach(int s);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define PREFIX_BIG_ENDIAN DILL_PREFIX_BIG_ENDIAN
#define PREFIX_LITTLE_ENDIAN DILL_PREFIX_LITTLE_ENDIAN
#define prefix_storage dill_prefix_storage
#define prefix_attach dill_prefix_attach
#define prefix_attach_mem dill_prefix_attach_mem
#define prefix_detach dill_prefix_detach
#endif

/* ---- Messages up to a terminal one ---- */

struct dill_term_storage {
    char _[88];
} DILL_ALIGN;

DILL_EXPORT int dill_term_attach(int s, const void *buf, size_t len);
DILL_EXPORT int dill_term_attach_mem(
    int s, const void *buf, size_t len, struct dill_term_storage *mem);
DILL_EXPORT int dill_term_done(int s, int64_t deadline);
DILL_EXPORT int dill_term_detach(int s, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define term_storage dill_term_storage
#define term_attach dill_term_attach
#define term_attach_mem dill_term_attach_mem
#define term_done dill_term_done
#define term_detach dill_term_detach
#endif

/* ---- UDP ---- */

struct dill_udp_storage {
    char _[72];
} DILL_ALIGN;

DILL_EXPORT int dill_udp_open(struct dill_ipaddr *local, const struct dill_ipaddr *remote);
DILL_EXPORT int dill_udp_open_mem(struct dill_ipaddr *local, const struct dill_ipaddr *remote,
    struct dill_udp_storage *mem);
DILL_EXPORT int dill_udp_send(
    int s, const struct dill_ipaddr *addr, const void *buf, size_t len);
DILL_EXPORT ssize_t dill_udp_recv(
    int s, struct dill_ipaddr *addr, void *buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_udp_sendl(int s, const struct dill_ipaddr *addr,
    struct dill_iolist *first, struct dill_iolist *last);
DILL_EXPORT ssize_t dill_udp_recvl(int s, struct dill_ipaddr *addr,
    struct dill_iolist *first, struct dill_iolist *last, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define udp_storage dill_udp_storage
#define udp_open dill_udp_open
#define udp_open_mem dill_udp_open_mem
#define udp_send dill_udp_send
#define udp_recv dill_udp_recv
#define udp_sendl dill_udp_sendl
#define udp_recvl dill_udp_recvl
#endif

/* ---- HTTP: the heads of requests and responses ---- */

struct dill_http_storage {
    char _[1296];
} DILL_ALIGN;

DILL_EXPORT int dill_http_attach(int s);
DILL_EXPORT int dill_http_attach_mem(int s, struct dill_http_storage *mem);
DILL_EXPORT int dill_http_done(int s, int64_t deadline);
DILL_EXPORT int dill_http_detach(int s, int64_t deadline);
DILL_EXPORT int dill_http_sendrequest(
    int s, const char *command, const char *resource, int64_t deadline);
DILL_EXPORT int dill_http_recvrequest(int s, char *command, size_t commandlen, char *resource,
    size_t resourcelen, int64_t deadline);
DILL_EXPORT int dill_http_sendstatus(int s, int status, const char *reason, int64_t deadline);
DILL_EXPORT int dill_http_recvstatus(int s, char *reason, size_t reasonlen, int64_t deadline);
DILL_EXPORT int dill_http_sendfield(
    int s, const char *name, const char *value, int64_t deadline);
DILL_EXPORT int dill_http_recvfield(
    int s, char *name, size_t namelen, char *value, size_t valuelen, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define http_storage dill_http_storage
#define http_attach dill_http_attach
#define http_attach_mem dill_http_attach_mem
#define http_done dill_http_done
#define http_detach dill_http_detach
#define http_sendrequest dill_http_sendrequest
#define http_recvrequest dill_http_recvrequest
#define http_sendstatus dill_http_sendstatus
#define http_recvstatus dill_http_recvstatus
#define http_sendfield dill_http_sendfield
#define http_recvfield dill_http_recvfield
#endif

/* ---- Connecting by name ---- */

DILL_EXPORT int dill_happyeyeballs_connect(const char *name, int port, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define happyeyeballs_connect dill_happyeyeballs_connect
#endif

/* ---- SOCKS version 5 ---- */

/* What a client wants. */
#define DILL_SOCKS5_CONNECT 1
#define DILL_SOCKS5_BIND 2
#define DILL_SOCKS5_UDP_ASSOCIATE 3

/* What a proxy replies. */
#define DILL_SOCKS5_SUCCESS 0
#define DILL_SOCKS5_GENERAL_FAILURE 1
#define DILL_SOCKS5_CONNECTION_NOT_ALLOWED 2
#define DILL_SOCKS5_NETWORK_UNREACHABLE 3
#define DILL_SOCKS5_HOST_UNREACHABLE 4
#define DILL_SOCKS5_CONNECTION_REFUSED 5
#define DILL_SOCKS5_TTL_EXPIRED 6
#define DILL_SOCKS5_COMMAND_NOT_SUPPORTED 7
#define DILL_SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED 8

/* Accepts a client of a proxy by returning anything but 0. */
typedef int dill_socks5_auth_function(const char *username, const char *password);

DILL_EXPORT int dill_socks5_client_connect(int s, const char *username, const char *password,
    struct dill_ipaddr *addr, int64_t deadline);
DILL_EXPORT int dill_socks5_client_connectbyname(int s, const char *username,
    const char *password, const char *hostname, int port, int64_t deadline);
DILL_EXPORT int dill_socks5_proxy_auth(
    int s, dill_socks5_auth_function *auth_fn, int64_t deadline);
DILL_EXPORT int dill_socks5_proxy_recvcommand(
    int s, struct dill_ipaddr *addr, int64_t deadline);
/* `host` has room for 256 bytes. */
DILL_EXPORT int dill_socks5_proxy_recvcommandbyname(
    int s, char *host, int *port, int64_t deadline);
DILL_EXPORT int dill_socks5_proxy_sendreply(
    int s, int reply, struct dill_ipaddr *addr, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define SOCKS5_CONNECT DILL_SOCKS5_CONNECT
#define SOCKS5_BIND DILL_SOCKS5_BIND
#define SOCKS5_UDP_ASSOCIATE DILL_SOCKS5_UDP_ASSOCIATE
#define SOCKS5_SUCCESS DILL_SOCKS5_SUCCESS
#define SOCKS5_GENERAL_FAILURE DILL_SOCKS5_GENERAL_FAILURE
#define SOCKS5_CONNECTION_NOT_ALLOWED DILL_SOCKS5_CONNECTION_NOT_ALLOWED
#define SOCKS5_NETWORK_UNREACHABLE DILL_SOCKS5_NETWORK_UNREACHABLE
#define SOCKS5_HOST_UNREACHABLE DILL_SOCKS5_HOST_UNREACHABLE
#define SOCKS5_CONNECTION_REFUSED DILL_SOCKS5_CONNECTION_REFUSED
#define SOCKS5_TTL_EXPIRED DILL_SOCKS5_TTL_EXPIRED
#define SOCKS5_COMMAND_NOT_SUPPORTED DILL_SOCKS5_COMMAND_NOT_SUPPORTED
#define SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED DILL_SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED
#define socks5_client_connect dill_socks5_client_connect
#define socks5_client_connectbyname dill_socks5_client_connectbyname
#define socks5_proxy_auth dill_socks5_proxy_auth
#define socks5_proxy_recvcommand dill_socks5_proxy_recvcommand
#define socks5_proxy_recvcommandbyname dill_socks5_proxy_recvcommandbyname
#define socks5_proxy_sendreply dill_socks5_proxy_sendreply
#endif

/* ---- TLS ---- */

#if !defined(DILL_DISABLE_TLS)

struct dill_tls_storage {
    char _[72];
} DILL_ALIGN;

/* THESE TWO DO NOT CHECK WHOM THEY TALK TO. See dill_tls_attach_client_host. */
DILL_EXPORT int dill_tls_attach_client(int s, int64_t deadline);
DILL_EXPORT int dill_tls_attach_client_mem(
    int s, struct dill_tls_storage *mem, int64_t deadline);
DILL_EXPORT int dill_tls_attach_server(
    int s, const char *cert, const char *pkey, int64_t deadline);
DILL_EXPORT int dill_tls_attach_server_mem(int s, const char *cert, const char *pkey,
    struct dill_tls_storage *mem, int64_t deadline);
DILL_EXPORT int dill_tls_done(int s, int64_t deadline);
DILL_EXPORT int dill_tls_detach(int s, int64_t deadline);

/* Not in libdill: the server has to have a certificate for this name, or IP address, from an
   authority the system trusts. */
DILL_EXPORT int dill_tls_attach_client_host(int s, const char *hostname, int64_t deadline);
DILL_EXPORT int dill_tls_attach_client_host_mem(
    int s, const char *hostname, struct dill_tls_storage *mem, int64_t deadline);

/* Not in libdill: what a TLS socket is to be made with. What is NULL means nothing. */
struct dill_tls_opts {
    size_t size;            /* sizeof (struct dill_tls_opts), as dill_tls_defaults has it */
    const char *hostname;   /* the client needs it: the name or address the server has to prove */
    const char *alpn;       /* protocols to speak above, "h2, http/1.1", the best first */
    const char *cert;       /* this end's certificate chain, a PEM file, and its private key; */
    const char *pkey;       /* the server needs them */
    const char *roots;      /* the authorities the peer's certificate has to come from, a PEM file;
                               the client has the system's, the server does not ask without it */
    int *chosen;            /* out: the place in alpn of what was agreed on, from 0; or -1 */
};
#define dill_tls_defaults {sizeof (struct dill_tls_opts), NULL, NULL, NULL, NULL, NULL, NULL}
DILL_EXPORT int dill_tls_attach_client_opts(
    int s, const struct dill_tls_opts *opts, int64_t deadline);
DILL_EXPORT int dill_tls_attach_server_opts(
    int s, const struct dill_tls_opts *opts, int64_t deadline);

/* Not in libdill: why the last call that had to do with TLS has failed, in words, or "". */
DILL_EXPORT const char *dill_tls_why(void);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define tls_storage dill_tls_storage
#define tls_opts dill_tls_opts
#define tls_defaults dill_tls_defaults
#define tls_attach_client_opts dill_tls_attach_client_opts
#define tls_attach_server_opts dill_tls_attach_server_opts
#define tls_why dill_tls_why
#define tls_attach_client dill_tls_attach_client
#define tls_attach_client_mem dill_tls_attach_client_mem
#define tls_attach_client_host dill_tls_attach_client_host
#define tls_attach_client_host_mem dill_tls_attach_client_host_mem
#define tls_attach_server dill_tls_attach_server
#define tls_attach_server_mem dill_tls_attach_server_mem
#define tls_done dill_tls_done
#define tls_detach dill_tls_detach
#endif

/* ---- DTLS ---- */

/* libdill declares these, and so must whoever wants its programs to compile. They exist nowhere. */

struct dill_dtls_storage {
    char _[88];
} DILL_ALIGN;

DILL_EXPORT int dill_dtls_attach_client(int s, int64_t deadline);
DILL_EXPORT int dill_dtls_attach_client_mem(
    int s, struct dill_dtls_storage *mem, int64_t deadline);
DILL_EXPORT int dill_dtls_attach_server(
    int s, const char *cert, const char *pkey, int64_t deadline);
DILL_EXPORT int dill_dtls_attach_server_mem(int s, const char *cert, const char *pkey,
    struct dill_dtls_storage *mem, int64_t deadline);
DILL_EXPORT int dill_dtls_done(int s, int64_t deadline);
DILL_EXPORT int dill_dtls_detach(int s, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define dtls_storage dill_dtls_storage
#define dtls_attach_client dill_dtls_attach_client
#define dtls_attach_client_mem dill_dtls_attach_client_mem
#define dtls_attach_server dill_dtls_attach_server
#define dtls_attach_server_mem dill_dtls_attach_server_mem
#define dtls_done dill_dtls_done
#define dtls_detach dill_dtls_detach
#endif

#endif /* DILL_DISABLE_TLS */

#endif /* DILL_DISABLE_SOCKETS */

#ifdef __cplusplus
}
#endif

/* ---- WebSocket ---- */

/* Programs written for libdill find the ws functions in libdill.h. */
#if !defined(DILL_DISABLE_SOCKETS)
#include "libdill_ws.h"
#endif

#endif
