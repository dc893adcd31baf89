//! What the fuzz targets do with their input. Every broken rule is a panic.
//!
//! The helpers of the unit tests are used here too: the model that knows what receiving calls must
//! return, the reader of what was sent, and the coroutines.

pub mod client_response_head;
pub mod conversation;
pub mod deflate;
pub mod extension;
mod handshake;
pub mod inflate;
mod input;
pub mod receive;
pub mod server_request_head;

// The layers under test are compiled in here, without the C boundary and its host.
#[path = "../../src/boxed.rs"]
mod boxed;
#[path = "../../src/codec/mod.rs"]
pub mod codec;
#[path = "../../src/exclusive.rs"]
mod exclusive;
#[path = "../../src/protocol/mod.rs"]
pub mod protocol;
#[path = "../../src/socket/mod.rs"]
pub mod socket;

#[allow(dead_code, reason = "the unit tests use more of it")]
#[path = "../../src/socket/tests/checked.rs"]
mod checked;
#[allow(dead_code, reason = "the unit tests use more of it")]
#[path = "../../src/socket/tests/coroutines.rs"]
mod coroutines;
#[allow(dead_code, reason = "the unit tests use more of it")]
#[path = "../../src/socket/tests/model.rs"]
mod model;
#[path = "../../src/codec/tests/reference.rs"]
mod reference;
#[allow(dead_code, reason = "the unit tests use more of it")]
#[path = "../../src/socket/tests/wire.rs"]
mod wire;

/// Options of the address sanitizer. It would keep a second stack for every coroutine, and never
/// give it back, to detect that a local variable is used after its function has returned.
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const std::ffi::c_char {
    c"detect_stack_use_after_return=0".as_ptr()
}
