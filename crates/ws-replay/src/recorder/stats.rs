//! What a recording holds and what it lacks, in figures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use tracing::warn;

/// What a recording holds and what it lacks, in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RecordStats {
    /// How many files were begun.
    pub files: u64,
    /// How many connections were begun.
    pub connections: u64,
    /// How many frames the operating system has taken.
    pub frames: u64,
    /// How many bytes it has taken.
    pub bytes: u64,
    /// How many frames are missing, those of `lost_connections` included.
    pub lost_frames: u64,
    /// How many connections are missing as a whole.
    pub lost_connections: u64,
    /// How often something is marked as cut short, be it one connection or a file.
    pub truncated: u64,
    /// How many times the disk failed.
    pub errors: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    files: AtomicU64,
    connections: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    lost_frames: AtomicU64,
    lost_connections: AtomicU64,
    truncated: AtomicU64,
    errors: AtomicU64,
    /// Whether the log knows that something is missing.
    is_logged: AtomicBool,
}

impl Counters {
    pub(super) fn stats(&self) -> RecordStats {
        RecordStats {
            files: self.files.load(Relaxed),
            connections: self.connections.load(Relaxed),
            frames: self.frames.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            lost_frames: self.lost_frames.load(Relaxed),
            lost_connections: self.lost_connections.load(Relaxed),
            truncated: self.truncated.load(Relaxed),
            errors: self.errors.load(Relaxed),
        }
    }

    pub(super) fn file(&self) {
        self.files.fetch_add(1, Relaxed);
    }

    pub(super) fn connection(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(super) fn written(&self, frames: usize, bytes: usize) {
        self.frames.fetch_add(frames as u64, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn lost_frame(&self) {
        self.lost_frames(1);
    }

    pub(super) fn lost_frames(&self, count: usize) {
        self.lost_frames.fetch_add(count as u64, Relaxed);
    }

    pub(super) fn lost_connection(&self) {
        self.lost_connections.fetch_add(1, Relaxed);
        self.log("the writer could not keep up");
    }

    pub(super) fn truncated(&self, reason: &str) {
        self.truncated.fetch_add(1, Relaxed);
        self.log(reason);
    }

    pub(super) fn failed(&self, reason: &str) {
        self.errors.fetch_add(1, Relaxed);
        self.log(reason);
    }

    /// A disk that is full would say so at every frame.
    fn log(&self, reason: &str) {
        if !self.is_logged.swap(true, Relaxed) {
            warn!("the recording is incomplete: {reason}; the sessions go on, and this is said once");
        }
    }
}
