//! What is done to a realm and its open connections at once: on behalf of whoever controls tests from outside.

use std::pin::pin;
use std::sync::Arc;

use tokio::time::timeout;
use ws_conditions::ConnectionFault;
use ws_core::{CloseFrame, Message, Origin, TrySendError};
use ws_replay::InterludeProgress;

use super::{Applied, Realm, TestError, TestId};
#[cfg(feature = "admin")]
use crate::assemble::RuleEdit;
use crate::assemble::{PlayScript, Upload};
use crate::live::Live;
use crate::shared::Shared;

/// How often rules are made anew because others have changed them meanwhile.
#[cfg(feature = "admin")]
const EDITS: usize = 10;

impl Shared {
    /// Lays something over what the configuration says, for a test, or for the connections of none.
    ///
    /// # Errors
    /// As [`Realms::upload`](super::Realms::upload), and [`TestError::Unmanaged`].
    pub(crate) fn upload(&self, id: Option<&TestId>, upload: Upload) -> Result<Applied, TestError> {
        let open = self.open_connections(id);
        if id.is_some() && !open.is_empty() && open.iter().all(|live| !live.is_managed()) {
            return Err(TestError::Unmanaged);
        }
        let (entries, warnings) = (upload.entries, upload.warnings.clone());
        self.realms.upload(id, upload)?;
        Ok(Applied { entries, warnings, open_connections: open.len() })
    }

    /// Changes single rules of a test, or of the connections of none, and gives back the ids of those that are new; `None`, if
    /// the rule that is to be changed is not there. This compiles: it blocks.
    ///
    /// # Errors
    /// As [`upload`](Self::upload), and all mistakes of the text.
    #[cfg(feature = "admin")]
    pub(crate) fn edit_rules(
        &self,
        id: Option<&TestId>,
        edit: &RuleEdit,
    ) -> Result<Option<(Applied, Vec<String>)>, TestError> {
        for _ in 0..EDITS {
            let uploads = self.realms.uploads(id).unwrap_or_default();
            let Some((upload, ids)) = uploads.edited(edit)? else { return Ok(None) };
            match self.upload(id, upload) {
                // Made anew of what is there now: no change of others is lost.
                Err(TestError::Overtaken) => {}
                applied => return Ok(Some((applied?, ids))),
            }
        }
        Err(TestError::Overtaken)
    }

    /// Has a connection play a script from now on, in the place of what it plays because of an earlier call. Says whether
    /// that was not at its end.
    ///
    /// # Errors
    /// As [`Realms::play`](super::Realms::play).
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "the admin API starts scripts"))]
    pub(crate) fn play(&self, live: &Live, script: PlayScript) -> Result<bool, TestError> {
        let test = live.connection().test_id().map(str::parse).transpose()?;
        let play = self.realms.play(test.as_ref(), script)?;
        let before = live.set_play(Some(Arc::new(play)));
        Ok(before.is_some_and(|before| before.progress() != InterludeProgress::Ended))
    }

    /// Makes a realm anew, and closes its connections with code 1012 unless they are to stay. Says whether it is there.
    pub(crate) fn reset(&self, id: Option<&TestId>, keeps_connections: bool) -> bool {
        let Some(realm) = self.realms.reset(id, keeps_connections) else { return false };
        if let Some(journal) = realm.observers.journal() {
            journal.clear();
        }
        if keeps_connections {
            for live in self.open_connections(id) {
                live.set_play(None);
            }
        } else {
            self.close_connections(id, &realm.farewell());
        }
        true
    }

    /// Closes the connections of a realm with code 1012, so that their clients come back and get what is new.
    #[cfg(feature = "admin")]
    pub(crate) fn reconnect(&self, id: Option<&TestId>) {
        let reason = "connect again for the new conditions".into();
        self.close_connections(id, &CloseFrame { code: ws_core::close_code::SERVICE_RESTART, reason });
    }

    /// Ends a test, closes its connections with code 1001, and waits until they are gone; cuts them off after the time that
    /// closing may take. Says whether the test was there.
    pub(crate) async fn end_test(&self, id: &TestId) -> bool {
        let Some(realm) = self.realms.end(id) else { return false };
        self.close_connections(Some(id), &realm.farewell());
        let limit = realm.version().config.close_timeout;
        if timeout(limit, self.all_left(&realm)).await.is_err() {
            for live in self.open_connections(Some(id)) {
                live.suffer(ConnectionFault::Disconnect);
            }
            // To be cut off takes as long as closing may, where the client does not read. One that a fault has left half open
            // stays for as long as its client does.
            let _ = timeout(limit.saturating_mul(2), self.all_left(&realm)).await;
        }
        true
    }

    /// Waits until no connection of a realm is open.
    async fn all_left(&self, realm: &Realm) {
        loop {
            let mut left = pin!(realm.left.notified());
            // In this order: who leaves in between is heard.
            left.as_mut().enable();
            if self.open_connections(realm.id()).is_empty() {
                return;
            }
            left.await;
        }
    }

    /// The open connections of a test, or those of none.
    pub(crate) fn open_connections(&self, id: Option<&TestId>) -> Vec<Arc<Live>> {
        let mut open = self.live.all();
        open.retain(|live| live.connection().test_id() == id.map(TestId::as_str));
        open
    }

    fn close_connections(&self, id: Option<&TestId>, frame: &CloseFrame) {
        for live in self.open_connections(id) {
            live.close(frame.clone());
        }
    }
}

impl Live {
    /// Closes the connection behind what waits for its client; at once, if there is too much of that.
    pub(crate) fn close(&self, frame: CloseFrame) {
        let sender = self.sender().clone().with_origin(Origin::Admin);
        if let Err(TrySendError::Full(_)) = sender.try_send(Message::Close(Some(frame.clone()))) {
            self.suffer(ConnectionFault::Close(frame));
        }
    }
}
