// SPDX-License-Identifier: MIT

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * The worker in Java: does what the driver asks, as cxx/worker.cc does. It has no
 * pairs, since nothing in Java allocates and frees alike. The driver binds its
 * threads by their names, and has charge() not inlined.
 */
public class Peers {
	static final int STEP = 64;
	static final LongAdder adder = new LongAdder();
	static final AtomicLong atomic = new AtomicLong();

	static final Path SCHEDSTAT = Path.of("/proc/thread-self/schedstat");

	/** Nanoseconds that this thread has waited for a processor; 0: nobody knows. */
	static long waited() {
		try {
			return Long.parseLong(Files.readString(SCHEDSTAT).split(" ")[1]);
		} catch (IOException e) {
			return 0;
		}
	}

	static class Stopwatch {
		final AtomicInteger arrived;
		final int parties;
		long wall, waits;

		Stopwatch(AtomicInteger arrived, int parties) {
			this.arrived = arrived;
			this.parties = parties;
		}

		void start() {
			waits = -waited();
			arrived.incrementAndGet();
			while (arrived.get() < parties)
				Thread.onSpinWait();
			wall = -System.nanoTime();
		}

		void stop() {
			wall += System.nanoTime();
			waits += waited();
		}
	}

	interface Loop {
		void run(long n, Stopwatch watch);
	}

	interface Work {
		void run(int me, Stopwatch watch);
	}

	/** A thread that lives as long as the program. */
	static class Member extends Thread {
		final SynchronousQueue<Runnable> orders = new SynchronousQueue<>();
		final SynchronousQueue<Boolean> done = new SynchronousQueue<>();

		Member(int index) {
			super("peer-" + index);
			setDaemon(true);
		}

		@Override
		public void run() {
			try {
				for (;;) {
					orders.take().run();
					done.put(true);
				}
			} catch (InterruptedException e) {
				Thread.currentThread().interrupt();
			}
		}
	}

	static final List<Member> team = new ArrayList<>();

	static void growTo(int n) throws InterruptedException {
		while (team.size() < n) {
			Member member = new Member(team.size());
			team.add(member);
			member.start();
			member.orders.put(() -> {
				adder.add(STEP);
				adder.add(-STEP);
			});
			member.done.take();
		}
	}

	static Stopwatch[] together(int n, Work work) throws InterruptedException {
		AtomicInteger arrived = new AtomicInteger();
		Stopwatch[] watches = new Stopwatch[n];
		for (int i = 0; i < n; i++) {
			int me = i;
			watches[me] = new Stopwatch(arrived, n);
			team.get(me).orders.put(() -> work.run(me, watches[me]));
		}
		for (int i = 0; i < n; i++)
			team.get(i).done.take();
		return watches;
	}

	static void updateAdder(long n, Stopwatch watch) {
		watch.start();
		for (long i = 0; i < n; i++)
			adder.add(STEP);
		watch.stop();
		adder.add(-n * STEP);
	}

	static void updateAtomic(long n, Stopwatch watch) {
		watch.start();
		for (long i = 0; i < n; i++)
			atomic.addAndGet(STEP);
		watch.stop();
		atomic.addAndGet(-n * STEP);
	}

	static void chargeAdder(long n) {
		adder.add(n);
	}

	static void chargeAtomic(long n) {
		atomic.addAndGet(n);
	}

	static void callAdder(long n, Stopwatch watch) {
		watch.start();
		for (long i = 0; i < n; i++)
			chargeAdder(STEP);
		watch.stop();
		adder.add(-n * STEP);
	}

	static void callAtomic(long n, Stopwatch watch) {
		watch.start();
		for (long i = 0; i < n; i++)
			chargeAtomic(STEP);
		watch.stop();
		atomic.addAndGet(-n * STEP);
	}

	static long otherWork(long x) {
		for (int i = 0; i < 8; i++)
			x = (x ^ x >>> 29) * 6364136223846793005L;
		return x;
	}

	static volatile long sink;

	static void workAdder(long n, Stopwatch watch) {
		long x = 1;
		watch.start();
		for (long i = 0; i < n; i++) {
			x = otherWork(x);
			adder.add(STEP);
		}
		watch.stop();
		sink = x;
		adder.add(-n * STEP);
	}

	static void workAtomic(long n, Stopwatch watch) {
		long x = 1;
		watch.start();
		for (long i = 0; i < n; i++) {
			x = otherWork(x);
			atomic.addAndGet(STEP);
		}
		watch.stop();
		sink = x;
		atomic.addAndGet(-n * STEP);
	}

	static void readAdder(long n, Stopwatch watch) {
		long sum = 0;
		watch.start();
		for (long i = 0; i < n; i++)
			sum += adder.sum();
		watch.stop();
		sink = sum;
	}

	static void readAtomic(long n, Stopwatch watch) {
		long sum = 0;
		watch.start();
		for (long i = 0; i < n; i++)
			sum += atomic.get();
		watch.stop();
		sink = sum;
	}

	static final String[] JOBS = { "update", "call", "work", "read" };
	static final Loop[][] LOOPS = {
		{ Peers::updateAdder, Peers::callAdder, Peers::workAdder, Peers::readAdder },
		{ Peers::updateAtomic, Peers::callAtomic, Peers::workAtomic, Peers::readAtomic },
	};
	static final String[][] ABOUT = {
		{ "Java LongAdder", "at rest", "yes", "as many cells as contention wants" },
		{ "Java AtomicLong", "always", "no", "one atomic number" },
	};

	static void list() {
		for (String[] about : ABOUT)
			System.out.printf("{\"name\": \"%s\", \"exact\": \"%s\", \"negative\": \"%s\", "
				+ "\"note\": \"%s\", \"kind\": \"real\", \"against\": \"portermem\", "
				+ "\"counts\": \"size asked for\", \"peak\": \"no\", \"limit\": \"no\", "
				+ "\"jobs\": [\"update\", \"call\", \"work\", \"read\"]}%n",
				(Object[]) about);
		System.out.println();
	}

	static double[] timed(Loop loop, int parties, long n) throws InterruptedException {
		double[] mean = { 0, 0, 1 };
		for (Stopwatch watch : together(parties, (me, w) -> loop.run(n, w))) {
			mean[0] += (double) watch.wall / n / parties;
			double own = Math.max(watch.wall - watch.waits, 1);
			mean[1] += own / n / parties;
			mean[2] = Math.min(mean[2], own / (watch.wall + 1));
		}
		return mean;
	}

	static final Map<String, Double> known = new HashMap<>();

	static void measure(int which, String job, int parties, double us)
			throws InterruptedException {
		Loop loop = LOOPS[which][List.of(JOBS).indexOf(job)];
		String key = which + job + parties;
		if (!known.containsKey(key)) {
			/* The compilers work at once (-Xbatch), and are done then. */
			for (int i = 0; i < 30; i++)
				timed(loop, parties, 20000);
			known.put(key, timed(loop, parties, 20000)[0]);
		}
		long n = Math.max(1, (long) (us * 1e3 / known.get(key)));
		double[] is = timed(loop, parties, n);
		System.out.printf("{\"ns\": %.4f, \"own\": %.4f, \"share\": %.3f}%n", is[0], is[1], is[2]);
	}

	static long value(int which) {
		return which == 0 ? adder.sum() : atomic.get();
	}

	static void change(int which, long sign, long times) {
		for (long i = 0; i < times; i++) {
			if (which == 0)
				adder.add(sign * (1 + i % 512));
			else
				atomic.addAndGet(sign * (1 + i % 512));
		}
	}

	/** Two threads charge at the same time; each refunds what the other has. */
	static String check(int which) throws InterruptedException {
		long[] times = { 100_000, 70_000 };
		long begin = value(which), wanted = 0;
		for (long n : times)
			for (long i = 0; i < n; i++)
				wanted += 1 + i % 512;
		together(2, (me, watch) -> change(which, 1, times[me]));
		long got = value(which) - begin;
		if (got != wanted)
			return "two threads have charged: " + wanted + " wanted, " + got + " read";
		together(2, (me, watch) -> change(which, -1, times[1 - me]));
		got = value(which) - begin;
		return got == 0 ? "" : "each has refunded the other's: 0 wanted, " + got + " read";
	}

	public static void main(String[] args) throws IOException, InterruptedException {
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		for (String line; (line = in.readLine()) != null;) {
			String[] words = line.split(" ");
			switch (words[0]) {
			case "list" -> list();
			case "threads" -> {
				growTo(Integer.parseInt(words[1]));
				System.out.println("{}");
			}
			case "measure" -> measure(Integer.parseInt(words[1]), words[2],
				Integer.parseInt(words[3]), Double.parseDouble(words[4]));
			case "check" -> System.out.printf("{\"wrong\": \"%s\"}%n",
				check(Integer.parseInt(words[1])));
			default -> throw new IOException("what is '" + line + "'?");
			}
			System.out.flush();
		}
	}
}
