//! Latency and failing handshakes together, as the specification has it.

use crate::{Conditions, FaultConfig, LatencyProfile};

/// Delays messages to the client and lets handshakes fail. It is the short form of [`Conditions`].
///
/// ```
/// use ws_conditions::{Conditions, LatencyInjector, LatencyProfile};
///
/// let latency_injector = LatencyInjector::new(LatencyProfile::slow(), Default::default());
/// assert_eq!(Conditions::from(latency_injector).latency, Some(LatencyProfile::slow()));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LatencyInjector {
    profile: LatencyProfile,
    faults: FaultConfig,
}

impl LatencyInjector {
    /// Delays by `profile`, and lets handshakes fail by `faults`.
    #[must_use]
    pub fn new(profile: LatencyProfile, faults: FaultConfig) -> Self {
        Self { profile, faults }
    }
}

impl From<LatencyInjector> for Conditions {
    fn from(injector: LatencyInjector) -> Self {
        Self { latency: Some(injector.profile), faults: injector.faults.into_rules(), ..Self::default() }
    }
}
