//! `libdill_rt`: a runtime compatible with libdill, for programs written against `<libdill.h>`.
//!
//! The map:
//!
//! * `abi`: the exported C functions, and nothing else.
//! * `errno`: errors, and the one place that stores errno. `memory`: allocation that can fail.
//! * `handle`: numbers for objects, and the objects' virtual functions. `object`: what is behind them.
//! * `sched`: coroutines, stacks, timers, and waiting for descriptors. `time`: the clock.
//! * `bundle`: groups of coroutines behind handles.
//! * `os`: what differs between systems.
//! * `thread_end`: freeing what a thread holds.
//! * `chan`: channels and `choose`.
//! * `iolist`, `bsock`, `msock`: gather lists, and what sockets look like from outside.
//! * `ipaddr`: IP addresses and host names.
//! * `stream`, `tcp`, `ipc`: byte streams over sockets of the system.
//! * `udp`: datagrams as messages.
//! * `happyeyeballs`: connecting by name, whichever address works.
//! * `socks5`: the handshake with a proxy, and that of one, over any byte stream.
//! * `overlay`: what an object lies over. `http`: the heads of requests and responses over any byte
//!   stream. `tls`: privacy over one. `message`: messages over one, and their orderly end.
//!
//! Everything stands on `handle` and `sched`; read the rule at the head of `sched` first.

#[cfg(not(any(test, doc, panic = "abort")))]
compile_error!("build with panic=abort: no panic may unwind through C frames or across stacks");

mod abi;
mod bsock;
mod bundle;
mod chan;
mod errno;
// One definition for both libraries.
#[path = "../../src/abi/extension.rs"]
mod extension;
mod handle;
mod happyeyeballs;
mod http;
mod iolist;
mod ipaddr;
mod ipc;
mod memory;
mod message;
mod msock;
mod object;
mod os;
mod overlay;
mod sched;
mod socks5;
mod stream;
mod tcp;
mod thread_end;
mod time;
#[cfg(feature = "tls")]
mod tls;
mod udp;
