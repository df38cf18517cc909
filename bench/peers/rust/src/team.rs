// SPDX-License-Identifier: MIT
//! Threads that live as long as the program, bound to their processors, and a
//! stopwatch that they start together. As cxx/team.h.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;
use std::time::Instant;

pub struct Stopwatch {
    arrived: Arc<AtomicUsize>,
    parties: usize,
    began: Instant,
    waits_began: f64,
    pub wall: f64,
    pub own: f64,
}

/// Nanoseconds that this thread has waited for a processor, 0 where nobody knows.
fn waited() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|w| w.parse().ok()).unwrap_or(0.0)
}

impl Stopwatch {
    fn new(arrived: Arc<AtomicUsize>, parties: usize) -> Self {
        let began = Instant::now();
        Stopwatch { arrived, parties, began, waits_began: 0.0, wall: 0.0, own: 0.0 }
    }
    pub fn start(&mut self) {
        self.waits_began = waited();
        self.arrived.fetch_add(1, Ordering::SeqCst);
        while self.arrived.load(Ordering::Acquire) < self.parties {
            std::hint::spin_loop();
        }
        self.began = Instant::now();
    }
    pub fn stop(&mut self) {
        self.wall = self.began.elapsed().as_nanos() as f64;
        self.own = (self.wall - (waited() - self.waits_began)).max(1.0);
    }
}

type Work = Arc<dyn Fn(usize, &mut Stopwatch) + Send + Sync>;
type Order = (Work, Stopwatch);

#[derive(Default)]
pub struct Team {
    members: Vec<(Sender<Order>, Receiver<Stopwatch>)>,
}

/// Counted round the processors that the program may use.
fn bind_to_processor(index: usize, allowed: &libc::cpu_set_t) {
    unsafe {
        let mut left = index % libc::CPU_COUNT(allowed) as usize;
        for cpu in 0..libc::CPU_SETSIZE as usize {
            if !libc::CPU_ISSET(cpu, allowed) {
                continue;
            }
            if left == 0 {
                let mut one: libc::cpu_set_t = std::mem::zeroed();
                libc::CPU_SET(cpu, &mut one);
                libc::sched_setaffinity(0, std::mem::size_of_val(&one), &one);
                return;
            }
            left -= 1;
        }
    }
}

impl Team {
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Starts threads until there are `n`; each calls `at_birth`.
    pub fn grow_to(&mut self, n: usize, at_birth: fn()) {
        let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        unsafe { libc::sched_getaffinity(0, std::mem::size_of_val(&allowed), &mut allowed) };
        while self.members.len() < n {
            let index = self.members.len();
            let (order, orders) = channel::<Order>();
            let (report, reports) = channel();
            let (born, birth) = channel();
            std::thread::spawn(move || {
                bind_to_processor(index, &allowed);
                at_birth();
                born.send(()).unwrap();
                for (work, mut watch) in orders {
                    work(index, &mut watch);
                    report.send(watch).unwrap();
                }
            });
            birth.recv().unwrap();
            self.members.push((order, reports));
        }
    }

    /// The first `n` call `work` at the same time.
    pub fn run(&self, n: usize, work: Work) -> Vec<Stopwatch> {
        let arrived = Arc::new(AtomicUsize::new(0));
        for (order, _) in &self.members[..n] {
            order.send((work.clone(), Stopwatch::new(arrived.clone(), n))).unwrap();
        }
        self.members[..n].iter().map(|(_, reports)| reports.recv().unwrap()).collect()
    }
}
