//! Opening one connection.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::shared::Door;
use crate::tally::Failure;
use crate::wire::{Refusal, Stream};

/// A connection, and the first bytes that came on it behind the handshake.
pub(super) struct Dialled {
    pub(super) stream: Stream,
    pub(super) rest: Vec<u8>,
}

/// Connects and shakes hands.
///
/// # Errors
/// What failed, and how the other side or the system puts it.
pub(super) async fn dial(door: &Door, nonce: u128, patience: Duration) -> Result<Dialled, (Failure, String)> {
    match timeout(patience, knock(door, nonce)).await {
        Ok(dialled) => dialled,
        Err(_) => Err((Failure::ConnectTimeout, format!("after {patience:?}"))),
    }
}

async fn knock(door: &Door, nonce: u128) -> Result<Dialled, (Failure, String)> {
    let connecting = |error: io::Error| (Failure::of_connecting(&error), error.to_string());
    let stream = TcpStream::connect(door.addresses.as_slice()).await.map_err(connecting)?;
    stream.set_nodelay(true).map_err(connecting)?;
    let mut stream = match &door.tls {
        None => Stream::Plain(stream),
        Some((tls, name)) => match tls.connect(name.clone(), stream).await {
            Ok(stream) => Stream::Encrypted(Box::new(stream)),
            Err(error) => return Err((Failure::Tls, error.to_string())),
        },
    };
    match door.handshake.shake(&mut stream, nonce).await {
        Ok(rest) => Ok(Dialled { stream, rest }),
        Err(Refusal::Status(status, reason)) => Err((Failure::Status(status), reason)),
        Err(Refusal::Broken(what)) => Err((Failure::Handshake, what)),
        Err(Refusal::Io(error)) => Err((Failure::Handshake, error.to_string())),
    }
}
