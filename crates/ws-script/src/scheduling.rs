//! How the system schedules a script's thread.

/// Lets the present thread wait for its turn when it is woken, instead of pushing aside the session that woke it: that one
/// goes on to wake it for other connections, and then all are answered in one go. Where a core is shared this saves half of
/// the cost of a call. It changes nothing for others, and if it cannot be done nothing is lost.
///
/// See `SCHED_BATCH` in [sched(7)](https://man7.org/linux/man-pages/man7/sched.7.html).
#[cfg(target_os = "linux")]
pub(crate) fn wait_for_its_turn() {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };

    /// On the library's scale of 0 to 99: the niceness 0, which threads have anyway.
    const AS_OTHERS: u8 = 48;

    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    if let Ok(priority) = ThreadPriorityValue::try_from(AS_OTHERS)
        && let Err(problem) =
            set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), policy)
    {
        tracing::debug!("the script's thread is scheduled as all others: {problem}");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn wait_for_its_turn() {}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// Niceness and scheduling policy of the present thread, from `/proc` (proc(5): the fields 19 and 41).
    fn schedule() -> (i32, i32) {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[19 - 3].parse().unwrap(), fields[41 - 3].parse().unwrap())
    }

    #[test]
    fn a_thread_waits_for_its_turn_and_is_no_less_important() {
        let (before, after) = std::thread::spawn(|| {
            let before = schedule();
            wait_for_its_turn();
            (before, schedule())
        })
        .join()
        .unwrap();
        assert_eq!(before.1, 0);
        assert_eq!(after, (before.0, 3), "niceness, and SCHED_BATCH");
    }
}
