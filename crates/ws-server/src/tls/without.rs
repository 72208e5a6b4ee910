//! What takes the place of TLS where it is not built in: there is no value of it, so nothing here ever runs.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use tokio::net::TcpStream;

use super::{TlsConfig, TlsError};

pub(crate) struct TlsAcceptor(Infallible);

#[expect(dead_code, reason = "no handshake is ever done")]
pub(crate) enum Accepted {
    Tls(TcpStream),
    Plain(TcpStream),
}

impl TlsAcceptor {
    pub(crate) fn new(_: &TlsConfig, _: IpAddr) -> Result<Self, TlsError> {
        Err(TlsError::NotBuilt)
    }

    pub(crate) fn ca_file(&self) -> Option<&Path> {
        match self.0 {}
    }

    pub(crate) async fn accept(&self, _: TcpStream) -> io::Result<Accepted> {
        match self.0 {}
    }
}
