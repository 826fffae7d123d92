//! Values of the `.env` files that lie where a command runs: what tools print of them is masked, though no vault has
//! them, by whatever way the command came to them.

#![cfg(unix)]

use crate::import::guess;
use agents::hook::guard::{Class, Guard, normal};
use scan::Needles;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Folders that are looked at, from where it runs up to one that a repository begins in.
const FOLDERS: usize = 64;
/// Entries of a folder that are looked at, by their names.
const ENTRIES: usize = 200_000;
/// Bytes of a file that are read.
const BYTES: u64 = 1 << 20;
/// Values in all.
const VALUES: usize = 1000;
/// Shorter values, and those that are easier to guess, stand in texts for other reasons.
const SHORTEST: usize = 12;
/// The same, in bits.
const BITS: f64 = 40.0;
/// Longer values are keys of several lines at most.
const LONGEST: usize = 8 * 1024;
/// How often a value may begin anew within itself: a text can make much work of one that does so everywhere.
const AGAIN: usize = 4;

/// What is to be masked of the files in folders and above them; none where there is nothing.
#[must_use]
pub fn needles(places: &[&Path], guard: &Guard) -> Option<Arc<Needles>> {
    let mut needles = Needles::new();
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in places.iter().flat_map(|place| folders(&normal(place))) {
        if !all.contains(&folder) {
            all.push(folder);
        }
    }
    for folder in &all {
        for path in files(folder, guard) {
            if let Some(text) = text(&path) {
                add(&text, &mut needles);
            }
        }
    }
    (!needles.is_empty()).then(|| Arc::new(needles))
}

/// A folder and those above it, to the top of its repository; without one the folder alone.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let above: Vec<PathBuf> = folder.ancestors().take(FOLDERS).map(Path::to_owned).collect();
    match above.iter().position(|folder| folder.join(".git").exists()) {
        Some(top) => above[..=top].to_vec(),
        None => vec![folder.to_owned()],
    }
}

fn files(folder: &Path, guard: &Guard) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(ENTRIES);
    let named = entries.filter(|entry| {
        let name = entry.file_name();
        name.as_encoded_bytes().windows(4).any(|part| part == b".env" || part == b".var")
    });
    let secret = |path: &PathBuf| guard.check(path).is_some_and(|secret| secret.class == Class::Env);
    named.map(|entry| entry.path()).filter(secret).collect()
}

fn text(path: &Path) -> Option<Zeroizing<String>> {
    let mut options = std::fs::OpenOptions::new();
    // Nobody may be at the other end of a pipe.
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let file = options.read(true).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(BYTES).read_to_end(&mut bytes).ok()?;
    // A character that is cut at the end, or none at all in one place, loses no more than the value it stands in.
    Some(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Adds the values of a file, as far as it can be read.
fn add(text: &str, needles: &mut Needles) {
    let file = dotenv::parse_readable(text);
    let values = file.values(|_| None).unwrap_or_default();
    for (entry, value) in file.entries().iter().zip(&values) {
        let bytes = value.text.as_bytes();
        let counts = (SHORTEST..=LONGEST).contains(&bytes.len())
            && scan::bits_to_guess(bytes) >= BITS
            && bytes.windows(SHORTEST).filter(|part| bytes.starts_with(part)).count() <= AGAIN
            && guess::stays(entry.name, &value.text).is_none();
        if counts && needles.len() < VALUES {
            let id = u32::try_from(needles.len()).unwrap_or(u32::MAX);
            // Without locked memory for it, the rules and the store's own values are left.
            let _ = needles.add(id, &format!(".env {}", entry.name), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scan::What;

    fn masks(folder: &Path, text: &str) -> usize {
        let needles = needles(&[folder], &Guard::default());
        let hits = scan::find(text.as_bytes(), None, needles.as_deref());
        hits.iter().filter(|hit| matches!(hit.what, What::Value(_))).count()
    }

    #[test]
    fn secrets_of_env_files_here_and_above_are_looked_for() {
        let top = tempfile::tempdir().unwrap();
        let (repo, inner) = (top.path().join("repo"), top.path().join("repo/a/b"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(repo.join(".git")).unwrap();
        let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
        write(&top.path().join(".env"), "OUTSIDE=outside-0123456789\n");
        write(
            &repo.join(".env"),
            "DB_PASS=hunter2hunter2xx\nPORT=3000\nDB_USER_PASS=postgres\nLOG_LEVEL=info\n",
        );
        write(&repo.join(".env.example"), "OTHER_KEY=example-0123456789\n");
        write(&inner.join("prod.env"), "A_KEY=inner-0123456789\nB=$(run)\nC_KEY=\"after-0123456789\"\n");
        let text = "hunter2hunter2xx aHVudGVyMmh1bnRlcjJ4eA== inner-0123456789 after-0123456789 postgres 3000 info \
                    outside-0123456789 example-0123456789";
        assert_eq!(masks(&inner, text), 4);
        assert_eq!(masks(&repo, text), 2);
        assert_eq!(masks(top.path(), text), 1);
        assert_eq!(masks(&repo.join(".git"), text), 2);
    }

    #[test]
    fn a_deep_folder_has_all_of_its_repository_above_it_and_without_one_has_none() {
        let top = tempfile::tempdir().unwrap();
        let deep = top.path().join("a/b/c/d/e/f/g/h/i/j/k/l");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(top.path().join(".env"), "A_KEY=above-0123456789\n").unwrap();
        assert_eq!(masks(&deep, "above-0123456789"), 0);
        std::fs::create_dir(top.path().join(".git")).unwrap();
        assert_eq!(masks(&deep, "above-0123456789"), 1);
    }

    #[test]
    fn bytes_that_are_no_text_and_a_file_that_is_too_long_cost_no_other_values() {
        let top = tempfile::tempdir().unwrap();
        let mut text = b"A_KEY=first-0123456789\nNAME=\xff\nB_KEY=second-0123456789\n".to_vec();
        text.extend(format!("# {}", "é".repeat(BYTES as usize / 2)).into_bytes());
        std::fs::write(top.path().join(".env"), text).unwrap();
        assert_eq!(masks(top.path(), "first-0123456789 second-0123456789"), 2);
    }

    #[test]
    fn a_line_that_can_not_be_read_costs_no_value_of_several_lines_behind_it() {
        let top = tempfile::tempdir().unwrap();
        let text =
            "A=$(run)\nB_KEY=\"first-line-0123456789\nsecond-line-9876543210\"\nC_KEY=third-0123456789\n";
        std::fs::write(top.path().join(".env"), text).unwrap();
        assert_eq!(masks(top.path(), "first-line-0123456789\nsecond-line-9876543210 third-0123456789"), 2);
    }

    #[test]
    fn what_is_no_file_is_passed_over() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        let made = std::process::Command::new("mkfifo").args([at(".env"), at("a.env")]).status();
        assert!(made.unwrap().success());
        std::fs::create_dir(at(".env.d")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("zero.env")).unwrap();
        std::fs::write(at("b.env"), "A_KEY=beside-0123456789\n").unwrap();
        assert_eq!(masks(top.path(), "beside-0123456789"), 1);
    }

    #[test]
    fn what_repeats_itself_makes_no_work() {
        let top = tempfile::tempdir().unwrap();
        let (short, long) = ("ab".repeat(20_000), "x7Kq2mPz9Lw4Rt6V".repeat(100));
        std::fs::write(top.path().join(".env"), format!("A={short}\nB={long}\nC_KEY=beside-0123456789\n"))
            .unwrap();
        assert_eq!(masks(top.path(), &format!("{long} beside-0123456789 {short}")), 1);
    }

    #[test]
    fn references_are_no_values() {
        let top = tempfile::tempdir().unwrap();
        std::fs::write(top.path().join(".env"), "A_KEY=svault://main/A_KEY\n").unwrap();
        assert!(needles(&[top.path()], &Guard::default()).is_none());
    }
}
