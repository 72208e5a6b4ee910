//! What all threads of a load read. Counters here change with connections, not with messages.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::clock::{Clock, Nanos};
use crate::error::LoadError;
use crate::payload::Part;
use crate::plan::Plan;
use crate::wire::Handshake;

pub(crate) struct Shared {
    pub(crate) plan: Plan,
    /// What clients do, where they play sessions.
    pub(crate) parts: Vec<Part>,
    pub(crate) doors: Vec<Door>,
    pub(crate) clock: Clock,
    /// How many threads there are.
    pub(crate) shards: usize,
    /// Virtual users whose first connection is open, or has failed.
    pub(crate) settled: AtomicUsize,
    /// Those of them that are open.
    pub(crate) opened: AtomicUsize,
    /// The last number that was published, and whether it is the last one.
    pub(crate) published: AtomicU32,
    pub(crate) has_published_all: AtomicBool,
}

/// A target, ready to be knocked at.
pub(crate) struct Door {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) handshake: Handshake,
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Where a load stands. Everything that a thread does depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Connections are opened; nobody sends.
    Opening,
    /// Since then, and messages are due until then.
    Running { since: Nanos, until: Nanos },
    /// Nobody sends any more; answers are waited for until then, and connections closed.
    Ending { at: Nanos, patience: Nanos },
}

impl Shared {
    pub(crate) fn new(plan: Plan) -> Result<Self, LoadError> {
        let doors = plan.targets.iter().map(|target| {
            let addresses = target
                .addresses()
                .map_err(|error| LoadError::Unknown { target: target.to_string(), reason: error.to_string() })?;
            let tls = match plan.tls.as_ref().filter(|_| target.is_encrypted()) {
                Some(config) => {
                    let name = ServerName::try_from(target.host().to_owned()).map_err(|error| LoadError::Unknown {
                        target: target.to_string(),
                        reason: error.to_string(),
                    })?;
                    Some((TlsConnector::from(Arc::clone(config)), name))
                }
                None => None,
            };
            let handshake = Handshake::new(target.authority(), target.path(), &plan.subprotocols, &plan.headers);
            Ok(Door { addresses, handshake, tls })
        });
        let doors = doors.collect::<Result<_, LoadError>>()?;
        // A thread without a connection could not send its share.
        let shards = plan.threads.clamp(1, plan.crowd.most().max(1));
        let parts = plan.payload.as_sessions().iter().map(|session| Part::new(session, &plan.answers, plan.timeout));
        let parts = parts.collect();
        Ok(Self {
            plan,
            parts,
            doors,
            clock: Clock::start(),
            shards,
            settled: AtomicUsize::new(0),
            opened: AtomicUsize::new(0),
            published: AtomicU32::new(0),
            has_published_all: AtomicBool::new(false),
        })
    }
}
