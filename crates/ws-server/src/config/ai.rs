//! What goes together with events that follow a narrative, and what does not.

use ws_ai::WebSocketAiConfig;

use super::WsConfig;

/// Whether they may stand beside the rest of a server's configuration; if not, why.
pub(super) fn check(server: &WsConfig) -> Result<(), String> {
    let Some(config) = &server.ai_config else { return Ok(()) };
    if !config.enabled {
        return Ok(());
    }
    if server.raw_echo {
        return Err("where events are streamed there is no echo: leave out this or `raw_echo`".to_owned());
    }
    if server.proxy_config.is_some() {
        let problem = "a real server writes its own events: leave out this or `proxy_config`, or give one of them paths \
                       of its own";
        return Err(problem.to_owned());
    }
    if server.replay_file.is_some() { check_beside_script(config) } else { check_alone(config) }
}

/// Whether they may be all that is sent; if not, why.
pub(super) fn check_alone(config: &WebSocketAiConfig) -> Result<(), String> {
    if points(config) == 0 {
        return Ok(());
    }
    Err("`augmentation_points` need a script that is enriched there: a `replay_file` beside this".to_owned())
}

/// Whether they may enrich a script; if not, why.
pub(super) fn check_beside_script(config: &WebSocketAiConfig) -> Result<(), String> {
    if points(config) > 0 {
        return Ok(());
    }
    Err("beside a script events need `augmentation_points`, under `replay`: after which of its entries they come"
        .to_owned())
}

fn points(config: &WebSocketAiConfig) -> usize {
    config.replay.as_ref().map_or(0, |replay| replay.augmentation_points.len())
}

#[cfg(test)]
mod tests {
    use ws_ai::ReplayAugmentationConfig;
    use ws_proxy::WsProxyConfig;

    use super::*;

    fn with_points(points: &[&str]) -> WebSocketAiConfig {
        let augmentation_points = points.iter().map(|point| (*point).to_owned()).collect();
        let replay = ReplayAugmentationConfig { augmentation_points, ..Default::default() };
        WebSocketAiConfig { replay: Some(replay), ..Default::default() }
    }

    fn server(ai_config: &WebSocketAiConfig) -> WsConfig {
        WsConfig { ai_config: Some(ai_config.clone()), ..WsConfig::default() }
    }

    #[test]
    fn what_keeps_events_from_being_sent_is_refused_unless_they_are_switched_off() {
        let (alone, enriching) = (with_points(&[]), with_points(&["quote"]));
        let proxy_config = Some(WsProxyConfig::default());
        for (expected, config) in [
            ("`raw_echo`", WsConfig { raw_echo: true, ..server(&alone) }),
            ("`proxy_config`", WsConfig { proxy_config: proxy_config.clone(), ..server(&alone) }),
            ("`proxy_config`", WsConfig { proxy_config, replay_file: Some("a.jsonl".into()), ..server(&enriching) }),
            ("`augmentation_points`", WsConfig { replay_file: Some("a.jsonl".into()), ..server(&alone) }),
            ("`replay_file`", server(&enriching)),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with("ai_config: ") && error.contains(expected), "{error}");
            let ai_config = config.ai_config.clone().map(|ai| WebSocketAiConfig { enabled: false, ..ai });
            WsConfig { ai_config, ..config }.validate().unwrap();
        }
        for config in [
            server(&alone),
            WsConfig { rules_file: Some("a.yaml".into()), ..server(&alone) },
            WsConfig { replay_file: Some("a.jsonl".into()), ..server(&enriching) },
        ] {
            config.validate().unwrap();
        }
    }
}
