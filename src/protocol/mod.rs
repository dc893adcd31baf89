//! RFC 6455 as bytes and events, without any input or output of its own.
//!
//! The byte stream below delivers exact amounts, so this layer tells how many bytes it needs next,
//! and whoever drives it fetches them.

#![forbid(unsafe_code)]

pub mod argument;
pub mod close;
pub mod extension;
pub mod frame;
pub mod handshake;
pub mod key;
pub mod mask;
pub mod message;
pub mod url;
pub mod utf8;

#[cfg(test)]
mod conversation;

/// The tests cut their input in two at every so many bytes: at all but under miri, which is hundreds
/// of times slower.
#[cfg(test)]
const CUTS: usize = if cfg!(miri) { 61 } else { 1 };
