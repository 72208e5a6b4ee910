//! The socket: upgrade, session engine, limits and modes of the MockForge WebSocket mock server.
