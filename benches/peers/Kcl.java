import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/** The KCL's AggregatorUtil; a line that says what it is, then a line of answer to each request. */
public final class Kcl {
    // As Lambda's own event classes, which Jackson reads, too, but for the data: from a String they come
    // faster than by Jackson's own base64.
    public static final class Event {
        public List<EventRecord> Records;
    }

    public static final class EventRecord {
        public Kinesis kinesis;
        public String eventSource;
        public String eventVersion;
        public String eventID;
        public String eventName;
        public String invokeIdentityArn;
        public String awsRegion;
        public String eventSourceARN;
    }

    public static final class Kinesis {
        public String kinesisSchemaVersion;
        public String partitionKey;
        public String sequenceNumber;
        public String data;
        public double approximateArrivalTimestamp;
    }

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final AggregatorUtil UTIL = new AggregatorUtil();

    private static byte[] json;
    private static List<KinesisClientRecord> kinesisRecords;
    /** Written for the compiler, which must not find out that nobody reads the user records. */
    private static volatile long touched;

    private Kcl() {}

    public static void main(String[] arguments) throws Exception {
        Path jar = Path.of(AggregatorUtil.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        System.out.println(jar.getFileName() + ", Java " + Runtime.version());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] request = line.split(" ", 2);
            System.out.println(answer(request[0], request[1]));
        }
    }

    private static String answer(String request, String argument) throws Exception {
        switch (request) {
            case "load":
                json = Files.readAllBytes(Path.of(argument));
                kinesisRecords = parse();
                return "loaded";
            case "check":
                return check(records(argument));
            case "time":
                String[] arguments = argument.split(" ");
                return time(arguments[0], Double.parseDouble(arguments[1]));
            default:
                throw new IllegalArgumentException("no such request");
        }
    }

    private static List<KinesisClientRecord> parse() throws IOException {
        Event event = MAPPER.readValue(json, Event.class);
        List<KinesisClientRecord> records = new ArrayList<>(event.Records.size());
        for (EventRecord record : event.Records) {
            records.add(KinesisClientRecord.builder()
                    .data(ByteBuffer.wrap(Base64.getDecoder().decode(record.kinesis.data)))
                    .partitionKey(record.kinesis.partitionKey)
                    .sequenceNumber(record.kinesis.sequenceNumber)
                    .build());
        }
        return records;
    }

    private static List<KinesisClientRecord> records(String stage) throws IOException {
        switch (stage) {
            case "decode":
                return UTIL.deaggregate(kinesisRecords);
            case "event":
                return UTIL.deaggregate(parse());
            default:
                throw new IllegalArgumentException("no such stage");
        }
    }

    /** The KCL leaves the buffers that it reads at their end. */
    private static void rewind() {
        kinesisRecords.forEach(record -> record.data().rewind());
    }

    private static String check(List<KinesisClientRecord> records) throws Exception {
        rewind();
        MessageDigest md5 = MessageDigest.getInstance("MD5");
        long bytes = 0;
        for (KinesisClientRecord record : records) {
            byte[] data = new byte[record.data().remaining()];
            record.data().duplicate().get(data);
            for (byte[] part : List.of(record.partitionKey().getBytes(StandardCharsets.UTF_8), data)) {
                int length = part.length;
                md5.update(new byte[] {
                    (byte) length, (byte) (length >> 8), (byte) (length >> 16), (byte) (length >> 24)
                });
                md5.update(part);
            }
            bytes += data.length;
        }
        return records.size() + " " + bytes + " " + HexFormat.of().formatHex(md5.digest());
    }

    private static String time(String stage, double seconds) throws IOException {
        long spent = 0;
        int runs = 0;
        for (; runs == 0 || spent < seconds * 1e9; runs++) {
            rewind();
            long start = System.nanoTime();
            long sum = 0;
            for (KinesisClientRecord record : records(stage)) {
                ByteBuffer data = record.data();
                sum += record.partitionKey().length() + data.remaining() + data.get(data.position());
            }
            touched = sum;
            spent += System.nanoTime() - start;
        }
        return String.valueOf(spent / 1e9 / runs);
    }
}
