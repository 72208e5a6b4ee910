//! Deciding what a WebSocket message is: regex, JSONPath and exact patterns, and a router on them.
