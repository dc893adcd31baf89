//! What the two directions of a stream have in common: one user at a time, and an end.

use core::cell::Cell;

use crate::errno::{Errno, Result};

/// How far a direction has come.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum State {
    /// Bytes can still pass.
    #[default]
    Open,
    /// It has ended in order: EPIPE.
    Done,
    /// It has ended otherwise: ECONNRESET.
    Broken,
}

/// Why no bytes passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The peer ended the stream in order.
    Ended,
    /// The stream is broken for good.
    Broken(Errno),
    /// The stream is as it was: a deadline, a cancellation, a lack of memory, or a handle closed by
    /// somebody else.
    Interrupted(Errno),
}

/// The result of an attempt to have bytes pass.
pub type Outcome<T> = core::result::Result<T, Failure>;

/// One direction of a stream: at first open, and nobody uses it.
#[derive(Default)]
pub struct Side {
    state: Cell<State>,
    busy: Cell<bool>,
}

impl Side {
    /// How far it has come.
    pub fn state(&self) -> State {
        self.state.get()
    }

    /// Moves on to another state.
    pub fn set_state(&self, state: State) {
        self.state.set(state);
    }

    /// Whether somebody is in.
    pub fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// Fails with EPIPE or ECONNRESET after the end.
    pub fn check(&self) -> Result<()> {
        match self.state.get() {
            State::Open => Ok(()),
            State::Done => Err(Errno(libc::EPIPE)),
            State::Broken => Err(Errno(libc::ECONNRESET)),
        }
    }

    /// Keeps others out until the turn is dropped. Errors: EBUSY if somebody is in; EPIPE,
    /// ECONNRESET.
    pub fn enter(&self) -> Result<Turn<'_>> {
        let turn = self.reserve()?;
        self.check()?;
        Ok(turn)
    }

    /// Keeps others out until the turn is dropped, also after the end. Error: EBUSY if somebody is in.
    pub fn reserve(&self) -> Result<Turn<'_>> {
        if self.busy.replace(true) {
            return Err(Errno(libc::EBUSY));
        }
        Ok(Turn(&self.busy))
    }
}

/// The right to use one direction of a stream.
pub struct Turn<'a>(&'a Cell<bool>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
