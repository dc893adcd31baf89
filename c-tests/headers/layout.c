/* Sizes, offsets and constants that compiled programs depend on. Compiles, or fails. */

#include <libdillimpl.h>
#include <libdill_ws.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define SIZE(type, size) ASSERT(sizeof(struct dill_##type) == (size))

SIZE(bundle_storage, 64);
SIZE(chstorage, 144);
SIZE(tcp_listener_storage, 56);
SIZE(tcp_storage, 72);
SIZE(ipc_listener_storage, 24);
SIZE(ipc_storage, 72);
SIZE(ipc_pair_storage, 144);
SIZE(suffix_storage, 128);
SIZE(prefix_storage, 56);
SIZE(term_storage, 88);
SIZE(udp_storage, 72);
SIZE(http_storage, 1296);
SIZE(tls_storage, 72);
SIZE(dtls_storage, 88);
SIZE(ipaddr, 32);
SIZE(ws_storage, 176);

/* Caller's storage may stand at any address. */
#if defined(__x86_64__) && !defined(__cplusplus)
ASSERT(_Alignof(struct dill_ws_storage) == 1);
ASSERT(_Alignof(struct dill_tcp_storage) == 1);
ASSERT(_Alignof(struct dill_udp_storage) == 1);
ASSERT(_Alignof(struct dill_bundle_storage) == 1);
ASSERT(_Alignof(struct dill_suffix_storage) == 1);
ASSERT(_Alignof(struct dill_prefix_storage) == 1);
ASSERT(_Alignof(struct dill_term_storage) == 1);
#endif

#define POINTER sizeof(void *)
#define AT(type, member, offset) ASSERT(offsetof(struct dill_##type, member) == (offset))

SIZE(iolist, 4 * POINTER);
AT(iolist, iol_base, 0);
AT(iolist, iol_len, POINTER);
AT(iolist, iol_next, 2 * POINTER);
AT(iolist, iol_rsvd, 3 * POINTER);

SIZE(chclause, 8 + 2 * POINTER);
AT(chclause, op, 0);
AT(chclause, ch, 4);
AT(chclause, val, 8);
AT(chclause, len, 8 + POINTER);

SIZE(hvfs, 2 * POINTER);
AT(hvfs, query, 0);
AT(hvfs, close, POINTER);
SIZE(bsock_vfs, 2 * POINTER);
AT(bsock_vfs, bsendl, 0);
AT(bsock_vfs, brecvl, POINTER);
SIZE(msock_vfs, 2 * POINTER);
AT(msock_vfs, msendl, 0);
AT(msock_vfs, mrecvl, POINTER);

ASSERT(DILL_CHSEND == 1 && CHSEND == 1);
ASSERT(DILL_CHRECV == 2 && CHRECV == 2);
ASSERT(DILL_IPADDR_IPV4 == 1 && IPADDR_IPV4 == 1);
ASSERT(DILL_IPADDR_IPV6 == 2 && IPADDR_IPV6 == 2);
ASSERT(DILL_IPADDR_PREF_IPV4 == 3 && IPADDR_PREF_IPV4 == 3);
ASSERT(DILL_IPADDR_PREF_IPV6 == 4 && IPADDR_PREF_IPV6 == 4);
ASSERT(DILL_IPADDR_MAXSTRLEN == 46 && IPADDR_MAXSTRLEN == 46);
ASSERT(DILL_PREFIX_BIG_ENDIAN == 0 && PREFIX_BIG_ENDIAN == 0);
ASSERT(DILL_PREFIX_LITTLE_ENDIAN == 1 && PREFIX_LITTLE_ENDIAN == 1);
ASSERT(DILL_SOCKS5_CONNECT == 1 && SOCKS5_CONNECT == 1);
ASSERT(DILL_SOCKS5_BIND == 2 && SOCKS5_BIND == 2);
ASSERT(DILL_SOCKS5_UDP_ASSOCIATE == 3 && SOCKS5_UDP_ASSOCIATE == 3);
ASSERT(DILL_SOCKS5_SUCCESS == 0 && SOCKS5_SUCCESS == 0);
ASSERT(DILL_SOCKS5_GENERAL_FAILURE == 1 && SOCKS5_GENERAL_FAILURE == 1);
ASSERT(DILL_SOCKS5_CONNECTION_NOT_ALLOWED == 2 && SOCKS5_CONNECTION_NOT_ALLOWED == 2);
ASSERT(DILL_SOCKS5_NETWORK_UNREACHABLE == 3 && SOCKS5_NETWORK_UNREACHABLE == 3);
ASSERT(DILL_SOCKS5_HOST_UNREACHABLE == 4 && SOCKS5_HOST_UNREACHABLE == 4);
ASSERT(DILL_SOCKS5_CONNECTION_REFUSED == 5 && SOCKS5_CONNECTION_REFUSED == 5);
ASSERT(DILL_SOCKS5_TTL_EXPIRED == 6 && SOCKS5_TTL_EXPIRED == 6);
ASSERT(DILL_SOCKS5_COMMAND_NOT_SUPPORTED == 7 && SOCKS5_COMMAND_NOT_SUPPORTED == 7);
ASSERT(DILL_SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED == 8 && SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED == 8);
ASSERT(DILL_WS_BINARY == 0 && WS_BINARY == 0);
ASSERT(DILL_WS_TEXT == 1 && WS_TEXT == 1);
ASSERT(DILL_WS_NOHTTP == 2 && WS_NOHTTP == 2);
ASSERT(WS_KEY_SIZE == 32);
ASSERT(DILL_VERSION_CURRENT == 25 && DILL_VERSION_REVISION == 0 && DILL_VERSION_AGE == 5);

/* The go macros hand their buffer to the runtime. */
#if defined(__x86_64__) && defined(__GLIBC__)
ASSERT(sizeof(sigjmp_buf) == 200);
#endif

#ifdef LIBDILL_RT_H_INCLUDED
SIZE(bsock_some_vfs, 5 * POINTER);
AT(bsock_some_vfs, size, 0);
AT(bsock_some_vfs, brecvsome, POINTER);
AT(bsock_some_vfs, bawaitroom, 2 * POINTER);
AT(bsock_some_vfs, blook, 3 * POINTER);
AT(bsock_some_vfs, queue, 4 * POINTER);
SIZE(bsock_queue_vfs, 7 * POINTER);
AT(bsock_queue_vfs, size, 0);
AT(bsock_queue_vfs, bqueue, POINTER);
AT(bsock_queue_vfs, bflush, 2 * POINTER);
AT(bsock_queue_vfs, bqueued, 3 * POINTER);
AT(bsock_queue_vfs, brelease, 4 * POINTER);
AT(bsock_queue_vfs, bdrop, 5 * POINTER);
AT(bsock_queue_vfs, bcut, 6 * POINTER);
#endif
