//! The exported functions: each checks, converts, makes one call and maps the error.

mod bsock;
mod channels;
mod coroutines;
mod fds;
mod handles;
mod ipaddr;
mod msock;
