//! Pure policy: model, parse, decide, explain. No clock, no files, no async
