/**
 * A heap of records, one thread of which notes how long it did not get to run.
 * Usage: java Records.java RECORDS. For each line read: the largest gap so far, in
 * seconds, which is then forgotten.
 */
import java.util.Scanner;

public class Records {
    static class Record {
        final Integer number;
        final String name;
        final Double amount;
        final Object[] origin;

        Record(int number) {
            this.number = number + 1_000_000;
            this.name = "record " + number;
            this.amount = number * 1.5;
            this.origin = new Object[] {"place " + number, number + 2_000_000};
        }
    }

    static volatile long largest = 0;
    // What only a variable names is collected once nothing reads it any more.
    static Record[] records;

    public static void main(String[] arguments) throws Exception {
        records = new Record[Integer.parseInt(arguments[0])];
        for (int i = 0; i < records.length; i++) {
            records[i] = new Record(i);
        }
        Thread heartbeat = new Thread(() -> {
            long last = System.nanoTime();
            while (true) {
                try {
                    Thread.sleep(1);
                } catch (InterruptedException error) {
                    return;
                }
                long now = System.nanoTime();
                largest = Math.max(largest, now - last);
                last = now;
            }
        });
        heartbeat.setDaemon(true);
        heartbeat.start();
        System.out.println(records.length);
        Scanner input = new Scanner(System.in);
        while (input.hasNextLine()) {
            input.nextLine();
            System.out.println(largest / 1e9);
            largest = 0;
        }
    }
}
