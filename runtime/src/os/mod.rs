//! What differs between systems, but for their means of waiting (`sched::poller`).
//!
//! * [`socket`]: making sockets, and names that not every system knows.
//! * [`memory`]: mappings. [`clock`]: the coarse one. [`thread`]: which one this is.

pub mod clock;
pub mod memory;
pub mod socket;
pub mod thread;
