//! One WebSocket over one byte stream: attach, receive, send, close.
//!
//! This layer drives [`crate::protocol`] and blocks only in calls of its [`Host`].
//!
//! # Re-entrancy
//!
//! Any host call may switch to another coroutine, which may call into the same WebSocket. So
//! nothing here has `&mut` access to a [`WebSocket`]: its state is in [`std::cell::Cell`]s behind
//! shared references, every change is complete before a host call, and what was read from a cell
//! before a host call is read again after it. [`side::Turn`] keeps a second receiver and a second sender
//! out. The caller's own buffers are borrowed across host calls; they belong to the caller alone.

mod backlog;
mod closing;
mod deflation;
mod delivery;
mod duties;
mod error;
mod exchange;
mod handshake;
mod host;
mod inbox;
#[cfg(any(test, fuzzing))]
#[path = "tests/memory_host.rs"]
pub mod memory_host;
mod outbox;
mod overtime;
mod partial;
mod prepared;
mod queue;
mod queueing;
mod receive;
mod scratch;
mod send;
mod side;
#[cfg(test)]
mod tests;
mod websocket;

pub use delivery::{Discard, Received};
pub use error::Error;
pub use exchange::{Fields, Next, Response, open_tunnel, receive_request, respond};
pub use handshake::{Witness, accept_request, attach_client, attach_server, await_end};
pub use host::{Area, Deadline, Filled, Host, Incoming, Outgoing};
pub use prepared::Prepared;
pub use send::Manner;
pub use websocket::{Settings, WebSocket};
