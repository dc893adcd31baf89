//! What all TLS connections of a process share.
//!
//! A child of a fork begins anew. Another thread of the parent may have been in the middle of a change,
//! which nobody would complete; and sessions, and the keys for them, are better not known to two.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::process;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ServerConfig};

use crate::errno::Result;
use crate::memory;

use super::cache::Cache;

/// What is shared.
pub struct Process {
    id: u32,
    /// That of the process which has forked. It is not used any more, but not lost either.
    _parent: Option<&'static Process>,
    pub provider: Arc<CryptoProvider>,
    /// Judges by the authorities that the system trusts. They are read once.
    pub system: OnceLock<Arc<WebPkiServerVerifier>>,
    /// For clients that check nothing.
    pub unchecked: OnceLock<Arc<ClientConfig>>,
    pub clients: Cache<ClientConfig>,
    pub servers: Cache<ServerConfig>,
}

static CURRENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

/// What this process shares. Error: ENOMEM.
pub fn current() -> Result<&'static Process> {
    let id = process::id();
    let mut known = CURRENT.load(Ordering::Acquire);
    loop {
        // SAFETY: it is NULL, or comes from the box below, which nobody frees.
        let current = unsafe { known.as_ref() };
        if let Some(current) = current
            && current.id == id
        {
            return Ok(current);
        }
        let new = Box::into_raw(memory::boxed(Process::after(current, id))?);
        match CURRENT.compare_exchange(known, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => known = new,
            Err(other) => {
                // SAFETY: it comes from the box above, and nobody has seen it.
                drop(unsafe { Box::from_raw(new) });
                known = other;
            }
        }
    }
}

impl Process {
    fn after(parent: Option<&'static Process>, id: u32) -> Process {
        let known = parent.and_then(|parent| parent.system.get());
        Process {
            id,
            _parent: parent,
            // ROOM: within a section of the reserve.
            provider: Arc::new(ring::default_provider()),
            system: known.cloned().map(OnceLock::from).unwrap_or_default(),
            unchecked: OnceLock::new(),
            clients: Cache::new(),
            servers: Cache::new(),
        }
    }
}
