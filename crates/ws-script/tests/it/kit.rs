//! A folder of scripts, clients that call them, and rooms for them. Nothing here sleeps: it waits for what must come.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use ws_core::{CloseFrame, HandlerResult, Message, Rooms, WhenFull, WsContext, WsHandler, WsMessage, WsSender};
use ws_script::{ReloadReport, ScriptErrors, ScriptFolder, ScriptLimits, ScriptOptions};

/// Whatever comes, comes in this time, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Scripts {
    dir: TempDir,
    pub(crate) folder: ScriptFolder,
}

pub(crate) fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, source) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
}

impl Scripts {
    pub(crate) fn load(files: &[(&str, &str)]) -> Self {
        Self::load_with(ScriptOptions::default(), files)
    }

    pub(crate) fn limited(limits: ScriptLimits, files: &[(&str, &str)]) -> Self {
        Self::load_with(ScriptOptions::default().limits(limits), files)
    }

    pub(crate) fn load_with(options: ScriptOptions, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), files);
        let folder = ScriptFolder::load(dir.path(), options).unwrap_or_else(|errors| panic!("{errors}"));
        Self { dir, folder }
    }

    /// One script whose `onMessage` has this body.
    pub(crate) fn on_message(body: &str) -> Self {
        Self::load(&[("chat.js", &format!("export async function onMessage(ctx, msg) {{\n{body}\n}}"))])
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn change(&self, files: &[(&str, &str)]) -> Result<ReloadReport, ScriptErrors> {
        write(self.dir.path(), files);
        self.folder.reload()
    }

    pub(crate) fn handler(&self, name: &str) -> Arc<dyn WsHandler> {
        let script = self.folder.scripts().into_iter().find(|script| script.name() == name);
        script.unwrap_or_else(|| panic!("no {name}"))
    }

    /// A client of a script.
    pub(crate) fn client(&self, name: &str) -> Client {
        Client::new(self.handler(name), Hall::default())
    }
}

/// The errors of a folder that cannot be loaded, one a line.
pub(crate) fn errors_of(files: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    ScriptFolder::check(dir.path(), ScriptOptions::default()).unwrap_err().to_string()
}

pub(crate) struct Client {
    pub(crate) ctx: WsContext,
    pub(crate) handler: Arc<dyn WsHandler>,
    sent: UnboundedReceiver<Message>,
}

impl Client {
    pub(crate) fn new(handler: Arc<dyn WsHandler>, hall: Hall) -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let id = format!("c{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        #[allow(clippy::disallowed_methods)] // The documents' recipe for unit tests.
        let (sender, sent) = unbounded_channel::<Message>();
        let ctx = WsContext::new(id, "/ws", hall, sender);
        Self { ctx, handler, sent }
    }

    pub(crate) async fn connect(&mut self) -> HandlerResult<()> {
        let Self { ctx, handler, .. } = self;
        timeout(PATIENCE, handler.on_connect(ctx)).await.expect("the script answers")
    }

    pub(crate) async fn say(&mut self, text: &str) -> HandlerResult<()> {
        self.give(WsMessage::Text(text.to_owned())).await
    }

    pub(crate) async fn give(&mut self, message: WsMessage) -> HandlerResult<()> {
        let Self { ctx, handler, .. } = self;
        timeout(PATIENCE, handler.on_message(ctx, message)).await.expect("the script answers")
    }

    pub(crate) async fn leave(&mut self) -> HandlerResult<()> {
        let Self { ctx, handler, .. } = self;
        timeout(PATIENCE, handler.on_disconnect(ctx)).await.expect("the script answers")
    }

    /// The next message that was sent.
    pub(crate) async fn next(&mut self) -> Message {
        timeout(PATIENCE, self.sent.recv()).await.expect("something is sent").expect("the way is open")
    }

    pub(crate) async fn next_text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// Says something and gives back the answer.
    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.say(text).await.unwrap();
        self.next_text().await
    }

    /// The error with which the script answers.
    pub(crate) async fn fail(&mut self, text: &str) -> String {
        self.say(text).await.expect_err("the script fails").to_string()
    }

    /// The code of the Close frame that comes next.
    pub(crate) async fn close_code(&mut self) -> u16 {
        self.close_frame().await.code
    }

    /// The Close frame that comes next.
    pub(crate) async fn close_frame(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(Some(frame)) = self.next().await {
                return frame;
            }
        }
    }
}

/// Rooms, small.
#[derive(Clone, Default)]
pub(crate) struct Hall(Arc<Mutex<HashMap<String, Members>>>);

type Members = Vec<(String, WsSender)>;

#[async_trait]
impl Rooms for Hall {
    async fn join(&self, connection_id: &str, sender: &WsSender, room: &str) -> HandlerResult<()> {
        let mut rooms = self.0.lock().unwrap();
        let members = rooms.entry(room.to_owned()).or_default();
        if !members.iter().any(|(id, _)| id == connection_id) {
            members.push((connection_id.to_owned(), sender.clone()));
        }
        Ok(())
    }

    async fn leave(&self, connection_id: &str, room: &str) -> HandlerResult<()> {
        self.0.lock().unwrap().entry(room.to_owned()).or_default().retain(|(id, _)| id != connection_id);
        Ok(())
    }

    async fn leave_all(&self, connection_id: &str) -> HandlerResult<()> {
        self.0.lock().unwrap().values_mut().for_each(|members| members.retain(|(id, _)| id != connection_id));
        Ok(())
    }

    async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<usize> {
        let members = self.0.lock().unwrap().get(room).cloned().unwrap_or_default();
        for (_, sender) in &members {
            sender.offer(message.clone(), WhenFull::Skip);
        }
        Ok(members.len())
    }

    async fn members(&self, room: &str) -> Vec<String> {
        let rooms = self.0.lock().unwrap();
        rooms.get(room).map(|members| members.iter().map(|(id, _)| id.clone()).collect()).unwrap_or_default()
    }

    async fn rooms_of(&self, connection_id: &str) -> Vec<String> {
        let rooms = self.0.lock().unwrap();
        let mut names: Vec<_> = rooms
            .iter()
            .filter(|(_, members)| members.iter().any(|(id, _)| id == connection_id))
            .map(|(name, _)| name.clone())
            .collect();
        names.sort();
        names
    }
}
