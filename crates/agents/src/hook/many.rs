//! Tools that read all files which patterns fit, and tools of servers for git, whose words are git's own.

use super::guard::{TREE, normal};
use super::ignore::Ignored;
use super::rewrite::quoted;
use super::shell::{self, Look, Stop};
use super::tools;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Keys of what is read.
const WANTED: &[&str] = &["paths", "include", "path"];
/// What such a tool leaves out unless it is told not to.
const DEFAULT: &str = ".env";
/// Commands of git that print what is in files.
const GIT: &[&str] = &["diff", "show"];
/// Keys of words for them.
const WORDS: &[&str] = &["target", "revision", "ref", "commit", "source", "base", "args"];

/// A pattern for paths, and the folder that all of them are in.
struct Pattern {
    folder: PathBuf,
    /// Without braces; `**/` may stand for nothing.
    forms: Vec<String>,
    deep: bool,
}

impl Pattern {
    fn of(look: &Look, text: &str) -> Self {
        let whole = normal(&look.cwd.join(text.trim()));
        let is_wild = |part: &Path| part.to_string_lossy().contains(['*', '?', '[', '{']);
        let folder: PathBuf = whole.iter().take_while(|part| !is_wild(Path::new(part))).collect();
        let all = if folder == whole { whole.join("**") } else { whole };
        let forms = shell::patterns(&all.to_string_lossy());
        let short: Vec<String> = forms.iter().map(|form| form.replace("**/", "")).collect();
        let deep = forms.iter().any(|form| form.contains("**"));
        Self { folder, forms: forms.into_iter().chain(short).collect(), deep }
    }

    fn fits(&self, path: &Path) -> bool {
        let long = |form: &String| Path::new(form).iter().count() == path.iter().count();
        let mut forms = self.forms.iter().filter(|form| self.deep || long(form));
        forms.any(|form| shell::fits_any(std::slice::from_ref(form), &path.to_string_lossy()))
    }
}

/// Why `read_many_files` is stopped, if it is.
#[must_use]
pub fn judge(look: &Look, tool: &str, input: &Value) -> Option<Stop> {
    if !tool.ends_with("read_many_files") {
        return None;
    }
    let texts = |key: &str| match input.get(key) {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_off = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(false);
    let defaults = !is_off(input.get("useDefaultExcludes"));
    let options = input.get("file_filtering_options").unwrap_or(input);
    let rules = !is_off(options.get("respect_git_ignore"));
    let out: Vec<Pattern> = texts("exclude").into_iter().map(|text| Pattern::of(look, text)).collect();
    let wanted = WANTED.iter().flat_map(|key| texts(key)).map(|text| Pattern::of(look, text));
    wanted.into_iter().find_map(|pattern| {
        let quiet = Ignored::by_git(&pattern.folder, look.guard.home.as_deref());
        let reads = |path: &Path| {
            let left_out = (defaults && path.file_name().is_some_and(|name| name == DEFAULT))
                || (rules && quiet.leaves_out(path))
                || out.iter().any(|pattern| pattern.fits(path));
            pattern.fits(path) && !left_out
        };
        look.guard.in_tree(&pattern.folder, false, &mut { TREE }, reads).map(Stop::Searches)
    })
}

/// Why a tool is stopped that gives its words to git: `git_diff` with `--no-index /dev/null .env`.
#[must_use]
pub fn by_git(look: &Look, tool: &str, input: &Value) -> Option<Stop> {
    let command = GIT.iter().find(|command| tool.ends_with(&format!("git_{command}")))?;
    let folder = normal(&tools::folder(look, input.get("repo_path").and_then(Value::as_str)));
    let look = Look { cwd: &folder, ..*look };
    WORDS.iter().filter_map(|key| input.get(*key)?.as_str()).find_map(|words| {
        let words: Vec<String> = words.split_whitespace().map(quoted).collect();
        shell::judge(&look, &format!("git {command} {}", words.join(" ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::guard::Guard;
    use serde_json::json;

    #[test]
    fn what_patterns_fit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("src")).unwrap();
        std::fs::write(dir.path().join("src/main.ts"), "foo").unwrap();
        std::fs::write(dir.path().join(".env"), "A=sk-test-1").unwrap();
        let guard = Guard::default();
        let look = Look { guard: &guard, cwd: dir.path(), env: &|_| None };
        let stops = |input: Value| judge(&look, "read_many_files", &input).is_some();
        let here = dir.path().display().to_string();
        for paths in [json!(["**/*"]), json!(["."]), json!([here]), json!(["*"]), json!(["src/*.ts", "**"])] {
            assert!(stops(json!({"paths": paths, "useDefaultExcludes": false})), "{paths}");
            // Without being told so it leaves out a file of just that name.
            assert!(!stops(json!({"paths": paths})), "{paths}");
            assert!(
                !stops(json!({"paths": paths, "useDefaultExcludes": false, "exclude": ["**/.env*"]})),
                "{paths}"
            );
        }
        for paths in
            [json!(["src"]), json!(["**/*.ts"]), json!(["src/**"]), json!(["*/*"]), json!(["*.{md,ts}"])]
        {
            assert!(!stops(json!({"paths": paths, "useDefaultExcludes": false})), "{paths}");
        }
        std::fs::write(dir.path().join(".env.local"), "A=sk-test-1").unwrap();
        assert!(stops(json!({"paths": ["**/*"]})));
        std::fs::write(dir.path().join(".gitignore"), ".env*\n").unwrap();
        assert!(!stops(json!({"include": ["**/*"]})));
        assert!(stops(json!({"paths": ["."], "file_filtering_options": {"respect_git_ignore": false}})));
    }

    #[test]
    fn words_for_git_are_gits() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), "A=sk-test-1").unwrap();
        let guard = Guard::default();
        let look = Look { guard: &guard, cwd: Path::new("/"), env: &|_| None };
        let stops = |tool: &str, key: &str, words: &str| {
            let input = json!({"repo_path": dir.path(), key: words});
            by_git(&look, tool, &input).is_some()
        };
        assert!(stops("git_diff", "target", "--no-index /dev/null .env"));
        assert!(stops("mcp_git_git_show", "revision", "HEAD:.env"));
        assert!(!stops("git_diff", "target", "main"));
        assert!(!stops("git_show", "revision", "HEAD~1"));
    }
}
