//! Configurations for the next connection that wants the same. Making one takes longer than much of a
//! handshake, and what is needed to resume sessions is kept in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::errno::{Errno, Result};

use super::files::{File, Stamp};
use super::why;

/// Configurations that are kept. A program has few.
const LIMIT: usize = 16;

/// What a configuration is made of. The files are PEM files, and each may be missing.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// This end's certificate, and those that lead to an authority.
    pub cert: Option<&'a [u8]>,
    /// The private key that belongs to it.
    pub pkey: Option<&'a [u8]>,
    /// The authorities by which the peer is judged.
    pub roots: Option<&'a [u8]>,
    /// The protocols to speak above, as the program has written them.
    pub protocols: Option<&'a [u8]>,
}

/// The files, read.
#[derive(Debug)]
pub struct Files {
    pub cert: Option<File>,
    pub pkey: Option<File>,
    pub roots: Option<File>,
}

struct Entry<C> {
    files: Files,
    protocols: Option<Vec<u8>>,
    config: Arc<C>,
}

/// Configurations, the one used last in front.
pub struct Cache<C>(Mutex<Vec<Entry<C>>>);

impl<C> Cache<C> {
    pub fn new() -> Cache<C> {
        Cache(Mutex::new(Vec::new()))
    }

    /// The configuration that is wanted: one that was made before, if the files are the same; otherwise
    /// `make` makes it. Errors: those of reading the files, and of `make`; ENOMEM.
    pub fn get(&self, wanted: &Wanted, make: impl FnOnce(&Files) -> Result<C>) -> Result<Arc<C>> {
        if let Some(stamps) = wanted.stamps() {
            let is_known = |files: &Files| files.are_known_by(&stamps);
            if let Some(entry) = find(&mut self.entries(), wanted, is_known) {
                return Ok(entry.config.clone());
            }
        }
        let files = Files::read(wanted)?;
        // They may be the same nevertheless.
        if let Some(entry) = find(&mut self.entries(), wanted, |known| known.are_equal(&files)) {
            entry.files = files;
            return Ok(entry.config.clone());
        }
        // ROOM: within a section of the reserve.
        let config = Arc::new(make(&files)?);
        let protocols = wanted.protocols.map(copy).transpose()?;
        self.keep(Entry { files, protocols, config: config.clone() })?;
        Ok(config)
    }

    fn keep(&self, entry: Entry<C>) -> Result<()> {
        let mut entries = self.entries();
        entries.truncate(LIMIT - 1);
        entries.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
        // ROOM: reserved just before.
        entries.insert(0, entry);
        Ok(())
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry<C>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry that is wanted, moved to the front.
fn find<'a, C>(
    entries: &'a mut [Entry<C>],
    wanted: &Wanted,
    has_files: impl Fn(&Files) -> bool,
) -> Option<&'a mut Entry<C>> {
    let is_wanted = |entry: &Entry<C>| {
        entry.protocols.as_deref() == wanted.protocols && has_files(&entry.files)
    };
    let found = entries.iter().position(is_wanted)?;
    entries.get_mut(..=found)?.rotate_right(1);
    entries.first_mut()
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copied = Vec::new();
    copied.try_reserve_exact(bytes.len()).map_err(|_| Errno(libc::ENOMEM))?;
    // ROOM: reserved just before.
    copied.extend_from_slice(bytes);
    Ok(copied)
}

impl Wanted<'_> {
    /// The stamps of the files, unless one is not there: then reading it says why.
    fn stamps(&self) -> Option<[Option<Stamp>; 3]> {
        let stamp = |path: Option<&[u8]>| match path {
            Some(path) => Stamp::at(path).map(Some),
            None => Some(None),
        };
        Some([stamp(self.cert)?, stamp(self.pkey)?, stamp(self.roots)?])
    }
}

impl Files {
    fn read(wanted: &Wanted) -> Result<Files> {
        let read = |path: Option<&[u8]>, words| {
            path.map(File::read).transpose().map_err(|error| why::because(words, error))
        };
        Ok(Files {
            cert: read(wanted.cert, c"the file of the certificate cannot be read")?,
            pkey: read(wanted.pkey, c"the file of the private key cannot be read")?,
            roots: read(wanted.roots, c"the file of the authorities cannot be read")?,
        })
    }

    fn each(&self) -> [Option<&File>; 3] {
        [self.cert.as_ref(), self.pkey.as_ref(), self.roots.as_ref()]
    }

    fn are_known_by(&self, stamps: &[Option<Stamp>; 3]) -> bool {
        self.each().into_iter().zip(stamps).all(|pair| match pair {
            (None, None) => true,
            (Some(file), Some(stamp)) => file.is_known_by(*stamp),
            _ => false,
        })
    }

    fn are_equal(&self, others: &Files) -> bool {
        self.each().map(|file| file.map(File::text))
            == others.each().map(|file| file.map(File::text))
    }
}

#[cfg(test)]
mod tests;
