//! Peer: a proxy that is nothing but a pump between two sockets of bare tokio-tungstenite, on one thread.
//!
//! `peer_pump UPSTREAM` takes clients and opens a connection to `UPSTREAM` (ws://ADDRESS/...) for each. Messages are fed as they
//! come and flushed when no more are there, as somebody who cares about speed writes it; the read buffer is 4 KiB.

use std::{io, task::Poll};

use futures_util::{Sink, SinkExt, StreamExt, future::poll_fn, stream::Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message, protocol::WebSocketConfig};

fn main() -> io::Result<()> {
    let upstream = std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: peer_pump ws://UPSTREAM/"))?;
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve(upstream))
}

async fn serve(upstream: String) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        // How a connection ends is the load's business: it leaves without Close when a run is over.
        tokio::spawn(pump(stream, upstream.clone()));
    }
}

async fn pump(stream: TcpStream, upstream: String) -> Result<(), Error> {
    let config = || Some(WebSocketConfig::default().read_buffer_size(4096));
    let address = upstream.trim_start_matches("ws://").split('/').next().unwrap_or_default().to_owned();
    let server = TcpStream::connect(address).await?;
    for socket in [&stream, &server] {
        socket.set_nodelay(true)?;
    }
    let client = tokio_tungstenite::accept_async_with_config(stream, config()).await?;
    let (server, _) = tokio_tungstenite::client_async_with_config(upstream, server, config()).await?;
    let (to_client, from_client) = client.split();
    let (to_server, from_server) = server.split();
    tokio::try_join!(carry(from_client, to_server), carry(from_server, to_client))?;
    Ok(())
}

async fn carry(
    mut from: impl Stream<Item = Result<Message, Error>> + Unpin,
    mut to: impl Sink<Message, Error = Error> + Unpin,
) -> Result<(), Error> {
    while let Some(message) = from.next().await {
        to.feed(message?).await?;
        // What else is there leaves in the same write.
        while let Poll::Ready(Some(message)) = poll_fn(|cx| Poll::Ready(from.poll_next_unpin(cx))).await {
            to.feed(message?).await?;
        }
        to.flush().await?;
    }
    Ok(())
}
