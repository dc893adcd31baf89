//! The parts of the protocol together.

mod composer;
mod conversation;
mod violation;

/// The tests cut their input in two at every so many bytes: at all but under miri, which is hundreds
/// of times slower.
pub const CUTS: usize = if cfg!(miri) { 61 } else { 1 };
