//! Message sockets of this library.
//!
//! * [`suffix`]: messages over a byte stream, each with the same bytes behind it. [`prefix`]: each with
//!   its size in front of it.
//! * [`inbox`], [`outbox`]: what these two have in common. [`partial`]: messages that are interrupted.
//! * [`term`]: an orderly end, over any message socket.
//! * [`callbacks`]: how a handle reaches the socket behind it.

pub mod callbacks;
pub mod inbox;
pub mod outbox;
pub mod partial;
pub mod prefix;
pub mod suffix;
pub mod term;
