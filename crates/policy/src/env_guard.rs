//! Names of environment variables that loaders, shells, interpreters and tools act on. A secret put there would
//! be run, loaded or obeyed rather than used, so nothing may be injected under them. A table, with its few rules.

/// What loaders and shells act on: every name that begins so.
#[rustfmt::skip]
const LOADERS: &[&str] = &[
    "LD_", "DYLD_", "GLIBC_", "MALLOC_", "_RLD", "GCONV_", "LC_", "BASH_", "ZSH_", "KSH_", "FPATH", "PS1",
    "PS2", "PS3", "PS4", "SVAULT_",
];

/// What interpreters and tools act on: every name that begins so, but for credentials (see [`CREDENTIALS`]).
#[rustfmt::skip]
const TOOLS: &[&str] = &[
    "PYTHON", "PERL", "RUBY", "NODE_", "NPM_CONFIG_", "LUA_", "JAVA_", "JDK_", "_JAVA_", "DOTNET_",
    "CORECLR_", "COMPLUS_", "COR_", "MONO_", "GIT_", "SSH_", "RUST", "CARGO_", "CGO_", "CCACHE_", "CMAKE_",
    "XDG_", "SYSTEMD_", "SUDO_", "KRB5", "QT_", "GTK_", "GIO_", "GST_", "OPENSSL_", "CURL_", "JULIA_",
    "ERL_", "ELIXIR_", "BUNDLE_", "GEM_", "DENO_", "BUN_", "MAVEN_", "GRADLE_", "PHP_", "PHPRC", "PIP_",
    "UV_", "POETRY_", "YARN_", "AWS_ENDPOINT_URL",
];

/// Exactly these.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "PATH", "PATHEXT", "CDPATH", "MANPATH", "INFOPATH", "CLASSPATH", "NLSPATH", "MODULEPATH", "IFS", "ENV",
    "SHELL", "SHELLOPTS", "BASHOPTS", "SHLVL", "PROMPT_COMMAND", "POSIXLY_CORRECT", "GLOBIGNORE", "HOME",
    "USER", "LOGNAME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "TMPDIR",
    "TMP", "TEMP", "TERM", "TERMINFO", "TERMINFO_DIRS", "TERMCAP", "TZ", "TZDIR", "LANG", "LANGUAGE",
    "LOCPATH", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES", "RESOLV_HOST_CONF", "PWD", "OLDPWD", "UID",
    "EUID", "EDITOR", "VISUAL", "PAGER", "MANPAGER", "LESS", "LESSOPEN", "LESSCLOSE", "LESSKEY", "MORE",
    "BROWSER", "COMSPEC", "SYSTEMROOT", "WINDIR", "SYSTEMDRIVE", "PSMODULEPATH", "ZDOTDIR", "INPUTRC",
    "HISTFILE", "EXINIT", "VIMINIT", "MYVIMRC", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
    "DBUS_SESSION_BUS_ADDRESS", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY",
    "RSYNC_RSH", "CVS_RSH", "SVN_SSH", "MAKEFLAGS", "MAKEFILES", "MFLAGS", "CC", "CXX", "AR", "LINKER",
    "CPATH", "LIBRARY_PATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "COMPILER_PATH",
    "GCC_EXEC_PREFIX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "PKG_CONFIG", "PKG_CONFIG_PATH",
    "TCLLIBPATH", "AWKPATH", "AWKLIBPATH", "GOPATH", "GOROOT", "GOBIN", "GOFLAGS", "GOENV", "GOPROXY",
    "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GODEBUG", "GOTOOLCHAIN", "GOTOOLDIR", "GOCACHE", "GOMODCACHE",
    "GOEXPERIMENT", "GOINSECURE", "GOVCS", "GOWORK", "GNUPGHOME", "GPG_AGENT_INFO", "GPG_TTY",
    "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "R_HOME", "R_PROFILE",
    "R_PROFILE_USER", "R_ENVIRON", "R_ENVIRON_USER", "R_LIBS", "R_LIBS_USER", "DEBUGINFOD_URLS",
    "VIRTUAL_ENV", "CONDA_PREFIX", "NVM_DIR", "KUBECONFIG", "DOCKER_HOST", "DOCKER_CONFIG", "NETRC",
    "WGETRC", "ANSIBLE_CONFIG", "PSQLRC", "PGSYSCONFDIR", "PGSERVICEFILE", "MYSQL_HOME", "OPENAI_BASE_URL",
    "ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "JAVA", "MAVEN", "GTK",
];

/// How names of credentials end. A tool may act on `GIT_SSH_COMMAND`, but it only uses `GIT_TOKEN`.
#[rustfmt::skip]
const CREDENTIALS: &[&str] = &[
    "_TOKEN", "_TOKENS", "_AUTH", "_PASSWORD", "_PASSPHRASE", "_API_KEY", "_SECRET", "_SECRET_KEY",
    "_PRIVATE_KEY", "_USERNAME",
];

/// How others of them begin: the name of what they are for comes behind.
const CREDENTIALS_FOR: &[&str] = &["POETRY_PYPI_TOKEN_", "POETRY_HTTP_BASIC_"];

/// Guarded names with which a program only sets how it works or talks: nothing that it loads, runs or obeys.
#[rustfmt::skip]
const SETTINGS: &[&str] = &[
    "NODE_ENV", "RUST_LOG", "RUST_BACKTRACE", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "TZ", "LANG",
    "LANGUAGE", "LC_ALL", "TERM", "UV_THREADPOOL_SIZE",
];

/// Whether a guarded name may hold text (no secret) that comes from a file in a project.
#[must_use]
pub fn is_setting(name: &str) -> bool {
    SETTINGS.contains(&name)
}

/// Whether nothing may be injected under this name. Without regard to case: Windows has none, and the proxy
/// variables are read in both.
#[must_use]
pub fn is_guarded(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let begins = |with: &[&str]| with.iter().any(|p| name.starts_with(p));
    NAMES.contains(&name.as_str())
        || begins(LOADERS)
        || (begins(TOOLS) && !CREDENTIALS.iter().any(|c| name.ends_with(c)) && !begins(CREDENTIALS_FOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_acted_on_is_guarded() {
        #[rustfmt::skip]
        let acted_on = [
            "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "NODE_OPTIONS",
            "NODE_PATH", "BASH_ENV", "BASH_FUNC_x", "ENV", "PATH", "PYTHONPATH", "PYTHONSTARTUP",
            "PERL5OPT", "PERL5LIB", "RUBYOPT", "RUBYLIB", "GIT_SSH_COMMAND", "GIT_ASKPASS",
            "GIT_CONFIG_COUNT", "GIT_CONFIG_VALUE_0", "IFS", "PS4", "PROMPT_COMMAND", "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS", "HTTPS_PROXY", "https_proxy", "Path", "SSH_ASKPASS", "SSH_AUTH_SOCK",
            "RUSTC_WRAPPER", "CARGO_BUILD_RUSTC", "GOFLAGS", "LESSOPEN", "EDITOR", "SVAULT_HOME", "HOME",
            "npm_config_script_shell", "GLIBC_TUNABLES", "DOTNET_STARTUP_HOOKS", "PIP_INDEX_URL", "PIP_CONFIG_FILE",
            "UV_INDEX_URL", "UV_PYTHON", "POETRY_REPOSITORIES_X_URL", "POETRY_VIRTUALENVS_PATH", "YARN_YARN_PATH",
            "YARN_RC_FILENAME", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
        ];
        for name in acted_on {
            assert!(is_guarded(name), "{name}");
        }
    }

    #[test]
    fn settings_are_guarded_and_load_nothing() {
        for name in SETTINGS {
            assert!(is_guarded(name) && is_setting(name), "{name}");
        }
        for name in ["NODE_OPTIONS", "PYTHONPATH", "LD_PRELOAD", "PATH", "X"] {
            assert!(!is_setting(name), "{name}");
        }
    }

    #[test]
    fn credentials_are_not() {
        #[rustfmt::skip]
        let used = [
            "DATABASE_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID", "GITHUB_TOKEN", "GH_TOKEN", "GIT_TOKEN", "GOOGLE_API_KEY", "NPM_TOKEN",
            "NODE_AUTH_TOKEN", "PGPASSWORD", "CARGO_REGISTRY_TOKEN", "RUBYGEMS_API_KEY", "MAVEN_PASSWORD",
            "STRIPE_KEY", "X", "_", "PATHS", "LDAP", "UV_PUBLISH_TOKEN", "UV_INDEX_X_PASSWORD",
            "UV_INDEX_X_USERNAME", "POETRY_PYPI_TOKEN_X", "POETRY_HTTP_BASIC_X_PASSWORD", "YARN_NPM_AUTH_TOKEN",
            "PIPELINE_ID",
        ];
        for name in used {
            assert!(!is_guarded(name), "{name}");
        }
    }
}
