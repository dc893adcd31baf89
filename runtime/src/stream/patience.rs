//! The end of calls that a peer keeps busy.
//!
//! Who never has to wait, because the next piece is always there already, would notice neither the
//! deadline nor that it is cancelled, nor would it let others run.

use crate::errno::{Errno, Result};
use crate::sched;
use crate::time;

/// So many steps of a kind are done before the call looks whether it may go on.
pub(super) const STEPS: usize = 256;

/// How long a call goes on.
pub struct Patience {
    deadline: i64,
    in_vain: usize,
    pieces: usize,
}

impl Patience {
    /// That of a call with this deadline.
    pub fn new(deadline: i64) -> Patience {
        Patience { deadline, in_vain: 0, pieces: 0 }
    }

    /// Until when to wait.
    pub fn deadline(&self) -> i64 {
        self.deadline
    }

    /// Looks whether the call may go on. Errors: ECANCELED, ETIMEDOUT.
    pub fn check(&self) -> Result<()> {
        sched::can_block()?;
        if time::expired(self.deadline) { Err(Errno(libc::ETIMEDOUT)) } else { Ok(()) }
    }

    /// After a step that brings the call no nearer to its end. Errors: ECANCELED, ETIMEDOUT.
    pub fn in_vain(&mut self) -> Result<()> {
        self.in_vain += 1;
        if self.in_vain.is_multiple_of(STEPS) { self.check() } else { Ok(()) }
    }

    /// After something was dropped, which brings the call no nearer to its end: lets others run. Errors:
    /// ECANCELED, ETIMEDOUT.
    pub fn dropped(&mut self) -> Result<()> {
        self.in_vain()?;
        sched::breathe();
        Ok(())
    }

    /// After a piece of what was asked for: lets others run. Those that need no waiting may all come,
    /// whatever the deadline. Error: ECANCELED.
    pub fn piece(&mut self) -> Result<()> {
        self.pieces += 1;
        if self.pieces.is_multiple_of(STEPS) {
            sched::can_block()?;
        }
        sched::breathe();
        Ok(())
    }
}
