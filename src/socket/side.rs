//! One direction of a WebSocket: whether it goes on, and who is at it.

use super::Error;
use std::cell::Cell;

/// A direction. Nobody but this file changes its state.
#[derive(Default)]
pub(super) struct Side {
    state: Cell<State>,
    busy: Cell<bool>,
}

/// Whether frames can still pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Open,
    /// Nothing passes behind the close frame.
    Closed,
    /// A rule was broken, a frame was cut in the middle, or the stream is at its end.
    Broken,
}

impl Side {
    pub(super) fn state(&self) -> State {
        self.state.get()
    }

    pub(super) fn is_open(&self) -> bool {
        self.state() == State::Open
    }

    /// Whether a call may use it.
    ///
    /// # Errors
    ///
    /// What calls report from its end on.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.state() {
            State::Open => Ok(()),
            State::Closed => Err(Error::Ended),
            State::Broken => Err(Error::Reset),
        }
    }

    /// Ends it in order, unless it has ended. Returns whether it had not.
    pub(super) fn close(&self) -> bool {
        let was_open = self.is_open();
        if was_open {
            self.state.set(State::Closed);
        }
        was_open
    }

    /// Ends it for good.
    pub(super) fn break_off(&self) {
        self.state.set(State::Broken);
    }

    /// Whether a call is using it.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// Keeps other calls out.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`]: another coroutine is in a call already.
    pub(super) fn enter(&self) -> Result<Turn<'_>, Error> {
        if self.busy.replace(true) { Err(Error::Busy) } else { Ok(Turn(&self.busy)) }
    }
}

/// The right to receive, or to send; given back when dropped.
pub(super) struct Turn<'a>(&'a Cell<bool>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
