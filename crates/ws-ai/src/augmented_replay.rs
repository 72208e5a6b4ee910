//! Playing a script with events at some of its points: written when the first client comes, and the same for all.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::Mutex as AsyncMutex;
use ws_core::{Connection, HandlerResult, Message, Origin, Verdict, WsContext, WsHandler, WsMessage};
use ws_replay::{ReplayHandler, ReplayScript};

use crate::augment::Augmentation;
use crate::story::timestamp;
use crate::{AiError, AiEventGenerator, telling};

/// Plays a replay script on every connection of its paths, with events at some of its points, as
/// [`AiEventGenerator::augment`] writes them.
///
/// They are written when the first client comes, or before that by [`prepare`](Self::prepare); who comes meanwhile waits, too, and the script
/// starts when they are there. If that fails, those who wait get an event of the type `error` and are closed with code 1011, and
/// the next connection begins anew. If all leave, the calls stop. What was written until then is kept in both cases.
///
/// All else is done by a [`ReplayHandler`], which a closure makes of the script: with rules, memory of rooms, paths.
///
/// ```
/// use ws_ai::{AiEventGenerator, AugmentedReplay, ReplayAugmentationConfig, WebSocketAiConfig};
/// use ws_core::HandlerRegistry;
/// use ws_replay::{ReplayHandler, ReplayOptions};
///
/// let generator = AiEventGenerator::new(WebSocketAiConfig {
///     narrative: "people talk about their holidays in a chat".to_owned(),
///     replay: Some(ReplayAugmentationConfig {
///         provider: "embedded".to_owned(),
///         augmentation_points: vec!["welcome".to_owned()],
///         ..Default::default()
///     }),
///     ..Default::default()
/// })?;
/// let script = r#"{"ts": 0, "text": "{\"type\":\"welcome\"}"}"#;
/// let replay = AugmentedReplay::of_text(generator, script, "chat.jsonl", |script| {
///     ReplayHandler::new(script, ReplayOptions::default()).on_paths(|path| path == "/ws/chat")
/// })?;
/// let registry = HandlerRegistry::new();
/// registry.register(replay);
/// assert!(registry.has_handler_for("/ws/chat"));
/// # Ok::<(), ws_ai::AiError>(())
/// ```
pub struct AugmentedReplay {
    script: Arc<AugmentedScript>,
    make: Box<dyn Fn(Arc<ReplayScript>) -> ReplayHandler + Send + Sync>,
    /// Plays the script as it was: nobody, but it knows the paths, and the sessions that began before a reload.
    plain: ReplayHandler,
    /// What plays the script with its events.
    enriched: OnceLock<ReplayHandler>,
}

impl AugmentedReplay {
    /// Plays the script of a file. This blocks while it reads. `handler` is called twice: for the script as it is, and for the one with
    /// events.
    ///
    /// # Errors
    /// [`AiError::File`] if it cannot be read, and as [`AiEventGenerator::augment`], as far as that can be known before.
    pub fn new(
        generator: AiEventGenerator,
        file: impl AsRef<Path>,
        handler: impl Fn(Arc<ReplayScript>) -> ReplayHandler + Send + Sync + 'static,
    ) -> Result<Self, AiError> {
        Ok(Self::of(Arc::new(AugmentedScript::load(generator, file)?), handler))
    }

    /// As [`new`](Self::new), with a script that is called `name`.
    ///
    /// # Errors
    /// As [`AiEventGenerator::augment`], as far as that can be known before.
    pub fn of_text(
        generator: AiEventGenerator,
        script: impl Into<String>,
        name: &str,
        handler: impl Fn(Arc<ReplayScript>) -> ReplayHandler + Send + Sync + 'static,
    ) -> Result<Self, AiError> {
        Ok(Self::of(Arc::new(AugmentedScript::parse(generator, script, name)?), handler))
    }

    /// Plays a script that others may play, too: its events are written once for all of them.
    #[must_use]
    pub fn of(
        script: Arc<AugmentedScript>,
        handler: impl Fn(Arc<ReplayScript>) -> ReplayHandler + Send + Sync + 'static,
    ) -> Self {
        let plain = handler(Arc::clone(&script.plain));
        Self { script, make: Box::new(handler), plain, enriched: OnceLock::new() }
    }

    /// Has the events written, if they are not yet, so that no client waits for them.
    ///
    /// # Errors
    /// Why they cannot be written. Whoever waits for the same gets the same.
    pub async fn prepare(&self) -> Result<(), Arc<AiError>> {
        self.script.prepare().await
    }

    fn handler(&self) -> &ReplayHandler {
        match self.script.work.enriched.get() {
            // Who has waited has missed nothing of it.
            Some(script) => self.enriched.get_or_init(|| (self.make)(Arc::clone(script)).starting_late()),
            None => &self.plain,
        }
    }
}

/// A script whose events are written when they are first wanted, and for whoever plays it: see [`AugmentedReplay`].
pub struct AugmentedScript {
    plain: Arc<ReplayScript>,
    work: Arc<Work>,
    /// What those wait for who are here now. It is gone when they are.
    attempt: Mutex<Option<WeakAttempt>>,
}

type Attempt = Shared<BoxFuture<'static, Result<(), Arc<AiError>>>>;
type WeakAttempt = WeakShared<BoxFuture<'static, Result<(), Arc<AiError>>>>;

/// What becomes of a script.
struct Work {
    generator: AiEventGenerator,
    /// `None`: it is done.
    augmentation: AsyncMutex<Option<Augmentation>>,
    /// The script with its events.
    enriched: OnceLock<Arc<ReplayScript>>,
}

impl AugmentedScript {
    /// Reads the script of a file. This blocks while it reads.
    ///
    /// # Errors
    /// As [`AugmentedReplay::new`].
    pub fn load(generator: AiEventGenerator, file: impl AsRef<Path>) -> Result<Self, AiError> {
        let file = file.as_ref();
        Self::parse(generator, read(file)?, &file.display().to_string())
    }

    /// Reads the text of a script that is called `name`.
    ///
    /// # Errors
    /// As [`AugmentedReplay::of_text`].
    pub fn parse(generator: AiEventGenerator, script: impl Into<String>, name: &str) -> Result<Self, AiError> {
        let (augmentation, plain) = Augmentation::begin(generator.clone(), script.into(), name)?;
        let augmentation = AsyncMutex::new(Some(augmentation));
        let work = Arc::new(Work { generator, augmentation, enriched: OnceLock::new() });
        Ok(Self { plain: Arc::new(plain), work, attempt: Mutex::default() })
    }

    async fn prepare(&self) -> Result<(), Arc<AiError>> {
        if self.work.enriched.get().is_some() {
            return Ok(());
        }
        self.attempt().await
    }

    /// What is going on, or else a new attempt.
    fn attempt(&self) -> Attempt {
        let mut current = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        let running = current.as_ref().and_then(WeakShared::upgrade).filter(|attempt| attempt.peek().is_none());
        running.unwrap_or_else(|| {
            let work = Arc::clone(&self.work);
            let attempt = async move { work.enrich().await.map_err(Arc::new) }.boxed().shared();
            *current = attempt.downgrade();
            attempt
        })
    }
}

impl Work {
    async fn enrich(&self) -> Result<(), AiError> {
        let mut augmentation = self.augmentation.lock().await;
        if let Some(work) = augmentation.as_mut() {
            work.write().await?;
            let (_, script) = work.finish()?;
            self.enriched.get_or_init(|| Arc::new(script));
            *augmentation = None;
        }
        Ok(())
    }
}

impl fmt::Debug for AugmentedScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AugmentedScript")
            .field("name", &self.plain.name())
            .field("is_enriched", &self.work.enriched.get().is_some())
            .finish_non_exhaustive()
    }
}

/// The text of a file, as a script is read from one.
fn read(file: &Path) -> Result<String, AiError> {
    let mut bytes = Vec::new();
    let opened = File::open(file).and_then(|open| open.take(ReplayScript::MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    opened.map_err(|source| AiError::File { file: file.to_owned(), source })?;
    if bytes.len() as u64 <= ReplayScript::MAX_FILE_BYTES
        && let Ok(text) = str::from_utf8(&bytes)
    {
        return Ok(text.to_owned());
    }
    // A mistake, unless it is a recording that was cut off within a character.
    ReplayScript::read(bytes.as_slice(), &file.display().to_string())?;
    Ok(bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()).to_owned())
}

#[async_trait]
impl WsHandler for AugmentedReplay {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        match self.prepare().await {
            Ok(()) => self.handler().on_connect(ctx).await,
            Err(error) => {
                let generator = &self.script.work.generator;
                let timestamp = timestamp(generator.time_at(Duration::ZERO));
                if let Some(message) = generator.failure_message(&error, 1, timestamp) {
                    // Who is gone need not be told.
                    let _ = ctx.sender().with_origin(Origin::Ai).send(message).await;
                }
                Err(telling::handler_error(&error))
            }
        }
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        self.handler().on_message(ctx, msg).await
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        self.handler().on_disconnect(ctx).await
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        self.handler().on_outbound(connection, message, origin)
    }

    fn handles_path(&self, path: &str) -> bool {
        self.plain.handles_path(path)
    }
}

impl fmt::Debug for AugmentedReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AugmentedReplay")
            .field("handler", self.handler())
            .field("is_enriched", &self.script.work.enriched.get().is_some())
            .finish_non_exhaustive()
    }
}
