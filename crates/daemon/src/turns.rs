//! Turns: of those who wait here one goes on, and then all other connections are looked at before the next one does. So
//! who comes in hundreds is in its own way, and everybody else waits for one of them at most.

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// A queue, in the order of arrival.
pub struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl Turns {
    /// Waits for its turn.
    pub async fn take(&self) {
        // It is never closed.
        let _turn = self.0.acquire().await;
        // Comes back when the loop has asked the system about all connections, and everybody else has gone on.
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use tokio::task::{LocalSet, spawn_local};

    #[test]
    fn between_two_turns_everybody_else_goes_on() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (turns, rounds) = (Rc::new(Turns::default()), Rc::new(Cell::new(0)));
            let (taken, over) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(false)));
            let (counted, ends) = (Rc::clone(&rounds), Rc::clone(&over));
            let other = spawn_local(async move {
                while !ends.get() {
                    counted.set(counted.get() + 1);
                    yield_now().await;
                }
            });
            let wait = |number| {
                let (turns, rounds, taken) = (Rc::clone(&turns), Rc::clone(&rounds), Rc::clone(&taken));
                spawn_local(async move {
                    turns.take().await;
                    taken.borrow_mut().push((number, rounds.get()));
                })
            };
            let many: Vec<_> = (0..500).map(wait).collect();
            for one in many {
                one.await.unwrap();
            }
            over.set(true);
            other.await.unwrap();
            let taken = taken.borrow();
            assert_eq!(taken.len(), 500);
            assert!(taken.windows(2).all(|two| two[0].0 < two[1].0), "in the order of arrival");
            assert!(taken.windows(2).all(|two| two[0].1 < two[1].1), "{taken:?}");
        });
    }
}
