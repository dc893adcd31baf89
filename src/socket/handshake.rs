//! The opening handshake (RFC 6455 §4) over a byte stream.

use super::{Deadline, Error, Host};
use crate::protocol::handshake::head::{HeadError, HeadReader};
use crate::protocol::handshake::request::{self, Refusal, Request};
use crate::protocol::handshake::response::{self, Answer, ResponseError};
use crate::protocol::handshake::terms::Policy;
use crate::protocol::handshake::{Agreement, Offer};
use crate::protocol::key;

/// How many interim answers a client takes before the one that counts (RFC 9110 §15.2).
pub(super) const MOST_INTERIM: u32 = 8;
/// How long a client gets to read the last answer, in milliseconds.
pub(super) const LAST_WAIT: Deadline = 1000;
/// How much of what a peer still sends is dropped at most while its end is waited for, in bytes.
const MOST_DROPPED: usize = 64 * 1024;

/// Whoever wants to see the head of the answer to a request: of the one that counts.
pub type Witness<'w> = &'w mut dyn FnMut(&[u8]);

/// Opens a connection as a client.
///
/// # Errors
///
/// - [`Error::InvalidArgument`]: the offer cannot be made.
/// - [`Error::Declined`]: the server did not agree.
/// - [`Error::Reset`]: it went away.
/// - Otherwise what the host reports.
pub fn attach_client<H: Host>(
    host: &H,
    offer: &Offer<'_>,
    witness: Witness<'_>,
    deadline: Deadline,
) -> Result<Agreement, Error> {
    let key = ask(host, offer, deadline)?;
    for _ in 0..=MOST_INTERIM {
        let mut reader = HeadReader::default();
        let answer = receive_head(host, &mut reader, deadline)
            .map_err(Error::of_stream)?
            .map_err(ResponseError::from)
            .and_then(|()| response::check(&reader, &key, offer.terms));
        if answer != Ok(Answer::Interim) {
            witness(reader.bytes());
        }
        match answer.map_err(Error::Declined)? {
            Answer::Accepted(agreement) => return Ok(agreement),
            Answer::Interim => {}
        }
    }
    Err(Error::Declined(ResponseError::TooManyInterim))
}

/// Sends the request. Returns the key in it.
fn ask<H: Host>(
    host: &H,
    offer: &Offer<'_>,
    deadline: Deadline,
) -> Result<[u8; key::REQUEST_LEN], Error> {
    offer.check().map_err(|_| Error::InvalidArgument)?;
    let key = key::encode(host.random()?);
    let request = request::build(offer, &key)?;
    host.send(&request, deadline).map_err(Error::of_stream)?;
    Ok(key)
}

/// Accepts a connection as a server. `admit` sees the request before it is answered.
///
/// # Errors
///
/// - [`Error::Refused`]: the request was refused, and the client told why.
/// - [`Error::Reset`]: the client went away.
/// - Otherwise what the host reports.
pub fn attach_server<H: Host>(
    host: &H,
    admit: impl FnOnce(&Request<'_>) -> Result<(), Refusal>,
    policy: &Policy<'_>,
    witness: Witness<'_>,
    deadline: Deadline,
) -> Result<Agreement, Error> {
    let mut reader = HeadReader::default();
    match receive_head(host, &mut reader, deadline).map_err(Error::of_stream)? {
        Ok(()) => accept_request(host, &reader, admit, policy, witness, deadline),
        Err(error) => Err(turn_away(host, error.into(), witness, deadline)),
    }
}

/// Accepts the connection that the request in `reader` asks for, as [`attach_server`] does.
///
/// # Errors
///
/// As there.
pub fn accept_request<H: Host>(
    host: &H,
    reader: &HeadReader,
    admit: impl FnOnce(&Request<'_>) -> Result<(), Refusal>,
    policy: &Policy<'_>,
    witness: Witness<'_>,
    deadline: Deadline,
) -> Result<Agreement, Error> {
    let admitted = request::parse(reader).and_then(|request| {
        admit(&request)?;
        Ok((request, policy.agree(reader, &request)?))
    });
    match admitted {
        Ok((request, agreement)) => {
            let response = response::accepted(request.key, policy.terms, &agreement)?;
            witness(&response);
            accept(host, &request, &response, deadline).map_err(Error::of_stream)?;
            Ok(agreement)
        }
        Err(refusal) => Err(turn_away(host, refusal, witness, deadline)),
    }
}

/// Sends the response that accepts a request.
fn accept<H: Host>(
    host: &H,
    request: &Request<'_>,
    response: &[u8],
    deadline: Deadline,
) -> Result<(), Error> {
    if request.expects_continue {
        host.send(response::CONTINUE, deadline)?;
    }
    host.send(response, deadline)
}

/// Reads a head and not one byte more. The outer error is the host's.
pub(super) fn receive_head<H: Host>(
    host: &H,
    reader: &mut HeadReader,
    deadline: Deadline,
) -> Result<Result<(), HeadError>, Error> {
    while reader.wanted() > 0 {
        let mut pushed = Ok(0);
        if host.is_extended() {
            let look = &mut |bytes: &[u8]| {
                pushed = reader.push(bytes);
                pushed.unwrap_or_default()
            };
            host.look(deadline, look)?;
        } else {
            let mut bytes = [0; 5];
            let bytes = bytes.get_mut(..reader.wanted()).unwrap_or_default();
            host.receive(bytes, deadline)?;
            pushed = reader.push(bytes);
        }
        if let Err(error) = pushed {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Sends a refusal and sees that it arrives. Returns what it means for the caller.
pub(super) fn turn_away<H: Host>(
    host: &H,
    refusal: Refusal,
    witness: Witness<'_>,
    deadline: Deadline,
) -> Error {
    witness(refusal.response());
    let deadline = host.within(deadline, LAST_WAIT);
    if host.send(refusal.response(), deadline).is_ok() {
        end_in_order(host, deadline);
    }
    Error::Refused(refusal)
}

/// Sees that the last answer arrives: closing at once, with input unread, would reset the connection and
/// could take the answer away from the peer.
pub(super) fn end_in_order<H: Host>(host: &H, deadline: Deadline) {
    host.half_close(deadline);
    // Whatever comes of it, the answer has had its time.
    await_end(host, deadline).ok();
}

/// Waits until the peer ends the stream, and drops what it sends before.
///
/// # Errors
///
/// - [`Error::Reset`]: it sends too much.
/// - Otherwise what the host reports.
pub fn await_end<H: Host>(host: &H, deadline: Deadline) -> Result<(), Error> {
    let mut rest = [0; 256];
    let mut dropped = 0;
    while dropped < MOST_DROPPED {
        match host.receive_some(&mut rest, deadline) {
            Ok(count) => dropped += count,
            Err(Error::Ended) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(Error::Reset)
}
