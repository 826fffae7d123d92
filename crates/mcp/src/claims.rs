//! What a client says of itself: its name, its session, its call. For whoever reads the trail; nothing is decided by it.

use crate::message::Request;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// The most bytes of one part.
const PART: usize = 72;
/// Where a request names its client in the era without handshakes.
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";
/// Ids of calls, by which clients' own transcripts and hooks name them: Claude Code's and Codex's.
const CALLS: [&str; 2] = ["claudecode/toolUseId", "callId"];
/// What Codex says of the turn that a call belongs to.
const TURN: &str = "x-codex-turn-metadata";

/// What is the same for every call.
#[derive(Default)]
pub struct Claims {
    session: Option<String>,
    opened: Mutex<Option<String>>,
}

impl Claims {
    /// `session`: what the client's environment says.
    pub fn new(session: Option<String>) -> Self {
        Self { session, opened: Mutex::default() }
    }

    /// The name in a handshake.
    pub fn open(&self, request: &Request) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) =
            request.params.get("clientInfo").and_then(name);
    }

    /// All of it for one call, such as `claude-code 2.1.330, session 5f0e, call toolu_1`.
    pub fn of(&self, request: &Request) -> String {
        let client = request.meta(CLIENT).and_then(name);
        let client = client.or_else(|| self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let turn = request.meta(TURN).map(turn);
        let of_turn = |key: &str| turn.as_ref()?.get(key)?.as_str().and_then(plain);
        let session = of_turn("session_id").or_else(|| self.session.as_deref().and_then(plain));
        let call = CALLS.iter().find_map(|key| request.meta(key)?.as_str().and_then(plain));
        let parts = [("", client), ("session ", session), ("turn ", of_turn("turn_id")), ("call ", call)];
        let parts = parts.into_iter().filter_map(|(what, text)| Some(format!("{what}{}", text?)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Codex sends it as text with JSON in it, or as JSON.
fn turn(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

fn name(info: &Value) -> Option<String> {
    let part = |key: &str| info.get(key)?.as_str().and_then(plain);
    let name = part("name")?;
    Some(part("version").map_or_else(|| name.clone(), |version| format!("{name} {version}")))
}

/// A part that can't look like another: short, and of plain characters alone.
fn plain(text: &str) -> Option<String> {
    let kept = |c: char| c.is_ascii_alphanumeric() || "_.:/@+#-".contains(c);
    let text: String = text.chars().take(PART).map(|c| if kept(c) { c } else { '_' }).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(params: Value) -> Request {
        Request { id: 1.into(), method: "tools/call".into(), params: crate::era::object(params) }
    }

    #[test]
    fn what_clients_say_is_put_together() {
        let claims = Claims::new(Some("5f0e".into()));
        assert_eq!(claims.of(&request(json!({}))), "session 5f0e");
        claims.open(&request(json!({"clientInfo": {"name": "codex-mcp-client", "version": "0.169.0"}})));
        let turn = json!({"session_id": "s-1", "turn_id": "t-2", "model": "m"});
        for turn in [turn.clone(), json!(turn.to_string())] {
            let said = claims.of(&request(json!({"_meta": {"callId": "call_7", TURN: turn}})));
            assert_eq!(said, "codex-mcp-client 0.169.0, session s-1, turn t-2, call call_7");
        }
        let modern = json!({"_meta": {CLIENT: {"name": "claude-code"}, "claudecode/toolUseId": "toolu_1"}});
        assert_eq!(claims.of(&request(modern)), "claude-code, session 5f0e, call toolu_1");
    }

    #[test]
    fn nothing_odd_and_nothing_long_gets_through() {
        let claims = Claims::new(Some("a, caller human\n\u{1b}[2J".into()));
        assert_eq!(claims.of(&request(json!({}))), "session a__caller_human___2J");
        let long = "x".repeat(10_000);
        let meta = json!({"_meta": {"callId": long, TURN: {"session_id": long, "turn_id": 7}, CLIENT: {"name": long, "version": long}}});
        assert!(claims.of(&request(meta)).len() < 4 * (PART + 10));
        assert_eq!(
            Claims::default().of(&request(json!({"_meta": {"callId": 7, TURN: "{", CLIENT: []}}))),
            ""
        );
    }
}
