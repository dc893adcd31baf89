//! Byte streams over sockets of the system, and the parts other byte streams are made of.
//!
//! * [`inbound`]: buffered all-or-nothing receiving from any [`inbound::Source`].
//! * [`outbound`]: all-or-nothing sending into any [`outbound::Sink`].
//! * [`queue`]: what is sent by itself, in memory of [`store`]. [`process_end`]: and when the process ends.
//! * [`callbacks`]: how a handle reaches the stream behind it.
//! * [`side`]: one user at a time per direction, and how a direction ends.
//! * [`parts`]: lists in system calls.
//! * [`patience`]: calls that a peer keeps busy come to an end.
//! * [`connection`], [`listener`]: the objects behind the handles of `tcp` and `ipc`.
//! * [`socket`]: the system calls. [`datagram`]: those on sockets that have no connection.
//! * [`descriptors`]: descriptors passed over a UNIX socket.

pub mod buffer;
pub mod callbacks;
pub mod connection;
pub mod datagram;
pub mod descriptors;
pub mod inbound;
pub mod listener;
pub mod outbound;
pub mod parts;
pub mod patience;
mod process_end;
pub mod queue;
pub mod side;
pub mod socket;
mod store;

use core::ffi::{c_int, c_void};

/// Which of the two families of functions a socket belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `tcp_*`.
    Tcp,
    /// `ipc_*`.
    Ipc,
}

static TCP: c_int = 0;
static TCP_LISTENER: c_int = 0;
static IPC: c_int = 0;
static IPC_LISTENER: c_int = 0;

impl Kind {
    /// The type that connections of this kind answer to in queries.
    pub fn connection_type(self) -> *const c_void {
        match self {
            Kind::Tcp => (&raw const TCP).cast(),
            Kind::Ipc => (&raw const IPC).cast(),
        }
    }

    /// The type that listeners of this kind answer to in queries.
    pub fn listener_type(self) -> *const c_void {
        match self {
            Kind::Tcp => (&raw const TCP_LISTENER).cast(),
            Kind::Ipc => (&raw const IPC_LISTENER).cast(),
        }
    }

    /// The address families of its sockets.
    fn families(self) -> &'static [c_int] {
        match self {
            Kind::Tcp => &[libc::AF_INET, libc::AF_INET6],
            Kind::Ipc => &[libc::AF_UNIX],
        }
    }
}
