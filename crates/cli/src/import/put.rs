//! A new text in the place of a file, in one step, and nothing of it anywhere else: where the file system can, it has no
//! name until the moment before it takes the file's.

use super::rights;
use super::source::{Place, Source, same};
use crate::report::Error;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, openat, renameat, statat, unlinkat};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

/// A step of putting a file in place; see [`Place::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The new text is to be written.
    Write,
    /// It is to be synced.
    Sync,
    /// The old file is to be looked at once more.
    Look,
    /// The new one is to get a name beside the old one, where it has none.
    Name,
    /// It is to take the old one's name.
    Rename,
    /// The folder is to be synced.
    SyncFolder,
}

/// What stands between the file's name and the random part of a name beside it.
const MARK: &str = ".svault-";
/// Random bytes in such a name.
const RANDOM: usize = 6;

/// A new text beside the file that it is to replace: written and synced, and with a name only where the file system wants
/// one. Dropped, it is gone.
pub struct Draft<'p> {
    place: &'p Place,
    file: File,
    /// The name that it has or will have beside the file.
    temp: OsString,
    /// Whether it has that name now.
    named: bool,
}

impl Place {
    /// Puts a text in place of the file that was read (none: of no file) in one step: whoever looks sees the old file
    /// or the new one. `before` is asked before each step; the file in the making is gone when a step fails. What a run
    /// that was killed left beside the file goes first.
    ///
    /// # Errors
    /// Where the file is no longer the one that was read, or can't be written. It is as it was then.
    pub fn put(
        &self,
        text: &str,
        old: Option<&Source>,
        before: &mut dyn FnMut(Step) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        self.draft(text, old, before)?.replace(old, before)
    }

    /// The first half of [`Place::put`]: all that can fail for want of rights or room.
    ///
    /// # Errors
    /// Where the file can't be replaced.
    pub fn draft(
        &self,
        text: &str,
        old: Option<&Source>,
        before: &mut dyn FnMut(Step) -> std::io::Result<()>,
    ) -> Result<Draft<'_>, Error> {
        let io = |e: std::io::Error| self.unwritable(&e);
        if let Some(why) = old.and_then(|_| self.held()) {
            let text = format!("{} can't be replaced: {why}", self.path.display());
            return Err(
                Error::new("refused", wire::exit::FAILED, text).hint("copy it to an ordinary file first")
            );
        }
        self.sweep();
        before(Step::Write).map_err(io)?;
        let mut draft = self.empty(self.temp_name()?).map_err(io)?;
        draft.file.write_all(text.as_bytes()).map_err(io)?;
        if let Some(old) = old {
            rights::like(&draft.file, &old.rights).map_err(io)?;
        }
        before(Step::Sync).map_err(io)?;
        draft.file.sync_all().map_err(io)?;
        Ok(draft)
    }

    fn unwritable(&self, e: &std::io::Error) -> Error {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let error = Error::io("write", &self.path, e);
        if matches!(e.kind(), PermissionDenied | ReadOnlyFilesystem) {
            return error.hint("a file is replaced in one step: its folder must let you make a file there");
        }
        error
    }

    /// An empty file in the folder: without a name where that can be had, for the user alone.
    fn empty(&self, temp: OsString) -> std::io::Result<Draft<'_>> {
        if let Some(file) = self.nameless() {
            return Ok(Draft { place: self, file, temp, named: false });
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.folder, &temp, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Draft { place: self, file: File::from(file), temp, named: true })
    }

    /// Why no other file can take this one's name, although its folder can be written.
    #[cfg(target_os = "linux")]
    fn held(&self) -> Option<&'static str> {
        use rustix::fs::{StatxAttributes as A, StatxFlags, statx};
        use std::ffi::OsStr;
        let of = |name: &OsStr| {
            let all = statx(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).ok()?;
            Some(all.stx_attributes & all.stx_attributes_mask)
        };
        let (file, folder) = (of(&self.name)?, of(OsStr::new("."))?);
        if file.contains(A::MOUNT_ROOT) {
            return Some("it is mounted by itself, such as a container's file is");
        }
        (file | folder)
            .intersects(A::IMMUTABLE | A::APPEND)
            .then_some("it is marked as unchangeable (chattr)")
    }

    #[cfg(not(target_os = "linux"))]
    fn held(&self) -> Option<&'static str> {
        None
    }

    #[cfg(target_os = "linux")]
    fn nameless(&self) -> Option<File> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = openat(&self.folder, ".", flags, Mode::RUSR | Mode::WUSR).ok()?;
        // It gets its name through /proc, which is not everywhere.
        std::fs::symlink_metadata(own_path(&file)).ok()?;
        Some(File::from(file))
    }

    #[cfg(not(target_os = "linux"))]
    fn nameless(&self) -> Option<File> {
        None
    }

    fn temp_name(&self) -> Result<OsString, Error> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random).map_err(|e| Error::failed("no random number", e))?;
        let mut name = self.temp_prefix();
        name.push(wire::hex::encode(&random));
        Ok(name)
    }

    fn temp_prefix(&self) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(MARK);
        name
    }

    /// Removes what a run that was killed between two steps left: files of this user whose name is one of ours.
    fn sweep(&self) {
        let Ok(names) = std::fs::read_dir(self.folder()) else { return };
        let prefix = self.temp_prefix();
        let user = rustix::process::geteuid().as_raw();
        for name in names.flatten().map(|entry| entry.file_name()) {
            let Some(rest) = name.as_bytes().strip_prefix(prefix.as_bytes()) else { continue };
            let ours = rest.len() == 2 * RANDOM && rest.iter().all(u8::is_ascii_hexdigit);
            let stat = statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW);
            let is_file = |s: &Stat| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile;
            if ours && stat.is_ok_and(|s| is_file(&s) && s.st_uid == user) {
                let _ = unlinkat(&self.folder, &name, AtFlags::empty());
            }
        }
    }
}

impl Draft<'_> {
    /// The second half of [`Place::put`]: it takes the file's name, if that is still the file that was read.
    ///
    /// # Errors
    /// Where it is another, or the name can't be taken.
    pub fn replace(
        mut self,
        old: Option<&Source>,
        before: &mut dyn FnMut(Step) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let place = self.place;
        let io = |e: std::io::Error| place.unwritable(&e);
        before(Step::Look).map_err(io)?;
        match (old, place.read_if_there()?) {
            (None, None) => {}
            (Some(old), Some(now)) if same(&old.stat, &now.stat) && now.bytes.ct_eq(old.bytes.expose()) => {}
            _ => return Err(place.changed()),
        }
        before(Step::Name).map_err(io)?;
        if !self.named {
            let from = own_path(&self.file);
            let (folder, follow) = (&place.folder, AtFlags::SYMLINK_FOLLOW);
            rustix::fs::linkat(rustix::fs::CWD, from, folder, &self.temp, follow)
                .map_err(|e| io(e.into()))?;
            self.named = true;
        }
        before(Step::Rename).map_err(io)?;
        renameat(&place.folder, &self.temp, &place.folder, &place.name).map_err(|e| io(e.into()))?;
        self.named = false;
        // The file is the new one from here on; what follows is about a power cut only.
        before(Step::SyncFolder).and_then(|()| Ok(rustix::fs::fsync(&place.folder)?)).map_err(|e| {
            let text = format!("{} is in place, but its folder could not be synced", place.path.display());
            Error::failed(text, e).hint("run 'sync'")
        })
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.named {
            let _ = unlinkat(&self.place.folder, &self.temp, AtFlags::empty());
        }
    }
}

fn own_path(file: &impl std::os::fd::AsRawFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    const STEPS: [Step; 6] =
        [Step::Write, Step::Sync, Step::Look, Step::Name, Step::Rename, Step::SyncFolder];

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_failure_at_any_step_leaves_the_old_file_or_the_new_one_and_nothing_else() {
        for fails in STEPS {
            let (dir, path) = file("old");
            let place = Place::of(&path).unwrap();
            let source = place.read().unwrap();
            let mut seen = Vec::new();
            let put = place.put("new", Some(&source), &mut |step| {
                seen.push(std::fs::read_to_string(&path).unwrap());
                if step == fails { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            });
            assert!(put.is_err());
            assert!(seen.iter().all(|text| text == "old" || text == "new"), "{seen:?}");
            let left = std::fs::read_to_string(&path).unwrap();
            assert_eq!(left, if fails == Step::SyncFolder { "new" } else { "old" });
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "{fails:?}");
        }
    }

    #[test]
    fn the_mode_is_kept_and_the_steps_come_in_order() {
        let (_dir, path) = file("old");
        let place = Place::of(&path).unwrap();
        let source = place.read().unwrap();
        let mut steps = Vec::new();
        place
            .put("new", Some(&source), &mut |step| {
                steps.push(step);
                Ok(())
            })
            .unwrap();
        assert_eq!(steps, STEPS);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    }

    #[test]
    fn a_file_that_was_changed_or_swapped_is_left_alone() {
        let other = |path: &Path| {
            std::fs::remove_file(path).unwrap();
            std::fs::write(path, "old").unwrap();
        };
        let changes: [&dyn Fn(&Path); 3] = [&|path| std::fs::write(path, "mine").unwrap(), &other, &|path| {
            std::fs::remove_file(path).unwrap()
        }];
        for change in changes {
            let (_dir, path) = file("old");
            let place = Place::of(&path).unwrap();
            let source = place.read().unwrap();
            change(&path);
            let now = std::fs::read_to_string(&path).ok();
            let e = place.put("new", Some(&source), &mut |_| Ok(())).unwrap_err();
            assert_eq!(e.code, "file_changed");
            assert_eq!(std::fs::read_to_string(&path).ok(), now);
        }
    }

    fn beside(dir: &Path) -> Vec<String> {
        let names =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name != ".env").collect()
    }

    /// Not a test of its own: the process that the next one starts, and that ends itself at a step.
    #[test]
    fn a_run_that_is_killed() {
        let (Ok(path), Ok(step)) = (std::env::var("SVAULT_TEST_PUT"), std::env::var("SVAULT_TEST_STEP"))
        else {
            return;
        };
        let place = Place::of(Path::new(&path)).unwrap();
        let source = place.read().unwrap();
        let _ = place.put("sk-test-new", Some(&source), &mut |now| {
            if format!("{now:?}") == step {
                let _ =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
            Ok(())
        });
    }

    #[test]
    fn a_kill_leaves_nothing_beside_the_file_but_at_the_one_step_where_the_next_run_takes_it_away() {
        for step in STEPS {
            let (dir, path) = file("old");
            let ended = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "import::put::tests::a_run_that_is_killed"])
                .env("SVAULT_TEST_PUT", &path)
                .env("SVAULT_TEST_STEP", format!("{step:?}"))
                .output()
                .unwrap();
            let signal = std::os::unix::process::ExitStatusExt::signal(&ended.status);
            assert_eq!(signal, Some(9), "{step:?}: {ended:?}");
            let left = std::fs::read_to_string(&path).unwrap();
            assert_eq!(left, if step == Step::SyncFolder { "sk-test-new" } else { "old" }, "{step:?}");
            let named = step == Step::Rename || (cfg!(not(target_os = "linux")) && step != Step::Write);
            let most = usize::from(named && step != Step::SyncFolder);
            assert_eq!(beside(dir.path()).len(), most, "{step:?}: {:?}", beside(dir.path()));
            let place = Place::of(&path).unwrap();
            let source = place.read().unwrap();
            place.put("again", Some(&source), &mut |_| Ok(())).unwrap();
            assert_eq!(beside(dir.path()), Vec::<String>::new(), "{step:?}");
        }
    }

    #[test]
    fn only_what_has_a_name_of_ours_is_taken_away() {
        let (dir, path) = file("old");
        let stay = [
            ".env.svault-0123",
            "..env.svault-0123456789ag",
            "..env.svault-0123456789abc",
            ".x.svault-0123456789ab",
        ];
        for name in stay {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(&path, dir.path().join("..env.svault-aaaaaaaaaaaa")).unwrap();
        std::fs::write(dir.path().join("..env.svault-0123456789ab"), "x").unwrap();
        let place = Place::of(&path).unwrap();
        place.put("new", Some(&place.read().unwrap()), &mut |_| Ok(())).unwrap();
        let left = beside(dir.path());
        assert_eq!(left.len(), stay.len() + 1, "{left:?}");
        assert!(!left.contains(&"..env.svault-0123456789ab".to_owned()));
    }
}
