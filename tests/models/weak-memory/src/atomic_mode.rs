// SPDX-License-Identifier: MIT
//! Atomic mode against the lock (3-account/atomic-mode.h; ../atomic-mode.pml).
//!
//! The word holds what is reserved and the number of the mode. Whoever has the
//! lock ends the mode, changes limit and bounds, and begins another.

use super::{mutated, order};
use loom::sync::atomic::{AtomicI64, Ordering::*};
use loom::sync::Arc;

const NOT_ATOMIC: i64 = -1000;
const MODES: i64 = 16;

struct Account {
    word: AtomicI64,
    max: AtomicI64,
    limit: AtomicI64,
    /// Without the lock, for readers.
    reserved: AtomicI64,
}

/// Mode 1, with so much reserved.
fn account(reserved: i64, max: i64, limit: i64) -> Arc<Account> {
    Arc::new(Account {
        word: AtomicI64::new(reserved * MODES + 1),
        max: AtomicI64::new(max),
        limit: AtomicI64::new(limit),
        reserved: AtomicI64::new(0),
    })
}

fn is_atomic(word: i64) -> bool {
    word > NOT_ATOMIC / 2
}

fn reserved_in(word: i64) -> i64 {
    word >> 4
}

fn is_same_mode(a: i64, b: i64) -> bool {
    is_atomic(a) && is_atomic(b) && (a - b) % MODES == 0
}

#[derive(PartialEq)]
enum Result {
    NeedsLock,
    Done,
    Refused,
}

fn refuse(a: &Account, now: i64, then: i64) -> Result {
    if is_atomic(now)
        && then > a.limit.load(order("limit_loaded_relaxed", Acquire))
        && (mutated("limit_looked_at_once") || is_same_mode(a.word.load(Relaxed), now))
    {
        Result::Refused
    } else {
        Result::NeedsLock
    }
}

fn charge(a: &Account, size: i64) -> Result {
    let mut now = a.word.load(order("word_loaded_relaxed", Acquire));

    loop {
        let then = reserved_in(now) + size;

        if !is_atomic(now) || then > a.max.load(Acquire) {
            return refuse(a, now, then);
        }
        match a
            .word
            .compare_exchange(now, now + size * MODES, AcqRel, Acquire)
        {
            Ok(_) => return Result::Done,
            Err(word) => now = word,
        }
    }
}

/// At the beginning of all that is done with the lock: what is reserved.
fn end(a: &Account) -> i64 {
    if !mutated("no_bound_for_readers") {
        a.reserved.store(a.max.load(Relaxed), Relaxed);
    }
    let reserved = reserved_in(a.word.swap(NOT_ATOMIC, order("ended_relaxed", AcqRel)));

    a.reserved.store(reserved, Release);
    reserved
}

fn begin(a: &Account, reserved: i64, number: i64) {
    let number = if mutated("word_without_number") {
        1
    } else {
        number
    };

    if mutated("bounds_after_word") {
        a.word.store(reserved * MODES + number, Release);
    }
    a.max.store(a.limit.load(Relaxed), Release);
    a.word.store(
        reserved * MODES + number,
        order("word_stored_relaxed", Release),
    );
}

fn set_limit(a: &Account, limit: i64) {
    a.limit
        .store(limit, order("limit_stored_relaxed", Release));
}

/// A charge of 1 fits below either limit, but not if what was reserved under one is
/// held against the other; so it is never refused.
fn never_refused(max: i64, limit: i64) {
    loom::model(move || {
        let a = account(2, max, limit);
        let other = {
            let a = a.clone();
            loom::thread::spawn(move || {
                assert!(charge(&a, 1) != Result::Refused);
            })
        };
        let reserved = end(&a);

        // Two are freed, with the lock.
        set_limit(&a, 2);
        begin(&a, reserved - 2, 2);
        other.join().unwrap();
    });
}

#[test]
fn refusal_at_the_limit() {
    never_refused(3, 3);
}

/// Of the two bounds, the peak's upper one is the first.
#[test]
fn refusal_at_a_peak() {
    never_refused(2, 9);
}

/// The new limit holds for what is charged after it has come.
#[test]
fn bound() {
    loom::model(|| {
        let a = account(1, 3, 3);
        let other = {
            let a = a.clone();
            loom::thread::spawn(move || charge(&a, 1) == Result::Done)
        };
        let reserved = end(&a);

        set_limit(&a, 1);
        begin(&a, reserved, 2);

        let done = other.join().unwrap();
        // Done, then before the mode was ended.
        assert_eq!(reserved, if done { 2 } else { 1 });
    });
}

/// What readers take for reserved is never less than what is charged.
#[test]
fn reader() {
    loom::model(|| {
        let a = account(2, 3, 3);
        let reader = {
            let a = a.clone();
            loom::thread::spawn(move || {
                let word = a.word.load(Acquire);
                let reserved = if is_atomic(word) {
                    reserved_in(word)
                } else {
                    a.reserved.load(Relaxed)
                };
                assert!(reserved >= 2);
            })
        };

        end(&a);
        reader.join().unwrap();
    });
}
