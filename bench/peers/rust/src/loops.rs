// SPDX-License-Identifier: MIT
//! The loops and the check, as cxx/loops.h has them.

use crate::team::{Stopwatch, Team};
use crate::ways::{Allocator, Way};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub type Loop = fn(u64, &mut Stopwatch);
const STEP: i64 = 64;
const LIVE_BLOCKS: usize = 1024;

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0
    }
}

fn block_size(random: u64) -> usize {
    16 + ((((random >> 22) & 0xffffffff) * 513) >> 32) as usize
}

pub fn update<W: Way>(n: u64, watch: &mut Stopwatch) {
    watch.start();
    for _ in 0..n {
        W::charge(STEP);
    }
    watch.stop();
    W::refund(n as i64 * STEP);
}

pub fn call<W: Way>(n: u64, watch: &mut Stopwatch) {
    let by_call: fn(i64) = W::charge;
    watch.start();
    for _ in 0..n {
        black_box(by_call)(STEP);
    }
    watch.stop();
    W::refund(n as i64 * STEP);
}

pub fn work<W: Way>(n: u64, watch: &mut Stopwatch) {
    let mut x = 1u64;
    watch.start();
    for _ in 0..n {
        for _ in 0..8 {
            x = (x ^ (x >> 29)).wrapping_mul(6364136223846793005);
        }
        W::charge(STEP);
    }
    watch.stop();
    black_box(x);
    W::refund(n as i64 * STEP);
}

pub fn pair<A: Allocator>(n: u64, watch: &mut Stopwatch) {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let mut random = Chance(SEED.fetch_add(1, Ordering::Relaxed));
    let mut live = [(std::ptr::null_mut(), 0usize); LIVE_BLOCKS];

    for block in live.iter_mut() {
        block.1 = block_size(random.next());
        block.0 = A::allocate(block.1);
    }
    watch.start();
    for _ in 0..n {
        let bits = random.next();
        let block = &mut live[(bits >> 54) as usize];

        A::release(block.0, block.1);
        block.1 = block_size(bits);
        block.0 = black_box(A::allocate(block.1));
    }
    watch.stop();
    for block in live {
        A::release(block.0, block.1);
    }
}

pub fn read<A: Allocator>(n: u64, watch: &mut Stopwatch) {
    watch.start();
    for _ in 0..n {
        black_box(A::read());
    }
    watch.stop();
}

pub fn touch<A: Allocator>() {
    A::release(A::allocate(64), 64);
}

fn unless_equal(when: &str, wanted: i64, got: i64) -> Option<String> {
    (wanted != got).then(|| format!("{when}: {wanted} wanted, {got} read"))
}

/// Two threads allocate at the same time; each frees what the other has.
pub fn check<A: Allocator>(team: &Team) -> String {
    type Blocks = Arc<[Mutex<Vec<(usize, usize)>>; 2]>;
    let held: Blocks = Arc::new([Mutex::new(vec![]), Mutex::new(vec![])]);
    let begin = A::read();
    let mine = held.clone();

    team.run(2, Arc::new(move |me, _| {
        let mut random = Chance(me as u64 + 1);
        let mut blocks = mine[me].lock().unwrap();
        for _ in 0..20000 {
            let size = block_size(random.next());
            blocks.push((A::allocate(size) as usize, size));
        }
    }));
    let got = A::read() - begin;
    let sum = |b: &Mutex<Vec<(usize, usize)>>| -> usize {
        b.lock().unwrap().iter().map(|block| block.1).sum()
    };
    let wanted = held.iter().map(sum).sum::<usize>() as i64;
    let wrong = unless_equal("two threads have allocated", wanted, got);

    team.run(2, Arc::new(move |me, _| {
        for &(block, size) in held[1 - me].lock().unwrap().iter() {
            A::release(block as *mut u8, size);
        }
    }));
    let after = unless_equal("each has freed the other's", 0, A::read() - begin);
    wrong.or(after).unwrap_or_default()
}
