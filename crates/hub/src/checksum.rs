//! Whether a file is what the hub says it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A checksum that does not agree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) algorithm: &'static str,
    pub(crate) found: String,
    pub(crate) expected: String,
}

/// Compares a file with its entity tag: the SHA-256 of large files, git's SHA-1 of others. A tag of another form says
/// nothing about the content.
pub(crate) fn check(path: &Path, tag: &str) -> std::io::Result<Option<Mismatch>> {
    let is_hex = tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (algorithm, found) = match tag.len() {
        64 if is_hex => ("SHA-256", digest::<Sha256>(path, &[])?),
        40 if is_hex => {
            let header = format!("blob {}\0", path.metadata()?.len());
            ("the SHA-1 of git", digest::<Sha1>(path, header.as_bytes())?)
        }
        _ => return Ok(None),
    };
    let expected = tag.to_lowercase();
    Ok((found != expected).then_some(Mismatch { algorithm, found, expected }))
}

fn digest<D: Digest>(path: &Path, header: &[u8]) -> std::io::Result<String> {
    let mut digest = D::new();
    digest.update(header);
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        digest.update(&buffer[..length]);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sha_256_or_the_sha_1_of_git() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "hello\n").expect("written");
        // sha256sum, and git hash-object, of a file with this line.
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        for tag in [sha256, git, "W/some-tag", ""] {
            assert_eq!(check(&path, tag).expect("readable"), None, "{tag}");
        }
        let other = git.replace('c', "d");
        let found = check(&path, &other).expect("readable").expect("another");
        assert_eq!((found.found.as_str(), found.algorithm), (git, "the SHA-1 of git"));
    }
}
