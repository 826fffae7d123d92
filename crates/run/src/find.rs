//! Finding a program as a shell would.

use crate::{Error, Result};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The command with the program's absolute path, and its folder, as text.
pub(crate) fn command(argv: &[OsString], cwd: &Path) -> Result<(Vec<String>, String)> {
    let (program, rest) = argv.split_first().ok_or(Error::Empty)?;
    if !cwd.is_dir() {
        return Err(Error::NoFolder(cwd.display().to_string()));
    }
    let program = find(program, cwd)?;
    let text = |s: &OsStr| s.to_str().map(str::to_owned).ok_or(Error::NoText);
    let mut all = vec![text(program.as_os_str())?];
    for arg in rest {
        all.push(text(arg)?);
    }
    Ok((all, text(cwd.as_os_str())?))
}

fn find(program: &OsStr, here: &Path) -> Result<PathBuf> {
    let named = Path::new(program);
    let shown = || named.display().to_string();
    if named.components().count() > 1 {
        let path = here.join(named);
        return match (runs(&path), path.exists()) {
            (true, _) => Ok(path),
            (false, true) => Err(Error::NoProgram(shown())),
            (false, false) => Err(Error::NoCommand(shown())),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| endings().iter().map(move |e| folder.join(format!("{}{e}", named.display()))))
        .find(|p| runs(p))
        .ok_or_else(|| Error::NoCommand(shown()))
}

fn endings() -> &'static [&'static str] {
    if cfg!(windows) { &["", ".exe", ".cmd", ".bat"] } else { &[""] }
}

fn runs(path: &Path) -> bool {
    let Ok(meta) = path.metadata() else { return false };
    #[cfg(unix)]
    let executable = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    #[cfg(not(unix))]
    let executable = true;
    meta.is_file() && executable
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_their_absolute_path() {
        let here = Path::new("/");
        let (argv, cwd) = command(&["sh".into(), "-c".into(), "exit 3".into()], here).unwrap();
        assert!(argv[0].starts_with('/') && argv[0].ends_with("/sh"), "{argv:?}");
        assert_eq!(cwd, "/");
        assert_eq!(command(&["bin/sh".into()], here).unwrap().0[0], "/bin/sh");
        for none in ["no-such-program-x", "./no-such"] {
            assert!(matches!(command(&[none.into()], here), Err(Error::NoCommand(_))), "{none}");
        }
        for none in ["/bin/..", "/etc/passwd"] {
            assert!(matches!(command(&[none.into()], here), Err(Error::NoProgram(_))), "{none}");
        }
        for none in ["/no-such-folder", "/etc/passwd", "/tmp\0"] {
            assert!(matches!(command(&["sh".into()], Path::new(none)), Err(Error::NoFolder(_))), "{none:?}");
        }
        assert!(matches!(command(&[], here), Err(Error::Empty)));
    }
}
