//! Programs that say nothing of what is in files, but for options with a file whose text they print: `date -f FILE`.

/// Programs, with the letters and the long names of such options.
const OPTIONS: &[(&str, &str, &[&str])] = &[
    ("date", "f", &["file"]),
    ("du", "", &["files0-from"]),
    ("file", "fm", &["files-from", "magic-file"]),
    ("logger", "f", &["file"]),
    ("say", "f", &["input-file"]),
    ("tree", "", &["infofile"]),
    ("wc", "", &["files0-from"]),
];

/// The files whose text a call prints, each with the forms of its name; without a form where the name is yet to come.
#[must_use]
pub fn files(name: &str, args: &[Vec<String>]) -> Vec<Vec<String>> {
    let name = base(name);
    let word = |at: usize| args.get(at).and_then(|forms| forms.first()).map_or("", String::as_str);
    let plain = || args.iter().filter(|forms| !forms.iter().any(|form| form.starts_with('-'))).cloned();
    if takes_all(name, args) {
        return plain().collect();
    }
    if name == "man" {
        // With a folder it is a file, and no page.
        return plain().filter(|forms| forms.iter().any(|form| form.contains('/'))).collect();
    }
    let Some((_, letters, long)) = OPTIONS.iter().find(|(program, ..)| *program == name) else {
        return Vec::new();
    };
    let file = |at: usize| match behind(word(at), letters, long)? {
        "" => Some(args.get(at + 1).cloned().unwrap_or_default()),
        rest => {
            let from = word(at).len() - rest.len();
            Some(args[at].iter().filter_map(|form| form.get(from..)).map(str::to_owned).collect())
        }
    };
    (0..args.len()).filter_map(file).collect()
}

/// Whether a call prints the text of files that it is given, or would of more.
#[must_use]
pub fn shows(name: &str, args: &[Vec<String>]) -> bool {
    base(name) == "man" || takes_all(base(name), args) || !files(name, args).is_empty()
}

/// Whether an option makes all its words such files: `man -l`, `tree --fromfile`.
fn takes_all(name: &str, args: &[Vec<String>]) -> bool {
    let local = |word: &str| match word.strip_prefix("--") {
        Some(long) => long.starts_with("lo") && "local-file".starts_with(long),
        None => word.starts_with('-') && word.contains('l'),
    };
    let mut words = args.iter().filter_map(|forms| forms.first());
    match name {
        "man" => words.any(|word| local(word)),
        "tree" => words.any(|word| matches!(word.as_str(), "--fromfile" | "--fromtabfile")),
        _ => false,
    }
}

/// What stands behind such an option in its word. Long ones may be cut short, letters stand behind others.
fn behind<'w>(word: &'w str, letters: &str, long: &[&str]) -> Option<&'w str> {
    if let Some(option) = word.strip_prefix("--") {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        return (!name.is_empty() && long.iter().any(|long| long.starts_with(name))).then_some(value);
    }
    let short = word.strip_prefix('-')?;
    short.find(|c| letters.contains(c)).map(|at| &short[at + 1..])
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
