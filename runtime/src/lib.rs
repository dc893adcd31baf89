//! `libdill_rt`: a runtime compatible with libdill, for programs written against `<libdill.h>`.
//!
//! The map:
//!
//! * [`errno`]: errors, and the one place that stores errno.
//! * [`time`]: the clock.
//! * [`handle`]: numbers for objects, and the objects' virtual functions.
//! * [`sched`]: coroutines, bundles, stacks, timers, and waiting for descriptors.
//! * [`iolist`], [`bsock`], [`msock`]: gather lists, and what sockets look like from outside.
//! * [`ipaddr`]: IP addresses and host names.
//! * [`stream`], [`tcp`], [`ipc`]: byte streams over sockets of the system.
//! * `chan`: channels and `choose`.
//! * `memory`: allocation that can fail.
//! * `abi`: the exported C functions, and nothing else.

#[cfg(all(not(test), not(panic = "abort")))]
compile_error!("build with panic=abort: no panic may unwind through C frames or across stacks");

pub mod bsock;
pub mod errno;
pub mod handle;
pub mod iolist;
pub mod ipaddr;
pub mod ipc;
pub mod msock;
pub mod sched;
pub mod stream;
pub mod tcp;
pub mod time;

mod abi;
mod chan;
mod memory;
