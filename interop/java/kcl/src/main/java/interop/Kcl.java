package interop;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.kpl.Messages;

/** The Kinesis Client Library 3 as a reader, and its protobuf classes as a witness. */
public final class Kcl {
    private static final Logger LOGGER = Logger.getLogger(AggregatorUtil.class.getName());

    private static String logged;

    private Kcl() {}

    public static void main(String[] args) throws Exception {
        LOGGER.setUseParentHandlers(false);
        LOGGER.addHandler(new Handler() {
            @Override
            public void publish(LogRecord record) {
                if (record.getLevel().intValue() >= Level.SEVERE.intValue()) {
                    Throwable thrown = record.getThrown();
                    logged = thrown == null ? record.getMessage() : thrown.toString();
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        });
        Protocol.serve(Kcl::handle);
    }

    private static JsonObject handle(JsonObject request) throws Exception {
        JsonArray entries = request.getAsJsonArray("entries");
        switch (Protocol.text(request, "op")) {
            case "decode":
                JsonElement range = request.get("range");
                return Protocol.each(entries, entry -> decode(entry, range));
            case "parse":
                return Protocol.each(entries, Kcl::parse);
            default:
                throw new IllegalArgumentException("unknown op");
        }
    }

    private static JsonObject decode(JsonObject entry, JsonElement range) {
        KinesisClientRecord record = KinesisClientRecord.builder()
                .data(ByteBuffer.wrap(Protocol.bytes(entry, "data")))
                .partitionKey(Protocol.text(entry, "partition_key"))
                .sequenceNumber(Protocol.text(entry, "sequence_number"))
                .build();
        AggregatorUtil util = new AggregatorUtil();
        logged = null;
        List<KinesisClientRecord> found;
        if (range == null || range.isJsonNull()) {
            found = util.deaggregate(List.of(record));
        } else {
            JsonArray ends = range.getAsJsonArray();
            found = util.deaggregate(
                    List.of(record), ends.get(0).getAsString(), ends.get(1).getAsString());
        }
        JsonArray records = new JsonArray();
        for (KinesisClientRecord one : found) {
            ByteBuffer data = one.data().duplicate();
            data.rewind();
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            JsonObject row = new JsonObject();
            row.addProperty("partition_key", one.partitionKey());
            row.addProperty("explicit_hash_key", one.explicitHashKey());
            row.addProperty("data", Protocol.base64(bytes));
            row.addProperty("sub_sequence_number", one.subSequenceNumber());
            row.addProperty("aggregated", one.aggregated());
            records.add(row);
        }
        JsonObject result = new JsonObject();
        result.add("records", records);
        result.addProperty("logged", logged);
        return result;
    }

    /** What protobuf-java finds between magic and digest, before the KCL makes anything of it. */
    private static JsonObject parse(JsonObject entry) throws Exception {
        byte[] data = Protocol.bytes(entry, "data");
        JsonObject result = new JsonObject();
        Messages.AggregatedRecord message;
        try {
            message = Messages.AggregatedRecord.parseFrom(ByteString.copyFrom(data, 4, data.length - 20));
        } catch (com.google.protobuf.InvalidProtocolBufferException | IndexOutOfBoundsException e) {
            result.addProperty("broken", e.toString());
            return result;
        }
        JsonArray partitionKeys = new JsonArray();
        for (int i = 0; i < message.getPartitionKeyTableCount(); i++) {
            partitionKeys.add(key(message.getPartitionKeyTable(i), message.getPartitionKeyTableBytes(i)));
        }
        JsonArray explicitHashKeys = new JsonArray();
        for (int i = 0; i < message.getExplicitHashKeyTableCount(); i++) {
            String text = message.getExplicitHashKeyTable(i);
            JsonObject key = key(text, message.getExplicitHashKeyTableBytes(i));
            key.addProperty("number", number(text));
            explicitHashKeys.add(key);
        }
        JsonArray records = new JsonArray();
        for (Messages.Record record : message.getRecordsList()) {
            JsonObject row = new JsonObject();
            row.addProperty("data", Protocol.base64(record.getData().toByteArray()));
            boolean utf8 = true;
            for (Messages.Tag tag : record.getTagsList()) {
                utf8 &= tag.getKeyBytes().isValidUtf8() && tag.getValueBytes().isValidUtf8();
            }
            row.addProperty("tags_utf8", utf8);
            records.add(row);
        }
        result.add("partition_keys", partitionKeys);
        result.add("explicit_hash_keys", explicitHashKeys);
        result.add("records", records);
        return result;
    }

    private static JsonObject key(String text, ByteString bytes) {
        JsonObject key = new JsonObject();
        key.addProperty("text", text);
        key.addProperty("utf8", bytes.isValidUtf8());
        return key;
    }

    private static String number(String text) {
        try {
            return new BigInteger(text).toString();
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
