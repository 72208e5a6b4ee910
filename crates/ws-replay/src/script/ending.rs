//! How an entry ends its connection: the codes and reasons that may stand in it.

use ws_core::CloseFrame;
use ws_core::close_code::{self, MAX_REASON_BYTES};

use super::fields::{Fields, Located};
use super::step::Ending;
use crate::mistaken::look_at_plain;
use crate::reported_code::{ABNORMAL, NO_STATUS};
use crate::source::Findings;
use crate::{ProblemKind, ReplayDirection};

/// How an entry that closes ends the connection; elsewhere, a code and a reason have no business. In a recording any
/// code may stand, as it was seen.
pub(super) fn ending(fields: &Fields<'_>, is_recording: bool, findings: &mut Findings<'_, '_>) -> Option<Ending> {
    let (code, reason) = (&fields.code, &fields.reason);
    if fields.closes().is_none() {
        let parts = [("code", code.as_ref().map(|code| code.at)), ("reason", reason.as_ref().map(|reason| reason.at))];
        for (key, at) in parts {
            if let Some(at) = at.filter(|_| !fields.flawed) {
                findings.at(at, ProblemKind::Needs { key, needs: "\"close\": true" });
            }
        }
        return None;
    }
    let reason_text = reason.as_ref().map_or("", |reason| reason.value.as_str());
    if let Some(reason) = reason.as_ref().filter(|_| reason_text.len() > MAX_REASON_BYTES) {
        findings.at(reason.at, ProblemKind::LongReason { limit: MAX_REASON_BYTES, found: reason_text.len() });
    }
    if let Some(reason) = reason.as_ref().filter(|_| !is_recording) {
        look_at_plain("reason", reason_text, findings.source().span(reason.at), findings);
    }
    let Some(Located { value: code, at }) = *code else {
        return CloseFrame::new(close_code::NORMAL, reason_text).ok().map(|frame| Ending::Close(Some(frame)));
    };
    let ending = match u16::try_from(code) {
        Ok(code) if close_code::is_sendable(code) => {
            return CloseFrame::new(code, reason_text).ok().map(|frame| Ending::Close(Some(frame)));
        }
        Ok(NO_STATUS) => Ending::Close(None),
        Ok(ABNORMAL) => Ending::Disconnect,
        Ok(_) if is_recording => {
            if fields.direction() == ReplayDirection::Out {
                findings.at(at, ProblemKind::UnsendableCode(code));
            }
            return Some(Ending::Close(None));
        }
        _ => {
            findings.at(at, ProblemKind::CloseCode(code));
            return None;
        }
    };
    if let Some(reason) = reason {
        let beside = "beside the codes 1005 and 1006: there is no place for it";
        findings.at(reason.at, ProblemKind::Excluded { key: "reason", beside });
    }
    Some(ending)
}
