//! HTTP over a byte stream, as far as a WebSocket's neighbours need it: a request and its answer, and a
//! tunnel through a proxy.

use super::handshake::{LAST_WAIT, MOST_INTERIM, end_in_order, receive_head, turn_away};
use super::{Deadline, Error, Host, Outgoing};
use crate::protocol::handshake::head::HeadReader;
use crate::protocol::handshake::inquiry::Inquiry;
use crate::protocol::handshake::reply::{self, Content, Reply};
use crate::protocol::handshake::request::Refusal;
use crate::protocol::handshake::response::ResponseError;
use crate::protocol::handshake::{date, extra, tunnel};

/// The fields that a caller adds to a head, a line each.
pub trait Fields<'f>: Iterator<Item = &'f [u8]> + Clone {}
impl<'f, F: Iterator<Item = &'f [u8]> + Clone> Fields<'f> for F {}

/// Reads a request. One that nobody should act on is refused.
///
/// # Errors
///
/// - [`Error::Ended`]: the stream ended before a first byte of a request.
/// - [`Error::Refused`]: the request was refused, and the client told why.
/// - [`Error::Reset`]: the client went away.
/// - Otherwise what the host reports.
pub fn receive_request<H: Host>(host: &H, deadline: Deadline) -> Result<HeadReader, Error> {
    let mut reader = HeadReader::default();
    let read = receive_head(host, &mut reader, deadline).map_err(|error| match error {
        Error::Ended if reader.is_empty() => Error::Ended,
        error => error.of_stream(),
    })?;
    let judged = read.map_err(Refusal::from).and_then(|()| Inquiry::judge(&reader).map(drop));
    match judged {
        Ok(()) => Ok(reader),
        Err(refusal) => Err(turn_away(host, refusal, &mut |_| {}, deadline)),
    }
}

/// What a server answers.
pub struct Response<'r, F, B: ?Sized> {
    /// Between 200 and 599.
    pub status: u16,
    /// When.
    pub date: [u8; date::LEN],
    /// What goes with it.
    pub fields: F,
    /// The content, which is not sent with every answer.
    pub body: &'r B,
}

/// What becomes of a stream behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next request, or what a tunnel carries.
    GoesOn,
    /// Nothing. The client has been told so, and had its time to read that.
    Over,
}

/// Answers the request in `reader`.
///
/// # Errors
///
/// - [`Error::InvalidArgument`]: a field that cannot be sent.
/// - [`Error::Reset`]: the client went away.
/// - Otherwise what the host reports.
pub fn respond<'f, H: Host, F: Fields<'f>>(
    host: &H,
    reader: &HeadReader,
    response: &Response<'_, F, H::Body<'_>>,
    deadline: Deadline,
) -> Result<Next, Error> {
    let Response { status, date, fields, body } = response;
    check(fields.clone())?;
    let request = Inquiry::of(reader).ok_or(Error::Refused(Refusal::Malformed))?;
    let goes_on = request.persists() || reply::begins_tunnel(request.method(), *status);
    let Content { length, is_sent } = Content::of(request.method(), *status, body.size());
    let reply = Reply { status: *status, date: *date, length, closes: !goes_on };
    let head = reply.head(fields.clone())?;
    let sent = match is_sent {
        true => host.send_with_body(&head, body, deadline),
        false => host.send(&head, deadline),
    };
    sent.map_err(Error::of_stream)?;
    if goes_on {
        return Ok(Next::GoesOn);
    }
    end_in_order(host, host.within(deadline, LAST_WAIT));
    Ok(Next::Over)
}

/// Asks a proxy for a tunnel to `authority`. Returns the status of its answer.
///
/// # Errors
///
/// - [`Error::InvalidArgument`]: no host and port, or a field that cannot be sent. Nothing was.
/// - [`Error::Declined`]: the proxy does not speak HTTP, or its answer is too long.
/// - [`Error::Reset`]: it went away.
/// - Otherwise what the host reports.
pub fn open_tunnel<'f, H: Host>(
    host: &H,
    authority: &'f [u8],
    fields: impl Fields<'f>,
    deadline: Deadline,
) -> Result<u16, Error> {
    check(fields.clone())?;
    if !tunnel::is_destination(authority) {
        return Err(Error::InvalidArgument);
    }
    let request = tunnel::build(authority, fields)?;
    host.send(&request, deadline).map_err(Error::of_stream)?;
    for _ in 0..=MOST_INTERIM {
        let mut reader = HeadReader::default();
        let status = receive_head(host, &mut reader, deadline)
            .map_err(Error::of_stream)?
            .map_err(ResponseError::from)
            .and_then(|()| tunnel::status(&reader));
        if let Some(status) = status.map_err(Error::Declined)? {
            return Ok(status);
        }
    }
    Err(Error::Declined(ResponseError::TooManyInterim))
}

fn check<'f>(mut fields: impl Fields<'f>) -> Result<(), Error> {
    fields.try_for_each(extra::check).map_err(|_| Error::InvalidArgument)
}
