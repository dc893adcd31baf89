//! A host in memory, for tests and fuzzing. Time, arrivals and failures are what the test says.
//!
//! Before every call, and again whenever a call would have to wait, the host asks its [`Hook`] for
//! the call's [`Fate`]. A hook stands for the rest of the world: it lets bytes arrive, fails calls,
//! or runs other code that uses the same WebSocket, as another coroutine would.
//!
//! What is promised here is what the bundled host promises: a receive that fails has consumed
//! nothing, and a send that fails after a part was sent is the last one that sends anything. A host that
//! delivers exact amounts promises neither, and after a failure must not be asked again.

use super::{Area, Deadline, Error, Filled, Host, Incoming, Outgoing};
use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// A method of [`Host`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`Host::send`] or [`Host::send_with_body`].
    Send,
    /// [`Host::receive`].
    Receive,
    /// [`Host::receive_some`].
    ReceiveSome,
    /// [`Host::look`].
    Look,
    /// [`Host::has_room`]: there is none if it fails.
    HasRoom,
    /// [`Host::half_close`].
    HalfClose,
    /// [`Host::pause`] or [`Host::give_way`].
    Pause,
    /// [`Host::random`].
    Random,
    /// [`Host::wait_turn`].
    WaitTurn,
}

/// A moment in a call at which the world may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The call.
    pub call: Call,
    /// How many calls came before it.
    pub number: usize,
    /// Not the beginning: the call has to wait, or has been done in part.
    pub waiting: bool,
    /// How long the call may take.
    pub deadline: Deadline,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on. If it still cannot, its deadline passes; one without a deadline is cancelled.
    Proceed,
    /// Something has happened meanwhile: it looks again, and asks again if it still cannot go on.
    Again,
    /// At most so many bytes are sent, or received by [`Host::receive_some`] or shown by
    /// [`Host::look`], now.
    Part(usize),
    /// It fails.
    Fail(Error),
}

/// The world around a [`MemoryHost`].
pub type Hook = Rc<dyn Fn(&MemoryHost, Moment) -> Fate>;

/// What a correct user of a byte stream never does. See [`MemoryHost::misuse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// A send was begun while another one was under way.
    OverlappingSends,
    /// A receive was begun while another one was under way.
    OverlappingReceives,
    /// A send was begun after one had failed for good.
    SendAfterEnd,
    /// A receive was begun after one had failed for good.
    ReceiveAfterEnd,
    /// Nothing was asked for.
    EmptyReceive,
}

/// A byte stream and a scheduler in memory.
#[derive(Default)]
pub struct MemoryHost {
    /// Only exact amounts are delivered.
    exact: bool,
    now: Cell<Deadline>,
    hook: RefCell<Option<Hook>>,
    calls: Cell<usize>,

    /// What has arrived, as it came.
    arrived: RefCell<VecDeque<Vec<u8>>>,
    /// What a receive says when all that has arrived is consumed.
    end: Cell<Option<Error>>,
    consumed: Cell<usize>,
    receiving: Cell<bool>,
    receive_over: Cell<bool>,

    sent: RefCell<Vec<u8>>,
    sends: RefCell<Vec<usize>>,
    sending: Cell<bool>,
    send_over: Cell<bool>,
    cut: Cell<bool>,
    half_closed: Cell<bool>,
    closed: Cell<bool>,

    /// The latest waiter's number.
    waiters: Cell<u64>,
    /// The waiters that were given their turns.
    given: RefCell<Vec<u64>>,

    receives_since_pause: Cell<u32>,
    most_receives_without_pause: Cell<u32>,
    random: Cell<u64>,
    misuse: Cell<Option<Misuse>>,
}

impl MemoryHost {
    /// A stream that delivers what has arrived, or, if `exact`, only the amounts asked for.
    pub fn new(exact: bool) -> Self {
        Self { exact, now: Cell::new(1000), ..Self::default() }
    }

    /// Sets who is asked about every call.
    pub fn set_hook(&self, hook: impl Fn(&Self, Moment) -> Fate + 'static) {
        *self.hook.borrow_mut() = Some(Rc::new(hook));
    }

    /// From here on every call goes on as far as it can.
    pub fn clear_hook(&self) {
        *self.hook.borrow_mut() = None;
    }

    /// Lets bytes arrive; [`Host::receive_some`] delivers them apart from others.
    pub fn arrive(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.arrived.borrow_mut().push_back(bytes.to_vec());
        }
    }

    /// Lets the stream end behind what has arrived.
    pub fn end(&self, error: Error) {
        self.end.set(Some(error));
    }

    /// Closes the stream: every call under way, and every later one, fails.
    pub fn close(&self) {
        self.closed.set(true);
    }

    /// Moves the clock on.
    pub fn pass(&self, ms: Deadline) {
        self.now.set(self.now.get().saturating_add(ms));
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    /// How many bytes were delivered.
    pub fn consumed(&self) -> usize {
        self.consumed.get()
    }

    /// Whether a receive has failed for good.
    pub fn receiving_is_over(&self) -> bool {
        self.receive_over.get()
    }

    /// How many bytes have arrived but were not delivered.
    pub fn unread(&self) -> usize {
        self.arrived.borrow().iter().map(Vec::len).sum()
    }

    /// All that was sent.
    pub fn sent(&self) -> Ref<'_, [u8]> {
        Ref::map(self.sent.borrow(), Vec::as_slice)
    }

    /// The sizes of the sends that were completed.
    pub fn sends(&self) -> Ref<'_, [usize]> {
        Ref::map(self.sends.borrow(), Vec::as_slice)
    }

    /// Whether a send failed after a part of it had been sent.
    pub fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// Whether the stream was half-closed.
    pub fn is_half_closed(&self) -> bool {
        self.half_closed.get()
    }

    /// The longest run of receives without a pause.
    pub fn most_receives_without_pause(&self) -> u32 {
        self.most_receives_without_pause.get()
    }

    /// What the user of this host did wrong, if anything.
    pub fn misuse(&self) -> Option<Misuse> {
        self.misuse.get()
    }

    fn accuse(&self, misuse: Misuse) {
        if self.misuse.get().is_none() {
            self.misuse.set(Some(misuse));
        }
    }

    /// Counts a call and asks about its beginning.
    fn begin(&self, call: Call, deadline: Deadline) -> (Moment, Fate) {
        let number = self.calls.get();
        self.calls.set(number + 1);
        let moment = Moment { call, number, waiting: false, deadline };
        (moment, self.ask(moment))
    }

    fn ask(&self, moment: Moment) -> Fate {
        let hook = self.hook.borrow().clone();
        let fate = hook.map_or(Fate::Proceed, |hook| hook(self, moment));
        let needs_stream =
            matches!(moment.call, Call::Send | Call::Receive | Call::ReceiveSome | Call::Look);
        if needs_stream && self.closed.get() { Fate::Fail(Error::BadHandle) } else { fate }
    }

    /// Asks about a call that cannot go on. The answer may be that it never will.
    fn ask_waiting(&self, moment: &mut Moment) -> Result<Fate, Error> {
        moment.waiting = true;
        match self.ask(*moment) {
            Fate::Proceed if moment.deadline < 0 => Err(Error::Cancelled),
            Fate::Proceed => {
                self.now.set(self.now.get().max(moment.deadline));
                Err(Error::TimedOut)
            }
            Fate::Fail(error) => Err(error),
            fate => Ok(fate),
        }
    }

    fn transmit(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        if self.sending.replace(true) {
            self.accuse(Misuse::OverlappingSends);
            return Err(Error::Busy);
        }
        if self.send_over.get() {
            self.accuse(Misuse::SendAfterEnd);
        }
        let result = self.transmit_alone(bytes, deadline);
        self.sending.set(false);
        match result {
            Ok(()) => self.sends.borrow_mut().push(bytes.len()),
            Err(error) if error.is_passing() && !self.exact => {}
            Err(_) => self.send_over.set(true),
        }
        result
    }

    fn transmit_alone(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        let mut rest = bytes;
        let (mut moment, mut fate) = self.begin(Call::Send, deadline);
        loop {
            if self.cut.get() {
                return Err(Error::Reset);
            }
            let count = match fate {
                Fate::Proceed => rest.len(),
                Fate::Part(count) => count.min(rest.len()),
                Fate::Again => 0,
                Fate::Fail(error) => {
                    self.cut.set(rest.len() < bytes.len());
                    return Err(error);
                }
            };
            let (now, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            self.sent.borrow_mut().extend_from_slice(now);
            rest = later;
            if rest.is_empty() {
                return Ok(());
            }
            moment.waiting = true;
            fate = self.ask(moment);
        }
    }

    /// Waits until `least` bytes have arrived, then delivers as many as there are, in one piece
    /// if `least` is 1.
    fn deliver(&self, call: Call, buf: &mut [u8], least: usize, deadline: Deadline) -> Received {
        if self.receiving.replace(true) {
            self.accuse(Misuse::OverlappingReceives);
            return Err(Error::Busy);
        }
        if self.receive_over.get() {
            self.accuse(Misuse::ReceiveAfterEnd);
        }
        if buf.is_empty() {
            self.accuse(Misuse::EmptyReceive);
        }
        let receives = self.receives_since_pause.get() + 1;
        self.receives_since_pause.set(receives);
        let most = self.most_receives_without_pause.get().max(receives);
        self.most_receives_without_pause.set(most);
        let result = self.deliver_alone(call, buf, least, deadline);
        self.receiving.set(false);
        if result.is_err_and(|error| !error.is_passing() || self.exact) {
            self.receive_over.set(true);
        }
        result
    }

    fn deliver_alone(
        &self,
        call: Call,
        buf: &mut [u8],
        least: usize,
        deadline: Deadline,
    ) -> Received {
        let mut most = buf.len();
        let (mut moment, mut fate) = self.begin(call, deadline);
        loop {
            match fate {
                Fate::Fail(error) => return Err(error),
                Fate::Part(count) => most = count.clamp(1, buf.len().max(1)),
                Fate::Proceed | Fate::Again => {}
            }
            if self.unread() >= least {
                let most = if least == 1 { most } else { least };
                return Ok(self.take(buf, most, least));
            }
            if let Some(error) = self.end.get() {
                return Err(error);
            }
            fate = self.ask_waiting(&mut moment)?;
        }
    }

    /// Takes pieces off the front until there are `least` bytes; never more than `most`.
    fn take(&self, buf: &mut [u8], most: usize, least: usize) -> usize {
        let mut arrived = self.arrived.borrow_mut();
        let mut count = 0;
        while count < least {
            let Some(mut piece) = arrived.pop_front() else { break };
            let taken = piece.len().min(most - count).min(buf.len() - count);
            for (to, from) in buf.iter_mut().skip(count).zip(piece.drain(..taken)) {
                *to = from;
            }
            count += taken;
            if !piece.is_empty() {
                arrived.push_front(piece);
            }
        }
        self.consumed.set(self.consumed.get() + count);
        count
    }
}

type Received = Result<usize, Error>;

impl Host for MemoryHost {
    type Body<'a> = Pieces;
    type Waiter = u64;

    fn send(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.transmit(bytes, deadline)
    }

    fn send_with_body(&self, head: &[u8], body: &Pieces, deadline: Deadline) -> Result<(), Error> {
        let bytes: Vec<&[u8]> = std::iter::once(head).chain(body.pieces()).collect();
        self.transmit(&bytes.concat(), deadline)
    }

    fn receive(&self, buf: &mut [u8], deadline: Deadline) -> Result<(), Error> {
        let len = buf.len();
        self.deliver(Call::Receive, buf, len, deadline).map(drop)
    }

    fn receive_some(&self, buf: &mut [u8], deadline: Deadline) -> Result<usize, Error> {
        let least = if self.exact { buf.len() } else { 1 };
        self.deliver(Call::ReceiveSome, buf, least, deadline)
    }

    fn look(&self, deadline: Deadline, look: &mut dyn FnMut(&[u8]) -> usize) -> Result<(), Error> {
        // As if the bytes were received and those that are not taken were given back.
        let mut shown = vec![0; self.arrived.borrow().front().map_or(1, Vec::len).max(4096)];
        let count = self.deliver(Call::Look, &mut shown, 1, deadline)?;
        shown.truncate(count);
        let taken = look(&shown).min(count);
        let rest = shown.split_off(taken);
        if !rest.is_empty() {
            self.arrived.borrow_mut().push_front(rest);
        }
        self.consumed.set(self.consumed.get() - (count - taken));
        Ok(())
    }

    fn is_extended(&self) -> bool {
        !self.exact
    }

    fn has_room(&self) -> bool {
        self.exact || !matches!(self.begin(Call::HasRoom, 0), (_, Fate::Fail(_)))
    }

    /// This stream sends nothing by itself.
    fn can_queue(&self) -> bool {
        false
    }

    fn queue(&self, _: &[u8], _: Deadline) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn queue_with_body(&self, _: &[u8], _: &Pieces, _: Deadline) -> Result<(), Error> {
        Err(Error::NotSupported)
    }

    fn flush(&self, _: usize, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn queued(&self) -> usize {
        0
    }

    fn release(&self) {}

    fn drop_queued(&self) {}

    fn cut(&self) {}

    fn half_close(&self, deadline: Deadline) {
        if !matches!(self.begin(Call::HalfClose, deadline), (_, Fate::Fail(_))) {
            self.half_closed.set(true);
        }
    }

    fn now(&self) -> Deadline {
        self.now.get()
    }

    fn pause(&self) -> Result<(), Error> {
        self.receives_since_pause.set(0);
        match self.begin(Call::Pause, -1) {
            (_, Fate::Fail(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn give_way(&self) -> Result<(), Error> {
        self.pause()
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        if let (_, Fate::Fail(error)) = self.begin(Call::Random, -1) {
            return Err(error);
        }
        let mut bytes = [0; N];
        for byte in &mut bytes {
            // Knuth's MMIX generator: repeatable, and every key is another one.
            let next = self.random.get().wrapping_mul(6364136223846793005).wrapping_add(1);
            self.random.set(next);
            *byte = (next >> 56) as u8;
        }
        Ok(bytes)
    }

    fn wait_turn(&self, sit: &dyn Fn(Option<u64>), deadline: Deadline) -> Result<(), Error> {
        let number = self.waiters.get() + 1;
        self.waiters.set(number);
        sit(Some(number));
        let result = self.wait_for_turn(number, deadline);
        sit(None);
        result
    }

    fn give_turn(&self, waiter: u64) {
        self.given.borrow_mut().push(waiter);
    }
}

impl MemoryHost {
    fn wait_for_turn(&self, number: u64, deadline: Deadline) -> Result<(), Error> {
        let (mut moment, fate) = self.begin(Call::WaitTurn, deadline);
        if let Fate::Fail(error) = fate {
            return Err(error);
        }
        while !self.given.borrow().contains(&number) {
            self.ask_waiting(&mut moment)?;
        }
        Ok(())
    }
}

/// A message to send, in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces(pub Vec<Vec<u8>>);

impl From<&[u8]> for Pieces {
    fn from(bytes: &[u8]) -> Self {
        Self(vec![bytes.to_vec()])
    }
}

impl Outgoing for Pieces {
    fn size(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }

    fn elements(&self) -> u64 {
        self.0.len() as u64
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

/// One element of the buffers that a message goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// Memory.
    Memory(Vec<u8>),
    /// So many bytes are dropped.
    Skip(usize),
}

impl Element {
    /// So many bytes of memory that nothing was written to.
    pub fn memory(len: usize) -> Self {
        Self::Memory(vec![UNTOUCHED; len])
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(memory) => memory.len(),
            Self::Skip(len) => *len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the memory of [`Element::memory`] holds before anything is written to it.
pub const UNTOUCHED: u8 = 0xEE;

/// Buffers that a message goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buffers {
    elements: Vec<Element>,
    /// How many bytes are filled.
    filled: usize,
}

impl Buffers {
    /// Several buffers.
    pub fn new(elements: Vec<Element>) -> Self {
        Self { elements, filled: 0 }
    }

    /// One buffer of `len` bytes.
    pub fn one(len: usize) -> Self {
        Self::new(vec![Element::memory(len)])
    }

    /// All bytes of all elements in order; those that are dropped are zeros.
    pub fn contents(&self) -> Vec<u8> {
        let mut contents = Vec::new();
        for element in &self.elements {
            match element {
                Element::Memory(memory) => contents.extend_from_slice(memory),
                Element::Skip(len) => contents.resize(contents.len() + len, 0),
            }
        }
        contents
    }

    /// Which bytes of [`Buffers::contents`] are memory.
    pub fn kept(&self) -> Vec<bool> {
        let kept = |element: &Element| {
            std::iter::repeat_n(matches!(element, Element::Memory(_)), element.len())
        };
        self.elements.iter().flat_map(kept).collect()
    }
}

impl Incoming for Buffers {
    fn capacity(&self) -> u64 {
        self.elements.iter().map(|element| element.len() as u64).sum()
    }

    fn wants_bytes(&self) -> bool {
        self.elements
            .iter()
            .any(|element| matches!(element, Element::Memory(_)) && !element.is_empty())
    }

    fn area(&mut self, most: u64) -> Area<'_> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut offset = self.filled;
        for element in &mut self.elements {
            let len = element.len();
            if offset >= len {
                offset -= len;
                continue;
            }
            let count = most.min(len - offset);
            return match element {
                Element::Skip(_) => Area::Skip(count as u64),
                Element::Memory(memory) => match memory.get_mut(offset..offset + count) {
                    Some(memory) => Area::Memory(memory),
                    None => Area::Full,
                },
            };
        }
        Area::Full
    }

    fn advance(&mut self, count: u64) {
        self.filled += count as usize;
    }

    fn rewind(&mut self) {
        self.filled = 0;
    }

    fn filled(
        &self,
        from: u64,
        to: u64,
        keep: &mut dyn FnMut(Filled<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut start, to) = (from as usize, to as usize);
        let mut end = 0;
        for element in &self.elements {
            let offset = end;
            end += element.len();
            let part = start..end.min(to);
            if part.is_empty() {
                continue;
            }
            start = part.end;
            keep(match element {
                Element::Skip(_) => Filled::Dropped(part.len() as u64),
                Element::Memory(memory) => Filled::Bytes(
                    memory.get(part.start - offset..part.end - offset).unwrap_or_default(),
                ),
            })?;
        }
        Ok(())
    }
}
