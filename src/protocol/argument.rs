//! What the caller of the library may hand in.

/// A caller's value that must not go on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidArgument;
