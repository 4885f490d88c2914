//! Writes files atomically.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::interrupt;

/// Writes a file atomically: the data goes to a temporary file in the same folder, which replaces an existing file only
/// when it is complete. If the program is killed earlier, the existing file stays unchanged.
///
/// If SIGINT or SIGTERM arrives meanwhile, the program ends only after the write, so that no temporary file is left. The
/// signal handlers are installed by the first write. At any other time they do what the system does by default.
///
/// A symbolic link is followed. A device or a pipe is written to directly; a signal then ends the program immediately,
/// because the write may block for ever.
///
/// # Errors
///
/// [`io::Error`] of the file system. The temporary file is removed.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let existing = fs::metadata(path).ok();
    if existing.as_ref().is_some_and(|existing| !existing.is_file()) {
        return fs::write(path, bytes);
    }
    interrupt::postponed(|| replace(path, existing, bytes))
}

/// Writes a file by writing a temporary file in the same folder and renaming it.
fn replace(path: &Path, existing: Option<fs::Metadata>, bytes: &[u8]) -> io::Result<()> {
    let target = if existing.is_some() { fs::canonicalize(path)? } else { path.to_path_buf() };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sigstack-").suffix(".part");
    // Temporary files are private by default; this one gets the usual permissions.
    #[cfg(unix)]
    let permissions = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.persist(&target)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for text in ["first, longer than the second", "second"] {
            write_file(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // Writing to the path of a folder fails, and so does writing to a folder that does not exist.
        assert!(write_file(folder.path(), b"").is_err());
        assert!(write_file(&folder.path().join("missing/a"), b"").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_kept() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("b"));
        write_file(&path, b"1").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        write_file(&link, b"2").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        write_file(Path::new("/dev/null"), b"3").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
