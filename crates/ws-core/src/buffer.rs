//! Taking messages in batches.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::Message;

/// When a batch is full. Whichever comes first ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// The most messages in a batch; at least 1.
    pub messages: usize,
    /// Payload bytes that end a batch when they are reached; the message that reaches them is part of it.
    pub bytes: usize,
    /// How long after its first message a batch waits for more.
    pub delay: Duration,
}

impl Default for BatchLimits {
    /// 256 messages, 64 KiB, 5 ms.
    fn default() -> Self {
        Self { messages: 256, bytes: 64 * 1024, delay: Duration::from_millis(5) }
    }
}

/// Collects messages into batches, in their order.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use ws_core::{BatchLimits, Message, MessageBuffer};
///
/// let (sender, receiver) = tokio::sync::mpsc::channel(16);
/// let mut message_buffer = MessageBuffer::new(receiver, BatchLimits::default());
/// sender.send(Message::text("a")).await.unwrap();
/// sender.send(Message::text("b")).await.unwrap();
/// drop(sender);
/// while let Some(batch) = message_buffer.next_batch().await {
///     assert_eq!(batch, [Message::text("a"), Message::text("b")]);
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct MessageBuffer {
    receiver: mpsc::Receiver<Message>,
    collected: Vec<Message>,
    bytes: usize,
    deadline: Option<Instant>,
    limits: BatchLimits,
}

impl MessageBuffer {
    /// Batches what arrives at `receiver`.
    #[must_use]
    pub fn new(receiver: mpsc::Receiver<Message>, limits: BatchLimits) -> Self {
        Self { receiver, limits, collected: Vec::new(), bytes: 0, deadline: None }
    }

    /// The next batch, of at least one message; `None` when all senders are gone and everything was taken.
    ///
    /// Dropping the future loses nothing: what it had collected is part of the next batch.
    pub async fn next_batch(&mut self) -> Option<Vec<Message>> {
        while !self.is_full() {
            let received = match self.deadline {
                None => self.receiver.recv().await,
                Some(deadline) => timeout_at(deadline, self.receiver.recv()).await.unwrap_or(None),
            };
            let Some(message) = received else { break };
            self.deadline.get_or_insert_with(|| Instant::now() + self.limits.delay);
            self.bytes += message.len();
            self.collected.push(message);
        }
        self.deadline = None;
        self.bytes = 0;
        let batch = std::mem::take(&mut self.collected);
        (!batch.is_empty()).then_some(batch)
    }

    fn is_full(&self) -> bool {
        !self.collected.is_empty() && (self.collected.len() >= self.limits.messages || self.bytes >= self.limits.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(limits: BatchLimits) -> (mpsc::Sender<Message>, MessageBuffer) {
        let (sender, receiver) = mpsc::channel(1000);
        (sender, MessageBuffer::new(receiver, limits))
    }

    /// B02: order is kept over 100,000 messages, and no batch is larger than it may be.
    #[tokio::test]
    async fn batches_keep_order_and_size() {
        let (sender, mut buffer) = buffer(BatchLimits { messages: 100, ..BatchLimits::default() });
        let sending = async move {
            for n in 0..100_000_u32 {
                sender.send(Message::text(n.to_string())).await.unwrap();
            }
        };
        let reading = async {
            let mut expected = 0_u32;
            while let Some(batch) = buffer.next_batch().await {
                assert!((1..=100).contains(&batch.len()));
                for message in batch {
                    assert_eq!(message, Message::text(expected.to_string()));
                    expected += 1;
                }
            }
            assert_eq!(expected, 100_000);
        };
        tokio::join!(sending, reading);
    }

    /// B02: a batch waits for its delay and no longer.
    #[tokio::test(start_paused = true)]
    async fn a_batch_ends_when_its_delay_has_passed() {
        let delay = Duration::from_millis(20);
        let (sender, mut buffer) = buffer(BatchLimits { delay, ..BatchLimits::default() });
        let start = Instant::now();
        sender.send(Message::text("a")).await.unwrap();
        assert_eq!(buffer.next_batch().await.unwrap().len(), 1);
        assert_eq!(start.elapsed(), delay);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_end_a_batch() {
        let (sender, mut buffer) = buffer(BatchLimits { bytes: 10, ..BatchLimits::default() });
        for _ in 0..5 {
            sender.send(Message::text("12345")).await.unwrap();
        }
        assert_eq!(buffer.next_batch().await.unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_dropped_future_had_collected_is_kept() {
        let (sender, mut buffer) = buffer(BatchLimits::default());
        sender.send(Message::text("a")).await.unwrap();
        assert!(timeout_at(Instant::now() + Duration::from_millis(1), buffer.next_batch()).await.is_err());
        drop(sender);
        assert_eq!(buffer.next_batch().await.unwrap(), [Message::text("a")]);
        assert!(buffer.next_batch().await.is_none());
    }
}
