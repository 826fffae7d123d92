//! The trail on top of the sealed file: append, query, verify
