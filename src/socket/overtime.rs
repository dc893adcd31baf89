//! How long a receiving call goes on that never has to wait.

use super::{Deadline, Error, Host};

/// What a call does between two looks at the clock: so many bytes, a step being worth a thousand of them.
const BETWEEN_LOOKS: u64 = 1024 * STEP;
const STEP: u64 = 1024;

/// How long a call goes on behind its deadline, in milliseconds, and at least so many steps, however slow
/// the machine is.
const GRACE: Deadline = 100;
const GRACE_STEPS: u32 = 32 * 1024;
/// At most so many bytes: more than have arrived by the time the deadline passes.
const GRACE_BYTES: u64 = 8 * 1024 * 1024;

/// Measures a call.
///
/// What has arrived is delivered, whatever the deadline is; the host ends a call that would have to wait.
/// But where the peer sends as fast as we receive there is always something, and the call must end too.
pub(super) struct Overtime {
    pub(super) deadline: Deadline,
    since_look: u64,
    late: Option<Late>,
}

/// The deadline has passed.
struct Late {
    until: Deadline,
    steps: u32,
    bytes: u64,
}

impl Overtime {
    pub(super) fn new(deadline: Deadline) -> Self {
        Self { deadline, since_look: 0, late: None }
    }

    /// Counts a step that has received `bytes`.
    pub(super) fn count(&mut self, bytes: u64) {
        self.since_look += STEP + bytes;
        if let Some(late) = &mut self.late {
            late.steps = late.steps.saturating_add(1);
            late.bytes = late.bytes.saturating_add(bytes);
        }
    }

    /// Whether the call may make another step.
    pub(super) fn check(&mut self, host: &impl Host) -> Result<(), Error> {
        if self.since_look < BETWEEN_LOOKS {
            return Ok(());
        }
        self.since_look = 0;
        let now = host.now();
        if !(0..=now).contains(&self.deadline) {
            return Ok(());
        }
        let fresh = Late { until: now.saturating_add(GRACE), steps: 0, bytes: 0 };
        let Late { until, steps, bytes } = self.late.get_or_insert(fresh);
        let is_over = (now >= *until && *steps >= GRACE_STEPS) || *bytes >= GRACE_BYTES;
        if is_over { Err(Error::TimedOut) } else { Ok(()) }
    }
}
