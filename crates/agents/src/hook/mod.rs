//! What a client's hook asks and is answered.

use serde_json::Value;

/// What goes back to the client.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The object on stdout; nothing where there is nothing to say.
    pub json: Option<Value>,
    /// The line on stderr.
    pub says: Option<String>,
    /// The exit code.
    pub exit: u8,
}
