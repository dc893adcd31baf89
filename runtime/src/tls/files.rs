//! PEM files, and whether they are still what they were when they were read.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::errno::{Errno, Result};

/// Seconds after a change in which another one may leave the same time behind: what clocks of file
/// systems count in, and more.
const UNSETTLED: i64 = 3;

/// What the system tells of a file. Whoever changes the file changes this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that was read.
#[derive(Debug)]
pub struct File {
    stamp: Stamp,
    /// Whether the stamp says enough: not that of a pipe, nor that of a file which had just been
    /// changed and may have been once more.
    is_settled: bool,
    text: Vec<u8>,
}

impl Stamp {
    /// That of the file with this name, if there is one.
    pub fn at(path: &[u8]) -> Option<Stamp> {
        fs::metadata(name(path)).ok().map(|found| Stamp::of(&found))
    }

    fn of(found: &Metadata) -> Stamp {
        Stamp {
            device: found.dev(),
            inode: found.ino(),
            length: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

impl File {
    /// Reads a file. Errors: those of the system; ENOMEM.
    pub fn read(path: &[u8]) -> Result<File> {
        let mut file = fs::File::open(name(path)).map_err(of_system)?;
        // Before it is read: a change meanwhile comes after this.
        let found = file.metadata().map_err(of_system)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(of_system)?;
        let is_settled = found.is_file() && found.ctime() < now() - UNSETTLED;
        Ok(File { stamp: Stamp::of(&found), is_settled, text })
    }

    /// What was in it.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether a file with this stamp is certain to be this one, unchanged.
    pub fn is_known_by(&self, stamp: Stamp) -> bool {
        self.is_settled && self.stamp == stamp
    }
}

fn name(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

fn of_system(error: io::Error) -> Errno {
    let other = if error.kind() == ErrorKind::OutOfMemory { libc::ENOMEM } else { libc::EIO };
    Errno(error.raw_os_error().unwrap_or(other))
}

fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or_default()
}
