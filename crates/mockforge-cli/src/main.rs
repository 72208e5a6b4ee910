//! The mockforge program: a WebSocket mock server beside your app.
fn main() {}
