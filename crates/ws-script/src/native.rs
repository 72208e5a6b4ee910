//! What the prelude of a script can reach: its connections, timers, log and dice. Nothing else leads out of the engine.
//!
//! None of these functions waits, and none runs JavaScript while something is borrowed.

mod bytes;
mod functions;
mod operations;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rquickjs::{Ctx, Exception, Persistent, Value};
use ws_core::Connection;

pub(crate) use self::bytes::copy_all;
pub(crate) use self::functions::{functions, number};
pub(crate) use self::operations::{Finished, NewOperations, Operations, Outcome};
use crate::ScriptOptions;
use crate::console::Console;
use crate::seat::{Key, Seated, Seats};
use crate::timers::Timers;
use crate::turn::Turn;

/// How many rejections are looked at in one turn; a flood of them says nothing more.
const MAX_REJECTIONS: usize = 100;

/// A call, and the reason if its promise was rejected.
pub(crate) type Settled = (u64, Result<(), Persistent<Value<'static>>>);

/// What one runtime and the native functions of its script share.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) options: ScriptOptions,
    pub(crate) turn: Turn,
    /// Whose turn it is; None is the script itself.
    pub(crate) owner: Cell<Option<Key>>,
    pub(crate) seats: Seats,
    pub(crate) timers: RefCell<Timers>,
    pub(crate) operations: RefCell<Operations>,
    /// Calls whose promise was settled in this turn, and how.
    pub(crate) settled: RefCell<Vec<Settled>>,
    /// Promises that were rejected in this turn while nobody had asked for the reason.
    pub(crate) rejections: RefCell<Vec<(Persistent<Value<'static>>, Persistent<Value<'static>>)>>,
    pub(crate) console: Console,
    dice: RefCell<ChaCha8Rng>,
}

impl Shared {
    pub(crate) fn new(
        name: &str,
        runtime: u64,
        options: ScriptOptions,
        turn: Turn,
        seats: Seats,
        started: NewOperations,
    ) -> Rc<Self> {
        let dice = match options.seed {
            Some(seed) => {
                // Scripts of one folder must not throw the same dice.
                let name = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                });
                ChaCha8Rng::seed_from_u64(seed ^ name)
            }
            None => ChaCha8Rng::seed_from_u64(rand::random()),
        };
        Rc::new(Self {
            name: name.to_owned(),
            options,
            turn,
            owner: Cell::new(None),
            seats,
            timers: RefCell::default(),
            operations: RefCell::new(Operations::new(runtime, started)),
            settled: RefCell::default(),
            rejections: RefCell::default(),
            console: Console::new(name),
            dice: RefCell::new(dice),
        })
    }

    /// Frees everything that holds values of the engine: none may outlive it.
    pub(crate) fn clear(&self) {
        let timers = self.timers.take();
        let operations = self.operations.borrow_mut().take();
        let settled = self.settled.take();
        let rejections = self.rejections.take();
        drop((timers, operations, settled, rejections));
    }

    pub(crate) fn seated(&self, key: Key) -> Option<Rc<Seated>> {
        self.seats.borrow().get(&key).cloned()
    }

    /// The connection whose turn it is.
    pub(crate) fn connection(&self) -> Option<Arc<Connection>> {
        let seated = self.seated(self.owner.get()?)?;
        Some(Arc::clone(&seated.seat.connection))
    }

    /// The engine says that nobody waits for a rejection, or that now somebody does.
    pub(crate) fn on_rejection<'js>(&self, ctx: &Ctx<'js>, promise: Value<'js>, reason: Value<'js>, is_handled: bool) {
        let promise = Persistent::save(ctx, promise);
        let mut rejections = self.rejections.borrow_mut();
        if is_handled {
            let handled = rejections.iter().position(|(rejected, _)| *rejected == promise);
            let handled = handled.map(|at| rejections.swap_remove(at));
            drop(rejections);
            drop(handled);
        } else if rejections.len() < MAX_REJECTIONS {
            rejections.push((promise, Persistent::save(ctx, reason)));
        }
    }
}

/// What a call on a connection that is gone throws.
const ENDED: &str = "the connection has ended";

fn ended(ctx: &Ctx<'_>) -> rquickjs::Error {
    Exception::throw_message(ctx, ENDED)
}
