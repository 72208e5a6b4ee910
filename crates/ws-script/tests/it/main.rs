//! Scripts as sessions use them: handlers, contexts, and folders that change.

#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod calls;
mod console;
mod declarations;
mod documentation;
mod hostile;
mod kit;
mod loading;
mod reloading;
mod saving;
mod sharing;
mod timers;
mod versions;
