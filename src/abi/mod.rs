//! The C boundary: the only place with `extern "C"`, raw pointers and errno.
//!
//! Every export checks, converts, makes one call and maps the result.

mod attach;
mod buffers;
mod connect;
mod ending;
mod errno;
mod exports;
mod extended;
mod extension;
mod fields;
mod fork;
mod host;
mod http;
mod info;
mod iolist;
mod object;
mod options;
mod prepared;
mod queued;
mod random;
mod raw_names;
mod request;
mod storage;
#[cfg(test)]
mod tests;
