//! Who is with whom: rooms of WebSocket connections and their broadcasts.
