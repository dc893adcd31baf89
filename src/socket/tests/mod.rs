//! One WebSocket over a host in memory: every way in which bytes, time and other coroutines can come.

mod checked;
mod closing;
mod coroutines;
mod deflate;
mod faults;
mod handshake;
mod interrupted;
mod model;
mod receive;
mod send;
mod turns;
mod wire;

use super::memory_host::{Buffers, Call, Fate, MemoryHost, Moment};
use super::{Deadline, Error, Received, Settings, WebSocket};
use crate::protocol::close::Close;
use crate::protocol::frame::Role;
use crate::protocol::handshake::Agreement;
use crate::protocol::kind::Kind;
use std::rc::Rc;

type Socket = Rc<WebSocket<MemoryHost>>;

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// The key of the masked examples in RFC 6455 §5.7.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn socket(role: Role) -> Socket {
    Rc::new(WebSocket::new(MemoryHost::new(false), Agreement::bare(role), Settings::default()))
}

/// A WebSocket over a host that delivers exact amounts only.
fn exact_socket(role: Role) -> Socket {
    Rc::new(WebSocket::new(MemoryHost::new(true), Agreement::bare(role), Settings::default()))
}

/// What the peer of `role` masks its frames with.
fn peer_key(role: Role) -> Option<[u8; 4]> {
    (role == Role::Server).then_some(KEY)
}

/// A final frame from the peer of `role`.
fn frame(role: Role, opcode: u8, payload: &[u8]) -> Vec<u8> {
    wire::frame(opcode, payload, peer_key(role))
}

/// A fragment that is not the last one.
fn fragment(role: Role, opcode: u8, payload: &[u8]) -> Vec<u8> {
    wire::fragment(false, opcode, payload, peer_key(role))
}

/// What a connection is closed with.
fn close(code: i32, reason: &[u8]) -> Close {
    Close::new(code, reason).unwrap()
}

/// What was sent: opcodes and payloads.
fn sent(socket: &Socket, role: Role) -> Vec<(u8, Vec<u8>)> {
    assert_eq!(socket.host().misuse(), None);
    wire::check_sent(&socket.host().sent(), role == Role::Client, false)
}

/// Receives into one buffer of `room` bytes without blocking.
fn receive(socket: &Socket, room: usize) -> Result<(Kind, Vec<u8>), Error> {
    let mut buffers = Buffers::one(room);
    let Received { len, kind } = socket.receive(&mut buffers, 0)?;
    let mut contents = buffers.contents();
    contents.truncate(len as usize);
    Ok((kind, contents))
}
