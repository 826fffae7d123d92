//! One run of something long for everybody who asked for it before it began.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::spawn_local;

/// The last run's answer, and the turn of the next.
pub(crate) struct Shared<T> {
    begun: Cell<u64>,
    latest: RefCell<Option<T>>,
    /// Which run that is of, from 1.
    last: Arc<Mutex<u64>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { begun: Cell::new(0), latest: RefCell::new(None), last: Arc::default() }
    }
}

impl<T: Clone + 'static> Shared<T> {
    /// The last answer; none before the first run has ended.
    pub(crate) fn latest(&self) -> Option<T> {
        self.latest.borrow().clone()
    }

    /// The answer of a run that began after this was called: one that somebody else has made meanwhile, or its own. A run
    /// goes on to its end, and nobody begins another before that, also where whoever began it waits no more. None: it broke.
    pub(crate) async fn share<F>(self: &Rc<Self>, run: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + 'static,
    {
        let asked = self.begun.get();
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if *last > asked {
            return self.latest();
        }
        self.begun.set(self.begun.get() + 1);
        let (shared, run) = (Rc::clone(self), run());
        let task = spawn_local(async move {
            let answer = run.await;
            *last = shared.begun.get();
            *shared.latest.borrow_mut() = Some(answer.clone());
            answer
        });
        task.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, LocalSet, yield_now};

    /// Runs that end when they are let.
    #[derive(Clone)]
    struct Runs {
        shared: Rc<Shared<u32>>,
        begun: Rc<Cell<u32>>,
        ends: Rc<Semaphore>,
    }

    impl Runs {
        fn ask(&self) -> JoinHandle<u32> {
            let all = self.clone();
            spawn_local(async move {
                let shared = Rc::clone(&all.shared);
                let run = || async move {
                    all.begun.set(all.begun.get() + 1);
                    all.ends.acquire().await.unwrap().forget();
                    all.begun.get()
                };
                shared.share(run).await.unwrap()
            })
        }
    }

    #[test]
    fn many_who_ask_at_once_cost_two_runs() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (shared, begun) = (Rc::default(), Rc::default());
            let runs = Runs { shared, begun, ends: Rc::new(Semaphore::new(0)) };
            let first = runs.ask();
            while runs.begun.get() == 0 {
                yield_now().await;
            }
            // The first run is under way: it may have passed by what these ask about.
            let rest: Vec<_> = (0..100).map(|_| runs.ask()).collect();
            for _ in 0..100 {
                yield_now().await;
            }
            assert_eq!(runs.begun.get(), 1, "one at a time");
            runs.ends.add_permits(2);
            assert_eq!(first.await.unwrap(), 1);
            for ask in rest {
                assert_eq!(ask.await.unwrap(), 2);
            }
            runs.ends.add_permits(1);
            assert_eq!(runs.ask().await.unwrap(), 3, "an old answer is nobody's");
        });
    }
    #[test]
    fn who_gives_up_waiting_makes_no_room_for_another_run() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (shared, begun) = (Rc::default(), Rc::default());
            let runs = Runs { shared, begun, ends: Rc::new(Semaphore::new(0)) };
            for _ in 0..10 {
                let gives_up = runs.ask();
                for _ in 0..10 {
                    yield_now().await;
                }
                gives_up.abort();
                assert!(gives_up.await.unwrap_err().is_cancelled());
            }
            assert_eq!(runs.begun.get(), 1, "the first is not over");
            let waits = runs.ask();
            runs.ends.add_permits(2);
            assert_eq!(waits.await.unwrap(), 2);
        });
    }
}
