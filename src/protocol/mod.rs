//! RFC 6455 as bytes and events, without any input or output of its own.
//!
//! The byte stream below delivers exact amounts, so this layer tells how many bytes it needs next,
//! and whoever drives it fetches them.

#![forbid(unsafe_code)]

pub mod argument;
pub mod close;
pub mod frame;
pub mod handshake;
pub mod key;
pub mod mask;
pub mod message;
pub mod utf8;

#[cfg(test)]
mod conversation;
