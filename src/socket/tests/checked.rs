//! A WebSocket whose receiving calls are compared with the model.

use super::model::{Model, Outcome, Room};
use super::wire;
use crate::protocol::close::Close;
use crate::protocol::frame::Role;
use crate::protocol::handshake::Agreement;
use crate::protocol::kind::Kind;
use crate::socket::memory_host::{Buffers, MemoryHost, UNTOUCHED};
use crate::socket::{Deadline, Discard, Error, Received, Settings, WebSocket};
use std::cell::{Cell, RefCell};

pub struct Checked {
    pub socket: WebSocket<MemoryHost>,
    role: Role,
    /// All that will arrive.
    stream: Vec<u8>,
    arrived: Cell<usize>,
    pub model: RefCell<Model>,
    /// What the first fatal error was, and so every later receive.
    over: Cell<Option<Error>>,
}

impl Checked {
    pub fn new(role: Role, exact: bool, stream: Vec<u8>) -> Self {
        Self {
            socket: WebSocket::new(
                MemoryHost::new(exact),
                Agreement::bare(role),
                Settings::default(),
            ),
            role,
            stream,
            arrived: Cell::new(0),
            model: RefCell::new(Model::new(role == Role::Server)),
            over: Cell::new(None),
        }
    }

    pub fn host(&self) -> &MemoryHost {
        self.socket.host()
    }

    /// Lets the next `count` bytes arrive, or what is left. Whether there were any.
    pub fn arrive(&self, count: usize) -> bool {
        let start = self.arrived.get();
        let end = (start + count).min(self.stream.len());
        self.host().arrive(&self.stream[start..end]);
        self.arrived.set(end);
        end > start
    }

    /// Receives into `buffers`, or drops a message without any, and compares.
    pub fn receive(
        &self,
        buffers: Option<&mut Buffers>,
        deadline: Deadline,
    ) -> Result<Received, Error> {
        let over = self.over.get();
        let before = self.host().consumed();
        let (result, contents, kept) = match buffers {
            Some(buffers) => {
                let result = self.socket.receive(buffers, deadline);
                (result, buffers.contents(), Some(buffers.kept()))
            }
            None => (self.socket.receive(&mut Discard, deadline), vec![], None),
        };
        let consumed = &self.stream[before..self.host().consumed()];
        if result == Err(Error::Busy) {
            return result;
        }
        if let Some(error) = over {
            assert_eq!(result, Err(error), "after the end of receiving");
            assert!(consumed.is_empty(), "read after the end of receiving");
            return result;
        }
        let interrupted = is_interruption(result.err());
        let room = Room { kept: kept.clone() };
        let outcome = self.model.borrow_mut().call(&room, consumed, interrupted);
        self.compare(result.map(Some), &outcome);
        if self.host().receiving_is_over() {
            self.over.set(Some(Error::Reset));
        }
        if let (Ok(received), Outcome::Message { text, payload }) = (result, outcome) {
            assert_eq!(received.kind == Kind::Text, text);
            assert_eq!(received.len, payload.len() as u64);
            if let Some(kept) = kept {
                for (at, (byte, kept)) in contents.iter().zip(kept).enumerate() {
                    let expected = match payload.get(at) {
                        Some(sent) => sent.unwrap_or(0),
                        None => UNTOUCHED,
                    };
                    assert!(!kept || *byte == expected, "byte {at}: {byte:x}, not {expected:x}");
                }
            }
        }
        result
    }

    /// Ends the WebSocket in order, and compares.
    pub fn finish(&self, close: Close, deadline: Deadline) -> Result<(), Error> {
        let over = self.over.get();
        let before = self.host().consumed();
        let result = self.socket.finish(close, deadline);
        let consumed = &self.stream[before..self.host().consumed()];
        if result == Err(Error::Busy) {
            assert!(consumed.is_empty());
            return result;
        }
        match over {
            Some(Error::Ended) => assert!(consumed.is_empty()),
            Some(_) => assert_eq!(result, Err(Error::Reset)),
            None => {
                let interrupted = is_interruption(result.err());
                let outcome = self.model.borrow_mut().finish(consumed, interrupted);
                // It may have failed in sending, before anything was received.
                let closed = result.err().or(Some(Error::Ended));
                self.compare(closed.map_or(Ok(None), Err), &outcome);
            }
        }
        result
    }

    /// The caller has closed the handle.
    pub fn abandon(&self) {
        self.host().close();
        self.socket.abandon();
        self.over.set(Some(Error::Reset));
    }

    fn compare(&self, result: Result<Option<Received>, Error>, outcome: &Outcome) {
        match (result, outcome) {
            (Ok(_), Outcome::Message { .. }) | (Err(Error::TooBig), Outcome::TooBig) => {}
            (Err(Error::Ended), Outcome::Closed) => self.over.set(Some(Error::Ended)),
            (Err(Error::Violation(_)), Outcome::Violation) => self.over.set(Some(Error::Reset)),
            (Err(Error::Reset), Outcome::Interrupted) => self.over.set(Some(Error::Reset)),
            (Err(Error::TooBig | Error::Ended | Error::Violation(_)), _) | (Ok(_), _) => {
                panic!("{result:?} where the model says {outcome:?}")
            }
            (Err(_), Outcome::Interrupted) => {}
            (Err(_), _) => panic!("{result:?} where the model says {outcome:?}"),
        }
    }

    /// Checks what was sent. Returns opcodes and payloads.
    pub fn check_sent(&self, may_be_cut: bool) -> Vec<(u8, Vec<u8>)> {
        assert_eq!(self.host().misuse(), None);
        let most = self.host().most_receives_without_pause();
        assert!(most <= 64, "{most} receives without a pause");
        wire::check_sent(&self.host().sent(), self.role == Role::Client, may_be_cut)
    }
}

/// Whether a call ended for another reason than what it received.
fn is_interruption(error: Option<Error>) -> bool {
    error.is_some_and(|error| !matches!(error, Error::TooBig | Error::Ended | Error::Violation(_)))
}
