//! The section "Passthrough Support".

use std::sync::Arc;

use async_trait::async_trait;
use mockforge_ws::{
    HandlerRegistry, HandlerResult, TestClient, TestServer, WsContext, WsHandler, WsMessage, handler_fn,
    router_with_handlers,
};

struct MyHandler;

#[async_trait]
impl WsHandler for MyHandler {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if let WsMessage::Text(text) = &msg {
            // Check if message should be forwarded to upstream
            if text.starts_with("FORWARD:") {
                // In practice, you'd use the WsProxyHandler from mockforge-core
                // for actual upstream forwarding
                ctx.send_text("Message forwarded to upstream").await?;
                return Ok(());
            }
        }

        // Handle locally
        ctx.send_text("Handled locally").await?;
        Ok(())
    }
}

async fn serve(handlers: Vec<Arc<dyn WsHandler>>) -> TestServer {
    let registry = HandlerRegistry::new();
    registry.replace(handlers);
    TestServer::new(router_with_handlers(Arc::new(registry))).await
}

async fn answer(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

#[tokio::test]
async fn a_handler_that_decides_by_itself() {
    let server = serve(vec![Arc::new(MyHandler)]).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(answer(&mut client, "FORWARD:x").await, "Message forwarded to upstream");
    assert_eq!(answer(&mut client, "x").await, "Handled locally");
}

/// T01, T02: what matches goes up and is taken from the handler behind it; the rest stays.
#[tokio::test]
async fn passthrough_configuration() -> HandlerResult<()> {
    use mockforge_ws::{MessagePattern, PassthroughConfig, PassthroughHandler};

    let config = PassthroughConfig::regex(r"^PROXY:", "wss://api.example.com/ws".to_string())?;

    let handler = PassthroughHandler::new(config);

    assert!(handler.should_passthrough("PROXY:x") && !handler.should_passthrough("x PROXY:"));
    assert_eq!(handler.upstream_url(), "wss://api.example.com/ws");

    let says_so = handler_fn(|ctx, _| Box::pin(async { ctx.send_text("from upstream").await }));
    let upstream = serve(vec![Arc::new(says_so)]).await;
    for config in [
        PassthroughConfig::regex(r"^PROXY:", upstream.url())?,
        PassthroughConfig::new(MessagePattern::exact("PROXY:x"), upstream.url()),
    ] {
        let server = serve(vec![Arc::new(PassthroughHandler::new(config)), Arc::new(MyHandler)]).await;
        let mut client = server.connect("/ws").await.unwrap();
        assert_eq!(answer(&mut client, "x").await, "Handled locally");
        assert_eq!(answer(&mut client, "PROXY:x").await, "from upstream");
        assert_eq!(answer(&mut client, "x").await, "Handled locally");
    }
    Ok(())
}
