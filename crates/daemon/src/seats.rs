//! Room for a fixed number of connections. When it is full, the terminal session with the most of them gives up one
//! that does nothing, the one that has done nothing for longest: a program that opens a thousand connections and
//! leaves them open is in its own way before it is in anybody else's.

use crate::turns::Turns;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::{self, Arc};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A connection that gives up its seat is gone within this time.
const GIVE_UP: Duration = Duration::from_secs(1);
/// So many connections have a value or text in locked memory at a time that they have sent without presence. There is
/// little of that memory, and keys, answers and released values need it.
pub(crate) const VALUES: usize = 16;
/// Of them, one terminal session's.
pub(crate) const VALUES_OF_GROUP: usize = 4;

/// All seats.
pub struct Room {
    most: usize,
    seats: RefCell<HashMap<u64, Weak<Seat>>>,
    next: Cell<u64>,
    turn: Cell<u64>,
    freed: Notify,
    /// Of connections that have not said hello yet: to look at a process takes a while.
    new: Turns,
    /// Of callers that got no value for what they said last.
    unserved: Turns,
    /// Of denials that are to leave.
    denied: Turns,
    /// For values and texts that come in the open.
    values: Arc<Semaphore>,
    /// The same, of each terminal session that has one or waits for one.
    of_group: RefCell<HashMap<Option<u32>, sync::Weak<Semaphore>>>,
}

/// Room for one value that comes in the open, until it is dropped.
pub(crate) struct ValueRoom {
    _of_group: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// What a connection waits for before it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Nothing.
    Free,
    /// Its turn among those that have not said hello.
    New,
    /// Its turn among callers that got no value for what they said last.
    Unserved,
    /// Its turn among those that are to hear a denial.
    Denied,
}

/// The place of one connection; free again when it is dropped.
pub struct Seat {
    room: Rc<Room>,
    number: u64,
    group: Cell<Option<u32>>,
    idle_since: Cell<Option<u64>>,
    evict: Notify,
}

impl Room {
    /// With so many seats.
    pub fn new(most: usize) -> Rc<Self> {
        Rc::new(Self {
            most,
            seats: RefCell::default(),
            next: Cell::new(0),
            turn: Cell::new(0),
            freed: Notify::new(),
            new: Turns::default(),
            unserved: Turns::default(),
            denied: Turns::default(),
            values: Arc::new(Semaphore::new(VALUES)),
            of_group: RefCell::default(),
        })
    }

    /// A seat for a new connection. None where all the others are being served.
    pub async fn seat(self: &Rc<Self>) -> Option<Rc<Seat>> {
        if self.seats.borrow().len() >= self.most {
            self.laziest()?.evict.notify_one();
            tokio::time::timeout(GIVE_UP, self.freed.notified()).await.ok()?;
        }
        if self.seats.borrow().len() >= self.most {
            return None;
        }
        let number = self.next.replace(self.next.get() + 1);
        let seat = Rc::new(Seat {
            room: Rc::clone(self),
            number,
            group: Cell::new(None),
            idle_since: Cell::new(None),
            evict: Notify::new(),
        });
        self.seats.borrow_mut().insert(number, Rc::downgrade(&seat));
        Some(seat)
    }

    fn values_of(&self, group: Option<u32>) -> Arc<Semaphore> {
        let mut all = self.of_group.borrow_mut();
        all.retain(|_, values| values.strong_count() > 0);
        all.get(&group).and_then(sync::Weak::upgrade).unwrap_or_else(|| {
            let values = Arc::new(Semaphore::new(VALUES_OF_GROUP));
            all.insert(group, Arc::downgrade(&values));
            values
        })
    }

    /// Of the group with the most seats among those that have an idle one: its longest idle.
    fn laziest(&self) -> Option<Rc<Seat>> {
        let all: Vec<Rc<Seat>> = self.seats.borrow().values().filter_map(Weak::upgrade).collect();
        let mut sizes: HashMap<Option<u32>, usize> = HashMap::new();
        for seat in &all {
            *sizes.entry(seat.group.get()).or_default() += 1;
        }
        let idle = all.into_iter().filter(|s| s.idle_since.get().is_some());
        idle.max_by_key(|s| (sizes.get(&s.group.get()).copied(), std::cmp::Reverse(s.idle_since.get())))
    }
}

impl Seat {
    /// The terminal session of the process, known after the hello.
    pub fn belongs_to(&self, session: u32) {
        self.group.set(Some(session));
    }

    /// Waits for its turn.
    pub async fn turn(&self, pace: Pace) {
        match pace {
            Pace::Free => {}
            Pace::New => self.room.new.take().await,
            Pace::Unserved => self.room.unserved.take().await,
            Pace::Denied => self.room.denied.take().await,
        }
    }

    /// Waits for room for a value that comes in the open: behind others of its own terminal session, then behind all who
    /// wait. It is given back when that is dropped.
    pub(crate) async fn value_room(&self) -> Option<ValueRoom> {
        // Neither is ever closed.
        let _of_group = self.room.values_of(self.group.get()).acquire_owned().await.ok()?;
        let _of_all = Arc::clone(&self.room.values).acquire_owned().await.ok()?;
        Some(ValueRoom { _of_group, _of_all })
    }

    /// From now until the guard is dropped it does nothing.
    pub fn idle(&self) -> Idle<'_> {
        let turn = &self.room.turn;
        turn.set(turn.get() + 1);
        self.idle_since.set(Some(turn.get()));
        Idle(self)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.seats.borrow_mut().remove(&self.number);
        self.room.freed.notify_waiters();
    }
}

/// While it exists, the seat may be given to somebody else.
pub struct Idle<'a>(&'a Seat);

impl Idle<'_> {
    /// Ends when the seat is needed.
    pub async fn evicted(&self) {
        self.0.evict.notified().await;
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.idle_since.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::{LocalSet, spawn_local};

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        LocalSet::new().block_on(&runtime, test);
    }

    /// A connection that does nothing until it is told to go; then its name is noted.
    fn lazy(seat: Rc<Seat>, name: &'static str, gone: &Rc<RefCell<Vec<&'static str>>>) {
        let gone = Rc::clone(gone);
        spawn_local(async move {
            seat.idle().evicted().await;
            gone.borrow_mut().push(name);
        });
    }

    #[test]
    fn the_biggest_group_makes_room() {
        run(async {
            let (room, gone) = (Room::new(4), Rc::new(RefCell::default()));
            for (session, name) in [(1, "human"), (2, "first"), (2, "second"), (2, "third")] {
                let seat = room.seat().await.unwrap();
                seat.belongs_to(session);
                lazy(seat, name, &gone);
            }
            tokio::task::yield_now().await;
            let a = room.seat().await.unwrap();
            a.belongs_to(3);
            let b = room.seat().await.unwrap();
            assert_eq!(*gone.borrow(), ["first", "second"]);
            drop((a, b));
        });
    }

    #[test]
    fn nobody_who_is_served_is_thrown_out() {
        run(async {
            let room = Room::new(2);
            let (_a, b) = (room.seat().await.unwrap(), room.seat().await.unwrap());
            assert!(room.seat().await.is_none());
            drop(b);
            assert!(room.seat().await.is_some());
        });
    }
}
