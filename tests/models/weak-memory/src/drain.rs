// SPDX-License-Identifier: MIT
//! A drain against the owner of a cell (3-account/drain.h; ../charge.pml).
//!
//! loom knows no membarrier. Where the code has a compiler barrier in the owner
//! and membarrier in the drain, both have a fence here, sequentially consistent:
//! what such a pair promises is the same.

use super::{mutated, order};
use loom::sync::atomic::{fence, AtomicI64, AtomicU32, Ordering::*};
use loom::sync::{Arc, Mutex};

const MARK: i64 = 1000;

struct Cell {
    allocated: AtomicI64,
    freed: AtomicI64,
    quota: AtomicI64,
    attempt: AtomicU32,
    cap: AtomicU32,
    link: AtomicU32,
}

struct Account {
    cell: Cell,
    /// The lock, and what it guards: the reserved bytes.
    reserved: Mutex<i64>,
    /// Of atomic mode; below 0: not in that mode.
    word: AtomicI64,
}

/// One cell, a holder.
fn account(allocated: i64, quota: i64, cap: u32) -> Arc<Account> {
    Arc::new(Account {
        cell: Cell {
            allocated: AtomicI64::new(allocated),
            freed: AtomicI64::new(0),
            quota: AtomicI64::new(quota),
            attempt: AtomicU32::new(0),
            cap: AtomicU32::new(cap),
            link: AtomicU32::new(1),
        },
        reserved: Mutex::new(quota),
        word: AtomicI64::new(-MARK),
    })
}

fn compiler_barrier() {
    fence(SeqCst);
}

fn barrier_everywhere() {
    if !mutated("no_membarrier") {
        fence(SeqCst);
    }
}

// ---- The owner ----

fn net(c: &Cell) -> i64 {
    c.allocated.load(Relaxed) - c.freed.load(Relaxed)
}

fn stock(c: &Cell) -> i64 {
    c.quota.load(Relaxed) - net(c)
}

fn charge_from_stock(c: &Cell, size: i64) -> bool {
    if !mutated("attempt_not_announced") {
        c.attempt.store(1, Relaxed);
    }
    compiler_barrier();
    if stock(c) < size {
        c.attempt.store(0, Release);
        return false;
    }
    c.allocated.store(c.allocated.load(Relaxed) + size, Relaxed);
    c.attempt.store(0, order("attempt_ends_relaxed", Release));
    true
}

/// After something was counted: is the account next? Whoever was drained comes.
fn is_outside(c: &Cell) -> bool {
    compiler_barrier();
    // Either load may come first.
    let cap = c.cap.load(Relaxed) as i64;
    let stock = stock(c);

    stock < 0 || stock >= cap
}

fn settle_with_lock(a: &Account) {
    let mut reserved = a.reserved.lock().unwrap();
    let word = a.word.swap(-MARK, AcqRel);

    if word >= 0 {
        *reserved = word;
    }
    *reserved += net(&a.cell) - a.cell.quota.load(Relaxed);
    a.cell.quota.store(net(&a.cell), Release);
}

fn uncharge_atomically(a: &Account) -> bool {
    let c = &a.cell;

    if c.link.load(order("link_loaded_relaxed", Acquire)) != 0 {
        return false;
    }
    let less = c.quota.load(Relaxed) - net(c);

    if a.word.fetch_sub(less, AcqRel) < 0 {
        return false;
    }
    c.quota.store(net(c), Relaxed);
    true
}

fn uncharge(a: &Account, size: i64) {
    let freed = a.cell.freed.load(Relaxed);

    a.cell.freed.store(freed + size, Release);
    if is_outside(&a.cell) && !uncharge_atomically(a) {
        settle_with_lock(a);
    }
}

fn count(a: &Account, size: i64) {
    let allocated = a.cell.allocated.load(Relaxed);

    a.cell.allocated.store(allocated + size, Relaxed);
    if is_outside(&a.cell) {
        settle_with_lock(a);
    }
}

// ---- The drain ----

/// With the lock.
fn drain(c: &Cell, reserved: &mut i64) {
    let quota = c.quota.load(Relaxed);

    if !mutated("quota_not_marked") {
        c.quota.store(quota - MARK, Relaxed);
    }
    if !mutated("cap_not_marked") {
        c.cap.store(0, Relaxed);
    }
    barrier_everywhere();
    while c.attempt.load(order("attempt_loaded_relaxed", Acquire)) != 0
        && !mutated("no_wait")
    {
        loom::thread::yield_now();
    }
    let freed = c.freed.load(Acquire);
    let charged = c.allocated.load(Acquire) - freed;

    *reserved += charged - quota;
    c.quota.store(charged, Release);
    c.cap.store(0, Relaxed);
    c.link.store(0, order("link_stored_relaxed", Release));
}

/// One byte of two is charged, and one in stock. The owner wants it, and so
/// does a thread that has the lock. One of them gets it.
#[test]
fn charge() {
    loom::model(|| {
        let a = account(1, 2, 2);
        let owner = {
            let a = a.clone();
            loom::thread::spawn(move || charge_from_stock(&a.cell, 1))
        };
        let left = {
            let mut reserved = a.reserved.lock().unwrap();

            drain(&a.cell, &mut reserved);
            2 - *reserved
        };

        let had = owner.join().unwrap() as i64;
        assert_eq!(1 + had + left, 2);
    });
}

/// The owner's operation has returned, and the drain is over: what is reserved is
/// what is charged. The owner may be the one who brings it up to date.
fn nothing_lost(allocated: i64, operation: fn(&Account), charged: i64) {
    loom::model(move || {
        let a = account(allocated, 2, 2);
        let owner = {
            let a = a.clone();
            loom::thread::spawn(move || operation(&a))
        };

        {
            let mut reserved = a.reserved.lock().unwrap();

            drain(&a.cell, &mut reserved);
            // No holders: atomic mode begins.
            a.word.store(*reserved, Release);
        }
        owner.join().unwrap();
        settle_nothing(&a, charged);
    });
}

fn settle_nothing(a: &Account, charged: i64) {
    let reserved = a.reserved.lock().unwrap();
    let word = a.word.load(Acquire);

    assert_eq!(if word >= 0 { word } else { *reserved }, charged);
    assert_eq!(a.cell.quota.load(Relaxed), charged);
}

#[test]
fn free() {
    nothing_lost(2, |a| uncharge(a, 1), 1);
}

#[test]
fn free_above_cap() {
    nothing_lost(2, |a| uncharge(a, 2), 0);
}

#[test]
fn overdrawn() {
    nothing_lost(1, |a| count(a, 2), 3);
}
