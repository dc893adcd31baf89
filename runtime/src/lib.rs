//! `libdill_rt`: a runtime compatible with libdill, for programs written against `<libdill.h>`.
//!
//! The map:
//!
//! * [`errno`]: errors, and the one place that stores errno.
//! * [`time`]: the clock.
//! * [`handle`]: numbers for objects, and the objects' virtual functions.
//! * [`sched`]: coroutines, bundles, stacks, timers, and waiting for descriptors.
//! * `abi`: the exported C functions, and nothing else.

#[cfg(all(not(test), not(panic = "abort")))]
compile_error!("build with panic=abort: no panic may unwind through C frames or across stacks");

pub mod errno;
pub mod handle;
pub mod sched;
pub mod time;

mod abi;
