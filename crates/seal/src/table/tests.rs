//! Rules of versions, memory and speed of a table.
