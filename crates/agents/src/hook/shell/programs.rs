//! Programs, by what they do with the words they are given.

/// What a program does with its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes them as text or names: says nothing of what is in a file.
    Mention,
    /// Prints or copies what is in the files.
    Reader,
    /// Copies the first ones to the last.
    Copy,
    /// Searches files for its first argument.
    Search,
    /// Runs a small program, its first argument, over the files.
    Filter,
    /// As [`Role::Filter`], in a language in which `.env` is a field.
    Query,
    /// Runs code in a language of its own.
    Code,
    /// A shell.
    Shell,
    /// Makes its arguments a command line: `eval`, `trap`.
    Eval,
    /// Makes words of what it reads: `xargs`.
    Words,
    /// Runs the rest of the line as it is: `sudo`, `env`, `timeout`.
    Wrapper,
    /// `find` and its like.
    Find,
    /// `ls` and its like.
    List,
    /// `cd`, `pushd`, `popd`.
    Cd,
    /// `for NAME in …`
    For,
    /// Names variables.
    Declare,
    /// Reads a variable.
    Read,
    /// `git`.
    Git,
    /// `gh` and `glab`.
    Forge,
    /// `docker` and its like.
    Containers,
    /// Applies a patch, which says in its text which files it changes.
    Patch,
    /// svault itself.
    Svault,
    /// Anything else: a protected file in its arguments is a reason to stop.
    Other,
}

const TABLE: &[(Role, &[&str])] = &[
    (
        Role::Mention,
        &[
            "echo",
            "printf",
            "test",
            "[",
            "[[",
            "]]",
            "touch",
            "mkdir",
            "rm",
            "rmdir",
            "unlink",
            "chmod",
            "chown",
            "which",
            "type",
            "basename",
            "dirname",
            "realpath",
            "readlink",
            "file",
            "stat",
            "alias",
            "unalias",
            "true",
            "false",
            ":",
            "unset",
            "kill",
            "sleep",
            "man",
            "set",
            "shift",
            "case",
            "in",
            "function",
            "exit",
            "return",
            "wait",
            "ulimit",
            "shopt",
            "setopt",
            "hash",
            "pwd",
            "date",
            "select",
            "compgen",
            "((",
            "du",
            "wc",
            "cowsay",
            "say",
            "notify-send",
            "logger",
        ],
    ),
    (
        Role::Reader,
        &[
            "cat",
            "bat",
            "batcat",
            "less",
            "more",
            "most",
            "head",
            "tail",
            "tac",
            "nl",
            "od",
            "xxd",
            "hexdump",
            "hd",
            "strings",
            "base64",
            "base32",
            "basenc",
            "dd",
            "source",
            ".",
            "tee",
            "sort",
            "uniq",
            "cut",
            "paste",
            "column",
            "fold",
            "fmt",
            "pr",
            "rev",
            "tr",
            "split",
            "csplit",
            "expand",
            "diff",
            "cmp",
            "comm",
            "join",
            "iconv",
            "openssl",
            "gpg",
            "zip",
            "tar",
            "gzip",
            "bzip2",
            "xz",
            "zstd",
            "cpio",
            "mapfile",
            "readarray",
            "vim",
            "vi",
            "nvim",
            "nano",
            "emacs",
            "ed",
            "ex",
            "view",
            "code",
            "open",
            "xdg-open",
            "pbcopy",
            "xclip",
            "curl",
            "wget",
            "scp",
            "sftp",
            "nc",
            "ncat",
            "socat",
            "shuf",
            "look",
        ],
    ),
    (Role::Copy, &["cp", "mv", "ln", "install", "rsync", "ditto", "gcp", "gmv"]),
    (Role::Search, &["grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack", "ugrep", "rgrep"]),
    (Role::Filter, &["sed", "gsed", "awk", "gawk", "mawk", "nawk"]),
    (Role::Query, &["jq", "yq", "gojq", "jaq", "dasel", "xq"]),
    (
        Role::Code,
        &[
            "python",
            "pypy",
            "node",
            "nodejs",
            "bun",
            "deno",
            "ruby",
            "perl",
            "php",
            "lua",
            "luajit",
            "rscript",
            "julia",
            "tclsh",
            "osascript",
            "pwsh",
            "powershell",
            "uv",
            "poetry",
            "pipx",
            "npx",
            "tsx",
            "ts-node",
        ],
    ),
    (Role::Shell, &["sh", "bash", "zsh", "dash", "ksh", "fish", "ash", "busybox"]),
    (Role::Eval, &["eval", "trap"]),
    (Role::Words, &["xargs", "parallel", "gxargs"]),
    (
        Role::Wrapper,
        &[
            "sudo",
            "doas",
            "env",
            "command",
            "builtin",
            "exec",
            "nohup",
            "nice",
            "ionice",
            "time",
            "timeout",
            "gtimeout",
            "stdbuf",
            "setsid",
            "caffeinate",
            "chronic",
            "unbuffer",
            "script",
            "watch",
            "then",
            "do",
            "else",
        ],
    ),
    (Role::Find, &["find", "fd", "fdfind", "gfind"]),
    (Role::List, &["ls", "exa", "eza", "lsd", "tree", "dir", "vdir"]),
    (Role::Cd, &["cd", "chdir", "pushd", "popd"]),
    (Role::For, &["for"]),
    (Role::Declare, &["export", "declare", "typeset", "local", "readonly"]),
    (Role::Read, &["read"]),
    (Role::Git, &["git"]),
    (Role::Forge, &["gh", "glab"]),
    (Role::Containers, &["docker", "docker-compose", "podman", "podman-compose", "nerdctl"]),
    (Role::Patch, &["apply_patch", "applypatch", "patch", "gpatch"]),
    (Role::Svault, &["svault"]),
];

/// What a program does, by its name or path.
#[must_use]
pub fn role(program: &str) -> Role {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let name = if program.ends_with('/') { program } else { name };
    let name = name.strip_suffix(".exe").unwrap_or(name).to_ascii_lowercase();
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let find = |name: &str| TABLE.iter().find(|(_, names)| names.contains(&name)).map(|(role, _)| *role);
    find(&name).or_else(|| find(bare).filter(|_| !bare.is_empty())).unwrap_or(Role::Other)
}

/// `git` commands that say nothing of what is in the files they are given.
pub const GIT_MENTIONS: &[&str] = &[
    "add",
    "rm",
    "check-ignore",
    "status",
    "ls-files",
    "ls-tree",
    "restore",
    "checkout",
    "switch",
    "reset",
    "commit",
    "update-index",
    "branch",
    "push",
    "pull",
    "fetch",
    "clone",
    "init",
    "config",
    "remote",
    "tag",
    "rev-parse",
    "merge",
    "rebase",
    "stash-list",
    "check-attr",
    "clean",
    "worktree",
    "rev-list",
    "shortlog",
    "describe",
    "filter-repo",
    "filter-branch",
];

/// `compose` commands that print none of the settings.
pub const COMPOSE_MENTIONS: &[&str] = &[
    "up", "down", "build", "ps", "logs", "pull", "push", "start", "stop", "restart", "create", "rm", "kill",
    "images", "top", "port", "wait", "pause", "unpause", "ls", "version",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_path_and_version() {
        for (program, is) in [
            ("/usr/bin/cat", Role::Reader),
            ("python3.12", Role::Code),
            ("./bin/bash", Role::Shell),
            (".", Role::Reader),
            ("npm", Role::Other),
            ("base64", Role::Reader),
            ("[", Role::Mention),
        ] {
            assert_eq!(role(program), is, "{program}");
        }
    }

    #[test]
    fn no_program_is_listed_twice() {
        let mut all: Vec<&str> = TABLE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
