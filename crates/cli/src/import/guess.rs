//! What a name and a value look like: a secret or not, and its scope and tier. A proposal for a human; tables, with
//! their few rules. In doubt it is a secret of tier medium.

use scan::{Rules, What};
use words::{EnvName, Tier};

/// Names that hold settings. Their values stay in the file.
#[rustfmt::skip]
const SETTINGS: &[&str] = &[
    "PORT", "HOST", "HOSTNAME", "BIND", "NODE_ENV", "RAILS_ENV", "RACK_ENV", "APP_ENV", "FLASK_ENV", "GO_ENV",
    "DJANGO_SETTINGS_MODULE", "ENVIRONMENT", "STAGE", "DEBUG", "VERBOSE", "LOG_LEVEL", "LOGLEVEL", "RUST_LOG",
    "LOG_FORMAT", "CI", "REGION", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "WORKERS", "CONCURRENCY",
    "TIMEOUT", "APP_NAME", "APP_URL", "BASE_URL", "PUBLIC_URL", "FRONTEND_URL", "VERSION", "LOCALE", "CURRENCY",
];

/// Words that are settings wherever they are a value.
#[rustfmt::skip]
const PLAIN: &[&str] = &[
    "true", "false", "yes", "no", "on", "off", "none", "null", "auto", "default", "enabled", "disabled", "local",
    "localhost", "development", "dev", "production", "prod", "staging", "test", "testing", "debug", "info", "warn",
    "warning", "error", "trace", "fatal", "silent", "verbose", "utf-8", "utf8", "json", "text", "en", "de", "utc",
];

/// Parts of names that say that the value is secret, whatever it looks like.
#[rustfmt::skip]
const SECRET_WORDS: &[&str] = &[
    "SECRET", "SECRETS", "TOKEN", "KEY", "APIKEY", "PASS", "PASSWD", "PASSWORD", "PASSPHRASE", "PWD", "PIN", "OTP",
    "CREDENTIAL", "CREDENTIALS", "PRIVATE", "SALT", "AUTH", "COOKIE", "SIGNATURE", "CERT", "DSN", "WEBHOOK", "JWT",
    "PW", "LICENSE",
];

/// Parts of names and their scope; the first that fits.
#[rustfmt::skip]
const SCOPES: &[(&str, &[&str])] = &[
    ("payments", &["STRIPE", "PAYPAL", "BRAINTREE", "ADYEN", "SQUARE", "MOLLIE", "KLARNA", "PADDLE", "PLAID"]),
    ("database", &["DATABASE", "DB", "POSTGRES", "POSTGRESQL", "PG", "PGPASSWORD", "MYSQL", "MARIADB", "MONGO",
        "MONGODB", "REDIS", "SUPABASE", "CLICKHOUSE", "ELASTICSEARCH", "CASSANDRA", "SNOWFLAKE", "SQL"]),
    ("cloud", &["AWS", "AZURE", "GCP", "GCLOUD", "GOOGLE", "CLOUDFLARE", "DIGITALOCEAN", "HEROKU", "VERCEL",
        "NETLIFY", "FLY", "HETZNER", "LINODE", "S3", "TERRAFORM", "KUBE"]),
    ("ai", &["OPENAI", "ANTHROPIC", "GEMINI", "MISTRAL", "COHERE", "GROQ", "HUGGINGFACE", "HF", "OPENROUTER",
        "REPLICATE", "PINECONE", "DEEPSEEK"]),
    ("code", &["GITHUB", "GH", "GITLAB", "BITBUCKET", "NPM", "PYPI", "CARGO", "DOCKER", "SONAR", "CODECOV"]),
    ("mail", &["SMTP", "MAIL", "EMAIL", "SENDGRID", "MAILGUN", "POSTMARK", "RESEND", "SES", "IMAP"]),
    ("messaging", &["SLACK", "DISCORD", "TWILIO", "TELEGRAM", "VONAGE", "PUSHER"]),
    ("monitoring", &["SENTRY", "DATADOG", "DD", "NEWRELIC", "GRAFANA", "ROLLBAR", "BUGSNAG", "HONEYCOMB"]),
];

/// How values of databases begin.
#[rustfmt::skip]
const DATABASES: &[&str] = &[
    "postgres://", "postgresql://", "mysql://", "mariadb://", "mongodb://", "mongodb+srv://", "redis://",
    "rediss://", "sqlserver://", "amqp://", "amqps://", "clickhouse://", "cockroachdb://", "jdbc:",
];

/// How values begin whose kind is known, with scope and tier where the name says nothing else.
#[rustfmt::skip]
const PREFIXES: &[(&str, &str, Tier)] = &[
    ("sk_live_", "payments", Tier::High), ("rk_live_", "payments", Tier::High), ("sk_test_", "payments", Tier::Low),
    ("rk_test_", "payments", Tier::Low), ("pk_test_", "payments", Tier::Low), ("whsec_", "payments", Tier::Medium),
    ("sk-ant-", "ai", Tier::Medium), ("sk-proj-", "ai", Tier::Medium), ("AKIA", "cloud", Tier::Medium),
    ("ghp_", "code", Tier::Medium), ("github_pat_", "code", Tier::Medium), ("glpat-", "code", Tier::Medium),
    ("npm_", "code", Tier::Medium), ("xoxb-", "messaging", Tier::Medium), ("xoxp-", "messaging", Tier::Medium),
    ("SG.", "mail", Tier::Medium),
];

/// Parts of names that say where a value counts.
const HIGH: &[&str] = &["LIVE", "PROD", "PRODUCTION"];
const LOW: &[&str] = &["TEST", "TESTING", "DEV", "DEVELOPMENT", "SANDBOX", "LOCAL"];

/// The parts of a name, in upper case.
fn parts(name: &str) -> Vec<String> {
    name.to_ascii_uppercase().split(['_', '.', '-']).map(str::to_owned).collect()
}

fn has(parts: &[String], words: &[&str]) -> bool {
    parts.iter().any(|part| words.contains(&part.as_str()))
}

/// Why a value stays in the file; none: it is taken for a secret.
#[must_use]
pub fn stays(name: &str, value: &str) -> Option<&'static str> {
    if value.is_empty() {
        return Some("empty");
    }
    if value.starts_with("svault://") {
        return Some("a reference already");
    }
    unusable(name).or_else(|| plain(name, value))
}

/// Why svault can't set a variable of this name.
#[must_use]
pub fn unusable(name: &str) -> Option<&'static str> {
    if name.parse::<EnvName>().is_err() {
        return Some("no name of a variable: svault can't set it");
    }
    policy::is_guarded(name).then_some("changes how programs run: svault never sets it")
}

/// What a value that stays under a name that svault can't set looks like, if it is a secret. A name that is guarded has
/// often a word such as AUTH or KEY in it and a path as its value, so that its value alone counts.
#[must_use]
pub fn left(name: &str, value: &str) -> Option<&'static str> {
    let secret = !policy::is_guarded(name) && plain(name, value).is_none();
    looks_like(value).or(secret.then_some("a secret"))
}

/// The leak rule that a value fits.
fn looks_like(value: &str) -> Option<&'static str> {
    scan::find(value.as_bytes(), Some(Rules::built_in()), None).iter().find_map(|hit| match hit.what {
        What::Rule(id) => Some(id),
        What::Value(_) => None,
    })
}

/// Why a value is no secret.
fn plain(name: &str, value: &str) -> Option<&'static str> {
    let parts = parts(name);
    if has(&parts, SECRET_WORDS) || begins(value, DATABASES) || is_known(value) || looks_like(value).is_some()
    {
        return None;
    }
    if SETTINGS.contains(&name.to_ascii_uppercase().as_str()) && !has_login(value) {
        return Some("a setting");
    }
    if PLAIN.contains(&value.to_ascii_lowercase().as_str()) {
        return Some("a plain word");
    }
    if is_number(value) {
        return Some("a number");
    }
    (is_host(value) || is_plain_url(value)).then_some("an address without a login")
}

fn begins(value: &str, with: &[&str]) -> bool {
    let value = value.get(..24).unwrap_or(value).to_ascii_lowercase();
    with.iter().any(|w| value.starts_with(w))
}

fn is_known(value: &str) -> bool {
    PREFIXES.iter().any(|p| value.starts_with(p.0))
}

fn has_login(value: &str) -> bool {
    value.contains("://") && !is_plain_url(value)
}

/// Up to six digits, with sign, point, colon or unit: long ones are account numbers.
fn is_number(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let rest = value.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    (1..=6).contains(&digits)
        && ["", ".", "-", "-.", "s", "m", "h", "d", "ms", "kb", "mb", "gb", "%"]
            .contains(&rest.to_ascii_lowercase().as_str())
}

/// `name.tld`, `10.0.0.1`, `localhost`, with a port perhaps. In lower case: tokens rarely are.
fn is_host(value: &str) -> bool {
    let (host, port) = value.rsplit_once(':').unwrap_or((value, "0"));
    let label = |l: &str| {
        (1..=30).contains(&l.len())
            && l.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let labels: Vec<&str> = host.split('.').collect();
    let address = labels.len() == 4 && labels.iter().all(|l| l.parse::<u8>().is_ok());
    let last = labels
        .last()
        .is_some_and(|l| (2..=8).contains(&l.len()) && l.chars().all(|c| c.is_ascii_lowercase()));
    let named = labels.len() > 1 && last && labels.iter().all(|l| label(l));
    (1..=5).contains(&port.len())
        && port.chars().all(|c| c.is_ascii_digit())
        && (address || named || host == "localhost")
}

/// `http://host/path` without user, password, query or a long piece of path, such as a webhook has.
fn is_plain_url(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://")) else {
        return false;
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let piece = |p: &str| p.len() <= 16 && p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_host(host) && path.split('/').all(piece)
}

/// The scope that is proposed.
#[must_use]
pub fn scope(name: &str, value: &str) -> &'static str {
    let parts = parts(name);
    if let Some((scope, _)) = SCOPES.iter().find(|(_, words)| has(&parts, words)) {
        return scope;
    }
    if begins(value, DATABASES) {
        return "database";
    }
    PREFIXES.iter().find(|p| value.starts_with(p.0)).map_or("default", |p| p.1)
}

/// The tier that is proposed: live and prod high, test and dev low, else medium.
#[must_use]
pub fn tier(name: &str, value: &str) -> Tier {
    let parts = parts(name);
    let known = PREFIXES.iter().find(|p| value.starts_with(p.0)).map(|p| p.2);
    if known == Some(Tier::High) || has(&parts, HIGH) {
        Tier::High
    } else if has(&parts, LOW) {
        Tier::Low
    } else {
        known.unwrap_or(Tier::Medium)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stay() {
        for (name, value) in [
            ("PORT", "3000"),
            ("NODE_ENV", "production"),
            ("DEBUG", "app:*"),
            ("LOG_LEVEL", "info"),
            ("FEATURE_X", "true"),
            ("RETRIES", "5"),
            ("API_HOST", "api.example.com:443"),
            ("SITE", "https://example.com/docs"),
            ("BIND_TO", "127.0.0.1"),
            ("EMPTY_TOKEN", ""),
            ("API_KEY", "svault://main/API_KEY"),
            ("LD_PRELOAD", "/tmp/x.so"),
            ("PATH", "/bin"),
            ("NODE_OPTIONS", "--require x"),
            ("my-key.a", "sk-test-5f0e1c9a77"),
            ("1KEY", "sk-test-5f0e1c9a77"),
        ] {
            assert!(stays(name, value).is_some(), "{name}");
        }
    }

    #[test]
    fn secrets_do_not() {
        for (name, value) in [
            ("API_KEY", "12345"),
            ("DB_PASSWORD", "true"),
            ("PIN", "1234"),
            ("X", "sk-test-5f0e1c9a77"),
            ("DATABASE_URL", "postgres://localhost/db"),
            ("BASE_URL", "https://user:pw@example.com"),
            ("HOOK", "https://hooks.example.com/services/T000/B000/xxxxxxxxxxxxxxxxxxxxxxxx"),
            ("SITE", "https://example.com/?token=abc"),
            ("ACCOUNT", "123456789012"),
            ("NOTE", "eyJhbGciOi.eyJzdWIi.c2ln"),
            ("PORT", "sk_live_x"),
            ("PORT", "sk-test-5f0e1c9a77d2b3"),
            ("VERSION", "Bearer eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2lnbmF0dXJlc2ln"),
        ] {
            assert_eq!(stays(name, value), None, "{name}");
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_seen_under_every_name() {
        for (name, value, looks) in [
            ("SSH_KEY", "sk-test-5f0e1c9a77d2b3", Some("openai-key")),
            ("LD_SDK_KEY", "sk-test-5f0e1c9a77d2b3", Some("openai-key")),
            ("SSH_AUTH_SOCK", "/run/agent", None),
            ("my-key.a", "hunter2", Some("a secret")),
            ("my.port", "3000", None),
        ] {
            assert!(stays(name, value).is_some(), "{name}");
            assert_eq!(left(name, value), looks, "{name}");
        }
    }

    #[test]
    fn scope_and_tier_come_from_names_and_prefixes() {
        for (name, value, s, t) in [
            ("STRIPE_SECRET_KEY", "sk_live_x", "payments", Tier::High),
            ("STRIPE_SECRET_KEY", "sk_test_x", "payments", Tier::Low),
            ("PROD_DATABASE_URL", "x", "database", Tier::High),
            ("DEV_API_KEY", "x", "default", Tier::Low),
            ("API_KEY_TEST", "x", "default", Tier::Low),
            ("AWS_SECRET_ACCESS_KEY", "x", "cloud", Tier::Medium),
            ("TEST_KEY", "sk_live_x", "payments", Tier::High),
            ("X", "postgres://u:p@h/d", "database", Tier::Medium),
            ("CONTEST", "x", "default", Tier::Medium),
            ("OPENAI_API_KEY", "x", "ai", Tier::Medium),
        ] {
            assert_eq!((scope(name, value), tier(name, value)), (s, t), "{name}");
        }
    }

    #[test]
    fn every_scope_is_a_scope() {
        for scope in SCOPES.iter().map(|s| s.0).chain(PREFIXES.iter().map(|p| p.1)) {
            assert!(scope.parse::<words::Scope>().is_ok(), "{scope}");
        }
    }
}
