//! The daemon: listen, peer, session, presence, gate, approve, limits, serve
