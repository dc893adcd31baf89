//! `libdill_ws`: WebSocket (RFC 6455) for C programs written with libdill.
//!
//! # The map of the house
//!
//! | layer | what lives there | what never does |
//! |---|---|---|
//! | [`protocol`] | bytes and events: wire to messages, messages to wire, the handshake | handles, errno, clocks, coroutines, `unsafe` |
//! | [`socket`] | one WebSocket over one byte stream: attach, receive, send, close | raw pointers, errno |
//! | [`codec`] | the thread's deflate streams | connections, frames, parameters of extensions |
//! | `abi` | the C boundary: exports, host imports, caller's lists, errno | protocol rules |
//!
//! Dependencies point one way: `abi` → `socket` → `protocol`.
//!
//! # Safety vocabulary
//!
//! The `# Safety` sections of the exported functions use these words:
//!
//! * *readable string*: NULL, or a NUL-terminated string that stays unchanged during the call.
//! * *readable for `len` bytes*: NULL, or a pointer to `len` bytes that stay unchanged during the call.
//! * *writable for `len` bytes*: NULL, or a pointer to `len` bytes that nobody else uses during
//!   the call. They need not be initialised.
//! * *iolist*: NULL, or a pointer to a `struct dill_iolist` whose chain consists of such structs and
//!   whose elements are readable (sending) or writable (receiving) for their `iol_len` bytes. A
//!   NULL base is allowed when receiving. Nobody else uses the chain during the call.
//!
//! * *readable options*: NULL, or a pointer to a `struct ws_opts` that begins with its size and has so many
//!   bytes, whose strings are readable during the call, whose `fields` are NULL or an array of such strings
//!   with NULL at its end, and whose `status` and `head` are NULL or writable until the call returns.
//!
//! A handle number is never a safety matter: any `int` may be passed.

#[cfg(all(not(test), not(panic = "abort")))]
compile_error!("build with panic=abort: no panic may unwind through C frames");

#[doc(hidden)]
pub mod codec;
pub mod protocol;
pub mod socket;

mod abi;
mod boxed;
mod exclusive;
