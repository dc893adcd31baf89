//! What receiving calls must return: a second reading of RFC 6455 and of the man pages.
//!
//! The model is told which bytes a call has consumed, and how much room the call had. It knows what
//! that call must have returned, and that a correct one would not have consumed more.

/// What a receiving call must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A message. A byte is `None` where an earlier call, which was interrupted, dropped it.
    Message { text: bool, payload: Vec<Option<u8>> },
    /// The message does not fit.
    TooBig,
    /// The peer's close frame has arrived.
    Closed,
    /// The peer broke a rule.
    Violation,
    /// What was consumed is no reason to return; something else must have been.
    Interrupted,
}

/// The buffers of a call.
pub struct Room {
    /// For each byte whether it is memory; the others are dropped. `None`: all are dropped, however
    /// many come.
    pub kept: Option<Vec<bool>>,
}

impl Room {
    fn capacity(&self) -> usize {
        self.kept.as_ref().map_or(isize::MAX as usize, Vec::len)
    }

    fn keeps(&self, at: usize) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.get(at) == Some(&true))
    }

    fn keeps_any(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.contains(&true))
    }
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Model {
    /// The peer is a client.
    from_client: bool,
    header: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Message>,
    /// The rest of the message under way is to be dropped.
    overlong: bool,
    dropped: bool,
    /// The close code that a violation calls for.
    pub violation: Option<u16>,
    /// The peer's close frame: code and reason.
    pub close: Option<(u16, Vec<u8>)>,
    /// Payloads of the pings so far.
    pub pings: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Frame {
    fin: bool,
    opcode: u8,
    key: [u8; 4],
    len: u64,
    /// How many bytes of the payload were seen, and, in a control frame, which.
    seen: u64,
    control: Vec<u8>,
}

#[derive(Debug)]
struct Message {
    text: bool,
    payload: Vec<u8>,
    lost: Vec<bool>,
    /// How much of it had come in earlier calls.
    earlier: usize,
    /// How much of it had come when it was found too big.
    refused_at: usize,
}

const PROTOCOL_ERROR: u16 = 1002;
const NOT_UTF8: u16 = 1007;

impl Model {
    pub fn new(from_client: bool) -> Self {
        Self {
            from_client,
            header: vec![],
            frame: None,
            message: None,
            overlong: false,
            dropped: false,
            violation: None,
            close: None,
            pings: vec![],
        }
    }

    /// A receiving call with this room has consumed these bytes. If it was interrupted, it may not
    /// have come to judge the last header.
    ///
    /// Panics if it consumed more than it should have.
    pub fn call(&mut self, room: &Room, consumed: &[u8], interrupted: bool) -> Outcome {
        assert!(self.violation.is_none() && self.close.is_none() || consumed.is_empty());
        let mut rest = consumed;
        let discards_first = self.overlong || (self.dropped && room.keeps_any());
        if discards_first {
            let everything = Room { kept: None };
            match self.run(&everything, &mut rest, interrupted) {
                Outcome::Message { .. } => (self.overlong, self.dropped) = (false, false),
                Outcome::Interrupted => return Outcome::Interrupted,
                other => return other,
            }
        }
        if self.received() > room.capacity() {
            assert!(rest.is_empty(), "a message that cannot fit was read on");
            return self.refuse();
        }
        let outcome = self.run(room, &mut rest, interrupted);
        match outcome {
            Outcome::Interrupted => self.interrupt(room),
            _ => assert!(rest.is_empty(), "{} bytes too many were consumed", rest.len()),
        }
        if let Outcome::Message { .. } = outcome {
            self.dropped = false;
        }
        outcome
    }

    /// `ws_detach` has consumed these bytes.
    pub fn finish(&mut self, mut consumed: &[u8], interrupted: bool) -> Outcome {
        let everything = Room { kept: None };
        loop {
            match self.run(&everything, &mut consumed, interrupted) {
                Outcome::Message { .. } => {}
                outcome => {
                    assert!(consumed.is_empty(), "{} bytes too many were read", consumed.len());
                    return outcome;
                }
            }
        }
    }

    fn received(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.payload.len() - message.refused_at)
    }

    fn refuse(&mut self) -> Outcome {
        self.overlong = true;
        self.dropped = false;
        if let Some(message) = &mut self.message {
            message.refused_at = message.payload.len();
        }
        Outcome::TooBig
    }

    /// What the call had no memory for is lost.
    fn interrupt(&mut self, room: &Room) {
        let Some(message) = &mut self.message else { return };
        if !room.keeps_any() {
            self.dropped = !message.payload.is_empty();
        }
        for (at, lost) in message.lost.iter_mut().enumerate().skip(message.earlier) {
            *lost = !room.keeps(at);
        }
        message.earlier = message.lost.len();
    }

    fn run(&mut self, room: &Room, rest: &mut &[u8], interrupted: bool) -> Outcome {
        loop {
            if self.frame.is_none() {
                match self.read_header(rest) {
                    Ok(true) => {}
                    Ok(false) => return Outcome::Interrupted,
                    Err(()) => return self.fail(PROTOCOL_ERROR),
                }
            }
            let received = self.received();
            let Some(frame) = &mut self.frame else { continue };
            let left = frame.len - frame.seen;
            if frame.opcode < 8 && left > (room.capacity() - received) as u64 {
                if interrupted && rest.is_empty() {
                    return Outcome::Interrupted;
                }
                return self.refuse();
            }
            let count = (rest.len() as u64).min(left) as usize;
            let (now, later) = rest.split_at(count);
            *rest = later;
            let (key, seen) = (frame.key, frame.seen as usize);
            let plain: Vec<u8> =
                now.iter().enumerate().map(|(i, byte)| byte ^ key[(seen + i) % 4]).collect();
            frame.seen += count as u64;
            let complete = frame.seen == frame.len;
            if frame.opcode < 8 {
                if let Some(outcome) = self.data(&plain, complete) {
                    return outcome;
                }
            } else {
                frame.control.extend(plain);
                if complete && let Some(outcome) = self.control() {
                    return outcome;
                }
            }
            if !complete {
                return Outcome::Interrupted;
            }
        }
    }

    fn fail(&mut self, code: u16) -> Outcome {
        self.violation = Some(code);
        Outcome::Violation
    }

    fn data(&mut self, plain: &[u8], complete: bool) -> Option<Outcome> {
        let (frame, message) = (self.frame.as_mut()?, self.message.as_mut()?);
        message.payload.extend(plain);
        message.lost.resize(message.payload.len(), false);
        if message.text {
            let end = complete && frame.fin;
            match std::str::from_utf8(&message.payload) {
                Err(error) if end || error.error_len().is_some() => {
                    return Some(self.fail(NOT_UTF8));
                }
                _ => {}
            }
        }
        if !complete {
            return None;
        }
        let fin = frame.fin;
        self.frame = None;
        if !fin {
            return None;
        }
        let Message { text, payload, lost, .. } = self.message.take()?;
        let payload =
            payload.into_iter().zip(lost).map(|(byte, lost)| (!lost).then_some(byte)).collect();
        Some(Outcome::Message { text, payload })
    }

    fn control(&mut self) -> Option<Outcome> {
        let frame = self.frame.take()?;
        match frame.opcode {
            9 => self.pings.push(frame.control),
            8 => return Some(self.closing(&frame.control)),
            _ => {}
        }
        None
    }

    fn closing(&mut self, payload: &[u8]) -> Outcome {
        let (code, reason) = match payload {
            [] => (0, &[][..]),
            [_] => unreachable!("refused by its header"),
            [high, low, reason @ ..] => (u16::from(*high) * 256 + u16::from(*low), reason),
        };
        match code {
            0 if payload.is_empty() => {}
            1000..=1003 | 1007..=1014 | 3000..=4999 => {}
            _ => return self.fail(PROTOCOL_ERROR),
        }
        if std::str::from_utf8(reason).is_err() {
            return self.fail(NOT_UTF8);
        }
        self.close = Some((code, reason.to_vec()));
        Outcome::Closed
    }

    /// Whether there is a frame now; an error if no peer may send such a one.
    fn read_header(&mut self, rest: &mut &[u8]) -> Result<bool, ()> {
        loop {
            if let [first, second, ..] = self.header[..] {
                self.check_start(first, second)?;
                let extended =
                    [0, 2, 8][usize::from(second % 128 > 125) + usize::from(second % 128 > 126)];
                let key_len = if self.from_client { 4 } else { 0 };
                if self.header.len() == 2 + extended + key_len {
                    self.begin_frame(first, second, extended)?;
                    return Ok(true);
                }
            }
            let Some((byte, later)) = rest.split_first() else { return Ok(false) };
            self.header.push(*byte);
            *rest = later;
        }
    }

    fn check_start(&self, first: u8, second: u8) -> Result<(), ()> {
        let (fin, opcode) = (first >= 128, first % 16);
        let right = first & 0x70 == 0
            && (second >= 128) == self.from_client
            && match opcode {
                0 => self.message.is_some(),
                1 | 2 => self.message.is_none(),
                8 => fin && second % 128 <= 125 && second % 128 != 1,
                9 | 10 => fin && second % 128 <= 125,
                _ => false,
            };
        if right { Ok(()) } else { Err(()) }
    }

    fn begin_frame(&mut self, first: u8, second: u8, extended: usize) -> Result<(), ()> {
        let (length, key_bytes) = self.header[2..].split_at(extended);
        let len = match extended {
            0 => u64::from(second % 128),
            _ => length.iter().fold(0, |len, byte| len * 256 + u64::from(*byte)),
        };
        let least = [0, 0, 126, 0, 0, 0, 0, 0, 65536][extended];
        if len < least || len >= 1 << 63 {
            return Err(());
        }
        let mut key = [0; 4];
        key[..key_bytes.len()].copy_from_slice(key_bytes);
        let (fin, opcode) = (first >= 128, first % 16);
        if matches!(opcode, 1 | 2) {
            self.message = Some(Message {
                text: opcode == 1,
                payload: vec![],
                lost: vec![],
                earlier: 0,
                refused_at: 0,
            });
        }
        self.header.clear();
        self.frame = Some(Frame { fin, opcode, key, len, seen: 0, control: vec![] });
        Ok(())
    }
}
