//! Counting what WebSocket sessions do, for Prometheus.
