//! Coroutines that a test resumes one by one.

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::rc::Rc;

type Way = Rc<Cell<Option<NonNull<Yielder<(), ()>>>>>;

thread_local! {
    /// The coroutine that runs.
    static CURRENT: RefCell<Option<Way>> = const { RefCell::new(None) };
    /// The stacks of those that are over.
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

/// A coroutine; it runs only inside [`Task::resume`].
pub struct Task {
    /// `None` once it is over.
    coroutine: Option<Coroutine<(), (), (), DefaultStack>>,
    way_out: Way,
}

impl Task {
    pub fn new(body: impl FnOnce() + 'static) -> Self {
        let way_out = Way::default();
        let way = way_out.clone();
        let stack = STACKS.with_borrow_mut(Vec::pop).unwrap_or_default();
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            way.set(Some(NonNull::from(yielder)));
            body();
            way.set(None);
        });
        Self { coroutine: Some(coroutine), way_out }
    }

    /// Runs until the next [`suspend`]. Whether the end was reached.
    pub fn resume(&mut self) -> bool {
        let Some(coroutine) = &mut self.coroutine else { return true };
        let outer = CURRENT.replace(Some(self.way_out.clone()));
        let result = coroutine.resume(());
        CURRENT.set(outer);
        if let CoroutineResult::Return(()) = result {
            let stack = self.coroutine.take().map(Coroutine::into_stack);
            STACKS.with_borrow_mut(|stacks| stacks.extend(stack));
        }
        self.is_over()
    }

    pub fn is_over(&self) -> bool {
        self.coroutine.is_none()
    }
}

/// Whether this is called inside a coroutine.
pub fn is_inside() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Leaves the coroutine until it is resumed. Outside of coroutines it does nothing.
pub fn suspend() {
    let way = CURRENT.with_borrow(|current| current.as_ref().and_then(|way| way.get()));
    if let Some(yielder) = way {
        // SAFETY: the pointer is set while the body of the coroutine that runs is on its stack,
        // and its yielder outlives the body.
        unsafe { yielder.as_ref() }.suspend(());
    }
}
