// The program that the java workload compiles and runs; prints the same on
// every run.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

public class Main {
	private long seed;

	private Main(long seed) {
		this.seed = seed;
	}

	private int next() {
		seed = seed * 16807 % 2147483647;
		return (int) seed;
	}

	private static String digest(byte[] data) throws Exception {
		return HexFormat.of().formatHex(
			MessageDigest.getInstance("SHA-256").digest(data));
	}

	private String text(int lines) {
		StringBuilder builder = new StringBuilder();
		for (int i = 0; i < lines; i++) {
			builder.append("line ").append(i).append(' ')
				.append(Integer.toHexString(next())).append('\n');
			if (i % 1000 == 999)
				builder.insert(builder.length() / 2, "middle");
		}
		return builder.toString();
	}

	// java.util.zip and direct buffers use the C heap.
	private String natively(int rounds) throws Exception {
		byte[] data = text(20000).getBytes("UTF-8");
		StringBuilder results = new StringBuilder();
		for (int i = 0; i < rounds; i++) {
			ByteArrayOutputStream packed = new ByteArrayOutputStream();
			try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
				out.write(data, 0, data.length - i);
			}
			byte[] back = new GZIPInputStream(
				new ByteArrayInputStream(packed.toByteArray())).readAllBytes();
			ByteBuffer direct = ByteBuffer.allocateDirect(back.length);
			direct.put(back).flip();
			byte[] copy = new byte[direct.remaining()];
			direct.get(copy);
			results.append(digest(copy));
		}
		return digest(results.toString().getBytes("UTF-8"));
	}

	private String collections(int count) throws Exception {
		Map<String, List<Integer>> groups = new HashMap<>();
		for (int i = 0; i < count; i++) {
			int n = next();
			groups.computeIfAbsent("key" + n % 4999, k -> new ArrayList<>())
				.add(n);
		}
		groups.keySet().removeIf(k -> k.endsWith("7"));
		return groups.size() + " " + digest(new TreeMap<>(groups).toString()
			.getBytes("UTF-8"));
	}

	private static String threads(int count, int rounds) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(count);
		List<Callable<String>> tasks = IntStream.range(0, count * 4)
			.<Callable<String>>mapToObj(i -> () -> {
				Main main = new Main(i + 1);
				return main.natively(rounds) + main.collections(5000);
			}).collect(Collectors.toList());
		StringBuilder results = new StringBuilder();
		for (Future<String> result : pool.invokeAll(tasks))
			results.append(result.get());
		pool.shutdown();
		return digest(results.toString().getBytes("UTF-8"));
	}

	private static int manyThreads(int count) throws Exception {
		int[] done = new int[1];
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < count; i++) {
			Thread thread = new Thread(() -> {
				synchronized (done) {
					done[0]++;
				}
			});
			thread.start();
			threads.add(thread);
		}
		for (Thread thread : threads)
			thread.join();
		return done[0];
	}

	private static String child(String... command) throws Exception {
		Process process = new ProcessBuilder(command)
			.redirectErrorStream(true).start();
		String output = new String(process.getInputStream().readAllBytes());
		return process.waitFor() + " " + output.strip();
	}

	public static void main(String[] args) throws Exception {
		boolean whole = args.length == 0;
		Main main = new Main(12345);
		String text = main.text(whole ? 200000 : 20000);
		System.out.println("text " + text.length() + " "
			+ digest(text.getBytes("UTF-8")));
		System.out.println("matches " + Pattern.compile("line (\\d*)5 .*[a-f]$",
			Pattern.MULTILINE).matcher(text).results().count());
		System.out.println("collections "
			+ main.collections(whole ? 500000 : 20000));
		for (int i = 0; i < (whole ? 20 : 3); i++) {
			List<byte[]> garbage = new ArrayList<>();
			for (int j = 0; j < 2000; j++)
				garbage.add(new byte[main.next() % 32768]);
		}
		System.gc();
		System.out.println("threads " + threads(whole ? 8 : 2, whole ? 10 : 1));
		System.out.println("many threads " + manyThreads(whole ? 1000 : 50));
		Path file = Files.createTempFile(Path.of("."), "text", ".txt");
		Files.writeString(file, text);
		System.out.println("lines " + Files.lines(file).distinct().count());
		Files.delete(file);
		for (int i = 0; i < (whole ? 20 : 2); i++)
			System.out.println("child " + child("/bin/sh", "-c",
				"echo " + i + "; seq 1 10000 | cksum; exit " + i));
	}
}
