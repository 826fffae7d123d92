//! Where a sync runs. On a quick disk here, between two looks at the connections: to hand it to another thread and back
//! costs a good part of the sync itself. On a slow one on another thread, so that nobody who needs no disk waits for it.

use std::cell::Cell;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A sync that takes longer is a slow one.
const SLOW: Duration = Duration::from_millis(2);
/// So many in a row have to be quick before one runs here again.
const QUICK: u32 = 32;

/// The trail's syncs, one at a time.
#[derive(Default)]
pub(super) struct Syncs {
    pub(super) pace: Pace,
    /// Whether one is under way, or about to begin.
    pub(super) under_way: Cell<bool>,
    /// One has ended.
    pub(super) ended: Notify,
}

/// How quick the disk has been. Until that is known it is taken for slow.
#[derive(Default)]
pub(super) struct Pace {
    quick: Cell<u32>,
}

impl Pace {
    /// Runs a sync. None: the other thread broke.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        sync: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let timed = move || {
            let began = Instant::now();
            let done = sync();
            (done, began.elapsed())
        };
        let (done, took) =
            if self.is_quick() { timed() } else { tokio::task::spawn_blocking(timed).await.ok()? };
        self.took(took);
        Some(done)
    }

    fn is_quick(&self) -> bool {
        self.quick.get() >= QUICK
    }

    fn took(&self, time: Duration) {
        self.quick.set(if time > SLOW { 0 } else { self.quick.get().saturating_add(1) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::{current, sleep};
    use tokio::task::{LocalSet, spawn_local, yield_now};

    /// Whether a sync that takes so long runs here.
    async fn here(pace: &Pace, time: Duration) -> bool {
        let thread = pace.run(move || {
            sleep(time);
            current().id()
        });
        thread.await.unwrap() == current().id()
    }

    #[test]
    fn a_slow_disk_is_waited_for_elsewhere_until_it_has_been_quick_for_long() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let pace = Pace::default();
            assert!(!here(&pace, Duration::ZERO).await, "nothing is known of it yet");
            for _ in 0..2 {
                pace.took(SLOW + Duration::from_nanos(1));
                for _ in 0..QUICK {
                    assert!(!pace.is_quick());
                    pace.took(SLOW);
                }
                assert!(here(&pace, SLOW + Duration::from_millis(1)).await, "it was quick until now");
                assert!(!here(&pace, Duration::ZERO).await, "that one was slow");
            }
        });
    }

    #[test]
    fn while_a_slow_disk_is_waited_for_others_go_on() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (begin, begun) = std::sync::mpsc::channel::<()>();
            let slow = spawn_local(async move { Pace::default().run(move || begun.recv()).await });
            for _ in 0..100 {
                yield_now().await;
            }
            assert!(!slow.is_finished());
            // Were it run on this thread, nobody would get here.
            begin.send(()).unwrap();
            slow.await.unwrap().unwrap().unwrap();
        });
    }
}
