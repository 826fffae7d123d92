//! What a client is told of each tool. A table: words for models, and what clients read to decide whether to ask their
//! user first.

use super::run::{MOST_ARGUMENTS, MOST_COMMAND};
use serde_json::{Value, json};

/// Every tool, in the order of the list.
pub fn list() -> Value {
    json!([get(), list_secrets(), request(), run(), status()])
}

/// One tool. `read`: it changes nothing and shows nothing secret, so clients may call it without asking.
fn tool(name: &str, title: &str, description: &str, input: Value, read: bool) -> Value {
    json!({
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": input,
        "annotations": {
            "title": title,
            "readOnlyHint": read,
            "destructiveHint": name == "svault_run",
            "openWorldHint": name == "svault_run",
        },
        // Some clients hide tools until the model searches for them; these are for the moment before it reads a file.
        "_meta": {"anthropic/alwaysLoad": true},
    })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// `most` is what is taken in bytes; a schema can only say characters, so where they may differ the words say it.
fn text(description: &str, most: u32) -> Value {
    json!({"type": "string", "description": description, "maxLength": most})
}

fn scope() -> Value {
    text("The capability that is used, such as database; svault_list_secrets shows it.", 64)
}

fn reason() -> Value {
    text("Why, in one honest sentence of at most 512 bytes: the user reads it, and it is recorded.", 512)
}

fn get() -> Value {
    let properties = json!({
        "name": text("The secret's name, such as DB_URL, or svault://VAULT/NAME.", 256),
        "scope": scope(),
        "reason": reason(),
        "vault": text("The vault, where several have this name.", 64),
    });
    tool(
        "svault_get_secret",
        "Get a secret",
        "Ask the user's vault for one secret by name, instead of reading .env or key files. Returns the value if you may \
         read it. Most secrets you may only use: then you get a reference for svault_run. It may take the user's \
         approval.",
        object(properties, &["name", "scope", "reason"]),
        false,
    )
}

fn list_secrets() -> Value {
    tool(
        "svault_list_secrets",
        "List secrets",
        "The secrets you may ask for: reference, scope, tier (low: you may read it, medium: you may use it, high: the \
         user is asked each time), exposure (how far it travels), what it is for. No values.",
        object(json!({"scope": text("Only this scope.", 64)}), &[]),
        true,
    )
}

fn request() -> Value {
    let properties = json!({
        "name": text("What the secret shall be called, such as STRIPE_KEY.", 128),
        "scope": scope(),
        "why": text("Why it is needed and where the user gets it, in one honest sentence of at most 512 bytes.", 512),
    });
    tool(
        "svault_request_secret",
        "Ask the user for a missing secret",
        "Ask the user to add a secret that you need and that is not in the list. They enter the value themselves; it \
         never comes through this conversation.",
        object(properties, &["name", "scope", "why"]),
        false,
    )
}

fn run() -> Value {
    let entry = json!({"anyOf": [
        {"type": "string", "maxLength": 512},
        {
            "type": "object",
            "properties": {
                "secret": text("NAME or svault://VAULT/NAME.", 256),
                "env": text("The variable that has the value.", 128),
                "file": text("The variable that has the path of a file with the value.", 128),
            },
            "required": ["secret"],
            "additionalProperties": false,
        },
    ]});
    let properties = json!({
        "command": {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_ARGUMENTS},
                {"type": "string", "maxLength": MOST_COMMAND},
            ],
            "description": "Program and arguments, such as [\"npm\", \"run\", \"migrate\"]; a text is for the shell, as \
                [\"/bin/sh\", \"-c\", TEXT]. At most 65536 bytes. The user sees exactly this. Its stdin is empty.",
        },
        "secrets": {
            "type": "array",
            "items": entry,
            "minItems": 1,
            "maxItems": wire::MOST_ITEMS,
            "description": "What it gets: NAME (in the variable NAME), VARIABLE=SECRET, or an object with secret and env \
                or file.",
        },
        "scope": scope(),
        "reason": reason(),
        "cwd": text("The folder it runs in, at most 4096 bytes; else the server's.", 4096),
        "timeout": {
            "type": "integer",
            "minimum": 1,
            "maximum": 3600,
            "description": "Seconds after which it is ended; 600 where nothing is said.",
        },
    });
    tool(
        "svault_run",
        "Run a command with secrets",
        "Run a command with secrets in its environment, without you seeing them. Answers its exit code and output, in \
         which the values are masked. It may take the user's approval of exactly this command.",
        object(properties, &["command", "secrets", "scope", "reason"]),
        false,
    )
}

fn status() -> Value {
    tool(
        "svault_status",
        "Status of the vault",
        "Whether the vault is unlocked, who you are taken for, and which of your requests wait for the user.",
        object(json!({}), &[]),
        true,
    )
}
