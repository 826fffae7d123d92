//! One run of something long for everybody who asked for it before it began.

use std::cell::{Cell, RefCell};
use tokio::sync::Mutex;

/// The last run's answer, and the turn of the next.
pub(crate) struct Shared<T> {
    begun: Cell<u64>,
    latest: RefCell<Option<T>>,
    /// Which run that is of, from 1.
    last: Mutex<u64>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { begun: Cell::new(0), latest: RefCell::new(None), last: Mutex::new(0) }
    }
}

impl<T: Clone> Shared<T> {
    /// The last answer; none before the first run has ended.
    pub(crate) fn latest(&self) -> Option<T> {
        self.latest.borrow().clone()
    }

    /// The answer of a run that began after this was called: one that somebody else has made meanwhile, or its own.
    pub(crate) async fn share<F: Future<Output = T>>(&self, run: impl FnOnce() -> F) -> T {
        let asked = self.begun.get();
        let mut last = self.last.lock().await;
        match self.latest() {
            Some(answer) if *last > asked => answer,
            _ => {
                self.begun.set(self.begun.get() + 1);
                let answer = run().await;
                *last = self.begun.get();
                *self.latest.borrow_mut() = Some(answer.clone());
                answer
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;
    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, LocalSet, spawn_local, yield_now};

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
                let run = || async {
                    all.begun.set(all.begun.get() + 1);
                    all.ends.acquire().await.unwrap().forget();
                    all.begun.get()
                };
                all.shared.share(run).await
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
}
