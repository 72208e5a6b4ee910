//! Test servers and clients for WebSocket applications.
