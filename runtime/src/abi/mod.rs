//! The exported functions: each checks, converts, makes one call and maps the error.

mod handles;
