//! RFC 6455 as bytes and events, without any input or output of its own.
//!
//! A [`reader`] turns the wire into headers and payloads, an [`assembler`] these into messages; a
//! [`composer`] turns messages into what goes on the wire. Whoever drives them fetches and sends.

#![forbid(unsafe_code)]

pub mod argument;
pub mod assembler;
pub mod close;
pub mod code;
pub mod collect;
pub mod composer;
pub mod extension;
pub mod frame;
pub mod handshake;
pub mod key;
pub mod kind;
pub mod mask;
pub mod payload;
pub mod reader;
pub mod url;
pub mod utf8;
pub mod violation;

#[cfg(test)]
mod tests;
