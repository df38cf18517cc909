// SPDX-License-Identifier: MIT
//! The ways of counting that Rust's crates have.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::LazyLock;

/// What is counted without an allocator.
pub trait Way: 'static {
    fn charge(n: i64);
    fn refund(n: i64);
    fn read() -> i64;
}

pub trait Allocator: 'static {
    fn allocate(size: usize) -> *mut u8;
    fn release(block: *mut u8, size: usize);
    fn read() -> i64;
}

pub fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).unwrap()
}

/// A Way's allocator: counted on the system's.
pub struct Counted<W>(std::marker::PhantomData<W>);

impl<W: Way> Allocator for Counted<W> {
    fn allocate(size: usize) -> *mut u8 {
        let block = unsafe { System.alloc(layout(size)) };
        if !block.is_null() {
            W::charge(size as i64);
        }
        block
    }
    fn release(block: *mut u8, size: usize) {
        W::refund(size as i64);
        unsafe { System.dealloc(block, layout(size)) }
    }
    fn read() -> i64 {
        W::read()
    }
}

pub struct Prometheus;
static PROMETHEUS: LazyLock<prometheus::IntGauge> =
    LazyLock::new(|| prometheus::IntGauge::new("bytes", "bytes in use").unwrap());

impl Way for Prometheus {
    fn charge(n: i64) {
        PROMETHEUS.add(n);
    }
    fn refund(n: i64) {
        PROMETHEUS.sub(n);
    }
    fn read() -> i64 {
        PROMETHEUS.get()
    }
}

pub struct Metrics;
struct Gauge {
    gauge: metrics::Gauge,
    handle: metrics_exporter_prometheus::PrometheusHandle,
}
static METRICS: LazyLock<Gauge> = LazyLock::new(|| {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).unwrap();
    Gauge { gauge: metrics::gauge!("bytes"), handle }
});

impl Way for Metrics {
    fn charge(n: i64) {
        METRICS.gauge.increment(n as f64);
    }
    fn refund(n: i64) {
        METRICS.gauge.decrement(n as f64);
    }
    /// All that is there to read is the page for Prometheus.
    fn read() -> i64 {
        let page = METRICS.handle.render();
        let line = page.lines().find(|l| l.starts_with("bytes ")).unwrap();
        line[6..].parse::<f64>().unwrap() as i64
    }
}

pub struct Cap;
static CAP: cap::Cap<System> = cap::Cap::new(System, 1 << 50);

impl Allocator for Cap {
    fn allocate(size: usize) -> *mut u8 {
        unsafe { CAP.alloc(layout(size)) }
    }
    fn release(block: *mut u8, size: usize) {
        unsafe { CAP.dealloc(block, layout(size)) }
    }
    fn read() -> i64 {
        CAP.allocated() as i64
    }
}

pub struct StatsAlloc;
static STATS: stats_alloc::StatsAlloc<System> = stats_alloc::StatsAlloc::system();

impl Allocator for StatsAlloc {
    fn allocate(size: usize) -> *mut u8 {
        unsafe { STATS.alloc(layout(size)) }
    }
    fn release(block: *mut u8, size: usize) {
        unsafe { STATS.dealloc(block, layout(size)) }
    }
    fn read() -> i64 {
        let s = STATS.stats();
        s.bytes_allocated as i64 - s.bytes_deallocated as i64
    }
}
