//! The proxy and the passthrough between real clients, a real server and real upstreams.

mod ending;
mod eventually;
mod fallback;
mod handshake;
mod leaks;
mod own_process;
mod passthrough;
mod pool;
mod raw_client;
mod retry;
mod scrape;
mod serving;
mod slow;
mod tls;
mod transform;
mod transparent;
mod upstream;
