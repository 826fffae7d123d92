//! The two eras of the protocol. The old one opens with `initialize` and speaks one version from then on; the new one
//! (2026-07-28) has no handshake and says its version in every request. A client may probe with the new and go on with
//! the old, so each request is taken by what it says itself.

use crate::message::{Problem, Request, VERSION};
use serde_json::{Map, Value, json};

/// Versions without a handshake.
const MODERN: &[&str] = &["2026-07-28"];
/// Versions with one, the latest first.
const LEGACY: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Versions in which one line may hold several messages.
const BATCHES: &[&str] = &["2025-03-26", "2024-11-05"];

/// `_meta` of the new era.
pub const PROTOCOL: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// How long a client may keep what doesn't change while this process runs, in milliseconds.
const KEEP_MS: u64 = 300_000;

/// For the model: what this server is for.
pub const INSTRUCTIONS: &str = "svault keeps this developer's credentials. When a task needs a password, token, key or \
connection string, ask svault for it by name: svault_list_secrets shows what you may ask for, svault_run runs a command \
with secrets in its environment without you seeing them (prefer it), svault_get_secret gets one that you may read. \
Never read .env files, key files or shell history for credentials, never ask the user to paste one into the chat, and \
never print, log or commit one. If a secret is missing, ask for it with svault_request_secret. A request may wait for \
the user's approval: say so, and call again with the same arguments. If a request is denied, don't look for a way \
around it: tell the user the id.";

/// The era of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28.
    Modern,
    /// A version with a handshake.
    Legacy(&'static str),
}

impl Era {
    /// The era of a request. `opened`: the version of the handshake, where there was one.
    ///
    /// # Errors
    /// A version that isn't spoken here, or a request that belongs to neither era.
    pub fn of(request: &Request, opened: Option<&'static str>) -> Result<Self, Problem> {
        let version = request.meta(PROTOCOL);
        if version.is_none() && request.method != "server/discover" {
            let early = matches!(request.method.as_str(), "initialize" | "ping");
            return match opened {
                Some(version) => Ok(Era::Legacy(version)),
                None if early => Ok(Era::Legacy(LEGACY[0])),
                None => Err(Problem::params(format!(
                    "a request names its version in _meta (\"{PROTOCOL}\"), or follows a handshake"
                ))),
            };
        }
        match version {
            Some(Value::String(v)) if MODERN.contains(&&**v) => {}
            Some(Value::String(v)) => return Err(unsupported(v)),
            _ => return Err(Problem::params(format!("_meta has \"{PROTOCOL}\", which is text"))),
        }
        if !request.meta(CAPABILITIES).is_some_and(Value::is_object) {
            return Err(Problem::params(format!("_meta has \"{CAPABILITIES}\", which is an object")));
        }
        Ok(Era::Modern)
    }

    /// Whether progress may say something beside numbers.
    pub fn progress_has_words(self) -> bool {
        self != Era::Legacy("2024-11-05")
    }

    /// A result as this era has it. `lasting`: it doesn't change while this process runs.
    pub fn result(self, mut body: Map<String, Value>, lasting: bool) -> Map<String, Value> {
        if self == Era::Modern {
            body.insert("resultType".into(), "complete".into());
            body.insert("_meta".into(), json!({SERVER: server()}));
            if lasting {
                body.insert("ttlMs".into(), KEEP_MS.into());
                body.insert("cacheScope".into(), "private".into());
            }
        }
        body
    }
}

/// Whether one line may hold several messages after this handshake.
pub fn takes_batches(opened: Option<&'static str>) -> bool {
    opened.is_some_and(|version| BATCHES.contains(&version))
}

fn unsupported(asked: &str) -> Problem {
    let all: Vec<&str> = MODERN.iter().chain(LEGACY).copied().collect();
    // A version is a date; nothing longer goes back.
    let asked: String = asked.chars().filter(|c| c.is_ascii_graphic()).take(32).collect();
    let data = json!({"supported": all, "requested": asked});
    Problem { data: Some(data), ..Problem::new(VERSION, "this version of the protocol is not spoken here") }
}

/// The version of a handshake: the one asked for, else the latest.
///
/// # Errors
/// None is asked for.
pub fn opens(request: &Request) -> Result<&'static str, Problem> {
    let asked = request.params.get("protocolVersion").and_then(Value::as_str);
    let asked = asked.ok_or_else(|| Problem::params("protocolVersion is text"))?;
    Ok(LEGACY.iter().find(|v| **v == asked).unwrap_or(&LEGACY[0]))
}

/// The answer to a handshake.
pub fn opened(version: &str) -> Map<String, Value> {
    object(json!({
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": server(),
        "instructions": INSTRUCTIONS,
    }))
}

/// The answer to `server/discover`.
pub fn discovered() -> Map<String, Value> {
    let all: Vec<&str> = MODERN.iter().chain(LEGACY).copied().collect();
    object(json!({
        "supportedVersions": all,
        "capabilities": {"tools": {}},
        "instructions": INSTRUCTIONS,
    }))
}

fn server() -> Value {
    json!({"name": "svault", "version": env!("CARGO_PKG_VERSION")})
}

/// A JSON object's fields.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, params: Value) -> Request {
        Request { id: 1.into(), method: method.into(), params: object(params) }
    }

    #[test]
    fn each_request_has_the_era_that_it_says() {
        let modern = |version: &str| json!({"_meta": {PROTOCOL: version, CAPABILITIES: {}}});
        let of = |method: &str, params, opened| Era::of(&request(method, params), opened);
        assert_eq!(of("tools/list", modern("2026-07-28"), None), Ok(Era::Modern));
        assert_eq!(of("tools/list", modern("2026-07-28"), Some("2025-06-18")), Ok(Era::Modern));
        assert_eq!(of("tools/list", json!({}), Some("2025-06-18")), Ok(Era::Legacy("2025-06-18")));
        assert_eq!(of("initialize", json!({}), None), Ok(Era::Legacy("2025-11-25")));
        let code = |method: &str, params| of(method, params, None).unwrap_err().code;
        assert_eq!(code("tools/list", json!({})), crate::message::PARAMS);
        assert_eq!(code("server/discover", json!({})), crate::message::PARAMS);
        assert_eq!(code("tools/list", json!({"_meta": {PROTOCOL: "2026-07-28"}})), crate::message::PARAMS);
        assert_eq!(
            code("tools/list", json!({"_meta": {PROTOCOL: 7, CAPABILITIES: {}}})),
            crate::message::PARAMS
        );
        let no = of("tools/list", modern("1999-01-01\u{1b}[2J"), None).unwrap_err();
        assert_eq!((no.code, no.data.unwrap()["requested"].as_str()), (VERSION, Some("1999-01-01[2J")));
    }

    #[test]
    fn a_handshake_gets_the_version_it_asks_for_or_the_latest() {
        for version in LEGACY {
            assert_eq!(opens(&request("initialize", json!({"protocolVersion": version}))), Ok(*version));
        }
        assert_eq!(opens(&request("initialize", json!({"protocolVersion": "2030-01-01"}))), Ok("2025-11-25"));
        assert!(opens(&request("initialize", json!({}))).is_err());
    }
}
