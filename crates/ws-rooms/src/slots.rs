//! A table of named things that exist only while they are not empty.
//!
//! Each thing has its own lock, and no lock of the table is held while one waits for it: a long broadcast in one room
//! holds up nobody in other rooms. It never keeps an empty thing, and never lets anybody fill one that was removed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use ws_core::HandlerResult;

/// What can stand in a slot.
pub(crate) trait Content {
    fn is_empty(&self) -> bool;
}

/// The table. Its hasher is seeded, since names come from clients.
pub(crate) struct Slots<T> {
    slots: DashMap<Arc<str>, Arc<Slot<T>>>,
}

struct Slot<T> {
    name: Arc<str>,
    /// `None` once the slot is retired: it is out of the table, or about to be.
    content: Mutex<Option<T>>,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // Only a backend's callback can panic under this lock, and it runs after the change is complete.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Content> Slots<T> {
    pub(crate) fn new() -> Self {
        Self { slots: DashMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The names of at most `limit` things, in no order.
    pub(crate) fn names(&self, limit: usize) -> Vec<Arc<str>> {
        self.slots.iter().take(limit).map(|slot| Arc::clone(slot.key())).collect()
    }

    /// Calls `f` with the thing called `name`, which is created if it is not there.
    pub(crate) fn enter<R>(
        &self,
        name: &str,
        create: impl Fn() -> HandlerResult<T>,
        f: impl FnOnce(&Arc<str>, &mut T) -> HandlerResult<R>,
    ) -> HandlerResult<R> {
        loop {
            let slot = self.find_or_create(name, &create)?;
            let mut content = slot.lock();
            if let Some(thing) = content.as_mut() {
                let result = f(&slot.name, thing);
                self.settle(&slot, content);
                return result;
            }
            // Whoever retired it has yet to remove it. Helping is better than waiting.
            drop(content);
            self.remove(&slot);
        }
    }

    /// Calls `f` with the thing called `name`, if it is there.
    pub(crate) fn visit<R>(&self, name: &str, f: impl FnOnce(&Arc<str>, &mut T) -> R) -> Option<R> {
        let slot = self.find(name)?;
        let mut content = slot.lock();
        let result = f(&slot.name, content.as_mut()?);
        self.settle(&slot, content);
        Some(result)
    }

    fn find(&self, name: &str) -> Option<Arc<Slot<T>>> {
        self.slots.get(name).map(|slot| Arc::clone(&slot))
    }

    fn find_or_create(&self, name: &str, create: impl Fn() -> HandlerResult<T>) -> HandlerResult<Arc<Slot<T>>> {
        if let Some(slot) = self.find(name) {
            return Ok(slot);
        }
        match self.slots.entry(Arc::from(name)) {
            Entry::Occupied(entry) => Ok(Arc::clone(entry.get())),
            Entry::Vacant(entry) => {
                let slot = Arc::new(Slot { name: Arc::clone(entry.key()), content: Mutex::new(Some(create()?)) });
                entry.insert(Arc::clone(&slot));
                Ok(slot)
            }
        }
    }

    /// Ends a visit: what is empty now goes.
    fn settle(&self, slot: &Arc<Slot<T>>, mut content: MutexGuard<'_, Option<T>>) {
        if content.as_ref().is_some_and(T::is_empty) {
            *content = None;
            drop(content);
            self.remove(slot);
        }
    }

    /// Removes a retired slot, unless a new one already stands in its place.
    fn remove(&self, slot: &Arc<Slot<T>>) {
        self.slots.remove_if(&slot.name, |_, current| Arc::ptr_eq(current, slot));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    impl Content for usize {
        fn is_empty(&self) -> bool {
            *self == 0
        }
    }

    fn add(slots: &Slots<usize>, name: &str) {
        let count = |_: &Arc<str>, count: &mut usize| {
            *count += 1;
            Ok(())
        };
        slots.enter(name, || Ok(0), count).unwrap();
    }

    #[test]
    fn an_empty_thing_is_gone_at_once() {
        let slots = Slots::new();
        add(&slots, "a");
        add(&slots, "a");
        assert_eq!(slots.visit("a", |_, count| *count), Some(2));
        slots.visit("a", |_, count| *count = 0);
        assert_eq!(slots.len(), 0);
        assert_eq!(slots.visit("a", |_, count| *count), None);
    }

    #[test]
    fn what_is_created_but_not_filled_is_gone_at_once() {
        let slots = Slots::new();
        slots.enter("a", || Ok(0), |_, _: &mut usize| Ok(())).unwrap();
        assert_eq!(slots.len(), 0);
    }

    #[test]
    fn filling_and_emptying_at_the_same_time_loses_nothing() {
        const ROUNDS: usize = 20_000;
        let slots = Slots::new();
        let start = Barrier::new(2);
        let filled = AtomicBool::new(false);
        let take = || slots.visit("a", |_, count| std::mem::take(count)).unwrap_or(0);
        let taken = std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                (0..ROUNDS).for_each(|_| add(&slots, "a"));
                filled.store(true, Ordering::Release);
            });
            start.wait();
            let mut taken = 0;
            while !filled.load(Ordering::Acquire) {
                taken += take();
            }
            taken + take()
        });
        assert_eq!(taken, ROUNDS);
        assert_eq!(slots.len(), 0);
    }
}
