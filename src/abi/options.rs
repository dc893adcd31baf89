//! `struct ws_opts`: what a caller wants beyond what the thirteen functions let it say.

use super::attach::{NO_HTTP, TEXT};
use super::buffers::{self, StringBuffer};
use super::fields::Fields;
use crate::protocol::collect::collect;
use crate::protocol::extension::Window;
use crate::protocol::handshake::terms::{self, Origins, Protocols, Terms};
use crate::protocol::handshake::{extra, response};
use crate::protocol::kind::Kind;
use crate::socket::{Error, Settings};
use std::ffi::{c_char, c_int};
use std::mem::{offset_of, size_of};
use std::ptr::{null, null_mut};

/// Flag: permessage-deflate is offered or accepted.
const DEFLATE: c_int = 4;
/// Flag: there is no connection without a subprotocol.
const NEED_PROTOCOL: c_int = 64;
/// Flag: senders wait for each other.
const TURNS: c_int = 128;
const KNOWN: c_int = TEXT | NO_HTTP | DEFLATE | NEED_PROTOCOL | TURNS;

/// The longest message that is received where nobody says otherwise.
const USUAL_MAXMSG: u64 = 1024 * 1024;

/// What a WebSocket is to be made with. Zero and NULL stand for the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct WsOpts {
    /// sizeof(struct ws_opts), as ws_defaults has it.
    size: usize,
    /// WS_TEXT, WS_NOHTTP, WS_DEFLATE, WS_NEEDPROTO, WS_TURNS.
    flags: c_int,
    /// zlib's effort for what is sent, 1 to 9; 0: 1.
    level: c_int,
    /// How much of earlier messages is kept to compress the next ones, 2^9 to 2^15 bytes; 0: 12;
    /// -1: nothing.
    window: c_int,
    /// Subprotocols, "b, a", the best first: a client offers them, a server speaks them.
    protocols: *const c_char,
    /// The Origin field that a client sends; the origins that a server admits, "https://a.example,
    /// https://b.example" or "*". NULL: a client sends none; a server admits those of the host that
    /// the request names, and requests without any.
    origin: *const c_char,
    /// Lines "Name: value", and NULL behind them: for the request, or the answer that accepts it.
    fields: *const *const c_char,
    /// The longest message that is received; 0: 1 MiB.
    maxmsg: usize,
    /// The most bytes that are posted or held and not sent yet; 0: 64 KiB.
    maxqueue: usize,
    /// For how many milliseconds a frame may be held; 0: until the thread next waits.
    hold: i64,
    /// After how many milliseconds without a byte from the peer it is pinged; 0: never.
    ping: i64,
    /// After how many of them the connection fails; 0: never.
    idle: i64,
    /// Out: the HTTP status of the answer, of a refusal too; 0: none came.
    status: *mut c_int,
    /// Out: the head of that answer, as many whole lines as have room, as a string.
    head: *mut c_char,
    /// The size of the buffer that it is stored in.
    headlen: usize,
    /// 0.
    reserved: usize,
}

// A later member must not stand where an older caller has padding.
const _: () = assert!(size_of::<WsOpts>() == offset_of!(WsOpts, reserved) + size_of::<usize>());

impl WsOpts {
    const DEFAULTS: Self = Self {
        size: size_of::<Self>(),
        flags: 0,
        level: 0,
        window: 0,
        protocols: null(),
        origin: null(),
        fields: null(),
        maxmsg: 0,
        maxqueue: 0,
        hold: 0,
        ping: 0,
        idle: 0,
        status: null_mut(),
        head: null_mut(),
        headlen: 0,
        reserved: 0,
    };

    /// Reads a caller's, which may be newer than this library.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: smaller than the first one was. [`Error::TooNew`]: a member that is not
    /// known here says something.
    ///
    /// # Safety
    ///
    /// `opts` must be NULL or begin with its size.
    unsafe fn read(opts: *const Self) -> Result<Self, Error> {
        if opts.is_null() {
            return Ok(Self::DEFAULTS);
        }
        // SAFETY: it begins with its size, wherever it stands.
        let size = unsafe { (&raw const (*opts).size).read_unaligned() };
        let more =
            size.checked_sub(size_of::<Self>()).filter(|more| isize::try_from(*more).is_ok());
        let more = more.ok_or(Error::InvalidArgument)?;
        // SAFETY: so many bytes are there by contract.
        let (read, unknown) = unsafe {
            let unknown = std::slice::from_raw_parts(opts.add(1).cast::<u8>(), more);
            (opts.read_unaligned(), unknown)
        };
        if unknown.iter().any(|byte| *byte != 0) { Err(Error::TooNew) } else { Ok(read) }
    }
}

/// What a caller wants of a WebSocket. It keeps nothing of the caller's but where the answer goes.
pub(super) struct Options {
    /// The type of messages that msend and mrecv deal in.
    pub(super) kind: Kind,
    /// There is an opening handshake.
    pub(super) http: bool,
    /// What is said in our head and asked of the peer.
    pub(super) terms: Terms,
    /// A client's own, or those that a server admits.
    origin: Option<Vec<u8>>,
    pub(super) settings: Settings,
    pub(super) answer: AnswerBuffers,
}

impl Options {
    /// Reads and checks a caller's options.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`], [`Error::TooNew`], [`Error::NotSupported`], [`Error::OutOfMemory`].
    ///
    /// # Safety
    ///
    /// `opts` must be readable options.
    pub(super) unsafe fn read(opts: *const WsOpts) -> Result<Self, Error> {
        // SAFETY: passed on from the caller.
        unsafe {
            let opts = WsOpts::read(opts)?;
            let answer = AnswerBuffers::new(&opts)?;
            let has = |flag| opts.flags & flag != 0;
            let options = Self {
                kind: if has(TEXT) { Kind::Text } else { Kind::Binary },
                http: !has(NO_HTTP),
                terms: opts.terms()?,
                origin: opts.origin()?,
                settings: opts.settings()?,
                answer,
            };
            opts.check()?;
            Ok(options)
        }
    }

    /// A client's origin.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: it is none.
    pub(super) fn own_origin(&self) -> Result<Option<&[u8]>, Error> {
        match &self.origin {
            Some(origin) if !terms::is_origin(origin) => Err(Error::InvalidArgument),
            origin => Ok(origin.as_deref()),
        }
    }

    /// The origins that a server admits.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: one of them is none.
    pub(super) fn admitted_origins(&self) -> Result<Origins<'_>, Error> {
        match &self.origin {
            Some(list) => Origins::only(list).map_err(|_| Error::InvalidArgument),
            None => Ok(Origins::Own),
        }
    }
}

impl WsOpts {
    /// # Safety
    ///
    /// As [`Options::read`].
    unsafe fn terms(&self) -> Result<Terms, Error> {
        let needs_protocol = self.flags & NEED_PROTOCOL != 0;
        // SAFETY: passed on from the caller.
        let (protocols, lines) = unsafe { (copy_of(self.protocols)?, self.lines()?) };
        let protocols = protocols.map(Protocols::new).transpose();
        Ok(Terms {
            protocols: protocols.map_err(|_| Error::InvalidArgument)?.unwrap_or_default(),
            needs_protocol,
            lines,
            deflate: (self.flags & DEFLATE != 0).then_some(self.window()?),
        })
    }

    /// The caller's fields, as they go on the wire.
    ///
    /// # Safety
    ///
    /// As [`Options::read`].
    unsafe fn lines(&self) -> Result<Vec<u8>, Error> {
        let mut lines = Vec::new();
        // SAFETY: passed on from the caller.
        for line in unsafe { Fields::new(self.fields) } {
            extra::check(line).map_err(|_| Error::InvalidArgument)?;
            if !self.origin.is_null() && extra::is_named(line, b"Origin") {
                return Err(Error::InvalidArgument);
            }
            lines.try_reserve(line.len() + 2)?;
            // ROOM: reserved just before.
            lines.extend_from_slice(line);
            // ROOM: likewise.
            lines.extend_from_slice(b"\r\n");
        }
        Ok(lines)
    }

    /// # Safety
    ///
    /// As [`Options::read`].
    unsafe fn origin(&self) -> Result<Option<Vec<u8>>, Error> {
        // SAFETY: passed on from the caller.
        unsafe { copy_of(self.origin) }
    }

    fn settings(&self) -> Result<Settings, Error> {
        let max_message = if self.maxmsg == 0 { USUAL_MAXMSG } else { self.maxmsg as u64 };
        let usual = Settings::default();
        Ok(Settings {
            max_message,
            window: self.window()?,
            level: self.level()?,
            takes_turns: self.flags & TURNS != 0,
            max_queue: if self.maxqueue == 0 { usual.max_queue } else { self.maxqueue },
            hold: self.hold,
        })
    }

    fn level(&self) -> Result<u8, Error> {
        match self.level {
            0 => Ok(1),
            level @ 1..=9 => Ok(level as u8),
            _ => Err(Error::InvalidArgument),
        }
    }

    fn window(&self) -> Result<Window, Error> {
        match self.window {
            0 => Ok(Window::Usual),
            -1 => Ok(Window::None),
            bits @ 9..=15 => Ok(Window::Bits(bits as u8)),
            _ => Err(Error::InvalidArgument),
        }
    }

    /// Checks what the other functions leave.
    fn check(&self) -> Result<(), Error> {
        let has = |flag| self.flags & flag != 0;
        let says_something = !self.protocols.is_null()
            || !self.origin.is_null()
            || !self.fields.is_null()
            || has(DEFLATE | NEED_PROTOCOL);
        let is_wrong = self.flags & !KNOWN != 0
            || (has(NO_HTTP) && says_something)
            || self.hold < 0
            || self.ping < 0
            || self.idle < 0
            || (self.ping > 0 && self.idle > 0 && self.idle <= self.ping)
            || self.reserved != 0;
        match () {
            () if is_wrong => Err(Error::InvalidArgument),
            // Ignored, they would leave a program with a peer that is gone.
            () if self.ping > 0 || self.idle > 0 => Err(Error::NotSupported),
            () => Ok(()),
        }
    }
}

/// A copy of a string: the caller's may be gone after the first wait.
///
/// # Safety
///
/// `string` must be a readable string.
unsafe fn copy_of(string: *const c_char) -> Result<Option<Vec<u8>>, Error> {
    if string.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on from the caller.
    let string = unsafe { buffers::string(string) }?;
    Ok(Some(collect([string])?))
}

/// Where a caller wants to see the answer.
pub(super) struct AnswerBuffers {
    status: *mut c_int,
    head: StringBuffer<'static>,
}

impl AnswerBuffers {
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: NULL with a length.
    ///
    /// # Safety
    ///
    /// They must be writable until this is dropped.
    unsafe fn new(opts: &WsOpts) -> Result<Self, Error> {
        if !opts.status.is_null() {
            // SAFETY: an int of the caller's.
            unsafe { opts.status.write(0) };
        }
        // SAFETY: passed on from the caller.
        let head = unsafe { StringBuffer::new((opts.head, opts.headlen)) }?;
        Ok(Self { status: opts.status, head })
    }

    /// Stores an answer: of its head as many whole lines as have room.
    pub(super) fn store(&self, head: &[u8]) {
        if !self.status.is_null() {
            // SAFETY: an int of the caller's, until the call returns.
            unsafe { self.status.write(c_int::from(response::status_of(head))) };
        }
        let room = self.head.room();
        let ends = |end: &usize| head.get(..*end).is_some_and(|lines| lines.ends_with(b"\r\n"));
        let end = (0..=head.len().min(room)).rev().find(ends).unwrap_or(0);
        self.head.store(&[head.get(..end).unwrap_or_default()]);
    }
}
