//! A WebSocket mock server to embed: handlers, rooms, patterns and replay files on one session engine.
