//! Where the conformance data lies. It is not part of the repository: it is looked for beside it, or where
//! `CERTFLIGHT_CORPORA` says.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flate2::read::GzDecoder;

/// The folder of the data.
pub struct Corpora(PathBuf);

impl Corpora {
    /// `None` where there is none, which is said past the test runner's capture.
    pub fn find(test: &str) -> Option<Self> {
        let folder = std::env::var_os("CERTFLIGHT_CORPORA")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
        if folder.is_dir() {
            return Some(Self(folder));
        }
        say(&format!("SKIPPED {test}: no corpora at {}; set CERTFLIGHT_CORPORA to where they are\n", folder.display()));
        None
    }

    /// A file's contents.
    pub fn read(&self, name: &str) -> Bytes {
        let path = self.0.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display())).into()
    }

    /// What a gzip file holds.
    pub fn unpack(&self, name: &str) -> Vec<u8> {
        let path = self.0.join(name);
        let file = File::open(&path).unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
        let mut contents = Vec::new();
        GzDecoder::new(file)
            .read_to_end(&mut contents)
            .unwrap_or_else(|error| panic!("cannot unpack {}: {error}", path.display()));
        contents
    }
}

/// Writes to standard error, past the test runner's capture, which shows what a passing test prints to nobody.
pub fn say(text: &str) {
    #[expect(clippy::explicit_write, reason = "eprint! would be captured by the test runner")]
    write!(std::io::stderr(), "{text}").unwrap();
}
