//! The admin API over sockets. Every answer that comes is held against the description that the server gives of itself.

mod asking;
mod connections;
mod guarding;
mod limits;
mod messages;
mod operating;
mod playing;
mod recording;
mod rooms;
mod single_rules;
mod uploading;
mod watching_on;

pub(crate) use asking::{Api, serve_admin};
