//! Close codes (RFC 6455 §7.4).

/// Not a code: the close frame carries none.
pub const NONE: u16 = 0;
/// The peer broke the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// Text that is not UTF-8.
pub const INVALID_PAYLOAD: u16 = 1007;
/// A message that is too long.
pub const TOO_BIG: u16 = 1009;

/// Whether a close frame may carry `code` (RFC 6455 §7.4.1, §7.4.2).
///
/// Of the range that the protocol keeps for itself these are the codes in IANA's WebSocket Close Code
/// Number Registry, 1012 to 1014 among them. 1005, 1006 and 1015 stand in the registry as well, but only
/// for use inside an endpoint.
pub fn is_allowed_on_wire(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
