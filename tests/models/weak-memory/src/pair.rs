// SPDX-License-Identifier: MIT
//! The two bounds of a peak, published whole (3-account/peak.h; ../pair.pml).
//!
//! Whoever writes has the lock, so there is one writer. A reader must get a pair
//! that was published, and none that is older than one it has seen.

use super::{mutated, order};
use loom::sync::atomic::{AtomicI64, AtomicU32, Ordering::*};
use loom::sync::Arc;

#[derive(Default)]
struct Peak {
    lower: [AtomicI64; 2],
    upper: [AtomicI64; 2],
    number: AtomicU32,
}

fn publish(peak: &Peak, lower: i64, upper: i64) {
    let number = peak.number.load(Relaxed) + 1;
    let at = number as usize & 1;
    let copy = order("copy_stored_relaxed", Release);

    if mutated("number_first") {
        peak.number.store(number, Release);
    }
    peak.lower[at].store(lower, copy);
    peak.upper[at].store(upper, copy);
    peak.number
        .store(number, order("number_stored_relaxed", Release));
}

fn read(peak: &Peak) -> (i64, i64) {
    let copy = order("copy_loaded_relaxed", Acquire);

    loop {
        let number = peak.number.load(order("number_loaded_relaxed", Acquire));
        let at = number as usize & 1;
        let pair = (peak.lower[at].load(copy), peak.upper[at].load(copy));

        if mutated("looks_once") || peak.number.load(Acquire) == number {
            return pair;
        }
        loom::thread::yield_now();
    }
}

#[test]
fn pair() {
    loom::model(|| {
        let peak = Arc::new(Peak::default());
        let reader = {
            let peak = peak.clone();
            loom::thread::spawn(move || {
                let (lower, upper) = read(&peak);
                assert_eq!(upper, 2 * lower);
            })
        };

        publish(&peak, 1, 2);
        publish(&peak, 2, 4);
        publish(&peak, 3, 6);
        reader.join().unwrap();
        assert_eq!(read(&peak), (3, 6));
    });
}
