//! Connecting to a host by its name, whichever of its addresses works (RFC 8305, "Happy Eyeballs").
//!
//! Both families are looked up at once, and the attempts to connect run side by side: the first to
//! succeed wins. All of it belongs to the coroutine that asked, which waits for all attempts at once, and
//! looks for answers to look-ups.

use core::ffi::{CStr, c_int};
use std::os::fd::RawFd;

use crate::errno::{Errno, Result};
use crate::ipaddr::name::Lookup;
use crate::ipaddr::{self, Ipaddr};
use crate::sched::wait::Wait;
use crate::sched::{self, Awaited, Direction};
use crate::stream::socket::Socket;
use crate::stream::{Kind, connection};
use crate::time;

/// How long IPv4 addresses wait for IPv6 ones, in milliseconds: RFC 8305, section 3.
const RESOLUTION_DELAY: i64 = 50;

/// How long an attempt is the last one begun, unless it fails before, in milliseconds.
const ATTEMPT_DELAY: i64 = 300;

/// So many addresses of a family are tried.
const ADDRESSES: usize = 10;

/// Connects to the host `name`.
///
/// Errors: ECANCELED, ETIMEDOUT; EADDRNOTAVAIL if there is no such host; if all attempts fail, the
/// error of the last one, see [`crate::tcp::connect`], or of the look-ups, see [`Lookup::answer`];
/// EAGAIN in a forked child or without another thread; EMFILE, ENFILE, ENOMEM.
pub fn connect(name: &CStr, port: u16, deadline: i64) -> Result<c_int> {
    sched::can_block()?;
    let mut race = Race::new(name, port, deadline)?;
    loop {
        // Others may fork here. From `advance`, which would notice, to the wait they do not run.
        sched::breathe();
        if let Some(winner) = race.advance()? {
            return connection::open(Kind::Tcp, winner);
        }
        race.wait(deadline)?;
    }
}

/// The addresses of one family.
#[derive(Default)]
struct Family {
    lookup: Option<Lookup>,
    /// From the last one to the first, which is tried first.
    addresses: Vec<Ipaddr>,
}

impl Family {
    /// Ends the look-up if it has come to something, and says so.
    fn take_answer(&mut self, port: u16) -> Option<Result<()>> {
        let answer = self.lookup.as_ref()?.answer()?;
        self.lookup = None;
        Some(answer.map(|mut addresses| {
            addresses.truncate(ADDRESSES);
            addresses.reverse();
            addresses.iter_mut().for_each(|address| address.set_port(port));
            self.addresses = addresses;
        }))
    }
}

/// An attempt to connect that is in progress.
struct Attempt {
    socket: Socket,
    address: Ipaddr,
    wait: Wait,
}

/// All that goes on at once.
struct Race {
    /// Whose it is. A forked child has no look-ups, and shares its sockets with its parent.
    process: u32,
    port: u16,
    ipv6: Family,
    ipv4: Family,
    attempts: Vec<Attempt>,
    /// IPv6 is next. So it is at first, then they take turns.
    ipv6_next: bool,
    /// Before this time no attempt begins.
    next_attempt: i64,
    /// What the whole fails with if nothing works any more.
    error: Errno,
}

impl Race {
    fn new(name: &CStr, port: u16, deadline: i64) -> Result<Race> {
        let mut race = Race {
            process: std::process::id(),
            port,
            ipv6: Family::default(),
            ipv4: Family::default(),
            attempts: Vec::new(),
            ipv6_next: true,
            next_attempt: 0,
            error: Errno(libc::EADDRNOTAVAIL),
        };
        match ipaddr::literal(name, port) {
            Some(address) => {
                let ipv6 = address.family() == libc::AF_INET6;
                let family = if ipv6 { &mut race.ipv6 } else { &mut race.ipv4 };
                family.addresses.try_reserve_exact(1).map_err(|_| Errno(libc::ENOMEM))?;
                // ROOM: reserved just before.
                family.addresses.push(address);
            }
            None => {
                race.ipv6.lookup = Some(Lookup::start(name, libc::AF_INET6, deadline)?);
                race.ipv4.lookup = Some(Lookup::start(name, libc::AF_INET, deadline)?);
            }
        }
        Ok(race)
    }

    /// Does what can be done without waiting, and returns the first connection. Error: EAGAIN in a
    /// forked child.
    fn advance(&mut self) -> Result<Option<Socket>> {
        if self.process != std::process::id() {
            return Err(Errno(libc::EAGAIN));
        }
        let now = time::now();
        self.take_answers(now);
        if let Some(winner) = self.look_at_attempts(now) {
            return Ok(Some(winner));
        }
        while let Some(address) = self.next_address(now) {
            if let Some(winner) = self.begin_attempt(address, now)? {
                return Ok(Some(winner));
            }
        }
        if self.attempts.is_empty() && self.next_begins().is_none() && !self.is_looking_up() {
            return Err(self.error);
        }
        Ok(None)
    }

    fn take_answers(&mut self, now: i64) {
        let ipv6 = self.ipv6.take_answer(self.port);
        let ipv4 = self.ipv4.take_answer(self.port);
        for answer in [ipv6, ipv4].into_iter().flatten() {
            self.error = answer.err().unwrap_or(self.error);
        }
        if ipv4.is_some() && self.ipv6.lookup.is_some() {
            self.next_attempt = now + RESOLUTION_DELAY;
        } else if ipv6.is_some() && self.attempts.is_empty() {
            self.next_attempt = now;
        }
    }

    /// Drops the attempts that have failed, and returns the first that has not.
    fn look_at_attempts(&mut self, now: i64) -> Option<Socket> {
        let mut index = 0;
        while let Some(attempt) = self.attempts.get(index) {
            match attempt.go_on() {
                Ok(None) => index += 1,
                Ok(Some(())) => return Some(self.attempts.remove(index).socket),
                Err(error) => {
                    self.attempts.remove(index);
                    self.error = error;
                    self.next_attempt = now;
                }
            }
        }
        None
    }

    /// The connection, if that takes no time.
    fn begin_attempt(&mut self, address: Ipaddr, now: i64) -> Result<Option<Socket>> {
        self.ipv6_next = address.family() != libc::AF_INET6;
        let begun = Socket::new(address.family()).and_then(|socket| {
            let attempt = Attempt { socket, address, wait: Wait::new() };
            attempt.go_on().map(|connected| (attempt, connected))
        });
        match begun {
            Ok((attempt, Some(()))) => return Ok(Some(attempt.socket)),
            Ok((attempt, None)) => {
                self.attempts.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
                // ROOM: reserved just before.
                self.attempts.push(attempt);
                self.next_attempt = now + ATTEMPT_DELAY;
            }
            Err(error) => self.error = error,
        }
        Ok(None)
    }

    /// The address to try now.
    fn next_address(&mut self, now: i64) -> Option<Ipaddr> {
        if now < self.next_attempt {
            return None;
        }
        let (first, second) = match self.ipv6_next {
            true => (&mut self.ipv6, &mut self.ipv4),
            false => (&mut self.ipv4, &mut self.ipv6),
        };
        first.addresses.pop().or_else(|| second.addresses.pop())
    }

    /// When the next attempt begins, if there is an address for it.
    fn next_begins(&self) -> Option<i64> {
        let none = self.ipv6.addresses.is_empty() && self.ipv4.addresses.is_empty();
        if none { None } else { Some(self.next_attempt) }
    }

    fn is_looking_up(&self) -> bool {
        self.ipv6.lookup.is_some() || self.ipv4.lookup.is_some()
    }

    /// When there is something to do, whatever happens to the attempts.
    fn next_step(&self) -> Option<i64> {
        let look = |family: &Family| family.lookup.as_ref().map(Lookup::next_look);
        [self.next_begins(), look(&self.ipv6), look(&self.ipv4)].into_iter().flatten().min()
    }

    /// Waits until there is something to do. Errors: ETIMEDOUT, ECANCELED.
    fn wait(&mut self, deadline: i64) -> Result<()> {
        let next = self.next_step().filter(|next| deadline < 0 || *next < deadline);
        let attempts = &mut self.attempts;
        match sched::wait_for_any(attempts, Direction::Out, next.unwrap_or(deadline)) {
            Err(Errno(libc::ETIMEDOUT)) if next.is_some() => Ok(()),
            result => result,
        }
    }
}

impl Awaited for Attempt {
    fn parts(&mut self) -> (RawFd, &mut Wait) {
        (self.socket.descriptor(), &mut self.wait)
    }
}

impl Attempt {
    /// Begins to connect, or looks how that goes. `Ok(None)`: it is in progress.
    fn go_on(&self) -> Result<Option<()>> {
        // SAFETY: the address has the length it tells.
        unsafe { self.socket.connect(self.address.as_sockaddr(), self.address.len()) }
    }
}
