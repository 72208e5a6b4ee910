//! A ping in JSON: `{"type":"ping","n":1}` is to be answered `{"type":"pong","n":1}`, so the server has to read it.

use std::{io::Write as _, net::SocketAddr};

use anyhow::{Result, ensure};

use super::{
    dialog::{Dialog, Place},
    frame::{self, Opcode},
    window::{Timing, Traffic},
};
use crate::process::Probe;

/// Holds what is said with any number: 20 digits at most.
const LONGEST: usize = 48;

pub(crate) struct Ping {
    /// Each has one ping in flight.
    pub(crate) connections: usize,
}

impl Ping {
    /// # Errors
    /// When a pong is wrong, out of order or missing.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        Place { address, path: super::JSON, connections: self.connections, in_flight: 1 }.hold(&Json, probe, timing)
    }
}

struct Json;

impl Dialog for Json {
    fn ask(&self, out: &mut Vec<u8>, number: u64) {
        say("ping", number, |ping| frame::push_masked(out, Opcode::Text, ping));
    }

    fn check(&self, answer: &[u8], number: u64) -> Result<()> {
        say("pong", number, |pong| {
            ensure!(
                answer == pong,
                "expected {}, got {} bytes: {:?}",
                String::from_utf8_lossy(pong),
                answer.len(),
                String::from_utf8_lossy(&answer[..answer.len().min(LONGEST)]),
            );
            Ok(())
        })
    }
}

/// Makes the text of a ping or pong, without an allocation.
fn say<T>(what: &str, number: u64, hear: impl FnOnce(&[u8]) -> T) -> T {
    let mut buffer = [0; LONGEST];
    let mut rest = buffer.as_mut_slice();
    write!(rest, r#"{{"type":"{what}","n":{number}}}"#).expect("a ping fits its buffer");
    let length = LONGEST - rest.len();
    hear(&buffer[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::frame::MASK;

    #[test]
    fn a_ping_is_json_with_its_number() {
        let mut wire = Vec::new();
        Json.ask(&mut wire, u64::MAX);
        let plain: Vec<u8> = wire[6..].iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        assert_eq!(String::from_utf8(plain).unwrap(), r#"{"type":"ping","n":18446744073709551615}"#);
    }

    #[test]
    fn only_the_pong_of_the_same_number_passes() {
        Json.check(br#"{"type":"pong","n":7}"#, 7).unwrap();
        for wrong in [r#"{"type":"pong","n":8}"#, r#"{"type":"ping","n":7}"#, r#"{"type":"pong","n":7} "#, ""] {
            let error = Json.check(wrong.as_bytes(), 7).unwrap_err().to_string();
            assert!(error.starts_with(r#"expected {"type":"pong","n":7}, got"#), "{error}");
        }
    }
}
