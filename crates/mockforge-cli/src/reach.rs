//! Why a server cannot be reached, in words that `connect` and `load` share.

pub(crate) const NOTHING_LISTENS: &str = "nothing listens there";

/// What to do about what rustls says of a handshake.
pub(crate) fn tls(said: &str) -> String {
    if said.contains("InvalidContentType") {
        "what answers there does not speak TLS: try ws:// instead of wss://".to_owned()
    } else if said.contains("CaUsedAsEndEntity") {
        "its certificate is that of an authority, not that of a server; --insecure trusts anybody".to_owned()
    } else if said.contains("invalid peer certificate") {
        format!("{said}; --cacert FILE names the authority that certifies it, --insecure trusts anybody")
    } else {
        said.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_is_said() {
        for (said, help) in [
            ("IO error: received corrupt message of type InvalidContentType", "try ws://"),
            ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "is that of an authority, not"),
            ("invalid peer certificate: UnknownIssuer", "UnknownIssuer; --cacert FILE names"),
            ("received fatal alert: HandshakeFailure", "received fatal alert: HandshakeFailure"),
        ] {
            assert!(tls(said).contains(help), "{}", tls(said));
        }
        assert!(!tls("Other(OtherError(CaUsedAsEndEntity))").contains("OtherError"));
    }
}
