package interop;

import com.amazonaws.kinesis.agg.AggRecord;
import com.amazonaws.kinesis.agg.RecordAggregator;
import com.amazonaws.services.kinesis.clientlibrary.types.UserRecord;
import com.amazonaws.services.kinesis.model.PutRecordsRequestEntry;
import com.amazonaws.services.kinesis.model.Record;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.ByteBuffer;
import java.util.List;

/** kinesis-aggregation's RecordAggregator as a writer, the KCL 1 it stands on as a reader. */
public final class Aggregation {
    private Aggregation() {}

    public static void main(String[] args) throws Exception {
        Protocol.serve(Aggregation::handle);
    }

    private static JsonObject handle(JsonObject request) throws Exception {
        switch (Protocol.text(request, "op")) {
            case "decode":
                return Protocol.each(request.getAsJsonArray("entries"), Aggregation::decode);
            case "encode":
                return encode(request);
            default:
                throw new IllegalArgumentException("unknown op");
        }
    }

    private static JsonObject decode(JsonObject entry) {
        Record record = new Record()
                .withData(ByteBuffer.wrap(Protocol.bytes(entry, "data")))
                .withPartitionKey(Protocol.text(entry, "partition_key"))
                .withSequenceNumber(Protocol.text(entry, "sequence_number"));
        JsonArray records = new JsonArray();
        for (UserRecord one : UserRecord.deaggregate(List.of(record))) {
            JsonObject row = new JsonObject();
            row.addProperty("partition_key", one.getPartitionKey());
            row.addProperty("explicit_hash_key", one.getExplicitHashKey());
            row.addProperty("data", bytes(one.getData()));
            row.addProperty("sub_sequence_number", one.getSubSequenceNumber());
            row.addProperty("aggregated", one.isAggregated());
            records.add(row);
        }
        JsonObject result = new JsonObject();
        result.add("records", records);
        return result;
    }

    private static JsonObject encode(JsonObject request) throws Exception {
        long maxSize = request.get("max_size").getAsLong();
        RecordAggregator aggregator = new RecordAggregator();
        JsonArray entries = new JsonArray();
        for (JsonElement element : request.getAsJsonArray("records")) {
            JsonObject record = element.getAsJsonObject();
            add(entries, aggregator.addUserRecord(
                    Protocol.text(record, "partition_key"),
                    Protocol.text(record, "explicit_hash_key"),
                    Protocol.bytes(record, "data")));
            // It knows no limit but 1 MiB.
            if (aggregator.getSizeBytes() >= maxSize) {
                add(entries, aggregator.clearAndGet());
            }
        }
        add(entries, aggregator.clearAndGet());
        JsonObject answer = new JsonObject();
        answer.add("entries", entries);
        return answer;
    }

    private static void add(JsonArray entries, AggRecord full) {
        if (full == null) {
            return;
        }
        PutRecordsRequestEntry put = full.toPutRecordsRequestEntry();
        JsonObject entry = new JsonObject();
        entry.addProperty("data", bytes(put.getData()));
        entry.addProperty("partition_key", put.getPartitionKey());
        entry.addProperty("explicit_hash_key", put.getExplicitHashKey());
        entries.add(entry);
    }

    private static String bytes(ByteBuffer buffer) {
        ByteBuffer copy = buffer.duplicate();
        copy.rewind();
        byte[] bytes = new byte[copy.remaining()];
        copy.get(bytes);
        return Protocol.base64(bytes);
    }
}
