//! Coroutines in Rust, for the tests of this crate.

use std::cell::RefCell;
use std::rc::Rc;

use libc::{c_int, c_void};

use super::{group, switch};
use crate::bundle;

unsafe extern "C" fn epilogue() -> ! {
    group::finish()
}

extern "C" fn run(body: *mut c_void) {
    // SAFETY: `bundle_go` passes a boxed body.
    let body = unsafe { Box::from_raw(body.cast::<Box<dyn FnOnce()>>()) };
    body();
}

/// `bundle_go`: the handle of a new bundle if `h` is negative, else 0.
pub(crate) fn bundle_go(h: c_int, body: impl FnOnce() + 'static) -> c_int {
    let body: Box<Box<dyn FnOnce()>> = Box::new(Box::new(body));
    // SAFETY: this does what the `go` macro does.
    unsafe {
        let (h, launch) = bundle::go(h, None).unwrap();
        let body = Box::into_raw(body).cast();
        switch::go(launch.parent, launch.stack, run, body, epilogue);
        h
    }
}

/// `go`: the handle of the new bundle.
pub(crate) fn go(body: impl FnOnce() + 'static) -> c_int {
    bundle_go(-1, body)
}

/// Notes of several coroutines, in the order of their happening.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, text: impl ToString) {
        self.0.borrow_mut().push(text.to_string());
    }

    /// What was noted since the last call, on one line.
    pub(crate) fn take(&self) -> String {
        self.0.take().join(" ")
    }
}
