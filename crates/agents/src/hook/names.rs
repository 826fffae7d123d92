//! Which files hold secrets, by name and place, and why each is on the list.

/// Why a file is kept from an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Settings of a program with secrets among them: `.env` and its like. Readable where it holds only references.
    Env,
    /// A private key, or a store of keys.
    Key,
    /// A program's saved login.
    Login,
    /// svault's own store or socket.
    Own,
    /// The environment of a process, in which `svault run` puts values.
    Environment,
    /// A folder with more files than are looked at.
    Large,
}

impl Class {
    /// What such a file is, for the reason that the model is given.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Env => "a file with secrets in it",
            Self::Key => "a private key",
            Self::Login => "a saved login",
            Self::Own => "svault's own",
            Self::Environment => "the environment of a process",
            Self::Large => "a folder with more files than can be looked through",
        }
    }
}

/// When a name on the list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// Where the text has one of these words; a file that can't be read does not count.
    Has(&'static [&'static str]),
    /// Where the text has one of these words with a value behind it that is no reference to a variable.
    Sets(&'static [&'static str]),
    /// Where the text has one of these words, or an address with a login in it.
    Logs(&'static [&'static str]),
    /// Unless the text has one of these words and none of a private key.
    Unless(&'static [&'static str]),
}

/// Parts of a name that make it a pattern for people to copy, without secrets.
const TEMPLATES: &[&str] =
    &["example", "examples", "sample", "template", "tmpl", "tpl", "dist", "default", "defaults", "schema"];

/// Words of code that end in `.env` and are no file.
const CODE: &[&str] = &["process", "meta", "import.meta", "deno", "bun", "globalthis.process", "os"];

const PUBLIC: &[&str] = &[
    "BEGIN CERTIFICATE",
    "BEGIN NEW CERTIFICATE",
    "BEGIN TRUSTED CERTIFICATE",
    "BEGIN PUBLIC KEY",
    "BEGIN RSA PUBLIC KEY",
    "BEGIN EC PUBLIC KEY",
    "BEGIN PGP PUBLIC KEY",
    "BEGIN SSH2 PUBLIC KEY",
    "BEGIN DH PARAMETERS",
    "BEGIN X509 CRL",
];

/// Whole names.
const NAMES: &[(&str, Class, When)] = &[
    (".envrc", Class::Env, When::Always),     // direnv
    (".dev.vars", Class::Env, When::Always),  // Cloudflare's wrangler
    ("master.key", Class::Key, When::Always), // Rails
    (".netrc", Class::Login, When::Always),   // curl, git, ftp
    ("_netrc", Class::Login, When::Always),
    (".pypirc", Class::Login, When::Always), // twine
    (".pgpass", Class::Login, When::Always), // PostgreSQL
    (".my.cnf", Class::Login, When::Always), // MySQL
    (".git-credentials", Class::Login, When::Always),
    (".htpasswd", Class::Login, When::Always),
    (".dockercfg", Class::Login, When::Always),
    (".vault-token", Class::Login, When::Always),
    (".s3cfg", Class::Login, When::Always),
    (".boto", Class::Login, When::Always),
    (".databrickscfg", Class::Login, When::Always),
    ("rclone.conf", Class::Login, When::Always),
    ("credentials.tfrc.json", Class::Login, When::Always),
    ("application_default_credentials.json", Class::Login, When::Always),
    ("kubeconfig", Class::Login, When::Always),
    // Most of these hold settings alone; agents read them all day.
    (".npmrc", Class::Login, When::Sets(&["_auth", "_password"])),
    (".yarnrc.yml", Class::Login, When::Sets(&["npmAuth"])),
    (".terraformrc", Class::Login, When::Has(&["token"])),
    ("pip.conf", Class::Login, When::Logs(&["password"])),
    (
        "credentials.json",
        Class::Login,
        When::Has(&["private_key", "client_secret", "refresh_token", "secret"]),
    ),
    ("service-account.json", Class::Login, When::Has(&["private_key"])),
    ("serviceaccountkey.json", Class::Login, When::Has(&["private_key"])),
];

/// Ends of a path, from a folder down.
const PLACES: &[(&str, Class)] = &[
    (".aws/credentials", Class::Login),
    (".kube/config", Class::Login),
    (".docker/config.json", Class::Login),
    (".config/gh/hosts.yml", Class::Login),
    (".config/hub", Class::Login),
    (".config/gcloud/credentials.db", Class::Login),
    (".config/gcloud/access_tokens.db", Class::Login),
    (".cargo/credentials", Class::Login),
    (".cargo/credentials.toml", Class::Login),
    (".gem/credentials", Class::Login),
    (".azure/msal_token_cache.json", Class::Login),
    (".azure/accesstokens.json", Class::Login),
    (".streamlit/secrets.toml", Class::Env),
    // The logins of agents themselves.
    (".claude/.credentials.json", Class::Login),
    (".codex/auth.json", Class::Login),
    (".gemini/oauth_creds.json", Class::Login),
    (".qwen/oauth_creds.json", Class::Login),
    ("opencode/auth.json", Class::Login),
];

/// Ends of names.
const ENDS: &[(&str, Class, When)] = &[
    (".pem", Class::Key, When::Unless(PUBLIC)),
    (".key", Class::Key, When::Unless(PUBLIC)),
    (".ppk", Class::Key, When::Always),
    (".p12", Class::Key, When::Always),
    (".pfx", Class::Key, When::Always),
    (".jks", Class::Key, When::Always),
    (".keystore", Class::Key, When::Always),
    (".kdbx", Class::Key, When::Always),
    (".kubeconfig", Class::Login, When::Always),
];

/// Files in `.ssh` that are no secret.
const SSH_OPEN: &[&str] =
    &["config", "known_hosts", "known_hosts.old", "authorized_keys", "environment", "rc"];

/// Folders in `.ssh` with pieces of its settings.
const SSH_CONFIGS: &[&str] = &["config.d", "conf.d"];

/// Names to try a pattern against where its folder can't be listed.
pub const USUAL: &[&str] = &[
    ".env",
    ".env.local",
    ".env.production",
    ".env.development",
    ".env.staging",
    ".env.test",
    ".envrc",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    ".netrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
];

/// What a path is, by its name and its last folders. `path` has `/` between its parts.
#[must_use]
pub fn class(path: &str) -> Option<(Class, When)> {
    let path = path.to_ascii_lowercase().replace('\\', "/");
    let name = path.rsplit('/').next().unwrap_or(&path);
    if is_env(name) {
        return Some((Class::Env, When::Always));
    }
    if let Some((_, class, when)) = NAMES.iter().find(|(n, ..)| *n == name) {
        return Some((*class, *when));
    }
    let below =
        |place: &str| path.strip_suffix(place).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    if let Some((_, class)) = PLACES.iter().find(|(place, _)| below(place)) {
        return Some((*class, When::Always));
    }
    if is_ssh_key(&path, name) || path.split('/').any(|p| p == ".gnupg" || p == "private-keys-v1.d") {
        return Some((Class::Key, When::Always));
    }
    if is_environ(&path) {
        return Some((Class::Environment, When::Always));
    }
    let end = ENDS.iter().find(|(end, ..)| name.len() > end.len() && name.ends_with(end));
    end.map(|(_, class, when)| (*class, *when))
}

/// Whether a name is on the list for its end alone, behind a dot, as a field is written in code: `x.env`, `x.key`.
#[must_use]
pub fn is_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with('.') && (name.ends_with(".env") || ENDS.iter().any(|(end, ..)| name.ends_with(end)))
}

/// `.env`, `.env.local`, `.env~`, `prod.env`, their editor's copies; not `.env.example`, not `.envelope`.
fn is_env(name: &str) -> bool {
    if name.split(['.', '-', '_']).any(|part| TEMPLATES.contains(&part)) {
        return false;
    }
    // `#.env#` is what Emacs saves by itself.
    let name = name.trim_matches('#');
    let bare = name.trim_start_matches('.');
    let dots = name.len() - bare.len();
    if dots > 0
        && let Some(rest) = bare.strip_prefix("env")
    {
        // `.env.d.ts` and other code is named after it.
        let code = [".ts", ".js", ".mjs", ".cjs", ".py", ".rb", ".go", ".rs", ".md"];
        return rest.is_empty()
            || (!rest.starts_with(|c: char| c.is_ascii_alphanumeric())
                && !code.iter().any(|c| rest.ends_with(c)));
    }
    name.strip_suffix(".env").is_some_and(|stem| !stem.is_empty() && !CODE.contains(&stem))
}

fn is_ssh_key(path: &str, name: &str) -> bool {
    if name.ends_with(".pub") {
        return false;
    }
    if ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"].contains(&name) {
        return true;
    }
    let mut below = path.split('/').skip_while(|part| *part != ".ssh").skip(1).peekable();
    let inside = below.peek().is_some_and(|first| !first.is_empty());
    inside && !SSH_OPEN.contains(&name) && !below.any(|part| SSH_CONFIGS.contains(&part))
}

fn is_environ(path: &str) -> bool {
    path.starts_with("/proc/") && path.ends_with("/environ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_secrets_are_known_by_name() {
        for name in [
            ".env",
            ".ENV",
            ".env.local",
            ".env.production",
            ".env~",
            ".env.bak",
            "..env.swp",
            "#.env#",
            ".env-prod",
            "prod.env",
            ".envrc",
            ".dev.vars",
            "a/b/.env",
            "C:\\x\\.env",
            "id_rsa",
            "/home/u/.ssh/work",
            "/home/u/.ssh/keys/work",
            "/home/u/.ssh/a/b/github",
            "/home/u/.ssh/config.d/id_rsa",
            "server.pem",
            "tls.key",
            ".netrc",
            "/home/u/.aws/credentials",
            ".kube/config",
            ".pypirc",
            "/proc/self/environ",
            "/proc/12/environ",
            "/home/u/.gnupg/secring.gpg",
            "store.kdbx",
            ".npmrc",
            ".claude/.credentials.json",
        ] {
            assert!(class(name).is_some(), "{name}");
        }
    }

    #[test]
    fn others_are_not() {
        for name in [
            ".env.example",
            ".env.sample",
            ".env.local.example",
            ".env.template",
            "example.env",
            ".env.dist",
            ".envelope",
            "env",
            ".environment",
            "README.md",
            "src/env.ts",
            ".env.d.ts",
            "process.env",
            "import.meta.env",
            "id_rsa.pub",
            "/home/u/.ssh/known_hosts",
            "/home/u/.ssh",
            "/home/u/.ssh/",
            "/home/u/.ssh/keys/work.pub",
            "/home/u/.ssh/a/known_hosts",
            "/home/u/.ssh/config.d",
            "/home/u/.ssh/config.d/work",
            "keys.txt",
            "monkey",
            "pem",
            ".key",
            "aws/credentials.md",
            "config",
        ] {
            assert!(class(name).is_none(), "{name}");
        }
    }
}
