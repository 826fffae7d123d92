//! Tests that were skipped, and the one command that brings what they want.
//!
//! A test that can't run here appends `test<TAB>what is missing<TAB>command that brings it` to the file that
//! `SVAULT_SKIPS` names, and returns. With `CI=true` it fails instead.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// The file that tests write to.
pub struct Skips {
    path: PathBuf,
}

impl Skips {
    /// An empty list. It lies in a folder of its own that every user may write to: some tests run as another user.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("svault-skips-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self { path }
    }

    /// Tells a test runner where it is.
    pub fn name_in(&self, command: &mut Command) {
        command.env("SVAULT_SKIPS", &self.path);
    }

    /// Says which tests were skipped and what brings them; gives their number.
    pub fn tell(&self) -> usize {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let by_need = sorted(&text);
        for ((missing, command), tests) in &by_need {
            eprintln!("\nskipped, for want of {missing}:");
            for test in tests {
                eprintln!("    {test}");
            }
            eprintln!("  to run them: {command}");
        }
        by_need.values().map(Vec::len).sum()
    }
}

impl Drop for Skips {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What is missing and the command that brings it → the tests, each once.
fn sorted(text: &str) -> BTreeMap<(&str, &str), Vec<&str>> {
    let mut by_need: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, '\t');
        let (Some(test), Some(missing), Some(command)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if seen.insert(test) {
            by_need.entry((missing, command)).or_default().push(test);
        }
    }
    by_need
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_once_under_what_it_wants() {
        let text =
            "a\ttmux\tapt-get install tmux\nb\ttmux\tapt-get install tmux\na\troot\tsudo\nbroken line\n";
        let by_need = sorted(text);
        assert_eq!(by_need.len(), 1);
        assert_eq!(by_need[&("tmux", "apt-get install tmux")], ["a", "b"]);
    }
}
