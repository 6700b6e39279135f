//! A key that signs, in a file of one line that only its owner may read:
//! `PRIVATE+KEY+name+id+base64(type ‖ seed)`, as Go's `note` package writes them.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use data_encoding::{BASE64, HEXLOWER};
use thiserror::Error;

use super::{Algorithm, NoteKey, ProofError};
use crate::base::{ErrorKind, Explain, durable};

const PREFIX: &str = "PRIVATE+KEY+";
const MODE: u32 = 0o600;

/// Bytes of a key file that is read; a name of a hundred characters takes two hundred.
const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// A key file could not be written or read.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error("{path} can be read by others (mode {mode:03o})")]
    Shared {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It holds no key, or one for something else.
    #[error("{path} does not hold such a key: {why}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// No key can be called so.
    #[error(transparent)]
    Name(#[from] ProofError),
}

impl Explain for KeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Fault,
            Self::Shared { .. } | Self::Form { .. } | Self::Name(_) => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Shared { path, .. } => Some(format!(
                "if nobody else has read it, chmod 600 {}; else make a new key",
                path.display()
            )),
            _ => None,
        }
    }
}

impl NoteKey {
    /// Draws a new key and writes it to `path`, durably, readable by its owner only.
    ///
    /// # Errors
    /// [`KeyError`]; a file that is there is never overwritten.
    pub fn create(path: &Path, name: &str, algorithm: Algorithm) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io {
            path: path.to_owned(),
            source,
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| failed(io::Error::other(e)))?;
        let key = Self::from_seed(name, algorithm, &seed)?;
        let value = [&[algorithm as u8], key.seed().as_slice()].concat();
        let id = HEXLOWER.encode(&key.verifier().id());
        let text = format!("{PREFIX}{name}+{id}+{}\n", BASE64.encode(&value));
        durable::create_new(path, MODE, text.as_bytes()).map_err(failed)?;
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty());
        durable::sync_dir(dir.unwrap_or(Path::new("."))).map_err(failed)?;
        Ok(key)
    }

    /// Reads the key at `path`, which must be one for `algorithm`.
    ///
    /// # Errors
    /// [`KeyError`], also when others may read the file.
    pub fn load(path: &Path, algorithm: Algorithm) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io {
            path: path.to_owned(),
            source,
        };
        let wrong = |why| KeyError::Form {
            path: path.to_owned(),
            why,
        };
        let meta = fs::metadata(path).map_err(io)?;
        let mode = meta.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Shared {
                path: path.to_owned(),
                mode,
            });
        }
        if meta.len() > KEY_FILE_BYTES_MAX {
            return Err(wrong("it is too long"));
        }
        let text = fs::read_to_string(path).map_err(io)?;
        let mut parts = text
            .strip_prefix(PREFIX)
            .and_then(|t| t.strip_suffix('\n'))
            .ok_or_else(|| wrong("it is not one line that begins with PRIVATE+KEY+"))?
            .splitn(3, '+');
        let (Some(name), Some(id), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it has too few parts"));
        };
        let value = BASE64
            .decode(value.as_bytes())
            .map_err(|_| wrong("its last part is not base64"))?;
        let (Some(kind), Ok(seed)) = (
            value.first(),
            <&[u8; 32]>::try_from(value.get(1..).unwrap_or(&[])),
        ) else {
            return Err(wrong("its seed is not of 32 bytes"));
        };
        if *kind != algorithm as u8 {
            return Err(wrong("the key is for another purpose"));
        }
        let key = Self::from_seed(name, algorithm, seed)?;
        if HEXLOWER.encode(&key.verifier().id()) != id {
            return Err(wrong("its id is not that of its name and seed"));
        }
        Ok(key)
    }
}
